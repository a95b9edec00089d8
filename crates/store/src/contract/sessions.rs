//! Sessions of the console: begun by a link once, found by their digest, ended once.

use std::sync::Arc;
use std::time::Duration;

use futures_util::future::join_all;
use payment_domain::{AuditAction, Grant, Personal, Role, TenantId};

use super::sample::at;
use super::{Promise, audit};
use crate::{
    AuditQuery, LONGEST_SESSION, LoginMethod, NewLoginLink, NewSession, SESSION_IDLE, SESSION_KEPT, Session,
    SessionBegun, SessionEnd, SessionHolder, Store,
};

pub(super) fn promises() -> Vec<Promise> {
    vec![
        Promise::of(a_link_begins_one_session_of_any_number_that_try),
        Promise::of(an_expired_or_unknown_link_begins_none),
        Promise::of(an_attempt_at_a_provider_begins_one_session),
        Promise::of(a_session_is_found_by_its_digest_alone),
        Promise::of(the_use_of_a_session_is_noted_once_a_minute),
        Promise::of(a_session_ends_once_and_stays_so),
        Promise::of(sessions_that_are_long_over_are_forgotten),
    ]
}

fn holder(uuid: &str) -> SessionHolder {
    let grant = |role, tenant: &str| Grant { role, tenant: TenantId::new(tenant).unwrap() };
    SessionHolder {
        uuid: uuid.to_owned(),
        name: Personal::new("Asha \u{202e}\"Rani\" <b>"),
        grants: vec![grant(Role::Operator, "pb"), grant(Role::Auditor, "pb.amritsar")],
    }
}

fn link(nth: u8) -> NewLoginLink {
    NewLoginLink {
        digest: [nth; 32],
        holder: holder("u-1"),
        issued_at: at(0),
        expires_at: at(1_000),
        audit: audit::about(AuditAction::LoginLinkIssued, "link"),
    }
}

fn session(nth: u8, uuid: &str, link: Option<[u8; 32]>, started_at: i64) -> NewSession {
    NewSession {
        id: format!("session-{nth:03}"),
        digest: [nth; 32],
        link,
        attempt: None,
        method: LoginMethod::Link,
        holder: holder(uuid),
        address: Some("::1".to_owned()),
        started_at: at(started_at),
        expires_at: at(started_at).plus(LONGEST_SESSION),
        sealed: Some(vec![nth, 0, 255]),
        audit: audit::about(AuditAction::LoggedIn, &format!("session-{nth:03}")),
    }
}

fn stored(new: &NewSession) -> Session {
    Session {
        id: new.id.clone(),
        method: new.method,
        holder: new.holder.clone(),
        address: new.address.clone(),
        started_at: new.started_at,
        used_at: new.started_at,
        expires_at: new.expires_at,
        sealed: new.sealed.clone(),
        ended: None,
    }
}

async fn entries(store: &Arc<dyn Store>) -> usize {
    store.audit_entries(&AuditQuery { limit: 99, ..AuditQuery::default() }).await.unwrap().len()
}

async fn a_link_begins_one_session_of_any_number_that_try(store: Arc<dyn Store>) {
    store.store_login_link(link(200)).await.unwrap();
    let begun =
        join_all((0..8).map(|nth| store.begin_session(session(nth, "u-1", Some([200; 32]), 5)))).await;
    let stored = begun.into_iter().filter(|begun| *begun.as_ref().unwrap() == SessionBegun::Stored).count();
    assert_eq!(stored, 1);
    assert_eq!(store.valid_sessions(None, at(5), 99).await.unwrap().len(), 1);
    assert_eq!(store.login_link(&[200; 32], at(5)).await.unwrap(), None);
    assert_eq!(entries(&store).await, 2, "what did not begin was not recorded");
}

async fn an_expired_or_unknown_link_begins_none(store: Arc<dyn Store>) {
    store.store_login_link(link(200)).await.unwrap();
    let found = store.login_link(&[200; 32], at(999)).await.unwrap().unwrap();
    assert_eq!((found.holder, found.expires_at), (holder("u-1"), at(1_000)));
    assert_eq!(store.login_link(&[200; 32], at(1_000)).await.unwrap(), None);
    for (link, started_at) in [([200; 32], 1_000), ([201; 32], 5)] {
        let begun = store.begin_session(session(1, "u-1", Some(link), started_at)).await.unwrap();
        assert_eq!(begun, SessionBegun::Spent);
    }
    assert_eq!(store.session(&[1; 32]).await.unwrap(), None);
}

