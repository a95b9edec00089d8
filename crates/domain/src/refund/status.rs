/// The status of a refund.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum RefundStatus {
    /// A maker wants it; nothing is decided.
    Requested,
    /// It may leave, and has not.
    Approved,
    /// The gateway was called, or is about to be: the money may be gone.
    Sent,
    /// The gateway has given the money back.
    Succeeded,
    /// Nothing was given back, and nothing will be under this id.
    Failed,
    /// A checker refused it.
    Rejected,
    /// The maker took it back.
    Withdrawn,
    /// No decision came in time.
    Expired,
}

impl RefundStatus {
    pub const ALL: [RefundStatus; 8] = [
        RefundStatus::Requested,
        RefundStatus::Approved,
        RefundStatus::Sent,
        RefundStatus::Succeeded,
        RefundStatus::Failed,
        RefundStatus::Rejected,
        RefundStatus::Withdrawn,
        RefundStatus::Expired,
    ];

    /// The stored word.
    pub fn as_str(self) -> &'static str {
        match self {
            RefundStatus::Requested => "REQUESTED",
            RefundStatus::Approved => "APPROVED",
            RefundStatus::Sent => "SENT",
            RefundStatus::Succeeded => "SUCCEEDED",
            RefundStatus::Failed => "FAILED",
            RefundStatus::Rejected => "REJECTED",
            RefundStatus::Withdrawn => "WITHDRAWN",
            RefundStatus::Expired => "EXPIRED",
        }
    }

    pub fn from_word(word: &str) -> Option<RefundStatus> {
        RefundStatus::ALL.into_iter().find(|status| status.as_str() == word)
    }

    /// DIGIT's word, `refundTxnStatus`.
    pub fn digit_word(self) -> &'static str {
        match self {
            RefundStatus::Requested | RefundStatus::Approved => "INITIATED",
            RefundStatus::Sent => "PENDING",
            RefundStatus::Succeeded => "SUCCESS",
            RefundStatus::Failed
            | RefundStatus::Rejected
            | RefundStatus::Withdrawn
            | RefundStatus::Expired => "FAILURE",
        }
    }

    /// The statuses behind DIGIT's word; none for an unknown word.
    pub fn of_digit_word(word: &str) -> Vec<RefundStatus> {
        RefundStatus::ALL.into_iter().filter(|status| status.digit_word() == word).collect()
    }

    /// Whether it reserves or has spent its amount.
    pub fn is_live(self) -> bool {
        match self {
            RefundStatus::Requested
            | RefundStatus::Approved
            | RefundStatus::Sent
            | RefundStatus::Succeeded => true,
            RefundStatus::Failed
            | RefundStatus::Rejected
            | RefundStatus::Withdrawn
            | RefundStatus::Expired => false,
        }
    }

    pub fn is_final(self) -> bool {
        self == RefundStatus::Succeeded || !self.is_live()
    }

    /// Whether money of it has left, or may have.
    pub fn may_have_left(self) -> bool {
        matches!(self, RefundStatus::Sent | RefundStatus::Succeeded)
    }
}
