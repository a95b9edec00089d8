//! Answers about a transaction that arrive early, late, twice, at once or forged.

use std::time::Duration;

use crate::support::{
    World, by_another, caller, codes, declined, impatient_world, paid, request, world, world_where,
};
use payment_domain::{AttentionKind, GatewayName, Outcome, Status, StatusName, Timestamp};
use payment_gateway::{Answer, Params, StartMode};
use payment_service::{Asked, CallbackError, Conclusion, SettleError};
use payment_testing::collections::Fault;

#[tokio::test]
async fn a_paid_transaction_gets_its_receipt_and_publishes_its_events_in_order() {
    let world = world();
    let id = world.pending("B1", "100").await;
    world.gateway.answers(paid("100"));
    let txn = world.settle(&id).await;
    assert_eq!(txn.receipt(), Some("R-T0001-B1"));
    assert_eq!(world.stored(&id).await, txn);
    assert_eq!(world.steps(&id).await, [">PENDING", "PENDING>SUCCESS", "SUCCESS>SUCCESS"]);
    assert_eq!(
        world.events(&id).await,
        [
            "save-pg-txns PENDING",
            "save-pg-txns-dump -",
            "update-pg-txns SUCCESS",
            "update-pg-txns-dump -",
            "update-pg-txns SUCCESS+receipt"
        ]
    );
    assert_eq!(world.store.receipt_task(&id).await.unwrap(), None);
    assert_eq!(world.claims("B1").await.len(), 1, "a paid bill stays claimed");
}

#[tokio::test]
async fn an_indefinite_outcome_stays_pending() {
    let world = impatient_world();
    let id = world.pending("B1", "100").await;
    let unknown = Outcome::Unrecognised { code: "?".into() };
    for outcome in [Outcome::Pending, Outcome::Authorised, Outcome::NotFound, unknown] {
        world.gateway.answers(outcome);
        assert_eq!(world.settle(&id).await.status, Status::Pending);
    }
    world.gateway.is_unavailable();
    let settled = world.payments.settlement.settle(&id, &Answer::default(), &caller()).await.unwrap();
    assert_eq!(settled.txn.status, Status::Pending);
    assert!(matches!(settled.asked, Asked::Unusable(_)));
    world.gateway.answers(paid("100"));
    world.gateway.is_slow(Duration::from_secs(5));
    assert_eq!(world.settle(&id).await.status, Status::Pending, "an answer that comes too late is none");
    assert_eq!(world.collections.creates(), 0);
}

#[tokio::test]
async fn a_declined_payment_frees_the_bill() {
    let world = world();
    let id = world.pending("B1", "100").await;
    world.gateway.answers(declined());
    let txn = world.settle(&id).await;
    assert_eq!((txn.status, txn.status_message.as_str()), (Status::Failure, "Transaction failed at gateway"));
    assert!(world.claims("B1").await.is_empty());
    world.pending("B1", "100").await;
}

#[tokio::test]
async fn an_authorised_payment_becomes_a_review_case_once_and_succeeds_when_it_is_captured() {
    let world = impatient_world();
    let id = world.pending("B1", "100").await;
    world.gateway.answers(Outcome::Authorised);
    for _ in 0..3 {
        assert_eq!(world.settle(&id).await.status, Status::Pending);
    }
    let cases = world.store.attention(&id).await.unwrap();
    assert_eq!(cases.iter().map(|case| case.kind).collect::<Vec<_>>(), [AttentionKind::NotCaptured]);
    world.gateway.answers(paid("100"));
    assert!(world.settle(&id).await.receipt().is_some());
}

#[tokio::test]
async fn another_amount_is_never_a_success() {
    let world = world();
    let id = world.pending("B1", "100").await;
    world.gateway.answers(paid("99.99"));
    let txn = world.settle(&id).await;
    assert_eq!(
        (txn.status, txn.status_message.as_str()),
        (Status::Failure, "Transaction failed, amount mismatch")
    );
    let cases = world.store.attention(&id).await.unwrap();
    assert_eq!(cases.iter().map(|case| case.kind).collect::<Vec<_>>(), [AttentionKind::AmountMismatch]);
}

#[tokio::test]
async fn a_missing_amount_stays_pending_and_is_shown_to_an_operator_once() {
    let world = world();
    let id = world.pending("B1", "100").await;
    world.gateway.answers(Outcome::Paid { amount: None });
    for _ in 0..3 {
        assert_eq!(world.settle(&id).await.status, Status::Pending);
    }
    assert_eq!(world.store.attention(&id).await.unwrap().len(), 1);
}

