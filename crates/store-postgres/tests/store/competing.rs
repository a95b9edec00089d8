//! Payments of one bill that an earlier egov-pg-service has left pending side by side: as long as one
//! of them may still be paid, the bill is closed to others.

use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::support::earlier::earlier_database;
use crate::support::number;
use futures_util::future::{join, join_all};
use payment_domain::{AttentionKind, BillKey, StatusName};
use payment_store::contract::sample::{self, bill_key, txn_id};
use payment_store::{Attention, AttentionQuery, Claim, Created, NewCase, Resolution, Resolved, Store};
use tokio_postgres::Client;

/// Pairs of competing in the tests of races.
const PAIRS: usize = 80;

async fn holder(store: &Arc<dyn Store>, bill: &str) -> Option<(String, StatusName)> {
    let held: Vec<Claim> = store.claims(&[bill_key(bill)]).await.unwrap();
    held.first().map(|claim| (claim.txn_id.to_string(), claim.status))
}

fn held_by(id: &str, status: StatusName) -> Option<(String, StatusName)> {
    Some((id.to_owned(), status))
}

async fn fail(store: &Arc<dyn Store>, id: &str) {
    let txn = store.transaction(&txn_id(id)).await.unwrap().unwrap();
    sample::applied(store, sample::failure(&txn)).await;
}

/// A payment as the earlier service stores it: of a bill, in a tenant, with a moment of creation.
async fn earlier_stores(client: &Client, id: &str, bill: &str, tenant: &str, created: i64) {
    client
        .execute(
            "INSERT INTO eg_pg_transactions (txn_id, txn_amount, txn_status, gateway, bill_id, product_info,
                 user_uuid, user_name, name, user_tenant_id, tenant_id, created_time)
             VALUES ($1, 1, 'PENDING', 'AXIS', $2, '', '', '', '', '', $3, $4)",
            &[&id, &bill, &tenant, &created],
        )
        .await
        .unwrap();
}

#[tokio::test]
async fn a_payment_that_fails_transfers_its_claim_to_the_competitor_that_may_still_be_paid() {
    let (database, client) = earlier_database().await;
    // Of the same number, and no competitor: the bill of another city.
    earlier_stores(&client, "OLD_ELSEWHERE", "B9", "pb.jalandhar", 7_002).await;
    let store = database.store().await;
    assert_eq!(holder(&store, "B9").await, held_by("OLD_RIVAL_b", StatusName::Pending));
    fail(&store, "OLD_RIVAL_b").await;
    assert_eq!(holder(&store, "B9").await, held_by("OLD_RIVAL_A", StatusName::Pending));
    let refused = store.create(sample::new_transaction("T1", "B9")).await.unwrap();
    assert!(matches!(&refused, Created::BillsTaken(claims) if claims[0].txn_id == txn_id("OLD_RIVAL_A")));
    fail(&store, "OLD_RIVAL_A").await;
    assert_eq!(holder(&store, "B9").await, None);
    sample::stored(&store, sample::new_transaction("T1", "B9")).await;
    fail(&store, "T1").await;
    assert_eq!(holder(&store, "B9").await, None, "what has failed inherits nothing");
}

#[tokio::test]
async fn a_bill_is_transferred_to_the_competitor_that_was_paid() {
    let (database, client) = earlier_database().await;
    earlier_stores(&client, "OLD_RIVAL_C", "B9", "pb.amritsar", 7_000).await;
    let store = database.store().await;
    let paid = store.transaction(&txn_id("OLD_RIVAL_A")).await.unwrap().unwrap();
    sample::applied(&store, sample::success(&paid)).await;
    assert_eq!(holder(&store, "B9").await, held_by("OLD_RIVAL_C", StatusName::Pending));
    fail(&store, "OLD_RIVAL_C").await;
    assert_eq!(holder(&store, "B9").await, held_by("OLD_RIVAL_A", StatusName::Success));
    fail(&store, "OLD_RIVAL_b").await;
    assert_eq!(holder(&store, "B9").await, held_by("OLD_RIVAL_A", StatusName::Success));
}

