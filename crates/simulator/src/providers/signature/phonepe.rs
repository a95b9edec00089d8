//! PhonePe's `X-VERIFY` of the signed protocols, and the webhook password of Standard Checkout.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use sha2::{Digest, Sha256};

use super::is_digest;

/// Between the digest and the number of the salt key.
const SEPARATOR: &str = "###";

pub fn encode(payload: &str) -> String {
    STANDARD.encode(payload)
}

/// A payload as it was meant; `None` when it is not base64.
pub fn decode(payload: &str) -> Option<Vec<u8>> {
    STANDARD.decode(payload).ok()
}

fn digest(parts: &[&str]) -> Vec<u8> {
    Sha256::digest(parts.concat()).to_vec()
}

/// The value of `X-VERIFY` over an encoded payload (empty for a GET), a path (empty for a callback)
/// and the salt key of that number.
pub fn x_verify(payload: &str, path: &str, salt_key: &str, salt_index: &str) -> String {
    format!("{}{SEPARATOR}{salt_index}", hex::encode(digest(&[payload, path, salt_key])))
}

/// Whether a value of `X-VERIFY` is the right one. Upper-case digits are taken as well.
pub fn is_x_verify(payload: &str, path: &str, salt_key: &str, salt_index: &str, given: &str) -> bool {
    given.split_once(SEPARATOR).is_some_and(|(hash, index)| {
        index == salt_index && is_digest(&digest(&[payload, path, salt_key]), hash)
    })
}

/// The `Authorization` of a webhook of Standard Checkout.
pub fn webhook_authorization(user: &str, password: &str) -> String {
    hex::encode(digest(&[user, ":", password]))
}

/// Whether that is the `Authorization` of this user's webhooks.
pub fn is_webhook_authorization(user: &str, password: &str, given: &str) -> bool {
    is_digest(&digest(&[user, ":", password]), given)
}
