//! Properties of a gateway that are known before it is called.

use std::borrow::Cow;
use std::fmt;
use std::time::Duration;

use payment_domain::{Currency, GatewayName};

/// The properties of a gateway that the service needs before it calls. They never change during the life of
/// an adapter; whether the gateway can be used now is
/// [`Gateway::availability`](crate::Gateway::availability).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Profile {
    /// The upper-case name clients choose it by.
    pub name: GatewayName,
    /// The callback parameter in which this gateway returns our transaction id, e.g. `ORDERID`.
    /// Compared without regard to letter case.
    pub transaction_parameter: Cow<'static, str>,
    /// Whether [`Gateway::start`](crate::Gateway::start) calls the gateway.
    pub start_mode: StartMode,
    /// Whether [`Gateway::verify`](crate::Gateway::verify) calls the gateway.
    pub verify_mode: VerifyMode,
    /// Whether an order needs the tenant's bank account number.
    pub needs_bank_account: bool,
    /// Whether [`Gateway::start`](crate::Gateway::start) answers with
    /// [`Redirect::Form`](crate::Redirect::Form), for which the service has to show a page. A gateway
    /// without it needs only a URL.
    pub needs_form_page: bool,
    /// Whether the gateway reports from server to server.
    pub sends_callbacks: bool,
    /// The currencies the gateway takes with this account.
    pub currencies: Currencies,
    /// Whether the provider itself refuses a second payment of one order, so that a payer may be sent to
    /// the same order again.
    pub refuses_second_payment: bool,
    /// How long the provider itself keeps an order open to be paid: the life of an order where none is
    /// set. [`USUAL_SESSION`] where it is not known.
    pub session: Duration,
}

/// The currencies a gateway takes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Currencies {
    /// Each that this service knows.
    All,
    /// These alone.
    Only(Cow<'static, [Currency]>),
    /// Each that this service knows but these.
    AllBut(Cow<'static, [Currency]>),
}

impl Currencies {
    /// Indian rupees alone.
    pub const RUPEES: Currencies = Currencies::Only(Cow::Borrowed(&[Currency::INR]));

    /// Whether the gateway takes this currency.
    pub fn include(&self, currency: Currency) -> bool {
        match self {
            Currencies::All => true,
            Currencies::Only(currencies) => currencies.contains(&currency),
            Currencies::AllBut(currencies) => !currencies.contains(&currency),
        }
    }
}

impl fmt::Display for Currencies {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let codes = |currencies: &[Currency]| {
            let codes: Vec<&str> = currencies.iter().map(|currency| currency.code()).collect();
            codes.join(", ")
        };
        match self {
            Currencies::All => f.write_str("all currencies"),
            Currencies::Only(currencies) => f.write_str(&codes(currencies)),
            Currencies::AllBut(currencies) => write!(f, "all currencies but {}", codes(currencies)),
        }
    }
}

/// How long providers keep an order open as a rule.
pub const USUAL_SESSION: Duration = Duration::from_secs(30 * 60);

/// Whether [`Gateway::start`](crate::Gateway::start) calls the gateway.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StartMode {
    /// The redirect is computed here: it is stored in the same commit as the transaction.
    Offline,
    /// The gateway is called: the transaction is stored first, so that the gateway never knows an
    /// order that we do not.
    Network,
}

/// Whether [`Gateway::verify`](crate::Gateway::verify) calls the gateway.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum VerifyMode {
    /// Signatures are checked here.
    Offline,
    /// A remote party checks them, and is called for it.
    Network,
}
