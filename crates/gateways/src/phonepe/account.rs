//! The `phonepe.*` settings, and the account that they describe.

use std::sync::Arc;

use payment_domain::{Clock, GatewayName};
use payment_gateway::{Currencies, Gateway, Profile, StartMode, USUAL_SESSION, VerifyMode};
use payment_settings::parser::{self, Parser, SECRET, TEXT, URL, one_of, small};
use payment_settings::{Optional, Reader, Setting, digit, own};
use secrecy::SecretString;

use super::signature::{SaltKey, WebhookUser};
use super::{Phonepe, REFERENCE};
use crate::account::{Account, Adapter, Merchant, RedirectThrough, join};
use crate::client::Client;

pub const ADAPTER: Adapter = Adapter {
    name: "PHONEPE",
    prefix: "phonepe",
    protocol: "hosted checkout, order status",
    settings: SETTINGS,
    common: COMMON,
    credentials: &[&MERCHANT_ID, &SECRET_KEY, &CLIENT_ID, &CLIENT_SECRET],
    transaction_parameter: REFERENCE,
    test_hosts: &["api-preprod.phonepe.com", "mercury-uat.phonepe.com"],
    read: |reader, through| Some(Arc::new(PhonepeAccount::read(reader, through)?)),
};

crate::gateway_settings! {
    "phonepe";
    PROTOCOL: Setting<Protocol> = own("phonepe.protocol",
        one_of(&[("legacy", Protocol::Legacy), ("v1", Protocol::V1), ("v2", Protocol::V2)]),
        "The protocol that is spoken.").or("legacy");
    MERCHANT_ID: Optional<String> = digit("phonepe.merchant.id", TEXT, "The merchant id.");
    SECRET_KEY: Optional<SecretString> = digit("phonepe.merchant.secret.key", SECRET,
        "The salt key, in the legacy and v1 protocols.").secret();
    SECRET_INDEX: Optional<String> = digit("phonepe.merchant.secret.index", INDEX,
        "The number of the salt key, in the legacy and v1 protocols.");
    LEGACY_HOST: Setting<String> = digit("phonepe.merchant.host", URL,
        "The gateway's host, in the legacy protocol.").or("https://mercury-t2.phonepe.com");
    LEGACY_PAY: Setting<String> = digit("phonepe.url.debit", SIGNED_PATH,
        "The path that opens an order, in the legacy protocol.").or("/v3/debit");
    LEGACY_STATUS: Setting<String> = digit("phonepe.url.status", SIGNED_PATH,
        "The path that tells a payment's status, in the legacy protocol.").or("/v3/transaction");
    LEGACY_REFUND: Setting<String> = own("phonepe.legacy.path.refund", SIGNED_PATH,
        "The path that gives money back, in the legacy protocol.").or("/v3/credit/backToSource");
    V1_HOST: Setting<String> = own("phonepe.v1.host", URL,
        "The gateway's host, in the v1 protocol.").or("https://api.phonepe.com/apis/hermes");
    V1_PAY: Setting<String> = own("phonepe.v1.path.pay", SIGNED_PATH,
        "The path that opens an order, in the v1 protocol.").or("/pg/v1/pay");
    V1_STATUS: Setting<String> = own("phonepe.v1.path.status", SIGNED_PATH,
        "The path that tells a payment's status, in the v1 protocol.").or("/pg/v1/status");
    V1_REFUND: Setting<String> = own("phonepe.v1.path.refund", SIGNED_PATH,
        "The path that gives money back, in the v1 protocol.").or("/pg/v1/refund");
    CLIENT_ID: Optional<String> = own("phonepe.v2.client.id", TEXT, "The client id, in the v2 protocol.");
    CLIENT_SECRET: Optional<SecretString> = own("phonepe.v2.client.secret", SECRET,
        "The client secret, in the v2 protocol.").secret();
    CLIENT_VERSION: Setting<String> = own("phonepe.v2.client.version", TEXT,
        "The version of the client, in the v2 protocol.").or("1");
    WEBHOOK_USERNAME: Optional<String> = own("phonepe.v2.webhook.username", TEXT,
        "The user name that webhooks prove, in the v2 protocol.");
    WEBHOOK_PASSWORD: Optional<SecretString> = own("phonepe.v2.webhook.password", SECRET,
        "The password that webhooks prove, in the v2 protocol.").secret();
    EXPIRE_AFTER: Optional<u32> = own("phonepe.v2.expire.after", small(300, 3_600),
        "For how many seconds an order can be paid, in the v2 protocol; never longer than the order is \
         kept here.").or_worked_out("what is left of the order's life");
    V2_HOST: Setting<String> = own("phonepe.v2.host", URL,
        "The gateway's host, in the v2 protocol.").or("https://api.phonepe.com/apis/pg");
    AUTH_HOST: Setting<String> = own("phonepe.v2.auth.host", URL,
        "The host that gives access tokens, in the v2 protocol.")
        .or("https://api.phonepe.com/apis/identity-manager");
    V2_TOKEN: Setting<String> = own("phonepe.v2.path.token", SIGNED_PATH,
        "The path that gives access tokens, in the v2 protocol.").or("/v1/oauth/token");
    V2_PAY: Setting<String> = own("phonepe.v2.path.pay", SIGNED_PATH,
        "The path that opens an order, in the v2 protocol.").or("/checkout/v2/pay");
    V2_STATUS: Setting<String> = own("phonepe.v2.path.status", SIGNED_PATH,
        "The path that tells a payment's status, in the v2 protocol.").or("/checkout/v2/order");
    V2_REFUND: Setting<String> = own("phonepe.v2.path.refund", SIGNED_PATH,
        "The path that gives money back and, with the refund and `/status` behind it, tells its status, in the \
         v2 protocol.").or("/payments/v2/refund");
}

