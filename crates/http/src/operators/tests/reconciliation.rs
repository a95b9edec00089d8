//! Reconciling by hand over HTTP.

use std::time::Duration;

use http::StatusCode;
use payment_domain::{Outcome, TxnId};
use serde_json::{Value, json};

use crate::RequestLimits;
use crate::testing::{Answer, Choices, TestApp, create_body, paid, request_info};

const INTERVAL: Duration = Duration::from_secs(15 * 60);

async fn reconcile(app: &TestApp, body: Value) -> Answer {
    app.operate("/reconciliation/v1/_run", &body).await
}

/// The outcome for one gateway, without its duration.
fn counts(answer: &Answer) -> Value {
    let mut gateways = answer.json()["Reconciliation"]["gateways"].clone();
    for gateway in gateways.as_array_mut().unwrap() {
        gateway.as_object_mut().unwrap().remove("tookMs");
    }
    gateways
}

async fn status(app: &TestApp, id: &str) -> String {
    let txn = app.payments.ports.store.transaction(&TxnId::new(id).unwrap()).await.unwrap().unwrap();
    txn.status.name().as_str().to_owned()
}

#[tokio::test]
async fn pending_payments_of_an_interval_and_more_are_checked_and_counted_by_gateway() {
    let app = TestApp::new();
    let (one, two, three) = (app.pending("b1").await, app.pending("b2").await, app.pending("b3").await);
    app.gateway.answers_for(&TxnId::new(one.as_str()).unwrap(), paid("100"));
    app.gateway
        .answers_for(&TxnId::new(two.as_str()).unwrap(), Outcome::Declined { reason: "no".to_owned() });
    app.gateway.answers_for(&TxnId::new(three.as_str()).unwrap(), Outcome::Pending);
    app.clock.advance(INTERVAL);
    app.pending("young").await;

    let answer = reconcile(&app, json!({ "RequestInfo": request_info() })).await;
    assert_eq!(answer.status, StatusCode::OK, "{}", answer.text());
    assert_eq!(
        counts(&answer),
        json!([{"gateway": "FAKE", "checked": 3, "paid": 1, "failed": 1, "stillPending": 1, "notAsked": 0}])
    );
    let whole = &answer.json()["Reconciliation"];
    assert_eq!(
        (&whole["taken"], &whole["next"], &whole["finished"]),
        (&json!(3), &json!(null), &json!(true))
    );
    assert!(app.whole(&one).await.contains(r#"kind: User, id: "citizen-1""#), "who did it is in the history");
}

#[tokio::test]
async fn a_dry_run_lists_the_due_checks_and_changes_nothing() {
    let app = TestApp::new();
    let id = app.pending("b1").await;
    app.gateway.answers(paid("100"));
    app.clock.advance(INTERVAL);
    let before = app.whole(&id).await;
    let answer = reconcile(&app, json!({"dryRun": true})).await;
    insta::assert_snapshot!(format!("{:#}", answer.json()["Reconciliation"]));
    let one = reconcile(&app, json!({"dryRun": "true", "txnId": id})).await;
    assert_eq!(one.json()["Reconciliation"]["due"][0]["txnId"], id.as_str());
    assert_eq!(app.gateway.asked(), 0);
    assert_eq!(app.whole(&id).await, before);
}

#[tokio::test]
async fn gateway_and_age_narrow() {
    let app = TestApp::new();
    app.pending("b1").await;
    let mut other = create_body("b2");
    other["Transaction"]["gateway"] = "NETWORK".into();
    app.create(&other).await;
    app.clock.advance(Duration::from_secs(60));
    let taken = async |body: Value| reconcile(&app, body).await.json()["Reconciliation"]["taken"].clone();
    assert_eq!(taken(json!({"dryRun": true})).await, 0, "an interval, unless it is said");
    assert_eq!(taken(json!({"dryRun": true, "olderThan": "1m"})).await, 2);
    assert_eq!(taken(json!({"dryRun": true, "olderThan": "61s"})).await, 0);
    assert_eq!(taken(json!({"dryRun": true, "olderThan": "0s", "gateway": "network"})).await, 1);
}

#[tokio::test]
async fn one_payment_is_checked_at_any_age() {
    let app = TestApp::new();
    let id = app.pending("b1").await;
    app.gateway.answers(paid("100"));
    let answer = reconcile(&app, json!({"txnId": id, "by": "clerk-7"})).await;
    assert_eq!(
        counts(&answer),
        json!([{"gateway": "FAKE", "checked": 1, "paid": 1, "failed": 0, "stillPending": 0, "notAsked": 0}])
    );
    assert!(app.whole(&id).await.contains("clerk-7"));
    let unknown = reconcile(&app, json!({"txnId": "UNKNOWN"})).await;
    assert_eq!(unknown.codes(), ["TXN_UPDATE_NOT_FOUND"]);
}

#[tokio::test]
async fn an_unanswered_status_request_is_named_and_stops_no_other_payment() {
    let app = TestApp::new();
    let (one, two) = (app.pending("b1").await, app.pending("b2").await);
    app.gateway.is_unavailable();
    app.gateway.answers_for(&TxnId::new(two.as_str()).unwrap(), paid("100"));
    app.clock.advance(INTERVAL);
    let answer = reconcile(&app, json!({})).await;
    assert_eq!(
        counts(&answer),
        json!([{"gateway": "FAKE", "checked": 2, "paid": 1, "failed": 0, "stillPending": 0, "notAsked": 1}])
    );
    assert_eq!(answer.json()["Reconciliation"]["notAsked"][0]["txnId"], one.as_str());
    assert_eq!(status(&app, &one).await, "PENDING");
}

#[tokio::test]
async fn a_long_run_continues_after_its_answer_one_at_a_time() {
    let limits = RequestLimits { request_time: Duration::from_secs(2), ..RequestLimits::default() };
    let app = TestApp::with(Choices { limits, ..Choices::default() });
    let id = app.pending("b1").await;
    app.gateway.answers(paid("100"));
    app.gateway.is_slow(Duration::from_secs(4));
    app.clock.advance(INTERVAL);
    let answer = reconcile(&app, json!({})).await;
    assert_eq!(answer.status, StatusCode::ACCEPTED);
    assert_eq!(answer.json()["Reconciliation"]["finished"], false);
    assert_eq!(counts(&answer), json!([]));
    let second = reconcile(&app, json!({})).await;
    assert_eq!(
        (second.status, second.codes()),
        (StatusCode::CONFLICT, vec!["RECONCILIATION_AT_WORK".to_owned()])
    );
    assert_eq!(reconcile(&app, json!({"dryRun": true})).await.status, StatusCode::OK, "looking is free");

    app.payments.ports.tasks.close();
    app.payments.ports.tasks.wait().await;
    assert_eq!(status(&app, &id).await, "SUCCESS");
}

#[tokio::test]
async fn a_shutdown_begins_nothing_new() {
    let app = TestApp::new();
    let id = app.pending("b1").await;
    app.gateway.answers(paid("100"));
    app.clock.advance(INTERVAL);
    app.stop.cancel();
    let answer = reconcile(&app, json!({})).await;
    assert_eq!(counts(&answer), json!([]));
    assert_eq!(status(&app, &id).await, "PENDING");
}

#[tokio::test]
async fn wishes_that_cannot_be_met_are_refused_together() {
    let app = TestApp::new();
    let wrong =
        json!({"gateway": "UNKNOWN", "olderThan": "30", "txnId": "T1", "dryRun": "perhaps", "by": ""});
    assert_eq!(
        reconcile(&app, wrong).await.codes(),
        [
            "Pattern.reconciliation.gateway",
            "Pattern.reconciliation.olderThan",
            "Exclusive.reconciliation.txnId",
            "Pattern.reconciliation.dryRun",
            "Size.reconciliation.by"
        ]
    );
}
