//! Log fields that a handler attaches to its response; the request middleware writes them.

use std::borrow::Cow;

use axum::response::Response;
use payment_domain::TxnId;

/// The fields of a request's log line that only its handler knows.
#[derive(Debug, Clone, Default)]
pub(crate) struct LogContext {
    pub(crate) txn_id: Option<TxnId>,
    /// The code of the first error.
    pub(crate) code: Option<Cow<'static, str>>,
    /// The causes of a 5xx answer.
    pub(crate) cause: Option<String>,
}

impl LogContext {
    pub(crate) fn about(txn_id: TxnId) -> LogContext {
        LogContext { txn_id: Some(txn_id), ..LogContext::default() }
    }

    pub(crate) fn attach(self, response: &mut Response) {
        response.extensions_mut().insert(self);
    }
}
