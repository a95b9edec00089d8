//! Every page, with the roles to which it is open. A page that is not listed is not served.

use std::collections::BTreeMap;
use std::pin::Pin;
use std::sync::Arc;

use axum::Router;
use axum::extract::{RawPathParams, Request};
use axum::response::Redirect;
use axum::routing::{MethodFilter, MethodRouter, any, get};
use payment_domain::Role;
use payment_service::access::{ACCOUNTS, ACTS, ADMINS, ASKS, AUDITS, CHECKS, MAKES, OPERATIONS, PAYMENTS};

use crate::Shared;
use crate::assets;
use crate::context::Context;
use crate::failure::Outcome;
use crate::screens::{
    account, account_entry, account_steps, accounts, attention, audit, employee, events, export, gateways,
    home, jobs, login, payment, payments, provider, refund, refund_request, refunds, sessions, tokens,
};
use crate::serve::serve;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Verb {
    Get,
    /// A form that is carried out once.
    Post,
    /// A form that changes nothing: its words have no place in an address.
    Ask,
}

/// The callers to whom a page is open.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Access {
    /// Without a session, too.
    Open,
    /// With a session, also while its roles cannot be checked.
    Session,
    /// In any role.
    Anyone,
    /// In one of these roles, at any tenant: the page shows what is within their tenants.
    Anywhere(&'static [Role]),
    /// In one of these roles at a state: the page concerns the whole installation.
    Installation(&'static [Role]),
}

pub(crate) type Handler = for<'a> fn(&'a Context) -> Pin<Box<dyn Future<Output = Outcome> + Send + 'a>>;

pub(crate) struct Route {
    pub(crate) verb: Verb,
    /// Below the console's path.
    pub(crate) path: &'static str,
    pub(crate) access: Access,
    pub(crate) handler: Handler,
}

macro_rules! routes {
    ($($verb:ident $path:literal $access:expr => $handler:path;)*) => {
        &[$(Route {
            verb: Verb::$verb,
            path: $path,
            access: $access,
            handler: |context| Box::pin($handler(context)),
        },)*]
    };
}

