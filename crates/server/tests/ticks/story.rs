//! One payment with the real clock: a citizen pays and closes the tab. Two replicas on PostgreSQL and Kafka,
//! with DIGIT's services beside them, find it without a callback.
//!
//! It takes two minutes, in which it waits for the early job; so it stands beside a test that takes as
//! long.

use std::collections::HashMap;
use std::path::Path;
use std::time::{Duration, Instant};

use payment_simulator::digit::{Endpoint, PretendDigit};
use payment_simulator::sandbox::{Choice, Visitor};
use payment_testing::kafka::bootstrap_servers;
use payment_testing::postgres::{FreshDatabase, connect};
use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::util::Timeout;
use rdkafka::{ClientConfig, Message, Offset, TopicPartitionList};
use serde_json::{Value, json};

use crate::gateway;
use crate::sandbox::{Gateway, SECRET};
use crate::support::{PATIENCE, Service, free_port, http_client, pg_service};

const SMS_TOPIC: &str = "egov.core.notification.sms";
/// The early job looks at a payment when it is one interval old, at its next tick.
const TWO_INTERVALS: Duration = Duration::from_secs(120);

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_payment_behind_a_closed_tab_gets_one_receipt_and_one_message_by_the_early_job() {
    let (database, digit) = (FreshDatabase::create().await, PretendDigit::start().await.unwrap());
    let folder = tempfile::tempdir().unwrap();
    let gateway = gateway::start(folder.path()).await;
    // The topic of text messages is shared: this number is unique.
    let number = format!("9{:09}", getrandom::u64().unwrap() % 1_000_000_000);
    digit.set_message("pb", "pa_IN", "PG_NOTIFICATION_SUCCESS", "{amount}, {consumerCode}: {payment link}");
    let mut replicas = Vec::new();
    for name in ["replica-1", "replica-2"] {
        let log = folder.path().join(name);
        let command = replica(folder.path(), name, &database, &gateway, &digit);
        replicas.push(Service::start(command, free_port(), &log).await);
    }
    let [one, other] = &mut replicas[..] else { unreachable!() };

    let txn = create(one, &number).await;
    let (txn_id, link) = (txn["txnId"].as_str().unwrap(), txn["redirectUrl"].as_str().unwrap());
    let began = Instant::now();
    let visitor = Visitor::new(PATIENCE).unwrap();
    let page = visitor.open(link).await.unwrap();
    visitor.choose(&page, Choice::SayNothing).await.unwrap();

    let receipted = loop {
        let txn = search(other, txn_id).await;
        if txn["receipt"].is_string() {
            break txn;
        }
        assert!(began.elapsed() < TWO_INTERVALS + PATIENCE, "{txn}\n{}", one.log());
        // No callback and no return: only the job makes a status request.
        tokio::time::sleep(Duration::from_millis(500)).await;
    };
    let took = began.elapsed();
    assert_eq!(receipted["txnStatus"], "SUCCESS");
    assert!(took >= TWO_INTERVALS / 2, "not before its turn, after {took:?}");

    // Both changes have come back from Kafka: the second one finds that the payer was informed.
    let started = Instant::now();
    while told(one, "stored").await + told(other, "stored").await < 1.0
        || told(one, "repeated").await + told(other, "repeated").await < 1.0
    {
        assert!(started.elapsed() < 2 * PATIENCE, "no message:\n{}{}", one.log(), other.log());
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    until_published(&database).await;
    for replica in [one, other] {
        replica.signal("TERM");
        assert!(replica.ended().await.success(), "{}", replica.log());
    }

    let client = connect(database.url()).await.unwrap();
    const WHO: &str = "
        SELECT split_part(actor_id, '#', 1), why FROM eg_pg_transaction_history
        WHERE txn_id = $1 AND to_status = 'SUCCESS' ORDER BY entry_number";
    let lines: Vec<(String, String)> =
        client.query(WHO, &[&txn_id]).await.unwrap().iter().map(|row| (row.get(0), row.get(1))).collect();
    assert!(
        matches!(&lines[..], [(settled, _), (receipted, issued)]
            if settled == "reconcile-early" && receipted == settled && issued == "receipt issued"),
        "{lines:?}"
    );
    let payments = digit.payments();
    assert_eq!(payments.len(), 1, "{payments:?}");
    assert_eq!(payments[0].transaction_number, txn_id);
    assert_eq!(receipted["receipt"], payments[0].bills[0].receipt_number.as_str());
    assert_eq!(digit.count(Endpoint::CreatePayment), 1);

    let messages = messages_to(&number).await;
    let [message] = &messages[..] else { panic!("told {} times: {messages:?}", messages.len()) };
    let [long] = &digit.links()[..] else { panic!("{:?}", digit.links()) };
    assert_eq!(
        long,
        "https://city.example/citizen/withoutAuth/egov-common/pay?consumerCode=PT-107-001330\
         &tenantId=pb.amritsar&businessService=PT"
    );
    let text = message["message"].as_str().unwrap();
    assert!(text.starts_with("100.50, PT-107-001330: ") && !text.contains("city.example"), "{text}");
    println!("paid and the tab closed: receipted after {took:?}, told once");
}

fn replica(
    folder: &Path,
    name: &str,
    database: &FreshDatabase,
    gateway: &Gateway,
    digit: &PretendDigit,
) -> std::process::Command {
    let mut command = pg_service(folder);
    command.env("PG_SERVICE_SANDBOX_SECRET", SECRET);
    command.env("PG_SERVICE_SPRING_DATASOURCE_URL", database.url());
    command.args(["--log-level", "warn"]);
    // Topics that no other test has, so that only our own events come back.
    let own = database.name();
    for (setting, value) in [
        ("scheduler.node-name", name),
        ("sandbox.active", "true"),
        ("sandbox.beside-digit", "true"),
        ("sandbox.url", gateway.url()),
        ("pg.earlyReconcileJobRunInterval.mins", "1"),
        ("kafka.config.bootstrap_server_config", &bootstrap_servers()),
        ("spring.kafka.consumer.group-id", own),
        ("persister.save.pg.txns", &format!("{own}-save")),
        ("persister.update.pg.txns", &format!("{own}-update")),
        ("persister.save.pg.txnsDump", &format!("{own}-save-dump")),
        ("persister.update.pg.txnsDump", &format!("{own}-update-dump")),
        ("notification.sms.enabled", "true"),
        ("notification.url", "https://city.example/"),
        ("notification.locale", "pa_IN"),
        ("egov.collectionservice.host", digit.url()),
        ("egov.userservice.host", digit.url()),
        ("egov.localization.host", digit.url()),
        ("egov.billing.service.host", digit.url()),
        ("egov.url.shortner.host", digit.url()),
    ] {
        command.args(["--set", &format!("{setting}={value}")]);
    }
    command
}

async fn create(replica: &Service, number: &str) -> Value {
    let body = json!({
        "RequestInfo": { "authToken": "token", "userInfo": { "uuid": "citizen-1", "userName": number,
            "name": "Åsha", "type": "CITIZEN", "mobileNumber": number, "tenantId": "pb" } },
        "Transaction": { "tenantId": "pb.amritsar", "txnAmount": "100.50", "module": "PT", "billId": "BILL-1",
            "consumerCode": "PT-107-001330", "productInfo": "Property tax", "gateway": "SANDBOX",
            "callbackUrl": "https://city.example/back",
            "taxAndPayments": [{ "amountPaid": "100.50", "billId": "BILL-1" }],
            "user": { "name": "Åsha", "mobileNumber": number, "tenantId": "pb" } },
    });
    let url = format!("{}/transaction/v1/_create", replica.url());
    let answer: Value = http_client().post(url).json(&body).send().await.unwrap().json().await.unwrap();
    assert_eq!(answer["Transaction"]["txnStatus"], "PENDING", "{answer}");
    answer["Transaction"].clone()
}

async fn search(replica: &Service, txn_id: &str) -> Value {
    let url = format!("{}/transaction/v1/_search?txnId={txn_id}", replica.url());
    let body =
        json!({ "RequestInfo": { "userInfo": { "uuid": "clerk-1", "type": "EMPLOYEE", "tenantId": "pb" } } });
    let mut answer: Value = http_client().post(url).json(&body).send().await.unwrap().json().await.unwrap();
    answer["Transaction"][0].take()
}

/// The number of events of this outcome a replica has dealt with.
async fn told(replica: &Service, outcome: &str) -> f64 {
    let url = format!("{}/prometheus", replica.url());
    let text = http_client().get(url).send().await.unwrap().text().await.unwrap();
    let name = format!("notifications_total{{outcome=\"{outcome}\"}} ");
    let counts = text.lines().filter_map(|line| line.strip_prefix(&name)?.parse::<f64>().ok());
    counts.sum()
}

async fn until_published(database: &FreshDatabase) {
    const WAITING: &str = "SELECT count(*) FROM eg_pg_outbox WHERE published_at IS NULL";
    let client = connect(database.url()).await.unwrap();
    let started = Instant::now();
    while client.query_one(WAITING, &[]).await.unwrap().get::<_, i64>(0) > 0 {
        assert!(started.elapsed() < PATIENCE, "events stay unpublished");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

/// All text messages to a number.
async fn messages_to(number: &str) -> Vec<Value> {
    let number = number.to_owned();
    tokio::task::spawn_blocking(move || {
        let is_ours = |message: &Value| message["mobileNumber"] == number.as_str();
        read_whole(SMS_TOPIC).into_iter().filter(is_ours).collect()
    })
    .await
    .unwrap()
}

/// Everything in a topic.
fn read_whole(topic: &str) -> Vec<Value> {
    let consumer: BaseConsumer = ClientConfig::new()
        .set("bootstrap.servers", bootstrap_servers())
        .set("group.id", "reader")
        .set("enable.auto.commit", "false")
        .create()
        .unwrap();
    let metadata = consumer.fetch_metadata(Some(topic), PATIENCE).unwrap();
    let (mut ends, mut from_start) = (HashMap::new(), TopicPartitionList::new());
    for partition in metadata.topics()[0].partitions() {
        let (low, high) = consumer.fetch_watermarks(topic, partition.id(), PATIENCE).unwrap();
        if high > low {
            ends.insert(partition.id(), high);
            from_start.add_partition_offset(topic, partition.id(), Offset::Beginning).unwrap();
        }
    }
    consumer.assign(&from_start).unwrap();
    let mut all = Vec::new();
    while !ends.is_empty() {
        let message = consumer.poll(Timeout::After(PATIENCE)).expect("a record comes").unwrap();
        // Other writers use the topic as well.
        all.extend(serde_json::from_slice::<Value>(message.payload().unwrap_or_default()).ok());
        if ends.get(&message.partition()).is_some_and(|end| message.offset() + 1 >= *end) {
            ends.remove(&message.partition());
        }
    }
    all
}
