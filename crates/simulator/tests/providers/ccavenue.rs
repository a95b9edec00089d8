//! CCAvenue: the encrypted order, the way back, `orderStatusTracker`.

use payment_simulator::providers::signature::ccavenue::{decrypt, encrypt};
use payment_simulator::providers::{CcavenueAccount, Choice, Provider, State, WayBack};
use secrecy::ExposeSecret;
use serde_json::Value;

use crate::world::{Received, World, field, pairs};

const ORDER: &str = "PB_PG_2024_03_15_000123_45";
const PAGE: &str = "/ccavenue/transaction/transaction.do?command=initiateTransaction";

/// The text of an order with some members changed.
fn text(world: &World, changes: &[(&str, &str)]) -> String {
    let mut members = pairs(&[
        ("merchant_id", &CcavenueAccount::default().merchant_id),
        ("order_id", ORDER),
        ("currency", "INR"),
        ("amount", "100.0"),
        ("redirect_url", &world.return_url()),
        ("cancel_url", &format!("{}/cancelled?a=1%26b=2", world.service)),
        ("billing_name", "Asha Sharma"),
    ]);
    for (name, value) in changes {
        members.retain(|(known, _)| known != name);
        members.push(((*name).to_owned(), (*value).to_owned()));
    }
    let members: Vec<String> = members.iter().map(|(name, value)| format!("{name}={value}")).collect();
    members.join("&")
}

fn order(world: &World, changes: &[(&str, &str)]) -> Vec<(String, String)> {
    let account = CcavenueAccount::default();
    let sent = encrypt(account.working_key.expose_secret(), &text(world, changes));
    pairs(&[("encRequest", &sent), ("access_code", &account.access_code)])
}

fn form(world: &World, changes: &[(&str, &str)]) -> WayBack {
    WayBack::Post { action: world.url(PAGE), fields: order(world, changes) }
}

/// The answer to a status request in JSON, decrypted.
async fn ask(world: &World, version: &str, json: &str) -> Value {
    let account = CcavenueAccount::default();
    let key = account.api_working_key.expose_secret();
    let fields = pairs(&[
        ("enc_request", &encrypt(key, json)),
        ("access_code", &account.api_access_code),
        ("command", "orderStatusTracker"),
        ("request_type", "JSON"),
        ("response_type", "JSON"),
        ("version", version),
    ]);
    let (status, body) = world.post_form("/ccavenue/apis/servlet/DoWebTrans", &fields).await;
    assert_eq!(status, 200);
    let answer: Vec<(String, String)> = form_urlencoded::parse(body.as_bytes()).into_owned().collect();
    assert_eq!(field(&answer, "status"), "0", "{body}");
    assert!(field(&answer, "enc_response").ends_with("\r\n"));
    serde_json::from_str(&decrypt(key, field(&answer, "enc_response").trim()).unwrap()).unwrap()
}

