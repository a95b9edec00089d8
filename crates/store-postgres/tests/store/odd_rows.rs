//! Rows of an earlier service that keep no rule of ours: each is read and shown as it is, and none stops
//! the others, whoever reads.

use std::sync::Arc;

use crate::support::Database;
use crate::support::earlier::earlier_database;
use payment_domain::{
    AttentionKind, BillId, Event, EventKind, Status, StatusName, TenantId, Timestamp, Transaction,
};
use payment_store::contract::sample::{self, at, bill_key, txn_id};
use payment_store::{
    Applied, Attention, DueChecks, NewCase, PageRequest, ReviewCases, Search, SearchQuery, Store,
    TenantScope, Transactions, Turn,
};
use payment_store_postgres::{PostgresOptions, PostgresStore};

/// A fork has loosened the table, and rows were written into it by hand.
const ODD: &str = r#"
    ALTER TABLE eg_pg_transactions ALTER bill_id DROP NOT NULL, ALTER bill_id TYPE text,
        ALTER tenant_id DROP NOT NULL, ALTER txn_amount DROP NOT NULL, ALTER txn_amount TYPE numeric,
        ALTER txn_status DROP NOT NULL, ALTER gateway DROP NOT NULL, ALTER product_info DROP NOT NULL,
        ALTER product_info TYPE text, ALTER user_uuid DROP NOT NULL, ALTER name DROP NOT NULL;
    INSERT INTO eg_pg_transactions (txn_id, txn_amount, txn_status, gateway, bill_id, tenant_id, created_time,
        product_info, user_uuid, user_name, name, user_tenant_id, consumer_code, additional_details)
    SELECT id, amount::numeric, status, gateway, bill, tenant, created, 'p', 'odd-payer', 'u', 'n', 'pb', 'ODD',
        details::jsonb
    FROM (VALUES
        ('ODD_01_NO_BILL', '1', 'PENDING', 'AXIS', NULL, 'pb.odd', 100, NULL),
        ('ODD_02_BILLS_IN_DETAILS', '3', 'PENDING', 'AXIS', NULL, 'pb.odd', 200,
            '{"taxAndPayments": [{"billId": "D1", "amountPaid": 1}, {"billId": "D2", "amountPaid": 2}]}'),
        ('ODD_03_EMPTY_BILL', '1', 'SUCCESS', 'AXIS', '', 'pb.odd', 300, '{}'),
        ('ODD_04_TAB', '1', 'PENDING', 'AXIS', E'B\t1', 'pb.odd', 400, '[]'),
        ('ODD_05_LONG_BILL', '1', 'FAILURE', 'AXIS', repeat('b', 3000), 'pb.odd', 500, NULL),
        ('ODD_06_NO_TENANT', '1', 'PENDING', 'AXIS', 'O6', '', 600, NULL),
        ('ODD_07_NULL_TENANT', '1', 'FAILURE', 'AXIS', 'O7', NULL, 700, NULL),
        ('ODD_08_NEGATIVE', '-5', 'PENDING', 'AXIS', 'O8', 'pb.odd', 800, NULL),
        ('ODD_09_NO_AMOUNT', NULL, 'PENDING', 'AXIS', 'O9', 'pb.odd', 900, NULL),
        ('ODD_10_PRECISE', '1.005', 'SUCCESS', 'AXIS', 'O10', 'pb.odd', 1000, NULL),
        ('ODD_11_LARGE', '99999999999999999', 'FAILURE', 'AXIS', 'O11', 'pb.odd', 1100, NULL),
        ('ODD_12_NO_NUMBER', 'NaN', 'FAILURE', 'AXIS', 'O12', 'pb.odd', 1200, NULL),
        ('ODD_13_STATUS', '1', 'REVERSED', 'AXIS', 'O13', 'pb.odd', 1300, NULL),
        ('ODD_14_NO_STATUS', '1', NULL, 'AXIS', 'O14', 'pb.odd', 1400, NULL),
        ('ODD_15_NO_TIME', '1', 'PENDING', 'AXIS', 'O15', 'pb.odd', NULL, NULL),
        ('ODD_16_NO_TIME', '1.000', 'PENDING', 'AXIS', 'O16', 'pb.odd', NULL, NULL),
        ('ODD_17_NO_GATEWAY', '1', 'PENDING', NULL, 'O17', 'pb.odd', 1700, NULL)
    ) AS odd (id, amount, status, gateway, bill, tenant, created, details);
    INSERT INTO eg_pg_transactions (txn_id, txn_amount, txn_status, gateway, bill_id, tenant_id, created_time,
        user_name, user_tenant_id, consumer_code, product_info)
    VALUES ('ODD_18_LONG_TEXTS', 1, 'PENDING', 'AXIS', 'O18', 'pb.odd', 1800, 'u', 'pb', 'ODD',
        repeat('x', 2000000));
    UPDATE eg_pg_transactions
        SET additional_details = (repeat('{"a":', 3000) || '1' || repeat('}', 3000))::jsonb
        WHERE txn_id = 'ODD_18_LONG_TEXTS';
    INSERT INTO eg_pg_transactions_dump (txn_id, txn_response)
        SELECT 'ODD_18_LONG_TEXTS', additional_details FROM eg_pg_transactions
        WHERE txn_id = 'ODD_18_LONG_TEXTS';
