//! Whole payments at the simulated providers: the application, the payer and their provider.

use std::sync::Mutex;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use payment_simulator::providers::{PayPage, Provider, Providers, ProvidersSettings, Visitor};
use serde_json::{Value, json};
use tokio::net::TcpListener;

use super::account::Account;
use super::{PATIENCE, http_client};

/// Payments through one account, by way of a service.
pub(crate) struct Payments {
    pub(crate) account: Account,
    pub(crate) simulator: Providers,
    pub(crate) simulator_url: String,
    pub(crate) visitor: Visitor,
    /// The address of the service for applications, with the context path.
    pub(crate) url: String,
    callback_url: String,
    http: reqwest::Client,
    bills: AtomicU32,
    retry_after: Mutex<Option<String>>,
}

/// A port of this machine, and its address.
pub(crate) async fn listener() -> (TcpListener, String) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    (listener, url)
}

/// Serves providers; returns them with their address. Their webhooks go to the service at `reporting_to`.
pub(crate) async fn simulate(reporting_to: Option<&str>) -> (Providers, String) {
    simulate_where(reporting_to, |_| {}).await
}

/// The same with other settings.
pub(crate) async fn simulate_where(
    reporting_to: Option<&str>,
    change: impl FnOnce(&mut ProvidersSettings),
) -> (Providers, String) {
    let (listener, url) = listener().await;
    let mut settings = ProvidersSettings::new(&url);
    if let Some(service_url) = reporting_to {
        settings = settings.reporting_to(service_url);
    }
    change(&mut settings);
    settings.webhooks.first_wait = Duration::from_millis(100);
    let simulator = Providers::new(settings).unwrap();
    let router = simulator.router();
    tokio::spawn(async move { axum::serve(listener, router).await });
    tokio::spawn(simulator.clone().run(std::future::pending()));
    (simulator, url)
}

impl Payments {
    pub(crate) fn new(
        account: Account,
        (simulator, simulator_url): (Providers, String),
        url: String,
        callback_url: impl Into<String>,
    ) -> Payments {
        Payments {
            account,
            simulator,
            simulator_url,
            visitor: Visitor::new(PATIENCE).unwrap(),
            url,
            callback_url: callback_url.into(),
            http: http_client(),
            bills: AtomicU32::new(0),
            retry_after: Mutex::default(),
        }
    }

    pub(crate) fn provider(&self) -> Provider {
        self.account.provider()
    }

    /// An unpaid bill.
    pub(crate) fn bill(&self) -> String {
        format!("BILL-{}", self.bills.fetch_add(1, Ordering::SeqCst))
    }

    pub(crate) fn bills_made(&self) -> u32 {
        self.bills.load(Ordering::SeqCst)
    }

    /// `Retry-After` of the last answer.
    pub(crate) fn retry_after(&self) -> Option<String> {
        self.retry_after.lock().unwrap().clone()
    }

    /// The gateways that are offered.
    pub(crate) async fn gateways(&self) -> Vec<String> {
        let (_, answer) = self.post("/gateway/v1/_search", &json!({})).await;
        serde_json::from_value(answer).unwrap()
    }

    /// The application tries to create a transaction for a bill.
    pub(crate) async fn try_to_create(&self, bill: &str) -> (u16, Value) {
        self.try_to_create_at(self.provider().name(), bill).await
    }

    pub(crate) async fn try_to_create_at(&self, gateway: &str, bill: &str) -> (u16, Value) {
        self.post("/transaction/v1/_create", &self.request(gateway, bill)).await
    }

    /// The application creates a transaction in another currency for a new bill.
    pub(crate) async fn create_in(&self, amount: &str, currency: &str) -> Value {
        let mut request = self.request(self.provider().name(), &self.bill());
        let txn = &mut request["Transaction"];
        txn["currency"] = currency.into();
        txn["txnAmount"] = amount.into();
        txn["taxAndPayments"][0]["amountPaid"] = amount.into();
        let (status, mut answer) = self.post("/transaction/v1/_create", &request).await;
        assert_eq!(status, 200, "{:?}: {answer}", self.account);
        answer["Transaction"].take()
    }

