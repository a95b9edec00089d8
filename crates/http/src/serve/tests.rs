//! Promises of the server on the wire.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Bytes;
use axum::routing::{get, post};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use crate::limits::{RequestLimits, ServeLimits};
use crate::middleware::RequestLayer;
use crate::testing::TestApp;

/// A server of a few plain routes; `/wait` answers once it is released.
struct Running {
    address: SocketAddr,
    shutdown: CancellationToken,
    waiting: Arc<Semaphore>,
    let_go: Arc<Semaphore>,
    server: JoinHandle<()>,
}

/// More than the system takes over for a client that does not read.
static LARGE: [u8; 4 * 1024 * 1024] = [b'x'; 4 * 1024 * 1024];

async fn running(limits: ServeLimits) -> Running {
    let (waiting, let_go) = (Arc::new(Semaphore::new(0)), Arc::new(Semaphore::new(0)));
    let gates = (waiting.clone(), let_go.clone());
    let router = Router::new()
        .route("/", get(async || "hello"))
        .route("/large", get(async || Bytes::from_static(&LARGE)))
        .route("/length", post(async |body: Bytes| body.len().to_string()))
        .route(
            "/wait",
            get(async move || {
                gates.0.add_permits(1);
                gates.1.acquire().await.unwrap().forget();
                "waited"
            }),
        )
        .layer(RequestLayer::new(RequestLimits::default()));
    start(router, limits, waiting, let_go).await
}

async fn start(
    router: Router,
    limits: ServeLimits,
    waiting: Arc<Semaphore>,
    let_go: Arc<Semaphore>,
) -> Running {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let shutdown = CancellationToken::new();
    let server = tokio::spawn(super::serve(listener, router, limits, shutdown.clone()));
    Running { address, shutdown, waiting, let_go, server }
}

impl Running {
    async fn connect(&self) -> TcpStream {
        TcpStream::connect(self.address).await.unwrap()
    }

    /// Sends bytes on a connection of their own and reads to the end.
    async fn send(&self, request: &[u8]) -> String {
        let mut stream = self.connect().await;
        // A server that has answered already need not take the rest.
        let _ = stream.write_all(request).await;
        read_all(&mut stream).await
    }

    async fn stop(self) {
        self.shutdown.cancel();
        self.server.await.unwrap();
    }
}

async fn read_all(stream: &mut TcpStream) -> String {
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).await.unwrap();
    String::from_utf8(answer).unwrap()
}

/// Reads one answer of a connection that stays open.
async fn read_answer(stream: &mut TcpStream, ending: &str) -> String {
    let mut answer = String::new();
    while !answer.ends_with(ending) {
        let mut some = [0; 1024];
        let read = stream.read(&mut some).await.unwrap();
        assert_ne!(read, 0, "closed after {answer:?}");
        answer.push_str(std::str::from_utf8(&some[..read]).unwrap());
    }
    answer
}

fn status_and_body(answer: &str) -> String {
    let (head, body) = answer.split_once("\r\n\r\n").unwrap_or((answer, ""));
    format!("{}\n{body}", head.lines().next().unwrap_or_default())
}

#[tokio::test]
async fn requests_follow_each_other_on_one_connection() {
    let server = running(ServeLimits::default()).await;
    let mut stream = server.connect().await;
    for _ in 0..3 {
        stream.write_all(b"GET / HTTP/1.1\r\nhost: x\r\n\r\n").await.unwrap();
        assert!(read_answer(&mut stream, "hello").await.starts_with("HTTP/1.1 200 OK\r\n"));
    }
    stream
        .write_all(b"GET /nothing HTTP/1.1\r\nhost: x\r\n\r\nGET / HTTP/1.1\r\nhost: x\r\n\r\n")
        .await
        .unwrap();
    let both = read_answer(&mut stream, "hello").await;
    assert!(both.contains("404 Not Found") && both.contains("200 OK"), "{both}");
    drop(stream);
    server.stop().await;
}

#[tokio::test]
async fn a_refusal_below_the_handlers_is_an_error_in_the_envelope() {
    let server = running(ServeLimits::default()).await;
    let header = format!("GET / HTTP/1.1\r\nhost: x\r\nx-long: {}\r\n\r\n", "y".repeat(300_000));
    let headers = format!("GET / HTTP/1.1\r\nhost: x\r\n{}\r\n", "a: b\r\n".repeat(200));
    let url = format!("GET /?{} HTTP/1.1\r\nhost: x\r\n\r\n", "z".repeat(10_000));
    let mut told = Vec::new();
    for (name, request) in [
        ("long header", header.as_str()),
        ("many headers", &headers),
        ("long url", &url),
        ("no http", "\u{16}\u{3}\u{1} hello\r\n\r\n"),
        ("bad length", "POST /length HTTP/1.1\r\nhost: x\r\ncontent-length: many\r\n\r\n"),
    ] {
        let request = request.replacen("host: x", "host: x\r\nconnection: close", 1);
        told.push(format!("{name}: {}", status_and_body(&server.send(request.as_bytes()).await)));
    }
    insta::assert_snapshot!(told.join("\n"));
    server.stop().await;
}

