//! Lists of payments, on the runs of [`search`](crate::search).

use std::borrow::Cow;

use async_trait::async_trait;
use payment_domain::{StatusName, TenantId, Timestamp, Transaction, TxnId};
use payment_store::{
    FEW_TENANTS, Listings, NamedQuery, PaymentQuery, ReceiptState, StoreError, TenantScope, share_of_run,
};
use rusqlite::types::Value;
use rusqlite::{Connection, OptionalExtension, params_from_iter};

use crate::failure::Failure;
use crate::search::{Condition, Place, below, head, place_of, tenants_within};
use crate::{SqliteStore, transaction_columns};

#[async_trait]
impl Listings for SqliteStore {
    async fn list_payments(&self, query: &PaymentQuery) -> Result<Vec<Transaction>, StoreError> {
        let query = query.clone();
        Ok(self.searchers.read(move |conn| list(conn, &query)).await?)
    }

    async fn payments_horizon(
        &self,
        query: &PaymentQuery,
        examined: u32,
    ) -> Result<Option<Timestamp>, StoreError> {
        let query = query.clone();
        Ok(self.searchers.read(move |conn| horizon(conn, &query, examined)).await?)
    }

    async fn payments_named(&self, query: &NamedQuery) -> Result<Vec<Transaction>, StoreError> {
        let query = query.clone();
        Ok(self.searchers.read(move |conn| named(conn, &query)).await?)
    }

    async fn tenants_within(&self, within: &[TenantScope]) -> Result<Vec<TenantId>, StoreError> {
        let within = within.to_vec();
        let mut found = self.searchers.read(move |conn| all_tenants(conn, &within)).await?;
        found.sort_unstable();
        found.dedup();
        Ok(found.into_iter().map(TenantId::stored).collect())
    }
}

/// The tenants that have payments, and the scopes themselves.
fn all_tenants(conn: &Connection, within: &[TenantScope]) -> Result<Vec<String>, Failure> {
    let mut all: Vec<String> = within.iter().map(|scope| scope.root.clone()).collect();
    for scope in within {
        all.extend(tenants_within(conn, scope, usize::MAX)?);
    }
    Ok(all)
}

fn list(conn: &Connection, query: &PaymentQuery) -> Result<Vec<Transaction>, Failure> {
    let snapshot = conn.unchecked_transaction()?;
    let after = match &query.after {
        Some(id) => match place_within(&snapshot, id, &query.within)? {
            Some(place) => Some(place),
            None => return Ok(Vec::new()),
        },
        None => None,
    };
    let filters = filters(query);
    let mut places = Vec::new();
    for run in runs(&snapshot, query)?.all {
        places.extend(head(&snapshot, run, &filters, after.as_ref(), i64::from(query.limit))?);
    }
    newest(&snapshot, places, query.limit)
}

/// The newest of the moments at which the runs have given their share.
fn horizon(conn: &Connection, query: &PaymentQuery, examined: u32) -> Result<Option<Timestamp>, Failure> {
    let snapshot = conn.unchecked_transaction()?;
    let Runs { all, are_of_tenants } = runs(&snapshot, query)?;
    if are_of_tenants && !query.is_selective() {
        return Ok(None);
    }
    let after = match &query.after {
        Some(id) => place_within(&snapshot, id, &query.within)?,
        None => None,
    };
    let share = share_of_run(examined, all.len());
    let mut newest: Option<i64> = None;
    for run in all {
        let sql = share_sql(&run, after.is_some());
        let place = after.as_ref().map(|(at, _)| Value::Integer(*at));
        let skipped = Value::Integer(i64::from(share.saturating_sub(1)));
        let values = run.values.into_iter().chain(place).chain([skipped]);
        let mut statement = snapshot.prepare_cached(&sql)?;
        newest = newest.max(statement.query_row(params_from_iter(values), |row| row.get(0)).optional()?);
    }
    Ok(newest.map(Timestamp::from_millis))
}

/// The moment at which a run has given its share.
fn share_sql(run: &Condition, behind_a_place: bool) -> String {
    let behind = if behind_a_place { " AND created_time <= ?" } else { "" };
    format!(
        "SELECT created_time FROM {} WHERE {}{behind}
        ORDER BY created_time DESC, txn_id DESC LIMIT 1 OFFSET ?",
        run.table(),
        run.sql
    )
}

