//! Refunds over HTTP: roles, forms of requests, and answers.

use http::StatusCode;
use payment_domain::Role;
use payment_store::AuditQuery;
use serde_json::{Value, json};

use crate::operators::tests::roles::{app, info, vouched};
use crate::testing::{Answer, Choices, TestApp};
use crate::tokens::tests::{bearing, issued};

fn wanted(txn_id: &str) -> Value {
    json!({"Refund": {"tenantId": "pb.amritsar", "originalTxnId": txn_id, "reasonCode": "PAID_TWICE",
        "reason": "Asha Rani paid at the counter, too"}})
}

fn by(uuid: &str, role: Role, tenant: &str, body: &Value) -> Value {
    let mut body = body.clone();
    body["RequestInfo"] = info(uuid, role.code(), tenant);
    body
}

async fn create(app: &TestApp, body: &Value) -> Answer {
    vouched(app, "/refund/v1/_create", &by("maker-1", Role::RefundMaker, "pb.amritsar", body)).await
}

/// A refund of one payment that waits for its checker.
async fn requested(app: &TestApp) -> (String, Value) {
    let txn_id = app.paid("bill-1").await;
    let answer = create(app, &wanted(&txn_id)).await;
    assert_eq!(answer.status, StatusCode::OK, "{}", answer.text());
    (txn_id, answer.json()["Refund"].clone())
}

async fn decide(app: &TestApp, verb: &str, uuid: &str, role: Role, tenant: &str, refund: &Value) -> Answer {
    let body =
        json!({"Refund": {"refundId": refund["refundId"], "version": refund["version"], "comment": "seen"}});
    vouched(app, &format!("/refund/v1/{verb}"), &by(uuid, role, tenant, &body)).await
}

fn refused(answer: &Answer, status: StatusCode, code: &str) {
    assert_eq!((answer.status, answer.codes()), (status, vec![code.to_owned()]), "{}", answer.text());
}

/// The words of the audit log's entries.
async fn recorded(app: &TestApp) -> Vec<String> {
    let query = AuditQuery { limit: 99, ..AuditQuery::default() };
    app.store.audit_entries(&query).await.unwrap().into_iter().map(|stored| stored.entry).collect()
}

async fn searched(app: &TestApp, uuid: &str, role: Role, tenant: &str, query: &str) -> Answer {
    vouched(app, &format!("/refund/v1/_search{query}"), &by(uuid, role, tenant, &json!({}))).await
}

#[tokio::test]
async fn one_person_requests_and_another_approves() {
    let app = app();
    let (txn_id, refund) = requested(&app).await;
    for (member, value) in [
        ("originalTxnId", json!(txn_id)),
        ("refundTxnStatus", json!("INITIATED")),
        ("refundAmount", json!("100.00")),
        ("amountAvailable", json!("0.00")),
        ("requestedBy", json!("maker-1")),
        ("reason", json!("Asha Rani paid at the counter, too")),
        ("version", json!(1)),
    ] {
        assert_eq!(refund[member], value, "{member}: {refund}");
    }
    let approved = decide(&app, "_approve", "checker-1", Role::RefundChecker, "pb", &refund).await;
    assert_eq!(approved.status, StatusCode::OK, "{}", approved.text());
    assert_eq!(approved.json()["Refund"]["decidedBy"], "checker-1");
    app.payments.ports.tasks.close();
    app.payments.ports.tasks.wait().await;
    app.payments.ports.tasks.reopen();
    let id = refund["refundId"].as_str().unwrap();
    let body = by("checker-1", Role::RefundChecker, "pb", &json!({}));
    let updated = vouched(&app, &format!("/refund/v1/_update?refundId={id}"), &body).await;
    let status = &updated.json()["Refund"]["refundTxnStatus"];
    assert!(["PENDING", "SUCCESS"].iter().any(|word| status == word), "{}", updated.text());
}

