//! A database that is moved into another kind of store: reading its rows, and the mark that keeps every program
//! from going on with it.
//!
//! The mark is a row, by which this program refuses to open the database, and triggers on every table, by which
//! the database refuses the writes of any program, earlier versions among them.

use std::path::Path;

use payment_domain::AuditEntry;
use payment_store::StoreError;
use payment_store::moving::{AUDIT_HEAD, Cell, CellRow, HISTORY, Kind, LastNumbers, TABLES, Table};
use rusqlite::types::{ToSql, ToSqlOutput, Value, ValueRef};
use rusqlite::{Connection, OptionalExtension, Row, TransactionBehavior};

use crate::failure::Failure;
use crate::{Options, audit, connection, migrations};

/// Tables that are not moved, and the reason.
pub const LEFT: &[(&str, &str)] = &[
    ("eg_pg_store_migrations", "each database has migrations of its own"),
    ("eg_pg_heartbeat", "each database counts its own commits"),
    ("eg_pg_history_positions", "the numbers of lines are a column of the history in PostgreSQL"),
    ("eg_pg_move", "the mark itself"),
    ("eg_pg_console_links", "operators log in again"),
    ("eg_pg_console_sessions", "operators log in again"),
    ("eg_pg_console_forms", "forms end with their sessions"),
    ("eg_pg_daily_figures", "counted anew"),
    ("eg_pg_figures_state", "counted anew"),
    ("eg_pg_gateway_readings", "of replicas that are no more"),
];

/// How far a move has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stage {
    /// It has begun; the other database may be complete or empty.
    Moving,
    /// It is complete.
    Moved,
}

/// The mark of a database that is moved or being moved.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mark {
    pub stage: Stage,
    /// The other database, for people.
    pub target: String,
    /// In milliseconds since 1970.
    pub at_ms: i64,
}

/// The mark of the database file at `path`, if it has one.
///
/// # Errors
/// [`StoreError::Unavailable`] when the file cannot be used, [`StoreError::Failed`] when it is no database.
pub fn mark(path: &Path) -> Result<Option<Mark>, StoreError> {
    Ok(read_mark(&connection::reading(path, Options::default().busy_timeout)?)?)
}

pub(crate) fn refuse_moved(conn: &Connection) -> Result<(), Failure> {
    match read_mark(conn)? {
        Some(Mark { target, .. }) => Err(Failure::Moved(target)),
        None => Ok(()),
    }
}

fn read_mark(conn: &Connection) -> Result<Option<Mark>, Failure> {
    if !conn.table_exists(None, "eg_pg_move")? {
        return Ok(None);
    }
    let mark = conn
        .query_row("SELECT stage, target, at_time FROM eg_pg_move", [], |row| {
            let stage: String = row.get(0)?;
            let stage = if stage == "MOVED" { Stage::Moved } else { Stage::Moving };
            Ok(Mark { stage, target: row.get(1)?, at_ms: row.get(2)? })
        })
        .optional()?;
    Ok(mark)
}

/// A database whose rows are read as of one moment.
pub struct Source {
    conn: Connection,
    database_id: String,
}

impl Source {
    /// Opens the database file at `path`, changing nothing.
    ///
    /// # Errors
    /// [`StoreError::Failed`] when it is no database of this version, [`StoreError::Unavailable`] when it
    /// cannot be used.
    pub fn open(path: &Path) -> Result<Source, StoreError> {
        Ok(Source::open_file(path)?)
    }

    fn open_file(path: &Path) -> Result<Source, Failure> {
        let conn = connection::writing(path, Options::default().busy_timeout)?;
        if migrations::states(&conn)?.iter().any(|state| state.applied_at_ms.is_none()) {
            return Err(Failure::NotUpToDate);
        }
        let database_id =
            conn.query_row(&format!("SELECT database_id FROM {AUDIT_HEAD}"), [], |row| row.get(0))?;
        Ok(Source { conn, database_id })
    }

    /// The identity of the database, which its copy keeps.
    pub fn database_id(&self) -> &str {
        &self.database_id
    }

    /// The moment of the latest commit, in milliseconds since 1970.
    ///
    /// # Errors
    /// As [`Source::open`].
    pub fn latest_commit_ms(&self) -> Result<i64, StoreError> {
        Ok(crate::health::latest_commit(&self.conn)?.as_millis())
    }

    /// # Errors
    /// As [`Source::open`].
    pub fn mark(&self) -> Result<Option<Mark>, StoreError> {
        Ok(read_mark(&self.conn)?)
    }

