//! Being told to stop: once in order, twice at once.

use tokio::signal::unix::{SignalKind, signal};

use crate::failure::{Failure, Outcome};

/// What told the process to stop.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Signal {
    Interrupt,
    Terminate,
}

impl Signal {
    pub(super) fn name(self) -> &'static str {
        match self {
            Signal::Interrupt => "SIGINT",
            Signal::Terminate => "SIGTERM",
        }
    }

    /// What a shell expects of a process that was ended by it.
    fn exit_code(self) -> i32 {
        match self {
            Signal::Interrupt => 130,
            Signal::Terminate => 143,
        }
    }
}

/// Waits for the first signal to stop.
pub(super) async fn first() -> Outcome<Signal> {
    let cannot = |error: std::io::Error| Failure::new("signals cannot be received").because(&error);
    let mut interrupt = signal(SignalKind::interrupt()).map_err(cannot)?;
    let mut terminate = signal(SignalKind::terminate()).map_err(cannot)?;
    tokio::select! {
        _ = interrupt.recv() => Ok(Signal::Interrupt),
        _ = terminate.recv() => Ok(Signal::Terminate),
    }
}

/// From now on, a signal ends the process at once. What was answered is committed; the rest is
/// taken up at the next start.
pub(super) fn exit_at_the_second() {
    tokio::spawn(async {
        if let Ok(signal) = first().await {
            tracing::warn!(signal = signal.name(), "stopped at once");
            std::process::exit(signal.exit_code());
        }
    });
}
