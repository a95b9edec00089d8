//! Figures of payments and refunds by day, kept beside them, so that a sum costs the same however many payments
//! there are.
//!
//! A payment counts on the day of its creation, with its present status; a refund on the day of its request. So each
//! figure is the number, or the sum, of rows that a list finds by day, tenant, gateway and status.

mod counting;
mod showing;

use std::collections::BTreeMap;

use async_trait::async_trait;
use payment_domain::{AttentionKind, StatusName, Timestamp};

use crate::{Applied, StoreError, TenantScope};

pub use self::counting::{
    DayOf, FigureLine, FiguresAsk, FiguresReading, FiguresState, FiguresUpdate, LinePayment, Verified,
};
pub use self::showing::{FigureSum, FiguresBy, FiguresQuery, GatewayReading, PendingDay};

/// How many open cases and receipts are counted at most.
pub const OPEN_WORK_COUNTED: u32 = 10_000;

#[async_trait]
pub trait FigureBooks: Send + Sync {
    async fn figures_state(&self) -> Result<FiguresState, StoreError>;

    /// The rows that the figures rest on, in one snapshot of the database.
    async fn figures_reading(&self, ask: &FiguresAsk) -> Result<FiguresReading, StoreError>;

    /// The latest creation of a payment or a refund before a moment.
    async fn latest_creation(&self, before: Timestamp) -> Result<Option<Timestamp>, StoreError>;

    /// When the refunds were requested that were changed at this moment or later.
    async fn refunds_changed(&self, since: Timestamp) -> Result<Vec<Timestamp>, StoreError>;

    /// Stores figures, when they rest on the latest ones: otherwise [`Applied::Stale`].
    async fn store_figures(&self, update: FiguresUpdate) -> Result<Applied, StoreError>;

    /// Sums of the figures, by the order of their keys.
    async fn figure_sums(&self, query: &FiguresQuery) -> Result<Vec<FigureSum>, StoreError>;

    /// The days and tenants that have pending payments, the latest days first.
    async fn pending_by_day(&self, within: &[TenantScope]) -> Result<Vec<PendingDay>, StoreError>;

    /// Open cases of these tenants by kind, among the oldest [`OPEN_WORK_COUNTED`]. A kind without one is missing.
    async fn open_cases(&self, within: &[TenantScope]) -> Result<BTreeMap<AttentionKind, u64>, StoreError>;

    /// Paid payments of these tenants without a receipt, up to [`OPEN_WORK_COUNTED`].
    async fn receipts_due(&self, within: &[TenantScope]) -> Result<u64, StoreError>;

    /// Stores readings, each once, and forgets those that ended before a moment.
    async fn store_gateway_readings(
        &self,
        readings: Vec<GatewayReading>,
        forget_before: Timestamp,
    ) -> Result<(), StoreError>;

    /// The readings that ended at this moment or later, in the order of their ends.
    async fn gateway_readings(&self, since: Timestamp) -> Result<Vec<GatewayReading>, StoreError>;
}

/// A day with its bounds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DaySpan {
    /// `2026-11-30`
    pub day: String,
    pub from: Timestamp,
    /// The first moment of the next day.
    pub to: Timestamp,
}

#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct FigureKey {
    pub day: String,
    pub tenant: String,
    /// In upper case.
    pub gateway: String,
    pub currency: String,
}

/// Numbers and sums in minor units. As a difference they may be negative.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Figures {
    /// Payments of any status, known or not.
    pub created: i64,
    pub pending: i64,
    pub paid: i64,
    pub paid_minor: i64,
    pub failed: i64,
    pub refunded: i64,
    pub refunded_minor: i64,
}

impl Figures {
    pub fn add(&mut self, other: Figures) {
        let of = |one: &mut i64, other: i64| *one = one.saturating_add(other);
        of(&mut self.created, other.created);
        of(&mut self.pending, other.pending);
        of(&mut self.paid, other.paid);
        of(&mut self.paid_minor, other.paid_minor);
        of(&mut self.failed, other.failed);
        of(&mut self.refunded, other.refunded);
        of(&mut self.refunded_minor, other.refunded_minor);
    }

    pub fn is_nothing(&self) -> bool {
        *self == Figures::default()
    }

    /// Payments that enter a status, or leave it for a negative number.
    pub fn of_status(status: StatusName, count: i64, minor: i64) -> Figures {
        match status {
            StatusName::Pending => Figures { pending: count, ..Figures::default() },
            StatusName::Success => Figures { paid: count, paid_minor: minor, ..Figures::default() },
            StatusName::Failure => Figures { failed: count, ..Figures::default() },
        }
    }
}

/// By key; a key without figures is missing.
pub type FigureRows = BTreeMap<FigureKey, Figures>;
