//! Payments at collection-services: `payments/_validate`, `payments/_create`, `payments/_search`.
//!
//! Registering a payment is the call that must not happen twice. It is made once; an answer that
//! does not come or cannot be read is [`DigitError::Unanswered`], and only what a search really shows
//! under the transaction's own number counts as registered. A search that cannot be believed is an
//! error, never "not registered".

use async_trait::async_trait;
use payment_domain::{BillId, Currency, Money, RequestInfo, TenantId, TxnId};
use serde::Serialize;
use serde_json::{Map, Value};

use super::Client;
use super::http::{Endpoint, InvalidAddress, Nature, OwnError};
use super::{OnlyRequestInfo, json};
use crate::{Collections, DigitError, Payment, Receipts};

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

#[derive(Debug, Clone)]
pub struct CollectionConfig {
    /// `egov.collectionservice.host`.
    pub host: String,
    /// `egov.collectionservice.payment.create.path`.
    pub create_path: String,
    /// `egov.collectionservice.payment.validate.path`.
    pub validate_path: String,
    pub search_path: String,
}

impl CollectionConfig {
    /// The service at this host, with the original's paths.
    pub fn at(host: impl Into<String>) -> CollectionConfig {
        CollectionConfig {
            host: host.into(),
            create_path: "collection-services/payments/_create".to_owned(),
            validate_path: "collection-services/payments/_validate".to_owned(),
            search_path: "collection-services/payments/_search".to_owned(),
        }
    }
}

#[derive(Debug)]
pub struct CollectionService {
    create: Endpoint,
    validate: Endpoint,
    search: Endpoint,
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
    /// The service knows one currency and is told none: another amount would be taken for rupees.
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
    ) -> Result<Option<Receipts>, DigitError> {
        let number = transaction_number.as_str();
        let query = [("tenantId", tenant.as_str()), ("transactionNumber", number)];
        let found = self.search.post(Some(info), &query, &OnlyRequestInfo { info }, read).await?;
        if found.is_empty() {
            return Ok(None);
        }
        match found.into_iter().find(|payment| payment.transaction_number.as_deref() == Some(number)) {
            Some(ours) => ours.receipts(&[]).map(Some).ok_or_else(|| WITHOUT_RECEIPT.into()),
            // It did not search for what it was asked: ours may lie behind those it shows.
            None => Err(self.search.unanswered("the answer is about other payments".to_owned())),
        }
    }
}

/// A payment as an answer shows it.
#[derive(Debug, PartialEq, Eq)]
struct Shown {
    transaction_number: Option<String>,
    /// For each detail its bill and its receipt's number.
    details: Vec<(Option<String>, Option<String>)>,
}

impl Shown {
    /// The receipts' numbers in the order of these bills, if the answer names them all, else in its
    /// own order; `None` when a receipt has no number, or there is none.
    fn receipts(&self, bills: &[&BillId]) -> Option<Receipts> {
        let of_bill = |bill: &&BillId| {
            let named = |(id, _): &&(Option<String>, _)| id.as_deref() == Some(bill.as_str());
            self.details.iter().find(named).and_then(|(_, receipt)| receipt.clone())
        };
        let in_order: Option<Vec<String>> = bills.iter().map(of_bill).collect();
        let numbers = match in_order {
            Some(numbers) if !numbers.is_empty() => numbers,
            Some(_) | None => {
                self.details.iter().map(|(_, receipt)| receipt.clone()).collect::<Option<Vec<String>>>()?
            }
        };
        (!numbers.is_empty()).then_some(Receipts(numbers))
    }
}

/// The payments of an answer; `None` for what is no answer.
fn read(answer: &[u8]) -> Option<Vec<Shown>> {
    let answer = json::object(answer)?;
    json::list(&answer, "Payments")?.iter().map(read_payment).collect()
}

fn read_payment(payment: &Value) -> Option<Shown> {
    let details = match payment.as_object()?.get("paymentDetails") {
        None | Some(Value::Null) => &[][..],
        Some(Value::Array(details)) => details,
        Some(Value::Bool(_) | Value::Number(_) | Value::String(_) | Value::Object(_)) => return None,
    };
    Some(Shown {
        transaction_number: json::text(payment, "transactionNumber"),
        details: details
            .iter()
            .map(|detail| (json::text(detail, "billId"), json::text(detail, "receiptNumber")))
            .collect(),
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    fn shown(payments: &Value) -> Option<Vec<Shown>> {
        read(json!({ "ResponseInfo": null, "Payments": payments }).to_string().as_bytes())
    }

    fn receipts(details: &Value, bills: &[&str]) -> Option<Vec<String>> {
        let payment = shown(&json!([{ "paymentDetails": details }]))?.remove(0);
        let bills: Vec<BillId> = bills.iter().map(|bill| BillId::new(*bill).unwrap()).collect();
        payment.receipts(&bills.iter().collect::<Vec<_>>()).map(|Receipts(numbers)| numbers)
    }

    #[test]
    fn receipts_come_in_the_order_of_the_bills() {
        let details =
            json!([{"billId": "B2", "receiptNumber": "R2"}, {"billId": "B1", "receiptNumber": "R1"}]);
        assert_eq!(receipts(&details, &["B1", "B2"]).unwrap(), ["R1", "R2"]);
        assert_eq!(receipts(&details, &["B1", "B3"]).unwrap(), ["R2", "R1"], "not all of them are named");
        assert_eq!(receipts(&details, &[]).unwrap(), ["R2", "R1"]);
    }

    #[test]
    fn a_payment_without_a_receipt_number_has_no_receipts() {
        for details in [json!([]), json!(null), json!([{"billId": "B1"}]), json!([{"receiptNumber": ""}, {}])]
        {
            assert_eq!(receipts(&details, &["B1"]), None, "{details}");
        }
    }

    #[test]
    fn an_answer_has_a_list_of_payments() {
        assert_eq!(shown(&json!([])), Some(vec![]));
        assert_eq!(shown(&json!(null)), Some(vec![]));
        assert_eq!(read(b"{}"), None);
        assert_eq!(shown(&json!({})), None);
        assert_eq!(shown(&json!([null])), None);
        assert_eq!(shown(&json!([{"paymentDetails": "x"}])), None);
        assert_eq!(
            shown(&json!([{"transactionNumber": 17}])).unwrap()[0].transaction_number.as_deref(),
            Some("17")
        );
    }

    proptest! {
        #[test]
        fn no_answer_panics(number in "\\PC{0,300}", bill in "\\PC{0,300}", receipt in "\\PC{0,300}", noise: Vec<u8>) {
            let _ = read(&noise);
            let details = json!([{"billId": bill, "receiptNumber": receipt}]);
            let payments = shown(&json!([{"transactionNumber": number, "paymentDetails": details}])).unwrap();
            if let Some(Receipts(numbers)) = payments[0].receipts(&[]) {
                prop_assert!(numbers.iter().all(|number| number.chars().count() <= json::MAX_TEXT));
            }
        }
    }
}
