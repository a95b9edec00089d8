//! The person who changes accounts, and the entries in the audit log.

use payment_domain::{
    AuditAction, AuditActor, AuditEntry, MerchantAccount, MerchantCredential, Personal, Principal, Timestamp,
};
use payment_store::TenantScope;
use serde_json::{Map, Value};
use sha2::{Digest, Sha256};

/// The party that changes an account.
#[derive(Clone, Debug)]
pub enum AccountActor {
    /// In the role of an admin, for the tenants of that role.
    Principal(Principal),
    /// The same by a one-time link: two links are two names for whoever has the command line, so that the holder is
    /// no second person.
    LinkHolder(Principal),
    /// The command line of a machine that has the database. It names no person.
    CommandLine {
        user: Personal,
    },
    Job(&'static str),
}

impl AccountActor {
    /// The name under which they are kept.
    pub(super) fn by(&self) -> String {
        match self {
            AccountActor::Principal(principal) | AccountActor::LinkHolder(principal) => {
                principal.uuid.clone()
            }
            AccountActor::CommandLine { user } => format!("cli:{}", user.expose()),
            AccountActor::Job(job) => format!("job:{job}"),
        }
    }

    /// Whether they can be distinguished from another person.
    pub(super) fn is_named(&self) -> bool {
        match self {
            AccountActor::Principal(_) => true,
            AccountActor::LinkHolder(_) | AccountActor::CommandLine { .. } | AccountActor::Job(_) => false,
        }
    }

    /// The tenants whose accounts they see; `None` for all.
    pub(super) fn scope(&self) -> Option<TenantScope> {
        match self {
            AccountActor::Principal(principal) | AccountActor::LinkHolder(principal) => {
                Some(TenantScope { root: principal.tenant.as_str().to_owned() })
            }
            AccountActor::CommandLine { .. } | AccountActor::Job(_) => None,
        }
    }

    fn audited(&self) -> AuditActor {
        match self {
            AccountActor::Principal(principal) | AccountActor::LinkHolder(principal) => {
                AuditActor::Principal(principal.clone())
            }
            AccountActor::CommandLine { user } => AuditActor::CommandLine { user: user.clone() },
            AccountActor::Job(job) => AuditActor::Job(job),
        }
    }
}

/// The entry about a credential after a change; `before` is the version of the account that was changed.
pub(super) fn entry(
    actor: &AccountActor,
    action: AuditAction,
    account: &MerchantAccount,
    credential: &MerchantCredential,
    before: Option<u32>,
    at: Timestamp,
) -> AuditEntry {
    let digest = |version: u32| -> [u8; 32] { Sha256::digest(format!("{}|{version}", account.id)).into() };
    let text = |text: &str| Value::String(text.to_owned());
    let mut details = Map::from_iter([
        ("credential".to_owned(), credential.version.into()),
        ("state".to_owned(), text(credential.state.as_str())),
        ("gateway".to_owned(), text(account.gateway.as_str())),
        ("accountState".to_owned(), text(account.state.as_str())),
    ]);
    if let Some(fingerprint) = &credential.fingerprint {
        details.insert("fingerprint".to_owned(), text(fingerprint));
    }
    if let Some(sealed) = &credential.sealed {
        details.insert("key".to_owned(), text(&sealed.kek_id));
    }
    if let Some(service) = &account.business_service {
        details.insert("businessService".to_owned(), text(service));
    }
    AuditEntry {
        at,
        actor: actor.audited(),
        action,
        object_kind: "account",
        object_id: account.id.to_string(),
        tenant: Some(account.tenant_id.clone()),
        before: before.map(digest),
        after: Some(digest(account.version)),
        reason: None,
        details,
    }
}
