//! The books of the stand-ins for DIGIT services.

use async_trait::async_trait;
use payment_digit::embedded::{Registers, Registration, StoredPayer};
use payment_digit::{BoxError, PayerDetails, Payment, Receipts};
use payment_domain::{BillId, BillKey, Money, Personal, Timestamp, TxnId};
use tokio_postgres::Row;

use crate::PostgresStore;
use crate::cells::{Cell, Rows, storable};
use crate::connections::{Connections, Transaction};
use crate::failure::Failure;

/// The sequence that numbers receipts.
const RECEIPTS: &str = "receipts";

#[async_trait]
impl Registers for PostgresStore {
    async fn take_numbers(&self, sequence: &str, count: u32) -> Result<u64, BoxError> {
        if count == 0 {
            return Err(Failure::OutOfRange.into());
        }
        let taken = self.db.once(TAKE_NUMBERS, &[&storable(sequence), &i64::from(count)]).await?;
        Ok(first_of(&taken, count)?)
    }

    async fn paid_bills(&self, bills: &[BillKey]) -> Result<Vec<BillKey>, BoxError> {
        let tenants: Vec<&str> = bills.iter().map(|key| key.tenant.as_str()).collect();
        let numbers: Vec<&str> = bills.iter().map(|key| key.bill.as_str()).collect();
        let found = self.db.ask(PAID, &[&tenants, &numbers]).await?;
        Ok(paid_among(bills, &found)?)
    }

    async fn register_payment(
        &self,
        payment: &Payment,
        transaction_number: &TxnId,
        now: Timestamp,
        number: fn(u64, Timestamp) -> String,
    ) -> Result<Registration, BoxError> {
        Ok(register(&self.db, payment, transaction_number, now, number).await?)
    }

    async fn receipts(&self, transaction_number: &TxnId) -> Result<Option<Receipts>, BoxError> {
        const OF: &str = "
            SELECT receipt_number FROM stand_in_receipts WHERE transaction_number = $1 ORDER BY position";
        let found = self.db.ask(OF, &[&transaction_number.as_str()]).await?;
        let numbers: Vec<String> =
            found.iter().map(|row| Ok(row.try_get(0)?)).collect::<Result<_, Failure>>()?;
        Ok((!numbers.is_empty()).then_some(Receipts(numbers)))
    }

    async fn payer(
        &self,
        state: &str,
        details: &PayerDetails,
        new_uuid: &str,
        now: Timestamp,
    ) -> Result<StoredPayer, BoxError> {
        Ok(payer(&self.db, state, details, new_uuid, now).await?)
    }
}

const TAKE_NUMBERS: &str = "
    INSERT INTO stand_in_sequences AS known (name, last_taken) VALUES ($1, $2)
    ON CONFLICT (name) DO UPDATE SET last_taken = known.last_taken + excluded.last_taken
    RETURNING last_taken";

fn first_of(taken: &[Row], count: u32) -> Result<u64, Failure> {
    let last: i64 = taken.first().ok_or(Failure::OutOfRange)?.try_get(0)?;
    u64::try_from(last - i64::from(count) + 1).map_err(|_| Failure::OutOfRange)
}

const PAID: &str = "
    SELECT paid.tenant_id, paid.bill_id FROM unnest($1::text[], $2::text[]) AS u (tenant_id, bill_id)
    JOIN stand_in_receipts AS paid ON paid.tenant_id = u.tenant_id AND paid.bill_id = u.bill_id";

/// Those of the bills that are among what was found, in their order.
fn paid_among(bills: &[BillKey], found: &[Row]) -> Result<Vec<BillKey>, Failure> {
    let mut paid: Vec<(&str, &str)> = Vec::with_capacity(found.len());
    for row in found {
        paid.push((row.try_get(0)?, row.try_get(1)?));
    }
    Ok(bills.iter().filter(|key| paid.contains(&(key.tenant.as_str(), key.bill.as_str()))).cloned().collect())
}

/// Each bill once, in the order of the payment, with all that is paid towards it: a client may
/// split what it pays towards one bill, and a bill has one receipt.
fn distinct_bills(payment: &Payment) -> Result<Vec<(BillId, Money)>, Failure> {
    let mut distinct: Vec<(BillId, Money)> = Vec::with_capacity(payment.bills.len());
    for (bill, paid) in &payment.bills {
        match distinct.iter_mut().find(|(known, _)| known == bill) {
            Some((_, sum)) => *sum = Money::sum([*sum, *paid]).ok_or(Failure::OutOfRange)?,
            None => distinct.push((bill.clone(), *paid)),
        }
    }
    Ok(distinct)
}

