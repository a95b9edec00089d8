//! Refunds.

use std::sync::Arc;
use std::time::Duration;

use futures_util::future::join_all;
use payment_domain::{
    Actor, Approval, AttentionKind, Audit, BillId, Capture, EventKind, GatewayName, Personal, Refund,
    RefundCalls, RefundDecision, RefundDetails, RefundHistoryEntry, RefundId, RefundReceipt, RefundStatus,
    TenantId, Transaction, Waiver,
};
use serde_json::{Map, json};

use super::attention::{case, new_case, raised};
use super::sample::{self, at, paise, txn_id};
use super::{Promise, Timed};
use crate::{
    Applied, CancellationChange, ClosedCase, DueRefunds, NewRefund, PageRequest, RefundChange, RefundDue,
    RefundKey, RefundNote, RefundQuery, RefundRequested, Resolution, RunEnd, Store, TenantScope,
};

pub(super) fn promises() -> Vec<Promise> {
    vec![
        Promise::of(a_refund_is_read_back_as_it_was_stored),
        Promise::of(concurrent_refund_requests_never_exceed_the_captured_amount),
        Promise::of(a_dead_refund_frees_its_amount_and_a_live_one_keeps_it),
        Promise::of(a_second_payment_of_an_order_is_refunded_apart_from_the_first),
        Promise::of(a_request_names_the_amount_it_believes_is_left),
        Promise::of(of_changes_of_one_version_at_once_one_is_stored),
        Promise::of(a_refund_changes_along_its_machine_alone),
        Promise::of(a_checker_is_neither_the_maker_nor_an_earlier_checker),
        Promise::of(a_repeated_request_finds_the_first),
        Promise::of(the_history_and_the_events_of_a_refund_keep_their_order),
        Promise::of(a_change_of_a_run_that_is_over_is_refused),
        Promise::of(a_change_raises_a_case_and_closes_another),
        Promise::of(refunds_are_found_by_every_condition_within_the_tenants_of_the_caller),
        Promise::of(pages_of_refunds_show_each_once_up_to_a_horizon_and_behind_it),
        Promise::timed(refunds_are_due_by_the_clock_of_the_store),
    ]
}

pub(super) async fn paid(store: &Arc<dyn Store>, id: &str) -> Transaction {
    let pending = sample::stored(store, sample::new_transaction(id, &format!("B-{id}"))).await;
    sample::applied(store, sample::success(&pending)).await
}

/// A refund of that many paise of a payment, requested.
pub fn refund(payment: &Transaction, id: &str, minor: i64) -> Refund {
    Refund {
        id: RefundId::new(format!("RF-000000-{id}")).unwrap(),
        txn_id: payment.id.clone(),
        tenant_id: payment.tenant_id.clone(),
        gateway: payment.gateway.clone(),
        service_code: payment.module.clone(),
        consumer_code: payment.consumer_code.clone(),
        capture: Capture {
            gateway_txn_id: Some("GW-1".to_owned()),
            is_second: false,
            amount: payment.amount,
        },
        amount: paise(minor),
        status: RefundStatus::Requested,
        reason_code: "DUPLICATE".to_owned(),
        reason: Some(Personal::new("Asha paid twice")),
        case: None,
        requested_by: "maker-1".to_owned(),
        approvals: Vec::new(),
        waiver: None,
        decision: None,
        calls: RefundCalls::default(),
        gateway_details: RefundDetails::default(),
        receipt: RefundReceipt::Kept,
        returned_at: None,
        additional_details: Map::from_iter([("note".to_owned(), json!({ "exact": 0.10 }))]),
        audit: Audit {
            created_by: "maker-1".to_owned(),
            created_at: at(0),
            modified_by: None,
            modified_at: None,
        },
        version: 1,
    }
}