pub(crate) const ROUTES: &[Route] = routes! {
    Get "/assets/{version}/{file}" Access::Open => assets::serve;
    Get "/language/{code}" Access::Open => login::language;
    Get "/login" Access::Open => login::show;
    Get "/login/link/{secret}" Access::Open => login::link;
    Post "/login/link" Access::Open => login::log_in;
    Get "/login/provider" Access::Open => provider::begin;
    Get "/login/provider/back" Access::Open => provider::back;
    Post "/login/employee" Access::Open => employee::log_in;
    Post "/logout" Access::Session => login::log_out;
    Post "/logout/everywhere" Access::Session => login::log_out_everywhere;
    Get "/" Access::Anyone => home::show;
    Get "/sessions" Access::Anyone => sessions::list;
    Post "/sessions/{id}/end" Access::Anyone => sessions::end;
    Get "/tokens" Access::Anyone => tokens::list;
    Post "/tokens" Access::Anyone => tokens::issue;
    Post "/tokens/{id}/revoke" Access::Anyone => tokens::revoke;
    Get "/payments" Access::Anywhere(PAYMENTS) => payments::list;
    Ask "/payments/find" Access::Anywhere(PAYMENTS) => payments::find;
    Get "/payments/{id}" Access::Anywhere(PAYMENTS) => payment::show;
    Post "/payments/{id}/reveal" Access::Anywhere(ASKS) => payment::reveal;
    Post "/payments/{id}/ask" Access::Anywhere(ACTS) => payment::ask;
    Get "/payments/{id}/refund" Access::Anywhere(MAKES) => refund_request::form;
    Post "/payments/{id}/refund" Access::Anywhere(MAKES) => refund_request::request;
    Get "/attention" Access::Anywhere(OPERATIONS) => attention::list;
    Get "/attention/{id}" Access::Anywhere(OPERATIONS) => attention::show;
    Post "/attention/{id}/take" Access::Anywhere(ACTS) => attention::take;
    Post "/attention/{id}/release" Access::Anywhere(ACTS) => attention::release;
    Post "/attention/{id}/note" Access::Anywhere(ACTS) => attention::note;
    Post "/attention/{id}/resolve" Access::Anywhere(ACTS) => attention::resolve;
    Get "/refunds" Access::Anywhere(PAYMENTS) => refunds::list;
    Get "/refunds/{id}" Access::Anywhere(PAYMENTS) => refund::show;
    Get "/refunds/{id}/approve" Access::Anywhere(CHECKS) => refund::confirm;
    Post "/refunds/{id}/approve" Access::Anywhere(CHECKS) => refund::approve;
    Post "/refunds/{id}/reject" Access::Anywhere(CHECKS) => refund::reject;
    Post "/refunds/{id}/withdraw" Access::Anywhere(MAKES) => refund::withdraw;
    Post "/refunds/{id}/ask" Access::Anywhere(ASKS) => refund::ask;
    Get "/accounts" Access::Anywhere(ACCOUNTS) => accounts::list;
    Get "/accounts/new" Access::Anywhere(ADMINS) => account_entry::form;
    Post "/accounts/new" Access::Anywhere(ADMINS) => account_entry::add;
    Get "/accounts/{id}" Access::Anywhere(ACCOUNTS) => account::show;
    Get "/accounts/{id}/enter" Access::Anywhere(ADMINS) => account_entry::enter_form;
    Post "/accounts/{id}/enter" Access::Anywhere(ADMINS) => account_entry::enter;
    Post "/accounts/{id}/verify" Access::Anywhere(ADMINS) => account_steps::verify;
    Get "/accounts/{id}/activate" Access::Anywhere(ADMINS) => account_steps::confirm_activation;
    Post "/accounts/{id}/activate" Access::Anywhere(ADMINS) => account_steps::activate;
    Get "/accounts/{id}/retire" Access::Anywhere(ADMINS) => account_steps::confirm_retirement;
    Post "/accounts/{id}/retire" Access::Anywhere(ADMINS) => account_steps::retire;
    Get "/events" Access::Installation(OPERATIONS) => events::list;
    Post "/events/{sequence}/publish" Access::Installation(ACTS) => events::publish;
    Get "/gateways" Access::Installation(OPERATIONS) => gateways::show;
    Get "/jobs" Access::Installation(OPERATIONS) => jobs::list;
    Get "/jobs/{name}" Access::Installation(OPERATIONS) => jobs::show;
    Post "/jobs/{name}/run" Access::Installation(ACTS) => jobs::run;
    Get "/audit" Access::Installation(AUDITS) => audit::list;
    Get "/audit/verification" Access::Installation(AUDITS) => audit::verification;
    Ask "/export/payments" Access::Anywhere(PAYMENTS) => export::payments;
    Ask "/export/refunds" Access::Anywhere(PAYMENTS) => export::refunds;
    Ask "/export/attention" Access::Anywhere(OPERATIONS) => export::cases;
    Ask "/export/accounts" Access::Anywhere(ACCOUNTS) => export::accounts;
    Ask "/export/events" Access::Installation(OPERATIONS) => export::events;
    Ask "/export/jobs/{name}" Access::Installation(OPERATIONS) => export::runs;
    Ask "/export/audit" Access::Installation(AUDITS) => export::entries;
    Post "/audit/verify" Access::Installation(AUDITS) => audit::verify;
};

pub(crate) fn router(shared: &Arc<Shared>) -> Router {
    let base = shared.console.base.as_str();
    let mut by_path: BTreeMap<&'static str, Vec<&'static Route>> = BTreeMap::new();
    for route in ROUTES {
        by_path.entry(route.path).or_default().push(route);
    }
    let not_found = || answered_by(shared, None);
    let mut router = Router::new()
        .route(base, get(Redirect::permanent(&format!("{base}/"))))
        .route(&format!("{base}/{{*rest}}"), any(not_found()));
    for (path, routes) in by_path {
        let mut methods = MethodRouter::new().fallback(not_found());
        for route in routes {
            let verb = match route.verb {
                Verb::Get => MethodFilter::GET,
                Verb::Post | Verb::Ask => MethodFilter::POST,
            };
            methods = methods.on(verb, answered_by(shared, Some(route)));
        }
        router = router.route(&format!("{base}{path}"), methods);
    }
    router
}

/// The handler of a route.
fn answered_by(
    shared: &Arc<Shared>,
    route: Option<&'static Route>,
) -> impl Fn(
    Result<RawPathParams, axum::extract::rejection::RawPathParamsRejection>,
    Request,
) -> Pin<Box<dyn Future<Output = axum::response::Response> + Send>>
+ Clone
+ Send
+ Sync
+ 'static {
    let shared = shared.clone();
    move |path, request| Box::pin(serve(shared.clone(), route, path.ok(), request))
}
