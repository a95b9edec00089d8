//! Payments: the columns that exports have, read without values of their own for each row.

use std::fmt::Write as _;

use payment_domain::{Currency, Money, StatusName};
use payment_store::{FEW_TENANTS, PaymentLine, PaymentLines, PaymentQuery};
use tokio_postgres::Row;

use super::{Statement, View};
use crate::failure::Failure;
use crate::rows::Columns;
use crate::{listings, rows};

const COLUMNS: &str = "t.txn_id COLLATE \"C\" AS txn_id, t.whole_texts::text AS whole_texts, t.created_time,
    t.last_modified_time, t.txn_status, t.currency, t.txn_amount_minor,
    CASE WHEN t.txn_amount_minor IS NULL THEN t.txn_amount::text END AS txn_amount, t.tenant_id, t.module,
    t.consumer_code, t.bill_id, t.gateway, t.gateway_txn_id, t.pg_bank_transaction_no, t.gateway_payment_mode,
    t.receipt, t.name, t.mobile_number, t.email_id";

/// The statement of a list; `None` when it is empty whatever is stored.
pub(super) async fn statement(
    view: &View,
    query: &PaymentQuery,
    foreign: &[String],
) -> Result<Option<Statement>, Failure> {
    let (sql, values) = listings::tenants(query);
    let found = view.rows(&sql, &values).await?;
    let tenants: Vec<String> = rows::all(&found, |row| Ok(row.try_get(0)?))?;
    let (sql, values) = listings::are_all(&tenants);
    let are_all = rows::first(&view.rows(&sql, &values).await?)?.unwrap_or(false);
    // Where nothing has to be left out, the runs of statuses are merged in half the time.
    let most = if are_all { FEW_TENANTS } else { listings::MOST_TENANTS };
    let tenants = (tenants.len() <= most).then_some(tenants);
    Ok(listings::whole(query, COLUMNS, tenants, foreign).map(|(sql, values)| Statement { sql, values }))
}

pub(super) fn read(found: &[Row]) -> Result<PaymentLines, Failure> {
    let mut lines = PaymentLines::with_capacity(found.len());
    let mut amount = Amount { text: String::new(), currency: Currency::INR };
    for row in found {
        read_row(row, &mut amount, &mut lines)?;
    }
    Ok(lines)
}

/// Absent values of an adopted row are empty, and unknown ones are shown as they are stored.
fn read_row(row: &Row, amount: &mut Amount, lines: &mut PaymentLines) -> Result<(), Failure> {
    let mut columns = Columns::of(row, "eg_pg_transactions")?;
    columns.read_whole_texts("whole_texts")?;
    let columns = columns;
    let text = |column: &'static str| -> Result<&str, Failure> {
        Ok(columns.get::<Option<&str>>(column)?.unwrap_or_default())
    };
    // A text that did not fit its column is kept whole beside it.
    let limited =
        |column: &'static str| -> Result<&str, Failure> { Ok(columns.whole(column)?.unwrap_or_default()) };
    let (created_at, modified_at) =
        (columns.optional_moment("created_time")?, columns.optional_moment("last_modified_time")?);
    let status = text("txn_status")?;
    let currency = columns.get::<Option<&str>>("currency")?.unwrap_or(Currency::INR.code());
    amount.read(&columns, currency)?;
    let mut line = PaymentLine {
        id: row.try_get(0)?,
        tenant_id: text("tenant_id")?,
        module: limited("module")?,
        consumer_code: limited("consumer_code")?,
        bill_id: text("bill_id")?,
        gateway: limited("gateway")?,
        gateway_txn_id: limited("gateway_txn_id")?,
        bank_txn_no: text("pg_bank_transaction_no")?,
        payment_mode: limited("gateway_payment_mode")?,
        receipt: limited("receipt")?,
        payer_name: limited("name")?,
        mobile_number: limited("mobile_number")?,
        email_id: limited("email_id")?,
        status,
        amount: &amount.text,
        currency,
        created_at,
        modified_at,
    };
    // A receipt counts only where there was a success.
    if status != StatusName::Success.as_str() {
        line.receipt = "";
    }
    lines.push(&line);
    Ok(())
}

