//! The signed protocols against a server, and against forged callbacks.

use std::sync::LazyLock;

use bytes::Bytes;
use payment_domain::{Currency, Money, SystemClock};
use payment_gateway::Params;
use proptest::prelude::*;
use serde_json::{Value, json};
use wiremock::ResponseTemplate;

use super::signature::SaltKey;
use payment_gateway::{StartMode, USUAL_SESSION};
use payment_settings::Reader;

use super::*;
use crate::account::RedirectThrough;
use crate::json::Object;
use crate::testing::{asks_through_every_fault, client, server_that_answers, texts, transaction};

const ID: &str = "PB_PG_2024_03_15_000123_45";
const MID: &str = "FAKEMERCHANTUAT";
const KEY: &str = "00000000-fa4e-4fa4-8fa4-00000000fa4e";
const LEGACY_PAID: &str = include_str!("fixtures/legacy_paid.json");
const V1_PAID: &str = include_str!("fixtures/v1_paid.json");
const V1_OPENED: &str = include_str!("fixtures/v1_opened.json");

fn phonepe(protocol: &'static str, base_url: &str, client: Client) -> Phonepe {
    phonepe_through(RedirectThrough::Service, protocol, base_url, client)
}

fn phonepe_through(
    through: RedirectThrough,
    protocol: &'static str,
    base_url: &str,
    client: Client,
) -> Phonepe {
    let lookup = |name: &str| {
        Some(match name {
            "phonepe.protocol" => protocol.to_owned(),
            "phonepe.merchant.id" => MID.to_owned(),
            "phonepe.merchant.secret.key" => KEY.to_owned(),
            "phonepe.merchant.secret.index" => "1".to_owned(),
            "phonepe.merchant.host" => base_url.to_owned(),
            "phonepe.v1.host" => format!("{base_url}/apis/hermes"),
            _ => return None,
        })
    };
    let values = texts(account::SETTINGS, lookup);
    let account = PhonepeAccount::read(&mut Reader::new(&values), through).unwrap();
    Phonepe::new(account, client, Arc::new(SystemClock))
}

/// An adapter that is never made to call.
static OFFLINE: LazyLock<Phonepe> = LazyLock::new(|| phonepe("v1", "https://gateway.example", client()));

fn salt() -> SaltKey {
    SaltKey { key: KEY.into(), index: "1".to_owned() }
}

fn order(txn: &Transaction) -> Order<'_> {
    Order {
        txn,
        return_url: "https://pg.example/pg-service/transaction/v1/_redirect?eg_pg_txnid=T1",
        notify_url: Some("https://pg.example/pg-service/gateway/v1/phonepe/_callback"),
        payable_until: txn.audit.created_at.plus(USUAL_SESSION),
        bank_account: None,
    }
}

/// The payload and its signature as they were sent.
fn payload_of(request: &wiremock::Request, path: &str) -> Value {
    let body: Value = serde_json::from_slice(&request.body).unwrap();
    let payload = body["request"].as_str().unwrap();
    assert_eq!(request.headers["x-verify"], salt().x_verify(payload, path).as_str());
    serde_json::from_slice(&signature::decode(payload).unwrap()).unwrap()
}

/// A fixture with members of its `data`, or of its root, replaced, or left out by null.
fn but(fixture: &str, changes: &Value) -> Value {
    let mut answer: Value = serde_json::from_str(fixture).unwrap();
    for (name, value) in changes.as_object().unwrap() {
        let target = if answer.get(name).is_some() { &mut answer } else { &mut answer["data"] };
        target[name] = value.clone();
    }
    answer
}

async fn status(protocol: &'static str, answer: ResponseTemplate) -> Result<Report, GatewayError> {
    let server = server_that_answers(answer).await;
    phonepe(protocol, &server.uri(), client()).status(&transaction(ID, "19.99")).await
}

