//! JSON as DIGIT's clients write it: numbers and booleans in place of texts, unknown fields, `null` for absent ones.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt;
use std::io;
use std::marker::PhantomData;

use serde::Serialize;
use serde::de::value::MapAccessDeserializer;
use serde::de::{Deserialize, Deserializer, Error, IgnoredAny, MapAccess, Visitor};
use serde_json::Value;
use serde_json::error::Category;
use serde_json::value::RawValue;

use crate::error::ApiError;

/// A text, a number or a boolean, as text. Numbers keep their digits: `100.10`, `1e3`.
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

/// A JSON object read as `T`. A derived `Deserialize` also accepts an array of the fields in order.
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
/// [`ApiError::MissingBody`], [`ApiError::BrokenJson`], [`ApiError::WrongJsonType`].
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

/// Maximal digits of a number written without an exponent: more than a double of Java or JavaScript needs.
pub(crate) const MAX_DIGITS: usize = 400;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct NumberTooLong;

/// Writes the numbers in `value` without exponents. Databases and readers in other languages do so, too, where a
/// short exponent must not become a long text.
///
/// # Errors
/// [`NumberTooLong`] beyond [`MAX_DIGITS`].
pub(crate) fn write_out_numbers(value: &mut Value) -> Result<(), NumberTooLong> {
    match value {
        Value::Null | Value::Bool(_) | Value::String(_) => Ok(()),
        Value::Number(number) => match written_out(&number.to_string())? {
            Some(plain) => {
                *number = plain.parse().map_err(|_| NumberTooLong)?;
                Ok(())
            }
            None => Ok(()),
        },
        Value::Array(items) => items.iter_mut().try_for_each(write_out_numbers),
        Value::Object(members) => members.values_mut().try_for_each(write_out_numbers),
    }
}

/// The number without its exponent; `None` when it has none.
fn written_out(text: &str) -> Result<Option<String>, NumberTooLong> {
    if text.len() > MAX_DIGITS {
        return Err(NumberTooLong);
    }
    let Some((mantissa, exponent)) = text.split_once(['e', 'E']) else { return Ok(None) };
    let (sign, mantissa) = mantissa.strip_prefix('-').map_or(("", mantissa), |digits| ("-", digits));
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let digits = format!("{whole}{fraction}");
    let exponent: i64 = exponent.parse().map_err(|_| NumberTooLong)?;
    // The position of the point, counted from the first digit.
    let point = exponent.checked_add_unsigned(whole.len() as u64).ok_or(NumberTooLong)?;
    if point.unsigned_abs() > MAX_DIGITS as u64 {
        return Err(NumberTooLong);
    }
    let plain = match usize::try_from(point) {
        Err(_) | Ok(0) => format!("0.{}{digits}", "0".repeat(usize::try_from(-point).unwrap_or_default())),
        Ok(point) if point >= digits.len() => format!("{digits}{}", "0".repeat(point - digits.len())),
        Ok(point) => {
            let (whole, fraction) = digits.split_at(point);
            format!("{whole}.{fraction}")
        }
    };
    // JSON has no leading zeros.
    let trimmed = plain.trim_start_matches('0');
    let zero = if trimmed.is_empty() || trimmed.starts_with('.') { "0" } else { "" };
    Ok(Some(format!("{sign}{zero}{trimmed}")))
}

