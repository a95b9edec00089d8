//! Tests of the evidence of webhooks and redirects.

use bytes::Bytes;
use payment_domain::Outcome;
use payment_gateway::Params;
use serde_json::{Value, json};

use super::tests::{ID, NUMBER, hyperswitch_at, succeeded};
use super::*;
use crate::digest::hmac_sha512;
use crate::testing::{client, transaction};

fn event(payment: &Value) -> String {
    json!({
        "merchant_id": "merchant_fake",
        "event_id": "evt_FAKE1",
        "event_type": "payment_succeeded",
        "content": { "type": "payment_details", "object": payment },
        "timestamp": "2024-03-15T05:42:12.000Z",
    })
    .to_string()
}

fn webhook(body: &str, signature: Option<&str>) -> Answer {
    let header = signature.map(|value| (X_WEBHOOK_SIGNATURE.to_owned(), value.to_owned()));
    Answer {
        headers: Params::new(header.into_iter().collect()),
        body: Bytes::from(body.to_owned()),
        ..Answer::default()
    }
}

fn signed(body: &str, key: &str) -> Answer {
    webhook(body, Some(&hex::encode(hmac_sha512(key.as_bytes(), body.as_bytes()))))
}

async fn verify(answer: &Answer) -> Result<Evidence, GatewayError> {
    let adapter = hyperswitch_at("https://router.example", client(), 0);
    adapter.verify(&transaction(ID, "19.99"), answer).await
}

fn redirect(pairs: &[(&str, &str)]) -> Answer {
    Answer::of_params(Params::new(
        pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect(),
    ))
}

#[tokio::test]
async fn a_webhook_is_evidence_under_either_key() {
    let body = event(&succeeded(&json!({})));
    for key in ["fa4efa4e", "0ld0ld"] {
        let Evidence::Signed(report) = verify(&signed(&body, key)).await.unwrap() else { panic!("unsigned") };
        assert!(matches!(report.outcome, Outcome::Paid { amount: Some(amount) } if amount.minor() == 1_999));
        assert_eq!(report.raw["event"]["event_id"], "evt_FAKE1", "one event is told from another");
        let raw = report.raw.to_string();
        assert!(!raw.contains("Asha") && !raw.contains("secret"), "{raw}");
    }
}

#[tokio::test]
async fn a_webhook_that_is_not_signed_so_is_refused() {
    let body = event(&succeeded(&json!({})));
    let right = hex::encode(hmac_sha512(b"fa4efa4e", body.as_bytes()));
    for wrong in [None, Some(""), Some(&right[1..]), Some("t=1700000000,v1=00"), Some("null")] {
        let refused = verify(&webhook(&body, wrong)).await;
        assert!(matches!(refused, Err(GatewayError::BadSignature)), "{wrong:?}: {refused:?}");
    }
    for changed in [format!("{body} "), body.replace("1999", "1998"), body.replace("succeeded", "failed")] {
        let refused = verify(&webhook(&changed, Some(&right))).await;
        assert!(matches!(refused, Err(GatewayError::BadSignature)), "{refused:?}");
    }
}

#[tokio::test]
async fn a_signed_webhook_about_another_payment_is_refused() {
    for changes in [
        json!({ "merchant_order_reference_id": "ANOTHER-1" }),
        json!({ "payment_id": "another" }),
        json!({ "payment_id": null }),
        json!({ "amount": 1_998 }),
        json!({ "currency": "USD" }),
    ] {
        let refused = verify(&signed(&event(&succeeded(&changes)), "fa4efa4e")).await;
        assert!(matches!(refused, Err(GatewayError::WrongTransaction)), "{changes}: {refused:?}");
    }
}

#[test]
fn a_webhook_names_its_transaction_by_reference_or_metadata() {
    let adapter = hyperswitch_at("https://router.example", client(), 0);
    for (changes, named) in [
        (json!({}), Some(ID)),
        (json!({ "merchant_order_reference_id": null }), Some(ID)),
        (json!({ "merchant_order_reference_id": null, "metadata": null }), None),
        (json!({ "merchant_order_reference_id": "ANOTHER-1" }), Some("ANOTHER-1")),
    ] {
        let named_by = adapter.names(&webhook(&event(&succeeded(&changes)), None));
        assert_eq!(named_by.as_ref().map(TxnId::as_str), named, "{changes}");
    }
    assert_eq!(adapter.names(&redirect(&[(REFERENCE, ID)])), TxnId::new(ID).ok());
}

#[tokio::test]
async fn a_webhook_of_a_failed_attempt_declines_nothing() {
    let failed = succeeded(&json!({ "status": "failed", "amount_received": null }));
    let Evidence::Signed(report) = verify(&signed(&event(&failed), "fa4efa4e")).await.unwrap() else {
        panic!("unsigned")
    };
    assert_eq!(report.outcome, Outcome::Pending);
}

#[tokio::test]
async fn a_redirect_is_only_a_reason_to_ask() {
    let secret = format!("{}_secret_FAKE", *NUMBER);
    let pairs = [
        (REFERENCE, ID),
        ("status", "succeeded"),
        ("payment_intent_client_secret", secret.as_str()),
        ("amount", "1999"),
        ("manual_retry_allowed", "false"),
    ];
    assert_eq!(verify(&redirect(&pairs)).await.unwrap(), Evidence::Unsigned);
    let text = signature::signed_text(pairs.to_vec());
    let signature = hex::encode(hmac_sha512(b"fa4efa4e", text.as_bytes()));
    let signed = [("signature", signature.as_str()), ("signature_algorithm", "HMAC-SHA512")];
    assert_eq!(verify(&redirect(&[&pairs[..], &signed].concat())).await.unwrap(), Evidence::Unsigned);
    let failed: Vec<_> =
        pairs.iter().map(|&(name, value)| (name, if name == "status" { "failed" } else { value })).collect();
    let refused = verify(&redirect(&[&failed[..], &signed].concat())).await;
    assert!(matches!(refused, Err(GatewayError::BadSignature)), "{refused:?}");
    let of_another = [&[(REFERENCE, "ANOTHER-1")], &pairs[1..], &signed].concat();
    let refused = verify(&redirect(&of_another)).await;
    assert!(matches!(refused, Err(GatewayError::WrongTransaction)), "{refused:?}");
}
