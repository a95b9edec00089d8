//! A refund in the JSON of the API and the events.

use payment_domain::{Currency, Money, Personal, Refund, RefundStatus, Timestamp};
use serde::Serialize;
use serde_json::{Map, Value};
use utoipa::ToSchema;

use super::{AuditView, PersonalData, present};

/// A refund. Amounts are decimal text in units of the currency.
#[derive(Clone, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Refund)]
pub struct RefundView<'a> {
    /// The same as `refundId`.
    id: &'a str,
    /// The tenant of the payment.
    #[schema(required, example = "pb.amritsar")]
    tenant_id: Option<&'a str>,
    /// The refund's id, also its reference at the gateway.
    refund_id: &'a str,
    /// The payment.
    original_txn_id: &'a str,
    /// The module of the payment.
    #[schema(required)]
    service_code: Option<&'a str>,
    /// The amount that was paid.
    #[schema(example = "100.00")]
    original_amount: String,
    /// The amount that is given back.
    #[schema(example = "100.00")]
    refund_amount: String,
    /// The refundable rest, after this refund and others under way; null where it was not requested.
    #[schema(required)]
    amount_available: Option<String>,
    /// The ISO 4217 code of the currency; absent where that is INR.
    #[schema(value_type = Option<String>, nullable = false, example = "USD")]
    #[serde(skip_serializing_if = "Option::is_none")]
    currency: Option<&'a str>,
    /// The gateway's number of the payment.
    #[schema(required)]
    gateway_txn_id: Option<&'a str>,
    /// The gateway's number of the refund.
    #[schema(required)]
    gateway_refund_id: Option<&'a str>,
    /// The gateway's status code.
    #[schema(required)]
    gateway_status_code: Option<&'a str>,
    /// `SUCCESS` for a refund that has succeeded, otherwise the gateway's message.
    #[schema(required)]
    gateway_status_msg: Option<&'a str>,
    /// The gateway of the payment.
    #[schema(required, example = "SANDBOX")]
    gateway: Option<&'a str>,
    /// The purpose of the payment.
    #[schema(required)]
    consumer_code: Option<&'a str>,
    /// `INITIATED`, `PENDING`, `SUCCESS` or `FAILURE`.
    #[schema(example = "INITIATED")]
    refund_txn_status: &'static str,
    /// The same as `refundTxnStatus`.
    status: &'static str,
    /// The maker's reason, one word.
    reason_code: &'a str,
    /// The maker's reason; null for callers who may not read it.
    #[schema(required)]
    reason: Option<String>,
    /// The maker's uuid.
    requested_by: &'a str,
    /// The uuid of the last decider.
    #[schema(required)]
    decided_by: Option<&'a str>,
    /// When, in epoch milliseconds.
    #[schema(required)]
    decided_time: Option<i64>,
    /// `NONE`, `KEPT`, `TO_CANCEL`, `CANCELLED`, `NOT_CANCELLABLE` or `NEEDS_ADJUSTMENT`.
    #[schema(example = "KEPT")]
    receipt_status: &'static str,
    /// The number of changes; a decision names the one it is based on.
    version: u32,
    /// The client's own data; `workflowStatus`, the status in full; of a refund that has succeeded the
    /// gateway's message, `gatewayStatusMsg`; and when its money came back, `returnedTime`.
    #[schema(value_type = Object)]
    additional_details: Map<String, Value>,
    /// Creation and last change of the refund.
    audit_details: AuditView<'a>,
}

impl<'a> RefundView<'a> {
    /// The refund; the maker's words where personal data is shown.
    pub fn of(refund: &'a Refund, personal: PersonalData) -> RefundView<'a> {
        let details = &refund.gateway_details;
        let succeeded = refund.status == RefundStatus::Succeeded;
        let reason = match personal {
            PersonalData::Shown => refund.reason.as_ref().map(Personal::expose).map(str::to_owned),
            PersonalData::Masked => None,
        };
        let word = refund.status.digit_word();
        RefundView {
            id: refund.id.as_str(),
            tenant_id: present(refund.tenant_id.as_str()),
            refund_id: refund.id.as_str(),
            original_txn_id: refund.txn_id.as_str(),
            service_code: refund.service_code.as_deref(),
            original_amount: refund.capture.amount.to_string(),
            refund_amount: refund.amount.to_string(),
            amount_available: None,
            currency: Some(refund.amount.currency().code()).filter(|code| *code != Currency::INR.code()),
            gateway_txn_id: refund.capture.gateway_txn_id.as_deref(),
            gateway_refund_id: details.refund_id.as_deref(),
            gateway_status_code: details.status_code.as_deref(),
            gateway_status_msg: if succeeded { Some("SUCCESS") } else { details.status_message.as_deref() },
            gateway: present(refund.gateway.as_str()),
            consumer_code: present(&refund.consumer_code),
            refund_txn_status: word,
            status: word,
            reason_code: &refund.reason_code,
            reason,
            requested_by: &refund.requested_by,
            decided_by: refund.decision.as_ref().map(|decision| decision.by.as_str()),
            decided_time: refund.decision.as_ref().map(|decision| decision.at.as_millis()),
            receipt_status: refund.receipt.as_str(),
            version: refund.version,
            additional_details: additional_details(refund),
            audit_details: AuditView::of(&refund.audit),
        }
    }

    /// With the refundable rest of the payment.
    pub fn with_available(self, available: Money) -> RefundView<'a> {
        RefundView { amount_available: Some(available.to_string()), ..self }
    }
}

