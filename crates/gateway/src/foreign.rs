//! A gateway that receives a status request with the account of another merchant.

use std::sync::Arc;

use async_trait::async_trait;
use payment_domain::{Outcome, Report, Transaction, TxnId};

use crate::{
    Answer, Availability, Closing, Evidence, Gateway, GatewayError, Order, Profile, Redirect, Refunding,
};

/// The account of another merchant than the payment's, which was taken out of the configuration file. That it
/// knows no such payment proves nothing; a signature cannot be checked with it; and nothing is opened, closed
/// or given back through it.
pub struct Foreign {
    inner: Arc<dyn Gateway>,
    profile: Profile,
}

impl Foreign {
    /// Stands before the account of the configuration file.
    pub fn new(inner: Arc<dyn Gateway>) -> Foreign {
        // No payer is sent to an order of the other merchant.
        let profile = Profile { refuses_second_payment: false, ..inner.profile().clone() };
        Foreign { inner, profile }
    }
}

#[async_trait]
impl Gateway for Foreign {
    fn profile(&self) -> &Profile {
        &self.profile
    }

    fn availability(&self) -> Availability {
        self.inner.availability()
    }

    fn closing(&self) -> Option<&dyn Closing> {
        None
    }

    fn refunding(&self) -> Option<&dyn Refunding> {
        None
    }

    async fn start(&self, _: &Order<'_>) -> Result<Redirect, GatewayError> {
        Err(GatewayError::Refused { code: "MERCHANT_ACCOUNT_CHANGED".to_owned() })
    }

    fn names(&self, answer: &Answer) -> Option<TxnId> {
        self.inner.names(answer)
    }

    async fn verify(&self, _: &Transaction, _: &Answer) -> Result<Evidence, GatewayError> {
        Ok(Evidence::Unsigned)
    }

    async fn status(&self, txn: &Transaction) -> Result<Report, GatewayError> {
        let report = self.inner.status(txn).await?;
        match report.outcome {
            Outcome::NotFound => Err(GatewayError::Unreadable(
                "it knows no such payment, but was asked with another merchant account than the payment was made \
                 through: the configuration names another merchant now"
                    .to_owned(),
            )),
            Outcome::Paid { .. }
            | Outcome::Declined { .. }
            | Outcome::Pending
            | Outcome::Authorised
            | Outcome::Refunded
            | Outcome::Unrecognised { .. } => Ok(report),
        }
    }
}
