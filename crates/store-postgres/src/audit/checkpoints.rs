//! Checkpoints of the audit log.

use payment_domain::Event;
use payment_store::StoredCheckpoint;
use payment_store::audit::merkle::Tree;
use tokio_postgres::Row;

use super::hash;
use crate::connections::Connections;
use crate::failure::Failure;
use crate::rows::{self, Columns};
use crate::transactions;

const SELECT: &str = "SELECT size, root, at_time, signature, public_key, tree FROM eg_pg_audit_checkpoints";

pub(super) async fn store(db: &Connections, new: &StoredCheckpoint, event: Event) -> Result<bool, Failure> {
    const INSERT: &str = "
        INSERT INTO eg_pg_audit_checkpoints (size, root, at_time, signature, public_key, tree)
        VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT (size) DO NOTHING RETURNING size";
    let transaction = db.begin().await?;
    let (root, signature, public_key) =
        (new.root.as_slice(), new.signature.as_slice(), new.public_key.as_slice());
    let stored = transaction
        .rows(INSERT, &[&new.size, &root, &new.at.as_millis(), &signature, &public_key, &new.tree.to_bytes()])
        .await?;
    if stored.is_empty() {
        transaction.roll_back().await;
        return Ok(false);
    }
    transactions::append(&transaction, None, &[event], new.at).await?;
    transaction.commit().await?;
    Ok(true)
}

pub(super) async fn behind(
    db: &Connections,
    size: i64,
    limit: u32,
) -> Result<Vec<StoredCheckpoint>, Failure> {
    let sql = format!("{SELECT} WHERE size > $1 ORDER BY size LIMIT $2");
    rows::all(&db.ask(&sql, &[&size, &i64::from(limit)]).await?, read)
}

pub(super) async fn last(db: &Connections) -> Result<Option<StoredCheckpoint>, Failure> {
    let sql = format!("{SELECT} ORDER BY size DESC LIMIT 1");
    db.ask(&sql, &[]).await?.first().map(read).transpose()
}

fn read(row: &Row) -> Result<StoredCheckpoint, Failure> {
    let columns = Columns::keyless(row, "eg_pg_audit_checkpoints");
    let size: i64 = columns.get("size")?;
    Ok(StoredCheckpoint {
        size,
        root: hash(&columns, "root")?,
        at: columns.moment("at_time")?,
        signature: hash(&columns, "signature")?,
        public_key: hash(&columns, "public_key")?,
        tree: Tree::from_bytes(size.unsigned_abs(), columns.get("tree")?)
            .ok_or_else(|| columns.unreadable("tree"))?,
    })
}
