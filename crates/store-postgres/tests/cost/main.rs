//! The cost of a query follows its result, not the size of the tables: no query reads a whole table, or much
//! of an index. PostgreSQL itself counts the rows read.

#![allow(clippy::unwrap_used, clippy::panic, reason = "these are tests: what fails, panics")]

use std::sync::Arc;

use payment_domain::{AuditAction, AuditActor, AuditEntry, Personal, Timestamp, TxnId};
use payment_store::contract::sample::{at, txn_id};
use payment_store::{Fence, Health, TenantScope};
use payment_testing::postgres::PostgresServer;

use crate::measuring::{Asked, Plans, excess, read_so_far};
use crate::question::Question;
use crate::support::Database;

mod audit;
mod console;
mod covered;
mod exports;
mod figures;
mod fill;
mod idle;
mod measuring;
mod payments;
mod question;
mod refunds;
#[path = "../support/mod.rs"]
mod support;
mod work;

/// Later than everything that is stored.
const FAR: Timestamp = Timestamp::from_millis(1_790_009_000_000);

/// Much of a large table.
const MUCH: i64 = 400;

fn within(root: &str) -> Vec<TenantScope> {
    vec![TenantScope { root: root.to_owned() }]
}

/// A name that no other round has.
fn written(name: &str, round: i64) -> String {
    format!("{name}-{round}")
}

/// A pending payment, from 1 to 3 in each round.
fn pending(round: i64, nth: i64) -> TxnId {
    txn_id(&format!("T{}", (nth + 4 * round) * 1_000))
}

/// A run that is under way.
fn fence() -> Fence {
    Fence { job: "old".to_owned(), run_id: 1 }
}

fn entries() -> Vec<AuditEntry> {
    vec![AuditEntry {
        at: at(400_000_000),
        actor: AuditActor::Job("test"),
        action: AuditAction::JobRunByHand,
        object_kind: "job",
        object_id: "test".to_owned(),
        tenant: None,
        before: None,
        after: None,
        reason: Some(Personal::new("because")),
        details: serde_json::Map::new(),
    }]
}

/// All questions; one that changes rows can be asked once in each round.
fn questions(round: i64) -> Vec<Question> {
    let parts = [
        audit::all(round),
        payments::all(round),
        work::all(round),
        console::all(round),
        refunds::all(round),
        figures::all(round),
        exports::all(round),
    ];
    parts.into_iter().flatten().collect()
}

/// A table of this size may be read whole, and for a page of several tenants a few times.
#[tokio::test]
async fn nothing_reads_small_tables_again_and_again() {
    let mut asked = Asked::filled(fill::SOME).await;
    let mut offences = asked.offences(questions, Plans::Custom, 16_000).await;
    asked.analyse().await;
    offences.extend(asked.offences(questions, Plans::Custom, 16_000).await);
    assert!(offences.is_empty(), "{offences:#?}");
}

/// The newest are found in their order where they are many, and by a condition where they are few: statistics alone
/// tell.
fn needs_statistics(offence: &str) -> bool {
    [
        "audit entries of a state",
        "audit entries of a tenant",
        "refunds of a gateway",
        "refunds that failed",
        "refunds that expired",
    ]
    .iter()
    .any(|question| offence.starts_with(&format!("{question},")))
}

#[tokio::test]
async fn nothing_reads_much_of_large_tables() {
    let mut asked = Asked::filled(fill::ALL).await;
    let mut offences = Vec::new();
    let with = |state: &'static str| move |offence: String| format!("{state}: {offence}");
    for plans in [Plans::Custom, Plans::Generic] {
        let mut found = asked.offences(questions, plans, MUCH).await;
        found.retain(|offence| !needs_statistics(offence));
        offences.extend(found.into_iter().map(with("without statistics")));
    }
    asked.analyse().await;
    for plans in [Plans::Custom, Plans::Generic] {
        let found = asked.offences(questions, plans, MUCH).await;
        offences.extend(found.into_iter().map(with("analysed")));
    }
    asked.client.batch_execute(fill::NOTHING_WAITS).await.unwrap();
    for state in ["nothing waits", "nothing waits, analysed"] {
        for plans in [Plans::Custom, Plans::Generic] {
            let found = asked.offences(idle::all, plans, MUCH).await;
            offences.extend(found.into_iter().map(with(state)));
        }
        asked.analyse().await;
    }
    assert!(offences.is_empty(), "{offences:#?}");
}

/// A prepared statement keeps its plan, and it may take long until the server analyses the tables. On a server of its
/// own: where others create many tables meanwhile, it is planned anew.
#[tokio::test]
async fn a_plan_made_while_the_tables_were_small_is_good_when_they_have_grown() {
    let server = PostgresServer::start().await;
    let mut asked = Asked::of(Database::create_on(&server).await).await;
    asked.fill(fill::FEW).await;
    asked.plan(Plans::Generic).await;
    let store = asked.store().await;
    let kept = |round| questions(round).into_iter().filter(|question| !question.is_planned_each_time);
    for question in kept(asked.next_round()) {
        question.ask(store.clone()).await;
    }
    asked.fill(fill::ALL).await;
    let before = read_so_far(&asked.client).await;
    for question in kept(asked.next_round()) {
        question.ask(store.clone()).await;
    }
    Arc::into_inner(store).unwrap().close().await;
    // One table read whole is more.
    let mut offences = excess(&asked.client, &before, 20_000).await;
    asked.client.batch_execute(fill::NOTHING_WAITS).await.unwrap();
    for plans in [Plans::Custom, Plans::Generic] {
        offences.extend(asked.offences(idle::all, plans, MUCH).await);
    }
    assert!(offences.is_empty(), "{offences:#?}");
}

/// A gateway that is down for a day leaves many payments pending.
#[tokio::test]
async fn however_much_is_open_a_bounded_part_is_counted() {
    const OPEN: &str = "
        INSERT INTO eg_pg_transactions (txn_id, txn_amount, currency, txn_status, gateway, bill_id, product_info,
            user_uuid, user_name, name, user_tenant_id, tenant_id, created_time, version, last_checked_at)
        SELECT 'T' || n, 100, 'INR', 'PENDING', 'PAYU', 'B' || n, 'p', 'u', 'u', 'n', 'pb', 'pb', n, 1,
            CASE n % 2 WHEN 0 THEN n END
        FROM generate_series(1, 24000) AS n;
        INSERT INTO eg_pg_attention (txn_id, kind, raised_at, evidence)
        SELECT 'T' || n, 'refunded', n, '{}' FROM generate_series(1, 12000) AS n;";
    let asked = Asked::create().await;
    asked.client.batch_execute(OPEN).await.unwrap();
    let store = asked.store().await;
    let before = read_so_far(&asked.client).await;
    let backlog = store.backlog(at(0)).await.unwrap();
    assert_eq!(backlog.pending.values().sum::<u64>(), 20_000);
    assert_eq!(backlog.cases.values().sum::<u64>(), 10_000);
    Arc::into_inner(store).unwrap().close().await;
    let excess = excess(&asked.client, &before, 20_500).await;
    assert!(excess.is_empty(), "{excess:#?}");
}
