//! The use cases over a real database, with a gateway and a collection service that tests direct.

mod builders;
mod fakes;
pub(crate) mod refunds;

use std::sync::Arc;
use std::time::Duration;

use jiff::tz::TimeZone;
use payment_domain::{
    Actor, AuditActor, BillId, BillKey, HistoryEntry, ManualClock, Personal, Status, TenantId, Timestamp,
    Transaction, TxnId,
};
use payment_gateway::{Answer, FakeGateway, Gateway, GuardSettings, Guarded, Params, StartMode};
use payment_service::{
    CreateError, CreateRequest, DailyJob, EarlyJob, FollowUpJob, Gateways, Job, Pace, PaceSettings, Payments,
    Ports, QuestionSettings, Reconciliation, ReconciliationSettings, Schedule, ScheduledJob, Scheduler,
    SchedulerSettings, Settings,
};
use payment_store::{Claim, Created, Dump, NewTransaction, Store};
use payment_testing::collections::FakeCollections;
use payment_testing::database::Database;
use serde_json::Value;
use tokio_util::sync::CancellationToken;

use builders::ports;
pub(crate) use builders::{
    ALREADY_PAID, COLLECTION_CALL, LEASE, by_another, caller, codes, declined, identity, paid, request,
    request_in, rupees, with_key,
};

pub(crate) struct World {
    pub(crate) payments: Payments,
    pub(crate) store: Arc<dyn Store>,
    pub(crate) gateway: Arc<FakeGateway>,
    pub(crate) collections: Arc<FakeCollections>,
    pub(crate) clock: Arc<ManualClock>,
    pub(crate) database: Database,
}

pub(crate) fn world() -> World {
    world_with(StartMode::Offline)
}

pub(crate) fn world_with(start_mode: StartMode) -> World {
    world_where(start_mode, |_| {})
}

/// A world in which requests wait 0.2 s for the gateway or a receipt.
pub(crate) fn impatient_world() -> World {
    world_where(StartMode::Offline, |settings| {
        settings.receipt_wait = Duration::from_millis(200);
        settings.gateway_wait = Duration::from_millis(200);
    })
}

/// A world with other settings.
pub(crate) fn world_where(start_mode: StartMode, change: impl FnOnce(&mut Settings)) -> World {
    build(Database::open, start_mode, |gateway| gateway, change)
}

/// A world with a guarded gateway, as in the service.
pub(crate) fn guarded_world(settings: GuardSettings) -> World {
    let guard = |gateway| Arc::new(Guarded::new(gateway, settings)) as Arc<dyn Gateway>;
    build(Database::open, StartMode::Offline, guard, |_| {})
}

/// A world on PostgreSQL, independent of `TEST_STORE`.
pub(crate) fn world_in_postgres() -> World {
    build(Database::in_postgres, StartMode::Offline, |gateway| gateway, |_| {})
}

fn build(
    database: impl FnOnce(&Arc<ManualClock>) -> Database,
    start_mode: StartMode,
    guard: impl FnOnce(Arc<dyn Gateway>) -> Arc<dyn Gateway>,
    change: impl FnOnce(&mut Settings),
) -> World {
    let clock = Arc::new(ManualClock::at(Timestamp::from_millis(1_700_000_000_000)));
    let database = database(&clock);
    let store = database.store.clone();
    let gateway = Arc::new(FakeGateway::new("FAKE", start_mode));
    let collections = Arc::new(FakeCollections::default());
    let mut ports = ports(&store, &collections, &clock);
    ports.gateways = Gateways::new([guard(gateway.clone())]);
    change(&mut ports.settings);
    let payments = Payments::new(ports);
    World { payments, store, gateway, collections, clock, database }
}

/// An operator with the shared token.
pub(crate) fn named(name: &str) -> AuditActor {
    AuditActor::Operator { name: Personal::new(name), address: None }
}

pub(crate) const MINUTE: Duration = Duration::from_secs(60);
pub(crate) const HOUR: Duration = Duration::from_secs(3600);

