//! The figures of the console are the sums of the rows, whatever comes between.

use std::sync::Arc;
use std::time::Duration;

use jiff::tz::TimeZone;
use payment_domain::{
    Actor, Approval, Clock, GatewayName, ManualClock, Refund, RefundHistoryEntry, RefundStatus, Status,
    StatusName, TenantId, Timestamp, Transaction,
};
use payment_service::figures::{Days, FigureCounts, FiguresJob, FiguresVerificationJob};
use payment_service::{Job, Run};
use payment_store::contract::{refunding, sample};
use payment_store::figures::{FigureKey, FigureRows, Figures, FiguresAsk};
use payment_store::{
    Applied, CancellationChange, Change, Created, Fence, RefundChange, RefundDue, RefundRequested, RunEnd,
    Store,
};
use payment_testing::database::Database;
use serde_json::json;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

const DAY_MS: i64 = 24 * 60 * 60 * 1000;

struct Books {
    database: Database,
    store: Arc<dyn Store>,
    clock: Arc<ManualClock>,
    fence: Fence,
    days: Days,
    numbers: u64,
    txns: Vec<Transaction>,
    refunds: Vec<Refund>,
}

impl Books {
    async fn open(database: impl FnOnce(&Arc<ManualClock>) -> Database) -> Books {
        let clock = Arc::new(ManualClock::at(sample::at(0)));
        let database = database(&clock);
        let store = database.store.clone();
        let fence = sample::begun(&store, sample::tick("figures", 0)).await.fence;
        let days = Days::of(TimeZone::get("Asia/Kolkata").unwrap());
        Books {
            database,
            store,
            clock,
            fence,
            days,
            numbers: 0x5eed_1234_5678_9abc,
            txns: Vec::new(),
            refunds: Vec::new(),
        }
    }

    fn counts(&self, lines: u32) -> FigureCounts {
        FigureCounts::new(self.store.clone(), self.clock.clone(), self.days.clone()).with_lines(lines)
    }

    fn below(&mut self, end: u64) -> u64 {
        self.numbers ^= self.numbers << 13;
        self.numbers ^= self.numbers >> 7;
        self.numbers ^= self.numbers << 17;
        self.numbers % end
    }

    async fn create(&mut self) {
        let nth = self.txns.len();
        let mut txn = sample::transaction(&format!("T{nth:04}"), &[&format!("B{nth}")]);
        if self.below(6) == 0 {
            txn = sample::in_currency(txn, "USD", 500);
        }
        txn.tenant_id =
            TenantId::new(["pb.amritsar", "pb.nabha", "pb"][usize::try_from(self.below(3)).unwrap()])
                .unwrap();
        txn.gateway = GatewayName::new(["AXIS", "PAYTM"][usize::try_from(self.below(2)).unwrap()]);
        let age =
            i64::try_from(self.below(6)).unwrap() * DAY_MS + i64::try_from(self.below(1_000_000)).unwrap();
        txn.audit.created_at = Timestamp::from_millis(self.clock.now().as_millis() - age);
        txn.status = match self.below(8) {
            0 => Status::Failure,
            1 => Status::Success { receipt: None },
            _ => Status::Pending,
        };
        assert_eq!(self.store.create(sample::new(txn.clone())).await.unwrap(), Created::Stored);
        self.txns.push(txn);
    }

    async fn change(&mut self) {
        let nth = usize::try_from(self.below(u64::try_from(self.txns.len()).unwrap())).unwrap();
        let stored = self.txns[nth].clone();
        let change: Change = match (stored.status.name(), self.below(4)) {
            (StatusName::Success, _) | (_, 0) => sample::change(&stored),
            (StatusName::Pending, 1) => sample::failure(&stored),
            (StatusName::Pending | StatusName::Failure, _) => sample::success(&stored),
        };
        self.txns[nth] = sample::applied(&self.store, change).await;
    }

