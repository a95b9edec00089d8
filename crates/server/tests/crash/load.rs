//! The load: applications that create payments, citizens that pay them, in every way there is, while
//! the service comes and goes.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use payment_simulator::sandbox::{Choice, Visitor};
use serde_json::{Value, json};
use tokio::task::JoinSet;

use crate::random::Random;
use crate::support::http_client;

/// How many work at the same time.
const WORKERS: u64 = 12;

/// What one create came to, as its client saw it.
#[derive(Debug, Clone)]
pub(crate) struct Created {
    /// The transaction's id in the answer.
    pub(crate) txn_id: String,
    /// The idempotency key, where there was one.
    pub(crate) key: Option<String>,
    /// The bills.
    pub(crate) bills: Vec<String>,
}

/// What all clients together were answered.
#[derive(Debug, Default)]
pub(crate) struct Ledger {
    /// Creates that were answered 200.
    pub(crate) created: Vec<Created>,
    /// Creates that were refused because of a bill.
    pub(crate) refused: u64,
    /// Requests without an answer: the service died.
    pub(crate) unanswered: u64,
    /// Answers that nobody should get, whatever dies.
    pub(crate) unexpected: Vec<String>,
}

pub(crate) struct Load {
    stop: Arc<AtomicBool>,
    workers: JoinSet<Ledger>,
}

impl Load {
    pub(crate) fn start(url: &str, random: &mut Random) -> Load {
        let stop = Arc::new(AtomicBool::new(false));
        let bills = Arc::new(AtomicU64::new(0));
        let mut workers = JoinSet::new();
        for _ in 0..WORKERS {
            let worker = Worker {
                url: url.to_owned(),
                http: http_client(),
                visitor: Visitor::new(Duration::from_secs(5)).unwrap(),
                random: random.split(),
                bills: bills.clone(),
                ledger: Ledger::default(),
            };
            workers.spawn(worker.work(stop.clone()));
        }
        Load { stop, workers }
    }

    /// Lets everybody finish what they are doing, and gathers what they were answered.
    pub(crate) async fn stop(mut self) -> Ledger {
        self.stop.store(true, Ordering::SeqCst);
        let mut all = Ledger::default();
        while let Some(one) = self.workers.join_next().await {
            let one = one.unwrap();
            all.created.extend(one.created);
            all.refused += one.refused;
            all.unanswered += one.unanswered;
            all.unexpected.extend(one.unexpected);
        }
        all
    }
}

/// Brings every transaction's id back, twice, as reloading payers do.
pub(crate) async fn update_all(url: &str, ids: &[String]) {
    let http = http_client();
    let queue = Arc::new(std::sync::Mutex::new(ids.to_vec()));
    let mut workers = JoinSet::new();
    for _ in 0..WORKERS {
        let (http, url, queue) = (http.clone(), url.to_owned(), queue.clone());
        workers.spawn(async move {
            loop {
                let Some(id) = queue.lock().unwrap().pop() else { return };
                for _ in 0..2 {
                    let (status, body) = update(&http, &url, &id).await.expect("the service runs");
                    assert_eq!(status, 200, "{id}: {body}");
                }
            }
        });
    }
    while let Some(done) = workers.join_next().await {
        done.unwrap();
    }
}

async fn update(http: &reqwest::Client, url: &str, id: &str) -> Option<(u16, Value)> {
    let url = format!("{url}/transaction/v1/_update?transactionId={id}");
    post(http, &url, None, &json!({ "RequestInfo": { "apiId": "Rainmaker" } })).await
}

/// `None` when no whole answer came.
async fn post(http: &reqwest::Client, url: &str, key: Option<&str>, body: &Value) -> Option<(u16, Value)> {
    let mut request = http.post(url).json(body);
    if let Some(key) = key {
        request = request.header("Idempotency-Key", key);
    }
    let response = request.send().await.ok()?;
    let status = response.status().as_u16();
    Some((status, response.json().await.ok()?))
}

struct Worker {
    url: String,
    http: reqwest::Client,
    visitor: Visitor,
    random: Random,
    bills: Arc<AtomicU64>,
    ledger: Ledger,
}

impl Worker {
    async fn work(mut self, stop: Arc<AtomicBool>) -> Ledger {
        while !stop.load(Ordering::SeqCst) {
            match self.create().await {
                Some(pay_link) => self.pay(pay_link).await,
                // Refused, or the service is away: a moment later there may be more to do.
                None => tokio::time::sleep(Duration::from_millis(2)).await,
            }
        }
        self.ledger
    }

