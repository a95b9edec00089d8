//! Signals: the first starts a graceful shutdown, the second ends the process.

use tokio::signal::unix::{self, SignalKind, signal};

use crate::failure::{Failure, Outcome};

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

    /// The exit code that shells expect after the signal.
    fn exit_code(self) -> i32 {
        match self {
            Signal::Interrupt => 130,
            Signal::Terminate => 143,
        }
    }
}

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

    pub(in crate::commands) async fn next(&mut self) -> Signal {
        tokio::select! {
            _ = self.interrupt.recv() => Signal::Interrupt,
            _ = self.terminate.recv() => Signal::Terminate,
        }
    }

    /// From now on a signal ends the process at once. Every answer is committed; the next start resumes the
    /// rest.
    pub(in crate::commands) fn exit_at_the_next(mut self) {
        tokio::spawn(async move {
            let signal = self.next().await;
            tracing::warn!(signal = signal.name(), "stopped at once");
            std::process::exit(signal.exit_code());
        });
    }
}
