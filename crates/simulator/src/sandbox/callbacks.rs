//! The sandbox's background work: late answers and callbacks, at least once, across restarts.

use std::future::Future;
use std::time::Duration;

use tokio::task::JoinSet;

use super::Sandbox;
use super::books::{BooksError, DueCallback};
use super::report::Report;
use super::signature::Purpose;
use crate::courier::{self, Message, Tally};

/// The number of callbacks one round sends, all at the same time.
const ROUND: u32 = 16;
/// The wait after the books could not be read.
const AFTER_TROUBLE: Duration = Duration::from_secs(1);

impl Sandbox {
    /// Lets late answers come and delivers callbacks until `shutdown` completes. A try under way then is
    /// given up, and made again after the next start.
    pub async fn run(self, shutdown: impl Future<Output = ()> + Send) {
        self.inner.courier.run(|| self.round(), shutdown).await;
    }

    async fn round(&self) -> Duration {
        let sleep = match self.tick().await {
            Ok(_) => {
                self.inner.books.next_due_ms().await.map(|next_ms| courier::until(next_ms, self.now_ms()))
            }
            Err(error) => Err(error),
        };
        sleep.unwrap_or_else(|error| {
            tracing::warn!(error = &error as &dyn std::error::Error, "the sandbox cannot do what is due");
            AFTER_TROUBLE
        })
    }

    /// One round of due work.
    ///
    /// # Errors
    /// A [`BooksError`] when the books cannot be read or written. A callback that does not arrive is no
    /// error; it is counted.
    pub async fn tick(&self) -> Result<Tally, BooksError> {
        self.inner.books.let_late_answers_come(self.now_ms()).await?;
        let mut round = JoinSet::new();
        for due in self.inner.books.due_callbacks(self.now_ms(), ROUND).await? {
            let sandbox = self.clone();
            round.spawn(async move { sandbox.deliver(due).await });
        }
        courier::tally(round).await
    }

    /// Tries one callback and records the result; returns whether it arrived.
    async fn deliver(&self, due: DueCallback) -> Result<bool, BooksError> {
        let order = &due.order;
        let report = Report::of(order, self.merchant(), order.decided_ms.unwrap_or(order.opened_ms));
        let message = Message {
            url: order.terms.notify_url.clone(),
            headers: Vec::new(),
            body: report.to_json(Purpose::Callback, self.secret()).to_string(),
        };
        let sent = self.inner.courier.send(message, due.attempts, || self.now_ms(), &order.terms.order).await;
        self.inner.books.callback_tried(order.sequence, self.now_ms(), &sent).await?;
        Ok(sent.delivered)
    }
}

impl std::fmt::Debug for Sandbox {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Sandbox").field("merchant", &self.merchant()).finish_non_exhaustive()
    }
}
