//! PayU's hashes: SHA-512 over fields joined by `|`, the merchant's salt at one end.

use sha2::{Digest, Sha512};

use super::is_digest;

/// The fields between key and salt, in the order of a request; five that are always empty follow.
const HASHED: [&str; 10] =
    ["txnid", "amount", "productinfo", "firstname", "email", "udf1", "udf2", "udf3", "udf4", "udf5"];

fn digest(parts: &[&str]) -> Vec<u8> {
    Sha512::digest(parts.join("|")).to_vec()
}

/// The hash of a payment request: `key|txnid|…|udf5||||||salt`. `field` finds a field's value.
pub fn request_hash<'a>(key: &'a str, salt: &'a str, field: impl Fn(&str) -> &'a str) -> String {
    hex::encode(request_digest(key, salt, field))
}

/// Whether `hash` is that of this payment request.
pub fn is_request_hash<'a>(key: &'a str, salt: &'a str, field: impl Fn(&str) -> &'a str, hash: &str) -> bool {
    is_digest(&request_digest(key, salt, field), hash)
}

fn request_digest<'a>(key: &'a str, salt: &'a str, field: impl Fn(&str) -> &'a str) -> Vec<u8> {
    let mut parts = vec![key];
    parts.extend(HASHED.map(field));
    parts.extend([""; 5]);
    parts.push(salt);
    digest(&parts)
}

/// The hash of PayU's answer: the request's order backwards, the status behind the salt, in front of it all
/// the additional charges where there are any.
pub fn response_hash<'a>(key: &'a str, salt: &'a str, field: impl Fn(&str) -> &'a str) -> String {
    let charges = field("additionalCharges");
    let mut parts = Vec::new();
    if !charges.is_empty() {
        parts.push(charges);
    }
    parts.extend([salt, field("status")]);
    parts.extend([""; 5]);
    parts.extend(HASHED.iter().rev().map(|name| field(name)));
    parts.push(key);
    hex::encode(digest(&parts))
}

/// The hash of a command to the server API: `key|command|var1|salt`.
pub fn command_hash(key: &str, salt: &str, command: &str, var1: &str) -> String {
    hex::encode(digest(&[key, command, var1, salt]))
}

/// Whether `hash` is that of this command.
pub fn is_command_hash(key: &str, salt: &str, command: &str, var1: &str, hash: &str) -> bool {
    is_digest(&digest(&[key, command, var1, salt]), hash)
}

/// Whether a request to the newer API is signed: over its body and its date, in a header.
pub fn is_signed_with_date(key: &str, salt: &str, body: &str, date: &str, header: &str) -> bool {
    let front = format!(r#"hmac username="{key}", algorithm="sha512", headers="date", signature=""#);
    let signature = header.strip_prefix(&front).and_then(|rest| rest.strip_suffix('"'));
    signature.is_some_and(|signature| is_digest(&digest(&[body, date, salt]), signature))
}
