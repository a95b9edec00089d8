//! Whether the database works, and how much is open.

use async_trait::async_trait;
use payment_domain::Timestamp;

use crate::{Backlog, StoreError};

#[async_trait]
pub trait Health: Send + Sync {
    /// Open work and its ages at this moment, up to [`COUNTED`](crate::backlog::COUNTED) of each kind.
    async fn backlog(&self, now: Timestamp) -> Result<Backlog, StoreError>;

    /// Answers when the database can be read and written.
    async fn ping(&self) -> Result<(), StoreError>;
}
