//! The console over a real database, with a fake gateway. Pages are read by an XML parser: what is not well-formed,
//! or was not escaped, fails.

mod accounts;
mod cases;
mod exports;
mod figures;
mod forms;
mod languages;
mod lists;
mod logins;
mod mutated;
mod payments;
mod screens;
mod stored_accounts;
mod walk;

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::response::Response;
use http::{HeaderMap, Method, Request, StatusCode, header};
use http_body_util::BodyExt;
use payment_digit::embedded::{
    ConfiguredBankAccounts, PayerDirectory, ReceiptRegister, SequenceIds, indian_standard_time,
};
use payment_domain::{AuditActor, Grant, ManualClock, Personal, Role, TenantId, Timestamp, TxnId};
use payment_gateway::{FakeGateway, Gateway, StartMode};
use payment_service::audit::{VERIFY_JOB, VerifyJob};
use payment_service::{
    Accounts, AllowedCallbackHosts, EarlyJob, Gateways, Pace, PaceSettings, Payments, Ports,
    QuestionSettings, Reconciliation, ReconciliationSettings, Redirects, RefundSettings, Schedule,
    ScheduledJob, Scheduler, SchedulerSettings, Settings,
};
use payment_store::contract::sample;
use payment_store::{SessionHolder, Store};
use payment_testing::database::Database;
use secrecy::ExposeSecret;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tower::ServiceExt;

use crate::{Console, ErrorPage, LoginLimits, Logins, Pages};

/// 2026-11-22T16:00:00+05:30.
const NOW: Timestamp = Timestamp::from_millis(1_795_343_400_000);
const BASE: &str = "/pg-service/console";
const HOST: &str = "127.0.0.1:9000";

struct World {
    payments: Payments,
    store: Arc<dyn Store>,
    gateway: Arc<FakeGateway>,
    accounts: Accounts,
    clock: Arc<ManualClock>,
    router: Router,
    error_page: ErrorPage,
    _database: Database,
}

/// A browser with the cookie of a session.
struct Browser<'a> {
    world: &'a World,
    cookie: String,
}

struct Page {
    status: StatusCode,
    headers: HeaderMap,
    text: String,
}

fn world() -> World {
    world_with(|_| {})
}

fn world_with(change: impl FnOnce(&mut Console)) -> World {
    let clock = Arc::new(ManualClock::at(NOW));
    let database = Database::open(&clock);
    let (store, registers) = (database.store.clone(), database.registers.clone());
    let gateway = Arc::new(FakeGateway::new("SANDBOX", StartMode::Offline));
    let accounts = stored_accounts::accounts(&store, &clock);
    let format = "PB_PG_[SEQ_EG_PG_TXN]".parse().unwrap();
    let payments = Payments::new(Ports {
        store: store.clone(),
        gateways: Gateways::new([gateway.clone() as Arc<dyn Gateway>])
            .with_accounts(accounts.directory.clone()),
        ids: Arc::new(SequenceIds::new(registers.clone(), clock.clone(), indian_standard_time(), format)),
        collections: Arc::new(ReceiptRegister::new(registers.clone(), clock.clone())),
        payers: Arc::new(PayerDirectory::new(registers, clock.clone())),
        bank_accounts: Arc::new(ConfiguredBankAccounts::new(HashMap::new(), None)),
        clock: clock.clone(),
        settings: Settings {
            redirects: Redirects::Service {
                public_url: "https://pay.example.org/pg-service".to_owned(),
                upyog_form: false,
            },
            early_interval: Duration::from_secs(15 * 60),
            order_life: None,
            order_life_of: BTreeMap::new(),
            ask_after: None,
            reuse_after: None,
            time_zone: jiff::tz::TimeZone::get("Asia/Kolkata").unwrap(),
            receipt_wait: Duration::from_secs(20),
            receipt_lease: Duration::from_secs(120),
            collection_call: Duration::from_secs(15),
            largest_clock_offset: None,
            gateway_wait: Duration::from_secs(20),
            questions: QuestionSettings { burst: 1000, every: Duration::from_secs(10) },
            refunds: RefundSettings::default(),
            pace: PaceSettings { of_others: Pace { at_once: 4, per_second: None }, own: BTreeMap::new() },
            search_scope: true,
            system_user_uuid: "system-uuid".to_owned(),
            allowed_callback_hosts: AllowedCallbackHosts::of_all(Vec::new()),
            unsigned_callbacks_per_day: 20,
            checkpoints: Arc::default(),
        },
        tasks: TaskTracker::new(),
    });
    let stop = CancellationToken::new();
    let mut console = Console {
        payments: payments.clone(),
        accounts: accounts.clone(),
        scheduler: scheduler(&payments),
        stop,
        base: BASE.to_owned(),
        url: format!("http://{HOST}{BASE}"),
        host: None,
        stands_alone: true,
        sandbox: true,
        address_of: Box::new(|_, _| Some("127.0.0.1".parse().unwrap())),
        request_id_of: Box::new(|_| "request-1".to_owned()),
        limits: LoginLimits { of_an_address: 1000, of_all: 1000 },
        logins: Logins::default(),
    };
    change(&mut console);
    let Pages { routes: router, error_page } = crate::pages(console);
    World { payments, store, gateway, accounts, clock, router, error_page, _database: database }
}

