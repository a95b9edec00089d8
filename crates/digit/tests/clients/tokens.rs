//! Whose an access token is.

use std::sync::Arc;
use std::time::Duration;

use payment_digit::Tokens;
use payment_domain::RequestInfo;
use payment_simulator::digit::{Endpoint, Fault};
use serde_json::json;

use crate::world::{ErrorKind, World, hurried, kind_of};

const MINUTE: Duration = Duration::from_secs(60);

async fn uuid_of(world: &World, token: &str) -> Option<String> {
    let user = world.clients.tokens.user_of(token).await.unwrap()?;
    Some(RequestInfo::default().with_user(&user).user("uuid").unwrap().into_owned())
}

#[tokio::test]
async fn a_token_is_cached_for_a_minute_and_no_longer() {
    let world = World::new().await;
    world.digit.log_in("t-1", json!({"uuid": "u-1", "type": "CITIZEN"}));
    assert_eq!(uuid_of(&world, "t-1").await.as_deref(), Some("u-1"));
    world.digit.log_out("t-1");
    world.clock.advance(MINUTE - Duration::from_millis(1));
    assert_eq!(uuid_of(&world, "t-1").await.as_deref(), Some("u-1"), "it is not asked about each time");
    world.clock.advance(Duration::from_millis(1));
    assert_eq!(uuid_of(&world, "t-1").await, None, "a token that was revoked");
    assert_eq!(uuid_of(&world, "t-1").await, None);
    assert_eq!(world.digit.count(Endpoint::UserDetails), 2);
}

#[tokio::test]
async fn a_token_that_the_service_refuses_belongs_to_no_user() {
    let world = World::new().await;
    for (status, body) in [(400, "{}"), (401, r#"{"error":{"code":401}}"#), (403, "<html>"), (404, "")] {
        world.digit.set_fault(Endpoint::UserDetails, Fault::Refuse4xx { status, body: body.to_owned() });
        assert_eq!(uuid_of(&world, &format!("t-{status}")).await, None);
    }
}

#[tokio::test]
async fn a_malformed_token_is_refused_without_a_call() {
    let world = World::new().await;
    for token in ["", "a b", "a\r\nb", "ਟੋਕਨ", &"x".repeat(4_097)] {
        assert_eq!(uuid_of(&world, token).await, None);
    }
    assert_eq!(world.digit.count(Endpoint::UserDetails), 0);
    assert_eq!(uuid_of(&world, &"x".repeat(4_096)).await, None);
    assert_eq!(world.digit.count(Endpoint::UserDetails), 1);
}

#[tokio::test]
async fn a_token_is_escaped_in_the_request() {
    let world = World::new().await;
    uuid_of(&world, "a&access_token=b").await;
    assert_eq!(world.digit.calls(Endpoint::UserDetails)[0].query["access_token"], "a&access_token=b");
}

#[tokio::test]
async fn invented_tokens_cause_bounded_calls_and_waits() {
    let world = Arc::new(World::with(hurried()).await);
    world.digit.set_fault(Endpoint::UserDetails, Fault::Slow { ms: 60_000 });
    let began = std::time::Instant::now();
    let mut asking = tokio::task::JoinSet::new();
    for number in 0..200 {
        let world = world.clone();
        asking.spawn(
            async move { world.clients.tokens.user_of(&format!("t-{number}")).await.map_err(kind_of) },
        );
    }
    for answer in asking.join_all().await {
        assert_eq!(answer, Err(ErrorKind::Unanswered));
    }
    assert!(began.elapsed() < 3 * hurried().total_timeout, "{:?}", began.elapsed());
    assert!(world.digit.count(Endpoint::UserDetails) <= 64, "{}", world.digit.count(Endpoint::UserDetails));
}
