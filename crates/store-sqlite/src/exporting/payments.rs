//! Payments: the runs of a list, merged as they are read.

use std::cell::Cell;
use std::collections::BinaryHeap;
use std::fmt::Write as _;

use payment_domain::{Currency, Money, Timestamp};
use payment_store::{Pages, PaymentLine, PaymentLines, PaymentQuery};
use rusqlite::fallible_streaming_iterator::FallibleStreamingIterator;
use rusqlite::types::{FromSql, Value};
use rusqlite::{Connection, Row, Rows, Statement, params_from_iter};

use crate::failure::Failure;
use crate::listings;
use crate::search::Condition;

/// The rows of a page, which are short.
const PAGE: usize = 1000;
/// In the order in which a row is read.
const COLUMNS: [&str; 18] = [
    "txn_id",
    "created_time",
    "last_modified_time",
    "txn_status",
    "currency",
    "txn_amount_minor",
    "tenant_id",
    "module",
    "consumer_code",
    "bill_id",
    "gateway",
    "gateway_txn_id",
    "pg_bank_transaction_no",
    "gateway_payment_mode",
    "receipt",
    "name",
    "mobile_number",
    "email_id",
];

pub(super) fn read(
    conn: &Connection,
    query: &PaymentQuery,
    pages: &Pages<PaymentLines>,
) -> Result<(), Failure> {
    let (runs, filters) = (listings::runs(conn, query)?.all, listings::filters(query));
    let mut statements: Vec<(Statement<'_>, Vec<Value>)> = Vec::with_capacity(runs.len());
    for run in runs {
        let statement = conn.prepare(&sql(&run, &filters))?;
        let values = run.values.into_iter();
        let filters = filters.iter().flat_map(|filter| filter.values.iter().cloned());
        statements.push((statement, values.chain(filters).collect()));
    }
    let mut runs: Vec<Rows<'_>> = Vec::with_capacity(statements.len());
    for (statement, values) in &mut statements {
        runs.push(statement.query(params_from_iter(values.iter()))?);
    }
    // The next of each run, the newest on top.
    let mut heads = BinaryHeap::with_capacity(runs.len());
    for (nth, run) in runs.iter_mut().enumerate() {
        heads.extend(advance(run)?.map(|place| (place, nth)));
    }
    let mut amount = String::new();
    let mut page = PaymentLines::with_capacity(PAGE);
    while let Some((_, nth)) = heads.pop() {
        let Some(run) = runs.get_mut(nth) else { continue };
        if let Some(row) = run.get() {
            read_row(row, &mut amount, &mut page)?;
        }
        heads.extend(advance(run)?.map(|place| (place, nth)));
        if page.len() == PAGE {
            let full = std::mem::replace(&mut page, PaymentLines::with_capacity(PAGE));
            if !pages.blocking_page(full) {
                return Ok(());
            }
        }
    }
    pages.blocking_page(page);
    Ok(())
}

fn sql(run: &Condition, filters: &[Condition]) -> String {
    let mut sql = format!("SELECT {} FROM {} WHERE {}", COLUMNS.join(", "), run.table(), run.sql);
    for filter in filters {
        sql.push_str(" AND ");
        sql.push_str(&filter.sql);
    }
    sql.push_str(" ORDER BY created_time DESC, txn_id DESC");
    sql
}

/// The place of the next row of a run.
fn advance(run: &mut Rows<'_>) -> Result<Option<(i64, String)>, Failure> {
    let Some(row) = run.next()? else { return Ok(None) };
    Ok(Some((row.get(1)?, row.get(0)?)))
}

fn read_row(row: &Row<'_>, amount: &mut String, page: &mut PaymentLines) -> Result<(), Failure> {
    let cells = Cells { row, next: Cell::new(0) };
    let id = cells.text()?;
    let (created_at, modified_at) = (cells.moment()?, cells.moment()?);
    let (status, code) = (cells.text()?, cells.text()?);
    let minor: i64 = cells.get()?;
    let currency = Currency::from_code(code);
    let money = currency.and_then(|currency| Money::from_minor(minor, currency).ok());
    let money = money.ok_or_else(|| cells.unreadable())?;
    amount.clear();
    write!(amount, "{money}").map_err(|_| Failure::OutOfRange)?;
    page.push(&PaymentLine {
        id,
        status,
        amount,
        currency: code,
        created_at,
        modified_at,
        tenant_id: cells.text()?,
        module: cells.text()?,
        consumer_code: cells.text()?,
        bill_id: cells.text()?,
        gateway: cells.text()?,
        gateway_txn_id: cells.text()?,
        bank_txn_no: cells.text()?,
        payment_mode: cells.text()?,
        receipt: cells.text()?,
        payer_name: cells.text()?,
        mobile_number: cells.text()?,
        email_id: cells.text()?,
    });
    Ok(())
}

/// The columns of a row one after the other, without values of their own.
struct Cells<'a, 's> {
    row: &'a Row<'s>,
    next: Cell<usize>,
}

impl<'a> Cells<'a, '_> {
    fn place(&self) -> usize {
        let place = self.next.get();
        self.next.set(place + 1);
        place
    }

    fn get<T: FromSql>(&self) -> Result<T, Failure> {
        self.row.get(self.place()).map_err(|_| self.unreadable())
    }

    /// NULL is empty.
    fn text(&self) -> Result<&'a str, Failure> {
        let value = self.row.get_ref(self.place()).map_err(|_| self.unreadable())?;
        Ok(value.as_str_or_null().map_err(|_| self.unreadable())?.unwrap_or_default())
    }

    fn moment(&self) -> Result<Option<Timestamp>, Failure> {
        Ok(self.get::<Option<i64>>()?.map(Timestamp::from_millis))
    }

    /// The failure of the column that was read last.
    fn unreadable(&self) -> Failure {
        let column = COLUMNS.get(self.next.get().saturating_sub(1)).copied().unwrap_or_default();
        let owner = self.row.get(0).unwrap_or_default();
        Failure::Unreadable { table: "eg_pg_transactions", owner, column }
    }
}

#[cfg(test)]
mod tests {
    use payment_store::TenantScope;
    use payment_store::contract::sample;

    use super::*;
    use crate::plans::{migrated, plan};
    use crate::transaction_columns::JsonParts;

    #[test]
    fn an_export_sorts_nothing() {
        let conn = migrated();
        let new = sample::new_transaction("T1", "B1");
        crate::transactions::create(&conn, &new, &JsonParts::of_new(&new).unwrap(), sample::at(0)).unwrap();
        let within = vec![TenantScope { root: "pb".to_owned() }];
        let query = PaymentQuery { within, module: Some("PT".to_owned()), ..PaymentQuery::default() };
        let (runs, filters) = (listings::runs(&conn, &query).unwrap().all, listings::filters(&query));
        assert_eq!(runs.len(), 3);
        for run in &runs {
            let steps = plan(&conn, &sql(run, &filters));
            assert!(steps.iter().all(|step| step.contains("eg_pg_transactions_by_tenant")), "{steps:#?}");
        }
    }
}
