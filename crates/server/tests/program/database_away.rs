//! A PostgreSQL that is unavailable, hangs, or disconnects: the service reports it within seconds
//! and when to come again, leaves nothing half-done, and goes on by itself when the database is back.

mod failover;

use std::time::{Duration, Instant};

use payment_testing::postgres::{FreshDatabase, PostgresServer, Stop};
use payment_testing::proxy::TcpProxy;
use serde_json::{Value, json};
use tokio::task::JoinSet;

use crate::proof::postgres;
use crate::proof::random::Random;
use crate::proof::requests::Wanted;
use crate::support::{PATIENCE, Service, free_port, http_client, pg_service};

/// The time within which the service reports an unavailable database. A statement is given up after one second
/// here, a new connection after two; a request may need two of each.
const SOON: Duration = Duration::from_secs(8);

/// A service on the database behind a URL.
struct World {
    service: Service,
    http: reqwest::Client,
    _folder: tempfile::TempDir,
}

/// An answer.
#[derive(Debug)]
struct Answer {
    status: u16,
    retry_after: Option<String>,
    body: Value,
}

impl Answer {
    fn reports_an_unavailable_database(&self) {
        assert_eq!(self.status, 503, "{self:?}");
        // The embedded implementations keep their books in it, too.
        let code = self.body["Errors"][0]["code"].as_str().unwrap_or_default();
        assert!(["DATABASE_UNAVAILABLE", "DIGIT_SERVICE_UNAVAILABLE"].contains(&code), "{self:?}");
        assert!(self.retry_after.as_ref().is_some_and(|seconds| seconds.parse::<u32>().is_ok()), "{self:?}");
    }

    fn txn_id(&self) -> String {
        assert_eq!(self.status, 200, "{self:?}");
        self.body["Transaction"]["txnId"].as_str().unwrap().to_owned()
    }
}

impl World {
    async fn on(database: &str) -> World {
        let folder = tempfile::tempdir().unwrap();
        let mut command = pg_service(folder.path());
        command.env("SPRING_DATASOURCE_URL", database).env("SANDBOX_ACTIVE", "true");
        command.args(["--log-level", "warn"]);
        for setting in ["database.statement-timeout-ms=1000", "database.connect-timeout-ms=1000"] {
            command.args(["--set", setting]);
        }
        let service = Service::start(command, free_port(), &folder.path().join("log")).await;
        World { service, http: http_client(), _folder: folder }
    }

    async fn post(&self, path: &str, key: Option<&str>, body: &Value) -> Answer {
        let mut request = self.http.post(format!("{}{path}", self.service.url())).json(body);
        if let Some(key) = key {
            request = request.header("Idempotency-Key", key);
        }
        let response = request.send().await.expect("the service lives");
        let retry_after = response.headers().get("Retry-After");
        Answer {
            status: response.status().as_u16(),
            retry_after: retry_after.map(|value| value.to_str().unwrap().to_owned()),
            body: response.json().await.unwrap(),
        }
    }

    async fn create(&self, bill: &str, key: Option<&str>) -> Answer {
        let wanted = Wanted::new(vec![bill.to_owned()], &mut Random::new(1));
        self.post("/transaction/v1/_create", key, &wanted.create()).await
    }

    async fn search(&self, id: &str) -> Answer {
        let wanted = Wanted::new(Vec::new(), &mut Random::new(1));
        self.post(&format!("/transaction/v1/_search?txnId={id}"), None, &wanted.search()).await
    }

    async fn update(&self, id: &str) -> Answer {
        self.post(&format!("/transaction/v1/_update?transactionId={id}"), None, &json!({})).await
    }