fn reconciliation_of(payments: &Payments) -> Reconciliation {
    let settings = ReconciliationSettings { distances: vec![MINUTE * 30, HOUR, HOUR * 2, HOUR * 6] };
    Reconciliation::new(payments.ports.clone(), payments.settlement.clone(), settings)
}

impl World {
    /// The same service after a restart with its gateway switched off.
    pub(crate) fn with_gateway_switched_off(self) -> World {
        let ports = ports(&self.store, &self.collections, &self.clock);
        let gateway = self.gateway.clone() as Arc<dyn Gateway>;
        let gateways = Gateways::default().with_switched_off([gateway]);
        World { payments: Payments::new(Ports { gateways, ..ports }), ..self }
    }

    pub(crate) fn reconciliation(&self) -> Reconciliation {
        reconciliation_of(&self.payments)
    }

    /// The same service with another pace and other limits of status requests.
    pub(crate) fn asking(self, per_second: Option<u32>, burst: u32) -> World {
        let payments = self.with_ports(|ports| {
            let of_others = Pace { per_second, ..ports.settings.pace.of_others };
            let pace = PaceSettings { of_others, ..ports.settings.pace };
            let questions = QuestionSettings { burst, ..ports.settings.questions };
            Ports { settings: Settings { pace, questions, ..ports.settings }, ..ports }
        });
        World { payments, ..self }
    }

    /// The jobs of a service as this node runs them, on the world's clock.
    pub(crate) fn scheduler(&self, node: &str) -> Scheduler {
        self.scheduler_with_lease(node, Duration::from_secs(15))
    }

    pub(crate) fn scheduler_with_lease(&self, node: &str, lease: Duration) -> Scheduler {
        self.scheduler_of(node, lease, self.reconciliation())
    }

    fn scheduler_of(&self, node: &str, lease: Duration, reconciliation: Reconciliation) -> Scheduler {
        let job = |name, schedule, job: Arc<dyn Job>| ScheduledJob { name, purpose: "", schedule, job };
        let daily = Schedule::cron("0 0 0,12 * * ?", TimeZone::get("Asia/Kolkata").unwrap()).unwrap();
        let jobs = vec![
            job("early", Schedule::every(MINUTE * 15), Arc::new(EarlyJob(reconciliation.clone()))),
            job("follow-up", Schedule::every(MINUTE), Arc::new(FollowUpJob(reconciliation.clone()))),
            job("daily", daily, Arc::new(DailyJob(reconciliation))),
        ];
        let settings = SchedulerSettings { node: node.to_owned(), lease, largest_clock_offset: None };
        Scheduler::new(self.store.clone(), self.clock.clone(), settings, jobs)
    }

    /// Lets time pass in steps, at each of which the node looks for due ticks.
    pub(crate) async fn pass(&self, scheduler: &Scheduler, time: Duration, step: Duration) {
        let stop = CancellationToken::new();
        let mut passed = Duration::ZERO;
        while passed < time {
            self.clock.advance(step.min(time - passed));
            passed += step;
            scheduler.look_once(&stop).await.unwrap();
        }
    }

    pub(crate) async fn create(&self, request: CreateRequest) -> Result<Value, CreateError> {
        let json = self.payments.creation.create(request).await?.json;
        Ok(serde_json::from_str(json.get()).unwrap())
    }

    /// A create that ends between its commit and the opening of its order.
    pub(crate) async fn dies_before_the_order_is_opened(&self, request: CreateRequest) {
        let (creation, starts) = (self.payments.creation.clone(), self.gateway.starts());
        self.gateway.is_slow(HOUR);
        tokio::spawn(async move { creation.create(request).await });
        while self.gateway.starts() == starts {
            tokio::task::yield_now().await;
        }
        self.gateway.is_slow(Duration::ZERO);
    }

