//! A store, jobs' runs, and real brokers with topics of a test's own.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use payment_domain::{Event, EventKind, SystemClock, TenantId, Timestamp, TxnId};
use payment_kafka::{KafkaSettings, OutboxRelay, RelaySettings, Topics};
use payment_service::{Job, JobError, Run};
use payment_store::{BegunRun, Store, Tally, TickAnswer, TickRequest};
use payment_store_sqlite::SqliteStore;
use rdkafka::admin::{AdminClient, AdminOptions, AlterConfig, NewTopic, ResourceSpecifier, TopicReplication};
use rdkafka::client::DefaultClientContext;
use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::message::Headers;
use rdkafka::util::Timeout;
use rdkafka::{ClientConfig, Message, Offset, TopicPartitionList};
use tokio::task::JoinHandle;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

/// How long anything is waited for.
pub(crate) const LIMIT: Duration = Duration::from_secs(60);

pub(crate) fn kafka(bootstrap: &str, properties: &[(&str, &str)]) -> KafkaSettings {
    let properties = properties.iter().map(|(name, value)| ((*name).to_owned(), (*value).into()));
    KafkaSettings::new(bootstrap, properties).unwrap()
}

/// Topics that no other test has.
pub(crate) fn topics() -> Topics {
    let own = format!("t{}", uuid::Uuid::new_v4().simple());
    Topics {
        save_transaction: format!("{own}-save"),
        update_transaction: format!("{own}-update"),
        save_dump: format!("{own}-save-dump"),
        update_dump: format!("{own}-update-dump"),
        save_refund: format!("{own}-save-refund"),
        update_refund: format!("{own}-update-refund"),
        sms: format!("{own}.sms"),
        audit_checkpoints: format!("{own}-audit-checkpoints"),
        central_instance: None,
    }
}

pub(crate) struct Outbox {
    pub(crate) store: Arc<dyn Store>,
    pub(crate) topics: Topics,
    stored: AtomicU32,
    begun: AtomicU32,
    _folder: tempfile::TempDir,
}

/// A run of the relay in the background.
pub(crate) struct Running {
    pub(crate) stop: CancellationToken,
    pub(crate) handle: JoinHandle<(Result<(), JobError>, Tally)>,
}

impl Running {
    pub(crate) async fn stopped(self) -> (Result<(), JobError>, Tally) {
        self.stop.cancel();
        tokio::time::timeout(Duration::from_secs(5), self.handle).await.expect("it ends soon").unwrap()
    }
}

impl Outbox {
    pub(crate) fn new() -> Outbox {
        let folder = tempfile::tempdir().unwrap();
        let store = SqliteStore::open(&folder.path().join("payments.db"), &Default::default()).unwrap();
        Outbox {
            store: Arc::new(store),
            topics: topics(),
            stored: AtomicU32::new(0),
            begun: AtomicU32::new(0),
            _folder: folder,
        }
    }

    pub(crate) fn relay(&self, kafka: KafkaSettings) -> Arc<OutboxRelay> {
        self.relay_with(kafka, Duration::from_secs(1))
    }

    pub(crate) fn relay_with(&self, kafka: KafkaSettings, refused_pause: Duration) -> Arc<OutboxRelay> {
        let settings = RelaySettings {
            topics: self.topics.clone(),
            delivery_timeout: Duration::from_secs(3),
            page: 200,
            refused_pause,
            ..RelaySettings::default()
        };
        Arc::new(OutboxRelay::new(self.store.clone(), Arc::new(SystemClock), kafka, settings).unwrap())
    }

    pub(crate) async fn store(&self, id: &str, kind: EventKind, body: &str) {
        let key = format!("event/{}", self.stored.fetch_add(1, Ordering::SeqCst));
        let event = Event {
            kind,
            txn_id: TxnId::new(id).unwrap(),
            tenant_id: TenantId::new("pb.amritsar").unwrap(),
            body: body.to_owned(),
            trace: None,
        };
        assert!(self.store.store_event_once(&key, event, Timestamp::from_millis(1)).await.unwrap());
    }

    /// Begins a run as a node that finds the lease of the last one run out.
    pub(crate) async fn begin(&self) -> BegunRun {
        let turn = self.begun.fetch_add(1, Ordering::SeqCst);
        // The lease of the run before is over.
        let before = self.store.runs(Some("outbox"), 1).await.unwrap();
        let request = TickRequest {
            job: "outbox".to_owned(),
            scheduled_at: Timestamp::from_millis(0),
            missed: 0,
            node: format!("node-{turn}"),
            lease: Duration::ZERO,
            not_renewed: before.first().map(|run| run.lease_until),
            newest_known: None,
        };
        match self.store.begin_run(request).await.unwrap() {
            TickAnswer::Begun(begun) => begun,
            other @ (TickAnswer::Busy { .. } | TickAnswer::Done | TickAnswer::Overtaken) => {
                panic!("{other:?}")
            }
        }
    }

    pub(crate) async fn run(&self, relay: &Arc<OutboxRelay>) -> Running {
        let (begun, stop, relay) = (self.begin().await, CancellationToken::new(), relay.clone());
        let run = Run::new(begun, stop.clone(), Instant::now() + 10 * LIMIT);
        let handle = tokio::spawn(async move { (relay.tick(&run).await, run.tally()) });
        Running { stop, handle }
    }

