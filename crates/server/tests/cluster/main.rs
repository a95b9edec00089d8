//! A cluster: three replicas of the real program on one PostgreSQL and one Kafka, beside a DIGIT that fails
//! now and then, under a load that goes to them in turn, while replicas are killed (`kill -9`) or stand
//! still, and the database and the broker are restarted. Afterwards the stored rows are compared with the
//! books of the gateway and of the collection service, with the answers to clients, and with the records that
//! others read from Kafka.
//!
//! `CLUSTER_KILLS=120 CLUSTER_DATABASE_RESTARTS=10 CLUSTER_BROKER_RESTARTS=10` for a long run,
//! `CLUSTER_SEED=…` for the same disturbances again, `CLUSTER_FOLDER=…` to keep the replicas' logs.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::print_stdout)]

mod balancer;
mod disturbances;
mod events;
#[path = "../proof/mod.rs"]
mod proof;
mod replicas;
#[path = "../support/mod.rs"]
mod support;

use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use payment_domain::{Clock, SystemClock};
use payment_simulator::digit::PretendDigit;
use payment_store::Store;
use payment_testing::kafka::Broker;
use payment_testing::postgres::PostgresServer;

use crate::balancer::Balancer;
use crate::disturbances::{Weather, disturb_digit, restart_broker, restart_database};
use crate::proof::books::Register;
use crate::proof::check::{self, Evidence};
use crate::proof::gateway::{Gateway, SECRET};
use crate::proof::load::{self, Doors, Load};
use crate::proof::random::Random;
use crate::proof::{number, postgres, refunds};
use crate::replicas::{Replicas, Settings};

