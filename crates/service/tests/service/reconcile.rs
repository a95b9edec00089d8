//! Reconciliation: whole stories on a clock that is moved by hand.

use std::time::{Duration, Instant};

use payment_domain::{ActorKind, AttentionKind, Outcome, Status, StatusName, Timestamp, TxnId};
use payment_gateway::{Availability, GuardSettings, StartMode};
use payment_service::{ByHand, CaseError, Check, Checked, Looked, Progress, Scheduler};
use payment_store::{AttentionQuery, CaseState, RunEnd, TickAnswer, TickRequest};
use tokio_util::sync::CancellationToken;

use crate::support::{
    HOUR, MINUTE, World, by_another, codes, declined, guarded_world, named, paid, request, world, world_where,
};

/// A world whose clock begins on the hour, so that the ticks are easy to count.
fn on_the_hour() -> World {
    let world = world();
    world.clock.set(at("2026-11-22T05:00:00Z"));
    world
}

fn at(text: &str) -> Timestamp {
    Timestamp::from_millis(text.parse::<jiff::Timestamp>().unwrap().as_millisecond())
}

async fn cases(world: &World) -> Vec<(TxnId, AttentionKind)> {
    let query = AttentionQuery { state: CaseState::All, limit: 100, ..AttentionQuery::default() };
    let cases = world.payments.attention.list(&query).await.unwrap();
    cases.into_iter().map(|case| (case.case.txn_id, case.case.kind)).collect()
}

#[tokio::test]
async fn a_payment_behind_a_closed_tab_gets_its_receipt_by_the_early_job() {
    let world = on_the_hour();
    let node = world.scheduler("a");
    let id = world.pending("B1", "100.00").await;
    world.gateway.answers(paid("100.00"));

    world.pass(&node, MINUTE * 14, MINUTE).await;
    assert_eq!(world.gateway.asked(), 0, "not before its turn");
    world.pass(&node, MINUTE, MINUTE).await;
    let txn = world.stored(&id).await;
    assert!(matches!(txn.status, Status::Success { receipt: Some(_) }), "{:?}", txn.status);
    assert_eq!(txn.audit.modified_by.as_deref(), Some("system-1"), "in the name of the system user");
    assert_eq!(world.collections.registered(), 1);

    let history = world.store.history(&id).await.unwrap();
    let settled = history.iter().find(|entry| entry.to == StatusName::Success).unwrap();
    assert_eq!(settled.actor.kind, ActorKind::Job);
    let run = &world.store.runs(Some("early"), 1).await.unwrap()[0];
    assert_eq!(settled.actor.id, format!("early#{}", run.fence.run_id), "which run it was can be looked up");
    assert_eq!((run.tally.examined, run.tally.changed), (1, 1));

    let events = world.store.events_of(&id).await.unwrap();
    let body: serde_json::Value = serde_json::from_str(&events.last().unwrap().event.body).unwrap();
    assert_eq!(body["notifyPayer"], true, "so that the payer is sent a message");
    assert_eq!(body["RequestInfo"]["userInfo"]["type"], "SYSTEM");
    assert_eq!(body["RequestInfo"]["userInfo"]["uuid"], "system-1");
    assert!(body["Transaction"]["receipt"].is_string());
}

#[tokio::test]
async fn a_payment_confirmed_after_forty_minutes_gets_its_receipt_within_the_hour() {
    let world = on_the_hour();
    let node = world.scheduler("a");
    let id = world.pending("B1", "100.00").await;
    world.gateway.answers(Outcome::Pending);
    world.pass(&node, MINUTE * 40, MINUTE).await;
    assert_eq!(world.stored(&id).await.status, Status::Pending);
    assert_eq!(world.gateway.asked(), 1, "the next check is half an hour after the first");
    world.gateway.answers(paid("100.00"));
    world.pass(&node, MINUTE * 5, MINUTE).await;
    assert!(matches!(world.stored(&id).await.status, Status::Success { receipt: Some(_) }));
    assert_eq!(world.collections.creates(), 1);
}

