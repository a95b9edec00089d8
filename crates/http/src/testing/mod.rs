//! The whole service in one process, for tests: the endpoints over a real database and embedded implementations, with
//! fake gateways.

mod form;
mod log;
mod operating;

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use bytes::Bytes;
use http::{HeaderMap, Method, Request, StatusCode, header};
use http_body_util::BodyExt;
use payment_digit::embedded::{
    ConfiguredBankAccounts, PayerDirectory, ReceiptRegister, SequenceIds, indian_standard_time,
};
use payment_domain::{Currency, GatewayName, ManualClock, Money, Outcome, Timestamp, TxnId};
use payment_gateway::{FakeGateway, Gateway, StartMode};
use payment_service::{
    AllowedCallbackHosts, Gateways, Pace, PaceSettings, Payments, Ports, QuestionSettings, Redirects,
    RefundSettings, RoleCodes, Settings,
};
use payment_store::Store;
use payment_testing::accounts::accounts;
use payment_testing::collections::FakeCollections;
use payment_testing::database::Database;
use payment_testing::store::ObservedStore;
use serde_json::{Value, json};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tower::ServiceExt;

use crate::{App, ContextPath, IdentityProof, Metrics, Pages, RequestLimits, TrustedProxies};

pub(crate) use form::FormGateway;
pub(crate) use log::Log;
pub(crate) use operating::{TOKEN, TestJob};
pub(crate) use payment_testing::collections::Fault;

/// 2026-11-22T16:00:00+05:30.
const NOW: Timestamp = Timestamp::from_millis(1_795_343_400_000);

pub(crate) struct TestApp {
    pub(crate) payments: Payments,
    pub(crate) store: Arc<dyn Store>,
    /// A gateway whose redirect is computed.
    pub(crate) gateway: Arc<FakeGateway>,
    /// A gateway that is called to open an order.
    pub(crate) network: Arc<FakeGateway>,
    pub(crate) collections: Arc<FakeCollections<ReceiptRegister>>,
    pub(crate) clock: Arc<ManualClock>,
    /// The job `test`.
    pub(crate) job: Arc<TestJob>,
    /// Stops the work that operators have started.
    pub(crate) stop: CancellationToken,
    router: Router,
    admin_router: Router,
    may_owe_receipts: bool,
    database: Database,
}

pub(crate) struct Choices {
    pub(crate) context_path: &'static str,
    pub(crate) limits: RequestLimits,
    pub(crate) search_scope: bool,
    pub(crate) identity: IdentityProof,
    pub(crate) receipt_wait: Duration,
    pub(crate) allowed_callback_hosts: AllowedCallbackHosts,
    pub(crate) order_life_of: BTreeMap<GatewayName, Duration>,
    /// The database is unavailable.
    pub(crate) database_is_unavailable: bool,
    pub(crate) operators: bool,
    pub(crate) stands_alone: bool,
    pub(crate) questions: u32,
    pub(crate) pages: Pages,
    pub(crate) upyog_form: bool,
    pub(crate) proxies: TrustedProxies,
    pub(crate) beside: Router,
}

impl Default for Choices {
    fn default() -> Choices {
        Choices {
            context_path: "/pg-service",
            limits: RequestLimits::default(),
            search_scope: true,
            identity: IdentityProof::Believed,
            receipt_wait: Duration::from_secs(20),
            allowed_callback_hosts: AllowedCallbackHosts::of_all(
                ["city.example", "city.example.org", "localhost"].map(str::to_owned).to_vec(),
            ),
            order_life_of: BTreeMap::new(),
            database_is_unavailable: false,
            operators: true,
            stands_alone: false,
            questions: 1000,
            pages: Pages::ALL,
            upyog_form: false,
            proxies: TrustedProxies::default(),
            beside: Router::new(),
        }
    }
}

impl TestApp {
    pub(crate) fn new() -> TestApp {
        TestApp::with(Choices::default())
    }

