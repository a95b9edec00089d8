//! The notification consumer on a real broker: one message per event, in order, and no offset committed
//! before its record was processed.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::time::Duration;

use crate::support::{LIMIT, Outbox, committed, create_topic, kafka, read, until};
use async_trait::async_trait;
use payment_digit::{DigitError, Messages};
use payment_domain::{Clock, EventKind, RequestInfo, Status, SystemClock, TenantId, Transaction, TxnId};
use payment_kafka::{ConsumerSettings, NoClient, NotificationConsumer, TopicPattern, Topics};
use payment_service::{NotificationPorts, NotificationSettings, Notifications};
use payment_store::contract::sample;
use payment_store::{Created, NewTransaction};
use payment_testing::kafka::{Broker, bootstrap_servers};
use rdkafka::ClientConfig;
use rdkafka::producer::{FutureProducer, FutureRecord};
use rdkafka::util::Timeout;
use serde_json::{Value, json};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

/// A localization service that hangs for some transactions, and is unavailable for a while.
#[derive(Default)]
struct Texts {
    hangs: AtomicBool,
    failures: AtomicU32,
    refuses: AtomicBool,
    asked: AtomicU32,
}

#[async_trait]
impl Messages for Texts {
    async fn text(
        &self,
        _: &RequestInfo,
        tenant: &TenantId,
        _: &str,
        code: &str,
    ) -> Result<Option<String>, DigitError> {
        const SERVICE: &str = "egov-localization";
        self.asked.fetch_add(1, Ordering::SeqCst);
        if self.hangs.load(Ordering::SeqCst) && tenant.as_str() == "pb.hangs" {
            std::future::pending::<()>().await;
        }
        if self.refuses.load(Ordering::SeqCst) {
            return Err(DigitError::Refused { service: SERVICE, body: "{}".to_owned() });
        }
        let one_less = |left: u32| left.checked_sub(1);
        if self.failures.fetch_update(Ordering::SeqCst, Ordering::SeqCst, one_less).is_ok() {
            return Err(DigitError::NotSent { service: SERVICE, source: "connection refused".into() });
        }
        Ok((code == "PG_NOTIFICATION_SUCCESS").then(|| "{txnId} is paid".to_owned()))
    }
}

struct World {
    bootstrap: String,
    outbox: Outbox,
    texts: Arc<Texts>,
    group: String,
    dead_letters: String,
    producer: FutureProducer,
}

struct Consuming {
    stop: CancellationToken,
    handle: JoinHandle<Result<(), NoClient>>,
}

impl Consuming {
    async fn stopped(self) {
        self.stop.cancel();
        tokio::time::timeout(LIMIT, self.handle).await.unwrap().unwrap().unwrap();
    }
}

impl World {
    async fn new(bootstrap: String) -> World {
        let outbox = Outbox::new();
        let own = uuid::Uuid::new_v4().simple().to_string();
        let producer = ClientConfig::new()
            .set("bootstrap.servers", &bootstrap)
            .set("partitioner", "murmur2_random")
            .create()
            .unwrap();
        for topic in [&outbox.topics.save_transaction, &outbox.topics.update_transaction] {
            create_topic(&bootstrap, topic, 3).await;
        }
        World {
            bootstrap,
            outbox,
            texts: Arc::default(),
            group: format!("g{own}"),
            dead_letters: format!("d{own}"),
            producer,
        }
    }

    fn notifications(&self) -> Notifications {
        let ports = NotificationPorts {
            store: self.outbox.store.clone(),
            messages: self.texts.clone(),
            bills: None,
            links: None,
            clock: Arc::new(SystemClock),
        };
        let settings = NotificationSettings { max_event_bytes: 600_000, ..NotificationSettings::default() };
        Notifications::new(ports, settings)
    }

