//! A service and the simulated providers, and what a test does in them.

use std::collections::BTreeMap;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use payment_http::Metrics;
use payment_simulator::providers::{
    CallbackPolicy, PayPage, Provider, Providers, ProvidersSettings, Visitor, WayBack,
};
use pg_service::config::{self, Sources, setting};
use pg_service::service::{self, Running};
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::net::TcpListener;

use crate::support::account::Account;
use crate::support::{PATIENCE, http_client};

pub(crate) struct World {
    pub(crate) account: Account,
    pub(crate) simulator: Providers,
    pub(crate) visitor: Visitor,
    pub(crate) service: Running,
    pub(crate) folder: TempDir,
    simulator_url: String,
    http: reqwest::Client,
    bills: AtomicU32,
    retry_after: Mutex<Option<String>>,
}

async fn listener() -> (TcpListener, String) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    (listener, url)
}

impl World {
    /// A service that waits so long for its gateway.
    pub(crate) async fn new(account: Account, gateway_wait: Duration) -> World {
        World::with(account, gateway_wait, &[]).await
    }

    pub(crate) async fn with(account: Account, gateway_wait: Duration, extra: &[(&str, &str)]) -> World {
        let http = http_client();
        let folder = tempfile::tempdir().unwrap();
        let (at_service, service_url) = listener().await;
        let (at_simulator, simulator_url) = listener().await;

        let mut settings =
            ProvidersSettings::new(&simulator_url).reporting_to(&format!("{service_url}/pg-service"));
        settings.webhooks = CallbackPolicy { first_wait: Duration::from_millis(100), ..settings.webhooks };
        let simulator = Providers::new(settings).unwrap();
        let router = simulator.router();
        tokio::spawn(async move { axum::serve(at_simulator, router).await });
        tokio::spawn(simulator.clone().run(std::future::pending()));

        // A later value of a setting replaces an earlier one.
        let mut set: BTreeMap<String, String> = simulator
            .properties(&simulator_url)
            .into_iter()
            .map(|(name, value)| (name.to_owned(), value))
            .collect();
        let more = [
            ("data.dir", folder.path().join("data").display().to_string()),
            ("bank-account", "000100200300".to_owned()),
            ("callback.allowed-hosts", "city.example".to_owned()),
            ("gateways.wait-ms", gateway_wait.as_millis().to_string()),
        ];
        set.extend(more.into_iter().map(|(name, value)| (name.to_owned(), value)));
        let chosen = account.setting().into_iter().chain(extra.iter().copied());
        set.extend(chosen.map(|(name, value)| (name.to_owned(), value.to_owned())));
        let environment = set
            .into_iter()
            .map(|(name, value)| (format!("{}{}", setting::OWN_PREFIX, setting::variable(&name)), value))
            .collect();
        let loaded = config::load(&Sources { environment, ..Sources::default() });
        assert!(loaded.problems.is_empty() && loaded.notices.is_empty(), "{:?}", loaded.problems);
        let config = loaded.into_config().unwrap();
        let service = service::start(config, at_service, Metrics::detached()).await.unwrap();
        let visitor = Visitor::new(PATIENCE).unwrap();
        let (bills, retry_after) = Default::default();
        World { account, simulator, visitor, service, folder, simulator_url, http, bills, retry_after }
    }

    pub(crate) fn provider(&self) -> Provider {
        self.account.provider()
    }

    /// A bill that nobody has paid yet.
    pub(crate) fn bill(&self) -> String {
        format!("BILL-{}", self.bills.fetch_add(1, Ordering::SeqCst))
    }

    pub(crate) fn bills_made(&self) -> u32 {
        self.bills.load(Ordering::SeqCst)
    }

