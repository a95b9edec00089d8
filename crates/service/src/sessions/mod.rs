//! Sessions of the console: begun by a one-time link or a proven login, proven by a cookie, ended by logout.

mod ending;
mod sealing;

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use payment_digit::DigitError;
use payment_domain::{
    AuditAction, AuditActor, AuditEntry, Clock, Grant, Personal, Principal, RequestInfo, Role, TenantId,
    Timestamp,
};
use payment_store::{
    LONGEST_SESSION, LoginLink, LoginMethod, NewLoginLink, NewSession, SESSION_NOTED_EVERY, Session,
    SessionBegun, SessionHolder, Store, StoreError,
};
use secrecy::{ExposeSecret, SecretString};
use serde_json::{Map, Value, json};
use sha2::{Digest, Sha256};

use crate::audit::act;
use crate::employees::Employees;
use crate::identity::{Identity, NamedHolder};
use crate::roles::grant_json;

/// How long a link can be used.
pub const LINK_LIFE: Duration = Duration::from_secs(10 * 60);
const SECRET_BYTES: usize = 32;
const ID_BYTES: usize = 9;
/// The sessions that a list shows at most.
const MOST_LISTED: u32 = 200;
const MOST_GRANTS: usize = 50;
/// The longest secret of another service that a session keeps, in bytes.
const LONGEST_KEPT: usize = 16 * 1024;
/// The actor of a login that is refused.
const ANONYMOUS: &str = "anonymous";

#[derive(Clone)]
pub struct ConsoleSessions {
    store: Arc<dyn Store>,
    clock: Arc<dyn Clock>,
}

/// A new link; its secret is not shown again.
#[derive(Debug, Clone)]
pub struct IssuedLink {
    pub secret: SecretString,
    pub expires_at: Timestamp,
}

/// A new session; its secret goes into the cookie.
#[derive(Debug, Clone)]
pub struct BegunSession {
    pub secret: SecretString,
    pub session: Session,
}

/// The holder of a valid session.
#[derive(Debug, Clone)]
pub struct LoggedIn {
    pub session: Session,
    pub identity: Identity,
    /// As of [`ProvenLogin::kept`].
    pub kept: Option<SecretString>,
}

/// A person whom another service has proven.
#[derive(Debug, Clone)]
pub struct ProvenLogin {
    pub method: LoginMethod,
    pub holder: SessionHolder,
    /// Names the attempt at a login provider, of which one session begins.
    pub attempt: Option<[u8; 32]>,
    /// The secret of the other service that the session needs: an access token, an ID token.
    pub kept: Option<SecretString>,
}

/// The logins that are offered now. Sessions that began by another are over.
#[derive(Clone, Copy, Default)]
pub struct LoginWays<'a> {
    /// Roles that move money, which a link gave while none was moved, hold only while that is so.
    pub moves_no_money: bool,
    pub provider: bool,
    pub employees: Option<&'a Employees>,
}

