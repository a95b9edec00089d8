//! Successful answers in DIGIT's envelope.

use axum::response::{IntoResponse, Response};
use http::StatusCode;
use payment_domain::TxnId;
use serde::Serialize;

use crate::envelope::json_response;
use crate::error::ApiError;
use crate::log_context::LogContext;

pub(crate) struct Reply {
    status: StatusCode,
    json: Vec<u8>,
    txn_id: Option<TxnId>,
}

impl Reply {
    pub(crate) fn of<T: Serialize>(content: &T) -> Result<Reply, ApiError> {
        let mut json = Vec::with_capacity(2048);
        serde_json::to_writer(&mut json, content)
            .map_err(|_| ApiError::Internal("an answer without a JSON form"))?;
        Ok(Reply { status: StatusCode::OK, json, txn_id: None })
    }

    /// 202: the work goes on after the answer.
    pub(crate) fn accepted(self) -> Reply {
        Reply { status: StatusCode::ACCEPTED, ..self }
    }

    /// Sets the transaction of the log line.
    pub(crate) fn about(self, txn_id: TxnId) -> Reply {
        Reply { txn_id: Some(txn_id), ..self }
    }
}

impl IntoResponse for Reply {
    fn into_response(self) -> Response {
        let mut response = json_response(self.status, self.json);
        if let Some(txn_id) = self.txn_id {
            LogContext::about(txn_id).attach(&mut response);
        }
        response
    }
}
