//! Payments at collection-services: `payments/_validate`, `payments/_create`, `payments/_search`,
//! `payments/{businessService}/_workflow`.
//!
//! Registering a payment is the call that must not happen twice. It is made once; a missing or unreadable
//! answer is [`DigitError::Unanswered`], and only a payment that a search shows under the transaction's own
//! number counts as registered. An unreliable search is an error, never "not registered".

mod shown;

use async_trait::async_trait;
use payment_domain::{BillId, Currency, Money, RequestInfo, TenantId, TxnId};
use serde::Serialize;
use serde_json::{Map, Value};

use self::shown::{Shown, read};
use super::http::{Endpoint, InvalidAddress, Nature, OwnError};
use super::{Client, OnlyRequestInfo};
use crate::{Cancellation, Collections, DigitError, Payment, Receipts, Registered, Standing};

const SERVICE: &str = "collection-services";
const ITS_CURRENCY: Currency = Currency::INR;
/// Replaces the transaction number while a payment is only validated.
const VALIDATED_ONLY: &str = "PROV_PAYMENT_VALIDATION";
const NOT_VALID: OwnError = OwnError {
    code: "PAYMENT_VALIDATION_FAILED",
    message: "Failed to validate this payment at collection-service",
};
const NOT_REGISTERED: OwnError = OwnError {
    code: "PAYMENT_REGISTRATION_FAILED",
    message: "Failed to register this payment at collection-service",
};
const WITHOUT_RECEIPT: OwnError = OwnError {
    code: "PAYMENT_REGISTRATION_FAILED",
    message: "The payment is registered at collection-service without a receipt number",
};
const NOT_FOUND_OUT: OwnError = OwnError {
    code: "PAYMENT_SEARCH_FAILED",
    message: "Failed to look up this payment at collection-service",
};

const NOT_CANCELLED: OwnError = OwnError {
    code: "RECEIPT_CANCELLATION_FAILED",
    message: "Failed to cancel the receipts of this payment at collection-service",
};
/// The part of the path that the business service of a payment replaces.
const BUSINESS_SERVICE: &str = "{businessService}";

#[derive(Debug, Clone)]
pub struct CollectionConfig {
    /// `egov.collectionservice.host`.
    pub host: String,
    /// `egov.collectionservice.payment.create.path`.
    pub create_path: String,
    /// `egov.collectionservice.payment.validate.path`.
    pub validate_path: String,
    pub search_path: String,
    /// With `{businessService}`.
    pub workflow_path: String,
    /// `userInfo.id` of a cancellation whose caller has none: collection-services requires one.
    pub cancelling_user_id: u64,
}

impl CollectionConfig {
    /// The service at this host, with the original's paths.
    pub fn at(host: impl Into<String>) -> CollectionConfig {
        CollectionConfig {
            host: host.into(),
            create_path: "collection-services/payments/_create".to_owned(),
            validate_path: "collection-services/payments/_validate".to_owned(),
            search_path: "collection-services/payments/_search".to_owned(),
            workflow_path: format!("collection-services/payments/{BUSINESS_SERVICE}/_workflow"),
            cancelling_user_id: 0,
        }
    }
}

#[derive(Debug)]
pub struct CollectionService {
    create: Endpoint,
    validate: Endpoint,
    search: Endpoint,
    workflow: Endpoint,
    cancelling_user_id: u64,
}

impl CollectionService {
    /// The service at that address.
    ///
    /// # Errors
    /// [`InvalidAddress`].
    pub fn new(config: &CollectionConfig, client: &Client) -> Result<CollectionService, InvalidAddress> {
        let endpoint = |path: &str, nature, refusal| {
            Endpoint::new(client, SERVICE, (&config.host, path), nature, refusal)
        };
        Ok(CollectionService {
            create: endpoint(&config.create_path, Nature::Acts, NOT_REGISTERED)?,
            validate: endpoint(&config.validate_path, Nature::Asks, NOT_VALID)?,
            search: endpoint(&config.search_path, Nature::Asks, NOT_FOUND_OUT)?,
            workflow: endpoint(&config.workflow_path, Nature::Acts, NOT_CANCELLED)?,
            cancelling_user_id: config.cancelling_user_id,
        })
    }
}

#[derive(Serialize)]
struct Body<'a> {
    #[serde(rename = "RequestInfo")]
    info: &'a RequestInfo,
    #[serde(rename = "Payment")]
    payment: PaymentView<'a>,
}

/// A payment as the service reads it. Amounts are JSON numbers, written digit by digit.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct PaymentView<'a> {
    tenant_id: &'a TenantId,
    total_amount_paid: Money,
    payment_mode: &'static str,
    paid_by: &'a str,
    payer_name: &'a str,
    mobile_number: &'a str,
    /// Epoch milliseconds.
    instrument_date: i64,
    instrument_number: &'a str,
    transaction_number: &'a str,
    additional_details: &'a Map<String, Value>,
    payment_details: Vec<PaymentDetailView<'a>>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct PaymentDetailView<'a> {
    tenant_id: &'a TenantId,
    bill_id: &'a BillId,
    total_amount_paid: Money,
}

