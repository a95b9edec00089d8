//! A server's process: started so that it cannot outlive the test, stopped by signals.

use std::io;
use std::process::{Child, Command, ExitStatus};
use std::sync::OnceLock;
use std::sync::mpsc::{self, Sender};
use std::thread;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};

/// How often a process is asked whether it has come or gone.
pub(crate) const POLL_INTERVAL: Duration = Duration::from_millis(10);

/// How long a process may take to end.
const SHUTDOWN_TIMEOUT: Duration = Duration::from_secs(10);

/// A running process. Ended and reaped when dropped.
#[derive(Debug)]
pub(crate) struct Server {
    child: Child,
    /// What ends it when it is dropped.
    stop_signal: Signal,
}

impl Server {
    /// Starts the command. When dropped it gets the signal `stop_signal`, and is killed if that does not
    /// end it.
    ///
    /// Linux sends a death signal when the *thread* that started the process ends, and a test's thread
    /// ends before its process does. So one thread, which lives as long as we do, starts them all.
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

    /// How it ended, if it has.
    pub(crate) fn ended(&mut self) -> Option<ExitStatus> {
        self.child.try_wait().expect("a child can be waited for")
    }

    /// Sends it a signal; nothing happens if it has ended.
    pub(crate) fn signal(&mut self, signal: Signal) {
        if self.ended().is_some() {
            return;
        }
        let pid = Pid::from_child(&self.child);
        kill_process(pid, signal).expect("a child of ours takes our signals");
    }

    /// Sends a signal that ends it, and waits until it has ended.
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

/// Runs what blocks beside the test's own tasks.
pub(crate) async fn beside<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> T {
    match tokio::task::spawn_blocking(work).await {
        Ok(value) => value,
        Err(error) => match error.try_into_panic() {
            Ok(panic) => std::panic::resume_unwind(panic),
            Err(error) => panic!("the runtime is shutting down: {error}"),
        },
    }
}
