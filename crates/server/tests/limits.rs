//! The resources that attackers can take: memory, connections, descriptors; others are answered meanwhile.
//! Linux only: it counts the resources of the process.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod support;

use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use payment_simulator::providers::{Providers, ProvidersSettings};
use pg_service::config::setting;
use serde_json::{Value, json};
use support::{Service, free_port, http_client, library, pg_service};
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;

/// The memory of a container of `deploy/helm/pg-service`, less a good part for payments.
const MOST_BYTES: u64 = 384 * 1024 * 1024;
/// The longest wait of another caller for an answer while the machine is busy with the attack.
const PATIENCE: Duration = Duration::from_secs(5);

/// A test holds both ends of a connection's file descriptors but one.
fn allow_open_files(most: u64) {
    use rustix::process::{Resource, getrlimit, setrlimit};
    let limit = getrlimit(Resource::Nofile);
    assert!(limit.maximum.is_none_or(|maximum| maximum >= most), "the test needs {most} open files");
    if limit.current.is_some_and(|current| current < most) {
        setrlimit(Resource::Nofile, rustix::process::Rlimit { current: Some(most), ..limit }).unwrap();
    }
}

fn create_body(gateway: &str, bill: &str) -> Value {
    json!({
        "RequestInfo": { "userInfo": { "uuid": "u-1", "userName": "asha", "name": "Asha Rani",
            "mobileNumber": "9876543210", "tenantId": "pb" } },
        "Transaction": { "tenantId": "pb.amritsar", "txnAmount": "1.00", "billId": bill, "consumerCode": "PT-1",
            "taxAndPayments": [{ "billId": bill, "amountPaid": "1.00" }], "productInfo": "Property tax",
            "gateway": gateway, "callbackUrl": "http://127.0.0.1/paid",
            "user": { "name": "Asha Rani", "mobileNumber": "9876543210", "tenantId": "pb.amritsar" } },
    })
}

/// Creates a payment as another caller, on a connection of its own.
async fn pays(service: &Service, http: &reqwest::Client, gateway: &str, bill: &str) {
    let begun = Instant::now();
    let create = http.post(format!("{}/transaction/v1/_create", service.url()));
    let answer = create.json(&create_body(gateway, bill)).send().await.unwrap();
    let status = answer.status();
    let text = answer.text().await.unwrap();
    assert_eq!(status, 200, "{bill}: {text}");
    assert!(begun.elapsed() < PATIENCE, "{bill} took {:?}", begun.elapsed());
}

async fn connect(service: &Service) -> TcpStream {
    let address = service.url().strip_prefix("http://").unwrap().strip_suffix("/pg-service").unwrap();
    TcpStream::connect(address).await.unwrap()
}

/// Creates a payment on a connection that stays open: a client with a pool may open another one meanwhile.
async fn pays_on(connection: &mut BufReader<TcpStream>, gateway: &str, bill: &str) {
    let begun = Instant::now();
    let body = create_body(gateway, bill).to_string();
    let head = format!(
        "POST /pg-service/transaction/v1/_create HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\n\
         content-length: {}\r\n\r\n",
        body.len()
    );
    connection.write_all((head + &body).as_bytes()).await.unwrap();
    let (mut head, mut length) = (String::new(), None);
    while !head.ends_with("\r\n\r\n") {
        let begin = head.len();
        assert!(connection.read_line(&mut head).await.unwrap() > 0, "{bill}: the connection ends: {head}");
        let line = head[begin..].to_ascii_lowercase();
        length = line.strip_prefix("content-length:").map(|bytes| bytes.trim().parse().unwrap()).or(length);
    }
    let mut answer: Vec<u8> = vec![0; length.unwrap()];
    connection.read_exact(&mut answer).await.unwrap();
    assert!(head.starts_with("HTTP/1.1 200 "), "{bill}: {head}{}", String::from_utf8_lossy(&answer));
    assert!(begun.elapsed() < PATIENCE, "{bill} took {:?}", begun.elapsed());
}

