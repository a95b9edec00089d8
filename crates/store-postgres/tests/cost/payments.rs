//! Questions about payments: searches, lists, one payment, and its changes.

use std::sync::Arc;

use payment_domain::{BillId, GatewayName, Personal, StatusName, TenantId};
use payment_store::contract::sample::{self, bill_key, txn_id};
use payment_store::{
    Change, Claims, Created, Idempotency, Listings, Mine, NamedQuery, PaymentQuery, ReceiptState, Search,
    SearchQuery, Transactions,
};
use payment_store_postgres::PostgresStore;

use crate::question::{Question, question};
use crate::{within, written};

pub(crate) fn all(round: i64) -> Vec<Question> {
    let mut all = searches();
    all.extend(lists());
    all.extend(named());
    all.extend(of_one());
    all.extend(changes(round));
    all
}

fn searches() -> Vec<Question> {
    let any = SearchQuery::default;
    let state = || within("pb").pop();
    let behind = || Some(txn_id("T20000"));
    let tenant = |id: &str| Some(TenantId::new(id).unwrap());
    let mine = Some(Mine { uuid: "clerk-20".to_owned() });
    let pending = Some(StatusName::Pending);
    let of_bill = || Some(BillId::new("B777").unwrap());
    let queries = [
        ("search everything", any()),
        ("search by id", SearchQuery { txn_id: Some(txn_id("T777")), ..any() }),
        ("search by receipt", SearchQuery { receipt: Some("R777".to_owned()), ..any() }),
        ("search by consumer code", SearchQuery { consumer_code: Some("PT-129".to_owned()), ..any() }),
        ("search by payer", SearchQuery { user_uuid: Some("payer-194".to_owned()), ..any() }),
        ("search what is mine", SearchQuery { mine, ..any() }),
        ("search a tenant", SearchQuery { tenant_id: tenant("pb.7"), ..any() }),
        ("search within a state", SearchQuery { within: state(), ..any() }),
        ("search by bill behind a place", SearchQuery { bill_id: of_bill(), after: behind(), ..any() }),
        ("search behind a place", SearchQuery { after: behind(), ..any() }),
        (
            "search a tenant behind a place",
            SearchQuery { tenant_id: tenant("pb.7"), after: behind(), ..any() },
        ),
        ("search within a state behind a place", SearchQuery { within: state(), after: behind(), ..any() }),
        ("search what is pending", SearchQuery { status: pending, ..any() }),
        (
            "search what is pending in a tenant",
            SearchQuery { tenant_id: tenant("pb.1"), status: pending, ..any() },
        ),
    ];
    let ask = |(name, query)| {
        Question::by(name, query, move |store, query: SearchQuery| async move {
            assert!(!store.search(&query).await.unwrap().is_empty(), "{name}");
        })
    };
    let mut all: Vec<Question> = queries.into_iter().map(ask).collect();
    let of_payer = || SearchQuery {
        txn_id: Some(txn_id("T777")),
        user_uuid: Some("payer-194".to_owned()),
        ..SearchQuery::default()
    };
    all.extend([
        question!("search by bill", |store| {
            let query =
                SearchQuery { tenant_id: tenant("pb.17"), bill_id: of_bill(), ..SearchQuery::default() };
            assert_eq!(store.search(&query).await.unwrap().len(), 1);
        }),
        question!("search by id and payer", |store| {
            assert_eq!(store.search(&of_payer()).await.unwrap().len(), 1);
        }),
    ]);
    all
}

