//! The writing thread. It takes all queued work, up to a limit, does it in one database transaction, and
//! answers the callers after the commit: while one group is made durable the next one gathers, so that
//! many callers share the cost of one commit.
//!
//! Work that fails never fails its neighbours: the group is then rolled back and done again with a
//! savepoint around each piece. A savepoint each time would cost every group for the sake of a rare one.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::Instant;

use crossbeam_channel::{Receiver, Sender, bounded};
use payment_store::metering;
use rusqlite::Connection;
use tokio::sync::oneshot;

use crate::failure::Failure;

/// The writing thread and its queue. Dropping it finishes the queued work.
pub(crate) struct Writer {
    queue: Option<Sender<Box<dyn Job>>>,
    thread: Option<JoinHandle<()>>,
}

impl Writer {
    /// Starts the thread on its connection. At most `queued` pieces of work wait, and at most
    /// `group` are committed together; `stamp` adds to each commit when it is made.
    pub(crate) fn start(
        conn: Connection,
        queued: usize,
        group: usize,
        stamp: impl Fn(&Connection) -> Result<(), Failure> + Send + 'static,
    ) -> Result<Writer, Failure> {
        let (queue, jobs) = bounded(queued.max(1));
        let thread = std::thread::Builder::new()
            .name("sqlite-writer".to_owned())
            .spawn(move || serve(&conn, &jobs, group.max(1), &stamp))
            .map_err(Failure::Thread)?;
        Ok(Writer { queue: Some(queue), thread: Some(thread) })
    }

    /// Does `work` and returns when it is committed. The work may be done more than once, and only the last
    /// time counts: its only effect must be its writes through the connection. Failed work is undone. Queued
    /// work is done even if its caller no longer waits.
    pub(crate) async fn write<T, W>(&self, work: W) -> Result<T, Failure>
    where
        T: Send + 'static,
        W: Fn(&Connection) -> Result<T, Failure> + Send + 'static,
    {
        self.queue(work, false).await
    }

    /// The same in a transaction of its own: for work whose failure may end the transaction.
    pub(crate) async fn write_alone<T, W>(&self, work: W) -> Result<T, Failure>
    where
        T: Send + 'static,
        W: Fn(&Connection) -> Result<T, Failure> + Send + 'static,
    {
        self.queue(work, true).await
    }

    async fn queue<T, W>(&self, work: W, alone: bool) -> Result<T, Failure>
    where
        T: Send + 'static,
        W: Fn(&Connection) -> Result<T, Failure> + Send + 'static,
    {
        let (reply, answer) = oneshot::channel();
        let queue = self.queue.as_ref().ok_or(Failure::Stopped)?;
        queue
            .try_send(Box::new(Task { work, alone, queued_at: Instant::now(), result: None, reply }))
            .map_err(|refused| if refused.is_full() { Failure::Overloaded } else { Failure::Stopped })?;
        let (result, _work) = answer.await.map_err(|_| Failure::Stopped)?;
        result
    }
}

impl Drop for Writer {
    fn drop(&mut self) {
        self.queue = None;
        if let Some(thread) = self.thread.take()
            && thread.join().is_err()
        {
            tracing::error!("the database writer ended in a panic");
        }
    }
}

/// A queued piece of work, of any result type.
trait Job: Send {
    /// Whether it shares its transaction with no other.
    fn is_alone(&self) -> bool;
    fn queued_at(&self) -> Instant;
    /// Does the work, and keeps the result; returns whether it succeeded.
    fn run(&mut self, conn: &Connection) -> bool;
    /// Sends the caller the result, or the reason why the group was not committed.
    fn answer(self: Box<Self>, group: Result<(), Arc<Failure>>);
}

struct Task<T, W> {
    work: W,
    alone: bool,
    queued_at: Instant,
    result: Option<Result<T, Failure>>,
    /// The work goes back with its result: the caller drops it, not the writing thread.
    reply: oneshot::Sender<(Result<T, Failure>, W)>,
}

