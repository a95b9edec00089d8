//! Every promise of the books of the embedded implementations, kept by SQLite: one test each.

#![allow(clippy::unwrap_used, reason = "these are tests: what fails, panics")]

use std::process::ExitCode;
use std::sync::Arc;

use async_trait::async_trait;
use libtest_mimic::{Arguments, Trial};
use payment_digit::embedded::Registers;
use payment_digit::embedded::contract::{Database, Promise, promises};
use payment_store_sqlite::{Options, SqliteStore};
use tempfile::TempDir;

fn main() -> ExitCode {
    let trials =
        promises().into_iter().map(|promise| Trial::test(promise.name, move || check(&promise))).collect();
    libtest_mimic::run(&Arguments::from_args(), trials).exit_code()
}

fn check(promise: &Promise) -> Result<(), libtest_mimic::Failed> {
    let runtime = tokio::runtime::Builder::new_current_thread().build()?;
    runtime.block_on(promise.check(Arc::new(Folder(tempfile::tempdir()?))));
    Ok(())
}

/// A folder with one database in it.
struct Folder(TempDir);

#[async_trait]
impl Database for Folder {
    async fn open(&self) -> Vec<Arc<dyn Registers>> {
        let store = SqliteStore::open(&self.0.path().join("payments.db"), &Options::default()).unwrap();
        vec![Arc::new(store)]
    }
}
