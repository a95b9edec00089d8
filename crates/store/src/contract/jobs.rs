//! Ticks of jobs: each carried out by one run at a time, taken over from one that died, and recorded.

use std::sync::Arc;
use std::time::Duration;

use futures_util::future::join_all;

use super::sample::{MINUTE, at, begun, ended, tick};
use super::{Promise, Timed};
use crate::{BegunRun, RunEnd, RunRecord, Store, Tally, TickAnswer, TickRequest};

pub(super) fn promises() -> Vec<Promise> {
    vec![
        Promise::of(of_50_requests_for_a_tick_at_once_one_begins),
        Promise::timed(a_lease_that_holds_keeps_every_other_tick_of_the_job_waiting),
        Promise::timed(a_lease_is_taken_over_when_it_is_over_and_was_seen_unchanged),
        Promise::of(jobs_do_not_wait_for_each_other_and_run_numbers_grow),
        Promise::timed(a_tick_whose_lease_ran_out_is_taken_over_before_a_later_one_begins),
        Promise::timed(of_50_requests_at_once_one_takes_over),
        Promise::timed(a_takeover_names_the_previous_owner),
        Promise::timed(a_lease_that_ran_out_may_be_renewed_until_it_is_taken_over),
        Promise::of(a_finished_tick_is_done),
        Promise::of(a_tick_that_was_cancelled_or_failed_begins_again),
        Promise::timed(a_run_on_a_stale_snapshot_is_refused),
        Promise::of(a_run_ends_once),
        Promise::of(runs_are_listed_newest_first_with_their_outcome),
        Promise::of(the_last_tick_is_not_one_of_a_clock_that_ran_ahead),
        Promise::of(old_runs_are_forgotten_except_the_last_of_each_job),
    ]
}

fn by(node: &str, request: TickRequest) -> TickRequest {
    TickRequest { node: node.to_owned(), ..request }
}

/// The request of a node that has seen a lease unchanged which ends at [`at`]`(until_ms)`.
fn having_seen(until_ms: i64, request: TickRequest) -> TickRequest {
    TickRequest { not_renewed: Some(at(until_ms)), ..request }
}

/// The run as it is recorded when it began by `request` at [`at`]`(at_ms)`.
fn record(run: &BegunRun, request: &TickRequest, at_ms: i64) -> RunRecord {
    RunRecord {
        fence: run.fence.clone(),
        scheduled_at: run.scheduled_at,
        missed: request.missed,
        attempt: run.attempt,
        node: request.node.clone(),
        started_at: at(at_ms),
        lease_until: at(at_ms + 60_000),
        tally: Tally::default(),
        ended: None,
    }
}

async fn all_runs(store: &Arc<dyn Store>) -> Vec<RunRecord> {
    store.runs(None, 10_000).await.unwrap()
}

async fn of_50_requests_for_a_tick_at_once_one_begins(store: Arc<dyn Store>) {
    let requests: Vec<TickRequest> =
        (0..50).map(|nth| by(&format!("node-{nth}"), tick("early", 1_000))).collect();
    let answers = join_all(requests.iter().map(|request| store.begin_run(request.clone()))).await;
    let mut begun = Vec::new();
    let mut refused = Vec::new();
    for (answer, request) in answers.into_iter().zip(requests) {
        match answer.unwrap() {
            TickAnswer::Begun(run) => begun.push((run, request)),
            TickAnswer::Busy { until } => refused.push(until),
            TickAnswer::Done | TickAnswer::Overtaken => panic!("it was never finished"),
        }
    }
    assert_eq!((begun.len(), refused.len()), (1, 49));
    let (run, request) = &begun[0];
    assert_eq!((run.scheduled_at, run.attempt, run.fence.job.as_str()), (at(1_000), 1, "early"));
    assert_eq!(run.taken_from, None);
    assert!(refused.iter().all(|until| *until == at(60_000)));
    assert_eq!(all_runs(&store).await, [record(run, request, 0)]);
}

