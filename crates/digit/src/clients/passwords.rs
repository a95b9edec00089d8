//! Access tokens for names and passwords, by egov-user: `POST user/oauth/token`, like DIGIT's own pages. The password
//! goes into that call alone.

use async_trait::async_trait;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use secrecy::{ExposeSecret, SecretString};

use super::Client;
use super::http::{Endpoint, InvalidAddress, Nature, OwnError};
use super::json;
use super::tokens::LONGEST_TOKEN;
use crate::{Credentials, DigitError, Passwords};

const SERVICE: &str = "egov-user";
/// OAuth's refusals have no error body of DIGIT's.
const REFUSED: OwnError = OwnError {
    code: "INVALID_CREDENTIALS",
    message: "The user service does not accept the user name and password",
};
/// The longest name and password of a call, in bytes.
const LONGEST: usize = 1_024;

#[derive(Debug, Clone)]
pub struct PasswordConfig {
    /// `egov.userservice.host`.
    pub host: String,
    pub path: String,
    /// Of this service at egov-user.
    pub client_id: String,
    pub client_secret: SecretString,
}

/// egov-user as the service of passwords.
#[derive(Debug)]
pub struct PasswordService {
    login: Endpoint,
    client_id: String,
    client_secret: SecretString,
}

impl PasswordService {
    /// The service at that address.
    ///
    /// # Errors
    /// [`InvalidAddress`].
    pub fn new(config: &PasswordConfig, client: &Client) -> Result<PasswordService, InvalidAddress> {
        let address = (config.host.as_str(), config.path.as_str());
        Ok(PasswordService {
            login: Endpoint::new(client, SERVICE, address, Nature::Acts, REFUSED)?,
            client_id: config.client_id.clone(),
            client_secret: config.client_secret.clone(),
        })
    }
}

#[async_trait]
impl Passwords for PasswordService {
    async fn log_in(&self, credentials: &Credentials<'_>) -> Result<Option<SecretString>, DigitError> {
        let (user_name, password) = (credentials.user_name, credentials.password.expose_secret());
        if !(1..=LONGEST).contains(&user_name.len()) || !(1..=LONGEST).contains(&password.len()) {
            return Ok(None);
        }
        let client = format!("{}:{}", self.client_id, self.client_secret.expose_secret());
        let headers = vec![("authorization".to_owned(), format!("Basic {}", STANDARD.encode(client)))];
        let fields = [
            ("grant_type", "password"),
            ("scope", "read"),
            ("username", user_name),
            ("password", password),
            ("tenantId", credentials.tenant.as_str()),
            ("userType", "EMPLOYEE"),
        ];
        let fields = fields.map(|(name, value)| (name.to_owned(), value.to_owned())).into();
        match self.login.post_form(headers, fields, read).await {
            Ok(token) => Ok(Some(token)),
            Err(DigitError::Refused { .. } | DigitError::Incomplete { .. }) => Ok(None),
            Err(error @ (DigitError::NotSent { .. } | DigitError::Unanswered { .. })) => Err(error),
        }
    }
}

fn read(answer: &[u8]) -> Option<SecretString> {
    let answer = json::object(answer)?;
    let token = answer.get("access_token")?.as_str()?;
    let fits =
        (1..=LONGEST_TOKEN).contains(&token.len()) && token.bytes().all(|byte| byte.is_ascii_graphic());
    fits.then(|| SecretString::from(token))
}
