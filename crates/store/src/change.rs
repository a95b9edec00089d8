//! The values by which a store is changed.

use std::time::Duration;

use payment_domain::{
    AttentionKind, BillKey, Event, GatewayName, HistoryEntry, StatusName, Timestamp, Transaction, TxnId,
};
use serde_json::Value;

use crate::jobs::Fence;
use crate::lease::Lease;

/// A new transaction with everything that is stored in the same commit.
#[derive(Debug, Clone)]
pub struct NewTransaction {
    /// The transaction, at version 1. Its bills are claimed unless it is a FAILURE.
    pub txn: Transaction,
    /// The form its redirect page posts, where the gateway needs one: action and fields as JSON.
    pub redirect_form: Option<Value>,
    /// The first line of its history.
    pub history: HistoryEntry,
    /// The request to the gateway.
    pub dump: Dump,
    /// What is told to others, in order.
    pub events: Vec<Event>,
    /// The task to issue a receipt, when it is a success already.
    pub receipt_task: Option<NewReceiptTask>,
    /// The key under which the client may repeat the request.
    pub idempotency: Option<IdempotencyRecord>,
}

/// What became of storing a new transaction. When several things stand against it, the one named
/// first is the key, then the bills, then the id.
#[derive(Debug, Clone, PartialEq)]
pub enum Created {
    /// It is stored.
    Stored,
    /// Nothing was stored: these claims stand against it.
    BillsTaken(Vec<Claim>),
    /// Nothing was stored: the idempotency key is in use.
    KeyTaken(IdempotencyRecord),
    /// Nothing was stored: a transaction of this id exists.
    IdTaken,
}

/// A change of a stored transaction with everything that is stored in the same commit.
#[derive(Debug, Clone)]
pub struct Change {
    /// The transaction as it shall be; its `version` is one more than that of the stored one. What
    /// it was created with stays: tenant, amount, bills, consumer code, the payer's uuid, who
    /// created it and when. A change that differs there is refused with
    /// [`StoreError::Failed`](crate::StoreError::Failed).
    pub txn: Transaction,
    /// Replaces the form of its redirect page.
    pub redirect_form: Option<Value>,
    /// The line of its history.
    pub history: HistoryEntry,
    /// Replaces the parts of the dump that are set.
    pub dump: Option<Dump>,
    /// What is told to others, in order.
    pub events: Vec<Event>,
    /// What becomes of the claims on its bills.
    pub claims: ClaimChange,
    /// What becomes of the task to issue its receipt.
    pub receipt_task: ReceiptTaskChange,
    /// Put up for an operator; a case of that kind already there stays as it is.
    pub attention: Option<Attention>,
    /// The key of the create that made it, to be free again: nothing came of that create. A key
    /// that belongs to another transaction stays.
    pub forget_key: Option<IdempotencyKey>,
    /// The run of a job that brings the change; it is refused when that run is over.
    pub fence: Option<Fence>,
}

/// What becomes of a transaction's claims.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ClaimChange {
    /// The bills stay claimed.
    Keep,
    /// The bills are free for another payment.
    Release,
}

/// What becomes of the task to issue a receipt.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ReceiptTaskChange {
    /// Nothing.
    None,
    /// It is created, leased to the caller.
    Created(NewReceiptTask),
    /// It is completed. The change is stale unless the task is there and this lease is held.
    Completed {
        /// The lease under which it was done.
        lease_token: String,
    },
}

/// What became of a change.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Applied {
    /// It is stored.
    Stored,
    /// Nothing was stored: the transaction has moved on, or the lease is lost. Read again.
    Stale,
    /// Nothing was stored: the run that brought the change is over, another one may be at work.
    Fenced,
}

/// A bill held by a transaction.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Claim {
    /// The bill.
    pub bill: BillKey,
    /// Who holds it.
    pub txn_id: TxnId,
    /// Where the holder stands.
    pub status: StatusName,
    /// The gateway of the holder.
    pub gateway: GatewayName,
    /// When the holder was created.
    pub created_at: Timestamp,
}

