//! Webhooks: genuine, forged, old, and about something else.

use std::sync::LazyLock;

use payment_domain::{Currency, ManualClock, Money, Outcome, Timestamp};
use payment_gateway::Params;
use proptest::prelude::*;
use serde_json::{Value, json};

use super::tests::{ID, SECRET, account, started};
use super::*;
use crate::digest::hmac_sha256;
use crate::testing::{client, transaction};

const COMPLETED: &str = include_str!("fixtures/event_completed.json");
const NOW_S: i64 = 1_710_481_401;

/// An adapter that is never made to call.
fn adapter() -> &'static Stripe {
    static OFFLINE: LazyLock<Stripe> = LazyLock::new(|| {
        let clock = Arc::new(ManualClock::at(Timestamp::from_millis(NOW_S * 1_000)));
        Stripe::new(account("http://127.0.0.1:9"), client(), clock)
    });
    &OFFLINE
}

fn header(secret: &str, sent_s: i64, body: &str) -> String {
    let v1 = hmac_sha256(secret.as_bytes(), format!("{sent_s}.{body}").as_bytes());
    format!("t={sent_s},v1={}", hex::encode(v1))
}

fn webhook(body: &str, header: &str) -> Answer {
    let headers = Params::new(vec![("stripe-signature".to_owned(), header.to_owned())]);
    Answer { headers, body: body.to_owned().into(), ..Answer::default() }
}

fn signed(body: &str) -> Answer {
    webhook(body, &header(SECRET, NOW_S, body))
}

/// The event with another type, and with other members of its session.
fn event(kind: &str, changes: &Value) -> String {
    let mut event: Value = serde_json::from_str(COMPLETED).unwrap();
    event["type"] = kind.into();
    for (name, change) in changes.as_object().unwrap() {
        event["data"]["object"][name] = change.clone();
    }
    event.to_string()
}

async fn verify(answer: &Answer) -> Result<Evidence, GatewayError> {
    adapter().verify(&started(), answer).await
}

#[tokio::test]
async fn a_signed_event_is_believed_and_carries_its_number() {
    assert_eq!(adapter().names(&signed(COMPLETED)).unwrap().as_str(), ID);
    let Ok(Evidence::Signed(report)) = verify(&signed(COMPLETED)).await else { panic!("signed") };
    assert_eq!(report.outcome, Outcome::Paid { amount: Some(started().amount) });
    assert_eq!(report.gateway_txn_id.as_deref(), Some("pi_FAKE1"));
    assert_eq!(report.raw["event"]["id"], "evt_FAKE1");
    assert!(!report.raw.to_string().contains("asha@"), "{}", report.raw);
    // Nothing in it changes with a delivery: a repeated event is recognised.
    let again = COMPLETED.replace("\"pending_webhooks\": 1", "\"pending_webhooks\": 0");
    assert_ne!(again, COMPLETED);
    assert_eq!(verify(&signed(&again)).await.unwrap(), Evidence::Signed(report));
}

#[tokio::test]
async fn either_secret_is_good_while_they_are_changed() {
    for (secret, good) in [(SECRET, true), ("whsec_old", true), ("whsec_older", false), ("", false)] {
        let verified = verify(&webhook(COMPLETED, &header(secret, NOW_S, COMPLETED))).await;
        match good {
            true => assert!(matches!(verified, Ok(Evidence::Signed(_))), "{secret}: {verified:?}"),
            false => assert!(matches!(verified, Err(GatewayError::BadSignature)), "{secret}: {verified:?}"),
        }
    }
}

#[tokio::test]
async fn an_event_without_a_good_signature_is_refused() {
    let old = header(SECRET, NOW_S - 301, COMPLETED);
    let ahead = header(SECRET, NOW_S + 301, COMPLETED);
    for bad in ["", "t=1", &old, &ahead, &header(SECRET, NOW_S, "{}")] {
        let verified = verify(&webhook(COMPLETED, bad)).await;
        assert!(matches!(verified, Err(GatewayError::BadSignature)), "{bad}: {verified:?}");
    }
    let without = Answer { headers: Params::default(), ..signed(COMPLETED) };
    assert!(matches!(verify(&without).await, Err(GatewayError::BadSignature)));
}

