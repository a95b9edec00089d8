//! The gateway's forms and JSON: requests, and the meaning of answers.

use payment_domain::{Currency, Money, Outcome, Report};
use payment_gateway::{GatewayError, Params};
use secrecy::ExposeSecret;

use super::account::PayuAccount;
use super::signature;
use crate::client::{Body, Call, Method, Reply};
use crate::evidence;
use crate::json::Object;
use crate::pay_page::pay_page;
use crate::text::{bank_txn_no, cut, one_line};

/// The field that carries our transaction id, both ways.
pub const REFERENCE: &str = "txnid";
/// The longest description the gateway takes, in characters.
const MAX_PRODUCT_CHARS: usize = 100;
/// The longest name the gateway takes, in characters.
const MAX_NAME_CHARS: usize = 60;
/// The longest e-mail address the gateway takes, in characters.
const MAX_EMAIL_CHARS: usize = 50;

/// Evidence kept of an answer. Left out are the hash, the payer's name, address and number, card
/// hints and the free fields, which hold payment addresses.
const EVIDENCE: [&str; 18] = [
    "mihpayid",
    "request_id",
    "status",
    "unmappedstatus",
    REFERENCE,
    "amount",
    "amt",
    "transaction_amount",
    "additionalCharges",
    "additional_charges",
    "mode",
    "PG_TYPE",
    "bankcode",
    "bank_ref_num",
    "addedon",
    "error",
    "error_code",
    "error_Message",
];

/// Evidence kept of a callback: the fields that its hash covers.
const SIGNED_EVIDENCE: [&str; 4] = ["status", REFERENCE, "amount", "additionalCharges"];

/// One payment before it is truncated to the gateway's limits.
#[derive(Clone, Copy)]
pub struct Payment<'a> {
    pub reference: &'a str,
    pub amount: Money,
    pub product_info: &'a str,
    pub name: &'a str,
    /// The payer's e-mail address; empty when there is none.
    pub email: &'a str,
    pub phone: &'a str,
    /// The browser's return address, for every outcome.
    pub return_url: &'a str,
}

/// The fields of the form, with the hash over exactly these fields.
pub fn pay_fields(account: &PayuAccount, payment: &Payment<'_>) -> Vec<(String, String)> {
    let amount = payment.amount.to_string();
    // The gateway refuses a form without a description or a name.
    let product_info = or(fitted(payment.product_info, MAX_PRODUCT_CHARS), payment.reference);
    let name = or(fitted(payment.name, MAX_NAME_CHARS), "Payer");
    let email = fitted(payment.email, MAX_EMAIL_CHARS);
    let phone = one_line(payment.phone);
    let fields = [
        ("key", account.merchant_key.as_str()),
        (REFERENCE, payment.reference),
        ("amount", &amount),
        ("productinfo", &product_info),
        ("firstname", &name),
        ("email", &email),
        ("phone", &phone),
        ("surl", payment.return_url),
        ("furl", payment.return_url),
    ];
    let value = |wanted: &str| fields.iter().find(|(name, _)| *name == wanted).map_or("", |(_, value)| value);
    let hash = signature::payment_hash(&account.merchant_key, account.salt.expose_secret(), value);
    fields
        .into_iter()
        .chain([("hash", hash.as_str())])
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .collect()
}

/// The form, posted from here.
pub fn open_call(url: String, fields: Vec<(String, String)>) -> Call {
    Call { method: Method::POST, url, headers: Vec::new(), body: Body::Form(fields) }
}

/// Where the payer pays, out of the answer to [`open_call`]: the `Location` that we do not follow.
///
/// # Errors
/// [`GatewayError::Unanswered`] or [`GatewayError::Unreadable`] when there is none: whether the payment
/// was opened is not known then.
pub fn opened(reply: Reply, called: &str) -> Result<String, GatewayError> {
    match (reply.status, &reply.location) {
        (300..=399, Some(location)) => pay_page(called, location),
        // A refusal is a page for people.
        (_, Some(_) | None) => {
            reply.accepted()?;
            Err(unreadable("no address of a pay page"))
        }
    }
}

