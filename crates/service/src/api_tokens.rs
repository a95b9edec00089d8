//! Personal API tokens: issued by whoever has the database or holds PG_ADMIN, presented by people and programs.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use payment_domain::{
    AuditAction, AuditActor, AuditEntry, Clock, Grant, Personal, RequestInfo, Role, TenantId, Timestamp,
};
use payment_store::{
    ApiToken, ApiTokenQuery, HolderKind, Issued, NewApiToken, Revocation, Revoked, Store, StoreError,
    TokenHolder, TokenReach, USE_NOTED_EVERY,
};
use secrecy::SecretString;
use serde_json::{Map, Value, json};
use sha2::{Digest, Sha256};

use crate::identity::{Identity, NamedHolder};
use crate::roles::{Denied, grant_json};

/// The beginning of every token.
pub const TOKEN_PREFIX: &str = "pgs_";
/// The beginning of a token that people see, its id, in characters.
const ID_CHARS: usize = 12;
const SECRET_BYTES: usize = 32;
const DAY: Duration = Duration::from_secs(24 * 60 * 60);
/// The longest life of a token.
pub const LONGEST_TOKEN_LIFE: Duration = Duration::from_secs(366 * 24 * 60 * 60);
/// The longest life of a token that its holder issues.
pub const LONGEST_OWN_TOKEN_LIFE: Duration = Duration::from_secs(90 * 24 * 60 * 60);
const MOST_GRANTS: usize = 50;
/// The tokens that a list shows at most.
const MOST_LISTED: u32 = 500;

#[derive(Clone)]
pub struct PersonalTokens {
    store: Arc<dyn Store>,
    clock: Arc<dyn Clock>,
}

/// The party that issues or revokes a token.
#[derive(Debug, Clone)]
pub enum TokenIssuer {
    /// Within the tenants at which they hold PG_ADMIN; for themselves with roles of their own.
    Caller { identity: Identity, address: Option<IpAddr> },
    /// The command line of a machine that has the database.
    CommandLine { user: Personal },
}

/// A token as it is wanted.
#[derive(Debug, Clone)]
pub struct TokenWish {
    pub label: String,
    pub holder: TokenHolder,
    pub grants: Vec<Grant>,
    pub life: Duration,
}

/// A new token; its secret is not shown again.
#[derive(Debug, Clone)]
pub struct IssuedToken {
    pub secret: SecretString,
    pub token: ApiToken,
}

/// The reason why a token was not issued or revoked.
#[derive(Debug, thiserror::Error)]
pub enum TokenError {
    #[error(transparent)]
    Denied(#[from] Denied),
    #[error(transparent)]
    Invalid(TokenFlaw),
    /// An admin may not make or check refunds by a token of their own.
    #[error("a token that makes or checks refunds is issued by another person than its holder")]
    OwnRefunds,
    #[error("a token for oneself lives for 90 days at most")]
    OwnLife,
    #[error("a valid token of this holder has this label")]
    LabelTaken,
    #[error("{tenant}: the holder would have PG_ADMIN and make or check refunds; one person has one of them")]
    AdminWithRefunds { tenant: TenantId },
    #[error("a program checks no refunds: PG_REFUND_CHECKER is for people")]
    ProgramChecks,
    #[error("this uuid belongs to a holder of another name or kind")]
    UuidTaken,
    #[error("the holder of this name has another uuid; two people of one name are told apart by it")]
    NameTaken,
    #[error("there is no such token")]
    NotFound,
    #[error("the token was revoked before, by {}", .0.by)]
    Before(Revocation),
    /// The system yields no random bytes.
    #[error("no secret can be made")]
    NoRandomness,
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// A token that cannot be issued as it is wanted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum TokenFlaw {
    #[error("the label has 1 to 100 characters, none of them a control character")]
    Label,
    #[error("the holder's name has 1 to 200 characters, no control characters")]
    HolderName,
    #[error("the holder's uuid has 1 to 128 characters, no control characters")]
    HolderUuid,
    #[error("a token has 1 to 50 grants, each as ROLE@TENANT")]
    Grants,
    #[error("a token lives for 1 to 366 days")]
    Life,
}

impl PersonalTokens {
    pub fn new(store: Arc<dyn Store>, clock: Arc<dyn Clock>) -> PersonalTokens {
        PersonalTokens { store, clock }
    }

