//! Exports: of a part, however long the whole list is.

use payment_domain::{AttentionKind, AuditAction, StatusName};
use payment_store::contract::sample::at;
use payment_store::{
    AttentionQuery, AuditQuery, CaseState, EventQuery, EventState, Exports, PaymentQuery, Reading,
    RefundQuery, TenantScope,
};

use crate::question::{Question, planned};
use crate::within;

async fn pages<P>(mut reading: Reading<P>) -> usize {
    let mut pages = 0;
    while reading.next().await.unwrap().is_some() {
        pages += 1;
    }
    pages
}

pub(crate) fn all(_: i64) -> Vec<Question> {
    let (from, to) = (Some(at(7_000)), Some(at(7_020)));
    let payments = |root: &str| PaymentQuery { within: within(root), ..PaymentQuery::default() };
    let cases = |state| AttentionQuery { within: Some(within("pb")), state, ..AttentionQuery::default() };
    let audit = || AuditQuery { before: Some(i64::MAX), ..AuditQuery::default() };
    let mut all = Vec::new();
    for (name, query) in [
        ("export of payments of a time", PaymentQuery { from, to, ..payments("pb") }),
        ("export of payments of a tenant and time", PaymentQuery { from, to, ..payments("pb.7") }),
        ("export of pending payments", PaymentQuery { status: Some(StatusName::Pending), ..payments("pb") }),
    ] {
        all.push(Question::by(name, query, move |store, query| async move {
            assert_eq!(pages(store.read_payments(&query)).await, 1, "{name}");
        }));
    }
    // By other conditions all refunds are read, in their order.
    let refunds = RefundQuery { within: Some(within("pb")), from, to, ..RefundQuery::default() };
    all.push(Question::by("export of refunds of a time", refunds, |store, query| async move {
        assert_eq!(pages(store.read_refunds(&query)).await, 1);
    }));
    let of_none = AttentionQuery { kind: Some(AttentionKind::RefundUnclear), ..cases(CaseState::Open) };
    for (name, query, expected) in
        [("export of open cases", cases(CaseState::Open), 1), ("export of open cases of a kind", of_none, 0)]
    {
        all.push(Question::by(name, query, move |store, query| async move {
            assert_eq!(pages(store.read_cases(&query)).await, expected, "{name}");
        }));
    }
    let tenth = (Some(at(70_000_000)), Some(at(70_200_000)));
    for (name, query) in [
        ("export of audit entries of a time", AuditQuery { from: tenth.0, to: tenth.1, ..audit() }),
        (
            "export of audit entries of an action",
            AuditQuery { action: Some(AuditAction::Exported), ..audit() },
        ),
        (
            "export of audit entries of an object",
            AuditQuery {
                object_id: Some("777".to_owned()),
                within: Some(TenantScope { root: "pb".to_owned() }),
                ..audit()
            },
        ),
    ] {
        all.push(Question::by(name, query, move |store, query| async move {
            assert_eq!(pages(store.read_audit(&query)).await, 1, "{name}");
        }));
    }
    all.extend([
        planned!("export of waiting events", |store| {
            let query = EventQuery { newest_first: true, ..EventQuery::of(EventState::Waiting, 0) };
            assert!(pages(store.read_events(&query)).await > 0);
        }),
        planned!("export of runs", |store| assert_eq!(pages(store.read_runs("job-0")).await, 1)),
    ]);
    all
}
