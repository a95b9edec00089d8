//! An application's own data of a payment.

use payment_domain::TxnId;
use proptest::prelude::*;
use serde_json::{Map, Value, json};

use super::changed;
use crate::testing::{Answer, TestApp, create_body, paid, post_request, request_info};

/// `_create` with this JSON text as `additionalDetails`.
async fn attach(app: &TestApp, bill: &str, details: &str) -> Answer {
    let body =
        changed(bill, "additionalDetails", json!("DETAILS")).to_string().replace("\"DETAILS\"", details);
    let headers = [("content-type", "application/json")];
    app.send(post_request("/transaction/v1/_create", &headers, &body)).await
}

/// The details of an answer as text, without the bills that we put there.
fn echoed(transaction: &Value) -> String {
    let details = transaction["additionalDetails"].as_object().unwrap();
    let details: Map<String, Value> = details
        .iter()
        .filter(|(name, _)| *name != "taxAndPayments")
        .map(|(k, v)| (k.clone(), v.clone()))
        .collect();
    Value::Object(details).to_string()
}

/// The data in the answers to `_create`, to `_search` once the payment is settled, and in its events.
async fn everywhere(app: &TestApp, bill: &str, details: &str) -> Vec<String> {
    let created = attach(app, bill, details).await.json()["Transaction"].clone();
    let id = created["txnId"].as_str().unwrap();
    app.gateway.answers(paid("100"));
    app.update(id).await;
    let info = json!({"RequestInfo": request_info()});
    let found = app.post(&format!("/transaction/v1/_search?txnId={id}"), &info).await.json();
    let mut all = vec![echoed(&created), echoed(&found["Transaction"][0])];
    let id = payment_domain::TxnId::new(id).unwrap();
    for stored in app.payments.ports.store.events_of(&id).await.unwrap() {
        let body: Value = serde_json::from_str(&stored.event.body).unwrap();
        if body["Transaction"].is_object() {
            all.push(echoed(&body["Transaction"]));
        }
    }
    all
}

