//! One account with several versions of its credentials, as one gateway.

use std::collections::BTreeMap;
use std::sync::Arc;

use async_trait::async_trait;
use payment_domain::{AccountRef, RefundId, RefundReport, Report, Transaction, TxnId};

use crate::{
    Answer, Closing, Evidence, Gateway, GatewayError, NoRefund, Order, Profile, Redirect, RefundOrder,
    RefundTerms, Refunding,
};

/// The versions of an account's credentials that are not wiped. Orders are opened with the version of their
/// transaction. Status requests use the active version, and once more that of the transaction when the answer
/// does not know the payment: the gateway may not know the new credentials yet, or not any more. Signatures
/// are checked with the version of the transaction first, then with the others.
pub struct Versions {
    versions: BTreeMap<u32, Arc<dyn Gateway>>,
    preferred: Arc<dyn Gateway>,
}

impl Versions {
    /// `None` without versions. A retired account has no active one: the newest is used.
    pub fn new(versions: BTreeMap<u32, Arc<dyn Gateway>>, active: Option<u32>) -> Option<Versions> {
        let newest = versions.values().next_back();
        let preferred = active.and_then(|active| versions.get(&active)).or(newest)?.clone();
        Some(Versions { versions, preferred })
    }

    fn of(&self, txn: &Transaction) -> Option<&Arc<dyn Gateway>> {
        match txn.account.as_ref()? {
            AccountRef::Stored { version, .. } => self.versions.get(version),
            AccountRef::Configured(_) => None,
        }
    }

    /// The version of the second request.
    fn other(&self, txn: &Transaction, error: &GatewayError) -> Option<&Arc<dyn Gateway>> {
        match error {
            GatewayError::Unreadable(_) => {
                self.of(txn).filter(|version| !Arc::ptr_eq(version, &self.preferred))
            }
            GatewayError::NotSent(_)
            | GatewayError::LocalFault(_)
            | GatewayError::Unanswered(_)
            | GatewayError::Refused { .. }
            | GatewayError::Unavailable { .. }
            | GatewayError::BadSignature
            | GatewayError::WrongTransaction => None,
        }
    }

    /// In the order in which signatures are checked with them.
    fn verifying(&self, txn: &Transaction) -> Vec<&Arc<dyn Gateway>> {
        let mut versions: Vec<&Arc<dyn Gateway>> = Vec::with_capacity(self.versions.len() + 2);
        let first = self.of(txn).into_iter().chain([&self.preferred]);
        for version in first.chain(self.versions.values().rev()) {
            if !versions.iter().any(|known| Arc::ptr_eq(known, version)) {
                versions.push(version);
            }
        }
        versions
    }
}

#[async_trait]
impl Gateway for Versions {
    fn profile(&self) -> &Profile {
        self.preferred.profile()
    }

    fn closing(&self) -> Option<&dyn Closing> {
        self.preferred.closing().map(|_| self as &dyn Closing)
    }

    fn refunding(&self) -> Option<&dyn Refunding> {
        self.preferred.refunding().map(|_| self as &dyn Refunding)
    }

    async fn start(&self, order: &Order<'_>) -> Result<Redirect, GatewayError> {
        self.of(order.txn).unwrap_or(&self.preferred).start(order).await
    }

    fn names(&self, answer: &Answer) -> Option<TxnId> {
        self.versions.values().rev().find_map(|version| version.names(answer))
    }

    async fn verify(&self, txn: &Transaction, answer: &Answer) -> Result<Evidence, GatewayError> {
        let mut first = None;
        for version in self.verifying(txn) {
            match version.verify(txn, answer).await {
                Ok(signed @ Evidence::Signed(_)) => return Ok(signed),
                verdict @ (Ok(Evidence::Unsigned) | Err(_)) => {
                    first.get_or_insert(verdict);
                }
            }
        }
        first.unwrap_or(Ok(Evidence::Unsigned))
    }

    async fn status(&self, txn: &Transaction) -> Result<Report, GatewayError> {
        match self.preferred.status(txn).await {
            Err(error) => match self.other(txn, &error) {
                Some(other) => other.status(txn).await,
                None => Err(error),
            },
            answered => answered,
        }
    }
}

#[async_trait]
impl Closing for Versions {
    async fn close(&self, txn: &Transaction) -> Result<Report, GatewayError> {
        let Some(closing) = self.preferred.closing() else { return self.status(txn).await };
        match closing.close(txn).await {
            // Closing an order again changes nothing.
            Err(error) => match self.other(txn, &error).and_then(|other| other.closing()) {
                Some(closing) => closing.close(txn).await,
                None => Err(error),
            },
            closed => closed,
        }
    }
}

#[async_trait]
impl Refunding for Versions {
    fn terms(&self, payment: &Transaction) -> Result<RefundTerms, NoRefund> {
        self.refunds()?.terms(payment)
    }

    /// With the active version alone: an unclear answer may have moved money.
    async fn refund(&self, order: &RefundOrder<'_>) -> Result<RefundReport, GatewayError> {
        let refunds = self.refunds().map_err(|unable| GatewayError::NotSent(unable.into()))?;
        refunds.refund(order).await
    }

    async fn refund_status(&self, order: &RefundOrder<'_>) -> Result<RefundReport, GatewayError> {
        let refunds = self.refunds().map_err(|unable| GatewayError::NotSent(unable.into()))?;
        match refunds.refund_status(order).await {
            Err(error) => match self.other(order.payment, &error).and_then(|other| other.refunding()) {
                Some(other) => other.refund_status(order).await,
                None => Err(error),
            },
            answered => answered,
        }
    }

    fn names_refund(&self, answer: &Answer) -> Option<RefundId> {
        self.versions.values().rev().find_map(|version| version.refunding()?.names_refund(answer))
    }
}

impl Versions {
    fn refunds(&self) -> Result<&dyn Refunding, NoRefund> {
        self.preferred.refunding().ok_or_else(|| NoRefund("this gateway gives nothing back".to_owned()))
    }
}

#[cfg(test)]
mod tests;
