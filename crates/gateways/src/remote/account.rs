//! The `remote.<name>.*` settings, and the account that they describe.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use payment_domain::{Clock, GatewayName};
use payment_gateway::{Currencies, Gateway, Profile, Repetition, StartMode, USUAL_SESSION, VerifyMode};
use payment_settings::parser::{self, FLAG, Parser, SECRET, TEXT, URL, millis, one_of};
use payment_settings::{Declared, Optional, Reader, Setting, own, settings};
use secrecy::{ExposeSecret, SecretString};

use super::Remote;
use super::refund::{REPETITIONS, Refunds};
use crate::account::{Account, Common, Merchant, calls_at_once, calls_per_second, order_life};
use crate::client::{Client, Limits};
use crate::currencies;

/// The beginning of the names of all remote gateways' settings.
pub const PREFIX: &str = "remote.";
/// The fewest characters of a secret.
const MIN_SECRET_CHARS: usize = 32;
const MAX_NAME_CHARS: usize = 32;

settings! {
    /// Of a gateway of the operator's own; `docs/remote-gateway.md` describes its protocol.
    pub const SETTINGS;
    ACTIVE: Setting<bool> = own("remote.<name>.active", FLAG,
        "Whether the gateway of this name is offered to applications, which write the name in upper case.")
        .named().or("false");
    BASE_URL: Optional<String> = own("remote.<name>.base-url", URL,
        "What `/start`, `/status` and `/verify` are appended to; see `docs/remote-gateway.md`.").named();
    SHARED_SECRET: Optional<SecretString> = own("remote.<name>.secret", SECRET,
        "What both sides sign with: at least 32 characters.").named().secret();
    MERCHANT: Optional<String> = own("remote.<name>.merchant", TEXT,
        "The merchant at the provider, as your service knows it: sent with every request. Required in stored accounts; \
         another one is another merchant's account.").named();
    TIMEOUT: Setting<Duration> = own("remote.<name>.timeout-ms", millis(100, 60_000),
        "How many milliseconds one call may take.").named().or("10000");
    TRANSACTION_PARAMETER: Setting<String> = own("remote.<name>.transaction-parameter", PARAMETER,
        "The parameter, or the member of a JSON body, in which the provider returns the transaction id.")
        .named().or("orderId");
    REFUSES_SECOND_PAYMENT: Setting<bool> = own("remote.<name>.refuses-second-payment", FLAG,
        "Whether the provider itself refuses a second payment of one order. A payer who comes back is \
         then led to the order that was begun.").named().or("false");
    CLOSES_ORDERS: Setting<bool> = own("remote.<name>.closes-orders", FLAG,
        "Whether it answers `/close`: an abandoned payment is then closed there when its bill is to be \
         paid by another.").named().or("false");
    REFUNDS: Setting<Refunds> = own("remote.<name>.refunds",
        one_of(&[("none", Refunds::None), ("whole", Refunds::Whole), ("parts", Refunds::Parts)]),
        "Whether it answers `/refund` and `/refund-status`: for the whole of a payment alone, or for parts of it.")
        .named().or("none");
    REFUND_REPETITION: Setting<Repetition> = own("remote.<name>.refund-repetition", one_of(REPETITIONS),
        "The effect of a second `/refund` with one `refundId` at the provider: answered as the first was, refused, \
         or done again. Only with the first two a refund is sent again after its request was lost.")
        .named().or("doubles");
    CURRENCIES: Setting<Currencies> = own("remote.<name>.currencies", CURRENCY_CODES,
        "The currencies it takes. A payment in another one is refused before it begins.").named().or("INR");
    ORDER_LIFE: Optional<Duration> = order_life("remote.<name>.order.life-mins").named();
    CALLS_AT_ONCE: Optional<usize> = calls_at_once("remote.<name>.reconciliation.calls-at-once").named();
    CALLS_PER_SECOND: Optional<u32> =
        calls_per_second("remote.<name>.reconciliation.calls-per-second").named();
}

/// The settings that every gateway has.
pub const COMMON: Common = Common {
    active: ACTIVE,
    order_life: ORDER_LIFE,
    calls_at_once: CALLS_AT_ONCE,
    calls_per_second: CALLS_PER_SECOND,
};

/// The settings that name and prove an account.
pub const CREDENTIALS: &[&dyn Declared] = &[&MERCHANT, &SHARED_SECRET];

const PARAMETER: Parser<String> = parser::text(
    |text| {
        let fits = text.len() <= 64 && text.bytes().all(|byte| byte.is_ascii_graphic());
        fits.then(|| text.to_owned()).ok_or_else(|| "must have 1 to 64 visible ASCII characters".to_owned())
    },
    "the name of a parameter",
);

