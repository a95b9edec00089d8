//! The providers' background work: delayed decisions, and webhooks.

use std::convert::Infallible;
use std::future::Future;

use tokio::task::JoinSet;

use super::Providers;
use super::ledger::Letter;
use crate::courier::{self, Tally};

/// The number of webhooks one round sends, all at the same time, and of orders it brings up to date.
const ROUND: usize = 32;

impl Providers {
    /// Makes delayed decisions and delivers webhooks, until `shutdown` completes. An attempt under way then
    /// is given up.
    pub async fn run(self, shutdown: impl Future<Output = ()> + Send) {
        let providers = &self;
        let round = || async move {
            providers.tick().await;
            courier::until(providers.ledger().next_due_ms(), providers.now_ms())
        };
        self.inner.courier.run(round, shutdown).await;
    }

    /// One round of due work.
    pub async fn tick(&self) -> Tally {
        let now_ms = self.now_ms();
        let due = self.ledger().due_orders(now_ms, ROUND);
        for key in due {
            self.look(&key);
        }
        let due = self.ledger().refunds.due(now_ms, ROUND);
        for place in due {
            self.look_at_refund(place, |_| {});
        }
        let letters = self.ledger().due_letters(now_ms, ROUND);
        let mut round = JoinSet::new();
        for (place, letter) in letters {
            let providers = self.clone();
            round.spawn(async move { Ok::<_, Infallible>(providers.deliver(place, letter).await) });
        }
        match courier::tally(round).await {
            Ok(tally) => tally,
            Err(never) => match never {},
        }
    }

    /// Tries one webhook and records the result; returns whether it arrived.
    async fn deliver(&self, place: (i64, u64), letter: Letter) -> bool {
        let order = format!("{}/{}", letter.key.0.path(), letter.key.1);
        let sent = self.inner.courier.send(letter.message, letter.attempts, || self.now_ms(), &order).await;
        let delivered = sent.delivered;
        self.ledger().tried(place, sent);
        delivered
    }
}
