//! Refunds: two people, one call that moves money, and doubt that stays doubt.

mod later;

use std::time::Duration;

use futures_util::future::join_all;
use metrics_exporter_prometheus::PrometheusBuilder;
use payment_domain::Personal;
use payment_domain::{
    AttentionKind, Outcome, Principal, Refund, RefundId, RefundOutcome, RefundReceipt, RefundStatus,
    Repetition, Role, TenantId, TxnId,
};
use payment_gateway::RefundFate;
use payment_service::{
    CancelReceipt, Job, RefundDecisionRequest, RefundError, RefundRequest, RefundSettings, RefundsJob, Run,
    UPSTREAM,
};
use payment_store::{BegunRun, RefundKey, TickAnswer, TickRequest};
use serde_json::Map;
use serde_json::value::RawValue;
use tokio_util::sync::CancellationToken;

use crate::support::refunds::at_rest;
use crate::support::{HOUR, MINUTE, World, declined, identity, paid, rupees, world, world_where};
use payment_gateway::StartMode;

const DAY: Duration = Duration::from_secs(24 * 3600);

fn person(uuid: &str, role: Role) -> Principal {
    Principal { uuid: uuid.to_owned(), role, tenant: TenantId::new("pb").unwrap(), address: None }
}

fn maker() -> Principal {
    person("maker-1", Role::RefundMaker)
}

fn checker(uuid: &str) -> Principal {
    person(uuid, Role::RefundChecker)
}

fn amount(text: &str) -> Option<Box<RawValue>> {
    Some(RawValue::from_string(text.to_owned()).unwrap())
}

fn wanted(payment: &TxnId, text: Option<&str>) -> RefundRequest {
    RefundRequest {
        txn_id: payment.clone(),
        amount: text.and_then(amount),
        amount_available: None,
        reason_code: "DUPLICATE".to_owned(),
        reason: Some(Personal::new("paid twice")),
        case: None,
        additional_details: Map::new(),
        key: None,
        trusted: false,
    }
}

fn decision(refund: &Refund) -> RefundDecisionRequest {
    RefundDecisionRequest {
        id: refund.id.clone(),
        version: refund.version,
        comment: Some(Personal::new("seen")),
    }
}

fn now(world: &World) -> payment_domain::Timestamp {
    payment_domain::Clock::now(world.clock.as_ref())
}

impl World {
    /// A successful payment of one hundred rupees, with its receipt.
    async fn bought(&self, bill: &str) -> TxnId {
        let id = self.pending(bill, "100").await;
        self.gateway.answers_for(&id, paid("100"));
        assert!(self.settle(&id).await.receipt().is_some());
        id
    }

    async fn requested(&self, request: RefundRequest) -> Result<Refund, RefundError> {
        self.payments.refunds.request(request, &maker(), &identity()).await
    }

    async fn approved(&self, refund: &Refund) -> Result<Refund, RefundError> {
        self.payments.refunds.approve(decision(refund), &checker("checker-1"), &identity()).await
    }

    async fn refund(&self, id: &RefundId) -> Refund {
        self.store.refund(id, None).await.unwrap().unwrap()
    }

    /// The refund once the work that its approval began has come to an end.
    async fn rested(&self, id: &RefundId) -> Refund {
        at_rest(self).await;
        self.refund(id).await
    }

    /// A refund that was requested and approved, and for which the gateway was called.
    async fn sent(&self, payment: &TxnId, text: Option<&str>) -> Refund {
        let refund = self.requested(wanted(payment, text)).await.unwrap();
        self.approved(&refund).await.unwrap();
        self.rested(&refund.id).await
    }

    /// One run of the job after so long.
    async fn job_after(&self, time: Duration) {
        self.clock.advance(time);
        let request = TickRequest {
            job: "refunds".to_owned(),
            scheduled_at: now(self),
            missed: 0,
            node: "node-1".to_owned(),
            lease: MINUTE,
            not_renewed: None,
            newest_known: None,
        };
        let TickAnswer::Begun(begun) = self.store.begin_run(request).await.unwrap() else { panic!("busy") };
        self.run(begun).await;
    }

