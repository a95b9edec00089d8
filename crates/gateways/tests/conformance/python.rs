//! The remote gateway in `examples/remote-gateway-python`, started as its users start it.

use std::collections::HashMap;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use payment_domain::{Currency, Money, RefundId, SystemClock, TxnId};
use payment_gateway::conformance::{Deed, Forgery, Notification, Proof, Provider, RefundDeed, Seen};
use payment_gateway::{Answer, Gateway, Redirect};
use payment_gateways::Account;
use payment_gateways::client::Client;
use payment_gateways::form as encoding;
use payment_gateways::remote::RemoteAccount;
use payment_settings::{Reader, Values};

use crate::form::{self, Fields};
use crate::receiver::Receiver;

const SECRET: &str = "0123456789abcdef0123456789abcdef";
const PROVIDER_KEY: &str = "the toy provider's own key";

const FIELDS: Fields = Fields {
    signature: "providerSign",
    order: "orderId",
    amount: "amountPaise",
    outcome: "status",
    words: ["CAPTURED", "DENIED"],
};

struct Python {
    _process: Process,
    base_url: String,
    http: reqwest::Client,
    receiver: Receiver,
    pages: Mutex<HashMap<String, String>>,
    ways_back: Mutex<HashMap<String, String>>,
    /// Whether the provider owes a report.
    owes_a_report: Mutex<bool>,
    folder: tempfile::TempDir,
}

/// Ends with the test, however that ends.
struct Process(Child);

impl Drop for Process {
    fn drop(&mut self) {
        let _ended_before = self.0.kill();
        let _status = self.0.wait();
    }
}

fn example() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../examples/remote-gateway-python")
}

/// Without leaving compiled files among the sources.
fn python() -> Command {
    let mut python = Command::new("python3");
    python.arg("-B");
    python
}

const NO_PYTHON: &str = "python3 is needed for this test and cannot be started: install Python 3.9 or later";

/// Runs the tests that the example brings along.
pub(crate) fn own_tests() -> Result<(), libtest_mimic::Failed> {
    let output =
        python().args(["-m", "unittest", "discover", "-s"]).arg(example()).output().expect(NO_PYTHON);
    match output.status.success() {
        true => Ok(()),
        false => Err(String::from_utf8_lossy(&output.stderr).into_owned().into()),
    }
}

pub(crate) async fn provider() -> Arc<dyn Provider> {
    let folder = tempfile::tempdir().unwrap();
    let process = python()
        .arg(example().join("serve.py"))
        .args(["--port", "0", "--database"])
        .arg(folder.path().join("provider.sqlite"))
        .env("REMOTE_GATEWAY_SECRET", SECRET)
        .env("TOY_PROVIDER_KEY", PROVIDER_KEY)
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .expect(NO_PYTHON);
    let mut process = Process(process);
    let mut line = String::new();
    BufReader::new(process.0.stdout.take().unwrap()).read_line(&mut line).unwrap();
    let base_url = line.trim().rsplit("base URL ").next().unwrap_or_default().to_owned();
    assert!(
        base_url.starts_with("http://127.0.0.1:"),
        "the example says where it listens, and said: {line:?}"
    );
    let receiver = Receiver::start().await;
    let http = reqwest::Client::builder().redirect(reqwest::redirect::Policy::none()).build().unwrap();
    let (pages, ways_back, owes_a_report) = Default::default();
    Arc::new(Python { _process: process, base_url, http, receiver, pages, ways_back, owes_a_report, folder })
}

impl Python {
    async fn choose(&self, order: &TxnId, choice: &str) {
        let page =
            self.pages.lock().unwrap().get(order.as_str()).cloned().expect("the payer is at the pay page");
        let answer = self
            .http
            .post(page)
            .header("content-type", "application/x-www-form-urlencoded")
            .body(encoding::encode(&[("choice", choice)]))
            .send()
            .await
            .unwrap();
        assert_eq!(answer.status().as_u16(), 303);
        let location = answer.headers()["location"].to_str().unwrap().to_owned();
        self.ways_back.lock().unwrap().insert(order.to_string(), location);
        *self.owes_a_report.lock().unwrap() = true;
    }
}

