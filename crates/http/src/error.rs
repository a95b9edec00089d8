//! The errors of the HTTP interface. Status, code and sentence of an error response are chosen here and in
//! [`response`]; the cause goes to the log alone.

mod response;
#[cfg(test)]
mod tests;

use std::error::Error as _;

use axum::response::{IntoResponse, Response};
use http::{HeaderValue, StatusCode, header};
use payment_domain::TxnId;
use payment_service::{
    AccountError, CallbackError, CaseError, CreateError, Denied, PaymentPageError, RefundError, SearchError,
    SettleError, TokenError,
};
use payment_store::StoreError;

use crate::envelope::{ErrorEntry, error_json, json_response};
use crate::log_context::LogContext;
use response::{Content, ErrorResponse};

/// The reason why a request fails. The text of a variant that is not transparent is the sentence that clients
/// read.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ApiError {
    #[error("JSON body has errors or is missing")]
    MissingBody,
    /// Line and column count from 1.
    #[error("The JSON body cannot be parsed: it is broken at line {line}, column {column}")]
    BrokenJson { line: usize, column: usize },
    #[error("Failed to deserialize certain JSON fields")]
    WrongJsonType,
    #[error("An unsupported media Type was used - {0}")]
    UnsupportedMediaType(String),
    #[error("fields are missing, too short or too long")]
    Invalid(Vec<ErrorEntry>),
    #[error("An Idempotency-Key header has 1 to 255 visible ASCII characters and is sent once")]
    InvalidIdempotencyKey,
    #[error("Cannot process request, missing transaction id")]
    MissingTxnId,
    /// A transaction of an older database.
    #[error("The transaction has no callback URL to return to")]
    NoCallbackUrl,
    #[error("The body is larger than the allowed {0} bytes")]
    BodyTooLarge(usize),
    #[error("The URL is longer than the allowed {0} bytes")]
    UrlTooLong(usize),
    #[error("The request has more than the allowed {0} parameters")]
    TooManyParameters(usize),
    #[error("The body of the request did not arrive in time")]
    BodyTooSlow,
    #[error("The service holds as many bytes of long requests and answers as it may; try again")]
    TooManyBytes,
    /// The work goes on. The transaction, where it is known.
    #[error(
        "The answer was not ready in time; what the request began goes on, look its state up before repeating it"
    )]
    TooSlow(Option<TxnId>),
    /// The service shuts down before the answer is ready. The transaction, where it is known.
    #[error("The request was interrupted; look its state up before repeating it")]
    Interrupted(Option<TxnId>),
    #[error("There is no such endpoint")]
    NoSuchEndpoint,
    #[error("The endpoint does not answer this method; the Allow header names those it does")]
    MethodNotAllowed,
    #[error(
        "The endpoints of operators are for callers with a role; the setting operators.token opens them to whoever presents it"
    )]
    OperatorsOff,
    #[error(
        "Operators present operators.token or a personal API token, as Authorization: Bearer, or a proven identity with a role"
    )]
    NotAnOperator,
    #[error(transparent)]
    Denied(#[from] Denied),
    #[error("There is no such job; the jobs are {}", .0.join(", "))]
    UnknownJob(Vec<&'static str>),
    #[error("The job is at work, here or on another node; jobs/v1/_history tells what it does")]
    JobAtWork,
    #[error(
        "The clock of this node's computer differs from the database's, so no jobs are run on it; set the clock, or ask another node"
    )]
    JobsSuspended,
    #[error("There is no such case")]
    NoSuchCase,
    #[error("An earlier request has payments reconciled on this node; send this one when it has ended")]
    ReconciliationAtWork,
    #[error("There is no such entry in the audit log")]
    NoSuchEntry,
    #[error("Checkpoints of the audit log need a key; the setting audit.signing-key.file names it")]
    NoSigningKey,
    #[error("The audit log is broken at entry {0}, and is not signed; audit/v1/_verify says more")]
    AuditBroken(i64),
    /// A bug of ours; the text is for the log.
    #[error("internal error: {0}")]
    Internal(&'static str),
    #[error(transparent)]
    Create(#[from] CreateError),
    #[error("{1}")]
    Settle(TxnId, #[source] SettleError),
    #[error(transparent)]
    Search(#[from] SearchError),
    #[error(transparent)]
    Callback(#[from] CallbackError),
    #[error(transparent)]
    PaymentPage(#[from] PaymentPageError),
    #[error(transparent)]
    Resolve(#[from] CaseError),
    #[error(transparent)]
    Refund(#[from] RefundError),
    #[error(transparent)]
    Token(#[from] TokenError),
    #[error(transparent)]
    Account(#[from] AccountError),
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl ApiError {
    fn to_response(&self) -> ErrorResponse {
        const BAD_REQUEST: StatusCode = StatusCode::BAD_REQUEST;
        let (status, code, retry_after_s) = match self {
            ApiError::MissingBody => (BAD_REQUEST, "MissingJsonException", None),
            ApiError::BrokenJson { .. } => (BAD_REQUEST, "JsonParseException", None),
            ApiError::WrongJsonType => (BAD_REQUEST, "JsonMappingException", None),
            ApiError::UnsupportedMediaType(_) => (BAD_REQUEST, "UnsupportedMediaType", None),
            ApiError::InvalidIdempotencyKey => (BAD_REQUEST, "INVALID_IDEMPOTENCY_KEY", None),
            ApiError::MissingTxnId => (BAD_REQUEST, "MISSING_UPDATE_TXN_ID", None),
            ApiError::NoCallbackUrl => (BAD_REQUEST, "MISSING_CALLBACK_URL", None),
            ApiError::BodyTooLarge(_) => (StatusCode::PAYLOAD_TOO_LARGE, "PayloadTooLarge", None),
            ApiError::UrlTooLong(_) => (StatusCode::URI_TOO_LONG, "UrlTooLong", None),
            ApiError::TooManyParameters(_) => (BAD_REQUEST, "TOO_MANY_PARAMETERS", None),
            ApiError::BodyTooSlow => (StatusCode::REQUEST_TIMEOUT, "REQUEST_TIMEOUT", None),
            ApiError::TooManyBytes => (StatusCode::SERVICE_UNAVAILABLE, "TOO_MANY_BYTES", Some(2)),
            ApiError::TooSlow(_) => (StatusCode::SERVICE_UNAVAILABLE, "RESPONSE_TIMEOUT", Some(5)),
            ApiError::NoSuchEndpoint => (StatusCode::NOT_FOUND, "NOT_FOUND", None),
            ApiError::MethodNotAllowed => (StatusCode::METHOD_NOT_ALLOWED, "METHOD_NOT_ALLOWED", None),
            ApiError::OperatorsOff => (StatusCode::NOT_FOUND, "OPERATORS_OFF", None),
            ApiError::NotAnOperator => (StatusCode::UNAUTHORIZED, "UNAUTHORIZED", None),
            ApiError::UnknownJob(_) => (StatusCode::NOT_FOUND, "JOB_NOT_FOUND", None),
            ApiError::JobAtWork => (StatusCode::CONFLICT, "JOB_AT_WORK", Some(5)),
            ApiError::JobsSuspended => (StatusCode::SERVICE_UNAVAILABLE, "JOBS_SUSPENDED", Some(5)),
            ApiError::ReconciliationAtWork => (StatusCode::CONFLICT, "RECONCILIATION_AT_WORK", Some(5)),
            ApiError::NoSuchEntry => (StatusCode::NOT_FOUND, "AUDIT_ENTRY_NOT_FOUND", None),
            ApiError::NoSigningKey => (StatusCode::CONFLICT, "NO_SIGNING_KEY", None),
            ApiError::AuditBroken(_) => (StatusCode::CONFLICT, "AUDIT_BROKEN", None),
            ApiError::NoSuchCase => return response::no_such_case(),
            ApiError::Interrupted(txn_id) => return response::interrupted().about(txn_id.as_ref()),
            ApiError::Invalid(entries) => {
                return ErrorResponse::entries(BAD_REQUEST, entries.clone());
            }
            ApiError::Internal(_) => return response::internal(),
            ApiError::Create(error) => return error.into(),
            ApiError::Settle(_, error) => return error.into(),
            ApiError::Denied(denied) => return denied.into(),
            ApiError::Search(error) => return error.into(),
            ApiError::Callback(error) => return error.into(),
            ApiError::PaymentPage(error) => return error.into(),
            ApiError::Resolve(error) => return error.into(),
            ApiError::Refund(error) => return error.into(),
            ApiError::Token(error) => return error.into(),
            ApiError::Account(error) => return error.into(),
            ApiError::Store(error) => return error.into(),
        };
        let response = ErrorResponse::one(status, code, self.to_string());
        ErrorResponse { retry_after_s, ..response }.about(self.unfinished())
    }

    /// The transaction that a request without an answer has begun.
    fn unfinished(&self) -> Option<&TxnId> {
        let (ApiError::TooSlow(id) | ApiError::Interrupted(id)) = self else { return None };
        id.as_ref()
    }

    /// The transaction for the log; none where there is none of that id.
    fn txn_id(&self) -> Option<&TxnId> {
        let ApiError::Settle(id, error) = self else { return self.unfinished() };
        (!matches!(error, SettleError::NotFound)).then_some(id)
    }

    /// The error with its causes, for the log.
    fn with_causes(&self) -> String {
        let mut text = self.to_string();
        let mut cause = self.source();
        while let Some(error) = cause {
            let message = error.to_string();
            // A transparent error repeats its only cause.
            if !text.ends_with(&message) {
                text.push_str(": ");
                text.push_str(&message);
            }
            cause = error.source();
        }
        text
    }
}

impl IntoResponse for ApiError {
    fn into_response(self) -> Response {
        let ErrorResponse { status, retry_after_s, content } = self.to_response();
        let (code, body) = match content {
            Content::Entries(entries) => {
                let json = error_json(&entries);
                (entries.into_iter().next().map(|entry| entry.code).unwrap_or_default(), json)
            }
            Content::PassedOn(body) => ("passed on".into(), body.into_bytes()),
        };
        let mut response = json_response(status, body);
        if let Some(seconds) = retry_after_s {
            response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from(seconds));
        }
        if status == StatusCode::UNAUTHORIZED {
            response.headers_mut().insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
        }
        let cause = status.is_server_error().then(|| self.with_causes());
        LogContext { txn_id: self.txn_id().cloned(), code: Some(code), cause }.attach(&mut response);
        response
    }
}