impl<T, W> Job for Task<T, W>
where
    T: Send,
    W: Fn(&Connection) -> Result<T, Failure> + Send,
{
    fn is_alone(&self) -> bool {
        self.alone
    }

    fn queued_at(&self) -> Instant {
        self.queued_at
    }

    fn run(&mut self, conn: &Connection) -> bool {
        // A panic would end the thread, and with it every payment. The work is not used again after one.
        let result = catch_unwind(AssertUnwindSafe(|| (self.work)(conn))).unwrap_or(Err(Failure::Panicked));
        self.result.insert(result).is_ok()
    }

    fn answer(self: Box<Self>, group: Result<(), Arc<Failure>>) {
        let result = match (self.result, group) {
            (Some(Err(own)), _) => Err(own),
            (Some(Ok(value)), Ok(())) => Ok(value),
            (_, Err(failure)) => Err(Failure::NotCommitted(failure)),
            (None, Ok(())) => Err(Failure::Stopped),
        };
        // The caller may have gone; the commit stays.
        let _ = self.reply.send((result, self.work));
    }
}

type Stamp<'a> = &'a dyn Fn(&Connection) -> Result<(), Failure>;

fn serve(conn: &Connection, jobs: &Receiver<Box<dyn Job>>, most: usize, stamp: Stamp<'_>) {
    let mut group = Vec::with_capacity(most);
    // Taken from the queue for a group of its own.
    let mut alone = None;
    while let Some(first) = alone.take().or_else(|| jobs.recv().ok()) {
        let gathers = !first.is_alone();
        let waited = first.queued_at().elapsed();
        group.push(first);
        while gathers
            && group.len() < most
            && let Ok(job) = jobs.try_recv()
        {
            if job.is_alone() {
                alone = Some(job);
                break;
            }
            group.push(job);
        }
        let began = Instant::now();
        let committed = commit(conn, &mut group, stamp).map_err(Arc::new);
        metering::group("write", group.len(), waited, began.elapsed());
        for job in group.drain(..) {
            job.answer(committed.clone());
        }
    }
}

fn commit(conn: &Connection, group: &mut [Box<dyn Job>], stamp: Stamp<'_>) -> Result<(), Failure> {
    if together(conn, group, stamp)? {
        return Ok(());
    }
    one_by_one(conn, group, stamp)
}

/// Does the work of the group in one transaction; `false`, and nothing stored, when a piece fails.
fn together(conn: &Connection, group: &mut [Box<dyn Job>], stamp: Stamp<'_>) -> Result<bool, Failure> {
    let transaction = Transaction::begin(conn)?;
    for job in group {
        if !job.run(conn) {
            return Ok(false);
        }
    }
    stamp(conn)?;
    transaction.commit()?;
    Ok(true)
}

/// The same, with each failing piece undone on its own.
fn one_by_one(conn: &Connection, group: &mut [Box<dyn Job>], stamp: Stamp<'_>) -> Result<(), Failure> {
    let transaction = Transaction::begin(conn)?;
    for job in group {
        conn.execute_batch("SAVEPOINT piece")?;
        let well = job.run(conn);
        if conn.is_autocommit() {
            // Some errors, a full disk among them, make SQLite give up the whole transaction.
            return Err(Failure::Database(rusqlite::Error::SqliteFailure(
                rusqlite::ffi::Error::new(rusqlite::ffi::SQLITE_ABORT_ROLLBACK),
                None,
            )));
        }
        conn.execute_batch(if well { "RELEASE piece" } else { "ROLLBACK TO piece; RELEASE piece" })?;
    }
    stamp(conn)?;
    transaction.commit()
}

/// A transaction that is rolled back unless it is committed.
struct Transaction<'a>(&'a Connection);

impl<'a> Transaction<'a> {
    fn begin(conn: &'a Connection) -> Result<Transaction<'a>, Failure> {
        let transaction = Transaction(conn);
        // A transaction that a failed rollback has left open, if ever.
        transaction.roll_back();
        conn.prepare_cached("BEGIN IMMEDIATE")?.execute([])?;
        Ok(transaction)
    }

    fn commit(self) -> Result<(), Failure> {
        self.0.prepare_cached("COMMIT")?.execute([])?;
        Ok(())
    }

    fn roll_back(&self) {
        if !self.0.is_autocommit()
            && let Err(error) = self.0.execute_batch("ROLLBACK")
        {
            tracing::error!(%error, "a database transaction could not be rolled back");
        }
    }
}

impl Drop for Transaction<'_> {
    fn drop(&mut self) {
        self.roll_back();
    }
}

