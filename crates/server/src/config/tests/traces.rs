//! Traces, from the names that OpenTelemetry gives its settings.

use super::*;

const ENDPOINT: (&str, &str) = ("OTEL_EXPORTER_OTLP_ENDPOINT", "http://collector:4318/");

fn traces(environment: &'static [(&'static str, &'static str)]) -> Option<TraceExport> {
    Given { environment, ..Given::default() }.config().traces
}

#[test]
fn the_standard_variables_switch_traces_on() {
    let export = traces(&[ENDPOINT]).unwrap();
    assert_eq!(export.endpoint, "http://collector:4318/v1/traces");
    assert_eq!(export.protocol, TraceProtocol::Http);
    assert_eq!(export.sampler, TraceSampler { follows_parent: true, share: 1.0 });
    assert_eq!(export.resource, [("service.name".to_owned(), "pg-service".to_owned())]);

    let export = traces(&[
        ENDPOINT,
        ("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "http://traces:4317"),
        ("OTEL_EXPORTER_OTLP_TRACES_PROTOCOL", "grpc"),
        ("OTEL_EXPORTER_OTLP_HEADERS", "authorization=Bearer%20key, x-tenant=7"),
        ("OTEL_RESOURCE_ATTRIBUTES", "service.name=ignored,deployment.environment.name=pilot%2C2"),
        ("OTEL_SERVICE_NAME", "payments"),
        ("OTEL_TRACES_SAMPLER", "traceidratio"),
        ("OTEL_TRACES_SAMPLER_ARG", "0.25"),
    ])
    .unwrap();
    assert_eq!((export.endpoint.as_str(), export.protocol), ("http://traces:4317", TraceProtocol::Grpc));
    assert_eq!(export.sampler, TraceSampler { follows_parent: false, share: 0.25 });
    assert_eq!(export.headers["authorization"], "Bearer key");
    assert!(!format!("{export:?}").contains("Bearer"), "a header may be a secret");
    let resource: Vec<(&str, &str)> =
        export.resource.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
    assert_eq!(resource, [("service.name", "payments"), ("deployment.environment.name", "pilot,2")]);
}

#[test]
fn without_an_endpoint_or_when_switched_off_nothing_is_traced_whatever_else_is_set() {
    const OF_JAVA: (&str, &str) = ("OTEL_TRACES_EXPORTER", "jaeger");
    const SAMPLER: (&str, &str) = ("OTEL_TRACES_SAMPLER", "jaeger_remote");
    assert!(traces(&[]).is_none());
    assert!(traces(&[OF_JAVA, SAMPLER]).is_none());
    assert!(traces(&[ENDPOINT, ("OTEL_SDK_DISABLED", "true"), SAMPLER]).is_none());
    assert!(traces(&[ENDPOINT, ("OTEL_TRACES_EXPORTER", "none"), SAMPLER]).is_none());
}

#[test]
fn what_cannot_be_understood_is_told_with_what_can() {
    let problem = |environment| Given { environment, ..Given::default() }.problem();
    for (environment, told) in [
        (&[ENDPOINT, ("OTEL_TRACES_EXPORTER", "jaeger")][..], "set `otlp`, or `none`"),
        (&[ENDPOINT, ("OTEL_EXPORTER_OTLP_PROTOCOL", "http/json")], "set `http/protobuf` or `grpc`"),
        (&[ENDPOINT, ("OTEL_TRACES_SAMPLER", "xray")], "always_on, always_off or traceidratio"),
        (
            &[ENDPOINT, ("OTEL_TRACES_SAMPLER", "traceidratio"), ("OTEL_TRACES_SAMPLER_ARG", "10%")],
            "a number from 0 to 1",
        ),
        (&[ENDPOINT, ("OTEL_RESOURCE_ATTRIBUTES", "name")], "`name=value,name=value`"),
        (&[ENDPOINT, ("OTEL_EXPORTER_OTLP_HEADERS", "secret key=\n")], "a name or value that no header"),
        (&[("OTEL_EXPORTER_OTLP_ENDPOINT", "ftp://collector")], "OTEL_EXPORTER_OTLP_ENDPOINT"),
    ] {
        let problem = problem(environment);
        assert!(problem.contains(told) && !problem.contains("secret key"), "{problem}");
    }
}