/// A path with a leading and without a trailing slash: it is signed in this form.
const SIGNED_PATH: Parser<String> = parser::text(|text| Ok(format!("/{}", text.trim_matches('/'))), "");

const INDEX: Parser<String> = parser::text(
    |text| {
        let is_number = text.bytes().all(|byte| byte.is_ascii_digit());
        is_number.then(|| text.to_owned()).ok_or_else(|| "must be a number".to_owned())
    },
    "a number",
);

#[derive(Clone, Copy)]
enum Protocol {
    Legacy,
    V1,
    V2,
}

/// A merchant's account at PhonePe, in the protocol spoken with it.
#[derive(Debug, Clone)]
pub enum PhonepeAccount {
    /// `/v3/debit`.
    Legacy(Salted),
    /// `/pg/v1/pay`.
    V1(Salted),
    V2(Checkout),
}

/// An account whose calls are signed with a salt key.
#[derive(Debug, Clone)]
pub struct Salted {
    pub merchant_id: String,
    pub salt: SaltKey,
    /// The part of an address that is not signed.
    pub host: String,
    pub pay_path: String,
    /// Comes before merchant and order.
    pub status_path: String,
    pub refund_path: String,
    /// Whether the browser comes back to the application, or to this service.
    pub redirect_through: RedirectThrough,
}

/// An account of Standard Checkout.
#[derive(Debug, Clone)]
pub struct Checkout {
    /// Compared with the merchant that answers name, where it is set.
    pub merchant_id: Option<String>,
    pub client_id: String,
    pub client_secret: SecretString,
    pub client_version: String,
    pub webhook_user: Option<WebhookUser>,
    /// For how many seconds an order can be paid; `None` for as long as it is kept here.
    pub expire_after_s: Option<u32>,
    pub token_url: String,
    pub pay_url: String,
    pub status_url: String,
    pub refund_url: String,
}

impl PhonepeAccount {
    /// The account; `None` with the problems.
    pub fn read(reader: &mut Reader<'_>, through: RedirectThrough) -> Option<PhonepeAccount> {
        match reader.get(&PROTOCOL) {
            Protocol::Legacy => {
                let addresses = [&LEGACY_HOST, &LEGACY_PAY, &LEGACY_STATUS, &LEGACY_REFUND];
                salted(reader, addresses, through).map(PhonepeAccount::Legacy)
            }
            Protocol::V1 => {
                let addresses = [&V1_HOST, &V1_PAY, &V1_STATUS, &V1_REFUND];
                salted(reader, addresses, through).map(PhonepeAccount::V1)
            }
            Protocol::V2 => checkout(reader).map(PhonepeAccount::V2),
        }
    }
}

fn salted(
    reader: &mut Reader<'_>,
    addresses: [&Setting<String>; 4],
    redirect_through: RedirectThrough,
) -> Option<Salted> {
    let merchant_id = reader.required(&MERCHANT_ID);
    let key = reader.required(&SECRET_KEY);
    let index = reader.required(&SECRET_INDEX);
    let [host, pay_path, status_path, refund_path] = addresses.map(|setting| reader.get(setting));
    let salt = SaltKey { key: key?, index: index? };
    Some(Salted {
        merchant_id: merchant_id?,
        salt,
        host,
        pay_path,
        status_path,
        refund_path,
        redirect_through,
    })
}

