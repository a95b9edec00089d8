//! A connection that waits for ever neither for the rest of a request's head nor for a client that
//! does not read its answer, and on which even a request that hyper refuses by itself is told why.

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

/// Where a connection stands. The service says when it has a request's head and when it has
/// answered; the first byte in between begins the next head. A connection begins in its first head:
/// who opens one has something to ask.
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
    /// A request's head is complete.
    pub(super) fn busy(&self) {
        self.0.store(BUSY, Ordering::Relaxed);
    }

    /// The request is answered.
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

/// The bytes of a connection.
pub(super) struct Guarded<S> {
    stream: S,
    phase: Arc<Phase>,
    header_time: Duration,
    /// Runs while a head is incomplete.
    head_timer: Option<Pin<Box<Sleep>>>,
    write_time: Duration,
    /// Set while the client takes less than waits for it.
    stalled: Option<Stalled>,
    /// Takes the place of hyper's own refusal.
    refusal: Option<Refused>,
}

/// A client that leaves something unread.
struct Stalled {
    /// Runs until it must have taken its least.
    timer: Pin<Box<Sleep>>,
    /// The bytes it has taken since the timer was set.
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

    /// Passes on how a write went, unless the client has taken too little for too long.
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

/// The bytes that a client takes at least in that time.
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
    /// Whether these bytes are a refusal of hyper's; if so, ours is written instead.
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

    /// Reads what a refused client is still sending, so that it gets to read our answer.
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
        // Everything is written that was to be.
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