fn additional_details(refund: &Refund) -> Map<String, Value> {
    let mut details = refund.additional_details.clone();
    details.insert("workflowStatus".to_owned(), refund.status.as_str().into());
    let message = refund.gateway_details.status_message.as_deref();
    let ours = [
        ("gatewayStatusMsg", message.filter(|_| refund.status == RefundStatus::Succeeded).map(Value::from)),
        ("returnedTime", refund.returned_at.map(Timestamp::as_millis).map(Value::from)),
    ];
    for (name, value) in ours {
        // The client's own member of that name is not ours.
        details.remove(name);
        if let Some(value) = value {
            details.insert(name.to_owned(), value);
        }
    }
    details
}

#[cfg(test)]
mod tests {
    use payment_domain::{
        Audit, Capture, GatewayName, RefundCalls, RefundDetails, RefundId, RefundReceipt, TenantId, TxnId,
    };
    use serde_json::json;

    use super::*;

    fn refund() -> Refund {
        let rupees = |minor| Money::from_minor(minor, Currency::INR).unwrap();
        Refund {
            id: RefundId::new("RF-0000000001").unwrap(),
            txn_id: TxnId::new("T1").unwrap(),
            tenant_id: TenantId::new("pb.amritsar").unwrap(),
            gateway: GatewayName::new("AXIS"),
            service_code: Some("PT".to_owned()),
            consumer_code: "PT-107".to_owned(),
            capture: Capture {
                gateway_txn_id: Some("G1".to_owned()),
                is_second: false,
                amount: rupees(10_000),
            },
            amount: rupees(2_550),
            status: RefundStatus::Requested,
            reason_code: "DUPLICATE".to_owned(),
            reason: Some(Personal::new("Asha Rani paid twice")),
            case: None,
            requested_by: "maker-1".to_owned(),
            approvals: Vec::new(),
            waiver: None,
            decision: None,
            calls: RefundCalls::default(),
            gateway_details: RefundDetails::default(),
            receipt: RefundReceipt::Kept,
            returned_at: None,
            additional_details: json!({"a": 1, "workflowStatus": "forged", "gatewayStatusMsg": "forged"})
                .as_object()
                .unwrap()
                .clone(),
            audit: Audit {
                created_by: "maker-1".to_owned(),
                created_at: Timestamp::from_millis(1_790_000_000_000),
                modified_by: None,
                modified_at: None,
            },
            version: 1,
        }
    }

    fn shown(refund: &Refund) -> Value {
        serde_json::to_value(RefundView::of(refund, PersonalData::Masked)).unwrap()
    }

    #[test]
    fn a_refund_that_has_succeeded_says_so_in_every_member_that_upyog_reads() {
        let mut refund = refund();
        refund.status = RefundStatus::Succeeded;
        refund.gateway_details.status_message = Some("Approved".to_owned());
        let view = shown(&refund);
        for (member, value) in
            [("refundTxnStatus", "SUCCESS"), ("status", "SUCCESS"), ("gatewayStatusMsg", "SUCCESS")]
        {
            assert_eq!(view[member], value, "{member}");
        }
        let details = json!({"a": 1, "workflowStatus": "SUCCEEDED", "gatewayStatusMsg": "Approved"});
        assert_eq!(view["additionalDetails"], details);
    }

    #[test]
    fn every_member_of_upyogs_refund_is_there() {
        let view = shown(&refund());
        let expected = json!({
            "id": "RF-0000000001", "tenantId": "pb.amritsar", "refundId": "RF-0000000001",
            "originalTxnId": "T1", "serviceCode": "PT", "originalAmount": "100.00", "refundAmount": "25.50",
            "gatewayTxnId": "G1", "gatewayStatusCode": null, "gatewayStatusMsg": null, "gateway": "AXIS",
            "consumerCode": "PT-107", "refundTxnStatus": "INITIATED", "status": "INITIATED",
            "additionalDetails": {"a": 1, "workflowStatus": "REQUESTED"},
            "auditDetails": {"createdBy": "maker-1", "createdTime": 1_790_000_000_000_i64,
                "lastModifiedBy": null, "lastModifiedTime": null},
        });
        for (member, value) in expected.as_object().unwrap() {
            assert_eq!(view.get(member), Some(value), "{member}");
        }
    }

    #[test]
    fn the_makers_words_are_shown_only_where_personal_data_is() {
        let refund = refund();
        assert_eq!(shown(&refund)["reason"], Value::Null);
        let view = RefundView::of(&refund, PersonalData::Shown).with_available(Money::ZERO);
        let view = serde_json::to_value(view).unwrap();
        assert_eq!(
            (&view["reason"], &view["amountAvailable"]),
            (&json!("Asha Rani paid twice"), &json!("0.00"))
        );
    }
}
