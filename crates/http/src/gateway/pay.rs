//! `GET /gateway/v1/_pay`: the page that leads to the gateway.

#[cfg(test)]
mod tests;

use std::sync::LazyLock;

use askama::Template;
use axum::extract::rejection::PathRejection;
use axum::extract::{Path, State};
use axum::response::Response;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use http::{HeaderValue, header};
use payment_domain::TxnId;
use payment_service::{PaymentForm, PaymentPage, PaymentPageError};
use sha2::{Digest, Sha256};
use url::Url;

use crate::app::Shared;
use crate::error::ApiError;
use crate::log_context::LogContext;
use crate::openapi::failures;
use crate::operations::html;
use crate::params::QueryParams;
use crate::transaction::redirect::{back_to_application, see_other};

/// Posts the form, which may have a field named `submit`.
const SCRIPT: &str = "HTMLFormElement.prototype.submit.call(document.forms[0]);";
const STYLE: &str = include_str!("../../templates/page.css");

#[derive(Template)]
#[template(path = "pay.html")]
struct PayPage<'a> {
    form: &'a PaymentForm,
    host: &'a str,
    script: &'static str,
    style: &'static str,
}

/// Go on to the gateway.
///
/// The page to which `redirectUrl` leads when the gateway wants a form posted: it posts it at once,
/// or by a button where there is no JavaScript. A payer whose payment is settled, or whose time to pay is
/// over, is sent back to the application instead, and so never pays twice.
#[utoipa::path(
    get,
    path = "/gateway/v1/_pay",
    operation_id = "goToGateway",
    tag = "Payer",
    params(
        ("eg_pg_txnid" = String, Query, description = "The transaction."),
        ("token" = String, Query, description = "The secret in the redirect URL."),
    ),
    responses((status = 200, description = "A page that posts a form to the gateway.", body = String, content_type = "text/html"),
        failures::Paying),
)]
pub(crate) async fn pay(State(app): Shared, query: QueryParams) -> Result<Response, ApiError> {
    let named = query.text("eg_pg_txnid").and_then(|id| TxnId::new(id).ok());
    let (Some(id), Some(token)) = (named, query.text("token")) else {
        return Err(PaymentPageError::NotFound.into());
    };
    let page = app.payments.payment_pages.open(&id, token).await?;
    lead(page, id)
}

/// Go on to the gateway from UPYOG's web client.
///
/// The same page by an address without a query: that of `txURL` in a `redirectUrl` with `redirect.upyog-form`.
#[utoipa::path(
    get,
    path = "/gateway/v1/_pay/{page}",
    operation_id = "goToGatewayByPath",
    tag = "Payer",
    params(("page" = String, Path, description = "The last segment of the address in `txURL`.")),
    responses((status = 200, description = "A page that posts a form to the gateway.", body = String, content_type = "text/html"),
        failures::Paying),
)]
pub(crate) async fn get_named(
    State(app): Shared,
    page: Result<Path<String>, PathRejection>,
) -> Result<Response, ApiError> {
    let Path(segment) = page.map_err(|_| PaymentPageError::NotFound)?;
    let (id, page) = app.payments.payment_pages.open_named(&segment).await?;
    lead(page, id)
}

/// Go on to the gateway from UPYOG's web client, by a form.
///
/// The fields are ignored.
#[utoipa::path(
    post,
    path = "/gateway/v1/_pay/{page}",
    operation_id = "goToGatewayByForm",
    tag = "Payer",
    params(("page" = String, Path, description = "The last segment of the address in `txURL`.")),
    responses((status = 200, description = "A page that posts a form to the gateway.", body = String, content_type = "text/html"),
        failures::Paying),
)]
pub(crate) async fn post_named(
    app: Shared,
    page: Result<Path<String>, PathRejection>,
) -> Result<Response, ApiError> {
    get_named(app, page).await
}

fn lead(page: PaymentPage, id: TxnId) -> Result<Response, ApiError> {
    match page {
        PaymentPage::Pay(form) => form_page(&form, id),
        PaymentPage::Follow(url) => see_other(url, id),
        PaymentPage::Closed(txn) => back_to_application(&txn),
    }
}

fn form_page(form: &PaymentForm, txn_id: TxnId) -> Result<Response, ApiError> {
    let action =
        Url::parse(&form.action).map_err(|_| ApiError::Internal("a gateway's form without an address"))?;
    let host = action.host_str().unwrap_or_default();
    let page = PayPage { form, host, script: SCRIPT, style: STYLE };
    let page = page.render().map_err(|_| ApiError::Internal("a page that cannot be written"))?;
    let mut response = html(page);
    let policy = HeaderValue::try_from(content_security_policy(&action))
        .map_err(|_| ApiError::Internal("a policy that cannot be a header"))?;
    response.headers_mut().insert(header::CONTENT_SECURITY_POLICY, policy);
    // The gateway may know our origin, but not the token in our URL.
    response.headers_mut().insert(header::REFERRER_POLICY, HeaderValue::from_static("origin"));
    LogContext::about(txn_id).attach(&mut response);
    Ok(response)
}

/// Our own script and style, and a form to the gateway. Gateways answer the post with redirects to other hosts of
/// theirs, which browsers check against `form-action`, too: it lists the gateway's origin and every host of the same or
/// a safer scheme.
fn content_security_policy(action: &Url) -> String {
    static HASHES: LazyLock<String> = LazyLock::new(|| {
        let hash = |text: &str| format!("'sha256-{}'", STANDARD.encode(Sha256::digest(text)));
        format!("script-src {}; style-src {}", hash(SCRIPT), hash(STYLE))
    });
    let schemes = if action.scheme() == "https" { "https:" } else { "https: http:" };
    format!(
        "default-src 'none'; {}; form-action {} {schemes}; base-uri 'none'; frame-ancestors 'none'",
        *HASHES,
        action.origin().ascii_serialization(),
    )
}
