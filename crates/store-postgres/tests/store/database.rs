//! The database itself: its last lines of defence, its texts, its replicas.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::support::{Database, number};
use futures_util::future::join_all;
use payment_domain::{Actor, AttentionKind, ManualClock, Personal, StatusName};
use payment_store::contract::sample::{self, at, bill_key, txn_id};
use payment_store::{
    Applied, Attention, Change, Created, Fence, Mine, NewTransaction, PageRequest, SearchQuery, Store,
    StoreError, TickAnswer, TickRequest, Transactions,
};
use payment_store_postgres::{PostgresOptions, PostgresStore};
use payment_testing::proxy::TcpProxy;

#[tokio::test]
async fn opening_it_again_finds_it_as_it_was_left() {
    let database = Database::create().await;
    let first = database.open().await;
    let all = PostgresStore::migrations(&database.options()).await.unwrap();
    assert_eq!((&first.migrated().applied, first.migrated().adopted_rows), (&all, 0));
    let store: Arc<dyn Store> = Arc::new(first);
    let txn = sample::stored(&store, sample::new_transaction("T1", "B1")).await;
    let second = database.open().await;
    assert_eq!((second.migrated().applied.len(), &second.migrated().present), (0, &all));
    assert_eq!(second.transaction(&txn.id).await.unwrap(), Some(txn));
}

#[tokio::test]
async fn the_history_can_be_neither_changed_nor_deleted() {
    let database = Database::create().await;
    let store = database.store().await;
    let txn = sample::stored(&store, sample::new_transaction("T1", "B1")).await;
    let client = database.client().await;
    for statement in [
        "UPDATE eg_pg_transaction_history SET why = 'something else'",
        "DELETE FROM eg_pg_transaction_history",
        "TRUNCATE eg_pg_transaction_history",
        "INSERT INTO eg_pg_transaction_history SELECT * FROM eg_pg_transaction_history
             ON CONFLICT (txn_id, entry_number) DO UPDATE SET why = 'forged'",
    ] {
        assert!(client.batch_execute(statement).await.is_err(), "{statement}");
    }
    assert_eq!(store.history(&txn.id).await.unwrap()[0].why, "created");
}

#[tokio::test]
async fn triggers_keep_a_success_and_its_receipt_final() {
    let database = Database::create().await;
    let store = database.store().await;
    let txn = sample::stored(&store, sample::new_transaction("T1", "B1")).await;
    let paid = sample::applied(&store, sample::success(&txn)).await;
    assert!(matches!(store.apply(sample::failure(&paid)).await, Err(StoreError::Failed(_))));
    let receipted = sample::applied(&store, sample::receipted(&paid, "first")).await;
    for receipt in [Some("RCPT/another".to_owned()), None] {
        let mut another = sample::change(&receipted);
        another.txn.status = payment_domain::Status::Success { receipt };
        assert!(matches!(store.apply(another).await, Err(StoreError::Failed(_))));
    }
    assert_eq!(store.transaction(&txn.id).await.unwrap(), Some(receipted.clone()));
    sample::applied(&store, sample::change(&receipted)).await;
}

#[tokio::test]
async fn a_full_disk_of_the_server_is_reported_until_it_ends() {
    let database = Database::create().await;
    let store = database.store().await;
    let client = database.client().await;
    let full = "CREATE FUNCTION full_disk() RETURNS trigger LANGUAGE plpgsql AS
            $$BEGIN RAISE EXCEPTION 'could not extend file' USING ERRCODE = 'disk_full'; END$$;
        CREATE TRIGGER full_disk BEFORE INSERT ON eg_pg_transactions
            FOR EACH STATEMENT EXECUTE FUNCTION full_disk();
        CREATE TRIGGER full_disk BEFORE INSERT ON eg_pg_callbacks
            FOR EACH STATEMENT EXECUTE FUNCTION full_disk()";
    client.batch_execute(full).await.unwrap();
    let refused = store.create(sample::new_transaction("T1", "B1")).await;
    assert!(matches!(refused, Err(StoreError::Unavailable(_))), "{refused:?}");
    for _ in 0..3 {
        let full = store.ping().await;
        assert!(matches!(full, Err(StoreError::Unavailable(_))), "{full:?}");
    }
    client.batch_execute("DROP FUNCTION full_disk CASCADE").await.unwrap();
    store.ping().await.unwrap();
    assert_eq!(number(&client, "SELECT count(*) FROM eg_pg_callbacks").await, 0);
    sample::stored(&store, sample::new_transaction("T1", "B1")).await;
}