    /// A bill: mostly a new one, sometimes one that somebody else pays as well.
    fn bill(&mut self) -> String {
        let newest = self.bills.fetch_add(1, Ordering::SeqCst);
        if self.random.percent(25) {
            let back = 1 + self.random.below(6);
            return format!("B{}", newest.saturating_sub(back));
        }
        format!("B{newest}")
    }

    /// One create, with up to three bills; returns the transaction and its pay link.
    async fn create(&mut self) -> Option<(String, String)> {
        let mut bills: Vec<String> = (0..1 + self.random.below(3)).map(|_| self.bill()).collect();
        bills.sort();
        bills.dedup();
        let free = self.random.percent(5);
        let each = if free { "0" } else { "75.25" };
        let total = if free {
            "0".to_owned()
        } else {
            format!("{}.{:02}", (7525 * bills.len()) / 100, (7525 * bills.len()) % 100)
        };
        let request = create_request(&bills, each, &total);
        let key = self.random.percent(30).then(|| format!("key-{:x}", self.random.next()));
        let url = format!("{}/transaction/v1/_create", self.url);
        let mut answer = post(&self.http, &url, key.as_deref(), &request).await;
        if key.is_some() && (answer.is_none() || self.random.percent(30)) {
            // Whoever has a key asks again when they are not answered.
            self.note(answer, key.as_deref(), &bills);
            answer = post(&self.http, &url, key.as_deref(), &request).await;
        }
        self.note(answer, key.as_deref(), &bills)
    }

    fn note(
        &mut self,
        answer: Option<(u16, Value)>,
        key: Option<&str>,
        bills: &[String],
    ) -> Option<(String, String)> {
        let Some((status, body)) = answer else {
            self.ledger.unanswered += 1;
            return None;
        };
        let code = body["Errors"][0]["code"].as_str().unwrap_or_default();
        match (status, code) {
            (200, _) => {
                let txn_id = body["Transaction"]["txnId"].as_str().expect("an id").to_owned();
                let link = body["Transaction"]["redirectUrl"].as_str().map(str::to_owned);
                let created =
                    Created { txn_id: txn_id.clone(), key: key.map(str::to_owned), bills: bills.to_vec() };
                self.ledger.created.push(created);
                Some((txn_id, link?))
            }
            (400, "TXN_ABRUPTLY_DISCARDED" | "TXN_CREATE_BILL_ALREADY_PAID" | "BILL_ALREADY_PAID") => {
                self.ledger.refused += 1;
                None
            }
            // The first answer was lost with the service that would have given it.
            (409, _) if key.is_some() => None,
            _ => {
                self.ledger.unexpected.push(format!("create: {status} {body}"));
                None
            }
        }
    }

    /// The citizen pays in one of all ways, and comes back by one of all ways.
    async fn pay(&mut self, (txn_id, link): (String, String)) {
        let choice = match self.random.below(100) {
            0..55 => Choice::Pay,
            55..67 => Choice::Decline,
            67..79 => Choice::SayNothing,
            79..87 => Choice::AnswerLate,
            87..93 => Choice::WrongAmount,
            _ => return,
        };
        let page = self.visitor.open(&link).await.expect("the gateway lives");
        if self.random.percent(3) {
            return;
        }
        let answered = self.visitor.choose(&page, choice).await.expect("the gateway lives");
        if self.random.percent(60)
            && let Some(back) = answered.location.filter(|url| url.starts_with(&self.url))
        {
            let status = self.http.get(back).send().await.ok().map(|response| response.status().as_u16());
            self.expect("redirect", status, 303);
        }
        if self.random.percent(40) {
            let status = update(&self.http, &self.url, &txn_id).await.map(|(status, _)| status);
            self.expect("update", status, 200);
        }
    }

    fn expect(&mut self, what: &str, status: Option<u16>, expected: u16) {
        match status {
            None => self.ledger.unanswered += 1,
            Some(status) if status == expected => {}
            Some(status) => self.ledger.unexpected.push(format!("{what}: {status}")),
        }
    }
}

fn create_request(bills: &[String], each: &str, total: &str) -> Value {
    let payments: Vec<Value> =
        bills.iter().map(|bill| json!({ "amountPaid": each, "billId": bill })).collect();
    json!({
        "RequestInfo": { "userInfo": { "uuid": "citizen-1", "userName": "9999999999", "name": "Load Test",
            "type": "CITIZEN", "mobileNumber": "9999999999", "tenantId": "pb" } },
        "Transaction": { "tenantId": "pb.amritsar", "txnAmount": total, "billId": bills[0], "consumerCode": "C-1",
            "taxAndPayments": payments, "productInfo": "Property tax", "gateway": "SANDBOX",
            "callbackUrl": "http://127.0.0.1:1/done",
            "user": { "name": "Load Test", "mobileNumber": "9999999999", "tenantId": "pb" } },
    })
}
