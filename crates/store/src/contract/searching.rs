//! Searching: every condition, alone and with every other, newest first, page by page.

use std::cmp::Reverse;
use std::sync::Arc;

use futures_util::future::{join, join_all};
use payment_domain::{BillId, Status, StatusName, TenantId, Transaction, TxnId};

use super::Promise;
use super::sample::{self, at, txn_id};
use crate::{Mine, PageRequest, SearchQuery, Store, TenantScope};

pub(super) fn promises() -> Vec<Promise> {
    vec![
        Promise::of(every_combination_of_conditions_finds_exactly_the_matches),
        Promise::of(the_newest_come_first_and_pages_show_each_once),
        Promise::of(a_payment_is_found_by_every_bill_even_when_it_holds_none),
        Promise::of(a_scope_is_a_tenant_with_all_below_it_and_nothing_else),
        Promise::of(nothing_in_a_condition_is_a_wildcard),
        Promise::of(a_transaction_that_changed_is_found_as_it_is_now),
        Promise::of(concurrent_look_ups_each_find_their_own_payment),
    ]
}

const EVERYTHING: PageRequest = PageRequest { limit: 500, offset: 0 };

async fn found(store: &Arc<dyn Store>, query: &SearchQuery) -> Vec<String> {
    store.search(query).await.unwrap().into_iter().map(|txn| txn.id.to_string()).collect()
}

fn within(root: &str) -> Option<TenantScope> {
    Some(TenantScope { root: root.to_owned() })
}

/// Payments that differ in everything that can be searched for, in all sorts of combinations.
fn varied() -> Vec<Transaction> {
    let tenants = ["pb", "pb.amritsar", "pb.amritsar.east", "pbx", "uk.doon"];
    let users = ["user-1", "user-2", "user-3"];
    (0..90_usize)
        .map(|nth| {
            let (one, other) = (format!("B{nth}"), format!("SHARED{}", nth % 7));
            let mut txn = sample::transaction(&format!("T{:03}", nth * 37 % 90), &[&one]);
            txn.tenant_id = TenantId::new(tenants[nth % 5]).unwrap();
            txn.status = match nth % 4 {
                0 => Status::Pending,
                1 => Status::Success { receipt: Some(format!("RCPT/{}", nth % 12)) },
                2 => Status::Success { receipt: None },
                _ => Status::Failure,
            };
            // Live payments cannot share a bill: only failed ones do.
            if txn.status == Status::Failure {
                txn.bills.push(sample::towards(&other));
            }
            txn.payer.uuid = users[nth / 2 % 3].to_owned();
            txn.audit.created_by = users[nth / 5 % 3].to_owned();
            txn.consumer_code = format!("PT-{}", nth % 6);
            txn.audit.created_at = at(i64::try_from(nth / 3).unwrap());
            txn
        })
        .collect()
}

/// The meaning of a search, without an index.
fn meets(txn: &Transaction, query: &SearchQuery) -> bool {
    let has = |wanted: &Option<String>, value: &str| wanted.as_deref().is_none_or(|wanted| wanted == value);
    query.tenant_id.as_ref().is_none_or(|tenant| *tenant == txn.tenant_id)
        && query.txn_id.as_ref().is_none_or(|id| *id == txn.id)
        && query.bill_id.as_ref().is_none_or(|bill| txn.bill_keys().iter().any(|key| key.bill == *bill))
        && has(&query.user_uuid, &txn.payer.uuid)
        && query.receipt.as_ref().is_none_or(|receipt| txn.receipt() == Some(receipt))
        && has(&query.consumer_code, &txn.consumer_code)
        && query.status.is_none_or(|status| txn.status.name() == status)
        && query
            .mine
            .as_ref()
            .is_none_or(|mine| mine.uuid == txn.payer.uuid || mine.uuid == txn.audit.created_by)
        && query.within.as_ref().is_none_or(|scope| txn.tenant_id.is_within(&scope.root))
}

