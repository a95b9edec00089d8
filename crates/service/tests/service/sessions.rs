//! Sessions of the console: one-time links, idle and absolute ends, renewal, revocation.

use std::time::Duration;

use payment_domain::{AuditActor, Grant, Personal, Role, TenantId};
use payment_service::{ConsoleSessions, LINK_LIFE, LoggedIn, LoginWays, SessionError};
use payment_store::{AuditQuery, LONGEST_SESSION, SESSION_IDLE, SessionHolder};
use secrecy::ExposeSecret;

use crate::support::{World, world};

fn holder(name: &str, roles: &[(Role, &str)]) -> SessionHolder {
    let grant =
        |(role, tenant): &(Role, &str)| Grant { role: *role, tenant: TenantId::new(*tenant).unwrap() };
    SessionHolder {
        uuid: format!(" U-{name} "),
        name: Personal::new(name),
        grants: roles.iter().map(grant).collect(),
    }
}

fn issuer() -> AuditActor {
    AuditActor::CommandLine { user: Personal::new("root") }
}

/// One-time links alone.
fn ways() -> LoginWays<'static> {
    LoginWays::default()
}

fn sessions(world: &World) -> ConsoleSessions {
    ConsoleSessions::new(world.store.clone(), world.clock.clone())
}

async fn log_in(sessions: &ConsoleSessions, name: &str, roles: &[(Role, &str)]) -> (String, LoggedIn) {
    let link = sessions.issue_link(issuer(), holder(name, roles), false).await.unwrap();
    let begun = sessions.log_in_by_link(link.secret.expose_secret(), None, None).await.unwrap();
    let secret = begun.secret.expose_secret().to_owned();
    let logged_in = sessions.identify(&secret, ways()).await.unwrap().unwrap();
    (secret, logged_in)
}

#[tokio::test]
async fn a_link_logs_in_once_and_for_ten_minutes() {
    let world = world();
    let sessions = sessions(&world);
    let viewer = [(Role::Viewer, "pb")];
    let link = sessions.issue_link(issuer(), holder("asha", &viewer), false).await.unwrap();
    let secret = link.secret.expose_secret().to_owned();
    assert!(
        sessions.link(&secret).await.unwrap().is_some() && sessions.link(&secret).await.unwrap().is_some()
    );
    let begun = sessions.log_in_by_link(&secret, None, None).await.unwrap();
    assert_eq!(begun.session.holder.uuid, "u-asha");
    for spent in [secret.as_str(), "", "x", &"A".repeat(43)] {
        let refused = sessions.log_in_by_link(spent, None, None).await.unwrap_err();
        assert!(matches!(refused, SessionError::LinkSpent), "{spent}: {refused}");
    }
    let late = sessions.issue_link(issuer(), holder("asha", &viewer), false).await.unwrap();
    world.clock.advance(LINK_LIFE);
    assert!(sessions.log_in_by_link(late.secret.expose_secret(), None, None).await.is_err());
    let entries = world.store.audit_entries(&AuditQuery { limit: 9, ..AuditQuery::default() }).await.unwrap();
    assert_eq!(entries.len(), 3);
    assert!(entries.iter().all(|entry| !entry.entry.contains(&secret)), "no secret in the log");
}

#[tokio::test]
async fn a_link_gives_no_role_that_moves_money_unless_none_is_moved() {
    let world = world();
    let sessions = sessions(&world);
    for role in [Role::RefundMaker, Role::RefundChecker] {
        let both = [(Role::Viewer, "pb"), (role, "pb.amritsar")];
        let refused = sessions.issue_link(issuer(), holder("asha", &both), false).await.unwrap_err();
        assert!(matches!(refused, SessionError::MovesMoney(code) if code == role.code()));
        let link = sessions.issue_link(issuer(), holder("asha", &both), true).await.unwrap();
        let begun = sessions.log_in_by_link(link.secret.expose_secret(), None, None).await.unwrap();
        for (moves_no_money, grants) in [(true, 2), (false, 1)] {
            let ways = LoginWays { moves_no_money, ..ways() };
            let known = sessions.identify(begun.secret.expose_secret(), ways).await.unwrap().unwrap();
            assert_eq!(known.identity.grants().len(), grants, "real money may have come since");
        }
    }
    for wrong in
        [holder("", &[(Role::Viewer, "pb")]), holder("asha", &[]), holder("a\nb", &[(Role::Viewer, "pb")])]
    {
        assert!(matches!(sessions.issue_link(issuer(), wrong, true).await, Err(SessionError::Invalid(_))));
    }
}

#[tokio::test]
async fn a_session_ends_when_it_is_idle_and_after_a_day_of_work() {
    let world = world();
    let sessions = sessions(&world);
    let (secret, _) = log_in(&sessions, "asha", &[(Role::Viewer, "pb")]).await;
    let mut passed = Duration::ZERO;
    let step = SESSION_IDLE - Duration::from_millis(1);
    while passed + step < LONGEST_SESSION {
        world.clock.advance(step);
        passed += step;
        assert!(sessions.identify(&secret, ways()).await.unwrap().is_some(), "{passed:?}");
    }
    world.clock.advance(LONGEST_SESSION - passed);
    assert!(sessions.identify(&secret, ways()).await.unwrap().is_none(), "eight hours");
    let (secret, _) = log_in(&sessions, "asha", &[(Role::Viewer, "pb")]).await;
    world.clock.advance(SESSION_IDLE);
    assert!(sessions.identify(&secret, ways()).await.unwrap().is_none(), "idle");
}

#[tokio::test]
async fn a_login_renews_and_a_logout_ends_for_good() {
    let world = world();
    let sessions = sessions(&world);
    let (first, before) = log_in(&sessions, "asha", &[(Role::Viewer, "pb")]).await;
    let link = sessions.issue_link(issuer(), holder("asha", &[(Role::Viewer, "pb")]), false).await.unwrap();
    let begun = sessions.log_in_by_link(link.secret.expose_secret(), None, Some(&before)).await.unwrap();
    let second = begun.secret.expose_secret().to_owned();
    assert!(first != second && sessions.identify(&first, ways()).await.unwrap().is_none());
    let now = sessions.identify(&second, ways()).await.unwrap().unwrap();
    sessions.log_out(&now, None).await.unwrap();
    assert!(sessions.identify(&second, ways()).await.unwrap().is_none());
}

#[tokio::test]
async fn others_sessions_are_ended_by_an_admin_at_a_state_alone() {
    let world = world();
    let sessions = sessions(&world);
    let (viewers, viewer) = log_in(&sessions, "asha", &[(Role::Viewer, "pb")]).await;
    let (_, of_city) = log_in(&sessions, "bala", &[(Role::Admin, "pb.amritsar")]).await;
    let (_, of_state) = log_in(&sessions, "chand", &[(Role::Admin, "pb")]).await;
    assert_eq!(sessions.list(&viewer).await.unwrap(), std::slice::from_ref(&viewer.session));
    assert!(!sessions.end(&of_city, &viewer.session.id, None).await.unwrap());
    assert!(sessions.identify(&viewers, ways()).await.unwrap().is_some());
    assert_eq!(sessions.list(&of_state).await.unwrap().len(), 3);
    assert!(sessions.end(&of_state, &viewer.session.id, None).await.unwrap());
    assert!(!sessions.end(&of_state, &viewer.session.id, None).await.unwrap());
    assert!(sessions.identify(&viewers, ways()).await.unwrap().is_none());
}
