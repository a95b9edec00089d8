//! Searching refunds, newest first.

use payment_domain::{Refund, RefundStatus, Timestamp};
use payment_store::{RefundQuery, TenantScope};
use tokio_postgres::types::ToSql;

use super::columns;
use crate::PostgresStore;
use crate::failure::Failure;
use crate::listings::Bound;
use crate::parameters::storable;
use crate::rows;

const NEWEST_FIRST: &str = "created_time DESC NULLS LAST, refund_id DESC";

/// Those that are set, with the values of their parameters.
struct Conditions {
    sql: String,
    values: Vec<Bound>,
}

impl Conditions {
    fn of(store: &PostgresStore, query: &RefundQuery) -> Conditions {
        let tenant = store.refunds.tenant;
        let owned = |text: &str| storable(text).into_owned();
        let mut all = Conditions { sql: "TRUE".to_owned(), values: Vec::new() };
        if let Some(id) = &query.refund_id {
            all.and(|nth| format!("refund_id = ${nth}::text"), owned(id.as_str()));
        }
        if let Some(id) = &query.txn_id {
            all.and(|nth| format!("original_txn_id = ${nth}::text"), owned(id.as_str()));
        }
        if let Some(id) = &query.tenant_id {
            all.and(|nth| format!("{tenant} = ${nth}::text"), owned(id.as_str()));
        }
        if let Some(code) = &query.consumer_code {
            all.and(|nth| format!("pg_consumer_code = ${nth}::text"), owned(code));
        }
        if let Some(bill) = &query.bill_id {
            let paid = |nth: usize| {
                format!(
                    "original_txn_id IN (SELECT paid.txn_id FROM eg_pg_transaction_bills AS paid
                        WHERE paid.bill_id = ${nth}::text)"
                )
            };
            all.and(paid, owned(bill.as_str()));
        }
        if let Some(maker) = &query.requested_by {
            all.and(|nth| format!("pg_requested_by = ${nth}::text"), owned(maker));
        }
        if let Some(maker) = &query.not_requested_by {
            all.and(|nth| format!("pg_requested_by IS DISTINCT FROM ${nth}::text"), owned(maker));
        }
        if let Some(gateway) = &query.gateway {
            all.and(|nth| format!("upper(gateway) = upper(${nth}::text)"), owned(gateway.as_str()));
        }
        for (sign, amount) in [(">=", query.amount_from), ("<=", query.amount_to)] {
            if let Some(amount) = amount {
                const MINOR: &str = "coalesce(pg_amount_minor, (refund_amount * 100)::bigint)";
                all.and(|nth| format!("{MINOR} {sign} ${nth}::bigint"), amount.minor());
                let code = amount.currency().code().to_owned();
                all.and(|nth| format!("coalesce(pg_currency, 'INR') = ${nth}::text"), code);
            }
        }
        for (sign, at) in [(">=", query.from), ("<", query.to)] {
            if let Some(at) = at {
                all.and(|nth| format!("created_time {sign} ${nth}::bigint"), at.as_millis());
            }
        }
        if !query.statuses.is_empty() {
            let ours: Vec<&'static str> = query.statuses.iter().map(|status| status.as_str()).collect();
            let earlier = earlier_service(&query.statuses);
            // In the words of their index.
            let few = if query.is_of_open_ones() {
                " AND pg_status IN ('REQUESTED', 'APPROVED', 'SENT')"
            } else {
                ""
            };
            let of = |nth: usize| match earlier {
                Some(earlier) => {
                    format!("((pg_status = ANY(${nth}::text[]){few}) OR (pg_status IS NULL AND {earlier}))")
                }
                None => format!("pg_status = ANY(${nth}::text[]){few}"),
            };
            all.and(of, ours);
        }
        if let Some(scopes) = &query.within {
            let within = |nth: usize| {
                format!(
                    "EXISTS (SELECT 1 FROM unnest(${nth}::text[]) AS root
                        WHERE {tenant} = root OR starts_with({tenant}, root || '.'))"
                )
            };
            let root = |scope: &TenantScope| owned(&scope.root);
            all.and(within, scopes.iter().map(root).collect::<Vec<String>>());
        }
        all
    }

    /// The place of a value.
    fn bind(&mut self, value: impl ToSql + Sync + Send + 'static) -> usize {
        self.values.push(Box::new(value));
        self.values.len()
    }

    fn and(&mut self, sql: impl FnOnce(usize) -> String, value: impl ToSql + Sync + Send + 'static) {
        let nth = self.bind(value);
        self.sql.push_str(" AND ");
        self.sql.push_str(&sql(nth));
    }

    fn values(&self) -> Vec<&(dyn ToSql + Sync)> {
        self.values.iter().map(|value| value.as_ref() as &(dyn ToSql + Sync)).collect()
    }
}