    /// Waits until it says that all is well again.
    async fn recovers(&self) {
        let started = Instant::now();
        let health = format!("{}/health", self.service.url());
        while !self.http.get(&health).send().await.is_ok_and(|answer| answer.status() == 200) {
            assert!(started.elapsed() < PATIENCE, "it does not recover:\n{}", self.service.log());
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }
}

/// How many rows there are of everything that one create stores.
async fn rows(database: &str) -> [usize; 6] {
    let mut rows = [0; 6];
    for (count, table) in rows.iter_mut().zip([
        "eg_pg_transactions",
        "eg_pg_transaction_bills",
        "eg_pg_bill_claims",
        "eg_pg_transaction_history",
        "eg_pg_transactions_dump",
        "eg_pg_outbox",
    ]) {
        *count = postgres::count(database, table).await;
    }
    rows
}

/// The rows of that many complete creates.
fn of_creates(count: usize) -> [usize; 6] {
    [1, 1, 1, 1, 1, 2].map(|one| one * count)
}

async fn keys(database: &str) -> usize {
    postgres::count(database, "eg_pg_idempotency_keys").await
}

async fn within<T>(limit: Duration, what: &str, work: impl Future<Output = T>) -> T {
    let started = Instant::now();
    let done = work.await;
    assert!(started.elapsed() < limit, "{what} took {:?}", started.elapsed());
    done
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stopped_database_is_reported_and_used_as_soon_as_it_returns() {
    let mut server = PostgresServer::start().await;
    let database = server.url();
    let world = World::on(&database).await;
    let first = world.create("B1", None).await.txn_id();
    for how in [Stop::Fast, Stop::Immediate] {
        server.stop(how).await;
        let refused = within(SOON, "a create", world.create("B2", Some("key"))).await;
        refused.reports_an_unavailable_database();
        within(SOON, "a search", world.search(&first)).await.reports_an_unavailable_database();
        within(SOON, "an update", world.update(&first)).await.reports_an_unavailable_database();
        // Also when many come at once.
        let all = async {
            let mut creates = JoinSet::new();
            for nth in 0..100 {
                let (http, url) = (world.http.clone(), world.service.url().to_owned());
                let body = Wanted::new(vec![format!("B3-{nth}")], &mut Random::new(1)).create();
                creates.spawn(async move {
                    let create = http.post(format!("{url}/transaction/v1/_create")).json(&body);
                    create.send().await.unwrap().status().as_u16()
                });
            }
            creates.join_all().await
        };
        assert!(within(SOON, "a hundred creates", all).await.iter().all(|status| *status == 503));
        server.start_again().await;
        world.recovers().await;
        assert_eq!((rows(&database).await, keys(&database).await), (of_creates(1), 0), "{how:?}");
        assert_eq!(world.search(&first).await.body["Transaction"][0]["txnId"], first.as_str());
    }
    world.create("B2", Some("key")).await.txn_id();
    assert_eq!((rows(&database).await, keys(&database).await), (of_creates(2), 1));
    assert_eq!(world.update(&first).await.status, 200);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_hanging_database_is_reported_and_used_again_when_it_continues() {
    let database = FreshDatabase::create().await;
    let proxy = TcpProxy::in_front_of(database.url());
    let world = World::on(&proxy.url(database.url())).await;
    let first = world.create("B1", None).await.txn_id();
    proxy.blackhole();
    within(SOON, "a create", world.create("B2", None)).await.reports_an_unavailable_database();
    within(SOON, "a search", world.search(&first)).await.reports_an_unavailable_database();
    within(SOON, "an update", world.update(&first)).await.reports_an_unavailable_database();
    proxy.mend();
    world.recovers().await;
    // A request under way when the connection hung may be carried out late: whole, or not at all.
    let again = world.create("B2", None).await;
    if again.status != 200 {
        assert_eq!(again.body["Errors"][0]["code"], "TXN_ABRUPTLY_DISCARDED", "{again:?}");
    }
    assert_eq!(rows(database.url()).await, of_creates(2));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_create_whose_commit_was_not_answered_is_found_by_its_key() {
    let database = FreshDatabase::create().await;
    let proxy = TcpProxy::in_front_of(database.url());
    let world = World::on(&proxy.url(database.url())).await;
    for nth in 0..4 {
        let (bill, key) = (format!("B{nth}"), format!("key-{nth}"));
        let create = world.create(&bill, Some(&key));
        let lost = async {
            // The first questions are answered; from some moment on nothing is, though it is done.
            tokio::time::sleep(Duration::from_millis(4 * nth)).await;
            proxy.hold_answers();
            tokio::time::sleep(Duration::from_millis(300)).await;
            proxy.cut();
        };
        let (answer, ()) = within(SOON, "a create", async { tokio::join!(create, lost) }).await;
        proxy.mend();
        world.recovers().await;
        let again = world.create(&bill, Some(&key)).await.txn_id();
        if answer.status == 200 {
            assert_eq!(again, answer.txn_id());
        } else {
            answer.reports_an_unavailable_database();
        }
        let count = usize::try_from(nth).unwrap() + 1;
        assert_eq!((rows(database.url()).await, keys(database.url()).await), (of_creates(count), count));
    }
}
