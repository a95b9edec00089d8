//! Employees of DIGIT, known by their access token at egov-user.

use std::sync::Arc;

use payment_digit::{Credentials, DigitError, Passwords, Tokens};
use payment_domain::{Grant, Personal, RequestInfo, UserInfo};
use payment_store::SessionHolder;
use secrecy::{ExposeSecret, SecretString};

use crate::roles::RoleCodes;

const EMPLOYEE: &str = "EMPLOYEE";
/// The role codes that are told to a person without a role here.
const MOST_TOLD: usize = 50;

/// The logins of DIGIT's employees.
#[derive(Clone)]
pub struct Employees {
    tokens: Arc<dyn Tokens>,
    passwords: Arc<dyn Passwords>,
    roles: RoleCodes,
}

/// An employee with at least one role, and the token that proves them.
#[derive(Debug, Clone)]
pub struct Employee {
    pub holder: SessionHolder,
    pub token: SecretString,
}

#[derive(Debug, thiserror::Error)]
pub enum EmployeeError {
    /// Wrong name, password, tenant or token; or no employee.
    #[error("DIGIT's user service knows no such employee")]
    Unknown,
    #[error("the employee holds no role here")]
    NoRole {
        uuid: String,
        /// The codes of the DIGIT roles that they hold, each with its tenant.
        codes: Vec<String>,
    },
    #[error(transparent)]
    Unavailable(#[from] DigitError),
}

impl Employees {
    /// `tokens` must not answer from a memory older than a minute: a session lasts as long as its token.
    pub fn new(tokens: Arc<dyn Tokens>, passwords: Arc<dyn Passwords>, roles: RoleCodes) -> Employees {
        Employees { tokens, passwords, roles }
    }

    /// The employee of a user name and password, which is not kept.
    ///
    /// # Errors
    /// [`EmployeeError`].
    pub async fn by_password(&self, credentials: &Credentials<'_>) -> Result<Employee, EmployeeError> {
        let token = self.passwords.log_in(credentials).await?.ok_or(EmployeeError::Unknown)?;
        self.by_token(token).await
    }

    /// The employee of an access token.
    ///
    /// # Errors
    /// [`EmployeeError`].
    pub async fn by_token(&self, token: SecretString) -> Result<Employee, EmployeeError> {
        let user = self.tokens.user_of(token.expose_secret()).await?.ok_or(EmployeeError::Unknown)?;
        let (info, uuid) = employee(&user).ok_or(EmployeeError::Unknown)?;
        let grants = self.roles.rights(&info).grants;
        if grants.is_empty() {
            let told = info.roles().take(MOST_TOLD);
            let codes = told.map(|(code, tenant)| match tenant {
                Some(tenant) => format!("{code} {tenant}"),
                None => code.to_owned(),
            });
            return Err(EmployeeError::NoRole { uuid, codes: codes.collect() });
        }
        let name = info.user("name").or_else(|| info.user("userName"));
        let name = Personal::new(name.map_or_else(|| uuid.clone(), |name| name.into_owned()));
        Ok(Employee { holder: SessionHolder { uuid, name, grants }, token })
    }

    /// The grants that the user of a token has now; none when they are not this employee any more.
    ///
    /// # Errors
    /// [`DigitError`] when the user service could not be asked.
    pub(crate) async fn grants_of(&self, token: &SecretString, uuid: &str) -> Result<Vec<Grant>, DigitError> {
        let user = self.tokens.user_of(token.expose_secret()).await?;
        let known = user.as_ref().and_then(employee).filter(|(_, known)| known == uuid);
        Ok(known.map(|(info, _)| self.roles.rights(&info).grants).unwrap_or_default())
    }
}

/// The `RequestInfo` and the uuid of a user who is an employee.
fn employee(user: &UserInfo) -> Option<(RequestInfo, String)> {
    let info = RequestInfo::default().with_user(user);
    let is_employee = info.user("type").is_some_and(|kind| kind.trim().eq_ignore_ascii_case(EMPLOYEE));
    let uuid = info.user("uuid").map(|uuid| uuid.trim().to_lowercase()).filter(|uuid| !uuid.is_empty())?;
    is_employee.then_some((info, uuid))
}
