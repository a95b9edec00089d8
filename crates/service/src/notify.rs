//! Telling payers by text message what became of a payment that nobody was waiting for.
//!
//! The events of transactions come back here from Kafka. Those that carry our mark (see `events`)
//! become a text message, one a transaction and status, however often the event is delivered: the
//! message is an event in the outbox, stored under a key that is used once.
//!
//! Others may write to the topics, too. So an event is only a hint: whom to tell what is read from our
//! own database. A forged one has a payer told what is true of their own payment, once, and nothing else.

use std::sync::Arc;
use std::time::Duration;

use payment_digit::{Bills, DigitError, Links, Messages};
use payment_domain::{
    ActorKind, Clock, Event, EventKind, RequestInfo, StatusName, TenantId, Timestamp, Transaction, TxnId,
};
use payment_store::{BoxError, Store, StoreError};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use url::Url;

/// How often the billing service is asked for what a link can do without.
const BILLING_TRIES: u32 = 3;

/// How long to wait before it is asked again.
const BILLING_PAUSE: Duration = Duration::from_millis(250);

/// The outside world of [`Notifications`].
#[derive(Clone)]
pub struct NotificationPorts {
    /// The database.
    pub store: Arc<dyn Store>,
    /// Knows the texts.
    pub messages: Arc<dyn Messages>,
    /// Knows what a bill is for; without it the transaction's module says so.
    pub bills: Option<Arc<dyn Bills>>,
    /// Makes links short; without it they stay long.
    pub links: Option<Arc<dyn Links>>,
    /// The time.
    pub clock: Arc<dyn Clock>,
}

/// Settings of [`Notifications`].
#[derive(Debug, Clone)]
pub struct NotificationSettings {
    /// The page on which a payer can pay; without it `{payment link}` is filled with nothing.
    pub payment_link: Option<PaymentLink>,
    /// The language of payers whose request does not say.
    pub default_locale: String,
    /// Nobody is told of a change that is older: a consumer that starts where a topic begins must
    /// not send the messages of last week.
    pub max_age: Option<Duration>,
    /// The largest event that is read, in bytes.
    pub max_event_bytes: usize,
}

impl Default for NotificationSettings {
    fn default() -> NotificationSettings {
        NotificationSettings {
            payment_link: None,
            default_locale: "en_IN".to_owned(),
            max_age: Some(Duration::from_secs(24 * 3600)),
            max_event_bytes: 1 << 20,
        }
    }
}

/// A link to the page on which a bill is paid, with places for what is paid.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PaymentLink(String);

/// A payment link that nobody could follow.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the payment link must be an absolute http or https URL")]
pub struct InvalidPaymentLink;

impl PaymentLink {
    /// The path of DIGIT's own page.
    pub const DEFAULT_PATH: &str = "citizen/withoutAuth/egov-common/pay?consumerCode=$consumerCode\
        &tenantId=$tenantId&businessService=$businessService";

    /// The link below `base` (`https://city.example/`). In `path`, `$consumerCode`, `$tenantId` and
    /// `$businessService` are filled.
    ///
    /// # Errors
    /// [`InvalidPaymentLink`] when that is not an absolute http(s) URL.
    pub fn new(base: &str, path: &str) -> Result<PaymentLink, InvalidPaymentLink> {
        let (base, path) = (base.trim(), path.trim().trim_start_matches('/'));
        let link = format!("{}/{path}", base.trim_end_matches('/'));
        if is_web_url(base) && is_web_url(&link) { Ok(PaymentLink(link)) } else { Err(InvalidPaymentLink) }
    }

    fn fill(&self, consumer_code: &str, tenant: &TenantId, business_service: &str) -> String {
        let encode = |text: &str| url::form_urlencoded::byte_serialize(text.as_bytes()).collect::<String>();
        let values = [
            ("$consumerCode", encode(consumer_code)),
            ("$tenantId", encode(tenant.as_str())),
            ("$businessService", encode(business_service)),
        ];
        fill(&self.0, '$', &values)
    }
}

/// What became of an event.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Notified {
    /// A text message waits in the outbox.
    Stored,
    /// The payer was told of this status before.
    Repeated,
    /// Whoever brought it about was waiting for the answer and has seen it.
    NotForUs,
    /// There is no such transaction.
    NoTransaction,
    /// The transaction has another status by now, of which there is an event as well.
    Overtaken,
    /// The change is too old to be told.
    TooOld,
    /// There is no text for this status.
    NoText,
    /// The payer has no number that a message could be sent to.
    NoNumber,
}

