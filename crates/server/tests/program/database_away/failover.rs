//! A failover: two replicas of the service on a primary with a synchronous standby, under load. The primary
//! is killed and stays dead, the standby is promoted, and the replicas find it by themselves. Afterwards its
//! rows are compared with the books of the gateway and with the answers to clients.
//!
//! `FAILOVER_SECONDS=60` for a longer load, `FAILOVER_SEED=…` for the same clients again.

use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use payment_testing::postgres::{PostgresServer, Stop, connect};

use crate::proof::check::{self, Evidence};
use crate::proof::gateway::{Gateway, SECRET};
use crate::proof::load::{self, Doors, Load};
use crate::proof::random::Random;
use crate::proof::requests::Wanted;
use crate::proof::{number, postgres, refunds};
use crate::support::{PATIENCE, Service, free_port, http_client, pg_service};

const STANDBY: &str = "standby";
/// How soon a replica has to pay again once the standby is promoted.
const SOON: Duration = Duration::from_secs(10);

/// A primary without whose standby nothing is committed.
struct Pair {
    primary: PostgresServer,
    standby: PostgresServer,
}

impl Pair {
    async fn start() -> Pair {
        let primary = PostgresServer::start().await;
        let standby = primary.standby(STANDBY).await;
        let client = connect(&primary.socket()).await.unwrap();
        let named = format!("ALTER SYSTEM SET synchronous_standby_names = '{STANDBY}'");
        for sql in [named.as_str(), "SELECT pg_reload_conf()"] {
            client.batch_execute(sql).await.unwrap();
        }
        let pair = Pair { primary, standby };
        pair.until_synchronous().await;
        pair
    }

