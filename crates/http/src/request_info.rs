//! `RequestInfo` as clients send it, and the `ResponseInfo` that answers it.

use payment_domain::RequestInfo;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use utoipa::ToSchema;

use crate::error::ApiError;
use crate::openapi::RequestInfoSchema;

/// A body that holds nothing else.
#[derive(Default, Deserialize, ToSchema)]
#[schema(as = RequestInfoWrapper)]
pub(crate) struct RequestInfoBody {
    /// Who asks.
    #[serde(rename = "RequestInfo")]
    #[schema(value_type = Option<RequestInfoSchema>)]
    info: Option<RequestInfo>,
}

impl RequestInfoBody {
    /// The `RequestInfo`; an empty one where there is none.
    ///
    /// # Errors
    /// [`ApiError::WrongJsonType`] when a field is not what it must be.
    pub(crate) fn checked(self) -> Result<RequestInfo, ApiError> {
        let info = self.info.unwrap_or_default();
        check(&info)?;
        Ok(info)
    }
}

/// The texts of `RequestInfo` and of its `userInfo`.
const TEXTS: [&str; 8] = ["apiId", "ver", "action", "did", "key", "msgId", "authToken", "correlationId"];
const USER_TEXTS: [&str; 7] = ["uuid", "userName", "name", "type", "mobileNumber", "emailId", "tenantId"];

/// Looks whether what is known of a `RequestInfo` has the right shape. Fields nobody knows may have
/// any.
///
/// # Errors
/// [`ApiError::WrongJsonType`].
pub(crate) fn check(info: &RequestInfo) -> Result<(), ApiError> {
    let nothing = Map::new();
    let user = match info.raw("userInfo") {
        None | Some(Value::Null) => &nothing,
        Some(Value::Object(user)) => user,
        Some(Value::Bool(_) | Value::Number(_) | Value::String(_) | Value::Array(_)) => {
            return Err(ApiError::WrongJsonType);
        }
    };
    let texts = TEXTS.iter().filter_map(|field| info.raw(field));
    let user_texts = USER_TEXTS.iter().filter_map(|field| user.get(*field));
    let roles_fit = user.get("roles").is_none_or(|roles| roles.is_array() || roles.is_null());
    if roles_fit && texts.chain(user_texts).all(is_scalar) && epoch_ms(info.raw("ts")).is_ok() {
        Ok(())
    } else {
        Err(ApiError::WrongJsonType)
    }
}

fn is_scalar(value: &Value) -> bool {
    !value.is_object() && !value.is_array()
}

/// A time in epoch milliseconds: a number, or a text holding one; `""` stands for none.
fn epoch_ms(value: Option<&Value>) -> Result<Option<i64>, ApiError> {
    match value {
        None | Some(Value::Null) => Ok(None),
        Some(Value::Number(number)) => {
            // Past i64 no clock goes; a fraction of a millisecond is cut off, as Java does.
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
    /// The answer to a request with this `RequestInfo`.
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
    fn what_clients_send_is_taken_and_echoed() {
        let info =
            read(json!({"apiId": 7, "ver": "", "ts": "1764000000000", "did": 1, "msgId": null, "more": [{}],
            "userInfo": {"mobileNumber": 9_999_999_999_u64, "id": 24, "roles": [{"code": "CITIZEN"}]}}));
        insta::assert_json_snapshot!(ResponseInfo::answering(&info.unwrap()), @r#"
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
