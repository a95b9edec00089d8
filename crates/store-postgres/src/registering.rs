//! Registers payments with the embedded collection service, many in one commit.
//!
//! A group locks the receipts' sequence until its commit, so that no number is lost, and of two payments of one
//! bill the later one finds it paid, by another replica, an earlier group or its own group. A group of any size
//! takes two round trips, because all replicas wait for the holder of the sequence.

use std::collections::HashSet;

use payment_digit::embedded::Registration;
use payment_digit::{Payment, Receipts};
use payment_domain::{BillKey, Money, Timestamp, TxnId};
use tokio_postgres::Row;

use crate::connections::{Connections, Session, Step};
use crate::failure::Failure;
use crate::parameters::{Parameter, Rows, storable};

/// The sequence that numbers receipts.
const RECEIPTS: &str = "receipts";

/// The bills among these that are paid.
pub(crate) const PAID: &str = "
    SELECT paid.tenant_id, paid.bill_id FROM
    (SELECT * FROM unnest($1::text[], $2::text[])
        AS elements (tenant_id, bill_id) LIMIT cardinality($1::text[])) AS u
    JOIN stand_in_receipts AS paid ON paid.tenant_id = u.tenant_id AND paid.bill_id = u.bill_id";

/// A payment to be registered.
pub(crate) struct Entry {
    payment: Payment,
    transaction_number: TxnId,
    now: Timestamp,
    /// Makes a receipt's number of the register's next one.
    number: fn(u64, Timestamp) -> String,
    /// Each bill once, in the order of the payment, with all that is paid towards it.
    bills: Vec<(BillKey, Money)>,
    details: String,
}

impl Entry {
    pub(crate) fn new(
        payment: &Payment,
        transaction_number: &TxnId,
        now: Timestamp,
        number: fn(u64, Timestamp) -> String,
    ) -> Result<Entry, Failure> {
        let details = serde_json::to_string(&payment.additional_details).map_err(|_| Failure::Unwritable)?;
        Ok(Entry {
            payment: payment.clone(),
            transaction_number: transaction_number.clone(),
            now,
            number,
            bills: distinct_bills(payment)?,
            details,
        })
    }
}

/// A client may split its payment of one bill, and a bill has one receipt.
fn distinct_bills(payment: &Payment) -> Result<Vec<(BillKey, Money)>, Failure> {
    let mut distinct: Vec<(BillKey, Money)> = Vec::with_capacity(payment.bills.len());
    for (bill, paid) in &payment.bills {
        match distinct.iter_mut().find(|(known, _)| known.bill == *bill) {
            Some((_, sum)) => *sum = sum.plus(*paid).ok_or(Failure::OutOfRange)?,
            None => {
                distinct.push((BillKey { tenant: payment.tenant_id.clone(), bill: bill.clone() }, *paid));
            }
        }
    }
    Ok(distinct)
}

/// Registers a group; each is answered in its place. If that fails because of one of them, each is
/// registered by itself. Not after a commit without an answer: it may have registered them.
pub(crate) async fn store(db: &Connections, group: Vec<Entry>) -> Vec<Result<Registration, Failure>> {
    let all: Vec<&Entry> = group.iter().collect();
    match together(db, &all).await {
        Ok(registered) => registered.into_iter().map(Ok).collect(),
        Err(failure) if failure.is_passing() || all.len() == 1 => {
            all.iter().map(|_| Err(failure.clone())).collect()
        }
        Err(_) => {
            let mut registered = Vec::with_capacity(all.len());
            for entry in all {
                let alone = together(db, &[entry]).await;
                registered.push(alone.and_then(|mut one| one.pop().ok_or(Failure::OutOfRange)));
            }
            registered
        }
    }
}

/// One database transaction.
async fn together(db: &Connections, entries: &[&Entry]) -> Result<Vec<Registration>, Failure> {
    let session = db.session().await?;
    match within(&session, entries).await {
        Ok(registered) => {
            session.give_back();
            Ok(registered)
        }
        Err(failure) if failure.spoils_connection() || matches!(failure, Failure::CommitUnanswered) => {
            Err(failure)
        }
        Err(failure) => {
            session.roll_back().await;
            Err(failure)
        }
    }
}

