//! Paytm: the legacy protocol and v3.

use payment_simulator::providers::signature::paytm::{CHECKSUM, is_valid, new_salt, sign, text_of_form};
use payment_simulator::providers::{Choice, PaytmAccount, Provider, State, WayBack};
use secrecy::ExposeSecret;
use serde::Deserialize;
use serde_json::value::RawValue;
use serde_json::{Value, json};

use crate::world::{Received, World, borrowed, field, pairs};

pub(crate) const ORDER: &str = "PB_PG_2024_03_15_000123_45";

fn key() -> String {
    PaytmAccount::default().key.expose_secret().to_owned()
}

fn signed(text: &str) -> String {
    sign(key().as_bytes(), text, new_salt()).unwrap()
}

pub(crate) fn legacy_form(world: &World, changes: &[(&str, &str)]) -> WayBack {
    let mut fields = pairs(&[
        ("MID", &PaytmAccount::default().merchant_id),
        ("ORDER_ID", ORDER),
        ("CUST_ID", "9876500001"),
        ("INDUSTRY_TYPE_ID", "Retail"),
        ("CHANNEL_ID", "WEB"),
        ("TXN_AMOUNT", "19.99"),
        ("WEBSITE", "WEBSTAGING"),
        ("EMAIL", "a.b+tax@example.org"),
        ("MOBILE_NO", "9876500001"),
        ("CALLBACK_URL", &world.return_url()),
    ]);
    for (name, value) in changes {
        fields.retain(|(known, _)| known != name);
        fields.push(((*name).to_owned(), (*value).to_owned()));
    }
    let checksum = signed(&text_of_form(borrowed(&fields)));
    fields.push((CHECKSUM.to_owned(), checksum));
    WayBack::Post { action: world.url("/paytm/theia/processTransaction"), fields }
}

pub(crate) async fn legacy_status(world: &World, order_member: &str, order: &str) -> Value {
    let mid = PaytmAccount::default().merchant_id;
    let checksum = signed(&text_of_form([("MID", mid.as_str()), (order_member, order)]));
    let body = json!({ "MID": mid, order_member: order, CHECKSUM: checksum });
    let (status, text) = world.post_json("/paytm/merchant-status/getTxnStatus", body.to_string()).await;
    assert_eq!(status, 200);
    serde_json::from_str(&text).unwrap()
}

fn is_signed_form(received: &Received) -> bool {
    let fields = received.form();
    is_valid(key().as_bytes(), &text_of_form(borrowed(&fields)), field(&fields, CHECKSUM))
}

#[derive(Deserialize)]
struct Envelope<'a> {
    #[serde(borrow)]
    body: &'a RawValue,
    head: Value,
}

