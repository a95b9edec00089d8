//! What every request passes on its way in and out: its number, its limits, its one line in the log
//! and its place in the metrics. A panic ends here as an answer.

#[cfg(test)]
mod tests;

use std::any::Any;
use std::borrow::Cow;
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
use payment_domain::TxnId;
use payment_service::Subject;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use tower::{Layer, Service};

use crate::body;
use crate::error::ApiError;
use crate::limits::{Budget, FREE_ANSWER_BYTES, RequestLimits, Share};
use crate::metrics::{DURATIONS, REQUESTS};

/// Under which a request is found in the log; taken over from the caller where there is one.
pub(crate) const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");
/// Names no route in log and metrics.
const NO_ROUTE: &str = "none";

/// What a handler leaves on its response for the log.
#[derive(Debug, Clone, Default)]
pub(crate) struct Notes {
    /// The transaction the request was about.
    pub(crate) txn_id: Option<TxnId>,
    /// The code of the first error.
    pub(crate) code: Option<Cow<'static, str>>,
    /// What happened, when it was a fault of the server's side.
    pub(crate) cause: Option<String>,
}

/// Cancelled when a shutdown waits no longer and every request is to be answered at once.
#[derive(Debug, Clone)]
pub(crate) struct LastCall(pub(crate) CancellationToken);

/// Says that the bytes of an answer are not its own: they are there anyway, for all who ask for them.
#[derive(Debug, Clone)]
pub(crate) struct SharedBytes;

/// Wraps every route.
#[derive(Clone)]
pub(crate) struct EdgeLayer {
    limits: Arc<EdgeLimits>,
}

struct EdgeLimits {
    request: RequestLimits,
    /// Bytes of request bodies.
    bodies: Budget,
    /// Bytes of answers.
    answers: Budget,
}

impl EdgeLayer {
    pub(crate) fn new(limits: RequestLimits) -> EdgeLayer {
        // Enough for one body, however long it may be.
        let bytes = limits.bytes_in_flight.max(limits.body_bytes);
        let (bodies, answers) = (Budget::new(bytes), Budget::new(bytes));
        EdgeLayer { limits: Arc::new(EdgeLimits { request: limits, bodies, answers }) }
    }
}

impl<S> Layer<S> for EdgeLayer {
    type Service = Edge<S>;

    fn layer(&self, inner: S) -> Edge<S> {
        Edge { inner, limits: self.limits.clone() }
    }
}

/// A route with everything around it.
#[derive(Clone)]
pub(crate) struct Edge<S> {
    inner: S,
    limits: Arc<EdgeLimits>,
}

impl<S> Service<Request> for Edge<S>
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
        let limits = self.limits.clone();
        // The one that was polled ready is the one to call.
        let next = self.inner.clone();
        let inner = std::mem::replace(&mut self.inner, next);
        let last_call = request.extensions().get::<LastCall>().cloned();
        let subject = Subject::default();
        request.extensions_mut().insert(subject.clone());
        Box::pin(async move {
            let answer = AssertUnwindSafe(answer(inner, request, &limits)).catch_unwind();
            let response = tokio::select! {
                biased;
                answered = tokio::time::timeout(limits.request.request_time, answer) => match answered {
                    Ok(Ok(response)) => response,
                    Ok(Err(panic)) => panicked(panic.as_ref()).into_response(),
                    Err(_elapsed) => ApiError::TooSlow(subject.txn_id()).into_response(),
                },
                () = called(last_call) => ApiError::Interrupted(subject.txn_id()).into_response(),
            };
            Ok(arrival.leave(response))
        })
    }
}

async fn called(last_call: Option<LastCall>) {
    match last_call {
        Some(LastCall(token)) => token.cancelled_owned().await,
        None => std::future::pending().await,
    }
}

/// Reads the body, calls the route, and sees to it that what is read and answered is within bounds.
async fn answer<S>(mut inner: S, request: Request, limits: &EdgeLimits) -> Response
where
    S: Service<Request, Response = Response, Error = Infallible>,
{
    let longest = limits.request.url_bytes;
    if request.uri().path_and_query().is_some_and(|url| url.as_str().len() > longest) {
        return ApiError::UrlTooLong(longest).into_response();
    }
    let (parts, body) = request.into_parts();
    let (bytes, _share) = match body::read(body, &limits.request, &limits.bodies).await {
        Ok(read) => read,
        Err(refused) => return refused.into_response(),
    };
    let Ok(response) = inner.call(Request::from_parts(parts, Body::from(bytes))).await;
    within(&limits.answers, response).await
}

