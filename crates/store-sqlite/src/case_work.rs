//! Operators' work on review cases: owners and notes, with an append-only history.

use payment_domain::{Personal, Timestamp};
use payment_store::{CaseAct, CaseLine, CaseStep, CaseWork, CaseWorked};
use rusqlite::{Connection, Row, params};

use crate::attention;
use crate::audit::append_audit;
use crate::failure::Failure;
use crate::rows::{self, Columns};

pub(crate) fn step(conn: &Connection, step: &CaseStep) -> Result<CaseWorked, Failure> {
    if attention::find(conn, step.id)?.is_none() {
        return Ok(CaseWorked::NotFound);
    }
    let (note, key) = match &step.work {
        CaseWork::Take { version } => {
            if !set_owner(conn, step, *version, Some(step.at))? {
                return Ok(CaseWorked::Stale);
            }
            (None, None)
        }
        CaseWork::Release { version } => {
            if !set_owner(conn, step, *version, None)? {
                return Ok(CaseWorked::Stale);
            }
            (None, None)
        }
        CaseWork::Note { text, key } => (Some(text), key.as_deref()),
    };
    let line = CaseLine { at: step.at, by: step.by.clone(), act: step.work.act(), note: note.cloned() };
    if append(conn, step.id, &line, key)? {
        append_audit(conn, &step.audit)?;
    }
    Ok(CaseWorked::Stored)
}

/// Gives an open case of this version to the one who steps, or takes it from them.
fn set_owner(
    conn: &Connection,
    step: &CaseStep,
    version: u32,
    since: Option<Timestamp>,
) -> Result<bool, Failure> {
    let owner = since.map(|_| step.by.as_str());
    let changed = conn
        .prepare_cached(
            "UPDATE eg_pg_attention SET owner = ?4, owned_since = ?5, version = version + 1
             WHERE case_id = ?1 AND version = ?2 AND resolved_at IS NULL AND (?4 IS NOT NULL OR owner = ?3)",
        )?
        .execute(params![step.id, version, step.by, owner, since.map(Timestamp::as_millis)])?;
    Ok(changed > 0)
}

/// Appends a line; `false` when there is one of this key.
pub(crate) fn append(
    conn: &Connection,
    id: i64,
    line: &CaseLine,
    key: Option<&str>,
) -> Result<bool, Failure> {
    let stored = conn
        .prepare_cached(
            "INSERT INTO eg_pg_attention_history (case_id, entry_number, at_time, author, act, note, note_key)
             SELECT ?1, coalesce((SELECT max(entry_number) FROM eg_pg_attention_history WHERE case_id = ?1), 0) + 1,
                 ?2, ?3, ?4, ?5, ?6
             WHERE NOT EXISTS (SELECT 1 FROM eg_pg_attention_history WHERE case_id = ?1 AND note_key = ?6)",
        )?
        .execute(params![
            id,
            line.at.as_millis(),
            line.by,
            line.act.as_str(),
            line.note.as_ref().map(Personal::expose),
            key,
        ])?;
    Ok(stored > 0)
}

pub(crate) fn history(conn: &Connection, id: i64) -> Result<Vec<CaseLine>, Failure> {
    let sql = "SELECT at_time, author, act, note FROM eg_pg_attention_history
        WHERE case_id = ?1 ORDER BY entry_number";
    rows::all(conn, sql, [id], |row: &Row<'_>| {
        let columns = Columns::without_owner(row, "eg_pg_attention_history");
        Ok(CaseLine {
            at: columns.moment("at_time")?,
            by: columns.get("author")?,
            act: columns.read("act", CaseAct::from_word)?,
            note: columns.get::<Option<String>>("note")?.map(Personal::new),
        })
    })
}
