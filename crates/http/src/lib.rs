//! The HTTP interface of the payment gateway service.
//!
//! [`router`] makes endpoints of the use cases, one file each: an endpoint reads its request, calls one use case
//! and converts the answer. [`serve`] serves them within limits.

mod account;
mod app;
mod body;
mod caller;
mod context_path;
mod document;
mod endpoints;
mod envelope;
mod error;
mod gateway;
mod idempotency;
mod identity;
mod json;
mod limits;
mod log_context;
mod metrics;
mod middleware;
mod openapi;
mod operations;
mod operators;
mod params;
mod postman;
mod proxies;
mod refund;
mod reply;
mod request_info;
mod routes;
mod secret;
mod serve;
#[cfg(test)]
mod testing;
mod tokens;
mod transaction;
mod validation;

pub use app::{App, Operators, Pages};
pub use context_path::{ContextPath, InvalidContextPath};
pub use document::document;
pub use identity::IdentityProof;
pub use limits::{FREE_BODY_BYTES, RequestLimits, SLOWEST_READER, ServeLimits};
pub use metrics::{Metrics, MetricsError};
pub use middleware::{ErrorPage, RequestId};
pub use operations::starting::starting_router;
pub use postman::postman;
pub use proxies::{ForwardedHeader, IpNet, TrustedProxies};
pub use routes::{PagesBeside, admin_router, router, router_of_pages};
pub use serve::serve;
