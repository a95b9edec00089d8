//! Standard Checkout against a server: orders, tokens, webhooks.

use std::time::Duration;

use bytes::Bytes;
use payment_domain::{Currency, ManualClock, Money, Timestamp};
use payment_gateway::Params;
use serde_json::{Value, json};
use wiremock::matchers::{header, method, path};
use wiremock::{Mock, MockServer, Request, ResponseTemplate};

use super::tests::unreadable;
use payment_gateway::USUAL_SESSION;
use payment_settings::Reader;

use super::*;
use crate::account::RedirectThrough;
use crate::form;
use crate::testing::{asks_through_every_fault, client, texts, transaction};

const ID: &str = "PB_PG_2024_03_15_000123_45";
const COMPLETED: &str = include_str!("fixtures/v2_completed.json");
const TOKEN_PATH: &str = "/auth/v1/oauth/token";
const STATUS_PATH: &str = "/pg/checkout/v2/order/PB_PG_2024_03_15_000123_45/status";

fn phonepe_with(base_url: &str, auth_url: &str, client: Client, clock: Arc<dyn Clock>) -> Phonepe {
    let lookup = |name: &str| {
        Some(match name {
            "phonepe.protocol" => "v2".to_owned(),
            "phonepe.merchant.id" => "FAKEMERCHANTUAT".to_owned(),
            "phonepe.v2.client.id" => "FAKECLIENT".to_owned(),
            "phonepe.v2.client.secret" => "fa4e+secret/==&x".to_owned(),
            "phonepe.v2.webhook.username" => "fake_user01".to_owned(),
            "phonepe.v2.webhook.password" => "fakePass1234".to_owned(),
            "phonepe.v2.expire.after" => "1200".to_owned(),
            "phonepe.v2.host" => format!("{base_url}/pg"),
            "phonepe.v2.auth.host" => format!("{auth_url}/auth"),
            _ => return None,
        })
    };
    let values = texts(account::SETTINGS, lookup);
    let account = PhonepeAccount::read(&mut Reader::new(&values), RedirectThrough::Service).unwrap();
    Phonepe::new(account, client, clock)
}

fn phonepe(server: &MockServer) -> Phonepe {
    phonepe_with(&server.uri(), &server.uri(), client(), clock())
}

fn clock() -> Arc<ManualClock> {
    Arc::new(ManualClock::at(Timestamp::from_millis(1_710_480_000_000)))
}

fn order(txn: &Transaction) -> Order<'_> {
    Order {
        txn,
        return_url: "https://pg.example/pg-service/transaction/v1/_redirect?eg_pg_txnid=T1",
        notify_url: Some("https://pg.example/pg-service/gateway/v1/phonepe/_callback"),
        payable_until: clock().now().plus(USUAL_SESSION),
        bank_account: None,
    }
}

fn token(name: &str) -> ResponseTemplate {
    // Their clock is years behind ours.
    let answer =
        json!({ "access_token": name, "token_type": "O-Bearer", "issued_at": 1000, "expires_at": 4600 });
    ResponseTemplate::new(200).set_body_json(answer)
}

/// A server whose tokens live an hour: the first is called `token-1`, the next `token-2`.
async fn server_with_tokens() -> MockServer {
    let server = MockServer::start().await;
    let issued = std::sync::atomic::AtomicUsize::new(0);
    let issue = move |_: &Request| {
        let number = 1 + issued.fetch_add(1, std::sync::atomic::Ordering::SeqCst);
        token(&format!("token-{number}"))
    };
    Mock::given(method("POST")).and(path(TOKEN_PATH)).respond_with(issue).mount(&server).await;
    server
}

async fn answer_status(server: &MockServer, answer: ResponseTemplate) {
    Mock::given(method("GET")).and(path(STATUS_PATH)).respond_with(answer).mount(server).await;
}

fn completed() -> ResponseTemplate {
    ResponseTemplate::new(200).set_body_string(COMPLETED)
}

async fn calls(server: &MockServer, to: &str) -> usize {
    server.received_requests().await.unwrap().iter().filter(|request| request.url.path() == to).count()
}

