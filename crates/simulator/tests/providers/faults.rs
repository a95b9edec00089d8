//! Everything that can go wrong on demand does.

use std::io::{Read, Write};
use std::time::{Duration, Instant};

use payment_simulator::providers::signature::paytm as signature;
use payment_simulator::providers::{Choice, Fault, PaytmAccount, Provider, State, Twist, VisitError};
use secrecy::ExposeSecret;
use serde_json::{Value, json};

use crate::paytm::{ORDER, legacy_form, legacy_status};
use crate::world::{Received, World, borrowed, field};
use crate::{payu, phonepe_checkout, phonepe_signed};

fn is_signed(received: &Received) -> bool {
    let (fields, key) = (received.form(), PaytmAccount::default().key);
    let text = signature::text_of_form(borrowed(&fields));
    signature::is_valid(key.expose_secret().as_bytes(), &text, field(&fields, signature::CHECKSUM))
}

/// A PayU order that is paid.
async fn paid(world: &World) {
    world.choose(&payu::form(world, &[]), Choice::Pay).await;
}

/// PayU's report on it.
async fn payu_says(world: &World) -> Value {
    payu::verify(world, ORDER).await["transaction_details"][ORDER].take()
}

#[tokio::test]
async fn a_wrong_amount_is_taken_and_reported_everywhere() {
    let world = World::new().await;
    world.fault("paytm", ORDER, "wrong-amount").await;
    let back = world.choose_and_return(&legacy_form(&world, &[]), Choice::Pay).await;
    assert_eq!((is_signed(&back), field(&back.form(), "TXNAMOUNT")), (true, "18.99"));
    assert_eq!(legacy_status(&world, "ORDERID", ORDER).await["TXNAMOUNT"], "18.99");
    let entry = world.book(Provider::Paytm, ORDER);
    assert_eq!((entry.amount.minor, entry.taken.unwrap().minor), (1_999, 1_899));
    assert_eq!(entry.fault, Some(Fault::Order(Twist::WrongAmount)));
}

#[tokio::test]
async fn a_wrong_signature_is_on_everything_that_is_signed() {
    let world = World::new().await;
    world.fault("paytm", ORDER, "wrong-signature").await;
    let back = world.choose_and_return(&legacy_form(&world, &[]), Choice::Pay).await;
    assert_eq!((is_signed(&back), field(&back.form(), "STATUS")), (false, "TXN_SUCCESS"));
    world.providers.tick().await;
    assert!(!is_signed(&world.merchant.take()[0]), "the webhook as well");
    world.fault("phonepe", ORDER, "wrong-signature").await;
    world.choose(&phonepe_checkout::opened(&world).await, Choice::Pay).await;
    world.providers.tick().await;
    assert_eq!(world.merchant.take()[0].header("authorization").len(), 64);
}

#[tokio::test]
async fn a_payment_can_be_pending_for_a_while_and_then_be_paid() {
    let world = World::new().await;
    world.control(&format!("/orders/payu/{ORDER}"), json!({"fault": "pending", "seconds": 60})).await;
    let back = world.choose_and_return(&payu::form(&world, &[]), Choice::Pay).await;
    assert_eq!((back.path.as_str(), field(&back.form(), "status")), ("/success", "pending"));
    world.pass(59);
    assert_eq!(payu_says(&world).await["status"], "pending");
    world.pass(1);
    assert_eq!(payu_says(&world).await["unmappedstatus"], "captured");
    assert_eq!(world.providers.tick().await.delivered, 1, "told when it was paid, whoever found out first");
}

#[tokio::test]
async fn a_payment_can_be_declined_first_and_paid_later() {
    let world = World::new().await;
    world.fault("payu", ORDER, "paid-after-declined").await;
    let back = world.choose_and_return(&payu::form(&world, &[]), Choice::Pay).await;
    assert_eq!((back.path.as_str(), field(&back.form(), "status")), ("/failure", "failure"));
    assert_eq!(payu_says(&world).await["status"], "failure");
    world.providers.tick().await;
    let (status, entry) = world.control(&format!("/orders/payu/{ORDER}/elapse"), json!(null)).await;
    assert_eq!(
        (status, entry["state"].as_str(), entry["taken"]["minor"].as_i64()),
        (200, Some("PAID"), Some(10_000))
    );
    assert_eq!(payu_says(&world).await["status"], "success");
    world.providers.tick().await;
    let told: Vec<String> =
        world.merchant.take().iter().map(|got| field(&got.form(), "status").to_owned()).collect();
    assert_eq!(told, ["failure", "success"]);
}

#[tokio::test]
async fn a_state_can_be_unheard_of_or_the_order_unknown() {
    let world = World::new().await;
    paid(&world).await;
    world.fault("payu", ORDER, "unknown-code").await;
    assert_eq!(payu_says(&world).await["status"], "considering");
    world.fault("payu", ORDER, "not-found").await;
    assert_eq!(payu_says(&world).await["status"], "Not Found");
    world.fault("payu", ORDER, "none").await;
    assert_eq!(payu_says(&world).await["status"], "success");
    assert_eq!(world.book(Provider::Payu, ORDER).status_calls, 3);
}

