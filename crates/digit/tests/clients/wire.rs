//! Answers that no proper server sends.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use payment_digit::clients::Limits;
use payment_digit::{Bills, Collections, Links};
use serde_json::Value;

use crate::world::{Clients, ErrorKind, World, bill, info, kind_of, patient, payment, tenant};

/// A server that sends the same bytes to every client, and closes.
pub(crate) struct RawServer {
    url: String,
    connections: Arc<AtomicUsize>,
}

impl RawServer {
    pub(crate) fn new(answer: Vec<u8>) -> RawServer {
        let listener = TcpListener::bind(SocketAddr::from(([127, 0, 0, 1], 0))).unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let connections = Arc::new(AtomicUsize::new(0));
        let counted = connections.clone();
        // Ends with the test's process.
        std::thread::spawn(move || {
            for connection in listener.incoming() {
                let mut connection = connection.unwrap();
                counted.fetch_add(1, Ordering::SeqCst);
                read_request(&mut connection);
                // A caller that has read enough disconnects.
                let _ = connection.write_all(&answer);
            }
        });
        RawServer { url, connections }
    }

    pub(crate) fn json(body: &Value) -> RawServer {
        let body = body.to_string();
        RawServer::new(
            format!(
                "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{body}",
                body.len()
            )
            .into_bytes(),
        )
    }

    pub(crate) fn url(&self) -> &str {
        &self.url
    }
}

/// Reads a request to its end, so that closing does not discard the answer.
fn read_request(connection: &mut impl Read) {
    let mut request = Vec::new();
    let mut buffer = [0; 4096];
    loop {
        let text = String::from_utf8_lossy(&request).to_lowercase();
        if let Some((head, body)) = text.split_once("\r\n\r\n") {
            let length = head.lines().find_map(|line| line.strip_prefix("content-length: "));
            if length.is_none_or(|length| body.len() >= length.trim().parse::<usize>().unwrap()) {
                return;
            }
        }
        match connection.read(&mut buffer) {
            Ok(0) | Err(_) => return,
            Ok(count) => request.extend_from_slice(&buffer[..count]),
        }
    }
}

async fn asked(server: &RawServer, limits: Limits) -> Result<Option<String>, ErrorKind> {
    let clients = Clients::at(server.url(), limits, &World::new().await.clock);
    clients.bills.business_service(&info(), &tenant(), &bill("B1")).await.map_err(kind_of)
}

#[tokio::test]
async fn a_redirect_is_not_followed() {
    let elsewhere = World::new().await;
    let answer = format!(
        "HTTP/1.1 307 Temporary Redirect\r\nLocation: {}/collection-services/payments/_create\r\nContent-Length: \
         0\r\nConnection: close\r\n\r\n",
        elsewhere.digit.url()
    );
    let server = RawServer::new(answer.into_bytes());
    let clients = Clients::at(server.url(), patient(), &elsewhere.clock);
    let created = clients.collections.create(&info(), &payment(Some("T1"), &[("B1", "10")])).await;
    assert_eq!(created.map_err(kind_of), Err(ErrorKind::Unanswered));
    assert!(elsewhere.digit.payments().is_empty());
    assert_eq!(server.connections.load(Ordering::SeqCst), 1);
}

#[tokio::test]
async fn an_answer_over_the_limit_is_not_read() {
    let mut answer = b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n{\"Bill\":[],\"x\":\"".to_vec();
    answer.extend(vec![b'x'; 100_000]);
    answer.extend(b"\"}");
    let server = RawServer::new(answer);
    assert_eq!(asked(&server, patient()).await, Ok(None));
    let small = Limits { max_body_bytes: 10_000, ..patient() };
    assert_eq!(asked(&server, small).await, Err(ErrorKind::Unanswered));
}

#[tokio::test]
async fn an_answer_that_breaks_off_is_no_answer() {
    let whole = r#"{"Bill":[]}"#;
    for answer in [
        format!("HTTP/1.1 200 OK\r\nContent-Length: 500\r\n\r\n{whole}"),
        "HTTP/1.1 200 OK\r\nContent-".to_owned(),
        "not HTTP at all".to_owned(),
        "HTTP/1.1 204 No Content\r\nConnection: close\r\n\r\n".to_owned(),
        format!("HTTP/1.1 200 OK\r\nContent-Length: 2000\r\nConnection: close\r\n\r\n{}", "[".repeat(2_000)),
    ] {
        let server = RawServer::new(answer.clone().into_bytes());
        assert_eq!(asked(&server, patient()).await, Err(ErrorKind::Unanswered), "{answer}");
    }
}

#[tokio::test]
async fn an_invalid_short_link_is_not_sent() {
    let body = "javascript:alert(1)";
    let answer =
        format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{body}", body.len());
    let server = RawServer::new(answer.into_bytes());
    let clients = Clients::at(server.url(), patient(), &World::new().await.clock);
    assert_eq!(
        clients.links.shorten("https://long.example").await.map_err(kind_of),
        Err(ErrorKind::Unanswered)
    );
}
