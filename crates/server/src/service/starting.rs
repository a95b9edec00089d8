//! Before the database is open: waiting for it, and the answers meanwhile.

use std::time::Duration;

use payment_http::{ServeLimits, serve, starting_router};
use tokio::net::TcpListener;
use tokio::task::JoinSet;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::database::{self, Opened};
use crate::config::{Config, Database};
use crate::failure::{Failure, Outcome};

/// The pause between two attempts.
const PAUSE: Duration = Duration::from_secs(1);
/// The interval of log lines about the wait.
const REPORT_INTERVAL: Duration = Duration::from_secs(30);
/// How long opening may take before requests that come meanwhile are answered: usually they can be kept until the
/// service has started.
const UNANSWERED: Duration = Duration::from_secs(5);
/// The most connections to either port meanwhile.
const CONNECTIONS: usize = 64;

/// Opens the database, and waits for one that is unavailable. Meanwhile requests to the listeners are
/// answered: the service lives and cannot work yet.
///
/// # Errors
/// When it cannot be used, or is unavailable for longer than the configuration allows.
pub(super) async fn open(config: &Config, listeners: [Option<&TcpListener>; 2]) -> Outcome<Opened> {
    let unavailable = CancellationToken::new();
    let opening = waiting_for(
        config,
        || database::open(config),
        |database, failure, waited| {
            unavailable.cancel();
            tracing::warn!(
                database,
                waited_seconds = waited.as_secs(),
                error = failure.cause(),
                "the start waits for the database"
            );
        },
    );
    let mut opening = std::pin::pin!(opening);
    tokio::select! {
        opened = &mut opening => return opened,
        () = unavailable.cancelled() => {}
        () = tokio::time::sleep(UNANSWERED) => {}
    }
    let stop = CancellationToken::new();
    let mut serving = JoinSet::new();
    for listener in listeners.into_iter().flatten() {
        let router = starting_router(&config.server.context_path);
        let limits = ServeLimits {
            connections: CONNECTIONS,
            shutdown_time: Duration::from_millis(100),
            ..config.serve_limits.clone()
        };
        serving.spawn(serve(duplicate(listener)?, router, limits, stop.clone()));
    }
    let opened = opening.await;
    stop.cancel();
    while serving.join_next().await.is_some() {}
    opened
}

/// The same address for another server, before or after this one.
fn duplicate(listener: &TcpListener) -> Outcome<TcpListener> {
    use std::os::fd::AsFd as _;
    let duplicate = || TcpListener::from_std(listener.as_fd().try_clone_to_owned()?.into());
    duplicate().map_err(|error| Failure::new("the address cannot be shared").because(&error))
}

/// Does something with the database, again and again while it is unavailable and as long as the configuration
/// allows; `tell` is called now and then, with the database for people and how long it was waited for so far.
///
/// # Errors
/// The last failure.
pub(super) async fn waiting_for<T, W: Future<Output = Outcome<T>>>(
    config: &Config,
    work: impl Fn() -> W,
    tell: impl Fn(&str, &Failure, Duration),
) -> Outcome<T> {
    let Database::Postgres { wait_at_start, shown_url, .. } = &config.database else { return work().await };
    let began = Instant::now();
    let mut next_report = began;
    loop {
        let failure = match work().await {
            Err(failure) if failure.may_pass() => failure,
            done => return done,
        };
        let waited = began.elapsed();
        if waited + PAUSE > *wait_at_start {
            return Err(failure);
        }
        if Instant::now() >= next_report {
            tell(shown_url, &failure, waited);
            next_report = Instant::now() + REPORT_INTERVAL;
        }
        tokio::time::sleep(PAUSE).await;
    }
}
