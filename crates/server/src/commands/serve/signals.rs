//! Being told to stop: once in order, twice at once.

use tokio::signal::unix::{self, SignalKind, signal};

use crate::failure::{Failure, Outcome};

/// What told the process to stop.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::commands) enum Signal {
    Interrupt,
    Terminate,
}

impl Signal {
    pub(in crate::commands) fn name(self) -> &'static str {
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

/// The signals to stop, from now on.
pub(in crate::commands) struct Signals {
    interrupt: unix::Signal,
    terminate: unix::Signal,
}

impl Signals {
    pub(in crate::commands) fn listen() -> Outcome<Signals> {
        let on =
            |kind| signal(kind).map_err(|error| Failure::new("signals cannot be received").because(&error));
        Ok(Signals { interrupt: on(SignalKind::interrupt())?, terminate: on(SignalKind::terminate())? })
    }

    /// Waits for the next one.
    pub(in crate::commands) async fn next(&mut self) -> Signal {
        tokio::select! {
            _ = self.interrupt.recv() => Signal::Interrupt,
            _ = self.terminate.recv() => Signal::Terminate,
        }
    }

    /// From now on, another one ends the process at once. What was answered is committed; the rest
    /// is taken up at the next start.
    pub(in crate::commands) fn exit_at_the_next(mut self) {
        tokio::spawn(async move {
            let signal = self.next().await;
            tracing::warn!(signal = signal.name(), "stopped at once");
            std::process::exit(signal.exit_code());
        });
    }
}