fn line(refund: &Refund, from: Option<RefundStatus>, why: &str) -> RefundHistoryEntry {
    RefundHistoryEntry {
        refund_id: refund.id.clone(),
        txn_id: refund.txn_id.clone(),
        at: at(i64::from(refund.version)),
        actor: Actor::user("maker-1"),
        from,
        to: refund.status,
        why: why.to_owned(),
        evidence: json!({ "version": refund.version }),
    }
}

/// The request for it.
pub fn new(refund: Refund) -> NewRefund {
    NewRefund {
        history: vec![line(&refund, None, "requested")],
        refund,
        key: None,
        expected_available: None,
        due: RefundDue::In(sample::MINUTE),
        events: Vec::new(),
        audit: Vec::new(),
        cancels_receipt: false,
    }
}

pub(super) fn change(stored: &Refund, status: RefundStatus) -> RefundChange {
    let mut refund = stored.clone();
    refund.version += 1;
    refund.status = status;
    if status == RefundStatus::Approved {
        refund.approvals = vec![Approval { by: "checker-1".to_owned(), at: at(7) }];
    }
    refund.audit.modified_by = Some("checker-1".to_owned());
    refund.audit.modified_at = Some(at(i64::from(refund.version)));
    RefundChange {
        history: line(&refund, Some(stored.status), "changed"),
        refund,
        due: RefundDue::Never,
        events: Vec::new(),
        audit: Vec::new(),
        case: None,
        closes: None,
        cancellation: CancellationChange::None,
        fence: None,
    }
}

pub(super) async fn requested(store: &Arc<dyn Store>, refund: Refund) -> Refund {
    assert_eq!(store.request_refund(new(refund.clone())).await.unwrap(), RefundRequested::Stored);
    refund
}

pub(super) async fn applied(store: &Arc<dyn Store>, change: RefundChange) -> Refund {
    let refund = change.refund.clone();
    assert_eq!(store.apply_refund(change).await.unwrap(), Applied::Stored);
    refund
}

/// The refund after the changes to these statuses, one after the other.
async fn walked(store: &Arc<dyn Store>, mut refund: Refund, statuses: &[RefundStatus]) -> Refund {
    for status in statuses {
        refund = applied(store, change(&refund, *status)).await;
    }
    refund
}

async fn read(store: &Arc<dyn Store>, id: &RefundId) -> Option<Refund> {
    store.refund(id, None).await.unwrap()
}

async fn a_refund_is_read_back_as_it_was_stored(store: Arc<dyn Store>) {
    let payment = paid(&store, "T1").await;
    let first = requested(&store, refund(&payment, "1", 4_000)).await;
    assert_eq!(read(&store, &first.id).await.as_ref(), Some(&first));
    let mut second = change(&first, RefundStatus::Approved);
    second.refund.calls =
        RefundCalls { number: 2, first_at: Some(at(1)), last_at: Some(at(2)), not_taken: true };
    second.refund.gateway_details = RefundDetails {
        refund_id: Some("GWR-1".to_owned()),
        status_code: Some("x".repeat(300)),
        status_message: Some("ਵਾਪਸ".to_owned()),
    };
    second.refund.decision =
        Some(RefundDecision { by: "checker-1".to_owned(), at: at(7), comment: Some(Personal::new("fine")) });
    second.refund.receipt = RefundReceipt::NotCancellable;
    second.refund.returned_at = Some(at(9));
    let second = applied(&store, second).await;
    assert_eq!(read(&store, &first.id).await.as_ref(), Some(&second));
    let waived = Refund {
        waiver: Some(Waiver::TrustedRole),
        status: RefundStatus::Approved,
        case: Some(17),
        reason: None,
        service_code: None,
        ..refund(&payment, "2", 1)
    };
    let waived = requested(&store, waived).await;
    assert_eq!(store.refunds_of(&payment.id).await.unwrap(), [second, waived]);
    assert_eq!(read(&store, &RefundId::new("RF-unknown-1").unwrap()).await, None);
}

