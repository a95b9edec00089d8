//! The promises of [`Store`], as checks that every implementation must pass.
//!
//! [`promises`] lists them. Each is checked against a store of its own that holds nothing, so an
//! implementation's tests make one for each and show each as a test:
//!
//! ```ignore
//! for promise in payment_store::contract::promises() {
//!     let clock = Arc::new(ManualClock::at(sample::at(0)));
//!     let store: Arc<dyn Store> = fresh_store(clock.clone()).await;
//!     promise.check(store, clock).await;
//! }
//! ```
//!
//! A check panics when the promise is broken. It starts no tasks, and moves the store's clock itself: what is said
//! to happen at once is many calls under way at the same time on one task.

#![allow(clippy::unwrap_used, clippy::panic, reason = "checks for tests: a broken promise panics")]

pub mod deep_searches;
pub mod sample;

mod accounts;
mod api_tokens;
mod attention;
mod audit;
mod backlog;
mod cancelling;
mod case_work;
mod changing;
mod checks;
mod claiming;
mod creating;
mod currencies;
mod events;
mod exporting;
mod fencing;
mod figures;
mod holding;
mod jobs;
mod listings;
mod operating;
mod receipts;
pub mod refunding;
mod relaying;
mod repeating;
mod searching;
mod sent_forms;
mod sessions;

use std::future::Future;
use std::ops::Deref;
use std::pin::Pin;
use std::sync::Arc;

use payment_domain::{ManualClock, Timestamp};

use crate::Store;

type Check = Box<dyn Fn(Timed) -> Pin<Box<dyn Future<Output = ()> + Send>> + Send + Sync>;

/// A store that holds nothing, and the clock that it goes by.
struct Timed {
    store: Arc<dyn Store>,
    clock: Arc<ManualClock>,
}

impl Timed {
    /// The store, when its clock shows this.
    fn when(&self, now: Timestamp) -> &Arc<dyn Store> {
        self.clock.set(now);
        &self.store
    }
}

impl Deref for Timed {
    type Target = Arc<dyn Store>;

    fn deref(&self) -> &Arc<dyn Store> {
        &self.store
    }
}

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
        Promise { name: name_of::<C>(), check: Box::new(move |timed: Timed| Box::pin(check(timed.store))) }
    }

    /// The same of a function that moves the store's clock.
    fn timed<C, F>(check: C) -> Promise
    where
        C: Fn(Timed) -> F + Send + Sync + 'static,
        F: Future<Output = ()> + Send + 'static,
    {
        Promise { name: name_of::<C>(), check: Box::new(move |timed| Box::pin(check(timed))) }
    }

    /// Checks it against a store that holds nothing and goes by this clock, which shows
    /// [`sample::at`]`(0)`.
    ///
    /// # Panics
    /// When the promise is broken.
    pub async fn check(&self, store: Arc<dyn Store>, clock: Arc<ManualClock>) {
        (self.check)(Timed { store, clock }).await;
    }
}

fn name_of<C>() -> &'static str {
    let path = std::any::type_name::<C>();
    path.rsplit("::").next().unwrap_or(path)
}

/// Every promise.
pub fn promises() -> Vec<Promise> {
    [
        creating::promises(),
        currencies::promises(),
        claiming::promises(),
        changing::promises(),
        events::promises(),
        receipts::promises(),
        refunding::promises(),
        cancelling::promises(),
        repeating::promises(),
        searching::promises(),
        attention::promises(),
        case_work::promises(),
        holding::promises(),
        checks::promises(),
        jobs::promises(),
        fencing::promises(),
        relaying::promises(),
        operating::promises(),
        backlog::promises(),
        accounts::promises(),
        audit::promises(),
        api_tokens::promises(),
        sessions::promises(),
        sent_forms::promises(),
        listings::promises(),
        exporting::promises(),
        figures::promises(),
    ]
    .into_iter()
    .flatten()
    .collect()
}