/// Lists of operators: in the state of twenty tenants, and in one of them.
fn lists() -> Vec<Question> {
    let of = |root: &str| PaymentQuery { within: within(root), limit: 5, ..PaymentQuery::default() };
    let axis = Some(GatewayName::new("AXIS"));
    let queries = [
        ("list of a state", of("pb")),
        ("list of a tenant", of("pb.7")),
        ("list of a state behind a place", PaymentQuery { after: Some(txn_id("T20000")), ..of("pb") }),
        ("list of a gateway in a state", PaymentQuery { gateway: axis.clone(), ..of("pb") }),
        ("list of a gateway in a tenant", PaymentQuery { gateway: axis, ..of("pb.7") }),
        ("list of pending of a state", PaymentQuery { status: Some(StatusName::Pending), ..of("pb") }),
        ("list of a service that none has", PaymentQuery { module: Some("none".to_owned()), ..of("pb") }),
        ("list without a receipt", PaymentQuery { receipt: Some(ReceiptState::Pending), ..of("pb") }),
    ];
    let ask = |(name, query)| {
        Question::by(name, query, move |store, query: PaymentQuery| async move {
            let horizon = store.payments_horizon(&query, 30).await.unwrap();
            let bounded = PaymentQuery { from: horizon, ..query.clone() };
            let found = store.list_payments(&bounded).await.unwrap();
            assert!(!found.is_empty() || query.module.is_some() || query.receipt.is_some(), "{name}");
        })
    };
    queries.into_iter().map(ask).collect()
}

fn named() -> Vec<Question> {
    let of = |spelling: &str| NamedQuery {
        within: within("pb"),
        spellings: vec![spelling.to_owned(), "none".to_owned()],
        limit: 5,
        ..NamedQuery::default()
    };
    let mobile = Some(Personal::new("9800000777"));
    let queries = [
        ("payments by a number", of("R777")),
        ("payments by a bill", of("B777")),
        ("payments by a gateway's number of a refund", of("GR777")),
        ("payments by a mobile number", NamedQuery { mobile, ..of("none") }),
    ];
    let ask = |(name, query)| {
        Question::by(name, query, move |store, query: NamedQuery| async move {
            assert!(!store.payments_named(&query).await.unwrap().is_empty(), "{name}");
        })
    };
    let mut all: Vec<Question> = queries.into_iter().map(ask).collect();
    all.push(Question::by("tenants", within("pb"), |store, scopes| async move {
        assert!(store.tenants_within(&scopes).await.unwrap().len() > 7);
    }));
    all
}

fn of_one() -> Vec<Question> {
    let key = || sample::idempotency("K777", "T777").key;
    vec![
        question!("transaction", |store| assert!(
            store.transaction(&txn_id("T777")).await.unwrap().is_some()
        )),
        question!("redirect form", |store| store.redirect_form(&txn_id("T777")).await.unwrap()),
        question!("claims", |store| store.claims(&[bill_key("B777"), bill_key("B778")]).await.unwrap()),
        question!("history", |store| assert_eq!(store.history(&txn_id("T777")).await.unwrap().len(), 1)),
        question!("dump", |store| assert!(store.dump(&txn_id("T777")).await.unwrap().is_some())),
        question!("idempotency", |store| store.idempotency(&key()).await.unwrap()),
        question!("keep answer", |store| store.keep_answer(&key(), "{}").await.unwrap()),
    ]
}

async fn apply(store: &Arc<PostgresStore>, change: Change) -> payment_domain::Transaction {
    let txn = change.txn.clone();
    assert_eq!(store.apply(change).await.unwrap(), payment_store::Applied::Stored);
    txn
}

fn changes(round: i64) -> Vec<Question> {
    let new = move |name: &str| written(name, round);
    vec![
        question!("create, and a refused create", |store| {
            let created = store.create(sample::new_transaction(&new("NEW"), &new("NEW"))).await.unwrap();
            assert_eq!(created, Created::Stored);
            let refused = store.create(sample::new_transaction(&new("N2"), &new("NEW"))).await.unwrap();
            assert_ne!(refused, Created::Stored);
        }),
        question!("success and receipt", |store| {
            let pending = sample::new_transaction(&new("PAID"), &new("PAID"));
            store.create(pending.clone()).await.unwrap();
            let paid = apply(&store, sample::success(&pending.txn)).await;
            apply(&store, sample::receipted(&paid, "first")).await
        }),
        question!("failure", |store| {
            let txn = store.transaction(&crate::pending(round, 1)).await.unwrap().unwrap();
            apply(&store, sample::failure(&txn)).await
        }),
        question!("remember key", |store| {
            let record = sample::idempotency(&new("K"), "T3000");
            store.remember_key(record.clone()).await.unwrap();
            store.remember_key(record).await.unwrap()
        }),
    ]
}
