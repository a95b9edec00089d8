//! A gateway's report of a refund, independent of the gateway.

use std::fmt;
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::money::Money;

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

/// The state of a refund at its gateway.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RefundOutcome {
    /// The gateway says that the money was given back, or its acquirer has approved that.
    Succeeded {
        /// The amount reported by the gateway; `None`, never taken as equal, when it reports none.
        amount: Option<Money>,
    },
    /// Taken on, and not done; or unknown even to the gateway. The money may be gone.
    Pending,
    /// Definitely refused: nothing was and nothing will be given back under this id.
    Failed {
        /// The gateway's reason, for people.
        reason: String,
    },
    /// The gateway knows no refund of this id, so far.
    NotFound,
    /// The answer contradicts what was asked (another payment, amount or currency, two refunds of one id),
    /// our configuration is refused, or the money went back by another way: people must look. Nothing is known.
    Unclear {
        /// The matter, for people.
        reason: String,
    },
    /// An unknown answer. The money may be gone.
    Unrecognised { code: String },
}

impl RefundOutcome {
    /// The name in logs, metrics and the history.
    pub fn name(&self) -> &'static str {
        match self {
            RefundOutcome::Succeeded { .. } => "succeeded",
            RefundOutcome::Pending => "pending",
            RefundOutcome::Failed { .. } => "failed",
            RefundOutcome::NotFound => "not found",
            RefundOutcome::Unclear { .. } => "unclear",
            RefundOutcome::Unrecognised { .. } => "unrecognised",
        }
    }
}

/// A gateway's whole answer about one refund.
#[derive(Debug, Clone, PartialEq)]
pub struct RefundReport {
    pub outcome: RefundOutcome,
    /// Whether the same id may be sent again unchanged although the gateway has answered: it has not taken
    /// the refund now and would later (another one of the order is under way, a lock was not had).
    pub may_repeat: bool,
    /// The gateway's number of the refund.
    pub gateway_refund_id: Option<String>,
    /// The gateway's unchanged status code.
    pub status_code: Option<String>,
    /// The gateway's unchanged message.
    pub status_message: Option<String>,
    /// The raw answer without signatures and personal data, kept as evidence.
    pub raw: Value,
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
