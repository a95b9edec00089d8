//! Rows written by an earlier egov-pg-service: adopting them, and reading their peculiarities.
//!
//! The rows are not changed. Missing data is added beside them: the bills by which they are found, and the
//! claims of those that are PENDING or SUCCESS. Where history has several payments of one bill, one of them
//! gets the claim: a SUCCESS before a PENDING, then the earliest. When it fails the next one does
//! ([`claims`]).
//!
//! Adoption runs each time a store is opened, because the earlier service may have stored rows after the
//! first time: new rows are found by their age. No row of the earlier service is
//! locked.

use payment_domain::{BillId, BillPayment, Currency, Money};
use payment_store::migration::OddRows;
use serde::Deserialize;
use serde_json::Value;
use serde_json::value::RawValue;

use crate::claims;
use crate::connections::Migrator;
use crate::failure::Failure;
use crate::migrations;

/// How much younger rows than these may still arrive late, through the earlier service's queue.
const LATECOMERS_MS: i64 = 7 * 24 * 60 * 60 * 1_000;

/// How many rows are taken in by one database transaction: about a second's work.
const BATCH: i64 = 10_000;
/// The number of batches between two reports.
const REPORTED: u64 = 50;

/// Which rows are taken in together, as a condition on `$1`.
#[derive(Debug, Clone, Copy)]
enum Range {
    /// All from a moment on.
    From(i64),
    /// The rows from one time until another.
    Between(i64, i64),
    /// The rows without a time.
    Timeless,
}

/// Which of the rows in a range.
#[derive(Debug, Clone, Copy)]
enum Which {
    Successful,
    All,
}

