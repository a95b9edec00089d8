//! Carries callbacks to the merchant: at least once, in the background, across restarts.

use std::future::Future;
use std::time::Duration;

use tokio::sync::{Notify, OnceCell};
use tokio::task::JoinSet;

use super::Sandbox;
use super::books::{BooksError, DueCallback};
use super::report::Report;
use super::signature::Purpose;

/// How many callbacks one round carries, all at the same time.
const ROUND: u32 = 16;
/// The longest sleep between two looks into the books, and the wait after they could not be read.
const LONGEST_SLEEP: Duration = Duration::from_secs(60);
const AFTER_TROUBLE: Duration = Duration::from_secs(1);

/// How callbacks are tried.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CallbackPolicy {
    /// How long one try may take.
    pub timeout: Duration,
    /// The wait after the first try that failed; it doubles with every further one.
    pub first_wait: Duration,
    /// The longest wait.
    pub longest_wait: Duration,
    /// After so many tries a callback is given up.
    pub most_attempts: u32,
}

impl Default for CallbackPolicy {
    fn default() -> CallbackPolicy {
        CallbackPolicy {
            timeout: Duration::from_secs(10),
            first_wait: Duration::from_secs(1),
            longest_wait: Duration::from_secs(300),
            most_attempts: 15,
        }
    }
}

impl CallbackPolicy {
    /// The wait after so many tries; `None` when it is given up.
    fn wait_after(&self, attempts: u32) -> Option<Duration> {
        if attempts >= self.most_attempts {
            return None;
        }
        let doubled = 1u32.checked_shl(attempts.saturating_sub(1)).unwrap_or(u32::MAX);
        Some(self.first_wait.saturating_mul(doubled).min(self.longest_wait))
    }
}

/// What one round did.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Tally {
    /// Callbacks that arrived.
    pub delivered: u32,
    /// Callbacks that did not, this time.
    pub failed: u32,
}

/// What the background task and the pages share.
#[derive(Default)]
pub(super) struct Courier {
    /// Rung when something new is due.
    pub(super) bell: Notify,
    /// Made when it is first needed: it costs time that a start does not have.
    http: OnceCell<reqwest::Client>,
}

impl Courier {
    async fn http(&self, policy: &CallbackPolicy) -> Result<&reqwest::Client, reqwest::Error> {
        self.http
            .get_or_try_init(|| async {
                // A process has one default provider; whoever comes first has chosen it.
                let _already_chosen = rustls::crypto::ring::default_provider().install_default();
                reqwest::Client::builder()
                    .timeout(policy.timeout)
                    .redirect(reqwest::redirect::Policy::none())
                    .build()
            })
            .await
    }
}

impl Sandbox {
    /// Lets late answers come and delivers callbacks until `shutdown` completes. Whatever is under way
    /// then is given up, and tried again after the next start.
    pub async fn run(self, shutdown: impl Future<Output = ()> + Send) {
        let work = async {
            loop {
                let sleep = match self.tick().await {
                    Ok(_) => self.until_next().await,
                    Err(error) => Err(error),
                };
                let sleep = sleep.unwrap_or_else(|error| {
                    tracing::warn!(
                        error = &error as &dyn std::error::Error,
                        "the sandbox cannot do what is due"
                    );
                    AFTER_TROUBLE
                });
                let _rung_or_slept = tokio::time::timeout(sleep, self.inner.courier.bell.notified()).await;
            }
        };
        tokio::select! {
            biased;
            () = shutdown => {}
            () = work => {}
        }
    }

    /// Does what is due now: one round.
    ///
    /// # Errors
    /// A [`BooksError`] when the books cannot be read or written. A callback that does not arrive is no
    /// error; it is counted.
    pub async fn tick(&self) -> Result<Tally, BooksError> {
        self.inner.books.let_late_answers_come(self.now_ms()).await?;
        let mut round = JoinSet::new();
        for due in self.inner.books.due_callbacks(self.now_ms(), ROUND).await? {
            let sandbox = self.clone();
            round.spawn(async move { sandbox.carry(due).await });
        }
        let mut tally = Tally::default();
        while let Some(carried) = round.join_next().await {
            match carried.map_err(|_| BooksError::Interrupted)?? {
                true => tally.delivered += 1,
                false => tally.failed += 1,
            }
        }
        Ok(tally)
    }

    async fn until_next(&self) -> Result<Duration, BooksError> {
        let next_ms = self.inner.books.next_due_ms().await?;
        let wait = next_ms.map(|next_ms| u64::try_from(next_ms.saturating_sub(self.now_ms())).unwrap_or(0));
        Ok(wait.map_or(LONGEST_SLEEP, |wait_ms| Duration::from_millis(wait_ms).min(LONGEST_SLEEP)))
    }

    /// Tries one callback and writes down what came of it; returns whether it arrived.
    async fn carry(&self, due: DueCallback) -> Result<bool, BooksError> {
        let policy = &self.inner.settings.callbacks;
        let attempts = due.attempts.saturating_add(1);
        let (delivered, result) = match self.post(&due, policy).await {
            Ok(status) => (status.is_success(), format!("answered {}", status.as_u16())),
            Err(error) if error.is_timeout() => (false, "no answer in time".to_owned()),
            Err(error) if error.is_connect() => (false, "could not be reached".to_owned()),
            Err(_) => (false, "the connection broke".to_owned()),
        };
        let wait = if delivered { None } else { policy.wait_after(attempts) };
        if !delivered {
            tracing::info!(order = %due.order.terms.order, attempts, result, given_up = wait.is_none(), "a callback did not arrive");
        }
        let now_ms = self.now_ms();
        let next_ms =
            wait.map(|wait| now_ms.saturating_add(i64::try_from(wait.as_millis()).unwrap_or(i64::MAX)));
        let books = &self.inner.books;
        books.callback_tried(due.order.sequence, now_ms, delivered, &result, next_ms).await?;
        Ok(delivered)
    }

    async fn post(
        &self,
        due: &DueCallback,
        policy: &CallbackPolicy,
    ) -> Result<reqwest::StatusCode, reqwest::Error> {
        let order = &due.order;
        let decided_ms = order.decided_ms.unwrap_or(order.opened_ms);
        let report = Report::of(order, self.merchant(), decided_ms);
        let body = report.to_json(Purpose::Callback, self.secret());
        let http = self.inner.courier.http(policy).await?;
        Ok(http.post(&order.terms.notify_url).json(&body).send().await?.status())
    }
}

impl std::fmt::Debug for Sandbox {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Sandbox").field("merchant", &self.merchant()).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_double_up_to_the_longest_and_end() {
        let policy = CallbackPolicy {
            timeout: Duration::from_secs(1),
            first_wait: Duration::from_secs(1),
            longest_wait: Duration::from_secs(5),
            most_attempts: 40,
        };
        let waits: Vec<_> = (1..=5).map(|attempts| policy.wait_after(attempts)).collect();
        assert_eq!(waits, [1, 2, 4, 5, 5].map(|seconds| Some(Duration::from_secs(seconds))));
        assert_eq!(policy.wait_after(39), Some(Duration::from_secs(5)), "no overflow");
        assert_eq!(policy.wait_after(40), None);
    }
}
