//! A store in front of another, whose calls a test counts or lets fail.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use payment_domain::{
    AccountId, AttentionKind, AuditEntry, BillKey, Event, GatewayName, HistoryEntry, Refund,
    RefundHistoryEntry, RefundId, TenantId, Timestamp, TraceContext, Transaction, TxnId,
};
use payment_store::audit::sealing::HistoryLine;
use payment_store::figures::{
    FigureSum, FiguresAsk, FiguresQuery, FiguresReading, FiguresState, FiguresUpdate, GatewayReading,
    PendingDay,
};
use payment_store::{
    AccountChange, AccountStored, ApiToken, ApiTokenQuery, ApiTokens, Applied, Attention, AttentionCase,
    AttentionQuery, AuditHead, AuditLog, AuditQuery, Backlog, Callbacks, CaseLine, CaseStep, CaseWorked,
    Change, CheckNote, Checks, Claim, ClaimedReceiptTask, Claims, Created, DeadLetter, DueCheck, DueChecks,
    DueRefund, DueRefunds, EventQuery, Exports, Fence, FigureBooks, FormClaim, Health, HistoryLines,
    Idempotency, IdempotencyKey, IdempotencyRecord, Issued, JobLedger, Lease, Listings, LoginLink,
    MerchantAccounts, NamedQuery, NewAccount, NewApiToken, NewCase, NewLoginLink, NewRefund, NewSession,
    NewTransaction, Outbox, OutboxBacklog, PaymentLines, PaymentQuery, Postponement, RawCallback, Reading,
    ReceiptCancellation, ReceiptTask, ReceiptTaskClaim, ReceiptTasks, Recorded, RefundChange, RefundKey,
    RefundNote, RefundQuery, RefundRequested, Refunds, RequestDigest, Resolution, Resolved, ReviewCases,
    Revocation, Revoked, RunEnd, RunRecord, Search, SearchQuery, SeenCase, SentForm, SentForms, Session,
    SessionBegun, SessionEnd, Sessions, Store, StoreError, StoredAccount, StoredAccounts, StoredCheckpoint,
    StoredDump, StoredEntry, StoredEvent, Tally, TenantScope, TickAnswer, TickRequest, TokenReach,
    Transactions, UnsignedCallback,
};
use serde_json::Value;

/// Counts the calls to a store, by method, and fails them while it is unavailable.
pub struct ObservedStore {
    store: Arc<dyn Store>,
    calls: Mutex<BTreeMap<&'static str, u32>>,
    is_available: Mutex<bool>,
}

impl ObservedStore {
    pub fn new(store: Arc<dyn Store>) -> ObservedStore {
        ObservedStore { store, calls: Mutex::default(), is_available: Mutex::new(true) }
    }

    /// Whether later calls reach the store.
    pub fn is_available(&self, is_available: bool) {
        *self.is_available.lock().unwrap_or_else(PoisonError::into_inner) = is_available;
    }

    /// The calls since the last time, by method.
    pub fn take_calls(&self) -> BTreeMap<&'static str, u32> {
        std::mem::take(&mut *self.calls.lock().unwrap_or_else(PoisonError::into_inner))
    }

    fn call(&self, method: &'static str) -> Result<&dyn Store, StoreError> {
        *self.calls.lock().unwrap_or_else(PoisonError::into_inner).entry(method).or_default() += 1;
        if *self.is_available.lock().unwrap_or_else(PoisonError::into_inner) {
            Ok(self.store.as_ref())
        } else {
            Err(StoreError::Unavailable("no such file: /secret/payments.db".into()))
        }
    }
}

macro_rules! observe {
    ($($trait:ident { $($method:ident($($argument:ident: $type:ty),*) -> $result:ty;)* })*) => {
        $(
            #[async_trait]
            impl $trait for ObservedStore {
                $(
                    async fn $method(&self, $($argument: $type),*) -> Result<$result, StoreError> {
                        self.call(stringify!($method))?.$method($($argument),*).await
                    }
                )*
            }
        )*
    };
}

macro_rules! observe_readings {
    ($($method:ident($($argument:ident: $type:ty),*) -> $page:ty;)*) => {
        impl Exports for ObservedStore {
            $(
                fn $method(&self, $($argument: $type),*) -> Reading<$page> {
                    match self.call(stringify!($method)) {
                        Ok(store) => store.$method($($argument),*),
                        Err(error) => Reading::failed(error),
                    }
                }
            )*
        }
    };
}

