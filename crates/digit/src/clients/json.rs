//! Reading the answers of DIGIT's services: texts that may come as numbers, lists that may be null,
//! everything within limits.

use serde_json::{Map, Value};

/// The longest number, name or code that is taken from an answer, in characters.
pub(super) const MAX_TEXT: usize = 256;

/// The JSON object that an answer must be.
pub(super) fn object(body: &[u8]) -> Option<Map<String, Value>> {
    serde_json::from_slice(body).ok()
}

/// The list of this name, which must be there; `null` is an empty one.
pub(super) fn list<'a>(answer: &'a Map<String, Value>, name: &str) -> Option<&'a [Value]> {
    match answer.get(name)? {
        Value::Array(items) => Some(items),
        Value::Null => Some(&[]),
        Value::Bool(_) | Value::Number(_) | Value::String(_) | Value::Object(_) => None,
    }
}

/// A text of an item: 1 to [`MAX_TEXT`] characters, none of them a control character. A number
/// counts as its digits.
pub(super) fn text(item: &Value, name: &str) -> Option<String> {
    let text = match item.get(name)? {
        Value::String(text) => text.trim().to_owned(),
        Value::Number(number) => number.to_string(),
        Value::Null | Value::Bool(_) | Value::Array(_) | Value::Object(_) => return None,
    };
    let fits = (1..=MAX_TEXT).contains(&text.chars().count()) && !text.chars().any(char::is_control);
    fits.then_some(text)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn texts_are_taken_within_limits() {
        let item = json!({"a": " x ", "n": 98, "e": "", "s": "  ", "c": "a\u{0}b", "o": {}, "z": null,
            "l": "y".repeat(257), "m": "ਪ".repeat(256)});
        assert_eq!(text(&item, "a").as_deref(), Some("x"));
        assert_eq!(text(&item, "n").as_deref(), Some("98"));
        assert!(text(&item, "m").is_some(), "characters are counted, not bytes");
        for name in ["e", "s", "c", "o", "z", "l", "missing"] {
            assert_eq!(text(&item, name), None, "{name}");
        }
    }

    #[test]
    fn a_list_must_be_there_and_may_be_null() {
        let answer = object(br#"{"a":[1],"n":null,"t":"x"}"#).unwrap();
        assert_eq!(list(&answer, "a").unwrap().len(), 1);
        assert_eq!(list(&answer, "n").unwrap().len(), 0);
        assert_eq!(list(&answer, "t"), None);
        assert_eq!(list(&answer, "missing"), None);
        assert_eq!(object(b"[]"), None);
    }
}