impl Notified {
    /// The word for metrics.
    pub fn as_str(self) -> &'static str {
        match self {
            Notified::Stored => "stored",
            Notified::Repeated => "repeated",
            Notified::NotForUs => "not for us",
            Notified::NoTransaction => "no transaction",
            Notified::Overtaken => "overtaken",
            Notified::TooOld => "too old",
            Notified::NoText => "no text",
            Notified::NoNumber => "no number",
        }
    }
}

/// Why an event was not dealt with. The variants are decisions for the caller.
#[derive(Debug, thiserror::Error)]
pub enum NotifyError {
    /// It will never be understood: put it aside.
    #[error("the event cannot be read: {0}")]
    Unreadable(#[from] UnreadableEvent),
    /// Something that is needed is away: try again, however long it takes.
    #[error("something that is needed is away")]
    Unavailable(#[source] BoxError),
    /// Something that is needed refuses: try a few times, then put it aside.
    #[error("something that is needed refuses")]
    Refused(#[source] BoxError),
}

/// What is wrong with an event. Tells nothing of its contents.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum UnreadableEvent {
    /// It is larger than what is read.
    #[error("too large")]
    TooLarge,
    /// It is not JSON.
    #[error("not JSON")]
    NotJson,
    /// It lacks what an event has.
    #[error("no RequestInfo or no Transaction")]
    NotAnEvent,
    /// Its transaction lacks what a transaction has.
    #[error("not a transaction, at character {column} of it")]
    NotATransaction {
        /// Where reading it ended, from 1.
        column: usize,
    },
}

/// Makes text messages of events.
#[derive(Clone)]
pub struct Notifications {
    ports: NotificationPorts,
    settings: Arc<NotificationSettings>,
}

#[derive(Deserialize)]
struct Envelope<'a> {
    #[serde(rename = "RequestInfo")]
    info: RequestInfo,
    #[serde(rename = "Transaction", borrow)]
    txn: &'a RawValue,
    /// [`crate::events::NOTIFY_PAYER`].
    #[serde(rename = "notifyPayer", default)]
    notify_payer: bool,
}

/// What is believed of an event's transaction: everything else is read where nobody else can write.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Told {
    txn_id: TxnId,
    txn_status: StatusName,
}

/// The body of the event that the SMS service reads.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct TextMessage<'a> {
    mobile_number: &'a str,
    message: &'a str,
    category: Option<&'a str>,
    expiry_time: Option<i64>,
}

impl Notifications {
    /// The use case over these ports.
    pub fn new(ports: NotificationPorts, settings: NotificationSettings) -> Notifications {
        metrics::describe_counter!("notifications_total", "Events that were dealt with, by outcome");
        metrics::describe_counter!(
            "notification_fallbacks_total",
            "Payment links made without a service that should have helped, by service"
        );
        Notifications { ports, settings: Arc::new(settings) }
    }

    /// Deals with an event, JSON text. Safe to repeat.
    ///
    /// # Errors
    /// See [`NotifyError`]; nothing was stored.
    pub async fn take(&self, event: &[u8]) -> Result<Notified, NotifyError> {
        let notified = self.decide(event).await?;
        metrics::counter!("notifications_total", "outcome" => notified.as_str()).increment(1);
        Ok(notified)
    }

    async fn decide(&self, event: &[u8]) -> Result<Notified, NotifyError> {
        if event.len() > self.settings.max_event_bytes {
            return Err(UnreadableEvent::TooLarge.into());
        }
        let Envelope { info, txn, notify_payer } =
            serde_json::from_slice(event).map_err(|error| match error.classify() {
                serde_json::error::Category::Data => UnreadableEvent::NotAnEvent,
                serde_json::error::Category::Syntax
                | serde_json::error::Category::Eof
                | serde_json::error::Category::Io => UnreadableEvent::NotJson,
            })?;
        // An earlier version marks nothing, and has its jobs act as the system user.
        let unmarked = !notify_payer;
        if unmarked && info.user("type").as_deref() != Some(RequestInfo::SYSTEM) {
            return Ok(Notified::NotForUs);
        }
        let Told { txn_id, txn_status } = serde_json::from_str(txn.get())
            .map_err(|error| UnreadableEvent::NotATransaction { column: error.column() })?;
        if unmarked && !self.is_our_doing(&txn_id, txn_status).await? {
            return Ok(Notified::NotForUs);
        }
        let status = txn_status.as_str();
        let Some(txn) = self.ports.store.transaction(&txn_id).await? else {
            tracing::warn!(%txn_id, status, "an event is about a transaction that is not there; no one is told");
            return Ok(Notified::NoTransaction);
        };
        if txn.status.name() != txn_status {
            return Ok(Notified::Overtaken);
        }
        let now = self.ports.clock.now();
        if self.is_too_old(&txn, now) {
            tracing::info!(%txn_id, status, "a payer is not told of a change that is too old");
            return Ok(Notified::TooOld);
        }
        let Some(number) = number(&txn) else {
            tracing::info!(%txn_id, "a payer without a usable number is told nothing");
            return Ok(Notified::NoNumber);
        };
        let locale = info.locale().unwrap_or_else(|| self.settings.default_locale.clone());
        let code = format!("PG_NOTIFICATION_{status}");
        let text = self.ports.messages.text(&info, &txn.tenant_id, &locale, &code).await?;
        let Some(text) = text.filter(|text| !text.trim().is_empty()) else {
            return Ok(Notified::NoText);
        };
        let message = self.message(&info, &txn, &text).await;
        let body =
            TextMessage { mobile_number: &number, message: &message, category: None, expiry_time: None };
        let event = Event {
            kind: EventKind::Sms,
            body: crate::events::to_json(&body)?,
            txn_id: txn.id.clone(),
            tenant_id: txn.tenant_id.clone(),
        };
        let key = format!("sms/{txn_id}/{status}");
        let stored = self.ports.store.store_event_once(&key, event, now).await?;
        Ok(if stored { Notified::Stored } else { Notified::Repeated })
    }

