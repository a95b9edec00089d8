//! Answers that prove nothing.

use payment_oidc::{Answer, Flaw, OidcError};
use payment_testing::provider::{SECRET, Signing};
use serde_json::{Value, json};

use crate::{NOW, RETURN, World, world};

async fn flaw(world: &World) -> Flaw {
    match world.log_in().await {
        Err(OidcError::Invalid { flaw, detail }) => {
            assert!(!detail.contains("Asha") && !detail.contains(SECRET), "{detail}");
            flaw
        }
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn a_token_with_a_lie_proves_nothing() {
    type Lie = fn(&mut Value, &mut Value);
    let lies: [(Flaw, Lie); 14] = [
        (Flaw::Nonce, |_, claims| claims["nonce"] = "another".into()),
        (Flaw::Nonce, |_, claims| claims["nonce"] = Value::Null),
        (Flaw::Audience, |_, claims| claims["aud"] = "another".into()),
        (Flaw::Audience, |_, claims| claims["aud"] = json!(["pg-console", "another"])),
        (Flaw::Audience, |_, claims| claims["aud"] = json!([])),
        (Flaw::Audience, |_, claims| claims["azp"] = "another".into()),
        (Flaw::Issuer, |_, claims| claims["iss"] = "https://evil.example".into()),
        (Flaw::Issuer, |_, claims| claims["iss"] = format!("{}/", claims["iss"].as_str().unwrap()).into()),
        (Flaw::Expired, |_, claims| claims["exp"] = (NOW - 60).into()),
        (Flaw::Issued, |_, claims| claims["iat"] = (NOW + 61).into()),
        (Flaw::Unreadable, |_, claims| claims["sub"] = "".into()),
        (Flaw::Signature, |header, _| header["kid"] = "key-unknown".into()),
        (Flaw::Signature, |header, _| header["alg"] = "ES256".into()),
        (Flaw::Unreadable, |header, _| header["crit"] = json!(["exp"])),
    ];
    let world = world().await;
    for (place, (expected, lie)) in lies.into_iter().enumerate() {
        world.honest.alter(lie);
        assert_eq!(flaw(&world).await, expected, "lie {place}");
    }
    for missing in ["exp", "iat", "sub", "iss", "aud"] {
        world.honest.alter(|_, _| {});
        let name = missing.to_owned();
        world.honest.alter(move |_, claims| {
            claims.as_object_mut().unwrap().remove(&name);
        });
        assert!(world.log_in().await.is_err(), "{missing}");
    }
    world.honest.be_honest();
    world.log_in().await.unwrap();
}

#[tokio::test]
async fn clocks_may_differ_by_a_minute() {
    let world = world().await;
    world.honest.alter(|_, claims| {
        claims["iat"] = (NOW + 60).into();
        claims["exp"] = (NOW - 59).into();
    });
    world.log_in().await.unwrap();
}

#[tokio::test]
async fn no_signature_counts_but_that_of_a_published_key() {
    let world = world().await;
    for signing in [
        Signing::None,
        Signing::Secret(SECRET.as_bytes()),
        Signing::Secret(b""),
        Signing::PublicKeyAsSecret,
        Signing::ForgedKey,
    ] {
        world.honest.sign(signing);
        let refused = world.log_in().await;
        let is_flaw =
            matches!(refused, Err(OidcError::Invalid { flaw: Flaw::Signature | Flaw::Unreadable, .. }));
        assert!(is_flaw, "{signing:?}: {refused:?}");
    }
}

#[tokio::test]
async fn a_code_is_the_answer_to_its_own_attempt_alone() {
    let world = world().await;
    world.honest.give_codes_again();
    let (mine, theirs) =
        (world.client.begin(RETURN).await.unwrap(), world.client.begin(RETURN).await.unwrap());
    let (my_back, their_back) = (world.honest.visit(&mine.url), world.honest.visit(&theirs.url));
    assert_ne!(mine.attempt.digest(), theirs.attempt.digest());
    let answer = Answer { code: &their_back.code, issuer: None };
    let injected = world.client.finish(RETURN, &mine.attempt, answer).await;
    assert!(matches!(injected, Err(OidcError::Refused(_))), "PKCE: {injected:?}");
    let answer = |issuer| Answer { code: &my_back.code, issuer };
    let mixed_up = world.client.finish(RETURN, &mine.attempt, answer(Some("https://evil.example"))).await;
    assert!(matches!(mixed_up, Err(OidcError::Invalid { flaw: Flaw::Issuer, .. })), "{mixed_up:?}");
    let elsewhere = world.client.finish("https://evil.example/back", &mine.attempt, answer(None)).await;
    assert!(matches!(elsewhere, Err(OidcError::Refused(_))), "{elsewhere:?}");
    let url = world.honest.url();
    world.client.finish(RETURN, &mine.attempt, answer(Some(&url))).await.unwrap();
    world.honest.be_honest();
    let first = world.client.finish(RETURN, &mine.attempt, answer(None)).await;
    let again = world.client.finish(RETURN, &mine.attempt, answer(None)).await;
    assert!(
        first.is_ok() && matches!(again, Err(OidcError::Refused(_))),
        "the provider's own rule: {again:?}"
    );
}

#[tokio::test]
async fn a_provider_that_names_itself_otherwise_is_not_used() {
    for (member, value) in [
        ("issuer", json!("https://evil.example")),
        ("issuer", json!(null)),
        ("authorization_endpoint", json!("ftp://id.example/authorize")),
        ("jwks_uri", json!("file:///etc/passwd")),
        ("token_endpoint", json!("javascript:alert(1)")),
        ("end_session_endpoint", json!("javascript:alert(1)")),
    ] {
        let world = world().await;
        world.honest.describe_as(member, value);
        let begun = world.client.begin(RETURN).await;
        assert!(matches!(begun, Err(OidcError::Unavailable(_))), "{member}: {begun:?}");
    }
}
