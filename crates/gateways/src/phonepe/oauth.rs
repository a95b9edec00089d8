//! The access token of Standard Checkout: kept, renewed at half its life, fetched by one caller at a
//! time.
//!
//! Past half its life a token still works: one caller renews it while the others go on with it.
//! Without a usable token all callers wait for one fetch and share its result, so that a gateway in
//! trouble is not called once per waiting payment.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use payment_domain::{Clock, Timestamp};
use tokio::sync::Mutex;

use super::account::Checkout;
use super::wire;
use crate::client::{CallError, Client, Reply};
use crate::json::Object;

/// The longest token.
const MAX_TOKEN_BYTES: usize = 8192;
/// A longer life counts as this one.
const MAX_LIFE: Duration = Duration::from_secs(24 * 60 * 60);
/// After a renewal that failed, the old token is used for this long before the next is tried.
const RENEWAL_PAUSE: Duration = Duration::from_secs(30);

/// A token and when it was received.
pub struct Token {
    authorization: String,
    received_at: Timestamp,
    life: Duration,
}

impl Token {
    /// The value of the `Authorization` header. A secret.
    pub fn authorization(&self) -> &str {
        &self.authorization
    }

    fn is_fresh(&self, now: Timestamp) -> bool {
        now >= self.received_at && now.since(self.received_at) < self.life / 2
    }

    fn is_usable(&self, now: Timestamp) -> bool {
        now >= self.received_at && now.since(self.received_at) < self.life
    }
}

impl std::fmt::Debug for Token {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Token").field("life", &self.life).finish_non_exhaustive()
    }
}

/// The reason there is no token. The call that needed it was not sent.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TokenError {
    /// The token service could not be reached, or did not answer with a token.
    #[error("no access token: {0}")]
    Unavailable(String),
    /// The token service was not called for a fault on our side.
    #[error("no access token: {0}")]
    LocalFault(String),
    /// The token service refuses the credentials.
    #[error("the client id or secret was refused: HTTP status {0}")]
    Denied(u16),
}

pub struct Tokens {
    clock: Arc<dyn Clock>,
    current: RwLock<Option<Arc<Token>>>,
    /// Number of finished fetches.
    ended: AtomicU64,
    /// Held during a fetch. The failure of the last fetch, and its moment.
    fetching: Mutex<Option<(Timestamp, TokenError)>>,
}

impl Tokens {
    /// Tokens by this clock; none yet.
    pub fn new(clock: Arc<dyn Clock>) -> Tokens {
        Tokens { clock, current: RwLock::default(), ended: AtomicU64::new(0), fetching: Mutex::default() }
    }

    /// A token that can be used now.
    ///
    /// # Errors
    /// A [`TokenError`], when there is none and none could be fetched.
    pub async fn get(&self, client: &Client, account: &Checkout) -> Result<Arc<Token>, TokenError> {
        let now = self.clock.now();
        match self.current() {
            Some(token) if token.is_fresh(now) => Ok(token),
            Some(token) if token.is_usable(now) => Ok(self.renew(token, client, account).await),
            Some(_) | None => self.fetch_in_turn(client, account).await,
        }
    }

    /// Notes that a token was not accepted, so that the next caller fetches another one. A token
    /// that was replaced in the meantime changes nothing.
    pub fn reject(&self, rejected: &Arc<Token>) {
        let mut current = self.current.write().unwrap_or_else(PoisonError::into_inner);
        if current.as_ref().is_some_and(|token| Arc::ptr_eq(token, rejected)) {
            *current = None;
        }
    }

    fn current(&self) -> Option<Arc<Token>> {
        self.current.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// A newer token, or the old one while another caller renews it or that fails.
    async fn renew(&self, old: Arc<Token>, client: &Client, account: &Checkout) -> Arc<Token> {
        let Ok(mut last_failure) = self.fetching.try_lock() else { return old };
        let now = self.clock.now();
        if let Some(renewed) = self.current().filter(|token| token.is_fresh(now)) {
            return renewed;
        }
        let failed_lately = |(at, _): &(Timestamp, TokenError)| now.since(*at) < RENEWAL_PAUSE;
        if last_failure.as_ref().is_some_and(failed_lately) {
            return old;
        }
        match self.fetch(client, account, &mut last_failure).await {
            Ok(token) => token,
            Err(error) => {
                tracing::warn!(gateway = "PHONEPE", %error, "the access token was not renewed, the old one is used");
                old
            }
        }
    }

    async fn fetch_in_turn(&self, client: &Client, account: &Checkout) -> Result<Arc<Token>, TokenError> {
        let ended_before = self.ended.load(Ordering::SeqCst);
        let mut last_failure = self.fetching.lock().await;
        let now = self.clock.now();
        if let Some(token) = self.current().filter(|token| token.is_usable(now)) {
            return Ok(token);
        }
        match &*last_failure {
            Some((_, error)) if self.ended.load(Ordering::SeqCst) != ended_before => Err(error.clone()),
            Some(_) | None => self.fetch(client, account, &mut last_failure).await,
        }
    }

    async fn fetch(
        &self,
        client: &Client,
        account: &Checkout,
        last_failure: &mut Option<(Timestamp, TokenError)>,
    ) -> Result<Arc<Token>, TokenError> {
        let reply = client.send(&wire::token_call(account)).await;
        let received_at = self.clock.now();
        let token = match reply {
            Ok(reply) => read(&reply, received_at).map(Arc::new),
            Err(error @ CallError::LocalFault(_)) => Err(TokenError::LocalFault(error.to_string())),
            Err(error) => Err(TokenError::Unavailable(error.to_string())),
        };
        if let Ok(token) = &token {
            *self.current.write().unwrap_or_else(PoisonError::into_inner) = Some(token.clone());
        }
        *last_failure = token.as_ref().err().map(|error| (received_at, error.clone()));
        self.ended.fetch_add(1, Ordering::SeqCst);
        token
    }
}

/// The token in an answer. Its life is the difference of the two times in the answer, so that their clock and
/// ours need not agree.
fn read(reply: &Reply, received_at: Timestamp) -> Result<Token, TokenError> {
    match reply.status {
        200..=299 => {}
        400 | 401 | 403 => return Err(TokenError::Denied(reply.status)),
        status => return Err(TokenError::Unavailable(format!("HTTP status {status}"))),
    }
    let no = |what: &str| TokenError::Unavailable(what.to_owned());
    let answer = Object::parse(&reply.body).ok_or_else(|| no("not a JSON object"))?;
    let kind = answer.text("token_type").unwrap_or_else(|| "O-Bearer".to_owned());
    let token = answer.text("access_token").ok_or_else(|| no("no access_token"))?;
    let authorization = format!("{kind} {token}");
    if authorization.len() > MAX_TOKEN_BYTES
        || !authorization.bytes().all(|byte| (b' '..=b'~').contains(&byte))
    {
        return Err(no("not a usable access_token"));
    }
    let seconds = |name: &str| answer.text(name).and_then(|text| text.parse::<i64>().ok());
    let expires_at = seconds("expires_at").ok_or_else(|| no("no expires_at"))?;
    let issued_at = seconds("issued_at").unwrap_or(received_at.as_millis() / 1000);
    let life_s = u64::try_from(expires_at.saturating_sub(issued_at)).unwrap_or(0);
    Ok(Token { authorization, received_at, life: Duration::from_secs(life_s).min(MAX_LIFE) })
}
