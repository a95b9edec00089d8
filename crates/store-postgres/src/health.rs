//! Whether the database works, and how much is open.

use async_trait::async_trait;
use payment_domain::Timestamp;
use payment_store::{Backlog, Health, StoreError};

use crate::PostgresStore;
use crate::backlog;
use crate::connections::Connections;
use crate::failure::Failure;

#[async_trait]
impl Health for PostgresStore {
    async fn backlog(&self, now: Timestamp) -> Result<Backlog, StoreError> {
        Ok(backlog::read(&self.db, now).await?)
    }

    /// A change of one row needs no more room than there was: after a write has found the disk full, room
    /// is probed as well.
    async fn ping(&self) -> Result<(), StoreError> {
        const BEAT: &str = "UPDATE eg_pg_heartbeat SET beats = beats + 1 WHERE only_row = 1 RETURNING beats";
        const READ: &str = "SELECT beats FROM eg_pg_heartbeat WHERE only_row = 1";
        if self.db.is_disk_full() {
            probe_room(&self.db).await?;
        }
        self.db.repeatable(BEAT, &[]).await?;
        self.db.ask(READ, &[]).await?;
        // The heartbeat may work by chance on a shared session; other statements do not.
        if self.db.is_shared() { Err(Failure::SharedSession.into()) } else { Ok(()) }
    }
}

/// Writes 64 KiB that do not compress, and undoes it.
async fn probe_room(db: &Connections) -> Result<(), Failure> {
    const INSERT: &str = "
        INSERT INTO eg_pg_callbacks (digest, gateway, received_at, content)
        SELECT decode(md5(random()::text) || md5(random()::text), 'hex'), '', 0, string_agg(md5(random()::text), '')
        FROM generate_series(1, 2048)";
    let transaction = db.begin().await?;
    let tried = transaction.rows(INSERT, &[]).await;
    transaction.roll_back().await;
    tried?;
    db.has_room();
    Ok(())
}
