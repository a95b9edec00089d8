//! Gauges of the relay's backlog.

use std::time::Duration;

use payment_domain::Clock;
use payment_store::Store;
use tokio::time::Instant;

const WAITING: &str = "outbox_waiting";
const OLDEST: &str = "outbox_oldest_seconds";

const DEAD: &str = "outbox_dead_letters";

const INTERVAL: Duration = Duration::from_secs(5);

pub(super) fn describe() {
    metrics::describe_gauge!(WAITING, "Events that wait to be published; NaN on nodes that do not publish");
    metrics::describe_gauge!(
        DEAD,
        "Events that the brokers refused for too long; NaN on nodes that do not publish"
    );
    metrics::describe_gauge!(OLDEST, "Age of the oldest event that waits; NaN on nodes that do not publish");
}

/// Keeps the gauges of the outbox while this node publishes it, and sets them to NaN afterwards, so that the
/// maximum over all nodes is right.
#[derive(Default)]
pub(super) struct Gauges {
    counted_at: Option<Instant>,
}

impl Gauges {
    /// Counts when due. An error is ignored.
    pub(super) async fn refresh(&mut self, store: &dyn Store, clock: &dyn Clock) {
        if self.counted_at.is_some_and(|at| at.elapsed() < INTERVAL) {
            return;
        }
        self.counted_at = Some(Instant::now());
        match store.outbox_backlog().await {
            Ok(backlog) => {
                let age = backlog.oldest_at.map(|oldest| clock.now().since(oldest)).unwrap_or_default();
                metrics::gauge!(WAITING).set(backlog.waiting as f64);
                metrics::gauge!(DEAD).set(backlog.dead as f64);
                metrics::gauge!(OLDEST).set(age.as_secs_f64());
            }
            Err(error) => tracing::debug!(%error, "the outbox could not be counted"),
        }
    }
}

impl Drop for Gauges {
    fn drop(&mut self) {
        metrics::gauge!(WAITING).set(f64::NAN);
        metrics::gauge!(DEAD).set(f64::NAN);
        metrics::gauge!(OLDEST).set(f64::NAN);
    }
}
