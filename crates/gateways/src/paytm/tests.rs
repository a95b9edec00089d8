//! The adapter against a server.

use std::sync::LazyLock;

use payment_gateway::Params;
use proptest::prelude::*;
use serde_json::{Value, json};
use wiremock::matchers::{method, path, query_param};
use wiremock::{Mock, MockServer, ResponseTemplate};

use super::signature::MerchantKey;
use payment_gateway::{StartMode, USUAL_SESSION};
use payment_settings::Reader;

use super::*;
use crate::account::RedirectThrough;
use crate::testing::{asks_through_every_fault, client, server_that_answers, texts, transaction};
use crate::text;

pub(super) const ID: &str = "PB_PG_2024_03_15_000123_45";
pub(super) const MID: &str = "FAKEMI00000000000001";
const LEGACY_PAID: &str = include_str!("fixtures/status_legacy_paid.json");
const LEGACY_UNKNOWN_ORDER: &str = include_str!("fixtures/status_legacy_unknown_order.json");
const V3_PAID_BODY: &str = include_str!("fixtures/status_v3_paid_body.json");

pub(super) static KEY: LazyLock<MerchantKey> =
    LazyLock::new(|| MerchantKey::new("fAkE_k3y&#%12345").unwrap());

fn paytm(protocol: &'static str, base_url: &str, client: Client) -> Paytm {
    paytm_through(RedirectThrough::Service, protocol, base_url, client)
}

fn paytm_through(through: RedirectThrough, protocol: &'static str, base_url: &str, client: Client) -> Paytm {
    let lookup = |name: &str| {
        Some(match name {
            "paytm.protocol" => protocol.to_owned(),
            "paytm.merchant.id" => MID.to_owned(),
            "paytm.merchant.secret.key" => "fAkE_k3y&#%12345".to_owned(),
            "paytm.merchant.website" => "WEBSTAGING".to_owned(),
            "paytm.url.debit" => format!("{base_url}/theia/processTransaction"),
            "paytm.url.status" => format!("{base_url}/merchant-status/getTxnStatus"),
            "paytm.v3.host" => base_url.to_owned(),
            _ => return None,
        })
    };
    let values = texts(account::SETTINGS, lookup);
    let account = PaytmAccount::read(&mut Reader::new(&values), through).unwrap();
    Paytm::new(account, client)
}

/// An adapter that is never made to call.
pub(super) static OFFLINE: LazyLock<Paytm> =
    LazyLock::new(|| paytm("legacy", "https://gateway.example", client()));

fn order(txn: &Transaction) -> Order<'_> {
    Order {
        txn,
        return_url: "https://pg.example/pg-service/transaction/v1/_redirect?eg_pg_txnid=T%2F1",
        notify_url: Some("https://pg.example/pg-service/gateway/v1/paytm/_callback"),
        payable_until: txn.audit.created_at.plus(USUAL_SESSION),
        bank_account: None,
    }
}

pub(super) async fn form_of(txn: &Transaction) -> Params {
    let Redirect::Form { action, fields } = OFFLINE.start(&order(txn)).await.unwrap() else {
        panic!("a form")
    };
    assert_eq!(action, "https://gateway.example/theia/processTransaction");
    Params::new(fields)
}

/// Whether a form carries the checksum of its values.
fn is_signed<'a>(fields: impl Iterator<Item = (&'a str, &'a str)>) -> bool {
    let fields: Vec<_> = fields.collect();
    let checksum = fields.iter().find(|(name, _)| *name == CHECKSUM_FIELD).map_or("", |(_, value)| value);
    signature::is_valid(&KEY, &signature::text_of_form(fields.iter().copied()), checksum)
}

/// Paytm's answer with a signed `body`.
fn signed(body: &str) -> ResponseTemplate {
    let salt = Salt::new("Ab9Z").unwrap();
    ResponseTemplate::new(200).set_body_string(wire::envelope(&KEY, body, salt))
}

