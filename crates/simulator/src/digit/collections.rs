//! collection-services: registers payments and issues receipts. Like the real one it refuses a bill
//! that was paid before and wants to know which user asks.

use std::collections::{HashMap, HashSet};

use serde_json::{Value, json};

use super::answer::{Answer, Asked, paise, refused, text, user_info};

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RegisteredPayment {
    /// The number under which it is registered: the transaction's id.
    pub transaction_number: String,
    pub tenant_id: String,
    /// The sum, in paise.
    pub total_paise: i64,
    pub bills: Vec<PaidBill>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PaidBill {
    pub bill_id: String,
    /// What was paid towards it, in paise.
    pub paise: i64,
    pub receipt_number: String,
}

#[derive(Default)]
pub(crate) struct Register {
    payments: Vec<RegisteredPayment>,
    by_number: HashMap<String, usize>,
    paid: HashSet<(String, String)>,
    receipts: u64,
}

struct Sound {
    transaction_number: String,
    tenant_id: String,
    total_paise: i64,
    bills: Vec<(String, i64)>,
}

impl Register {
    pub(crate) fn payments(&self) -> &[RegisteredPayment] {
        &self.payments
    }

    pub(crate) fn payment(&self, transaction_number: &str) -> Option<&RegisteredPayment> {
        self.by_number.get(transaction_number).and_then(|at| self.payments.get(*at))
    }

    /// Takes a bill for paid, as if at the counter.
    pub(crate) fn pay_elsewhere(&mut self, tenant_id: &str, bill_id: &str) {
        self.paid.insert((tenant_id.to_owned(), bill_id.to_owned()));
    }

    pub(crate) fn validate(&self, asked: &Asked<'_>) -> Answer {
        match self.check(asked) {
            Ok(sound) => Answer::List(vec![json!({
                "tenantId": sound.tenant_id,
                "totalAmountPaid": asked.body["Payment"]["totalAmountPaid"],
                "paymentMode": "ONLINE",
                "transactionNumber": sound.transaction_number,
                "paymentDetails": asked.body["Payment"]["paymentDetails"],
            })]),
            Err(refusal) => refusal,
        }
    }

    pub(crate) fn create(&mut self, asked: &Asked<'_>) -> Answer {
        let sound = match self.check(asked) {
            Ok(sound) => sound,
            Err(refusal) => return refusal,
        };
        if self.by_number.contains_key(&sound.transaction_number) {
            return refused(&[(
                "DUPLICATE_TRANSACTION_NUMBER",
                "A payment with this transaction number is registered already",
            )]);
        }
        let bills: Vec<PaidBill> = sound
            .bills
            .into_iter()
            .map(|(bill_id, paise)| {
                self.receipts += 1;
                self.paid.insert((sound.tenant_id.clone(), bill_id.clone()));
                PaidBill { bill_id, paise, receipt_number: format!("PT/107/2026-27/{:06}", self.receipts) }
            })
            .collect();
        let payment = RegisteredPayment {
            transaction_number: sound.transaction_number.clone(),
            tenant_id: sound.tenant_id,
            total_paise: sound.total_paise,
            bills,
        };
        let answer = Answer::List(vec![shown(&payment)]);
        self.by_number.insert(sound.transaction_number, self.payments.len());
        self.payments.push(payment);
        answer
    }

    pub(crate) fn search(&self, asked: &Asked<'_>) -> Answer {
        if let Err(refusal) = check_user(asked) {
            return refusal;
        }
        let of_tenant = |payment: &&RegisteredPayment| {
            asked.parameter("tenantId").is_none_or(|tenant| payment.tenant_id == tenant)
        };
        let found = match asked.parameter("transactionNumber") {
            Some(number) => self.payment(number).into_iter().filter(of_tenant).map(shown).collect(),
            None => self.payments.iter().filter(of_tenant).take(100).map(shown).collect(),
        };
        Answer::List(found)
    }

    fn check(&self, asked: &Asked<'_>) -> Result<Sound, Answer> {
        check_user(asked)?;
        let payment = &asked.body["Payment"];
        let sound = read(payment).ok_or_else(|| {
            refused(&[(
                "INVALID_PAYMENT",
                "tenantId, paymentMode, totalAmountPaid and paymentDetails are mandatory",
            )])
        })?;
        let mut errors = Vec::new();
        if sound.transaction_number.is_empty() {
            errors.push(("INVALID_TXN_NUMBER", "Transaction Number is mandatory for online payment"));
        }
        if text(payment, "instrumentNumber").is_none() {
            errors.push(("INVALID_INSTRUMENT_NUMBER", "Instrument Number is mandatory for online payment"));
        }
        if sound.bills.iter().map(|(_, paise)| paise).sum::<i64>() != sound.total_paise {
            errors.push((
                "INVALID_PAYMENT_TOTAL",
                "The total must be the sum of what is paid towards each bill",
            ));
        }
        let is_paid =
            |(bill, _): &(String, i64)| self.paid.contains(&(sound.tenant_id.clone(), bill.clone()));
        if sound.bills.iter().any(is_paid) {
            errors.push(("BILL_ALREADY_PAID", "Bill has already been paid or is in pending state"));
        }
        if errors.is_empty() { Ok(sound) } else { Err(refused(&errors)) }
    }
}

fn check_user(asked: &Asked<'_>) -> Result<(), Answer> {
    let Some(user) = user_info(asked) else {
        return Err(refused(&[("INVALID_USER_INFO", "UserInfo within RequestInfo cannot be null")]));
    };
    match user.get("uuid").and_then(Value::as_str) {
        Some(uuid) if !uuid.is_empty() => Ok(()),
        Some(_) | None => {
            Err(refused(&[("INVALID_USER_ID", "UUID of the user within RequestInfo cannot be null")]))
        }
    }
}

fn read(payment: &Value) -> Option<Sound> {
    text(payment, "paymentMode")?;
    let bills: Option<Vec<(String, i64)>> = payment
        .get("paymentDetails")?
        .as_array()?
        .iter()
        .map(|detail| Some((text(detail, "billId")?, paise(detail, "totalAmountPaid")?)))
        .collect();
    Some(Sound {
        transaction_number: text(payment, "transactionNumber").unwrap_or_default(),
        tenant_id: text(payment, "tenantId")?,
        total_paise: paise(payment, "totalAmountPaid")?,
        bills: bills.filter(|bills| !bills.is_empty())?,
    })
}

fn shown(payment: &RegisteredPayment) -> Value {
    // Texts, as the real service's numbers have any number of zeros.
    let rupees = |paise: i64| format!("{}.{:02}", paise / 100, paise % 100);
    let details: Vec<Value> = payment
        .bills
        .iter()
        .map(|bill| {
            json!({
                "tenantId": payment.tenant_id,
                "billId": bill.bill_id,
                "receiptNumber": bill.receipt_number,
                "receiptType": "BILLBASED",
                "totalAmountPaid": rupees(bill.paise),
            })
        })
        .collect();
    json!({
        "tenantId": payment.tenant_id,
        "totalAmountPaid": rupees(payment.total_paise),
        "transactionNumber": payment.transaction_number,
        "instrumentNumber": payment.transaction_number,
        "paymentMode": "ONLINE",
        "instrumentStatus": "APPROVED",
        "paymentStatus": "NEW",
        "paymentDetails": details,
    })
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    fn ask(number: &str, bills: &[(&str, Value)], total: &Value) -> Value {
        let details: Vec<Value> = bills
            .iter()
            .map(|(bill, paid)| json!({"tenantId": "pb.amritsar", "billId": bill, "totalAmountPaid": paid}))
            .collect();
        json!({
            "RequestInfo": {"userInfo": {"uuid": "u", "type": "CITIZEN"}},
            "Payment": {"tenantId": "pb.amritsar", "totalAmountPaid": total, "paymentMode": "ONLINE",
                "transactionNumber": number, "instrumentNumber": number, "paymentDetails": details},
        })
    }

    fn create(register: &mut Register, body: &Value) -> Answer {
        register.create(&Asked { query: &BTreeMap::new(), body })
    }

    fn code(answer: &Answer) -> &str {
        match answer {
            Answer::Refused(body) => body["Errors"][0]["code"].as_str().unwrap(),
            Answer::List(_) | Answer::Object(_) | Answer::Text(_) => "",
        }
    }

    #[test]
    fn a_bill_is_paid_once_and_a_number_is_used_once() {
        let mut register = Register::default();
        let two_bills = ask("T1", &[("B1", json!(10.5)), ("B2", json!("2"))], &json!(12.5));
        assert_eq!(code(&create(&mut register, &two_bills)), "");
        assert_eq!(code(&create(&mut register, &two_bills)), "BILL_ALREADY_PAID");
        let again = ask("T2", &[("B2", json!(1))], &json!(1));
        assert_eq!(code(&create(&mut register, &again)), "BILL_ALREADY_PAID");
        let same_number = ask("T1", &[("B3", json!(1))], &json!(1));
        assert_eq!(code(&create(&mut register, &same_number)), "DUPLICATE_TRANSACTION_NUMBER");
        register.pay_elsewhere("pb.amritsar", "B9");
        assert_eq!(
            code(&create(&mut register, &ask("T9", &[("B9", json!(1))], &json!(1)))),
            "BILL_ALREADY_PAID"
        );
        assert_eq!(register.payments().len(), 1);
        let payment = register.payment("T1").unwrap();
        assert_eq!(payment.total_paise, 1_250);
        assert_eq!(payment.bills[1].receipt_number, "PT/107/2026-27/000002");
    }

    #[test]
    fn a_payment_that_cannot_be_is_refused() {
        let mut register = Register::default();
        let mut nobody = ask("T1", &[("B1", json!(1))], &json!(1));
        nobody["RequestInfo"]["userInfo"]["uuid"] = json!(null);
        assert_eq!(code(&create(&mut register, &nobody)), "INVALID_USER_ID");
        nobody["RequestInfo"] = json!(null);
        assert_eq!(code(&create(&mut register, &nobody)), "INVALID_USER_INFO");
        let wrong_sum = ask("T1", &[("B1", json!(1))], &json!(2));
        assert_eq!(code(&create(&mut register, &wrong_sum)), "INVALID_PAYMENT_TOTAL");
        assert_eq!(code(&create(&mut register, &ask("T1", &[], &json!(0)))), "INVALID_PAYMENT");
        assert_eq!(
            code(&create(&mut register, &ask("", &[("B1", json!(1))], &json!(1)))),
            "INVALID_TXN_NUMBER"
        );
        assert!(register.payments().is_empty());
    }
}
