//! The service as a process: start, obstacles to it, stop.

use std::io::{BufRead, BufReader};
use std::process::Stdio;

use crate::support::{Service, free_port, http_client, pg_service, run, stderr};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

#[tokio::test]
async fn a_newcomer_starts_it_and_pastes_the_first_payment() {
    let folder = tempfile::tempdir().unwrap();
    let mut child = pg_service(folder.path())
        .args(["--port", "0"])
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let banner = BufReader::new(child.stdout.take().unwrap());
    let mut text = String::new();
    for line in banner.lines() {
        let line = line.unwrap();
        text.push_str(&line);
        text.push('\n');
        if line.starts_with("Open the redirectUrl") {
            break;
        }
    }
    let (_, command) = text.split_once("curl -s '").unwrap();
    let (url, body) = command.split_once("' -H 'Content-Type: application/json' -d '").unwrap();
    let (body, _) = body.split_once('\'').unwrap();
    let http = http_client();
    let response =
        http.post(url).header("content-type", "application/json").body(body.to_owned()).send().await.unwrap();
    assert_eq!(response.status(), 200);
    let answer: Value = response.json().await.unwrap();
    let redirect = answer["Transaction"]["redirectUrl"].as_str().unwrap();
    let page = http.get(redirect).send().await.unwrap();
    assert!(page.status().is_success() && page.text().await.unwrap().contains("<form"));
    for place in ["/docs/", "/health", "/sandbox", "/openapi.json"] {
        let base = url.strip_suffix("/transaction/v1/_create").unwrap();
        assert_eq!(http.get(format!("{base}{place}")).send().await.unwrap().status(), 200, "{place}");
    }
    child.kill().unwrap();
    child.wait().unwrap();
}

#[tokio::test]
async fn an_expired_order_cannot_be_paid() {
    let folder = tempfile::tempdir().unwrap();
    let mut command = pg_service(folder.path());
    command.args(["--set", "sandbox.order.life-mins=60", "--set", "order.life-mins=300"]);
    let service = Service::start(command, free_port(), &folder.path().join("log")).await;
    let body = json!({
        "RequestInfo": { "userInfo": { "uuid": "u-1", "userName": "asha", "name": "Asha Rani",
            "mobileNumber": "9876543210", "tenantId": "pb" } },
        "Transaction": { "tenantId": "pb.amritsar", "txnAmount": "1.00", "billId": "B1", "consumerCode": "PT-1",
            "taxAndPayments": [{ "billId": "B1", "amountPaid": "1.00" }], "productInfo": "Property tax",
            "gateway": "SANDBOX", "callbackUrl": "http://127.0.0.1:1/paid",
            "user": { "name": "Asha Rani", "mobileNumber": "9876543210", "tenantId": "pb" } },
    });
    let create = http_client().post(format!("{}/transaction/v1/_create", service.url())).json(&body);
    let answer: Value = create.send().await.unwrap().json().await.unwrap();
    let txn = &answer["Transaction"];
    let redirect = url::Url::parse(txn["redirectUrl"].as_str().unwrap()).unwrap();
    let expires =
        redirect.query_pairs().find(|(name, _)| name == "expires").unwrap().1.parse::<i64>().unwrap();
    let created = txn["auditDetails"]["createdTime"].as_i64().unwrap();
    assert_eq!(expires - created, 60 * 60_000, "the gateway's own life, and not that of the others");
}

#[cfg(unix)]
#[tokio::test]
async fn its_data_folder_is_made_for_its_owner_alone() {
    use std::os::unix::fs::PermissionsExt;
    let folder = tempfile::tempdir().unwrap();
    let mut command = pg_service(folder.path());
    command.env("PG_SERVICE_DATA_DIR", "here/it/is");
    let _service = Service::start(command, free_port(), &folder.path().join("log")).await;
    let mode = |path: &str| std::fs::metadata(folder.path().join(path)).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode("here/it/is"), 0o700);
    assert_eq!(mode("here/it/is/sandbox.secret"), 0o600);
    assert!(folder.path().join("here/it/is/payments.db").is_file());
}