async fn a_lease_that_holds_keeps_every_other_tick_of_the_job_waiting(timed: Timed) {
    let run = begun(timed.when(at(60_000)), tick("early", 60_000)).await;
    let asked_at_the_last_moment = async |scheduled_ms, until_ms: i64| {
        let request = having_seen(until_ms, by("node-2", tick("early", scheduled_ms)));
        let answer = timed.when(at(until_ms - 1)).begin_run(request).await.unwrap();
        assert_eq!(answer, TickAnswer::Busy { until: at(until_ms) }, "tick {scheduled_ms}");
    };
    for scheduled_ms in [60_000, 0, 61_000, 120_000] {
        asked_at_the_last_moment(scheduled_ms, 120_000).await;
    }
    let two_minutes = Duration::from_secs(120);
    assert!(timed.when(at(80_000)).renew_run(&run.fence, two_minutes, Tally::default()).await.unwrap());
    asked_at_the_last_moment(120_000, 200_000).await;
    let own = timed.begin_run(tick("early", 60_000)).await.unwrap();
    assert_eq!(own, TickAnswer::Busy { until: at(200_000) }, "nor does its own node run it twice");
    assert_eq!(all_runs(&timed).await.len(), 1);

    ended(&timed, &run, 150_000, RunEnd::Finished).await;
    let next = begun(timed.when(at(150_000)), by("node-2", tick("early", 120_000))).await;
    assert_eq!((next.scheduled_at, next.attempt), (at(120_000), 1), "an ended run blocks no other");
}

async fn a_lease_is_taken_over_when_it_is_over_and_was_seen_unchanged(timed: Timed) {
    let dead = begun(timed.when(at(0)), tick("early", 0)).await;
    let busy = TickAnswer::Busy { until: at(60_000) };
    for (now, request) in [
        (999_000, tick("early", 0)),
        (999_000, having_seen(59_999, tick("early", 0))),
        (59_999, having_seen(60_000, tick("early", 0))),
        // The database's clock was set back, or the lease is one of a clock that was ahead.
        (60_000 - 7_200_000, having_seen(60_000, tick("early", 0))),
        (60_000 - 7_200_001, tick("early", 0)),
    ] {
        let answer = timed.when(at(now)).begin_run(by("node-2", request.clone())).await.unwrap();
        assert_eq!(answer, busy, "at {now}: {request:?}");
    }
    let request = having_seen(60_000, by("node-2", tick("early", 0)));
    let far_ahead = timed.when(at(60_000 - 7_200_001));
    let second = begun(far_ahead, request.clone()).await;
    assert_eq!(second.attempt, 2, "no lease is that long");
    assert!(!timed.renew_run(&dead.fence, MINUTE, Tally::default()).await.unwrap());
    let until_ms = 120_000 - 7_200_001;
    let third = begun(timed.when(at(until_ms)), having_seen(until_ms, tick("early", 0))).await;
    assert_eq!(third.attempt, 3);
}

async fn jobs_do_not_wait_for_each_other_and_run_numbers_grow(store: Arc<dyn Store>) {
    let mut last = 0;
    for scheduled_ms in [0, 1, 2] {
        for job in ["early", "daily", "Early"] {
            let run = begun(&store, tick(job, scheduled_ms)).await;
            assert!(run.fence.run_id > last, "of all jobs the later run has the larger number");
            last = run.fence.run_id;
            if job == "early" {
                ended(&store, &run, scheduled_ms, RunEnd::Finished).await;
            } else {
                ended(&store, &run, scheduled_ms, RunEnd::Cancelled).await;
            }
        }
    }
    let at_once = join_all((0..20).map(|nth| store.begin_run(tick(&format!("job-{nth}"), 0)))).await;
    assert!(at_once.into_iter().all(|answer| matches!(answer, Ok(TickAnswer::Begun(_)))));
}

