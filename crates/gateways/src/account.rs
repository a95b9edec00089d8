//! Accounts: the values adapters are built from, and the settings that describe them.
//!
//! An adapter's folder declares its settings ([`gateway_settings!`](crate::gateway_settings)), its account, and
//! an [`Adapter`] that joins the two. The configuration file describes one account of each gateway; an account
//! that is stored is read from its texts in the same way ([`AccountsOf`](crate::AccountsOf)).

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use payment_domain::{Clock, GatewayName, MerchantDigest};
use payment_gateway::{Gateway, Profile};
use payment_settings::parser::{FLAG, count, mins, one_of, small};
use payment_settings::{Declared, Optional, Problem, Reader, Setting, Values, own};
use secrecy::{ExposeSecret, SecretString};
use sha2::{Digest, Sha256};

use crate::client::{Client, Limits};

/// A merchant's account at a gateway: the merchant id, the credentials, the gateway's hosts and options.
/// `Debug` shows no secret.
pub trait Account: fmt::Debug + Send + Sync {
    /// The merchant whose account it is.
    fn merchant(&self) -> Merchant;

    /// The gateway with this account, before it is called.
    fn profile(&self) -> Profile;

    /// The limits of calls, where this account has its own.
    fn limits(&self) -> Option<Limits> {
        None
    }

    /// An adapter for this account. Cheap: the client is shared.
    fn adapter(&self, client: Client, clock: Arc<dyn Clock>) -> Arc<dyn Gateway>;
}

/// The merchant of an account, as far as its settings tell.
pub enum Merchant {
    /// The provider's id of the merchant: the same for all its credentials.
    Id(String),
    /// Its credentials alone: new ones may be the same merchant's.
    Key(SecretString),
}

impl Merchant {
    /// Tells one merchant of a gateway from another. New credentials of a [`Merchant::Key`] look like another
    /// merchant.
    pub fn digest(&self, gateway: &GatewayName) -> MerchantDigest {
        let text = match self {
            Merchant::Id(id) => id,
            Merchant::Key(key) => key.expose_secret(),
        };
        MerchantDigest::new(Sha256::digest(format!("{gateway}|{text}")).into())
    }
}

/// A gateway with an adapter in this crate.
pub struct Adapter {
    /// The name by which applications choose it.
    pub name: &'static str,
    /// The first segment of its settings.
    pub prefix: &'static str,
    /// The protocol, in a few words for people.
    pub protocol: &'static str,
    /// Its settings, in the order of the reference.
    pub settings: &'static [&'static dyn Declared],
    /// Settings common to all gateways.
    pub common: Common,
    /// The settings that name and prove an account, in all protocols; where none is set there is no account.
    pub credentials: &'static [&'static dyn Declared],
    /// The callback parameter in which the provider returns our transaction id. DIGIT's web client relays it to
    /// endpoints that name no gateway, also for one that is no longer configured.
    pub transaction_parameter: &'static str,
    /// The hosts of the provider's test environment: no money moves there.
    pub test_hosts: &'static [&'static str],
    /// The account that the settings describe; `None` with a problem of each that is wrong.
    pub read: fn(&mut Reader<'_>, RedirectThrough) -> Option<Arc<dyn Account>>,
}

impl Adapter {
    /// The account that these texts describe, by the names of the settings.
    ///
    /// # Errors
    /// Everything that is wrong with them.
    pub fn account<K: Into<String>, V: AsRef<str>>(
        &self,
        texts: impl IntoIterator<Item = (K, V)>,
        through: RedirectThrough,
    ) -> Result<Arc<dyn Account>, Vec<Problem>> {
        read_all(&Values::of(texts), self.settings, |reader| (self.read)(reader, through))
    }
}

/// Reads an account, and reports all problems of its settings.
///
/// # Errors
/// All problems.
pub fn read_all<A>(
    values: &Values,
    settings: &'static [&'static dyn Declared],
    read: impl FnOnce(&mut Reader<'_>) -> Option<A>,
) -> Result<A, Vec<Problem>> {
    let mut problems = values.invalid(|name| settings.iter().copied().find(|setting| setting.covers(name)));
    let mut reader = Reader::new(values);
    let account = read(&mut reader);
    problems.append(&mut reader.problems);
    account.filter(|_| problems.is_empty()).ok_or(problems)
}

/// The settings that every gateway has.
#[derive(Clone, Copy)]
pub struct Common {
    pub active: Setting<bool>,
    pub order_life: Optional<Duration>,
    pub calls_at_once: Optional<usize>,
    pub calls_per_second: Optional<u32>,
}

pub const fn active(key: &'static str) -> Setting<bool> {
    own(key, FLAG, "Whether the gateway is offered to applications.").or("false")
}

