//! Request middleware around every route: request id, span, limits, log line, metrics. A panic of a handler
//! becomes an answer here.

#[cfg(test)]
mod tests;

use std::any::Any;
use std::convert::Infallible;
use std::future::Future;
use std::hash::{BuildHasher, RandomState};
use std::panic::AssertUnwindSafe;
use std::pin::Pin;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, LazyLock};
use std::task::{Context, Poll};
use std::time::Duration;

use axum::body::{Body, HttpBody};
use axum::extract::{MatchedPath, Request};
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use futures_util::FutureExt;
use http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, header};
use http_body_util::BodyExt;
use payment_service::Subject;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use tower::{Layer, Service};
use tracing::field::{Empty, display};
use tracing::{Instrument, Span};

use crate::body;
use crate::error::ApiError;
use crate::limits::{Budget, FREE_ANSWER_BYTES, RequestLimits, Share};
use crate::log_context::LogContext;
use crate::metrics::{DURATIONS, REQUESTS};

/// Identifies a request in the log; the caller's own where it is well-formed.
pub(crate) const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");
/// The route of requests that no endpoint takes.
const NO_ROUTE: &str = "none";

/// Cancelled at the end of a shutdown's grace period: requests still running are answered 503.
#[derive(Debug, Clone)]
pub(crate) struct ShutdownDeadline(pub(crate) CancellationToken);

/// Marks a response whose bytes are shared by all requests, and so take up no memory of their own.
#[derive(Debug, Clone)]
pub(crate) struct SharedBytes;

/// The id of a request, for pages that name it.
#[derive(Debug, Clone)]
pub struct RequestId(HeaderValue);

impl RequestId {
    pub fn as_str(&self) -> &str {
        self.0.to_str().unwrap_or_default()
    }
}

/// The page in place of an error that the middleware answers: by the headers of the request, its id and the status.
pub type ErrorPage = Arc<dyn Fn(&HeaderMap, &RequestId, StatusCode) -> Response + Send + Sync>;

/// Wraps every route in a [`RequestMiddleware`].
#[derive(Clone)]
pub(crate) struct RequestLayer {
    limits: Arc<Limits>,
    error_page: Option<ErrorPage>,
}

struct Limits {
    request: RequestLimits,
    /// Memory for request bodies.
    bodies: Budget,
    /// Memory for answers.
    answers: Budget,
}

impl RequestLayer {
    pub(crate) fn new(limits: RequestLimits) -> RequestLayer {
        // At least one body of the greatest length must fit.
        let bytes = limits.bytes_in_flight.max(limits.body_bytes);
        let (bodies, answers) = (Budget::new(bytes), Budget::new(bytes));
        RequestLayer { limits: Arc::new(Limits { request: limits, bodies, answers }), error_page: None }
    }

    /// Within the same limits, for routes of pages.
    pub(crate) fn of_pages(&self, error_page: ErrorPage) -> RequestLayer {
        RequestLayer { error_page: Some(error_page), ..self.clone() }
    }
}

impl<S> Layer<S> for RequestLayer {
    type Service = RequestMiddleware<S>;

    fn layer(&self, inner: S) -> RequestMiddleware<S> {
        RequestMiddleware { inner, layer: self.clone() }
    }
}

#[derive(Clone)]
pub(crate) struct RequestMiddleware<S> {
    inner: S,
    layer: RequestLayer,
}

impl<S> Service<Request> for RequestMiddleware<S>
where
    S: Service<Request, Response = Response, Error = Infallible> + Clone + Send + 'static,
    S::Future: Send + 'static,
{
    type Response = Response;
    type Error = Infallible;
    type Future = Pin<Box<dyn Future<Output = Result<Response, Infallible>> + Send>>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, mut request: Request) -> Self::Future {
        let arrival = Arrival::of(&request);
        let span = arrival.span(request.headers());
        let RequestLayer { limits, error_page } = self.layer.clone();
        // The instance that was polled ready must be the one called.
        let next = self.inner.clone();
        let inner = std::mem::replace(&mut self.inner, next);
        let deadline = request.extensions().get::<ShutdownDeadline>().cloned();
        let subject = Subject::default();
        request.extensions_mut().insert(subject.clone());
        let page = error_page.map(|page| {
            let id = RequestId(arrival.request_id.clone());
            request.extensions_mut().insert(id.clone());
            let headers = request.headers().clone();
            move |status| page(&headers, &id, status)
        });
        let work = async move {
            let answer = AssertUnwindSafe(answer(inner, request, &limits)).catch_unwind();
            let answered = tokio::select! {
                biased;
                answered = tokio::time::timeout(limits.request.request_time, answer) => match answered {
                    Ok(Ok(answered)) => answered,
                    Ok(Err(panic)) => Err(panicked(panic.as_ref())),
                    Err(_elapsed) => Err(ApiError::TooSlow(subject.txn_id())),
                },
                () = passed(deadline) => Err(ApiError::Interrupted(subject.txn_id())),
            };
            let response = answered.unwrap_or_else(|error| {
                let response = error.into_response();
                match page {
                    Some(page) => as_page(response, page),
                    None => response,
                }
            });
            Ok(arrival.leave(response))
        };
        Box::pin(work.instrument(span))
    }
}