    async fn run(&self, begun: BegunRun) {
        let fence = begun.fence.clone();
        let run = Run::new(begun, CancellationToken::new(), tokio::time::Instant::now());
        let job = RefundsJob { refunds: self.payments.refunds.clone(), interval: MINUTE };
        job.tick(&run).await.unwrap();
        let end = payment_store::RunEnd::Finished;
        self.store.end_run(&fence, now(self), run.tally(), end).await.unwrap();
    }

    async fn kinds(&self, payment: &TxnId) -> Vec<AttentionKind> {
        self.store.attention(payment).await.unwrap().iter().map(|case| case.kind).collect()
    }

    fn given(&self) -> i64 {
        self.gateway.given_back().iter().map(|given| given.amount.minor()).sum()
    }
}

#[tokio::test]
async fn a_payment_is_given_back_once_by_two_people() {
    let world = world();
    let payment = world.bought("B1").await;
    let refund = world.requested(wanted(&payment, None)).await.unwrap();
    assert_eq!((refund.status, refund.amount), (RefundStatus::Requested, rupees("100")));
    assert_eq!(world.gateway.refund_calls(), 0, "nothing leaves before it is approved");
    for by in [maker(), person("maker-1", Role::RefundChecker)] {
        let refused = world.payments.refunds.approve(decision(&refund), &by, &identity()).await;
        assert!(matches!(refused, Err(RefundError::SameUser)), "{refused:?}");
    }
    let approved = world.approved(&refund).await.unwrap();
    assert_eq!(approved.status, RefundStatus::Approved);
    let repeated = world.approved(&refund).await.unwrap();
    assert_eq!(repeated.id, refund.id, "a repeated approval is answered with what became of it");
    let done = world.rested(&refund.id).await;
    assert_eq!((done.status, done.receipt), (RefundStatus::Succeeded, RefundReceipt::ToCancel));
    assert!(world.store.cancellation(&payment).await.unwrap().is_some());
    assert_eq!((world.given(), world.gateway.refund_calls()), (10_000, 1));
    let again = world.requested(wanted(&payment, None)).await;
    assert!(matches!(again, Err(RefundError::AlreadyPaid)), "{again:?}");
    let words: Vec<String> = world
        .store
        .refund_history(&refund.id)
        .await
        .unwrap()
        .iter()
        .map(|line| format!("{}>{}", line.from.map_or("", RefundStatus::as_str), line.to.as_str()))
        .collect();
    assert_eq!(words, [">REQUESTED", "REQUESTED>APPROVED", "APPROVED>SENT", "SENT>SUCCEEDED"]);
    let audit =
        world.store.audit_entries(&payment_store::AuditQuery { limit: 9, ..Default::default() }).await;
    assert_eq!(audit.unwrap().len(), 2, "the request and the approval");
}

#[tokio::test]
async fn of_two_approvals_at_once_one_counts() {
    let world = world();
    let payment = world.bought("B1").await;
    let refund = world.requested(wanted(&payment, Some("40"))).await.unwrap();
    let (one, other) = (checker("checker-1"), checker("checker-2"));
    let caller = identity();
    let (first, second) = tokio::join!(
        world.payments.refunds.approve(decision(&refund), &one, &caller),
        world.payments.refunds.approve(decision(&refund), &other, &caller),
    );
    let won = [first.is_ok(), second.is_ok()];
    assert!(won == [true, false] || won == [false, true], "{first:?} {second:?}");
    let done = world.rested(&refund.id).await;
    assert_eq!((done.status, done.approvals.len()), (RefundStatus::Succeeded, 1));
    assert_eq!((world.given(), world.gateway.refund_calls()), (4_000, 1));
}