/// Free text as the gateway takes it: on one line, because a browser rewrites line ends after the
/// hash is made; without the sign that separates hashed fields; cut between characters.
fn fitted(text: &str, max_chars: usize) -> String {
    let line = one_line(&text.replace('|', " "));
    cut(&line, max_chars).trim_end().to_owned()
}

fn or(text: String, instead: &str) -> String {
    if text.is_empty() { instead.to_owned() } else { text }
}

/// A command to the server API with its arguments (`var1`, `var2`, …); the hash covers `var1`.
pub fn command_call(account: &PayuAccount, command: &str, arguments: &[(&str, &str)]) -> Call {
    let var1 = arguments.iter().find(|(name, _)| *name == "var1").map_or("", |(_, value)| value);
    let hash = signature::command_hash(&account.merchant_key, account.salt.expose_secret(), command, var1);
    let mut fields = vec![("key", account.merchant_key.as_str()), ("command", command)];
    fields.extend(arguments);
    fields.push(("hash", &hash));
    Call {
        method: Method::POST,
        url: account.status_url.clone(),
        headers: Vec::new(),
        body: Body::Form(
            fields.into_iter().map(|(name, value)| (name.to_owned(), value.to_owned())).collect(),
        ),
    }
}

pub fn status_call(account: &PayuAccount, reference: &str) -> Call {
    command_call(account, "verify_payment", &[("var1", reference)])
}

/// The meaning of the fields of a callback. The hash covers the status, but not whether the money was
/// captured, so that a success is still pending here: only the status call knows. Fields outside the hash are
/// not kept, and number no payment.
pub fn callback_report(fields: &Params) -> Report {
    let text = |name: &str| fields.get(name).filter(|value| !value.is_empty()).map(str::to_owned);
    let mut report = report(&text, evidence::of_pairs(fields.iter(), &SIGNED_EVIDENCE));
    if matches!(report.outcome, Outcome::Paid { .. }) {
        report.outcome = Outcome::Pending;
    }
    report.gateway_txn_id = None;
    report.bank_txn_no = None;
    report
}

/// One payment in the answer to [`status_call`].
///
/// # Errors
/// [`GatewayError::Unreadable`] when the answer is not about it, refuses the question, contradicts
/// itself or cannot be read; [`GatewayError::WrongTransaction`] when it names another.
pub fn status_report(body: &[u8], reference: &str) -> Result<Report, GatewayError> {
    let answer = Object::parse(body).ok_or_else(|| unreadable("no JSON object"))?;
    let answered = answer.text("status");
    let Some(details) = answer.object("transaction_details").and_then(|all| all.object(reference)) else {
        return Err(match (answered.as_deref(), answer.text("msg")) {
            // The message is about our key or hash, not about a payment.
            (Some("0"), Some(message)) => {
                GatewayError::Unreadable(format!("the status question was refused: {}", cut(&message, 100)))
            }
            (Some(_) | None, _) => unreadable("nothing about the transaction"),
        });
    };
    let text = |name: &str| details.text(name);
    if text(REFERENCE).is_some_and(|named| named != reference) {
        return Err(GatewayError::WrongTransaction);
    }
    if text("currency").is_some_and(|code| Currency::from_code(&code) != Some(Currency::INR)) {
        return Err(unreadable("another currency"));
    }
    let mut report = report(&text, evidence::of_object(&details, &EVIDENCE));
    if matches!(report.outcome, Outcome::Paid { .. }) {
        report.outcome = Outcome::Paid { amount: paid_amount(&text)? };
    }
    match (answered.as_deref(), &report.outcome) {
        (Some("1"), _) | (Some("0"), Outcome::NotFound) => Ok(report),
        (Some(_) | None, _) => Err(unreadable("the answer contradicts itself")),
    }
}

fn unreadable(why: &str) -> GatewayError {
    GatewayError::Unreadable(why.to_owned())
}

