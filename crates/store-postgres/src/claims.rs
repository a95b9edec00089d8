//! Claims: which live transaction holds a bill.
//!
//! Of the live transactions (PENDING or SUCCESS) of a bill one holds it; so the release of a claim transfers
//! it where there is another. A payment that was given back whole is live no more. Two live transactions of
//! ours never share a bill: a create that does not get the claims stores nothing, a claim stays until its
//! holder has failed, and a failed transaction never becomes live again. Only rows of an earlier service are
//! competing transactions, to each other and to ours. They become known with their bills, in the database
//! transaction that claims free bills ([`crate::adopted`]).
//!
//! A competing transaction may be failing in another database transaction while the claim is transferred
//! to it. So a failure is written first, then all claims on the transaction's bills are locked, with any
//! holder ([`LOCK`]), and successors are looked up in the next statement ([`RELEASE`]). Of two that fail at
//! once the later one to get the lock sees the commit of the other: the failure of that competitor, or its
//! own transaction as the holder. No row of a successor is locked. All writers lock transactions before
//! claims, and claims in the order of their keys; a create waits for claims in that order, too, when all its
//! rows are new and awaited by creates alone. So there is no deadlock.

use std::collections::HashMap;

use async_trait::async_trait;
use payment_domain::{BillKey, StatusName};
use payment_store::{Claim, Claims, StoreError};
use tokio_postgres::Row;

use crate::PostgresStore;
use crate::connections::Connections;
use crate::failure::Failure;
use crate::parameters::{Parameter, Rows};
use crate::rows::{self, Columns};

/// Claims bills that are free; returns them. The rows come in the order of their keys.
pub(crate) const PUT: &str = "
    INSERT INTO eg_pg_bill_claims (tenant_id, bill_id, txn_id)
    SELECT u.tenant_id, u.bill_id, u.txn_id
    FROM unnest($1::text[], $2::text[], $3::text[]) AS u (tenant_id, bill_id, txn_id)
    ON CONFLICT (tenant_id, bill_id) DO NOTHING
    RETURNING tenant_id, bill_id, txn_id";

/// Takes back claims that these transactions have put in the same database transaction: they were put
/// because no live transaction has the bill, so there is no successor.
pub(crate) const TAKE_BACK: &str = "
    DELETE FROM eg_pg_bill_claims AS claim USING
    (SELECT * FROM unnest($1::text[], $2::text[], $3::text[])
        AS elements (tenant_id, bill_id, txn_id) LIMIT cardinality($1::text[])) AS u
    WHERE claim.tenant_id = u.tenant_id AND claim.bill_id = u.bill_id AND claim.txn_id = u.txn_id";

/// Locks the claims on bills that are to be released, whichever transaction holds them, in the order of
/// their keys.
pub(crate) const LOCK: &str = "
    SELECT FROM
    (SELECT * FROM unnest($1::text[], $2::text[], $3::text[])
        AS elements (tenant_id, bill_id, txn_id) LIMIT cardinality($1::text[])) AS u
    JOIN eg_pg_bill_claims AS claim ON claim.tenant_id = u.tenant_id AND claim.bill_id = u.bill_id
    ORDER BY claim.tenant_id, claim.bill_id FOR UPDATE OF claim";

