//! Exports: whole lists, as they stood at one moment.

use std::fmt::Debug;
use std::sync::Arc;

use payment_domain::{AttentionKind, EventKind, GatewayName, RefundStatus, StatusName, Transaction};

use super::Promise;
use super::attention::{case, everything, new_case, raised};
use super::listings::{create_all, scopes};
use super::refunding::{paid, refund, requested};
use super::sample::{self, at, audit_entry, begun, ended, paise, tick};
use crate::{
    AttentionQuery, AuditQuery, CaseState, EventQuery, EventState, OwnedBy, PageRequest, PaymentLines,
    PaymentQuery, Reading, RefundQuery, RunEnd, Store, StoreError,
};

pub(super) fn promises() -> Vec<Promise> {
    vec![
        Promise::of(an_export_of_payments_has_every_page_of_their_list),
        Promise::of(an_export_has_every_page_of_any_other_list),
        Promise::of(an_export_shows_one_moment_whatever_is_stored_meanwhile),
    ]
}

async fn lines_of(mut reading: Reading<PaymentLines>) -> Result<PaymentLines, StoreError> {
    let mut all = PaymentLines::default();
    while let Some(page) = reading.next().await? {
        page.iter().for_each(|line| all.push(&line));
    }
    Ok(all)
}

async fn rows_of<T>(mut reading: Reading<Vec<T>>) -> Vec<T> {
    let mut all = Vec::new();
    while let Some(page) = reading.next().await.unwrap() {
        all.extend(page);
    }
    all
}

fn lines(payments: &[Transaction]) -> PaymentLines {
    let mut lines = PaymentLines::default();
    payments.iter().for_each(|txn| lines.push_transaction(txn));
    lines
}

async fn an_export_of_payments_has_every_page_of_their_list(store: Arc<dyn Store>) {
    create_all(&store).await;
    let mut dollars = sample::in_currency(sample::transaction("T-USD", &["B-USD"]), "USD", 1_005);
    dollars.payer.name = payment_domain::Personal::new("ਗੁਰਪ੍ਰੀਤ \"G\", \n=1+1");
    dollars.consumer_code = "x".repeat(300);
    store.create(sample::new(dollars)).await.unwrap();
    // Every filter alone, and some together.
    for combination in [0_u32, 1, 2, 4, 8, 16, 32, 64, 3, 5, 24, 96, 127] {
        let is_set = |bit: u32| combination & (1 << bit) != 0;
        for within in [&["pb"][..], &["pb.amritsar", "pb.nabha"], &["pb%", "p_"], &[]] {
            let query = PaymentQuery {
                within: scopes(within),
                status: is_set(0).then_some(StatusName::Success),
                gateway: is_set(1).then(|| GatewayName::new("AXIS")),
                module: is_set(2).then(|| "PT".to_owned()),
                amount_from: is_set(3).then(|| paise(200)),
                amount_to: is_set(4).then(|| paise(400)),
                from: is_set(5).then(|| at(3)),
                to: is_set(6).then(|| at(16)),
                limit: 500,
                ..PaymentQuery::default()
            };
            let listed = store.list_payments(&query).await.unwrap();
            let on_a_page =
                PaymentQuery { limit: 1, after: Some(sample::txn_id("no-such")), ..query.clone() };
            let exported = lines_of(store.read_payments(&on_a_page)).await.unwrap();
            assert_eq!(exported.len(), listed.len(), "{query:?}");
            assert!(exported == lines(&listed), "{query:?}: {exported:?}");
        }
    }
}