#[cfg(test)]
mod tests {
    use std::pin::Pin;
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::time::Duration;

    use rusqlite::OptionalExtension;

    use super::*;
    use crate::connection;

    /// A writer that is busy until it is released, so that work arriving meanwhile makes one group.
    struct Held {
        folder: tempfile::TempDir,
        writer: Arc<Writer>,
        let_go: std::sync::mpsc::Sender<()>,
        first: tokio::task::JoinHandle<Result<(), Failure>>,
    }

    impl Held {
        async fn with_queue(queued: usize) -> Held {
            let folder = tempfile::tempdir().unwrap();
            let conn =
                connection::writing(&folder.path().join("test.db"), Duration::from_millis(50)).unwrap();
            conn.execute_batch(
                "CREATE TABLE noted (word TEXT PRIMARY KEY) STRICT;
                 CREATE TABLE strict_child (word TEXT REFERENCES noted (word)
                     DEFERRABLE INITIALLY DEFERRED) STRICT;",
            )
            .unwrap();
            let writer = Arc::new(Writer::start(conn, queued, 100, |_| Ok(())).unwrap());
            let (let_go, held) = std::sync::mpsc::channel::<()>();
            let held = std::sync::Mutex::new(held);
            let (began, beginning) = oneshot::channel();
            let began = std::sync::Mutex::new(Some(began));
            let busy = writer.clone();
            let first = tokio::spawn(async move {
                busy.write(move |_| {
                    if let Some(began) = began.lock().unwrap().take() {
                        began.send(()).unwrap();
                    }
                    let _ = held.lock().unwrap().recv();
                    Ok(())
                })
                .await
            });
            beginning.await.unwrap();
            Held { folder, writer, let_go, first }
        }

        fn queue(
            &self,
            work: impl Fn(&Connection) -> Result<(), Failure> + Send + 'static,
        ) -> Pin<Box<dyn Future<Output = Result<(), Failure>>>> {
            let writer = self.writer.clone();
            let mut queued = Box::pin(async move { writer.write(work).await });
            // The first poll puts it into the queue.
            let mut context = std::task::Context::from_waker(std::task::Waker::noop());
            assert!(queued.as_mut().poll(&mut context).is_pending());
            queued
        }

        fn release(self) -> (tempfile::TempDir, Arc<Writer>) {
            drop(self.let_go);
            (self.folder, self.writer)
        }

        fn words(folder: &tempfile::TempDir) -> Vec<String> {
            let conn = Connection::open(folder.path().join("test.db")).unwrap();
            let mut statement = conn.prepare("SELECT word FROM noted ORDER BY word").unwrap();
            statement.query_map([], |row| row.get(0)).unwrap().collect::<Result<_, _>>().unwrap()
        }
    }

