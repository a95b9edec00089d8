//! The adapter against a server, and against forged callbacks.

use std::sync::LazyLock;

use payment_domain::{Outcome, SystemClock};
use payment_gateway::Params;
use proptest::prelude::*;
use serde_json::{Value, json};
use wiremock::ResponseTemplate;

use payment_gateway::{StartMode, USUAL_SESSION};
use payment_settings::Reader;

use super::*;
use crate::account::RedirectThrough;
use crate::testing::{asks_through_every_fault, client, server_that_answers, texts, transaction};
use crate::{digest, form};

const ID: &str = "PB_PG_2024_03_15_000123_45";

pub(super) fn payu(base_url: &str, client: Client) -> Payu {
    payu_through(RedirectThrough::Service, base_url, client)
}

fn payu_through(through: RedirectThrough, base_url: &str, client: Client) -> Payu {
    let lookup = |name: &str| {
        Some(match name {
            "payu.merchant.key" => "fAk3kY".to_owned(),
            "payu.merchant.salt" => "fAk3SaLt".to_owned(),
            "payu.url" | "payu.url.status" => base_url.to_owned(),
            _ => return None,
        })
    };
    let values = texts(account::SETTINGS, lookup);
    let account = PayuAccount::read(&mut Reader::new(&values), through).unwrap();
    Payu::new(account, client, Arc::new(SystemClock))
}

/// An adapter that is never made to call.
static OFFLINE: LazyLock<Payu> = LazyLock::new(|| payu("https://gateway.example", client()));

const PAID: [(&str, &str); 9] = [
    ("mihpayid", "403993715531077182"),
    ("status", "success"),
    ("unmappedstatus", "captured"),
    ("txnid", ID),
    ("amount", "19.99"),
    ("productinfo", "Tax"),
    ("firstname", "Asha"),
    ("email", "asha@example.org"),
    ("key", "fAk3kY"),
];

/// A callback as the gateway signs it, by the rule as it is documented.
fn signed(fields: &[(&str, &str)]) -> Answer {
    let v = |wanted: &str| fields.iter().find(|(name, _)| *name == wanted).map_or("", |(_, value)| value);
    let text = format!(
        "fAk3SaLt|{}|||||||||||{}|{}|{}|{}|{}|{}",
        v("status"),
        v("email"),
        v("firstname"),
        v("productinfo"),
        v("amount"),
        v("txnid"),
        v("key")
    );
    let hash = hex::encode(digest::sha512(text.as_bytes()));
    let all = fields.iter().copied().chain([("hash", hash.as_str())]);
    Answer::of_params(Params::new(all.map(|(name, value)| (name.to_owned(), value.to_owned())).collect()))
}

/// [`PAID`] with one field changed.
fn but(name: &str, value: &'static str) -> Vec<(&'static str, &'static str)> {
    PAID.iter().map(|&(field, old)| if field == name { (field, value) } else { (field, old) }).collect()
}

async fn verify(answer: &Answer) -> Result<Evidence, GatewayError> {
    OFFLINE.verify(&transaction(ID, "19.99"), answer).await
}

#[tokio::test]
async fn the_form_carries_amount_and_id_and_signs_all_its_fields() {
    let mut txn = transaction(ID, "100");
    txn.product_info = format!("a|b\n{}", "ੳ".repeat(200));
    let order = Order {
        txn: &txn,
        return_url: "https://pg.example/r",
        notify_url: None,
        payable_until: txn.audit.created_at.plus(USUAL_SESSION),
        bank_account: None,
    };
    let redirect = OFFLINE.start(&order).await.unwrap();
    assert_eq!(redirect, OFFLINE.start(&order).await.unwrap(), "asked again, it is the same order");
    let Redirect::Form { action, fields } = redirect else { panic!("a form") };
    assert_eq!(action, "https://gateway.example/_payment");
    let fields = Params::new(fields);
    let v = |name: &str| fields.get(name).unwrap();
    assert_eq!((v("txnid"), v("amount"), v("key")), (ID, "100.00", "fAk3kY"));
    assert_eq!((v("surl"), v("furl")), ("https://pg.example/r", "https://pg.example/r"));
    assert_eq!(v("productinfo").chars().count(), 100);
    assert!(v("productinfo").starts_with("a b ੳ"));
    let text = format!(
        "fAk3kY|{}|{}|{}|{}|{}|||||||||||fAk3SaLt",
        v("txnid"),
        v("amount"),
        v("productinfo"),
        v("firstname"),
        v("email")
    );
    assert_eq!(v("hash"), hex::encode(digest::sha512(text.as_bytes())));
}

