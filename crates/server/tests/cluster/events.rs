//! The records that consumers read from Kafka, compared with the outbox.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::time::{Duration, Instant};

use payment_domain::EventKind;
use payment_store::StoredEvent;
use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::util::Timeout;
use rdkafka::{ClientConfig, Message, Offset, TopicPartitionList};
use serde_json::{Value, json};

/// How long a broker may take to answer.
const LIMIT: Duration = Duration::from_secs(30);

/// The group in which the replicas read events that text messages come of.
const GROUP: &str = "egov-pg-service";

/// A record as others read it.
struct Record {
    key: String,
    body: String,
    partition: i32,
}

/// The findings.
#[derive(Debug, Default)]
pub(crate) struct Delivered {
    /// Records in all topics.
    pub(crate) records: usize,
    /// Records beyond the first of each event.
    pub(crate) repeated: usize,
    /// Events that are text messages.
    pub(crate) messages: usize,
    /// Everything that is not as promised.
    pub(crate) faults: Vec<String>,
}

/// Compares every topic with the outbox: each event is there at least once, for the first time after
/// those before it of the same transaction and topic, and there is nothing else.
pub(crate) fn compare(bootstrap: &str, outbox: &[StoredEvent]) -> Delivered {
    let mut delivered = Delivered::default();
    for stored in outbox.iter().filter(|stored| stored.published_at.is_none()) {
        delivered.faults.push(format!("event {} was never published", stored.sequence));
    }
    for kind in EventKind::ALL {
        let stored: Vec<&StoredEvent> = outbox.iter().filter(|stored| stored.event.kind == kind).collect();
        compare_topic(&read(bootstrap, kind.as_str()), kind, &stored, &mut delivered);
    }
    text_messages_are_sent_once(outbox, &mut delivered);
    delivered
}

fn compare_topic(records: &[Record], kind: EventKind, stored: &[&StoredEvent], delivered: &mut Delivered) {
    let topic = kind.as_str();
    delivered.records += records.len();
    delivered.repeated += records.len().saturating_sub(stored.len());
    let mut expected: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for stored in stored {
        expected.entry(stored.event.txn_id.as_str()).or_default().push(&stored.event.body);
    }
    let mut seen: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    let mut partitions: HashMap<&str, i32> = HashMap::new();
    for record in records {
        seen.entry(&record.key).or_default().push(&record.body);
        if *partitions.entry(&record.key).or_insert(record.partition) != record.partition {
            delivered.faults.push(format!("{topic}: {} is in two partitions", record.key));
        }
    }
    for (key, bodies) in &expected {
        let records = seen.remove(key).unwrap_or_default();
        // Two events may say the same: each must be there.
        for body in first(bodies) {
            let count = |all: &[&str]| all.iter().filter(|other| **other == body).count();
            if count(&records) < count(bodies) {
                delivered.faults.push(format!("{topic}: an event of {key} was not delivered: {body}"));
            }
        }
        if first(&records) != first(bodies) {
            delivered.faults.push(format!(
                "{topic}: the events of {key} were first delivered in another order: {:#?} and not {:#?}",
                first(&records),
                first(bodies)
            ));
        }
    }
    for stranger in seen.keys() {
        delivered.faults.push(format!("{topic}: {stranger} is in no outbox"));
    }
}

/// Each body where it is seen for the first time.
fn first<'a>(bodies: &[&'a str]) -> Vec<&'a str> {
    let mut known = HashSet::new();
    bodies.iter().copied().filter(|body| known.insert(*body)).collect()
}

/// One text message a transaction or refund and status of which payers are informed. None need be sent of one that has
/// been overtaken by then.
fn text_messages_are_sent_once(outbox: &[StoredEvent], delivered: &mut Delivered) {
    let mut due: BTreeMap<String, Due> = BTreeMap::new();
    let mut sent: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for stored in outbox {
        let body: Value = serde_json::from_str(&stored.event.body).unwrap();
        let txn_id = stored.event.txn_id.to_string();
        match stored.event.kind {
            EventKind::SaveTransaction | EventKind::UpdateTransaction => {
                if body["notifyPayer"] == true {
                    due.entry(txn_id).or_default().of_payment(&body["Transaction"]);
                }
            }
            EventKind::SaveRefund | EventKind::UpdateRefund => {
                let refund = &body["Refund"];
                let id = refund["refundId"].as_str().unwrap().to_owned();
                due.entry(id).or_default().of_refund(refund);
            }
            EventKind::Sms => {
                let message = body["message"].as_str().unwrap().to_owned();
                let refund = message.split_once("Refund id: ").and_then(|(_, rest)| rest.split(',').next());
                sent.entry(refund.map_or(txn_id, str::to_owned)).or_default().push(message);
            }
            EventKind::SaveDump | EventKind::UpdateDump | EventKind::AuditCheckpoint => {}
        }
    }
    delivered.messages = sent.values().map(Vec::len).sum();
    let none = Vec::new();
    let differ = |id: &&String| {
        let sent = sent.get(*id).unwrap_or(&none);
        let repeats = sent.len() != sent.iter().collect::<HashSet<_>>().len();
        let (fewest, most) = due.get(*id).map_or((0, 0), |due| (due.lasting, due.words.len()));
        repeats || !(fewest..=most).contains(&sent.len())
    };
    let ids: HashSet<&String> = sent.keys().chain(due.keys()).filter(differ).collect();
    if !ids.is_empty() {
        delivered.faults.push(format!("text messages were not sent once for {ids:?}"));
    }
}

