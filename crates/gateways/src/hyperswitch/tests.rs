//! The adapter against a server: links, states, closing.

use std::sync::LazyLock;
use std::time::Duration;

use payment_domain::{Currency, ManualClock, Money, Outcome, Timestamp};
use payment_gateway::{GatewayError, USUAL_SESSION};
use payment_settings::Reader;
use proptest::prelude::*;
use serde_json::{Value, json};
use wiremock::matchers::{header, method, path, query_param, query_param_is_missing};
use wiremock::{Mock, MockServer, ResponseTemplate};

use super::*;
use crate::json::Object;
use crate::testing::{asks_through_every_fault, client, server_that_answers, texts, transaction};

pub(super) const ID: &str = "PB_PG_2024_03_15_000123_45";
/// The end of the link in the fixtures: 2024-03-15T05:50:00Z.
const END: i64 = 1_710_481_800_000;

pub(super) static NUMBER: LazyLock<String> = LazyLock::new(|| wire::payment_id(&TxnId::new(ID).unwrap()));

/// A payment of the fixtures with some members changed.
pub(super) fn but(fixture: &str, changes: &Value) -> Value {
    let mut payment: Value = serde_json::from_str(&fixture.replace("PAYMENT_ID", &NUMBER)).unwrap();
    for (name, value) in changes.as_object().unwrap() {
        payment[name] = value.clone();
    }
    payment
}

pub(super) fn created(changes: &Value) -> Value {
    but(include_str!("fixtures/created.json"), changes)
}

pub(super) fn succeeded(changes: &Value) -> Value {
    but(include_str!("fixtures/succeeded.json"), changes)
}

pub(super) fn hyperswitch_at(base_url: &str, client: Client, now: i64) -> Hyperswitch {
    let lookup = |name: &str| {
        Some(match name {
            "hyperswitch.api.key" => "snd_FAKE".to_owned(),
            "hyperswitch.payment.response.hash.key" => "fa4efa4e".to_owned(),
            "hyperswitch.payment.response.hash.key.previous" => "0ld0ld".to_owned(),
            "hyperswitch.profile.id" => "pro_FAKE".to_owned(),
            "hyperswitch.url" => base_url.to_owned(),
            _ => return None,
        })
    };
    let values = texts(account::SETTINGS, lookup);
    let account = HyperswitchAccount::read(&mut Reader::new(&values)).unwrap();
    Hyperswitch::new(account, client, Arc::new(ManualClock::at(Timestamp::from_millis(now))))
}

pub(super) fn hyperswitch(server: &MockServer) -> Hyperswitch {
    hyperswitch_at(&server.uri(), client(), END - 1_000_000)
}

fn order(txn: &Transaction) -> Order<'_> {
    Order {
        txn,
        return_url: "https://pg.example/pg-service/transaction/v1/_redirect?eg_pg_txnid=T1",
        notify_url: None,
        payable_until: Timestamp::from_millis(END - 1_000_000).plus(USUAL_SESSION),
        bank_account: None,
    }
}

pub(super) fn json(status: u16, body: &Value) -> ResponseTemplate {
    ResponseTemplate::new(status).set_body_json(body)
}

pub(super) fn refused(status: u16, code: &str) -> ResponseTemplate {
    json(status, &json!({ "error": { "type": "invalid_request", "message": "no", "code": code } }))
}

async fn mount(server: &MockServer, verb: &str, below: &str, answer: ResponseTemplate) {
    let at = format!("/payments{below}").replace("PAYMENT_ID", &NUMBER);
    Mock::given(method(verb))
        .and(path(at))
        .and(header("api-key", "snd_FAKE"))
        .respond_with(answer)
        .mount(server)
        .await;
}

async fn start_with(answer: ResponseTemplate) -> Result<Redirect, GatewayError> {
    let server = MockServer::start().await;
    mount(&server, "POST", "", answer).await;
    hyperswitch(&server).start(&order(&transaction(ID, "19.99"))).await
}

pub(super) async fn outcome_at(now: i64, answer: ResponseTemplate) -> Result<Report, GatewayError> {
    let server = server_that_answers(answer).await;
    hyperswitch_at(&server.uri(), client(), now).status(&transaction(ID, "19.99")).await
}

fn is_unreadable<T: std::fmt::Debug>(result: Result<T, GatewayError>) {
    assert!(matches!(result, Err(GatewayError::Unreadable(_))), "{result:?}");
}

