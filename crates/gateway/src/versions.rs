//! One account with several versions of its credentials, as one gateway.

use std::collections::BTreeMap;
use std::sync::Arc;

use async_trait::async_trait;
use payment_domain::{
    AccountRef, Clock, Outcome, RefundId, RefundOutcome, RefundReport, Report, Timestamp, Transaction, TxnId,
};

use crate::{
    Answer, Closing, Evidence, Gateway, GatewayError, NoRefund, ORDER_OF_ANOTHER_ACCOUNT, Order, Profile,
    Redirect, RefundOrder, RefundTerms, Refunding,
};

/// A version of an account's credentials that is not wiped.
#[derive(Clone)]
pub struct Version {
    /// The adapter with these credentials.
    pub gateway: Arc<dyn Gateway>,
    /// The last moment at which its signatures count; `None` for a version that is not retired.
    pub verifies_until: Option<Timestamp>,
}

/// The versions of an account's credentials that are not wiped. Orders are opened with the version of their
/// transaction. Status requests use the active version, and once more that of the transaction when the answer
/// is none or does not know the payment: the gateway may not know the new credentials yet, or not any more, or they
/// are another merchant's. Signatures are checked with the version of the transaction first, then with the others;
/// that of a version whose time is over is a wrong one. A message that proves nothing by itself is a hint when one
/// version can read it.
pub struct Versions {
    versions: BTreeMap<u32, Version>,
    preferred: Version,
    clock: Arc<dyn Clock>,
}

impl Versions {
    /// `None` without versions. A retired account has no active one: the newest is used.
    pub fn new(
        versions: BTreeMap<u32, Version>,
        active: Option<u32>,
        clock: Arc<dyn Clock>,
    ) -> Option<Versions> {
        let newest = versions.values().next_back();
        let preferred = active.and_then(|active| versions.get(&active)).or(newest)?.clone();
        Some(Versions { versions, preferred, clock })
    }

    fn of(&self, txn: &Transaction) -> Option<&Arc<dyn Gateway>> {
        match txn.account.as_ref()? {
            AccountRef::Stored { version, .. } => self.versions.get(version).map(|version| &version.gateway),
            AccountRef::Configured(_) => None,
        }
    }

    /// The version of the transaction, where that is not the one that requests use.
    fn other(&self, txn: &Transaction) -> Option<&Arc<dyn Gateway>> {
        self.of(txn).filter(|version| !Arc::ptr_eq(version, &self.preferred.gateway))
    }

    /// The version of the second request about a payment.
    fn second(&self, txn: &Transaction, answer: &Result<Report, GatewayError>) -> Option<&Arc<dyn Gateway>> {
        let is_asked_again = match answer {
            Ok(report) => is_unknown(&report.outcome),
            Err(error) => is_refusal(error),
        };
        self.other(txn).filter(|_| is_asked_again)
    }

    /// In the order in which signatures are checked with them.
    fn verifying(&self, txn: &Transaction) -> Vec<&Version> {
        let mut versions: Vec<&Version> = Vec::with_capacity(self.versions.len() + 2);
        let own = match txn.account.as_ref() {
            Some(AccountRef::Stored { version, .. }) => self.versions.get(version),
            Some(AccountRef::Configured(_)) | None => None,
        };
        for version in own.into_iter().chain([&self.preferred]).chain(self.versions.values().rev()) {
            if !versions.iter().any(|known| Arc::ptr_eq(&known.gateway, &version.gateway)) {
                versions.push(version);
            }
        }
        versions
    }

    /// The result of an answer under a version. An unsigned one stays unsigned after its time.
    async fn verdict(
        &self,
        version: &Version,
        txn: &Transaction,
        answer: &Answer,
    ) -> Result<Evidence, GatewayError> {
        let is_over = version.verifies_until.is_some_and(|until| self.clock.now() > until);
        match version.gateway.verify(txn, answer).await {
            Ok(Evidence::Signed(_)) if is_over => Err(GatewayError::BadSignature),
            verdict => verdict,
        }
    }
}