#[tokio::test]
async fn a_maker_approves_no_refund_of_their_own_under_whichever_user_name() {
    let app = app();
    let (_, refund) = requested(&app).await;
    for uuid in ["maker-1", "Maker-1", " MAKER-1 "] {
        let body = json!({"Refund": {"refundId": refund["refundId"], "version": 1}});
        let mut body = by(uuid, Role::RefundChecker, "pb.amritsar", &body);
        body["RequestInfo"]["userInfo"]["userName"] = "another".into();
        body["RequestInfo"]["userInfo"]["name"] = "Another Name".into();
        let answer = vouched(&app, "/refund/v1/_approve", &body).await;
        refused(&answer, StatusCode::FORBIDDEN, "REFUND_SAME_USER");
    }
    let token = issued(&app, "MAKER-1", &[(Role::RefundChecker, "pb")]).await;
    let body = json!({"Refund": {"refundId": refund["refundId"], "version": 1}});
    let answer = bearing(&app, &token, "/refund/v1/_approve", &body).await;
    refused(&answer, StatusCode::FORBIDDEN, "REFUND_SAME_USER");
    let refusals = recorded(&app).await.into_iter().filter(|entry| entry.contains("\"refused\"")).count();
    assert_eq!(refusals, 4);
}

#[tokio::test]
async fn a_refund_of_another_tenant_is_not_there() {
    let app = app();
    let (txn_id, refund) = requested(&app).await;
    let foreign = decide(&app, "_approve", "checker-1", Role::RefundChecker, "pb.nabha", &refund).await;
    refused(&foreign, StatusCode::BAD_REQUEST, "REFUND_ID_NOT_FOUND");
    let path = "/refund/v1/_create";
    let mut body = wanted(&txn_id);
    let named = vouched(&app, path, &by("maker-2", Role::RefundMaker, "pb.nabha", &body)).await;
    refused(&named, StatusCode::FORBIDDEN, "FORBIDDEN");
    body["Refund"]["tenantId"] = "pb.nabha".into();
    let elsewhere = vouched(&app, path, &by("maker-2", Role::RefundMaker, "pb.nabha", &body)).await;
    refused(&elsewhere, StatusCode::BAD_REQUEST, "TXN_NOT_FOUND");
    let of_state = vouched(&app, path, &by("maker-2", Role::RefundMaker, "pb", &body)).await;
    refused(&of_state, StatusCode::BAD_REQUEST, "TXN_NOT_FOUND");
    body["Refund"]["tenantId"] = Value::Null;
    let unnamed = vouched(&app, path, &by("maker-2", Role::RefundMaker, "pb.nabha", &body)).await;
    refused(&unnamed, StatusCode::BAD_REQUEST, "TXN_NOT_FOUND");
    for (tenant, found) in [("pb", 1), ("pb.amritsar", 1), ("pb.nabha", 0), ("mh", 0)] {
        let answer = searched(&app, "viewer-1", Role::Viewer, tenant, "").await;
        assert_eq!(answer.json()["Refund"].as_array().unwrap().len(), found, "{tenant}");
        let count = vouched(&app, "/refund/v1/_count", &by("v", Role::Viewer, tenant, &json!({}))).await;
        assert_eq!(count.json()["count"], found, "{tenant}");
    }
}

#[tokio::test]
async fn upyogs_request_is_answered_as_upyog_reads_it_and_its_repetition_gives_nothing_twice() {
    let app = app();
    let txn_id = app.paid("bill-1").await;
    let body = json!({"Payment": {"tenantId": "pb.amritsar", "transactionNumber": txn_id, "totalAmountPaid": 100.0,
        "paymentDetails": [{"receiptNumber": "1"}], "paymentMode": "ONLINE"}});
    let answer = create(&app, &body).await;
    assert_eq!(answer.status, StatusCode::OK, "{}", answer.text());
    let answer = answer.json();
    let refund = &answer["PaymentRefund"];
    let id = refund["refundId"].as_str().unwrap();
    let expected = json!({"tenantId": "pb.amritsar", "refundId": id, "transactionId": txn_id,
        "refundStatus": "INITIATED", "gatewayStatusCode": "OTS0000", "gatewayStatusMsg": "INITIATED",
        "gatewayStausMsg": "INITIATED"});
    assert_eq!(*refund, expected);
    refused(&create(&app, &body).await, StatusCode::BAD_REQUEST, "REFUND_ALREADY_INITIATED");
    let found =
        searched(&app, "m", Role::RefundMaker, "pb", &format!("?originalTxnId={txn_id}")).await.json();
    assert_eq!(found["Refund"].as_array().unwrap().len(), 1);
    assert_eq!(found["Refund"][0]["reasonCode"], "UPSTREAM");
    refused(
        &create(&app, &json!({"Payment": {}})).await,
        StatusCode::BAD_REQUEST,
        "INVALID_TRANSACTION_NUMBER",
    );
}

