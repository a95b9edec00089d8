//! The moment between finding a tick due and beginning it, in which other nodes act; and the counts of a run
//! whose node has died.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use metrics_exporter_prometheus::PrometheusBuilder;
use payment_domain::{AnchoredClock, Clock, ManualClock, Timestamp};
use payment_service::{
    Job, JobError, Looked, Run, RunByHandError, Schedule, ScheduledJob, Scheduler, SchedulerSettings,
};
use payment_store::{BegunRun, RunEnd, Store, Tally, TickAnswer, TickRequest};
use tokio::runtime::Handle;
use tokio_util::sync::CancellationToken;

use crate::support::world;

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

/// A clock that lets something happen when its stopwatch is read for the first time: when a node has
/// found a tick due, and is about to begin it.
struct Meddling {
    clock: ManualClock,
    meddle: Mutex<Option<Meddle>>,
}

impl Clock for Meddling {
    fn now(&self) -> Timestamp {
        self.clock.now()
    }

    fn stopwatch(&self) -> Duration {
        if let Some(meddle) = self.meddle.lock().unwrap().take() {
            tokio::task::block_in_place(|| meddle(&self.clock));
        }
        self.clock.stopwatch()
    }

    fn computer_ahead_ms(&self) -> i64 {
        0
    }
}

fn scheduler(store: &Arc<dyn Store>, clock: Arc<dyn Clock>) -> Scheduler {
    let job = ScheduledJob {
        name: "job",
        purpose: "",
        schedule: Schedule::every(INTERVAL),
        job: Arc::new(Nothing),
    };
    let settings = SchedulerSettings { node: "this".to_owned(), lease: INTERVAL, largest_clock_offset: None };
    Scheduler::new(store.clone(), clock, settings, vec![job])
}

/// Looks once at a moment, at which another node acts; returns the outcome and all runs, oldest first.
async fn look_while(
    store: &Arc<dyn Store>,
    now: Timestamp,
    meddle: impl FnOnce(&ManualClock) + Send + 'static,
) -> (Looked, Vec<(Timestamp, u32, u32)>) {
    let clock = Meddling { clock: ManualClock::at(now), meddle: Mutex::new(Some(Box::new(meddle))) };
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
        lease: INTERVAL,
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
    for end in [RunEnd::Cancelled, RunEnd::Failed("unavailable".to_owned())] {
        let world = world();
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
async fn a_tick_replaced_by_a_later_one_is_not_begun() {
    let world = world();
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
            let world = world();
            let (store, clock, stop) = (&world.store, world.clock.clone(), CancellationToken::new());
            clock.set(nth(0));
            begun(store, nth(0), 0).await;
            let scheduler = scheduler(store, clock.clone());
            scheduler.look_once(&stop).await.unwrap();
            clock.advance(INTERVAL);
            scheduler.look_once(&stop).await.unwrap();
            // Nor does a run by hand hide it.
            begun(store, nth(1), 0).await;
            scheduler.look_once(&stop).await.unwrap();
            clock.advance(INTERVAL);
            scheduler.run_by_hand("job", &stop).await.unwrap();
        });
    });
    let counted = |end: &str| {
        let line = format!("job_runs_total{{job=\"job\",end=\"{end}\"}} 2");
        assert!(numbers.render().lines().any(|found| found == line), "{}", numbers.render());
    };
    counted("taken_over");
    counted("finished");
}

#[tokio::test]
async fn a_run_by_hand_takes_over_a_run_watched_for_a_lease() {
    let world = world();
    let (store, clock, stop) = (&world.store, world.clock.clone(), CancellationToken::new());
    clock.set(nth(0));
    let dead = begun(store, nth(0), 0).await;
    clock.advance(INTERVAL);
    let mut scheduler = std::pin::pin!(async {
        let scheduler = scheduler(store, clock.clone());
        scheduler.run_by_hand("job", &stop).await.unwrap()
    });
    let shortly = tokio::time::timeout(Duration::from_millis(300), &mut scheduler).await;
    assert!(shortly.is_err(), "its node may be alive");
    clock.advance(INTERVAL);
    let ran = scheduler.await;
    assert_eq!((ran.begun.scheduled_at, ran.begun.attempt), (nth(0), 2));
    assert!(ran.begun.fence.run_id > dead.fence.run_id);
}

#[tokio::test]
async fn a_node_whose_clock_differs_from_the_databases_runs_no_jobs_until_it_agrees() {
    let world = world();
    world.clock.set(nth(0));
    let computer = Arc::new(ManualClock::at(nth(0)));
    let clock = Arc::new(AnchoredClock::new(nth(0), computer.clone()));
    let settings =
        SchedulerSettings { node: "this".to_owned(), lease: INTERVAL, largest_clock_offset: Some(INTERVAL) };
    let job = ScheduledJob {
        name: "job",
        purpose: "",
        schedule: Schedule::every(INTERVAL),
        job: Arc::new(Nothing),
    };
    let scheduler = Scheduler::new(world.store.clone(), clock, settings, vec![job]);
    let stop = CancellationToken::new();
    let just_too_much = INTERVAL + Duration::from_millis(1);
    for wrong in [nth(0).plus(just_too_much), nth(0).minus(just_too_much)] {
        computer.set(wrong);
        let looked = scheduler.look_once(&stop).await.unwrap();
        assert_eq!(looked, [("job", Looked::ClockDiffers)]);
        let refused = scheduler.run_by_hand("job", &stop).await;
        assert!(matches!(refused, Err(RunByHandError::ClockDiffers(_))), "{refused:?}");
    }
    assert_eq!(world.store.runs(None, 9).await.unwrap(), []);
    computer.set(nth(1));
    let looked = scheduler.look_once(&stop).await.unwrap();
    let Looked::Ran(run) = &looked[0].1 else { panic!("{looked:?}") };
    assert_eq!(run.begun.scheduled_at, nth(0), "by the service's clock");
}
