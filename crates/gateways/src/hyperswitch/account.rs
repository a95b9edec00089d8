//! The `hyperswitch.*` settings, and the account that they describe.

use std::sync::Arc;

use payment_domain::{Clock, GatewayName};
use payment_gateway::{Currencies, Gateway, Profile, StartMode, USUAL_SESSION, VerifyMode};
use payment_settings::parser::{self, Parser, SECRET, TEXT, URL};
use payment_settings::{Optional, Reader, Setting, own};
use secrecy::{ExposeSecret, SecretString};

use super::signature::HashKeys;
use super::{Hyperswitch, REFERENCE};
use crate::account::{Account, Adapter, Merchant};
use crate::client::Client;
use crate::currencies;

pub const ADAPTER: Adapter = Adapter {
    name: "HYPERSWITCH",
    prefix: "hyperswitch",
    protocol: "payment link, payment retrieval, signed webhooks",
    settings: SETTINGS,
    common: COMMON,
    credentials: &[&API_KEY, &HASH_KEY],
    transaction_parameter: REFERENCE,
    test_hosts: &["sandbox.hyperswitch.io"],
    read: |reader, _| Some(Arc::new(HyperswitchAccount::read(reader)?)),
};

crate::gateway_settings! {
    "hyperswitch";
    API_KEY: Optional<SecretString> = own("hyperswitch.api.key", SECRET, "The API key of the merchant.").secret();
    HASH_KEY: Optional<SecretString> = own("hyperswitch.payment.response.hash.key", SECRET,
        "The profile's `payment_response_hash_key`, which signs webhooks and redirects.").secret();
    PREVIOUS_HASH_KEY: Optional<SecretString> = own("hyperswitch.payment.response.hash.key.previous", SECRET,
        "The key before it, accepted as well while the key is being changed.").secret();
    PROFILE_ID: Optional<String> = own("hyperswitch.profile.id", TEXT,
        "The profile that payments are made with, where the merchant has several.");
    URL_OF_ROUTER: Setting<String> = own("hyperswitch.url", URL,
        "The router: the cloud's, its sandbox `https://sandbox.hyperswitch.io`, or one's own.")
        .or("https://api.hyperswitch.io");
    CURRENCIES: Setting<Currencies> = own("hyperswitch.currencies", CODES,
        "The currencies that the profile's connectors take: codes of ISO 4217, or `all`. \
         IRR, ISK, MGA and UYI, which the router counts in another unit or does not know, are never taken.")
        .or("INR");
}

/// The currencies without decimals at the router that have some here, and the other way round.
const COUNTED_OTHERWISE: [&str; 4] = ["IRR", "ISK", "MGA", "UYI"];

const CODES: Parser<Currencies> =
    parser::text(|text| currencies::read(text, &COUNTED_OTHERWISE, "Hyperswitch"), currencies::ACCEPTS);

/// A merchant's account at a router.
#[derive(Debug, Clone)]
pub struct HyperswitchAccount {
    pub api_key: SecretString,
    pub hash_keys: HashKeys,
    pub profile_id: Option<String>,
    /// The address of the router.
    pub base_url: String,
    pub currencies: Currencies,
}

impl HyperswitchAccount {
    /// The account; `None` with the problems.
    pub fn read(reader: &mut Reader<'_>) -> Option<HyperswitchAccount> {
        let api_key = reader.required(&API_KEY);
        let sendable = |key: &SecretString| key.expose_secret().bytes().all(|byte| byte.is_ascii_graphic());
        if api_key.as_ref().is_some_and(|key| !sendable(key)) {
            reader.problem(&API_KEY, "must consist of ASCII letters, digits and marks", "");
        }
        let current = reader.required(&HASH_KEY);
        Some(HyperswitchAccount {
            hash_keys: HashKeys { previous: reader.set(&PREVIOUS_HASH_KEY), current: current? },
            profile_id: reader.set(&PROFILE_ID),
            base_url: reader.get(&URL_OF_ROUTER),
            currencies: reader.get(&CURRENCIES),
            api_key: api_key?,
        })
    }
}

