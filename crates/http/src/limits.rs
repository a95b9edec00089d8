//! Limits of a request and of the server.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// The part of a body that is not counted against the budget: enough for an ordinary request, so that clients that
/// send long bodies slowly delay only other long bodies.
pub const FREE_BODY_BYTES: usize = 16 * 1024;
/// Answers up to this length are not counted against the budget.
pub(crate) const FREE_ANSWER_BYTES: usize = 64 * 1024;
/// Least bytes a second that a client must read of a pending answer.
pub const SLOWEST_READER: usize = 1024;

#[derive(Debug, Clone)]
pub struct RequestLimits {
    pub body_bytes: usize,
    /// Path with query.
    pub url_bytes: usize,
    /// The parameters of the query and of a form together.
    pub parameters: usize,
    /// From the head of a request to the end of its body.
    pub body_time: Duration,
    /// Budget for the request bodies held at once, beyond the first [`FREE_BODY_BYTES`] of each; and as much for
    /// answers, beyond short ones.
    pub bytes_in_flight: usize,
    /// The time of a request. Work that it began goes on after that.
    pub request_time: Duration,
}

impl Default for RequestLimits {
    fn default() -> RequestLimits {
        RequestLimits {
            body_bytes: 256 * 1024,
            url_bytes: 8 * 1024,
            parameters: 200,
            body_time: Duration::from_secs(15),
            bytes_in_flight: 32 * 1024 * 1024,
            request_time: Duration::from_secs(30),
        }
    }
}

#[derive(Debug, Clone)]
pub struct ServeLimits {
    /// A further connection is answered 503 and closed.
    pub connections: usize,
    /// The request line and the headers.
    pub header_bytes: usize,
    /// From the first byte of a request's head to its last.
    pub header_time: Duration,
    /// The period in which a client must read at least [`SLOWEST_READER`] bytes a second of a pending answer.
    pub write_time: Duration,
    /// The idle time of a connection. It must be longer than that of a load balancer in front, which would otherwise send
    /// requests into connections being closed.
    pub idle_time: Duration,
    /// The grace period of running requests at shutdown.
    pub shutdown_time: Duration,
}

impl Default for ServeLimits {
    fn default() -> ServeLimits {
        ServeLimits {
            connections: 4096,
            header_bytes: 16 * 1024,
            header_time: Duration::from_secs(10),
            write_time: Duration::from_secs(15),
            idle_time: Duration::from_secs(75),
            shutdown_time: Duration::from_secs(30),
        }
    }
}

/// Bytes that may be held at once by all connections.
#[derive(Debug, Clone)]
pub(crate) struct Budget(Arc<Semaphore>);

/// A part of a budget, returned when dropped.
#[derive(Debug, Default)]
pub(crate) struct Share(Option<OwnedSemaphorePermit>);

#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Spent;

impl Budget {
    pub(crate) fn new(bytes: usize) -> Budget {
        Budget(Arc::new(Semaphore::new(bytes.min(Semaphore::MAX_PERMITS))))
    }

    /// # Errors
    /// [`Spent`]; the share is unchanged.
    pub(crate) fn add(&self, bytes: usize, share: &mut Share) -> Result<(), Spent> {
        let permits = u32::try_from(bytes).map_err(|_| Spent)?;
        let more = self.0.clone().try_acquire_many_owned(permits).map_err(|_| Spent)?;
        match &mut share.0 {
            Some(held) => held.merge(more),
            None => share.0 = Some(more),
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_budget_is_spent_and_comes_back() {
        let budget = Budget::new(100);
        let (mut one, mut other) = (Share::default(), Share::default());
        budget.add(60, &mut one).unwrap();
        budget.add(30, &mut one).unwrap();
        assert_eq!(budget.add(11, &mut other), Err(Spent));
        budget.add(10, &mut other).unwrap();
        drop(one);
        budget.add(90, &mut other).unwrap();
        assert_eq!(budget.add(usize::MAX, &mut other), Err(Spent));
    }
}
