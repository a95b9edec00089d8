//! Razorpay's signatures: HMAC-SHA256 in lower-case hexadecimal, over ids joined by `|` and over the raw body of a
//! webhook.

use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;
use subtle::ConstantTimeEq;

fn digest(secret: &str, message: &[u8]) -> Vec<u8> {
    // HMAC takes keys of every length, so the error cannot occur; nothing verifies against an empty digest.
    Hmac::<Sha256>::new_from_slice(secret.as_bytes())
        .map(|mac| mac.chain_update(message).finalize().into_bytes().to_vec())
        .unwrap_or_default()
}

/// The signature over the way back from a payment link.
pub fn sign_callback(key_secret: &str, link: &str, reference: &str, status: &str, payment: &str) -> String {
    sign(key_secret, [link, reference, status, payment].join("|").as_bytes())
}

/// The signature over a message.
pub fn sign(secret: &str, message: &[u8]) -> String {
    hex::encode(digest(secret, message))
}

/// Whether it is the signature over a message: the vendor's libraries compare letter by letter.
pub fn is_valid(secret: &str, message: &[u8], given: &str) -> bool {
    let expected = sign(secret, message);
    !expected.is_empty() && bool::from(expected.as_bytes().ct_eq(given.as_bytes()))
}
