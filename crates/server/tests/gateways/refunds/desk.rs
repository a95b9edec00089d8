//! A service with refunds, its makers and checkers, and the provider's books.

use std::ops::Deref;
use std::sync::{Mutex, MutexGuard};
use std::time::{Duration, Instant};

use payment_domain::{AttentionKind, RefundId};
use payment_gateways::hyperswitch::refund::refund_number;
use payment_simulator::providers::{Choice, Fault, RefundEntry};
use reqwest::StatusCode;
use rusqlite::Connection;
use serde_json::{Value, json};

use crate::support::account::Account;
use crate::support::{PATIENCE, http_client};
use crate::world::World;

const SECRET: &str = "what-the-api-gateway-adds-0123456789-0123456789";
/// The time for an answer of the provider.
const WAIT: Duration = Duration::from_secs(5);
/// The test sets the pace: delayed decisions come when it says so.
const SETTINGS: [(&str, &str); 7] = [
    ("identity.proof", "header"),
    ("identity.header.secret", SECRET),
    ("refund.follow-ups", "1h,2h"),
    ("refund.interval-ms", "100"),
    ("refund.quiet-secs", "1"),
    ("refund.cancel-receipt", "never"),
    // Faults of one refund do not stop the others.
    ("gateways.failures-in-a-row", "1000"),
];
/// Due: earlier than any moment that the service sets.
const DUE: i64 = 1;

pub(super) struct Desk {
    world: World,
    /// Beside the service's own connections.
    database: Mutex<Connection>,
    http: reqwest::Client,
}

impl Deref for Desk {
    type Target = World;

    fn deref(&self) -> &World {
        &self.world
    }
}

impl Desk {
    pub(super) async fn open(account: Account) -> Desk {
        let world = World::with(account, WAIT, &SETTINGS).await;
        let database = Connection::open(world.folder.path().join("data/payments.db")).unwrap();
        database.busy_timeout(PATIENCE).unwrap();
        Desk { world, database: Mutex::new(database), http: http_client() }
    }

    /// A payment with its receipt.
    pub(super) async fn paid(&self) -> String {
        let txn = self.create().await;
        let page = self.world.open(&txn).await;
        self.visitor.choose(&page, Choice::Pay).await.unwrap();
        let id = txn["txnId"].as_str().unwrap().to_owned();
        self.settled(&id, "SUCCESS").await;
        id
    }

    async fn post(&self, path: &str, by: (&str, &str), refund: Value) -> (StatusCode, Value) {
        self.post_as(path, by, by.0, refund).await
    }

    /// A request of the person of a uuid, with a role, under a user name.
    pub(super) async fn post_as(
        &self,
        path: &str,
        (uuid, role): (&str, &str),
        name: &str,
        refund: Value,
    ) -> (StatusCode, Value) {
        let user = json!({ "uuid": uuid, "userName": name, "name": "Ravi Kumar", "type": "EMPLOYEE",
            "mobileNumber": "9876543211", "tenantId": "pb", "roles": [{ "code": role, "tenantId": "pb" }] });
        let body = json!({ "RequestInfo": { "userInfo": user }, "Refund": refund });
        let request = self.http.post(format!("{}/refund/v1/{path}", self.url)).json(&body);
        let answer = request.header("X-Identity-Secret", SECRET).timeout(PATIENCE).send().await.unwrap();
        (answer.status(), answer.json().await.unwrap())
    }

    pub(super) async fn requests(&self, payment: &str, amount: Option<&str>) -> (StatusCode, Value) {
        let mut refund = json!({ "tenantId": "pb.amritsar", "originalTxnId": payment,
            "reasonCode": "DUPLICATE", "reason": "paid twice" });
        if let Some(amount) = amount {
            refund["refundAmount"] = amount.into();
        }
        self.post("_create", ("maker-1", "PG_REFUND_MAKER"), refund).await
    }

    /// Requests a refund; returns its id.
    pub(super) async fn requested(&self, payment: &str, amount: Option<&str>) -> String {
        let (status, answer) = self.requests(payment, amount).await;
        assert_eq!(status, 200, "{:?}: {answer}", self.account);
        answer["Refund"]["refundId"].as_str().unwrap().to_owned()
    }

    pub(super) async fn decides(&self, path: &str, refund: &str, by: (&str, &str)) -> (StatusCode, Value) {
        let decision = json!({ "refundId": refund, "version": 1, "comment": "seen" });
        self.post(path, by, decision).await
    }

    pub(super) async fn approves(&self, refund: &str) {
        let (status, answer) = self.decides("_approve", refund, ("checker-1", "PG_REFUND_CHECKER")).await;
        assert_eq!(status, 200, "{:?}: {answer}", self.account);
    }

