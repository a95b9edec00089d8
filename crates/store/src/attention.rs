//! Review cases: raised once, listed, taken and noted on by operators, resolved by one; one of a state that lasts is
//! opened again.

use std::time::Duration;

use async_trait::async_trait;
use payment_domain::{
    AttentionKind, AuditEntry, BillKey, Event, HistoryEntry, HistoryReason, Personal, Timestamp, TxnId,
};
use serde_json::Value;

use crate::{Fence, StoreError, TenantScope};

/// How long after its resolution a case of a state that lasts ([`AttentionKind::lasts`]) is opened
/// again when the state is still reported: by then the operator's remedy should have taken effect.
pub const REOPENED_AFTER: Duration = Duration::from_secs(24 * 60 * 60);

#[async_trait]
pub trait ReviewCases: Send + Sync {
    /// Raises a review case without changing its transaction, with a line in the history. A case of a
    /// state that lasts ([`AttentionKind::lasts`]) that was resolved [`REOPENED_AFTER`] ago or earlier is
    /// opened again: with its number, the new moment and evidence, no owner, no resolution, and
    /// [`NewCase::history_of_reopening`]. Returns `false`, and stores nothing, when another case of that
    /// kind is stored already or the run that brings it is over.
    async fn raise_attention(&self, new: NewCase) -> Result<bool, StoreError>;

    /// The cases of a transaction, oldest first.
    async fn attention(&self, id: &TxnId) -> Result<Vec<Attention>, StoreError>;

    /// The cases that match, oldest first.
    async fn attention_cases(&self, query: &AttentionQuery) -> Result<Vec<AttentionCase>, StoreError>;

    /// The number of the last case that a page of the list looks at where it looks at `examined` of them, by their
    /// state and kind; `None` where the list ends before.
    async fn cases_horizon(&self, query: &AttentionQuery, examined: u32) -> Result<Option<i64>, StoreError>;

    /// The case of this number.
    async fn attention_case(&self, id: i64) -> Result<Option<AttentionCase>, StoreError>;

    /// Changes the owner of an open case, or adds a note to any.
    async fn work_on_case(&self, step: CaseStep) -> Result<CaseWorked, StoreError>;

    /// The acts of operators on a case, oldest first.
    async fn case_history(&self, id: i64) -> Result<Vec<CaseLine>, StoreError>;

    /// Resolves a case, with a line in its own history and in its transaction's, events and entries of the audit log.
    /// If that transaction is a FAILURE without another open case, its claims on these bills are released.
    async fn resolve_attention(
        &self,
        case: SeenCase,
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
        let why = HistoryReason::Reopened.with([&self.history.why]);
        HistoryEntry { why, ..self.history.clone() }
    }
}

#[derive(Debug, Clone, PartialEq)]
pub struct AttentionCase {
    /// A later case has a larger one.
    pub id: i64,
    pub case: Attention,
    /// Grows by one when the owner changes, when it is resolved and when it is opened again.
    pub version: u32,
    pub owner: Option<CaseOwner>,
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

/// The operator who has taken a case.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CaseOwner {
    /// A uuid.
    pub by: String,
    pub since: Timestamp,
}

/// A case that an operator changes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SeenCase {
    pub id: i64,
    /// The version that they have seen: of one that has moved on nothing is changed. `None` for whichever is stored.
    pub version: Option<u32>,
}

impl From<i64> for SeenCase {
    fn from(id: i64) -> SeenCase {
        SeenCase { id, version: None }
    }
}

/// A step of an operator's work on a case.
#[derive(Debug, Clone)]
pub struct CaseStep {
    pub id: i64,
    pub at: Timestamp,
    /// A uuid.
    pub by: String,
    pub work: CaseWork,
    pub audit: Vec<AuditEntry>,
}

#[derive(Debug, Clone)]
pub enum CaseWork {
    /// Of the open case of this version they become the owner.
    Take { version: u32 },
    /// The open case of this version, which is theirs, has no owner any more.
    Release { version: u32 },
    /// Stored once under its key.
    Note { text: Personal, key: Option<String> },
}

impl CaseWork {
    pub fn act(&self) -> CaseAct {
        match self {
            CaseWork::Take { .. } => CaseAct::Taken,
            CaseWork::Release { .. } => CaseAct::Released,
            CaseWork::Note { .. } => CaseAct::Noted,
        }
    }
}

/// The outcome of a step.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CaseWorked {
    /// Now, or before under the same key.
    Stored,
    /// The case has moved on, is resolved, or has another owner; nothing was stored.
    Stale,
    NotFound,
}

/// A line of a case's history, which is never changed.
#[derive(Debug, Clone, PartialEq)]
pub struct CaseLine {
    pub at: Timestamp,
    /// A uuid.
    pub by: String,
    pub act: CaseAct,
    /// A note, or the reason of a resolution.
    pub note: Option<Personal>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CaseAct {
    Taken,
    Released,
    Noted,
    Resolved,
}

impl CaseAct {
    pub const ALL: [CaseAct; 4] = [CaseAct::Taken, CaseAct::Released, CaseAct::Noted, CaseAct::Resolved];

    /// The stored word.
    pub fn as_str(self) -> &'static str {
        match self {
            CaseAct::Taken => "taken",
            CaseAct::Released => "released",
            CaseAct::Noted => "noted",
            CaseAct::Resolved => "resolved",
        }
    }

    pub fn from_word(word: &str) -> Option<CaseAct> {
        CaseAct::ALL.into_iter().find(|act| act.as_str() == word)
    }
}

/// Whose cases are looked for.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum OwnedBy {
    #[default]
    Anyone,
    Unowned,
    /// A uuid.
    One(String),
}

/// Conditions that must all hold where they are set.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct AttentionQuery {
    pub id: Option<i64>,
    /// Only cases of transactions of these tenants and below; `None` is every tenant.
    pub within: Option<Vec<TenantScope>>,
    pub state: CaseState,
    pub kind: Option<AttentionKind>,
    /// Numbered up to this.
    pub through: Option<i64>,
    /// Raised before this moment.
    pub raised_before: Option<Timestamp>,
    pub txn_id: Option<TxnId>,
    pub owner: OwnedBy,
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
    /// It has moved on since it was seen; nothing was stored.
    Stale,
    /// There is no such case.
    NotFound,
}