    /// Creates a payment of one bill; returns its id.
    pub(crate) async fn pending(&self, bill: &str, amount: &str) -> TxnId {
        let txn = self.create(request(&[(bill, amount)])).await.unwrap();
        assert_eq!(txn["txnStatus"], "PENDING");
        TxnId::new(txn["txnId"].as_str().unwrap()).unwrap()
    }

    /// A payment of one bill that an earlier egov-pg-service has left with this status.
    pub(crate) async fn adopted(&self, id: &str, bill: &str, status: Status) -> TxnId {
        let id = TxnId::new(id).unwrap();
        let pattern = self.pending(&format!("pattern of {bill}"), "100").await;
        let mut txn = self.stored(&pattern).await;
        txn.id = id.clone();
        txn.bill_id = BillId::new(bill).unwrap();
        txn.bills[0].bill_id = txn.bill_id.clone();
        txn.callback_url = None;
        txn.status = status;
        let history = HistoryEntry {
            txn_id: id.clone(),
            at: txn.audit.created_at,
            actor: Actor::user("user-1"),
            from: None,
            to: txn.status.name(),
            why: "created".to_owned(),
            evidence: Value::Null,
        };
        let new = NewTransaction {
            txn,
            redirect_form: None,
            history,
            dump: Dump { request: None, response: None },
            events: Vec::new(),
            receipt_task: None,
            idempotency: None,
        };
        assert_eq!(self.store.create(new).await.unwrap(), Created::Stored);
        id
    }

    /// The use cases of the same service with a part of its outside world replaced.
    pub(crate) fn with_ports(&self, replace: impl FnOnce(Ports) -> Ports) -> Payments {
        let ports = &self.payments.ports;
        Payments::new(replace(Ports {
            store: ports.store.clone(),
            gateways: ports.gateways.clone(),
            ids: ports.ids.clone(),
            collections: ports.collections.clone(),
            payers: ports.payers.clone(),
            bank_accounts: ports.bank_accounts.clone(),
            clock: ports.clock.clone(),
            settings: ports.settings.clone(),
            tasks: ports.tasks.clone(),
        }))
    }

    pub(crate) async fn settle(&self, id: &TxnId) -> Transaction {
        self.payments.settlement.settle(id, &Answer::default(), &caller()).await.unwrap().txn
    }

    pub(crate) async fn settle_with(
        &self,
        id: &TxnId,
        params: &[(&str, &str)],
    ) -> Result<Transaction, payment_service::SettleError> {
        let params = params.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        let answer = Answer::of_params(Params::new(params));
        Ok(self.payments.settlement.settle(id, &answer, &caller()).await?.txn)
    }

    pub(crate) async fn stored(&self, id: &TxnId) -> Transaction {
        self.store.transaction(id).await.unwrap().unwrap()
    }

    pub(crate) async fn claims(&self, bill: &str) -> Vec<Claim> {
        let key = BillKey { tenant: TenantId::new("pb.amritsar").unwrap(), bill: BillId::new(bill).unwrap() };
        self.store.claims(&[key]).await.unwrap()
    }

    /// `from>to` of every line of the history.
    pub(crate) async fn steps(&self, id: &TxnId) -> Vec<String> {
        let history = self.store.history(id).await.unwrap();
        history
            .iter()
            .map(|entry| format!("{}>{}", entry.from.map_or("", |from| from.as_str()), entry.to.as_str()))
            .collect()
    }

    /// Kind and status of every event.
    pub(crate) async fn events(&self, id: &TxnId) -> Vec<String> {
        let events = self.store.events_of(id).await.unwrap();
        events
            .iter()
            .map(|stored| {
                let body: Value = serde_json::from_str(&stored.event.body).unwrap();
                assert_ne!(body["RequestInfo"]["authToken"], "secret-token", "a token is never stored");
                let status = body["Transaction"]["txnStatus"].as_str().unwrap_or("-");
                let receipt = if body["Transaction"]["receipt"].is_string() { "+receipt" } else { "" };
                format!("{} {status}{receipt}", stored.event.kind.as_str())
            })
            .collect()
    }
}
