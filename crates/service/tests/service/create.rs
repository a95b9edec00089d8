//! Creating: the claim of a bill, the answer to a repetition, the rest after a failure.

use std::sync::Arc;
use std::time::Duration;

use crate::support::{codes, declined, paid, request, with_key, world, world_with};
use payment_digit::{DigitError, TransactionIds};
use payment_domain::{RequestInfo, Status, TenantId, TxnId};
use payment_gateway::{GatewayError, StartFault, StartMode};
use payment_service::{CreateError, Ports};
use serde_json::json;

#[tokio::test]
async fn a_created_transaction_names_its_way_back_and_its_bills() {
    let world = world();
    let txn = world.create(request(&[("B1", "100"), ("B2", "50.50")])).await.unwrap();
    assert_eq!(txn["callbackUrl"], "https://city.example.org/done?x=1&eg_pg_txnid=T0001");
    assert_eq!(txn["redirectUrl"], "https://fake.example/pay?order=T0001");
    assert_eq!(txn["txnAmount"], "150.50");
    assert_eq!(
        txn["additionalDetails"]["taxAndPayments"],
        json!([{"taxAmount": null, "amountPaid": 100, "billId": "B1"}, {"taxAmount": null, "amountPaid": 50.5, "billId": "B2"}])
    );
    assert_eq!((world.claims("B1").await.len(), world.claims("B2").await.len()), (1, 1));
}

