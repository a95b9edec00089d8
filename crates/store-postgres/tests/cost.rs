//! The cost of a query follows its result, not the size of the tables: no query reads a whole table, or much
//! of an index. PostgreSQL itself counts the rows read.

#![allow(clippy::unwrap_used, clippy::panic, reason = "these are tests: what fails, panics")]

use std::collections::BTreeMap;
use std::pin::Pin;
use std::sync::Arc;
use std::time::{Duration, Instant};

use payment_digit::PayerDetails;
use payment_digit::embedded::Registers;
use payment_domain::{AttentionKind, BillId, GatewayName, Personal, StatusName, TenantId};
use payment_store::contract::sample::{self, at, bill_key, txn_id};
use payment_store::{
    Attention, AttentionQuery, Callbacks, CaseState, CheckNote, Checks, Claims, DueChecks, EventQuery,
    EventState, Fence, Health, Idempotency, JobLedger, Listings, Mine, NamedQuery, NewCase, NextCheck,
    Outbox, PaymentQuery, Postponement, RawCallback, ReceiptState, ReceiptTaskClaim, ReceiptTaskKind,
    ReceiptTasks, Resolution, ReviewCases, RunEnd, Search, SearchQuery, Store, Tally, TenantScope,
    TickAnswer, TickRequest, Transactions, Turn, UnsignedCallback,
};
use payment_store_postgres::{PostgresOptions, PostgresStore};
use support::{Database, number};
use tokio_postgres::Client;

mod support;

/// A year of a large city: 40 000 payments, of which eighty are pending.
const ALL: i64 = 1;
/// A tenth of them, and the few that are asked for: 4 200 or so.
const SOME: i64 = 10;
/// The 280 that are asked for, and no others.
const FEW: i64 = 1_000_000;

/// The numbers of the payments to add: those of the queries, and every so many of the rest.
const NUMBERS: &str = "
    CREATE TEMP TABLE numbers AS SELECT n FROM generate_series(1, 40000) AS n
        WHERE (n % $every = 0 OR n % 1000 IN (0, 1, 2, 7, 501, 777, 778))
            AND NOT EXISTS (SELECT 1 FROM eg_pg_transactions WHERE txn_id = 'T' || n);
    ANALYZE numbers;
";

