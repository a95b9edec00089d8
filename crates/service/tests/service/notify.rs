//! Text messages: to which payer, when, and how often.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use crate::support::{World, declined, paid, request, request_in, world};
use async_trait::async_trait;
use payment_digit::{Bills, DigitError, Links, Messages};
use payment_domain::{Actor, BillId, EventKind, RequestInfo, TenantId, TxnId};
use payment_gateway::Answer;
use payment_service::{
    Caller, Identity, NotificationPorts, NotificationSettings, Notifications, Notified, NotifyError,
    PaymentLink, UnreadableEvent,
};
use payment_store::StoreError;
use serde_json::{Value, json};

#[derive(Clone, Copy, PartialEq, Eq)]
enum Fault {
    Unavailable,
    Refuses,
}

impl Fault {
    fn error(self, service: &'static str) -> DigitError {
        match self {
            Fault::Unavailable => DigitError::NotSent { service, source: "connection refused".into() },
            Fault::Refuses => DigitError::Refused { service, body: "{}".to_owned() },
        }
    }
}

/// The DIGIT services that messages take.
#[derive(Default)]
struct Digit {
    texts: Mutex<BTreeMap<(String, String), String>>,
    asked: Mutex<Vec<String>>,
    localization: Mutex<Option<Fault>>,
    billing: Mutex<Option<Fault>>,
    shortener: Mutex<Option<Fault>>,
    knows_bills: Mutex<Option<String>>,
    short_link: Mutex<Option<String>>,
    bills_asked: AtomicU32,
}

#[async_trait]
impl Messages for Digit {
    async fn text(
        &self,
        info: &RequestInfo,
        tenant: &TenantId,
        locale: &str,
        code: &str,
    ) -> Result<Option<String>, DigitError> {
        assert_eq!(info.user("type").as_deref(), Some("SYSTEM"), "RequestInfo is passed on");
        self.asked.lock().unwrap().push(format!("{tenant} {locale} {code}"));
        if let Some(trouble) = *self.localization.lock().unwrap() {
            return Err(trouble.error("egov-localization"));
        }
        Ok(self.texts.lock().unwrap().get(&(locale.to_owned(), code.to_owned())).cloned())
    }
}

#[async_trait]
impl Bills for Digit {
    async fn business_service(
        &self,
        _: &RequestInfo,
        tenant: &TenantId,
        bill: &BillId,
    ) -> Result<Option<String>, DigitError> {
        self.bills_asked.fetch_add(1, Ordering::SeqCst);
        assert_eq!((tenant.as_str(), bill.as_str()), ("pb.amritsar", "B1"));
        match *self.billing.lock().unwrap() {
            Some(trouble) => Err(trouble.error("billing-service")),
            None => Ok(self.knows_bills.lock().unwrap().clone()),
        }
    }
}

#[async_trait]
impl Links for Digit {
    async fn shorten(&self, _: &str) -> Result<String, DigitError> {
        match *self.shortener.lock().unwrap() {
            Some(trouble) => Err(trouble.error("egov-url-shortening")),
            None => Ok(self.short_link.lock().unwrap().clone().unwrap_or_default()),
        }
    }
}

const LONG_LINK: &str = "https://city.example/citizen/withoutAuth/egov-common/pay?consumerCode=PT-1\
    &tenantId=pb.amritsar&businessService=";

struct MessageWorld {
    base: World,
    digit: Arc<Digit>,
    notifications: Notifications,
}

fn message_world() -> MessageWorld {
    let world = world();
    let digit = Arc::new(Digit::default());
    digit.text("en_IN", "PG_NOTIFICATION_SUCCESS", "Rs {amount} for {consumerCode} are paid ({txnId}).");
    digit.text(
        "en_IN",
        "PG_NOTIFICATION_FAILURE",
        "Rs {amount} for {consumerCode}: {Payment failure reason}. Pay at {payment link}",
    );
    *digit.knows_bills.lock().unwrap() = Some("PT".to_owned());
    *digit.short_link.lock().unwrap() = Some("https://s.example/x1\n".to_owned());
    let ports = NotificationPorts {
        store: world.store.clone(),
        messages: digit.clone(),
        bills: Some(digit.clone()),
        links: Some(digit.clone()),
        clock: world.clock.clone(),
    };
    let notifications = Notifications::new(ports, settings());
    MessageWorld { base: world, digit, notifications }
}

