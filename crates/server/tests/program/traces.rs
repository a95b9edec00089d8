//! Traces: the spans of a payment and its refund at a collector, the contexts in calls of DIGIT's services and in
//! Kafka's records, the ids in log lines, no personal data in any of them; a collector that is unavailable disturbs
//! no payment.

#[path = "traces/collector.rs"]
mod collector;
#[path = "traces/world.rs"]
mod world;

use std::collections::{BTreeSet, HashSet};
use std::time::{Duration, Instant};

use opentelemetry_proto::tonic::trace::v1::Span;
use payment_simulator::digit::{Endpoint, Fault};
use serde_json::Value;
use tokio::net::TcpListener;

use self::collector::{Collector, Protocol, attribute, hex};
use self::world::{PERSONAL, World};
use crate::support::PATIENCE;

const TRACE: &str = "4bf92f3577b34da6a3ce929d0e0e4736";
const CALLER: &str = "00f067aa0ba902b7";
/// The trace of the request that settles the payment.
const OTHER_TRACE: &str = "0af7651916cd43dd8448eb211c80319c";
/// Of requests that are refused.
const STRANGE_TRACE: &str = "b9c7c989f97918e1bcd5f9d1c3cbd5a1";
/// Of a maker's request for a refund, and of a checker's approval.
const MAKER_TRACE: &str = "c2d8f1a06b7e4f5390a1b2c3d4e5f607";
const CHECKER_TRACE: &str = "d3e9a2b17c8f50649ab2c3d4e5f60718";
const STATE: &str = "vendor=7";

/// `traceparent` of a request in a sampled trace.
fn traced(trace: &str) -> String {
    format!("00-{trace}-{CALLER}-01")
}

fn of_trace<'a>(spans: &'a [Span], trace: &str) -> Vec<&'a Span> {
    spans.iter().filter(|span| hex(&span.trace_id) == trace).collect()
}

fn exported(collector: &Collector, protocol: &str) -> Vec<(&'static str, String)> {
    vec![
        ("OTEL_EXPORTER_OTLP_ENDPOINT", collector.url.clone()),
        ("OTEL_EXPORTER_OTLP_PROTOCOL", protocol.to_owned()),
        ("OTEL_EXPORTER_OTLP_HEADERS", "authorization=Bearer%20collector-key".to_owned()),
        ("OTEL_SERVICE_NAME", "payments-of-the-test".to_owned()),
        ("OTEL_RESOURCE_ATTRIBUTES", "deployment.environment.name=test".to_owned()),
        // Nothing but what a caller has sampled.
        ("OTEL_TRACES_SAMPLER", "parentbased_traceidratio".to_owned()),
        ("OTEL_TRACES_SAMPLER_ARG", "0".to_owned()),
    ]
}

async fn payment_is_one_trace(protocol: Protocol, word: &str) {
    let collector = Collector::start(protocol).await;
    let world = World::start(exported(&collector, word)).await;
    let id = world.pay(Some(&traced(TRACE)), Some(STATE), Some(&traced(OTHER_TRACE))).await;
    world.offend().await;
    collector
        .until("processed event", |spans| spans.iter().any(|span| span.name.starts_with("process ")))
        .await;
    let (kafka, digit) = (world.records().await, world.calls());
    let log = world.stop().await;

    let spans = collector.read(|received| received.spans.clone());
    let [payment, settling, refused] =
        [TRACE, OTHER_TRACE, STRANGE_TRACE].map(|trace| of_trace(&spans, trace));
    assert_eq!(payment.len() + settling.len() + refused.len(), spans.len(), "no trace began by itself");
    assert_eq!(refused.len(), 4);
    let names: BTreeSet<&str> = payment.iter().map(|span| span.name.as_str()).collect();
    for name in [
        "POST /pg-service/transaction/v1/_create",
        "POST",
        "commit",
        "egov-idgen",
        "collection-services",
        "settle",
        "gateway status",
        "receipt",
        "publish save-pg-txns",
        "publish update-pg-txns",
    ] {
        assert!(names.contains(name), "no {name} among {names:#?}");
    }
    assert_eq!(
        settling.iter().map(|span| span.name.as_str()).collect::<Vec<_>>(),
        ["POST /pg-service/transaction/v1/_update"]
    );
    connected(&payment, CALLER);
    // The sandbox's callback, a trace of its own that is not sampled, may settle before `_update`.
    let settle = payment.iter().find(|span| span.name == "settle").unwrap();
    let causes: Vec<String> = settle.links.iter().map(|link| hex(&link.trace_id)).collect();
    assert!(causes.len() == 1 && causes[0] != TRACE, "{causes:?}");
    if causes[0] == OTHER_TRACE {
        assert_eq!(settling[0].links.iter().map(|link| hex(&link.trace_id)).collect::<Vec<_>>(), [TRACE]);
    }
    let ids: HashSet<_> = payment.iter().filter_map(|span| attribute(span, "pg.txn_id")).collect();
    assert_eq!(ids, HashSet::from([id.clone()]));
    let create = payment.iter().find(|span| span.name.ends_with("_create")).unwrap();
    assert_eq!(attribute(create, "http.response.status_code").as_deref(), Some("200"));
    assert_eq!(create.trace_state, STATE);

    let span_ids: HashSet<String> = payment.iter().map(|span| hex(&span.span_id)).collect();
    for headers in [&kafka, &digit] {
        for span in continued(headers) {
            assert!(span_ids.contains(span), "a context continues a span of ours");
        }
    }
    logged(&log, &id);
    collector.read(|received| {
        assert_eq!(received.authorization.as_deref(), Some("Bearer collector-key"));
        let path = match protocol {
            Protocol::Http => "/v1/traces",
            Protocol::Grpc => "/opentelemetry.proto.collector.trace.v1.TraceService/Export",
        };
        assert!(received.paths.iter().all(|called| called == path), "{:?}", received.paths);
        for (name, value) in
            [("service.name", "payments-of-the-test"), ("deployment.environment.name", "test")]
        {
            assert!(received.attributes.iter().any(|told| told.0 == name && told.1 == value), "{name}");
        }
        let text = String::from_utf8_lossy(&received.bytes);
        for personal in PERSONAL {
            assert!(!text.contains(personal), "{personal:?} was exported");
        }
        assert!(text.contains(&id), "the bytes that were looked through are those of the spans");
    });
}

