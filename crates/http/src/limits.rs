//! What a request and the server as a whole may cost.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// What every request may hold of its body whatever the others hold: enough for any ordinary one, so
/// that those who send long bodies slowly are in nobody's way but that of other long bodies.
pub const FREE_BODY_BYTES: usize = 16 * 1024;
/// Answers up to this length are not counted.
pub(crate) const FREE_ANSWER_BYTES: usize = 64 * 1024;
/// Bytes a second that a client must at least read of an answer that waits for it.
pub const SLOWEST_READER: usize = 1024;

/// Limits of one request.
#[derive(Debug, Clone)]
pub struct RequestLimits {
    /// The longest body, in bytes.
    pub body_bytes: usize,
    /// The longest path with its query, in bytes.
    pub url_bytes: usize,
    /// The most parameters, those of the query and those of a form together.
    pub parameters: usize,
    /// How long a client may take to send its body.
    pub body_time: Duration,
    /// The most bytes of request bodies that are held at once over all requests, beyond the first
    /// [`FREE_BODY_BYTES`] of each; and as many bytes of answers, beyond those of short ones.
    pub bytes_in_flight: usize,
    /// How long a request may take in all. What it has begun goes on behind that.
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

/// Limits of the server.
#[derive(Debug, Clone)]
pub struct ServeLimits {
    /// The most connections open at once; one more is told so and closed.
    pub connections: usize,
    /// The longest head of a request (its first line and its headers), in bytes.
    pub header_bytes: usize,
    /// How long a client may take from the first byte of a request's head to its last.
    pub header_time: Duration,
    /// How long a client may leave an answer unread: within each such time it takes at least
    /// [`SLOWEST_READER`] bytes a second of what waits for it.
    pub write_time: Duration,
    /// How long a connection may stay open between requests. Longer than a load balancer in front
    /// keeps its own end open, so that it never sends a request into a connection being closed.
    pub idle_time: Duration,
    /// How long running requests may take to finish once the server shuts down.
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

/// Bytes that may be held at once, over all connections.
#[derive(Debug, Clone)]
pub(crate) struct Budget(Arc<Semaphore>);

/// A part of a budget, given back when it is dropped.
#[derive(Debug, Default)]
pub(crate) struct Share(Option<OwnedSemaphorePermit>);

/// The budget is spent.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Spent;

impl Budget {
    pub(crate) fn new(bytes: usize) -> Budget {
        Budget(Arc::new(Semaphore::new(bytes.min(Semaphore::MAX_PERMITS))))
    }

    /// Adds that many bytes to a share.
    ///
    /// # Errors
    /// [`Spent`]; the share is as it was.
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