async fn an_attempt_at_a_provider_begins_one_session(store: Arc<dyn Store>) {
    let by = |nth, attempt| NewSession {
        attempt: Some([attempt; 32]),
        method: LoginMethod::Provider,
        ..session(nth, "u-1", None, 5)
    };
    let begun = join_all((0..4).map(|nth| store.begin_session(by(nth, 200)))).await;
    let stored = begun.into_iter().filter(|begun| *begun.as_ref().unwrap() == SessionBegun::Stored).count();
    assert_eq!(stored, 1);
    assert_eq!(store.begin_session(by(9, 201)).await.unwrap(), SessionBegun::Stored);
    let known = store.valid_sessions(None, at(5), 99).await.unwrap();
    assert!(known.len() == 2 && known.iter().all(|session| session.method == LoginMethod::Provider));
    assert_eq!(entries(&store).await, 2, "what did not begin was not recorded");
}

async fn a_session_is_found_by_its_digest_alone(store: Arc<dyn Store>) {
    let (one, other) = (session(1, "u-1", None, 0), session(2, "u-2", None, 1));
    for new in [&one, &other] {
        assert_eq!(store.begin_session(new.clone()).await.unwrap(), SessionBegun::Stored);
        assert_eq!(store.session(&new.digest).await.unwrap(), Some(stored(new)));
    }
    assert_eq!(store.session(&[3; 32]).await.unwrap(), None);
    let now = at(2);
    let valid = store.valid_sessions(None, now, 99).await.unwrap();
    assert_eq!(valid, [stored(&other), stored(&one)]);
    assert_eq!(store.valid_sessions(Some("u-1"), now, 99).await.unwrap(), [stored(&one)]);
    assert_eq!(store.valid_sessions(None, now, 1).await.unwrap().len(), 1);
    let idle = at(1).plus(SESSION_IDLE);
    assert_eq!(store.valid_sessions(None, idle, 99).await.unwrap(), []);
    assert!(!stored(&other).is_valid(idle) && stored(&other).is_valid(idle.minus(Duration::from_millis(1))));
}

async fn the_use_of_a_session_is_noted_once_a_minute(store: Arc<dyn Store>) {
    store.begin_session(session(1, "u-1", None, 0)).await.unwrap();
    for (used, noted) in [(59_999, 0), (60_000, 60_000), (119_999, 60_000), (7, 60_000), (120_000, 120_000)] {
        store.note_session_use("session-001", at(used)).await.unwrap();
        assert_eq!(store.session(&[1; 32]).await.unwrap().unwrap().used_at, at(noted), "used at {used}");
    }
    store.note_session_use("session-999", at(5)).await.unwrap();
}

async fn a_session_ends_once_and_stays_so(store: Arc<dyn Store>) {
    store.begin_session(session(1, "u-1", None, 0)).await.unwrap();
    let end = async |id: &str, uuid, when| {
        let ended = SessionEnd { at: at(when), by: "u-9".to_owned() };
        let audit = audit::about(AuditAction::LoggedOut, id);
        store.end_session(id, uuid, ended, audit).await.unwrap()
    };
    assert!(!end("session-001", Some("u-2"), 4).await, "another's");
    assert!(!end("session-002", None, 4).await, "unknown");
    assert!(end("session-001", Some("u-1"), 5).await);
    assert!(!end("session-001", None, 6).await, "again");
    store.note_session_use("session-001", at(900_000)).await.unwrap();
    let known = store.session(&[1; 32]).await.unwrap().unwrap();
    assert_eq!(known.ended, Some(SessionEnd { at: at(5), by: "u-9".to_owned() }));
    assert!(known.used_at == at(0) && !known.is_valid(at(6)));
    assert_eq!(known.sealed, None, "secrets of others are forgotten");
    assert_eq!(store.valid_sessions(None, at(6), 99).await.unwrap(), []);
    assert_eq!(entries(&store).await, 2);
}

async fn sessions_that_are_long_over_are_forgotten(store: Arc<dyn Store>) {
    store.store_login_link(link(200)).await.unwrap();
    store.begin_session(session(1, "u-1", None, 0)).await.unwrap();
    let long_after = i64::try_from((SESSION_KEPT + LONGEST_SESSION).as_millis()).unwrap();
    store.begin_session(session(2, "u-1", None, long_after)).await.unwrap();
    assert!(store.session(&[1; 32]).await.unwrap().is_some(), "not yet");
    store.begin_session(session(3, "u-1", None, long_after + 1)).await.unwrap();
    assert_eq!(store.session(&[1; 32]).await.unwrap(), None);
    assert!(store.session(&[2; 32]).await.unwrap().is_some());
}