/// Adopts rows, with every bill they name, and claims those of the live ones, by one statement: a row that
/// the earlier service stores meanwhile is either in both or in neither. In the common lock order of claims.
/// Where another transaction holds the bill, its claim is locked and left to it: it cannot be released except
/// by a writer that knows of the adopted rows. A claim is added with the bill, and only then: one that was
/// released since stays free.
fn take_in_statement(range: Range, which: Which) -> String {
    let range = match range {
        Range::From(_) => "created_time >= $1 AND $2::bigint IS NULL",
        Range::Between(..) => "created_time > $1 AND created_time <= $2",
        Range::Timeless => "created_time IS NULL AND $1::bigint IS NULL AND $2::bigint IS NULL",
    };
    let which = match which {
        Which::Successful => "AND txn_status = 'SUCCESS'",
        Which::All => "",
    };
    format!(
        "WITH newcomers AS (
            SELECT txn_id, tenant_id, bill_id, txn_status, created_time, additional_details
            FROM eg_pg_transactions AS t
            WHERE version IS NULL AND {range} {which}
        ), named AS (
            SELECT txn_id, tenant_id, txn_status, created_time, bill_id FROM newcomers
            UNION
            SELECT txn_id, tenant_id, txn_status, created_time, paid ->> 'billId'
            FROM newcomers CROSS JOIN LATERAL jsonb_array_elements(
                CASE jsonb_typeof(additional_details -> 'taxAndPayments')
                    WHEN 'array' THEN additional_details -> 'taxAndPayments' ELSE '[]' END) AS paid
        ), bills AS (
            SELECT * FROM named WHERE char_length(bill_id) BETWEEN 1 AND 64
        ), claimed AS (
            INSERT INTO eg_pg_bill_claims (tenant_id, bill_id, txn_id)
            SELECT DISTINCT ON (tenant_id COLLATE \"C\", bill_id COLLATE \"C\") tenant_id, bill_id, txn_id FROM bills
            WHERE txn_status IN ('PENDING', 'SUCCESS')
                AND NOT EXISTS (SELECT 1 FROM eg_pg_transaction_bills AS known
                    WHERE known.bill_id = bills.bill_id COLLATE \"C\" AND known.txn_id = bills.txn_id)
            ORDER BY tenant_id COLLATE \"C\", bill_id COLLATE \"C\", txn_status = 'SUCCESS' DESC,
                created_time NULLS LAST, txn_id COLLATE \"C\"
            ON CONFLICT (tenant_id, bill_id) DO UPDATE SET txn_id = eg_pg_bill_claims.txn_id
        )
        INSERT INTO eg_pg_transaction_bills (bill_id, txn_id) SELECT bill_id, txn_id FROM bills
        ON CONFLICT (bill_id, txn_id) DO NOTHING"
    )
}

/// A row is identified by its bill; one whose bill id is no key is new when it is younger than all adopted
/// ones ($2).
const COUNT: &str = "
    SELECT count(*), max(created_time) FROM eg_pg_transactions AS t
    WHERE version IS NULL AND ($1::bigint IS NULL OR created_time >= $1)
        AND CASE WHEN char_length(bill_id) BETWEEN 1 AND 64
            THEN NOT EXISTS (SELECT 1 FROM eg_pg_transaction_bills AS known
                WHERE known.bill_id = t.bill_id COLLATE \"C\" AND known.txn_id = t.txn_id)
            ELSE $2::bigint IS NULL OR created_time > $2 END";

/// While the earlier service still ran, it may have failed payments whose bills were claimed here.
const HELD_BY_FAILED: &str = "
    SELECT coalesce(array_agg(claim.tenant_id), '{}'), coalesce(array_agg(claim.bill_id), '{}'),
        coalesce(array_agg(claim.txn_id), '{}')
    FROM eg_pg_transactions AS t JOIN eg_pg_transaction_bills AS bill ON bill.txn_id = t.txn_id
    JOIN eg_pg_bill_claims AS claim ON claim.tenant_id = t.tenant_id COLLATE \"C\"
        AND claim.bill_id = bill.bill_id AND claim.txn_id = t.txn_id
    WHERE t.version IS NULL AND t.txn_status = 'FAILURE' AND t.created_time >= $1
        AND NOT EXISTS (SELECT 1 FROM eg_pg_attention AS case_
            WHERE case_.txn_id = t.txn_id AND case_.resolved_at IS NULL)";

/// Lets those go.
async fn free_failed(migrator: &Migrator, from: i64) -> Result<(), Failure> {
    let found = migrator.row(HELD_BY_FAILED, &[&from]).await?;
    let held: [Vec<String>; 3] = [found.try_get(0)?, found.try_get(1)?, found.try_get(2)?];
    let [tenants, bills, holders] = &held;
    if !holders.is_empty() {
        migrator.rows(claims::LOCK, &[tenants, bills, holders]).await?;
        migrator.rows(claims::RELEASE, &[tenants, bills, holders]).await?;
    }
    Ok(())
}

/// Adopts the rows that were not adopted before; returns their number. The first time, with perhaps millions
/// of them, it is done in batches; an interrupted one begins anew and skips finished rows.
pub(crate) async fn take_in(migrator: &Migrator) -> Result<u64, Failure> {
    migrations::begin(migrator).await?;
    let through = adopted_through(migrator).await?;
    let from = through.map(|through| through.saturating_sub(LATECOMERS_MS));
    if let Some(from) = from {
        free_failed(migrator, from).await?;
    }
    let counted = migrator.row(COUNT, &[&from, &through]).await?;
    let (rows, youngest): (i64, Option<i64>) = (counted.try_get(0)?, counted.try_get(1)?);
    if rows > 0
        && let Some(from) = from
    {
        one_batch(migrator, Range::From(from), Which::All).await?;
        note_adopted(migrator, youngest).await?;
    }
    migrator.commit().await?;
    let rows = u64::try_from(rows).map_err(|_| Failure::OutOfRange)?;
    if rows > 0 && from.is_none() {
        take_all_in(migrator, rows, youngest).await?;
    }
    Ok(rows)
}

/// How many rows are there to be taken in.
pub(crate) async fn count(migrator: &Migrator) -> Result<u64, Failure> {
    let through = adopted_through(migrator).await?;
    let from = through.map(|through| through.saturating_sub(LATECOMERS_MS));
    let rows: i64 = migrator.row(COUNT, &[&from, &through]).await?.try_get(0)?;
    u64::try_from(rows).map_err(|_| Failure::OutOfRange)
}

async fn adopted_through(migrator: &Migrator) -> Result<Option<i64>, Failure> {
    let mark = migrator.rows("SELECT adopted_through FROM eg_pg_adoption", &[]).await?;
    Ok(mark.first().map(|row| row.try_get(0)).transpose()?.flatten())
}

async fn note_adopted(migrator: &Migrator, youngest: Option<i64>) -> Result<(), Failure> {
    const NOTE: &str = "
        INSERT INTO eg_pg_adoption (only_row, adopted_through) VALUES (1, $1)
        ON CONFLICT (only_row) DO UPDATE SET
            adopted_through = greatest(eg_pg_adoption.adopted_through, excluded.adopted_through)";
    migrator.rows(NOTE, &[&youngest]).await.map(|_| ())
}

/// Two passes by age, so that a bill goes to its earliest SUCCESS, wherever that stands, before any other. The second
/// pass is over all rows: a payment may have become a SUCCESS behind the first.
async fn take_all_in(migrator: &Migrator, rows: u64, youngest: Option<i64>) -> Result<(), Failure> {
    for (pass, which) in [(1, Which::Successful), (2, Which::All)] {
        let mut after = i64::MIN;
        let mut batches = 0;
        while let Some(until) = end_of_batch(migrator, after, youngest).await? {
            if !one_transaction(migrator, Range::Between(after, until), which).await? {
                return Ok(());
            }
            after = until;
            batches += 1;
            if batches % REPORTED == 0 {
                tracing::info!(
                    pass,
                    batches,
                    rows_in_all = rows,
                    "transactions of an earlier service are being adopted, in two passes of batches"
                );
            }
        }
        if !one_transaction(migrator, Range::Timeless, which).await? {
            return Ok(());
        }
    }
    migrations::begin(migrator).await?;
    note_adopted(migrator, youngest).await?;
    if rows > BATCH.unsigned_abs() {
        // The planner's statistics are those of empty tables.
        migrator.batch("ANALYZE eg_pg_transactions, eg_pg_transaction_bills, eg_pg_bill_claims").await?;
    }
    migrator.commit().await
}

/// The creation time of the last row of the batch behind `after`.
async fn end_of_batch(
    migrator: &Migrator,
    after: i64,
    youngest: Option<i64>,
) -> Result<Option<i64>, Failure> {
    const END: &str = "
        SELECT max(created_time) FROM (
            SELECT created_time FROM eg_pg_transactions
            WHERE version IS NULL AND created_time > $1 AND created_time <= $2 ORDER BY created_time LIMIT $3
        ) AS batch";
    Ok(migrator.row(END, &[&after, &youngest, &BATCH]).await?.try_get(0)?)
}

/// Adopts a range by itself. `false` when another node has finished meanwhile, which is possible with shared
/// sessions: claims released since must not be taken again.
async fn one_transaction(migrator: &Migrator, range: Range, which: Which) -> Result<bool, Failure> {
    migrations::begin(migrator).await?;
    let is_open = adopted_through(migrator).await?.is_none();
    if is_open {
        one_batch(migrator, range, which).await?;
    }
    migrator.commit().await?;
    Ok(is_open)
}

async fn one_batch(migrator: &Migrator, range: Range, which: Which) -> Result<(), Failure> {
    let (from, until) = match range {
        Range::From(from) => (Some(from), None),
        Range::Between(after, until) => (Some(after), Some(until)),
        Range::Timeless => (None, None),
    };
    migrator.rows(&take_in_statement(range, which), &[&from, &until]).await.map(|_| ())
}

/// Every adopted row with its unknown values, in words; NULL where it has none.
const JUDGED: &str = "
    (SELECT txn_id::text, nullif(concat_ws(', ',
        CASE WHEN txn_id = '' OR char_length(txn_id) > 128 OR txn_id ~ '[\\u0001-\\u001f\\u007f-\\u009f]'
            THEN 'an unusual id' END,
        CASE WHEN coalesce(bill_id, '') = '' THEN 'no bill id'
            WHEN char_length(bill_id) > 64 OR bill_id ~ '[\\u0001-\\u001f\\u007f-\\u009f]'
            THEN 'an unusual bill id' END,
        CASE WHEN coalesce(tenant_id, '') = '' THEN 'no tenant'
            WHEN char_length(tenant_id) > 50 OR tenant_id ~ '[\\u0001-\\u001f\\u007f-\\u009f]'
            THEN 'an unusual tenant' END,
        CASE WHEN txn_amount IS NULL THEN 'no amount'
            WHEN txn_amount < 0 OR txn_amount > 9999999999999.99 OR txn_amount <> round(txn_amount, 2)
            THEN 'an amount out of range' END,
        CASE WHEN coalesce(txn_status, '') = '' THEN 'no status'
            WHEN txn_status NOT IN ('PENDING', 'SUCCESS', 'FAILURE') THEN 'an unknown status' END,
        CASE WHEN coalesce(gateway, '') = '' THEN 'no gateway' END,
        CASE WHEN created_time IS NULL THEN 'no moment of creation' END), '') AS oddity
     FROM eg_pg_transactions WHERE version IS NULL) AS judged";

/// The adopted rows that keep no rule of ours. It reads all rows that were adopted and never changed.
pub(crate) async fn odd_rows(migrator: &Migrator) -> Result<OddRows, Failure> {
    let count = format!("SELECT count(*) FROM {JUDGED} WHERE oddity IS NOT NULL");
    let name = format!(
        "SELECT txn_id, oddity FROM {JUDGED} WHERE oddity IS NOT NULL ORDER BY txn_id COLLATE \"C\" LIMIT $1"
    );
    migrator.begin().await?;
    let count: i64 = migrator.row(&count, &[]).await?.try_get(0)?;
    let limit = i64::try_from(OddRows::NAMED).map_err(|_| Failure::OutOfRange)?;
    let mut named = Vec::new();
    for row in migrator.rows(&name, &[&limit]).await? {
        named.push((row.try_get(0)?, row.try_get(1)?));
    }
    migrator.commit().await?;
    Ok(OddRows { count: u64::try_from(count).map_err(|_| Failure::OutOfRange)?, named })
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Details {
    tax_and_payments: Vec<Paid>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Paid {
    bill_id: BillId,
    amount_paid: Box<RawValue>,
    #[serde(default)]
    tax_amount: Option<Box<RawValue>>,
}

/// The amounts paid towards each bill by the details of an adopted row, if they make sense. A row has one
/// currency.
pub(crate) fn bills(details: &str, currency: Currency) -> Option<Vec<BillPayment>> {
    let details: Details = serde_json::from_str(details).ok()?;
    let payment = |paid: Paid| {
        Some(BillPayment {
            tax_amount: paid.tax_amount.and_then(|amount| Money::from_json(&amount, currency).ok()),
            amount_paid: Money::from_json(&paid.amount_paid, currency).ok()?,
            bill_id: paid.bill_id,
        })
    };
    let bills: Option<Vec<BillPayment>> = details.tax_and_payments.into_iter().map(payment).collect();
    bills.filter(|bills| !bills.is_empty())
}

/// Every bill the details of an adopted row name: as the statements above find them.
pub(crate) fn bill_ids(details: &str) -> Vec<BillId> {
    let details: Value = serde_json::from_str(details).unwrap_or_default();
    let paid = details.get("taxAndPayments").and_then(Value::as_array);
    let named = paid.into_iter().flatten().filter_map(|paid| match paid.get("billId")? {
        Value::String(bill) => Some(BillId::stored(bill.as_str())),
        Value::Number(bill) => Some(BillId::stored(bill.to_string())),
        Value::Null | Value::Bool(_) | Value::Array(_) | Value::Object(_) => None,
    });
    named.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn adopted_bills_are_read_with_the_amounts_an_earlier_service_wrote() {
        let details = r#"{"taxAndPayments": [
            {"taxAmount": null, "amountPaid": 100, "billId": "B1"},
            {"taxAmount": 1000.000, "amountPaid": 0.500, "billId": "B2"},
            {"amountPaid": "7.25", "billId": "B3"}]}"#;
        let read: Vec<_> = bills(details, Currency::INR)
            .unwrap()
            .into_iter()
            .map(|bill| {
                (bill.bill_id.to_string(), bill.amount_paid.minor(), bill.tax_amount.map(Money::minor))
            })
            .collect();
        assert_eq!(
            read,
            [
                ("B1".to_owned(), 10_000, None),
                ("B2".to_owned(), 50, Some(100_000)),
                ("B3".to_owned(), 725, None)
            ]
        );
    }

    #[test]
    fn details_that_make_no_sense_are_no_bills_but_name_them() {
        for details in [
            "null",
            "[]",
            "{}",
            r#"{"taxAndPayments": null}"#,
            r#"{"taxAndPayments": []}"#,
            r#"{"taxAndPayments": [{"amountPaid": 1}]}"#,
            r#"{"taxAndPayments": [{"amountPaid": 1.005, "billId": "B1"}]}"#,
            r#"{"taxAndPayments": [{"amountPaid": -1, "billId": "B1"}]}"#,
        ] {
            assert_eq!(bills(details, Currency::INR), None, "{details}");
        }
        let named =
            r#"{"taxAndPayments": [{"amountPaid": "much", "billId": "B1"}, {}, 7, {"billId": "B2"}]}"#;
        assert_eq!(bill_ids(named), ["B1", "B2"].map(|bill| BillId::new(bill).unwrap()));
        assert_eq!(bill_ids("17"), []);
    }
}
