//! PhonePe's digests: `X-VERIFY` over requests and callbacks, and the webhook's password. Pure.
//!
//! `X-VERIFY` is the lower-case hexadecimal SHA-256 of `payload + path + salt key`, then `###`, then
//! the index of the salt key. The payload is base64 text, signed as it is, so that the order of the
//! members in it does not matter; a call without a body signs its path alone, a callback its payload.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use secrecy::{ExposeSecret, SecretString};

use crate::digest::{equal_texts, equals_hex, sha256};

/// The header that carries the signature, in lower case as answers name it.
pub const X_VERIFY: &str = "x-verify";

const SEPARATOR: &str = "###";

/// A merchant's salt key and the index PhonePe knows it by.
#[derive(Debug, Clone)]
pub struct SaltKey {
    pub key: SecretString,
    /// Its index, e.g. `1`.
    pub index: String,
}

impl SaltKey {
    fn digest(&self, payload: &str, path: &str) -> Vec<u8> {
        sha256(&[payload, path, self.key.expose_secret()].concat().into_bytes())
    }

    /// The `X-VERIFY` of a call. `path` omits the host's prefix; `payload` is empty for a call without a
    /// body.
    pub fn x_verify(&self, payload: &str, path: &str) -> String {
        format!("{}{SEPARATOR}{}", hex::encode(self.digest(payload, path)), self.index)
    }

    /// Whether `header` signs this payload of a server-to-server callback under this key.
    pub fn verifies(&self, payload: &str, header: &str) -> bool {
        let Some((digest, index)) = header.split_once(SEPARATOR) else { return false };
        // Both are compared in every case.
        let same_index = equal_texts(&self.index, index);
        equals_hex(&self.digest(payload, ""), digest) && same_index
    }
}

/// A JSON payload as it is sent and signed.
pub fn encode(payload: &str) -> String {
    STANDARD.encode(payload)
}

/// The bytes of a payload that came; `None` when it is not base64.
pub fn decode(payload: &str) -> Option<Vec<u8>> {
    STANDARD.decode(payload).ok()
}

/// The user name and password that were set for webhooks at PhonePe.
#[derive(Debug, Clone)]
pub struct WebhookUser {
    pub name: String,
    pub password: SecretString,
}

impl WebhookUser {
    /// Whether the `Authorization` header of a webhook shows that its sender knows the password, in lower case as
    /// PhonePe's own clients compare it. It says nothing about the body.
    pub fn sent(&self, authorization: &str) -> bool {
        let given = authorization.strip_prefix("SHA256 ").unwrap_or(authorization);
        let digest = sha256(format!("{}:{}", self.name, self.password.expose_secret()).as_bytes());
        equal_texts(&hex::encode(digest), given)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn salt(key: &str) -> SaltKey {
        SaltKey { key: key.into(), index: "1".to_owned() }
    }

    #[test]
    fn neither_key_nor_password_is_printed() {
        let user = WebhookUser { name: "u".to_owned(), password: "hush-hush".into() };
        assert!(!format!("{:?} {user:?}", salt("hush-hush")).contains("hush-hush"));
    }

    #[test]
    fn a_password_is_shown_with_and_without_a_prefix() {
        let user = WebhookUser { name: "username".to_owned(), password: "password".into() };
        let digest = "bc842c31a9e54efe320d30d948be61291f3ceee4766e36ab25fa65243cd76e0e";
        assert!(user.sent(digest) && user.sent(&format!("SHA256 {digest}")));
        assert!(!user.sent("") && !user.sent("SHA256 ") && !user.sent(&digest[1..]));
    }

    proptest! {
        #[test]
        fn only_the_signed_payload_verifies(
            payload in ".{0,60}", other in ".{0,60}", index in "[0-9#]{0,3}", header in ".{0,100}"
        ) {
            let header_of = |salt: &SaltKey| salt.x_verify(&payload, "");
            let signed = header_of(&salt("key"));
            prop_assert!(salt("key").verifies(&payload, &signed));
            prop_assert_eq!(salt("key").verifies(&other, &signed), other == payload);
            prop_assert!(!salt("another").verifies(&payload, &signed));
            let digest = signed.split("###").next().unwrap_or_default();
            prop_assert_eq!(salt("key").verifies(&payload, &format!("{digest}###{index}")), index == "1");
            prop_assert!(!salt("key").verifies(&payload, &header));
        }

        #[test]
        fn no_text_panics(text in ".{0,200}") {
            decode(&text);
        }
    }
}