async fn concurrent_refund_requests_never_exceed_the_captured_amount(store: Arc<dyn Store>) {
    let payment = paid(&store, "T1").await;
    let answers = join_all((0..60_i64).map(|nth| {
        let wanted = refund(&payment, &format!("{nth}"), 300 + 100 * (nth % 7));
        store.request_refund(new(wanted))
    }))
    .await;
    let stored = store.refunds_of(&payment.id).await.unwrap();
    let sum: i64 = stored.iter().map(|refund| refund.amount.minor()).sum();
    assert!(sum <= 10_000 && sum > 9_100, "{sum}: what is left is less than the largest request");
    let succeeded = answers.iter().filter(|answer| matches!(answer, Ok(RefundRequested::Stored))).count();
    assert_eq!(succeeded, stored.len());
    for answer in answers {
        assert!(matches!(answer.unwrap(), RefundRequested::Stored | RefundRequested::Exceeds { .. }));
    }
}

async fn a_dead_refund_frees_its_amount_and_a_live_one_keeps_it(store: Arc<dyn Store>) {
    use RefundStatus::{Approved, Expired, Failed, Rejected, Sent, Succeeded, Withdrawn};
    let payment = paid(&store, "T1").await;
    let walks: [&[RefundStatus]; 5] =
        [&[Rejected], &[Withdrawn], &[Expired], &[Approved, Failed], &[Approved, Sent, Failed]];
    for (nth, walk) in walks.into_iter().enumerate() {
        let whole = requested(&store, refund(&payment, &format!("d{nth}"), 10_000)).await;
        let refused = store.request_refund(new(refund(&payment, "zz", 1))).await.unwrap();
        assert_eq!(refused, RefundRequested::Exceeds { available: paise(0) });
        walked(&store, whole, walk).await;
    }
    let part = requested(&store, refund(&payment, "part", 6_000)).await;
    walked(&store, part, &[Approved, Sent, Succeeded]).await;
    let refused = store.request_refund(new(refund(&payment, "zz", 4_001))).await.unwrap();
    assert_eq!(refused, RefundRequested::Exceeds { available: paise(4_000) });
    requested(&store, refund(&payment, "rest", 4_000)).await;
    let smaller = Capture { amount: paise(9_000), ..refund(&payment, "zz", 1).capture };
    let contradicting = Refund { capture: smaller, ..refund(&payment, "zz", 1) };
    let refused = store.request_refund(new(contradicting)).await.unwrap();
    assert_eq!(refused, RefundRequested::Exceeds { available: paise(0) });
    let mut unpaid = refund(&payment, "none", 1);
    unpaid.txn_id = txn_id("T-none");
    assert_eq!(store.request_refund(new(unpaid)).await.unwrap(), RefundRequested::NoPayment);
    let taken = refund(&payment, "d0", 1);
    let freed = store.request_refund(new(taken)).await.unwrap();
    assert_eq!(freed, RefundRequested::Exceeds { available: paise(0) });
}

async fn a_second_payment_of_an_order_is_refunded_apart_from_the_first(store: Arc<dyn Store>) {
    let payment = paid(&store, "T1").await;
    requested(&store, refund(&payment, "first", 10_000)).await;
    let second = Capture { gateway_txn_id: Some("GW-2".to_owned()), is_second: true, amount: paise(10_000) };
    let of_second = |id: &str, minor| Refund { capture: second.clone(), ..refund(&payment, id, minor) };
    let stored = requested(&store, of_second("second", 10_000)).await;
    assert_eq!(read(&store, &stored.id).await, Some(stored));
    let refused = store.request_refund(new(of_second("third", 1))).await.unwrap();
    assert_eq!(refused, RefundRequested::Exceeds { available: paise(0) });
}

