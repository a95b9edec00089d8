//! The metrics of refunds.

use payment_domain::{GatewayName, Money, Refund, RefundStatus};
use payment_store::RefundChange;

use crate::ports::sandbox_label;

/// A refund that reaches another status, once its change is stored.
pub(super) struct Step {
    gateway: GatewayName,
    amount: Money,
    status: RefundStatus,
}

impl Step {
    /// `None` where the change leaves the status.
    pub(super) fn of(change: &RefundChange) -> Option<Step> {
        (change.history.from != Some(change.refund.status)).then(|| Step::to(&change.refund))
    }

    fn to(refund: &Refund) -> Step {
        Step { gateway: refund.gateway.clone(), amount: refund.amount, status: refund.status }
    }

    pub(super) fn count(self) {
        let (gateway, sandbox) = (self.gateway.to_string(), sandbox_label(&self.gateway));
        let status = self.status.as_str().to_lowercase();
        metrics::counter!("refunds_changed_total", "gateway" => gateway.clone(), "sandbox" => sandbox, "status" => status)
            .increment(1);
        if self.status == RefundStatus::Succeeded {
            metrics::counter!("refunds_succeeded_minor_units_total", "gateway" => gateway, "currency" => self.amount.currency().code(), "sandbox" => sandbox)
                .increment(self.amount.minor().unsigned_abs());
        }
    }
}

/// Counts a stored request, and its approval where it needed none.
pub(super) fn count_request(refund: &Refund) {
    let gateway = refund.gateway.to_string();
    metrics::counter!("refunds_requested_total", "gateway" => gateway, "sandbox" => sandbox_label(&refund.gateway))
        .increment(1);
    if refund.status != RefundStatus::Requested {
        Step::to(refund).count();
    }
}
