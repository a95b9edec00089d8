//! Receipts: whether they can be cancelled, and cancelled once.

use payment_digit::{Cancellability, Cancellation, Collections, Registered, Standing, cancellability};
use payment_domain::RequestInfo;
use payment_simulator::digit::{Endpoint, Fault, PaymentStatus};
use serde_json::{Value, json};

use crate::wire::RawServer;
use crate::world::{
    Clients, ErrorKind, World, first_registered, info, kind_of, patient, payment, tenant, txn,
};

async fn register(world: &World, number: &str, bills: &[(&str, &str)]) {
    world.clients.collections.create(&info(), &payment(Some(number), bills)).await.unwrap();
}

async fn ask(world: &World, number: &str) -> Result<Cancellability, ErrorKind> {
    cancellability(&world.clients.collections, &info(), &tenant(), &txn(number)).await.map_err(kind_of)
}

async fn find(world: &World, number: &str) -> Registered {
    world.clients.collections.find(&info(), &tenant(), &txn(number)).await.unwrap().unwrap()
}

async fn cancel(clients: &Clients, info: &RequestInfo, payment: &Registered) -> Result<(), ErrorKind> {
    let cancellation = Cancellation {
        tenant: &tenant(),
        transaction_number: &txn("T1"),
        payment,
        reason: "refund RF-0000000001",
    };
    clients.collections.cancel(info, &cancellation).await.map_err(kind_of)
}

