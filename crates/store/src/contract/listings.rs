//! Lists: every filter, alone and with others, within tenants, page by page; and payments by their numbers.

use std::cmp::Reverse;
use std::sync::Arc;

use futures_util::future::join_all;
use payment_domain::{GatewayName, Status, StatusName, TenantId, Transaction, TxnId};

use super::Promise;
use super::sample::{self, at, paise};
use crate::{NamedQuery, PaymentQuery, Store, TenantScope};

pub(super) fn promises() -> Vec<Promise> {
    vec![
        Promise::of(a_list_has_what_meets_every_filter_and_nothing_of_other_tenants),
        Promise::of(pages_of_a_list_show_each_payment_once),
        Promise::of(a_payment_is_found_by_each_of_its_numbers_within_the_tenants_alone),
    ]
}

fn scopes(roots: &[&str]) -> Vec<TenantScope> {
    roots.iter().map(|root| TenantScope { root: (*root).to_owned() }).collect()
}

fn ids(found: &[Transaction]) -> Vec<String> {
    found.iter().map(|txn| txn.id.to_string()).collect()
}

fn varied() -> Vec<Transaction> {
    let tenants = ["pb", "pb.amritsar", "pb.nabha", "pbx", "p"];
    (0..60_usize)
        .map(|nth| {
            let mut txn = sample::transaction(&format!("T{:03}", nth * 37 % 60), &[&format!("B{nth}")]);
            txn.tenant_id = TenantId::new(tenants[nth % 5]).unwrap();
            txn.status = match nth % 4 {
                0 => Status::Pending,
                1 | 2 => Status::Success { receipt: Some(format!("RCPT/{nth}")) },
                _ => Status::Failure,
            };
            txn.gateway = GatewayName::new(["PAYTM", "AXIS"][nth / 2 % 2]);
            txn.module = [Some("PT"), Some("TL"), None][nth % 3].map(str::to_owned);
            txn.amount = paise(i64::try_from(nth % 7).unwrap() * 100);
            txn.audit.created_at = at(i64::try_from(nth / 3).unwrap());
            txn.gateway_details.txn_id = (nth % 2 == 0).then(|| format!("pay_X{nth}y"));
            txn
        })
        .collect()
}

async fn create_all(store: &Arc<dyn Store>) -> Vec<Transaction> {
    let mut all = varied();
    join_all(all.iter().map(|txn| store.create(sample::new(txn.clone())))).await;
    all.sort_by_key(|txn| Reverse((txn.audit.created_at, txn.id.clone())));
    all
}

fn meets(txn: &Transaction, query: &PaymentQuery) -> bool {
    query.within.iter().any(|scope| txn.tenant_id.is_within(&scope.root))
        && query.status.is_none_or(|status| txn.status.name() == status)
        && query.gateway.as_ref().is_none_or(|gateway| txn.gateway == *gateway)
        && query.module.as_ref().is_none_or(|module| txn.module.as_ref() == Some(module))
        && query.amount_from.is_none_or(|from| txn.amount.minor() >= from.minor())
        && query.amount_to.is_none_or(|to| txn.amount.minor() <= to.minor())
        && query.from.is_none_or(|from| txn.audit.created_at >= from)
        && query.to.is_none_or(|to| txn.audit.created_at < to)
}

async fn a_list_has_what_meets_every_filter_and_nothing_of_other_tenants(store: Arc<dyn Store>) {
    let all = create_all(&store).await;
    for combination in 0..128_u32 {
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
                after: None,
                limit: 500,
            };
            let expected: Vec<String> =
                all.iter().filter(|txn| meets(txn, &query)).map(|txn| txn.id.to_string()).collect();
            assert_eq!(ids(&store.list_payments(&query).await.unwrap()), expected, "{query:?}");
        }
    }
}

async fn pages_of_a_list_show_each_payment_once(store: Arc<dyn Store>) {
    let all = create_all(&store).await;
    let mut query = PaymentQuery { within: scopes(&["pb"]), limit: 7, ..PaymentQuery::default() };
    let expected: Vec<String> =
        all.iter().filter(|txn| meets(txn, &query)).map(|txn| txn.id.to_string()).collect();
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

async fn a_payment_is_found_by_each_of_its_numbers_within_the_tenants_alone(store: Arc<dyn Store>) {
    let all = create_all(&store).await;
    let has_numbers = |txn: &&Transaction| txn.receipt().is_some() && txn.gateway_details.txn_id.is_some();
    let in_city = |txn: &&Transaction| txn.tenant_id.as_str() == "pb.amritsar";
    let ours = all.iter().filter(in_city).find(has_numbers).unwrap();
    let gateways = ours.gateway_details.txn_id.clone().unwrap();
    let named = async |spelling: &str, within: &[&str]| {
        let query = NamedQuery {
            within: scopes(within),
            spellings: vec!["none".to_owned(), spelling.to_owned()],
            limit: 3,
        };
        ids(&store.payments_named(&query).await.unwrap())
    };
    let id = ours.id.to_string();
    for number in [
        id.as_str(),
        ours.receipt().unwrap(),
        ours.bill_id.as_str(),
        &gateways,
        &gateways.to_uppercase(),
        &gateways.to_lowercase(),
    ] {
        assert_eq!(named(number, &["pb"]).await, std::slice::from_ref(&id), "{number}");
        assert_eq!(named(number, &["pb.nabha", "mh"]).await, [] as [String; 0], "{number}");
        assert_eq!(named(number, &[]).await, [] as [String; 0], "{number}");
    }
    for number in ["%", "_", "", "T0%", "none"] {
        assert_eq!(named(number, &["pb"]).await, [] as [String; 0], "{number}");
    }
    let by_code = named(&ours.consumer_code, &["pb"]).await;
    let newest: Vec<String> = all
        .iter()
        .filter(|txn| txn.tenant_id.is_within("pb") && txn.consumer_code == ours.consumer_code)
        .take(3)
        .map(|txn| txn.id.to_string())
        .collect();
    assert_eq!(by_code, newest);
}
