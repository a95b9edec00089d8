//! Conversion of columns to values. A row that cannot be read is an error that names its transaction and
//! column, without its content.

use std::cell::Cell;

use payment_domain::{
    Actor, ActorKind, Audit, BillId, GatewayName, HistoryEntry, StatusName, TenantId, Timestamp, TxnId,
};
use serde_json::{Map, Value};
use tokio_postgres::Row;
use tokio_postgres::types::{FromSql, FromSqlOwned};

use crate::failure::Failure;

/// Reads the columns of a row one after the other, and turns an unreadable one into an error. A column is
/// requested by name but read by place, which is several times faster; the names must come in the order of
/// the statement.
pub(crate) struct Columns<'a> {
    row: &'a Row,
    next: Cell<usize>,
    table: &'static str,
    key: String,
    /// By column, the texts that did not fit.
    whole: Map<String, Value>,
}

impl<'a> Columns<'a> {
    /// The columns of a row that begins with `txn_id`.
    pub(crate) fn of(row: &'a Row, table: &'static str) -> Result<Columns<'a>, Failure> {
        let mut columns = Columns::keyless(row, table);
        columns.key = columns.get("txn_id")?;
        Ok(columns)
    }

    /// The columns of a row that belongs to no transaction.
    pub(crate) fn keyless(row: &'a Row, table: &'static str) -> Columns<'a> {
        Columns { row, next: Cell::new(0), table, key: String::new(), whole: Map::new() }
    }

    /// Reads the column of the texts that did not fit theirs.
    pub(crate) fn read_whole_texts(&mut self, column: &'static str) -> Result<(), Failure> {
        self.whole = self.read_optional(column, json)?.unwrap_or_default();
        Ok(())
    }

    fn place(&self, column: &str) -> usize {
        let place = self.next.get();
        debug_assert_eq!(self.row.columns().get(place).map(|c| c.name()), Some(column));
        self.next.set(place + 1);
        place
    }

    /// The column as PostgreSQL holds it.
    pub(crate) fn get<T: FromSql<'a>>(&self, column: &'static str) -> Result<T, Failure> {
        self.row.try_get(self.place(column)).map_err(|_| self.unreadable(column))
    }

    /// A text column, whole; NULL where an earlier service left it out.
    pub(crate) fn whole(&self, column: &'static str) -> Result<Option<&str>, Failure> {
        let held: Option<&str> = self.row.try_get(self.place(column)).map_err(|_| self.unreadable(column))?;
        Ok(self.whole.get(column).and_then(Value::as_str).or(held))
    }

    /// The same; NULL is nothing.
    fn text(&self, column: &'static str) -> Result<String, Failure> {
        Ok(self.whole(column)?.unwrap_or_default().to_owned())
    }

    fn optional(&self, column: &'static str) -> Result<Option<String>, Failure> {
        Ok(self.whole(column)?.map(str::to_owned))
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
        match self.get::<Option<&str>>(column)? {
            None => Ok(None),
            Some(text) => read(text).map(Some).ok_or_else(|| self.unreadable(column)),
        }
    }

    /// A number that is stored in a column large enough for every `T`.
    pub(crate) fn number<T: TryFrom<i64>>(&self, column: &'static str) -> Result<T, Failure> {
        T::try_from(self.get(column)?).map_err(|_| self.unreadable(column))
    }

    /// A column of milliseconds.
    pub(crate) fn moment(&self, column: &'static str) -> Result<Timestamp, Failure> {
        Ok(Timestamp::from_millis(self.get(column)?))
    }

    /// A column of milliseconds, or NULL.
    pub(crate) fn optional_moment(&self, column: &'static str) -> Result<Option<Timestamp>, Failure> {
        Ok(self.get::<Option<i64>>(column)?.map(Timestamp::from_millis))
    }

    /// A column of milliseconds; the beginning of time where an earlier service left it out.
    pub(crate) fn moment_or_zero(&self, column: &'static str) -> Result<Timestamp, Failure> {
        Ok(self.optional_moment(column)?.unwrap_or(Timestamp::from_millis(0)))
    }

    /// The transaction the row belongs to.
    pub(crate) fn txn_id(&self) -> TxnId {
        TxnId::stored(self.key.as_str())
    }

    /// A column with a tenant.
    pub(crate) fn tenant(&self, column: &'static str) -> Result<TenantId, Failure> {
        Ok(TenantId::stored(self.get::<Option<&str>>(column)?.unwrap_or_default()))
    }

    /// A column with a bill.
    pub(crate) fn bill(&self, column: &'static str) -> Result<BillId, Failure> {
        Ok(BillId::stored(self.get::<Option<&str>>(column)?.unwrap_or_default()))
    }

    /// A column with a gateway.
    pub(crate) fn gateway(&self, column: &'static str) -> Result<GatewayName, Failure> {
        Ok(GatewayName::new(self.get::<Option<&str>>(column)?.unwrap_or_default()))
    }

    /// The four audit columns.
    pub(crate) fn audit(&self) -> Result<Audit, Failure> {
        Ok(Audit {
            created_by: self.text("created_by")?,
            created_at: self.moment_or_zero("created_time")?,
            modified_by: self.optional("last_modified_by")?,
            modified_at: self.optional_moment("last_modified_time")?,
        })
    }

    /// The error of an unreadable column.
    pub(crate) fn unreadable(&self, column: &'static str) -> Failure {
        Failure::Unreadable { table: self.table, row: self.key.clone(), column }
    }
}

/// JSON text.
pub(crate) fn json<T: serde::de::DeserializeOwned>(text: &str) -> Option<T> {
    serde_json::from_str(text).ok()
}

/// Reads a row of `eg_pg_transaction_history`.
pub(crate) fn history_entry(row: &Row) -> Result<HistoryEntry, Failure> {
    let columns = Columns::of(row, "eg_pg_transaction_history")?;
    Ok(HistoryEntry {
        txn_id: columns.txn_id(),
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

/// The first column of the first row.
pub(crate) fn first<T: FromSqlOwned>(found: &[Row]) -> Result<Option<T>, Failure> {
    Ok(found.first().map(|row| row.try_get(0)).transpose()?)
}

/// The number of rows that a statement has changed, of those that it returns.
pub(crate) fn count(changed: &[Row]) -> Result<u32, Failure> {
    u32::try_from(changed.len()).map_err(|_| Failure::OutOfRange)
}

/// Every row, read.
pub(crate) fn all<T>(rows: &[Row], read: impl Fn(&Row) -> Result<T, Failure>) -> Result<Vec<T>, Failure> {
    rows.iter().map(read).collect()
}
