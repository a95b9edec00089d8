//! Questions about refunds.

use std::time::Duration;

use payment_domain::{Actor, Approval, GatewayName, Refund, RefundHistoryEntry, RefundId, RefundStatus};
use payment_store::contract::refunding;
use payment_store::contract::sample::txn_id;
use payment_store::{
    Applied, CancellationChange, DueRefunds, NewRefund, PageRequest, RefundChange, RefundDue, RefundKey,
    RefundNote, RefundQuery, RefundRequested, Refunds, Transactions,
};

use crate::question::{Question, question};
use crate::{FAR, entries, fence, within, written};

pub(crate) fn all(round: i64) -> Vec<Question> {
    let mut all = of_one();
    all.extend(due());
    all.extend(lists());
    all.extend(counts());
    all.extend(changes(round));
    all
}

fn id(id: &str) -> RefundId {
    RefundId::stored(id)
}

fn of_one() -> Vec<Question> {
    vec![
        question!("refund", |store| assert!(store.refund(&id("RF777"), None).await.unwrap().is_some())),
        question!("refund within a state", |store| {
            let scopes = within("pb");
            assert!(store.refund(&id("RF777"), Some(&scopes)).await.unwrap().is_some())
        }),
        question!("refund of a key", |store| {
            let key = RefundKey { scope: "pb".to_owned(), key: "K777".to_owned() };
            assert!(store.refund_of_key(&key).await.unwrap().is_some())
        }),
        question!("refunds of a payment", |store| assert_eq!(
            store.refunds_of(&txn_id("T501")).await.unwrap().len(),
            1
        )),
        question!("refund history", |store| assert_eq!(
            store.refund_history(&id("RF501")).await.unwrap().len(),
            1
        )),
    ]
}

fn due() -> Vec<Question> {
    let of = |gateway: &str| DueRefunds { gateway: GatewayName::new(gateway), after: None, limit: 5 };
    vec![
        question!("gateways of due refunds", |store| assert_eq!(
            store.due_refund_gateways().await.unwrap().len(),
            3
        )),
        Question::by("due refunds", of("PAYTM"), |store, query| async move {
            let first = store.due_refunds(&query).await.unwrap();
            assert_eq!(first.len(), 5);
            let after = first.last().map(|last| last.place.clone());
            assert_eq!(store.due_refunds(&DueRefunds { after, ..query }).await.unwrap().len(), 5);
        }),
    ]
}

/// Those that are sent are left out: no index has the refunds of an earlier service that count as sent, so that all
/// refunds are read, which are few beside the payments.
fn queries() -> [(&'static str, RefundQuery); 12] {
    let page = PageRequest { limit: 5, offset: 0 };
    let of = |root: &str| RefundQuery { within: Some(within(root)), page, ..RefundQuery::default() };
    let statuses = |statuses: &[RefundStatus]| RefundQuery { statuses: statuses.to_vec(), ..of("pb") };
    let none = Some("none".to_owned());
    [
        ("refunds of a state", of("pb")),
        ("refunds of a tenant", of("pb.7")),
        ("refunds behind a place", RefundQuery { after: Some(id("RF20000")), ..of("pb") }),
        ("refunds of a payment in a state", RefundQuery { txn_id: Some(txn_id("T777")), ..of("pb") }),
        ("refunds of a consumer", RefundQuery { consumer_code: Some("PT-129".to_owned()), ..of("pb") }),
        ("refunds of a maker", RefundQuery { requested_by: Some("maker-15".to_owned()), ..of("pb") }),
        ("refunds of a maker that there is not", RefundQuery { requested_by: none, ..of("pb") }),
        ("refunds of a gateway", RefundQuery { gateway: Some(GatewayName::new("AXIS")), ..of("pb") }),
        ("refunds that failed", statuses(&[RefundStatus::Failed])),
        ("refunds that expired", statuses(&[RefundStatus::Expired])),
        // More than there are, so that the whole list is read.
        (
            "refunds to decide",
            RefundQuery {
                page: PageRequest { limit: 200, offset: 0 },
                ..statuses(&[RefundStatus::Requested])
            },
        ),
        ("refunds to send", statuses(&[RefundStatus::Requested, RefundStatus::Approved])),
    ]
}

fn lists() -> Vec<Question> {
    let ask = |(name, query)| {
        Question::by(name, query, move |store, query: RefundQuery| async move {
            let names_few =
                query.txn_id.is_some() || query.consumer_code.is_some() || query.requested_by.is_some();
            let horizon = store.refunds_horizon(&query, 30).await.unwrap().filter(|_| !names_few);
            let found = store.search_refunds(&RefundQuery { from: horizon, ..query.clone() }).await.unwrap();
            let is_none = query.requested_by.as_deref() == Some("none");
            assert!(!found.is_empty() || is_none || horizon.is_some(), "{name}");
        })
    };
    queries().into_iter().map(ask).collect()
}

/// A number is exact, and costs what is counted.
fn counts() -> Vec<Question> {
    let of = |root: &str| RefundQuery { within: Some(within(root)), ..RefundQuery::default() };
    let few = [
        ("count of a payment's refunds", RefundQuery { txn_id: Some(txn_id("T777")), ..of("pb") }),
        ("count of a maker's refunds", RefundQuery { requested_by: Some("maker-15".to_owned()), ..of("pb") }),
        ("count of refunds to decide", RefundQuery { statuses: vec![RefundStatus::Requested], ..of("pb") }),
    ];
    let ask = |(name, query)| {
        Question::by(name, query, move |store, query: RefundQuery| async move {
            assert!(store.count_refunds(&query).await.unwrap() > 0, "{name}");
        })
    };
    few.into_iter().map(ask).collect()
}

fn line(refund: &Refund, from: Option<RefundStatus>) -> RefundHistoryEntry {
    RefundHistoryEntry {
        refund_id: refund.id.clone(),
        txn_id: refund.txn_id.clone(),
        at: FAR,
        actor: Actor::user("maker"),
        from,
        to: refund.status,
        why: "changed".to_owned(),
        evidence: serde_json::Value::Null,
    }
}

fn changes(round: i64) -> Vec<Question> {
    vec![question!("request, note and apply a refund", |store| {
        let payment = store.transaction(&txn_id("T778")).await.unwrap().unwrap();
        let refund = refunding::refund(&payment, &round.to_string(), 100);
        let key = RefundKey { scope: "pb/new".to_owned(), key: written("K", round) };
        let new = NewRefund { key: Some((key, [1; 32])), audit: entries(), ..refunding::new(refund.clone()) };
        assert_eq!(store.request_refund(new).await.unwrap(), RefundRequested::Stored);
        let note = RefundNote {
            id: refund.id.clone(),
            version: 1,
            due: RefundDue::In(Duration::from_secs(9_000)),
            history: Some(line(&refund, Some(refund.status))),
            fence: Some(fence()),
        };
        assert_eq!(store.note_refund(note).await.unwrap(), Applied::Stored);
        let mut approved = Refund { version: 2, status: RefundStatus::Approved, ..refund };
        approved.approvals = vec![Approval { by: "checker-1".to_owned(), at: FAR }];
        let change = RefundChange {
            history: line(&approved, Some(RefundStatus::Requested)),
            refund: approved,
            due: RefundDue::Never,
            events: Vec::new(),
            audit: entries(),
            cancellation: CancellationChange::Due { frees_bills: false },
            case: None,
            closes: None,
            fence: Some(fence()),
        };
        assert_eq!(store.apply_refund(change).await.unwrap(), Applied::Stored);
    })]
}