#[tokio::test]
async fn checks_follow_at_growing_distances_and_then_with_each_daily_run() {
    let world = on_the_hour(); // 10:30 in India
    let node = world.scheduler("a");
    world.pending("B1", "100.00").await;
    world.gateway.answers(Outcome::Pending);
    let (mut asked_at, mut now) = (Vec::new(), 0);
    while now < 40 * 60 {
        let minutes = if now < 240 { 5 } else { 15 };
        world.pass(&node, MINUTE * minutes, MINUTE * minutes).await;
        now += minutes;
        if world.gateway.asked() > asked_at.len() {
            assert_eq!(world.gateway.asked(), asked_at.len() + 1);
            asked_at.push(now);
        }
    }
    // Early after 15 minutes, +30, at noon in India (90) with all, +2 h, +6 h, then midnight, noon.
    assert_eq!(asked_at, [15, 45, 90, 210, 570, 810, 1530, 2250]);
}

#[tokio::test]
async fn an_unpaid_order_fails_at_the_end_of_its_life_and_its_bill_can_be_paid_again() {
    let world = on_the_hour();
    let node = world.scheduler("a");
    let id = world.pending("B1", "100.00").await;
    world.pass(&node, HOUR * 24, MINUTE * 30).await;
    assert_eq!(world.stored(&id).await.status, Status::Pending, "a payer may still come");
    world.pass(&node, HOUR * 12, MINUTE * 30).await;
    let txn = world.stored(&id).await;
    assert_eq!(txn.status, Status::Failure);
    assert_eq!(txn.status_message, "Transaction failed, no payment was made in time");
    assert_eq!(cases(&world).await, [], "it is no review case");
    world.pending("B1", "100.00").await;
}

#[tokio::test]
async fn a_payment_pending_at_the_gateway_is_never_failed_and_becomes_a_review_case() {
    let world = on_the_hour();
    let node = world.scheduler("a");
    let id = world.pending("B1", "100.00").await;
    world.gateway.answers(Outcome::Pending);
    world.pass(&node, HOUR * 72, HOUR).await;
    assert_eq!(world.stored(&id).await.status, Status::Pending);
    assert_eq!(cases(&world).await, [(id.clone(), AttentionKind::PendingBeyondLife)], "once");
    world.gateway.answers(paid("100.00"));
    world.pass(&node, HOUR * 12, MINUTE * 30).await;
    assert!(matches!(world.stored(&id).await.status, Status::Success { receipt: Some(_) }));
}

#[tokio::test]
async fn a_payment_that_a_bank_may_still_decide_is_no_review_case_within_a_day() {
    let world = world_where(StartMode::Offline, |settings| settings.order_life = None);
    world.clock.set(at("2026-11-22T05:00:00Z"));
    let node = world.scheduler("a");
    let id = world.pending("B1", "100.00").await;
    world.gateway.answers(Outcome::Pending);
    world.pass(&node, HOUR * 24, MINUTE * 30).await;
    assert_eq!(cases(&world).await, []);
    world.pass(&node, HOUR * 12, MINUTE * 30).await;
    assert_eq!(cases(&world).await, [(id, AttentionKind::PendingBeyondLife)]);
}

#[tokio::test]
async fn of_two_payments_by_two_tabs_one_gets_a_receipt_and_the_other_a_review_case() {
    let world = on_the_hour();
    let first = world.pending("B1", "100.00").await;
    world.gateway.answers_for(&first, declined());
    assert_eq!(world.settle(&first).await.status, Status::Failure);
    let second = world.pending("B1", "100.00").await;
    world.gateway.answers_for(&second, paid("100.00"));
    assert!(matches!(world.settle(&second).await.status, Status::Success { receipt: Some(_) }));
    // The first tab was still open, and its bank took the money after all.
    world.gateway.answers_for(&first, paid("100.00"));
    assert_eq!(world.settle(&first).await.status, Status::Failure);
    assert_eq!(world.settle(&first).await.status, Status::Failure);
    assert_eq!(cases(&world).await, [(first.clone(), AttentionKind::PaidTwice)]);
    assert_eq!(world.collections.registered(), 1);
    let case = world.store.attention_case(1).await.unwrap().unwrap();
    assert_eq!(case.case.evidence["otherPayments"][0]["txnId"], second.as_str());
    assert_eq!(codes(world.create(request(&[("B1", "100.00")])).await), ["TXN_CREATE_BILL_ALREADY_PAID"]);
}

