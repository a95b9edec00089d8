//! Events as consumers read them: `{"RequestInfo":…,"Transaction":…}` and
//! `{"RequestInfo":…,"TransactionDump":…}`.
//!
//! An event of a change that no request waits for carries [`NOTIFY_PAYER`] beside the two: the notification
//! consumer makes a text message of it. A request reaches only the inside of `RequestInfo` and
//! `Transaction`, so that no caller can set it.

use payment_domain::{Event, EventKind, Transaction};
use payment_store::{BoxError, Dump, StoreError};
use serde::Serialize;

use crate::identity::Identity;
use crate::view::{AuditView, TransactionView};

/// `true` where it is present.
pub(crate) const NOTIFY_PAYER: &str = "notifyPayer";

/// Writes the events of one change, with the [`Identity::published_info`] of its caller.
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

    /// An event about a transaction, of which `json` is the view.
    pub(crate) fn transaction(&self, kind: EventKind, txn: &Transaction, json: &str) -> Event {
        let mark = if self.notifies { format!(",\"{NOTIFY_PAYER}\":true") } else { String::new() };
        self.event(kind, txn, "Transaction", &format!("{json}{mark}"))
    }

    /// An event about a request to the gateway, or its answer.
    pub(crate) fn dump(&self, kind: EventKind, txn: &Transaction, dump: &Dump) -> Result<Event, StoreError> {
        let json = to_json(&DumpView {
            txn_id: txn.id.as_str(),
            txn_request: dump.request.as_deref(),
            txn_response: dump.response.as_ref(),
            audit_details: AuditView::of(&txn.audit),
        })?;
        Ok(self.event(kind, txn, "TransactionDump", &json))
    }

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

/// JSON text.
pub(crate) fn to_json<T: Serialize>(value: &T) -> Result<String, StoreError> {
    serde_json::to_string(value).map_err(|error| StoreError::Failed(BoxError::from(error)))
}
