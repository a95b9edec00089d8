//! Searching transactions, newest first.
//!
//! The conditions of a search are turned into one or several *runs*: pieces of an index that lie in
//! the order of the answer. The most selective condition chooses the runs, the others filter what
//! their rows; the planner has no statistics to choose by, so a plus sign keeps it from using the
//! index of a filter. The heads of the runs are merged. So a page is read, however large the
//! table, and never gathered and sorted.

use std::borrow::Cow;

use async_trait::async_trait;
use payment_domain::{StatusName, Transaction, TxnId};
use payment_store::{Search, SearchQuery, StoreError, TenantScope};
use rusqlite::types::Value;
use rusqlite::{Connection, OptionalExtension, params_from_iter};

use crate::failure::Failure;
use crate::rows::{self, Columns};
use crate::{SqliteStore, transaction_columns};

/// Part of a `WHERE` with the values of its question marks.
pub(crate) struct Condition {
    pub(crate) sql: Cow<'static, str>,
    pub(crate) values: Vec<Value>,
    /// The index of a run, where another one would be preferred.
    pub(crate) index: Option<&'static str>,
}

impl Condition {
    pub(crate) fn new<const N: usize>(sql: &'static str, values: [&str; N]) -> Condition {
        Condition {
            sql: sql.into(),
            values: values.into_iter().map(|text| Value::Text(text.to_owned())).collect(),
            index: None,
        }
    }

    /// The table in which it is a run.
    pub(crate) fn table(&self) -> String {
        match self.index {
            Some(index) => format!("eg_pg_transactions INDEXED BY {index}"),
            None => "eg_pg_transactions".to_owned(),
        }
    }
}

/// The place of a transaction in the answer: its creation time, then its id.
pub(crate) type Place = (i64, TxnId);

#[async_trait]
impl Search for SqliteStore {
    async fn search(&self, query: &SearchQuery) -> Result<Vec<Transaction>, StoreError> {
        // A search for one transaction is a small query.
        let readers = if query.txn_id.is_some() { &self.readers } else { &self.searchers };
        let query = query.clone();
        Ok(readers.read(move |conn| search(conn, &query)).await?)
    }
}

fn search(conn: &Connection, query: &SearchQuery) -> Result<Vec<Transaction>, Failure> {
    // One snapshot: a match still matches when it is read.
    let snapshot = conn.unchecked_transaction()?;
    let skipped = usize::try_from(query.page.offset).map_err(|_| Failure::OutOfRange)?;
    let wanted = i64::from(query.page.offset).saturating_add(i64::from(query.page.limit));
    let filters = filters(query);
    let after = match &query.after {
        Some(id) => match place_of(&snapshot, id)? {
            Some(place) => Some(place),
            None => return Ok(Vec::new()),
        },
        None => None,
    };
    let mut places: Vec<Place> = Vec::new();
    for run in runs(&snapshot, query)? {
        places.extend(head(&snapshot, run, &filters, after.as_ref(), wanted)?);
    }
    places.sort_unstable_by(|one, other| other.cmp(one));
    let mut matching = Vec::new();
    let page = places.iter().skip(skipped).take(usize::try_from(query.page.limit).unwrap_or(usize::MAX));
    for (_, id) in page {
        matching.extend(transaction_columns::find(&snapshot, id)?);
    }
    Ok(matching)
}

/// The place of a transaction; `None` where there is none of this id.
pub(crate) fn place_of(conn: &Connection, id: &TxnId) -> Result<Option<Place>, Failure> {
    let mut created = conn.prepare_cached("SELECT created_time FROM eg_pg_transactions WHERE txn_id = ?")?;
    let created = created.query_row([id.as_str()], |row| row.get(0)).optional()?;
    Ok(created.map(|created| (created, id.clone())))
}

/// The first `wanted` places of a run, behind a place if there is one, that pass the filters.
pub(crate) fn head(
    conn: &Connection,
    run: Condition,
    filters: &[Condition],
    after: Option<&Place>,
    wanted: i64,
) -> Result<Vec<Place>, Failure> {
    let sql = head_sql(&run, filters, after.is_some());
    let place = after.map(|(at, id)| [Value::Integer(*at), Value::Text(id.as_str().to_owned())]);
    let values = run
        .values
        .into_iter()
        .chain(place.into_iter().flatten())
        .chain(filters.iter().flat_map(|filter| filter.values.iter().cloned()))
        .chain([Value::Integer(wanted)]);
    rows::all(conn, &sql, params_from_iter(values), |row| {
        let columns = Columns::of(row, "eg_pg_transactions")?;
        Ok((columns.get("created_time")?, columns.txn_id()?))
    })
}