    /// Sets the mark: from then on the database takes no other write.
    ///
    /// # Errors
    /// As [`Source::open`].
    pub fn set_mark(&mut self, mark: &Mark) -> Result<(), StoreError> {
        Ok(self.put_mark(mark)?)
    }

    fn put_mark(&mut self, mark: &Mark) -> Result<(), Failure> {
        let tx = self.conn.transaction_with_behavior(TransactionBehavior::Immediate)?;
        tx.execute_batch(
            "CREATE TABLE IF NOT EXISTS eg_pg_move (
                 only_row INTEGER PRIMARY KEY CHECK (only_row = 1),
                 stage    TEXT    NOT NULL CHECK (stage IN ('MOVING', 'MOVED')),
                 target   TEXT    NOT NULL,
                 at_time  INTEGER NOT NULL
             ) STRICT",
        )?;
        let stage = match mark.stage {
            Stage::Moving => "MOVING",
            Stage::Moved => "MOVED",
        };
        tx.execute(
            "INSERT INTO eg_pg_move (only_row, stage, target, at_time) VALUES (1, ?1, ?2, ?3)
             ON CONFLICT (only_row) DO UPDATE SET stage = ?1, target = ?2, at_time = ?3",
            (stage, &mark.target, mark.at_ms),
        )?;
        for (trigger, table, act) in guards(&tx)? {
            tx.execute_batch(&format!(
                "CREATE TRIGGER IF NOT EXISTS \"{trigger}\" BEFORE {act} ON \"{table}\"
                 BEGIN SELECT RAISE(ABORT, 'the payments have moved to another database'); END"
            ))?;
        }
        Ok(tx.commit()?)
    }

    /// Removes the mark, so that the database is used again, with entries of the audit log.
    ///
    /// # Errors
    /// As [`Source::open`].
    pub fn remove_mark(&mut self, entries: &[AuditEntry]) -> Result<(), StoreError> {
        let mut remove = || -> Result<(), Failure> {
            let tx = self.conn.transaction_with_behavior(TransactionBehavior::Immediate)?;
            for (trigger, ..) in guards(&tx)? {
                tx.execute_batch(&format!("DROP TRIGGER IF EXISTS \"{trigger}\""))?;
            }
            tx.execute_batch("DROP TABLE IF EXISTS eg_pg_move")?;
            audit::append_audit(&tx, entries)?;
            Ok(tx.commit()?)
        };
        Ok(remove()?)
    }

    /// The number of the last entry of the audit log.
    ///
    /// # Errors
    /// As [`Source::open`].
    pub fn last_entry(&self) -> Result<i64, StoreError> {
        let sql = format!("SELECT last_number FROM {AUDIT_HEAD}");
        Ok(self.conn.query_row(&sql, [], |row| row.get(0)).map_err(Failure::from)?)
    }

    /// The number of rows of a table.
    ///
    /// # Errors
    /// As [`Source::open`].
    pub fn count(&self, table: &Table) -> Result<u64, StoreError> {
        let count = || -> Result<u64, Failure> {
            let count: i64 =
                self.conn.query_row(&format!("SELECT count(*) FROM {}", table.name), [], |row| row.get(0))?;
            u64::try_from(count).map_err(|_| Failure::OutOfRange)
        };
        Ok(count()?)
    }

    /// The next rows of a table in the order of its key, behind a row.
    ///
    /// # Errors
    /// As [`Source::open`].
    pub fn rows(
        &self,
        table: &Table,
        after: Option<&CellRow>,
        limit: u32,
    ) -> Result<Vec<CellRow>, StoreError> {
        Ok(self.read(table, after, limit)?)
    }

    fn read(&self, table: &Table, after: Option<&CellRow>, limit: u32) -> Result<Vec<CellRow>, Failure> {
        let names: Vec<&str> = table.columns().map(|(name, _)| name).collect();
        let (names, key) = (names.join(", "), table.key.join(", "));
        // In the order of the numbers, because the history has no index by them.
        let from = match table.name {
            HISTORY => {
                "eg_pg_history_positions CROSS JOIN eg_pg_transaction_history USING (txn_id, entry_number)"
            }
            other => other,
        };
        let mut values: Vec<&Cell> = Vec::new();
        let behind = match after {
            Some(row) => {
                values.extend(table.key.iter().filter_map(|key| row.get(table.place(key)?)));
                let places: Vec<String> = (1..=values.len()).map(|place| format!("?{place}")).collect();
                format!("WHERE ({key}) > ({})", places.join(", "))
            }
            None => String::new(),
        };
        let sql = format!("SELECT {names} FROM {from} {behind} ORDER BY {key} LIMIT {limit}");
        let mut statement = self.conn.prepare_cached(&sql)?;
        let values = values.into_iter().map(Bound);
        let mut found = statement.query(rusqlite::params_from_iter(values))?;
        let mut rows = Vec::new();
        while let Some(row) = found.next()? {
            rows.push(cells(table, row)?);
        }
        Ok(rows)
    }

    /// The last numbers that were given.
    ///
    /// # Errors
    /// As [`Source::open`].
    pub fn last_numbers(&self) -> Result<LastNumbers, StoreError> {
        let number = |sql: &str| -> Result<i64, Failure> {
            Ok(self.conn.query_row(sql, [], |row| row.get::<_, Option<i64>>(0))?.unwrap_or(0))
        };
        let given =
            |table: &str| number(&format!("SELECT max(seq) FROM sqlite_sequence WHERE name = '{table}'"));
        Ok(LastNumbers {
            event: given("eg_pg_outbox")?,
            run: given("eg_pg_job_runs")?,
            case: number("SELECT max(case_id) FROM eg_pg_attention")?,
            position: number("SELECT max(position) FROM eg_pg_history_positions")?,
        })
    }
}

