//! The register of payments: every bill is paid once, every payment gets numbered receipts.

use std::sync::Arc;

use async_trait::async_trait;
use payment_domain::{BillKey, Clock, Currency, Money, RequestInfo, TenantId, Timestamp, TxnId};
use serde_json::json;

use super::calendar::{financial_year_start, indian_standard_time, local_time};
use super::{Registers, Registration};
use crate::{
    BoxError, Cancellation, Collections, DigitError, Payment, PaymentKey, Receipts, Registered, Standing,
};

/// The name of this embedded implementation in errors.
const SERVICE: &str = "the receipt register";

/// Registers payments in [`Registers`]. Like the collection service, it refuses a
/// bill that was paid before, and does not recognise a repetition.
pub struct ReceiptRegister {
    registers: Arc<dyn Registers>,
    clock: Arc<dyn Clock>,
}

impl ReceiptRegister {
    /// A register whose receipts are dated by the clock.
    pub fn new(registers: Arc<dyn Registers>, clock: Arc<dyn Clock>) -> ReceiptRegister {
        ReceiptRegister { registers, clock }
    }
}

/// `RCPT/2026-27/000001`: the financial year the receipt is issued in, and the register's number,
/// which does not begin anew with the year.
fn receipt_number(number: u64, issued_at: Timestamp) -> String {
    let year = financial_year_start(local_time(issued_at, &indian_standard_time()));
    format!("RCPT/{year:04}-{:02}/{number:06}", year.saturating_add(1).rem_euclid(100))
}

/// A refusal in the error envelope of DIGIT's services.
fn refusal(code: &str, message: &str) -> DigitError {
    let body = json!({
        "ResponseInfo": null,
        "Errors": [{
            "id": null, "parentId": null, "code": code, "message": message, "description": null, "params": null,
        }],
    });
    DigitError::Refused { service: SERVICE, body: body.to_string() }
}

fn already_paid(bill: &BillKey) -> DigitError {
    refusal("BILL_ALREADY_PAID", &format!("Bill {} has already been paid", bill.bill))
}

/// A look-up writes nothing: repeating it is safe.
fn not_asked(source: BoxError) -> DigitError {
    DigitError::NotSent { service: SERVICE, source }
}

fn check_sum(payment: &Payment) -> Result<(), DigitError> {
    if payment.bills.is_empty() {
        return Err(refusal("PAYMENT_WITHOUT_BILLS", "A payment must pay at least one bill"));
    }
    if Money::sum(payment.bills.iter().map(|(_, paid)| *paid), payment.total.currency())
        != Some(payment.total)
    {
        return Err(refusal(
            "PAYMENT_SUM_MISMATCH",
            "The total amount paid must be the sum of what is paid towards each bill",
        ));
    }
    Ok(())
}

#[async_trait]
impl Collections for ReceiptRegister {
    fn takes(&self, _currency: Currency) -> bool {
        true
    }

    async fn validate(&self, _info: &RequestInfo, payment: &Payment) -> Result<(), DigitError> {
        check_sum(payment)?;
        let bills: Vec<BillKey> = payment
            .bills
            .iter()
            .map(|(bill, _)| BillKey { tenant: payment.tenant_id.clone(), bill: bill.clone() })
            .collect();
        match self.registers.paid_bills(&bills).await.map_err(not_asked)?.first() {
            Some(bill) => Err(already_paid(bill)),
            None => Ok(()),
        }
    }

    async fn create(&self, _info: &RequestInfo, payment: &Payment) -> Result<Receipts, DigitError> {
        check_sum(payment)?;
        let Some(transaction_number) = &payment.transaction_number else {
            return Err(DigitError::Incomplete {
                code: "PAYMENT_REGISTRATION_FAILED",
                message: "A payment is registered under its transaction number, and this one has none"
                    .to_owned(),
            });
        };
        let registered = self
            .registers
            .register_payment(payment, transaction_number, self.clock.now(), receipt_number)
            .await
            // The commit may have happened all the same: look it up before trying again.
            .map_err(|source| DigitError::Unanswered { service: SERVICE, source })?;
        match registered {
            Registration::Registered(receipts) => Ok(receipts),
            Registration::AlreadyPaid(bill) => Err(already_paid(&bill)),
        }
    }