    /// The moment by which tokens are judged.
    pub fn now(&self) -> Timestamp {
        self.clock.now()
    }

    /// Issues a token. Its holder has one uuid over all their tokens, which is that of their DIGIT account where
    /// they have one: two uuids would count as two people.
    ///
    /// # Errors
    /// [`TokenError`].
    pub async fn issue(&self, issuer: &TokenIssuer, wish: TokenWish) -> Result<IssuedToken, TokenError> {
        let TokenWish { label, holder, grants, life } = checked(wish)?;
        let (actor, by) = may_issue(issuer, &holder, &grants, life)?;
        let now = self.clock.now();
        self.check_separation(&holder, &grants, now).await?;
        let mut random = [0; SECRET_BYTES];
        getrandom::fill(&mut random).map_err(|_| TokenError::NoRandomness)?;
        let secret = format!("{TOKEN_PREFIX}{}", URL_SAFE_NO_PAD.encode(random));
        let id: String = secret.chars().take(ID_CHARS).collect();
        let expires_at = now.plus(life);
        let listed: Vec<Value> = grants.iter().map(grant_json).collect();
        let details = json!({
            "holder": holder.uuid, "kind": holder.kind.as_str(), "grants": listed,
            "expires": expires_at.as_millis(),
        });
        let mut entry = entry(now, actor, AuditAction::TokenIssued, &id, details);
        entry.tenant = only_tenant(&grants);
        let new = NewApiToken {
            id: id.clone(),
            digest: Sha256::digest(&secret).into(),
            label: label.clone(),
            holder: holder.clone(),
            grants: grants.clone(),
            issued_at: now,
            issued_by: by.clone(),
            expires_at,
            audit: vec![entry],
        };
        match self.store.issue_api_token(new).await? {
            Issued::Now => {}
            Issued::UuidTaken => return Err(TokenError::UuidTaken),
            Issued::NameTaken => return Err(TokenError::NameTaken),
        }
        let token = ApiToken {
            id,
            label,
            holder,
            grants,
            issued_at: now,
            issued_by: by,
            expires_at,
            last_used_at: None,
            revocation: None,
        };
        Ok(IssuedToken { secret: secret.into(), token })
    }

    /// Issues a token for the caller, with a role that they hold, other than making and checking refunds. Of one label
    /// they have one that is valid: a form that is sent twice issues one.
    ///
    /// # Errors
    /// [`TokenError`].
    pub async fn issue_own(&self, caller: &TokenIssuer, wish: TokenWish) -> Result<IssuedToken, TokenError> {
        let reach = TokenReach::Of { uuid: wish.holder.uuid.clone() };
        let query = ApiTokenQuery { reach, valid_at: None, limit: MOST_LISTED };
        let (own, now) = (self.store.api_tokens(&query).await?, self.clock.now());
        if own.iter().any(|token| token.is_valid(now) && token.label == wish.label.trim()) {
            return Err(TokenError::LabelTaken);
        }
        // Under the name of their first token, whatever they are called since.
        let holder = own.into_iter().next().map_or(wish.holder, |token| token.holder);
        self.issue(caller, TokenWish { holder, ..wish }).await
    }

