//! The adapter against a remote gateway written by hand, and against its document.

use std::sync::Mutex;

use payment_domain::{Currency, ManualClock, Money, Outcome, Timestamp};
use payment_gateway::Params;
use payment_gateway::conformance::sample;
use payment_settings::{Reader, Values};
use serde_json::{Value, json};
use wiremock::matchers::any;
use wiremock::{Mock, MockServer, Request, Respond, ResponseTemplate};

use super::*;
use crate::client::{Body, Limits, Reply};
use crate::remote::signature::{NONCE, SIGNATURE, Side, Signed, TIMESTAMP};
use crate::testing;

const SECRET: &str = "0123456789abcdef0123456789abcdef";
const NOW: Timestamp = Timestamp::from_millis(1_795_342_200_000);
const ID: &str = "PB_PG_2026_11_22_000072_14";

fn txn() -> Transaction {
    let mut txn = sample::transaction(ID, "100.50");
    txn.product_info = "Property tax & water + sewer = 2 \"bills\", आशा".to_owned();
    txn
}

fn config(base_url: &str) -> RemoteAccount {
    let values = Values::of([("remote.citypay.base-url", base_url), ("remote.citypay.secret", SECRET)]);
    RemoteAccount::read(&mut Reader::new(&values).fork(Some("citypay")), "citypay").unwrap()
}

fn adapter_at(base_url: &str, client: Client) -> Remote {
    Remote::new(config(base_url), client, Arc::new(ManualClock::at(NOW)))
}

/// The behaviour of a remote gateway.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Manner {
    Proper,
    OtherSecret,
    OtherNonce,
    OldTimestamp,
    SignsAsARequest,
    SignsAnotherPath,
    Unsigned,
    ChangesTheBody,
    RepeatsItsFirstAnswer,
}

struct Service {
    answer: Value,
    manner: Manner,
    first: Mutex<Option<ResponseTemplate>>,
}

impl Respond for Service {
    fn respond(&self, request: &Request) -> ResponseTemplate {
        let header = |name: &str| request.headers.get(name).unwrap().to_str().unwrap().to_owned();
        let (timestamp, nonce) = (header(TIMESTAMP), header(NONCE));
        let asked = Signed {
            side: Side::Request,
            method: request.method.as_str(),
            path: request.url.path(),
            timestamp: &timestamp,
            nonce: &nonce,
        };
        assert!(asked.is_signed(SECRET, &request.body, &header(SIGNATURE)), "the question is signed");
        let body = self.answer.to_string();
        let nonce = if self.manner == Manner::OtherNonce { "0".repeat(32) } else { nonce.clone() };
        let age = if self.manner == Manner::OldTimestamp { 301 } else { 0 };
        let timestamp = (signature::seconds(NOW) - age).to_string();
        let answered = Signed {
            side: if self.manner == Manner::SignsAsARequest { Side::Request } else { Side::Response },
            path: if self.manner == Manner::SignsAnotherPath { "/bridge/start" } else { asked.path },
            timestamp: &timestamp,
            nonce: &nonce,
            ..asked
        };
        let secret = if self.manner == Manner::OtherSecret { "another secret" } else { SECRET };
        let signature = answered.sign(secret, body.as_bytes());
        let body = if self.manner == Manner::ChangesTheBody { body.replace("10050", "10051") } else { body };
        let template = ResponseTemplate::new(200).set_body_raw(body, "application/json");
        if self.manner == Manner::Unsigned {
            return template;
        }
        let template = template
            .insert_header(TIMESTAMP, timestamp.as_str())
            .insert_header(NONCE, nonce.as_str())
            .insert_header(SIGNATURE, signature.as_str());
        let mut first = self.first.lock().unwrap();
        let first = first.get_or_insert_with(|| template.clone()).clone();
        if self.manner == Manner::RepeatsItsFirstAnswer { first } else { template }
    }
}

