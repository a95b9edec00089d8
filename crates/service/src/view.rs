//! Views for clients, consumers of events and operators, one serialisable type per thing. Endpoints, commands
//! and tables show the same ones. Times are epoch milliseconds.

mod api_token;
mod case;
mod event;
mod job;
mod reconciliation;
mod refund;
mod refund_story;
mod story;

use payment_domain::{BillPayment, Currency, Money, Payer, Personal, Transaction};
use serde::Serialize;
use serde_json::{Map, Value};
use utoipa::ToSchema;

pub use api_token::{ApiTokenView, GrantView, HolderView};
pub use case::{CaseOwnerView, CaseView, OtherPaymentView, ResolutionView};
pub use event::{DeadLetterView, EventView};
pub use job::{JobView, RunState, RunView};
pub use reconciliation::{DuePaymentView, ReconciledGatewayView, ReconciliationView};
pub use refund::RefundView;
pub use refund_story::{RefundHistoryView, RefundStory};
pub use story::{ActorView, HistoryView, ReceiptCancellationView, ReceiptTaskView, TransactionStory};

use crate::masking::mask;

/// Whether a view for operators shows personal data.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PersonalData {
    Masked,
    Shown,
}

impl PersonalData {
    /// A document of transactions or events, masked unless personal data is shown.
    pub fn show(self, mut document: Value) -> Value {
        if self == PersonalData::Masked {
            mask(&mut document);
        }
        document
    }
}

/// A transaction in the JSON of the API and the events: every key but `currency` is always present.
#[derive(Clone, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Transaction)]
pub struct TransactionView<'a> {
    /// The tenant the bills belong to.
    #[schema(required, example = "pb.amritsar")]
    tenant_id: Option<&'a str>,
    /// The amount in units of the currency, as decimal text.
    #[schema(required, example = "100.00")]
    txn_amount: Option<String>,
    /// The ISO 4217 code of the currency of all amounts; absent where that is INR.
    #[schema(value_type = Option<String>, nullable = false, example = "USD")]
    #[serde(skip_serializing_if = "Option::is_none")]
    currency: Option<&'a str>,
    /// The bill named first.
    #[schema(required)]
    bill_id: Option<&'a str>,
    /// The application's module.
    #[schema(required)]
    module: Option<&'a str>,
    /// The purpose of the payment in the application.
    #[schema(required)]
    consumer_code: Option<&'a str>,
    /// Every bill that is paid, with its amount.
    tax_and_payments: Vec<BillPaymentView<'a>>,
    /// A description for the payer.
    #[schema(required)]
    product_info: Option<&'a str>,
    /// The gateway it goes through.
    #[schema(required, example = "SANDBOX")]
    gateway: Option<&'a str>,
    /// Where the payer's browser goes in the end.
    #[schema(required)]
    callback_url: Option<&'a str>,
    /// The transaction's id.
    #[schema(example = "PB_PG_2026_11_22_000072_14")]
    txn_id: &'a str,
    /// The payer, as the user service knows them.
    user: PayerView<'a>,
    /// Where the payer pays.
    #[schema(required)]
    redirect_url: Option<&'a str>,
    /// `PENDING`, `SUCCESS` or `FAILURE`; a transaction that an earlier service left in another state
    /// has the word of that one.
    #[schema(required, example = "PENDING")]
    txn_status: Option<&'a str>,
    /// The status in a sentence.
    #[schema(required)]
    txn_status_msg: Option<&'a str>,
    /// The gateway's number of the payment.
    #[schema(required)]
    gateway_txn_id: Option<&'a str>,
    /// How the payer paid.
    #[schema(required)]
    gateway_payment_mode: Option<&'a str>,
    /// The gateway's status code.
    #[schema(required)]
    gateway_status_code: Option<&'a str>,
    /// The gateway's message.
    #[schema(required)]
    gateway_status_msg: Option<&'a str>,
    /// The receipt's number, once it is issued.
    #[schema(required)]
    receipt: Option<&'a str>,
    /// Creation and last change of the transaction.
    audit_details: AuditView<'a>,
    /// The client's own data, and `taxAndPayments`; null for callers who may not see the payer.
    #[schema(value_type = Option<Object>, required)]
    additional_details: Option<&'a Map<String, Value>>,
    /// The bank's number of the payment, where the gateway reports it; for UPYOG.
    #[schema(nullable = false)]
    #[serde(skip_serializing_if = "Option::is_none")]
    bank_transaction_no: Option<&'a str>,
    /// The application's own number of the payment, for UPYOG.
    #[schema(value_type = Option<String>, nullable = false)]
    #[serde(skip_serializing_if = "Option::is_none")]
    order_id: Option<&'a Value>,
    /// The service whose merchant account is paid into, where the client named it.
    #[schema(value_type = Option<String>, nullable = false)]
    #[serde(skip_serializing_if = "Option::is_none")]
    business_service: Option<&'a Value>,
    /// Parts of the payment, for UPYOG.
    #[schema(value_type = Option<Vec<Object>>, nullable = false)]
    #[serde(rename = "TransactionDetails", skip_serializing_if = "Option::is_none")]
    transaction_details: Option<&'a Value>,
}

