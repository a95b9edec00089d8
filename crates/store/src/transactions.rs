//! Transactions: created and changed as one value, stored whole or not at all.

use async_trait::async_trait;
use payment_domain::{Audit, Event, HistoryEntry, Transaction, TxnId};
use serde_json::Value;

use crate::{
    Attention, Claim, Fence, IdempotencyKey, IdempotencyRecord, NewReceiptTask, ReceiptTaskChange, StoreError,
};

#[async_trait]
pub trait Transactions: Send + Sync {
    /// Stores a new transaction with everything that belongs to it, and claims its bills. All or
    /// nothing: when another live transaction holds one of the bills, nothing is stored.
    async fn create(&self, new: NewTransaction) -> Result<Created, StoreError>;

    /// Stores a change of a transaction, if the stored one is at the version before it.
    async fn apply(&self, change: Change) -> Result<Applied, StoreError>;

    async fn transaction(&self, id: &TxnId) -> Result<Option<Transaction>, StoreError>;

    /// The form that the redirect page of a transaction posts.
    async fn redirect_form(&self, id: &TxnId) -> Result<Option<Value>, StoreError>;

    /// The history of a transaction, oldest first.
    async fn history(&self, id: &TxnId) -> Result<Vec<HistoryEntry>, StoreError>;

    /// The request to the gateway and its last answer.
    async fn dump(&self, id: &TxnId) -> Result<Option<StoredDump>, StoreError>;
}

/// A new transaction with everything that is stored in the same commit.
#[derive(Debug, Clone)]
pub struct NewTransaction {
    /// At version 1. Its bills are claimed unless it is a FAILURE.
    pub txn: Transaction,
    /// The form its redirect page posts, where the gateway needs one: action and fields as JSON.
    pub redirect_form: Option<Value>,
    pub history: HistoryEntry,
    pub dump: Dump,
    /// In the order in which they are published.
    pub events: Vec<Event>,
    /// Set when it is a success already.
    pub receipt_task: Option<NewReceiptTask>,
    /// The key under which the client may repeat the request.
    pub idempotency: Option<IdempotencyRecord>,
}

/// The outcome of a create. When several things prevent it, the key is reported first, then the bills,
/// then the id.
#[derive(Debug, Clone, PartialEq)]
pub enum Created {
    Stored,
    /// Nothing was stored: live transactions hold these claims.
    BillsTaken(Vec<Claim>),
    /// Nothing was stored: the idempotency key is in use.
    KeyTaken(IdempotencyRecord),
    /// Nothing was stored: a transaction of this id exists.
    IdTaken,
}

/// A change of a stored transaction with everything that is stored in the same commit.
#[derive(Debug, Clone)]
pub struct Change {
    /// The transaction after the change; its `version` is one more than that of the stored one. Fixed at its
    /// creation are tenant, amount, bills, consumer code, merchant account, the payer's uuid, creator and
    /// time of creation: a change that differs there is refused with
    /// [`StoreError::Failed`](crate::StoreError::Failed).
    pub txn: Transaction,
    /// Replaces the form of its redirect page.
    pub redirect_form: Option<Value>,
    pub history: HistoryEntry,
    /// Replaces the parts of the dump that are set.
    pub dump: Option<Dump>,
    /// In the order in which they are published.
    pub events: Vec<Event>,
    pub claims: ClaimChange,
    pub receipt_task: ReceiptTaskChange,
    /// Raises a review case; one of that kind already stored stays as it is.
    pub attention: Option<Attention>,
    /// Frees the key of the create that made the transaction, for a create that came to nothing. A key
    /// that belongs to another transaction stays.
    pub forget_key: Option<IdempotencyKey>,
    /// The job's run that brings the change; it is refused when that run is over.
    pub fence: Option<Fence>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ClaimChange {
    Keep,
    /// The bills are free for another payment.
    Release,
}

/// The outcome of a change.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Applied {
    Stored,
    /// Nothing was stored: the transaction has moved on, or the lease is lost. Read again.
    Stale,
    /// Nothing was stored: the run that made the change is over, another one may be under way.
    Fenced,
}

/// The request to the gateway and its last answer, raw.
#[derive(Clone, Default, PartialEq)]
pub struct Dump {
    /// The redirect URL, or the request to the gateway.
    pub request: Option<String>,
    pub response: Option<Value>,
}

/// Without the contents: they hold personal data.
impl std::fmt::Debug for Dump {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Dump")
            .field("request", &self.request.is_some())
            .field("response", &self.response.is_some())
            .finish()
    }
}

/// A stored dump with its audit columns.
#[derive(Debug, Clone, PartialEq)]
pub struct StoredDump {
    pub dump: Dump,
    pub audit: Audit,
}
