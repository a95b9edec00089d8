//! The router's answers: a payment, an event about one, a refusal. Pure.

use std::time::Duration;

use payment_domain::{Currency, Money, Outcome, Report, Timestamp, Transaction, TxnId};
use payment_gateway::GatewayError;
use serde_json::json;

use super::REFERENCE;
use crate::client::Reply;
use crate::evidence;
use crate::json::Object;
use crate::pay_page::pay_page;
use crate::text::{cut, minor_units};
use crate::unknown_order;

const EVIDENCE: [&str; 22] = [
    "payment_id",
    "merchant_order_reference_id",
    "status",
    "amount",
    "net_amount",
    "amount_received",
    "amount_capturable",
    "currency",
    "created",
    "expires_on",
    "profile_id",
    "connector",
    "connector_transaction_id",
    "reference_id",
    "payment_method",
    "payment_method_type",
    "capture_method",
    "attempt_count",
    "manual_retry_allowed",
    "cancellation_reason",
    "error_code",
    "error_message",
];
const EVENT_EVIDENCE: [&str; 3] = ["event_id", "event_type", "timestamp"];

/// The longest text taken over from an answer, in characters.
const MAX_CHARS: usize = 255;
/// How far the router's clock may be behind ours.
const CLOCKS_APART: Duration = Duration::from_secs(60);

/// The router's code for a payment number that is used already.
pub const DUPLICATE: &str = "HE_01";
/// The router's code for something it does not know; HTTP status 404 alone also comes from a wrong address.
pub const NOT_FOUND: &str = "HE_02";

/// A payment as the router describes it. A missing member is missing, never assumed.
#[derive(Debug, Clone)]
pub struct Payment(Object);

impl Payment {
    pub fn new(object: Object) -> Payment {
        Payment(object)
    }

    /// Whether it is the payment of this number.
    pub fn is_of(&self, payment_id: &str) -> bool {
        self.0.text("payment_id").as_deref() == Some(payment_id)
    }

    fn status(&self) -> String {
        self.0.text("status").unwrap_or_default()
    }

    /// An amount in the payment's currency; `None` when one of them is missing or unknown.
    fn money(&self, member: &str) -> Option<Money> {
        minor_units(&self.0.text(member)?, Currency::from_code(&self.0.text("currency")?)?)
    }

    /// Whether it was created for this amount.
    pub fn asks_for(&self, amount: Money) -> bool {
        self.money("amount") == Some(amount)
    }

    /// Whether an amount or a currency is named that it was created for and that is not this one.
    pub fn asks_for_another(&self, amount: Money) -> bool {
        let named = |member: &str, is_ours: &dyn Fn(&str) -> bool| {
            self.0.text(member).is_some_and(|text| !is_ours(&text))
        };
        named("amount", &|digits| minor_units(digits, amount.currency()) == Some(amount))
            || named("currency", &|code| Currency::from_code(code) == Some(amount.currency()))
    }

    /// Whether a provider was requested to take it.
    fn was_attempted(&self) -> bool {
        self.0.text("connector").is_some()
    }

    /// Whether it waits for the payer's first attempt: no provider knows of it.
    pub fn is_unused(&self) -> bool {
        matches!(self.status().as_str(), "requires_payment_method" | "requires_confirmation")
            && !self.was_attempted()
    }

    /// Whether its link has ended by our clock. A link without a stated end has not.
    fn is_over(&self, now: Timestamp) -> bool {
        let end = self.0.text("expires_on").and_then(|text| text.parse::<jiff::Timestamp>().ok());
        end.is_some_and(|end| now > Timestamp::from_millis(end.as_millisecond()).plus(CLOCKS_APART))
    }

    /// Where the payer pays.
    ///
    /// # Errors
    /// [`GatewayError::Unreadable`] without a usable link.
    pub fn link(&self, called: &str) -> Result<String, GatewayError> {
        let link = self.0.object("payment_link").and_then(|link| link.text("link"));
        pay_page(called, &link.ok_or_else(|| unreadable("no payment link"))?)
    }

    /// The meaning of its state now.
    pub fn outcome(&self, now: Timestamp) -> Outcome {
        let status = self.status();
        let declined = |definite: bool| match definite {
            true => Outcome::Declined { reason: self.reason(&status) },
            // The link allows another attempt.
            false => Outcome::Pending,
        };
        match status.as_str() {
            "succeeded" => Outcome::Paid { amount: self.money("amount_received") },
            // Another amount than requested was taken: an operator has to see it.
            "partially_captured" | "conflicted" => Outcome::Paid { amount: None },
            "failed" | "expired" => declined(self.is_over(now)),
            // The router takes no further attempt. One that was under way may have been paid.
            "cancelled" => declined(self.is_over(now) || !self.was_attempted()),
            "cancelled_post_capture" => Outcome::Refunded,
            // The router keeps the state of a link that was never used, and takes no attempt after its end.
            "requires_payment_method" | "requires_confirmation" if self.is_unused() && self.is_over(now) => {
                Outcome::NotFound
            }
            "processing"
            | "requires_payment_method"
            | "requires_confirmation"
            | "requires_customer_action"
            | "requires_merchant_action"
            | "partially_captured_and_capturable"
            | "partially_captured_and_processing" => Outcome::Pending,
            // Automatic capture was requested: nothing else captures it.
            "requires_capture" | "partially_authorized_and_requires_capture" => Outcome::Authorised,
            other => Outcome::Unrecognised { code: cut(other, 64).to_owned() },
        }
    }