async fn status(protocol: &'static str, answer: ResponseTemplate) -> Result<Report, GatewayError> {
    let server = server_that_answers(answer).await;
    paytm(protocol, &server.uri(), client()).status(&transaction(ID, "19.99")).await
}

/// A legacy answer: the paid one with some members replaced, or left out by null.
async fn legacy(changes: Value) -> Result<Report, GatewayError> {
    let mut answer: Value = serde_json::from_str(LEGACY_PAID).unwrap();
    for (name, value) in changes.as_object().unwrap() {
        answer[name] = value.clone();
    }
    status("legacy", ResponseTemplate::new(200).set_body_json(answer)).await
}

async fn v3(body: Value) -> Result<Report, GatewayError> {
    status("v3", signed(&body.to_string())).await
}

fn v3_result(status: &str, code: &str) -> Value {
    json!({ "resultInfo": { "resultStatus": status, "resultCode": code }, "orderId": ID, "mid": MID,
        "txnAmount": "19.99" })
}

fn unreadable<T>(result: Result<T, GatewayError>) -> String {
    match result {
        Err(GatewayError::Unreadable(why)) => why,
        Err(other) => panic!("{other:?}"),
        Ok(_) => panic!("was read"),
    }
}

fn rupees(text: &str) -> Option<payment_domain::Money> {
    Some(payment_domain::Money::parse(text, payment_domain::Currency::INR).unwrap())
}

#[tokio::test]
async fn through_the_application_the_legacy_fields_are_a_link() {
    let (through, at) = (RedirectThrough::Application, "https://gateway.example");
    let adapter = paytm_through(through, "legacy", at, client());
    let txn = transaction(ID, "100");
    let Redirect::To(link) = adapter.start(&order(&txn)).await.unwrap() else { panic!("a link") };
    let (page, query) = link.split_once('?').unwrap();
    assert_eq!(page, "https://gateway.example/theia/processTransaction");
    assert!(!query.contains('+'), "a plus could be taken for a space: {query}");
    let fields = Params::new(crate::form::decode(query.as_bytes()));
    assert!(is_signed(fields.iter()));
    let shown = |fields: &Params| {
        let fields = fields.iter().filter(|(name, _)| *name != CHECKSUM_FIELD);
        fields.map(|(name, value)| format!("{name}={value}")).collect::<Vec<_>>()
    };
    assert_eq!(shown(&fields), shown(&form_of(&txn).await));
    assert!(!adapter.profile().needs_form_page && OFFLINE.profile().needs_form_page);
    assert!(paytm_through(through, "v3", at, client()).profile().needs_form_page);
}