async fn a_tick_whose_lease_ran_out_is_taken_over_before_a_later_one_begins(timed: Timed) {
    let first = TickRequest { missed: 3, ..tick("early", 0) };
    let dead = begun(timed.when(at(0)), first.clone()).await;
    let so_far = Tally { examined: 7, changed: 2, still_pending: 4, failed: 1 };
    assert!(timed.when(at(30_000)).renew_run(&dead.fence, MINUTE, so_far).await.unwrap());

    let second = having_seen(90_000, by("node-2", tick("early", 90_000)));
    let taken_over = begun(timed.when(at(90_000)), second.clone()).await;
    assert_eq!((taken_over.scheduled_at, taken_over.attempt), (at(0), 2), "not the tick asked for");
    assert!(taken_over.fence.run_id > dead.fence.run_id);
    let ended_record = RunRecord {
        lease_until: at(90_000),
        tally: so_far,
        ended: Some((at(90_000), RunEnd::TakenOver { by: "node-2".to_owned() })),
        ..record(&dead, &first, 0)
    };
    let at_work = RunRecord { missed: 3, ..record(&taken_over, &second, 90_000) };
    assert_eq!(all_runs(&timed).await, [at_work, ended_record]);

    // Nor does the second one live.
    let third = having_seen(150_000, by("node-3", tick("early", 90_000)));
    let third = begun(timed.when(at(999_000)), third).await;
    assert_eq!((third.scheduled_at, third.attempt), (at(0), 3));
    ended(&timed, &third, 999_001, RunEnd::Finished).await;
    let asked_for = begun(&timed, by("node-3", tick("early", 90_000))).await;
    assert_eq!((asked_for.scheduled_at, asked_for.attempt), (at(90_000), 1));
    ended(&timed, &asked_for, 999_003, RunEnd::Finished).await;
    for scheduled_ms in [0, 90_000] {
        let again = timed.begin_run(by("node-2", tick("early", scheduled_ms))).await.unwrap();
        assert_eq!(again, TickAnswer::Done, "tick {scheduled_ms}");
    }
}

async fn of_50_requests_at_once_one_takes_over(timed: Timed) {
    let dead = begun(timed.when(at(0)), tick("early", 0)).await;
    let store = timed.when(at(60_000));
    let requests =
        (0..50).map(|nth| having_seen(60_000, by(&format!("node-{nth}"), tick("early", 60_000 * (nth % 2)))));
    let answers = join_all(requests.map(|request| store.begin_run(request))).await;
    let begun: Vec<BegunRun> = answers
        .into_iter()
        .filter_map(|answer| match answer.unwrap() {
            TickAnswer::Begun(run) => Some(run),
            TickAnswer::Busy { .. } => None,
            TickAnswer::Done | TickAnswer::Overtaken => panic!("it was never finished"),
        })
        .collect();
    assert_eq!(begun.len(), 1);
    assert_eq!((begun[0].scheduled_at, begun[0].attempt), (at(0), 2));
    let recorded = all_runs(store).await;
    assert_eq!(recorded.len(), 2);
    let by = recorded[0].node.clone();
    assert_eq!(recorded[1].fence, dead.fence);
    assert_eq!(recorded[1].ended.as_ref().unwrap().1, RunEnd::TakenOver { by });
}

