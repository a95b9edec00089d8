use opentelemetry::trace::TracerProvider;
use opentelemetry_sdk::trace::SdkTracerProvider;
use tracing::field::Empty;
use tracing_subscriber::layer::SubscriberExt;

use super::*;

const PARENT: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";

fn traced<T>(work: impl FnOnce() -> T) -> T {
    turn_on();
    let tracer = SdkTracerProvider::builder().build().tracer("test");
    let layer = tracing_opentelemetry::layer().with_tracer(tracer).with_context_activation(false);
    tracing::subscriber::with_default(tracing_subscriber::registry().with(layer), work)
}

fn headers(parents: &[&str], states: &[&str]) -> Option<TraceContext> {
    turn_on();
    from_headers(parents.iter().copied(), states.iter().copied())
}

#[test]
fn a_context_in_headers_is_read_and_written_alike() {
    let read = headers(&[PARENT], &["a=1", "b=2"]).unwrap();
    assert_eq!((read.parent.as_str(), read.state.as_deref()), (PARENT, Some("a=1,b=2")));
    assert!(is_sampled(&read));
    let unsampled = PARENT.replace("-01", "-00");
    assert!(!is_sampled(&headers(&[&unsampled], &[]).unwrap()));
}

#[test]
fn a_context_that_is_missing_repeated_or_invalid_is_none() {
    let zero = "00-00000000000000000000000000000000-00f067aa0ba902b7-01";
    for parents in [&[][..], &[PARENT, PARENT], &["nonsense"], &[zero], &["00-9876543210-x-01"], &[""]] {
        assert_eq!(headers(parents, &[]), None, "{parents:?}");
    }
    let long = format!("a={}", "x".repeat(600));
    for state in ["no list", "Asha Kumari", &long] {
        assert_eq!(headers(&[PARENT], &[state]).unwrap().state, None, "{state}");
    }
}

#[test]
fn an_entry_continues_the_trace_that_it_is_given() {
    traced(|| {
        let parent = headers(&[PARENT], &["a=1"]).unwrap();
        let span = tracing::info_span!(target: ENTRY, "entry", trace_id = Empty, trace_sampled = Empty);
        begin(&span, Some(&parent));
        let inside = span.in_scope(sampled).unwrap();
        assert!(same_trace(&inside, &parent));
        assert_ne!(inside.parent, parent.parent, "the caller of what follows is the new span");
        assert_eq!(inside.state, parent.state);
        assert_eq!(current(), None, "outside of a span there is no context");

        let child = span.in_scope(|| {
            let child = tracing::info_span!(target: ENTRY, "entry", trace_id = Empty, trace_sampled = Empty);
            begin(&child, None);
            child.in_scope(current).unwrap()
        });
        assert!(same_trace(&child, &parent));
    });
}
