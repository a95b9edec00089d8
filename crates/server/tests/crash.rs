//! Crashes: the real program is loaded with payments and killed (`kill -9`) at random moments, again
//! and again. Afterwards what it stored is compared with the books of the sandbox gateway, which
//! stands apart and lives on like a real one. (The machine itself stays up: this is about the
//! process, not about what a disk does when the power fails.)
//!
//! `CRASH_KILLS=300` for a long run, `CRASH_SEED=…` to repeat a run.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::print_stdout)]

#[path = "crash/check.rs"]
mod check;
#[path = "crash/gateway.rs"]
mod gateway;
#[path = "crash/load.rs"]
mod load;
#[path = "crash/random.rs"]
mod random;
mod support;

use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use payment_store::Store;
use payment_store_sqlite::{Options, SqliteStore};

use crate::gateway::{Gateway, SECRET};
use crate::load::Load;
use crate::random::Random;
use crate::support::{PATIENCE, Service, free_port, pg_service};

/// The service's life before it is killed, at most.
const LONGEST_LIFE_MS: u64 = 350;
/// About how long it takes to start: now and then it is killed while it does.
const START_MS: u64 = 40;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_paid_is_receipted_once_whenever_the_service_dies() {
    let number = |name: &str| std::env::var(name).ok().and_then(|text| text.parse::<u64>().ok());
    let kills = number("CRASH_KILLS").unwrap_or(50);
    let seed = number("CRASH_SEED").unwrap_or_else(|| getrandom::u64().unwrap());
    println!("CRASH_SEED={seed} CRASH_KILLS={kills}");
    let mut random = Random::new(seed);

    let folder = tempfile::tempdir().unwrap();
    let gateway = Gateway::start(folder.path()).await;
    let port = free_port();
    let world = World { folder: folder.path(), port, sandbox: gateway.url().to_owned() };

    let mut service = world.start_service().await;
    let load = Load::start(service.url(), &mut random);
    let mut to_answer = Vec::new();
    let mut longest_life = LONGEST_LIFE_MS;
    for _ in 0..kills {
        // A random moment is the point: no event is waited for.
        tokio::time::sleep(Duration::from_millis(random.below(longest_life))).await;
        service.kill();
        let started = Instant::now();
        service = world.launch_service();
        if random.percent(20) {
            longest_life = START_MS;
        } else {
            longest_life = LONGEST_LIFE_MS;
            service.answers().await;
            to_answer.push(started.elapsed());
        }
    }
    service.answers().await;
    tokio::time::sleep(Duration::from_millis(LONGEST_LIFE_MS)).await;
    let ledger = load.stop().await;

    // Whatever was left open is now asked for, until nothing is under way any more.
    gateway.until_late_answers_have_come().await;
    let store = world.open_store();
    let ids = check::stored_ids(&store).await;
    load::update_all(service.url(), &ids).await;
    until_receipts_are_issued(&store).await;
    drop(store);
    service.signal("TERM");
    let status = service.ended().await;
    assert!(status.success(), "it stops in order: {status}\n{}", service.log());

    let figures = check::all(&world.open_store(), &world.database(), &gateway.books().await, &ledger).await;
    to_answer.sort();
    println!("{}", figures.table(kills, &to_answer));
    assert!(figures.faults.is_empty(), "seed {seed}: {:#?}", figures.faults);
    assert!(figures.paid > 0 && figures.receipts > 0, "nothing was tried");
}

async fn until_receipts_are_issued(store: &Arc<SqliteStore>) {
    let started = Instant::now();
    while store.backlog().await.unwrap().receipts_due > 0 {
        assert!(started.elapsed() < PATIENCE, "receipts stay due: {:?}", store.backlog().await);
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

/// What every start of the service has in common.
struct World<'a> {
    folder: &'a Path,
    port: u16,
    sandbox: String,
}

impl World<'_> {
    async fn start_service(&self) -> Service {
        let mut service = self.launch_service();
        service.answers().await;
        service
    }

    fn launch_service(&self) -> Service {
        let mut command = pg_service(self.folder);
        command.env("PG_SERVICE_SANDBOX_SECRET", SECRET).args([
            "--log-level",
            "warn",
            "--set",
            &format!("sandbox.url={}", self.sandbox),
            // A dead owner's right to issue a receipt is soon taken over.
            "--set",
            "receipts.lease-ms=1000",
            "--set",
            "receipts.interval-ms=100",
        ]);
        Service::launch(command, self.port, &self.folder.join("service.log"))
    }

    fn database(&self) -> std::path::PathBuf {
        self.folder.join("data/payments.db")
    }

    fn open_store(&self) -> Arc<SqliteStore> {
        Arc::new(SqliteStore::open(&self.database(), &Options::default()).unwrap())
    }
}
