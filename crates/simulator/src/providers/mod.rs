//! The providers' side of AXIS (MIGS/VPC), CCAVENUE, HYPERSWITCH, PAYTM, PHONEPE, PAYU, RAZORPAY and STRIPE,
//! for a merchant's server and a payer's browser in tests and demos. No money moves.
//!
//! Written from the providers' protocols. Each provider has a first segment of its own with its
//! own paths behind it, so that one listener serves all of them:
//!
//! | Provider | Protocol | Addresses |
//! |---|---|---|
//! | Axis | VPC 1 | `/axis/vpcpay`, `/axis/vpcdps` (`queryDR`, `refund`) |
//! | CCAvenue | | `/ccavenue/transaction/transaction.do`, `/ccavenue/apis/servlet/DoWebTrans` (`orderStatusTracker`, `refundOrder`, `cancelOrder`) |
//! | Hyperswitch | payment links | `/hyperswitch/payments`, `/hyperswitch/payments/{id}`, `/hyperswitch/payments/{id}/cancel`, `/hyperswitch/refunds`, `/hyperswitch/refunds/{id}` |
//! | Paytm | legacy | `/paytm/theia/processTransaction`, `/paytm/merchant-status/getTxnStatus` |
//! | Paytm | v3 | `/paytm/theia/api/v1/initiateTransaction`, `/paytm/theia/api/v1/showPaymentPage`, `/paytm/v3/order/status` |
//! | Paytm | refunds of both | `/paytm/refund/apply`, `/paytm/v2/refund/status` |
//! | PhonePe | legacy | `/phonepe/v3/debit`, `/phonepe/v3/transaction/{mid}/{txn}/status`, `/phonepe/v3/credit/backToSource` |
//! | PhonePe | v1 | `/phonepe/pg/v1/pay`, `/phonepe/pg/v1/status/{mid}/{txn}`, `/phonepe/pg/v1/refund` |
//! | PhonePe | v2 | `/phonepe/v1/oauth/token`, `/phonepe/checkout/v2/pay`, `/phonepe/checkout/v2/order/{id}/status`, `/phonepe/payments/v2/refund`, `…/{id}/status` |
//! | Stripe | Checkout Sessions | `/stripe/v1/checkout/sessions`, `/stripe/v1/checkout/sessions/{id}`, `/stripe/v1/checkout/sessions/{id}/expire`, `/stripe/v1/refunds`, `/stripe/v1/refunds/{id}` |
//! | PayU | | `/payu/_payment`, `/payu/merchant/postservice.php?form=2` (`verify_payment` and the commands of refunds), `/payu/v2/refunds/status` |
//! | Razorpay | payment links | `/razorpay/v1/payment_links`, `/razorpay/v1/payment_links/{id}`, `…/{id}/cancel`, `/razorpay/v1/orders/{id}/payments`, `/razorpay/v1/payments/{id}/refund`, `…/{id}/refunds`, `/razorpay/v1/refunds/{id}` |
//!
//! There may be several merchants ([`ProvidersSettings::others`]): a request is answered as the merchant is whose keys it
//! proves to have, and about that merchant's orders alone.
//!
//! Requests are checked as the provider checks them (signature, merchant, amount, lengths) and refused in the
//! provider's words; its signed messages are signed. An address that opens an order sends the browser on to
//! `/{provider}/pay-page`, where the payer chooses; then the browser goes back the provider's way, and
//! webhooks follow until they are answered with 2xx.
//!
//! # Control
//! Everything that can go wrong is asked for over HTTP, in JSON:
//! - `GET /control/orders?after=&limit=&provider=` lists the books: orders, states, taken amounts, numbers of
//!   status requests; `GET /control/orders/{provider}/{order}` is one of them.
//! - `POST /control/orders/{provider}/{order}` with `{"fault":"…"}` sets a fault of one order, before it is
//!   opened or later; the word `none` keeps it from all faults.
//! - `POST /control/orders/{provider}/{order}/elapse` makes a delayed decision (of a pending payment) come
//!   now.
//! - `POST /control/{provider}` with `{"fault":"hang","rate":0.01,"seed":1}` sets a fault of a provider's
//!   calls or orders, all of them without a rate; `none` ends all. `GET` lists the faults.
//! - `POST /control/phonepe/revoke-tokens` makes all access tokens of Standard Checkout worthless.
//!
//! Faults of calls (`slow` with `ms`, `http-500`, `cut`, `hang`, `garbage`) spoil the answer of a
//! server-to-server call whose work is done. Faults of orders (`wrong-amount`, `wrong-currency`,
//! `wrong-signature`, `pending` and `paid-after-declined` with `seconds`, `unknown-code`, `not-found`,
//! `duplicate-webhooks`, `silent`) change an order's outcome or the report on it. Faults of refunds
//! (`refund-pending`, `refund-refused-later` and `refund-returned` with `seconds`, `refund-refused`,
//! `refund-no-balance`, `refund-answer-lost`, `refund-request-lost`, `refund-wrong-amount`,
//! `refund-wrong-signature`, `refund-unknown-code`, `refund-not-found`, `refund-silent`) are set like those
//! of orders, by the refund's id in place of the order's, or for all refunds of an order or a provider.
//! - `GET /control/refunds?after=&limit=` lists the books of refunds.
//! - `POST /control/refunds/{provider}/{refund}/elapse` makes a delayed decision come now.
//! - `POST /control/refunds/{provider}` with `{"order":"…","amount":1999}` gives money back in the provider's portal;
//!   without an amount all that is left.

