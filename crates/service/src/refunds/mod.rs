//! Refunds: requested by one named person, approved by another, sent once, asked about until they are clear.
//!
//! **One call.** The id of a refund is our reference at the gateway. A call that may move money is counted
//! and committed *before* it is made ([`RefundCalls`](payment_domain::RefundCalls)): the node that commits it
//! makes it, so that of two nodes one does. After a kill between the commit and the call, or a lost answer,
//! the refund is SENT, and its status is asked for; [`machine`](payment_domain::refund::machine) alone
//! decides whether the call may be made again.
//!
//! **What was captured** is the gateway's word, asked for at the request and again before the call: money that
//! the gateway has given back by itself, or charged back, is not sent a second time.

mod asking;
mod capture;
mod counting;
mod deciding;
mod error;
mod job;
mod later;
mod receipt;
mod record;
mod requesting;
mod sending;
mod settings;
mod work;

use std::sync::Arc;
use std::time::Duration;

use payment_domain::{Money, Personal, Refund, RefundHistoryEntry, RefundId, Timestamp, TxnId};
use payment_store::{RefundKey, RefundQuery, RequestDigest, StoreError, TenantScope};
use serde_json::{Map, Value};

pub(crate) use capture::{captured_in, evidence_of_capture};

pub use error::{NotCancellable, NotPaid, NotSupported, RefundError};
pub use job::RefundsJob;
pub use settings::{CancelReceipt, RefundSettings};

use crate::ports::Ports;
use crate::settle::Settlement;
use crate::single_flight::SingleFlight;

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

/// The use cases of refunds.
#[derive(Clone)]
pub struct Refunds {
    ports: Arc<Ports>,
    settlement: Settlement,
    /// One refund of a payment at a time: providers refuse two that overlap.
    in_hand: Arc<SingleFlight>,
}

impl Refunds {
    pub(crate) fn new(ports: Arc<Ports>, settlement: Settlement) -> Refunds {
        Refunds { ports, settlement, in_hand: Arc::default() }
    }

    fn settings(&self) -> &RefundSettings {
        &self.ports.settings.refunds
    }

    /// How long the request that approved a refund has to send it before the job does.
    fn handover(&self) -> Duration {
        self.settings().distance(0)
    }

    /// A refund, when it is of one of these tenants or below; `None` is every tenant.
    ///
    /// # Errors
    /// [`StoreError`] when the database is unavailable.
    pub async fn find(
        &self,
        id: &RefundId,
        within: Option<&[TenantScope]>,
    ) -> Result<Option<Refund>, StoreError> {
        self.ports.store.refund(id, within).await
    }

    /// Refunds that match, newest first.
    ///
    /// # Errors
    /// [`StoreError`] when the database is unavailable.
    pub async fn search(&self, query: &RefundQuery) -> Result<Vec<Refund>, StoreError> {
        self.ports.store.search_refunds(query).await
    }

    /// How far back a page of a search finds everything by looking at so many refunds.
    ///
    /// # Errors
    /// [`StoreError`] when the database is unavailable.
    pub async fn horizon(&self, query: &RefundQuery, examined: u32) -> Result<Option<Timestamp>, StoreError> {
        self.ports.store.refunds_horizon(query, examined).await
    }

    /// # Errors
    /// [`StoreError`] when the database is unavailable.
    pub async fn count(&self, query: &RefundQuery) -> Result<u64, StoreError> {
        self.ports.store.count_refunds(query).await
    }

    /// The history of a refund, oldest first.
    ///
    /// # Errors
    /// [`StoreError`] when the database is unavailable.
    pub async fn history(&self, id: &RefundId) -> Result<Vec<RefundHistoryEntry>, StoreError> {
        self.ports.store.refund_history(id).await
    }

    /// The refundable rest of the capture of a refund.
    ///
    /// # Errors
    /// [`StoreError`] when the database is unavailable.
    pub async fn left_of(&self, refund: &Refund) -> Result<Money, StoreError> {
        let refunds = self.ports.store.refunds_of(&refund.txn_id).await?;
        Ok(Refunds::available(&refunds, &refund.capture))
    }
}