fn scheduler(payments: &Payments) -> Scheduler {
    let ports = &payments.ports;
    let settings = ReconciliationSettings { distances: vec![Duration::from_secs(1800)] };
    let reconciliation = Reconciliation::new(ports.clone(), payments.settlement.clone(), settings);
    let job = ScheduledJob {
        name: "early",
        purpose: "checks pending payments for the first time",
        schedule: Schedule::every(Duration::from_secs(900)),
        job: Arc::new(EarlyJob(reconciliation)),
    };
    let verify = ScheduledJob {
        name: VERIFY_JOB,
        purpose: "verifies the audit log",
        schedule: Schedule::by_hand(),
        job: Arc::new(VerifyJob(payments.audit.clone())),
    };
    let settings = SchedulerSettings {
        node: "node-1".to_owned(),
        lease: Duration::from_secs(15),
        largest_clock_offset: None,
    };
    Scheduler::new(ports.store.clone(), ports.clock.clone(), settings, vec![job, verify])
}

impl World {
    /// Ends when no work of a request is left.
    async fn rest(&self) {
        self.payments.ports.tasks.close();
        self.payments.ports.tasks.wait().await;
        self.payments.ports.tasks.reopen();
    }

    async fn send(&self, request: Request<Body>) -> Page {
        Page::read(self.router.clone().oneshot(request).await.unwrap()).await
    }

    /// A session of a person with these roles.
    async fn log_in(&self, name: &str, roles: &[(Role, &str)]) -> Browser<'_> {
        let grant =
            |(role, tenant): &(Role, &str)| Grant { role: *role, tenant: TenantId::new(*tenant).unwrap() };
        let holder = SessionHolder {
            uuid: format!("u-{name}"),
            name: Personal::new(name),
            grants: roles.iter().map(grant).collect(),
        };
        let issuer = AuditActor::CommandLine { user: Personal::new("root") };
        let link = self.payments.sessions.issue_link(issuer, holder, true).await.unwrap();
        let begun =
            self.payments.sessions.log_in_by_link(link.secret.expose_secret(), None, None).await.unwrap();
        Browser { world: self, cookie: format!("pg_session={}", begun.secret.expose_secret()) }
    }

    /// A pending payment of one hundred rupees at the fake gateway.
    async fn pending(&self, id: &str, tenant: &str) -> TxnId {
        let mut txn = sample::transaction(id, &[&format!("BILL-{id}")]);
        txn.tenant_id = TenantId::new(tenant).unwrap();
        txn.gateway = payment_domain::GatewayName::new("SANDBOX");
        txn.audit.created_at = NOW;
        let id = txn.id.clone();
        self.store.create(sample::new(txn)).await.unwrap();
        id
    }
}

fn get(path: &str) -> Request<Body> {
    request(Method::GET, path, &[], "")
}

fn request(method: Method, path: &str, headers: &[(&str, &str)], body: &str) -> Request<Body> {
    let request = Request::builder().method(method).uri(format!("{BASE}{path}")).header(header::HOST, HOST);
    let request = headers.iter().fold(request, |request, (name, value)| request.header(*name, *value));
    request.body(Body::from(body.to_owned())).unwrap()
}

