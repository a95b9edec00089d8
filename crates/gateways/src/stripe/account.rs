//! The `stripe.*` settings, and the account that they describe.

use std::sync::Arc;
use std::time::Duration;

use payment_domain::{Clock, GatewayName};
use payment_gateway::{Currencies, Gateway, Profile, StartMode, VerifyMode};
use payment_settings::parser::{self, Parser, TEXT, URL};
use payment_settings::{Optional, Reader, Setting, own};
use secrecy::{ExposeSecret, SecretString};

use super::Stripe;
use super::currency;
use crate::account::{Account, Adapter, Merchant};
use crate::client::Client;

pub const ADAPTER: Adapter = Adapter {
    name: "STRIPE",
    prefix: "stripe",
    protocol: "Checkout Sessions",
    settings: SETTINGS,
    common: COMMON,
    credentials: &[&SECRET_KEY],
    transaction_parameter: REFERENCE,
    // Test and live payments have one host; the secret key distinguishes them.
    test_hosts: &[],
    read: |reader, _| Some(Arc::new(StripeAccount::read(reader)?)),
};

/// The member in which Stripe returns our transaction id.
pub const REFERENCE: &str = "client_reference_id";

/// How long a session is kept open where no order life is set: longer than Stripe's minimum of 30 minutes, so
/// that a lost session can be opened once more.
const SESSION: Duration = Duration::from_secs(60 * 60);

crate::gateway_settings! {
    "stripe";
    SECRET_KEY: Optional<SecretString> = own("stripe.secret.key", KEY,
        "The secret key, `sk_…`, or a restricted one, `rk_…`, that may write Checkout Sessions and read \
         PaymentIntents.").secret();
    WEBHOOK_SECRET: Optional<SecretString> = own("stripe.webhook.secret", SIGNING_SECRET,
        "The signing secret of the webhook endpoint, `whsec_…`. Without it webhooks only make the service ask.")
        .secret();
    WEBHOOK_SECRET_PREVIOUS: Optional<SecretString> = own("stripe.webhook.secret.previous", SIGNING_SECRET,
        "A second signing secret, which is accepted as well: the old one while secrets are changed.").secret();
    CURRENCIES: Setting<Currencies> = own("stripe.currencies", currency::CURRENCIES,
        "The currencies that the account takes: codes of ISO 4217, or `all`. ISK, MGA, UGX and UYI, which Stripe \
         counts in units of its own, are not supported.").or("INR");
    HOST: Setting<String> = own("stripe.url", URL, "The host of the API.").or("https://api.stripe.com");
    VERSION: Setting<String> = own("stripe.api.version", TEXT,
        "The version of the API that requests ask for.").or("2026-10-28.endive");
}

/// Whether it is a key of test mode: `sk_test_…` or `rk_test_…`.
fn is_test_key(key: &SecretString) -> bool {
    key.expose_secret().split_once('_').is_some_and(|(_, rest)| rest.starts_with("test_"))
}

/// A key with which requests are authorised; never shown.
const KEY: Parser<SecretString> = parser::text(
    |text| match text.starts_with("sk_") || text.starts_with("rk_") {
        true if text.bytes().all(|byte| byte.is_ascii_graphic()) => Ok(SecretString::from(text)),
        _ => Err("is no secret key".to_owned()),
    },
    "a key of Stripe that begins with `sk_` or `rk_`",
);
/// A secret of a webhook endpoint; never shown.
const SIGNING_SECRET: Parser<SecretString> = parser::text(
    |text| match text.strip_prefix("whsec_") {
        Some(rest) if !rest.is_empty() => Ok(SecretString::from(text)),
        _ => Err("is no signing secret".to_owned()),
    },
    "the signing secret of a webhook endpoint, which begins with `whsec_`",
);

/// A merchant's account at Stripe.
#[derive(Debug, Clone)]
pub struct StripeAccount {
    pub secret_key: SecretString,
    /// The secrets that webhooks are signed with; either will do.
    pub webhook_secrets: Vec<SecretString>,
    pub currencies: Currencies,
    pub base_url: String,
    pub version: String,
}