async fn every_combination_of_conditions_finds_exactly_the_matches(store: Arc<dyn Store>) {
    let mut all = varied();
    for txn in &all {
        sample::stored(&store, sample::new(txn.clone())).await;
    }
    all.sort_by_key(|txn| Reverse((txn.audit.created_at, txn.id.clone())));
    let picks = [&all[3], &all[20], &all[41], &all[64]];
    for combination in 0..512_u32 {
        for picked in picks {
            let is_set = |bit: u32| combination & (1 << bit) != 0;
            let last_bill = picked.bills.last().map(|bill| bill.bill_id.clone());
            let query = SearchQuery {
                tenant_id: is_set(0).then(|| picked.tenant_id.clone()),
                txn_id: is_set(1).then(|| picked.id.clone()),
                bill_id: last_bill.filter(|_| is_set(2)),
                user_uuid: is_set(3).then(|| picked.payer.uuid.clone()),
                receipt: is_set(4).then(|| picked.receipt().unwrap_or("RCPT/1").to_owned()),
                consumer_code: is_set(5).then(|| picked.consumer_code.clone()),
                status: is_set(6).then(|| picked.status.name()),
                mine: is_set(7).then(|| Mine { uuid: picked.audit.created_by.clone() }),
                within: within("pb").filter(|_| is_set(8)),
                after: None,
                page: EVERYTHING,
            };
            let expected: Vec<&Transaction> = all.iter().filter(|txn| meets(txn, &query)).collect();
            let answered = store.search(&query).await.unwrap();
            assert_eq!(answered.iter().collect::<Vec<_>>(), expected, "{query:?}");
            let after = SearchQuery { after: Some(picked.id.clone()), ..query };
            let place = |txn: &Transaction| (txn.audit.created_at, txn.id.clone());
            let expected: Vec<_> =
                expected.into_iter().filter(|txn| place(txn) < place(picked)).map(|txn| &txn.id).collect();
            let answered = store.search(&after).await.unwrap();
            assert_eq!(answered.iter().map(|txn| &txn.id).collect::<Vec<_>>(), expected, "{after:?}");
        }
    }
}

async fn the_newest_come_first_and_pages_show_each_once(store: Arc<dyn Store>) {
    let mut ids = Vec::new();
    for nth in 0..23 {
        let mut txn = sample::transaction(&format!("T{:02}", nth * 7 % 23), &[&format!("B{nth}")]);
        // Some in the same millisecond.
        txn.audit.created_at = at(nth / 4);
        if nth % 2 == 0 {
            txn.tenant_id = TenantId::new("pb.jalandhar").unwrap();
        }
        if nth % 5 == 0 {
            txn.status = Status::Failure;
        }
        ids.push((txn.audit.created_at, txn.id.to_string()));
        sample::stored(&store, sample::new(txn)).await;
    }
    ids.sort_by(|one, other| other.cmp(one));
    let expected: Vec<String> = ids.into_iter().map(|(_, id)| id).collect();

    assert_eq!(found(&store, &SearchQuery::default()).await, expected[..5], "five unless asked otherwise");
    for within in [None, within("pb")] {
        let mut paged = Vec::new();
        for offset in (0..28).step_by(4) {
            let page = PageRequest { limit: 4, offset };
            let query = SearchQuery { within: within.clone(), page, ..SearchQuery::default() };
            let ids = found(&store, &query).await;
            assert!(ids.len() <= 4);
            paged.extend(ids);
        }
        assert_eq!(paged, expected);
        let mut paged: Vec<String> = Vec::new();
        for _ in 0..7 {
            let after = paged.last().map(|id| txn_id(id));
            let page = PageRequest { limit: 4, offset: 0 };
            let query = SearchQuery { within: within.clone(), after, page, ..SearchQuery::default() };
            paged.extend(found(&store, &query).await);
        }
        assert_eq!(paged, expected, "page behind page");
    }
    let after = Some(txn_id("T_UNKNOWN"));
    assert_eq!(found(&store, &SearchQuery { after, ..SearchQuery::default() }).await, [""; 0]);
    for page in [
        PageRequest { limit: 0, offset: 0 },
        PageRequest { limit: 5, offset: 23 },
        PageRequest { limit: 5, offset: u32::MAX },
    ] {
        assert_eq!(found(&store, &SearchQuery { page, ..SearchQuery::default() }).await, [""; 0]);
    }
}

async fn a_payment_is_found_by_every_bill_even_when_it_holds_none(store: Arc<dyn Store>) {
    let mut txn = sample::transaction("T1", &["B1", "B2"]);
    txn.bill_id = BillId::new("B3").unwrap();
    let txn = sample::stored(&store, sample::new(txn)).await;
    sample::applied(&store, sample::failure(&txn)).await;
    let mut later = sample::transaction("T2", &["B2"]);
    later.audit.created_at = at(1);
    sample::stored(&store, sample::new(later)).await;
    let expected: [(&str, &[&str]); 4] =
        [("B1", &["T1"]), ("B2", &["T2", "T1"]), ("B3", &["T1"]), ("B4", &[])];
    for (bill, ids) in expected {
        let query = SearchQuery { bill_id: Some(BillId::new(bill).unwrap()), ..SearchQuery::default() };
        assert_eq!(found(&store, &query).await, ids, "{bill}");
    }
}