const CURRENCY_CODES: Parser<Currencies> =
    parser::text(|text| currencies::read(text, &[], "the gateway"), currencies::ACCEPTS);

#[derive(Debug, Clone)]
pub struct RemoteAccount {
    /// The name in the settings, in upper case.
    pub name: GatewayName,
    /// Precedes `/start` and the other questions.
    pub base_url: String,
    /// Both sides sign with it.
    pub secret: SecretString,
    /// Sent with every request, where one service has several merchants.
    pub merchant: Option<String>,
    /// How long one call may take.
    pub timeout: Duration,
    /// The parameter or JSON member in which the provider returns our transaction id.
    pub transaction_parameter: String,
    /// Whether the provider itself refuses a second payment of one order.
    pub refuses_second_payment: bool,
    /// Whether it answers `/close`.
    pub closes_orders: bool,
    pub refunds: Refunds,
    /// The effect of a second request with one refund id.
    pub repetition: Repetition,
    pub currencies: Currencies,
}

impl RemoteAccount {
    /// A stored account, which names its merchant; `None` with the problems.
    pub fn read_stored(reader: &mut Reader<'_>, name: &str) -> Option<RemoteAccount> {
        reader.required(&MERCHANT)?;
        RemoteAccount::read(reader, name)
    }

    /// The account of the remote gateway that the reader reads for; `None` with the problems.
    pub fn read(reader: &mut Reader<'_>, name: &str) -> Option<RemoteAccount> {
        if !is_name(name) {
            let problem = "must be named by 2 to 32 lower-case letters, digits and dashes, a letter first";
            reader.problem(&ACTIVE, problem, "");
        }
        let base_url = reader.required(&BASE_URL);
        if base_url.as_ref().is_some_and(|url| url.contains('?')) {
            reader.problem(&BASE_URL, "must not have a query", "");
        }
        let secret = reader.required(&SHARED_SECRET);
        if secret.as_ref().is_some_and(|secret| secret.expose_secret().chars().count() < MIN_SECRET_CHARS) {
            let problem = format!("must have at least {MIN_SECRET_CHARS} characters");
            reader.problem(&SHARED_SECRET, problem, "");
        }
        Some(RemoteAccount {
            name: GatewayName::new(name),
            base_url: base_url?,
            secret: secret?,
            merchant: reader.set(&MERCHANT),
            timeout: reader.get(&TIMEOUT),
            transaction_parameter: reader.get(&TRANSACTION_PARAMETER),
            refuses_second_payment: reader.get(&REFUSES_SECOND_PAYMENT),
            closes_orders: reader.get(&CLOSES_ORDERS),
            refunds: reader.get(&REFUNDS),
            repetition: reader.get(&REFUND_REPETITION),
            currencies: reader.get(&CURRENCIES),
        })
    }
}

impl Account for RemoteAccount {
    fn merchant(&self) -> Merchant {
        Merchant::Id(self.merchant.as_ref().unwrap_or(&self.base_url).clone())
    }

    fn profile(&self) -> Profile {
        Profile {
            name: self.name.clone(),
            transaction_parameter: self.transaction_parameter.clone().into(),
            start_mode: StartMode::Network,
            verify_mode: VerifyMode::Network,
            needs_bank_account: false,
            // It may answer with a form, and can do without.
            needs_form_page: false,
            sends_callbacks: true,
            currencies: self.currencies.clone(),
            refuses_second_payment: self.refuses_second_payment,
            session: USUAL_SESSION,
        }
    }

    fn limits(&self) -> Option<Limits> {
        let defaults = Limits::default();
        let connect_timeout = defaults.connect_timeout.min(self.timeout);
        Some(Limits { connect_timeout, total_timeout: self.timeout, ..defaults })
    }

    fn adapter(&self, client: Client, clock: Arc<dyn Clock>) -> Arc<dyn Gateway> {
        Arc::new(Remote::new(self.clone(), client, clock))
    }
}

/// Where the remote gateway of this name is; empty where that is not set.
pub fn base_url(reader: &Reader<'_>) -> String {
    reader.set(&BASE_URL).unwrap_or_default()
}

fn is_name(name: &str) -> bool {
    (2..=MAX_NAME_CHARS).contains(&name.len())
        && name.starts_with(|first: char| first.is_ascii_lowercase())
        && name.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-')
}