async fn an_export_has_every_page_of_any_other_list(store: Arc<dyn Store>) {
    let (one, other) = (paid(&store, "T1").await, paid(&store, "T2").await);
    for (payment, id, minor) in [(&one, "a", 100), (&other, "b", 200), (&other, "c", 300)] {
        requested(&store, refund(payment, id, minor)).await;
        raised(&store, new_case(payment, case(payment, kind_of(minor), minor), "a doubt")).await;
    }
    store.record(vec![audit_entry(1, Some("pb.amritsar")), audit_entry(2, None)]).await.unwrap();
    for tick_at in [100, 200] {
        let run = begun(&store, tick("early", tick_at)).await;
        ended(&store, &run, tick_at + 1, RunEnd::Finished).await;
    }
    let tenants = vec![one.tenant_id.as_str()];
    for query in [
        RefundQuery { within: Some(scopes(&tenants)), ..RefundQuery::default() },
        RefundQuery { within: Some(scopes(&["mh"])), ..RefundQuery::default() },
        RefundQuery { statuses: vec![RefundStatus::Requested], ..RefundQuery::default() },
        RefundQuery { requested_by: Some("another".to_owned()), ..RefundQuery::default() },
        RefundQuery { not_requested_by: Some("maker-1".to_owned()), ..RefundQuery::default() },
        RefundQuery { amount_from: Some(paise(200)), ..RefundQuery::default() },
    ] {
        let all = PageRequest { limit: 1_000, offset: 0 };
        let listed = store.search_refunds(&RefundQuery { page: all, ..query.clone() }).await.unwrap();
        same(rows_of(store.read_refunds(&query)).await, listed, &query);
    }
    for query in [
        AttentionQuery { within: Some(scopes(&tenants)), ..everything() },
        AttentionQuery { within: Some(scopes(&["mh"])), ..everything() },
        AttentionQuery { kind: Some(kind_of(200)), state: CaseState::Open, ..everything() },
        AttentionQuery { state: CaseState::Resolved, ..everything() },
        AttentionQuery { raised_before: Some(at(250)), ..everything() },
        AttentionQuery { owner: OwnedBy::Unowned, ..everything() },
        AttentionQuery { owner: OwnedBy::One("someone".to_owned()), ..everything() },
    ] {
        let listed = store.attention_cases(&query).await.unwrap();
        let on_a_page = AttentionQuery { after: 2, limit: 1, ..query.clone() };
        same(rows_of(store.read_cases(&on_a_page)).await, listed, &query);
    }
    for query in [
        AuditQuery::default(),
        AuditQuery { before: Some(i64::MAX), ..AuditQuery::default() },
        AuditQuery { object_id: Some("2".to_owned()), ..AuditQuery::default() },
        AuditQuery { within: scopes(&["pb"]).pop(), ..AuditQuery::default() },
        AuditQuery { from: Some(at(2)), to: Some(at(9)), ..AuditQuery::default() },
    ] {
        let all = AuditQuery { limit: 1_000, ..query.clone() };
        let listed = store.audit_entries(&all).await.unwrap();
        same(rows_of(store.read_audit(&query)).await, listed, &query);
    }
    for query in [
        EventQuery::of(EventState::Waiting, 1_000),
        EventQuery::of(EventState::Dead, 1_000),
        EventQuery { newest_first: true, ..EventQuery::of(EventState::All, 1_000) },
        EventQuery { kind: Some(EventKind::SaveTransaction), ..EventQuery::of(EventState::All, 1_000) },
    ] {
        let listed = store.list_events(&query).await.unwrap();
        let on_a_page = EventQuery { after: 1, before: 2, limit: 1, ..query.clone() };
        same(rows_of(store.read_events(&on_a_page)).await, listed, &query);
    }
    let runs = store.runs(Some("early"), 1_000).await.unwrap();
    assert_eq!(runs.len(), 2);
    same(rows_of(store.read_runs("early")).await, runs, &"runs");
    assert_eq!(rows_of(store.read_runs("none")).await, []);
}

fn same<T: PartialEq + Debug>(exported: Vec<T>, listed: Vec<T>, query: &dyn Debug) {
    assert_eq!(exported, listed, "{query:?}");
}

fn kind_of(minor: i64) -> AttentionKind {
    let nth = usize::try_from(minor / 100).unwrap();
    AttentionKind::ALL[nth]
}

async fn an_export_shows_one_moment_whatever_is_stored_meanwhile(store: Arc<dyn Store>) {
    /// More than wait to be taken, whatever the pages of a store.
    const ENTRIES: i64 = 9_000;
    sample::recorded(store.as_ref(), ENTRIES).await;
    let mut reading = store.read_audit(&AuditQuery::default());
    let mut numbers = Vec::new();
    while let Some(page) = reading.next().await.unwrap() {
        if numbers.is_empty() {
            store.record(vec![audit_entry(0, None)]).await.unwrap();
        }
        numbers.extend(page.iter().map(|entry| entry.number));
    }
    assert_eq!(numbers, (1..=ENTRIES).collect::<Vec<i64>>());
}
