//! The simulator's settings: the merchant's account at each provider, and variants of behaviour.

use std::time::Duration;

use secrecy::{ExposeSecret, SecretString};
use url::Url;

use super::fault::Rule;
use super::form::is_address;
use super::provider::Provider;
use super::signature;
use crate::{CallbackPolicy, Clock};

/// Everything the simulator needs to know. [`ProvidersSettings::new`] has a made-up account at every
/// provider.
#[derive(Debug, Clone)]
pub struct ProvidersSettings {
    /// Where browsers reach [`Providers::router`](super::Providers::router), e.g.
    /// `http://localhost:9000` or `http://localhost:9000/providers`.
    pub public_url: String,
    pub axis: AxisAccount,
    pub ccavenue: CcavenueAccount,
    pub hyperswitch: HyperswitchAccount,
    pub paytm: PaytmAccount,
    pub phonepe: PhonepeAccount,
    pub payu: PayuAccount,
    pub razorpay: RazorpayAccount,
    pub stripe: StripeAccount,
    /// Further merchants, or further keys of one.
    pub others: Vec<Merchant>,
    pub rules: Vec<(Provider, Rule)>,
    /// For how long an order can be paid, unless the merchant says otherwise.
    pub order_life: Duration,
    /// For how long an access token of PhonePe's Standard Checkout is good.
    pub token_life: Duration,
    /// The duration of an accepted refund.
    pub refunds_take: Duration,
    /// More orders than this are refused: everything is kept in memory.
    pub max_orders: usize,
    pub webhooks: CallbackPolicy,
    /// After how long a call that hangs is cut.
    pub hang_for: Duration,
    /// The simulator's own clock.
    pub clock: Clock,
}

impl ProvidersSettings {
    /// Made-up accounts, no faults, orders that live for 30 minutes, tokens for an hour.
    pub fn new(public_url: impl Into<String>) -> ProvidersSettings {
        ProvidersSettings {
            public_url: public_url.into(),
            axis: AxisAccount::default(),
            ccavenue: CcavenueAccount::default(),
            hyperswitch: HyperswitchAccount::default(),
            paytm: PaytmAccount::default(),
            phonepe: PhonepeAccount::default(),
            payu: PayuAccount::default(),
            razorpay: RazorpayAccount::default(),
            stripe: StripeAccount::default(),
            others: Vec::new(),
            rules: Vec::new(),
            order_life: Duration::from_secs(30 * 60),
            token_life: Duration::from_secs(60 * 60),
            refunds_take: Duration::ZERO,
            max_orders: 100_000,
            webhooks: CallbackPolicy { most_attempts: 6, ..CallbackPolicy::default() },
            hang_for: Duration::from_secs(120),
            clock: Clock::default(),
        }
    }

    /// The same, with the webhooks that a merchant sets up at the provider (CCAvenue, Hyperswitch, Paytm, PhonePe's
    /// Standard Checkout, PayU, Razorpay, Stripe) going to `{service_url}/gateway/v1/{gateway}/_callback`.
    #[must_use]
    pub fn reporting_to(mut self, service_url: &str) -> ProvidersSettings {
        let address = |provider: Provider| {
            let service_url = service_url.trim_end_matches('/');
            Some(format!("{service_url}/gateway/v1/{}/_callback", provider.path()))
        };
        self.ccavenue.webhook_url = address(Provider::Ccavenue);
        self.hyperswitch.webhook_url = address(Provider::Hyperswitch);
        self.paytm.webhook_url = address(Provider::Paytm);
        self.phonepe.webhook_url = address(Provider::Phonepe);
        self.payu.webhook_url = address(Provider::Payu);
        self.razorpay.webhook_url = address(Provider::Razorpay);
        self.stripe.webhook_url = address(Provider::Stripe);
        self
    }

