//! A server that lets in fewer connections than the pool may have: by a limit of the role, of the database
//! or of its own. Work then waits for one of the connections that are in, and more are tried now and then.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::Instant;

/// How long no further connection is tried after one was refused.
const PAUSE: Duration = Duration::from_secs(30);

/// That something happened a short while ago.
pub(crate) struct Lately {
    at: Mutex<Option<Instant>>,
    lasts: Duration,
}

impl Lately {
    /// Nothing has; when it has, it counts for so long.
    pub(crate) fn within(lasts: Duration) -> Lately {
        Lately { at: Mutex::default(), lasts }
    }

    /// It happens now.
    pub(crate) fn note(&self) {
        *self.at.lock().unwrap_or_else(PoisonError::into_inner) = Some(Instant::now());
    }

    /// Whether it did.
    pub(crate) fn is_so(&self) -> bool {
        let at = *self.at.lock().unwrap_or_else(PoisonError::into_inner);
        at.is_some_and(|at| at.elapsed() < self.lasts)
    }
}

/// Since when connections are refused, and how many fewer are used for that.
pub(crate) struct Crowding {
    size: usize,
    refused: Lately,
    closed: AtomicUsize,
    warned: AtomicBool,
}

impl Crowding {
    /// For a pool of this size.
    pub(crate) fn of(size: usize) -> Crowding {
        let (closed, warned) = (AtomicUsize::new(0), AtomicBool::new(false));
        Crowding { size, refused: Lately::within(PAUSE), closed, warned }
    }

    /// A connection was refused while so many of the pool are connected.
    pub(crate) fn note(&self, connected: usize) {
        self.refused.note();
        if !self.warned.swap(true, Ordering::Relaxed) {
            tracing::warn!(
                connected,
                pool_size = self.size,
                "the database server lets in fewer connections than database.pool-size; work waits for those \
                 that are in: raise the limit of the role (ALTER ROLE … CONNECTION LIMIT) or of the server \
                 (max_connections), or lower database.pool-size"
            );
        }
    }

    /// Whether a connection was refused a short while ago.
    pub(crate) fn is_on(&self) -> bool {
        self.refused.is_so()
    }

    /// One connection fewer is used from now on.
    pub(crate) fn close_one(&self, permit: OwnedSemaphorePermit) {
        permit.forget();
        self.closed.fetch_add(1, Ordering::Relaxed);
    }

    /// Lets one more be tried, when it is time to.
    pub(crate) fn ease(&self, gate: &Semaphore) {
        let one_less = |closed: usize| closed.checked_sub(1);
        if !self.is_on() && self.closed.fetch_update(Ordering::Relaxed, Ordering::Relaxed, one_less).is_ok() {
            gate.add_permits(1);
        }
    }
}
