//! Paytm, in its legacy protocol and in the current one; `paytm.protocol` chooses.
//!
//! Legacy: a signed form or link takes the payer to `processTransaction`, `getTxnStatus` reports the status.
//! Current: `initiateTransaction` opens an order, a form with its token takes the payer to `showPaymentPage`,
//! `/v3/order/status` reports the status, signed by Paytm over the exact text of its body. Both call back
//! with the same signed form.

pub mod account;
pub mod answer;
#[cfg(test)]
mod callback_tests;
pub mod refund;
#[cfg(test)]
mod refund_tests;
pub mod signature;
#[cfg(test)]
mod tests;
pub mod wire;

use async_trait::async_trait;
use payment_domain::{Currency, Outcome, RefundId, RefundReport, Report, Transaction, TxnId};
use payment_gateway::{
    Answer, Closing, Evidence, Gateway, GatewayError, NoRefund, Order, Profile, Redirect, RefundOrder,
    RefundTerms, Refunding, Repetition,
};

pub use self::account::ADAPTER;
pub use self::account::PaytmAccount;
use self::account::{Legacy, Protocol, V3};
use self::answer::{Envelope, Facts};
use self::signature::{CHECKSUM_FIELD, Salt};
use crate::account::Account;
use crate::client::{Call, Client};
use crate::json::Object;
use crate::refund::{minimum, number_for_call, number_of};

/// The callback parameter with our transaction id.
pub const REFERENCE: &str = "ORDERID";

#[derive(Debug)]
pub struct Paytm {
    profile: Profile,
    account: PaytmAccount,
    client: Client,
}

impl Paytm {
    /// The adapter for one merchant account.
    pub fn new(account: PaytmAccount, client: Client) -> Paytm {
        Paytm { profile: account.profile(), account, client }
    }

    async fn open_order(&self, v3: &V3, order: &Order<'_>) -> Result<Redirect, GatewayError> {
        let call = wire::initiate_call(&self.account, v3, order, new_salt()?);
        let reply = self.client.send(&call).await?.accepted()?;
        let token = answer::token(&self.account.key, &reply.body)?;
        let (action, fields) = wire::page_form(&self.account, v3, &order.txn.id, &token);
        Ok(Redirect::Form { action, fields })
    }

    async fn ask_legacy(&self, legacy: &Legacy, id: &TxnId) -> Result<Facts, GatewayError> {
        let call = wire::legacy_status_call(&self.account, legacy, id, new_salt()?);
        let reply = self.client.send(&call).await?.accepted()?;
        let answer = Object::parse(&reply.body)
            .ok_or_else(|| GatewayError::Unreadable("not a JSON object".to_owned()))?;
        self.refuse_wrong_checksum(&answer)?;
        Ok(Facts::of_legacy(&answer))
    }

    /// Legacy answers carry a checksum over their members, if any.
    fn refuse_wrong_checksum(&self, answer: &Object) -> Result<(), GatewayError> {
        let Some(checksum) = answer.text(CHECKSUM_FIELD) else { return Ok(()) };
        let members: Vec<(&str, String)> =
            answer.names().map(|name| (name, answer.text(name).unwrap_or_default())).collect();
        let text = signature::text_of_form(members.iter().map(|(name, value)| (*name, value.as_str())));
        if signature::is_valid(&self.account.key, &text, &checksum) {
            Ok(())
        } else {
            Err(GatewayError::Unreadable("the signature is wrong".to_owned()))
        }
    }

    async fn ask_v3(&self, v3: &V3, id: &TxnId) -> Result<(Facts, Outcome), GatewayError> {
        let call = wire::status_call(&self.account, v3, id, new_salt()?);
        let reply = self.client.send(&call).await?.accepted()?;
        let envelope = Envelope::open(&self.account.key, &reply.body)?;
        let facts = Facts::of_body(&envelope.body);
        let outcome = facts.outcome()?;
        let money_moved = matches!(outcome, Outcome::Paid { .. } | Outcome::Refunded);
        if money_moved && !envelope.signed {
            return Err(GatewayError::Unreadable("a success without a signature".to_owned()));
        }
        Ok((facts, outcome))
    }
}