/// The names of the remote gateways among the names of properties: `citypay` of
/// `remote.citypay.base-url`.
pub fn names_in<'a>(properties: impl IntoIterator<Item = &'a str>) -> BTreeSet<&'a str> {
    let name = |property: &'a str| Some(property.strip_prefix(PREFIX)?.split_once('.')?.0);
    properties.into_iter().filter_map(name).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::read_account;

    const SECRET: &str = "0123456789abcdef0123456789abcdef";

    fn read(name: &str, properties: &[(&str, &str)]) -> Result<RemoteAccount, Vec<String>> {
        let named = properties.iter().map(|(property, value)| (format!("remote.{name}.{property}"), *value));
        let read = |reader: &mut Reader<'_>| {
            let mut own = reader.fork(Some(name));
            let account = RemoteAccount::read(&mut own, name);
            reader.problems.append(&mut own.problems);
            account
        };
        read_account(SETTINGS, named, read)
    }

    #[test]
    fn a_name_a_url_and_a_secret_are_enough() {
        let account = read("citypay", &[("base-url", "http://127.0.0.1:8070/bridge/"), ("secret", SECRET)]);
        let account = account.unwrap();
        assert_eq!(account.name.as_str(), "CITYPAY");
        assert_eq!(account.base_url, "http://127.0.0.1:8070/bridge");
        assert_eq!(account.timeout, Duration::from_secs(10));
        assert_eq!(account.transaction_parameter, "orderId");
        assert!(!format!("{account:?}").contains(SECRET));
    }

    #[test]
    fn all_problems_are_reported_together_with_their_property() {
        assert_eq!(
            read("citypay", &[("timeout-ms", "0"), ("transaction-parameter", "order id")]).unwrap_err(),
            [
                "remote.citypay.timeout-ms 0 is too small",
                "remote.citypay.transaction-parameter must have 1 to 64 visible ASCII characters",
                "remote.citypay.base-url must be set",
                "remote.citypay.secret must be set",
            ]
        );
        assert_eq!(
            read("citypay", &[("base-url", "ftp://x"), ("secret", "short")]).unwrap_err(),
            [
                "remote.citypay.base-url must be a host name or an http(s) URL",
                "remote.citypay.secret must have at least 32 characters",
            ]
        );
        let with_query = read("citypay", &[("base-url", "https://x/?a=b"), ("secret", SECRET)]);
        assert_eq!(with_query.unwrap_err(), ["remote.citypay.base-url must not have a query"]);
        for name in ["", "x", "CityPay", "city_pay", "1pay", "über", &"x".repeat(33)] {
            assert!(
                read(name, &[]).is_err_and(|problems| problems[0].contains("must be named by")),
                "{name}"
            );
        }
    }

    #[test]
    fn the_currencies_are_rupees_unless_others_are_named() {
        let taken = |currencies: &[(&str, &str)]| {
            let needed = [("base-url", "https://x"), ("secret", SECRET)];
            let read = read("citypay", &[&needed[..], currencies].concat());
            read.map(|account| account.profile().currencies)
        };
        assert_eq!(taken(&[]).unwrap(), Currencies::RUPEES);
        assert_eq!(taken(&[("currencies", "all")]).unwrap(), Currencies::All);
        assert_eq!(taken(&[("currencies", "ALL")]).unwrap().to_string(), "ALL", "the Albanian lek");
        let several = taken(&[("currencies", "inr, USD,JPY")]).unwrap();
        assert_eq!(several.to_string(), "INR, USD, JPY");
        for wrong in ["KWD", "USD,", "INR;USD", "rupees"] {
            assert_eq!(taken(&[("currencies", wrong)]).unwrap_err().len(), 1, "{wrong}");
        }
    }

    #[test]
    fn a_call_is_given_the_time_that_is_configured() {
        let limits = |timeout: &str| {
            let set = [("base-url", "https://x"), ("secret", SECRET), ("timeout-ms", timeout)];
            let limits = read("citypay", &set).unwrap().limits().unwrap();
            (limits.connect_timeout.as_millis(), limits.total_timeout.as_millis())
        };
        assert_eq!(limits("300"), (300, 300));
        assert_eq!(limits("30000"), (5_000, 30_000));
    }

    #[test]
    fn remote_gateways_are_found_by_their_properties() {
        let properties = [
            "remote.citypay.base-url",
            "remote.citypay.secret",
            "remote.bank-2.active",
            "axis.active",
            "remote.x",
        ];
        assert_eq!(names_in(properties).into_iter().collect::<Vec<_>>(), ["bank-2", "citypay"]);
    }
}
