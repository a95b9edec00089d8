//! The subscriber: log lines on standard error, as text or JSON, and spans for the exporter of traces.
//!
//! Log lines show no spans: of the request they belong to they have its number and its trace ([`ids`]).

mod ids;

use std::io::{self, IsTerminal};

use opentelemetry_sdk::trace::SdkTracer;
use tracing::subscriber::Interest;
use tracing::{Metadata, Subscriber};
use tracing_subscriber::filter::{DynFilterFn, FilterExt, LevelFilter, filter_fn};
use tracing_subscriber::fmt::format::{Format, JsonFields};
use tracing_subscriber::layer::{Context, Filter, Layer, SubscriberExt};
use tracing_subscriber::util::SubscriberInitExt;
use tracing_subscriber::{EnvFilter, Registry, fmt};

use self::ids::{IdLayer, WithIds};
use crate::config::{Log, LogFormat};
use crate::failure::{Failure, Outcome};
use crate::terminal::LogLines;

pub(in crate::commands) fn start(log: &Log, tracer: Option<SdkTracer>) -> Outcome {
    let filter = EnvFilter::try_new(&log.filter).map_err(|error| {
        Failure::new(format!("log.level `{}` cannot be used", log.filter)).because(&error)
    })?;
    let ids = IdLayer.with_filter(filter_fn(begins));
    let traces = tracer.map(|tracer| {
        let layer = tracing_opentelemetry::layer().with_tracer(tracer);
        let layer = layer
            .with_context_activation(false)
            .with_location(false)
            .with_threads(false)
            .with_target(false)
            .with_tracked_inactivity(false);
        layer.with_filter(recorded())
    });
    let subscriber = tracing_subscriber::registry().with(lines(log.format, filter)).with(ids).with(traces);
    subscriber.try_init().map_err(|error| Failure::new("logging cannot be started").because(&error))
}

fn lines(format: LogFormat, filter: EnvFilter) -> Box<dyn Layer<Registry> + Send + Sync> {
    let colours =
        io::stderr().is_terminal() && std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty());
    let filter = filter.and(filter_fn(|metadata| !is_ours(metadata)));
    let lines = fmt::layer().with_writer(|| LogLines);
    match format {
        LogFormat::Human => {
            let text = WithIds::text(Format::default().with_ansi(colours));
            lines.with_ansi(colours).event_format(text).with_filter(filter).boxed()
        }
        LogFormat::Json => {
            let json = Format::default().json().flatten_event(true);
            let json = WithIds::json(json.with_current_span(false).with_span_list(false));
            lines
                .with_ansi(false)
                .fmt_fields(JsonFields::new())
                .event_format(json)
                .with_filter(filter)
                .boxed()
        }
    }
}

fn is_ours(metadata: &Metadata<'_>) -> bool {
    begins(metadata) || metadata.target() == payment_trace::INNER
}

/// Whether it is a span that knows its request or its trace.
fn begins(metadata: &Metadata<'_>) -> bool {
    matches!(metadata.target(), payment_trace::REQUEST | payment_trace::ENTRY)
}

/// Entry spans, and in those of a sampled trace the inner ones.
fn recorded<S: Subscriber>() -> impl Filter<S> {
    let enabled = |metadata: &Metadata<'_>, _: &Context<'_, S>| match metadata.target() {
        payment_trace::ENTRY => true,
        payment_trace::INNER => ids::is_sampled(),
        _ => false,
    };
    // Known once for each place: nothing else is asked about later.
    let ever = |metadata: &'static Metadata<'static>| match metadata.target() {
        payment_trace::ENTRY => Interest::always(),
        payment_trace::INNER => Interest::sometimes(),
        _ => Interest::never(),
    };
    DynFilterFn::new(enabled).with_callsite_filter(ever).with_max_level_hint(LevelFilter::DEBUG)
}
