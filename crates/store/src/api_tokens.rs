//! Personal API tokens: of a named person or program, scoped by grants, expiring, revocable. Their secrets
//! are not stored.

use std::time::Duration;

use async_trait::async_trait;
use payment_domain::{AuditEntry, Grant, Personal, Timestamp};

use crate::{StoreError, TenantScope};

/// The use of a token is noted again only after this time.
pub const USE_NOTED_EVERY: Duration = Duration::from_secs(60 * 60);

#[async_trait]
pub trait ApiTokens: Send + Sync {
    /// Stores a token, and its holder with the first one. A holder has one uuid, and a uuid one holder: so
    /// that two tokens of one person never look like two people.
    async fn issue_api_token(&self, new: NewApiToken) -> Result<Issued, StoreError>;

    /// The token of this digest, active or not.
    async fn api_token(&self, digest: &[u8; 32]) -> Result<Option<ApiToken>, StoreError>;

    /// The tokens that match, newest first.
    async fn api_tokens(&self, query: &ApiTokenQuery) -> Result<Vec<ApiToken>, StoreError>;

    /// Notes that a token was used, unless that was noted less than [`USE_NOTED_EVERY`] before.
    async fn note_api_token_use(&self, id: &str, at: Timestamp) -> Result<(), StoreError>;

    /// Revokes a token among those that `reach` includes.
    async fn revoke_api_token(
        &self,
        id: &str,
        reach: &TokenReach,
        revocation: Revocation,
        audit: Vec<AuditEntry>,
    ) -> Result<Revoked, StoreError>;
}

/// The person or program that a token is for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TokenHolder {
    /// In lower case. For a person with a DIGIT account, its uuid.
    pub uuid: String,
    pub name: Personal,
    pub kind: HolderKind,
}

impl TokenHolder {
    /// The name by which holders are distinguished: in lower case, with single spaces.
    pub fn name_key(&self) -> String {
        self.name.expose().split_whitespace().collect::<Vec<_>>().join(" ").to_lowercase()
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum HolderKind {
    Person,
    Program,
}

impl HolderKind {
    /// The stored word.
    pub fn as_str(self) -> &'static str {
        match self {
            HolderKind::Person => "PERSON",
            HolderKind::Program => "PROGRAM",
        }
    }

    pub fn from_word(word: &str) -> Option<HolderKind> {
        [HolderKind::Person, HolderKind::Program].into_iter().find(|kind| kind.as_str() == word)
    }
}

#[derive(Debug, Clone, PartialEq)]
pub struct NewApiToken {
    /// The beginning of the secret, by which people recognise the token.
    pub id: String,
    /// SHA-256 of the secret.
    pub digest: [u8; 32],
    /// Its purpose.
    pub label: String,
    pub holder: TokenHolder,
    /// Not empty.
    pub grants: Vec<Grant>,
    pub issued_at: Timestamp,
    pub issued_by: String,
    pub expires_at: Timestamp,
    pub audit: Vec<AuditEntry>,
}

/// A stored token, without its digest.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ApiToken {
    pub id: String,
    pub label: String,
    pub holder: TokenHolder,
    /// Sorted by tenant, then by role.
    pub grants: Vec<Grant>,
    pub issued_at: Timestamp,
    pub issued_by: String,
    pub expires_at: Timestamp,
    /// Up to [`USE_NOTED_EVERY`] late.
    pub last_used_at: Option<Timestamp>,
    pub revocation: Option<Revocation>,
}

impl ApiToken {
    /// Whether it proves its holder at this moment.
    pub fn is_valid(&self, now: Timestamp) -> bool {
        self.revocation.is_none() && now < self.expires_at
    }
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Revocation {
    pub at: Timestamp,
    pub by: String,
}

/// The tokens that a caller may see and revoke.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TokenReach {
    /// Of the command line, which has the database.
    All,
    /// The tokens of this holder.
    Of { uuid: String },
    /// The tokens whose every grant is at one of these tenants or below, and those of the caller.
    Within { scopes: Vec<TenantScope>, own_uuid: String },
}

/// Conditions that must all hold.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ApiTokenQuery {
    pub reach: TokenReach,
    /// Only those that are valid at this moment.
    pub valid_at: Option<Timestamp>,
    pub limit: u32,
}

/// The outcome of issuing a token.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Issued {
    Now,
    /// The uuid belongs to a holder of another name or kind; nothing was stored.
    UuidTaken,
    /// The holder of this name has another uuid; nothing was stored.
    NameTaken,
}

/// The outcome of revoking a token.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Revoked {
    Now,
    /// It was revoked before; nothing was stored.
    Before(Revocation),
    /// No such token within reach.
    NotFound,
}
