//! Whether the receipt of a payment can be cancelled, for the maker of a refund.

use payment_digit::{Cancellability, cancellability};
use payment_domain::{RefundReceipt, Transaction};

use super::{CancelReceipt, NotCancellable, RefundError, Refunds};

impl Refunds {
    /// The receipt's part of a request. A receipt that would have to be cancelled before the money leaves, and
    /// cannot be, refuses it.
    pub(super) async fn receipt_of(
        &self,
        payment: &Transaction,
        is_whole: bool,
    ) -> Result<RefundReceipt, RefundError> {
        if payment.receipt().is_none() {
            return Ok(RefundReceipt::None);
        }
        let cancel = self.settings().cancel_receipt;
        if !is_whole || cancel == CancelReceipt::Never {
            return Ok(RefundReceipt::Kept);
        }
        match self.why_not_cancellable(payment).await {
            None => Ok(RefundReceipt::Kept),
            Some(reason) if cancel == CancelReceipt::OnApproval => {
                Err(RefundError::ReceiptNotCancellable(reason))
            }
            Some(_) => Ok(RefundReceipt::NotCancellable),
        }
    }

    /// The reason why the receipt cannot be cancelled now, or why that cannot be found out.
    async fn why_not_cancellable(&self, payment: &Transaction) -> Option<NotCancellable> {
        let identity = self.ports.settings.system_identity();
        let collections = self.ports.collections.as_ref();
        match cancellability(collections, identity.info(), &payment.tenant_id, &payment.id).await {
            Ok(Cancellability::Possible | Cancellability::Cancelled | Cancellability::NotRegistered) => None,
            Ok(Cancellability::NotApproved { status }) => Some(NotCancellable::Status(status)),
            Ok(Cancellability::NotTheLatest) => Some(NotCancellable::LaterPayment),
            Err(error) => {
                tracing::warn!(txn_id = %payment.id, %error, "the collection service does not say whether a receipt can be cancelled");
                Some(NotCancellable::Unknown(error.to_string()))
            }
        }
    }
}