const FILL: &str = "
    INSERT INTO eg_pg_transactions (txn_id, txn_amount, currency, txn_status, txn_status_msg, gateway, bill_id,
        product_info, user_uuid, user_name, name, mobile_number, user_tenant_id, tenant_id, receipt, created_by,
        created_time, consumer_code, additional_details, bills, version, checks, last_checked_at, next_check_at)
    SELECT 'T' || n, 100, 'INR', status, 'm', (ARRAY['AXIS', 'PAYTM', 'PAYU'])[n % 3 + 1], 'B' || n,
        'p', 'payer-' || n / 4, 'u', 'n', (9800000000 + n)::text, 'pb', 'pb.' || n % 20,
        CASE status WHEN 'SUCCESS' THEN 'R' || n END, CASE n % 5 WHEN 0 THEN 'clerk-' || n / 50 ELSE 'payer-' || n / 4 END,
        1790000000000 + n, 'PT-' || n / 6, '{}', json_build_array(json_build_object('billId', 'B' || n, 'amountPaid', 100)),
        1, n % 2, CASE n % 2 WHEN 1 THEN n END, CASE n % 2 WHEN 1 THEN 1790000000000 + n END
    FROM (SELECT n, CASE WHEN n % 1000 = 0 OR n % 1000 = 501 THEN 'PENDING' WHEN n % 50 = 7 THEN 'FAILURE' ELSE 'SUCCESS' END
          AS status FROM numbers) AS rows;
    INSERT INTO eg_pg_transaction_bills SELECT 'B' || n, 'T' || n FROM numbers;
    INSERT INTO eg_pg_bill_claims SELECT 'pb.' || n % 20, 'B' || n, 'T' || n FROM numbers WHERE n % 50 <> 7;
    INSERT INTO eg_pg_transactions_dump (txn_id, txn_response) SELECT 'T' || n, '{}' FROM numbers;
    INSERT INTO eg_pg_transaction_history
        SELECT 'T' || n, 1, 1790000000000 + n, 'user', 'u', NULL, 'PENDING', 'w', '{}' FROM numbers;
    INSERT INTO eg_pg_outbox (kind, txn_id, tenant_id, body, stored_at, published_at)
        SELECT 'save-pg-txns', 'T' || n, 'pb.' || n % 20, '{}', n, CASE WHEN n % 1000 > 0 THEN n END FROM numbers;
    INSERT INTO eg_pg_once_keys SELECT 'sms-' || n, n FROM numbers;
    INSERT INTO eg_pg_idempotency_keys SELECT 'pb', 'K' || n, sha256('x'), 'T' || n, '{}', n FROM numbers;
    INSERT INTO eg_pg_callbacks SELECT sha256(n::text::bytea), 'PAYTM', n, 'c', 'T' || n, 'paid' FROM numbers;
    INSERT INTO eg_pg_unsigned_callbacks SELECT 'T' || n, 0, 1, 'PAYTM', n, 'c' FROM numbers;
    INSERT INTO eg_pg_attention (txn_id, kind, raised_at, evidence, resolved_at, resolved_by, resolution)
        SELECT 'T' || n, (ARRAY['late-success', 'refunded'])[n % 2 + 1], n, '{}', closed, CASE WHEN closed > 0 THEN 'b' END,
            CASE WHEN closed > 0 THEN 'r' END
        FROM (SELECT n, CASE WHEN n % 1000 > 0 THEN n END AS closed FROM numbers) AS rows;
    INSERT INTO eg_pg_receipt_duties SELECT 'T' || n, n, 0 FROM numbers WHERE n % 1000 = 2;
    INSERT INTO eg_pg_receipt_cancellations (txn_id, refund_id, frees_bills, due_at, attempts, outcome)
        SELECT 'C' || n, 'RF' || n, true, n, 0, CASE WHEN n % 1000 <> 2 THEN 'CANCELLED' END FROM numbers;
    INSERT INTO eg_pg_jobs VALUES ('old') ON CONFLICT DO NOTHING;
    INSERT INTO eg_pg_job_runs (job, scheduled_at, missed, attempt, node, started_at, lease_until, examined, changed,
            still_pending, failed, ended_at, end_kind)
        SELECT 'old', n, 0, 1, 'n', n, n, 0, 0, 0, 0, n, 'finished' FROM numbers;
    INSERT INTO stand_in_receipts SELECT 'pb.' || n % 20, 'B' || n, 'RT' || n, 'T' || n, 1, 100 FROM numbers;
    INSERT INTO stand_in_payers SELECT 'pb', n::text, 'n', 'u' || n, 'u', NULL, n FROM numbers;
    DROP TABLE numbers;
";

/// No table is analysed by the server itself.
const NO_AUTOVACUUM: &str = "
    DO $$ DECLARE name text; BEGIN
        FOR name IN SELECT tablename FROM pg_tables WHERE schemaname = 'public' LOOP
            EXECUTE format('ALTER TABLE %I SET (autovacuum_enabled = off)', name);
        END LOOP;
    END $$";

/// The rows read so far: of tables read whole, and entries of indexes; by table.
async fn read_so_far(client: &Client) -> BTreeMap<String, (i64, i64)> {
    let sql = "
        SELECT t.relname::text, t.seq_tup_read::bigint, coalesce(sum(i.idx_tup_read), 0)::bigint
        FROM pg_stat_user_tables AS t LEFT JOIN pg_stat_user_indexes AS i USING (relid)
        GROUP BY t.relname, t.seq_tup_read";
    let rows = client.query(sql, &[]).await.unwrap();
    rows.iter().map(|row| (row.get(0), (row.get(1), row.get(2)))).collect()
}

