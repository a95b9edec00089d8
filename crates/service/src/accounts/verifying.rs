//! The status request that verifies credentials.

use std::time::Duration;

use payment_domain::{
    AccountRef, Currency, MerchantAccount, MerchantDigest, Money, Outcome, TenantId, Transaction, TxnId,
};
use payment_gateway::{Gateway, ORDER_OF_ANOTHER_ACCOUNT};

use super::Unverified;

/// Whether a payment was made through the account, or through that of the configuration file of the same merchant.
pub(super) fn is_of(txn: &Transaction, account: &MerchantAccount) -> bool {
    match &txn.account {
        Some(AccountRef::Stored { id, .. }) => *id == account.id,
        Some(AccountRef::Configured(merchant)) => {
            txn.gateway == account.gateway && is_of_merchant(account, merchant, &txn.tenant_id)
        }
        None => false,
    }
}

/// Whether an account is this merchant's, for payments of this tenant.
pub(super) fn is_of_merchant(
    account: &MerchantAccount,
    merchant: &MerchantDigest,
    tenant: &TenantId,
) -> bool {
    account.merchant.as_ref() == Some(merchant) && tenant.is_within(account.tenant_id.as_str())
}

/// Sends a status request about a payment, or about one that cannot exist. The gateway accepts the
/// credentials when it reports the one, or does not know the other.
pub(super) async fn ask(
    gateway: &dyn Gateway,
    account: &MerchantAccount,
    payment: Option<Transaction>,
    wait: Duration,
) -> Result<(), Unverified> {
    let is_known = payment.is_some();
    let txn = payment.unwrap_or_else(|| unknown(account));
    let report = match tokio::time::timeout(wait, gateway.status(&txn)).await {
        Ok(answered) => answered?,
        Err(_) => return Err(Unverified::Unanswered),
    };
    match (report.outcome, is_known) {
        // To the made-up payment a payer seems to have been sent.
        (Outcome::Unrecognised { code }, false) if code == ORDER_OF_ANOTHER_ACCOUNT => Ok(()),
        (Outcome::NotFound, false)
        | (
            Outcome::Paid { .. }
            | Outcome::Declined { .. }
            | Outcome::Pending
            | Outcome::Authorised
            | Outcome::Refunded,
            true,
        ) => Ok(()),
        (Outcome::NotFound, true) => Err(Unverified::UnknownPayment),
        (outcome, _) => Err(Unverified::Inconclusive(outcome)),
    }
}

/// A payment that no gateway knows.
fn unknown(account: &MerchantAccount) -> Transaction {
    let random = uuid::Uuid::new_v4().simple().to_string();
    let id = TxnId::stored(format!("VERIFY{}", random.get(..20).unwrap_or(&random)));
    Transaction {
        tenant_id: account.tenant_id.clone(),
        amount: Money::from_minor(100, Currency::INR).unwrap_or(Money::ZERO),
        gateway: account.gateway.clone(),
        // STRIPE asks by the session that the pay page names.
        redirect_url: Some(format!("https://checkout.stripe.com/c/pay/cs_live_{random}")),
        ..Transaction::unread(id)
    }
}
