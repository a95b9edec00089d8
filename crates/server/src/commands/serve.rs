//! `serve`: runs the service until a signal.

mod banner;
pub(super) mod logging;
pub(super) mod signals;

use std::process::ExitCode;

use payment_http::Metrics;

use self::signals::Signals;
use crate::config::{Loaded, LogFormat, Notice, NoticeKind, Reachable};
use crate::failure::{Failure, Outcome};
use crate::service::{self, Running};
use crate::traces::Recording;

pub(super) fn run(loaded: Loaded) -> Outcome<ExitCode> {
    let notices = loaded.notices.clone();
    let config = loaded.into_config().map_err(|problems| super::refused(&problems))?;
    let traces = config.traces.clone().map(|export| Recording::begin(export, &config.jobs.node_name));
    logging::start(&config.log, traces.as_ref().map(|traces| traces.tracer.clone()))?;
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(config.server.worker_threads)
        .enable_all()
        .build()
        .map_err(|error| Failure::new("no threads can be started").because(&error))?;
    runtime.block_on(async {
        let mut signals = Signals::listen()?;
        let for_people = config.log.format == LogFormat::Human;
        let sandbox = config.sandbox.active;
        let reachable = config.reachable();
        let docs = config.server.pages.docs;
        let listener = service::listen(&config.server).await?;
        let metrics =
            Metrics::install().map_err(|error| Failure::new("nothing can be counted").because(&error))?;
        let exporting = traces.map(Recording::export).transpose()?;
        let mut running = tokio::select! {
            started = service::start(config, listener, metrics) => started?,
            signal = signals.next() => {
                tracing::info!(signal = signal.name(), "stopped before the start was complete");
                return Ok(ExitCode::SUCCESS);
            }
        };
        announce(&running, &reachable, &notices);
        if sandbox {
            tracing::warn!("the sandbox gateway is active: what is paid through it moves no money");
        }
        if for_people {
            banner::show(&running, sandbox, docs)?;
        }
        let outcome = until_stopped(&mut running, signals).await;
        running.stop().await;
        if let Some(exporting) = exporting {
            exporting.finish().await;
        }
        tracing::info!("stopped");
        outcome
    })
}

/// Logs the essentials of a start.
fn announce(running: &Running, reachable: &Reachable, notices: &[Notice]) {
    tracing::info!(
        version = env!("CARGO_PKG_VERSION"),
        url = running.local_url(),
        admin_url = running.admin_url(),
        public_url = running.public_url(),
        data = running.data(),
        "listening"
    );
    tracing::info!(
        redirect_through = reachable.through.as_str(),
        paths = reachable.paths.join(" "),
        "these paths have to be reachable from outside"
    );
    let worth_a_look = |notice: &&Notice| match notice.kind {
        NoticeKind::Unknown | NoticeKind::Doubtful => true,
        NoticeKind::Idle | NoticeKind::Chart => false,
    };
    for notice in notices.iter().filter(worth_a_look) {
        tracing::warn!(setting = notice.key, origin = %notice.origin, "{}", notice.text);
    }
    let idle = notices.iter().filter(|notice| notice.kind == NoticeKind::Idle).count();
    if idle > 0 {
        tracing::warn!(settings = idle, "settings without effect; `pg-service check-config` lists them");
    }
    let of_the_chart: Vec<&str> = notices
        .iter()
        .filter(|notice| notice.kind == NoticeKind::Chart)
        .map(|notice| notice.key.as_str())
        .collect();
    if !of_the_chart.is_empty() {
        let variables = of_the_chart.join(" ");
        tracing::info!(variables, "variables that DIGIT's chart sets for Java have no effect");
    }
}

async fn until_stopped(running: &mut Running, mut signals: Signals) -> Outcome<ExitCode> {
    tokio::select! {
        signal = signals.next() => {
            let signal = signal.name();
            tracing::info!(signal, "stopping: nothing new is accepted, what runs is finished; another signal stops at once");
            signals.exit_at_the_next();
            Ok(ExitCode::SUCCESS)
        }
        () = running.ended() => Err(Failure::new("the server has ended by itself").try_this("see the log for the reason")),
    }
}
