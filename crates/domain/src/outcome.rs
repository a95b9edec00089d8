//! A gateway's report of a payment, independent of the gateway.

use serde_json::Value;

use crate::money::Money;

/// The state of a payment at its gateway.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    Paid {
        /// What the gateway says it took; `None` when it does not say, which is never taken as equal.
        amount: Option<Money>,
    },
    /// A definite no: nothing was and nothing will be taken.
    Declined {
        /// The gateway's reason, for people.
        reason: String,
    },
    /// The gateway is not done yet.
    Pending,
    /// The gateway knows no such payment: the payer never came, or its records lag behind.
    NotFound,
    /// The money was taken and given back.
    Refunded,
    /// An answer we do not know. Money may have moved.
    Unrecognised {
        /// The code that we do not know.
        code: String,
    },
}

impl Outcome {
    /// One word for logs, metrics and the history.
    pub fn name(&self) -> &'static str {
        match self {
            Outcome::Paid { .. } => "paid",
            Outcome::Declined { .. } => "declined",
            Outcome::Pending => "pending",
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
    /// The gateway's own number of the payment.
    pub gateway_txn_id: Option<String>,
    /// How the payer paid, in the gateway's words: `UPI`, `CC`.
    pub payment_mode: Option<String>,
    /// The gateway's status code as it came.
    pub status_code: Option<String>,
    /// The gateway's message as it came.
    pub status_message: Option<String>,
    /// The answer as it came, without signatures and card data, kept as evidence.
    pub raw: Value,
}