    /// Refuses a grant that would give the holder, with their other tokens, accounts and refunds of one tenant.
    async fn check_separation(
        &self,
        holder: &TokenHolder,
        grants: &[Grant],
        now: Timestamp,
    ) -> Result<(), TokenError> {
        let reach = TokenReach::Of { uuid: holder.uuid.clone() };
        let query = ApiTokenQuery { reach, valid_at: Some(now), limit: MOST_LISTED };
        let others = self.store.api_tokens(&query).await?;
        let all: Vec<&Grant> = others.iter().flat_map(|token| &token.grants).chain(grants).collect();
        let moves_money = |grant: &&&Grant| matches!(grant.role, Role::RefundMaker | Role::RefundChecker);
        for admin in all.iter().filter(|grant| grant.role == Role::Admin) {
            let overlaps = |grant: &&Grant| {
                grant.tenant.is_within(admin.tenant.as_str()) || admin.tenant.is_within(grant.tenant.as_str())
            };
            if all.iter().filter(moves_money).any(overlaps) {
                return Err(TokenError::AdminWithRefunds { tenant: admin.tenant.clone() });
            }
        }
        Ok(())
    }

    /// The tokens that the caller may see, newest first: as an admin those of their tenants, always their own.
    ///
    /// # Errors
    /// [`TokenError`].
    pub async fn list(&self, caller: &TokenIssuer, valid_only: bool) -> Result<Vec<ApiToken>, TokenError> {
        let (_, reach, _) = reach(caller)?;
        let valid_at = valid_only.then(|| self.clock.now());
        Ok(self.store.api_tokens(&ApiTokenQuery { reach, valid_at, limit: MOST_LISTED }).await?)
    }

    /// Revokes a token that the caller may see. It proves nothing from the next request on.
    ///
    /// # Errors
    /// [`TokenError`].
    pub async fn revoke(&self, caller: &TokenIssuer, id: &str) -> Result<(), TokenError> {
        let (actor, reach, by) = reach(caller)?;
        let now = self.clock.now();
        let audit = vec![entry(now, actor, AuditAction::TokenRevoked, id, json!({}))];
        match self.store.revoke_api_token(id, &reach, Revocation { at: now, by }, audit).await? {
            Revoked::Now => Ok(()),
            Revoked::Before(before) => Err(TokenError::Before(before)),
            Revoked::NotFound => Err(TokenError::NotFound),
        }
    }

    /// The holder of a presented token, as a proven caller; `None` when it is unknown, expired or revoked. What
    /// the request says of its caller is left out.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn identify(&self, secret: &str, info: &RequestInfo) -> Result<Option<Identity>, StoreError> {
        if !is_well_formed(secret) {
            return Ok(None);
        }
        let now = self.clock.now();
        let token = self.store.api_token(&Sha256::digest(secret).into()).await?;
        let Some(token) = token.filter(|token| token.is_valid(now)) else { return Ok(None) };
        if token.last_used_at.is_none_or(|used| now.since(used) >= USE_NOTED_EVERY)
            && let Err(error) = self.store.note_api_token_use(&token.id, now).await
        {
            tracing::warn!(token = token.id, %error, "the use of an API token could not be noted");
        }
        let holder = NamedHolder {
            uuid: &token.holder.uuid,
            name: &token.holder.name,
            login: &token.id,
            grants: &token.grants,
        };
        Ok(Identity::of_holder(info, holder))
    }
}

/// Whether a text has the form of a token.
fn is_well_formed(secret: &str) -> bool {
    let random = secret.strip_prefix(TOKEN_PREFIX).map(|random| URL_SAFE_NO_PAD.decode(random));
    matches!(random, Some(Ok(bytes)) if bytes.len() == SECRET_BYTES)
}

