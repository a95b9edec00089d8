//! The registers of the embedded implementations of DIGIT services.

use async_trait::async_trait;
use payment_digit::embedded::{IssuedReceipts, Registers, Registration, StoredPayer};
use payment_digit::{BoxError, PayerDetails, Payment, Receipts};
use payment_domain::{BillId, BillKey, Money, Personal, Timestamp, TxnId};
use rusqlite::{Connection, OptionalExtension, Row, params};

use crate::SqliteStore;
use crate::failure::Failure;

/// The sequence that numbers receipts.
const RECEIPTS: &str = "receipts";

#[async_trait]
impl Registers for SqliteStore {
    async fn take_numbers(&self, sequence: &str, count: u32) -> Result<u64, BoxError> {
        let sequence = sequence.to_owned();
        Ok(self.writer.write(move |conn| take_numbers(conn, &sequence, count)).await?)
    }

    async fn paid_bills(&self, bills: &[BillKey]) -> Result<Vec<BillKey>, BoxError> {
        let bills = bills.to_vec();
        Ok(self.readers.read(move |conn| paid_bills(conn, &bills)).await?)
    }

    async fn register_payment(
        &self,
        payment: &Payment,
        transaction_number: &TxnId,
        now: Timestamp,
        number: fn(u64, Timestamp) -> String,
    ) -> Result<Registration, BoxError> {
        let (payment, transaction_number) = (payment.clone(), transaction_number.clone());
        let work = move |conn: &Connection| register(conn, &payment, &transaction_number, now, number);
        Ok(self.writer.write(work).await?)
    }

    async fn receipts(&self, transaction_number: &TxnId) -> Result<Option<IssuedReceipts>, BoxError> {
        let transaction_number = transaction_number.clone();
        Ok(self.readers.read(move |conn| receipts(conn, &transaction_number)).await?)
    }

    async fn cancel_receipts(
        &self,
        transaction_number: &TxnId,
        reason: &str,
        now: Timestamp,
    ) -> Result<bool, BoxError> {
        let (transaction_number, reason) = (transaction_number.clone(), reason.to_owned());
        Ok(self.writer.write(move |conn| cancel(conn, &transaction_number, &reason, now)).await?)
    }

    async fn payer(
        &self,
        state: &str,
        details: &PayerDetails,
        new_uuid: &str,
        now: Timestamp,
    ) -> Result<StoredPayer, BoxError> {
        let (state, details, new_uuid) = (state.to_owned(), details.clone(), new_uuid.to_owned());
        let (asked_state, asked) = (state.clone(), details.clone());
        // Most payers are known: only the others need a commit.
        if let Some(known) = self.readers.read(move |conn| find_payer(conn, &asked_state, &asked)).await? {
            return Ok(known);
        }
        let work = move |conn: &Connection| find_or_create_payer(conn, &state, &details, &new_uuid, now);
        Ok(self.writer.write(work).await?)
    }
}

fn take_numbers(conn: &Connection, sequence: &str, count: u32) -> Result<u64, Failure> {
    if count == 0 {
        return Err(Failure::OutOfRange);
    }
    let last: i64 = conn
        .prepare_cached(
            "INSERT INTO stand_in_sequences (name, last_taken) VALUES (?1, ?2)
             ON CONFLICT (name) DO UPDATE SET last_taken = last_taken + ?2
             RETURNING last_taken",
        )?
        .query_row(params![sequence, count], |row| row.get(0))?;
    u64::try_from(last - i64::from(count) + 1).map_err(|_| Failure::OutOfRange)
}

fn is_paid(conn: &Connection, bill: &BillKey) -> Result<bool, Failure> {
    Ok(conn
        .prepare_cached("SELECT 1 FROM stand_in_receipts WHERE tenant_id = ?1 AND bill_id = ?2")?
        .exists([bill.tenant.as_str(), bill.bill.as_str()])?)
}

fn paid_bills(conn: &Connection, bills: &[BillKey]) -> Result<Vec<BillKey>, Failure> {
    let mut paid = Vec::new();
    for bill in bills {
        if is_paid(conn, bill)? {
            paid.push(bill.clone());
        }
    }
    Ok(paid)
}

/// Each bill once, in the order of the payment, with the sum paid towards it: a client may split its payment
/// of one bill, and a bill has one receipt.
fn distinct_bills(payment: &Payment) -> Result<Vec<(BillId, Money)>, Failure> {
    let mut distinct: Vec<(BillId, Money)> = Vec::with_capacity(payment.bills.len());
    for (bill, paid) in &payment.bills {
        match distinct.iter_mut().find(|(known, _)| known == bill) {
            Some((_, sum)) => *sum = sum.plus(*paid).ok_or(Failure::OutOfRange)?,
            None => distinct.push((bill.clone(), *paid)),
        }
    }
    Ok(distinct)
}

