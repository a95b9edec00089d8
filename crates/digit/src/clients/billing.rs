//! Bills at billing-service: `POST {host}/billing-service/bill/v2/_search?tenantId=&billId=`.

use async_trait::async_trait;
use payment_domain::{BillId, RequestInfo, TenantId};
use serde_json::Value;

use super::Client;
use super::http::{Endpoint, InvalidAddress, Nature, OwnError};
use super::{OnlyRequestInfo, json};
use crate::{Bills, DigitError};

const SERVICE: &str = "billing-service";
const NOT_FOUND_OUT: OwnError =
    OwnError { code: "BILL_SEARCH_FAILED", message: "Failed to look up the bill at the billing service" };

#[derive(Debug, Clone)]
pub struct BillingConfig {
    /// `egov.billing.service.host`.
    pub host: String,
    /// `egov.bill.searchendpoint`.
    pub path: String,
}

impl BillingConfig {
    /// The service at this host, with the original's path.
    pub fn at(host: impl Into<String>) -> BillingConfig {
        BillingConfig { host: host.into(), path: "billing-service/bill/v2/_search".to_owned() }
    }
}

#[derive(Debug)]
pub struct BillingService {
    search: Endpoint,
}

impl BillingService {
    /// The service at that address.
    ///
    /// # Errors
    /// [`InvalidAddress`].
    pub fn new(config: &BillingConfig, client: &Client) -> Result<BillingService, InvalidAddress> {
        let address = (config.host.as_str(), config.path.as_str());
        Ok(BillingService { search: Endpoint::new(client, SERVICE, address, Nature::Asks, NOT_FOUND_OUT)? })
    }
}

#[async_trait]
impl Bills for BillingService {
    async fn business_service(
        &self,
        info: &RequestInfo,
        tenant: &TenantId,
        bill: &BillId,
    ) -> Result<Option<String>, DigitError> {
        let query = [("tenantId", tenant.as_str()), ("billId", bill.as_str())];
        let read = |answer: &[u8]| read(answer, bill);
        self.search.post(Some(info), &query, &OnlyRequestInfo { info }, read).await
    }
}

/// The service of that bill; `Some(None)` when it is not among those of the answer. `None` when the answer is
/// unreadable.
fn read(answer: &[u8], bill: &BillId) -> Option<Option<String>> {
    let answer = json::object(answer)?;
    let is_meant = |shown: &&Value| json::text(shown, "id").is_none_or(|id| id == bill.as_str());
    let shown = json::list(&answer, "Bill")?.iter().find(is_meant);
    Some(shown.and_then(|shown| json::text(shown, "businessService")))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn service(answer: &str) -> Option<Option<String>> {
        read(answer.as_bytes(), &BillId::new("B1").unwrap())
    }

    #[test]
    fn the_service_is_that_of_the_requested_bill() {
        for known in [
            r#"{"Bill":[{"id":"B1","businessService":"PT"}]}"#,
            r#"{"Bill":[{"businessService":"PT"}]}"#,
            r#"{"Bill":[{"id":"B2","businessService":"WS"},{"id":"B1","businessService":"PT"}]}"#,
        ] {
            assert_eq!(service(known), Some(Some("PT".to_owned())), "{known}");
        }
        for unknown in
            [r#"{"Bill":[]}"#, r#"{"Bill":null}"#, r#"{"Bill":[{"id":"B2","businessService":"WS"}]}"#]
        {
            assert_eq!(service(unknown), Some(None), "{unknown}");
        }
        for garbage in ["", "{}", "[]", r#"{"Bill":{}}"#] {
            assert_eq!(service(garbage), None, "{garbage}");
        }
    }

    proptest! {
        #[test]
        fn no_answer_panics(name in "\\PC{0,300}", noise: Vec<u8>) {
            let bill = BillId::new("B1").unwrap();
            let _ = read(&noise, &bill);
            let answer = serde_json::json!({"Bill": [{ "id": "B1", "businessService": name }]}).to_string();
            if let Some(Some(name)) = read(answer.as_bytes(), &bill) {
                prop_assert!(name.chars().count() <= json::MAX_TEXT);
            }
        }
    }
}