#[tokio::test]
async fn a_key_makes_one_refund_of_many_requests() {
    let app = app();
    let txn_id = app.paid("bill-1").await;
    let mut body = by("maker-1", Role::RefundMaker, "pb.amritsar", &wanted(&txn_id));
    body["Refund"]["refundAmount"] = "25.50".into();
    let send = async |body: &Value, key: &str| {
        let headers =
            [("x-identity-secret", crate::operators::tests::roles::SECRET), ("idempotency-key", key)];
        app.post_with("/refund/v1/_create", &headers, body).await
    };
    let first = send(&body, "key-1").await;
    assert_eq!(first.status, StatusCode::OK, "{}", first.text());
    let again = send(&body, "key-1").await;
    assert_eq!(again.json()["Refund"]["refundId"], first.json()["Refund"]["refundId"]);
    body["Refund"]["refundAmount"] = "25.51".into();
    refused(&send(&body, "key-1").await, StatusCode::CONFLICT, "IDEMPOTENCY_KEY_REUSED");
    refused(&send(&body, "a b").await, StatusCode::BAD_REQUEST, "INVALID_IDEMPOTENCY_KEY");
    let count = vouched(&app, "/refund/v1/_count", &by("m", Role::RefundMaker, "pb", &json!({}))).await;
    assert_eq!(count.json()["count"], 1);
}

#[tokio::test]
async fn an_invalid_request_has_the_code_of_the_contract() {
    let app = app();
    let txn_id = app.paid("bill-1").await;
    let with = |members: Value| {
        let mut body = wanted(&txn_id);
        for (name, value) in members.as_object().unwrap() {
            body["Refund"][name] = value.clone();
        }
        body
    };
    for (body, status, code) in [
        (with(json!({"originalTxnId": ""})), 400, "INVALID_TRANSACTION_NUMBER"),
        (with(json!({"originalTxnId": "T-unknown"})), 400, "TXN_NOT_FOUND"),
        (with(json!({"refundAmount": "100.01"})), 400, "REFUND_AMOUNT_EXCEEDS_AVAILABLE"),
        (with(json!({"refundAmount": "0"})), 400, "INVALID_REFUND_AMOUNT"),
        (with(json!({"refundAmount": "1.005"})), 400, "INVALID_REFUND_AMOUNT"),
        (
            with(json!({"refundAmount": "10", "amountAvailable": "90"})),
            412,
            "REFUND_AMOUNT_AVAILABLE_MISMATCH",
        ),
        (with(json!({"reason": " "})), 400, "REFUND_REASON_REQUIRED"),
        (with(json!({"reasonCode": null})), 400, "REFUND_REASON_REQUIRED"),
        (json!({}), 400, "NotNull.refundRequest.refund"),
    ] {
        let answer = create(&app, &body).await;
        assert_eq!(
            (answer.status.as_u16(), answer.codes()[0].as_str()),
            (status, code),
            "{body}: {}",
            answer.text()
        );
    }
    let mut both = wanted(&txn_id);
    both["Payment"] = json!({"transactionNumber": txn_id});
    refused(&create(&app, &both).await, StatusCode::BAD_REQUEST, "Exclusive.refundRequest.payment");
    let pending = app.pending("bill-2").await;
    let unpaid = create(&app, &wanted(&pending)).await;
    refused(&unpaid, StatusCode::BAD_REQUEST, "INVALID_GATEWAY_TXN_ID");
}