#[tokio::test]
async fn a_port_or_folder_in_use_is_reported_with_a_remedy() {
    let folder = tempfile::tempdir().unwrap();
    let port = free_port();
    let _service = Service::start(pg_service(folder.path()), port, &folder.path().join("log")).await;

    let same_port = run(folder.path(), &["--port", &port.to_string(), "--data-dir", "other"]);
    assert_eq!(same_port.status.code(), Some(1));
    let text = stderr(&same_port);
    assert!(
        text.contains(&format!("port {port} on 127.0.0.1 is in use")) && text.contains("--port"),
        "{text}"
    );

    let same_folder = run(folder.path(), &["--port", "0"]);
    assert_eq!(same_folder.status.code(), Some(1));
    let text = stderr(&same_folder);
    assert!(text.contains("another service uses the data folder") && text.contains("--data-dir"), "{text}");
}

/// A request whose body the service is waiting for: it has said that it wants it.
async fn half_a_request(url: &str) -> TcpStream {
    let address = url.strip_prefix("http://").unwrap().strip_suffix("/pg-service").unwrap();
    let mut stream = TcpStream::connect(address).await.unwrap();
    let head = "POST /pg-service/transaction/v1/_search?txnId=T1 HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n\
                Content-Length: 2\r\nExpect: 100-continue\r\nConnection: close\r\n\r\n";
    stream.write_all(head.as_bytes()).await.unwrap();
    let mut interim = [0; 25];
    stream.read_exact(&mut interim).await.unwrap();
    assert_eq!(&interim, b"HTTP/1.1 100 Continue\r\n\r\n");
    stream
}

#[tokio::test]
async fn stopping_finishes_what_runs() {
    let folder = tempfile::tempdir().unwrap();
    let port = free_port();
    let mut service = Service::start(pg_service(folder.path()), port, &folder.path().join("log")).await;
    let mut request = half_a_request(service.url()).await;
    service.signal("TERM");
    // It accepts nothing new once it has heard.
    while TcpStream::connect(("127.0.0.1", port)).await.is_ok() {
        tokio::task::yield_now().await;
    }
    request.write_all(b"{}").await.unwrap();
    let mut answer = String::new();
    request.read_to_string(&mut answer).await.unwrap();
    assert!(answer.starts_with("HTTP/1.1 200") && answer.contains("\"Transaction\":[]"), "{answer}");
    assert_eq!(service.ended().await.code(), Some(0), "{}", service.log());
    assert!(service.log().contains("\"message\":\"stopped\""), "{}", service.log());
}

#[tokio::test]
async fn a_second_signal_stops_at_once() {
    let folder = tempfile::tempdir().unwrap();
    let port = free_port();
    let mut service = Service::start(pg_service(folder.path()), port, &folder.path().join("log")).await;
    let _request = half_a_request(service.url()).await;
    service.signal("TERM");
    while TcpStream::connect(("127.0.0.1", port)).await.is_ok() {
        tokio::task::yield_now().await;
    }
    service.signal("INT");
    assert_eq!(service.ended().await.code(), Some(130), "{}", service.log());
}

#[tokio::test]
async fn a_request_that_never_ends_is_answered_when_time_is_up() {
    let folder = tempfile::tempdir().unwrap();
    let mut command = pg_service(folder.path());
    command.args(["--set", "server.shutdown-wait-secs=0"]);
    let mut service = Service::start(command, free_port(), &folder.path().join("log")).await;
    let mut request = half_a_request(service.url()).await;
    service.signal("TERM");
    assert_eq!(service.ended().await.code(), Some(0), "{}", service.log());
    let mut answer = String::new();
    request.read_to_string(&mut answer).await.unwrap();
    assert!(answer.starts_with("HTTP/1.1 503") && answer.contains("REQUEST_INTERRUPTED"), "{answer}");
}