    fn consumer(&self) -> NotificationConsumer {
        let kafka = kafka(
            &self.bootstrap,
            &[
                ("session.timeout.ms", "6000"),
                ("heartbeat.interval.ms", "500"),
                ("auto.commit.interval.ms", "200"),
                ("topic.metadata.refresh.interval.ms", "500"),
            ],
        );
        let consumer = ConsumerSettings {
            group: self.group.clone(),
            topics: TopicPattern::of(&self.outbox.topics),
            dead_letter_topic: self.dead_letters.clone(),
            delivery_timeout: Duration::from_secs(2),
            refused_tries: 3,
            pauses: (Duration::from_millis(50), Duration::from_millis(500)),
        };
        NotificationConsumer::new(self.notifications(), kafka, consumer).unwrap()
    }

    fn consume(&self) -> Consuming {
        let (consumer, stop) = (self.consumer(), CancellationToken::new());
        let stopped = stop.clone();
        Consuming { stop, handle: tokio::spawn(async move { consumer.run(stopped).await }) }
    }

    async fn send(&self, topic: &str, key: &str, body: &str) {
        let record = FutureRecord::to(topic).key(key).payload(body);
        self.producer.send(record, Timeout::After(LIMIT)).await.map_err(|(error, _)| error).unwrap();
    }

    /// The service has the transaction of an event, which was paid just now.
    async fn knows(&self, event: &Value) {
        let txn = &event["Transaction"];
        let id = txn["txnId"].as_str().unwrap();
        if self.outbox.store.transaction(&TxnId::new(id).unwrap()).await.unwrap().is_some() {
            return;
        }
        let mut txn = Transaction {
            tenant_id: TenantId::new(txn["tenantId"].as_str().unwrap()).unwrap(),
            status: Status::Success { receipt: None },
            ..sample::transaction(id, &[id])
        };
        txn.audit.created_at = SystemClock.now();
        let created =
            self.outbox.store.create(NewTransaction { events: Vec::new(), ..sample::new(txn) }).await;
        assert!(matches!(created, Ok(Created::Stored)), "{created:?}");
    }

    async fn send_event(&self, event: &Value) {
        self.knows(event).await;
        let key = event["Transaction"]["txnId"].as_str().unwrap();
        self.send(&self.outbox.topics.update_transaction, key, &event.to_string()).await;
    }

    /// The transactions of all messages that wait in the outbox, in their order.
    async fn told(&self) -> Vec<String> {
        let waiting = self.outbox.store.unpublished(0, 1000).await.unwrap();
        assert!(waiting.iter().all(|stored| stored.event.kind == EventKind::Sms));
        waiting.iter().map(|stored| stored.event.txn_id.to_string()).collect()
    }

    async fn tells(&self, count: usize) {
        until("payers are told", async || self.told().await.len() >= count).await;
    }

    async fn commits(&self, count: i64) {
        let topic = &self.outbox.topics.update_transaction;
        until("offsets are committed", async || {
            committed(&self.bootstrap, &self.group, topic).await == count
        })
        .await;
    }
}

fn event(txn_id: &str, tenant: &str, notify_payer: bool) -> Value {
    json!({
        "RequestInfo": {"userInfo": {"uuid": "u-1", "type": null}},
        "notifyPayer": notify_payer,
        "Transaction": {
            "txnId": txn_id, "tenantId": tenant, "txnAmount": "100.00", "txnStatus": "SUCCESS",
            "txnStatusMsg": "Transaction successful", "billId": "B1", "consumerCode": "PT-1",
            "user": {"mobileNumber": "9876543210"},
        },
    })
}