/// The statuses of a transaction or refund of which its payer is informed.
#[derive(Debug, Default)]
struct Due {
    words: HashSet<String>,
    /// How many of them cannot be overtaken.
    lasting: usize,
}

impl Due {
    fn hears_of(&mut self, word: &str, lasts: bool) {
        if self.words.insert(word.to_owned()) && lasts {
            self.lasting += 1;
        }
    }

    fn of_payment(&mut self, txn: &Value) {
        let word = txn["txnStatus"].as_str().unwrap();
        self.hears_of(word, word != "PENDING");
    }

    /// The events of a refund come in the order of its changes.
    fn of_refund(&mut self, refund: &Value) {
        match refund["additionalDetails"]["workflowStatus"].as_str().unwrap() {
            // Its money has come back: the message that it was given back may not have been sent by then.
            "SUCCEEDED" if refund["additionalDetails"]["returnedTime"].is_i64() => self.lasting = 0,
            "SENT" => self.hears_of("PENDING", false),
            "SUCCEEDED" => self.hears_of("SUCCESS", true),
            "FAILED" if self.words.contains("PENDING") => self.hears_of("FAILURE", true),
            _ => {}
        }
    }
}

fn consumer(bootstrap: &str, group: &str) -> BaseConsumer {
    let mut config = ClientConfig::new();
    config.set("bootstrap.servers", bootstrap).set("group.id", group).set("enable.auto.commit", "false");
    config.create().unwrap()
}

/// The partitions of a topic with what they hold: the first offset and the one behind the last.
fn partitions(consumer: &BaseConsumer, topic: &str) -> Vec<(i32, i64, i64)> {
    let metadata = consumer.fetch_metadata(Some(topic), LIMIT).unwrap();
    let ids = metadata.topics()[0].partitions().iter().map(|partition| partition.id());
    ids.map(|id| {
        let (low, high) = consumer.fetch_watermarks(topic, id, LIMIT).unwrap();
        (id, low, high)
    })
    .collect()
}

/// All records of a topic, each partition in its order.
fn read(bootstrap: &str, topic: &str) -> Vec<Record> {
    let consumer = consumer(bootstrap, "reader");
    let mut from_start = TopicPartitionList::new();
    let mut ends = HashMap::new();
    for (id, low, high) in partitions(&consumer, topic) {
        assert_eq!(low, 0, "nothing was cleared away");
        if high > low {
            ends.insert(id, high);
            from_start.add_partition_offset(topic, id, Offset::Beginning).unwrap();
        }
    }
    consumer.assign(&from_start).unwrap();
    let text = |bytes: Option<&[u8]>| String::from_utf8(bytes.unwrap_or_default().to_vec()).unwrap();
    let mut records = Vec::new();
    while !ends.is_empty() {
        let record = consumer.poll(Timeout::After(LIMIT)).expect("a record comes").unwrap();
        let (key, body) = (text(record.key()), text(record.payload()));
        records.push(Record { key, body, partition: record.partition() });
        if ends.get(&record.partition()).is_some_and(|end| record.offset() + 1 >= *end) {
            ends.remove(&record.partition());
        }
    }
    records
}

/// Waits until the replicas have read every event that a text message could come of; `patience` is for no progress.
pub(crate) fn until_read_by_the_replicas(bootstrap: &str, patience: Duration) {
    let consumer = consumer(bootstrap, GROUP);
    let (mut fewest, mut progress) = (i64::MAX, Instant::now());
    loop {
        let unread: i64 = [EventKind::SaveTransaction, EventKind::UpdateTransaction, EventKind::UpdateRefund]
            .map(|kind| unread(&consumer, kind.as_str()))
            .iter()
            .sum();
        if unread == 0 {
            return;
        }
        if unread < fewest {
            (fewest, progress) = (unread, Instant::now());
        }
        assert!(progress.elapsed() < patience, "{unread} events stay unread by the replicas");
        std::thread::sleep(Duration::from_millis(100));
    }
}

