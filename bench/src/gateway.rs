//! A payment gateway with a configured delay: it implements the protocol of remote gateways
//! (`docs/remote-gateway.md`), opens every order at once, and reports it as paid. Refunds are taken on, and
//! reported as done when they are asked about.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use anyhow::Result;
use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, Uri};
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use payment_gateways::remote::signature::{NONCE, SIGNATURE, Side, Signed, TIMESTAMP};
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::sync::{RwLock, RwLockWriteGuard};

use crate::service::Launch;

pub(crate) const NAME: &str = "FAR";
/// The signing key of service and gateway; not a real secret.
const SECRET: &str = "what-the-gateway-and-the-service-share";
/// The service's timeout for a call.
const CALL_TIMEOUT_MS: u64 = 2000;

/// A gateway that runs in this process.
pub(crate) struct Gateway {
    address: String,
    desk: Arc<Desk>,
}

#[derive(Debug)]
struct Desk {
    /// The delay of a status answer, in milliseconds.
    delay_ms: AtomicU64,
    /// Status answers about payments wait while it is held.
    gate: RwLock<()>,
    /// One status request in so many fails; 0 for none.
    one_wrong_in: AtomicUsize,
    asked: AtomicUsize,
    under_way: AtomicUsize,
    most_under_way: AtomicUsize,
}

/// The answer to a failing status request.
#[derive(Debug, Clone, Copy)]
enum Fault {
    Fails,
    Hangs,
    Garbage,
}

impl Gateway {
    /// Starts a gateway whose status answers have this delay.
    pub(crate) async fn start(delay: Duration) -> Result<Gateway> {
        let desk = Arc::new(Desk {
            delay_ms: AtomicU64::default(),
            gate: RwLock::default(),
            one_wrong_in: AtomicUsize::new(0),
            asked: AtomicUsize::new(0),
            under_way: AtomicUsize::new(0),
            most_under_way: AtomicUsize::new(0),
        });
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let address = format!("http://{}/far", listener.local_addr()?);
        let router = Router::new()
            .route("/far/start", post(start))
            .route("/far/status", post(status))
            .route("/far/verify", post(verify))
            .route("/far/refund", post(refund))
            .route("/far/refund-status", post(refund_status))
            .with_state(desk.clone());
        tokio::spawn(async move { axum::serve(listener, router).await });
        let gateway = Gateway { address, desk };
        gateway.delays(delay)?;
        Ok(gateway)
    }

    /// From now on status answers have this delay.
    pub(crate) fn delays(&self, delay: Duration) -> Result<()> {
        self.desk.delay_ms.store(u64::try_from(delay.as_millis())?, Ordering::Relaxed);
        Ok(())
    }

    /// Answers nothing about payments until the guard is dropped.
    pub(crate) async fn holds_back(&self) -> RwLockWriteGuard<'_, ()> {
        self.desk.gate.write().await
    }

    /// A service with this gateway.
    pub(crate) fn offered(&self, launch: Launch) -> Launch {
        launch
            .set("remote.far.active", true)
            .set("remote.far.base-url", &self.address)
            .set("remote.far.timeout-ms", CALL_TIMEOUT_MS)
            .variable("PG_SERVICE_REMOTE_FAR_SECRET", SECRET)
    }

    /// From now on one status request in so many fails: in turn with an error, a hang, and garbage.
    pub(crate) fn one_wrong_in(&self, questions: usize) {
        self.desk.asked.store(0, Ordering::Relaxed);
        self.desk.one_wrong_in.store(questions, Ordering::Relaxed);
    }

    /// The maximum of concurrent status requests since the last call.
    pub(crate) fn most_under_way(&self) -> usize {
        self.desk.most_under_way.swap(0, Ordering::Relaxed)
    }
}

impl Desk {
    fn delay(&self) -> Duration {
        Duration::from_millis(self.delay_ms.load(Ordering::Relaxed))
    }

    fn fault(&self) -> Option<Fault> {
        let number = self.asked.fetch_add(1, Ordering::Relaxed) + 1;
        let one_wrong_in = self.one_wrong_in.load(Ordering::Relaxed);
        if one_wrong_in == 0 || !number.is_multiple_of(one_wrong_in) {
            return None;
        }
        Some(match number / one_wrong_in % 3 {
            0 => Fault::Fails,
            1 => Fault::Hangs,
            _ => Fault::Garbage,
        })
    }
}

/// A status request in progress: ends with its answer, or when the client disconnects.
struct UnderWay<'a>(&'a Desk);

