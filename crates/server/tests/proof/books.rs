//! Where receipts are registered, read past the service.

use std::collections::BTreeMap;
use std::path::Path;

use payment_simulator::digit::{PaymentStatus, PretendDigit};

/// The registration under one transaction's number.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Registered {
    /// The sum paid, in paise.
    pub(crate) total: i64,
    /// The receipts, in the order of the bills.
    pub(crate) receipts: Vec<String>,
    /// Of these the number cancelled.
    pub(crate) cancelled: usize,
}

/// Payments by their transaction numbers.
#[derive(Debug, Clone, Default)]
pub(crate) struct Register {
    payments: BTreeMap<String, Registered>,
    /// Transactions that are registered more than once.
    pub(crate) twice: Vec<String>,
}

/// Each payment with each of its receipts, as stored by the embedded implementation, in either database.
pub(crate) const EMBEDDED_PAYMENTS: &str = "
    SELECT payment.transaction_number, payment.total_minor, receipt.receipt_number, receipt.cancelled
    FROM stand_in_payments payment
    LEFT JOIN (
        SELECT transaction_number, receipt_number, position, CAST(0 AS bigint) AS cancelled
        FROM stand_in_receipts
        UNION ALL
        SELECT transaction_number, receipt_number, position, CAST(1 AS bigint) FROM stand_in_cancelled_receipts
    ) receipt ON receipt.transaction_number = payment.transaction_number
    ORDER BY payment.transaction_number, receipt.position";

/// A row of [`EMBEDDED_PAYMENTS`].
type Row = (String, i64, Option<String>, Option<i64>);

impl Register {
    /// From the rows of [`EMBEDDED_PAYMENTS`].
    pub(crate) fn from_rows(rows: impl IntoIterator<Item = Row>) -> Register {
        let mut register = Register::default();
        for (number, total, receipt, cancelled) in rows {
            let registered = register.payments.entry(number).or_default();
            registered.total = total;
            registered.receipts.extend(receipt);
            registered.cancelled += usize::from(cancelled == Some(1));
        }
        register
    }

    pub(crate) fn of_embedded(database: &Path) -> Register {
        let conn = rusqlite::Connection::open(database).unwrap();
        let mut statement = conn.prepare(EMBEDDED_PAYMENTS).unwrap();
        let rows =
            statement.query_map([], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?))).unwrap();
        Register::from_rows(rows.map(Result::unwrap))
    }

    pub(crate) fn of_digit(digit: &PretendDigit) -> Register {
        let mut register = Register::default();
        for payment in digit.payments() {
            let receipts: Vec<String> = payment.bills.into_iter().map(|bill| bill.receipt_number).collect();
            let cancelled = if payment.status == PaymentStatus::Cancelled { receipts.len() } else { 0 };
            let registered = Registered { total: payment.total_paise, receipts, cancelled };
            if register.payments.insert(payment.transaction_number.clone(), registered).is_some() {
                register.twice.push(payment.transaction_number);
            }
        }
        register
    }

    /// The registration under this number.
    pub(crate) fn payment(&self, number: &str) -> Registered {
        self.payments.get(number).cloned().unwrap_or_default()
    }

    /// Every number under which something is registered.
    pub(crate) fn numbers(&self) -> impl Iterator<Item = &str> {
        self.payments.keys().map(String::as_str)
    }
}
