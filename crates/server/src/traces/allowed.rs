//! The attributes that leave the service: the last line behind spans that are written without personal data.

use opentelemetry::trace::Status;
use opentelemetry_sdk::trace::{SpanData, SpanEvents};

const ALLOWED: [&str; 11] = [
    "error.type",
    "http.request.method",
    "http.response.status_code",
    "http.route",
    "messaging.destination.name",
    "messaging.system",
    "pg.gateway",
    "pg.service",
    "pg.status",
    "pg.txn_id",
    "server.address",
];

/// Takes everything out of a span that is not allowed: other attributes, events, descriptions of errors.
pub(super) fn strip(span: &mut SpanData) {
    span.attributes.retain(|attribute| ALLOWED.contains(&attribute.key.as_str()));
    span.dropped_attributes_count = 0;
    span.events = SpanEvents::default();
    for link in &mut span.links.links {
        link.attributes.clear();
    }
    if matches!(span.status, Status::Error { .. }) {
        span.status = Status::error("");
    }
}