async fn register(
    db: &Connections,
    payment: &Payment,
    transaction_number: &TxnId,
    now: Timestamp,
    number: fn(u64, Timestamp) -> String,
) -> Result<Registration, Failure> {
    // Whoever registers a payment holds the receipts' sequence: one at a time, and no number is lost.
    const KNOW: &str =
        "INSERT INTO stand_in_sequences (name, last_taken) VALUES ($1, 0) ON CONFLICT (name) DO NOTHING";
    const LOCK: &str = "SELECT last_taken FROM stand_in_sequences WHERE name = $1 FOR UPDATE";
    let bills = distinct_bills(payment)?;
    let keys: Vec<BillKey> = bills
        .iter()
        .map(|(bill, _)| BillKey { tenant: payment.tenant_id.clone(), bill: bill.clone() })
        .collect();
    let tenants: Vec<&str> = keys.iter().map(|key| key.tenant.as_str()).collect();
    let numbers: Vec<&str> = keys.iter().map(|key| key.bill.as_str()).collect();
    let transaction = db.begin().await?;
    if transaction.rows(LOCK, &[&RECEIPTS]).await?.is_empty() {
        transaction.rows(KNOW, &[&RECEIPTS]).await?;
        transaction.rows(LOCK, &[&RECEIPTS]).await?;
    }
    let found = transaction.rows(PAID, &[&tenants, &numbers]).await?;
    if let Some(paid) = paid_among(&keys, &found)?.into_iter().next() {
        transaction.roll_back().await;
        return Ok(Registration::AlreadyPaid(paid));
    }
    let count = u32::try_from(bills.len()).map_err(|_| Failure::OutOfRange)?;
    let first = match count {
        0 => 0,
        _ => first_of(&transaction.rows(TAKE_NUMBERS, &[&RECEIPTS, &i64::from(count)]).await?, count)?,
    };
    let issued: Vec<String> = (first..).take(bills.len()).map(|nth| number(nth, now)).collect();
    insert(&transaction, payment, transaction_number, now, &bills, &issued).await?;
    transaction.commit().await?;
    Ok(Registration::Registered(Receipts(issued)))
}

async fn insert(
    transaction: &Transaction,
    payment: &Payment,
    transaction_number: &TxnId,
    now: Timestamp,
    bills: &[(BillId, Money)],
    issued: &[String],
) -> Result<(), Failure> {
    const PAYMENT: &str = "
        INSERT INTO stand_in_payments (transaction_number, tenant_id, total_minor, currency, payer_name,
            payer_mobile, paid_at, registered_at, additional_details)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9::text::json)";
    const RECEIPTS: &str = "
        INSERT INTO stand_in_receipts (
            tenant_id, bill_id, receipt_number, transaction_number, position, paid_minor)
        SELECT u.tenant_id, u.bill_id, u.receipt_number, u.transaction_number, u.position, u.paid_minor
        FROM unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::bigint[], $6::bigint[])
        AS u (tenant_id, bill_id, receipt_number, transaction_number, position, paid_minor)";
    let details = serde_json::to_string(&payment.additional_details).map_err(|_| Failure::Unwritable)?;
    transaction
        .rows(
            PAYMENT,
            &[
                &transaction_number.as_str(),
                &payment.tenant_id.as_str(),
                &payment.total.minor(),
                &payment.total.currency().code(),
                &storable(payment.payer_name.expose()),
                &storable(payment.payer_mobile.expose()),
                &payment.paid_at.as_millis(),
                &now.as_millis(),
                &details,
            ],
        )
        .await?;
    let mut receipts = Rows::default();
    for (((bill, paid), receipt), position) in bills.iter().zip(issued).zip(1_i64..) {
        receipts.push([
            Cell::text(payment.tenant_id.as_str()),
            Cell::text(bill.as_str()),
            Cell::text(receipt),
            Cell::text(transaction_number.as_str()),
            Cell::number(position),
            Cell::number(paid.minor()),
        ]);
    }
    if !receipts.is_empty() {
        transaction.rows(RECEIPTS, &receipts.values()).await?;
    }
    Ok(())
}

async fn payer(
    db: &Connections,
    state: &str,
    details: &PayerDetails,
    new_uuid: &str,
    now: Timestamp,
) -> Result<StoredPayer, Failure> {
    const FIND: &str = "
        SELECT uuid, user_name, email_id FROM stand_in_payers
        WHERE state = $1 AND mobile_number = $2 AND name = $3";
    const ENTER: &str = "
        INSERT INTO stand_in_payers (state, mobile_number, name, uuid, user_name, email_id, created_at)
        VALUES ($1, $2, $3, $4, $5, $6, $7) ON CONFLICT (state, mobile_number, name) DO NOTHING";
    let state = storable(state);
    let (mobile, name) = (storable(details.mobile_number.expose()), storable(details.name.expose()));
    let key: [&(dyn tokio_postgres::types::ToSql + Sync); 3] = [&state, &mobile, &name];
    // Most payers are known: only the others need a commit.
    if let Some(row) = db.ask(FIND, &key).await?.first() {
        return read_payer(row);
    }
    let user_name = storable(details.user_name.as_ref().unwrap_or(&details.mobile_number).expose());
    let email = details.email_id.as_ref().map(|email| storable(email.expose()));
    let (uuid, now) = (storable(new_uuid), now.as_millis());
    db.repeatable(ENTER, &[&state, &mobile, &name, &uuid, &user_name, &email, &now]).await?;
    read_payer(db.ask(FIND, &key).await?.first().ok_or(Failure::Contended)?)
}

fn read_payer(row: &Row) -> Result<StoredPayer, Failure> {
    Ok(StoredPayer {
        uuid: row.try_get(0)?,
        user_name: Personal::new(row.try_get::<_, String>(1)?),
        email_id: row.try_get::<_, Option<String>>(2)?.map(Personal::new),
    })
}
