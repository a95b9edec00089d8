//! CCAvenue's texts before they are encrypted: an order, a message, a result.

use std::collections::BTreeMap;

use secrecy::ExposeSecret;
use serde_json::{Value, json};

use crate::WayBack;
use crate::money::{Amount, Currency};
use crate::providers::form::{Fields, is_address};
use crate::providers::http::pay::Refusal;
use crate::providers::moment;
use crate::providers::order::{Order, ReturnTo, Said, Statement, Terms};
use crate::providers::provider::Protocol;
use crate::providers::settings::CcavenueAccount;
use crate::providers::signature::ccavenue::{decrypt, encrypt};

/// The key of messages that are not genuine.
pub(crate) const ANOTHER_KEY: &str = "another working key";

/// The merchant's values, given back as they were sent.
const ECHOED: [&str; 6] =
    [ORDER_ID, "billing_name", "billing_tel", "billing_email", "merchant_param1", TRANSACTION_ID];

/// The merchant's number of an order.
pub(crate) const ORDER_ID: &str = "order_id";
/// Where the merchant names its transaction, if it has another number. The books know the order by it.
const TRANSACTION_ID: &str = "merchant_param2";

fn is_order_id(text: &str) -> bool {
    (1..=30).contains(&text.len())
        && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_/".contains(&byte))
}

/// The terms of an encrypted order. Values are decoded as those of a query.
///
/// # Errors
/// The reason for the refusal.
pub(crate) fn pay_terms(account: &CcavenueAccount, fields: &Fields) -> Result<Terms, Refusal> {
    let not_the_merchants = || Refusal::new("10002", "Merchant authentication failed.");
    if fields.get("command") != "initiateTransaction" {
        return Err(Refusal::new("10001", "The command is not known."));
    }
    if fields.get("access_code") != account.access_code {
        return Err(not_the_merchants());
    }
    let text = decrypt(account.working_key.expose_secret(), fields.get("encRequest"));
    let order = Fields::decode(text.ok_or_else(not_the_merchants)?.as_bytes())
        .map_err(|bad| Refusal::new("10001", &bad.to_string()))?;
    if order.get("merchant_id") != account.merchant_id {
        return Err(not_the_merchants());
    }
    if !is_order_id(order.get(ORDER_ID)) {
        return Err(Refusal::new("21001", "The order id must be up to 30 letters, digits, -, _ and /."));
    }
    if order.get("currency") != "INR" {
        return Err(Refusal::new("21003", "The currency is not one of the merchant's."));
    }
    let amount = Amount::parse(order.get("amount"), Currency::INR)
        .ok_or_else(|| Refusal::new("21004", "The amount is none, or has more than two decimals."))?;
    let (redirect, cancel) = (order.get("redirect_url"), order.get("cancel_url"));
    if !is_address(redirect) || !is_address(cancel) {
        return Err(Refusal::new("21005", "redirect_url and cancel_url must be addresses of web pages."));
    }
    let is_plain = |c: char| c.is_ascii_alphanumeric() || " .,-_/@".contains(c);
    for name in ECHOED {
        if !order.get(name).chars().all(is_plain) || order.get(name).len() > 100 {
            return Err(Refusal::new("21006", &format!("{name}: Invalid Parameter")));
        }
    }
    Ok(Terms {
        protocol: Protocol::Ccavenue,
        id: Some(order.get(TRANSACTION_ID))
            .filter(|id| !id.is_empty())
            .unwrap_or(order.get(ORDER_ID))
            .to_owned(),
        amount,
        return_to: ReturnTo::Post { success: redirect.to_owned(), failure: cancel.to_owned() },
        notify_url: account.webhook_url.clone(),
        echo: ECHOED.map(|name| (name.to_owned(), order.get(name).to_owned())).into(),
        life_ms: None,
    })
}

/// `order_status` in messages, `order_status` of the API, and the bank's sentence.
fn words(order: &Order, said: Said) -> [&'static str; 3] {
    match said {
        Said::Paid => ["Success", "Shipped", "Y"],
        Said::Pending => ["Initiated", "Awaited", "Waiting for the bank"],
        Said::Open => ["Initiated", "Initiated", ""],
        Said::Declined if order.cancelled => ["Aborted", "Aborted", "Cancelled by the payer"],
        Said::Declined => ["Failure", "Unsuccessful", "The bank declined the payment"],
        Said::Expired => ["Aborted", "Aborted", "The payer left the page"],
        Said::Gibberish => ["Considered", "Considered", "Under consideration"],
        Said::NotFound => ["", "", ""],
    }
}

/// The bank's number of a payment; `null`, as CCAvenue writes it, when it was not made.
fn bank_number(statement: &Statement<'_>) -> String {
    match statement.said {
        Said::Paid => format!("{:012}", statement.order.payment_number()),
        Said::Open | Said::Pending | Said::Declined | Said::Expired | Said::Gibberish | Said::NotFound => {
            "null".to_owned()
        }
    }
}

