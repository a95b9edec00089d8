//! Callers' identities, at the program itself beside a pretend DIGIT.

use std::path::Path;

use crate::support::{Service, free_port, http_client, pg_service, run, stdout};
use payment_simulator::digit::{Endpoint, Fault, PretendDigit};
use reqwest::StatusCode;
use serde_json::{Value, json};

const SECRET: &str = "0123456789abcdef0123456789abcdef";

async fn beside(digit: &PretendDigit, folder: &Path, settings: &[(&str, &str)]) -> Service {
    let mut command = pg_service(folder);
    command.args(["--set", "sandbox.active=true"]);
    // The sandbox's pages are not opened here, but need an address beside DIGIT.
    command.args(["--set", "server.public-url=http://127.0.0.1:1/pg-service"]);
    command.args(["--set", "callback.allowed-hosts=city.example.org"]);
    command.args(["--set", &format!("egov.userservice.host={}", digit.url())]);
    for (name, value) in settings {
        command.env(format!("PG_SERVICE_{}", name.to_uppercase().replace(['.', '-'], "_")), value);
    }
    Service::start(command, free_port(), &folder.join("log")).await
}

fn claimed(uuid: &str, kind: &str, tenant: &str, token: Option<&str>) -> Value {
    json!({"authToken": token, "userInfo": {"uuid": uuid, "type": kind, "tenantId": tenant, "userName": "asha",
        "name": "Asha Rani", "mobileNumber": "9876543210", "roles": [{"code": "SUPERUSER", "tenantId": "pb"}]}})
}

async fn post(service: &Service, path: &str, secret: Option<&str>, body: &Value) -> (StatusCode, Value) {
    let mut request = http_client().post(format!("{}{path}", service.url())).json(body);
    if let Some(secret) = secret {
        request = request.header("x-identity-secret", secret);
    }
    let answer = request.send().await.unwrap();
    (answer.status(), answer.json().await.unwrap())
}

async fn create(service: &Service, info: &Value, bill: &str) -> Value {
    let body = json!({"RequestInfo": info,
        "Transaction": {"tenantId": "pb.amritsar", "txnAmount": "1.00", "billId": bill, "consumerCode": "PT-1",
            "taxAndPayments": [{"billId": bill, "amountPaid": "1.00"}], "productInfo": "Property tax",
            "gateway": "SANDBOX", "callbackUrl": "https://city.example.org/paid?session=s3cret",
            "user": {"name": "Asha Rani", "mobileNumber": "9876543210", "tenantId": "pb"}}});
    let (status, answer) = post(service, "/transaction/v1/_create", None, &body).await;
    assert_eq!(status, 200, "{answer}");
    answer["Transaction"].clone()
}

/// The payer's name and the creator, as `_update` and `_search` show them.
async fn shown(service: &Service, id: &str, secret: Option<&str>, info: &Value) -> Vec<(String, Value)> {
    let body = json!({ "RequestInfo": info });
    let mut all = Vec::new();
    for path in ["_update?transactionId=", "_search?txnId="] {
        let (_, answer) = post(service, &format!("/transaction/v1/{path}{id}"), secret, &body).await;
        for txn in answer["Transaction"].as_array().unwrap_or_else(|| panic!("{answer}")) {
            let name = txn["user"]["name"].as_str().unwrap().to_owned();
            all.push((name, txn["auditDetails"]["createdBy"].clone()));
        }
    }
    all
}

