//! A service beside DIGIT and Kafka, with its payers, makers and checkers.

use std::collections::BTreeMap;
use std::path::Path;
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

/// Added by the API gateway where it vouches for a user.
const SECRET: &str = "0123456789abcdef0123456789abcdef";

/// Data of persons, and texts that they may put where something else belongs.
pub(crate) const PERSONAL: [&str; 18] = [
    SECRET,
    "Balwinder",
    "uuid-of-the-maker",
    "uuid-of-the-checker",
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

const UPDATES: &str = "persister.update.pg.txns";
const REFUND_UPDATES: &str = "persister.update.pg.refund";

/// The calls or records that name a trace, with `traceparent` and `tracestate`.
type Contexts = Vec<(String, String, Option<String>)>;

pub(crate) struct World {
    service: Service,
    pub(crate) digit: PretendDigit,
    settings: Vec<(&'static str, String)>,
    variables: Vec<(&'static str, String)>,
    port: u16,
    folder: TempDir,
}

async fn serve(
    settings: &[(&'static str, String)],
    variables: &[(&'static str, String)],
    port: u16,
    folder: &Path,
) -> Service {
    let mut command = pg_service(folder);
    for (name, value) in settings {
        command.args(["--set", &format!("{name}={value}")]);
    }
    command.envs(variables.iter().cloned()).env("PG_SERVICE_IDENTITY_HEADER_SECRET", SECRET);
    Service::start(command, port, &folder.join("log")).await
}

impl World {
    pub(crate) async fn start(variables: Vec<(&'static str, String)>) -> World {
        let folder = tempfile::tempdir().unwrap();
        let digit = PretendDigit::start().await.unwrap();
        let run = uuid::Uuid::new_v4().simple().to_string();
        let port = free_port();
        let settings = vec![
            ("sandbox.active", "true".to_owned()),
            ("sandbox.beside-digit", "true".to_owned()),
            ("server.public-url", format!("http://127.0.0.1:{port}/pg-service")),
            ("callback.allowed-hosts", "127.0.0.1".to_owned()),
            ("identity.proof", "header".to_owned()),
            ("egov.idgen.host", digit.url().to_owned()),
            ("egov.userservice.host", digit.url().to_owned()),
            ("egov.collectionservice.host", digit.url().to_owned()),
            ("kafka.config.bootstrap_server_config", kafka::bootstrap_servers()),
            ("persister.save.pg.txns", format!("save-traces-{run}")),
            (UPDATES, format!("update-traces-{run}")),
            ("persister.save.pg.txnsDump", format!("save-dump-traces-{run}")),
            ("persister.update.pg.txnsDump", format!("update-dump-traces-{run}")),
            ("persister.save.pg.refund", format!("save-refund-traces-{run}")),
            (REFUND_UPDATES, format!("update-refund-traces-{run}")),
            ("kafka.topics.notification.sms", format!("sms-traces-{run}")),
            ("notification.sms.enabled", "true".to_owned()),
            ("spring.kafka.consumer.group-id", format!("traces-{run}")),
            ("kafka.client.topic.metadata.refresh.interval.ms", "500".to_owned()),
            // The jobs of a dead service are soon taken over.
            ("scheduler.lease-ms", "3000".to_owned()),
            ("log.level", "info,payment_digit=debug".to_owned()),
        ];
        let service = serve(&settings, &variables, port, folder.path()).await;
        World { service, digit, settings, variables, port, folder }
    }

    /// The service dies (`kill -9`), and another is started on its data; meanwhile DIGIT recovers.
    pub(crate) async fn crash(&mut self) {
        self.service.kill();
        self.digit.clear_faults();
        self.service = serve(&self.settings, &self.variables, self.port, self.folder.path()).await;
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
            ("x-identity-secret", SECRET),
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

    /// A payment is given back by a maker and a checker; these are their headers.
    pub(crate) async fn give_back(&self, id: &str, maker: &str, checker: &str) {
        let refund = json!({"tenantId": "pb.amritsar", "originalTxnId": id, "reasonCode": "DUPLICATE",
            "reason": "Gurpreet paid twice"});
        let person = ("uuid-of-the-maker", "PG_REFUND_MAKER");
        let requested = self.refund("_create", person, maker, &refund).await;
        let decision = json!({"refundId": requested["refundId"], "version": 1, "comment": "Gurpreet called"});
        let person = ("uuid-of-the-checker", "PG_REFUND_CHECKER");
        let approved = self.refund("_approve", person, checker, &decision).await;
        assert_eq!(approved["refundId"], requested["refundId"]);
    }

    async fn refund(&self, path: &str, (uuid, role): (&str, &str), parent: &str, refund: &Value) -> Value {
        let user = json!({"uuid": uuid, "userName": "Balwinder", "name": "Balwinder Singh", "type": "EMPLOYEE",
            "mobileNumber": "9815098150", "tenantId": "pb", "roles": [{"code": role, "tenantId": "pb"}]});
        let body = json!({"RequestInfo": {"userInfo": user}, "Refund": refund});
        let headers = [("traceparent", parent), ("x-identity-secret", SECRET)];
        let mut answer = self.post(&format!("/refund/v1/{path}"), &headers, &body).await;
        assert!(answer["Refund"]["refundId"].is_string(), "{answer}");
        answer["Refund"].take()
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
    pub(crate) fn calls(&self) -> Contexts {
        for endpoint in [Endpoint::Ids, Endpoint::ValidatePayment] {
            for call in self.digit.calls(endpoint) {
                let correlation = call.headers.get("x-correlation-id").map(String::as_str);
                assert_eq!(correlation, Some("correlation-1"));
            }
        }
        self.calls_of(&[Endpoint::Ids, Endpoint::ValidatePayment, Endpoint::CreatePayment])
    }

    /// The traces in the calls of these endpoints.
    pub(crate) fn calls_of(&self, endpoints: &[Endpoint]) -> Contexts {
        let calls = endpoints.iter().flat_map(|endpoint| {
            let name = format!("{endpoint:?}");
            self.digit.calls(*endpoint).into_iter().filter_map(move |call| context(&name, &call.headers))
        });
        calls.collect()
    }

    /// The traces in the records about the payment, of which the last has its receipt.
    pub(crate) async fn records(&self) -> Contexts {
        self.read(UPDATES, |body| body["Transaction"]["receipt"].is_string()).await
    }

    /// The traces in the records about its refund, of which the last tells that the receipt is cancelled.
    pub(crate) async fn refund_records(&self) -> Contexts {
        self.read(REFUND_UPDATES, |body| body["Refund"]["receiptStatus"] == "CANCELLED").await
    }

    async fn read(&self, setting: &str, is_last: fn(&Value) -> bool) -> Contexts {
        let (_, topic) = self.settings.iter().find(|(name, _)| *name == setting).unwrap();
        let topic = topic.clone();
        tokio::task::spawn_blocking(move || read(&topic, is_last)).await.unwrap()
    }

    /// Ends the service in order, and returns its log.
    pub(crate) async fn stop(mut self) -> String {
        self.service.signal("TERM");
        assert!(self.service.ended().await.success(), "{}", self.service.log());
        self.service.log()
    }
}

fn context(what: &str, headers: &BTreeMap<String, String>) -> Option<(String, String, Option<String>)> {
    Some((what.to_owned(), headers.get("traceparent")?.clone(), headers.get("tracestate").cloned()))
}

fn read(topic: &str, is_last: fn(&Value) -> bool) -> Contexts {
    let consumer: BaseConsumer = ClientConfig::new()
        .set("bootstrap.servers", kafka::bootstrap_servers())
        .set("group.id", format!("reader-{topic}"))
        .set("auto.offset.reset", "earliest")
        .set("allow.auto.create.topics", "true")
        .create()
        .unwrap();
    consumer.subscribe(&[topic]).unwrap();
    let (mut contexts, started) = (Contexts::new(), Instant::now());
    while started.elapsed() < PATIENCE {
        let Some(Ok(record)) = consumer.poll(Duration::from_millis(100)) else { continue };
        let body: Value = serde_json::from_slice(record.payload().unwrap()).unwrap();
        let headers = record.headers().map(|headers| {
            let text = |value: Option<&[u8]>| String::from_utf8(value.unwrap().to_vec()).unwrap();
            headers.iter().map(|header| (header.key.to_owned(), text(header.value))).collect()
        });
        contexts.extend(context(topic, &headers.unwrap_or_default()));
        if is_last(&body) {
            return contexts;
        }
    }
    panic!("the last record of {topic} is missing");
}
