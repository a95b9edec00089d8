//! Searching refunds, newest first.

use payment_domain::{Refund, RefundStatus, Timestamp};
use payment_store::RefundQuery;
use rusqlite::types::Value;
use rusqlite::{Connection, OptionalExtension, params_from_iter};

use super::{SELECT, read};
use crate::exporting::Statement;
use crate::failure::Failure;
use crate::rows;

/// In the words of the index of those that are under way.
const OPEN: &str = "workflow_status IN ('REQUESTED', 'APPROVED', 'SENT')";

/// Open ones are few: SQLite, which does not know how many there are, would read all in their order.
fn index(query: &RefundQuery) -> &'static str {
    if query.is_of_open_ones() { " INDEXED BY eg_pg_refunds_open" } else { "" }
}

/// A `WHERE` with the values of its question marks.
struct Conditions {
    sql: String,
    values: Vec<Value>,
}

impl Conditions {
    fn of(query: &RefundQuery) -> Conditions {
        let mut all = Conditions { sql: "TRUE".to_owned(), values: Vec::new() };
        let text = |text: &str| Value::Text(text.to_owned());
        if let Some(id) = &query.refund_id {
            all.and("refund_id = ?", [text(id.as_str())]);
        }
        if let Some(id) = &query.txn_id {
            all.and("original_txn_id = ?", [text(id.as_str())]);
        }
        if let Some(tenant) = &query.tenant_id {
            all.and("tenant_id = ?", [text(tenant.as_str())]);
        }
        if let Some(code) = &query.consumer_code {
            all.and("consumer_code = ?", [text(code)]);
        }
        if let Some(bill) = &query.bill_id {
            let paid = "original_txn_id IN (SELECT txn_id FROM eg_pg_transaction_bills WHERE bill_id = ?)";
            all.and(paid, [text(bill.as_str())]);
        }
        if let Some(maker) = &query.requested_by {
            all.and("requested_by = ?", [text(maker)]);
        }
        if let Some(from) = query.from {
            all.and("created_time >= ?", [Value::Integer(from.as_millis())]);
        }
        if let Some(to) = query.to {
            all.and("created_time < ?", [Value::Integer(to.as_millis())]);
        }
        if let Some(maker) = &query.not_requested_by {
            all.and("requested_by <> ?", [text(maker)]);
        }
        if let Some(gateway) = &query.gateway {
            all.and("gateway = ?", [text(gateway.as_str())]);
        }
        for (sql, amount) in [
            ("currency = ? AND amount_minor >= ?", query.amount_from),
            ("currency = ? AND amount_minor <= ?", query.amount_to),
        ] {
            if let Some(amount) = amount {
                all.and(sql, [text(amount.currency().code()), Value::Integer(amount.minor())]);
            }
        }
        if query.is_of_open_ones() {
            all.and(OPEN, []);
        }
        if !query.statuses.is_empty() {
            let statuses = query.statuses.iter().copied().map(RefundStatus::as_str).map(text);
            all.any_of("workflow_status = ?", 1, statuses);
        }
        if let Some(scopes) = &query.within {
            let bounds = scopes.iter().flat_map(|scope| {
                [scope.root.clone(), format!("{}.", scope.root), format!("{}/", scope.root)].map(Value::Text)
            });
            all.any_of("tenant_id = ? OR (tenant_id >= ? AND tenant_id < ?)", 3, bounds);
        }
        all
    }

    fn and(&mut self, sql: &str, values: impl IntoIterator<Item = Value>) {
        self.sql.push_str(&format!(" AND ({sql})"));
        self.values.extend(values);
    }

    /// One of several, each with `width` values; none holds where there are none.
    fn any_of(&mut self, sql: &str, width: usize, values: impl IntoIterator<Item = Value>) {
        let values: Vec<Value> = values.into_iter().collect();
        let each = vec![sql; values.len() / width];
        self.and(&if each.is_empty() { "FALSE".to_owned() } else { each.join(" OR ") }, values);
    }
}

pub(super) fn search(conn: &Connection, query: &RefundQuery) -> Result<Vec<Refund>, Failure> {
    let mut conditions = Conditions::of(query);
    if let Some(after) = &query.after {
        let Some(at) = place(conn, query)? else { return Ok(Vec::new()) };
        let id = Value::Text(after.as_str().to_owned());
        conditions.and("(created_time, refund_id) < (?, ?)", [Value::Integer(at), id]);
    }
    let sql = format!(
        "{SELECT}{} WHERE {} ORDER BY created_time DESC, refund_id DESC LIMIT ? OFFSET ?",
        index(query),
        conditions.sql
    );
    let skipped = if query.after.is_some() { 0 } else { query.page.offset };
    let page = [query.page.limit, skipped].map(|number| Value::Integer(i64::from(number)));
    rows::all(conn, &sql, params_from_iter(conditions.values.into_iter().chain(page)), read)
}

/// The refunds of every page.
pub(crate) fn whole(query: &RefundQuery) -> Statement {
    let Conditions { sql, values } = Conditions::of(query);
    (format!("{SELECT}{} WHERE {sql} ORDER BY created_time DESC, refund_id DESC", index(query)), values)
}

/// The moment of the refund behind which a page begins; `None` where none matches of its id.
fn place(conn: &Connection, query: &RefundQuery) -> Result<Option<i64>, Failure> {
    let known = RefundQuery {
        refund_id: query.after.clone(),
        within: query.within.clone(),
        ..RefundQuery::default()
    };
    let conditions = Conditions::of(&known);
    let sql = format!("SELECT created_time FROM eg_pg_transaction_refund WHERE {}", conditions.sql);
    let mut statement = conn.prepare_cached(&sql)?;
    Ok(statement.query_row(params_from_iter(conditions.values), |row| row.get(0)).optional()?)
}

pub(super) fn horizon(
    conn: &Connection,
    query: &RefundQuery,
    examined: u32,
) -> Result<Option<Timestamp>, Failure> {
    if query.is_of_open_ones() {
        return Ok(None);
    }
    let mut conditions = Conditions::of(&RefundQuery { to: query.to, ..RefundQuery::default() });
    if query.after.is_some()
        && let Some(at) = place(conn, query)?
    {
        conditions.and("created_time <= ?", [Value::Integer(at)]);
    }
    let sql = format!(
        "SELECT created_time FROM eg_pg_transaction_refund WHERE {}
        ORDER BY created_time DESC, refund_id DESC LIMIT 1 OFFSET ?",
        conditions.sql
    );
    let skipped = Value::Integer(i64::from(examined.saturating_sub(1)));
    let values = params_from_iter(conditions.values.into_iter().chain([skipped]));
    let at: Option<i64> = conn.prepare_cached(&sql)?.query_row(values, |row| row.get(0)).optional()?;
    Ok(at.map(Timestamp::from_millis))
}

pub(super) fn count(conn: &Connection, query: &RefundQuery) -> Result<u64, Failure> {
    let conditions = Conditions::of(query);
    let sql =
        format!("SELECT count(*) FROM eg_pg_transaction_refund{} WHERE {}", index(query), conditions.sql);
    let count: i64 =
        conn.prepare_cached(&sql)?.query_row(params_from_iter(conditions.values), |row| row.get(0))?;
    u64::try_from(count).map_err(|_| Failure::OutOfRange)
}