async fn a_request_names_the_amount_it_believes_is_left(store: Arc<dyn Store>) {
    let payment = paid(&store, "T1").await;
    let believing = |id: &str, minor| NewRefund {
        expected_available: Some(paise(minor)),
        ..new(refund(&payment, id, 6_000))
    };
    let refused = store.request_refund(believing("1", 9_999)).await.unwrap();
    assert_eq!(refused, RefundRequested::AvailableDiffers { available: paise(10_000) });
    assert_eq!(store.request_refund(believing("2", 10_000)).await.unwrap(), RefundRequested::Stored);
    let refused = store.request_refund(believing("3", 10_000)).await.unwrap();
    assert_eq!(refused, RefundRequested::AvailableDiffers { available: paise(4_000) });
}

async fn of_changes_of_one_version_at_once_one_is_stored(store: Arc<dyn Store>) {
    let payment = paid(&store, "T1").await;
    let first = requested(&store, refund(&payment, "1", 100)).await;
    let mut changes: Vec<_> = (0..20).map(|_| change(&first, RefundStatus::Approved)).collect();
    changes.push(change(&first, RefundStatus::Rejected));
    changes.push(change(&first, RefundStatus::Withdrawn));
    let answers = join_all(changes.into_iter().map(|change| store.apply_refund(change))).await;
    let stored = answers.iter().filter(|answer| matches!(answer, Ok(Applied::Stored))).count();
    let stale = answers.iter().filter(|answer| matches!(answer, Ok(Applied::Stale))).count();
    assert_eq!((stored, stale), (1, 21));
    assert_eq!(store.refund_history(&first.id).await.unwrap().len(), 2);
}

async fn a_refund_changes_along_its_machine_alone(store: Arc<dyn Store>) {
    let payment = paid(&store, "T1").await;
    for (nth, from) in RefundStatus::ALL.into_iter().enumerate() {
        for (other, to) in RefundStatus::ALL.into_iter().enumerate() {
            if from == to {
                continue;
            }
            use RefundStatus::{Approved, Expired, Failed, Rejected, Requested, Sent, Succeeded, Withdrawn};
            let walk: &[RefundStatus] = match from {
                Requested => &[],
                Approved => &[Approved],
                Sent => &[Approved, Sent],
                Succeeded => &[Approved, Sent, Succeeded],
                Failed => &[Approved, Failed],
                Rejected => &[Rejected],
                Withdrawn => &[Withdrawn],
                Expired => &[Expired],
            };
            let first = requested(&store, refund(&payment, &format!("m{nth}-{other}"), 10)).await;
            let there = walked(&store, first, walk).await;
            let mut next = change(&there, to);
            next.refund.approvals = vec![Approval { by: "checker-1".to_owned(), at: at(7) }];
            let stored = store.apply_refund(next).await;
            assert_eq!(stored.is_ok(), from.may_become(to), "{from:?} to {to:?}: {stored:?}");
        }
    }
}

async fn a_checker_is_neither_the_maker_nor_an_earlier_checker(store: Arc<dyn Store>) {
    let payment = paid(&store, "T1").await;
    let first = requested(&store, refund(&payment, "1", 100)).await;
    let approved_by = |names: &[&str]| {
        let mut change = change(&first, RefundStatus::Approved);
        change.refund.approvals =
            names.iter().map(|by| Approval { by: (*by).to_owned(), at: at(7) }).collect();
        store.apply_refund(change)
    };
    for refused in [&[] as &[&str], &["maker-1"], &["checker-1", "maker-1"], &["checker-1", "checker-1"]] {
        assert!(approved_by(refused).await.is_err(), "{refused:?}");
    }
    assert_eq!(approved_by(&["checker-1", "checker-2"]).await.unwrap(), Applied::Stored);
}

