//! Refusals below the handlers, in the error envelope.

use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::envelope::{ErrorEntry, error_json};

/// How long, and how many bytes, are read from a refused client: the kernel discards an answer when the connection is
/// closed with unread data.
pub(super) const LINGER_TIME: Duration = Duration::from_secs(1);
pub(super) const LINGER_BYTES: usize = 1024 * 1024;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Refusal {
    status: &'static str,
    code: &'static str,
    message: &'static str,
    retry_after: bool,
}

pub(super) const TOO_MANY_CONNECTIONS: Refusal = Refusal {
    status: "503 Service Unavailable",
    code: "TOO_MANY_CONNECTIONS",
    message: "The service has as many connections open as it can serve; try again",
    retry_after: true,
};

/// Requests that hyper refuses by itself with a bare status.
const BY_HYPER: [Refusal; 3] = [
    Refusal {
        status: "400 Bad Request",
        code: "BAD_REQUEST",
        message: "The request is not valid HTTP/1.1",
        retry_after: false,
    },
    Refusal {
        status: "414 URI Too Long",
        code: "UrlTooLong",
        message: "The URL is longer than allowed",
        retry_after: false,
    },
    Refusal {
        status: "431 Request Header Fields Too Large",
        code: "HeadersTooLarge",
        message: "The headers of the request are longer, or more, than allowed",
        retry_after: false,
    },
];

impl Refusal {
    /// The refusal that replaces hyper's; `None` for other bytes.
    pub(super) fn by_hyper(written: &[u8]) -> Option<Refusal> {
        let status_line = written.strip_prefix(b"HTTP/1.1 ").filter(|rest| rest.starts_with(b"4"))?;
        let head = String::from_utf8_lossy(status_line).to_ascii_lowercase();
        // Answers of handlers always have an x-request-id and a body.
        let bare = head.ends_with("\r\n\r\n")
            && head.contains("content-length: 0\r\n")
            && !head.contains("x-request-id");
        BY_HYPER.into_iter().find(|refusal| bare && status_line.starts_with(refusal.status.as_bytes()))
    }

    pub(super) fn response(self) -> Vec<u8> {
        let body = error_json(&[ErrorEntry::new(self.code, self.message)]);
        let retry_after = if self.retry_after { "retry-after: 2\r\n" } else { "" };
        let head = format!(
            "HTTP/1.1 {}\r\ncontent-type: application/json\r\ncontent-length: {}\r\n{retry_after}connection: close\r\n\r\n",
            self.status,
            body.len()
        );
        [head.into_bytes(), body].concat()
    }
}

/// Sends the refusal and closes the connection.
pub(super) async fn tell(mut stream: TcpStream, refusal: Refusal) {
    let told = async {
        stream.write_all(&refusal.response()).await?;
        stream.shutdown().await?;
        let mut rest = (&mut stream).take(LINGER_BYTES as u64);
        tokio::io::copy(&mut rest, &mut tokio::io::sink()).await
    };
    let _ = tokio::time::timeout(LINGER_TIME, told).await;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_code_is_in_the_guide_for_applications() {
        let guide = include_str!("../../../../docs/integrating.md");
        for refusal in BY_HYPER.into_iter().chain([TOO_MANY_CONNECTIONS]) {
            assert!(guide.contains(&format!("`{}`", refusal.code)), "{} is not explained", refusal.code);
        }
    }

    #[test]
    fn only_bare_refusals_are_recognised() {
        let bare =
            b"HTTP/1.1 431 Request Header Fields Too Large\r\nconnection: close\r\ncontent-length: 0\r\n\r\n";
        assert_eq!(Refusal::by_hyper(bare).unwrap().code, "HeadersTooLarge");
        for ours in [
            &b"HTTP/1.1 400 Bad Request\r\nx-request-id: 1\r\ncontent-length: 0\r\n\r\n"[..],
            b"HTTP/1.1 400 Bad Request\r\ncontent-length: 2\r\n\r\n{}",
            b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n",
            b"{\"HTTP/1.1 400 Bad Request\"}",
            b"",
        ] {
            assert_eq!(Refusal::by_hyper(ours), None);
        }
    }
}
