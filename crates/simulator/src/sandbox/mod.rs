//! The sandbox gateway: a payment gateway without money, for a first payment on one machine.
//!
//! It behaves like an outside party. It has books of its own (one SQLite file), a pay page on which the
//! visitor chooses the outcome, an HTTP API, and signed callbacks. It knows nothing of the service that uses
//! it.
//!
//! # Protocol
//!
//! Both sides share a merchant name and a secret. Every signature is HMAC-SHA256 under the secret,
//! in lower-case hexadecimal, over a UTF-8 text: a line with the purpose, then for each field, in
//! the order given here, a line `name=length:value`, where the length counts the bytes of the value.
//! Every line ends in `\n`. Moments are milliseconds since 1970-01-01T00:00:00Z, amounts whole minor units of the currency (paise).
//!
//! ## Pay link (merchant → payer's browser → sandbox)
//! `GET {base}/pay` with the query parameters `merchant`, `order`, `amount_paise`, `currency` (an ISO 4217 code),
//! `description`, `bill`, `payee`, `return_url`, `notify_url`, `expires`, and `signature` over these
//! ten with the purpose `sandbox-pay-1`. Making the link needs no call: the sandbox learns of the
//! order when its page is first opened. With an empty `notify_url` there is no callback. From then on the order's amount and addresses are fixed, and
//! another link for the same order with other ones is refused. After `expires` it cannot be paid.
//!
//! ## Report
//! Every report of the sandbox on an order has these fields: `merchant`, `order`, `state`,
//! `amount_paise` (requested), `currency`, `paid_paise` (taken), `payment_id`, `mode`, `code`,
//! `message`, `timestamp`. A missing one is null in JSON and an empty text in a URL and in the
//! signed text. The signature covers them all in this order.
//!
//! | `state` | meaning |
//! |---|---|
//! | `CREATED` | the payer has not chosen yet |
//! | `PENDING` | the payer has paid, the answer is still to come |
//! | `PAID` | `paid_paise` was taken |
//! | `DECLINED`, `EXPIRED` | nothing was taken and nothing will be |
//! | `UNKNOWN` | with HTTP status 404 and the code `NO_SUCH_ORDER`: not opened |
//!
//! - **Return** (purpose `sandbox-return-1`): after the choice the browser is sent on, by `303 See
//!   Other`, to `return_url` with the report in the parameters `sandboxMerchant`, `sandboxOrder`,
//!   `sandboxState`, `sandboxAmountPaise`, `sandboxCurrency`, `sandboxPaidPaise`, `sandboxPaymentId`,
//!   `sandboxMode`, `sandboxCode`, `sandboxMessage`, `sandboxTimestamp` and `sandboxSignature`.
//! - **Callback** (purpose `sandbox-callback-1`): `POST notify_url` with the report as a JSON object
//!   and its signature in the member `signature`. `timestamp` is the moment of the decision, so that
//!   every try carries the same bytes. Any 2xx answer ends it; anything else is repeated after ever
//!   longer waits, up to a limit, across restarts of the sandbox.
//! - **Answer** (purpose `sandbox-answer-1`): to the question below, the same JSON. `timestamp` is that
//!   of the question, so that an old answer never passes for a new one.
//!
//! ## Questions (merchant → sandbox)
//! - `GET {base}/api/v1/orders/{order}` with the headers `X-Sandbox-Merchant`, `X-Sandbox-Timestamp`
//!   (at most five minutes off) and `X-Sandbox-Signature`, purpose `sandbox-status-1`, over `merchant`,
//!   `timestamp`, `order`.
//! - `GET {base}/api/v1/orders?after=&limit=` lists all orders in the order they were opened, `limit` (at
//!   most 1000) behind the `sequence` in `after`; signed likewise, purpose `sandbox-orders-1`, over
//!   `merchant`, `timestamp`, `after`, `limit` (their texts in the query).
//!
//! ## Refunds (merchant → sandbox)
//! - `POST {base}/api/v1/orders/{order}/refunds/{refund}` with a form of `amount_paise` and `currency`, signed
//!   likewise, purpose `sandbox-refund-1`, over `merchant`, `timestamp`, `order`, `refund`, `amount_paise`,
//!   `currency`. The merchant's id of the refund is an idempotency key: the same request again is answered with
//!   the state of the first; another request with it is answered with 409, `UNKNOWN` and `REFUND_ID_USED`.
//! - `GET {base}/api/v1/orders/{order}/refunds/{refund}`, purpose `sandbox-refund-status-1`, over `merchant`,
//!   `timestamp`, `order`, `refund`.
//! - `GET {base}/api/v1/refunds?after=&limit=` lists all refunds; purpose `sandbox-refunds-1`.
//!
//! Answers are reports with the fields `merchant`, `order`, `refund`, `state`, `amount_paise`, `currency`,
//! `refund_id` (the sandbox's), `code`, `message`, `timestamp`; purpose `sandbox-refund-answer-1`. No
//! callback reports a refund.
//!
//! | `state` | meaning |
//! |---|---|
//! | `PENDING` | taken on, the answer is still to come |
//! | `REFUNDED` | `amount_paise` was given back |
//! | `REFUSED` | nothing was and nothing will be given back: `NOT_PAID`, `EXCEEDS_PAYMENT`, `REFUSED_BY_BANK` |
//! | `RETURNED` | it was given back, and the payer's bank sent it back later |
//! | `UNKNOWN` | with HTTP status 404 and the code `NO_SUCH_REFUND`: never arrived |
//!
//! The last two digits of the amount choose the outcome: 91 refused by the bank, 92 answered late, 93 given
//! back and the answer lost, 94 given back and returned later, all others given back at once.
//!
//! # What the visitor can choose
//! Pay; decline; pay but say nothing (neither return nor callback: only asking finds out); answer late
//! (`PENDING` for a while, then `PAID` with a callback); take a wrong amount. Closing the tab leaves the
//! order as it is. Only the first choice counts, however often the form is sent.

