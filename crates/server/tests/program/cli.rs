//! The commands, run as people run them.

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::Stdio;

use crate::support::{Service, free_port, http_client, pg_service, run, stderr, stdout};
use serde_json::Value;

fn json(text: &str) -> Value {
    serde_json::from_str(text).unwrap_or_else(|error| panic!("{error}: {text}"))
}

#[test]
fn the_demo_keeps_its_promises() {
    let folder = tempfile::tempdir().unwrap();
    let output = run(folder.path(), &["demo", "--json"]);
    assert!(output.status.success(), "{}{}", stdout(&output), stderr(&output));
    let demo = json(&stdout(&output));
    assert_eq!(demo["asPromised"], true);
    let statuses: Vec<&str> = demo["payments"]
        .as_array()
        .unwrap()
        .iter()
        .map(|payment| payment["status"].as_str().unwrap())
        .collect();
    assert_eq!(statuses, ["SUCCESS", "FAILURE", "PENDING", "SUCCESS"]);
    let receipts: Vec<bool> =
        demo["payments"].as_array().unwrap().iter().map(|payment| payment["receipt"].is_string()).collect();
    assert_eq!(receipts, [true, false, false, true]);
    assert_eq!(demo["payments"][3]["refundStatus"], "SUCCESS");
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0, "it leaves nothing behind");
}

#[test]
fn the_demo_prints_no_colours_into_a_pipe() {
    let folder = tempfile::tempdir().unwrap();
    let output = run(folder.path(), &["demo"]);
    let text = stdout(&output);
    assert!(output.status.success(), "{text}{}", stderr(&output));
    for told in ["All as promised.", "TXN_ABRUPTLY_DISCARDED", "REFUND_SAME_USER", "CANCELLED"] {
        assert!(text.contains(told), "{told}: {text}");
    }
    assert!(!text.contains('\u{1b}'), "{text}");
}

#[test]
fn the_demo_is_played_at_every_gateway_in_every_protocol() {
    let folder = tempfile::tempdir().unwrap();
    for play in [
        &["axis"][..],
        &["hyperswitch"],
        &["paytm"],
        &["paytm", "--protocol", "v3"],
        &["phonepe"],
        &["phonepe", "--protocol", "v1"],
        &["phonepe", "--protocol", "v2"],
        &["payu"],
        &["razorpay"],
    ] {
        let output = run(folder.path(), &[&["demo", "--json", "--gateway"], play].concat());
        assert!(output.status.success(), "{play:?}: {}{}", stdout(&output), stderr(&output));
        let demo = json(&stdout(&output));
        assert_eq!(demo["gateway"], play[0].to_uppercase());
        let payments = demo["payments"].as_array().unwrap();
        let came_to: Vec<_> = payments
            .iter()
            .map(|payment| (payment["status"].as_str().unwrap(), payment["receipt"].is_string()))
            .collect();
        // Hyperswitch's page allows another attempt after a decline.
        let declined = if play[0] == "hyperswitch" { ("SUCCESS", true) } else { ("FAILURE", false) };
        assert_eq!(came_to, [("SUCCESS", true), declined, ("PENDING", false)], "{play:?}");
    }
    for (impossible, told) in [
        (["--gateway", "axis", "--protocol", "v1"], "AXIS has no such protocol"),
        (["--gateway", "paytm", "--protocol", "v2"], "PAYTM has no such protocol"),
        (["--gateway", "payu", "--url", "http://127.0.0.1:1/pg-service"], "leave out --url"),
    ] {
        let output = run(folder.path(), &[&["demo"][..], &impossible].concat());
        assert_eq!(output.status.code(), Some(1));
        assert!(stderr(&output).contains(told), "{}", stderr(&output));
    }
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0, "it leaves nothing behind");
}

/// A program that does not outlive its test.
struct Ended(std::process::Child);

