//! A gateway's report of a payment, independent of the gateway.

use serde_json::Value;

use crate::money::Money;

/// The state of a payment at its gateway.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    Paid {
        /// The amount reported by the gateway; `None`, never taken as equal, when it reports none.
        amount: Option<Money>,
    },
    /// Definitely refused: nothing was and nothing will be taken.
    Declined {
        /// The gateway's reason, for people.
        reason: String,
    },
    /// The gateway is not done yet.
    Pending,
    /// The bank has reserved the money, which is released unless the payment is captured.
    Authorised,
    /// The gateway knows no such payment: the payer never came, or its records lag behind.
    NotFound,
    /// The money was taken and returned.
    Refunded,
    /// An unknown answer. Money may have moved.
    Unrecognised { code: String },
}

impl Outcome {
    /// The name in logs, metrics and the history.
    pub fn name(&self) -> &'static str {
        match self {
            Outcome::Paid { .. } => "paid",
            Outcome::Declined { .. } => "declined",
            Outcome::Pending => "pending",
            Outcome::Authorised => "authorised, not captured",
            Outcome::NotFound => "not found",
            Outcome::Refunded => "refunded",
            Outcome::Unrecognised { .. } => "unrecognised",
        }
    }
}

/// A gateway's whole answer about one payment.
#[derive(Debug, Clone, PartialEq)]
pub struct Report {
    pub outcome: Outcome,
    /// The gateway's number of the payment.
    pub gateway_txn_id: Option<String>,
    /// The payment method, in the gateway's words: `UPI`, `CC`.
    pub payment_mode: Option<String>,
    /// The bank's number of the payment (RRN, UTR), which the payer's statement has.
    pub bank_txn_no: Option<String>,
    /// The sum the gateway has given back of the payment, where reported.
    pub returned: Option<Money>,
    /// The gateway's unchanged status code.
    pub status_code: Option<String>,
    /// The gateway's unchanged message.
    pub status_message: Option<String>,
    /// The raw answer without signatures and card data, kept as evidence.
    pub raw: Value,
}
