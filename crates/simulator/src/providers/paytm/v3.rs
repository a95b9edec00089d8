//! The v3 protocol: a call opens an order and gives a token, the browser brings the token to the page, a call
//! returns the status. Bodies are signed as the texts they are.

use std::collections::BTreeMap;

use axum::body::Bytes;
use axum::extract::{RawQuery, State};
use axum::http::header;
use axum::response::{IntoResponse, Response};
use secrecy::ExposeSecret;
use serde::Deserialize;
use serde_json::value::RawValue;
use serde_json::{Value, json};

use super::legacy::is_order_id;
use super::words::{self, BAD_CHECKSUM, BAD_MERCHANT, Words};
use super::{bank_number, checksum, transaction_number};
use crate::money::{Amount, Currency};
use crate::providers::Providers;
use crate::providers::form::{Fields, is_address};
use crate::providers::http::pay::{self, Refusal};
use crate::providers::http::strike;
use crate::providers::ledger::Opened;
use crate::providers::moment;
use crate::providers::order::{ReturnTo, Said, State as OrderState, Statement, Terms};
use crate::providers::provider::{Protocol, Provider};
use crate::providers::settings::PaytmAccount;
use crate::providers::signature::paytm::is_valid;

/// The purpose of the seal that is an order's token.
const TOKEN: &str = "paytm-token";

/// A request: its body stays the text it is, for the signature covers that.
#[derive(Deserialize)]
struct Envelope<'a> {
    #[serde(borrow)]
    body: &'a RawValue,
    head: Head,
}

#[derive(Deserialize)]
struct Head {
    signature: String,
}

/// Whether a request is signed with the account's key; `None` for one of another form.
pub(super) fn is_signed(account: &PaytmAccount, request: &[u8]) -> Option<bool> {
    let envelope = serde_json::from_slice::<Envelope<'_>>(request).ok()?;
    Some(is_valid(account.key.expose_secret().as_bytes(), envelope.body.get(), &envelope.head.signature))
}

/// The body of a signed request, or the error answer.
pub(super) fn signed_body<'a, T: Deserialize<'a>>(
    account: &PaytmAccount,
    request: &'a [u8],
) -> Result<T, Words> {
    let malformed = Words { status: "F", code: "1001", message: "Request parameters are not valid" };
    let Ok(envelope) = serde_json::from_slice::<Envelope<'a>>(request) else { return Err(malformed) };
    let text = envelope.body.get();
    if !is_valid(account.key.expose_secret().as_bytes(), text, &envelope.head.signature) {
        return Err(BAD_CHECKSUM);
    }
    serde_json::from_str(text).map_err(|_| malformed)
}

/// A JSON answer, signed or not.
pub(super) fn envelope(providers: &Providers, body: &Value, signing: Signing) -> Response {
    let answer = envelope_text(providers, body, signing);
    ([(header::CONTENT_TYPE, "application/json;charset=UTF-8")], answer).into_response()
}

pub(super) fn envelope_text(providers: &Providers, body: &Value, signing: Signing) -> String {
    let text = body.to_string();
    let mut head = json!({ "responseTimestamp": providers.now_ms().to_string(), "version": "v1" });
    let signature = |genuine| checksum(&providers.accounts().paytm, &text, genuine);
    match signing {
        Signing::Not => {}
        Signing::Right => head["signature"] = signature(true).into(),
        Signing::Wrong => head["signature"] = signature(false).into(),
    }
    format!(r#"{{"head":{head},"body":{text}}}"#)
}

#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Signing {
    /// As Paytm does with failures.
    Not,
    Right,
    Wrong,
}