/// Releases claims that these transactions hold, once they are locked: to another live transaction of
/// the bill, a SUCCESS before a PENDING, then the earliest; where there is none the bill is free. OFFSET 0
/// has a successor found by its id: while the tables are small, to look through its tenant seems as good.
pub(crate) const RELEASE: &str = "WITH freed AS (
        SELECT claim.tenant_id, claim.bill_id, (
            SELECT successor.txn_id FROM eg_pg_transaction_bills AS named
            CROSS JOIN LATERAL (
                SELECT t.txn_id, t.tenant_id, t.txn_status, t.created_time FROM eg_pg_transactions AS t
                WHERE t.txn_id = named.txn_id OFFSET 0) AS successor
            WHERE named.bill_id = claim.bill_id AND named.txn_id <> claim.txn_id
                AND successor.tenant_id = claim.tenant_id
                AND successor.txn_status IN ('PENDING', 'SUCCESS')
                AND NOT EXISTS (SELECT FROM eg_pg_receipt_cancellations AS given_back
                    WHERE given_back.txn_id = successor.txn_id AND given_back.frees_bills
                        AND given_back.outcome IS NOT NULL)
            ORDER BY successor.txn_status = 'SUCCESS' DESC, successor.created_time NULLS LAST,
                successor.txn_id COLLATE \"C\" LIMIT 1) AS successor
        FROM
            (SELECT * FROM unnest($1::text[], $2::text[], $3::text[])
                AS elements (tenant_id, bill_id, txn_id) LIMIT cardinality($1::text[])) AS u
            JOIN eg_pg_bill_claims AS claim
            ON claim.tenant_id = u.tenant_id AND claim.bill_id = u.bill_id AND claim.txn_id = u.txn_id
    ), transferred AS (
        UPDATE eg_pg_bill_claims AS claim SET txn_id = freed.successor FROM freed
        WHERE claim.tenant_id = freed.tenant_id AND claim.bill_id = freed.bill_id
            AND freed.successor IS NOT NULL
    )
    DELETE FROM eg_pg_bill_claims AS claim USING freed
    WHERE claim.tenant_id = freed.tenant_id AND claim.bill_id = freed.bill_id AND freed.successor IS NULL";

/// A row of [`PUT`], [`TAKE_BACK`], [`LOCK`] and [`RELEASE`].
pub(crate) fn row<'a>(rows: &mut Rows<'a>, bill: &'a BillKey, txn_id: &'a str) {
    rows.push([
        Parameter::text(bill.tenant.as_str()),
        Parameter::text(bill.bill.as_str()),
        Parameter::text(txn_id),
    ]);
}

#[async_trait]
impl Claims for PostgresStore {
    async fn claims(&self, bills: &[BillKey]) -> Result<Vec<Claim>, StoreError> {
        Ok(held(&self.db, bills).await?)
    }
}

/// The claims held on these bills, each once, in the order of the bills.
pub(crate) async fn held(db: &Connections, bills: &[BillKey]) -> Result<Vec<Claim>, Failure> {
    const HELD: &str = "SELECT claim.txn_id, claim.tenant_id, claim.bill_id, held.txn_status, held.gateway, held.created_time
        FROM
            (SELECT * FROM unnest($1::text[], $2::text[])
                AS elements (tenant_id, bill_id) LIMIT cardinality($1::text[])) AS u
            JOIN eg_pg_bill_claims AS claim ON claim.tenant_id = u.tenant_id AND claim.bill_id = u.bill_id
        JOIN eg_pg_transactions AS held ON held.txn_id = claim.txn_id";
    if bills.is_empty() {
        return Ok(Vec::new());
    }
    let tenants: Vec<&str> = bills.iter().map(|key| key.tenant.as_str()).collect();
    let numbers: Vec<&str> = bills.iter().map(|key| key.bill.as_str()).collect();
    let found = rows::all(&db.ask(HELD, &[&tenants, &numbers]).await?, read)?;
    let mut by_bill: HashMap<BillKey, Claim> =
        found.into_iter().map(|claim| (claim.bill.clone(), claim)).collect();
    Ok(bills.iter().filter_map(|bill| by_bill.remove(bill)).collect())
}

fn read(row: &Row) -> Result<Claim, Failure> {
    let columns = Columns::of(row, "eg_pg_bill_claims")?;
    Ok(Claim {
        txn_id: columns.txn_id(),
        bill: BillKey { tenant: columns.tenant("tenant_id")?, bill: columns.bill("bill_id")? },
        // A holder in a state that this service does not know may have been paid.
        status: columns
            .get::<Option<&str>>("txn_status")?
            .and_then(StatusName::from_word)
            .unwrap_or(StatusName::Success),
        gateway: columns.gateway("gateway")?,
        created_at: columns.moment_or_zero("created_time")?,
    })
}
