//! CCAvenue (Infibeam Avenues).
//!
//! An encrypted form, or a link, takes the payer to the pay page; browser and webhooks bring an encrypted
//! message. The encryption proves nothing ([`cipher`]), so a message only names the order for a status
//! request: the status is that of `orderStatusTracker`. An order has no expiry of ours, and cannot be closed.
//!
//! Unless the account takes order numbers once only, an order can have several attempts to pay it. The API
//! answers about one; an attempt that an earlier answer named is requested as well.

pub mod account;
pub mod answer;
pub mod cipher;
pub mod refund;
pub mod refund_answer;
#[cfg(test)]
mod refund_tests;
#[cfg(test)]
mod tests;
pub mod wire;

use async_trait::async_trait;
use payment_domain::{Outcome, Report, Transaction, TxnId};
use payment_gateway::{
    Answer, Closing, Evidence, Gateway, GatewayError, Order, Profile, Redirect, Refunding,
};

pub use self::account::{ADAPTER, CcavenueAccount};
use self::answer::Content;
use self::wire::Named;
use crate::account::Account;
use crate::client::Client;

#[derive(Debug)]
pub struct Ccavenue {
    profile: Profile,
    account: CcavenueAccount,
    client: Client,
}

impl Ccavenue {
    /// An adapter for this merchant.
    pub fn new(account: CcavenueAccount, client: Client) -> Ccavenue {
        Ccavenue { profile: account.profile(), account, client }
    }

    /// Asks about the order, or about one attempt to pay it.
    async fn ask(&self, txn: &Transaction, attempt: Option<&str>) -> Result<Report, GatewayError> {
        let call = wire::status_call(&self.account, &txn.id, attempt);
        let reply = self.client.send(&call).await?.accepted()?;
        let text = match answer::content(&self.account.api.working_key, &reply.body)? {
            Content::Text(text) => text,
            Content::Refusal { message, code } => return Err(answer::refused(&message, Some(&code))),
        };
        let result = answer::result(&text)?;
        let report = answer::report(&result, txn.amount)?;
        answer::check(&result, &report, txn)?;
        Ok(report)
    }
}

#[async_trait]
impl Gateway for Ccavenue {
    fn profile(&self) -> &Profile {
        &self.profile
    }

    fn closing(&self) -> Option<&dyn Closing> {
        None
    }

    fn refunding(&self) -> Option<&dyn Refunding> {
        Some(self)
    }

    async fn start(&self, order: &Order<'_>) -> Result<Redirect, GatewayError> {
        Ok(wire::pay_redirect(&self.account, order))
    }

    fn names(&self, answer: &Answer) -> Option<TxnId> {
        match wire::named(&self.account, answer) {
            Named::Order { id, .. } => id,
            // The message is refused later; it may still be known whose it was to be.
            Named::Unreadable | Named::Several => answer.transaction_in(wire::ORDER_NUMBER),
            Named::Nothing => None,
        }
    }

    async fn verify(&self, txn: &Transaction, answer: &Answer) -> Result<Evidence, GatewayError> {
        match wire::named(&self.account, answer) {
            Named::Order { number, .. } if number != wire::order_number(&txn.id) => {
                Err(GatewayError::WrongTransaction)
            }
            Named::Several => Err(GatewayError::WrongTransaction),
            Named::Unreadable => Err(GatewayError::BadSignature),
            Named::Order { .. } | Named::Nothing => Ok(Evidence::Unsigned),
        }
    }

    async fn status(&self, txn: &Transaction) -> Result<Report, GatewayError> {
        let newest = self.ask(txn, None).await?;
        let known = txn.gateway_details.txn_id.as_deref();
        match known.filter(|known| newest.gateway_txn_id.as_deref() != Some(known)) {
            Some(known) if !matches!(newest.outcome, Outcome::Paid { .. }) => {
                let earlier = self.ask(txn, Some(known)).await?;
                // Of two that are undecided the earlier one is kept: the newest is found without its number.
                Ok(if weight(&earlier) >= weight(&newest) { earlier } else { newest })
            }
            Some(_) | None => Ok(newest),
        }
    }
}

/// Precedence of two attempts at one order: moved money, then an undecided attempt, then a refusal.
fn weight(report: &Report) -> u8 {
    match report.outcome {
        Outcome::Paid { .. } => 4,
        Outcome::Refunded => 3,
        Outcome::Authorised | Outcome::Pending | Outcome::Unrecognised { .. } => 2,
        Outcome::Declined { .. } => 1,
        Outcome::NotFound => 0,
    }
}
