//! The transaction of a request, known before its answer.

use std::sync::{Arc, OnceLock};

use payment_domain::TxnId;

/// Shared by the answer of a request and the work for it, so that a client whose request is cut short
/// receives the transaction to look up.
#[derive(Debug, Clone, Default)]
pub struct Subject(Arc<OnceLock<TxnId>>);

impl Subject {
    /// Sets the transaction; the first one counts.
    pub fn is(&self, txn_id: &TxnId) {
        self.0.get_or_init(|| txn_id.clone());
    }

    pub fn txn_id(&self) -> Option<TxnId> {
        self.0.get().cloned()
    }
}
