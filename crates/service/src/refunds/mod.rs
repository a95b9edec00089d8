//! Refunds: requested by one named person, approved by another, sent once, asked about until they are clear.
//!
//! **One call.** The id of a refund is our reference at the gateway. A call that may move money is counted and
//! committed *before* it is made ([`RefundCalls`]): whoever commits it makes it, so that of two nodes one does.
//! After a kill between the commit and the call, or a lost answer, the refund is SENT, and its status is asked
//! for; [`machine`](payment_domain::refund::machine) alone decides whether the call may be made again.
//!
//! **What was captured** is the gateway's word, asked for at the request and again before the call: money that
//! the gateway has given back by itself, or charged back, is not sent a second time.

mod error;
mod settings;

use payment_domain::{Personal, RefundId, TxnId};
use payment_store::{RefundKey, RequestDigest};
use serde_json::{Map, Value};

pub use error::RefundError;
pub use settings::{CancelReceipt, RefundSettings};

/// The reason code of requests that name none.
pub const UPSTREAM: &str = "UPSTREAM";

/// A maker's request.
#[derive(Debug, Clone)]
pub struct RefundRequest {
    /// The payment, within the maker's tenant.
    pub txn_id: TxnId,
    /// In units of the payment's currency, as JSON has it: a number or a text with one. All that is left when it
    /// is absent.
    pub amount: Option<Box<serde_json::value::RawValue>>,
    /// The amount that the client believes is left, in the same form.
    pub amount_available: Option<Box<serde_json::value::RawValue>>,
    /// Not empty.
    pub reason_code: String,
    /// Not empty, unless the code is [`UPSTREAM`].
    pub reason: Option<Personal>,
    /// The review case that asks for the refund. A payment that counts as failed is refunded by its open case,
    /// a second payment of an order by its `second-payment` case only.
    pub case: Option<i64>,
    pub additional_details: Map<String, Value>,
    /// The client's key, with the digest of its request.
    pub key: Option<(RefundKey, RequestDigest)>,
    /// Whether the caller's own workflow has approved it ([`Identity::is_trusted_at`](crate::Identity::is_trusted_at)).
    pub trusted: bool,
}

/// A decision about a refund.
#[derive(Debug, Clone)]
pub struct RefundDecisionRequest {
    pub id: RefundId,
    /// The version that the decider has seen.
    pub version: u32,
    /// In the decider's words; required to reject.
    pub comment: Option<Personal>,
}
