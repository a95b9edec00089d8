//! The end of sessions: by their holder, by an admin, or because DIGIT does not know its employee any more.

use std::net::IpAddr;

use payment_domain::{AuditAction, AuditActor, AuditEntry, Role, Timestamp};
use payment_store::{Session, SessionEnd, StoreError};
use serde_json::json;

use super::{ConsoleSessions, LoggedIn, MOST_LISTED, actor, members, only_tenant};
use crate::audit::act;

impl ConsoleSessions {
    /// Ends the session of an employee whose token or roles are gone.
    pub(super) async fn end_unknown(&self, session: &Session, now: Timestamp) -> Result<(), StoreError> {
        let actor = AuditActor::User { uuid: session.holder.uuid.clone() };
        let entry = AuditEntry {
            details: members(json!({ "why": "neither token nor roles at egov-user" })),
            ..act(now, actor, AuditAction::LoggedOut, "session", session.id.clone())
        };
        let ended = SessionEnd { at: now, by: "egov-user".to_owned() };
        self.store.end_session(&session.id, None, ended, vec![entry]).await.map(|_| ())
    }

    /// Ends the caller's session.
    ///
    /// # Errors
    /// [`StoreError`]: then it has not ended.
    pub async fn log_out(&self, caller: &LoggedIn, address: Option<IpAddr>) -> Result<(), StoreError> {
        let id = caller.session.id.clone();
        self.end(caller, &id, address).await.map(|_| ())
    }

    /// Ends every session of the caller, in whichever browser, and theirs last.
    ///
    /// # Errors
    /// [`StoreError`]: then some may go on.
    pub async fn log_out_everywhere(
        &self,
        caller: &LoggedIn,
        address: Option<IpAddr>,
    ) -> Result<(), StoreError> {
        let own = Some(caller.session.holder.uuid.as_str());
        let all = self.store.valid_sessions(own, self.clock.now(), MOST_LISTED).await?;
        for other in all.iter().filter(|other| other.id != caller.session.id) {
            self.end(caller, &other.id, address).await?;
        }
        self.log_out(caller, address).await
    }

    /// The valid sessions that the caller may see, newest first: an admin at a state all, others their own.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn list(&self, caller: &LoggedIn) -> Result<Vec<Session>, StoreError> {
        self.store.valid_sessions(reach(caller), self.clock.now(), MOST_LISTED).await
    }

    /// Ends a session that the caller may see; returns whether it was valid until now.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn end(
        &self,
        caller: &LoggedIn,
        id: &str,
        address: Option<IpAddr>,
    ) -> Result<bool, StoreError> {
        let now = self.clock.now();
        let holder = &caller.session.holder;
        let entry = AuditEntry {
            tenant: only_tenant(holder),
            ..act(now, actor(holder, address), AuditAction::LoggedOut, "session", id)
        };
        let ended = SessionEnd { at: now, by: holder.uuid.clone() };
        self.store.end_session(id, reach(caller), ended, vec![entry]).await
    }
}

/// The holder whose sessions the caller may see; `None` is every holder's.
fn reach(caller: &LoggedIn) -> Option<&str> {
    let is_admin = caller.identity.principal_of_installation(&[Role::Admin], None).is_ok();
    (!is_admin).then_some(caller.session.holder.uuid.as_str())
}
