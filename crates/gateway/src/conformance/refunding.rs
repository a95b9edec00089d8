//! Refunds, where a provider makes them.

use payment_domain::{Money, Personal, RefundId, RefundOutcome, RefundReport, Transaction};

use super::faults::Fault;
use super::network::{fits, is_no_answer};
use super::{Case, Deed, Promise, RefundDeed, id, sample};
use crate::{GatewayError, RefundOrder, Refunding, Repetition};

pub(super) fn promises() -> Vec<Promise> {
    vec![
        Promise::of(money_is_given_back_once_and_the_status_proves_it),
        Promise::of(parts_are_given_back_up_to_the_whole_and_no_more),
        Promise::of(a_lost_answer_leads_to_no_second_refund),
        Promise::of(a_request_that_never_arrived_is_not_found),
        Promise::of(an_accepted_refund_is_pending_until_it_is_done),
        Promise::of(a_definite_refusal_of_a_refund_is_reported),
        Promise::of(a_refund_of_another_amount_is_never_the_requested_one),
        Promise::of(an_unknown_state_of_a_refund_is_neither_yes_nor_no),
        Promise::of(a_foreign_refund_is_not_ours),
        Promise::of(a_refund_that_is_not_answered_says_how_far_it_got),
        Promise::of(an_answer_that_says_nothing_of_a_refund_decides_nothing),
        Promise::of(nothing_of_an_unpaid_order_is_given_back),
        Promise::of(a_callback_about_a_refund_names_it),
        Promise::of(no_personal_data_and_no_secret_appears_in_reports_of_refunds),
    ]
}

/// The payment, and the refund of it where the amount does not matter. In rupees.
const PAID: &str = "100.00";
const PART: &str = "19.95";

fn refund_id(number: u32) -> RefundId {
    RefundId::new(format!("RF-{number:010}")).unwrap()
}

impl Case {
    /// A paid transaction with the provider's number, as a stored one has it; `None` without refunds.
    async fn refundable(&self, number: u32) -> Option<Transaction> {
        self.gateway.refunding()?;
        let txn = sample::transaction(&id(number), PAID);
        let mut txn = self.arrived_at(txn).await;
        self.provider.does(&txn.id, Deed::IsPaid).await;
        txn.gateway_details.txn_id = self.status(&txn).await.gateway_txn_id;
        self.refunding().terms(&txn).expect("what was paid here can be given back");
        Some(txn)
    }

    /// The same, where that happens to its refunds.
    async fn refundable_where(&self, number: u32, deed: RefundDeed) -> Option<Transaction> {
        let txn = self.refundable(number).await?;
        self.provider.refunds_are(&txn.id, deed).await.then_some(txn)
    }

    fn refunding(&self) -> &dyn Refunding {
        self.gateway.refunding().expect("it makes refunds")
    }

    async fn state(&self, order: &RefundOrder<'_>) -> RefundOutcome {
        let report = self.refunding().refund_status(order).await;
        report.expect("the provider says where the refund stands").outcome
    }

    /// Whether exactly these were given back of a payment.
    async fn gave_back(&self, txn: &Transaction, expected: &[(&RefundId, Money)]) {
        let mut given = self.provider.given_back(&txn.id).await;
        given.sort();
        let expected: Vec<(String, i64)> =
            expected.iter().map(|(id, amount)| (id.as_str().to_owned(), amount.minor())).collect();
        assert_eq!(given, expected, "what was really given back");
    }
}

fn order<'a>(payment: &'a Transaction, id: &'a RefundId, rupees: &str) -> RefundOrder<'a> {
    let amount = Money::parse(rupees, payment.amount.currency()).unwrap();
    RefundOrder { payment, id, amount, gateway_refund_id: None, notify_url: Some(sample::NOTIFY_URL) }
}

/// The same refund, once the provider's number of it is known.
fn numbered<'a>(order: &RefundOrder<'a>, number: &'a Option<String>) -> RefundOrder<'a> {
    RefundOrder { gateway_refund_id: number.as_deref(), ..*order }
}

fn is_done(outcome: &RefundOutcome, order: &RefundOrder<'_>) -> bool {
    *outcome == RefundOutcome::Succeeded { amount: Some(order.amount) }
}

/// Neither a success nor a failure.
fn is_open(outcome: &RefundOutcome) -> bool {
    match outcome {
        RefundOutcome::Pending
        | RefundOutcome::NotFound
        | RefundOutcome::Unclear { .. }
        | RefundOutcome::Unrecognised { .. } => true,
        RefundOutcome::Succeeded { .. } | RefundOutcome::Failed { .. } => false,
    }
}

