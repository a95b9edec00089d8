//! A service beside DIGIT, behind DIGIT's API gateway, and everybody who takes part in a payment: the
//! real program, simulated providers, an application, a payer.

use std::path::Path;
use std::process::Command;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use payment_simulator::digit::PretendDigit;
use payment_simulator::providers::{Choice, PayPage, Providers, ProvidersSettings, Visitor, WayBack};
use pg_service::config::setting;
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::net::TcpListener;

use crate::application::{Application, Visit};
use crate::gateway::ApiGateway;
use crate::support::account::Account;
use crate::support::{PATIENCE, Service, free_port, http_client, pg_service, stderr, stdout};

/// What DIGIT's API gateway opens of the service as it is delivered.
pub(crate) const STOCK: [&str; 2] =
    ["/pg-service/transaction/v1/_create", "/pg-service/transaction/v1/_update"];

/// Names of settings and their values.
pub(crate) type Settings = Vec<(&'static str, String)>;

pub(crate) struct World {
    pub(crate) account: Account,
    pub(crate) simulator: Providers,
    pub(crate) digit: PretendDigit,
    pub(crate) application: Application,
    pub(crate) api_gateway: ApiGateway,
    pub(crate) service: Service,
    simulator_url: String,
    visitor: Visitor,
    settings: Settings,
    folder: TempDir,
    http: reqwest::Client,
    bills: AtomicU32,
}

/// The program with these settings.
pub(crate) fn configured(folder: &Path, settings: &Settings) -> Command {
    let mut command = pg_service(folder);
    for (name, value) in settings {
        command.env(format!("{}{}", setting::OWN_PREFIX, setting::variable(name)), value);
    }
    command
}

/// The accounts at the simulated providers, one of them in use, beside a DIGIT at this address.
pub(crate) fn beside_digit(
    simulator: &Providers,
    simulator_url: &str,
    digit: &str,
    account: Account,
) -> Settings {
    let mut settings: Settings = simulator.properties(simulator_url);
    for (name, value) in &mut settings {
        if name.ends_with(".active") {
            *value = (*name == format!("{}.active", account.provider().path())).to_string();
        }
    }
    settings.extend(account.setting().map(|(name, value)| (name, value.to_owned())));
    let hosts = [
        "egov.idgen.host",
        "egov.userservice.host",
        "egov.collectionservice.host",
        "egov.bankaccountservice.host",
    ];
    settings.extend(hosts.map(|name| (name, digit.to_owned())));
    settings.push(("callback.allowed-hosts", "127.0.0.1".to_owned()));
    settings
}

/// The paths that `check-config` names.
pub(crate) fn told_to_open(folder: &Path, settings: &Settings) -> Vec<String> {
    let output = configured(folder, settings).arg("check-config").output().unwrap();
    let text = stdout(&output);
    assert!(output.status.success(), "{text}{}", stderr(&output));
    text.lines().map(str::trim).filter(|line| line.starts_with("/pg-service/")).map(str::to_owned).collect()
}

impl World {
    /// Behind the API gateway as it is delivered, with nothing said about redirects.
    pub(crate) async fn stock(account: Account) -> World {
        World::start(account, |_| Settings::new(), |_, _| STOCK.map(str::to_owned).to_vec()).await
    }

    /// With the address of the API gateway as the service's own, and what the service asks for opened.
    pub(crate) async fn through_service(account: Account) -> World {
        let public_url = |api_gateway: &str| vec![("server.public-url", format!("{api_gateway}/pg-service"))];
        World::start(account, public_url, told_to_open).await
    }

    async fn start(
        account: Account,
        more: impl Fn(&str) -> Settings,
        open: impl Fn(&Path, &Settings) -> Vec<String>,
    ) -> World {
        let (digit, application) = (PretendDigit::start().await.unwrap(), Application::start().await);
        let at_api_gateway = ApiGateway::listen().await;
        let more = more(&at_api_gateway.url);
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let simulator_url = format!("http://{}", listener.local_addr().unwrap());
        let mut providers = ProvidersSettings::new(&simulator_url);
        if let Some((_, public_url)) = more.iter().find(|(name, _)| *name == "server.public-url") {
            providers = providers.reporting_to(public_url);
        }
        let simulator = Providers::new(providers).unwrap();
        let router = simulator.router();
        tokio::spawn(async move { axum::serve(listener, router).await });
        tokio::spawn(simulator.clone().run(std::future::pending()));

        let folder = tempfile::tempdir().unwrap();
        let mut settings = beside_digit(&simulator, &simulator_url, digit.url(), account);
        settings.extend(more);
        let port = free_port();
        let open = open(folder.path(), &settings);
        let api_gateway = at_api_gateway.serve(port, open);
        let log = folder.path().join("log");
        let service = Service::start(configured(folder.path(), &settings), port, &log).await;
        World {
            account,
            simulator,
            digit,
            application,
            api_gateway,
            service,
            simulator_url,
            visitor: Visitor::new(PATIENCE).unwrap(),
            settings,
            folder,
            http: http_client(),
            bills: AtomicU32::new(1),
        }
    }

    /// The application creates a transaction for a new bill.
    pub(crate) async fn create(&self) -> Value {
        let bill = format!("BILL-{}", self.bills.fetch_add(1, Ordering::SeqCst));
        self.create_for(&bill).await
    }

    pub(crate) async fn create_for(&self, bill: &str) -> Value {
        let body = json!({
            "RequestInfo": request_info(),
            "Transaction": {
                "tenantId": "pb.amritsar",
                "txnAmount": "100.50",
                "module": "PT",
                "billId": bill,
                "consumerCode": "PT-107-001330",
                "productInfo": "ਜਾਇਦਾਦ ਟੈਕਸ & \"water\" + 100%",
                "gateway": self.account.provider().name(),
                "callbackUrl": self.application.callback_url(),
                "taxAndPayments": [{ "amountPaid": "100.50", "billId": bill }],
                "user": { "name": "Åsha & Söns", "mobileNumber": "9876543210", "emailId": "a+b@example.org", "tenantId": "pb" },
            },
        });
        let (status, mut answer) = self.post("/pg-service/transaction/v1/_create", &body).await;
        assert_eq!(status, 200, "{:?}: {answer}\n{}", self.account, self.service.log());
        answer["Transaction"].take()
    }

    /// The browser follows `redirectUrl` up to the provider's pay page.
    pub(crate) async fn open(&self, txn: &Value) -> PayPage {
        let redirect = txn["redirectUrl"].as_str().unwrap().to_owned();
        self.visitor.open(&WayBack::Follow(redirect)).await.unwrap()
    }

    /// The payer chooses on the page; the way on which the browser is sent back.
    pub(crate) async fn choose(&self, page: &PayPage, choice: Choice) -> Option<WayBack> {
        self.visitor.choose(page, choice).await.unwrap()
    }

    /// The browser goes back, and on where it is sent; how it came to the application in the end.
    pub(crate) async fn back_at_application(&self, way: WayBack) -> Visit {
        let (mut status, mut location) = self.visitor.follow(&way).await.unwrap();
        while let Some(next) = location {
            (status, location) = self.visitor.follow(&WayBack::Follow(next)).await.unwrap();
        }
        assert_eq!(status, 200, "{:?}", self.account);
        self.application.visit()
    }

    /// The web client relays a query to `_update`; the transaction as it is answered.
    pub(crate) async fn update(&self, query: &str) -> Value {
        let path = format!("/pg-service/transaction/v1/_update?{query}");
        let (status, mut answer) = self.post(&path, &json!({ "RequestInfo": request_info() })).await;
        assert_eq!(status, 200, "{:?}: {query}: {answer}", self.account);
        answer["Transaction"][0].take()
    }

    /// Waits until the service has taken a webhook of an order.
    pub(crate) async fn webhook_has_come(&self, id: &str) {
        let started = Instant::now();
        loop {
            let webhooks = self.simulator.book_entry_of(self.account.provider(), id).unwrap().webhooks;
            if webhooks.delivered > 0 {
                return;
            }
            assert!(started.elapsed() < PATIENCE, "{:?}: {webhooks:?}", self.account);
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    /// An operator asks the gateways about everything that is pending.
    pub(crate) fn reconcile(&self) {
        let output = configured(self.folder.path(), &self.settings)
            .args(["reconcile", "--older-than", "0s"])
            .output()
            .unwrap();
        assert!(output.status.success(), "{}{}", stdout(&output), stderr(&output));
    }

    /// Whether a URL leads to the simulated providers.
    pub(crate) fn is_at_provider(&self, url: &str) -> bool {
        url.starts_with(&format!("{}/", self.simulator_url))
    }

    async fn post(&self, path: &str, body: &Value) -> (u16, Value) {
        let url = format!("{}{path}", self.api_gateway.url());
        let answer = self.http.post(url).json(body).timeout(PATIENCE).send().await.unwrap();
        (answer.status().as_u16(), answer.json().await.unwrap())
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
