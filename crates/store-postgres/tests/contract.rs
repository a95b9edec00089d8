//! Every promise of a store, kept by PostgreSQL: one test each, in a database of its own.

#![allow(clippy::unwrap_used, reason = "a test")]

use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use libtest_mimic::{Arguments, Trial};
use payment_domain::ManualClock;
use payment_store::contract::{Promise, promises, sample};
use payment_store_postgres::{PostgresOptions, PostgresStore};
use payment_testing::postgres::{FreshDatabase, connect};

fn main() -> ExitCode {
    let trials =
        promises().into_iter().map(|promise| Trial::test(promise.name, move || check(&promise))).collect();
    libtest_mimic::run(&Arguments::from_args(), trials).exit_code()
}

/// Makes the tables, which the planner takes for empty ever after: as after an autovacuum in a quiet hour.
async fn migrate(url: String) {
    let (options, _) = PostgresOptions::from_jdbc_url(&url, None, None).unwrap();
    PostgresStore::connect(options).await.unwrap().close().await;
    connect(&url).await.unwrap().batch_execute("VACUUM (ANALYZE)").await.unwrap();
}

fn check(promise: &Promise) -> Result<(), libtest_mimic::Failed> {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
    runtime.block_on(async {
        let database = FreshDatabase::with_tables(&format!("{}v", PostgresStore::tables()), migrate).await;
        let (options, _) = PostgresOptions::from_jdbc_url(database.url(), None, None)?;
        // A machine that tests much at once is slow.
        let (connect_timeout, statement_timeout) = (Duration::from_secs(20), Duration::from_secs(40));
        let options = PostgresOptions { connect_timeout, statement_timeout, ..options };
        let clock = Arc::new(ManualClock::at(sample::at(0)));
        let store = Arc::new(PostgresStore::connect_with_clock(options, clock.clone()).await?);
        promise.check(store, clock).await;
        Ok(())
    })
}
