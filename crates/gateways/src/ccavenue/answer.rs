//! Answers of the API. Pure.
//!
//! A form holds `status` and `enc_response`: the encrypted JSON of a result, or an error in plain text. The
//! result is flat in version 1.2 and inside an object in 1.1; both are read.

use payment_domain::{Currency, Money, Outcome, Report, Transaction};
use payment_gateway::GatewayError;

use super::cipher::WorkingKey;
use super::wire::order_number;
use crate::evidence;
use crate::form;
use crate::json::Object;
use crate::text::{bank_txn_no, cut};

/// Evidence kept of a result. Left out are the payer's name, addresses and number, the card's name and the
/// free fields.
pub const EVIDENCE: [&str; 19] = [
    "order_no",
    "reference_no",
    "order_status",
    "order_status_date_time",
    "order_date_time",
    "order_amt",
    "order_gross_amt",
    "order_capt_amt",
    "order_discount",
    "order_fee_perc_value",
    "order_fee_flat",
    "order_tax",
    "order_currncy",
    "order_bank_ref_no",
    "order_option_type",
    "order_fraud_status",
    "status",
    "error_code",
    "error_desc",
];

/// The content of an answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Content {
    /// The decrypted text.
    Text(String),
    /// The request was refused, for this reason. It says nothing about a payment.
    Refusal { message: String, code: String },
}

/// Opens an answer.
///
/// # Errors
/// [`GatewayError::Unreadable`] when it is neither.
pub fn content(key: &WorkingKey, body: &[u8]) -> Result<Content, GatewayError> {
    let fields = form::decode(body);
    let field = |name: &str| {
        let named = fields.iter().find(|(field, _)| field == name);
        named.map_or("", |(_, value)| value.trim())
    };
    match field("status") {
        "0" => {
            let plain = key.decrypt(field("enc_response"));
            let plain =
                plain.ok_or_else(|| unreadable("it is not encrypted with the working key of the API"))?;
            // Only texts written by people may be in another encoding.
            Ok(Content::Text(String::from_utf8_lossy(&plain).into_owned()))
        }
        "1" => Ok(Content::Refusal {
            message: cut(field("enc_response"), 200).to_owned(),
            code: cut(field("enc_error_code"), 20).to_owned(),
        }),
        _ => Err(unreadable("no form with a status")),
    }
}

/// The result in the text of an answer.
///
/// # Errors
/// [`GatewayError::Unreadable`] when there is none.
pub fn result(text: &str) -> Result<Object, GatewayError> {
    let whole = Object::parse(text.as_bytes()).ok_or_else(|| unreadable("no JSON object"))?;
    Ok(whole.object("Order_Status_Result").unwrap_or(whole))
}

/// The meaning of a result about an order of the amount `asked`.
///
/// # Errors
/// [`GatewayError::Unreadable`] when the request was refused.
pub fn report(result: &Object, asked: Money) -> Result<Report, GatewayError> {
    let text = |name: &str| result.text(name).map(|text| cut(text.trim(), 255).to_owned());
    let error = text("error_desc");
    let state = text("order_status").unwrap_or_default();
    let outcome = match text("status").as_deref() {
        None | Some("0") => outcome(&state, error.as_deref(), result, asked),
        Some(_) if error.as_deref().is_some_and(is_no_record) => Outcome::NotFound,
        Some(_) => {
            return Err(refused(error.as_deref().unwrap_or("no reason"), text("error_code").as_deref()));
        }
    };
    Ok(Report {
        gateway_txn_id: text("reference_no").filter(|_| outcome != Outcome::NotFound),
        payment_mode: text("order_option_type"),
        bank_txn_no: text("order_bank_ref_no").and_then(bank_txn_no),
        returned: None,
        status_code: Some(state).filter(|state| !state.is_empty()).or_else(|| text("error_code")),
        status_message: error.filter(|error| !error.is_empty()),
        raw: evidence::of_object(result, &EVIDENCE),
        outcome,
    })
}

