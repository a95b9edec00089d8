//! The guard before a scripted gateway, with paused time.

use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use payment_domain::{Money, Outcome};
use tokio::time::Instant;

use payment_domain::GatewayName;

use super::*;
use crate::conformance::sample;

#[derive(Clone, Copy, PartialEq, Eq)]
enum Does {
    Answer,
    Hang,
    NotSent,
    LocalFault,
    Unanswered,
    Unreadable,
    Refuse,
}

struct Stub {
    profile: Profile,
    does: Mutex<Does>,
    reached: AtomicUsize,
}

impl Stub {
    fn of(start_mode: StartMode, verify_mode: VerifyMode) -> Arc<Stub> {
        Arc::new(Stub {
            profile: Profile {
                name: GatewayName::new("STUB"),
                transaction_parameter: "order".into(),
                start_mode,
                verify_mode,
                needs_bank_account: false,
                needs_form_page: false,
                sends_callbacks: true,
                currencies: crate::Currencies::RUPEES,
                refuses_second_payment: true,
                session: crate::USUAL_SESSION,
            },
            does: Mutex::new(Does::Answer),
            reached: AtomicUsize::new(0),
        })
    }

    fn now(&self, does: Does) {
        *self.does.lock().unwrap() = does;
    }

    fn reached(&self) -> usize {
        self.reached.load(Ordering::SeqCst)
    }

    async fn called(&self) -> Result<(), GatewayError> {
        self.reached.fetch_add(1, Ordering::SeqCst);
        let does = *self.does.lock().unwrap();
        match does {
            Does::Answer => Ok(()),
            Does::Hang => std::future::pending().await,
            Does::NotSent => Err(GatewayError::NotSent("refused".into())),
            Does::LocalFault => Err(GatewayError::LocalFault("no file descriptor".into())),
            Does::Unanswered => Err(GatewayError::Unanswered("cut".into())),
            Does::Unreadable => Err(GatewayError::Unreadable("garbage".to_owned())),
            Does::Refuse => Err(GatewayError::Refused { code: "NO".to_owned() }),
        }
    }
}

#[async_trait]
impl Gateway for Stub {
    fn profile(&self) -> &Profile {
        &self.profile
    }

    fn closing(&self) -> Option<&dyn crate::Closing> {
        None
    }

    fn refunding(&self) -> Option<&dyn crate::Refunding> {
        None
    }

    async fn start(&self, _order: &Order<'_>) -> Result<Redirect, GatewayError> {
        self.called().await.map(|()| Redirect::To("https://pay.example/".to_owned()))
    }

    fn names(&self, answer: &Answer) -> Option<TxnId> {
        answer.transaction_in("order")
    }

    async fn verify(&self, _txn: &Transaction, _answer: &Answer) -> Result<Evidence, GatewayError> {
        self.called().await.map(|()| Evidence::Unsigned)
    }

    async fn status(&self, _txn: &Transaction) -> Result<Report, GatewayError> {
        self.called().await.map(|()| Report {
            outcome: Outcome::Pending,
            gateway_txn_id: None,
            payment_mode: None,
            bank_txn_no: None,
            returned: None,
            status_code: None,
            status_message: None,
            raw: serde_json::Value::Null,
        })
    }
}

fn settings() -> GuardSettings {
    GuardSettings {
        calls_at_once: 2,
        verifications_at_once: 1,
        longest_wait: Duration::from_secs(2),
        failures_in_a_row: 3,
        cool_down: Duration::from_secs(30),
        ..GuardSettings::default()
    }
}

fn guarded(stub: &Arc<Stub>) -> Arc<Guarded> {
    Arc::new(Guarded::new(stub.clone(), settings()))
}

fn network() -> (Arc<Stub>, Arc<Guarded>) {
    let stub = Stub::of(StartMode::Network, VerifyMode::Network);
    let guarded = guarded(&stub);
    (stub, guarded)
}

fn txn(number: usize) -> Transaction {
    sample::transaction(&format!("T{number}"), "1.00")
}

async fn status(guarded: &Guarded, number: usize) -> Result<Report, GatewayError> {
    guarded.status(&txn(number)).await
}

async fn start(guarded: &Guarded, number: usize) -> Result<Redirect, GatewayError> {
    let txn = txn(number);
    guarded.start(&sample::order(&txn)).await
}

async fn verify(guarded: &Guarded) -> Result<Evidence, GatewayError> {
    guarded.verify(&txn(0), &Answer::default()).await
}

fn retry_after<T>(result: Result<T, GatewayError>) -> Option<Duration> {
    match result {
        Err(GatewayError::Unavailable { retry_after }) => Some(retry_after),
        Ok(_) | Err(_) => None,
    }
}

async fn bring_down(stub: &Stub, guarded: &Guarded) {
    stub.now(Does::NotSent);
    for number in 100..103 {
        assert!(matches!(status(guarded, number).await, Err(GatewayError::NotSent(_))));
    }
}

#[tokio::test(start_paused = true)]
async fn a_gateway_that_is_down_is_not_called_and_says_so() {
    let (stub, guarded) = network();
    assert_eq!(guarded.availability(), Availability::Available);
    bring_down(&stub, &guarded).await;
    let cool_down = Duration::from_secs(30);
    assert_eq!(guarded.availability(), Availability::Unavailable { retry_after: cool_down });
    let before = (stub.reached(), Instant::now());
    assert_eq!(retry_after(start(&guarded, 1).await), Some(cool_down));
    assert_eq!(retry_after(status(&guarded, 1).await), Some(cool_down));
    assert_eq!(retry_after(verify(&guarded).await), Some(cool_down));
    assert_eq!(before, (stub.reached(), Instant::now()), "no call was made and no caller waited");
}