/// The members of a transaction in UPYOG that are kept in `additionalDetails` and returned as they came.
pub mod upyog {
    pub const ORDER_ID: &str = "orderId";
    pub const BUSINESS_SERVICE: &str = "businessService";
    pub const TRANSACTION_DETAILS: &str = "TransactionDetails";
}

/// One bill of a payment.
#[derive(Clone, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = TaxAndPayment)]
pub struct BillPaymentView<'a> {
    /// The amount owed, in units of the currency.
    #[schema(value_type = Option<f64>, required, example = 100)]
    tax_amount: Option<Money>,
    /// The amount paid, in units of the currency.
    #[schema(value_type = f64, example = 100)]
    amount_paid: Money,
    /// The bill.
    bill_id: &'a str,
}

/// The payer.
#[derive(Clone, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = User)]
pub struct PayerView<'a> {
    /// The user service's id; null for callers who may not see the payer.
    #[schema(required)]
    uuid: Option<&'a str>,
    /// The name.
    name: String,
    /// The login name.
    user_name: String,
    /// The mobile number.
    mobile_number: String,
    /// The e-mail address.
    #[schema(required)]
    email_id: Option<String>,
    /// The tenant the payer is registered with.
    tenant_id: &'a str,
}

/// Creation and last change of a transaction; times in epoch milliseconds.
#[derive(Clone, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = AuditDetails)]
pub struct AuditView<'a> {
    /// The user (uuid) that created it; null for callers who may not see the payer.
    #[schema(required)]
    created_by: Option<&'a str>,
    /// When, in epoch milliseconds.
    #[schema(required)]
    created_time: Option<i64>,
    /// The user (uuid) of the last change.
    #[schema(required)]
    last_modified_by: Option<&'a str>,
    /// When, in epoch milliseconds.
    #[schema(required)]
    last_modified_time: Option<i64>,
}

impl<'a> TransactionView<'a> {
    /// The whole transaction.
    pub fn of(txn: &'a Transaction) -> TransactionView<'a> {
        TransactionView::with(txn, Personal::expose)
    }

    /// The transaction for a caller who may not see the payer: name, mobile number, login name and e-mail
    /// address are starred. Other data about a person are null: the ids of users, the client's own data, and
    /// the redirect URL, which opens the payer's way to the gateway and in which gateways keep the payer's
    /// data. The callback URL is without its query.
    pub fn masked(txn: &'a Transaction) -> TransactionView<'a> {
        let view = TransactionView::with(txn, Personal::masked);
        TransactionView {
            callback_url: view.callback_url.and_then(|url| url.split(['?', '#']).next()),
            redirect_url: None,
            user: PayerView { uuid: None, ..view.user },
            audit_details: AuditView { created_by: None, last_modified_by: None, ..view.audit_details },
            additional_details: None,
            order_id: None,
            business_service: None,
            transaction_details: None,
            ..view
        }
    }

    fn with<T: Into<String>>(txn: &'a Transaction, show: impl Fn(&'a Personal) -> T) -> TransactionView<'a> {
        TransactionView {
            tenant_id: present(txn.tenant_id.as_str()),
            txn_amount: txn.amount_text(),
            currency: Some(txn.currency_code()).filter(|code| *code != Currency::INR.code()),
            bill_id: present(txn.bill_id.as_str()),
            module: txn.module.as_deref(),
            consumer_code: present(&txn.consumer_code),
            tax_and_payments: txn.bills.iter().map(bill_view).collect(),
            product_info: present(&txn.product_info),
            gateway: present(txn.gateway.as_str()),
            callback_url: txn.callback_url.as_deref(),
            txn_id: txn.id.as_str(),
            user: payer_view(&txn.payer, show),
            redirect_url: txn.redirect_url.as_deref(),
            txn_status: txn.status_text(),
            txn_status_msg: present(&txn.status_message),
            gateway_txn_id: txn.gateway_details.txn_id.as_deref(),
            gateway_payment_mode: txn.gateway_details.payment_mode.as_deref(),
            gateway_status_code: txn.gateway_details.status_code.as_deref(),
            gateway_status_msg: txn.gateway_details.status_message.as_deref(),
            receipt: txn.receipt(),
            audit_details: AuditView::of(&txn.audit),
            additional_details: Some(&txn.additional_details),
            bank_transaction_no: txn.gateway_details.bank_txn_no.as_deref(),
            order_id: txn.additional_details.get(upyog::ORDER_ID).filter(|id| id.is_string()),
            business_service: txn
                .additional_details
                .get(upyog::BUSINESS_SERVICE)
                .filter(|service| service.is_string()),
            transaction_details: txn
                .additional_details
                .get(upyog::TRANSACTION_DETAILS)
                .filter(|details| details.is_array()),
        }
    }