/// The meaning of the members, without the amount of a payment.
fn report(text: &impl Fn(&str) -> Option<String>, raw: serde_json::Value) -> Report {
    let status = text("status").unwrap_or_default();
    let unmapped = text("unmappedstatus").unwrap_or_default();
    let code_of_error = text("error_code").or_else(|| text("error"));
    let error_message = text("error_Message");
    let outcome = match (status.to_ascii_lowercase().as_str(), unmapped.to_ascii_lowercase().as_str()) {
        ("success", "captured") => Outcome::Paid { amount: None },
        ("success", "auth") | ("pending", _) => Outcome::Pending,
        // A failure that is captured all the same: money may have moved.
        ("failure", "captured") => unrecognised(&status, &unmapped),
        ("failure", _) => Outcome::Declined {
            reason: cut(error_message.as_deref().unwrap_or("declined at the gateway"), 255).to_owned(),
        },
        ("not found", _) => Outcome::NotFound,
        (_, _) => unrecognised(&status, &unmapped),
    };
    let (status_code, status_message) = match &outcome {
        Outcome::Declined { .. } => (code_of_error.or(Some(unmapped)), error_message.or(Some(status))),
        Outcome::Paid { .. }
        | Outcome::Pending
        | Outcome::Authorised
        | Outcome::NotFound
        | Outcome::Refunded
        | Outcome::Unrecognised { .. } => (Some(unmapped), Some(status)),
    };
    let bounded =
        |text: Option<String>| text.filter(|text| !text.is_empty()).map(|text| cut(&text, 255).to_owned());
    Report {
        gateway_txn_id: bounded(text("mihpayid")).filter(|_| outcome != Outcome::NotFound),
        payment_mode: bounded(text("mode")),
        bank_txn_no: text("bank_ref_num").or_else(|| text("bank_ref_no")).and_then(bank_txn_no),
        returned: None,
        status_code: bounded(status_code),
        status_message: bounded(status_message),
        raw,
        outcome,
    }
}

fn unrecognised(status: &str, unmapped: &str) -> Outcome {
    Outcome::Unrecognised { code: format!("{}/{}", cut(status, 32), cut(unmapped, 32)) }
}