async fn v1(changes: Value) -> Result<Report, GatewayError> {
    status("v1", ResponseTemplate::new(200).set_body_json(but(V1_PAID, &changes))).await
}

pub(super) fn unreadable<T>(result: Result<T, GatewayError>) -> String {
    match result {
        Err(GatewayError::Unreadable(why)) => why,
        Err(other) => panic!("{other:?}"),
        Ok(_) => panic!("was read"),
    }
}

fn paid(rupees: &str) -> Outcome {
    Outcome::Paid { amount: Some(Money::parse(rupees, Currency::INR).unwrap()) }
}

#[tokio::test]
async fn the_legacy_protocol_takes_the_location_and_does_not_follow_it() {
    let answer = ResponseTemplate::new(302).insert_header("Location", "/transact?token=a%2Bb");
    let server = server_that_answers(answer).await;
    let adapter = phonepe("legacy", &server.uri(), client());
    assert_eq!(adapter.profile().start_mode, StartMode::Network);
    let redirect = adapter.start(&order(&transaction(ID, "19.99"))).await.unwrap();
    assert_eq!(redirect, Redirect::To(format!("{}/transact?token=a%2Bb", server.uri())));

    let requests = server.received_requests().await.unwrap();
    assert_eq!(requests.len(), 1);
    assert_eq!(requests[0].url.path(), "/v3/debit");
    assert_eq!(requests[0].headers["x-redirect-mode"], "POST");
    assert_eq!(requests[0].headers["x-redirect-url"], order(&transaction(ID, "1")).return_url);
    assert_eq!(requests[0].headers["x-callback-url"], order(&transaction(ID, "1")).notify_url.unwrap());
    insta::assert_snapshot!(format!("{:#}", payload_of(&requests[0], "/v3/debit")), @r#"
    {
      "amount": 1999,
      "merchantId": "FAKEMERCHANTUAT",
      "merchantOrderId": "BILL-1",
      "merchantUserId": "9876500001",
      "message": "Property Tax & Water + Sewer = 2",
      "mobileNumber": "9876500001",
      "transactionId": "PB_PG_2024_03_15_000123_45"
    }
    "#);
}

#[tokio::test]
async fn through_the_application_v1_comes_back_by_a_link_and_nothing_is_reported_to_nowhere() {
    let txn = transaction(ID, "19.99");
    let order =
        Order { return_url: "https://city.example/done?eg_pg_txnid=T1", notify_url: None, ..order(&txn) };
    let server = server_that_answers(ResponseTemplate::new(200).set_body_string(V1_OPENED)).await;
    phonepe_through(RedirectThrough::Application, "v1", &server.uri(), client()).start(&order).await.unwrap();
    let payload = payload_of(&server.received_requests().await.unwrap()[0], "/pg/v1/pay");
    assert_eq!(
        (&payload["redirectUrl"], &payload["redirectMode"]),
        (&order.return_url.into(), &"REDIRECT".into())
    );
    assert!(payload.get("callbackUrl").is_none(), "{payload}");

    let server = server_that_answers(ResponseTemplate::new(302).insert_header("Location", "/transact")).await;
    phonepe_through(RedirectThrough::Application, "legacy", &server.uri(), client())
        .start(&order)
        .await
        .unwrap();
    let headers = &server.received_requests().await.unwrap()[0].headers;
    assert_eq!(headers["x-redirect-url"], order.return_url);
    // As egov-pg-service requests it: the applications that come with it take a form.
    assert_eq!(headers["x-redirect-mode"], "POST");
    assert!(!headers.contains_key("x-callback-url"));
}

#[tokio::test]
async fn v1_names_the_pay_page_in_its_answer_and_signs_without_the_hosts_prefix() {
    let server = server_that_answers(ResponseTemplate::new(200).set_body_string(V1_OPENED)).await;
    let mut txn = transaction(ID, "9999999999.99");
    txn.payer.user_name = payment_domain::Personal::new("asha@example.org");
    txn.payer.mobile_number = payment_domain::Personal::new("+91 98765");
    let redirect = phonepe("v1", &server.uri(), client()).start(&order(&txn)).await.unwrap();
    assert_eq!(
        redirect,
        Redirect::To("https://mercury-uat.phonepe.example/transact/pg?token=abc".to_owned())
    );
    let requests = server.received_requests().await.unwrap();
    assert_eq!(requests[0].url.path(), "/apis/hermes/pg/v1/pay");
    insta::assert_snapshot!(format!("{:#}", payload_of(&requests[0], "/pg/v1/pay")), @r#"
    {
      "amount": 999999999999,
      "callbackUrl": "https://pg.example/pg-service/gateway/v1/phonepe/_callback",
      "merchantId": "FAKEMERCHANTUAT",
      "merchantTransactionId": "PB_PG_2024_03_15_000123_45",
      "merchantUserId": "0d6b1f4e000040008000000000000001",
      "paymentInstrument": {
        "type": "PAY_PAGE"
      },
      "redirectMode": "POST",
      "redirectUrl": "https://pg.example/pg-service/transaction/v1/_redirect?eg_pg_txnid=T1"
    }
    "#);
}

#[tokio::test]
async fn an_id_that_phonepe_does_not_take_is_refused_before_anything_is_sent() {
    let server = server_that_answers(ResponseTemplate::new(200)).await;
    for protocol in ["legacy", "v1"] {
        for id in ["x".repeat(35), "T.1".to_owned(), "T 1".to_owned(), "T/1".to_owned(), "टी".to_owned()]
        {
            let txn = transaction(&id, "1");
            let error = phonepe(protocol, &server.uri(), client()).start(&order(&txn)).await.unwrap_err();
            assert!(
                matches!(&error, GatewayError::Refused { code } if code == "INVALID_TRANSACTION_ID"),
                "{id}: {error:?}"
            );
        }
    }
    assert_eq!(server.received_requests().await.unwrap().len(), 0);
}

#[tokio::test]
async fn a_payment_is_refused_only_when_nothing_was_opened() {
    let start = async |protocol: &'static str, answer: ResponseTemplate| {
        let server = server_that_answers(answer).await;
        phonepe(protocol, &server.uri(), client()).start(&order(&transaction(ID, "1"))).await
    };
    let code = |status: u16, code: &str| {
        ResponseTemplate::new(status).set_body_json(json!({ "success": false, "code": code, "data": {} }))
    };
    for protocol in ["legacy", "v1"] {
        for (status, said, refused) in [
            (400, "BAD_REQUEST", "BAD_REQUEST"),
            (200, "BAD_REQUEST", "BAD_REQUEST"),
            (401, "AUTHORIZATION_FAILED", "AUTHORIZATION_FAILED"),
            (403, "KEY_NOT_CONFIGURED", "KEY_NOT_CONFIGURED"),
            (404, "", "HTTP_404"),
            (429, "TOO_MANY_REQUESTS", "TOO_MANY_REQUESTS"),
        ] {
            let error = start(protocol, code(status, said)).await.unwrap_err();
            assert!(matches!(&error, GatewayError::Refused { code } if code == refused), "{said}: {error:?}");
        }
        for (status, said) in
            [(500, "INTERNAL_SERVER_ERROR"), (400, "INTERNAL_SERVER_ERROR"), (503, ""), (409, "X")]
        {
            let error = start(protocol, code(status, said)).await.unwrap_err();
            assert!(matches!(error, GatewayError::Unanswered(_)), "{status} {said}: {error:?}");
        }
        for (status, said) in [(200, "SOMETHING_NEW"), (400, "DUPLICATE_TXN_REQUEST"), (302, "")] {
            unreadable(start(protocol, code(status, said)).await);
        }
        unreadable(start(protocol, ResponseTemplate::new(200).set_body_string("<html>")).await);
    }
    for location in ["javascript:alert(1)", "ftp://x/", "http://", &format!("/{}", "x".repeat(5000))] {
        let answer = ResponseTemplate::new(302).insert_header("Location", location);
        unreadable(start("legacy", answer).await);
    }
    let other = V1_OPENED.replace(ID, "ANOTHER-1");
    unreadable(start("v1", ResponseTemplate::new(200).set_body_string(other)).await);
}

#[tokio::test]
async fn a_fault_is_never_an_answer() {
    asks_through_every_fault(|url, client| phonepe("legacy", url, client)).await;
    asks_through_every_fault(|url, client| phonepe("v1", url, client)).await;
}

#[tokio::test]
async fn the_status_request_is_signed_over_its_path() {
    for (protocol, path, signed) in [
        (
            "legacy",
            format!("/v3/transaction/{MID}/{ID}/status"),
            format!("/v3/transaction/{MID}/{ID}/status"),
        ),
        ("v1", format!("/apis/hermes/pg/v1/status/{MID}/{ID}"), format!("/pg/v1/status/{MID}/{ID}")),
    ] {
        let fixture = if protocol == "v1" { V1_PAID } else { LEGACY_PAID };
        let server = server_that_answers(ResponseTemplate::new(200).set_body_string(fixture)).await;
        let report =
            phonepe(protocol, &server.uri(), client()).status(&transaction(ID, "19.99")).await.unwrap();
        assert_eq!(report.outcome, paid("19.99"));
        let request = &server.received_requests().await.unwrap()[0];
        assert_eq!(request.url.path(), path);
        assert_eq!(request.headers["x-verify"], salt().x_verify("", &signed).as_str());
        assert_eq!(request.headers.get("x-merchant-id").is_some(), protocol == "v1");
    }
}

#[tokio::test]
async fn a_paid_answer_is_kept_without_personal_data() {
    let report = v1(json!({})).await.unwrap();
    assert_eq!(report.gateway_txn_id.as_deref(), Some("T2403151112128001"));
    assert_eq!(report.payment_mode.as_deref(), Some("CARD"));
    assert_eq!(report.status_code.as_deref(), Some("PAYMENT_SUCCESS"));
    insta::assert_snapshot!(format!("{:#}", report.raw), @r#"
    {
      "code": "PAYMENT_SUCCESS",
      "data": {
        "amount": "1999",
        "merchantId": "FAKEMERCHANTUAT",
        "merchantTransactionId": "PB_PG_2024_03_15_000123_45",
        "paymentInstrument": {
          "arn": "7402",
          "pgTransactionId": "PG2212291607083344934300",
          "type": "CARD"
        },
        "responseCode": "SUCCESS",
        "state": "COMPLETED",
        "transactionId": "T2403151112128001"
      },
      "message": "Your payment is successful.",
      "success": "true"
    }
    "#);
    let report = status("legacy", ResponseTemplate::new(200).set_body_string(LEGACY_PAID)).await.unwrap();
    assert_eq!(report.gateway_txn_id.as_deref(), Some("P2403151112128001"));
    assert_eq!(report.payment_mode.as_deref(), Some("ACCOUNT"));
    assert_eq!(report.bank_txn_no.as_deref(), Some("206378866112"));
    assert!(!report.raw.to_string().contains("9876500001"));
}

#[tokio::test]
async fn every_code_is_what_phonepe_means_by_it() {
    for (code, state, outcome) in [
        ("PAYMENT_SUCCESS", "COMPLETED", "paid"),
        ("PAYMENT_SUCCESS", "FAILED", "unrecognised"),
        ("PAYMENT_PENDING", "PENDING", "pending"),
        ("INTERNAL_SERVER_ERROR", "PENDING", "pending"),
        ("TIMED_OUT", "FAILED", "pending"),
        ("PAYMENT_ERROR", "FAILED", "declined"),
        ("PAYMENT_ERROR", "COMPLETED", "unrecognised"),
        ("PAYMENT_DECLINED", "FAILED", "declined"),
        ("PAYMENT_CANCELLED", "FAILED", "declined"),
        ("TRANSACTION_NOT_FOUND", "", "not found"),
        ("SOMETHING_NEW", "", "unrecognised"),
        ("payment_success", "Completed", "paid"),
        ("Payment_Error", "failed", "declined"),
        ("payment_error", "completed", "unrecognised"),
    ] {
        let report = v1(json!({ "code": code, "state": state })).await.unwrap();
        assert_eq!(report.outcome.name(), outcome, "{code} {state}");
    }
    for code in ["BAD_REQUEST", "AUTHORIZATION_FAILED"] {
        assert_eq!(
            unreadable(v1(json!({ "code": code })).await),
            format!("the question was refused: {code}")
        );
    }
    let denied = v1(json!({ "success": false })).await.unwrap();
    assert_eq!(denied.outcome.name(), "unrecognised", "a success that is none");
    let bare = status("v1", ResponseTemplate::new(200).set_body_json(json!({ "code": "PAYMENT_ERROR" })))
        .await
        .unwrap();
    assert_eq!(bare.outcome, Outcome::Declined { reason: "PAYMENT_ERROR".to_owned() });
}

#[tokio::test]
async fn an_http_error_never_settles_a_payment() {
    let answer = |http: u16, code: &str| {
        let body = but(V1_PAID, &json!({ "code": code }));
        status("v1", ResponseTemplate::new(http).set_body_json(body))
    };
    for code in ["PAYMENT_SUCCESS", "PAYMENT_ERROR", "SOMETHING_NEW"] {
        unreadable(answer(400, code).await);
        let error = answer(500, code).await.unwrap_err();
        assert!(matches!(error, GatewayError::Unanswered(_)), "{error:?}");
    }
    assert_eq!(answer(404, "TRANSACTION_NOT_FOUND").await.unwrap().outcome, Outcome::NotFound);
    assert_eq!(answer(500, "INTERNAL_SERVER_ERROR").await.unwrap().outcome, Outcome::Pending);
    let error = answer(502, "TRANSACTION_NOT_FOUND").await.unwrap_err();
    assert!(matches!(error, GatewayError::Unanswered(_)), "{error:?}");
    assert_eq!(
        unreadable(answer(401, "AUTHORIZATION_FAILED").await),
        "the question was refused: AUTHORIZATION_FAILED"
    );
}

#[tokio::test]
async fn an_answer_about_something_else_is_never_taken() {
    for changes in [
        json!({ "merchantTransactionId": "ANOTHER-1" }),
        json!({ "merchantTransactionId": null }),
        json!({ "merchantId": "SOMEBODYELSE" }),
        json!({ "merchantId": null }),
        json!({ "data": null }),
        json!({ "merchantTransactionId": "ANOTHER-1", "code": "PAYMENT_ERROR", "state": "FAILED" }),
        json!({ "merchantTransactionId": "ANOTHER-1", "code": "PAYMENT_PENDING", "state": "PENDING" }),
    ] {
        unreadable(v1(changes).await);
    }
    // v1's `transactionId` is PhonePe's number; in the legacy protocol it is ours.
    let other = LEGACY_PAID.replace(ID, "ANOTHER-1");
    unreadable(status("legacy", ResponseTemplate::new(200).set_body_string(other)).await);
}

#[tokio::test]
async fn the_amount_is_what_phonepe_says_and_nothing_when_it_says_none() {
    for (amount, outcome) in [
        (json!(1998), paid("19.98")),
        (json!("1999"), paid("19.99")),
        (json!(null), Outcome::Paid { amount: None }),
        (json!(19.99), Outcome::Paid { amount: None }),
        (json!(-1999), Outcome::Paid { amount: None }),
        (json!(1.999e3), Outcome::Paid { amount: None }),
    ] {
        assert_eq!(v1(json!({ "amount": amount })).await.unwrap().outcome, outcome, "{amount}");
    }
}

/// A server-to-server callback as PhonePe signs it.
fn callback(payload: &Value) -> Answer {
    let payload = signature::encode(&payload.to_string());
    let headers = Params::new(vec![(X_VERIFY.to_owned(), salt().x_verify(&payload, ""))]);
    Answer { headers, body: Bytes::from(json!({ "response": payload }).to_string()), ..Answer::default() }
}

async fn verify(answer: &Answer) -> Result<Evidence, GatewayError> {
    OFFLINE.verify(&transaction(ID, "19.99"), answer).await
}

#[tokio::test]
async fn a_signed_callback_about_this_payment_is_evidence() {
    let answer = callback(&but(V1_PAID, &json!({})));
    assert_eq!(OFFLINE.names(&answer), Some(TxnId::new(ID).unwrap()));
    let Ok(Evidence::Signed(report)) = verify(&answer).await else { panic!("signed") };
    assert_eq!(report.outcome, paid("19.99"));
    let legacy = phonepe("legacy", "https://gateway.example", client());
    let answer = callback(&but(LEGACY_PAID, &json!({})));
    assert_eq!(legacy.names(&answer), Some(TxnId::new(ID).unwrap()));
    let evidence = legacy.verify(&transaction(ID, "19.99"), &answer).await;
    assert!(matches!(evidence, Ok(Evidence::Signed(_))), "{evidence:?}");
}

#[tokio::test]
async fn a_callback_for_one_transaction_never_speaks_for_another() {
    for changes in [
        json!({ "merchantTransactionId": "ANOTHER-1" }),
        json!({ "merchantTransactionId": null }),
        json!({ "merchantId": "SOMEBODYELSE" }),
        json!({ "amount": 1998 }),
        json!({ "amount": "x" }),
    ] {
        let refused = verify(&callback(&but(V1_PAID, &changes))).await;
        assert!(matches!(refused, Err(GatewayError::WrongTransaction)), "{changes}: {refused:?}");
    }
}

#[tokio::test]
async fn a_callback_without_its_signature_is_a_forgery() {
    let mut answer = callback(&but(V1_PAID, &json!({})));
    answer.headers = Params::default();
    assert!(matches!(verify(&answer).await, Err(GatewayError::BadSignature)));
    answer.headers = Params::new(vec![("x-verify".to_owned(), "00###1".to_owned())]);
    assert!(matches!(verify(&answer).await, Err(GatewayError::BadSignature)));
}

/// The body of an order we opened: the payload as it was sent, and its signature.
async fn opened(protocol: &'static str) -> (String, String) {
    let server = server_that_answers(ResponseTemplate::new(200).set_body_string(V1_OPENED)).await;
    let mut txn = transaction(ID, "19.99");
    txn.product_info = r#"{"code":"PAYMENT_SUCCESS"}"#.to_owned();
    let _opened_or_not = phonepe(protocol, &server.uri(), client()).start(&order(&txn)).await;
    let request = &server.received_requests().await.unwrap()[0];
    let body: Value = serde_json::from_slice(&request.body).unwrap();
    let x_verify = request.headers["x-verify"].to_str().unwrap().to_owned();
    (body["request"].as_str().unwrap().to_owned(), x_verify)
}

#[tokio::test]
async fn our_own_signature_is_no_callback() {
    let refused = async |payload: &str, x_verify: &str| {
        let headers = Params::new(vec![(X_VERIFY.to_owned(), x_verify.to_owned())]);
        let body = Bytes::from(json!({ "response": payload }).to_string());
        let refused = verify(&Answer { headers, body, ..Answer::default() }).await;
        matches!(refused, Err(GatewayError::BadSignature))
    };
    for (protocol, path) in [("legacy", "/v3/debit"), ("v1", "/pg/v1/pay")] {
        let (payload, x_verify) = opened(protocol).await;
        assert!(refused(&payload, &x_verify).await, "our payload");
        // Path and payload are hashed as one text, and base64 may hold a slash.
        assert!(salt().verifies(&format!("{payload}{path}"), &x_verify));
        assert!(refused(&format!("{payload}{path}"), &x_verify).await, "with its path");
        assert!(refused(payload.trim_end_matches('='), &x_verify).await);
    }
    // Our questions sign their path alone; a static QR code's callback signs three plain values.
    for text in [format!("/pg/v1/status/{MID}/{ID}"), format!("{MID}{ID}1999")] {
        assert!(refused(&text, &salt().x_verify("", &text)).await, "{text}");
    }
}

#[tokio::test]
async fn a_refunds_callback_is_about_the_refund() {
    let refund = json!({ "merchantTransactionId": "REFUND-1", "originalTransactionId": ID });
    let refused = verify(&callback(&but(V1_PAID, &refund))).await;
    assert!(matches!(refused, Err(GatewayError::WrongTransaction)), "{refused:?}");
}

#[tokio::test]
async fn the_browsers_return_is_only_a_hint() {
    let form = |id: &str| {
        let fields =
            [("code", "PAYMENT_SUCCESS"), ("transactionId", id), ("amount", "1999"), ("checksum", "x###1")];
        Answer::of_params(Params::new(fields.map(|(name, value)| (name.to_owned(), value.to_owned())).into()))
    };
    assert_eq!(verify(&form(ID)).await.unwrap(), Evidence::Unsigned);
    assert_eq!(OFFLINE.names(&form(ID)), Some(TxnId::new(ID).unwrap()));
    assert!(matches!(verify(&form("ANOTHER-1")).await, Err(GatewayError::WrongTransaction)));
    assert_eq!(verify(&Answer::default()).await.unwrap(), Evidence::Unsigned);
}

#[test]
fn nothing_secret_is_printed() {
    let printed = format!("{:?}", *OFFLINE);
    assert!(!printed.contains("fa4e"), "{printed}");
}

fn now<T>(future: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(future)
}

proptest! {
    #[test]
    fn a_tampered_callback_is_never_evidence(at in 0usize..2000, byte: u8, index in "[0-9]{0,2}") {
        let genuine = callback(&but(V1_PAID, &json!({})));
        let mut body = genuine.body.to_vec();
        let at = at % body.len();
        let same = body[at] == byte;
        body[at] = byte;
        let answer = Answer { body: body.into(), ..genuine.clone() };
        prop_assert_eq!(matches!(now(verify(&answer)), Ok(Evidence::Signed(_))), same);
        let digest = genuine.headers.get(X_VERIFY).unwrap().split("###").next().unwrap();
        let headers = Params::new(vec![(X_VERIFY.to_owned(), format!("{digest}###{index}"))]);
        let answer = Answer { headers, ..genuine.clone() };
        prop_assert_eq!(matches!(now(verify(&answer)), Ok(Evidence::Signed(_))), index == "1");
    }

    #[test]
    fn no_answer_panics(body: Vec<u8>, payload: Vec<u8>, header in ".{0,80}", fields: Vec<(String, String)>) {
        let payload = signature::encode(&String::from_utf8_lossy(&payload));
        for body in [body.clone(), json!({ "response": payload }).to_string().into_bytes()] {
            let headers = Params::new(vec![(X_VERIFY.to_owned(), header.clone())]);
            let answer = Answer { params: Params::new(fields.clone()), headers, body: body.into() };
            let _ = OFFLINE.names(&answer);
            prop_assert!(!matches!(now(verify(&answer)), Ok(Evidence::Signed(_))));
        }
        if let Some(answer) = Object::parse(&body) {
            let _ = Facts::of_signed(&answer, Generation::Legacy).outcome();
            let _ = Facts::of_checkout(&answer).outcome();
        }
    }
}