async fn service(manner: Manner, answer: Value) -> (MockServer, Remote) {
    let server = MockServer::start().await;
    let service = Service { answer, manner, first: Mutex::default() };
    Mock::given(any()).respond_with(service).mount(&server).await;
    let adapter = adapter_at(&format!("{}/bridge", server.uri()), testing::client());
    (server, adapter)
}

async fn body_of(server: &MockServer, at: usize) -> Value {
    serde_json::from_slice(&server.received_requests().await.unwrap()[at].body).unwrap()
}

fn paid() -> Value {
    json!({"orderId": ID, "state": "paid", "amountPaise": 10050, "currency": "INR", "gatewayTxnId": "P-1",
        "paymentMode": "UPI", "statusCode": "00", "statusMessage": "done", "payerName": "Asha"})
}

async fn status_of(answer: Value) -> Result<Report, GatewayError> {
    let (_server, adapter) = service(Manner::Proper, answer).await;
    adapter.status(&txn()).await
}

async fn start_of(answer: Value) -> Result<Redirect, GatewayError> {
    let (_server, adapter) = service(Manner::Proper, answer).await;
    adapter.start(&sample::order(&txn())).await
}

async fn verified(answer: Value, brought: &Answer) -> Result<Evidence, GatewayError> {
    let (_server, adapter) = service(Manner::Proper, answer).await;
    adapter.verify(&txn(), brought).await
}

fn brought(pairs: &[(&str, &str)]) -> Answer {
    let pairs = pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
    Answer::of_params(Params::new(pairs))
}

#[tokio::test]
async fn a_start_carries_every_field_of_the_order() {
    let (server, adapter) =
        service(Manner::Proper, json!({"orderId": ID, "redirectUrl": "https://pay.example/p?o=1"})).await;
    let redirect = adapter.start(&sample::order(&txn())).await.unwrap();
    assert_eq!(redirect, Redirect::To("https://pay.example/p?o=1".to_owned()));
    assert_eq!(server.received_requests().await.unwrap()[0].url.path(), "/bridge/start");
    insta::assert_snapshot!("start", format!("{:#}", body_of(&server, 0).await));
}

#[tokio::test]
async fn a_payer_may_be_sent_on_by_a_form_or_not_at_all() {
    let form = json!({"orderId": ID, "form": {"action": "https://pay.example/", "fields": [["b", "1 & 2"], ["a", ""]]}});
    let fields = vec![("b".to_owned(), "1 & 2".to_owned()), ("a".to_owned(), String::new())];
    let expected = Redirect::Form { action: "https://pay.example/".to_owned(), fields };
    assert_eq!(start_of(form).await.unwrap(), expected);
    let refused = start_of(json!({"orderId": ID, "refused": "AMOUNT_TOO_SMALL"})).await;
    assert!(matches!(refused, Err(GatewayError::Refused { code }) if code == "AMOUNT_TOO_SMALL"));
}

#[tokio::test]
async fn an_invalid_redirect_or_one_of_another_order_is_unreadable() {
    let many: Vec<[&str; 2]> = vec![["a", "b"]; 101];
    for answer in [
        json!({"orderId": "OTHER", "redirectUrl": "https://pay.example/"}),
        json!({"redirectUrl": "https://pay.example/"}),
        json!({"orderId": ID}),
        json!({"orderId": ID, "redirectUrl": "javascript:alert(1)"}),
        json!({"orderId": ID, "redirectUrl": "/pay"}),
        json!({"orderId": ID, "redirectUrl": format!("https://pay.example/{}", "x".repeat(4096))}),
        json!({"orderId": ID, "redirectUrl": "https://pay.example/", "refused": "NO"}),
        json!({"orderId": ID, "form": {"action": "data:text/html,x", "fields": []}}),
        json!({"orderId": ID, "form": {"action": "https://pay.example/", "fields": {"a": "b"}}}),
        json!({"orderId": ID, "form": {"action": "https://pay.example/", "fields": many}}),
        json!({"orderId": ID, "form": {"action": "https://pay.example/", "fields": [["a", "x".repeat(16 * 1024 + 1)]]}}),
        json!({"orderId": ID, "form": {"fields": []}}),
    ] {
        let error = start_of(answer.clone()).await.unwrap_err();
        assert!(matches!(error, GatewayError::Unreadable(_)), "{answer}: {error:?}");
    }
}

