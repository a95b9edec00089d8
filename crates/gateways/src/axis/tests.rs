//! The adapter against a server, and against forged callbacks.

use std::sync::LazyLock;

use payment_domain::{Currency, Money, Outcome};
use proptest::prelude::*;
use wiremock::ResponseTemplate;

use payment_gateway::USUAL_SESSION;
use payment_settings::Reader;

use super::*;
use crate::testing::{asks_through_every_fault, client, server_that_answers, texts, transaction};

const ID: &str = "PB_PG_2024_03_15_000123_45";
const SECRET: &str = "0F1E2D3C4B5A69788796A5B4C3D2E1F0";

/// A merchant's account, which is never called.
pub(crate) fn account() -> AxisAccount {
    OFFLINE.account.clone()
}

fn axis(base_url: &str, client: Client) -> Axis {
    let lookup = |name: &str| {
        Some(match name {
            "axis.merchant.id" => "TESTFAKEULB01".to_owned(),
            "axis.merchant.access.code" => "FA4EC0DE".to_owned(),
            "axis.merchant.secret.key" => SECRET.to_owned(),
            "axis.merchant.user" => "fakeama".to_owned(),
            "axis.merchant.pwd" => "fake&pass=1".to_owned(),
            "axis.url.debit" => format!("{base_url}/vpcpay"),
            "axis.url.status" => format!("{base_url}/vpcdps"),
            _ => return None,
        })
    };
    let values = texts(account::SETTINGS, lookup);
    let account = AxisAccount::read(&mut Reader::new(&values)).unwrap();
    Axis::new(account, client)
}

/// An adapter that is never made to call.
static OFFLINE: LazyLock<Axis> = LazyLock::new(|| axis("https://gateway.example", client()));

/// A callback as the gateway signs it.
fn signed(members: &[(&str, &str)]) -> Answer {
    let hash = signature::sign(&hex::decode(SECRET).unwrap(), members);
    let all = members.iter().copied().chain([(signature::HASH, hash.as_str())]);
    Answer::of_params(Params::new(all.map(|(name, value)| (name.to_owned(), value.to_owned())).collect()))
}

const PAID: [(&str, &str); 8] = [
    ("vpc_TxnResponseCode", "0"),
    ("vpc_MerchTxnRef", ID),
    ("vpc_Merchant", "TESTFAKEULB01"),
    ("vpc_Amount", "1999"),
    ("vpc_Currency", "INR"),
    ("vpc_TransactionNo", "2000025183"),
    ("vpc_ReceiptNo", "407506239491"),
    ("vpc_Message", "Approved"),
];

/// [`PAID`] with one member changed.
fn but(name: &str, value: &'static str) -> Vec<(&'static str, &'static str)> {
    PAID.iter().map(|&(member, old)| if member == name { (member, value) } else { (member, old) }).collect()
}

async fn verify(answer: &Answer) -> Result<Evidence, GatewayError> {
    OFFLINE.verify(&transaction(ID, "19.99"), answer).await
}

#[tokio::test]
async fn the_redirect_carries_the_amount_and_the_id_signed() {
    let txn = transaction(ID, "19.99");
    let order = Order {
        txn: &txn,
        return_url: "https://pg.example/r?a=1&b=p+q",
        notify_url: Some("https://pg.example/n"),
        payable_until: txn.audit.created_at.plus(USUAL_SESSION),
        bank_account: Some("Nº 1&2 + शाखा"),
    };
    let Redirect::To(url) = OFFLINE.start(&order).await.unwrap() else { panic!("a redirect by URL") };
    assert!(!url.contains('+'), "{url}");
    let query = url.strip_prefix("https://gateway.example/vpcpay?").unwrap();
    let members = Params::new(form::decode(query.as_bytes()));
    assert!(signature::check(&hex::decode(SECRET).unwrap(), &members).unwrap());
    assert_eq!(members.get("vpc_Amount"), Some("1999"));
    assert_eq!(members.get("vpc_MerchTxnRef"), Some(ID));
    assert_eq!(members.get("vpc_ReturnURL"), Some("https://pg.example/r?a=1&b=p+q"));
    assert!(members.iter().all(|(_, value)| value.is_ascii()), "{url}");
    assert_eq!(Redirect::To(url), OFFLINE.start(&order).await.unwrap(), "asked again, it is the same order");
}

#[tokio::test]
async fn an_id_that_is_no_reference_is_refused_and_never_shortened() {
    for id in ["x".repeat(41), "PB_ਪੰਜਾਬ".to_owned()] {
        let txn = transaction(&id, "1");
        let order = Order {
            txn: &txn,
            return_url: "https://x",
            notify_url: Some("https://x"),
            payable_until: txn.audit.created_at.plus(USUAL_SESSION),
            bank_account: Some("1"),
        };
        let refused = OFFLINE.start(&order).await;
        assert!(matches!(refused, Err(GatewayError::Refused { .. })), "{id}");
    }
    let txn = transaction(ID, "1");
    let order = Order {
        txn: &txn,
        return_url: "https://x",
        notify_url: Some("https://x"),
        payable_until: txn.audit.created_at.plus(USUAL_SESSION),
        bank_account: None,
    };
    assert!(matches!(OFFLINE.start(&order).await, Err(GatewayError::Refused { .. })));
}