pub(crate) fn head_sql(run: &Condition, filters: &[Condition], behind_a_place: bool) -> String {
    let mut sql = format!("SELECT txn_id, created_time FROM {} WHERE {}", run.table(), run.sql);
    if behind_a_place {
        sql.push_str(" AND (created_time, txn_id) < (?, ?)");
    }
    for filter in filters {
        sql.push_str(" AND ");
        sql.push_str(&filter.sql);
    }
    sql.push_str(" ORDER BY created_time DESC, txn_id DESC LIMIT ?");
    sql
}

/// The runs of the most selective condition. No transaction is in two of them.
fn runs(conn: &Connection, query: &SearchQuery) -> Result<Vec<Condition>, Failure> {
    if let Some(id) = &query.txn_id {
        return Ok(vec![Condition::new("txn_id = ?", [id.as_str()])]);
    }
    if let Some(receipt) = &query.receipt {
        return Ok(vec![Condition::new("receipt = ?", [receipt])]);
    }
    if let Some(bill) = &query.bill_id {
        let sql = "txn_id IN (SELECT txn_id FROM eg_pg_transaction_bills WHERE bill_id = ?)";
        return Ok(vec![Condition::new(sql, [bill.as_str()])]);
    }
    if let Some(consumer_code) = &query.consumer_code {
        return Ok(vec![Condition::new("consumer_code = ?", [consumer_code])]);
    }
    if let Some(uuid) = &query.user_uuid {
        return Ok(vec![Condition::new("user_uuid = ?", [uuid])]);
    }
    if let Some(mine) = &query.mine {
        return Ok(vec![
            Condition::new("user_uuid = ?", [&mine.uuid]),
            Condition::new("created_by = ? AND created_by <> user_uuid", [&mine.uuid]),
        ]);
    }
    let statuses = match query.status {
        Some(status) => vec![status],
        None => vec![StatusName::Pending, StatusName::Success, StatusName::Failure],
    };
    let tenants = match (&query.tenant_id, &query.within) {
        (Some(tenant), _) => vec![tenant.as_str().to_owned()],
        (None, Some(scope)) => tenants_within(conn, scope, usize::MAX)?,
        (None, None) => {
            let run = |status: &StatusName| Condition::new("txn_status = ?", [status.as_str()]);
            return Ok(statuses.iter().map(run).collect());
        }
    };
    Ok(tenants
        .iter()
        .flat_map(|tenant| {
            statuses.iter().map(|status| {
                Condition::new("tenant_id = ? AND txn_status = ?", [tenant.as_str(), status.as_str()])
            })
        })
        .collect())
}

/// Every condition of the query, in a form that uses no index. Those that a run rests on are among
/// them: they cost nothing.
fn filters(query: &SearchQuery) -> Vec<Condition> {
    let mut filters = Vec::new();
    if let Some(tenant) = &query.tenant_id {
        filters.push(Condition::new("+tenant_id = ?", [tenant.as_str()]));
    }
    if let Some(id) = &query.txn_id {
        filters.push(Condition::new("+txn_id = ?", [id.as_str()]));
    }
    if let Some(bill) = &query.bill_id {
        // Correlated, so that it is looked up for each row that is left.
        let sql = "EXISTS (SELECT 1 FROM eg_pg_transaction_bills AS paid
            WHERE paid.bill_id = ? AND paid.txn_id = eg_pg_transactions.txn_id)";
        filters.push(Condition::new(sql, [bill.as_str()]));
    }
    if let Some(uuid) = &query.user_uuid {
        filters.push(Condition::new("+user_uuid = ?", [uuid]));
    }
    if let Some(receipt) = &query.receipt {
        filters.push(Condition::new("+receipt = ?", [receipt]));
    }
    if let Some(consumer_code) = &query.consumer_code {
        filters.push(Condition::new("+consumer_code = ?", [consumer_code]));
    }
    if let Some(status) = query.status {
        filters.push(Condition::new("+txn_status = ?", [status.as_str()]));
    }
    if let Some(mine) = &query.mine {
        filters.push(Condition::new("(+user_uuid = ? OR +created_by = ?)", [&mine.uuid, &mine.uuid]));
    }
    if let Some(scope) = &query.within {
        let [root, from, to] = below(scope);
        let sql = "(+tenant_id = ? OR (+tenant_id >= ? AND +tenant_id < ?))";
        filters.push(Condition::new(sql, [&root, &from, &to]));
    }
    filters
}

