//! The state of a refund at a gateway.

/// The state of a refund in a gateway's answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RefundState {
    /// The money is on its way to the payer, or there.
    Succeeded,
    /// Taken on, and not done.
    Pending,
    /// It will not be done: nothing was given back.
    Failed,
    /// A word this adapter does not know, which is never a failure.
    Unrecognised,
}
