//! Error responses: how the errors of the use cases are reported to clients.

use std::borrow::Cow;

use http::StatusCode;
use payment_digit::DigitError;
use payment_domain::TxnId;
use payment_gateway::GatewayError;
use payment_service::{
    AccountError, AccountProblem, CallbackError, CaseError, CreateError, Denied, PaymentPageError,
    RefundError, SearchError, SettleError, TokenError, VaultError,
};
use payment_store::StoreError;
use serde::de::IgnoredAny;

use crate::envelope::{ErrorEntry, bounded, line};

/// The largest number of an account's problems in one answer.
const MOST_PROBLEMS: usize = 50;
/// In characters.
const LONGEST_PROBLEM: usize = 500;

type Message = Cow<'static, str>;

pub(super) struct ErrorResponse {
    pub(super) status: StatusCode,
    pub(super) retry_after_s: Option<u16>,
    pub(super) content: Content,
}

pub(super) enum Content {
    Entries(Vec<ErrorEntry>),
    /// The body of another service, unchanged.
    PassedOn(String),
}

impl ErrorResponse {
    pub(super) fn entries(status: StatusCode, entries: Vec<ErrorEntry>) -> ErrorResponse {
        ErrorResponse { status, retry_after_s: None, content: Content::Entries(entries) }
    }

    pub(super) fn one(status: StatusCode, code: &'static str, message: impl Into<Message>) -> ErrorResponse {
        ErrorResponse::entries(status, vec![ErrorEntry::new(code, message)])
    }

    fn retry_after(self, seconds: u16) -> ErrorResponse {
        ErrorResponse { retry_after_s: Some(seconds), ..self }
    }

    /// Names the transaction whose state is to be looked up.
    pub(super) fn about(mut self, txn_id: Option<&TxnId>) -> ErrorResponse {
        if let (Some(id), Content::Entries(entries)) = (txn_id, &mut self.content) {
            for entry in entries {
                entry.message = format!("{} (transaction {id})", entry.message).into();
                entry.params = Some(vec![id.to_string()]);
            }
        }
        self
    }
}

fn refused(code: &'static str, message: impl Into<Message>) -> ErrorResponse {
    ErrorResponse::one(StatusCode::BAD_REQUEST, code, message)
}

fn unavailable(code: &'static str, message: impl Into<Message>) -> ErrorResponse {
    ErrorResponse::one(StatusCode::SERVICE_UNAVAILABLE, code, message)
}

pub(super) fn internal() -> ErrorResponse {
    let message = "The request could not be answered because of a fault on our side";
    ErrorResponse::one(StatusCode::INTERNAL_SERVER_ERROR, "INTERNAL_SERVER_ERROR", message)
}

fn no_such_transaction() -> ErrorResponse {
    refused("TXN_UPDATE_NOT_FOUND", "Transaction not found")
}

pub(super) fn no_such_case() -> ErrorResponse {
    ErrorResponse::one(StatusCode::NOT_FOUND, "ATTENTION_CASE_NOT_FOUND", "There is no such case")
}

pub(super) fn interrupted() -> ErrorResponse {
    let message = "The request was interrupted; look its state up before repeating it";
    unavailable("REQUEST_INTERRUPTED", message).retry_after(2)
}

impl From<&Denied> for ErrorResponse {
    fn from(denied: &Denied) -> ErrorResponse {
        match denied {
            Denied::Unnamed => {
                ErrorResponse::one(StatusCode::UNAUTHORIZED, "UNAUTHORIZED", denied.to_string())
            }
            Denied::Unverifiable => unavailable("IDENTITY_UNVERIFIED", denied.to_string()).retry_after(5),
            Denied::Role { .. } | Denied::Nowhere(_) | Denied::Installation(_) | Denied::Admin { .. } => {
                ErrorResponse::one(StatusCode::FORBIDDEN, "FORBIDDEN", denied.to_string())
            }
        }
    }
}

impl From<&SettleError> for ErrorResponse {
    fn from(error: &SettleError) -> ErrorResponse {
        match error {
            SettleError::NotFound => no_such_transaction(),
            SettleError::BadSignature => {
                refused("INVALID_SIGNATURE", "The signature of the gateway's answer is wrong")
            }
            SettleError::WrongTransaction => {
                refused("WRONG_TRANSACTION", "The gateway's answer is not about this transaction")
            }
            SettleError::Store(error) => error.into(),
            SettleError::Interrupted | SettleError::Fenced => interrupted(),
        }
    }
}