/// Reused for every row.
struct Amount {
    text: String,
    /// Of the row before.
    currency: Currency,
}

impl Amount {
    fn read(&mut self, columns: &Columns<'_>, code: &str) -> Result<(), Failure> {
        let currency = match code == self.currency.code() {
            true => Some(self.currency),
            false => Currency::from_code(code),
        };
        let minor: Option<i64> = columns.get("txn_amount_minor")?;
        let stored = columns.get::<Option<&str>>("txn_amount")?.unwrap_or_default();
        let amount = match (currency, minor) {
            (Some(currency), Some(minor)) => {
                let amount = Money::from_minor(minor, currency);
                Some(amount.map_err(|_| columns.unreadable("txn_amount_minor"))?)
            }
            (Some(currency), None) => Money::parse(stored, currency).ok(),
            (None, Some(_)) => return Err(columns.unreadable("currency")),
            (None, None) => None,
        };
        self.currency = currency.unwrap_or(self.currency);
        self.text.clear();
        match amount {
            Some(amount) => write!(self.text, "{amount}").map_err(|_| Failure::Unwritable)?,
            None => self.text.push_str(stored),
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use payment_store::TenantScope;
    use payment_testing::postgres::{FreshDatabase, connect};

    use super::*;
    use crate::{PostgresOptions, PostgresStore};

    /// Payments of forty cities in every status, and of another state.
    const PAYMENTS: &str = "
        INSERT INTO eg_pg_transactions (txn_id, txn_amount, gateway, bill_id, product_info, user_uuid, user_name,
            name, user_tenant_id, txn_status, tenant_id, created_time, module)
        SELECT 'T' || n, 1, 'AXIS', 'B', 'Tax', 'U', 'U', 'Asha', 'pb',
            (ARRAY['PENDING', 'SUCCESS', 'FAILURE'])[n % 3 + 1], CASE WHEN n % 41 = 0 THEN 'mh.pune' ELSE 'pb.c' || n % 41 END, n / 2, 'PT'
        FROM generate_series(1, 20000) AS n;
        ANALYZE eg_pg_transactions";

    #[tokio::test]
    async fn the_runs_of_a_list_are_merged_and_nothing_is_sorted() {
        let database = FreshDatabase::create().await;
        let (options, _) = PostgresOptions::from_jdbc_url(database.url(), None, None).unwrap();
        let store = PostgresStore::connect(options).await.unwrap();
        connect(database.url()).await.unwrap().batch_execute(PAYMENTS).await.unwrap();
        let scope = |root: &str| TenantScope { root: root.to_owned() };
        let (state, city, all) = (vec![scope("pb")], vec![scope("pb.c7")], vec![scope("pb"), scope("mh")]);
        let taxes = Some("PT".to_owned());
        for (within, module, runs) in
            [(state.clone(), None, 123), (city, None, 3), (state, taxes, 123), (all, None, 3)]
        {
            let query = PaymentQuery { within, module, ..PaymentQuery::default() };
            let (session, _turn) = store.db.reading().await.unwrap();
            let view = View::open(session).await.unwrap();
            let Statement { sql, values } = statement(&view, &query, &[]).await.unwrap().unwrap();
            let plan = view
                .rows(&format!("EXPLAIN DECLARE export NO SCROLL CURSOR FOR {sql}"), &values)
                .await
                .unwrap();
            let plan: Vec<String> = plan.iter().map(|row| row.get(0)).collect();
            let plan = plan.join("\n");
            assert!(plan.contains("Merge Append"), "{plan}");
            assert_eq!(plan.matches("Index Scan").count(), runs, "{plan}");
            assert!(!plan.contains("-> Sort") && !plan.contains("->  Sort"), "{plan}");
            assert!(!plan.contains("Seq Scan"), "{plan}");
            view.close().await.unwrap();
        }
    }
}