#[tokio::test]
async fn a_payment_is_what_the_provider_took() {
    let mut answer = paid();
    answer["bankTransactionNo"] = json!("407506239491");
    let report = status_of(answer).await.unwrap();
    assert_eq!(report.outcome, Outcome::Paid { amount: Some(txn().amount) });
    assert_eq!(report.gateway_txn_id.as_deref(), Some("P-1"));
    assert_eq!(report.bank_txn_no.as_deref(), Some("407506239491"));
    let kept = json!({"orderId": ID, "state": "paid", "amountPaise": "10050", "currency": "INR",
        "gatewayTxnId": "P-1", "paymentMode": "UPI", "bankTransactionNo": "407506239491", "statusCode": "00", "statusMessage": "done"});
    assert_eq!(report.raw, kept, "what is not named in the protocol is not kept");
}

#[tokio::test]
async fn an_amount_is_in_minor_units_of_the_requested_currency() {
    let mut yen = txn();
    yen.amount = Money::parse("10050", Currency::from_code("JPY").unwrap()).unwrap();
    let mut answer = paid();
    answer["currency"] = json!("JPY");
    let (server, adapter) = service(Manner::Proper, answer).await;
    assert_eq!(adapter.status(&yen).await.unwrap().outcome, Outcome::Paid { amount: Some(yen.amount) });
    let asked = body_of(&server, 0).await;
    assert_eq!((&asked["amountPaise"], &asked["currency"]), (&json!(10_050), &json!("JPY")));
    let (_server, adapter) = service(Manner::Proper, paid()).await;
    assert!(matches!(adapter.status(&yen).await, Err(GatewayError::Unreadable(_))), "as many paise");
}

#[tokio::test]
async fn every_state_means_what_the_document_says() {
    for (state, meaning) in [
        ("declined", "declined"),
        ("pending", "pending"),
        ("not_found", "not found"),
        ("refunded", "refunded"),
        ("PAID", "unrecognised"),
        ("Success", "unrecognised"),
        ("आ", "unrecognised"),
    ] {
        let report = status_of(json!({"orderId": ID, "state": state})).await.unwrap();
        assert_eq!(report.outcome.name(), meaning, "{state}");
    }
    let without_amount = status_of(json!({"orderId": ID, "state": "paid"})).await.unwrap();
    assert_eq!(without_amount.outcome, Outcome::Paid { amount: None });
}

#[tokio::test]
async fn an_answer_about_another_order_or_with_fractions_of_a_paisa_is_unreadable() {
    let with = |name: &str, value: Value| {
        let mut answer = paid();
        answer[name] = value;
        answer
    };
    for answer in [
        with("orderId", json!("OTHER")),
        with("orderId", Value::Null),
        with("state", Value::Null),
        with("currency", json!("USD")),
        with("currency", Value::Null),
        with("amountPaise", json!(100.5)),
        with("amountPaise", json!(1e300)),
        with("amountPaise", json!("100.50")),
        with("amountPaise", json!(-10050)),
        json!([]),
    ] {
        let error = status_of(answer.clone()).await.unwrap_err();
        assert!(matches!(error, GatewayError::Unreadable(_)), "{answer}");
    }
}

#[tokio::test]
async fn only_a_signed_answer_to_this_request_is_read() {
    for manner in [
        Manner::OtherSecret,
        Manner::OtherNonce,
        Manner::OldTimestamp,
        Manner::SignsAsARequest,
        Manner::SignsAnotherPath,
        Manner::Unsigned,
        Manner::ChangesTheBody,
    ] {
        let (_server, adapter) = service(manner, paid()).await;
        let error = adapter.status(&txn()).await.unwrap_err();
        assert!(matches!(error, GatewayError::Unreadable(_)), "{manner:?}");
    }
    let (_server, adapter) = service(Manner::RepeatsItsFirstAnswer, paid()).await;
    assert!(adapter.status(&txn()).await.is_ok());
    let replayed = adapter.status(&txn()).await.unwrap_err();
    assert!(matches!(replayed, GatewayError::Unreadable(_)), "an old answer never passes for a new one");
}

