//! Checkpoints of the audit log.

use payment_domain::Timestamp;
use payment_store::StoredCheckpoint;
use payment_store::audit::merkle::Tree;
use rusqlite::{Connection, Row, params};

use crate::failure::Failure;
use crate::rows;

const SELECT: &str = "SELECT size, root, at_time, signature, public_key, tree FROM eg_pg_audit_checkpoints";

/// Stores a checkpoint; `false` when there is one of its size.
pub(super) fn insert(conn: &Connection, new: &StoredCheckpoint) -> Result<bool, Failure> {
    if conn.prepare_cached("SELECT 1 FROM eg_pg_audit_checkpoints WHERE size = ?1")?.exists([new.size])? {
        return Ok(false);
    }
    conn.prepare_cached(
        "INSERT INTO eg_pg_audit_checkpoints (size, root, at_time, signature, public_key, tree)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
    )?
    .execute(params![
        new.size,
        new.root,
        new.at.as_millis(),
        new.signature,
        new.public_key,
        new.tree.to_bytes()
    ])?;
    Ok(true)
}

pub(super) fn behind(conn: &Connection, size: i64, limit: u32) -> Result<Vec<StoredCheckpoint>, Failure> {
    let sql = format!("{SELECT} WHERE size > ?1 ORDER BY size LIMIT ?2");
    rows::all(conn, &sql, params![size, limit], read)
}

pub(super) fn last(conn: &Connection) -> Result<Option<StoredCheckpoint>, Failure> {
    let sql = format!("{SELECT} ORDER BY size DESC LIMIT 1");
    Ok(rows::all(conn, &sql, [], read)?.pop())
}

fn read(row: &Row<'_>) -> Result<StoredCheckpoint, Failure> {
    let size: i64 = row.get(0)?;
    let unreadable = || Failure::Unreadable {
        table: "eg_pg_audit_checkpoints",
        owner: format!("size {size}"),
        column: "tree",
    };
    Ok(StoredCheckpoint {
        size,
        root: row.get(1)?,
        at: Timestamp::from_millis(row.get(2)?),
        signature: row.get(3)?,
        public_key: row.get(4)?,
        tree: Tree::from_bytes(size.unsigned_abs(), &row.get::<_, Vec<u8>>(5)?).ok_or_else(unreadable)?,
    })
}