#[tokio::test]
async fn no_such_payment_fails_only_after_the_orders_life() {
    let world = world();
    let id = world.pending("B1", "100").await;
    world.gateway.answers(Outcome::NotFound);
    world.clock.advance(Duration::from_secs(24 * 3600));
    assert_eq!(world.settle(&id).await.status, Status::Pending, "at the very end of its life");
    world.clock.advance(Duration::from_millis(1));
    assert_eq!(world.settle(&id).await.status, Status::Failure);
    world.gateway.answers(paid("100"));
    assert_eq!(world.settle(&id).await.status, Status::Failure);
    assert_eq!(world.store.attention(&id).await.unwrap()[0].kind, AttentionKind::LateSuccess);
}

#[tokio::test]
async fn an_order_lives_as_long_as_its_gateway_keeps_it_open_unless_it_is_set() {
    let minutes = |minutes: u64| Duration::from_secs(minutes * 60);
    let own = [(GatewayName::new("FAKE"), minutes(5))];
    for (life, life_of, lived) in [
        (None, None, minutes(30)),
        (Some(minutes(60)), None, minutes(60)),
        (Some(minutes(60)), Some(own), minutes(5)),
    ] {
        let world = world_where(StartMode::Offline, |settings| {
            settings.order_life = life;
            settings.order_life_of = life_of.into_iter().flatten().collect();
        });
        let id = world.pending("B1", "100").await;
        world.gateway.answers(Outcome::NotFound);
        world.clock.advance(lived);
        assert_eq!(world.settle(&id).await.status, Status::Pending, "at the very end of its life");
        world.clock.advance(Duration::from_millis(1));
        assert_eq!(world.settle(&id).await.status, Status::Failure, "{lived:?}");
    }
}

#[tokio::test]
async fn a_late_success_is_recorded_once_and_changes_nothing() {
    let world = world();
    let id = world.pending("B1", "100").await;
    world.gateway.answers(declined());
    let failed = world.settle(&id).await;
    world.gateway.answers(paid("100"));
    for _ in 0..3 {
        assert_eq!(world.settle(&id).await, failed);
    }
    assert_eq!(world.store.attention(&id).await.unwrap().len(), 1);
    assert_eq!(world.steps(&id).await, [">PENDING", "PENDING>FAILURE", "FAILURE>FAILURE"]);
    assert_eq!(world.collections.creates(), 0);
}

#[tokio::test]
async fn success_never_moves_back() {
    let world = world();
    let id = world.pending("B1", "100").await;
    world.gateway.answers(paid("100"));
    let first = world.settle(&id).await;
    let asked = world.gateway.asked();
    for outcome in [declined(), Outcome::NotFound, paid("1")] {
        world.gateway.answers(outcome);
        assert_eq!(world.settle(&id).await, first);
    }
    assert_eq!(world.gateway.asked(), asked, "a settled payment is not asked about again");
}

#[tokio::test]
async fn a_signed_payment_is_not_failed_because_the_gateways_records_lag() {
    let world = world();
    let id = world.pending("B1", "100").await;
    let proof = [("sign", "good"), ("said", "paid")];
    world.gateway.answers(Outcome::NotFound);
    assert_eq!(world.settle_with(&id, &proof).await.unwrap().status, Status::Pending);
    assert!(world.store.attention(&id).await.unwrap().is_empty(), "its records may lag for a while");
    world.clock.advance(Duration::from_secs(24 * 3600 + 1));
    assert_eq!(world.settle_with(&id, &proof).await.unwrap().status, Status::Pending);
    world.gateway.answers(declined());
    assert_eq!(world.settle_with(&id, &proof).await.unwrap().status, Status::Pending);
    let cases = world.store.attention(&id).await.unwrap();
    assert_eq!(cases.iter().map(|case| case.kind).collect::<Vec<_>>(), [AttentionKind::Contradiction]);
    assert_eq!(cases[0].evidence["signed"]["state"], "paid");
    assert_eq!(world.claims("B1").await.len(), 1, "no other payment of the bill is possible meanwhile");
    world.gateway.answers(paid("100"));
    assert_eq!(world.settle(&id).await.receipt(), Some("R-T0001-B1"));
}

