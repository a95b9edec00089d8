//! `RequestInfo` of requests, `ResponseInfo` of answers.

use std::borrow::Cow;

use payment_domain::RequestInfo;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use utoipa::ToSchema;

use crate::body::RequestBody;
use crate::error::ApiError;
use crate::json::{self, Scalar};
use crate::openapi::RequestInfoSchema;
use crate::validation::{TextRule, Violations};

/// A body that holds nothing else.
#[derive(Default, Deserialize, ToSchema)]
#[schema(as = RequestInfoWrapper)]
pub(crate) struct RequestInfoBody {
    /// The caller.
    #[serde(rename = "RequestInfo")]
    #[schema(value_type = Option<RequestInfoSchema>)]
    info: Option<RequestInfo>,
}

impl RequestInfoBody {
    /// The validated `RequestInfo` of a body that may be missing.
    ///
    /// # Errors
    /// Those of [`RequestBody::optional_json`] and [`RequestInfoBody::checked`].
    pub(crate) fn read(body: &RequestBody) -> Result<RequestInfo, ApiError> {
        body.optional_json::<RequestInfoBody>()?.unwrap_or_default().checked()
    }

    /// The validated `RequestInfo`; empty by default.
    ///
    /// # Errors
    /// [`ApiError::WrongJsonType`], [`ApiError::Invalid`].
    pub(crate) fn checked(self) -> Result<RequestInfo, ApiError> {
        let info = self.info.unwrap_or_default();
        check(&info)?;
        Ok(info)
    }
}

/// The texts of `RequestInfo` with their maximal lengths in characters.
const TEXTS: [(&str, usize); 8] = [
    ("apiId", 256),
    ("ver", 256),
    ("action", 256),
    ("did", 256),
    ("key", 256),
    ("msgId", 256),
    ("authToken", 8192),
    ("correlationId", 256),
];
/// The texts of its `userInfo`.
const USER_TEXTS: [(&str, usize); 7] = [
    ("uuid", 128),
    ("userName", 256),
    ("name", 256),
    ("type", 64),
    ("mobileNumber", 128),
    ("emailId", 300),
    ("tenantId", 256),
];
/// Maximal JSON length of a `RequestInfo` without its token: it is stored with every event of its request.
const MAX_BYTES: usize = 32 * 1024;

/// Checks types and lengths of the known fields of a `RequestInfo`. Unknown fields may hold anything.
///
/// # Errors
/// [`ApiError::WrongJsonType`], [`ApiError::Invalid`].
pub(crate) fn check(info: &RequestInfo) -> Result<(), ApiError> {
    let mut found = Violations::default();
    note_violations(info, "requestInfoWrapper.requestInfo", &mut found)?;
    if found.is_empty() { Ok(()) } else { Err(found.into_error()) }
}

/// Adds wrong lengths to the violations of the request. `at` is the path of the `RequestInfo` in the codes.
///
/// # Errors
/// [`ApiError::WrongJsonType`].
pub(crate) fn note_violations(info: &RequestInfo, at: &str, rules: &mut Violations) -> Result<(), ApiError> {
    let nothing = Map::new();
    let user = match info.raw("userInfo") {
        None | Some(Value::Null) => &nothing,
        Some(Value::Object(user)) => user,
        Some(Value::Bool(_) | Value::Number(_) | Value::String(_) | Value::Array(_)) => {
            return Err(ApiError::WrongJsonType);
        }
    };
    if epoch_ms(info.raw("ts")).is_err()
        || user.get("roles").is_some_and(|roles| !roles.is_array() && !roles.is_null())
    {
        return Err(ApiError::WrongJsonType);
    }
    let texts = TEXTS.iter().map(|(name, max)| ("", *name, info.raw(name), *max));
    let user_texts = USER_TEXTS.iter().map(|(name, max)| ("userInfo.", *name, user.get(*name), *max));
    let mut fits = true;
    for (parent, name, value, max) in texts.chain(user_texts) {
        let text = match value {
            None | Some(Value::Null) => continue,
            Some(Value::String(text)) => Cow::Borrowed(text.as_str()),
            Some(scalar @ (Value::Bool(_) | Value::Number(_))) => Cow::Owned(scalar.to_string()),
            Some(Value::Array(_) | Value::Object(_)) => return Err(ApiError::WrongJsonType),
        };
        let field = format_args!("{at}.{parent}{name}");
        fits &= rules.optional(field, Some(Scalar(text)), TextRule::line(0, max)).is_some();
    }
    if fits && json::length(&info.without_token()) > MAX_BYTES {
        rules.add("Size", at, format!("must not be longer than {MAX_BYTES} bytes of JSON"));
    }
    Ok(())
}