fn by_system(txn_id: &str) -> Value {
    event(txn_id, "pb.amritsar", true)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_payer_gets_one_message_however_often_the_event_is_delivered_on_any_topic() {
    let world = World::new(bootstrap_servers()).await;
    for _ in 0..3 {
        world.send_event(&by_system("T1")).await;
        world.send_event(&event("T2", "pb.amritsar", false)).await;
    }
    let first = world.consume();
    world.tells(1).await;
    // A state's own topic, which is created while we are at it.
    let prefixed = format!("state1-{}", world.outbox.topics.save_transaction);
    create_topic(&world.bootstrap, &prefixed, 1).await;
    world.knows(&by_system("T3")).await;
    world.send(&prefixed, "T3", &by_system("T3").to_string()).await;
    let dumps = &world.outbox.topics.update_dump;
    world.send(dumps, "T4", &by_system("T4").to_string()).await;
    world.tells(2).await;
    world.commits(6).await;
    first.stopped().await;
    // Another node, and a group without committed offsets.
    let again = World { group: format!("{}-again", world.group), ..world };
    let second = again.consume();
    again.commits(6).await;
    second.stopped().await;
    assert_eq!(again.told().await, ["T1", "T3"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_unreadable_record_is_dead_lettered_with_the_reason_and_blocks_nothing() {
    let world = World::new(bootstrap_servers()).await;
    let topic = &world.outbox.topics.update_transaction;
    let mut wrong = by_system("T1");
    wrong["Transaction"]["txnStatus"] = json!("PAID");
    let mut large = by_system("T1");
    large["x"] = json!("x".repeat(600_000));
    let bodies = ["not json", "", "[1]", &wrong.to_string(), &large.to_string()];
    for body in bodies {
        world.send(topic, "T1", body).await;
    }
    world.send_event(&by_system("T1")).await;
    let consuming = world.consume();
    world.tells(1).await;
    world.commits(6).await;
    consuming.stopped().await;
    let letters = read(&world.bootstrap, &world.dead_letters).await;
    let reasons: Vec<(&str, &str)> = letters
        .iter()
        .map(|letter| {
            (letter.headers["dead-letter.reason"].as_str(), letter.headers["dead-letter.offset"].as_str())
        })
        .collect();
    assert_eq!(reasons.len(), 5);
    for (reason, offset) in [
        ("not JSON", "0"),
        ("not JSON", "1"),
        ("no RequestInfo, or neither Transaction nor Refund", "2"),
        ("too large", "4"),
    ] {
        assert!(reasons.contains(&(reason, offset)), "{reasons:?}");
    }
    assert!(reasons.iter().any(|(reason, offset)| *offset == "3" && reason.starts_with("not a transaction")));
    for letter in &letters {
        assert_eq!((letter.key.as_str(), &letter.headers["dead-letter.topic"]), ("T1", topic));
        let sent = bodies[letter.headers["dead-letter.offset"].parse::<usize>().unwrap()];
        assert_eq!(letter.headers["dead-letter.size"], sent.len().to_string());
        assert!(sent.starts_with(&letter.body) && letter.body.len() == sent.len().min(512 * 1024));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_offset_is_committed_only_after_the_work() {
    let world = World::new(bootstrap_servers()).await;
    world.texts.hangs.store(true, Ordering::SeqCst);
    // One transaction a partition, the first of which is not dealt with.
    let mut stuck = None;
    for number in 0..12 {
        let id = format!("T{number}");
        let tenant = if stuck.is_none() { "pb.hangs" } else { "pb.amritsar" };
        world.send_event(&event(&id, tenant, true)).await;
        stuck.get_or_insert(id);
    }
    let killed = world.consume();
    let topic = world.outbox.topics.update_transaction.clone();
    let partitions = read(&world.bootstrap, &topic).await;
    let hanging = partitions.iter().find(|seen| seen.key == "T0").unwrap().partition;
    let free = partitions.iter().filter(|seen| seen.partition != hanging).count();
    assert!(free > 0, "the keys are spread");
    world.tells(free).await;
    world.commits(i64::try_from(free).unwrap()).await;
    assert!(world.texts.asked.load(Ordering::SeqCst) > 0);
    killed.handle.abort();
    assert!(killed.handle.await.unwrap_err().is_cancelled());
    assert_eq!(committed(&world.bootstrap, &world.group, &topic).await, i64::try_from(free).unwrap());
    world.texts.hangs.store(false, Ordering::SeqCst);
    let next = world.consume();
    world.tells(12).await;
    world.commits(12).await;
    next.stopped().await;
    assert_eq!(world.told().await.len(), 12);
}

#[tokio::test(flavor = "multi_thread")]
async fn unavailable_services_are_retried_and_refused_records_are_dead_lettered_after_a_few_tries() {
    let world = World::new(bootstrap_servers()).await;
    world.texts.failures.store(5, Ordering::SeqCst);
    world.send_event(&by_system("T1")).await;
    let consuming = world.consume();
    world.tells(1).await;
    assert_eq!(world.texts.asked.load(Ordering::SeqCst), 6);
    world.texts.refuses.store(true, Ordering::SeqCst);
    world.send_event(&by_system("T2")).await;
    world.commits(2).await;
    world.texts.refuses.store(false, Ordering::SeqCst);
    world.send_event(&by_system("T3")).await;
    world.tells(2).await;
    consuming.stopped().await;
    assert_eq!(world.told().await, ["T1", "T3"]);
    let letters = read(&world.bootstrap, &world.dead_letters).await;
    assert_eq!(letters.len(), 1);
    assert_eq!(letters[0].headers["dead-letter.reason"], "egov-localization refused");
    assert_eq!(letters[0].body, by_system("T2").to_string());
}

#[tokio::test(flavor = "multi_thread")]
async fn two_nodes_share_the_work_and_one_takes_over_what_the_other_leaves() {
    let world = World::new(bootstrap_servers()).await;
    let (first, second) = (world.consume(), world.consume());
    for number in 0..30 {
        world.send_event(&by_system(&format!("T{number}"))).await;
    }
    world.tells(30).await;
    first.stopped().await;
    for number in 30..60 {
        world.send_event(&by_system(&format!("T{number}"))).await;
    }
    world.tells(60).await;
    world.commits(60).await;
    second.stopped().await;
    let mut told = world.told().await;
    told.sort_unstable();
    told.dedup();
    assert_eq!(told.len(), 60);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_record_that_cannot_be_dead_lettered_is_not_committed_and_reading_continues_when_the_broker_returns()
 {
    let mut broker = Broker::builder().setting("auto.create.topics.enable", "false").start().await;
    let world = World::new(broker.bootstrap()).await;
    let topic = world.outbox.topics.update_transaction.clone();
    let consuming = world.consume();
    world.send(&topic, "T1", "not json").await;
    world.send_event(&by_system("T1")).await;
    // Other partitions go on, this one waits: there is no topic for dead letters.
    let other = (2..).map(|number| format!("T{number}"));
    for id in other.take(10) {
        world.send_event(&by_system(&id)).await;
    }
    world.tells(1).await;
    tokio::time::sleep(Duration::from_secs(3)).await;
    assert!(!world.told().await.contains(&"T1".to_owned()));
    create_topic(&world.bootstrap, &world.dead_letters, 1).await;
    world.tells(11).await;
    world.commits(12).await;
    broker.kill().await;
    broker.start_again().await;
    world.send_event(&by_system("T99")).await;
    world.tells(12).await;
    world.commits(13).await;
    consuming.stopped().await;
    assert_eq!(read(&world.bootstrap, &world.dead_letters).await.len(), 1);
}

#[tokio::test]
async fn a_pattern_unknown_to_librdkafka_is_reported_at_once() {
    let world = World::new(bootstrap_servers()).await;
    let topics = TopicPattern::from_java("(unclosed", &Topics::default()).unwrap();
    let consumer = NotificationConsumer::new(
        world.notifications(),
        kafka(&world.bootstrap, &[]),
        ConsumerSettings { topics, group: world.group.clone(), ..ConsumerSettings::default() },
    );
    let stop = CancellationToken::new();
    let run = tokio::time::timeout(LIMIT, async { consumer.unwrap().run(stop).await });
    assert!(run.await.unwrap().is_err());
}
