//! Short links at egov-url-shortening: `POST {host}/egov-url-shortening/shortener`.

use async_trait::async_trait;
use serde::Serialize;
use url::Url;

use super::Client;
use super::http::{Endpoint, InvalidAddress, Nature, OwnError};
use crate::{DigitError, Links};

const SERVICE: &str = "egov-url-shortening";
const NOT_SHORTENED: OwnError = OwnError {
    code: "URL_SHORTENING_FAILED",
    message: "Failed to shorten the link at the URL shortening service",
};
/// The longest link that is taken for a short one.
const MAX_LINK: usize = 2_048;

#[derive(Debug, Clone)]
pub struct LinkShortenerConfig {
    /// `egov.url.shortner.host`.
    pub host: String,
    /// `egov.url.shortner.endpoint`.
    pub path: String,
}

impl LinkShortenerConfig {
    /// The service at this host, with the original's path.
    pub fn at(host: impl Into<String>) -> LinkShortenerConfig {
        LinkShortenerConfig { host: host.into(), path: "egov-url-shortening/shortener".to_owned() }
    }
}

#[derive(Debug)]
pub struct LinkShortener {
    shorten: Endpoint,
}

#[derive(Serialize)]
struct Body<'a> {
    url: &'a str,
}

impl LinkShortener {
    /// The service at that address.
    ///
    /// # Errors
    /// [`InvalidAddress`].
    pub fn new(config: &LinkShortenerConfig, client: &Client) -> Result<LinkShortener, InvalidAddress> {
        let address = (config.host.as_str(), config.path.as_str());
        // The caller falls back on the long link: no repetition.
        Ok(LinkShortener { shorten: Endpoint::new(client, SERVICE, address, Nature::Acts, NOT_SHORTENED)? })
    }
}

#[async_trait]
impl Links for LinkShortener {
    async fn shorten(&self, url: &str) -> Result<String, DigitError> {
        self.shorten.post(None, &[], &Body { url }, read).await
    }
}

/// The link of an answer, which is plain text; `None` when it is no web address.
fn read(answer: &[u8]) -> Option<String> {
    let text = std::str::from_utf8(answer).ok()?.trim();
    let plain = (1..=MAX_LINK).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_graphic());
    let url = Url::parse(text).ok().filter(|_| plain)?;
    let leads_somewhere = matches!(url.scheme(), "http" | "https") && url.username().is_empty();
    leads_somewhere.then(|| text.to_owned())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_short_link_is_a_web_address() {
        for link in ["https://x.example/a1", "http://x.example/egov-url-shortening/a1"] {
            assert_eq!(read(link.as_bytes()).as_deref(), Some(link));
        }
        assert_eq!(read(b" https://x.example/a1\n").as_deref(), Some("https://x.example/a1"));
        let long = format!("https://x.example/{}", "a".repeat(MAX_LINK));
        for garbage in [
            "",
            "x.example/a1",
            "javascript:alert(1)",
            "https://",
            "https://x.example/a b",
            "https://bank.example@evil.example/",
            "<html>https://x.example</html>",
            r#"{"url":"https://x.example"}"#,
            &long,
        ] {
            assert_eq!(read(garbage.as_bytes()), None, "{garbage}");
        }
        assert_eq!(read(&[0xff, 0xfe]), None);
    }

    proptest! {
        #[test]
        fn no_answer_panics(noise: Vec<u8>, text in "\\PC{0,100}") {
            let _ = read(&noise);
            if let Some(link) = read(format!("https://x.example/{text}").as_bytes()) {
                prop_assert!(link.len() <= MAX_LINK && link.is_ascii());
            }
        }
    }
}
