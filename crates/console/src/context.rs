//! A request as a screen sees it: guarded, with its caller, their tenants and its parameters.

use std::net::IpAddr;
use std::sync::Arc;

use http::HeaderMap;
use payment_domain::{Actor, AuditActor, Principal, Role, TenantId};
use payment_oidc::Attempt;
use payment_service::{Accounts, LoggedIn, Payments};
use payment_store::{TenantScope, common_scopes};

use crate::failure::Failure;
use crate::forms::Fields;
use crate::language::Language;
use crate::links::Link;
use crate::sealed::SearchKey;
use crate::{Console, Shared};

pub(crate) struct Context {
    pub(crate) shared: Arc<Shared>,
    pub(crate) language: Language,
    pub(crate) request_id: String,
    pub(crate) address: Option<IpAddr>,
    /// Whether it came over plain HTTP from this machine.
    pub(crate) is_local: bool,
    pub(crate) caller: Option<LoggedIn>,
    /// The attempt to log in that this browser has begun.
    pub(crate) attempt: Option<Attempt>,
    /// The token of the forms of this page.
    pub(crate) form_token: String,
    /// The number of the form that was sent; none of a login's.
    pub(crate) form_number: Option<String>,
    /// Of words that the session has searched for.
    pub(crate) search_key: Option<SearchKey>,
    /// The tenants at which the caller has a role that the page asks for.
    pub(crate) scopes: Vec<TenantScope>,
    /// The address of the page, with its query.
    pub(crate) here: String,
    pub(crate) query: Fields,
    pub(crate) form: Fields,
    pub(crate) path: Vec<(String, String)>,
}

impl Context {
    /// A request that is not guarded yet.
    pub(crate) fn new(shared: Arc<Shared>, headers: &HeaderMap, request_id: String) -> Context {
        Context {
            language: Language::of(headers),
            request_id,
            address: None,
            is_local: false,
            caller: None,
            attempt: None,
            form_token: String::new(),
            form_number: None,
            search_key: None,
            scopes: Vec::new(),
            here: String::new(),
            query: Fields::default(),
            form: Fields::default(),
            path: Vec::new(),
            shared,
        }
    }

    pub(crate) fn console(&self) -> &Console {
        &self.shared.console
    }

    pub(crate) fn payments(&self) -> &Payments {
        &self.shared.console.payments
    }

    pub(crate) fn accounts(&self) -> &Accounts {
        &self.shared.console.accounts
    }

    /// The number of the form that was sent: what it makes is made once under it.
    ///
    /// # Errors
    /// [`Failure::Forged`].
    pub(crate) fn form_number(&self) -> Result<&str, Failure> {
        self.form_number.as_deref().ok_or(Failure::Forged)
    }

    /// A part of the path; empty where there is none of this name.
    pub(crate) fn path(&self, name: &str) -> &str {
        self.path.iter().find(|(known, _)| known == name).map_or("", |(_, value)| value.as_str())
    }

    /// The address of a page.
    pub(crate) fn link(&self, path: &str) -> Link {
        Link::to(format!("{}{path}", self.console().base))
    }

    /// # Errors
    /// [`Failure::LoggedOut`].
    pub(crate) fn caller(&self) -> Result<&LoggedIn, Failure> {
        self.caller.as_ref().ok_or(Failure::LoggedOut)
    }

    /// The caller in one of these roles at a tenant.
    ///
    /// # Errors
    /// [`Failure::Denied`].
    pub(crate) fn principal(&self, roles: &[Role], tenant: &TenantId) -> Result<Principal, Failure> {
        Ok(self.caller()?.identity.principal(roles, tenant, self.address)?)
    }

    /// Whether the caller holds one of these roles at a tenant.
    pub(crate) fn has(&self, roles: &[Role], tenant: &TenantId) -> bool {
        self.principal(roles, tenant).is_ok()
    }

    /// Whether the caller holds one of these roles at a state.
    pub(crate) fn has_at_state(&self, roles: &[Role]) -> bool {
        let principal = |caller: &LoggedIn| caller.identity.principal_of_installation(roles, None).is_ok();
        self.caller.as_ref().is_some_and(principal)
    }

    /// Whether the caller holds one of these roles anywhere.
    pub(crate) fn has_anywhere(&self, roles: &[Role]) -> bool {
        self.caller.as_ref().is_some_and(|caller| caller.identity.scopes(roles).is_ok())
    }

    /// The caller as the log names them, for an act at a tenant.
    ///
    /// # Errors
    /// [`Failure::Denied`].
    pub(crate) fn actor(&self, roles: &[Role], tenant: &TenantId) -> Result<AuditActor, Failure> {
        Ok(AuditActor::Principal(self.principal(roles, tenant)?))
    }

    /// The same for an act that concerns the installation.
    ///
    /// # Errors
    /// [`Failure::Denied`].
    pub(crate) fn actor_of_installation(&self, roles: &[Role]) -> Result<AuditActor, Failure> {
        let principal = self.caller()?.identity.principal_of_installation(roles, self.address)?;
        Ok(AuditActor::Principal(principal))
    }

    /// The caller of a use case.
    ///
    /// # Errors
    /// [`Failure::LoggedOut`].
    pub(crate) fn acting(&self) -> Result<payment_service::Caller, Failure> {
        let caller = self.caller()?;
        let actor = Actor::user(caller.session.holder.uuid.clone());
        Ok(payment_service::Caller::new(actor, caller.identity.clone()))
    }

    /// The caller's tenants, as far as they are within the one that the page is narrowed to.
    pub(crate) fn narrowed(&self) -> Vec<TenantScope> {
        match self.query.text("tenant") {
            Some(root) => common_scopes(&self.scopes, &[TenantScope { root: root.to_owned() }]),
            None => common_scopes(&self.scopes, &self.scopes),
        }
    }
}
