//! PhonePe, in the three protocols it has had; `phonepe.protocol` chooses.
//!
//! Legacy (`/v3/debit`) and v1 (`/pg/v1/pay`) sign every call and every server-to-server callback with a salt
//! key. Standard Checkout (v2) is called with an access token; its webhook proves that the sender knows a
//! password, but not that the body is unchanged. The return by the payer's browser is not trustworthy in any
//! of them.

pub mod account;
pub mod answer;
#[cfg(test)]
mod checkout_tests;
pub mod oauth;
pub mod refund;
#[cfg(test)]
mod refund_tests;
pub mod signature;
#[cfg(test)]
mod tests;
pub mod wire;

use std::sync::Arc;

use async_trait::async_trait;
use payment_domain::{Clock, Currency, Outcome, RefundId, RefundReport, Report, Transaction, TxnId};
use payment_gateway::{
    Answer, Closing, Evidence, Gateway, GatewayError, NoRefund, Order, Profile, Redirect, RefundOrder,
    RefundTerms, Refunding, Repetition,
};

pub use self::account::ADAPTER;
pub use self::account::PhonepeAccount;
use self::account::{Checkout, Salted};
use self::answer::{Facts, Generation};
use self::oauth::{TokenError, Tokens};
use self::signature::X_VERIFY;
use self::wire::CheckoutOrder;
use crate::account::Account;
use crate::client::{Call, CallError, Client, Reply};
use crate::json::Object;
use crate::refund::minimum;

/// The callback parameter with our transaction id.
pub const REFERENCE: &str = "transactionId";

pub struct Phonepe {
    profile: Profile,
    account: PhonepeAccount,
    client: Client,
    tokens: Tokens,
    clock: Arc<dyn Clock>,
}

impl Phonepe {
    /// The adapter for one merchant account. The clock decides about the age of an access token and the
    /// remaining life of an order.
    pub fn new(account: PhonepeAccount, client: Client, clock: Arc<dyn Clock>) -> Phonepe {
        Phonepe { profile: account.profile(), account, client, tokens: Tokens::new(clock.clone()), clock }
    }

    /// Makes a call of Standard Checkout. When the token is not accepted, nothing was done: the call
    /// is made once more with a new one.
    async fn call_checkout(
        &self,
        account: &Checkout,
        call: impl Fn(&str) -> Call + Send,
    ) -> Result<Reply, CheckoutError> {
        let token = self.tokens.get(&self.client, account).await?;
        let reply = self.client.send(&call(token.authorization())).await?;
        if reply.status != 401 {
            return Ok(reply);
        }
        self.tokens.reject(&token);
        let token = self.tokens.get(&self.client, account).await?;
        Ok(self.client.send(&call(token.authorization())).await?)
    }

    async fn start_checkout(&self, account: &Checkout, order: &Order<'_>) -> Result<Redirect, GatewayError> {
        if !wire::is_checkout_id(&order.txn.id) {
            return Err(refused("INVALID_TRANSACTION_ID"));
        }
        if order.txn.amount.minor() < wire::MIN_CHECKOUT_MINOR {
            return Err(refused("AMOUNT_BELOW_MINIMUM"));
        }
        let opened = CheckoutOrder::of(account, order, self.clock.now());
        let call = |authorization: &str| wire::checkout_pay_call(account, authorization, &opened);
        let reply = self.call_checkout(account, call).await.map_err(CheckoutError::of_start)?;
        answer::checkout_pay_page(reply, &account.pay_url).map(Redirect::To)
    }

    async fn checkout_status(&self, account: &Checkout, txn: &Transaction) -> Result<Report, GatewayError> {
        let call = |authorization: &str| wire::checkout_status_call(account, authorization, txn.id.as_str());
        let reply = self.call_checkout(account, call).await.map_err(CheckoutError::of_status)?;
        let facts = answer::status_facts(reply, Facts::of_checkout)?;
        // The order is named by the address of the call; the answer need not repeat it.
        if facts.is_about_another(txn, account.merchant_id.as_deref()) {
            return Err(about_another());
        }
        let outcome = facts.outcome()?;
        Ok(facts.into_report(outcome))
    }

    async fn signed_status(
        &self,
        account: &Salted,
        generation: Generation,
        txn: &Transaction,
    ) -> Result<Report, GatewayError> {
        let call = match generation {
            Generation::Legacy => wire::legacy_status_call(account, txn.id.as_str()),
            Generation::V1 => wire::v1_status_call(account, txn.id.as_str()),
        };
        let reply = self.client.send(&call).await?;
        let facts = answer::status_facts(reply, |answer| Facts::of_signed(answer, generation))?;
        let outcome = facts.outcome()?;
        let paid = matches!(outcome, Outcome::Paid { .. });
        if facts.is_about_another(txn, Some(&account.merchant_id))
            || (paid && !facts.is_about(txn, &account.merchant_id))
        {
            return Err(about_another());
        }
        Ok(facts.into_report(outcome))
    }
}

