//! The program's setup: problems that stop its start, the reading of a configuration, its files and their
//! backup.

mod backup;
mod migration;
mod moving;
mod waiting;

use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use payment_simulator::digit::{Endpoint, PretendDigit};
use payment_simulator::sandbox::Choice;
use payment_testing::kafka::bootstrap_servers;
use payment_testing::postgres::FreshDatabase;
use serde_json::{Value, json};

use crate::support::payer::{Payer, create_request};
use crate::support::{Service, free_port, http_client, pg_service, run, stderr, stdout};

const STOCK: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/src/config/tests/application.properties");

fn checked(folder: &Path, environment: &[(&str, &str)], arguments: &[&str]) -> (bool, String) {
    let output = pg_service(folder)
        .envs(environment.iter().copied())
        .args(arguments)
        .arg("check-config")
        .output()
        .unwrap();
    (output.status.success(), stdout(&output))
}

#[tokio::test]
async fn beside_a_real_collection_service_the_sandbox_is_there_only_when_it_is_allowed_and_says_what_it_is() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let digit = PretendDigit::start().await.unwrap();
    let beside = [("EGOV_COLLECTIONSERVICE_HOST", digit.url()), ("CALLBACK_ALLOWED_HOSTS", "127.0.0.1")];
    // The last real gateway is switched off.
    let off = [("PAYU_MERCHANT_KEY", "K"), ("PAYU_MERCHANT_SALT", "S"), ("PAYU_ACTIVE", "false")];
    let mut command = pg_service(folder);
    command.envs(beside).envs(off);
    let service = Service::start(command, free_port(), &folder.join("log")).await;
    let gateways = http_client().post(format!("{}/gateway/v1/_search", service.url())).send().await.unwrap();
    assert_eq!(gateways.json::<Value>().await.unwrap(), json!([]));
    let body = create_request("B1", "25000.00", "http://127.0.0.1:1/done");
    let refused = http_client().post(format!("{}/transaction/v1/_create", service.url())).json(&body);
    let refused: Value = refused.send().await.unwrap().json().await.unwrap();
    assert_eq!(refused["Errors"][0]["code"], "INVALID_PAYMENT_GATEWAY", "{refused}");
    drop(service);

    let asked = [&beside[..], &[("SANDBOX_ACTIVE", "true")]].concat();
    let output = pg_service(folder).envs(asked.clone()).output().unwrap();
    assert_eq!(output.status.code(), Some(1));
    assert!(stderr(&output).contains("sandbox.beside-digit=true"), "{}", stderr(&output));

    let mut command = pg_service(folder);
    let port = free_port();
    command.envs(asked).env("SANDBOX_BESIDE_DIGIT", "true");
    command.env("SERVER_PUBLIC_URL", format!("http://127.0.0.1:{port}/pg-service"));
    let service = Service::start(command, port, &folder.join("log")).await;
    let payer = Payer::of(service.url());
    let (id, page) = payer.create("B2").await;
    payer.choose(&page, Choice::Pay).await;
    let paid = payer.update(&id).await;
    assert_eq!(paid["txnStatus"], "SUCCESS", "{paid}");
    assert!(paid["receipt"].is_string(), "{paid}");
    let calls = digit.calls(Endpoint::CreatePayment);
    assert_eq!(calls.len(), 1);
    assert_eq!(calls[0].body()["Payment"]["additionalDetails"]["sandbox"], true, "{}", calls[0].text);
    let get = async |path: &str| {
        http_client().get(format!("{}{path}", service.url())).send().await.unwrap().text().await.unwrap()
    };
    let statuses: Value = serde_json::from_str(&get("/gateway/v1/_status").await).unwrap();
    assert_eq!(statuses[0]["name"], "SANDBOX");
    assert_eq!(statuses[0]["sandbox"], true);
    let metrics = get("/prometheus").await;
    for name in ["transactions_created_total", "transactions_settled_total", "receipts_issued_total"] {
        let line = metrics.lines().find(|line| line.starts_with(&format!("{name}{{"))).unwrap();
        assert!(line.contains("sandbox=\"true\""), "{line}");
    }
}