#[tokio::test]
async fn a_refused_signature_is_reported_to_the_operator_without_a_secret() {
    let server = testing::server_that_answers(ResponseTemplate::new(401)).await;
    let error = adapter_at(&server.uri(), testing::client()).status(&txn()).await.unwrap_err();
    assert!(matches!(&error, GatewayError::Unreadable(problem) if problem.contains("secrets")));
    let shown = format!("{:?} {error:?} {error}", adapter_at(&server.uri(), testing::client()));
    assert!(!shown.contains(SECRET));
}

#[tokio::test]
async fn a_fault_of_the_network_is_never_an_answer() {
    testing::asks_through_every_fault(adapter_at).await;
}

#[tokio::test]
async fn a_providers_request_is_passed_on_whole_except_for_cookies() {
    let (server, adapter) = service(Manner::Proper, json!({"verdict": "unsigned"})).await;
    let answer = Answer {
        params: Params::new(vec![
            ("eg_pg_txnid".to_owned(), ID.to_owned()),
            ("q".to_owned(), "a+b &=".to_owned()),
        ]),
        headers: Params::new(vec![
            ("cookie".to_owned(), "session=1".to_owned()),
            ("x-sign".to_owned(), "abc".to_owned()),
        ]),
        body: bytes::Bytes::from_static(b"\xff\x00{}"),
    };
    assert_eq!(adapter.verify(&txn(), &answer).await.unwrap(), Evidence::Unsigned);
    let asked = body_of(&server, 0).await;
    assert_eq!(asked["params"], json!([["eg_pg_txnid", ID], ["q", "a+b &="]]));
    assert_eq!(asked["headers"], json!([["x-sign", "abc"]]));
    assert_eq!(asked["body"], "/wB7fQ==");
}

#[tokio::test]
async fn a_verdict_is_believed_only_about_this_order_and_amount() {
    let callback = brought(&[("orderId", ID), ("sign", "x")]);
    let signed = |name: &str, value: Value| {
        let mut answer = paid();
        answer["verdict"] = json!("signed");
        answer[name] = value;
        answer
    };
    let genuine = verified(signed("verdict", json!("signed")), &callback).await.unwrap();
    assert!(matches!(genuine, Evidence::Signed(report) if report.outcome.name() == "paid"));
    for (name, value) in
        [("orderId", json!("OTHER")), ("orderId", Value::Null), ("amountPaise", json!(10051))]
    {
        let error = verified(signed(name, value.clone()), &callback).await.unwrap_err();
        assert!(matches!(error, GatewayError::WrongTransaction), "{name} {value}");
    }
    let amountless = verified(signed("amountPaise", Value::Null), &callback).await.unwrap();
    assert_eq!(amountless, Evidence::Unsigned);
    for (name, value) in [("currency", json!("USD")), ("verdict", json!("fine")), ("verdict", Value::Null)] {
        let error = verified(signed(name, value.clone()), &callback).await.unwrap_err();
        assert!(matches!(error, GatewayError::Unreadable(_)), "{name} {value}");
    }
    let bad = verified(json!({"verdict": "bad_signature"}), &callback).await.unwrap_err();
    assert!(matches!(bad, GatewayError::BadSignature));
    let wrong = verified(json!({"verdict": "wrong_transaction"}), &callback).await.unwrap_err();
    assert!(matches!(wrong, GatewayError::WrongTransaction));
}

#[tokio::test]
async fn an_answer_with_our_id_alone_or_another_order_makes_no_call() {
    let adapter = adapter_at("http://127.0.0.1:9/never-called", testing::client());
    for bare in [
        Answer::default(),
        brought(&[("transactionId", ID)]),
        brought(&[("eg_pg_txnid", ID), ("transactionId", ID)]),
    ] {
        assert_eq!(adapter.verify(&txn(), &bare).await.unwrap(), Evidence::Unsigned);
    }
    let other = brought(&[("eg_pg_txnid", ID), ("orderId", "OTHER")]);
    assert!(matches!(adapter.verify(&txn(), &other).await, Err(GatewayError::WrongTransaction)));
}