impl std::fmt::Debug for Phonepe {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Phonepe").field("account", &self.account).finish_non_exhaustive()
    }
}

#[async_trait]
impl Gateway for Phonepe {
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
        let signed = |call: fn(&Salted, &Order<'_>) -> Call, account: &Salted| {
            let valid = wire::is_transaction_id(&order.txn.id);
            valid.then(|| call(account, order)).ok_or_else(|| refused("INVALID_TRANSACTION_ID"))
        };
        match &self.account {
            PhonepeAccount::Legacy(account) => {
                let call = signed(wire::legacy_pay_call, account)?;
                answer::legacy_pay_page(self.client.send(&call).await?, &call.url).map(Redirect::To)
            }
            PhonepeAccount::V1(account) => {
                let call = signed(wire::v1_pay_call, account)?;
                answer::v1_pay_page(self.client.send(&call).await?, &call.url, order.txn).map(Redirect::To)
            }
            PhonepeAccount::V2(account) => self.start_checkout(account, order).await,
        }
    }

    fn names(&self, answer: &Answer) -> Option<TxnId> {
        let in_body = match &self.account {
            PhonepeAccount::Legacy(_) => answer::callback_order(&answer.body, Generation::Legacy),
            PhonepeAccount::V1(_) => answer::callback_order(&answer.body, Generation::V1),
            PhonepeAccount::V2(_) => answer::webhook_order(&answer.body),
        };
        match in_body {
            Some(order) => TxnId::new(order).ok(),
            None => answer.transaction_in(&self.profile.transaction_parameter),
        }
    }

    async fn verify(&self, txn: &Transaction, answer: &Answer) -> Result<Evidence, GatewayError> {
        if self.names(answer).is_some_and(|named| named != txn.id) {
            return Err(GatewayError::WrongTransaction);
        }
        match &self.account {
            PhonepeAccount::Legacy(account) => verify_callback(account, Generation::Legacy, txn, answer),
            PhonepeAccount::V1(account) => verify_callback(account, Generation::V1, txn, answer),
            PhonepeAccount::V2(account) => verify_webhook(account, answer),
        }
    }

    async fn status(&self, txn: &Transaction) -> Result<Report, GatewayError> {
        match &self.account {
            PhonepeAccount::Legacy(account) => self.signed_status(account, Generation::Legacy, txn).await,
            PhonepeAccount::V1(account) => self.signed_status(account, Generation::V1, txn).await,
            PhonepeAccount::V2(account) => self.checkout_status(account, txn).await,
        }
    }
}

#[async_trait]
impl Refunding for Phonepe {
    fn terms(&self, payment: &Transaction) -> Result<RefundTerms, NoRefund> {
        if payment.amount.currency() != Currency::INR {
            return Err(NoRefund::OnlyIn(Currency::INR));
        }
        let (smallest, repetition) = match &self.account {
            PhonepeAccount::Legacy(_) | PhonepeAccount::V1(_) => (1, Repetition::Refused),
            // Its answer to a second use of an id is not documented.
            PhonepeAccount::V2(_) => (wire::MIN_CHECKOUT_MINOR, Repetition::Doubles),
        };
        let minimum = minimum(smallest, payment);
        Ok(RefundTerms { partial: true, several: true, minimum, repetition })
    }

    async fn refund(&self, order: &RefundOrder<'_>) -> Result<RefundReport, GatewayError> {
        match &self.account {
            PhonepeAccount::Legacy(account) => {
                let call = refund::legacy_call(account, order);
                self.ask_about_refund(account, Generation::Legacy, order, &call).await
            }
            PhonepeAccount::V1(account) => {
                let call = refund::v1_call(account, order);
                self.ask_about_refund(account, Generation::V1, order, &call).await
            }
            PhonepeAccount::V2(account) => {
                let call = |authorization: &str| refund::checkout_call(account, authorization, order);
                self.ask_checkout_about_refund(account, order, call).await
            }
        }
    }

    async fn refund_status(&self, order: &RefundOrder<'_>) -> Result<RefundReport, GatewayError> {
        let id = order.id.as_str();
        match &self.account {
            PhonepeAccount::Legacy(account) => {
                let call = wire::legacy_status_call(account, id);
                self.ask_about_refund(account, Generation::Legacy, order, &call).await
            }
            PhonepeAccount::V1(account) => {
                let call = wire::v1_status_call(account, id);
                self.ask_about_refund(account, Generation::V1, order, &call).await
            }
            PhonepeAccount::V2(account) => {
                let call = |authorization: &str| refund::checkout_status_call(account, authorization, id);
                self.ask_checkout_about_refund(account, order, call).await
            }
        }
    }