fn settings() -> NotificationSettings {
    NotificationSettings {
        payment_link: Some(PaymentLink::new("https://city.example/", PaymentLink::DEFAULT_PATH).unwrap()),
        ..NotificationSettings::default()
    }
}

impl Digit {
    fn text(&self, locale: &str, code: &str, text: &str) {
        self.texts.lock().unwrap().insert((locale.to_owned(), code.to_owned()), text.to_owned());
    }
}

impl MessageWorld {
    fn without_billing_and_shortener(&self) -> NotificationPorts {
        NotificationPorts {
            store: self.base.store.clone(),
            messages: self.digit.clone(),
            bills: None,
            links: None,
            clock: self.base.clock.clone(),
        }
    }

    /// A payment that our own job has settled.
    async fn settled(&self, outcome: payment_domain::Outcome) -> TxnId {
        let id = self.base.pending("B1", "100").await;
        self.base.gateway.answers(outcome);
        self.settle_as(Identity::system("system-1"), &id).await;
        id
    }

    async fn settle_as(&self, identity: Identity, id: &TxnId) {
        let caller = Caller::new(Actor::job("early"), identity);
        self.base.payments.settlement.settle(id, &Answer::default(), &caller).await.unwrap();
    }

    /// The events that consumers see of a transaction.
    async fn events(&self, id: &TxnId) -> Vec<String> {
        let events = self.base.store.events_of(id).await.unwrap();
        events
            .into_iter()
            .map(|stored| stored.event)
            .filter(|event| matches!(event.kind, EventKind::SaveTransaction | EventKind::UpdateTransaction))
            .map(|event| event.body)
            .collect()
    }

    async fn take(&self, event: &str) -> Result<Notified, NotifyError> {
        self.notifications.take(event.as_bytes()).await
    }

    async fn take_all(&self, id: &TxnId) -> Vec<Notified> {
        let mut all = Vec::new();
        for event in self.events(id).await {
            all.push(self.take(&event).await.unwrap());
        }
        all
    }

    /// The messages that wait in the outbox.
    async fn messages(&self, id: &TxnId) -> Vec<Value> {
        let events = self.base.store.events_of(id).await.unwrap();
        events
            .iter()
            .filter(|stored| stored.event.kind == EventKind::Sms)
            .map(|stored| serde_json::from_str(&stored.event.body).unwrap())
            .collect()
    }

    /// The text of the one message.
    async fn message(&self, id: &TxnId) -> String {
        let messages = self.messages(id).await;
        assert_eq!(messages.len(), 1, "{messages:?}");
        messages[0]["message"].as_str().unwrap().to_owned()
    }
}

#[tokio::test]
async fn a_payer_gets_one_message_about_a_payment_settled_by_a_job() {
    let world = message_world();
    let id = world.settled(paid("100")).await;
    // Created by a citizen; then a success, and the same with its receipt, by our job.
    assert_eq!(world.take_all(&id).await, [Notified::NotForUs, Notified::Stored, Notified::Repeated]);
    assert_eq!(world.take_all(&id).await, [Notified::NotForUs, Notified::Repeated, Notified::Repeated]);
    assert_eq!(
        world.messages(&id).await,
        [json!({
            "mobileNumber": "9876543210",
            "message": "Rs 100.00 for PT-1 are paid (T0001).",
            "category": null,
            "expiryTime": null,
        })]
    );
    assert_eq!(world.digit.bills_asked.load(Ordering::SeqCst), 0, "this text has no link");
    assert_eq!(world.digit.asked.lock().unwrap()[0], "pb.amritsar en_IN PG_NOTIFICATION_SUCCESS");
}

#[tokio::test]
async fn a_payer_who_received_the_answer_is_sent_no_message() {
    let world = message_world();
    let id = world.base.pending("B1", "100").await;
    world.base.gateway.answers(paid("100"));
    world.base.settle(&id).await;
    assert_eq!(world.take_all(&id).await, [Notified::NotForUs; 3]);
    assert_eq!(world.messages(&id).await, Vec::<Value>::new());
}

/// A claim to be the system user, with another's number and words in it.
fn claimed() -> RequestInfo {
    serde_json::from_value(json!({"notifyPayer": true, "userInfo": {"uuid": "system-1", "type": "SYSTEM",
        "name": "x", "userName": "x", "mobileNumber": "9999999999", "tenantId": "pb"}}))
    .unwrap()
}

