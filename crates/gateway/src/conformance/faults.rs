//! Servers with the faults that networks have.

use std::io::ErrorKind;
use std::time::Duration;

use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;

/// A fault of a server.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Fault {
    /// No listener.
    Refused,
    /// The request is read and never answered.
    Hangs,
    /// The request is read and the connection closed.
    Cut,
    /// HTTP status 500.
    Http500,
    /// HTTP status 200 with a body that means nothing.
    Garbage(&'static [u8]),
    /// HTTP status 200 with a body without end.
    TooLong,
}

/// A server with a fault, until it is dropped.
pub(super) struct Faulty {
    /// Where it is, without a slash at the end.
    pub(super) base_url: String,
    /// How long to wait for it: where an answer comes, long enough for a busy machine.
    pub(super) timeout: Duration,
    serving: Option<JoinHandle<()>>,
}

impl Drop for Faulty {
    fn drop(&mut self) {
        if let Some(serving) = &self.serving {
            serving.abort();
        }
    }
}

/// More than any adapter reads.
const TOO_LONG_BYTES: usize = 8 * 1024 * 1024;

impl Fault {
    pub(super) const ALL: [Fault; 10] = [
        Fault::Refused,
        Fault::Hangs,
        Fault::Cut,
        Fault::Http500,
        Fault::Garbage(b""),
        Fault::Garbage(b"<html>Service temporarily unavailable</html>"),
        Fault::Garbage(b"\xff\x00\x80"),
        Fault::Garbage(b"{"),
        Fault::Garbage(b"null"),
        Fault::TooLong,
    ];

    pub(super) async fn serve(self) -> Faulty {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let base_url = format!("http://{}", listener.local_addr().unwrap());
        if self == Fault::Refused {
            // The port was free a moment ago, and was not assigned since.
            drop(listener);
            return Faulty { base_url, timeout: self.timeout(), serving: None };
        }
        let serving = tokio::spawn(async move {
            let mut open = Vec::new();
            while let Ok((stream, _)) = listener.accept().await {
                open.push(AbortOnDrop(tokio::spawn(async move { self.treat(stream).await })));
            }
        });
        Faulty { base_url, timeout: self.timeout(), serving: Some(serving) }
    }

    fn timeout(self) -> Duration {
        match self {
            Fault::Hangs => Duration::from_secs(1),
            Fault::Refused | Fault::Cut | Fault::Http500 | Fault::Garbage(_) | Fault::TooLong => {
                Duration::from_secs(20)
            }
        }
    }

    async fn treat(self, stream: TcpStream) {
        read_request(&stream).await;
        match self {
            Fault::Refused | Fault::Cut => {}
            Fault::Hangs => std::future::pending().await,
            Fault::Http500 => answer(&stream, "500 Internal Server Error", b"oops").await,
            Fault::Garbage(body) => answer(&stream, "200 OK", body).await,
            Fault::TooLong => answer(&stream, "200 OK", &vec![b'a'; TOO_LONG_BYTES]).await,
        }
    }
}

struct AbortOnDrop(JoinHandle<()>);

impl Drop for AbortOnDrop {
    fn drop(&mut self) {
        self.0.abort();
    }
}

/// Reads one whole request: a connection that is closed with bytes unread is reset, and the answer lost.
async fn read_request(stream: &TcpStream) {
    let mut request = Vec::new();
    let mut chunk = [0; 16 * 1024];
    while stream.readable().await.is_ok() {
        match stream.try_read(&mut chunk) {
            Ok(0) => return,
            Ok(read) => request.extend_from_slice(&chunk[..read]),
            Err(error) if error.kind() == ErrorKind::WouldBlock => continue,
            Err(_) => return,
        }
        let head_end = request.windows(4).position(|window| window == b"\r\n\r\n");
        if head_end.is_some_and(|end| request.len() >= end + 4 + content_length(&request[..end])) {
            return;
        }
    }
}

fn content_length(head: &[u8]) -> usize {
    let head = String::from_utf8_lossy(head).to_ascii_lowercase();
    let value = head.lines().find_map(|line| line.strip_prefix("content-length:"));
    value.and_then(|value| value.trim().parse().ok()).unwrap_or(0)
}

async fn answer(stream: &TcpStream, status: &str, body: &[u8]) {
    let length = body.len();
    let head = format!(
        "HTTP/1.1 {status}\r\ncontent-type: application/json\r\ncontent-length: {length}\r\nconnection: close\r\n\r\n"
    );
    for part in [head.as_bytes(), body] {
        let mut rest = part;
        while !rest.is_empty() {
            if stream.writable().await.is_err() {
                return;
            }
            match stream.try_write(rest) {
                Ok(written) => rest = &rest[written..],
                Err(error) if error.kind() == ErrorKind::WouldBlock => {}
                Err(_) => return,
            }
        }
    }
}