async fn status_of(answer: ResponseTemplate) -> Result<Report, GatewayError> {
    let server = server_with_tokens().await;
    answer_status(&server, answer).await;
    phonepe(&server).status(&transaction(ID, "19.99")).await
}

async fn start_with(answer: ResponseTemplate) -> Result<Redirect, GatewayError> {
    let server = server_with_tokens().await;
    Mock::given(path("/pg/checkout/v2/pay")).respond_with(answer).mount(&server).await;
    phonepe(&server).start(&order(&transaction(ID, "19.99"))).await
}

#[tokio::test]
async fn an_order_is_opened_with_a_token_that_is_kept() {
    let server = server_with_tokens().await;
    let opened =
        json!({ "orderId": "OMO1", "state": "PENDING", "redirectUrl": "https://page.example/x?t=1" });
    Mock::given(method("POST"))
        .and(path("/pg/checkout/v2/pay"))
        .and(header("Authorization", "O-Bearer token-1"))
        .respond_with(ResponseTemplate::new(200).set_body_json(opened))
        .expect(2)
        .mount(&server)
        .await;
    let adapter = phonepe(&server);
    for _ in 0..2 {
        let redirect = adapter.start(&order(&transaction(ID, "19.99"))).await.unwrap();
        assert_eq!(redirect, Redirect::To("https://page.example/x?t=1".to_owned()));
    }
    let requests = server.received_requests().await.unwrap();
    assert_eq!(calls(&server, TOKEN_PATH).await, 1);
    let asked = form::decode(&requests[0].body);
    assert!(
        asked.contains(&("client_secret".to_owned(), "fa4e+secret/==&x".to_owned())),
        "form-encoded once"
    );
    let sent: Value = serde_json::from_slice(&requests[1].body).unwrap();
    insta::assert_snapshot!(format!("{sent:#}"), @r#"
    {
      "amount": 1999,
      "expireAfter": 1200,
      "merchantOrderId": "PB_PG_2024_03_15_000123_45",
      "metaInfo": {
        "udf1": "PB_PG_2024_03_15_000123_45"
      },
      "paymentFlow": {
        "merchantUrls": {
          "redirectUrl": "https://pg.example/pg-service/transaction/v1/_redirect?eg_pg_txnid=T1"
        },
        "message": "Property Tax & Water + Sewer = 2",
        "type": "PG_CHECKOUT"
      }
    }
    "#);
}

#[tokio::test]
async fn an_order_expires_no_later_than_it_is_given_up_here() {
    let server = MockServer::start().await;
    let adapter = phonepe(&server);
    let PhonepeAccount::V2(account) = &adapter.account else { panic!("the checkout protocol") };
    let txn = transaction(ID, "19.99");
    let now = txn.audit.created_at;
    for (left_s, set_s, expires_s) in [
        (1_800, Some(1_200), 1_200),
        (900, Some(1_200), 900),
        (900, None, 900),
        (86_400, None, 3_600),
        (10, None, 300),
    ] {
        let payable_until = now.plus(std::time::Duration::from_secs(left_s));
        let account = Checkout { expire_after_s: set_s, ..account.clone() };
        let opened = CheckoutOrder::of(&account, &Order { payable_until, ..order(&txn) }, now);
        assert_eq!(opened.expire_after_s, Some(expires_s), "{left_s} {set_s:?}");
    }
}

#[tokio::test]
async fn an_unsupported_transaction_is_refused_before_the_call() {
    let server = MockServer::start().await;
    for (id, rupees, refused) in [
        ("x".repeat(64), "1", "INVALID_TRANSACTION_ID"),
        ("T/1".to_owned(), "1", "INVALID_TRANSACTION_ID"),
        ("T1".to_owned(), "0.99", "AMOUNT_BELOW_MINIMUM"),
    ] {
        let error = phonepe(&server).start(&order(&transaction(&id, rupees))).await.unwrap_err();
        assert!(matches!(&error, GatewayError::Refused { code } if code == refused), "{error:?}");
    }
    assert_eq!(server.received_requests().await.unwrap().len(), 0);
}

#[tokio::test]
async fn an_order_that_is_known_already_is_not_read_as_refused() {
    let duplicate =
        json!({ "code": "INVALID_MERCHANT_ORDER_ID", "message": "Merchant order id is not unique" });
    unreadable(start_with(ResponseTemplate::new(417).set_body_json(duplicate)).await);
    let error = start_with(ResponseTemplate::new(400).set_body_json(json!({ "code": "BAD_REQUEST" })))
        .await
        .unwrap_err();
    assert!(matches!(error, GatewayError::Refused { .. }), "{error:?}");
    unreadable(start_with(ResponseTemplate::new(200).set_body_json(json!({ "orderId": "OMO1" }))).await);
    let error = start_with(ResponseTemplate::new(500)).await.unwrap_err();
    assert!(matches!(error, GatewayError::Unanswered(_)), "{error:?}");
}

#[tokio::test]
async fn only_the_state_of_the_order_counts() {
    let report = status_of(completed()).await.unwrap();
    assert_eq!(report.outcome, Outcome::Paid { amount: Some(Money::parse("19.99", Currency::INR).unwrap()) });
    assert_eq!(report.gateway_txn_id.as_deref(), Some("OM2403282020198651071949"));
    assert_eq!(report.payment_mode.as_deref(), Some("UPI_QR"));
    assert_eq!(report.bank_txn_no.as_deref(), Some("408819000001"));
    let raw = report.raw.to_string();
    for personal in ["asha", "Asha", "XXXX"] {
        assert!(!raw.contains(personal), "{raw}");
    }
    for (state, outcome) in [
        ("FAILED", "declined"),
        ("PENDING", "pending"),
        ("CREATED", "unrecognised"),
        ("completed", "paid"),
        ("Failed", "declined"),
    ] {
        let attempt = json!({ "transactionId": "OM1", "state": "COMPLETED", "amount": 1999 });
        let answer =
            json!({ "orderId": "OMO1", "state": state, "amount": 1999, "paymentDetails": [attempt] });
        let report = status_of(ResponseTemplate::new(200).set_body_json(answer)).await.unwrap();
        assert_eq!(report.outcome.name(), outcome, "{state}");
    }
    let silent = json!({ "state": "COMPLETED" });
    let report = status_of(ResponseTemplate::new(200).set_body_json(silent)).await.unwrap();
    assert_eq!(report.outcome, Outcome::Paid { amount: None });
}

#[tokio::test]
async fn an_order_that_was_never_opened_is_not_found() {
    for http in [400, 404, 417] {
        let answer = json!({ "code": "INVALID_MERCHANT_ORDER_ID", "message": "No entry found" });
        let report = status_of(ResponseTemplate::new(http).set_body_json(answer)).await.unwrap();
        assert_eq!(report.outcome, Outcome::NotFound, "{http}");
    }
    unreadable(status_of(ResponseTemplate::new(400).set_body_json(json!({ "code": "BAD_REQUEST" }))).await);
    unreadable(status_of(ResponseTemplate::new(404).set_body_string("no such page")).await);
    let of_v1 =
        ResponseTemplate::new(200).set_body_json(json!({ "code": "PAYMENT_SUCCESS", "amount": 1999 }));
    assert_eq!(status_of(of_v1).await.unwrap().outcome.name(), "unrecognised");
}

#[tokio::test]
async fn an_answer_about_something_else_is_never_taken() {
    for (name, value) in [
        ("merchantOrderId", json!("ANOTHER-1")),
        ("metaInfo", json!({ "udf1": "ANOTHER-1" })),
        ("merchantId", json!("SOMEBODYELSE")),
    ] {
        let mut answer: Value = serde_json::from_str(COMPLETED).unwrap();
        answer[name] = value;
        unreadable(status_of(ResponseTemplate::new(200).set_body_json(answer)).await);
    }
}

#[tokio::test]
async fn a_fault_is_never_an_answer() {
    let tokens = server_with_tokens().await;
    asks_through_every_fault(|url, client| phonepe_with(url, &tokens.uri(), client, clock())).await;
}

#[tokio::test]
async fn without_a_token_nothing_is_sent() {
    let no_token = [
        ResponseTemplate::new(500),
        ResponseTemplate::new(200).set_body_string("<html>"),
        ResponseTemplate::new(200).set_body_json(json!({ "access_token": "t" })),
        ResponseTemplate::new(200).set_body_json(json!({ "expires_at": 4600 })),
        ResponseTemplate::new(200).set_body_json(json!({ "access_token": "a\nb", "expires_at": 4600 })),
    ];
    for answer in no_token {
        let server = MockServer::start().await;
        Mock::given(path(TOKEN_PATH)).respond_with(answer).mount(&server).await;
        let adapter = phonepe(&server);
        let error = adapter.status(&transaction(ID, "19.99")).await.unwrap_err();
        assert!(matches!(error, GatewayError::NotSent(_)), "{error:?}");
        let error = adapter.start(&order(&transaction(ID, "19.99"))).await.unwrap_err();
        assert!(matches!(error, GatewayError::NotSent(_)), "{error:?}");
        assert_eq!(calls(&server, TOKEN_PATH).await, server.received_requests().await.unwrap().len());
    }
    let server = MockServer::start().await;
    Mock::given(path(TOKEN_PATH)).respond_with(ResponseTemplate::new(401)).mount(&server).await;
    let why = unreadable(phonepe(&server).status(&transaction(ID, "19.99")).await);
    assert_eq!(why, "the client id or secret was refused: HTTP status 401");
    let error = phonepe(&server).start(&order(&transaction(ID, "19.99"))).await.unwrap_err();
    assert!(matches!(&error, GatewayError::Refused { code } if code == "AUTHORIZATION_FAILED"), "{error:?}");
}

#[tokio::test]
async fn a_token_is_fetched_by_one_and_shared_by_all() {
    let server = server_with_tokens().await;
    answer_status(&server, completed()).await;
    let (adapter, txn) = (phonepe(&server), transaction(ID, "19.99"));
    let ask = || adapter.status(&txn);
    let answers = tokio::join!(ask(), ask(), ask(), ask(), ask(), ask());
    assert!(answers.0.is_ok() && answers.3.is_ok() && answers.5.is_ok());
    assert_eq!((calls(&server, TOKEN_PATH).await, calls(&server, STATUS_PATH).await), (1, 6));
}

#[tokio::test]
async fn waiters_for_a_token_share_its_failure() {
    let server = MockServer::start().await;
    Mock::given(path(TOKEN_PATH)).respond_with(ResponseTemplate::new(503)).mount(&server).await;
    let (adapter, txn) = (phonepe(&server), transaction(ID, "19.99"));
    let ask = || adapter.status(&txn);
    let answers = tokio::join!(ask(), ask(), ask(), ask());
    for answer in [answers.0, answers.1, answers.2, answers.3] {
        assert!(matches!(answer, Err(GatewayError::NotSent(_))), "{answer:?}");
    }
    assert_eq!(calls(&server, TOKEN_PATH).await, 1);
    assert!(ask().await.is_err());
    assert_eq!(calls(&server, TOKEN_PATH).await, 2, "the next one tries again");
}

#[tokio::test]
async fn a_token_that_is_not_accepted_is_replaced_once() {
    let server = server_with_tokens().await;
    let accepts_the_second = |request: &Request| match request.headers["authorization"].to_str() {
        Ok("O-Bearer token-2") => completed(),
        Ok(_) | Err(_) => ResponseTemplate::new(401),
    };
    Mock::given(method("GET")).and(path(STATUS_PATH)).respond_with(accepts_the_second).mount(&server).await;
    let (adapter, txn) = (phonepe(&server), transaction(ID, "19.99"));
    let ask = || adapter.status(&txn);
    let answers = tokio::join!(ask(), ask(), ask());
    assert!(answers.0.is_ok() && answers.1.is_ok() && answers.2.is_ok(), "{answers:?}");
    assert_eq!((calls(&server, TOKEN_PATH).await, calls(&server, STATUS_PATH).await), (2, 6));
}

#[tokio::test]
async fn a_call_that_is_never_accepted_is_made_twice_and_no_more() {
    let server = server_with_tokens().await;
    answer_status(&server, ResponseTemplate::new(401)).await;
    unreadable(phonepe(&server).status(&transaction(ID, "19.99")).await);
    assert_eq!((calls(&server, TOKEN_PATH).await, calls(&server, STATUS_PATH).await), (2, 2));
}

#[tokio::test]
async fn a_token_is_renewed_at_half_its_life() {
    let server = server_with_tokens().await;
    answer_status(&server, completed()).await;
    let clock = clock();
    let adapter = phonepe_with(&server.uri(), &server.uri(), client(), clock.clone());
    let txn = transaction(ID, "19.99");
    for (seconds, tokens) in [(0, 1), (1799, 1), (1, 2), (1799, 2), (3600, 3)] {
        clock.advance(Duration::from_secs(seconds));
        adapter.status(&txn).await.unwrap();
        assert_eq!(calls(&server, TOKEN_PATH).await, tokens, "{seconds} seconds later");
    }
}

#[tokio::test]
async fn a_token_that_cannot_be_renewed_is_used_to_its_end() {
    let server = MockServer::start().await;
    let once = Mock::given(path(TOKEN_PATH)).respond_with(token("token-1")).up_to_n_times(1);
    once.with_priority(1).mount(&server).await;
    Mock::given(path(TOKEN_PATH)).respond_with(ResponseTemplate::new(500)).mount(&server).await;
    answer_status(&server, completed()).await;
    let clock = clock();
    let adapter = phonepe_with(&server.uri(), &server.uri(), client(), clock.clone());
    let txn = transaction(ID, "19.99");
    for (seconds, tokens) in [(0, 1), (1800, 2), (29, 2), (1, 3), (1769, 4)] {
        clock.advance(Duration::from_secs(seconds));
        adapter.status(&txn).await.unwrap();
        assert_eq!(calls(&server, TOKEN_PATH).await, tokens, "{seconds} seconds later");
    }
    clock.advance(Duration::from_secs(1));
    assert!(matches!(adapter.status(&txn).await, Err(GatewayError::NotSent(_))));
}

fn webhook(order: &str, authorization: Option<&str>) -> Answer {
    let body = json!({
        "event": "checkout.order.completed",
        "payload": { "orderId": "OMO1", "merchantOrderId": order, "state": "COMPLETED", "amount": 1999 },
    });
    let headers = authorization.map(|value| ("authorization".to_owned(), value.to_owned()));
    Answer {
        headers: Params::new(headers.into_iter().collect()),
        body: Bytes::from(body.to_string()),
        ..Answer::default()
    }
}

#[tokio::test]
async fn even_the_right_password_is_only_a_reason_to_ask() {
    const RIGHT: &str = "631835c4b26f0bc22390e5a1ce1eb3330c3a70d334e153a7d6e12ac47766e749";
    let server = MockServer::start().await;
    let adapter = phonepe(&server);
    let verify = async |answer: Answer| adapter.verify(&transaction(ID, "19.99"), &answer).await;
    assert_eq!(adapter.names(&webhook(ID, None)), Some(TxnId::new(ID).unwrap()));
    assert_eq!(verify(webhook(ID, Some(RIGHT))).await.unwrap(), Evidence::Unsigned);
    for wrong in [None, Some(""), Some("Basic dV9zZXI6cA=="), Some(&RIGHT[1..])] {
        let refused = verify(webhook(ID, wrong)).await;
        assert!(matches!(refused, Err(GatewayError::BadSignature)), "{wrong:?}: {refused:?}");
    }
    let other = verify(webhook("ANOTHER-1", Some(RIGHT))).await;
    assert!(matches!(other, Err(GatewayError::WrongTransaction)), "{other:?}");
    let browser = Answer::of_params(Params::new(vec![("eg_pg_txnid".to_owned(), ID.to_owned())]));
    assert_eq!(verify(browser).await.unwrap(), Evidence::Unsigned);
}
