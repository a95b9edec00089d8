//! Registered payments, and whether their receipts can be cancelled.

use payment_domain::{RequestInfo, TenantId, TxnId};

use crate::{Collections, DigitError, Receipts};

/// A payment in the collection service's register.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Registered {
    pub receipts: Receipts,
    pub standing: Standing,
    pub key: PaymentKey,
}

/// Whether the receipts of a registered payment are valid.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Standing {
    Valid,
    /// The receipts are cancelled; the bills can be paid again.
    Cancelled,
    /// Dishonoured, remitted or unknown: the service's own word, possibly empty.
    Other(String),
}

/// A registered payment in the service's own terms; empty where the transaction number is enough.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct PaymentKey {
    pub id: Option<String>,
    /// The business services of its bills, each once.
    pub business_services: Vec<String>,
    /// The consumer codes of its bills, each once.
    pub consumer_codes: Vec<String>,
    /// Epoch milliseconds.
    pub made_at: Option<i64>,
}

/// Whether the receipts of a payment can be cancelled now. The service itself decides on the request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Cancellability {
    Possible,
    /// They are cancelled already.
    Cancelled,
    /// The payment is not registered: it has no receipts.
    NotRegistered,
    /// Their payment is not approved.
    NotApproved {
        status: String,
    },
    /// A later payment of the same consumer code is registered.
    NotTheLatest,
}

/// Whether the receipts of the payment with this transaction number can be cancelled now: the payment is
/// valid, and the latest one of each of its consumer codes.
///
/// # Errors
/// [`DigitError`] when that cannot be found out.
pub async fn cancellability(
    collections: &dyn Collections,
    info: &RequestInfo,
    tenant: &TenantId,
    transaction_number: &TxnId,
) -> Result<Cancellability, DigitError> {
    let Some(payment) = collections.find(info, tenant, transaction_number).await? else {
        return Ok(Cancellability::NotRegistered);
    };
    match &payment.standing {
        Standing::Cancelled => Ok(Cancellability::Cancelled),
        Standing::Other(status) => Ok(Cancellability::NotApproved { status: status.clone() }),
        Standing::Valid if collections.is_latest(info, tenant, &payment).await? => {
            Ok(Cancellability::Possible)
        }
        Standing::Valid => Ok(Cancellability::NotTheLatest),
    }
}