/// By one of its numbers.
const KINDS: [&str; 8] = [
    "txn_id = ?",
    "lower(gateway_txn_id) = lower(?) AND gateway_txn_id IS NOT NULL",
    "lower(pg_bank_transaction_no) = lower(?) AND pg_bank_transaction_no IS NOT NULL",
    "txn_id IN (SELECT txn_id FROM eg_pg_transaction_bills WHERE bill_id = ?)",
    "consumer_code = ?",
    "receipt = ?",
    "txn_id IN (SELECT original_txn_id FROM eg_pg_transaction_refund WHERE refund_id = ?)",
    "txn_id IN (SELECT original_txn_id FROM eg_pg_transaction_refund
        WHERE lower(details ->> '$.gatewayRefundId') = lower(?) AND details ->> '$.gatewayRefundId' IS NOT NULL)",
];
const BY_MOBILE: &str = "substr(replace(replace(mobile_number, ' ', ''), '-', ''), -10) = ?";

fn named(conn: &Connection, query: &NamedQuery) -> Result<Vec<Transaction>, Failure> {
    let snapshot = conn.unchecked_transaction()?;
    let after = match &query.after {
        Some(id) => match place_within(&snapshot, id, &query.within)? {
            Some(place) => Some(place),
            None => return Ok(Vec::new()),
        },
        None => None,
    };
    let filters = [in_scopes(&query.within)];
    let mut runs = Vec::new();
    for kind in KINDS {
        runs.extend(query.spellings.iter().map(|spelling| Condition::new(kind, [spelling])));
    }
    runs.extend(query.mobile.iter().map(|mobile| Condition::new(BY_MOBILE, [mobile.expose()])));
    let mut places = Vec::new();
    for run in runs {
        places.extend(head(&snapshot, run, &filters, after.as_ref(), i64::from(query.limit))?);
    }
    newest(&snapshot, places, query.limit)
}

/// The transactions at the newest of these places, each once.
fn newest(conn: &Connection, mut places: Vec<Place>, limit: u32) -> Result<Vec<Transaction>, Failure> {
    places.sort_unstable_by(|one, other| other.cmp(one));
    places.dedup();
    let mut found = Vec::new();
    for (_, id) in places.iter().take(usize::try_from(limit).unwrap_or(usize::MAX)) {
        found.extend(transaction_columns::find(conn, id)?);
    }
    Ok(found)
}

fn place_within(conn: &Connection, id: &TxnId, within: &[TenantScope]) -> Result<Option<Place>, Failure> {
    let known = transaction_columns::find(conn, id)?;
    let is_within =
        |txn: &Transaction| within.iter().any(|scope| txn.tenant_id.is_within(scope.root.as_str()));
    if known.as_ref().is_some_and(is_within) { place_of(conn, id) } else { Ok(None) }
}

/// The pieces of indexes, in the order of the answer, of which a list is merged.
pub(crate) struct Runs {
    pub(crate) all: Vec<Condition>,
    /// Whether each row of them has one of the tenants.
    are_of_tenants: bool,
}

/// A run for each tenant and status, or for each status where there are many tenants, within the days that are asked
/// for.
pub(crate) fn runs(conn: &Connection, query: &PaymentQuery) -> Result<Runs, Failure> {
    let statuses = [StatusName::Pending, StatusName::Success, StatusName::Failure];
    let statuses: Vec<StatusName> = statuses.into_iter().filter(|status| query.admits(*status)).collect();
    if statuses.is_empty() || query.within.is_empty() {
        return Ok(Runs { all: Vec::new(), are_of_tenants: true });
    }
    if query.receipt == Some(ReceiptState::Pending) {
        // In words: a partial index is not used for a value that is bound.
        let due = run("txn_status = 'SUCCESS' AND receipt IS NULL", [], query);
        let due = Condition { index: Some("eg_pg_transactions_without_receipt"), ..due };
        return Ok(Runs { all: vec![due], are_of_tenants: false });
    }
    let mut tenants = Vec::new();
    for scope in &query.within {
        let further = (FEW_TENANTS + 1).saturating_sub(tenants.len());
        tenants.extend(tenants_within(conn, scope, further)?);
    }
    if tenants.len() > FEW_TENANTS {
        let of = |status: &StatusName| run("txn_status = ?", [status.as_str()], query);
        return Ok(Runs { all: statuses.iter().map(of).collect(), are_of_tenants: false });
    }
    tenants.sort_unstable();
    tenants.dedup();
    let of = |tenant: &String, status: &StatusName| {
        run("tenant_id = ? AND txn_status = ?", [tenant, status.as_str()], query)
    };
    let all = tenants.iter().flat_map(|tenant| statuses.iter().map(move |status| of(tenant, status)));
    Ok(Runs { all: all.collect(), are_of_tenants: true })
}

fn run<const N: usize>(sql: &'static str, values: [&str; N], query: &PaymentQuery) -> Condition {
    let mut run = Condition::new(sql, values);
    for (bound, at) in [(" AND created_time >= ?", query.from), (" AND created_time < ?", query.before())] {
        if let Some(at) = at {
            run.sql.to_mut().push_str(bound);
            run.values.push(Value::Integer(at.as_millis()));
        }
    }
    run
}

