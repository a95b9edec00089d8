//! The identity of callers: which claims of a `RequestInfo` are proven.

#[cfg(test)]
mod tests;

use std::sync::Arc;

use http::{HeaderMap, HeaderName};
use payment_digit::Tokens;
use payment_domain::RequestInfo;
use payment_service::Identity;
use secrecy::{ExposeSecret, SecretString};

use crate::secret::is_same;

/// DIGIT's name of `RequestInfo.correlationId` as a header.
const CORRELATION_ID: HeaderName = HeaderName::from_static("x-correlation-id");
const MAX_CORRELATION_ID: usize = 256;
const QUESTIONS: &str = "identity_questions_total";

/// The proof of a caller's identity.
#[derive(Clone)]
pub enum IdentityProof {
    /// The `authToken` of the request, looked up at the user service.
    Token(Arc<dyn Tokens>),
    /// A header that the API gateway adds to requests whose `userInfo` it has set itself.
    Header {
        name: HeaderName,
        /// The required value.
        secret: SecretString,
    },
    /// None: `userInfo` is believed.
    Believed,
}

impl IdentityProof {
    pub fn token(tokens: Arc<dyn Tokens>) -> IdentityProof {
        metrics::describe_counter!(QUESTIONS, "Access tokens that were looked up, by what came of it");
        IdentityProof::Token(tokens)
    }

    /// The identity of the caller; unproven when the proof is missing, wrong or cannot be checked.
    pub(crate) async fn identify(&self, info: &RequestInfo, headers: &HeaderMap) -> Identity {
        let correlated = correlation_id(headers).map(|id| info.with_correlation_id(id));
        let info = correlated.as_ref().unwrap_or(info);
        match self {
            IdentityProof::Token(tokens) => by_token(tokens.as_ref(), info).await,
            IdentityProof::Header { name, secret } => {
                let secret = secret.expose_secret().as_bytes();
                // The client may have sent one of its own, beside which the API gateway adds the real one.
                match headers.get_all(name).iter().any(|value| is_same(value.as_bytes(), secret)) {
                    true => Identity::vouched(info.clone()),
                    false => Identity::unproven(info),
                }
            }
            IdentityProof::Believed => Identity::vouched(info.clone()),
        }
    }
}

/// The correlation id of a request, for those without one in their body.
fn correlation_id(headers: &HeaderMap) -> Option<&str> {
    let id = headers.get(CORRELATION_ID)?.to_str().ok()?;
    (1..=MAX_CORRELATION_ID).contains(&id.len()).then_some(id)
}

async fn by_token(tokens: &dyn Tokens, info: &RequestInfo) -> Identity {
    let Some(token) = info.text("authToken") else { return Identity::unproven(info) };
    let (identity, outcome) = match tokens.user_of(&token).await {
        Ok(Some(user)) => (Identity::proven(info, &user), "known"),
        Ok(None) => (Identity::unproven(info), "unknown"),
        Err(error) => {
            tracing::warn!(%error, "a caller is taken for one without proof, because the token cannot be checked");
            (Identity::unverifiable(info), "unanswered")
        }
    };
    metrics::counter!(QUESTIONS, "outcome" => outcome).increment(1);
    identity
}
