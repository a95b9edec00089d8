//! The use cases over a real database, with an outside world that does what a test tells it.

#![allow(dead_code)] // each test binary uses a part of it
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)] // a helper of tests fails as a test does

mod database;

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use jiff::tz::TimeZone;
use payment_digit::{
    BankAccounts, Collections, DigitError, PayerDetails, Payers, Payment, Receipts as ReceiptNumbers,
    TransactionIds,
};
use payment_domain::{
    Actor, BillId, BillKey, GatewayName, HistoryEntry, ManualClock, Money, Payer, Personal, RequestInfo,
    Status, TenantId, Timestamp, Transaction, TxnId,
};
use payment_gateway::{Answer, FakeGateway, Gateway, GuardSettings, Guarded, Params, StartMode};
use payment_service::{
    AllowedCallbackHosts, BillRequest, Caller, CreateError, CreateRequest, DailyJob, EarlyJob, FollowUpJob,
    Gateways, IdempotentRequest, Identity, Job, Pace, PaceSettings, Payments, Ports, QuestionSettings,
    Reconciliation, ReconciliationSettings, Redirects, Schedule, ScheduledJob, Scheduler, SchedulerSettings,
    Settings, Subject,
};
use payment_store::{Claim, Created, Dump, NewTransaction, Store};
use serde_json::{Map, Value, json};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use database::Database;

pub(crate) const LEASE: Duration = Duration::from_secs(120);
pub(crate) const COLLECTION_CALL: Duration = Duration::from_secs(50);

/// A collection service that keeps a register and fails on demand.
#[derive(Default)]
pub(crate) struct FakeCollections {
    registered: Mutex<BTreeMap<TxnId, Vec<String>>>,
    fault: Mutex<Option<Fault>>,
    pub(crate) creates: AtomicU32,
    pub(crate) finds: AtomicU32,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Fault {
    /// Cannot be reached.
    Away,
    /// Registers the payment, but the answer is lost.
    AnswerLost,
    /// The call is cut, and does not arrive.
    Cut,
    /// Refuses every payment.
    Refuses,
    /// Takes longer than any request waits.
    Hangs,
}

impl FakeCollections {
    pub(crate) fn has(&self, fault: Option<Fault>) {
        *self.fault.lock().unwrap() = fault;
    }

    /// Somebody else has registered a payment.
    pub(crate) fn has_registered(&self, id: &TxnId, receipt: &str) {
        self.registered.lock().unwrap().insert(id.clone(), vec![receipt.to_owned()]);
    }

    pub(crate) fn registered(&self) -> usize {
        self.registered.lock().unwrap().len()
    }

    fn fault(&self) -> Option<Fault> {
        *self.fault.lock().unwrap()
    }
}

fn away() -> DigitError {
    DigitError::NotSent { service: "collection-services", source: "connection refused".into() }
}

fn unanswered() -> DigitError {
    DigitError::Unanswered { service: "collection-services", source: "timed out".into() }
}

#[async_trait]
impl Collections for FakeCollections {
    async fn validate(&self, _: &RequestInfo, _: &Payment) -> Result<(), DigitError> {
        if self.fault() == Some(Fault::Away) { Err(away()) } else { Ok(()) }
    }

    async fn create(&self, _: &RequestInfo, payment: &Payment) -> Result<ReceiptNumbers, DigitError> {
        self.creates.fetch_add(1, Ordering::SeqCst);
        let refused = || DigitError::Refused {
            service: "collection-services",
            body: r#"{"Errors":[{"code":"PAID"}]}"#.into(),
        };
        let fault = self.fault();
        match fault {
            Some(Fault::Away) => return Err(away()),
            Some(Fault::Refuses) => return Err(refused()),
            Some(Fault::Hangs) => std::future::pending::<()>().await,
            Some(Fault::Cut) => return Err(unanswered()),
            Some(Fault::AnswerLost) | None => {}
        }
        let id = payment.transaction_number.clone().expect("a payment is registered under its transaction");
        let numbers = {
            let mut registered = self.registered.lock().unwrap();
            if registered.contains_key(&id) {
                return Err(refused());
            }
            let numbers: Vec<String> =
                payment.bills.iter().map(|(bill, _)| format!("R-{id}-{bill}")).collect();
            registered.insert(id, numbers.clone());
            numbers
        };
        match fault {
            Some(Fault::AnswerLost) => Err(unanswered()),
            Some(Fault::Away | Fault::Refuses | Fault::Hangs | Fault::Cut) | None => {
                Ok(ReceiptNumbers(numbers))
            }
        }
    }

