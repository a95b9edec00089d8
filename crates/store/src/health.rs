//! Whether the database works, and how much is open.

use async_trait::async_trait;

use crate::StoreError;

#[async_trait]
pub trait Health: Send + Sync {
    /// Counts for operators.
    async fn backlog(&self) -> Result<Backlog, StoreError>;

    /// Answers when the database can be read and written.
    async fn ping(&self) -> Result<(), StoreError>;
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Backlog {
    pub pending_transactions: u64,
    /// Successful transactions whose receipt is still due.
    pub receipts_due: u64,
    /// Open review cases.
    pub open_attention: u64,
}