/// Epoch milliseconds as a number or a text; `""` is none.
fn epoch_ms(value: Option<&Value>) -> Result<Option<i64>, ApiError> {
    match value {
        None | Some(Value::Null) => Ok(None),
        Some(Value::Number(number)) => {
            // A fraction of a millisecond is cut off, as Java does.
            #[allow(clippy::cast_possible_truncation)]
            Ok(number.as_i64().or_else(|| number.as_f64().map(|ms| ms as i64)))
        }
        Some(Value::String(text)) if text.trim().is_empty() => Ok(None),
        Some(Value::String(text)) => text.trim().parse().map(Some).map_err(|_| ApiError::WrongJsonType),
        Some(Value::Bool(_) | Value::Array(_) | Value::Object(_)) => Err(ApiError::WrongJsonType),
    }
}

/// The head of every successful answer.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct ResponseInfo {
    /// As in the request.
    #[schema(required, example = "Rainmaker")]
    api_id: Option<String>,
    /// As in the request.
    #[schema(required)]
    ver: Option<String>,
    /// As in the request, epoch milliseconds.
    #[schema(required, example = 1_764_000_000_000_i64)]
    ts: Option<i64>,
    /// Always the same.
    #[schema(example = "uief87324")]
    res_msg_id: &'static str,
    /// As in the request.
    #[schema(required, example = "20170310130900|en_IN")]
    msg_id: Option<String>,
    /// `SUCCESSFUL`; failures have another shape.
    #[schema(example = "SUCCESSFUL")]
    status: &'static str,
}

impl ResponseInfo {
    pub(crate) fn answering(info: &RequestInfo) -> ResponseInfo {
        let text = |field| match info.raw(field) {
            Some(Value::String(text)) => Some(text.clone()),
            Some(scalar @ (Value::Number(_) | Value::Bool(_))) => Some(scalar.to_string()),
            None | Some(Value::Null | Value::Array(_) | Value::Object(_)) => None,
        };
        ResponseInfo {
            api_id: text("apiId"),
            ver: text("ver"),
            ts: epoch_ms(info.raw("ts")).unwrap_or_default(),
            res_msg_id: "uief87324",
            msg_id: text("msgId"),
            status: "SUCCESSFUL",
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn read(value: Value) -> Result<RequestInfo, ApiError> {
        RequestInfoBody { info: serde_json::from_value(value).unwrap() }.checked()
    }

    #[test]
    fn request_info_of_clients_is_accepted_and_echoed() {
        let info =
            read(json!({"apiId": 7, "ver": "", "ts": "1764000000000", "did": 1, "msgId": null, "more": [{}],
            "userInfo": {"mobileNumber": 9_999_999_999_u64, "id": 24, "roles": [{"code": "CITIZEN"}]}}));
        insta::assert_snapshot!(serde_json::to_string_pretty(&ResponseInfo::answering(&info.unwrap())).unwrap(), @r#"
        {
          "apiId": "7",
          "ver": "",
          "ts": 1764000000000,
          "resMsgId": "uief87324",
          "msgId": null,
          "status": "SUCCESSFUL"
        }
        "#);
        for ts in [json!(null), json!("")] {
            assert_eq!(ResponseInfo::answering(&read(json!({ "ts": ts })).unwrap()).ts, None);
        }
        assert!(read(Value::Null).is_ok());
    }

    #[test]
    fn a_text_is_bounded_and_has_no_control_characters() {
        let codes = |info: Value| match read(info) {
            Ok(_) => Vec::new(),
            Err(ApiError::Invalid(found)) => found.into_iter().map(|entry| entry.code.into_owned()).collect(),
            Err(other) => panic!("{other:?}"),
        };
        let at = "requestInfoWrapper.requestInfo";
        for (field, max) in USER_TEXTS {
            assert!(codes(json!({"userInfo": {field: "ਪ".repeat(max)}})).is_empty(), "{field}");
            let longer = json!({"userInfo": {field: "x".repeat(max + 1)}});
            assert_eq!(codes(longer), [format!("Size.{at}.userInfo.{field}")]);
            let forged = json!({"userInfo": {field: "me\n2026-11-01 SUCCESS\u{1b}[2K"}});
            assert_eq!(codes(forged), [format!("Pattern.{at}.userInfo.{field}")]);
        }
        for (field, max) in TEXTS {
            assert_eq!(codes(json!({field: "x".repeat(max + 1)})), [format!("Size.{at}.{field}")]);
        }
        assert_eq!(codes(json!({"anything": "x".repeat(MAX_BYTES)})), [format!("Size.{at}")]);
    }

    #[test]
    fn another_shape_is_refused() {
        for wrong in [
            json!({"ts": "yesterday"}),
            json!({"ts": true}),
            json!({"apiId": {}}),
            json!({"userInfo": "me"}),
            json!({"userInfo": {"uuid": []}}),
            json!({"userInfo": {"roles": "CITIZEN"}}),
        ] {
            assert!(matches!(read(wrong.clone()), Err(ApiError::WrongJsonType)), "{wrong}");
        }
    }
}
