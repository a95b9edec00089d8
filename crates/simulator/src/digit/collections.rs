//! collection-services: registers payments, issues receipts and cancels them. Like the real one it refuses a
//! bill that was paid before, requires the calling user, and cancels only the latest payment of a consumer
//! code.

use std::collections::{HashMap, HashSet};

use serde_json::{Value, json};

use super::answer::{Answer, Asked, paise, refused, text, user_info};
use super::masters::Masters;

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RegisteredPayment {
    /// The number under which it is registered: the transaction's id.
    pub transaction_number: String,
    /// Its own id.
    pub id: String,
    pub tenant_id: String,
    /// The sum, in paise.
    pub total_paise: i64,
    pub bills: Vec<PaidBill>,
    pub status: PaymentStatus,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PaymentStatus {
    Approved,
    Cancelled,
    Dishonoured,
}

impl PaymentStatus {
    fn word(self) -> &'static str {
        match self {
            PaymentStatus::Approved => "APPROVED",
            PaymentStatus::Cancelled => "CANCELLED",
            PaymentStatus::Dishonoured => "DISHONOURED",
        }
    }
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PaidBill {
    pub bill_id: String,
    /// The sum paid towards it, in paise.
    pub paise: i64,
    pub receipt_number: String,
    pub business_service: String,
    pub consumer_code: String,
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

    /// Leaves the bills as they are: only a cancellation makes them payable.
    pub(crate) fn set_status(&mut self, transaction_number: &str, status: PaymentStatus) {
        let at = self.by_number.get(transaction_number);
        if let Some(payment) = at.and_then(|at| self.payments.get_mut(*at)) {
            payment.status = status;
        }
    }

    pub(crate) fn create(&mut self, asked: &Asked<'_>, masters: &Masters) -> Answer {
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
                PaidBill {
                    paise,
                    receipt_number: format!("PT/107/2026-27/{:06}", self.receipts),
                    business_service: masters.service_of(&bill_id).unwrap_or("PT").to_owned(),
                    consumer_code: masters.consumer_of(&bill_id),
                    bill_id,
                }
            })
            .collect();
        let payment = RegisteredPayment {
            transaction_number: sound.transaction_number.clone(),
            id: format!("00000000-0000-4000-9000-{:012}", self.payments.len() + 1),
            tenant_id: sound.tenant_id,
            total_paise: sound.total_paise,
            bills,
            status: PaymentStatus::Approved,
        };
        let answer = Answer::List(vec![shown(&payment, self.payments.len())]);
        self.by_number.insert(sound.transaction_number, self.payments.len());
        self.payments.push(payment);
        answer
    }

    pub(crate) fn search(&self, asked: &Asked<'_>) -> Answer {
        if let Err(refusal) = check_user(asked) {
            return refusal;
        }
        let listed = |name| asked.parameter(name).map(|words| words.split(',').collect::<Vec<_>>());
        let (tenant, consumers) = (asked.parameter("tenantId"), listed("consumerCodes"));
        let number = asked.parameter("transactionNumber");
        let fits = |payment: &RegisteredPayment| {
            tenant.is_none_or(|tenant| payment.tenant_id == tenant)
                && number.is_none_or(|number| payment.transaction_number == number)
                && consumers.as_ref().is_none_or(|codes| {
                    payment.bills.iter().any(|bill| codes.contains(&bill.consumer_code.as_str()))
                })
        };
        let places = match number {
            Some(number) => self.by_number.get(number).copied().into_iter().collect(),
            None => (0..self.payments.len()).collect::<Vec<_>>(),
        };
        let found = places.into_iter().filter_map(|at| Some((at, self.payments.get(at)?)));
        let found = found.filter(|(_, payment)| fits(payment)).take(100);
        Answer::List(found.map(|(at, payment)| shown(payment, at)).collect())
    }

    /// Carries out the one action of a request, which is to cancel the receipts of a payment.
    pub(crate) fn cancel(&mut self, asked: &Asked<'_>) -> Answer {
        const NOT_APPLICABLE: &str = "RECEIPT_WORKFLOW_ACTION_NOT_APPLICABLE";
        if let Err(refusal) = check_user(asked) {
            return refusal;
        }
        if !user_info(asked).is_some_and(|user| user.get("id").is_some_and(Value::is_number)) {
            return refused(&[("INVALID_USER_ID", "The id of the user within RequestInfo cannot be null")]);
        }
        let [action] = asked.body["PaymentWorkflows"].as_array().map(Vec::as_slice).unwrap_or_default()
        else {
            return refused(&[("INVALID_WORKFLOW", "Exactly one action is carried out a request")]);
        };
        let complete = ["paymentId", "tenantId", "reason"].iter().all(|name| text(action, name).is_some());
        if !complete || action["action"] != "CANCEL" {
            return refused(&[("INVALID_WORKFLOW", "paymentId, tenantId, reason and action are mandatory")]);
        }
        let is_meant = |payment: &RegisteredPayment| {
            action["paymentId"] == *payment.id
                && action["tenantId"] == *payment.tenant_id
                && payment
                    .bills
                    .iter()
                    .any(|bill| asked.parameter("businessService") == Some(&bill.business_service))
        };
        let Some(at) = self.payments.iter().position(is_meant) else {
            return refused(&[(NOT_APPLICABLE, "No such payment")]);
        };
        if self.payments[at].status != PaymentStatus::Approved {
            return refused(&[(NOT_APPLICABLE, "The payment is not APPROVED")]);
        }
        if self.payments[at + 1..].iter().any(|later| is_later(later, &self.payments[at])) {
            return refused(&[(
                NOT_APPLICABLE,
                "Only the latest payment of a consumer code can be cancelled",
            )]);
        }
        let payment = &mut self.payments[at];
        payment.status = PaymentStatus::Cancelled;
        for bill in &payment.bills {
            self.paid.remove(&(payment.tenant_id.clone(), bill.bill_id.clone()));
        }
        Answer::List(vec![shown(payment, at)])
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

/// Whether a payment that was registered after another is of one of its consumer codes.
fn is_later(later: &RegisteredPayment, payment: &RegisteredPayment) -> bool {
    let consumer = |bill: &PaidBill| (bill.business_service.clone(), bill.consumer_code.clone());
    let of_payment: Vec<_> = payment.bills.iter().map(consumer).collect();
    later.tenant_id == payment.tenant_id
        && later.status != PaymentStatus::Cancelled
        && later.bills.iter().any(|bill| of_payment.contains(&consumer(bill)))
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

/// `nth` orders the payments by time.
fn shown(payment: &RegisteredPayment, nth: usize) -> Value {
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
                "businessService": bill.business_service,
                "bill": {"id": bill.bill_id, "consumerCode": bill.consumer_code,
                    "businessService": bill.business_service},
            })
        })
        .collect();
    let is_cancelled = payment.status == PaymentStatus::Cancelled;
    json!({
        "id": payment.id,
        "tenantId": payment.tenant_id,
        "transactionDate": 1_764_000_000_000_u64 + nth as u64,
        "totalAmountPaid": rupees(payment.total_paise),
        "transactionNumber": payment.transaction_number,
        "instrumentNumber": payment.transaction_number,
        "paymentMode": "ONLINE",
        "instrumentStatus": payment.status.word(),
        "paymentStatus": if is_cancelled { "CANCELLED" } else { "DEPOSITED" },
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
        register.create(&Asked { query: &BTreeMap::new(), body }, &Masters::default())
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
        let mut unnamed = ask("T1", &[("B1", json!(1))], &json!(1));
        unnamed["RequestInfo"]["userInfo"]["uuid"] = json!(null);
        assert_eq!(code(&create(&mut register, &unnamed)), "INVALID_USER_ID");
        unnamed["RequestInfo"] = json!(null);
        assert_eq!(code(&create(&mut register, &unnamed)), "INVALID_USER_INFO");
        let wrong_sum = ask("T1", &[("B1", json!(1))], &json!(2));
        assert_eq!(code(&create(&mut register, &wrong_sum)), "INVALID_PAYMENT_TOTAL");
        assert_eq!(code(&create(&mut register, &ask("T1", &[], &json!(0)))), "INVALID_PAYMENT");
        assert_eq!(
            code(&create(&mut register, &ask("", &[("B1", json!(1))], &json!(1)))),
            "INVALID_TXN_NUMBER"
        );
        assert!(register.payments().is_empty());
    }

    fn cancel(register: &mut Register, service: &str, body: &Value) -> Answer {
        let query = BTreeMap::from([("businessService".to_owned(), service.to_owned())]);
        register.cancel(&Asked { query: &query, body })
    }

    fn cancellation(payment: &RegisteredPayment) -> Value {
        json!({
            "RequestInfo": {"userInfo": {"uuid": "u", "id": 7}},
            "PaymentWorkflows": [{"paymentId": payment.id, "action": "CANCEL", "tenantId": "pb.amritsar",
                "reason": "refund", "additionalDetails": {}}],
        })
    }

    #[test]
    fn a_cancelled_payment_frees_its_bills_and_is_not_cancelled_again() {
        let mut register = Register::default();
        create(&mut register, &ask("T1", &[("B1", json!(1)), ("B2", json!(2))], &json!(3)));
        let body = cancellation(register.payment("T1").unwrap());
        assert_eq!(code(&cancel(&mut register, "WS", &body)), "RECEIPT_WORKFLOW_ACTION_NOT_APPLICABLE");
        assert_eq!(code(&cancel(&mut register, "PT", &body)), "");
        assert_eq!(register.payment("T1").unwrap().status, PaymentStatus::Cancelled);
        assert_eq!(code(&cancel(&mut register, "PT", &body)), "RECEIPT_WORKFLOW_ACTION_NOT_APPLICABLE");
        assert_eq!(code(&create(&mut register, &ask("T2", &[("B2", json!(2))], &json!(2)))), "");
    }

    #[test]
    fn only_the_latest_payment_of_a_consumer_code_is_cancelled() {
        let mut register = Register::default();
        let mut masters = Masters::default();
        for bill in ["B1", "B2"] {
            masters.set_consumer(bill, "PT-107");
        }
        for (number, bill) in [("T1", "B1"), ("T2", "B2"), ("T3", "B3")] {
            let body = ask(number, &[(bill, json!(1))], &json!(1));
            register.create(&Asked { query: &BTreeMap::new(), body: &body }, &masters);
        }
        let [first, second] = ["T1", "T2"].map(|number| cancellation(register.payment(number).unwrap()));
        assert_eq!(code(&cancel(&mut register, "PT", &first)), "RECEIPT_WORKFLOW_ACTION_NOT_APPLICABLE");
        assert_eq!(code(&cancel(&mut register, "PT", &second)), "");
        assert_eq!(code(&cancel(&mut register, "PT", &first)), "", "the later one is cancelled");
    }

    #[test]
    fn a_cancellation_names_a_user_by_number_and_one_payment() {
        let mut register = Register::default();
        create(&mut register, &ask("T1", &[("B1", json!(1))], &json!(1)));
        let sound = cancellation(register.payment("T1").unwrap());
        let mut without_id = sound.clone();
        without_id["RequestInfo"]["userInfo"]["id"] = json!(null);
        assert_eq!(code(&cancel(&mut register, "PT", &without_id)), "INVALID_USER_ID");
        let mut two = sound.clone();
        let action = two["PaymentWorkflows"][0].clone();
        two["PaymentWorkflows"].as_array_mut().unwrap().push(action);
        assert_eq!(code(&cancel(&mut register, "PT", &two)), "INVALID_WORKFLOW");
        register.set_status("T1", PaymentStatus::Dishonoured);
        assert_eq!(code(&cancel(&mut register, "PT", &sound)), "RECEIPT_WORKFLOW_ACTION_NOT_APPLICABLE");
    }
}