pub(super) fn result_info(words: &Words) -> Value {
    json!({ "resultStatus": words.status, "resultCode": words.code, "resultMsg": words.message })
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Initiation {
    request_type: String,
    mid: String,
    website_name: String,
    order_id: String,
    callback_url: String,
    txn_amount: TxnAmount,
    user_info: UserInfo,
}

#[derive(Deserialize)]
struct TxnAmount {
    value: String,
    currency: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct UserInfo {
    cust_id: String,
}

/// `POST /theia/api/v1/initiateTransaction?mid=&orderId=`: opens an order.
pub(crate) async fn initiate(
    State(providers): State<Providers>,
    RawQuery(query): RawQuery,
    body: Bytes,
) -> Response {
    let query = Fields::decode(query.unwrap_or_default().as_bytes()).unwrap_or_default();
    let strike = providers.strike(Provider::Paytm, query.get("orderId"));
    let answer = match opened(&providers, &query, &body) {
        Ok(body) => envelope(&providers, &body, Signing::Right),
        Err(words) => {
            // Here a failure has the status F, under any code.
            let words = Words { status: "F", ..words };
            envelope(&providers, &json!({ "resultInfo": result_info(&words) }), Signing::Not)
        }
    };
    strike::carry_out(&providers, strike, answer).await
}

fn opened(providers: &Providers, query: &Fields, body: &[u8]) -> Result<Value, Words> {
    let refused = |code, message| Words { status: "F", code, message };
    let account = &providers.accounts().paytm;
    let asked: Initiation = signed_body(account, body).map_err(|words| match words.code {
        // The checksum has a code of its own in this call.
        "330" => refused("2005", words.message),
        _ => words,
    })?;
    if query.get("mid") != asked.mid {
        return Err(refused("2013", "The mid in the query is not that of the body"));
    }
    if query.get("orderId") != asked.order_id {
        let message = "The orderId in the query is not that of the body";
        return Err(refused("2014", message));
    }
    if asked.mid != account.merchant_id {
        return Err(refused("2006", "Mid is invalid"));
    }
    let amount =
        Amount::parse(&asked.txn_amount.value, Currency::INR).filter(|_| asked.txn_amount.currency == "INR");
    let amount = amount.ok_or_else(|| refused("2007", "Txn amount is invalid"))?;
    let plain = asked.request_type == "Payment"
        && asked.website_name == account.website
        && is_order_id(&asked.order_id)
        && is_address(&asked.callback_url)
        && (1..=64).contains(&asked.user_info.cust_id.chars().count());
    if !plain {
        return Err(refused("1001", "Request parameters are not valid"));
    }
    let key = (Provider::Paytm, asked.order_id.clone());
    let known = providers.look(&key).is_some();
    let terms = Terms {
        protocol: Protocol::PaytmV3,
        id: asked.order_id,
        amount,
        return_to: ReturnTo::Post { success: asked.callback_url.clone(), failure: asked.callback_url },
        notify_url: account.webhook_url.clone(),
        echo: BTreeMap::new(),
        life_ms: None,
    };
    match providers.open(terms) {
        Opened::Order(order) if order.state == OrderState::Open => {
            let words = if known {
                Words { status: "S", code: "0002", message: "Success Idempotent Error" }
            } else {
                Words { status: "S", code: "0000", message: "Success" }
            };
            Ok(json!({
                "resultInfo": result_info(&words),
                "txnToken": providers.seal(TOKEN, &[&key.1]),
                "isPromoCodeValid": false,
                "authenticated": false,
            }))
        }
        Opened::Order(_) | Opened::OtherTerms => Err(refused("325", "Duplicate order id")),
        Opened::Full => Err(refused("501", "System Error")),
    }
}

/// `POST /theia/api/v1/showPaymentPage?mid=&orderId=`: the payer brings the token.
pub(crate) async fn show_page(
    State(providers): State<Providers>,
    RawQuery(query): RawQuery,
    body: Bytes,
) -> Response {
    let fields = Fields::decode(query.unwrap_or_default().as_bytes())
        .and_then(|query| query.and(Fields::decode(&body)?))
        .map_err(|bad| Refusal::new("1001", &bad.to_string()));
    let found = fields.and_then(|fields| {
        let order = fields.get("orderId");
        if fields.get("mid") != providers.accounts().paytm.merchant_id {
            return Err(Refusal::new(BAD_MERCHANT.code, BAD_MERCHANT.message));
        }
        if !providers.is_sealed(TOKEN, &[order], fields.get("txnToken")) {
            return Err(Refusal::new("1006", "The token is not that of the order."));
        }
        Ok((Provider::Paytm, order.to_owned()))
    });
    pay::send_to_page(&providers, Provider::Paytm, found)
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Question {
    mid: String,
    order_id: String,
}

/// `POST /v3/order/status`: the status of an order.
pub(crate) async fn ask(State(providers): State<Providers>, body: Bytes) -> Response {
    let account = &providers.accounts().paytm;
    let question = signed_body::<Question>(account, &body);
    let order = question.as_ref().map(|question| question.order_id.as_str()).unwrap_or_default();
    let strike = providers.strike(Provider::Paytm, order);
    let refused =
        |words: &Words| envelope(&providers, &json!({ "resultInfo": result_info(words) }), Signing::Not);
    let answer = match &question {
        Err(words) => refused(&Words { status: "TXN_FAILURE", ..*words }),
        Ok(question) if question.mid != account.merchant_id => refused(&BAD_MERCHANT),
        Ok(question) => match providers.status_asked(Provider::Paytm, &question.order_id) {
            None => refused(&words::of(Said::NotFound)),
            Some(found) => {
                let statement = Statement::answered(&found.order, found.twist);
                let signing = signing(&statement);
                envelope(&providers, &status_body(&providers, &statement), signing)
            }
        },
    };
    strike::carry_out(&providers, strike, answer).await
}

fn signing(statement: &Statement<'_>) -> Signing {
    match (statement.said, statement.genuine) {
        (Said::Declined | Said::Expired | Said::NotFound, _) => Signing::Not,
        (Said::Open | Said::Pending | Said::Paid | Said::Gibberish, true) => Signing::Right,
        (Said::Open | Said::Pending | Said::Paid | Said::Gibberish, false) => Signing::Wrong,
    }
}

fn status_body(providers: &Providers, statement: &Statement<'_>) -> Value {
    let info = result_info(&words::of(statement.said));
    if statement.said == Said::NotFound {
        return json!({ "resultInfo": info });
    }
    let order = statement.order;
    json!({
        "resultInfo": info,
        "txnId": transaction_number(statement),
        "bankTxnId": bank_number(statement),
        "orderId": order.terms.id,
        "txnAmount": statement.amount.to_string(),
        "txnType": "SALE",
        "gatewayName": "WALLET",
        "bankName": "WALLET",
        "mid": providers.accounts().paytm.merchant_id,
        "paymentMode": "PPI",
        "refundAmt": "0.00",
        "txnDate": format!("{}.0", moment::second(order.decided_ms.unwrap_or(order.opened_ms))),
    })
}