    /// When the last answer told to come again.
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
        let body = json!({
            "RequestInfo": request_info(),
            "Transaction": {
                "tenantId": "pb.amritsar",
                "txnAmount": "100.50",
                "module": "PT",
                "billId": bill,
                "consumerCode": "PT-107-001330",
                "productInfo": "ਜਾਇਦਾਦ ਟੈਕਸ & \"water\" + 100%",
                "gateway": gateway,
                "callbackUrl": "https://city.example/back?from=test",
                "taxAndPayments": [{ "amountPaid": "100.50", "billId": bill }],
                "user": { "name": "Åsha & Söns", "mobileNumber": "9876543210", "tenantId": "pb" },
            },
        });
        self.post("/transaction/v1/_create", &body).await
    }

    /// The application creates a transaction.
    pub(crate) async fn create(&self) -> Value {
        let (status, mut answer) = self.try_to_create(&self.bill()).await;
        assert_eq!(status, 200, "{:?}: {answer}", self.account);
        answer["Transaction"].take()
    }

    /// The application creates a transaction at a gateway that was away.
    pub(crate) async fn create_when_it_is_back(&self) -> Value {
        let started = Instant::now();
        loop {
            let (status, mut answer) = self.try_to_create(&self.bill()).await;
            if status == 200 {
                return answer["Transaction"].take();
            }
            assert!(started.elapsed() < PATIENCE, "the gateway does not come back: {answer}");
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    }

    /// The payer's browser goes where it is sent, up to the pay page, which is about this order.
    pub(crate) async fn open(&self, txn: &Value) -> PayPage {
        let id = txn["txnId"].as_str().unwrap();
        let way = WayBack::Follow(txn["redirectUrl"].as_str().unwrap().to_owned());
        let page = self.visitor.open(&way).await.unwrap();
        let entry = self.simulator.book_entry_of(self.provider(), id).unwrap();
        assert_eq!((entry.amount_paise, entry.protocol), (10_050, self.account.protocol()));
        page
    }

    /// The web client asks what became of it.
    pub(crate) async fn update(&self, id: &str) -> Value {
        let path = format!("/transaction/v1/_update?transactionId={id}");
        let (status, mut answer) = self.post(&path, &json!({ "RequestInfo": request_info() })).await;
        assert_eq!(status, 200, "{answer}");
        answer["Transaction"][0].take()
    }

    /// The web client asks until the transaction stands there. One question may be lost; where it
    /// stands may only get there.
    pub(crate) async fn settled(&self, id: &str, status: &str) -> Value {
        let started = Instant::now();
        loop {
            let txn = self.update(id).await;
            let receipted = status != "SUCCESS" || txn["receipt"].is_string();
            if txn["txnStatus"] == status && receipted {
                return txn;
            }
            assert!(txn["txnStatus"] == "PENDING" || txn["txnStatus"] == status, "{:?}: {txn}", self.account);
            assert!(started.elapsed() < PATIENCE, "{:?}: it does not come to {status}: {txn}", self.account);
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }

    /// Waits, without asking the gateway, until the transaction stands there.
    pub(crate) async fn stored(&self, id: &str, status: &str) {
        let started = Instant::now();
        loop {
            let txn = self.search("txnId", id).await;
            if txn["txnStatus"] == status {
                return;
            }
            assert!(started.elapsed() < PATIENCE, "{:?}: nobody tells of {status}: {txn}", self.account);
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }

    /// Waits until the service has taken so many webhooks of an order.
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

    /// The newest transaction of a bill.
    pub(crate) async fn of_bill(&self, bill: &str) -> Value {
        self.search("billId", bill).await
    }

    async fn search(&self, by: &str, value: &str) -> Value {
        let path = format!("/transaction/v1/_search?{by}={value}");
        let (status, mut answer) = self.post(&path, &json!({ "RequestInfo": request_info() })).await;
        assert_eq!(status, 200, "{answer}");
        answer["Transaction"][0].take()
    }

    /// Asks the simulator's control for something.
    pub(crate) async fn control(&self, path: &str, asked: &Value) {
        let url = format!("{}/control{path}", self.simulator_url);
        let answer = self.http.post(url).json(asked).send().await.unwrap();
        assert!(answer.status().is_success());
    }

    /// Lets what is to come later to an order come now.
    pub(crate) async fn elapse(&self, id: &str) {
        self.control(&format!("/orders/{}/{id}/elapse", self.provider().path()), &json!({})).await;
    }

    async fn post(&self, path: &str, body: &Value) -> (u16, Value) {
        let url = format!("{}{path}", self.service.local_url());
        let patient = self.http.post(url).json(body).timeout(PATIENCE);
        let response = patient.send().await.unwrap();
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
            "uuid": "7f4d3a52-0c1e-4a57-9d53-1d6f0c2b9a10",
            "userName": "asha",
            "name": "Åsha & Söns",
            "mobileNumber": "9876543210",
            "tenantId": "pb",
            "type": "CITIZEN",
        },
    })
}