    async fn find(
        &self,
        _info: &RequestInfo,
        _tenant: &TenantId,
        transaction_number: &TxnId,
    ) -> Result<Option<Registered>, DigitError> {
        let issued = self.registers.receipts(transaction_number).await.map_err(not_asked)?;
        Ok(issued.map(|issued| Registered {
            receipts: issued.receipts,
            standing: if issued.cancelled { Standing::Cancelled } else { Standing::Valid },
            key: PaymentKey::default(),
        }))
    }

    /// A bill has one valid receipt here, so that every payment is the latest of its bills.
    async fn is_latest(
        &self,
        _info: &RequestInfo,
        _tenant: &TenantId,
        _payment: &Registered,
    ) -> Result<bool, DigitError> {
        Ok(true)
    }

    async fn cancel(&self, _info: &RequestInfo, cancellation: &Cancellation<'_>) -> Result<(), DigitError> {
        let Cancellation { transaction_number, reason, .. } = *cancellation;
        let cancelled = self.registers.cancel_receipts(transaction_number, reason, self.clock.now()).await;
        // The commit may have happened all the same.
        match cancelled.map_err(|source| DigitError::Unanswered { service: SERVICE, source })? {
            true => Ok(()),
            false => Err(refusal(
                "RECEIPT_WORKFLOW_ACTION_NOT_APPLICABLE",
                "The payment has no valid receipts to be cancelled",
            )),
        }
    }
}

#[cfg(test)]
mod tests {
    use payment_domain::{BillId, Currency, ManualClock, Personal};

    use super::*;
    use crate::embedded::memory::MemoryRegisters;
    use crate::{Cancellability, cancellability};

    const NEW_YEARS_EVE: &str = "2027-03-31T18:29:59Z";

    fn moment(text: &str) -> Timestamp {
        Timestamp::from_millis(text.parse::<jiff::Timestamp>().unwrap().as_millisecond())
    }

    fn register(registers: &Arc<MemoryRegisters>) -> (ReceiptRegister, Arc<ManualClock>) {
        let clock = Arc::new(ManualClock::at(moment(NEW_YEARS_EVE)));
        (ReceiptRegister::new(registers.clone(), clock.clone()), clock)
    }

    fn payment(txn: &str, bills: &[(&str, &str)]) -> Payment {
        let bills: Vec<(BillId, Money)> = bills
            .iter()
            .map(|(bill, paid)| (BillId::new(*bill).unwrap(), Money::parse(paid, Currency::INR).unwrap()))
            .collect();
        Payment {
            tenant_id: TenantId::new("pb.amritsar").unwrap(),
            transaction_number: Some(TxnId::new(txn).unwrap()),
            total: Money::sum(bills.iter().map(|(_, paid)| *paid), Currency::INR).unwrap(),
            bills,
            payer_name: Personal::new("Asha"),
            payer_mobile: Personal::new("9876543210"),
            paid_at: moment(NEW_YEARS_EVE),
            additional_details: serde_json::Map::new(),
        }
    }

    fn refused_with(error: &DigitError) -> String {
        let DigitError::Refused { body, .. } = error else { panic!("{error:?}") };
        let body: serde_json::Value = serde_json::from_str(body).unwrap();
        body["Errors"][0]["code"].as_str().unwrap().to_owned()
    }

    #[tokio::test]
    async fn every_bill_of_a_payment_gets_a_receipt_that_can_be_found() {
        let (register, _) = register(&Arc::default());
        let info = RequestInfo::default();
        let paid = payment("T1", &[("B1", "10"), ("B2", "20.50")]);
        register.validate(&info, &paid).await.unwrap();
        let receipts = register.create(&info, &paid).await.unwrap();
        assert_eq!(receipts.0, ["RCPT/2026-27/000001", "RCPT/2026-27/000002"]);
        let number = paid.transaction_number.as_ref().unwrap();
        let found = register.find(&info, &paid.tenant_id, number).await.unwrap().unwrap();
        assert_eq!((found.receipts, found.standing), (receipts, Standing::Valid));
        let other = TxnId::new("T2").unwrap();
        assert_eq!(register.find(&info, &paid.tenant_id, &other).await.unwrap(), None);
    }