    pub(crate) fn with(choices: Choices) -> TestApp {
        let clock = Arc::new(ManualClock::at(NOW));
        let database = Database::open(&clock);
        let (store, registers) = (database.store.clone(), database.registers.clone());
        let gateway = Arc::new(FakeGateway::new("FAKE", StartMode::Offline));
        let network = Arc::new(FakeGateway::new("NETWORK", StartMode::Network));
        let form = Arc::new(FormGateway::new(gateway.clone()));
        let collections =
            Arc::new(FakeCollections::new(ReceiptRegister::new(registers.clone(), clock.clone())));
        let format = "PB_PG_[cy:yyyy_MM_dd]_[SEQ_EG_PG_TXN]".parse().unwrap();
        let used_store = Arc::new(ObservedStore::new(store.clone()));
        used_store.is_available(!choices.database_is_unavailable);
        let used_store: Arc<dyn Store> = used_store;
        let accounts = accounts(&used_store, &clock, &gateway);
        let payments = Payments::new(Ports {
            store: used_store,
            gateways: Gateways::new([
                gateway.clone() as Arc<dyn Gateway>,
                network.clone() as Arc<dyn Gateway>,
                form as Arc<dyn Gateway>,
            ])
            .with_accounts(accounts.directory.clone())
            .with_known_parameters(["vpc_MerchTxnRef", "ORDERID", "txnid"]),
            ids: Arc::new(SequenceIds::new(registers.clone(), clock.clone(), indian_standard_time(), format)),
            collections: collections.clone(),
            payers: Arc::new(PayerDirectory::new(registers, clock.clone())),
            bank_accounts: Arc::new(ConfiguredBankAccounts::new(HashMap::new(), None)),
            clock: clock.clone(),
            settings: Settings {
                redirects: Redirects::Service {
                    public_url: "https://pay.example.org/pg-service".to_owned(),
                    upyog_form: choices.upyog_form,
                },
                early_interval: Duration::from_secs(15 * 60),
                order_life: None,
                order_life_of: choices.order_life_of,
                ask_after: Some(Duration::from_secs(60)),
                reuse_after: Some(Duration::from_secs(5)),
                time_zone: indian_standard_time(),
                receipt_wait: choices.receipt_wait,
                receipt_lease: Duration::from_secs(120),
                collection_call: Duration::from_secs(15),
                largest_clock_offset: None,
                gateway_wait: Duration::from_secs(20),
                questions: QuestionSettings { burst: choices.questions, every: Duration::from_secs(10) },
                refunds: RefundSettings::default(),
                pace: PaceSettings { of_others: Pace { at_once: 4, per_second: None }, own: BTreeMap::new() },
                search_scope: choices.search_scope,
                system_user_uuid: "system-uuid".to_owned(),
                allowed_callback_hosts: choices.allowed_callback_hosts,
                unsigned_callbacks_per_day: 20,
                checkpoints: std::sync::Arc::default(),
            },
            tasks: TaskTracker::new(),
        });
        let (job, stop) = (Arc::new(TestJob::default()), CancellationToken::new());
        let operators = operating::operators(&payments, &job, &stop, choices.operators);
        let app = App {
            payments: payments.clone(),
            accounts,
            identity: choices.identity,
            roles: RoleCodes::default(),
            stands_alone: choices.stands_alone,
            upyog_accepted_code: "OTS0000".to_owned(),
            metrics: Metrics::detached(),
            context_path: ContextPath::new(choices.context_path).unwrap(),
            limits: choices.limits,
            proxies: choices.proxies,
            operators,
            pages: choices.pages,
        };
        let admin_router = crate::admin_router(app.clone());
        let router = crate::router(app, choices.beside, None);
        TestApp {
            payments,
            store,
            gateway,
            network,
            collections,
            clock,
            job,
            stop,
            router,
            admin_router,
            may_owe_receipts: false,
            database,
        }
    }

    /// This test leaves receipts due on purpose.
    pub(crate) fn may_owe_receipts(&mut self) {
        self.may_owe_receipts = true;
    }

    pub(crate) fn router(&self) -> Router {
        self.router.clone()
    }

    pub(crate) async fn send(&self, request: Request<Body>) -> Answer {
        Self::answer(self.router.clone(), request).await
    }