#[tokio::test]
async fn a_bill_paid_late_cannot_be_paid_again_until_an_operator_has_seen_to_it() {
    let world = on_the_hour();
    let id = world.pending("B1", "100.00").await;
    world.gateway.answers(declined());
    world.settle(&id).await;
    world.gateway.answers(paid("100.00"));
    world.settle(&id).await;
    assert_eq!(cases(&world).await, [(id.clone(), AttentionKind::LateSuccess)]);
    assert_eq!(codes(world.create(request(&[("B1", "100.00")])).await), ["TXN_CREATE_BILL_ALREADY_PAID"]);

    let list = &world.payments.attention;
    assert!(matches!(
        list.resolve(1_i64, None, named("operator-1"), "operator-1", "  ").await,
        Err(CaseError::NoText)
    ));
    assert!(matches!(
        list.resolve(9_i64, None, named("operator-1"), "operator-1", "x").await,
        Err(CaseError::NotFound)
    ));
    list.resolve(1_i64, None, named("operator-1"), "operator-1", "refunded, case 4711").await.unwrap();
    assert!(
        matches!(list.resolve(1_i64, None, named("operator-2"), "operator-2", "again").await, Err(CaseError::Before(first)) if first.by == "operator-1")
    );
    let last = world.store.history(&id).await.unwrap().pop().unwrap();
    assert_eq!(last.actor.id, "operator-1");
    assert_eq!(last.why, "case late-success resolved: refunded, case 4711");
    world.pending("B1", "100.00").await;
}

#[tokio::test]
async fn the_windows_are_exact_to_the_millisecond() {
    let world = on_the_hour();
    let node = world.scheduler("a");
    let tick = world.clock_now();
    // Created exactly one interval before a tick, and a millisecond later.
    let exactly = world.pending("B1", "100.00").await;
    world.clock.advance(Duration::from_millis(1));
    let later = world.pending("B2", "100.00").await;
    world.gateway.answers(paid("100.00"));
    world.clock.set(tick.plus(MINUTE * 15));
    node.look_once(&CancellationToken::new()).await.unwrap();
    assert!(matches!(world.stored(&exactly).await.status, Status::Success { .. }));
    assert_eq!(world.stored(&later).await.status, Status::Pending);
    world.pass(&node, MINUTE * 15, MINUTE * 15).await;
    assert!(matches!(world.stored(&later).await.status, Status::Success { .. }), "at the next tick");
}

#[tokio::test]
async fn the_daily_run_takes_what_is_older_than_two_intervals() {
    let world = world();
    let noon = at("2026-11-22T06:30:00Z"); // in India
    let create = async |before: Duration, bill: &str| {
        world.clock.set(noon.minus(before));
        world.pending(bill, "100.00").await
    };
    let older = create(MINUTE * 30 + Duration::from_millis(1), "B1").await;
    let exactly = create(MINUTE * 30, "B2").await;
    world.gateway.answers(paid("100.00"));
    world.clock.set(noon);
    let daily = world.scheduler("a").run_by_hand("daily", &CancellationToken::new()).await.unwrap();
    assert_eq!(daily.tally.examined, 1);
    assert!(matches!(world.stored(&older).await.status, Status::Success { .. }));
    assert_eq!(world.stored(&exactly).await.status, Status::Pending, "it is the early job's");
}

#[tokio::test]
async fn a_missed_turn_is_made_up_by_one_run_that_says_so() {
    let world = on_the_hour();
    let node = world.scheduler("a");
    world.pass(&node, MINUTE * 15, MINUTE).await;
    let id = world.pending("B1", "100.00").await;
    world.gateway.answers(paid("100.00"));
    // No node is up for two hours, less a minute.
    world.clock.advance(HOUR * 2 - MINUTE);
    let node = world.scheduler("a, started again");
    node.look_once(&CancellationToken::new()).await.unwrap();
    assert!(matches!(world.stored(&id).await.status, Status::Success { receipt: Some(_) }));
    let runs = world.store.runs(Some("early"), 10).await.unwrap();
    assert_eq!(runs[0].scheduled_at, at("2026-11-22T07:00:00Z"));
    assert_eq!(runs[0].missed, 6, "half past five, a quarter to six, …, a quarter to seven");
    let count = runs.len();
    world.scheduler("b").look_once(&CancellationToken::new()).await.unwrap();
    assert_eq!(world.store.runs(Some("early"), 10).await.unwrap().len(), count, "a done tick stays done");
}