async fn passed(deadline: Option<ShutdownDeadline>) {
    match deadline {
        Some(ShutdownDeadline(token)) => token.cancelled_owned().await,
        None => std::future::pending().await,
    }
}

/// An error with the content of a page; status, log context and `Retry-After` stay.
fn as_page(error: Response, page: impl FnOnce(StatusCode) -> Response) -> Response {
    let (error, _) = error.into_parts();
    let mut response = page(error.status);
    *response.status_mut() = error.status;
    *response.extensions_mut() = error.extensions;
    if let Some(wait) = error.headers.get(header::RETRY_AFTER) {
        response.headers_mut().insert(header::RETRY_AFTER, wait.clone());
    }
    response
}

/// Reads the body, calls the route, and keeps the bytes of both within their budgets.
async fn answer<S>(mut inner: S, request: Request, limits: &Limits) -> Result<Response, ApiError>
where
    S: Service<Request, Response = Response, Error = Infallible>,
{
    let longest = limits.request.url_bytes;
    if request.uri().path_and_query().is_some_and(|url| url.as_str().len() > longest) {
        return Err(ApiError::UrlTooLong(longest));
    }
    let (parts, body) = request.into_parts();
    let (bytes, _share) = body::read(body, &limits.request, &limits.bodies).await?;
    let Ok(response) = inner.call(Request::from_parts(parts, Body::from(bytes))).await;
    within(&limits.answers, response).await
}

/// Counts a long answer against the budget until its last byte is written or its connection closed.
async fn within(budget: &Budget, response: Response) -> Result<Response, ApiError> {
    let length = response.body().size_hint().exact().and_then(|bytes| usize::try_from(bytes).ok());
    let Some(length) = length.filter(|length| *length > FREE_ANSWER_BYTES) else { return Ok(response) };
    if response.extensions().get::<SharedBytes>().is_some() {
        return Ok(response);
    }
    let mut share = Share::default();
    if budget.add(length, &mut share).is_err() {
        return Err(ApiError::TooManyBytes);
    }
    let (parts, body) = response.into_parts();
    match body.collect().await {
        Ok(collected) => {
            let bytes = Bytes::from_owner(Counted { bytes: collected.to_bytes(), _share: share });
            Ok(Response::from_parts(parts, Body::from(bytes)))
        }
        Err(_) => Err(ApiError::Internal("an answer that cannot be read")),
    }
}

struct Counted {
    bytes: Bytes,
    _share: Share,
}

impl AsRef<[u8]> for Counted {
    fn as_ref(&self) -> &[u8] {
        &self.bytes
    }
}

fn panicked(panic: &(dyn Any + Send)) -> ApiError {
    let message = panic
        .downcast_ref::<&str>()
        .copied()
        .or_else(|| panic.downcast_ref::<String>().map(String::as_str))
        .unwrap_or("no message");
    tracing::error!(target: "http", panic = message, "a handler panicked");
    ApiError::Internal("a handler panicked")
}

/// A request's data for log and metrics.
struct Arrival {
    at: Instant,
    method: &'static str,
    route: Option<MatchedPath>,
    request_id: HeaderValue,
}

impl Arrival {
    fn of(request: &Request) -> Arrival {
        Arrival {
            at: Instant::now(),
            method: name_of(request.method()),
            route: request.extensions().get::<MatchedPath>().cloned(),
            request_id: request_id(request.headers()),
        }
    }