#[tokio::test]
async fn two_hundred_concurrent_requests_never_exceed_the_captured_amount() {
    let world = world();
    let payment = world.bought("B1").await;
    let sums = ["1", "2.50", "7", "13.37", "40", "0.01"];
    let answers = join_all((0..200).map(|nth| world.requested(wanted(&payment, Some(sums[nth % 6]))))).await;
    let stored = world.store.refunds_of(&payment).await.unwrap();
    let sum: i64 = stored.iter().map(|refund| refund.amount.minor()).sum();
    assert!(sum <= 10_000, "{sum}");
    assert_eq!(answers.iter().filter(|answer| answer.is_ok()).count(), stored.len());
    for answer in answers {
        assert!(
            matches!(answer, Ok(_) | Err(RefundError::Exceeds { .. } | RefundError::AlreadyInitiated)),
            "{answer:?}"
        );
    }
    let approvals = join_all(stored.iter().map(|refund| world.approved(refund))).await;
    assert!(approvals.iter().all(Result::is_ok));
    world.rested(&stored[0].id).await;
    assert_eq!((world.given(), world.gateway.given_back().len()), (sum, stored.len()));
}

#[tokio::test]
async fn a_lost_answer_is_followed_by_a_status_request_and_never_by_another_call() {
    for repetition in [Repetition::Replayed, Repetition::Refused, Repetition::Doubles] {
        let world = world();
        let payment = world.bought("B1").await;
        world.gateway.repeated_refunds_are(repetition);
        world.gateway.loses_answers_to_refunds(true);
        world.gateway.is_silent_about_refunds(true);
        let refund = world.sent(&payment, None).await;
        assert_eq!(refund.status, RefundStatus::Sent);
        for _ in 0..5 {
            world.job_after(HOUR).await;
        }
        assert_eq!(world.refund(&refund.id).await.status, RefundStatus::Sent);
        world.gateway.is_silent_about_refunds(false);
        world.job_after(HOUR * 7).await;
        assert_eq!(world.refund(&refund.id).await.status, RefundStatus::Succeeded);
        assert_eq!((world.given(), world.gateway.refund_calls()), (10_000, 1), "{repetition:?}");
    }
}

#[tokio::test]
async fn a_lost_request_goes_again_only_where_a_second_one_is_harmless_and_after_a_quiet_time() {
    for repetition in [Repetition::Replayed, Repetition::Refused, Repetition::Doubles] {
        let world = world();
        let payment = world.bought("B1").await;
        world.gateway.repeated_refunds_are(repetition);
        world.gateway.refunds_are(RefundFate::Lost);
        let refund = world.sent(&payment, None).await;
        world.gateway.refunds_are(RefundFate::GivenBack);
        world.job_after(MINUTE * 10).await;
        assert_eq!(world.gateway.refund_calls(), 1, "{repetition:?}: it may be on its way");
        world.job_after(MINUTE * 6).await;
        let (calls, status) = match repetition {
            Repetition::Doubles => (1, RefundStatus::Sent),
            Repetition::Replayed | Repetition::Refused => (2, RefundStatus::Succeeded),
        };
        assert_eq!(world.gateway.refund_calls(), calls, "{repetition:?}");
        let now = world.refund(&refund.id).await;
        // Where a second call is refused the answer to it is "pending", and a question finds it done.
        world.job_after(HOUR).await;
        assert_eq!((now.calls.number as usize, world.refund(&refund.id).await.status), (calls, status));
        let unclear = world.kinds(&payment).await.contains(&AttentionKind::RefundUnclear);
        assert_eq!(unclear, repetition == Repetition::Doubles);
    }
}

#[tokio::test]
async fn a_call_that_never_left_is_made_again_at_every_gateway() {
    let world = world();
    let payment = world.bought("B1").await;
    world.gateway.repeated_refunds_are(Repetition::Doubles);
    world.gateway.refunds_are(RefundFate::NotSent);
    let refund = world.sent(&payment, None).await;
    assert_eq!((refund.status, refund.calls.not_taken), (RefundStatus::Sent, true));
    world.gateway.refunds_are(RefundFate::GivenBack);
    world.job_after(MINUTE * 2).await;
    assert_eq!(world.refund(&refund.id).await.status, RefundStatus::Succeeded);
    assert_eq!(world.given(), 10_000);
}

