//! The user of an access token, by egov-user: `POST user/_details?access_token=`, like DIGIT's API gateway.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use payment_domain::{Clock, UserInfo};
use serde_json::{Map, Value};
use tokio::sync::Semaphore;

use super::Client;
use super::cache::Cache;
use super::http::{Endpoint, InvalidAddress, Nature, OwnError};
use super::json;
use crate::{DigitError, Tokens};

const SERVICE: &str = "egov-user";
/// A refusal without an error body means the same as one with it: an unknown token.
const REFUSED: OwnError =
    OwnError { code: "INVALID_ACCESS_TOKEN", message: "The user service does not know the access token" };
/// How long a user is cached: a revoked token counts that much longer.
const LIFE: Duration = Duration::from_secs(60);
/// How long an unknown token is cached.
const UNKNOWN_LIFE: Duration = Duration::from_secs(10);
const REMEMBERED: u64 = 8_192;
/// The number of questions that are under way at once: callers may make tokens up as fast as they like.
const AT_ONCE: usize = 32;
/// The longest token of a call, in bytes.
pub(super) const LONGEST_TOKEN: usize = 4_096;
/// The most roles that are taken from an answer.
const MOST_ROLES: usize = 200;

#[derive(Debug, Clone)]
pub struct TokenConfig {
    /// `egov.userservice.host`.
    pub host: String,
    /// `egov.userservice.details.path`.
    pub details_path: String,
    /// The time limit of one call, waiting for its turn included.
    pub wait: Duration,
}

impl TokenConfig {
    /// The service at this host, with DIGIT's path; a call takes three seconds at most.
    pub fn at(host: impl Into<String>) -> TokenConfig {
        TokenConfig {
            host: host.into(),
            details_path: "user/_details".to_owned(),
            wait: Duration::from_secs(3),
        }
    }
}

/// egov-user as the service of tokens.
pub struct TokenService {
    details: Endpoint,
    wait: Duration,
    turns: Semaphore,
    recent: Cache<String, Option<UserInfo>>,
}

impl TokenService {
    /// The service at that address; the clock limits how long a token is cached.
    ///
    /// # Errors
    /// [`InvalidAddress`].
    pub fn new(
        config: &TokenConfig,
        client: &Client,
        clock: Arc<dyn Clock>,
    ) -> Result<TokenService, InvalidAddress> {
        let address = (config.host.as_str(), config.details_path.as_str());
        Ok(TokenService {
            details: Endpoint::new(client, SERVICE, address, Nature::Asks, REFUSED)?,
            wait: config.wait,
            turns: Semaphore::new(AT_ONCE),
            recent: Cache::new(clock, REMEMBERED),
        })
    }

    async fn ask(&self, token: &str) -> Result<(Option<UserInfo>, Duration), DigitError> {
        let turn = self.turns.acquire().await;
        let _turn = turn.map_err(|closed| DigitError::NotSent { service: SERVICE, source: closed.into() })?;
        let query = [("access_token", token)];
        match self.details.post(None, &query, &Map::<String, Value>::new(), read).await {
            Ok(Some(user)) => Ok((Some(user), LIFE)),
            Ok(None) | Err(DigitError::Refused { .. } | DigitError::Incomplete { .. }) => {
                Ok((None, UNKNOWN_LIFE))
            }
            Err(error @ (DigitError::NotSent { .. } | DigitError::Unanswered { .. })) => Err(error),
        }
    }
}

impl std::fmt::Debug for TokenService {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("TokenService").field("details", &self.details).finish_non_exhaustive()
    }
}

#[async_trait]
impl Tokens for TokenService {
    async fn user_of(&self, token: &str) -> Result<Option<UserInfo>, DigitError> {
        let plausible =
            (1..=LONGEST_TOKEN).contains(&token.len()) && token.bytes().all(|b| b.is_ascii_graphic());
        if !plausible {
            return Ok(None);
        }
        let question = self.recent.get_or_ask(token.to_owned(), self.ask(token));
        match tokio::time::timeout(self.wait, question).await {
            Ok(answer) => answer,
            Err(elapsed) => Err(DigitError::Unanswered { service: SERVICE, source: elapsed.into() }),
        }
    }
}

