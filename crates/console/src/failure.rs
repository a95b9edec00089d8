//! Why a page is not shown. Each is a page of its own, with what to do.

mod login;

use std::borrow::Cow;

use axum::response::Response;
use http::StatusCode;
use payment_service::{
    AccountError, CaseError, Denied, RefundError, SessionError, SettleError, TokenError, VaultError,
};
use payment_store::StoreError;

pub(crate) use login::LoginFailure;

pub(crate) type Outcome = Result<Response, Failure>;

#[derive(Debug)]
pub(crate) enum Failure {
    /// Also of what is not within the caller's tenants.
    NotFound,
    /// A page for callers with a session.
    LoggedOut,
    Denied(Denied),
    /// A form that was not sent by a page of ours, or by that of another session.
    Forged,
    TooManyLogins,
    LinkSpent,
    /// The server has answered in place of the page, with this status.
    Unanswered(StatusCode),
    Login(LoginFailure),
    /// The state that the form was based on has changed, or the act is impossible; the reason in words.
    Refused(StatusCode, Cow<'static, str>),
    /// The database, or a bug of ours; the text is for the log.
    Store(StoreError),
    Internal(&'static str),
}

impl Failure {
    pub(crate) fn status(&self) -> StatusCode {
        match self {
            Failure::NotFound => StatusCode::NOT_FOUND,
            Failure::LoggedOut => StatusCode::UNAUTHORIZED,
            Failure::Denied(Denied::Unverifiable) => StatusCode::SERVICE_UNAVAILABLE,
            Failure::Denied(_) | Failure::Forged => StatusCode::FORBIDDEN,
            Failure::Login(failure) => failure.status(),
            Failure::TooManyLogins => StatusCode::TOO_MANY_REQUESTS,
            Failure::LinkSpent => StatusCode::GONE,
            Failure::Unanswered(status) | Failure::Refused(status, _) => *status,
            Failure::Store(StoreError::Unavailable(_)) => StatusCode::SERVICE_UNAVAILABLE,
            Failure::Store(StoreError::Failed(_)) | Failure::Internal(_) => StatusCode::INTERNAL_SERVER_ERROR,
        }
    }

    pub(crate) fn refused(reason: impl Into<Cow<'static, str>>) -> Failure {
        Failure::Refused(StatusCode::CONFLICT, reason.into())
    }

    pub(crate) fn invalid(reason: impl Into<Cow<'static, str>>) -> Failure {
        Failure::Refused(StatusCode::BAD_REQUEST, reason.into())
    }
}

impl From<StoreError> for Failure {
    fn from(error: StoreError) -> Failure {
        Failure::Store(error)
    }
}

impl From<Denied> for Failure {
    fn from(denied: Denied) -> Failure {
        Failure::Denied(denied)
    }
}

impl From<SessionError> for Failure {
    fn from(error: SessionError) -> Failure {
        match error {
            SessionError::LinkSpent => Failure::LinkSpent,
            SessionError::AttemptSpent => Failure::Login(LoginFailure::Attempt),
            SessionError::Store(error) => Failure::Store(error),
            SessionError::NoRandomness => Failure::Internal("no random bytes"),
            SessionError::Invalid(_) | SessionError::MovesMoney(_) => Failure::invalid(error.to_string()),
        }
    }
}

impl From<CaseError> for Failure {
    fn from(error: CaseError) -> Failure {
        match error {
            CaseError::NotFound => Failure::NotFound,
            CaseError::Store(error) => Failure::Store(error),
            CaseError::NoText => Failure::invalid(error.to_string()),
            CaseError::Stale | CaseError::Before(_) => Failure::refused(error.to_string()),
        }
    }
}

impl From<RefundError> for Failure {
    fn from(error: RefundError) -> Failure {
        match error {
            RefundError::NoPayment | RefundError::NotFound => Failure::NotFound,
            RefundError::Store(error) => Failure::Store(error),
            RefundError::ReasonRequired | RefundError::InvalidAmount { .. } => {
                Failure::invalid(error.to_string())
            }
            RefundError::SameUser | RefundError::NotTheMaker => {
                Failure::Refused(StatusCode::FORBIDDEN, error.to_string().into())
            }
            RefundError::GatewayUnavailable { .. } | RefundError::Interrupted => {
                Failure::Refused(StatusCode::SERVICE_UNAVAILABLE, error.to_string().into())
            }
            RefundError::NotPaid(_)
            | RefundError::AlreadyPaid
            | RefundError::AlreadyInitiated
            | RefundError::Exceeds { .. }
            | RefundError::AvailableDiffers { .. }
            | RefundError::NotSupported(_)
            | RefundError::WindowOver { .. }
            | RefundError::ReceiptNotCancellable(_)
            | RefundError::State { .. }
            | RefundError::KeyReused => Failure::refused(error.to_string()),
        }
    }
}

impl From<AccountError> for Failure {
    fn from(error: AccountError) -> Failure {
        match error {
            AccountError::NotFound => Failure::NotFound,
            AccountError::Store(error) => Failure::Store(error),
            AccountError::Denied(denied) => Failure::Denied(denied),
            AccountError::Nameless | AccountError::SamePerson => {
                Failure::Refused(StatusCode::FORBIDDEN, error.to_string().into())
            }
            AccountError::Invalid(_) | AccountError::OtherMerchant | AccountError::NotVerified(_) => {
                Failure::invalid(error.to_string())
            }
            AccountError::Vault(VaultError::NoRandomness) => Failure::Internal("no random bytes"),
            AccountError::Stale
            | AccountError::KeyReused
            | AccountError::State(_)
            | AccountError::Vault(
                VaultError::NoKey
                | VaultError::Missing { .. }
                | VaultError::Wrong { .. }
                | VaultError::Altered { .. },
            ) => Failure::refused(error.to_string()),
        }
    }
}

impl From<SettleError> for Failure {
    fn from(error: SettleError) -> Failure {
        match error {
            SettleError::NotFound => Failure::NotFound,
            SettleError::Store(error) => Failure::Store(error),
            SettleError::BadSignature
            | SettleError::WrongTransaction
            | SettleError::Fenced
            | SettleError::Interrupted => Failure::refused(error.to_string()),
        }
    }
}

impl From<TokenError> for Failure {
    fn from(error: TokenError) -> Failure {
        match error {
            TokenError::Denied(denied) => Failure::Denied(denied),
            TokenError::Store(error) => Failure::Store(error),
            TokenError::NotFound => Failure::NotFound,
            TokenError::NoRandomness => Failure::Internal("no random bytes"),
            TokenError::OwnRefunds => Failure::Refused(StatusCode::FORBIDDEN, error.to_string().into()),
            TokenError::Invalid(_) | TokenError::OwnLife => Failure::invalid(error.to_string()),
            TokenError::AdminWithRefunds { .. }
            | TokenError::ProgramChecks
            | TokenError::LabelTaken
            | TokenError::UuidTaken
            | TokenError::NameTaken
            | TokenError::Before(_) => Failure::refused(error.to_string()),
        }
    }
}

impl From<askama::Error> for Failure {
    fn from(_: askama::Error) -> Failure {
        Failure::Internal("a page that cannot be written")
    }
}
