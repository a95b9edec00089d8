//! Embedded implementations of the DIGIT services: ids from a sequence, receipts from a numbered register, a
//! directory of payers, texts of messages. They keep their books through [`Registers`], which a store implements, and
//! so survive restarts and serve several replicas.

mod bank_accounts;
mod calendar;
#[cfg(feature = "contract")]
pub mod contract;
mod directory;
mod id_format;
mod ids;
#[cfg(test)]
mod memory;
mod messages;
mod register;

use async_trait::async_trait;
use payment_domain::{BillKey, Personal, Timestamp, TxnId};

use crate::{BoxError, PayerDetails, Payment, Receipts};

pub use bank_accounts::ConfiguredBankAccounts;
pub use calendar::indian_standard_time;
pub use directory::PayerDirectory;
pub use id_format::{IdFormat, InvalidIdFormat};
pub use ids::SequenceIds;
pub use messages::DefaultMessages;
pub use register::ReceiptRegister;

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Registration {
    /// Registered, with these receipts.
    Registered(Receipts),
    /// Not registered: this bill was paid before, by another payment.
    AlreadyPaid(BillKey),
}

/// The receipts of a registered payment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IssuedReceipts {
    pub receipts: Receipts,
    pub cancelled: bool,
}

#[async_trait]
pub trait Registers: Send + Sync {
    /// Takes `count` numbers (at least 1) of a named sequence that starts at 1; returns the first.
    /// Numbers taken and not used are lost.
    async fn take_numbers(&self, sequence: &str, count: u32) -> Result<u64, BoxError>;

    /// Which of these bills a registered payment has paid.
    async fn paid_bills(&self, bills: &[BillKey]) -> Result<Vec<BillKey>, BoxError>;

    /// Registers a payment under its transaction number and numbers a receipt for each of its
    /// bills (`number` makes the receipt's number from the register's next one). All or nothing.
    /// Like the real service it does not recognise a repetition: registering the same payment
    /// twice is refused as paid before, so callers look it up first.
    async fn register_payment(
        &self,
        payment: &Payment,
        transaction_number: &TxnId,
        now: Timestamp,
        number: fn(u64, Timestamp) -> String,
    ) -> Result<Registration, BoxError>;

    async fn receipts(&self, transaction_number: &TxnId) -> Result<Option<IssuedReceipts>, BoxError>;

    /// Cancels the receipts of a payment, and takes its bills for unpaid. Returns `false` when it has no
    /// valid receipts.
    async fn cancel_receipts(
        &self,
        transaction_number: &TxnId,
        reason: &str,
        now: Timestamp,
    ) -> Result<bool, BoxError>;

    /// The uuid of the payer of this name and mobile number in a state; `new_uuid` is stored for
    /// them when there is none.
    async fn payer(
        &self,
        state: &str,
        details: &PayerDetails,
        new_uuid: &str,
        now: Timestamp,
    ) -> Result<StoredPayer, BoxError>;
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredPayer {
    pub uuid: String,
    /// Their login name: the mobile number, unless one was given.
    pub user_name: Personal,
    /// The e-mail address, if known.
    pub email_id: Option<Personal>,
}
