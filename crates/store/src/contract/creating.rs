//! The rows stored with a new transaction.

use std::sync::Arc;

use payment_domain::{Audit, GatewayDetails, Money, Payer, Personal, Status, TenantId, Transaction};
use serde_json::{Value, json};

use super::Promise;
use super::sample::{self, at, txn_id};
use crate::{Created, Dump, Store};

pub(super) fn promises() -> Vec<Promise> {
    vec![
        Promise::of(a_new_transaction_is_read_back_as_it_was_stored),
        Promise::of(awkward_texts_and_numbers_are_kept_to_the_last_character),
        Promise::of(an_unknown_payment_is_not_found),
        Promise::of(a_new_transaction_is_stored_with_all_that_belongs_to_it),
        Promise::of(a_taken_id_stores_nothing),
    ]
}

async fn is_read_back(store: &Arc<dyn Store>, txn: Transaction) {
    let stored = sample::stored(store, sample::new(txn)).await;
    assert_eq!(store.transaction(&stored.id).await.unwrap(), Some(stored));
}

async fn a_new_transaction_is_read_back_as_it_was_stored(store: Arc<dyn Store>) {
    is_read_back(&store, sample::transaction("PLAIN", &["B1"])).await;
    is_read_back(&store, sample::transaction("SEVERAL", &["B2", "B3", "B4"])).await;

    let mut everything = sample::transaction("EVERYTHING", &["B5"]);
    everything.status = Status::Success { receipt: Some("RCPT/1".to_owned()) };
    everything.gateway_details = GatewayDetails {
        txn_id: Some("G-1".to_owned()),
        payment_mode: Some("UPI".to_owned()),
        bank_txn_no: Some("407506239491".to_owned()),
        status_code: Some("00".to_owned()),
        status_message: Some("Approved".to_owned()),
    };
    everything.audit = Audit {
        created_by: "creator-2".to_owned(),
        created_at: at(-5),
        modified_by: Some("user-2".to_owned()),
        modified_at: Some(at(7)),
    };
    everything.version = 4_294_967_295;
    is_read_back(&store, everything).await;

    let mut nothing = sample::transaction("NOTHING", &["B6"]);
    nothing.amount = Money::ZERO;
    nothing.module = None;
    nothing.callback_url = None;
    nothing.redirect_url = None;
    nothing.payer.email_id = None;
    nothing.bills[0].tax_amount = None;
    nothing.additional_details.clear();
    nothing.status = Status::Failure;
    is_read_back(&store, nothing).await;

    let mut largest = sample::transaction("LARGEST", &["B7"]);
    largest.amount = sample::paise(999_999_999_999_999);
    largest.bills[0].amount_paid = largest.amount;
    is_read_back(&store, largest).await;
}

async fn awkward_texts_and_numbers_are_kept_to_the_last_character(store: Arc<dyn Store>) {
    let texts = [
        String::new(),
        " leading and trailing ".to_owned(),
        "O'Brien \"quoted\" `back` \\slash'; DROP TABLE x; --".to_owned(),
        "ਗੁਰਪ੍ਰੀਤ सिंह 李 🧾 e\u{301} \u{202e}\u{feff}".to_owned(),
        "line\nbreak\r\n\ttab \u{1}\u{7f}".to_owned(),
        "% _ ? ?1 :name $1 {} {{}} %s".to_owned(),
        "null".to_owned(),
        "1e400".to_owned(),
    ];
    // Columns that reports read may be bounded; values without such a column are kept whole.
    let long = "ਲੰਮਾ".repeat(25_000);
    for (nth, text) in texts.iter().enumerate() {
        let mut txn = sample::transaction(&format!("T{nth}"), &[&format!("B{nth}")]);
        txn.module = Some(text.clone());
        txn.consumer_code.clone_from(text);
        txn.product_info.clone_from(text);
        txn.callback_url = Some(text.clone());
        txn.redirect_url = Some(text.clone());
        txn.payer = Payer {
            uuid: text.clone(),
            user_name: Personal::new(text),
            name: Personal::new(text),
            mobile_number: Personal::new(text),
            email_id: Some(Personal::new(text)),
            tenant_id: text.clone(),
        };
        txn.status_message.clone_from(text);
        txn.gateway_details.status_message = Some(text.clone());
        txn.additional_details = serde_json::from_value(json!({
            text.as_str(): text,
            "long": long,
            "numbers": [0, -1, 9_007_199_254_740_993_i64, u64::MAX, 0.1, 97.069_845_785_675_91, 1e300, 5e-324],
            "nested": { "empty": {}, "list": [[], null, true] },
        }))
        .unwrap();
        let mut new = sample::new(txn.clone());
        new.redirect_form = Some(json!({ "action": text, "fields": { text.as_str(): long } }));
        new.dump = Dump { request: Some(text.clone() + &long), response: Some(json!([text, long])) };
        new.history.why.clone_from(text);
        new.history.actor.id.clone_from(text);
        new.history.evidence = json!({ text.as_str(): [long, 0.1] });
        new.events[0].body = text.clone() + &long;
        assert_eq!(store.create(new.clone()).await.unwrap(), Created::Stored);
        assert_eq!(store.transaction(&txn.id).await.unwrap(), Some(txn.clone()));
        assert_eq!(store.redirect_form(&txn.id).await.unwrap(), new.redirect_form);
        assert_eq!(store.dump(&txn.id).await.unwrap().unwrap().dump, new.dump);
        assert_eq!(store.history(&txn.id).await.unwrap(), [new.history]);
        assert_eq!(store.events_of(&txn.id).await.unwrap()[0].event, new.events[0]);
    }
}

