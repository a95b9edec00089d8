//! The `razorpay.*` settings, and the account that they describe.

use std::sync::Arc;

use payment_domain::{Clock, GatewayName};
use payment_gateway::{Currencies, Gateway, Profile, StartMode, USUAL_SESSION, VerifyMode};
use payment_settings::parser::{SECRET, TEXT, URL};
use payment_settings::{Optional, Reader, Setting, digit, own};
use secrecy::SecretString;

use super::{REFERENCE, Razorpay};
use crate::account::{Account, Adapter, Merchant};
use crate::client::Client;

pub const ADAPTER: Adapter = Adapter {
    name: "RAZORPAY",
    prefix: "razorpay",
    protocol: "payment links",
    settings: SETTINGS,
    common: COMMON,
    credentials: &[&KEY_ID, &KEY_SECRET],
    transaction_parameter: REFERENCE,
    // Test mode has the hosts of live mode, and keys of its own.
    test_hosts: &[],
    read: |reader, _| Some(Arc::new(RazorpayAccount::read(reader)?)),
};

crate::gateway_settings! {
    "razorpay";
    KEY_ID: Optional<String> = digit("razorpay.merchant.id", TEXT, "The key id.").also("razorpay.key.id");
    KEY_SECRET: Optional<SecretString> = digit("razorpay.merchant.secret.key", SECRET, "The key secret.")
        .secret().also("razorpay.key.secret");
    WEBHOOK_SECRET: Optional<SecretString> = own("razorpay.webhook.secret", SECRET,
        "The secret of the webhook, without which webhooks prove nothing: the payment is asked about all the \
         same.").secret();
    PREVIOUS_WEBHOOK_SECRET: Optional<SecretString> = own("razorpay.webhook.secret.previous", SECRET,
        "The secret that the webhook had before: after a change, events that are sent again still bear its \
         signature.").secret();
    HOST: Setting<String> = own("razorpay.host", URL, "The gateway's API.").or("https://api.razorpay.com/v1");
    CURRENCY: Optional<String> = digit("razorpay.currency", TEXT, "The currency of orders.")
        .ignored("payments are in rupees");
    LOCALE: Optional<String> = digit("razorpay.locale", TEXT, "The language of the application's pay page.")
        .ignored("payers pay on the gateway's own page");
    CHECKOUT: Optional<String> = digit("razorpay.url.debit", TEXT, "The application's pay page.")
        .ignored("payers pay on the gateway's own page");
    CAPTURE: Optional<String> = digit("razorpay.payment_capture", TEXT, "Whether payments are captured at once.")
        .ignored("set the account to automatic capture at the gateway");
}

/// Keys of test mode begin with it.
const TEST_KEY: &str = "rzp_test_";

/// A merchant's account at the gateway.
#[derive(Debug, Clone)]
pub struct RazorpayAccount {
    pub key_id: String,
    pub key_secret: SecretString,
    /// The webhook's secret, and the one before it.
    pub webhook_secrets: Vec<SecretString>,
    /// The API, with its version.
    pub base_url: String,
}

impl RazorpayAccount {
    /// The account; `None` with the problems.
    pub fn read(reader: &mut Reader<'_>) -> Option<RazorpayAccount> {
        let key_id = reader.required(&KEY_ID);
        if key_id.as_ref().is_some_and(|id| id.contains(':')) {
            reader.problem(&KEY_ID, "must not hold a colon", "copy the key id from the gateway's dashboard");
        }
        if key_id.as_ref().is_some_and(|id| id.starts_with(TEST_KEY)) {
            reader.doubt(&KEY_ID, "is a key of the provider's test mode: no money moves there");
        }
        let key_secret = reader.required(&KEY_SECRET);
        let current = reader.set(&WEBHOOK_SECRET);
        let previous = reader.set(&PREVIOUS_WEBHOOK_SECRET);
        if previous.is_some() && !reader.is_set(&WEBHOOK_SECRET) {
            reader.problem(&WEBHOOK_SECRET, "must be set when the previous one is", "");
        }
        Some(RazorpayAccount {
            key_id: key_id?,
            key_secret: key_secret?,
            webhook_secrets: current.into_iter().chain(previous).collect(),
            base_url: reader.get(&HOST),
        })
    }
}

impl Account for RazorpayAccount {
    fn merchant(&self) -> Merchant {
        Merchant::Key(self.key_id.clone().into())
    }

    fn profile(&self) -> Profile {
        Profile {
            name: GatewayName::new("RAZORPAY"),
            transaction_parameter: REFERENCE.into(),
            start_mode: StartMode::Network,
            verify_mode: VerifyMode::Offline,
            needs_bank_account: false,
            needs_form_page: false,
            sends_callbacks: true,
            currencies: Currencies::RUPEES,
            refuses_second_payment: true,
            session: USUAL_SESSION,
        }
    }

    fn adapter(&self, client: Client, clock: Arc<dyn Clock>) -> Arc<dyn Gateway> {
        Arc::new(Razorpay::new(self.clone(), client, clock))
    }
}

#[cfg(test)]
mod tests {
    use secrecy::ExposeSecret;

    use super::*;
    use crate::testing::read_account;

    fn read(properties: &[(&'static str, &'static str)]) -> Result<RazorpayAccount, Vec<String>> {
        read_account(SETTINGS, properties.iter().copied(), RazorpayAccount::read)
    }

    /// The settings of forks of the original service.
    const DROP_IN: [(&str, &str); 7] = [
        ("razorpay.active", "true"),
        ("razorpay.merchant.id", "rzp_live_FAKE"),
        ("razorpay.merchant.secret.key", "fa4e"),
        ("razorpay.currency", "INR"),
        ("razorpay.locale", "en_IN"),
        ("razorpay.url.debit", "https://city.example/checkout"),
        ("razorpay.payment_capture", "1"),
    ];

    #[test]
    fn a_drop_in_configuration_is_understood() {
        let account = read(&DROP_IN).unwrap();
        assert_eq!((account.key_id.as_str(), account.webhook_secrets.len()), ("rzp_live_FAKE", 0));
        assert_eq!(account.base_url, "https://api.razorpay.com/v1");
    }

    #[test]
    fn during_a_change_there_are_two_webhook_secrets_the_current_one_first() {
        let secrets = [("razorpay.webhook.secret", "new"), ("razorpay.webhook.secret.previous", "old")];
        let account = read(&[&DROP_IN[..], &secrets].concat()).unwrap();
        let secrets: Vec<_> =
            account.webhook_secrets.iter().map(|secret| secret.expose_secret().to_owned()).collect();
        assert_eq!(secrets, ["new", "old"]);
    }

    #[test]
    fn every_problem_is_named_by_its_property_without_the_secret() {
        assert_eq!(
            read(&[("razorpay.webhook.secret.previous", "hush"), ("razorpay.host", "ftp://x")]).unwrap_err(),
            [
                "razorpay.host must be a host name or an http(s) URL",
                "razorpay.merchant.id must be set",
                "razorpay.merchant.secret.key must be set",
                "razorpay.webhook.secret must be set when the previous one is",
            ]
        );
        let colon = [("razorpay.merchant.id", "a:b"), ("razorpay.merchant.secret.key", "s")];
        assert_eq!(read(&colon).unwrap_err(), ["razorpay.merchant.id must not hold a colon"]);
    }

    #[test]
    fn the_configuration_prints_without_its_secrets() {
        let printed = format!("{:?}", read(&DROP_IN).unwrap());
        assert!(!printed.contains("fa4e"), "{printed}");
    }
}