mod books;
mod callbacks;
mod http;
mod link;
mod order;
mod refund;
mod report;
pub mod signature;

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use secrecy::{ExposeSecret, SecretString};
use serde::Serialize;
use url::Url;

use books::Books;
use report::Report;

use crate::courier::Courier;

pub use books::{BooksError, OpenError};
pub use order::{CallbackProgress, Choice, State};
pub use refund::RefundState;

pub use crate::{CallbackPolicy, Clock, PayPage, Tally, VisitError, Visitor, WayBack};

#[derive(Debug, Clone)]
pub struct SandboxSettings {
    pub merchant: String,
    pub secret: SecretString,
    /// Where browsers reach [`Sandbox::router`], e.g. `http://localhost:9000/sandbox`.
    pub public_url: String,
    /// Where the merchant's own API is reached, e.g. `http://localhost:9000/pg-service`. Only shown, as
    /// a hint on the return page.
    pub lookup_url: Option<String>,
    pub late_after: Duration,
    pub callbacks: CallbackPolicy,
    /// Its own clock.
    pub clock: Clock,
}

impl SandboxSettings {
    /// Settings with defaults for everything else: late answers after 20 seconds.
    pub fn new(
        merchant: impl Into<String>,
        secret: SecretString,
        public_url: impl Into<String>,
    ) -> SandboxSettings {
        SandboxSettings {
            merchant: merchant.into(),
            secret,
            public_url: public_url.into(),
            lookup_url: None,
            late_after: Duration::from_secs(20),
            callbacks: CallbackPolicy::default(),
            clock: Clock::default(),
        }
    }
}

/// A sandbox gateway. Cheap to clone; clones share the books.
#[derive(Clone)]
pub struct Sandbox {
    inner: Arc<Inner>,
}