    #[tokio::test]
    async fn a_bill_is_paid_once() {
        let (register, _) = register(&Arc::default());
        let info = RequestInfo::default();
        register.create(&info, &payment("T1", &[("B1", "10")])).await.unwrap();
        let second = payment("T2", &[("B2", "1"), ("B1", "10")]);
        for error in [
            register.validate(&info, &second).await.unwrap_err(),
            register.create(&info, &second).await.unwrap_err(),
            register.create(&info, &payment("T1", &[("B1", "10")])).await.unwrap_err(),
        ] {
            assert_eq!(refused_with(&error), "BILL_ALREADY_PAID");
        }
        assert_eq!(register.find(&info, &second.tenant_id, &TxnId::new("T2").unwrap()).await.unwrap(), None);
    }

    #[tokio::test]
    async fn cancelled_receipts_are_found_and_their_bills_can_be_paid_again() {
        let (register, _) = register(&Arc::default());
        let info = RequestInfo::default();
        let paid = payment("T1", &[("B1", "10"), ("B2", "20.50")]);
        let number = paid.transaction_number.as_ref().unwrap();
        let ask = || cancellability(&register, &info, &paid.tenant_id, number);
        assert_eq!(ask().await.unwrap(), Cancellability::NotRegistered);
        register.create(&info, &paid).await.unwrap();
        assert_eq!(ask().await.unwrap(), Cancellability::Possible);

        let found = register.find(&info, &paid.tenant_id, number).await.unwrap().unwrap();
        let cancellation = Cancellation {
            tenant: &paid.tenant_id,
            transaction_number: number,
            payment: &found,
            reason: "refund",
        };
        register.cancel(&info, &cancellation).await.unwrap();
        assert_eq!(ask().await.unwrap(), Cancellability::Cancelled);
        let again = register.cancel(&info, &cancellation).await.unwrap_err();
        assert_eq!(refused_with(&again), "RECEIPT_WORKFLOW_ACTION_NOT_APPLICABLE");

        let second = register.create(&info, &payment("T2", &[("B1", "10")])).await.unwrap();
        assert_eq!(second.0, ["RCPT/2026-27/000003"], "a number is given once");
        assert_eq!(ask().await.unwrap(), Cancellability::Cancelled);
    }

    #[tokio::test]
    async fn a_receipt_carries_the_financial_year_it_is_issued_in() {
        let (register, clock) = register(&Arc::default());
        let info = RequestInfo::default();
        register.create(&info, &payment("T1", &[("B1", "10")])).await.unwrap();
        clock.advance(std::time::Duration::from_secs(1));
        let receipts = register.create(&info, &payment("T2", &[("B2", "10")])).await.unwrap();
        assert_eq!(receipts.0, ["RCPT/2027-28/000002"]);
        assert_eq!(receipt_number(1, moment("2099-06-01T00:00:00Z")), "RCPT/2099-00/000001");
    }

    #[tokio::test]
    async fn a_payment_that_does_not_add_up_is_refused() {
        let (register, _) = register(&Arc::default());
        let info = RequestInfo::default();
        let mut paid = payment("T1", &[("B1", "10")]);
        paid.total = Money::parse("11", Currency::INR).unwrap();
        assert_eq!(refused_with(&register.validate(&info, &paid).await.unwrap_err()), "PAYMENT_SUM_MISMATCH");
        assert_eq!(refused_with(&register.create(&info, &paid).await.unwrap_err()), "PAYMENT_SUM_MISMATCH");
        paid.bills.clear();
        assert_eq!(refused_with(&register.create(&info, &paid).await.unwrap_err()), "PAYMENT_WITHOUT_BILLS");
    }

    #[tokio::test]
    async fn a_failing_store_says_whether_repeating_is_safe() {
        let registers = Arc::new(MemoryRegisters::default());
        let (register, _) = register(&registers);
        let info = RequestInfo::default();
        let paid = payment("T1", &[("B1", "10")]);
        registers.fails(true);
        assert!(matches!(register.validate(&info, &paid).await, Err(DigitError::NotSent { .. })));
        assert!(matches!(register.create(&info, &paid).await, Err(DigitError::Unanswered { .. })));
    }
}
