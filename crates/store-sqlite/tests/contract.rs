//! Every promise of a store, kept by SQLite: one test each.

use std::process::ExitCode;
use std::sync::Arc;

use libtest_mimic::{Arguments, Trial};
use payment_domain::ManualClock;
use payment_store::contract::{Promise, promises, sample};
use payment_store_sqlite::{Options, SqliteStore};

fn main() -> ExitCode {
    let trials =
        promises().into_iter().map(|promise| Trial::test(promise.name, move || check(&promise))).collect();
    libtest_mimic::run(&Arguments::from_args(), trials).exit_code()
}

fn check(promise: &Promise) -> Result<(), libtest_mimic::Failed> {
    let folder = tempfile::tempdir()?;
    let runtime = tokio::runtime::Builder::new_current_thread().build()?;
    let clock = Arc::new(ManualClock::at(sample::at(0)));
    let (file, options) = (folder.path().join("payments.db"), Options::default());
    let store = Arc::new(SqliteStore::open_with_clock(&file, &options, clock.clone())?);
    runtime.block_on(promise.check(store, clock));
    Ok(())
}
