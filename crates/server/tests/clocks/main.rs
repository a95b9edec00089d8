//! Clocks: replicas of the real program whose computers' clocks are wrong, or are set during their work,
//! beside a collection service that takes six seconds to register a payment. Each payment is registered once
//! and receipted, and no pending one is failed.
//!
//! libfaketime makes the clocks of processes wrong (`apt-get install libfaketime`; `FAKETIME_LIBRARY`
//! names it where it is not found). It leaves stopwatches alone.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::float_arithmetic, clippy::panic)]

#[path = "../proof/mod.rs"]
mod proof;
#[path = "../support/mod.rs"]
mod support;

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use futures_util::future::join_all;
use payment_simulator::digit::{Endpoint, Fault, PretendDigit};
use payment_simulator::sandbox::{Choice, Visitor};
use payment_testing::postgres::FreshDatabase;
use serde_json::{Value, json};

use crate::proof::gateway::{Gateway, SECRET};
use crate::support::payer::create_request;
use crate::support::{Service, free_port, http_client, library, pg_service};

const DAY: i64 = 86_400;
const PAYMENTS: usize = 3;
/// Longer than two calls of [`CALL_MS`] and a reserve.
const RECEIPT_LEASE: Duration = Duration::from_secs(16);
const CALL_MS: u64 = 7_000;
const REGISTERING: Duration = Duration::from_secs(6);
/// How long the last receipt may take: two leases, and the look-ups of a busy machine.
const PATIENCE: Duration = Duration::from_secs(90);

/// The behaviour of the computers' clocks.
#[derive(Debug, Clone, Copy)]
struct Case {
    name: &'static str,
    /// By how many seconds the clock of the replica that registers is ahead, and that of the other.
    ahead: [i64; 2],
    /// By how many seconds both are set while it registers.
    steps: [i64; 2],
    /// Whether the replica that registers is killed in the middle of it.
    dies: bool,
}

const CASES: [Case; 6] = [
    Case { name: "ahead", ahead: [120, 0], steps: [0, 0], dies: false },
    Case { name: "behind", ahead: [-120, 120], steps: [0, 0], dies: false },
    Case { name: "days apart", ahead: [DAY, -DAY], steps: [0, 0], dies: false },
    Case { name: "stepping", ahead: [0, 0], steps: [-90, 90], dies: false },
    Case { name: "stepping by days", ahead: [0, 0], steps: [-DAY, DAY], dies: false },
    Case { name: "ahead and dying", ahead: [120, 0], steps: [0, 0], dies: true },
];

/// A replica whose computer's clock a test sets.
struct Replica {
    service: Service,
    clock: PathBuf,
    http: reqwest::Client,
}

impl Replica {
    async fn start(folder: &Path, name: &str, ahead: i64, settings: &[(&str, String)]) -> Replica {
        let folder = folder.join(name);
        std::fs::create_dir(&folder).unwrap();
        let clock = folder.join("clock");
        set(&clock, ahead);
        let mut command = pg_service(&folder);
        command
            .env("LD_PRELOAD", library("FAKETIME_LIBRARY", "faketime/libfaketime.so.1", "libfaketime"))
            .env("FAKETIME_TIMESTAMP_FILE", &clock)
            .env("FAKETIME_NO_CACHE", "1")
            .env("FAKETIME_DONT_FAKE_MONOTONIC", "1")
            .env("PG_SERVICE_SANDBOX_SECRET", SECRET)
            .args(["--log-level", "warn"]);
        for (name, value) in settings {
            if *name == "spring.datasource.url" {
                command.env("SPRING_DATASOURCE_URL", value);
            } else {
                command.args(["--set", &format!("{name}={value}")]);
            }
        }
        let service = Service::start(command, free_port(), &folder.join("log")).await;
        Replica { service, clock, http: http_client() }
    }

    async fn post(&self, path: &str, body: &Value) -> Value {
        let answer = self.http.post(format!("{}{path}", self.service.url())).json(body).send().await.unwrap();
        let (status, body) = (answer.status(), answer.json().await.unwrap());
        assert_eq!(status, 200, "{path}: {body}");
        body
    }

    async fn create(&self, bill: &str) -> (String, String) {
        let created = self
            .post("/transaction/v1/_create", &create_request(bill, "75.25", "http://127.0.0.1:1/done"))
            .await;
        let text = |name: &str| created["Transaction"][name].as_str().unwrap().to_owned();
        (text("txnId"), text("redirectUrl"))
    }

    async fn update(&self, id: &str) -> Value {
        let path = format!("/transaction/v1/_update?transactionId={id}");
        self.post(&path, &json!({ "RequestInfo": {} })).await["Transaction"][0].clone()
    }

    /// By how many seconds the clock of its computer is ahead, as it says itself.
    async fn says_ahead(&self) -> f64 {
        let url = format!("{}/health/readiness", self.service.url());
        let readiness: Value = self.http.get(url).send().await.unwrap().json().await.unwrap();
        readiness["clock"]["computerAheadSeconds"].as_f64().unwrap()
    }
}

fn set(clock: &Path, ahead: i64) {
    // Whole or not at all: it is read at every look at the clock.
    let draft = clock.with_extension("draft");
    std::fs::write(&draft, format!("{ahead:+}\n")).unwrap();
    std::fs::rename(draft, clock).unwrap();
}

fn is_about(seen: f64, expected: i64) -> bool {
    let expected = f64::from(i32::try_from(expected).unwrap());
    (expected - 5.0..=expected + 5.0).contains(&seen)
}

/// A sandbox without callbacks: the test decides when a payment is found.
async fn gateway(folder: &Path) -> Gateway {
    Gateway::open(folder, |usual| usual, |router| router).await
}