    fn note(word: &'static str) -> impl Fn(&Connection) -> Result<(), Failure> + Send + 'static {
        move |conn| Ok(conn.execute("INSERT INTO noted VALUES (?1)", [word]).map(|_| ())?)
    }

    #[tokio::test]
    async fn work_that_fails_does_not_fail_its_neighbours_and_leaves_nothing_behind() {
        let held = Held::with_queue(100).await;
        let runs = Arc::new(AtomicUsize::new(0));
        let counted = runs.clone();
        let good = held.queue(note("good"));
        let twice = held.queue(move |conn| {
            counted.fetch_add(1, Ordering::SeqCst);
            note("counted")(conn)
        });
        let taken = held.queue(|conn| note("left behind")(conn).and_then(|()| note("good")(conn)));
        let panicking = held.queue(|conn| {
            note("left behind too")(conn)?;
            panic!("a bug");
        });
        let last = held.queue(note("last"));
        let (folder, _writer) = held.release();
        assert!(good.await.is_ok() && twice.await.is_ok() && last.await.is_ok());
        assert!(matches!(taken.await, Err(Failure::Database(_))));
        assert!(matches!(panicking.await, Err(Failure::Panicked)));
        assert_eq!(Held::words(&folder), ["counted", "good", "last"]);
        assert_eq!(runs.load(Ordering::SeqCst), 2, "once with the failed group, once on its own");
    }

    #[tokio::test]
    async fn a_failed_commit_is_never_reported_as_stored() {
        let held = Held::with_queue(100).await;
        let good = held.queue(note("good"));
        let late = held.queue(|conn| {
            conn.execute("INSERT INTO strict_child VALUES ('nowhere')", [])?;
            Ok(())
        });
        let (folder, writer) = held.release();
        assert!(matches!(good.await, Err(Failure::NotCommitted(_))));
        assert!(matches!(late.await, Err(Failure::NotCommitted(_))));
        assert_eq!(Held::words(&folder), [""; 0]);
        writer.write(note("afterwards")).await.unwrap();
        assert_eq!(Held::words(&folder), ["afterwards"]);
    }

    #[tokio::test]
    async fn ungrouped_work_fails_no_other_when_it_is_rolled_back() {
        let held = Held::with_queue(100).await;
        let before = held.queue(note("before"));
        let writer = held.writer.clone();
        let mut giving_up = Box::pin(async move {
            writer
                .write_alone(|conn| {
                    conn.execute_batch("ROLLBACK")?;
                    Err::<(), _>(Failure::OutOfRange)
                })
                .await
        });
        let mut context = std::task::Context::from_waker(std::task::Waker::noop());
        assert!(giving_up.as_mut().poll(&mut context).is_pending());
        let after = held.queue(note("after"));
        let (folder, _writer) = held.release();
        assert!(before.await.is_ok() && after.await.is_ok());
        assert!(matches!(giving_up.await, Err(Failure::OutOfRange)));
        assert_eq!(Held::words(&folder), ["after", "before"]);
    }

    #[tokio::test]
    async fn a_full_queue_refuses_work_at_once() {
        let held = Held::with_queue(2).await;
        let (one, other) = (held.queue(note("one")), held.queue(note("other")));
        assert!(matches!(held.writer.write(note("too much")).await, Err(Failure::Overloaded)));
        let (folder, _writer) = held.release();
        assert!(one.await.is_ok() && other.await.is_ok());
        assert_eq!(Held::words(&folder), ["one", "other"]);
    }

    #[tokio::test]
    async fn queued_work_is_done_without_a_waiter_and_when_the_store_is_closed() {
        let held = Held::with_queue(100).await;
        drop(held.queue(note("abandoned")));
        let waiting = held.queue(note("waiting"));
        let Held { folder, writer, let_go, first } = held;
        drop(let_go);
        first.await.unwrap().unwrap();
        waiting.await.unwrap();
        drop(Arc::into_inner(writer).unwrap());
        assert_eq!(Held::words(&folder), ["abandoned", "waiting"]);
    }

    #[tokio::test]
    async fn a_lock_held_too_long_by_another_process_is_reported_until_it_ends() {
        let held = Held::with_queue(100).await;
        let (folder, writer) = held.release();
        let other = Connection::open(folder.path().join("test.db")).unwrap();
        // Not before the first group is committed.
        writer.write(note("before")).await.unwrap();
        other.execute_batch("BEGIN IMMEDIATE").unwrap();
        let refused = writer.write(note("meanwhile")).await.unwrap_err();
        assert!(matches!(
            payment_store::StoreError::from(refused),
            payment_store::StoreError::Unavailable(_)
        ));
        other.execute_batch("COMMIT").unwrap();
        writer.write(note("after")).await.unwrap();
        assert_eq!(Held::words(&folder), ["after", "before"]);
        let leftover = other.query_row("SELECT 1 FROM noted WHERE word = 'meanwhile'", [], |_| Ok(()));
        assert_eq!(leftover.optional().unwrap(), None);
    }
}