async fn a_repeated_request_finds_the_first(store: Arc<dyn Store>) {
    let payment = paid(&store, "T1").await;
    let key = RefundKey { scope: "pb/maker-1".to_owned(), key: "k-1".to_owned() };
    let keyed = |id: &str| NewRefund { key: Some((key.clone(), [9; 32])), ..new(refund(&payment, id, 100)) };
    assert_eq!(store.refund_of_key(&key).await.unwrap(), None);
    let answers = join_all((0..10).map(|nth| store.request_refund(keyed(&format!("k{nth}"))))).await;
    let stored = answers.iter().filter(|answer| matches!(answer, Ok(RefundRequested::Stored))).count();
    assert_eq!(stored, 1);
    let (first, digest) = store.refund_of_key(&key).await.unwrap().unwrap();
    assert_eq!(digest, [9; 32]);
    for answer in answers {
        let answer = answer.unwrap();
        if let RefundRequested::KeyTaken { refund, digest: [9, ..] } = &answer {
            assert_eq!(**refund, first);
        } else {
            assert_eq!(answer, RefundRequested::Stored);
        }
    }
    assert_eq!(store.refunds_of(&payment.id).await.unwrap(), [first]);
}

async fn the_history_and_the_events_of_a_refund_keep_their_order(store: Arc<dyn Store>) {
    let payment = paid(&store, "T1").await;
    let before = store.events_of(&payment.id).await.unwrap().len();
    let first = refund(&payment, "1", 100);
    let event = |kind| sample::event(&payment, kind);
    let request = NewRefund { events: vec![event(EventKind::SaveRefund)], ..new(first.clone()) };
    assert_eq!(store.request_refund(request).await.unwrap(), RefundRequested::Stored);
    let mut approval = change(&first, RefundStatus::Approved);
    approval.events = vec![event(EventKind::UpdateRefund)];
    let approved = applied(&store, approval).await;
    let kinds: Vec<EventKind> =
        store.events_of(&payment.id).await.unwrap().iter().map(|stored| stored.event.kind).collect();
    assert_eq!(kinds[before..], [EventKind::SaveRefund, EventKind::UpdateRefund]);
    let expected = [line(&first, None, "requested"), line(&approved, Some(first.status), "changed")];
    assert_eq!(store.refund_history(&first.id).await.unwrap(), expected);
}

async fn a_change_of_a_run_that_is_over_is_refused(store: Arc<dyn Store>) {
    let payment = paid(&store, "T1").await;
    let first = requested(&store, refund(&payment, "1", 100)).await;
    let run = sample::begun(&store, sample::tick("refunds", 0)).await;
    let note = |version| RefundNote {
        id: first.id.clone(),
        version,
        due: RefundDue::In(sample::MINUTE),
        history: Some(line(&first, Some(first.status), "asked")),
        fence: Some(run.fence.clone()),
    };
    assert_eq!(store.note_refund(note(1)).await.unwrap(), Applied::Stored);
    assert_eq!(store.note_refund(note(2)).await.unwrap(), Applied::Stale);
    sample::ended(&store, &run, 1, RunEnd::Finished).await;
    assert_eq!(store.note_refund(note(1)).await.unwrap(), Applied::Fenced);
    let mut late = change(&first, RefundStatus::Expired);
    late.fence = Some(run.fence.clone());
    assert_eq!(store.apply_refund(late).await.unwrap(), Applied::Fenced);
    assert_eq!(read(&store, &first.id).await.unwrap().status, RefundStatus::Requested);
    assert_eq!(store.refund_history(&first.id).await.unwrap().len(), 2);
}

