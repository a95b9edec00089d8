//! The error envelope of DIGIT's services.

use std::borrow::Cow;

use serde::Serialize;
use utoipa::ToSchema;

/// What a client reads when something is wrong.
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
    /// An entry of this code.
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

/// The envelope around these entries, as JSON text.
pub(crate) fn error_json(errors: &[ErrorEntry]) -> Vec<u8> {
    // Texts and units always have a JSON form.
    serde_json::to_vec(&ErrorEnvelope { response_info: (), errors }).unwrap_or_default()
}
