//! Razorpay's webhooks: events about payment links, signed as a whole.
//!
//! Events about payments and orders alone are not read: they name no reference, and notes that a payer's
//! browser may write name no transaction of ours.

use payment_domain::{Timestamp, Transaction};
use payment_gateway::{Answer, Evidence, GatewayError};

use super::account::RazorpayAccount;
use super::answer::Link;
use super::signature;
use crate::evidence;
use crate::json::Object;

/// Beside the link. The id of an event is not among them: it comes in a header that is not signed.
const EVENT_EVIDENCE: [&str; 3] = ["account_id", "event", "created_at"];

/// Whether a body is an event.
pub fn is_event(body: &[u8]) -> bool {
    Object::parse(body)
        .is_some_and(|event| event.text("event").is_some() && event.object("payload").is_some())
}

/// The reference of the link that an event is about, before anything is verified.
pub fn reference(body: &[u8]) -> Option<String> {
    entity(&Object::parse(body)?, "payment_link")?.text("reference_id")
}

/// Our number of the refund that an event is about, before anything is verified; `None` also for a refund that
/// Razorpay makes by itself, of a payment that was never captured.
pub fn refund(body: &[u8]) -> Option<String> {
    let event = Object::parse(body)?;
    let captured = entity(&event, "payment").and_then(|payment| payment.text("captured"));
    entity(&event, "refund")?.text("receipt").filter(|_| captured.as_deref() != Some("false"))
}

fn entity(event: &Object, name: &str) -> Option<Object> {
    event.object("payload")?.object(name)?.object("entity")
}

/// Checks an event. Without a secret it proves nothing.
///
/// # Errors
/// [`GatewayError::BadSignature`] and [`GatewayError::WrongTransaction`].
pub fn verify(
    account: &RazorpayAccount,
    txn: &Transaction,
    answer: &Answer,
    now: Timestamp,
) -> Result<Evidence, GatewayError> {
    let names_another = reference(&answer.body).is_some_and(|named| named != txn.id.as_str());
    if account.webhook_secrets.is_empty() {
        return if names_another { Err(GatewayError::WrongTransaction) } else { Ok(Evidence::Unsigned) };
    }
    let given = answer.headers.get_ignoring_case(signature::HEADER).unwrap_or_default();
    if !account.webhook_secrets.iter().any(|secret| signature::verifies(secret, &answer.body, given)) {
        return Err(GatewayError::BadSignature);
    }
    let event = Object::parse(&answer.body).ok_or(GatewayError::WrongTransaction)?;
    let link = entity(&event, "payment_link").ok_or(GatewayError::WrongTransaction)?;
    let unreadable = || GatewayError::Unreadable("no list of payments".to_owned());
    let mut link = Link::read(&link).ok_or_else(unreadable)?;
    if !link.names(txn.id.as_str()) || !link.asks_for(txn) {
        return Err(GatewayError::WrongTransaction);
    }
    if let Some(payment) = entity(&event, "payment") {
        link = link.with_attempt(&payment);
    }
    let mut report = link.report(now);
    let mut raw = evidence::of_object(&event, &EVENT_EVIDENCE);
    raw["payment_link"] = report.raw;
    report.raw = raw;
    Ok(Evidence::Signed(report))
}
