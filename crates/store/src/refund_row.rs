//! A refund as both databases hold it: columns for values that are searched, compared and constrained, JSON
//! for the rest.

use std::collections::BTreeMap;

use payment_domain::{
    Approval, Audit, Capture, Currency, GatewayName, Money, Personal, Refund, RefundCalls, RefundDecision,
    RefundDetails, RefundId, RefundReceipt, RefundStatus, TenantId, Timestamp, TxnId, Waiver,
};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

/// The columns of a stored refund. The optional ones are missing in a row of an earlier service.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RefundRow {
    pub txn_id: String,
    pub refund_id: String,
    pub tenant_id: String,
    pub gateway: String,
    pub service_code: Option<String>,
    pub gateway_txn_id: Option<String>,
    /// DIGIT's word.
    pub status: String,
    pub workflow_status: Option<String>,
    pub currency: Option<String>,
    pub captured_minor: i64,
    pub amount_minor: i64,
    pub capture_key: String,
    pub consumer_code: String,
    pub requested_by: String,
    pub approved_by: Option<String>,
    pub second_approved_by: Option<String>,
    pub waiver: Option<String>,
    pub case_id: Option<i64>,
    pub receipt_status: Option<String>,
    pub created_at: i64,
    pub modified_by: Option<String>,
    pub modified_at: Option<i64>,
    pub version: Option<i64>,
    /// JSON.
    pub rest: Option<String>,
}

/// Values used in no condition.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Rest {
    service_code: Option<String>,
    gateway_txn_id: Option<String>,
    reason_code: String,
    reason: Option<Personal>,
    /// By checker.
    approved_at: BTreeMap<String, i64>,
    decision: Option<Decision>,
    calls: u32,
    first_call_at: Option<i64>,
    last_call_at: Option<i64>,
    not_taken: bool,
    gateway_refund_id: Option<String>,
    status_code: Option<String>,
    status_message: Option<String>,
    returned_at: Option<i64>,
    additional_details: Map<String, Value>,
}

#[derive(Serialize, Deserialize)]
struct Decision {
    by: String,
    at: i64,
    comment: Option<Personal>,
}

impl RefundRow {
    /// The columns of a refund of ours.
    ///
    /// # Errors
    /// When its attachment cannot be written as JSON.
    pub fn of(refund: &Refund) -> Result<RefundRow, serde_json::Error> {
        let millis = |at: Timestamp| at.as_millis();
        let rest = Rest {
            service_code: refund.service_code.clone(),
            gateway_txn_id: refund.capture.gateway_txn_id.clone(),
            reason_code: refund.reason_code.clone(),
            reason: refund.reason.clone(),
            approved_at: refund.approvals.iter().map(|given| (given.by.clone(), millis(given.at))).collect(),
            decision: refund.decision.as_ref().map(|decision| Decision {
                by: decision.by.clone(),
                at: millis(decision.at),
                comment: decision.comment.clone(),
            }),
            calls: refund.calls.number,
            first_call_at: refund.calls.first_at.map(millis),
            last_call_at: refund.calls.last_at.map(millis),
            not_taken: refund.calls.not_taken,
            gateway_refund_id: refund.gateway_details.refund_id.clone(),
            status_code: refund.gateway_details.status_code.clone(),
            status_message: refund.gateway_details.status_message.clone(),
            returned_at: refund.returned_at.map(millis),
            additional_details: refund.additional_details.clone(),
        };
        let checker = |nth: usize| refund.approvals.get(nth).map(|given| given.by.clone());
        Ok(RefundRow {
            txn_id: refund.txn_id.to_string(),
            refund_id: refund.id.to_string(),
            tenant_id: refund.tenant_id.to_string(),
            gateway: refund.gateway.to_string(),
            service_code: refund.service_code.clone(),
            gateway_txn_id: refund.capture.gateway_txn_id.clone(),
            status: refund.status.digit_word().to_owned(),
            workflow_status: Some(refund.status.as_str().to_owned()),
            currency: Some(refund.amount.currency().code().to_owned()),
            captured_minor: refund.capture.amount.minor(),
            amount_minor: refund.amount.minor(),
            capture_key: refund.capture.key().to_owned(),
            consumer_code: refund.consumer_code.clone(),
            requested_by: refund.requested_by.clone(),
            approved_by: checker(0),
            second_approved_by: checker(1),
            waiver: refund.waiver.map(|waiver| waiver.as_str().to_owned()),
            case_id: refund.case,
            receipt_status: Some(refund.receipt.as_str().to_owned()),
            created_at: millis(refund.audit.created_at),
            modified_by: refund.audit.modified_by.clone(),
            modified_at: refund.audit.modified_at.map(millis),
            version: Some(i64::from(refund.version)),
            rest: Some(serde_json::to_string(&rest)?),
        })
    }

