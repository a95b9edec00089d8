//! Traces: where they are exported to, and which are.

use std::time::Duration;

use payment_settings::parser::{FLAG, SECRET, TEXT, URL, millis};
use payment_settings::{Optional, Reader, Setting, Spec, digit, settings};
use reqwest::header::{HeaderMap, HeaderName, HeaderValue};
use secrecy::{ExposeSecret, SecretString};

settings! {
    pub(in crate::config) const TRACES;
    ENDPOINT: Optional<String> = digit("otel.exporter.otlp.endpoint", URL,
        "The address of the OpenTelemetry collector that traces are sent to, such as \
         `http://otel-collector:4318`; over HTTP `/v1/traces` is added. Without an address nothing is traced.");
    TRACES_ENDPOINT: Optional<String> = digit("otel.exporter.otlp.traces.endpoint", URL,
        "The same for traces alone; used as it is.");
    PROTOCOL: Setting<String> = digit("otel.exporter.otlp.protocol", TEXT,
        "How they are sent: `http/protobuf`, usually on port 4318, or `grpc`, on port 4317.")
        .or("http/protobuf");
    TRACES_PROTOCOL: Optional<String> = digit("otel.exporter.otlp.traces.protocol", TEXT,
        "The same for traces alone.");
    HEADERS: Optional<SecretString> = digit("otel.exporter.otlp.headers", SECRET,
        "Headers of every export, as `name=value,name=value` with values percent-encoded.").secret();
    TRACES_HEADERS: Optional<SecretString> = digit("otel.exporter.otlp.traces.headers", SECRET,
        "The same for traces alone.").secret();
    TIMEOUT: Setting<Duration> = digit("otel.exporter.otlp.timeout", millis(100, 60_000),
        "How many milliseconds an export may take.").or("10000");
    EXPORTER: Setting<String> = digit("otel.traces.exporter", TEXT,
        "`otlp`, or `none` for no traces.").or("otlp");
    SERVICE_NAME: Setting<String> = digit("otel.service.name", TEXT,
        "The name of this service in traces.").or("pg-service");
    RESOURCE: Optional<String> = digit("otel.resource.attributes", TEXT,
        "What traces say of this service besides, as `name=value,name=value` with values percent-encoded.");
    SAMPLER: Setting<String> = digit("otel.traces.sampler", TEXT,
        "Which traces are recorded: `always_on`, `always_off`, `traceidratio`, or one of these for traces \
         that begin here while the caller decides for its own: `parentbased_always_on`, \
         `parentbased_always_off`, `parentbased_traceidratio`.").or("parentbased_always_on");
    SAMPLER_ARG: Setting<String> = digit("otel.traces.sampler.arg", TEXT,
        "The share of traces that a sampler by ratio records, from 0 to 1.").or("1");
    DISABLED: Setting<bool> = digit("otel.sdk.disabled", FLAG,
        "Whether nothing is traced although there is an address.").or("false");
}

const NO_ENDPOINT: &str = "no otel.exporter.otlp.endpoint is set";

