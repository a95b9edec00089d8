//! One receipt per successful transaction, under failures, crashes and repetitions.

use std::sync::Arc;
use std::time::Duration;

use crate::support::{
    ALREADY_PAID, COLLECTION_CALL, LEASE, World, caller, impatient_world, named, paid, world,
};
use async_trait::async_trait;
use payment_digit::{Cancellation, Collections, DigitError, Payment, Receipts as ReceiptNumbers, Registered};
use payment_domain::{
    AttentionKind, Clock, Currency, ManualClock, RequestInfo, Status, StatusName, TenantId, Timestamp, TxnId,
};
use payment_gateway::Answer;
use payment_service::{Job, Ports, ReceiptTally, Receipts, ReceiptsJob, Run};
use payment_store::{BegunRun, Fence, ReceiptTaskClaim, ReceiptTaskKind, Store};
use payment_testing::collections::{FakeCollections, Fault};
use tokio_util::sync::CancellationToken;

const ISSUED: ReceiptTally = ReceiptTally { issued: 1, cancelled: 0, postponed: 0 };
const POSTPONED: ReceiptTally = ReceiptTally { issued: 0, cancelled: 0, postponed: 1 };
const NOTHING: ReceiptTally = ReceiptTally { issued: 0, cancelled: 0, postponed: 0 };

#[tokio::test]
async fn an_unavailable_collection_service_delays_only_the_receipt() {
    let world = world();
    let id = world.pending("B1", "100").await;
    world.gateway.answers(paid("100"));
    world.collections.has(Fault::Unreachable);
    assert_eq!(world.settle(&id).await.status, Status::Success { receipt: None });
    assert_eq!(world.payments.receipts.tick().await.unwrap(), NOTHING, "not due yet");
    world.clock.advance(Duration::from_secs(5));
    assert_eq!(world.payments.receipts.tick().await.unwrap(), POSTPONED);
    world.collections.has(None);
    world.clock.advance(Duration::from_secs(9));
    assert_eq!(world.payments.receipts.tick().await.unwrap(), NOTHING, "the second wait is twice the first");
    world.clock.advance(Duration::from_secs(1));
    assert_eq!(world.payments.receipts.tick().await.unwrap(), ISSUED);
    assert_eq!(world.stored(&id).await.receipt(), Some("R-T0001-B1"));
    assert_eq!(world.payments.receipts.tick().await.unwrap(), NOTHING);
    assert_eq!(world.events(&id).await.last().unwrap(), "update-pg-txns SUCCESS+receipt");
}

#[tokio::test]
async fn a_lost_answer_is_looked_up_and_not_created_again() {
    let world = world();
    let id = world.pending("B1", "100").await;
    world.gateway.answers(paid("100"));
    world.collections.has(Fault::AnswerLost);
    assert_eq!(world.settle(&id).await.receipt(), None);
    world.collections.has(None);
    world.clock.advance(Duration::from_millis(1_999));
    assert_eq!(world.payments.receipts.tick().await.unwrap(), NOTHING, "not due yet");
    world.clock.advance(Duration::from_millis(1));
    assert_eq!(world.payments.receipts.tick().await.unwrap(), ISSUED);
    assert_eq!(world.stored(&id).await.receipt(), Some("R-T0001-B1"));
    assert_eq!(world.collections.creates(), 1);
}

/// Ticks once a second; the seconds in which attempts were made, and their outcome.
async fn tries(world: &World, receipts: &Receipts, seconds: u64) -> Vec<(u64, ReceiptTally)> {
    let mut tries = Vec::new();
    for second in 1..=seconds {
        world.clock.advance(Duration::from_secs(1));
        let tally = receipts.tick().await.unwrap();
        if tally != NOTHING {
            tries.push((second, tally));
        }
    }
    tries
}

