//! Messages to payers about refunds: under way, completed, and failed after it was announced. Requests and
//! decisions are not announced.

use payment_domain::{Refund, RefundId, RefundStatus, RequestInfo};
use serde::Deserialize;
use serde_json::value::RawValue;

use super::{Notifications, Notified, NotifyError, Subject, UnreadableEvent};

/// The part of an event's refund that is read; the rest comes from the database.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct EventRefund {
    refund_id: RefundId,
    refund_txn_status: String,
}

/// The word of a refund's status in the codes of messages; `None` where the payer gets no message.
fn word(refund: &Refund) -> Option<&'static str> {
    match refund.status {
        RefundStatus::Sent => Some("PENDING"),
        RefundStatus::Succeeded => Some("SUCCESS"),
        // A refund that was never sent was not announced.
        RefundStatus::Failed if refund.calls.number > 0 => Some("FAILURE"),
        RefundStatus::Failed
        | RefundStatus::Requested
        | RefundStatus::Approved
        | RefundStatus::Rejected
        | RefundStatus::Withdrawn
        | RefundStatus::Expired => None,
    }
}

impl Notifications {
    pub(super) async fn decide_refund(
        &self,
        info: &RequestInfo,
        refund: &RawValue,
    ) -> Result<Notified, NotifyError> {
        let EventRefund { refund_id, refund_txn_status } = serde_json::from_str(refund.get())
            .map_err(|error| UnreadableEvent::NotATransaction { column: error.column() })?;
        let Some(refund) = self.ports.store.refund(&refund_id, None).await? else {
            tracing::warn!(%refund_id, "an event is about a refund that does not exist; no message is sent");
            return Ok(Notified::NoTransaction);
        };
        if refund.status.digit_word() != refund_txn_status {
            return Ok(Notified::Overtaken);
        }
        // Its money came back: that it was given back is true no more.
        let word = if refund.returned_at.is_some() { None } else { word(&refund) };
        let Some(word) = word else { return Ok(Notified::NotForUs) };
        let Some(txn) = self.ports.store.transaction(&refund.txn_id).await? else {
            tracing::warn!(%refund_id, "a refund is of a transaction that does not exist; no message is sent");
            return Ok(Notified::NoTransaction);
        };
        let changed = refund.audit.modified_at.unwrap_or(refund.audit.created_at);
        let subject = Subject { txn: &txn, amount: refund.amount, changed, refund: Some(&refund) };
        let code = format!("PG_NOTIFICATION_REFUND_{word}");
        self.tell(info, &subject, &code, &format!("sms/refund/{refund_id}/{word}")).await
    }
}
