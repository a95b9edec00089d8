//! `transaction show`: one transaction with everything that happened to it.

mod text;

use std::process::ExitCode;

use payment_domain::{AttentionKind, HistoryEntry, Status, Transaction, TxnId};
use payment_service::{TransactionView, mask};
use payment_store::{
    AttentionCase, AttentionQuery, CaseState, ReceiptTask, Store, StoreError, StoredDump, StoredEvent,
};
use serde_json::{Value, json};

use super::database::{self, instant};
use super::events::dead_letter;
use super::small_runtime;
use crate::cli::ShowArgs;
use crate::config::Config;
use crate::failure::Outcome;
use crate::service;
use crate::terminal::{Paint, say, say_json};

/// Everything that is stored about one transaction.
struct Whole {
    txn: Transaction,
    history: Vec<HistoryEntry>,
    events: Vec<StoredEvent>,
    dump: Option<StoredDump>,
    task: Option<ReceiptTask>,
    attention: Vec<AttentionCase>,
}

pub(super) fn show(config: &Config, args: &ShowArgs) -> Outcome<ExitCode> {
    let id = database::transaction_id(&args.id)?;
    let whole = small_runtime()?
        .block_on(async {
            let store = service::open_store(config).await?;
            read(store.as_ref(), &id).await.map_err(|error| database::unreadable(&error))
        })?
        .ok_or_else(|| database::no_such_transaction(&database::shown(config), &id))?;
    if args.json {
        say_json(&format!("{:#}", as_json(&whole, args.show_personal_data)))?;
    } else {
        say(&text::render(&whole, args.show_personal_data, &config.embedded.time_zone, Paint::detect()))?;
    }
    Ok(ExitCode::SUCCESS)
}

async fn read(store: &dyn Store, id: &TxnId) -> Result<Option<Whole>, StoreError> {
    let Some(txn) = store.transaction(id).await? else { return Ok(None) };
    Ok(Some(Whole {
        history: store.history(id).await?,
        events: store.events_of(id).await?,
        dump: store.dump(id).await?,
        task: store.receipt_task(id).await?,
        attention: store.attention_cases(&cases_of(id)).await?,
        txn,
    }))
}

/// Every case there may be: one of each kind.
fn cases_of(id: &TxnId) -> AttentionQuery {
    let limit = u32::try_from(AttentionKind::ALL.len()).unwrap_or(u32::MAX);
    AttentionQuery { state: CaseState::All, kind: None, txn_id: Some(id.clone()), after: 0, limit }
}

fn as_json(whole: &Whole, personal: bool) -> Value {
    let mut document = json!({
        "transaction": TransactionView::of(&whole.txn),
        "version": whole.txn.version,
        "history": whole.history.iter().map(|entry| json!({
            "at": instant(entry.at),
            "by": { "kind": entry.actor.kind.as_str(), "id": entry.actor.id },
            "from": entry.from.map(|status| status.as_str()),
            "to": entry.to.as_str(),
            "why": entry.why,
            "evidence": entry.evidence,
        })).collect::<Vec<_>>(),
        "events": whole.events.iter().map(|stored| json!({
            "sequence": stored.sequence,
            "kind": stored.event.kind.as_str(),
            "storedAt": instant(stored.stored_at),
            "publishedAt": stored.published_at.map(instant),
            "deadLetter": dead_letter(stored),
        })).collect::<Vec<_>>(),
        "gateway": whole.dump.as_ref().map(|stored| json!({
            "txnRequest": stored.dump.request,
            "txnResponse": stored.dump.response,
        })),
        "receiptTask": whole.task.as_ref().map(|task| json!({
            "dueAt": instant(task.due_at),
            "attempts": task.attempts,
            "lastError": task.last_error,
            "leasedUntil": task.lease.as_ref().map(|lease| instant(lease.until)),
        })),
        "attention": whole.attention.iter().map(|stored| json!({
            "id": stored.id,
            "kind": stored.case.kind.as_str(),
            "raisedAt": instant(stored.case.raised_at),
            "evidence": stored.case.evidence,
            "resolution": stored.resolution.as_ref().map(|resolution| json!({
                "at": instant(resolution.at),
                "by": resolution.by,
                "reason": resolution.reason,
            })),
        })).collect::<Vec<_>>(),
    });
    if !personal {
        mask(&mut document);
    }
    document
}

/// What is to be said about the receipt, in a sentence.
fn receipt_sentence(whole: &Whole) -> &'static str {
    match (&whole.txn.status, &whole.task) {
        (Status::Success { receipt: Some(_) }, _) => "issued",
        (Status::Success { receipt: None }, Some(task)) if task.lease.is_some() => "being issued now",
        (Status::Success { receipt: None }, Some(_)) => "due",
        (Status::Success { receipt: None }, None) => "missing, and nobody is to issue it",
        (Status::Pending | Status::Failure, _) => "none, nothing was paid",
    }
}