#[tokio::test]
async fn a_call_cut_off_is_looked_up_at_growing_intervals_and_repeated_after_the_length_of_a_lease() {
    let world = world();
    let id = world.pending("B1", "100").await;
    world.gateway.answers(paid("100"));
    world.collections.has(Fault::Cut);
    assert_eq!(world.settle(&id).await.receipt(), None);
    let again = tries(&world, &world.payments.receipts, 120).await;
    assert_eq!(again, [2, 5, 15, 30, 120].map(|second| (second, POSTPONED)));
    assert_eq!(world.collections.creates(), 2, "the last of them was cut, too");
    assert_eq!(world.collections.finds(), 5);
    let task = world.store.receipt_task(&id).await.unwrap().unwrap();
    assert_eq!(task.attempts, 2, "to look is no try");

    // The earlier one comes to its end over there after all.
    world.collections.has_registered(&id, "R-LATE");
    assert_eq!(tries(&world, &world.payments.receipts, 120).await, [(2, ISSUED)]);
    assert_eq!(world.stored(&id).await.receipt(), Some("R-LATE"));
    assert_eq!(world.collections.creates(), 2);
}

#[tokio::test]
async fn a_look_up_that_fails_does_not_shorten_the_wait_for_an_unclear_registration() {
    let world = world();
    let id = world.pending("B1", "100").await;
    world.gateway.answers(paid("100"));
    world.collections.has(Fault::Cut);
    world.settle(&id).await;
    world.collections.has(Fault::Unreachable);
    let again = tries(&world, &world.payments.receipts, 30).await;
    assert_eq!(again, [2, 5, 15, 30].map(|second| (second, POSTPONED)));
    world.collections.has(None);
    let again = tries(&world, &world.payments.receipts, 90).await;
    assert_eq!(again, [(90, ISSUED)]);
    assert_eq!(world.stored(&id).await.receipt(), Some("R-T0001-B1"));
    assert_eq!(world.collections.creates(), 2);
}

#[tokio::test]
async fn a_crashed_owner_is_replaced_when_the_lease_ends() {
    let world = impatient_world();
    let id = world.pending("B1", "100").await;
    world.gateway.answers(paid("100"));
    world.collections.has(Fault::Hangs);
    world.settle(&id).await;
    world.collections.has(None);
    let (other, late) = (world.with_ports(|ports| ports).receipts, world.with_ports(|ports| ports).receipts);
    assert_eq!(other.tick().await.unwrap(), NOTHING, "it is seen for the first time");
    world.clock.advance(LEASE - Duration::from_millis(1));
    assert_eq!(other.tick().await.unwrap(), NOTHING);
    world.clock.advance(Duration::from_millis(1));
    assert_eq!(late.tick().await.unwrap(), NOTHING, "who was not there cannot know whether it is alive");
    // Its call may have been under way until its lease was over, and may still be at the service.
    assert_eq!(other.tick().await.unwrap(), POSTPONED);
    let again = tries(&world, &other, 120).await;
    assert_eq!(again[..4], [2, 5, 15, 30].map(|second| (second, POSTPONED)));
    assert_eq!(again[4..], [(120, ISSUED)]);
    assert_eq!(world.collections.registered(), 1);
    assert_eq!(world.collections.creates(), 2);
}

#[tokio::test]
async fn a_receipt_of_a_crashed_owner_is_found_when_its_lease_ends() {
    let world = impatient_world();
    let id = world.pending("B1", "100").await;
    world.gateway.answers(paid("100"));
    world.collections.has(Fault::Hangs);
    world.settle(&id).await;
    world.collections.has(None);
    world.collections.has_registered(&id, "R-1");
    let other = world.with_ports(|ports| ports).receipts;
    assert_eq!(other.tick().await.unwrap(), NOTHING);
    assert_eq!(tries(&world, &other, LEASE.as_secs()).await, [(LEASE.as_secs(), ISSUED)]);
    assert_eq!(world.collections.creates(), 1);
}