#[tokio::test]
async fn all_problems_are_reported_together() {
    let world = world();
    world.pending("B1", "1").await;
    let paid_id = world.pending("B2", "1").await;
    world.gateway.answers(paid("1"));
    world.settle(&paid_id).await;
    let mut wrong = request(&[("B1", "100"), ("B2", "1")]);
    wrong.identity = payment_service::Identity::unproven(&RequestInfo::default());
    wrong.gateway = payment_domain::GatewayName::new("NONE");
    wrong.amount = "5".to_owned();
    assert_eq!(
        codes(world.create(wrong).await),
        [
            "INVALID_USER_DETAILS",
            "INVALID_PAYMENT_GATEWAY",
            "TXN_ABRUPTLY_DISCARDED",
            "TXN_CREATE_BILL_ALREADY_PAID",
            "TXN_CREATE_INVALID_TXN_AMT"
        ]
    );
    for amount in ["-1", "1.001", "10000000000000", ""] {
        let mut wrong = request(&[("B9", "1")]);
        wrong.amount = amount.to_owned();
        assert_eq!(codes(world.create(wrong).await), ["INVALID_TXN_AMOUNT"], "{amount}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_two_hundred_creates_for_overlapping_bills_one_wins() {
    let world = Arc::new(world());
    let tasks: Vec<_> = (0..200)
        .map(|number| {
            let world = world.clone();
            let own = format!("OWN{number}");
            tokio::spawn(async move {
                let bills: &[(&str, &str)] =
                    if number % 2 == 0 { &[("SHARED", "10")] } else { &[(&own, "5"), ("SHARED", "5")] };
                world.create(request(bills)).await
            })
        })
        .collect();
    let mut won = 0;
    for task in tasks {
        match task.await.unwrap() {
            Ok(_) => won += 1,
            refused @ Err(_) => assert_eq!(codes(refused), ["TXN_ABRUPTLY_DISCARDED"]),
        }
    }
    assert_eq!(won, 1);
    let free = world.claims("OWN1").await.len() + world.claims("OWN3").await.len();
    assert!(free <= 1, "a loser claims none of its bills");
}

#[tokio::test]
async fn nothing_to_pay_is_a_success_at_once_with_its_receipt() {
    let world = world();
    let txn = world.create(request(&[("B1", "0")])).await.unwrap();
    assert_eq!((&txn["txnStatus"], &txn["receipt"]), (&json!("SUCCESS"), &json!("R-T0001-B1")));
    assert_eq!(txn["redirectUrl"], json!(null));
    assert_eq!(world.gateway.starts(), 0, "no gateway is called");
    assert_eq!(codes(world.create(request(&[("B1", "0")])).await), ["TXN_CREATE_BILL_ALREADY_PAID"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_same_key_and_body_is_answered_the_same() {
    let world = Arc::new(world());
    let first = world.create(with_key(request(&[("B1", "1")]), "k", 1)).await.unwrap();
    let again = world.create(with_key(request(&[("B1", "1")]), "k", 1)).await.unwrap();
    assert_eq!(first, again);
    let other = world.create(with_key(request(&[("B2", "1")]), "k", 2)).await;
    assert!(matches!(other, Err(CreateError::KeyReused)));

    let tasks: Vec<_> = (0..50)
        .map(|_| {
            let world = world.clone();
            tokio::spawn(async move { world.create(with_key(request(&[("B3", "1")]), "race", 1)).await })
        })
        .collect();
    let mut ids = std::collections::BTreeSet::new();
    for task in tasks {
        ids.insert(task.await.unwrap().unwrap()["txnId"].to_string());
    }
    assert_eq!(ids.len(), 1);

    world.gateway.answers(paid("1"));
    let id = TxnId::new(first["txnId"].as_str().unwrap()).unwrap();
    world.settle(&id).await;
    let later = world.create(with_key(request(&[("B1", "1")]), "k", 1)).await.unwrap();
    assert_eq!(later, first, "the first answer, not the present state");
    world.clock.advance(Duration::from_secs(24 * 3600 + 1));
    let forgotten =
        world.store.forget_idempotency_keys(world.payments.ports.clock.now(), 1000).await.unwrap();
    assert_eq!(forgotten, 2);
    assert_eq!(
        codes(world.create(with_key(request(&[("B1", "1")]), "k", 1)).await),
        ["TXN_CREATE_BILL_ALREADY_PAID"]
    );
}

#[tokio::test]
async fn a_gateway_that_is_called_knows_no_order_that_we_do_not() {
    let world = world_with(StartMode::Network);
    let txn = world.create(request(&[("B1", "1")])).await.unwrap();
    assert_eq!(txn["redirectUrl"], "https://fake.example/pay?order=T0001");
    let id = TxnId::new("T0001").unwrap();
    assert_eq!(world.stored(&id).await.redirect_url.as_deref(), Some("https://fake.example/pay?order=T0001"));

    world.gateway.start_fails(Some(StartFault::NotSent));
    let refused = world.create(request(&[("B2", "1")])).await;
    assert!(matches!(refused, Err(CreateError::Gateway(GatewayError::NotSent(_)))));
    assert_eq!(world.stored(&TxnId::new("T0002").unwrap()).await.status, Status::Failure);
    assert!(world.claims("B2").await.is_empty(), "it cannot be paid: the bill is free");

    world.gateway.start_fails(Some(StartFault::Unanswered));
    world.gateway.answers(payment_domain::Outcome::Pending);
    let unclear = world.create(request(&[("B3", "1")])).await;
    assert!(matches!(unclear, Err(CreateError::Gateway(GatewayError::Unanswered(_)))));
    assert_eq!(world.stored(&TxnId::new("T0003").unwrap()).await.status, Status::Pending);
    assert_eq!(world.claims("B3").await.len(), 1, "the gateway may know the order");
}

#[tokio::test]
async fn a_first_answer_that_was_lost_is_made_up_for() {
    let world = world_with(StartMode::Network);
    world.dies_before_the_order_is_opened(with_key(request(&[("B1", "1")]), "k", 1)).await;
    let soon = world.create(with_key(request(&[("B1", "1")]), "k", 1)).await;
    assert!(matches!(soon, Err(CreateError::StillRunning)));
    world.clock.advance(Duration::from_secs(60));
    let txn = world.create(with_key(request(&[("B1", "1")]), "k", 1)).await.unwrap();
    assert_eq!(
        (&txn["txnId"], &txn["redirectUrl"]),
        (&json!("T0001"), &json!("https://fake.example/pay?order=T0001"))
    );
    assert_eq!(world.create(with_key(request(&[("B1", "1")]), "k", 1)).await.unwrap(), txn);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_order_opened_during_a_status_request_does_not_fail() {
    let world = Arc::new(world_with(StartMode::Network));
    world.dies_before_the_order_is_opened(with_key(request(&[("B1", "1")]), "k", 1)).await;
    world.clock.advance(Duration::from_secs(61));
    let id = TxnId::new("T0001").unwrap();
    world.gateway.is_slow(Duration::from_millis(300));
    let settling = tokio::spawn({
        let (world, id) = (world.clone(), id.clone());
        async move { world.settle(&id).await }
    });
    while world.gateway.asked() == 0 {
        tokio::task::yield_now().await;
    }
    world.gateway.is_slow(Duration::ZERO);
    let txn = world.create(with_key(request(&[("B1", "1")]), "k", 1)).await.unwrap();
    assert_eq!(txn["redirectUrl"], "https://fake.example/pay?order=T0001");
    assert_eq!(settling.await.unwrap().status, Status::Pending, "it knew no such payment before");
    assert_eq!(world.claims("B1").await.len(), 1);
}

#[tokio::test]
async fn a_key_whose_order_was_never_opened_is_free_again() {
    let world = world_with(StartMode::Network);
    world.gateway.start_fails(Some(StartFault::NotSent));
    assert!(world.create(with_key(request(&[("B1", "1")]), "k", 1)).await.is_err());
    world.gateway.start_fails(None);
    let txn = world.create(with_key(request(&[("B1", "1")]), "k", 1)).await.unwrap();
    assert_eq!((&txn["txnId"], &txn["txnStatus"]), (&json!("T0002"), &json!("PENDING")));
    assert_eq!(world.create(with_key(request(&[("B1", "1")]), "k", 1)).await.unwrap(), txn);
}

#[tokio::test]
async fn a_repetition_fails_nothing_that_the_first_request_may_have_opened() {
    let world = world_with(StartMode::Network);
    world.dies_before_the_order_is_opened(with_key(request(&[("B1", "1")]), "k", 1)).await;
    world.clock.advance(Duration::from_secs(60));
    world.gateway.start_fails(Some(StartFault::NotSent));
    assert!(world.create(with_key(request(&[("B1", "1")]), "k", 1)).await.is_err());
    assert_eq!(world.stored(&TxnId::new("T0001").unwrap()).await.status, Status::Pending);
    assert_eq!(world.claims("B1").await.len(), 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_status_request_while_the_order_is_opened_keeps_the_redirect() {
    let world = Arc::new(world_with(StartMode::Network));
    let id = TxnId::new("T0001").unwrap();
    world.gateway.is_slow(Duration::from_millis(100));
    world.gateway.answers(payment_domain::Outcome::Pending);
    let creating = {
        let world = world.clone();
        tokio::spawn(async move { world.create(request(&[("B1", "1")])).await.unwrap() })
    };
    while world.store.transaction(&id).await.unwrap().is_none() {
        tokio::task::yield_now().await;
    }
    world.gateway.is_slow(Duration::ZERO);
    assert_eq!(world.settle(&id).await.status, Status::Pending);
    let answered = creating.await.unwrap();
    let stored = world.stored(&id).await;
    assert_eq!(stored.redirect_url.as_deref(), answered["redirectUrl"].as_str());
    assert_eq!(stored.redirect_url.as_deref(), Some("https://fake.example/pay?order=T0001"));
    assert_eq!(stored.gateway_details.status_code.as_deref(), Some("pending"), "and keeps what was learned");
}

#[tokio::test]
async fn a_bill_can_be_paid_again_after_a_failure_and_never_after_a_success() {
    let world = world();
    for outcome in [declined(), paid("99"), declined()] {
        let id = world.pending("B1", "100").await;
        world.gateway.answers(outcome);
        assert_eq!(world.settle(&id).await.status, Status::Failure);
    }
    let id = world.pending("B1", "100").await;
    world.gateway.answers(paid("100"));
    world.settle(&id).await;
    assert_eq!(codes(world.create(request(&[("B1", "100")])).await), ["TXN_CREATE_BILL_ALREADY_PAID"]);
}

/// Gives these ids, the last one again and again.
struct Given(std::sync::Mutex<Vec<&'static str>>);

#[async_trait::async_trait]
impl TransactionIds for Given {
    async fn next(&self, _: &RequestInfo, _: &TenantId) -> Result<TxnId, DigitError> {
        let mut ids = self.0.lock().unwrap();
        let id = if ids.len() > 1 { ids.remove(0) } else { ids[0] };
        Ok(TxnId::new(id).unwrap())
    }
}

#[tokio::test]
async fn a_used_id_is_requested_once_more() {
    for start_mode in [StartMode::Offline, StartMode::Network] {
        let world = world_with(start_mode);
        let ids = Arc::new(Given(vec!["A", "A", "B", "B"].into()));
        let payments = world.with_ports(|ports| Ports { ids, ..ports });
        let create = async |bill: &str| {
            let created = payments.creation.create(request(&[(bill, "100")])).await;
            created.map(|created| created.id.to_string())
        };
        assert_eq!(create("B1").await.unwrap(), "A");
        assert_eq!(create("B2").await.unwrap(), "B", "the second one asked for is new");
        let none = create("B3").await;
        assert!(matches!(none, Err(CreateError::IdTaken(_))), "{none:?}");
        assert_eq!(world.claims("B3").await.len(), 0, "nothing is kept of it");
        assert_eq!(world.claims("B2").await[0].txn_id.as_str(), "B");
    }
}
