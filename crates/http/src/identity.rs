//! Who a caller is: what of a request's `RequestInfo` is believed, and on whose word.

#[cfg(test)]
mod tests;

use std::sync::Arc;

use http::{HeaderMap, HeaderName};
use payment_digit::Tokens;
use payment_domain::RequestInfo;
use payment_service::Identity;
use secrecy::{ExposeSecret, SecretString};

use crate::secret::is_same;

const QUESTIONS: &str = "identity_questions_total";

/// How callers prove who they are.
#[derive(Clone)]
pub enum IdentityProof {
    /// By the `authToken` of the request, about which the user service is asked.
    Token(Arc<dyn Tokens>),
    /// By a header that the API gateway adds where it has set `userInfo` itself.
    Header {
        /// The name of the header.
        name: HeaderName,
        /// What it must hold.
        secret: SecretString,
    },
    /// Not at all: `userInfo` is taken at its word.
    Believed,
}

impl IdentityProof {
    /// Proof by the tokens of the user service.
    pub fn token(tokens: Arc<dyn Tokens>) -> IdentityProof {
        metrics::describe_counter!(QUESTIONS, "Access tokens that were looked up, by what came of it");
        IdentityProof::Token(tokens)
    }

    /// Who has sent a request. Never fails: a caller whose proof is missing, wrong or cannot be checked is
    /// one without proof.
    pub(crate) async fn identify(&self, info: &RequestInfo, headers: &HeaderMap) -> Identity {
        match self {
            IdentityProof::Token(tokens) => by_token(tokens.as_ref(), info).await,
            IdentityProof::Header { name, secret } => {
                let secret = secret.expose_secret().as_bytes();
                // The API gateway may have added its own beside one that the client has sent.
                match headers.get_all(name).iter().any(|value| is_same(value.as_bytes(), secret)) {
                    true => Identity::vouched(info.clone()),
                    false => Identity::unproven(info),
                }
            }
            IdentityProof::Believed => Identity::vouched(info.clone()),
        }
    }
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
