//! The address that providers report to from server to server.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::Router;
use axum::extract::State;
use axum::http::HeaderMap;
use axum::routing::post;
use bytes::Bytes;
use payment_gateway::{Answer, Params};
use payment_gateways::form;
use tokio::net::TcpListener;
use tokio::sync::Notify;

/// How long a report may take that has to come.
const LONGEST_WAIT: Duration = Duration::from_secs(20);

#[derive(Clone)]
pub(crate) struct Receiver {
    pub(crate) url: String,
    reports: Arc<Reports>,
}

#[derive(Default)]
struct Reports {
    received: Mutex<Vec<Answer>>,
    bell: Notify,
}

impl Receiver {
    pub(crate) async fn start() -> Receiver {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/notify", listener.local_addr().unwrap());
        let reports = Arc::<Reports>::default();
        let router = Router::new().route("/notify", post(take)).with_state(reports.clone());
        tokio::spawn(async move { axum::serve(listener, router).await });
        Receiver { url, reports }
    }

    /// The answers received since the last call.
    pub(crate) fn take(&self) -> Vec<Answer> {
        std::mem::take(&mut self.reports.received.lock().unwrap())
    }

    /// Waits for a report that has to come.
    pub(crate) async fn wait(&self) -> Vec<Answer> {
        loop {
            let rung = self.reports.bell.notified();
            let taken = self.take();
            if !taken.is_empty() {
                return taken;
            }
            tokio::time::timeout(LONGEST_WAIT, rung).await.expect("the provider reports");
        }
    }
}

async fn take(State(reports): State<Arc<Reports>>, headers: HeaderMap, body: Bytes) {
    let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let params = match text("content-type").starts_with("application/x-www-form-urlencoded") {
        true => form::decode(&body),
        false => Vec::new(),
    };
    let headers = headers
        .iter()
        .map(|(name, value)| {
            (name.as_str().to_owned(), String::from_utf8_lossy(value.as_bytes()).into_owned())
        })
        .collect();
    let answer = Answer { params: Params::new(params), headers: Params::new(headers), body };
    reports.received.lock().unwrap().push(answer);
    reports.bell.notify_waiters();
}
