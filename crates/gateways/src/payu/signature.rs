//! The gateway's hashes: SHA-512 over values joined with `|`, the salt at one end.

use crate::digest;

/// The fields of a payment that enter its hash, in their order behind the merchant's key.
pub const PAYMENT_FIELDS: [&str; 10] =
    ["txnid", "amount", "productinfo", "firstname", "email", "udf1", "udf2", "udf3", "udf4", "udf5"];

/// What separates the user-defined fields from the salt, on either way: five unused fields.
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

/// Whether `given` is the hash of a gateway's answer: the request's fields backwards, behind the
/// salt and the status. The merchant's key is ours and not the answer's, so that nothing can be
/// appended to a hash that was once given out.
pub fn matches_response<'a>(
    merchant_key: &str,
    salt: &str,
    value: impl Fn(&str) -> &'a str,
    given: &str,
) -> bool {
    let charges = value("additionalCharges");
    let split = value("splitInfo");
    let mut parts = Vec::new();
    if !charges.is_empty() {
        parts.push(charges);
    }
    parts.extend([salt, value("status")]);
    if !split.is_empty() {
        parts.push(split);
    }
    parts.extend(UNUSED);
    parts.extend(PAYMENT_FIELDS.into_iter().rev().map(value));
    parts.push(merchant_key);
    digest::equals_hex(&digest::sha512(parts.join("|").as_bytes()), given)
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
            let check = |answer: &HashMap<&str, String>, salt: &str| {
                matches_response("key", salt, |name| answer.get(name).map_or("", String::as_str), &hash)
            };
            prop_assert!(check(&answer, "salt"));
            prop_assert!(!check(&answer, "other"));
            prop_assume!(answer[names[changed]] != other);
            answer.insert(names[changed], other);
            prop_assert!(!check(&answer, "salt"));
        }

        #[test]
        fn no_answer_panics(value in "\\PC{0,40}", given in "\\PC{0,40}") {
            prop_assert!(!matches_response("key", "salt", |_| value.as_str(), &given));
        }
    }
}