    /// The span of the request, in the caller's trace if there is one. Probes are not traced.
    fn span(&self, headers: &HeaderMap) -> Span {
        let request_id = self.request_id.to_str().unwrap_or_default();
        let route = self.route();
        if !payment_trace::is_on() || is_probe(route) {
            return tracing::info_span!(target: payment_trace::REQUEST, "request", request_id);
        }
        let span = tracing::info_span!(
            target: payment_trace::ENTRY,
            "request",
            request_id,
            trace_id = Empty,
            trace_sampled = Empty,
            otel.name = format_args!("{} {route}", self.method),
            otel.kind = "server",
            otel.status_code = Empty,
            http.request.method = self.method,
            http.route = route,
            http.response.status_code = Empty,
            pg.txn_id = Empty,
        );
        let texts = |name| headers.get_all(name).iter().filter_map(|value| value.to_str().ok());
        let caller =
            payment_trace::from_headers(texts(payment_trace::TRACEPARENT), texts(payment_trace::TRACESTATE));
        payment_trace::begin(&span, caller.as_ref());
        span
    }

    fn route(&self) -> &str {
        self.route.as_ref().map_or(NO_ROUTE, MatchedPath::as_str)
    }

    /// Records the request and completes the headers of its response.
    fn leave(self, mut response: Response) -> Response {
        let context = response.extensions_mut().remove::<LogContext>().unwrap_or_default();
        let route = self.route();
        let took = self.at.elapsed();
        let status = response.status();
        if payment_trace::is_on() {
            note(&context, status);
        }
        let labels = [("route", route.to_owned()), ("status", status.as_str().to_owned())];
        metrics::counter!(REQUESTS, &labels).increment(1);
        metrics::histogram!(DURATIONS, &labels).record(took);
        log(&self, route, status, took, &context);

        let headers = response.headers_mut();
        headers.insert(REQUEST_ID, self.request_id);
        headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
        headers.entry(header::CACHE_CONTROL).or_insert(HeaderValue::from_static("no-store"));
        response
    }
}

/// Completes the span of a request. The id of a transaction that is not known is the caller's text.
fn note(context: &LogContext, status: StatusCode) {
    let span = Span::current();
    span.record("http.response.status_code", status.as_u16());
    if status.is_server_error() {
        span.record("otel.status_code", "ERROR");
    }
    if let Some(txn_id) = context.txn_id.as_ref().filter(|_| !status.is_client_error()) {
        span.record("pg.txn_id", display(txn_id));
    }
}

/// Probes and scrapes repeat every few seconds.
fn is_probe(route: &str) -> bool {
    route.contains("/health") || route.ends_with("/prometheus")
}

fn log(arrival: &Arrival, route: &str, status: StatusCode, took: Duration, context: &LogContext) {
    macro_rules! line {
        ($level:ident) => {
            tracing::$level!(
                target: "http",
                method = arrival.method,
                route,
                status = status.as_u16(),
                duration_ms = milliseconds(took),
                txn_id = context.txn_id.as_ref().map(tracing::field::display),
                request_id = arrival.request_id.to_str().unwrap_or_default(),
                code = context.code.as_deref(),
                cause = context.cause.as_deref(),
                "answered"
            )
        };
    }
    if status == StatusCode::INTERNAL_SERVER_ERROR {
        line!(error);
    } else if status.is_server_error() {
        line!(warn);
    } else if is_probe(route) {
        line!(debug);
    } else {
        line!(info);
    }
}

#[allow(clippy::float_arithmetic)] // a measured time, for people
fn milliseconds(took: Duration) -> f64 {
    took.as_secs_f64() * 1000.0
}

/// The method if HTTP defines it: a client may invent others, of any length, to fill the log.
fn name_of(method: &Method) -> &'static str {
    const KNOWN: [&str; 9] = ["POST", "GET", "HEAD", "OPTIONS", "PUT", "PATCH", "DELETE", "TRACE", "CONNECT"];
    KNOWN.into_iter().find(|known| *known == method.as_str()).unwrap_or("other")
}

/// The caller's request id if it is well-formed, else a new one.
fn request_id(headers: &HeaderMap) -> HeaderValue {
    static PROCESS: LazyLock<u64> = LazyLock::new(|| RandomState::new().hash_one(std::process::id()));
    static COUNT: AtomicU64 = AtomicU64::new(1);

    let well_formed = |value: &&HeaderValue| {
        (1..=64).contains(&value.len())
            && value.as_bytes().iter().all(|byte| byte.is_ascii_alphanumeric() || b"-_.:".contains(byte))
    };
    if let Some(given) = headers.get(&REQUEST_ID).filter(well_formed) {
        return given.clone();
    }
    let own = format!("{:012x}-{:x}", *PROCESS >> 16, COUNT.fetch_add(1, Ordering::Relaxed));
    HeaderValue::try_from(own).unwrap_or(HeaderValue::from_static("0"))
}
