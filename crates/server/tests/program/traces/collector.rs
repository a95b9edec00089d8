//! An OpenTelemetry collector of a test: takes spans over HTTP or gRPC, and keeps every byte.

use std::convert::Infallible;
use std::sync::{Arc, Mutex};
use std::time::Instant;

use http_body_util::{BodyExt, Full};
use hyper::body::{Bytes, Incoming};
use hyper::header::{CONTENT_TYPE, HeaderMap, HeaderValue};
use hyper::service::service_fn;
use hyper::{Request, Response};
use hyper_util::rt::{TokioExecutor, TokioIo};
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::common::v1::any_value::Value;
use opentelemetry_proto::tonic::trace::v1::Span;
use prost::Message;
use tokio::net::TcpListener;

use crate::support::PATIENCE;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Protocol {
    Http,
    Grpc,
}

#[derive(Default)]
pub(crate) struct Received {
    /// Paths, headers and bodies as they came.
    pub(crate) bytes: Vec<u8>,
    pub(crate) paths: Vec<String>,
    pub(crate) authorization: Option<String>,
    pub(crate) spans: Vec<Span>,
    /// Of the service.
    pub(crate) attributes: Vec<(String, String)>,
}

pub(crate) struct Collector {
    pub(crate) url: String,
    received: Arc<Mutex<Received>>,
}

impl Collector {
    pub(crate) async fn start(protocol: Protocol) -> Collector {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let received = Arc::new(Mutex::new(Received::default()));
        let all = received.clone();
        tokio::spawn(async move {
            loop {
                let (stream, _) = listener.accept().await.unwrap();
                let (io, all) = (TokioIo::new(stream), all.clone());
                let service = service_fn(move |request| {
                    let all = all.clone();
                    async move { Ok::<_, Infallible>(take(request, protocol, &all).await) }
                });
                // The service may hang up at any time.
                match protocol {
                    Protocol::Http => {
                        tokio::spawn(
                            hyper::server::conn::http1::Builder::new().serve_connection(io, service),
                        );
                    }
                    Protocol::Grpc => {
                        let builder = hyper::server::conn::http2::Builder::new(TokioExecutor::new());
                        tokio::spawn(builder.serve_connection(io, service));
                    }
                }
            }
        });
        Collector { url, received }
    }

    pub(crate) fn read<T>(&self, read: impl FnOnce(&Received) -> T) -> T {
        read(&self.received.lock().unwrap())
    }

    /// Waits for spans of which this is true.
    pub(crate) async fn until(&self, what: &str, is_so: impl Fn(&[Span]) -> bool) {
        let started = Instant::now();
        while !self.read(|received| is_so(&received.spans)) {
            let names = || {
                self.read(|received| received.spans.iter().map(|span| span.name.clone()).collect::<Vec<_>>())
            };
            assert!(started.elapsed() < PATIENCE, "no {what} among {:#?}", names());
            tokio::time::sleep(std::time::Duration::from_millis(20)).await;
        }
    }
}

type Answer = Response<http_body_util::combinators::BoxBody<Bytes, Infallible>>;

async fn take(request: Request<Incoming>, protocol: Protocol, all: &Mutex<Received>) -> Answer {
    let (head, body) = request.into_parts();
    let body = body.collect().await.unwrap().to_bytes();
    // In gRPC a message follows a byte for its compression and four for its length.
    let message = match protocol {
        Protocol::Http => &body[..],
        Protocol::Grpc => &body[5..],
    };
    let export = ExportTraceServiceRequest::decode(message).unwrap();
    let mut received = all.lock().unwrap();
    received.paths.push(head.uri.path().to_owned());
    received.bytes.extend(head.uri.to_string().bytes());
    for (name, value) in &head.headers {
        received.bytes.extend(name.as_str().bytes().chain(value.as_bytes().iter().copied()));
    }
    received.bytes.extend(&body);
    let authorization = head.headers.get("authorization").map(|value| value.to_str().unwrap().to_owned());
    received.authorization = authorization;
    for resource in export.resource_spans {
        let attributes = resource.resource.unwrap().attributes.into_iter();
        received.attributes =
            attributes.map(|pair| (pair.key, text(pair.value.and_then(|value| value.value)))).collect();
        received.spans.extend(resource.scope_spans.into_iter().flat_map(|scope| scope.spans));
    }
    let (content_type, body) = match protocol {
        Protocol::Http => ("application/x-protobuf", Full::default().boxed()),
        Protocol::Grpc => {
            let trailers =
                HeaderMap::from_iter([("grpc-status".parse().unwrap(), HeaderValue::from_static("0"))]);
            let empty = Full::new(Bytes::from_static(&[0; 5]));
            ("application/grpc", empty.with_trailers(async move { Some(Ok(trailers)) }).boxed())
        }
    };
    Response::builder().header(CONTENT_TYPE, content_type).body(body).unwrap()
}

fn text(value: Option<Value>) -> String {
    match value {
        Some(Value::StringValue(text)) => text,
        other => format!("{other:?}"),
    }
}

/// An attribute of a span as text.
pub(crate) fn attribute(span: &Span, name: &str) -> Option<String> {
    let found = span.attributes.iter().find(|pair| pair.key == name)?;
    Some(match found.value.clone().and_then(|value| value.value) {
        Some(Value::IntValue(number)) => number.to_string(),
        other => text(other),
    })
}

pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
