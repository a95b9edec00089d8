//! Books kept in memory, for the tests of the embedded implementations.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use payment_domain::{BillKey, Personal, Timestamp, TxnId};
use tokio::sync::{Notify, watch};

use super::{IssuedReceipts, Registers, Registration, StoredPayer};
use crate::{BoxError, PayerDetails, Payment, Receipts};

/// Registers that can be held and made to fail.
#[derive(Default)]
pub(super) struct MemoryRegisters {
    books: Mutex<Books>,
    held: watch::Sender<bool>,
    arrived: Notify,
}

#[derive(Default)]
struct Books {
    sequences: HashMap<String, u64>,
    blocks_asked: usize,
    blocks_taken: usize,
    receipts: HashMap<TxnId, IssuedReceipts>,
    issued: u64,
    paid: HashMap<BillKey, TxnId>,
    payers: HashMap<(String, String, String), StoredPayer>,
    payers_asked: usize,
    fails: bool,
}

impl MemoryRegisters {
    fn books(&self) -> MutexGuard<'_, Books> {
        self.books.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// From now on every call fails, or works again.
    pub(super) fn fails(&self, fails: bool) {
        self.books().fails = fails;
    }

    /// From now on calls for numbers wait.
    pub(super) fn hold(&self) {
        self.held.send_replace(true);
    }

    pub(super) fn release(&self) {
        self.held.send_replace(false);
    }

    /// Comes back once a call is held.
    pub(super) async fn until_a_caller_waits(&self) {
        self.arrived.notified().await;
    }

    pub(super) fn blocks_asked(&self) -> usize {
        self.books().blocks_asked
    }

    pub(super) fn blocks_taken(&self) -> usize {
        self.books().blocks_taken
    }

    pub(super) fn payers_asked(&self) -> usize {
        self.books().payers_asked
    }

    fn working(&self) -> Result<MutexGuard<'_, Books>, BoxError> {
        let books = self.books();
        if books.fails { Err("the disk is full".into()) } else { Ok(books) }
    }
}

#[async_trait]
impl Registers for MemoryRegisters {
    async fn take_numbers(&self, sequence: &str, count: u32) -> Result<u64, BoxError> {
        self.books().blocks_asked += 1;
        let mut held = self.held.subscribe();
        if *held.borrow() {
            self.arrived.notify_one();
        }
        held.wait_for(|held| !held).await?;
        let mut books = self.working()?;
        books.blocks_taken += 1;
        let taken = books.sequences.entry(sequence.to_owned()).or_default();
        *taken += u64::from(count);
        Ok(*taken - u64::from(count) + 1)
    }

    async fn paid_bills(&self, bills: &[BillKey]) -> Result<Vec<BillKey>, BoxError> {
        let books = self.working()?;
        Ok(bills.iter().filter(|bill| books.paid.contains_key(bill)).cloned().collect())
    }

    async fn register_payment(
        &self,
        payment: &Payment,
        transaction_number: &TxnId,
        now: Timestamp,
        number: fn(u64, Timestamp) -> String,
    ) -> Result<Registration, BoxError> {
        let mut books = self.working()?;
        let bills: Vec<BillKey> = payment
            .bills
            .iter()
            .map(|(bill, _)| BillKey { tenant: payment.tenant_id.clone(), bill: bill.clone() })
            .collect();
        if let Some(paid) = bills.iter().find(|bill| books.paid.contains_key(bill)) {
            return Ok(Registration::AlreadyPaid(paid.clone()));
        }
        let issued = books.issued;
        books.issued += bills.len() as u64;
        let receipts = Receipts((1..=bills.len() as u64).map(|nth| number(issued + nth, now)).collect());
        books.paid.extend(bills.into_iter().map(|bill| (bill, transaction_number.clone())));
        let valid = IssuedReceipts { receipts: receipts.clone(), cancelled: false };
        books.receipts.insert(transaction_number.clone(), valid);
        Ok(Registration::Registered(receipts))
    }

    async fn receipts(&self, transaction_number: &TxnId) -> Result<Option<IssuedReceipts>, BoxError> {
        Ok(self.working()?.receipts.get(transaction_number).cloned())
    }

    async fn cancel_receipts(
        &self,
        transaction_number: &TxnId,
        _reason: &str,
        _now: Timestamp,
    ) -> Result<bool, BoxError> {
        let mut books = self.working()?;
        books.paid.retain(|_, payment| payment != transaction_number);
        let issued = books.receipts.get_mut(transaction_number);
        Ok(issued.is_some_and(|issued| !std::mem::replace(&mut issued.cancelled, true)))
    }

    async fn payer(
        &self,
        state: &str,
        details: &PayerDetails,
        new_uuid: &str,
        _now: Timestamp,
    ) -> Result<StoredPayer, BoxError> {
        let mut books = self.working()?;
        books.payers_asked += 1;
        let text = |personal: &Personal| personal.expose().to_owned();
        let key = (state.to_owned(), text(&details.mobile_number), text(&details.name));
        let payer = books.payers.entry(key).or_insert_with(|| StoredPayer {
            uuid: new_uuid.to_owned(),
            user_name: details.user_name.clone().unwrap_or_else(|| details.mobile_number.clone()),
            email_id: details.email_id.clone(),
        });
        Ok(payer.clone())
    }
}
