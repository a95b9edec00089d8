//! The outgoing HTTP client: one call within time and size limits, its failure classified by how far
//! the call got.
//!
//! A [`Call`] is a value, built without a network, so that its bytes can be tested. [`Client::send`]
//! makes the call once: no retry, no redirect followed. A call runs in a span `http_call` with its
//! method, host and HTTP status, whose trace context it carries; neither URL, headers nor bodies appear in
//! spans and errors, because they hold signatures, tokens and personal data.
#![warn(missing_docs)]

mod failure;
mod tls;

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use reqwest::header::{CONTENT_TYPE, HeaderValue, LOCATION};
use tracing::Instrument;
use tracing::field::Empty;

pub use failure::{BoxError, CallError};
pub use reqwest::Method;

/// Idle time after which a connection is not used again: the peer may be closing it, and a call that
/// acts would be left without an answer.
const POOL_IDLE: Duration = Duration::from_secs(10);
/// The header that carries a request's number from service to service.
pub const CORRELATION_ID: &str = "x-correlation-id";
/// The longest correlation id that is passed on, in bytes.
const MAX_CORRELATION_ID: usize = 256;

/// The body of a call.
#[derive(Clone, PartialEq, Eq)]
pub enum Body {
    /// No body.
    Empty,
    /// Names and values, form-encoded when the call is sent.
    Form(Vec<(String, String)>),
    /// JSON text, sent byte for byte: signatures cover it.
    Json(String),
}

impl Body {
    /// The `Content-Type` of this body; `None` for an empty one.
    pub fn content_type(&self) -> Option<&'static str> {
        match self {
            Body::Empty => None,
            Body::Form(_) => Some("application/x-www-form-urlencoded"),
            Body::Json(_) => Some("application/json"),
        }
    }
}

/// A request. `Debug` shows neither header values nor the body.
#[derive(Clone, PartialEq, Eq)]
pub struct Call {
    /// The HTTP method.
    pub method: Method,
    /// An absolute `http` or `https` URL.
    pub url: String,
    /// Headers beside `Content-Type`, which follows from the body unless it is named here.
    pub headers: Vec<(String, String)>,
    /// The body.
    pub body: Body,
}

impl Call {
    /// Adds the correlation id as a header, if it can stand in one.
    pub fn correlate(&mut self, id: &str) {
        let printable = id.bytes().all(|byte| byte.is_ascii_graphic() || byte == b' ');
        if printable && (1..=MAX_CORRELATION_ID).contains(&id.len()) {
            self.headers.push((CORRELATION_ID.to_owned(), id.to_owned()));
        }
    }
}

impl fmt::Debug for Call {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names: Vec<&str> = self.headers.iter().map(|(name, _)| name.as_str()).collect();
        f.debug_struct("Call")
            .field("method", &self.method)
            .field("url", &self.url)
            .field("headers", &names)
            .finish_non_exhaustive()
    }
}

/// An answer. `Debug` does not show the body.
#[derive(Clone, PartialEq, Eq)]
pub struct Reply {
    /// The HTTP status code.
    pub status: u16,
    /// The `Location` header, where there is a readable one.
    pub location: Option<String>,
    /// The readable headers, names in lower case.
    pub headers: Vec<(String, String)>,
    /// The body, within [`Limits::max_body_bytes`].
    pub body: Vec<u8>,
}

impl fmt::Debug for Reply {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Reply")
            .field("status", &self.status)
            .field("body_bytes", &self.body.len())
            .finish_non_exhaustive()
    }
}

impl Reply {
    /// This reply, if its status is 2xx.
    ///
    /// # Errors
    /// [`CallError::Unanswered`] for 408, 429 and 5xx: the peer is in trouble, and may have done what
    /// was asked. [`CallError::Unreadable`] for every other status.
    pub fn accepted(self) -> Result<Reply, CallError> {
        match self.status {
            200..=299 => Ok(self),
            408 | 429 | 500..=599 => {
                Err(CallError::Unanswered(format!("HTTP status {}", self.status).into()))
            }
            _ => Err(CallError::Unreadable(format!("HTTP status {}", self.status))),
        }
    }

    /// The header of this name, which is given in lower case. `None` when it is missing, or ambiguous
    /// because it occurs more than once.
    pub fn header(&self, name: &str) -> Option<&str> {
        let mut values = self.headers.iter().filter(|(header, _)| header == name);
        match (values.next(), values.next()) {
            (Some((_, value)), None) => Some(value),
            (None | Some(_), _) => None,
        }
    }

    /// The body as text.
    ///
    /// # Errors
    /// [`CallError::Unreadable`] when it is not UTF-8.
    pub fn text(&self) -> Result<&str, CallError> {
        std::str::from_utf8(&self.body).map_err(|_| CallError::Unreadable("not UTF-8 text".to_owned()))
    }
}

/// Limits of every call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Time to connect, TLS included.
    pub connect_timeout: Duration,
    /// Time until the last byte of the answer, connecting included.
    pub total_timeout: Duration,
    /// The longest answer that is read.
    pub max_body_bytes: usize,
}

