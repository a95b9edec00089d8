//! The load: applications that create payments, citizens that pay them, in every way there is, while
//! the service comes and goes.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::time::Duration;

use payment_simulator::sandbox::{Choice, Visitor};
use serde_json::{Value, json};
use tokio::task::JoinSet;

use super::random::Random;
use super::refunds::{self, Decision};
use super::requests::Wanted;
use crate::support::http_client;

/// The header by which the load acts as an API gateway that has proven its callers.
const PROOF_HEADER: &str = "X-Identity-Secret";
pub(crate) const PROOF_SECRET: &str = "what-the-api-gateway-adds-0123456789-0123456789";

/// How many work at the same time.
const WORKERS: u64 = 12;

/// The service's addresses, and the expectations of it.
#[derive(Debug, Clone)]
pub(crate) struct Doors {
    /// The address of each replica; requests go to them in turn.
    pub(crate) replicas: Vec<String>,
    /// The beginning of the address to which payers return.
    pub(crate) public: String,
    /// Whether the service may answer that a dependency is unavailable, and when to retry.
    pub(crate) may_be_unavailable: bool,
    /// How long a client rests between two payments.
    pub(crate) rest: Duration,
    /// The number of times a replica was killed so far.
    pub(crate) deaths: Arc<AtomicU64>,
    /// Whether payments are given back.
    pub(crate) refunds: bool,
}

impl Doors {
    /// A service alone, with all it needs.
    pub(crate) fn of(url: &str) -> Doors {
        let (replicas, public) = (vec![url.to_owned()], url.to_owned());
        let rest = Duration::from_millis(2);
        Doors { replicas, public, may_be_unavailable: false, rest, deaths: Arc::default(), refunds: true }
    }
}

/// The outcome of one create, as its client saw it.
#[derive(Debug, Clone)]
pub(crate) struct Created {
    /// The transaction's id in the answer.
    pub(crate) txn_id: String,
    /// The idempotency key, where there was one.
    pub(crate) key: Option<String>,
    /// The bills.
    pub(crate) bills: Vec<String>,
}

/// The answers to all clients together.
#[derive(Debug, Default)]
pub(crate) struct Ledger {
    /// Creates that were answered 200.
    pub(crate) created: Vec<Created>,
    /// Creates that were refused because of a bill.
    pub(crate) refused: u64,
    /// Requests without an answer: the service died.
    pub(crate) unanswered: u64,
    /// Requests that were answered with a retry time.
    pub(crate) unavailable: u64,
    /// Creates of the same bills that were sent at the same moment.
    pub(crate) raced: u64,
    /// Refunds whose approval was answered.
    pub(crate) approved: Vec<String>,
    /// Answers that are wrong under any crash.
    pub(crate) unexpected: Vec<String>,
}

/// An answer.
struct Answer {
    status: u16,
    retry_after: bool,
    body: Value,
}

/// Clients that send their requests to the replicas in turn.
#[derive(Clone)]
struct Client {
    http: reqwest::Client,
    doors: Arc<Doors>,
    next: Arc<AtomicUsize>,
}

impl Client {
    fn new(doors: &Doors) -> Client {
        Client { http: http_client(), doors: Arc::new(doors.clone()), next: Arc::default() }
    }

    async fn post(&self, path: &str, key: Option<&str>, body: &Value) -> Option<Answer> {
        let replicas = &self.doors.replicas;
        let replica = &replicas[self.next.fetch_add(1, Ordering::SeqCst) % replicas.len()];
        let url = format!("{replica}{path}");
        let mut request = self.http.post(url).header(PROOF_HEADER, PROOF_SECRET).json(body);
        if let Some(key) = key {
            request = request.header("Idempotency-Key", key);
        }
        self.answer(request).await
    }

    /// `None` when no whole answer came because a process died.
    async fn answer(&self, request: reqwest::RequestBuilder) -> Option<Answer> {
        let deaths = self.doors.deaths.load(Ordering::SeqCst);
        let in_time = |error: &reqwest::Error| {
            let one_died = self.doors.deaths.load(Ordering::SeqCst) > deaths;
            // A live service answers in time, with any dependency unavailable.
            assert!(one_died || !error.is_timeout(), "no answer in time: {error}");
        };
        let response = request.send().await.inspect_err(in_time).ok()?;
        let status = response.status().as_u16();
        let retry_after = response.headers().contains_key("Retry-After");
        let body = response.bytes().await.inspect_err(in_time).ok()?;
        // A redirect has none.
        let body = serde_json::from_slice(&body).unwrap_or(Value::Null);
        Some(Answer { status, retry_after, body })
    }

