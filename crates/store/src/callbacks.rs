//! Server-to-server callbacks of gateways, stored as they arrived.

use async_trait::async_trait;
use payment_domain::{GatewayName, Timestamp, TxnId};

use crate::StoreError;

#[async_trait]
pub trait Callbacks: Send + Sync {
    /// Stores a signed callback.
    async fn record_callback(&self, callback: RawCallback) -> Result<Recorded, StoreError>;

    /// Records the transaction that a callback named, and the conclusion in a word. The first one stays.
    async fn conclude_callback(
        &self,
        digest: &[u8; 32],
        txn_id: Option<&TxnId>,
        conclusion: &str,
    ) -> Result<(), StoreError>;

    /// Keeps an unsigned callback, if fewer than `limit` of its transaction were kept on its day. Never
    /// more than `limit` are, however many arrive at once; of those, some may be left out although there
    /// is room. Returns whether it was kept.
    async fn keep_unsigned_callback(
        &self,
        callback: UnsignedCallback,
        limit: u32,
    ) -> Result<bool, StoreError>;

    /// Deletes up to `limit` callbacks that arrived before a moment, unsigned ones first, the oldest of
    /// each first; returns how many.
    async fn forget_callbacks(&self, received_before: Timestamp, limit: u32) -> Result<u32, StoreError>;
}

/// A callback that the gateway signed.
#[derive(Clone, PartialEq, Eq)]
pub struct RawCallback {
    /// The gateway whose endpoint received it.
    pub gateway: GatewayName,
    /// SHA-256 over gateway, transaction and the signed content: identifies a repetition.
    pub digest: [u8; 32],
    pub received_at: Timestamp,
    /// The beginning of query string and body.
    pub content: String,
}

/// Without the content: it holds payers' entries at the gateway.
impl std::fmt::Debug for RawCallback {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("RawCallback").field("gateway", &self.gateway).finish_non_exhaustive()
    }
}

/// A callback with no signature or a wrong one: any sender can make it.
#[derive(Clone, PartialEq, Eq)]
pub struct UnsignedCallback {
    /// The transaction it names, which exists.
    pub txn_id: TxnId,
    /// The gateway whose endpoint received it.
    pub gateway: GatewayName,
    pub received_at: Timestamp,
    /// The beginning of query string and body.
    pub content: String,
}

impl UnsignedCallback {
    /// The day it arrived on: days since 1970-01-01 in UTC.
    pub fn day(&self) -> i64 {
        const MILLIS_OF_A_DAY: i64 = 86_400_000;
        self.received_at.as_millis().div_euclid(MILLIS_OF_A_DAY)
    }
}

/// Without the content: it is the sender's own text.
impl std::fmt::Debug for UnsignedCallback {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("UnsignedCallback").field("txn_id", &self.txn_id).finish_non_exhaustive()
    }
}

/// The outcome of recording a callback.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Recorded {
    /// Stored for the first time, or seen before but never concluded: process it.
    Unfinished,
    /// The same callback was processed to its end before.
    Concluded,
}
