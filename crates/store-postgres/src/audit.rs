//! The audit log. Its end is one row, locked by every commit that appends to it: last of all rows, so that there
//! is no deadlock, and shortly.

mod checkpoints;
mod sealing;

use async_trait::async_trait;
use payment_domain::{AuditAction, AuditEntry, Event, Personal, Timestamp};
use payment_store::audit::chain::{self, Link, Salted, UnnumberedEntry};
use payment_store::audit::sealing::HistoryLine;
use payment_store::{
    AuditHead, AuditLog, AuditQuery, ENTRY_DISORDER_MS, Fence, HistoryLines, StoreError, StoredCheckpoint,
    StoredEntry, StoredPersonal,
};
use tokio_postgres::Row;
use tokio_postgres::types::ToSql;

use crate::PostgresStore;
use crate::connections::{Migrator, Step, Transaction};
use crate::failure::Failure;
use crate::listings::Bound;
use crate::parameters::{Parameter, Rows, storable};
use crate::rows::{self, Columns};

/// The moment of an entry, as its index has it.
const AT: &str = "(entry::json ->> 'at')::bigint";

/// The entries' personal values come along as JSON, in the order of their fields.
const SELECT: &str = "
    SELECT entry_number, entry, entry_hash,
        (SELECT json_agg(json_build_array(field, encode(salt, 'hex'), value) ORDER BY field)::text
         FROM eg_pg_audit_personal AS personal WHERE personal.entry_number = audit.entry_number) AS personal
    FROM eg_pg_audit AS audit";

#[async_trait]
impl AuditLog for PostgresStore {
    async fn record(&self, entries: Vec<AuditEntry>) -> Result<(), StoreError> {
        let transaction = self.db.begin().await?;
        Ok(commit_with_audit(transaction, Vec::new(), &entries).await?)
    }

    async fn audit_head(&self) -> Result<AuditHead, StoreError> {
        const HEAD: &str = "SELECT database_id, last_number, last_hash FROM eg_pg_audit_head";
        let found = self.db.ask(HEAD, &[]).await?;
        Ok(head(found.first().ok_or(Failure::OutOfRange)?)?)
    }

    async fn audit_entries(&self, query: &AuditQuery) -> Result<Vec<StoredEntry>, StoreError> {
        let found = match bounds(query) {
            Some((sql, values)) => {
                let values: Vec<&(dyn ToSql + Sync)> =
                    values.iter().map(|value| value as &(dyn ToSql + Sync)).collect();
                self.db.planned(&sql, &values).await?
            }
            None => Vec::new(),
        };
        let cursors = (query.after, query.before.unwrap_or(i64::MAX));
        let Some(numbers) = numbers(cursors, &found)? else { return Ok(Vec::new()) };
        let (sql, values) = search(query, numbers, Some(i64::from(query.limit)));
        let values: Vec<&(dyn ToSql + Sync)> =
            values.iter().map(|value| value.as_ref() as &(dyn ToSql + Sync)).collect();
        Ok(rows::all(&self.db.search(&sql, &values).await?, entry)?)
    }

    async fn redact_audit(&self, number: i64, redaction: AuditEntry) -> Result<bool, StoreError> {
        const REDACT: &str = "
            UPDATE eg_pg_audit_personal SET salt = NULL, value = NULL
            WHERE entry_number = $1 AND value IS NOT NULL RETURNING field";
        let transaction = self.db.begin().await?;
        if transaction.rows(REDACT, &[&number]).await?.is_empty() {
            transaction.roll_back().await;
            return Ok(false);
        }
        commit_with_audit(transaction, Vec::new(), &[redaction]).await?;
        Ok(true)
    }

    async fn seal_history(
        &self,
        at: Timestamp,
        limit: u32,
        fence: &Fence,
    ) -> Result<Option<u32>, StoreError> {
        Ok(sealing::seal(&self.db, at, limit, fence).await?)
    }

    async fn history_lines(&self, which: &HistoryLines, limit: u32) -> Result<Vec<HistoryLine>, StoreError> {
        Ok(sealing::lines(&self.db, which, limit).await?)
    }

    async fn earlier_lines_are_sealed(&self) -> Result<bool, StoreError> {
        const DONE: &str = "SELECT earlier_is_done FROM eg_pg_history_seal";
        Ok(rows::first(&self.db.ask(DONE, &[]).await?)?.unwrap_or(true))
    }

