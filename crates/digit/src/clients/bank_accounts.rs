//! Bank accounts at egf-master: `POST {host}/egf-master/bankaccounts/_search?tenantId=`.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use payment_domain::{Clock, RequestInfo, TenantId};

use super::Client;
use super::cache::Cache;
use super::http::{Endpoint, InvalidAddress, Nature, OwnError};
use super::{OnlyRequestInfo, json};
use crate::{BankAccounts, DigitError};

const SERVICE: &str = "egf-master";
const NOT_FOUND: OwnError =
    OwnError { code: "BANK_ACCOUNT_FETCH_ERROR", message: "Unable to fetch related bank account" };
const REMEMBERED: u64 = 2_048;

#[derive(Debug, Clone)]
pub struct BankAccountMasterConfig {
    /// `egov.bankaccountservice.host`.
    pub host: String,
    /// `egov.bankaccountservice.path`.
    pub path: String,
    /// How long an account is cached; zero for not at all.
    pub cache_life: Duration,
}

impl BankAccountMasterConfig {
    /// The service at this host, with the original's path; accounts are cached for ten minutes.
    pub fn at(host: impl Into<String>) -> BankAccountMasterConfig {
        BankAccountMasterConfig {
            host: host.into(),
            path: "egf-master/bankaccounts/_search".to_owned(),
            cache_life: Duration::from_secs(600),
        }
    }
}

pub struct BankAccountMaster {
    search: Endpoint,
    cache_life: Duration,
    recent: Cache<TenantId, String>,
}

impl BankAccountMaster {
    /// The service at that address; the clock limits how long an account is cached.
    ///
    /// # Errors
    /// [`InvalidAddress`].
    pub fn new(
        config: &BankAccountMasterConfig,
        client: &Client,
        clock: Arc<dyn Clock>,
    ) -> Result<BankAccountMaster, InvalidAddress> {
        let search = Endpoint::new(client, SERVICE, (&config.host, &config.path), Nature::Asks, NOT_FOUND)?;
        Ok(BankAccountMaster { search, cache_life: config.cache_life, recent: Cache::new(clock, REMEMBERED) })
    }
}

impl std::fmt::Debug for BankAccountMaster {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("BankAccountMaster").field("search", &self.search).finish_non_exhaustive()
    }
}

#[async_trait]
impl BankAccounts for BankAccountMaster {
    async fn account_number(&self, info: &RequestInfo, tenant: &TenantId) -> Result<String, DigitError> {
        let ask = async {
            let query = [("tenantId", tenant.as_str())];
            let found = self.search.post(Some(info), &query, &OnlyRequestInfo { info }, read).await?;
            match found {
                Some(account) => Ok((account, self.cache_life)),
                None => Err(NOT_FOUND.into()),
            }
        };
        self.recent.get_or_ask(tenant.clone(), ask).await
    }
}

/// The number of the one account of an answer; `Some(None)` when there is none, or more than one, or one
/// without a number. `None` when the answer is unreadable.
fn read(answer: &[u8]) -> Option<Option<String>> {
    let answer = json::object(answer)?;
    match json::list(&answer, "bankAccounts")? {
        [account] => Some(json::text(account, "accountNumber")),
        [] | [_, _, ..] => Some(None),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn only_a_single_account_will_do() {
        let number = |answer: &str| read(answer.as_bytes());
        assert_eq!(number(r#"{"bankAccounts":[{"accountNumber":"001"}]}"#), Some(Some("001".to_owned())));
        assert_eq!(number(r#"{"bankAccounts":[{"accountNumber":17}]}"#), Some(Some("17".to_owned())));
        for none in [
            r#"{"bankAccounts":[]}"#,
            r#"{"bankAccounts":null}"#,
            r#"{"bankAccounts":[{}]}"#,
            r#"{"bankAccounts":[{"accountNumber":"1"},{"accountNumber":"1"}]}"#,
        ] {
            assert_eq!(number(none), Some(None), "{none}");
        }
        for garbage in ["", "{}", "[]", r#"{"bankAccounts":"x"}"#] {
            assert_eq!(number(garbage), None, "{garbage}");
        }
    }

    proptest! {
        #[test]
        fn no_answer_panics(number in "\\PC{0,300}", noise: Vec<u8>) {
            let _ = read(&noise);
            let answer = serde_json::json!({"bankAccounts": [{ "accountNumber": number }]}).to_string();
            if let Some(Some(number)) = read(answer.as_bytes()) {
                prop_assert!(number.chars().count() <= json::MAX_TEXT);
            }
        }
    }
}