/// Whether the gateway may have refused the credentials.
fn is_refusal(error: &GatewayError) -> bool {
    match error {
        GatewayError::Unreadable(_) => true,
        GatewayError::NotSent(_)
        | GatewayError::LocalFault(_)
        | GatewayError::Unanswered(_)
        | GatewayError::Refused { .. }
        | GatewayError::Unavailable { .. }
        | GatewayError::BadSignature
        | GatewayError::WrongTransaction => false,
    }
}

/// Whether the account knows no such payment.
fn is_unknown(outcome: &Outcome) -> bool {
    match outcome {
        Outcome::NotFound => true,
        Outcome::Unrecognised { code } => code == ORDER_OF_ANOTHER_ACCOUNT,
        Outcome::Paid { .. }
        | Outcome::Declined { .. }
        | Outcome::Pending
        | Outcome::Authorised
        | Outcome::Refunded => false,
    }
}

/// Of two answers the second. Where its credentials are refused, the first is all that can be known; where it is lost,
/// what the first does not know proves nothing.
fn better<T>(first: Result<T, GatewayError>, second: Result<T, GatewayError>) -> Result<T, GatewayError> {
    match second {
        Err(error) if first.is_ok() && is_refusal(&error) => first,
        second => second,
    }
}

#[async_trait]
impl Gateway for Versions {
    fn profile(&self) -> &Profile {
        self.preferred.gateway.profile()
    }

    fn closing(&self) -> Option<&dyn Closing> {
        self.preferred.gateway.closing().map(|_| self as &dyn Closing)
    }

    fn refunding(&self) -> Option<&dyn Refunding> {
        self.preferred.gateway.refunding().map(|_| self as &dyn Refunding)
    }

    async fn start(&self, order: &Order<'_>) -> Result<Redirect, GatewayError> {
        self.of(order.txn).unwrap_or(&self.preferred.gateway).start(order).await
    }

    fn names(&self, answer: &Answer) -> Option<TxnId> {
        self.versions.values().rev().find_map(|version| version.gateway.names(answer))
    }

    async fn verify(&self, txn: &Transaction, answer: &Answer) -> Result<Evidence, GatewayError> {
        let (mut is_hint, mut first_error) = (false, None);
        for version in self.verifying(txn) {
            match self.verdict(version, txn, answer).await {
                Ok(signed @ Evidence::Signed(_)) => return Ok(signed),
                Ok(Evidence::Unsigned) => is_hint = true,
                Err(GatewayError::WrongTransaction) => return Err(GatewayError::WrongTransaction),
                Err(error) => {
                    first_error.get_or_insert(error);
                }
            }
        }
        match first_error {
            Some(error) if !is_hint => Err(error),
            Some(_) | None => Ok(Evidence::Unsigned),
        }
    }

    async fn status(&self, txn: &Transaction) -> Result<Report, GatewayError> {
        let answer = self.preferred.gateway.status(txn).await;
        match self.second(txn, &answer) {
            Some(other) => better(answer, other.status(txn).await),
            None => answer,
        }
    }
}

#[async_trait]
impl Closing for Versions {
    async fn close(&self, txn: &Transaction) -> Result<Report, GatewayError> {
        let Some(closing) = self.preferred.gateway.closing() else { return self.status(txn).await };
        let closed = closing.close(txn).await;
        // Closing an order again changes nothing.
        match self.second(txn, &closed).and_then(|other| other.closing()) {
            Some(closing) => better(closed, closing.close(txn).await),
            None => closed,
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
        let answer = refunds.refund_status(order).await;
        let is_asked_again = match &answer {
            Ok(report) => report.outcome == RefundOutcome::NotFound,
            Err(error) => is_refusal(error),
        };
        match self.other(order.payment).filter(|_| is_asked_again).and_then(|other| other.refunding()) {
            Some(other) => better(answer, other.refund_status(order).await),
            None => answer,
        }
    }

    fn names_refund(&self, answer: &Answer) -> Option<RefundId> {
        self.versions.values().rev().find_map(|version| version.gateway.refunding()?.names_refund(answer))
    }
}

impl Versions {
    fn refunds(&self) -> Result<&dyn Refunding, NoRefund> {
        self.preferred.gateway.refunding().ok_or(NoRefund::Never)
    }
}

#[cfg(test)]
mod tests;
