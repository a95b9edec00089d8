//! Lists: every filter, alone and with another, within tenants, page by page; and payments by their numbers.

use std::cmp::Reverse;
use std::sync::Arc;

use futures_util::future::join_all;
use payment_domain::{
    GatewayName, Personal, RefundDetails, Status, StatusName, TenantId, Transaction, TxnId,
};

use super::Promise;
use super::refunding;
use super::sample::{self, at, paise};
use crate::{NamedQuery, PaymentQuery, ReceiptState, Store, TenantScope};

pub(super) fn promises() -> Vec<Promise> {
    vec![
        Promise::of(a_list_has_what_meets_every_filter_and_nothing_of_other_tenants),
        Promise::of(pages_of_a_list_show_each_payment_once),
        Promise::of(pages_up_to_a_horizon_show_each_payment_once_while_others_are_added),
        Promise::of(a_payment_is_found_by_each_of_its_numbers_within_the_tenants_alone),
        Promise::of(payments_are_found_by_the_payers_mobile_number_however_it_is_written),
        Promise::of(tenants_are_those_of_payments_within_the_callers),
    ]
}

pub(super) fn scopes(roots: &[&str]) -> Vec<TenantScope> {
    roots.iter().map(|root| TenantScope { root: (*root).to_owned() }).collect()
}

fn ids(found: &[Transaction]) -> Vec<String> {
    found.iter().map(|txn| txn.id.to_string()).collect()
}

/// Those of `mh` have more tenants than are read one after the other.
fn varied() -> Vec<Transaction> {
    let tenants = ["pb", "pb.amritsar", "pb.nabha", "pbx", "p"];
    (0..100_usize)
        .map(|nth| {
            let mut txn = sample::transaction(&format!("T{:03}", nth * 37 % 100), &[&format!("B{nth}")]);
            let tenant = match nth {
                ..60 => tenants[nth % 5].to_owned(),
                _ => format!("mh.{:02}", nth % 23),
            };
            txn.tenant_id = TenantId::new(tenant).unwrap();
            txn.status = match nth % 4 {
                0 => Status::Pending,
                1 | 2 => Status::Success { receipt: (nth % 3 > 0).then(|| format!("RCPT/{nth}")) },
                _ => Status::Failure,
            };
            txn.gateway = GatewayName::new(["PAYTM", "AXIS"][nth / 2 % 2]);
            txn.module = [Some("PT"), Some("TL"), None][nth % 3].map(str::to_owned);
            txn.amount = paise(i64::try_from(nth % 7).unwrap() * 100);
            txn.audit.created_at = at(i64::try_from(nth / 3).unwrap());
            txn.gateway_details.txn_id = (nth % 2 == 0).then(|| format!("pay_X{nth}y"));
            txn.gateway_details.bank_txn_no = (nth % 3 == 0).then(|| format!("HDFCn{nth}"));
            txn
        })
        .collect()
}

pub(super) async fn create_all(store: &Arc<dyn Store>) -> Vec<Transaction> {
    let mut all = varied();
    join_all(all.iter().map(|txn| store.create(sample::new(txn.clone())))).await;
    all.sort_by_key(|txn| Reverse((txn.audit.created_at, txn.id.clone())));
    all
}

fn receipt_of(txn: &Transaction) -> ReceiptState {
    match (txn.status.name(), txn.receipt()) {
        (StatusName::Success, Some(_)) => ReceiptState::Issued,
        (StatusName::Success, None) => ReceiptState::Pending,
        (StatusName::Pending | StatusName::Failure, _) => ReceiptState::None,
    }
}

fn meets(txn: &Transaction, query: &PaymentQuery) -> bool {
    let created = txn.audit.created_at;
    let is_pending_before = |before| txn.status.name() == StatusName::Pending && created < before;
    query.within.iter().any(|scope| txn.tenant_id.is_within(&scope.root))
        && query.status.is_none_or(|status| txn.status.name() == status)
        && query.receipt.is_none_or(|receipt| receipt_of(txn) == receipt)
        && query.pending_before.is_none_or(is_pending_before)
        && query.gateway.as_ref().is_none_or(|gateway| txn.gateway == *gateway)
        && query.module.as_ref().is_none_or(|module| txn.module.as_ref() == Some(module))
        && query.amount_from.is_none_or(|from| txn.amount.minor() >= from.minor())
        && query.amount_to.is_none_or(|to| txn.amount.minor() <= to.minor())
        && query.from.is_none_or(|from| created >= from)
        && query.to.is_none_or(|to| created < to)
}

fn expected(all: &[Transaction], query: &PaymentQuery) -> Vec<String> {
    all.iter().filter(|txn| meets(txn, query)).map(|txn| txn.id.to_string()).collect()
}

