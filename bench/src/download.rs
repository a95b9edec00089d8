//! Downloads from the console: answers that are read as they come.

use std::time::{Duration, Instant};

use anyhow::{Result, bail, ensure};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::console::{Browser, CONSOLE};
use crate::service::Service;

/// A file that came whole.
pub(crate) struct Downloaded {
    pub(crate) bytes: u64,
    pub(crate) lines: u64,
    pub(crate) first_byte: Duration,
    pub(crate) took: Duration,
}

impl Browser {
    /// Downloads a list, which must come whole.
    pub(crate) async fn download(&self, service: &Service, list: &str, format: &str) -> Result<Downloaded> {
        let body = format!("form_token={}&format={format}", self.token);
        let request = format!(
            "POST {CONSOLE}/export/{list} HTTP/1.1\r\nHost: 127.0.0.1\r\nSec-Fetch-Site: same-origin\r\n\
             Cookie: {}\r\nContent-Type: application/x-www-form-urlencoded\r\nConnection: close\r\n\
             Content-Length: {}\r\n\r\n{body}",
            self.cookie,
            body.len()
        );
        let began = Instant::now();
        let mut stream = TcpStream::connect(&service.address).await?;
        stream.write_all(request.as_bytes()).await?;
        let mut buffer = vec![0; 256 * 1024];
        let mut filled = 0;
        let rest = loop {
            let read = stream.read(&mut buffer[filled..]).await?;
            ensure!(read > 0, "the answer has no head");
            filled += read;
            if let Some(end) = find(&buffer[..filled], b"\r\n\r\n") {
                let head = String::from_utf8_lossy(&buffer[..end]).into_owned();
                if !head.starts_with("HTTP/1.1 200") {
                    bail!("{head}");
                }
                break end + 4;
            }
        };
        let first_byte = began.elapsed();
        let mut chunks = Chunks::default();
        chunks.take(&buffer[rest..filled]);
        loop {
            match stream.read(&mut buffer).await? {
                0 => break,
                read => chunks.take(&buffer[..read]),
            }
        }
        ensure!(chunks.state == State::Over, "the file was cut off after {} bytes", chunks.bytes);
        Ok(Downloaded { bytes: chunks.bytes, lines: chunks.lines, first_byte, took: began.elapsed() })
    }
}

fn find(bytes: &[u8], wanted: &[u8]) -> Option<usize> {
    bytes.windows(wanted.len()).position(|window| window == wanted)
}

/// The chunks of an answer.
#[derive(Default)]
struct Chunks {
    state: State,
    /// Of the content.
    bytes: u64,
    lines: u64,
    /// The size of the chunk, or what is left of it.
    size: usize,
}

#[derive(Default, Clone, Copy, PartialEq, Eq)]
enum State {
    #[default]
    Size,
    Content,
    /// The line break behind a chunk.
    Break,
    /// The last chunk has come.
    Over,
}

impl Chunks {
    fn take(&mut self, mut bytes: &[u8]) {
        while let Some((first, rest)) = bytes.split_first() {
            match self.state {
                State::Size => {
                    match first {
                        b'\n' if self.size == 0 => self.state = State::Over,
                        b'\n' => self.state = State::Content,
                        digit => {
                            if let Some(digit) = char::from(*digit).to_digit(16) {
                                self.size = self.size * 16 + digit as usize;
                            }
                        }
                    }
                    bytes = rest;
                }
                State::Content => {
                    let here = self.size.min(bytes.len());
                    let (content, rest) = bytes.split_at(here);
                    self.bytes += content.len() as u64;
                    self.lines += content.iter().filter(|byte| **byte == b'\n').count() as u64;
                    self.size -= here;
                    if self.size == 0 {
                        self.state = State::Break;
                    }
                    bytes = rest;
                }
                State::Break => {
                    if *first == b'\n' {
                        self.state = State::Size;
                    }
                    bytes = rest;
                }
                State::Over => return,
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn chunks_are_read_across_the_pieces_in_which_they_come() {
        let sent = b"4\r\na\nbc\r\n1A\r\nabcdefghijklmnopqrstuvwxy\n\r\n0\r\n\r\n";
        for size in 1..sent.len() {
            let mut chunks = Chunks::default();
            sent.chunks(size).for_each(|piece| chunks.take(piece));
            assert_eq!((chunks.bytes, chunks.lines), (30, 2), "{size}");
            assert!(chunks.state == State::Over);
        }
        let mut cut = Chunks::default();
        cut.take(&sent[..30]);
        assert!(cut.state != State::Over);
    }
}