/// The length of a value as JSON, in bytes.
pub(crate) fn length<T: Serialize>(value: &T) -> usize {
    struct Counter(usize);

    impl io::Write for Counter {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0 += bytes.len();
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    let mut counter = Counter(0);
    match serde_json::to_writer(&mut counter, value) {
        Ok(()) => counter.0,
        Err(_) => usize::MAX,
    }
}

pub(crate) fn is_object(body: &[u8]) -> bool {
    serde_json::from_slice::<Object<IgnoredAny>>(body).is_ok()
}

/// The scalar members of a JSON object as texts; `null` is an empty text. Lists and objects are left out. Empty for
/// anything but an object.
pub(crate) fn fields(body: &[u8]) -> Vec<(String, String)> {
    let members: BTreeMap<String, Option<&RawValue>> = serde_json::from_slice(body).unwrap_or_default();
    let text = |value: Option<&RawValue>| match value {
        Some(value) => serde_json::from_str::<Scalar<'_>>(value.get()).ok().map(|text| text.0.into_owned()),
        None => Some(String::new()),
    };
    members.into_iter().filter_map(|(name, value)| Some((name, text(value)?))).collect()
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

    fn error(body: &[u8]) -> ApiError {
        parse::<Body<'_>>(body).unwrap_err()
    }

    #[test]
    fn every_wrong_body_has_its_code() {
        for body in ["", " \n", "null"] {
            assert!(matches!(error(body.as_bytes()), ApiError::MissingBody), "{body}");
        }
        for body in ["{", "{\"text\":}", "{\"text\": 01}", "nonsense", "{} {}", "{\"text\":\"a\nb\"}"] {
            assert!(matches!(error(body.as_bytes()), ApiError::BrokenJson { .. }), "{body}");
        }
        for body in ["[]", "1", r#"{"text": {}}"#, r#"{"text": []}"#, r#"{"inner": [1]}"#, r#"{"inner": ""}"#]
        {
            assert!(matches!(error(body.as_bytes()), ApiError::WrongJsonType), "{body}");
        }
    }

    #[test]
    fn a_broken_body_is_named_by_its_place() {
        assert!(matches!(error(b"{\n  \"text\": oops}"), ApiError::BrokenJson { line: 2, column: 11 }));
        assert!(matches!(error(b"{\n\"text\": \"\xFF\"}"), ApiError::BrokenJson { line: 2, column: 10 }));
    }

    #[test]
    fn numbers_are_written_without_exponents() {
        for (written, plain) in [
            ("1e2", "100"),
            ("1E+2", "100"),
            ("1.50e3", "1500"),
            ("-1.5e-3", "-0.0015"),
            ("12.5e-1", "1.25"),
            ("0e5", "0"),
            ("0.0e0", "0.0"),
            ("0.01e1", "0.1"),
            ("0.01e4", "100"),
            ("100.00", "100.00"),
            ("18446744073709551617", "18446744073709551617"),
        ] {
            let mut value: Value = serde_json::from_str(&format!("[{{\"n\": {written}}}]")).unwrap();
            write_out_numbers(&mut value).unwrap();
            assert_eq!(value.to_string(), format!("[{{\"n\":{plain}}}]"), "{written}");
        }
        for long in ["1e401", "1e-402", "1e99999999999999999999", "1e-9223372036854775808", &"9".repeat(401)]
        {
            let mut value: Value = serde_json::from_str(long).unwrap();
            assert_eq!(write_out_numbers(&mut value), Err(NumberTooLong), "{long}");
        }
    }

    #[test]
    fn plain_members_are_fields() {
        let pairs = |body: &str| fields(body.as_bytes());
        let read = pairs(r#"{"b": 19.90, "a": "x+y \u0026", "n": null, "t": true, "o": {"c": 1}, "l": [1]}"#);
        let expected = [("a", "x+y &"), ("b", "19.90"), ("n", ""), ("t", "true")];
        assert_eq!(read, expected.map(|(name, value)| (name.to_owned(), value.to_owned())));
        for none in ["", "[]", "\"a\"", "{", "null"] {
            assert!(pairs(none).is_empty() && !is_object(none.as_bytes()), "{none}");
        }
        assert!(is_object(b"{}"));
    }

    proptest! {
        #[test]
        fn a_number_keeps_its_value_when_it_is_written_out(number in any::<f64>().prop_filter("finite", |n| n.is_finite())) {
            for text in [format!("{number:e}"), format!("{number:?}")] {
                let mut value: Value = serde_json::from_str(&text).unwrap();
                write_out_numbers(&mut value).unwrap();
                let plain = value.to_string();
                prop_assert!(!plain.contains(['e', 'E']));
                prop_assert_eq!(plain.parse::<f64>().unwrap(), number, "{}", plain);
            }
        }

        #[test]
        fn no_number_panics(text in "-?(0|[1-9][0-9]{0,30})(\\.[0-9]{1,30})?([eE][+-]?[0-9]{1,6})?") {
            let mut value: Value = serde_json::from_str(&text).unwrap();
            if write_out_numbers(&mut value).is_ok() {
                prop_assert!(value.to_string().len() < 2 * MAX_DIGITS + 2);
            }
        }

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
