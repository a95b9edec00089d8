//! A database that does not answer.

use std::time::Duration;

use async_trait::async_trait;
use payment_domain::{BillKey, Event, GatewayName, HistoryEntry, Timestamp, Transaction, TxnId};
use payment_store::{
    Applied, Attention, AttentionCase, AttentionQuery, Backlog, Callbacks, Change, CheckNote, Checks, Claim,
    ClaimedReceiptTask, Claims, Created, DeadLetter, DueCheck, DueChecks, Fence, Health, Idempotency,
    IdempotencyKey, IdempotencyRecord, JobLedger, Lease, NewCase, NewTransaction, Outbox, OutboxBacklog,
    Postponement, RawCallback, ReceiptTask, ReceiptTaskClaim, ReceiptTasks, Recorded, Resolution, Resolved,
    ReviewCases, RunEnd, RunRecord, Search, SearchQuery, StoreError, StoredDump, StoredEvent, Tally,
    TickAnswer, TickRequest, Transactions, UnsignedCallback,
};
use serde_json::Value;

/// A store whose database is away, whatever it is asked.
pub(crate) struct AwayStore;

fn away<T>() -> Result<T, StoreError> {
    Err(StoreError::Unavailable("no such file: /secret/payments.db".into()))
}

#[async_trait]
impl Transactions for AwayStore {
    async fn create(&self, _: NewTransaction) -> Result<Created, StoreError> {
        away()
    }

    async fn apply(&self, _: Change) -> Result<Applied, StoreError> {
        away()
    }

    async fn transaction(&self, _: &TxnId) -> Result<Option<Transaction>, StoreError> {
        away()
    }

    async fn redirect_form(&self, _: &TxnId) -> Result<Option<Value>, StoreError> {
        away()
    }

    async fn history(&self, _: &TxnId) -> Result<Vec<HistoryEntry>, StoreError> {
        away()
    }

    async fn dump(&self, _: &TxnId) -> Result<Option<StoredDump>, StoreError> {
        away()
    }
}

#[async_trait]
impl Search for AwayStore {
    async fn search(&self, _: &SearchQuery) -> Result<Vec<Transaction>, StoreError> {
        away()
    }
}

#[async_trait]
impl Claims for AwayStore {
    async fn claims(&self, _: &[BillKey]) -> Result<Vec<Claim>, StoreError> {
        away()
    }
}

#[async_trait]
impl ReceiptTasks for AwayStore {
    async fn receipt_task(&self, _: &TxnId) -> Result<Option<ReceiptTask>, StoreError> {
        away()
    }

    async fn claim_receipt_tasks(&self, _: ReceiptTaskClaim) -> Result<Vec<ClaimedReceiptTask>, StoreError> {
        away()
    }

    async fn receipt_leases(&self, _: u32) -> Result<Vec<Lease>, StoreError> {
        away()
    }

    async fn postpone_receipt_task(&self, _: Postponement) -> Result<bool, StoreError> {
        away()
    }
}

#[async_trait]
impl ReviewCases for AwayStore {
    async fn raise_attention(&self, _: NewCase) -> Result<bool, StoreError> {
        away()
    }

    async fn attention(&self, _: &TxnId) -> Result<Vec<Attention>, StoreError> {
        away()
    }

    async fn attention_cases(&self, _: &AttentionQuery) -> Result<Vec<AttentionCase>, StoreError> {
        away()
    }

    async fn attention_case(&self, _: i64) -> Result<Option<AttentionCase>, StoreError> {
        away()
    }

    async fn resolve_attention(
        &self,
        _: i64,
        _: Resolution,
        _: HistoryEntry,
        _: &[BillKey],
    ) -> Result<Resolved, StoreError> {
        away()
    }
}

#[async_trait]
impl Checks for AwayStore {
    async fn pending_gateways(&self) -> Result<Vec<GatewayName>, StoreError> {
        away()
    }

    async fn due_checks(&self, _: &DueChecks) -> Result<Vec<DueCheck>, StoreError> {
        away()
    }

    async fn note_check(&self, _: CheckNote) -> Result<Applied, StoreError> {
        away()
    }
}

#[async_trait]
impl Idempotency for AwayStore {
    async fn idempotency(&self, _: &IdempotencyKey) -> Result<Option<IdempotencyRecord>, StoreError> {
        away()
    }

    async fn remember_key(&self, _: IdempotencyRecord) -> Result<Option<IdempotencyRecord>, StoreError> {
        away()
    }

    async fn keep_answer(&self, _: &IdempotencyKey, _: &str) -> Result<(), StoreError> {
        away()
    }

    async fn forget_idempotency_keys(&self, _: Timestamp, _: u32) -> Result<u32, StoreError> {
        away()
    }
}

#[async_trait]
impl Callbacks for AwayStore {
    async fn record_callback(&self, _: RawCallback) -> Result<Recorded, StoreError> {
        away()
    }

    async fn keep_unsigned_callback(&self, _: UnsignedCallback, _: u32) -> Result<bool, StoreError> {
        away()
    }

    async fn conclude_callback(&self, _: &[u8; 32], _: Option<&TxnId>, _: &str) -> Result<(), StoreError> {
        away()
    }

    async fn forget_callbacks(&self, _: Timestamp, _: u32) -> Result<u32, StoreError> {
        away()
    }
}

#[async_trait]
impl Health for AwayStore {
    async fn backlog(&self) -> Result<Backlog, StoreError> {
        away()
    }

    async fn ping(&self) -> Result<(), StoreError> {
        away()
    }
}

#[async_trait]
impl Outbox for AwayStore {
    async fn events_after(&self, _: i64, _: u32) -> Result<Vec<StoredEvent>, StoreError> {
        away()
    }

    async fn events_of(&self, _: &TxnId) -> Result<Vec<StoredEvent>, StoreError> {
        away()
    }

    async fn unpublished(&self, _: i64, _: u32) -> Result<Vec<StoredEvent>, StoreError> {
        away()
    }

    async fn mark_published(&self, _: &[i64], _: Timestamp, _: &Fence) -> Result<bool, StoreError> {
        away()
    }

    async fn mark_dead(&self, _: i64, _: DeadLetter, _: &Fence) -> Result<bool, StoreError> {
        away()
    }

    async fn revive(&self, _: i64) -> Result<bool, StoreError> {
        away()
    }

    async fn forget_published(&self, _: Timestamp, _: u32) -> Result<u32, StoreError> {
        away()
    }

    async fn outbox_backlog(&self) -> Result<OutboxBacklog, StoreError> {
        away()
    }

    async fn store_event_once(&self, _: &str, _: Event, _: Timestamp) -> Result<bool, StoreError> {
        away()
    }
}

#[async_trait]
impl JobLedger for AwayStore {
    async fn begin_run(&self, _: TickRequest) -> Result<TickAnswer, StoreError> {
        away()
    }

    async fn renew_run(&self, _: &Fence, _: Duration, _: Tally) -> Result<bool, StoreError> {
        away()
    }

    async fn end_run(&self, _: &Fence, _: Timestamp, _: Tally, _: RunEnd) -> Result<bool, StoreError> {
        away()
    }

    async fn runs(&self, _: Option<&str>, _: u32) -> Result<Vec<RunRecord>, StoreError> {
        away()
    }

    async fn last_tick(&self, _: &str, _: Timestamp) -> Result<Option<Timestamp>, StoreError> {
        away()
    }

    async fn forget_runs(&self, _: Timestamp, _: u32) -> Result<u32, StoreError> {
        away()
    }
}