/// The text of the element with this id.
fn element<'a>(page: &'a str, id: &str) -> &'a str {
    let (_, rest) = page.split_once(&format!("id=\"{id}\">")).expect("the page has the element");
    rest.split_once('<').unwrap().0
}

#[async_trait]
impl Provider for Python {
    fn gateway(&self) -> Arc<dyn Gateway> {
        self.gateway_at(&self.base_url, Duration::from_secs(20))
    }

    fn gateway_at(&self, base_url: &str, timeout: Duration) -> Arc<dyn Gateway> {
        let values = Values::of([
            ("remote.toy.base-url", base_url.to_owned()),
            ("remote.toy.secret", SECRET.to_owned()),
            ("remote.toy.closes-orders", "true".to_owned()),
            ("remote.toy.refunds", "parts".to_owned()),
            ("remote.toy.refund-repetition", "replayed".to_owned()),
            ("remote.toy.timeout-ms", timeout.as_millis().to_string()),
        ]);
        let account = RemoteAccount::read(&mut Reader::new(&values).fork(Some("toy")), "toy").unwrap();
        let client = Client::new(account.limits().unwrap()).unwrap();
        account.adapter(client, Arc::new(SystemClock))
    }

    fn notify_url(&self) -> String {
        self.receiver.url.clone()
    }

    async fn arrive(&self, redirect: &Redirect) -> Seen {
        let Redirect::To(url) = redirect else { panic!("the toy provider is followed to") };
        let answer = self.http.get(url).send().await.unwrap();
        assert_eq!(answer.status().as_u16(), 200);
        let page = answer.text().await.unwrap();
        let order = element(&page, "order").to_owned();
        let amount = element(&page, "amount").strip_prefix("₹ ").unwrap();
        let amount = Money::parse(amount, Currency::INR).unwrap();
        self.pages.lock().unwrap().insert(order.clone(), url.clone());
        Seen { order, amount }
    }

    async fn does(&self, order: &TxnId, deed: Deed) {
        let choice = match deed {
            Deed::IsPaid | Deed::IsPaidAtLast => "pay",
            Deed::IsPaidOtherwise => "less",
            Deed::IsDeclined | Deed::IsDeclinedForNow => "decline",
            Deed::IsPending => "wait",
            Deed::IsUnheardOf => "hold",
            Deed::IsPaidInAnotherCurrency => panic!("it takes rupees alone"),
        };
        self.choose(order, choice).await;
    }

    fn never(&self) -> Vec<Deed> {
        vec![Deed::IsPaidInAnotherCurrency]
    }

    async fn notifications(&self, order: &TxnId) -> Vec<Notification> {
        let signed = |answer, by_browser| Notification { answer, by_browser, proof: Proof::Content };
        let way = self.ways_back.lock().unwrap().get(order.as_str()).cloned();
        let mut notifications: Vec<Notification> =
            way.map(|url| signed(form::brought_by_browser(&url, Vec::new()), true)).into_iter().collect();
        if std::mem::take(&mut *self.owes_a_report.lock().unwrap()) {
            notifications.extend(self.receiver.wait().await.into_iter().map(|answer| signed(answer, false)));
        }
        notifications
    }

    fn forged(&self, notification: &Notification, forgery: &Forgery) -> Option<Answer> {
        FIELDS.forged(&notification.answer, forgery)
    }

    async fn refunds_are(&self, _payment: &TxnId, deed: RefundDeed) -> bool {
        deed == RefundDeed::IsGivenBack
    }

    async fn ends(&self, refund: &RefundId) {
        panic!("nothing of {refund} is still to come");
    }

    async fn given_back(&self, payment: &TxnId) -> Vec<(String, i64)> {
        let books = rusqlite::Connection::open(self.folder.path().join("provider.sqlite")).unwrap();
        let mut refunds = books.prepare("SELECT id, amount_paise FROM refunds WHERE number = ?1").unwrap();
        let rows = refunds.query_map([payment.as_str()], |row| Ok((row.get(0)?, row.get(1)?))).unwrap();
        rows.map(|row| row.unwrap()).collect()
    }

    fn asks_before_it_refunds(&self) -> bool {
        false
    }

    fn secrets(&self) -> Vec<String> {
        vec![SECRET.to_owned(), PROVIDER_KEY.to_owned()]
    }
}