    fn names_refund(&self, answer: &Answer) -> Option<RefundId> {
        match &self.account {
            PhonepeAccount::Legacy(_) => refund::named_in_callback(&answer.body, Generation::Legacy),
            PhonepeAccount::V1(_) => refund::named_in_callback(&answer.body, Generation::V1),
            PhonepeAccount::V2(_) => refund::named_in_webhook(&answer.body),
        }
    }
}

impl Phonepe {
    async fn ask_about_refund(
        &self,
        account: &Salted,
        generation: Generation,
        order: &RefundOrder<'_>,
        call: &Call,
    ) -> Result<RefundReport, GatewayError> {
        let read = |answer: &Object| refund::signed_report(&account.merchant_id, generation, order, answer);
        refund::report_of(self.client.send(call).await?, read)
    }

    async fn ask_checkout_about_refund(
        &self,
        account: &Checkout,
        order: &RefundOrder<'_>,
        call: impl Fn(&str) -> Call + Send,
    ) -> Result<RefundReport, GatewayError> {
        let reply = self.call_checkout(account, call).await.map_err(CheckoutError::of_refund)?;
        refund::report_of(reply, |answer| {
            refund::checkout_report(account.merchant_id.as_deref(), order, answer)
        })
    }
}

/// A server-to-server callback is signed; an answer by the browser is not, by any published rule.
fn verify_callback(
    account: &Salted,
    generation: Generation,
    txn: &Transaction,
    answer: &Answer,
) -> Result<Evidence, GatewayError> {
    if !answer::is_callback(&answer.body) {
        return Ok(Evidence::Unsigned);
    }
    let x_verify = answer.headers.get_ignoring_case(X_VERIFY).unwrap_or_default();
    let members =
        answer::verified_callback(&account.salt, &answer.body, x_verify).ok_or(GatewayError::BadSignature)?;
    let facts = Facts::of_signed(&members, generation);
    if !facts.is_about(txn, &account.merchant_id) || facts.names_another_amount(txn.amount) {
        return Err(GatewayError::WrongTransaction);
    }
    let outcome = facts.outcome()?;
    Ok(Evidence::Signed(facts.into_report(outcome)))
}

/// A webhook shows a password where one is configured. The password does not cover the body, so even the
/// right one is only a reason for a status request.
fn verify_webhook(account: &Checkout, answer: &Answer) -> Result<Evidence, GatewayError> {
    let Some(user) = &account.webhook_user else { return Ok(Evidence::Unsigned) };
    let is_webhook = answer::webhook_order(&answer.body).is_some();
    match answer.headers.get_ignoring_case("authorization") {
        Some(authorization) if is_webhook && !user.sent(authorization) => Err(GatewayError::BadSignature),
        None if is_webhook => Err(GatewayError::BadSignature),
        Some(_) | None => Ok(Evidence::Unsigned),
    }
}

/// The reason for which a call of Standard Checkout has no answer.
enum CheckoutError {
    /// There was no token to make it with: it was not sent.
    Token(TokenError),
    Call(GatewayError),
}

impl From<TokenError> for CheckoutError {
    fn from(error: TokenError) -> CheckoutError {
        CheckoutError::Token(error)
    }
}

impl From<CallError> for CheckoutError {
    fn from(error: CallError) -> CheckoutError {
        CheckoutError::Call(error.into())
    }
}

impl CheckoutError {
    fn of_start(self) -> GatewayError {
        match self {
            CheckoutError::Token(TokenError::Denied(_)) => refused("AUTHORIZATION_FAILED"),
            CheckoutError::Token(error @ TokenError::Unavailable(_)) => GatewayError::NotSent(error.into()),
            CheckoutError::Token(error @ TokenError::LocalFault(_)) => GatewayError::LocalFault(error.into()),
            CheckoutError::Call(error) => error,
        }
    }

    /// Without a token nothing was sent.
    fn of_refund(self) -> GatewayError {
        match self {
            CheckoutError::Token(error @ (TokenError::Denied(_) | TokenError::Unavailable(_))) => {
                GatewayError::NotSent(error.into())
            }
            CheckoutError::Token(error @ TokenError::LocalFault(_)) => GatewayError::LocalFault(error.into()),
            CheckoutError::Call(error) => error,
        }
    }

    fn of_status(self) -> GatewayError {
        match self {
            CheckoutError::Token(error @ TokenError::Denied(_)) => {
                GatewayError::Unreadable(error.to_string())
            }
            CheckoutError::Token(error @ TokenError::Unavailable(_)) => GatewayError::NotSent(error.into()),
            CheckoutError::Token(error @ TokenError::LocalFault(_)) => GatewayError::LocalFault(error.into()),
            CheckoutError::Call(error) => error,
        }
    }
}

fn refused(code: &str) -> GatewayError {
    GatewayError::Refused { code: code.to_owned() }
}

fn about_another() -> GatewayError {
    GatewayError::Unreadable("the answer names another transaction or merchant, or none".to_owned())
}