    async fn until_synchronous(&self) {
        let client = connect(&self.primary.socket()).await.unwrap();
        let sql = "SELECT count(*) FROM pg_stat_replication WHERE sync_state = 'sync'";
        let started = Instant::now();
        while client.query_one(sql, &[]).await.unwrap().get::<_, i64>(0) == 0 {
            assert!(started.elapsed() < PATIENCE, "the standby does not follow");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    /// The address of both, as Java's driver knows it.
    fn url(&self) -> String {
        format!(
            "jdbc:postgresql://127.0.0.1:{},127.0.0.1:{}/postgres?user=postgres&password={}&targetServerType=primary",
            self.standby.port(),
            self.primary.port(),
            self.primary.password(),
        )
    }
}

fn replica(folder: &Path, database: &str, public: u16, port: u16, gateway: &Gateway) -> Service {
    let mut command = pg_service(folder);
    command.env("SPRING_DATASOURCE_URL", database).env("PG_SERVICE_SANDBOX_SECRET", SECRET);
    command.env("PG_SERVICE_IDENTITY_HEADER_SECRET", load::PROOF_SECRET).args(["--log-level", "warn"]);
    for setting in [
        "sandbox.active=true",
        &format!("sandbox.url={}", gateway.url()),
        &format!("server.public-url=http://127.0.0.1:{public}/pg-service"),
        "identity.proof=header",
        "database.statement-timeout-ms=1000",
        "database.connect-timeout-ms=1000",
        "scheduler.lease-ms=1000",
        "receipts.lease-ms=1000",
        "receipts.interval-ms=100",
        "refund.interval-ms=200",
        "refund.quiet-secs=4",
        "refund.follow-ups=1s,2s",
        "gateways.wait-ms=2000",
    ] {
        command.args(["--set", setting]);
    }
    Service::launch(command, port, &folder.join(format!("{port}.log")))
}

/// One create with a key; the status and the transaction's id.
async fn create(service: &Service, bill: &str) -> (u16, Option<String>) {
    let body = Wanted::new(vec![bill.to_owned()], &mut Random::new(1)).create();
    let request = http_client().post(format!("{}/transaction/v1/_create", service.url())).json(&body);
    let answer = request.header("Idempotency-Key", bill).send().await.expect("the service lives");
    let status = answer.status().as_u16();
    let body: serde_json::Value = answer.json().await.unwrap();
    (status, body["Transaction"]["txnId"].as_str().map(str::to_owned))
}

/// How long a replica takes until it creates a payment.
async fn until_it_pays(service: &Service, since: Instant) -> Duration {
    let bill = format!("after-{}", service.url());
    loop {
        if let (200, Some(_)) = create(service, &bill).await {
            return since.elapsed();
        }
        assert!(
            since.elapsed() < PATIENCE,
            "{} does not find the new primary:\n{}",
            service.url(),
            service.log()
        );
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_that_was_answered_is_lost_with_the_primary() {
    let seconds = Duration::from_secs(number("FAILOVER_SECONDS").unwrap_or(2));
    let seed = number("FAILOVER_SEED").unwrap_or_else(|| getrandom::u64().unwrap());
    println!("FAILOVER_SEED={seed}");
    let mut random = Random::new(seed);
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let (mut pair, gateway) = tokio::join!(Pair::start(), Gateway::start(folder));
    let ports = [free_port(), free_port()];
    let mut replicas = ports.map(|port| replica(folder, &pair.url(), ports[0], port, &gateway));
    for replica in &mut replicas {
        replica.answers().await;
    }

    // A change that the standby has not confirmed is not answered, and is there once it has.
    pair.standby.stop(Stop::Fast).await;
    let (status, id) = create(&replicas[0], "unconfirmed").await;
    assert_eq!((status, id), (503, None), "answered without the standby");
    pair.standby.start_again().await;
    pair.until_synchronous().await;
    for replica in &mut replicas {
        replica.answers().await;
    }
    let (first, again) =
        (create(&replicas[0], "unconfirmed").await, create(&replicas[1], "unconfirmed").await);
    assert!(first.0 == 200 && first == again, "one payment of one key: {first:?} {again:?}");

    let doors = Doors {
        replicas: replicas.iter().map(|replica| replica.url().to_owned()).collect(),
        public: replicas[0].url().to_owned(),
        may_be_unavailable: true,
        rest: Duration::from_millis(20),
        deaths: Arc::default(),
        refunds: true,
    };
    let load = Load::start(&doors, &mut random);
    tokio::time::sleep(seconds).await;
    let killed = Instant::now();
    pair.primary.stop(Stop::Kill).await;
    // As long as a manager of the cluster takes at least to miss it.
    tokio::time::sleep(Duration::from_millis(500)).await;
    pair.standby.promote().await;
    let promoted = Instant::now();
    let [one, other] = &replicas;
    let (one, other) = tokio::join!(until_it_pays(one, promoted), until_it_pays(other, promoted));
    let found = one.max(other);
    tokio::time::sleep(seconds).await;
    let ledger = load.stop().await;

    let standby = pair.standby.url();
    gateway.until_late_answers_have_come().await;
    let store = postgres::open(&standby).await;
    load::update_all(&doors, &check::stored_ids(store.as_ref()).await).await;
    check::until_receipts_are_issued(store.as_ref()).await;
    refunds::until_done(store.as_ref(), PATIENCE).await;
    for replica in &mut replicas {
        replica.signal("TERM");
        assert!(replica.ended().await.success(), "{}", replica.log());
    }

    let outbox = check::outbox(store.as_ref()).await;
    let refunded = refunds::stored(store.as_ref()).await;
    let evidence = Evidence {
        store,
        outbox: &outbox,
        books: &gateway.books().await,
        register: &postgres::register(&standby).await,
        ledger: &ledger,
        refunds: &refunded,
    };
    let mut figures = check::all(&evidence).await;
    let (faults, given_back) = refunds::compare(&refunded, &gateway.refunds().await, &ledger.approved);
    figures.faults.extend(faults);
    let millis = |time: Duration| format!("{} ms", time.as_millis());
    let before = [
        ("the primary dead until the standby was promoted", millis(promoted - killed)),
        ("promotion until each replica paid again", millis(found)),
        ("refunds that succeeded", given_back.to_string()),
    ];
    println!("{}", figures.table(&before, &[]));
    assert!(figures.faults.is_empty(), "seed {seed}: {:#?}", figures.faults);
    assert!(figures.paid > 0 && figures.receipts > 0, "nothing was tried");
    assert!(found < SOON, "the new primary was found after {found:?}");
}
