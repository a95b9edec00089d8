//! The promises of [`Store`], as checks that every implementation must pass.
//!
//! [`promises`] lists them. Each is checked against a store of its own that holds nothing, so an
//! implementation's tests make one for each and show each as a test:
//!
//! ```ignore
//! for promise in payment_store::contract::promises() {
//!     let store: Arc<dyn Store> = fresh_store().await;
//!     promise.check(store).await;
//! }
//! ```
//!
//! A check panics when the promise is broken. It starts no tasks and keeps no time: what is said to
//! happen at once is many calls under way at the same time on one task.

#![allow(clippy::unwrap_used, clippy::panic, reason = "checks for tests: a broken promise panics")]

pub mod sample;

mod attention;
mod changing;
mod checks;
mod claiming;
mod creating;
mod events;
mod fencing;
mod holding;
mod jobs;
mod operating;
mod receipts;
mod relaying;
mod repeating;
mod searching;

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

use crate::Store;

type Check = Box<dyn Fn(Arc<dyn Store>) -> Pin<Box<dyn Future<Output = ()> + Send>> + Send + Sync>;

/// One promise of a store, with the check that tries to break it.
pub struct Promise {
    /// The promise in words, usable as the name of a test.
    pub name: &'static str,
    check: Check,
}

impl Promise {
    /// The promise that a function checks; it is called what the function is called.
    fn of<C, F>(check: C) -> Promise
    where
        C: Fn(Arc<dyn Store>) -> F + Send + Sync + 'static,
        F: Future<Output = ()> + Send + 'static,
    {
        let path = std::any::type_name::<C>();
        Promise {
            name: path.rsplit("::").next().unwrap_or(path),
            check: Box::new(move |store| Box::pin(check(store))),
        }
    }

    /// Checks it against a store that holds nothing.
    ///
    /// # Panics
    /// When the promise is broken.
    pub async fn check(&self, store: Arc<dyn Store>) {
        (self.check)(store).await;
    }
}

/// Every promise.
pub fn promises() -> Vec<Promise> {
    [
        creating::promises(),
        claiming::promises(),
        changing::promises(),
        events::promises(),
        receipts::promises(),
        repeating::promises(),
        searching::promises(),
        attention::promises(),
        holding::promises(),
        checks::promises(),
        jobs::promises(),
        fencing::promises(),
        relaying::promises(),
        operating::promises(),
    ]
    .into_iter()
    .flatten()
    .collect()
}
