//! PayU: `_payment` for the payer's browser, `postservice.php` for the merchant's server.

pub(crate) mod wire;

use axum::body::Bytes;
use axum::extract::{RawQuery, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use axum::{Json, Router};
use secrecy::ExposeSecret;
use serde_json::{Value, json};

use super::Providers;
use super::form::Fields;
use super::http::pay::{self, Refusal};
use super::http::strike;
use super::order::Statement;
use super::provider::Provider;
use super::signature::payu::is_command_hash;

/// More orders are not looked up at once.
const MAX_ASKED: usize = 50;

pub(crate) fn router() -> Router<Providers> {
    Router::new().route("/_payment", post(open)).route("/merchant/postservice.php", post(command))
}

/// `POST /_payment`: the payer posts a signed form.
async fn open(State(providers): State<Providers>, body: Bytes) -> Response {
    let terms = Fields::decode(&body)
        .map_err(|bad| Refusal::new("SORRY", &bad.to_string()))
        .and_then(|fields| wire::pay_terms(&providers.inner.settings.payu, &fields));
    pay::open(&providers, Provider::Payu, terms)
}

/// `POST /merchant/postservice.php?form=2`: a command with its arguments.
async fn command(State(providers): State<Providers>, RawQuery(query): RawQuery, body: Bytes) -> Response {
    let query = Fields::decode(query.unwrap_or_default().as_bytes());
    let (Ok(query), Ok(fields)) = (query, Fields::decode(&body)) else {
        return StatusCode::BAD_REQUEST.into_response();
    };
    if query.get("form") != "2" {
        let unsupported =
            "Only form=2, answers in JSON, is simulated; PayU answers others in PHP's own format.\n";
        return (StatusCode::BAD_REQUEST, unsupported).into_response();
    }
    let first = fields.get("var1").split('|').next().unwrap_or_default();
    let strike = providers.strike(Provider::Payu, first);
    let answer = Json(answer(&providers, &fields)).into_response();
    strike::carry_out(&providers, strike, answer).await
}

fn answer(providers: &Providers, fields: &Fields) -> Value {
    let account = &providers.inner.settings.payu;
    let (command, var1) = (fields.get("command"), fields.get("var1"));
    if fields.get("key") != account.merchant_key {
        return json!({ "status": 0, "msg": "Invalid merchant key." });
    }
    let salt = account.salt.expose_secret();
    if !is_command_hash(&account.merchant_key, salt, command, var1, fields.get("hash")) {
        return json!({ "status": 0, "msg": "Invalid Hash." });
    }
    if command != "verify_payment" {
        return json!({ "status": 0, "msg": "Invalid command." });
    }
    let ids: Vec<&str> = var1.split('|').filter(|id| !id.is_empty()).collect();
    if ids.is_empty() || ids.len() > MAX_ASKED {
        return json!({ "status": 0, "msg": "Parameter missing" });
    }
    let found: Vec<_> = ids.into_iter().map(|id| (id, providers.status_asked(Provider::Payu, id))).collect();
    let asked: Vec<_> = found
        .iter()
        .map(|(id, found)| (*id, found.as_ref().map(|found| Statement::answered(&found.order, found.twist))))
        .collect();
    wire::verify_answer(&asked)
}
