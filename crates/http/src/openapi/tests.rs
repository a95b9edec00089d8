//! Promises of the OpenAPI document.

use std::collections::BTreeSet;

use payment_domain::TxnId;
use serde_json::{Value, json};

use crate::ContextPath;
use crate::operators::tests::roles;
use crate::testing::{TestApp, create_body, paid};

fn document() -> Value {
    serde_json::to_value(crate::document(&ContextPath::default())).unwrap()
}

fn operations(document: &Value) -> Vec<(String, &Value)> {
    let mut operations = Vec::new();
    for (path, methods) in document["paths"].as_object().unwrap() {
        for (method, operation) in methods.as_object().unwrap() {
            operations.push((format!("{method} {path}"), operation));
        }
    }
    operations
}

#[test]
fn every_endpoint_is_in_it_with_the_ways_in_which_it_fails() {
    let document = document();
    let listed: Vec<String> = operations(&document)
        .into_iter()
        .map(|(name, operation)| {
            let statuses: Vec<&str> =
                operation["responses"].as_object().unwrap().keys().map(String::as_str).collect();
            format!("{name}: {}", statuses.join(" "))
        })
        .collect();
    insta::assert_snapshot!(listed.join("\n"));
}

#[test]
fn every_operation_is_described_and_named_once() {
    let document = document();
    let mut names = BTreeSet::new();
    for (name, operation) in operations(&document) {
        assert!(operation["summary"].as_str().is_some_and(|text| text.ends_with('.')), "{name}");
        assert!(operation["tags"].as_array().is_some_and(|tags| tags.len() == 1), "{name}");
        assert!(names.insert(operation["operationId"].as_str().unwrap().to_owned()), "{name}");
        for (status, response) in operation["responses"].as_object().unwrap() {
            assert!(response["description"].as_str().is_some_and(|text| !text.is_empty()), "{name} {status}");
        }
    }
}

#[test]
fn every_reference_in_it_leads_somewhere() {
    fn check(document: &Value, value: &Value) {
        match value {
            Value::Object(members) => {
                if let Some(Value::String(name)) = members.get("$ref") {
                    assert!(document.pointer(name.trim_start_matches('#')).is_some(), "{name}");
                }
                members.values().for_each(|member| check(document, member));
            }
            Value::Array(items) => items.iter().for_each(|item| check(document, item)),
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
        }
    }
    let document = document();
    check(&document, &document);
}

#[test]
fn bodies_that_may_be_missing_are_documented_as_such() {
    let document = document();
    let required = |path: &str| document["paths"][path]["post"]["requestBody"]["required"] == json!(true);
    assert!(required("/transaction/v1/_create") && required("/transaction/v1/_search"));
    for path in crate::document::BODY_MAY_BE_MISSING {
        assert!(!required(path), "{path}");
    }
}

/// Whether a value has each member of a schema, and no other; the currency of a transaction and the members of UPYOG
/// are absent where it has none.
fn has_the_members(document: &Value, schema: &str, value: &Value) {
    let named = schema;
    let schema = &document["components"]["schemas"][schema];
    let names = |members: &Value| -> BTreeSet<String> {
        members.as_object().unwrap_or_else(|| panic!("{named}: {members}")).keys().cloned().collect()
    };
    let (documented, answered) = (names(&schema["properties"]), names(value));
    let mut always: BTreeSet<String> =
        schema["required"].as_array().unwrap().iter().filter_map(Value::as_str).map(str::to_owned).collect();
    assert!(answered.is_superset(&always) && answered.is_subset(&documented), "{named}: {answered:?}");
    if named == "Transaction" {
        always.extend(
            ["currency", "orderId", "businessService", "TransactionDetails", "bankTransactionNo"]
                .map(str::to_owned),
        );
    }
    assert_eq!(always, documented, "{named}");
}

#[tokio::test]
async fn answers_have_the_members_it_says_they_have() {
    let app = TestApp::new();
    let document = app.get("/openapi.json").await.json();
    let answer = app.create(&create_body("bill-1")).await.json();
    let mut in_dollars = create_body("bill-2");
    in_dollars["Transaction"]["currency"] = "USD".into();
    in_dollars["Transaction"]["orderId"] = "ORDER-7".into();
    in_dollars["Transaction"]["businessService"] = "PT".into();
    in_dollars["Transaction"]["TransactionDetails"] = json!([{"amountPaid": 100}]);
    let in_dollars = app.create(&in_dollars).await.json();
    let error = app.create(&json!({})).await.json();
    let txn = &answer["Transaction"];
    for (schema, value) in [
        ("Transaction", txn),
        ("Transaction", &in_dollars["Transaction"]),
        ("User", &txn["user"]),
        ("AuditDetails", &txn["auditDetails"]),
        ("TaxAndPayment", &txn["taxAndPayments"][0]),
        ("ResponseInfo", &answer["ResponseInfo"]),
        ("CreateResponse", &answer),
        ("ErrorEnvelope", &error),
        ("Error", &error["Errors"][0]),
    ] {
        has_the_members(&document, schema, value);
    }
}