async fn within(session: &Session, entries: &[&Entry]) -> Result<Vec<Registration>, Failure> {
    // Locks the sequence, which is there from the first payment on.
    const HOLD: &str = "
        INSERT INTO stand_in_sequences AS known (name, last_taken) VALUES ($1, 0)
        ON CONFLICT (name) DO UPDATE SET last_taken = known.last_taken RETURNING last_taken";
    let bills = || entries.iter().flat_map(|entry| &entry.bills).map(|(key, _)| key);
    let tenants: Vec<&str> = bills().map(|key| key.tenant.as_str()).collect();
    let numbers: Vec<&str> = bills().map(|key| key.bill.as_str()).collect();
    let steps = [Step::begin(), Step::new(HOLD, vec![&RECEIPTS]), Step::new(PAID, vec![&tenants, &numbers])];
    let mut answers = session.flight(&steps).await?.into_iter().skip(1);
    let held = answers.next().unwrap_or_default();
    let last_taken: i64 = held.first().ok_or(Failure::OutOfRange)?.try_get(0)?;
    let paid = answers.next().unwrap_or_default();

    let mut page = Page::begin(last_taken, &paid)?;
    let mut registered = Vec::with_capacity(entries.len());
    for entry in entries {
        registered.push(page.enter(entry)?);
    }
    let mut steps = page.steps();
    steps.push(Step::commit());
    match session.flight(&steps).await {
        Ok(_) => Ok(registered),
        Err(failure) if failure.is_silence() => Err(Failure::CommitUnanswered),
        Err(failure) => Err(failure),
    }
}

/// One group's additions to the books.
struct Page<'a> {
    last_taken: i64,
    paid: HashSet<(String, String)>,
    payments: Rows<'a>,
    receipts: Rows<'a>,
}

impl<'a> Page<'a> {
    fn begin(last_taken: i64, found: &[Row]) -> Result<Page<'a>, Failure> {
        let mut paid = HashSet::with_capacity(found.len());
        for row in found {
            paid.insert((row.try_get(0)?, row.try_get(1)?));
        }
        Ok(Page { last_taken, paid, payments: Rows::default(), receipts: Rows::default() })
    }

    fn enter(&mut self, entry: &'a Entry) -> Result<Registration, Failure> {
        let name = |key: &BillKey| (key.tenant.as_str().to_owned(), key.bill.as_str().to_owned());
        if let Some((paid, _)) = entry.bills.iter().find(|(key, _)| self.paid.contains(&name(key))) {
            return Ok(Registration::AlreadyPaid(paid.clone()));
        }
        let Entry { payment, transaction_number, now, .. } = entry;
        self.payments.push([
            Parameter::text(transaction_number.as_str()),
            Parameter::text(payment.tenant_id.as_str()),
            Parameter::number(payment.total.minor()),
            Parameter::text(payment.total.currency().code()),
            Parameter::text(payment.payer_name.expose()),
            Parameter::text(payment.payer_mobile.expose()),
            Parameter::moment(payment.paid_at),
            Parameter::moment(*now),
            Parameter::text(&entry.details),
        ]);
        let mut issued = Vec::with_capacity(entry.bills.len());
        for ((key, paid), position) in entry.bills.iter().zip(1_i64..) {
            self.last_taken = self.last_taken.checked_add(1).ok_or(Failure::OutOfRange)?;
            let number = u64::try_from(self.last_taken).map_err(|_| Failure::OutOfRange)?;
            let receipt = (entry.number)(number, *now);
            self.receipts.push([
                Parameter::text(key.tenant.as_str()),
                Parameter::text(key.bill.as_str()),
                Parameter::owned(storable(&receipt).into_owned()),
                Parameter::text(transaction_number.as_str()),
                Parameter::number(position),
                Parameter::number(paid.minor()),
            ]);
            self.paid.insert(name(key));
            issued.push(receipt);
        }
        Ok(Registration::Registered(Receipts(issued)))
    }

    fn steps(&self) -> Vec<Step<'_>> {
        const TAKE: &str = "UPDATE stand_in_sequences SET last_taken = $2 WHERE name = $1";
        const PAYMENTS: &str = "
            INSERT INTO stand_in_payments (transaction_number, tenant_id, total_minor, currency, payer_name,
                payer_mobile, paid_at, registered_at, additional_details)
            SELECT u.transaction_number, u.tenant_id, u.total_minor, u.currency, u.payer_name,
                u.payer_mobile, u.paid_at, u.registered_at, u.additional_details::json
            FROM unnest($1::text[], $2::text[], $3::bigint[], $4::text[], $5::text[], $6::text[],
                $7::bigint[], $8::bigint[], $9::text[])
            AS u (transaction_number, tenant_id, total_minor, currency, payer_name, payer_mobile, paid_at,
                registered_at, additional_details)";
        const RECEIPTS_OF: &str = "
            INSERT INTO stand_in_receipts (
                tenant_id, bill_id, receipt_number, transaction_number, position, paid_minor)
            SELECT u.tenant_id, u.bill_id, u.receipt_number, u.transaction_number, u.position, u.paid_minor
            FROM unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::bigint[], $6::bigint[])
            AS u (tenant_id, bill_id, receipt_number, transaction_number, position, paid_minor)";
        let mut steps = Vec::new();
        if !self.payments.is_empty() {
            steps.push(Step::new(PAYMENTS, self.payments.values()));
        }
        if !self.receipts.is_empty() {
            steps.push(Step::new(TAKE, vec![&RECEIPTS, &self.last_taken]));
            steps.push(Step::new(RECEIPTS_OF, self.receipts.values()));
        }
        steps
    }
}