/// The user of an answer, who may have been deactivated; `None` when the answer is unreadable.
fn read(answer: &[u8]) -> Option<Option<UserInfo>> {
    const TEXTS: [&str; 7] = ["uuid", "type", "tenantId", "userName", "name", "mobileNumber", "emailId"];
    let answer = Value::Object(json::object(answer)?);
    let mut members: Map<String, Value> = TEXTS
        .iter()
        .filter_map(|name| Some(((*name).to_owned(), Value::from(json::text(&answer, name)?))))
        .collect();
    if let Some(id) = answer.get("id").filter(|id| id.is_number()) {
        members.insert("id".to_owned(), id.clone());
    }
    let roles = answer.get("roles").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
    members.insert("roles".to_owned(), roles.iter().take(MOST_ROLES).map(role).collect());
    let user = UserInfo::new(members)?;
    let active = answer.get("active").and_then(Value::as_bool).unwrap_or(true);
    Some(active.then_some(user))
}

fn role(role: &Value) -> Value {
    let member = |name: &str| Some((name.to_owned(), Value::from(json::text(role, name)?)));
    Value::Object(["name", "code", "tenantId"].into_iter().filter_map(member).collect())
}

#[cfg(test)]
mod tests {
    use payment_domain::RequestInfo;
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    fn shown(answer: Value) -> Value {
        let user = read(answer.to_string().as_bytes()).flatten();
        user.map_or(Value::Null, |user| {
            serde_json::to_value(RequestInfo::default().with_user(&user)).unwrap()["userInfo"].clone()
        })
    }

    #[test]
    fn an_answer_of_the_service_is_read() {
        let details = json!({"id": 24, "uuid": "u-1", "userName": "asha", "name": "Asha Rani", "mobileNumber": "9876543210",
            "emailId": null, "locale": "en_IN", "type": "EMPLOYEE", "active": true, "tenantId": "pb.amritsar",
            "roles": [{"id": null, "name": "Counter", "code": "CSR", "tenantId": "pb.amritsar"}],
            "actions": [{"url": "/x"}]});
        insta::assert_snapshot!(format!("{:#}", shown(details)), @r#"
        {
          "id": 24,
          "mobileNumber": "9876543210",
          "name": "Asha Rani",
          "roles": [
            {
              "code": "CSR",
              "name": "Counter",
              "tenantId": "pb.amritsar"
            }
          ],
          "tenantId": "pb.amritsar",
          "type": "EMPLOYEE",
          "userName": "asha",
          "uuid": "u-1"
        }
        "#);
    }

    #[test]
    fn an_inactive_user_is_unknown_and_an_answer_without_a_user_is_unreadable() {
        let inactive = json!({"uuid": "u-1", "type": "CITIZEN", "active": false}).to_string();
        assert_eq!(read(inactive.as_bytes()), Some(None));
        for garbage in [
            "",
            "[]",
            "null",
            "{}",
            r#"{"uuid":"u"}"#,
            r#"{"type":"CITIZEN"}"#,
            r#"{"uuid":{},"type":"CITIZEN"}"#,
        ] {
            assert_eq!(read(garbage.as_bytes()), None, "{garbage}");
        }
    }

    proptest! {
        #[test]
        fn no_answer_panics(noise: Vec<u8>, uuid in "\\PC{0,300}", count in 0_usize..400) {
            let _ = read(&noise);
            let answer = json!({"uuid": uuid, "type": "CITIZEN", "roles": vec![json!({"code": "A"}); count]});
            let roles = shown(answer)["roles"].as_array().map_or(0, Vec::len);
            prop_assert!(roles <= MOST_ROLES);
        }
    }
}
