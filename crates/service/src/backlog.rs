//! Gauges of open work.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use payment_domain::Clock;
use payment_store::{Age, Backlog, OutboxBacklog, ReceiptTaskKind, Store, StoreError};
use tokio::time::MissedTickBehavior;

const PENDING: &str = "transactions_pending";
const RECEIPTS: &str = "receipts_due";
const CASES: &str = "review_cases_open";
const REFUNDS: &str = "refunds_open";
const OUTBOX_WAITING: &str = "outbox_waiting";
const OUTBOX_OLDEST: &str = "outbox_oldest_seconds";
const OUTBOX_DEAD: &str = "outbox_dead_letters";
const SAMPLED: &str = "backlog_sampled_timestamp_seconds";

pub(crate) fn describe() {
    metrics::describe_gauge!(PENDING, "Pending transactions by the time since their creation, up to 20000");
    metrics::describe_gauge!(
        RECEIPTS,
        "Receipts to issue by the time since the payment, and to cancel by the time since the refund, up to 10000 each"
    );
    metrics::describe_gauge!(CASES, "Open review cases by the time since they were raised, up to 10000");
    metrics::describe_gauge!(
        REFUNDS,
        "Refunds to decide (requested) by the time since the request, approved and sent ones since then, up to 10000"
    );
    metrics::describe_gauge!(OUTBOX_WAITING, "Events that wait to be published, up to 100000");
    metrics::describe_gauge!(OUTBOX_DEAD, "Events that the brokers refused for too long, up to 100000");
    metrics::describe_gauge!(OUTBOX_OLDEST, metrics::Unit::Seconds, "Age of the oldest event that waits");
    metrics::describe_gauge!(
        SAMPLED,
        metrics::Unit::Seconds,
        "When this replica last counted open work: the value of all gauges that count it"
    );
}

/// Counts open work for the gauges; a scrape asks the database nothing. Every replica counts, so that the gauges
/// need no replica in particular.
pub struct BacklogGauges {
    store: Arc<dyn Store>,
    clock: Arc<dyn Clock>,
    /// Whether events are published. Otherwise they stay, and wait for nothing.
    publishes: bool,
    /// With everything that was ever shown.
    shown: Backlog,
}

impl BacklogGauges {
    pub fn new(store: Arc<dyn Store>, clock: Arc<dyn Clock>, publishes: bool) -> BacklogGauges {
        let mut shown = Backlog::default();
        for age in Age::ALL {
            for task in [ReceiptTaskKind::Issue, ReceiptTaskKind::Cancel] {
                shown.receipts.insert((task, age), 0);
            }
        }
        BacklogGauges { store, clock, publishes, shown }
    }

    /// Counts at this interval. Never returns.
    pub async fn keep_sampling(mut self, interval: Duration) {
        let mut ticks = tokio::time::interval(interval);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            ticks.tick().await;
            if let Err(error) = self.sample().await {
                tracing::debug!(%error, "open work could not be counted");
            }
        }
    }

    /// Sets all gauges. When the database does not answer they stay, and `SAMPLED` shows their age.
    ///
    /// # Errors
    /// As the store has it.
    #[allow(clippy::float_arithmetic, reason = "gauges have seconds")]
    pub async fn sample(&mut self) -> Result<(), StoreError> {
        let now = self.clock.now();
        let backlog = self.store.backlog(now).await?;
        let outbox = if self.publishes { Some(self.store.outbox_backlog().await?) } else { None };
        put(&mut self.shown.pending, backlog.pending);
        put(&mut self.shown.receipts, backlog.receipts);
        put(&mut self.shown.cases, backlog.cases);
        put(&mut self.shown.refunds, backlog.refunds);
        show(&self.shown);
        if let Some(OutboxBacklog { waiting, dead, oldest_at }) = outbox {
            let age = oldest_at.map(|oldest| now.since(oldest)).unwrap_or_default();
            metrics::gauge!(OUTBOX_WAITING).set(waiting as f64);
            metrics::gauge!(OUTBOX_DEAD).set(dead as f64);
            metrics::gauge!(OUTBOX_OLDEST).set(age.as_secs_f64());
        }
        metrics::gauge!(SAMPLED).set(now.as_millis() as f64 / 1000.0);
        Ok(())
    }
}

/// A missing count is shown as zero.
fn put<K: Ord>(shown: &mut BTreeMap<K, u64>, counted: BTreeMap<K, u64>) {
    shown.values_mut().for_each(|count| *count = 0);
    shown.extend(counted);
}

fn show(backlog: &Backlog) {
    for ((gateway, age), count) in &backlog.pending {
        metrics::gauge!(PENDING, "gateway" => gateway.to_string(), "age" => age.as_str()).set(*count as f64);
    }
    for ((task, age), count) in &backlog.receipts {
        let task = match task {
            ReceiptTaskKind::Issue => "issue",
            ReceiptTaskKind::Cancel => "cancel",
        };
        metrics::gauge!(RECEIPTS, "task" => task, "age" => age.as_str()).set(*count as f64);
    }
    for ((kind, age), count) in &backlog.cases {
        let kind = kind.as_str().replace('-', "_");
        metrics::gauge!(CASES, "kind" => kind, "age" => age.as_str()).set(*count as f64);
    }
    for ((gateway, status, age), count) in &backlog.refunds {
        let status = status.as_str().to_lowercase();
        metrics::gauge!(REFUNDS, "gateway" => gateway.to_string(), "status" => status, "age" => age.as_str())
            .set(*count as f64);
    }
}