#[derive(Debug, thiserror::Error)]
pub enum SessionError {
    #[error("{0}")]
    Invalid(&'static str),
    /// Two links are two names for whoever has the command line.
    #[error("{0} by a link is for a service that stands alone with the sandbox: it moves no money")]
    MovesMoney(&'static str),
    #[error("the link is unknown, was used, or has expired")]
    LinkSpent,
    /// A session has begun by this attempt at a login provider.
    #[error("the login was completed before")]
    AttemptSpent,
    /// The system yields no random bytes.
    #[error("no secret can be made")]
    NoRandomness,
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl ConsoleSessions {
    pub fn new(store: Arc<dyn Store>, clock: Arc<dyn Clock>) -> ConsoleSessions {
        ConsoleSessions { store, clock }
    }

    /// The moment by which sessions are judged.
    pub fn now(&self) -> Timestamp {
        self.clock.now()
    }

    /// Issues a link that logs in once within [`LINK_LIFE`], on the word of the party that has the database.
    /// Roles that move money are given only where `moves_no_money`.
    ///
    /// # Errors
    /// [`SessionError`].
    pub async fn issue_link(
        &self,
        issuer: AuditActor,
        holder: SessionHolder,
        moves_no_money: bool,
    ) -> Result<IssuedLink, SessionError> {
        let holder = checked(holder)?;
        if let Some(grant) = holder.grants.iter().find(|grant| moves_money(grant) && !moves_no_money) {
            return Err(SessionError::MovesMoney(grant.role.code()));
        }
        let now = self.clock.now();
        let expires_at = now.plus(LINK_LIFE);
        let secret = random_text::<SECRET_BYTES>()?;
        let digest = digest_of(&secret);
        let grants: Vec<Value> = holder.grants.iter().map(grant_json).collect();
        let details = json!({
            "holder": holder.uuid, "grants": grants, "expires": expires_at.as_millis(),
        });
        let entry = AuditEntry {
            tenant: only_tenant(&holder),
            details: members(details),
            ..act(now, issuer, AuditAction::LoginLinkIssued, "login-link", name_of(&digest))
        };
        let new = NewLoginLink { digest, holder, issued_at: now, expires_at, audit: vec![entry] };
        self.store.store_login_link(new).await?;
        Ok(IssuedLink { secret: secret.into(), expires_at })
    }

    /// The link of a secret, while it can be used. Looking at it does not use it up.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn link(&self, secret: &str) -> Result<Option<LoginLink>, StoreError> {
        if !is_well_formed(secret) {
            return Ok(None);
        }
        self.store.login_link(&digest_of(secret), self.clock.now()).await
    }

    /// Logs in by a link, which is used up. A session of the same browser ends.
    ///
    /// # Errors
    /// [`SessionError`].
    pub async fn log_in_by_link(
        &self,
        secret: &str,
        address: Option<IpAddr>,
        earlier: Option<&LoggedIn>,
    ) -> Result<BegunSession, SessionError> {
        let link = self.link(secret).await?.ok_or(SessionError::LinkSpent)?;
        let login = ProvenLogin { method: LoginMethod::Link, holder: link.holder, attempt: None, kept: None };
        let begun = self.begin(Some(digest_of(secret)), login, address).await?;
        self.log_out_earlier(earlier, address).await?;
        Ok(begun)
    }

    /// Begins a session of a person whom another service has proven. A session of the same browser ends.
    ///
    /// # Errors
    /// [`SessionError`].
    pub async fn log_in(
        &self,
        login: ProvenLogin,
        address: Option<IpAddr>,
        earlier: Option<&LoggedIn>,
    ) -> Result<BegunSession, SessionError> {
        let login = ProvenLogin { holder: checked(login.holder)?, ..login };
        let begun = self.begin(None, login, address).await?;
        self.log_out_earlier(earlier, address).await?;
        Ok(begun)
    }

    async fn log_out_earlier(
        &self,
        earlier: Option<&LoggedIn>,
        address: Option<IpAddr>,
    ) -> Result<(), StoreError> {
        match earlier {
            Some(earlier) => self.log_out(earlier, address).await,
            None => Ok(()),
        }
    }

    /// Records a login that was refused, in fixed words: what was typed may be a password. `uuid` is that of a proven
    /// person.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn record_refusal(
        &self,
        method: LoginMethod,
        why: &'static str,
        uuid: Option<String>,
        address: Option<IpAddr>,
    ) -> Result<(), StoreError> {
        let actor = AuditActor::User { uuid: uuid.unwrap_or_else(|| ANONYMOUS.to_owned()) };
        let details = json!({ "why": why, "address": address.map(|address| address.to_string()) });
        let entry = AuditEntry {
            details: members(details),
            ..act(self.clock.now(), actor, AuditAction::LoginRefused, "login", method.as_str())
        };
        self.store.record(vec![entry]).await
    }

    async fn begin(
        &self,
        link: Option<[u8; 32]>,
        login: ProvenLogin,
        address: Option<IpAddr>,
    ) -> Result<BegunSession, SessionError> {
        let ProvenLogin { method, holder, attempt, kept } = login;
        let now = self.clock.now();
        let (id, secret) = (random_text::<ID_BYTES>()?, random_text::<SECRET_BYTES>()?);
        let expires_at = now.plus(LONGEST_SESSION);
        let mut details = json!({ "method": method.as_str(), "expires": expires_at.as_millis() });
        if let Some(link) = &link {
            details["link"] = name_of(link).into();
        }
        let entry = AuditEntry {
            tenant: only_tenant(&holder),
            details: members(details),
            ..act(now, actor(&holder, address), AuditAction::LoggedIn, "session", id.clone())
        };
        let kept = kept.filter(|kept| kept.expose_secret().len() <= LONGEST_KEPT);
        let shown_address = address.map(|address| address.to_string());
        let new = NewSession {
            id: id.clone(),
            digest: digest_of(&secret),
            link,
            attempt,
            method,
            holder: holder.clone(),
            address: shown_address.clone(),
            started_at: now,
            expires_at,
            sealed: kept.as_ref().and_then(|kept| sealing::seal(&secret, kept)),
            audit: vec![entry],
        };
        match self.store.begin_session(new).await? {
            SessionBegun::Stored => {}
            SessionBegun::Spent if link.is_some() => return Err(SessionError::LinkSpent),
            SessionBegun::Spent => return Err(SessionError::AttemptSpent),
        }
        let session = Session {
            id,
            method,
            holder,
            address: shown_address,
            started_at: now,
            used_at: now,
            expires_at,
            sealed: None,
            ended: None,
        };
        Ok(BegunSession { secret: secret.into(), session })
    }

    /// The holder of a cookie; `None` when it is unknown or its session is over. An employee has the roles that DIGIT
    /// tells now; while it does not answer they are unverifiable.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn identify(&self, secret: &str, ways: LoginWays<'_>) -> Result<Option<LoggedIn>, StoreError> {
        if !is_well_formed(secret) {
            return Ok(None);
        }
        let now = self.clock.now();
        let session = self.store.session(&digest_of(secret)).await?;
        let Some(mut session) = session.filter(|session| session.is_valid(now)) else { return Ok(None) };
        let kept = session.sealed.take().and_then(|sealed| sealing::open(secret, &sealed));
        let mut is_verifiable = true;
        match (session.method, ways.employees) {
            (LoginMethod::Link, _) => {
                session.holder.grants.retain(|grant| ways.moves_no_money || !moves_money(grant));
            }
            (LoginMethod::Provider, _) if ways.provider => {}
            (LoginMethod::Employee, Some(employees)) => {
                match employees_grants(employees, &session, &kept).await {
                    Ok(grants) if grants.is_empty() => {
                        self.end_unknown(&session, now).await?;
                        return Ok(None);
                    }
                    Ok(grants) => session.holder.grants = grants,
                    Err(error) => {
                        tracing::warn!(session = session.id, %error, "an employee's roles cannot be checked");
                        is_verifiable = false;
                    }
                }
            }
            (LoginMethod::Provider, _) | (LoginMethod::Employee, None) => return Ok(None),
        }
        if now.since(session.used_at) >= SESSION_NOTED_EVERY {
            self.store.note_session_use(&session.id, now).await?;
        }
        let SessionHolder { uuid, name, grants } = &session.holder;
        let holder = NamedHolder { uuid, name, login: &session.id, grants };
        let identity = match is_verifiable {
            true => Identity::of_holder(&RequestInfo::default(), holder),
            false => Some(Identity::unverifiable(&RequestInfo::default())),
        };
        Ok(identity.map(|identity| LoggedIn { session, identity, kept }))
    }
}

