//! The events that tell the rest of DIGIT of a transaction's changes.

use crate::TraceContext;
use crate::ids::{TenantId, TxnId};

/// The streams of events. Their topics are configuration.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum EventKind {
    SaveTransaction,
    UpdateTransaction,
    /// The request to the gateway was recorded.
    SaveDump,
    /// The gateway's answer was recorded.
    UpdateDump,
    /// A text message to a payer.
    Sms,
    SaveRefund,
    UpdateRefund,
    /// A checkpoint of the audit log.
    AuditCheckpoint,
}

impl EventKind {
    pub const ALL: [EventKind; 8] = [
        EventKind::SaveTransaction,
        EventKind::UpdateTransaction,
        EventKind::SaveDump,
        EventKind::UpdateDump,
        EventKind::Sms,
        EventKind::SaveRefund,
        EventKind::UpdateRefund,
        EventKind::AuditCheckpoint,
    ];

    /// The stored word; also the default topic.
    pub fn as_str(self) -> &'static str {
        match self {
            EventKind::SaveTransaction => "save-pg-txns",
            EventKind::UpdateTransaction => "update-pg-txns",
            EventKind::SaveDump => "save-pg-txns-dump",
            EventKind::UpdateDump => "update-pg-txns-dump",
            EventKind::Sms => "egov.core.notification.sms",
            EventKind::SaveRefund => "save-pg-refund-txns",
            EventKind::UpdateRefund => "update-pg-refund-txns",
            EventKind::AuditCheckpoint => "pg-audit-checkpoints",
        }
    }

    pub fn from_word(word: &str) -> Option<EventKind> {
        EventKind::ALL.into_iter().find(|kind| kind.as_str() == word)
    }
}

/// An event as it is published: the body is the finished JSON text.
#[derive(Clone, PartialEq, Eq)]
pub struct Event {
    pub kind: EventKind,
    /// The transaction, or the log of a checkpoint; also the record's key, so that its events keep their order.
    pub txn_id: TxnId,
    /// The tenant, from which a central instance takes the topic's prefix.
    pub tenant_id: TenantId,
    pub body: String,
    /// Of what caused it, if that is recorded in a trace; a header of the record.
    pub trace: Option<TraceContext>,
}

/// Without the body, which has the payer's name and number.
impl std::fmt::Debug for Event {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Event")
            .field("kind", &self.kind)
            .field("txn_id", &self.txn_id)
            .finish_non_exhaustive()
    }
}
