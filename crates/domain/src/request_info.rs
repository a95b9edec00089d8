//! DIGIT's `RequestInfo`: who asks, as the caller states it.

use std::borrow::Cow;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

/// The `RequestInfo` of a request, kept whole so that it can be passed on whole. Scalars are read
/// leniently: clients send numbers and booleans where strings are meant, and empty strings for
/// nothing.
#[derive(Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct RequestInfo(Map<String, Value>);

/// Without its contents: they hold a token, names and numbers.
impl std::fmt::Debug for RequestInfo {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("RequestInfo(***)")
    }
}

fn scalar(value: Option<&Value>) -> Option<Cow<'_, str>> {
    match value? {
        Value::String(text) if text.is_empty() => None,
        Value::String(text) => Some(Cow::Borrowed(text)),
        Value::Number(number) => Some(Cow::Owned(number.to_string())),
        Value::Bool(flag) => Some(Cow::Borrowed(if *flag { "true" } else { "false" })),
        Value::Null | Value::Array(_) | Value::Object(_) => None,
    }
}

impl RequestInfo {
    /// The `RequestInfo` of our own jobs: the configured system user, of type SYSTEM.
    pub fn system(user_uuid: &str) -> RequestInfo {
        let user = Map::from_iter([
            ("uuid".to_owned(), Value::from(user_uuid)),
            ("type".to_owned(), Value::from("SYSTEM")),
        ]);
        RequestInfo(Map::from_iter([("userInfo".to_owned(), Value::Object(user))]))
    }

    /// A field as it came, e.g. `ts`.
    pub fn raw(&self, field: &str) -> Option<&Value> {
        self.0.get(field)
    }

    /// A scalar field as text; `None` when it is missing, null, empty or not a scalar.
    pub fn text(&self, field: &str) -> Option<Cow<'_, str>> {
        scalar(self.0.get(field))
    }

    /// A scalar field of `userInfo` as text, under the same rules.
    pub fn user(&self, field: &str) -> Option<Cow<'_, str>> {
        scalar(self.0.get("userInfo")?.as_object()?.get(field))
    }

    /// The caller's language, e.g. `en_IN`: what stands behind the bar in `msgId`
    /// (`20170310130900|en_IN`). `None` when that is not 1 to 16 letters, digits, `_` and `-`.
    pub fn locale(&self) -> Option<String> {
        let message_id = self.text("msgId")?;
        let (_, locale) = message_id.rsplit_once('|')?;
        let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-');
        ((1..=16).contains(&locale.len()) && locale.chars().all(plain)).then(|| locale.to_owned())
    }

    /// Whether the caller states who they are.
    pub fn has_user(&self) -> bool {
        self.0.get("userInfo").is_some_and(|user| user.as_object().is_some_and(|fields| !fields.is_empty()))
    }

    /// The same without the caller's token: what may be stored and published.
    pub fn without_token(&self) -> RequestInfo {
        let mut fields = self.0.clone();
        if let Some(token) = fields.get_mut("authToken") {
            *token = Value::Null;
        }
        RequestInfo(fields)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn info(value: Value) -> RequestInfo {
        serde_json::from_value(value).unwrap()
    }

    #[test]
    fn scalars_are_read_as_clients_send_them() {
        let info = info(json!({"did": 1, "ts": "", "key": null, "apiId": "Rainmaker",
            "userInfo": {"mobileNumber": 9_999_999_999u64, "uuid": true}}));
        assert_eq!(info.text("did").as_deref(), Some("1"));
        assert_eq!(info.text("ts"), None);
        assert_eq!(info.text("key"), None);
        assert_eq!(info.text("apiId").as_deref(), Some("Rainmaker"));
        assert_eq!(info.user("mobileNumber").as_deref(), Some("9999999999"));
        assert_eq!(info.user("uuid").as_deref(), Some("true"));
        assert_eq!(info.user("name"), None);
    }

    #[test]
    fn the_language_stands_behind_the_bar_of_the_message_id() {
        for (message_id, locale) in [
            (json!("20170310130900|en_IN"), Some("en_IN")),
            (json!("a|b|pa-IN"), Some("pa-IN")),
            (json!("20170310130900"), None),
            (json!("20170310130900|"), None),
            (json!("x|en_IN&tenantId=other"), None),
            (json!("x|0123456789abcdefg"), None),
            (json!("x|ਪੰਜਾਬੀ"), None),
            (json!(17), None),
            (json!(null), None),
        ] {
            assert_eq!(info(json!({"msgId": message_id})).locale().as_deref(), locale, "{message_id}");
        }
    }

    #[test]
    fn the_token_is_not_passed_into_storage() {
        let info = info(json!({"authToken": "secret", "apiId": "a"}));
        assert_eq!(
            serde_json::to_value(info.without_token()).unwrap(),
            json!({"authToken": null, "apiId": "a"})
        );
        assert!(!format!("{info:?}").contains("secret"));
    }
}
