//! Events as consumers read them: `{"RequestInfo":…,"Transaction":…}`, `{"RequestInfo":…,"TransactionDump":…}`
//! and `{"RequestInfo":…,"Refund":…}`.
//!
//! An event of a change that no request of the payer waits for, as of every refund, carries [`NOTIFY_PAYER`]
//! beside the two: the notification
//! consumer makes a text message of it. A request reaches only the inside of `RequestInfo` and
//! `Transaction`, so that no caller can set it.

use payment_domain::{Event, EventKind, Refund, TenantId, Transaction, TxnId};
use payment_store::{BoxError, Dump, StoreError};
use serde::Serialize;

use crate::identity::Identity;
use crate::view::{AuditView, PersonalData, RefundView, TransactionView};

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
        let mark = if self.notifies { mark() } else { String::new() };
        self.event(kind, (&txn.id, &txn.tenant_id), "Transaction", &format!("{json}{mark}"))
    }

    /// An event about a request to the gateway, or its answer.
    pub(crate) fn dump(&self, kind: EventKind, txn: &Transaction, dump: &Dump) -> Result<Event, StoreError> {
        let json = to_json(&DumpView {
            txn_id: txn.id.as_str(),
            txn_request: dump.request.as_deref(),
            txn_response: dump.response.as_ref(),
            audit_details: AuditView::of(&txn.audit),
        })?;
        Ok(self.event(kind, (&txn.id, &txn.tenant_id), "TransactionDump", &json))
    }

    pub(crate) fn update(&self, txn: &Transaction) -> Result<Event, StoreError> {
        Ok(self.transaction(EventKind::UpdateTransaction, txn, &to_json(&TransactionView::of(txn))?))
    }

    /// A refund was requested, or has changed; in the order of its payment's events.
    pub(crate) fn refund(&self, refund: &Refund) -> Result<Event, StoreError> {
        let kind = if refund.version == 1 { EventKind::SaveRefund } else { EventKind::UpdateRefund };
        let json = to_json(&RefundView::of(refund, PersonalData::Masked))?;
        let payment = (&refund.txn_id, &refund.tenant_id);
        Ok(self.event(kind, payment, "Refund", &format!("{json}{}", mark())))
    }

    fn event(
        &self,
        kind: EventKind,
        (txn_id, tenant_id): (&TxnId, &TenantId),
        member: &str,
        json: &str,
    ) -> Event {
        let info = &self.request_info;
        Event {
            kind,
            txn_id: txn_id.clone(),
            tenant_id: tenant_id.clone(),
            body: format!("{{\"RequestInfo\":{info},\"{member}\":{json}}}"),
            trace: payment_trace::sampled(),
        }
    }
}

fn mark() -> String {
    format!(",\"{NOTIFY_PAYER}\":true")
}

/// JSON text.
pub(crate) fn to_json<T: Serialize>(value: &T) -> Result<String, StoreError> {
    serde_json::to_string(value).map_err(|error| StoreError::Failed(BoxError::from(error)))
}
