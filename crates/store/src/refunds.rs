//! Refunds: requested against the refundable rest of a payment, changed by version, processed as they become
//! due.

use std::time::Duration;

use async_trait::async_trait;
use payment_domain::{
    AuditEntry, BillId, BillKey, Event, GatewayName, HistoryEntry, Money, Refund, RefundHistoryEntry,
    RefundId, RefundStatus, TenantId, Timestamp, TxnId,
};

use crate::{
    Applied, CancellationChange, Fence, NewCase, PageRequest, RequestDigest, Resolution, StoreError,
    TenantScope,
};

/// The sum of the live refunds of a capture ([`RefundStatus::is_live`]) never exceeds its amount: decided
/// under the lock of the payment's row, and enforced by a trigger of the database.
#[async_trait]
pub trait Refunds: Send + Sync {
    /// Stores a request, when that much is left of the capture.
    async fn request_refund(&self, new: NewRefund) -> Result<RefundRequested, StoreError>;

    /// Stores a change of a refund, if the stored one is at the version before it, with everything that
    /// belongs to it. The values of the request (payment, capture, amount, maker) stay.
    async fn apply_refund(&self, change: RefundChange) -> Result<Applied, StoreError>;

    /// Records a status request about a refund, made or failed, and its next time; the version stays.
    /// [`Applied::Stale`] when the refund has moved on.
    async fn note_refund(&self, note: RefundNote) -> Result<Applied, StoreError>;

    /// A refund, when it is of one of these tenants or below; `None` is every tenant.
    async fn refund(
        &self,
        id: &RefundId,
        within: Option<&[TenantScope]>,
    ) -> Result<Option<Refund>, StoreError>;

    /// The refund that was requested under this key.
    async fn refund_of_key(&self, key: &RefundKey) -> Result<Option<(Refund, RequestDigest)>, StoreError>;

    /// All refunds of a payment, oldest first.
    async fn refunds_of(&self, id: &TxnId) -> Result<Vec<Refund>, StoreError>;

    /// The history of a refund, oldest first.
    async fn refund_history(&self, id: &RefundId) -> Result<Vec<RefundHistoryEntry>, StoreError>;

    /// Refunds that match, newest first (by the time of the request, then by id, both descending).
    async fn search_refunds(&self, query: &RefundQuery) -> Result<Vec<Refund>, StoreError>;

    /// How far back a page finds everything by looking at `examined` refunds: those requested at this moment and
    /// later. `None` where the whole list costs no more.
    async fn refunds_horizon(
        &self,
        query: &RefundQuery,
        examined: u32,
    ) -> Result<Option<Timestamp>, StoreError>;

    /// The number of matches; the page does not count.
    async fn count_refunds(&self, query: &RefundQuery) -> Result<u64, StoreError>;

    /// The gateways that have due refunds, by the store's clock.
    async fn due_refund_gateways(&self) -> Result<Vec<GatewayName>, StoreError>;

    /// Refunds that are due by the store's clock, in the order of their places.
    async fn due_refunds(&self, due: &DueRefunds) -> Result<Vec<DueRefund>, StoreError>;
}

/// A client's key of a request, within its tenant and user. It is kept with the refund, for ever.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RefundKey {
    pub scope: String,
    /// The value of the `Idempotency-Key` header.
    pub key: String,
}

/// A request with everything that is stored in the same commit.
#[derive(Debug, Clone)]
pub struct NewRefund {
    /// At version 1; requested, or approved already.
    pub refund: Refund,
    pub key: Option<(RefundKey, RequestDigest)>,
    /// The amount that the client believes is left; the request is refused when another is.
    pub expected_available: Option<Money>,
    pub due: RefundDue,
    /// One line, or two where it is approved already.
    pub history: Vec<RefundHistoryEntry>,
    /// In the order in which they are published.
    pub events: Vec<Event>,
    pub audit: Vec<AuditEntry>,
    /// Whether the receipt is to be cancelled: it is approved already, and cancelled on approval.
    pub cancels_receipt: bool,
}