async fn a_takeover_names_the_previous_owner(timed: Timed) {
    let first = begun(timed.when(at(0)), by("ਨੋਡ-1", tick("early", 0))).await;
    assert_eq!(first.taken_from, None, "there was no previous owner");
    let request = having_seen(60_000, by("node-2", tick("early", 60_000)));
    let second = begun(timed.when(at(60_000)), request.clone()).await;
    assert_eq!(second.taken_from.as_deref(), Some("ਨੋਡ-1"));
    let again = begun(timed.when(at(120_000)), having_seen(120_000, request)).await;
    assert_eq!(again.taken_from.as_deref(), Some("node-2"), "also from itself");
    ended(&timed, &again, 120_001, RunEnd::Cancelled).await;
    let after_cancelling = begun(&timed, by("node-3", tick("early", 0))).await;
    assert_eq!((after_cancelling.attempt, after_cancelling.taken_from.clone()), (4, None), "it was let go");
    ended(&timed, &after_cancelling, 120_003, RunEnd::Finished).await;
    assert_eq!(begun(&timed, by("node-3", tick("early", 60_000))).await.taken_from, None);
    assert_eq!(begun(&timed, by("node-3", tick("daily", 0))).await.taken_from, None);
}

async fn a_lease_that_ran_out_may_be_renewed_until_it_is_taken_over(timed: Timed) {
    let run = begun(timed.when(at(0)), tick("early", 0)).await;
    assert!(timed.when(at(440_000)).renew_run(&run.fence, MINUTE, Tally::default()).await.unwrap());
    let stale = having_seen(60_000, by("node-2", tick("early", 0)));
    let other = timed.when(at(999_000)).begin_run(stale).await.unwrap();
    assert_eq!(other, TickAnswer::Busy { until: at(500_000) }, "it has changed since");
    let renewals = (0..20).map(|_| timed.renew_run(&run.fence, MINUTE, Tally::default()));
    assert!(join_all(renewals).await.into_iter().all(Result::unwrap));

    let request = having_seen(1_059_000, by("node-2", tick("early", 0)));
    begun(timed.when(at(1_059_000)), request).await;
    let before = all_runs(&timed).await;
    assert!(!timed.renew_run(&run.fence, MINUTE, Tally::default()).await.unwrap());
    assert!(!timed.end_run(&run.fence, at(1), Tally::default(), RunEnd::Finished).await.unwrap());
    assert_eq!(all_runs(&timed).await, before);
}

async fn a_finished_tick_is_done(store: Arc<dyn Store>) {
    let first = begun(&store, tick("early", 0)).await;
    ended(&store, &first, 10, RunEnd::Finished).await;
    let again = (0..20).map(|_| store.begin_run(by("node-2", tick("early", 0))));
    assert!(join_all(again).await.into_iter().all(|answer| matches!(answer, Ok(TickAnswer::Done))));
    let second = begun(&store, tick("early", 1_000)).await;
    ended(&store, &second, 1_010, RunEnd::Finished).await;
    for scheduled_ms in [0, 1_000] {
        let answer = store.begin_run(by("node-2", tick("early", scheduled_ms))).await.unwrap();
        assert_eq!(answer, TickAnswer::Done, "tick {scheduled_ms}");
    }
    assert_eq!(all_runs(&store).await.len(), 2);
    assert_eq!(begun(&store, tick("daily", 0)).await.attempt, 1, "the tick of another job is another");
}

async fn a_tick_that_was_cancelled_or_failed_begins_again(store: Arc<dyn Store>) {
    let ends =
        [RunEnd::Cancelled, RunEnd::Failed("no gateway could be reached".to_owned()), RunEnd::Finished];
    for (attempt, end) in (1..).zip(ends.clone()) {
        let run = begun(&store, tick("early", 0)).await;
        assert_eq!((run.scheduled_at, run.attempt), (at(0), attempt));
        ended(&store, &run, i64::from(attempt), end).await;
    }
    assert_eq!(store.begin_run(tick("early", 0)).await.unwrap(), TickAnswer::Done);
    let recorded: Vec<_> = all_runs(&store).await.into_iter().rev().map(|run| run.ended.unwrap()).collect();
    assert_eq!(recorded, [1, 2, 3].map(at).into_iter().zip(ends).collect::<Vec<_>>());

    let run = begun(&store, tick("early", 1_000)).await;
    ended(&store, &run, 1_001, RunEnd::Cancelled).await;
    let next = begun(&store, tick("early", 2_000)).await;
    assert_eq!((next.scheduled_at, next.attempt), (at(2_000), 1), "it need not begin again");
}

