//! Conversion between values and columns. A row that cannot be read is an error that names its transaction or
//! run and its column, without its content.

use std::cell::Cell;

use payment_domain::{Actor, ActorKind, Audit, GatewayName, HistoryEntry, StatusName, Timestamp, TxnId};
use rusqlite::types::FromSql;
use rusqlite::{Connection, Params, Row};

use crate::failure::Failure;

/// Reads the columns of a row one after the other, and turns an unreadable one into an error. A column is
/// requested by name but read by place, which is several times faster; the names must come in the order of
/// the statement.
pub(crate) struct Columns<'a, 's> {
    row: &'a Row<'s>,
    next: Cell<usize>,
    table: &'static str,
    owner: String,
}

impl<'a, 's> Columns<'a, 's> {
    /// The columns of a row that begins with `txn_id`.
    pub(crate) fn of(row: &'a Row<'s>, table: &'static str) -> Result<Columns<'a, 's>, Failure> {
        let mut columns = Columns::without_owner(row, table);
        columns.owner = columns.get("txn_id")?;
        Ok(columns)
    }

    /// The columns of a row that begins with `run_id`, and that number.
    pub(crate) fn of_run(row: &'a Row<'s>, table: &'static str) -> Result<(Columns<'a, 's>, i64), Failure> {
        let mut columns = Columns::without_owner(row, table);
        let run_id: i64 = columns.get("run_id")?;
        columns.owner = format!("run {run_id}");
        Ok((columns, run_id))
    }

    /// The columns of a row that begins with `token_id`, and that id.
    pub(crate) fn of_token(
        row: &'a Row<'s>,
        table: &'static str,
    ) -> Result<(Columns<'a, 's>, String), Failure> {
        let mut columns = Columns::without_owner(row, table);
        columns.owner = columns.get("token_id")?;
        let id = columns.owner.clone();
        Ok((columns, id))
    }

    /// The columns of a row that belongs to no transaction.
    pub(crate) fn without_owner(row: &'a Row<'s>, table: &'static str) -> Columns<'a, 's> {
        Columns { row, next: Cell::new(0), table, owner: String::new() }
    }

    fn place(&self, column: &str) -> usize {
        let place = self.next.get();
        debug_assert_eq!(self.row.as_ref().column_name(place), Ok(column));
        self.next.set(place + 1);
        place
    }

    /// The column as SQLite holds it.
    pub(crate) fn get<T: FromSql>(&self, column: &'static str) -> Result<T, Failure> {
        self.row.get(self.place(column)).map_err(|_| self.unreadable(column))
    }

    /// The same, into a field.
    pub(crate) fn read_into<T: FromSql>(&self, column: &'static str, field: &mut T) -> Result<(), Failure> {
        *field = self.get(column)?;
        Ok(())
    }

    /// A text column that `read` understands.
    pub(crate) fn read<T>(
        &self,
        column: &'static str,
        read: impl FnOnce(&str) -> Option<T>,
    ) -> Result<T, Failure> {
        self.read_optional(column, read)?.ok_or_else(|| self.unreadable(column))
    }

    /// A text column that `read` understands, or NULL.
    pub(crate) fn read_optional<T>(
        &self,
        column: &'static str,
        read: impl FnOnce(&str) -> Option<T>,
    ) -> Result<Option<T>, Failure> {
        let value = self.row.get_ref(self.place(column)).ok();
        match value.and_then(|value| value.as_str_or_null().ok()) {
            Some(None) => Ok(None),
            Some(Some(text)) => read(text).map(Some).ok_or_else(|| self.unreadable(column)),
            None => Err(self.unreadable(column)),
        }
    }

    /// A column of milliseconds.
    pub(crate) fn moment(&self, column: &'static str) -> Result<Timestamp, Failure> {
        Ok(Timestamp::from_millis(self.get(column)?))
    }

    /// A column of milliseconds, or NULL.
    pub(crate) fn optional_moment(&self, column: &'static str) -> Result<Option<Timestamp>, Failure> {
        Ok(self.get::<Option<i64>>(column)?.map(Timestamp::from_millis))
    }

    pub(crate) fn gateway(&self, column: &'static str) -> Result<GatewayName, Failure> {
        self.read(column, |text| Some(GatewayName::new(text)))
    }

    /// The transaction the row belongs to.
    pub(crate) fn txn_id(&self) -> Result<TxnId, Failure> {
        TxnId::new(self.owner.as_str()).map_err(|_| self.unreadable("txn_id"))
    }

    /// The four audit columns.
    pub(crate) fn audit(&self) -> Result<Audit, Failure> {
        Ok(Audit {
            created_by: self.get("created_by")?,
            created_at: self.moment("created_time")?,
            modified_by: self.get("last_modified_by")?,
            modified_at: self.optional_moment("last_modified_time")?,
        })
    }

    /// The error of an unreadable column.
    pub(crate) fn unreadable(&self, column: &'static str) -> Failure {
        Failure::Unreadable { table: self.table, owner: self.owner.clone(), column }
    }
}

/// The number of rows that a statement has changed.
pub(crate) fn count(changed: usize) -> Result<u32, Failure> {
    u32::try_from(changed).map_err(|_| Failure::OutOfRange)
}

/// All rows that a statement yields.
pub(crate) fn all<T>(
    conn: &Connection,
    sql: &str,
    params: impl Params,
    read: impl Fn(&Row<'_>) -> Result<T, Failure>,
) -> Result<Vec<T>, Failure> {
    let mut statement = conn.prepare_cached(sql)?;
    let mut found = statement.query(params)?;
    let mut rows = Vec::new();
    while let Some(row) = found.next()? {
        rows.push(read(row)?);
    }
    Ok(rows)
}

/// JSON text.
pub(crate) fn json<T: serde::de::DeserializeOwned>(text: &str) -> Option<T> {
    serde_json::from_str(text).ok()
}

/// Reads a row of `eg_pg_transaction_history`.
pub(crate) fn history_entry(row: &Row<'_>) -> Result<HistoryEntry, Failure> {
    let columns = Columns::of(row, "eg_pg_transaction_history")?;
    Ok(HistoryEntry {
        txn_id: columns.txn_id()?,
        at: columns.moment("at_time")?,
        actor: Actor {
            kind: columns.read("actor_kind", ActorKind::from_word)?,
            id: columns.get("actor_id")?,
        },
        from: columns.read_optional("from_status", StatusName::from_word)?,
        to: columns.read("to_status", StatusName::from_word)?,
        why: columns.get("why")?,
        evidence: columns.read("evidence", json)?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_row_that_cannot_be_read_is_named_by_its_transaction_only() {
        let conn = Connection::open_in_memory().unwrap();
        let row = "SELECT 'T1' AS txn_id, 5 AS at_time, 'user' AS actor_kind, 'Asha Rani' AS actor_id,
            NULL AS from_status, 'PAID 9876543210' AS to_status, 'why' AS why, '{}' AS evidence";
        let failure = conn.query_row(row, [], |row| Ok(history_entry(row))).unwrap().unwrap_err();
        let shown = format!("{failure} {failure:?}");
        assert!(shown.contains("T1") && shown.contains("to_status"), "{shown}");
        assert!(!shown.contains("9876543210") && !shown.contains("Asha"), "{shown}");
    }
}
