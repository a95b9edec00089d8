//! Axis Bank through Mastercard's MIGS, the virtual payment client (VPC).
//!
//! The payer follows a signed URL and comes back with signed members. Status requests go to the server API
//! with the reference of the payment.

pub mod account;
pub mod refund;
pub mod signature;
pub mod wire;

use async_trait::async_trait;
use payment_domain::{Outcome, RefundId, RefundReport, Report, Transaction, TxnId};
use payment_gateway::{
    Answer, Closing, Evidence, Gateway, GatewayError, NoRefund, Order, Params, Profile, Redirect,
    RefundOrder, RefundTerms, Refunding, Repetition,
};
use secrecy::ExposeSecret;
use url::Url;

pub use account::ADAPTER;
pub use account::AxisAccount;

use crate::account::Account;
use crate::client::{Call, Client};
use crate::form;
use crate::refund::{minimum, number_for_call, number_of};
use crate::text::{ascii, cut, one_line, paise};

#[derive(Debug)]
pub struct Axis {
    profile: Profile,
    account: AxisAccount,
    client: Client,
}

impl Axis {
    /// An adapter for this merchant.
    pub fn new(account: AxisAccount, client: Client) -> Axis {
        Axis { profile: account.profile(), account, client }
    }

    /// The signed URL of the pay page for this order.
    ///
    /// # Errors
    /// [`GatewayError::Refused`] when the transaction id cannot be a reference at this gateway, or
    /// the bank account number is missing.
    pub fn pay_url(&self, order: &Order<'_>) -> Result<String, GatewayError> {
        let refused = |code: &str| GatewayError::Refused { code: code.to_owned() };
        let reference = order.txn.id.as_str();
        // A reference is never shortened or rewritten: two transactions must not meet in one.
        if !reference.is_ascii() || reference.len() > wire::MAX_REFERENCE_CHARS {
            return Err(refused("TXN_ID_NOT_A_REFERENCE"));
        }
        let bank_account = order.bank_account.ok_or_else(|| refused("BANK_ACCOUNT_MISSING"))?;
        let order_info = ascii(&one_line(bank_account));
        let payment = wire::Payment {
            reference,
            order_info: cut(&order_info, wire::MAX_ORDER_INFO_CHARS),
            amount_minor: order.txn.amount.minor(),
            return_url: &ascii_url(order.return_url),
        };
        let members = wire::pay_members(&self.account, &payment);
        Ok(wire::signed_url(&self.account.pay_url, self.account.secret_key.expose_secret(), members))
    }

    /// Whether the members are about this transaction. An error answer may leave out the merchant
    /// and the amount; one that says "paid" may not.
    fn is_about(&self, txn: &Transaction, params: &Params, outcome: &Outcome) -> bool {
        let may_lack = !matches!(outcome, Outcome::Paid { .. });
        let member = |name: &str| params.get(name).filter(|value| !value.is_empty());
        self.is_not_of_another(txn, params)
            && member(wire::REFERENCE).is_some()
            && (may_lack || member("vpc_Merchant").is_some())
            && member("vpc_Amount").map_or(may_lack, |text| paise(text) == Some(txn.amount))
    }

    /// Whether it answers a payment and not another command, such as a refund.
    fn is_of_a_payment(&self, params: &Params) -> bool {
        params
            .get("vpc_Command")
            .is_none_or(|command| command.is_empty() || command == self.account.pay_command)
    }

    /// Whether no member names another reference, merchant or currency.
    fn is_not_of_another(&self, txn: &Transaction, params: &Params) -> bool {
        let agrees = |name: &str, expected: &str| {
            params.get(name).is_none_or(|value| value.is_empty() || value == expected)
        };
        agrees(wire::REFERENCE, txn.id.as_str())
            && agrees("vpc_Merchant", &self.account.merchant_id)
            && agrees("vpc_Currency", txn.amount.currency().code())
    }
}

/// The URL in ASCII, as a URL writes other letters; one that is ASCII already is left as it is.
fn ascii_url(url: &str) -> String {
    match Url::parse(url) {
        Ok(parsed) if !url.is_ascii() => parsed.to_string(),
        Ok(_) | Err(_) => url.to_owned(),
    }
}

#[async_trait]
impl Gateway for Axis {
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
        self.pay_url(order).map(Redirect::To)
    }

    fn names(&self, answer: &Answer) -> Option<TxnId> {
        answer.transaction_in(wire::REFERENCE)
    }

    async fn verify(&self, txn: &Transaction, answer: &Answer) -> Result<Evidence, GatewayError> {
        let params = &answer.params;
        if !signature::check(self.account.secret_key.expose_secret(), params)? {
            return Ok(Evidence::Unsigned);
        }
        // Our own pay request is signed with the same key. It begins with the access code, which the
        // gateway never returns.
        if params.get(wire::ACCESS_CODE).is_some() {
            return Err(GatewayError::BadSignature);
        }
        let report = wire::report(params)?;
        if !self.is_about(txn, params, &report.outcome) || !self.is_of_a_payment(params) {
            return Err(GatewayError::WrongTransaction);
        }
        Ok(Evidence::Signed(report))
    }

    async fn status(&self, txn: &Transaction) -> Result<Report, GatewayError> {
        let call = wire::status_call(&self.account, txn.id.as_str());
        let reply = self.client.send(&call).await?.accepted()?;
        let members = Params::new(form::decode(reply.body.trim_ascii()));
        let report = wire::status_report(&members)?;
        if !self.is_not_of_another(txn, &members) {
            return Err(GatewayError::WrongTransaction);
        }
        // A missing reference is not an equal one: only a decline or an error may come without.
        let names_us = members.get(wire::REFERENCE).is_some_and(|reference| !reference.is_empty());
        if matches!(report.outcome, Outcome::Paid { .. } | Outcome::Refunded) && !names_us {
            return Err(GatewayError::Unreadable("a payment without the order's reference".to_owned()));
        }
        Ok(report)
    }
}

#[async_trait]
impl Refunding for Axis {
    fn terms(&self, payment: &Transaction) -> Result<RefundTerms, NoRefund> {
        number_of(payment)?;
        if payment.amount.currency() != self.account.currency {
            return Err(NoRefund::OnlyIn(self.account.currency));
        }
        let minimum = minimum(1, payment);
        // A reference may be used again: the second call gives the money back once more.
        Ok(RefundTerms { partial: true, several: true, minimum, repetition: Repetition::Doubles })
    }

    async fn refund(&self, order: &RefundOrder<'_>) -> Result<RefundReport, GatewayError> {
        let payment = number_for_call(order.payment)?;
        let call = refund::refund_call(&self.account, order, payment);
        self.ask_about_refund(order, refund::Asked::Refund, &call).await
    }

    async fn refund_status(&self, order: &RefundOrder<'_>) -> Result<RefundReport, GatewayError> {
        let call = wire::status_call(&self.account, order.id.as_str());
        self.ask_about_refund(order, refund::Asked::Status, &call).await
    }

    fn names_refund(&self, _answer: &Answer) -> Option<RefundId> {
        None
    }
}

impl Axis {
    async fn ask_about_refund(
        &self,
        order: &RefundOrder<'_>,
        asked: refund::Asked,
        call: &Call,
    ) -> Result<RefundReport, GatewayError> {
        let reply = self.client.send(call).await?.accepted()?;
        let members = Params::new(form::decode(reply.body.trim_ascii()));
        refund::report(&self.account, order, asked, &members)
    }
}

#[cfg(test)]
mod tests;