    /// On the admin port.
    pub(crate) async fn get_of_admin(&self, path: &str) -> Answer {
        Self::answer(self.admin_router.clone(), request(Method::GET, path, &[], Body::empty())).await
    }

    async fn answer(router: Router, request: Request<Body>) -> Answer {
        let response = router.oneshot(request).await.unwrap();
        let (parts, body) = response.into_parts();
        let body = body.collect().await.unwrap().to_bytes();
        Answer { status: parts.status, headers: parts.headers, body }
    }

    pub(crate) async fn get(&self, path: &str) -> Answer {
        self.send(request(Method::GET, path, &[], Body::empty())).await
    }

    /// Posts JSON below the context path.
    pub(crate) async fn post(&self, path: &str, body: &Value) -> Answer {
        self.post_with(path, &[], body).await
    }

    pub(crate) async fn post_with(&self, path: &str, headers: &[(&str, &str)], body: &Value) -> Answer {
        let mut headers = headers.to_vec();
        headers.push(("content-type", "application/json"));
        self.send(request(Method::POST, path, &headers, Body::from(body.to_string()))).await
    }

    /// Posts JSON as an operator.
    pub(crate) async fn operate(&self, path: &str, body: &Value) -> Answer {
        self.post_with(path, &[("authorization", &format!("Bearer {TOKEN}"))], body).await
    }

    pub(crate) async fn post_form(&self, path: &str, form: &str) -> Answer {
        let headers = [("content-type", "application/x-www-form-urlencoded")];
        self.send(request(Method::POST, path, &headers, Body::from(form.to_owned()))).await
    }

    pub(crate) async fn create(&self, body: &Value) -> Answer {
        self.post("/transaction/v1/_create", body).await
    }

    /// A transaction of one bill that is not paid yet; returns its id.
    pub(crate) async fn pending(&self, bill: &str) -> String {
        let answer = self.create(&create_body(bill)).await;
        assert_eq!(answer.status, StatusCode::OK, "{}", answer.text());
        answer.json()["Transaction"]["txnId"].as_str().unwrap().to_owned()
    }

    /// Settles as DIGIT's web client does.
    pub(crate) async fn update(&self, txn_id: &str) -> Answer {
        let path = format!("/transaction/v1/_update?transactionId={txn_id}");
        self.post(&path, &json!({ "RequestInfo": request_info() })).await
    }

    /// A transaction of one bill that is paid and has its receipt; returns its id.
    pub(crate) async fn paid(&self, bill: &str) -> String {
        let id = self.pending(bill).await;
        self.gateway.answers_for(&TxnId::new(id.as_str()).unwrap(), paid("100"));
        let answer = self.update(&id).await;
        assert!(answer.json()["Transaction"][0]["receipt"].is_string(), "{}", answer.text());
        id
    }

    /// The stored transaction, its history and its events, for tests that nothing has changed.
    pub(crate) async fn whole(&self, txn_id: &str) -> String {
        let id = TxnId::new(txn_id).unwrap();
        let txn = self.store.transaction(&id).await.unwrap();
        let history = self.store.history(&id).await.unwrap();
        let events = self.store.events_of(&id).await.unwrap();
        format!("{txn:?}\n{history:?}\n{events:?}")
    }
}

impl Drop for TestApp {
    fn drop(&mut self) {
        if std::thread::panicking() || self.may_owe_receipts {
            return;
        }
        assert_eq!(self.database.backlog().receipts_due(), 0, "the test leaves receipts due");
    }
}

/// A request below the context path; a path that begins with `//` is taken without it.
pub(crate) fn request(method: Method, path: &str, headers: &[(&str, &str)], body: Body) -> Request<Body> {
    let path = match path.strip_prefix('/') {
        Some(whole) if whole.starts_with('/') => whole.to_owned(),
        _ => format!("/pg-service{path}"),
    };
    let request = Request::builder().method(method).uri(path);
    headers.iter().fold(request, |request, (name, value)| request.header(*name, *value)).body(body).unwrap()
}

pub(crate) fn post_request(path: &str, headers: &[(&str, &str)], body: &str) -> Request<Body> {
    request(Method::POST, path, headers, Body::from(body.to_owned()))
}

#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
}

