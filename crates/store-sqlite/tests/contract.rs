//! Every promise of a store, kept by SQLite: one test each.

use std::process::ExitCode;
use std::sync::Arc;

use libtest_mimic::{Arguments, Trial};
use payment_store::contract::{Promise, promises};
use payment_store_sqlite::{Options, SqliteStore};

fn main() -> ExitCode {
    let trials =
        promises().into_iter().map(|promise| Trial::test(promise.name, move || check(&promise))).collect();
    libtest_mimic::run(&Arguments::from_args(), trials).exit_code()
}

fn check(promise: &Promise) -> Result<(), libtest_mimic::Failed> {
    let folder = tempfile::tempdir()?;
    let runtime = tokio::runtime::Builder::new_current_thread().build()?;
    let store = Arc::new(SqliteStore::open(&folder.path().join("payments.db"), &Options::default())?);
    runtime.block_on(promise.check(store));
    Ok(())
}