    /// Whether one of our jobs, or a gateway's callback, has led the transaction to this status or has
    /// changed it there.
    async fn is_our_doing(&self, txn_id: &TxnId, status: StatusName) -> Result<bool, StoreError> {
        let history = self.ports.store.history(txn_id).await?;
        Ok(history.iter().any(|line| {
            line.to == status
                && match line.actor.kind {
                    ActorKind::Job | ActorKind::Gateway => true,
                    ActorKind::User => false,
                }
        }))
    }

    fn is_too_old(&self, txn: &Transaction, now: Timestamp) -> bool {
        let changed = txn.audit.modified_at.unwrap_or(txn.audit.created_at);
        self.settings.max_age.is_some_and(|max_age| now.since(changed) > max_age)
    }

    async fn message(&self, info: &RequestInfo, txn: &Transaction, text: &str) -> String {
        const LINK: &str = "{payment link}";
        let link = match &self.settings.payment_link {
            // Two services are asked only for a link that somebody will see.
            Some(link) if text.contains(LINK) => self.link(link, info, txn).await,
            Some(_) | None => String::new(),
        };
        let values = [
            ("{amount}", txn.amount.to_string()),
            ("{consumerCode}", harmless(&txn.consumer_code)),
            ("{txnId}", txn.id.to_string()),
            ("{Payment failure reason}", harmless(&txn.status_message)),
            (LINK, link),
        ];
        fill(text, '{', &values)
    }

    /// Never fails: a payer without a perfect link is still told.
    async fn link(&self, link: &PaymentLink, info: &RequestInfo, txn: &Transaction) -> String {
        let business_service = self.business_service(info, txn).await;
        let long = link.fill(&txn.consumer_code, &txn.tenant_id, &business_service);
        let Some(links) = &self.ports.links else { return long };
        match links.shorten(&long).await {
            Ok(short) if is_web_url(short.trim()) => short.trim().to_owned(),
            Ok(_) => {
                self.fell_back(txn, "url shortener", "what came back is not a link");
                long
            }
            Err(error) => {
                self.fell_back(txn, "url shortener", &error.to_string());
                long
            }
        }
    }

    /// What the bill is for: as billing says, else as the client said, who names its module so.
    async fn business_service(&self, info: &RequestInfo, txn: &Transaction) -> String {
        let otherwise = || txn.module.clone().unwrap_or_default();
        let Some(bills) = &self.ports.bills else { return otherwise() };
        // A payment of an earlier service need not name its bill.
        if txn.bill_id.as_str().is_empty() {
            return otherwise();
        }
        let mut tries = 1;
        loop {
            match bills.business_service(info, &txn.tenant_id, &txn.bill_id).await {
                Ok(Some(business_service)) => return business_service,
                Ok(None) => return otherwise(),
                Err(DigitError::NotSent { .. } | DigitError::Unanswered { .. }) if tries < BILLING_TRIES => {
                    tries += 1;
                    tokio::time::sleep(BILLING_PAUSE).await;
                }
                Err(error) => {
                    self.fell_back(txn, "billing", &error.to_string());
                    return otherwise();
                }
            }
        }
    }

    fn fell_back(&self, txn: &Transaction, service: &'static str, error: &str) {
        metrics::counter!("notification_fallbacks_total", "service" => service).increment(1);
        tracing::info!(txn_id = %txn.id, service, error, "a payment link is made without help");
    }
}

