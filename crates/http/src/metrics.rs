//! Metrics for Prometheus.

use std::time::Duration;

use metrics_exporter_prometheus::{BuildError, Matcher, PrometheusBuilder, PrometheusHandle};
use payment_store::metering;

/// Buckets of the duration histograms, in seconds.
const SECONDS: [f64; 13] = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0, 30.0];
/// Buckets of the sizes of groups.
const PIECES: [f64; 9] = [1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 64.0, 128.0, 256.0];
const UPKEEP_INTERVAL: Duration = Duration::from_secs(5);

pub(crate) const REQUESTS: &str = "http_requests_total";
pub(crate) const DURATIONS: &str = "http_request_duration_seconds";
const BUILD: &str = "pg_service_build_info";
pub(crate) const CONNECTIONS: &str = "http_connections_open";
pub(crate) const TURNED_AWAY: &str = "http_connections_turned_away_total";

/// The metrics recorder of the process.
#[derive(Clone)]
pub struct Metrics(PrometheusHandle);

#[derive(Debug, thiserror::Error)]
#[error("metrics cannot be collected")]
pub struct MetricsError(#[from] BuildError);

impl Metrics {
    /// Installs the recorder of the process; once.
    ///
    /// # Errors
    /// [`MetricsError`] when a recorder is installed already.
    pub fn install() -> Result<Metrics, MetricsError> {
        let builder = PrometheusBuilder::new()
            .set_buckets(&SECONDS)?
            .set_buckets_for_metric(Matcher::Full(metering::GROUP_SIZE.to_owned()), &PIECES)?;
        let metrics = Metrics(builder.install_recorder()?);
        metering::describe();
        metrics::describe_gauge!(BUILD, "1, with the version of the program");
        metrics::gauge!(BUILD, "version" => env!("CARGO_PKG_VERSION")).set(1.0);
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

    /// A recorder that records nothing: for several services in one process, and for tests.
    pub fn detached() -> Metrics {
        Metrics(PrometheusBuilder::new().build_recorder().handle())
    }

    /// The Prometheus text format.
    pub fn render(&self) -> String {
        self.0.render()
    }

    /// Folds samples into histograms periodically, so that they do not accumulate between scrapes. Never returns.
    pub async fn upkeep(self) {
        let mut ticks = tokio::time::interval(UPKEEP_INTERVAL);
        loop {
            ticks.tick().await;
            self.0.run_upkeep();
        }
    }
}
