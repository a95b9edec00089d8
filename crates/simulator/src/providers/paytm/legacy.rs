//! The legacy protocol: a signed form or link opens the page, a signed request returns the status.

use std::collections::BTreeMap;

use axum::Json;
use axum::body::Bytes;
use axum::extract::{RawQuery, State};
use axum::response::{IntoResponse, Response};
use secrecy::ExposeSecret;
use serde_json::{Map, Value};

use super::words::{self, BAD_CHECKSUM, BAD_MERCHANT, Words};
use super::{MERCHANT, result_fields};
use crate::money::{Amount, Currency};
use crate::providers::Providers;
use crate::providers::form::{Fields, is_address};
use crate::providers::http::pay::{self, Refusal};
use crate::providers::http::strike;
use crate::providers::order::{ReturnTo, Said, Statement, Terms};
use crate::providers::provider::{Protocol, Provider};
use crate::providers::settings::PaytmAccount;
use crate::providers::signature::paytm::{CHECKSUM, is_valid, text_of_form};

/// The required fields of the form beside its checksum.
const MANDATORY: [&str; 8] =
    ["MID", "ORDER_ID", "CUST_ID", "INDUSTRY_TYPE_ID", "CHANNEL_ID", "TXN_AMOUNT", "WEBSITE", "CALLBACK_URL"];

/// Whether a text can be an order's number: up to 50 letters, digits, `@`, `-`, `_` and `.`.
pub(crate) fn is_order_id(text: &str) -> bool {
    (1..=50).contains(&text.len())
        && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"@-_.".contains(&byte))
}

/// `POST /theia/processTransaction`: the payer posts a signed form.
pub(crate) async fn open_by_form(State(providers): State<Providers>, body: Bytes) -> Response {
    open(&providers, &body)
}

/// `GET /theia/processTransaction`: the payer follows a signed link.
pub(crate) async fn open_by_link(State(providers): State<Providers>, RawQuery(query): RawQuery) -> Response {
    open(&providers, query.unwrap_or_default().as_bytes())
}

fn open(providers: &Providers, encoded: &[u8]) -> Response {
    let terms = Fields::decode(encoded)
        .map_err(|bad| Refusal::new("1001", &bad.to_string()))
        .and_then(|fields| terms(&providers.accounts().paytm, &fields));
    pay::open(providers, Provider::Paytm, terms)
}

fn terms(account: &PaytmAccount, fields: &Fields) -> Result<Terms, Refusal> {
    if let Some(missing) = MANDATORY.into_iter().find(|name| fields.get(name).is_empty()) {
        return Err(Refusal::new("1007", &format!("Missing mandatory element: {missing}.")));
    }
    if fields.get(MERCHANT) != account.merchant_id {
        return Err(Refusal::new(BAD_MERCHANT.code, BAD_MERCHANT.message));
    }
    let text = text_of_form(fields.pairs());
    if !is_valid(account.key.expose_secret().as_bytes(), &text, fields.get(CHECKSUM)) {
        return Err(Refusal::new(BAD_CHECKSUM.code, BAD_CHECKSUM.message));
    }
    if fields.get("WEBSITE") != account.website {
        return Err(Refusal::new("1001", "The website is not known."));
    }
    if !is_order_id(fields.get("ORDER_ID")) {
        return Err(Refusal::new("334", "Invalid Order ID"));
    }
    let amount = Amount::parse(fields.get("TXN_AMOUNT"), Currency::INR)
        .ok_or_else(|| Refusal::new("2007", "Txn amount is invalid"))?;
    let callback = fields.get("CALLBACK_URL");
    if !is_address(callback) {
        return Err(Refusal::new("1001", "CALLBACK_URL must be the address of a web page."));
    }
    Ok(Terms {
        protocol: Protocol::PaytmLegacy,
        id: fields.get("ORDER_ID").to_owned(),
        amount,
        return_to: ReturnTo::Post { success: callback.to_owned(), failure: callback.to_owned() },
        notify_url: account.webhook_url.clone(),
        echo: BTreeMap::new(),
        life_ms: None,
    })
}

/// `POST /merchant-status/getTxnStatus`: a signed JSON object with `MID` and `ORDERID`. `ORDER_ID`, as
/// some merchants call it, is taken as well.
pub(crate) async fn ask(State(providers): State<Providers>, body: Bytes) -> Response {
    let members: Map<String, Value> = serde_json::from_slice(&body).unwrap_or_default();
    let order = ["ORDERID", "ORDER_ID"].into_iter().find_map(|name| members.get(name)?.as_str());
    let order = order.unwrap_or_default();
    let strike = providers.strike(Provider::Paytm, order);
    let answer = Json(answer(&providers, &members, order)).into_response();
    strike::carry_out(&providers, strike, answer).await
}

fn answer(providers: &Providers, members: &Map<String, Value>, order: &str) -> Value {
    let account = &providers.accounts().paytm;
    let text_of = |name: &str| members.get(name).and_then(Value::as_str).unwrap_or_default();
    let refused = |words: &Words| {
        fields_as_json([
            ("MID", text_of("MID").to_owned()),
            ("ORDERID", order.to_owned()),
            ("STATUS", words.status.to_owned()),
            ("RESPCODE", words.code.to_owned()),
            ("RESPMSG", words.message.to_owned()),
        ])
    };
    if text_of(MERCHANT) != account.merchant_id {
        return refused(&BAD_MERCHANT);
    }
    let pairs = members.iter().map(|(name, value)| (name.as_str(), value.as_str().unwrap_or_default()));
    if !is_valid(account.key.expose_secret().as_bytes(), &text_of_form(pairs), text_of(CHECKSUM)) {
        return refused(&BAD_CHECKSUM);
    }
    let Some(found) = providers.status_asked(Provider::Paytm, order) else {
        return refused(&words::of(Said::NotFound));
    };
    let statement = Statement::answered(&found.order, found.twist);
    if statement.said == Said::NotFound {
        return refused(&words::of(Said::NotFound));
    }
    let mut fields = result_fields(account, &statement, providers.now_ms());
    fields.extend([("TXNTYPE", "SALE".to_owned()), ("REFUNDAMT", "0.00".to_owned())]);
    fields_as_json(fields)
}

fn fields_as_json(fields: impl IntoIterator<Item = (&'static str, String)>) -> Value {
    let members = fields.into_iter().map(|(name, value)| (name.to_owned(), Value::from(value)));
    Value::Object(members.collect())
}
