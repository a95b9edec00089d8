//! The trait of a store, each promise handed to the module that keeps it.

use async_trait::async_trait;
use payment_domain::{BillKey, GatewayName, HistoryEntry, Timestamp, Transaction, TxnId};
use payment_store::{
    Applied, Attention, AttentionCase, AttentionQuery, Backlog, Change, CheckNote, Claim, ClaimedReceiptTask,
    Created, DueCheck, DueChecks, IdempotencyKey, IdempotencyRecord, Lease, NewCase, NewTransaction,
    Postponement, RawCallback, ReceiptTask, ReceiptTaskClaim, Recorded, Resolution, Resolved, SearchQuery,
    Store, StoreError, StoredDump, StoredEvent, UnsignedCallback,
};
use serde_json::Value;

use crate::changing::Alteration;
use crate::creating::Creation;
use crate::{
    PostgresStore, attention, callbacks, checks, claims, health, idempotency, outbox, receipts, rows, search,
    transactions,
};

#[async_trait]
impl Store for PostgresStore {
    async fn create(&self, new: NewTransaction) -> Result<Created, StoreError> {
        Ok(self.creations.submit(Creation::new(new, self.clock.now())?).await?)
    }

    async fn apply(&self, change: Change) -> Result<Applied, StoreError> {
        Ok(self.alterations.submit(Alteration::new(change, self.clock.now())?).await?)
    }

    async fn transaction(&self, id: &TxnId) -> Result<Option<Transaction>, StoreError> {
        let found = self.findings.submit(id.clone()).await?;
        Ok(found.as_ref().map(rows::transaction).transpose()?)
    }

    async fn redirect_form(&self, id: &TxnId) -> Result<Option<Value>, StoreError> {
        Ok(transactions::redirect_form(&self.db, id).await?)
    }

    async fn claims(&self, bills: &[BillKey]) -> Result<Vec<Claim>, StoreError> {
        Ok(claims::held(&self.db, bills).await?)
    }

    async fn search(&self, query: &SearchQuery) -> Result<Vec<Transaction>, StoreError> {
        if let Some(id) = search::named_alone(query) {
            let found = self.findings.submit(id.clone()).await?;
            return Ok(search::page_of_one(found.as_ref(), query)?);
        }
        Ok(search::search(&self.db, &self.column_limits, &self.foreign_statuses, query).await?)
    }

    async fn history(&self, id: &TxnId) -> Result<Vec<HistoryEntry>, StoreError> {
        Ok(transactions::history(&self.db, id).await?)
    }

    async fn dump(&self, id: &TxnId) -> Result<Option<StoredDump>, StoreError> {
        Ok(transactions::dump(&self.db, id).await?)
    }

    async fn raise_attention(&self, new: NewCase) -> Result<bool, StoreError> {
        Ok(attention::raise(&self.db, &new).await?)
    }

    async fn attention(&self, id: &TxnId) -> Result<Vec<Attention>, StoreError> {
        Ok(attention::of(&self.db, id).await?)
    }

    async fn attention_cases(&self, query: &AttentionQuery) -> Result<Vec<AttentionCase>, StoreError> {
        Ok(attention::search(&self.db, query).await?)
    }

    async fn attention_case(&self, id: i64) -> Result<Option<AttentionCase>, StoreError> {
        Ok(attention::find(&self.db, id).await?)
    }

    async fn resolve_attention(
        &self,
        id: i64,
        resolution: Resolution,
        history: HistoryEntry,
        release: &[BillKey],
    ) -> Result<Resolved, StoreError> {
        Ok(attention::resolve(&self.db, id, &resolution, &history, release).await?)
    }

    async fn pending_gateways(&self) -> Result<Vec<GatewayName>, StoreError> {
        Ok(checks::gateways(&self.db).await?)
    }

    async fn due_checks(&self, due: &DueChecks) -> Result<Vec<DueCheck>, StoreError> {
        Ok(checks::due(&self.db, due).await?)
    }

    async fn note_check(&self, note: CheckNote) -> Result<Applied, StoreError> {
        Ok(checks::note(&self.db, &note).await?)
    }

    async fn receipt_task(&self, id: &TxnId) -> Result<Option<ReceiptTask>, StoreError> {
        Ok(receipts::of(&self.db, id).await?)
    }

    async fn claim_receipt_tasks(
        &self,
        claim: ReceiptTaskClaim,
    ) -> Result<Vec<ClaimedReceiptTask>, StoreError> {
        Ok(receipts::claim(&self.db, &claim, self.clock.now()).await?)
    }

    async fn receipt_leases(&self, limit: u32) -> Result<Vec<Lease>, StoreError> {
        Ok(receipts::leases(&self.db, limit).await?)
    }

    async fn postpone_receipt_task(&self, postponement: Postponement) -> Result<bool, StoreError> {
        Ok(receipts::postpone(&self.db, &postponement, self.clock.now()).await?)
    }

    async fn idempotency(&self, key: &IdempotencyKey) -> Result<Option<IdempotencyRecord>, StoreError> {
        Ok(idempotency::find(&self.db, key).await?)
    }

    async fn remember_key(&self, record: IdempotencyRecord) -> Result<Option<IdempotencyRecord>, StoreError> {
        Ok(idempotency::remember(&self.db, &record).await?)
    }

    async fn keep_answer(&self, key: &IdempotencyKey, answer: &str) -> Result<(), StoreError> {
        Ok(idempotency::keep_answer(&self.db, key, answer).await?)
    }

    async fn forget_idempotency_keys(
        &self,
        created_before: Timestamp,
        limit: u32,
    ) -> Result<u32, StoreError> {
        Ok(idempotency::forget(&self.db, created_before, limit).await?)
    }

    async fn events_after(&self, sequence: i64, limit: u32) -> Result<Vec<StoredEvent>, StoreError> {
        Ok(outbox::after(&self.db, sequence, limit).await?)
    }

    async fn events_of(&self, id: &TxnId) -> Result<Vec<StoredEvent>, StoreError> {
        Ok(outbox::of(&self.db, id).await?)
    }

    async fn record_callback(&self, callback: RawCallback) -> Result<Recorded, StoreError> {
        Ok(callbacks::record(&self.db, &callback).await?)
    }

    async fn conclude_callback(
        &self,
        digest: &[u8; 32],
        txn_id: Option<&TxnId>,
        conclusion: &str,
    ) -> Result<(), StoreError> {
        Ok(callbacks::conclude(&self.db, digest, txn_id, conclusion).await?)
    }

    async fn keep_unsigned_callback(
        &self,
        callback: UnsignedCallback,
        limit: u32,
    ) -> Result<bool, StoreError> {
        Ok(callbacks::keep_unsigned(&self.db, &callback, limit).await?)
    }

    async fn forget_callbacks(&self, received_before: Timestamp, limit: u32) -> Result<u32, StoreError> {
        Ok(callbacks::forget(&self.db, received_before, limit).await?)
    }

    async fn backlog(&self) -> Result<Backlog, StoreError> {
        Ok(health::backlog(&self.db).await?)
    }

    async fn ping(&self) -> Result<(), StoreError> {
        Ok(health::beat(&self.db).await?)
    }
}
