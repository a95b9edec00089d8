//! Payments as collection-services shows them.

use payment_domain::BillId;
use serde_json::Value;

use crate::clients::json;
use crate::{PaymentKey, Receipts, Registered, Standing};

/// A payment as an answer shows it.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Shown {
    pub(super) transaction_number: Option<String>,
    pub(super) id: Option<String>,
    pub(super) standing: Standing,
    /// Epoch milliseconds.
    pub(super) made_at: Option<i64>,
    details: Vec<Detail>,
}

/// The payment towards one bill.
#[derive(Debug, PartialEq, Eq)]
struct Detail {
    bill: Option<String>,
    receipt: Option<String>,
    business_service: Option<String>,
    consumer_code: Option<String>,
}

impl Shown {
    /// The receipts' numbers in the order of these bills, if the answer names them all, else in its
    /// own order; `None` when a receipt has no number, or there is none.
    pub(super) fn receipts(&self, bills: &[&BillId]) -> Option<Receipts> {
        let of_bill = |bill: &&BillId| {
            let named = |detail: &&Detail| detail.bill.as_deref() == Some(bill.as_str());
            self.details.iter().find(named).and_then(|detail| detail.receipt.clone())
        };
        let in_order: Option<Vec<String>> = bills.iter().map(of_bill).collect();
        let numbers = match in_order {
            Some(numbers) if !numbers.is_empty() => numbers,
            Some(_) | None => {
                self.details.iter().map(|detail| detail.receipt.clone()).collect::<Option<Vec<String>>>()?
            }
        };
        (!numbers.is_empty()).then_some(Receipts(numbers))
    }

    /// The registered payment; `None` when a receipt has no number, or there is none.
    pub(super) fn registered(&self) -> Option<Registered> {
        let of_bills = |text: fn(&Detail) -> &Option<String>| {
            let mut texts: Vec<String> =
                self.details.iter().filter_map(|detail| text(detail).clone()).collect();
            texts.sort();
            texts.dedup();
            texts
        };
        let key = PaymentKey {
            id: self.id.clone(),
            business_services: of_bills(|detail| &detail.business_service),
            consumer_codes: of_bills(|detail| &detail.consumer_code),
            made_at: self.made_at,
        };
        Some(Registered { receipts: self.receipts(&[])?, standing: self.standing.clone(), key })
    }

    /// Whether it pays for one of the consumer codes of a payment, at one of its services.
    pub(super) fn is_of_any(&self, key: &PaymentKey) -> bool {
        let among =
            |known: &[String], text: &Option<String>| text.as_ref().is_some_and(|text| known.contains(text));
        self.details.iter().any(|detail| {
            among(&key.consumer_codes, &detail.consumer_code)
                && among(&key.business_services, &detail.business_service)
        })
    }
}

/// The payments of an answer; `None` when it is unreadable.
pub(super) fn read(answer: &[u8]) -> Option<Vec<Shown>> {
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
        id: json::text(payment, "id"),
        standing: standing(payment),
        made_at: payment.get("transactionDate").and_then(Value::as_i64),
        details: details.iter().map(read_detail).collect(),
    })
}

fn read_detail(detail: &Value) -> Detail {
    let of_bill = |name| detail.get("bill").and_then(|bill| json::text(bill, name));
    Detail {
        bill: json::text(detail, "billId"),
        receipt: json::text(detail, "receiptNumber"),
        business_service: json::text(detail, "businessService").or_else(|| of_bill("businessService")),
        consumer_code: of_bill("consumerCode"),
    }
}

fn standing(payment: &Value) -> Standing {
    const CANCELLED: &str = "CANCELLED";
    let [instrument, status] =
        ["instrumentStatus", "paymentStatus"].map(|name| json::text(payment, name).unwrap_or_default());
    if instrument == CANCELLED || status == CANCELLED {
        Standing::Cancelled
    } else if instrument == "APPROVED" {
        Standing::Valid
    } else {
        Standing::Other(instrument)
    }
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

    #[test]
    fn only_an_approved_payment_is_valid() {
        let of = |instrument: Value, status: Value| {
            let payment = json!([{"instrumentStatus": instrument, "paymentStatus": status}]);
            shown(&payment).unwrap().remove(0).standing
        };
        assert_eq!(of(json!("APPROVED"), json!("DEPOSITED")), Standing::Valid);
        assert_eq!(of(json!("APPROVED"), json!("CANCELLED")), Standing::Cancelled);
        assert_eq!(of(json!("CANCELLED"), json!(null)), Standing::Cancelled);
        for (word, shown) in
            [(json!("DISHONOURED"), "DISHONOURED"), (json!("approved"), "approved"), (json!(null), "")]
        {
            assert_eq!(of(word, json!("NEW")), Standing::Other(shown.to_owned()));
        }
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