#[tokio::test]
async fn events_without_a_configured_secret_are_only_a_reason_to_ask() {
    let mut account = account("http://127.0.0.1:9");
    account.webhook_secrets.clear();
    let adapter = Stripe::new(account, client(), Arc::new(ManualClock::at(Timestamp::from_millis(0))));
    for answer in [signed(COMPLETED), webhook(COMPLETED, "t=1,v1=00")] {
        assert_eq!(adapter.verify(&started(), &answer).await.unwrap(), Evidence::Unsigned);
        let other = adapter.verify(&transaction("OTHER", "19.99"), &answer).await;
        assert!(matches!(other, Err(GatewayError::WrongTransaction)), "{other:?}");
    }
}

#[tokio::test]
async fn every_event_about_a_session_has_its_meaning() {
    let unpaid = json!({ "payment_status": "unpaid", "payment_intent": "pi_1" });
    let expired = json!({ "payment_status": "unpaid", "status": "expired", "payment_intent": null });
    let declined = |reason: &str| Outcome::Declined { reason: reason.to_owned() };
    let paid = Outcome::Paid { amount: Some(started().amount) };
    for (kind, changes, outcome) in [
        ("checkout.session.completed", json!({}), Some(paid.clone())),
        ("checkout.session.completed", unpaid.clone(), Some(Outcome::Pending)),
        ("checkout.session.async_payment_succeeded", json!({}), Some(paid.clone())),
        ("checkout.session.async_payment_failed", unpaid.clone(), Some(declined("the payment failed"))),
        // A contradiction is not a refusal.
        ("checkout.session.async_payment_failed", json!({}), Some(paid)),
        ("checkout.session.expired", expired.clone(), Some(declined("the session expired"))),
        ("checkout.session.thought_about", json!({}), None),
        ("", json!({}), None),
        ("payment_intent.succeeded", json!({ "object": "payment_intent" }), None),
    ] {
        let verified = verify(&signed(&event(kind, &changes))).await.unwrap();
        let told = match &verified {
            Evidence::Signed(report) => Some(&report.outcome),
            Evidence::Unsigned => None,
        };
        assert_eq!(told, outcome.as_ref(), "{kind} {changes}");
    }
}

#[tokio::test]
async fn an_event_about_something_else_is_refused() {
    for changes in [
        json!({ "client_reference_id": "OTHER" }),
        json!({ "client_reference_id": null, "metadata": null }),
        json!({ "id": "cs_test_other" }),
        json!({ "amount_total": 2_000 }),
        json!({ "amount_total": null }),
        json!({ "currency": "usd" }),
        json!({ "currency": null }),
    ] {
        let verified = verify(&signed(&event("checkout.session.completed", &changes))).await;
        assert!(matches!(verified, Err(GatewayError::WrongTransaction)), "{changes}: {verified:?}");
    }
    // The same digits in another currency.
    let yen = Money::from_minor(1_999, Currency::from_code("JPY").unwrap()).unwrap();
    let txn = Transaction { amount: yen, ..started() };
    let verified = adapter().verify(&txn, &signed(COMPLETED)).await;
    assert!(matches!(verified, Err(GatewayError::WrongTransaction)), "{verified:?}");
}

#[tokio::test]
async fn an_order_is_named_by_the_metadata_where_the_reference_is_missing() {
    let body = event("checkout.session.completed", &json!({ "client_reference_id": null }));
    assert_eq!(adapter().names(&signed(&body)).unwrap().as_str(), ID);
    assert!(matches!(verify(&signed(&body)).await, Ok(Evidence::Signed(_))));
}

proptest! {
    #[test]
    fn no_body_and_no_header_panics_or_is_believed(body in "\\PC{0,200}", header in "\\PC{0,80}", cut in 0_usize..400) {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        let bytes = COMPLETED.as_bytes();
        let whole = signed(COMPLETED);
        for answer in [
            webhook(&body, &header),
            webhook(COMPLETED, &header),
            Answer { body: bytes[..cut.min(bytes.len() - 2)].to_vec().into(), ..whole },
        ] {
            let verified = runtime.block_on(verify(&answer));
            prop_assert!(!matches!(verified, Ok(Evidence::Signed(_))), "{:?}", verified);
            let _ = adapter().names(&answer);
        }
    }
}
