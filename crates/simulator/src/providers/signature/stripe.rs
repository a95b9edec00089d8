//! Stripe's `Stripe-Signature` of webhooks.

use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

use super::is_digest;

fn digest(secret: &str, moment: &str, body: &[u8]) -> Vec<u8> {
    // HMAC takes keys of every length, so the error cannot occur; an empty digest matches nothing.
    let Ok(mac) = Hmac::<Sha256>::new_from_slice(secret.as_bytes()) else { return Vec::new() };
    mac.chain_update(moment).chain_update(".").chain_update(body).finalize().into_bytes().to_vec()
}

/// The header over a body that is sent at this moment, in seconds since the epoch.
pub fn header(secret: &str, now_s: i64, body: &[u8]) -> String {
    format!("t={now_s},v1={}", hex::encode(digest(secret, &now_s.to_string(), body)))
}

/// Whether the header is a good one at this moment.
pub fn is_signed(secret: &str, header: &str, body: &[u8], now_s: i64, tolerance_s: u64) -> bool {
    let parts: Vec<(&str, &str)> = header.split(',').filter_map(|part| part.split_once('=')).collect();
    let Some((_, moment)) = parts.iter().find(|(name, _)| *name == "t") else { return false };
    let recent = moment.parse::<i64>().is_ok_and(|sent_s| sent_s.abs_diff(now_s) <= tolerance_s);
    let expected = digest(secret, moment, body);
    recent && parts.iter().any(|(name, value)| *name == "v1" && is_digest(&expected, value))
}
