//! Faults of refunds.

const DEFAULT_SECONDS: u64 = 20;

/// A fault of a refund, set for the refund's id or for that of its order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RefundTwist {
    /// Accepted, and done after this time.
    Pending {
        /// After how long, in seconds.
        seconds: u64,
    },
    /// The payer's bank refuses it at once.
    Refused,
    /// Accepted, and refused after this time.
    RefusedLater {
        /// After how long, in seconds.
        seconds: u64,
    },
    /// The merchant's balance does not suffice: refused, or accepted and waiting, as the provider does it.
    NoBalance,
    /// Done, and the answer to the request is lost.
    AnswerLost,
    /// The first request never arrives; the connection is cut.
    RequestLost,
    /// Done, and another amount is reported.
    WrongAmount,
    /// Done, and everything the provider signs about it is signed wrongly.
    WrongSignature,
    /// Its state is reported by a code that is in no documentation.
    UnknownCode,
    /// Done, and unknown to status requests.
    NotFound,
    /// Done, without a webhook.
    Silent,
    /// Done, and sent back by the payer's bank after this time.
    Returned {
        /// After how long, in seconds.
        seconds: u64,
    },
}

impl RefundTwist {
    /// All of them, with the default times.
    pub const ALL: [RefundTwist; 12] = [
        RefundTwist::Pending { seconds: DEFAULT_SECONDS },
        RefundTwist::Refused,
        RefundTwist::RefusedLater { seconds: DEFAULT_SECONDS },
        RefundTwist::NoBalance,
        RefundTwist::AnswerLost,
        RefundTwist::RequestLost,
        RefundTwist::WrongAmount,
        RefundTwist::WrongSignature,
        RefundTwist::UnknownCode,
        RefundTwist::NotFound,
        RefundTwist::Silent,
        RefundTwist::Returned { seconds: DEFAULT_SECONDS },
    ];

    /// Its word in requests.
    pub fn word(self) -> &'static str {
        match self {
            RefundTwist::Pending { .. } => "refund-pending",
            RefundTwist::Refused => "refund-refused",
            RefundTwist::RefusedLater { .. } => "refund-refused-later",
            RefundTwist::NoBalance => "refund-no-balance",
            RefundTwist::AnswerLost => "refund-answer-lost",
            RefundTwist::RequestLost => "refund-request-lost",
            RefundTwist::WrongAmount => "refund-wrong-amount",
            RefundTwist::WrongSignature => "refund-wrong-signature",
            RefundTwist::UnknownCode => "refund-unknown-code",
            RefundTwist::NotFound => "refund-not-found",
            RefundTwist::Silent => "refund-silent",
            RefundTwist::Returned { .. } => "refund-returned",
        }
    }

    /// Its wait, where it has one.
    pub(crate) fn seconds(self) -> Option<u64> {
        match self {
            RefundTwist::Pending { seconds }
            | RefundTwist::RefusedLater { seconds }
            | RefundTwist::Returned { seconds } => Some(seconds),
            RefundTwist::Refused
            | RefundTwist::NoBalance
            | RefundTwist::AnswerLost
            | RefundTwist::RequestLost
            | RefundTwist::WrongAmount
            | RefundTwist::WrongSignature
            | RefundTwist::UnknownCode
            | RefundTwist::NotFound
            | RefundTwist::Silent => None,
        }
    }

    /// The same with this wait; `None` where it has none.
    pub(crate) fn after(self, seconds: u64) -> Option<RefundTwist> {
        match self {
            RefundTwist::Pending { .. } => Some(RefundTwist::Pending { seconds }),
            RefundTwist::RefusedLater { .. } => Some(RefundTwist::RefusedLater { seconds }),
            RefundTwist::Returned { .. } => Some(RefundTwist::Returned { seconds }),
            RefundTwist::Refused
            | RefundTwist::NoBalance
            | RefundTwist::AnswerLost
            | RefundTwist::RequestLost
            | RefundTwist::WrongAmount
            | RefundTwist::WrongSignature
            | RefundTwist::UnknownCode
            | RefundTwist::NotFound
            | RefundTwist::Silent => None,
        }
    }
}