    fn request(&self, gateway: &str, bill: &str) -> Value {
        json!({
            "RequestInfo": request_info(),
            "Transaction": {
                "tenantId": "pb.amritsar",
                "txnAmount": "100.50",
                "module": "PT",
                "billId": bill,
                "consumerCode": "PT-107-001330",
                "productInfo": "ਜਾਇਦਾਦ ਟੈਕਸ & \"water\" + 100%",
                "gateway": gateway,
                "callbackUrl": self.callback_url,
                "taxAndPayments": [{ "amountPaid": "100.50", "billId": bill }],
                "user": { "name": "Åsha & Söns", "mobileNumber": "9876543210", "emailId": "a+b@example.org", "tenantId": "pb" },
            },
        })
    }

    /// The application creates a transaction for a new bill.
    pub(crate) async fn create(&self) -> Value {
        self.create_for(&self.bill()).await
    }

    pub(crate) async fn create_for(&self, bill: &str) -> Value {
        let (status, mut answer) = self.try_to_create(bill).await;
        assert_eq!(status, 200, "{:?}: {answer}", self.account);
        answer["Transaction"].take()
    }

    /// The payer's browser follows `redirectUrl` up to the pay page, which is about this order.
    pub(crate) async fn open(&self, txn: &Value) -> PayPage {
        let id = txn["txnId"].as_str().unwrap();
        let page = self.visitor.open(txn["redirectUrl"].as_str().unwrap()).await.unwrap();
        let entry = self.simulator.book_entry_of(self.provider(), id).unwrap();
        assert_eq!((entry.amount.minor, entry.protocol), (10_050, self.account.protocol()));
        page
    }

    /// The web client relays a query to `_update`; the transaction as it is answered.
    pub(crate) async fn relay(&self, query: &str) -> Value {
        let path = format!("/transaction/v1/_update?{query}");
        let (status, mut answer) = self.post(&path, &json!({ "RequestInfo": request_info() })).await;
        assert_eq!(status, 200, "{:?}: {query}: {answer}", self.account);
        answer["Transaction"][0].take()
    }

    pub(crate) async fn update(&self, id: &str) -> Value {
        self.relay(&format!("transactionId={id}")).await
    }

    /// The newest transaction of a bill.
    pub(crate) async fn of_bill(&self, bill: &str) -> Value {
        self.search("billId", bill).await
    }

    pub(crate) async fn search(&self, by: &str, value: &str) -> Value {
        let path = format!("/transaction/v1/_search?{by}={value}");
        let (status, mut answer) = self.post(&path, &json!({ "RequestInfo": request_info() })).await;
        assert_eq!(status, 200, "{answer}");
        answer["Transaction"][0].take()
    }

    /// Waits until the service has taken that many webhooks of an order.
    pub(crate) async fn webhooks_have_come(&self, id: &str, count: u32) {
        let started = Instant::now();
        loop {
            let webhooks = self.simulator.book_entry_of(self.provider(), id).unwrap().webhooks;
            if webhooks.delivered >= count {
                return;
            }
            assert!(started.elapsed() < PATIENCE, "{:?}: {webhooks:?}", self.account);
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    /// Asks the simulator's control for something.
    pub(crate) async fn control(&self, path: &str, asked: &Value) {
        let url = format!("{}/control{path}", self.simulator_url);
        let answer = self.http.post(url).json(asked).send().await.unwrap();
        assert!(answer.status().is_success());
    }

    /// Makes a delayed decision on an order come now.
    pub(crate) async fn elapse(&self, id: &str) {
        self.control(&format!("/orders/{}/{id}/elapse", self.provider().path()), &json!({})).await;
    }

    async fn post(&self, path: &str, body: &Value) -> (u16, Value) {
        let url = format!("{}{path}", self.url);
        let response = self.http.post(url).json(body).timeout(PATIENCE).send().await.unwrap();
        let status = response.status().as_u16();
        let retry_after =
            response.headers().get("retry-after").map(|value| value.to_str().unwrap().to_owned());
        *self.retry_after.lock().unwrap() = retry_after;
        (status, response.json().await.unwrap())
    }
}

fn request_info() -> Value {
    json!({
        "apiId": "Rainmaker",
        "userInfo": {
            "id": 7,
            "uuid": "7f4d3a52-0c1e-4a57-9d53-1d6f0c2b9a10",
            "userName": "asha",
            "name": "Åsha & Söns",
            "mobileNumber": "9876543210",
            "tenantId": "pb",
            "type": "CITIZEN",
        },
    })
}
