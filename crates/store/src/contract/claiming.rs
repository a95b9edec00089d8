//! One live claim a bill.

use std::collections::BTreeSet;
use std::sync::Arc;

use futures_util::future::join_all;
use payment_domain::{GatewayName, Status, StatusName, TenantId};

use super::Promise;
use super::sample::{self, at, bill_key, txn_id};
use crate::{Claim, ClaimChange, Created, Store};

pub(super) fn promises() -> Vec<Promise> {
    vec![
        Promise::of(every_bill_of_a_payment_is_claimed),
        Promise::of(a_taken_bill_stores_nothing_and_every_holder_is_named),
        Promise::of(a_bill_of_another_tenant_is_another_bill),
        Promise::of(of_200_creates_at_once_one_gets_the_bill),
        Promise::of(payments_that_share_bills_never_get_half_of_them),
        Promise::of(a_failure_releases_the_bills_and_a_success_keeps_them),
        Promise::of(a_failure_releases_only_its_own_claims),
        Promise::of(a_payment_that_is_born_failed_claims_nothing),
    ]
}

fn claim(bill: &str, holder: &str) -> Claim {
    Claim {
        bill: bill_key(bill),
        txn_id: txn_id(holder),
        status: StatusName::Pending,
        gateway: GatewayName::new("SANDBOX"),
        created_at: at(0),
    }
}

fn sorted(mut claims: Vec<Claim>) -> Vec<Claim> {
    claims.sort_by(|one, other| one.bill.cmp(&other.bill));
    claims
}

async fn every_bill_of_a_payment_is_claimed(store: Arc<dyn Store>) {
    let mut txn = sample::transaction("T1", &["B1", "B2", "B1"]);
    txn.bill_id = bill_key("B3").bill;
    sample::stored(&store, sample::new(txn)).await;
    let asked = ["B3", "B1", "B2", "B4", "B1"].map(bill_key);
    let held = sorted(store.claims(&asked).await.unwrap());
    assert_eq!(held, [claim("B1", "T1"), claim("B2", "T1"), claim("B3", "T1")]);
}

async fn a_taken_bill_stores_nothing_and_every_holder_is_named(store: Arc<dyn Store>) {
    sample::stored(&store, sample::new_transaction("T1", "B1")).await;
    let mut second = sample::transaction("T2", &["B2"]);
    second.gateway = GatewayName::new("PAYTM");
    second.audit.created_at = at(5);
    let second = sample::stored(&store, sample::new(second)).await;
    sample::applied(&store, sample::success(&second)).await;

    let mut third = sample::new(sample::transaction("T3", &["B0", "B1", "B2"]));
    third.idempotency = Some(sample::idempotency("K", "T3"));
    let Created::BillsTaken(claims) = store.create(third).await.unwrap() else { panic!("it was stored") };
    let paid = Claim {
        status: StatusName::Success,
        gateway: GatewayName::new("PAYTM"),
        created_at: at(5),
        ..claim("B2", "T2")
    };
    assert_eq!(sorted(claims), [claim("B1", "T1"), paid]);

    let id = txn_id("T3");
    assert_eq!(store.transaction(&id).await.unwrap(), None);
    assert_eq!(store.claims(&[bill_key("B0")]).await.unwrap(), []);
    assert_eq!(store.history(&id).await.unwrap(), []);
    assert_eq!(store.dump(&id).await.unwrap(), None);
    assert_eq!(store.events_of(&id).await.unwrap(), []);
    assert_eq!(store.idempotency(&sample::idempotency("K", "T3").key).await.unwrap(), None);
}

async fn a_bill_of_another_tenant_is_another_bill(store: Arc<dyn Store>) {
    for (id, tenant) in [("T1", "pb.amritsar"), ("T2", "pb.jalandhar"), ("T3", "pb")] {
        let mut txn = sample::transaction(id, &["B1"]);
        txn.tenant_id = TenantId::new(tenant).unwrap();
        sample::stored(&store, sample::new(txn)).await;
    }
    assert_eq!(store.claims(&[bill_key("B1")]).await.unwrap(), [claim("B1", "T1")]);
}