/// In a form that uses no index.
pub(crate) fn filters(query: &PaymentQuery) -> Vec<Condition> {
    let mut filters = vec![in_scopes(&query.within)];
    if let Some(gateway) = &query.gateway {
        filters.push(Condition::new("+gateway = ?", [gateway.as_str()]));
    }
    if let Some(module) = &query.module {
        filters.push(Condition::new("+module = ?", [module]));
    }
    if query.receipt == Some(ReceiptState::Issued) {
        filters.push(Condition::new("+receipt IS NOT NULL", []));
    }
    for (sql, amount) in [
        ("(+currency = ? AND +txn_amount_minor >= ?)", query.amount_from),
        ("(+currency = ? AND +txn_amount_minor <= ?)", query.amount_to),
    ] {
        if let Some(amount) = amount {
            let code = Value::Text(amount.currency().code().to_owned());
            let values = vec![code, Value::Integer(amount.minor())];
            filters.push(Condition { sql: sql.into(), values, index: None });
        }
    }
    filters
}

/// No condition holds where there is no scope.
fn in_scopes(scopes: &[TenantScope]) -> Condition {
    const ONE: &str = "+tenant_id = ? OR (+tenant_id >= ? AND +tenant_id < ?)";
    let any = vec![ONE; scopes.len()].join(" OR ");
    let sql: Cow<'static, str> = if any.is_empty() { "FALSE".into() } else { format!("({any})").into() };
    Condition { sql, values: scopes.iter().flat_map(below).map(Value::Text).collect(), index: None }
}

#[cfg(test)]
mod tests {
    use payment_domain::{Currency, GatewayName, Money, Timestamp};
    use payment_store::contract::sample;

    use super::*;
    use crate::plans::{migrated, plan};
    use crate::search::head_sql;
    use crate::transaction_columns::JsonParts;

    #[test]
    fn no_list_reads_the_whole_table_or_sorts_what_it_reads() {
        let conn = migrated();
        let new = sample::new_transaction("T1", "B1");
        crate::transactions::create(&conn, &new, &JsonParts::of_new(&new).unwrap(), sample::at(0)).unwrap();
        let amount = Money::parse("1", Currency::INR).unwrap();
        let query = PaymentQuery {
            within: vec![TenantScope { root: "pb".to_owned() }],
            gateway: Some(GatewayName::new("SANDBOX")),
            module: Some("PT".to_owned()),
            amount_from: Some(amount),
            amount_to: Some(amount),
            from: Some(Timestamp::from_millis(0)),
            to: Some(Timestamp::from_millis(1)),
            limit: 10,
            ..PaymentQuery::default()
        };
        let many = (0..20).map(|nth| {
            let mut txn = sample::transaction(&format!("M{nth}"), &[&format!("M{nth}")]);
            txn.tenant_id = TenantId::stored(format!("mh.{nth}"));
            sample::new(txn)
        });
        for new in many {
            let json = JsonParts::of_new(&new).unwrap();
            crate::transactions::create(&conn, &new, &json, sample::at(0)).unwrap();
        }
        let of_many = PaymentQuery { within: vec![TenantScope { root: "mh".to_owned() }], ..query.clone() };
        let due = PaymentQuery { receipt: Some(ReceiptState::Pending), ..query.clone() };
        for (query, number, index) in [
            (&query, 3, "eg_pg_transactions_by_tenant"),
            (&of_many, 3, "eg_pg_transactions_by_status"),
            (&due, 1, "eg_pg_transactions_without_receipt"),
        ] {
            let runs = runs(&conn, query).unwrap().all;
            assert_eq!(runs.len(), number);
            for (run, behind) in runs.iter().flat_map(|run| [(run, false), (run, true)]) {
                for sql in [head_sql(run, &filters(query), behind), share_sql(run, behind)] {
                    let steps = plan(&conn, &sql);
                    let reads_a_run = |step: &String| step.contains(index) && step.contains("created_time>");
                    assert!(steps.iter().all(reads_a_run), "{sql}\n{steps:#?}");
                }
            }
        }
    }

    #[test]
    fn a_number_is_looked_up_and_nothing_is_read_through() {
        let conn = migrated();
        let filters = [in_scopes(&[TenantScope { root: "pb".to_owned() }])];
        for kind in KINDS.into_iter().chain([BY_MOBILE]) {
            for behind in [false, true] {
                let sql = head_sql(&Condition::new(kind, ["x"]), &filters, behind);
                let steps = plan(&conn, &sql);
                assert!(steps.iter().all(|step| !step.contains("SCAN")), "{sql}\n{steps:#?}");
            }
        }
    }
}
