//! Messages of payers' browsers and of the gateway's server: genuine, forged, swapped, replayed, arbitrary.

use bytes::Bytes;
use payment_domain::Outcome;
use payment_gateway::Params;
use proptest::prelude::*;
use secrecy::SecretString;
use serde_json::json;

use super::tests::{ID, link, razorpay_at};
use super::*;
use crate::testing::{client, transaction};

const EVENT: &str = include_str!("fixtures/event_paid.json");
const SECRET: &str = "fake-webhook-secret+&=1";
const PREVIOUS_SECRET: &str = "fake-webhook-secret-0";
const KEY_SECRET: &str = "FAKEsecretFAKEsecret0000";

fn event(body: impl Into<Bytes>, secret: &str, event_id: &str) -> Answer {
    let body = body.into();
    let signature = signature::sign(&SecretString::from(secret), &body);
    let headers = [("x-razorpay-signature", signature.as_str()), ("x-razorpay-event-id", event_id)];
    let headers = headers.map(|(name, value)| (name.to_owned(), value.to_owned()));
    Answer { headers: Params::new(headers.to_vec()), body, ..Answer::default() }
}

async fn verify(txn: &Transaction, answer: &Answer) -> Result<Evidence, GatewayError> {
    razorpay_at("http://127.0.0.1:9", client()).verify(txn, answer).await
}

/// The event of the fixture, with another member of its link.
fn event_with(name: &str, value: Value) -> String {
    let mut event: Value = serde_json::from_str(EVENT).unwrap();
    event["payload"]["payment_link"]["entity"][name] = value;
    event.to_string()
}

#[tokio::test]
async fn an_event_is_believed_with_either_secret() {
    let txn = transaction(ID, "19.99");
    for secret in [SECRET, PREVIOUS_SECRET] {
        let answer = event(EVENT, secret, "event-1");
        assert_eq!(razorpay_at("https://x", client()).names(&answer), Some(txn.id.clone()));
        let Evidence::Signed(report) = verify(&txn, &answer).await.unwrap() else { panic!("not signed") };
        assert_eq!(report.outcome, Outcome::Paid { amount: Some(txn.amount) });
        assert_eq!(report.gateway_txn_id.as_deref(), Some("pay_FAKE0000000001"));
        if secret == SECRET {
            insta::assert_snapshot!(format!("{:#}", report.raw));
        }
    }
}

#[tokio::test]
async fn an_event_that_comes_again_is_the_same_whatever_its_unsigned_header_says() {
    let txn = transaction(ID, "19.99");
    let first = verify(&txn, &event(EVENT, SECRET, "event-1")).await.unwrap();
    assert_eq!(verify(&txn, &event(EVENT, SECRET, "event-1")).await.unwrap(), first);
    assert_eq!(verify(&txn, &event(EVENT, PREVIOUS_SECRET, "event-2")).await.unwrap(), first);
    let later = EVENT.replace("1710480004", "1710480005");
    assert_ne!(verify(&txn, &event(later, SECRET, "event-1")).await.unwrap(), first, "another event");
}

#[tokio::test]
async fn a_forged_event_is_refused() {
    let txn = transaction(ID, "19.99");
    let genuine = event(EVENT, SECRET, "e");
    let unsigned = Answer { headers: Params::default(), ..genuine.clone() };
    let mut forged = vec![unsigned, event(EVENT, KEY_SECRET, "e"), event(EVENT, "", "e")];
    for body in [
        EVENT.replace("\"status\":\"paid\"", "\"status\":\"expired\""),
        EVENT.replace(":1999", ":1"),
        EVENT.replace(ID, "PB_PG_2"),
        EVENT.replacen(':', ": ", 1),
    ] {
        assert_ne!(body, EVENT);
        forged.push(Answer { body: body.into(), ..genuine.clone() });
    }
    for answer in forged {
        let result = verify(&txn, &answer).await;
        assert!(matches!(result, Err(GatewayError::BadSignature)), "{result:?}");
    }
}

