//! Partition workers: each processes the records of one partition in order, one at a time; partitions do not
//! wait for each other.

use std::collections::{HashMap, VecDeque};
use std::future::Future;

use futures_util::future::BoxFuture;
use futures_util::stream::FuturesUnordered;
use futures_util::{FutureExt, StreamExt};
use tokio_util::sync::{CancellationToken, DropGuard};

use super::record::{Partition, Record};

/// The records at which a worker is full: fetching pauses.
const FULL_RECORDS: usize = 500;
const FULL_BYTES: usize = 4 << 20;

/// An instruction for the consumer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Order {
    /// Fetch nothing more of this partition for now.
    Pause(Partition),
    /// Fetch this partition again.
    Resume(Partition),
    /// Everything up to and including this offset was processed.
    Done(Partition, i64),
}

/// All workers, with the function that processes a record.
pub(super) struct PartitionWorkers<F> {
    work: F,
    workers: HashMap<Partition, Worker>,
    under_way: FuturesUnordered<BoxFuture<'static, End>>,
    /// Distinguishes a worker from an earlier one of the same partition.
    last_number: u64,
}

struct Worker {
    number: u64,
    waiting: VecDeque<Record>,
    bytes: usize,
    busy: bool,
    paused: bool,
    stop: CancellationToken,
    _stop_on_drop: DropGuard,
}

struct End {
    partition: Partition,
    worker: u64,
    offset: i64,
    dealt_with: bool,
}

