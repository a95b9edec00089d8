//! Review cases.

use payment_domain::Timestamp;
use payment_store::{AttentionCase, Resolution};
use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;

use super::PersonalData;
use crate::advice::{Advice, OtherPayment};
use crate::masking::mask_evidence;

/// A review case, with the current recommendation.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = AttentionCase)]
pub struct CaseView {
    /// Its number; a later case has a larger one.
    #[schema(example = 17)]
    pub id: i64,
    /// The transaction.
    #[schema(example = "PB_PG_2026_11_22_000072_14")]
    pub txn_id: String,
    /// The kind of doubt.
    #[schema(example = "late-success")]
    pub kind: &'static str,
    /// When it was noticed.
    #[schema(value_type = i64, example = 1_795_343_400_000_i64)]
    pub raised_time: Timestamp,
    /// Its evidence at the time the case was raised: the gateway's or the collection service's words.
    /// Personal values are starred.
    #[schema(value_type = Object)]
    pub evidence: Value,
    /// The current recommendation.
    pub recommended_action: String,
    /// The other payments of the same bills in their current state, where the recommendation may depend on
    /// them.
    pub other_payments: Vec<OtherPaymentView>,
    /// Grows by one when the owner changes, when it is resolved and when it is opened again.
    #[schema(example = 2)]
    pub version: u32,
    /// The operator who has taken it; null without one.
    #[schema(required)]
    pub owner: Option<CaseOwnerView>,
    /// How it ended; null while it is open.
    #[schema(required)]
    pub resolution: Option<ResolutionView>,
}

/// The operator who has taken a case.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = CaseOwner)]
pub struct CaseOwnerView {
    /// A uuid.
    #[schema(example = "clerk-7")]
    pub by: String,
    /// Since when.
    #[schema(value_type = i64, example = 1_795_347_000_000_i64)]
    pub since_time: Timestamp,
}

/// Another payment of a bill that the transaction of a case pays.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = OtherPayment)]
pub struct OtherPaymentView {
    /// The bill.
    #[schema(example = "ac8d5d1c-2f51-4bb5-a9cc-b2bf8b1e4a4e")]
    pub bill_id: String,
    /// The other transaction.
    #[schema(example = "PB_PG_2026_11_22_000073_11")]
    pub txn_id: String,
    /// Where that one stands now.
    #[schema(example = "SUCCESS")]
    pub txn_status: &'static str,
}

/// How a case ended.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Resolution)]
pub struct ResolutionView {
    /// When.
    #[schema(value_type = i64, example = 1_795_350_600_000_i64)]
    pub time: Timestamp,
    /// The person who resolved it.
    #[schema(example = "clerk-7")]
    pub by: String,
    /// The reason, or the act.
    #[schema(example = "refunded in the portal, reference 4711")]
    pub reason: String,
}

impl CaseView {
    pub fn of(stored: AttentionCase, advice: Advice, personal: PersonalData) -> CaseView {
        let AttentionCase { id, case, version, owner, resolution } = stored;
        let mut evidence = case.evidence;
        if personal == PersonalData::Masked {
            mask_evidence(&mut evidence);
        }
        CaseView {
            id,
            txn_id: case.txn_id.into(),
            kind: case.kind.as_str(),
            raised_time: case.raised_at,
            evidence,
            recommended_action: advice.action(),
            other_payments: advice.other_payments.into_iter().map(OtherPaymentView::from).collect(),
            version,
            owner: owner.map(|owner| CaseOwnerView { by: owner.by, since_time: owner.since }),
            resolution: resolution.map(ResolutionView::from),
        }
    }
}

impl From<OtherPayment> for OtherPaymentView {
    fn from(other: OtherPayment) -> OtherPaymentView {
        OtherPaymentView {
            bill_id: other.bill_id.into(),
            txn_id: other.txn_id.into(),
            txn_status: other.status.as_str(),
        }
    }
}

impl From<Resolution> for ResolutionView {
    fn from(resolution: Resolution) -> ResolutionView {
        ResolutionView { time: resolution.at, by: resolution.by, reason: resolution.reason }
    }
}
