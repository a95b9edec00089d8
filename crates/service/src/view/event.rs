//! Events of the outbox.

use payment_domain::Timestamp;
use payment_store::{DeadLetter, StoredEvent};
use serde::Serialize;
use serde_json::Value;

use super::PersonalData;

/// An event of the outbox.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct EventView {
    pub sequence: i64,
    /// The stream: `save-pg-txns`, …
    pub kind: &'static str,
    /// The transaction; Kafka's key.
    pub txn_id: String,
    pub tenant_id: String,
    pub stored_time: Timestamp,
    /// When the broker confirmed it; null while it waits.
    pub published_time: Option<Timestamp>,
    pub dead_letter: Option<DeadLetterView>,
    /// Left out where events are only listed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub body: Option<Value>,
}

/// An event that was given up.
#[derive(Debug, Clone, Serialize)]
pub struct DeadLetterView {
    pub time: Timestamp,
    /// The brokers' words.
    pub reason: String,
}

impl EventView {
    /// The event without its body.
    pub fn listed(stored: &StoredEvent) -> EventView {
        let letter = |letter: &DeadLetter| DeadLetterView { time: letter.at, reason: letter.reason.clone() };
        EventView {
            sequence: stored.sequence,
            kind: stored.event.kind.as_str(),
            txn_id: stored.event.txn_id.to_string(),
            tenant_id: stored.event.tenant_id.to_string(),
            stored_time: stored.stored_at,
            published_time: stored.published_at,
            dead_letter: stored.dead_letter.as_ref().map(letter),
            body: None,
        }
    }

    /// The event with its body.
    ///
    /// # Errors
    /// When the stored body is not JSON.
    pub fn whole(stored: &StoredEvent, personal: PersonalData) -> Result<EventView, serde_json::Error> {
        let body = personal.show(serde_json::from_str(&stored.event.body)?);
        Ok(EventView { body: Some(body), ..EventView::listed(stored) })
    }
}
