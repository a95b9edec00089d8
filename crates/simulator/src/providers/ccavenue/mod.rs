//! CCAvenue: `transaction.do` for the payer's browser, `DoWebTrans` for the merchant's server.

mod refunds;
pub(crate) mod wire;

use axum::Router;
use axum::body::Bytes;
use axum::extract::{RawQuery, State};
use axum::http::header;
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use secrecy::ExposeSecret;
use serde::Deserialize;

use super::Providers;
use super::form::{BadForm, Fields};
use super::http::pay::{self, Refusal};
use super::http::strike;
use super::order::Statement;
use super::provider::Provider;
use super::settings::CcavenueAccount;
use super::signature::ccavenue::{decrypt, encrypt};

/// An error of the API: a code and its sentence.
type ApiError = (&'static str, &'static str);

const BAD_ACCESS_CODE: ApiError = ("51407", "Access_code: Invalid Parameter");
const BAD_COMMAND: ApiError = ("51401", "Command: Invalid Parameter");
const BAD_REQUEST: ApiError = ("51402", "Enc_request: Invalid Parameter");

pub(crate) fn router() -> Router<Providers> {
    Router::new()
        .route("/transaction/transaction.do", get(open_by_link).post(open_by_form))
        .route("/apis/servlet/DoWebTrans", post(command))
}

/// `POST /transaction/transaction.do?command=initiateTransaction`: the payer posts an encrypted order.
async fn open_by_form(
    State(providers): State<Providers>,
    RawQuery(query): RawQuery,
    body: Bytes,
) -> Response {
    let query = Fields::decode(query.unwrap_or_default().as_bytes());
    open(&providers, query.and_then(|query| query.and(Fields::decode(&body)?)))
}

/// `GET /transaction/transaction.do?command=initiateTransaction`: the payer follows a link with it.
async fn open_by_link(State(providers): State<Providers>, RawQuery(query): RawQuery) -> Response {
    open(&providers, Fields::decode(query.unwrap_or_default().as_bytes()))
}

/// Whether a request names an access code of the account, and is encrypted with the key of that.
pub(crate) fn is_from(account: &CcavenueAccount, query: &str, body: &[u8]) -> bool {
    let decode = |form: &[u8]| Fields::decode(form).unwrap_or_default();
    let Ok(fields) = decode(query.as_bytes()).and(decode(body)) else { return false };
    let credentials = [
        (&account.access_code, &account.working_key, "encRequest"),
        (&account.api_access_code, &account.api_working_key, "enc_request"),
    ];
    credentials.into_iter().any(|(code, key, message)| {
        fields.get("access_code") == code && decrypt(key.expose_secret(), fields.get(message)).is_some()
    })
}

fn open(providers: &Providers, fields: Result<Fields, BadForm>) -> Response {
    let terms = fields
        .map_err(|bad| Refusal::new("10001", &bad.to_string()))
        .and_then(|fields| wire::pay_terms(&providers.accounts().ccavenue, &fields));
    if let Ok(terms) = &terms {
        let number = terms.echoed(wire::ORDER_ID).to_owned();
        providers.inner.ccavenue_ids.lock().insert(number, terms.id.clone());
    }
    pay::open(providers, Provider::Ccavenue, terms)
}

/// A request about an order: by its number, by that of the payment, or by both.
#[derive(Debug, Default, Deserialize)]
struct Question {
    #[serde(default)]
    order_no: String,
    #[serde(default)]
    reference_no: String,
}

/// `POST /apis/servlet/DoWebTrans`: an encrypted command.
async fn command(State(providers): State<Providers>, body: Bytes) -> Response {
    let fields = Fields::decode(&body).unwrap_or_default();
    let text = text(&providers, &fields);
    let command = fields.get("command");
    if let (Ok(text), "refundOrder" | "cancelOrder") = (&text, command) {
        return refunds::answer(&providers, command, text).await;
    }
    let asked = text.and_then(|text| serde_json::from_str::<Question>(&text).map_err(|_| BAD_REQUEST));
    let order = asked.as_ref().map(|question| order_of(&providers, question)).unwrap_or_default();
    let strike = providers.strike(Provider::Ccavenue, &order);
    let text = match asked {
        Ok(question) => answer(&providers, &fields, &question, &order),
        Err((code, sentence)) => format!("status=1&enc_response={sentence}&enc_error_code={code}"),
    };
    let answer = ([(header::CONTENT_TYPE, "text/html;charset=UTF-8")], text).into_response();
    strike::carry_out(&providers, strike, answer).await
}

/// The text of a command.
fn text(providers: &Providers, fields: &Fields) -> Result<String, ApiError> {
    let account = &providers.accounts().ccavenue;
    if fields.get("access_code") != account.api_access_code {
        return Err(BAD_ACCESS_CODE);
    }
    let is_known = ["orderStatusTracker", "refundOrder", "cancelOrder"].contains(&fields.get("command"));
    if !is_known || fields.get("request_type") != "JSON" {
        return Err(BAD_COMMAND);
    }
    decrypt(account.api_working_key.expose_secret(), fields.get("enc_request")).ok_or(BAD_REQUEST)
}

/// The requested order in the books.
fn order_of(providers: &Providers, question: &Question) -> String {
    if !question.order_no.is_empty() {
        let known = providers.inner.ccavenue_ids.lock().get(&question.order_no).cloned();
        return known.unwrap_or_else(|| question.order_no.clone());
    }
    let number = question.reference_no.parse().ok();
    let key = number.and_then(|number| providers.order_with_payment_number(Provider::Ccavenue, number));
    key.map(|(_, order)| order).unwrap_or_default()
}

fn answer(providers: &Providers, fields: &Fields, question: &Question, order: &str) -> String {
    let account = &providers.accounts().ccavenue;
    let found = providers.status_asked(Provider::Ccavenue, order).filter(|found| {
        let number = found.order.payment_number().to_string();
        question.reference_no.is_empty() || question.reference_no == number
    });
    let statement = found.as_ref().map(|found| Statement::answered(&found.order, found.twist));
    let shown = found.as_ref().and_then(|found| refunds::shown(providers, &found.order));
    let text = wire::status_text(statement.as_ref(), shown, fields.get("version") == "1.1");
    let genuine = statement.is_none_or(|statement| statement.genuine);
    let key = if genuine { account.api_working_key.expose_secret() } else { wire::ANOTHER_KEY };
    format!("status=0&enc_response={}\r\n&enc_error_code=", encrypt(key, &text))
}