    /// The same request until it is answered, as a person makes it whose service has died.
    async fn insist(&self, path: &str, key: Option<&str>, body: &Value) -> Option<Answer> {
        for _ in 0..40 {
            if let Some(answer) = self.post(path, key, body).await {
                return Some(answer);
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
        None
    }

    async fn update(&self, id: &str) -> Option<Answer> {
        let body = json!({ "RequestInfo": { "apiId": "Rainmaker" } });
        self.post(&format!("/transaction/v1/_update?transactionId={id}"), None, &body).await
    }
}

pub(crate) struct Load {
    stop: Arc<AtomicBool>,
    workers: JoinSet<Ledger>,
}

impl Load {
    pub(crate) fn start(doors: &Doors, random: &mut Random) -> Load {
        let stop = Arc::new(AtomicBool::new(false));
        let bills = Arc::new(AtomicU64::new(0));
        let client = Client::new(doors);
        let mut workers = JoinSet::new();
        for _ in 0..WORKERS {
            let worker = Worker {
                client: client.clone(),
                visitor: Visitor::new(Duration::from_secs(20)).unwrap(),
                random: random.split(),
                bills: bills.clone(),
                ledger: Ledger::default(),
            };
            workers.spawn(worker.work(stop.clone()));
        }
        Load { stop, workers }
    }

    /// Lets all clients finish, and gathers their answers.
    pub(crate) async fn stop(mut self) -> Ledger {
        self.stop.store(true, Ordering::SeqCst);
        let mut all = Ledger::default();
        while let Some(one) = self.workers.join_next().await {
            let one = one.unwrap();
            all.created.extend(one.created);
            all.refused += one.refused;
            all.unanswered += one.unanswered;
            all.unavailable += one.unavailable;
            all.raced += one.raced;
            all.approved.extend(one.approved);
            all.unexpected.extend(one.unexpected);
        }
        all
    }
}

/// Brings every transaction's id back, twice, as reloading payers do; all it needs is there.
pub(crate) async fn update_all(doors: &Doors, ids: &[String]) {
    let client = Client::new(doors);
    let queue = Arc::new(std::sync::Mutex::new(ids.to_vec()));
    let mut workers = JoinSet::new();
    for _ in 0..WORKERS {
        let (client, queue) = (client.clone(), queue.clone());
        workers.spawn(async move {
            loop {
                let Some(id) = queue.lock().unwrap().pop() else { return };
                for _ in 0..2 {
                    let Answer { status, body, .. } = client.update(&id).await.expect("the service runs");
                    assert_eq!(status, 200, "{id}: {body}");
                }
            }
        });
    }
    while let Some(done) = workers.join_next().await {
        done.unwrap();
    }
}

struct Worker {
    client: Client,
    visitor: Visitor,
    random: Random,
    bills: Arc<AtomicU64>,
    ledger: Ledger,
}

/// A transaction and where to pay it.
struct Begun {
    txn_id: String,
    pay_link: String,
}

impl Worker {
    async fn work(mut self, stop: Arc<AtomicBool>) -> Ledger {
        let rest = self.client.doors.rest;
        while !stop.load(Ordering::SeqCst) {
            if let Some(begun) = self.create().await {
                let txn_id = begun.txn_id.clone();
                self.pay(begun).await;
                if self.client.doors.refunds && self.random.percent(60) {
                    self.refund(&txn_id).await;
                }
            }
            // Also after a refusal, or while the service is down.
            tokio::time::sleep(rest).await;
        }
        self.ledger
    }

    /// A bill: mostly a new one, sometimes one that another payer pays as well.
    fn bill(&mut self) -> String {
        let newest = self.bills.fetch_add(1, Ordering::SeqCst);
        if self.random.percent(25) {
            let back = 1 + self.random.below(6);
            return format!("B{}", newest.saturating_sub(back));
        }
        format!("B{newest}")
    }

    /// One create, with up to three bills, sometimes sent twice at once or again.
    async fn create(&mut self) -> Option<Begun> {
        let mut bills: Vec<String> = (0..1 + self.random.below(3)).map(|_| self.bill()).collect();
        bills.sort();
        bills.dedup();
        let wanted = Wanted::new(bills, &mut self.random);
        let body = wanted.create();
        let key = self.random.percent(30).then(|| format!("key-{:x}", self.random.next()));
        let client = self.client.clone();
        let create = || client.post("/transaction/v1/_create", key.as_deref(), &body);
        if self.random.percent(15) {
            self.ledger.raced += 1;
            let (first, second) = tokio::join!(create(), create());
            let first = self.note(first, key.as_deref(), &wanted).await;
            let second = self.note(second, key.as_deref(), &wanted).await;
            return first.or(second);
        }
        let mut answer = create().await;
        if key.is_some() && (answer.is_none() || self.random.percent(30)) {
            // A request with a key is repeated when it is not answered.
            self.note(answer, key.as_deref(), &wanted).await;
            answer = create().await;
        }
        self.note(answer, key.as_deref(), &wanted).await
    }

    async fn note(&mut self, answer: Option<Answer>, key: Option<&str>, wanted: &Wanted) -> Option<Begun> {
        let Some(Answer { status, retry_after, body }) = answer else {
            self.ledger.unanswered += 1;
            return None;
        };
        let code = body["Errors"][0]["code"].as_str().unwrap_or_default();
        match (status, code) {
            (200, _) => {
                let txn_id = body["Transaction"]["txnId"].as_str().expect("an id").to_owned();
                let pay_link = body["Transaction"]["redirectUrl"].as_str().map(str::to_owned);
                let (key, bills) = (key.map(str::to_owned), wanted.bills.clone());
                self.ledger.created.push(Created { txn_id: txn_id.clone(), key, bills });
                if self.random.percent(10) {
                    self.find(&txn_id, wanted).await;
                }
                Some(Begun { txn_id, pay_link: pay_link? })
            }
            (400, "TXN_ABRUPTLY_DISCARDED" | "TXN_CREATE_BILL_ALREADY_PAID" | "BILL_ALREADY_PAID") => {
                self.ledger.refused += 1;
                None
            }
            // The first answer was lost with the service that would have given it.
            (409, _) if key.is_some() => None,
            (503, _) if retry_after && self.client.doors.may_be_unavailable => {
                self.ledger.unavailable += 1;
                None
            }
            _ => {
                self.ledger.unexpected.push(format!("create: {status} {body}"));
                None
            }
        }
    }

    /// A confirmed change is found at once, on every replica.
    async fn find(&mut self, txn_id: &str, wanted: &Wanted) {
        let path = format!("/transaction/v1/_search?txnId={txn_id}");
        let found = self.client.post(&path, None, &wanted.search()).await;
        if found.as_ref().is_some_and(|found| {
            found.status == 200 && found.body["Transaction"][0]["txnId"].as_str() != Some(txn_id)
        }) {
            self.ledger.unexpected.push(format!("{txn_id} was answered and is not found"));
        }
        self.expect("search", found, 200);
    }

    /// The citizen pays in one of all ways, and comes back by one of all ways.
    async fn pay(&mut self, Begun { txn_id, pay_link }: Begun) {
        let choice = match self.random.below(100) {
            0..55 => Choice::Pay,
            55..67 => Choice::Decline,
            67..79 => Choice::SayNothing,
            79..87 => Choice::AnswerLate,
            87..93 => Choice::WrongAmount,
            _ => return,
        };
        let page = self.visitor.open(&pay_link).await.expect("the gateway lives");
        if self.random.percent(3) {
            return;
        }
        let way = self.visitor.choose(&page, choice).await.expect("the gateway lives");
        let client = self.client.clone();
        if self.random.percent(60)
            && let Some(back) = way.filter(|way| way.url().starts_with(&client.doors.public))
        {
            let answered = client.answer(client.http.get(back.url())).await;
            self.expect("redirect", answered, 303);
        }
        if self.random.percent(40) {
            let (first, second) = if self.random.percent(25) {
                let (first, second) = tokio::join!(client.update(&txn_id), client.update(&txn_id));
                (first, Some(second))
            } else {
                (client.update(&txn_id).await, None)
            };
            for answered in [Some(first), second].into_iter().flatten() {
                self.expect("update", answered, 200);
            }
        }
    }

    /// A refund is requested, and decided by another person.
    async fn refund(&mut self, txn_id: &str) {
        // Settled first, as far as it was paid.
        let settle = format!("/transaction/v1/_update?transactionId={txn_id}");
        let settled =
            self.client.insist(&settle, None, &json!({ "RequestInfo": { "apiId": "Rainmaker" } })).await;
        self.expect("update", settled, 200);
        let body = refunds::request(txn_id, &mut self.random);
        let key = format!("refund-{:x}", self.random.next());
        let answer = self.client.insist("/refund/v1/_create", Some(&key), &body).await;
        let Some(refund_id) = self.refund_id(answer) else { return };
        let check = |uuid: &str| refunds::decision(&refund_id, uuid, "PG_REFUND_CHECKER");
        let (client, approve) = (self.client.clone(), "/refund/v1/_approve");
        match Decision::any(&mut self.random) {
            Decision::Approve => {
                let answer = client.insist(approve, None, &check("checker-1")).await;
                self.decided(&refund_id, answer, true);
            }
            Decision::ApproveTwiceAtOnce => {
                let (one, other) = (check("checker-1"), check("checker-2"));
                let (one, other) =
                    tokio::join!(client.insist(approve, None, &one), client.insist(approve, None, &other));
                let both = [&one, &other].iter().all(|one| one.as_ref().is_some_and(|one| one.status == 200));
                if both {
                    self.ledger.unexpected.push(format!("two approvals of {refund_id} counted"));
                }
                self.decided(&refund_id, one, true);
                self.decided(&refund_id, other, true);
            }
            Decision::Reject => {
                let answer = client.insist("/refund/v1/_reject", None, &check("checker-1")).await;
                self.decided(&refund_id, answer, false);
            }
            Decision::Withdraw => {
                let body = refunds::decision(&refund_id, "maker-1", "PG_REFUND_MAKER");
                let answer = client.insist("/refund/v1/_withdraw", None, &body).await;
                self.decided(&refund_id, answer, false);
            }
            Decision::None => {}
        }
    }

    /// The refund that was stored; `None` where the payment cannot be given back.
    fn refund_id(&mut self, answer: Option<Answer>) -> Option<String> {
        let Some(answer) = answer else {
            self.ledger.unanswered += 1;
            return None;
        };
        let code = answer.body["Errors"][0]["code"].as_str().unwrap_or_default();
        match (answer.status, code) {
            (200, _) => Some(answer.body["Refund"]["refundId"].as_str().expect("an id").to_owned()),
            (
                400,
                "INVALID_GATEWAY_TXN_ID"
                | "REFUND_ALREADY_PAID"
                | "REFUND_ALREADY_INITIATED"
                | "REFUND_AMOUNT_EXCEEDS_AVAILABLE",
            ) => None,
            (503, _) if answer.retry_after && self.client.doors.may_be_unavailable => None,
            _ => {
                self.ledger.unexpected.push(format!("refund: {} {}", answer.status, answer.body));
                None
            }
        }
    }

    fn decided(&mut self, refund_id: &str, answer: Option<Answer>, approves: bool) {
        let Some(answer) = answer else {
            self.ledger.unanswered += 1;
            return;
        };
        match answer.status {
            200 if approves => self.ledger.approved.push(refund_id.to_owned()),
            // Another was faster.
            200 | 409 => {}
            503 if answer.retry_after && self.client.doors.may_be_unavailable => {}
            _ => self.ledger.unexpected.push(format!("decision: {} {}", answer.status, answer.body)),
        }
    }

    fn expect(&mut self, what: &str, answered: Option<Answer>, expected: u16) {
        match answered {
            None => self.ledger.unanswered += 1,
            Some(answer) if answer.status == expected => {}
            Some(answer)
                if answer.status == 503 && answer.retry_after && self.client.doors.may_be_unavailable =>
            {
                self.ledger.unavailable += 1;
            }
            Some(answer) => {
                self.ledger.unexpected.push(format!("{what}: {} {}", answer.status, answer.body));
            }
        }
    }
}
