//! Refunds: money given back of a payment, in whole or in part.
//!
//! A [`Refund`] is requested by one named person and approved by another, leaves once, and changes only along
//! [`machine`]. Its id is our reference of it at the gateway.

mod history;
pub mod machine;
mod model;
mod report;
mod status;

use std::fmt;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

pub use history::RefundHistoryEntry;
pub use machine::Repetition;
pub use model::{
    Approval, Capture, Refund, RefundCalls, RefundDecision, RefundDetails, RefundReceipt, Waiver,
};
pub use report::{RefundOutcome, RefundReport};
pub use status::RefundStatus;

/// The id of a refund, which is also our reference of it at the gateway: 10 to 20 characters of
/// `[A-Za-z0-9_-]`, the form that every provider takes.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct RefundId(Arc<str>);

/// A text that is no [`RefundId`].
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("a refund id must have 10 to 20 characters out of A-Z, a-z, 0-9, _ and -")]
pub struct InvalidRefundId;

impl RefundId {
    /// # Errors
    /// [`InvalidRefundId`] when it has another form.
    pub fn new(text: impl Into<Arc<str>>) -> Result<RefundId, InvalidRefundId> {
        let text = text.into();
        let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-');
        let valid = (10..=20).contains(&text.len()) && text.chars().all(plain);
        if valid { Ok(RefundId(text)) } else { Err(InvalidRefundId) }
    }

    /// An unvalidated value of a database row: those of another service follow other rules.
    pub fn stored(text: impl Into<Arc<str>>) -> RefundId {
        RefundId(text.into())
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for RefundId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for RefundId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.0, f)
    }
}

impl TryFrom<String> for RefundId {
    type Error = InvalidRefundId;

    fn try_from(text: String) -> Result<RefundId, InvalidRefundId> {
        RefundId::new(text)
    }
}

impl From<RefundId> for String {
    fn from(id: RefundId) -> String {
        id.0.as_ref().to_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_refund_id_is_in_the_form_that_every_provider_takes() {
        for valid in ["RF20240315-000123_45", "abcdefghij"] {
            assert!(RefundId::new(valid).is_ok(), "{valid}");
        }
        for invalid in ["", "short", "abcdefghij.", "ਪੰਜਾਬੀ-ਪੰਜਾਬੀ", "abcdefghijabcdefghija"]
        {
            assert_eq!(RefundId::new(invalid), Err(InvalidRefundId), "{invalid}");
        }
    }
}