/// The message that browsers and webhooks bring. Its values are not encoded.
fn message(statement: &Statement<'_>) -> String {
    let order = statement.order;
    let [status, _, sentence] = words(order, statement.said);
    let amount = statement.amount.to_string();
    let echoed = |name| order.terms.echoed(name).to_owned();
    let members: [(&str, String); 18] = [
        (ORDER_ID, echoed(ORDER_ID)),
        ("tracking_id", order.payment_number().to_string()),
        ("bank_ref_no", bank_number(statement)),
        ("order_status", status.to_owned()),
        ("failure_message", String::new()),
        ("payment_mode", "Unified Payments".to_owned()),
        ("card_name", "UPI".to_owned()),
        ("status_code", "null".to_owned()),
        ("status_message", sentence.to_owned()),
        ("currency", statement.amount.currency.code().to_owned()),
        ("amount", amount.clone()),
        ("billing_name", echoed("billing_name")),
        ("billing_tel", echoed("billing_tel")),
        ("billing_email", echoed("billing_email")),
        ("merchant_param1", echoed("merchant_param1")),
        (TRANSACTION_ID, echoed(TRANSACTION_ID)),
        ("mer_amount", amount),
        ("response_code", "0".to_owned()),
    ];
    members.map(|(name, value)| format!("{name}={value}")).join("&")
}

/// The encrypted message: all that a webhook holds.
pub(crate) fn webhook_fields(account: &CcavenueAccount, statement: &Statement<'_>) -> Vec<(String, String)> {
    let key = if statement.genuine { account.working_key.expose_secret() } else { ANOTHER_KEY };
    vec![("encResp".to_owned(), encrypt(key, &message(statement)))]
}

/// The way back: a form with the message, to one of the order's two addresses.
pub(crate) fn way_back(account: &CcavenueAccount, statement: &Statement<'_>) -> WayBack {
    let order = statement.order;
    let action = match &order.terms.return_to {
        ReturnTo::Post { failure: cancel, .. } if order.cancelled => cancel,
        ReturnTo::Post { success: redirect, .. } | ReturnTo::Get(redirect) => redirect,
    };
    let mut fields = webhook_fields(account, statement);
    fields.push(("orderNo".to_owned(), order.terms.echoed(ORDER_ID).to_owned()));
    fields.push(("crossSellUrl".to_owned(), String::new()));
    WayBack::Post { action: action.clone(), fields }
}

/// The result of a status request: flat in version 1.2, inside an object in 1.1.
pub(crate) fn status_text(statement: Option<&Statement<'_>>, shown: Shown, is_wrapped: bool) -> String {
    let known = statement.filter(|statement| statement.said != Said::NotFound);
    let result = known.map_or_else(
        || json!({ "status": 1, "error_desc": "No records found", "error_code": "51419" }),
        |statement| result(statement, shown),
    );
    if is_wrapped { json!({ "Order_Status_Result": result }).to_string() } else { result.to_string() }
}

/// The digits of an amount as a number.
fn number(amount: Amount) -> Value {
    // It is written like one, so that it can be read as one.
    serde_json::from_str(&amount.to_string()).unwrap_or_default()
}

/// The later status of a paid order, shown in place of its state and amount.
pub(crate) type Shown = Option<(&'static str, Amount)>;

fn result(statement: &Statement<'_>, shown: Shown) -> Value {
    let order = statement.order;
    let [_, state, sentence] = words(order, statement.said);
    let shown = shown.filter(|_| statement.said == Said::Paid);
    let (state, amount) = shown.unwrap_or((state, statement.amount));
    let echoed: BTreeMap<&str, &str> = [
        ("order_bill_name", order.terms.echoed("billing_name")),
        ("order_bill_tel", order.terms.echoed("billing_tel")),
        ("order_bill_email", order.terms.echoed("billing_email")),
        ("merchant_param1", order.terms.echoed("merchant_param1")),
        (TRANSACTION_ID, order.terms.echoed(TRANSACTION_ID)),
    ]
    .into();
    let mut result = json!({
        "reference_no": order.payment_number(),
        "order_no": order.terms.echoed(ORDER_ID),
        "order_currncy": statement.amount.currency.code(),
        "order_amt": number(amount),
        "order_gross_amt": number(amount),
        "order_status": state,
        "order_status_date_time": format!("{}.0", moment::second(order.decided_ms.unwrap_or(order.opened_ms))),
        "order_date_time": format!("{}.0", moment::second(order.opened_ms)),
        "order_bank_ref_no": bank_number(statement),
        "order_bank_response": sentence,
        "order_option_type": "OPTUPI",
        "order_card_name": "UPI",
        "order_fraud_status": "NR",
        "status": 0,
        "error_desc": "",
        "error_code": "",
    });
    if let Some(members) = result.as_object_mut() {
        members.extend(echoed.into_iter().map(|(name, value)| (name.to_owned(), value.into())));
    }
    result
}