#[tokio::test]
async fn the_constraint_holds_where_a_check_is_bypassed() {
    let database = Database::create().await;
    let store = database.store().await;
    sample::stored(&store, sample::new_transaction("T1", "B1")).await;
    let client = database.client().await;
    for forged in [
        "INSERT INTO eg_pg_bill_claims (tenant_id, bill_id, txn_id) VALUES ('pb.amritsar', 'B1', 'T2')",
        "UPDATE eg_pg_transactions SET receipt = 'R' WHERE txn_id = 'T1'",
        "UPDATE eg_pg_transactions SET txn_amount = -1",
        "UPDATE eg_pg_transactions SET txn_status = 'DONE'",
    ] {
        assert!(client.batch_execute(forged).await.is_err(), "{forged}");
    }
}

#[tokio::test]
async fn texts_longer_than_their_columns_are_cut_for_reports_and_kept_whole_for_us() {
    let database = Database::create().await;
    let store = database.store().await;
    let long = |text: &str| text.repeat(300);
    let mut new = sample::new_transaction("T1", "B1");
    new.txn.module = Some(long("ਮ"));
    new.txn.consumer_code = long("c");
    new.txn.product_info = long("ਪਾਣੀ");
    new.txn.payer.uuid = long("payer");
    new.txn.payer.name = Personal::new(long("Asha "));
    new.txn.payer.email_id = Some(Personal::new(long("asha@")));
    new.txn.status_message = long("message");
    new.txn.audit.created_by = long("creator");
    let txn = sample::stored(&store, new).await;
    assert_eq!(store.transaction(&txn.id).await.unwrap().as_ref(), Some(&txn));
    let mut success = sample::success(&txn);
    success.txn.gateway_details.txn_id = Some(long("G"));
    success.txn.gateway_details.status_message = Some(long("ਸਫਲ"));
    success.txn.audit.modified_by = Some(long("job"));
    let paid = sample::applied(&store, success).await;
    let mut receipted = sample::receipted(&paid, "first");
    receipted.txn.status = payment_domain::Status::Success { receipt: Some(long("RCPT/")) };
    let txn = sample::applied(&store, receipted).await;
    assert_eq!(store.transaction(&txn.id).await.unwrap().as_ref(), Some(&txn));

    let client = database.client().await;
    let cut = "SELECT sum(length(module) + length(consumer_code) + length(product_info) + length(user_uuid)
        + length(gateway_txn_id) + length(created_by) + length(receipt))::bigint FROM eg_pg_transactions";
    assert_eq!(number(&client, cut).await, 64 + 128 + 512 + 128 + 128 + 64 + 128);

    let found = async |query: SearchQuery| store.search(&query).await.unwrap().len();
    let any = SearchQuery::default;
    let begins_alike = |text: String| text[..text.len() - 1].to_owned();
    for (wanted, expected) in
        [(long("RCPT/"), 1), (begins_alike(long("RCPT/")), 0), (long("RCPT/")[..128].to_owned(), 0)]
    {
        assert_eq!(found(SearchQuery { receipt: Some(wanted), ..any() }).await, expected);
    }
    for (wanted, expected) in [(long("c"), 1), (begins_alike(long("c")), 0), (long("c")[..128].to_owned(), 0)]
    {
        assert_eq!(found(SearchQuery { consumer_code: Some(wanted), ..any() }).await, expected);
    }
    for (wanted, expected) in [(long("payer"), 1), (long("creator"), 1), (begins_alike(long("creator")), 0)] {
        assert_eq!(found(SearchQuery { mine: Some(Mine { uuid: wanted.clone() }), ..any() }).await, expected);
        assert_eq!(
            found(SearchQuery { user_uuid: Some(wanted.clone()), ..any() }).await,
            usize::from(wanted == long("payer"))
        );
    }
}

