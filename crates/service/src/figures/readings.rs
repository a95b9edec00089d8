//! The calls of this replica to its gateways, stored at intervals, so that every replica's console shows those of all.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use payment_domain::{GatewayName, Timestamp};
use payment_store::StoreError;
use payment_store::figures::{FigureBooks, GatewayReading};
use tokio::time::MissedTickBehavior;

use crate::ports::Ports;

const INTERVAL: Duration = Duration::from_secs(5 * 60);
/// How long readings are kept.
pub const READINGS_KEPT: Duration = Duration::from_secs(8 * 24 * 60 * 60);
/// The readings that wait while they cannot be stored, at most.
const WAITING: usize = 1_000;

pub struct GatewayReadings {
    ports: Arc<Ports>,
    node: String,
    /// The end of the latest interval.
    since: Timestamp,
    waiting: Vec<GatewayReading>,
}

impl GatewayReadings {
    /// `node` names this replica.
    pub fn new(ports: Arc<Ports>, node: String) -> GatewayReadings {
        GatewayReadings { since: ports.now(), ports, node, waiting: Vec::new() }
    }

    /// Stores them at intervals. Never returns.
    pub async fn keep_storing(mut self) {
        let mut ticks = tokio::time::interval(INTERVAL);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        ticks.tick().await;
        loop {
            ticks.tick().await;
            if let Err(error) = self.store().await {
                tracing::debug!(%error, "the calls to gateways could not be stored");
            }
        }
    }

    /// Stores the calls since the last time. Those that were not stored are stored the next time, once.
    ///
    /// # Errors
    /// As the store has it.
    pub async fn store(&mut self) -> Result<(), StoreError> {
        let (from, until) = (self.since, self.ports.now());
        let mut counts = self.ports.gateways.calls().take();
        let statuses = self.ports.gateways.statuses();
        let mut states: BTreeMap<GatewayName, bool> =
            statuses.into_iter().map(|status| (status.name, status.unavailable_for.is_some())).collect();
        // Gateways of stored accounts, and those that take no new payments.
        counts.keys().for_each(|name| {
            states.entry(name.clone()).or_default();
        });
        self.waiting.extend(states.into_iter().map(|(name, is_open)| {
            let calls = counts.remove(&name).unwrap_or_default();
            GatewayReading {
                until,
                from,
                gateway: name.to_string(),
                node: self.node.clone(),
                calls: calls.made,
                failed: calls.failed,
                buckets: calls.buckets.into(),
                is_open,
            }
        }));
        self.since = until;
        let excess = self.waiting.len().saturating_sub(WAITING);
        self.waiting.drain(..excess);
        let books: &dyn FigureBooks = self.ports.store.as_ref();
        books.store_gateway_readings(self.waiting.clone(), until.minus(READINGS_KEPT)).await?;
        self.waiting.clear();
        Ok(())
    }
}