    /// The first merchant under another name, with its accounts at all providers: those that differ are changed, and
    /// the merchant is added to [`ProvidersSettings::others`].
    pub fn merchant(&self, name: impl Into<String>) -> Merchant {
        Merchant {
            name: name.into(),
            axis: self.axis.clone(),
            ccavenue: self.ccavenue.clone(),
            hyperswitch: self.hyperswitch.clone(),
            paytm: self.paytm.clone(),
            phonepe: self.phonepe.clone(),
            payu: self.payu.clone(),
            razorpay: self.razorpay.clone(),
            stripe: self.stripe.clone(),
        }
    }

    /// All merchants, the first one first.
    pub(crate) fn merchants(&self) -> Vec<Merchant> {
        [self.merchant("")].into_iter().chain(self.others.iter().cloned()).collect()
    }

    pub(crate) fn check(&self) -> Result<(), SettingsError> {
        let public = Url::parse(&self.public_url).ok().filter(|url| {
            matches!(url.scheme(), "http" | "https") && url.query().is_none() && url.fragment().is_none()
        });
        if public.is_none() {
            return Err(SettingsError::PublicUrl(self.public_url.clone()));
        }
        let merchants = self.merchants();
        if merchants.iter().any(|merchant| merchant.axis.secret().is_none()) {
            return Err(SettingsError::AxisSecret);
        }
        let is_key =
            |merchant: &Merchant| signature::paytm::is_key(merchant.paytm.key.expose_secret().as_bytes());
        if !merchants.iter().all(is_key) {
            return Err(SettingsError::PaytmKey);
        }
        let webhooks = [
            (Provider::Ccavenue, &self.ccavenue.webhook_url),
            (Provider::Hyperswitch, &self.hyperswitch.webhook_url),
            (Provider::Paytm, &self.paytm.webhook_url),
            (Provider::Phonepe, &self.phonepe.webhook_url),
            (Provider::Payu, &self.payu.webhook_url),
            (Provider::Razorpay, &self.razorpay.webhook_url),
            (Provider::Stripe, &self.stripe.webhook_url),
        ];
        for (provider, url) in webhooks {
            if url.as_deref().is_some_and(|url| !is_address(url)) {
                return Err(SettingsError::WebhookUrl(provider.name()));
            }
        }
        Ok(())
    }
}