#[tokio::test]
async fn the_legacy_form_carries_amount_and_id_and_signs_all_its_fields() {
    let fields = form_of(&transaction(ID, "100")).await;
    assert!(is_signed(fields.iter()));
    let shown: Vec<String> = fields
        .iter()
        .filter(|(name, _)| *name != CHECKSUM_FIELD)
        .map(|(name, value)| format!("{name}={value}"))
        .collect();
    insta::assert_snapshot!(shown.join("\n"), @r"
    MID=FAKEMI00000000000001
    ORDER_ID=PB_PG_2024_03_15_000123_45
    CUST_ID=9876500001
    INDUSTRY_TYPE_ID=Retail
    CHANNEL_ID=WEB
    TXN_AMOUNT=100.00
    WEBSITE=WEBSTAGING
    EMAIL=asha@example.org
    MOBILE_NO=9876500001
    CALLBACK_URL=https://pg.example/pg-service/transaction/v1/_redirect?eg_pg_txnid=T%2F1
    ");
}

#[tokio::test]
async fn a_value_with_an_ambiguous_signature_is_not_sent() {
    let mut txn = transaction(ID, "0.10");
    txn.payer.email_id = Some(payment_domain::Personal::new("NULL"));
    txn.payer.mobile_number = payment_domain::Personal::new("");
    txn.payer.user_name = payment_domain::Personal::new(" null ");
    let fields = form_of(&txn).await;
    assert_eq!((fields.get("EMAIL"), fields.get("MOBILE_NO")), (None, None));
    assert_eq!(fields.get("CUST_ID"), Some(txn.payer.uuid.as_str()));
    txn.payer.user_name = payment_domain::Personal::new(format!("आशा|\r\n{}", "x".repeat(100)));
    let fields = form_of(&txn).await;
    assert!(is_signed(fields.iter()));
    let customer = fields.get("CUST_ID").unwrap();
    assert!(customer.starts_with("आशा   x") && customer.chars().count() == 64, "{customer}");
}

#[tokio::test]
async fn an_id_that_paytm_does_not_take_is_refused_before_anything_is_sent() {
    let server = server_that_answers(ResponseTemplate::new(200)).await;
    for protocol in ["legacy", "v3"] {
        for id in ["x".repeat(51), "T|1".to_owned(), "T 1".to_owned(), "टी".to_owned()] {
            let txn = transaction(&id, "1");
            let error = paytm(protocol, &server.uri(), client()).start(&order(&txn)).await.unwrap_err();
            assert!(
                matches!(&error, GatewayError::Refused { code } if code == "INVALID_ORDER_ID"),
                "{id}: {error:?}"
            );
        }
    }
    assert_eq!(server.received_requests().await.unwrap().len(), 0);
}

#[tokio::test]
async fn the_current_protocol_opens_an_order_and_shows_its_page() {
    let server = MockServer::start().await;
    let opened =
        json!({ "resultInfo": { "resultStatus": "S", "resultCode": "0000" }, "txnToken": "t0k/e+n" });
    Mock::given(method("POST"))
        .and(path("/theia/api/v1/initiateTransaction"))
        .and(query_param("mid", MID))
        .and(query_param("orderId", ID))
        .respond_with(signed(&opened.to_string()))
        .expect(1)
        .mount(&server)
        .await;
    let adapter = paytm("v3", &server.uri(), client());
    assert_eq!(adapter.profile().start_mode, StartMode::Network);
    let redirect = adapter.start(&order(&transaction(ID, "19.9"))).await.unwrap();
    let page = format!("{}/theia/api/v1/showPaymentPage?mid={MID}&orderId={ID}", server.uri());
    let fields = [("mid", MID), ("orderId", ID), ("txnToken", "t0k/e+n")];
    let fields = fields.map(|(name, value)| (name.to_owned(), value.to_owned())).into();
    assert_eq!(redirect, Redirect::Form { action: page, fields });

    let sent = &server.received_requests().await.unwrap()[0].body;
    let envelope = Envelope::open(&KEY, sent).unwrap();
    assert!(envelope.signed);
    let body: Value = serde_json::from_str(Object::parse(sent).unwrap().raw("body").unwrap()).unwrap();
    insta::assert_snapshot!(format!("{body:#}"), @r#"
    {
      "callbackUrl": "https://pg.example/pg-service/transaction/v1/_redirect?eg_pg_txnid=T%2F1",
      "mid": "FAKEMI00000000000001",
      "orderId": "PB_PG_2024_03_15_000123_45",
      "requestType": "Payment",
      "txnAmount": {
        "currency": "INR",
        "value": "19.90"
      },
      "userInfo": {
        "custId": "9876500001",
        "email": "asha@example.org",
        "mobile": "9876500001"
      },
      "websiteName": "WEBSTAGING"
    }
    "#);
}

#[tokio::test]
async fn an_order_is_refused_only_when_nothing_was_opened() {
    let start = async |answer: ResponseTemplate| {
        let server = server_that_answers(answer).await;
        paytm("v3", &server.uri(), client()).start(&order(&transaction(ID, "1"))).await
    };
    let result = |status: &str, code: &str| {
        json!({ "resultInfo": { "resultStatus": status, "resultCode": code }, "txnToken": "t" }).to_string()
    };
    assert!(start(signed(&result("S", "0002"))).await.is_ok(), "asked again, it is the same order");
    for code in ["2005", "2006", "1001"] {
        let error = start(signed(&result("F", code))).await.unwrap_err();
        assert!(matches!(&error, GatewayError::Refused { code: refused } if refused == code), "{error:?}");
    }
    for (status, code) in
        [("F", "501"), ("F", "325"), ("F", "2023"), ("U", "00000900"), ("S", "9"), ("X", "")]
    {
        unreadable(start(signed(&result(status, code))).await);
    }
    let unsigned = format!(r#"{{"head":{{}},"body":{}}}"#, result("S", "0000"));
    assert_eq!(
        unreadable(start(ResponseTemplate::new(200).set_body_string(unsigned)).await),
        "a success without a signature"
    );
    let altered =
        wire::envelope(&KEY, &result("S", "0000"), Salt::new("aaaa").unwrap()).replace("\"t\"", "\"u\"");
    unreadable(start(ResponseTemplate::new(200).set_body_string(altered)).await);
    let error = start(ResponseTemplate::new(503)).await.unwrap_err();
    assert!(matches!(error, GatewayError::Unanswered(_)), "{error:?}");
}

#[tokio::test]
async fn a_fault_is_never_an_answer() {
    asks_through_every_fault(|url, client| paytm("legacy", url, client)).await;
    asks_through_every_fault(|url, client| paytm("v3", url, client)).await;
}

#[tokio::test]
async fn the_legacy_status_request_is_signed_json() {
    let server = server_that_answers(ResponseTemplate::new(200).set_body_string(LEGACY_PAID)).await;
    paytm("legacy", &server.uri(), client()).status(&transaction(ID, "19.99")).await.unwrap();
    let request = &server.received_requests().await.unwrap()[0];
    assert_eq!(request.url.path(), "/merchant-status/getTxnStatus");
    let sent: std::collections::BTreeMap<String, String> = serde_json::from_slice(&request.body).unwrap();
    let fields = sent.iter().map(|(name, value)| (name.as_str(), value.as_str()));
    assert!(is_signed(fields));
    assert_eq!((sent["MID"].as_str(), sent["ORDERID"].as_str(), sent.len()), (MID, ID, 3));
}

#[tokio::test]
async fn a_paid_answer_is_kept_without_personal_data() {
    let report = legacy(json!({})).await.unwrap();
    assert_eq!(report.outcome, Outcome::Paid { amount: rupees("19.99") });
    assert_eq!(report.gateway_txn_id.as_deref(), Some("20240315111212800110168470101509706"));
    assert_eq!((report.payment_mode.as_deref(), report.status_code.as_deref()), (Some("DC"), Some("01")));
    assert_eq!(report.bank_txn_no.as_deref(), Some("777001087423130"));
    insta::assert_snapshot!(format!("{:#}", report.raw), @r#"
    {
      "BANKNAME": "A & B Bank + Co",
      "BANKTXNID": "777001087423130",
      "CURRENCY": "INR",
      "GATEWAYNAME": "HDFC",
      "MID": "FAKEMI00000000000001",
      "ORDERID": "PB_PG_2024_03_15_000123_45",
      "PAYMENTMODE": "DC",
      "REFUNDAMT": "0.0",
      "RESPCODE": "01",
      "RESPMSG": "Txn Success",
      "STATUS": "TXN_SUCCESS",
      "TXNAMOUNT": "19.99",
      "TXNDATE": "2024-03-15 11:12:12.0",
      "TXNID": "20240315111212800110168470101509706",
      "TXNTYPE": "SALE"
    }
    "#);
    let report = status("v3", signed(V3_PAID_BODY.trim())).await.unwrap();
    assert_eq!(report.outcome, Outcome::Paid { amount: rupees("19.99") });
    let raw = report.raw.to_string();
    for personal in ["0101", "98******", "VISA", "signature"] {
        assert!(!raw.contains(personal), "{raw}");
    }
}

#[tokio::test]
async fn every_code_is_what_paytm_means_by_it() {
    for (status, code, outcome) in [
        ("TXN_SUCCESS", "01", "paid"),
        ("TXN_SUCCESS", "227", "unrecognised"),
        ("TXN_FAILURE", "01", "unrecognised"),
        ("TXN_FAILURE", "227", "declined"),
        ("TXN_FAILURE", "235", "declined"),
        ("TXN_FAILURE", "295", "declined"),
        ("TXN_FAILURE", "401", "declined"),
        ("TXN_FAILURE", "810", "declined"),
        ("TXN_FAILURE", "843", "declined"),
        ("TXN_FAILURE", "501", "pending"),
        ("TXN_FAILURE", "331", "not found"),
        ("TXN_FAILURE", "334", "not found"),
        ("NO_RECORD_FOUND", "331", "not found"),
        ("PENDING", "400", "pending"),
        ("PENDING", "402", "pending"),
        ("OPEN", "400", "pending"),
        ("SOMETHING_NEW", "12", "unrecognised"),
        ("txn_success", "", "paid"),
        ("Txn_Failure", "227", "declined"),
        ("pending", "400", "pending"),
        ("no_record_found", "", "not found"),
    ] {
        let of_legacy = legacy(json!({ "STATUS": status, "RESPCODE": code })).await.unwrap();
        assert_eq!(of_legacy.outcome.name(), outcome, "legacy {status} {code}");
        let of_v3 = v3(v3_result(status, code)).await.unwrap();
        assert_eq!(of_v3.outcome.name(), outcome, "v3 {status} {code}");
    }
    for code in ["335", "330"] {
        let refused = format!("the question was refused: code {code}");
        assert_eq!(unreadable(legacy(json!({ "STATUS": "TXN_FAILURE", "RESPCODE": code })).await), refused);
        assert_eq!(unreadable(v3(v3_result("TXN_FAILURE", code)).await), refused);
    }
    assert_eq!(legacy(json!({ "REFUNDAMT": "19.99" })).await.unwrap().outcome, Outcome::Refunded);
    unreadable(legacy(json!({ "STATUS": null })).await);
    let unknown = ResponseTemplate::new(200).set_body_string(LEGACY_UNKNOWN_ORDER);
    assert_eq!(status("legacy", unknown).await.unwrap().outcome, Outcome::NotFound);
}

#[tokio::test]
async fn an_answer_about_something_else_is_never_taken() {
    for (changes, what) in [
        (json!({ "ORDERID": "PB_PG_2024_03_15_000124_45" }), "order id"),
        (json!({ "ORDERID": null }), "order id"),
        (json!({ "MID": "SOMEBODYELSE" }), "merchant"),
        (json!({ "MID": "" }), "merchant"),
        (json!({ "CURRENCY": "USD" }), "currency"),
        (json!({ "ORDERID": null, "STATUS": "TXN_FAILURE", "RESPCODE": "227" }), "order id"),
        (json!({ "ORDERID": "OTHER", "STATUS": "PENDING", "RESPCODE": "400" }), "order id"),
    ] {
        assert_eq!(unreadable(legacy(changes).await), format!("the answer names another {what}"));
    }
    let mut other = v3_result("TXN_SUCCESS", "01");
    other["orderId"] = "OTHER".into();
    unreadable(v3(other).await);
    // Without an order id nothing ends, but nothing is lost either.
    let unnamed = json!({ "resultInfo": { "resultStatus": "PENDING", "resultCode": "402" } });
    assert_eq!(v3(unnamed).await.unwrap().outcome, Outcome::Pending);
}

#[tokio::test]
async fn the_amount_is_what_paytm_says_and_nothing_when_it_says_none() {
    for (amount, paid) in [
        (json!("19.98"), rupees("19.98")),
        (json!("19.990"), rupees("19.99")),
        (json!(19.99), rupees("19.99")),
        (json!("1999"), rupees("1999")),
        (json!(null), None),
        (json!("19.995"), None),
        (json!("-19.99"), None),
        (json!("1.999e1"), rupees("19.99")),
    ] {
        let report = legacy(json!({ "TXNAMOUNT": amount })).await.unwrap();
        assert_eq!(report.outcome, Outcome::Paid { amount: paid }, "{amount}");
    }
}

#[tokio::test]
async fn a_success_of_the_current_protocol_is_signed_over_its_exact_text() {
    let body = V3_PAID_BODY.trim();
    let signed = wire::envelope(&KEY, body, Salt::new("Ab9Z").unwrap());
    let answer = |text: String| status("v3", ResponseTemplate::new(200).set_body_string(text));
    assert!(answer(signed.clone()).await.is_ok());
    // The same members written another way are another text.
    for altered in
        [signed.replace("\\/", "/"), signed.replace("{ \"", "{\""), signed.replace("19.99", "1.00")]
    {
        assert_ne!(altered, signed);
        assert_eq!(unreadable(answer(altered).await), "the signature is wrong");
    }
    let unsigned = format!(r#"{{"head":{{"version":"v1"}},"body":{body}}}"#);
    assert_eq!(unreadable(answer(unsigned).await), "a success without a signature");
    let declined = format!(r#"{{"head":{{}},"body":{}}}"#, v3_result("TXN_FAILURE", "227"));
    assert_eq!(answer(declined).await.unwrap().outcome.name(), "declined");
}

#[tokio::test]
async fn a_wrong_checksum_in_a_legacy_answer_is_not_believed() {
    let members =
        json!({ "MID": MID, "ORDERID": ID, "STATUS": "TXN_SUCCESS", "TXNAMOUNT": "19.99", "RESPCODE": "01" });
    let pairs =
        members.as_object().unwrap().iter().map(|(name, value)| (name.as_str(), value.as_str().unwrap()));
    let text = signature::text_of_form(pairs);
    let mut answer = members.clone();
    answer[CHECKSUM_FIELD] = signature::checksum(&KEY, &text, Salt::new("zzzz").unwrap()).into();
    let report = status("legacy", ResponseTemplate::new(200).set_body_json(&answer)).await.unwrap();
    assert_eq!(report.outcome.name(), "paid");
    answer["TXNAMOUNT"] = "1.00".into();
    unreadable(status("legacy", ResponseTemplate::new(200).set_body_json(&answer)).await);
}

#[test]
fn nothing_secret_is_printed() {
    let printed = format!("{:?}", *OFFLINE);
    assert!(!printed.contains("fAkE"), "{printed}");
}

proptest! {
    #[test]
    fn no_answer_panics(body: Vec<u8>) {
        let _ = Envelope::open(&KEY, &body).map(|envelope| Facts::of_body(&envelope.body).outcome());
        let _ = answer::token(&KEY, &body);
        if let Some(answer) = Object::parse(&body) {
            let _ = Facts::of_legacy(&answer).outcome();
        }
    }

    #[test]
    fn no_member_panics(status in ".{0,20}", code in ".{0,5}", amount in ".{0,20}", mode in ".{0,600}") {
        let answer = json!({ "STATUS": status, "RESPCODE": code, "TXNAMOUNT": amount, "PAYMENTMODE": mode });
        let facts = Facts::of_legacy(&Object::parse(answer.to_string().as_bytes()).unwrap());
        if let Ok(outcome) = facts.outcome() {
            let report = facts.into_report(outcome);
            prop_assert!(report.payment_mode.is_none_or(|mode| text::cut(&mode, 255) == mode));
        }
    }
}
