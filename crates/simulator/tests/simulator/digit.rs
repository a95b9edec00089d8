//! The pretend DIGIT over HTTP.

use std::time::{Duration, Instant};

use payment_simulator::digit::{Endpoint, Fault, PretendDigit};
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

    let registered = world.digit.payment("T1").unwrap();
    assert_eq!((registered.total_paise, registered.bills.len()), (1_050, 1));
    let bill = &registered.bills[0];
    assert_eq!((bill.bill_id.as_str(), bill.receipt_number.as_str()), ("B1", "PT/107/2026-27/000001"));
    assert_eq!(world.digit.payments().len(), 1);
    assert_eq!(world.digit.payment("T2"), None);
    assert_eq!(world.digit.count(Endpoint::CreatePayment), 2);
    assert_eq!(world.digit.calls(Endpoint::CreatePayment)[1].body(), payment("T2", "B1"));
}

#[tokio::test]
async fn faults_apply_to_their_endpoint() {
    let world = World::new().await;
    let create = Endpoint::CreatePayment.path();
    let fails_once = |fault| world.digit.set_fault_for(Endpoint::CreatePayment, fault, 1);
    fails_once(Fault::CutAfterWork);
    assert!(world.try_post(create, &payment("T1", "B1")).await.is_err());
    assert!(world.digit.payment("T1").is_some(), "the work was done");

    fails_once(Fault::CutBeforeWork);
    assert!(world.try_post(create, &payment("T2", "B2")).await.is_err());
    assert!(world.digit.payment("T2").is_none());

    fails_once(Fault::Status500);
    assert_eq!(world.post(create, payment("T3", "B3")).await.0, StatusCode::INTERNAL_SERVER_ERROR);
    assert!(world.digit.payment("T3").is_none());

    fails_once(Fault::Garbage);
    assert_eq!(world.post(create, payment("T4", "B4")).await, (StatusCode::OK, Value::Null));
    assert!(world.digit.payment("T4").is_some());

    fails_once(Fault::EmptyList);
    assert_eq!(world.post(create, payment("T5", "B5")).await.1["Payments"], json!([]));
    assert!(world.digit.payment("T5").is_none());

    let body = json!({"Errors": [{"code": "X"}]}).to_string();
    fails_once(Fault::Refuse4xx { status: 422, body });
    let (status, body) = world.post(create, payment("T6", "B6")).await;
    assert_eq!((status.as_u16(), body), (422, json!({"Errors": [{"code": "X"}]})));

    world.digit.set_fault(Endpoint::CreatePayment, Fault::Slow { ms: 100 });
    let began = Instant::now();
    assert_eq!(world.post(create, payment("T7", "B7")).await.0, StatusCode::OK);
    assert!(began.elapsed() >= Duration::from_millis(100));
    world.digit.clear_faults();
}

#[tokio::test]
async fn data_of_the_services_can_be_changed() {
    let world = World::new().await;
    let info = json!({"RequestInfo": {}});
    world.digit.set_bank_accounts("pb.amritsar", &["001", "002"]);
    let (_, found) = world.post("/egf-master/bankaccounts/_search?tenantId=pb.amritsar", info.clone()).await;
    assert_eq!(found["bankAccounts"].as_array().unwrap().len(), 2);

    world.digit.set_bill_service("B1", Some("WS"));
    let (_, found) = world.post("/billing-service/bill/v2/_search?tenantId=pb&billId=B1", info.clone()).await;
    assert_eq!(found["Bill"][0]["businessService"], "WS");

    world.digit.set_message("pb", "pa_IN", "A", "ਧੰਨਵਾਦ");
    let query = "/localization/messages/v1/_search?tenantId=pb&locale=pa_IN&module=egov-pg";
    let (_, found) = world.post(query, info.clone()).await;
    assert_eq!(found["messages"][0]["message"], "ਧੰਨਵਾਦ");

    let user = json!({"uuid": "u-1", "name": "Asha", "mobileNumber": "9876543210", "active": true});
    world.digit.enter_user(user.clone());
    let (_, found) = world.post("/user/_search", json!({"mobileNumber": "9876543210"})).await;
    assert_eq!(found["user"], json!([user]));

    world.digit.pay_elsewhere("pb.amritsar", "B9");
    let (_, refused) = world.post(Endpoint::ValidatePayment.path(), payment("T1", "B9")).await;
    assert_eq!(refused["Errors"][0]["code"], "BILL_ALREADY_PAID");
}

#[tokio::test]
async fn an_impossible_value_is_refused() {
    let world = World::new().await;
    let (status, answer) = world.post(Endpoint::CreatePayment.path(), Value::Null).await;
    assert_eq!(status, StatusCode::BAD_REQUEST);
    assert_eq!(answer["Errors"][0]["code"], "INVALID_USER_INFO");
}

#[tokio::test]
async fn a_stopped_service_refuses_connections() {
    let world = World::new().await;
    let url = world.digit.url().to_owned();
    assert!(world.http.get(&url).send().await.is_ok());
    world.digit.stop().await;
    assert!(world.http.get(&url).send().await.unwrap_err().is_connect());
}
