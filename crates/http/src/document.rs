//! The OpenAPI document, generated from the handlers.

use utoipa::OpenApi as _;
use utoipa::openapi::security::{HttpAuthScheme, HttpBuilder, SecurityScheme};
use utoipa::openapi::{OpenApi, RefOr, Required, Server};
use utoipa_axum::router::OpenApiRouter;

use crate::context_path::ContextPath;
use crate::endpoints::endpoints;
use crate::envelope::{ErrorEntry, ErrorEnvelope};

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
        (name = "Refunds", description = "For proven callers with roles: one person requests a refund (PG_REFUND_MAKER), another approves it \
            (PG_REFUND_CHECKER)."),
        (name = "Operators", description = "For operators: jobs, what needs attention, reconciliation by hand. A request presents the shared \
            token or a personal API token, or a proven identity with the role PG_OPERATOR; for reading PG_VIEWER or PG_AUDITOR."),
        (name = "Accounts", description = "Merchant accounts and their credentials, for callers with PG_ADMIN: one person enters credentials, another \
            activates them. PG_AUDITOR reads."),
        (name = "Tokens", description = "Personal API tokens, for callers with PG_ADMIN."),
        (name = "Operations", description = "Health and metrics."),
    ),
    components(schemas(ErrorEnvelope<'static>, ErrorEntry)),
)]
struct Frame;

/// Operations whose body is optional, which the handlers' attributes cannot say.
pub(crate) const BODY_MAY_BE_MISSING: [&str; 15] = [
    "/transaction/v1/_update",
    "/transaction/v1/_redirect",
    "/gateway/v1/{gateway}/_callback",
    "/refund/v1/_search",
    "/refund/v1/_count",
    "/refund/v1/_update",
    "/jobs/v1/_search",
    "/jobs/v1/_history",
    "/jobs/v1/{name}/_run",
    "/attention/v1/_search",
    "/attention/v1/{id}/_show",
    "/reconciliation/v1/_run",
    "/account/v1/_search",
    "/tokens/v1/_search",
    "/tokens/v1/{id}/_revoke",
];

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
    let personal = HttpBuilder::new()
        .scheme(HttpAuthScheme::Bearer)
        .description(Some("A personal API token, `pgs_…`."))
        .build();
    components.add_security_scheme("apiToken", SecurityScheme::Http(personal));
    document.servers =
        Some(vec![Server::new(if context.as_str().is_empty() { "/" } else { context.as_str() })]);
    document
}
