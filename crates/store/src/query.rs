//! Searching transactions.

use async_trait::async_trait;
use payment_domain::{BillId, StatusName, TenantId, Transaction, TxnId};

use crate::StoreError;

#[async_trait]
pub trait Search: Send + Sync {
    /// Transactions that match, newest first (by creation time, then by id, both descending).
    async fn search(&self, query: &SearchQuery) -> Result<Vec<Transaction>, StoreError>;
}

/// Conditions that must all hold where they are set.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct SearchQuery {
    pub tenant_id: Option<TenantId>,
    pub txn_id: Option<TxnId>,
    /// The bill the client named first, or any bill the transaction claimed.
    pub bill_id: Option<BillId>,
    /// The payer.
    pub user_uuid: Option<String>,
    pub receipt: Option<String>,
    pub consumer_code: Option<String>,
    pub status: Option<StatusName>,
    /// Only transactions this user pays or created.
    pub mine: Option<Mine>,
    /// Only transactions of this tenant and below.
    pub within: Option<TenantScope>,
    /// Cursor: only transactions behind this one in the order of the answer; none, if it does not exist. The
    /// cost does not grow with the distance from the newest one.
    pub after: Option<TxnId>,
    pub page: PageRequest,
}

/// The user whose transactions are seen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mine {
    pub uuid: String,
}

/// A tenant with all tenants below it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TenantScope {
    /// The topmost tenant, e.g. `pb`.
    pub root: String,
}

/// A part of a result.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PageRequest {
    pub limit: u32,
    pub offset: u32,
}

impl Default for PageRequest {
    fn default() -> PageRequest {
        PageRequest { limit: 5, offset: 0 }
    }
}
