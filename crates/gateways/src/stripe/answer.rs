//! Stripe's answers: sessions, errors, and the events of webhooks. Pure.

use payment_domain::{Money, Outcome, Report, Transaction};
use payment_gateway::GatewayError;
use serde_json::Value;

use super::currency;
use super::wire::{self, TXN_ID};
use crate::client::{CallError, Reply};
use crate::evidence;
use crate::json::Object;
use crate::pay_page::pay_page;
use crate::text::cut;

const EVIDENCE: [&str; 10] = [
    "id",
    "client_reference_id",
    "status",
    "payment_status",
    "amount_total",
    "currency",
    "payment_intent",
    "expires_at",
    "livemode",
    "created",
];
const PAYMENT_EVIDENCE: [&str; 6] =
    ["id", "status", "amount", "amount_received", "currency", "latest_charge"];
const FAILURE_EVIDENCE: [&str; 3] = ["type", "code", "decline_code"];
const EVENT_EVIDENCE: [&str; 4] = ["id", "type", "created", "livemode"];
/// The longest text taken over from an answer, in characters.
const MAX_CHARS: usize = 255;

/// Stripe's facts about a session.
#[derive(Debug, Clone)]
pub struct Facts {
    id: Option<String>,
    reference: Option<String>,
    status: Option<String>,
    payment_status: Option<String>,
    amount: Option<Money>,
    payment: Option<String>,
    payment_state: Option<String>,
    failure: Option<String>,
    raw: Value,
}

impl Facts {
    /// `None` when the object is not a session.
    pub fn of_session(session: &Object) -> Option<Facts> {
        if session.text("object").as_deref() != Some("checkout.session") {
            return None;
        }
        let payment = session.object("payment_intent");
        let of_payment = |name: &str| payment.as_ref().and_then(|payment| payment.text(name));
        let failure = payment.as_ref().and_then(|payment| payment.object("last_payment_error"));
        let mut raw = evidence::of_object(session, &EVIDENCE);
        if let Some(payment) = &payment {
            raw["payment_intent"] = evidence::of_object(payment, &PAYMENT_EVIDENCE);
        }
        if let Some(failure) = &failure {
            raw["payment_intent"]["last_payment_error"] = evidence::of_object(failure, &FAILURE_EVIDENCE);
        }
        let (minor, code) = (session.text("amount_total"), session.text("currency"));
        Some(Facts {
            id: session.text("id"),
            reference: reference(session),
            status: session.text("status"),
            payment_status: session.text("payment_status"),
            amount: minor.zip(code).and_then(|(minor, code)| currency::amount(&minor, &code)),
            payment: session.text("payment_intent").or_else(|| of_payment("id")),
            payment_state: of_payment("status"),
            failure: failure
                .and_then(|failure| failure.text("decline_code").or_else(|| failure.text("code"))),
            raw,
        })
    }

    /// The state of the payment.
    pub fn outcome(&self) -> Outcome {
        let state = |text: &Option<String>| text.clone().unwrap_or_else(|| "none".to_owned());
        let unrecognised = || {
            let code = format!("{}/{}", state(&self.status), state(&self.payment_status));
            Outcome::Unrecognised { code: cut(&code, 64).to_owned() }
        };
        let payment = self.payment_state.as_deref();
        match (self.status.as_deref(), self.payment_status.as_deref()) {
            (Some("complete"), Some("paid")) => Outcome::Paid { amount: self.amount },
            (Some("open"), Some("unpaid")) => Outcome::Pending,
            // A bank that takes its time has refused: a complete session cannot be paid again.
            (Some("complete"), Some("unpaid"))
                if matches!(payment, Some("requires_payment_method" | "canceled")) =>
            {
                self.declined("the payment failed")
            }
            (Some("complete"), Some("unpaid")) if payment == Some("requires_capture") => Outcome::Authorised,
            (Some("complete"), Some("unpaid")) => Outcome::Pending,
            // No payment, or one that ended. Of one that is only named it is not known.
            (Some("expired"), Some("unpaid"))
                if self.payment.is_none()
                    || matches!(payment, Some("requires_payment_method" | "canceled")) =>
            {
                self.declined("the session expired")
            }
            (_, _) => unrecognised(),
        }
    }

    fn declined(&self, reason: &str) -> Outcome {
        let reason = self.failure.as_deref().unwrap_or(reason);
        Outcome::Declined { reason: cut(reason, MAX_CHARS).to_owned() }
    }

    /// The outcome that an event of this kind reports; `None` where it is only a reason for a status request.
    pub fn outcome_of_event(&self, kind: &str) -> Option<Outcome> {
        match kind {
            "checkout.session.completed"
            | "checkout.session.async_payment_succeeded"
            | "checkout.session.expired" => Some(self.outcome()),
            "checkout.session.async_payment_failed" if self.payment_status.as_deref() == Some("unpaid") => {
                Some(self.declined("the payment failed"))
            }
            "checkout.session.async_payment_failed" => Some(self.outcome()),
            _ => None,
        }
    }

    /// Whether it is this session, and that of the transaction. Missing is not equal.
    pub fn is_about(&self, txn: &Transaction, session: &str) -> bool {
        self.id.as_deref() == Some(session) && self.reference.as_deref() == Some(txn.id.as_str())
    }