#[tokio::test]
async fn a_token_of_digit_identifies_the_caller_and_user_info_does_not() {
    let digit = PretendDigit::start().await.unwrap();
    let clerk = json!({"id": 1, "uuid": "clerk-1", "type": "EMPLOYEE", "tenantId": "pb.amritsar", "userName": "c",
        "name": "Clerk", "mobileNumber": "9000000000", "roles": [{"code": "CSR", "tenantId": "pb.amritsar"}]});
    digit.log_in("clerk-token", clerk.clone());
    digit.log_in(
        "nabha-token",
        json!({"uuid": "clerk-2", "type": "EMPLOYEE", "tenantId": "pb.nabha", "roles": []}),
    );
    digit.log_in("system-token", json!({"uuid": "s", "type": "SYSTEM", "tenantId": "pb", "roles": []}));
    let folder = tempfile::tempdir().unwrap();
    let service = beside(&digit, folder.path(), &[]).await;

    let citizen = claimed("citizen-1", "CITIZEN", "pb", None);
    let txn = create(&service, &citizen, "B1").await;
    assert_eq!(txn["auditDetails"]["createdBy"], "citizen-1", "userInfo names the creator");
    let (id, payer) = (txn["txnId"].as_str().unwrap(), txn["user"]["uuid"].as_str().unwrap());
    let random = id.rsplit('_').next().unwrap();
    assert!(random.len() == 9 && random.bytes().all(|byte| byte.is_ascii_digit()), "{id}");

    let masked = ("As*****ni".to_owned(), Value::Null);
    for forged in [
        json!({}),
        citizen.clone(),
        claimed(payer, "CITIZEN", "pb", None),
        claimed("s", "SYSTEM", "pb", None),
        claimed("s", "SYSTEM", "pb", Some("system-token")),
        claimed("clerk-1", "EMPLOYEE", "pb", None),
        claimed("clerk-1", "EMPLOYEE", "pb", Some("expired-token")),
    ] {
        assert_eq!(shown(&service, id, None, &forged).await, [masked.clone(), masked.clone()], "{forged}");
        let (status, answer) =
            post(&service, "/transaction/v1/_search", None, &json!({"RequestInfo": forged})).await;
        assert_eq!(
            (status.as_u16(), &answer["Errors"][0]["code"]),
            (400, &json!("SEARCH_CRITERIA_REQUIRED"))
        );
    }
    let elsewhere = claimed("clerk-1", "EMPLOYEE", "pb.amritsar", Some("nabha-token"));
    let seen = shown(&service, id, None, &elsewhere).await;
    assert!(seen.len() == 1 && seen[0] == masked, "an employee of another tenant does not find it: {seen:?}");
    let whole = ("Asha Rani".to_owned(), json!("citizen-1"));
    let proven = json!({"authToken": "clerk-token"});
    assert_eq!(shown(&service, id, None, &proven).await, [whole.clone(), whole.clone()]);
    let (_, all) = post(&service, "/transaction/v1/_search", None, &json!({"RequestInfo": proven})).await;
    assert_eq!(all["Transaction"][0]["txnId"], id);
    assert_eq!(digit.count(Endpoint::UserDetails), 4, "each token is asked about once a minute");

    digit.set_fault(Endpoint::UserDetails, Fault::Status500);
    let unknown = json!({"authToken": "another-token"});
    assert_eq!(shown(&service, id, None, &unknown).await, [masked.clone(), masked]);
    let (status, answer) =
        post(&service, "/transaction/v1/_search", None, &json!({"RequestInfo": unknown})).await;
    assert_eq!((status.as_u16(), &answer["Errors"][0]["code"]), (503, &json!("IDENTITY_UNVERIFIED")));
    create(&service, &claimed("citizen-1", "CITIZEN", "pb", Some("another-token")), "B2").await;
    let metrics = http_client().get(format!("{}/prometheus", service.url())).send().await.unwrap();
    let metrics = metrics.text().await.unwrap();
    for outcome in ["known", "unknown", "unanswered"] {
        assert!(metrics.contains(&format!("identity_questions_total{{outcome=\"{outcome}\"}}")), "{metrics}");
    }
    assert!(!service.log().contains("-token"), "no token is logged: {}", service.log());
    let events = stdout(&run(folder.path(), &["events", "tail", "--json", "--show-personal-data"]));
    assert!(
        !events.contains("SYSTEM") && !events.contains("SUPERUSER") && !events.contains("-token"),
        "{events}"
    );
}

#[tokio::test]
async fn behind_an_api_gateway_its_secret_vouches_for_user_info() {
    let digit = PretendDigit::start().await.unwrap();
    let folder = tempfile::tempdir().unwrap();
    let settings = [("identity.proof", "header"), ("identity.header.secret", SECRET)];
    let service = beside(&digit, folder.path(), &settings).await;
    let txn = create(&service, &claimed("citizen-1", "CITIZEN", "pb", None), "B1").await;
    let id = txn["txnId"].as_str().unwrap();
    let clerk = claimed("clerk-1", "EMPLOYEE", "pb.amritsar", Some("clerk-token"));
    for (secret, name) in [(None, "As*****ni"), (Some("guess"), "As*****ni"), (Some(SECRET), "Asha Rani")] {
        let shown = shown(&service, id, secret, &clerk).await;
        assert!(shown.len() == 2 && shown.iter().all(|(shown, _)| shown == name), "{secret:?}: {shown:?}");
    }
    let system = claimed("s", "SYSTEM", "pb", None);
    assert_eq!(shown(&service, id, Some(SECRET), &system).await[0].0, "As*****ni");
    assert_eq!(digit.count(Endpoint::UserDetails), 0);
}

#[tokio::test]
async fn identity_without_proof_on_every_interface_is_warned_about() {
    let folder = tempfile::tempdir().unwrap();
    let check = run(folder.path(), &["--set", "server.address=0.0.0.0", "check-config"]);
    assert_eq!(check.status.code(), Some(0));
    let told = stdout(&check);
    assert!(told.contains("identity.proof") && told.contains("claim to be an employee"), "{told}");
}
