//! Changing a stored transaction: whole or not at all, and never over a concurrent change.

use std::sync::Arc;

use futures_util::future::join_all;
use payment_domain::{Audit, BillId, GatewayName, Personal, Status, TenantId, Transaction};
use serde_json::json;

use super::Promise;
use super::sample::{self, at, bill_key};
use crate::{Applied, Attention, Change, Dump, Store, StoreError};

pub(super) fn promises() -> Vec<Promise> {
    vec![
        Promise::of(a_change_is_read_back_as_it_was_stored),
        Promise::of(a_stale_change_stores_nothing),
        Promise::of(a_change_of_an_unknown_transaction_is_stale),
        Promise::of(of_changes_at_once_exactly_one_is_stored),
        Promise::of(creation_values_of_a_payment_cannot_be_changed),
        Promise::of(a_change_replaces_the_parts_of_the_dump_that_it_sets),
        Promise::of(a_change_replaces_the_redirect_form_only_when_it_sets_one),
        Promise::of(the_history_keeps_the_order_of_the_commits),
    ]
}

async fn a_change_is_read_back_as_it_was_stored(store: Arc<dyn Store>) {
    let stored = sample::stored(&store, sample::new_transaction("T1", "B1")).await;
    let mut change = sample::success(&stored);
    let txn = &mut change.txn;
    txn.module = None;
    txn.product_info = "another description".to_owned();
    txn.gateway = GatewayName::new("PAYU");
    txn.callback_url = None;
    txn.redirect_url = Some("https://elsewhere.example".to_owned());
    txn.payer.name = Personal::new("ਆਸ਼ਾ ਰਾਣੀ");
    txn.payer.user_name = Personal::new("asha");
    txn.payer.mobile_number = Personal::new("1");
    txn.payer.email_id = None;
    txn.payer.tenant_id = "pb.jalandhar".to_owned();
    txn.gateway_details.txn_id = Some("G-1".to_owned());
    txn.gateway_details.payment_mode = Some("UPI".to_owned());
    txn.gateway_details.bank_txn_no = Some("407506239491".to_owned());
    txn.gateway_details.status_code = Some("00".to_owned());
    txn.gateway_details.status_message = None;
    txn.additional_details.insert("more".to_owned(), json!([1]));
    let changed = sample::applied(&store, change.clone()).await;
    assert_eq!(store.transaction(&changed.id).await.unwrap().as_ref(), Some(&changed));
    assert_eq!(store.history(&changed.id).await.unwrap()[1], change.history);

    let receipted = sample::applied(&store, sample::receipted(&changed, "first")).await;
    assert_eq!(receipted.receipt(), Some("RCPT/T1"));
    assert_eq!(store.transaction(&changed.id).await.unwrap(), Some(receipted));
}

/// A change in which everything is set that a change may bring along.
pub(super) fn loaded(stored: &Transaction) -> Change {
    let mut change = sample::failure(stored);
    change.redirect_form = Some(json!({ "action": "stale" }));
    change.dump = Some(Dump { request: Some("stale".to_owned()), response: Some(json!("stale")) });
    change.receipt_task = crate::ReceiptTaskChange::Created(sample::new_task("L1"));
    change.attention = Some(Attention {
        txn_id: stored.id.clone(),
        kind: payment_domain::AttentionKind::AmountMismatch,
        raised_at: at(0),
        evidence: json!("stale"),
    });
    change
}

/// That nothing of [`loaded`] is there for the payment `T1` of the bill `B1`.
pub(super) async fn assert_untouched(store: &Arc<dyn Store>, stored: &Transaction, changes: usize) {
    assert_eq!(store.transaction(&stored.id).await.unwrap().as_ref(), Some(stored));
    assert_eq!(store.redirect_form(&stored.id).await.unwrap(), None);
    assert_eq!(store.history(&stored.id).await.unwrap().len(), 1 + changes);
    assert_eq!(store.events_of(&stored.id).await.unwrap().len(), 2 + changes);
    assert_eq!(store.dump(&stored.id).await.unwrap().unwrap().dump.response, None);
    assert_eq!(store.claims(&[bill_key("B1")]).await.unwrap().len(), 1);
    assert_eq!(store.receipt_task(&stored.id).await.unwrap(), None);
    assert_eq!(store.attention(&stored.id).await.unwrap(), []);
}

async fn a_stale_change_stores_nothing(store: Arc<dyn Store>) {
    let first = sample::stored(&store, sample::new_transaction("T1", "B1")).await;
    let second = sample::applied(&store, sample::change(&first)).await;
    assert_eq!(store.apply(loaded(&first)).await.unwrap(), Applied::Stale);
    let mut from_the_future = loaded(&second);
    from_the_future.txn.version += 1;
    assert_eq!(store.apply(from_the_future).await.unwrap(), Applied::Stale);
    let mut same_version = loaded(&second);
    same_version.txn.version = second.version;
    assert_eq!(store.apply(same_version).await.unwrap(), Applied::Stale);
    assert_untouched(&store, &second, 1).await;
}

