//! The protocol's JSON: requests, and the meaning of answers.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use payment_domain::{Currency, Money, Outcome, Report, Timestamp, Transaction};
use payment_gateway::{Answer, GatewayError, Order, Params, Redirect};
use secrecy::ExposeSecret;
use serde::Serialize;
use url::Url;

use super::account::RemoteAccount;
use super::signature::{NONCE, SIGNATURE, Side, Signed, TIMESTAMP, is_recent, seconds};
use crate::account::join;
use crate::client::{Body, Call, Method, Reply};
use crate::evidence;
use crate::json::Object;
use crate::text::{bank_txn_no, cut, minor_units, one_line};

/// The longest address a payer is sent to, in bytes.
const MAX_URL_BYTES: usize = 4096;
/// The most fields of a form a payer posts.
const MAX_FIELDS: usize = 100;
/// The longest name or value of such a field, in bytes.
const MAX_FIELD_BYTES: usize = 16 * 1024;
/// The longest text that is kept of a member, in characters.
pub(super) const MAX_CHARS: usize = 255;

/// Evidence kept of an answer.
const EVIDENCE: [&str; 9] = [
    "orderId",
    "state",
    "amountPaise",
    "currency",
    "gatewayTxnId",
    "paymentMode",
    "bankTransactionNo",
    "statusCode",
    "statusMessage",
];

/// An operation of the protocol.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Operation {
    Start,
    Status,
    /// Close it, and report its status then.
    Close,
    /// Check a provider's message.
    Verify,
    /// Give money back.
    Refund,
    RefundStatus,
}

impl Operation {
    fn path(self) -> &'static str {
        match self {
            Operation::Start => "start",
            Operation::Status => "status",
            Operation::Close => "close",
            Operation::Verify => "verify",
            Operation::Refund => "refund",
            Operation::RefundStatus => "refund-status",
        }
    }
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct About<'a> {
    gateway: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    merchant: Option<&'a str>,
    order_id: &'a str,
    amount_paise: i64,
    currency: &'static str,
}

