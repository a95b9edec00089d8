//! The pretend DIGIT as a test in another process sees it: over HTTP only.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that cannot go on fails")]

use std::time::{Duration, Instant};

use payment_simulator::digit::{Endpoint, PretendDigit};
use reqwest::StatusCode;
use serde_json::{Value, json};

struct World {
    digit: PretendDigit,
    http: reqwest::Client,
}

impl World {
    async fn new() -> World {
        let _already_chosen = rustls::crypto::ring::default_provider().install_default();
        World { digit: PretendDigit::start().await.unwrap(), http: reqwest::Client::new() }
    }

    async fn post(&self, path: &str, body: Value) -> (StatusCode, Value) {
        let response = self.try_post(path, &body).await.unwrap();
        let status = response.status();
        (status, serde_json::from_str(&response.text().await.unwrap()).unwrap_or_default())
    }

    async fn try_post(&self, path: &str, body: &Value) -> reqwest::Result<reqwest::Response> {
        self.http.post(format!("{}{path}", self.digit.url())).json(body).send().await
    }

    async fn get(&self, path: &str) -> Value {
        let url = format!("{}{path}", self.digit.url());
        self.http.get(url).send().await.unwrap().json().await.unwrap()
    }

    async fn set_fault(&self, endpoint: &str, fault: Value) {
        let (status, answer) = self.post(&format!("/_control/faults/{endpoint}"), fault).await;
        assert_eq!(status, StatusCode::NO_CONTENT, "{answer}");
    }
}

fn payment(number: &str, bill: &str) -> Value {
    json!({
        "RequestInfo": {"userInfo": {"uuid": "u", "type": "CITIZEN"}},
        "Payment": {"tenantId": "pb.amritsar", "totalAmountPaid": 10.5, "paymentMode": "ONLINE",
            "transactionNumber": number, "instrumentNumber": number,
            "paymentDetails": [{"tenantId": "pb.amritsar", "billId": bill, "totalAmountPaid": 10.5}]},
    })
}

#[tokio::test]
async fn payments_are_registered_and_shown() {
    let world = World::new().await;
    let create = Endpoint::CreatePayment.path();
    let (status, answer) = world.post(create, payment("T1", "B1")).await;
    assert_eq!(status, StatusCode::OK);
    assert_eq!(answer["Payments"][0]["paymentDetails"][0]["receiptNumber"], "PT/107/2026-27/000001");
    let (status, answer) = world.post(create, payment("T2", "B1")).await;
    assert_eq!(status, StatusCode::BAD_REQUEST);
    assert_eq!(answer["Errors"][0]["code"], "BILL_ALREADY_PAID");

    let expected = json!({"transactionNumber": "T1", "tenantId": "pb.amritsar", "totalPaise": 1050,
        "bills": [{"billId": "B1", "paise": 1050, "receiptNumber": "PT/107/2026-27/000001"}]});
    assert_eq!(world.get("/_control/payments/T1").await, expected);
    assert_eq!(world.get("/_control/books").await["payments"], json!([expected]));
    assert_eq!(world.get("/_control/payments/T2").await, json!({"error": "there is no such payment"}));
    assert_eq!(world.get("/_control").await["create-payment"]["calls"], 2);
    let calls = world.get("/_control/calls/create-payment?limit=1").await;
    assert_eq!(
        serde_json::from_str::<Value>(calls[0]["text"].as_str().unwrap()).unwrap(),
        payment("T2", "B1")
    );

    world.post("/_control/reset", json!({})).await;
    assert_eq!(world.get("/_control/books").await["payments"], json!([]));
    assert_eq!(world.get("/_control").await["create-payment"]["calls"], 0);
}