    /// Whether it is the transaction's session, as far as that is known, and about its amount.
    pub fn fits(&self, txn: &Transaction) -> bool {
        let known = txn.redirect_url.as_deref().and_then(wire::session_in);
        self.reference.as_deref() == Some(txn.id.as_str())
            && self.amount == Some(txn.amount)
            && known.is_none_or(|session| self.id.as_deref() == Some(session))
    }

    pub fn into_report(self, outcome: Outcome) -> Report {
        let short = |text: Option<String>| text.map(|text| cut(&text, MAX_CHARS).to_owned());
        Report {
            outcome,
            gateway_txn_id: short(self.payment),
            payment_mode: None,
            bank_txn_no: None,
            returned: None,
            status_code: short(self.payment_status.or(self.status)),
            status_message: short(self.failure),
            raw: self.raw,
        }
    }
}

/// Our transaction id in a session, or in the metadata of another object of Stripe's.
fn reference(object: &Object) -> Option<String> {
    let named = object.text("client_reference_id");
    named.or_else(|| object.object("metadata").and_then(|metadata| metadata.text(TXN_ID)))
}

/// An event of a webhook.
pub struct Event {
    pub kind: String,
    /// Its subject.
    pub object: Object,
    raw: Value,
}

impl Event {
    /// `None` when the text is not an event.
    pub fn parse(body: &[u8]) -> Option<Event> {
        let event = Object::parse(body)?;
        if event.text("object").as_deref() != Some("event") {
            return None;
        }
        Some(Event {
            kind: event.text("type").unwrap_or_default(),
            object: event.object("data")?.object("object")?,
            raw: evidence::of_object(&event, &EVENT_EVIDENCE),
        })
    }

    /// Our transaction id.
    pub fn reference(&self) -> Option<String> {
        reference(&self.object)
    }

    /// Whether a refund is its subject.
    pub fn is_of_refund(&self) -> bool {
        self.object.text("object").as_deref() == Some("refund")
    }

    /// The report with the event's number in its evidence, which identifies a repetition.
    pub fn reported(&self, mut report: Report) -> Report {
        report.raw["event"] = self.raw.clone();
        report
    }
}

/// An error in an answer.
pub struct Refusal {
    pub kind: String,
    pub code: Option<String>,
}

impl Refusal {
    pub fn parse(body: &[u8]) -> Option<Refusal> {
        let error = Object::parse(body)?.object("error")?;
        Some(Refusal { kind: error.text("type")?, code: error.text("code") })
    }

    pub fn code(&self) -> String {
        cut(self.code.as_deref().unwrap_or(&self.kind), 64).to_owned()
    }
}

/// The pay page of a session that was opened.
///
/// # Errors
/// [`GatewayError::Refused`] where Stripe opened none; otherwise the order may be open.
pub fn opened(reply: Reply, called: &str, txn: &Transaction) -> Result<String, GatewayError> {
    if let Some(refusal) = Refusal::parse(&reply.body).filter(|_| (400..500).contains(&reply.status)) {
        return Err(match (reply.status, refusal.kind.as_str()) {
            // The key was used before, with other parameters: a session may be open.
            (_, "idempotency_error") => unreadable("the order was started before, in another way"),
            // The first request is still being worked on, or there were too many.
            (408 | 409 | 429, _) => GatewayError::Unanswered(refusal.code().into()),
            _ => GatewayError::Refused { code: refusal.code() },
        });
    }
    let reply = reply.accepted()?;
    let session = Object::parse(&reply.body).ok_or_else(|| unreadable("not a JSON object"))?;
    let facts = Facts::of_session(&session).ok_or_else(|| unreadable("not a session"))?;
    if !facts.fits(txn) {
        return Err(unreadable("the session is about another payment, or none"));
    }
    let page = session.text("url").ok_or_else(|| unreadable("the session has no page"))?;
    let page = pay_page(called, &page)?;
    // Status requests use the id in this URL.
    match wire::session_in(&page) {
        Some(id) if facts.id.as_deref() == Some(id) => Ok(page),
        Some(_) | None => Err(unreadable("the address of the pay page does not name its session")),
    }
}

/// The facts in the answer about a session; `None` when Stripe knows no such session.
///
/// # Errors
/// [`GatewayError::Unreadable`] when it is about another, or refuses our question.
pub fn session(reply: Reply, txn: &Transaction, session: &str) -> Result<Option<Facts>, GatewayError> {
    if reply.status == 404
        && Refusal::parse(&reply.body)
            .is_some_and(|refusal| refusal.code.as_deref() == Some("resource_missing"))
    {
        return Ok(None);
    }
    if let Some(refusal) =
        Refusal::parse(&reply.body).filter(|_| matches!(reply.status, 400..=407 | 409..=428))
    {
        return Err(unreadable(&format!("the question was refused: {}", refusal.code())));
    }
    let reply = reply.accepted().map_err(|error: CallError| GatewayError::from(error))?;
    let object = Object::parse(&reply.body).ok_or_else(|| unreadable("not a JSON object"))?;
    let facts = Facts::of_session(&object).ok_or_else(|| unreadable("not a session"))?;
    match facts.is_about(txn, session) {
        true => Ok(Some(facts)),
        false => Err(unreadable("the answer names another session or transaction, or none")),
    }
}

fn unreadable(why: &str) -> GatewayError {
    GatewayError::Unreadable(why.to_owned())
}