#[tokio::test]
async fn a_resolved_case_hands_the_bill_it_held_on_to_a_payment_that_came_meanwhile() {
    let (database, client) = earlier_database().await;
    let store = database.store().await;
    let txn = store.transaction(&txn_id("OLD_FAILURE")).await.unwrap().unwrap();
    let case = Attention {
        txn_id: txn.id.clone(),
        kind: AttentionKind::LateSuccess,
        raised_at: sample::at(0),
        evidence: serde_json::json!({}),
    };
    let history = sample::change(&txn).history;
    let new =
        NewCase { case, history: history.clone(), events: Vec::new(), hold: txn.bill_keys(), fence: None };
    assert!(store.raise_attention(new).await.unwrap());
    earlier_stores(&client, "LATE", "B3", "pb.amritsar", 7_600).await;
    drop(database.open().await);
    assert_eq!(holder(&store, "B3").await, held_by("OLD_FAILURE", StatusName::Failure), "the case holds it");
    let open = AttentionQuery { limit: 5, ..AttentionQuery::default() };
    let id = store.attention_cases(&open).await.unwrap()[0].id;
    let resolution =
        Resolution { at: sample::at(1), by: "operator".to_owned(), reason: "refunded".to_owned() };
    let resolved = store
        .resolve_attention(id.into(), resolution, history, Vec::new(), Vec::new(), &txn.bill_keys())
        .await
        .unwrap();
    assert_eq!(resolved, Resolved::Now);
    assert_eq!(holder(&store, "B3").await, held_by("LATE", StatusName::Pending));
}

/// Pairs of competing, each of which names two bills and holds one of them.
async fn pairs(client: &Client) {
    client
        .batch_execute(&format!(
            "INSERT INTO eg_pg_transactions (txn_id, txn_amount, txn_status, gateway, bill_id, product_info,
                 user_uuid, user_name, name, user_tenant_id, tenant_id, created_time, version, bills)
             SELECT side || '_' || n, 2, 'PENDING', 'AXIS', 'X' || n, '', '', '', '', '', 'pb.amritsar', n, 1,
                 json_build_array(json_build_object('billId', 'X' || n, 'amountPaid', 100),
                     json_build_object('billId', 'Y' || n, 'amountPaid', 100))
             FROM generate_series(1, {PAIRS}) AS n, unnest(ARRAY['A', 'B']) AS side;
             INSERT INTO eg_pg_transaction_bills
             SELECT bill || n, side || '_' || n
             FROM generate_series(1, {PAIRS}) AS n, unnest(ARRAY['A', 'B']) AS side, unnest(ARRAY['X', 'Y']) AS bill;
             INSERT INTO eg_pg_bill_claims
             SELECT 'pb.amritsar', 'X' || n, 'A_' || n FROM generate_series(1, {PAIRS}) AS n
             UNION ALL SELECT 'pb.amritsar', 'Y' || n, 'B_' || n FROM generate_series(1, {PAIRS}) AS n;"
        ))
        .await
        .unwrap();
}

fn bills_of_pairs() -> Vec<BillKey> {
    (1..=PAIRS).flat_map(|n| [bill_key(&format!("X{n}")), bill_key(&format!("Y{n}"))]).collect()
}

async fn deadlocks(client: &Client) -> i64 {
    // A backend has reported all its counts when it ends, at the latest.
    let deadline = Instant::now() + Duration::from_secs(30);
    let others = "SELECT count(*) FROM pg_stat_activity
        WHERE datname = current_database() AND pid <> pg_backend_pid() AND backend_type = 'client backend'";
    while number(client, others).await > 0 {
        assert!(Instant::now() < deadline, "the connections of the stores stay open");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    number(client, "SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()").await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn competing_transactions_that_fail_at_once_free_their_bills_without_a_deadlock() {
    let (database, client) = earlier_database().await;
    let (one, other) = (database.store().await, database.store().await);
    pairs(&client).await;
    let failing = (1..=PAIRS).map(|n| {
        let (one, other) = (&one, &other);
        let (a, b) = (format!("A_{n}"), format!("B_{}", PAIRS + 1 - n));
        async move { join(fail(one, &a), fail(other, &b)).await }
    });
    join_all(failing).await;
    assert_eq!(one.claims(&bills_of_pairs()).await.unwrap(), []);
    drop((one, other));
    assert_eq!(deadlocks(&client).await, 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_create_comes_between_a_failure_and_its_successor() {
    let (database, client) = earlier_database().await;
    let (one, other) = (database.store().await, database.store().await);
    pairs(&client).await;
    let racing = (1..=PAIRS).map(|n| {
        let (one, other) = (&one, &other);
        async move {
            let new = sample::new(sample::transaction(
                &format!("NEW_{n}"),
                &[&format!("W{n}"), &format!("X{n}"), &format!("Y{n}")],
            ));
            let (failing, bill) = (format!("A_{n}"), bill_key(&format!("X{n}")));
            let ((), created) = join(fail(one, &failing), other.create(new)).await;
            assert!(matches!(created.unwrap(), Created::BillsTaken(_)), "{n}");
            let held = one.claims(&[bill]).await.unwrap();
            assert_eq!(held[0].txn_id, txn_id(&format!("B_{n}")));
        }
    });
    join_all(racing).await;
    drop((one, other));
    assert_eq!(deadlocks(&client).await, 0);
}
