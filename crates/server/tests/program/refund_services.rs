//! A refund as UPYOG's refund-services asks for it: its request, the conditions it puts on our answer and on
//! our event, and its repetition.

use std::path::Path;
use std::time::{Duration, Instant};

use crate::support::payer::Payer;
use crate::support::{PATIENCE, Service, free_port, http_client, pg_service};
use payment_simulator::sandbox::Choice;
use payment_testing::kafka;
use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::{ClientConfig, Message};
use reqwest::StatusCode;
use serde_json::{Value, json};

const SECRET: &str = "0123456789abcdef0123456789abcdef";
const ACCEPTED: &str = "OTS0000";

struct Topics {
    save: String,
    update: String,
}

impl Topics {
    /// No other test reads or writes them.
    fn new() -> Topics {
        let run = uuid::Uuid::new_v4().simple();
        Topics { save: format!("save-refunds-{run}"), update: format!("update-refunds-{run}") }
    }
}

async fn start(folder: &Path, topics: &Topics) -> Service {
    let mut command = pg_service(folder);
    let port = free_port();
    for setting in [
        "sandbox.active=true".to_owned(),
        format!("server.public-url=http://127.0.0.1:{port}/pg-service"),
        "callback.allowed-hosts=127.0.0.1".to_owned(),
        "identity.proof=header".to_owned(),
        format!("identity.header.secret={SECRET}"),
        "refund.trusted-role=REFUND_WORKFLOW".to_owned(),
        format!("kafka.config.bootstrap_server_config={}", kafka::bootstrap_servers()),
        format!("persister.save.pg.refund={}", topics.save),
        format!("persister.update.pg.refund={}", topics.update),
        "notification.sms.enabled=false".to_owned(),
    ] {
        let (name, value) = setting.split_once('=').unwrap();
        command.env(format!("PG_SERVICE_{}", name.to_uppercase().replace(['.', '-'], "_")), value);
    }
    Service::start(command, port, &folder.join("log")).await
}

/// The user of refund-services, whose own workflow has approved the refund.
fn request_info() -> Value {
    json!({"apiId": "Rainmaker", "ver": ".01", "ts": "", "msgId": "20170310130900|en_IN", "authToken": "t",
        "userInfo": {"id": 98, "uuid": "refund-services-1", "userName": "REFUND", "name": "Refunds",
            "type": "EMPLOYEE", "tenantId": "pb.amritsar", "mobileNumber": "9000000000", "roles": [
                {"code": "PG_REFUND_MAKER", "tenantId": "pb.amritsar"},
                {"code": "REFUND_WORKFLOW", "tenantId": "pb.amritsar"}]}})
}

/// The payment as the collection service knows it.
fn payment(transaction_number: &str) -> Value {
    json!({"id": "5f6f8b4c-7f6f-4e1e-9d5e-1f0a1b2c3d4e", "tenantId": "pb.amritsar", "totalDue": 100,
        "totalAmountPaid": 100.00, "transactionNumber": transaction_number, "transactionDate": 1_790_000_000_000_i64,
        "paymentMode": "ONLINE", "instrumentDate": 1_790_000_000_000_i64, "instrumentNumber": transaction_number,
        "instrumentStatus": "APPROVED", "ifscCode": null, "auditDetails": null, "additionalDetails": null,
        "paymentDetails": [{"id": "d-1", "paymentId": "p-1", "tenantId": "pb.amritsar", "totalDue": 100,
            "totalAmountPaid": 100, "receiptNumber": "R-1", "businessService": "PT", "billId": "B1"}],
        "paidBy": "Asha Demo", "mobileNumber": "9876543210", "payerName": "Asha Demo", "paymentStatus": "DEPOSITED"})
}

async fn post(service: &Service, path: &str, body: &Value) -> (StatusCode, Value) {
    let url = format!("{}/refund/v1/{path}", service.url());
    let request = http_client().post(url).header("x-identity-secret", SECRET).json(body);
    let answer = request.send().await.unwrap();
    (answer.status(), answer.json().await.unwrap())
}

/// A payment with its receipt.
async fn paid(payer: &Payer, bill: &str) -> String {
    let (id, page) = payer.create(bill).await;
    payer.choose(&page, Choice::Pay).await;
    let txn = payer.update(&id).await;
    assert_eq!(txn["txnStatus"], "SUCCESS", "{txn}");
    id
}

/// The conditions of refund-services: otherwise its workflow does not go on.
fn accepts(answer: &Value, transaction: &str) -> String {
    let refund = &answer["PaymentRefund"];
    assert_eq!(refund["gatewayStatusCode"], ACCEPTED, "{answer}");
    assert_eq!(refund["transactionId"], transaction);
    assert_eq!(refund["tenantId"], "pb.amritsar");
    for member in ["refundStatus", "gatewayStatusMsg", "gatewayStausMsg"] {
        assert!(refund[member].is_string(), "{member}: {answer}");
    }
    assert!(answer["ResponseInfo"]["status"].as_str().unwrap().eq_ignore_ascii_case("successful"));
    refund["refundId"].as_str().unwrap().to_owned()
}