#[tokio::test]
async fn payers_are_led_nowhere_else_although_no_hosts_are_set() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let service = Service::start(pg_service(folder), free_port(), &folder.join("log")).await;
    let create = async |service: &Service, bill: &str, callback: &str| -> Value {
        let body = create_request(bill, "1.00", callback);
        let create = http_client().post(format!("{}/transaction/v1/_create", service.url())).json(&body);
        create.send().await.unwrap().json().await.unwrap()
    };
    for (bill, evil) in [
        ("B1", "https://evil.example/"),
        ("B2", "http://127.0.0.1.evil.example/"),
        ("B3", "http://127.0.0.1@evil.example/"),
    ] {
        let answer = create(&service, bill, evil).await;
        assert_eq!(answer["Errors"][0]["code"], "INVALID_CALLBACK_URL", "{answer}");
    }
    for (bill, own) in
        [("B1", "http://localhost:3000/x"), ("B2", "https://[::1]/"), ("B3", "http://127.0.0.1/")]
    {
        let answer = create(&service, bill, own).await;
        assert_eq!(answer["Transaction"]["txnStatus"], "PENDING", "{answer}");
    }
    drop(service);

    // Beside DIGIT the chart's variable says where its pages are; without it there is no start.
    let digit = [("EGOV_IDGEN_HOST", "http://127.0.0.1:9")];
    let (good, told) = checked(folder, &digit, &[]);
    assert!(!good && told.contains("callback.allowed-hosts: must be set beside DIGIT"), "{told}");
    let output = pg_service(folder).envs(digit).output().unwrap();
    assert_eq!(output.status.code(), Some(1), "a problem stops the start");
    let (good, told) = checked(folder, &[digit[0], ("NOTIFICATION_URL", "https://city.example/")], &[]);
    let line = told.lines().find(|line| line.contains("callback.allowed-hosts")).unwrap();
    assert!(good && line.contains("city.example"), "{line}");
}

#[test]
fn placeholders_in_a_file_are_resolved_from_the_environment() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("application.properties");
    std::fs::write(
        &file,
        "server.port=${PORT:9001}\npayu.active=true\npayu.merchant.key=${PAYU_NAME}\npayu.merchant.salt=${PAYU_SALT}\n",
    )
    .unwrap();
    let file = file.display().to_string();
    let (good, told) = checked(folder.path(), &[("PAYU_NAME", "K-77")], &["--properties", &file]);
    assert!(!good && told.contains("refers to `${PAYU_SALT}`"), "{told}");
    assert!(told.contains("application.properties:4") && told.contains("1 problem"), "{told}");
    let set = [("PAYU_NAME", "K-77"), ("PAYU_SALT", "hush")];
    let (good, told) = checked(folder.path(), &set, &["--properties", &file]);
    assert!(good && told.contains("K-77") && told.contains("9001") && !told.contains("${"), "{told}");
    assert!(!told.contains("hush"), "{told}");
}