fn register(
    conn: &Connection,
    payment: &Payment,
    transaction_number: &TxnId,
    now: Timestamp,
    number: fn(u64, Timestamp) -> String,
) -> Result<Registration, Failure> {
    let bills = distinct_bills(payment)?;
    for (bill, _) in &bills {
        let key = BillKey { tenant: payment.tenant_id.clone(), bill: bill.clone() };
        if is_paid(conn, &key)? {
            return Ok(Registration::AlreadyPaid(key));
        }
    }
    let count = u32::try_from(bills.len()).map_err(|_| Failure::OutOfRange)?;
    let first = take_numbers(conn, RECEIPTS, count)?;
    conn.prepare_cached(
        "INSERT INTO stand_in_payments (transaction_number, tenant_id, total_minor, currency, payer_name,
             payer_mobile, paid_at, registered_at, additional_details)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)",
    )?
    .execute(params![
        transaction_number.as_str(),
        payment.tenant_id.as_str(),
        payment.total.minor(),
        payment.total.currency().code(),
        payment.payer_name.expose(),
        payment.payer_mobile.expose(),
        payment.paid_at.as_millis(),
        now.as_millis(),
        serde_json::to_string(&payment.additional_details)?,
    ])?;
    let mut issued = Vec::with_capacity(bills.len());
    for ((bill, paid), (position, receipt)) in bills.iter().zip((1..=count).zip(first..)) {
        let receipt = number(receipt, now);
        conn.prepare_cached(
            "INSERT INTO stand_in_receipts (
                 tenant_id, bill_id, receipt_number, transaction_number, position, paid_minor)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
        )?
        .execute(params![
            payment.tenant_id.as_str(),
            bill.as_str(),
            receipt,
            transaction_number.as_str(),
            position,
            paid.minor(),
        ])?;
        issued.push(receipt);
    }
    Ok(Registration::Registered(Receipts(issued)))
}

fn receipts(conn: &Connection, transaction_number: &TxnId) -> Result<Option<IssuedReceipts>, Failure> {
    let mut statement = conn.prepare_cached(
        "SELECT receipt_number, position, 0 FROM stand_in_receipts WHERE transaction_number = ?1
         UNION ALL
         SELECT receipt_number, position, 1 FROM stand_in_cancelled_receipts WHERE transaction_number = ?1
         ORDER BY 2",
    )?;
    let read = |row: &Row<'_>| Ok((row.get(0)?, row.get(2)?));
    let found: Vec<(String, bool)> =
        statement.query_map([transaction_number.as_str()], read)?.collect::<Result<_, _>>()?;
    let Some((_, cancelled)) = found.first() else { return Ok(None) };
    let cancelled = *cancelled;
    let receipts = Receipts(found.into_iter().map(|(number, _)| number).collect());
    Ok(Some(IssuedReceipts { receipts, cancelled }))
}

/// Sets the receipts of a payment aside.
fn cancel(
    conn: &Connection,
    transaction_number: &TxnId,
    reason: &str,
    now: Timestamp,
) -> Result<bool, Failure> {
    conn.prepare_cached(
        "INSERT INTO stand_in_cancelled_receipts (receipt_number, tenant_id, bill_id, transaction_number,
             position, paid_minor, cancelled_at, reason)
         SELECT receipt_number, tenant_id, bill_id, transaction_number, position, paid_minor, ?2, ?3
         FROM stand_in_receipts WHERE transaction_number = ?1",
    )?
    .execute(params![transaction_number.as_str(), now.as_millis(), reason])?;
    let cancelled = conn
        .prepare_cached("DELETE FROM stand_in_receipts WHERE transaction_number = ?1")?
        .execute([transaction_number.as_str()])?;
    Ok(cancelled > 0)
}

fn find_payer(
    conn: &Connection,
    state: &str,
    details: &PayerDetails,
) -> Result<Option<StoredPayer>, Failure> {
    let mut statement = conn.prepare_cached(
        "SELECT uuid, user_name, email_id FROM stand_in_payers
         WHERE state = ?1 AND mobile_number = ?2 AND name = ?3",
    )?;
    Ok(statement
        .query_row([state, details.mobile_number.expose(), details.name.expose()], payer)
        .optional()?)
}

fn payer(row: &Row<'_>) -> rusqlite::Result<StoredPayer> {
    Ok(StoredPayer {
        uuid: row.get(0)?,
        user_name: Personal::new(row.get::<_, String>(1)?),
        email_id: row.get::<_, Option<String>>(2)?.map(Personal::new),
    })
}

fn find_or_create_payer(
    conn: &Connection,
    state: &str,
    details: &PayerDetails,
    new_uuid: &str,
    now: Timestamp,
) -> Result<StoredPayer, Failure> {
    if let Some(known) = find_payer(conn, state, details)? {
        return Ok(known);
    }
    let mut statement = conn.prepare_cached(
        "INSERT INTO stand_in_payers (state, mobile_number, name, uuid, user_name, email_id, created_at)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)
         RETURNING uuid, user_name, email_id",
    )?;
    let created = params![
        state,
        details.mobile_number.expose(),
        details.name.expose(),
        new_uuid,
        details.user_name.as_ref().unwrap_or(&details.mobile_number).expose(),
        details.email_id.as_ref().map(Personal::expose),
        now.as_millis(),
    ];
    Ok(statement.query_row(created, payer)?)
}