    pub(crate) async fn waiting(&self) -> u64 {
        self.store.outbox_backlog().await.unwrap().waiting
    }

    /// Waits until so many events wait.
    pub(crate) async fn waits(&self, count: u64) {
        until("so many events wait", async || self.waiting().await == count).await;
    }
}

/// Waits until something is so.
pub(crate) async fn until(what: &str, mut is_so: impl AsyncFnMut() -> bool) {
    let deadline = Instant::now() + LIMIT;
    while !is_so().await {
        assert!(Instant::now() < deadline, "it never came: {what}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

/// A record as other consumers read it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Seen {
    pub(crate) key: String,
    pub(crate) body: String,
    pub(crate) headers: HashMap<String, String>,
    pub(crate) partition: i32,
}

/// All records of a topic so far, each partition in its order.
pub(crate) async fn read(bootstrap: &str, topic: &str) -> Vec<Seen> {
    let (bootstrap, topic) = (bootstrap.to_owned(), topic.to_owned());
    tokio::task::spawn_blocking(move || read_now(&bootstrap, &topic)).await.unwrap()
}

fn plain_consumer(bootstrap: &str, group: &str) -> BaseConsumer {
    ClientConfig::new()
        .set("bootstrap.servers", bootstrap)
        .set("group.id", group)
        .set("enable.auto.commit", "false")
        .set("fetch.message.max.bytes", "10000000")
        .create()
        .unwrap()
}

fn read_now(bootstrap: &str, topic: &str) -> Vec<Seen> {
    let consumer = plain_consumer(bootstrap, "reader");
    let metadata = consumer.fetch_metadata(Some(topic), LIMIT).unwrap();
    let mut ends = HashMap::new();
    let mut from_start = TopicPartitionList::new();
    for partition in metadata.topics()[0].partitions() {
        let (low, high) = consumer.fetch_watermarks(topic, partition.id(), LIMIT).unwrap();
        if high > low {
            ends.insert(partition.id(), high);
            from_start.add_partition_offset(topic, partition.id(), Offset::Beginning).unwrap();
        }
    }
    consumer.assign(&from_start).unwrap();
    let mut seen = Vec::new();
    while !ends.is_empty() {
        let message = consumer.poll(Timeout::After(LIMIT)).expect("a record comes").unwrap();
        let text = |bytes: Option<&[u8]>| String::from_utf8_lossy(bytes.unwrap_or_default()).into_owned();
        let headers = message.headers().map(|headers| {
            headers.iter().map(|header| (header.key.to_owned(), text(header.value))).collect()
        });
        seen.push(Seen {
            key: text(message.key()),
            body: text(message.payload()),
            headers: headers.unwrap_or_default(),
            partition: message.partition(),
        });
        if ends.get(&message.partition()).is_some_and(|end| message.offset() + 1 >= *end) {
            ends.remove(&message.partition());
        }
    }
    seen
}

/// The sum of the offsets that a group has committed of a topic, over all partitions.
pub(crate) async fn committed(bootstrap: &str, group: &str, topic: &str) -> i64 {
    let (bootstrap, group, topic) = (bootstrap.to_owned(), group.to_owned(), topic.to_owned());
    tokio::task::spawn_blocking(move || {
        let consumer = plain_consumer(&bootstrap, &group);
        let metadata = consumer.fetch_metadata(Some(&topic), LIMIT).unwrap();
        let mut partitions = TopicPartitionList::new();
        for partition in metadata.topics()[0].partitions() {
            partitions.add_partition(&topic, partition.id());
        }
        let committed = consumer.committed_offsets(partitions, LIMIT).unwrap();
        committed.elements().iter().filter_map(|element| element.offset().to_raw().filter(|at| *at > 0)).sum()
    })
    .await
    .unwrap()
}

pub(crate) async fn create_topic(bootstrap: &str, name: &str, partitions: i32) {
    let topic = NewTopic::new(name, partitions, TopicReplication::Fixed(1));
    let created = admin(bootstrap).create_topics([&topic], &patient()).await.unwrap();
    assert!(created.iter().all(Result::is_ok), "{created:?}");
}

pub(crate) async fn set_topic(bootstrap: &str, name: &str, property: &str, value: &str) {
    let change = AlterConfig::new(ResourceSpecifier::Topic(name)).set(property, value);
    let changed = admin(bootstrap).alter_configs([&change], &patient()).await.unwrap();
    assert!(changed.iter().all(Result::is_ok), "{changed:?}");
}

fn admin(bootstrap: &str) -> AdminClient<DefaultClientContext> {
    ClientConfig::new().set("bootstrap.servers", bootstrap).create().unwrap()
}

fn patient() -> AdminOptions {
    AdminOptions::new().operation_timeout(Some(LIMIT)).request_timeout(Some(LIMIT))
}

/// Each key's records in the order in which they were first seen.
pub(crate) fn first_seen(records: &[Seen]) -> HashMap<String, Vec<String>> {
    let mut by_key: HashMap<String, Vec<String>> = HashMap::new();
    for record in records {
        let bodies = by_key.entry(record.key.clone()).or_default();
        if !bodies.contains(&record.body) {
            bodies.push(record.body.clone());
        }
    }
    by_key
}