    async fn store_checkpoint(&self, new: StoredCheckpoint, event: Event) -> Result<bool, StoreError> {
        Ok(checkpoints::store(&self.db, &new, event).await?)
    }

    async fn checkpoints(&self, after: i64, limit: u32) -> Result<Vec<StoredCheckpoint>, StoreError> {
        Ok(checkpoints::behind(&self.db, after, limit).await?)
    }

    async fn last_checkpoint(&self) -> Result<Option<StoredCheckpoint>, StoreError> {
        Ok(checkpoints::last(&self.db).await?)
    }
}

/// The question for the first and the last entry of a query by its moments, as it has them.
pub(crate) fn bounds(query: &AuditQuery) -> Option<(String, [Option<i64>; 2])> {
    // Numbers are added to zero, so that no other index is read for the least of them.
    let sql = format!(
        "SELECT CASE WHEN $1::bigint IS NULL THEN 0 ELSE coalesce(
            (SELECT min(entry_number + 0) FROM eg_pg_audit WHERE {AT} >= $1 AND {AT} < $1 + {ENTRY_DISORDER_MS}),
            (SELECT entry_number FROM eg_pg_audit WHERE {AT} >= $1 ORDER BY {AT} LIMIT 1)) END,
        CASE WHEN $2::bigint IS NULL THEN {last} ELSE coalesce(
            (SELECT max(entry_number + 0) FROM eg_pg_audit WHERE {AT} < $2 AND {AT} >= $2 - {ENTRY_DISORDER_MS}),
            (SELECT entry_number FROM eg_pg_audit WHERE {AT} < $2 ORDER BY {AT} DESC LIMIT 1)) END",
        last = i64::MAX
    );
    let moments = [query.from, query.to].map(|at| at.map(Timestamp::as_millis));
    (moments != [None, None]).then_some((sql, moments))
}

/// The numbers between which the entries of a query lie, by its cursors and the answer to [`bounds`]; `None` where
/// there are none.
pub(crate) fn numbers((after, before): (i64, i64), found: &[Row]) -> Result<Option<(i64, i64)>, Failure> {
    let Some(row) = found.first() else { return Ok(Some((after, before))) };
    let (first, last): (Option<i64>, Option<i64>) = (row.try_get(0)?, row.try_get(1)?);
    let numbers =
        |(first, last): (i64, i64)| (after.max(first.saturating_sub(1)), before.min(last.saturating_add(1)));
    Ok(first.zip(last).map(numbers))
}

/// The entries that meet every condition of a query, between two numbers; without a limit all of them.
pub(crate) fn search(
    query: &AuditQuery,
    (after, before): (i64, i64),
    limit: Option<i64>,
) -> (String, Vec<Bound>) {
    let order = if query.before.is_some() { "DESC" } else { "ASC" };
    let sql = format!(
        "{SELECT} WHERE entry_number > $1 AND entry_number < $8 AND ($2::text IS NULL OR action = $2)
            AND ($3::text IS NULL OR object_kind = $3) AND ($4::text IS NULL OR object_id = $4)
            AND ($5::text IS NULL OR actor = $5)
            AND ($6::text IS NULL OR tenant_id = $6 OR (tenant_id > $6 || '.' AND tenant_id < $6 || '/'))
            AND ($9::bigint IS NULL OR {AT} >= $9) AND ($10::bigint IS NULL OR {AT} < $10)
        ORDER BY entry_number {order} LIMIT $7"
    );
    let owned = |text: Option<&str>| text.map(|text| storable(text).into_owned());
    let values: Vec<Bound> = vec![
        Box::new(after),
        Box::new(query.action.map(AuditAction::as_str)),
        Box::new(owned(query.object_kind.as_deref())),
        Box::new(owned(query.object_id.as_deref())),
        Box::new(owned(query.actor.as_deref())),
        Box::new(owned(query.within.as_ref().map(|scope| scope.root.as_str()))),
        Box::new(limit),
        Box::new(before),
        Box::new(query.from.map(|at| at.as_millis())),
        Box::new(query.to.map(|at| at.as_millis())),
    ];
    (sql, values)
}