#[tokio::test]
async fn a_payment_is_created_with_its_link() {
    let server = MockServer::start().await;
    mount(&server, "POST", "", json(200, &created(&json!({})))).await;
    let txn = transaction(ID, "19.99");
    let redirect = hyperswitch(&server).start(&order(&txn)).await.unwrap();
    let page = format!("https://pay.router.example/payment_link/merchant_fake/{}?locale=en", *NUMBER);
    assert_eq!(redirect, Redirect::To(page));
    let requests = server.received_requests().await.unwrap();
    let sent: Value = serde_json::from_slice(&requests[0].body).unwrap();
    insta::assert_snapshot!(format!("{sent:#}"), @r#"
    {
      "amount": 1999,
      "capture_method": "automatic",
      "confirm": false,
      "currency": "INR",
      "description": "Property Tax & Water + Sewer = 2",
      "merchant_order_reference_id": "PB_PG_2024_03_15_000123_45",
      "metadata": {
        "eg_pg_txnid": "PB_PG_2024_03_15_000123_45"
      },
      "payment_id": "UhJLvbEBZZWXAM_nTo07bHMA4gUSIY",
      "payment_link": true,
      "profile_id": "pro_FAKE",
      "return_url": "https://pg.example/pg-service/transaction/v1/_redirect?eg_pg_txnid=T1",
      "session_expiry": 1800
    }
    "#);
}

#[tokio::test]
async fn an_amount_goes_in_the_minor_units_of_its_currency() {
    let server = MockServer::start().await;
    let adapter = hyperswitch(&server);
    let mut txn = transaction(ID, "19.99");
    for (text, code, minor) in [("19.99", "USD", 1_999), ("1500", "JPY", 1_500), ("0.05", "INR", 5)] {
        txn.amount = Money::parse(text, Currency::from_code(code).unwrap()).unwrap();
        let call = wire::create_call(
            &adapter.account,
            &NewPayment::of("p", &order(&txn), Timestamp::from_millis(0)),
        );
        let crate::client::Body::Json(body) = &call.body else { panic!("no JSON") };
        let body: Value = serde_json::from_str(body).unwrap();
        assert_eq!((&body["amount"], &body["currency"]), (&json!(minor), &json!(code)));
    }
}

#[test]
fn a_link_ends_with_the_order() {
    let txn = transaction(ID, "19.99");
    let now = Timestamp::from_millis(END);
    for (left_s, expires_s) in [(1_800, 1_800), (59, 60), (0, 60), (9_000_000, 7_890_000)] {
        let payable_until = now.plus(Duration::from_secs(left_s));
        let payment = NewPayment::of("p", &Order { payable_until, ..order(&txn) }, now);
        assert_eq!(payment.session_expiry_s, expires_s, "{left_s}");
    }
}

#[tokio::test]
async fn a_payment_whose_link_was_lost_is_found_by_its_number() {
    let server = MockServer::start().await;
    mount(&server, "POST", "", refused(400, "HE_01")).await;
    let asked = Mock::given(method("GET"))
        .and(path(format!("/payments/{}", *NUMBER)))
        .and(query_param_is_missing("force_sync"));
    asked.respond_with(json(200, &created(&json!({})))).expect(1).mount(&server).await;
    let redirect = hyperswitch(&server).start(&order(&transaction(ID, "19.99"))).await.unwrap();
    assert!(matches!(redirect, Redirect::To(page) if page.starts_with("https://pay.router.example/")));
}

#[tokio::test]
async fn a_known_payment_without_a_usable_link_opens_nothing() {
    for known in [
        json(200, &created(&json!({ "amount": 2_000 }))),
        json(200, &created(&json!({ "currency": "USD" }))),
        json(200, &created(&json!({ "payment_id": "another" }))),
        json(200, &created(&json!({ "payment_link": null }))),
        refused(404, "HE_02"),
    ] {
        let server = MockServer::start().await;
        mount(&server, "POST", "", refused(400, "HE_01")).await;
        mount(&server, "GET", "/PAYMENT_ID", known).await;
        is_unreadable(hyperswitch(&server).start(&order(&transaction(ID, "19.99"))).await);
    }
}

#[tokio::test]
async fn a_start_says_whether_a_payment_may_have_been_created() {
    for (answer, code) in [
        (refused(401, "IR_01"), "IR_01"),
        (refused(422, "IR_04"), "IR_04"),
        (ResponseTemplate::new(403), "HTTP_403"),
    ] {
        let error = start_with(answer).await.unwrap_err();
        assert!(matches!(&error, GatewayError::Refused { code: told } if told == code), "{error:?}");
    }
    for status in [408, 429, 500, 503] {
        let error = start_with(refused(status, "HE_00")).await.unwrap_err();
        assert!(matches!(error, GatewayError::Unanswered(_)), "{status}: {error:?}");
    }
    for unusable in [
        json!({}),
        created(&json!({ "payment_id": null })),
        created(&json!({ "amount": 1_998 })),
        created(&json!({ "amount": null })),
        created(&json!({ "payment_link": {} })),
        created(&json!({ "payment_link": { "link": "javascript:alert(1)" } })),
        created(&json!({ "payment_link": { "link": "ftp://x/y" } })),
    ] {
        is_unreadable(start_with(json(200, &unusable)).await);
    }
}

#[tokio::test]
async fn the_status_request_goes_to_the_provider() {
    let server = MockServer::start().await;
    Mock::given(method("GET"))
        .and(path(format!("/payments/{}", *NUMBER)))
        .and(query_param("force_sync", "true"))
        .respond_with(json(200, &succeeded(&json!({}))))
        .expect(1)
        .mount(&server)
        .await;
    let report = hyperswitch(&server).status(&transaction(ID, "19.99")).await.unwrap();
    assert_eq!(report.outcome, Outcome::Paid { amount: Some(Money::parse("19.99", Currency::INR).unwrap()) });
    assert_eq!(report.gateway_txn_id.as_ref(), Some(&*NUMBER));
    assert_eq!(report.payment_mode.as_deref(), Some("upi_collect"));
    let raw = report.raw.to_string();
    for hidden in ["Asha", "asha", "98765", "secret", "vpa"] {
        assert!(!raw.contains(hidden), "{raw}");
    }
}

#[tokio::test]
async fn only_the_received_amount_counts_as_paid() {
    for (changes, paid) in [
        (json!({ "amount_received": 1_000 }), Some(("10.00", "INR"))),
        (json!({ "currency": "EUR" }), Some(("19.99", "EUR"))),
        (json!({ "currency": "jpy" }), Some(("1999", "JPY"))),
        (json!({ "amount_received": null }), None),
        (json!({ "amount_received": "19.99" }), None),
        (json!({ "amount_received": -1_999 }), None),
        (json!({ "amount_received": 1_999.5 }), None),
        (json!({ "currency": "KWD" }), None),
        (json!({ "currency": null }), None),
        (json!({ "status": "partially_captured" }), None),
        (json!({ "status": "conflicted" }), None),
    ] {
        let report = outcome_at(0, json(200, &succeeded(&changes))).await.unwrap();
        let amount = paid.map(|(text, code)| Money::parse(text, Currency::from_code(code).unwrap()).unwrap());
        assert_eq!(report.outcome, Outcome::Paid { amount }, "{changes}");
    }
}

#[tokio::test]
async fn a_failed_payment_is_declined_when_its_link_has_ended() {
    let minute = 60_000;
    for status in ["failed", "expired", "cancelled"] {
        let told = json!({ "status": status, "error_code": "ZM", "error_message": "Declined by the bank" });
        for (now, outcome) in
            [(0, "pending"), (END, "pending"), (END + minute, "pending"), (END + minute + 1, "declined")]
        {
            let report = outcome_at(now, json(200, &succeeded(&told))).await.unwrap();
            assert_eq!(report.outcome.name(), outcome, "{status} at {now}");
            assert_eq!(report.status_message.as_deref(), Some("Declined by the bank"));
        }
        for end in [json!(null), json!("soon"), json!(1), json!("2024-03-15")] {
            let mut endless = told.clone();
            endless["expires_on"] = end;
            let report = outcome_at(i64::MAX, json(200, &succeeded(&endless))).await.unwrap();
            assert_eq!(report.outcome, Outcome::Pending, "{status}: its end is not known");
        }
    }
}

#[tokio::test]
async fn a_link_that_was_never_used_brought_no_payment_once_it_has_ended() {
    for status in ["requires_payment_method", "requires_confirmation"] {
        let unused = created(&json!({ "status": status }));
        let attempted = created(&json!({ "status": status, "connector": "payu" }));
        for (now, outcome) in [(END + 60_000, "pending"), (END + 60_001, "not found")] {
            assert_eq!(outcome_at(now, json(200, &unused)).await.unwrap().outcome.name(), outcome);
            assert_eq!(outcome_at(now, json(200, &attempted)).await.unwrap().outcome, Outcome::Pending);
        }
    }
}

#[tokio::test]
async fn every_state_of_the_documentation_is_known_and_no_other() {
    for (status, outcome) in [
        ("processing", "pending"),
        ("requires_payment_method", "pending"),
        ("requires_confirmation", "pending"),
        ("requires_customer_action", "pending"),
        ("requires_merchant_action", "pending"),
        ("requires_capture", "authorised, not captured"),
        ("partially_captured_and_capturable", "pending"),
        ("partially_captured_and_processing", "pending"),
        ("partially_authorized_and_requires_capture", "authorised, not captured"),
        ("cancelled_post_capture", "refunded"),
        ("Succeeded", "unrecognised"),
        ("settled", "unrecognised"),
        ("", "unrecognised"),
    ] {
        let answer = json(200, &succeeded(&json!({ "status": status })));
        let report = outcome_at(END + 1_000_000, answer).await.unwrap();
        assert_eq!(report.outcome.name(), outcome, "{status}");
    }
}

#[tokio::test]
async fn only_the_router_itself_says_that_it_knows_no_payment() {
    assert_eq!(outcome_at(0, refused(404, "HE_02")).await.unwrap().outcome, Outcome::NotFound);
    is_unreadable(outcome_at(0, refused(404, "IR_05")).await);
    is_unreadable(outcome_at(0, ResponseTemplate::new(404).set_body_string("no such page")).await);
    is_unreadable(outcome_at(0, refused(401, "IR_01")).await);
    is_unreadable(outcome_at(0, json(200, &succeeded(&json!({ "payment_id": "another" })))).await);
    is_unreadable(outcome_at(0, json(200, &succeeded(&json!({ "payment_id": null })))).await);
    let error = outcome_at(0, refused(429, "HE_00")).await.unwrap_err();
    assert!(matches!(error, GatewayError::Unanswered(_)), "{error:?}");
}

/// Its payer was sent to it: it was made by another merchant of the router than the one of the status
/// request.
#[tokio::test]
async fn a_payment_that_was_made_and_is_not_known_is_no_failure() {
    let page = Some("https://router.example/payment_link/x".to_owned());
    let made = Transaction { redirect_url: page, ..transaction(ID, "19.99") };
    let server = server_that_answers(refused(404, "HE_02")).await;
    let adapter = hyperswitch_at(&server.uri(), client(), END + 1_000_000);
    assert_eq!(adapter.status(&made).await.unwrap().outcome.name(), "unrecognised");
    assert_eq!(adapter.close(&made).await.unwrap().outcome.name(), "unrecognised");
}

#[tokio::test]
async fn a_fault_is_never_an_answer() {
    asks_through_every_fault(|url, client| hyperswitch_at(url, client, 0)).await;
}

proptest! {
    #[test]
    fn no_answer_panics_or_decides(status: u16, body: Vec<u8>) {
        let reply = || crate::client::Reply { status, location: None, headers: Vec::new(), body: body.clone() };
        let _ = answer::created(reply());
        if let Ok(Some(payment)) = answer::payment(reply()) {
            prop_assert!(!payment.is_of(&NUMBER));
        }
        let _ = Event::in_body(&body);
    }

    #[test]
    fn a_word_that_is_not_documented_decides_nothing(word in "[a-z_]{0,24}", amount: i64, now: i64) {
        let known = ["succeeded", "failed", "expired", "cancelled", "cancelled_post_capture", "partially_captured", "conflicted"];
        prop_assume!(!known.contains(&word.as_str()));
        let text = succeeded(&json!({ "status": word, "amount_received": amount })).to_string();
        let outcome = Payment::new(Object::parse(text.as_bytes()).unwrap()).outcome(Timestamp::from_millis(now));
        let undecided = matches!(outcome, Outcome::Pending | Outcome::Authorised | Outcome::Unrecognised { .. });
        prop_assert!(undecided, "{outcome:?}");
    }
}