#[tokio::test]
async fn through_the_application_the_form_is_posted_from_here_and_the_location_is_not_followed() {
    let answer = ResponseTemplate::new(302).insert_header("Location", "/_payment_options?mihpayid=a%2Bb");
    let server = server_that_answers(answer).await;
    let adapter = payu_through(RedirectThrough::Application, &server.uri(), client());
    assert_eq!(adapter.profile().start_mode, StartMode::Network, "the transaction is stored before");
    assert!(!adapter.profile().needs_form_page && OFFLINE.profile().needs_form_page);
    let txn = transaction(ID, "100");
    let return_url = "https://city.example/done?eg_pg_txnid=T1";
    let order = Order {
        txn: &txn,
        return_url,
        notify_url: None,
        payable_until: txn.audit.created_at.plus(USUAL_SESSION),
        bank_account: None,
    };
    let redirect = adapter.start(&order).await.unwrap();
    assert_eq!(redirect, Redirect::To(format!("{}/_payment_options?mihpayid=a%2Bb", server.uri())));
    let requests = server.received_requests().await.unwrap();
    assert_eq!((requests.len(), requests[0].url.path()), (1, "/_payment"));
    let Redirect::Form { fields, .. } = OFFLINE.start(&order).await.unwrap() else { panic!("a form") };
    assert_eq!(form::decode(&requests[0].body), fields, "what a browser would have posted");
    assert_eq!((fields[7].1.as_str(), fields[8].1.as_str()), (return_url, return_url));
}

#[tokio::test]
async fn an_answer_without_a_usable_location_is_not_known_to_have_opened_nothing() {
    let unreadable = |error: &GatewayError| matches!(error, GatewayError::Unreadable(_));
    let unanswered = |error: &GatewayError| matches!(error, GatewayError::Unanswered(_));
    let at = |status: u16, location: &str| ResponseTemplate::new(status).insert_header("Location", location);
    for (answer, expected) in [
        (ResponseTemplate::new(200).set_body_string("<html>Sorry</html>"), true),
        (ResponseTemplate::new(302), true),
        (ResponseTemplate::new(400), true),
        (at(200, "https://secure.payu.example/x"), true),
        (at(302, "javascript:alert(1)"), true),
        (at(302, "http:///"), true),
        (at(503, "/x"), false),
        (ResponseTemplate::new(429), false),
    ] {
        let server = server_that_answers(answer).await;
        let adapter = payu_through(RedirectThrough::Application, &server.uri(), client());
        let txn = transaction(ID, "100");
        let order = Order {
            txn: &txn,
            return_url: "https://x",
            notify_url: None,
            payable_until: txn.audit.created_at.plus(USUAL_SESSION),
            bank_account: None,
        };
        let error = adapter.start(&order).await.unwrap_err();
        assert!(if expected { unreadable(&error) } else { unanswered(&error) }, "{error:?}");
    }
}

#[tokio::test]
async fn a_signed_callback_about_this_transaction_is_evidence() {
    let Evidence::Signed(report) = verify(&signed(&PAID)).await.unwrap() else { panic!("signed") };
    assert_eq!(report.outcome, Outcome::Pending, "whether it was captured is not signed");
    let failed = signed(&but("status", "failure"));
    let Evidence::Signed(failed) = verify(&failed).await.unwrap() else { panic!("signed") };
    assert_eq!(failed.outcome.name(), "unrecognised", "a failure that was captured");
    for personal in ["hash", "firstname", "email"] {
        assert!(report.raw.get(personal).is_none(), "{personal}");
    }
}

