//! Events as consumers read them: `{"RequestInfo":…,"Transaction":…}` and
//! `{"RequestInfo":…,"TransactionDump":…}`.
//!
//! What we have done by ourselves carries [`NOTIFY_PAYER`] beside the two: the mark by which the
//! notification consumer knows of what a payer is to be told. A request reaches only the inside of
//! `RequestInfo` and `Transaction`, so no caller can set it.

use payment_domain::{Event, EventKind, Transaction};
use payment_store::{BoxError, Dump, StoreError};
use serde::Serialize;

use crate::identity::Identity;
use crate::view::{AuditView, TransactionView};

/// The member of an event of which its payer is to be told; `true` where it is there at all.
pub(crate) const NOTIFY_PAYER: &str = "notifyPayer";

/// The events of one change, with the [`Identity::published_info`] of whoever made it.
pub(crate) struct EventWriter {
    request_info: String,
    notifies: bool,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct DumpView<'a> {
    txn_id: &'a str,
    txn_request: Option<&'a str>,
    txn_response: Option<&'a serde_json::Value>,
    audit_details: AuditView<'a>,
}

impl EventWriter {
    pub(crate) fn new(identity: &Identity) -> Result<EventWriter, StoreError> {
        let request_info = to_json(&identity.published_info())?;
        Ok(EventWriter { request_info, notifies: identity.is_system() })
    }

    /// An event about a transaction whose JSON text is at hand.
    pub(crate) fn transaction(&self, kind: EventKind, txn: &Transaction, json: &str) -> Event {
        let mark = if self.notifies { format!(",\"{NOTIFY_PAYER}\":true") } else { String::new() };
        self.event(kind, txn, "Transaction", &format!("{json}{mark}"))
    }

    /// An event about what was sent to or came from the gateway.
    pub(crate) fn dump(&self, kind: EventKind, txn: &Transaction, dump: &Dump) -> Result<Event, StoreError> {
        let json = to_json(&DumpView {
            txn_id: txn.id.as_str(),
            txn_request: dump.request.as_deref(),
            txn_response: dump.response.as_ref(),
            audit_details: AuditView::of(&txn.audit),
        })?;
        Ok(self.event(kind, txn, "TransactionDump", &json))
    }

    /// The update of a transaction.
    pub(crate) fn update(&self, txn: &Transaction) -> Result<Event, StoreError> {
        Ok(self.transaction(EventKind::UpdateTransaction, txn, &to_json(&TransactionView::of(txn))?))
    }

    fn event(&self, kind: EventKind, txn: &Transaction, member: &str, json: &str) -> Event {
        let info = &self.request_info;
        Event {
            kind,
            txn_id: txn.id.clone(),
            tenant_id: txn.tenant_id.clone(),
            body: format!("{{\"RequestInfo\":{info},\"{member}\":{json}}}"),
        }
    }
}

/// JSON text of our own types, which always have one.
pub(crate) fn to_json<T: Serialize>(value: &T) -> Result<String, StoreError> {
    serde_json::to_string(value).map_err(|error| StoreError::Failed(BoxError::from(error)))
}