/// The outcome of a request. But for [`RefundRequested::Stored`] nothing was stored.
#[derive(Debug, Clone, PartialEq)]
pub enum RefundRequested {
    Stored,
    /// Less is left.
    Exceeds {
        available: Money,
    },
    /// Another amount is left than the client believes.
    AvailableDiffers {
        available: Money,
    },
    /// The key is in use.
    KeyTaken {
        refund: Box<Refund>,
        digest: RequestDigest,
    },
    /// There is no such payment.
    NoPayment,
    /// A refund of this id exists.
    IdTaken,
}

/// When a refund is to be worked on next, by the store's clock.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RefundDue {
    /// After this time from now.
    In(Duration),
    Never,
    /// As before.
    Unchanged,
}

/// A change of a refund with everything that is stored in the same commit.
#[derive(Debug, Clone)]
pub struct RefundChange {
    /// The refund as it shall be; its `version` is one more than that of the stored one.
    pub refund: Refund,
    pub due: RefundDue,
    pub history: RefundHistoryEntry,
    /// In the order in which they are published.
    pub events: Vec<Event>,
    pub audit: Vec<AuditEntry>,
    pub cancellation: CancellationChange,
    /// A review case of the payment. A resolved one of its kind is opened again; an open one stays, and the
    /// history records this one.
    pub case: Option<NewCase>,
    /// The review case that is closed with it.
    pub closes: Option<ClosedCase>,
    /// The job's run that brings the change; it is refused when that run is over.
    pub fence: Option<Fence>,
}

/// A review case that ends with a change.
#[derive(Debug, Clone)]
pub struct ClosedCase {
    pub id: i64,
    pub resolution: Resolution,
    pub history: HistoryEntry,
    /// The claims that the payment releases, as in
    /// [`resolve_attention`](crate::ReviewCases::resolve_attention).
    pub release: Vec<BillKey>,
}

/// The record of a status request that changed nothing.
#[derive(Debug, Clone)]
pub struct RefundNote {
    pub id: RefundId,
    /// The status and version of the refund it is based on.
    pub version: u32,
    pub due: RefundDue,
    pub history: Option<RefundHistoryEntry>,
    /// The job's run that made the request; nothing is stored when that run is over.
    pub fence: Option<Fence>,
}

/// Conditions that must all hold where they are set.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RefundQuery {
    pub tenant_id: Option<TenantId>,
    /// Only refunds of these tenants and below; `None` is every tenant.
    pub within: Option<Vec<TenantScope>>,
    pub refund_id: Option<RefundId>,
    pub txn_id: Option<TxnId>,
    /// Any of these; all when it is empty.
    pub statuses: Vec<RefundStatus>,
    pub consumer_code: Option<String>,
    /// A bill of the payment.
    pub bill_id: Option<BillId>,
    /// Requested at this moment or later.
    pub from: Option<Timestamp>,
    /// Requested before this moment.
    pub to: Option<Timestamp>,
    /// The maker's uuid.
    pub requested_by: Option<String>,
    /// Requested by any other than this maker.
    pub not_requested_by: Option<String>,
    pub gateway: Option<GatewayName>,
    /// This amount or more, in its currency.
    pub amount_from: Option<Money>,
    /// This amount or less, in its currency.
    pub amount_to: Option<Money>,
    /// Cursor: what follows this refund in the order of the answer; nothing where none matches of this id and these
    /// tenants. The page then skips none.
    pub after: Option<RefundId>,
    pub page: PageRequest,
}

impl RefundQuery {
    /// Whether it asks for those alone that are under way, which are few.
    pub fn is_of_open_ones(&self) -> bool {
        let is_open = |status: &RefundStatus| {
            matches!(status, RefundStatus::Requested | RefundStatus::Approved | RefundStatus::Sent)
        };
        !self.statuses.is_empty() && self.statuses.iter().all(is_open)
    }
}

/// Which due refunds are looked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DueRefunds {
    pub gateway: GatewayName,
    pub after: Option<RefundCursor>,
    pub limit: u32,
}

/// A refund that is due.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DueRefund {
    pub id: RefundId,
    pub txn_id: TxnId,
    pub status: RefundStatus,
    /// The number of times it was worked on without a change of its status.
    pub checks: u32,
    pub place: RefundCursor,
}

/// The place of a refund among those that are due.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct RefundCursor {
    pub due_at: Timestamp,
    pub id: RefundId,
}
