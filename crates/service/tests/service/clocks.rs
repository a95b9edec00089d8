//! Clocks of replicas that differ, or are set during their work: nothing is registered twice, and no pending
//! payment is failed.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use crate::support::{LEASE, World, caller, impatient_world, paid, world};
use async_trait::async_trait;
use payment_digit::{Cancellation, Collections, DigitError, Payment, Receipts as ReceiptNumbers, Registered};
use payment_domain::{
    AnchoredClock, Clock, Currency, ManualClock, Outcome, RequestInfo, Status, TenantId, TxnId,
};
use payment_gateway::Answer;
use payment_service::{Payments, Ports};
use payment_testing::collections::FakeCollections;
use tokio::sync::Semaphore;

const DAY: Duration = Duration::from_secs(86_400);
const MINUTES: Duration = Duration::from_secs(120);

/// A collection service that waits for a permit before it registers a payment.
struct Slow {
    behind: Arc<FakeCollections>,
    asked: AtomicU32,
    told: Semaphore,
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
        self.asked.fetch_add(1, Ordering::SeqCst);
        self.told.acquire().await.unwrap().forget();
        self.behind.create(info, payment).await
    }

    async fn find(
        &self,
        info: &RequestInfo,
        tenant: &TenantId,
        id: &TxnId,
    ) -> Result<Option<Registered>, DigitError> {
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

/// One of several replicas on one database, with a clock of its computer's that may be wrong.
struct Replica {
    computer: Arc<ManualClock>,
    payments: Payments,
}

impl Replica {
    fn new(world: &World, ahead_secs: i64, collections: Arc<dyn Collections>) -> Replica {
        let now = world.clock.now();
        let computer = Arc::new(ManualClock::at(now));
        let clock = Arc::new(AnchoredClock::new(now, computer.clone()));
        let payments = world.with_ports(|ports| Ports { clock, collections, ..ports });
        let replica = Replica { computer, payments };
        replica.steps(ahead_secs);
        replica
    }

    /// Its computer's clock is set.
    fn steps(&self, secs: i64) {
        let by = Duration::from_secs(secs.unsigned_abs());
        let now = self.computer.now();
        self.computer.set(if secs < 0 { now.minus(by) } else { now.plus(by) });
    }
}

fn passes(world: &World, replicas: &[&Replica], time: Duration) {
    world.clock.advance(time);
    for replica in replicas {
        replica.computer.advance(time);
    }
}

#[tokio::test]
async fn a_slow_registration_is_made_once_under_wrong_clocks() {
    let (day, minutes) = (86_400, 120);
    for (ahead, steps) in [
        (minutes, 0),
        (-minutes, 0),
        (day, 0),
        (-day, 0),
        (0, 90),
        (0, day),
        (0, -day),
        (day, -2 * day),
        (-day, 2 * day),
    ] {
        let world = impatient_world();
        let slow = Arc::new(Slow {
            behind: world.collections.clone(),
            asked: AtomicU32::new(0),
            told: Semaphore::new(0),
        });
        let one = Replica::new(&world, ahead, slow.clone());
        let other = Replica::new(&world, -ahead, slow.clone());
        world.gateway.answers(paid("100"));
        let id = world.pending("B1", "100").await;
        let settled = one.payments.settlement.settle(&id, &Answer::default(), &caller()).await.unwrap();
        assert_eq!(settled.txn.status, Status::Success { receipt: None }, "it takes long");
        for _ in 0..6 {
            for replica in [&one, &other] {
                replica.steps(steps);
                replica.payments.receipts.tick().await.unwrap();
            }
            passes(&world, &[&one, &other], LEASE / 8);
        }
        slow.told.add_permits(9);
        while world.stored(&id).await.receipt().is_none() {
            tokio::task::yield_now().await;
        }
        passes(&world, &[&one, &other], DAY);
        other.payments.receipts.tick().await.unwrap();
        assert_eq!(slow.asked.load(Ordering::SeqCst), 1, "{ahead} s ahead, set by {steps} s");
        assert_eq!(world.collections.registered(), 1);
    }
}

#[tokio::test]
async fn a_receipt_is_not_lost_with_a_replica_whose_clock_was_ahead() {
    let world = impatient_world();
    let slow = Arc::new(Slow {
        behind: world.collections.clone(),
        asked: AtomicU32::new(0),
        told: Semaphore::new(0),
    });
    // Its call is never answered, as after a crash.
    let dead = Replica::new(&world, 86_400, slow);
    let other = Replica::new(&world, 0, world.collections.clone());
    world.gateway.answers(paid("100"));
    let id = world.pending("B1", "100").await;
    dead.payments.settlement.settle(&id, &Answer::default(), &caller()).await.unwrap();
    for _ in 0..26 {
        other.payments.receipts.tick().await.unwrap();
        passes(&world, &[&dead, &other], LEASE / 12);
    }
    assert!(world.stored(&id).await.receipt().is_some(), "within two leases and a look");
    assert_eq!(world.collections.registered(), 1);
}

#[tokio::test]
async fn no_pending_payment_is_failed_by_a_clock_that_is_ahead() {
    let world = world();
    let id = world.pending("B1", "100").await;
    world.gateway.answers(Outcome::NotFound);
    world.clock.advance(Duration::from_secs(60));
    let replica = Replica::new(&world, 0, world.collections.clone());
    for step in [DAY, MINUTES] {
        replica.computer.set(replica.computer.now().plus(step));
        let settled = replica.payments.settlement.settle(&id, &Answer::default(), &caller()).await.unwrap();
        assert_eq!(settled.txn.status, Status::Pending, "its order is a minute old");
    }
    passes(&world, &[&replica], DAY);
    replica.computer.set(world.clock.now().minus(DAY));
    let settled = replica.payments.settlement.settle(&id, &Answer::default(), &caller()).await.unwrap();
    assert_eq!(settled.txn.status, Status::Failure, "its life is over, whatever the computer's clock shows");
}