#[tokio::test]
async fn doubt_is_never_final() {
    let other = RefundOutcome::Succeeded { amount: Some(rupees("99")) };
    for (outcome, unclear) in [
        (RefundOutcome::Pending, false),
        (RefundOutcome::Unrecognised { code: "?".to_owned() }, false),
        (RefundOutcome::Succeeded { amount: None }, true),
        (other, true),
        (RefundOutcome::Unclear { reason: "two refunds of one id".to_owned() }, true),
    ] {
        let world = world();
        let payment = world.bought("B1").await;
        world.gateway.refunds_are(RefundFate::Reported(outcome.clone()));
        let refund = world.sent(&payment, None).await;
        for _ in 0..3 {
            world.job_after(DAY).await;
        }
        assert_eq!(world.refund(&refund.id).await.status, RefundStatus::Sent, "{outcome:?}");
        assert_eq!(!world.kinds(&payment).await.is_empty(), unclear, "{outcome:?}");
        world.job_after(DAY * 10).await;
        assert_eq!(
            world.kinds(&payment).await,
            [AttentionKind::RefundUnclear],
            "beyond its life: {outcome:?}"
        );
        let more = world.requested(wanted(&payment, Some("1"))).await;
        assert!(matches!(more, Err(RefundError::AlreadyInitiated)), "its amount stays reserved: {more:?}");
    }
}

#[tokio::test]
async fn a_definite_no_frees_the_amount_and_a_new_refund_has_a_new_id() {
    let world = world();
    let payment = world.bought("B1").await;
    world.gateway.refunds_are(RefundFate::Refused);
    let first = world.sent(&payment, None).await;
    assert_eq!(first.status, RefundStatus::Failed);
    world.gateway.refunds_are(RefundFate::GivenBack);
    let second = world.sent(&payment, None).await;
    assert_eq!(second.status, RefundStatus::Succeeded);
    assert_ne!(first.id, second.id);
    assert_eq!(world.given(), 10_000);
}

#[tokio::test]
async fn money_that_went_back_by_another_way_is_not_sent_again() {
    let world = world();
    let payment = world.bought("B1").await;
    let refund = world.requested(wanted(&payment, None)).await.unwrap();
    world.gateway.answers_for(&payment, Outcome::Refunded);
    world.approved(&refund).await.unwrap();
    let ended = world.rested(&refund.id).await;
    assert_eq!((ended.status, ended.calls.number), (RefundStatus::Failed, 0));
    assert_eq!(world.gateway.refund_calls(), 0);
    let again = world.requested(wanted(&payment, None)).await;
    assert!(matches!(again, Err(RefundError::AlreadyPaid)), "{again:?}");
}

#[tokio::test]
async fn an_approved_refund_waits_for_a_gateway_that_does_not_call_its_payment_paid() {
    let world = world();
    let payment = world.bought("B1").await;
    let refund = world.requested(wanted(&payment, None)).await.unwrap();
    world.gateway.answers_for(&payment, Outcome::NotFound);
    world.approved(&refund).await.unwrap();
    assert_eq!(world.rested(&refund.id).await.status, RefundStatus::Approved);
    world.job_after(DAY * 2).await;
    assert_eq!(world.kinds(&payment).await, [AttentionKind::RefundUnclear]);
    world.gateway.answers_for(&payment, paid("100"));
    world.job_after(MINUTE * 2).await;
    assert_eq!(world.refund(&refund.id).await.status, RefundStatus::Succeeded);
    assert_eq!(world.given(), 10_000);
}

#[tokio::test]
async fn a_partial_refund_leaves_the_receipt_and_becomes_a_review_case() {
    let world = world();
    let payment = world.bought("B1").await;
    let part = world.sent(&payment, Some("30")).await;
    assert_eq!((part.status, part.receipt), (RefundStatus::Succeeded, RefundReceipt::NeedsAdjustment));
    assert_eq!(world.kinds(&payment).await, [AttentionKind::ReceiptNeedsAdjustment]);
    assert!(world.store.cancellation(&payment).await.unwrap().is_none());
    let believed = RefundRequest { amount_available: amount("100"), ..wanted(&payment, Some("70")) };
    let refused = world.requested(believed).await;
    assert!(
        matches!(refused, Err(RefundError::AvailableDiffers { available }) if available == rupees("70")),
        "{refused:?}"
    );
    let exceeding = world.requested(wanted(&payment, Some("70.01"))).await;
    assert!(matches!(exceeding, Err(RefundError::Exceeds { .. })), "{exceeding:?}");
    let rest = world.sent(&payment, Some("70")).await;
    assert_eq!(rest.receipt, RefundReceipt::ToCancel, "all of it has gone back");
    assert_eq!(world.given(), 10_000);
}