#[tokio::test]
async fn a_second_payment_of_the_same_order_is_shown_to_an_operator() {
    let world = world();
    let id = world.pending("B1", "100").await;
    world.gateway.answers(paid("100"));
    let first = world.settle_with(&id, &[("sign", "good"), ("said", "paid")]).await.unwrap();
    for payment in ["FAKE-1", "FAKE-2", "FAKE-2"] {
        let again = [("sign", "good"), ("said", "paid"), ("payment", payment)];
        assert_eq!(world.settle_with(&id, &again).await.unwrap(), first);
    }
    let cases = world.store.attention(&id).await.unwrap();
    assert_eq!(cases.iter().map(|case| case.kind).collect::<Vec<_>>(), [AttentionKind::SecondPayment]);
    assert_eq!(world.collections.creates(), 1);
}

#[tokio::test]
async fn status_requests_caused_by_strangers_are_bounded() {
    let world = world().asking(None, 5);
    let id = world.pending("B1", "100").await;
    world.gateway.answers(Outcome::Pending);
    let mut held_back = 0;
    for _ in 0..200 {
        let settled = world.payments.settlement.settle(&id, &Answer::default(), &caller()).await.unwrap();
        assert_eq!(settled.txn.status, Status::Pending);
        held_back += u32::from(matches!(settled.asked, Asked::Unavailable { .. }));
    }
    assert_eq!((world.gateway.asked(), held_back), (5, 195));

    // Another cause of a status request: a create for the same bill.
    world.clock.advance(Duration::from_secs(120));
    for _ in 0..5 {
        let refused = world.create(by_another(request(&[("B1", "100")]))).await;
        assert_eq!(codes(refused), ["TXN_ABRUPTLY_DISCARDED"]);
    }
    assert_eq!(world.gateway.asked(), 5);

    // Other payments and later callers of this one are not delayed.
    let other = world.pending("B2", "100").await;
    world.settle(&other).await;
    assert_eq!(world.gateway.asked(), 6);
    world.reconciliation().check_one(&id, "clerk-7").await.unwrap();
    assert_eq!(world.gateway.asked(), 7);
}

