//! The page that leads a payer's browser to a gateway: by posting a form, or by a redirect.

use std::sync::Arc;

use payment_domain::{Status, Transaction, TxnId};
use payment_store::{BoxError, StoreError};
use serde::Deserialize;
use subtle::ConstantTimeEq;

use crate::ports::Ports;
use crate::redirects::PageToken;

#[derive(Clone)]
pub struct PaymentPages {
    ports: Arc<Ports>,
}

#[derive(Debug, Clone, PartialEq)]
pub enum PaymentPage {
    Pay(PaymentForm),
    /// The gateway takes no form: the browser follows this absolute URL.
    Follow(String),
    /// The transaction is settled, or no longer open to payers.
    Closed(Box<Transaction>),
}

#[derive(Clone, PartialEq, Eq)]
pub struct PaymentForm {
    /// An absolute URL.
    pub action: String,
    /// Names and values, in order.
    pub fields: Vec<(String, String)>,
}

#[derive(Deserialize)]
struct StoredForm {
    action: String,
    /// `None` for a link.
    fields: Option<Vec<(String, String)>>,
    token: String,
}

/// Without the values, which hold signatures and contact data.
impl std::fmt::Debug for PaymentForm {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("PaymentForm").field("action", &self.action).finish_non_exhaustive()
    }
}

#[derive(Debug, thiserror::Error)]
pub enum PaymentPageError {
    /// No such transaction, none with a form, or another token: indistinguishable.
    #[error("no such payment page")]
    NotFound,
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl PaymentPages {
    pub(crate) fn new(ports: Arc<Ports>) -> PaymentPages {
        PaymentPages { ports }
    }

    /// The page that a segment of a URL's path names; see [`PaymentPages::open`].
    ///
    /// # Errors
    /// A [`PaymentPageError`].
    pub async fn open_named(&self, segment: &str) -> Result<(TxnId, PaymentPage), PaymentPageError> {
        let (id, token) = PageToken::read(segment).ok_or(PaymentPageError::NotFound)?;
        let page = self.open(&id, token).await?;
        Ok((id, page))
    }

    /// The page of a transaction, for the holder of its token.
    ///
    /// # Errors
    /// A [`PaymentPageError`].
    pub async fn open(&self, id: &TxnId, token: &str) -> Result<PaymentPage, PaymentPageError> {
        let stored = self.ports.store.redirect_form(id).await?.ok_or(PaymentPageError::NotFound)?;
        let form: StoredForm =
            serde_json::from_value(stored).map_err(|error| StoreError::Failed(BoxError::from(error)))?;
        if !bool::from(form.token.as_bytes().ct_eq(token.as_bytes())) {
            return Err(PaymentPageError::NotFound);
        }
        let txn = self.ports.store.transaction(id).await?.ok_or(PaymentPageError::NotFound)?;
        // A payment after the order's life could be for a bill that was released meanwhile.
        let is_open = txn.status == Status::Pending && self.ports.is_open_to_payers(&txn);
        Ok(match form {
            _ if !is_open => PaymentPage::Closed(Box::new(txn)),
            StoredForm { action, fields: Some(fields), .. } => {
                PaymentPage::Pay(PaymentForm { action, fields })
            }
            StoredForm { action, fields: None, .. } => PaymentPage::Follow(action),
        })
    }
}
