//! Searches with unmasked answers: counted, and recorded as one entry for each actor, tenant and minute. The
//! counts of the last minute are lost when the process is killed.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use payment_domain::{AuditAction, AuditActor, AuditEntry, Clock, TenantId};
use payment_store::Store;
use serde_json::{Map, Value};
use tokio_util::sync::CancellationToken;

use super::act;

const MINUTE_MS: i64 = 60_000;
/// How often minutes that are over are recorded.
const INTERVAL: Duration = Duration::from_secs(5);
/// The actors and tenants that are counted at once.
const MOST: usize = 10_000;

#[derive(Clone)]
pub struct CountedActs {
    store: Arc<dyn Store>,
    clock: Arc<dyn Clock>,
    counts: Arc<Mutex<HashMap<Key, u32>>>,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash)]
struct Key {
    uuid: String,
    tenant: Option<TenantId>,
    minute: i64,
}

impl CountedActs {
    pub fn new(store: Arc<dyn Store>, clock: Arc<dyn Clock>) -> CountedActs {
        CountedActs { store, clock, counts: Arc::default() }
    }

    /// Counts a search with an unmasked answer by this user within this tenant.
    pub fn searched(&self, uuid: &str, tenant: Option<TenantId>) {
        let minute = self.clock.now().as_millis().div_euclid(MINUTE_MS);
        let key = Key { uuid: uuid.to_owned(), tenant, minute };
        let mut counts = self.counts.lock().unwrap_or_else(PoisonError::into_inner);
        if counts.len() < MOST || counts.contains_key(&key) {
            let count = counts.entry(key).or_default();
            *count = count.saturating_add(1);
        } else {
            tracing::warn!("too many callers at once: some of their searches are not in the audit log");
        }
    }

    /// Records the minutes that are over; at the end of the process all.
    pub async fn record(&self, all: bool) {
        let minute = self.clock.now().as_millis().div_euclid(MINUTE_MS);
        let over: Vec<(Key, u32)> = {
            let mut counts = self.counts.lock().unwrap_or_else(PoisonError::into_inner);
            let over = counts.extract_if(|key, _| all || key.minute < minute);
            over.collect()
        };
        if over.is_empty() {
            return;
        }
        let entries = over.iter().map(|(key, count)| self.entry(key, *count)).collect();
        if let Err(error) = self.store.record(entries).await {
            tracing::warn!(%error, "searches could not be recorded in the audit log, and are tried again");
            let mut counts = self.counts.lock().unwrap_or_else(PoisonError::into_inner);
            for (key, count) in over {
                let known = counts.entry(key).or_default();
                *known = known.saturating_add(count);
            }
        }
    }

    /// Records until `stop`, and then the rest.
    pub async fn keep_recording(&self, stop: CancellationToken) {
        while stop.run_until_cancelled(tokio::time::sleep(INTERVAL)).await.is_some() {
            self.record(false).await;
        }
        self.record(true).await;
    }

    fn entry(&self, key: &Key, count: u32) -> AuditEntry {
        let actor = AuditActor::User { uuid: key.uuid.clone() };
        let minute = key.minute.saturating_mul(MINUTE_MS);
        let details = [("minute".to_owned(), Value::from(minute)), ("count".to_owned(), Value::from(count))];
        AuditEntry {
            tenant: key.tenant.clone(),
            details: Map::from_iter(details),
            ..act(self.clock.now(), actor, AuditAction::SearchedUnmasked, "transaction", String::new())
        }
    }
}
