//! The adapter against a server, and against forged messages.

use std::sync::LazyLock;
use std::sync::atomic::{AtomicUsize, Ordering};

use payment_domain::{GatewayDetails, Personal};
use payment_gateway::{Params, StartMode, USUAL_SESSION};
use payment_settings::Reader;
use proptest::prelude::*;
use wiremock::matchers::any;
use wiremock::{Mock, MockServer, ResponseTemplate};

use super::cipher::WorkingKey;
use super::*;
use crate::account::RedirectThrough;
use crate::form;
use crate::testing::{asks_through_every_fault, client, server_that_answers, texts, transaction};

pub(super) const ID: &str = "PB_PG_2024_03_15_000123_45";
const OTHER_ID: &str = "PB_PG_2024_03_15_000124_45";
const SHIPPED: &str = include_str!("fixtures/status_flat_shipped.json");
const AWAITED: &str = include_str!("fixtures/status_wrapped_awaited.json");
const NO_RECORDS: &str = include_str!("fixtures/status_no_records.json");
const ABORTED: &str = include_str!("fixtures/message_aborted.txt");

const PAY_KEY: &str = "FA4EFA4EFA4EFA4EFA4EFA4EFA4E0001";
pub(super) const API_KEY: &str = "FA4EFA4EFA4EFA4EFA4EFA4EFA4E0002";
const OLD_KEY: &str = "FA4EFA4EFA4EFA4EFA4EFA4EFA4E0000";

pub(super) fn ccavenue(base_url: &str, client: Client) -> Ccavenue {
    ccavenue_through(RedirectThrough::Service, base_url, client)
}

fn ccavenue_through(through: RedirectThrough, base_url: &str, client: Client) -> Ccavenue {
    let lookup = |name: &str| {
        Some(match name {
            "ccavenue.merchant.id" => "1000001".to_owned(),
            "ccavenue.redirect.access.code" => "AVPAY".to_owned(),
            "ccavenue.redirect.working.key" => PAY_KEY.to_owned(),
            "ccavenue.redirect.working.key.previous" => OLD_KEY.to_owned(),
            "ccavenue.status.access.code" => "AVAPI".to_owned(),
            "ccavenue.status.working.key" => API_KEY.to_owned(),
            "ccavenue.sub-account" => "tenant".to_owned(),
            "ccavenue.gateway.url" | "ccavenue.gateway.status.url" => base_url.to_owned(),
            _ => return None,
        })
    };
    let values = texts(account::SETTINGS, lookup);
    Ccavenue::new(CcavenueAccount::read(&mut Reader::new(&values), through).unwrap(), client)
}

/// An adapter that is never made to call.
static OFFLINE: LazyLock<Ccavenue> = LazyLock::new(|| ccavenue("https://gateway.example", client()));

fn order<'a>(txn: &'a Transaction, return_url: &'a str) -> Order<'a> {
    let payable_until = txn.audit.created_at.plus(USUAL_SESSION);
    Order { txn, return_url, notify_url: None, payable_until, bank_account: None }
}

/// The text of an order as CCAvenue decrypts it.
async fn sent(txn: &Transaction, return_url: &str) -> String {
    let Redirect::Form { fields, .. } = OFFLINE.start(&order(txn, return_url)).await.unwrap() else {
        panic!("a form")
    };
    let encrypted = Params::new(fields).get("encRequest").unwrap().to_owned();
    String::from_utf8(WorkingKey::new(PAY_KEY).decrypt(&encrypted).unwrap()).unwrap()
}

/// The answer that a browser brings back.
fn brought(message: &str, number: &str) -> Answer {
    let pairs = [("encResp", message), ("orderNo", number), ("crossSellUrl", "")];
    let given = pairs.into_iter().filter(|(name, value)| *name == "crossSellUrl" || !value.is_empty());
    Answer::of_params(Params::new(given.map(|(name, value)| (name.to_owned(), value.to_owned())).collect()))
}

async fn verify(answer: &Answer) -> Result<Evidence, GatewayError> {
    OFFLINE.verify(&transaction(ID, "19.99"), answer).await
}

