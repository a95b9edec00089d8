//! Open work by its age, for operators.

use std::collections::BTreeMap;
use std::time::Duration;

use payment_domain::{AttentionKind, GatewayName, RefundStatus, Timestamp};

use crate::ReceiptTaskKind;

/// How many rows of each kind of work are counted at most, the oldest first; of pending transactions twice as many.
/// However much is open, counting costs no more than that.
pub const COUNTED: u32 = 10_000;

/// Open work. A key without any is missing.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Backlog {
    /// Pending transactions, by the time since their creation.
    pub pending: BTreeMap<(GatewayName, Age), u64>,
    /// Receipts to issue, by the time since the payment succeeded; receipts to cancel, since the refund last
    /// changed.
    pub receipts: BTreeMap<(ReceiptTaskKind, Age), u64>,
    /// Open review cases, by the time since they were raised.
    pub cases: BTreeMap<(AttentionKind, Age), u64>,
    /// Refunds that wait for a decision, by the time since the request; approved and sent ones, since their
    /// latest change.
    pub refunds: BTreeMap<(GatewayName, RefundStatus, Age), u64>,
}

impl Backlog {
    /// Successful transactions whose receipt is to be issued.
    pub fn receipts_due(&self) -> u64 {
        let issue = |((kind, _), count): (&(ReceiptTaskKind, Age), &u64)| {
            (*kind == ReceiptTaskKind::Issue).then_some(*count)
        };
        self.receipts.iter().filter_map(issue).sum()
    }
}

/// A bracket of ages. Each begins where the one before it ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Age {
    UnderQuarterHour,
    UnderHour,
    UnderDay,
    UnderWeek,
    Older,
}

impl Age {
    pub const ALL: [Age; 5] =
        [Age::UnderQuarterHour, Age::UnderHour, Age::UnderDay, Age::UnderWeek, Age::Older];

    /// Where all brackets but the first begin.
    const BEGIN: [Duration; 4] = [
        Duration::from_secs(15 * 60),
        Duration::from_secs(60 * 60),
        Duration::from_secs(24 * 60 * 60),
        Duration::from_secs(7 * 24 * 60 * 60),
    ];

    /// The word in metrics.
    pub fn as_str(self) -> &'static str {
        match self {
            Age::UnderQuarterHour => "under_15m",
            Age::UnderHour => "15m_to_1h",
            Age::UnderDay => "1h_to_1d",
            Age::UnderWeek => "1d_to_7d",
            Age::Older => "over_7d",
        }
    }

    /// The moments at or before which work is in the second bracket or a later one, in the third or a later one,
    /// and so on.
    pub fn bounds(now: Timestamp) -> [Timestamp; 4] {
        Age::BEGIN.map(|begin| now.minus(begin))
    }

    /// The bracket of work that began at or before so many of the [`Age::bounds`].
    pub fn of_bounds(passed: i64) -> Option<Age> {
        Age::ALL.get(usize::try_from(passed).ok()?).copied()
    }
}

/// A group of open work, as both databases count it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CountedWork {
    /// One of the words `pending`, `issue`, `cancel` and `case`, or the status of refunds.
    pub work: String,
    /// Of the gateway, or the kind of cases; empty for receipts.
    pub name: String,
    /// How many of the [`Age::bounds`] its work began at or before.
    pub passed: i64,
    pub count: i64,
}

impl CountedWork {
    pub const PENDING: &str = "pending";
    pub const ISSUE: &str = "issue";
    pub const CANCEL: &str = "cancel";
    pub const CASE: &str = "case";

    /// Adds it to a backlog; returns the column that cannot be read.
    ///
    /// # Errors
    /// When there is one.
    pub fn add_to(self, backlog: &mut Backlog) -> Result<(), &'static str> {
        let age = Age::of_bounds(self.passed).ok_or("passed")?;
        let count = u64::try_from(self.count).map_err(|_| "count")?;
        let gateway = || GatewayName::new(&self.name);
        let counted = match self.work.as_str() {
            CountedWork::PENDING => backlog.pending.entry((gateway(), age)).or_default(),
            CountedWork::ISSUE => backlog.receipts.entry((ReceiptTaskKind::Issue, age)).or_default(),
            CountedWork::CANCEL => backlog.receipts.entry((ReceiptTaskKind::Cancel, age)).or_default(),
            CountedWork::CASE => {
                let kind = AttentionKind::from_word(&self.name).ok_or("kind")?;
                backlog.cases.entry((kind, age)).or_default()
            }
            status => {
                let status = RefundStatus::from_word(status).ok_or("status")?;
                backlog.refunds.entry((gateway(), status, age)).or_default()
            }
        };
        *counted += count;
        Ok(())
    }
}