async fn of_200_creates_at_once_one_gets_the_bill(store: Arc<dyn Store>) {
    let creates = (0..200).map(|nth| store.create(sample::new_transaction(&format!("T{nth}"), "B1")));
    let outcomes = join_all(creates).await.into_iter().map(Result::unwrap);
    let (stored, refused): (Vec<_>, Vec<_>) = outcomes.partition(|outcome| *outcome == Created::Stored);
    assert_eq!(stored.len(), 1);
    let held = store.claims(&[bill_key("B1")]).await.unwrap();
    assert_eq!(held.len(), 1);
    assert!(refused.iter().all(|outcome| *outcome == Created::BillsTaken(held.clone())));
    assert_eq!(store.events_after(0, 1_000).await.unwrap().len(), 2, "only the winner has events");
}

async fn payments_that_share_bills_never_get_half_of_them(store: Arc<dyn Store>) {
    // Each wants two neighbouring bills of a ring, in either order.
    let bills: Vec<String> = (0..20).map(|nth| format!("B{nth}")).collect();
    let creates = (0..20).map(|nth| {
        let (one, other) = (bills[nth].as_str(), bills[(nth + 1) % 20].as_str());
        let wanted = if nth % 2 == 0 { [one, other] } else { [other, one] };
        store.create(sample::new(sample::transaction(&format!("T{nth}"), &wanted)))
    });
    let outcomes = join_all(creates).await;
    let mut expected = BTreeSet::new();
    for (nth, outcome) in outcomes.into_iter().enumerate() {
        if outcome.unwrap() == Created::Stored {
            assert!(expected.insert(nth) && expected.insert((nth + 1) % 20), "a bill was claimed twice");
        }
    }
    assert!(!expected.is_empty());
    let keys: Vec<_> = bills.iter().map(|bill| bill_key(bill)).collect();
    assert_eq!(store.claims(&keys).await.unwrap().len(), expected.len());
}

async fn a_failure_releases_the_bills_and_a_success_keeps_them(store: Arc<dyn Store>) {
    let failing = sample::stored(&store, sample::new(sample::transaction("T1", &["B1", "B2"]))).await;
    let paid = sample::stored(&store, sample::new_transaction("T2", "B3")).await;
    sample::applied(&store, sample::failure(&failing)).await;
    let paid = sample::applied(&store, sample::success(&paid)).await;
    sample::applied(&store, sample::receipted(&paid, "first")).await;

    sample::stored(&store, sample::new(sample::transaction("T3", &["B2", "B1"]))).await;
    let again = store.create(sample::new_transaction("T4", "B3")).await.unwrap();
    let held = Claim { status: StatusName::Success, ..claim("B3", "T2") };
    assert_eq!(again, Created::BillsTaken(vec![held]));
}

async fn a_failure_releases_only_its_own_claims(store: Arc<dyn Store>) {
    let first = sample::stored(&store, sample::new_transaction("T1", "B1")).await;
    let first = sample::applied(&store, sample::failure(&first)).await;
    sample::stored(&store, sample::new_transaction("T2", "B1")).await;
    let mut again = sample::change(&first);
    again.claims = ClaimChange::Release;
    sample::applied(&store, again).await;
    assert_eq!(store.claims(&[bill_key("B1")]).await.unwrap(), [claim("B1", "T2")]);
}

async fn a_payment_that_is_born_failed_claims_nothing(store: Arc<dyn Store>) {
    for id in ["T1", "T2"] {
        let mut txn = sample::transaction(id, &["B1"]);
        txn.status = Status::Failure;
        sample::stored(&store, sample::new(txn)).await;
    }
    assert_eq!(store.claims(&[bill_key("B1")]).await.unwrap(), []);
    sample::stored(&store, sample::new_transaction("T3", "B1")).await;
}
