//! Helpers of commands that run jobs by hand: the operator's name, and shutdown.

use std::pin::pin;
use std::time::Duration;

use payment_domain::{AuditActor, Personal};
use payment_service::Payments;
use tokio_util::sync::CancellationToken;

use super::serve::signals::Signals;
use crate::failure::{Failure, Outcome};

/// The node name of this process in the records of runs.
pub(super) fn node() -> String {
    format!("by-hand-{}", std::process::id())
}

/// The operator: the one named on the command line, or else the user of the shell.
pub(super) fn operator(by: Option<&str>) -> Option<String> {
    let user = || ["USER", "LOGNAME"].into_iter().find_map(|name| std::env::var(name).ok());
    let name = by.map(str::to_owned).or_else(user)?;
    let name: String = name.trim().chars().filter(|char| !char.is_control()).take(128).collect();
    (!name.is_empty()).then_some(name)
}

/// The same, by a general word where neither the command line nor the shell names one.
pub(super) fn any_operator(by: Option<&str>) -> String {
    operator(by).unwrap_or_else(|| "operator".to_owned())
}

/// The operator in the audit log.
pub(super) fn actor(operator: &str) -> AuditActor {
    AuditActor::CommandLine { user: Personal::new(operator) }
}

/// Waits for `work`. The first signal cancels `stop`, after which `work` ends soon, and `told` informs the
/// user; a second signal ends the process.
///
/// # Errors
/// When signals cannot be received.
pub(super) async fn until_signalled<T>(
    work: impl Future<Output = T>,
    stop: &CancellationToken,
    told: impl FnOnce(&str),
) -> Outcome<T> {
    let mut signals = Signals::listen()?;
    let mut work = pin!(work);
    tokio::select! {
        biased;
        done = &mut work => Ok(done),
        _ = signals.next() => {
            told("Stopping: what has begun is finished. Ctrl-C again stops at once.");
            stop.cancel();
            signals.exit_at_the_next();
            Ok(work.await)
        }
    }
}

/// Waits for tasks that outlive their answers, usually receipts. The service resumes the rest.
pub(super) async fn settle_down(payments: &Payments, limit: Duration) {
    let tasks = &payments.ports.tasks;
    tasks.close();
    let _cut_off = tokio::time::timeout(limit, tasks.wait()).await;
}

pub(super) fn unnamed_operator() -> Failure {
    Failure::new("the case records the person who resolves it, and none is named")
        .try_this("say who you are: --by NAME")
}
