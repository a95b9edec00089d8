//! Promises of `_update`, over HTTP.

use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;

use http::StatusCode;
use payment_domain::{Outcome, TxnId};
use serde_json::json;

use crate::testing::{
    Choices, Fault, TestApp, create_body, paid, post_request, request_info, request_info_of,
};

#[tokio::test]
async fn an_update_of_digits_web_client_settles_a_paid_transaction() {
    let app = TestApp::new();
    let id = app.pending("bill-1").await;
    app.gateway.answers(paid("100"));
    insta::assert_snapshot!(app.update(&id).await.shown());
}

#[tokio::test]
async fn an_unpaid_transaction_stays_pending() {
    let app = TestApp::new();
    let id = app.pending("bill-1").await;
    for undecided in [Outcome::Pending, Outcome::NotFound, Outcome::Unrecognised { code: "U69".to_owned() }] {
        app.gateway.answers(undecided);
        let txn = app.update(&id).await.json()["Transaction"][0].clone();
        assert_eq!((txn["txnStatus"].as_str(), txn["receipt"].as_str()), (Some("PENDING"), None));
    }
    app.gateway.is_unavailable();
    insta::assert_snapshot!(app.update(&id).await.shown());
}

#[tokio::test]
async fn strangers_receive_the_stored_state_and_do_not_reach_the_gateway() {
    let app = TestApp::with(Choices { questions: 5, ..Choices::default() });
    let id = app.pending("bill-1").await;
    app.gateway.answers(Outcome::Pending);
    // The browser returns, and the web client's update follows at once: both cause a status request.
    let back = app.get(&format!("/transaction/v1/_redirect?eg_pg_txnid={id}")).await;
    assert_eq!(back.status, StatusCode::SEE_OTHER);
    app.update(&id).await;
    assert_eq!(app.gateway.asked(), 2);
    for _ in 0..100 {
        let answer = app.get(&format!("/transaction/v1/_update?transactionId={id}")).await;
        assert_eq!(answer.json()["Transaction"][0]["txnStatus"], "PENDING");
    }
    assert_eq!(app.gateway.asked(), 5);
    // An unsigned report has to come again later, and no signed one is lost.
    let report = async |form: &str| app.post_form("/gateway/v1/fake/_callback", form).await;
    let unsigned = report(&format!("fakeOrderId={id}")).await;
    assert_eq!((unsigned.codes(), app.gateway.asked()), (vec!["GATEWAY_UNAVAILABLE".to_owned()], 5));
    app.gateway.answers(paid("100"));
    let signed = report(&format!("fakeOrderId={id}&sign=good")).await;
    assert_eq!(signed.text(), r#"{"status":"SETTLED"}"#);
}

#[tokio::test]
async fn a_definite_no_and_another_amount_are_failures() {
    let app = TestApp::new();
    let (declined, short) = (app.pending("bill-1").await, app.pending("bill-2").await);
    app.gateway.answers(Outcome::Declined { reason: "no funds".to_owned() });
    insta::assert_snapshot!("declined", app.update(&declined).await.shown());
    app.gateway.answers(paid("99.99"));
    insta::assert_snapshot!("another_amount", app.update(&short).await.shown());
    assert_eq!(app.create(&create_body("bill-1")).await.status, StatusCode::OK, "the bill is free again");
}

#[tokio::test]
async fn success_is_final_and_has_one_receipt() {
    let app = TestApp::new();
    let id = app.paid("bill-1").await;
    let first = app.update(&id).await;
    app.gateway.answers_for(&TxnId::new(id.as_str()).unwrap(), Outcome::Declined { reason: "?".to_owned() });
    let again = app.update(&id).await;
    assert_eq!(again.text(), first.text());
    assert_eq!(again.json()["Transaction"][0]["receipt"], "RCPT/2026-27/000001");
}

#[tokio::test]
async fn a_late_success_is_kept_for_an_operator() {
    let app = TestApp::new();
    let id = app.pending("bill-1").await;
    app.gateway.answers(Outcome::Declined { reason: "no funds".to_owned() });
    app.update(&id).await;
    app.gateway.answers(paid("100"));
    assert_eq!(app.update(&id).await.json()["Transaction"][0]["txnStatus"], "FAILURE");
    let cases = app.store.attention(&TxnId::new(id).unwrap()).await.unwrap();
    assert_eq!(cases.len(), 1);
}

#[tokio::test]
async fn a_receipt_that_cannot_be_issued_now_comes_later_and_once() {
    let app = TestApp::new();
    let id = app.pending("bill-1").await;
    app.gateway.answers(paid("100"));
    app.collections.has(Fault::Unreachable);
    let txn = app.update(&id).await.json()["Transaction"][0].clone();
    assert_eq!((txn["txnStatus"].as_str(), txn["receipt"].as_str()), (Some("SUCCESS"), None));

    app.collections.has(None);
    app.clock.advance(Duration::from_secs(600));
    assert_eq!(app.payments.receipts.tick().await.unwrap().issued, 1);
    assert_eq!(app.payments.receipts.tick().await.unwrap().issued, 0);
    assert_eq!(app.update(&id).await.json()["Transaction"][0]["receipt"], "RCPT/2026-27/000001");
}

#[tokio::test]
async fn a_collection_service_that_hangs_does_not_hold_the_payer() {
    let mut app = TestApp::with(Choices { receipt_wait: Duration::from_millis(50), ..Choices::default() });
    app.may_owe_receipts();
    let id = app.pending("bill-1").await;
    app.gateway.answers(paid("100"));
    app.collections.has(Fault::Hangs);
    assert_eq!(app.update(&id).await.json()["Transaction"][0]["txnStatus"], "SUCCESS");
}

#[tokio::test]
async fn of_200_concurrent_updates_all_answer_the_same_and_one_receipt_is_issued() {
    let app = Arc::new(TestApp::new());
    let id = app.pending("bill-1").await;
    app.gateway.answers(paid("100"));
    let start = Arc::new(tokio::sync::Barrier::new(200));
    let tasks: Vec<_> = (0..200)
        .map(|_| {
            let (app, id, start) = (app.clone(), id.clone(), start.clone());
            tokio::spawn(async move {
                start.wait().await;
                let answer = app.update(&id).await;
                assert_eq!(answer.status, StatusCode::OK);
                answer.text().to_owned()
            })
        })
        .collect();
    let mut answers = HashSet::new();
    for task in tasks {
        answers.insert(task.await.unwrap());
    }
    assert_eq!(answers.len(), 1, "{answers:?}");
    assert!(answers.iter().all(|answer| answer.contains("RCPT/2026-27/000001")));
    // The next receipt has the next number: no second one was issued in between.
    app.paid("bill-2").await;
    let other = app.paid("bill-3").await;
    assert_eq!(app.update(&other).await.json()["Transaction"][0]["receipt"], "RCPT/2026-27/000003");
    let id = TxnId::new(id).unwrap();
    let statuses: Vec<_> =
        app.store.history(&id).await.unwrap().iter().map(|line| line.why.clone()).collect();
    assert_eq!(statuses, ["created", "the gateway says: paid 100.00", "receipt issued"]);
}

#[tokio::test]
async fn a_transaction_is_named_in_a_query_or_a_form_by_any_of_the_known_parameters() {
    let app = TestApp::new();
    let id = app.pending("bill-1").await;
    let body = json!({ "RequestInfo": null });
    for name in
        ["eg_pg_txnid", "EG_PG_TXNID", "vpc_MerchTxnRef", "orderid", "transactionId", "txnid", "fakeOrderId"]
    {
        let named = format!("{name}={id}");
        let path = format!("/transaction/v1/_update?{named}");
        let posted_form = app.post_form("/transaction/v1/_update", &named).await;
        let no_body = app.send(post_request(&path, &[], "")).await;
        let answers = [
            app.post(&path, &body).await,
            app.get(&path).await,
            posted_form,
            no_body,
            app.post(&path, &json!({})).await,
        ];
        for answer in answers {
            assert_eq!(answer.status, StatusCode::OK, "{name}: {}", answer.text());
            assert_eq!(answer.json()["Transaction"][0]["txnId"], id.as_str());
        }
    }
}

#[tokio::test]
async fn our_own_parameter_counts_before_those_of_gateways() {
    let app = TestApp::new();
    let (ours, other) = (app.pending("bill-1").await, app.pending("bill-2").await);
    let path = format!("/transaction/v1/_update?transactionId={other}");
    let answer = app.post_form(&path, &format!("txnid={other}&eg_pg_txnid={ours}")).await;
    assert_eq!(answer.json()["Transaction"][0]["txnId"], ours.as_str());
}

#[tokio::test]
async fn an_update_without_a_transaction_is_refused() {
    let app = TestApp::new();
    let body = json!({ "RequestInfo": request_info() });
    let post = async |query: &str| app.post(&format!("/transaction/v1/_update{query}"), &body).await;
    insta::assert_snapshot!("missing_id", post("").await.shown());
    insta::assert_snapshot!("unknown_id", post("?transactionId=PB_PG_1").await.shown());
    for nothing in
        ["?", "?transactionId=", "?transactionId=%00", &format!("?transactionId={}", "x".repeat(129))]
    {
        assert_eq!(post(nothing).await.codes(), ["MISSING_UPDATE_TXN_ID"], "{nothing}");
    }
    assert_eq!(app.get("/transaction/v1/_update").await.codes(), ["MISSING_UPDATE_TXN_ID"]);
}

#[tokio::test]
async fn a_forged_answer_changes_nothing() {
    let app = TestApp::new();
    let (id, other) = (app.pending("bill-1").await, app.pending("bill-2").await);
    app.gateway.answers(paid("100"));
    let before = app.whole(&id).await;
    let forged = app.post_form(&format!("/transaction/v1/_update?eg_pg_txnid={id}"), "sign=bad").await;
    insta::assert_snapshot!("bad_signature", forged.shown());
    let path = format!("/transaction/v1/_update?eg_pg_txnid={id}&fakeOrderId={other}&sign=good");
    insta::assert_snapshot!("another_transactions", app.get(&path).await.shown());
    assert_eq!(app.whole(&id).await, before);
    assert_eq!(app.gateway.asked(), 0);
}

#[tokio::test]
async fn a_clients_claim_of_success_is_ignored() {
    let app = TestApp::new();
    let id = app.pending("bill-1").await;
    let path =
        format!("/transaction/v1/_update?eg_pg_txnid={id}&txnStatus=SUCCESS&status=success&amount=100");
    assert_eq!(app.get(&path).await.json()["Transaction"][0]["txnStatus"], "PENDING");
}

#[tokio::test]
async fn the_payer_is_shown_to_permitted_callers_only() {
    let app = TestApp::new();
    let id = app.pending("bill-1").await;
    let path = format!("/transaction/v1/_update?transactionId={id}");
    let name = async |info: serde_json::Value| {
        let answer = app.post(&path, &json!({ "RequestInfo": info })).await;
        answer.json()["Transaction"][0]["user"]["name"].as_str().unwrap().to_owned()
    };
    assert_eq!(name(request_info()).await, "Asha Rani", "who created it");
    assert_eq!(name(request_info_of("clerk-1", "EMPLOYEE", "pb.amritsar")).await, "Asha Rani");
    assert_eq!(
        name(request_info_of("job-1", "SYSTEM", "pb")).await,
        "As*****ni",
        "no caller is the system user"
    );
    assert_eq!(name(request_info_of("clerk-2", "EMPLOYEE", "pb.nabha")).await, "As*****ni");
    assert_eq!(name(request_info_of("citizen-2", "CITIZEN", "pb")).await, "As*****ni");
    assert_eq!(name(json!(null)).await, "As*****ni");
}

#[tokio::test]
async fn a_get_reads_the_caller_from_its_body() {
    let app = TestApp::new();
    let id = app.pending("bill-1").await;
    let mut request = crate::testing::post_request(
        &format!("/transaction/v1/_update?transactionId={id}"),
        &[("content-type", "application/json")],
        &json!({ "RequestInfo": request_info() }).to_string(),
    );
    *request.method_mut() = http::Method::GET;
    assert_eq!(app.send(request).await.json()["Transaction"][0]["user"]["name"], "Asha Rani");
}

#[tokio::test]
async fn the_history_names_the_caller_who_settled() {
    let app = TestApp::new();
    let id = app.pending("bill-1").await;
    app.gateway.answers(paid("100"));
    app.get(&format!("/transaction/v1/_update?eg_pg_txnid={id}")).await;
    let id = TxnId::new(id).unwrap();
    let actors: Vec<_> =
        app.store.history(&id).await.unwrap().iter().map(|line| line.actor.id.clone()).collect();
    assert_eq!(actors, ["citizen-1", "anonymous", "anonymous"]);
}

#[tokio::test]
async fn a_wrong_body_is_refused_before_any_call() {
    let app = TestApp::new();
    let id = app.pending("bill-1").await;
    let path = format!("/transaction/v1/_update?transactionId={id}");
    for (content_type, body, code) in [
        ("application/json", "{", "JsonParseException"),
        ("application/json", r#"{"RequestInfo": []}"#, "JsonMappingException"),
        ("text/xml", "<a/>", "UnsupportedMediaType"),
    ] {
        let answer = app.send(post_request(&path, &[("content-type", content_type)], body)).await;
        assert_eq!(answer.codes(), [code]);
    }
    assert_eq!(app.gateway.asked(), 0);
}

#[tokio::test]
async fn the_gateways_return_is_read_under_any_content_type() {
    let app = TestApp::new();
    let id = app.pending("bill-1").await;
    let form = format!("fakeOrderId={id}&a=b");
    let flat = json!({ "RequestInfo": request_info(), "fakeOrderId": id }).to_string();
    for (content_type, body) in [
        ("text/plain", &form),
        ("application/octet-stream", &form),
        ("application/json", &form),
        ("application/json", &flat),
        ("text/plain;charset=UTF-8", &flat),
    ] {
        let headers = [("content-type", content_type)];
        let answer = app.send(post_request("/transaction/v1/_update", &headers, body)).await;
        assert_eq!(answer.json()["Transaction"][0]["txnId"], id.as_str(), "{content_type}: {body}");
    }
    let named = post_request("/transaction/v1/_update", &[("content-type", "text/plain")], &flat);
    assert_eq!(
        app.send(named).await.json()["Transaction"][0]["user"]["name"],
        "Asha Rani",
        "who asks is read"
    );
}

#[tokio::test]
async fn an_unavailable_database_is_reported() {
    let app = TestApp::with(Choices { database_is_unavailable: true, ..Choices::default() });
    let answer = app.update("PB_PG_1").await;
    assert_eq!(
        (answer.status, answer.codes()),
        (StatusCode::SERVICE_UNAVAILABLE, vec!["DATABASE_UNAVAILABLE".to_owned()])
    );
    assert_eq!(answer.header("retry-after"), Some("5"));
}
