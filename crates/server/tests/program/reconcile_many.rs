//! Reconciling many payments at once: a gateway that takes its time is kept busy with as many status requests
//! as allowed, and bad answers delay no other payment.
//!
//! How long that takes is measured by `cargo run --profile dist -p payment-bench -- reconcile`.

use std::collections::HashMap;
use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use crate::support::payer::create_request;
use crate::support::{PATIENCE, Service, free_port, http_client, pg_service};
use axum::extract::{Request, State};
use axum::http::StatusCode;
use axum::middleware::{Next, from_fn_with_state};
use axum::response::{IntoResponse, Response};
use payment_simulator::sandbox::{Choice, Sandbox, SandboxSettings, Visitor};
use payment_testing::postgres::{FreshDatabase, connect};
use secrecy::SecretString;
use serde_json::{Value, json};
use tokio::task::JoinSet;

const PAYMENTS: usize = 500;
const AT_ONCE: usize = 64;
/// The delay of the gateway's status answers.
const DELAY: Duration = Duration::from_millis(20);
/// How long the service waits for it.
const GATEWAY_WAIT_MS: u64 = 1000;
const SECRET: &str = "what-the-sandbox-and-the-service-share-0123456789";
const TOKEN: &str = "the-token-of-the-operators-of-this-test";
/// How many payments are made at a time.
const PAYERS: usize = 20;

/// How the gateway answers badly.
#[derive(Debug, Clone, Copy)]
enum Fault {
    Fails,
    Hangs,
    Garbage,
}

/// The proxy between the service and the sandbox's API.
#[derive(Debug, Default)]
struct Road {
    faults: Mutex<HashMap<String, Fault>>,
    under_way: AtomicUsize,
    most_under_way: AtomicUsize,
}

/// The sandbox behind a slow connection; returns its address.
async fn gateway(folder: &Path, road: &Arc<Road>) -> String {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let settings = SandboxSettings::new("pg-service", SecretString::from(SECRET), url.clone());
    let sandbox = Sandbox::open(&folder.join("books.db"), settings).unwrap();
    let router = sandbox.router().layer(from_fn_with_state(road.clone(), travel));
    tokio::spawn(async move { axum::serve(listener, router).await });
    url
}

async fn travel(State(road): State<Arc<Road>>, request: Request, next: Next) -> Response {
    let Some(order) = request.uri().path().strip_prefix("/api/v1/orders/").map(str::to_owned) else {
        return next.run(request).await;
    };
    let under_way = road.under_way.fetch_add(1, Ordering::SeqCst) + 1;
    road.most_under_way.fetch_max(under_way, Ordering::SeqCst);
    let fault = road.faults.lock().unwrap().get(&order).copied();
    tokio::time::sleep(DELAY).await;
    road.under_way.fetch_sub(1, Ordering::SeqCst);
    match fault {
        None => next.run(request).await,
        Some(Fault::Fails) => StatusCode::INTERNAL_SERVER_ERROR.into_response(),
        Some(Fault::Garbage) => "{\"what\": is this".into_response(),
        Some(Fault::Hangs) => std::future::pending().await,
    }
}

async fn service(folder: &Path, database: &FreshDatabase, gateway: &str) -> Service {
    let mut command = pg_service(folder);
    command.env("PG_SERVICE_SPRING_DATASOURCE_URL", database.url());
    command.env("PG_SERVICE_SANDBOX_SECRET", SECRET).env("PG_SERVICE_OPERATORS_TOKEN", TOKEN);
    command.args(["--log-level", "error"]);
    for setting in [
        "sandbox.active=true".to_owned(),
        format!("sandbox.url={gateway}"),
        format!("reconciliation.calls-at-once={AT_ONCE}"),
        format!("gateways.calls-at-once={AT_ONCE}"),
        format!("gateways.wait-ms={GATEWAY_WAIT_MS}"),
        // Nothing runs by itself: neither while the payments are made old, nor between two runs.
        "pg.earlyReconcileJobRunInterval.mins=1440".to_owned(),
        "reconciliation.daily-cron=0 0 0 29 2 ?".to_owned(),
        "order.life-mins=525600".to_owned(),
    ] {
        command.args(["--set", &setting]);
    }
    Service::start(command, free_port(), &folder.join("log")).await
}

/// Makes a payment that the payer pays and then says nothing about; returns its id.
async fn paid(http: &reqwest::Client, visitor: &Visitor, url: &str, bill: usize) -> String {
    let bill = format!("B{bill}");
    let request = create_request(&bill, "75.25", "http://127.0.0.1:1/done");
    let answer = http.post(format!("{url}/transaction/v1/_create")).json(&request).send().await.unwrap();
    let body: Value = answer.json().await.unwrap();
    let field =
        |name: &str| body["Transaction"][name].as_str().unwrap_or_else(|| panic!("{body}")).to_owned();
    let page = visitor.open(&field("redirectUrl")).await.unwrap();
    visitor.choose(&page, Choice::SayNothing).await.unwrap();
    field("txnId")
}

