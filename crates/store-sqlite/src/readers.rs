//! The threads that read, each with a connection of its own, all fed from one queue.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::thread::JoinHandle;
use std::time::Duration;

use crossbeam_channel::{Receiver, Sender, bounded};
use rusqlite::Connection;
use tokio::sync::oneshot;

use crate::connection;
use crate::failure::Failure;

type Question = Box<dyn FnOnce(&Connection) + Send>;

/// The reading threads and their queue.
pub(crate) struct Readers {
    queue: Option<Sender<Question>>,
    threads: Vec<JoinHandle<()>>,
}

impl Readers {
    /// Starts `count` threads, at least one. At most `queued` queries wait.
    pub(crate) fn start(
        path: &Path,
        count: usize,
        queued: usize,
        busy_timeout: Duration,
    ) -> Result<Readers, Failure> {
        let (queue, questions) = bounded::<Question>(queued.max(1));
        let mut readers = Readers { queue: Some(queue), threads: Vec::with_capacity(count) };
        for nth in 1..=count.max(1) {
            let conn = connection::reading(path, busy_timeout)?;
            let questions = questions.clone();
            let thread = std::thread::Builder::new()
                .name(format!("sqlite-reader-{nth}"))
                .spawn(move || serve(&conn, &questions))
                .map_err(Failure::Thread)?;
            readers.threads.push(thread);
        }
        Ok(readers)
    }

    /// Answers a query from the committed state of the database. A query whose caller has gone is
    /// dropped.
    pub(crate) async fn read<T, Q>(&self, question: Q) -> Result<T, Failure>
    where
        T: Send + 'static,
        Q: FnOnce(&Connection) -> Result<T, Failure> + Send + 'static,
    {
        let (reply, answer) = oneshot::channel();
        let queue = self.queue.as_ref().ok_or(Failure::Stopped)?;
        let question: Question = Box::new(move |conn| {
            if reply.is_closed() {
                return;
            }
            let found = catch_unwind(AssertUnwindSafe(|| question(conn))).unwrap_or(Err(Failure::Panicked));
            let _ = reply.send(found);
        });
        queue
            .try_send(question)
            .map_err(|refused| if refused.is_full() { Failure::Overloaded } else { Failure::Stopped })?;
        answer.await.map_err(|_| Failure::Stopped)?
    }
}

impl Drop for Readers {
    fn drop(&mut self) {
        self.queue = None;
        for thread in self.threads.drain(..) {
            if thread.join().is_err() {
                tracing::error!("a database reader ended in a panic");
            }
        }
    }
}

fn serve(conn: &Connection, questions: &Receiver<Question>) {
    for question in questions {
        question(conn);
    }
}
