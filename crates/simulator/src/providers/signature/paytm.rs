//! Paytm's checksum: a salted SHA-256, encrypted with AES-CBC under the merchant key.

use aes::cipher::block_padding::Pkcs7;
use aes::cipher::{BlockModeDecrypt, BlockModeEncrypt, KeyIvInit};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;

/// The field that carries the checksum of a form.
pub const CHECKSUM: &str = "CHECKSUMHASH";
/// The initialisation vector that all of Paytm's merchants share.
const VECTOR: &[u8; 16] = b"@@@@&&&&####$$$$";
/// The length of a salt in bytes.
const SALT_BYTES: usize = 4;
/// Longer checksums are none: 68 bytes become 80 when encrypted and 108 as base64.
const MAX_CHECKSUM_BYTES: usize = 256;

/// The text of a form that is signed: all values but the checksum, by name in byte order, with `|`
/// between them. The word `null` counts as nothing; the vendor's libraries disagree about it.
pub fn text_of_form<'a>(fields: impl IntoIterator<Item = (&'a str, &'a str)>) -> String {
    let mut signed: Vec<(&str, &str)> = fields.into_iter().filter(|(name, _)| *name != CHECKSUM).collect();
    signed.sort_unstable_by_key(|(name, _)| *name);
    let values: Vec<&str> = signed
        .iter()
        .map(|(_, value)| if value.eq_ignore_ascii_case("null") { "" } else { *value })
        .collect();
    values.join("|")
}

/// A new salt, as a base64 text of four characters.
pub fn new_salt() -> [u8; SALT_BYTES] {
    let mut random = [0; 3];
    // A salt is no secret: without randomness it repeats, and that is all.
    let _repeats_at_worst = getrandom::fill(&mut random);
    let mut salt = [b'A'; SALT_BYTES];
    for (place, byte) in salt.iter_mut().zip(STANDARD.encode(random).bytes()) {
        *place = byte;
    }
    salt
}

/// Whether a merchant key has a length that AES takes: 16, 24 or 32 bytes.
pub fn is_key(key: &[u8]) -> bool {
    matches!(key.len(), 16 | 24 | 32)
}

/// The checksum over a text; `None` when the key is none.
pub fn sign(key: &[u8], text: &str, salt: [u8; SALT_BYTES]) -> Option<String> {
    let plain = plain(text.as_bytes(), &salt);
    let encrypted = match key.len() {
        16 => cbc::Encryptor::<aes::Aes128>::new_from_slices(key, VECTOR)
            .ok()?
            .encrypt_padded_vec::<Pkcs7>(&plain),
        24 => cbc::Encryptor::<aes::Aes192>::new_from_slices(key, VECTOR)
            .ok()?
            .encrypt_padded_vec::<Pkcs7>(&plain),
        32 => cbc::Encryptor::<aes::Aes256>::new_from_slices(key, VECTOR)
            .ok()?
            .encrypt_padded_vec::<Pkcs7>(&plain),
        _ => return None,
    };
    Some(STANDARD.encode(encrypted))
}

/// The content of a checksum: the digest in hexadecimal and the salt. `None` when it is not one.
pub fn open(key: &[u8], checksum: &str) -> Option<Vec<u8>> {
    if checksum.len() > MAX_CHECKSUM_BYTES {
        return None;
    }
    let encrypted = STANDARD.decode(checksum).ok()?;
    match key.len() {
        16 => cbc::Decryptor::<aes::Aes128>::new_from_slices(key, VECTOR)
            .ok()?
            .decrypt_padded_vec::<Pkcs7>(&encrypted),
        24 => cbc::Decryptor::<aes::Aes192>::new_from_slices(key, VECTOR)
            .ok()?
            .decrypt_padded_vec::<Pkcs7>(&encrypted),
        32 => cbc::Decryptor::<aes::Aes256>::new_from_slices(key, VECTOR)
            .ok()?
            .decrypt_padded_vec::<Pkcs7>(&encrypted),
        _ => return None,
    }
    .ok()
}

/// Whether a checksum is one over this text, with any salt.
pub fn is_valid(key: &[u8], text: &str, checksum: &str) -> bool {
    let Some(given) = open(key, checksum) else { return false };
    let Some((_, salt)) = given.split_last_chunk::<SALT_BYTES>() else { return false };
    plain(text.as_bytes(), salt).ct_eq(&given).into()
}

fn plain(text: &[u8], salt: &[u8; SALT_BYTES]) -> Vec<u8> {
    let digest = Sha256::new().chain_update(text).chain_update(b"|").chain_update(salt).finalize();
    let mut plain = hex::encode(digest).into_bytes();
    plain.extend_from_slice(salt);
    plain
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const KEYS: [&[u8]; 3] =
        [b"0123456789abcdef", b"0123456789abcdef01234567", b"0123456789abcdef0123456789abcdef"];

    proptest! {
        #[test]
        fn only_the_signed_text_is_valid(text in "\\PC{0,60}", other in "\\PC{0,60}", pick in 0usize..3) {
            let key = KEYS[pick];
            let checksum = sign(key, &text, new_salt()).unwrap();
            prop_assert!(is_valid(key, &text, &checksum));
            prop_assert_eq!(is_valid(key, &other, &checksum), text == other);
        }

        #[test]
        fn no_checksum_panics(checksum in "\\PC{0,300}", bytes: Vec<u8>, key: Vec<u8>) {
            prop_assert!(!is_valid(KEYS[0], "text", &checksum));
            prop_assert!(!is_valid(KEYS[0], "text", &STANDARD.encode(&bytes)));
            let _ = (open(&key, &checksum), sign(&key, "text", *b"salt"));
        }
    }
}
