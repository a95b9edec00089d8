//! Cases for an operator: raised once, listed, resolved; one of a state that lasts is opened again.

use std::time::Duration;

use payment_domain::{AttentionKind, BillKey, HistoryEntry, Timestamp, TxnId};

use crate::change::Attention;
use crate::jobs::Fence;

/// How long after its resolution a case of a state that lasts ([`AttentionKind::lasts`]) is opened
/// again when the state is reported still: what an operator has set about has had its time by then.
pub const REOPENED_AFTER: Duration = Duration::from_secs(24 * 60 * 60);

/// A case that comes without a change of its transaction.
#[derive(Debug, Clone)]
pub struct NewCase {
    /// The case.
    pub case: Attention,
    /// The line that tells of it in the transaction's history.
    pub history: HistoryEntry,
    /// Bills that nobody shall pay until the case is resolved: claimed for the transaction, as far
    /// as no other holds them.
    pub hold: Vec<BillKey>,
    /// The run of a job that brings the case; nothing is stored when that run is over.
    pub fence: Option<Fence>,
}

impl NewCase {
    /// Before which moment an earlier case of its kind must have been resolved, or just then, for this
    /// one to open it again; `None` when it never does.
    pub fn reopens_resolved_by(&self) -> Option<Timestamp> {
        self.case.kind.lasts().then(|| self.case.raised_at.minus(REOPENED_AFTER))
    }

    /// Its line in the history when it opens an earlier case again.
    pub fn history_of_reopening(&self) -> HistoryEntry {
        let why = format!("{}; the case, which was resolved, is open again", self.history.why);
        HistoryEntry { why, ..self.history.clone() }
    }
}

/// A stored case.
#[derive(Debug, Clone, PartialEq)]
pub struct AttentionCase {
    /// Its number; a later case has a larger one.
    pub id: i64,
    /// What it is about.
    pub case: Attention,
    /// What became of it; `None` while it is open.
    pub resolution: Option<Resolution>,
}

/// How a case ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Resolution {
    /// When.
    pub at: Timestamp,
    /// Who resolved it.
    pub by: String,
    /// Why, or what was done, in the operator's words.
    pub reason: String,
}

/// Which cases are looked for; conditions that are set must all hold.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct AttentionQuery {
    /// Open ones, resolved ones, or both.
    pub state: CaseState,
    /// Of this kind.
    pub kind: Option<AttentionKind>,
    /// Of this transaction.
    pub txn_id: Option<TxnId>,
    /// Behind the case of this number.
    pub after: i64,
    /// How many at most.
    pub limit: u32,
}

/// Whether a case waits for somebody.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum CaseState {
    /// It waits.
    #[default]
    Open,
    /// Somebody has resolved it.
    Resolved,
    /// Either.
    All,
}

/// What became of resolving a case.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Resolved {
    /// It is resolved now.
    Now,
    /// It was resolved before, in this way; nothing was stored.
    Before(Resolution),
    /// There is no such case.
    NotFound,
}
