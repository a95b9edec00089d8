//! The page between the application and a gateway that wants a form posted to it.

use std::sync::Arc;

use payment_domain::{Status, Transaction, TxnId};
use payment_store::{BoxError, StoreError};
use serde::Deserialize;
use subtle::ConstantTimeEq;

use crate::ports::Ports;

/// Opens payment pages.
#[derive(Clone)]
pub struct PaymentPages {
    ports: Arc<Ports>,
}

/// What a payer who comes to the page is to see.
#[derive(Debug, Clone, PartialEq)]
pub enum PaymentPage {
    /// The form to post to the gateway.
    Pay(PaymentForm),
    /// The transaction is settled, or its time to pay is over: nobody may pay it any more.
    Closed(Box<Transaction>),
}

/// A form that takes the payer to the gateway.
#[derive(Clone, PartialEq, Eq, Deserialize)]
pub struct PaymentForm {
    /// The absolute URL it is posted to.
    pub action: String,
    /// Names and values of its fields, in order.
    pub fields: Vec<(String, String)>,
    token: String,
}

/// Without the values: they hold signatures and the payer's contact data.
impl std::fmt::Debug for PaymentForm {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("PaymentForm").field("action", &self.action).finish_non_exhaustive()
    }
}

/// Why there is no page.
#[derive(Debug, thiserror::Error)]
pub enum PaymentPageError {
    /// No such transaction, none that needs a page, or not its token: the three look the same.
    #[error("no such payment page")]
    NotFound,
    /// The database is away.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl PaymentPages {
    pub(crate) fn new(ports: Arc<Ports>) -> PaymentPages {
        PaymentPages { ports }
    }

    /// Opens the page of a transaction for whoever holds its token.
    ///
    /// # Errors
    /// A [`PaymentPageError`].
    pub async fn open(&self, id: &TxnId, token: &str) -> Result<PaymentPage, PaymentPageError> {
        let stored = self.ports.store.redirect_form(id).await?.ok_or(PaymentPageError::NotFound)?;
        let form: PaymentForm =
            serde_json::from_value(stored).map_err(|error| StoreError::Failed(BoxError::from(error)))?;
        if !bool::from(form.token.as_bytes().ct_eq(token.as_bytes())) {
            return Err(PaymentPageError::NotFound);
        }
        let txn = self.ports.store.transaction(id).await?.ok_or(PaymentPageError::NotFound)?;
        // Whoever pays after the order's life could pay a bill that was let go meanwhile.
        let is_open = txn.status == Status::Pending && self.ports.is_open_to_payers(&txn);
        Ok(if is_open { PaymentPage::Pay(form) } else { PaymentPage::Closed(Box::new(txn)) })
    }
}