"#;

const COUNT: usize = 18;

async fn odd_store() -> (Database, Arc<PostgresStore>) {
    let (database, client) = earlier_database().await;
    client.batch_execute(ODD).await.unwrap();
    let store = database.open().await;
    (database, Arc::new(store))
}

async fn read(store: &dyn Store, id: &str) -> Transaction {
    store.transaction(&txn_id(id)).await.unwrap().unwrap()
}

async fn found(store: &dyn Store, query: &SearchQuery) -> Vec<String> {
    let page = PageRequest { limit: 100, offset: 0 };
    let found = store.search(&SearchQuery { page, ..query.clone() }).await.unwrap();
    found.into_iter().map(|txn| txn.id.to_string()).collect()
}

#[tokio::test]
async fn every_row_is_read_as_it_is() {
    let (_database, store) = odd_store().await;
    let texts = |txn: &Transaction| (txn.amount_text(), txn.status_text().map(str::to_owned));
    let said =
        |amount: Option<&str>, status: Option<&str>| (amount.map(str::to_owned), status.map(str::to_owned));
    for id in ["ODD_01_NO_BILL", "ODD_03_EMPTY_BILL"] {
        let txn = read(&*store, id).await;
        assert!(txn.bill_id.is_absent() && txn.bills.is_empty() && txn.bill_keys().is_empty(), "{txn:?}");
        assert_eq!(txn.unknown, None, "its money and its status are as any");
    }
    let named = read(&*store, "ODD_02_BILLS_IN_DETAILS").await;
    assert_eq!(named.bill_keys().len(), 2);
    assert_eq!(read(&*store, "ODD_04_TAB").await.bill_id.as_str(), "B\t1");
    assert_eq!(read(&*store, "ODD_05_LONG_BILL").await.bill_id.as_str().len(), 3000);
    for id in ["ODD_06_NO_TENANT", "ODD_07_NULL_TENANT"] {
        assert!(read(&*store, id).await.tenant_id.is_absent());
    }
    for (id, amount, status) in [
        ("ODD_08_NEGATIVE", Some("-5"), Some("PENDING")),
        ("ODD_09_NO_AMOUNT", None, Some("PENDING")),
        ("ODD_10_PRECISE", Some("1.005"), Some("SUCCESS")),
        ("ODD_11_LARGE", Some("99999999999999999"), Some("FAILURE")),
        ("ODD_12_NO_NUMBER", Some("NaN"), Some("FAILURE")),
        ("ODD_13_STATUS", Some("1.00"), Some("REVERSED")),
        ("ODD_14_NO_STATUS", Some("1.00"), None),
    ] {
        let txn = read(&*store, id).await;
        assert_eq!(texts(&txn), said(amount, status), "{id}");
        assert!(txn.unknown_values().is_some(), "{id} cannot be settled");
    }
    let precise = read(&*store, "ODD_16_NO_TIME").await;
    assert_eq!(
        (precise.amount.minor(), precise.unknown),
        (100, None),
        "zeros behind the point change nothing"
    );
    assert_eq!(read(&*store, "ODD_15_NO_TIME").await.audit.created_at, Timestamp::from_millis(0));
    assert_eq!(read(&*store, "ODD_17_NO_GATEWAY").await.gateway.as_str(), "");
    let long = read(&*store, "ODD_18_LONG_TEXTS").await;
    assert_eq!((long.product_info.len(), long.additional_details.len()), (2_000_000, 0));
    assert!(store.dump(&long.id).await.unwrap().unwrap().dump.response.unwrap().is_string());
}

