//! Promises of `_search`, over HTTP.

use std::time::Duration;

use http::StatusCode;
use serde_json::{Value, json};

use crate::testing::{Answer, Choices, TestApp, create_body, post_request, request_info, request_info_of};

async fn search(app: &TestApp, query: &str, info: Value) -> Answer {
    app.post(&format!("/transaction/v1/_search?{query}"), &json!({ "RequestInfo": info })).await
}

async fn found(app: &TestApp, query: &str, info: Value) -> Vec<String> {
    let answer = search(app, query, info).await;
    assert_eq!(answer.status, StatusCode::OK, "{}", answer.text());
    let body = answer.json();
    body["Transaction"]
        .as_array()
        .unwrap()
        .iter()
        .map(|txn| txn["billId"].as_str().unwrap().to_owned())
        .collect()
}

/// A transaction for a bill of that tenant, created by that citizen.
async fn create(app: &TestApp, bill: &str, tenant: &str, citizen: &str) -> String {
    let mut body = create_body(bill);
    body["RequestInfo"] = request_info_of(citizen, "CITIZEN", "pb");
    body["Transaction"]["tenantId"] = tenant.into();
    body["Transaction"]["user"]["mobileNumber"] = format!("98765{citizen}").into();
    let answer = app.create(&body).await;
    app.clock.advance(Duration::from_millis(1));
    answer.json()["Transaction"]["txnId"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn stored_transactions_come_back_whole() {
    let app = TestApp::new();
    let id = app.paid("bill-1").await;
    insta::assert_snapshot!(search(&app, &format!("txnId={id}"), request_info()).await.shown());
}

#[tokio::test]
async fn callers_see_what_is_theirs() {
    let app = TestApp::new();
    create(&app, "a1", "pb.amritsar", "citizen-1").await;
    create(&app, "a2", "pb.amritsar", "citizen-2").await;
    create(&app, "n1", "pb.nabha", "citizen-1").await;
    create(&app, "m1", "mh.pune", "citizen-2").await;
    for (info, bills) in [
        (request_info_of("citizen-1", "CITIZEN", "pb"), vec!["n1", "a1"]),
        (request_info_of("citizen-2", "citizen", "pb"), vec!["m1", "a2"]),
        (request_info_of("citizen-3", "CITIZEN", "pb"), vec![]),
        (request_info_of("clerk-1", "EMPLOYEE", "pb.amritsar"), vec!["a2", "a1"]),
        (request_info_of("clerk-2", "EMPLOYEE", "pb"), vec!["n1", "a2", "a1"]),
        (request_info_of("clerk-3", "EMPLOYEE", "p"), vec![]),
    ] {
        assert_eq!(found(&app, "", info.clone()).await, bills, "{}", info["userInfo"]);
    }
    let system = search(&app, "", request_info_of("job-1", "SYSTEM", "pb")).await;
    assert_eq!(system.codes(), ["SEARCH_CRITERIA_REQUIRED"], "the system user is no caller");
    let clerk = request_info_of("clerk-1", "EMPLOYEE", "pb.amritsar");
    assert!(found(&app, "tenantId=pb.nabha", clerk).await.is_empty(), "a condition narrows, never widens");
}

#[tokio::test]
async fn a_payer_sees_a_payment_that_another_user_created_for_them() {
    let app = TestApp::new();
    let mut body = create_body("bill-1");
    body["RequestInfo"] = request_info_of("clerk-1", "EMPLOYEE", "pb.amritsar");
    let payer = app.create(&body).await.json()["Transaction"]["user"]["uuid"].as_str().unwrap().to_owned();
    assert_eq!(found(&app, "", request_info_of(&payer, "CITIZEN", "pb")).await, ["bill-1"]);
    let clerk = request_info_of("clerk-2", "EMPLOYEE", "pb");
    assert_eq!(found(&app, &format!("userUuid={payer}"), clerk).await, ["bill-1"]);
}

#[tokio::test]
async fn an_unproven_search_needs_an_id_and_shows_masked_data() {
    let app = TestApp::new();
    let id = app.pending("bill-1").await;
    let strangers = [
        json!(null),
        json!({}),
        json!({"userInfo": {}}),
        json!({"userInfo": {"type": "CITIZEN"}}),
        json!({"userInfo": {"type": "ROBOT", "uuid": "x", "tenantId": "pb"}}),
        json!({"userInfo": {"type": "SYSTEM", "uuid": "x", "tenantId": "pb"}}),
    ];
    for stranger in strangers {
        let named = search(&app, &format!("txnId={id}"), stranger.clone()).await;
        assert_eq!(named.json()["Transaction"][0]["user"]["mobileNumber"], "98******10");
        for query in ["", "tenantId=pb.amritsar", "txnStatus=PENDING", "userUuid=x"] {
            assert_eq!(search(&app, query, stranger.clone()).await.codes(), ["SEARCH_CRITERIA_REQUIRED"]);
        }
    }
    insta::assert_snapshot!("masked", search(&app, "consumerCode=PT-107-000123", json!(null)).await.shown());
    insta::assert_snapshot!("criteria_required", search(&app, "", json!(null)).await.shown());
}

#[tokio::test]
async fn scopes_can_be_switched_off() {
    let app = TestApp::with(Choices { search_scope: false, ..Choices::default() });
    app.pending("bill-1").await;
    let answer = search(&app, "", json!(null)).await;
    assert_eq!(answer.json()["Transaction"][0]["user"]["name"], "Asha Rani");
}

#[tokio::test]
async fn every_criterion_narrows() {
    let app = TestApp::new();
    let paid = app.paid("bill-1").await;
    app.clock.advance(Duration::from_millis(1));
    let pending = app.pending("bill-2").await;
    let info = request_info;
    for (query, bills) in [
        ("txnStatus=SUCCESS".to_owned(), vec!["bill-1"]),
        ("txnStatus=FAILURE".to_owned(), vec![]),
        (format!("txnId={pending}"), vec!["bill-2"]),
        ("billId=bill-1".to_owned(), vec!["bill-1"]),
        ("receipt=RCPT/2026-27/000001".to_owned(), vec!["bill-1"]),
        ("receipt=RCPT%2F2026-27%2F000001&txnStatus=PENDING".to_owned(), vec![]),
        ("consumerCode=PT-107-000123&tenantId=pb.amritsar".to_owned(), vec!["bill-2", "bill-1"]),
        (format!("txnId={paid}&billId=bill-2"), vec![]),
        ("unknown=x".to_owned(), vec!["bill-2", "bill-1"]),
    ] {
        assert_eq!(found(&app, &query, info()).await, bills, "{query}");
    }
}

#[tokio::test]
async fn the_newest_five_come_first_unless_more_are_requested() {
    let app = TestApp::new();
    for at in 0..7 {
        create(&app, &format!("b{at}"), "pb.amritsar", "citizen-1").await;
    }
    let info = || request_info_of("citizen-1", "CITIZEN", "pb");
    assert_eq!(found(&app, "", info()).await, ["b6", "b5", "b4", "b3", "b2"]);
    assert_eq!(found(&app, "limit=2&offset=5", info()).await, ["b1", "b0"]);
    assert_eq!(found(&app, "limit=500", info()).await.len(), 7);
}

#[tokio::test]
async fn deep_pages_are_reached_behind_a_transaction_and_not_by_skipping() {
    let app = TestApp::new();
    for at in 0..7 {
        create(&app, &format!("b{at}"), "pb.amritsar", "citizen-1").await;
    }
    let strangers = create(&app, "s1", "pb.amritsar", "citizen-2").await;
    let info = || request_info_of("citizen-1", "CITIZEN", "pb");
    let (mut bills, mut after) = (Vec::new(), String::new());
    loop {
        let answer = search(&app, &format!("limit=3{after}"), info()).await.json();
        let page = answer["Transaction"].as_array().unwrap().clone();
        let Some(last) = page.last() else { break };
        after = format!("&after={}", last["txnId"].as_str().unwrap());
        bills.push(page.iter().map(|txn| txn["billId"].as_str().unwrap().to_owned()).collect::<Vec<_>>());
    }
    assert_eq!(bills, [vec!["b6", "b5", "b4"], vec!["b3", "b2", "b1"], vec!["b0"]]);
    assert!(found(&app, "offset=10000", info()).await.is_empty());
    for offset in ["10001", "2147483647"] {
        let answer = search(&app, &format!("offset={offset}"), info()).await;
        assert_eq!(answer.codes(), ["Range.transactionCriteria.offset"]);
        assert!(answer.text().contains("as after"), "it says what to do instead: {}", answer.text());
    }
    // A transaction that the caller cannot see is no cursor, like one that does not exist.
    for place in [strangers.as_str(), "PB_PG_NONE"] {
        let answer = search(&app, &format!("after={place}"), info()).await;
        assert_eq!(answer.codes(), ["SEARCH_PLACE_NOT_FOUND"], "{place}");
    }
}

#[tokio::test]
async fn a_condition_without_a_value_is_refused_and_not_left_out() {
    let app = TestApp::new();
    app.pending("bill-1").await;
    for name in ["tenantId", "txnId", "billId", "userUuid", "receipt", "consumerCode", "after"] {
        let answer = search(&app, &format!("{name}="), request_info()).await;
        assert_eq!(answer.codes(), [format!("Size.transactionCriteria.{name}")]);
    }
    assert_eq!(
        search(&app, "txnStatus=", request_info()).await.codes(),
        ["Pattern.transactionCriteria.txnStatus"]
    );
    for name in ["limit", "offset"] {
        let answer = search(&app, &format!("{name}="), request_info()).await;
        assert_eq!(answer.codes(), [format!("Range.transactionCriteria.{name}")]);
    }
}

#[tokio::test]
async fn criteria_that_cannot_be_met_are_refused_together() {
    let app = TestApp::new();
    let long = "x".repeat(200);
    let query = format!("tenantId={long}&txnId=%00&txnStatus=paid&limit=501&offset=-1&receipt={long}");
    insta::assert_snapshot!(search(&app, &query, request_info()).await.shown());
    for limit in ["0", "x", "4294967296", "1.5"] {
        let answer = search(&app, &format!("limit={limit}"), request_info()).await;
        assert_eq!(answer.codes(), ["Range.transactionCriteria.limit"], "{limit}");
    }
}

#[tokio::test]
async fn a_search_has_a_body() {
    let app = TestApp::new();
    for (body, code) in [
        ("", "MissingJsonException"),
        ("{", "JsonParseException"),
        (r#"{"RequestInfo":1}"#, "JsonMappingException"),
    ] {
        let headers = [("content-type", "application/json")];
        let answer = app.send(post_request("/transaction/v1/_search", &headers, body)).await;
        assert_eq!(answer.codes(), [code]);
    }
}

#[tokio::test]
async fn an_unavailable_database_is_reported() {
    let app = TestApp::with(Choices { database_is_unavailable: true, ..Choices::default() });
    assert_eq!(search(&app, "", request_info()).await.codes(), ["DATABASE_UNAVAILABLE"]);
}
