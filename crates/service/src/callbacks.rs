//! Server-to-server callbacks: verified, stored as received, then settled like any other answer.
//!
//! A signed callback is stored once. Unsigned ones, which any caller can send, are kept up to a limit.

use std::sync::Arc;
use std::time::Instant;

use payment_domain::{Actor, GatewayName, Report, StatusName, Transaction};
use payment_gateway::Answer;
use payment_store::{RawCallback, Recorded, StoreError, UnsignedCallback};
use sha2::{Digest, Sha256};

use crate::gateways::UnknownGateway;
use crate::ports::Ports;
use crate::refunds::{RefundError, Refunds};
use crate::settle::{Asked, Caller, SettleError, Settlement};

/// The bytes kept of a signed callback; real ones are shorter.
const SIGNED_BYTES: usize = 16 * 1024;
/// The bytes kept of an unsigned callback.
const UNSIGNED_BYTES: usize = 4 * 1024;

#[derive(Clone)]
pub struct Callbacks {
    ports: Arc<Ports>,
    settlement: Settlement,
    refunds: Refunds,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Conclusion {
    /// The transaction is settled, now or before.
    Settled,
    /// The payment is not finished; the gateway will call again.
    StillPending,
    /// The same callback was concluded before.
    Repeated,
}

/// The reason a callback was not accepted.
#[derive(Debug, thiserror::Error)]
pub enum CallbackError {
    #[error("no such gateway")]
    UnknownGateway,
    #[error("no transaction is named")]
    NoTransaction,
    /// There is none with that id at this gateway.
    #[error("no such transaction")]
    UnknownTransaction,
    /// Forged, or about another payment.
    #[error("refused")]
    Refused,
    /// The status request failed: the gateway should call again.
    #[error("try again later")]
    TryAgain,
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl From<SettleError> for CallbackError {
    fn from(error: SettleError) -> CallbackError {
        match error {
            SettleError::BadSignature | SettleError::WrongTransaction => CallbackError::Refused,
            SettleError::NotFound => CallbackError::UnknownTransaction,
            SettleError::Interrupted | SettleError::Fenced => CallbackError::TryAgain,
            SettleError::Store(error) => CallbackError::Store(error),
        }
    }
}

impl Callbacks {
    pub(crate) fn new(ports: Arc<Ports>, settlement: Settlement, refunds: Refunds) -> Callbacks {
        Callbacks { ports, settlement, refunds }
    }

    /// Settles a transaction on a callback that came with this query string.
    ///
    /// When the process dies before the callback is stored, it is unanswered: the gateway calls again, or
    /// reconciliation asks about the payment.
    ///
    /// # Errors
    /// A [`CallbackError`]; only [`CallbackError::TryAgain`] and [`CallbackError::Store`] ask the
    /// gateway to call again.
    pub async fn take(
        &self,
        gateway: &GatewayName,
        answer: &Answer,
        query: &str,
    ) -> Result<Conclusion, CallbackError> {
        let arrived = Instant::now();
        if let Some(conclusion) = self.take_refund(gateway, answer).await? {
            return Ok(conclusion);
        }
        let named = self.ports.gateways.named_in(gateway, answer);
        let store = &self.ports.store;
        let id = named.map_err(|UnknownGateway| match self.ports.gateways.accounts().has(gateway) {
            // Its accounts cannot be used at the moment.
            true => CallbackError::TryAgain,
            false => CallbackError::UnknownGateway,
        })?;
        let id = id.ok_or(CallbackError::NoTransaction)?;
        let txn = store.transaction(&id).await?.filter(|txn| &txn.gateway == gateway);
        let txn = txn.ok_or(CallbackError::UnknownTransaction)?;
        let adapter = match self.ports.gateways.of(&txn).await {
            Ok(adapter) => adapter,
            // Kept for the operator; the gateway calls again when the account can be used.
            Err(reason) => {
                tracing::warn!(txn_id = %txn.id, %gateway, reason, "a callback cannot be verified");
                self.keep_unsigned(&txn, answer, query).await?;
                return Err(CallbackError::TryAgain);
            }
        };
        let signed = match self.settlement.signed(adapter.as_ref(), &txn, answer).await {
            Ok(signed) => signed,
            Err(refused) => {
                self.keep_unsigned(&txn, answer, query).await?;
                return Err(refused.into());
            }
        };
        let digest = match &signed {
            Some(report) => {
                let (digest, content) = (digest(&txn, report), content(query, &answer.body, SIGNED_BYTES));
                let (gateway, received_at) = (gateway.clone(), self.ports.now());
                let raw = RawCallback { gateway, digest, received_at, content };
                match store.record_callback(raw).await? {
                    Recorded::Concluded => return Ok(Conclusion::Repeated),
                    Recorded::Unfinished => Some(digest),
                }
            }
            None => {
                self.keep_unsigned(&txn, answer, query).await?;
                None
            }
        };
        let caller = Caller::new(Actor::gateway(gateway.as_str()), self.ports.settings.system_identity());
        let settled = self.settlement.settle_verified(txn, Ok(adapter), signed, &caller, arrived).await?;
        match (settled.txn.status.name(), settled.asked) {
            // Final: a repetition of the callback is not settled again. After a failure it is, as the payment
            // may succeed late.
            (StatusName::Success, _) => {
                if let Some(digest) = digest {
                    store.conclude_callback(&digest, Some(&id), StatusName::Success.as_str()).await?;
                }
                Ok(Conclusion::Settled)
            }
            (StatusName::Failure, Asked::Answered | Asked::NotNeeded) => Ok(Conclusion::Settled),
            (StatusName::Pending, Asked::Answered | Asked::NotNeeded) => Ok(Conclusion::StillPending),
            (StatusName::Pending | StatusName::Failure, Asked::Unusable(_) | Asked::Unavailable { .. }) => {
                Err(CallbackError::TryAgain)
            }
        }
    }