fn checkout(reader: &mut Reader<'_>) -> Option<Checkout> {
    let client_id = reader.required(&CLIENT_ID);
    let client_secret = reader.required(&CLIENT_SECRET);
    let webhook_user = webhook_user(reader);
    let host = reader.get(&V2_HOST);
    Some(Checkout {
        merchant_id: reader.set(&MERCHANT_ID),
        client_id: client_id?,
        client_secret: client_secret?,
        client_version: reader.get(&CLIENT_VERSION),
        webhook_user,
        expire_after_s: reader.set(&EXPIRE_AFTER),
        token_url: join(&reader.get(&AUTH_HOST), &reader.get(&V2_TOKEN)),
        pay_url: join(&host, &reader.get(&V2_PAY)),
        status_url: join(&host, &reader.get(&V2_STATUS)),
        refund_url: join(&host, &reader.get(&V2_REFUND)),
    })
}

fn webhook_user(reader: &mut Reader<'_>) -> Option<WebhookUser> {
    match (reader.set(&WEBHOOK_USERNAME), reader.set(&WEBHOOK_PASSWORD)) {
        (Some(name), Some(password)) => return Some(WebhookUser { name, password }),
        (None, None) => {}
        (Some(_), None) => reader.problem(&WEBHOOK_PASSWORD, "must be set when the user name is", ""),
        (None, Some(_)) => reader.problem(&WEBHOOK_USERNAME, "must be set when the password is", ""),
    }
    None
}

impl Account for PhonepeAccount {
    fn merchant(&self) -> Merchant {
        match self {
            PhonepeAccount::Legacy(salted) | PhonepeAccount::V1(salted) => {
                Merchant::Id(salted.merchant_id.clone())
            }
            PhonepeAccount::V2(Checkout { merchant_id, client_id, .. }) => {
                Merchant::Id(merchant_id.as_ref().unwrap_or(client_id).clone())
            }
        }
    }

    fn profile(&self) -> Profile {
        Profile {
            name: GatewayName::new("PHONEPE"),
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
        Arc::new(Phonepe::new(self.clone(), client, clock))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::read_account;

    fn read(properties: &[(&'static str, &'static str)]) -> Result<PhonepeAccount, Vec<String>> {
        let read = |reader: &mut Reader<'_>| PhonepeAccount::read(reader, RedirectThrough::Service);
        read_account(SETTINGS, properties.iter().copied(), read)
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
        let PhonepeAccount::Legacy(salted) = read(&DROP_IN).unwrap() else { panic!("not legacy") };
        assert_eq!(salted.host, "https://mercury-uat.phonepe.com");
        assert_eq!((salted.pay_path.as_str(), salted.status_path.as_str()), ("/v3/debit", "/v3/transaction"));
    }

    #[test]
    fn one_setting_changes_over_to_v1() {
        let properties = [&DROP_IN[..], &[("phonepe.protocol", "v1")]].concat();
        let PhonepeAccount::V1(salted) = read(&properties).unwrap() else { panic!("not v1") };
        assert_eq!(salted.host, "https://api.phonepe.com/apis/hermes");
        assert_eq!(salted.pay_path, "/pg/v1/pay");
    }

    #[test]
    fn standard_checkout_needs_its_own_credentials() {
        let properties = [&DROP_IN[..], &[("phonepe.protocol", "v2")]].concat();
        let problems = read(&properties).unwrap_err();
        assert_eq!(problems, ["phonepe.v2.client.id must be set", "phonepe.v2.client.secret must be set"]);
        let credentials = [("phonepe.v2.client.id", "FAKECLIENT"), ("phonepe.v2.client.secret", "fa4e")];
        let PhonepeAccount::V2(checkout) = read(&[&properties[..], &credentials].concat()).unwrap() else {
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
                "phonepe.merchant.secret.index must be a number",
                "phonepe.protocol `v9` is not one of the choices",
                "phonepe.merchant.id must be set",
                "phonepe.merchant.secret.key must be set",
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
                "phonepe.v2.expire.after `soon` is not a whole number",
                "phonepe.v2.webhook.password must be set when the user name is",
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