/// Each filter alone.
fn filters() -> [fn(&mut PaymentQuery); 12] {
    [
        |query| query.status = Some(StatusName::Success),
        |query| query.status = Some(StatusName::Pending),
        |query| query.receipt = Some(ReceiptState::Issued),
        |query| query.receipt = Some(ReceiptState::Pending),
        |query| query.receipt = Some(ReceiptState::None),
        |query| query.pending_before = Some(at(20)),
        |query| query.gateway = Some(GatewayName::new("AXIS")),
        |query| query.module = Some("PT".to_owned()),
        |query| query.amount_from = Some(paise(200)),
        |query| query.amount_to = Some(paise(400)),
        |query| query.from = Some(at(3)),
        |query| query.to = Some(at(26)),
    ]
}

async fn a_list_has_what_meets_every_filter_and_nothing_of_other_tenants(store: Arc<dyn Store>) {
    let all = create_all(&store).await;
    let filters = filters();
    for (nth, one) in filters.iter().enumerate() {
        for another in &filters[nth..] {
            for within in [&["pb"][..], &["pb.amritsar", "mh"]] {
                let mut query =
                    PaymentQuery { within: scopes(within), limit: 500, ..PaymentQuery::default() };
                one(&mut query);
                another(&mut query);
                let found = ids(&store.list_payments(&query).await.unwrap());
                assert_eq!(found, expected(&all, &query), "{query:?}");
            }
        }
    }
    for within in [&["pb", "mh"][..], &["mh"], &["pb%", "p_"], &[]] {
        let query = PaymentQuery { within: scopes(within), limit: 500, ..PaymentQuery::default() };
        let found = ids(&store.list_payments(&query).await.unwrap());
        assert_eq!(found, expected(&all, &query), "{within:?}");
    }
}

async fn pages_of_a_list_show_each_payment_once(store: Arc<dyn Store>) {
    let all = create_all(&store).await;
    for within in ["pb", "mh"] {
        let mut query = PaymentQuery { within: scopes(&[within]), limit: 7, ..PaymentQuery::default() };
        let expected = expected(&all, &query);
        let mut seen = Vec::new();
        loop {
            let page = store.list_payments(&query).await.unwrap();
            assert!(page.len() <= 7);
            let Some(last) = page.last() else { break };
            query.after = Some(last.id.clone());
            seen.extend(ids(&page));
        }
        assert_eq!(seen, expected);
        let foreign = all.iter().find(|txn| txn.tenant_id.as_str() == "pbx").unwrap();
        for after in [foreign.id.clone(), TxnId::new("no-such").unwrap()] {
            let query = PaymentQuery { after: Some(after), ..query.clone() };
            assert_eq!(store.list_payments(&query).await.unwrap(), []);
        }
    }
}

/// All pages of a list, as a reader follows them, by looking at nine payments for each.
async fn read_through(
    store: &Arc<dyn Store>,
    mut query: PaymentQuery,
    between: &mut Vec<Transaction>,
) -> Vec<String> {
    let (from, mut seen) = (query.from, Vec::new());
    loop {
        let horizon = store.payments_horizon(&query, 9).await.unwrap();
        let within_reach = PaymentQuery { from: from.max(horizon), ..query.clone() };
        let page = store.list_payments(&within_reach).await.unwrap();
        seen.extend(ids(&page));
        query.after = page.last().map(|txn| txn.id.clone()).filter(|_| page.len() == 2);
        if query.after.is_some() {
            continue;
        }
        let Some(horizon) = horizon.filter(|horizon| from.is_none_or(|from| *horizon > from)) else {
            return seen;
        };
        assert!(query.to.is_none_or(|to| horizon < to), "it goes on");
        query.to = Some(horizon);
        if let Some(new) = between.pop() {
            store.create(sample::new(new)).await.unwrap();
        }
    }
}

async fn pages_up_to_a_horizon_show_each_payment_once_while_others_are_added(store: Arc<dyn Store>) {
    create_all(&store).await;
    for within in ["pb", "mh"] {
        for (nth, filter) in filters().into_iter().enumerate() {
            let mut query = PaymentQuery { within: scopes(&[within]), limit: 2, ..PaymentQuery::default() };
            filter(&mut query);
            let known = store.list_payments(&PaymentQuery { limit: 500, ..query.clone() }).await.unwrap();
            let mut new =
                sample::transaction(&format!("NEW-{within}-{nth}"), &[&format!("NEW-{within}-{nth}")]);
            new.tenant_id = TenantId::new(format!("{within}.01")).unwrap();
            new.audit.created_at = at(1_000 + i64::try_from(nth).unwrap());
            let seen = read_through(&store, query.clone(), &mut vec![new]).await;
            assert_eq!(seen, ids(&known), "{query:?}");
        }
    }
    let unfiltered = PaymentQuery { within: scopes(&["pb"]), limit: 2, ..PaymentQuery::default() };
    assert_eq!(store.payments_horizon(&unfiltered, 9).await.unwrap(), None, "it costs no more than its rows");
}

async fn named(store: &Arc<dyn Store>, spelling: &str, within: &[&str]) -> Vec<String> {
    let query = NamedQuery {
        within: scopes(within),
        spellings: vec!["none".to_owned(), spelling.to_owned()],
        limit: 3,
        ..NamedQuery::default()
    };
    ids(&store.payments_named(&query).await.unwrap())
}

