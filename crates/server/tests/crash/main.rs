//! Crashes: the real program is loaded with payments and killed (`kill -9`) at random moments, again and
//! again. Afterwards its rows are compared with the books of the sandbox gateway, a separate process that is
//! not killed. (The machine stays up: this is about the process, not about power failures.)
//!
//! `CRASH_KILLS=300` for a long run, `CRASH_SEED=…` to repeat a run.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::print_stdout)]

mod database;
#[path = "../proof/mod.rs"]
mod proof;
#[path = "../support/mod.rs"]
mod support;

use std::path::Path;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use payment_domain::RefundReceipt;

use crate::database::Database;
use crate::proof::check::{self, Evidence};
use crate::proof::gateway::{Gateway, SECRET};
use crate::proof::load::{self, Doors, Load};
use crate::proof::number;
use crate::proof::random::Random;
use crate::proof::refunds;
use crate::support::{PATIENCE, Service, free_port, pg_service};

/// About how long it takes to start: now and then it is killed while it does.
const START: Duration = Duration::from_millis(40);

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_payment_gets_one_receipt_whenever_the_service_dies() {
    let folder = tempfile::tempdir().unwrap();
    let database = Database::embedded(folder.path());
    survive(folder.path(), database).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_payment_gets_one_receipt_whenever_the_service_on_postgres_dies() {
    let folder = tempfile::tempdir().unwrap();
    survive(folder.path(), Database::postgres().await).await;
}

async fn survive(folder: &Path, database: Database) {
    let kills = number("CRASH_KILLS").unwrap_or(50);
    let seed = number("CRASH_SEED").unwrap_or_else(|| getrandom::u64().unwrap());
    println!("CRASH_SEED={seed} CRASH_KILLS={kills}");
    let mut random = Random::new(seed);

    let gateway = Gateway::start(folder).await;
    let world = World { folder, database, port: free_port(), sandbox: gateway.url().to_owned() };

    let mut service = world.start_service().await;
    let doors = Doors::of(service.url());
    let load = Load::start(&doors, &mut random);
    let mut to_answer = Vec::new();
    let usual_life = world.database.longest_life();
    let mut longest_life = usual_life;
    for _ in 0..kills {
        // A random moment is the point: no event is waited for.
        let longest_ms = u64::try_from(longest_life.as_millis()).unwrap();
        tokio::time::sleep(Duration::from_millis(random.below(longest_ms))).await;
        service.kill();
        doors.deaths.fetch_add(1, Ordering::SeqCst);
        let started = Instant::now();
        service = world.launch_service();
        if random.percent(20) {
            longest_life = START;
        } else {
            longest_life = usual_life;
            service.answers().await;
            to_answer.push(started.elapsed());
        }
    }
    service.answers().await;
    tokio::time::sleep(usual_life).await;
    let ledger = load.stop().await;

    // Open refunds are requested now, until none is under way any more.
    gateway.until_late_answers_have_come().await;
    let store = world.database.open().await;
    let ids = check::stored_ids(store.as_ref()).await;
    load::update_all(&doors, &ids).await;
    check::until_receipts_are_issued(store.as_ref()).await;
    refunds::until_done(store.as_ref(), PATIENCE).await;
    drop(store);
    service.signal("TERM");
    let status = service.ended().await;
    assert!(status.success(), "it stops in order: {status}\n{}", service.log());

    let store = world.database.open().await;
    let outbox = check::outbox(store.as_ref()).await;
    let refunded = refunds::stored(store.as_ref()).await;
    let evidence = Evidence {
        store,
        outbox: &outbox,
        books: &gateway.books().await,
        register: &world.database.register().await,
        ledger: &ledger,
        refunds: &refunded,
    };
    let mut figures = check::all(&evidence).await;
    let (faults, given_back) = refunds::compare(&refunded, &gateway.refunds().await, &ledger.approved);
    figures.faults.extend(faults);
    // The embedded collection service refuses no cancellation.
    let standing = refunded.iter().filter(|refund| check::is_whole(refund));
    let standing =
        standing.filter(|refund| !matches!(refund.receipt, RefundReceipt::Cancelled | RefundReceipt::None));
    figures.faults.extend(standing.map(|refund| format!("refund {}: {:?}", refund.id, refund.receipt)));
    println!("{} refunds, {given_back} of them succeeded", refunded.len());
    let events = world.database.count_events().await;
    if events != outbox.len() {
        figures.faults.push(format!("{events} events, of which {} were read", outbox.len()));
    }
    figures.faults.extend(world.database.damage().map(|damage| format!("the database is damaged: {damage}")));
    to_answer.sort();
    println!("{}", figures.table(&deaths(kills, &to_answer), &[]));
    assert!(figures.faults.is_empty(), "seed {seed}: {:#?}", figures.faults);
    assert!(figures.paid > 0 && figures.receipts > 0, "nothing was tried");
    assert!(given_back > 0 || !doors.refunds, "nothing was given back");
}

fn deaths(kills: u64, to_answer: &[Duration]) -> Vec<(&'static str, String)> {
    let mut rows = vec![("times killed (kill -9)", kills.to_string())];
    if let (Some(middle), Some(longest)) = (to_answer.get(to_answer.len() / 2), to_answer.last()) {
        rows.push(("restart to first answer, median", format!("{} ms", middle.as_millis())));
        rows.push(("restart to first answer, longest", format!("{} ms", longest.as_millis())));
    }
    rows
}

/// Shared by all starts of the service.
struct World<'a> {
    folder: &'a Path,
    database: Database,
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
        self.database.name_to(&mut command);
        command.env("PG_SERVICE_SANDBOX_SECRET", SECRET);
        command.env("PG_SERVICE_IDENTITY_HEADER_SECRET", load::PROOF_SECRET).args([
            "--set",
            "identity.proof=header",
            "--log-level",
            "warn",
            "--set",
            &format!("sandbox.url={}", self.sandbox),
            // A dead owner's jobs, and its right to issue a receipt, are soon taken over.
            "--set",
            "scheduler.lease-ms=1000",
            "--set",
            "receipts.lease-ms=1000",
            "--set",
            "receipts.interval-ms=100",
            "--set",
            "refund.interval-ms=200",
            "--set",
            "refund.quiet-secs=4",
            "--set",
            "refund.follow-ups=1s,2s",
            "--set",
            "gateways.wait-ms=2000",
        ]);
        Service::launch(command, self.port, &self.folder.join("service.log"))
    }
}