async fn a_change_raises_a_case_and_closes_another(store: Arc<dyn Store>) {
    let pending = sample::stored(&store, sample::new_transaction("T1", "B1")).await;
    let failed = sample::applied(&store, sample::failure(&pending)).await;
    let mut late = new_case(&failed, case(&failed, AttentionKind::LateSuccess, 1), "paid late");
    late.hold = failed.bill_keys();
    let id = raised(&store, late).await;
    assert_eq!(store.claims(&failed.bill_keys()).await.unwrap().len(), 1);
    let first = requested(&store, Refund { case: Some(id), ..refund(&failed, "1", 10_000) }).await;
    let sent = walked(&store, first, &[RefundStatus::Approved, RefundStatus::Sent]).await;
    let mut end = change(&sent, RefundStatus::Succeeded);
    let unclear = case(&failed, AttentionKind::RefundReturned, 2);
    end.case = Some(new_case(&failed, unclear.clone(), "returned"));
    let resolution = Resolution { at: at(3), by: "refunds".to_owned(), reason: "refunded".to_owned() };
    let told = new_case(&failed, unclear.clone(), "resolved").history;
    end.closes =
        Some(ClosedCase { id, resolution: resolution.clone(), history: told, release: failed.bill_keys() });
    let ended = applied(&store, end).await;
    assert_eq!(store.attention_case(id).await.unwrap().unwrap().resolution, Some(resolution.clone()));
    assert_eq!(store.claims(&failed.bill_keys()).await.unwrap().len(), 1, "another case is open");
    let cases = store.attention(&failed.id).await.unwrap();
    assert_eq!(cases[1], unclear);

    // A case that was resolved is opened again by the next event of its kind.
    let raised = store.attention_cases(&super::attention::everything()).await.unwrap();
    let line_of = |why: &str| new_case(&failed, unclear.clone(), why).history;
    store
        .resolve_attention(
            raised[1].id.into(),
            resolution,
            line_of("seen"),
            Vec::new(),
            Vec::new(),
            &failed.bill_keys(),
        )
        .await
        .unwrap();
    assert_eq!(store.claims(&failed.bill_keys()).await.unwrap(), [], "no case is open");
    let mut again = change(&ended, RefundStatus::Succeeded);
    let newer = case(&failed, AttentionKind::RefundReturned, 5);
    again.case = Some(new_case(&failed, newer.clone(), "returned"));
    applied(&store, again).await;
    let reopened = store.attention_case(raised[1].id).await.unwrap().unwrap();
    assert_eq!((reopened.case, reopened.resolution), (newer, None));
}

async fn refunds_are_found_by_every_condition_within_the_tenants_of_the_caller(store: Arc<dyn Store>) {
    let mut ids = Vec::new();
    for (nth, tenant) in [(0, "pb.amritsar"), (1, "pb.nabha"), (2, "pbx"), (3, "pb")] {
        let mut txn = sample::transaction(&format!("T{nth}"), &[&format!("B{nth}")]);
        txn.tenant_id = TenantId::new(tenant).unwrap();
        txn.consumer_code = format!("PT-{nth}");
        let txn = sample::stored(&store, sample::new(txn)).await;
        let mut wanted = refund(&txn, &format!("s{nth}"), 100 + i64::from(nth));
        wanted.gateway = GatewayName::new(if nth % 2 == 0 { "PAYTM" } else { "AXIS" });
        wanted.audit.created_at = at(i64::from(nth));
        wanted.requested_by = format!("maker-{nth}");
        wanted.audit.created_by.clone_from(&wanted.requested_by);
        ids.push(requested(&store, wanted).await.id);
    }
    let third = read(&store, &ids[2]).await.unwrap();
    walked(&store, third, &[RefundStatus::Rejected]).await;
    let page = PageRequest { limit: 10, offset: 0 };
    let all = || RefundQuery { page, ..RefundQuery::default() };
    let scope = |root: &str| TenantScope { root: root.to_owned() };
    let cases: Vec<(RefundQuery, &[usize])> = vec![
        (all(), &[3, 2, 1, 0]),
        (RefundQuery { page: PageRequest { limit: 2, offset: 1 }, ..all() }, &[2, 1]),
        (RefundQuery { tenant_id: Some(TenantId::new("pb").unwrap()), ..all() }, &[3]),
        (RefundQuery { within: Some(vec![scope("pb")]), ..all() }, &[3, 1, 0]),
        (RefundQuery { within: Some(vec![scope("pb.nabha"), scope("pbx")]), ..all() }, &[2, 1]),
        (RefundQuery { within: Some(Vec::new()), ..all() }, &[]),
        (RefundQuery { refund_id: Some(ids[1].clone()), ..all() }, &[1]),
        (RefundQuery { txn_id: Some(txn_id("T0")), ..all() }, &[0]),
        (RefundQuery { statuses: vec![RefundStatus::Rejected, RefundStatus::Failed], ..all() }, &[2]),
        (RefundQuery { consumer_code: Some("PT-3".to_owned()), ..all() }, &[3]),
        (RefundQuery { bill_id: Some(BillId::new("B1").unwrap()), ..all() }, &[1]),
        (RefundQuery { from: Some(at(1)), to: Some(at(3)), ..all() }, &[2, 1]),
        (RefundQuery { requested_by: Some("maker-0".to_owned()), ..all() }, &[0]),
        (RefundQuery { not_requested_by: Some("maker-3".to_owned()), ..all() }, &[2, 1, 0]),
        (RefundQuery { gateway: Some(GatewayName::new("PAYTM")), ..all() }, &[2, 0]),
        (RefundQuery { amount_from: Some(paise(102)), ..all() }, &[3, 2]),
        (RefundQuery { amount_to: Some(paise(101)), ..all() }, &[1, 0]),
        (
            RefundQuery {
                amount_from: Some(paise(101)),
                gateway: Some(GatewayName::new("AXIS")),
                statuses: vec![RefundStatus::Requested],
                not_requested_by: Some("maker-3".to_owned()),
                ..all()
            },
            &[1],
        ),
    ];
    for (query, expected) in cases {
        let found = store.search_refunds(&query).await.unwrap();
        let found: Vec<RefundId> = found.into_iter().map(|refund| refund.id).collect();
        let expected: Vec<RefundId> = expected.iter().map(|nth| ids[*nth].clone()).collect();
        assert_eq!(found, expected, "{query:?}");
        if query.page == page {
            assert_eq!(store.count_refunds(&query).await.unwrap(), expected.len() as u64, "{query:?}");
        }
    }
    let outside = store.refund(&ids[2], Some(&[scope("pb")])).await.unwrap();
    assert_eq!(outside, None);
    assert!(store.refund(&ids[0], Some(&[scope("pb")])).await.unwrap().is_some());
}