async fn a_payment_is_found_by_each_of_its_numbers_within_the_tenants_alone(store: Arc<dyn Store>) {
    let all = create_all(&store).await;
    let has_numbers = |txn: &&Transaction| {
        let details = &txn.gateway_details;
        txn.receipt().is_some() && details.txn_id.is_some()
    };
    let in_city = |txn: &&Transaction| txn.tenant_id.as_str() == "pb.amritsar";
    let ours = all.iter().filter(in_city).find(has_numbers).unwrap();
    let mut refund = refunding::refund(ours, "1", 1);
    let reference = RefundDetails { refund_id: Some("rfnd_Ab1".to_owned()), ..RefundDetails::default() };
    refund.gateway_details = reference;
    store.request_refund(refunding::new(refund.clone())).await.unwrap();
    let gateways = ours.gateway_details.txn_id.clone().unwrap();
    let id = ours.id.to_string();
    for number in [
        id.as_str(),
        ours.receipt().unwrap(),
        ours.bill_id.as_str(),
        &gateways,
        &gateways.to_uppercase(),
        &gateways.to_lowercase(),
        refund.id.as_str(),
        "rfnd_Ab1",
        "RFND_AB1",
    ] {
        assert_eq!(named(&store, number, &["pb"]).await, std::slice::from_ref(&id), "{number}");
        assert_eq!(named(&store, number, &["pb.nabha", "mh"]).await, [] as [String; 0], "{number}");
        assert_eq!(named(&store, number, &[]).await, [] as [String; 0], "{number}");
    }
    for number in ["%", "_", "", "T0%", "none"] {
        assert_eq!(named(&store, number, &["pb"]).await, [] as [String; 0], "{number}");
    }
    let banked = all.iter().filter(in_city).find(|txn| txn.gateway_details.bank_txn_no.is_some()).unwrap();
    let banks = banked.gateway_details.bank_txn_no.clone().unwrap();
    for number in [&banks, &banks.to_lowercase(), &banks.to_uppercase()] {
        assert_eq!(named(&store, number, &["pb"]).await, [banked.id.to_string()], "{number}");
    }
    let with_code =
        |txn: &&Transaction| txn.tenant_id.is_within("pb") && txn.consumer_code == ours.consumer_code;
    let of_code: Vec<String> = all.iter().filter(with_code).map(|txn| txn.id.to_string()).collect();
    let mut query = NamedQuery {
        within: scopes(&["pb"]),
        spellings: vec![ours.consumer_code.clone()],
        limit: 5,
        ..NamedQuery::default()
    };
    let mut seen = Vec::new();
    loop {
        let page = store.payments_named(&query).await.unwrap();
        assert!(page.len() <= 5);
        let Some(last) = page.last() else { break };
        query.after = Some(last.id.clone());
        seen.extend(ids(&page));
    }
    assert_eq!(seen, of_code, "page by page");
}

async fn payments_are_found_by_the_payers_mobile_number_however_it_is_written(store: Arc<dyn Store>) {
    let stored = ["9876543210", "+91 98765-43210", "919876543210", "9876543211", "43210", ""];
    for (nth, mobile) in stored.into_iter().enumerate() {
        let mut txn = sample::transaction(&format!("T{nth}"), &[&format!("B{nth}")]);
        txn.payer.mobile_number = Personal::new(mobile);
        txn.audit.created_at = at(i64::try_from(nth).unwrap());
        sample::stored(&store, sample::new(txn)).await;
    }
    let by = async |mobile: &str, within: &[&str], after: Option<TxnId>| {
        let mobile = Some(Personal::new(mobile));
        let query = NamedQuery { within: scopes(within), mobile, after, limit: 9, ..NamedQuery::default() };
        ids(&store.payments_named(&query).await.unwrap())
    };
    assert_eq!(by("9876543210", &["pb"], None).await, ["T2", "T1", "T0"]);
    assert_eq!(by("9876543210", &["pb"], Some(sample::txn_id("T2"))).await, ["T1", "T0"]);
    assert_eq!(by("9876543210", &["mh"], None).await, [] as [&str; 0]);
    assert_eq!(by("9876543212", &["pb"], None).await, [] as [&str; 0]);
    assert_eq!(named(&store, "9876543210", &["pb"]).await, [] as [&str; 0], "no number of a payment");
}

async fn tenants_are_those_of_payments_within_the_callers(store: Arc<dyn Store>) {
    create_all(&store).await;
    let of = async |within: &[&str]| -> Vec<String> {
        let found = store.tenants_within(&scopes(within)).await.unwrap();
        found.iter().map(ToString::to_string).collect()
    };
    assert_eq!(of(&["pb"]).await, ["pb", "pb.amritsar", "pb.nabha"]);
    assert_eq!(of(&["pb.nabha", "kl"]).await, ["kl", "pb.nabha"]);
    assert_eq!(of(&["mh"]).await.len(), 24);
    assert_eq!(of(&[]).await, [] as [&str; 0]);
}
