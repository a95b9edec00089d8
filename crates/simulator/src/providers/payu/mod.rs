//! PayU: `_payment` for the payer's browser, `postservice.php` for the merchant's server.

pub(crate) mod refunds;
pub(crate) mod wire;

use axum::body::Bytes;
use axum::extract::{RawQuery, State};
use axum::http::{HeaderMap, StatusCode};
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
use super::settings::PayuAccount;
use super::signature::payu::{is_command_hash, is_request_hash};

/// More orders are not looked up at once.
const MAX_ASKED: usize = 50;

pub(crate) fn router() -> Router<Providers> {
    Router::new()
        .route("/_payment", post(open))
        .route("/merchant/postservice.php", post(command))
        .route("/v2/refunds/status", post(refunds::by_token))
}

/// Whether a request proves to have the account's salt.
pub(crate) fn is_from(account: &PayuAccount, headers: &HeaderMap, body: &[u8]) -> bool {
    let (key, salt) = (account.merchant_key.as_str(), account.salt.expose_secret());
    if refunds::is_signed(account, headers, body) {
        return true;
    }
    let Ok(fields) = Fields::decode(body) else { return false };
    let hash = fields.get("hash");
    fields.get("key") == key
        && (is_request_hash(key, salt, |name| fields.get(name), hash)
            || is_command_hash(key, salt, fields.get("command"), fields.get("var1"), hash))
}

/// `POST /_payment`: the payer posts a signed form.
async fn open(State(providers): State<Providers>, body: Bytes) -> Response {
    let terms = Fields::decode(&body)
        .map_err(|bad| Refusal::new("SORRY", &bad.to_string()))
        .and_then(|fields| wire::pay_terms(&providers.accounts().payu, &fields));
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
    let (strike, answer) = match fields.get("command") {
        "cancel_refund_transaction" => {
            let Some(answer) = answer(&providers, &fields) else { return crate::cut() };
            let payment = refunds::payment_of(&providers, fields.get("var1"));
            let payment = payment.unwrap_or((Provider::Payu, String::new()));
            (providers.refund_strike(&payment, fields.get("var2"), true), answer)
        }
        "getAllRefundsFromTxnIds" => {
            let payment = (Provider::Payu, fields.get("var1").to_owned());
            (providers.refund_list_strike(&payment), answer(&providers, &fields).unwrap_or_default())
        }
        _ => {
            let first = fields.get("var1").split('|').next().unwrap_or_default();
            (providers.strike(Provider::Payu, first), answer(&providers, &fields).unwrap_or_default())
        }
    };
    strike::carry_out(&providers, strike, Json(answer).into_response()).await
}

/// The answer to a command; `None` where the command never arrives.
fn answer(providers: &Providers, fields: &Fields) -> Option<Value> {
    let account = &providers.accounts().payu;
    let (command, var1) = (fields.get("command"), fields.get("var1"));
    if fields.get("key") != account.merchant_key {
        return Some(json!({ "status": 0, "msg": "Invalid merchant key." }));
    }
    let salt = account.salt.expose_secret();
    if !is_command_hash(&account.merchant_key, salt, command, var1, fields.get("hash")) {
        return Some(json!({ "status": 0, "msg": "Invalid Hash." }));
    }
    match command {
        "verify_payment" => Some(verified(providers, var1)),
        "cancel_refund_transaction" => refunds::take(providers, fields),
        "getAllRefundsFromTxnIds" => Some(refunds::all(providers, var1)),
        "check_action_status" => Some(refunds::action(providers, var1)),
        _ => Some(json!({ "status": 0, "msg": "Invalid command." })),
    }
}

fn verified(providers: &Providers, var1: &str) -> Value {
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
