//! A provider that does not answer, answers too much, or changes its keys.

use payment_oidc::{Answer, Flaw, OidcError};
use payment_testing::provider::Trouble;

use crate::{RETURN, world};

#[tokio::test]
async fn a_provider_in_trouble_is_left_alone_for_a_moment_and_then_asked_again() {
    for trouble in [Trouble::Unavailable, Trouble::Garbage, Trouble::Huge, Trouble::Slow] {
        let world = world().await;
        world.honest.trouble(Some(trouble));
        for _ in 0..3 {
            let begun = world.client.begin(RETURN).await;
            assert!(matches!(begun, Err(OidcError::Unavailable(_))), "{trouble:?}: {begun:?}");
        }
        assert_eq!(world.honest.described(), 1, "{trouble:?}");
        world.honest.trouble(None);
        world.advance(5);
        world.log_in().await.unwrap();
    }
}

#[tokio::test]
async fn an_outage_between_leaving_and_coming_back_is_told_as_one() {
    for trouble in [Trouble::Unavailable, Trouble::Huge, Trouble::Slow] {
        let world = world().await;
        let begun = world.client.begin(RETURN).await.unwrap();
        let back = world.honest.visit(&begun.url);
        world.honest.trouble(Some(trouble));
        let answer = Answer { code: &back.code, issuer: None };
        let finished = world.client.finish(RETURN, &begun.attempt, answer).await.unwrap_err();
        let is_told =
            matches!(finished, OidcError::Unavailable(_) | OidcError::Invalid { flaw: Flaw::Unreadable, .. });
        assert!(is_told, "{trouble:?}: {finished:?}");
    }
}

#[tokio::test]
async fn a_key_that_is_not_known_is_asked_for_once_a_minute() {
    let world = world().await;
    world.log_in().await.unwrap();
    world.honest.rotate_key("key-2");
    let early = world.log_in().await.unwrap_err();
    assert!(matches!(early, OidcError::Invalid { flaw: Flaw::Signature, .. }), "{early:?}");
    assert_eq!(world.honest.described(), 1);
    world.advance(60);
    world.log_in().await.unwrap();
    assert_eq!(world.honest.described(), 2);
    world.honest.rotate_key("key-3");
    assert!(world.log_in().await.is_err());
    assert_eq!(world.honest.described(), 2, "at most once a minute");
    world.advance(3_600);
    world.log_in().await.unwrap();
    assert_eq!(world.honest.described(), 3, "a withdrawn key counts for an hour at most");
}