/// Watches the memory for a while, in which others pay; returns the most.
async fn watched(service: &Service, name: &str, time: Duration) -> u64 {
    let begun = Instant::now();
    let mut most = 0;
    for nth in 0.. {
        most = most.max(service.resident_bytes());
        assert!(most < MOST_BYTES, "{name}: {most} bytes");
        // A new connection each: existing ones are not scarce.
        pays(service, &http_client(), "SANDBOX", &format!("{name}-{nth}")).await;
        if begun.elapsed() > time {
            break;
        }
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
    most
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn unfinished_bodies_and_silent_readers_hold_little_and_give_it_back() {
    allow_open_files(4000);
    let folder = tempfile::tempdir().unwrap();
    let mut command = pg_service(folder.path());
    // The allocator of the image. A build for tests is without it, because it would take an eighth of the time.
    if !cfg!(feature = "jemalloc") {
        let jemalloc = library("JEMALLOC_LIBRARY", "libjemalloc.so.2", "libjemalloc2");
        command.env("LD_PRELOAD", jemalloc).env("MALLOC_CONF", "background_thread:true");
    }
    // Shorter than the defaults, so that the test reaches their end; the resources held at once are the same.
    command.args(["--set", "limits.body-secs=8", "--set", "limits.write-secs=3"]);
    let service = Service::start(command, free_port(), &folder.path().join("log")).await;
    pays(&service, &http_client(), "SANDBOX", "before").await;
    let before = service.resident_bytes();

    let mut attackers = JoinSet::new();
    for _ in 0..3000 {
        let mut stream = connect(&service).await;
        attackers.spawn(async move {
            let head = "POST /pg-service/transaction/v1/_create HTTP/1.1\r\nhost: x\r\n\
                        content-type: application/json\r\ncontent-length: 262000\r\n\r\n";
            let _ = stream.write_all(head.as_bytes()).await;
            let _ = stream.write_all(&vec![b' '; 255_000]).await;
            // Until the service has had enough of it.
            let _ = stream.read_to_end(&mut Vec::new()).await;
        });
    }
    let bodies = watched(&service, "bodies", Duration::from_secs(6)).await;
    attackers.join_all().await;

    let mut attackers = JoinSet::new();
    for nth in 0..100 {
        let mut stream = connect(&service).await;
        attackers.spawn(async move {
            let path = ["docs/swagger-ui-bundle.js", "openapi.json"][nth % 2];
            let request = format!("GET /pg-service/{path} HTTP/1.1\r\nhost: x\r\n\r\n").repeat(50);
            let _ = stream.write_all(request.as_bytes()).await;
            tokio::time::sleep(Duration::from_secs(6)).await;
            // Only data in the system's buffers arrives, then the end of the stream.
            let _ = stream.read_to_end(&mut Vec::new()).await;
        });
    }
    let readers = watched(&service, "readers", Duration::from_secs(5)).await;
    attackers.join_all().await;

    // One byte at a time: no byte may cost more than itself.
    let mut attackers = JoinSet::new();
    for _ in 0..300 {
        let mut stream = connect(&service).await;
        stream.set_nodelay(true).unwrap();
        attackers.spawn(async move {
            let head = "POST /pg-service/sandbox/pay HTTP/1.1\r\nhost: x\r\n\
                        content-type: application/x-www-form-urlencoded\r\ncontent-length: 16000\r\n\r\n";
            let mut open = stream.write_all(head.as_bytes()).await.is_ok();
            while open {
                open = stream.write_all(b"x").await.is_ok();
                tokio::time::sleep(Duration::from_millis(1)).await;
            }
        });
    }
    let dripping = watched(&service, "dripping", Duration::from_secs(5)).await;
    attackers.shutdown().await;

    let shown = |bytes: u64| format!("{} MB", bytes / 1_000_000);
    println!(
        "before {}, bodies {}, readers {}, dripping {}",
        shown(before),
        shown(bodies),
        shown(readers),
        shown(dripping)
    );
    let begun = Instant::now();
    while service.resident_bytes() > before + 128 * 1024 * 1024 {
        assert!(begun.elapsed() < Duration::from_secs(30), "it keeps {}", shown(service.resident_bytes()));
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
    println!("after {}", shown(service.resident_bytes()));
}

/// The command with a limit of open files, the hard limit included.
fn with_open_files(command: &Command, most: u32) -> Command {
    let mut limited = Command::new("/bin/sh");
    limited.arg("-c").arg(format!("ulimit -n {most}; exec \"$0\" \"$@\"")).arg(command.get_program());
    limited.args(command.get_args()).env_clear().stdin(Stdio::null());
    limited.envs(command.get_envs().filter_map(|(name, value)| Some((name, value?))));
    limited.current_dir(command.get_current_dir().unwrap());
    limited
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn silent_connections_leave_calls_to_gateways_their_descriptors() {
    allow_open_files(4000);
    let folder = tempfile::tempdir().unwrap();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let simulator_url = format!("http://{}", listener.local_addr().unwrap());
    let simulator = Providers::new(ProvidersSettings::new(&simulator_url)).unwrap();
    let router = simulator.router();
    tokio::spawn(async move { axum::serve(listener, router).await });

    let mut command = pg_service(folder.path());
    for (name, value) in simulator.properties(&simulator_url) {
        command.env(format!("{}{}", setting::OWN_PREFIX, setting::variable(name)), value);
    }
    command.args(["--set", "bank-account=1", "--set", "phonepe.protocol=v2"]);
    let command = with_open_files(&command, 1024);
    let service = Service::start(command, free_port(), &folder.path().join("log")).await;
    assert!(service.log().contains("the limit of open files is too low"), "{}", service.log());
    let mut payer = BufReader::new(connect(&service).await);
    pays_on(&mut payer, "PHONEPE", "before").await;

    let mut silent = Vec::new();
    for _ in 0..1000 {
        silent.push(connect(&service).await);
    }
    // A call that opens an order, each time on a new connection to the gateway if need be.
    for nth in 0..20 {
        pays_on(&mut payer, "PHONEPE", &format!("meanwhile-{nth}")).await;
    }
    assert!(!service.log().contains("the gateway is down"), "{}", service.log());
    drop(silent);
}

#[tokio::test]
async fn frequent_readiness_requests_write_once_a_second() {
    let folder = tempfile::tempdir().unwrap();
    let service = Service::start(pg_service(folder.path()), free_port(), &folder.path().join("log")).await;
    let database = rusqlite::Connection::open(folder.path().join("data/payments.db")).unwrap();
    let beats =
        || -> i64 { database.query_row("SELECT beats FROM eg_pg_heartbeat", [], |row| row.get(0)).unwrap() };
    let (http, before, begun) = (http_client(), beats(), Instant::now());
    for _ in 0..500 {
        let answer = http.get(format!("{}/health/readiness", service.url())).send().await.unwrap();
        assert_eq!(answer.status(), 200);
    }
    assert!(
        beats() - before <= i64::try_from(begun.elapsed().as_secs()).unwrap() + 1,
        "{} in {:?}",
        beats() - before,
        begun.elapsed()
    );
}

#[tokio::test]
async fn operator_endpoints_have_a_port_of_their_own() {
    let folder = tempfile::tempdir().unwrap();
    let admin = free_port();
    let mut command = pg_service(folder.path());
    command.args(["--set", &format!("server.admin-port={admin}"), "--set", "limits.connections=8"]);
    let service = Service::start(command, free_port(), &folder.path().join("log")).await;
    let http = http_client();
    let status = async |url: String| http.get(url).send().await.unwrap().status().as_u16();
    for path in ["/prometheus", "/docs/", "/openapi.json"] {
        assert_eq!(status(format!("{}{path}", service.url())).await, 404, "{path}");
    }
    // The port of payments is full, and monitoring gets through.
    let mut all = Vec::new();
    for _ in 0..20 {
        all.push(connect(&service).await);
    }
    for path in ["/prometheus", "/docs/", "/openapi.json", "/health/readiness", "/health/liveness", "/health"]
    {
        assert_eq!(status(format!("http://127.0.0.1:{admin}/pg-service{path}")).await, 200, "{path}");
    }
    assert_eq!(status(format!("http://127.0.0.1:{admin}/pg-service/transaction/v1/_update")).await, 404);
    drop(all);
}

#[test]
fn a_too_low_limit_of_open_files_is_reported() {
    let folder = tempfile::tempdir().unwrap();
    let mut command = pg_service(folder.path());
    command.args(["--port", "0"]);
    let output = with_open_files(&command, 64).output().unwrap();
    assert_eq!(output.status.code(), Some(1));
    let text = support::stderr(&output);
    assert!(text.contains("no more than 64 files may be open") && text.contains("ulimit -n"), "{text}");
}
