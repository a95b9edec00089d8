//! Payments that are registered together: none is the worse for its company.

use std::collections::BTreeSet;

use futures_util::future::join_all;
use payment_digit::embedded::{Registers, Registration};
use payment_digit::{BoxError, Payment};
use payment_domain::{BillId, BillKey, Currency, Money, Personal, TenantId, Timestamp, TxnId};
use payment_store_postgres::PostgresStore;

use crate::support::Database;

fn tenant() -> TenantId {
    TenantId::new("pb.amritsar").unwrap()
}

fn number(nth: u64, _: Timestamp) -> String {
    nth.to_string()
}

async fn register(store: &PostgresStore, id: &str, bill: &str) -> Result<Registration, BoxError> {
    let total = Money::from_minor(100, Currency::INR).unwrap();
    let payment = Payment {
        tenant_id: tenant(),
        transaction_number: None,
        total,
        bills: vec![(BillId::new(bill).unwrap(), total)],
        payer_name: Personal::new("Asha Rani"),
        payer_mobile: Personal::new("9876543210"),
        paid_at: Timestamp::from_millis(1),
        additional_details: serde_json::Map::new(),
    };
    store.register_payment(&payment, &TxnId::new(id).unwrap(), Timestamp::from_millis(2), number).await
}

/// The numbers of the receipts that were issued.
fn issued(outcomes: &[Result<Registration, BoxError>]) -> BTreeSet<u64> {
    let receipts = outcomes.iter().filter_map(|outcome| match outcome {
        Ok(Registration::Registered(receipts)) => Some(&receipts.0),
        Ok(Registration::AlreadyPaid(_)) | Err(_) => None,
    });
    receipts.flatten().map(|receipt| receipt.parse().unwrap()).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn receipts_of_many_at_once_are_numbered_without_a_gap_in_few_commits() {
    let database = Database::create().await;
    let replicas = [database.open().await, database.open().await];
    let names: Vec<String> = (0..300).map(|nth| format!("N{nth}")).collect();
    let outcomes =
        join_all(names.iter().enumerate().map(|(nth, name)| register(&replicas[nth % 2], name, name))).await;
    assert_eq!(issued(&outcomes), (1..=300).collect());

    let commits = "SELECT count(DISTINCT xmin::text) FROM stand_in_payments";
    let commits: i64 = database.client().await.query_one(commits, &[]).await.unwrap().get(0);
    assert!(commits < 100, "{commits} commits");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_that_is_refused_or_fails_leaves_its_neighbours_alone_and_takes_no_number() {
    let database = Database::create().await;
    let store = database.open().await;
    register(&store, "KNOWN", "B-KNOWN").await.unwrap();

    let mut names: Vec<(String, String)> =
        (0..40).map(|nth| (format!("N{nth}"), format!("B{nth}"))).collect();
    // Its number is taken, which the database finds out when it stores the whole group.
    names[20].0 = "KNOWN".to_owned();
    // Its bill is paid, by one that came before and by a neighbour.
    names[30].1 = "B-KNOWN".to_owned();
    names[35].1 = "B34".to_owned();
    let outcomes = join_all(names.iter().map(|(id, bill)| register(&store, id, bill))).await;
    for (nth, outcome) in outcomes.iter().enumerate() {
        let paid = |bill: &str| BillKey { tenant: tenant(), bill: BillId::new(bill).unwrap() };
        match (nth, outcome) {
            (20, Err(_)) => {}
            (30, Ok(Registration::AlreadyPaid(bill))) => assert_eq!(*bill, paid("B-KNOWN")),
            (35, Ok(Registration::AlreadyPaid(bill))) => assert_eq!(*bill, paid("B34")),
            (nth, Ok(Registration::Registered(_))) => assert!(![20, 30, 35].contains(&nth), "{nth}"),
            (nth, outcome) => panic!("{nth}: {outcome:?}"),
        }
    }
    assert_eq!(issued(&outcomes), (2..=38).collect());
}