#[tokio::test]
async fn an_event_about_something_else_is_not_about_this_transaction() {
    let txn = transaction(ID, "19.99");
    let replayed = event(EVENT, SECRET, "e");
    for (about, answer) in [
        (transaction("PB_PG_2", "19.99"), replayed.clone()),
        (transaction(ID, "19.98"), replayed),
        (txn.clone(), event(event_with("currency", json!("USD")), SECRET, "e")),
        (txn.clone(), event(event_with("amount", Value::Null), SECRET, "e")),
        (txn.clone(), event(event_with("reference_id", Value::Null), SECRET, "e")),
        (txn, event(r#"{"event":"payment.captured","payload":{"payment":{"entity":{}}}}"#, SECRET, "e")),
    ] {
        let result = verify(&about, &answer).await;
        assert!(matches!(result, Err(GatewayError::WrongTransaction)), "{result:?}");
    }
}

#[tokio::test]
async fn another_amount_that_was_paid_is_what_an_event_reports() {
    let answer = event(event_with("amount_paid", json!(1_899)), SECRET, "e");
    let Ok(Evidence::Signed(report)) = verify(&transaction(ID, "19.99"), &answer).await else { panic!() };
    assert_eq!(report.outcome, Outcome::Paid { amount: Some(transaction(ID, "18.99").amount) });
}

#[tokio::test]
async fn without_a_secret_an_event_is_a_reason_to_ask() {
    let mut gateway = razorpay_at("https://x", client());
    gateway.account.webhook_secrets.clear();
    let (txn, other) = (transaction(ID, "19.99"), transaction("PB_PG_2", "19.99"));
    let answer = event(EVENT, SECRET, "e");
    assert_eq!(gateway.verify(&txn, &answer).await.unwrap(), Evidence::Unsigned);
    let result = gateway.verify(&other, &answer).await;
    assert!(matches!(result, Err(GatewayError::WrongTransaction)), "{result:?}");
}

fn callback(pairs: &[(&str, &str)]) -> Answer {
    let pairs = pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
    Answer::of_params(Params::new(pairs.collect()))
}

/// A signed answer of a browser.
fn brought(reference: &str, status: &str) -> Vec<(&'static str, String)> {
    let values = ["plink_FAKE0000000001", reference, status, "pay_FAKE0000000001"];
    let text = signature::joined(&values);
    let signature = signature::sign(&SecretString::from(KEY_SECRET), text.as_bytes());
    let mut pairs: Vec<_> = SIGNED.into_iter().zip(values.map(str::to_owned)).collect();
    pairs.push((SIGNATURE, signature));
    pairs
}

async fn brings(txn: &Transaction, pairs: &[(&'static str, String)]) -> Result<Evidence, GatewayError> {
    let pairs: Vec<_> = pairs.iter().map(|(name, value)| (*name, value.as_str())).collect();
    verify(txn, &callback(&pairs)).await
}

#[tokio::test]
async fn the_browsers_return_decides_nothing() {
    let txn = transaction(ID, "19.99");
    for status in ["paid", "partially_paid", "expired", "cancelled"] {
        assert_eq!(brings(&txn, &brought(ID, status)).await.unwrap(), Evidence::Unsigned, "{status}");
    }
    assert_eq!(verify(&txn, &callback(&[("eg_pg_txnid", ID)])).await.unwrap(), Evidence::Unsigned);
    assert_eq!(verify(&txn, &callback(&[(REFERENCE, ID)])).await.unwrap(), Evidence::Unsigned);
}

#[tokio::test]
async fn a_forged_swapped_or_doubled_return_is_refused() {
    let txn = transaction(ID, "19.99");
    for place in 0..SIGNED.len() {
        let mut forged = brought(ID, "paid");
        forged[place].1.push('x');
        let result = brings(&txn, &forged).await;
        assert!(matches!(result, Err(GatewayError::BadSignature)), "{place}: {result:?}");
    }
    let mut swapped = brought(ID, "paid");
    let other = swapped[0].1.clone();
    swapped[0].1 = std::mem::replace(&mut swapped[3].1, other);
    assert!(matches!(brings(&txn, &swapped).await, Err(GatewayError::BadSignature)));
    let mut twice = brought(ID, "paid");
    twice.push((REFERENCE, "PB_PG_2".to_owned()));
    assert!(matches!(brings(&txn, &twice).await, Err(GatewayError::BadSignature)));
    let mut upper_case = brought(ID, "paid");
    upper_case[4].1 = upper_case[4].1.to_uppercase();
    assert!(matches!(brings(&txn, &upper_case).await, Err(GatewayError::BadSignature)));
    let replayed = brings(&transaction("PB_PG_2", "19.99"), &brought(ID, "paid")).await;
    assert!(matches!(replayed, Err(GatewayError::WrongTransaction)), "{replayed:?}");
    let unsigned = verify(&txn, &callback(&[(REFERENCE, "PB_PG_2")])).await;
    assert!(matches!(unsigned, Err(GatewayError::WrongTransaction)), "{unsigned:?}");
}

fn words() -> impl Strategy<Value = Value> {
    prop_oneof![
        proptest::sample::select(vec![
            "paid",
            "created",
            "expired",
            "cancelled",
            "captured",
            "authorized",
            "failed"
        ])
        .prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        "\\PC{0,20}".prop_map(Value::from),
        Just(Value::Null),
        Just(json!([{ "status": "captured", "amount": 1 }])),
        Just(json!({})),
    ]
}

proptest! {
    #[test]
    fn no_bytes_are_read_as_a_link_or_an_event(body: Vec<u8>, text in "\\PC{0,60}") {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        for body in [body, text.into_bytes()] {
            let answer = Answer { body: body.into(), ..Answer::default() };
            let verified = runtime.block_on(verify(&transaction(ID, "19.99"), &answer));
            prop_assert!(!matches!(verified, Ok(Evidence::Signed(_))));
            prop_assert_eq!(razorpay_at("https://x", client()).names(&answer), None);
        }
    }

    #[test]
    fn only_a_closed_link_without_money_is_declined(
        status in words(), paid in words(), attempts in words(), word in words(), now_ms in 0i64..2_000_000_000_000,
    ) {
        let changes = [("status", status.clone()), ("amount_paid", paid), ("payments", attempts)];
        let object = Object::parse(link(&changes).to_string().as_bytes()).unwrap();
        let Some(link) = Link::read(&object) else { return Ok(()) };
        let listed = json!({ "items": [{ "id": "pay_1", "status": word, "amount": 1 }] }).to_string();
        let link = link.with_attempts(&Object::parse(listed.as_bytes()).unwrap()).unwrap();
        let declined = matches!(link.report(payment_domain::Timestamp::from_millis(now_ms)).outcome, Outcome::Declined { .. });
        let closed = status == "expired" || status == "cancelled";
        prop_assert!(!declined || (closed && word == "failed"));
    }
}
