//! Opening and setting up connections to the database file.

use std::path::Path;
use std::time::{Duration, Instant};

use rusqlite::config::DbConfig;
use rusqlite::{Connection, ErrorCode, OpenFlags};

use crate::failure::Failure;

/// More than the statements there are, so that none is prepared twice.
const CACHED_STATEMENTS: usize = 128;

/// The one connection that writes; creates the file when it does not exist.
pub(crate) fn writing(path: &Path, busy_timeout: Duration) -> Result<Connection, Failure> {
    create_private(path)?;
    let conn = Connection::open_with_flags(
        path,
        OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX,
    )?;
    prepare(&conn, busy_timeout)?;
    #[cfg(test)]
    let conn = crate::plans::watched(conn, path);
    write_ahead(&conn, busy_timeout)?;
    // FULL: a confirmed write survives a power cut.
    // 1000 pages: the log is copied back often and in small steps, so that no write waits long for it.
    conn.execute_batch(
        "PRAGMA synchronous = FULL;
         PRAGMA foreign_keys = ON;
         PRAGMA cache_size = -8192;
         PRAGMA wal_autocheckpoint = 1000;
         PRAGMA journal_size_limit = 67108864;",
    )?;
    Ok(conn)
}

/// Turns the write-ahead log on. Another process that does the same to a new file locks it for a moment,
/// and here SQLite does not wait by itself.
fn write_ahead(conn: &Connection, busy_timeout: Duration) -> Result<(), Failure> {
    let deadline = Instant::now() + busy_timeout;
    loop {
        match conn.pragma_update_and_check(None, "journal_mode", "WAL", |row| row.get::<_, String>(0)) {
            Ok(mode) if mode == "wal" => return Ok(()),
            Ok(_) => return Err(Failure::NoWriteAheadLog),
            Err(error)
                if error.sqlite_error_code() == Some(ErrorCode::DatabaseBusy)
                    && Instant::now() < deadline =>
            {
                std::thread::sleep(Duration::from_millis(2));
            }
            Err(error) => return Err(Failure::Database(error)),
        }
    }
}

/// A connection that can only read.
pub(crate) fn reading(path: &Path, busy_timeout: Duration) -> Result<Connection, Failure> {
    let conn = Connection::open_with_flags(
        path,
        OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX,
    )?;
    prepare(&conn, busy_timeout)?;
    #[cfg(test)]
    let conn = crate::plans::watched(conn, path);
    conn.execute_batch("PRAGMA query_only = ON; PRAGMA cache_size = -2048;")?;
    Ok(conn)
}

fn prepare(conn: &Connection, busy_timeout: Duration) -> Result<(), Failure> {
    conn.busy_timeout(busy_timeout)?;
    conn.set_prepared_statement_cache_capacity(CACHED_STATEMENTS);
    // Without this guarantee a statement is planned anew whenever it gets other values.
    conn.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true)?;
    conn.set_db_config(DbConfig::SQLITE_DBCONFIG_TRUSTED_SCHEMA, false)?;
    conn.set_db_config(DbConfig::SQLITE_DBCONFIG_DEFENSIVE, true)?;
    Ok(())
}

/// Creates the file readable by its owner alone: it holds names and mobile numbers. SQLite gives
/// the files beside it the same permissions. An existing file is not touched, not even opened: closing it
/// would release the locks that other connections of this process hold on it.
fn create_private(path: &Path) -> Result<(), Failure> {
    let mut options = std::fs::OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    match options.open(path) {
        Ok(_) => Ok(()),
        Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => Ok(()),
        Err(error) => Err(Failure::File(error)),
    }
}