async fn state(world: &World) -> Value {
    ask(world, "1.2", &format!(r#"{{"order_no":"{ORDER}"}}"#)).await["order_status"].take()
}

fn message(received: &Received) -> String {
    let fields = received.form();
    decrypt(CcavenueAccount::default().working_key.expose_secret(), field(&fields, "encResp")).unwrap()
}

#[tokio::test]
async fn a_payment_comes_back_encrypted_and_is_found_by_asking() {
    let world = World::new().await;
    let back = world.choose_and_return(&form(&world, &[]), Choice::Pay).await;
    assert_eq!((back.method.as_str(), back.path.as_str()), ("POST", "/back?eg_pg_txnid=T1"));
    assert_eq!(field(&back.form(), "orderNo"), ORDER);
    insta::assert_snapshot!(message(&back).replace('&', "\n"));
    let result = ask(&world, "1.2", &format!(r#"{{"order_no":"{ORDER}"}}"#)).await;
    insta::assert_snapshot!(format!("{result:#}"));
    let number = &result["reference_no"];
    for json in [
        format!(r#"{{"reference_no":"{number}"}}"#),
        format!(r#"{{"reference_no":"{number}","order_no":"{ORDER}"}}"#),
    ] {
        assert_eq!(ask(&world, "1.1", &json).await["Order_Status_Result"], result);
    }
    let entry = world.book(Provider::Ccavenue, ORDER);
    assert_eq!((entry.state, entry.taken, entry.status_calls), (State::Paid, Some(entry.amount), 3));
    world.providers.tick().await;
    let webhook = world.merchant.take().remove(0);
    assert_eq!(webhook.path, "/pg-service/gateway/v1/ccavenue/_callback");
    assert_eq!(message(&webhook), message(&back));
    assert_eq!(webhook.form().len(), 1, "its order is known only by the message");
}

#[tokio::test]
async fn a_link_opens_the_same_order_as_a_form() {
    let world = World::new().await;
    let fields = order(&world, &[]);
    let query = form_urlencoded::Serializer::new(String::new()).extend_pairs(fields).finish();
    let link = WayBack::Follow(format!("{}&{query}", world.url(PAGE)));
    world.visitor.open(&link).await.unwrap();
    assert_eq!(state(&world).await, "Initiated");
    world.choose(&form(&world, &[]), Choice::Decline).await;
    assert_eq!(state(&world).await, "Unsuccessful");
}

#[tokio::test]
async fn a_cancelling_payer_returns_to_the_cancel_url() {
    let world = World::new().await;
    let back = world.choose_and_return(&form(&world, &[]), Choice::Cancel).await;
    assert_eq!(back.path, "/cancelled?a=1&b=2");
    assert!(message(&back).contains("&order_status=Aborted&"));
    assert_eq!(state(&world).await, "Aborted");
}

#[tokio::test]
async fn an_unknown_order_is_no_record() {
    let world = World::new().await;
    world.visitor.open(&form(&world, &[])).await.unwrap();
    for json in [
        r#"{"order_no":"OTHER"}"#.to_owned(),
        r#"{"reference_no":"1"}"#.to_owned(),
        r#"{"reference_no":"2000000000"}"#.to_owned(),
        "{}".to_owned(),
        format!(r#"{{"reference_no":"1","order_no":"{ORDER}"}}"#),
    ] {
        let answer = ask(&world, "1.2", &json).await;
        assert_eq!(
            (&answer["status"], &answer["error_desc"]),
            (&1.into(), &"No records found".into()),
            "{json}"
        );
    }
}

#[tokio::test]
async fn a_request_of_another_merchant_is_refused() {
    let world = World::new().await;
    for change in [
        ("merchant_id", "1"),
        ("amount", "1.005"),
        ("amount", "-1"),
        ("currency", "USD"),
        ("order_id", "A B"),
        ("redirect_url", "ftp://x"),
        ("cancel_url", ""),
        ("billing_name", "O'Neil"),
    ] {
        assert_eq!(world.visitor.follow(&form(&world, &[change])).await.unwrap(), (400, None), "{change:?}");
    }
    let account = CcavenueAccount::default();
    let foreign = encrypt("other", &text(&world, &[]));
    for fields in [
        pairs(&[("encRequest", &foreign), ("access_code", &account.access_code)]),
        pairs(&[("encRequest", "00"), ("access_code", &account.access_code)]),
        pairs(&[("encRequest", &order(&world, &[])[0].1), ("access_code", "other")]),
    ] {
        let refused = world.visitor.follow(&WayBack::Post { action: world.url(PAGE), fields }).await;
        assert_eq!(refused.unwrap(), (400, None));
    }
    assert_eq!(world.providers.books(0, 10), []);
    let question = |code: &str, request: &str| {
        pairs(&[
            ("enc_request", request),
            ("access_code", code),
            ("command", "orderStatusTracker"),
            ("request_type", "JSON"),
        ])
    };
    for (fields, told) in [
        (
            question("other", "00"),
            "status=1&enc_response=Access_code: Invalid Parameter&enc_error_code=51407",
        ),
        (
            question(&account.api_access_code, "00"),
            "status=1&enc_response=Enc_request: Invalid Parameter&enc_error_code=51402",
        ),
    ] {
        assert_eq!(world.post_form("/ccavenue/apis/servlet/DoWebTrans", &fields).await.1, told);
    }
}
