//! The embedded database moved into PostgreSQL: killed at any moment, at most one of the two takes payments, and
//! the service goes on with everything that it had.

use std::collections::HashSet;
use std::path::{Path, PathBuf};
use std::process::{Output, Stdio};
use std::time::{Duration, Instant};

use payment_simulator::sandbox::Choice;
use payment_testing::kafka::bootstrap_servers;
use payment_testing::postgres::{self, FreshDatabase};
use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::error::KafkaError;
use rdkafka::{ClientConfig, Message};
use serde_json::Value;

use crate::support::payer::Payer;
use crate::support::{PATIENCE, Service, free_port, http_client, pg_service, run, stderr, stdout};

const OPERATOR: &str = "Gurmeet Kaur";

struct World {
    folder: tempfile::TempDir,
    database: FreshDatabase,
    port: u16,
}

impl World {
    async fn new() -> World {
        let world = World {
            folder: tempfile::tempdir().unwrap(),
            database: FreshDatabase::create().await,
            port: free_port(),
        };
        let url = format!("spring.datasource.url={}\n", world.database.url());
        std::fs::write(world.file("new.properties"), url).unwrap();
        world
    }

    fn path(&self) -> &Path {
        self.folder.path()
    }

    fn file(&self, name: &str) -> PathBuf {
        self.path().join(name)
    }

    async fn embedded(&self) -> Service {
        Service::start(pg_service(self.path()), self.port, &self.file("old.log")).await
    }

    /// The service after the move: with the books of its sandbox, and a broker.
    async fn moved(&self, topics: &[(&str, String)]) -> Service {
        let mut command = pg_service(self.path());
        command.args(["--properties", "new.properties", "--set", "sandbox.active=true"]);
        command.args(["--set", "callback.allowed-hosts=127.0.0.1"]);
        command.args(["--set", &format!("server.public-url=http://127.0.0.1:{}/pg-service", self.port)]);
        if !topics.is_empty() {
            let brokers = format!("kafka.config.bootstrap_server_config={}", bootstrap_servers());
            command.args(["--set", &brokers, "--set", "notification.sms.enabled=false"]);
        }
        for (setting, topic) in topics {
            command.args(["--set", &format!("{setting}={topic}")]);
        }
        Service::start(command, self.port, &self.file("new.log")).await
    }

    fn told(&self, arguments: &[&str]) -> String {
        let output = run(self.path(), arguments);
        assert!(output.status.success(), "{arguments:?}: {}{}", stdout(&output), stderr(&output));
        stdout(&output)
    }

    fn move_on(&self, more: &[&str]) -> Output {
        run(self.path(), &[&["move", "--to-properties", "new.properties", "--by", OPERATOR], more].concat())
    }

    fn refused(&self, more: &[&str], told: &str) {
        let output = self.move_on(more);
        assert_eq!(output.status.code(), Some(1), "{}", stdout(&output));
        assert!(stderr(&output).contains(told), "{told}: {}", stderr(&output));
    }

    async fn number(&self, sql: &str) -> i64 {
        let client = postgres::connect(self.database.url()).await.unwrap();
        client.query_one(sql, &[]).await.unwrap().get(0)
    }

    /// Verifies the audit log of the embedded database, or with settings that of another.
    fn verified(&self, settings: &[&str]) -> String {
        self.told(&[settings, &["audit", "verify"]].concat())
    }

    fn source(&self) -> rusqlite::Connection {
        rusqlite::Connection::open(self.file("data/payments.db")).unwrap()
    }

    fn is_closed(&self) -> bool {
        self.count_in_source("SELECT count(*) FROM sqlite_schema WHERE name = 'eg_pg_move'") == 1
    }

    fn count_in_source(&self, sql: &str) -> i64 {
        self.source().query_row(sql, [], |row| row.get(0)).unwrap()
    }

