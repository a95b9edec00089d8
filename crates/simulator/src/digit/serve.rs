//! The addresses of the services: a call is recorded, given its fault, processed, answered.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Bytes;
use axum::extract::{DefaultBodyLimit, Path, Query, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use axum::{Json, middleware};
use serde_json::{Map, Value, json};

use super::State as Digit;
use super::answer::{Answer, Asked};
use super::books::ReceivedCall;
use super::endpoint::Endpoint;
use super::fault::Fault;
use crate::cut;

const MAX_BODY_BYTES: usize = 1024 * 1024;
/// Something that is no answer of any service: not even text.
const GARBAGE: &[u8] = b"\x1f\x8b\xff\xfe<html><body>upstream connect error{\"Payments\":";

pub(crate) fn router(digit: Arc<Digit>) -> Router {
    let services = Endpoint::ALL.into_iter().fold(Router::new(), |router, endpoint| {
        let handler = move |State(digit): State<Arc<Digit>>,
                            Path(path): Path<BTreeMap<String, String>>,
                            Query(query): Query<BTreeMap<String, String>>,
                            headers: HeaderMap,
                            body: Bytes| async move {
            let parameters = query.into_iter().chain(path).collect();
            receive(&digit, endpoint, parameters, &headers, &body).await
        };
        router.route(endpoint.path(), post(handler))
    });
    services
        .layer(DefaultBodyLimit::max(MAX_BODY_BYTES))
        .layer(middleware::map_response(not_kept))
        .with_state(digit)
}

async fn not_kept(mut response: Response) -> Response {
    response.headers_mut().insert(header::CACHE_CONTROL, header::HeaderValue::from_static("no-store"));
    response
}

async fn receive(
    digit: &Digit,
    endpoint: Endpoint,
    query: BTreeMap<String, String>,
    headers: &HeaderMap,
    body: &[u8],
) -> Response {
    let headers = headers
        .iter()
        .filter_map(|(name, value)| Some((name.as_str().to_owned(), value.to_str().ok()?.to_owned())))
        .collect();
    let text = String::from_utf8_lossy(body).into_owned();
    let parsed: Value = serde_json::from_str(&text).unwrap_or_else(|_| form(body));
    let fault = digit.books().arrived(ReceivedCall { endpoint, query: query.clone(), headers, text });
    let work = || {
        let asked = Asked { query: &query, body: &parsed };
        let answer = digit.books().work(endpoint, &asked, &digit.url, &digit.today());
        shown(endpoint, answer)
    };
    match fault {
        None => work(),
        Some(Fault::Slow { ms }) => {
            let answer = work();
            tokio::time::sleep(Duration::from_millis(ms)).await;
            answer
        }
        Some(Fault::SlowWork { ms }) => {
            tokio::time::sleep(Duration::from_millis(ms)).await;
            work()
        }
        Some(Fault::Status500) => {
            (StatusCode::INTERNAL_SERVER_ERROR, "Internal Server Error\n").into_response()
        }
        Some(Fault::CutAfterWork) => {
            let _lost = work();
            cut()
        }
        Some(Fault::CutBeforeWork) => cut(),
        Some(Fault::Refuse4xx { status, body }) => {
            (StatusCode::from_u16(status).unwrap_or(StatusCode::BAD_REQUEST), body).into_response()
        }
        Some(Fault::Garbage) => {
            let _lost = work();
            ([(header::CONTENT_TYPE, "text/html")], GARBAGE).into_response()
        }
        Some(Fault::EmptyList) => shown(endpoint, Answer::List(Vec::new())),
    }
}

/// The fields of a form.
fn form(body: &[u8]) -> Value {
    form_urlencoded::parse(body)
        .map(|(name, value)| (name.into_owned(), Value::from(value.into_owned())))
        .collect()
}

fn shown(endpoint: Endpoint, answer: Answer) -> Response {
    match (answer, endpoint.list()) {
        (Answer::List(items), Some(name)) => {
            let response_info = ("ResponseInfo".to_owned(), json!({"status": "successful"}));
            let list = (name.to_owned(), Value::Array(items));
            Json(Map::from_iter([response_info, list])).into_response()
        }
        (Answer::List(_), None) => String::new().into_response(),
        (Answer::Object(object), _) => Json(object).into_response(),
        (Answer::Text(text), _) => text.into_response(),
        (Answer::Refused(body), _) => (StatusCode::BAD_REQUEST, Json(body)).into_response(),
    }
}
