//! What a client is told when something is wrong: the one place where statuses, codes and sentences
//! are chosen. Nothing of our inside is in them; causes go to the log.

#[cfg(test)]
mod tests;

use std::borrow::Cow;
use std::error::Error as _;

use axum::response::{IntoResponse, Response};
use http::{HeaderValue, StatusCode, header};
use payment_digit::DigitError;
use payment_domain::TxnId;
use payment_gateway::GatewayError;
use payment_service::{CallbackError, CreateError, PaymentPageError, ResolveError, SearchError, SettleError};
use payment_store::StoreError;
use serde::de::IgnoredAny;

use crate::edge::Notes;
use crate::envelope::{ErrorEntry, error_json};
use crate::reply::json_response;

/// Why a request is not answered as it was meant.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ApiError {
    /// The request has no body, or it could not be read to its end.
    #[error("no body")]
    MissingBody,
    /// The body is not JSON.
    #[error("the JSON is broken at line {line}, column {column}")]
    BrokenJson {
        /// Counted from 1.
        line: usize,
        /// Counted from 1.
        column: usize,
    },
    /// The body is JSON of another shape.
    #[error("the JSON has another shape")]
    WrongJsonType,
    /// The body is of a kind that the endpoint does not read.
    #[error("unsupported media type")]
    UnsupportedMediaType(String),
    /// Fields are missing, too short or too long.
    #[error("invalid fields")]
    Invalid(Vec<ErrorEntry>),
    /// The `Idempotency-Key` header cannot be a key.
    #[error("invalid idempotency key")]
    InvalidIdempotencyKey,
    /// No parameter names the transaction.
    #[error("no transaction id")]
    MissingTxnId,
    /// There is nowhere to send the payer: a transaction of an older database without a callback URL.
    #[error("no callback URL")]
    NoCallbackUrl,
    /// More bytes in the body than may be.
    #[error("the body is too large")]
    BodyTooLarge(usize),
    /// More bytes in path and query than may be.
    #[error("the URL is too long")]
    UrlTooLong(usize),
    /// More parameters than may be.
    #[error("too many parameters")]
    TooManyParameters(usize),
    /// The client took too long to send its body.
    #[error("the body came too slowly")]
    BodyTooSlow,
    /// As many bytes of bodies are held as may be.
    #[error("too many bytes in flight")]
    TooManyBytes,
    /// The answer is not ready in time; the work goes on. The transaction, where it is known.
    #[error("the request took too long")]
    TooSlow(Option<TxnId>),
    /// The service ends before the answer is ready. The transaction, where it is known.
    #[error("the service is shutting down")]
    Interrupted(Option<TxnId>),
    /// No endpoint has this path.
    #[error("no such endpoint")]
    NoSuchEndpoint,
    /// The endpoint does not answer this method.
    #[error("no such method")]
    MethodNotAllowed,
    /// The endpoints of operators are not served.
    #[error("operators.token is not set")]
    OperatorsOff,
    /// The request does not present the token of operators.
    #[error("not an operator")]
    NotAnOperator,
    /// No job has this name.
    #[error("no such job")]
    UnknownJob(Vec<&'static str>),
    /// The job is at work, on whichever node.
    #[error("the job is at work")]
    JobAtWork,
    /// The clock of this node's computer differs too much from the database's.
    #[error("no jobs are run on this node")]
    JobsSuspended,
    /// No case has this number.
    #[error("no such case")]
    NoSuchCase,
    /// Somebody reconciles by hand already.
    #[error("reconciling by hand is under way")]
    ReconciliationAtWork,
    /// A bug of ours.
    #[error("internal error: {0}")]
    Internal(&'static str),
    /// No transaction was created.
    #[error(transparent)]
    Create(#[from] CreateError),
    /// A transaction was not settled.
    #[error("{1}")]
    Settle(TxnId, #[source] SettleError),
    /// Nothing was searched.
    #[error(transparent)]
    Search(#[from] SearchError),
    /// A callback was not accepted.
    #[error(transparent)]
    Callback(#[from] CallbackError),
    /// There is no such payment page.
    #[error(transparent)]
    PaymentPage(#[from] PaymentPageError),
    /// A case was not resolved.
    #[error(transparent)]
    Resolve(#[from] ResolveError),
    /// The database is away.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// What is told.
struct Told {
    status: StatusCode,
    retry_after_s: Option<u16>,
    content: Content,
}

enum Content {
    Entries(Vec<ErrorEntry>),
    /// The body of another service, as it came.
    PassedOn(String),
}

impl Told {
    fn entries(status: StatusCode, entries: Vec<ErrorEntry>) -> Told {
        Told { status, retry_after_s: None, content: Content::Entries(entries) }
    }

    fn one(status: StatusCode, code: &'static str, message: impl Into<Cow<'static, str>>) -> Told {
        Told::entries(status, vec![ErrorEntry::new(code, message)])
    }

    fn refused(code: &'static str, message: impl Into<Cow<'static, str>>) -> Told {
        Told::one(StatusCode::BAD_REQUEST, code, message)
    }

    fn away(code: &'static str, message: impl Into<Cow<'static, str>>) -> Told {
        Told::one(StatusCode::SERVICE_UNAVAILABLE, code, message)
    }

    fn retry_after(self, seconds: u16) -> Told {
        Told { retry_after_s: Some(seconds), ..self }
    }

    fn internal() -> Told {
        Told::one(
            StatusCode::INTERNAL_SERVER_ERROR,
            "INTERNAL_SERVER_ERROR",
            "The request could not be answered because of a fault on our side",
        )
    }

    fn no_such_transaction() -> Told {
        Told::refused("TXN_UPDATE_NOT_FOUND", "Transaction not found")
    }

    fn no_such_case() -> Told {
        Told::one(StatusCode::NOT_FOUND, "ATTENTION_CASE_NOT_FOUND", "There is no such case")
    }

    fn interrupted() -> Told {
        Told::away(
            "REQUEST_INTERRUPTED",
            "The request was interrupted; look its state up before repeating it",
        )
        .retry_after(2)
    }

    /// Names the transaction whose state is to be looked up.
    fn about(mut self, txn_id: Option<&TxnId>) -> Told {
        if let (Some(id), Content::Entries(entries)) = (txn_id, &mut self.content) {
            for entry in entries {
                entry.message = format!("{} (transaction {id})", entry.message).into();
                entry.params = Some(vec![id.to_string()]);
            }
        }
        self
    }
}

fn tell(error: &ApiError) -> Told {
    match error {
        ApiError::MissingBody => Told::refused("MissingJsonException", "JSON body has errors or is missing"),
        ApiError::BrokenJson { line, column } => Told::refused(
            "JsonParseException",
            format!("The JSON body cannot be parsed: it is broken at line {line}, column {column}"),
        ),
        ApiError::WrongJsonType => {
            Told::refused("JsonMappingException", "Failed to deserialize certain JSON fields")
        }
        ApiError::UnsupportedMediaType(media_type) => Told::refused(
            "UnsupportedMediaType",
            format!("An unsupported media Type was used - {media_type}"),
        ),
        ApiError::Invalid(entries) => Told::entries(StatusCode::BAD_REQUEST, entries.clone()),
        ApiError::InvalidIdempotencyKey => Told::refused(
            "INVALID_IDEMPOTENCY_KEY",
            "An Idempotency-Key header has 1 to 255 visible ASCII characters and is sent once",
        ),
        ApiError::MissingTxnId => {
            Told::refused("MISSING_UPDATE_TXN_ID", "Cannot process request, missing transaction id")
        }
        ApiError::NoCallbackUrl => {
            Told::refused("MISSING_CALLBACK_URL", "The transaction has no callback URL to return to")
        }
        ApiError::BodyTooLarge(limit) => Told::one(
            StatusCode::PAYLOAD_TOO_LARGE,
            "PayloadTooLarge",
            format!("The body is larger than the allowed {limit} bytes"),
        ),
        ApiError::UrlTooLong(limit) => Told::one(
            StatusCode::URI_TOO_LONG,
            "UrlTooLong",
            format!("The URL is longer than the allowed {limit} bytes"),
        ),
        ApiError::TooManyParameters(limit) => Told::refused(
            "TOO_MANY_PARAMETERS",
            format!("The request has more than the allowed {limit} parameters"),
        ),
        ApiError::BodyTooSlow => Told::one(
            StatusCode::REQUEST_TIMEOUT,
            "REQUEST_TIMEOUT",
            "The body of the request did not arrive in time",
        ),
        ApiError::TooManyBytes => Told::away(
            "TOO_MANY_BYTES",
            "The service holds as many bytes of long requests and answers as it may; try again",
        )
        .retry_after(2),
        ApiError::TooSlow(txn_id) => Told::away(
            "RESPONSE_TIMEOUT",
            "The answer was not ready in time; what the request began goes on, look its state up before repeating it",
        )
        .retry_after(5)
        .about(txn_id.as_ref()),
        ApiError::Interrupted(txn_id) => Told::interrupted().about(txn_id.as_ref()),
        ApiError::NoSuchEndpoint => Told::one(StatusCode::NOT_FOUND, "NOT_FOUND", "There is no such endpoint"),
        ApiError::MethodNotAllowed => Told::one(
            StatusCode::METHOD_NOT_ALLOWED,
            "METHOD_NOT_ALLOWED",
            "The endpoint does not answer this method; the Allow header names those it does",
        ),
        ApiError::OperatorsOff => Told::one(
            StatusCode::NOT_FOUND,
            "OPERATORS_OFF",
            "The endpoints of operators are switched off; the setting operators.token switches them on",
        ),
        ApiError::NotAnOperator => Told::one(
            StatusCode::UNAUTHORIZED,
            "UNAUTHORIZED",
            "Operators present their token: Authorization: Bearer <operators.token>",
        ),
        ApiError::UnknownJob(names) => Told::one(
            StatusCode::NOT_FOUND,
            "JOB_NOT_FOUND",
            format!("There is no such job; the jobs are {}", names.join(", ")),
        ),
        ApiError::JobAtWork => Told::one(
            StatusCode::CONFLICT,
            "JOB_AT_WORK",
            "The job is at work, here or on another node; jobs/v1/_history tells what it does",
        )
        .retry_after(5),
        ApiError::JobsSuspended => Told::one(
            StatusCode::SERVICE_UNAVAILABLE,
            "JOBS_SUSPENDED",
            "The clock of this node's computer differs from the database's, so no jobs are run on it; set the clock, or ask another node",
        )
        .retry_after(5),
        ApiError::NoSuchCase => Told::no_such_case(),
        ApiError::ReconciliationAtWork => Told::one(
            StatusCode::CONFLICT,
            "RECONCILIATION_AT_WORK",
            "An earlier request has payments reconciled on this node; send this one when it has ended",
        )
        .retry_after(5),
        ApiError::Internal(_) => Told::internal(),
        ApiError::Create(error) => tell_create(error),
        ApiError::Settle(_, error) => match error {
            SettleError::NotFound => Told::no_such_transaction(),
            SettleError::BadSignature => {
                Told::refused("INVALID_SIGNATURE", "The signature of the gateway's answer is wrong")
            }
            SettleError::WrongTransaction => {
                Told::refused("WRONG_TRANSACTION", "The gateway's answer is not about this transaction")
            }
            SettleError::Store(error) => tell_store(error),
            SettleError::Interrupted | SettleError::Fenced => Told::interrupted(),
        },
        ApiError::Search(error) => match error {
            SearchError::ScopeRequired => Told::refused(
                "SEARCH_CRITERIA_REQUIRED",
                "At least one of txnId, billId, consumerCode and receipt is required of a caller without proof of who they are",
            ),
            SearchError::Unverifiable => Told::away(
                "IDENTITY_UNVERIFIED",
                "The user service does not answer, so nobody can tell who asks; send the request again, or name a txnId, billId, consumerCode or receipt",
            )
            .retry_after(5),
            SearchError::UnknownPlace => Told::refused(
                "SEARCH_PLACE_NOT_FOUND",
                "after is not the txnId of a transaction that this search can find",
            ),
            SearchError::Store(error) => tell_store(error),
        },
        ApiError::Callback(error) => match error {
            CallbackError::UnknownGateway => {
                Told::refused("INVALID_PAYMENT_GATEWAY", "Invalid or inactive payment gateway provided")
            }
            CallbackError::NoTransaction | CallbackError::UnknownTransaction => Told::no_such_transaction(),
            CallbackError::Refused => Told::refused(
                "CALLBACK_REFUSED",
                "The callback is not signed by the gateway, or not about this transaction",
            ),
            CallbackError::TryAgain => Told::away(
                "GATEWAY_UNAVAILABLE",
                "The payment could not be checked with the gateway; send the callback again",
            )
            .retry_after(30),
            CallbackError::Store(error) => tell_store(error),
        },
        ApiError::PaymentPage(error) => match error {
            PaymentPageError::NotFound => {
                Told::one(StatusCode::NOT_FOUND, "PAYMENT_PAGE_NOT_FOUND", "There is no such payment page")
            }
            PaymentPageError::Store(error) => tell_store(error),
        },
        ApiError::Resolve(error) => match error {
            ResolveError::NotFound => Told::no_such_case(),
            ResolveError::Before(resolution) => Told::one(
                StatusCode::CONFLICT,
                "ATTENTION_CASE_RESOLVED",
                format!("The case was resolved before, by {}", bounded(&resolution.by)),
            ),
            ResolveError::NoReason => Told::refused("NotNull.attention.reason", "must not be null"),
            ResolveError::Store(error) => tell_store(error),
        },
        ApiError::Store(error) => tell_store(error),
    }
}

fn tell_create(error: &CreateError) -> Told {
    match error {
        CreateError::Refused(refusals) => Told::entries(
            StatusCode::BAD_REQUEST,
            refusals.iter().map(|refusal| ErrorEntry::new(refusal.code, refusal.message.clone())).collect(),
        ),
        CreateError::KeyReused => Told::one(
            StatusCode::CONFLICT,
            "IDEMPOTENCY_KEY_REUSED",
            "The Idempotency-Key was used for another request",
        ),
        CreateError::StillRunning => Told::one(
            StatusCode::CONFLICT,
            "IDEMPOTENCY_KEY_IN_USE",
            "The first request with this Idempotency-Key is still at work",
        )
        .retry_after(2),
        CreateError::IdTaken(_) => Told::refused("IDGEN_ERROR", "No new transaction id could be generated"),
        CreateError::Digit(error) => tell_digit(error),
        CreateError::Gateway(error) => tell_gateway(error),
        CreateError::Store(error) => tell_store(error),
        CreateError::Interrupted => Told::interrupted(),
    }
}

fn tell_digit(error: &DigitError) -> Told {
    match error {
        DigitError::NotSent { .. } => Told::away(
            "DIGIT_SERVICE_UNAVAILABLE",
            format!("{error}; nothing was changed, send the request again"),
        )
        .retry_after(5),
        DigitError::Unanswered { .. } => {
            Told::away("DIGIT_SERVICE_UNANSWERED", format!("{error}; send the request again")).retry_after(10)
        }
        // The other service's own words, unless they are not JSON: then they are not for clients.
        DigitError::Refused { body, .. } => match serde_json::from_str::<IgnoredAny>(body) {
            Ok(_) => Told {
                status: StatusCode::BAD_REQUEST,
                retry_after_s: None,
                content: Content::PassedOn(body.clone()),
            },
            Err(_) => Told::refused("DIGIT_SERVICE_REFUSED", format!("{error} without saying why")),
        },
        DigitError::Incomplete { code, message } => Told::refused(code, message.clone()),
    }
}

fn tell_gateway(error: &GatewayError) -> Told {
    match error {
        GatewayError::NotSent(_) | GatewayError::LocalFault(_) => Told::away(
            "GATEWAY_UNAVAILABLE",
            "The payment gateway could not be reached; nothing was paid, send the request again",
        )
        .retry_after(10),
        GatewayError::Unavailable { retry_after } => Told::away(
            "GATEWAY_UNAVAILABLE",
            "The payment gateway is not available at the moment; nothing was paid, send the request again later",
        )
        .retry_after(u16::try_from(retry_after.as_millis().div_ceil(1000)).unwrap_or(u16::MAX)),
        // Without Retry-After: the bill stays claimed until the gateway tells what became of it.
        GatewayError::Unanswered(_) => Told::away(
            "GATEWAY_UNANSWERED",
            "The payment gateway did not answer; the payment stays pending until it tells what became of it",
        ),
        GatewayError::Unreadable(_) | GatewayError::BadSignature | GatewayError::WrongTransaction => Told::one(
            StatusCode::BAD_GATEWAY,
            "GATEWAY_ANSWER_UNREADABLE",
            "The payment gateway's answer cannot be understood; the payment stays pending until it can",
        ),
        GatewayError::Refused { code } => {
            Told::refused("GATEWAY_REFUSED", format!("The payment gateway refused the payment: {}", bounded(code)))
        }
    }
}

fn tell_store(error: &StoreError) -> Told {
    match error {
        StoreError::Unavailable(_) => {
            Told::away("DATABASE_UNAVAILABLE", "The database is not available; try again").retry_after(5)
        }
        StoreError::Failed(_) => Told::internal(),
    }
}

/// A text of somebody else's, short and without control characters.
pub(crate) fn bounded(text: &str) -> String {
    text.chars().filter(|char| !char.is_control()).take(100).collect()
}

impl ApiError {
    /// The code of the first thing that is wrong.
    #[cfg(test)]
    pub(crate) fn code(&self) -> &'static str {
        match tell(self).content {
            Content::Entries(mut entries) => match entries.swap_remove(0).code {
                Cow::Borrowed(code) => code,
                Cow::Owned(code) => code.leak(),
            },
            Content::PassedOn(_) => "passed on",
        }
    }

    /// The transaction it is about, where there is one of that id.
    fn txn_id(&self) -> Option<TxnId> {
        match self {
            ApiError::Settle(_, SettleError::NotFound) => None,
            ApiError::Settle(id, _) => Some(id.clone()),
            ApiError::TooSlow(id) | ApiError::Interrupted(id) => id.clone(),
            ApiError::MissingBody
            | ApiError::BrokenJson { .. }
            | ApiError::WrongJsonType
            | ApiError::UnsupportedMediaType(_)
            | ApiError::Invalid(_)
            | ApiError::InvalidIdempotencyKey
            | ApiError::MissingTxnId
            | ApiError::NoCallbackUrl
            | ApiError::BodyTooLarge(_)
            | ApiError::UrlTooLong(_)
            | ApiError::TooManyParameters(_)
            | ApiError::BodyTooSlow
            | ApiError::TooManyBytes
            | ApiError::NoSuchEndpoint
            | ApiError::MethodNotAllowed
            | ApiError::OperatorsOff
            | ApiError::NotAnOperator
            | ApiError::UnknownJob(_)
            | ApiError::JobAtWork
            | ApiError::JobsSuspended
            | ApiError::NoSuchCase
            | ApiError::ReconciliationAtWork
            | ApiError::Internal(_)
            | ApiError::Create(_)
            | ApiError::Search(_)
            | ApiError::Callback(_)
            | ApiError::PaymentPage(_)
            | ApiError::Resolve(_)
            | ApiError::Store(_) => None,
        }
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
        let Told { status, retry_after_s, content } = tell(&self);
        let (code, body) = match content {
            Content::Entries(entries) => {
                let json = error_json(&entries);
                (entries.into_iter().next().map(|entry| entry.code).unwrap_or_default(), json)
            }
            Content::PassedOn(body) => (Cow::Borrowed("passed on"), body.into_bytes()),
        };
        let mut response = json_response(status, body);
        if let Some(seconds) = retry_after_s {
            response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from(seconds));
        }
        if status == StatusCode::UNAUTHORIZED {
            response.headers_mut().insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
        }
        let cause = status.is_server_error().then(|| self.with_causes());
        response.extensions_mut().insert(Notes { txn_id: self.txn_id(), code: Some(code), cause });
        response
    }
}
