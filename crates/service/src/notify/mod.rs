//! Text messages that tell payers the outcome of a payment which no request was waiting for, and what becomes
//! of a refund.
//!
//! The events of transactions and refunds come back here from Kafka. Those with our mark (`events`) become a
//! text message, one per transaction or refund and status however often the event is delivered: the message is an event in
//! the outbox, stored under a key that is used once.
//!
//! An event is only a hint, as others may write to the topics: number and contents come from our database. A
//! forged event causes one true message to the payer of the transaction, and nothing else.

mod message;
mod refund;

use std::sync::Arc;
use std::time::Duration;

use payment_digit::{Bills, DigitError, Links, Messages};
use payment_domain::{
    ActorKind, Clock, Event, EventKind, Money, Refund, RequestInfo, StatusName, Timestamp, Transaction, TxnId,
};
use payment_store::{BoxError, Store, StoreError};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

pub use self::message::{InvalidPaymentLink, PaymentLink};

#[derive(Clone)]
pub struct NotificationPorts {
    pub store: Arc<dyn Store>,
    pub messages: Arc<dyn Messages>,
    /// Gives the business service of a bill; without it the transaction's module is taken.
    pub bills: Option<Arc<dyn Bills>>,
    /// Shortens links; without it they stay long.
    pub links: Option<Arc<dyn Links>>,
    pub clock: Arc<dyn Clock>,
}

#[derive(Debug, Clone)]
pub struct NotificationSettings {
    /// The page on which a bill is paid; without it `{payment link}` is empty.
    pub payment_link: Option<PaymentLink>,
    /// The language where the payer's request names none.
    pub default_locale: String,
    /// Older changes cause no message: a consumer that starts where a topic begins must not send those of
    /// last week.
    pub max_age: Option<Duration>,
    /// Larger events are unreadable.
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

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Notified {
    /// A text message waits in the outbox.
    Stored,
    /// The payer has a message about this status.
    Repeated,
    /// The payer's own request has caused the change, and was answered.
    NotForUs,
    NoTransaction,
    /// The transaction or refund has another status by now, with an event of its own.
    Overtaken,
    TooOld,
    /// There is no text for this status.
    NoText,
    /// The payer has no usable number.
    NoNumber,
}

impl Notified {
    pub fn as_str(self) -> &'static str {
        match self {
            Notified::Stored => "stored",
            Notified::Repeated => "repeated",
            Notified::NotForUs => "not_for_us",
            Notified::NoTransaction => "no_transaction",
            Notified::Overtaken => "overtaken",
            Notified::TooOld => "too_old",
            Notified::NoText => "no_text",
            Notified::NoNumber => "no_number",
        }
    }
}

/// Why an event has no outcome. The variants are decisions for the caller.
#[derive(Debug, thiserror::Error)]
pub enum NotifyError {
    /// Put it aside: it stays unreadable.
    #[error("the event cannot be read: {0}")]
    Unreadable(#[from] UnreadableEvent),
    /// Try again until it succeeds: a service or the database is unavailable.
    #[error("something that is needed is unavailable")]
    Unavailable(#[source] BoxError),
    /// Try a few times, then put it aside: a service or the database refuses.
    #[error("something that is needed refuses")]
    Refused(#[source] BoxError),
}

/// Tells nothing of the event's contents.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum UnreadableEvent {
    #[error("too large")]
    TooLarge,
    #[error("not JSON")]
    NotJson,
    #[error("no RequestInfo, or neither Transaction nor Refund")]
    NotAnEvent,
    #[error("not a transaction or refund, at character {column} of it")]
    NotATransaction {
        /// From 1.
        column: usize,
    },
}

#[derive(Clone)]
pub struct Notifications {
    ports: NotificationPorts,
    settings: Arc<NotificationSettings>,
}

#[derive(Deserialize)]
struct Envelope<'a> {
    #[serde(rename = "RequestInfo")]
    info: RequestInfo,
    #[serde(rename = "Transaction", borrow, default)]
    txn: Option<&'a RawValue>,
    #[serde(rename = "Refund", borrow, default)]
    refund: Option<&'a RawValue>,
    /// [`crate::events::NOTIFY_PAYER`].
    #[serde(rename = "notifyPayer", default)]
    notify_payer: bool,
}

/// The part of an event's transaction that is read; the rest comes from the database.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct EventTransaction {
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

/// The matter of a message.
struct Subject<'a> {
    txn: &'a Transaction,
    /// Paid or given back.
    amount: Money,
    /// The moment of the change.
    changed: Timestamp,
    refund: Option<&'a Refund>,
}