#[derive(Debug, thiserror::Error)]
pub enum SettingsError {
    #[error("the public URL {0} is not an http(s) URL without query and fragment")]
    PublicUrl(String),
    /// The secret of Axis does not consist of hexadecimal digits in pairs.
    #[error("the secret of the Axis account must be hexadecimal digits in pairs")]
    AxisSecret,
    #[error("the key of the Paytm account must be 16, 24 or 32 bytes long")]
    PaytmKey,
    #[error("the webhook URL of {0} is not an http(s) URL")]
    WebhookUrl(&'static str),
    #[error("no randomness for the key of the forms")]
    Random(#[source] getrandom::Error),
}

/// A merchant's accounts at all providers. Two with one name are one merchant with two sets of keys: it sees its orders
/// with either, and each order is signed with the keys that opened it.
#[derive(Debug, Clone)]
pub struct Merchant {
    pub name: String,
    pub axis: AxisAccount,
    pub ccavenue: CcavenueAccount,
    pub hyperswitch: HyperswitchAccount,
    pub paytm: PaytmAccount,
    pub phonepe: PhonepeAccount,
    pub payu: PayuAccount,
    pub razorpay: RazorpayAccount,
    pub stripe: StripeAccount,
}

/// An account at Axis (MIGS).
#[derive(Debug, Clone)]
pub struct AxisAccount {
    /// `vpc_Merchant`
    pub merchant_id: String,
    /// `vpc_AccessCode`
    pub access_code: String,
    /// The secure hash secret, in hexadecimal.
    pub secret_hex: SecretString,
    pub user: String,
    pub password: SecretString,
}

impl AxisAccount {
    /// The decoded secret; `None` when it is no hexadecimal text, or an empty one.
    pub(crate) fn secret(&self) -> Option<Vec<u8>> {
        hex::decode(self.secret_hex.expose_secret()).ok().filter(|secret| !secret.is_empty())
    }

    /// The decoded secret, which was checked at the start.
    pub(crate) fn secret_bytes(&self) -> Vec<u8> {
        self.secret().unwrap_or_default()
    }
}

impl Default for AxisAccount {
    fn default() -> AxisAccount {
        AxisAccount {
            merchant_id: "TESTSIMULATOR".to_owned(),
            access_code: "51A0C0DE".to_owned(),
            secret_hex: "51A01A70510051A01A70510051A01A70".into(),
            user: "simulator-operator".to_owned(),
            password: "simulator-password".into(),
        }
    }
}

/// An account at CCAvenue. The pay page and the API have keys of their own.
#[derive(Debug, Clone)]
pub struct CcavenueAccount {
    pub merchant_id: String,
    pub access_code: String,
    pub working_key: SecretString,
    pub api_access_code: String,
    pub api_working_key: SecretString,
    /// Whether paid orders are confirmed at once. One that is not can be cancelled, and not refunded.
    pub confirms_orders: bool,
    /// Where the webhook goes, if one is set up.
    pub webhook_url: Option<String>,
}

impl Default for CcavenueAccount {
    fn default() -> CcavenueAccount {
        CcavenueAccount {
            merchant_id: "5100001".to_owned(),
            access_code: "AVSIM00PAGE0000000".to_owned(),
            working_key: "51A01A70C0DE0000000000000000PA9E".into(),
            api_access_code: "AVSIM00AP1000000000".to_owned(),
            api_working_key: "51A01A70C0DE00000000000000000AP1".into(),
            confirms_orders: true,
            webhook_url: None,
        }
    }
}

/// A merchant's account at Hyperswitch, with one profile.
#[derive(Debug, Clone)]
pub struct HyperswitchAccount {
    pub merchant_id: String,
    pub api_key: SecretString,
    pub profile_id: String,
    /// `payment_response_hash_key` of the profile.
    pub hash_key: SecretString,
    /// Where the profile's webhooks go, if an address is set up.
    pub webhook_url: Option<String>,
}

impl Default for HyperswitchAccount {
    fn default() -> HyperswitchAccount {
        HyperswitchAccount {
            merchant_id: "merchant_simulator".to_owned(),
            api_key: "snd_simulator_api_key".into(),
            profile_id: "pro_simulator".to_owned(),
            hash_key: "simulatorResponseHashKey0123456789abcdefghijklmnopqrstuvwxyz".into(),
            webhook_url: None,
        }
    }
}

/// An account at Paytm, for both protocols.
#[derive(Debug, Clone)]
pub struct PaytmAccount {
    /// `MID`
    pub merchant_id: String,
    /// The merchant key: 16, 24 or 32 bytes.
    pub key: SecretString,
    /// `WEBSITE`
    pub website: String,
    /// Where the payment webhook goes, if one is set up.
    pub webhook_url: Option<String>,
}

impl Default for PaytmAccount {
    fn default() -> PaytmAccount {
        PaytmAccount {
            merchant_id: "SIMULATOR00000000001".to_owned(),
            key: "Simulator&Key#16".into(),
            website: "WEBSTAGING".to_owned(),
            webhook_url: None,
        }
    }
}

/// An account at PhonePe, for all three protocols.
#[derive(Debug, Clone)]
pub struct PhonepeAccount {
    /// `merchantId`
    pub merchant_id: String,
    /// The salt key of the legacy and v1 protocols.
    pub salt_key: SecretString,
    pub salt_index: String,
    /// `client_id` of Standard Checkout.
    pub client_id: String,
    /// `client_secret` of Standard Checkout.
    pub client_secret: SecretString,
    /// `client_version` of Standard Checkout.
    pub client_version: String,
    /// Where the webhook of Standard Checkout goes, if one is set up. The older protocols name it in
    /// every request.
    pub webhook_url: Option<String>,
    /// The user name that this webhook proves to know.
    pub webhook_user: String,
    /// The password that this webhook proves to know.
    pub webhook_password: SecretString,
}

impl Default for PhonepeAccount {
    fn default() -> PhonepeAccount {
        PhonepeAccount {
            merchant_id: "SIMULATORUAT".to_owned(),
            salt_key: "51a01a70-0000-4000-8000-51a01a700000".into(),
            salt_index: "1".to_owned(),
            client_id: "SIMULATORUAT_0000000001".to_owned(),
            client_secret: "simulator-client-secret".into(),
            client_version: "1".to_owned(),
            webhook_url: None,
            webhook_user: "simulator_webhook".to_owned(),
            webhook_password: "simulatorPass1".into(),
        }
    }
}

#[derive(Debug, Clone)]
pub struct PayuAccount {
    /// `key`
    pub merchant_key: String,
    pub salt: SecretString,
    /// Where the webhook goes, if one is set up.
    pub webhook_url: Option<String>,
}

impl Default for PayuAccount {
    fn default() -> PayuAccount {
        PayuAccount {
            merchant_key: "SimKey".to_owned(),
            salt: "SimulatorSalt0123456789abcdefABC".into(),
            webhook_url: None,
        }
    }
}

/// An account at Razorpay.
#[derive(Debug, Clone)]
pub struct RazorpayAccount {
    pub key_id: String,
    pub key_secret: SecretString,
    /// Where events go, if a webhook is set up.
    pub webhook_url: Option<String>,
    /// The secret of events.
    pub webhook_secret: SecretString,
}

impl Default for RazorpayAccount {
    fn default() -> RazorpayAccount {
        RazorpayAccount {
            key_id: "rzp_simulator_0001".to_owned(),
            key_secret: "simulatorKeySecret000001".into(),
            webhook_url: None,
            webhook_secret: "simulator-webhook-secret".into(),
        }
    }
}

#[derive(Debug, Clone)]
pub struct StripeAccount {
    pub account_id: String,
    pub secret_key: SecretString,
    /// The signing secret of the webhook endpoint.
    pub webhook_secret: SecretString,
    /// Where the webhook goes, if one is set up.
    pub webhook_url: Option<String>,
}

impl Default for StripeAccount {
    fn default() -> StripeAccount {
        StripeAccount {
            account_id: "acct_SIMULATOR".to_owned(),
            secret_key: "sk_simulator0123456789".into(),
            webhook_secret: "whsec_simulator0123456789".into(),
            webhook_url: None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_made_up_accounts_are_usable_and_do_not_print_their_secrets() {
        let settings =
            ProvidersSettings::new("http://localhost:9000").reporting_to("http://localhost:8080/pg-service/");
        settings.check().unwrap();
        assert_eq!(
            settings.payu.webhook_url.as_deref(),
            Some("http://localhost:8080/pg-service/gateway/v1/payu/_callback")
        );
        let printed = format!("{settings:?}");
        for secret in [
            "51A01A70",
            "simulator-password",
            "Simulator&Key",
            "51a01a70",
            "client-secret",
            "Pass1",
            "Salt0",
            "51A01A70C0DE",
            "snd_",
            "HashKey",
            "KeySecret",
            "webhook-secret",
        ] {
            assert!(!printed.contains(secret), "{secret}");
        }
    }

    #[test]
    fn impossible_settings_are_refused_at_start() {
        let broken = |change: fn(&mut ProvidersSettings)| {
            let mut settings = ProvidersSettings::new("http://localhost:9000/x");
            change(&mut settings);
            settings.check().unwrap_err().to_string()
        };
        assert!(
            broken(|settings| settings.public_url = "localhost:9000".to_owned()).contains("localhost:9000")
        );
        assert!(broken(|settings| settings.axis.secret_hex = "ABC".into()).contains("Axis"));
        assert!(broken(|settings| settings.paytm.key = "short".into()).contains("Paytm"));
        assert!(broken(|settings| settings.payu.webhook_url = Some("ftp://x".to_owned())).contains("PAYU"));
    }
}
