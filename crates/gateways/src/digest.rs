//! Digests, and comparing them without telling by the time taken how much was right.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hmac::{Hmac, KeyInit, Mac};
use sha2::{Digest, Sha256, Sha512};
use subtle::ConstantTimeEq;

/// HMAC-SHA256 of `message` under `key`; a key may have any length.
pub fn hmac_sha256(key: &[u8], message: &[u8]) -> Vec<u8> {
    // HMAC takes keys of every length, so the error cannot occur; no tag matches an empty one.
    Hmac::<Sha256>::new_from_slice(key)
        .map(|mac| mac.chain_update(message).finalize().into_bytes().to_vec())
        .unwrap_or_default()
}

/// HMAC-SHA512 of `message` under `key`; a key may have any length.
pub fn hmac_sha512(key: &[u8], message: &[u8]) -> Vec<u8> {
    Hmac::<Sha512>::new_from_slice(key)
        .map(|mac| mac.chain_update(message).finalize().into_bytes().to_vec())
        .unwrap_or_default()
}

/// SHA-256 of `message`.
pub fn sha256(message: &[u8]) -> Vec<u8> {
    Sha256::digest(message).to_vec()
}

/// SHA-512 of `message`.
pub fn sha512(message: &[u8]) -> Vec<u8> {
    Sha512::digest(message).to_vec()
}

/// 30 letters, digits, `_` and `-` for a text of any length: the first 180 bits of its SHA-256 in the URL's
/// base64, so that different texts have different names.
pub fn name_of_30(text: &str) -> String {
    let mut name = URL_SAFE_NO_PAD.encode(sha256(text.as_bytes()));
    name.truncate(30);
    name
}

/// Whether `given` is `expected` in hexadecimal, in either letter case. Anything that is not
/// hexadecimal of that length, and an empty expectation, is unequal. Takes the same time wherever
/// the two differ.
pub fn equals_hex(expected: &[u8], given: &str) -> bool {
    match hex::decode(given) {
        Ok(given) => !expected.is_empty() && bool::from(expected.ct_eq(&given)),
        Err(_) => false,
    }
}

/// Whether two texts are equal, in a time that depends on their lengths only.
pub fn equal_texts(expected: &str, given: &str) -> bool {
    expected.as_bytes().ct_eq(given.as_bytes()).into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_whole_digest_in_hexadecimal_is_equal() {
        let digest = sha256(b"x");
        let text = hex::encode(&digest);
        assert!(equals_hex(&digest, &text) && equals_hex(&digest, &text.to_uppercase()));
        for wrong in ["", "zz", &text[1..], &text[2..], &format!("{text}00"), &format!(" {text}")] {
            assert!(!equals_hex(&digest, wrong), "{wrong}");
        }
        assert!(!equals_hex(&[], ""));
    }
}
