//! Who holds which bill.

use std::collections::HashMap;

use payment_domain::{BillId, BillKey, GatewayName, StatusName, TenantId};
use payment_store::Claim;
use tokio_postgres::Row;

use crate::cells::{Cell, Rows};
use crate::connections::Connections;
use crate::failure::Failure;
use crate::rows::{self, Columns};

/// Claims bills that are free; says which. The rows come in the order of their keys.
pub(crate) const PUT: &str = "
    INSERT INTO eg_pg_bill_claims (tenant_id, bill_id, txn_id)
    SELECT u.tenant_id, u.bill_id, u.txn_id
    FROM unnest($1::text[], $2::text[], $3::text[]) AS u (tenant_id, bill_id, txn_id)
    ON CONFLICT (tenant_id, bill_id) DO NOTHING
    RETURNING tenant_id, bill_id, txn_id";

/// Lets claims go that these transactions hold.
pub(crate) const RELEASE: &str = "
    DELETE FROM eg_pg_bill_claims AS claim
    USING unnest($1::text[], $2::text[], $3::text[]) AS u (tenant_id, bill_id, txn_id)
    WHERE claim.tenant_id = u.tenant_id AND claim.bill_id = u.bill_id AND claim.txn_id = u.txn_id";

/// A row of [`PUT`] and of [`RELEASE`].
pub(crate) fn row<'a>(rows: &mut Rows<'a>, bill: &'a BillKey, txn_id: &'a str) {
    rows.push([Cell::text(bill.tenant.as_str()), Cell::text(bill.bill.as_str()), Cell::text(txn_id)]);
}

const HELD: &str = "
    SELECT claim.txn_id, claim.tenant_id, claim.bill_id, held.txn_status, held.gateway, held.created_time
    FROM unnest($1::text[], $2::text[]) AS u (tenant_id, bill_id)
    JOIN eg_pg_bill_claims AS claim ON claim.tenant_id = u.tenant_id AND claim.bill_id = u.bill_id
    JOIN eg_pg_transactions AS held ON held.txn_id = claim.txn_id";

/// The claims held on these bills, each once, in the order of the bills.
pub(crate) async fn held(db: &Connections, bills: &[BillKey]) -> Result<Vec<Claim>, Failure> {
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
        txn_id: columns.txn_id()?,
        bill: BillKey {
            tenant: columns.read("tenant_id", |text| TenantId::new(text).ok())?,
            bill: columns.read("bill_id", |text| BillId::new(text).ok())?,
        },
        status: columns.read("txn_status", StatusName::from_word)?,
        gateway: columns.read("gateway", |text| Some(GatewayName::new(text)))?,
        created_at: columns.moment_or_zero("created_time")?,
    })
}
