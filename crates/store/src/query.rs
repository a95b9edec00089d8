//! What can be searched for.

use payment_domain::{BillId, StatusName, TenantId, TxnId};

/// The conditions of a search; those that are set must all hold.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct SearchQuery {
    /// The transaction's tenant, exactly.
    pub tenant_id: Option<TenantId>,
    /// The transaction.
    pub txn_id: Option<TxnId>,
    /// The bill the client named first, or any bill the transaction claimed.
    pub bill_id: Option<BillId>,
    /// The payer.
    pub user_uuid: Option<String>,
    /// The receipt's number.
    pub receipt: Option<String>,
    /// The consumer code.
    pub consumer_code: Option<String>,
    /// The status.
    pub status: Option<StatusName>,
    /// Only transactions this user pays or created.
    pub mine: Option<Mine>,
    /// Only transactions of this tenant and below.
    pub within: Option<TenantScope>,
    /// Only what comes behind this transaction in the order of the answer; nothing, where there is no
    /// such transaction. Its cost does not grow with how far behind the newest that is.
    pub after: Option<TxnId>,
    /// Which part of the result.
    pub page: PageRequest,
}

/// The user whose transactions are seen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mine {
    /// The user's uuid.
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
    /// How many rows at most.
    pub limit: u32,
    /// How many rows to skip.
    pub offset: u32,
}

impl Default for PageRequest {
    fn default() -> PageRequest {
        PageRequest { limit: 5, offset: 0 }
    }
}