/// The export of traces.
#[derive(Debug, Clone)]
pub struct TraceExport {
    /// Complete, with its path.
    pub endpoint: String,
    pub protocol: TraceProtocol,
    /// Marked as sensitive.
    pub headers: HeaderMap,
    pub timeout: Duration,
    pub sampler: TraceSampler,
    /// The attributes of this service, its name among them.
    pub resource: Vec<(String, String)>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TraceProtocol {
    Http,
    Grpc,
}

#[derive(Debug, Clone, Copy, PartialEq)]
pub struct TraceSampler {
    /// Whether the caller's decision counts before [`share`](TraceSampler::share).
    pub follows_parent: bool,
    /// From 0 to 1.
    pub share: f64,
}

/// `None` where nothing is traced. Left-over settings of a Java agent then do no harm, whatever they say.
pub(super) fn traces(reader: &mut Reader<'_>) -> Option<TraceExport> {
    let own_endpoint = reader.set(&TRACES_ENDPOINT);
    let is_wanted = reader.get(&EXPORTER) != "none" && !reader.get(&DISABLED);
    let Some(base) = own_endpoint.clone().or_else(|| reader.set(&ENDPOINT)).filter(|_| is_wanted) else {
        let why = if is_wanted {
            reader.idle(&[&EXPORTER], NO_ENDPOINT);
            NO_ENDPOINT
        } else {
            "traces are switched off"
        };
        reader.idle(
            &[&PROTOCOL, &TRACES_PROTOCOL, &HEADERS, &TRACES_HEADERS, &TIMEOUT, &SERVICE_NAME, &RESOURCE],
            why,
        );
        reader.idle(&[&SAMPLER, &SAMPLER_ARG], why);
        return None;
    };
    let exporter = reader.get(&EXPORTER);
    if exporter != "otlp" {
        reader.problem(&EXPORTER, format!("`{exporter}` is no exporter here"), "set `otlp`, or `none`");
    }
    let protocol = protocol(reader);
    let endpoint = match (protocol, own_endpoint) {
        (TraceProtocol::Http, None) => format!("{}/v1/traces", base.trim_end_matches('/')),
        (TraceProtocol::Http | TraceProtocol::Grpc, _) => base,
    };
    let mut resource = vec![("service.name".to_owned(), reader.get(&SERVICE_NAME))];
    if let Some(text) = reader.set(&RESOURCE) {
        let attributes = pairs(reader, &RESOURCE, &text);
        // The name that has a setting of its own counts.
        let named = reader.is_set(&SERVICE_NAME);
        resource.retain(|_| named || !attributes.iter().any(|(name, _)| name == "service.name"));
        resource.extend(attributes.into_iter().filter(|(name, _)| !named || name != "service.name"));
    }
    Some(TraceExport {
        endpoint,
        protocol,
        headers: headers(reader),
        timeout: reader.get(&TIMEOUT),
        sampler: sampler(reader),
        resource,
    })
}

fn protocol(reader: &mut Reader<'_>) -> TraceProtocol {
    let own = reader.set(&TRACES_PROTOCOL);
    let setting: &Spec = if own.is_some() { &TRACES_PROTOCOL } else { &PROTOCOL };
    let word = own.unwrap_or_else(|| reader.get(&PROTOCOL));
    match word.as_str() {
        "http/protobuf" => TraceProtocol::Http,
        "grpc" => TraceProtocol::Grpc,
        other => {
            reader.problem(
                setting,
                format!("`{other}` is no protocol here"),
                "set `http/protobuf` or `grpc`",
            );
            TraceProtocol::Http
        }
    }
}

fn sampler(reader: &mut Reader<'_>) -> TraceSampler {
    let word = reader.get(&SAMPLER);
    let (follows_parent, name) = match word.strip_prefix("parentbased_") {
        Some(name) => (true, name),
        None => (false, word.as_str()),
    };
    let share = match name {
        "always_on" => 1.0,
        "always_off" => 0.0,
        "traceidratio" => share(reader),
        _ => {
            let known =
                "set always_on, always_off or traceidratio, or one of them with parentbased_ before it";
            reader.problem(&SAMPLER, format!("`{word}` is no sampler here"), known);
            0.0
        }
    };
    TraceSampler { follows_parent, share }
}

fn share(reader: &mut Reader<'_>) -> f64 {
    let text = reader.get(&SAMPLER_ARG);
    match text.trim().parse::<f64>() {
        Ok(share) if (0.0..=1.0).contains(&share) => share,
        Ok(_) | Err(_) => {
            reader.problem(
                &SAMPLER_ARG,
                format!("`{text}` is no share"),
                "set a number from 0 to 1, such as 0.1",
            );
            0.0
        }
    }
}

fn headers(reader: &mut Reader<'_>) -> HeaderMap {
    let own = reader.set(&TRACES_HEADERS);
    let setting: &Spec = if own.is_some() { &TRACES_HEADERS } else { &HEADERS };
    let mut headers = HeaderMap::new();
    let Some(text) = own.or_else(|| reader.set(&HEADERS)) else { return headers };
    for (name, value) in pairs(reader, setting, text.expose_secret()) {
        match (HeaderName::try_from(name), HeaderValue::try_from(value)) {
            (Ok(name), Ok(mut value)) => {
                value.set_sensitive(true);
                headers.insert(name, value);
            }
            (Err(_), _) | (_, Err(_)) => {
                reader.problem(setting, "has a name or value that no header can have", "");
            }
        }
    }
    headers
}

/// `name=value,name=value`, with values percent-encoded. The text may be secret.
fn pairs(reader: &mut Reader<'_>, setting: &Spec, text: &str) -> Vec<(String, String)> {
    let mut pairs = Vec::new();
    for part in text.split(',').map(str::trim).filter(|part| !part.is_empty()) {
        let pair = part.split_once('=').map(|(name, value)| (name.trim(), value.trim()));
        let value = pair.and_then(|(_, value)| {
            percent_encoding::percent_decode_str(value).decode_utf8().ok().map(|value| value.into_owned())
        });
        match (pair, value) {
            (Some((name, _)), Some(value)) if !name.is_empty() => pairs.push((name.to_owned(), value)),
            (Some(_) | None, _) => {
                reader.problem(setting, "is not `name=value,name=value`", "percent-encode values");
                return Vec::new();
            }
        }
    }
    pairs
}
