//! Trace contexts: from headers, events and records into spans, and out of them again.
//!
//! Spans are those of `tracing`; the exporter, if there is one, takes those whose target is [`ENTRY`] or
//! [`INNER`]. Until [`turn_on`] every function here is one look at a flag, and no context exists.
//!
//! An *entry* span begins what another process, an earlier commit or a request without a trace has caused. It
//! declares the empty fields `trace_id` and `trace_sampled`, and [`begin`] completes it. An *inner* span is a
//! part of an entry, at the level `debug`: below an entry that is not sampled none is made.
//! Attributes outside the exporter's list are not exported; nothing personal may stand in a span's name.
#![warn(missing_docs)]

use std::sync::atomic::{AtomicBool, Ordering};

use opentelemetry::Context;
use opentelemetry::propagation::{Extractor, Injector, TextMapPropagator};
use opentelemetry::trace::{SpanContext, TraceContextExt};
use opentelemetry_sdk::propagation::TraceContextPropagator;
pub use payment_domain::TraceContext;
use tracing::Span;
use tracing_opentelemetry::OpenTelemetrySpanExt;

/// The target of a span that only gives a request's log lines their number.
pub const REQUEST: &str = "trace::request";
/// The target of spans that begin a part of a trace.
pub const ENTRY: &str = "trace::entry";
/// The target of spans below those.
pub const INNER: &str = "trace::inner";

/// The header of the trace and the calling span.
pub const TRACEPARENT: &str = "traceparent";
/// The header of what tracing systems add.
pub const TRACESTATE: &str = "tracestate";
/// The longest `tracestate` that is passed on, in bytes.
const MAX_STATE_BYTES: usize = 512;

static ON: AtomicBool = AtomicBool::new(false);

/// Has spans exported and contexts passed on from now on; the subscriber must have the exporter's layer.
pub fn turn_on() {
    ON.store(true, Ordering::Relaxed);
}

/// Whether spans are exported.
pub fn is_on() -> bool {
    ON.load(Ordering::Relaxed)
}

/// The context in headers; `None` where `traceparent` is missing, repeated or invalid, and without tracing.
pub fn from_headers<'a>(
    mut parents: impl Iterator<Item = &'a str>,
    states: impl Iterator<Item = &'a str>,
) -> Option<TraceContext> {
    if !is_on() {
        return None;
    }
    let (Some(parent), None) = (parents.next(), parents.next()) else { return None };
    let state = Some(states.collect::<Vec<_>>().join(","))
        .filter(|state| !state.is_empty() && state.len() <= MAX_STATE_BYTES);
    // Only contexts that are understood are passed on.
    of_context(&read(&TraceContext { parent: parent.to_owned(), state })?)
}

/// Completes an entry span: makes it a child of `parent`, by default of the current span, and notes its trace
/// for log lines.
pub fn begin(span: &Span, parent: Option<&TraceContext>) {
    if !is_on() || span.is_disabled() {
        return;
    }
    if let Some(parent) = parent.and_then(read) {
        // Refused only to a span that has begun, which this one has not.
        let _begun = span.set_parent(parent);
    }
    let context = span.context();
    let context = context.span().span_context().clone();
    if context.is_valid() {
        span.record("trace_id", tracing::field::display(context.trace_id()));
        span.record("trace_sampled", context.is_sampled());
    }
}

/// Notes that another span has caused this one, unless both are of one trace.
pub fn link(span: &Span, cause: &TraceContext) {
    let Some(cause) = read(cause) else { return };
    let cause = cause.span().span_context().clone();
    if cause.trace_id() != span.context().span().span_context().trace_id() {
        span.add_link(cause);
    }
}

/// The context of the current span, for a call that goes out.
pub fn current() -> Option<TraceContext> {
    if !is_on() {
        return None;
    }
    of_context(&Span::current().context())
}

/// The context of the current span if its trace is sampled, for what causes work later.
pub fn sampled() -> Option<TraceContext> {
    current().filter(is_sampled)
}

/// Whether the trace of a context is recorded.
pub fn is_sampled(context: &TraceContext) -> bool {
    span_context(context).is_some_and(|context| context.is_sampled())
}

/// Whether two contexts are of one trace.
pub fn same_trace(one: &TraceContext, other: &TraceContext) -> bool {
    match (span_context(one), span_context(other)) {
        (Some(one), Some(other)) => one.trace_id() == other.trace_id(),
        (None, _) | (_, None) => false,
    }
}

fn span_context(context: &TraceContext) -> Option<SpanContext> {
    read(context).map(|context| context.span().span_context().clone())
}

fn read(context: &TraceContext) -> Option<Context> {
    let read = TraceContextPropagator::new().extract_with_context(&Context::new(), &Reading(context));
    read.span().span_context().is_valid().then_some(read)
}

fn of_context(context: &Context) -> Option<TraceContext> {
    let mut written = Writing::default();
    TraceContextPropagator::new().inject_context(context, &mut written);
    Some(TraceContext { parent: written.parent?, state: written.state.filter(|state| !state.is_empty()) })
}

struct Reading<'a>(&'a TraceContext);

impl Extractor for Reading<'_> {
    fn get(&self, key: &str) -> Option<&str> {
        match key {
            TRACEPARENT => Some(&self.0.parent),
            TRACESTATE => self.0.state.as_deref(),
            _ => None,
        }
    }

    fn keys(&self) -> Vec<&str> {
        vec![TRACEPARENT, TRACESTATE]
    }
}

#[derive(Default)]
struct Writing {
    parent: Option<String>,
    state: Option<String>,
}

impl Injector for Writing {
    fn set(&mut self, key: &str, value: String) {
        match key {
            TRACEPARENT => self.parent = Some(value),
            TRACESTATE => self.state = Some(value),
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests;