/// Commits a database transaction after further statements, and with entries at the end of the log. Everything goes in
/// one exchange, the end of the log last: it is numbered and hashed by the server, so that others who append wait for
/// no client.
pub(crate) async fn commit_with_audit(
    transaction: Transaction,
    before: Vec<Step<'_>>,
    entries: &[AuditEntry],
) -> Result<(), Failure> {
    let entries = chain::unnumbered(entries).map_err(|_| Failure::NoRandomness)?;
    let personal: Vec<Rows> = entries.iter().map(personal_rows).collect();
    let mut steps = before;
    steps.extend(appending(&entries, &personal));
    transaction.commit_after(steps).await
}

/// Appends entries in the database transaction that a migrator is in.
pub(crate) async fn append(migrator: &Migrator, entries: &[AuditEntry]) -> Result<(), Failure> {
    let entries = chain::unnumbered(entries).map_err(|_| Failure::NoRandomness)?;
    let personal: Vec<Rows> = entries.iter().map(personal_rows).collect();
    for step in appending(&entries, &personal) {
        migrator.step(&step).await?;
    }
    Ok(())
}

/// The statements that append entries at the end of the log.
fn appending<'a>(entries: &'a [UnnumberedEntry], personal: &'a [Rows<'a>]) -> Vec<Step<'a>> {
    // As `chain::entry_hash`.
    const END: &str = "
        UPDATE eg_pg_audit_head SET last_number = last_number + 1,
            last_hash = sha256($3::bytea
                || convert_to($2::text || (last_number + 1) || $1::text, 'UTF8') || last_hash)";
    // Without an end of the log there is no number, which the table refuses.
    const ENTRY: &str = "
        INSERT INTO eg_pg_audit (entry_number, entry, entry_hash)
        SELECT head.last_number, $2::text || head.last_number || $1::text, head.last_hash
        FROM (SELECT) AS one LEFT JOIN eg_pg_audit_head AS head ON true";
    const PERSONAL: &str = "
        INSERT INTO eg_pg_audit_personal (entry_number, field, salt, value)
        SELECT head.last_number, personal.* FROM eg_pg_audit_head AS head,
            unnest($1::text[], $2::bytea[], $3::text[]) AS personal";
    let mut steps = Vec::new();
    for (entry, personal) in entries.iter().zip(personal) {
        let text = &entry.behind_number;
        steps.push(Step::new(END, vec![text, &chain::BEFORE_NUMBER, &chain::BEFORE_ENTRY]));
        steps.push(Step::new(ENTRY, vec![text, &chain::BEFORE_NUMBER]));
        if !personal.is_empty() {
            steps.push(Step::new(PERSONAL, personal.values()));
        }
    }
    steps
}

fn personal_rows(entry: &UnnumberedEntry) -> Rows<'_> {
    let mut rows = Rows::default();
    for (field, Salted { salt, value }) in &entry.personal {
        rows.push([Parameter::text(field), Parameter::Bytes(salt), Parameter::text(value.expose())]);
    }
    rows
}

fn head(row: &Row) -> Result<AuditHead, Failure> {
    let columns = Columns::keyless(row, "eg_pg_audit_head");
    Ok(AuditHead {
        database_id: columns.get("database_id")?,
        end: Link { number: columns.get("last_number")?, hash: hash(&columns, "last_hash")? },
    })
}

pub(crate) fn entry(row: &Row) -> Result<StoredEntry, Failure> {
    let columns = Columns::keyless(row, "eg_pg_audit");
    Ok(StoredEntry {
        number: columns.get("entry_number")?,
        entry: columns.get("entry")?,
        hash: hash(&columns, "entry_hash")?,
        personal: columns.read_optional("personal", personal)?.unwrap_or_default(),
    })
}

fn hash<const N: usize>(columns: &Columns<'_>, column: &'static str) -> Result<[u8; N], Failure> {
    let bytes: &[u8] = columns.get(column)?;
    bytes.try_into().map_err(|_| columns.unreadable(column))
}

fn personal(text: &str) -> Option<Vec<StoredPersonal>> {
    let values: Vec<(String, Option<String>, Option<Personal>)> = rows::json(text)?;
    values
        .into_iter()
        .map(|(field, salt, value)| {
            let value = match (salt, value) {
                (Some(salt), Some(value)) => {
                    Some(Salted { salt: hex::decode(salt).ok()?.try_into().ok()?, value })
                }
                (None, _) | (_, None) => None,
            };
            Some(StoredPersonal { field, value })
        })
        .collect()
}