/// How many replicas there are.
const REPLICAS: usize = 3;
/// How soon a replica takes over the jobs of a silent one.
const LEASE: Duration = Duration::from_secs(3);
/// How long the right to issue a receipt is held: longer than two calls can take.
const RECEIPT_LEASE: Duration = Duration::from_secs(5);
/// How long a replica is suspended: longer than any lease.
const STANDSTILL: Duration = Duration::from_secs(7);
/// The longest time for the remaining work at the end: a receipt that failed a few times waits longest.
const SETTLING: Duration = Duration::from_secs(120);

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_payment_gets_one_receipt_and_one_message_whatever_process_dies() {
    let kills = number("CLUSTER_KILLS").unwrap_or(12);
    let database_restarts = number("CLUSTER_DATABASE_RESTARTS").unwrap_or(2);
    let broker_restarts = number("CLUSTER_BROKER_RESTARTS").unwrap_or(2);
    let seed = number("CLUSTER_SEED").unwrap_or_else(|| getrandom::u64().unwrap());
    println!(
        "CLUSTER_SEED={seed} CLUSTER_KILLS={kills} CLUSTER_DATABASE_RESTARTS={database_restarts} \
         CLUSTER_BROKER_RESTARTS={broker_restarts}"
    );
    let mut random = Random::new(seed);

    let temporary = tempfile::tempdir().unwrap();
    let folder = std::env::var_os("CLUSTER_FOLDER").map_or(temporary.path().to_owned(), PathBuf::from);
    std::fs::create_dir_all(&folder).unwrap();
    let (mut server, mut broker) = tokio::join!(PostgresServer::start(), Broker::start());
    let digit = PretendDigit::start().await.unwrap();
    let gateway = Gateway::start(&folder).await;
    let ports = Replicas::ports(REPLICAS);
    let balancer = Balancer::start(ports.clone()).await;
    let (database, brokers) = (server.url(), broker.bootstrap());
    let settings = Settings {
        folder,
        set: settings(&balancer, &gateway, &digit, &brokers),
        secret: vec![
            ("SPRING_DATASOURCE_URL", database.clone()),
            ("PG_SERVICE_SANDBOX_SECRET", SECRET.to_owned()),
            ("PG_SERVICE_IDENTITY_HEADER_SECRET", load::PROOF_SECRET.to_owned()),
        ],
    };
    let weather = Weather::default();
    let mut replicas = Replicas::launch(settings, &ports);
    replicas.all_answer(&weather).await;

    let doors = Doors {
        replicas: Replicas::urls(&ports),
        public: balancer.url(),
        may_be_unavailable: true,
        rest: Duration::from_millis(100),
        deaths: replicas.deaths.clone(),
        refunds: true,
    };
    let began = Instant::now();
    let load = Load::start(&doors, &mut random);
    let stops = {
        let (killing, restarting, breaking, disturbing) =
            (random.split(), random.split(), random.split(), random.split());
        let over = AtomicBool::new(false);
        let restarts = async {
            tokio::join!(
                restart_database(&mut server, database_restarts, &weather, restarting),
                restart_broker(&mut broker, broker_restarts, breaking),
            );
            over.store(true, Ordering::SeqCst);
        };
        let disturbed =
            async { tokio::join!(restarts, kill(&mut replicas, kills, &weather, killing, &over)).1 };
        tokio::select! {
            stops = disturbed => stops,
            () = disturb_digit(&digit, disturbing) => unreachable!("it goes on for ever"),
        }
    };
    digit.clear_faults();
    replicas.all_answer(&weather).await;
    replicas.supervise(Duration::from_secs(1), &weather).await;
    let ledger = load.stop().await;
    let loaded = began.elapsed();

    // Open refunds are requested now, until none is under way any more.
    let settling = Instant::now();
    gateway.until_late_answers_have_come().await;
    let store = postgres::open(&database).await;
    let ids = check::stored_ids(store.as_ref()).await;
    load::update_all(&doors, &ids).await;
    until_all_is_done(store.as_ref(), &brokers, &mut replicas, &weather).await;
    let settled = settling.elapsed();
    let gave_up = replicas.gave_up;
    let replica_faults = replicas.stop().await;

    let outbox = check::outbox(store.as_ref()).await;
    let events = postgres::count(&database, "eg_pg_outbox").await;
    let refunded = refunds::stored(store.as_ref()).await;
    let evidence = Evidence {
        store,
        outbox: &outbox,
        books: &gateway.books().await,
        register: &Register::of_digit(&digit),
        ledger: &ledger,
        refunds: &refunded,
    };
    let mut figures = check::all(&evidence).await;
    let (faults, given_back) = refunds::compare(&refunded, &gateway.refunds().await, &ledger.approved);
    figures.faults.extend(faults);
    let delivered = {
        let (brokers, outbox) = (brokers.clone(), outbox.clone());
        tokio::task::spawn_blocking(move || events::compare(&brokers, &outbox)).await.unwrap()
    };
    if events != outbox.len() {
        figures.faults.push(format!("{events} events, of which {} were read", outbox.len()));
    }
    figures.faults.extend(replica_faults);
    figures.faults.extend(delivered.faults);
    let seconds = |time: Duration| format!("{:.1} s", time.as_secs_f64());
    let before = [
        ("replicas killed (kill -9)", kills.to_string()),
        ("replicas that stood still past their lease", stops.to_string()),
        ("replicas that ended for want of a database", gave_up.to_string()),
        ("restarts of PostgreSQL", database_restarts.to_string()),
        ("restarts of the broker", broker_restarts.to_string()),
        ("under load", seconds(loaded)),
        ("until nothing was left to do", seconds(settled)),
    ];
    let after = [
        ("refunds", refunded.len().to_string()),
        ("  of them succeeded", given_back.to_string()),
        ("text messages", delivered.messages.to_string()),
        ("records in Kafka", delivered.records.to_string()),
        ("  of them repetitions", delivered.repeated.to_string()),
    ];
    println!("{}", figures.table(&before, &after));
    assert!(figures.faults.is_empty(), "seed {seed}: {:#?}", figures.faults);
    assert!(figures.paid > 0 && figures.receipts > 0 && given_back > 0, "nothing was tried");
}

