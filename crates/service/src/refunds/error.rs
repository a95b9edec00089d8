use std::time::Duration;

use payment_domain::{InvalidAmount, Money, RefundStatus};
use payment_store::StoreError;

/// The reason a refund was not requested, decided or found. Nothing was changed.
#[derive(Debug, thiserror::Error)]
pub enum RefundError {
    /// `TXN_NOT_FOUND`
    #[error("there is no such payment")]
    NoPayment,
    /// `INVALID_GATEWAY_TXN_ID`: nothing was taken that could be given back, or the gateway does not say so.
    #[error("{0}")]
    NotPaid(String),
    /// `REFUND_ALREADY_PAID`: all of it was given back.
    #[error("the payment was given back")]
    AlreadyPaid,
    /// `REFUND_ALREADY_INITIATED`: other refunds under way reserve all of it.
    #[error("refunds of the payment that are under way reserve all of it")]
    AlreadyInitiated,
    /// `REFUND_AMOUNT_EXCEEDS_AVAILABLE`
    #[error("only {} can be given back", .available.with_code())]
    Exceeds { available: Money },
    /// `REFUND_AMOUNT_AVAILABLE_MISMATCH`, 412
    #[error("{} can be given back", .available.with_code())]
    AvailableDiffers { available: Money },
    /// An amount that is none, or nothing.
    #[error("{member}: {reason}")]
    InvalidAmount { member: &'static str, reason: InvalidAmount },
    /// `REFUND_REASON_REQUIRED`
    #[error("a reason is required")]
    ReasonRequired,
    /// `REFUND_NOT_SUPPORTED`: the gateway cannot, or a limit of this installation is exceeded.
    #[error("{0}")]
    NotSupported(String),
    /// `REFUND_WINDOW_OVER`
    #[error("refunds are requested within {days} days of the payment")]
    WindowOver { days: u64 },
    /// `RECEIPT_NOT_CANCELLABLE`: the receipt would have to be cancelled before, and cannot be.
    #[error("{0}")]
    ReceiptNotCancellable(String),
    /// `REFUND_ID_NOT_FOUND`: none, or none of the caller's tenants.
    #[error("there is no such refund")]
    NotFound,
    /// `REFUND_SAME_USER`, 403
    #[error("a refund is checked by another person than its maker and its first checker")]
    SameUser,
    /// The maker alone withdraws a request, 403.
    #[error("a refund is withdrawn by its maker")]
    NotTheMaker,
    /// `REFUND_STATE`, 409: it has moved on.
    #[error("the refund is {}, version {version}", .status.as_str())]
    State { status: RefundStatus, version: u32 },
    /// The idempotency key was used for another request.
    #[error("the idempotency key was used for another request")]
    KeyReused,
    /// The gateway gives no usable answer about the payment now.
    #[error("the gateway cannot be asked about the payment now: {reason}")]
    GatewayUnavailable { reason: String, retry_after: Option<Duration> },
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error("interrupted")]
    Interrupted,
}
