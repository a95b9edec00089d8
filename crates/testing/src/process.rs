//! The process of a server: ends with the test at the latest; stopped by signals.

use std::io;
use std::process::{Child, Command, ExitStatus};
use std::sync::OnceLock;
use std::sync::mpsc::{self, Sender};
use std::thread;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};

pub(crate) const POLL_INTERVAL: Duration = Duration::from_millis(10);

/// How long a process may take to end.
const SHUTDOWN_TIMEOUT: Duration = Duration::from_secs(10);

/// A running process. Ended and reaped when dropped.
#[derive(Debug)]
pub(crate) struct Server {
    child: Child,
    /// Sent when dropped.
    stop_signal: Signal,
}

impl Server {
    /// Starts the command. When dropped it gets the signal `stop_signal`, and is killed if that does not
    /// end it.
    ///
    /// Linux sends the death signal when the *thread* that started the process ends, and a test's thread
    /// ends before its process. So one thread, which lives as long as this process, starts them all.
    pub(crate) fn start(command: Command, stop_signal: Signal) -> Self {
        type Order = (Command, Sender<io::Result<Child>>);
        static STARTER: OnceLock<Sender<Order>> = OnceLock::new();
        let starter = STARTER.get_or_init(|| {
            let (orders, queue) = mpsc::channel::<Order>();
            thread::spawn(move || {
                for (mut command, answer) in queue {
                    // Its test has ended.
                    if let Err(mpsc::SendError(Ok(mut child))) = answer.send(command.spawn()) {
                        let _ = child.kill();
                    }
                }
            });
            orders
        });
        let program = command.get_program().to_owned();
        let (answer, started) = mpsc::channel();
        starter.send((command, answer)).expect("the starting thread lives as long as we do");
        match started.recv().expect("the starting thread answers") {
            Ok(child) => Self { child, stop_signal },
            Err(error) => panic!("{} cannot be started: {error}", program.to_string_lossy()),
        }
    }

    /// The exit status, once it has ended.
    pub(crate) fn ended(&mut self) -> Option<ExitStatus> {
        self.child.try_wait().expect("a child can be waited for")
    }

    /// Sends a signal; no effect after its end.
    pub(crate) fn signal(&mut self, signal: Signal) {
        if self.ended().is_some() {
            return;
        }
        let pid = Pid::from_child(&self.child);
        kill_process(pid, signal).expect("a child of ours takes our signals");
    }

    /// Sends a signal and waits for the end.
    ///
    /// # Panics
    /// When it has not ended within the limit.
    pub(crate) fn end(mut self, signal: Signal, limit: Duration) {
        self.signal(signal);
        assert!(self.ends_within(limit), "a server did not end within {limit:?} of {signal:?}");
    }

    fn ends_within(&mut self, limit: Duration) -> bool {
        let deadline = Instant::now() + limit;
        while self.ended().is_none() {
            if Instant::now() >= deadline {
                return false;
            }
            thread::sleep(POLL_INTERVAL);
        }
        true
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.signal(self.stop_signal);
        if !self.ends_within(SHUTDOWN_TIMEOUT) {
            let _ = self.child.kill();
            let _ = self.child.wait();
        }
    }
}

/// Runs blocking work outside of the test's tasks.
pub(crate) async fn beside<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> T {
    match tokio::task::spawn_blocking(work).await {
        Ok(value) => value,
        Err(error) => match error.try_into_panic() {
            Ok(panic) => std::panic::resume_unwind(panic),
            Err(error) => panic!("the runtime is shutting down: {error}"),
        },
    }
}