/// The spans that contexts continue, each of which is of the payment's trace.
fn continued(contexts: &[(String, String, Option<String>)]) -> Vec<&str> {
    assert!(!contexts.is_empty());
    let spans = contexts.iter().map(|(what, parent, state)| {
        let parts: Vec<&str> = parent.split('-').collect();
        assert_eq!((parts[1], parts[3]), (TRACE, "01"), "{what}");
        assert_eq!(state.as_deref(), Some(STATE), "{what}");
        parts[2]
    });
    spans.collect()
}

/// Every span is below another one or the caller's.
fn connected(spans: &[&Span], caller: &str) {
    let ids: HashSet<String> = spans.iter().map(|span| hex(&span.span_id)).collect();
    for span in spans {
        let parent = hex(&span.parent_span_id);
        assert!(parent == caller || ids.contains(&parent), "{} has no parent", span.name);
    }
}

/// Every line that is written for a request has its number and its trace.
fn logged(log: &str, id: &str) {
    let lines: Vec<Value> = log.lines().filter_map(|line| serde_json::from_str(line).ok()).collect();
    let answered: Vec<&Value> = lines.iter().filter(|line| line["message"] == "answered").collect();
    let of = |route: &str| {
        let found = answered
            .iter()
            .find(|line| line["route"].as_str().unwrap().ends_with(route) && line["txn_id"] == id);
        *found.unwrap_or_else(|| panic!("no answer of {route} in {log}"))
    };
    assert_eq!(
        (&of("_create")["trace_id"], &of("_create")["request_id"]),
        (&TRACE.into(), &"request-1".into())
    );
    assert_eq!(of("_update")["trace_id"], OTHER_TRACE);
    // The gateway is asked with a wait, of which a line tells.
    let told = |words: &str| {
        let found =
            lines.iter().find(|line| line["message"].as_str().is_some_and(|text| text.contains(words)));
        found.unwrap_or_else(|| panic!("no {words} in {log}"))
    };
    let repeated = told("a question is asked again");
    assert_eq!((&repeated["trace_id"], &repeated["request_id"]), (&TRACE.into(), &"request-1".into()));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_payment_is_one_trace_over_http() {
    payment_is_one_trace(Protocol::Http, "http/protobuf").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_payment_is_one_trace_over_grpc() {
    payment_is_one_trace(Protocol::Grpc, "grpc").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_receipt_after_a_crash_and_a_refund_continue_the_trace_of_their_payment() {
    let collector = Collector::start(Protocol::Http).await;
    let mut world = World::start(exported(&collector, "http/protobuf")).await;
    // The payment is registered, the answer is lost, and until the crash it cannot be looked up.
    world.digit.set_fault_for(Endpoint::CreatePayment, Fault::CutAfterWork, 1);
    world.digit.set_fault(Endpoint::SearchPayments, Fault::Status500);
    let id = world.pay(Some(&traced(TRACE)), Some(STATE), Some(&traced(OTHER_TRACE))).await;
    let has = |name: &'static str| move |spans: &[Span]| spans.iter().any(|span| span.name == name);
    collector.until("settled payment", has("settle")).await;
    world.crash().await;
    let records = world.records().await;
    world.give_back(&id, &traced(MAKER_TRACE), &traced(CHECKER_TRACE)).await;
    let refund_records = world.refund_records().await;
    let calls = world.calls_of(&[
        Endpoint::Ids,
        Endpoint::CreatePayment,
        Endpoint::SearchPayments,
        Endpoint::CancelPayment,
    ]);
    world.stop().await;

    for contexts in [&records, &refund_records, &calls] {
        continued(contexts);
    }
    assert_eq!(calls.iter().filter(|(call, ..)| call == "CancelPayment").count(), 1);
    let spans = collector.read(|received| received.spans.clone());
    let payment = of_trace(&spans, TRACE);
    let names: BTreeSet<&str> = payment.iter().map(|span| span.name.as_str()).collect();
    for name in [
        "settle",
        "refund request",
        "refund decision",
        "refund",
        "gateway refund",
        "receipt cancellation",
        "publish save-pg-refund-txns",
        "publish update-pg-refund-txns",
    ] {
        assert!(names.contains(name), "no {name} among {names:#?}");
    }
    // The job continues the trace from the context that the outbox keeps of the create.
    let create = payment.iter().find(|span| span.name.ends_with("_create")).unwrap();
    let of_job = |span: &&&Span| span.name == "receipt" && span.parent_span_id == create.span_id;
    let receipt = payment.iter().find(of_job).unwrap();
    assert!(payment.iter().any(|span| span.parent_span_id == receipt.span_id), "its calls are below it");
    for (trace, path) in [(MAKER_TRACE, "_create"), (CHECKER_TRACE, "_approve")] {
        let [request] = of_trace(&spans, trace)[..] else { panic!("{path}: more than the request") };
        assert_eq!(request.name, format!("POST /pg-service/refund/v1/{path}"));
        let links_to = |span: &Span, other: &str| span.links.iter().any(|link| hex(&link.trace_id) == other);
        assert!(links_to(request, TRACE) && payment.iter().any(|span| links_to(span, trace)), "{path}");
    }
    assert_eq!(
        payment.iter().filter_map(|span| attribute(span, "pg.txn_id")).collect::<HashSet<_>>(),
        HashSet::from([id])
    );
    collector.read(|received| {
        let text = String::from_utf8_lossy(&received.bytes);
        for personal in PERSONAL {
            assert!(!text.contains(personal), "{personal:?} was exported");
        }
    });
}

#[tokio::test(flavor = "multi_thread")]
async fn without_a_collector_nothing_is_passed_on_and_log_lines_have_their_request() {
    let world = World::start(Vec::new()).await;
    let id = world.pay(Some(&traced(TRACE)), Some(STATE), None).await;
    let (kafka, digit) = (world.records().await, world.calls());
    assert_eq!((kafka, digit), (Vec::new(), Vec::new()));
    let log = world.stop().await;
    let again = log.lines().find(|line| line.contains("a question is asked again")).unwrap();
    let line: Value = serde_json::from_str(again).unwrap();
    assert_eq!(line["request_id"], "request-1");
    assert!(log.contains(&id) && !log.contains("trace_id"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_collector_that_is_unavailable_disturbs_no_payment_and_no_end() {
    // It accepts connections, and never answers.
    let silent = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let endpoint = format!("http://{}", silent.local_addr().unwrap());
    for (protocol, endpoint) in [
        ("http/protobuf", endpoint.clone()),
        ("grpc", endpoint),
        ("http/protobuf", "http://127.0.0.1:9".to_owned()),
    ] {
        let settings = [
            ("OTEL_EXPORTER_OTLP_ENDPOINT", endpoint),
            ("OTEL_EXPORTER_OTLP_PROTOCOL", protocol.to_owned()),
            ("OTEL_EXPORTER_OTLP_TIMEOUT", "300".to_owned()),
        ];
        let world = World::start(settings.to_vec()).await;
        world.pay(None, None, None).await;
        let dropped = |metrics: &str| {
            let line = metrics.lines().find(|line| {
                line.starts_with("trace_spans_dropped_total{") && line.contains("export_failed")
            });
            line.and_then(|line| line.rsplit(' ').next()?.parse::<f64>().ok()).unwrap_or(0.0)
        };
        let started = Instant::now();
        while dropped(&world.metrics().await) == 0.0 {
            assert!(started.elapsed() < PATIENCE, "{}", world.metrics().await);
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        let stopping = Instant::now();
        let log = world.stop().await;
        assert!(stopping.elapsed() < Duration::from_secs(8), "{:?}", stopping.elapsed());
        assert_eq!(log.matches("the collector takes no traces").count(), 1, "{log}");
    }
}