async fn a_scope_is_a_tenant_with_all_below_it_and_nothing_else(store: Arc<dyn Store>) {
    let tenants =
        ["pb", "pb.", "pb..x", "pb.a", "pb.a.b", "pb.ab", "pb-", "pb/", "pb0", "pbx.a", "p", "pb.ਅ", "PB.a"];
    for (nth, tenant) in tenants.iter().enumerate() {
        let mut txn = sample::transaction(&format!("T{nth:02}"), &[&format!("B{nth}")]);
        txn.tenant_id = TenantId::new(*tenant).unwrap();
        sample::stored(&store, sample::new(txn)).await;
    }
    for root in ["pb", "pb.a", "pb.a.b", "pb.ਅ", "pbx", "p", "none", "pb."] {
        let query = SearchQuery { within: within(root), page: EVERYTHING, ..SearchQuery::default() };
        let mut expected: Vec<String> = tenants
            .iter()
            .enumerate()
            .filter(|(_, tenant)| TenantId::new(**tenant).unwrap().is_within(root))
            .map(|(nth, _)| format!("T{nth:02}"))
            .collect();
        expected.reverse();
        assert_eq!(found(&store, &query).await, expected, "{root}");
    }
}

async fn nothing_in_a_condition_is_a_wildcard(store: Arc<dyn Store>) {
    sample::stored(&store, sample::new_transaction("T1", "B1")).await;
    for text in ["%", "_", "p%", "p_", "*", "pb.amritsa_", "' OR 1 = 1 --"] {
        let tenant = TenantId::new(text).unwrap();
        let any = SearchQuery { page: EVERYTHING, ..SearchQuery::default() };
        for query in [
            SearchQuery { tenant_id: Some(tenant), ..any.clone() },
            SearchQuery { within: within(text), ..any.clone() },
            SearchQuery { txn_id: Some(txn_id(text)), ..any.clone() },
            SearchQuery { bill_id: Some(BillId::new(text).unwrap()), ..any.clone() },
            SearchQuery { user_uuid: Some(text.to_owned()), ..any.clone() },
            SearchQuery { receipt: Some(text.to_owned()), ..any.clone() },
            SearchQuery { consumer_code: Some(text.to_owned()), ..any.clone() },
            SearchQuery { mine: Some(Mine { uuid: text.to_owned() }), ..any.clone() },
        ] {
            assert_eq!(found(&store, &query).await, [""; 0], "{query:?}");
        }
    }
}

async fn a_transaction_that_changed_is_found_as_it_is_now(store: Arc<dyn Store>) {
    let txn = sample::stored(&store, sample::new_transaction("T1", "B1")).await;
    let by_status = |status| SearchQuery { status: Some(status), ..SearchQuery::default() };
    assert_eq!(found(&store, &by_status(StatusName::Pending)).await, ["T1"]);
    let txn = sample::applied(&store, sample::success(&txn)).await;
    let txn = sample::applied(&store, sample::receipted(&txn, "first")).await;
    assert_eq!(found(&store, &by_status(StatusName::Pending)).await, [""; 0]);
    assert_eq!(store.search(&by_status(StatusName::Success)).await.unwrap().first(), Some(&txn));
    let by_receipt = SearchQuery { receipt: Some("RCPT/T1".to_owned()), ..SearchQuery::default() };
    assert_eq!(store.search(&by_receipt).await.unwrap(), [txn]);
}

async fn concurrent_look_ups_each_find_their_own_payment(store: Arc<dyn Store>) {
    for nth in 0..40 {
        sample::stored(&store, sample::new_transaction(&format!("T{nth}"), &format!("B{nth}"))).await;
    }
    let ids = || (0..400).map(|nth| txn_id(&format!("T{}", nth * 7 % 50)));
    let read = join_all(ids().map(|id| {
        let store = store.clone();
        async move { store.transaction(&id).await.unwrap().map(|txn| txn.id) }
    }));
    let searched = join_all(ids().map(|id| {
        let store = store.clone();
        async move {
            let query = SearchQuery { txn_id: Some(id), ..SearchQuery::default() };
            found(&store, &query).await
        }
    }));
    let (read, searched) = join(read, searched).await;
    let is_known = |id: &TxnId| id.as_str()[1..].parse::<u32>().unwrap() < 40;
    for ((id, read), searched) in ids().zip(read).zip(searched) {
        let expected = Some(id).filter(is_known);
        assert_eq!(read, expected);
        assert_eq!(searched, expected.iter().map(ToString::to_string).collect::<Vec<_>>());
    }
}