/// The amount paid towards the order. `transaction_amount` is the order's amount, `amt` the payer's charge;
/// the two may differ by the gateway's charges and by nothing else. `None` when they differ otherwise, or
/// neither is there.
fn paid_amount(text: &impl Fn(&str) -> Option<String>) -> Result<Option<Money>, GatewayError> {
    let read = |name: &str| {
        let amount = text(name).as_deref().map(|text| Money::parse(text, Currency::INR)).transpose();
        amount.map_err(|_| unreadable("an amount is no amount"))
    };
    Ok(match (read("transaction_amount")?, read("amt")?) {
        (Some(asked), Some(charged)) if asked == charged => Some(asked),
        (Some(asked), Some(charged)) => {
            let charges = read("additional_charges")?;
            let total = charges.and_then(|charges| asked.plus(charges));
            (total == Some(charged)).then_some(asked)
        }
        (Some(amount), None) | (None, Some(amount)) => Some(amount),
        (None, None) => None,
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::{Value, json};

    use super::*;

    fn read(details: Value) -> Report {
        let body = json!({"status": 1, "transaction_details": {"T1": details}}).to_string();
        status_report(body.as_bytes(), "T1").unwrap()
    }

    fn refused(body: &Value) -> GatewayError {
        status_report(body.to_string().as_bytes(), "T1").unwrap_err()
    }

    #[test]
    fn only_captured_money_is_paid() {
        let meaning = |status: &str, unmapped: &str| {
            read(json!({"status": status, "unmappedstatus": unmapped, "amt": "1.00"})).outcome.name()
        };
        assert_eq!(meaning("success", "captured"), "paid");
        assert_eq!(meaning("Success", "Captured"), "paid");
        assert_eq!(meaning("success", "auth"), "pending");
        assert_eq!(meaning("success", ""), "unrecognised");
        assert_eq!(meaning("success", "chargeback"), "unrecognised");
        assert_eq!(meaning("pending", "initiated"), "pending");
        assert_eq!(meaning("failure", "dropped"), "declined");
        assert_eq!(meaning("failure", "captured"), "unrecognised");
        assert_eq!(meaning("Not Found", ""), "not found");
        assert_eq!(meaning("", ""), "unrecognised");
        assert_eq!(meaning("settled", ""), "unrecognised");
    }

    #[test]
    fn the_amount_is_read_by_its_digits_whether_number_or_text() {
        let paid = |details: Value| {
            let mut all = json!({"status": "success", "unmappedstatus": "captured"});
            all.as_object_mut().unwrap().extend(details.as_object().unwrap().clone());
            let Outcome::Paid { amount } = read(all).outcome else { panic!("paid") };
            amount.map(|amount| amount.to_string())
        };
        assert_eq!(paid(json!({"amt": 19.99})).as_deref(), Some("19.99"));
        assert_eq!(paid(json!({"amt": "19.99", "transaction_amount": 19.99})).as_deref(), Some("19.99"));
        let charged = json!({"amt": "20.49", "transaction_amount": "19.99", "additional_charges": "0.50"});
        assert_eq!(paid(charged).as_deref(), Some("19.99"));
        assert_eq!(paid(json!({"amt": "20.49", "transaction_amount": "19.99"})), None);
        assert_eq!(
            paid(json!({"amt": "9.99", "transaction_amount": "19.99", "additional_charges": "0"})),
            None
        );
        assert_eq!(paid(json!({})), None);
    }

    #[test]
    fn an_answer_about_another_transaction_is_unreadable() {
        let paid = json!({"status": "success", "unmappedstatus": "captured", "amt": "1.00", "txnid": "T2"});
        let named = refused(&json!({"status": 1, "transaction_details": {"T1": paid}}));
        assert!(matches!(named, GatewayError::WrongTransaction));
        for body in [
            json!({"status": 1, "transaction_details": {"T2": paid}}),
            json!({"status": 1, "transaction_details": []}),
            json!({"status": 0, "transaction_details": {"T1": {"status": "success", "unmappedstatus": "captured"}}}),
            json!({"transaction_details": {"T1": {"status": "failure"}}}),
            json!({"status": 1, "transaction_details": {"T1": {"status": "failure", "currency": "USD"}}}),
            json!({"status": 0, "msg": "Invalid Hash."}),
            json!({"status": "1", "transaction_details":
                {"T1": {"status": "success", "unmappedstatus": "captured", "amt": "1,000.00"}}}),
        ] {
            assert!(matches!(refused(&body), GatewayError::Unreadable(_)), "{body}");
        }
    }

    #[test]
    fn evidence_holds_no_personal_data() {
        let report = read(json!({
            "status": "success", "unmappedstatus": "captured", "amt": "1.00", "mihpayid": 40, "mode": "CC",
            "card_no": "512345XXXXXX2346", "name_on_card": "Asha", "firstname": "Asha", "email": "a@b", "phone": "98",
            "field1": "asha@upi", "hash": "00"
        }));
        let kept = json!({"status": "success", "unmappedstatus": "captured", "amt": "1.00", "mihpayid": "40", "mode": "CC"});
        assert_eq!(report.raw, kept);
        assert_eq!(report.gateway_txn_id.as_deref(), Some("40"));
    }

    #[test]
    fn free_text_is_fitted_before_it_is_signed() {
        assert_eq!(fitted(" a|b\r\nc ", 100), "a b  c");
        assert_eq!(fitted("आशा शर्मा", 4), "आशा");
    }

    proptest! {
        #[test]
        fn no_answer_panics(body: Vec<u8>) {
            let _ = status_report(&body, "T1");
        }

        #[test]
        fn no_details_panic_and_only_captured_is_paid(
            status in "(success|failure|pending|\\PC{0,6})",
            unmapped in "(captured|auth|\\PC{0,6})",
            amt in "\\PC{0,8}",
        ) {
            let details = json!({"status": status, "unmappedstatus": unmapped, "amt": amt});
            let body = json!({"status": 1, "transaction_details": {"T1": details}}).to_string();
            if let Ok(report) = status_report(body.as_bytes(), "T1") {
                let paid = matches!(report.outcome, Outcome::Paid { .. });
                prop_assert!(!paid || (status == "success" && unmapped == "captured"));
            }
        }
    }
}
