//! Lists of payments, on the runs of [`search`](crate::search).

use async_trait::async_trait;
use payment_domain::{StatusName, Transaction, TxnId};
use payment_store::{Listings, NamedQuery, PaymentQuery, StoreError, TenantScope};
use rusqlite::Connection;
use rusqlite::types::Value;

use crate::failure::Failure;
use crate::search::{Condition, Place, below, head, place_of, tenants_within};
use crate::{SqliteStore, transaction_columns};

#[async_trait]
impl Listings for SqliteStore {
    async fn list_payments(&self, query: &PaymentQuery) -> Result<Vec<Transaction>, StoreError> {
        let query = query.clone();
        Ok(self.searchers.read(move |conn| list(conn, &query)).await?)
    }

    async fn payments_named(&self, query: &NamedQuery) -> Result<Vec<Transaction>, StoreError> {
        let query = query.clone();
        Ok(self.searchers.read(move |conn| named(conn, &query)).await?)
    }
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
    for run in runs(&snapshot, query)? {
        places.extend(head(&snapshot, run, &filters, after.as_ref(), i64::from(query.limit))?);
    }
    newest(&snapshot, places, query.limit)
}

fn named(conn: &Connection, query: &NamedQuery) -> Result<Vec<Transaction>, Failure> {
    const KINDS: [&str; 6] = [
        "txn_id = ?",
        "lower(gateway_txn_id) = lower(?) AND gateway_txn_id IS NOT NULL",
        "txn_id IN (SELECT txn_id FROM eg_pg_transaction_bills WHERE bill_id = ?)",
        "consumer_code = ?",
        "receipt = ?",
        "txn_id IN (SELECT original_txn_id FROM eg_pg_transaction_refund WHERE refund_id = ?)",
    ];
    let snapshot = conn.unchecked_transaction()?;
    let filters = [in_scopes(&query.within)];
    let mut places = Vec::new();
    for kind in KINDS {
        for spelling in &query.spellings {
            let run = Condition::new(kind, [spelling]);
            places.extend(head(&snapshot, run, &filters, None, i64::from(query.limit))?);
        }
    }
    newest(&snapshot, places, u32::MAX)
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

/// A run for each tenant and status, within the days that are asked for.
fn runs(conn: &Connection, query: &PaymentQuery) -> Result<Vec<Condition>, Failure> {
    let statuses = match query.status {
        Some(status) => vec![status],
        None => vec![StatusName::Pending, StatusName::Success, StatusName::Failure],
    };
    let mut sql = String::from("tenant_id = ? AND txn_status = ?");
    let mut times = Vec::new();
    for (bound, at) in [(" AND created_time >= ?", query.from), (" AND created_time < ?", query.to)] {
        if let Some(at) = at {
            sql.push_str(bound);
            times.push(Value::Integer(at.as_millis()));
        }
    }
    let mut runs = Vec::new();
    for scope in &query.within {
        for tenant in tenants_within(conn, scope)? {
            for status in &statuses {
                let mut values = vec![Value::Text(tenant.clone()), Value::Text(status.as_str().to_owned())];
                values.extend(times.iter().cloned());
                runs.push(Condition { sql: sql.clone().into(), values });
            }
        }
    }
    Ok(runs)
}

/// In a form that uses no index.
fn filters(query: &PaymentQuery) -> Vec<Condition> {
    let mut filters = vec![in_scopes(&query.within)];
    if let Some(gateway) = &query.gateway {
        filters.push(Condition::new("+gateway = ?", [gateway.as_str()]));
    }
    if let Some(module) = &query.module {
        filters.push(Condition::new("+module = ?", [module]));
    }
    for (sql, amount) in [
        ("(+currency = ? AND +txn_amount_minor >= ?)", query.amount_from),
        ("(+currency = ? AND +txn_amount_minor <= ?)", query.amount_to),
    ] {
        if let Some(amount) = amount {
            let code = Value::Text(amount.currency().code().to_owned());
            filters.push(Condition { sql: sql.into(), values: vec![code, Value::Integer(amount.minor())] });
        }
    }
    filters
}

/// No condition holds where there is no scope.
fn in_scopes(scopes: &[TenantScope]) -> Condition {
    const ONE: &str = "+tenant_id = ? OR (+tenant_id >= ? AND +tenant_id < ?)";
    let any = vec![ONE; scopes.len()].join(" OR ");
    let sql = if any.is_empty() { "FALSE".into() } else { format!("({any})").into() };
    Condition { sql, values: scopes.iter().flat_map(below).map(Value::Text).collect() }
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
            status: None,
            gateway: Some(GatewayName::new("SANDBOX")),
            module: Some("PT".to_owned()),
            amount_from: Some(amount),
            amount_to: Some(amount),
            from: Some(Timestamp::from_millis(0)),
            to: Some(Timestamp::from_millis(1)),
            after: None,
            limit: 10,
        };
        let runs = runs(&conn, &query).unwrap();
        assert_eq!(runs.len(), 3);
        for (run, behind) in runs.iter().flat_map(|run| [(run, false), (run, true)]) {
            let sql = head_sql(run, &filters(&query), behind);
            let steps = plan(&conn, &sql);
            let reads_a_run = |step: &String| {
                step.contains("eg_pg_transactions_by_tenant") && step.contains("created_time>")
            };
            assert!(steps.iter().all(reads_a_run), "{sql}\n{steps:#?}");
        }
        let by_gateway =
            Condition::new("lower(gateway_txn_id) = lower(?) AND gateway_txn_id IS NOT NULL", ["x"]);
        let steps = plan(&conn, &head_sql(&by_gateway, &[in_scopes(&query.within)], false));
        assert!(steps.iter().all(|step| step.contains("by_gateway_txn_id")), "{steps:#?}");
    }
}