#[test]
fn the_order_is_found_where_the_document_says() {
    let adapter = adapter_at("http://127.0.0.1:9", testing::client());
    let named = |answer: &Answer| adapter.names(answer).map(|id| id.to_string());
    let body = |text: &str| Answer { body: text.to_owned().into(), ..Answer::default() };
    assert_eq!(named(&brought(&[("eg_pg_txnid", "T1"), ("ORDERID", "T2")])).as_deref(), Some("T2"));
    assert_eq!(named(&brought(&[("eg_pg_txnid", "T1")])).as_deref(), Some("T1"));
    assert_eq!(named(&body(r#"{"orderId": "T3", "x": 1}"#)).as_deref(), Some("T3"));
    for nothing in [r#"{"order": "T3"}"#, r#"{"data": {"orderId": "T3"}}"#, "[]", "", "\u{0}"] {
        assert_eq!(named(&body(nothing)), None, "{nothing}");
    }
}

/// One `http` block of the document: the first line, the headers, the body.
fn message(block: &str) -> (&str, Vec<(String, String)>, &str) {
    let (head, body) = block.split_once("\n\n").unwrap();
    let (first, headers) = head.split_once('\n').unwrap();
    let header = |line: &str| {
        let (name, value) = line.split_once(": ").unwrap();
        (name.to_owned(), value.to_owned())
    };
    (first, headers.lines().map(header).collect(), body)
}

#[test]
fn the_worked_example_of_the_document_is_what_happens() {
    let document = include_str!("../../../../docs/remote-gateway.md");
    let blocks: Vec<&str> =
        document.split("```http\n").skip(1).map(|rest| rest.split_once("\n```").unwrap().0).collect();
    let [request, response] = blocks[..] else { panic!("two messages") };

    let txn = txn();
    let config = config("https://bridge.example.org/bridge");
    let order = Order {
        return_url: "https://pay.example.org/pg-service/transaction/v1/_redirect?eg_pg_txnid=PB_PG_2026_11_22_000072_14",
        notify_url: Some("https://pay.example.org/pg-service/gateway/v1/citypay/_callback"),
        ..sample::order(&txn)
    };
    let nonce = "9f86d081884c7d659a2feaa0c55ad015".to_owned();
    let question =
        Question::new(&config, Operation::Start, wire::start_body(&config, &order).unwrap(), NOW, nonce);

    let (line, headers, body) = message(request);
    assert_eq!(line, "POST /bridge/start HTTP/1.1");
    assert!(question.call.body == Body::Json(body.to_owned()));
    for signed in &question.call.headers {
        assert!(headers.contains(signed), "{signed:?}");
    }
    assert!(document.contains(&format!(
        "printf '%s\\n' remote-gateway-request-1 POST /bridge/start {} {}",
        headers.iter().find(|(name, _)| name == TIMESTAMP).unwrap().1,
        question_nonce(&question)
    )));

    let (line, headers, body) = message(response);
    assert_eq!(line, "HTTP/1.1 200 OK");
    let headers = headers.into_iter().map(|(name, value)| (name.to_lowercase(), value)).collect();
    let reply = Reply { status: 200, location: None, headers, body: body.as_bytes().to_vec() };
    let answer = question.read(&config, reply, NOW).unwrap();
    let to = Redirect::To("https://pay.provider.example/p/7d1f".to_owned());
    assert_eq!(wire::redirect(&answer, &txn).unwrap(), to);
}

fn question_nonce(question: &Question) -> &str {
    &question.call.headers.iter().find(|(name, _)| name == NONCE).unwrap().1
}

#[test]
fn limits_are_those_of_the_document() {
    assert_eq!(Limits::default().max_body_bytes, 256 * 1024);
    assert_eq!(config("https://x").limits().unwrap().total_timeout.as_millis(), 10_000);
}