#[tokio::test]
async fn a_signed_callback_about_this_transaction_is_evidence() {
    let Evidence::Signed(report) = verify(&signed(&PAID)).await.unwrap() else { panic!("signed") };
    let amount = Money::from_minor(1999, Currency::INR).unwrap();
    assert_eq!(report.outcome, Outcome::Paid { amount: Some(amount) });
    assert_eq!(report.gateway_txn_id.as_deref(), Some("2000025183"));
    assert_eq!(report.bank_txn_no.as_deref(), Some("407506239491"));
    assert!(report.raw.get(signature::HASH).is_none());
}

#[tokio::test]
async fn a_callback_without_a_hash_is_worth_nothing() {
    let params = PAID.map(|(name, value)| (name.to_owned(), value.to_owned()));
    let answer = Answer::of_params(Params::new(params.into()));
    assert_eq!(verify(&answer).await.unwrap(), Evidence::Unsigned);
    assert_eq!(verify(&Answer::default()).await.unwrap(), Evidence::Unsigned);
}

#[tokio::test]
async fn a_callback_of_another_payment_is_refused() {
    for (name, value) in [
        ("vpc_MerchTxnRef", "PB_PG_2024_03_15_000123_46"),
        ("vpc_MerchTxnRef", ""),
        ("vpc_Merchant", "TESTOTHER"),
        ("vpc_Merchant", ""),
        ("vpc_Amount", "1"),
        ("vpc_Amount", ""),
        ("vpc_Currency", "SAR"),
    ] {
        let refused = verify(&signed(&but(name, value))).await;
        assert!(matches!(refused, Err(GatewayError::WrongTransaction)), "{name}={value}");
    }
}

/// The query of the pay page's URL for an order with that return URL.
async fn our_request(return_url: &str) -> Vec<(String, String)> {
    let txn = transaction(ID, "19.99");
    let order = Order {
        txn: &txn,
        return_url,
        notify_url: Some("https://pg.example/n"),
        payable_until: txn.audit.created_at.plus(USUAL_SESSION),
        bank_account: Some("1"),
    };
    let Redirect::To(url) = OFFLINE.start(&order).await.unwrap() else { panic!("a redirect by URL") };
    form::decode(url.split_once('?').unwrap().1.as_bytes())
}

#[tokio::test]
async fn our_own_pay_request_is_no_callback() {
    let request = our_request("https://pg.example/r").await;
    let refused = verify(&Answer::of_params(Params::new(request))).await;
    assert!(matches!(refused, Err(GatewayError::BadSignature)), "{refused:?}");
}

#[tokio::test]
async fn members_written_into_a_return_url_are_no_callback() {
    // The hashed text of this request is also that of a callback "paid", cut up at other places.
    let forged = "vpc_TransactionNo=5&vpc_TxnResponseCode=0&vpc_U=x";
    let mut request = our_request(&format!("https://city.example/done?a=1&{forged}")).await;
    let return_url = request.iter_mut().find(|(name, _)| name == "vpc_ReturnURL").unwrap();
    return_url.1 = "https://city.example/done?a=1".to_owned();
    request.extend(form::decode(forged.as_bytes()));
    assert!(signature::check(&hex::decode(SECRET).unwrap(), &Params::new(request.clone())).unwrap());
    let refused = verify(&Answer::of_params(Params::new(request.clone()))).await;
    assert!(matches!(refused, Err(GatewayError::BadSignature)), "{refused:?}");
    // Nor can the request's members hide in the name of another.
    let hidden = "vpc_AccessCode=FA4EC0DE&vpc_Amount".to_owned();
    request.retain(|(name, _)| name != wire::ACCESS_CODE && name != "vpc_Amount");
    request.push((hidden, "1999".to_owned()));
    let refused = verify(&Answer::of_params(Params::new(request))).await;
    assert!(matches!(refused, Err(GatewayError::BadSignature)), "{refused:?}");
}

#[tokio::test]
async fn the_answer_to_another_command_is_no_payment() {
    for command in ["refund", "queryDR", "capture"] {
        let members = PAID.into_iter().chain([("vpc_Command", command)]).collect::<Vec<_>>();
        let refused = verify(&signed(&members)).await;
        assert!(matches!(refused, Err(GatewayError::WrongTransaction)), "{command}: {refused:?}");
    }
    let members = PAID.into_iter().chain([("vpc_Command", "pay")]).collect::<Vec<_>>();
    assert!(matches!(verify(&signed(&members)).await, Ok(Evidence::Signed(_))));
}