impl Notifications {
    pub fn new(ports: NotificationPorts, settings: NotificationSettings) -> Notifications {
        metrics::describe_counter!("notifications_total", "Events that were dealt with, by outcome");
        metrics::describe_counter!(
            "notification_fallbacks_total",
            "Payment links made without a service that should have helped, by service"
        );
        Notifications { ports, settings: Arc::new(settings) }
    }

    /// Stores the text message for an event (JSON), if there is to be one. Safe to repeat.
    ///
    /// # Errors
    /// A [`NotifyError`]; nothing was stored.
    pub async fn take(&self, event: &[u8]) -> Result<Notified, NotifyError> {
        let notified = self.decide(event).await?;
        metrics::counter!("notifications_total", "outcome" => notified.as_str()).increment(1);
        Ok(notified)
    }

    async fn decide(&self, event: &[u8]) -> Result<Notified, NotifyError> {
        if event.len() > self.settings.max_event_bytes {
            return Err(UnreadableEvent::TooLarge.into());
        }
        let Envelope { info, txn, refund, notify_payer } =
            serde_json::from_slice(event).map_err(|error| match error.classify() {
                serde_json::error::Category::Data => UnreadableEvent::NotAnEvent,
                serde_json::error::Category::Syntax
                | serde_json::error::Category::Eof
                | serde_json::error::Category::Io => UnreadableEvent::NotJson,
            })?;
        let txn = match (txn, refund) {
            (Some(txn), _) => txn,
            (None, Some(refund)) if notify_payer => return self.decide_refund(&info, refund).await,
            (None, Some(_)) => return Ok(Notified::NotForUs),
            (None, None) => return Err(UnreadableEvent::NotAnEvent.into()),
        };
        // An earlier version set no mark, and its jobs acted as the system user.
        let unmarked = !notify_payer;
        if unmarked && info.user("type").as_deref() != Some(RequestInfo::SYSTEM) {
            return Ok(Notified::NotForUs);
        }
        let EventTransaction { txn_id, txn_status } = serde_json::from_str(txn.get())
            .map_err(|error| UnreadableEvent::NotATransaction { column: error.column() })?;
        if unmarked && !self.is_our_doing(&txn_id, txn_status).await? {
            return Ok(Notified::NotForUs);
        }
        let status = txn_status.as_str();
        let Some(txn) = self.ports.store.transaction(&txn_id).await? else {
            tracing::warn!(%txn_id, status, "an event is about a transaction that does not exist; no message is sent");
            return Ok(Notified::NoTransaction);
        };
        if txn.status.name() != txn_status {
            return Ok(Notified::Overtaken);
        }
        let changed = txn.audit.modified_at.unwrap_or(txn.audit.created_at);
        let code = format!("PG_NOTIFICATION_{status}");
        let subject = Subject { txn: &txn, amount: txn.amount, changed, refund: None };
        self.tell(&info, &subject, &code, &format!("sms/{txn_id}/{status}")).await
    }

    /// Stores the text message of this code, if there is to be one and the key was not used.
    async fn tell(
        &self,
        info: &RequestInfo,
        subject: &Subject<'_>,
        code: &str,
        key: &str,
    ) -> Result<Notified, NotifyError> {
        let Subject { txn, changed, .. } = *subject;
        let now = self.ports.clock.now();
        if self.settings.max_age.is_some_and(|max_age| now.since(changed) > max_age) {
            tracing::info!(txn_id = %txn.id, code, "a change is too old for a message to its payer");
            return Ok(Notified::TooOld);
        }
        let Some(number) = number(txn) else {
            tracing::info!(txn_id = %txn.id, "a payer has no usable number for a message");
            return Ok(Notified::NoNumber);
        };
        let locale = info.locale().unwrap_or_else(|| self.settings.default_locale.clone());
        let text = self.ports.messages.text(info, &txn.tenant_id, &locale, code).await?;
        let Some(text) = text.filter(|text| !text.trim().is_empty()) else {
            return Ok(Notified::NoText);
        };
        let message = self.message(info, subject, &text).await;
        let body =
            TextMessage { mobile_number: &number, message: &message, category: None, expiry_time: None };
        let event = Event {
            kind: EventKind::Sms,
            body: crate::events::to_json(&body)?,
            txn_id: txn.id.clone(),
            tenant_id: txn.tenant_id.clone(),
            trace: payment_trace::sampled(),
        };
        let stored = self.ports.store.store_event_once(key, event, now).await?;
        Ok(if stored { Notified::Stored } else { Notified::Repeated })
    }

    /// Whether a job or a gateway's callback has led the transaction to this status, or changed it there.
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
}

/// The payer's mobile number, if it is plausible: 7 to 15 digits, after an optional plus.
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
