//! What a remote gateway is configured with: the `remote.<name>.*` properties.

use std::collections::BTreeSet;
use std::time::Duration;

use payment_domain::GatewayName;
use secrecy::{ExposeSecret, SecretString};

use crate::client::Limits;
use crate::config::{ConfigProblem, Lookup, Settings};

/// What the properties of all remote gateways begin with.
pub const PREFIX: &str = "remote.";
/// The fewest characters a secret may have.
const MIN_SECRET_CHARS: usize = 32;
/// The longest name.
const MAX_NAME_CHARS: usize = 32;
/// The shortest and the longest time one may be waited for, and the time when nothing is said.
const TIMEOUTS_MS: (u64, u64, u64) = (100, 60_000, 10_000);

/// One remote gateway. The secret is not shown by `Debug`.
#[derive(Debug, Clone)]
pub struct RemoteConfig {
    /// The name applications choose it by: the name in the properties, in upper case.
    pub name: GatewayName,
    /// `remote.<name>.base-url`: what `/start` and the other questions are appended to.
    pub base_url: String,
    /// `remote.<name>.secret`: what both sides sign with.
    pub secret: SecretString,
    /// `remote.<name>.timeout-ms`: how long one call may take.
    pub timeout: Duration,
    /// `remote.<name>.transaction-parameter`: the parameter or JSON member in which the provider
    /// returns our transaction id.
    pub transaction_parameter: String,
    /// `remote.<name>.refuses-second-payment`: whether the provider itself refuses a second payment of
    /// one order.
    pub refuses_second_payment: bool,
    /// `remote.<name>.closes-orders`: whether it answers `/close`.
    pub closes_orders: bool,
}

impl RemoteConfig {
    /// Reads the properties of the remote gateway of this name.
    ///
    /// # Errors
    /// Everything that is wrong with them, each by the name of its property.
    pub fn read(name: &str, lookup: &Lookup<'_>) -> Result<RemoteConfig, Vec<ConfigProblem>> {
        let mut settings = Settings::new(format!("{PREFIX}{name}"), lookup);
        if !is_name(name) {
            let problem = "must be named by 2 to 32 lower-case letters, digits and dashes, a letter first";
            settings.problem("active", problem);
        }
        let base_url = match settings.optional("base-url") {
            Some(_) => settings.url("base-url", ""),
            None => settings.required("base-url"),
        };
        if base_url.contains('?') {
            settings.problem("base-url", "must not have a query");
        }
        let secret = settings.secret("secret");
        let chars = secret.expose_secret().chars().count();
        if (1..MIN_SECRET_CHARS).contains(&chars) {
            settings.problem("secret", format!("must have at least {MIN_SECRET_CHARS} characters"));
        }
        let timeout = timeout(&mut settings);
        let transaction_parameter = settings.or("transaction-parameter", "orderId");
        if transaction_parameter.len() > 64
            || !transaction_parameter.bytes().all(|byte| byte.is_ascii_graphic())
        {
            settings.problem("transaction-parameter", "must have 1 to 64 visible ASCII characters");
        }
        let refuses_second_payment = flag(&mut settings, "refuses-second-payment");
        let closes_orders = flag(&mut settings, "closes-orders");
        let name = GatewayName::new(name);
        settings.finish(RemoteConfig {
            name,
            base_url,
            secret,
            timeout,
            transaction_parameter,
            refuses_second_payment,
            closes_orders,
        })
    }

    /// The limits of the calls to it.
    pub fn limits(&self) -> Limits {
        let defaults = Limits::default();
        Limits {
            connect_timeout: defaults.connect_timeout.min(self.timeout),
            total_timeout: self.timeout,
            ..defaults
        }
    }
}

fn flag(settings: &mut Settings<'_>, name: &str) -> bool {
    let text = settings.or(name, "false");
    text.parse().unwrap_or_else(|_| {
        settings.problem(name, "must be `true` or `false`");
        false
    })
}

fn timeout(settings: &mut Settings<'_>) -> Duration {
    let (shortest, longest, default) = TIMEOUTS_MS;
    let millis = match settings.optional("timeout-ms") {
        None => Some(default),
        Some(text) => text.parse().ok().filter(|millis| (shortest..=longest).contains(millis)),
    };
    let millis = millis.unwrap_or_else(|| {
        settings.problem("timeout-ms", format!("must be a whole number from {shortest} to {longest}"));
        default
    });
    Duration::from_millis(millis)
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

    const SECRET: &str = "0123456789abcdef0123456789abcdef";

    fn read(name: &str, properties: &[(&str, &str)]) -> Result<RemoteConfig, Vec<String>> {
        let lookup = |wanted: &str| {
            let found = properties.iter().find(|(name, _)| format!("remote.citypay.{name}") == wanted);
            found.map(|(_, value)| (*value).to_owned())
        };
        RemoteConfig::read(name, &lookup)
            .map_err(|problems| problems.iter().map(ToString::to_string).collect())
    }

    #[test]
    fn a_name_a_url_and_a_secret_are_enough() {
        let config = read("citypay", &[("base-url", "http://127.0.0.1:8070/bridge/"), ("secret", SECRET)]);
        let config = config.unwrap();
        assert_eq!(config.name.as_str(), "CITYPAY");
        assert_eq!(config.base_url, "http://127.0.0.1:8070/bridge");
        assert_eq!(config.timeout, Duration::from_secs(10));
        assert_eq!(config.transaction_parameter, "orderId");
        assert!(!format!("{config:?}").contains(SECRET));
    }

    #[test]
    fn all_problems_are_told_at_once_by_their_property() {
        assert_eq!(
            read("citypay", &[("timeout-ms", "0"), ("transaction-parameter", "order id")]).unwrap_err(),
            [
                "remote.citypay.base-url must be set",
                "remote.citypay.secret must be set",
                "remote.citypay.timeout-ms must be a whole number from 100 to 60000",
                "remote.citypay.transaction-parameter must have 1 to 64 visible ASCII characters",
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
    fn a_call_is_given_the_time_that_is_configured() {
        let limits = |timeout: &str| {
            let set = [("base-url", "https://x"), ("secret", SECRET), ("timeout-ms", timeout)];
            let limits = read("citypay", &set).unwrap().limits();
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