/// A backend has reported its reads when it ends, at the latest.
async fn until_alone(client: &Client) {
    let deadline = Instant::now() + Duration::from_secs(30);
    let others = "SELECT count(*) FROM pg_stat_activity
        WHERE datname = current_database() AND pid <> pg_backend_pid() AND backend_type = 'client backend'";
    while number(client, others).await > 0 {
        assert!(Instant::now() < deadline, "the connections of the store stay open");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

type Work = Pin<Box<dyn Future<Output = ()>>>;
type Question = (&'static str, Box<dyn Fn(Arc<PostgresStore>) -> Work>);

macro_rules! question {
    ($name:expr, |$store:ident| $body:expr) => {
        (
            $name,
            Box::new(move |$store: Arc<PostgresStore>| -> Work {
                Box::pin(async move {
                    $body;
                })
            }) as Box<dyn Fn(Arc<PostgresStore>) -> Work>,
        )
    };
}

fn searches() -> Vec<Question> {
    let any = SearchQuery::default;
    let queries = [
        ("search everything", any()),
        ("search by id", SearchQuery { txn_id: Some(txn_id("T777")), ..any() }),
        ("search by bill", SearchQuery { bill_id: Some(BillId::new("B777").unwrap()), ..any() }),
        ("search by receipt", SearchQuery { receipt: Some("R777".to_owned()), ..any() }),
        ("search by consumer code", SearchQuery { consumer_code: Some("PT-129".to_owned()), ..any() }),
        ("search by payer", SearchQuery { user_uuid: Some("payer-194".to_owned()), ..any() }),
        ("search what is mine", SearchQuery { mine: Some(Mine { uuid: "clerk-20".to_owned() }), ..any() }),
        ("search a tenant", SearchQuery { tenant_id: Some(TenantId::new("pb.7").unwrap()), ..any() }),
        (
            "search within a state",
            SearchQuery { within: Some(TenantScope { root: "pb".to_owned() }), ..any() },
        ),
        ("search behind a place", SearchQuery { after: Some(txn_id("T20000")), ..any() }),
        (
            "search a tenant behind a place",
            SearchQuery {
                tenant_id: Some(TenantId::new("pb.7").unwrap()),
                after: Some(txn_id("T20000")),
                ..any()
            },
        ),
        (
            "search within a state behind a place",
            SearchQuery {
                within: Some(TenantScope { root: "pb".to_owned() }),
                after: Some(txn_id("T20000")),
                ..any()
            },
        ),
        ("search what is pending", SearchQuery { status: Some(StatusName::Pending), ..any() }),
        (
            "search what is pending in a tenant",
            SearchQuery {
                tenant_id: Some(TenantId::new("pb.1").unwrap()),
                status: Some(StatusName::Pending),
                ..any()
            },
        ),
    ];
    queries
        .into_iter()
        .map(|(name, query)| {
            let work = move |store: Arc<PostgresStore>| -> Work {
                let query = query.clone();
                Box::pin(async move {
                    assert!(!store.search(&query).await.unwrap().is_empty(), "{name}");
                })
            };
            (name, Box::new(work) as Box<dyn Fn(Arc<PostgresStore>) -> Work>)
        })
        .collect()
}

/// Lists and searches of operators: in the state of twenty tenants, and in one of them.
fn lists() -> Vec<Question> {
    let within = |root: &str| vec![TenantScope { root: root.to_owned() }];
    let of = |root: &str| PaymentQuery { within: within(root), limit: 5, ..PaymentQuery::default() };
    let axis = Some(GatewayName::new("AXIS"));
    let queries = [
        ("search: the list of a state", of("pb")),
        ("search: the list of a tenant", of("pb.7")),
        ("search: a state behind a place", PaymentQuery { after: Some(txn_id("T20000")), ..of("pb") }),
        ("search: a gateway in a state", PaymentQuery { gateway: axis.clone(), ..of("pb") }),
        ("search: a gateway in a tenant", PaymentQuery { gateway: axis, ..of("pb.7") }),
        ("search: pending of a state", PaymentQuery { status: Some(StatusName::Pending), ..of("pb") }),
        ("search: a service that none has", PaymentQuery { module: Some("none".to_owned()), ..of("pb") }),
        ("search: without a receipt", PaymentQuery { receipt: Some(ReceiptState::Pending), ..of("pb") }),
    ];
    let mut all: Vec<Question> = queries
        .into_iter()
        .map(|(name, query)| {
            let work = move |store: Arc<PostgresStore>| -> Work {
                let query = query.clone();
                Box::pin(async move {
                    let horizon = store.payments_horizon(&query, 30).await.unwrap();
                    let bounded = PaymentQuery { from: horizon, ..query.clone() };
                    let found = store.list_payments(&bounded).await.unwrap();
                    assert!(!found.is_empty() || query.module.is_some() || query.receipt.is_some(), "{name}");
                })
            };
            (name, Box::new(work) as Box<dyn Fn(Arc<PostgresStore>) -> Work>)
        })
        .collect();
    let named = |spelling: &str| NamedQuery {
        within: within("pb"),
        spellings: vec![spelling.to_owned(), "none".to_owned()],
        limit: 5,
        ..NamedQuery::default()
    };
    let mobile = Some(Personal::new("9800000777"));
    for (name, query) in [
        ("search: by a number", named("R777")),
        ("search: by a bill", named("B777")),
        ("search: by a mobile number", NamedQuery { mobile, ..named("none") }),
    ] {
        let work = move |store: Arc<PostgresStore>| -> Work {
            let query = query.clone();
            Box::pin(async move {
                assert!(!store.payments_named(&query).await.unwrap().is_empty(), "{name}");
            })
        };
        all.push((name, Box::new(work)));
    }
    all.push(question!("search: tenants", |store| assert!(
        store.tenants_within(&[TenantScope { root: "pb".to_owned() }]).await.unwrap().len() > 7
    )));
    for state in [EventState::Waiting, EventState::Published, EventState::All] {
        all.push(question!("search: events", |store| {
            let query = EventQuery { newest_first: true, ..EventQuery::of(state, 5) };
            assert_eq!(store.list_events(&query).await.unwrap().len(), 5)
        }));
    }
    all
}

/// All queries; one that changes rows can be made once in each round.
fn questions(round: i64) -> Vec<Question> {
    let pending = move |nth: i64| txn_id(&format!("T{}", (nth + 10 * round) * 1_000));
    let new = move |name: &str| format!("{name}-{round}");
    let key = || sample::idempotency("K777", "T777").key;
    let far = at(9_000_000);
    let due = |turn| DueChecks { turn, gateway: None, after: None, limit: 5 };
    let cases = |state, kind| AttentionQuery { state, kind, limit: 5, ..AttentionQuery::default() };
    let fence = || Fence { job: "old".to_owned(), run_id: 1 };
    let details = || PayerDetails {
        name: Personal::new("n"),
        mobile_number: Personal::new("777"),
        email_id: None,
        user_name: None,
        uuid: None,
        tenant_id: TenantId::new("pb").unwrap(),
    };
    let tick = move || TickRequest {
        job: new("job"),
        scheduled_at: at(1),
        missed: 0,
        node: "n".to_owned(),
        lease: Duration::from_millis(1),
        not_renewed: None,
        newest_known: Some(0),
    };
    let mut all = searches();
    all.extend(lists());
    all.extend([
        question!("transaction", |store| assert!(
            store.transaction(&txn_id("T777")).await.unwrap().is_some()
        )),
        question!("redirect form", |store| store.redirect_form(&txn_id("T777")).await.unwrap()),
        question!("claims", |store| store.claims(&[bill_key("B777"), bill_key("B778")]).await.unwrap()),
        question!("history", |store| assert_eq!(store.history(&txn_id("T777")).await.unwrap().len(), 1)),
        question!("dump", |store| assert!(store.dump(&txn_id("T777")).await.unwrap().is_some())),
        question!("attention", |store| assert_eq!(store.attention(&txn_id("T777")).await.unwrap().len(), 1)),
        question!("attention case", |store| store.attention_case(777).await.unwrap()),
        question!("pending gateways", |store| assert_eq!(store.pending_gateways().await.unwrap().len(), 3)),
        question!("first checks", |store| assert_eq!(
            store.due_checks(&due(Turn::First { created_by: far })).await.unwrap().len(),
            5
        )),
        question!("next checks", |store| assert_eq!(
            store.due_checks(&due(Turn::Next { due_by: far })).await.unwrap().len(),
            5
        )),
        question!("all checks", |store| assert_eq!(
            store
                .due_checks(&due(Turn::Every { created_before: far, not_checked_since: far, now: far }))
                .await
                .unwrap()
                .len(),
            5
        )),
        question!("checks of a gateway", |store| {
            let query = DueChecks {
                gateway: Some(GatewayName::new("PAYTM")),
                ..due(Turn::First { created_by: far })
            };
            assert_eq!(store.due_checks(&query).await.unwrap().len(), 5)
        }),
        question!("receipt task", |store| assert!(
            store.receipt_task(&txn_id("T1002")).await.unwrap().is_some()
        )),
        question!("cancellation", |store| assert!(
            store.cancellation(&txn_id("C1002")).await.unwrap().is_some()
        )),
        question!("idempotency", |store| store.idempotency(&key()).await.unwrap()),
        question!("events after", |store| assert_eq!(store.events_after(7, 5).await.unwrap().len(), 5)),
        question!("events of", |store| assert_eq!(store.events_of(&txn_id("T777")).await.unwrap().len(), 1)),
        question!("unpublished", |store| assert_eq!(store.unpublished(0, 5).await.unwrap().len(), 5)),
        question!("outbox backlog", |store| store.outbox_backlog().await.unwrap()),
        question!("backlog", |store| {
            let backlog = store.backlog(far).await.unwrap();
            assert!(backlog.receipts_due() > 0 && !backlog.pending.is_empty() && !backlog.cases.is_empty())
        }),
        question!("ping", |store| store.ping().await.unwrap()),
        question!("runs", |store| assert_eq!(store.runs(None, 5).await.unwrap().len(), 5)),
        question!("runs of a job", |store| assert_eq!(store.runs(Some("old"), 5).await.unwrap().len(), 5)),
        question!("last tick", |store| store.last_tick("old", far).await.unwrap()),
        question!("take numbers", |store| store.take_numbers("ids", 5).await.unwrap()),
        question!("paid bills", |store| store.paid_bills(&[bill_key("B777")]).await.unwrap()),
        question!("receipts", |store| assert!(store.receipts(&txn_id("T777")).await.unwrap().is_some())),
        question!("payer", |store| store.payer("pb", &details(), "new", far).await.unwrap()),
        question!("new payer", |store| {
            let new = PayerDetails { mobile_number: Personal::new("new"), ..details() };
            store.payer("pb", &new, "new", far).await.unwrap()
        }),
    ]);
    for (name, state, kind) in [
        ("open cases", CaseState::Open, None),
        ("open cases of a kind", CaseState::Open, Some(AttentionKind::LateSuccess)),
        ("resolved cases", CaseState::Resolved, None),
        ("resolved cases of a kind", CaseState::Resolved, Some(AttentionKind::Refunded)),
        ("all cases", CaseState::All, None),
        ("all cases of a kind", CaseState::All, Some(AttentionKind::Refunded)),
    ] {
        all.push(question!(name, |store| assert_eq!(
            store.attention_cases(&cases(state, kind)).await.unwrap().len(),
            5
        )));
    }
    all.extend([
        question!("create", |store| {
            let store: Arc<dyn Store> = store;
            sample::stored(&store, sample::new_transaction(&new("NEW"), &new("NEW"))).await
        }),
        question!("refused create", |store| store
            .create(sample::new_transaction(&new("N2"), &new("NEW")))
            .await
            .unwrap()),
        question!("success and receipt", |store| {
            let store: Arc<dyn Store> = store;
            let txn = store.transaction(&txn_id(&new("NEW"))).await.unwrap().unwrap();
            let paid = sample::applied(&store, sample::success(&txn)).await;
            sample::applied(&store, sample::receipted(&paid, "first")).await
        }),
        question!("failure", |store| {
            let store: Arc<dyn Store> = store;
            let txn = store.transaction(&pending(1)).await.unwrap().unwrap();
            sample::applied(&store, sample::failure(&txn)).await
        }),
        question!("note check", |store| {
            let (at, next) = (far, NextCheck::At(far));
            let note = CheckNote {
                txn_id: pending(2),
                at,
                next,
                history: None,
                events: Vec::new(),
                fence: Some(fence()),
            };
            store.note_check(note.clone()).await.unwrap();
            store.note_check(CheckNote { fence: None, ..note }).await.unwrap()
        }),
        question!("raise and resolve a case", |store| {
            let txn = store.transaction(&pending(3)).await.unwrap().unwrap();
            let case = Attention {
                txn_id: txn.id.clone(),
                kind: AttentionKind::Contradiction,
                raised_at: far,
                evidence: serde_json::json!({}),
            };
            let history = sample::change(&txn).history;
            let new = NewCase {
                case,
                history: history.clone(),
                events: Vec::new(),
                hold: txn.bill_keys(),
                fence: None,
            };
            assert!(store.raise_attention(new).await.unwrap());
            let of_it =
                AttentionQuery { txn_id: Some(txn.id.clone()), limit: 9, ..AttentionQuery::default() };
            let id = store.attention_cases(&of_it).await.unwrap().last().unwrap().id;
            let resolution = Resolution { at: far, by: "b".to_owned(), reason: "r".to_owned() };
            store
                .resolve_attention(id.into(), resolution, history, Vec::new(), Vec::new(), &txn.bill_keys())
                .await
                .unwrap()
        }),
        question!("lease and postpone tasks", |store| {
            let abandoned = (0..9).map(|nth| format!("token {nth}")).collect();
            let claim = ReceiptTaskClaim { abandoned, ..sample::task_claim(&new("L"), 5) };
            let leased = store.claim_receipt_tasks(claim).await.unwrap();
            assert_eq!(leased.len(), 5);
            let given_back = sample::postponement(&leased[0].txn_id, &new("L"), 0, "no");
            assert!(store.postpone_receipt_task(given_back).await.unwrap());
            assert!(!store.receipt_leases(9).await.unwrap().is_empty());
        }),
        question!("lease and postpone cancellations", |store| {
            let kind = ReceiptTaskKind::Cancel;
            let abandoned = (0..9).map(|nth| format!("token {nth}")).collect();
            let claim = ReceiptTaskClaim { kind, abandoned, ..sample::task_claim(&new("L"), 5) };
            let leased = store.claim_receipt_tasks(claim).await.unwrap();
            assert_eq!(leased.len(), 5);
            let given_back = sample::postponement(&leased[0].txn_id, &new("L"), 0, "no");
            assert!(store.postpone_receipt_task(Postponement { kind, ..given_back }).await.unwrap());
        }),
        question!("remember key", |store| {
            let record = sample::idempotency(&new("K"), "T3000");
            store.remember_key(record.clone()).await.unwrap();
            store.remember_key(record).await.unwrap()
        }),
        question!("keep answer", |store| store.keep_answer(&key(), "{}").await.unwrap()),
        question!("record and conclude a callback", |store| {
            let callback = RawCallback {
                gateway: GatewayName::new("PAYTM"),
                digest: [1; 32],
                received_at: far,
                content: "c".to_owned(),
            };
            store.record_callback(callback.clone()).await.unwrap();
            store.conclude_callback(&[1; 32], None, "done").await.unwrap();
            store.record_callback(callback).await.unwrap()
        }),
        question!("keep an unsigned callback", |store| {
            let callback = UnsignedCallback {
                txn_id: pending(1),
                gateway: GatewayName::new("PAYTM"),
                received_at: payment_domain::Timestamp::from_millis(9),
                content: "c".to_owned(),
            };
            assert!(store.keep_unsigned_callback(callback.clone(), 2).await.unwrap());
            assert!(!store.keep_unsigned_callback(callback, 2).await.unwrap());
        }),
        question!("mark published", |store| store
            .mark_published(&[1_000, 2_000], far, &fence())
            .await
            .unwrap()),
        question!("store an event once", |store| {
            let event =
                sample::event(&sample::transaction("T778", &["B778"]), payment_domain::EventKind::Sms);
            store.store_event_once("sms-777", event.clone(), far).await.unwrap();
            store.store_event_once(&new("sms"), event, far).await.unwrap()
        }),
        question!("begin, renew and end a run", |store| {
            let TickAnswer::Begun(run) = store.begin_run(tick()).await.unwrap() else { panic!("busy") };
            assert!(store.renew_run(&run.fence, Duration::from_secs(1), Tally::default()).await.unwrap());
            assert!(store.end_run(&run.fence, far, Tally::default(), RunEnd::Finished).await.unwrap());
            store.begin_run(tick()).await.unwrap()
        }),
        question!("forget keys", |store| assert_eq!(store.forget_idempotency_keys(far, 5).await.unwrap(), 5)),
        question!("forget callbacks", |store| assert_eq!(store.forget_callbacks(far, 5).await.unwrap(), 5)),
        question!("forget events", |store| assert_eq!(store.forget_published(far, 5).await.unwrap(), 5)),
        question!("forget runs", |store| assert_eq!(store.forget_runs(far, 5).await.unwrap(), 5)),
    ]);
    all
}

/// Tables of this size.
async fn fill(client: &Client, every: i64) {
    client.batch_execute(&NUMBERS.replace("$every", &every.to_string())).await.unwrap();
    client.batch_execute(FILL).await.unwrap();
}

/// How prepared statements are planned.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Plans {
    /// For the parameters: as at first.
    Custom,
    /// For any parameters: as PostgreSQL may decide after a while.
    Generic,
}

/// Statements planned each time, whatever PostgreSQL decides.
fn is_planned_each_time(question: &str) -> bool {
    question.contains("search") || question.contains("forget") || question.contains("checks")
}

/// A database with empty tables.
async fn database(plans: Plans) -> (Database, Client) {
    let database = Database::create().await;
    let client = database.client().await;
    let mode = if plans == Plans::Generic { "force_generic_plan" } else { "auto" };
    let name = database.options().database;
    client.batch_execute(&format!("ALTER DATABASE {name} SET plan_cache_mode = {mode}")).await.unwrap();
    database.open().await.close().await;
    client.batch_execute(NO_AUTOVACUUM).await.unwrap();
    (database, client)
}

async fn store(database: &Database) -> Arc<PostgresStore> {
    let options = PostgresOptions { pool_size: 4, readers: 1, ..database.options() };
    Arc::new(PostgresStore::connect(options).await.unwrap())
}

/// The rows read since then of each table, in rows and entries of indexes, where they exceed the limit.
async fn excess(client: &Client, before: &BTreeMap<String, (i64, i64)>, limit: i64) -> Vec<String> {
    // A backend reports its reads when it ends.
    until_alone(client).await;
    let mut excess = Vec::new();
    for (table, (scanned, entries)) in read_so_far(client).await {
        let (scanned_before, entries_before) = before.get(&table).copied().unwrap_or_default();
        let (scanned, entries) = (scanned - scanned_before, entries - entries_before);
        if scanned + entries > limit {
            excess.push(format!("{scanned} rows scanned, {entries} entries read of {table}"));
        }
    }
    excess
}

/// Asks every question by itself, of tables of this size.
async fn ask_each(every: i64, is_analysed: bool, plans: Plans, limit: i64) {
    let (database, client) = database(plans).await;
    fill(&client, every).await;
    if is_analysed {
        client.batch_execute("ANALYZE").await.unwrap();
    }
    until_alone(&client).await;
    let mut offences = Vec::new();
    for (name, ask) in questions(0) {
        if plans == Plans::Generic && is_planned_each_time(name) {
            continue;
        }
        let store = store(&database).await;
        let before = read_so_far(&client).await;
        ask(store.clone()).await;
        Arc::into_inner(store).unwrap().close().await;
        let excess = excess(&client, &before, limit).await;
        offences.extend(excess.into_iter().map(|excess| format!("{name}: {excess}")));
    }
    assert!(offences.is_empty(), "{offences:#?}");
}

/// A table of this size may be read whole, and for a page of several tenants a few times.
#[tokio::test]
async fn nothing_reads_small_tables_again_and_again() {
    ask_each(SOME, false, Plans::Custom, 15_000).await;
    ask_each(SOME, true, Plans::Custom, 15_000).await;
}

#[tokio::test]
async fn nothing_reads_much_of_tables_without_statistics() {
    ask_each(ALL, false, Plans::Custom, 400).await;
}

#[tokio::test]
async fn nothing_reads_much_of_tables_that_were_analysed() {
    ask_each(ALL, true, Plans::Custom, 400).await;
}

#[tokio::test]
async fn a_plan_for_any_parameters_reads_no_more_without_statistics() {
    ask_each(ALL, false, Plans::Generic, 400).await;
}

#[tokio::test]
async fn a_plan_for_any_parameters_reads_no_more_of_tables_that_were_analysed() {
    ask_each(ALL, true, Plans::Generic, 400).await;
}

/// A prepared statement keeps its plan, and it may take long until the server analyses the tables.
#[tokio::test]
async fn a_plan_made_while_the_tables_were_small_is_good_when_they_have_grown() {
    let (database, client) = database(Plans::Generic).await;
    fill(&client, FEW).await;
    let store = store(&database).await;
    let kept = |round| questions(round).into_iter().filter(|(name, _)| !is_planned_each_time(name));
    for (_, ask) in kept(0) {
        ask(store.clone()).await;
    }
    fill(&client, ALL).await;
    let before = read_so_far(&client).await;
    for (_, ask) in kept(1) {
        ask(store.clone()).await;
    }
    Arc::into_inner(store).unwrap().close().await;
    // One table read whole is more.
    let excess = excess(&client, &before, 20_000).await;
    assert!(excess.is_empty(), "{excess:#?}");
}

/// A gateway that is down for a day leaves many payments pending.
#[tokio::test]
async fn however_much_is_open_a_bounded_part_is_counted() {
    const OPEN: &str = "
        INSERT INTO eg_pg_transactions (txn_id, txn_amount, currency, txn_status, gateway, bill_id, product_info,
            user_uuid, user_name, name, user_tenant_id, tenant_id, created_time, version, last_checked_at)
        SELECT 'T' || n, 100, 'INR', 'PENDING', 'PAYU', 'B' || n, 'p', 'u', 'u', 'n', 'pb', 'pb', n, 1,
            CASE n % 2 WHEN 0 THEN n END
        FROM generate_series(1, 24000) AS n;
        INSERT INTO eg_pg_attention (txn_id, kind, raised_at, evidence)
        SELECT 'T' || n, 'refunded', n, '{}' FROM generate_series(1, 12000) AS n;";
    let (database, client) = database(Plans::Custom).await;
    client.batch_execute(OPEN).await.unwrap();
    until_alone(&client).await;
    let before = read_so_far(&client).await;
    let store = store(&database).await;
    let backlog = store.backlog(at(0)).await.unwrap();
    assert_eq!(backlog.pending.values().sum::<u64>(), 20_000);
    assert_eq!(backlog.cases.values().sum::<u64>(), 10_000);
    Arc::into_inner(store).unwrap().close().await;
    let excess = excess(&client, &before, 20_500).await;
    assert!(excess.is_empty(), "{excess:#?}");
}