#[async_trait]
impl Gateway for Paytm {
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
        if !wire::is_order_id(&order.txn.id) {
            return Err(GatewayError::Refused { code: "INVALID_ORDER_ID".to_owned() });
        }
        match &self.account.protocol {
            Protocol::Legacy(legacy) => Ok(wire::pay_redirect(&self.account, legacy, order, new_salt()?)),
            Protocol::V3(v3) => self.open_order(v3, order).await,
        }
    }

    fn names(&self, answer: &Answer) -> Option<TxnId> {
        answer.transaction_in(&self.profile.transaction_parameter)
    }

    async fn verify(&self, txn: &Transaction, answer: &Answer) -> Result<Evidence, GatewayError> {
        if self.names(answer).is_some_and(|named| named != txn.id) {
            return Err(GatewayError::WrongTransaction);
        }
        if answer.params.get(CHECKSUM_FIELD).is_none() {
            return Ok(Evidence::Unsigned);
        }
        let fields = signature::verified_callback(&self.account.key, answer.params.iter())
            .ok_or(GatewayError::BadSignature)?;
        let facts = Facts::of_form(&fields);
        facts
            .check(txn, &self.account.merchant_id, true)
            .map_err(|_mismatch| GatewayError::WrongTransaction)?;
        if facts.names_another_amount(txn.amount) {
            return Err(GatewayError::WrongTransaction);
        }
        let outcome = facts.outcome()?;
        Ok(Evidence::Signed(facts.into_report(outcome)))
    }

    async fn status(&self, txn: &Transaction) -> Result<Report, GatewayError> {
        let (facts, outcome) = match &self.account.protocol {
            Protocol::Legacy(legacy) => {
                let facts = self.ask_legacy(legacy, &txn.id).await?;
                let outcome = facts.outcome()?;
                (facts, outcome)
            }
            Protocol::V3(v3) => self.ask_v3(v3, &txn.id).await?,
        };
        // An answer that ends or receipts a transaction has to name it.
        let definite = match outcome {
            Outcome::Paid { .. } | Outcome::Declined { .. } | Outcome::Refunded => true,
            Outcome::Pending | Outcome::Authorised | Outcome::NotFound | Outcome::Unrecognised { .. } => {
                false
            }
        };
        facts
            .check(txn, &self.account.merchant_id, definite)
            .map_err(|mismatch| GatewayError::Unreadable(format!("the answer names another {mismatch}")))?;
        Ok(facts.into_report(outcome))
    }
}

/// The smallest refund of a part, in paise.
const MIN_PARTIAL: i64 = 100;

#[async_trait]
impl Refunding for Paytm {
    fn terms(&self, payment: &Transaction) -> Result<RefundTerms, NoRefund> {
        number_of(payment)?;
        if payment.amount.currency() != Currency::INR {
            return Err(NoRefund::OnlyIn(Currency::INR));
        }
        let minimum = minimum(payment.amount.minor().min(MIN_PARTIAL), payment);
        Ok(RefundTerms { partial: true, several: true, minimum, repetition: Repetition::Refused })
    }

    async fn refund(&self, order: &RefundOrder<'_>) -> Result<RefundReport, GatewayError> {
        let payment = number_for_call(order.payment)?;
        let call = refund::apply_call(&self.account, order, payment, new_salt()?);
        self.ask_about_refund(order, refund::Asked::Apply, &call).await
    }

    async fn refund_status(&self, order: &RefundOrder<'_>) -> Result<RefundReport, GatewayError> {
        let call = refund::status_call(&self.account, order, new_salt()?);
        self.ask_about_refund(order, refund::Asked::Status, &call).await
    }

    fn names_refund(&self, answer: &Answer) -> Option<RefundId> {
        refund::named(answer)
    }
}

impl Paytm {
    async fn ask_about_refund(
        &self,
        order: &RefundOrder<'_>,
        asked: refund::Asked,
        call: &Call,
    ) -> Result<RefundReport, GatewayError> {
        let reply = self.client.send(call).await?.accepted()?;
        let envelope = Envelope::open(&self.account.key, &reply.body)?;
        Ok(refund::report(&self.account, order, asked, &envelope.body, envelope.signed))
    }
}

/// A new salt; without randomness nothing is sent.
fn new_salt() -> Result<Salt, GatewayError> {
    Salt::random().map_err(|error| GatewayError::LocalFault(error.into()))
}