    fn reason(&self, status: &str) -> String {
        let told =
            ["error_message", "error_code", "cancellation_reason"].iter().find_map(|name| self.0.text(name));
        cut(&told.unwrap_or_else(|| status.to_owned()), MAX_CHARS).to_owned()
    }

    /// The whole report.
    pub fn report(&self, now: Timestamp) -> Report {
        let text = |name: &str| self.0.text(name).map(|text| cut(&text, MAX_CHARS).to_owned());
        Report {
            outcome: self.outcome(now),
            gateway_txn_id: text("payment_id"),
            payment_mode: text("payment_method_type").or_else(|| text("payment_method")),
            bank_txn_no: None,
            returned: None,
            status_code: text("status"),
            status_message: text("error_message").or_else(|| text("error_code")),
            raw: evidence::of_object(&self.0, &EVIDENCE),
        }
    }
}

/// An event: a webhook's report on a payment.
#[derive(Debug, Clone)]
pub struct Event {
    event: Object,
    pub payment: Payment,
}

impl Event {
    /// The event in a body, signed or not; `None` where there is none.
    pub fn in_body(body: &[u8]) -> Option<Event> {
        let event = Object::parse(body)?;
        let payment = Payment(event.object("content")?.object("object")?);
        Some(Event { event, payment })
    }

    /// The transaction whose payment it is about.
    pub fn transaction(&self) -> Option<TxnId> {
        let payment = &self.payment.0;
        let reference = payment.text("merchant_order_reference_id");
        TxnId::new(reference.or_else(|| payment.object("metadata")?.text(REFERENCE))?).ok()
    }

    /// The router's number of the refund that it is about, where it is about one.
    pub fn refund(&self) -> Option<String> {
        self.payment.0.text("refund_id")
    }

    /// The report on the payment, with the mark that distinguishes this event from another.
    pub fn report(&self, now: Timestamp) -> Report {
        let mut report = self.payment.report(now);
        report.raw["event"] = evidence::of_object(&self.event, &EVENT_EVIDENCE);
        report
    }
}

/// The answer to the creation of a payment.
#[derive(Debug)]
pub enum Created {
    New(Payment),
    /// The router has a payment of this number.
    Known,
}

/// Reads the answer to the creation of a payment.
///
/// # Errors
/// [`GatewayError::Refused`] when nothing was created; [`GatewayError::Unanswered`] or
/// [`GatewayError::Unreadable`] when that is not known.
pub fn created(reply: Reply) -> Result<Created, GatewayError> {
    let code = refusal(&reply);
    match (reply.status, code.as_deref()) {
        (400..=499, Some(DUPLICATE)) => Ok(Created::Known),
        (408 | 409 | 429, _) | (..=399 | 500.., _) => Ok(Created::New(read(reply)?)),
        (400..=499, Some(code)) => Err(GatewayError::Refused { code: code.to_owned() }),
        (status @ 400..=499, None) => Err(GatewayError::Refused { code: format!("HTTP_{status}") }),
    }
}

/// Reads the answer to a status request; `None` when the router does not know the payment.
///
/// # Errors
/// [`GatewayError::Unanswered`] or [`GatewayError::Unreadable`].
pub fn payment(reply: Reply) -> Result<Option<Payment>, GatewayError> {
    match (reply.status, refusal(&reply).as_deref()) {
        (404, Some(NOT_FOUND)) => Ok(None),
        (400..=407 | 410..=428 | 430..=499, Some(code)) => {
            Err(GatewayError::Unreadable(format!("the question was refused: {code}")))
        }
        (_, Some(_) | None) => read(reply).map(Some),
    }
}

/// The report on a payment that the router does not know.
pub fn unknown(txn: &Transaction) -> Report {
    unknown_order::report(txn, Some(NOT_FOUND.to_owned()), json!({ "error_code": NOT_FOUND }))
}

fn read(reply: Reply) -> Result<Payment, GatewayError> {
    let reply = reply.accepted()?;
    Object::parse(&reply.body).map(Payment).ok_or_else(|| unreadable("not a JSON object"))
}

/// The code of an error.
pub fn refusal(reply: &Reply) -> Option<String> {
    let code = Object::parse(&reply.body)?.object("error")?.text("code")?;
    Some(cut(&code, 64).to_owned())
}

fn unreadable(what: &str) -> GatewayError {
    GatewayError::Unreadable(what.to_owned())
}
