//! Ticks: three replicas of the real program share one PostgreSQL database, each over a connection of
//! its own that can be cut. A tick is due every second, and again and again its owner is killed
//! (`kill -9`), stopped for longer than its lease and let go on, cut off from the database in all the
//! ways a network has, or asked to leave. Meanwhile payers pay.
//!
//! Afterwards the database is read. It has kept a journal of its own, written by triggers inside the
//! transactions it records: the order of commits depends on no clock.
//!
//! `TICKS=1000` for a long run, `TICKS_SEED=…` to repeat the same disturbances.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::print_stdout)]

mod chaos;
mod figures;
mod gateway;
mod journal;
mod payers;
mod proof;
#[path = "../proof/random.rs"]
mod random;
mod replicas;
#[allow(dead_code, reason = "the other proofs use the rest of it")]
#[path = "../proof/gateway.rs"]
mod sandbox;
mod story;
#[path = "../support/mod.rs"]
mod support;

use std::time::{Duration, Instant};

use payment_testing::postgres::{FreshDatabase, connect};
use tokio_postgres::Client;

use crate::chaos::Chaos;
use crate::figures::Figures;
use crate::payers::Payers;
use crate::random::Random;
use crate::replicas::Replicas;
use crate::support::PATIENCE;

/// From the last renewal of a lease until another replica goes on: the lease of a second, and about a
/// second until the locks of a hanging replica are freed. The rest is for a busy machine.
const LONGEST_TAKE_OVER: Duration = Duration::from_secs(5);

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_tick_is_run_once_or_taken_over_if_its_owner_fails() {
    let number = |name: &str| std::env::var(name).ok().and_then(|text| text.parse::<u64>().ok());
    let ticks = number("TICKS").unwrap_or(40);
    let seed = number("TICKS_SEED").unwrap_or_else(|| getrandom::u64().unwrap());
    println!("TICKS_SEED={seed} TICKS={ticks}");
    let mut random = Random::new(seed);

    let database = FreshDatabase::create().await;
    let folder = tempfile::tempdir().unwrap();
    let gateway = gateway::start(folder.path()).await;
    let mut replicas = Replicas::prepare(folder.path(), &database, gateway.url());
    let client = connect(database.url()).await.unwrap();
    journal::begin(&client).await;
    replicas.start_all().await;

    let payers = Payers::start(replicas.urls(), database.url(), &mut random).await;
    let began = Instant::now();
    let chaos = Chaos::until(ticks, &mut replicas, &client, &mut random).await;
    let took = began.elapsed();
    let paid = payers.stop().await;

    // All replicas are back. Payments still open are settled by the next ticks.
    until_settled(&client, &paid.settling).await;
    let last_tick = journal::latest_finished(&client).await;
    replicas.stop_all().await;

    let mut figures = Figures::of(took);
    figures.lost_leases = replicas.lost_leases();
    let mut faults = proof::ticks(&client, last_tick, &mut figures).await;
    faults.extend(proof::succession(&client).await);
    faults.extend(proof::money(&client, &gateway.books().await, &paid, &mut figures).await);
    faults.extend(replicas.panics());
    faults.extend(paid.unexpected.iter().cloned());
    println!("{}", figures.table(&chaos, &paid));
    assert!(
        faults.is_empty(),
        "seed {seed}: {} faults: {:#?}",
        faults.len(),
        &faults[..faults.len().min(40)]
    );
    let longest = figures.longest_take_over();
    assert!(longest < LONGEST_TAKE_OVER, "seed {seed}: a take-over took {longest:?}");
    assert!(
        chaos.disturbances.len() >= 10 && figures.taken_over > 0 && figures.settled > 0,
        "nothing was tried"
    );
    proof::would_have_noticed(&client).await;
}

/// Waits until everything that has been decided at the gateway is decided here, with its receipts.
async fn until_settled(client: &Client, ids: &[String]) {
    const OPEN: &str = "
        SELECT (SELECT count(*) FROM eg_pg_transactions WHERE txn_status = 'PENDING' AND txn_id = ANY($1))
             + (SELECT count(*) FROM eg_pg_receipt_duties)";
    let started = Instant::now();
    loop {
        let open: i64 = client.query_one(OPEN, &[&ids]).await.unwrap().get(0);
        if open == 0 {
            return;
        }
        assert!(started.elapsed() < 2 * PATIENCE, "{open} payments or receipts stay open");
        // Three other processes are at work: there is nothing to wait on.
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}
