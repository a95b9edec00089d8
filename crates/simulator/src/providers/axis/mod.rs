//! Axis through MIGS: `/vpcpay` for the payer's browser, `/vpcdps` for the merchant's server.

mod refunds;
pub(crate) mod wire;

use axum::Router;
use axum::body::Bytes;
use axum::extract::{RawQuery, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};

use super::Providers;
use super::form::{Fields, encode};
use super::http::pay::{self, Refusal};
use super::http::strike;
use super::order::Statement;
use super::provider::Provider;
use super::settings::AxisAccount;

pub(crate) fn router() -> Router<Providers> {
    Router::new().route("/vpcpay", get(pay_by_link).post(pay_by_form)).route("/vpcdps", post(ask))
}

/// `GET /vpcpay`: the payer follows a signed link.
async fn pay_by_link(State(providers): State<Providers>, RawQuery(query): RawQuery) -> Response {
    open(&providers, query.unwrap_or_default().as_bytes())
}

/// `POST /vpcpay`: the payer posts a signed form.
async fn pay_by_form(State(providers): State<Providers>, body: Bytes) -> Response {
    open(&providers, &body)
}

/// Whether a request proves to have the account's keys: the operator's password, or the hash of a pay request.
pub(crate) fn is_from(account: &AxisAccount, query: &str, body: &[u8]) -> bool {
    let secret = account.secret_bytes();
    [query.as_bytes(), body].into_iter().filter_map(|form| Fields::decode(form).ok()).any(|fields| {
        wire::check_operator(account, &secret, &fields).is_ok()
            || wire::is_pay_request_of(account, &secret, &fields)
    })
}

fn open(providers: &Providers, encoded: &[u8]) -> Response {
    let account = &providers.accounts().axis;
    let secret = account.secret_bytes();
    let terms = Fields::decode(encoded)
        .map_err(|bad| Refusal::new("7", &bad.to_string()))
        .and_then(|fields| wire::pay_terms(account, &secret, &fields));
    pay::open(providers, Provider::Axis, terms)
}

/// `POST /vpcdps`: `queryDR` and `refund`.
async fn ask(State(providers): State<Providers>, body: Bytes) -> Response {
    let Ok(fields) = Fields::decode(&body) else { return StatusCode::BAD_REQUEST.into_response() };
    let reference = fields.get(wire::REFERENCE);
    let account = &providers.accounts().axis;
    let checked = wire::check_operator(account, &account.secret_bytes(), &fields);
    let refunds = fields.get("vpc_Command") == wire::REFUND;
    let members = match checked {
        Ok(()) if refunds => match refunds::refund(&providers, &fields) {
            Some(members) => members,
            None => return crate::cut(),
        },
        Ok(()) if let Some(members) = refunds::answer(&providers, reference) => members,
        Ok(()) => {
            let found = providers.status_asked(Provider::Axis, reference);
            let statement = found.as_ref().map(|found| Statement::answered(&found.order, found.twist));
            wire::answer(account, statement.as_ref(), providers.now_ms())
        }
        Err(refused) => refused,
    };
    let payment = if refunds {
        refunds::payment_with(&providers, fields.get("vpc_TransNo"))
    } else {
        providers.refund_payment(Provider::Axis, reference)
    };
    let strike = match payment {
        Some(payment) => providers.refund_strike(&payment, reference, refunds),
        None => providers.strike(Provider::Axis, reference),
    };
    let text = encode(members.iter().map(|(name, value)| (*name, value.as_str())));
    let answer = ([(header::CONTENT_TYPE, "text/plain;charset=iso-8859-1")], text).into_response();
    strike::carry_out(&providers, strike, answer).await
}