/// A trigger for each table and kind of write: its name, the table, the kind.
fn guards(conn: &Connection) -> Result<Vec<(String, String, &'static str)>, Failure> {
    let mut tables = conn.prepare(
        "SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite!_%' ESCAPE '!'
             AND name <> 'eg_pg_move'",
    )?;
    let names: Vec<String> = tables.query_map([], |row| row.get(0))?.collect::<Result<_, _>>()?;
    let acts = ["INSERT", "UPDATE", "DELETE"];
    let guard = |table: String| {
        acts.map(|act| (format!("eg_pg_move_{table}_{}", act.to_lowercase()), table.clone(), act))
    };
    Ok(names.into_iter().flat_map(guard).collect())
}

fn cells(table: &Table, row: &Row<'_>) -> Result<CellRow, Failure> {
    let mut cells = Vec::new();
    for (place, (column, kind)) in table.columns().enumerate() {
        let unreadable = || Failure::Unreadable { table: table.name, owner: "a row".to_owned(), column };
        cells.push(match (row.get_ref(place)?, kind) {
            (ValueRef::Null, _) => Cell::Null,
            (ValueRef::Integer(number), Kind::Integer | Kind::Flag) => Cell::Integer(number),
            (ValueRef::Text(text), Kind::Text | Kind::Json) => {
                Cell::Text(std::str::from_utf8(text).map_err(|_| unreadable())?.to_owned())
            }
            (ValueRef::Blob(bytes), Kind::Bytes) => Cell::Bytes(bytes.to_vec()),
            (ValueRef::Integer(_) | ValueRef::Real(_) | ValueRef::Text(_) | ValueRef::Blob(_), _) => {
                return Err(unreadable());
            }
        });
    }
    Ok(cells)
}

struct Bound<'a>(&'a Cell);

impl ToSql for Bound<'_> {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        Ok(match self.0 {
            Cell::Null => ToSqlOutput::Owned(Value::Null),
            Cell::Integer(number) => ToSqlOutput::Owned(Value::Integer(*number)),
            Cell::Text(text) => ToSqlOutput::Borrowed(ValueRef::Text(text.as_bytes())),
            Cell::Bytes(bytes) => ToSqlOutput::Borrowed(ValueRef::Blob(bytes)),
        })
    }
}

