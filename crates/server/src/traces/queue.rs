//! Spans that have ended, and wait in a bounded queue for their export: no request waits for the collector.

use std::time::Duration;

use opentelemetry::Context;
use opentelemetry_sdk::error::OTelSdkResult;
use opentelemetry_sdk::trace::{SdkTracerProvider, Span, SpanData, SpanExporter, SpanProcessor};
use tokio::sync::mpsc::{self, Receiver, Sender};
use tokio::task::JoinHandle;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::allowed;

const EXPORTED: &str = "trace_spans_exported_total";
const DROPPED: &str = "trace_spans_dropped_total";
/// The spans that wait at most.
const CAPACITY: usize = 2048;
/// The spans of one export at most.
const BATCH: usize = 512;
/// How long the first span of an export waits for others.
const DELAY: Duration = Duration::from_secs(1);
/// How long the last exports may take when the service stops.
const FLUSH: Duration = Duration::from_secs(3);

#[derive(Debug)]
pub(super) struct Queue(Sender<SpanData>);

/// The other end of a queue.
pub(super) struct Waiting(Receiver<SpanData>);

impl Queue {
    pub(super) fn new() -> (Queue, Waiting) {
        let (queue, waiting) = mpsc::channel(CAPACITY);
        (Queue(queue), Waiting(waiting))
    }
}

impl SpanProcessor for Queue {
    fn on_start(&self, _span: &mut Span, _context: &Context) {}

    fn on_end(&self, mut span: SpanData) {
        if !span.span_context.is_sampled() {
            return;
        }
        allowed::strip(&mut span);
        if self.0.try_send(span).is_err() {
            dropped("queue_full", 1);
        }
    }

    fn force_flush(&self) -> OTelSdkResult {
        Ok(())
    }

    fn shutdown_with_timeout(&self, _timeout: Duration) -> OTelSdkResult {
        Ok(())
    }
}

fn dropped(why: &'static str, spans: usize) {
    metrics::counter!(DROPPED, "why" => why).increment(u64::try_from(spans).unwrap_or(u64::MAX));
}

/// An export that goes on until the service stops.
pub(crate) struct Exporting {
    work: JoinHandle<()>,
    stop: CancellationToken,
    // Spans are recorded while it is there.
    _provider: SdkTracerProvider,
}

impl Exporting {
    /// Exports what waits, within a few seconds.
    pub(crate) async fn finish(mut self) {
        self.stop.cancel();
        if tokio::time::timeout(FLUSH, &mut self.work).await.is_err() {
            self.work.abort();
            tracing::warn!("the collector takes no traces; the last ones are lost");
        }
    }
}

impl Waiting {
    pub(super) fn export_by<E: SpanExporter + 'static>(
        self,
        exporter: E,
        timeout: Duration,
        provider: SdkTracerProvider,
    ) -> Exporting {
        metrics::describe_counter!(EXPORTED, "Spans that the collector has taken");
        metrics::describe_counter!(DROPPED, "Spans that were lost, by reason");
        metrics::counter!(EXPORTED).increment(0);
        for why in ["queue_full", "export_failed"] {
            dropped(why, 0);
        }
        let stop = CancellationToken::new();
        let exports = Exports { exporter, timeout, fails: false };
        let work = tokio::spawn(exports.run(self.0, stop.clone()));
        Exporting { work, stop, _provider: provider }
    }
}

struct Exports<E> {
    exporter: E,
    timeout: Duration,
    /// Whether the last export failed.
    fails: bool,
}

impl<E: SpanExporter> Exports<E> {
    async fn run(mut self, mut spans: Receiver<SpanData>, stop: CancellationToken) {
        let mut batch = Vec::with_capacity(BATCH);
        while stop.run_until_cancelled(spans.recv_many(&mut batch, BATCH)).await.is_some_and(|read| read > 0)
        {
            let deadline = Instant::now() + DELAY;
            while batch.len() < BATCH {
                let room = BATCH - batch.len();
                let more = spans.recv_many(&mut batch, room);
                match stop.run_until_cancelled(tokio::time::timeout_at(deadline, more)).await {
                    Some(Ok(read)) if read > 0 => {}
                    Some(Ok(_) | Err(_)) | None => break,
                }
            }
            self.export(std::mem::take(&mut batch)).await;
        }
        spans.close();
        while !self.fails && spans.recv_many(&mut batch, BATCH).await > 0 {
            self.export(std::mem::take(&mut batch)).await;
        }
        dropped("export_failed", spans.len());
    }

    async fn export(&mut self, batch: Vec<SpanData>) {
        let size = batch.len();
        let failure = match tokio::time::timeout(self.timeout, self.exporter.export(batch)).await {
            Ok(Ok(())) => None,
            Ok(Err(error)) => Some(error.to_string()),
            Err(elapsed) => Some(elapsed.to_string()),
        };
        match (&failure, self.fails) {
            (Some(error), false) => {
                tracing::warn!(error, "the collector takes no traces; until it does, spans are dropped");
            }
            (None, true) => tracing::info!("the collector takes traces again"),
            (Some(_), true) | (None, false) => {}
        }
        self.fails = failure.is_some();
        match failure {
            Some(_) => dropped("export_failed", size),
            None => metrics::counter!(EXPORTED).increment(u64::try_from(size).unwrap_or(u64::MAX)),
        }
    }
}

#[cfg(test)]
mod tests {
    use metrics_exporter_prometheus::PrometheusBuilder;
    use opentelemetry::trace::{Span as _, Tracer, TracerProvider};

    use super::*;

    #[test]
    fn spans_for_which_there_is_no_room_are_dropped_and_counted() {
        const TOO_MANY: usize = 7;
        let (queue, waiting) = Queue::new();
        let provider = SdkTracerProvider::builder().with_span_processor(queue).build();
        let recorder = PrometheusBuilder::new().build_recorder();
        metrics::with_local_recorder(&recorder, || {
            let tracer = provider.tracer("test");
            for _ in 0..CAPACITY + TOO_MANY {
                tracer.start("span").end();
            }
        });
        assert_eq!(waiting.0.len(), CAPACITY);
        let counted = recorder.handle().render();
        assert!(counted.contains("trace_spans_dropped_total{why=\"queue_full\"} 7"), "{counted}");
    }
}
