//! The DIGIT services over HTTP, behind the same traits as the embedded implementations.
//!
//! Every call carries the caller's `RequestInfo` whole, with its token, and its correlation id as a header.
//! Every call ends within its [`Limits`]. Read-only calls are repeated at most twice; calls that act are made
//! once; the caller decides on an unclear answer. Nothing of a request or an answer is logged or shown in an
//! error, except the error body a service refuses with, which is passed on.

mod bank_accounts;
mod billing;
mod cache;
mod collections;
mod http;
mod ids;
mod json;
mod links;
mod localization;
mod passwords;
mod tokens;
mod users;

pub use bank_accounts::{BankAccountMaster, BankAccountMasterConfig};
pub use billing::{BillingConfig, BillingService};
pub use collections::{CollectionConfig, CollectionService};
pub use http::{InvalidAddress, LIMITS};
pub use ids::{IdGeneration, IdGenerationConfig};
pub use links::{LinkShortener, LinkShortenerConfig};
pub use localization::{LocalizationConfig, LocalizationService};
pub use passwords::{PasswordConfig, PasswordService};
pub use tokens::{TokenConfig, TokenService};
pub use users::{UserConfig, UserService};

pub use payment_http_client::{Client, Limits};

use payment_domain::RequestInfo;
use serde::Serialize;

#[derive(Serialize)]
struct OnlyRequestInfo<'a> {
    #[serde(rename = "RequestInfo")]
    info: &'a RequestInfo,
}
