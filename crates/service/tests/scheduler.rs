//! The moment between finding a tick due and beginning it, in which others do what they like; and
//! what is counted of a run whose node has died.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod support;

use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use metrics_exporter_prometheus::PrometheusBuilder;
use payment_domain::{Clock, ManualClock, Timestamp};
use payment_service::{Job, JobError, Looked, Run, Schedule, ScheduledJob, Scheduler, SchedulerSettings};
use payment_store::{BegunRun, RunEnd, Store, Tally, TickAnswer, TickRequest};
use tokio::runtime::Handle;
use tokio_util::sync::CancellationToken;

const INTERVAL: Duration = Duration::from_secs(60);

/// The moment of a tick.
fn nth(number: i64) -> Timestamp {
    Timestamp::from_millis(1_795_300_020_000 + number * 60_000)
}

struct Nothing;

#[async_trait]
impl Job for Nothing {
    async fn tick(&self, _: &Run) -> Result<(), JobError> {
        Ok(())
    }
}

type Meddle = Box<dyn FnOnce(&ManualClock) + Send>;

/// A clock that lets something happen when it is asked for the second time: when a node has found a
/// tick due, and is about to begin it.
struct Meddling {
    clock: ManualClock,
    asked: AtomicU32,
    meddle: Mutex<Option<Meddle>>,
}

impl Clock for Meddling {
    fn now(&self) -> Timestamp {
        if self.asked.fetch_add(1, Ordering::SeqCst) == 1
            && let Some(meddle) = self.meddle.lock().unwrap().take()
        {
            tokio::task::block_in_place(|| meddle(&self.clock));
        }
        self.clock.now()
    }
}

fn scheduler(store: &Arc<dyn Store>, clock: Arc<dyn Clock>) -> Scheduler {
    let job = ScheduledJob {
        name: "job",
        purpose: "",
        schedule: Schedule::every(INTERVAL),
        job: Arc::new(Nothing),
    };
    let settings = SchedulerSettings { node: "this".to_owned(), lease: INTERVAL };
    Scheduler::new(store.clone(), clock, settings, vec![job])
}

/// Looks once at a moment, while others meddle; returns what came of it and all runs, oldest first.
async fn look_while(
    store: &Arc<dyn Store>,
    now: Timestamp,
    meddle: impl FnOnce(&ManualClock) + Send + 'static,
) -> (Looked, Vec<(Timestamp, u32, u32)>) {
    let clock = Meddling {
        clock: ManualClock::at(now),
        asked: AtomicU32::new(0),
        meddle: Mutex::new(Some(Box::new(meddle))),
    };
    let mut looked = scheduler(store, Arc::new(clock)).look_once(&CancellationToken::new()).await.unwrap();
    let runs = store.runs(Some("job"), 10).await.unwrap();
    let runs = runs.iter().rev().map(|run| (run.scheduled_at, run.attempt, run.missed)).collect();
    (looked.remove(0).1, runs)
}

/// Another node begins a tick when it is due.
async fn begun(store: &Arc<dyn Store>, tick: Timestamp, missed: u32) -> BegunRun {
    let request = TickRequest {
        job: "job".to_owned(),
        scheduled_at: tick,
        missed,
        node: "another".to_owned(),
        now: tick,
        lease_until: tick.plus(3 * INTERVAL),
        not_renewed: None,
        newest_known: None,
    };
    let answer = store.begin_run(request).await.unwrap();
    let TickAnswer::Begun(begun) = answer else { panic!("{answer:?}") };
    begun
}

async fn ended(store: &Arc<dyn Store>, run: &BegunRun, end: RunEnd) {
    assert!(store.end_run(&run.fence, run.scheduled_at, Tally::default(), end).await.unwrap());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_tick_that_is_left_unfinished_in_that_moment_is_finished_first() {
    for end in [RunEnd::Cancelled, RunEnd::Failed("away".to_owned())] {
        let world = support::world();
        let store = &world.store;
        let at_work = begun(store, nth(0), 0).await;
        let (meddled, handle) = (store.clone(), Handle::current());
        let (looked, runs) = look_while(store, nth(1), move |_| {
            handle.block_on(ended(&meddled, &at_work, end));
        })
        .await;
        assert!(matches!(looked, Looked::Ran(_)), "{looked:?}");
        assert_eq!(runs, [(nth(0), 1, 0), (nth(0), 2, 0)]);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_tick_for_which_a_later_one_stands_by_then_is_not_begun() {
    let world = support::world();
    let store = &world.store;
    let first = begun(store, nth(0), 0).await;
    ended(store, &first, RunEnd::Finished).await;
    let (meddled, handle) = (store.clone(), Handle::current());
    let (looked, runs) = look_while(store, nth(1), move |clock| {
        handle.block_on(async {
            clock.set(nth(3));
            let later = begun(&meddled, nth(3), 2).await;
            ended(&meddled, &later, RunEnd::Finished).await;
        });
    })
    .await;
    assert_eq!(looked, Looked::NotDue);
    assert_eq!(runs, [(nth(0), 1, 0), (nth(3), 1, 2)]);
}

#[test]
fn a_take_over_is_counted_by_the_node_that_takes_over() {
    let recorder = PrometheusBuilder::new().build_recorder();
    let numbers = recorder.handle();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    metrics::with_local_recorder(&recorder, || {
        runtime.block_on(async {
            let store = &support::world().store;
            begun(store, nth(0), 0).await;
            let clock = Arc::new(ManualClock::at(nth(3)));
            let scheduler = scheduler(store, clock.clone());
            scheduler.look_once(&CancellationToken::new()).await.unwrap();
            // Nor does a run by hand hide it.
            begun(store, nth(4), 0).await;
            clock.set(nth(7));
            scheduler.run_by_hand("job", &CancellationToken::new()).await.unwrap();
        });
    });
    let counted = |end: &str| {
        let line = format!("job_runs_total{{job=\"job\",end=\"{end}\"}} 2");
        assert!(numbers.render().lines().any(|found| found == line), "{}", numbers.render());
    };
    counted("taken-over");
    counted("finished");
}
