//! What the PhonePe adapter is configured by.

use secrecy::SecretString;

use super::signature::{SaltKey, WebhookUser};
use crate::config::{ConfigProblem, Lookup, RedirectThrough, Settings, join};

/// The production addresses. For tests PhonePe has `mercury-uat.phonepe.com` (legacy) and
/// `api-preprod.phonepe.com/apis/pg-sandbox` (all the others).
const LEGACY_HOST: &str = "https://mercury-t2.phonepe.com";
const V1_HOST: &str = "https://api.phonepe.com/apis/hermes";
const V2_HOST: &str = "https://api.phonepe.com/apis/pg";
const V2_AUTH_HOST: &str = "https://api.phonepe.com/apis/identity-manager";

/// The protocol spoken with PhonePe, chosen by `phonepe.protocol`, and the merchant's account in it.
#[derive(Debug, Clone)]
pub enum PhonepeConfig {
    /// `legacy`, also when nothing is chosen: `/v3/debit`.
    Legacy(Salted),
    /// `v1`: `/pg/v1/pay`.
    V1(Salted),
    /// `v2`: Standard Checkout.
    V2(Checkout),
}

/// An account whose calls are signed with a salt key.
#[derive(Debug, Clone)]
pub struct Salted {
    /// `phonepe.merchant.id`
    pub merchant_id: String,
    /// `phonepe.merchant.secret.key` and `phonepe.merchant.secret.index`.
    pub salt: SaltKey,
    /// `phonepe.merchant.host`, or `phonepe.v1.host`: the part of an address that is not signed.
    pub host: String,
    /// `phonepe.url.debit`, or `phonepe.v1.path.pay`.
    pub pay_path: String,
    /// `phonepe.url.status`, or `phonepe.v1.path.status`: what stands in front of merchant and order.
    pub status_path: String,
    /// `redirect.through`: whether the browser comes back to the application, or to this service.
    pub redirect_through: RedirectThrough,
}

/// An account of Standard Checkout.
#[derive(Debug, Clone)]
pub struct Checkout {
    /// `phonepe.merchant.id`, where it is set: compared with what answers name.
    pub merchant_id: Option<String>,
    /// `phonepe.v2.client.id`
    pub client_id: String,
    /// `phonepe.v2.client.secret`
    pub client_secret: SecretString,
    /// `phonepe.v2.client.version`, `1` unless set.
    pub client_version: String,
    /// `phonepe.v2.webhook.username` and `phonepe.v2.webhook.password`, both or neither.
    pub webhook_user: Option<WebhookUser>,
    /// `phonepe.v2.expire.after`: for how many seconds an order can be paid; as long as it is kept here when it
    /// is not set.
    pub expire_after_s: Option<u32>,
    /// `phonepe.v2.auth.host` with `phonepe.v2.path.token`.
    pub token_url: String,
    /// `phonepe.v2.host` with `phonepe.v2.path.pay`.
    pub pay_url: String,
    /// `phonepe.v2.host` with `phonepe.v2.path.status`: what stands in front of the order.
    pub status_url: String,
}

impl PhonepeConfig {
    /// Reads the properties below `phonepe`.
    ///
    /// # Errors
    /// Everything that is wrong with them.
    pub fn read(lookup: &Lookup<'_>) -> Result<PhonepeConfig, Vec<ConfigProblem>> {
        let mut settings = Settings::new("phonepe", lookup);
        let through = RedirectThrough::read(lookup);
        let config = match settings.or("protocol", "legacy").as_str() {
            "v1" => {
                let host = settings.url("v1.host", V1_HOST);
                let pay_path = path(&settings, "v1.path.pay", "/pg/v1/pay");
                let status_path = path(&settings, "v1.path.status", "/pg/v1/status");
                PhonepeConfig::V1(salted(&mut settings, host, pay_path, status_path, through))
            }
            "v2" => PhonepeConfig::V2(checkout(&mut settings)),
            protocol => {
                if protocol != "legacy" {
                    settings.problem("protocol", "must be legacy, v1 or v2");
                }
                let host = settings.url("merchant.host", LEGACY_HOST);
                let pay_path = path(&settings, "url.debit", "/v3/debit");
                let status_path = path(&settings, "url.status", "/v3/transaction");
                PhonepeConfig::Legacy(salted(&mut settings, host, pay_path, status_path, through))
            }
        };
        settings.finish(config)
    }
}

fn salted(
    settings: &mut Settings<'_>,
    host: String,
    pay_path: String,
    status_path: String,
    redirect_through: RedirectThrough,
) -> Salted {
    let merchant_id = settings.required("merchant.id");
    let key = settings.secret("merchant.secret.key");
    let index = settings.required("merchant.secret.index");
    if !index.bytes().all(|byte| byte.is_ascii_digit()) {
        settings.problem("merchant.secret.index", "must be a number");
    }
    Salted { merchant_id, salt: SaltKey { key, index }, host, pay_path, status_path, redirect_through }
}