async fn an_unknown_payment_is_not_found(store: Arc<dyn Store>) {
    sample::stored(&store, sample::new_transaction("T1", "B1")).await;
    let unknown = txn_id("T");
    assert_eq!(store.transaction(&unknown).await.unwrap(), None);
    assert_eq!(store.redirect_form(&unknown).await.unwrap(), None);
    assert_eq!(store.redirect_form(&txn_id("T1")).await.unwrap(), None);
    assert_eq!(store.history(&unknown).await.unwrap(), []);
    assert_eq!(store.dump(&unknown).await.unwrap(), None);
    assert_eq!(store.attention(&unknown).await.unwrap(), []);
    assert_eq!(store.receipt_task(&unknown).await.unwrap(), None);
    assert_eq!(store.events_of(&unknown).await.unwrap(), []);
    assert_eq!(store.claims(&[sample::bill_key("B")]).await.unwrap(), []);
    assert_eq!(store.claims(&[]).await.unwrap(), []);
    assert_eq!(store.idempotency(&sample::idempotency("K", "T").key).await.unwrap(), None);
}

async fn a_new_transaction_is_stored_with_all_that_belongs_to_it(store: Arc<dyn Store>) {
    let mut txn = sample::transaction("T1", &["B1"]);
    txn.tenant_id = TenantId::new("pb").unwrap();
    txn.status = Status::Success { receipt: None };
    let mut new = sample::new(txn.clone());
    new.redirect_form = Some(json!({ "action": "https://gateway.example", "fields": { "a": "1" } }));
    new.history.evidence = json!({ "amount": "0.00" });
    new.dump = Dump { request: Some("https://gateway.example".to_owned()), response: Some(Value::Null) };
    new.receipt_task = Some(sample::new_task("L1"));
    sample::stored(&store, new.clone()).await;

    assert_eq!(store.redirect_form(&txn.id).await.unwrap(), new.redirect_form);
    assert_eq!(store.history(&txn.id).await.unwrap(), [new.history]);
    let dump = store.dump(&txn.id).await.unwrap().unwrap();
    assert_eq!((dump.dump, dump.audit), (new.dump, txn.audit));
    assert_eq!(store.receipt_task(&txn.id).await.unwrap(), Some(sample::task("T1", "L1", 0)));
    let events = store.events_of(&txn.id).await.unwrap();
    assert_eq!(
        events.iter().map(|stored| &stored.event).collect::<Vec<_>>(),
        new.events.iter().collect::<Vec<_>>()
    );
    assert!(events.iter().all(|stored| stored.published_at.is_none() && stored.stored_at == at(0)));
}

async fn a_taken_id_stores_nothing(store: Arc<dyn Store>) {
    let first = sample::stored(&store, sample::new_transaction("T1", "B1")).await;
    let mut second = sample::new_transaction("T1", "B2");
    second.txn.product_info = "another".to_owned();
    second.receipt_task = Some(sample::new_task("L2"));
    second.idempotency = Some(sample::idempotency("K", "T1"));
    assert_eq!(store.create(second).await.unwrap(), Created::IdTaken);
    assert_eq!(store.transaction(&first.id).await.unwrap(), Some(first.clone()));
    assert_eq!(store.claims(&[sample::bill_key("B2")]).await.unwrap(), []);
    assert_eq!(store.history(&first.id).await.unwrap().len(), 1);
    assert_eq!(store.events_of(&first.id).await.unwrap().len(), 2);
    assert_eq!(store.receipt_task(&first.id).await.unwrap(), None);
    assert_eq!(store.idempotency(&sample::idempotency("K", "T1").key).await.unwrap(), None);
}