#[tokio::test]
async fn text_that_postgres_cannot_hold_never_fails_a_payment_or_its_neighbours() {
    let database = Database::create().await;
    let store = database.store().await;
    let awkward = |nth: usize| {
        let mut new = sample::new_transaction(&format!("T{nth}"), &format!("B{nth}"));
        if nth.is_multiple_of(3) {
            new.txn.consumer_code = "a\0b".to_owned();
            new.txn.payer.name = Personal::new("\0");
            new.txn.additional_details.insert("\0".to_owned(), serde_json::json!(["\0", 1e16, -0.0]));
            new.history.why = "\0".to_owned();
            new.history.evidence = serde_json::json!("\0");
            new.history.actor = Actor::user("\0");
            new.dump.response = Some(serde_json::json!({ "raw": "\0" }));
            new.idempotency = Some(sample::idempotency(&format!("\0{nth}"), &format!("T{nth}")));
        }
        new
    };
    let created = join_all((0..30).map(|nth| store.create(awkward(nth)))).await;
    assert!(created.iter().all(|outcome| matches!(outcome, Ok(Created::Stored))), "{created:?}");
    let new = awkward(0);
    let stored = store.transaction(&new.txn.id).await.unwrap().unwrap();
    assert_eq!(stored.consumer_code, "a\u{fffd}b");
    assert_eq!(stored.additional_details, new.txn.additional_details, "details to the last character");
    assert_eq!(store.dump(&new.txn.id).await.unwrap().unwrap().dump, new.dump);
    assert_eq!(store.history(&new.txn.id).await.unwrap()[0].evidence, new.history.evidence);
    // The creator changes it without having read it.
    assert_eq!(store.apply(sample::success(&new.txn)).await.unwrap(), Applied::Stored);
    let query = SearchQuery { consumer_code: Some("a\0b".to_owned()), ..SearchQuery::default() };
    assert_eq!(store.search(&query).await.unwrap().len(), 5);
}

#[tokio::test]
async fn one_that_is_refused_never_fails_its_neighbours() {
    let database = Database::create().await;
    let client = database.client().await;
    let store = database.store().await;
    client
        .batch_execute(
            "ALTER TABLE eg_pg_transactions ADD CHECK (product_info <> 'refused');
             ALTER TABLE eg_pg_transaction_history ADD CHECK (why <> 'refused')",
        )
        .await
        .unwrap();
    let made = |nth: usize| {
        let mut new = sample::new_transaction(&format!("T{nth}"), &format!("B{nth}"));
        match nth % 10 {
            3 => new.txn.product_info = "refused".to_owned(),
            7 => new.history.why = "refused".to_owned(),
            _ => {}
        }
        new
    };
    let created = join_all((0..60).map(|nth| store.create(made(nth)))).await;
    for (nth, outcome) in created.iter().enumerate() {
        match nth % 10 {
            3 | 7 => assert!(matches!(outcome, Err(StoreError::Failed(_))), "{nth}"),
            _ => assert!(matches!(outcome, Ok(Created::Stored)), "{nth}"),
        }
    }
    assert_eq!(number(&client, "SELECT count(*) FROM eg_pg_transactions").await, 48);
    assert_eq!(number(&client, "SELECT count(*) FROM eg_pg_bill_claims").await, 48);
    let changes = join_all((0..60).filter(|nth| !matches!(nth % 10, 3 | 7)).map(|nth| {
        let mut change = sample::success(&made(nth).txn);
        if nth % 10 == 5 {
            change.history.why = "refused".to_owned();
        }
        let store = store.clone();
        async move { (nth, store.apply(change).await) }
    }))
    .await;
    for (nth, outcome) in changes {
        match nth % 10 {
            5 => assert!(matches!(outcome, Err(StoreError::Failed(_))), "{nth}"),
            _ => assert!(matches!(outcome, Ok(Applied::Stored)), "{nth}"),
        }
    }
    assert_eq!(number(&client, "SELECT count(*) FROM eg_pg_receipt_duties").await, 42);
}