#[tokio::test]
async fn a_callback_without_a_hash_is_worth_nothing() {
    let fields = PAID.map(|(name, value)| (name.to_owned(), value.to_owned()));
    let answer = Answer::of_params(Params::new(fields.into()));
    assert_eq!(verify(&answer).await.unwrap(), Evidence::Unsigned);
}

#[tokio::test]
async fn a_callback_of_another_payment_is_refused() {
    for (name, value) in
        [("txnid", "PB_PG_2024_03_15_000123_46"), ("txnid", ""), ("amount", "1.00"), ("amount", "")]
    {
        let refused = verify(&signed(&but(name, value))).await;
        assert!(matches!(refused, Err(GatewayError::WrongTransaction)), "{name}={value}");
    }
    let other_merchant = verify(&signed(&but("key", "other"))).await;
    assert!(matches!(other_merchant, Err(GatewayError::BadSignature)));
}

#[tokio::test]
async fn a_field_sent_twice_is_a_bad_signature() {
    let mut answer = signed(&but("status", "failure"));
    answer.params.extend(Params::new(vec![("status".to_owned(), "success".to_owned())]));
    assert!(matches!(verify(&answer).await, Err(GatewayError::BadSignature)));
}

#[tokio::test]
async fn our_own_signature_is_no_callback() {
    let txn = transaction(ID, "19.99");
    let order = Order {
        txn: &txn,
        return_url: "https://pg.example/r",
        notify_url: None,
        payable_until: txn.audit.created_at.plus(USUAL_SESSION),
        bank_account: None,
    };
    let Redirect::Form { fields, .. } = OFFLINE.start(&order).await.unwrap() else { panic!("a form") };
    let is_refused = async |fields: &[(String, String)]| {
        let refused = verify(&Answer::of_params(Params::new(fields.to_vec()))).await;
        matches!(refused, Err(GatewayError::BadSignature))
    };
    assert!(is_refused(&fields).await, "as it is");
    // The salt is the last thing we hash, and in a callback it has to be followed by the status.
    let hash = Params::new(fields.clone()).get("hash").unwrap().to_owned();
    for (name, value) in [("status", "success"), ("additionalCharges", "fAk3kY"), ("splitInfo", "success")] {
        let mut forged = fields.clone();
        forged.push((name.to_owned(), value.to_owned()));
        assert!(is_refused(&forged).await, "{name}");
    }
    // A known hash can be extended from its end, but only behind its padding, which begins with a byte that
    // is no text: any text decoded from it is hashed as another one.
    let padded = [ID.as_bytes(), b"\x80\0\0\0|x"].concat();
    let forged =
        [[b"txnid=".as_slice(), &padded, b"&status=success&hash="].concat(), hash.into_bytes()].concat();
    assert!(is_refused(&form::decode(&forged)).await);
    let call = wire::status_call(&OFFLINE.account, ID);
    let crate::client::Body::Form(question) = call.body else { panic!("a form") };
    assert!(is_refused(&question).await, "our question");
}

#[tokio::test]
async fn a_separator_in_a_value_is_a_bad_signature() {
    let shifted = signed(&but("firstname", "Asha|Tax"));
    assert!(matches!(verify(&shifted).await, Err(GatewayError::BadSignature)));
}

#[tokio::test]
async fn fields_outside_the_hash_prove_nothing() {
    let mut answers = Vec::new();
    for (name, value) in [("mihpayid", "1"), ("mihpayid", "2"), ("mode", "UPI")] {
        let mut answer = signed(&but(name, value));
        let uncovered = ["error_Message", "bank_ref_num"].map(|name| (name.to_owned(), value.to_owned()));
        answer.params.extend(Params::new(uncovered.to_vec()));
        let Ok(Evidence::Signed(report)) = verify(&answer).await else { panic!("signed") };
        assert_eq!((report.gateway_txn_id, report.bank_txn_no), (None, None));
        answers.push(report.raw);
    }
    assert!(answers.iter().all(|raw| *raw == json!({"status": "success", "txnid": ID, "amount": "19.99"})));
}

