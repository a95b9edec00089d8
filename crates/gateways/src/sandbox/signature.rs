//! The sandbox's signatures: HMAC-SHA256 over the purpose and the named values.

use crate::digest::{equals_hex, hmac_sha256};

/// The purpose of a signature: the first line of the signed text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Purpose {
    Pay,
    /// Our status request about an order.
    Status,
    /// Our wish to close an order.
    Close,
    /// The sandbox's parameters in the payer's browser.
    Return,
    Callback,
    /// The sandbox's answer to our request.
    Answer,
    /// Our request for a refund.
    Refund,
    /// Our status request about a refund.
    RefundStatus,
    /// The sandbox's answer about a refund.
    RefundAnswer,
}

impl Purpose {
    fn line(self) -> &'static str {
        match self {
            Purpose::Pay => "sandbox-pay-1",
            Purpose::Status => "sandbox-status-1",
            Purpose::Close => "sandbox-close-1",
            Purpose::Return => "sandbox-return-1",
            Purpose::Callback => "sandbox-callback-1",
            Purpose::Answer => "sandbox-answer-1",
            Purpose::Refund => "sandbox-refund-1",
            Purpose::RefundStatus => "sandbox-refund-status-1",
            Purpose::RefundAnswer => "sandbox-refund-answer-1",
        }
    }
}

/// The purpose on a line, then every field as `name=length:value` on its own, the length in bytes.
fn signed_text(purpose: Purpose, fields: &[(&str, &str)]) -> String {
    let lines = fields.iter().map(|(name, value)| format!("{name}={}:{value}\n", value.len()));
    std::iter::once(format!("{}\n", purpose.line())).chain(lines).collect()
}

/// The signature over these fields in this order.
pub fn sign(secret: &str, purpose: Purpose, fields: &[(&str, &str)]) -> String {
    hex::encode(hmac_sha256(secret.as_bytes(), signed_text(purpose, fields).as_bytes()))
}

/// Whether that is the signature over these fields.
pub fn is_signed(secret: &str, purpose: Purpose, fields: &[(&str, &str)], signature: &str) -> bool {
    equals_hex(&hmac_sha256(secret.as_bytes(), signed_text(purpose, fields).as_bytes()), signature)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn the_signature_is_the_documented_one() {
        let fields = [("order", "T1"), ("payee", "अ & b"), ("bill", "")];
        assert_eq!(signed_text(Purpose::Pay, &fields), "sandbox-pay-1\norder=2:T1\npayee=7:अ & b\nbill=0:\n");
        // printf 'sandbox-pay-1\norder=2:T1\npayee=7:अ & b\nbill=0:\n' | openssl dgst -sha256 -hmac secret
        let signature = "2925d3b13829324e77d18d20e393d53e024d5c18d29a35b29c57389c2ccc8e84";
        assert_eq!(sign("secret", Purpose::Pay, &fields), signature);
        assert!(is_signed("secret", Purpose::Pay, &fields, signature));
    }

    proptest! {
        #[test]
        fn a_signature_fits_its_own_fields_only(
            values in proptest::collection::vec("\\PC{0,12}", 1..5),
            at in 0usize..5,
            other in "\\PC{0,12}",
        ) {
            let fields = |values: &[String]| -> Vec<(&'static str, String)> {
                ["a", "b", "c", "d", "e"].into_iter().zip(values.iter().cloned()).collect()
            };
            let text = |fields: &[(&'static str, String)]| {
                let fields: Vec<(&str, &str)> = fields.iter().map(|(name, value)| (*name, value.as_str())).collect();
                sign("secret", Purpose::Return, &fields)
            };
            let mut changed = values.clone();
            let at = at % changed.len();
            changed[at] = other;
            prop_assert_eq!(text(&fields(&values)) == text(&fields(&changed)), values == changed);
        }

        #[test]
        fn no_signature_panics(signature in "\\PC{0,70}") {
            prop_assert!(!is_signed("secret", Purpose::Answer, &[("a", "b")], &signature));
        }
    }
}