fn code_of(error: Result<(), ErrorKind>) -> String {
    let Err(ErrorKind::Refused(body)) = error else { panic!("{error:?}") };
    let body: Value = serde_json::from_str(&body).unwrap();
    body["Errors"][0]["code"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn the_receipts_of_a_payment_of_several_bills_are_cancelled_once() {
    let world = World::new().await;
    world.digit.set_bill_service("B2", Some("WS"));
    register(&world, "T1", &[("B1", "10"), ("B2", "20")]).await;
    assert_eq!(ask(&world, "T1").await, Ok(Cancellability::Possible));
    let found = find(&world, "T1").await;
    assert_eq!(found.key.business_services, ["PT", "WS"]);
    cancel(&world.clients, &info(), &found).await.unwrap();
    assert_eq!(world.digit.payment("T1").unwrap().status, PaymentStatus::Cancelled);
    let cancelled = find(&world, "T1").await;
    assert_eq!((&cancelled.standing, &cancelled.receipts), (&Standing::Cancelled, &found.receipts));
    assert_eq!(ask(&world, "T1").await, Ok(Cancellability::Cancelled));
    let again = cancel(&world.clients, &info(), &found).await;
    assert_eq!(code_of(again), "RECEIPT_WORKFLOW_ACTION_NOT_APPLICABLE");
    register(&world, "T2", &[("B1", "10")]).await;
}

#[tokio::test]
async fn only_the_latest_payment_of_a_consumer_code_can_be_cancelled() {
    let world = World::new().await;
    for bill in ["B1", "B2"] {
        world.digit.set_consumer(bill, "PT-107-1");
    }
    register(&world, "T1", &[("B0", "5"), ("B1", "10")]).await;
    register(&world, "T2", &[("B2", "10")]).await;
    assert_eq!(ask(&world, "T1").await, Ok(Cancellability::NotTheLatest));
    let refused = cancel(&world.clients, &info(), &find(&world, "T1").await).await;
    assert_eq!(code_of(refused), "RECEIPT_WORKFLOW_ACTION_NOT_APPLICABLE");
    assert_eq!(ask(&world, "T2").await, Ok(Cancellability::Possible));
    cancel(&world.clients, &info(), &find(&world, "T2").await).await.unwrap();
    assert_eq!(ask(&world, "T1").await, Ok(Cancellability::Possible), "the later one is cancelled");
}

#[tokio::test]
async fn a_payment_that_is_not_approved_cannot_be_cancelled() {
    let world = World::new().await;
    assert_eq!(ask(&world, "T1").await, Ok(Cancellability::NotRegistered));
    register(&world, "T1", &[("B1", "10")]).await;
    world.digit.set_payment_status("T1", PaymentStatus::Dishonoured);
    let status = "DISHONOURED".to_owned();
    assert_eq!(ask(&world, "T1").await, Ok(Cancellability::NotApproved { status }));
}

#[tokio::test]
async fn an_inconclusive_look_up_is_an_error() {
    let world = World::new().await;
    register(&world, "T1", &[("B1", "10")]).await;
    for fault in [Fault::Status500, Fault::Garbage, Fault::refuse(r#"{"Errors":[{"code":"X"}]}"#)] {
        world.digit.set_fault(Endpoint::SearchPayments, fault.clone());
        assert!(ask(&world, "T1").await.is_err(), "{fault:?}");
    }
    world.digit.set_fault(Endpoint::SearchPayments, Fault::EmptyList);
    let latest = world.clients.collections.is_latest(&info(), &tenant(), &first_registered()).await;
    assert_eq!(latest.map_err(kind_of), Err(ErrorKind::Unanswered), "it does not show the payment itself");
}

#[tokio::test]
async fn a_lost_answer_is_unclear_and_resolved_by_a_look_up() {
    for (fault, standing) in [
        (Fault::CutAfterWork, Standing::Cancelled),
        (Fault::Garbage, Standing::Cancelled),
        (Fault::CutBeforeWork, Standing::Valid),
        (Fault::Status500, Standing::Valid),
    ] {
        let world = World::new().await;
        register(&world, "T1", &[("B1", "10")]).await;
        let found = find(&world, "T1").await;
        world.digit.set_fault(Endpoint::CancelPayment, fault.clone());
        assert_eq!(cancel(&world.clients, &info(), &found).await, Err(ErrorKind::Unanswered), "{fault:?}");
        assert_eq!(world.digit.count(Endpoint::CancelPayment), 1, "{fault:?}");
        assert_eq!(find(&world, "T1").await.standing, standing, "{fault:?}");
    }
}

#[tokio::test]
async fn an_answer_that_does_not_show_the_payment_as_cancelled_is_no_answer() {
    let shown = first_registered();
    for answer in [
        json!([]),
        json!([{"id": shown.key.id, "instrumentStatus": "APPROVED"}]),
        json!([{"id": "another", "instrumentStatus": "CANCELLED"}]),
    ] {
        let server = RawServer::json(&json!({ "Payments": answer }));
        let clients = Clients::at(server.url(), patient(), &World::new().await.clock);
        assert_eq!(cancel(&clients, &info(), &shown).await, Err(ErrorKind::Unanswered), "{answer}");
    }
}

#[tokio::test]
async fn a_user_without_a_number_is_given_the_configured_one() {
    let world = World::new().await;
    register(&world, "T1", &[("B1", "10")]).await;
    let system = RequestInfo::system("system-1");
    cancel(&world.clients, &system, &find(&world, "T1").await).await.unwrap();
    let sent = world.digit.calls(Endpoint::CancelPayment).remove(0).body();
    assert_eq!(sent["RequestInfo"]["userInfo"], json!({"uuid": "system-1", "type": "SYSTEM", "id": 0}));
}

#[tokio::test]
async fn a_payment_without_an_id_or_a_plain_service_is_not_sent() {
    let world = World::new().await;
    let mut nameless = first_registered();
    nameless.key.id = None;
    let mut strange = first_registered();
    strange.key.business_services = vec!["../_create".to_owned()];
    for payment in [nameless, strange] {
        let refused = cancel(&world.clients, &info(), &payment).await;
        assert_eq!(refused, Err(ErrorKind::Ours("RECEIPT_CANCELLATION_FAILED")));
    }
    assert_eq!(world.digit.count(Endpoint::CancelPayment), 0);
}
