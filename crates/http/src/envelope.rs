//! DIGIT's error envelope.

use std::borrow::Cow;

use axum::body::Body;
use axum::response::Response;
use http::{HeaderValue, StatusCode, header};
use serde::Serialize;
use utoipa::ToSchema;

/// The error envelope of clients.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "PascalCase")]
#[schema(example = json!({
    "ResponseInfo": null,
    "Errors": [{"id": null, "parentId": null, "code": "TXN_UPDATE_NOT_FOUND",
        "message": "Transaction not found", "description": null, "params": null}]
}))]
pub(crate) struct ErrorEnvelope<'a> {
    /// Always null.
    #[schema(value_type = Option<Object>, required)]
    response_info: (),
    /// Everything that is wrong, one entry each.
    errors: &'a [ErrorEntry],
}

/// One thing that is wrong.
#[derive(Debug, Clone, Serialize, ToSchema, PartialEq, Eq)]
#[serde(rename_all = "camelCase")]
#[schema(as = Error)]
pub(crate) struct ErrorEntry {
    /// Always null.
    #[schema(value_type = Option<String>, required)]
    id: (),
    /// Always null.
    #[schema(value_type = Option<String>, required)]
    parent_id: (),
    /// The code to compare.
    #[schema(value_type = String)]
    pub(crate) code: Cow<'static, str>,
    /// The sentence for people.
    #[schema(value_type = String)]
    pub(crate) message: Cow<'static, str>,
    /// Always null.
    #[schema(value_type = Option<String>, required)]
    description: (),
    /// The transaction id, where the request was begun and its outcome is not known; else null.
    #[schema(required)]
    pub(crate) params: Option<Vec<String>>,
}

impl ErrorEntry {
    pub(crate) fn new(
        code: impl Into<Cow<'static, str>>,
        message: impl Into<Cow<'static, str>>,
    ) -> ErrorEntry {
        ErrorEntry {
            id: (),
            parent_id: (),
            code: code.into(),
            message: message.into(),
            description: (),
            params: None,
        }
    }
}

pub(crate) fn error_json(errors: &[ErrorEntry]) -> Vec<u8> {
    serde_json::to_vec(&ErrorEnvelope { response_info: (), errors }).unwrap_or_default()
}

/// A text of another service, short and without control characters.
pub(crate) fn bounded(text: &str) -> String {
    line(text, 100)
}

/// So many characters at most, on one line.
pub(crate) fn line(text: &str, most: usize) -> String {
    text.chars().filter(|char| !char.is_control()).take(most).collect()
}

pub(crate) fn json_response(status: StatusCode, json: impl Into<Body>) -> Response {
    let mut response = Response::new(json.into());
    *response.status_mut() = status;
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    response
}
