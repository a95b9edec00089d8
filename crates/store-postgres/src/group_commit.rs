//! Group commit: work that arrives together shares a database transaction.
//!
//! At most [`GroupLimits::concurrent`] groups are in progress. Work is taken up at once while one of
//! these slots is free, alone if need be: a group is never delayed to grow. While all slots are busy,
//! arriving work queues, and the next free slot takes all of it, up to [`GroupLimits::group`] pieces.
//! So an idle service has the latency of a single commit, and a busy one pays for a commit once per
//! group.
//!
//! - Every piece is answered after the commit of its group; one that fails because of its own row does
//!   not fail the others (see the functions that serve groups).
//! - A full queue ([`GroupLimits::queued`]) and a piece that was not taken up within
//!   [`GroupLimits::patience`] are [`Failure::Overloaded`]: nothing was done.
//! - Work that was taken up is completed even when its caller no longer waits.
//! - A panic fails its own group and no other.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use tokio::sync::{Semaphore, mpsc, oneshot};
use tokio::task::{JoinHandle, JoinSet};

use payment_store::metering;

use crate::failure::Failure;

/// The number of groups that are under way at once, and their size.
#[derive(Debug, Clone, Copy)]
pub(crate) struct GroupLimits {
    /// The number of groups that are done at the same time.
    pub(crate) concurrent: usize,
    /// The most pieces of work in one group.
    pub(crate) group: usize,
    /// The most pieces of work that wait.
    pub(crate) queued: usize,
    /// How long a piece of work waits for its turn.
    pub(crate) patience: Duration,
}

/// The way to the groups.
pub(crate) struct GroupCommit<W, A> {
    queue: mpsc::Sender<Piece<W, A>>,
    patience: Duration,
    keeper: JoinHandle<()>,
}

struct Piece<W, A> {
    work: W,
    /// Set by the group that takes up the work, or by the caller that gives up, whichever is first.
    taken: Arc<AtomicBool>,
    queued_at: Instant,
    reply: oneshot::Sender<Result<A, Failure>>,
}