async fn pay(visitor: &Visitor, link: &str) {
    let page = visitor.open(link).await.unwrap();
    visitor.choose(&page, Choice::Pay).await.unwrap();
}

fn settings(digit: &PretendDigit, gateway: &Gateway) -> Vec<(&'static str, String)> {
    vec![
        ("sandbox.url", gateway.url().to_owned()),
        ("sandbox.active", "true".to_owned()),
        ("sandbox.beside-digit", "true".to_owned()),
        ("callback.allowed-hosts", "127.0.0.1".to_owned()),
        ("identity.proof", "believed".to_owned()),
        ("egov.collectionservice.host", digit.url().to_owned()),
        ("services.connect-timeout-ms", "2000".to_owned()),
        ("services.timeout-ms", CALL_MS.to_string()),
        ("receipts.wait-ms", "500".to_owned()),
        ("receipts.lease-ms", RECEIPT_LEASE.as_millis().to_string()),
        ("receipts.interval-ms", "200".to_owned()),
    ]
}

async fn until_receipted(replica: &Replica, ids: &[String], digit: &PretendDigit, name: &str) {
    let started = Instant::now();
    for id in ids {
        loop {
            let txn = replica.update(id).await;
            assert_eq!(txn["txnStatus"], "SUCCESS", "{name}: {txn}");
            if txn["receipt"].is_string() {
                break;
            }
            assert!(started.elapsed() < PATIENCE, "{name}: no receipt: {}", replica.service.log());
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    }
    // Time for a wrong second registration.
    tokio::time::sleep(Duration::from_secs(2)).await;
    let registered: Vec<String> =
        digit.payments().into_iter().map(|payment| payment.transaction_number).collect();
    assert_eq!(registered.len(), ids.len(), "{name}: {registered:?}");
    assert!(ids.iter().all(|id| registered.contains(id)), "{name}: {registered:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn replicas_whose_clocks_differ_or_are_set_register_each_payment_once_and_fail_none() {
    join_all(CASES.map(beside_each_other)).await;
}

async fn beside_each_other(case: Case) {
    let Case { name, ahead, steps, dies } = case;
    let folder = tempfile::tempdir().unwrap();
    let (database, digit) = (FreshDatabase::create().await, PretendDigit::start().await.unwrap());
    let gateway = gateway(folder.path()).await;
    let mut settings = settings(&digit, &gateway);
    settings.push(("spring.datasource.url", database.url().to_owned()));
    settings.push(("database.pool-size", "4".to_owned()));
    if !dies {
        // So that jobs are run by clocks that are wrong by minutes, too.
        settings.push(("scheduler.lease-ms", "600000".to_owned()));
    }
    let mut one = Replica::start(folder.path(), "one", ahead[0], &settings).await;
    let other = Replica::start(folder.path(), "other", ahead[1], &settings).await;
    for (replica, ahead) in [(&one, ahead[0]), (&other, ahead[1])] {
        let seen = replica.says_ahead().await;
        assert!(is_about(seen, ahead), "{name}: its clock is {seen} s ahead");
    }

    let visitor = Visitor::new(Duration::from_secs(20)).unwrap();
    let (pending, _) = one.create("B-pending").await;
    let mut ids = Vec::new();
    for nth in 0..PAYMENTS {
        let (id, link) = one.create(&format!("B{nth}")).await;
        pay(&visitor, &link).await;
        ids.push(id);
    }
    digit.set_fault(
        Endpoint::CreatePayment,
        Fault::SlowWork { ms: u64::try_from(REGISTERING.as_millis()).unwrap() },
    );
    for txn in join_all(ids.iter().map(|id| one.update(id))).await {
        assert_eq!((&txn["txnStatus"], txn["receipt"].is_string()), (&json!("SUCCESS"), false), "{name}");
    }
    for ((replica, ahead), step) in [&one, &other].into_iter().zip(ahead).zip(steps) {
        set(&replica.clock, ahead + step);
    }
    if dies {
        one.service.kill();
    } else {
        assert_eq!(one.update(&pending).await["txnStatus"], "PENDING", "{name}");
    }
    assert_eq!(other.update(&pending).await["txnStatus"], "PENDING", "{name}");
    until_receipted(&other, &ids, &digit, name).await;
    let calls = u64::try_from(PAYMENTS).unwrap();
    let asked = digit.count(Endpoint::CreatePayment);
    assert_eq!(asked, if dies { 2 * calls } else { calls }, "{name}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_single_service_continues_by_its_own_stopwatch_when_its_clock_is_set() {
    for step in [DAY, -DAY] {
        let folder = tempfile::tempdir().unwrap();
        let digit = PretendDigit::start().await.unwrap();
        let gateway = gateway(folder.path()).await;
        let service = Replica::start(folder.path(), "service", 0, &settings(&digit, &gateway)).await;
        let visitor = Visitor::new(Duration::from_secs(20)).unwrap();
        let (pending, _) = service.create("B-pending").await;
        let (id, link) = service.create("B1").await;
        pay(&visitor, &link).await;
        digit.set_fault(Endpoint::CreatePayment, Fault::SlowWork { ms: 3_000 });
        assert_eq!(service.update(&id).await["txnStatus"], "SUCCESS");
        set(&service.clock, step);
        assert!(is_about(service.says_ahead().await, step));
        assert_eq!(service.update(&pending).await["txnStatus"], "PENDING", "set by {step} s");
        until_receipted(&service, &[id], &digit, "alone").await;
        assert_eq!(digit.count(Endpoint::CreatePayment), 1);
    }
}