/// Whether money may have left, or was given back.
fn is_taken(outcome: &RefundOutcome, order: &RefundOrder<'_>) -> bool {
    *outcome == RefundOutcome::Pending || is_done(outcome, order)
}

async fn money_is_given_back_once_and_the_status_proves_it(case: Case) {
    for (number, amount) in (1..).zip(["1.15", "4.35", PART, PAID]) {
        let Some(txn) = case.refundable_where(number, RefundDeed::IsGivenBack).await else { return };
        let id = refund_id(number);
        let order = order(&txn, &id, amount);
        let report = case.refunding().refund(&order).await.expect("it is taken");
        assert!(is_taken(&report.outcome, &order), "{amount}: {:?}", report.outcome);
        let order = numbered(&order, &report.gateway_refund_id);
        for _ in 0..2 {
            let told = case.refunding().refund_status(&order).await.expect("it is known");
            assert!(is_done(&told.outcome, &order), "{amount}: {:?}", told.outcome);
        }
        case.gave_back(&txn, &[(&id, order.amount)]).await;
    }
}

async fn parts_are_given_back_up_to_the_whole_and_no_more(case: Case) {
    let Some(txn) = case.refundable_where(1, RefundDeed::IsGivenBack).await else { return };
    let terms = case.refunding().terms(&txn).expect("what was paid here can be given back");
    assert!(!terms.minimum.is_zero() && terms.minimum.currency() == txn.amount.currency());
    assert!(terms.minimum.minor() <= txn.amount.minor(), "the whole can be given back");
    if !terms.partial || !terms.several {
        return;
    }
    let ids = [refund_id(1), refund_id(2), refund_id(3)];
    let smallest = RefundOrder { amount: terms.minimum, ..order(&txn, &ids[0], PART) };
    let left = Money::from_minor(txn.amount.minor() - terms.minimum.minor(), txn.amount.currency()).unwrap();
    let rest = RefundOrder { amount: left, ..order(&txn, &ids[1], PART) };
    for order in [&smallest, &rest] {
        let report = case.refunding().refund(order).await.expect("it is taken");
        assert!(is_taken(&report.outcome, order), "{}: {:?}", order.amount, report.outcome);
        let order = numbered(order, &report.gateway_refund_id);
        assert!(is_done(&case.state(&order).await, &order));
    }
    let more = RefundOrder { amount: terms.minimum, ..order(&txn, &ids[2], PART) };
    if let Ok(report) = case.refunding().refund(&more).await {
        assert!(!is_done(&report.outcome, &more), "more than was paid");
    }
    case.gave_back(&txn, &[(&ids[0], smallest.amount), (&ids[1], rest.amount)]).await;
}

async fn a_lost_answer_leads_to_no_second_refund(case: Case) {
    let Some(txn) = case.refundable_where(1, RefundDeed::LosesTheAnswer).await else { return };
    let id = refund_id(1);
    let order = order(&txn, &id, PART);
    let error = case.refunding().refund(&order).await.expect_err("the answer is lost");
    assert!(matches!(error, GatewayError::Unanswered(_)), "{error:?}");
    let state = case.state(&order).await;
    assert!(is_done(&state, &order), "found by our id alone: {state:?}");
    if case.refunding().terms(&txn).unwrap().repetition != Repetition::Doubles {
        if let Ok(report) = case.refunding().refund(&order).await {
            assert!(is_taken(&report.outcome, &order), "sent again: {:?}", report.outcome);
        }
        let state = case.state(&order).await;
        assert!(is_done(&state, &order), "after it was sent again: {state:?}");
    }
    case.gave_back(&txn, &[(&id, order.amount)]).await;
}

async fn a_request_that_never_arrived_is_not_found(case: Case) {
    let Some(txn) = case.refundable_where(1, RefundDeed::LosesTheRequest).await else { return };
    let id = refund_id(1);
    let order = order(&txn, &id, PART);
    let error = case.refunding().refund(&order).await.expect_err("no answer comes");
    assert!(matches!(error, GatewayError::Unanswered(_)), "{error:?}");
    let state = case.state(&order).await;
    assert!(is_open(&state), "{state:?}");
    case.gave_back(&txn, &[]).await;
    if case.refunding().terms(&txn).unwrap().repetition != Repetition::Doubles {
        assert_eq!(state, RefundOutcome::NotFound, "it may be sent again");
        let report = case.refunding().refund(&order).await.expect("it is taken");
        let order = numbered(&order, &report.gateway_refund_id);
        assert!(is_done(&case.state(&order).await, &order));
        case.gave_back(&txn, &[(&id, order.amount)]).await;
    }
}

