//! Answers in the envelope of DIGIT's services.

use axum::body::Body;
use axum::response::{IntoResponse, Response};
use http::{HeaderValue, StatusCode, header};
use payment_domain::TxnId;
use serde::Serialize;

use crate::edge::Notes;
use crate::error::ApiError;
use crate::request_info::ResponseInfo;

/// A successful answer.
pub(crate) struct Reply {
    status: StatusCode,
    json: Vec<u8>,
    txn_id: Option<TxnId>,
}

impl Reply {
    /// `{"ResponseInfo":…,"Transaction":…}`.
    ///
    /// # Errors
    /// [`ApiError::Internal`] if the content has no JSON form.
    pub(crate) fn transaction<T: Serialize + ?Sized>(
        info: &ResponseInfo,
        transaction: &T,
    ) -> Result<Reply, ApiError> {
        #[derive(Serialize)]
        #[serde(rename_all = "PascalCase")]
        struct Envelope<'a, T: ?Sized> {
            response_info: &'a ResponseInfo,
            transaction: &'a T,
        }
        Reply::of(&Envelope { response_info: info, transaction })
    }

    /// The content alone.
    ///
    /// # Errors
    /// [`ApiError::Internal`] if it has no JSON form.
    pub(crate) fn of<T: Serialize>(content: &T) -> Result<Reply, ApiError> {
        let mut json = Vec::with_capacity(2048);
        serde_json::to_writer(&mut json, content)
            .map_err(|_| ApiError::Internal("an answer without a JSON form"))?;
        Ok(Reply { status: StatusCode::OK, json, txn_id: None })
    }

    /// The work goes on behind the answer.
    pub(crate) fn accepted(self) -> Reply {
        Reply { status: StatusCode::ACCEPTED, ..self }
    }

    /// Names the transaction it is about in the log.
    pub(crate) fn about(self, txn_id: TxnId) -> Reply {
        Reply { txn_id: Some(txn_id), ..self }
    }
}

impl IntoResponse for Reply {
    fn into_response(self) -> Response {
        let mut response = json_response(self.status, self.json);
        if let Some(txn_id) = self.txn_id {
            response.extensions_mut().insert(Notes { txn_id: Some(txn_id), code: None, cause: None });
        }
        response
    }
}

/// A response of that status with a JSON body.
pub(crate) fn json_response(status: StatusCode, json: impl Into<Body>) -> Response {
    let mut response = Response::new(json.into());
    *response.status_mut() = status;
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    response
}