impl<F, W> PartitionWorkers<F>
where
    F: Fn(Record, CancellationToken) -> W,
    W: Future<Output = bool> + Send + 'static,
{
    /// `work` processes a record and returns whether it did; it ends when cancelled.
    pub(super) fn new(work: F) -> PartitionWorkers<F> {
        PartitionWorkers { work, workers: HashMap::new(), under_way: FuturesUnordered::new(), last_number: 0 }
    }

    /// Queues a record for its worker.
    pub(super) fn push(&mut self, record: Record) -> Option<Order> {
        let partition = record.partition.clone();
        let worker = self.workers.entry(partition.clone()).or_insert_with(|| {
            self.last_number += 1;
            let stop = CancellationToken::new();
            Worker {
                number: self.last_number,
                waiting: VecDeque::new(),
                bytes: 0,
                busy: false,
                paused: false,
                _stop_on_drop: stop.clone().drop_guard(),
                stop,
            }
        });
        worker.bytes += record.size();
        worker.waiting.push_back(record);
        let full = worker.waiting.len() >= FULL_RECORDS || worker.bytes >= FULL_BYTES;
        let pause = full && !worker.paused;
        worker.paused |= full;
        self.go_on(&partition);
        pause.then_some(Order::Pause(partition))
    }

    /// Drops the workers of partitions that another member has now, with their unprocessed records.
    pub(super) fn revoke(&mut self, partitions: &[Partition]) {
        for partition in partitions {
            self.workers.remove(partition);
        }
    }

    /// Waits until a record was processed; pending when there is none.
    pub(super) async fn next(&mut self) -> Vec<Order> {
        let Some(end) = self.under_way.next().await else { return std::future::pending().await };
        let Some(worker) = self.workers.get_mut(&end.partition).filter(|worker| worker.number == end.worker)
        else {
            return Vec::new();
        };
        worker.busy = false;
        if !end.dealt_with {
            return Vec::new();
        }
        let mut orders = vec![Order::Done(end.partition.clone(), end.offset)];
        self.go_on(&end.partition);
        if let Some(worker) = self.workers.get_mut(&end.partition)
            && worker.paused
            && worker.waiting.len() < FULL_RECORDS / 4
            && worker.bytes < FULL_BYTES / 4
        {
            worker.paused = false;
            orders.push(Order::Resume(end.partition));
        }
        orders
    }

    fn go_on(&mut self, partition: &Partition) {
        let Some(worker) = self.workers.get_mut(partition) else { return };
        if worker.busy {
            return;
        }
        let Some(record) = worker.waiting.pop_front() else { return };
        worker.bytes -= record.size().min(worker.bytes);
        worker.busy = true;
        let (partition, offset, number) = (record.partition.clone(), record.offset, worker.number);
        let work = (self.work)(record, worker.stop.clone());
        let end = async move { End { partition, worker: number, offset, dealt_with: work.await } };
        self.under_way.push(end.boxed());
    }
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Mutex};

    use tokio::sync::Semaphore;

    use super::*;

    fn partition(number: i32) -> Partition {
        Partition { topic: "t".into(), number }
    }

    fn record(number: i32, offset: i64, size: usize) -> Record {
        Record { partition: partition(number), offset, key: None, payload: vec![0; size], trace: None }
    }

    /// Workers whose partition 0 waits until it is released.
    fn workers(
        gate: &Arc<Semaphore>,
        seen: &Arc<Mutex<Vec<(i32, i64)>>>,
    ) -> PartitionWorkers<impl Fn(Record, CancellationToken) -> BoxFuture<'static, bool>> {
        let (gate, seen) = (gate.clone(), seen.clone());
        PartitionWorkers::new(move |record: Record, stop: CancellationToken| {
            let (gate, seen) = (gate.clone(), seen.clone());
            async move {
                seen.lock().unwrap().push((record.partition.number, record.offset));
                if record.partition.number != 0 {
                    return true;
                }
                tokio::select! {
                    permit = gate.acquire() => { permit.unwrap().forget(); true }
                    () = stop.cancelled() => false,
                }
            }
            .boxed()
        })
    }

    #[tokio::test]
    async fn partitions_keep_their_order_and_do_not_wait_for_each_other() {
        let (gate, seen) = (Arc::new(Semaphore::new(0)), Arc::default());
        let mut workers = workers(&gate, &seen);
        for (number, offset) in [(0, 0), (0, 1), (1, 0), (1, 1)] {
            assert_eq!(workers.push(record(number, offset, 1)), None);
        }
        assert_eq!(workers.next().await, [Order::Done(partition(1), 0)]);
        assert_eq!(workers.next().await, [Order::Done(partition(1), 1)]);
        gate.add_permits(2);
        assert_eq!(workers.next().await, [Order::Done(partition(0), 0)]);
        assert_eq!(workers.next().await, [Order::Done(partition(0), 1)]);
        assert_eq!(*seen.lock().unwrap(), [(0, 0), (1, 0), (1, 1), (0, 1)]);
    }

    #[tokio::test]
    async fn a_lane_that_is_full_is_fetched_no_more_until_it_has_emptied() {
        let (gate, seen) = (Arc::new(Semaphore::new(0)), Arc::default());
        let mut workers = workers(&gate, &seen);
        let size = FULL_BYTES / 2;
        assert_eq!(workers.push(record(0, 0, size)), None, "this one is at work");
        assert_eq!(workers.push(record(0, 1, size)), None);
        assert_eq!(workers.push(record(0, 2, size)), Some(Order::Pause(partition(0))));
        assert_eq!(workers.push(record(0, 3, 1)), None, "told once");
        gate.add_permits(4);
        assert_eq!(workers.next().await, [Order::Done(partition(0), 0)]);
        assert_eq!(workers.next().await, [Order::Done(partition(0), 1), Order::Resume(partition(0))]);
        let many = i64::try_from(FULL_RECORDS).unwrap();
        let orders: Vec<Order> = (0..=many).filter_map(|offset| workers.push(record(2, offset, 1))).collect();
        assert_eq!(orders, [Order::Pause(partition(2))]);
    }

    #[tokio::test]
    async fn what_is_revoked_is_let_go_and_never_counted_as_done() {
        let (gate, seen) = (Arc::new(Semaphore::new(0)), Arc::default());
        let mut workers = workers(&gate, &seen);
        workers.push(record(0, 5, 1));
        workers.push(record(0, 6, 1));
        workers.revoke(&[partition(0), partition(9)]);
        // The partition returns, from the committed offset.
        workers.push(record(0, 5, 1));
        assert_eq!(workers.next().await, [], "the work of the revoked worker has ended");
        gate.add_permits(1);
        assert_eq!(workers.next().await, [Order::Done(partition(0), 5)]);
        assert_eq!(*seen.lock().unwrap(), [(0, 5), (0, 5)]);
    }
}
