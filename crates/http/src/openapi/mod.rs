//! The OpenAPI document: made from the handlers, when somebody asks for it.

pub(crate) mod failures;
mod request_info;
#[cfg(test)]
mod tests;

use std::sync::Arc;

use utoipa::OpenApi as _;
use utoipa::openapi::security::{HttpAuthScheme, HttpBuilder, SecurityScheme};
use utoipa::openapi::{OpenApi, RefOr, Required, Server};
use utoipa_axum::router::{OpenApiRouter, UtoipaMethodRouter};
use utoipa_axum::routes;

use crate::envelope::{ErrorEntry, ErrorEnvelope};
use crate::{App, ContextPath, gateway, operations, operators, transaction};

pub(crate) use request_info::RequestInfoSchema;

#[derive(utoipa::OpenApi)]
#[openapi(
    info(
        title = "Payment gateway service",
        description = "Payments for applications of DIGIT: one place between them and the payment gateways.\n\n\
            Create a transaction against a bill, send the payer to its `redirectUrl`, and settle it with `_update` \
            when the payer is back. What the gateway says is verified; a successful payment gets one receipt.\n\n\
            Errors come in one envelope; compare the `code`, show the `message`.",
        license(name = "MIT", identifier = "MIT"),
    ),
    tags(
        (name = "Transactions", description = "For applications: open, settle and find payments."),
        (name = "Gateways", description = "Which gateways there are, and where they report."),
        (name = "Payer", description = "Where the payer's browser passes on its way."),
        (name = "Operators", description = "For operators, when `operators.token` is set: jobs, what needs attention, reconciliation by hand. \
            Each request presents the token."),
        (name = "Operations", description = "Health and metrics."),
    ),
    components(schemas(ErrorEnvelope<'static>, ErrorEntry)),
)]
struct Frame;

/// Where a body of several kinds may also be missing, which the handlers' attributes cannot say.
const BODY_MAY_BE_MISSING: [&str; 9] = [
    "/transaction/v1/_update",
    "/transaction/v1/_redirect",
    "/gateway/v1/{gateway}/_callback",
    "/jobs/v1/_search",
    "/jobs/v1/_history",
    "/jobs/v1/{name}/_run",
    "/attention/v1/_search",
    "/attention/v1/{id}/_show",
    "/reconciliation/v1/_run",
];

/// Every documented endpoint, by its path below the context path.
pub(crate) fn endpoints() -> Vec<UtoipaMethodRouter<Arc<App>>> {
    vec![
        routes!(transaction::create::create),
        routes!(transaction::update::post, transaction::update::get),
        routes!(transaction::redirect::post, transaction::redirect::get),
        routes!(transaction::search::search),
        routes!(gateway::search::search),
        routes!(gateway::status::status),
        routes!(gateway::callback::post, gateway::callback::get),
        routes!(gateway::pay::pay),
        routes!(operators::search_jobs::search),
        routes!(operators::job_history::history),
        routes!(operators::run_job::run),
        routes!(operators::search_attention::search),
        routes!(operators::show_attention::show),
        routes!(operators::resolve_attention::resolve),
        routes!(operators::run_reconciliation::run),
        routes!(operations::health::health),
        routes!(operations::health::liveness),
        routes!(operations::health::readiness),
        routes!(operations::prometheus::prometheus),
    ]
}

/// The OpenAPI document of the service below this context path.
pub fn document(context: &ContextPath) -> OpenApi {
    let router = OpenApiRouter::with_openapi(Frame::openapi());
    let mut document = endpoints().into_iter().fold(router, OpenApiRouter::routes).into_openapi();
    for path in BODY_MAY_BE_MISSING {
        let operation = document.paths.paths.get_mut(path).and_then(|item| item.post.as_mut());
        if let Some(RefOr::T(body)) = operation.and_then(|operation| operation.request_body.as_mut()) {
            body.required = Some(Required::False);
        }
    }
    let token = HttpBuilder::new()
        .scheme(HttpAuthScheme::Bearer)
        .description(Some("What the setting `operators.token` holds."))
        .build();
    let components = document.components.get_or_insert_default();
    components.add_security_scheme("operatorToken", SecurityScheme::Http(token));
    document.servers =
        Some(vec![Server::new(if context.as_str().is_empty() { "/" } else { context.as_str() })]);
    document
}