async fn pages_of_refunds_show_each_once_up_to_a_horizon_and_behind_it(store: Arc<dyn Store>) {
    let mut stored = Vec::new();
    for nth in 0..12_i64 {
        let mut txn = sample::transaction(&format!("T{nth}"), &[&format!("B{nth}")]);
        txn.tenant_id =
            TenantId::new(["pb.amritsar", "pb.nabha", "mh"][usize::try_from(nth % 3).unwrap()]).unwrap();
        let txn = sample::stored(&store, sample::new(txn)).await;
        let mut wanted = refund(&txn, &format!("{nth:02}"), 100 + nth % 2);
        wanted.audit.created_at = at(nth / 2);
        stored.push(requested(&store, wanted).await);
    }
    stored.sort_by_key(|refund| std::cmp::Reverse((refund.audit.created_at, refund.id.clone())));
    let scope = TenantScope { root: "pb".to_owned() };
    let ids = |refunds: &[Refund]| refunds.iter().map(|refund| refund.id.clone()).collect::<Vec<_>>();
    let (page, mut horizons) = (PageRequest { limit: 2, offset: 0 }, 0);
    for amount_from in [None, Some(paise(101))] {
        let mut query =
            RefundQuery { within: Some(vec![scope.clone()]), amount_from, page, ..RefundQuery::default() };
        let matches = |refund: &&Refund| {
            refund.tenant_id.is_within("pb")
                && amount_from.is_none_or(|from| refund.amount.minor() >= from.minor())
        };
        let expected: Vec<Refund> = stored.iter().filter(matches).cloned().collect();
        let mut seen = Vec::new();
        loop {
            let from = store.refunds_horizon(&query, 3).await.unwrap();
            let page = store.search_refunds(&RefundQuery { from, ..query.clone() }).await.unwrap();
            seen.extend(ids(&page));
            query.after = page.last().map(|last| last.id.clone()).filter(|_| page.len() == 2);
            match (&query.after, from) {
                (Some(_), _) => {}
                (None, Some(horizon)) => {
                    assert!(query.to.is_none_or(|to| horizon < to), "it goes on");
                    (query.to, horizons) = (Some(horizon), horizons + 1);
                }
                (None, None) => break,
            }
        }
        assert_eq!(seen, ids(&expected));
    }
    assert!(horizons > 0, "no list went on behind its horizon");
    let foreign = stored.iter().find(|refund| refund.tenant_id.as_str() == "mh").unwrap();
    for after in [foreign.id.clone(), RefundId::new("RF-000000-none").unwrap()] {
        let query = RefundQuery {
            within: Some(vec![scope.clone()]),
            after: Some(after),
            page,
            ..RefundQuery::default()
        };
        assert_eq!(store.search_refunds(&query).await.unwrap(), []);
    }
    let open = RefundQuery { statuses: vec![RefundStatus::Requested], page, ..RefundQuery::default() };
    assert_eq!(store.refunds_horizon(&open, 3).await.unwrap(), None, "those are few");
}

