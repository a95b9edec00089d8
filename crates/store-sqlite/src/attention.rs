//! Cases for an operator: at most one of a kind for each transaction.

use payment_domain::{AttentionKind, HistoryEntry, TxnId};
use payment_store::Attention;
use rusqlite::{Connection, params};

use crate::failure::Failure;
use crate::rows::{self, Columns};
use crate::transactions;

/// Stores a case; `false` when one of that kind is there already, resolved or not.
pub(crate) fn insert(conn: &Connection, case: &Attention) -> Result<bool, Failure> {
    let stored = conn
        .prepare_cached(
            "INSERT INTO eg_pg_attention (txn_id, kind, raised_at, evidence) VALUES (?1, ?2, ?3, ?4)
             ON CONFLICT (txn_id, kind) DO NOTHING",
        )?
        .execute(params![
            case.txn_id.as_str(),
            case.kind.as_str(),
            case.raised_at.as_millis(),
            case.evidence.to_string(),
        ])?;
    Ok(stored > 0)
}

/// Stores a case with its line in the history, or neither.
pub(crate) fn raise(conn: &Connection, case: &Attention, entry: &HistoryEntry) -> Result<bool, Failure> {
    let is_new = insert(conn, case)?;
    if is_new {
        transactions::append_history(conn, entry, &entry.evidence.to_string())?;
    }
    Ok(is_new)
}

/// The cases of a transaction, oldest first.
pub(crate) fn of(conn: &Connection, id: &TxnId) -> Result<Vec<Attention>, Failure> {
    let mut statement = conn.prepare_cached(
        "SELECT txn_id, kind, raised_at, evidence FROM eg_pg_attention WHERE txn_id = ?1
         ORDER BY raised_at, case_id",
    )?;
    rows::all(&mut statement, [id.as_str()], |row| {
        let columns = Columns::of(row, "eg_pg_attention")?;
        Ok(Attention {
            txn_id: columns.txn_id()?,
            kind: columns.read("kind", AttentionKind::from_word)?,
            raised_at: columns.moment("raised_at")?,
            evidence: columns.read("evidence", rows::json)?,
        })
    })
}