    async fn find(
        &self,
        _: &RequestInfo,
        _: &TenantId,
        id: &TxnId,
    ) -> Result<Option<ReceiptNumbers>, DigitError> {
        self.finds.fetch_add(1, Ordering::SeqCst);
        if self.fault() == Some(Fault::Away) {
            return Err(away());
        }
        Ok(self.registered.lock().unwrap().get(id).cloned().map(ReceiptNumbers))
    }
}

/// Ids, payers and bank accounts without surprises.
struct Plain(AtomicU32);

#[async_trait]
impl TransactionIds for Plain {
    async fn next(&self, _: &RequestInfo, _: &TenantId) -> Result<TxnId, DigitError> {
        Ok(TxnId::new(format!("T{:04}", self.0.fetch_add(1, Ordering::SeqCst))).unwrap())
    }
}

#[async_trait]
impl Payers for Plain {
    async fn find_or_create(&self, _: &RequestInfo, details: &PayerDetails) -> Result<Payer, DigitError> {
        Ok(Payer {
            uuid: "payer-1".to_owned(),
            user_name: details.mobile_number.clone(),
            name: details.name.clone(),
            mobile_number: details.mobile_number.clone(),
            email_id: None,
            tenant_id: details.tenant_id.state().to_owned(),
        })
    }
}

#[async_trait]
impl BankAccounts for Plain {
    async fn account_number(&self, _: &RequestInfo, _: &TenantId) -> Result<String, DigitError> {
        Ok("0001".to_owned())
    }
}

pub(crate) struct World {
    pub(crate) payments: Payments,
    pub(crate) store: Arc<dyn Store>,
    pub(crate) gateway: Arc<FakeGateway>,
    pub(crate) collections: Arc<FakeCollections>,
    pub(crate) clock: Arc<ManualClock>,
    pub(crate) database: Database,
}

pub(crate) fn world() -> World {
    world_of(StartMode::Offline, Duration::from_secs(20))
}

pub(crate) fn world_with(start_mode: StartMode) -> World {
    world_of(start_mode, Duration::from_secs(20))
}

/// A world in which nobody waits long: for tests in which somebody never answers.
pub(crate) fn impatient_world() -> World {
    world_of(StartMode::Offline, Duration::from_millis(200))
}

fn world_of(start_mode: StartMode, wait: Duration) -> World {
    world_behind(start_mode, wait, |gateway| gateway, |_| {})
}

/// A world with other settings.
pub(crate) fn world_where(start_mode: StartMode, change: impl FnOnce(&mut Settings)) -> World {
    world_behind(start_mode, Duration::from_secs(20), |gateway| gateway, change)
}

/// A world whose gateway has a guard before it, as a service's have.
pub(crate) fn guarded_world(settings: GuardSettings) -> World {
    let guard = |gateway| Arc::new(Guarded::new(gateway, settings)) as Arc<dyn Gateway>;
    world_behind(StartMode::Offline, Duration::from_secs(20), guard, |_| {})
}

fn world_behind(
    start_mode: StartMode,
    wait: Duration,
    guard: impl FnOnce(Arc<dyn Gateway>) -> Arc<dyn Gateway>,
    change: impl FnOnce(&mut Settings),
) -> World {
    world_in(Database::open, start_mode, wait, guard, change)
}

/// A world whose database is in PostgreSQL whatever `TEST_STORE` says.
pub(crate) fn world_in_postgres() -> World {
    let wait = Duration::from_secs(20);
    world_in(Database::in_postgres, StartMode::Offline, wait, |gateway| gateway, |_| {})
}

fn world_in(
    database: impl FnOnce(&Arc<ManualClock>) -> Database,
    start_mode: StartMode,
    wait: Duration,
    guard: impl FnOnce(Arc<dyn Gateway>) -> Arc<dyn Gateway>,
    change: impl FnOnce(&mut Settings),
) -> World {
    let clock = Arc::new(ManualClock::at(Timestamp::from_millis(1_700_000_000_000)));
    let database = database(&clock);
    let store = database.store.clone();
    let gateway = Arc::new(FakeGateway::new("FAKE", start_mode));
    let collections = Arc::new(FakeCollections::default());
    let mut ports = plain_ports(&store, &collections, &clock, wait);
    ports.gateways = Gateways::new([guard(gateway.clone())]);
    change(&mut ports.settings);
    let payments = Payments::new(ports);
    World { payments, store, gateway, collections, clock, database }
}

/// The outside world of the use cases, without a gateway.
fn plain_ports(
    store: &Arc<dyn Store>,
    collections: &Arc<FakeCollections>,
    clock: &Arc<ManualClock>,
    wait: Duration,
) -> Ports {
    let plain = Arc::new(Plain(AtomicU32::new(1)));
    Ports {
        store: store.clone(),
        gateways: Gateways::default(),
        ids: plain.clone(),
        collections: collections.clone(),
        payers: plain.clone(),
        bank_accounts: plain,
        clock: clock.clone(),
        settings: Settings {
            redirects: Redirects::Service { public_url: "https://pay.example.org/pg-service".to_owned() },
            early_interval: Duration::from_secs(15 * 60),
            order_life: Some(Duration::from_secs(24 * 3600)),
            order_life_of: BTreeMap::new(),
            ask_after: Some(Duration::from_secs(60)),
            reuse_after: Some(Duration::from_secs(5)),
            time_zone: TimeZone::get("Asia/Kolkata").unwrap(),
            receipt_wait: wait,
            receipt_lease: LEASE,
            collection_call: COLLECTION_CALL,
            largest_clock_offset: None,
            gateway_wait: wait,
            questions: QuestionSettings { burst: 1000, every: Duration::from_secs(10) },
            pace: PaceSettings { of_others: Pace { at_once: 16, per_second: None }, own: BTreeMap::new() },
            search_scope: true,
            system_user_uuid: "system-1".to_owned(),
            allowed_callback_hosts: AllowedCallbackHosts::of_all(
                ["city.example", "city.example.org", "localhost"].map(str::to_owned).to_vec(),
            ),
            unsigned_callbacks_per_day: 20,
        },
        tasks: TaskTracker::new(),
    }
}

pub(crate) fn rupees(text: &str) -> Money {
    Money::parse(text).unwrap()
}

pub(crate) fn paid(text: &str) -> payment_domain::Outcome {
    payment_domain::Outcome::Paid { amount: Some(rupees(text)) }
}

pub(crate) fn declined() -> payment_domain::Outcome {
    payment_domain::Outcome::Declined { reason: "no funds".to_owned() }
}

pub(crate) fn info() -> RequestInfo {
    serde_json::from_value(json!({"apiId": "test", "authToken": "secret-token", "userInfo": {
        "uuid": "user-1", "name": "Asha Rani", "userName": "asha", "mobileNumber": "9876543210",
        "tenantId": "pb", "type": "CITIZEN"}}))
    .unwrap()
}

pub(crate) fn identity() -> Identity {
    Identity::vouched(info())
}

pub(crate) fn caller() -> Caller {
    Caller::new(Actor::user("user-1"), identity())
}

pub(crate) fn request(bills: &[(&str, &str)]) -> CreateRequest {
    let total: i64 = bills.iter().map(|(_, amount)| rupees(amount).minor()).sum();
    CreateRequest {
        identity: identity(),
        tenant_id: TenantId::new("pb.amritsar").unwrap(),
        amount: format!("{}.{:02}", total / 100, total % 100),
        bill_id: BillId::new(bills[0].0).unwrap(),
        module: Some("PT".to_owned()),
        consumer_code: "PT-1".to_owned(),
        bills: bills
            .iter()
            .map(|(bill, amount)| BillRequest {
                tax_amount: None,
                amount_paid: (*amount).to_owned(),
                bill_id: BillId::new(*bill).unwrap(),
            })
            .collect(),
        product_info: "Property tax".to_owned(),
        gateway: GatewayName::new("fake"),
        callback_url: url::Url::parse("https://city.example.org/done?x=1").unwrap(),
        callback_text: "https://city.example.org/done?x=1".to_owned(),
        payer: PayerDetails {
            name: Personal::new("Asha Rani"),
            mobile_number: Personal::new("9876543210"),
            email_id: None,
            user_name: None,
            uuid: None,
            tenant_id: TenantId::new("pb.amritsar").unwrap(),
        },
        additional_details: Map::new(),
        idempotent: None,
        subject: Subject::default(),
    }
}

/// The same request for somebody else, who does not take over a payment that was begun.
pub(crate) fn by_another(mut request: CreateRequest) -> CreateRequest {
    request.payer.mobile_number = Personal::new("9876543211");
    request
}

pub(crate) fn with_key(request: CreateRequest, key: &str, digest: u8) -> CreateRequest {
    CreateRequest {
        idempotent: Some(IdempotentRequest { key: key.to_owned(), digest: [digest; 32] }),
        ..request
    }
}

/// The codes of a refused create.
pub(crate) fn codes(result: Result<impl std::fmt::Debug, CreateError>) -> Vec<&'static str> {
    match result {
        Err(CreateError::Refused(refusals)) => refusals.iter().map(|refusal| refusal.code).collect(),
        other => panic!("expected a refusal, got {other:?}"),
    }
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
        let ports = plain_ports(&self.store, &self.collections, &self.clock, Duration::from_secs(20));
        let gateway = self.gateway.clone() as Arc<dyn Gateway>;
        let gateways = Gateways::default().with_switched_off([gateway]);
        World { payments: Payments::new(Ports { gateways, ..ports }), ..self }
    }

    pub(crate) fn reconciliation(&self) -> Reconciliation {
        reconciliation_of(&self.payments)
    }

    /// The same service where gateways are asked at another pace, and payments are worth other questions.
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

    /// Lets time pass in steps, at each of which the node looks what is due.
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