impl Drop for Ended {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[tokio::test]
async fn the_simulator_says_how_a_service_is_pointed_at_it() {
    let folder = tempfile::tempdir().unwrap();
    let (port, service_port) = (free_port(), free_port());
    let service_url = format!("http://127.0.0.1:{service_port}/pg-service");
    let simulator = pg_service(folder.path())
        .args(["simulate", "--port", &port.to_string(), "--service-url", &service_url])
        .args(["--write-properties", "simulator.properties"])
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let mut simulator = Ended(simulator);
    let mut banner = BufReader::new(simulator.0.stdout.take().unwrap()).lines();
    let told = banner.find(|line| line.as_ref().unwrap() == "pg-service --properties simulator.properties");
    assert!(told.is_some(), "the banner tells how to go on");

    let mut command = pg_service(folder.path());
    command.args(["--properties", "simulator.properties"]);
    let service = Service::start(command, service_port, &folder.path().join("log")).await;
    let http = http_client();
    let gateways = http.post(format!("{}/gateway/v1/_search", service.url())).send().await.unwrap();
    let gateways: Value = gateways.json().await.unwrap();
    let offered = ["AXIS", "CCAVENUE", "HYPERSWITCH", "PAYTM", "PAYU", "PHONEPE", "RAZORPAY", "STRIPE"];
    assert_eq!(gateways, serde_json::json!(offered));
    let books = http.get(format!("http://127.0.0.1:{port}/control/orders")).send().await.unwrap();
    assert_eq!(books.json::<Value>().await.unwrap(), serde_json::json!({ "orders": [], "next": null }));

    let in_use = run(folder.path(), &["simulate", "--port", &port.to_string()]);
    assert!(stderr(&in_use).contains("is in use"), "{}", stderr(&in_use));
    let id = simulator.0.id().to_string();
    assert!(std::process::Command::new("kill").args(["-INT", &id]).status().unwrap().success());
    assert_eq!(simulator.0.wait().unwrap().code(), Some(0));
}

#[test]
fn check_config_reports_every_problem_and_no_secret() {
    let folder = tempfile::tempdir().unwrap();
    let settings = concat!(
        "[server]\nport = \"many\"\n",
        "[payu]\nactive = true\nmerchant.salt = \"hush\"\n",
        "[egov.idgen]\nhost = \"ftp://idgen\"\n",
        "[callback]\nallowed-hosts = \"city.example\"\n",
        "[sevrer]\naddress = \"0.0.0.0\"\n",
    );
    std::fs::write(folder.path().join("pg-service.toml"), settings).unwrap();
    let output = run(folder.path(), &["check-config"]);
    let text = stdout(&output);
    assert_eq!(output.status.code(), Some(1), "{text}");
    for told in [
        "server.port: `many` is not a whole number",
        "pg-service.toml:2",
        "payu.merchant.key: must be set",
        "egov.idgen.host: is not an http(s) URL",
        "did you mean server.address?",
        "(hidden)",
        "3 problems",
    ] {
        assert!(text.contains(told), "{told}:\n{text}");
    }
    assert!(!text.contains("hush"), "{text}");

    let good = tempfile::tempdir().unwrap();
    let output = run(good.path(), &["check-config"]);
    assert!(output.status.success() && stdout(&output).contains("No problems."), "{}", stdout(&output));
}

#[test]
fn a_doubtful_setting_is_a_warning_and_stops_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let output = pg_service(folder.path())
        .arg("check-config")
        .env("SPRING_DATASOURCE_URL", "jdbc:postgresql://db/pay?sslfactory=a.B&password=hush")
        .env("EGOV_IDGEN_HOST", "http://egov-idgen")
        .env("CALLBACK_ALLOWED_HOSTS", "city.example")
        .env("EGOV_USERSERVICE_HOST", "http://egov-user")
        .env("EGOV_COLLECTIONSERVICE_HOSTS", "http://collection-services")
        .output()
        .unwrap();
    let text = stdout(&output);
    for told in [
        "the parameter `sslfactory` of the address has no effect",
        "egov.collectionservice.host: is not set, though other services of DIGIT are",
        "did you mean EGOV_COLLECTIONSERVICE_HOST?",
        "No problems.",
    ] {
        assert!(text.contains(told), "{told}:\n{text}");
    }
    assert!(output.status.success() && !text.contains("hush"), "{text}");
}

#[test]
fn nothing_starts_with_settings_that_cannot_be_honoured() {
    let folder = tempfile::tempdir().unwrap();
    let output = pg_service(folder.path())
        .env("SPRING_DATASOURCE_URL", "jdbc:oracle:thin:@db:1521/pg")
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(1));
    let text = stderr(&output);
    assert!(text.contains("spring.datasource.url: is not the address of a PostgreSQL database"), "{text}");
    assert!(text.contains("environment SPRING_DATASOURCE_URL"), "{text}");
    assert!(!folder.path().join("data").exists());
}

#[tokio::test]
async fn a_running_service_is_inspected_without_personal_data() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let service = Service::start(pg_service(folder), free_port(), &folder.join("log")).await;

    let demo = run(folder, &["demo", "--json", "--url", service.url()]);
    assert!(demo.status.success(), "{}{}", stdout(&demo), stderr(&demo));
    let demo = json(&stdout(&demo));
    let paid = demo["payments"][0]["txnId"].as_str().unwrap();

    let shown = stdout(&run(folder, &["transaction", "show", paid]));
    for told in
        [paid, "SUCCESS", "PENDING → SUCCESS", "receipt issued", "save-pg-txns", "in the outbox", "100.00"]
    {
        assert!(shown.contains(told), "{told}:\n{shown}");
    }
    let as_json = stdout(&run(folder, &["transaction", "show", "--json", paid]));
    assert_eq!(json(&as_json)["transaction"]["txnStatus"], "SUCCESS");
    assert_eq!(json(&as_json)["transaction"]["receipt"], demo["payments"][0]["receipt"]);

    let events = stdout(&run(folder, &["events", "tail"]));
    assert!(events.lines().count() > 6 && events.contains("update-pg-txns"), "{events}");
    let of_one = stdout(&run(folder, &["events", "tail", "--json", "--txn", paid]));
    assert!(of_one.lines().all(|line| json(line)["txnId"] == paid), "{of_one}");
    let first = json(of_one.lines().next().unwrap())["sequence"].to_string();
    let rest = stdout(&run(folder, &["events", "tail", "--json", "--txn", paid, "--after", &first]));
    assert_eq!(rest.lines().count() + 1, of_one.lines().count());

    for text in [&shown, &as_json, &events, &of_one, &service.log()] {
        assert!(!text.contains("Asha Demo") && !text.contains("9876543210"), "{text}");
    }
    let open = stdout(&run(folder, &["transaction", "show", "--show-personal-data", paid]));
    assert!(open.contains("Asha Demo") && open.contains("9876543210"), "{open}");
}