    /// A payment is given back, in as many steps as a refund has.
    async fn refund(&mut self) {
        let is_new = |txn: &&Transaction| {
            txn.status.name() == StatusName::Success
                && !self.refunds.iter().any(|refund| refund.txn_id == txn.id)
        };
        let nth = self.refunds.len();
        let Some(payment) = self.txns.iter().find(is_new) else { return };
        let mut refund = refunding::refund(payment, &nth.to_string(), 1);
        refund.amount = payment.amount;
        refund.audit.created_at = payment.audit.created_at;
        assert_eq!(
            self.store.request_refund(refunding::new(refund.clone())).await.unwrap(),
            RefundRequested::Stored
        );
        for status in [RefundStatus::Approved, RefundStatus::Sent, RefundStatus::Succeeded] {
            let from = refund.status;
            refund.status = status;
            refund.version += 1;
            refund.approvals = vec![Approval { by: "checker-1".to_owned(), at: self.clock.now() }];
            refund.audit.modified_at = Some(self.clock.now());
            let history = RefundHistoryEntry {
                refund_id: refund.id.clone(),
                txn_id: refund.txn_id.clone(),
                at: self.clock.now(),
                actor: Actor::user("checker-1"),
                from: Some(from),
                to: status,
                why: "changed".to_owned(),
                evidence: json!({}),
            };
            let change = RefundChange {
                refund: refund.clone(),
                due: RefundDue::Never,
                history,
                events: Vec::new(),
                audit: Vec::new(),
                case: None,
                closes: None,
                cancellation: CancellationChange::None,
                fence: None,
            };
            assert_eq!(self.store.apply_refund(change).await.unwrap(), Applied::Stored);
        }
        self.refunds.push(refund);
    }

    /// The figures of the rows.
    fn expected(&self) -> FigureRows {
        let mut all = FigureRows::new();
        let key =
            |at, tenant: &TenantId, gateway: &GatewayName, currency: payment_domain::Currency| FigureKey {
                day: self.days.day_of(at).unwrap(),
                tenant: tenant.to_string(),
                gateway: gateway.to_string(),
                currency: currency.code().to_owned(),
            };
        for txn in &self.txns {
            let key = key(txn.audit.created_at, &txn.tenant_id, &txn.gateway, txn.amount.currency());
            let figures = all.entry(key).or_default();
            figures.created += 1;
            figures.add(Figures::of_status(txn.status.name(), 1, txn.amount.minor()));
        }
        for refund in &self.refunds {
            let key =
                key(refund.audit.created_at, &refund.tenant_id, &refund.gateway, refund.amount.currency());
            let figures = all.entry(key).or_default();
            figures.refunded += 1;
            figures.refunded_minor += refund.amount.minor();
        }
        all
    }

    /// The figures as they are kept.
    async fn kept(&self) -> FigureRows {
        let mut all = FigureRows::new();
        for age in -1..10_i64 {
            let at = Timestamp::from_millis(self.clock.now().as_millis() - age * DAY_MS);
            let ask = FiguresAsk { lines: 1, day: self.days.span_of(at), refunds_of: Vec::new() };
            let kept = self.store.figures_reading(&ask).await.unwrap().kept;
            all.extend(kept.into_iter().filter(|(_, figures)| !figures.is_nothing()));
        }
        all
    }

    async fn count(&self, lines: u32) {
        loop {
            let counted = self.counts(lines).pass(&self.fence).await.unwrap();
            assert_eq!(counted.applied, Applied::Stored);
            if !counted.is_more {
                return;
            }
        }
    }

    async fn verify(&self) {
        let begun =
            sample::begun(&self.store, sample::tick("figures-verify", self.clock.now().as_millis())).await;
        let run = Run::new(begun, CancellationToken::new(), Instant::now());
        FiguresVerificationJob(self.counts(100)).tick(&run).await.unwrap();
        assert!(
            self.store.end_run(run.fence(), self.clock.now(), run.tally(), RunEnd::Finished).await.unwrap()
        );
    }
}

#[tokio::test]
async fn figures_are_the_sums_of_the_rows_after_any_history() {
    let mut books = Books::open(Database::open).await;
    // Payments from before the first count.
    for _ in 0..40 {
        books.create().await;
    }
    for _ in 0..30 {
        books.change().await;
    }
    for round in 0..50 {
        for _ in 0..books.below(4) {
            match books.below(8) {
                0..=2 => books.create().await,
                3 => books.refund().await,
                _ => books.change().await,
            }
        }
        books.clock.advance(Duration::from_secs(20));
        let counts = books.counts(3);
        match books.below(4) {
            // It dies before the commit.
            0 => drop(counts.next(&books.fence).await.unwrap()),
            // Two count at once: one of them is late.
            1 => {
                let (one, other) =
                    (counts.next(&books.fence).await.unwrap(), counts.next(&books.fence).await.unwrap());
                if let (Some((one, ..)), Some((other, ..))) = (one, other) {
                    assert_eq!(books.store.store_figures(one).await.unwrap(), Applied::Stored, "{round}");
                    assert_eq!(books.store.store_figures(other).await.unwrap(), Applied::Stale, "{round}");
                }
            }
            _ => assert_ne!(counts.pass(&books.fence).await.unwrap().applied, Applied::Fenced),
        }
    }
    books.count(3).await;
    assert!(books.refunds.len() > 3);
    assert_eq!(books.kept().await, books.expected());
    assert!(books.store.figures_state().await.unwrap().is_complete);
    // Nothing has come: nothing is stored.
    assert!(
        books
            .counts(3)
            .next(&books.fence)
            .await
            .unwrap()
            .is_none_or(|(update, ..)| update.differences.is_empty())
    );
    // Another count of all comes to the same.
    let other = Days::of(TimeZone::get("America/New_York").unwrap());
    let again = FigureCounts::new(books.store.clone(), books.clock.clone(), other.clone());
    while again.pass(&books.fence).await.unwrap().is_more {}
    books.days = other;
    assert_eq!(books.kept().await, books.expected(), "in another time zone");
}

