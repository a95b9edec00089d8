//! The outcome of a reconciliation by hand, by gateway.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use payment_domain::{GatewayName, StatusName, TxnId};
use serde::Serialize;
use utoipa::ToSchema;

use super::Check;
use super::by_hand::{Checked, Progress};

#[derive(Debug, Clone)]
pub struct ReconciliationSummary {
    began: Instant,
    gateways: BTreeMap<GatewayName, GatewaySummary>,
    not_asked: Vec<NotAsked>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct GatewaySummary {
    pub paid: u32,
    pub failed: u32,
    pub still_pending: u32,
    pub not_asked: u32,
    /// From the beginning to the end of its last check.
    pub took: Duration,
}

/// A payment whose status request failed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct NotAsked {
    /// The transaction.
    #[schema(value_type = String)]
    pub txn_id: TxnId,
    /// Its gateway.
    #[schema(value_type = String)]
    pub gateway: GatewayName,
    pub reason: String,
}

impl GatewaySummary {
    pub fn checked(&self) -> u32 {
        self.paid + self.failed + self.still_pending + self.not_asked
    }
}

impl ReconciliationSummary {
    /// Empty; `took` is counted from now.
    pub fn begin() -> ReconciliationSummary {
        ReconciliationSummary { began: Instant::now(), gateways: BTreeMap::new(), not_asked: Vec::new() }
    }

    pub fn gateways(&self) -> &BTreeMap<GatewayName, GatewaySummary> {
        &self.gateways
    }

    /// In the order of the checks.
    pub fn not_asked(&self) -> &[NotAsked] {
        &self.not_asked
    }

    pub fn total(&self) -> GatewaySummary {
        self.gateways.values().fold(GatewaySummary::default(), |sum, one| GatewaySummary {
            paid: sum.paid + one.paid,
            failed: sum.failed + one.failed,
            still_pending: sum.still_pending + one.still_pending,
            not_asked: sum.not_asked + one.not_asked,
            took: sum.took.max(one.took),
        })
    }
}

impl Progress for ReconciliationSummary {
    fn done(&mut self, checked: &Checked) {
        let of_gateway = self.gateways.entry(checked.gateway.clone()).or_default();
        of_gateway.took = self.began.elapsed();
        match &checked.check {
            Check::Settled(StatusName::Success) => of_gateway.paid += 1,
            Check::Settled(StatusName::Failure) => of_gateway.failed += 1,
            Check::Settled(StatusName::Pending) | Check::StillPending => of_gateway.still_pending += 1,
            Check::Failed(reason) => {
                of_gateway.not_asked += 1;
                self.not_asked.push(NotAsked {
                    txn_id: checked.txn_id.clone(),
                    gateway: checked.gateway.clone(),
                    reason: reason.clone(),
                });
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_check_is_counted_once_where_it_belongs() {
        let mut summary = ReconciliationSummary::begin();
        let checks = [
            ("AXIS", Check::Settled(StatusName::Success)),
            ("AXIS", Check::Settled(StatusName::Failure)),
            ("AXIS", Check::StillPending),
            ("PAYU", Check::Failed("timed out".to_owned())),
            ("PAYU", Check::Settled(StatusName::Success)),
        ];
        for (nth, (gateway, check)) in checks.into_iter().enumerate() {
            let txn_id = TxnId::new(format!("T{nth}")).unwrap();
            summary.done(&Checked { txn_id, gateway: GatewayName::new(gateway), check });
        }
        let axis = summary.gateways()[&GatewayName::new("AXIS")];
        assert_eq!(
            (axis.checked(), axis.paid, axis.failed, axis.still_pending, axis.not_asked),
            (3, 1, 1, 1, 0)
        );
        let total = summary.total();
        assert_eq!((total.checked(), total.paid, total.not_asked), (5, 2, 1));
        assert_eq!(summary.not_asked()[0].txn_id.as_str(), "T3");
        assert_eq!(summary.not_asked()[0].reason, "timed out");
    }
}