#[tokio::test]
async fn a_connection_beyond_the_limit_is_answered_and_closed() {
    let server = running(ServeLimits { connections: 2, ..ServeLimits::default() }).await;
    let mut open = Vec::new();
    for _ in 0..2 {
        let mut stream = server.connect().await;
        stream.write_all(b"GET / HTTP/1.1\r\nhost: x\r\n\r\n").await.unwrap();
        read_answer(&mut stream, "hello").await;
        open.push(stream);
    }
    insta::assert_snapshot!(server.send(b"GET / HTTP/1.1\r\nhost: x\r\n\r\n").await);
    drop(open);
    let close = b"GET / HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n";
    let mut answer = server.send(close).await;
    while answer.contains("TOO_MANY_CONNECTIONS") {
        // The server has yet to notice that the others are gone.
        answer = server.send(close).await;
    }
    assert!(answer.ends_with("hello"), "{answer}");
    server.stop().await;
}

#[tokio::test]
async fn a_head_that_comes_drop_by_drop_is_not_waited_for() {
    let server =
        running(ServeLimits { header_time: Duration::from_millis(100), ..ServeLimits::default() }).await;
    let mut stream = server.connect().await;
    stream.write_all(b"GET / HTTP/1.1\r\nhost: x\r\n\r\n").await.unwrap();
    read_answer(&mut stream, "hello").await;
    // Between requests there is no hurry; a request that has begun must get on.
    tokio::time::sleep(Duration::from_millis(200)).await;
    let begun = tokio::time::Instant::now();
    let mut closed = false;
    for byte in
        b"GET / HTTP/1.1\r\nhost: x\r\nx-slow: aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa".iter().cycle()
    {
        closed = stream.write_all(&[*byte]).await.is_err()
            || stream.try_read(&mut [0; 16]).is_ok_and(|read| read == 0);
        if closed || begun.elapsed() > Duration::from_secs(10) {
            break;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    assert!(closed, "the connection is still open");
    server.stop().await;
}

#[tokio::test]
async fn a_connection_without_a_request_is_not_waited_for() {
    let server =
        running(ServeLimits { header_time: Duration::from_millis(50), ..ServeLimits::default() }).await;
    assert_eq!(read_all(&mut server.connect().await).await, "");
    server.stop().await;
}

/// Asks again until the one connection there may be is free.
async fn answered_in_the_end(server: &Running) -> String {
    let close = b"GET / HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n";
    let answered = async {
        loop {
            let answer = server.send(close).await;
            if !answer.contains("TOO_MANY_CONNECTIONS") {
                return answer;
            }
        }
    };
    tokio::time::timeout(Duration::from_secs(10), answered).await.expect("the connection is never free")
}

#[tokio::test]
async fn a_client_that_does_not_read_its_answer_is_cut_off() {
    let write_time = Duration::from_millis(200);
    let server = running(ServeLimits { connections: 1, write_time, ..ServeLimits::default() }).await;
    let mut silent = server.connect().await;
    silent.write_all(b"GET /large HTTP/1.1\r\nhost: x\r\n\r\n").await.unwrap();
    assert!(answered_in_the_end(&server).await.ends_with("hello"));
    let mut rest = Vec::new();
    let _ = silent.read_to_end(&mut rest).await;
    assert!(rest.len() < LARGE.len(), "{} bytes", rest.len());

    // Now and then a byte is no progress.
    let mut dripping = server.connect().await;
    dripping.write_all(b"GET /large HTTP/1.1\r\nhost: x\r\n\r\n").await.unwrap();
    let drip = async {
        while dripping.read_u8().await.is_ok() {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    tokio::select! {
        answer = answered_in_the_end(&server) => assert!(answer.ends_with("hello"), "{answer}"),
        () = drip => {}
    }
    server.stop().await;
}

#[tokio::test]
async fn a_client_that_reads_slowly_gets_its_whole_answer() {
    let write_time = Duration::from_millis(500);
    let server = running(ServeLimits { write_time, ..ServeLimits::default() }).await;
    let mut slow = server.connect().await;
    slow.write_all(b"GET /large HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n").await.unwrap();
    let (mut read, mut some) = (0, vec![0; 64 * 1024]);
    while let more @ 1.. = slow.read(&mut some).await.unwrap() {
        read += more;
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    assert!(read > LARGE.len(), "{read} bytes");
    server.stop().await;
}

#[tokio::test]
async fn an_idle_connection_is_closed_after_its_limit() {
    let server =
        running(ServeLimits { idle_time: Duration::from_millis(50), ..ServeLimits::default() }).await;
    let mut stream = server.connect().await;
    stream.write_all(b"GET / HTTP/1.1\r\nhost: x\r\n\r\n").await.unwrap();
    assert!(read_all(&mut stream).await.ends_with("hello"));
    server.stop().await;
}

#[tokio::test]
async fn a_large_body_is_refused_so_that_the_client_can_read_it() {
    let app = TestApp::new();
    let gate = || Arc::new(Semaphore::new(0));
    let server = start(app.router(), ServeLimits::default(), gate(), gate()).await;
    for size in [300_000, 3_000_000] {
        let mut request = format!(
            "POST /pg-service/transaction/v1/_create HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\
             content-type: application/json\r\ncontent-length: {size}\r\n\r\n"
        )
        .into_bytes();
        request.resize(request.len() + size, b' ');
        let answer = server.send(&request).await;
        assert!(
            answer.starts_with("HTTP/1.1 413 ") && answer.contains("PayloadTooLarge"),
            "{size}: {answer}"
        );
    }
    server.stop().await;
}

#[tokio::test]
async fn a_shutdown_lets_running_requests_finish_and_takes_no_new_ones() {
    let server = running(ServeLimits::default()).await;
    let mut idle = server.connect().await;
    idle.write_all(b"GET / HTTP/1.1\r\nhost: x\r\n\r\n").await.unwrap();
    read_answer(&mut idle, "hello").await;
    let fresh = server.connect().await;
    let mut busy = server.connect().await;
    busy.write_all(b"GET /wait HTTP/1.1\r\nhost: x\r\n\r\n").await.unwrap();
    server.waiting.acquire().await.unwrap().forget();

    server.shutdown.cancel();
    assert_eq!(read_all(&mut idle).await, "", "an idle connection is closed at once");
    assert!(!server.server.is_finished());
    assert!(TcpStream::connect(server.address).await.is_err(), "no new connection is accepted");
    server.let_go.add_permits(1);
    let answer = read_all(&mut busy).await;
    assert!(answer.ends_with("waited") && answer.contains("connection: close"), "{answer}");
    drop(fresh);
    server.server.await.unwrap();
}

#[tokio::test]
async fn a_shutdown_does_not_wait_for_ever() {
    let server =
        running(ServeLimits { shutdown_time: Duration::from_millis(50), ..ServeLimits::default() }).await;
    let mut busy = server.connect().await;
    busy.write_all(b"GET /wait HTTP/1.1\r\nhost: x\r\n\r\n").await.unwrap();
    server.waiting.acquire().await.unwrap().forget();
    server.shutdown.cancel();
    server.server.await.unwrap();
    insta::assert_snapshot!(without_its_number(&read_all(&mut busy).await));
}

/// An answer without the number of its request.
fn without_its_number(answer: &str) -> String {
    answer
        .split("\r\n")
        .filter(|line| !line.starts_with("x-request-id") && !line.starts_with("date"))
        .collect::<Vec<_>>()
        .join("\n")
}

#[tokio::test]
async fn a_client_cut_short_by_a_shutdown_receives_its_transaction_id() {
    let app = TestApp::new();
    let id = app.pending("bill-1").await;
    app.gateway.is_slow(Duration::from_secs(3600));
    let gate = || Arc::new(Semaphore::new(0));
    let limits = ServeLimits { shutdown_time: Duration::from_millis(50), ..ServeLimits::default() };
    let server = start(app.router(), limits, gate(), gate()).await;
    let mut paying = server.connect().await;
    let update =
        format!("POST /pg-service/transaction/v1/_update?transactionId={id} HTTP/1.1\r\nhost: x\r\n\r\n");
    paying.write_all(update.as_bytes()).await.unwrap();
    while app.gateway.asked() == 0 {
        tokio::task::yield_now().await;
    }
    server.stop().await;
    let answer = read_all(&mut paying).await;
    assert!(answer.starts_with("HTTP/1.1 503 ") && answer.contains("retry-after: 2\r\n"), "{answer}");
    let (_, body) = answer.split_once("\r\n\r\n").unwrap();
    let body: serde_json::Value = serde_json::from_str(body).unwrap();
    let error = &body["Errors"][0];
    assert_eq!((&error["code"], &error["params"][0]), (&"REQUEST_INTERRUPTED".into(), &id.into()));
}
