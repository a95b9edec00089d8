//! The console of operators: pages made by the server, which work without JavaScript.
//!
//! [`pages`] serves the pages of `routes::ROUTES`, each with the roles to which it is open: a page that is not
//! listed is not served. `serve` guards them: session, roles, forged forms, headers. A screen is a file of
//! `screens` with its template, over the same use cases and views as the endpoints.

mod assets;
mod context;
mod cookies;
mod failure;
mod flow;
mod form_tokens;
mod format;
mod forms;
mod guard;
mod headers;
mod language;
mod links;
mod list;
mod logins;
mod once;
mod page;
mod plot;
mod rate;
mod routes;
mod screens;
mod sealed;
mod serve;
mod tables;
#[cfg(test)]
mod tests;
mod trail;
mod wording;

use std::net::IpAddr;
use std::sync::Arc;

use axum::Router;
use axum::response::Response;
use http::{Extensions, HeaderMap, StatusCode};
use payment_service::{Accounts, LoginWays, Payments, Scheduler};
use tokio_util::sync::CancellationToken;

pub use crate::logins::{Logins, ProviderLogin};
use crate::rate::Rate;

/// The parts of the console's address below the context path.
pub const PATH: &str = "/console";

/// The network address of a request's client, as far as the server knows it.
pub type AddressOf = Box<dyn Fn(&Extensions, &HeaderMap) -> Option<IpAddr> + Send + Sync>;

/// The id of a request, as far as the server knows it.
pub type RequestIdOf = Box<dyn Fn(&Extensions) -> String + Send + Sync>;

/// The page in place of an error that the server answers: by the headers of the request, its id and the status.
pub type ErrorPage = Box<dyn Fn(&HeaderMap, &str, StatusCode) -> Response + Send + Sync>;

/// The console: use cases and settings.
pub struct Console {
    pub payments: Payments,
    pub accounts: Accounts,
    pub scheduler: Scheduler,
    /// Ends runs of jobs that were begun here.
    pub stop: CancellationToken,
    /// The path below which the pages are served: the context path and [`PATH`].
    pub base: String,
    /// The address of the pages as browsers reach them, with [`Console::base`].
    pub url: String,
    /// The host by which alone it is served; `None` is any.
    pub host: Option<String>,
    /// Nothing real is configured.
    pub stands_alone: bool,
    /// Whether the sandbox gateway is offered: its data are marked on every page.
    pub sandbox: bool,
    pub address_of: AddressOf,
    pub request_id_of: RequestIdOf,
    pub limits: LoginLimits,
    pub logins: Logins,
}

impl Console {
    /// The logins that are offered now.
    pub(crate) fn ways(&self) -> LoginWays<'_> {
        LoginWays {
            moves_no_money: self.moves_no_money(),
            provider: self.logins.provider.is_some(),
            employees: self.logins.employees.as_ref(),
        }
    }

    /// As long as the service stands alone with the sandbox, and no merchant account has come since.
    pub fn moves_no_money(&self) -> bool {
        self.stands_alone && self.payments.ports.gateways.are_the_sandbox_alone()
    }
}

/// Failed logins a minute; further ones are refused.
#[derive(Debug, Clone, Copy)]
pub struct LoginLimits {
    pub of_an_address: u32,
    pub of_all: u32,
}

impl Default for LoginLimits {
    fn default() -> LoginLimits {
        LoginLimits { of_an_address: 10, of_all: 120 }
    }
}

struct Shared {
    console: Console,
    rate: Rate,
}

/// The pages of the console.
pub struct Pages {
    /// At their full paths.
    pub routes: Router,
    pub error_page: ErrorPage,
}

pub fn pages(console: Console) -> Pages {
    let rate = Rate::new(console.limits);
    let shared = Arc::new(Shared { console, rate });
    let routes = routes::router(&shared);
    Pages {
        routes,
        error_page: Box::new(move |headers, request_id, status| {
            serve::error_page(&shared, headers, request_id, status)
        }),
    }
}

/// The path of a one-time link, below the console's.
pub fn link_path(secret: &str) -> String {
    format!("/login/link/{secret}")
}
