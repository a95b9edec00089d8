//! Claims: at most one live transaction holds a bill.

use async_trait::async_trait;
use payment_domain::{BillKey, GatewayName, StatusName, Timestamp, TxnId};

use crate::StoreError;

#[async_trait]
pub trait Claims: Send + Sync {
    /// The claims held on any of these bills.
    async fn claims(&self, bills: &[BillKey]) -> Result<Vec<Claim>, StoreError>;
}

/// A bill held by a transaction, with the holder's data.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Claim {
    pub bill: BillKey,
    pub txn_id: TxnId,
    pub status: StatusName,
    pub gateway: GatewayName,
    pub created_at: Timestamp,
}
