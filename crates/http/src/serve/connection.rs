//! A connection with time limits for a request's head and for the reader of an answer, on which refusals by hyper
//! get a body.

use std::io::{self, IoSlice};
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::Sleep;

use crate::limits::{SLOWEST_READER, ServeLimits};

use super::refusal::{LINGER_BYTES, LINGER_TIME, Refusal};

/// The phase of a connection. The service reports when a request's head is complete and when it is answered; the first
/// byte after that begins the next head. A new connection is in its first head.
#[derive(Debug)]
pub(super) struct Phase(AtomicU8);

impl Default for Phase {
    fn default() -> Phase {
        Phase(AtomicU8::new(HEAD))
    }
}

const IDLE: u8 = 0;
const HEAD: u8 = 1;
const BUSY: u8 = 2;

impl Phase {
    pub(super) fn busy(&self) {
        self.0.store(BUSY, Ordering::Relaxed);
    }

    pub(super) fn idle(&self) {
        self.0.store(IDLE, Ordering::Relaxed);
    }

    fn bytes_came(&self) {
        let _ = self.0.compare_exchange(IDLE, HEAD, Ordering::Relaxed, Ordering::Relaxed);
    }

    fn in_head(&self) -> bool {
        self.0.load(Ordering::Relaxed) == HEAD
    }
}

pub(super) struct Guarded<S> {
    stream: S,
    phase: Arc<Phase>,
    header_time: Duration,
    /// Set while a head is incomplete.
    head_timer: Option<Pin<Box<Sleep>>>,
    write_time: Duration,
    /// Set while the client leaves bytes unread.
    stalled: Option<Stalled>,
    /// Replaces hyper's own refusal.
    refusal: Option<Refused>,
}

/// A client that leaves bytes unread.
struct Stalled {
    /// The end of the period in which the client must read its minimum.
    timer: Pin<Box<Sleep>>,
    /// Bytes read in this period.
    taken: usize,
}

struct Refused {
    response: Vec<u8>,
    written: usize,
    lingered: usize,
    linger_timer: Pin<Box<Sleep>>,
}

impl<S> Guarded<S> {
    pub(super) fn new(stream: S, phase: Arc<Phase>, limits: &ServeLimits) -> Guarded<S> {
        Guarded {
            stream,
            phase,
            header_time: limits.header_time,
            head_timer: None,
            write_time: limits.write_time,
            stalled: None,
            refusal: None,
        }
    }

    /// Passes the result of a write on, unless the client reads too slowly.
    fn progress(
        &mut self,
        cx: &mut Context<'_>,
        written: Poll<io::Result<usize>>,
    ) -> Poll<io::Result<usize>> {
        match (&written, &mut self.stalled) {
            (Poll::Ready(Ok(bytes)), Some(stalled)) => stalled.taken = stalled.taken.saturating_add(*bytes),
            (Poll::Ready(_), _) => {}
            (Poll::Pending, stalled) => {
                let stalled = stalled.get_or_insert_with(|| Stalled {
                    timer: Box::pin(tokio::time::sleep(self.write_time)),
                    taken: 0,
                });
                while stalled.timer.as_mut().poll(cx).is_ready() {
                    if stalled.taken < least_taken_in(self.write_time) {
                        return Poll::Ready(Err(io::ErrorKind::TimedOut.into()));
                    }
                    stalled.taken = 0;
                    stalled.timer.as_mut().reset(tokio::time::Instant::now() + self.write_time);
                }
            }
        }
        written
    }
}

fn least_taken_in(time: Duration) -> usize {
    let millis = usize::try_from(time.as_millis()).unwrap_or(usize::MAX);
    (millis.saturating_mul(SLOWEST_READER) / 1000).max(1)
}

impl<S: AsyncRead + Unpin> AsyncRead for Guarded<S> {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        let before = buf.filled().len();
        let read = Pin::new(&mut this.stream).poll_read(cx, buf);
        if buf.filled().len() > before {
            this.phase.bytes_came();
        }
        if !this.phase.in_head() {
            this.head_timer = None;
        } else if read.is_pending() {
            let header_time = this.header_time;
            let timer = this.head_timer.get_or_insert_with(|| Box::pin(tokio::time::sleep(header_time)));
            if timer.as_mut().poll(cx).is_ready() {
                return Poll::Ready(Err(io::ErrorKind::TimedOut.into()));
            }
        }
        read
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> Guarded<S> {
    /// Replaces a refusal by hyper with ours; `false` for other bytes.
    fn replaces(&mut self, bytes: &[u8]) -> bool {
        let Some(refusal) = Refusal::by_hyper(bytes) else { return false };
        self.refusal = Some(Refused {
            response: refusal.response(),
            written: 0,
            lingered: 0,
            linger_timer: Box::pin(tokio::time::sleep(LINGER_TIME)),
        });
        true
    }

    fn poll_refuse(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let Some(refused) = &mut self.refusal else { return Poll::Ready(Ok(())) };
        while let Some(rest) = refused.response.get(refused.written..).filter(|rest| !rest.is_empty()) {
            let written = Pin::new(&mut self.stream).poll_write(cx, rest);
            if written.is_pending() && refused.linger_timer.as_mut().poll(cx).is_ready() {
                return Poll::Ready(Err(io::ErrorKind::TimedOut.into()));
            }
            match ready!(written)? {
                0 => return Poll::Ready(Err(io::ErrorKind::WriteZero.into())),
                written => refused.written += written,
            }
        }
        Poll::Ready(Ok(()))
    }

    /// Reads the rest of a refused client's request, so that the client receives our answer.
    fn poll_linger(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        let Some(refused) = &mut self.refusal else { return Poll::Ready(()) };
        let mut scratch = [0; 4096];
        while refused.lingered < LINGER_BYTES && refused.linger_timer.as_mut().poll(cx).is_pending() {
            let mut buf = ReadBuf::new(&mut scratch);
            match ready!(Pin::new(&mut self.stream).poll_read(cx, &mut buf)) {
                Ok(()) if !buf.filled().is_empty() => refused.lingered += buf.filled().len(),
                Ok(()) | Err(_) => break,
            }
        }
        Poll::Ready(())
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> AsyncWrite for Guarded<S> {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        ready!(this.poll_refuse(cx))?;
        if this.replaces(bytes) {
            return Poll::Ready(Ok(bytes.len()));
        }
        let written = Pin::new(&mut this.stream).poll_write(cx, bytes);
        this.progress(cx, written)
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        ready!(this.poll_refuse(cx))?;
        if let [only] = slices
            && this.replaces(only)
        {
            return Poll::Ready(Ok(only.len()));
        }
        let written = Pin::new(&mut this.stream).poll_write_vectored(cx, slices);
        this.progress(cx, written)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        ready!(this.poll_refuse(cx))?;
        this.stalled = None;
        Pin::new(&mut this.stream).poll_flush(cx)
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        ready!(this.poll_refuse(cx))?;
        ready!(Pin::new(&mut this.stream).poll_shutdown(cx))?;
        ready!(this.poll_linger(cx));
        Poll::Ready(Ok(()))
    }
}