/// The refunds of an earlier service that are read as one of these statuses; `None` where there is none.
fn earlier_service(statuses: &[RefundStatus]) -> Option<&'static str> {
    let has = |status| statuses.contains(&status);
    match (has(RefundStatus::Succeeded), has(RefundStatus::Failed), has(RefundStatus::Sent)) {
        (false, false, false) => None,
        (true, false, false) => Some("upper(status) = 'SUCCESS'"),
        (false, true, false) => Some("upper(status) = 'FAILURE'"),
        (false, false, true) => Some("upper(status) NOT IN ('SUCCESS', 'FAILURE')"),
        (true, true, false) => Some("upper(status) IN ('SUCCESS', 'FAILURE')"),
        (true, false, true) => Some("upper(status) <> 'FAILURE'"),
        (false, true, true) => Some("upper(status) <> 'SUCCESS'"),
        (true, true, true) => Some("TRUE"),
    }
}

/// Where a page begins. Rows of an earlier service without a time are the oldest.
enum Place {
    Newest,
    Behind(i64, String),
    Timeless(Option<String>),
}

pub(super) async fn search(store: &PostgresStore, query: &RefundQuery) -> Result<Vec<Refund>, Failure> {
    let Some(place) = place(store, query).await? else { return Ok(Vec::new()) };
    let mut found = page(store, query, &place, query.page.limit).await?;
    let missing = query.page.limit.saturating_sub(u32::try_from(found.len()).unwrap_or(u32::MAX));
    if matches!(place, Place::Behind(..)) && missing > 0 && query.from.is_none() && query.to.is_none() {
        found.extend(page(store, query, &Place::Timeless(None), missing).await?);
    }
    Ok(found)
}

/// `None` where no refund matches of the id behind which the page begins.
async fn place(store: &PostgresStore, query: &RefundQuery) -> Result<Option<Place>, Failure> {
    let Some(after) = &query.after else { return Ok(Some(Place::Newest)) };
    let known = RefundQuery {
        refund_id: Some(after.clone()),
        within: query.within.clone(),
        ..RefundQuery::default()
    };
    let conditions = Conditions::of(store, &known);
    let sql = format!("SELECT created_time FROM eg_pg_transaction_refund WHERE {}", conditions.sql);
    let found = store.db.planned(&sql, &conditions.values()).await?;
    let id = || storable(after.as_str()).into_owned();
    Ok(rows::first::<Option<i64>>(&found)?.map(|at| match at {
        Some(at) => Place::Behind(at, id()),
        None => Place::Timeless(Some(id())),
    }))
}

async fn page(
    store: &PostgresStore,
    query: &RefundQuery,
    place: &Place,
    limit: u32,
) -> Result<Vec<Refund>, Failure> {
    let mut all = Conditions::of(store, query);
    let skipped = match place {
        Place::Newest => query.page.offset,
        Place::Behind(at, id) => {
            let at = all.bind(*at);
            all.and(|nth| format!("(created_time, refund_id) < (${at}::bigint, ${nth}::text)"), id.clone());
            0
        }
        Place::Timeless(id) => {
            all.sql.push_str(" AND created_time IS NULL");
            if let Some(id) = id {
                all.and(|nth| format!("refund_id < ${nth}::text"), id.clone());
            }
            0
        }
    };
    let (limit, skipped) = (all.bind(i64::from(limit)), all.bind(i64::from(skipped)));
    let sql = format!(
        "{} WHERE {} ORDER BY {NEWEST_FIRST} LIMIT ${limit}::bigint OFFSET ${skipped}::bigint",
        store.refunds.select, all.sql
    );
    // A search for one refund is a small query.
    let found = match &query.refund_id {
        Some(_) => store.db.planned(&sql, &all.values()).await?,
        None => store.db.search(&sql, &all.values()).await?,
    };
    rows::all(&found, columns::read)
}

/// The refunds of every page.
pub(crate) fn whole(store: &PostgresStore, query: &RefundQuery) -> (String, Vec<Bound>) {
    let Conditions { sql, values } = Conditions::of(store, query);
    (format!("{} WHERE {sql} ORDER BY {NEWEST_FIRST}", store.refunds.select), values)
}

pub(super) async fn horizon(
    store: &PostgresStore,
    query: &RefundQuery,
    examined: u32,
) -> Result<Option<Timestamp>, Failure> {
    if query.is_of_open_ones() {
        return Ok(None);
    }
    let Some(place) = place(store, query).await? else { return Ok(None) };
    let mut all = Conditions::of(store, &RefundQuery { to: query.to, ..RefundQuery::default() });
    if let Place::Behind(at, _) = place {
        all.and(|nth| format!("created_time <= ${nth}::bigint"), at);
    }
    let skipped = all.bind(i64::from(examined.saturating_sub(1)));
    let sql = format!(
        "SELECT created_time FROM eg_pg_transaction_refund WHERE {} ORDER BY {NEWEST_FIRST}
        LIMIT 1 OFFSET (SELECT ${skipped}::bigint)",
        all.sql
    );
    let found = store.db.search(&sql, &all.values()).await?;
    Ok(rows::first::<Option<i64>>(&found)?.flatten().map(Timestamp::from_millis))
}

pub(super) async fn count(store: &PostgresStore, query: &RefundQuery) -> Result<u64, Failure> {
    let conditions = Conditions::of(store, query);
    let sql = format!("SELECT count(*) FROM eg_pg_transaction_refund WHERE {}", conditions.sql);
    let found = store.db.search(&sql, &conditions.values()).await?;
    let count: i64 = rows::first(&found)?.ok_or(Failure::OutOfRange)?;
    u64::try_from(count).map_err(|_| Failure::OutOfRange)
}