#[tokio::test]
async fn a_late_payment_is_given_back_by_its_case_which_ends_with_it() {
    let world = world();
    let late = world.pending("B1", "100").await;
    world.gateway.answers_for(&late, declined());
    world.settle(&late).await;
    let unpaid = world.requested(wanted(&late, None)).await;
    assert!(matches!(unpaid, Err(RefundError::NotPaid(_))), "{unpaid:?}");
    world.gateway.answers_for(&late, paid("100"));
    world.settle(&late).await;
    assert_eq!(world.claims("B1").await.len(), 1, "the case holds the bill");
    let refund = world.sent(&late, None).await;
    assert_eq!((refund.status, refund.receipt), (RefundStatus::Succeeded, RefundReceipt::None));
    let query = payment_store::AttentionQuery {
        state: payment_store::CaseState::All,
        limit: 9,
        ..payment_store::AttentionQuery::default()
    };
    let cases = world.store.attention_cases(&query).await.unwrap();
    let resolution = cases[0].resolution.as_ref().unwrap();
    assert!(resolution.reason.contains(refund.id.as_str()), "{resolution:?}");
    assert!(world.claims("B1").await.is_empty(), "the bill can be paid");
}

#[tokio::test]
async fn another_captured_amount_than_requested_is_refunded_as_captured() {
    let world = world();
    let payment = world.pending("B1", "100").await;
    world.gateway.answers_for(&payment, paid("90"));
    world.settle(&payment).await;
    assert_eq!(world.kinds(&payment).await, [AttentionKind::AmountMismatch]);
    let more = world.requested(wanted(&payment, Some("90.01"))).await;
    assert!(matches!(more, Err(RefundError::Exceeds { .. })), "{more:?}");
    let refund = world.sent(&payment, None).await;
    assert_eq!((refund.status, refund.amount), (RefundStatus::Succeeded, rupees("90")));
    assert_eq!(world.given(), 9_000);
}

#[tokio::test]
async fn a_second_payment_of_an_order_is_given_back_by_its_case() {
    let world = world();
    let payment = world.bought("B1").await;
    world.settle_with(&payment, &[("sign", "good"), ("said", "paid"), ("payment", "P-2")]).await.unwrap();
    let query = payment_store::AttentionQuery { limit: 9, ..Default::default() };
    let case = world.store.attention_cases(&query).await.unwrap().remove(0);
    assert_eq!(case.case.kind, AttentionKind::SecondPayment);
    let request = RefundRequest { case: Some(case.id), ..wanted(&payment, None) };
    let refund = world.requested(request).await.unwrap();
    assert_eq!((refund.capture.is_second, refund.capture.gateway_txn_id.as_deref()), (true, Some("P-2")));
    world.approved(&refund).await.unwrap();
    let done = world.rested(&refund.id).await;
    assert_eq!((done.status, done.receipt), (RefundStatus::Succeeded, RefundReceipt::None));
    assert!(world.store.attention_case(case.id).await.unwrap().unwrap().resolution.is_some());
    assert_eq!(world.claims("B1").await.len(), 1, "the first payment stands");
}

#[tokio::test]
async fn a_returned_refund_is_reported_once() {
    let world = world();
    let payment = world.bought("B1").await;
    let refund = world.sent(&payment, None).await;
    world.gateway.decides_refund(&refund.id, RefundOutcome::Failed { reason: "closed account".to_owned() });
    let before = world.store.events_of(&payment).await.unwrap().len();
    world.job_after(DAY * 2).await;
    world.job_after(DAY * 8).await;
    let now = world.refund(&refund.id).await;
    assert_eq!(now.status, RefundStatus::Succeeded, "the old news is not edited");
    assert!(now.returned_at.is_some());
    assert_eq!(world.kinds(&payment).await, [AttentionKind::RefundReturned]);
    assert_eq!(world.store.events_of(&payment).await.unwrap().len(), before + 1);
}