impl Default for Limits {
    fn default() -> Limits {
        Limits {
            connect_timeout: Duration::from_secs(5),
            total_timeout: Duration::from_secs(20),
            max_body_bytes: 256 * 1024,
        }
    }
}

/// Makes calls over kept connections. Cheap to clone; clones share the connections.
#[derive(Debug, Clone)]
pub struct Client {
    http: reqwest::Client,
    limits: Limits,
}

impl Client {
    /// A client with these limits.
    ///
    /// # Errors
    /// When the computer's trusted certificates cannot be loaded.
    pub fn new(limits: Limits) -> Result<Client, BoxError> {
        let http = reqwest::Client::builder()
            .tls_backend_preconfigured(tls::config()?)
            .connect_timeout(limits.connect_timeout)
            .pool_idle_timeout(POOL_IDLE)
            .redirect(reqwest::redirect::Policy::none())
            .retry(reqwest::retry::never())
            .dns_resolver(Arc::new(failure::SystemNames))
            .build()?;
        Ok(Client { http, limits })
    }

    /// The limits of its calls.
    pub fn limits(&self) -> &Limits {
        &self.limits
    }

    /// Makes the call, once, within [`Limits::total_timeout`].
    ///
    /// # Errors
    /// [`CallError::NotSent`] when no connection was established, [`CallError::LocalFault`] when that is for
    /// lack of a resource of ours, [`CallError::Unanswered`] when no whole answer came,
    /// [`CallError::Unreadable`] when the answer is over the limit.
    pub async fn send(&self, call: &Call) -> Result<Reply, CallError> {
        self.send_within(call, self.limits.total_timeout).await
    }

    /// Makes the call, once, within `timeout`.
    ///
    /// # Errors
    /// As of [`Client::send`].
    pub async fn send_within(&self, call: &Call, timeout: Duration) -> Result<Reply, CallError> {
        let mut request = self.http.request(call.method.clone(), &call.url).timeout(timeout);
        for (name, value) in &call.headers {
            request = request.header(name, value);
        }
        let named = call.headers.iter().any(|(name, _)| name.eq_ignore_ascii_case("content-type"));
        if let Some(content_type) = call.body.content_type().filter(|_| !named) {
            request = request.header(CONTENT_TYPE, content_type);
        }
        let request = match &call.body {
            Body::Empty => request,
            Body::Form(fields) => {
                request.body(form_urlencoded::Serializer::new(String::new()).extend_pairs(fields).finish())
            }
            Body::Json(text) => request.body(text.clone()),
        };
        let request = request.build().map_err(failure::classify)?;
        let span = tracing::debug_span!(
            target: payment_trace::INNER,
            "http_call",
            otel.name = %call.method,
            otel.kind = "client",
            otel.status_code = Empty,
            http.request.method = %call.method,
            http.response.status_code = Empty,
            server.address = request.url().host_str(),
            error.type = Empty,
        );
        let answer = self.exchange(request).instrument(span.clone()).await;
        if let Err(error) = &answer {
            span.record("otel.status_code", "ERROR");
            span.record("error.type", error.kind());
        }
        answer
    }

    async fn exchange(&self, mut request: reqwest::Request) -> Result<Reply, CallError> {
        if let Some(context) = payment_trace::current() {
            let state = context.state.map(|state| (payment_trace::TRACESTATE, state));
            for (name, value) in [(payment_trace::TRACEPARENT, context.parent)].into_iter().chain(state) {
                if let Ok(value) = HeaderValue::from_str(&value) {
                    request.headers_mut().insert(name, value);
                }
            }
        }
        let mut response = self.http.execute(request).await.map_err(failure::classify)?;
        let status = response.status().as_u16();
        tracing::Span::current().record("http.response.status_code", status);
        if status >= 400 {
            tracing::Span::current().record("otel.status_code", "ERROR");
        }
        let text = |value: &reqwest::header::HeaderValue| value.to_str().ok().map(str::to_owned);
        let location = response.headers().get(LOCATION).and_then(text);
        let headers = response.headers().iter();
        let headers =
            headers.filter_map(|(name, value)| Some((name.as_str().to_owned(), text(value)?))).collect();
        let mut body = Vec::new();
        while let Some(chunk) = response.chunk().await.map_err(failure::classify)? {
            let limit = self.limits.max_body_bytes;
            if body.len() + chunk.len() > limit {
                return Err(CallError::Unreadable(format!("longer than {limit} bytes")));
            }
            body.extend_from_slice(&chunk);
        }
        Ok(Reply { status, location, headers, body })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_correlation_id_that_cannot_stand_in_a_header_is_left_out() {
        let sent = |id: &str| {
            let mut call =
                Call { method: Method::GET, url: String::new(), headers: Vec::new(), body: Body::Empty };
            call.correlate(id);
            call.headers.pop().map(|(_, value)| value)
        };
        assert_eq!(sent("abc-1").as_deref(), Some("abc-1"));
        for id in ["", "a\r\nx: y", "ਪੰ", &"x".repeat(257)] {
            assert_eq!(sent(id), None, "{id}");
        }
    }
}