async fn an_accepted_refund_is_pending_until_it_is_done(case: Case) {
    let Some(txn) = case.refundable_where(1, RefundDeed::IsTakenOn).await else { return };
    let id = refund_id(1);
    let order = order(&txn, &id, PART);
    let report = case.refunding().refund(&order).await.expect("it is taken");
    assert_eq!(report.outcome, RefundOutcome::Pending);
    let order = numbered(&order, &report.gateway_refund_id);
    for _ in 0..3 {
        assert_eq!(case.state(&order).await, RefundOutcome::Pending);
    }
    case.provider.ends(&id).await;
    let state = case.state(&order).await;
    assert!(is_done(&state, &order), "{state:?}");
}

async fn a_definite_refusal_of_a_refund_is_reported(case: Case) {
    let Some(txn) = case.refundable_where(1, RefundDeed::IsRefused).await else { return };
    let id = refund_id(1);
    let order = order(&txn, &id, PART);
    let report = case.refunding().refund(&order).await.expect("it is answered");
    assert!(!is_done(&report.outcome, &order), "{:?}", report.outcome);
    let refused = |outcome: &RefundOutcome| matches!(outcome, RefundOutcome::Failed { .. });
    if !refused(&report.outcome) {
        let state = case.state(&numbered(&order, &report.gateway_refund_id)).await;
        assert!(refused(&state), "{state:?}");
    }
    case.gave_back(&txn, &[]).await;
}

async fn a_refund_of_another_amount_is_never_the_requested_one(case: Case) {
    let Some(txn) = case.refundable_where(1, RefundDeed::IsToldOtherwise).await else { return };
    let id = refund_id(1);
    let order = order(&txn, &id, PART);
    let mut outcomes = Vec::new();
    let report = case.refunding().refund(&order).await.expect("it is answered");
    outcomes.push(report.outcome);
    outcomes.push(case.state(&numbered(&order, &report.gateway_refund_id)).await);
    for outcome in outcomes {
        assert!(is_open(&outcome), "{outcome:?}");
    }
}

async fn an_unknown_state_of_a_refund_is_neither_yes_nor_no(case: Case) {
    let Some(txn) = case.refundable_where(1, RefundDeed::IsUnheardOf).await else { return };
    let id = refund_id(1);
    let order = order(&txn, &id, PART);
    let report = case.refunding().refund(&order).await.expect("it is answered");
    assert!(is_open(&report.outcome), "{:?}", report.outcome);
    let state = case.state(&numbered(&order, &report.gateway_refund_id)).await;
    assert!(is_open(&state) && state != RefundOutcome::NotFound, "{state:?}");
}

async fn a_foreign_refund_is_not_ours(case: Case) {
    let Some(txn) = case.refundable_where(1, RefundDeed::IsGivenBack).await else { return };
    let (made, never_made) = (refund_id(1), refund_id(2));
    let asked = order(&txn, &made, PART);
    let report = case.refunding().refund(&asked).await.expect("it is taken");
    let state = case.state(&order(&txn, &never_made, PART)).await;
    assert!(is_open(&state), "never made: {state:?}");
    for amount in ["19.94", "19.96", "1995.00"] {
        let other = numbered(&order(&txn, &made, amount), &report.gateway_refund_id);
        match case.refunding().refund_status(&other).await {
            Ok(told) => assert!(is_open(&told.outcome), "{amount}: {:?}", told.outcome),
            Err(error) => assert!(is_no_answer(&error), "{error:?}"),
        }
    }
}

async fn a_refund_that_is_not_answered_says_how_far_it_got(case: Case) {
    let Some(txn) = case.refundable(1).await else { return };
    let id = refund_id(1);
    let order = order(&txn, &id, PART);
    for fault in Fault::ALL {
        let faulty = fault.serve().await;
        let gateway = case.provider.gateway_at(&faulty.base_url, faulty.timeout);
        let refunding = gateway.refunding().expect("it makes refunds");
        let error = refunding.refund(&order).await.expect_err("a fault is never an answer");
        let not_sent = matches!(error, GatewayError::NotSent(_)) && case.provider.asks_before_it_refunds();
        assert!(fits(fault, &error) || not_sent, "{fault:?}: {error:?}");
        let error = refunding.refund_status(&order).await.expect_err("a fault is never an answer");
        assert!(fits(fault, &error), "{fault:?}: {error:?}");
    }
    case.gave_back(&txn, &[]).await;
}