fn checkout(settings: &mut Settings<'_>) -> Checkout {
    let host = settings.url("v2.host", V2_HOST);
    let auth_host = settings.url("v2.auth.host", V2_AUTH_HOST);
    let client_id = settings.required("v2.client.id");
    let client_secret = settings.secret("v2.client.secret");
    let webhook_user = webhook_user(settings);
    let expire_after_s = settings.optional("v2.expire.after").and_then(|text| match text.parse() {
        Ok(seconds) => Some(seconds),
        Err(_) => {
            settings.problem("v2.expire.after", "must be a number of seconds");
            None
        }
    });
    Checkout {
        merchant_id: settings.optional("merchant.id"),
        client_id,
        client_secret,
        client_version: settings.or("v2.client.version", "1"),
        webhook_user,
        expire_after_s,
        token_url: join(&auth_host, &path(settings, "v2.path.token", "/v1/oauth/token")),
        pay_url: join(&host, &path(settings, "v2.path.pay", "/checkout/v2/pay")),
        status_url: join(&host, &path(settings, "v2.path.status", "/checkout/v2/order")),
    }
}

fn webhook_user(settings: &mut Settings<'_>) -> Option<WebhookUser> {
    match (settings.optional("v2.webhook.username"), settings.optional("v2.webhook.password")) {
        (Some(name), Some(password)) => Some(WebhookUser { name, password: password.into() }),
        (None, None) => None,
        (Some(_), None) => {
            settings.problem("v2.webhook.password", "must be set when the user name is");
            None
        }
        (None, Some(_)) => {
            settings.problem("v2.webhook.username", "must be set when the password is");
            None
        }
    }
}

/// A path with a slash at its start and none at its end: it is signed as it stands here.
fn path(settings: &Settings<'_>, name: &str, default: &str) -> String {
    format!("/{}", settings.or(name, default).trim_matches('/'))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(properties: &[(&str, &str)]) -> Result<PhonepeConfig, Vec<String>> {
        let lookup = |name: &str| {
            let found = properties.iter().rev().find(|(key, _)| *key == name)?;
            Some(found.1.to_owned())
        };
        PhonepeConfig::read(&lookup).map_err(|problems| problems.iter().map(ToString::to_string).collect())
    }

    const DROP_IN: [(&str, &str); 6] = [
        ("phonepe.merchant.id", "FAKEMERCHANTUAT"),
        ("phonepe.merchant.secret.key", "00000000-fa4e-4fa4-8fa4-00000000fa4e"),
        ("phonepe.merchant.secret.index", "1"),
        ("phonepe.merchant.host", "mercury-uat.phonepe.com"),
        ("phonepe.url.debit", "/v3/debit"),
        ("phonepe.url.status", "/v3/transaction"),
    ];

    #[test]
    fn a_drop_in_configuration_speaks_the_legacy_protocol() {
        let PhonepeConfig::Legacy(salted) = read(&DROP_IN).unwrap() else { panic!("not legacy") };
        assert_eq!(salted.host, "https://mercury-uat.phonepe.com");
        assert_eq!((salted.pay_path.as_str(), salted.status_path.as_str()), ("/v3/debit", "/v3/transaction"));
    }

    #[test]
    fn one_setting_changes_over_to_v1() {
        let properties = [&DROP_IN[..], &[("phonepe.protocol", "v1")]].concat();
        let PhonepeConfig::V1(salted) = read(&properties).unwrap() else { panic!("not v1") };
        assert_eq!(salted.host, "https://api.phonepe.com/apis/hermes");
        assert_eq!(salted.pay_path, "/pg/v1/pay");
    }

    #[test]
    fn standard_checkout_needs_its_own_credentials() {
        let properties = [&DROP_IN[..], &[("phonepe.protocol", "v2")]].concat();
        let problems = read(&properties).unwrap_err();
        assert_eq!(problems, ["phonepe.v2.client.id must be set", "phonepe.v2.client.secret must be set"]);
        let credentials = [("phonepe.v2.client.id", "FAKECLIENT"), ("phonepe.v2.client.secret", "fa4e")];
        let PhonepeConfig::V2(checkout) = read(&[&properties[..], &credentials].concat()).unwrap() else {
            panic!("not v2")
        };
        assert_eq!(checkout.token_url, "https://api.phonepe.com/apis/identity-manager/v1/oauth/token");
        assert_eq!(checkout.status_url, "https://api.phonepe.com/apis/pg/checkout/v2/order");
    }

    #[test]
    fn every_problem_is_named_by_its_property_without_the_secret() {
        let problems = read(&[("phonepe.protocol", "v9"), ("phonepe.merchant.secret.index", "one")]);
        assert_eq!(
            problems.unwrap_err(),
            [
                "phonepe.protocol must be legacy, v1 or v2",
                "phonepe.merchant.id must be set",
                "phonepe.merchant.secret.key must be set",
                "phonepe.merchant.secret.index must be a number",
            ]
        );
        let problems = read(&[
            ("phonepe.protocol", "v2"),
            ("phonepe.v2.client.id", "FAKECLIENT"),
            ("phonepe.v2.client.secret", "fa4e"),
            ("phonepe.v2.webhook.username", "u"),
            ("phonepe.v2.expire.after", "soon"),
        ]);
        assert_eq!(
            problems.unwrap_err(),
            [
                "phonepe.v2.webhook.password must be set when the user name is",
                "phonepe.v2.expire.after must be a number of seconds",
            ]
        );
    }

    #[test]
    fn the_configuration_prints_without_its_secrets() {
        let properties =
            [("phonepe.v2.client.secret", "hush"), ("phonepe.v2.client.id", "c"), ("phonepe.protocol", "v2")];
        for config in [read(&DROP_IN).unwrap(), read(&properties).unwrap()] {
            let printed = format!("{config:?}");
            assert!(!printed.contains("fa4e") && !printed.contains("hush"), "{printed}");
        }
    }
}