#[tokio::test]
async fn events_are_followed_as_they_happen() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let service = Service::start(pg_service(folder), free_port(), &folder.join("log")).await;
    let mut follower = pg_service(folder)
        .args(["events", "tail", "--follow", "--json"])
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(follower.stdout.take().unwrap()).lines();
    let demo = run(folder, &["demo", "--json", "--url", service.url()]);
    assert!(demo.status.success(), "{}", stderr(&demo));
    let receipt = lines.find(|line| {
        let event = json(line.as_ref().unwrap());
        event["body"]["Transaction"]["receipt"].is_string()
    });
    follower.kill().unwrap();
    follower.wait().unwrap();
    assert!(receipt.is_some());
}

#[test]
fn an_unknown_transaction_is_reported_with_a_remedy() {
    let folder = tempfile::tempdir().unwrap();
    let nothing = run(folder.path(), &["transaction", "show", "T1"]);
    assert_eq!(nothing.status.code(), Some(1));
    assert!(stderr(&nothing).contains("no database"), "{}", stderr(&nothing));

    run(folder.path(), &["migrate"]);
    let nothing = run(folder.path(), &["transaction", "show", "T1"]);
    assert_eq!(nothing.status.code(), Some(1));
    assert!(stderr(&nothing).contains("no transaction T1"), "{}", stderr(&nothing));
}

#[test]
fn migrating_twice_does_it_once() {
    let folder = tempfile::tempdir().unwrap();
    let before = run(folder.path(), &["migrate", "--check"]);
    assert_eq!(before.status.code(), Some(1));

    let first = run(folder.path(), &["migrate"]);
    assert!(first.status.success() && stdout(&first).contains("applied now"), "{}", stdout(&first));
    let second = run(folder.path(), &["migrate"]);
    assert!(second.status.success() && stdout(&second).contains("Nothing to do"), "{}", stdout(&second));
    let check = run(folder.path(), &["migrate", "--check"]);
    assert!(check.status.success() && stdout(&check).contains("up to date"), "{}", stdout(&check));
}

#[test]
fn gateways_are_listed_with_where_their_settings_come_from() {
    let folder = tempfile::tempdir().unwrap();
    let output = pg_service(folder.path())
        .args(["gateways", "--json"])
        .envs([("PAYU_ACTIVE", "true"), ("PAYU_MERCHANT_KEY", "K"), ("PAYU_MERCHANT_SALT", "hush")])
        .output()
        .unwrap();
    let gateways = json(&stdout(&output));
    let row =
        |name: &str| gateways.as_array().unwrap().iter().find(|row| row["name"] == name).unwrap().clone();
    assert_eq!(row("SANDBOX")["active"], false, "it steps back when there is a real one");
    assert_eq!(row("AXIS")["active"], false);
    assert_eq!(row("PAYU")["active"], true);
    assert_eq!(row("PAYU")["settingsFrom"], serde_json::json!(["environment"]));
    let text = stdout(&run(folder.path(), &["gateways"]));
    assert!(text.contains("SANDBOX") && text.contains("PHONEPE"), "{text}");
}

#[test]
fn the_documents_are_printed() {
    let folder = tempfile::tempdir().unwrap();
    let openapi = json(&stdout(&run(folder.path(), &["openapi"])));
    assert!(openapi["openapi"].as_str().unwrap().starts_with("3.1"));
    let postman = json(&stdout(&run(folder.path(), &["openapi", "--postman"])));
    assert!(postman["item"].is_array());
}

#[test]
fn the_configuration_document_is_that_of_the_code() {
    let folder = tempfile::tempdir().unwrap();
    let written = stdout(&run(folder.path(), &["config-reference"]));
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/configuration.md");
    let kept = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(kept == written, "write it anew: pg-service config-reference > docs/configuration.md");
}

#[test]
fn a_wrong_address_for_the_demo_is_reported() {
    let folder = tempfile::tempdir().unwrap();
    let url = format!("http://127.0.0.1:{}/pg-service", free_port());
    let output = run(folder.path(), &["demo", "--url", &url]);
    assert_eq!(output.status.code(), Some(1));
    assert!(stderr(&output).contains("does not answer"), "{}", stderr(&output));
}

#[test]
fn help_teaches_by_examples() {
    let folder = tempfile::tempdir().unwrap();
    let text = stdout(&run(folder.path(), &["--help"]));
    assert!(text.contains("Examples:") && text.contains("pg-service demo"), "{text}");
    let wrong = run(folder.path(), &["dmeo"]);
    assert_eq!(wrong.status.code(), Some(2));
    assert!(stderr(&wrong).contains("demo"), "{}", stderr(&wrong));
}