    /// The provider's id of a refund.
    fn at_provider(&self, refund: &str) -> String {
        if self.account == Account::Hyperswitch {
            return refund_number(&RefundId::new(refund).unwrap());
        }
        refund.to_owned()
    }

    /// From now on these faults apply to requests and reports of a payment and its refund.
    pub(super) fn strikes(
        &self,
        (payment, on_payment): (&str, Option<Fault>),
        (refund, on_refund): (&str, Option<Fault>),
    ) {
        let (provider, refund) = (self.provider(), self.at_provider(refund));
        assert!(self.simulator.set_fault(provider, payment, on_payment));
        match on_refund {
            // Without one of its own that of its payment is the refund's.
            None if on_payment.is_some() => {}
            _ => assert!(self.simulator.set_fault(provider, &refund, on_refund)),
        }
    }

    fn database(&self) -> MutexGuard<'_, Connection> {
        self.database.lock().unwrap()
    }

    /// The status of a refund, and when it is worked on next.
    pub(super) fn stands(&self, refund: &str) -> (String, Option<i64>) {
        const STANDS: &str =
            "SELECT workflow_status, due_at FROM eg_pg_transaction_refund WHERE refund_id = ?1";
        self.database().query_row(STANDS, [refund], |row| Ok((row.get(0)?, row.get(1)?))).unwrap()
    }

    /// Lets time pass until the refund was worked on once more; its status then. Questions do not run out.
    pub(super) async fn moves_on(&self, refund: &str) -> String {
        const PASS: &str = "UPDATE eg_pg_transaction_refund SET due_at = ?1, checks = 0
            WHERE refund_id = ?2 AND due_at IS NOT NULL";
        self.database().execute(PASS, (DUE, refund)).unwrap();
        let started = Instant::now();
        loop {
            let (status, due_at) = self.stands(refund);
            if due_at != Some(DUE) {
                return status;
            }
            assert!(started.elapsed() < PATIENCE, "{:?}: {refund} stays {status}", self.account);
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }

    /// Waits for a status; on the way to it no other is final.
    pub(super) async fn reaches(&self, refund: &str, expected: &str, at: &str) {
        let started = Instant::now();
        loop {
            let status = self.moves_on(refund).await;
            if status == expected {
                return;
            }
            let is_open = status == "APPROVED" || status == "SENT";
            let goes_on = is_open && started.elapsed() < PATIENCE;
            assert!(goes_on, "{at}: {status}, not {expected}: {:#?}", self.history(refund));
        }
    }

    /// The lines of a refund's history.
    pub(super) fn history(&self, refund: &str) -> Vec<String> {
        const LINES: &str = "SELECT to_status || ': ' || why FROM eg_pg_refund_history WHERE refund_id = ?1
            ORDER BY entry_number";
        let database = self.database();
        let mut lines = database.prepare(LINES).unwrap();
        lines.query_map([refund], |row| row.get(0)).unwrap().map(Result::unwrap).collect()
    }

    /// Waits until a case is raised.
    pub(super) async fn tells(&self, payment: &str, refund: &str, kind: AttentionKind, at: &str) {
        const CASES: &str = "SELECT count(*) FROM eg_pg_attention WHERE txn_id = ?1 AND kind = ?2";
        let started = Instant::now();
        loop {
            let told = (payment, kind.as_str());
            let cases: i64 = self.database().query_row(CASES, told, |row| row.get(0)).unwrap();
            if cases == 1 {
                return;
            }
            assert!(started.elapsed() < PATIENCE, "{at}: {kind:?} is not told");
            self.moves_on(refund).await;
        }
    }

    /// The refund as applications see it.
    pub(super) async fn is_shown(&self, refund: &str, status: &str, at: &str) {
        let path = format!("_search?refundId={refund}");
        let (_, answer) = self.post(&path, ("maker-1", "PG_REFUND_MAKER"), Value::Null).await;
        let shown = match status {
            "SUCCEEDED" => "SUCCESS",
            "FAILED" => "FAILURE",
            _ => "PENDING",
        };
        assert_eq!(answer["Refund"][0]["refundTxnStatus"], shown, "{at}: {answer}");
    }

    /// The refunds of a payment in the provider's books.
    pub(super) fn entries(&self, payment: &str) -> Vec<RefundEntry> {
        let mut books = self.simulator.refund_books(0, usize::MAX);
        books.retain(|entry| entry.order == payment);
        books
    }

    /// A delayed decision on a refund comes now.
    pub(super) fn elapses(&self, refund: &str) {
        let _ = self.simulator.elapse_refund(self.provider(), &self.at_provider(refund));
    }
}