/// The grants that an employee of DIGIT has now.
async fn employees_grants(
    employees: &Employees,
    session: &Session,
    token: &Option<SecretString>,
) -> Result<Vec<Grant>, DigitError> {
    match token {
        Some(token) => employees.grants_of(token, &session.holder.uuid).await,
        None => Ok(Vec::new()),
    }
}

fn moves_money(grant: &Grant) -> bool {
    matches!(grant.role, Role::RefundMaker | Role::RefundChecker)
}

fn checked(mut holder: SessionHolder) -> Result<SessionHolder, SessionError> {
    let fits = |text: &str, most: usize| {
        (1..=most).contains(&text.chars().count()) && !text.chars().any(char::is_control)
    };
    let name = holder.name.expose().trim().to_owned();
    if !fits(&name, 200) {
        return Err(SessionError::Invalid("a name has 1 to 200 characters, no control characters"));
    }
    holder.name = Personal::new(name);
    holder.uuid = holder.uuid.trim().to_lowercase();
    if !fits(&holder.uuid, 128) {
        return Err(SessionError::Invalid("a uuid has 1 to 128 characters, no control characters"));
    }
    if holder.grants.is_empty() || holder.grants.len() > MOST_GRANTS {
        return Err(SessionError::Invalid("a person has 1 to 50 roles"));
    }
    Ok(holder)
}

fn actor(holder: &SessionHolder, address: Option<IpAddr>) -> AuditActor {
    match holder.grants.first() {
        Some(grant) => AuditActor::Principal(Principal {
            uuid: holder.uuid.clone(),
            role: grant.role,
            tenant: grant.tenant.clone(),
            address,
        }),
        None => AuditActor::User { uuid: holder.uuid.clone() },
    }
}

/// The tenant of all grants; `None` where they have several.
fn only_tenant(holder: &SessionHolder) -> Option<TenantId> {
    let tenant = &holder.grants.first()?.tenant;
    holder.grants.iter().all(|grant| grant.tenant == *tenant).then(|| tenant.clone())
}

fn members(details: Value) -> Map<String, Value> {
    details.as_object().cloned().unwrap_or_default()
}

fn random_text<const BYTES: usize>() -> Result<String, SessionError> {
    let mut random = [0; BYTES];
    getrandom::fill(&mut random).map_err(|_| SessionError::NoRandomness)?;
    Ok(URL_SAFE_NO_PAD.encode(random))
}

fn is_well_formed(secret: &str) -> bool {
    matches!(URL_SAFE_NO_PAD.decode(secret), Ok(bytes) if bytes.len() == SECRET_BYTES)
}

fn digest_of(secret: &str) -> [u8; 32] {
    Sha256::digest(secret).into()
}

/// The name of a link in the audit log, which proves nothing.
fn name_of(digest: &[u8; 32]) -> String {
    hex::encode(digest.iter().take(6).copied().collect::<Vec<u8>>())
}
