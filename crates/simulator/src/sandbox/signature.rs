//! The sandbox's signatures: HMAC-SHA256 over a text that can be read in one way only.

use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;
use subtle::ConstantTimeEq;

/// The purpose of a signature. A signature for one purpose is invalid for another.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Purpose {
    /// A pay link, by the merchant.
    Pay,
    /// A merchant's status request about one order.
    Status,
    /// The wish to close an order, by the merchant.
    Close,
    /// A merchant's request for the list of orders.
    Orders,
    /// The request for a refund, by the merchant.
    Refund,
    /// A merchant's status request about a refund.
    RefundStatus,
    /// A merchant's request for the list of refunds.
    Refunds,
    /// The answer about a refund.
    RefundAnswer,
    /// The sandbox's report in the payer's browser.
    Return,
    /// The sandbox's report from server to server.
    Callback,
    /// The sandbox's answer to a status request.
    Answer,
    /// The form of a pay page, by the sandbox for itself.
    Form,
}

impl Purpose {
    /// The first line of the signed text.
    fn line(self) -> &'static str {
        match self {
            Purpose::Pay => "sandbox-pay-1",
            Purpose::Status => "sandbox-status-1",
            Purpose::Close => "sandbox-close-1",
            Purpose::Orders => "sandbox-orders-1",
            Purpose::Refund => "sandbox-refund-1",
            Purpose::RefundStatus => "sandbox-refund-status-1",
            Purpose::Refunds => "sandbox-refunds-1",
            Purpose::RefundAnswer => "sandbox-refund-answer-1",
            Purpose::Return => "sandbox-return-1",
            Purpose::Callback => "sandbox-callback-1",
            Purpose::Answer => "sandbox-answer-1",
            Purpose::Form => "sandbox-form-1",
        }
    }
}

/// The text that is signed: the purpose on its line, then `name=length:value` for every field on a
/// line of its own, the length in bytes. No two lists of fields share a text.
fn signed_text(purpose: Purpose, fields: &[(&str, &str)]) -> String {
    let mut text = String::with_capacity(256);
    text.push_str(purpose.line());
    text.push('\n');
    for (name, value) in fields {
        text.push_str(name);
        text.push('=');
        text.push_str(&value.len().to_string());
        text.push(':');
        text.push_str(value);
        text.push('\n');
    }
    text
}

fn digest(key: &[u8], purpose: Purpose, fields: &[(&str, &str)]) -> Vec<u8> {
    // HMAC takes keys of every length, so the error cannot occur; nothing verifies against an empty digest.
    Hmac::<Sha256>::new_from_slice(key)
        .map(|mac| mac.chain_update(signed_text(purpose, fields)).finalize().into_bytes().to_vec())
        .unwrap_or_default()
}

/// The signature over these fields in this order, in lower-case hexadecimal.
pub fn sign(key: &[u8], purpose: Purpose, fields: &[(&str, &str)]) -> String {
    hex::encode(digest(key, purpose, fields))
}

/// Whether `signature` is the one over these fields. Takes the same time wherever it is wrong.
pub fn is_signed(key: &[u8], purpose: Purpose, fields: &[(&str, &str)], signature: &str) -> bool {
    let expected = digest(key, purpose, fields);
    match hex::decode(signature) {
        Ok(given) => !expected.is_empty() && bool::from(expected.ct_eq(&given)),
        Err(_) => false,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn the_signed_text_is_as_documented() {
        let text = signed_text(Purpose::Pay, &[("order", "T1"), ("payee", "अ"), ("bill", "")]);
        assert_eq!(text, "sandbox-pay-1\norder=2:T1\npayee=3:अ\nbill=0:\n");
    }

    #[test]
    fn a_signature_is_for_one_purpose() {
        let signature = sign(b"key", Purpose::Pay, &[("order", "T1")]);
        assert!(is_signed(b"key", Purpose::Pay, &[("order", "T1")], &signature));
        assert!(!is_signed(b"key", Purpose::Return, &[("order", "T1")], &signature));
        assert!(!is_signed(b"other", Purpose::Pay, &[("order", "T1")], &signature));
        for broken in ["", "zz", &signature[..62], &format!("{signature}00")] {
            assert!(!is_signed(b"key", Purpose::Pay, &[("order", "T1")], broken), "{broken}");
        }
    }

    proptest! {
        #[test]
        fn no_two_lists_of_values_share_a_text(
            one in proptest::collection::vec("[a=:\n0-9]{0,6}", 3),
            other in proptest::collection::vec("[a=:\n0-9]{0,6}", 3),
        ) {
            let fields = |values: &[String]| {
                let fields: Vec<(&str, &str)> = ["x", "y", "z"].into_iter().zip(values.iter().map(String::as_str)).collect();
                signed_text(Purpose::Pay, &fields)
            };
            prop_assert_eq!(fields(&one) == fields(&other), one == other);
        }

        #[test]
        fn no_signature_panics(signature in "\\PC{0,80}") {
            let right = sign(b"k", Purpose::Form, &[]);
            prop_assert_eq!(is_signed(b"k", Purpose::Form, &[], &signature), signature.eq_ignore_ascii_case(&right));
        }
    }
}
