//! The transaction that a request turns out to be about, known before its answer is.

use std::sync::{Arc, OnceLock};

use payment_domain::TxnId;

/// Shared between whoever answers a request and whoever works on it, so that a client whose request is
/// cut short can be told what to look up.
#[derive(Debug, Clone, Default)]
pub struct Subject(Arc<OnceLock<TxnId>>);

impl Subject {
    /// The request is about this transaction. The first one counts.
    pub fn is(&self, txn_id: &TxnId) {
        self.0.get_or_init(|| txn_id.clone());
    }

    /// The transaction, once it is known.
    pub fn txn_id(&self) -> Option<TxnId> {
        self.0.get().cloned()
    }
}