/// Makes a signed v3 call; returns the body, and whether the answer is signed: `None` when not at all.
async fn call(world: &World, path: &str, body: &Value) -> (Value, Option<bool>) {
    let text = body.to_string();
    let request = format!(r#"{{"body":{text},"head":{{"signature":"{}"}}}}"#, signed(&text));
    let (status, answer) = world.post_json(path, request).await;
    assert_eq!(status, 200);
    let envelope: Envelope<'_> = serde_json::from_str(&answer).unwrap();
    let signature = envelope.head["signature"].as_str();
    let signed = signature.map(|signature| is_valid(key().as_bytes(), envelope.body.get(), signature));
    (serde_json::from_str(envelope.body.get()).unwrap(), signed)
}

fn initiation(world: &World) -> Value {
    json!({
        "requestType": "Payment",
        "mid": PaytmAccount::default().merchant_id,
        "websiteName": "WEBSTAGING",
        "orderId": ORDER,
        "callbackUrl": world.return_url(),
        "txnAmount": { "value": "19.99", "currency": "INR" },
        "userInfo": { "custId": "9876500001", "firstName": "आशा" },
    })
}

async fn initiate(world: &World, body: &Value) -> (Value, Option<bool>) {
    let mid = PaytmAccount::default().merchant_id;
    call(world, &format!("/paytm/theia/api/v1/initiateTransaction?mid={mid}&orderId={ORDER}"), body).await
}

fn page(world: &World, token: &str) -> WayBack {
    let mid = PaytmAccount::default().merchant_id;
    WayBack::Post {
        action: world.url(&format!("/paytm/theia/api/v1/showPaymentPage?mid={mid}&orderId={ORDER}")),
        fields: pairs(&[("mid", &mid), ("orderId", ORDER), ("txnToken", token)]),
    }
}

async fn v3_status(world: &World, order: &str) -> (Value, Option<bool>) {
    let body = json!({ "mid": PaytmAccount::default().merchant_id, "orderId": order });
    call(world, "/paytm/v3/order/status", &body).await
}

#[tokio::test]
async fn a_legacy_payment_comes_back_by_a_signed_form_and_is_found_by_asking() {
    let world = World::new().await;
    let back = world.choose_and_return(&legacy_form(&world, &[]), Choice::Pay).await;
    assert_eq!((back.method.as_str(), back.path.as_str()), ("POST", "/back?eg_pg_txnid=T1"));
    assert!(is_signed_form(&back));
    insta::assert_snapshot!(format!(
        "{:#}",
        serde_json::json!(back.form().iter().filter(|(name, _)| name != CHECKSUM).collect::<Vec<_>>())
    ));
    let answer = legacy_status(&world, "ORDERID", ORDER).await;
    insta::assert_snapshot!(format!("{answer:#}"));
    assert_eq!(legacy_status(&world, "ORDER_ID", ORDER).await["STATUS"], "TXN_SUCCESS", "as some call it");
    let entry = world.book(Provider::Paytm, ORDER);
    assert_eq!(
        (entry.state, entry.taken.map(|taken| taken.minor), entry.status_calls),
        (State::Paid, Some(1_999), 2)
    );
}

#[tokio::test]
async fn a_legacy_payment_is_opened_by_a_signed_link_as_well() {
    let world = World::new().await;
    let WayBack::Post { action, fields } = legacy_form(&world, &[]) else { panic!("a form") };
    let link = |fields: &[(String, String)]| {
        let query = form_urlencoded::Serializer::new(String::new()).extend_pairs(fields).finish();
        WayBack::Follow(format!("{action}?{query}"))
    };
    let mut forged = fields.clone();
    forged.retain(|(name, _)| name != "TXN_AMOUNT");
    forged.push(("TXN_AMOUNT".to_owned(), "1.00".to_owned()));
    assert_eq!(world.visitor.follow(&link(&forged)).await.unwrap(), (400, None));
    assert_eq!(world.providers.books(0, 10), []);
    let back = world.choose_and_return(&link(&fields), Choice::Pay).await;
    assert_eq!((back.method.as_str(), back.path.as_str()), ("POST", "/back?eg_pg_txnid=T1"));
    assert!(is_signed_form(&back));
}

#[tokio::test]
async fn legacy_states_have_their_codes() {
    let world = World::new().await;
    let code = async || {
        let answer = legacy_status(&world, "ORDERID", ORDER).await;
        format!("{} {}", answer["STATUS"].as_str().unwrap(), answer["RESPCODE"].as_str().unwrap())
    };
    assert_eq!(code().await, "TXN_FAILURE 334");
    let way = legacy_form(&world, &[]);
    assert_eq!(world.choose(&way, Choice::Leave).await, None);
    assert_eq!(code().await, "PENDING 402");
    let back = world.choose_and_return(&way, Choice::Decline).await;
    assert_eq!(field(&back.form(), "STATUS"), "TXN_FAILURE");
    assert_eq!(code().await, "TXN_FAILURE 227");
}

#[tokio::test]
async fn legacy_requests_with_a_wrong_checksum_are_refused() {
    let world = World::new().await;
    let WayBack::Post { action, mut fields } = legacy_form(&world, &[]) else { panic!("a form") };
    fields.retain(|(name, _)| name != "TXN_AMOUNT");
    fields.push(("TXN_AMOUNT".to_owned(), "1.00".to_owned()));
    let refused = world.visitor.follow(&WayBack::Post { action, fields }).await.unwrap();
    assert_eq!(refused, (400, None));
    for change in [
        ("MID", "OTHER"),
        ("WEBSITE", "OTHER"),
        ("TXN_AMOUNT", "19.999"),
        ("TXN_AMOUNT", "0"),
        ("ORDER_ID", "a/b"),
        ("CALLBACK_URL", "/relative"),
        ("CUST_ID", ""),
    ] {
        let answer = world.visitor.follow(&legacy_form(&world, &[change])).await.unwrap();
        assert_eq!(answer, (400, None), "{change:?}");
    }
    assert_eq!(world.providers.books(0, 10), []);
    world.visitor.open(&legacy_form(&world, &[])).await.unwrap();
    let mid = PaytmAccount::default().merchant_id;
    for body in
        [json!({ "MID": mid, "ORDERID": ORDER, CHECKSUM: "guess" }), json!({ "MID": mid, "ORDERID": ORDER })]
    {
        let (_, text) = world.post_json("/paytm/merchant-status/getTxnStatus", body.to_string()).await;
        assert!(text.contains(r#""RESPCODE":"330""#), "{text}");
    }
    let (_, text) = world.post_json("/paytm/merchant-status/getTxnStatus", "no json".to_owned()).await;
    assert!(text.contains(r#""RESPCODE":"335""#), "{text}");
}

#[tokio::test]
async fn a_v3_payment_goes_from_token_to_page_to_signed_status() {
    let world = World::new().await;
    let (opened, signed) = initiate(&world, &initiation(&world)).await;
    assert_eq!((opened["resultInfo"]["resultCode"].as_str(), signed), (Some("0000"), Some(true)));
    let token = opened["txnToken"].as_str().unwrap();
    let (again, _) = initiate(&world, &initiation(&world)).await;
    assert_eq!(
        (again["resultInfo"]["resultCode"].as_str(), again["txnToken"].as_str()),
        (Some("0002"), Some(token))
    );
    let (open, signed) = v3_status(&world, ORDER).await;
    assert_eq!((open["resultInfo"]["resultStatus"].as_str(), signed), (Some("PENDING"), Some(true)));
    let back = world.choose_and_return(&page(&world, token), Choice::Pay).await;
    assert!(is_signed_form(&back));
    assert_eq!(field(&back.form(), "ORDERID"), ORDER);
    let (paid, signed) = v3_status(&world, ORDER).await;
    assert_eq!(signed, Some(true));
    insta::assert_snapshot!(format!("{paid:#}"));
    let (late, _) = initiate(&world, &initiation(&world)).await;
    assert_eq!(late["resultInfo"]["resultCode"], "325", "a paid order gets no new token");
}

#[tokio::test]
async fn v3_failures_are_not_signed() {
    let world = World::new().await;
    let code = |(body, signed): (Value, Option<bool>)| {
        (body["resultInfo"]["resultCode"].as_str().unwrap().to_owned(), signed)
    };
    assert_eq!(code(v3_status(&world, ORDER).await), ("334".to_owned(), None));
    let (opened, _) = initiate(&world, &initiation(&world)).await;
    world.choose(&page(&world, opened["txnToken"].as_str().unwrap()), Choice::Decline).await;
    assert_eq!(code(v3_status(&world, ORDER).await), ("227".to_owned(), None));
    let stranger = json!({ "mid": "OTHER", "orderId": ORDER });
    assert_eq!(code(call(&world, "/paytm/v3/order/status", &stranger).await), ("335".to_owned(), None));
}

#[tokio::test]
async fn v3_requests_that_are_not_right_open_nothing() {
    let world = World::new().await;
    let code =
        |answer: (Value, Option<bool>)| answer.0["resultInfo"]["resultCode"].as_str().unwrap().to_owned();
    for (member, value, expected) in [
        ("orderId", json!("OTHER"), "2014"),
        ("mid", json!("OTHER"), "2013"),
        ("txnAmount", json!({ "value": "19.999", "currency": "INR" }), "2007"),
        ("txnAmount", json!({ "value": "19.99", "currency": "USD" }), "2007"),
        ("websiteName", json!("OTHER"), "1001"),
        ("callbackUrl", json!("nowhere"), "1001"),
        ("userInfo", json!({}), "1001"),
    ] {
        let mut body = initiation(&world);
        body[member] = value;
        assert_eq!(code(initiate(&world, &body).await), expected, "{member}");
    }
    let request = format!(r#"{{"body":{},"head":{{"signature":"{}"}}}}"#, initiation(&world), signed("{}"));
    let (_, text) = world.post_json("/paytm/theia/api/v1/initiateTransaction", request).await;
    assert!(text.contains(r#""resultCode":"2005""#), "{text}");
    assert_eq!(world.providers.books(0, 10), []);
    initiate(&world, &initiation(&world)).await;
    assert_eq!(world.visitor.follow(&page(&world, "guess")).await.unwrap(), (400, None));
    let mut dearer = initiation(&world);
    dearer["txnAmount"]["value"] = json!("20.00");
    assert_eq!(code(initiate(&world, &dearer).await), "325");
}
