//! The columns of an amount: minor units and currency bind, `txn_amount` is for reports.

use crate::support::Database;
use payment_domain::{Currency, Money};
use payment_store::StoreError;
use payment_store::contract::sample::{self, txn_id};

#[tokio::test]
async fn reports_read_major_units() {
    let database = Database::create().await;
    let store = database.store().await;
    for (code, minor) in [("INR", 10_050), ("USD", 10_050), ("JPY", 1_500)] {
        let txn = sample::in_currency(sample::transaction(code, &[code]), code, minor);
        sample::stored(&store, sample::new(txn)).await;
    }
    let sql = "SELECT currency || ' ' || txn_amount || ' ' || txn_amount_minor
        FROM eg_pg_transactions ORDER BY txn_id";
    let rows = database.client().await.query(sql, &[]).await.unwrap();
    let stored: Vec<String> = rows.iter().map(|row| row.get(0)).collect();
    assert_eq!(stored, ["INR 100.50 10050", "JPY 1500.00 1500", "USD 100.50 10050"]);
}

#[tokio::test]
async fn rows_of_the_previous_version_are_read_and_changed() {
    let database = Database::create().await;
    let store = database.store().await;
    let client = database.client().await;
    for (id, lacking) in [("BEFORE", "txn_amount_minor"), ("EARLIEST", "txn_amount_minor = NULL, currency")] {
        let stored = sample::stored(&store, sample::new_transaction(id, id)).await;
        let sql = format!("UPDATE eg_pg_transactions SET {lacking} = NULL WHERE txn_id = '{id}'");
        client.batch_execute(&sql).await.unwrap();
        assert_eq!(store.transaction(&stored.id).await.unwrap().as_ref(), Some(&stored));
        let changed = sample::applied(&store, sample::success(&stored)).await;
        assert_eq!(store.transaction(&stored.id).await.unwrap(), Some(changed));
    }
}

#[tokio::test]
async fn a_hand_cannot_let_the_columns_differ_and_minor_units_bind_if_it_does() {
    let database = Database::create().await;
    let store = database.store().await;
    let txn = sample::stored(&store, sample::new_transaction("T1", "B1")).await;
    let client = database.client().await;
    for forged in
        ["txn_amount = 99", "txn_amount = 100.01", "txn_amount_minor = 9900", "txn_amount_minor = -1"]
    {
        let sql = format!("UPDATE eg_pg_transactions SET {forged}");
        assert!(client.batch_execute(&sql).await.is_err(), "{forged}");
    }
    client
        .batch_execute(
            "ALTER TABLE eg_pg_transactions DROP CONSTRAINT eg_pg_transactions_amounts_agree;
             UPDATE eg_pg_transactions SET txn_amount = 99",
        )
        .await
        .unwrap();
    assert_eq!(store.transaction(&txn.id).await.unwrap(), Some(txn));
}

/// A version that follows may know more currencies: its rows are never read as rupees.
#[tokio::test]
async fn an_unknown_currency_of_our_own_row_makes_it_unreadable() {
    let database = Database::create().await;
    let store = database.store().await;
    let txn = sample::stored(&store, sample::new_transaction("T1", "B1")).await;
    let client = database.client().await;
    client.batch_execute("UPDATE eg_pg_transactions SET currency = 'KWD'").await.unwrap();
    let read = store.transaction(&txn.id).await;
    assert!(
        matches!(&read, Err(StoreError::Failed(error)) if error.to_string().contains("currency")),
        "{read:?}"
    );
}

/// A fork of the earlier service may have had such a column.
#[tokio::test]
async fn an_adopted_row_has_the_currency_it_names() {
    let database = Database::create().await;
    let store = database.store().await;
    let adopted = r#"
        INSERT INTO eg_pg_transactions (txn_id, txn_amount, currency, txn_status, gateway, bill_id, product_info,
            user_uuid, user_name, name, user_tenant_id, tenant_id, consumer_code, created_time, additional_details)
        SELECT id, 1500, code, 'PENDING', 'AXIS', 'B-' || id, 'p', 'u', 'u', 'n', 'pb', 'pb.odd', 'C', 1,
            json_build_object('taxAndPayments', json_build_array(
                json_build_object('billId', 'B-' || id, 'amountPaid', 1500)))::jsonb
        FROM (VALUES ('NONE', NULL), ('YEN', 'JPY'), ('DINAR', 'KWD')) AS odd (id, code)"#;
    database.client().await.batch_execute(adopted).await.unwrap();
    let read = async |id: &str| store.transaction(&txn_id(id)).await.unwrap().unwrap();
    let amount = |code: &str, minor| Money::from_minor(minor, Currency::from_code(code).unwrap()).unwrap();
    for (id, expected) in [("NONE", amount("INR", 150_000)), ("YEN", amount("JPY", 1_500))] {
        let txn = read(id).await;
        assert_eq!((txn.amount, txn.bills[0].amount_paid, &txn.unknown), (expected, expected, &None), "{id}");
    }
    let dinar = read("DINAR").await;
    let shown = (dinar.amount_text(), dinar.currency_code(), dinar.bills.len());
    assert_eq!(shown, (Some("1500.00".to_owned()), "KWD", 0));
    assert!(dinar.unknown_values().is_some(), "it is shown, and never settled");
}
