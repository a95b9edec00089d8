//! Applications that create payments at any answering replica, and payers who pay them and close the tab. So
//! that the ticks find them due, the database dates them some hours back.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use payment_simulator::sandbox::{Choice, Visitor};
use payment_testing::postgres::connect;
use serde_json::{Value, json};
use tokio::task::JoinSet;
use tokio_postgres::Client;

use crate::random::Random;
use crate::support::payer::create_request;

const WORKERS: usize = 4;
/// Payments that the gateway never decides: every run has these to look at, and to note.
const UNDECIDED: usize = 8;
/// No more than this is waited for a replica that may be stopped.
const REQUEST_WAIT: Duration = Duration::from_secs(3);

/// The payers' acts.
#[derive(Debug, Default)]
pub(crate) struct Paid {
    /// The transactions that the gateway has decided.
    pub(crate) settling: Vec<String>,
    /// Payments that are never decided.
    pub(crate) undecided: Vec<String>,
    /// Creates without an answer.
    pub(crate) unanswered: u64,
    /// Payers who came back to the application.
    pub(crate) came_back: u64,
    /// Answers that are wrong under any disturbance.
    pub(crate) unexpected: Vec<String>,
}

pub(crate) struct Payers {
    stop: Arc<AtomicBool>,
    workers: JoinSet<Paid>,
    undecided: Vec<String>,
}

impl Payers {
    pub(crate) async fn start(urls: Vec<String>, database: &str, random: &mut Random) -> Payers {
        let stop = Arc::new(AtomicBool::new(false));
        let bills = Arc::new(AtomicU64::new(0));
        let mut workers = JoinSet::new();
        let mut undecided = Vec::new();
        for _ in 0..WORKERS {
            let mut worker = Worker {
                urls: urls.clone(),
                http: reqwest::Client::builder().timeout(REQUEST_WAIT).build().unwrap(),
                database: connect(database).await.unwrap(),
                visitor: Visitor::new(Duration::from_secs(10)).unwrap(),
                random: random.split(),
                bills: bills.clone(),
                paid: Paid::default(),
            };
            for _ in 0..UNDECIDED / WORKERS {
                undecided.push(worker.pays(Choice::AnswerLate).await.expect("all replicas are up"));
            }
            workers.spawn(worker.work(stop.clone()));
        }
        Payers { stop, workers, undecided }
    }

    /// Lets all clients finish.
    pub(crate) async fn stop(mut self) -> Paid {
        self.stop.store(true, Ordering::SeqCst);
        let mut all = Paid { undecided: self.undecided, ..Paid::default() };
        while let Some(one) = self.workers.join_next().await {
            let one = one.unwrap();
            all.settling.extend(one.settling);
            all.unanswered += one.unanswered;
            all.came_back += one.came_back;
            all.unexpected.extend(one.unexpected);
        }
        all
    }
}

struct Worker {
    urls: Vec<String>,
    http: reqwest::Client,
    database: Client,
    visitor: Visitor,
    random: Random,
    bills: Arc<AtomicU64>,
    paid: Paid,
}

impl Worker {
    async fn work(mut self, stop: Arc<AtomicBool>) -> Paid {
        while !stop.load(Ordering::SeqCst) {
            let choice = match self.random.below(100) {
                0..85 => Choice::SayNothing,
                85..95 => Choice::Decline,
                _ => Choice::WrongAmount,
            };
            if let Some(txn_id) = self.pays(choice).await {
                self.paid.settling.push(txn_id.clone());
                if self.random.percent(15) {
                    self.comes_back(&txn_id).await;
                }
            }
            // The load is steady, at any speed of answers.
            tokio::time::sleep(Duration::from_millis(300 + self.random.below(600))).await;
        }
        self.paid
    }

    /// One payment, decided at the gateway and hours old; `None` without an answer.
    async fn pays(&mut self, choice: Choice) -> Option<String> {
        const GROW_OLD: &str =
            "UPDATE eg_pg_transactions SET created_time = created_time - 10800000 WHERE txn_id = $1";
        let (txn_id, link) = self.create().await?;
        let page = self.visitor.open(&link).await.expect("the gateway lives");
        self.visitor.choose(&page, choice).await.expect("the gateway lives");
        assert_eq!(self.database.execute(GROW_OLD, &[&txn_id]).await.unwrap(), 1, "{txn_id}");
        Some(txn_id)
    }

    async fn create(&mut self) -> Option<(String, String)> {
        let bill = format!("B{}", self.bills.fetch_add(1, Ordering::SeqCst));
        let request = create_request(&bill, "75.25", "http://127.0.0.1:1/done");
        for _ in 0..6 {
            let url = format!("{}/transaction/v1/_create", self.replica());
            match self.post(&url, Some(&bill), &request).await {
                Some((200, body)) => {
                    let field = |name: &str| body["Transaction"][name].as_str().map(str::to_owned);
                    return Some((field("txnId")?, field("redirectUrl")?));
                }
                // The first answer was lost with the replica that would have given it.
                Some((409, _)) => break,
                Some((status, _)) if status >= 500 => {}
                Some((status, body)) => self.paid.unexpected.push(format!("create: {status} {body}")),
                None => {}
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
        self.paid.unanswered += 1;
        None
    }

    async fn comes_back(&mut self, txn_id: &str) {
        let url = format!("{}/transaction/v1/_update?transactionId={txn_id}", self.replica());
        match self.post(&url, None, &json!({ "RequestInfo": {} })).await {
            Some((200, _)) => self.paid.came_back += 1,
            Some((status, _)) if status >= 500 => {}
            Some((status, body)) => self.paid.unexpected.push(format!("update: {status} {body}")),
            None => {}
        }
    }

    fn replica(&mut self) -> String {
        let count = u64::try_from(self.urls.len()).unwrap();
        self.urls[usize::try_from(self.random.below(count)).unwrap()].clone()
    }

    /// `None` when no whole answer came.
    async fn post(&self, url: &str, key: Option<&str>, body: &Value) -> Option<(u16, Value)> {
        let mut request = self.http.post(url).json(body);
        if let Some(key) = key {
            request = request.header("Idempotency-Key", key);
        }
        let response = request.send().await.ok()?;
        let status = response.status().as_u16();
        Some((status, response.json().await.ok()?))
    }
}