#[tokio::test]
async fn webhooks_can_come_twice_or_never() {
    let world = World::new().await;
    world.fault("payu", ORDER, "duplicate-webhooks").await;
    paid(&world).await;
    assert_eq!(world.providers.tick().await.delivered, 2);
    let received = world.merchant.take();
    assert_eq!(received[0].body, received[1].body);

    let world = World::new().await;
    world.fault("payu", ORDER, "silent").await;
    assert_eq!(world.choose(&payu::form(&world, &[]), Choice::Pay).await, None, "the browser stays");
    assert_eq!(world.providers.tick().await.delivered, 0);
    assert_eq!(payu_says(&world).await["status"], "success");
}

#[tokio::test]
async fn the_payer_can_ask_for_a_fault_on_the_page() {
    let world = World::new().await;
    let late = Choice::PayWith(Fault::from_word("pending").unwrap());
    let page = world.visitor.open(&payu::form(&world, &[])).await.unwrap();
    assert!(page.html.contains(&format!("value=\"{late}\"")));
    world.visitor.choose(&page, late).await.unwrap();
    assert!(matches!(world.book(Provider::Payu, ORDER).state, State::Pending { .. }));
    world.visitor.choose(&page, Choice::PayWith(Fault::from_word("not-found").unwrap())).await.unwrap();
    assert_eq!(payu_says(&world).await["status"], "pending", "the second choice changes no fault");
}

#[tokio::test]
async fn only_the_first_choice_counts() {
    let world = World::new().await;
    let page = world.visitor.open(&payu::form(&world, &[])).await.unwrap();
    let first = world.visitor.choose(&page, Choice::Decline).await.unwrap();
    let second = world.visitor.choose(&page, Choice::Pay).await.unwrap();
    assert_eq!(first, second);
    assert_eq!(world.book(Provider::Payu, ORDER).taken, None);
    let again = world.visitor.open(&payu::form(&world, &[])).await.unwrap_err();
    let VisitError::NoChoice { status: 200, page } = again else { panic!("{again}") };
    assert!(page.contains("Declined") && page.contains("Return to the application"), "{page}");
}

#[tokio::test]
async fn a_form_that_is_not_from_the_page_chooses_nothing() {
    let world = World::new().await;
    let mut page = world.visitor.open(&payu::form(&world, &[])).await.unwrap();
    for field in &mut page.fields {
        if field.0 == "token" {
            field.1 = "guess".to_owned();
        }
    }
    let refused = world.visitor.choose(&page, Choice::Pay).await.unwrap_err();
    assert!(matches!(refused, VisitError::NoChoice { status: 403, .. }), "{refused}");
    assert_eq!(world.book(Provider::Payu, ORDER).state, State::Open);
}

#[tokio::test]
async fn an_answer_can_be_late() {
    let world = World::new().await;
    world.control(&format!("/orders/payu/{ORDER}"), json!({"fault": "slow", "ms": 150})).await;
    let start = Instant::now();
    assert_eq!(payu_says(&world).await["status"], "Not Found");
    assert!(start.elapsed() >= Duration::from_millis(150));
}

#[tokio::test]
async fn an_answer_can_be_an_error_or_garbage() {
    let world = World::new().await;
    world.fault("phonepe", ORDER, "http-500").await;
    assert_eq!(phonepe_signed::legacy_request(&world, 1_999).send().await.unwrap().status(), 500);
    assert_eq!(world.book(Provider::Phonepe, ORDER).state, State::Open, "the work was done all the same");
    world.fault("phonepe", ORDER, "garbage").await;
    let answer = phonepe_signed::legacy_request(&world, 1_999).send().await.unwrap();
    assert_eq!(answer.status(), 200);
    assert!(String::from_utf8(answer.bytes().await.unwrap().to_vec()).is_err());
    world.fault("phonepe", ORDER, "none").await;
    assert_eq!(phonepe_signed::legacy_status(&world).await.0, 200);
}

#[tokio::test]
async fn an_answer_can_never_come() {
    let world = World::new().await;
    world.fault("phonepe", ORDER, "hang").await;
    let request = phonepe_signed::legacy_request(&world, 1_999).timeout(Duration::from_millis(200));
    assert!(request.send().await.unwrap_err().is_timeout());
}

#[tokio::test]
async fn a_connection_can_be_cut_without_a_single_byte() {
    let world = World::new().await;
    world.control("/phonepe", json!({"fault": "cut"})).await;
    let error = phonepe_signed::legacy_request(&world, 1_999).send().await.unwrap_err();
    assert!(!error.is_timeout() && !error.is_connect(), "{error:?}");
    let address = world.base.trim_start_matches("http://").trim_end_matches("/sim").to_owned();
    let heard = tokio::task::spawn_blocking(move || {
        let mut stream = std::net::TcpStream::connect(&address).unwrap();
        let request =
            format!("POST /sim/phonepe/v3/debit HTTP/1.1\r\nhost: {address}\r\ncontent-length: 0\r\n\r\n");
        stream.write_all(request.as_bytes()).unwrap();
        let mut heard = Vec::new();
        // A reset instead of an end is as good.
        let _ = stream.read_to_end(&mut heard);
        heard
    });
    assert_eq!(heard.await.unwrap(), b"");
}
