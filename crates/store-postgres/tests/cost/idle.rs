//! Questions of jobs, and of pages that show open work, when nothing waits. A statement that stops at the first row
//! that it finds reads everything where there is none.

use payment_domain::{GatewayName, RefundStatus, StatusName, Timestamp};
use payment_store::contract::sample::{self, at};
use payment_store::figures::FiguresAsk;
use payment_store::{
    AttentionQuery, AuditLog, Callbacks, Checks, DueChecks, DueRefunds, EventQuery, EventState, Exports,
    FigureBooks, Health, Idempotency, JobLedger, Listings, Outbox, PageRequest, PaymentQuery, ReceiptState,
    ReceiptTaskClaim, ReceiptTaskKind, ReceiptTasks, RefundQuery, Refunds, ReviewCases, Search, SearchQuery,
    Sessions, Turn,
};

use crate::question::{Question, planned, question};
use crate::{FAR, fence, within};

const LONG_AGO: Timestamp = Timestamp::from_millis(0);

pub(crate) fn all(_: i64) -> Vec<Question> {
    let mut all = jobs();
    all.extend(forgetting());
    all.extend(pages());
    all
}

fn jobs() -> Vec<Question> {
    let claim = |kind| ReceiptTaskClaim { kind, ..sample::task_claim("idle", 5) };
    let due = |turn| DueChecks { turn, gateway: None, after: None, limit: 5 };
    let every = Turn::Every { created_before: FAR, not_checked_since: FAR, now: FAR };
    let mut all = vec![
        question!("idle: seal", |store| {
            assert_eq!(store.seal_history(at(9), 1_000, &fence()).await.unwrap(), Some(0));
        }),
        question!("idle: issue receipts", |store| {
            assert!(store.claim_receipt_tasks(claim(ReceiptTaskKind::Issue)).await.unwrap().is_empty());
        }),
        question!("idle: cancel receipts", |store| {
            assert!(store.claim_receipt_tasks(claim(ReceiptTaskKind::Cancel)).await.unwrap().is_empty());
        }),
        question!("idle: leases", |store| assert!(store.receipt_leases(100).await.unwrap().is_empty())),
        question!("idle: gateways", |store| assert!(store.pending_gateways().await.unwrap().is_empty())),
        question!("idle: gateways of refunds", |store| assert!(
            store.due_refund_gateways().await.unwrap().is_empty()
        )),
        planned!("idle: refunds", |store| {
            let query = DueRefunds { gateway: GatewayName::new("AXIS"), after: None, limit: 5 };
            assert!(store.due_refunds(&query).await.unwrap().is_empty());
        }),
        question!("idle: events", |store| assert!(store.unpublished(0, 100).await.unwrap().is_empty())),
        question!("idle: outbox backlog", |store| assert_eq!(
            store.outbox_backlog().await.unwrap().waiting,
            0
        )),
        question!("idle: backlog", |store| assert!(store.backlog(FAR).await.unwrap().cases.is_empty())),
        planned!("idle: lines to count", |store| {
            let ask = FiguresAsk { lines: 2_000, ..FiguresAsk::default() };
            assert!(store.figures_reading(&ask).await.unwrap().lines.is_empty());
        }),
        planned!("idle: changed refunds", |store| assert!(
            store.refunds_changed(at(999_999_999)).await.unwrap().is_empty()
        )),
        planned!("idle: earlier creations", |store| assert_eq!(
            store.latest_creation(LONG_AGO).await.unwrap(),
            None
        )),
        question!("idle: a tick that was not", |store| assert_eq!(
            store.last_tick("none", FAR).await.unwrap(),
            None
        )),
    ];
    for (name, turn) in [
        ("idle: first checks", Turn::First { created_by: FAR }),
        ("idle: next checks", Turn::Next { due_by: FAR }),
        ("idle: all checks", every),
    ] {
        all.push(Question::by(name, due(turn), move |store, query: DueChecks| async move {
            assert!(store.due_checks(&query).await.unwrap().is_empty(), "{name}");
        }));
    }
    all
}

fn forgetting() -> Vec<Question> {
    let none = Timestamp::from_millis(-1);
    vec![
        planned!("idle: forget keys", |store| assert_eq!(
            store.forget_idempotency_keys(none, 500).await.unwrap(),
            0
        )),
        planned!("idle: forget callbacks", |store| assert_eq!(
            store.forget_callbacks(none, 500).await.unwrap(),
            0
        )),
        planned!("idle: forget events", |store| assert_eq!(
            store.forget_published(none, 500).await.unwrap(),
            0
        )),
        planned!("idle: forget runs", |store| assert_eq!(store.forget_runs(none, 500).await.unwrap(), 0)),
        question!("idle: forget readings", |store| store
            .store_gateway_readings(Vec::new(), LONG_AGO)
            .await
            .unwrap()),
    ]
}

fn pages() -> Vec<Question> {
    let refunds = |statuses: &[RefundStatus]| RefundQuery {
        within: Some(within("pb")),
        statuses: statuses.to_vec(),
        page: PageRequest { limit: 100, offset: 0 },
        ..RefundQuery::default()
    };
    let mut all = vec![
        planned!("idle: pending payments", |store| {
            let query = SearchQuery { status: Some(StatusName::Pending), ..SearchQuery::default() };
            assert!(store.search(&query).await.unwrap().is_empty());
        }),
        planned!("idle: open cases", |store| {
            let query =
                AttentionQuery { within: Some(within("pb")), limit: 100, ..AttentionQuery::default() };
            assert!(store.attention_cases(&query).await.unwrap().is_empty());
        }),
        planned!("idle: open cases by kind", |store| assert!(
            store.open_cases(&within("pb")).await.unwrap().is_empty()
        )),
        planned!("idle: receipts due", |store| assert_eq!(
            store.receipts_due(&within("pb")).await.unwrap(),
            0
        )),
        planned!("idle: days with pending payments", |store| assert!(
            store.pending_by_day(&within("pb")).await.unwrap().is_empty()
        )),
        planned!("idle: sessions", |store| assert!(
            store.valid_sessions(None, at(1), 200).await.unwrap().is_empty()
        )),
        planned!("idle: export of waiting events", |store| {
            let mut reading = store.read_events(&EventQuery::of(EventState::Waiting, 0));
            assert!(reading.next().await.unwrap().is_none());
        }),
    ];
    for (name, statuses) in [
        ("idle: refunds to decide", &[RefundStatus::Requested][..]),
        ("idle: refunds to send", &[RefundStatus::Requested, RefundStatus::Approved]),
        ("idle: refunds that were sent", &[RefundStatus::Sent]),
        ("idle: open refunds", &[RefundStatus::Requested, RefundStatus::Approved, RefundStatus::Sent]),
    ] {
        all.push(Question::by(name, refunds(statuses), move |store, query: RefundQuery| async move {
            assert!(store.search_refunds(&query).await.unwrap().is_empty(), "{name}");
            assert_eq!(store.count_refunds(&query).await.unwrap(), 0, "{name}");
        }));
    }
    let listed = |root: &str| PaymentQuery { within: within(root), limit: 100, ..PaymentQuery::default() };
    for (name, query) in [
        ("idle: list of pending", PaymentQuery { status: Some(StatusName::Pending), ..listed("pb") }),
        (
            "idle: list without a receipt",
            PaymentQuery { receipt: Some(ReceiptState::Pending), ..listed("pb.7") },
        ),
    ] {
        all.push(Question::by(name, query, move |store, query: PaymentQuery| async move {
            assert!(store.list_payments(&query).await.unwrap().is_empty(), "{name}");
        }));
    }
    all
}