impl StripeAccount {
    /// The account; `None` with a problem of each setting that is wrong.
    pub fn read(reader: &mut Reader<'_>) -> Option<StripeAccount> {
        let secret_key = reader.required(&SECRET_KEY);
        if secret_key.as_ref().is_some_and(is_test_key) {
            reader.doubt(&SECRET_KEY, "is a key of the provider's test mode: no money moves there");
        }
        let webhook_secrets = [reader.set(&WEBHOOK_SECRET), reader.set(&WEBHOOK_SECRET_PREVIOUS)];
        if let [None, Some(_)] = webhook_secrets {
            reader.problem(&WEBHOOK_SECRET, "must be set when the previous one is", "");
        }
        Some(StripeAccount {
            secret_key: secret_key?,
            webhook_secrets: webhook_secrets.into_iter().flatten().collect(),
            currencies: reader.get(&CURRENCIES),
            base_url: reader.get(&HOST),
            version: reader.get(&VERSION),
        })
    }
}

impl Account for StripeAccount {
    fn merchant(&self) -> Merchant {
        Merchant::Key(self.secret_key.clone())
    }

    fn profile(&self) -> Profile {
        Profile {
            name: GatewayName::new("STRIPE"),
            transaction_parameter: REFERENCE.into(),
            start_mode: StartMode::Network,
            verify_mode: VerifyMode::Offline,
            needs_bank_account: false,
            needs_form_page: false,
            sends_callbacks: true,
            currencies: self.currencies.clone(),
            refuses_second_payment: true,
            session: SESSION,
        }
    }

    fn adapter(&self, client: Client, clock: Arc<dyn Clock>) -> Arc<dyn Gateway> {
        Arc::new(Stripe::new(self.clone(), client, clock))
    }
}

#[cfg(test)]
mod tests {
    use payment_settings::Values;

    use super::*;
    use crate::testing::read_account;

    fn read(properties: &[(&'static str, &'static str)]) -> Result<StripeAccount, Vec<String>> {
        read_account(SETTINGS, properties.iter().copied(), StripeAccount::read)
    }

    #[test]
    fn a_key_is_enough_for_payments_in_rupees() {
        for key in ["sk_live_hush", "rk_test_hush"] {
            let account = read(&[("stripe.secret.key", key)]).unwrap();
            assert_eq!(account.profile().currencies, Currencies::RUPEES);
            assert_eq!(account.base_url, "https://api.stripe.com");
            assert!(account.webhook_secrets.is_empty());
        }
    }

    #[test]
    fn a_test_mode_key_is_reported() {
        for (key, told) in [("sk_live_test_a", 0), ("rk_live_a", 0), ("sk_test_a", 1), ("rk_test_a", 1)] {
            let values = Values::of([("stripe.secret.key", key)]);
            let mut reader = Reader::new(&values);
            StripeAccount::read(&mut reader).unwrap();
            assert_eq!(reader.notices.len(), told, "{key}");
        }
    }

    #[test]
    fn every_problem_is_named_by_its_property_without_the_secret() {
        assert_eq!(read(&[]).unwrap_err(), ["stripe.secret.key must be set"]);
        let problems = read(&[
            ("stripe.secret.key", "pk_live_hush"),
            ("stripe.webhook.secret", "hush"),
            ("stripe.currencies", "INR,ISK"),
        ]);
        assert_eq!(
            problems.unwrap_err(),
            [
                "stripe.currencies ISK is counted in another unit at Stripe, and not supported",
                "stripe.secret.key is not accepted",
                "stripe.webhook.secret is not accepted",
            ]
        );
        let problems =
            read(&[("stripe.secret.key", "sk_test_a"), ("stripe.webhook.secret.previous", "whsec_hush")]);
        assert_eq!(problems.unwrap_err(), ["stripe.webhook.secret must be set when the previous one is"]);
    }

    #[test]
    fn the_configuration_prints_without_its_secrets() {
        let properties = [
            ("stripe.secret.key", "sk_test_hush"),
            ("stripe.webhook.secret", "whsec_hush"),
            ("stripe.webhook.secret.previous", "whsec_hush2"),
        ];
        let account = read(&properties).unwrap();
        assert_eq!(account.webhook_secrets.len(), 2);
        assert!(!format!("{account:?}").contains("hush"), "{account:?}");
    }
}
