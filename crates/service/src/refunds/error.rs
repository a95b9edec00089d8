use std::time::Duration;

use payment_domain::{GatewayName, InvalidAmount, Money, Outcome, RefundStatus};
use payment_gateway::{GatewayError, NoRefund};
use payment_store::StoreError;

/// The reason a refund was not requested, decided or found. Nothing was changed.
#[derive(Debug, thiserror::Error)]
pub enum RefundError {
    /// `TXN_NOT_FOUND`
    #[error("there is no such payment")]
    NoPayment,
    /// `INVALID_GATEWAY_TXN_ID`: nothing was taken that could be given back, or the gateway does not say so.
    #[error(transparent)]
    NotPaid(NotPaid),
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
    #[error(transparent)]
    NotSupported(NotSupported),
    /// `REFUND_WINDOW_OVER`
    #[error("refunds are requested within {days} days of the payment")]
    WindowOver { days: u64 },
    /// `RECEIPT_NOT_CANCELLABLE`: the receipt would have to be cancelled before, and cannot be.
    #[error(transparent)]
    ReceiptNotCancellable(NotCancellable),
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
    #[error("the gateway cannot be asked about the payment now: {}", told(.cause.as_ref()))]
    GatewayUnavailable {
        /// `None` while its pace is kept.
        cause: Option<GatewayError>,
        retry_after: Option<Duration>,
    },
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error("interrupted")]
    Interrupted,
}

fn told(cause: Option<&GatewayError>) -> String {
    cause.map_or_else(|| "its pace is kept".to_owned(), ToString::to_string)
}

/// The reason for which nothing, or not certainly something, was taken that could be given back.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NotPaid {
    /// The row of an earlier service has values that are not known here; they are named.
    #[error("{0}")]
    Adopted(String),
    #[error("the payment is pending")]
    Pending,
    #[error("its refunds contradict each other")]
    Contradiction,
    #[error("case {0} asks for no refund of this payment")]
    OtherCase(i64),
    #[error("the payment counts as failed, and no review case says that it was paid")]
    FailedWithoutCase,
    #[error("the case does not tell what was taken")]
    CaseWithoutAmount,
    #[error("the gateway took another currency")]
    OtherCurrency,
    #[error("the gateway does not say how much was taken")]
    WithoutAmount,
    #[error(
        "the gateway says that money was given back, and not how much: it may be more than the refunds of this service"
    )]
    ReturnedWithoutAmount,
    #[error("the gateway says of the payment: {}", .0.name())]
    Reported(Outcome),
}

/// The reason for which a payment, or this amount of it, is not given back.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NotSupported {
    /// The gateway or its merchant account cannot be used; the reason for operators.
    #[error("{0}")]
    Unusable(String),
    #[error("{0} gives nothing back")]
    Gateway(GatewayName),
    #[error(transparent)]
    Payment(NoRefund),
    #[error("the gateway gives back {} and more", .0.with_code())]
    Minimum(Money),
    #[error("the gateway gives back whole payments only")]
    WholeOnly,
    #[error("the gateway gives back something of a payment once")]
    Once,
    #[error("refunds of this tenant are limited to {}", .0.with_code())]
    Limit(Money),
}

/// The reason for which a receipt cannot be cancelled.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NotCancellable {
    #[error("the payment is not APPROVED at the collection service ({0})")]
    Status(String),
    #[error("a later payment of the same consumer code is registered")]
    LaterPayment,
    /// The collection service does not say; its error.
    #[error("the collection service does not say whether it can be cancelled: {0}")]
    Unknown(String),
}