    /// Asks about the refund that a callback names, as far as the payment's allowance of questions reaches;
    /// `None` when it names none of ours. Nothing in it is believed.
    async fn take_refund(
        &self,
        gateway: &GatewayName,
        answer: &Answer,
    ) -> Result<Option<Conclusion>, CallbackError> {
        let Some(id) = self.ports.gateways.refund_named_in(gateway, answer) else { return Ok(None) };
        let refund = self.ports.store.refund(&id, None).await?;
        let Some(refund) = refund.filter(|refund| refund.gateway == *gateway) else { return Ok(None) };
        let age = self.ports.now().since(refund.calls.last_at.unwrap_or(refund.audit.created_at));
        if self.settlement.admit_hint(&refund.txn_id, gateway, age).await.is_err() {
            // The job makes the status request in any case.
            return Ok(Some(Conclusion::StillPending));
        }
        let caller = Caller::new(Actor::gateway(gateway.as_str()), self.ports.settings.system_identity());
        match self.refunds.update(&id, None, &caller).await {
            Ok(refund) if refund.status.is_final() => Ok(Some(Conclusion::Settled)),
            Ok(_) => Ok(Some(Conclusion::StillPending)),
            Err(RefundError::Store(error)) => Err(error.into()),
            Err(_) => Err(CallbackError::TryAgain),
        }
    }

    /// Counts an unsigned callback, and keeps it up to the limit.
    async fn keep_unsigned(&self, txn: &Transaction, answer: &Answer, query: &str) -> Result<(), StoreError> {
        metrics::counter!("callbacks_unsigned_total", "gateway" => txn.gateway.to_string()).increment(1);
        let limit = self.ports.settings.unsigned_callbacks_per_day;
        if limit == 0 {
            return Ok(());
        }
        let (txn_id, gateway, received_at) = (txn.id.clone(), txn.gateway.clone(), self.ports.now());
        let content = content(query, &answer.body, UNSIGNED_BYTES);
        let callback = UnsignedCallback { txn_id, gateway, received_at, content };
        self.ports.store.keep_unsigned_callback(callback, limit).await?;
        Ok(())
    }
}

/// Query string and body on a line each, truncated.
fn content(query: &str, body: &[u8], max_bytes: usize) -> String {
    let body = String::from_utf8_lossy(body.get(..max_bytes).unwrap_or(body));
    let mut content = format!("{query}\n{body}");
    let fits = |end: &usize| content.is_char_boundary(*end);
    let end = (0..=max_bytes.min(content.len())).rev().find(fits).unwrap_or_default();
    content.truncate(end);
    content
}

/// Identifies a callback by its signed content, without the rest, which could be changed.
fn digest(txn: &Transaction, signed: &Report) -> [u8; 32] {
    let gateway_txn_id = signed.gateway_txn_id.as_deref().unwrap_or_default();
    let mut hash = Sha256::new();
    for part in [txn.gateway.as_str(), txn.id.as_str(), gateway_txn_id, &signed.raw.to_string()] {
        hash.update(part);
        hash.update([0]);
    }
    hash.finalize().into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn content_is_kept_within_its_bound_and_never_half_a_character() {
        assert_eq!(content("a=1", b"b=2", 100), "a=1\nb=2");
        assert_eq!(content("", "आ".as_bytes(), 3), "\n");
        assert_eq!(content("", "आ".as_bytes(), 4), "\nआ");
        for body in [vec![0xff; 300_000], "आ".repeat(100_000).into_bytes()] {
            for bound in [0, 1, 2, 3, UNSIGNED_BYTES, SIGNED_BYTES] {
                assert!(content(&"q".repeat(8192), &body, bound).len() <= bound);
                assert!(content("", &body, bound).len() <= bound);
            }
        }
    }
}