#[tokio::test]
async fn a_clock_that_goes_back_does_no_harm() {
    let world = on_the_hour();
    let node = world.scheduler("a");
    world.pass(&node, HOUR, MINUTE * 15).await;
    let before = world.store.runs(Some("early"), 100).await.unwrap().len();
    world.clock.set(at("2026-11-22T05:20:00Z"));
    world.pass(&node, MINUTE * 40, MINUTE * 5).await;
    assert_eq!(world.store.runs(Some("early"), 100).await.unwrap().len(), before, "no tick runs twice");
    // It was a year ahead for a moment; when it is right again, the jobs go on.
    world.clock.set(at("2027-11-22T05:20:00Z"));
    node.look_once(&CancellationToken::new()).await.unwrap();
    world.clock.set(at("2026-11-22T06:20:00Z"));
    node.look_once(&CancellationToken::new()).await.unwrap();
    let newest: Vec<_> = world.store.runs(Some("early"), 1).await.unwrap();
    assert_eq!(newest[0].scheduled_at, at("2026-11-22T06:15:00Z"));
}

#[tokio::test]
async fn a_tick_whose_node_died_is_taken_over_and_finished() {
    let world = on_the_hour();
    let id = world.pending("B1", "100.00").await;
    world.gateway.answers(paid("100.00"));
    world.clock.advance(MINUTE * 15);
    let now = world.clock_now();
    let begun = world.begin("early", now, "the one that dies").await;
    let TickAnswer::Begun(dead) = begun else { panic!("{begun:?}") };

    let (node, late) = (world.scheduler("b"), world.scheduler("c"));
    let is_busy = async |node: &Scheduler| {
        let looked = node.look_once(&CancellationToken::new()).await.unwrap();
        assert!(matches!(looked[0], ("early", Looked::Busy { .. })), "the lease holds: {looked:?}");
    };
    is_busy(&node).await;
    world.clock.advance(Duration::from_secs(14));
    is_busy(&node).await;
    world.clock.advance(Duration::from_secs(1));
    is_busy(&late).await;
    node.look_once(&CancellationToken::new()).await.unwrap();
    assert!(matches!(world.stored(&id).await.status, Status::Success { receipt: Some(_) }));

    let runs = world.store.runs(Some("early"), 10).await.unwrap();
    assert_eq!((runs[0].attempt, runs[0].scheduled_at), (2, now));
    assert!(matches!(runs[0].ended, Some((_, RunEnd::Finished))));
    assert_eq!(runs[1].fence, dead.fence);
    assert!(matches!(&runs[1].ended, Some((_, RunEnd::TakenOver { by })) if by == "b"));
}

