//! Repeating a create with an `Idempotency-Key`.

use std::collections::HashSet;
use std::sync::Arc;

use http::StatusCode;
use serde_json::{Value, json};

use crate::testing::{Answer, TestApp, create_body, request_info_of};

async fn create(app: &TestApp, key: &str, body: &Value) -> Answer {
    app.post_with("/transaction/v1/_create", &[("idempotency-key", key)], body).await
}

#[tokio::test]
async fn a_repeated_request_gets_the_first_answer() {
    let app = TestApp::new();
    let mut body = create_body("bill-1");
    let first = create(&app, "key-1", &body).await;
    assert_eq!(first.status, StatusCode::OK);
    // The time in RequestInfo, and the order of members, do not make it another request.
    body["RequestInfo"]["ts"] = json!(1_764_000_000_000_i64);
    let again = create(&app, "key-1", &body).await;
    assert_eq!(again.json()["Transaction"], first.json()["Transaction"]);
    assert_eq!(again.json()["ResponseInfo"]["ts"], 1_764_000_000_000_i64, "the envelope is the new one");

    body["Transaction"]["productInfo"] = "something else".into();
    insta::assert_snapshot!(create(&app, "key-1", &body).await.shown());
}

#[tokio::test]
async fn a_key_is_its_users_own() {
    let app = TestApp::new();
    let first = create(&app, "key-1", &create_body("bill-1")).await;
    let mut body = create_body("bill-2");
    body["RequestInfo"] = request_info_of("citizen-2", "CITIZEN", "pb");
    let other = create(&app, "key-1", &body).await;
    assert_eq!((first.status, other.status), (StatusCode::OK, StatusCode::OK));
    assert_ne!(first.json()["Transaction"]["txnId"], other.json()["Transaction"]["txnId"]);
}

#[tokio::test]
async fn a_refused_request_does_not_use_its_key_up() {
    let app = TestApp::new();
    let mut body = create_body("bill-1");
    body["Transaction"]["gateway"] = "none".into();
    assert_eq!(create(&app, "key-1", &body).await.codes(), ["INVALID_PAYMENT_GATEWAY"]);
    assert_eq!(create(&app, "key-1", &create_body("bill-1")).await.status, StatusCode::OK);
}

#[tokio::test]
async fn a_key_that_cannot_be_one_is_refused() {
    let app = TestApp::new();
    insta::assert_snapshot!(create(&app, "", &create_body("bill-1")).await.shown());
    for key in ["x".repeat(256), "a b".to_owned()] {
        let answer = create(&app, &key, &create_body("bill-1")).await;
        assert_eq!(answer.codes(), ["INVALID_IDEMPOTENCY_KEY"]);
    }
    assert_eq!(create(&app, &"x".repeat(255), &create_body("bill-1")).await.status, StatusCode::OK);
}

#[tokio::test]
async fn of_many_with_one_key_all_get_one_transaction() {
    let app = Arc::new(TestApp::new());
    let start = Arc::new(tokio::sync::Barrier::new(100));
    let tasks: Vec<_> = (0..100)
        .map(|at| {
            let (app, start) = (app.clone(), start.clone());
            tokio::spawn(async move {
                let mut body = create_body("bill-1");
                body["RequestInfo"]["ts"] = at.into();
                start.wait().await;
                create(&app, "key-1", &body).await
            })
        })
        .collect();
    let mut transactions = HashSet::new();
    for task in tasks {
        let answer = task.await.unwrap();
        match answer.status {
            StatusCode::OK => {
                transactions.insert(answer.json()["Transaction"].to_string());
            }
            StatusCode::CONFLICT => {
                assert_eq!(answer.codes(), ["IDEMPOTENCY_KEY_IN_USE"]);
                assert!(answer.header("retry-after").is_some());
            }
            other => panic!("{other}: {}", answer.text()),
        }
    }
    assert_eq!(transactions.len(), 1);
}

#[tokio::test]
async fn a_key_whose_first_request_is_under_way_is_answered_as_such() {
    let app = TestApp::new();
    // The gateway takes its time: the first request has no answer to repeat.
    app.network.is_slow(std::time::Duration::from_secs(3_600));
    let mut body = create_body("bill-1");
    body["Transaction"]["gateway"] = "network".into();
    let at_the_gateway = async {
        while app.network.starts() == 0 {
            tokio::time::sleep(std::time::Duration::from_millis(1)).await;
        }
    };
    tokio::select! {
        answer = create(&app, "key-1", &body) => panic!("{}", answer.text()),
        () = at_the_gateway => {}
    }
    app.network.is_slow(std::time::Duration::ZERO);
    insta::assert_snapshot!(create(&app, "key-1", &body).await.shown());

    app.clock.advance(std::time::Duration::from_secs(61));
    let later = create(&app, "key-1", &body).await;
    assert!(later.json()["Transaction"]["redirectUrl"].is_string(), "{}", later.text());
}
