//! The gateway's hashes: SHA-512 over values joined with `|`, the salt at one end.

use payment_gateway::{GatewayError, Params};

use crate::{digest, form};

/// The fields of a payment that enter its hash, in their order behind the merchant's key.
pub const PAYMENT_FIELDS: [&str; 10] =
    ["txnid", "amount", "productinfo", "firstname", "email", "udf1", "udf2", "udf3", "udf4", "udf5"];

/// Separator of the user-defined fields and the salt, in both directions: five unused fields.
const UNUSED: [&str; 5] = [""; 5];

/// The hash of a payment request in lower-case hexadecimal. `value` yields a field's text as it is
/// sent, and nothing for one that is not.
pub fn payment_hash<'a>(merchant_key: &str, salt: &str, value: impl Fn(&str) -> &'a str) -> String {
    hex::encode(digest::sha512(payment_text(merchant_key, salt, value).as_bytes()))
}

/// The text [`payment_hash`] is made over.
pub fn payment_text<'a>(merchant_key: &str, salt: &str, value: impl Fn(&str) -> &'a str) -> String {
    let mut parts = vec![merchant_key];
    parts.extend(PAYMENT_FIELDS.map(value));
    parts.extend(UNUSED);
    parts.push(salt);
    parts.join("|")
}

/// The fields of an answer that are hashed, and those that are read without being hashed.
const COUNTED: [&str; 17] = [
    "key",
    "hash",
    "status",
    "unmappedstatus",
    "mihpayid",
    "additionalCharges",
    "splitInfo",
    "txnid",
    "amount",
    "productinfo",
    "firstname",
    "email",
    "udf1",
    "udf2",
    "udf3",
    "udf4",
    "udf5",
];

/// Whether the gateway signed these fields; `false` when they hold no hash at all.
///
/// The hash covers the request's fields backwards, behind the salt and the status. The merchant's
/// key in it is ours and not the answer's, so that nothing can be appended to a hash that was once
/// given out.
///
/// # Errors
/// [`GatewayError::BadSignature`] when the hash is not theirs, a field occurs twice (it could be hashed
/// with one value and read with the other), or a value holds the `|` that separates values.
pub fn check(merchant_key: &str, salt: &str, params: &Params) -> Result<bool, GatewayError> {
    let Some(hash) = params.get("hash").filter(|hash| !hash.is_empty()) else {
        return Ok(false);
    };
    let value = |name: &str| params.get(name).unwrap_or_default();
    let given = |name: &str| params.get(name).filter(|value| !value.is_empty());
    let mut parts = Vec::new();
    parts.extend(given("additionalCharges"));
    parts.extend([salt, value("status")]);
    parts.extend(given("splitInfo"));
    parts.extend(UNUSED);
    parts.extend(PAYMENT_FIELDS.into_iter().rev().map(value));
    parts.push(merchant_key);
    let counted = form::unique(params.iter().filter(|(name, _)| COUNTED.contains(name)));
    let unambiguous = counted.is_some_and(|counted| !counted.values().any(|value| value.contains('|')));
    if unambiguous && digest::equals_hex(&digest::sha512(parts.join("|").as_bytes()), hash) {
        Ok(true)
    } else {
        Err(GatewayError::BadSignature)
    }
}

/// The hash of a command to the server API in lower-case hexadecimal; it covers `var1` only.
pub fn command_hash(merchant_key: &str, salt: &str, command: &str, var1: &str) -> String {
    hex::encode(digest::sha512([merchant_key, command, var1, salt].join("|").as_bytes()))
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use proptest::prelude::*;

    use super::*;

    /// The hash as the gateway makes it, written down field by field.
    fn hash_of(answer: &HashMap<&str, String>) -> String {
        let v = |name: &str| answer.get(name).map_or("", String::as_str);
        let text = format!(
            "salt|{}||||||{}|{}|{}|{}|{}|{}|{}|{}|{}|{}|key",
            v("status"),
            v("udf5"),
            v("udf4"),
            v("udf3"),
            v("udf2"),
            v("udf1"),
            v("email"),
            v("firstname"),
            v("productinfo"),
            v("amount"),
            v("txnid")
        );
        hex::encode(digest::sha512(text.as_bytes()))
    }

    proptest! {
        #[test]
        fn a_changed_field_never_matches(
            values in proptest::collection::vec("[^|]{0,12}", 11),
            changed in 0..11_usize,
            other in "[^|]{0,12}",
        ) {
            let names: Vec<&str> = ["status"].into_iter().chain(PAYMENT_FIELDS).collect();
            let mut answer: HashMap<&str, String> = names.iter().copied().zip(values).collect();
            let hash = hash_of(&answer);
            let signed = |answer: &HashMap<&str, String>, salt: &str| {
                let fields = answer.iter().map(|(name, value)| ((*name).to_owned(), value.clone()));
                check("key", salt, &Params::new(fields.chain([("hash".to_owned(), hash.clone())]).collect()))
            };
            prop_assert!(matches!(signed(&answer, "salt"), Ok(true)));
            prop_assert!(matches!(signed(&answer, "other"), Err(GatewayError::BadSignature)));
            prop_assume!(answer[names[changed]] != other);
            answer.insert(names[changed], other);
            prop_assert!(matches!(signed(&answer, "salt"), Err(GatewayError::BadSignature)));
        }

        #[test]
        fn no_answer_panics(mut fields: Vec<(String, String)>, hash in "\\PC{0,140}") {
            fields.push(("hash".to_owned(), hash));
            prop_assert!(!matches!(check("key", "salt", &Params::new(fields)), Ok(true)));
        }
    }
}