/// A tenant, and the range in which all tenants below it lie: from the dot behind it to the
/// character that follows the dot.
pub(crate) fn below(scope: &TenantScope) -> [String; 3] {
    [scope.root.clone(), format!("{}.", scope.root), format!("{}/", scope.root)]
}

/// The tenants of a scope that have transactions, as many as are wanted, each found by one step along the index.
pub(crate) fn tenants_within(
    conn: &Connection,
    scope: &TenantScope,
    wanted: usize,
) -> Result<Vec<String>, Failure> {
    let [root, from, to] = below(scope);
    let mut known = conn.prepare_cached("SELECT 1 FROM eg_pg_transactions WHERE tenant_id = ?1 LIMIT 1")?;
    let mut tenants = Vec::new();
    for tenant in [root, from.clone()] {
        if known.exists([&tenant])? {
            tenants.push(tenant);
        }
    }
    let mut next = conn.prepare_cached(
        "SELECT min(tenant_id) FROM eg_pg_transactions WHERE tenant_id > ?1 AND tenant_id < ?2",
    )?;
    let mut last = from;
    while tenants.len() < wanted
        && let Some(tenant) = next.query_row([&last, &to], |row| row.get::<_, Option<String>>(0))?
    {
        last.clone_from(&tenant);
        tenants.push(tenant);
    }
    Ok(tenants)
}

#[cfg(test)]
mod tests {
    use payment_domain::{BillId, TenantId};
    use payment_store::Mine;
    use payment_store::contract::sample;

    use super::*;
    use crate::plans::{migrated, plan};
    use crate::transaction_columns::JsonParts;

    #[test]
    fn no_search_reads_the_whole_table_or_sorts_what_it_reads() {
        let conn = migrated();
        let new = sample::new_transaction("T1", "B1");
        crate::transactions::create(&conn, &new, &JsonParts::of_new(&new).unwrap(), sample::at(0)).unwrap();
        let everything = SearchQuery {
            tenant_id: Some(TenantId::new(sample::TENANT).unwrap()),
            txn_id: Some(sample::txn_id("T1")),
            bill_id: Some(BillId::new("B1").unwrap()),
            user_uuid: Some("payer-1".to_owned()),
            receipt: Some("R1".to_owned()),
            consumer_code: Some("PT-1001".to_owned()),
            status: Some(StatusName::Pending),
            mine: Some(Mine { uuid: "payer-1".to_owned() }),
            within: Some(TenantScope { root: "pb".to_owned() }),
            after: None,
            page: payment_store::PageRequest::default(),
        };
        for combination in 0..512_u32 {
            let mut query = everything.clone();
            let is_set = |bit: u32| combination & (1 << bit) != 0;
            query.tenant_id.take_if(|_| !is_set(0));
            query.txn_id.take_if(|_| !is_set(1));
            query.bill_id.take_if(|_| !is_set(2));
            query.user_uuid.take_if(|_| !is_set(3));
            query.receipt.take_if(|_| !is_set(4));
            query.consumer_code.take_if(|_| !is_set(5));
            query.status.take_if(|_| !is_set(6));
            query.mine.take_if(|_| !is_set(7));
            query.within.take_if(|_| !is_set(8));
            let filters = filters(&query);
            let runs = runs(&conn, &query).unwrap();
            assert!(!runs.is_empty());
            for (run, behind) in runs.iter().flat_map(|run| [(run, false), (run, true)]) {
                let sql = head_sql(run, &filters, behind);
                let plan = plan(&conn, &sql);
                // A bill has a handful of payments: those may be sorted, and one has no place in it.
                let is_few = query.bill_id.is_some() || query.txn_id.is_some();
                let is_range = plan.iter().any(|step| step.contains("(created_time,txn_id)<(?,?)"));
                assert!(
                    plan.iter().all(|step| !step.contains("SCAN")
                        && (query.bill_id.is_some() || !step.contains("TEMP B-TREE")))
                        && (is_few || is_range == behind),
                    "{sql}\n{plan:#?}"
                );
            }
        }
    }
}
