//! Razorpay's signatures: HMAC-SHA256 in lower-case hexadecimal. Pure.

use secrecy::{ExposeSecret, SecretString};

use crate::digest;

/// The header with the signature over a webhook's body.
pub const HEADER: &str = "x-razorpay-signature";

/// The signature over a message.
pub fn sign(secret: &SecretString, message: &[u8]) -> String {
    hex::encode(digest::hmac_sha256(secret.expose_secret().as_bytes(), message))
}

/// Whether `given` is the signature over a message. Upper-case digits are another text.
pub fn verifies(secret: &SecretString, message: &[u8], given: &str) -> bool {
    digest::equal_texts(&sign(secret, message), given)
}

/// The text that is signed of several values.
pub fn joined(values: &[&str]) -> String {
    values.join("|")
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn only_the_whole_signature_in_lower_case_is_one() {
        let secret = SecretString::from("FAKEsecretFAKEsecret0000");
        let text = joined(&["order_FAKE0000000001", "pay_FAKE0000000001"]);
        let signature = sign(&secret, text.as_bytes());
        assert_eq!(signature, "9d237c05f19ffb928ae3ae8a4620df0fb542f8165c5af836ba534137125c57a4");
        assert!(verifies(&secret, text.as_bytes(), &signature));
        for wrong in ["", &signature[1..], &signature.to_uppercase(), &format!("{signature} ")] {
            assert!(!verifies(&secret, text.as_bytes(), wrong), "{wrong}");
        }
    }

    proptest! {
        #[test]
        fn another_message_or_secret_has_another_signature(
            message: Vec<u8>, other: Vec<u8>, given in "\\PC{0,80}", secrets in ("[a-z]{1,20}", "[a-z]{1,20}")
        ) {
            let [secret, another] = [secrets.0.as_str(), secrets.1.as_str()].map(SecretString::from);
            let signature = sign(&secret, &message);
            prop_assert!(verifies(&secret, &message, &signature));
            prop_assert_eq!(verifies(&secret, &other, &signature), message == other);
            prop_assert_eq!(verifies(&another, &message, &signature), secrets.0 == secrets.1);
            prop_assert_eq!(verifies(&secret, &message, &given), given == signature);
        }
    }
}