struct Inner {
    settings: SandboxSettings,
    /// The path of `public_url`, without a slash at its end: links within the pages begin with it.
    base_path: String,
    books: Books,
    form_key: Vec<u8>,
    courier: Courier,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct BookEntry {
    /// Its place in the books; grows.
    pub sequence: i64,
    pub order: String,
    pub state: State,
    pub amount_paise: i64,
    /// Its ISO 4217 code.
    pub currency: String,
    /// The taken amount; `None` when nothing was.
    pub paid_paise: Option<i64>,
    pub payment_id: Option<String>,
    pub choice: Option<Choice>,
    /// When its page was first opened, in milliseconds since the epoch.
    pub opened_ms: i64,
    /// When the payer chose, in milliseconds since the epoch.
    pub decided_ms: Option<i64>,
    /// How its callback fares; `None` when there is none.
    pub callback: Option<CallbackProgress>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct RefundEntry {
    /// Its place in the books; grows.
    pub sequence: i64,
    /// The merchant's id of it.
    pub refund: String,
    pub order: String,
    pub state: RefundState,
    pub amount_paise: i64,
    /// Its ISO 4217 code.
    pub currency: String,
    /// When it first arrived, in milliseconds since the epoch.
    pub asked_ms: i64,
}

impl Sandbox {
    /// Opens the books in that file, which is created when there is none.
    ///
    /// # Errors
    /// An [`OpenError`] when the file cannot be used.
    pub fn open(database: &Path, settings: SandboxSettings) -> Result<Sandbox, OpenError> {
        if settings.merchant.is_empty() || settings.secret.expose_secret().is_empty() {
            return Err(OpenError::NoSecret);
        }
        let base_path = match Url::parse(&settings.public_url) {
            Ok(url) if matches!(url.scheme(), "http" | "https") => {
                url.path().trim_end_matches('/').to_owned()
            }
            Ok(_) | Err(_) => return Err(OpenError::PublicUrl(settings.public_url)),
        };
        let books = Books::open(database)?;
        let form_key = books.form_key()?;
        let courier = Courier::new(settings.callbacks.clone());
        let inner = Inner { settings, base_path, books, form_key, courier };
        Ok(Sandbox { inner: Arc::new(inner) })
    }

    /// The pages and the API, to be nested under `/sandbox`.
    pub fn router(&self) -> axum::Router {
        http::router(self.clone())
    }

    /// Up to `limit` orders behind the one of that `sequence` (0 for the first), in the order they were
    /// opened.
    ///
    /// # Errors
    /// A [`BooksError`] when the books cannot be read.
    pub async fn books(&self, after: i64, limit: u32) -> Result<Vec<BookEntry>, BooksError> {
        let orders = self.inner.books.orders_after(after, limit, self.now_ms()).await?;
        Ok(orders
            .into_iter()
            .map(|order| BookEntry {
                sequence: order.sequence,
                payment_id: order.payment_id(),
                order: order.terms.order,
                state: order.state,
                amount_paise: order.terms.amount_paise,
                currency: order.terms.currency.code().to_owned(),
                paid_paise: order.paid_paise,
                choice: order.choice,
                opened_ms: order.opened_ms,
                decided_ms: order.decided_ms,
                callback: order.callback,
            })
            .collect())
    }

    /// Up to `limit` refunds behind the one of that `sequence` (0 for the first), in the order they arrived.
    ///
    /// # Errors
    /// A [`BooksError`] when the books cannot be read.
    pub async fn refunds(&self, after: i64, limit: u32) -> Result<Vec<RefundEntry>, BooksError> {
        let refunds = self.inner.books.refunds_after(after, limit, self.now_ms()).await?;
        Ok(refunds
            .into_iter()
            .map(|refund| RefundEntry {
                sequence: refund.sequence,
                refund: refund.wish.id,
                order: refund.wish.order,
                state: refund.state,
                amount_paise: refund.wish.amount_paise,
                currency: refund.wish.currency.code().to_owned(),
                asked_ms: refund.asked_ms,
            })
            .collect())
    }

    fn now_ms(&self) -> i64 {
        self.inner.settings.clock.now_ms()
    }

    fn secret(&self) -> &[u8] {
        self.inner.settings.secret.expose_secret().as_bytes()
    }

    fn merchant(&self) -> &str {
        &self.inner.settings.merchant
    }

    /// The signed way back to the application.
    fn return_url(&self, order: &order::Order) -> String {
        Report::of(order, self.merchant(), self.now_ms()).in_url(&order.terms.return_url, self.secret())
    }

    /// The signing key of one order's forms and pages: only a payer who was sent to the page has it.
    fn form_token(&self, order: &str) -> String {
        signature::sign(&self.inner.form_key, signature::Purpose::Form, &[("order", order)])
    }

    fn is_form_token(&self, order: &str, token: &str) -> bool {
        signature::is_signed(&self.inner.form_key, signature::Purpose::Form, &[("order", order)], token)
    }
}