impl UnderWay<'_> {
    fn begin(desk: &Desk) -> UnderWay<'_> {
        let under_way = desk.under_way.fetch_add(1, Ordering::Relaxed) + 1;
        desk.most_under_way.fetch_max(under_way, Ordering::Relaxed);
        UnderWay(desk)
    }
}

impl Drop for UnderWay<'_> {
    fn drop(&mut self) {
        self.0.under_way.fetch_sub(1, Ordering::Relaxed);
    }
}

async fn start(uri: Uri, headers: HeaderMap, body: Bytes) -> Response {
    let Some(order) = order_id(&body) else { return StatusCode::BAD_REQUEST.into_response() };
    let page = format!("http://far.example.org/pay/{order}");
    signed(&uri, &headers, &json!({ "orderId": order, "redirectUrl": page }))
}

async fn verify(uri: Uri, headers: HeaderMap) -> Response {
    signed(&uri, &headers, &json!({ "verdict": "unsigned" }))
}

async fn status(State(desk): State<Arc<Desk>>, uri: Uri, headers: HeaderMap, body: Bytes) -> Response {
    let _open = desk.gate.read().await;
    let _under_way = UnderWay::begin(&desk);
    let fault = desk.fault();
    let delay = match fault {
        // Longer than the client's timeout.
        Some(Fault::Hangs) => Duration::from_millis(CALL_TIMEOUT_MS * 2),
        Some(Fault::Fails | Fault::Garbage) | None => desk.delay(),
    };
    tokio::time::sleep(delay).await;
    match (fault, serde_json::from_slice::<Value>(&body)) {
        (Some(Fault::Fails), _) => StatusCode::INTERNAL_SERVER_ERROR.into_response(),
        (Some(Fault::Garbage | Fault::Hangs), _) => "what is this?".into_response(),
        (None, Err(_)) => StatusCode::BAD_REQUEST.into_response(),
        (None, Ok(question)) => {
            let answer = json!({
                "orderId": question["orderId"],
                "state": "paid",
                "amountPaise": question["amountPaise"],
                "currency": question["currency"],
                "gatewayTxnId": format!("FAR-{}", question["orderId"].as_str().unwrap_or_default()),
                "paymentMode": "UPI",
                "statusCode": "CAPTURED",
                "statusMessage": "captured",
            });
            signed(&uri, &headers, &answer)
        }
    }
}

/// Takes a refund on.
async fn refund(uri: Uri, headers: HeaderMap, body: Bytes) -> Response {
    refunded(&uri, &headers, &body, "pending")
}

/// Reports a refund as done.
async fn refund_status(State(desk): State<Arc<Desk>>, uri: Uri, headers: HeaderMap, body: Bytes) -> Response {
    let _under_way = UnderWay::begin(&desk);
    tokio::time::sleep(desk.delay()).await;
    refunded(&uri, &headers, &body, "refunded")
}

fn refunded(uri: &Uri, headers: &HeaderMap, body: &[u8], state: &str) -> Response {
    let Ok(asked) = serde_json::from_slice::<Value>(body) else {
        return StatusCode::BAD_REQUEST.into_response();
    };
    let answer = json!({
        "orderId": asked["orderId"],
        "refundId": asked["refundId"],
        "state": state,
        "refundAmountPaise": asked["refundAmountPaise"],
        "currency": asked["currency"],
        "gatewayRefundId": format!("FAR-{}", asked["refundId"].as_str().unwrap_or_default()),
        "statusCode": state,
        "statusMessage": state,
    });
    signed(uri, headers, &answer)
}

fn order_id(body: &[u8]) -> Option<String> {
    let question: Value = serde_json::from_slice(body).ok()?;
    Some(question["orderId"].as_str()?.to_owned())
}

/// A signed answer to the request with these headers.
fn signed(uri: &Uri, headers: &HeaderMap, answer: &Value) -> Response {
    let Some(nonce) = headers.get(NONCE).and_then(|nonce| nonce.to_str().ok()) else {
        return StatusCode::UNAUTHORIZED.into_response();
    };
    let body = answer.to_string();
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    let timestamp = now.as_secs().to_string();
    let question =
        Signed { side: Side::Response, method: "POST", path: uri.path(), timestamp: &timestamp, nonce };
    let signature = question.sign(SECRET, body.as_bytes());
    let headers = [
        ("content-type", "application/json".to_owned()),
        (TIMESTAMP, timestamp.clone()),
        (NONCE, nonce.to_owned()),
        (SIGNATURE, signature),
    ];
    (headers, body).into_response()
}
