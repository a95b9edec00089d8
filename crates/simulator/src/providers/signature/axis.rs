//! MIGS' secure hash: HMAC-SHA256 over the sorted `vpc_` and `user_` members. The text is hashed in
//! ISO-8859-1, with a question mark for other characters; plain ASCII avoids the matter.

use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

use super::is_digest;

pub const HASH: &str = "vpc_SecureHash";
pub const HASH_TYPE: &str = "vpc_SecureHashType";

/// The text that is hashed: members that are not empty, by name in byte order, `name=value` with `&`
/// between them, values as they are meant and not as they are encoded.
fn hashed_text<'a>(members: impl IntoIterator<Item = (&'a str, &'a str)>) -> String {
    let mut hashed: Vec<(&str, &str)> = members
        .into_iter()
        .filter(|(name, value)| {
            (name.starts_with("vpc_") || name.starts_with("user_"))
                && !matches!(*name, HASH | HASH_TYPE)
                && !value.is_empty()
        })
        .collect();
    hashed.sort_unstable();
    let lines: Vec<String> = hashed.iter().map(|(name, value)| format!("{name}={value}")).collect();
    lines.join("&")
}

fn latin_1(text: &str) -> Vec<u8> {
    text.chars().map(|character| u8::try_from(u32::from(character)).unwrap_or(b'?')).collect()
}

fn digest<'a>(secret: &[u8], members: impl IntoIterator<Item = (&'a str, &'a str)>) -> Vec<u8> {
    // HMAC takes keys of every length, so the error cannot occur; nothing verifies against an empty digest.
    Hmac::<Sha256>::new_from_slice(secret)
        .map(|mac| mac.chain_update(latin_1(&hashed_text(members))).finalize().into_bytes().to_vec())
        .unwrap_or_default()
}

/// The hash over these members, in upper-case hexadecimal. `secret` is the decoded key.
pub fn sign<'a>(secret: &[u8], members: impl IntoIterator<Item = (&'a str, &'a str)>) -> String {
    hex::encode_upper(digest(secret, members))
}

/// Whether `hash` is the one over these members.
pub fn is_valid<'a>(
    secret: &[u8],
    members: impl IntoIterator<Item = (&'a str, &'a str)>,
    hash: &str,
) -> bool {
    is_digest(&digest(secret, members), hash)
}
