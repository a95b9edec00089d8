//! Whether the database works, and how much is open.

use payment_store::Backlog;

use crate::connections::Connections;
use crate::failure::Failure;

/// Counts what is open.
pub(crate) async fn backlog(db: &Connections) -> Result<Backlog, Failure> {
    const COUNT: &str = "
        SELECT (SELECT count(*) FROM eg_pg_transactions WHERE txn_status = 'PENDING'),
            (SELECT count(*) FROM eg_pg_receipt_duties),
            (SELECT count(*) FROM eg_pg_attention WHERE resolved_at IS NULL)";
    let found = db.repeatable(COUNT, &[]).await?;
    let row = found.first().ok_or(Failure::OutOfRange)?;
    let count = |place: usize| -> Result<u64, Failure> {
        u64::try_from(row.try_get::<_, i64>(place)?).map_err(|_| Failure::OutOfRange)
    };
    Ok(Backlog { pending_transactions: count(0)?, receipts_due: count(1)?, open_attention: count(2)? })
}

/// Finds out whether the server has room again: writes 64 KiB that do not shrink, and takes them back.
async fn try_for_room(db: &Connections) -> Result<(), Failure> {
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

/// Writes something that is committed like everything else, and reads it. A change of one row needs no
/// more room than there was: when something else has found none, room is tried for as well.
pub(crate) async fn beat(db: &Connections) -> Result<(), Failure> {
    if db.is_disk_full() {
        try_for_room(db).await?;
    }
    const BEAT: &str = "UPDATE eg_pg_heartbeat SET beats = beats + 1 WHERE only_row = 1 RETURNING beats";
    const READ: &str = "SELECT beats FROM eg_pg_heartbeat WHERE only_row = 1";
    db.repeatable(BEAT, &[]).await?;
    db.ask(READ, &[]).await?;
    // It may work by chance: what else is asked does not.
    if db.is_shared() { Err(Failure::SharedSession) } else { Ok(()) }
}
