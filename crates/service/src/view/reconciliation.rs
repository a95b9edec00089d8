//! Manual reconciliation.

use payment_domain::{GatewayName, Timestamp};
use payment_store::DueCheck;
use serde::Serialize;
use utoipa::ToSchema;

use crate::reconcile::{GatewaySummary, NotAsked, ReconciliationSummary, Selected};

/// The payments reconciled so far.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Reconciliation)]
pub struct ReconciliationView {
    /// Whether it is a dry run, without status requests and changes.
    pub dry_run: bool,
    /// Whether it has ended; otherwise it goes on.
    pub finished: bool,
    /// How many payments this request has checked, or would have: the oldest 1000 that are meant.
    #[schema(example = 1000)]
    pub taken: usize,
    /// The value of `after` for a request that checks the rest; null when there is none.
    #[schema(required, example = "PB_PG_2026_11_22_000072_14")]
    pub next: Option<String>,
    /// The outcome, by gateway.
    pub gateways: Vec<ReconciledGatewayView>,
    /// The payments whose status request failed. They stay pending, and keep their turn.
    pub not_asked: Vec<NotAsked>,
    /// The payments to check, oldest first; only of a dry run.
    pub due: Vec<DuePaymentView>,
}

/// The outcome for one gateway's payments.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = ReconciledGateway)]
pub struct ReconciledGatewayView {
    /// The gateway.
    #[schema(example = "SANDBOX")]
    pub gateway: String,
    /// The number of payments that were checked so far.
    pub checked: u32,
    /// Of these the number of SUCCESS.
    pub paid: u32,
    /// Of these the number of FAILURE.
    pub failed: u32,
    /// How many the gateway knows nothing definite about.
    pub still_pending: u32,
    /// The number of failed status requests.
    pub not_asked: u32,
    /// Milliseconds from the beginning to its last check.
    pub took_ms: u64,
}

/// A payment that would be checked.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = DuePayment)]
pub struct DuePaymentView {
    /// The transaction.
    pub txn_id: String,
    /// Its gateway.
    pub gateway: String,
    /// When it was created, in epoch milliseconds.
    #[schema(value_type = i64)]
    pub created_time: Timestamp,
    /// The number of times it was checked before.
    pub checks: u32,
}

impl ReconciliationView {
    /// The payments to check.
    pub fn dry_run(selected: &Selected) -> ReconciliationView {
        ReconciliationView {
            dry_run: true,
            finished: true,
            taken: selected.due.len(),
            next: selected.next().map(|id| id.to_string()),
            gateways: Vec::new(),
            not_asked: Vec::new(),
            due: selected.due.iter().map(DuePaymentView::from).collect(),
        }
    }

    /// The result so far.
    pub fn of(selected: &Selected, summary: &ReconciliationSummary, finished: bool) -> ReconciliationView {
        ReconciliationView {
            dry_run: false,
            finished,
            gateways: summary.gateways().iter().map(ReconciledGatewayView::from).collect(),
            not_asked: summary.not_asked().to_vec(),
            due: Vec::new(),
            ..ReconciliationView::dry_run(selected)
        }
    }
}

impl From<(&GatewayName, &GatewaySummary)> for ReconciledGatewayView {
    fn from((gateway, sum): (&GatewayName, &GatewaySummary)) -> ReconciledGatewayView {
        ReconciledGatewayView {
            gateway: gateway.to_string(),
            checked: sum.checked(),
            paid: sum.paid,
            failed: sum.failed,
            still_pending: sum.still_pending,
            not_asked: sum.not_asked,
            took_ms: u64::try_from(sum.took.as_millis()).unwrap_or(u64::MAX),
        }
    }
}

impl From<&DueCheck> for DuePaymentView {
    fn from(due: &DueCheck) -> DuePaymentView {
        DuePaymentView {
            txn_id: due.txn_id.to_string(),
            gateway: due.gateway.to_string(),
            created_time: due.created_at,
            checks: due.checks,
        }
    }
}