impl Answer {
    pub(crate) fn text(&self) -> &str {
        std::str::from_utf8(&self.body).unwrap()
    }

    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_else(|_| panic!("not JSON: {}", self.text()))
    }

    pub(crate) fn header(&self, name: impl header::AsHeaderName) -> Option<&str> {
        self.headers.get(name).map(|value| value.to_str().unwrap())
    }

    pub(crate) fn codes(&self) -> Vec<String> {
        let body = self.json();
        let errors = body["Errors"].as_array().unwrap_or_else(|| panic!("no errors: {body}"));
        errors.iter().map(|error| error["code"].as_str().unwrap().to_owned()).collect()
    }

    /// Whether the body is one of the two envelopes.
    pub(crate) fn is_envelope(&self) -> bool {
        let body = self.json();
        let status = body["ResponseInfo"]["status"].as_str();
        let fails =
            body["ResponseInfo"].is_null() && body["Errors"].as_array().is_some_and(|all| !all.is_empty());
        if self.status.is_success() { status == Some("SUCCESSFUL") } else { fails }
    }

    /// Status, the relevant headers and the body as JSON text for a snapshot, without values that differ between runs.
    pub(crate) fn shown(&self) -> String {
        let mut body = self.json();
        tidy(&mut body);
        let mut shown = json!({ "status": self.status.as_u16(), "body": body });
        for name in [header::RETRY_AFTER, header::LOCATION, header::ALLOW] {
            if let Some(value) = self.header(&name) {
                shown[name.as_str()] = value.into();
            }
        }
        format!("{shown:#}")
    }
}

/// Replaces uuids.
fn tidy(value: &mut Value) {
    match value {
        Value::String(text) if is_uuid(text) => *text = "[uuid]".to_owned(),
        Value::Array(items) => items.iter_mut().for_each(tidy),
        Value::Object(members) => members.values_mut().for_each(tidy),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

fn is_uuid(text: &str) -> bool {
    text.len() == 36
        && text.char_indices().all(|(at, char)| match at {
            8 | 13 | 18 | 23 => char == '-',
            _ => char.is_ascii_hexdigit(),
        })
}

/// The `RequestInfo` of a citizen, as DIGIT's web client sends it.
pub(crate) fn request_info() -> Value {
    json!({
        "apiId": "Rainmaker", "ver": ".01", "ts": "", "action": "_create", "did": "1", "key": "",
        "msgId": "20170310130900|en_IN", "authToken": "secret-token",
        "userInfo": {
            "id": 24, "uuid": "citizen-1", "userName": "9876543210", "name": "Asha Rani", "type": "CITIZEN",
            "mobileNumber": 9_876_543_210_u64, "emailId": null, "tenantId": "pb",
            "roles": [{"id": 1, "name": "Citizen", "code": "CITIZEN", "tenantId": "pb"}],
        },
    })
}

pub(crate) fn request_info_of(uuid: &str, kind: &str, tenant: &str) -> Value {
    let mut info = request_info();
    info["userInfo"]["uuid"] = uuid.into();
    info["userInfo"]["type"] = kind.into();
    info["userInfo"]["tenantId"] = tenant.into();
    info
}

/// A request to pay 100 rupees for a bill, as DIGIT's web client sends it.
pub(crate) fn create_body(bill: &str) -> Value {
    json!({
        "RequestInfo": request_info(),
        "Transaction": {
            "tenantId": "pb.amritsar",
            "txnAmount": 100,
            "module": "PT",
            "billId": bill,
            "consumerCode": "PT-107-000123",
            "productInfo": "Common Payment",
            "gateway": "fake",
            "taxAndPayments": [{"billId": bill, "amountPaid": 100}],
            "user": {"name": "Asha Rani", "mobileNumber": "9876543210", "tenantId": "pb.amritsar"},
            "callbackUrl": "https://city.example.org/payment/success/PT/PT-107-000123?propertyId=PT-107",
            "additionalDetails": {"isWhatsapp": false},
        },
    })
}

pub(crate) fn paid(amount: &str) -> Outcome {
    Outcome::Paid { amount: Some(Money::parse(amount, Currency::INR).unwrap()) }
}