    /// The same with the amount as the client wrote it: `100` stays `100` in the answer to its
    /// creation.
    pub fn with_amount_text(self, text: &str) -> TransactionView<'a> {
        TransactionView { txn_amount: Some(text.to_owned()), ..self }
    }
}

/// The text of a stored row; every text of a transaction of ours is there.
fn present(text: &str) -> Option<&str> {
    Some(text).filter(|text| !text.is_empty())
}

fn bill_view(bill: &BillPayment) -> BillPaymentView<'_> {
    BillPaymentView {
        tax_amount: bill.tax_amount,
        amount_paid: bill.amount_paid,
        bill_id: bill.bill_id.as_str(),
    }
}

fn payer_view<'a, T: Into<String>>(payer: &'a Payer, show: impl Fn(&'a Personal) -> T) -> PayerView<'a> {
    PayerView {
        uuid: Some(&payer.uuid),
        name: show(&payer.name).into(),
        user_name: show(&payer.user_name).into(),
        mobile_number: show(&payer.mobile_number).into(),
        email_id: payer.email_id.as_ref().map(|email| show(email).into()),
        tenant_id: &payer.tenant_id,
    }
}

impl<'a> AuditView<'a> {
    /// The audit details in JSON shape.
    pub fn of(audit: &'a payment_domain::Audit) -> AuditView<'a> {
        AuditView {
            created_by: Some(&audit.created_by),
            // An adopted row without a moment of creation has the beginning of time.
            created_time: Some(audit.created_at.as_millis()).filter(|created_ms| *created_ms != 0),
            last_modified_by: audit.modified_by.as_deref(),
            last_modified_time: audit.modified_at.map(payment_domain::Timestamp::as_millis),
        }
    }
}

#[cfg(test)]
mod tests {
    use payment_domain::{BillId, GatewayName, TenantId, UnknownValues};
    use payment_store::contract::sample;
    use serde_json::{Value, json};

    use super::*;

    #[test]
    fn missing_values_of_an_adopted_row_are_null_and_unknown_ones_are_shown_unchanged() {
        let mut txn = sample::transaction("T1", &["B1"]);
        txn.tenant_id = TenantId::stored("");
        txn.bill_id = BillId::stored("");
        txn.bills.clear();
        txn.consumer_code.clear();
        txn.gateway = GatewayName::new("");
        txn.audit.created_at = payment_domain::Timestamp::from_millis(0);
        let shown = |txn: &Transaction| serde_json::to_value(TransactionView::of(txn)).unwrap();
        let view = shown(&txn);
        for absent in ["tenantId", "billId", "consumerCode", "gateway"] {
            assert_eq!(view[absent], Value::Null, "{absent}");
        }
        assert_eq!((&view["txnAmount"], &view["taxAndPayments"]), (&json!("100.00"), &json!([])));
        assert_eq!(view["auditDetails"]["createdTime"], Value::Null);

        let unknown = |amount: &str, status: &str| {
            let (amount, status) = (Some(amount.to_owned()), Some(status.to_owned()));
            Some(Box::new(UnknownValues { amount, currency: None, status }))
        };
        txn.unknown = unknown("-5.00", "REVERSED");
        let view = shown(&txn);
        assert_eq!((&view["txnAmount"], &view["txnStatus"]), (&json!("-5.00"), &json!("REVERSED")));
        txn.unknown =
            Some(Box::new(UnknownValues { currency: Some("KWD".to_owned()), ..Default::default() }));
        assert_eq!(shown(&txn)["currency"], json!("KWD"));
        txn.unknown = unknown("", "");
        let view = shown(&txn);
        assert_eq!((&view["txnAmount"], &view["txnStatus"]), (&Value::Null, &Value::Null));
    }
}
