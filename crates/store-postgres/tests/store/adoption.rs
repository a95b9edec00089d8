//! A database that an earlier egov-pg-service has used for years: taken in as it is, and used on.

use std::sync::Arc;

use crate::support::earlier::earlier_database;
use crate::support::number;
use futures_util::future::join_all;
use payment_domain::{BillId, Status, StatusName, Timestamp, Transaction};
use payment_store::contract::sample::{self, bill_key, txn_id};
use payment_store::{
    Applied, Attention, CheckNote, Claim, Claims, Created, DueChecks, NewCase, NextCheck, PageRequest,
    Resolution, Resolved, SearchQuery, Store, TenantScope, Transactions, Turn,
};
use payment_store_postgres::PostgresStore;
use tokio_postgres::Client;

/// Every row as the earlier service wrote it, in its own columns, with the place where it is stored:
/// a row that was rewritten stands elsewhere.
async fn old_rows(client: &Client) -> Vec<String> {
    let sql = "
        SELECT ctid::text || xmin::text || (txn_id, txn_amount, txn_status, txn_status_msg, gateway, bill_id,
            module, module_id, product_info, user_uuid, user_name, name, mobile_number, email_id,
            user_tenant_id, tenant_id, gateway_txn_id, gateway_payment_mode, gateway_status_code,
            gateway_status_msg, receipt, created_by, created_time, last_modified_by, last_modified_time,
            consumer_code, additional_details)::text FROM eg_pg_transactions
        UNION ALL
        SELECT ctid::text || xmin::text || (txn_id, txn_request, txn_response, created_by, created_time,
            last_modified_by, last_modified_time)::text FROM eg_pg_transactions_dump
        UNION ALL SELECT flyway::text FROM flyway_schema_history AS flyway
        UNION ALL SELECT quartz::text FROM qrtz_triggers AS quartz
        ORDER BY 1";
    client.query(sql, &[]).await.unwrap().iter().map(|row| row.get(0)).collect()
}

async fn search(store: &dyn Store, query: SearchQuery) -> Vec<String> {
    let page = PageRequest { limit: 100, offset: 0 };
    let found = store.search(&SearchQuery { page, ..query }).await.unwrap();
    found.into_iter().map(|txn| txn.id.to_string()).collect()
}

async fn by_bill(store: &dyn Store, bill: &str) -> Vec<String> {
    search(store, SearchQuery { bill_id: Some(BillId::new(bill).unwrap()), ..SearchQuery::default() }).await
}

async fn read(store: &dyn Store, id: &str) -> Transaction {
    store.transaction(&txn_id(id)).await.unwrap().unwrap()
}