#[tokio::test]
async fn requests_end_by_rejection_withdrawal_or_age() {
    let world = world();
    let payment = world.bought("B1").await;
    let refunds = &world.payments.refunds;
    let rejected = world.requested(wanted(&payment, None)).await.unwrap();
    let silent = RefundDecisionRequest { comment: None, ..decision(&rejected) };
    let refused = refunds.reject(silent, &checker("checker-1"), &identity()).await;
    assert!(matches!(refused, Err(RefundError::ReasonRequired)));
    refunds.reject(decision(&rejected), &checker("checker-1"), &identity()).await.unwrap();
    let late = world.approved(&rejected).await;
    assert!(matches!(late, Err(RefundError::State { status: RefundStatus::Rejected, .. })), "{late:?}");

    let withdrawn = world.requested(wanted(&payment, None)).await.unwrap();
    let other =
        refunds.withdraw(decision(&withdrawn), &person("maker-2", Role::RefundMaker), &identity()).await;
    assert!(matches!(other, Err(RefundError::NotTheMaker)));
    refunds.withdraw(decision(&withdrawn), &maker(), &identity()).await.unwrap();

    let elsewhere = Principal { tenant: TenantId::new("mh").unwrap(), ..checker("checker-1") };
    let forgotten = world.requested(wanted(&payment, None)).await.unwrap();
    let unseen = refunds.approve(decision(&forgotten), &elsewhere, &identity()).await;
    assert!(matches!(unseen, Err(RefundError::NotFound)), "{unseen:?}");
    world.job_after(DAY * 29).await;
    assert_eq!(world.refund(&forgotten.id).await.status, RefundStatus::Requested);
    world.job_after(DAY * 2).await;
    assert_eq!(world.refund(&forgotten.id).await.status, RefundStatus::Expired);
    assert_eq!(world.gateway.refund_calls(), 0);
}

#[tokio::test]
async fn a_repeated_request_with_its_key_is_one_refund() {
    let world = world();
    let payment = world.bought("B1").await;
    let key = RefundKey { scope: "pb/maker-1".to_owned(), key: "k1".to_owned() };
    let keyed =
        |digest: u8| RefundRequest { key: Some((key.clone(), [digest; 32])), ..wanted(&payment, Some("10")) };
    let answers = join_all((0..10).map(|_| world.requested(keyed(1)))).await;
    let first = answers[0].as_ref().unwrap().id.clone();
    assert!(answers.iter().all(|answer| answer.as_ref().is_ok_and(|refund| refund.id == first)));
    assert!(matches!(world.requested(keyed(2)).await, Err(RefundError::KeyReused)));
    assert_eq!(world.store.refunds_of(&payment).await.unwrap().len(), 1);
}

#[tokio::test]
async fn exceptions_to_two_people_hold_only_where_the_settings_say_so() {
    let world = world_where(StartMode::Offline, |settings| {
        settings.refunds = RefundSettings {
            approval_above: rupees("10"),
            second_checker_above: Some(rupees("50")),
            cancel_receipt: CancelReceipt::Never,
            ..RefundSettings::default()
        };
    });
    let payment = world.bought("B1").await;
    let small = world.requested(wanted(&payment, Some("10"))).await.unwrap();
    assert_eq!(world.rested(&small.id).await.status, RefundStatus::Succeeded);
    let large = world.requested(wanted(&payment, Some("60"))).await.unwrap();
    let first = world.approved(&large).await.unwrap();
    assert_eq!((first.status, first.approvals.len()), (RefundStatus::Requested, 1));
    let same = world.approved(&first).await;
    assert!(matches!(same, Err(RefundError::SameUser)), "{same:?}");
    let refunds = &world.payments.refunds;
    let second = refunds.approve(decision(&first), &checker("checker-2"), &identity()).await.unwrap();
    assert_eq!(second.status, RefundStatus::Approved);
    assert_eq!(world.rested(&large.id).await.status, RefundStatus::Succeeded);
    let trusted = RefundRequest {
        trusted: true,
        reason: None,
        reason_code: UPSTREAM.to_owned(),
        ..wanted(&payment, Some("30"))
    };
    let trusted = world.requested(trusted).await.unwrap();
    assert_eq!(world.rested(&trusted.id).await.status, RefundStatus::Succeeded);
    assert_eq!(world.given(), 10_000);
}

