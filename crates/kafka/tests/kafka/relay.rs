//! The relay on real brokers: no event is lost or out of order, whichever process dies.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use crate::support::{LIMIT, Outbox, create_topic, first_seen, kafka, read, set_topic, until};
use payment_domain::EventKind;
use payment_service::JobError;
use payment_testing::kafka::{Broker, bootstrap_servers};
use payment_testing::tls::Certificates;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

const SAVE: EventKind = EventKind::SaveTransaction;
const UPDATE: EventKind = EventKind::UpdateTransaction;
const DUMP: EventKind = EventKind::UpdateDump;

/// Stores events of many transactions, step by step, until `stop`; returns the number of steps.
fn keep_storing(outbox: &Arc<Outbox>, stop: &CancellationToken) -> JoinHandle<usize> {
    let (outbox, stop) = (outbox.clone(), stop.clone());
    tokio::spawn(async move {
        let mut step = 0;
        while !stop.is_cancelled() {
            for txn in 0..20 {
                outbox.store(&format!("T{txn}"), UPDATE, &format!("{step}")).await;
            }
            step += 1;
            tokio::time::sleep(Duration::from_millis(30)).await;
        }
        step
    })
}

/// Everything is there, and seen first in its order.
async fn assert_whole(bootstrap: &str, outbox: &Outbox, steps: usize) {
    let seen = first_seen(&read(bootstrap, &outbox.topics.update_transaction).await);
    let expected: Vec<String> = (0..steps).map(|step| step.to_string()).collect();
    assert_eq!(seen.len(), 20);
    for (txn, bodies) in seen {
        assert_eq!(bodies, expected, "{txn}");
    }
}