impl Browser<'_> {
    async fn get(&self, path: &str) -> Page {
        self.get_in("en", path).await
    }

    async fn get_in(&self, language: &str, path: &str) -> Page {
        let cookie = format!("{}; pg_language={language}", self.cookie);
        self.world.send(request(Method::GET, path, &[("cookie", &cookie)], "")).await
    }

    /// Sends a form as a page of this session does.
    async fn post(&self, path: &str, fields: &[(&str, &str)]) -> Page {
        let token = self.token().await;
        let mut all = vec![("form_token", token.as_str())];
        all.extend_from_slice(fields);
        self.post_raw(path, &[("sec-fetch-site", "same-origin")], &all).await
    }

    async fn post_raw(&self, path: &str, headers: &[(&str, &str)], fields: &[(&str, &str)]) -> Page {
        let body = form_urlencoded::Serializer::new(String::new()).extend_pairs(fields).finish();
        let mut all =
            vec![("cookie", self.cookie.as_str()), ("content-type", "application/x-www-form-urlencoded")];
        all.extend_from_slice(headers);
        self.world.send(request(Method::POST, path, &all, &body)).await
    }

    /// The token of this session's forms.
    async fn token(&self) -> String {
        let page = self.get("/sessions").await;
        page.attribute("input", ("name", "form_token"), "value")
    }
}

impl Page {
    async fn read(response: Response) -> Page {
        let (parts, body) = response.into_parts();
        let body = body.collect().await.unwrap().to_bytes();
        let text = String::from_utf8(body.to_vec()).unwrap();
        Page { status: parts.status, headers: parts.headers, text }
    }

    /// The page as a tree; panics when it is not well-formed.
    fn tree(&self) -> roxmltree::Document<'_> {
        let options = roxmltree::ParsingOptions { allow_dtd: true, ..Default::default() };
        roxmltree::Document::parse_with_options(&self.text, options)
            .unwrap_or_else(|error| panic!("{error}\n{}", self.text))
    }

    /// The words that people read.
    fn words(&self) -> String {
        let tree = self.tree();
        let words: Vec<&str> =
            tree.descendants().filter(|node| node.is_text()).filter_map(|node| node.text()).collect();
        words.join(" ").split_whitespace().collect::<Vec<_>>().join(" ")
    }

    fn attribute(&self, element: &str, marked: (&str, &str), wanted: &str) -> String {
        let tree = self.tree();
        let found = tree
            .descendants()
            .find(|node| node.tag_name().name() == element && node.attribute(marked.0) == Some(marked.1));
        let found = found.unwrap_or_else(|| panic!("no {element} with {marked:?}\n{}", self.text));
        found.attribute(wanted).unwrap().to_owned()
    }

    /// The addresses of links and forms.
    fn addresses(&self) -> Vec<String> {
        let tree = self.tree();
        let address = |node: roxmltree::Node<'_, '_>| {
            node.attribute("href").or(node.attribute("action")).map(str::to_owned)
        };
        tree.descendants().filter_map(address).collect()
    }

    fn location(&self) -> &str {
        self.headers.get(header::LOCATION).map_or("", |location| location.to_str().unwrap())
    }

    /// The rules of every page.
    fn check(&self) {
        let header = |name: &str| self.headers.get(name).map_or("", |value| value.to_str().unwrap());
        assert_eq!(header("content-security-policy"), crate::headers::POLICY);
        assert_eq!(header("x-content-type-options"), "nosniff");
        assert_eq!(header("referrer-policy"), "same-origin");
        assert_eq!(header("cache-control"), "no-store");
        if self.status.is_redirection() {
            return;
        }
        let tree = self.tree();
        let elements: Vec<_> = tree.descendants().filter(roxmltree::Node::is_element).collect();
        let count = |name: &str| elements.iter().filter(|node| node.tag_name().name() == name).count();
        assert_eq!(
            (count("h1"), count("main"), count("style"), count("script")),
            (1, 1, 0, 1),
            "{}",
            self.text
        );
        let ids: Vec<&str> = elements.iter().filter_map(|node| node.attribute("id")).collect();
        let mut once = ids.clone();
        once.sort_unstable();
        once.dedup();
        assert_eq!(ids.len(), once.len(), "ids: {ids:?}");
        for node in &elements {
            for attribute in node.attributes() {
                let name = attribute.name();
                assert!(!name.starts_with("on") && name != "style", "{name}: {}", self.text);
            }
            let name = node.tag_name().name();
            let is_shown_field =
                matches!(name, "input" | "select" | "textarea") && node.attribute("type") != Some("hidden");
            if is_shown_field {
                let id = node.attribute("id").expect("a field without an id");
                let label = |other: &&roxmltree::Node<'_, '_>| other.attribute("for") == Some(id);
                assert!(elements.iter().any(|other| label(&other)), "no label of {id}");
            }
            if name == "form" && node.attribute("method") == Some("post") {
                let has =
                    |wanted: &str| node.descendants().any(|inner| inner.attribute("name") == Some(wanted));
                // Those before a session: the browser says from which page they come.
                let begins = has("link") || has("password") || has("token");
                assert!(has("form_token") || begins, "a form without its token");
            }
        }
    }
}
