//! PhonePe: the signed protocols (legacy and v1) and Standard Checkout (v2).

pub(crate) mod checkout;
pub(crate) mod refunds;
pub(crate) mod signed;

use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use serde_json::json;

use super::Providers;
use super::form::Fields;
use super::order::Said;

pub(crate) fn router() -> Router<Providers> {
    Router::new()
        .route("/v3/debit", post(signed::legacy_debit))
        .route("/v3/transaction/{merchant}/{order}/status", get(signed::legacy_status))
        .route("/pg/v1/pay", post(signed::v1_pay))
        .route("/pg/v1/status/{merchant}/{order}", get(signed::v1_status))
        .route("/v3/credit/backToSource", post(refunds::legacy))
        .route("/pg/v1/refund", post(refunds::v1))
        .route("/payments/v2/refund", post(refunds::checkout))
        .route("/payments/v2/refund/{refund}/status", get(refunds::checkout_status))
        .route("/v1/oauth/token", post(checkout::token))
        .route("/checkout/v2/pay", post(checkout::pay))
        .route("/checkout/v2/order/{order}/status", get(checkout::status))
}

/// Whether a request proves to have the account's salt key, its client secret or a token for it.
pub(crate) fn is_from(providers: &Providers, path: &str, headers: &HeaderMap, body: &[u8]) -> bool {
    let account = &providers.accounts().phonepe;
    signed::is_from(account, path, headers, body)
        || Fields::decode(body).is_ok_and(|fields| checkout::is_client(account, &fields))
        || checkout::check_token(providers, headers).is_ok()
}

#[derive(Debug, Clone, Copy)]
struct Refused {
    status: StatusCode,
    code: &'static str,
    message: &'static str,
}

impl Refused {
    const fn bad_request(message: &'static str) -> Refused {
        Refused { status: StatusCode::BAD_REQUEST, code: "BAD_REQUEST", message }
    }

    /// The signature, the token or the credentials are wrong.
    const fn unauthorized(message: &'static str) -> Refused {
        Refused { status: StatusCode::UNAUTHORIZED, code: "AUTHORIZATION_FAILED", message }
    }

    const FULL: Refused = Refused {
        status: StatusCode::INTERNAL_SERVER_ERROR,
        code: "INTERNAL_SERVER_ERROR",
        message: "The simulator's books are full.",
    };
}

impl IntoResponse for Refused {
    fn into_response(self) -> Response {
        let body = json!({ "success": false, "code": self.code, "message": self.message, "data": {} });
        (self.status, Json(body)).into_response()
    }
}

/// Whether a text can be an order's number: letters, digits, `_` and `-`, at most `most`.
fn is_order_id(text: &str, most: usize) -> bool {
    (1..=most).contains(&text.len())
        && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"_-".contains(&byte))
}

/// `code`, message and `state` of the signed protocols.
fn words(said: Said) -> [&'static str; 3] {
    match said {
        Said::Paid => ["PAYMENT_SUCCESS", "Your payment is successful.", "COMPLETED"],
        Said::Open | Said::Pending => ["PAYMENT_PENDING", "Your payment is in progress.", "PENDING"],
        Said::Declined => ["PAYMENT_DECLINED", "Your payment was declined by the bank.", "FAILED"],
        Said::Expired => ["PAYMENT_ERROR", "The payer left the page.", "FAILED"],
        Said::Gibberish => ["PAYMENT_UNDER_REVIEW", "Your payment is under review.", "UNDER_REVIEW"],
        Said::NotFound => ["TRANSACTION_NOT_FOUND", "There is no such transaction.", ""],
    }
}