/// What was sent to the gateway and what it answered last, raw.
#[derive(Clone, Default, PartialEq)]
pub struct Dump {
    /// The redirect URL, or the request to the gateway.
    pub request: Option<String>,
    /// The gateway's answer.
    pub response: Option<Value>,
}

/// Without the contents: they are the gateway's business.
impl std::fmt::Debug for Dump {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Dump")
            .field("request", &self.request.is_some())
            .field("response", &self.response.is_some())
            .finish()
    }
}

/// The written-down task to issue the receipt of a successful transaction.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReceiptTask {
    /// The transaction.
    pub txn_id: TxnId,
    /// When it is to be tried next, by the store's clock, as every moment here.
    pub due_at: Timestamp,
    /// How often it was tried in vain.
    pub attempts: u32,
    /// Who is at it, and until when.
    pub lease: Option<Lease>,
    /// Why it was given back last.
    pub last_error: Option<String>,
    /// When a registration ended of which nobody knows what became; the latest.
    pub unclear_at: Option<Timestamp>,
}

/// A receipt task created with the commit of a success: due at once, leased to the caller.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewReceiptTask {
    /// Tells this lease from every other.
    pub lease_token: String,
    /// For how long it is leased, from the commit on.
    pub lease: Duration,
}

/// A request to lease tasks that are due.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReceiptTaskClaim {
    /// Tells this lease from every other.
    pub lease_token: String,
    /// For how long they are leased, from now on.
    pub lease: Duration,
    /// How many at most.
    pub limit: u32,
    /// The tokens of leases that the asker has seen unchanged for as long as a lease holds: what is
    /// leased under them may be taken over, where that lease is over by the store's clock as well.
    pub abandoned: Vec<String>,
}

/// A task that was leased to whoever asked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClaimedReceiptTask {
    /// The transaction.
    pub txn_id: TxnId,
    /// How often it was tried in vain.
    pub attempts: u32,
    /// How long ago a registration ended of which nobody knows what became. One whose holder is gone
    /// counts as ended with its lease.
    pub unclear_for: Option<Duration>,
}

/// A leased task that is given back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Postponement {
    /// The transaction.
    pub txn_id: TxnId,
    /// The lease under which it was tried.
    pub lease_token: String,
    /// When it is due again, from now.
    pub delay: Duration,
    /// Why it was not done.
    pub reason: String,
    /// How far the try came.
    pub tried: Tried,
}

/// How far a try to carry out a task came.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Tried {
    /// It failed, and certainly registered nothing.
    Failed,
    /// It may have registered the payment, by now at the latest.
    Unclear,
    /// It only looked whether the payment is registered; it does not count as a try.
    Looked,
}

/// The name under which a client may repeat a create: its key, within its tenant and user.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct IdempotencyKey {
    /// Whose key it is.
    pub scope: String,
    /// The value of the `Idempotency-Key` header.
    pub key: String,
}

/// SHA-256 over the request that came with a key.
pub type RequestDigest = [u8; 32];

/// What is kept of a create with an idempotency key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IdempotencyRecord {
    /// The key.
    pub key: IdempotencyKey,
    /// What was asked.
    pub digest: RequestDigest,
    /// The transaction that was created.
    pub txn_id: TxnId,
    /// The first answer, JSON text; `None` until it was given.
    pub answer: Option<String>,
    /// When the key was used first.
    pub created_at: Timestamp,
}

/// A case for an operator.
#[derive(Debug, Clone, PartialEq)]
pub struct Attention {
    /// The transaction.
    pub txn_id: TxnId,
    /// What is the matter.
    pub kind: AttentionKind,
    /// When it was noticed.
    pub raised_at: Timestamp,
    /// What it rests on.
    pub evidence: Value,
}
