//! The attention list: found, read without knowing the payer, resolved once.

use http::StatusCode;
use payment_domain::{Outcome, TxnId};
use serde_json::{Value, json};

use crate::testing::{Answer, TestApp, create_body, paid, request_info};

/// A transaction that counts as failed and was paid; returns its id.
pub(super) async fn paid_late(app: &TestApp, bill: &str) -> String {
    let id = app.pending(bill).await;
    let txn_id = TxnId::new(id.as_str()).unwrap();
    app.gateway.answers_for(&txn_id, Outcome::Declined { reason: "no funds".to_owned() });
    app.update(&id).await;
    app.gateway.answers_for(&txn_id, paid("100"));
    app.update(&id).await;
    id
}

async fn cases(app: &TestApp, body: Value) -> Vec<i64> {
    let answer = app.operate("/attention/v1/_search", &body).await;
    assert_eq!(answer.status, StatusCode::OK, "{}", answer.text());
    answer.json()["Cases"].as_array().unwrap().iter().map(|case| case["id"].as_i64().unwrap()).collect()
}

async fn resolve(app: &TestApp, id: i64, body: Value) -> Answer {
    app.operate(&format!("/attention/v1/{id}/_resolve"), &body).await
}

#[tokio::test]
async fn a_case_is_read_with_its_evidence_its_transaction_and_what_to_do() {
    let app = TestApp::new();
    paid_late(&app, "bill-1").await;
    let found = app.operate("/attention/v1/_search", &json!({ "RequestInfo": request_info() })).await;
    insta::assert_snapshot!("found", found.shown());
    let shown = app.operate("/attention/v1/1/_show", &json!({})).await;
    insta::assert_snapshot!("shown", shown.shown());
    for answer in [found, shown] {
        for personal in ["Asha", "9876543210"] {
            assert!(!answer.text().contains(personal), "{}", answer.text());
        }
    }
}

#[tokio::test]
async fn cases_are_found_by_state_kind_transaction_and_place() {
    let app = TestApp::new();
    let first = paid_late(&app, "bill-1").await;
    let second = paid_late(&app, "bill-2").await;
    paid_late(&app, "bill-3").await;
    assert_eq!(resolve(&app, 2, json!({"reason": "refunded", "by": "clerk-7"})).await.status, StatusCode::OK);
    for (body, found) in [
        (json!({}), vec![1, 3]),
        (json!({"state": "ALL"}), vec![1, 2, 3]),
        (json!({"state": "resolved"}), vec![2]),
        (json!({"kind": "late-success", "state": "ALL", "limit": 2}), vec![1, 2]),
        (json!({"kind": "amount-mismatch"}), vec![]),
        (json!({"txnId": first}), vec![1]),
        (json!({"txnId": second}), vec![]),
        (json!({"after": 1}), vec![3]),
    ] {
        assert_eq!(cases(&app, body.clone()).await, found, "{body}");
    }
    let wrong = json!({"state": "closed", "kind": "odd", "txnId": "", "after": -1, "limit": 0});
    let answer = app.operate("/attention/v1/_search", &wrong).await;
    assert_eq!(
        answer.codes(),
        [
            "Pattern.attention.state",
            "Pattern.attention.kind",
            "Size.attention.txnId",
            "Range.attention.after",
            "Range.attention.limit"
        ]
    );
}

#[tokio::test]
async fn a_case_is_resolved_once_by_a_named_person_with_a_reason() {
    let app = TestApp::new();
    let id = paid_late(&app, "bill-1").await;
    assert_eq!(app.create(&create_body("bill-1")).await.codes(), ["TXN_CREATE_BILL_ALREADY_PAID"]);

    let resolved = resolve(&app, 1, json!({"reason": " refunded,\nreference 4711 ", "by": "clerk-7"})).await;
    insta::assert_snapshot!(format!("{:#}", resolved.json()["Case"]["resolution"]), @r#"
    {
      "by": "clerk-7",
      "reason": "refunded,\nreference 4711",
      "time": 1795343400000
    }
    "#);
    let again = resolve(&app, 1, json!({"reason": "again", "by": "clerk-8"})).await;
    assert_eq!(
        (again.status, again.codes()),
        (StatusCode::CONFLICT, vec!["ATTENTION_CASE_RESOLVED".to_owned()])
    );
    assert!(again.text().contains("by clerk-7"), "{}", again.text());
    assert!(app.whole(&id).await.contains("case late-success resolved: refunded"));
    app.pending("bill-1").await;
}

#[tokio::test]
async fn the_resolver_is_named_in_the_body_or_in_the_request_info() {
    let app = TestApp::new();
    paid_late(&app, "bill-1").await;
    for (body, codes) in [
        (json!({}), &["NotNull.attention.reason", "NotNull.attention.by"][..]),
        (json!({"reason": " \n", "by": "x"}), &["NotNull.attention.reason"]),
        (
            json!({"reason": "x".repeat(2001), "by": "y".repeat(129)}),
            &["Size.attention.reason", "Size.attention.by"],
        ),
        (json!({"reason": "a\u{0}b", "by": "c\nd"}), &["Pattern.attention.reason", "Pattern.attention.by"]),
        (json!({"reason": "x", "RequestInfo": {"userInfo": {"uuid": ""}}}), &["NotNull.attention.by"]),
    ] {
        assert_eq!(resolve(&app, 1, body.clone()).await.codes(), codes, "{body}");
    }
    let resolved = resolve(&app, 1, json!({"RequestInfo": request_info(), "reason": "refunded"})).await;
    assert_eq!(resolved.json()["Case"]["resolution"]["by"], "citizen-1");
}

#[tokio::test]
async fn an_unknown_case_is_reported() {
    let app = TestApp::new();
    for path in ["/attention/v1/7/_show", "/attention/v1/x/_show", "/attention/v1/99999999999999999999/_show"]
    {
        let answer = app.operate(path, &json!({})).await;
        assert_eq!(
            (answer.status, answer.codes()),
            (StatusCode::NOT_FOUND, vec!["ATTENTION_CASE_NOT_FOUND".to_owned()]),
            "{path}"
        );
    }
    let answer = resolve(&app, 7, json!({"reason": "x", "by": "y"})).await;
    assert_eq!(answer.codes(), ["ATTENTION_CASE_NOT_FOUND"]);
}