async fn refunds_are_due_by_the_clock_of_the_store(timed: Timed) {
    let store = timed.store.clone();
    let payment = paid(&store, "T1").await;
    let mut refunds = Vec::new();
    for (nth, seconds) in [(0, 30), (1, 10), (2, 20)] {
        let due = RefundDue::In(Duration::from_secs(seconds));
        let wanted = NewRefund { due, ..new(refund(&payment, &format!("d{nth}"), 10)) };
        refunds.push(wanted.refund.clone());
        assert_eq!(store.request_refund(wanted).await.unwrap(), RefundRequested::Stored);
    }
    let never = NewRefund { due: RefundDue::Never, ..new(refund(&payment, "never", 10)) };
    assert_eq!(store.request_refund(never).await.unwrap(), RefundRequested::Stored);
    let due = |after, limit| DueRefunds { gateway: payment.gateway.clone(), after, limit };
    assert!(store.due_refund_gateways().await.unwrap().is_empty());
    let store = timed.when(at(20_000));
    assert_eq!(store.due_refund_gateways().await.unwrap(), std::slice::from_ref(&payment.gateway));
    let found = store.due_refunds(&due(None, 10)).await.unwrap();
    let ids = |found: &[crate::DueRefund]| found.iter().map(|due| due.id.clone()).collect::<Vec<_>>();
    assert_eq!(ids(&found), [refunds[1].id.clone(), refunds[2].id.clone()]);
    assert_eq!((found[0].status, found[0].checks), (RefundStatus::Requested, 0));
    assert_eq!(store.due_refunds(&due(None, 1)).await.unwrap(), found[..1]);
    assert_eq!(store.due_refunds(&due(Some(found[0].place.clone()), 10)).await.unwrap(), found[1..]);

    let note = RefundNote {
        id: refunds[1].id.clone(),
        version: 1,
        due: RefundDue::In(Duration::from_secs(5)),
        history: None,
        fence: None,
    };
    assert_eq!(store.note_refund(note).await.unwrap(), Applied::Stored);
    applied(store, change(&refunds[2], RefundStatus::Rejected)).await;
    assert!(store.due_refunds(&due(None, 10)).await.unwrap().is_empty());
    let store = timed.when(at(25_000));
    let again = store.due_refunds(&due(None, 10)).await.unwrap();
    assert_eq!((ids(&again), again[0].checks), (vec![refunds[1].id.clone()], 1));
    let mut approval = change(&refunds[1], RefundStatus::Approved);
    approval.due = RefundDue::In(Duration::ZERO);
    applied(store, approval).await;
    let approved = store.due_refunds(&due(None, 10)).await.unwrap();
    assert_eq!((approved[0].status, approved[0].checks), (RefundStatus::Approved, 0));
    assert_eq!(approved[0].place.due_at, at(25_000));
}
