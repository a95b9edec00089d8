//! A server that admits fewer connections than the pool may have, by a limit of the role, of the database or
//! of its own. Work then waits for an admitted connection, and another one is tried now and then.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::Instant;

/// How long no further connection is tried after a refusal.
const PAUSE: Duration = Duration::from_secs(30);

/// An event that counts for a while.
pub(crate) struct Lately {
    at: Mutex<Option<Instant>>,
    lasts: Duration,
}

impl Lately {
    /// One that has not happened.
    pub(crate) fn within(lasts: Duration) -> Lately {
        Lately { at: Mutex::default(), lasts }
    }

    pub(crate) fn note(&self) {
        *self.at.lock().unwrap_or_else(PoisonError::into_inner) = Some(Instant::now());
    }

    /// Whether it has happened so short a while ago that it counts.
    pub(crate) fn is_so(&self) -> bool {
        let at = *self.at.lock().unwrap_or_else(PoisonError::into_inner);
        at.is_some_and(|at| at.elapsed() < self.lasts)
    }
}

/// How many connections fewer are used because some were refused.
pub(crate) struct Crowding {
    size: usize,
    refused: Lately,
    closed: AtomicUsize,
    warned: AtomicBool,
}

impl Crowding {
    /// None, for a pool of this size.
    pub(crate) fn of(size: usize) -> Crowding {
        let (closed, warned) = (AtomicUsize::new(0), AtomicBool::new(false));
        Crowding { size, refused: Lately::within(PAUSE), closed, warned }
    }

    /// Records a refusal while that many connections of the pool are open.
    pub(crate) fn note(&self, connected: usize) {
        self.refused.note();
        if !self.warned.swap(true, Ordering::Relaxed) {
            tracing::warn!(
                connected,
                pool_size = self.size,
                "the database server admits fewer connections than database.pool-size; work waits for those \
                 admitted: raise the limit of the role (ALTER ROLE … CONNECTION LIMIT) or of the server \
                 (max_connections), or lower database.pool-size"
            );
        }
    }

    /// Whether a connection was refused a short while ago.
    pub(crate) fn is_on(&self) -> bool {
        self.refused.is_so()
    }

    /// Uses one connection fewer from now on.
    pub(crate) fn close_one(&self, permit: OwnedSemaphorePermit) {
        permit.forget();
        self.closed.fetch_add(1, Ordering::Relaxed);
    }

    /// Lets another connection be tried once the pause is over.
    pub(crate) fn ease(&self, gate: &Semaphore) {
        let one_less = |closed: usize| closed.checked_sub(1);
        if !self.is_on() && self.closed.fetch_update(Ordering::Relaxed, Ordering::Relaxed, one_less).is_ok() {
            gate.add_permits(1);
        }
    }
}