#[tokio::test]
async fn a_refund_that_has_moved_on_is_not_decided_about() {
    let app = app();
    let (_, refund) = requested(&app).await;
    let mut stale = refund.clone();
    stale["version"] = 7.into();
    let answer = decide(&app, "_approve", "checker-1", Role::RefundChecker, "pb", &stale).await;
    refused(&answer, StatusCode::CONFLICT, "REFUND_STATE");
    let other = decide(&app, "_withdraw", "maker-2", Role::RefundMaker, "pb", &refund).await;
    refused(&other, StatusCode::FORBIDDEN, "REFUND_NOT_THE_MAKER");
    let withdrawn = decide(&app, "_withdraw", "maker-1", Role::RefundMaker, "pb.amritsar", &refund).await;
    assert_eq!(withdrawn.json()["Refund"]["additionalDetails"]["workflowStatus"], "WITHDRAWN");
    let late = decide(&app, "_reject", "checker-1", Role::RefundChecker, "pb", &refund).await;
    refused(&late, StatusCode::CONFLICT, "REFUND_STATE");
}

#[tokio::test]
async fn only_a_proven_name_makes_and_checks() {
    let app = app();
    let (txn_id, refund) = requested(&app).await;
    let body = by("maker-1", Role::RefundMaker, "pb", &wanted(&txn_id));
    let decision = json!({"Refund": {"refundId": refund["refundId"], "version": 1},
        "RequestInfo": info("checker-1", "PG_REFUND_CHECKER", "pb")});
    for (path, body) in
        [("_create", &body), ("_approve", &decision), ("_reject", &decision), ("_withdraw", &decision)]
    {
        let path = format!("/refund/v1/{path}");
        refused(&app.post(&path, body).await, StatusCode::UNAUTHORIZED, "UNAUTHORIZED");
        refused(&app.operate(&path, body).await, StatusCode::UNAUTHORIZED, "UNAUTHORIZED");
    }
    // An unproven caller has no role beside a gateway that moves money.
    for stands_alone in [false, true] {
        let believing = TestApp::with(Choices { stands_alone, ..Choices::default() });
        let txn_id = believing.paid("bill-1").await;
        let body = by("maker-1", Role::RefundMaker, "pb", &wanted(&txn_id));
        let answer = believing.post("/refund/v1/_create", &body).await;
        refused(&answer, StatusCode::UNAUTHORIZED, "UNAUTHORIZED");
    }
    let shared = app.operate("/refund/v1/_search", &json!({})).await;
    assert_eq!(shared.json()["Refund"][0]["reason"], Value::Null, "the shared token reads no words");
}

#[tokio::test]
async fn the_makers_reason_is_shown_to_refund_roles_only() {
    let app = app();
    requested(&app).await;
    for role in Role::ALL {
        let answer = searched(&app, "u-1", role, "pb", "").await;
        match role {
            Role::Admin => refused(&answer, StatusCode::FORBIDDEN, "FORBIDDEN"),
            Role::Viewer | Role::Auditor => assert_eq!(answer.json()["Refund"][0]["reason"], Value::Null),
            Role::Operator | Role::RefundMaker | Role::RefundChecker => {
                assert!(answer.text().contains("at the counter"), "{role:?}");
            }
        }
    }
}

#[tokio::test]
async fn a_gateways_callback_about_a_refund_is_a_reason_to_ask_and_nothing_more() {
    let app = app();
    let (_, refund) = requested(&app).await;
    let id = refund["refundId"].as_str().unwrap();
    let call = async |path: &str| app.get(path).await;
    let early = call(&format!("/gateway/v1/fake/_callback?fakeRefundId={id}&status=SUCCESS")).await;
    assert_eq!(early.json()["status"], "PENDING", "{}", early.text());
    let stored = searched(&app, "m", Role::RefundMaker, "pb", "").await.json();
    assert_eq!(stored["Refund"][0]["additionalDetails"]["workflowStatus"], "REQUESTED");
    let unknown = call("/gateway/v1/fake/_callback?fakeRefundId=RF-0123456789").await;
    refused(&unknown, StatusCode::BAD_REQUEST, "TXN_UPDATE_NOT_FOUND");
    let elsewhere = call(&format!("/gateway/v1/network/_callback?fakeRefundId={id}")).await;
    refused(&elsewhere, StatusCode::BAD_REQUEST, "TXN_UPDATE_NOT_FOUND");
}
