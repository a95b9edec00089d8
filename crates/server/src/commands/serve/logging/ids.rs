//! The numbers of the request and of the trace in every log line that is written for them.

use std::cell::RefCell;
use std::fmt::{self, Write};
use std::sync::Arc;

use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id, Record};
use tracing::{Event, Subscriber};
use tracing_subscriber::fmt::format::Writer;
use tracing_subscriber::fmt::{FmtContext, FormatEvent, FormatFields};
use tracing_subscriber::layer::{Context, Layer};
use tracing_subscriber::registry::LookupSpan;

const REQUEST_ID: &str = "request_id";
const TRACE_ID: &str = "trace_id";

thread_local! {
    /// Of the spans that this thread is in, the innermost last.
    static ENTERED: RefCell<Vec<Arc<Ids>>> = const { RefCell::new(Vec::new()) };
}

/// Whether what this thread does belongs to a sampled trace.
pub(super) fn is_sampled() -> bool {
    current(|ids| ids.is_sampled).unwrap_or(false)
}

fn current<T>(read: impl FnOnce(&Ids) -> T) -> Option<T> {
    ENTERED.with_borrow(|entered| entered.last().map(|ids| read(ids)))
}

/// The ids of a span, otherwise those of the span around it.
#[derive(Clone, Default)]
struct Ids {
    request_id: Option<String>,
    trace_id: Option<String>,
    is_sampled: bool,
}

impl Visit for Ids {
    fn record_str(&mut self, field: &Field, value: &str) {
        match field.name() {
            REQUEST_ID => self.request_id = Some(value.to_owned()),
            TRACE_ID => self.trace_id = Some(value.to_owned()),
            _ => {}
        }
    }

    fn record_bool(&mut self, field: &Field, value: bool) {
        if field.name() == "trace_sampled" {
            self.is_sampled = value;
        }
    }

    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        if field.name() == TRACE_ID {
            self.trace_id = Some(format!("{value:?}"));
        }
    }
}

/// Keeps the numbers of the current request.
pub(super) struct IdLayer;

impl<S: Subscriber + for<'a> LookupSpan<'a>> Layer<S> for IdLayer {
    fn on_new_span(&self, attributes: &Attributes<'_>, id: &Id, context: Context<'_, S>) {
        let Some(span) = context.span(id) else { return };
        let mut ids = current(Ids::clone).unwrap_or_default();
        attributes.record(&mut ids);
        span.extensions_mut().insert(Arc::new(ids));
    }

    fn on_record(&self, id: &Id, values: &Record<'_>, context: Context<'_, S>) {
        let Some(span) = context.span(id) else { return };
        if let Some(ids) = span.extensions_mut().get_mut::<Arc<Ids>>() {
            let ids: &mut Ids = Arc::make_mut(ids);
            values.record(ids);
        }
    }

    fn on_enter(&self, id: &Id, context: Context<'_, S>) {
        let ids = context.span(id).and_then(|span| span.extensions().get::<Arc<Ids>>().cloned());
        ENTERED.with_borrow_mut(|entered| entered.push(ids.unwrap_or_default()));
    }

    fn on_exit(&self, _: &Id, _: Context<'_, S>) {
        ENTERED.with_borrow_mut(|entered| {
            entered.pop();
        });
    }
}

/// Adds the numbers to the lines of another format.
pub(super) struct WithIds<F> {
    lines: F,
    is_json: bool,
}

impl<F> WithIds<F> {
    pub(super) fn text(lines: F) -> WithIds<F> {
        WithIds { lines, is_json: false }
    }

    /// Each line is one object.
    pub(super) fn json(lines: F) -> WithIds<F> {
        WithIds { lines, is_json: true }
    }

    fn add(&self, line: &mut String, name: &str, value: &str) -> fmt::Result {
        // Both are of letters, digits and a few marks that mean nothing in JSON.
        if self.is_json { write!(line, ",\"{name}\":\"{value}\"") } else { write!(line, " {name}={value}") }
    }
}

impl<S, N, F> FormatEvent<S, N> for WithIds<F>
where
    S: Subscriber + for<'a> LookupSpan<'a>,
    N: for<'a> FormatFields<'a> + 'static,
    F: FormatEvent<S, N>,
{
    fn format_event(
        &self,
        context: &FmtContext<'_, S, N>,
        mut writer: Writer<'_>,
        event: &Event<'_>,
    ) -> fmt::Result {
        let Some(ids) = current(Ids::clone) else { return self.lines.format_event(context, writer, event) };
        let mut line = String::with_capacity(512);
        self.lines.format_event(context, Writer::new(&mut line), event)?;
        let end = if self.is_json { "}\n" } else { "\n" };
        line.truncate(line.strip_suffix(end).map_or(line.len(), str::len));
        let own = event.metadata().fields();
        for (name, value) in [(REQUEST_ID, &ids.request_id), (TRACE_ID, &ids.trace_id)] {
            if let Some(value) = value
                && own.field(name).is_none()
            {
                self.add(&mut line, name, value)?;
            }
        }
        writer.write_str(&line)?;
        writer.write_str(end)
    }
}