impl Account for HyperswitchAccount {
    fn merchant(&self) -> Merchant {
        match &self.profile_id {
            Some(profile) => Merchant::Id(profile.clone()),
            None => Merchant::Key(self.api_key.clone()),
        }
    }

    fn profile(&self) -> Profile {
        Profile {
            name: GatewayName::new("HYPERSWITCH"),
            transaction_parameter: REFERENCE.into(),
            start_mode: StartMode::Network,
            verify_mode: VerifyMode::Offline,
            needs_bank_account: false,
            needs_form_page: false,
            sends_callbacks: true,
            currencies: self.currencies.clone(),
            refuses_second_payment: true,
            session: USUAL_SESSION,
        }
    }

    fn adapter(&self, client: Client, clock: Arc<dyn Clock>) -> Arc<dyn Gateway> {
        Arc::new(Hyperswitch::new(self.clone(), client, clock))
    }
}

#[cfg(test)]
mod tests {
    use payment_domain::Currency;

    use super::*;
    use crate::testing::read_account;

    const LEAST: [(&str, &str); 2] =
        [("hyperswitch.api.key", "snd_FAKE"), ("hyperswitch.payment.response.hash.key", "fa4e")];

    fn read(more: &[(&'static str, &'static str)]) -> Result<HyperswitchAccount, Vec<String>> {
        let texts = LEAST.iter().chain(more).copied();
        read_account(SETTINGS, texts, HyperswitchAccount::read)
    }

    #[test]
    fn two_keys_are_enough() {
        let account = read(&[]).unwrap();
        assert_eq!(account.base_url, "https://api.hyperswitch.io");
        assert!(account.profile_id.is_none() && account.hash_keys.previous.is_none());
        assert_eq!(account.currencies, Currencies::Only(vec![Currency::INR].into()));
    }

    #[test]
    fn router_profile_and_currencies_are_chosen() {
        let account = read(&[
            ("hyperswitch.url", "https://pay.city.example/router/"),
            ("hyperswitch.profile.id", "pro_1"),
            ("hyperswitch.currencies", "INR, usd,JPY"),
            ("hyperswitch.payment.response.hash.key.previous", "0ld"),
        ])
        .unwrap();
        assert_eq!(account.base_url, "https://pay.city.example/router");
        assert_eq!(account.profile_id.as_deref(), Some("pro_1"));
        for code in ["INR", "USD", "JPY"] {
            assert!(account.currencies.include(Currency::from_code(code).unwrap()), "{code}");
        }
        assert!(!account.currencies.include(Currency::from_code("EUR").unwrap()));
        let all = read(&[("hyperswitch.currencies", "all")]).unwrap().currencies;
        for (code, taken) in [("EUR", true), ("JPY", true), ("UGX", true), ("ISK", false), ("MGA", false)] {
            assert_eq!(all.include(Currency::from_code(code).unwrap()), taken, "{code}");
        }
    }

    #[test]
    fn every_problem_is_named_by_its_setting_without_the_secret() {
        let problems = read_account(
            SETTINGS,
            [("hyperswitch.api.key", "s e c r e t"), ("hyperswitch.currencies", "INR,KWD")],
            HyperswitchAccount::read,
        );
        assert_eq!(
            problems.unwrap_err(),
            [
                "hyperswitch.currencies `KWD` is not the code of a currency with two decimals or none",
                "hyperswitch.api.key must consist of ASCII letters, digits and marks",
                "hyperswitch.payment.response.hash.key must be set",
            ]
        );
    }

    #[test]
    fn the_account_prints_without_its_secrets() {
        let printed =
            format!("{:?}", read(&[("hyperswitch.payment.response.hash.key.previous", "0ld")]).unwrap());
        assert!(!["snd_FAKE", "fa4e", "0ld"].iter().any(|secret| printed.contains(secret)), "{printed}");
    }
}