/// Makes all payments, some at a time; returns their ids.
async fn all_paid(http: &reqwest::Client, visitor: &Visitor, url: &str) -> Vec<String> {
    let mut payers = JoinSet::new();
    for payer in 0..PAYERS {
        let (http, visitor, url) = (http.clone(), visitor.clone(), url.to_owned());
        payers.spawn(async move {
            let mut ids = Vec::new();
            for bill in (payer..PAYMENTS).step_by(PAYERS) {
                ids.push(paid(&http, &visitor, &url, bill).await);
            }
            ids
        });
    }
    payers.join_all().await.concat()
}

/// Runs a job to its end; returns the run as it is recorded.
async fn run_job(http: &reqwest::Client, url: &str, job: &str) -> Value {
    let post = async |path: String, body: Value| -> Value {
        let answer = http.post(format!("{url}{path}")).bearer_auth(TOKEN).json(&body).send().await.unwrap();
        assert!(answer.status().is_success(), "{path}: {}", answer.status());
        answer.json().await.unwrap()
    };
    let mut run = post(format!("/jobs/v1/{job}/_run"), json!({})).await["Run"].take();
    let started = Instant::now();
    while run["state"] == "RUNNING" {
        assert!(started.elapsed() < PATIENCE, "{run}");
        // It is at work in another process: there is nothing to wait on.
        tokio::time::sleep(Duration::from_millis(50)).await;
        run = post("/jobs/v1/_history".to_owned(), json!({ "job": job, "limit": 1 })).await["Runs"][0].take();
    }
    run
}

fn tally(run: &Value) -> Value {
    json!([run["state"], run["examined"], run["changed"], run["stillPending"], run["failed"]])
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_unreadable_answer_of_a_gateway_stops_no_other_reconciliation() {
    let folder = tempfile::tempdir().unwrap();
    let database = FreshDatabase::create().await;
    let road = Arc::new(Road::default());
    let gateway = gateway(folder.path(), &road).await;
    let service = service(folder.path(), &database, &gateway).await;
    let (http, visitor) = (http_client(), Visitor::new(PATIENCE).unwrap());

    let ids = all_paid(&http, &visitor, service.url()).await;
    let client = connect(database.url()).await.unwrap();
    let grow_old = "UPDATE eg_pg_transactions SET created_time = created_time - 172800000";
    client.execute(grow_old, &[]).await.unwrap();

    // One in a hundred, in no order.
    let faults = [Fault::Hangs, Fault::Fails, Fault::Garbage, Fault::Hangs, Fault::Garbage];
    let unlucky: Vec<String> = ids.iter().skip(40).step_by(100).cloned().collect();
    *road.faults.lock().unwrap() = unlucky.iter().cloned().zip(faults).collect();
    let run = run_job(&http, service.url(), "reconcile-early").await;
    assert_eq!(tally(&run), json!(["FINISHED", 500, 495, 0, 5]), "{run}");
    let most_under_way = road.most_under_way.load(Ordering::SeqCst);
    // Many, though a busy machine puts the questions more slowly than they are answered.
    assert!((AT_ONCE / 4..=AT_ONCE).contains(&most_under_way), "{most_under_way} at once");

    let sql = "SELECT txn_id FROM eg_pg_transactions WHERE txn_status = 'PENDING' ORDER BY txn_id";
    let pending: Vec<String> = client.query(sql, &[]).await.unwrap().iter().map(|row| row.get(0)).collect();
    let mut expected = unlucky.clone();
    expected.sort();
    assert_eq!(pending, expected);
    let sql = "SELECT count(*) FROM eg_pg_transaction_history
               WHERE why LIKE 'the gateway could not be asked: %' AND txn_id = ANY($1)";
    let told: i64 = client.query_one(sql, &[&unlucky]).await.unwrap().get(0);
    assert_eq!(told, 5, "each says in its history why");

    // They had bad luck, and have another turn.
    road.faults.lock().unwrap().clear();
    let run = run_job(&http, service.url(), "reconcile-daily").await;
    assert_eq!(tally(&run), json!(["FINISHED", 5, 5, 0, 0]), "{run}");
    let sql = "SELECT count(DISTINCT receipt) FROM eg_pg_transactions WHERE txn_status = 'SUCCESS'";
    let receipts: i64 = client.query_one(sql, &[]).await.unwrap().get(0);
    assert_eq!(usize::try_from(receipts).unwrap(), PAYMENTS, "one receipt each");
    assert!(service.log().is_empty(), "{}", service.log());
}
