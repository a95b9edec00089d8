//! Payments and their states: pure, without I/O.
//!
//! Pure: no clock is read, no file opened, nothing sent. The state machine in [`machine`] is the only place
//! that decides whether a transaction may change.

pub mod account;
pub mod audit;
pub mod clock;
pub mod event;
pub mod history;
pub mod ids;
pub mod machine;
pub mod money;
pub mod outcome;
pub mod personal;
pub mod reasons;
pub mod refund;
pub mod request_info;
pub mod role;
pub mod trace_context;
pub mod transaction;

pub use account::{
    AccountRef, AccountState, CredentialState, MerchantAccount, MerchantCredential, MerchantDigest,
    SealedFields, Signed,
};
pub use audit::{AuditAction, AuditActor, AuditEntry};
pub use clock::{AnchoredClock, Clock, ManualClock, SystemClock, Timestamp, signed_seconds};
pub use event::{Event, EventKind};
pub use history::{Actor, ActorKind, AttentionKind, HistoryEntry};
pub use ids::{AccountId, BillId, BillKey, GatewayName, InvalidId, TenantId, TxnId};
pub use money::{Currency, InvalidAmount, InvalidCurrency, Money};
pub use outcome::{Outcome, Report};
pub use personal::{Personal, mask_into};
pub use reasons::HistoryReason;
pub use refund::{
    Approval, Capture, InvalidRefundId, Refund, RefundCalls, RefundDecision, RefundDetails,
    RefundHistoryEntry, RefundId, RefundOutcome, RefundReceipt, RefundReport, RefundStatus, Repetition,
    Waiver,
};
pub use request_info::{RequestInfo, UserInfo};
pub use role::{Grant, Principal, Role};
pub use trace_context::TraceContext;
pub use transaction::{
    Audit, BillPayment, GatewayDetails, Payer, Status, StatusName, Transaction, UnknownValues,
};
