//! The reasons for which a login is refused.

use http::StatusCode;
use payment_oidc::{Flaw, OidcError};

use crate::language::{Texts, fill};

#[derive(Debug)]
pub(crate) enum LoginFailure {
    /// The browser did not begin this login, or not lately, or has completed it.
    Attempt,
    /// The provider has not logged them in; its word for why.
    Declined(String),
    /// Its answer proves nothing.
    Flaw(Flaw),
    /// It does not accept its own code.
    Code,
    ProviderUnavailable(String),
    /// Wrong user name, password, tenant or token.
    Employee,
    DigitUnavailable,
    /// They are who they say, and hold no role here.
    NoRole {
        name: String,
        /// The name of the claim, or of DIGIT's roles.
        source: String,
        values: Vec<String>,
    },
}

impl LoginFailure {
    pub(crate) fn status(&self) -> StatusCode {
        match self {
            LoginFailure::Attempt => StatusCode::GONE,
            LoginFailure::Declined(_)
            | LoginFailure::Flaw(_)
            | LoginFailure::Code
            | LoginFailure::Employee
            | LoginFailure::NoRole { .. } => StatusCode::FORBIDDEN,
            LoginFailure::ProviderUnavailable(_) | LoginFailure::DigitUnavailable => {
                StatusCode::SERVICE_UNAVAILABLE
            }
        }
    }

    /// Of the provider called `name`.
    pub(crate) fn of(error: &OidcError, name: &str) -> LoginFailure {
        match error {
            OidcError::Unavailable(_) | OidcError::Setting(_) => {
                LoginFailure::ProviderUnavailable(name.to_owned())
            }
            OidcError::Refused(_) => LoginFailure::Code,
            OidcError::Invalid { flaw, .. } => LoginFailure::Flaw(*flaw),
        }
    }

    /// In fixed words, for the audit log; `None` where no login was refused.
    pub(crate) fn word(&self) -> Option<&'static str> {
        match self {
            LoginFailure::Attempt => Some("attempt"),
            LoginFailure::Declined(_) => Some("declined"),
            LoginFailure::Flaw(flaw) => Some(flaw.as_str()),
            LoginFailure::Code => Some("code"),
            LoginFailure::Employee => Some("credentials"),
            LoginFailure::NoRole { .. } => Some("no role"),
            LoginFailure::ProviderUnavailable(_) | LoginFailure::DigitUnavailable => None,
        }
    }

    /// Title, reason and advice.
    pub(crate) fn told(&self, t: &'static Texts) -> (&'static str, String, &'static str) {
        match self {
            LoginFailure::Attempt => {
                (t.logins.not_logged_in, t.logins.attempt_reason.to_owned(), t.logins.attempt_advice)
            }
            LoginFailure::Declined(word) => (
                t.logins.not_logged_in,
                fill(t.logins.declined_reason, [word.as_str()]),
                t.logins.attempt_advice,
            ),
            LoginFailure::Flaw(flaw) => (
                t.logins.not_logged_in,
                fill(t.logins.flaw_reason, [flaw_told(t, *flaw)]),
                t.failures.failed_advice,
            ),
            LoginFailure::Code => {
                (t.logins.not_logged_in, t.logins.code_reason.to_owned(), t.logins.attempt_advice)
            }
            LoginFailure::Employee => {
                (t.logins.not_logged_in, t.logins.employee_reason.to_owned(), t.logins.employee_advice)
            }
            LoginFailure::ProviderUnavailable(name) => (
                t.logins.no_answer,
                fill(t.logins.no_answer_reason, [name.as_str()]),
                t.logins.no_answer_advice,
            ),
            LoginFailure::DigitUnavailable => (
                t.logins.no_answer,
                fill(t.logins.no_answer_reason, ["egov-user"]),
                t.logins.no_answer_advice,
            ),
            LoginFailure::NoRole { name, source, values } => {
                let values = if values.is_empty() { t.words.none.to_owned() } else { values.join(", ") };
                (
                    t.logins.no_role,
                    fill(t.logins.no_role_reason, [name.as_str(), source.as_str(), &values]),
                    t.logins.no_role_advice,
                )
            }
        }
    }
}

fn flaw_told(t: &Texts, flaw: Flaw) -> &'static str {
    match flaw {
        Flaw::Issuer => t.logins.flaw_issuer,
        Flaw::Audience => t.logins.flaw_audience,
        Flaw::Expired => t.logins.flaw_expired,
        Flaw::Issued => t.logins.flaw_issued,
        Flaw::Nonce => t.logins.flaw_nonce,
        Flaw::Signature => t.logins.flaw_signature,
        Flaw::Unreadable => t.logins.flaw_unreadable,
    }
}
