//! Brokers of one's own.

use std::io::{ErrorKind, Read as _, Write as _};
use std::net::TcpStream;
use std::time::Duration;

use payment_testing::kafka::{Broker, bootstrap_servers};
use payment_testing::tls::Certificates;
use rdkafka::config::ClientConfig;
use rdkafka::consumer::{Consumer as _, StreamConsumer};
use rdkafka::message::Message as _;
use rdkafka::producer::{FutureProducer, FutureRecord};

/// Long enough for a busy machine.
const PATIENT: Duration = Duration::from_secs(30);

/// Asks which requests the broker knows: `ApiVersions`, version 0, correlation number 7.
fn ask(address: &str, patience: Duration) -> std::io::Result<u32> {
    let mut stream = TcpStream::connect(address)?;
    stream.set_read_timeout(Some(patience))?;
    stream.write_all(&[0, 0, 0, 10, 0, 18, 0, 0, 0, 0, 0, 7, 0xff, 0xff])?;
    let mut answer = [0; 8];
    stream.read_exact(&mut answer)?;
    Ok(u32::from_be_bytes([answer[4], answer[5], answer[6], answer[7]]))
}

#[test]
fn the_shared_broker_answers() {
    assert_eq!(ask(&bootstrap_servers(), PATIENT).unwrap(), 7);
}

#[tokio::test]
async fn a_broker_starts_again_at_the_same_place_after_a_stop_and_after_a_kill() {
    let mut broker = Broker::start().await;
    let address = broker.bootstrap();
    assert_eq!(ask(&address, PATIENT).unwrap(), 7);

    broker.stop().await;
    assert_eq!(ask(&address, PATIENT).unwrap_err().kind(), ErrorKind::ConnectionRefused);
    broker.start_again().await;
    assert_eq!(ask(&address, PATIENT).unwrap(), 7);

    broker.kill().await;
    assert_eq!(ask(&address, PATIENT).unwrap_err().kind(), ErrorKind::ConnectionRefused);
    broker.start_again().await;
    assert_eq!(broker.bootstrap(), address);
    assert_eq!(ask(&address, PATIENT).unwrap(), 7);
}

#[tokio::test]
async fn a_broker_keeps_confirmed_records_through_a_stop_and_a_kill() {
    let mut broker = Broker::start().await;
    let mut config = ClientConfig::new();
    config.set("bootstrap.servers", broker.bootstrap());
    let producer: FutureProducer = config.clone().set("acks", "all").create().unwrap();
    let mut expected = Vec::new();
    for payload in ["before", "between", "after"] {
        let record = FutureRecord::to("kept").key("one key").payload(payload);
        producer.send(record, Duration::from_secs(30)).await.unwrap();
        expected.push(payload.to_owned());
        if payload == "before" {
            broker.stop().await;
        } else {
            broker.kill().await;
        }
        broker.start_again().await;
    }

    config.set("group.id", "reader").set("auto.offset.reset", "earliest");
    let consumer: StreamConsumer = config.create().unwrap();
    consumer.subscribe(&["kept"]).unwrap();
    let mut seen = Vec::new();
    while seen.len() < expected.len() {
        let message = consumer.recv().await.unwrap();
        seen.push(String::from_utf8(message.payload().unwrap().to_vec()).unwrap());
    }
    assert_eq!(seen, expected);
}

#[tokio::test]
async fn a_broker_with_a_login_and_tls_requires_both() {
    let certificates = Certificates::create();
    let broker = Broker::builder()
        .login("pg-service", "a password")
        .tls(certificates.certificate(), certificates.key())
        .setting("num.partitions", "1")
        .start()
        .await;
    let mut config = ClientConfig::new();
    config
        .set("bootstrap.servers", broker.bootstrap())
        .set("security.protocol", "SASL_SSL")
        .set("ssl.ca.location", certificates.authority().to_str().unwrap())
        .set("sasl.mechanism", "PLAIN")
        .set("sasl.username", "pg-service")
        .set("message.timeout.ms", "10000");
    let record = || FutureRecord::<str, str>::to("closed").payload("hello");

    let stranger: FutureProducer = config.clone().set("sasl.password", "a guess").create().unwrap();
    stranger.send(record(), Duration::ZERO).await.unwrap_err();
    let known: FutureProducer = config.set("sasl.password", "a password").create().unwrap();
    let delivery = known.send(record(), Duration::ZERO).await.unwrap();
    assert_eq!(delivery.partition, 0);
}

#[tokio::test]
async fn a_frozen_broker_takes_connections_and_answers_once_it_thaws() {
    let mut broker = Broker::start().await;
    broker.freeze();
    let silence = ask(&broker.bootstrap(), Duration::from_millis(300)).unwrap_err().kind();
    assert!(matches!(silence, ErrorKind::WouldBlock | ErrorKind::TimedOut), "{silence:?}");
    broker.thaw();
    assert_eq!(ask(&broker.bootstrap(), PATIENT).unwrap(), 7);
}
