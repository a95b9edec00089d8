//! A simulator on a port of its own, a merchant's server that records its requests, a payer, and a manual
//! clock.

use std::sync::atomic::{AtomicI64, AtomicU16, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, Method, StatusCode, Uri};
use payment_simulator::providers::{
    BookEntry, Choice, Provider, Providers, ProvidersSettings, Visitor, WayBack,
};
use payment_simulator::sandbox::Clock;
use serde_json::{Value, json};
use tokio::sync::Notify;

/// 2024-03-15 11:12:12 in India.
const START_MS: i64 = 1_710_481_332_000;

/// Requests to the merchant's server.
#[derive(Debug, Clone)]
pub(crate) struct Received {
    pub(crate) method: Method,
    pub(crate) path: String,
    pub(crate) headers: HeaderMap,
    pub(crate) body: String,
}

impl Received {
    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }

    pub(crate) fn form(&self) -> Vec<(String, String)> {
        form_urlencoded::parse(self.body.as_bytes()).into_owned().collect()
    }
}

#[derive(Default)]
pub(crate) struct Merchant {
    received: Mutex<Vec<Received>>,
    /// The status of its answers; 0 is 200.
    pub(crate) status: AtomicU16,
    pub(crate) bell: Notify,
}

impl Merchant {
    pub(crate) fn take(&self) -> Vec<Received> {
        std::mem::take(&mut *self.received.lock().unwrap())
    }
}

pub(crate) struct World {
    pub(crate) base: String,
    pub(crate) service: String,
    pub(crate) providers: Providers,
    pub(crate) merchant: Arc<Merchant>,
    pub(crate) visitor: Visitor,
    pub(crate) http: reqwest::Client,
    now_ms: Arc<AtomicI64>,
}

pub(crate) async fn serve(router: Router) -> String {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
    address
}

async fn receive(
    State(merchant): State<Arc<Merchant>>,
    method: Method,
    uri: Uri,
    headers: HeaderMap,
    body: Bytes,
) -> StatusCode {
    let (path, body) = (uri.to_string(), String::from_utf8(body.to_vec()).unwrap());
    merchant.received.lock().unwrap().push(Received { method, path, headers, body });
    merchant.bell.notify_one();
    let status = merchant.status.load(Ordering::SeqCst);
    StatusCode::from_u16(if status == 0 { 200 } else { status }).unwrap()
}

impl World {
    pub(crate) async fn new() -> World {
        World::with(|_| {}).await
    }

    pub(crate) async fn with(change: impl FnOnce(&mut ProvidersSettings)) -> World {
        let merchant = Arc::new(Merchant::default());
        let service = serve(Router::new().fallback(receive).with_state(merchant.clone())).await;
        let now_ms = Arc::new(AtomicI64::new(START_MS));
        let shown = now_ms.clone();
        // The address is known before there is something to serve there.
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let base = format!("http://{}/sim", listener.local_addr().unwrap());
        let mut settings =
            ProvidersSettings::new(base.clone()).reporting_to(&format!("{service}/pg-service"));
        settings.clock = Clock::from_fn(move || shown.load(Ordering::SeqCst));
        change(&mut settings);
        let providers = Providers::new(settings).unwrap();
        let router = Router::new().nest("/sim", providers.router());
        tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
        let visitor = Visitor::new(Duration::from_secs(10)).unwrap();
        let http = reqwest::Client::builder()
            .timeout(Duration::from_secs(10))
            .redirect(reqwest::redirect::Policy::none())
            .build()
            .unwrap();
        World { base, service, providers, merchant, visitor, http, now_ms }
    }

    /// Where the merchant wants the browser back.
    pub(crate) fn return_url(&self) -> String {
        format!("{}/back?eg_pg_txnid=T1", self.service)
    }

    pub(crate) fn url(&self, path: &str) -> String {
        format!("{}{path}", self.base)
    }

    pub(crate) fn pass(&self, seconds: i64) {
        self.now_ms.fetch_add(seconds * 1_000, Ordering::SeqCst);
    }

    pub(crate) async fn post_form(&self, path: &str, fields: &[(String, String)]) -> (u16, String) {
        let body = form_urlencoded::Serializer::new(String::new()).extend_pairs(fields).finish();
        let request =
            self.http.post(self.url(path)).header("content-type", "application/x-www-form-urlencoded");
        let answer = request.body(body).send().await.unwrap();
        (answer.status().as_u16(), answer.text().await.unwrap())
    }

    pub(crate) async fn post_json(&self, path: &str, body: String) -> (u16, String) {
        let request = self.http.post(self.url(path)).header("content-type", "application/json").body(body);
        let answer = request.send().await.unwrap();
        (answer.status().as_u16(), answer.text().await.unwrap())
    }

    pub(crate) async fn control(&self, path: &str, body: Value) -> (u16, Value) {
        let (status, text) = self.post_json(&format!("/control{path}"), body.to_string()).await;
        (status, serde_json::from_str(&text).unwrap_or(Value::Null))
    }

    pub(crate) async fn control_get(&self, path: &str) -> Value {
        self.http.get(self.url(&format!("/control{path}"))).send().await.unwrap().json().await.unwrap()
    }

    /// Asks for a fault of one order.
    pub(crate) async fn fault(&self, provider: &str, order: &str, fault: &str) {
        let (status, _) =
            self.control(&format!("/orders/{provider}/{order}"), json!({ "fault": fault })).await;
        assert_eq!(status, 200);
    }

    /// The payer goes to the page and chooses.
    pub(crate) async fn choose(&self, way: &WayBack, choice: Choice) -> Option<WayBack> {
        let page = self.visitor.open(way).await.unwrap();
        self.visitor.choose(&page, choice).await.unwrap()
    }

    /// The payer chooses, and the browser goes back; returns the merchant's request.
    pub(crate) async fn choose_and_return(&self, way: &WayBack, choice: Choice) -> Received {
        let back = self.choose(way, choice).await.unwrap();
        self.visitor.follow(&back).await.unwrap();
        let mut received = self.merchant.take();
        assert_eq!(received.len(), 1, "{received:?}");
        received.remove(0)
    }

    /// The entry of an order that must be there.
    pub(crate) fn book(&self, provider: Provider, order: &str) -> BookEntry {
        self.providers.book_entry_of(provider, order).unwrap()
    }
}

/// Owned pairs.
pub(crate) fn pairs(fields: &[(&str, &str)]) -> Vec<(String, String)> {
    fields.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
}

/// Borrowed pairs.
pub(crate) fn borrowed(fields: &[(String, String)]) -> impl Iterator<Item = (&str, &str)> + Clone {
    fields.iter().map(|(name, value)| (name.as_str(), value.as_str()))
}

/// A field's value; empty when it is not there.
pub(crate) fn field<'a>(fields: &'a [(String, String)], name: &str) -> &'a str {
    fields.iter().find(|(field, _)| field == name).map_or("", |(_, value)| value)
}
