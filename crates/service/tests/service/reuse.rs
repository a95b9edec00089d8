//! A payer who comes back to a pending payment: sent to the same one, asked to wait, or free to begin
//! another.

use std::sync::Arc;
use std::time::Duration;

use crate::support::{MINUTE, World, codes, declined, paid, request, with_key, world_where};
use payment_domain::{GatewayName, Outcome, Personal, Status, TxnId};
use payment_gateway::{FakeGateway, Gateway, GatewayError, StartFault, StartMode};
use payment_service::{CreateError, CreateRequest, CreatedTransaction, Gateways, Identity, Ports, Refusal};
use serde_json::{Value, json};

const SECOND: Duration = Duration::from_secs(1);

/// A world with the settings of a service that has none set.
fn plain_world(start_mode: StartMode) -> World {
    world_where(start_mode, |settings| settings.order_life = None)
}

async fn created(world: &World, request: CreateRequest) -> Result<CreatedTransaction, CreateError> {
    world.payments.creation.create(request).await
}

fn view(created: &CreatedTransaction) -> Value {
    serde_json::from_str(created.json.get()).unwrap()
}

fn message(result: Result<CreatedTransaction, CreateError>) -> String {
    match result {
        Err(CreateError::Refused(refusals)) => match refusals.as_slice() {
            [Refusal { code: "TXN_ABRUPTLY_DISCARDED", message }] => message.clone(),
            other => panic!("{other:?}"),
        },
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn a_payer_who_presses_back_gets_the_begun_payment() {
    for start_mode in [StartMode::Offline, StartMode::Network] {
        let world = plain_world(start_mode);
        let first = created(&world, request(&[("B1", "100"), ("B2", "1")])).await.unwrap();
        assert!(!first.reused);
        world.clock.advance(SECOND * 5);
        // The same bills in another order, and the amount in other words.
        let again = CreateRequest { amount: "101".to_owned(), ..request(&[("B2", "1.00"), ("B1", "100")]) };
        let again = CreateRequest { bill_id: request(&[("B1", "1")]).bill_id, ..again };
        let again = created(&world, again).await.unwrap();
        assert!(again.reused);
        let (first, again) = (view(&first), view(&again));
        for same in ["txnId", "redirectUrl", "callbackUrl", "txnStatus", "billId"] {
            assert_eq!(first[same], again[same], "{same}");
        }
        assert_eq!(again["txnAmount"], "101");
        assert_eq!(world.gateway.starts(), 1, "one order at the gateway");
        world.clock.advance(MINUTE * 15);
        assert!(created(&world, request(&[("B1", "100"), ("B2", "1")])).await.unwrap().reused);
    }
}

#[tokio::test]
async fn a_reused_payment_shows_only_values_of_the_repeating_request() {
    let world = plain_world(StartMode::Offline);
    let mut first = request(&[("B1", "100")]);
    first.additional_details.insert("note".to_owned(), json!("for the first caller alone"));
    created(&world, first).await.unwrap();
    world.clock.advance(SECOND * 5);
    let mut other = request(&[("B1", "100")]);
    other.payer.name = Personal::new("B. Singh");
    other.payer.email_id = Some(Personal::new("b@example.org"));
    other.additional_details.insert("mine".to_owned(), json!(1));
    let info = json!({"userInfo": {"uuid": "user-2", "name": "B", "userName": "b", "mobileNumber": "1",
        "tenantId": "pb"}});
    other.identity = Identity::unproven(&serde_json::from_value(info).unwrap());
    let again = created(&world, other).await.unwrap();
    assert!(again.reused);
    let shown = view(&again);
    assert_eq!(
        shown["user"],
        json!({"uuid": "", "name": "B. Singh", "userName": "", "mobileNumber": "9876543210",
            "emailId": "b@example.org", "tenantId": "pb.amritsar"})
    );
    assert_eq!(
        shown["additionalDetails"],
        json!({"mine": 1, "taxAndPayments": [{"taxAmount": null, "amountPaid": 100, "billId": "B1"}]})
    );
    let text = shown.to_string();
    for hidden in ["Asha", "payer-1", "user-1", "first caller"] {
        assert!(!text.contains(hidden), "{hidden}: {text}");
    }
    let stored = world.stored(&again.id).await;
    assert_eq!(stored.payer.name.expose(), "Asha Rani", "what is stored stays as it was");
}

#[tokio::test]
async fn a_repetition_with_other_content_is_not_redirected() {
    let world = plain_world(StartMode::Offline);
    let other = Arc::new(FakeGateway::new("OTHER", StartMode::Offline)) as Arc<dyn Gateway>;
    let gateway = world.gateway.clone() as Arc<dyn Gateway>;
    let payments = world.with_ports(|ports| Ports { gateways: Gateways::new([gateway, other]), ..ports });
    let bills = [("B1", "100"), ("B2", "1")];
    let first = payments.creation.create(request(&bills)).await.unwrap();
    world.clock.advance(SECOND * 4);
    assert_eq!(
        codes(payments.creation.create(request(&bills)).await),
        ["TXN_ABRUPTLY_DISCARDED"],
        "the first request may be under way"
    );
    world.clock.advance(SECOND);
    let differs = |change: fn(&mut CreateRequest)| {
        let mut request = request(&bills);
        change(&mut request);
        request
    };
    for request in [
        differs(|request| request.payer.mobile_number = Personal::new("9876543211")),
        differs(|request| request.payer.mobile_number = Personal::new("")),
        differs(|request| request.callback_text = "https://city.example.org/done?x=2".to_owned()),
        differs(|request| request.gateway = GatewayName::new("OTHER")),
        request(&[("B1", "100")]),
        request(&[("B1", "99"), ("B2", "2")]),
        request(&[("B1", "100"), ("B2", "1"), ("B3", "1")]),
        request(&[("B2", "1"), ("B1", "100")]),
    ] {
        let refused = payments.creation.create(request).await;
        assert_eq!(codes(refused), ["TXN_ABRUPTLY_DISCARDED"]);
    }
    let again = payments.creation.create(request(&bills)).await.unwrap();
    assert!(again.reused && again.id == first.id);
}

#[tokio::test]
async fn reuse_never_returns_an_order_that_could_be_paid_twice_or_has_expired() {
    let off = world_where(StartMode::Offline, |settings| settings.reuse_after = None);
    let twice = plain_world(StartMode::Offline);
    let careless = FakeGateway::new("FAKE", StartMode::Offline).that_takes_an_order_twice();
    let gateways = Gateways::new([Arc::new(careless) as Arc<dyn Gateway>]);
    let payments = twice.with_ports(|ports| Ports { gateways, ..ports });
    let closed = plain_world(StartMode::Offline);
    for (payments, clock, passed) in [
        (&off.payments, &off.clock, SECOND * 5),
        (&payments, &twice.clock, SECOND * 5),
        (&closed.payments, &closed.clock, MINUTE * 20),
    ] {
        payments.creation.create(request(&[("B1", "100")])).await.unwrap();
        clock.advance(passed);
        let again = payments.creation.create(request(&[("B1", "100")])).await;
        assert_eq!(codes(again), ["TXN_ABRUPTLY_DISCARDED"]);
    }
}

#[tokio::test]
async fn a_payment_that_is_settled_is_not_the_one_a_payer_comes_back_to() {
    let world = plain_world(StartMode::Offline);
    let first = created(&world, request(&[("B1", "100")])).await.unwrap();
    world.clock.advance(MINUTE + SECOND);
    // A status request comes first: a payment that was declined is over, one that was paid is paid.
    world.gateway.answers(declined());
    let second = created(&world, request(&[("B1", "100")])).await.unwrap();
    assert!(!second.reused && second.id != first.id);
    world.clock.advance(MINUTE + SECOND);
    world.gateway.answers(paid("100"));
    let third = created(&world, request(&[("B1", "100")])).await;
    assert_eq!(codes(third), ["TXN_CREATE_BILL_ALREADY_PAID"]);
    assert!(world.stored(&second.id).await.receipt().is_some());
}

#[tokio::test]
async fn a_key_under_which_a_payment_was_found_again_keeps_its_answer() {
    let world = plain_world(StartMode::Offline);
    let first = created(&world, with_key(request(&[("B1", "100")]), "k1", 1)).await.unwrap();
    world.clock.advance(SECOND * 5);
    let mut again = with_key(request(&[("B1", "100")]), "k2", 2);
    again.payer.name = Personal::new("Asha R.");
    let found = created(&world, again.clone()).await.unwrap();
    assert!(found.reused && found.id == first.id);
    world.gateway.answers(paid("100"));
    world.settle(&first.id).await;
    let repeated = created(&world, again).await.unwrap();
    assert_eq!(view(&repeated), view(&found), "whatever became of the payment meanwhile");
    let misused = created(&world, with_key(request(&[("B9", "1")]), "k2", 3)).await;
    assert!(matches!(misused, Err(CreateError::KeyReused)));
    let under_the_first = created(&world, with_key(request(&[("B1", "100")]), "k1", 1)).await.unwrap();
    assert_eq!(view(&under_the_first), view(&first));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn concurrent_repeated_creates_get_the_same_payment() {
    let world = Arc::new(plain_world(StartMode::Network));
    let first = created(&world, request(&[("B1", "100")])).await.unwrap();
    world.clock.advance(SECOND * 5);
    let tasks: Vec<_> = (0..40_u8)
        .map(|nth| {
            let world = world.clone();
            // Half of them share one key.
            let key = if nth % 2 == 0 { "shared".to_owned() } else { format!("own-{nth}") };
            tokio::spawn(async move { created(&world, with_key(request(&[("B1", "100")]), &key, 1)).await })
        })
        .collect();
    for task in tasks {
        assert_eq!(task.await.unwrap().unwrap().id, first.id);
    }
    assert_eq!((world.gateway.starts(), world.claims("B1").await.len()), (1, 1));
}

#[tokio::test]
async fn a_refusal_states_until_when_and_for_which_payment_to_wait() {
    let world = plain_world(StartMode::Offline);
    let id = world.pending("B1", "100").await;
    let other = || CreateRequest {
        callback_text: "https://city.example.org/x".to_owned(),
        ..request(&[("B1", "100")])
    };
    world.clock.advance(SECOND * 90);
    assert_eq!(
        message(created(&world, other()).await),
        "A transaction for this bill has been abruptly discarded, please retry after 29 mins: \
         transaction T0001 can be paid until 2023-11-15T04:13:20+05:30"
    );
    world.clock.advance(MINUTE * 28 + SECOND * 29 + Duration::from_millis(999));
    assert!(message(created(&world, other()).await).contains("retry after 1 mins: transaction T0001 can"));
    // At the end of its life it is free, if the gateway knows of no payment.
    world.gateway.answers(Outcome::Pending);
    world.clock.advance(Duration::from_millis(2));
    assert_eq!(
        message(created(&world, other()).await),
        "A transaction for this bill has been abruptly discarded, please retry after 30 mins: \
         the gateway has not reported the outcome of transaction T0001 yet"
    );
    world.gateway.answers(Outcome::NotFound);
    let next = created(&world, other()).await.unwrap();
    assert!(!next.reused && next.id != id);
    assert_eq!(world.stored(&id).await.status_message, "Transaction failed, no payment was made in time");
    // The losers of the race for a bill get the same answer.
    let (one, two) =
        tokio::join!(created(&world, request(&[("B7", "1")])), created(&world, request(&[("B7", "1")])));
    let winner = [&one, &two].into_iter().find_map(|result| result.as_ref().ok()).unwrap().id.clone();
    let loser = [one, two].into_iter().find(|result| result.is_err()).unwrap();
    assert!(message(loser).contains(&format!("retry after 30 mins: transaction {winner} can be paid until")));
}

#[tokio::test]
async fn an_unopened_order_unknown_to_the_gateway_ends_at_once() {
    let world = plain_world(StartMode::Network);
    world.gateway.start_fails(Some(StartFault::Unanswered));
    let failed = created(&world, with_key(request(&[("B1", "100")]), "k", 1)).await;
    assert!(matches!(failed, Err(CreateError::Gateway(GatewayError::NotSent(_)))), "{failed:?}");
    let first = world.stored(&TxnId::new("T0001").unwrap()).await;
    assert_eq!(first.status, Status::Failure);
    assert_eq!(first.status_message, "Transaction failed, the gateway could not be reached");
    assert!(world.claims("B1").await.is_empty());
    let history = world.store.history(&first.id).await.unwrap();
    let why: Vec<&str> = history.iter().map(|entry| entry.why.as_str()).collect();
    assert_eq!(
        why,
        [
            "created",
            "whether the gateway opened the order is not known: the gateway did not answer",
            "the gateway says: not found"
        ]
    );
    // The key is as free as the bill.
    world.gateway.start_fails(None);
    let second = created(&world, with_key(request(&[("B1", "100")]), "k", 1)).await.unwrap();
    assert_eq!(second.id.as_str(), "T0002");
}

#[tokio::test]
async fn an_order_in_doubt_holds_its_bill_until_a_status_request_is_possible() {
    let world = plain_world(StartMode::Network);
    world.gateway.start_fails(Some(StartFault::Unanswered));
    world.gateway.is_unavailable();
    let unclear = created(&world, with_key(request(&[("B1", "100")]), "k", 1)).await;
    assert!(matches!(unclear, Err(CreateError::Gateway(GatewayError::Unanswered(_)))), "{unclear:?}");
    // The answer to the same key does not claim that the first request is under way: it is not.
    let soon = created(&world, with_key(request(&[("B1", "100")]), "k", 1)).await;
    assert!(message(soon).contains("retry after 1 mins: transaction T0001 can be paid until"));
    world.clock.advance(MINUTE + SECOND);
    let silent = created(&world, with_key(request(&[("B1", "100")]), "k", 1)).await;
    assert!(matches!(silent, Err(CreateError::Gateway(GatewayError::Unanswered(_)))), "{silent:?}");
    assert_eq!(world.stored(&TxnId::new("T0001").unwrap()).await.status, Status::Pending);

    world.gateway.answers(Outcome::NotFound);
    world.gateway.start_fails(None);
    let next = created(&world, with_key(request(&[("B1", "100")]), "k", 1)).await.unwrap();
    assert!(!next.reused);
    assert_eq!(next.id.as_str(), "T0002");
    assert_eq!(world.stored(&TxnId::new("T0001").unwrap()).await.status, Status::Failure);
}

#[tokio::test]
async fn the_lost_way_to_an_order_that_the_gateway_knows_is_found_again() {
    let world = plain_world(StartMode::Network);
    world.gateway.answers(Outcome::Pending);
    world.gateway.start_fails(Some(StartFault::Unanswered));
    assert!(created(&world, request(&[("B1", "100")])).await.is_err());
    world.gateway.start_fails(None);
    world.clock.advance(MINUTE + SECOND);
    let found = created(&world, request(&[("B1", "100")])).await.unwrap();
    assert!(found.reused);
    assert_eq!(view(&found)["redirectUrl"], "https://fake.example/pay?order=T0001");
    assert_eq!(
        world.stored(&found.id).await.redirect_url.as_deref(),
        Some("https://fake.example/pay?order=T0001")
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_status_request_does_not_fail_an_order_that_is_being_opened() {
    let world = Arc::new(plain_world(StartMode::Network));
    let id = TxnId::new("T0001").unwrap();
    world.gateway.is_slow(Duration::from_millis(200));
    let creating = {
        let world = world.clone();
        tokio::spawn(async move { created(&world, request(&[("B1", "1")])).await.unwrap() })
    };
    while world.store.transaction(&id).await.unwrap().is_none() {
        tokio::task::yield_now().await;
    }
    world.gateway.is_slow(Duration::ZERO);
    world.clock.advance(SECOND * 59);
    assert_eq!(world.settle(&id).await.status, Status::Pending);
    assert_eq!(view(&creating.await.unwrap())["redirectUrl"], "https://fake.example/pay?order=T0001");
    world.clock.advance(MINUTE);
    assert_eq!(world.settle(&id).await.status, Status::Pending, "once opened it has the life of an order");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn concurrent_repetitions_of_a_lost_start_get_the_same_redirect() {
    let world = Arc::new(plain_world(StartMode::Network));
    world.gateway.answers(Outcome::Pending);
    world.gateway.start_fails(Some(StartFault::Unanswered));
    assert!(created(&world, request(&[("B1", "100")])).await.is_err());
    world.gateway.start_fails(None);
    world.gateway.tells_another_page_each_time();
    world.clock.advance(MINUTE + SECOND);
    let tasks: Vec<_> = (0..20)
        .map(|_| {
            let world = world.clone();
            tokio::spawn(async move { view(&created(&world, request(&[("B1", "100")])).await.unwrap()) })
        })
        .collect();
    let mut told = std::collections::BTreeSet::new();
    for task in tasks {
        told.insert(task.await.unwrap()["redirectUrl"].to_string());
    }
    assert_eq!(told.len(), 1, "{told:?}");
}