#[tokio::test]
async fn a_run_that_is_over_stores_no_figures() {
    let books = Books::open(Database::open).await;
    let late = books.counts(10).next(&books.fence).await.unwrap().unwrap().0;
    let end = RunEnd::Failed("lost".to_owned());
    assert!(books.store.end_run(&books.fence, sample::at(1), Default::default(), end).await.unwrap());
    assert_eq!(books.store.store_figures(late).await.unwrap(), Applied::Fenced);
    assert_eq!(books.store.figures_state().await.unwrap().revision, 0);
}

#[tokio::test]
async fn a_day_that_differs_is_named_and_counted_anew() {
    let mut books = Books::open(Database::open).await;
    for _ in 0..20 {
        books.create().await;
    }
    books.count(100).await;
    books.verify().await;
    let state = books.store.figures_state().await.unwrap();
    assert!(
        state.verified.days > 3 && state.verified.at.is_some() && state.verified.differed.is_none(),
        "{state:?}"
    );
    // Not counted yet, and no difference.
    books.create().await;
    books.clock.advance(Duration::from_secs(1));
    books.verify().await;
    assert!(books.store.figures_state().await.unwrap().verified.differed.is_none());
    let day = books.days.day_of(books.txns[0].audit.created_at).unwrap();
    let wrong = format!("UPDATE eg_pg_daily_figures SET paid = paid + 1, paid_minor = 7 WHERE day = '{day}'");
    books.database.tamper(&wrong).await;
    books.clock.advance(Duration::from_secs(1));
    books.verify().await;
    let state = books.store.figures_state().await.unwrap();
    assert_eq!(state.verified.differed, Some((books.clock.now(), day)));
    books.count(100).await;
    assert_eq!(books.kept().await, books.expected());
}

#[tokio::test]
async fn the_job_counts_until_it_is_to_yield() {
    let mut books = Books::open(Database::open).await;
    books.create().await;
    let begun = sample::begun(&books.store, sample::tick("another", 0)).await;
    let run = Run::new(begun, CancellationToken::new(), Instant::now() + Duration::from_secs(5));
    let counts = FigureCounts::new(books.store.clone(), books.clock.clone(), books.days.clone());
    FiguresJob(counts).tick(&run).await.unwrap();
    assert_eq!(books.kept().await, books.expected());
}

/// Commits that overtake one another: PostgreSQL alone has them.
mod postgres {
    use super::*;

    /// A payment is created in a database transaction that is committed after later ones were counted.
    #[tokio::test]
    async fn a_line_that_is_committed_late_counts_once() {
        let mut books = Books::open(Database::in_postgres).await;
        while !books.txns.iter().any(|txn| txn.status == Status::Pending) {
            books.create().await;
        }
        books.count(100).await;
        let pending = books.txns.iter().position(|txn| txn.status == Status::Pending).unwrap();
        let id = books.txns[pending].id.clone();
        let client = payment_testing::postgres::connect(books.database.url()).await.unwrap();
        client
        .batch_execute(&format!(
            "BEGIN;
             UPDATE eg_pg_transactions SET txn_status = 'SUCCESS', version = version + 1 WHERE txn_id = '{id}';
             INSERT INTO eg_pg_transaction_history (txn_id, entry_number, at_time, actor_kind, actor_id, from_status,
                 to_status, why, evidence)
             VALUES ('{id}', 2, 1, 'gateway', 'AXIS', 'PENDING', 'SUCCESS', 'late', '{{}}')"
        ))
        .await
        .unwrap();
        for _ in 0..3 {
            books.create().await;
        }
        books.count(2).await;
        assert_eq!(books.kept().await, books.expected(), "without the late one");
        books.verify().await;
        client.batch_execute("COMMIT").await.unwrap();
        books.txns[pending].status = Status::Success { receipt: None };
        books.clock.advance(Duration::from_secs(1));
        books.verify().await;
        assert!(
            books.store.figures_state().await.unwrap().verified.differed.is_none(),
            "it is not counted yet"
        );
        for _ in 0..2 {
            books.count(2).await;
            assert_eq!(books.kept().await, books.expected());
        }
    }
}