fn outcome(state: &str, error: Option<&str>, result: &Object, asked: Money) -> Outcome {
    match state.to_ascii_lowercase().as_str() {
        "shipped" | "successful" | "success" => Outcome::Paid { amount: paid_amount(result, asked) },
        "awaited" | "initiated" => Outcome::Pending,
        "unsuccessful" | "failure" | "aborted" | "cancelled" | "auto-cancelled" | "invalid" | "fraud" => {
            let why = error.filter(|error| !error.is_empty());
            Outcome::Declined {
                reason: why.map_or_else(|| format!("the gateway says {state}"), str::to_owned),
            }
        }
        "refunded" | "systemrefund" | "auto-reversed" | "chargeback" => Outcome::Refunded,
        _ => Outcome::Unrecognised { code: cut(state, 64).to_owned() },
    }
}

/// The amount paid towards the order: `order_gross_amt`. `order_amt` may hold a surcharge or lack a discount;
/// it confirms the order when it equals the requested amount, and contradicts none. `None` when that leaves
/// the amount open.
fn paid_amount(result: &Object, asked: Money) -> Option<Money> {
    let read = |name: &str| Money::parse(&result.text(name)?, asked.currency()).ok();
    let charged_as_asked = read("order_amt").filter(|charged| *charged == asked);
    if result.raw("order_gross_amt").is_none_or(|raw| raw == "null") {
        return charged_as_asked;
    }
    let gross = read("order_gross_amt")?;
    Some(gross).filter(|gross| *gross == asked || charged_as_asked.is_none())
}

fn is_no_record(error: &str) -> bool {
    error.to_ascii_lowercase().starts_with("no records found")
}

/// Refuses a report about another order than this one, or about money in another currency. A report that ends
/// or receipts a transaction has to name both.
///
/// # Errors
/// [`GatewayError::Unreadable`].
pub fn check(result: &Object, report: &Report, txn: &Transaction) -> Result<(), GatewayError> {
    let money_moved = matches!(report.outcome, Outcome::Paid { .. } | Outcome::Refunded);
    let definite = money_moved || matches!(report.outcome, Outcome::Declined { .. });
    match result.text("order_no") {
        Some(named) if named == order_number(&txn.id) => {}
        Some(_) => return Err(unreadable("it is about another order")),
        None if definite => return Err(unreadable("it names no order")),
        None => {}
    }
    let currency = result.text("order_currncy");
    match currency.as_deref().map(Currency::from_code) {
        Some(Some(currency)) if currency == txn.amount.currency() => Ok(()),
        Some(_) => Err(unreadable("it is in another currency")),
        None if money_moved => Err(unreadable("it names no currency")),
        None => Ok(()),
    }
}

/// The error of a request that the API refused, for the operator.
pub fn refused(message: &str, code: Option<&str>) -> GatewayError {
    let code = code.filter(|code| !code.is_empty()).map(|code| format!(" ({code})")).unwrap_or_default();
    GatewayError::Unreadable(format!("the status request was refused: {}{code}", cut(message, 100)))
}

fn unreadable(why: &str) -> GatewayError {
    GatewayError::Unreadable(why.to_owned())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn no_answer_panics(body: Vec<u8>, text in "\\PC{0,120}") {
            let key = WorkingKey::new("FA4E");
            let asked = Money::parse("19.99", Currency::INR).unwrap();
            let encrypted = format!("status=0&enc_response={}\r\n", key.encrypt(&text));
            for body in [body, format!("status=0&enc_response={text}").into(), encrypted.into()] {
                if let Ok(Content::Text(text)) = content(&key, &body) {
                    let _ = result(&text).and_then(|result| report(&result, asked));
                }
            }
            let _ = super::super::refund_answer::taken(&text);
        }

        #[test]
        fn only_three_words_are_a_payment(state in "(Shipped|Success(ful)?|\\PC{0,10})", status in "(0|1|\\PC{0,3})") {
            let json = serde_json::json!({"order_status": state, "status": status, "order_gross_amt": "19.99"});
            let result = result(&json.to_string()).unwrap();
            if let Ok(report) = report(&result, Money::parse("19.99", Currency::INR).unwrap()) {
                let is_paid = matches!(report.outcome, Outcome::Paid { .. });
                let word = ["shipped", "successful", "success"].contains(&state.trim().to_ascii_lowercase().as_str());
                prop_assert!(!is_paid || (word && (status.trim() == "0" || status.is_empty())));
            }
        }
    }
}