async fn a_change_of_an_unknown_transaction_is_stale(store: Arc<dyn Store>) {
    let never_stored = sample::transaction("T1", &["B1"]);
    assert_eq!(store.apply(loaded(&never_stored)).await.unwrap(), Applied::Stale);
    assert_eq!(store.history(&never_stored.id).await.unwrap(), []);
    assert_eq!(store.events_after(0, 10).await.unwrap(), []);
}

async fn of_changes_at_once_exactly_one_is_stored(store: Arc<dyn Store>) {
    let mut txn = sample::stored(&store, sample::new_transaction("T1", "B1")).await;
    for round in 1..=5 {
        let changes: Vec<Change> = (0..40)
            .map(|nth| {
                let mut change = sample::change(&txn);
                change.txn.status_message = format!("round {round} change {nth}");
                change
            })
            .collect();
        let outcomes = join_all(changes.iter().map(|change| store.apply(change.clone()))).await;
        let stored: Vec<&Change> = outcomes
            .iter()
            .zip(&changes)
            .filter(|(outcome, _)| matches!(outcome, Ok(Applied::Stored)))
            .map(|(_, change)| change)
            .collect();
        assert_eq!(stored.len(), 1, "round {round}");
        assert!(outcomes.iter().all(Result::is_ok));
        txn = stored[0].txn.clone();
        assert_eq!(store.transaction(&txn.id).await.unwrap().as_ref(), Some(&txn));
    }
    assert_eq!(store.history(&txn.id).await.unwrap().len(), 6);
    assert_eq!(store.events_of(&txn.id).await.unwrap().len(), 7);
}

async fn creation_values_of_a_payment_cannot_be_changed(store: Arc<dyn Store>) {
    let stored = sample::stored(&store, sample::new_transaction("T1", "B1")).await;
    let attempts: [fn(&mut Transaction); 9] = [
        |txn| txn.amount = sample::paise(1),
        |txn| txn.tenant_id = TenantId::new("pb").unwrap(),
        |txn| txn.bill_id = BillId::new("B2").unwrap(),
        |txn| txn.bills[0].amount_paid = sample::paise(1),
        |txn| txn.bills.push(sample::towards("B2")),
        |txn| txn.consumer_code = "another".to_owned(),
        |txn| txn.payer.uuid = "another".to_owned(),
        |txn| txn.audit.created_by = "another".to_owned(),
        |txn| txn.audit.created_at = at(1),
    ];
    for attempt in attempts {
        let mut change = loaded(&stored);
        attempt(&mut change.txn);
        assert!(matches!(store.apply(change).await, Err(StoreError::Failed(_))));
        assert_untouched(&store, &stored, 0).await;
    }
}

async fn a_change_replaces_the_parts_of_the_dump_that_it_sets(store: Arc<dyn Store>) {
    let mut txn = sample::stored(&store, sample::new_transaction("T1", "B1")).await;
    let request = txn.redirect_url.clone();
    let paid = Some(json!({ "status": "paid" }));
    let steps = [
        (None, (request.clone(), None)),
        (Some(Dump { request: None, response: paid.clone() }), (request, paid.clone())),
        (
            Some(Dump { request: Some("https://new".to_owned()), response: None }),
            (Some("https://new".to_owned()), paid.clone()),
        ),
        (Some(Dump::default()), (Some("https://new".to_owned()), paid)),
    ];
    for (dump, expected) in steps {
        let is_set = dump.is_some();
        txn = sample::applied(&store, Change { dump, ..sample::change(&txn) }).await;
        let stored = store.dump(&txn.id).await.unwrap().unwrap();
        assert_eq!((stored.dump.request, stored.dump.response), expected);
        if is_set {
            assert_eq!(stored.audit, txn.audit);
        } else {
            assert_eq!(stored.audit, Audit { modified_by: None, modified_at: None, ..txn.audit.clone() });
        }
    }
}

async fn a_change_replaces_the_redirect_form_only_when_it_sets_one(store: Arc<dyn Store>) {
    let mut txn = sample::stored(&store, sample::new_transaction("T1", "B1")).await;
    let (one, other) = (Some(json!({ "action": "one" })), Some(json!({ "action": "other" })));
    for (redirect_form, expected) in
        [(None, None), (one.clone(), one.clone()), (None, one), (other.clone(), other)]
    {
        txn = sample::applied(&store, Change { redirect_form, ..sample::change(&txn) }).await;
        assert_eq!(store.redirect_form(&txn.id).await.unwrap(), expected);
    }
}

async fn the_history_keeps_the_order_of_the_commits(store: Arc<dyn Store>) {
    let new = sample::new_transaction("T1", "B1");
    let mut expected = vec![new.history.clone()];
    let mut txn = sample::stored(&store, new).await;
    for nth in 1..=15 {
        let mut change = match nth {
            15 => sample::failure(&txn),
            _ => sample::change(&txn),
        };
        // Clocks of two machines need not agree.
        change.history.at = at(if nth % 2 == 0 { -nth } else { nth });
        expected.push(change.history.clone());
        txn = sample::applied(&store, change).await;
    }
    assert_eq!(txn.status, Status::Failure);
    assert_eq!(store.history(&txn.id).await.unwrap(), expected);
}