#[tokio::test]
async fn the_stock_file_with_the_stock_charts_variables_starts() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let database = FreshDatabase::create().await;
    let (brokers, port) = (bootstrap_servers(), free_port());
    let own = |topic: &str| format!("{}-{topic}", database.name());
    let mut command = pg_service(folder);
    command.args(["--properties", STOCK]);
    // The address of the tests' database holds its user and password.
    command.envs([
        ("SPRING_DATASOURCE_URL", database.url()),
        ("KAFKA_CONFIG_BOOTSTRAP_SERVER_CONFIG", &brokers),
    ]);
    command.envs([
        ("SPRING_DATASOURCE_USERNAME", ""),
        ("SPRING_DATASOURCE_PASSWORD", ""),
        ("SPRING_KAFKA_BOOTSTRAP_SERVERS", &brokers),
        ("SPRING_KAFKA_CONSUMER_GROUP_ID", database.name()),
        ("PERSISTER_SAVE_PG_TXNS", &own("save")),
        ("PERSISTER_UPDATE_PG_TXNS", &own("update")),
        ("EGOV_IDGEN_HOST", "http://egov-idgen.egov:8080/"),
        ("EGOV_COLLECTIONSERVICE_HOST", "http://collection-services.egov:8080/"),
        ("EGOV_BANKACCOUNTSERVICE_HOST", "http://egf-master.egov:8080/"),
        ("NOTIFICATION_URL", "https://city.example/"),
        ("SPRING_DATASOURCE_HIKARI_MAXIMUM-POOL-SIZE", "5"),
        ("PG_KAFKA_CONSUMER_TOPIC_PATTERN", &own("(save|update)")),
        ("IS_ENVIRONMENT_CENTRAL_INSTANCE", "false"),
        ("APP_TIMEZONE", "UTC"),
        ("JAVA_OPTS", "-Xmx192m"),
    ]);
    let service = Service::start(command, port, &folder.join("log")).await;
    let gateways = http_client().post(format!("{}/gateway/v1/_search", service.url())).send().await.unwrap();
    assert_eq!(gateways.json::<Value>().await.unwrap(), json!([]), "no account is configured");
    let log = service.log();
    for left_out in ["axis.active", "payu.active", "no gateway is offered"] {
        assert!(log.contains(left_out), "{left_out}: {log}");
    }
    let of_the_chart: Vec<&str> = log.lines().filter(|line| line.contains("JAVA_OPTS")).collect();
    let [line] = of_the_chart.as_slice() else { panic!("{log}") };
    assert!(line.contains("INFO") && line.contains("APP_TIMEZONE"), "one quiet line: {line}");
    drop(service);

    // A half-set account stops the start.
    let mut command = pg_service(folder);
    command.args(["--properties", STOCK]).env("PAYU_MERCHANT_KEY", "K");
    let output = command.output().unwrap();
    assert_eq!(output.status.code(), Some(1));
    assert!(stderr(&output).contains("payu.merchant.salt: must be set"), "{}", stderr(&output));
}

#[test]
fn every_documented_setting_is_a_variable_or_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let set = [
        ("CALLBACK_ALLOWED_HOSTS", "city.example"),
        ("TIME_ZONE", "UTC"),
        ("ORDER_LIFE_MINS", "35"),
        ("LIMITS_CONNECTIONS", "77"),
    ];
    let common = [
        ("LOG_LEVEL", "debug"),
        ("DATA_DIR", "/nowhere"),
        ("PATH", "/bin"),
        ("HOME", "/root"),
        ("TZ", "UTC"),
    ];
    let (good, told) = checked(folder.path(), &[&set[..], &common].concat(), &[]);
    assert!(good, "{told}");
    for (variable, value) in set {
        let line = told.lines().find(|line| line.contains(&format!("environment {variable}")));
        assert!(line.is_some_and(|line| line.contains(value)), "{variable}: {told}");
    }
    for variable in ["LOG_LEVEL", "DATA_DIR"] {
        assert!(told.contains(&format!("PG_SERVICE_{variable} is the setting")), "{told}");
    }
    assert!(!told.contains("HOME") && !told.contains("PATH"), "{told}");
}

#[tokio::test]
async fn every_file_that_is_made_belongs_to_its_owner_alone() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let service = Service::start(pg_service(folder), free_port(), &folder.join("log")).await;
    let payer = Payer::of(service.url());
    let (id, page) = payer.create("B1").await;
    payer.choose(&page, Choice::Pay).await;
    assert_eq!(payer.update(&id).await["txnStatus"], "SUCCESS");
    assert!(run(folder, &["backup", "copy.db"]).status.success());
    let files = std::fs::read_dir(folder.join("data")).unwrap().map(|entry| entry.unwrap().path());
    let mut files: Vec<_> = files.collect();
    let databases = files.iter().filter(|file| file.extension().is_some_and(|end| end == "db")).count();
    assert_eq!(databases, 2);
    files.extend(["copy.db", "copy.db.sandbox"].map(|name| folder.join(name)));
    for file in files {
        let mode = std::fs::metadata(&file).unwrap().permissions().mode() & 0o777;
        assert_eq!(mode, 0o600, "{}", file.display());
    }
}