#[tokio::test]
async fn every_network_fault_has_its_error() {
    asks_through_every_fault(payu).await;
}

async fn status(body: &Value) -> Result<Report, GatewayError> {
    let server = server_that_answers(ResponseTemplate::new(200).set_body_json(body)).await;
    payu(&server.uri(), client()).status(&transaction(ID, "19.99")).await
}

#[tokio::test]
async fn the_status_request_has_our_transaction_id() {
    let details = json!({ID: {"mihpayid": "Not Found", "status": "Not Found"}});
    let body = json!({"status": 0, "msg": "0 out of 1 Transactions Fetched Successfully", "transaction_details": details});
    let server = server_that_answers(ResponseTemplate::new(200).set_body_json(body)).await;
    let report = payu(&server.uri(), client()).status(&transaction(ID, "19.99")).await.unwrap();
    assert_eq!((report.outcome, report.gateway_txn_id), (Outcome::NotFound, None));
    let requests = server.received_requests().await.unwrap();
    assert_eq!(requests[0].url.path(), "/merchant/postservice.php");
    assert_eq!(requests[0].url.query(), Some("form=2"));
    let asked = Params::new(form::decode(&requests[0].body));
    assert_eq!((asked.get("command"), asked.get("var1")), (Some("verify_payment"), Some(ID)));
    let text = format!("fAk3kY|verify_payment|{ID}|fAk3SaLt");
    assert_eq!(asked.get("hash"), Some(hex::encode(digest::sha512(text.as_bytes())).as_str()));
}

#[tokio::test]
async fn a_status_answer_is_read_and_another_order_in_it_is_not() {
    let paid = json!({"status": "success", "unmappedstatus": "captured", "amt": "19.99", "transaction_amount": "19.99",
        "bank_ref_num": "407506239491"});
    let report = status(&json!({"status": 1, "transaction_details": {ID: paid}})).await.unwrap();
    assert_eq!(report.outcome.name(), "paid");
    assert_eq!(report.bank_txn_no.as_deref(), Some("407506239491"));
    assert_eq!(report.status_code.as_deref(), Some("captured"));
    let other = status(&json!({"status": 1, "transaction_details": {"OTHER": paid}})).await;
    assert!(matches!(other, Err(GatewayError::Unreadable(_))));
    let unknown = json!({"status": "held", "unmappedstatus": "review"});
    let report = status(&json!({"status": 1, "transaction_details": {ID: unknown}})).await.unwrap();
    assert_eq!(report.outcome, Outcome::Unrecognised { code: "held/review".to_owned() });
}

proptest! {
    #[test]
    fn a_tampered_callback_never_verifies(at in 0..PAID.len(), value in "\\PC{0,20}") {
        let (name, original) = PAID[at];
        prop_assume!(original != value && !["mihpayid", "unmappedstatus", "key"].contains(&name));
        let hash = signed(&PAID).params.get("hash").unwrap().to_owned();
        let mut fields = PAID.map(|(name, value)| (name.to_owned(), value.to_owned())).to_vec();
        fields[at].1 = value;
        fields.push(("hash".to_owned(), hash));
        let checked = signature::check("fAk3kY", "fAk3SaLt", &Params::new(fields));
        prop_assert!(matches!(checked, Err(GatewayError::BadSignature)));
    }

    #[test]
    fn no_callback_panics(body in "\\PC{0,200}") {
        let answer = Answer::of_params(Params::new(form::decode(body.as_bytes())));
        OFFLINE.names(&answer);
        let _ = wire::callback_report(&answer.params);
        prop_assert!(!matches!(signature::check("key", "salt", &answer.params), Ok(true)));
    }
}
