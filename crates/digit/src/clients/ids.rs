//! Transaction ids from egov-idgen: `POST {host}/egov-idgen/id/_generate`.

use async_trait::async_trait;
use payment_domain::{RequestInfo, TenantId, TxnId};
use serde::Serialize;

use super::Client;
use super::http::{Endpoint, InvalidAddress, Nature, OwnError};
use super::json;
use crate::{DigitError, TransactionIds};

const SERVICE: &str = "egov-idgen";
/// The number of calls when the service answers without a valid id.
const TRIES: u32 = 2;
const NO_ID: OwnError = OwnError { code: "IDGEN_ERROR", message: "No transaction id could be generated" };

#[derive(Debug, Clone)]
pub struct IdGenerationConfig {
    /// `egov.idgen.host`.
    pub host: String,
    /// `egov.idgen.path`.
    pub path: String,
    /// `egov.idgen.ack.name`: the name under which the service may have a format of its own.
    pub id_name: String,
    /// `egov.idgen.ack.format`: the format for when it has none.
    pub id_format: String,
}

impl IdGenerationConfig {
    /// The service at this host, with the original's defaults for everything else.
    pub fn at(host: impl Into<String>) -> IdGenerationConfig {
        IdGenerationConfig {
            host: host.into(),
            path: "egov-idgen/id/_generate".to_owned(),
            id_name: "pg.txnid".to_owned(),
            id_format: "PB_PG_[cy:yyyy_MM_dd]_[SEQ_EG_PG_TXN]_[d{2}]".to_owned(),
        }
    }
}

#[derive(Debug)]
pub struct IdGeneration {
    generate: Endpoint,
    id_name: String,
    id_format: String,
}

#[derive(Serialize)]
struct Body<'a> {
    #[serde(rename = "RequestInfo")]
    info: &'a RequestInfo,
    #[serde(rename = "idRequests")]
    requests: [IdRequest<'a>; 1],
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct IdRequest<'a> {
    id_name: &'a str,
    tenant_id: &'a TenantId,
    format: &'a str,
}

impl IdGeneration {
    /// The service at that address.
    ///
    /// # Errors
    /// [`InvalidAddress`].
    pub fn new(config: &IdGenerationConfig, client: &Client) -> Result<IdGeneration, InvalidAddress> {
        // A number that is taken and lost does no harm, but the service is called once.
        let generate = Endpoint::new(client, SERVICE, (&config.host, &config.path), Nature::Acts, NO_ID)?;
        Ok(IdGeneration { generate, id_name: config.id_name.clone(), id_format: config.id_format.clone() })
    }
}

#[async_trait]
impl TransactionIds for IdGeneration {
    async fn next(&self, info: &RequestInfo, tenant: &TenantId) -> Result<TxnId, DigitError> {
        let request = IdRequest { id_name: &self.id_name, tenant_id: tenant, format: &self.id_format };
        let body = Body { info, requests: [request] };
        for _ in 0..TRIES {
            if let Some(id) = self.generate.post(Some(info), &[], &body, read).await? {
                return Ok(id);
            }
        }
        Err(NO_ID.into())
    }
}

/// The first valid id of an answer, if any; `None` when the answer is unreadable.
fn read(answer: &[u8]) -> Option<Option<TxnId>> {
    let answer = json::object(answer)?;
    let first = json::list(&answer, "idResponses")?.first();
    Some(first.and_then(|response| TxnId::new(json::text(response, "id")?).ok()))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn an_invalid_id_is_not_accepted() {
        let id = |answer: &str| read(answer.as_bytes());
        let whole = r#"{"responseInfo":null,"idResponses":[{"id":"PB_PG_2018_08_06_000072_14"},{"id":"x"}]}"#;
        assert_eq!(id(whole).flatten().unwrap().as_str(), "PB_PG_2018_08_06_000072_14");
        let long = format!(r#"{{"idResponses":[{{"id":"{}"}}]}}"#, "x".repeat(129));
        for none in [
            r#"{"idResponses":[]}"#,
            r#"{"idResponses":null}"#,
            r#"{"idResponses":[{}]}"#,
            r#"{"idResponses":[{"id":""}]}"#,
            r#"{"idResponses":[{"id":"a\nb"}]}"#,
            &long,
        ] {
            assert_eq!(id(none), Some(None), "{none}");
        }
        for garbage in ["", "[]", "{}", r#"{"idResponses":{}}"#] {
            assert_eq!(id(garbage), None, "{garbage}");
        }
    }

    proptest! {
        #[test]
        fn no_answer_panics(id in "\\PC{0,200}", noise: Vec<u8>) {
            let _ = read(&noise);
            let answer = serde_json::json!({"idResponses": [{ "id": id }]}).to_string();
            if let Some(Some(id)) = read(answer.as_bytes()) {
                prop_assert!(id.as_str().chars().count() <= TxnId::MAX_CHARS);
            }
        }
    }
}
