//! Ids, payers and bank accounts that always succeed.

use std::sync::atomic::{AtomicU32, Ordering};

use async_trait::async_trait;
use payment_digit::{BankAccounts, DigitError, PayerDetails, Payers, TransactionIds};
use payment_domain::{Payer, RequestInfo, TenantId, TxnId};

/// Numbers transactions from `T0001`, and knows one payer and one account.
#[derive(Default)]
pub(crate) struct Plain(AtomicU32);

#[async_trait]
impl TransactionIds for Plain {
    async fn next(&self, _: &RequestInfo, _: &TenantId) -> Result<TxnId, DigitError> {
        Ok(TxnId::new(format!("T{:04}", self.0.fetch_add(1, Ordering::SeqCst) + 1)).unwrap())
    }
}

#[async_trait]
impl Payers for Plain {
    async fn find_or_create(&self, _: &RequestInfo, details: &PayerDetails) -> Result<Payer, DigitError> {
        Ok(Payer {
            uuid: "payer-1".to_owned(),
            user_name: details.mobile_number.clone(),
            name: details.name.clone(),
            mobile_number: details.mobile_number.clone(),
            email_id: None,
            tenant_id: details.tenant_id.state().to_owned(),
        })
    }
}

#[async_trait]
impl BankAccounts for Plain {
    async fn account_number(&self, _: &RequestInfo, _: &TenantId) -> Result<String, DigitError> {
        Ok("0001".to_owned())
    }
}