#[tokio::test]
async fn a_declined_callback_may_lack_what_the_gateway_leaves_out() {
    let members = [("vpc_TxnResponseCode", "C"), ("vpc_MerchTxnRef", ID)];
    let Evidence::Signed(report) = verify(&signed(&members)).await.unwrap() else { panic!("signed") };
    assert_eq!(report.outcome.name(), "declined");
}

#[tokio::test]
async fn a_member_sent_twice_is_a_bad_signature() {
    let mut answer = signed(&but("vpc_TxnResponseCode", "2"));
    answer.params.extend(Params::new(vec![("vpc_TxnResponseCode".to_owned(), "0".to_owned())]));
    assert!(matches!(verify(&answer).await, Err(GatewayError::BadSignature)));
}

#[tokio::test]
async fn members_that_are_not_the_gateways_are_ignored() {
    let mut answer = signed(&PAID);
    for _ in 0..2 {
        answer.params.extend(Params::new(vec![("eg_pg_txnid".to_owned(), "anything".to_owned())]));
    }
    assert!(matches!(verify(&answer).await, Ok(Evidence::Signed(_))));
}

#[tokio::test]
async fn every_network_fault_has_its_error() {
    asks_through_every_fault(axis).await;
}

async fn status(body: &str) -> Result<Report, GatewayError> {
    let server = server_that_answers(ResponseTemplate::new(200).set_body_string(body)).await;
    axis(&server.uri(), client()).status(&transaction(ID, "19.99")).await
}

#[tokio::test]
async fn the_status_request_has_the_reference_of_the_payment() {
    let template = ResponseTemplate::new(200).set_body_string("vpc_DRExists=N");
    let server = server_that_answers(template).await;
    let report = axis(&server.uri(), client()).status(&transaction(ID, "19.99")).await.unwrap();
    assert_eq!(report.outcome, Outcome::NotFound);
    let requests = server.received_requests().await.unwrap();
    let asked = Params::new(form::decode(&requests[0].body));
    assert_eq!(requests[0].url.path(), "/vpcdps");
    assert_eq!(asked.get("vpc_MerchTxnRef"), Some(ID));
    assert_eq!(asked.get("vpc_Command"), Some("queryDR"));
    assert_eq!(asked.get("vpc_Password"), Some("fake&pass=1"));
}

#[tokio::test]
async fn a_status_answer_is_read() {
    let body = format!("vpc_DRExists=Y&vpc_TxnResponseCode=0&vpc_Amount=1999&vpc_MerchTxnRef={ID}\r\n");
    assert_eq!(status(&body).await.unwrap().outcome.name(), "paid");
    let unknown = status("vpc_DRExists=Y&vpc_TxnResponseCode=XX&vpc_Amount=1999").await.unwrap();
    assert_eq!(unknown.outcome, Outcome::Unrecognised { code: "XX".to_owned() });
    let no_amount = format!("vpc_DRExists=Y&vpc_TxnResponseCode=0&vpc_MerchTxnRef={ID}");
    assert_eq!(status(&no_amount).await.unwrap().outcome, Outcome::Paid { amount: None });
    let no_reference = status("vpc_DRExists=Y&vpc_TxnResponseCode=0&vpc_Amount=1999").await;
    assert!(
        matches!(no_reference, Err(GatewayError::Unreadable(_))),
        "a missing reference is not an equal one"
    );
}

#[tokio::test]
async fn a_status_answer_about_another_payment_is_refused() {
    for other in ["vpc_MerchTxnRef=OTHER", "vpc_Merchant=OTHER", "vpc_Currency=USD"] {
        let body = format!("vpc_DRExists=Y&vpc_TxnResponseCode=0&vpc_Amount=1999&{other}");
        assert!(matches!(status(&body).await, Err(GatewayError::WrongTransaction)), "{other}");
    }
}

proptest! {
    #[test]
    fn a_tampered_callback_never_verifies(at in 0..PAID.len(), value in "\\PC{0,20}") {
        prop_assume!(PAID[at].1 != value);
        let hash = signed(&PAID).params.get(signature::HASH).unwrap().to_owned();
        let mut members = PAID.map(|(name, value)| (name.to_owned(), value.to_owned())).to_vec();
        members[at].1 = value;
        members.push((signature::HASH.to_owned(), hash));
        let checked = signature::check(&hex::decode(SECRET).unwrap(), &Params::new(members));
        prop_assert!(matches!(checked, Err(GatewayError::BadSignature)));
    }

    #[test]
    fn no_callback_panics(query in "\\PC{0,200}") {
        let params = Params::new(form::decode(query.as_bytes()));
        let answer = Answer::of_params(params);
        OFFLINE.names(&answer);
        let _ = wire::report(&answer.params);
        prop_assert!(!matches!(signature::check(b"key", &answer.params), Ok(true)));
    }
}
