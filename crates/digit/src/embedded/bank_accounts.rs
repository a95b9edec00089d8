//! Bank accounts of tenants, from the configuration.

use std::collections::HashMap;

use async_trait::async_trait;
use payment_domain::{RequestInfo, TenantId};

use crate::{BankAccounts, DigitError};

/// One account number a tenant, and perhaps one for all others. `Debug` shows no numbers.
#[derive(Clone, Default)]
pub struct ConfiguredBankAccounts {
    of_tenant: HashMap<TenantId, String>,
    of_others: Option<String>,
}

impl ConfiguredBankAccounts {
    /// These accounts; `of_others` belongs to every tenant that has none of its own.
    pub fn new(of_tenant: HashMap<TenantId, String>, of_others: Option<String>) -> ConfiguredBankAccounts {
        ConfiguredBankAccounts { of_tenant, of_others }
    }
}

impl std::fmt::Debug for ConfiguredBankAccounts {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ConfiguredBankAccounts")
            .field("tenants", &self.of_tenant.len())
            .finish_non_exhaustive()
    }
}

#[async_trait]
impl BankAccounts for ConfiguredBankAccounts {
    async fn account_number(&self, _info: &RequestInfo, tenant: &TenantId) -> Result<String, DigitError> {
        self.of_tenant.get(tenant).or(self.of_others.as_ref()).cloned().ok_or_else(|| {
            DigitError::Incomplete {
                code: "BANK_ACCOUNT_FETCH_ERROR",
                message: format!("No bank account is configured for tenant {tenant}"),
            }
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tenant(text: &str) -> TenantId {
        TenantId::new(text).unwrap()
    }

    #[tokio::test]
    async fn a_tenant_has_its_own_account_or_the_common_one_or_none() {
        let info = RequestInfo::default();
        let own = HashMap::from([(tenant("pb.amritsar"), "001".to_owned())]);
        let accounts = ConfiguredBankAccounts::new(own.clone(), Some("999".to_owned()));
        assert_eq!(accounts.account_number(&info, &tenant("pb.amritsar")).await.unwrap(), "001");
        assert_eq!(accounts.account_number(&info, &tenant("pb.jalandhar")).await.unwrap(), "999");
        let accounts = ConfiguredBankAccounts::new(own, None);
        let missing = accounts.account_number(&info, &tenant("pb.jalandhar")).await.unwrap_err();
        assert!(matches!(missing, DigitError::Incomplete { code: "BANK_ACCOUNT_FETCH_ERROR", .. }));
        assert!(!format!("{accounts:?}").contains("001"));
    }
}
