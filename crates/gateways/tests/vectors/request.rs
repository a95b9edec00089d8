//! Comparing the calls that adapters make.

use payment_gateways::client::{Body, Call};
use payment_gateways::form;
use serde_json::{Map, Value};

use crate::vector::{Checked, Vector};

/// A header of a call; the content type follows from its body.
pub(crate) fn header<'a>(call: &'a Call, name: &str) -> Option<&'a str> {
    let named = call.headers.iter().find(|(header, _)| header.eq_ignore_ascii_case(name));
    let content_type = call.body.content_type().filter(|_| name.eq_ignore_ascii_case("content-type"));
    named.map(|(_, value)| value.as_str()).or(content_type)
}

/// Compares a call with the expected method, address, headers and body.
pub(crate) fn compare_call(vector: &Vector, call: &Call) -> Checked {
    let wanted = vector.expected["headers"].as_object();
    let headers = wanted.into_iter().flatten().map(|(name, _)| (name.clone(), header(call, name).into()));
    let (json, fields) = match &call.body {
        Body::Json(text) => (serde_json::from_str(text).map_err(|error| error.to_string())?, None),
        Body::Form(fields) => (Value::Null, Some(form::encode(fields))),
        Body::Empty => (Value::Null, None),
    };
    let least = &vector.expected["body_json_min"];
    let has_least =
        least.as_object().into_iter().flatten().all(|(name, value)| json.get(name) == Some(value));
    vector.compare(&[
        ("body_json_min", if has_least { least.clone() } else { json.clone() }),
        ("method", call.method.as_str().into()),
        ("url", call.url.clone().into()),
        ("headers", Value::Object(Map::from_iter(headers))),
        ("body_json", json),
        ("body_form", fields.into()),
    ])
}