#[tokio::test]
async fn its_example_creates_a_transaction() {
    let app = TestApp::new();
    let collection = crate::postman(&crate::document(&ContextPath::default()));
    let create = &collection["item"][0]["item"][0]["request"];
    assert_eq!(create["url"]["path"], json!(["transaction", "v1", "_create"]));
    let mut body: Value = serde_json::from_str(create["body"]["raw"].as_str().unwrap()).unwrap();
    body["Transaction"]["gateway"] = "FAKE".into();
    let answer = app.create(&body).await;
    assert_eq!(answer.status, 200, "{}", answer.text());
}

#[tokio::test]
async fn answers_to_operators_have_the_members_it_says_they_have() {
    let app = TestApp::new();
    let document = document();
    let id = app.pending("bill-1").await;
    let txn_id = TxnId::new(id.as_str()).unwrap();
    app.gateway.answers_for(&txn_id, paid("99"));
    let ask = async |path: &str, body: Value| app.operate(path, &body).await.json();
    let due = ask("/reconciliation/v1/_run", json!({"olderThan": "0s", "dryRun": true})).await;
    let reconciled = ask("/reconciliation/v1/_run", json!({"txnId": id})).await;
    app.pending("bill-2").await;
    app.gateway.is_unavailable();
    let unasked = ask("/reconciliation/v1/_run", json!({"olderThan": "0s"})).await;
    let run = ask("/jobs/v1/test/_run", json!({})).await;
    let jobs = ask("/jobs/v1/_search", json!({})).await;
    let runs = ask("/jobs/v1/_history", json!({})).await;
    let cases = ask("/attention/v1/_search", json!({})).await;
    let shown = ask("/attention/v1/1/_show", json!({})).await;
    let resolved = ask("/attention/v1/1/_resolve", json!({"reason": "seen to", "by": "clerk-7"})).await;
    for (schema, value) in [
        ("ReconciliationResponse", &due),
        ("Reconciliation", &due["Reconciliation"]),
        ("DuePayment", &due["Reconciliation"]["due"][0]),
        ("ReconciledGateway", &reconciled["Reconciliation"]["gateways"][0]),
        ("NotAsked", &unasked["Reconciliation"]["notAsked"][0]),
        ("JobRunResponse", &run),
        ("JobRun", &run["Run"]),
        ("JobsResponse", &jobs),
        ("Job", &jobs["Jobs"][0]),
        ("JobHistoryResponse", &runs),
        ("CasesResponse", &cases),
        ("AttentionCase", &cases["Cases"][0]),
        ("CaseResponse", &shown),
        ("Transaction", &shown["Transaction"]),
        ("ResolvedResponse", &resolved),
        ("Resolution", &resolved["Case"]["resolution"]),
    ] {
        has_the_members(&document, schema, value);
    }
}

#[tokio::test]
async fn answers_about_refunds_and_tokens_have_the_members_it_says_they_have() {
    let app = roles::app();
    let document = document();
    let id = app.paid("bill-1").await;
    let ask = async |path: &str, role: &str, mut body: Value| {
        body["RequestInfo"] = roles::info("person-1", role, "pb");
        roles::vouched(&app, path, &body).await.json()
    };
    let wanted =
        json!({"Refund": {"originalTxnId": id, "refundAmount": "10", "reasonCode": "A", "reason": "b"}});
    let created = ask("/refund/v1/_create", "PG_REFUND_MAKER", wanted).await;
    let upyogs = json!({"Payment": {"transactionNumber": id}});
    let upyogs = ask("/refund/v1/_create", "PG_REFUND_MAKER", upyogs).await;
    let found = ask("/refund/v1/_search", "PG_VIEWER", json!({})).await;
    let count = ask("/refund/v1/_count", "PG_VIEWER", json!({})).await;
    let wish = json!({"Token": {"label": "a", "days": 1, "holder": {"uuid": "u", "name": "n"},
        "grants": [{"role": "PG_VIEWER", "tenantId": "pb"}]}});
    let issued = ask("/tokens/v1/_issue", "PG_ADMIN", wish).await;
    let tokens = ask("/tokens/v1/_search", "PG_ADMIN", json!({})).await;
    for (schema, value) in [
        ("RefundResponse", &created),
        ("Refund", &created["Refund"]),
        ("PaymentRefundResponse", &upyogs),
        ("PaymentRefund", &upyogs["PaymentRefund"]),
        ("RefundsResponse", &found),
        ("RefundCountResponse", &count),
        ("IssuedResponse", &issued),
        ("ApiToken", &issued["Token"]),
        ("TokenHolder", &issued["Token"]["holder"]),
        ("Grant", &issued["Token"]["grants"][0]),
        ("TokensResponse", &tokens),
    ] {
        if schema == "Refund" {
            let mut documented = document.clone();
            let members =
                documented["components"]["schemas"]["Refund"]["properties"].as_object_mut().unwrap();
            // Absent where the currency is INR.
            members.remove("currency");
            has_the_members(&documented, schema, value);
        } else {
            has_the_members(&document, schema, value);
        }
    }
}
