//! Server-to-server callbacks: stored as they come, before anything in them is believed, then settled
//! like everything else.

use std::sync::Arc;

use payment_domain::{Actor, GatewayName, StatusName};
use payment_gateway::Answer;
use payment_store::{RawCallback, Recorded, StoreError};
use sha2::{Digest, Sha256};

use crate::ports::Ports;
use crate::settle::{Asked, Caller, SettleError, Settlement};

/// Takes callbacks.
#[derive(Clone)]
pub struct Callbacks {
    ports: Arc<Ports>,
    settlement: Settlement,
}

/// What a callback came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Conclusion {
    /// The transaction it names is settled, now or before.
    Settled,
    /// The gateway says the payment is not finished; it will call again.
    StillPending,
    /// The same callback was dealt with before.
    Repeated,
}

/// Why a callback was not accepted.
#[derive(Debug, thiserror::Error)]
pub enum CallbackError {
    /// No such gateway is configured.
    #[error("no such gateway")]
    UnknownGateway,
    /// It names no transaction, or one that does not go through this gateway.
    #[error("no such transaction")]
    UnknownTransaction,
    /// It is forged, or about another payment.
    #[error("refused")]
    Refused,
    /// It could not be checked with the gateway now: the gateway should call again.
    #[error("try again later")]
    TryAgain,
    /// The database is away.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl Callbacks {
    pub(crate) fn new(ports: Arc<Ports>, settlement: Settlement) -> Callbacks {
        Callbacks { ports, settlement }
    }

    /// Takes one callback. `content` is its query string and body as they came.
    ///
    /// # Errors
    /// A [`CallbackError`]; only [`CallbackError::TryAgain`] and [`CallbackError::Store`] ask the
    /// gateway to call again.
    pub async fn take(
        &self,
        gateway: &GatewayName,
        answer: &Answer,
        content: String,
    ) -> Result<Conclusion, CallbackError> {
        let adapter = self.ports.gateways.get(gateway).ok_or(CallbackError::UnknownGateway)?;
        let store = &self.ports.store;
        // Only what names a transaction of this gateway is worth keeping: anybody can post here.
        let id = adapter.names(answer).ok_or(CallbackError::UnknownTransaction)?;
        match store.transaction(&id).await? {
            Some(txn) if &txn.gateway == gateway => {}
            Some(_) | None => return Err(CallbackError::UnknownTransaction),
        }
        let digest = digest(gateway, answer, &content);
        let content = bounded(content);
        let raw = RawCallback { gateway: gateway.clone(), digest, received_at: self.ports.now(), content };
        match store.record_callback(raw).await? {
            Recorded::Concluded => return Ok(Conclusion::Repeated),
            Recorded::Unfinished => {}
        }
        let caller = Caller::new(Actor::gateway(gateway.as_str()), self.ports.settings.system_request_info());
        match self.settlement.settle(&id, answer, &caller).await {
            Ok(settled) => match (settled.txn.status.name(), settled.asked) {
                // Final for ever: the same callback need not be looked at again. After a failure it
                // is, for a payment may turn up late; refused, too, for a secret may be corrected.
                (StatusName::Success, _) => {
                    store.conclude_callback(&digest, Some(&id), StatusName::Success.as_str()).await?;
                    Ok(Conclusion::Settled)
                }
                (StatusName::Failure, Asked::Answered | Asked::NotNeeded) => Ok(Conclusion::Settled),
                (StatusName::Pending, Asked::Answered | Asked::NotNeeded) => Ok(Conclusion::StillPending),
                (StatusName::Pending | StatusName::Failure, Asked::InVain(_) | Asked::NotNow { .. }) => {
                    Err(CallbackError::TryAgain)
                }
            },
            Err(SettleError::BadSignature | SettleError::WrongTransaction) => Err(CallbackError::Refused),
            Err(SettleError::NotFound) => Err(CallbackError::UnknownTransaction),
            Err(SettleError::Interrupted | SettleError::Fenced) => Err(CallbackError::TryAgain),
            Err(SettleError::Store(error)) => Err(error.into()),
        }
    }
}

/// The beginning of a callback's content: real ones are short.
fn bounded(content: String) -> String {
    const MOST_BYTES: usize = 16 * 1024;
    if content.len() <= MOST_BYTES {
        return content;
    }
    let cut = (0..=MOST_BYTES).rev().find(|at| content.is_char_boundary(*at)).unwrap_or_default();
    content[..cut].to_owned()
}

fn digest(gateway: &GatewayName, answer: &Answer, content: &str) -> [u8; 32] {
    let mut hash = Sha256::new();
    hash.update(gateway.as_str());
    hash.update([0]);
    hash.update(content);
    // The signature may stand in a header; transport headers differ from try to try.
    for (name, value) in answer.headers.iter().filter(|(name, _)| is_signature(name)) {
        hash.update([0]);
        hash.update(name);
        hash.update([0]);
        hash.update(value);
    }
    hash.finalize().into()
}

fn is_signature(header: &str) -> bool {
    header == "authorization" || header.contains("signature") || header.contains("verify")
}
