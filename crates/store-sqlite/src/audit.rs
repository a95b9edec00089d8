//! The audit log.

mod checkpoints;
mod sealing;

use async_trait::async_trait;
use payment_domain::{AuditAction, AuditEntry, Event, Personal, Timestamp};
use payment_store::audit::chain::{self, Link, Salted};
use payment_store::audit::sealing::HistoryLine;
use payment_store::{
    AuditHead, AuditLog, AuditQuery, Fence, HistoryLines, StoreError, StoredCheckpoint, StoredEntry,
    StoredPersonal,
};
use rusqlite::{Connection, Row, params};

use crate::failure::Failure;
use crate::{SqliteStore, outbox, rows};

const SELECT: &str = "SELECT entry_number, entry, entry_hash FROM eg_pg_audit";

#[async_trait]
impl AuditLog for SqliteStore {
    async fn record(&self, entries: Vec<AuditEntry>) -> Result<(), StoreError> {
        Ok(self.writer.write(move |conn| append_audit(conn, &entries)).await?)
    }

    async fn audit_head(&self) -> Result<AuditHead, StoreError> {
        Ok(self.readers.read(head).await?)
    }

    async fn audit_entries(&self, query: &AuditQuery) -> Result<Vec<StoredEntry>, StoreError> {
        let query = query.clone();
        let search = move |conn: &Connection| {
            let order = if query.before.is_some() { "DESC" } else { "ASC" };
            let sql = format!(
                "{SELECT} WHERE entry_number > ?1 AND entry_number < ?8 AND (?2 IS NULL OR action = ?2)
                    AND (?3 IS NULL OR object_kind = ?3) AND (?4 IS NULL OR object_id = ?4)
                    AND (?5 IS NULL OR actor = ?5)
                    AND (?6 IS NULL OR tenant_id = ?6 OR (tenant_id > ?6 || '.' AND tenant_id < ?6 || '/'))
                ORDER BY entry_number {order} LIMIT ?7"
            );
            let values = params![
                query.after,
                query.action.map(AuditAction::as_str),
                query.object_kind,
                query.object_id,
                query.actor,
                query.within.as_ref().map(|scope| &scope.root),
                query.limit,
                query.before.unwrap_or(i64::MAX),
            ];
            let mut entries = rows::all(conn, &sql, values, entry)?;
            for entry in &mut entries {
                entry.personal = personal(conn, entry.number)?;
            }
            Ok(entries)
        };
        Ok(self.searchers.read(search).await?)
    }

    async fn redact_audit(&self, number: i64, redaction: AuditEntry) -> Result<bool, StoreError> {
        let redact = move |conn: &Connection| {
            let redacted = conn
                .prepare_cached(
                    "UPDATE eg_pg_audit_personal SET salt = NULL, value = NULL
                     WHERE entry_number = ?1 AND value IS NOT NULL",
                )?
                .execute([number])?;
            if redacted > 0 {
                append_audit(conn, std::slice::from_ref(&redaction))?;
            }
            Ok(redacted > 0)
        };
        Ok(self.writer.write(redact).await?)
    }

    async fn seal_history(
        &self,
        at: Timestamp,
        limit: u32,
        fence: &Fence,
    ) -> Result<Option<u32>, StoreError> {
        if !self.readers.read(sealing::is_due).await? {
            return Ok(Some(0));
        }
        let fence = fence.clone();
        Ok(self.writer.write(move |conn| sealing::seal(conn, at, limit, &fence)).await?)
    }

    async fn history_lines(&self, which: &HistoryLines, limit: u32) -> Result<Vec<HistoryLine>, StoreError> {
        let which = which.clone();
        Ok(self.searchers.read(move |conn| sealing::lines(conn, &which, limit)).await?)
    }

    /// The migration has numbered all lines.
    async fn earlier_lines_are_sealed(&self) -> Result<bool, StoreError> {
        Ok(true)
    }

    async fn store_checkpoint(&self, new: StoredCheckpoint, event: Event) -> Result<bool, StoreError> {
        let events = [event];
        let store = move |conn: &Connection| {
            let is_new = checkpoints::insert(conn, &new)?;
            if is_new {
                outbox::append(conn, &events, new.at)?;
            }
            Ok(is_new)
        };
        Ok(self.writer.write(store).await?)
    }

    async fn checkpoints(&self, after: i64, limit: u32) -> Result<Vec<StoredCheckpoint>, StoreError> {
        Ok(self.readers.read(move |conn| checkpoints::behind(conn, after, limit)).await?)
    }

    async fn last_checkpoint(&self) -> Result<Option<StoredCheckpoint>, StoreError> {
        Ok(self.readers.read(checkpoints::last).await?)
    }
}

/// Appends entries to the log.
pub(crate) fn append_audit(conn: &Connection, entries: &[AuditEntry]) -> Result<(), Failure> {
    if entries.is_empty() {
        return Ok(());
    }
    let end = head(conn)?.end;
    let chained = chain::append(end, entries).map_err(|_| Failure::NoRandomness)?;
    for entry in &chained {
        conn.prepare_cached("INSERT INTO eg_pg_audit (entry_number, entry, entry_hash) VALUES (?1, ?2, ?3)")?
            .execute(params![entry.number, entry.entry, entry.hash])?;
        for (field, Salted { salt, value }) in &entry.personal {
            conn.prepare_cached(
                "INSERT INTO eg_pg_audit_personal (entry_number, field, salt, value) VALUES (?1, ?2, ?3, ?4)",
            )?
            .execute(params![entry.number, field, salt, value.expose()])?;
        }
    }
    if let Some(last) = chained.last() {
        conn.prepare_cached("UPDATE eg_pg_audit_head SET last_number = ?1, last_hash = ?2")?
            .execute(params![last.number, last.hash])?;
    }
    Ok(())
}

fn head(conn: &Connection) -> Result<AuditHead, Failure> {
    let mut statement =
        conn.prepare_cached("SELECT database_id, last_number, last_hash FROM eg_pg_audit_head")?;
    Ok(statement.query_row([], |row| {
        Ok(AuditHead { database_id: row.get(0)?, end: Link { number: row.get(1)?, hash: row.get(2)? } })
    })?)
}

fn entry(row: &Row<'_>) -> Result<StoredEntry, Failure> {
    Ok(StoredEntry { number: row.get(0)?, entry: row.get(1)?, hash: row.get(2)?, personal: Vec::new() })
}

fn personal(conn: &Connection, number: i64) -> Result<Vec<StoredPersonal>, Failure> {
    const OF_ENTRY: &str =
        "SELECT field, salt, value FROM eg_pg_audit_personal WHERE entry_number = ?1 ORDER BY field";
    rows::all(conn, OF_ENTRY, [number], |row| {
        let (salt, value): (Option<[u8; 32]>, Option<String>) = (row.get(1)?, row.get(2)?);
        let value = salt.zip(value).map(|(salt, value)| Salted { salt, value: Personal::new(value) });
        Ok(StoredPersonal { field: row.get(0)?, value })
    })
}