#[tokio::test]
async fn repeated_adoption_changes_no_old_row() {
    let (database, client) = earlier_database().await;
    let before = old_rows(&client).await;
    let first = database.open().await;
    assert_eq!(first.migrated().adopted_rows, 12);
    let all = PostgresStore::migrations(&database.options()).await.unwrap();
    assert_eq!(first.migrated().applied, all);
    assert_eq!(old_rows(&client).await, before, "byte for byte, in the same place");
    let claims = number(&client, "SELECT count(*) FROM eg_pg_bill_claims").await;
    let second = database.open().await;
    assert_eq!(second.migrated().adopted_rows, 0);
    assert_eq!(second.migrated().present, first.migrated().applied);
    assert_eq!(old_rows(&client).await, before);
    assert_eq!(number(&client, "SELECT count(*) FROM eg_pg_bill_claims").await, claims);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nodes_that_start_at_once_take_turns() {
    let (database, client) = earlier_database().await;
    let before = old_rows(&client).await;
    let opened = join_all((0..4).map(|_| PostgresStore::connect(database.options()))).await;
    let reports: Vec<_> = opened.iter().map(|store| store.as_ref().unwrap().migrated()).collect();
    let all = PostgresStore::migrations(&database.options()).await.unwrap();
    assert_eq!(reports.iter().map(|report| report.applied.len()).sum::<usize>(), all.len());
    assert_eq!(reports.iter().map(|report| report.adopted_rows).sum::<u64>(), 12);
    assert_eq!(old_rows(&client).await, before);
}

#[tokio::test]
async fn asking_for_the_migrations_changes_nothing() {
    let (database, client) = earlier_database().await;
    let pending = PostgresStore::migrations(&database.options()).await.unwrap();
    assert!(pending.iter().all(|state| state.applied_at_ms.is_none()));
    assert_eq!(number(&client, "SELECT count(*) FROM pg_tables WHERE tablename LIKE 'eg_pg_%'").await, 2);
    let store = database.open().await;
    let applied = PostgresStore::migrations(&database.options()).await.unwrap();
    assert_eq!(applied, store.migrated().applied);
}

#[tokio::test]
async fn old_rows_are_read_with_their_unknown_and_missing_values() {
    let (database, _) = earlier_database().await;
    let store = database.open().await;
    let paid = read(&store, "OLD_SUCCESS").await;
    assert_eq!(paid.status, Status::Success { receipt: Some("R1".to_owned()) });
    assert_eq!((paid.amount.to_string().as_str(), paid.version), ("100.00", 1));
    assert_eq!(paid.bills, [sample::towards("B1")]);
    assert_eq!(paid.gateway_details.txn_id.as_deref(), Some("G-OLD_SUCCESS"));
    let dump = store.dump(&paid.id).await.unwrap().unwrap();
    assert_eq!(dump.dump.request.as_deref(), Some("https://gateway.example/old"));

    let several = read(&store, "OLD_SEVERAL").await;
    let amounts: Vec<_> = several.bills.iter().map(|bill| bill.amount_paid.minor()).collect();
    assert_eq!((amounts, several.gateway.as_str()), (vec![1_000, 2_000], "AXIS"));
    assert_eq!(several.additional_details["other"].to_string(), "[1.50,null]", "with its decimals");

    let bare = read(&store, "OLD_BARE").await;
    assert_eq!((bare.amount.minor(), bare.bills.len(), bare.bills[0].amount_paid), (999, 1, bare.amount));
    assert_eq!((bare.payer.uuid.as_str(), bare.consumer_code.as_str()), ("", ""));
    assert_eq!((bare.audit.created_at, bare.callback_url), (Timestamp::from_millis(0), None));
    assert!(bare.additional_details.is_empty() && bare.payer.email_id.is_none());

    let odd = read(&store, "OLD_ODD").await;
    assert_eq!((odd.bills.len(), odd.bills[0].amount_paid), (1, odd.amount), "the bill it names, paid whole");
    assert_eq!(read(&store, "OLD_PAID_TOO").await.status, Status::Success { receipt: None });
    assert_eq!(store.history(&paid.id).await.unwrap(), []);
}

#[tokio::test]
async fn of_old_payments_of_one_bill_one_holds_it() {
    let (database, _) = earlier_database().await;
    let store = database.open().await;
    let asked = ["B1", "B2", "B3", "B5", "B6", "B7", "B9", "B10", "B11"].map(bill_key);
    let held: Vec<_> = store
        .claims(&asked)
        .await
        .unwrap()
        .into_iter()
        .map(|claim| (claim.bill.bill.to_string(), claim.txn_id.to_string(), claim.status))
        .collect();
    let expected = [
        ("B1", "OLD_SUCCESS", StatusName::Success),
        ("B2", "OLD_TWICE_2", StatusName::Success),
        ("B5", "OLD_PAID_TOO", StatusName::Success),
        ("B6", "OLD_SEVERAL", StatusName::Pending),
        ("B7", "OLD_SEVERAL", StatusName::Pending),
        ("B9", "OLD_RIVAL_b", StatusName::Pending),
        ("B10", "OLD_ODD", StatusName::Pending),
        ("B11", "OLD_ODD", StatusName::Pending),
    ];
    assert_eq!(held, expected.map(|(bill, id, status)| (bill.to_owned(), id.to_owned(), status)));
    let refused = store.create(sample::new_transaction("T1", "B7")).await.unwrap();
    assert!(matches!(refused, Created::BillsTaken(claims) if claims[0].txn_id == txn_id("OLD_SEVERAL")));
    let free = store.create(sample::new_transaction("T2", "B3")).await.unwrap();
    assert_eq!(free, Created::Stored, "a failed payment holds nothing");
}

#[tokio::test]
async fn old_rows_are_found_by_every_condition() {
    let (database, _) = earlier_database().await;
    let store = database.open().await;
    assert_eq!(by_bill(&store, "B2").await, ["OLD_TWICE_1", "OLD_TWICE_2"]);
    assert_eq!(by_bill(&store, "B7").await, ["OLD_SEVERAL"]);
    assert_eq!(by_bill(&store, "B11").await, ["OLD_ODD"]);
    let by_receipt = SearchQuery { receipt: Some("R3".to_owned()), ..SearchQuery::default() };
    assert_eq!(search(&store, by_receipt).await, ["OLD_TWICE_2"]);
    let within = Some(TenantScope { root: "pb".to_owned() });
    let everything = search(&store, SearchQuery { within, ..SearchQuery::default() }).await;
    assert_eq!(everything.len(), 12);
    assert_eq!(everything[..3], ["OLD_ODD", "OLD_RIVAL_A", "OLD_RIVAL_b"], "newest first");
    assert_eq!(everything[11], "OLD_BARE", "what says no time is the oldest");
    let pending = SearchQuery { status: Some(StatusName::Pending), ..SearchQuery::default() };
    assert_eq!(search(&store, pending).await.len(), 7);
    let mine = SearchQuery { user_uuid: Some("payer-1".to_owned()), ..SearchQuery::default() };
    assert_eq!(search(&store, mine).await.len(), 11);
}

#[tokio::test]
async fn old_pending_payments_are_checked_and_settled() {
    let (database, client) = earlier_database().await;
    let store: Arc<dyn Store> = database.store().await;
    let first = Turn::First { created_by: Timestamp::from_millis(6_000) };
    let due = DueChecks { turn: first, gateway: None, after: None, limit: 10 };
    let ids = |due: Vec<payment_store::DueCheck>| {
        due.into_iter().map(|due| due.txn_id.to_string()).collect::<Vec<_>>()
    };
    let found = store.due_checks(&due).await.unwrap();
    assert_eq!((found[0].created_at, found[0].checks), (Timestamp::from_millis(0), 0));
    assert_eq!(ids(found), ["OLD_BARE", "OLD_PENDING", "OLD_PENDING_TOO", "OLD_SEVERAL"]);
    let of_axis = DueChecks { gateway: Some(payment_domain::GatewayName::new("AXIS")), ..due.clone() };
    assert_eq!(ids(store.due_checks(&of_axis).await.unwrap()), ["OLD_SEVERAL"], "in any letter case");
    let names: Vec<_> = store.pending_gateways().await.unwrap().iter().map(|name| name.to_string()).collect();
    assert_eq!(names, ["AXIS", "PAYTM", "PHONEPE"]);

    let at = Timestamp::from_millis(9_000);
    let note = CheckNote {
        txn_id: txn_id("OLD_BARE"),
        at,
        next: NextCheck::WithAll,
        history: None,
        events: Vec::new(),
        fence: None,
    };
    assert_eq!(store.note_check(note).await.unwrap(), Applied::Stored);
    assert_eq!(ids(store.due_checks(&due).await.unwrap()).len(), 3);

    for id in ["OLD_BARE", "OLD_SEVERAL", "OLD_PENDING"] {
        let txn = read(&*store, id).await;
        let paid = sample::applied(&store, sample::success(&txn)).await;
        let receipted = sample::applied(&store, sample::receipted(&paid, "first")).await;
        assert_eq!(store.transaction(&txn.id).await.unwrap(), Some(receipted), "{id}");
        assert_eq!(store.history(&txn.id).await.unwrap().len(), 2);
        assert!(store.dump(&txn.id).await.unwrap().unwrap().dump.response.is_some());
    }
    let details: String = client
        .query_one(
            "SELECT additional_details::text FROM eg_pg_transactions WHERE txn_id = 'OLD_PENDING'",
            &[],
        )
        .await
        .unwrap()
        .get(0);
    assert_eq!(details, "[1]", "what is no object is left as it was");
    assert_eq!(
        store.apply(sample::change(&read(&*store, "OLD_RIVAL_A").await)).await.unwrap(),
        Applied::Stored
    );
}

#[tokio::test]
async fn an_old_failure_releases_every_bill_it_names_even_with_unreadable_details() {
    let (database, _) = earlier_database().await;
    let store = database.store().await;
    for id in ["OLD_ODD", "OLD_SEVERAL"] {
        let txn = read(&*store, id).await;
        sample::applied(&store, sample::failure(&txn)).await;
    }
    let asked = ["B6", "B7", "B10", "B11"].map(bill_key);
    assert_eq!(store.claims(&asked).await.unwrap(), []);
}

#[tokio::test]
async fn a_case_about_an_old_failure_is_raised_and_resolved() {
    let (database, _) = earlier_database().await;
    let store = database.store().await;
    let txn = read(&*store, "OLD_FAILURE").await;
    let case = Attention {
        txn_id: txn.id.clone(),
        kind: payment_domain::AttentionKind::LateSuccess,
        raised_at: sample::at(0),
        evidence: serde_json::json!({}),
    };
    let history = sample::change(&txn).history;
    let new =
        NewCase { case, history: history.clone(), events: Vec::new(), hold: txn.bill_keys(), fence: None };
    assert!(store.raise_attention(new).await.unwrap());
    assert_eq!(store.claims(&[bill_key("B3")]).await.unwrap()[0].status, StatusName::Failure);
    drop(database.open().await);
    assert_eq!(store.claims(&[bill_key("B3")]).await.unwrap().len(), 1, "another start lets nothing go");
    let resolution =
        Resolution { at: sample::at(1), by: "operator".to_owned(), reason: "refunded".to_owned() };
    let case = store.attention_cases(&payment_store::AttentionQuery { limit: 5, ..Default::default() }).await;
    let resolved = store
        .resolve_attention(
            case.unwrap()[0].id.into(),
            resolution,
            history,
            Vec::new(),
            Vec::new(),
            &txn.bill_keys(),
        )
        .await;
    assert_eq!(resolved.unwrap(), Resolved::Now);
    assert_eq!(store.claims(&[bill_key("B3")]).await.unwrap(), []);
}

#[tokio::test]
async fn late_rows_of_the_earlier_service_are_adopted_at_the_next_start() {
    let (database, client) = earlier_database().await;
    let store = database.open().await;
    client
        .batch_execute(
            "INSERT INTO eg_pg_transactions (txn_id, txn_amount, txn_status, gateway, bill_id, product_info,
                 user_uuid, user_name, name, user_tenant_id, tenant_id, created_time)
             VALUES ('LATE', 1, 'PENDING', 'AXIS', 'B20', '', '', '', '', '', 'pb.amritsar', 7600);
             UPDATE eg_pg_transactions SET txn_status = 'FAILURE' WHERE txn_id = 'OLD_RIVAL_b'",
        )
        .await
        .unwrap();
    assert_eq!(by_bill(&store, "B20").await, [""; 0]);
    let again = database.open().await;
    assert_eq!(again.migrated().adopted_rows, 1);
    assert_eq!(by_bill(&store, "B20").await, ["LATE"]);
    let held: Vec<Claim> = store.claims(&["B9", "B20"].map(bill_key)).await.unwrap();
    let holders: Vec<_> = held.iter().map(|claim| claim.txn_id.as_str()).collect();
    assert_eq!(holders, ["OLD_RIVAL_A", "LATE"], "what it failed is let go, to the other who may be paying");
    client
        .batch_execute("UPDATE eg_pg_transactions SET txn_status = 'FAILURE' WHERE txn_id = 'OLD_RIVAL_A'")
        .await
        .unwrap();
    drop(database.open().await);
    assert_eq!(store.claims(&[bill_key("B9")]).await.unwrap(), [], "no claim is left");
}