async fn an_answer_that_says_nothing_of_a_refund_decides_nothing(case: Case) {
    let Some(txn) = case.refundable(1).await else { return };
    let id = refund_id(1);
    let order = order(&txn, &id, PART);
    for nothing in [&b"{}"[..], b"{\"status\":null}", b"{\"body\":{},\"head\":{}}", b"a=b&c"] {
        let faulty = Fault::Garbage(nothing).serve().await;
        let gateway = case.provider.gateway_at(&faulty.base_url, faulty.timeout);
        let refunding = gateway.refunding().expect("it makes refunds");
        for result in [refunding.refund(&order).await, refunding.refund_status(&order).await] {
            match result {
                Ok(report) => {
                    let open = is_open(&report.outcome) && report.outcome != RefundOutcome::NotFound;
                    assert!(open && !report.may_repeat, "{report:?}");
                }
                Err(error) => assert!(is_no_answer(&error), "{error:?}"),
            }
        }
    }
}

async fn nothing_of_an_unpaid_order_is_given_back(case: Case) {
    let Some(paid) = case.refundable(1).await else { return };
    let mut unpaid = case.arrived(2).await;
    unpaid.gateway_details.txn_id = paid.gateway_details.txn_id.clone().map(|number| format!("{number}9"));
    let id = refund_id(1);
    let order = order(&unpaid, &id, "1.00");
    let said = case.refunding().terms(&unpaid).ok();
    if said.is_some()
        && let Ok(report) = case.refunding().refund(&order).await
    {
        assert!(!is_done(&report.outcome, &order), "{:?}", report.outcome);
    }
    case.gave_back(&unpaid, &[]).await;
    case.gave_back(&paid, &[]).await;
}

async fn a_callback_about_a_refund_names_it(case: Case) {
    let Some(txn) = case.refundable_where(1, RefundDeed::IsGivenBack).await else { return };
    let of_payment = case.provider.notifications(&txn.id).await;
    for notification in of_payment {
        let named = case.refunding().names_refund(&notification.answer);
        assert_eq!(named, None, "a payment's callback: {:?}", notification.answer);
    }
    let id = refund_id(1);
    let url = case.provider.notify_url();
    let order = RefundOrder { notify_url: Some(&url), ..order(&txn, &id, PART) };
    case.refunding().refund(&order).await.expect("it is taken");
    for notification in
        case.provider.notifications(&txn.id).await.into_iter().filter(|notification| !notification.by_browser)
    {
        assert_eq!(
            case.refunding().names_refund(&notification.answer),
            Some(id.clone()),
            "{:?}",
            notification.answer
        );
    }
}

async fn no_personal_data_and_no_secret_appears_in_reports_of_refunds(case: Case) {
    let Some(mut txn) = case.refundable_where(1, RefundDeed::IsGivenBack).await else { return };
    txn.payer.name = Personal::new("Zzyzx Quux");
    txn.payer.mobile_number = Personal::new("9812345670");
    txn.payer.email_id = Some(Personal::new("zzyzx@quux.example"));
    let mut hidden = case.provider.secrets();
    hidden.extend(["Zzyzx", "Quux", "9812345670", "zzyzx@quux.example"].map(str::to_owned));
    let check = |result: Result<RefundReport, GatewayError>| {
        let shown = match result {
            Ok(report) => format!("{report:?} {}", report.raw),
            Err(error) => format!("{error:?}"),
        };
        for secret in &hidden {
            assert!(!secret.is_empty() && !shown.contains(secret), "{secret} appears in {shown}");
        }
    };
    let id = refund_id(1);
    let order = order(&txn, &id, PART);
    check(case.refunding().refund(&order).await);
    check(case.refunding().refund_status(&order).await);
    for fault in [Fault::Refused, Fault::Http500, Fault::Garbage(b"{"), Fault::TooLong] {
        let faulty = fault.serve().await;
        let gateway = case.provider.gateway_at(&faulty.base_url, faulty.timeout);
        let refunding = gateway.refunding().expect("it makes refunds");
        check(refunding.refund(&order).await);
        check(refunding.refund_status(&order).await);
    }
}