fn settings(
    balancer: &Balancer,
    gateway: &Gateway,
    digit: &PretendDigit,
    brokers: &str,
) -> Vec<(&'static str, String)> {
    let millis = |time: Duration| time.as_millis().to_string();
    vec![
        ("server.public-url", format!("{}/pg-service", balancer.url())),
        ("database.pool-size", "8".to_owned()),
        ("kafka.config.bootstrap_server_config", brokers.to_owned()),
        ("notification.sms.enabled", "true".to_owned()),
        // A dead member of the group is soon missed, and a new topic soon found.
        ("kafka.client.session.timeout.ms", "6000".to_owned()),
        ("kafka.client.heartbeat.interval.ms", "1000".to_owned()),
        ("kafka.client.topic.metadata.refresh.interval.ms", "2000".to_owned()),
        ("sandbox.active", "true".to_owned()),
        ("sandbox.beside-digit", "true".to_owned()),
        ("sandbox.url", gateway.url().to_owned()),
        ("callback.allowed-hosts", "127.0.0.1".to_owned()),
        // DIGIT numbers transactions, knows payers and issues receipts; for the rest there are embedded implementations.
        ("egov.idgen.host", digit.url().to_owned()),
        ("egov.userservice.host", digit.url().to_owned()),
        ("identity.proof", "header".to_owned()),
        ("refund.interval-ms", "200".to_owned()),
        ("refund.quiet-secs", "4".to_owned()),
        ("refund.follow-ups", "1s,2s".to_owned()),
        ("egov.collectionservice.host", digit.url().to_owned()),
        ("services.connect-timeout-ms", "1000".to_owned()),
        ("services.timeout-ms", "2000".to_owned()),
        ("receipts.lease-ms", millis(RECEIPT_LEASE)),
        ("receipts.interval-ms", "200".to_owned()),
        ("scheduler.lease-ms", millis(LEASE)),
    ]
}

/// Kills replicas, that many times in all, and suspends one now and then. Ends when everything else is over,
/// too. Returns how often one was suspended.
async fn kill(
    replicas: &mut Replicas,
    kills: u64,
    weather: &Weather,
    mut random: Random,
    over: &AtomicBool,
) -> u64 {
    let mut stops = 0;
    for nth in 0..kills {
        // A random moment is the point: no event is waited for.
        let life = Duration::from_millis(300 + random.below(2000));
        replicas.supervise(life, weather).await;
        if nth % 6 == 3 {
            replicas.stop_one(STANDSTILL, &mut random);
            stops += 1;
            replicas.supervise(Duration::from_millis(random.below(1000)), weather).await;
        }
        replicas.kill_one(&mut random);
    }
    while !over.load(Ordering::SeqCst) {
        replicas.supervise(Duration::from_millis(100), weather).await;
    }
    stops
}

/// Waits until every receipt is issued, every event published and read, and its consequences done as well.
async fn until_all_is_done(store: &dyn Store, brokers: &str, replicas: &mut Replicas, weather: &Weather) {
    let started = Instant::now();
    tokio::select! {
        () = refunds::until_done(store, SETTLING) => {}
        () = async { loop { replicas.supervise(Duration::from_millis(50), weather).await } } => unreachable!("it goes on for ever"),
    }
    for _ in 0..2 {
        loop {
            let receipts_due = store.backlog(SystemClock.now()).await.unwrap().receipts_due();
            let unpublished = store.outbox_backlog().await.unwrap().waiting;
            if receipts_due == 0 && unpublished == 0 {
                break;
            }
            assert!(
                started.elapsed() < SETTLING,
                "{receipts_due} receipts stay due, {unpublished} events stay unpublished"
            );
            replicas.supervise(Duration::from_millis(50), weather).await;
        }
        let brokers = brokers.to_owned();
        let reading = move || events::until_read_by_the_replicas(&brokers, SETTLING);
        tokio::task::spawn_blocking(reading).await.unwrap();
    }
}
