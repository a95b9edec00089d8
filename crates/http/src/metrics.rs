//! The numbers for operators, in the format Prometheus reads.

use std::time::Duration;

use metrics_exporter_prometheus::{BuildError, PrometheusBuilder, PrometheusHandle};

/// Bounds of the time histograms, in seconds.
const SECONDS: [f64; 13] = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0, 30.0];
/// How often samples are folded into histograms.
const UPKEEP_INTERVAL: Duration = Duration::from_secs(5);

/// Requests answered.
pub(crate) const REQUESTS: &str = "http_requests_total";
/// How long they took, in seconds.
pub(crate) const DURATIONS: &str = "http_request_duration_seconds";
/// Connections open now.
pub(crate) const CONNECTIONS: &str = "http_connections_open";
/// Connections turned away because too many were open.
pub(crate) const TURNED_AWAY: &str = "http_connections_turned_away_total";

/// Collects the numbers that the whole process counts.
#[derive(Clone)]
pub struct Metrics(PrometheusHandle);

/// Why numbers cannot be collected.
#[derive(Debug, thiserror::Error)]
#[error("metrics cannot be collected")]
pub struct MetricsError(#[from] BuildError);

impl Metrics {
    /// Collects everything this process counts from now on. Once in a process.
    ///
    /// # Errors
    /// [`MetricsError`] when something collects already.
    pub fn install() -> Result<Metrics, MetricsError> {
        let metrics = Metrics(PrometheusBuilder::new().set_buckets(&SECONDS)?.install_recorder()?);
        metrics::describe_counter!(REQUESTS, "Requests answered, by route and status");
        metrics::describe_histogram!(
            DURATIONS,
            metrics::Unit::Seconds,
            "How long requests took, by route and status"
        );
        metrics::describe_gauge!(CONNECTIONS, "Connections open now");
        metrics::describe_counter!(TURNED_AWAY, "Connections turned away because too many were open");
        Ok(metrics)
    }

    /// Collects nothing: for several services in one process, and for tests.
    pub fn detached() -> Metrics {
        Metrics(PrometheusBuilder::new().build_recorder().handle())
    }

    /// The numbers as Prometheus reads them.
    pub fn render(&self) -> String {
        self.0.render()
    }

    /// Folds samples together, again and again, so that they do not pile up between two scrapes.
    /// Never returns: spawn it, and drop it when the service ends.
    pub async fn upkeep(self) {
        let mut ticks = tokio::time::interval(UPKEEP_INTERVAL);
        loop {
            ticks.tick().await;
            self.0.run_upkeep();
        }
    }
}
