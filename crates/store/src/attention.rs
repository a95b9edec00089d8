//! Review cases: raised once, listed, resolved by an operator; one of a state that lasts is opened again.

use std::time::Duration;

use async_trait::async_trait;
use payment_domain::{AttentionKind, AuditEntry, BillKey, Event, HistoryEntry, Timestamp, TxnId};
use serde_json::Value;

use crate::{Fence, StoreError, TenantScope};

/// How long after its resolution a case of a state that lasts ([`AttentionKind::lasts`]) is opened
/// again when the state is still reported: by then the operator's remedy should have taken effect.
pub const REOPENED_AFTER: Duration = Duration::from_secs(24 * 60 * 60);

#[async_trait]
pub trait ReviewCases: Send + Sync {
    /// Raises a review case without changing its transaction, with a line in the history. A case of a
    /// state that lasts ([`AttentionKind::lasts`]) that was resolved [`REOPENED_AFTER`] ago or earlier is
    /// opened again: with its number, the new moment and evidence, no resolution, and
    /// [`NewCase::history_of_reopening`]. Returns `false`, and stores nothing, when another case of that
    /// kind is stored already or the run that brings it is over.
    async fn raise_attention(&self, new: NewCase) -> Result<bool, StoreError>;

    /// The cases of a transaction, oldest first.
    async fn attention(&self, id: &TxnId) -> Result<Vec<Attention>, StoreError>;

    /// The cases that match, oldest first.
    async fn attention_cases(&self, query: &AttentionQuery) -> Result<Vec<AttentionCase>, StoreError>;

    /// The case of this number.
    async fn attention_case(&self, id: i64) -> Result<Option<AttentionCase>, StoreError>;

    /// Resolves a case, with a line in its transaction's history, events and entries of the audit log. If that transaction is a FAILURE without
    /// another open case, its claims on these bills are released.
    async fn resolve_attention(
        &self,
        id: i64,
        resolution: Resolution,
        history: HistoryEntry,
        events: Vec<Event>,
        audit: Vec<AuditEntry>,
        release: &[BillKey],
    ) -> Result<Resolved, StoreError>;
}

/// A review case: a doubt about a transaction, its beginning, and its evidence.
#[derive(Debug, Clone, PartialEq)]
pub struct Attention {
    pub txn_id: TxnId,
    pub kind: AttentionKind,
    pub raised_at: Timestamp,
    pub evidence: Value,
}

/// A case that comes without a change of its transaction.
#[derive(Debug, Clone)]
pub struct NewCase {
    pub case: Attention,
    pub history: HistoryEntry,
    /// In the order in which they are published.
    pub events: Vec<Event>,
    /// Bills to be claimed for the transaction until the case is resolved, as far as no other holds them.
    pub hold: Vec<BillKey>,
    /// The job's run that brings the case; nothing is stored when that run is over.
    pub fence: Option<Fence>,
}

impl NewCase {
    /// The latest resolution of an earlier case of its kind that this one opens again; `None` when it
    /// opens none.
    pub fn reopens_resolved_by(&self) -> Option<Timestamp> {
        self.case.kind.lasts().then(|| self.case.raised_at.minus(REOPENED_AFTER))
    }

    /// Its line in the history when it opens an earlier case again.
    pub fn history_of_reopening(&self) -> HistoryEntry {
        let why = format!("{}; the case, which was resolved, is open again", self.history.why);
        HistoryEntry { why, ..self.history.clone() }
    }
}

#[derive(Debug, Clone, PartialEq)]
pub struct AttentionCase {
    /// A later case has a larger one.
    pub id: i64,
    pub case: Attention,
    /// `None` while the case is open.
    pub resolution: Option<Resolution>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Resolution {
    pub at: Timestamp,
    pub by: String,
    /// In the operator's words.
    pub reason: String,
}

/// Conditions that must all hold where they are set.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct AttentionQuery {
    pub id: Option<i64>,
    /// Only cases of transactions of these tenants and below; `None` is every tenant.
    pub within: Option<Vec<TenantScope>>,
    pub state: CaseState,
    pub kind: Option<AttentionKind>,
    pub txn_id: Option<TxnId>,
    /// Cursor: cases with larger numbers only.
    pub after: i64,
    pub limit: u32,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum CaseState {
    #[default]
    Open,
    Resolved,
    All,
}

/// The outcome of resolving a case.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Resolved {
    Now,
    /// It was resolved before, in this way; nothing was stored.
    Before(Resolution),
    /// There is no such case.
    NotFound,
}
