//! Whether the database works, and how much is open.

use async_trait::async_trait;
use payment_domain::Timestamp;
use payment_store::{Backlog, Health, StoreError};
use rusqlite::Connection;

use crate::SqliteStore;
use crate::backlog;
use crate::failure::Failure;

#[async_trait]
impl Health for SqliteStore {
    async fn backlog(&self, now: Timestamp) -> Result<Backlog, StoreError> {
        Ok(self.readers.read(move |conn| backlog::read(conn, now)).await?)
    }

    async fn ping(&self) -> Result<(), StoreError> {
        // In a group a full disk would fail the others' work, too.
        self.writer.write_alone(|conn| probe_room(conn).and_then(|()| beat(conn))).await?;
        let read = |conn: &Connection| {
            Ok(conn.prepare_cached("SELECT beats FROM eg_pg_heartbeat")?.query_row([], |_| Ok(()))?)
        };
        Ok(self.readers.read(read).await?)
    }
}

/// More than a payment takes, in bytes.
const ROOM: u32 = 128 * 1024;

/// Probes for room on the disk: writes as much as a payment needs, as far as into the log, and undoes it.
/// A change of one row proves nothing: it needs no more room than there was.
fn probe_room(conn: &Connection) -> Result<(), Failure> {
    const INSERT: &str = "INSERT INTO eg_pg_callbacks (digest, gateway, received_at, content)
        VALUES (randomblob(32), '', 0, hex(zeroblob(?1)))";
    conn.execute_batch("SAVEPOINT room")?;
    let tried = conn
        .prepare_cached(INSERT)
        .and_then(|mut insert| insert.execute([ROOM / 2]))
        .and_then(|_| conn.cache_flush());
    // SQLite may have given up the whole transaction.
    if !conn.is_autocommit() {
        conn.execute_batch("ROLLBACK TO room; RELEASE room")?;
    }
    Ok(tried?)
}

fn beat(conn: &Connection) -> Result<(), Failure> {
    conn.prepare_cached("UPDATE eg_pg_heartbeat SET beats = beats + 1")?.execute([])?;
    Ok(())
}

/// When the latest commit was made.
pub(crate) fn latest_commit(conn: &Connection) -> Result<Timestamp, Failure> {
    let at = conn.query_row("SELECT committed_at FROM eg_pg_heartbeat", [], |row| row.get(0))?;
    Ok(Timestamp::from_millis(at))
}

/// Notes when this commit is made.
pub(crate) fn stamp(conn: &Connection, now: Timestamp) -> Result<(), Failure> {
    conn.prepare_cached("UPDATE eg_pg_heartbeat SET committed_at = ?1 WHERE committed_at < ?1")?
        .execute([now.as_millis()])?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Options;

    #[tokio::test]
    async fn a_full_disk_is_reported_until_it_ends() {
        let folder = tempfile::tempdir().unwrap();
        let store = SqliteStore::open(&folder.path().join("payments.db"), &Options::default()).unwrap();
        let allow = async |pages: u32| {
            let limit = format!("PRAGMA max_page_count = {pages}");
            let set = move |conn: &Connection| Ok(conn.query_row(&limit, [], |row| row.get::<_, i64>(0))?);
            store.writer.write(set).await.unwrap()
        };
        store.ping().await.unwrap();
        // No more than there is.
        let pages = u32::try_from(allow(1).await).unwrap();
        let full = store.ping().await;
        assert!(matches!(full, Err(StoreError::Unavailable(_))), "{full:?}");
        let one_row = store.writer.write(beat).await;
        assert!(one_row.is_ok(), "which is why one row is not enough to tell");
        allow(pages + 1000).await;
        store.ping().await.unwrap();
        let kept = store
            .readers
            .read(|conn| {
                Ok(conn.query_row("SELECT count(*) FROM eg_pg_callbacks", [], |row| row.get::<_, i64>(0))?)
            })
            .await
            .unwrap();
        assert_eq!(kept, 0, "what is tried for is taken back");
    }
}
