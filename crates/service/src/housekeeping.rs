//! Clearing away what has had its time, in bounded batches.

use std::sync::Arc;

use payment_store::StoreError;

use crate::ports::Ports;

/// Tidies up.
#[derive(Clone)]
pub struct Housekeeping {
    ports: Arc<Ports>,
}

impl Housekeeping {
    /// How many rows one tick removes at most.
    pub const BATCH: u32 = 1000;

    pub(crate) fn new(ports: Arc<Ports>) -> Housekeeping {
        Housekeeping { ports }
    }

    /// Forgets a batch of idempotency keys that have been kept long enough; returns how many.
    /// Fewer than [`Housekeeping::BATCH`] means that none is left.
    ///
    /// # Errors
    /// [`StoreError`] when the database is away.
    pub async fn tick(&self) -> Result<u32, StoreError> {
        let before = self.ports.now().minus(self.ports.settings.idempotency_life);
        self.ports.store.forget_idempotency_keys(before, Housekeeping::BATCH).await
    }
}
