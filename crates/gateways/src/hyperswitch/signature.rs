//! HMAC-SHA512 under the profile's `payment_response_hash_key`, of webhooks and of redirects. Pure.
//!
//! A webhook is signed over its body. A redirect is signed over its query: all pairs, including those of the
//! return URL, decoded, sorted, `name=value` joined with `&`. Nothing is escaped there, so a text has several
//! readings: one signed redirect is enough to move the border between two pairs (`a=1&b=2` is also the one
//! pair `a` of the value `1&b=2`), and a return URL with a parameter of the payer's choice can be made to say
//! anything. A valid signature shows that the redirect was not made by a stranger; its content is not read.

use secrecy::{ExposeSecret, SecretString};

use crate::digest::{equals_hex, hmac_sha512};

/// The header of a webhook's signature, in lower case.
pub const X_WEBHOOK_SIGNATURE: &str = "x-webhook-signature-512";

const SIGNATURE: &str = "signature";
const ALGORITHM: &str = "signature_algorithm";
const HMAC_SHA512: &str = "HMAC-SHA512";

/// The keys that signatures are checked with: the current one, and the one before while it is being changed.
#[derive(Debug, Clone)]
pub struct HashKeys {
    pub current: SecretString,
    pub previous: Option<SecretString>,
}

impl HashKeys {
    /// Whether this is the signature of a message under one of the keys.
    pub fn signed(&self, message: &[u8], signature: &str) -> bool {
        let by =
            |key: &SecretString| equals_hex(&hmac_sha512(key.expose_secret().as_bytes(), message), signature);
        by(&self.current) || self.previous.as_ref().is_some_and(by)
    }

    /// Whether the signature of a redirect is right; `None` when it has none.
    pub fn signed_redirect<'a>(&self, pairs: impl Iterator<Item = (&'a str, &'a str)>) -> Option<bool> {
        let mut pairs: Vec<(&str, &str)> = pairs.collect();
        // The router adds them at the end; before them the return URL may have pairs of these names.
        let mut take = |name: &str| {
            let at = pairs.iter().rposition(|(named, _)| *named == name)?;
            Some(pairs.remove(at).1)
        };
        let algorithm = take(ALGORITHM);
        let signature = take(SIGNATURE)?;
        (algorithm == Some(HMAC_SHA512)).then(|| self.signed(signed_text(pairs).as_bytes(), signature))
    }
}

/// The text that the signature of a redirect covers.
pub fn signed_text(mut pairs: Vec<(&str, &str)>) -> String {
    pairs.sort_unstable();
    let pairs: Vec<String> = pairs.into_iter().map(|(name, value)| format!("{name}={value}")).collect();
    pairs.join("&")
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn keys() -> HashKeys {
        HashKeys { current: "new".into(), previous: Some("old".into()) }
    }

    fn signature_by(key: &str, message: &str) -> String {
        hex::encode(hmac_sha512(key.as_bytes(), message.as_bytes()))
    }

    fn checked(pairs: &[(&str, &str)]) -> Option<bool> {
        keys().signed_redirect(pairs.iter().copied())
    }

    #[test]
    fn all_pairs_are_signed_sorted_by_name_and_value() {
        let text = signed_text(vec![("status", "s"), ("b", "2"), ("a", "x y&z"), ("b", "10"), ("B", "")]);
        assert_eq!(text, "B=&a=x y&z&b=10&b=2&status=s");
        assert_eq!(signed_text(Vec::new()), "");
    }

    #[test]
    fn both_keys_sign_while_one_is_changed_for_the_other() {
        for (key, signs) in [("new", true), ("old", true), ("other", false), ("", false)] {
            assert_eq!(keys().signed(b"body", &signature_by(key, "body")), signs, "{key}");
        }
        let alone = HashKeys { previous: None, ..keys() };
        assert!(alone.signed(b"body", &signature_by("new", "body")));
        assert!(!alone.signed(b"body", &signature_by("old", "body")));
        assert!(!keys().signed(b"body ", &signature_by("new", "body")) && !keys().signed(b"body", ""));
    }

    #[test]
    fn only_the_routers_own_signature_counts() {
        let signature = signature_by("new", "a=1&signature=mine");
        let mine = [("signature", "mine"), ("a", "1")];
        let theirs = [("signature", signature.as_str()), ("signature_algorithm", "HMAC-SHA512")];
        assert_eq!(checked(&[mine, theirs].concat()), Some(true));
        assert_eq!(checked(&mine), None, "a parameter of the application");
        let of_another_kind = [("signature", signature.as_str()), ("signature_algorithm", "HMAC-SHA256")];
        assert_eq!(checked(&[mine, of_another_kind].concat()), None);
        assert_eq!(checked(&[&theirs[..], &[("a", "1")]].concat()), Some(false));
        assert_eq!(checked(&theirs[1..]), None);
    }

    /// The reason a signed redirect proves nothing about the payment.
    #[test]
    fn a_signed_text_has_more_than_one_reading() {
        let genuine = [("back", "x&status=succeeded"), ("status", "failed")];
        let signature = signature_by("new", &signed_text(genuine.to_vec()));
        let signed = [("signature", signature.as_str()), ("signature_algorithm", "HMAC-SHA512")];
        let forged = [("back", "x"), ("status", "failed"), ("status", "succeeded")];
        assert_eq!(checked(&[&genuine[..], &signed].concat()), Some(true));
        assert_eq!(checked(&[&forged[..], &signed].concat()), Some(false), "it is sorted differently");
        let forged = [("back", "x"), ("status", "succeeded&status=failed")];
        assert_eq!(checked(&[&forged[..], &signed].concat()), Some(true));
    }

    proptest! {
        #[test]
        fn no_redirect_panics(pairs: Vec<(String, String)>) {
            let pairs = pairs.iter().map(|(name, value)| (name.as_str(), value.as_str()));
            prop_assert_eq!(keys().signed_redirect(pairs), None);
        }

        #[test]
        fn only_the_signed_text_is_valid(
            pairs in proptest::collection::vec(("[a-z&=_]{1,8}", ".{0,12}"), 0..8),
            other in "[a-z]{1,8}",
        ) {
            let pairs: Vec<(&str, &str)> = pairs.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
            let signature = signature_by("old", &signed_text(pairs.clone()));
            let signed = |pairs: &[(&str, &str)]| {
                checked(&[pairs, &[("signature", &signature), ("signature_algorithm", "HMAC-SHA512")]].concat())
            };
            prop_assert_eq!(signed(&pairs), Some(true));
            let mut reversed = pairs.clone();
            reversed.reverse();
            prop_assert_eq!(signed(&reversed), Some(true));
            prop_assert_eq!(signed(&[&pairs[..], &[("zz", &other)]].concat()), Some(false));
        }
    }
}