#[tokio::test]
async fn no_row_keeps_the_others_from_being_found() {
    let (_database, store) = odd_store().await;
    let all = SearchQuery { consumer_code: Some("ODD".to_owned()), ..SearchQuery::default() };
    let everything = found(&*store, &all).await;
    assert_eq!(everything.len(), COUNT);
    let timeless = ["ODD_16_NO_TIME", "ODD_15_NO_TIME"];
    assert_eq!(everything[COUNT - 2..], timeless, "what says no time is the oldest");
    // Page behind page, with the border between those with a time and those without on every place.
    for limit in 1..5 {
        let mut paged: Vec<String> = Vec::new();
        loop {
            let after = paged.last().map(|id| txn_id(id));
            let page = PageRequest { limit, offset: 0 };
            let query = SearchQuery { after, page, ..all.clone() };
            let ids = store.search(&query).await.unwrap();
            if ids.is_empty() {
                break;
            }
            paged.extend(ids.into_iter().map(|txn| txn.id.to_string()));
        }
        assert_eq!(paged, everything, "{limit} at a time");
    }
    for id in &everything {
        let named = SearchQuery { txn_id: Some(txn_id(id)), ..SearchQuery::default() };
        assert_eq!(found(&*store, &named).await, [id.as_str()]);
        assert_eq!(store.history(&txn_id(id)).await.unwrap(), []);
        assert_eq!(store.attention(&txn_id(id)).await.unwrap(), []);
    }
    // Without a tenant, or without a status, a row is in no list of a tenant; every other one is.
    let tenant = Some(TenantId::new("pb.odd").unwrap());
    let of_tenant = found(&*store, &SearchQuery { tenant_id: tenant, ..SearchQuery::default() }).await;
    let within = Some(TenantScope { root: "pb.odd".to_owned() });
    assert_eq!(found(&*store, &SearchQuery { within, ..SearchQuery::default() }).await, of_tenant);
    let mut listed = everything.clone();
    listed.retain(|id| !id.contains("TENANT") && !id.contains("NO_STATUS"));
    assert_eq!(of_tenant, listed);
    for bill in ["O6", "O8", "O9", "O13", "O14", "D2"] {
        let by_bill = SearchQuery { bill_id: Some(BillId::new(bill).unwrap()), ..SearchQuery::default() };
        assert_eq!(found(&*store, &by_bill).await.len(), 1, "{bill}");
    }
    let reversed = SearchQuery { status: Some(StatusName::Pending), ..all };
    assert!(!found(&*store, &reversed).await.iter().any(|id| id.contains("STATUS")));
}