#[tokio::test]
async fn numbers_keep_their_value_and_decimals() {
    let app = TestApp::new();
    for (at, (sent, kept)) in [
        (r#"{"a":100.00}"#, r#"{"a":100.00}"#),
        (r#"{"a":18446744073709551617}"#, r#"{"a":18446744073709551617}"#),
        (r#"{"a":[{"b":-0.10}]}"#, r#"{"a":[{"b":-0.10}]}"#),
        (r#"{"a":1.0E7,"b":1e-3}"#, r#"{"a":10000000,"b":0.001}"#),
        (r#"{"a":0.1234567890123456789012345678901}"#, r#"{"a":0.1234567890123456789012345678901}"#),
        (r#"{"a":-0.0}"#, r#"{"a":-0.0}"#),
    ]
    .into_iter()
    .enumerate()
    {
        for echoed in everywhere(&app, &format!("bill-{at}"), sent).await {
            assert_eq!(echoed, kept);
        }
    }
}

#[tokio::test]
async fn details_are_bounded_in_length_and_digits() {
    let app = TestApp::new();
    let text = |bytes: usize| json!({ "a": "x".repeat(bytes - r#"{"a":""}"#.len()) }).to_string();
    assert!(attach(&app, "bill-1", &text(16384)).await.status.is_success());
    let sized = "Size.transactionRequest.transaction.additionalDetails";
    assert_eq!(attach(&app, "bill-2", &text(16385)).await.codes(), [sized]);
    // Each is a short text that becomes a long number.
    let exponents = format!("{{\"a\":[{}0]}}", "1e399,".repeat(100));
    assert_eq!(attach(&app, "bill-2", &exponents).await.codes(), [sized]);
    for number in ["1e401", "1e-2000000000", &"9".repeat(401)] {
        assert_eq!(
            attach(&app, "bill-2", &format!("{{\"a\":{number}}}")).await.codes(),
            ["Digits.transactionRequest.transaction.additionalDetails"]
        );
    }
}

/// The largest accepted request is stored in a small multiple of the limits, and so are the caller's claims.
#[tokio::test]
async fn the_stored_part_of_a_request_is_bounded() {
    let app = TestApp::new();
    let mut body = changed("bill-1", "additionalDetails", json!({ "a": "x".repeat(16_000) }));
    body["RequestInfo"]["userInfo"]["uuid"] = json!("u".repeat(128));
    body["RequestInfo"]["anything"] = json!("y".repeat(31_000));
    let id = app.create(&body).await.json()["Transaction"]["txnId"].as_str().unwrap().to_owned();
    app.update(&id).await;
    let stored = app.whole(&id).await.len();
    assert!(stored < 300_000, "{stored} bytes are stored");

    for (field, text) in
        [("uuid", "u".repeat(200_000)), ("uuid", "a\nb".to_owned()), ("name", "\u{1b}[2K".to_owned())]
    {
        let mut body = create_body("bill-2");
        body["RequestInfo"]["userInfo"][field] = json!(text);
        let kind = if text.len() > 1000 { "Size" } else { "Pattern" };
        assert_eq!(
            app.create(&body).await.codes(),
            [format!("{kind}.transactionRequest.requestInfo.userInfo.{field}")]
        );
        let info = json!({"RequestInfo": body["RequestInfo"]});
        let answer = app.post(&format!("/transaction/v1/_update?transactionId={id}"), &info).await;
        assert_eq!(answer.codes(), [format!("{kind}.requestInfoWrapper.requestInfo.userInfo.{field}")]);
    }
}

#[tokio::test]
async fn json_that_is_declared_as_latin_1_is_decoded() {
    let app = TestApp::new();
    let body = changed("bill-1", "additionalDetails", json!({"name": "Jos\u{e9}"})).to_string();
    let latin1: Vec<u8> = body.chars().map(|char| u8::try_from(u32::from(char)).unwrap()).collect();
    let request = crate::testing::request(
        http::Method::POST,
        "/transaction/v1/_create",
        &[("content-type", "application/json;charset=ISO-8859-1")],
        latin1.into(),
    );
    assert_eq!(echoed(&app.send(request).await.json()["Transaction"]), r#"{"name":"José"}"#);
}

fn json_value() -> impl Strategy<Value = String> {
    let number = "-?(0|[1-9][0-9]{0,25})(\\.[0-9]{1,20})?";
    let leaf = prop_oneof![
        number.prop_map(|number: String| number),
        any::<bool>().prop_map(|flag| flag.to_string()),
        Just("null".to_owned()),
        "[^\\x00]{0,10}".prop_map(|text: String| json!(text).to_string()),
    ];
    leaf.prop_recursive(3, 16, 4, |inner| {
        prop_oneof![
            proptest::collection::vec(inner.clone(), 0..4).prop_map(|items| format!("[{}]", items.join(","))),
            proptest::collection::btree_map("[a-z]{1,4}", inner, 0..4).prop_map(|members| {
                let members: Vec<_> = members.into_iter().map(|(k, v)| format!("\"{k}\":{v}")).collect();
                format!("{{{}}}", members.join(","))
            }),
        ]
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn details_come_back_as_they_were_sent(details in json_value()) {
        let sent = format!("{{\"a\":{details}}}");
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let all = runtime.block_on(async {
            let app = TestApp::new();
            everywhere(&app, "bill-1", &sent).await
        });
        for echoed in all {
            prop_assert_eq!(&echoed, &sent);
        }
    }
}

#[tokio::test]
async fn the_number_of_the_bank_is_told_where_the_gateway_reports_it_and_is_no_member_elsewhere() {
    let app = TestApp::new();
    let txn = |body: Value| body["Transaction"][0].as_object().unwrap().clone();
    let without = app.paid("bill-1").await;
    let found = txn(app.update(&without).await.json());
    assert!(!found.contains_key("bankTransactionNo"), "{found:?}");

    app.gateway.names_the_bank("407506239491");
    let id = app.paid("bill-2").await;
    let search = format!("/transaction/v1/_search?txnId={id}");
    let searched = app.post(&search, &json!({"RequestInfo": {}})).await;
    for answer in [app.update(&id).await, searched] {
        assert_eq!(txn(answer.json())["bankTransactionNo"], "407506239491");
    }
    let events = app.store.events_of(&TxnId::new(id.as_str()).unwrap()).await.unwrap();
    let told =
        events.iter().filter(|event| event.event.body.contains("\"bankTransactionNo\":\"407506239491\""));
    assert!(told.count() >= 1);
}

#[tokio::test]
async fn members_of_upyog_are_kept_and_returned() {
    let app = TestApp::new();
    let mut body = create_body("bill-1");
    let details = json!([{"amountPaid": 12.50, "billId": "part-1"}]);
    body["Transaction"]["orderId"] = json!("ORDER-7");
    body["Transaction"]["businessService"] = json!("PT");
    body["Transaction"]["TransactionDetails"] = details.clone();
    body["Transaction"]["bankTransactionNo"] = json!("set by the caller");
    let created = app.create(&body).await.json()["Transaction"].clone();
    let id = created["txnId"].as_str().unwrap();
    let found = app.post(&format!("/transaction/v1/_search?txnId={id}"), &json!({"RequestInfo": {}})).await;
    let masked = found.json()["Transaction"][0].clone();
    assert_eq!((&masked["orderId"], &masked["TransactionDetails"]), (&Value::Null, &Value::Null));
    let updated = app.update(id).await.json()["Transaction"][0].clone();
    for txn in [created, updated] {
        assert_eq!(txn["orderId"], "ORDER-7");
        assert_eq!(txn["businessService"], "PT");
        assert_eq!(txn["TransactionDetails"], details);
        assert_eq!(txn["bankTransactionNo"], Value::Null);
    }
    body["Transaction"]["TransactionDetails"] = json!(["x".repeat(17_000)]);
    let refused = app.create(&body).await;
    assert_eq!(refused.codes(), ["Size.transactionRequest.transaction.additionalDetails"]);
}