/// Counts a long answer against the budget until its last byte is written, or its client is gone.
async fn within(budget: &Budget, response: Response) -> Response {
    let length = response.body().size_hint().exact().and_then(|bytes| usize::try_from(bytes).ok());
    let Some(length) = length.filter(|length| *length > FREE_ANSWER_BYTES) else { return response };
    if response.extensions().get::<SharedBytes>().is_some() {
        return response;
    }
    let mut share = Share::default();
    if budget.add(length, &mut share).is_err() {
        return ApiError::TooManyBytes.into_response();
    }
    let (parts, body) = response.into_parts();
    match body.collect().await {
        Ok(collected) => {
            let bytes = Bytes::from_owner(Counted { bytes: collected.to_bytes(), _share: share });
            Response::from_parts(parts, Body::from(bytes))
        }
        Err(_) => ApiError::Internal("an answer that cannot be read").into_response(),
    }
}

/// Bytes with the share of a budget that they take up.
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

/// What is known of a request when it arrives.
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

    /// Writes the request's line and sends it off.
    fn leave(self, mut response: Response) -> Response {
        let notes = response.extensions_mut().remove::<Notes>().unwrap_or_default();
        let route = self.route.as_ref().map_or(NO_ROUTE, MatchedPath::as_str);
        let took = self.at.elapsed();
        let status = response.status();
        metrics::counter!(REQUESTS, "route" => route.to_owned(), "status" => status_word(status))
            .increment(1);
        metrics::histogram!(DURATIONS, "route" => route.to_owned(), "status" => status_word(status))
            .record(took);
        log(&self, route, status, took, &notes);

        let headers = response.headers_mut();
        headers.insert(REQUEST_ID, self.request_id);
        headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
        headers.entry(header::CACHE_CONTROL).or_insert(HeaderValue::from_static("no-store"));
        response
    }
}

fn log(arrival: &Arrival, route: &str, status: StatusCode, took: Duration, notes: &Notes) {
    macro_rules! line {
        ($level:ident) => {
            tracing::$level!(
                target: "http",
                method = arrival.method,
                route,
                status = status.as_u16(),
                duration_ms = milliseconds(took),
                txn_id = notes.txn_id.as_ref().map(tracing::field::display),
                request_id = arrival.request_id.to_str().unwrap_or_default(),
                code = notes.code.as_deref(),
                cause = notes.cause.as_deref(),
                "answered"
            )
        };
    }
    // Probes and scrapes come every few seconds and say nothing while all is well.
    let probe = route.contains("/health") || route.ends_with("/prometheus");
    if status == StatusCode::INTERNAL_SERVER_ERROR {
        line!(error);
    } else if status.is_server_error() {
        line!(warn);
    } else if probe {
        line!(debug);
    } else {
        line!(info);
    }
}

#[allow(clippy::float_arithmetic)] // a measured time, for people
fn milliseconds(took: Duration) -> f64 {
    took.as_secs_f64() * 1000.0
}

fn status_word(status: StatusCode) -> Cow<'static, str> {
    match status {
        StatusCode::OK => Cow::Borrowed("200"),
        StatusCode::BAD_REQUEST => Cow::Borrowed("400"),
        other => Cow::Owned(other.as_str().to_owned()),
    }
}

/// The methods that are known; a client may invent others, and shall not fill our log with them.
fn name_of(method: &Method) -> &'static str {
    [
        Method::POST,
        Method::GET,
        Method::HEAD,
        Method::OPTIONS,
        Method::PUT,
        Method::PATCH,
        Method::DELETE,
        Method::TRACE,
        Method::CONNECT,
    ]
    .iter()
    .zip(["POST", "GET", "HEAD", "OPTIONS", "PUT", "PATCH", "DELETE", "TRACE", "CONNECT"])
    .find_map(|(known, name)| (known == method).then_some(name))
    .unwrap_or("other")
}

/// The caller's number of the request if it is a decent one, else one of our own.
fn request_id(headers: &HeaderMap) -> HeaderValue {
    static PROCESS: LazyLock<u64> = LazyLock::new(|| RandomState::new().hash_one(std::process::id()));
    static COUNT: AtomicU64 = AtomicU64::new(1);

    let decent = |value: &&HeaderValue| {
        (1..=64).contains(&value.len())
            && value.as_bytes().iter().all(|byte| byte.is_ascii_alphanumeric() || b"-_.:".contains(byte))
    };
    if let Some(given) = headers.get(&REQUEST_ID).filter(decent) {
        return given.clone();
    }
    let own = format!("{:012x}-{:x}", *PROCESS >> 16, COUNT.fetch_add(1, Ordering::Relaxed));
    HeaderValue::try_from(own).unwrap_or(HeaderValue::from_static("0"))
}