#[tokio::test]
async fn the_encrypted_order_holds_its_terms_and_both_return_urls() {
    let (txn, back) = (transaction(ID, "100"), "https://pg.example/r?eg_pg_txnid=T1");
    let text = sent(&txn, back).await;
    let expected = format!(
        "merchant_id=1000001&order_id={ID}&currency=INR&amount=100.00&redirect_url={back}&cancel_url={back}&language=EN\
         &billing_name=Asha Sharma&billing_tel=9876500001&billing_email=asha@example.org&merchant_param1=PT\
         &sub_account_id=pbamritsar"
    );
    assert_eq!(text, expected);
    let again = OFFLINE.start(&order(&txn, back)).await.unwrap();
    assert_eq!(again, OFFLINE.start(&order(&txn, back)).await.unwrap(), "asked again, it is the same order");
    let Redirect::Form { action, fields } = again else { panic!("a form") };
    assert_eq!(action, "https://gateway.example/transaction/transaction.do?command=initiateTransaction");
    assert_eq!(fields[1], ("access_code".to_owned(), "AVPAY".to_owned()));
}

#[tokio::test]
async fn text_of_a_payer_becomes_no_member_and_a_changed_address_is_not_sent() {
    let mut txn = transaction(ID, "19.99");
    txn.payer.name = Personal::new("आशा &amount=1.00 + 100% = O'Neil\r\n");
    txn.payer.mobile_number = Personal::new("+91 98765");
    txn.payer.email_id = Some(Personal::new("asha+tax@example.org"));
    txn.module = Some("PT&amount=1".to_owned());
    let text = sent(&txn, "https://city.example/done?a=b&c=50%25+d").await;
    let members: Vec<(&str, &str)> = wire::members(&text).collect();
    assert_eq!(members.iter().filter(|(name, _)| *name == "amount").count(), 1, "{text}");
    let value = |name: &str| members.iter().find(|(member, _)| *member == name).map(|(_, value)| *value);
    assert_eq!(value("amount"), Some("19.99"));
    assert_eq!(value("billing_name"), Some("asa amount 1.00 100 O Neil"));
    assert_eq!((value("billing_tel"), value("billing_email")), (None, None));
    assert_eq!(value("merchant_param1"), Some("PT amount 1"));
    // Decoded like a query, it is the address again.
    let decoded = form::decode(text.as_bytes());
    let back = decoded.iter().find(|(name, _)| name == "cancel_url").map(|(_, value)| value.as_str());
    assert_eq!(back, Some("https://city.example/done?a=b&c=50%25+d"));
}

#[tokio::test]
async fn through_the_application_a_link_has_the_same_fields() {
    let adapter = ccavenue_through(RedirectThrough::Application, "https://gateway.example/pay.do", client());
    assert_eq!(adapter.profile().start_mode, StartMode::Offline);
    assert!(!adapter.profile().needs_form_page && OFFLINE.profile().needs_form_page);
    let txn = transaction(ID, "100");
    let Redirect::To(url) = adapter.start(&order(&txn, "https://city.example/done")).await.unwrap() else {
        panic!("a link")
    };
    let (page, query) = url.split_once('?').unwrap();
    assert_eq!(page, "https://gateway.example/pay.do");
    let Redirect::Form { fields, .. } =
        OFFLINE.start(&order(&txn, "https://city.example/done")).await.unwrap()
    else {
        panic!("a form")
    };
    let command = [("command".to_owned(), "initiateTransaction".to_owned())];
    assert_eq!(form::decode(query.as_bytes()), [&command[..], &fields].concat());
}

#[tokio::test]
async fn an_id_that_is_too_long_for_ccavenue_has_a_number_beside_it() {
    let long = "PB_PG_2026_11_30_000001_031093447";
    let (txn, number) = (transaction(long, "1.00"), crate::digest::name_of_30(long));
    let text = sent(&txn, "https://x").await;
    assert!(
        text.contains(&format!("&order_id={number}&")) && text.contains(&format!("&merchant_param2={long}&"))
    );
    let key = WorkingKey::new(PAY_KEY);
    let message = format!("order_id={number}&order_status=Success&merchant_param2={long}");
    let answer = brought(&key.encrypt(&message), &number);
    assert_eq!(OFFLINE.names(&answer).unwrap().as_str(), long);
    assert_eq!(OFFLINE.verify(&txn, &answer).await.unwrap(), Evidence::Unsigned);
    let pretended = brought(&key.encrypt(&message.replace(long, ID)), "");
    assert_eq!(OFFLINE.names(&pretended).unwrap().as_str(), number, "the number is not that of this id");
    let shipped = SHIPPED.replace(ID, &number).replace("19.99", "1.00");
    let server = server_that_answers(ResponseTemplate::new(200).set_body_string(encrypted(&shipped))).await;
    let report = ccavenue(&server.uri(), client()).status(&txn).await.unwrap();
    assert_eq!(report.outcome.name(), "paid");
    assert!(
        !wire::request_text(&OFFLINE.account, &order(&transaction(ID, "1.00"), "https://x"))
            .contains("param2")
    );
}

