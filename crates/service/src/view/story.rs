//! The whole story of a transaction.

use payment_domain::{AttentionKind, HistoryEntry, Timestamp, Transaction, TxnId};
use payment_store::{AttentionQuery, CaseState, ReceiptCancellation, ReceiptTask, Store, StoreError};
use serde::Serialize;
use serde_json::{Value, json};

use super::case::CaseView;
use super::event::EventView;
use super::{PersonalData, RefundStory, TransactionView};
use crate::advice::{advise_all, unread};

/// Everything that is stored about one transaction.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct TransactionStory {
    #[serde(skip)]
    pub txn: Transaction,
    /// A [`TransactionView`].
    pub transaction: Value,
    pub version: u32,
    pub history: Vec<HistoryView>,
    pub events: Vec<EventView>,
    /// The last request to the gateway and its answer.
    pub gateway: Option<Value>,
    pub receipt_task: Option<ReceiptTaskView>,
    pub receipt_cancellation: Option<ReceiptCancellationView>,
    pub attention: Vec<CaseView>,
    /// Oldest first, each with its history.
    pub refunds: Vec<RefundStory>,
}

/// A line of the history.
#[derive(Debug, Clone, Serialize)]
pub struct HistoryView {
    pub time: Timestamp,
    pub by: ActorView,
    pub from: Option<&'static str>,
    pub to: &'static str,
    pub why: String,
    pub evidence: Value,
}

/// The party that changed the transaction.
#[derive(Debug, Clone, Serialize)]
pub struct ActorView {
    pub kind: &'static str,
    pub id: String,
}

/// A receipt that is due.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ReceiptTaskView {
    pub due_time: Timestamp,
    pub attempts: u32,
    pub last_error: Option<String>,
    /// Until when a worker has the task.
    pub lease_time: Option<Timestamp>,
}

/// The receipt of a payment that is given back, to be cancelled.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ReceiptCancellationView {
    pub refund_id: String,
    /// Whether the bills can be paid again afterwards.
    pub frees_bills: bool,
    /// `CANCELLED`, `NO_RECEIPT` or `KEPT`; none while it is due.
    pub outcome: Option<&'static str>,
    pub task: ReceiptTaskView,
}

impl TransactionStory {
    /// Reads the story; `None` without such a transaction.
    ///
    /// # Errors
    /// [`StoreError`] when the database is unavailable.
    pub async fn read(
        store: &dyn Store,
        id: &TxnId,
        personal: PersonalData,
    ) -> Result<Option<TransactionStory>, StoreError> {
        let Some(txn) = store.transaction(id).await? else { return Ok(None) };
        let cases = advise_all(store, unread(store.attention_cases(&cases_of(id)).await?)).await?;
        let dump = store.dump(id).await?.map(|stored| stored.dump);
        let mut refunds = Vec::new();
        for refund in store.refunds_of(id).await? {
            refunds.push(RefundStory::of(&refund, store.refund_history(&refund.id).await?, personal));
        }
        Ok(Some(TransactionStory {
            transaction: personal.show(json!(TransactionView::of(&txn))),
            version: txn.version,
            history: store
                .history(id)
                .await?
                .into_iter()
                .map(|line| HistoryView::of(line, personal))
                .collect(),
            events: store.events_of(id).await?.iter().map(EventView::listed).collect(),
            gateway: dump.map(|dump| {
                personal.show(json!({ "txnRequest": dump.request, "txnResponse": dump.response }))
            }),
            receipt_task: store.receipt_task(id).await?.map(ReceiptTaskView::from),
            receipt_cancellation: store.cancellation(id).await?.map(ReceiptCancellationView::from),
            attention: cases.into_iter().map(|(case, advice)| CaseView::of(case, advice, personal)).collect(),
            refunds,
            txn,
        }))
    }
}

/// All cases of a transaction: there is at most one of each kind.
fn cases_of(id: &TxnId) -> AttentionQuery {
    let limit = u32::try_from(AttentionKind::ALL.len()).unwrap_or(u32::MAX);
    AttentionQuery { state: CaseState::All, txn_id: Some(id.clone()), limit, ..AttentionQuery::default() }
}

impl HistoryView {
    fn of(line: HistoryEntry, personal: PersonalData) -> HistoryView {
        HistoryView {
            time: line.at,
            by: ActorView { kind: line.actor.kind.as_str(), id: line.actor.id },
            from: line.from.map(|status| status.as_str()),
            to: line.to.as_str(),
            why: line.why,
            evidence: personal.show(json!({ "evidence": line.evidence }))["evidence"].take(),
        }
    }
}

impl From<ReceiptTask> for ReceiptTaskView {
    fn from(task: ReceiptTask) -> ReceiptTaskView {
        ReceiptTaskView {
            due_time: task.due_at,
            attempts: task.attempts,
            last_error: task.last_error,
            lease_time: task.lease.map(|lease| lease.until),
        }
    }
}

impl From<ReceiptCancellation> for ReceiptCancellationView {
    fn from(cancellation: ReceiptCancellation) -> ReceiptCancellationView {
        ReceiptCancellationView {
            refund_id: cancellation.refund_id.to_string(),
            frees_bills: cancellation.frees_bills,
            outcome: cancellation.outcome.map(|outcome| outcome.as_str()),
            task: ReceiptTaskView::from(cancellation.task),
        }
    }
}
