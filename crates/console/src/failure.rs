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
    /// The state that the form was based on has changed, or the act is impossible.
    Refused(StatusCode, Refusal),
    /// The database, or a bug of ours; the text is for the log.
    Store(StoreError),
    Internal(&'static str),
}

/// The reason for which nothing was done.
#[derive(Debug)]
pub(crate) enum Refusal {
    /// In the language of the page.
    Told(Cow<'static, str>),
    Case(CaseError),
    Refund(RefundError),
    Account(AccountError),
    Settle(SettleError),
    Token(TokenError),
    /// The computer's clock from the database's, by that many seconds.
    ClockDiffers(i64),
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

    /// `reason` is in the language of the page.
    pub(crate) fn refused(reason: impl Into<Cow<'static, str>>) -> Failure {
        Failure::Refused(StatusCode::CONFLICT, Refusal::Told(reason.into()))
    }

    /// `reason` is in the language of the page.
    pub(crate) fn invalid(reason: impl Into<Cow<'static, str>>) -> Failure {
        Failure::Refused(StatusCode::BAD_REQUEST, Refusal::Told(reason.into()))
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
            SessionError::Invalid(_) | SessionError::MovesMoney(_) => {
                Failure::Internal("a link that is issued by the command line alone")
            }
        }
    }
}

impl From<CaseError> for Failure {
    fn from(error: CaseError) -> Failure {
        let status = match error {
            CaseError::NotFound => return Failure::NotFound,
            CaseError::Store(error) => return Failure::Store(error),
            CaseError::NoText => StatusCode::BAD_REQUEST,
            CaseError::Stale | CaseError::Before(_) => StatusCode::CONFLICT,
        };
        Failure::Refused(status, Refusal::Case(error))
    }
}

impl From<RefundError> for Failure {
    fn from(error: RefundError) -> Failure {
        let status = match error {
            RefundError::NoPayment | RefundError::NotFound => return Failure::NotFound,
            RefundError::Store(error) => return Failure::Store(error),
            RefundError::ReasonRequired | RefundError::InvalidAmount { .. } => StatusCode::BAD_REQUEST,
            RefundError::SameUser | RefundError::NotTheMaker => StatusCode::FORBIDDEN,
            RefundError::GatewayUnavailable { .. } | RefundError::Interrupted => {
                StatusCode::SERVICE_UNAVAILABLE
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
            | RefundError::KeyReused => StatusCode::CONFLICT,
        };
        Failure::Refused(status, Refusal::Refund(error))
    }
}

impl From<AccountError> for Failure {
    fn from(error: AccountError) -> Failure {
        let status = match error {
            AccountError::NotFound => return Failure::NotFound,
            AccountError::Store(error) => return Failure::Store(error),
            AccountError::Denied(denied) => return Failure::Denied(denied),
            AccountError::Vault(VaultError::NoRandomness) => return Failure::Internal("no random bytes"),
            AccountError::Nameless | AccountError::SamePerson => StatusCode::FORBIDDEN,
            AccountError::Invalid(_) | AccountError::OtherMerchant | AccountError::NotVerified(_) => {
                StatusCode::BAD_REQUEST
            }
            AccountError::Stale
            | AccountError::KeyReused
            | AccountError::State(_)
            | AccountError::Vault(
                VaultError::NoKey
                | VaultError::Missing { .. }
                | VaultError::Wrong { .. }
                | VaultError::Altered { .. },
            ) => StatusCode::CONFLICT,
        };
        Failure::Refused(status, Refusal::Account(error))
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
            | SettleError::Interrupted => Failure::Refused(StatusCode::CONFLICT, Refusal::Settle(error)),
        }
    }
}

impl From<TokenError> for Failure {
    fn from(error: TokenError) -> Failure {
        let status = match error {
            TokenError::Denied(denied) => return Failure::Denied(denied),
            TokenError::Store(error) => return Failure::Store(error),
            TokenError::NotFound => return Failure::NotFound,
            TokenError::NoRandomness => return Failure::Internal("no random bytes"),
            TokenError::OwnRefunds => StatusCode::FORBIDDEN,
            TokenError::Invalid(_) | TokenError::OwnLife => StatusCode::BAD_REQUEST,
            TokenError::AdminWithRefunds { .. }
            | TokenError::ProgramChecks
            | TokenError::LabelTaken
            | TokenError::UuidTaken
            | TokenError::NameTaken
            | TokenError::Before(_) => StatusCode::CONFLICT,
        };
        Failure::Refused(status, Refusal::Token(error))
    }
}

impl From<askama::Error> for Failure {
    fn from(_: askama::Error) -> Failure {
        Failure::Internal("a page that cannot be written")
    }
}