#[tokio::test]
async fn a_caller_who_claims_to_be_the_system_causes_no_message() {
    let world = message_world();
    for identity in
        [Identity::unproven(&claimed()), Identity::unverifiable(&claimed()), Identity::vouched(claimed())]
    {
        let mut request = request(&[("B1", "100")]);
        request.identity = identity.clone();
        request.additional_details.insert("notifyPayer".to_owned(), json!(true));
        let txn = world.base.create(request).await.unwrap();
        let id = TxnId::new(txn["txnId"].as_str().unwrap()).unwrap();
        world.base.gateway.answers(declined());
        let caller = Caller::new(Actor::user("system-1"), identity);
        world.base.payments.settlement.settle(&id, &Answer::default(), &caller).await.unwrap();
        for event in world.events(&id).await {
            let event: Value = serde_json::from_str(&event).unwrap();
            assert_eq!(event["RequestInfo"]["userInfo"]["type"], Value::Null);
            assert_eq!(event.get("notifyPayer"), None);
        }
        assert_eq!(world.take_all(&id).await, [Notified::NotForUs; 2]);
        assert_eq!(world.messages(&id).await, Vec::<Value>::new());
    }
}

#[tokio::test]
async fn a_forged_event_sends_only_stored_facts_to_the_true_payer() {
    let world = message_world();
    let forged = |txn_id: &str, status: &str, mark: bool| {
        let mut event = json!({"RequestInfo": claimed(), "Transaction": {"txnId": txn_id, "tenantId": "evil",
            "txnAmount": "1.00", "txnStatus": status, "txnStatusMsg": "call 9999999999", "consumerCode": "WIN A PRIZE",
            "billId": "B1", "user": {"mobileNumber": "9999999999"}}});
        if mark {
            event["notifyPayer"] = json!(true);
        }
        event.to_string()
    };
    let id = world.base.pending("B1", "100").await;
    world.base.gateway.answers(paid("100"));
    world.base.settle(&id).await;
    for (event, expected) in [
        (forged("NOWHERE", "SUCCESS", true), Notified::NoTransaction),
        (forged("NOWHERE", "SUCCESS", false), Notified::NotForUs),
        (forged(id.as_str(), "FAILURE", true), Notified::Overtaken),
        (forged(id.as_str(), "SUCCESS", false), Notified::NotForUs),
    ] {
        assert_eq!(world.take(&event).await.unwrap(), expected, "{event}");
    }
    assert_eq!(world.messages(&id).await, Vec::<Value>::new());
    assert_eq!(world.take(&forged(id.as_str(), "SUCCESS", true)).await.unwrap(), Notified::Stored);
    assert_eq!(world.take(&forged(id.as_str(), "SUCCESS", true)).await.unwrap(), Notified::Repeated);
    assert_eq!(world.message(&id).await, format!("Rs 100.00 for PT-1 are paid ({id})."));
    assert_eq!(world.messages(&id).await[0]["mobileNumber"], "9876543210");
}

#[tokio::test]
async fn changes_by_a_job_of_an_earlier_version_are_announced_too() {
    let world = message_world();
    let id = world.settled(paid("100")).await;
    let mut event: Value = serde_json::from_str(&world.events(&id).await[1]).unwrap();
    assert_eq!(event.as_object_mut().unwrap().remove("notifyPayer"), Some(json!(true)));
    assert_eq!(world.take(&event.to_string()).await.unwrap(), Notified::Stored);
}

#[tokio::test]
async fn a_failed_payment_comes_with_a_short_link_to_pay_again() {
    let world = message_world();
    let id = world.settled(declined()).await;
    assert_eq!(world.take_all(&id).await, [Notified::NotForUs, Notified::Stored]);
    assert_eq!(
        world.message(&id).await,
        "Rs 100.00 for PT-1: Transaction failed at gateway. Pay at https://s.example/x1"
    );
}

#[tokio::test]
async fn a_message_names_another_currency_than_the_rupee_and_billing_is_not_called() {
    let world = message_world();
    let txn = world.base.create(request_in("USD", "B1", "15.50")).await.unwrap();
    let id = TxnId::new(txn["txnId"].as_str().unwrap()).unwrap();
    world.base.gateway.answers(declined());
    world.settle_as(Identity::system("system-1"), &id).await;
    world.take_all(&id).await;
    let message = world.message(&id).await;
    assert_eq!(message, "15.50 USD for PT-1: Transaction failed at gateway. Pay at https://s.example/x1");
    assert_eq!(world.digit.bills_asked.load(Ordering::SeqCst), 0);
}

