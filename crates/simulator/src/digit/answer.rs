//! Requests to a pretend service, and its answers.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

/// A request, read.
pub(crate) struct Asked<'a> {
    pub(crate) query: &'a BTreeMap<String, String>,
    pub(crate) body: &'a Value,
}

impl<'a> Asked<'a> {
    /// A query parameter; an empty one is none.
    pub(crate) fn parameter(&self, name: &str) -> Option<&'a str> {
        self.query.get(name).map(String::as_str).filter(|value| !value.is_empty())
    }
}

#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Answer {
    /// Status 200 and the list under its name.
    List(Vec<Value>),
    /// Status 200 and this object.
    Object(Value),
    /// Status 200 and plain text.
    Text(String),
    /// A 4xx status and an error body.
    Refused(Value),
}

/// A refusal in the error envelope of DIGIT's services: each error a code and a sentence.
pub(crate) fn refused(errors: &[(&str, &str)]) -> Answer {
    let errors: Vec<Value> = errors
        .iter()
        .map(|(code, message)| json!({"code": code, "message": message, "description": null, "params": null}))
        .collect();
    Answer::Refused(json!({ "ResponseInfo": null, "Errors": errors }))
}

/// The user in the request, if any.
pub(crate) fn user_info<'a>(asked: &Asked<'a>) -> Option<&'a Map<String, Value>> {
    asked.body.get("RequestInfo")?.get("userInfo")?.as_object()
}

/// A text of an item, a number as its digits; an empty one is none.
pub(crate) fn text(item: &Value, name: &str) -> Option<String> {
    match item.get(name)? {
        Value::String(text) if !text.is_empty() => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        Value::String(_) | Value::Null | Value::Bool(_) | Value::Array(_) | Value::Object(_) => None,
    }
}

/// The paise of an amount: a number or a text with at most two decimals, not negative.
pub(crate) fn paise(item: &Value, name: &str) -> Option<i64> {
    let text = text(item, name)?;
    let (rupees, decimals) = text.split_once('.').unwrap_or((&text, "0"));
    let plain = |digits: &str| !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit());
    if !plain(rupees) || !plain(decimals) || rupees.len() > 13 || decimals.len() > 2 {
        return None;
    }
    format!("{rupees}{decimals:0<2}").parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn amounts_are_read_digit_by_digit() {
        for (amount, expected) in [
            (json!(100), Some(10_000)),
            (json!(100.5), Some(10_050)),
            (json!("0.05"), Some(5)),
            (json!(0), Some(0)),
            (json!(9_999_999_999_999.99), Some(999_999_999_999_999)),
            (json!(-1), None),
            (json!("1.115"), None),
            (json!("1."), None),
            (json!(1e21), None),
            (json!(null), None),
        ] {
            assert_eq!(paise(&json!({ "a": amount }), "a"), expected, "{amount}");
        }
    }
}
