//! The audit log.

mod checkpoints;
mod sealing;

use async_trait::async_trait;
use payment_domain::{AuditAction, AuditEntry, Event, Personal, Timestamp};
use payment_store::audit::chain::{self, Link, Salted};
use payment_store::audit::sealing::HistoryLine;
use payment_store::{
    AuditHead, AuditLog, AuditQuery, ENTRY_DISORDER_MS, Fence, HistoryLines, StoreError, StoredCheckpoint,
    StoredEntry, StoredPersonal, TenantScope,
};
use rusqlite::types::Value;
use rusqlite::{Connection, Row, params, params_from_iter};

use crate::exporting::{ALL, Statement};
use crate::failure::Failure;
use crate::{SqliteStore, outbox, rows};

const SELECT: &str = "SELECT entry_number, entry, entry_hash FROM eg_pg_audit";

// Numbers are added to zero, so that no other index is read for the least of them.
const FIRST_FROM: &str = "
    SELECT coalesce(
        (SELECT min(entry_number + 0) FROM eg_pg_audit WHERE entry ->> '$.at' >= ?1 AND entry ->> '$.at' < ?1 + ?2),
        (SELECT entry_number FROM eg_pg_audit WHERE entry ->> '$.at' >= ?1 ORDER BY entry ->> '$.at' LIMIT 1))";
const LAST_BEFORE: &str = "
    SELECT coalesce(
        (SELECT max(entry_number + 0) FROM eg_pg_audit WHERE entry ->> '$.at' < ?1 AND entry ->> '$.at' >= ?1 - ?2),
        (SELECT entry_number FROM eg_pg_audit WHERE entry ->> '$.at' < ?1 ORDER BY entry ->> '$.at' DESC LIMIT 1))";

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
            let Some((after, before)) = numbers(conn, &query)? else { return Ok(Vec::new()) };
            let (sql, values) = statement(&query, after, before, i64::from(query.limit));
            let mut entries = rows::all(conn, &sql, params_from_iter(values), entry)?;
            complete(conn, &mut entries)?;
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

/// The entries of a query, on all pages.
pub(crate) fn whole(query: &AuditQuery) -> Statement {
    statement(query, 0, i64::MAX, ALL)
}

/// With the conditions that are set, so that an index of one of them is used. That of the tenants would have a
/// state's entries sorted.
fn statement(query: &AuditQuery, after: i64, before: i64, limit: i64) -> Statement {
    let mut sql = format!("{SELECT} WHERE entry_number > ? AND entry_number < ?");
    let mut values = vec![Value::Integer(after), Value::Integer(before)];
    let mut and = |condition: &str, with: Vec<Value>| {
        sql.push_str(" AND ");
        sql.push_str(condition);
        values.extend(with);
    };
    for (condition, text) in [
        ("action = ?", query.action.map(AuditAction::as_str)),
        ("object_kind = ?", query.object_kind.as_deref()),
        ("object_id = ?", query.object_id.as_deref()),
        ("actor = ?", query.actor.as_deref()),
    ] {
        if let Some(text) = text {
            and(condition, vec![Value::Text(text.to_owned())]);
        }
    }
    if let Some(TenantScope { root }) = &query.within {
        let below = [root.clone(), format!("{root}."), format!("{root}/")].map(Value::Text);
        and("(+tenant_id = ? OR (+tenant_id > ? AND +tenant_id < ?))", below.to_vec());
    }
    for (condition, at) in [("+(entry ->> '$.at') >= ?", query.from), ("+(entry ->> '$.at') < ?", query.to)] {
        if let Some(at) = at {
            and(condition, vec![Value::Integer(at.as_millis())]);
        }
    }
    let order = if query.before.is_some() { "DESC" } else { "ASC" };
    sql.push_str(&format!(" ORDER BY entry_number {order} LIMIT ?"));
    values.push(Value::Integer(limit));
    (sql, values)
}

/// Reads the personal values of entries.
pub(crate) fn complete(conn: &Connection, entries: &mut [StoredEntry]) -> Result<(), Failure> {
    for entry in entries {
        entry.personal = personal(conn, entry.number)?;
    }
    Ok(())
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

/// The numbers between which the entries of a query lie, by its cursors and its moments; `None` where there are none.
fn numbers(conn: &Connection, query: &AuditQuery) -> Result<Option<(i64, i64)>, Failure> {
    let (mut after, mut before) = (query.after, query.before.unwrap_or(i64::MAX));
    let number = |sql: &str, at: Timestamp| -> Result<Option<i64>, Failure> {
        let values = [at.as_millis(), ENTRY_DISORDER_MS];
        Ok(conn.prepare_cached(sql)?.query_row(values, |row| row.get(0))?)
    };
    if let Some(from) = query.from {
        let Some(first) = number(FIRST_FROM, from)? else { return Ok(None) };
        after = after.max(first.saturating_sub(1));
    }
    if let Some(to) = query.to {
        let Some(last) = number(LAST_BEFORE, to)? else { return Ok(None) };
        before = before.min(last.saturating_add(1));
    }
    Ok(Some((after, before)))
}

fn head(conn: &Connection) -> Result<AuditHead, Failure> {
    let mut statement =
        conn.prepare_cached("SELECT database_id, last_number, last_hash FROM eg_pg_audit_head")?;
    Ok(statement.query_row([], |row| {
        Ok(AuditHead { database_id: row.get(0)?, end: Link { number: row.get(1)?, hash: row.get(2)? } })
    })?)
}

pub(crate) fn entry(row: &Row<'_>) -> Result<StoredEntry, Failure> {
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plans::{migrated, plan};

    #[test]
    fn a_moment_is_found_in_the_log_without_reading_it() {
        let conn = migrated();
        for sql in [FIRST_FROM, LAST_BEFORE] {
            let steps = plan(&conn, sql);
            let of_log: Vec<_> = steps.iter().filter(|step| step.contains("eg_pg_audit")).collect();
            assert!(
                of_log.len() == 2 && of_log.iter().all(|step| step.contains("eg_pg_audit_by_time")),
                "{steps:#?}"
            );
        }
    }

    #[test]
    fn entries_of_a_kind_are_read_in_order_and_no_others() {
        let conn = migrated();
        let newest = || AuditQuery { before: Some(i64::MAX), ..AuditQuery::default() };
        let text = || Some("x".to_owned());
        let within = Some(TenantScope { root: "pb".to_owned() });
        for (query, index) in [
            (newest(), "INTEGER PRIMARY KEY (rowid>? AND rowid<?)"),
            (AuditQuery { within, from: Some(Timestamp::from_millis(0)), ..newest() }, "INTEGER PRIMARY KEY"),
            (AuditQuery { action: Some(AuditAction::Exported), ..newest() }, "(action=?"),
            (AuditQuery { actor: text(), ..newest() }, "(actor=?"),
            (AuditQuery { object_id: text(), object_kind: text(), ..newest() }, "(object_id=?"),
        ] {
            let steps = plan(&conn, &statement(&query, 0, i64::MAX, 5).0);
            assert!(steps.len() == 1 && steps[0].contains(index), "{steps:#?}");
        }
    }
}