pub const fn order_life(key: &'static str) -> Optional<Duration> {
    own(key, mins(1, 525_600), "For how many minutes an order of this gateway can be paid.").or_worked_out(
        "`order.life-mins`, or as long as its provider keeps an order open: 30 minutes as a rule",
    )
}

pub const fn calls_at_once(key: &'static str) -> Optional<usize> {
    own(key, count(1, 4_096), "How many payments of this gateway reconciliation asks about at once.")
        .or_worked_out("`reconciliation.calls-at-once`")
}

pub const fn calls_per_second(key: &'static str) -> Optional<u32> {
    own(
        key,
        small(0, 10_000),
        "How many payments of this gateway reconciliation asks about in a second; 0 for as many as it answers.",
    )
    .or_worked_out("`reconciliation.calls-per-second`")
}

/// Declares the settings of a gateway as `SETTINGS`: `<prefix>.active`, its own, and the others that every
/// gateway has. `also` names the prefix that `active` has in a fork of egov-pg-service.
#[macro_export]
macro_rules! gateway_settings {
    ($prefix:literal $(also $other:literal)?; $($own:tt)*) => {
        ::payment_settings::settings! {
            /// The settings of the gateway.
            pub const SETTINGS;
            ACTIVE: ::payment_settings::Setting<bool> = $crate::account::active(concat!($prefix, ".active"))$(.also(concat!($other, ".active")))?;
            $($own)*
            ORDER_LIFE: ::payment_settings::Optional<::std::time::Duration> =
                $crate::account::order_life(concat!($prefix, ".order.life-mins"));
            CALLS_AT_ONCE: ::payment_settings::Optional<usize> =
                $crate::account::calls_at_once(concat!($prefix, ".reconciliation.calls-at-once"));
            CALLS_PER_SECOND: ::payment_settings::Optional<u32> =
                $crate::account::calls_per_second(concat!($prefix, ".reconciliation.calls-per-second"));
        }

        const COMMON: $crate::account::Common = $crate::account::Common {
            active: ACTIVE,
            order_life: ORDER_LIFE,
            calls_at_once: CALLS_AT_ONCE,
            calls_per_second: CALLS_PER_SECOND,
        };
    };
}

/// Through whom payers' browsers are led to a gateway and back: an option of every account.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RedirectThrough {
    /// The application: the browser follows one URL to the gateway, and comes back to the callback URL.
    Application,
    /// This service: a page of it may post a form to the gateway, and the browser comes back to it.
    Service,
}

/// The setting that chooses it for all gateways.
pub const REDIRECT_THROUGH: Optional<RedirectThrough> = own(
    "redirect.through",
    one_of(&[("application", RedirectThrough::Application), ("service", RedirectThrough::Service)]),
    "Through whom payers' browsers are led to a gateway and back. `application`: straight to the gateway, and \
     back to the application's `callbackUrl`; from outside, only `_create` and `_update` of this service have to \
     be reachable. `service`: by a page of this service where a gateway wants a form, and back to this service, \
     which sends the browser on to the `callbackUrl`; the paths that `check-config` names have to be reachable \
     below `server.public-url`.",
)
.or_worked_out("`application` beside DIGIT while `server.public-url` is not set, else `service`");

impl RedirectThrough {
    /// Its word in the setting.
    pub fn as_str(self) -> &'static str {
        match self {
            RedirectThrough::Application => "application",
            RedirectThrough::Service => "service",
        }
    }
}

/// A base URL and a path with exactly one slash between them.
pub fn join(base: &str, path: &str) -> String {
    format!("{}/{}", base.trim_end_matches('/'), path.trim_start_matches('/'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_default_is_accepted() {
        for setting in
            crate::ADAPTERS.iter().flat_map(|adapter| adapter.settings).chain(crate::remote::SETTINGS)
        {
            if let payment_settings::Fallback::Value(text) = setting.fallback {
                assert_eq!(setting.check(text), Ok(()), "{}", setting.key);
            }
        }
    }

    #[test]
    fn settings_and_credentials_bear_the_prefix_of_their_gateway() {
        for adapter in crate::ADAPTERS {
            let below =
                |key: &str| key.strip_prefix(adapter.prefix).is_some_and(|rest| rest.starts_with('.'));
            for setting in adapter.settings.iter().chain(adapter.credentials) {
                assert!(below(setting.key), "{}", setting.key);
            }
            assert!(!adapter.credentials.is_empty(), "{}", adapter.name);
        }
    }

    #[test]
    fn a_base_and_a_path_meet_in_one_slash() {
        for (base, path) in
            [("https://x", "p"), ("https://x/", "p"), ("https://x", "/p"), ("https://x/", "/p")]
        {
            assert_eq!(join(base, path), "https://x/p");
        }
    }
}
