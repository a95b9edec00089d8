//! Bodies that cannot be understood.

use http::StatusCode;
use proptest::prelude::*;
use serde_json::{Value, json};

use super::changed;
use crate::testing::{Answer, TestApp, create_body, post_request};

async fn send(app: &TestApp, content_type: Option<&str>, body: &str) -> Answer {
    let headers: Vec<_> =
        content_type.map(|content_type| ("content-type", content_type)).into_iter().collect();
    app.send(post_request("/transaction/v1/_create", &headers, body)).await
}

#[tokio::test]
async fn a_wrong_body_has_the_codes_of_the_contract() {
    let app = TestApp::new();
    let json = Some("application/json");
    insta::assert_snapshot!("no_body", send(&app, json, "").await.shown());
    insta::assert_snapshot!(
        "broken_json",
        send(&app, json, "{\"Transaction\": {\n\"name\": \"Asha\",,}}").await.shown()
    );
    insta::assert_snapshot!("wrong_type", send(&app, json, "{\"Transaction\": []}").await.shown());
    insta::assert_snapshot!("media_type", send(&app, Some("text/plain;charset=UTF-8"), "{}").await.shown());
    assert_eq!(
        send(&app, Some("application/x-www-form-urlencoded"), "a=1").await.codes(),
        ["UnsupportedMediaType"]
    );
    assert_eq!(send(&app, None, &create_body("bill-1").to_string()).await.status, StatusCode::OK);
}

#[tokio::test]
async fn a_field_of_another_kind_is_a_mapping_error() {
    let app = TestApp::new();
    for (field, value) in [
        ("tenantId", json!({})),
        ("txnAmount", json!([100])),
        ("taxAndPayments", json!({})),
        ("taxAndPayments", json!("[]")),
        ("taxAndPayments", json!([[1, 2]])),
        ("user", json!("Asha")),
        ("user", json!(["Asha"])),
        ("additionalDetails", json!("text")),
        ("additionalDetails", json!([1])),
    ] {
        let answer = app.create(&changed("bill-1", field, value)).await;
        assert_eq!(answer.codes(), ["JsonMappingException"], "{field}");
    }
    for info in [json!("x"), json!([]), json!({"ts": "now"}), json!({"userInfo": []})] {
        let mut body = create_body("bill-1");
        body["RequestInfo"] = info;
        assert_eq!(app.create(&body).await.codes(), ["JsonMappingException"]);
    }
}

#[tokio::test]
async fn an_echoed_media_type_is_short_and_printable() {
    let app = TestApp::new();
    let answer = send(&app, Some(&format!("<script>/{}", "x".repeat(500))), "{}").await;
    let message = answer.json()["Errors"][0]["message"].as_str().unwrap().to_owned();
    assert!(message.len() < 160, "{message}");
    assert_eq!(answer.header("content-type"), Some("application/json"));
    assert_eq!(answer.header("x-content-type-options"), Some("nosniff"));
}

#[tokio::test]
async fn deep_and_wide_json_is_refused_or_ignored_but_never_fatal() {
    let app = TestApp::new();
    let deep = format!("{}{}", "[".repeat(100_000), "]".repeat(100_000));
    let known =
        create_body("bill-1").to_string().replace(r#"{"isWhatsapp":false}"#, &format!(r#"{{"a":{deep}}}"#));
    assert_eq!(send(&app, None, &known).await.codes(), ["JsonParseException"]);
    let unknown = create_body("bill-1").to_string().replacen('{', &format!(r#"{{"unknown":{deep},"#), 1);
    assert_eq!(send(&app, None, &unknown).await.status, StatusCode::OK);
}

fn any_json() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        ".{0,12}".prop_map(Value::from),
        Just(json!("100.00")),
        Just(json!("https://a.example/")),
    ];
    leaf.prop_recursive(2, 8, 3, |inner| {
        prop_oneof![
            proptest::collection::vec(inner.clone(), 0..3).prop_map(Value::from),
            proptest::collection::btree_map("[a-zA-Z]{0,8}", inner, 0..3)
                .prop_map(|members| members.into_iter().collect()),
        ]
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn any_value_in_a_field_is_answered_without_a_server_error(
        fields in proptest::collection::vec((0_usize..17, any_json()), 1..4),
    ) {
        const FIELDS: [&str; 17] = [
            "/RequestInfo", "/RequestInfo/ts", "/RequestInfo/userInfo", "/RequestInfo/userInfo/uuid", "/Transaction",
            "/Transaction/tenantId", "/Transaction/txnAmount", "/Transaction/billId", "/Transaction/taxAndPayments",
            "/Transaction/taxAndPayments/0", "/Transaction/taxAndPayments/0/amountPaid", "/Transaction/callbackUrl",
            "/Transaction/user", "/Transaction/user/name", "/Transaction/additionalDetails", "/Transaction/gateway",
            "/Transaction/currency",
        ];
        let mut body = create_body("bill-1");
        body["Transaction"]["currency"] = Value::Null;
        for (at, value) in fields {
            if let Some(place) = body.pointer_mut(FIELDS[at]) {
                *place = value;
            }
        }
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let mut app = TestApp::new();
            app.may_owe_receipts();
            let answer = app.create(&body).await;
            assert!(matches!(answer.status.as_u16(), 200 | 400), "{}", answer.text());
            assert!(answer.is_envelope(), "{}", answer.text());
        });
    }
}
