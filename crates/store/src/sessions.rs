//! Sessions of the console, and the one-time links by which they begin. The secrets of both are not stored.

use std::time::Duration;

use async_trait::async_trait;
use payment_domain::{AuditEntry, Grant, Personal, Timestamp};

use crate::StoreError;

/// A session without a request for so long is over.
pub const SESSION_IDLE: Duration = Duration::from_secs(30 * 60);
/// A session is over so long after its login.
pub const LONGEST_SESSION: Duration = Duration::from_secs(8 * 60 * 60);
/// The use of a session is noted again only after this time.
pub const SESSION_NOTED_EVERY: Duration = Duration::from_secs(60);
/// How long a session or link that is over is kept, for the list of sessions.
pub const SESSION_KEPT: Duration = Duration::from_secs(30 * 24 * 60 * 60);

#[async_trait]
pub trait Sessions: Send + Sync {
    async fn store_login_link(&self, new: NewLoginLink) -> Result<(), StoreError>;

    /// The link of this digest, while it can be used at this moment.
    async fn login_link(&self, digest: &[u8; 32], now: Timestamp) -> Result<Option<LoginLink>, StoreError>;

    /// Stores a session; the link or attempt that it begins by, where there is one, is used up in the same commit.
    /// Of two sessions by one link or attempt the second is refused. Forgets sessions and links that are over since
    /// [`SESSION_KEPT`].
    async fn begin_session(&self, new: NewSession) -> Result<SessionBegun, StoreError>;

    /// The session of this digest, whatever became of it.
    async fn session(&self, digest: &[u8; 32]) -> Result<Option<Session>, StoreError>;

    /// Notes that a session was used, unless it has ended or that was noted less than [`SESSION_NOTED_EVERY`]
    /// before.
    async fn note_session_use(&self, id: &str, at: Timestamp) -> Result<(), StoreError>;

    /// The sessions that are valid at this moment, newest first; of one holder, or of all.
    async fn valid_sessions(
        &self,
        uuid: Option<&str>,
        now: Timestamp,
        limit: u32,
    ) -> Result<Vec<Session>, StoreError>;

    /// Ends a session, of this holder where one is named; returns whether it was valid until now.
    async fn end_session(
        &self,
        id: &str,
        uuid: Option<&str>,
        ended: SessionEnd,
        audit: Vec<AuditEntry>,
    ) -> Result<bool, StoreError>;
}

/// The person that a session is of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SessionHolder {
    /// In lower case.
    pub uuid: String,
    pub name: Personal,
    /// Not empty.
    pub grants: Vec<Grant>,
}

#[derive(Debug, Clone, PartialEq)]
pub struct NewLoginLink {
    /// SHA-256 of the secret.
    pub digest: [u8; 32],
    pub holder: SessionHolder,
    pub issued_at: Timestamp,
    pub expires_at: Timestamp,
    pub audit: Vec<AuditEntry>,
}

/// A link that can be used.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LoginLink {
    pub holder: SessionHolder,
    pub expires_at: Timestamp,
}

#[derive(Debug, Clone, PartialEq)]
pub struct NewSession {
    /// Public: names the session in lists.
    pub id: String,
    /// SHA-256 of the secret in the cookie.
    pub digest: [u8; 32],
    /// The digest of the link that is used up.
    pub link: Option<[u8; 32]>,
    /// The digest of the attempt at a login provider.
    pub attempt: Option<[u8; 32]>,
    pub method: LoginMethod,
    pub holder: SessionHolder,
    /// The network address of the login.
    pub address: Option<String>,
    pub started_at: Timestamp,
    pub expires_at: Timestamp,
    /// Secrets of others that the session needs, encrypted under its own secret.
    pub sealed: Option<Vec<u8>>,
    pub audit: Vec<AuditEntry>,
}

/// How the holder of a session proved who they are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LoginMethod {
    /// By a one-time link.
    Link,
    /// At a login provider, by OpenID Connect.
    Provider,
    /// As an employee of DIGIT.
    Employee,
}

impl LoginMethod {
    pub const ALL: [LoginMethod; 3] = [LoginMethod::Link, LoginMethod::Provider, LoginMethod::Employee];

    /// The stored word.
    pub fn as_str(self) -> &'static str {
        match self {
            LoginMethod::Link => "link",
            LoginMethod::Provider => "provider",
            LoginMethod::Employee => "employee",
        }
    }

    pub fn from_word(word: &str) -> Option<LoginMethod> {
        LoginMethod::ALL.into_iter().find(|method| method.as_str() == word)
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SessionBegun {
    Stored,
    /// The link is unknown, expired or used, or the attempt is used; nothing was stored.
    Spent,
}

/// A stored session, without its digest.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Session {
    pub id: String,
    pub method: LoginMethod,
    pub holder: SessionHolder,
    pub address: Option<String>,
    pub started_at: Timestamp,
    /// Up to [`SESSION_NOTED_EVERY`] late.
    pub used_at: Timestamp,
    pub expires_at: Timestamp,
    /// As of [`NewSession::sealed`], until the session is ended.
    pub sealed: Option<Vec<u8>>,
    pub ended: Option<SessionEnd>,
}

impl Session {
    /// Whether it proves its holder at this moment.
    pub fn is_valid(&self, now: Timestamp) -> bool {
        self.ended.is_none() && now < self.expires_at && now.since(self.used_at) < SESSION_IDLE
    }
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SessionEnd {
    pub at: Timestamp,
    /// The uuid of the one who ended it.
    pub by: String,
}