#[tokio::test(start_paused = true)]
async fn every_way_of_not_answering_counts_and_a_refusal_is_an_answer() {
    for does in [Does::NotSent, Does::Unanswered, Does::Unreadable] {
        let (stub, guarded) = network();
        stub.now(does);
        for number in 0..3 {
            assert!(start(&guarded, number).await.is_err());
        }
        assert!(retry_after(start(&guarded, 4).await).is_some());
    }
    let (stub, guarded) = network();
    stub.now(Does::Refuse);
    for number in 0..50 {
        assert!(matches!(start(&guarded, number).await, Err(GatewayError::Refused { .. })));
    }
}

#[tokio::test(start_paused = true)]
async fn a_fault_of_ours_is_no_fault_of_the_gateway() {
    let (stub, guarded) = network();
    stub.now(Does::LocalFault);
    for number in 0..50 {
        assert!(matches!(start(&guarded, number).await, Err(GatewayError::LocalFault(_))));
        assert!(matches!(status(&guarded, number).await, Err(GatewayError::LocalFault(_))));
    }
    assert_eq!(guarded.availability(), Availability::Available);
}

#[tokio::test(start_paused = true)]
async fn a_redirect_that_is_computed_here_needs_no_permit() {
    let stub = Stub::of(StartMode::Offline, VerifyMode::Offline);
    let guarded = guarded(&stub);
    bring_down(&stub, &guarded).await;
    stub.now(Does::Answer);
    assert!(start(&guarded, 1).await.is_ok());
    assert!(verify(&guarded).await.is_ok());
    assert!(matches!(guarded.availability(), Availability::Unavailable { .. }));
}

#[tokio::test(start_paused = true)]
async fn after_the_cool_down_a_status_request_closes_the_breaker() {
    let (stub, guarded) = network();
    bring_down(&stub, &guarded).await;
    tokio::time::advance(Duration::from_secs(30)).await;
    stub.now(Does::Answer);
    assert!(status(&guarded, 1).await.is_ok());
    assert_eq!(guarded.availability(), Availability::Available);
    for number in 0..10 {
        assert!(start(&guarded, number).await.is_ok());
    }
}

#[tokio::test(start_paused = true)]
async fn only_one_call_probes() {
    let (stub, guarded) = network();
    bring_down(&stub, &guarded).await;
    tokio::time::advance(Duration::from_secs(30)).await;
    stub.now(Does::Hang);
    let before = stub.reached();
    let probe = tokio::spawn({
        let guarded = guarded.clone();
        async move { status(&guarded, 1).await.map(drop) }
    });
    while stub.reached() == before {
        tokio::task::yield_now().await;
    }
    assert_eq!(retry_after(status(&guarded, 2).await), Some(Duration::from_secs(1)));
    assert_eq!(stub.reached(), before + 1);
    // The caller gave up: that is no answer.
    probe.abort();
    assert!(probe.await.unwrap_err().is_cancelled());
    assert_eq!(retry_after(status(&guarded, 2).await), Some(Duration::from_secs(30)));
}

#[tokio::test(start_paused = true)]
async fn concurrent_calls_and_waits_for_them_are_bounded() {
    let (stub, guarded) = network();
    stub.now(Does::Hang);
    let hanging: Vec<_> = (0..2)
        .map(|number| {
            let guarded = guarded.clone();
            tokio::spawn(async move { status(&guarded, number).await.map(drop) })
        })
        .collect();
    while stub.reached() < 2 {
        tokio::task::yield_now().await;
    }
    let begun = Instant::now();
    assert_eq!(retry_after(start(&guarded, 3).await), Some(Duration::from_secs(1)));
    assert_eq!(begun.elapsed(), Duration::from_secs(2));
    assert_eq!(stub.reached(), 2, "it was not sent");
    stub.now(Does::Answer);
    assert!(verify(&guarded).await.is_ok(), "verifications have places of their own");
    hanging[0].abort();
    assert!(start(&guarded, 3).await.is_ok(), "the place of a call that was given up is free");
    assert_eq!(guarded.availability(), Availability::Available);
}

#[tokio::test(start_paused = true)]
async fn a_cancelled_call_counts_as_unanswered() {
    let (stub, guarded) = network();
    stub.now(Does::Hang);
    for number in 0..3 {
        let given_up = tokio::time::timeout(Duration::from_secs(1), status(&guarded, number)).await;
        assert!(given_up.is_err());
    }
    assert!(retry_after(status(&guarded, 3).await).is_some());
}

#[tokio::test(start_paused = true)]
async fn forged_callbacks_never_open_the_breaker() {
    let (stub, guarded) = network();
    for does in [Does::Unreadable, Does::Unanswered, Does::NotSent] {
        stub.now(does);
        for _ in 0..50 {
            assert!(verify(&guarded).await.is_err());
        }
    }
    assert_eq!(guarded.availability(), Availability::Available);
}

#[tokio::test]
async fn no_order_is_opened_in_a_currency_that_the_gateway_does_not_take() {
    for start_mode in [StartMode::Offline, StartMode::Network] {
        let stub = Stub::of(start_mode, VerifyMode::Offline);
        let guarded = guarded(&stub);
        let dollars = Money::from_minor(100, Currency::from_code("USD").unwrap()).unwrap();
        let txn = Transaction { amount: dollars, ..txn(1) };
        let refused = guarded.start(&sample::order(&txn)).await;
        assert!(matches!(refused, Err(GatewayError::Refused { code }) if code == Currency::NOT_SUPPORTED));
        assert_eq!(stub.reached(), 0);
    }
}
