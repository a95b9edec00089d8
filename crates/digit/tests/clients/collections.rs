//! Payments: registered once, found again, refused in the service's own words.

use payment_digit::{Collections, DigitError, Receipts, Registered, Standing};
use payment_domain::Currency;
use payment_simulator::digit::{Endpoint, Fault};
use serde_json::{Value, json};

use crate::wire::RawServer;
use crate::world::{
    Clients, ErrorKind, World, hurried, info, kind_of, patient, payment, payment_in, tenant, txn,
};

#[tokio::test]
async fn a_payment_gets_a_receipt_for_each_bill_and_is_found_by_its_number() {
    let world = World::new().await;
    let collections = &world.clients.collections;
    let two_bills = payment(Some("T1"), &[("B1", "10.5"), ("B2", "9999999999989.49")]);
    collections.validate(&info(), &payment(None, &[("B1", "10.5")])).await.unwrap();
    let receipts = collections.create(&info(), &two_bills).await.unwrap();
    assert_eq!(receipts.0, ["PT/107/2026-27/000001", "PT/107/2026-27/000002"]);
    let found = collections.find(&info(), &tenant(), &txn("T1")).await.unwrap().unwrap();
    assert_eq!((found.receipts, found.standing), (receipts, Standing::Valid));
    assert_eq!(collections.find(&info(), &tenant(), &txn("T2")).await.unwrap(), None);
    assert_eq!(world.digit.payment("T1").unwrap().total_paise, 999_999_999_999_999, "to the last paisa");
}

#[tokio::test]
async fn a_payment_in_another_currency_is_never_sent() {
    let world = World::new().await;
    let collections = &world.clients.collections;
    let dollar = Currency::from_code("USD").unwrap();
    let mut one_bill = payment(Some("T1"), &[("B1", "10")]);
    one_bill.bills = payment_in(dollar, None, &[("B1", "10")]).bills;
    for payment in [payment_in(dollar, Some("T1"), &[("B1", "10")]), one_bill] {
        let refused = [
            collections.validate(&info(), &payment).await.err(),
            collections.create(&info(), &payment).await.err(),
        ];
        for refused in refused {
            assert!(matches!(refused, Some(DigitError::Incomplete { code: Currency::NOT_SUPPORTED, .. })));
        }
    }
    assert!(collections.takes(Currency::INR) && !collections.takes(dollar));
    assert_eq!(world.digit.count(Endpoint::ValidatePayment) + world.digit.count(Endpoint::CreatePayment), 0);
}

#[tokio::test]
async fn a_receipt_of_a_lost_answer_is_found_by_the_transactions_number() {
    for fault in [Fault::CutAfterWork, Fault::Garbage] {
        let world = World::new().await;
        let collections = &world.clients.collections;
        world.digit.set_fault(Endpoint::CreatePayment, fault.clone());
        let lost = collections.create(&info(), &payment(Some("T1"), &[("B1", "10")])).await;
        assert_eq!(lost.map_err(kind_of), Err(ErrorKind::Unanswered), "{fault:?}");
        assert_eq!(world.digit.count(Endpoint::CreatePayment), 1, "{fault:?}");
        let found = collections.find(&info(), &tenant(), &txn("T1")).await.unwrap();
        assert_eq!(found.unwrap().receipts.0, ["PT/107/2026-27/000001"], "{fault:?}");
    }
}

#[tokio::test]
async fn a_call_cut_off_before_its_work_leaves_no_receipt() {
    let world = World::new().await;
    let collections = &world.clients.collections;
    world.digit.set_fault(Endpoint::CreatePayment, Fault::CutBeforeWork);
    let lost = collections.create(&info(), &payment(Some("T1"), &[("B1", "10")])).await;
    assert_eq!(lost.map_err(kind_of), Err(ErrorKind::Unanswered));
    assert_eq!(collections.find(&info(), &tenant(), &txn("T1")).await.unwrap(), None);
}

#[tokio::test]
async fn a_caller_that_stopped_waiting_finds_the_registered_receipt() {
    let world = World::with(hurried()).await;
    world.digit.set_fault(Endpoint::CreatePayment, Fault::Slow { ms: 60_000 });
    let late = world.clients.collections.create(&info(), &payment(Some("T1"), &[("B1", "10")])).await;
    assert_eq!(late.map_err(kind_of), Err(ErrorKind::Unanswered));
    let patient = Clients::at(world.digit.url(), patient(), &world.clock);
    assert!(patient.collections.find(&info(), &tenant(), &txn("T1")).await.unwrap().is_some());
}

