//! The HTTP server: connections within limits, graceful shutdown.

mod connection;
mod refusal;
#[cfg(test)]
mod tests;

use std::io;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::graceful::GracefulShutdown;
use rustix::net::sockopt;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;
use tower::Service;

use crate::caller::Peer;
use crate::limits::ServeLimits;
use crate::metrics::{CONNECTIONS, TURNED_AWAY};
use crate::middleware::ShutdownDeadline;
use connection::{Guarded, Phase};

/// Concurrent refusals of connections; further connections are closed without an answer.
const TOLD_AT_ONCE: usize = 128;
/// The pause after a failed `accept`, usually for want of file descriptors.
const ACCEPT_PAUSE: Duration = Duration::from_millis(250);
/// hyper's minimum.
const SMALLEST_BUFFER: usize = 8192;
/// Socket buffer per direction, in bytes; the kernel doubles it. By default the kernel buffers megabytes for a client
/// that does not read, and reports it late.
const SOCKET_BUFFER: usize = 64 * 1024;
/// The time for writing the last answers of a shutdown.
const LAST_ANSWERS: Duration = Duration::from_secs(1);

/// Serves until `shutdown`. Then no connection is accepted, and running requests have their grace period; those still
/// running are answered 503, and all connections are closed.
pub async fn serve(listener: TcpListener, router: Router, limits: ServeLimits, shutdown: CancellationToken) {
    let server = Server::new(router, limits);
    loop {
        tokio::select! {
            biased;
            () = shutdown.cancelled() => break,
            accepted = listener.accept() => match accepted {
                Ok((stream, peer)) => server.take(stream, Peer(peer.ip().to_canonical())),
                Err(error) if concerns_one_connection(&error) => {}
                Err(error) => {
                    tracing::warn!(%error, "connections cannot be accepted");
                    tokio::time::sleep(ACCEPT_PAUSE).await;
                }
            },
        }
    }
    drop(listener);
    server.finish().await;
}

fn concerns_one_connection(error: &io::Error) -> bool {
    use io::ErrorKind::{ConnectionAborted, ConnectionRefused, ConnectionReset};
    [ConnectionRefused, ConnectionAborted, ConnectionReset].contains(&error.kind())
}

struct Server {
    router: Router,
    limits: ServeLimits,
    http: http1::Builder,
    open: Arc<Semaphore>,
    told: Arc<Semaphore>,
    graceful: GracefulShutdown,
    deadline: ShutdownDeadline,
    cut: CancellationToken,
}

impl Server {
    fn new(router: Router, limits: ServeLimits) -> Server {
        let mut http = http1::Builder::new();
        http.timer(TokioTimer::new())
            .header_read_timeout(limits.idle_time)
            .max_header_size(limits.header_bytes)
            .max_buf_size(limits.header_bytes.saturating_mul(2).max(SMALLEST_BUFFER));
        Server {
            http,
            open: Arc::new(Semaphore::new(limits.connections)),
            told: Arc::new(Semaphore::new(TOLD_AT_ONCE)),
            graceful: GracefulShutdown::new(),
            deadline: ShutdownDeadline(CancellationToken::new()),
            cut: CancellationToken::new(),
            router,
            limits,
        }
    }

    fn take(&self, stream: TcpStream, peer: Peer) {
        let Ok(permit) = self.open.clone().try_acquire_owned() else {
            return self.turn_away(stream);
        };
        // An answer is written in one piece.
        let _ = stream.set_nodelay(true);
        // A failure only costs memory.
        let _ = sockopt::set_socket_send_buffer_size(&stream, SOCKET_BUFFER);
        let _ = sockopt::set_socket_recv_buffer_size(&stream, SOCKET_BUFFER);
        let phase = Arc::new(Phase::default());
        let guarded = Guarded::new(stream, phase.clone(), &self.limits);
        let router = self.router.clone();
        let deadline = self.deadline.clone();
        let service = service_fn(move |mut request: hyper::Request<hyper::body::Incoming>| {
            phase.busy();
            request.extensions_mut().insert(deadline.clone());
            request.extensions_mut().insert(peer);
            let phase = phase.clone();
            let answer = router.clone().call(request.map(Body::new));
            async move {
                let answer = answer.await;
                phase.idle();
                answer
            }
        });
        let connection = self.graceful.watch(self.http.serve_connection(TokioIo::new(guarded), service));
        let cut = self.cut.clone();
        tokio::spawn(async move {
            metrics::gauge!(CONNECTIONS).increment(1);
            tokio::select! {
                ended = pin!(connection) => if let Err(error) = ended {
                    tracing::debug!(target: "http", %error, "a connection broke off");
                },
                () = cut.cancelled() => {}
            }
            metrics::gauge!(CONNECTIONS).decrement(1);
            drop(permit);
        });
    }

    fn turn_away(&self, stream: TcpStream) {
        metrics::counter!(TURNED_AWAY).increment(1);
        if let Ok(permit) = self.told.clone().try_acquire_owned() {
            tokio::spawn(async move {
                refusal::tell(stream, refusal::TOO_MANY_CONNECTIONS).await;
                drop(permit);
            });
        }
    }

    async fn finish(self) {
        let unfinished = self.graceful.count();
        let mut shutdown = pin!(self.graceful.shutdown());
        if tokio::time::timeout(self.limits.shutdown_time, &mut shutdown).await.is_err() {
            tracing::warn!(unfinished, "some requests did not finish in time and are answered 503");
            self.deadline.0.cancel();
            if tokio::time::timeout(LAST_ANSWERS, shutdown).await.is_err() {
                tracing::warn!("some clients do not read their last answer and are cut off");
            }
        }
        self.cut.cancel();
    }
}
