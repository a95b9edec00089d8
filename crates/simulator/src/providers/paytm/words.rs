//! Paytm's words for the state of an order, the same in both protocols.

use crate::providers::order::Said;

pub(crate) struct Words {
    /// `STATUS`, or `resultStatus`.
    pub(crate) status: &'static str,
    /// `RESPCODE`, or `resultCode`.
    pub(crate) code: &'static str,
    /// `RESPMSG`, or `resultMsg`.
    pub(crate) message: &'static str,
}

pub(crate) fn of(said: Said) -> Words {
    let (status, code, message) = match said {
        Said::Paid => ("TXN_SUCCESS", "01", "Txn Success"),
        Said::Open => ("PENDING", "402", "The payment is not complete yet"),
        Said::Pending => ("PENDING", "400", "The bank has not confirmed the payment yet"),
        Said::Declined => ("TXN_FAILURE", "227", "The bank declined the payment"),
        Said::Expired => ("TXN_FAILURE", "810", "The payer closed the page"),
        Said::Gibberish => ("UNDER_REVIEW", "9999", "Under review"),
        Said::NotFound => ("TXN_FAILURE", "334", "Invalid Order ID"),
    };
    Words { status, code, message }
}

pub(crate) const BAD_CHECKSUM: Words =
    Words { status: "TXN_FAILURE", code: "330", message: "Checksum provided is invalid" };
pub(crate) const BAD_MERCHANT: Words =
    Words { status: "TXN_FAILURE", code: "335", message: "Mid is invalid" };
