//! Every promise of the books of the embedded implementations, kept by PostgreSQL: one test each, in a database of
//! its own that two replicas work on.

#![allow(clippy::unwrap_used, reason = "these are tests: what fails, panics")]

use std::process::ExitCode;
use std::sync::Arc;

use async_trait::async_trait;
use libtest_mimic::{Arguments, Trial};
use payment_digit::embedded::Registers;
use payment_digit::embedded::contract::{self, Promise, promises};

use support::Database;

mod support;

fn main() -> ExitCode {
    let trials =
        promises().into_iter().map(|promise| Trial::test(promise.name, move || check(&promise))).collect();
    libtest_mimic::run(&Arguments::from_args(), trials).exit_code()
}

fn check(promise: &Promise) -> Result<(), libtest_mimic::Failed> {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
    runtime.block_on(async { promise.check(Arc::new(Replicated(Database::create().await))).await });
    Ok(())
}

/// A database that two replicas share.
struct Replicated(Database);

#[async_trait]
impl contract::Database for Replicated {
    async fn open(&self) -> Vec<Arc<dyn Registers>> {
        vec![Arc::new(self.0.open().await), Arc::new(self.0.open().await)]
    }
}