/// The tables that are moved, by name.
pub fn table(name: &str) -> Option<&'static Table> {
    TABLES.iter().find(|table| table.name == name)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::SqliteStore;

    fn fresh() -> (tempfile::TempDir, std::path::PathBuf) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("payments.db");
        drop(SqliteStore::open(&path, &Options::default()).unwrap());
        (folder, path)
    }

    fn tables(conn: &Connection) -> Vec<String> {
        let mut tables = conn
            .prepare("SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite_%'")
            .unwrap();
        tables.query_map([], |row| row.get(0)).unwrap().map(Result::unwrap).collect()
    }

    /// A migration that adds a table or a column decides here whether a move copies it.
    #[test]
    fn every_table_and_column_is_moved_or_left_for_a_reason() {
        let (_folder, path) = fresh();
        let conn = Connection::open(path).unwrap();
        let left: BTreeSet<&str> = LEFT.iter().map(|(name, _)| *name).collect();
        for name in tables(&conn) {
            if left.contains(name.as_str()) {
                continue;
            }
            let table = table(&name).unwrap_or_else(|| panic!("{name} is neither moved nor left"));
            let known: BTreeSet<(String, String)> = table
                .columns()
                .filter(|(column, _)| (*column, name.as_str()) != ("position", HISTORY))
                .map(|(column, kind)| {
                    let word = match kind {
                        Kind::Text | Kind::Json => "TEXT",
                        Kind::Integer | Kind::Flag => "INTEGER",
                        Kind::Bytes => "BLOB",
                    };
                    (column.to_owned(), word.to_owned())
                })
                .collect();
            let mut columns =
                conn.prepare(&format!("SELECT name, type FROM pragma_table_info('{name}')")).unwrap();
            let found: BTreeSet<(String, String)> = columns
                .query_map([], |row| Ok((row.get(0)?, row.get(1)?)))
                .unwrap()
                .map(Result::unwrap)
                .collect();
            assert_eq!(found, known, "{name}");
        }
        let there = tables(&conn);
        assert!(TABLES.iter().all(|table| there.iter().any(|name| name == table.name)));
    }

    #[test]
    fn a_marked_database_takes_no_write_of_any_program_until_the_mark_is_gone() {
        let (_folder, path) = fresh();
        let mut source = Source::open(&path).unwrap();
        let before: Vec<_> = TABLES.iter().map(|table| source.rows(table, None, 10).unwrap()).collect();
        let set = Mark { stage: Stage::Moving, target: "postgres://db/x".to_owned(), at_ms: 7 };
        source.set_mark(&set).unwrap();
        source.set_mark(&Mark { stage: Stage::Moved, ..set.clone() }).unwrap();
        assert_eq!(mark(&path).unwrap().map(|mark| mark.stage), Some(Stage::Moved));
        let other = Connection::open(&path).unwrap();
        let guards: i64 = other
            .query_row(
                "SELECT count(*) FROM sqlite_schema WHERE type = 'trigger' AND name LIKE 'eg_pg_move_%'",
                [],
                |row| row.get(0),
            )
            .unwrap();
        assert_eq!(usize::try_from(guards).unwrap(), 3 * (tables(&other).len() - 1));
        for write in [
            "UPDATE eg_pg_heartbeat SET committed_at = committed_at + 1",
            "UPDATE eg_pg_audit_head SET last_number = last_number + 1",
            "INSERT INTO eg_pg_event_keys (key, stored_at) VALUES ('k', 1)",
            "INSERT INTO stand_in_sequences (name, last_taken) VALUES ('s', 1)",
            "DELETE FROM eg_pg_store_migrations",
        ] {
            let told = other.execute_batch(write).unwrap_err().to_string();
            assert!(told.contains("have moved to another database"), "{write}: {told}");
        }
        let refused = SqliteStore::open(&path, &Options::default()).err().unwrap();
        assert!(matches!(&refused, StoreError::Failed(why) if why.to_string().contains("postgres://db/x")));
        source.remove_mark(&[]).unwrap();
        drop(source);
        assert_eq!(mark(&path).unwrap(), None);
        let left: i64 = other
            .query_row("SELECT count(*) FROM sqlite_schema WHERE name LIKE 'eg_pg_move%'", [], |row| {
                row.get(0)
            })
            .unwrap();
        assert_eq!(left, 0);
        let source = Source::open(&path).unwrap();
        let after: Vec<_> = TABLES.iter().map(|table| source.rows(table, None, 10).unwrap()).collect();
        assert_eq!(before, after);
        drop(SqliteStore::open(&path, &Options::default()).unwrap());
    }

    #[test]
    fn rows_are_read_page_by_page_without_loss() {
        let (_folder, path) = fresh();
        let conn = Connection::open(&path).unwrap();
        conn.execute_batch(
            "PRAGMA foreign_keys = OFF;
             WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 25)
             INSERT INTO eg_pg_api_token_grants SELECT 'T' || (i % 3), 'pb', 'R' || i FROM n",
        )
        .unwrap();
        let source = Source::open(&path).unwrap();
        let table = table("eg_pg_api_token_grants").unwrap();
        let mut all: Vec<CellRow> = Vec::new();
        loop {
            let page = source.rows(table, all.last(), 4).unwrap();
            if page.is_empty() {
                break;
            }
            all.extend(page);
        }
        assert_eq!(u64::try_from(all.len()).unwrap(), source.count(table).unwrap());
        assert_eq!(all.len(), 25);
    }
}
