//! Delivery of callbacks to a merchant: a few times each, in the background, by the sandbox and by the
//! providers alike.

use std::future::Future;
use std::time::Duration;

use payment_http_client::{Body, Call, CallError, Client, Limits, Method};
use tokio::sync::{Notify, OnceCell};
use tokio::task::JoinSet;

const LONGEST_SLEEP: Duration = Duration::from_secs(60);
/// The longest answer to a callback that is read.
const MAX_ANSWER_BYTES: usize = 1024 * 1024;

/// How callbacks are tried: any 2xx answer ends it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CallbackPolicy {
    /// Time limit of one try.
    pub timeout: Duration,
    /// The wait after the first try that failed; it doubles with every further one.
    pub first_wait: Duration,
    pub longest_wait: Duration,
    /// The number of attempts after which a callback is given up.
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
    /// The wait after that many attempts; `None` when the callback is given up.
    fn wait_after(&self, attempts: u32) -> Option<Duration> {
        let doubled = 1u32.checked_shl(attempts.saturating_sub(1)).unwrap_or(u32::MAX);
        let wait = self.first_wait.saturating_mul(doubled).min(self.longest_wait);
        (attempts < self.most_attempts).then_some(wait)
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Tally {
    pub delivered: u32,
    pub failed: u32,
}

/// A callback ready to be sent: the same bytes in every try.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Message {
    pub(crate) url: String,
    pub(crate) headers: Vec<(&'static str, String)>,
    pub(crate) body: String,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Tried {
    pub(crate) delivered: bool,
    pub(crate) result: String,
    /// The next try; `None` when there is none.
    pub(crate) next_ms: Option<i64>,
}

/// Shared by the background task and the pages.
pub(crate) struct Courier {
    policy: CallbackPolicy,
    pub(crate) bell: Notify,
    /// Made when it is first needed: it costs time that a start does not have.
    http: OnceCell<Client>,
}

impl Courier {
    pub(crate) fn new(policy: CallbackPolicy) -> Courier {
        Courier { policy, bell: Notify::new(), http: OnceCell::new() }
    }

    /// Sends a callback that was tried so often before.
    pub(crate) async fn send(
        &self,
        message: Message,
        attempts_before: u32,
        now_ms: impl Fn() -> i64,
        order: &str,
    ) -> Tried {
        let (delivered, result) = match self.post(message).await {
            Ok(status) => ((200..300).contains(&status), format!("answered {status}")),
            Err(CallError::NotSent(_) | CallError::LocalFault(_)) => {
                (false, "could not be reached".to_owned())
            }
            Err(CallError::Unanswered(_)) => (false, "no answer in time".to_owned()),
            Err(CallError::Unreadable(why)) => (false, why),
        };
        let attempts = attempts_before.saturating_add(1);
        let wait = if delivered { None } else { self.policy.wait_after(attempts) };
        if !delivered {
            tracing::info!(%order, attempts, result, given_up = wait.is_none(), "a callback did not arrive");
        }
        let ms = |wait: Duration| i64::try_from(wait.as_millis()).unwrap_or(i64::MAX);
        let next_ms = wait.map(|wait| now_ms().saturating_add(ms(wait)));
        Tried { delivered, result, next_ms }
    }

    async fn post(&self, message: Message) -> Result<u16, CallError> {
        let limits = Limits {
            connect_timeout: self.policy.timeout,
            total_timeout: self.policy.timeout,
            max_body_bytes: MAX_ANSWER_BYTES,
        };
        let http = self.http.get_or_try_init(|| async { Client::new(limits).map_err(CallError::LocalFault) });
        let headers = message.headers.into_iter().map(|(name, value)| (name.to_owned(), value)).collect();
        let body = Body::Json(message.body);
        let call = Call { method: Method::POST, url: message.url, headers, body };
        Ok(http.await?.send(&call).await?.status)
    }

    /// Repeats `round` until `shutdown` completes: after the sleep it returns, or when the bell rings.
    pub(crate) async fn run<Round: Future<Output = Duration>>(
        &self,
        round: impl Fn() -> Round,
        shutdown: impl Future<Output = ()>,
    ) {
        let work = async {
            loop {
                let sleep = round().await;
                let _rung_or_slept = tokio::time::timeout(sleep, self.bell.notified()).await;
            }
        };
        tokio::select! {
            biased;
            () = shutdown => {}
            () = work => {}
        }
    }
}

/// Waits for all tries of a round; each says whether its callback arrived.
pub(crate) async fn tally<E: 'static>(mut round: JoinSet<Result<bool, E>>) -> Result<Tally, E> {
    let mut tally = Tally::default();
    while let Some(tried) = round.join_next().await {
        match tried {
            Ok(Ok(true)) => tally.delivered += 1,
            Ok(Err(error)) => return Err(error),
            Ok(Ok(false)) | Err(_) => tally.failed += 1,
        }
    }
    Ok(tally)
}

/// How long to sleep until something is due.
pub(crate) fn until(next_ms: Option<i64>, now_ms: i64) -> Duration {
    let wait = next_ms.map(|next_ms| u64::try_from(next_ms.saturating_sub(now_ms)).unwrap_or(0));
    wait.map_or(LONGEST_SLEEP, |wait_ms| Duration::from_millis(wait_ms).min(LONGEST_SLEEP))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_double_up_to_the_longest_and_end() {
        let policy = CallbackPolicy {
            longest_wait: Duration::from_secs(5),
            most_attempts: 40,
            ..CallbackPolicy::default()
        };
        let waits: Vec<_> = (1..=5).map(|attempts| policy.wait_after(attempts)).collect();
        assert_eq!(waits, [1, 2, 4, 5, 5].map(|seconds| Some(Duration::from_secs(seconds))));
        assert_eq!(policy.wait_after(39), Some(Duration::from_secs(5)), "no overflow");
        assert_eq!(policy.wait_after(40), None);
    }
}