#[tokio::test]
async fn an_error_holds_no_row_data() {
    let database = Database::create().await;
    let store = database.store().await;
    let client = database.client().await;
    let txn = sample::stored(&store, sample::new_transaction("T1", "B1")).await;
    client.batch_execute("UPDATE eg_pg_transactions SET bills = '[{\"secret\": \"Asha\"}]'").await.unwrap();
    let Err(unreadable) = store.transaction(&txn.id).await else { panic!("it was read") };
    client
        .batch_execute("ALTER TABLE eg_pg_transactions ADD CHECK (name <> 'Asha Rani') NOT VALID")
        .await
        .unwrap();
    let Err(refused) = store.create(sample::new_transaction("T2", "B2")).await else {
        panic!("it was stored")
    };
    for failure in [unreadable, refused] {
        assert!(matches!(failure, StoreError::Failed(_)));
        let source = std::error::Error::source(&failure).unwrap();
        let shown = format!("{failure} {failure:?} {source}");
        assert!(shown.contains("eg_pg_transactions"), "{shown}");
        assert!(!shown.contains("Asha") && !shown.contains("9876543210"), "{shown}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_200_creates_at_once_on_three_replicas_one_gets_the_bill() {
    let database = Database::create().await;
    let replicas = [database.store().await, database.store().await, database.store().await];
    let creates = (0..200).map(|nth| {
        let replica = replicas[nth % 3].clone();
        tokio::spawn(async move { replica.create(sample::new_transaction(&format!("T{nth}"), "B1")).await })
    });
    let outcomes: Vec<Created> =
        join_all(creates).await.into_iter().map(|one| one.unwrap().unwrap()).collect();
    assert_eq!(outcomes.iter().filter(|outcome| **outcome == Created::Stored).count(), 1);
    let held = replicas[0].claims(&[bill_key("B1")]).await.unwrap();
    let refused = outcomes.iter().filter(|outcome| **outcome == Created::BillsTaken(held.clone())).count();
    assert_eq!(refused, 199, "and all others are told who");
    let client = database.client().await;
    for table in
        ["transactions", "transactions_dump", "transaction_history", "transaction_bills", "bill_claims"]
    {
        assert_eq!(number(&client, &format!("SELECT count(*) FROM eg_pg_{table}")).await, 1, "{table}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn replicas_that_want_the_same_in_all_sorts_of_ways_leave_nothing_half_done() {
    let database = Database::create().await;
    let replicas = [database.store().await, database.store().await, database.store().await];
    // Bills, keys and ids that overlap in every way; a claim that is won fails now and then, and is free
    // again.
    let wanted = |nth: usize| -> NewTransaction {
        let bills = [format!("B{}", nth * 7 % 61), format!("B{}", nth * 5 % 61), format!("B{}", nth % 61)];
        let bills: Vec<&str> = bills.iter().take(nth % 3 + 1).map(String::as_str).collect();
        let id = format!("T{}", if nth.is_multiple_of(9) { nth / 2 } else { nth });
        let mut new = sample::new(sample::transaction(&id, &bills));
        new.idempotency = nth.is_multiple_of(4).then(|| sample::idempotency(&format!("K{}", nth % 40), &id));
        new
    };
    let walks = (0..300).map(|nth| {
        let (replica, other) = (replicas[nth % 3].clone(), replicas[(nth + 1) % 3].clone());
        tokio::spawn(async move {
            let new = wanted(nth);
            let txn = new.txn.clone();
            let created = replica.create(new).await.unwrap();
            if created == Created::Stored && nth % 2 == 0 {
                let outcome = other.apply(sample::failure(&txn)).await.unwrap();
                assert_eq!(outcome, Applied::Stored, "no other change is made");
            }
            created == Created::Stored
        })
    });
    let stored = join_all(walks).await.into_iter().filter(|one| *one.as_ref().unwrap()).count();
    let client = database.client().await;
    let consistent = "
        SELECT (SELECT count(*) FROM eg_pg_bill_claims c LEFT JOIN eg_pg_transactions t USING (txn_id)
                WHERE t.txn_status IS DISTINCT FROM 'PENDING')
            + (SELECT count(*) FROM eg_pg_transaction_bills b JOIN eg_pg_transactions t USING (txn_id)
                LEFT JOIN eg_pg_bill_claims c ON c.bill_id = b.bill_id AND c.txn_id = b.txn_id
                WHERE (t.txn_status = 'PENDING') <> (c.txn_id IS NOT NULL))
            + (SELECT count(*) FROM eg_pg_idempotency_keys k LEFT JOIN eg_pg_transactions t USING (txn_id)
                WHERE t.txn_id IS NULL)
            + (SELECT count(*) FROM eg_pg_outbox o LEFT JOIN eg_pg_transactions t USING (txn_id)
                WHERE t.txn_id IS NULL)
            + (SELECT count(*) FROM eg_pg_transaction_history h LEFT JOIN eg_pg_transactions t USING (txn_id)
                WHERE t.txn_id IS NULL)";
    assert_eq!(number(&client, consistent).await, 0);
    assert_eq!(
        number(&client, "SELECT count(*) FROM eg_pg_transactions").await,
        i64::try_from(stored).unwrap()
    );
    assert!(stored > 20, "{stored}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn changes_of_three_replicas_take_turns_and_their_events_keep_the_order() {
    let database = Database::create().await;
    let replicas = [database.store().await, database.store().await, database.store().await];
    for nth in 0..8 {
        let new = sample::new_transaction(&format!("T{nth}"), &format!("B{nth}"));
        sample::stored(&replicas[nth % 3], new).await;
    }
    let walks = (0..24).map(|nth| {
        let replica = replicas[nth % 3].clone();
        tokio::spawn(async move {
            let id = txn_id(&format!("T{}", nth % 8));
            for _ in 0..10 {
                loop {
                    let stored = replica.transaction(&id).await.unwrap().unwrap();
                    if replica.apply(sample::change(&stored)).await.unwrap() == Applied::Stored {
                        break;
                    }
                }
            }
        })
    });
    for walk in join_all(walks).await {
        walk.unwrap();
    }
    for nth in 0..8 {
        let id = txn_id(&format!("T{nth}"));
        assert_eq!(replicas[0].transaction(&id).await.unwrap().unwrap().version, 31);
        let bodies: Vec<String> =
            replicas[0].events_of(&id).await.unwrap().into_iter().map(|stored| stored.event.body).collect();
        let versions: Vec<u64> = bodies
            .iter()
            .map(|body| {
                serde_json::from_str::<serde_json::Value>(body).unwrap()["Transaction"]["version"]
                    .as_u64()
                    .unwrap()
            })
            .collect();
        assert_eq!(versions, [1].into_iter().chain(1..=31).collect::<Vec<_>>());
        assert_eq!(replicas[1].history(&id).await.unwrap().len(), 31);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_run_that_is_taken_over_by_another_replica_stores_nothing_more() {
    let database = Database::create().await;
    let (one, other) = (database.store().await, database.store().await);
    let txns: Vec<_> =
        join_all((0..40).map(|nth| {
            sample::stored(&one, sample::new_transaction(&format!("T{nth}"), &format!("B{nth}")))
        }))
        .await;
    let tick = |node: &str, not_renewed| TickRequest {
        job: "reconcile".to_owned(),
        scheduled_at: at(0),
        missed: 0,
        node: node.to_owned(),
        lease: Duration::ZERO,
        not_renewed,
        newest_known: None,
    };
    let TickAnswer::Begun(first) = one.begin_run(tick("one", None)).await.unwrap() else { panic!("busy") };
    let change = |txn: &payment_domain::Transaction, fence: &Fence| Change {
        fence: Some(fence.clone()),
        attention: Some(Attention {
            txn_id: txn.id.clone(),
            kind: AttentionKind::Contradiction,
            raised_at: at(0),
            evidence: serde_json::Value::Null,
        }),
        ..sample::change(txn)
    };
    let until = one.runs(Some("reconcile"), 1).await.unwrap()[0].lease_until;
    let late = join_all(txns.iter().map(|txn| one.apply(change(txn, &first.fence))));
    let (late, taken) = tokio::join!(late, other.begin_run(tick("other", Some(until))));
    assert!(matches!(taken.unwrap(), TickAnswer::Begun(_)));
    for (txn, outcome) in txns.iter().zip(late) {
        let stored = one.transaction(&txn.id).await.unwrap().unwrap();
        match outcome.unwrap() {
            Applied::Stored => assert_eq!(stored.version, 2),
            Applied::Fenced => assert_eq!(stored.version, 1),
            Applied::Stale => panic!("no other change is made"),
        }
        assert_eq!(one.attention(&txn.id).await.unwrap().len(), usize::from(stored.version == 2));
        assert_eq!(one.apply(change(&stored, &first.fence)).await.unwrap(), Applied::Fenced);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn locks_of_a_hanging_replica_do_not_prevent_a_takeover() {
    let database = Database::create().await;
    let proxy = TcpProxy::in_front_of(database.url());
    // As in a service: the tests' own timeout is longer.
    let statement_timeout = PostgresOptions::default().statement_timeout;
    let options =
        PostgresOptions { statement_timeout, ..crate::support::options(&proxy.url(database.url())) };
    let clock = Arc::new(ManualClock::at(at(0)));
    let behind = PostgresStore::connect_with_clock(options, clock.clone()).await.unwrap();
    let other = PostgresStore::connect_with_clock(database.options(), clock.clone()).await.unwrap();
    let (hanging, other): (Arc<dyn Store>, Arc<dyn Store>) = (Arc::new(behind), Arc::new(other));
    let mut txn = sample::stored(&hanging, sample::new_transaction("T1", "B1")).await;
    let first = sample::begun(&hanging, sample::tick("reconcile", 0)).await;
    let change = |txn: &payment_domain::Transaction| Change {
        fence: Some(first.fence.clone()),
        ..sample::change(txn)
    };
    // So that nothing has to be prepared any more.
    txn = sample::applied(&hanging, change(&txn)).await;
    proxy.hold_answers();
    let late = tokio::spawn({
        let (hanging, change) = (hanging.clone(), change(&txn));
        async move { hanging.apply(change).await }
    });
    let client = database.client().await;
    let hangs = "SELECT count(*) FROM pg_stat_activity
         WHERE datname = current_database() AND state = 'idle in transaction'";
    while number(&client, hangs).await == 0 {
        tokio::task::yield_now().await;
    }
    clock.set(at(60_000));
    let later = TickRequest { not_renewed: Some(at(60_000)), ..sample::tick("reconcile", 120_000) };
    let asked = Instant::now();
    let taken = other.begin_run(later).await.unwrap();
    assert!(matches!(&taken, TickAnswer::Begun(run) if run.attempt == 2), "{taken:?}");
    // A second, and not the time after which the one that hangs would give up if it could.
    assert!(asked.elapsed() < Duration::from_secs(3), "{:?}", asked.elapsed());
    proxy.mend();
    // Its connection is gone: the change is refused, or its outcome stays unknown.
    let late = late.await.unwrap();
    assert!(matches!(late, Ok(Applied::Fenced) | Err(StoreError::Unavailable(_))), "{late:?}");
    assert_eq!(other.transaction(&txn.id).await.unwrap(), Some(txn));
}

#[tokio::test]
async fn overload_is_refused_at_once_and_stores_nothing() {
    let database = Database::create().await;
    let options = PostgresOptions { queued: 3, pool_size: 4, group: 1, ..database.options() };
    let store: Arc<dyn Store> = Arc::new(PostgresStore::connect(options).await.unwrap());
    let client = database.client().await;
    client.batch_execute("BEGIN; LOCK TABLE eg_pg_bill_claims IN ACCESS EXCLUSIVE MODE").await.unwrap();
    let creates: Vec<_> = (0..30)
        .map(|nth| {
            let store = store.clone();
            tokio::spawn(async move {
                let new = sample::new_transaction(&format!("T{nth}"), &format!("B{nth}"));
                store.create(new).await
            })
        })
        .collect();
    // Refused ones are answered while the table is still locked.
    let (mut refused, mut waiting) = (BTreeSet::new(), Vec::new());
    let mut creates = creates.into_iter().enumerate().collect::<Vec<_>>();
    while refused.len() < 20 {
        tokio::task::yield_now().await;
        let (done, still) = creates.into_iter().partition(|(_, task)| task.is_finished());
        creates = still;
        for (nth, task) in done {
            assert!(matches!(task.await.unwrap(), Err(StoreError::Unavailable(_))));
            refused.insert(nth);
        }
    }
    client.batch_execute("COMMIT").await.unwrap();
    for (nth, task) in creates {
        match task.await.unwrap() {
            Ok(Created::Stored) => waiting.push(nth),
            Err(StoreError::Unavailable(_)) => assert!(refused.insert(nth)),
            other => panic!("{other:?}"),
        }
    }
    let stored = number(&client, "SELECT count(*) FROM eg_pg_transactions").await;
    assert_eq!(stored, i64::try_from(waiting.len()).unwrap());
    let pending = SearchQuery {
        status: Some(StatusName::Pending),
        page: PageRequest { limit: 50, offset: 0 },
        ..SearchQuery::default()
    };
    assert_eq!(store.search(&pending).await.unwrap().len(), waiting.len());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_clock_is_that_of_the_database() {
    let database = Database::create().await;
    let store = database.open().await;
    let client = database.client().await;
    let ms = "SELECT (extract(epoch FROM clock_timestamp()) * 1000)::bigint";
    let before = number(&client, ms).await;
    let now = store.clock().now().as_millis();
    let after = number(&client, ms).await;
    // As long as it was under way when it was read last.
    assert!((before - 2_000..=after).contains(&now), "{before} {now} {after}");
    let store: Arc<dyn Store> = Arc::new(store);
    let begun = sample::begun(&store, sample::tick("early", 0)).await;
    let run = store.runs(Some("early"), 1).await.unwrap().remove(0);
    assert_eq!(run.fence, begun.fence);
    assert!((before..=number(&client, ms).await).contains(&run.started_at.as_millis()));
    assert_eq!(run.lease_until, run.started_at.plus(sample::MINUTE));
}