fn unread(consumer: &BaseConsumer, topic: &str) -> i64 {
    let partitions = partitions(consumer, topic);
    let mut wanted = TopicPartitionList::new();
    for (id, _, _) in &partitions {
        wanted.add_partition(topic, *id);
    }
    let committed = consumer.committed_offsets(wanted, LIMIT).unwrap();
    partitions
        .iter()
        .map(|(id, _, high)| {
            let read = committed.find_partition(topic, *id).and_then(|found| found.offset().to_raw());
            high - read.filter(|offset| *offset > 0).unwrap_or(0)
        })
        .sum()
}

#[test]
fn a_lost_an_overtaking_and_a_strange_event_would_be_noticed() {
    use payment_domain::{Event, TenantId, Timestamp, TxnId};
    let kind = EventKind::UpdateTransaction;
    let stored: Vec<StoredEvent> = [(1, "A", "a1"), (2, "B", "b1"), (3, "A", "a2"), (4, "A", "a2")]
        .map(|(sequence, id, body)| StoredEvent {
            sequence,
            stored_at: Timestamp::from_millis(0),
            published_at: None,
            dead_letter: None,
            event: Event {
                kind,
                txn_id: TxnId::new(id).unwrap(),
                tenant_id: TenantId::new("pb").unwrap(),
                body: body.to_owned(),
                trace: None,
            },
        })
        .into();
    let stored: Vec<&StoredEvent> = stored.iter().collect();
    let faults = |records: &[(&str, &str, i32)]| {
        let record = |&(key, body, partition): &(&str, &str, i32)| Record {
            key: key.to_owned(),
            body: body.to_owned(),
            partition,
        };
        let records: Vec<Record> = records.iter().map(record).collect();
        let mut delivered = Delivered::default();
        compare_topic(&records, kind, &stored, &mut delivered);
        delivered.faults.len()
    };
    let (a1, a2, b1) = (("A", "a1", 0), ("A", "a2", 0), ("B", "b1", 1));
    assert_eq!(faults(&[a1, b1, a2, a2]), 0);
    assert_eq!(faults(&[a1, b1, a2, a1, a2, b1]), 0, "repeated behind what came before");
    assert_eq!(faults(&[a1, b1, a2]), 1, "one of two that say the same is lost");
    assert_eq!(faults(&[a1, a2, a2]), 2, "lost, and so not in order either");
    assert_eq!(faults(&[a2, a1, b1, a2]), 1, "overtaken");
    assert_eq!(faults(&[a1, b1, a2, a2, ("C", "c1", 2)]), 1, "nobody's");
    assert_eq!(faults(&[a1, b1, a2, a2, ("A", "a3", 0)]), 1, "never stored");
    assert_eq!(faults(&[a1, b1, a2, ("A", "a2", 1)]), 1, "in another partition");
}

#[test]
fn a_message_too_many_or_too_few_would_be_noticed() {
    use payment_domain::{Event, TenantId, Timestamp, TxnId};
    let event = |(kind, body): &(EventKind, Value)| StoredEvent {
        sequence: 0,
        stored_at: Timestamp::from_millis(0),
        published_at: None,
        dead_letter: None,
        event: Event {
            kind: *kind,
            txn_id: TxnId::new("T1").unwrap(),
            tenant_id: TenantId::new("pb").unwrap(),
            body: body.to_string(),
            trace: None,
        },
    };
    let refund = |status: &str| {
        let refund = json!({ "refundId": "RF1", "additionalDetails": { "workflowStatus": status } });
        (EventKind::UpdateRefund, json!({ "Refund": refund }))
    };
    let paid = json!({ "notifyPayer": true, "Transaction": { "txnStatus": "SUCCESS" } });
    let paid = (EventKind::UpdateTransaction, paid);
    let message = |text: &str| (EventKind::Sms, json!({ "message": text }));
    let faults = |events: &[&[(EventKind, Value)]]| {
        let outbox: Vec<StoredEvent> = events.iter().flat_map(|events| events.iter()).map(event).collect();
        let mut delivered = Delivered::default();
        text_messages_are_sent_once(&outbox, &mut delivered);
        delivered.faults.len()
    };
    let done = [paid, message("paid"), refund("REQUESTED"), refund("SENT"), refund("SUCCEEDED")];
    let (sent, given) = (message("it is sent. Refund id: RF1, x"), message("given. Refund id: RF1, x"));
    assert_eq!(faults(&[&done, std::slice::from_ref(&given)]), 0, "the first was overtaken");
    assert_eq!(faults(&[&done, &[sent.clone(), given.clone()]]), 0);
    assert_eq!(faults(&[&done]), 1, "none about the refund");
    assert_eq!(faults(&[&done, &[given.clone(), given.clone()]]), 1, "one twice");
    assert_eq!(faults(&[&done, &[sent, given, message("more. Refund id: RF1, x")]]), 1, "one too many");
    assert_eq!(faults(&[&done[..2], &[message("paid")]]), 1, "one twice about the payment");
    assert_eq!(faults(&[&[refund("REQUESTED"), refund("REJECTED")]]), 0, "the payer hears nothing");
}