    /// The refund; the name of a column that cannot be read otherwise.
    ///
    /// # Errors
    /// That name.
    pub fn read(self) -> Result<Refund, &'static str> {
        let code = self.currency.as_deref().unwrap_or(Currency::INR.code());
        let currency = Currency::from_code(code).ok_or("currency")?;
        let money = |minor, column| Money::from_minor(minor, currency).map_err(|_| column);
        let status = match self.workflow_status.as_deref() {
            Some(word) => RefundStatus::from_word(word).ok_or("workflow_status")?,
            None => adopted_status(&self.status),
        };
        let rest: Option<Rest> = match self.rest.as_deref() {
            Some(json) => Some(serde_json::from_str(json).map_err(|_| "details")?),
            None => None,
        };
        let rest = rest.unwrap_or_else(|| Rest::adopted(&self));
        let moment = |at: i64| Timestamp::from_millis(at);
        let approved = |by: Option<String>| {
            let at = |by: &String| rest.approved_at.get(by).map_or(self.created_at, |at| *at);
            by.map(|by| Approval { at: moment(at(&by)), by })
        };
        Ok(Refund {
            id: RefundId::stored(self.refund_id.as_str()),
            txn_id: TxnId::stored(self.txn_id.as_str()),
            tenant_id: TenantId::stored(self.tenant_id.as_str()),
            gateway: GatewayName::new(&self.gateway),
            amount: money(self.amount_minor, "refund_amount")?,
            capture: Capture {
                is_second: !self.capture_key.is_empty(),
                gateway_txn_id: rest.gateway_txn_id.clone(),
                amount: money(self.captured_minor, "original_amount")?,
            },
            status,
            case: self.case_id,
            approvals: approved(self.approved_by)
                .into_iter()
                .chain(approved(self.second_approved_by))
                .collect(),
            waiver: match self.waiver.as_deref() {
                Some(word) => Some(Waiver::from_word(word).ok_or("waiver")?),
                None => None,
            },
            decision: rest.decision.map(|decision| RefundDecision {
                by: decision.by,
                at: moment(decision.at),
                comment: decision.comment,
            }),
            calls: RefundCalls {
                number: rest.calls,
                first_at: rest.first_call_at.map(moment),
                last_at: rest.last_call_at.map(moment),
                not_taken: rest.not_taken,
            },
            gateway_details: RefundDetails {
                refund_id: rest.gateway_refund_id,
                status_code: rest.status_code,
                status_message: rest.status_message,
            },
            receipt: match self.receipt_status.as_deref() {
                Some(word) => RefundReceipt::from_word(word).ok_or("receipt_status")?,
                None => RefundReceipt::Kept,
            },
            returned_at: rest.returned_at.map(moment),
            reason_code: rest.reason_code,
            reason: rest.reason,
            service_code: rest.service_code,
            additional_details: rest.additional_details,
            consumer_code: self.consumer_code,
            audit: Audit {
                created_by: self.requested_by.clone(),
                created_at: moment(self.created_at),
                modified_by: self.modified_by,
                modified_at: self.modified_at.map(moment),
            },
            requested_by: self.requested_by,
            version: u32::try_from(self.version.unwrap_or(0)).map_err(|_| "version")?,
        })
    }
}

impl Rest {
    fn adopted(row: &RefundRow) -> Rest {
        Rest {
            service_code: row.service_code.clone(),
            gateway_txn_id: row.gateway_txn_id.clone(),
            reason_code: String::new(),
            reason: None,
            approved_at: BTreeMap::new(),
            decision: None,
            calls: 0,
            first_call_at: None,
            last_call_at: None,
            not_taken: false,
            gateway_refund_id: None,
            status_code: None,
            status_message: None,
            returned_at: None,
            additional_details: Map::new(),
        }
    }
}

/// The status of a row of an earlier service. Any word but its failure reserves the amount.
fn adopted_status(word: &str) -> RefundStatus {
    match word.to_ascii_uppercase().as_str() {
        "SUCCESS" => RefundStatus::Succeeded,
        "FAILURE" => RefundStatus::Failed,
        _ => RefundStatus::Sent,
    }
}