#[tokio::test]
async fn a_message_names_its_order_and_proves_nothing() {
    let message = WorkingKey::new(PAY_KEY).encrypt(ABORTED);
    for number in [ID, ""] {
        let answer = brought(&message, number);
        assert_eq!(OFFLINE.names(&answer).unwrap().as_str(), ID);
        assert_eq!(verify(&answer).await.unwrap(), Evidence::Unsigned);
    }
    let success = WorkingKey::new(PAY_KEY).encrypt(&ABORTED.replace("=Aborted", "=Success"));
    assert_eq!(verify(&brought(&success, ID)).await.unwrap(), Evidence::Unsigned, "not even with the key");
    let during_a_change = WorkingKey::new(OLD_KEY).encrypt(ABORTED);
    assert_eq!(OFFLINE.names(&brought(&during_a_change, "")).unwrap().as_str(), ID);
    assert_eq!(verify(&brought("", ID)).await.unwrap(), Evidence::Unsigned, "no message");
}

#[tokio::test]
async fn a_message_about_another_order_or_of_another_key_is_refused() {
    let key = WorkingKey::new(PAY_KEY);
    let other = key.encrypt(&ABORTED.replace(ID, OTHER_ID));
    let twice = key.encrypt(&format!("{ABORTED}&order_id={OTHER_ID}"));
    for (message, number) in [(other.as_str(), ""), (&other, OTHER_ID), (&other, ID), ("", OTHER_ID)] {
        let refused = verify(&brought(message, number)).await;
        assert!(matches!(refused, Err(GatewayError::WrongTransaction)), "{refused:?}");
    }
    let foreign = WorkingKey::new("other").encrypt(ABORTED);
    for message in [foreign.as_str(), &twice, &key.encrypt("tracking_id=1"), "00", "zz", &"0".repeat(64)] {
        let answer = brought(message, ID);
        assert_eq!(OFFLINE.names(&answer).unwrap().as_str(), ID, "it is known whose it was to be");
        assert!(matches!(verify(&answer).await, Err(GatewayError::BadSignature)), "{message:.20}");
        assert_eq!(OFFLINE.names(&brought(message, "")), None);
    }
}

/// An answer would be an oracle otherwise: by it strangers could decrypt, and encrypt, without the key.
#[tokio::test]
async fn an_answer_does_not_tell_whether_the_padding_is_right() {
    let sent = WorkingKey::new(PAY_KEY).encrypt(ABORTED);
    let mut bytes = hex::decode(&sent).unwrap();
    let before_last = bytes.len() - 17;
    let padded_wrongly = (0..=255).map(|byte| {
        bytes[before_last] = byte;
        hex::encode(&bytes)
    });
    let key = WorkingKey::new(PAY_KEY);
    let all: Vec<String> = padded_wrongly.collect();
    assert!(all.iter().filter(|message| key.decrypt(message).is_none()).count() > 200);
    for message in all {
        assert_eq!(verify(&brought(&message, "")).await.unwrap(), Evidence::Unsigned);
    }
}

fn encrypted(json: &str) -> String {
    // The line end is there in reality.
    format!("status=0&enc_response={}\r\n&enc_error_code=", WorkingKey::new(API_KEY).encrypt(json))
}

async fn status(json: &str) -> Result<Report, GatewayError> {
    let server = server_that_answers(ResponseTemplate::new(200).set_body_string(encrypted(json))).await;
    ccavenue(&server.uri(), client()).status(&transaction(ID, "19.99")).await
}