#[tokio::test]
async fn an_event_goes_to_its_topic_under_its_transaction_as_it_is() {
    let bootstrap = bootstrap_servers();
    let outbox = Outbox::new();
    for kind in EventKind::ALL {
        outbox.store("PB_PG_1", kind, &format!("{{\"of\":\"{}\"}}", kind.as_str())).await;
    }
    let relay = outbox.relay(kafka(&bootstrap, &[("compression.type", "gzip")]));
    let running = outbox.run(&relay).await;
    outbox.waits(0).await;
    let (result, tally) = running.stopped().await;
    result.unwrap();
    assert_eq!((tally.examined, tally.changed, tally.failed), (8, 8, 0));
    let topics = &outbox.topics;
    for (topic, of) in [
        (&topics.save_transaction, "save-pg-txns"),
        (&topics.update_transaction, "update-pg-txns"),
        (&topics.save_dump, "save-pg-txns-dump"),
        (&topics.update_dump, "update-pg-txns-dump"),
        (&topics.sms, "egov.core.notification.sms"),
        (&topics.save_refund, "save-pg-refund-txns"),
        (&topics.update_refund, "update-pg-refund-txns"),
        (&topics.audit_checkpoints, "pg-audit-checkpoints"),
    ] {
        let seen = read(&bootstrap, topic).await;
        assert_eq!(seen.len(), 1, "{topic}");
        assert_eq!((seen[0].key.as_str(), &seen[0].body), ("PB_PG_1", &format!("{{\"of\":\"{of}\"}}")));
        assert!(seen[0].headers.is_empty());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn order_is_kept_while_nodes_alternate_and_some_continue_after_their_turn() {
    let bootstrap = bootstrap_servers();
    let outbox = Arc::new(Outbox::new());
    let nodes = [0, 1, 2].map(|_| outbox.relay(kafka(&bootstrap, &[])));
    let stop = CancellationToken::new();
    let writer = keep_storing(&outbox, &stop);
    let mut zombies = Vec::new();
    for turn in 0..12 {
        let running = outbox.run(&nodes[turn % nodes.len()]).await;
        tokio::time::sleep(Duration::from_millis(250)).await;
        match turn % 3 {
            // Stopped in order, then left running, then killed.
            0 => running.stopped().await.0.unwrap(),
            1 => zombies.push(running),
            _ => running.handle.abort(),
        }
    }
    stop.cancel();
    let steps = writer.await.unwrap();
    let last = outbox.run(&nodes[0]).await;
    outbox.waits(0).await;
    for zombie in zombies {
        let (result, _) = tokio::time::timeout(LIMIT, zombie.handle).await.unwrap().unwrap();
        assert!(matches!(result, Err(JobError::Fenced)), "{result:?}");
    }
    last.stopped().await.0.unwrap();
    assert_whole(&bootstrap, &outbox, steps).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_lost_while_the_broker_is_stopped_killed_and_frozen() {
    let mut broker = Broker::start().await;
    let bootstrap = broker.bootstrap();
    let outbox = Arc::new(Outbox::new());
    let relay = outbox.relay(kafka(&bootstrap, &[]));
    let stop = CancellationToken::new();
    let writer = keep_storing(&outbox, &stop);
    let running = outbox.run(&relay).await;
    let behind = async || until("the relay is behind", async || outbox.waiting().await > 200).await;
    let caught_up = async || until("the relay has caught up", async || outbox.waiting().await < 60).await;
    caught_up().await;
    broker.stop().await;
    behind().await;
    broker.start_again().await;
    caught_up().await;
    broker.kill().await;
    behind().await;
    broker.start_again().await;
    caught_up().await;
    broker.freeze();
    behind().await;
    broker.thaw();
    caught_up().await;
    stop.cancel();
    let steps = writer.await.unwrap();
    outbox.waits(0).await;
    running.stopped().await.0.unwrap();
    assert_whole(&bootstrap, &outbox, steps).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_stops_although_the_broker_hangs_and_the_next_continues() {
    let mut broker = Broker::start().await;
    let bootstrap = broker.bootstrap();
    let outbox = Outbox::new();
    let relay = outbox.relay(kafka(&bootstrap, &[]));
    outbox.store("T", UPDATE, "0").await;
    let running = outbox.run(&relay).await;
    outbox.waits(0).await;
    broker.freeze();
    outbox.store("T", UPDATE, "1").await;
    outbox.store("T", UPDATE, "2").await;
    tokio::time::sleep(Duration::from_millis(300)).await;
    running.stopped().await.0.unwrap();
    assert_eq!(outbox.waiting().await, 2);
    broker.thaw();
    let running = outbox.run(&relay).await;
    outbox.waits(0).await;
    running.stopped().await.0.unwrap();
    let seen = first_seen(&read(&bootstrap, &outbox.topics.update_transaction).await);
    assert_eq!(seen["T"], ["0", "1", "2"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refused_event_stays_in_the_outbox_and_blocks_no_other_transaction() {
    let broker = Broker::builder().setting("auto.create.topics.enable", "false").start().await;
    let bootstrap = broker.bootstrap();
    let outbox = Outbox::new();
    let updates = &outbox.topics.update_transaction;
    create_topic(&bootstrap, updates, 1).await;
    create_topic(&bootstrap, &outbox.topics.save_transaction, 1).await;
    let (larger, largest) = ("x".repeat(1_500_000), "y".repeat(3_000_000));
    // More than the topic takes; more than the producer takes; no such topic.
    for (id, kind, body) in [
        ("LARGER", UPDATE, larger.as_str()),
        ("LARGER", UPDATE, "must not overtake"),
        ("LARGEST", UPDATE, largest.as_str()),
        ("LARGEST", SAVE, "of another stream"),
        ("NOWHERE", DUMP, "no topic"),
        ("NOWHERE", UPDATE, "paid"),
    ] {
        outbox.store(id, kind, body).await;
    }
    for txn in 0..100 {
        outbox.store(&format!("T{txn}"), UPDATE, "0").await;
    }
    let relay = outbox.relay(kafka(&bootstrap, &[("message.max.bytes", "2000000")]));
    let running = outbox.run(&relay).await;
    outbox.waits(4).await;
    let (result, tally) = running.stopped().await;
    result.unwrap();
    assert_eq!(tally.changed, 102);
    assert!(tally.failed >= 3, "{tally:?}");
    let seen = first_seen(&read(&bootstrap, updates).await);
    assert_eq!(seen.len(), 101);
    assert_eq!(seen["NOWHERE"], ["paid"]);
    // Without the reasons the events that were held back follow, in order.
    set_topic(&bootstrap, updates, "max.message.bytes", "5000000").await;
    create_topic(&bootstrap, &outbox.topics.update_dump, 1).await;
    let relay = outbox.relay(kafka(&bootstrap, &[("message.max.bytes", "5000000")]));
    let running = outbox.run(&relay).await;
    outbox.waits(0).await;
    running.stopped().await.0.unwrap();
    let seen = first_seen(&read(&bootstrap, updates).await);
    assert_eq!(seen["LARGER"], [larger.as_str(), "must not overtake"]);
    assert_eq!(seen["LARGEST"], [largest]);
}

/// Topics that take 20 KB a batch, and payments with two events each that are far smaller.
async fn payments_before_small_topics(bootstrap: &str, payments: usize) -> Outbox {
    let outbox = Outbox::new();
    for topic in [
        &outbox.topics.save_transaction,
        &outbox.topics.update_transaction,
        &outbox.topics.save_dump,
        &outbox.topics.update_dump,
        &outbox.topics.sms,
    ] {
        create_topic(bootstrap, topic, 1).await;
        set_topic(bootstrap, topic, "max.message.bytes", "20000").await;
    }
    for step in 0..2 {
        for txn in 0..payments {
            outbox.store(&format!("T{txn}"), UPDATE, &format!("{step}{}", "s".repeat(1_500))).await;
        }
    }
    outbox
}

/// Batches as large as an operator has set them, beyond the topics' limits: every batch is refused.
const LARGE_BATCHES: [(&str, &str); 2] = [("batch.size", "1000000"), ("linger.ms", "50")];

/// A pause of refused events that is longer than a test.
const NO_SECOND_TRY: Duration = Duration::from_secs(3600);

#[tokio::test(flavor = "multi_thread")]
async fn an_event_over_the_limit_of_its_topic_blocks_only_its_own_transaction() {
    let bootstrap = bootstrap_servers();
    for properties in [LARGE_BATCHES.as_slice(), &[]] {
        let outbox = payments_before_small_topics(&bootstrap, 24).await;
        for body in ["x".repeat(25_000), "behind".to_owned()] {
            outbox.store("LARGE", UPDATE, &body).await;
        }
        outbox.store("LARGE", SAVE, "of another topic").await;
        // The others do not wait for the end of its pause.
        let relay = outbox.relay_with(kafka(&bootstrap, properties), NO_SECOND_TRY);
        let running = outbox.run(&relay).await;
        outbox.waits(2).await;
        outbox.store("LATER", UPDATE, "paid").await;
        outbox.waits(2).await;
        let (result, tally) = running.stopped().await;
        result.unwrap();
        assert_eq!(tally.changed, 2 * 24 + 2);
        let waiting = outbox.store.unpublished(0, 10).await.unwrap();
        assert!(waiting.iter().all(|stored| stored.event.txn_id.as_str() == "LARGE"), "{waiting:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_backlog_in_which_nothing_is_too_large_is_published_whatever_the_size_of_its_batches() {
    let bootstrap = bootstrap_servers();
    for properties in [LARGE_BATCHES.as_slice(), &[]] {
        let outbox = payments_before_small_topics(&bootstrap, 200).await;
        // An event that counted as refused would stay.
        let relay = outbox.relay_with(kafka(&bootstrap, properties), NO_SECOND_TRY);
        let running = outbox.run(&relay).await;
        outbox.waits(0).await;
        let (result, tally) = running.stopped().await;
        result.unwrap();
        assert_eq!(tally.changed, 400);
        let seen = first_seen(&read(&bootstrap, &outbox.topics.update_transaction).await);
        assert_eq!(seen.len(), 200);
        for bodies in seen.values() {
            assert_eq!(bodies.iter().map(|body| &body[..1]).collect::<Vec<_>>(), ["0", "1"]);
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn brokers_behind_tls_and_a_login_are_reached_with_the_settings_of_a_java_service() {
    let certificates = Certificates::create();
    let broker = Broker::builder()
        .login("pg", "s3cret")
        .tls(certificates.certificate(), certificates.key())
        .start()
        .await;
    let outbox = Outbox::new();
    let settings = |authority: &Path, password: &str| {
        let jaas = format!(
            "org.apache.kafka.common.security.plain.PlainLoginModule required username=\"pg\" \
             password=\"{password}\";"
        );
        let properties = [
            ("spring.kafka.properties.security.protocol", "SASL_SSL"),
            ("spring.kafka.properties.sasl.mechanism", "PLAIN"),
            ("spring.kafka.properties.sasl.jaas.config", &jaas),
            ("spring.kafka.ssl.trust-store-type", "PEM"),
            ("spring.kafka.ssl.trust-store-location", authority.to_str().unwrap()),
        ];
        kafka(&broker.bootstrap(), &properties)
    };
    outbox.store("T", UPDATE, "0").await;
    let others = Certificates::create();
    for stranger in [settings(&certificates.authority(), "wrong"), settings(&others.authority(), "s3cret")] {
        let relay = outbox.relay(stranger);
        let running = outbox.run(&relay).await;
        // Longer than the interval of reading the topics' limits, plus an event under way.
        tokio::time::sleep(Duration::from_secs(6)).await;
        let (result, tally) = running.stopped().await;
        assert!(matches!(result, Err(JobError::Other(_))), "{result:?}");
        assert!(tally.failed > 0 && tally.changed == 0);
    }
    let relay = outbox.relay(settings(&certificates.authority(), "s3cret"));
    let running = outbox.run(&relay).await;
    outbox.waits(0).await;
    running.stopped().await.0.unwrap();
}