impl From<&SearchError> for ErrorResponse {
    fn from(error: &SearchError) -> ErrorResponse {
        match error {
            SearchError::ScopeRequired => refused(
                "SEARCH_CRITERIA_REQUIRED",
                "At least one of txnId, billId, consumerCode and receipt is required of a caller without proof of who they are",
            ),
            SearchError::Unverifiable => unavailable(
                "IDENTITY_UNVERIFIED",
                "The user service does not answer, so the caller cannot be identified; send the request again, or name a txnId, billId, consumerCode or receipt",
            )
            .retry_after(5),
            SearchError::UnknownPlace => refused(
                "SEARCH_PLACE_NOT_FOUND",
                "after is not the txnId of a transaction that this search can find",
            ),
            SearchError::Store(error) => error.into(),
        }
    }
}

impl From<&CallbackError> for ErrorResponse {
    fn from(error: &CallbackError) -> ErrorResponse {
        match error {
            CallbackError::UnknownGateway => {
                refused("INVALID_PAYMENT_GATEWAY", "Invalid or inactive payment gateway provided")
            }
            CallbackError::NoTransaction | CallbackError::UnknownTransaction => no_such_transaction(),
            CallbackError::Refused => refused(
                "CALLBACK_REFUSED",
                "The callback is not signed by the gateway, or not about this transaction",
            ),
            CallbackError::TryAgain => unavailable(
                "GATEWAY_UNAVAILABLE",
                "The payment could not be checked with the gateway; send the callback again",
            )
            .retry_after(30),
            CallbackError::Store(error) => error.into(),
        }
    }
}

impl From<&PaymentPageError> for ErrorResponse {
    fn from(error: &PaymentPageError) -> ErrorResponse {
        match error {
            PaymentPageError::NotFound => ErrorResponse::one(
                StatusCode::NOT_FOUND,
                "PAYMENT_PAGE_NOT_FOUND",
                "There is no such payment page",
            ),
            PaymentPageError::Store(error) => error.into(),
        }
    }
}

impl From<&CaseError> for ErrorResponse {
    fn from(error: &CaseError) -> ErrorResponse {
        match error {
            CaseError::NotFound => no_such_case(),
            CaseError::Before(resolution) => ErrorResponse::one(
                StatusCode::CONFLICT,
                "ATTENTION_CASE_RESOLVED",
                format!("The case was resolved before, by {}", bounded(&resolution.by)),
            ),
            CaseError::Stale => {
                ErrorResponse::one(StatusCode::CONFLICT, "ATTENTION_CASE_CHANGED", error.to_string())
            }
            CaseError::NoText => refused("NotNull.attention.reason", "must not be null"),
            CaseError::Store(error) => error.into(),
        }
    }
}

impl From<&CreateError> for ErrorResponse {
    fn from(error: &CreateError) -> ErrorResponse {
        match error {
            CreateError::Refused(refusals) => ErrorResponse::entries(
                StatusCode::BAD_REQUEST,
                refusals
                    .iter()
                    .map(|refusal| ErrorEntry::new(refusal.code, refusal.message.clone()))
                    .collect(),
            ),
            CreateError::KeyReused => ErrorResponse::one(
                StatusCode::CONFLICT,
                "IDEMPOTENCY_KEY_REUSED",
                "The Idempotency-Key was used for another request",
            ),
            CreateError::StillRunning => ErrorResponse::one(
                StatusCode::CONFLICT,
                "IDEMPOTENCY_KEY_IN_USE",
                "The first request with this Idempotency-Key is still at work",
            )
            .retry_after(2),
            CreateError::IdTaken(_) => refused("IDGEN_ERROR", "No new transaction id could be generated"),
            CreateError::Digit(error) => error.into(),
            CreateError::Gateway(error) => error.into(),
            CreateError::Store(error) => error.into(),
            CreateError::Interrupted => interrupted(),
        }
    }
}