#[tokio::test]
async fn a_process_never_registers_one_receipt_twice_at_once() {
    let world = impatient_world();
    let id = world.pending("B1", "100").await;
    world.gateway.answers(paid("100"));
    world.collections.has(Fault::Hangs);
    world.settle(&id).await;
    world.collections.has(None);
    let receipts = &world.payments.receipts;
    assert_eq!(receipts.tick().await.unwrap(), NOTHING);
    let again = tries(&world, receipts, 5 * LEASE.as_secs()).await;
    assert!(!again.is_empty() && again.iter().all(|(_, tally)| *tally == POSTPONED), "{again:?}");
    assert_eq!(world.collections.creates(), 1);
    let task = world.store.receipt_task(&id).await.unwrap().unwrap();
    assert_eq!(task.last_error.as_deref(), Some("this process is at it already"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn workers_at_the_same_time_do_each_task_once() {
    let world = world();
    world.gateway.answers(paid("100"));
    world.collections.has(Fault::Unreachable);
    let mut ids = Vec::new();
    world.collections.has(None);
    for number in 0..20 {
        ids.push(world.pending(&format!("B{number}"), "100").await);
    }
    world.collections.has(Fault::Unreachable);
    for id in &ids {
        world.settle(id).await;
    }
    world.collections.has(None);
    world.clock.advance(Duration::from_secs(60));
    let receipts = &world.payments.receipts;
    let creates_before = world.collections.creates();
    let (a, b, c) = tokio::join!(receipts.tick(), receipts.tick(), receipts.tick());
    assert_eq!(a.unwrap().issued + b.unwrap().issued + c.unwrap().issued, 20);
    assert_eq!(world.collections.registered(), 20);
    assert_eq!(world.collections.creates() - creates_before, 20);
}

#[tokio::test]
async fn a_refused_receipt_is_shown_to_an_operator_and_stays_due() {
    let world = world();
    let id = world.pending("B1", "100").await;
    world.gateway.answers(paid("100"));
    world.collections.has(ALREADY_PAID);
    assert_eq!(world.settle(&id).await.status, Status::Success { receipt: None });
    let cases = world.store.attention(&id).await.unwrap();
    assert_eq!(cases[0].kind, AttentionKind::ReceiptRefused);
    assert_eq!(cases[0].evidence["body"]["Errors"][0]["code"], "PAID");
    world.collections.has(None);
    world.clock.advance(Duration::from_secs(600));
    assert_eq!(world.payments.receipts.tick().await.unwrap(), ISSUED);
}

#[tokio::test]
async fn one_task_that_fails_does_not_stop_the_others() {
    let world = world();
    world.gateway.answers(paid("100"));
    let hangs = world.pending("B1", "100").await;
    let waits = world.pending("B2", "100").await;
    world.collections.has(Fault::AnswerLost);
    world.settle(&hangs).await;
    world.collections.has(Fault::Unreachable);
    world.settle(&waits).await;
    world.collections.has(ALREADY_PAID);
    world.clock.advance(LEASE);
    let tally = world.payments.receipts.tick().await.unwrap();
    assert_eq!(
        tally,
        ReceiptTally { issued: 1, cancelled: 0, postponed: 1 },
        "the one registered before is found, the other refused"
    );
}

/// A collection service that takes its time, by the world's clock, and during which something happens.
struct Slow {
    behind: Arc<FakeCollections>,
    clock: Arc<ManualClock>,
    look_up_takes: Duration,
    /// Another worker takes the task over while a payment is being registered.
    loses_the_lease_to: Option<Arc<dyn Store>>,
    /// The service is stopped while a payment is being registered.
    stops: CancellationToken,
}

impl Slow {
    fn of(world: &World) -> Slow {
        Slow {
            behind: world.collections.clone(),
            clock: world.clock.clone(),
            look_up_takes: Duration::ZERO,
            loses_the_lease_to: None,
            stops: CancellationToken::new(),
        }
    }

    fn used_by(self, world: &World) -> Receipts {
        world.with_ports(|ports| Ports { collections: Arc::new(self), ..ports }).receipts
    }
}

#[async_trait]
impl Collections for Slow {
    fn takes(&self, currency: Currency) -> bool {
        self.behind.takes(currency)
    }

    async fn validate(&self, info: &RequestInfo, payment: &Payment) -> Result<(), DigitError> {
        self.behind.validate(info, payment).await
    }

    async fn create(&self, info: &RequestInfo, payment: &Payment) -> Result<ReceiptNumbers, DigitError> {
        self.stops.cancel();
        if let Some(store) = &self.loses_the_lease_to {
            self.clock.advance(LEASE);
            let leases = store.receipt_leases(9).await.unwrap();
            let claim = ReceiptTaskClaim {
                kind: ReceiptTaskKind::Issue,
                lease_token: "another".to_owned(),
                lease: LEASE,
                limit: 1,
                abandoned: leases.into_iter().map(|lease| lease.token).collect(),
            };
            assert_eq!(store.claim_receipt_tasks(claim).await.unwrap().len(), 1);
        }
        self.behind.create(info, payment).await
    }

    async fn find(
        &self,
        info: &RequestInfo,
        tenant: &TenantId,
        id: &TxnId,
    ) -> Result<Option<Registered>, DigitError> {
        self.clock.advance(self.look_up_takes);
        self.behind.find(info, tenant, id).await
    }

    async fn is_latest(
        &self,
        info: &RequestInfo,
        tenant: &TenantId,
        payment: &Registered,
    ) -> Result<bool, DigitError> {
        self.behind.is_latest(info, tenant, payment).await
    }

    async fn cancel(&self, info: &RequestInfo, cancellation: &Cancellation<'_>) -> Result<(), DigitError> {
        self.behind.cancel(info, cancellation).await
    }
}

/// A paid transaction whose receipt is due now.
async fn due(world: &World, bill: &str) -> TxnId {
    let id = world.pending(bill, "100").await;
    world.gateway.answers(paid("100"));
    world.collections.has(Fault::Unreachable);
    world.settle(&id).await;
    world.collections.has(None);
    world.clock.advance(Duration::from_secs(5));
    id
}

#[tokio::test]
async fn a_receipt_of_an_earlier_service_is_not_registered_again() {
    let world = world();
    let id = world.adopted("OLD-1", "B1", Status::Pending).await;
    world.collections.has_registered(&id, "R-OLD-1");
    world.gateway.answers(paid("100"));
    assert_eq!(world.settle(&id).await.receipt(), Some("R-OLD-1"));
    assert_eq!(world.stored(&id).await.receipt(), Some("R-OLD-1"));
    assert_eq!(world.collections.creates(), 0);
    assert!(world.store.attention(&id).await.unwrap().is_empty());

    let unregistered = world.adopted("OLD-2", "B2", Status::Pending).await;
    assert_eq!(world.settle(&unregistered).await.receipt(), Some("R-OLD-2-B2"));
    assert_eq!(world.collections.creates(), 1);
}

#[tokio::test]
async fn an_answer_does_not_wait_for_a_receipt_without_a_task() {
    let world = world();
    let id = world.adopted("OLD-1", "B1", Status::Success { receipt: None }).await;
    let told = tokio::time::timeout(Duration::from_secs(5), world.settle(&id)).await;
    assert_eq!(told.expect("the receipt is waited for").status, Status::Success { receipt: None });
}

#[tokio::test]
async fn a_payment_is_not_registered_when_the_lease_may_end_meanwhile() {
    let world = world();
    let id = due(&world, "B1").await;
    let tried = world.collections.creates();
    let slow = Slow { look_up_takes: LEASE - COLLECTION_CALL, ..Slow::of(&world) }.used_by(&world);
    assert_eq!(slow.tick().await.unwrap(), POSTPONED);
    assert_eq!(world.collections.creates(), tried);
    assert_eq!(world.payments.receipts.tick().await.unwrap(), NOTHING, "it was given back for later");
    world.clock.advance(Duration::from_secs(5));
    let enough = LEASE - COLLECTION_CALL - Duration::from_millis(1);
    let in_time = Slow { look_up_takes: enough, ..Slow::of(&world) }.used_by(&world);
    assert_eq!(in_time.tick().await.unwrap(), ISSUED);
    assert_eq!(world.stored(&id).await.receipt(), Some("R-T0001-B1"));
}

/// A clock by which everything takes long: its stopwatch advances with each reading.
struct Hurried(ManualClock, Duration);

impl Clock for Hurried {
    fn now(&self) -> Timestamp {
        self.0.now()
    }

    fn stopwatch(&self) -> Duration {
        let reading = self.0.stopwatch();
        self.0.advance(self.1);
        reading
    }

    fn computer_ahead_ms(&self) -> i64 {
        0
    }
}

#[tokio::test]
async fn a_payment_whose_success_took_long_to_store_is_left_to_the_next_one() {
    let world = world();
    let id = world.pending("B1", "100").await;
    world.gateway.answers(paid("100"));
    let clock = Arc::new(Hurried(ManualClock::at(world.clock.now()), LEASE - COLLECTION_CALL));
    let slow = world.with_ports(|ports| Ports { clock, ..ports });
    let settled = slow.settlement.settle(&id, &Answer::default(), &caller()).await.unwrap();
    assert_eq!(settled.txn.status, Status::Success { receipt: None });
    assert_eq!(world.collections.creates(), 0);
    world.clock.advance(LEASE * 9);
    assert_eq!(world.payments.receipts.tick().await.unwrap(), ISSUED);
}

#[tokio::test]
async fn a_former_lease_holder_reports_no_refusal() {
    let world = world();
    let id = due(&world, "B1").await;
    world.collections.has(ALREADY_PAID);
    let taken_over = Slow { loses_the_lease_to: Some(world.store.clone()), ..Slow::of(&world) };
    assert_eq!(taken_over.used_by(&world).tick().await.unwrap(), POSTPONED);
    assert!(world.store.attention(&id).await.unwrap().is_empty());
    let task = world.store.receipt_task(&id).await.unwrap().unwrap();
    assert_eq!(task.lease.unwrap().token, "another", "its new holder finds out");
}

#[tokio::test]
async fn a_stopping_job_claims_no_more_receipts() {
    let world = world();
    for number in 0..20 {
        due(&world, &format!("B{number}")).await;
    }
    let tried = world.collections.creates();
    let stop = CancellationToken::new();
    let receipts = Slow { stops: stop.clone(), ..Slow::of(&world) }.used_by(&world);
    let job = ReceiptsJob { receipts, interval: Duration::from_millis(1) };
    let begun = BegunRun {
        taken_from: None,
        fence: Fence { job: "receipts".to_owned(), run_id: 1 },
        scheduled_at: world.clock.now(),
        attempt: 1,
    };
    let run = Run::new(begun, stop, tokio::time::Instant::now() + Duration::from_secs(60));
    job.tick(&run).await.unwrap();
    let changed = run.tally().changed;
    assert!((1..=8).contains(&changed), "what was begun is ended, and no more: {changed}");
    assert_eq!(world.collections.creates() - tried, changed);
    job.tick(&run).await.unwrap();
    assert_eq!(run.tally().changed, changed, "nor by a run that is over from its beginning");
}

#[tokio::test]
async fn a_lasting_refusal_is_a_review_case_again_a_day_after_its_resolution() {
    let world = world();
    let id = due(&world, "B1").await;
    world.collections.has(ALREADY_PAID);
    assert_eq!(world.payments.receipts.tick().await.unwrap(), POSTPONED);
    let list = &world.payments.attention;
    let open = || async {
        list.list(&payment_store::AttentionQuery { limit: 9, ..Default::default() }).await.unwrap()
    };
    let case = open().await[0].id;
    list.resolve(case, None, named("clerk-7"), "clerk-7", "told the municipality").await.unwrap();
    world.clock.advance(Duration::from_secs(3600));
    assert_eq!(world.payments.receipts.tick().await.unwrap(), POSTPONED);
    assert!(open().await.is_empty(), "they have had no time to see to it");
    world.clock.advance(Duration::from_secs(23 * 3600));
    assert_eq!(world.payments.receipts.tick().await.unwrap(), POSTPONED);
    let again = open().await;
    assert_eq!((again[0].id, again[0].case.kind), (case, AttentionKind::ReceiptRefused));
    assert_eq!(again[0].case.raised_at, world.clock.now());
    let history = world.store.history(&id).await.unwrap();
    let told: Vec<_> = history.iter().rev().take(2).map(|line| line.why.as_str()).collect();
    assert!(told[0].ends_with("open again") && told[1].ends_with("told the municipality"), "{told:?}");
    assert_eq!(history.last().unwrap().to, StatusName::Success);
}