#[tokio::test]
async fn a_failed_search_is_never_read_as_nothing_registered() {
    for fault in [
        Fault::Status500,
        Fault::CutBeforeWork,
        Fault::CutAfterWork,
        Fault::Garbage,
        Fault::refuse("<html>"),
        Fault::refuse(r#"{"Errors":[{"code":"X"}]}"#),
    ] {
        let world = World::new().await;
        let collections = &world.clients.collections;
        collections.create(&info(), &payment(Some("T1"), &[("B1", "10")])).await.unwrap();
        world.digit.set_fault(Endpoint::SearchPayments, fault.clone());
        assert!(collections.find(&info(), &tenant(), &txn("T1")).await.is_err(), "{fault:?}");
    }
}

#[tokio::test]
async fn a_bill_that_was_paid_is_refused_in_the_services_words() {
    let world = World::new().await;
    let collections = &world.clients.collections;
    world.digit.pay_elsewhere("pb.amritsar", "B1");
    let refused = [
        collections.validate(&info(), &payment(None, &[("B1", "10")])).await.map_err(kind_of).unwrap_err(),
        collections
            .create(&info(), &payment(Some("T1"), &[("B1", "10")]))
            .await
            .map_err(kind_of)
            .unwrap_err(),
    ];
    for error in refused {
        let ErrorKind::Refused(body) = error else { panic!("{error:?}") };
        let body: Value = serde_json::from_str(&body).unwrap();
        assert_eq!(body["Errors"][0]["code"], "BILL_ALREADY_PAID");
    }
    assert!(world.digit.payments().is_empty());
}

#[tokio::test]
async fn a_payment_without_a_number_is_not_registered() {
    let world = World::new().await;
    let nameless = world.clients.collections.create(&info(), &payment(None, &[("B1", "10")])).await;
    assert_eq!(nameless.map_err(kind_of), Err(ErrorKind::Ours("PAYMENT_REGISTRATION_FAILED")));
    assert_eq!(world.digit.count(Endpoint::CreatePayment), 0);
}

async fn found(payments: &Value) -> Result<Option<Registered>, ErrorKind> {
    let server = RawServer::json(&json!({ "Payments": payments }));
    let world = Clients::at(server.url(), patient(), &World::new().await.clock);
    world.collections.find(&info(), &tenant(), &txn("T1")).await.map_err(kind_of)
}

#[tokio::test]
async fn only_a_payment_with_our_own_number_is_ours() {
    let payment =
        |number: Value| json!({"transactionNumber": number, "paymentDetails": [{"receiptNumber": "R"}]});
    let ours = found(&json!([payment(json!("T0")), payment(json!("T1"))])).await.unwrap().unwrap();
    assert_eq!(ours.receipts, Receipts(vec!["R".to_owned()]));
    assert_eq!(ours.standing, Standing::Other(String::new()), "it does not say that it is valid");
    for others in [json!("T0"), json!("t1"), json!("T11"), json!(null)] {
        let registered = found(&json!([payment(others.clone())])).await;
        assert_eq!(registered, Err(ErrorKind::Unanswered), "{others}: it did not look for what it was asked");
    }
    assert_eq!(found(&json!([])).await, Ok(None));
}

#[tokio::test]
async fn a_registered_payment_without_a_receipt_number_is_never_read_as_unregistered() {
    let bare = found(&json!([{"transactionNumber": "T1", "paymentDetails": []}])).await;
    assert_eq!(bare, Err(ErrorKind::Ours("PAYMENT_REGISTRATION_FAILED")));
}

#[tokio::test]
async fn an_answer_about_another_payment_is_no_answer() {
    let server = RawServer::json(&json!({
        "Payments": [{"transactionNumber": "T2", "paymentDetails": [{"receiptNumber": "R"}]}],
    }));
    let clients = Clients::at(server.url(), patient(), &World::new().await.clock);
    let registered = clients.collections.create(&info(), &payment(Some("T1"), &[("B1", "10")])).await;
    assert_eq!(registered.map_err(kind_of), Err(ErrorKind::Unanswered));
}
