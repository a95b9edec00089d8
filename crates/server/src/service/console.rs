//! The console: its pages, its address, its logins, and the link by which a newcomer enters it.

use std::sync::Arc;

use axum::http::HeaderMap;
use payment_console::{Console, LoginLimits, Logins, Pages, ProviderLogin};
use payment_digit::clients::{PasswordService, TokenService};
use payment_domain::{AuditActor, Grant, Personal, Role};
use payment_http::{PagesBeside, RequestId};
use payment_http_client::Client;
use payment_oidc::Provider;
use payment_service::{Accounts, Employees, Payments, Scheduler};
use payment_store::SessionHolder;
use secrecy::ExposeSecret;
use tokio_util::sync::CancellationToken;

use super::digit;
use crate::config::{Config, Database};
use crate::failure::{Failure, Outcome};

/// The roles of the link that a start prints: everything that one person may hold at once.
const NEWCOMER: [Role; 5] =
    [Role::Operator, Role::Viewer, Role::Auditor, Role::RefundMaker, Role::RefundChecker];

/// The pages, at their full paths; `root` is the origin of their address on this machine.
///
/// # Errors
/// When the services of its logins cannot be called.
pub(super) fn pages(
    config: &Config,
    payments: &Payments,
    accounts: &Accounts,
    scheduler: &Scheduler,
    stop: &CancellationToken,
    root: &str,
) -> Outcome<PagesBeside> {
    let proxies = config.server.proxies.clone();
    let Pages { routes, error_page } = payment_console::pages(Console {
        payments: payments.clone(),
        accounts: accounts.clone(),
        scheduler: scheduler.clone(),
        stop: stop.clone(),
        base: path(config),
        url: url(config, root),
        host: config.console.host.clone(),
        stands_alone: config.stands_alone(),
        sandbox: config.sandbox.active,
        address_of: Box::new(move |extensions, headers| proxies.address_of(extensions, headers)),
        request_id_of: Box::new(|extensions| {
            extensions.get::<RequestId>().map(|id| id.as_str().to_owned()).unwrap_or_default()
        }),
        limits: LoginLimits::default(),
        logins: logins(config, payments)?,
    });
    let error_page =
        move |headers: &HeaderMap, id: &RequestId, status| error_page(headers, id.as_str(), status);
    Ok(PagesBeside { routes, error_page: Arc::new(error_page) })
}

/// The logins beside one-time links. Nothing is asked yet: the service starts without their services.
fn logins(config: &Config, payments: &Payments) -> Outcome<Logins> {
    let (logins, clock) = (&config.console.logins, &payments.ports.clock);
    let provider = match &logins.provider {
        Some(login) => {
            let client = Client::new(payment_oidc::LIMITS).map_err(|error| {
                Failure::new("the login provider cannot be called")
                    .because(error.as_ref())
                    .try_this("install the system's CA certificates")
            })?;
            let provider = Provider::new(login.client.clone(), client, clock.clone());
            let provider = provider.map_err(|error| {
                Failure::new("the settings of the login provider cannot be used").because(&error)
            })?;
            Some(ProviderLogin {
                name: login.name.clone(),
                issuer: login.client.issuer.clone(),
                provider,
                claims: login.claims.clone(),
            })
        }
        None => None,
    };
    let employees = match (&logins.employees, &config.services.tokens) {
        (Some(passwords), Some(tokens)) => {
            let client = digit::client(&config.services)?;
            let tokens = digit::usable(TokenService::new(tokens, &client, clock.clone()))?;
            let passwords = digit::usable(PasswordService::new(passwords, &client))?;
            Some(Employees::new(Arc::new(tokens), Arc::new(passwords), config.roles.clone()))
        }
        (None, _) | (_, None) => None,
    };
    Ok(Logins { provider, employees })
}

/// The console's address as browsers reach it.
fn url(config: &Config, root: &str) -> String {
    let (console, public) = (&config.console, &config.server.public_url);
    match (&console.logins.url, &console.host, public) {
        (Some(origin), _, _) => format!("{origin}{}", path(config)),
        (None, Some(host), _) => format!("https://{host}{}", path(config)),
        (None, None, Some(public)) if console.port.is_none() => {
            format!("{public}{}", payment_console::PATH)
        }
        (None, None, _) => format!("{root}{}", path(config)),
    }
}

/// The console's path, with the context path.
pub(crate) fn path(config: &Config) -> String {
    format!("{}{}", config.server.context_path.as_str(), payment_console::PATH)
}

/// A one-time link for whoever starts a service that moves no money and is reached from this machine alone.
/// `url` is the console's address.
///
/// # Errors
/// When it cannot be stored.
pub(super) async fn newcomers_link(
    config: &Config,
    payments: &Payments,
    url: &str,
) -> Outcome<Option<String>> {
    let is_private = config.server.address.is_loopback() && matches!(config.database, Database::Embedded);
    let moves_no_money = config.stands_alone() && payments.ports.gateways.are_the_sandbox_alone();
    if !(config.has_console() && is_private && moves_no_money) {
        return Ok(None);
    }
    let grant = |role| Grant { role, tenant: config.console.tenant.clone() };
    let holder = SessionHolder {
        uuid: "console-newcomer".to_owned(),
        name: Personal::new("Newcomer"),
        grants: NEWCOMER.map(grant).into(),
    };
    let issued = payments.sessions.issue_link(AuditActor::Job("start"), holder, moves_no_money).await;
    let issued =
        issued.map_err(|error| Failure::new("no link into the console can be issued").because(&error))?;
    Ok(Some(format!("{url}{}", payment_console::link_path(issued.secret.expose_secret()))))
}
