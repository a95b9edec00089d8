//! `Idempotency-Key`, and the digest that decides whether two requests are the same.

use http::HeaderMap;
use payment_store::RequestDigest;
use serde_json::{Map, Value};
use sha2::{Digest, Sha256};

use crate::body::RequestBody;
use crate::error::ApiError;

const HEADER: &str = "idempotency-key";

/// # Errors
/// [`ApiError::InvalidIdempotencyKey`] for several keys, or an empty, overlong or unprintable one.
pub(crate) fn key(headers: &HeaderMap) -> Result<Option<String>, ApiError> {
    let mut values = headers.get_all(HEADER).iter();
    let Some(value) = values.next() else { return Ok(None) };
    let decent = (1..=255).contains(&value.len()) && value.as_bytes().iter().all(u8::is_ascii_graphic);
    match value.to_str() {
        Ok(key) if decent && values.next().is_none() => Ok(Some(key.to_owned())),
        Ok(_) | Err(_) => Err(ApiError::InvalidIdempotencyKey),
    }
}

/// The digest of a member of the body, independent of how its JSON is written. `RequestInfo` is left out: it
/// contains the time.
///
/// # Errors
/// Those of a body that cannot be read.
pub(crate) fn digest_of(member: &str, body: &RequestBody) -> Result<RequestDigest, ApiError> {
    let asked: Map<String, Value> = body.json()?;
    let mut hash = Sha256::new();
    digest(asked.get(member).unwrap_or(&Value::Null), &mut hash);
    Ok(hash.finalize().into())
}

/// Hashes a value; the order of an object's members does not matter. Every part is preceded by its kind and length, so
/// that different values hash different bytes.
fn digest(value: &Value, hash: &mut Sha256) {
    match value {
        Value::Null => hash.update("n"),
        Value::Bool(flag) => hash.update(if *flag { "t" } else { "f" }),
        Value::Number(number) => part('d', &number.to_string(), hash),
        Value::String(text) => part('s', text, hash),
        Value::Array(items) => {
            part('a', &items.len().to_string(), hash);
            items.iter().for_each(|item| digest(item, hash));
        }
        Value::Object(members) => {
            part('o', &members.len().to_string(), hash);
            let mut members: Vec<_> = members.iter().collect();
            members.sort_unstable_by_key(|(name, _)| *name);
            for (name, member) in members {
                part('k', name, hash);
                digest(member, hash);
            }
        }
    }
}

fn part(kind: char, text: &str, hash: &mut Sha256) {
    hash.update(format!("{kind}{}:", text.len()));
    hash.update(text);
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    fn of(value: &Value) -> [u8; 32] {
        let mut hash = Sha256::new();
        digest(value, &mut hash);
        hash.finalize().into()
    }

    #[test]
    fn the_same_request_written_differently_has_the_same_digest() {
        let read = |text: &str| of(&serde_json::from_str(text).unwrap());
        assert_eq!(read(r#"{"a":1,"b":[true,null]}"#), read(" {\"b\": [true, null], \"a\":1}\n"));
        assert_ne!(read(r#"{"a":"1"}"#), read(r#"{"a":1}"#));
        assert_ne!(read(r#"["ab","c"]"#), read(r#"["a","bc"]"#));
        assert_ne!(read(r#"[[],[1]]"#), read(r#"[[1],[]]"#));
        assert_ne!(read(r#"{"a":null}"#), read("{}"));
    }

    #[test]
    fn a_key_is_one_short_visible_word() {
        let read = |values: &[&[u8]]| {
            let mut headers = HeaderMap::new();
            for value in values {
                headers.append(HEADER, http::HeaderValue::from_bytes(value).unwrap());
            }
            key(&headers)
        };
        assert!(matches!(read(&[]), Ok(None)));
        assert!(matches!(read(&[b"8e03978e-40d5"]), Ok(Some(key)) if key == "8e03978e-40d5"));
        let (longest, too_long) = (vec![b'x'; 255], vec![b'x'; 256]);
        assert!(read(&[&longest]).is_ok());
        for wrong in [&[&b""[..]][..], &[&too_long], &[b"a b"], &["ключ".as_bytes()], &[b"a", b"a"]] {
            assert!(matches!(read(wrong), Err(ApiError::InvalidIdempotencyKey)));
        }
    }

    proptest! {
        #[test]
        fn different_texts_differ(a in ".{0,8}", b in ".{0,8}") {
            prop_assert_eq!(a == b, of(&json!([a])) == of(&json!([b])));
        }
    }
}
