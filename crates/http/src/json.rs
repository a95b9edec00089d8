//! Reading JSON as DIGIT's clients write it: a number or a boolean where a text is meant, fields
//! nobody knows, `null` for nothing.

use std::borrow::Cow;
use std::fmt;
use std::marker::PhantomData;

use serde::de::value::MapAccessDeserializer;
use serde::de::{Deserialize, Deserializer, Error, MapAccess, Visitor};
use serde_json::error::Category;
use serde_json::value::RawValue;

use crate::error::ApiError;

/// A text, a number or a boolean, as text. Numbers keep the digits they were written with: `100.10`
/// and `1e3` arrive as they are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Scalar<'a>(pub(crate) Cow<'a, str>);

impl<'de: 'a, 'a> Deserialize<'de> for Scalar<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Scalar<'a>, D::Error> {
        let text = <&'de RawValue>::deserialize(deserializer)?.get();
        match text.as_bytes().first() {
            Some(b'"') if !text.contains('\\') => Ok(Scalar(Cow::Borrowed(text.trim_matches('"')))),
            Some(b'"') => {
                serde_json::from_str(text).map(|text| Scalar(Cow::Owned(text))).map_err(D::Error::custom)
            }
            Some(b'{' | b'[') | None => Err(D::Error::custom("a text, a number or a boolean is expected")),
            Some(_) => Ok(Scalar(Cow::Borrowed(text))),
        }
    }
}

/// A JSON object read as `T`. A derived `Deserialize` would take an array for its fields in order.
#[derive(Debug, Clone, Default)]
pub(crate) struct Object<T>(pub(crate) T);

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Object<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Object<T>, D::Error> {
        struct OfMap<T>(PhantomData<T>);

        impl<'de, T: Deserialize<'de>> Visitor<'de> for OfMap<T> {
            type Value = Object<T>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a JSON object")
            }

            fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Object<T>, A::Error> {
                T::deserialize(MapAccessDeserializer::new(map)).map(Object)
            }
        }

        deserializer.deserialize_map(OfMap(PhantomData))
    }
}

/// Reads a body that must be a JSON object.
///
/// # Errors
/// The contract's three ways in which a body is wrong: missing, not JSON, JSON of another shape.
pub(crate) fn parse<'a, T: Deserialize<'a>>(body: &'a [u8]) -> Result<T, ApiError> {
    let body = body.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(body);
    if body.trim_ascii().is_empty() {
        return Err(ApiError::MissingBody);
    }
    let text = std::str::from_utf8(body).map_err(|error| broken_at(body, error.valid_up_to()))?;
    match serde_json::from_str::<Option<Object<T>>>(text) {
        Ok(Some(Object(value))) => Ok(value),
        Ok(None) => Err(ApiError::MissingBody),
        Err(error) => Err(match error.classify() {
            Category::Data => ApiError::WrongJsonType,
            Category::Syntax | Category::Eof | Category::Io => {
                ApiError::BrokenJson { line: error.line(), column: error.column() }
            }
        }),
    }
}

fn broken_at(body: &[u8], offset: usize) -> ApiError {
    let before = body.get(..offset).unwrap_or_default();
    let line = before.iter().filter(|&&byte| byte == b'\n').count() + 1;
    let column = before.iter().rev().take_while(|&&byte| byte != b'\n').count() + 1;
    ApiError::BrokenJson { line, column }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde::Deserialize;

    use super::*;

    #[derive(Debug, Deserialize)]
    struct Body<'a> {
        #[serde(borrow)]
        text: Option<Scalar<'a>>,
        #[allow(dead_code)]
        inner: Option<Object<Inner>>,
    }

    #[derive(Debug, Deserialize)]
    struct Inner {
        #[allow(dead_code)]
        number: u32,
    }

    fn text(body: &str) -> Option<String> {
        parse::<Body<'_>>(body.as_bytes()).unwrap().text.map(|text| text.0.into_owned())
    }

    #[test]
    fn scalars_keep_what_was_written() {
        for (json, expected) in [
            ("100", "100"),
            ("100.10", "100.10"),
            ("1e3", "1e3"),
            ("-0.0", "-0.0"),
            ("12345678901234567890123", "12345678901234567890123"),
            ("true", "true"),
            ("\"\"", ""),
            ("\"a\\u0041\\n\\\"\"", "aA\n\""),
            ("\"ਪੰ\"", "ਪੰ"),
        ] {
            assert_eq!(text(&format!(r#"{{"text": {json}, "unknown": [{{}}]}}"#)).as_deref(), Some(expected));
        }
        assert_eq!(text(r#"{"text": null}"#), None);
        assert_eq!(text("\u{feff}{}"), None);
    }

    fn code(body: &[u8]) -> &'static str {
        parse::<Body<'_>>(body).unwrap_err().code()
    }

    #[test]
    fn every_wrong_body_has_its_code() {
        for body in ["", " \n", "null"] {
            assert_eq!(code(body.as_bytes()), "MissingJsonException", "{body}");
        }
        for body in ["{", "{\"text\":}", "{\"text\": 01}", "nonsense", "{} {}", "{\"text\":\"a\nb\"}"] {
            assert_eq!(code(body.as_bytes()), "JsonParseException", "{body}");
        }
        for body in ["[]", "1", r#"{"text": {}}"#, r#"{"text": []}"#, r#"{"inner": [1]}"#, r#"{"inner": ""}"#]
        {
            assert_eq!(code(body.as_bytes()), "JsonMappingException", "{body}");
        }
    }

    #[test]
    fn a_broken_body_is_named_by_its_place() {
        let error = |body: &[u8]| parse::<Body<'_>>(body).unwrap_err();
        assert!(matches!(error(b"{\n  \"text\": oops}"), ApiError::BrokenJson { line: 2, column: 11 }));
        assert!(matches!(error(b"{\n\"text\": \"\xFF\"}"), ApiError::BrokenJson { line: 2, column: 10 }));
    }

    proptest! {
        #[test]
        fn no_body_panics(body in proptest::collection::vec(any::<u8>(), 0..200)) {
            let _ = parse::<Body<'_>>(&body);
        }

        #[test]
        fn no_text_panics(body in r#"[\[\]{}":,0-9eE.\\u a-zA-Z-]{0,80}"#) {
            let _ = parse::<Body<'_>>(body.as_bytes());
        }

        #[test]
        fn every_text_arrives_whole(text in any::<String>()) {
            let body = serde_json::json!({ "text": text }).to_string();
            let parsed = parse::<Body<'_>>(body.as_bytes()).unwrap();
            prop_assert_eq!(parsed.text.unwrap().0, text);
        }
    }
}
