//! Operators' work on review cases: owners and notes, with an append-only history.

use payment_domain::{Personal, Timestamp};
use payment_store::{CaseAct, CaseLine, CaseStep, CaseWork, CaseWorked};
use tokio_postgres::Row;

use crate::audit::commit_with_audit;
use crate::connections::{Connections, Transaction, Values};
use crate::failure::Failure;
use crate::parameters::storable;
use crate::rows::{self, Columns};

pub(crate) async fn step(db: &Connections, step: &CaseStep) -> Result<CaseWorked, Failure> {
    // With the case's row locked its lines are numbered one after the other.
    const LOCK: &str = "SELECT case_id FROM eg_pg_attention WHERE case_id = $1 FOR UPDATE";
    let transaction = db.begin().await?;
    if transaction.rows(LOCK, &[&step.id]).await?.is_empty() {
        transaction.roll_back().await;
        return Ok(CaseWorked::NotFound);
    }
    let (is_current, note, key) = match &step.work {
        CaseWork::Take { version } => {
            (set_owner(&transaction, step, *version, Some(step.at)).await?, None, None)
        }
        CaseWork::Release { version } => (set_owner(&transaction, step, *version, None).await?, None, None),
        CaseWork::Note { text, key } => (true, Some(text.clone()), key.as_deref()),
    };
    if !is_current {
        transaction.roll_back().await;
        return Ok(CaseWorked::Stale);
    }
    let line = CaseLine { at: step.at, by: step.by.clone(), act: step.work.act(), note };
    match append(&transaction, step.id, &line, key).await? {
        true => commit_with_audit(transaction, Vec::new(), &step.audit).await?,
        false => transaction.roll_back().await,
    }
    Ok(CaseWorked::Stored)
}

/// Gives an open case of this version to the one who steps, or takes it from them.
async fn set_owner(
    transaction: &Transaction,
    step: &CaseStep,
    version: u32,
    since: Option<Timestamp>,
) -> Result<bool, Failure> {
    const SET: &str = "
        UPDATE eg_pg_attention SET owner = $4, owned_since = $5, version = version + 1
        WHERE case_id = $1 AND version = $2 AND resolved_at IS NULL AND ($4::text IS NOT NULL OR owner = $3)
        RETURNING case_id";
    let by = storable(&step.by);
    let owner = since.map(|_| by.as_ref());
    let values: Values<'_> = &[&step.id, &i64::from(version), &by, &owner, &since.map(Timestamp::as_millis)];
    Ok(!transaction.rows(SET, values).await?.is_empty())
}

/// Appends a line to the history of a case whose row is locked; `false` when there is one of this key.
pub(crate) async fn append(
    transaction: &Transaction,
    id: i64,
    line: &CaseLine,
    key: Option<&str>,
) -> Result<bool, Failure> {
    const APPEND: &str = "
        INSERT INTO eg_pg_attention_history (case_id, entry_number, at_time, author, act, note, note_key)
        SELECT $1::bigint,
            coalesce((SELECT max(entry_number) FROM eg_pg_attention_history WHERE case_id = $1), 0) + 1,
            $2::bigint, $3::text, $4::text, $5::text, $6::text
        ON CONFLICT (case_id, note_key) DO NOTHING
        RETURNING entry_number";
    let note = line.note.as_ref().map(|note| storable(note.expose()));
    let values: Values<'_> =
        &[&id, &line.at.as_millis(), &storable(&line.by), &line.act.as_str(), &note, &key.map(storable)];
    Ok(!transaction.rows(APPEND, values).await?.is_empty())
}

pub(crate) async fn history(db: &Connections, id: i64) -> Result<Vec<CaseLine>, Failure> {
    const HISTORY: &str = "
        SELECT at_time, author, act, note FROM eg_pg_attention_history WHERE case_id = $1 ORDER BY entry_number";
    let read = |row: &Row| {
        let columns = Columns::keyless(row, "eg_pg_attention_history");
        Ok(CaseLine {
            at: columns.moment("at_time")?,
            by: columns.get("author")?,
            act: columns.read("act", CaseAct::from_word)?,
            note: columns.get::<Option<String>>("note")?.map(Personal::new),
        })
    };
    rows::all(&db.ask(HISTORY, &[&id]).await?, read)
}
