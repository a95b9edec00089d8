//! Closing an order: cancelled, or left to its end.

use payment_domain::Outcome;
use serde_json::{Value, json};
use wiremock::matchers::{body_json, method, path};
use wiremock::{Mock, MockServer, ResponseTemplate};

use super::tests::{ID, NUMBER, created, hyperswitch, json, outcome_at, refused, succeeded};
use super::*;
use crate::testing::{server_that_answers, transaction};

/// A server with the payment as it is before and after a call that cancels it.
async fn server_that_cancels(
    before: &Value,
    answer: ResponseTemplate,
    after: &Value,
    cancels: u64,
) -> MockServer {
    let server = MockServer::start().await;
    let at = || path(format!("/payments/{}", *NUMBER));
    let first = Mock::given(method("GET")).and(at()).respond_with(json(200, before));
    first.up_to_n_times(1).with_priority(1).mount(&server).await;
    Mock::given(method("GET")).and(at()).respond_with(json(200, after)).mount(&server).await;
    Mock::given(method("POST"))
        .and(path(format!("/payments/{}/cancel", *NUMBER)))
        .and(body_json(json!({ "cancellation_reason": "superseded by another payment" })))
        .respond_with(answer)
        .expect(cancels)
        .mount(&server)
        .await;
    server
}

async fn close(server: &MockServer) -> Report {
    hyperswitch(server).close(&transaction(ID, "19.99")).await.unwrap()
}

#[tokio::test]
async fn a_payment_that_no_provider_knows_is_cancelled_finally() {
    for status in ["requires_payment_method", "requires_confirmation"] {
        let open = created(&json!({ "status": status }));
        let cancelled = created(&json!({ "status": "cancelled" }));
        let server = server_that_cancels(&open, json(200, &cancelled), &cancelled, 1).await;
        assert_eq!(close(&server).await.outcome.name(), "declined");
        let answer = json(200, &cancelled);
        assert_eq!(outcome_at(0, answer).await.unwrap().outcome.name(), "declined", "and stays so");
    }
}

#[tokio::test]
async fn a_payment_that_is_under_way_or_over_is_not_cancelled() {
    for (changes, outcome) in [
        (json!({ "status": "requires_customer_action" }), "pending"),
        (json!({ "status": "requires_payment_method" }), "pending"),
        (json!({ "status": "processing" }), "pending"),
        (json!({ "status": "failed" }), "pending"),
        (json!({}), "paid"),
    ] {
        let payment = succeeded(&changes);
        let server = server_that_cancels(&payment, ResponseTemplate::new(500), &payment, 0).await;
        assert_eq!(close(&server).await.outcome.name(), outcome, "{changes}");
    }
    let server = server_that_answers(refused(404, "HE_02")).await;
    assert_eq!(close(&server).await.outcome, Outcome::NotFound);
}

#[tokio::test]
async fn a_payment_before_the_closing_is_found_after_the_refusal() {
    let open = created(&json!({}));
    for answer in [refused(400, "IR_16"), ResponseTemplate::new(500)] {
        let server = server_that_cancels(&open, answer, &succeeded(&json!({})), 1).await;
        assert_eq!(close(&server).await.outcome.name(), "paid");
    }
    // Cancelled by the router while a provider had it: it may be paid there.
    let in_doubt = succeeded(&json!({ "status": "cancelled" }));
    let server = server_that_cancels(&open, json(200, &in_doubt), &in_doubt, 1).await;
    assert_eq!(close(&server).await.outcome, Outcome::Pending);
}