impl<'a> About<'a> {
    pub(super) fn of(account: &'a RemoteAccount, txn: &'a Transaction) -> About<'a> {
        About {
            gateway: account.name.as_str(),
            merchant: account.merchant.as_deref(),
            order_id: txn.id.as_str(),
            amount_paise: txn.amount.minor(),
            currency: txn.amount.currency().code(),
        }
    }
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct StartBody<'a> {
    #[serde(flatten)]
    about: About<'a>,
    description: &'a str,
    tenant_id: &'a str,
    module: Option<&'a str>,
    consumer_code: &'a str,
    bill_ids: Vec<&'a str>,
    payer: PayerBody<'a>,
    return_url: &'a str,
    notify_url: Option<&'a str>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct PayerBody<'a> {
    name: &'a str,
    mobile_number: &'a str,
    email: Option<&'a str>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct VerifyBody<'a> {
    #[serde(flatten)]
    about: About<'a>,
    params: Vec<(&'a str, &'a str)>,
    headers: Vec<(&'a str, &'a str)>,
    body: String,
}

/// The body of the request that opens an order.
///
/// # Errors
/// Never in practice: the members are plain texts and numbers.
pub fn start_body(account: &RemoteAccount, order: &Order<'_>) -> Result<String, GatewayError> {
    let txn = order.txn;
    json(&StartBody {
        about: About::of(account, txn),
        description: &txn.product_info,
        tenant_id: txn.tenant_id.as_str(),
        module: txn.module.as_deref(),
        consumer_code: &txn.consumer_code,
        bill_ids: txn.bills.iter().map(|bill| bill.bill_id.as_str()).collect(),
        payer: PayerBody {
            name: txn.payer.name.expose(),
            mobile_number: txn.payer.mobile_number.expose(),
            email: txn.payer.email_id.as_ref().map(|email| email.expose()),
        },
        return_url: order.return_url,
        notify_url: order.notify_url,
    })
}

/// The body of the status call.
///
/// # Errors
/// Never in practice.
pub fn status_body(account: &RemoteAccount, txn: &Transaction) -> Result<String, GatewayError> {
    json(&About::of(account, txn))
}

/// The body of the request to verify a provider's answer. Cookies are not passed on.
///
/// # Errors
/// Never in practice.
pub fn verify_body(
    account: &RemoteAccount,
    txn: &Transaction,
    answer: &Answer,
) -> Result<String, GatewayError> {
    json(&VerifyBody {
        about: About::of(account, txn),
        params: answer.params.iter().collect(),
        headers: answer.headers.iter().filter(|(name, _)| !name.eq_ignore_ascii_case("cookie")).collect(),
        body: STANDARD.encode(&answer.body),
    })
}

pub(super) fn json(body: &impl Serialize) -> Result<String, GatewayError> {
    serde_json::to_string(body).map_err(|error| GatewayError::LocalFault(error.into()))
}

/// One request: its call, and the values that its answer is checked against.
#[derive(Debug)]
pub struct Question {
    pub call: Call,
    path: String,
    nonce: String,
}

impl Question {
    /// The request with this body, of that moment, under a nonce that was never used.
    pub fn new(
        account: &RemoteAccount,
        operation: Operation,
        body: String,
        now: Timestamp,
        nonce: String,
    ) -> Question {
        let url = join(&account.base_url, operation.path());
        let path = Url::parse(&url).map_or_else(|_| String::new(), |url| url.path().to_owned());
        let timestamp = seconds(now).to_string();
        let signed =
            Signed { side: Side::Request, method: "POST", path: &path, timestamp: &timestamp, nonce: &nonce };
        let signature = signed.sign(account.secret.expose_secret(), body.as_bytes());
        let headers = vec![
            (TIMESTAMP.to_owned(), timestamp),
            (NONCE.to_owned(), nonce.clone()),
            (SIGNATURE.to_owned(), signature),
        ];
        Question { call: Call { method: Method::POST, url, headers, body: Body::Json(body) }, path, nonce }
    }

    /// The members of the answer to this request.
    ///
    /// # Errors
    /// [`GatewayError::Unanswered`] and [`GatewayError::Unreadable`] when there is none, it is not
    /// signed by the remote gateway, or it answers another question.
    pub fn read(
        &self,
        account: &RemoteAccount,
        reply: Reply,
        now: Timestamp,
    ) -> Result<Object, GatewayError> {
        if reply.status == 401 {
            return Err(unreadable("our signature was refused: compare the secrets and the clocks"));
        }
        let reply = reply.accepted()?;
        let header = |name: &str| {
            let value = reply.header(&name.to_ascii_lowercase());
            value.ok_or_else(|| GatewayError::Unreadable(format!("the answer has no {name} header")))
        };
        let (timestamp, nonce, signature) = (header(TIMESTAMP)?, header(NONCE)?, header(SIGNATURE)?);
        let signed =
            Signed { side: Side::Response, method: "POST", path: &self.path, timestamp, nonce: &self.nonce };
        if nonce != self.nonce {
            return Err(unreadable("the answer is to another question"));
        }
        if !signed.is_signed(account.secret.expose_secret(), &reply.body, signature) {
            return Err(unreadable("the signature of the answer is wrong"));
        }
        if !is_recent(timestamp, now) {
            return Err(unreadable("the answer is too old or from the future: compare the clocks"));
        }
        Object::parse(&reply.body).ok_or_else(|| unreadable("the answer is not a JSON object"))
    }
}

fn unreadable(problem: &str) -> GatewayError {
    GatewayError::Unreadable(problem.to_owned())
}

/// The verdict on a provider's answer.
#[derive(Debug, Clone, PartialEq)]
pub enum Verdict {
    /// The provider signed nothing in it.
    Unsigned,
    BadSignature,
    /// It is about another payment.
    WrongTransaction,
    /// The provider signed it, about this transaction and its amount.
    Signed(Report),
}

/// Where the payer goes, or that the order is refused.
///
/// # Errors
/// [`GatewayError::Refused`] when nothing was opened, [`GatewayError::Unreadable`] when the answer is
/// about another order or says no one thing.
pub fn redirect(answer: &Object, txn: &Transaction) -> Result<Redirect, GatewayError> {
    names(answer, txn)?;
    match (answer.text("redirectUrl"), answer.object("form"), answer.text("refused")) {
        (Some(url), None, None) => Ok(Redirect::To(page_address(url)?)),
        (None, Some(form), None) => form_of(&form),
        (None, None, Some(code)) => Err(GatewayError::Refused { code: cut(&one_line(&code), 64).to_owned() }),
        (_, _, _) => Err(unreadable("it is not one of redirectUrl, form and refused")),
    }
}

fn form_of(form: &Object) -> Result<Redirect, GatewayError> {
    let action = form.text("action").ok_or_else(|| unreadable("the form has no action"))?;
    let fields: Vec<(String, String)> = form
        .raw("fields")
        .and_then(|raw| serde_json::from_str(raw).ok())
        .ok_or_else(|| unreadable("the fields of the form are not a list of name and value"))?;
    let fits = |text: &String| text.len() <= MAX_FIELD_BYTES;
    if fields.len() > MAX_FIELDS || !fields.iter().all(|(name, value)| fits(name) && fits(value)) {
        return Err(unreadable("the form is too large"));
    }
    Ok(Redirect::Form { action: page_address(action)?, fields })
}

/// An address a browser may be sent to.
fn page_address(text: String) -> Result<String, GatewayError> {
    let usable = text.len() <= MAX_URL_BYTES
        && Url::parse(&text).is_ok_and(|url| matches!(url.scheme(), "http" | "https") && url.has_host());
    usable.then_some(text).ok_or_else(|| unreadable("the payer cannot be sent to this address"))
}

/// The meaning of an answer to the status call.
///
/// # Errors
/// [`GatewayError::Unreadable`] when it is about another order, or its amount is none.
pub fn status_report(answer: &Object, txn: &Transaction) -> Result<Report, GatewayError> {
    names(answer, txn)?;
    let amount = amount(answer, txn)?;
    report(answer, amount)
}

/// The meaning of an answer to the verification call. The provider's signed report is compared with the
/// transaction here as well, whatever the verdict of the remote gateway.
///
/// # Errors
/// [`GatewayError::Unreadable`] when it gives no verdict that we know.
pub fn verdict(answer: &Object, txn: &Transaction) -> Result<Verdict, GatewayError> {
    match answer.text("verdict").as_deref() {
        Some("unsigned") => Ok(Verdict::Unsigned),
        Some("bad_signature") => Ok(Verdict::BadSignature),
        Some("wrong_transaction") => Ok(Verdict::WrongTransaction),
        Some("signed") => {
            if answer.text("orderId").as_deref() != Some(txn.id.as_str()) {
                return Ok(Verdict::WrongTransaction);
            }
            match amount(answer, txn)? {
                // Not signed over the amount: a hint, as good as unsigned.
                None => Ok(Verdict::Unsigned),
                Some(amount) if amount != txn.amount => Ok(Verdict::WrongTransaction),
                Some(amount) => report(answer, Some(amount)).map(Verdict::Signed),
            }
        }
        Some(_) | None => Err(unreadable("it gives no known verdict")),
    }
}

fn names(answer: &Object, txn: &Transaction) -> Result<(), GatewayError> {
    match answer.text("orderId").as_deref() == Some(txn.id.as_str()) {
        true => Ok(()),
        false => Err(unreadable("the answer names another order, or none")),
    }
}

/// The amount an answer names, in the currency of the transaction; `None` when it names none.
fn amount(answer: &Object, txn: &Transaction) -> Result<Option<Money>, GatewayError> {
    let Some(text) = answer.text("amountPaise") else { return Ok(None) };
    let currency = answer.text("currency");
    if currency.as_deref().and_then(Currency::from_code) != Some(txn.amount.currency()) {
        return Err(unreadable("the amount is in another currency, or in none"));
    }
    let amount = minor_units(&text, txn.amount.currency());
    amount.map(Some).ok_or_else(|| unreadable("amountPaise is not a whole number of minor units"))
}

fn report(answer: &Object, amount: Option<Money>) -> Result<Report, GatewayError> {
    let text = |name: &str| answer.text(name).map(|text| cut(&one_line(&text), MAX_CHARS).to_owned());
    let state = answer.text("state").ok_or_else(|| unreadable("it names no state"))?;
    let message = text("statusMessage");
    Ok(Report {
        outcome: match state.as_str() {
            "paid" => Outcome::Paid { amount },
            "declined" => Outcome::Declined {
                reason: message.clone().unwrap_or_else(|| "declined at the gateway".to_owned()),
            },
            "pending" => Outcome::Pending,
            "not_found" => Outcome::NotFound,
            "refunded" => Outcome::Refunded,
            other => Outcome::Unrecognised { code: cut(&one_line(other), 64).to_owned() },
        },
        gateway_txn_id: text("gatewayTxnId"),
        payment_mode: text("paymentMode"),
        bank_txn_no: text("bankTransactionNo").and_then(bank_txn_no),
        returned: None,
        status_code: text("statusCode"),
        status_message: message,
        raw: evidence::of_object(answer, &EVIDENCE),
    })
}

/// Whether an answer holds nothing but our own id, so that nothing in it can be a signature.
pub fn is_bare(answer: &Answer, txn: &Transaction) -> bool {
    let only_our_id = |params: &Params| params.iter().all(|(_, value)| value == txn.id.as_str());
    answer.body.is_empty() && only_our_id(&answer.params)
}

#[cfg(test)]
mod tests {
    use payment_gateway::conformance::sample;
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn no_answer_panics(body: Vec<u8>) {
            if let Some(answer) = Object::parse(&body) {
                let txn = sample::transaction("T1", "1.00");
                let _ = (redirect(&answer, &txn), status_report(&answer, &txn), verdict(&answer, &txn));
            }
        }

        #[test]
        fn only_the_word_paid_with_the_same_order_is_a_payment(
            order in "(T1|\\PC{0,3})",
            state in "(paid|\\PC{0,6})",
            amount in "(100|\\PC{0,6})",
            currency in "(INR|USD|JPY|\\PC{0,3})",
        ) {
            let txn = sample::transaction("T1", "1.00");
            let body = serde_json::json!({
                "orderId": order, "state": state, "amountPaise": amount, "currency": currency,
            });
            let answer = Object::parse(body.to_string().as_bytes()).unwrap();
            if let Ok(Report { outcome: Outcome::Paid { amount: paid }, .. }) = status_report(&answer, &txn) {
                prop_assert!(order == "T1" && state == "paid");
                let expected = minor_units(&amount, Currency::INR);
                prop_assert!(paid.is_none() || (currency.eq_ignore_ascii_case("INR") && paid == expected));
            }
        }
    }
}