#[tokio::test]
async fn the_refund_rules_of_gateway_and_installation_are_shown_in_advance() {
    let world = world();
    let payment = world.bought("B1").await;
    let silent = RefundRequest { reason: None, ..wanted(&payment, None) };
    assert!(matches!(world.requested(silent).await, Err(RefundError::ReasonRequired)));
    let unknown = wanted(&TxnId::new("T-none").unwrap(), None);
    assert!(matches!(world.requested(unknown).await, Err(RefundError::NoPayment)));
    for text in ["0", "-1", "1.001", "\"x\""] {
        let refused = world.requested(wanted(&payment, Some(text))).await;
        assert!(matches!(refused, Err(RefundError::InvalidAmount { .. })), "{text}: {refused:?}");
    }
    let pending = world.pending("B2", "100").await;
    assert!(matches!(world.requested(wanted(&pending, None)).await, Err(RefundError::NotPaid(_))));
    world.gateway.is_silent_about(&payment);
    let refused = world.requested(wanted(&payment, None)).await;
    assert!(matches!(refused, Err(RefundError::GatewayUnavailable { .. })), "{refused:?}");
    world.gateway.answers_for(&payment, paid("100"));
    world.clock.advance(DAY * 181);
    let late = world.requested(wanted(&payment, None)).await;
    assert!(matches!(late, Err(RefundError::WindowOver { days: 180 })), "{late:?}");
}

#[test]
fn refunds_are_counted_by_their_status_and_their_money_once() {
    let recorder = PrometheusBuilder::new().build_recorder();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    metrics::with_local_recorder(&recorder, || {
        runtime.block_on(async {
            let world = world();
            let payment = world.bought("B1").await;
            let given = world.sent(&payment, Some("30")).await;
            assert_eq!(given.status, RefundStatus::Succeeded);
            let refused = world.requested(wanted(&payment, Some("20"))).await.unwrap();
            let (by, identity) = (checker("checker-1"), identity());
            world.payments.refunds.reject(decision(&refused), &by, &identity).await.unwrap();
        });
    });
    let shown = recorder.handle().render();
    let count = |name: &str, labels: &str| {
        let line = format!("{name}{{{labels}}} ");
        shown.lines().find_map(|found| found.strip_prefix(&line)).map(|count| count.parse::<u64>().unwrap())
    };
    let gateway = r#"gateway="FAKE",sandbox="false""#;
    assert_eq!(count("refunds_requested_total", gateway), Some(2), "{shown}");
    for (status, expected) in [
        ("approved", Some(1)),
        ("sent", Some(1)),
        ("succeeded", Some(1)),
        ("rejected", Some(1)),
        ("requested", None),
        ("failed", None),
    ] {
        let labels = format!(r#"{gateway},status="{status}""#);
        assert_eq!(count("refunds_changed_total", &labels), expected, "{status}: {shown}");
    }
    let labels = r#"gateway="FAKE",currency="INR",sandbox="false""#;
    assert_eq!(count("refunds_succeeded_minor_units_total", labels), Some(3_000), "{shown}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn refunds_under_way_are_checked_concurrently() {
    const COUNT: u32 = 24;
    let world = world_where(StartMode::Offline, |settings| {
        settings.refunds.approval_above = rupees("100");
        settings.pace.of_others.at_once = 8;
    });
    world.gateway.refunds_are(RefundFate::Taken);
    let refunds = join_all((0..COUNT).map(async |nth| {
        let payment = world.bought(&format!("B{nth}")).await;
        world.requested(wanted(&payment, None)).await.unwrap()
    }))
    .await;
    for refund in &refunds {
        assert_eq!(world.rested(&refund.id).await.status, RefundStatus::Sent);
        world.gateway.decides_refund(&refund.id, RefundOutcome::Succeeded { amount: Some(refund.amount) });
    }
    world.gateway.is_slow(Duration::from_millis(200));
    world.job_after(HOUR).await;
    for refund in &refunds {
        assert_eq!(world.refund(&refund.id).await.status, RefundStatus::Succeeded);
    }
    assert_eq!(world.gateway.most_at_once(), 8);
}