mod axis;
mod ccavenue;
mod desk;
mod fault;
mod form;
mod http;
mod hyperswitch;
mod ledger;
mod merchants;
mod moment;
mod order;
mod paytm;
mod payu;
mod phonepe;
mod properties;
mod provider;
mod razorpay;
mod refunds;
mod settings;
pub mod signature;
mod stripe;
mod webhooks;

use std::sync::atomic::AtomicU64;
use std::sync::{Arc, Mutex};

use serde::Serialize;
use url::Url;

use ledger::Ledger;

use crate::courier::Courier;

pub use fault::{Fault, Rate, Rule, Strike, Twist};
pub use order::{Choice, State, WebhookProgress};
pub use provider::{Protocol, Provider};
pub use refunds::desk::RefundEntry;
pub use refunds::{RefundState, RefundTwist, WhyRefused};
pub use settings::{
    AxisAccount, CcavenueAccount, HyperswitchAccount, Merchant, PaytmAccount, PayuAccount, PhonepeAccount,
    ProvidersSettings, RazorpayAccount, SettingsError, StripeAccount,
};

pub use crate::money::{Amount, Currency};
pub use crate::{CallbackPolicy, Clock, PayPage, Tally, VisitError, Visitor, WayBack};

/// All providers. Cheap to clone; clones share the books.
#[derive(Clone)]
pub struct Providers {
    inner: Arc<Inner>,
    /// The place of the merchant that meets them; `None` for who sees all orders.
    merchant: Option<usize>,
}

struct Inner {
    settings: ProvidersSettings,
    /// The first one first; never none.
    merchants: Vec<Merchant>,
    /// The path of the public URL, without a slash at its end: links within the pages begin with it.
    base_path: String,
    ledger: Mutex<Ledger>,
    courier: Courier,
    /// The key of the simulator's own pages and tokens.
    own_key: [u8; 32],
    token_epoch: AtomicU64,
    /// CCAvenue's own ids, where they are not the books'.
    ccavenue_ids: hyperswitch::PaymentIds,
    hyperswitch_ids: hyperswitch::PaymentIds,
    stripe_keys: stripe::IdempotencyKeys,
    razorpay_keys: stripe::IdempotencyKeys,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct BookEntry {
    /// Its place in the books; grows, over all providers.
    pub sequence: u64,
    pub provider: Provider,
    pub protocol: Protocol,
    pub order: String,
    /// The name of the merchant that is paid; empty for the first one.
    pub merchant: String,
    pub state: State,
    pub amount: Amount,
    /// The taken amount; `None` when nothing was.
    pub taken: Option<Amount>,
    pub status_calls: u32,
    pub webhooks: WebhookProgress,
    /// The fault set for this order; an order exempt from all faults has none.
    pub fault: Option<Fault>,
    /// When it was opened, in milliseconds since the epoch.
    pub opened_ms: i64,
    /// When its state last changed, in milliseconds since the epoch.
    pub decided_ms: Option<i64>,
}

impl Providers {
    /// Opens the providers with empty books.
    ///
    /// # Errors
    /// A [`SettingsError`] when something cannot work.
    pub fn new(settings: ProvidersSettings) -> Result<Providers, SettingsError> {
        settings.check()?;
        let merchants = settings.merchants();
        let base_path = Url::parse(&settings.public_url)
            .map_err(|_| SettingsError::PublicUrl(settings.public_url.clone()))?
            .path()
            .trim_end_matches('/')
            .to_owned();
        let mut own_key = [0; 32];
        getrandom::fill(&mut own_key).map_err(SettingsError::Random)?;
        let ledger = Mutex::new(Ledger::new(settings.max_orders, settings.rules.clone()));
        let courier = Courier::new(settings.webhooks.clone());
        let token_epoch = AtomicU64::new(0);
        let inner = Inner {
            settings,
            merchants,
            base_path,
            ledger,
            courier,
            own_key,
            token_epoch,
            ccavenue_ids: hyperswitch::PaymentIds::default(),
            hyperswitch_ids: hyperswitch::PaymentIds::default(),
            stripe_keys: stripe::IdempotencyKeys::default(),
            razorpay_keys: stripe::IdempotencyKeys::default(),
        };
        Ok(Providers { inner: Arc::new(inner), merchant: None })
    }

    /// The pages, the APIs and the control, to be served at the public URL.
    pub fn router(&self) -> axum::Router {
        merchants::router(self)
    }
}

impl std::fmt::Debug for Providers {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Providers")
            .field("public_url", &self.inner.settings.public_url)
            .finish_non_exhaustive()
    }
}
