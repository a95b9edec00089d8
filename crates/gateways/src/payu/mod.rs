//! PayU India.
//!
//! The payer's browser posts a signed form; where no page can be shown, this service posts it, and the
//! browser follows the URL that PayU answers with, as with egov-pg-service. The browser comes back with a
//! signed form. Status requests are the command `verify_payment`.

pub mod account;
pub mod refund;
pub mod refund_answer;
#[cfg(test)]
mod refund_tests;
pub mod signature;
pub mod wire;

use std::sync::Arc;

use async_trait::async_trait;
use payment_domain::{Clock, Currency, Money, Report, Transaction, TxnId};
use payment_gateway::{
    Answer, Closing, Evidence, Gateway, GatewayError, Order, Profile, Redirect, Refunding,
};
use secrecy::ExposeSecret;

pub use account::ADAPTER;
pub use account::PayuAccount;

use crate::account::{Account, RedirectThrough};
use crate::client::Client;

pub struct Payu {
    profile: Profile,
    account: PayuAccount,
    client: Client,
    clock: Arc<dyn Clock>,
}

impl Payu {
    /// An adapter for this merchant. The clock dates signed values.
    pub fn new(account: PayuAccount, client: Client, clock: Arc<dyn Clock>) -> Payu {
        Payu { profile: account.profile(), account, client, clock }
    }

    /// The signed fields of this order's form.
    ///
    /// # Errors
    /// [`GatewayError::Refused`] when the transaction id cannot be signed.
    pub fn pay_form(&self, order: &Order<'_>) -> Result<Vec<(String, String)>, GatewayError> {
        let txn = order.txn;
        if txn.id.as_str().contains('|') {
            return Err(GatewayError::Refused { code: "TXN_ID_NOT_A_REFERENCE".to_owned() });
        }
        let payment = wire::Payment {
            reference: txn.id.as_str(),
            amount: txn.amount,
            product_info: &txn.product_info,
            name: txn.payer.name.expose(),
            email: txn.payer.email_id.as_ref().map_or("", |email| email.expose()),
            phone: txn.payer.mobile_number.expose(),
            return_url: order.return_url,
        };
        Ok(wire::pay_fields(&self.account, &payment))
    }
}

impl std::fmt::Debug for Payu {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Payu").field("account", &self.account).finish_non_exhaustive()
    }
}

#[async_trait]
impl Gateway for Payu {
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
        let (action, fields) = (self.account.pay_url.clone(), self.pay_form(order)?);
        match self.account.redirect_through {
            RedirectThrough::Service => Ok(Redirect::Form { action, fields }),
            RedirectThrough::Application => {
                let call = wire::open_call(action, fields);
                wire::opened(self.client.send(&call).await?, &call.url).map(Redirect::To)
            }
        }
    }

    fn names(&self, answer: &Answer) -> Option<TxnId> {
        answer.transaction_in(wire::REFERENCE)
    }

    async fn verify(&self, txn: &Transaction, answer: &Answer) -> Result<Evidence, GatewayError> {
        let params = &answer.params;
        let (key, salt) = (&self.account.merchant_key, self.account.salt.expose_secret());
        if !signature::check(key, salt, params)? {
            return Ok(Evidence::Unsigned);
        }
        let value = |name: &str| params.get(name).unwrap_or_default();
        let same_merchant = params.get("key").is_none_or(|named| named == key);
        let same_amount = Money::parse(value("amount"), Currency::INR) == Ok(txn.amount);
        if !same_merchant || !same_amount || value(wire::REFERENCE) != txn.id.as_str() {
            return Err(GatewayError::WrongTransaction);
        }
        Ok(Evidence::Signed(wire::callback_report(params)))
    }

    async fn status(&self, txn: &Transaction) -> Result<Report, GatewayError> {
        let call = wire::status_call(&self.account, txn.id.as_str());
        let reply = self.client.send(&call).await?.accepted()?;
        wire::status_report(&reply.body, txn.id.as_str())
    }
}

#[cfg(test)]
mod tests;