#[tokio::test]
async fn a_signed_callback_causes_a_status_request_despite_a_flood_of_unsigned_ones() {
    let world = world().asking(None, 5);
    let id = world.pending("B1", "100").await;
    world.gateway.answers(Outcome::Pending);
    for _ in 0..20 {
        world.settle(&id).await;
    }
    let proof = [("sign", "good"), ("said", "paid")];
    for _ in 0..20 {
        world.settle_with(&id, &proof).await.unwrap();
    }
    assert_eq!(world.gateway.asked(), 6, "a replay is worth no more than unsigned news");
    world.gateway.answers(paid("100"));
    let another = [("sign", "good"), ("said", "paid"), ("payment", "FAKE-2")];
    assert_eq!(world.settle_with(&id, &another).await.unwrap().receipt(), Some("R-T0001-B1"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_throttled_caller_does_not_wait_for_a_slow_gateway() {
    let world = world().asking(None, 1);
    let id = world.pending("B1", "100").await;
    world.gateway.answers(Outcome::Pending);
    world.settle(&id).await;
    world.gateway.is_slow(Duration::from_secs(3600));
    for _ in 0..20 {
        assert_eq!(world.settle(&id).await.status, Status::Pending);
    }
    assert_eq!(world.gateway.asked(), 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn waiters_for_a_failed_status_request_receive_its_error() {
    let world = world();
    let id = world.pending("B1", "100").await;
    world.gateway.is_unavailable();
    world.gateway.is_slow(Duration::from_millis(100));
    let (caller, nothing) = (caller(), Answer::default());
    let ask = || world.payments.settlement.settle(&id, &nothing, &caller);
    let (one, two, three) = tokio::join!(ask(), ask(), ask());
    for settled in [one, two, three] {
        assert!(matches!(settled.unwrap().asked, Asked::Unusable(_)));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn updates_beside_the_receipt_worker_give_one_receipt() {
    for _ in 0..10 {
        let world = std::sync::Arc::new(world());
        let id = world.pending("B1", "100").await;
        world.gateway.answers(paid("100"));
        world.collections.has(Fault::Unreachable);
        world.settle(&id).await;
        world.collections.has(None);
        world.clock.advance(Duration::from_secs(60));
        let receipts = world.payments.receipts.clone();
        let worker = tokio::spawn(async move { receipts.tick().await.unwrap() });
        let updates: Vec<_> = (0..20)
            .map(|_| {
                let (world, id) = (world.clone(), id.clone());
                tokio::spawn(async move { world.settle(&id).await })
            })
            .collect();
        for update in updates {
            assert_eq!(update.await.unwrap().status.name(), StatusName::Success);
        }
        assert_eq!(worker.await.unwrap().issued, 1);
        assert_eq!(
            (world.collections.registered(), world.stored(&id).await.receipt()),
            (1, Some("R-T0001-B1"))
        );
    }
}

#[tokio::test]
async fn a_forged_answer_is_refused_and_changes_nothing() {
    let world = world();
    let id = world.pending("B1", "100").await;
    let other = world.pending("B2", "100").await;
    world.gateway.answers(paid("100"));
    let before = world.stored(&id).await;
    assert!(matches!(world.settle_with(&id, &[("sign", "forged")]).await, Err(SettleError::BadSignature)));
    let crossed = world.settle_with(&id, &[("sign", "good"), ("fakeOrderId", other.as_str())]).await;
    assert!(matches!(crossed, Err(SettleError::WrongTransaction)));
    assert_eq!(world.stored(&id).await, before);
    assert_eq!(world.gateway.asked(), 0);
    assert_eq!(world.settle_with(&id, &[("sign", "good")]).await.unwrap().status.name(), StatusName::Success);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_hundred_updates_at_once_give_one_receipt_and_equal_answers() {
    let world = std::sync::Arc::new(world());
    let id = world.pending("B1", "100").await;
    world.gateway.answers(paid("100"));
    let tasks: Vec<_> = (0..200)
        .map(|_| {
            let (world, id) = (world.clone(), id.clone());
            tokio::spawn(async move { world.settle(&id).await })
        })
        .collect();
    let mut answers = Vec::new();
    for task in tasks {
        answers.push(task.await.unwrap());
    }
    assert!(answers.iter().all(|answer| answer == &answers[0]), "all are told the same");
    assert_eq!(answers[0].receipt(), Some("R-T0001-B1"));
    assert_eq!(world.collections.creates(), 1);
    assert_eq!(world.steps(&id).await, [">PENDING", "PENDING>SUCCESS", "SUCCESS>SUCCESS"]);
}

/// Two replicas share only the store: one hears "paid", the other "declined".
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn when_the_gateway_answers_two_replicas_differently_one_answer_counts_and_none_is_lost() {
    let world = std::sync::Arc::new(world());
    let replica = second_replica(&world);
    for round in 0..40 {
        let bill = format!("B{round}");
        let id = world.pending(&bill, "100").await;
        let registered = world.collections.registered();
        world.gateway.answers(paid("100"));
        let flip = {
            let world = world.clone();
            tokio::spawn(async move {
                tokio::time::sleep(Duration::from_micros(round * 20)).await;
                world.gateway.answers(declined());
            })
        };
        let (caller, nothing) = (caller(), Answer::default());
        let (one, two) = tokio::join!(world.settle(&id), async {
            replica.settle(&id, &nothing, &caller).await.unwrap().txn
        });
        flip.await.unwrap();
        assert_eq!(one.status.name(), two.status.name());
        let stored = world.stored(&id).await;
        let receipts = world.collections.registered() - registered;
        match stored.status.name() {
            StatusName::Success => assert_eq!((receipts, world.claims(&bill).await.len()), (1, 1)),
            StatusName::Failure => {
                // Where the "paid" came second it is a late payment already, which holds its bill.
                let came_second = world.store.attention(&id).await.unwrap().len();
                assert_eq!((receipts, world.claims(&bill).await.len()), (0, came_second));
                world.gateway.answers(paid("100"));
                world.settle(&id).await;
                let cases = world.store.attention(&id).await.unwrap();
                let kinds: Vec<_> = cases.iter().map(|case| case.kind).collect();
                assert_eq!(kinds, [AttentionKind::LateSuccess]);
                let holders: Vec<_> =
                    world.claims(&bill).await.into_iter().map(|claim| claim.txn_id).collect();
                assert_eq!(holders, [id]);
            }
            StatusName::Pending => panic!("a definite answer was dropped"),
        }
    }
}

/// The settlement of another process over the same store.
fn second_replica(world: &World) -> payment_service::Settlement {
    world.with_ports(|ports| ports).settlement
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_receipt_of_another_replica_is_awaited() {
    let world = world();
    let replica = second_replica(&world);
    let id = world.pending("B1", "100").await;
    world.gateway.answers(paid("100"));
    let (caller, nothing) = (caller(), Answer::default());
    for _ in 0..20 {
        let (one, two) = tokio::join!(world.settle(&id), replica.settle(&id, &nothing, &caller));
        assert_eq!(one, two.unwrap().txn);
        assert_eq!(one.receipt(), Some("R-T0001-B1"));
    }
    assert_eq!(world.collections.creates(), 1);
}

#[tokio::test]
async fn a_disconnected_caller_does_not_stop_a_settlement() {
    let world = world();
    let id = world.pending("B1", "100").await;
    world.gateway.answers(paid("100"));
    world.gateway.is_slow(Duration::from_millis(200));
    let asked = async {
        while world.gateway.asked() == 0 {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    };
    tokio::select! {
        _ = world.settle(&id) => unreachable!("the gateway is slow"),
        () = asked => {}
    }
    world.payments.ports.tasks.close();
    world.payments.ports.tasks.wait().await;
    assert_eq!(world.stored(&id).await.receipt(), Some("R-T0001-B1"));
}

#[tokio::test]
async fn a_callback_is_stored_settled_and_not_repeated() {
    let world = world();
    let id = world.pending("B1", "100").await;
    let fake = world.payments.ports.gateways.names()[0].clone();
    let answer = |pairs: &[(&str, &str)]| {
        Answer::of_params(Params::new(pairs.iter().map(|(k, v)| ((*k).into(), (*v).into())).collect()))
    };
    let good = answer(&[("fakeOrderId", id.as_str()), ("sign", "good")]);
    let take = |answer: Answer, content: &str| {
        let (callbacks, fake, content) = (world.payments.callbacks.clone(), fake.clone(), content.to_owned());
        async move { callbacks.take(&fake, &answer, &content).await }
    };
    world.gateway.answers(Outcome::Pending);
    assert_eq!(take(good.clone(), "a").await.unwrap(), Conclusion::StillPending);
    world.gateway.is_unavailable();
    assert!(matches!(take(good.clone(), "a").await, Err(CallbackError::TryAgain)));
    world.gateway.answers(paid("100"));
    assert_eq!(take(good.clone(), "a").await.unwrap(), Conclusion::Settled);
    let asked = world.gateway.asked();
    assert_eq!(take(good.clone(), "a").await.unwrap(), Conclusion::Repeated);
    assert_eq!(world.gateway.asked(), asked);

    let other = world.pending("B2", "100").await;
    let forged = answer(&[("fakeOrderId", other.as_str()), ("sign", "forged")]);
    for _ in 0..2 {
        assert!(
            matches!(take(forged.clone(), "b").await, Err(CallbackError::Refused)),
            "and again, when it is repeated"
        );
    }
    let genuine = answer(&[("fakeOrderId", other.as_str()), ("sign", "good")]);
    world.gateway.answers(declined());
    assert_eq!(take(genuine.clone(), "e").await.unwrap(), Conclusion::Settled);
    world.gateway.answers(paid("100"));
    assert_eq!(take(genuine, "e").await.unwrap(), Conclusion::Settled);
    assert_eq!(world.store.attention(&other).await.unwrap()[0].kind, AttentionKind::LateSuccess);
    assert!(matches!(
        take(answer(&[("fakeOrderId", "NONE")]), "c").await,
        Err(CallbackError::UnknownTransaction)
    ));
    assert!(matches!(take(answer(&[]), "d").await, Err(CallbackError::NoTransaction)));
}

#[tokio::test]
async fn unsigned_changes_to_a_signed_callback_make_no_new_callback() {
    let world = world();
    let id = world.pending("B1", "100").await;
    let fake = world.payments.ports.gateways.names()[0].clone();
    let far = Timestamp::from_millis(i64::MAX);
    world.gateway.answers(Outcome::Pending);
    for nth in 0..50 {
        let pairs = [("fakeOrderId", id.to_string()), ("sign", "good".to_owned()), ("junk", nth.to_string())];
        let pairs = pairs.map(|(name, value)| (name.to_owned(), value)).into();
        let taken = world.payments.callbacks.take(&fake, &Answer::of_params(Params::new(pairs)), "x").await;
        assert!(matches!(taken, Ok(Conclusion::StillPending) | Err(CallbackError::TryAgain)), "{taken:?}");
    }
    assert_eq!(world.store.forget_callbacks(far, 1000).await.unwrap(), 1, "it is stored once");
}

#[tokio::test]
async fn unsigned_callbacks_cause_status_requests_and_are_kept_up_to_their_limit() {
    let world = world();
    let (id, other) = (world.pending("B1", "100").await, world.pending("B2", "100").await);
    let fake = world.payments.ports.gateways.names()[0].clone();
    let take = async |id: &str, sign: Option<&str>| {
        let pairs = [("fakeOrderId", Some(id)), ("sign", sign)].into_iter();
        let pairs = pairs.filter_map(|(name, value)| Some((name.to_owned(), value?.to_owned()))).collect();
        world.payments.callbacks.take(&fake, &Answer::of_params(Params::new(pairs)), "x").await
    };
    world.gateway.answers(Outcome::Pending);
    for _ in 0..15 {
        let taken = take(id.as_str(), None).await;
        assert!(matches!(taken, Ok(Conclusion::StillPending) | Err(CallbackError::TryAgain)), "{taken:?}");
        assert!(matches!(take(id.as_str(), Some("forged")).await, Err(CallbackError::Refused)));
        let unknown = take("PB_PG_NONE", None).await;
        assert!(matches!(unknown, Err(CallbackError::UnknownTransaction)), "{unknown:?}");
    }
    take(other.as_str(), None).await.unwrap();
    world.clock.advance(Duration::from_secs(24 * 3600));
    assert!(matches!(take(id.as_str(), Some("forged")).await, Err(CallbackError::Refused)));
    let far = Timestamp::from_millis(i64::MAX);
    assert_eq!(world.store.forget_callbacks(far, 1000).await.unwrap(), 20 + 1 + 1);
}

#[tokio::test]
async fn a_success_is_committed_before_the_collection_service_is_called() {
    let world = impatient_world();
    let id = world.pending("B1", "100").await;
    world.gateway.answers(paid("100"));
    world.collections.has(Fault::Hangs);
    let txn = world.settle(&id).await;
    assert_eq!(txn.status, Status::Success { receipt: None });
    assert_eq!(world.stored(&id).await.status, Status::Success { receipt: None });
    assert!(world.store.receipt_task(&id).await.unwrap().is_some());
}

#[tokio::test]
async fn a_disabled_gateway_takes_no_payments_and_answers_for_existing_ones() {
    let world = world();
    let id = world.pending("B1", "100.00").await;
    let world = world.with_gateway_switched_off();
    assert_eq!(codes(world.create(request(&[("B2", "1")])).await), ["INVALID_PAYMENT_GATEWAY"]);
    world.gateway.answers(paid("100.00"));
    assert!(matches!(world.settle(&id).await.status, Status::Success { receipt: Some(_) }));
}

#[tokio::test]
async fn the_applications_own_parameters_beside_the_gateways_are_ignored() {
    let world = world();
    let mut own = request(&[("B1", "100")]);
    own.callback_text = "https://city.example.org/done?sign=mine&x=1".to_owned();
    own.callback_url = own.callback_text.parse().unwrap();
    let txn = world.create(own).await.unwrap();
    let id = payment_domain::TxnId::new(txn["txnId"].as_str().unwrap()).unwrap();
    let relayed = |more: &[(&'static str, &'static str)]| {
        [&[("sign", "mine"), ("x", "1"), ("eg_pg_txnid", "T0001")], more].concat()
    };
    let forged = world.settle_with(&id, &relayed(&[("sign", "bad"), ("said", "paid")])).await;
    assert!(matches!(forged, Err(SettleError::BadSignature)), "what is left has to be signed");
    let others = world.settle_with(&id, &relayed(&[("sign", "good"), ("fakeOrderId", "T0009")])).await;
    assert!(matches!(others, Err(SettleError::WrongTransaction)), "{others:?}");
    let twice = world.settle_with(&id, &relayed(&[("sign", "mine")])).await;
    assert!(matches!(twice, Err(SettleError::BadSignature)), "each is left out once");
    world.gateway.answers(paid("100"));
    for genuine in [&[("sign", "good"), ("said", "paid")][..], &[]] {
        let txn = world.settle_with(&id, &relayed(genuine)).await.unwrap();
        assert_eq!(txn.status.name(), StatusName::Success, "{genuine:?}");
    }
}
