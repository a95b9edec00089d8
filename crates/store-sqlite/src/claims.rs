//! Claims: which live transaction holds a bill.

use async_trait::async_trait;
use payment_domain::{BillKey, StatusName, TxnId};
use payment_store::{Claim, Claims, StoreError};
use rusqlite::Connection;

use crate::SqliteStore;
use crate::failure::Failure;
use crate::rows::Columns;

#[async_trait]
impl Claims for SqliteStore {
    async fn claims(&self, bills: &[BillKey]) -> Result<Vec<Claim>, StoreError> {
        let bills = bills.to_vec();
        Ok(self.readers.read(move |conn| held(conn, &bills)).await?)
    }
}

/// The claims held on these bills, each once.
pub(crate) fn held(conn: &Connection, bills: &[BillKey]) -> Result<Vec<Claim>, Failure> {
    let mut keys: Vec<&BillKey> = bills.iter().collect();
    keys.sort();
    keys.dedup();
    let mut statement = conn.prepare_cached(
        "SELECT claim.txn_id AS txn_id, held.txn_status AS txn_status, held.gateway AS gateway,
             held.created_time AS created_time
         FROM eg_pg_bill_claims AS claim JOIN eg_pg_transactions AS held ON held.txn_id = claim.txn_id
         WHERE claim.tenant_id = ?1 AND claim.bill_id = ?2",
    )?;
    let mut claims = Vec::new();
    for key in keys {
        let mut found = statement.query([key.tenant.as_str(), key.bill.as_str()])?;
        if let Some(row) = found.next()? {
            let columns = Columns::of(row, "eg_pg_bill_claims")?;
            claims.push(Claim {
                bill: key.clone(),
                txn_id: columns.txn_id()?,
                status: columns.read("txn_status", StatusName::from_word)?,
                gateway: columns.gateway("gateway")?,
                created_at: columns.moment("created_time")?,
            });
        }
    }
    Ok(claims)
}

/// Releases the claims of a transaction on these bills. There is no successor: two live transactions never
/// share a bill here, because a create that does not get every claim stores nothing, a claim stays until
/// its holder has failed, and a failed transaction never becomes live again.
pub(crate) fn release(conn: &Connection, id: &TxnId, bills: &[BillKey]) -> Result<(), Failure> {
    let mut statement = conn.prepare_cached(
        "DELETE FROM eg_pg_bill_claims WHERE tenant_id = ?1 AND bill_id = ?2 AND txn_id = ?3",
    )?;
    for key in bills {
        statement.execute([key.tenant.as_str(), key.bill.as_str(), id.as_str()])?;
    }
    Ok(())
}

/// Claims, for a stored transaction, those of these bills that are free.
pub(crate) fn hold(conn: &Connection, id: &TxnId, bills: &[BillKey]) -> Result<(), Failure> {
    let mut statement = conn.prepare_cached(
        "INSERT INTO eg_pg_bill_claims (tenant_id, bill_id, txn_id) VALUES (?1, ?2, ?3)
         ON CONFLICT (tenant_id, bill_id) DO NOTHING",
    )?;
    for key in bills {
        statement.execute([key.tenant.as_str(), key.bill.as_str(), id.as_str()])?;
    }
    Ok(())
}
