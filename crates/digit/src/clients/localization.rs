//! Texts of messages at egov-localization:
//! `POST {host}/localization/messages/v1/_search?locale=&tenantId=&module=egov-pg`.
//!
//! All texts of a language come in one answer, which is cached.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use payment_domain::{Clock, RequestInfo, TenantId};
use serde_json::Value;

use super::Client;
use super::cache::Cache;
use super::http::{Endpoint, InvalidAddress, Nature, OwnError};
use super::{OnlyRequestInfo, json};
use crate::{DigitError, Messages};

const SERVICE: &str = "egov-localization";
const NOT_FOUND_OUT: OwnError = OwnError {
    code: "MESSAGE_SEARCH_FAILED",
    message: "Failed to look up the messages at the localization service",
};
/// The number of languages of states in the cache.
const REMEMBERED: u64 = 256;
/// The longest name of a language in a request: it comes from the caller's `msgId`.
const MAX_LOCALE: usize = 16;
/// The longest text that is taken, in characters.
const MAX_MESSAGE: usize = 2_000;
/// The most texts that are kept of one answer.
const MAX_MESSAGES: usize = 2_000;

#[derive(Debug, Clone)]
pub struct LocalizationConfig {
    /// `egov.localization.host`.
    pub host: String,
    /// `egov.localization.context.path`.
    pub context_path: String,
    /// `egov.localization.search.endpoint`.
    pub search_path: String,
    pub module: String,
    /// The language of callers without one.
    pub default_locale: String,
    /// How long the texts of a language are cached; zero for not at all.
    pub cache_life: Duration,
    /// How long the absence of a text is cached; zero for not at all.
    pub missing_life: Duration,
}

impl LocalizationConfig {
    /// The service at this host, with the original's paths; texts are cached for an hour, an absent one for
    /// five minutes.
    pub fn at(host: impl Into<String>) -> LocalizationConfig {
        LocalizationConfig {
            host: host.into(),
            context_path: "localization/messages/v1".to_owned(),
            search_path: "_search".to_owned(),
            module: "egov-pg".to_owned(),
            default_locale: "en_IN".to_owned(),
            cache_life: Duration::from_secs(3_600),
            missing_life: Duration::from_secs(300),
        }
    }
}

type Texts = HashMap<String, String>;

pub struct LocalizationService {
    search: Endpoint,
    module: String,
    default_locale: String,
    cache_life: Duration,
    missing_life: Duration,
    recent: Cache<(String, String), Arc<Texts>>,
}

impl LocalizationService {
    /// The service at that address; the clock limits how long texts are cached.
    ///
    /// # Errors
    /// [`InvalidAddress`].
    pub fn new(
        config: &LocalizationConfig,
        client: &Client,
        clock: Arc<dyn Clock>,
    ) -> Result<LocalizationService, InvalidAddress> {
        let (context, path) =
            (config.context_path.trim_end_matches('/'), config.search_path.trim_start_matches('/'));
        let path = format!("{context}/{path}");
        Ok(LocalizationService {
            search: Endpoint::new(client, SERVICE, (&config.host, &path), Nature::Asks, NOT_FOUND_OUT)?,
            module: config.module.clone(),
            default_locale: config.default_locale.clone(),
            cache_life: config.cache_life,
            missing_life: config.missing_life,
            recent: Cache::new(clock, REMEMBERED),
        })
    }
}

impl std::fmt::Debug for LocalizationService {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("LocalizationService").field("search", &self.search).finish_non_exhaustive()
    }
}

#[async_trait]
impl Messages for LocalizationService {
    async fn text(
        &self,
        info: &RequestInfo,
        tenant: &TenantId,
        locale: &str,
        code: &str,
    ) -> Result<Option<String>, DigitError> {
        let locale = if is_locale(locale) { locale } else { &self.default_locale };
        let state = tenant.state();
        let ask = async {
            let query = [("locale", locale), ("tenantId", state), ("module", self.module.as_str())];
            let texts = self.search.post(Some(info), &query, &OnlyRequestInfo { info }, read).await?;
            let life = if texts.contains_key(code) { self.cache_life } else { self.missing_life };
            Ok::<_, DigitError>((Arc::new(texts), life))
        };
        let texts = self.recent.get_or_ask((state.to_owned(), locale.to_owned()), ask).await?;
        Ok(texts.get(code).cloned())
    }
}

/// Whether a text can name a language: `en_IN`, `pa`.
fn is_locale(text: &str) -> bool {
    (1..=MAX_LOCALE).contains(&text.len())
        && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'-')
}

/// The texts of an answer by their codes; `None` when it is unreadable.
fn read(answer: &[u8]) -> Option<Texts> {
    let answer = json::object(answer)?;
    Some(json::list(&answer, "messages")?.iter().filter_map(read_message).take(MAX_MESSAGES).collect())
}

fn read_message(message: &Value) -> Option<(String, String)> {
    let text = message.get("message")?.as_str()?;
    let fits = !text.trim().is_empty() && text.chars().count() <= MAX_MESSAGE;
    Some((json::text(message, "code")?, text.to_owned())).filter(|_| fits)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    #[test]
    fn texts_are_read_by_their_codes() {
        let answer = json!({"messages": [
            {"code": "A", "message": "Paid {amount}\nThank you", "module": "egov-pg", "locale": "en_IN"},
            {"code": "B", "message": " "},
            {"code": "C", "message": "x".repeat(MAX_MESSAGE + 1)},
            {"code": "D"},
            null,
        ]});
        let texts = read(answer.to_string().as_bytes()).unwrap();
        assert_eq!(texts, HashMap::from([("A".to_owned(), "Paid {amount}\nThank you".to_owned())]));
        assert_eq!(read(br#"{"messages":[]}"#), Some(HashMap::new()));
        for garbage in ["", "{}", "[]", r#"{"messages":{}}"#] {
            assert_eq!(read(garbage.as_bytes()), None, "{garbage}");
        }
    }

    #[test]
    fn only_names_of_languages_are_requested() {
        assert!(is_locale("en_IN") && is_locale("pa"));
        for text in ["", "en IN", "en&tenantId=ka", "../x", "ਪੰ", "abcdefghijklmnopq"] {
            assert!(!is_locale(text), "{text}");
        }
    }

    proptest! {
        #[test]
        fn no_answer_panics(code in "\\PC{0,300}", message in "\\PC{0,3000}", noise: Vec<u8>) {
            let _ = read(&noise);
            let answer = json!({"messages": [{ "code": code, "message": message }]}).to_string();
            for text in read(answer.as_bytes()).unwrap().values() {
                prop_assert!(text.chars().count() <= MAX_MESSAGE);
            }
        }
    }
}