async fn a_run_on_a_stale_snapshot_is_refused(timed: Timed) {
    let store = timed.when(at(0));
    let knowing = |newest: i64, request: TickRequest| TickRequest { newest_known: Some(newest), ..request };
    let of_another = begun(store, tick("daily", 0)).await;
    let first = begun(store, knowing(0, tick("early", 0))).await;
    ended(store, &first, 10, RunEnd::Finished).await;
    // The ticks at 20 and 30 are missed; a caller who found the former due comes too late for it.
    let newest = begun(store, knowing(first.fence.run_id, tick("early", 40))).await;
    ended(store, &newest, 50, RunEnd::Failed("unavailable".to_owned())).await;
    let before = all_runs(store).await;
    for old in [0, first.fence.run_id, of_another.fence.run_id, i64::MAX] {
        let late = knowing(old, tick("early", 20));
        assert_eq!(store.begin_run(late).await.unwrap(), TickAnswer::Overtaken, "{old}");
    }
    assert_eq!(all_runs(store).await, before);
    let done = knowing(0, tick("early", 0));
    assert_eq!(store.begin_run(done).await.unwrap(), TickAnswer::Done, "that counts first");
    begun(store, knowing(newest.fence.run_id, tick("early", 40))).await;
    let later = knowing(0, tick("early", 60));
    assert!(matches!(store.begin_run(later).await.unwrap(), TickAnswer::Busy { .. }));
    let request = having_seen(60_000, knowing(0, tick("early", 200_000)));
    let taken_over = begun(timed.when(at(200_000)), request).await;
    assert_eq!((taken_over.scheduled_at, taken_over.attempt), (at(40), 3), "taking over is always in time");
}

async fn a_run_ends_once(store: Arc<dyn Store>) {
    let run = begun(&store, tick("early", 0)).await;
    let ends = (1..=20_u32).map(|nth| {
        let tally = Tally { examined: nth, ..Tally::default() };
        store.end_run(&run.fence, at(i64::from(nth)), tally, RunEnd::Failed(nth.to_string()))
    });
    let outcomes = join_all(ends).await;
    let won: Vec<u32> =
        (1..).zip(outcomes).filter(|(_, ended)| *ended.as_ref().unwrap()).map(|(nth, _)| nth).collect();
    assert_eq!(won.len(), 1);
    let recorded = all_runs(&store).await;
    assert_eq!(recorded[0].tally.examined, won[0]);
    assert_eq!(recorded[0].ended, Some((at(i64::from(won[0])), RunEnd::Failed(won[0].to_string()))));
    assert!(!store.renew_run(&run.fence, MINUTE, Tally::default()).await.unwrap());
    assert_eq!(all_runs(&store).await, recorded);
}

async fn runs_are_listed_newest_first_with_their_outcome(store: Arc<dyn Store>) {
    assert_eq!(all_runs(&store).await, []);
    let mut expected = Vec::new();
    for nth in 0..9_u32 {
        let job = ["early", "daily", "outbox"][usize::try_from(nth % 3).unwrap()];
        let scheduled_ms = i64::from(nth) * if nth % 2 == 0 { 1_000 } else { -1_000 };
        let request =
            TickRequest { missed: nth, node: format!("ਨੋਡ-{nth}"), ..tick(job, scheduled_ms) };
        let run = begun(&store, request.clone()).await;
        let tally = Tally { examined: u32::MAX, changed: nth, still_pending: nth + 1, failed: nth + 2 };
        assert!(store.end_run(&run.fence, at(7), tally, RunEnd::Finished).await.unwrap());
        let ended = Some((at(7), RunEnd::Finished));
        expected.insert(0, RunRecord { tally, ended, ..record(&run, &request, 0) });
    }
    assert_eq!(all_runs(&store).await, expected);
    assert_eq!(store.runs(None, 4).await.unwrap(), expected[..4]);
    assert_eq!(store.runs(None, 0).await.unwrap(), []);
    let of_daily: Vec<_> = expected.into_iter().filter(|run| run.fence.job == "daily").collect();
    assert_eq!(store.runs(Some("daily"), 10).await.unwrap(), of_daily);
    assert_eq!(store.runs(Some("daily"), 2).await.unwrap(), of_daily[..2]);
    assert_eq!(store.runs(Some("another"), 2).await.unwrap(), []);
}