#[tokio::test]
async fn a_payer_gets_a_message_even_without_a_short_link() {
    for (billing, shortener, asked, service) in [
        (None, Some(Fault::Unavailable), 1, "PT"),
        (Some(Fault::Unavailable), Some(Fault::Refuses), 3, "PT"),
        (Some(Fault::Refuses), Some(Fault::Unavailable), 1, "PT"),
    ] {
        let world = message_world();
        *world.digit.knows_bills.lock().unwrap() = Some("PT".to_owned());
        *world.digit.billing.lock().unwrap() = billing;
        *world.digit.shortener.lock().unwrap() = shortener;
        let id = world.settled(declined()).await;
        world.take_all(&id).await;
        let message = world.message(&id).await;
        assert!(message.ends_with(&format!("Pay at {LONG_LINK}{service}")), "{message}");
        assert_eq!(world.digit.bills_asked.load(Ordering::SeqCst), asked);
    }
    let world = message_world();
    *world.digit.short_link.lock().unwrap() = Some("<html>Bad gateway</html>".to_owned());
    let id = world.settled(declined()).await;
    world.take_all(&id).await;
    let message = world.message(&id).await;
    assert!(message.ends_with(&format!("{LONG_LINK}PT")), "what is no link is not sent: {message}");
}

#[tokio::test]
async fn without_billing_and_shortener_the_clients_own_words_serve() {
    let world = message_world();
    let alone = Notifications::new(world.without_billing_and_shortener(), settings());
    let id = world.settled(declined()).await;
    let event = world.events(&id).await.pop().unwrap();
    assert_eq!(alone.take(event.as_bytes()).await.unwrap(), Notified::Stored);
    let message = world.message(&id).await;
    assert!(message.ends_with(&format!("{LONG_LINK}PT")), "{message}");
}

/// The text comes from the database, not from the event.
#[tokio::test]
async fn an_event_without_bill_and_consumer_sends_the_stored_values() {
    let world = message_world();
    let id = world.settled(declined()).await;
    let mut event: Value = serde_json::from_str(&world.events(&id).await.pop().unwrap()).unwrap();
    event["Transaction"]["billId"] = Value::Null;
    event["Transaction"]["consumerCode"] = Value::Null;
    assert_eq!(world.take(&event.to_string()).await.unwrap(), Notified::Stored);
    let message = world.message(&id).await;
    assert!(message.starts_with("Rs 100.00 for PT-1: Transaction failed at gateway"), "{message}");
}

#[tokio::test]
async fn a_message_is_in_the_language_of_the_request() {
    let world = message_world();
    world.digit.text("pa_IN", "PG_NOTIFICATION_SUCCESS", "{amount} ਰੁਪਏ");
    let id = world.settled(paid("100")).await;
    let mut event: Value = serde_json::from_str(&world.events(&id).await[1]).unwrap();
    event["RequestInfo"]["msgId"] = json!("20170310130900|pa_IN");
    assert_eq!(world.take(&event.to_string()).await.unwrap(), Notified::Stored);
    assert_eq!(world.message(&id).await, "100.00 ਰੁਪਏ");
}

#[tokio::test]
async fn without_a_text_a_number_or_in_time_nothing_is_sent() {
    let world = message_world();
    let id = world.settled(paid("100")).await;
    let event: Value = serde_json::from_str(&world.events(&id).await[1]).unwrap();
    for number in ["not a number", "12345", "98765432109876543"] {
        let mut request = request(&[(number, "100")]);
        request.payer.mobile_number = payment_domain::Personal::new(number);
        let txn = world.base.create(request).await.unwrap();
        let id = TxnId::new(txn["txnId"].as_str().unwrap()).unwrap();
        world.settle_as(Identity::system("system-1"), &id).await;
        assert_eq!(world.take_all(&id).await[1..], [Notified::NoNumber; 2]);
    }
    world.digit.texts.lock().unwrap().clear();
    assert_eq!(world.take(&event.to_string()).await.unwrap(), Notified::NoText);
    world.digit.text("en_IN", "PG_NOTIFICATION_SUCCESS", " ");
    assert_eq!(world.take(&event.to_string()).await.unwrap(), Notified::NoText);
    world.base.clock.advance(Duration::from_secs(24 * 3600 + 1));
    assert_eq!(world.take(&event.to_string()).await.unwrap(), Notified::TooOld);
    assert_eq!(world.messages(&id).await, Vec::<Value>::new());
}

/// The log, as text.
#[derive(Clone, Default)]
struct Logged(Arc<Mutex<Vec<u8>>>);