impl<W: Send + 'static, A: Send + 'static> GroupCommit<W, A> {
    /// Starts commit in which `serve` does groups of work, which metrics call `work`: it answers each piece in
    /// its place.
    pub(crate) fn start<S, F>(work: &'static str, limits: GroupLimits, serve: S) -> GroupCommit<W, A>
    where
        S: Fn(Vec<W>) -> F + Send + Sync + 'static,
        F: Future<Output = Vec<Result<A, Failure>>> + Send + 'static,
    {
        let (queue, pieces) = mpsc::channel(limits.queued.max(1));
        let keeper = tokio::spawn(keep(work, pieces, limits, Arc::new(serve)));
        GroupCommit { queue, patience: limits.patience, keeper }
    }

    /// Submits the work and returns its outcome. Work that was taken up is done even if its caller no longer
    /// waits.
    pub(crate) async fn submit(&self, work: W) -> Result<A, Failure> {
        let (reply, mut answer) = oneshot::channel();
        let taken = Arc::new(AtomicBool::new(false));
        self.queue.try_send(Piece { work, taken: taken.clone(), queued_at: Instant::now(), reply }).map_err(
            |refused| match refused {
                mpsc::error::TrySendError::Full(_) => Failure::Overloaded,
                mpsc::error::TrySendError::Closed(_) => Failure::Stopped,
            },
        )?;
        match tokio::time::timeout(self.patience, &mut answer).await {
            Ok(answered) => answered.unwrap_or(Err(Failure::Panicked)),
            // Not taken up, and now withdrawn.
            Err(_) if !taken.swap(true, Ordering::AcqRel) => Err(Failure::Overloaded),
            Err(_) => answer.await.unwrap_or(Err(Failure::Panicked)),
        }
    }

    /// Accepts no more work, and returns when the queued work is done.
    pub(crate) async fn close(self) {
        let GroupCommit { queue, keeper, .. } = self;
        drop(queue);
        if keeper.await.is_err() {
            tracing::error!("a queue to the database ended in a panic");
        }
    }
}

async fn keep<W, A, S, F>(
    work: &'static str,
    mut pieces: mpsc::Receiver<Piece<W, A>>,
    limits: GroupLimits,
    serve: Arc<S>,
) where
    W: Send + 'static,
    A: Send + 'static,
    S: Fn(Vec<W>) -> F + Send + Sync + 'static,
    F: Future<Output = Vec<Result<A, Failure>>> + Send + 'static,
{
    let free = Arc::new(Semaphore::new(limits.concurrent.max(1)));
    let mut groups = JoinSet::new();
    // The slot first: work that arrives while none is free makes one group.
    while let Ok(slot) = free.clone().acquire_owned().await {
        let Some(first) = pieces.recv().await else { break };
        let waited = first.queued_at.elapsed();
        let mut works = Vec::new();
        let mut replies = Vec::new();
        let mut next = Some(first);
        while let Some(piece) = next {
            if !piece.taken.swap(true, Ordering::AcqRel) {
                works.push(piece.work);
                replies.push(piece.reply);
            }
            next = if works.len() < limits.group.max(1) { pieces.try_recv().ok() } else { None };
        }
        let serve = serve.clone();
        // A task of its own: a panic in it fails this group and nothing else.
        groups.spawn(async move {
            if !works.is_empty() {
                let (began, size) = (Instant::now(), works.len());
                let answers = serve(works).await;
                metering::group(work, size, waited, began.elapsed());
                for (reply, answer) in replies.into_iter().zip(answers) {
                    // The caller may have gone; the commit stands.
                    let _ = reply.send(answer);
                }
            }
            drop(slot);
        });
        while groups.try_join_next().is_some() {}
    }
    while groups.join_next().await.is_some() {}
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use futures_util::future::join_all;
    use tokio::sync::Notify;

    use super::*;

    fn limits(concurrent: usize, group: usize, queued: usize) -> GroupLimits {
        GroupLimits { concurrent, group, queued, patience: Duration::from_secs(60) }
    }

    /// A group commit that records its groups, and does them on release.
    struct Held {
        commit: Arc<GroupCommit<u32, u32>>,
        groups: Arc<Mutex<Vec<Vec<u32>>>>,
        gate: Arc<Semaphore>,
        began: Arc<Notify>,
    }

    fn held(limits: GroupLimits) -> Held {
        let groups: Arc<Mutex<Vec<Vec<u32>>>> = Arc::default();
        let (gate, began) = (Arc::new(Semaphore::new(0)), Arc::new(Notify::new()));
        let (seen, closed, beginning) = (groups.clone(), gate.clone(), began.clone());
        let commit = GroupCommit::start("test", limits, move |works: Vec<u32>| {
            seen.lock().unwrap().push(works.clone());
            beginning.notify_one();
            let closed = closed.clone();
            async move {
                closed.acquire().await.unwrap().forget();
                works
                    .into_iter()
                    .map(|work| if work == 13 { panic!("a bug") } else { Ok(work * 2) })
                    .collect()
            }
        });
        Held { commit: Arc::new(commit), groups, gate, began }
    }

    #[tokio::test]
    async fn work_queued_while_all_connections_are_busy_is_grouped() {
        let Held { commit, groups, gate, began } = held(limits(1, 3, 100));
        let first = tokio::spawn({
            let commit = commit.clone();
            async move { commit.submit(1).await }
        });
        began.notified().await;
        gate.add_permits(10);
        let others = join_all((2..=6).map(|work| commit.submit(work))).await;
        assert_eq!(others.into_iter().map(Result::unwrap).collect::<Vec<_>>(), [4, 6, 8, 10, 12]);
        assert_eq!(first.await.unwrap().unwrap(), 2);
        assert_eq!(*groups.lock().unwrap(), [vec![1], vec![2, 3, 4], vec![5, 6]]);
    }

    #[tokio::test]
    async fn a_panic_fails_its_group_and_nothing_else() {
        let Held { commit, gate, .. } = held(limits(1, 3, 100));
        gate.add_permits(10);
        assert!(matches!(commit.submit(13).await, Err(Failure::Panicked)));
        assert_eq!(commit.submit(7).await.unwrap(), 14);
    }

    #[tokio::test]
    async fn a_full_queue_refuses_work_at_once() {
        let Held { commit, gate, began, .. } = held(limits(1, 1, 1));
        let mut under_way = Vec::new();
        for work in 1..=2 {
            let commit = commit.clone();
            under_way.push(tokio::spawn(async move { commit.submit(work).await }));
            if work == 1 {
                began.notified().await;
            }
        }
        tokio::task::yield_now().await;
        assert!(matches!(commit.submit(3).await, Err(Failure::Overloaded)));
        gate.add_permits(10);
        for (work, task) in (1..).zip(under_way) {
            assert_eq!(task.await.unwrap().unwrap(), work * 2);
        }
    }

    #[tokio::test(start_paused = true)]
    async fn work_not_taken_up_in_time_is_withdrawn_and_never_done() {
        let Held { commit, groups, gate, began } = held(limits(1, 10, 100));
        let first = tokio::spawn({
            let commit = commit.clone();
            async move { commit.submit(1).await }
        });
        began.notified().await;
        let waiting = commit.submit(2).await;
        assert!(matches!(waiting, Err(Failure::Overloaded)));
        gate.add_permits(10);
        assert_eq!(first.await.unwrap().unwrap(), 2, "what was taken up is waited for");
        Arc::into_inner(commit).unwrap().close().await;
        assert_eq!(*groups.lock().unwrap(), [vec![1]]);
    }

    #[tokio::test]
    async fn queued_work_is_done_when_the_lanes_are_closed() {
        let Held { commit, groups, gate, began } = held(limits(1, 10, 100));
        let tasks: Vec<_> = (1..=3)
            .map(|work| {
                let commit = commit.clone();
                tokio::spawn(async move { commit.submit(work).await })
            })
            .collect();
        began.notified().await;
        gate.add_permits(10);
        for task in tasks {
            task.await.unwrap().unwrap();
        }
        Arc::into_inner(commit).unwrap().close().await;
        assert_eq!(groups.lock().unwrap().concat(), [1, 2, 3]);
    }
}