#[tokio::test]
async fn the_status_request_has_our_order_number_and_the_keys_of_the_api() {
    let server = server_that_answers(ResponseTemplate::new(200).set_body_string(encrypted(SHIPPED))).await;
    let report = ccavenue(&server.uri(), client()).status(&transaction(ID, "19.99")).await.unwrap();
    assert_eq!(report.outcome.name(), "paid");
    assert_eq!(report.gateway_txn_id.as_deref(), Some("308005007091"));
    assert_eq!(report.bank_txn_no.as_deref(), Some("1555842850653"));
    assert_eq!(
        (report.payment_mode.as_deref(), report.status_code.as_deref()),
        (Some("OPTNBK"), Some("Shipped"))
    );
    let shown = report.raw.to_string();
    for hidden in ["Asha", "98765", "asha@", "203.0.113.7"] {
        assert!(!shown.contains(hidden), "{hidden}: {shown}");
    }
    let requests = server.received_requests().await.unwrap();
    assert_eq!(requests.len(), 1);
    let asked = Params::new(form::decode(&requests[0].body));
    let get = |name: &str| asked.get(name).unwrap();
    assert_eq!((get("command"), get("access_code"), get("version")), ("orderStatusTracker", "AVAPI", "1.2"));
    let question = WorkingKey::new(API_KEY).decrypt(get("enc_request")).unwrap();
    assert_eq!(String::from_utf8(question).unwrap(), format!(r#"{{"order_no":"{ID}"}}"#));
}

#[tokio::test]
async fn both_versions_of_an_answer_are_read() {
    assert_eq!(status(AWAITED).await.unwrap().outcome, Outcome::Pending);
    let report = status(NO_RECORDS).await.unwrap();
    assert_eq!((report.outcome, report.gateway_txn_id), (Outcome::NotFound, None));
}

#[tokio::test]
async fn every_word_of_the_documentation_has_its_meaning() {
    for (words, meaning) in [
        (&["Shipped", "Successful", "Success", "SHIPPED"][..], "paid"),
        (&["Awaited", "Initiated"], "pending"),
        (
            &["Unsuccessful", "Failure", "Aborted", "Cancelled", "Auto-Cancelled", "Invalid", "Fraud"],
            "declined",
        ),
        (&["Refunded", "Systemrefund", "Auto-Reversed", "Chargeback"], "refunded"),
        (&["", "Shipped?", "Confirmed", "Auto", "Paid", "null"], "unrecognised"),
    ] {
        for word in words {
            let report = status(&SHIPPED.replace("\"Shipped\"", &format!("\"{word}\""))).await.unwrap();
            assert_eq!(report.outcome.name(), meaning, "{word}");
        }
    }
}

#[tokio::test]
async fn the_amount_is_that_of_the_order_by_its_digits() {
    for (gross, charged, paid) in [
        ("19.99", "19.99", Some("19.99")),
        ("\"19.990\"", "\"19.99\"", Some("19.99")),
        ("19.99", "20.49", Some("19.99")),
        ("19.98", "19.98", Some("19.98")),
        ("1.00", "2.00", Some("1.00")),
        ("20.49", "19.99", None),
        ("null", "19.99", Some("19.99")),
        ("null", "20.49", None),
        ("19.99000000000000001", "19.98", None),
        ("-19.99", "1.00", None),
        ("\"Rs 19.99\"", "1.00", None),
        ("null", "null", None),
    ] {
        let changed = SHIPPED
            .replace("\"order_gross_amt\": 19.99", &format!("\"order_gross_amt\": {gross}"))
            .replace("\"order_amt\": 19.99", &format!("\"order_amt\": {charged}"));
        let Outcome::Paid { amount } = status(&changed).await.unwrap().outcome else { panic!("paid") };
        assert_eq!(amount.map(|amount| amount.to_string()).as_deref(), paid, "{gross}, {charged}");
    }
}

#[tokio::test]
async fn an_answer_about_another_order_or_currency_is_unreadable() {
    let without = |member: &str| {
        let lines = SHIPPED.lines().filter(|line| !line.contains(&format!("\"{member}\":")));
        lines.collect::<Vec<_>>().join("\n")
    };
    for wrong in [
        SHIPPED.replace(ID, OTHER_ID),
        SHIPPED.replace("INR", "USD"),
        SHIPPED.replace("INR", "??"),
        SHIPPED.replace("\"Shipped\"", "\"Refunded\"").replace("INR", ""),
        AWAITED.replace(ID, OTHER_ID),
        without("order_no"),
        without("order_no").replace("\"Shipped\"", "\"Unsuccessful\""),
        without("order_currncy"),
        SHIPPED.replace("\"status\": 0", "\"status\": 1"),
        "[]".to_owned(),
    ] {
        let result = status(&wrong).await;
        assert!(matches!(result, Err(GatewayError::Unreadable(_))), "{result:?}: {wrong}");
    }
}

#[tokio::test]
async fn a_refused_status_request_is_a_sentence_for_the_operator() {
    for (body, told) in [
        ("status=1&enc_response=Access_code: Invalid Parameter&enc_error_code=51407".to_owned(), "51407"),
        (
            encrypted(r#"{"status":1,"error_desc":"Invalid Parameter","error_code":"51419"}"#),
            "Invalid Parameter",
        ),
        ("status=1&enc_response=No records found".to_owned(), "No records found"),
        (encrypted("{}").replace("status=0", "status=2"), "no form with a status"),
        (
            format!("status=0&enc_response={}", WorkingKey::new(PAY_KEY).encrypt(SHIPPED)),
            "working key of the API",
        ),
    ] {
        let server = server_that_answers(ResponseTemplate::new(200).set_body_string(&body)).await;
        let error = ccavenue(&server.uri(), client()).status(&transaction(ID, "19.99")).await.unwrap_err();
        assert!(matches!(&error, GatewayError::Unreadable(why) if why.contains(told)), "{error:?}");
    }
}

/// A status request about a transaction with a known attempt; the server answers about the newest, then about
/// the known one.
async fn about_two_attempts(newest: &str, known: &str) -> (Result<Report, GatewayError>, usize) {
    let answer = |state: &str, number: &str| {
        encrypted(&SHIPPED.replace("\"Shipped\"", &format!("\"{state}\"")).replace("308005007091", number))
    };
    let answers = [answer(newest, "2"), answer(known, "1")];
    let (server, calls) = (MockServer::start().await, AtomicUsize::new(0));
    let respond = move |request: &wiremock::Request| {
        let call = calls.fetch_add(1, Ordering::SeqCst);
        let asked = Params::new(form::decode(&request.body));
        let question = WorkingKey::new(API_KEY).decrypt(asked.get("enc_request").unwrap()).unwrap();
        let expected =
            [format!(r#"{{"order_no":"{ID}"}}"#), format!(r#"{{"reference_no":"1","order_no":"{ID}"}}"#)];
        assert_eq!(String::from_utf8(question).unwrap(), expected[call]);
        ResponseTemplate::new(200).set_body_string(answers[call].clone())
    };
    Mock::given(any()).respond_with(respond).mount(&server).await;
    let mut txn = transaction(ID, "19.99");
    txn.gateway_details = GatewayDetails { txn_id: Some("1".to_owned()), ..GatewayDetails::default() };
    let report = ccavenue(&server.uri(), client()).status(&txn).await;
    (report, server.received_requests().await.unwrap().len())
}

#[tokio::test]
async fn a_known_attempt_is_requested_beside_the_newest() {
    for (newest, known, told, number, calls) in [
        ("Shipped", "Awaited", "paid", "2", 1),
        ("Unsuccessful", "Shipped", "paid", "1", 2),
        ("Unsuccessful", "Awaited", "pending", "1", 2),
        ("Awaited", "Unsuccessful", "pending", "2", 2),
        ("Awaited", "Awaited", "pending", "1", 2),
        ("Unsuccessful", "Refunded", "refunded", "1", 2),
        ("Unsuccessful", "Aborted", "declined", "1", 2),
    ] {
        let (report, asked) = about_two_attempts(newest, known).await;
        let report = report.unwrap();
        assert_eq!(
            (report.outcome.name(), report.gateway_txn_id.as_deref()),
            (told, Some(number)),
            "{newest}, {known}"
        );
        assert_eq!(asked, calls, "{newest}, {known}");
    }
}

#[tokio::test]
async fn every_network_fault_has_its_error() {
    asks_through_every_fault(ccavenue).await;
}

proptest! {
    #[test]
    fn no_message_panics_or_proves_anything(text in "\\PC{0,120}", bytes: Vec<u8>, number in "\\PC{0,40}") {
        let messages = [text.clone(), hex::encode(&bytes), WorkingKey::new(PAY_KEY).encrypt(&text)];
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        for message in messages {
            let answer = brought(&message, &number);
            OFFLINE.names(&answer);
            prop_assert!(!matches!(runtime.block_on(verify(&answer)), Ok(Evidence::Signed(_))));
        }
    }
}