#[tokio::test]
async fn faults_strike_the_endpoint_they_are_asked_for() {
    let world = World::new().await;
    let create = Endpoint::CreatePayment.path();
    world.set_fault("create-payment", json!({"fault": "cut-after-work", "times": 1})).await;
    assert!(world.try_post(create, &payment("T1", "B1")).await.is_err());
    assert!(world.digit.payment("T1").is_some(), "the work was done");

    world.set_fault("create-payment", json!({"fault": "cut-before-work", "times": 1})).await;
    assert!(world.try_post(create, &payment("T2", "B2")).await.is_err());
    assert!(world.digit.payment("T2").is_none());

    world.set_fault("create-payment", json!({"fault": "status500", "times": 1})).await;
    assert_eq!(world.post(create, payment("T3", "B3")).await.0, StatusCode::INTERNAL_SERVER_ERROR);
    assert!(world.digit.payment("T3").is_none());

    world.set_fault("create-payment", json!({"fault": "garbage", "times": 1})).await;
    assert_eq!(world.post(create, payment("T4", "B4")).await, (StatusCode::OK, Value::Null));
    assert!(world.digit.payment("T4").is_some());

    world.set_fault("create-payment", json!({"fault": "empty-list", "times": 1})).await;
    assert_eq!(world.post(create, payment("T5", "B5")).await.1["Payments"], json!([]));
    assert!(world.digit.payment("T5").is_none());

    let refusal =
        json!({"fault": "refuse4xx", "status": 422, "body": {"Errors": [{"code": "X"}]}, "times": 1});
    world.set_fault("create-payment", refusal).await;
    let (status, body) = world.post(create, payment("T6", "B6")).await;
    assert_eq!((status.as_u16(), body), (422, json!({"Errors": [{"code": "X"}]})));

    world.set_fault("create-payment", json!({"fault": "slow", "ms": 100})).await;
    let began = Instant::now();
    assert_eq!(world.post(create, payment("T7", "B7")).await.0, StatusCode::OK);
    assert!(began.elapsed() >= Duration::from_millis(100));
    assert_eq!(world.get("/_control").await["create-payment"]["fault"]["fault"], "slow");
    world.set_fault("all", json!({"fault": "none"})).await;
    assert_eq!(world.get("/_control").await["create-payment"]["fault"], Value::Null);
}

#[tokio::test]
async fn what_the_services_know_can_be_changed() {
    let world = World::new().await;
    let info = json!({"RequestInfo": {}});
    world.post("/_control/bank-accounts/pb.amritsar", json!(["001", "002"])).await;
    let (_, found) = world.post("/egf-master/bankaccounts/_search?tenantId=pb.amritsar", info.clone()).await;
    assert_eq!(found["bankAccounts"].as_array().unwrap().len(), 2);

    world.post("/_control/bills/B1", json!({"businessService": "WS"})).await;
    let (_, found) = world.post("/billing-service/bill/v2/_search?tenantId=pb&billId=B1", info.clone()).await;
    assert_eq!(found["Bill"][0]["businessService"], "WS");

    let message = json!({"state": "pb", "locale": "pa_IN", "code": "A", "message": "ਧੰਨਵਾਦ"});
    world.post("/_control/messages", message).await;
    let query = "/localization/messages/v1/_search?tenantId=pb&locale=pa_IN&module=egov-pg";
    let (_, found) = world.post(query, info.clone()).await;
    assert_eq!(found["messages"][0]["message"], "ਧੰਨਵਾਦ");

    let user = json!({"uuid": "u-1", "name": "Asha", "mobileNumber": "9876543210", "active": true});
    world.post("/_control/users", user.clone()).await;
    let (_, found) = world.post("/user/_search", json!({"mobileNumber": "9876543210"})).await;
    assert_eq!(found["user"], json!([user]));

    world.post("/_control/paid-bills", json!({"tenantId": "pb.amritsar", "billId": "B9"})).await;
    let (_, refused) = world.post(Endpoint::ValidatePayment.path(), payment("T1", "B9")).await;
    assert_eq!(refused["Errors"][0]["code"], "BILL_ALREADY_PAID");
}

#[tokio::test]
async fn what_cannot_be_meant_is_refused() {
    let world = World::new().await;
    let (status, answer) = world.post("/_control/faults/moon", json!({"fault": "garbage"})).await;
    assert_eq!(status, StatusCode::NOT_FOUND);
    assert!(answer["error"].as_str().unwrap().contains("create-payment"));
    let (status, _) = world.post("/_control/faults/ids", json!({"fault": "earthquake"})).await;
    assert_eq!(status, StatusCode::BAD_REQUEST);
    let (status, answer) = world.post(Endpoint::CreatePayment.path(), Value::Null).await;
    assert_eq!(status, StatusCode::BAD_REQUEST);
    assert_eq!(answer["Errors"][0]["code"], "INVALID_USER_INFO");
}

#[tokio::test]
async fn nobody_can_connect_once_it_is_stopped() {
    let world = World::new().await;
    let url = format!("{}/_control", world.digit.url());
    assert!(world.http.get(&url).send().await.is_ok());
    world.digit.stop().await;
    assert!(world.http.get(&url).send().await.unwrap_err().is_connect());
}