#[tokio::test]
async fn no_row_keeps_the_others_from_being_checked_settled_and_published() {
    let (database, store) = odd_store().await;
    let store: Arc<dyn Store> = store;
    let first = Turn::First { created_by: Timestamp::from_millis(9_000) };
    let due = DueChecks { turn: first, gateway: None, after: None, limit: 100 };
    let checked: Vec<_> = store.due_checks(&due).await.unwrap().into_iter().map(|due| due.txn_id).collect();
    for id in ["ODD_01_NO_BILL", "ODD_08_NEGATIVE", "ODD_15_NO_TIME", "ODD_17_NO_GATEWAY", "OLD_PENDING"] {
        assert!(checked.contains(&txn_id(id)), "{id}");
    }
    assert!(store.pending_gateways().await.unwrap().iter().any(|gateway| gateway.as_str() == "PAYTM"));

    for id in
        ["ODD_01_NO_BILL", "ODD_02_BILLS_IN_DETAILS", "ODD_04_TAB", "ODD_06_NO_TENANT", "ODD_15_NO_TIME"]
    {
        let txn = read(&*store, id).await;
        let paid = sample::applied(&store, sample::success(&txn)).await;
        let receipted = sample::applied(&store, sample::receipted(&paid, "first")).await;
        assert_eq!(store.transaction(&txn.id).await.unwrap(), Some(receipted), "{id}");
    }
    let failed = read(&*store, "ODD_18_LONG_TEXTS").await;
    sample::applied(&store, sample::failure(&failed)).await;

    let event = Event {
        kind: EventKind::Sms,
        txn_id: txn_id("ODD_06_NO_TENANT"),
        tenant_id: TenantId::stored(""),
        body: "{}".to_owned(),
        trace: None,
    };
    assert!(store.store_event_once("key", event, at(1)).await.unwrap());
    let waiting = store.unpublished(0, 100).await.unwrap();
    assert!(waiting.iter().any(|stored| stored.event.tenant_id.is_absent()));

    for id in ["ODD_08_NEGATIVE", "ODD_13_STATUS", "ODD_14_NO_STATUS"] {
        let txn = read(&*store, id).await;
        let case = Attention {
            txn_id: txn.id.clone(),
            kind: AttentionKind::PendingBeyondLife,
            raised_at: at(0),
            evidence: serde_json::json!({}),
        };
        let history = sample::change(&txn).history;
        assert!(
            store
                .raise_attention(NewCase {
                    case,
                    history,
                    events: Vec::new(),
                    hold: txn.bill_keys(),
                    fence: None
                })
                .await
                .unwrap()
        );
    }
    // While the earlier service still ran, it has moved a payment that holds a bill to a state of its own.
    let moved = "UPDATE eg_pg_transactions SET txn_status = 'REVERSED' WHERE txn_id = 'OLD_SEVERAL'";
    database.client().await.execute(moved, &[]).await.unwrap();
    let held = store.claims(&[bill_key("B6"), bill_key("B2")]).await.unwrap();
    let held: Vec<_> = held.iter().map(|claim| (claim.txn_id.as_str(), claim.status)).collect();
    assert_eq!(held, [("OLD_SEVERAL", StatusName::Success), ("OLD_TWICE_2", StatusName::Success)]);
    assert_eq!(read(&*store, "OLD_SEVERAL").await.status, Status::Pending, "it says nothing that is known");
    let other = store.apply(sample::change(&read(&*store, "OLD_RIVAL_A").await)).await.unwrap();
    assert_eq!(other, Applied::Stored);
}

#[tokio::test]
async fn odd_rows_are_counted_and_named() {
    let (database, store) = odd_store().await;
    let odd = store.migrated().odd_rows.clone();
    // OLD_BARE says no time; bills in the details do not make up for the one that is not named.
    assert_eq!((odd.count, odd.named.len()), (18, 18));
    let oddity =
        |id: &str| odd.named.iter().find(|(named, _)| named == id).map(|(_, oddity)| oddity.as_str());
    for (id, expected) in [
        ("ODD_01_NO_BILL", Some("no bill id")),
        ("ODD_04_TAB", Some("an unusual bill id")),
        ("ODD_06_NO_TENANT", Some("no tenant")),
        ("ODD_08_NEGATIVE", Some("an amount out of range")),
        ("ODD_09_NO_AMOUNT", Some("no amount")),
        ("ODD_12_NO_NUMBER", Some("an amount out of range")),
        ("ODD_13_STATUS", Some("an unknown status")),
        ("ODD_14_NO_STATUS", Some("no status")),
        ("ODD_16_NO_TIME", Some("no moment of creation")),
        ("ODD_17_NO_GATEWAY", Some("no gateway")),
        ("ODD_18_LONG_TEXTS", None),
        ("OLD_SUCCESS", None),
    ] {
        assert_eq!(oddity(id), expected, "{id}");
    }
    assert_eq!(database.open().await.migrated().odd_rows.count, 0, "nothing new was taken in");
    let options: PostgresOptions = database.options();
    assert_eq!(PostgresStore::odd_rows(&options).await.unwrap(), odd, "they can be asked for at any time");
}