impl From<&TokenError> for ErrorResponse {
    fn from(error: &TokenError) -> ErrorResponse {
        let told = || error.to_string();
        match error {
            TokenError::Denied(denied) => denied.into(),
            TokenError::Invalid(_) | TokenError::OwnLife => refused("INVALID_TOKEN", told()),
            TokenError::LabelTaken => ErrorResponse::one(StatusCode::CONFLICT, "TOKEN_LABEL_TAKEN", told()),
            TokenError::OwnRefunds => ErrorResponse::one(StatusCode::FORBIDDEN, "TOKEN_OWN_REFUNDS", told()),
            TokenError::AdminWithRefunds { .. } | TokenError::ProgramChecks => {
                refused("TOKEN_ROLES_EXCLUDED", told())
            }
            TokenError::UuidTaken | TokenError::NameTaken => {
                ErrorResponse::one(StatusCode::CONFLICT, "TOKEN_HOLDER_KNOWN", told())
            }
            TokenError::NotFound => ErrorResponse::one(StatusCode::NOT_FOUND, "TOKEN_NOT_FOUND", told()),
            TokenError::Before(_) => ErrorResponse::one(StatusCode::CONFLICT, "TOKEN_REVOKED", told()),
            TokenError::NoRandomness => internal(),
            TokenError::Store(error) => error.into(),
        }
    }
}

impl From<&AccountError> for ErrorResponse {
    fn from(error: &AccountError) -> ErrorResponse {
        let told = || error.to_string();
        let conflict = |code| ErrorResponse::one(StatusCode::CONFLICT, code, told());
        match error {
            AccountError::NotFound => {
                ErrorResponse::one(StatusCode::NOT_FOUND, "ACCOUNT_NOT_FOUND", "There is no such account")
            }
            AccountError::Stale => conflict("ACCOUNT_CHANGED"),
            AccountError::KeyReused => conflict("IDEMPOTENCY_KEY_REUSED"),
            AccountError::Nameless => ErrorResponse::one(StatusCode::UNAUTHORIZED, "UNAUTHORIZED", told()),
            AccountError::SamePerson => {
                ErrorResponse::one(StatusCode::FORBIDDEN, "ACCOUNT_SAME_USER", told())
            }
            AccountError::State(_) => conflict("ACCOUNT_STATE"),
            AccountError::Invalid(problems) => {
                let entry = |problem: &AccountProblem| {
                    ErrorEntry::new("INVALID_ACCOUNT", line(&problem.to_string(), LONGEST_PROBLEM))
                };
                let entries = problems.iter().take(MOST_PROBLEMS).map(entry).collect();
                ErrorResponse::entries(StatusCode::BAD_REQUEST, entries)
            }
            AccountError::OtherMerchant => refused("ACCOUNT_OTHER_MERCHANT", told()),
            AccountError::NotVerified(_) => refused("ACCOUNT_NOT_VERIFIED", line(&told(), LONGEST_PROBLEM)),
            AccountError::Denied(denied) => denied.into(),
            AccountError::Vault(VaultError::NoRandomness) => internal(),
            AccountError::Vault(
                VaultError::NoKey
                | VaultError::Missing { .. }
                | VaultError::Wrong { .. }
                | VaultError::Altered { .. },
            ) => conflict("ACCOUNT_KEY"),
            AccountError::Store(error) => error.into(),
        }
    }
}

