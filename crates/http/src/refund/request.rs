//! The bodies of `_create`: ours, and that of UPYOG's refund-services.

use std::borrow::Cow;

use payment_domain::{Personal, TenantId, TxnId};
use payment_service::UPSTREAM;
use serde::Deserialize;
use serde_json::value::RawValue;
use serde_json::{Map, Value};
use utoipa::ToSchema;

use crate::error::ApiError;
use crate::json::{self, Scalar};
use crate::validation::{Field, TextRule, Violations};

const REASON_CODE: TextRule = TextRule::line(1, 64);
const REASON: TextRule = TextRule { lines: true, ..TextRule::line(1, 2000) };
const TENANT: TextRule = TextRule::line(1, TenantId::MAX_CHARS);
/// The longest attachment, in bytes of JSON.
const ADDITIONAL_DETAILS_BYTES: usize = 16 * 1024;

/// A refund as a maker wants it.
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = RefundRequest)]
pub(crate) struct RefundFields<'a> {
    /// The tenant of the payment; needed where the maker has several.
    #[serde(borrow)]
    #[schema(value_type = Option<String>, min_length = 1, max_length = 50, example = "pb.amritsar")]
    tenant_id: Option<Scalar<'a>>,
    /// The payment.
    #[serde(borrow)]
    #[schema(value_type = String, min_length = 1, max_length = 128, example = "PB_PG_2026_11_22_000072_14")]
    original_txn_id: Option<Scalar<'a>>,
    /// In units of the payment's currency; all that is left where it is absent.
    #[schema(value_type = Option<String>, example = "100.00")]
    refund_amount: Option<Box<RawValue>>,
    /// The client's own figure of the refundable rest; another amount is refused with 412.
    #[schema(value_type = Option<String>, example = json!(null))]
    amount_available: Option<Box<RawValue>>,
    /// One word.
    #[serde(borrow)]
    #[schema(value_type = String, min_length = 1, max_length = 64, example = "PAID_TWICE")]
    reason_code: Option<Scalar<'a>>,
    /// In the maker's words.
    #[serde(borrow)]
    #[schema(value_type = String, min_length = 1, max_length = 2000, example = "the bill was paid at the counter, too")]
    reason: Option<Scalar<'a>>,
    /// The review case that proposes the refund, and closes with it.
    #[serde(borrow)]
    #[schema(value_type = Option<i64>, example = json!(null))]
    case_id: Option<Scalar<'a>>,
    /// Kept and given back unread.
    #[schema(value_type = Option<Object>)]
    additional_details: Option<Map<String, Value>>,
}

/// The payment whose money is to be given back, as UPYOG's refund-services sends it: the collection service's.
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = PaymentToRefund)]
pub(crate) struct PaymentFields<'a> {
    /// The tenant of the payment.
    #[serde(borrow)]
    #[schema(value_type = Option<String>, min_length = 1, max_length = 50, example = "pb.amritsar")]
    tenant_id: Option<Scalar<'a>>,
    /// The transaction.
    #[serde(borrow)]
    #[schema(value_type = String, min_length = 1, max_length = 128, example = "PB_PG_2026_11_22_000072_14")]
    transaction_number: Option<Scalar<'a>>,
    /// The paid amount, which is given back; the whole rest where it is absent.
    #[schema(value_type = Option<String>, example = "100.00")]
    total_amount_paid: Option<Box<RawValue>>,
}

/// A well-formed request.
pub(super) struct Wanted {
    pub(super) tenant: Option<TenantId>,
    pub(super) payment: TxnId,
    pub(super) amount: Option<Box<RawValue>>,
    pub(super) amount_available: Option<Box<RawValue>>,
    pub(super) reason_code: String,
    pub(super) reason: Option<Personal>,
    pub(super) case: Option<i64>,
    pub(super) additional_details: Map<String, Value>,
}

impl RefundFields<'_> {
    pub(super) fn wanted(self, mut found: Violations) -> Result<Wanted, ApiError> {
        let field = |name| Field("refundRequest.refund", name);
        let tenant = tenant(&mut found, field("tenantId"), self.tenant_id);
        let payment = payment(&mut found, self.original_txn_id);
        let is_blank = |Scalar(text): &Scalar<'_>| text.trim().is_empty();
        let reason_code =
            found.optional(field("reasonCode"), self.reason_code.filter(|code| !is_blank(code)), REASON_CODE);
        let reason = found.optional(field("reason"), self.reason.filter(|reason| !is_blank(reason)), REASON);
        let case = self.case_id.map(|Scalar(text)| text.trim().parse::<i64>());
        if matches!(case, Some(Err(_))) {
            found.add("Pattern", field("caseId"), "must be the number of a case");
        }
        let additional_details = self.additional_details.unwrap_or_default();
        if json::length(&additional_details) > ADDITIONAL_DETAILS_BYTES {
            let message = format!("must not be longer than {ADDITIONAL_DETAILS_BYTES} bytes of JSON");
            found.add("Size", field("additionalDetails"), message);
        }
        let (Some(payment), true) = (payment, found.is_empty()) else { return Err(found.into_error()) };
        Ok(Wanted {
            tenant,
            payment,
            amount: self.refund_amount,
            amount_available: self.amount_available,
            reason_code: reason_code.map(Cow::into_owned).unwrap_or_default(),
            reason: reason.map(|text| Personal::new(text.into_owned())),
            case: case.and_then(Result::ok),
            additional_details,
        })
    }
}

impl PaymentFields<'_> {
    pub(super) fn wanted(self, mut found: Violations) -> Result<Wanted, ApiError> {
        let field = |name| Field("refundRequest.payment", name);
        let tenant = tenant(&mut found, field("tenantId"), self.tenant_id);
        let payment = payment(&mut found, self.transaction_number);
        let (Some(payment), true) = (payment, found.is_empty()) else { return Err(found.into_error()) };
        Ok(Wanted {
            tenant,
            payment,
            amount: self.total_amount_paid,
            amount_available: None,
            reason_code: UPSTREAM.to_owned(),
            reason: None,
            case: None,
            additional_details: Map::new(),
        })
    }
}

fn tenant(found: &mut Violations, field: Field, value: Option<Scalar<'_>>) -> Option<TenantId> {
    found.optional(field, value, TENANT).and_then(|text| TenantId::new(text.into_owned()).ok())
}

/// The payment; UPYOG's code where it is not named.
fn payment(found: &mut Violations, value: Option<Scalar<'_>>) -> Option<TxnId> {
    let id = value.and_then(|Scalar(text)| TxnId::new(text.trim()).ok());
    if id.is_none() {
        found.add_coded(
            "INVALID_TRANSACTION_NUMBER",
            "The transaction whose money is to be given back is not named",
        );
    }
    id
}