observe_readings! {
    read_payments(query: &PaymentQuery) -> PaymentLines;
    read_refunds(query: &RefundQuery) -> Vec<Refund>;
    read_cases(query: &AttentionQuery) -> Vec<AttentionCase>;
    read_events(query: &EventQuery) -> Vec<StoredEvent>;
    read_runs(job: &str) -> Vec<RunRecord>;
    read_audit(query: &AuditQuery) -> Vec<StoredEntry>;
}

observe! {
    Transactions {
        create(new: NewTransaction) -> Created;
        apply(change: Change) -> Applied;
        transaction(id: &TxnId) -> Option<Transaction>;
        redirect_form(id: &TxnId) -> Option<Value>;
        history(id: &TxnId) -> Vec<HistoryEntry>;
        dump(id: &TxnId) -> Option<StoredDump>;
    }
    Search {
        search(query: &SearchQuery) -> Vec<Transaction>;
    }
    Listings {
        list_payments(query: &PaymentQuery) -> Vec<Transaction>;
        payments_horizon(query: &PaymentQuery, examined: u32) -> Option<Timestamp>;
        payments_named(query: &NamedQuery) -> Vec<Transaction>;
        tenants_within(within: &[TenantScope]) -> Vec<TenantId>;
    }
    Sessions {
        store_login_link(new: NewLoginLink) -> ();
        login_link(digest: &[u8; 32], now: Timestamp) -> Option<LoginLink>;
        begin_session(new: NewSession) -> SessionBegun;
        session(digest: &[u8; 32]) -> Option<Session>;
        note_session_use(id: &str, at: Timestamp) -> ();
        valid_sessions(uuid: Option<&str>, now: Timestamp, limit: u32) -> Vec<Session>;
        end_session(id: &str, uuid: Option<&str>, ended: SessionEnd, audit: Vec<AuditEntry>) -> bool;
    }
    SentForms {
        claim_form(form: &SentForm, abandoned_before: Timestamp) -> FormClaim;
        answer_form(form: &SentForm, location: Option<&str>) -> ();
    }
    Claims {
        claims(bills: &[BillKey]) -> Vec<Claim>;
    }
    Refunds {
        request_refund(new: NewRefund) -> RefundRequested;
        apply_refund(change: RefundChange) -> Applied;
        note_refund(note: RefundNote) -> Applied;
        refund(id: &RefundId, within: Option<&[TenantScope]>) -> Option<Refund>;
        refund_of_key(key: &RefundKey) -> Option<(Refund, RequestDigest)>;
        refunds_of(id: &TxnId) -> Vec<Refund>;
        refund_history(id: &RefundId) -> Vec<RefundHistoryEntry>;
        search_refunds(query: &RefundQuery) -> Vec<Refund>;
        refunds_horizon(query: &RefundQuery, examined: u32) -> Option<Timestamp>;
        count_refunds(query: &RefundQuery) -> u64;
        due_refund_gateways() -> Vec<GatewayName>;
        due_refunds(due: &DueRefunds) -> Vec<DueRefund>;
    }
    ReceiptTasks {
        receipt_task(id: &TxnId) -> Option<ReceiptTask>;
        cancellation(id: &TxnId) -> Option<ReceiptCancellation>;
        claim_receipt_tasks(claim: ReceiptTaskClaim) -> Vec<ClaimedReceiptTask>;
        receipt_leases(limit: u32) -> Vec<Lease>;
        postpone_receipt_task(postponement: Postponement) -> bool;
    }
    ReviewCases {
        raise_attention(new: NewCase) -> bool;
        attention(id: &TxnId) -> Vec<Attention>;
        attention_cases(query: &AttentionQuery) -> Vec<AttentionCase>;
        cases_horizon(query: &AttentionQuery, examined: u32) -> Option<i64>;
        attention_case(id: i64) -> Option<AttentionCase>;
        work_on_case(step: CaseStep) -> CaseWorked;
        case_history(id: i64) -> Vec<CaseLine>;
        resolve_attention(
            case: SeenCase, resolution: Resolution, history: HistoryEntry, events: Vec<Event>, audit: Vec<AuditEntry>, release: &[BillKey]
        ) -> Resolved;
    }
    Checks {
        pending_gateways() -> Vec<GatewayName>;
        due_checks(due: &DueChecks) -> Vec<DueCheck>;
        note_check(note: CheckNote) -> Applied;
    }
    Idempotency {
        idempotency(key: &IdempotencyKey) -> Option<IdempotencyRecord>;
        remember_key(record: IdempotencyRecord) -> Option<IdempotencyRecord>;
        keep_answer(key: &IdempotencyKey, answer: &str) -> ();
        forget_idempotency_keys(created_before: Timestamp, limit: u32) -> u32;
    }
    Callbacks {
        record_callback(callback: RawCallback) -> Recorded;
        conclude_callback(digest: &[u8; 32], txn_id: Option<&TxnId>, conclusion: &str) -> ();
        keep_unsigned_callback(callback: UnsignedCallback, limit: u32) -> bool;
        forget_callbacks(received_before: Timestamp, limit: u32) -> u32;
    }
    ApiTokens {
        issue_api_token(new: NewApiToken) -> Issued;
        api_token(digest: &[u8; 32]) -> Option<ApiToken>;
        api_tokens(query: &ApiTokenQuery) -> Vec<ApiToken>;
        note_api_token_use(id: &str, at: Timestamp) -> ();
        revoke_api_token(
            id: &str, reach: &TokenReach, revocation: Revocation, audit: Vec<AuditEntry>
        ) -> Revoked;
    }
    Outbox {
        events_after(sequence: i64, limit: u32) -> Vec<StoredEvent>;
        events_of(id: &TxnId) -> Vec<StoredEvent>;
        trace_of(id: &TxnId) -> Option<TraceContext>;
        unpublished(after: i64, limit: u32) -> Vec<StoredEvent>;
        list_events(query: &EventQuery) -> Vec<StoredEvent>;
        events_horizon(query: &EventQuery, examined: u32) -> Option<i64>;
        mark_published(sequences: &[i64], at: Timestamp, fence: &Fence) -> bool;
        mark_dead(sequence: i64, letter: DeadLetter, fence: &Fence) -> bool;
        revive(sequence: i64, audit: Vec<AuditEntry>) -> bool;
        forget_published(published_before: Timestamp, limit: u32) -> u32;
        outbox_backlog() -> OutboxBacklog;
        store_event_once(key: &str, event: Event, at: Timestamp) -> bool;
    }
    JobLedger {
        begin_run(request: TickRequest) -> TickAnswer;
        renew_run(fence: &Fence, lease: Duration, tally: Tally) -> bool;
        end_run(fence: &Fence, at: Timestamp, tally: Tally, end: RunEnd) -> bool;
        runs(job: Option<&str>, limit: u32) -> Vec<RunRecord>;
        last_tick(job: &str, now: Timestamp) -> Option<Timestamp>;
        forget_runs(ended_before: Timestamp, limit: u32) -> u32;
    }
    AuditLog {
        record(entries: Vec<AuditEntry>) -> ();
        audit_head() -> AuditHead;
        audit_entries(query: &AuditQuery) -> Vec<StoredEntry>;
        redact_audit(number: i64, redaction: AuditEntry) -> bool;
        seal_history(at: Timestamp, limit: u32, fence: &Fence) -> Option<u32>;
        history_lines(which: &HistoryLines, limit: u32) -> Vec<HistoryLine>;
        earlier_lines_are_sealed() -> bool;
        store_checkpoint(new: StoredCheckpoint, event: Event) -> bool;
        checkpoints(after: i64, limit: u32) -> Vec<StoredCheckpoint>;
        last_checkpoint() -> Option<StoredCheckpoint>;
    }
    MerchantAccounts {
        accounts_revision() -> u64;
        merchant_accounts() -> StoredAccounts;
        accounts_within(scope: &TenantScope) -> Vec<StoredAccount>;
        account(id: &AccountId, scope: &TenantScope) -> Option<StoredAccount>;
        add_account(new: NewAccount) -> AccountStored;
        change_account(change: AccountChange) -> AccountStored;
    }
    FigureBooks {
        figures_state() -> FiguresState;
        figures_reading(ask: &FiguresAsk) -> FiguresReading;
        latest_creation(before: Timestamp) -> Option<Timestamp>;
        refunds_changed(since: Timestamp) -> Vec<Timestamp>;
        store_figures(update: FiguresUpdate) -> Applied;
        figure_sums(query: &FiguresQuery) -> Vec<FigureSum>;
        pending_by_day(within: &[TenantScope]) -> Vec<PendingDay>;
        open_cases(within: &[TenantScope]) -> BTreeMap<AttentionKind, u64>;
        receipts_due(within: &[TenantScope]) -> u64;
        store_gateway_readings(readings: Vec<GatewayReading>, forget_before: Timestamp) -> ();
        gateway_readings(since: Timestamp) -> Vec<GatewayReading>;
    }
    Health {
        backlog(now: Timestamp) -> Backlog;
        ping() -> ();
    }
}