    /// A refund of a payment that two people have decided, and the receipt cancelled with it.
    fn refund(&self, id: &str) -> String {
        let port = self.port.to_string();
        let json = |arguments: &[&str]| -> Value {
            serde_json::from_str(&self.told(&[&["--port", &port], arguments].concat())).unwrap()
        };
        for (holder, uuid, grant) in [
            ("Asha Rani", "u-maker", "PG_REFUND_MAKER@pb"),
            ("Balbir Singh", "u-checker", "PG_REFUND_CHECKER@pb"),
        ] {
            let issued = json(&[
                "tokens", "issue", "--holder", holder, "--uuid", uuid, "--label", "test", "--grant", grant,
                "--json",
            ]);
            std::fs::write(self.file(uuid), issued["secret"].as_str().unwrap()).unwrap();
        }
        let refund = json(&[
            "refund",
            "request",
            "--txn",
            id,
            "--reason-code",
            "PAID_TWICE",
            "--reason",
            "twice",
            "--token-file",
            "u-maker",
            "--json",
        ]);
        let refund = refund["refundId"].as_str().unwrap().to_owned();
        json(&["refund", "approve", &refund, "--version", "1", "--token-file", "u-checker", "--json"]);
        refund
    }

    async fn until(&self, what: &str, mut is_so: impl AsyncFnMut() -> bool) {
        let started = Instant::now();
        while !is_so().await {
            assert!(started.elapsed() < PATIENCE, "not yet: {what}");
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }
}

/// The payments of the embedded service before its move.
struct Story {
    paid: String,
    receipt: Value,
    refunded: String,
    refund: String,
    pending: String,
    pending_page: String,
}

async fn told(world: &World) -> Story {
    let mut service = world.embedded().await;
    let payer = Payer::of(service.url());
    let pay = async |bill: &str| {
        let (id, page) = payer.create(bill).await;
        payer.choose(&page, Choice::Pay).await;
        let txn = payer.update(&id).await;
        assert_eq!(txn["txnStatus"], "SUCCESS", "{txn}");
        (id, txn["receipt"].clone())
    };
    let (paid, receipt) = pay("PAID").await;
    let (refunded, _) = pay("REFUNDED").await;
    let refund = world.refund(&refunded);
    world
        .until("the refund succeeded and its receipt is cancelled", async || {
            world.count_in_source(
                "SELECT count(*) FROM eg_pg_receipt_cancellations WHERE outcome = 'CANCELLED'",
            ) == 1
        })
        .await;
    let (declined, page) = payer.create("DECLINED").await;
    payer.choose(&page, Choice::Decline).await;
    assert_eq!(payer.update(&declined).await["txnStatus"], "FAILURE");
    let (pending, pending_page) = payer.create("PENDING").await;
    world
        .until("every line of the history is sealed", async || {
            world.count_in_source(
                "SELECT count(*) FROM eg_pg_history_positions, eg_pg_history_seal WHERE position > sealed_through",
            ) == 0
        })
        .await;
    let beside = world.move_on(&[]);
    assert!(stderr(&beside).contains("another service uses the data folder"), "{}", stderr(&beside));
    service.kill();
    Story { paid, receipt, refunded, refund, pending, pending_page }
}

fn key(world: &World) {
    let openssl = |arguments: &[&str]| {
        let made = std::process::Command::new("openssl").args(arguments).current_dir(world.path()).output();
        assert!(made.unwrap().status.success());
    };
    openssl(&["genpkey", "-algorithm", "ed25519", "-out", "audit.key"]);
    openssl(&["pkey", "-in", "audit.key", "-pubout", "-out", "audit.pub"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_service_goes_on_in_postgresql_however_often_the_move_was_killed() {
    let world = World::new().await;
    let story = told(&world).await;
    key(&world);
    let signing =
        ["--set", "audit.signing-key.file=audit.key", "--set", "audit.checkpoint-file=checkpoints.jsonl"];
    world.told(&[&signing[..], &["audit", "checkpoint"]].concat());
    let entries: Vec<String> = {
        let source = world.source();
        let mut entries = source.prepare("SELECT entry FROM eg_pg_audit ORDER BY entry_number").unwrap();
        entries.query_map([], |row| row.get(0)).unwrap().map(Result::unwrap).collect()
    };
    assert!(entries.len() > 5);
    let unpublished = world.count_in_source("SELECT count(*) FROM eg_pg_outbox WHERE published_at IS NULL");
    assert!(unpublished > 10);

    // Killed again and again, at any moment and while rows are copied, nothing is half done.
    let mut closed = 0;
    for kill in 0..12_u64 {
        let mut move_on = pg_service(world.path());
        move_on
            .args(["move", "--to-properties", "new.properties", "--by", OPERATOR])
            .stdout(Stdio::null())
            .stderr(Stdio::null());
        let mut child = move_on.spawn().unwrap();
        if kill >= 4 {
            let is_over = async || world.is_closed() || child.try_wait().unwrap().is_some();
            world.until("the embedded database is closed", is_over).await;
        }
        tokio::time::sleep(Duration::from_millis(u64::from(getrandom::u32().unwrap()) % 200)).await;
        child.kill().unwrap();
        child.wait().unwrap();
        let is_closed = world.is_closed();
        let tables = world.number("SELECT count(*) FROM pg_class WHERE relname = 'eg_pg_transactions'").await;
        let is_stored = tables == 1 && world.number("SELECT count(*) FROM eg_pg_transactions").await > 0;
        assert!(is_closed || !is_stored, "two copies that both take payments");
        if is_closed {
            closed += 1;
            let old = run(world.path(), &["transaction", "show", &story.paid]);
            assert!(!old.status.success() && stderr(&old).contains("move"), "{}", stderr(&old));
        }
    }
    assert!(closed >= 8, "killed {closed} times while it was copied, or after");
    let moved = world.move_on(&[]);
    assert!(moved.status.success(), "{}", stderr(&moved));
    let again = world.move_on(&[]);
    assert!(stdout(&again).contains("were moved here before"), "{}{}", stdout(&again), stderr(&again));
    // The last commit was made, and its end was not noted.
    world
        .source()
        .execute_batch("DROP TRIGGER eg_pg_move_eg_pg_audit_insert; UPDATE eg_pg_move SET stage = 'MOVING'")
        .unwrap();
    let again = world.move_on(&[]);
    assert!(again.status.success(), "{}", stderr(&again));
    let old = run(world.path(), &["--port", "0"]);
    assert_eq!(old.status.code(), Some(1));
    assert!(
        stderr(&old).contains("have moved to") && stderr(&old).contains("move --back"),
        "{}",
        stderr(&old)
    );

    // However often it was begun and repeated, the log of the new database has one entry of it, and verifies.
    let moves = "SELECT count(*) FROM eg_pg_audit WHERE action = 'payments.moved'";
    assert_eq!(world.number(moves).await, 1);
    let after = ["--properties", "new.properties"];
    let listed =
        world.told(&[&after[..], &["audit", "list", "--action", "payments.moved", "--json"]].concat());
    let listed: Value = serde_json::from_str(&listed).unwrap();
    let entry = &listed[0]["entry"];
    assert_eq!(usize::try_from(entry["number"].as_i64().unwrap()).unwrap(), entries.len() + 1);
    assert_eq!(
        (&entry["actor"]["kind"], &entry["object"]["kind"]),
        (&"command-line".into(), &"database".into())
    );
    for (table, rows) in entry["details"]["tables"].as_object().unwrap() {
        let counted = world.count_in_source(&format!("SELECT count(*) FROM {table}"));
        assert_eq!(
            (rows["rows"].as_i64(), rows["digest"].as_str().unwrap().len()),
            (Some(counted), 64),
            "{table}"
        );
    }
    let name = "SELECT count(*) FROM eg_pg_audit_personal JOIN eg_pg_audit USING (entry_number)
        WHERE action = 'payments.moved' AND field = 'name' AND value = 'Gurmeet Kaur'";
    assert_eq!(world.number(name).await, 1);
    world.verified(&after);

    // The service goes on.
    let topic = |name: &str| format!("{}-{name}", world.database.name());
    let topics = [
        ("persister.save.pg.txns", topic("save")),
        ("persister.update.pg.txns", topic("update")),
        ("persister.save.pg.txnsDump", topic("save-dump")),
        ("persister.update.pg.txnsDump", topic("update-dump")),
        ("persister.save.pg.refund", topic("save-refund")),
        ("persister.update.pg.refund", topic("update-refund")),
        ("audit.checkpoint-topic", topic("checkpoints")),
    ];
    let mut service = world.moved(&topics).await;
    let payer = Payer::of(service.url());
    assert_eq!(payer.search(&story.paid).await["receipt"], story.receipt);
    payer.choose(&story.pending_page, Choice::Pay).await;
    let settled = payer.update(&story.pending).await;
    assert!(settled["txnStatus"] == "SUCCESS" && settled["receipt"].is_string(), "{settled}");
    assert_ne!(settled["receipt"], story.receipt);
    // A bill that was paid stays paid, one that was paid back is open again.
    let (status, refused) = create(&service, "PAID").await;
    assert_eq!(status, 400, "{refused}");
    assert_eq!(create(&service, "REFUNDED").await.0, 200);
    world
        .until("every event is published", async || {
            world.number("SELECT count(*) FROM eg_pg_outbox WHERE published_at IS NULL").await == 0
        })
        .await;
    let created = created(&topic("save"));
    let transactions = world.number("SELECT count(*) FROM eg_pg_transactions").await;
    assert_eq!(i64::try_from(created.len()).unwrap(), transactions, "{created:?}");
    service.signal("TERM");
    service.ended().await;
    let log = std::fs::read_to_string(world.file("new.log")).unwrap();
    assert!(!log.contains("have not moved"), "{log}");

    let verified = world.told(
        &[
            &after[..],
            &["audit", "verify", "--checkpoints", "checkpoints.jsonl", "--public-key", "audit.pub"],
        ]
        .concat(),
    );
    assert!(verified.contains("1 compared"), "{verified}");
    let client = postgres::connect(world.database.url()).await.unwrap();
    let kept = client.query("SELECT entry FROM eg_pg_audit ORDER BY entry_number", &[]).await.unwrap();
    let kept: Vec<String> = kept.iter().map(|row| row.get(0)).collect();
    assert_eq!(kept[..entries.len()], entries[..]);
    let refund = world.told(&[&after[..], &["refund", "show", &story.refund, "--json"]].concat());
    let refund: Value = serde_json::from_str(&refund).unwrap();
    assert_eq!(refund["refund"]["originalTxnId"], Value::from(story.refunded), "{refund}");

    // There is no way back any more, and the old database stays closed.
    world.refused(&["--back"], "has been used since");
    assert_eq!(run(world.path(), &["--port", "0"]).status.code(), Some(1));
}

async fn create(service: &Service, bill: &str) -> (u16, Value) {
    let body = crate::support::payer::create_request(bill, "100.00", "http://127.0.0.1:1/done");
    let answer = http_client()
        .post(format!("{}/transaction/v1/_create", service.url()))
        .json(&body)
        .send()
        .await
        .unwrap();
    (answer.status().as_u16(), answer.json().await.unwrap())
}

/// The ids in a topic of created transactions, each as often as it is there.
fn created(topic: &str) -> Vec<String> {
    let consumer: BaseConsumer = ClientConfig::new()
        .set("bootstrap.servers", bootstrap_servers())
        .set("group.id", format!("reader-{topic}"))
        .set("auto.offset.reset", "earliest")
        .set("enable.partition.eof", "true")
        .create()
        .unwrap();
    consumer.subscribe(&[topic]).unwrap();
    let metadata = consumer.fetch_metadata(Some(topic), PATIENCE).unwrap();
    let partitions = metadata.topics()[0].partitions().len();
    let (mut ids, mut ended, started) = (Vec::new(), HashSet::new(), Instant::now());
    while started.elapsed() < PATIENCE {
        match consumer.poll(Duration::from_millis(100)) {
            Some(Ok(record)) => ids.push(String::from_utf8(record.key().unwrap().to_vec()).unwrap()),
            Some(Err(KafkaError::PartitionEOF(partition))) => {
                ended.insert(partition);
            }
            None | Some(Err(_)) => {}
        }
        if ended.len() == partitions {
            return ids;
        }
    }
    panic!("{topic} has no end: {ids:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_move_is_gone_back_from_as_long_as_nothing_has_happened() {
    let world = World::new().await;
    assert!(run(world.path(), &["migrate"]).status.success());
    world.refused(&["--back"], "have not moved");
    let elsewhere =
        run(world.path(), &["--properties", "new.properties", "move", "--to-properties", "new.properties"]);
    assert!(stderr(&elsewhere).contains("no embedded database"), "{}", stderr(&elsewhere));
    std::fs::write(world.file("none.properties"), "server.port=9000\n").unwrap();
    let nowhere = run(world.path(), &["move", "--to-properties", "none.properties"]);
    assert!(stderr(&nowhere).contains("names no database"), "{}", stderr(&nowhere));

    let backup = run(world.path(), &["backup", "before.db"]);
    assert!(backup.status.success());
    assert!(world.move_on(&[]).status.success());
    let marked = run(world.path(), &["backup", "after.db"]);
    assert!(marked.status.success(), "{}", stderr(&marked));
    world.verified(&["--properties", "new.properties"]);
    let back = world.move_on(&["--back"]);
    assert!(back.status.success(), "{}", stderr(&back));
    let reversals = "SELECT count(*) FROM eg_pg_audit WHERE action = 'payments.move-reversed'";
    assert_eq!(world.count_in_source(reversals), 1);
    world.verified(&[]);
    let mut service = world.embedded().await;
    let payer = Payer::of(service.url());
    let (id, page) = payer.create("B1").await;
    payer.choose(&page, Choice::Pay).await;
    assert_eq!(payer.update(&id).await["txnStatus"], "SUCCESS");
    service.kill();
    // The copy is closed: to the service, to a move, to any writer.
    let copy = run(world.path(), &["--properties", "new.properties", "transaction", "show", &id]);
    assert!(stderr(&copy).contains("given back"), "{}", stderr(&copy));
    // A service that is sent to PostgreSQL reports the payments that stay behind.
    let sent_away = run(world.path(), &["--properties", "new.properties", "--port", "0"]);
    let printed = stdout(&sent_away) + &stderr(&sent_away);
    assert!(printed.contains("given back") && printed.contains("payments have not moved"), "{printed}");
    world.refused(&[], "was moved into before, and gone back from");
    let other = FreshDatabase::create().await;
    std::fs::write(world.file("new.properties"), format!("spring.datasource.url={}\n", other.url())).unwrap();
    assert!(world.move_on(&[]).status.success());
    world.told(&["move", "--back", "--target-lost", "--by", OPERATOR]);
    let lost = format!("{reversals} AND entry ->> '$.details.declaredLost'");
    assert_eq!((world.count_in_source(reversals), world.count_in_source(&lost)), (2, 1));

    // A backup of a database that was closed is closed; one from before is an older copy.
    for (backup, told) in [("after.db", "have moved to"), ("before.db", "an older copy")] {
        let _ = std::fs::remove_dir_all(world.file("data"));
        let restored = run(world.path(), &["restore", backup]);
        let output = if restored.status.success() { world.move_on(&[]) } else { restored };
        assert!(!output.status.success() && stderr(&output).contains(told), "{}", stderr(&output));
    }
    // The database of another.
    let another = tempfile::tempdir().unwrap();
    assert!(run(another.path(), &["migrate"]).status.success());
    std::fs::copy(world.file("new.properties"), another.path().join("new.properties")).unwrap();
    let foreign = run(another.path(), &["move", "--to-properties", "new.properties"]);
    assert!(stderr(&foreign).contains("is not empty"), "{}", stderr(&foreign));
}