async fn the_last_tick_is_not_one_of_a_clock_that_ran_ahead(store: Arc<dyn Store>) {
    let last_tick = |now_ms| store.last_tick("early", at(now_ms));
    let a_year = 31_536_000_000;
    assert_eq!(last_tick(0).await.unwrap(), None);
    let ahead = begun(&store, tick("early", a_year)).await;
    assert_eq!(last_tick(a_year - 1).await.unwrap(), None);
    assert_eq!(last_tick(a_year).await.unwrap(), Some(at(a_year)), "begun is enough");
    ended(&store, &ahead, a_year, RunEnd::Finished).await;

    for scheduled_ms in [5_000, 3_000] {
        let run = begun(&store, tick("early", scheduled_ms)).await;
        assert_eq!(run.scheduled_at, at(scheduled_ms), "its day has not come");
        ended(&store, &run, scheduled_ms, RunEnd::Cancelled).await;
    }
    begun(&store, tick("daily", 4_000)).await;
    for (now_ms, expected) in [
        (2_999, None),
        (3_000, Some(3_000)),
        (4_999, Some(3_000)),
        (5_000, Some(5_000)),
        (9_000, Some(5_000)),
    ] {
        assert_eq!(last_tick(now_ms).await.unwrap(), expected.map(at), "at {now_ms}");
    }
}

async fn old_runs_are_forgotten_except_the_last_of_each_job(store: Arc<dyn Store>) {
    for (job, ended_at) in [
        ("early", 10),
        ("daily", 11),
        ("early", 12),
        ("early", 13),
        ("daily", 14),
        ("early", 15),
        ("early", 16),
    ] {
        let run = begun(&store, tick(job, ended_at)).await;
        ended(&store, &run, ended_at, RunEnd::Finished).await;
    }
    let at_work = begun(&store, tick("outbox", 0)).await;
    let left = async || {
        let runs = all_runs(&store).await;
        runs.iter().rev().filter_map(|run| run.ended.as_ref()).map(|(moment, _)| *moment).collect::<Vec<_>>()
    };
    assert_eq!(store.forget_runs(at(10), 100).await.unwrap(), 0, "the moment itself is not meant");
    assert_eq!(store.forget_runs(at(99), 0).await.unwrap(), 0);
    assert_eq!(store.forget_runs(at(13), 2).await.unwrap(), 2);
    assert_eq!(left().await.len(), 5);
    assert_eq!(store.forget_runs(at(13), 100).await.unwrap(), 1);
    assert_eq!(left().await, [13, 14, 15, 16].map(at));
    assert_eq!(store.forget_runs(at(9_000_000), 100).await.unwrap(), 2);
    assert_eq!(left().await, [14, 16].map(at));
    assert_eq!(store.forget_runs(at(9_000_000), 100).await.unwrap(), 0);
    assert_eq!(store.last_tick("daily", at(99)).await.unwrap(), Some(at(14)));
    assert_eq!(store.begin_run(tick("early", 16)).await.unwrap(), TickAnswer::Done);
    assert!(store.renew_run(&at_work.fence, MINUTE, Tally::default()).await.unwrap(), "it is at work");

    let next = begun(&store, tick("early", 20)).await;
    assert!(next.fence.run_id > at_work.fence.run_id, "a number is never given twice");
}
