//! The partitions at work: records of one are dealt with in their order, one at a time; partitions
//! do not wait for each other.

use std::collections::{HashMap, VecDeque};
use std::future::Future;

use futures_util::future::BoxFuture;
use futures_util::stream::FuturesUnordered;
use futures_util::{FutureExt, StreamExt};
use tokio_util::sync::{CancellationToken, DropGuard};

use super::record::{Partition, Record};

/// A lane that holds so much is full: nothing more is fetched for it.
const FULL_RECORDS: usize = 500;
const FULL_BYTES: usize = 4 << 20;

/// What is to be told to the consumer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Order {
    /// Fetch nothing more of this partition for now.
    Pause(Partition),
    /// Fetch this partition again.
    Resume(Partition),
    /// All up to and including this offset was dealt with.
    Done(Partition, i64),
}

/// All lanes, over the function that deals with a record.
pub(super) struct Lanes<F> {
    work: F,
    lanes: HashMap<Partition, Lane>,
    under_way: FuturesUnordered<BoxFuture<'static, End>>,
    /// Tells a lane from an earlier one of the same partition.
    last_number: u64,
}

struct Lane {
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
    lane: u64,
    offset: i64,
    dealt_with: bool,
}

impl<F, W> Lanes<F>
where
    F: Fn(Record, CancellationToken) -> W,
    W: Future<Output = bool> + Send + 'static,
{
    /// Lanes whose records `work` deals with; it says whether it did, and ends when it is cancelled.
    pub(super) fn new(work: F) -> Lanes<F> {
        Lanes { work, lanes: HashMap::new(), under_way: FuturesUnordered::new(), last_number: 0 }
    }

    /// Puts a record into its lane.
    pub(super) fn push(&mut self, record: Record) -> Option<Order> {
        let partition = record.partition.clone();
        let lane = self.lanes.entry(partition.clone()).or_insert_with(|| {
            self.last_number += 1;
            let stop = CancellationToken::new();
            Lane {
                number: self.last_number,
                waiting: VecDeque::new(),
                bytes: 0,
                busy: false,
                paused: false,
                _stop_on_drop: stop.clone().drop_guard(),
                stop,
            }
        });
        lane.bytes += record.size();
        lane.waiting.push_back(record);
        let full = lane.waiting.len() >= FULL_RECORDS || lane.bytes >= FULL_BYTES;
        let pause = full && !lane.paused;
        lane.paused |= full;
        self.go_on(&partition);
        pause.then_some(Order::Pause(partition))
    }

    /// These partitions are another member's now: what was not dealt with, that one will receive.
    pub(super) fn revoke(&mut self, partitions: &[Partition]) {
        for partition in partitions {
            self.lanes.remove(partition);
        }
    }

    /// Waits until a record was dealt with, for ever if there is none.
    pub(super) async fn next(&mut self) -> Vec<Order> {
        let Some(end) = self.under_way.next().await else { return std::future::pending().await };
        let Some(lane) = self.lanes.get_mut(&end.partition).filter(|lane| lane.number == end.lane) else {
            return Vec::new();
        };
        lane.busy = false;
        if !end.dealt_with {
            return Vec::new();
        }
        let mut orders = vec![Order::Done(end.partition.clone(), end.offset)];
        self.go_on(&end.partition);
        if let Some(lane) = self.lanes.get_mut(&end.partition)
            && lane.paused
            && lane.waiting.len() < FULL_RECORDS / 4
            && lane.bytes < FULL_BYTES / 4
        {
            lane.paused = false;
            orders.push(Order::Resume(end.partition));
        }
        orders
    }

    fn go_on(&mut self, partition: &Partition) {
        let Some(lane) = self.lanes.get_mut(partition) else { return };
        if lane.busy {
            return;
        }
        let Some(record) = lane.waiting.pop_front() else { return };
        lane.bytes -= record.size().min(lane.bytes);
        lane.busy = true;
        let (partition, offset, number) = (record.partition.clone(), record.offset, lane.number);
        let work = (self.work)(record, lane.stop.clone());
        let end = async move { End { partition, lane: number, offset, dealt_with: work.await } };
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
        Record { partition: partition(number), offset, key: None, payload: vec![0; size] }
    }

    /// Lanes whose partition 0 stands still until it is let go.
    fn lanes(
        gate: &Arc<Semaphore>,
        seen: &Arc<Mutex<Vec<(i32, i64)>>>,
    ) -> Lanes<impl Fn(Record, CancellationToken) -> BoxFuture<'static, bool>> {
        let (gate, seen) = (gate.clone(), seen.clone());
        Lanes::new(move |record: Record, stop: CancellationToken| {
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
        let mut lanes = lanes(&gate, &seen);
        for (number, offset) in [(0, 0), (0, 1), (1, 0), (1, 1)] {
            assert_eq!(lanes.push(record(number, offset, 1)), None);
        }
        assert_eq!(lanes.next().await, [Order::Done(partition(1), 0)]);
        assert_eq!(lanes.next().await, [Order::Done(partition(1), 1)]);
        gate.add_permits(2);
        assert_eq!(lanes.next().await, [Order::Done(partition(0), 0)]);
        assert_eq!(lanes.next().await, [Order::Done(partition(0), 1)]);
        assert_eq!(*seen.lock().unwrap(), [(0, 0), (1, 0), (1, 1), (0, 1)]);
    }

    #[tokio::test]
    async fn a_lane_that_is_full_is_fetched_no_more_until_it_has_emptied() {
        let (gate, seen) = (Arc::new(Semaphore::new(0)), Arc::default());
        let mut lanes = lanes(&gate, &seen);
        let size = FULL_BYTES / 2;
        assert_eq!(lanes.push(record(0, 0, size)), None, "this one is at work");
        assert_eq!(lanes.push(record(0, 1, size)), None);
        assert_eq!(lanes.push(record(0, 2, size)), Some(Order::Pause(partition(0))));
        assert_eq!(lanes.push(record(0, 3, 1)), None, "told once");
        gate.add_permits(4);
        assert_eq!(lanes.next().await, [Order::Done(partition(0), 0)]);
        assert_eq!(lanes.next().await, [Order::Done(partition(0), 1), Order::Resume(partition(0))]);
        let many = i64::try_from(FULL_RECORDS).unwrap();
        let orders: Vec<Order> = (0..=many).filter_map(|offset| lanes.push(record(2, offset, 1))).collect();
        assert_eq!(orders, [Order::Pause(partition(2))]);
    }

    #[tokio::test]
    async fn what_is_revoked_is_let_go_and_never_counted_as_done() {
        let (gate, seen) = (Arc::new(Semaphore::new(0)), Arc::default());
        let mut lanes = lanes(&gate, &seen);
        lanes.push(record(0, 5, 1));
        lanes.push(record(0, 6, 1));
        lanes.revoke(&[partition(0), partition(9)]);
        // It comes back, from where it was committed.
        lanes.push(record(0, 5, 1));
        assert_eq!(lanes.next().await, [], "the work of the revoked lane has ended");
        gate.add_permits(1);
        assert_eq!(lanes.next().await, [Order::Done(partition(0), 5)]);
        assert_eq!(*seen.lock().unwrap(), [(0, 5), (0, 5)]);
    }
}