#[tokio::test]
async fn a_lease_by_a_clock_far_ahead_is_taken_over_when_it_is_not_renewed() {
    let world = on_the_hour();
    world.clock.advance(MINUTE * 15);
    let now = world.clock_now();
    world.clock.advance(HOUR * 24 * 365);
    world.begin("early", now, "the one whose clock is a year ahead").await;
    world.clock.set(now);
    let stop = CancellationToken::new();
    let node = world.scheduler_with_lease("b", Duration::from_millis(200));
    let running = tokio::spawn({
        let stop = stop.clone();
        async move { node.run(stop).await }
    });
    let finished = async {
        loop {
            let runs = world.store.runs(Some("early"), 1).await.unwrap();
            if runs[0].node == "b" && runs[0].ended.is_some() {
                return;
            }
            world.clock.advance(Duration::from_millis(20));
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(20), finished).await.unwrap();
    stop.cancel();
    running.await.unwrap();
}

#[tokio::test]
async fn a_tick_that_was_cancelled_is_finished_before_the_next() {
    let world = on_the_hour();
    let node = world.scheduler("a");
    world.clock.advance(MINUTE * 15);
    let stopped = CancellationToken::new();
    stopped.cancel();
    node.look_once(&stopped).await.unwrap();
    let runs = world.store.runs(Some("early"), 1).await.unwrap();
    assert!(matches!(runs[0].ended, Some((_, RunEnd::Cancelled))));
    world.clock.advance(MINUTE * 15);
    let node = world.scheduler("a, started again");
    node.look_once(&CancellationToken::new()).await.unwrap();
    node.look_once(&CancellationToken::new()).await.unwrap();
    let runs = world.store.runs(Some("early"), 10).await.unwrap();
    let ticks: Vec<_> = runs.iter().rev().map(|run| (run.scheduled_at, run.attempt, run.missed)).collect();
    let (first, second) = (at("2026-11-22T05:15:00Z"), at("2026-11-22T05:30:00Z"));
    assert_eq!(ticks, [(first, 1, 0), (first, 2, 0), (second, 1, 0)]);
}

#[tokio::test]
async fn a_run_that_was_taken_over_stores_nothing() {
    let world = on_the_hour();
    let id = world.pending("B1", "100.00").await;
    world.clock.advance(MINUTE * 15);
    // The node makes a status request, is suspended while it waits, and is taken over meanwhile.
    world.gateway.answers(paid("100.00"));
    world.gateway.is_slow(Duration::from_millis(300));
    let node = world.scheduler("the one that is stopped");
    let running = tokio::spawn(async move { node.look_once(&CancellationToken::new()).await.unwrap() });
    while world.gateway.asked() == 0 {
        tokio::task::yield_now().await;
    }
    world.clock.advance(Duration::from_secs(20));
    let until = world.store.runs(Some("early"), 1).await.unwrap()[0].lease_until;
    let taken = world.begin_after("early", world.clock_now(), "the next one", Some(until)).await;
    assert!(matches!(taken, TickAnswer::Begun(_)), "{taken:?}");
    let looked = running.await.unwrap();
    let Looked::Ran(run) = &looked[0].1 else { panic!("{looked:?}") };
    assert_eq!(run.end, None, "it is over already");
    assert_eq!(world.stored(&id).await.status, Status::Pending, "what it learned is not stored");
    assert_eq!(world.store.history(&id).await.unwrap().len(), 1);
    assert_eq!(world.collections.registered(), 0);
}

#[tokio::test]
async fn one_transaction_in_trouble_never_stops_the_others() {
    let world = on_the_hour();
    let mut ids = Vec::new();
    for nth in 0..20 {
        ids.push(world.pending(&format!("B{nth}"), "100.00").await);
    }
    let odd = Outcome::Unrecognised { code: "X99".to_owned() };
    world.gateway.is_unavailable();
    for (nth, id) in ids.iter().enumerate() {
        match nth {
            3 => {} // does not answer
            7 => world.gateway.answers_for(id, odd.clone()),
            _ => world.gateway.answers_for(id, paid("100.00")),
        }
    }
    let node = world.scheduler("a");
    world.pass(&node, MINUTE * 15, MINUTE * 15).await;
    for (nth, id) in ids.iter().enumerate() {
        let txn = world.stored(id).await;
        assert_eq!(txn.status.name() == StatusName::Success, nth != 3 && nth != 7, "{nth}");
    }
    let run = &world.store.runs(Some("early"), 1).await.unwrap()[0];
    assert_eq!((run.tally.examined, run.tally.changed), (20, 18));
    assert_eq!((run.tally.still_pending, run.tally.failed), (1, 1));
    let line = world.store.history(&ids[3]).await.unwrap().pop().unwrap();
    assert!(line.why.starts_with("the gateway could not be asked"), "{}", line.why);
    // And its next turn comes.
    world.gateway.answers(paid("100.00"));
    world.pass(&node, MINUTE * 31, MINUTE).await;
    assert!(matches!(world.stored(&ids[3]).await.status, Status::Success { .. }));
}

/// How long a run has left in which the next tick is about to come.
const SHORTLY: Duration = Duration::from_millis(100);

#[tokio::test]
async fn payments_of_an_unavailable_gateway_keep_their_check_schedule() {
    let world = on_the_hour();
    let node = world.scheduler("a");
    let id = world.pending("B1", "100.00").await;
    world.gateway.is(Availability::Unavailable { retry_after: HOUR });
    for _ in 0..3 {
        // The run lasts until its next tick.
        world.pass(&node, MINUTE * 15 - SHORTLY, MINUTE * 15).await;
        world.clock.advance(SHORTLY);
    }
    assert_eq!(world.store.history(&id).await.unwrap().len(), 1, "it was not even tried");
    let run = &world.store.runs(Some("early"), 1).await.unwrap()[0];
    assert_eq!((run.tally.examined, run.tally.failed), (0, 1), "and the run counts the failure");
    world.gateway.is(Availability::Available);
    world.gateway.answers(paid("100.00"));
    world.pass(&node, MINUTE * 15, MINUTE * 15).await;
    assert!(matches!(world.stored(&id).await.status, Status::Success { .. }));
}

#[tokio::test]
async fn a_gateway_that_returns_during_a_run_is_asked_by_it() {
    let world = on_the_hour();
    let node = world.scheduler("a");
    for nth in 0..40 {
        world.pending(&format!("B{nth}"), "100.00").await;
    }
    world.gateway.answers(paid("100.00"));
    world.gateway.is(Availability::Unavailable { retry_after: HOUR });
    let pass = world.pass(&node, MINUTE * 15, MINUTE * 15);
    let back = async {
        tokio::time::sleep(SHORTLY).await;
        assert_eq!(world.gateway.asked(), 0);
        world.gateway.is(Availability::Available);
    };
    tokio::join!(pass, back);
    assert_eq!(world.gateway.asked(), 40);
    let run = &world.store.runs(Some("early"), 1).await.unwrap()[0];
    assert_eq!((run.tally.examined, run.tally.changed, run.tally.failed), (40, 40, 0));
}

fn touchy() -> GuardSettings {
    GuardSettings { failures_in_a_row: 5, cool_down: SHORTLY, ..GuardSettings::default() }
}

#[tokio::test]
async fn after_an_outage_one_check_probes_and_no_payment_loses_its_turn() {
    let world = guarded_world(touchy());
    world.clock.set(at("2026-11-22T05:00:00Z"));
    let node = world.scheduler("a");
    let mut ids = Vec::new();
    for nth in 0..40 {
        ids.push(world.pending(&format!("B{nth}"), "100.00").await);
    }
    world.gateway.is_unavailable();
    for id in &ids[..5] {
        world.settle(id).await;
    }
    // The breaker is open, and its time is over: the first call is the probe.
    tokio::time::sleep(SHORTLY * 2).await;
    world.gateway.answers(paid("100.00"));
    world.pass(&node, MINUTE * 15, MINUTE * 15).await;
    let run = &world.store.runs(Some("early"), 1).await.unwrap()[0];
    assert_eq!((run.tally.examined, run.tally.changed, run.tally.failed), (40, 40, 0));
}

#[tokio::test]
async fn payments_without_an_answer_delay_no_later_payment() {
    let world = guarded_world(touchy());
    world.clock.set(at("2026-11-22T05:00:00Z"));
    let node = world.scheduler("a");
    world.gateway.answers(paid("100.00"));
    for nth in 0..30 {
        let id = world.pending(&format!("B{nth}"), "100.00").await;
        world.clock.advance(Duration::from_millis(1));
        if nth < 8 {
            world.gateway.is_silent_about(&id);
        }
    }
    world.pass(&node, MINUTE * 30, MINUTE * 30).await;
    let run = &world.store.runs(Some("early"), 1).await.unwrap()[0];
    assert_eq!((run.tally.examined, run.tally.changed, run.tally.failed), (30, 22, 8));
}

#[tokio::test]
async fn a_check_by_hand_uses_up_no_scheduled_check() {
    let world = on_the_hour();
    let node = world.scheduler("a");
    let checked = world.pending("B1", "100.00").await;
    world.gateway.answers(Outcome::Pending);
    world.pass(&node, MINUTE * 15, MINUTE).await;
    let fresh = world.pending("B2", "100.00").await;
    let reconciliation = world.reconciliation();
    for _ in 0..4 {
        let due = reconciliation.find(&ByHand::default(), None, usize::MAX).await.unwrap();
        let stop = CancellationToken::new();
        reconciliation.check_until(due, "operator-1", &mut Seen::default(), &stop).await.unwrap();
        reconciliation.check_one(&checked, "operator-1").await.unwrap();
    }
    world.gateway.answers(paid("100.00"));
    world.pass(&node, MINUTE * 30, MINUTE).await;
    for id in [checked, fresh] {
        assert!(matches!(world.stored(&id).await.status, Status::Success { .. }));
    }
}

#[tokio::test]
async fn an_unanswered_check_of_a_failed_payment_does_not_fail_it_again() {
    let world = on_the_hour();
    let id = world.pending("B1", "100.00").await;
    world.gateway.answers(declined());
    world.settle(&id).await;
    let reconciliation = world.reconciliation();
    world.gateway.is_unavailable();
    let checked = reconciliation.check_one(&id, "operator-1").await.unwrap().unwrap();
    assert!(matches!(checked.check, Check::Failed(_)), "{:?}", checked.check);
    world.gateway.is(Availability::Unavailable { retry_after: HOUR });
    let checked = reconciliation.check_one(&id, "operator-1").await.unwrap().unwrap();
    let expected = "the gateway is unavailable; try again in 3600 s";
    assert_eq!(checked.check, Check::Failed(expected.to_owned()));
    world.gateway.is(Availability::Available);
    world.gateway.answers(declined());
    let checked = reconciliation.check_one(&id, "operator-1").await.unwrap().unwrap();
    assert_eq!(checked.check, Check::Settled(StatusName::Failure));
}

#[tokio::test]
async fn a_check_by_a_clock_ahead_is_repeated_by_the_next_daily_run() {
    let world = on_the_hour();
    let id = world.pending("B1", "100.00").await;
    world.gateway.answers(Outcome::Pending);
    world.clock.advance(HOUR * 72);
    let reconciliation = world.scheduler("ahead");
    world.pass(&reconciliation, MINUTE, MINUTE).await;
    assert_eq!(world.gateway.asked(), 1);
    world.clock.set(at("2026-11-22T05:30:00Z"));
    world.gateway.answers(paid("100.00"));
    world.pass(&world.scheduler("right"), HOUR * 14, MINUTE * 30).await;
    assert!(matches!(world.stored(&id).await.status, Status::Success { .. }));
}

#[tokio::test]
async fn the_holder_of_a_bill_is_checked_before_a_new_payment() {
    let world = on_the_hour();
    let old = world.pending("B1", "100.00").await;
    world.gateway.answers_for(&old, declined());
    world.clock.advance(MINUTE);
    let taken = ["TXN_ABRUPTLY_DISCARDED"];
    assert_eq!(
        codes(world.create(by_another(request(&[("B1", "100.00")]))).await),
        taken,
        "a minute is too soon"
    );
    assert_eq!(world.gateway.asked(), 0);
    world.clock.advance(Duration::from_millis(1));
    world.create(by_another(request(&[("B1", "100.00")]))).await.unwrap();
    assert_eq!(world.stored(&old).await.status, Status::Failure);

    let undecided = world.pending("B2", "100.00").await;
    world.clock.advance(MINUTE * 2);
    assert_eq!(
        codes(world.create(by_another(request(&[("B2", "100.00")]))).await),
        taken,
        "not definitely over"
    );
    world.gateway.answers_for(&undecided, paid("100.00"));
    let answer = codes(world.create(by_another(request(&[("B2", "100.00")]))).await);
    assert_eq!(answer, ["TXN_CREATE_BILL_ALREADY_PAID"], "and the payer has the receipt");
    assert!(matches!(world.stored(&undecided).await.status, Status::Success { receipt: Some(_) }));
}

#[derive(Default)]
struct Seen(Vec<Checked>);

impl Progress for Seen {
    fn done(&mut self, checked: &Checked) {
        self.0.push(checked.clone());
    }
}

#[tokio::test]
async fn an_operator_reconciles_by_hand() {
    let world = on_the_hour();
    let old = world.pending("B1", "100.00").await;
    world.clock.advance(MINUTE * 40);
    let young = world.pending("B2", "100.00").await;
    world.gateway.answers(paid("100.00"));
    let reconciliation = world.reconciliation();
    let by_hand = ByHand { gateway: None, older_than: MINUTE * 40 };
    let due = reconciliation.find(&by_hand, None, usize::MAX).await.unwrap();
    assert_eq!(due.iter().map(|due| &due.txn_id).collect::<Vec<_>>(), [&old], "exactly that old is meant");
    assert_eq!(world.stored(&old).await.status, Status::Pending, "looking changes nothing");
    let mut seen = Seen::default();
    reconciliation.check_until(due, "operator-1", &mut seen, &CancellationToken::new()).await.unwrap();
    assert_eq!(seen.0.len(), 1);
    assert_eq!(seen.0[0].check, Check::Settled(StatusName::Success));
    assert_eq!(world.stored(&old).await.audit.modified_by.as_deref(), Some("operator-1"));

    let one = reconciliation.check_one(&young, "operator-1").await.unwrap().unwrap();
    assert_eq!(one.check, Check::Settled(StatusName::Success));
    let unknown = TxnId::new("UNKNOWN").unwrap();
    assert_eq!(reconciliation.check_one(&unknown, "operator-1").await.unwrap(), None);
}

#[tokio::test]
async fn a_check_by_hand_does_not_put_the_next_one_off_to_the_daily_run() {
    let world = on_the_hour();
    let node = world.scheduler("a");
    let id = world.pending("B1", "100.00").await;
    world.gateway.answers(Outcome::Pending);
    world.clock.advance(MINUTE * 5);
    let one = world.reconciliation().check_one(&id, "operator-1").await.unwrap().unwrap();
    assert_eq!(one.check, Check::StillPending);
    world.gateway.answers(paid("100.00"));
    world.pass(&node, MINUTE * 31, MINUTE).await;
    assert!(matches!(world.stored(&id).await.status, Status::Success { receipt: Some(_) }));
}

#[tokio::test]
async fn a_stopped_check_finishes_begun_requests_and_begins_none() {
    let world = on_the_hour();
    let id = world.pending("B1", "100.00").await;
    world.gateway.answers(paid("100.00"));
    let reconciliation = world.reconciliation();
    let due = reconciliation.find(&ByHand::default(), None, usize::MAX).await.unwrap();
    let (stop, mut seen) = (CancellationToken::new(), Seen::default());
    stop.cancel();
    reconciliation.check_until(due, "operator-1", &mut seen, &stop).await.unwrap();
    assert_eq!((seen.0.len(), world.gateway.asked()), (0, 0));
    assert_eq!(world.stored(&id).await.status, Status::Pending);
}

impl World {
    fn clock_now(&self) -> Timestamp {
        payment_domain::Clock::now(self.clock.as_ref())
    }

    async fn begin(&self, job: &str, scheduled_at: Timestamp, node: &str) -> TickAnswer {
        self.begin_after(job, scheduled_at, node, None).await
    }

    /// The same of a node that has seen a lease unchanged which ends at that moment.
    async fn begin_after(
        &self,
        job: &str,
        scheduled_at: Timestamp,
        node: &str,
        not_renewed: Option<Timestamp>,
    ) -> TickAnswer {
        let request = TickRequest {
            job: job.to_owned(),
            scheduled_at,
            missed: 0,
            node: node.to_owned(),
            lease: Duration::from_secs(15),
            not_renewed,
            newest_known: None,
        };
        self.store.begin_run(request).await.unwrap()
    }
}

#[tokio::test]
async fn a_gateway_with_a_pace_is_asked_from_the_beginning_and_never_in_a_burst() {
    let world = on_the_hour().asking(Some(2), 5);
    for bill in ["B1", "B2", "B3", "B4"] {
        world.pending(bill, "100.00").await;
    }
    world.gateway.answers(paid("100.00"));
    let node = world.scheduler("a");
    world.clock.advance(MINUTE * 15);
    let began = Instant::now();
    let running = tokio::spawn(async move { node.look_once(&CancellationToken::new()).await.unwrap() });
    while world.gateway.asked() == 0 {
        assert!(began.elapsed() < MINUTE);
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    // The last one's moment comes a second and a half later.
    assert!(!running.is_finished(), "the first one has waited for the others' moments");
    running.await.unwrap();
    assert_eq!(world.gateway.asked(), 4);
    assert!(began.elapsed() >= Duration::from_millis(1500), "{:?}", began.elapsed());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_payer_is_not_kept_waiting_by_a_sweep_at_its_gateways_pace() {
    let world = on_the_hour().asking(Some(4), 5);
    let mut ids = Vec::new();
    for bill in 0..12 {
        ids.push(world.pending(&format!("B{bill}"), "100.00").await);
    }
    world.clock.advance(MINUTE * 15);
    let payer = world.pending("payer", "100.00").await;
    world.gateway.answers(paid("100.00"));
    let node = world.scheduler("a");
    let running = tokio::spawn(async move { node.look_once(&CancellationToken::new()).await.unwrap() });
    while world.gateway.asked() < 2 {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    assert_eq!(world.settle(&payer).await.status.name(), StatusName::Success);
    assert!(world.gateway.asked() < 8, "the sweep still has work: {}", world.gateway.asked());
    running.await.unwrap();
    assert_eq!(world.gateway.asked(), 13);
}