impl From<&RefundError> for ErrorResponse {
    fn from(error: &RefundError) -> ErrorResponse {
        let told = || error.to_string();
        match error {
            RefundError::NoPayment => refused("TXN_NOT_FOUND", "Transaction not found"),
            RefundError::NotPaid(_) => refused("INVALID_GATEWAY_TXN_ID", told()),
            RefundError::AlreadyPaid => refused("REFUND_ALREADY_PAID", told()),
            RefundError::AlreadyInitiated => refused("REFUND_ALREADY_INITIATED", told()),
            RefundError::Exceeds { .. } => refused("REFUND_AMOUNT_EXCEEDS_AVAILABLE", told()),
            RefundError::AvailableDiffers { .. } => ErrorResponse::one(
                StatusCode::PRECONDITION_FAILED,
                "REFUND_AMOUNT_AVAILABLE_MISMATCH",
                told(),
            ),
            RefundError::InvalidAmount { .. } => refused("INVALID_REFUND_AMOUNT", told()),
            RefundError::ReasonRequired => refused("REFUND_REASON_REQUIRED", told()),
            RefundError::NotSupported(_) => refused("REFUND_NOT_SUPPORTED", told()),
            RefundError::WindowOver { .. } => refused("REFUND_WINDOW_OVER", told()),
            RefundError::ReceiptNotCancellable(_) => refused("RECEIPT_NOT_CANCELLABLE", told()),
            RefundError::NotFound => refused("REFUND_ID_NOT_FOUND", "There is no such refund"),
            RefundError::SameUser => ErrorResponse::one(StatusCode::FORBIDDEN, "REFUND_SAME_USER", told()),
            RefundError::NotTheMaker => {
                ErrorResponse::one(StatusCode::FORBIDDEN, "REFUND_NOT_THE_MAKER", told())
            }
            RefundError::State { .. } => ErrorResponse::one(StatusCode::CONFLICT, "REFUND_STATE", told()),
            RefundError::KeyReused => {
                ErrorResponse::one(StatusCode::CONFLICT, "IDEMPOTENCY_KEY_REUSED", told())
            }
            RefundError::GatewayUnavailable { retry_after, .. } => {
                let response = unavailable(
                    "GATEWAY_UNAVAILABLE",
                    "The payment gateway gives no usable answer about the payment; no refund was requested, send the request again later",
                );
                let seconds = retry_after.map_or(30, |wait| wait.as_millis().div_ceil(1000));
                response.retry_after(u16::try_from(seconds).unwrap_or(u16::MAX))
            }
            RefundError::Store(error) => error.into(),
            RefundError::Interrupted => interrupted(),
        }
    }
}

impl From<&DigitError> for ErrorResponse {
    fn from(error: &DigitError) -> ErrorResponse {
        match error {
            DigitError::NotSent { .. } => unavailable(
                "DIGIT_SERVICE_UNAVAILABLE",
                format!("{error}; nothing was changed, send the request again"),
            )
            .retry_after(5),
            DigitError::Unanswered { .. } => {
                unavailable("DIGIT_SERVICE_UNANSWERED", format!("{error}; send the request again"))
                    .retry_after(10)
            }
            // The other service's own words are for clients only if they are JSON.
            DigitError::Refused { body, .. } => match serde_json::from_str::<IgnoredAny>(body) {
                Ok(_) => ErrorResponse {
                    status: StatusCode::BAD_REQUEST,
                    retry_after_s: None,
                    content: Content::PassedOn(body.clone()),
                },
                Err(_) => refused("DIGIT_SERVICE_REFUSED", format!("{error} without saying why")),
            },
            DigitError::Incomplete { code, message } => refused(code, message.clone()),
        }
    }
}

impl From<&GatewayError> for ErrorResponse {
    fn from(error: &GatewayError) -> ErrorResponse {
        match error {
            GatewayError::NotSent(_) | GatewayError::LocalFault(_) => unavailable(
                "GATEWAY_UNAVAILABLE",
                "The payment gateway could not be reached; nothing was paid, send the request again",
            )
            .retry_after(10),
            GatewayError::Unavailable { retry_after } => unavailable(
                "GATEWAY_UNAVAILABLE",
                "The payment gateway is not available at the moment; nothing was paid, send the request again later",
            )
            .retry_after(u16::try_from(retry_after.as_millis().div_ceil(1000)).unwrap_or(u16::MAX)),
            // Without Retry-After: the bill stays claimed until the gateway reports the outcome.
            GatewayError::Unanswered(_) => unavailable(
                "GATEWAY_UNANSWERED",
                "The payment gateway did not answer; the payment stays pending until it tells what became of it",
            ),
            GatewayError::Unreadable(_) | GatewayError::BadSignature | GatewayError::WrongTransaction => {
                ErrorResponse::one(
                    StatusCode::BAD_GATEWAY,
                    "GATEWAY_ANSWER_UNREADABLE",
                    "The payment gateway's answer cannot be understood; the payment stays pending until it can",
                )
            }
            GatewayError::Refused { code } => refused(
                "GATEWAY_REFUSED",
                format!("The payment gateway refused the payment: {}", bounded(code)),
            ),
        }
    }
}

impl From<&StoreError> for ErrorResponse {
    fn from(error: &StoreError) -> ErrorResponse {
        match error {
            StoreError::Unavailable(_) => {
                unavailable("DATABASE_UNAVAILABLE", "The database is not available; try again").retry_after(5)
            }
            StoreError::Failed(_) => internal(),
        }
    }
}
