//! The books of the embedded implementations for DIGIT services.

use async_trait::async_trait;
use payment_digit::embedded::{IssuedReceipts, Registers, Registration, StoredPayer};
use payment_digit::{BoxError, PayerDetails, Payment, Receipts};
use payment_domain::{BillKey, Personal, Timestamp, TxnId};
use tokio_postgres::Row;

use crate::PostgresStore;
use crate::connections::{Connections, Values};
use crate::failure::Failure;
use crate::parameters::storable;
use crate::registering::{Entry, PAID};

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
        Ok(self.registrations.submit(Entry::new(payment, transaction_number, now, number)?).await?)
    }

    async fn receipts(&self, transaction_number: &TxnId) -> Result<Option<IssuedReceipts>, BoxError> {
        const OF: &str = "
            SELECT receipt_number, position, false FROM stand_in_receipts WHERE transaction_number = $1
            UNION ALL
            SELECT receipt_number, position, true FROM stand_in_cancelled_receipts
            WHERE transaction_number = $1 ORDER BY 2";
        let found = self.db.ask(OF, &[&transaction_number.as_str()]).await?;
        Ok(issued(&found)?)
    }

    async fn cancel_receipts(
        &self,
        transaction_number: &TxnId,
        reason: &str,
        now: Timestamp,
    ) -> Result<bool, BoxError> {
        // Sets them aside.
        const CANCEL: &str = "
            WITH cancelled AS (DELETE FROM stand_in_receipts WHERE transaction_number = $1 RETURNING *)
            INSERT INTO stand_in_cancelled_receipts (receipt_number, tenant_id, bill_id, transaction_number,
                position, paid_minor, cancelled_at, reason)
            SELECT receipt_number, tenant_id, bill_id, transaction_number, position, paid_minor, $2, $3
            FROM cancelled RETURNING receipt_number";
        let values: Values<'_> = &[&transaction_number.as_str(), &now.as_millis(), &storable(reason)];
        Ok(!self.db.once(CANCEL, values).await?.is_empty())
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

fn issued(found: &[Row]) -> Result<Option<IssuedReceipts>, Failure> {
    let Some(first) = found.first() else { return Ok(None) };
    let numbers = found.iter().map(|row| Ok(row.try_get(0)?)).collect::<Result<_, Failure>>()?;
    Ok(Some(IssuedReceipts { receipts: Receipts(numbers), cancelled: first.try_get(2)? }))
}

const TAKE_NUMBERS: &str = "
    INSERT INTO stand_in_sequences AS known (name, last_taken) VALUES ($1, $2)
    ON CONFLICT (name) DO UPDATE SET last_taken = known.last_taken + excluded.last_taken
    RETURNING last_taken";

fn first_of(taken: &[Row], count: u32) -> Result<u64, Failure> {
    let last: i64 = taken.first().ok_or(Failure::OutOfRange)?.try_get(0)?;
    u64::try_from(last - i64::from(count) + 1).map_err(|_| Failure::OutOfRange)
}

/// The bills that are among the rows found, in their order.
fn paid_among(bills: &[BillKey], found: &[Row]) -> Result<Vec<BillKey>, Failure> {
    let mut paid: Vec<(&str, &str)> = Vec::with_capacity(found.len());
    for row in found {
        paid.push((row.try_get(0)?, row.try_get(1)?));
    }
    Ok(bills.iter().filter(|key| paid.contains(&(key.tenant.as_str(), key.bill.as_str()))).cloned().collect())
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
