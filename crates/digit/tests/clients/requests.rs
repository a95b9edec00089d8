//! Requests: bodies, queries, headers.

use payment_digit::{
    BankAccounts, Bills, Cancellation, Collections, Links, Messages, Payers, Tokens, TransactionIds,
};
use payment_domain::RequestInfo;
use payment_simulator::digit::{Endpoint, ReceivedCall};
use serde_json::{Value, json};

use crate::world::{PASSWORD, World, bill, employee, info, log_in, payer, payment, tenant, txn};

fn only(world: &World, endpoint: Endpoint) -> ReceivedCall {
    let mut calls = world.digit.calls(endpoint);
    assert_eq!(calls.len(), 1, "{endpoint:?}");
    calls.remove(0)
}

/// The body without `RequestInfo`, which is checked for all calls together.
fn body(world: &World, endpoint: Endpoint) -> Value {
    let mut body = only(world, endpoint).body();
    body.as_object_mut().unwrap().remove("RequestInfo");
    body
}

/// A world in which every endpoint was called once.
async fn used(info: &RequestInfo) -> World {
    let world = World::new().await;
    let clients = &world.clients;
    clients.ids.next(info, &tenant()).await.unwrap();
    clients.collections.validate(info, &payment(None, &[("B1", "100"), ("B2", "0.05")])).await.unwrap();
    clients.collections.create(info, &payment(Some("T1"), &[("B1", "100"), ("B2", "0.05")])).await.unwrap();
    let found = clients.collections.find(info, &tenant(), &txn("T1")).await.unwrap().unwrap();
    let cancellation = Cancellation {
        tenant: &tenant(),
        transaction_number: &txn("T1"),
        payment: &found,
        reason: "refund RF-0000000001",
    };
    clients.collections.cancel(info, &cancellation).await.unwrap();
    clients.users.find_or_create(info, &payer("Asha Rani")).await.unwrap();
    clients.bank_accounts.account_number(info, &tenant()).await.unwrap();
    clients.bills.business_service(info, &tenant(), &bill("B1 &x=y")).await.unwrap();
    clients.messages.text(info, &tenant(), "en_IN", "A").await.unwrap();
    clients.links.shorten("https://long.example/pay?x=1").await.unwrap();
    clients.tokens.user_of("s3cret-token").await.unwrap();
    log_in(clients, PASSWORD).await.unwrap();
    world
}

#[tokio::test]
async fn the_callers_request_info_is_passed_on_whole() {
    let info = info();
    let world = used(&info).await;
    let whole = serde_json::to_value(&info).unwrap();
    let takes_one =
        |endpoint: &Endpoint| !matches!(endpoint, Endpoint::Links | Endpoint::UserDetails | Endpoint::LogIn);
    for endpoint in Endpoint::ALL.into_iter().filter(takes_one) {
        let call = only(&world, endpoint);
        assert_eq!(call.body()["RequestInfo"], whole, "{endpoint:?}");
        assert_eq!(call.headers["x-correlation-id"], "corr-1", "{endpoint:?}");
        assert_eq!(call.headers["content-type"], "application/json", "{endpoint:?}");
    }
}

#[tokio::test]
async fn without_a_correlation_id_there_is_no_header() {
    let info: RequestInfo =
        serde_json::from_value(json!({"userInfo": {"uuid": "u", "type": "SYSTEM"}})).unwrap();
    let world = used(&info).await;
    for endpoint in Endpoint::ALL {
        assert!(!only(&world, endpoint).headers.contains_key("x-correlation-id"), "{endpoint:?}");
    }
}

#[tokio::test]
async fn bodies_are_those_of_the_contract() {
    let world = used(&info()).await;
    insta::assert_snapshot!("ids", format!("{:#}", body(&world, Endpoint::Ids)));
    insta::assert_snapshot!("validate_payment", format!("{:#}", body(&world, Endpoint::ValidatePayment)));
    insta::assert_snapshot!("create_payment", format!("{:#}", body(&world, Endpoint::CreatePayment)));
    insta::assert_snapshot!("cancel_payment", format!("{:#}", body(&world, Endpoint::CancelPayment)));
    insta::assert_snapshot!("search_users", format!("{:#}", body(&world, Endpoint::SearchUsers)));
    insta::assert_snapshot!("create_user", format!("{:#}", body(&world, Endpoint::CreateUser)));
    insta::assert_snapshot!("links", format!("{:#}", body(&world, Endpoint::Links)));
    for only_request_info in
        [Endpoint::SearchPayments, Endpoint::BankAccounts, Endpoint::Bills, Endpoint::Messages]
    {
        assert_eq!(body(&world, only_request_info), json!({}), "{only_request_info:?}");
    }
}

#[tokio::test]
async fn status_requests_are_in_the_query() {
    let world = used(&info()).await;
    let query = |endpoint| {
        let query = only(&world, endpoint).query;
        query.into_iter().map(|(name, value)| format!("{name}={value}")).collect::<Vec<_>>()
    };
    assert_eq!(query(Endpoint::SearchPayments), ["tenantId=pb.amritsar", "transactionNumber=T1"]);
    assert_eq!(query(Endpoint::CancelPayment), ["businessService=PT"]);
    assert_eq!(query(Endpoint::BankAccounts), ["tenantId=pb.amritsar"]);
    assert_eq!(query(Endpoint::Bills), ["billId=B1 &x=y", "tenantId=pb.amritsar"]);
    assert_eq!(query(Endpoint::Messages), ["locale=en_IN", "module=egov-pg", "tenantId=pb"]);
    assert_eq!(query(Endpoint::UserDetails), ["access_token=s3cret-token"]);
    assert!(query(Endpoint::CreatePayment).is_empty());
}

#[tokio::test]
async fn a_password_is_in_the_body_of_its_call_alone() {
    let world = World::new().await;
    world.digit.enter_employee(PASSWORD, employee());
    assert_eq!(log_in(&world.clients, PASSWORD).await.unwrap().as_deref(), Some("token-of-e-1"));
    let call = only(&world, Endpoint::LogIn);
    assert_eq!(call.headers["authorization"], "Basic ZWdvdi11c2VyLWNsaWVudDo=");
    assert_eq!(call.headers["content-type"], "application/x-www-form-urlencoded");
    assert!(
        call.query.is_empty()
            && call.text.starts_with("grant_type=password&scope=read&username=asha&password=")
    );
    assert!(call.text.ends_with("&tenantId=pb.amritsar&userType=EMPLOYEE"), "{}", call.text);
    assert_eq!(log_in(&world.clients, "wrong").await.unwrap(), None);
    assert_eq!(log_in(&world.clients, "").await.unwrap(), None);
    assert_eq!(log_in(&world.clients, &"x".repeat(1_025)).await.unwrap(), None);
    assert_eq!(world.digit.count(Endpoint::LogIn), 2);
}

#[tokio::test]
async fn amounts_are_written_digit_by_digit() {
    let world = World::new().await;
    let largest = payment(Some("T1"), &[("B1", "9999999999999.98"), ("B2", "0.01")]);
    world.clients.collections.create(&info(), &largest).await.unwrap();
    let text = only(&world, Endpoint::CreatePayment).text;
    assert!(text.contains(r#""totalAmountPaid":9999999999999.99,"#), "{text}");
    assert!(text.contains(r#""totalAmountPaid":9999999999999.98}"#), "{text}");
    assert!(text.contains(r#""totalAmountPaid":0.01}"#), "{text}");
}