impl<'a> Body<'a> {
    /// The service knows one currency and receives none: another amount would be taken for rupees.
    fn new(info: &'a RequestInfo, payment: &'a Payment, number: &'a str) -> Result<Body<'a>, DigitError> {
        let mut amounts = payment.bills.iter().map(|(_, paid)| *paid).chain([payment.total]);
        if let Some(other) = amounts.find(|amount| amount.currency() != ITS_CURRENCY) {
            return Err(DigitError::currency(other.currency()));
        }
        let tenant_id = &payment.tenant_id;
        let details = payment.bills.iter().map(|(bill_id, paid)| PaymentDetailView {
            tenant_id,
            bill_id,
            total_amount_paid: *paid,
        });
        Ok(Body {
            info,
            payment: PaymentView {
                tenant_id,
                total_amount_paid: payment.total,
                payment_mode: "ONLINE",
                paid_by: payment.payer_name.expose(),
                payer_name: payment.payer_name.expose(),
                mobile_number: payment.payer_mobile.expose(),
                instrument_date: payment.paid_at.as_millis(),
                instrument_number: number,
                transaction_number: number,
                additional_details: &payment.additional_details,
                payment_details: details.collect(),
            },
        })
    }
}

#[derive(Serialize)]
struct WorkflowBody<'a> {
    #[serde(rename = "RequestInfo")]
    info: &'a RequestInfo,
    /// The service carries out one action a request.
    #[serde(rename = "PaymentWorkflows")]
    actions: [WorkflowView<'a>; 1],
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct WorkflowView<'a> {
    payment_id: &'a str,
    action: &'static str,
    tenant_id: &'a TenantId,
    reason: &'a str,
    additional_details: Map<String, Value>,
}

#[async_trait]
impl Collections for CollectionService {
    fn takes(&self, currency: Currency) -> bool {
        currency == ITS_CURRENCY
    }

    async fn validate(&self, info: &RequestInfo, payment: &Payment) -> Result<(), DigitError> {
        let body = Body::new(info, payment, VALIDATED_ONLY)?;
        let valid = self.validate.post(Some(info), &[], &body, read).await?;
        if valid.is_empty() { Err(NOT_VALID.into()) } else { Ok(()) }
    }

    async fn create(&self, info: &RequestInfo, payment: &Payment) -> Result<Receipts, DigitError> {
        let Some(number) = &payment.transaction_number else { return Err(NOT_REGISTERED.into()) };
        let body = Body::new(info, payment, number.as_str())?;
        let registered = self.create.post(Some(info), &[], &body, read).await?;
        let Some(registered) = registered.into_iter().next() else { return Err(NOT_REGISTERED.into()) };
        if registered.transaction_number.as_deref().is_some_and(|theirs| theirs != number.as_str()) {
            return Err(self.create.unanswered("the answer is about another payment".to_owned()));
        }
        let bills: Vec<&BillId> = payment.bills.iter().map(|(bill, _)| bill).collect();
        registered.receipts(&bills).ok_or_else(|| WITHOUT_RECEIPT.into())
    }

    async fn find(
        &self,
        info: &RequestInfo,
        tenant: &TenantId,
        transaction_number: &TxnId,
    ) -> Result<Option<Registered>, DigitError> {
        let number = transaction_number.as_str();
        let query = [("tenantId", tenant.as_str()), ("transactionNumber", number)];
        let found = self.search.post(Some(info), &query, &OnlyRequestInfo { info }, read).await?;
        if found.is_empty() {
            return Ok(None);
        }
        match found.into_iter().find(|payment| payment.transaction_number.as_deref() == Some(number)) {
            Some(ours) => ours.registered().map(Some).ok_or_else(|| WITHOUT_RECEIPT.into()),
            // The search ignored our condition: our payment may lie behind those shown.
            None => Err(self.search.unanswered("the answer is about other payments".to_owned())),
        }
    }

    async fn is_latest(
        &self,
        info: &RequestInfo,
        tenant: &TenantId,
        payment: &Registered,
    ) -> Result<bool, DigitError> {
        let key = &payment.key;
        let codes = key.consumer_codes.join(",");
        let (Some(made_at), Some(id), false) = (key.made_at, &key.id, codes.is_empty()) else {
            return Err(NOT_FOUND_OUT.into());
        };
        let query = [("tenantId", tenant.as_str()), ("consumerCodes", &codes)];
        let found = self.search.post(Some(info), &query, &OnlyRequestInfo { info }, read).await?;
        if found.iter().all(|shown| shown.id.as_ref() != Some(id)) {
            return Err(self.search.unanswered("the answer is about other payments".to_owned()));
        }
        let is_later = |other: &Shown| {
            other.id.as_ref() != Some(id)
                && other.standing != Standing::Cancelled
                && other.is_of_any(key)
                && other.made_at.is_none_or(|at| at > made_at)
        };
        Ok(!found.iter().any(is_later))
    }

    async fn cancel(&self, info: &RequestInfo, cancellation: &Cancellation<'_>) -> Result<(), DigitError> {
        let Cancellation { tenant, payment: Registered { key, .. }, reason, .. } = *cancellation;
        // The cancellation is of the whole payment, whichever of its services it is addressed to.
        let (Some(id), Some(service)) = (&key.id, key.business_services.first()) else {
            return Err(NOT_CANCELLED.into());
        };
        let info = &info.with_user_id(self.cancelling_user_id);
        let action = WorkflowView {
            payment_id: id,
            action: "CANCEL",
            tenant_id: tenant,
            reason,
            additional_details: Map::new(),
        };
        let body = WorkflowBody { info, actions: [action] };
        let endpoint = self.workflow.within(BUSINESS_SERVICE, service).ok_or(NOT_CANCELLED)?;
        let shown = endpoint.post(Some(info), &[], &body, read).await?;
        let is_cancelled =
            |shown: &Shown| shown.id.as_ref() == Some(id) && shown.standing == Standing::Cancelled;
        if shown.iter().any(is_cancelled) {
            return Ok(());
        }
        Err(endpoint.unanswered("the answer does not show the payment as cancelled".to_owned()))
    }
}