/// The payer's mobile number, if it can be one: 7 to 15 digits, perhaps with a plus.
fn number(txn: &Transaction) -> Option<String> {
    let number = txn.payer.mobile_number.expose().trim();
    let digits = number.strip_prefix('+').unwrap_or(number);
    let plausible = (7..=15).contains(&digits.len()) && digits.bytes().all(|b| b.is_ascii_digit());
    plausible.then(|| number.to_owned())
}

impl From<StoreError> for NotifyError {
    fn from(error: StoreError) -> NotifyError {
        match error {
            StoreError::Unavailable(source) => NotifyError::Unavailable(source),
            StoreError::Failed(source) => NotifyError::Refused(source),
        }
    }
}

impl From<DigitError> for NotifyError {
    fn from(error: DigitError) -> NotifyError {
        match error {
            DigitError::NotSent { .. } | DigitError::Unanswered { .. } => {
                NotifyError::Unavailable(BoxError::from(error))
            }
            DigitError::Refused { .. } | DigitError::Incomplete { .. } => {
                NotifyError::Refused(BoxError::from(error))
            }
        }
    }
}

fn is_web_url(text: &str) -> bool {
    Url::parse(text).is_ok_and(|url| matches!(url.scheme(), "http" | "https") && url.has_host())
}

/// Replaces names, each of which begins with `opening`, by their values. What a value contains is
/// not looked at again.
fn fill(text: &str, opening: char, values: &[(&str, String)]) -> String {
    let mut filled = String::with_capacity(text.len() + 64);
    let mut rest = text;
    while let Some(start) = rest.find(opening) {
        let (before, from) = rest.split_at(start);
        filled.push_str(before);
        let found = values.iter().find_map(|(name, value)| Some((from.strip_prefix(name)?, value.as_str())));
        let (behind, value) = found.unwrap_or_else(|| {
            let behind = from.strip_prefix(opening).unwrap_or_default();
            (behind, &from[..from.len() - behind.len()])
        });
        filled.push_str(value);
        rest = behind;
    }
    filled.push_str(rest);
    filled
}

/// What somebody else has written, fit for a message in our name: on one line, and with nothing in
/// it that a telephone makes a link of. Who creates a transaction chooses its consumer code and whose
/// number it is for.
fn harmless(text: &str) -> String {
    const MAX_CHARS: usize = 128;
    let chars: Vec<char> = text.chars().take(MAX_CHARS).collect();
    let joins = |at: usize| {
        let beside = |at: Option<usize>| at.and_then(|at| chars.get(at)).is_some_and(|c| c.is_alphanumeric());
        beside(at.checked_sub(1)) && beside(at.checked_add(1))
    };
    let keep = |at: usize, c: char| match c {
        c if c.is_control() => false,
        '.' | '@' => !joins(at),
        ':' => chars.get(at + 1) != Some(&'/'),
        _ => true,
    };
    chars.iter().enumerate().map(|(at, &c)| if keep(at, c) { c } else { ' ' }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_is_never_filled_again() {
        let values = [("{amount}", "{txnId}".to_owned()), ("{txnId}", "T1".to_owned())];
        assert_eq!(fill("{amount} {txnId} {other} {", '{', &values), "{txnId} T1 {other} {");
        assert_eq!(fill("", '{', &values), "");
        assert_eq!(fill("ਰਕਮ {amount}।", '{', &values), "ਰਕਮ {txnId}।");
    }

    #[test]
    fn a_strangers_words_make_no_link() {
        for (text, told) in [
            ("PT-107-001278", "PT-107-001278"),
            ("WS/107/2020-21/000123", "WS/107/2020-21/000123"),
            ("No. 7, Main Road.", "No. 7, Main Road."),
            ("win at https://evil.example/x", "win at https //evil example/x"),
            ("www.evil.example", "www evil example"),
            ("10.0.0.1", "10 0 0 1"),
            ("me@evil.example", "me evil example"),
            ("two\nlines\r\n", "two lines  "),
        ] {
            assert_eq!(harmless(text), told);
        }
    }

    #[test]
    fn a_payment_link_is_absolute_and_its_values_are_encoded() {
        for base in ["", "city.example", "ftp://city.example", "https://"] {
            assert_eq!(PaymentLink::new(base, PaymentLink::DEFAULT_PATH), Err(InvalidPaymentLink), "{base}");
        }
        for base in ["https://city.example", "https://city.example/", " https://city.example/ "] {
            let link = PaymentLink::new(base, PaymentLink::DEFAULT_PATH).unwrap();
            assert_eq!(
                link.fill("WS/1&tenantId=x $tenantId", &TenantId::new("pb.amritsar").unwrap(), "PT"),
                "https://city.example/citizen/withoutAuth/egov-common/pay?consumerCode=WS%2F1%26tenantId\
                 %3Dx+%24tenantId&tenantId=pb.amritsar&businessService=PT"
            );
        }
    }
}
