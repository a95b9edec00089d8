//! The interface between the service and its database, a trait for each aggregate; [`Store`] is their sum.
//!
//! Every change of a transaction is one value ([`NewTransaction`] or [`Change`]) that is stored
//! whole or not at all: the transaction with its history, its events, the claims on its bills and
//! the receipt task. No database transaction is ever open during a network call, and an implementation
//! is free to commit the changes of many requests together.
//!
//! Events ride on every write about a transaction: stored in its commit, in the order of its commits.
//!
//! Two writers never overwrite each other: a [`Change`] names the version it rests on, and is
//! [`Applied::Stale`] when the stored transaction has moved on. The caller then reads again and
//! decides anew.
//!
//! A store compares leases and due moments with one clock of its own, the database's where there is
//! one, and is handed lengths of time, not moments.

pub mod accounts;
mod api_tokens;
mod attention;
pub mod audit;
pub mod backlog;
mod callbacks;
mod checks;
mod claims;
mod exports;
pub mod figures;
pub mod grants;
mod health;
mod idempotency;
mod jobs;
pub mod lease;
mod listings;
pub mod metering;
pub mod migration;
pub mod moving;
mod outbox;
mod payment_lines;
mod query;
mod receipts;
mod refund_row;
mod refunds;
mod sent_forms;
mod sessions;
mod transactions;

#[cfg(feature = "contract")]
pub mod contract;

pub use accounts::{
    AccountChange, AccountStored, MerchantAccounts, NewAccount, StoredAccount, StoredAccounts,
};
pub use api_tokens::{
    ApiToken, ApiTokenQuery, ApiTokens, HolderKind, Issued, NewApiToken, Revocation, Revoked, TokenHolder,
    TokenReach, USE_NOTED_EVERY,
};
pub use attention::{
    Attention, AttentionCase, AttentionQuery, CaseAct, CaseLine, CaseOwner, CaseState, CaseStep, CaseWork,
    CaseWorked, NewCase, OwnedBy, REOPENED_AFTER, Resolution, Resolved, ReviewCases, SeenCase,
};
pub use audit::{
    AuditHead, AuditLog, AuditQuery, ENTRY_DISORDER_MS, HistoryLines, StoredCheckpoint, StoredEntry,
    StoredPersonal,
};
pub use backlog::{Age, Backlog};
pub use callbacks::{Callbacks, RawCallback, Recorded, UnsignedCallback};
pub use checks::{CheckCursor, CheckNote, Checks, DueCheck, DueChecks, NextCheck, Turn};
pub use claims::{Claim, Claims};
pub use exports::{Exports, LONGEST_READING, Pages, Reading};
pub use figures::FigureBooks;
pub use health::Health;
pub use idempotency::{Idempotency, IdempotencyKey, IdempotencyRecord, RequestDigest};
pub use jobs::{BegunRun, Fence, JobLedger, RunEnd, RunRecord, Tally, TickAnswer, TickRequest};
pub use lease::{Lease, LeaseWatch};
pub use listings::{
    FEW_TENANTS, Listings, NamedQuery, PaymentQuery, ReceiptState, common_scopes, share_of_run,
};
pub use outbox::{DeadLetter, EventQuery, EventState, Outbox, OutboxBacklog, StoredEvent};
pub use payment_lines::{PaymentLine, PaymentLines};
pub use query::{Mine, PageRequest, Search, SearchQuery, TenantScope};
pub use receipts::{
    CancellationChange, CancellationOutcome, ClaimedReceiptTask, NewReceiptTask, Postponement,
    ReceiptCancellation, ReceiptTask, ReceiptTaskChange, ReceiptTaskClaim, ReceiptTaskKind, ReceiptTasks,
    Tried,
};
pub use refund_row::RefundRow;
pub use refunds::{
    ClosedCase, DueRefund, DueRefunds, NewRefund, RefundChange, RefundCursor, RefundDue, RefundKey,
    RefundNote, RefundQuery, RefundRequested, Refunds,
};
pub use sent_forms::{FormClaim, SentForm, SentForms};
pub use sessions::{
    LONGEST_SESSION, LoginLink, LoginMethod, NewLoginLink, NewSession, SESSION_IDLE, SESSION_KEPT,
    SESSION_NOTED_EVERY, Session, SessionBegun, SessionEnd, SessionHolder, Sessions,
};
pub use transactions::{
    Applied, Change, ClaimChange, Created, Dump, NewTransaction, StoredDump, Transactions,
};

/// An error of the layer below, boxed.
pub type BoxError = Box<dyn std::error::Error + Send + Sync>;

/// Why the store could not answer. The variants are decisions for the caller.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// The database is unavailable or overloaded: trying again later makes sense. Nothing was stored, unless
    /// the connection broke in the very moment of the commit: only reading again tells.
    #[error("the database is not available")]
    Unavailable(#[source] BoxError),
    /// The database refuses, or what it holds cannot be read: trying again will not help.
    #[error("the database failed")]
    Failed(#[source] BoxError),
}

/// A database that keeps payments.
pub trait Store:
    Transactions
    + Search
    + Listings
    + Exports
    + Claims
    + ReceiptTasks
    + ReviewCases
    + Checks
    + Refunds
    + Idempotency
    + Callbacks
    + ApiTokens
    + Sessions
    + SentForms
    + Outbox
    + JobLedger
    + AuditLog
    + MerchantAccounts
    + FigureBooks
    + Health
{
}

impl<S> Store for S where
    S: Transactions
        + Search
        + Listings
        + Exports
        + Claims
        + ReceiptTasks
        + ReviewCases
        + Checks
        + Refunds
        + Idempotency
        + Callbacks
        + ApiTokens
        + Sessions
        + SentForms
        + Outbox
        + JobLedger
        + AuditLog
        + MerchantAccounts
        + FigureBooks
        + Health
        + ?Sized
{
}
