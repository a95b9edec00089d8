//! The router's HMAC-SHA512 under the profile's `payment_response_hash_key`.

use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha512;

use super::is_digest;

/// The header of a webhook's signature.
pub const X_WEBHOOK_SIGNATURE: &str = "x-webhook-signature-512";

fn digest(key: &str, text: &str) -> Vec<u8> {
    // HMAC takes keys of every length, so the error cannot occur; an empty digest matches nothing.
    let Ok(mac) = Hmac::<Sha512>::new_from_slice(key.as_bytes()) else { return Vec::new() };
    mac.chain_update(text).finalize().into_bytes().to_vec()
}

/// The signature of a webhook's body, or of a redirect's text.
pub fn sign(key: &str, text: &str) -> String {
    hex::encode(digest(key, text))
}

/// Whether a signature is the right one.
pub fn is_signed(key: &str, text: &str, given: &str) -> bool {
    is_digest(&digest(key, text), given)
}

/// The text that is signed of a redirect: the pairs of its query but those of the signature, decoded, sorted and
/// joined.
pub fn text_of_url(url: &str) -> String {
    let query = url.split_once('?').map_or("", |(_, query)| query);
    let query = query.split('#').next().unwrap_or_default();
    let mut pairs: Vec<_> = form_urlencoded::parse(query.as_bytes())
        .filter(|(name, _)| !matches!(name.as_ref(), "signature" | "signature_algorithm"))
        .collect();
    pairs.sort();
    pairs.iter().map(|(name, value)| format!("{name}={value}")).collect::<Vec<_>>().join("&")
}
