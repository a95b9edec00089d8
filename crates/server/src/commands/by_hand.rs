//! What is common to commands that do by hand what the service does by itself: who acts, and how
//! they come to an end.

use std::pin::pin;
use std::time::Duration;

use payment_service::Payments;
use tokio_util::sync::CancellationToken;

use super::serve::signals::Signals;
use crate::failure::{Failure, Outcome};

/// Under which name the book of jobs knows this process.
pub(super) fn node() -> String {
    format!("by-hand-{}", std::process::id())
}

/// Who acts: who the command line says, or else the user of this shell.
pub(super) fn operator(by: Option<&str>) -> Option<String> {
    let user = || ["USER", "LOGNAME"].into_iter().find_map(|name| std::env::var(name).ok());
    let name = by.map(str::to_owned).or_else(user)?;
    let name: String = name.trim().chars().filter(|char| !char.is_control()).take(128).collect();
    (!name.is_empty()).then_some(name)
}

/// Waits for `work`, which ends soon after `stop`. The first signal asks it to, the second ends the
/// process; `told` tells whoever waits.
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

/// Waits for what was begun and goes on behind its answer: receipts, as a rule. What is cut off is
/// taken up by the service.
pub(super) async fn settle_down(payments: &Payments, limit: Duration) {
    let tasks = &payments.ports.tasks;
    tasks.close();
    let _cut_off = tokio::time::timeout(limit, tasks.wait()).await;
}

/// Nobody says who they are.
pub(super) fn nobody() -> Failure {
    Failure::new("who resolves a case is kept with it, and nobody is named")
        .try_this("say who you are: --by NAME")
}
