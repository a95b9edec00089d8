//! Events as consumers read them: `{"RequestInfo":…,"Transaction":…}` and
//! `{"RequestInfo":…,"TransactionDump":…}`.

use payment_domain::{Event, EventKind, RequestInfo, Transaction};
use payment_store::{BoxError, Dump, StoreError};
use serde::Serialize;

use crate::view::{AuditView, TransactionView};

/// The events of one change. The caller's `RequestInfo` goes along without its token: what is
/// stored and published must not open any door.
pub(crate) struct EventWriter {
    request_info: String,
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
    pub(crate) fn new(info: &RequestInfo) -> Result<EventWriter, StoreError> {
        Ok(EventWriter { request_info: to_json(&info.without_token())? })
    }

    /// An event about a transaction whose JSON text is at hand.
    pub(crate) fn transaction(&self, kind: EventKind, txn: &Transaction, json: &str) -> Event {
        self.event(kind, txn, "Transaction", json)
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