impl std::io::Write for Logged {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

#[tokio::test]
async fn a_late_message_is_left_out_with_a_log_line() {
    let logged = Logged::default();
    let writer = logged.clone();
    let subscriber = tracing_subscriber::fmt().with_ansi(false).with_writer(move || writer.clone()).finish();
    let _guard = tracing::subscriber::set_default(subscriber);
    let world = message_world();
    let id = world.settled(paid("100")).await;
    let event = world.events(&id).await.remove(1);
    world.base.clock.advance(Duration::from_secs(24 * 3600 + 1));
    assert_eq!(world.take(&event).await.unwrap(), Notified::TooOld);
    let log = String::from_utf8(logged.0.lock().unwrap().clone()).unwrap();
    let line = log.lines().find(|line| line.contains("too old")).unwrap_or_else(|| panic!("{log}"));
    assert!(line.contains(id.as_str()) && line.contains("SUCCESS"), "{line}");
    let event_json: Value = serde_json::from_str(&event).unwrap();
    let number = event_json["Transaction"]["user"]["mobileNumber"].as_str().unwrap();
    assert!(!log.contains(number), "{log}");

    let patient = NotificationSettings { max_age: Some(Duration::from_secs(72 * 3600)), ..settings() };
    let patient = Notifications::new(world.without_billing_and_shortener(), patient);
    assert_eq!(patient.take(event.as_bytes()).await.unwrap(), Notified::Stored);
}

#[tokio::test]
async fn an_unavailable_service_is_asked_again_and_a_refusing_one_not_for_ever() {
    let world = message_world();
    let id = world.settled(paid("100")).await;
    let event = world.events(&id).await.remove(1);
    *world.digit.localization.lock().unwrap() = Some(Fault::Unavailable);
    assert!(matches!(world.take(&event).await, Err(NotifyError::Unavailable(_))));
    *world.digit.localization.lock().unwrap() = Some(Fault::Refuses);
    assert!(matches!(world.take(&event).await, Err(NotifyError::Refused(_))));
    *world.digit.localization.lock().unwrap() = None;
    assert_eq!(world.take(&event).await.unwrap(), Notified::Stored);
    assert!(matches!(
        NotifyError::from(StoreError::Unavailable("unavailable".into())),
        NotifyError::Unavailable(_)
    ));
    assert!(matches!(NotifyError::from(StoreError::Failed("full".into())), NotifyError::Refused(_)));
}

#[tokio::test]
async fn an_invalid_event_is_refused_without_being_quoted() {
    let world = message_world();
    let id = world.settled(paid("100")).await;
    let event: Value = serde_json::from_str(&world.events(&id).await[1]).unwrap();
    let without = |pointer: &str, value: Value| {
        let mut event = event.clone();
        *event.pointer_mut(pointer).unwrap() = value;
        event.to_string()
    };
    let deep = format!("{{\"RequestInfo\":{{\"x\":{}1{}}}}}", "[".repeat(5000), "]".repeat(5000));
    for (event, unreadable) in [
        (String::new(), UnreadableEvent::NotJson),
        ("not json".to_owned(), UnreadableEvent::NotJson),
        (deep, UnreadableEvent::NotJson),
        ("{}".to_owned(), UnreadableEvent::NotAnEvent),
        ("[]".to_owned(), UnreadableEvent::NotAnEvent),
        (without("/RequestInfo", json!(null)), UnreadableEvent::NotAnEvent),
        (without("/notifyPayer", json!("yes")), UnreadableEvent::NotAnEvent),
        (json!({"RequestInfo": {}, "TransactionDump": {}}).to_string(), UnreadableEvent::NotAnEvent),
        (format!("{{{}}}", " ".repeat(1 << 20)), UnreadableEvent::TooLarge),
    ] {
        match world.take(&event).await {
            Err(NotifyError::Unreadable(found)) => assert_eq!(found, unreadable),
            other => panic!("{other:?}"),
        }
    }
    for (pointer, value) in [
        ("/Transaction", json!(7)),
        ("/Transaction/txnId", json!(null)),
        ("/Transaction/txnStatus", json!("PAID")),
    ] {
        match world.take(&without(pointer, value)).await {
            Err(error @ NotifyError::Unreadable(UnreadableEvent::NotATransaction { .. })) => {
                assert!(!error.to_string().contains("9876543210"));
            }
            other => panic!("{pointer}: {other:?}"),
        }
    }
    assert_eq!(world.messages(&id).await, Vec::<Value>::new());
}
