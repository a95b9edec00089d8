//! A service beside DIGIT and Kafka, and what is done with it.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use payment_simulator::digit::{Endpoint, Fault, PretendDigit};
use payment_simulator::sandbox::Choice;
use payment_testing::kafka;
use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::message::Headers;
use rdkafka::{ClientConfig, Message};
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::support::payer::Payer;
use crate::support::{PATIENCE, Service, free_port, http_client, pg_service};

/// What is told of persons, and what they may put where something else belongs.
pub(crate) const PERSONAL: [&str; 14] = [
    "Gurpreet",
    "9815098150",
    "gurpreet@example.org",
    "4-Mall-Road",
    "secret-token",
    "uuid-of-the-payer",
    "PROP-77",
    "Tax-of-Gurpreet",
    "query-of-the-browser",
    "txn-9815098150",
    "route-9815098150",
    "agent-9815098150",
    "key-9815098150",
    "request-1",
];

/// What a call or record says of its trace: what it is, `traceparent`, `tracestate`.
type Told = Vec<(String, String, Option<String>)>;

pub(crate) struct World {
    service: Service,
    digit: PretendDigit,
    update_topic: String,
    _folder: TempDir,
}

impl World {
    pub(crate) async fn start(variables: Vec<(&'static str, String)>) -> World {
        let folder = tempfile::tempdir().unwrap();
        let digit = PretendDigit::start().await.unwrap();
        let run = uuid::Uuid::new_v4().simple().to_string();
        let update_topic = format!("update-traces-{run}");
        let port = free_port();
        let mut command = pg_service(folder.path());
        for (name, value) in [
            ("sandbox.active", "true".to_owned()),
            ("sandbox.beside-digit", "true".to_owned()),
            ("server.public-url", format!("http://127.0.0.1:{port}/pg-service")),
            ("callback.allowed-hosts", "127.0.0.1".to_owned()),
            ("identity.proof", "believed".to_owned()),
            ("egov.idgen.host", digit.url().to_owned()),
            ("egov.userservice.host", digit.url().to_owned()),
            ("egov.collectionservice.host", digit.url().to_owned()),
            ("kafka.config.bootstrap_server_config", kafka::bootstrap_servers()),
            ("persister.save.pg.txns", format!("save-traces-{run}")),
            ("persister.update.pg.txns", update_topic.clone()),
            ("persister.save.pg.txnsDump", format!("save-dump-traces-{run}")),
            ("persister.update.pg.txnsDump", format!("update-dump-traces-{run}")),
            ("kafka.topics.notification.sms", format!("sms-traces-{run}")),
            ("notification.sms.enabled", "true".to_owned()),
            ("spring.kafka.consumer.group-id", format!("traces-{run}")),
            ("kafka.client.topic.metadata.refresh.interval.ms", "500".to_owned()),
            ("log.level", "info,payment_digit=debug".to_owned()),
        ] {
            command.args(["--set", &format!("{name}={value}")]);
        }
        command.envs(variables);
        let service = Service::start(command, port, &folder.path().join("log")).await;
        World { service, digit, update_topic, _folder: folder }
    }

    /// A payment of a citizen about whom much is told; these are the headers of create and update.
    pub(crate) async fn pay(
        &self,
        create: Option<&str>,
        state: Option<&str>,
        update: Option<&str>,
    ) -> String {
        // One question is asked twice, of which a log line tells.
        self.digit.set_fault_for(Endpoint::ValidatePayment, Fault::Status500, 1);
        let user = json!({"uuid": "uuid-of-the-payer", "userName": "Gurpreet", "name": "Gurpreet Kaur",
            "mobileNumber": "9815098150", "emailId": "gurpreet@example.org", "tenantId": "pb",
            "permanentAddress": "4-Mall-Road", "type": "CITIZEN"});
        let body = json!({
            "RequestInfo": {"apiId": "Gurpreet", "authToken": "secret-token", "userInfo": user},
            "Transaction": {"tenantId": "pb.amritsar", "txnAmount": "100.00", "billId": "B1",
                "consumerCode": "PROP-77", "taxAndPayments": [{"billId": "B1", "amountPaid": "100.00"}],
                "productInfo": "Tax-of-Gurpreet", "gateway": "SANDBOX",
                "callbackUrl": "http://127.0.0.1:1/done?name=query-of-the-browser",
                "user": {"name": "Gurpreet Kaur", "mobileNumber": "9815098150",
                    "emailId": "gurpreet@example.org", "tenantId": "pb"},
                "additionalDetails": {"address": "4-Mall-Road"}},
        });
        let mut headers = vec![
            ("x-request-id", "request-1"),
            ("x-correlation-id", "correlation-1"),
            ("user-agent", "agent-9815098150"),
            ("idempotency-key", "key-9815098150"),
        ];
        headers.extend(create.map(|parent| ("traceparent", parent)));
        headers.extend(state.map(|state| ("tracestate", state)));
        let answer = self.post("/transaction/v1/_create", &headers, &body).await;
        let txn = &answer["Transaction"];
        let id = txn["txnId"].as_str().unwrap_or_else(|| panic!("{answer}")).to_owned();
        let payer = Payer::of(self.service.url());
        payer.choose(txn["redirectUrl"].as_str().unwrap(), Choice::Pay).await;
        let headers: Vec<_> = update.into_iter().map(|parent| ("traceparent", parent)).collect();
        let path = format!("/transaction/v1/_update?transactionId={id}&name=query-of-the-browser");
        let answer = self.post(&path, &headers, &json!({"RequestInfo": {}})).await;
        assert_eq!(answer["Transaction"][0]["txnStatus"], "SUCCESS", "{answer}");
        id
    }

    /// Requests that name persons where something else belongs, each in a trace that is sampled.
    pub(crate) async fn offend(&self) {
        let parent = format!("00-{}-{}-01", super::STRANGE_TRACE, super::CALLER);
        let headers = [("traceparent", parent.as_str()), ("tracestate", "Gurpreet Kaur")];
        for path in [
            "/transaction/v1/_update?transactionId=txn-9815098150",
            "/transaction/v1/_search?txnId=txn-9815098150",
            "/route-9815098150",
            "/gateway/v1/route-9815098150/_callback",
        ] {
            let url = format!("{}{path}", self.service.url());
            let mut request = http_client().post(url).body("{\"name\":\"Gurpreet\"");
            for (name, value) in headers {
                request = request.header(name, value);
            }
            assert!(!request.send().await.unwrap().status().is_server_error(), "{path}");
        }
    }

    async fn post(&self, path: &str, headers: &[(&str, &str)], body: &Value) -> Value {
        let mut request = http_client().post(format!("{}{path}", self.service.url())).json(body);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        request.send().await.unwrap().json().await.unwrap()
    }

    pub(crate) async fn metrics(&self) -> String {
        let url = format!("{}/prometheus", self.service.url());
        http_client().get(url).send().await.unwrap().text().await.unwrap()
    }

    /// The traces in the calls of DIGIT's services. Each has the caller's correlation id.
    pub(crate) fn calls(&self) -> Told {
        let mut told = Told::new();
        for endpoint in [Endpoint::Ids, Endpoint::ValidatePayment, Endpoint::CreatePayment] {
            for call in self.digit.calls(endpoint) {
                if endpoint != Endpoint::CreatePayment {
                    assert_eq!(
                        call.headers.get("x-correlation-id").map(String::as_str),
                        Some("correlation-1")
                    );
                }
                told.extend(of_trace(&format!("{endpoint:?}"), &call.headers));
            }
        }
        told
    }

    /// The traces in the records about the payment, of which the last has its receipt.
    pub(crate) async fn records(&self) -> Told {
        let topic = self.update_topic.clone();
        tokio::task::spawn_blocking(move || read(&topic)).await.unwrap()
    }

    /// Ends the service in order, and returns its log.
    pub(crate) async fn stop(mut self) -> String {
        self.service.signal("TERM");
        assert!(self.service.ended().await.success(), "{}", self.service.log());
        self.service.log()
    }
}

fn of_trace(what: &str, headers: &BTreeMap<String, String>) -> Option<(String, String, Option<String>)> {
    Some((what.to_owned(), headers.get("traceparent")?.clone(), headers.get("tracestate").cloned()))
}

fn read(topic: &str) -> Told {
    let consumer: BaseConsumer = ClientConfig::new()
        .set("bootstrap.servers", kafka::bootstrap_servers())
        .set("group.id", format!("reader-{topic}"))
        .set("auto.offset.reset", "earliest")
        .set("allow.auto.create.topics", "true")
        .create()
        .unwrap();
    consumer.subscribe(&[topic]).unwrap();
    let (mut told, started) = (Told::new(), Instant::now());
    while started.elapsed() < PATIENCE {
        let Some(Ok(record)) = consumer.poll(Duration::from_millis(100)) else { continue };
        let body: Value = serde_json::from_slice(record.payload().unwrap()).unwrap();
        let headers = record.headers().map(|headers| {
            let text = |value: Option<&[u8]>| String::from_utf8(value.unwrap().to_vec()).unwrap();
            headers.iter().map(|header| (header.key.to_owned(), text(header.value))).collect()
        });
        told.extend(of_trace(topic, &headers.unwrap_or_default()));
        if body["Transaction"]["receipt"].is_string() {
            return told;
        }
    }
    panic!("no receipt in {topic}");
}