fn checked(mut wish: TokenWish) -> Result<TokenWish, TokenError> {
    let fits = |text: &str, most: usize| {
        (1..=most).contains(&text.chars().count()) && !text.chars().any(char::is_control)
    };
    wish.label = wish.label.trim().to_owned();
    if !fits(&wish.label, 100) {
        return Err(TokenError::Invalid(TokenFlaw::Label));
    }
    let name = wish.holder.name.expose().trim().to_owned();
    if !fits(&name, 200) {
        return Err(TokenError::Invalid(TokenFlaw::HolderName));
    }
    wish.holder.name = Personal::new(name);
    wish.holder.uuid = wish.holder.uuid.trim().to_lowercase();
    if !fits(&wish.holder.uuid, 128) {
        return Err(TokenError::Invalid(TokenFlaw::HolderUuid));
    }
    if wish.grants.is_empty() || wish.grants.len() > MOST_GRANTS {
        return Err(TokenError::Invalid(TokenFlaw::Grants));
    }
    if !(DAY..=LONGEST_TOKEN_LIFE).contains(&wish.life) {
        return Err(TokenError::Invalid(TokenFlaw::Life));
    }
    let checks = wish.grants.iter().any(|grant| grant.role == Role::RefundChecker);
    if checks && wish.holder.kind == HolderKind::Program {
        return Err(TokenError::ProgramChecks);
    }
    Ok(wish)
}

fn may_issue(
    issuer: &TokenIssuer,
    holder: &TokenHolder,
    grants: &[Grant],
    life: Duration,
) -> Result<(AuditActor, String), TokenError> {
    let (actor, _, by) = reach(issuer)?;
    if let TokenIssuer::Caller { identity, address } = issuer {
        for grant in grants {
            let admin = identity.principal(&[Role::Admin], &grant.tenant, *address);
            let held = identity.principal(&[grant.role], &grant.tenant, *address);
            let is_own = held.as_ref().is_ok_and(|held| held.uuid == holder.uuid);
            let is_admins_own = admin.as_ref().is_ok_and(|admin| admin.uuid == holder.uuid);
            let moves_money = matches!(grant.role, Role::RefundMaker | Role::RefundChecker);
            if moves_money && (is_own || is_admins_own) {
                return Err(TokenError::OwnRefunds);
            }
            match admin {
                Ok(_) => {}
                Err(denied) if !is_own => return Err(denied.into()),
                Err(_) if life > LONGEST_OWN_TOKEN_LIFE => return Err(TokenError::OwnLife),
                Err(_) => {}
            }
        }
    }
    Ok((actor, by))
}

/// The actor, what they may see, and the name under which they are kept.
fn reach(caller: &TokenIssuer) -> Result<(AuditActor, TokenReach, String), Denied> {
    match caller {
        TokenIssuer::CommandLine { user } => {
            let actor = AuditActor::CommandLine { user: user.clone() };
            Ok((actor, TokenReach::All, "command line".to_owned()))
        }
        TokenIssuer::Caller { identity, address } => {
            let scopes = match identity.scopes(&[Role::Admin]) {
                Ok(scopes) => scopes,
                Err(denied) => {
                    let own = identity.in_any_role(*address).ok_or(denied)?;
                    let uuid = own.uuid.clone();
                    return Ok((AuditActor::Principal(own), TokenReach::Of { uuid: uuid.clone() }, uuid));
                }
            };
            let tenant = scopes.first().map_or("", |scope| scope.root.as_str());
            let admin = identity.principal(&[Role::Admin], &TenantId::stored(tenant), *address)?;
            let (own_uuid, by) = (admin.uuid.clone(), admin.uuid.clone());
            Ok((AuditActor::Principal(admin), TokenReach::Within { scopes, own_uuid }, by))
        }
    }
}

/// The tenant of all grants; `None` where they have several.
fn only_tenant(grants: &[Grant]) -> Option<TenantId> {
    let tenant = &grants.first()?.tenant;
    grants.iter().all(|grant| grant.tenant == *tenant).then(|| tenant.clone())
}

fn entry(at: Timestamp, actor: AuditActor, action: AuditAction, id: &str, details: Value) -> AuditEntry {
    AuditEntry {
        at,
        actor,
        action,
        object_kind: "token",
        object_id: id.to_owned(),
        tenant: None,
        before: None,
        after: None,
        reason: None,
        details: match details {
            Value::Object(details) => details,
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) | Value::Array(_) => {
                Map::new()
            }
        },
    }
}