/// The refunds in the records of a topic with their keys, until one has that status.
fn read_until(topic: &str, status: &str) -> Vec<(String, Value)> {
    let consumer: BaseConsumer = ClientConfig::new()
        .set("bootstrap.servers", kafka::bootstrap_servers())
        .set("group.id", format!("refund-services-{topic}"))
        .set("auto.offset.reset", "earliest")
        .set("allow.auto.create.topics", "true")
        .create()
        .unwrap();
    consumer.subscribe(&[topic]).unwrap();
    let (mut found, started) = (Vec::new(), Instant::now());
    while started.elapsed() < PATIENCE {
        let Some(Ok(record)) = consumer.poll(Duration::from_millis(100)) else { continue };
        let key = String::from_utf8(record.key().unwrap().to_vec()).unwrap();
        let body: Value = serde_json::from_slice(record.payload().unwrap()).unwrap();
        assert!(body["RequestInfo"].is_object() && body["RequestInfo"]["authToken"].is_null(), "{body}");
        let is_it = body["Refund"]["refundTxnStatus"] == status;
        found.push((key, body["Refund"].clone()));
        if is_it {
            return found;
        }
    }
    panic!("no refund is {status} in {topic}: {found:#?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn refund_services_requests_a_refund_repeats_itself_and_hears_of_the_end() {
    let folder = tempfile::tempdir().unwrap();
    let topics = Topics::new();
    let service = start(folder.path(), &topics).await;
    let payer = Payer::of(service.url());
    let txn = paid(&payer, "B1").await;

    let body = json!({"RequestInfo": request_info(), "Payment": payment(&txn)});
    let (status, answer) = post(&service, "_create", &body).await;
    assert_eq!(status, 200, "{answer}");
    let refund = accepts(&answer, &txn);

    // After a time-out it repeats the request: there is one refund, and the answer is that one.
    let (status, again) = post(&service, "_create", &body).await;
    let code = again["Errors"][0]["code"].as_str().unwrap_or_default();
    assert!(["REFUND_ALREADY_INITIATED", "REFUND_ALREADY_PAID"].contains(&code), "{again}");
    assert_eq!(status, 400);
    let (_, found) =
        post(&service, &format!("_search?originalTxnId={txn}"), &json!({"RequestInfo": request_info()}))
            .await;
    assert_eq!(found["Refund"].as_array().unwrap().len(), 1, "{found}");

    let events = tokio::task::spawn_blocking(move || read_until(&topics.update, "SUCCESS")).await.unwrap();
    let (key, event) = events.last().unwrap();
    assert_eq!(key, &txn, "in the order of the payment's other events");
    for (member, value) in [
        ("refundId", refund.as_str()),
        ("originalTxnId", &txn),
        ("tenantId", "pb.amritsar"),
        ("refundTxnStatus", "SUCCESS"),
        ("status", "SUCCESS"),
        ("gatewayStatusMsg", "SUCCESS"),
        ("originalAmount", "100.00"),
        ("refundAmount", "100.00"),
    ] {
        assert_eq!(event[member], value, "{member}: {event}");
    }
    let (_, shown) =
        post(&service, &format!("_update?refundId={refund}"), &json!({"RequestInfo": request_info()})).await;
    let shown = &shown["Refund"];
    let shown = shown.get(0).unwrap_or(shown);
    assert_eq!(shown["refundTxnStatus"], "SUCCESS", "{shown}");
    assert_eq!(shown["reasonCode"], "UPSTREAM");
}

#[tokio::test(flavor = "multi_thread")]
async fn refund_services_is_refused_in_its_own_words() {
    let folder = tempfile::tempdir().unwrap();
    let service = start(folder.path(), &Topics::new()).await;
    let unknown = json!({"RequestInfo": request_info(), "Payment": payment("PB_PG_2026_01_01_000001_11")});
    let (status, answer) = post(&service, "_create", &unknown).await;
    assert_eq!((status.as_u16(), &answer["Errors"][0]["code"]), (400, &json!("TXN_NOT_FOUND")), "{answer}");
    let mut nameless = payment("x");
    nameless["transactionNumber"] = Value::Null;
    let (status, answer) =
        post(&service, "_create", &json!({"RequestInfo": request_info(), "Payment": nameless})).await;
    assert_eq!(status, 400, "{answer}");
    assert_eq!(answer["Errors"][0]["code"], "INVALID_TRANSACTION_NUMBER", "{answer}");
}
