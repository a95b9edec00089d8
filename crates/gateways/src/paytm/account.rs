//! The `paytm.*` settings, and the account that they describe.

use std::sync::Arc;

use payment_domain::{Clock, GatewayName};
use payment_gateway::{Currencies, Gateway, Profile, StartMode, USUAL_SESSION, VerifyMode};
use payment_settings::parser::{SECRET, TEXT, URL, one_of};
use payment_settings::{Optional, Reader, Setting, Spec, digit, own};
use secrecy::{ExposeSecret, SecretString};

use super::signature::{MerchantKey, SEPARATOR};
use super::{Paytm, REFERENCE};
use crate::account::{Account, Adapter, Merchant, RedirectThrough, join};
use crate::client::Client;

pub const ADAPTER: Adapter = Adapter {
    name: "PAYTM",
    prefix: "paytm",
    protocol: "legacy processTransaction, or initiateTransaction (v3)",
    settings: SETTINGS,
    common: COMMON,
    credentials: &[&MERCHANT_ID, &SECRET_KEY],
    transaction_parameter: REFERENCE,
    test_hosts: &["securegw-stage.paytm.in", "securestage.paytmpayments.com"],
    read: |reader, through| Some(Arc::new(PaytmAccount::read(reader, through)?)),
};

crate::gateway_settings! {
    "paytm";
    MERCHANT_ID: Optional<String> = digit("paytm.merchant.id", TEXT, "The merchant id.");
    SECRET_KEY: Optional<SecretString> = digit("paytm.merchant.secret.key", SECRET,
        "The merchant key.").secret();
    WEBSITE: Optional<String> = digit("paytm.merchant.website", TEXT,
        "The website's name at the gateway, e.g. `WEBSTAGING`.");
    INDUSTRY_TYPE: Setting<String> = digit("paytm.merchant.industry.type", TEXT,
        "The industry type.").or("Retail");
    CHANNEL_ID: Setting<String> = digit("paytm.merchant.channel.id", TEXT, "The channel.").or("WEB");
    PAY_URL: Setting<String> = digit("paytm.url.debit", URL,
        "The address of the pay page, in the legacy protocol.")
        .or("https://securegw.paytm.in/theia/processTransaction");
    STATUS_URL: Setting<String> = digit("paytm.url.status", URL,
        "The address that tells the status of a payment, in the legacy protocol.")
        .or("https://securegw.paytm.in/merchant-status/getTxnStatus");
    PROTOCOL: Setting<Generation> = own("paytm.protocol",
        one_of(&[("legacy", Generation::Legacy), ("v3", Generation::V3)]),
        "The protocol that is spoken.").or("legacy");
    V3_HOST: Setting<String> = own("paytm.v3.host", URL,
        "The gateway's host, in the v3 protocol.").or("https://secure.paytmpayments.com");
    V3_INITIATE: Setting<String> = own("paytm.v3.path.initiate", TEXT,
        "The path that opens an order, in the v3 protocol.").or("/theia/api/v1/initiateTransaction");
    V3_PAGE: Setting<String> = own("paytm.v3.path.page", TEXT,
        "The path of the pay page, in the v3 protocol.").or("/theia/api/v1/showPaymentPage");
    V3_STATUS: Setting<String> = own("paytm.v3.path.status", TEXT,
        "The path that tells the status of a payment, in the v3 protocol.").or("/v3/order/status");
    REFUND_HOST: Optional<String> = own("paytm.refund.host", URL,
        "The gateway's host for refunds, which both protocols make by the same calls.")
        .or_worked_out("`paytm.v3.host`, in the legacy protocol the host of `paytm.url.status`");
    REFUND_APPLY: Setting<String> = own("paytm.refund.path.apply", TEXT,
        "The path that takes a refund on.").or("/refund/apply");
    REFUND_STATUS: Setting<String> = own("paytm.refund.path.status", TEXT,
        "The path that tells the status of a refund.").or("/v2/refund/status");
}

#[derive(Clone, Copy)]
enum Generation {
    Legacy,
    V3,
}

/// A merchant's account at Paytm, and the protocol spoken with it.
#[derive(Debug, Clone)]
pub struct PaytmAccount {
    pub merchant_id: String,
    pub key: MerchantKey,
    pub website: String,
    pub protocol: Protocol,
    pub refunds: RefundUrls,
}

/// The addresses of refunds.
#[derive(Debug, Clone)]
pub struct RefundUrls {
    pub apply_url: String,
    pub status_url: String,
}

#[derive(Debug, Clone)]
pub enum Protocol {
    /// A form or a link to `processTransaction`, and `getTxnStatus`.
    Legacy(Legacy),
    /// `initiateTransaction`, `showPaymentPage` and `/v3/order/status`.
    V3(V3),
}

#[derive(Debug, Clone)]
pub struct Legacy {
    pub industry_type: String,
    /// `WEB` or `WAP`.
    pub channel_id: String,
    pub pay_url: String,
    pub status_url: String,
    /// Whether a form or a link takes the payer to the pay page.
    pub redirect_through: RedirectThrough,
}

#[derive(Debug, Clone)]
pub struct V3 {
    pub initiate_url: String,
    pub page_url: String,
    pub status_url: String,
}

impl PaytmAccount {
    /// The account; `None` with the problems.
    pub fn read(reader: &mut Reader<'_>, redirect_through: RedirectThrough) -> Option<PaytmAccount> {
        let merchant_id = reader.required(&MERCHANT_ID);
        let key = key(reader);
        let website = reader.required(&WEBSITE);
        let (industry_type, channel_id) = (reader.get(&INDUSTRY_TYPE), reader.get(&CHANNEL_ID));
        let signed: [(&Spec, Option<&String>); 4] = [
            (&MERCHANT_ID, merchant_id.as_ref()),
            (&WEBSITE, website.as_ref()),
            (&INDUSTRY_TYPE, Some(&industry_type)),
            (&CHANNEL_ID, Some(&channel_id)),
        ];
        for (setting, value) in signed {
            if value.is_some_and(|value| value.contains(SEPARATOR)) {
                reader.problem(setting, "must not hold a |, which separates values in checksums", "");
            }
        }
        let protocol = match reader.get(&PROTOCOL) {
            Generation::Legacy => Protocol::Legacy(Legacy {
                industry_type,
                channel_id,
                pay_url: reader.get(&PAY_URL),
                status_url: reader.get(&STATUS_URL),
                redirect_through,
            }),
            Generation::V3 => {
                let host = reader.get(&V3_HOST);
                Protocol::V3(V3 {
                    initiate_url: join(&host, &reader.get(&V3_INITIATE)),
                    page_url: join(&host, &reader.get(&V3_PAGE)),
                    status_url: join(&host, &reader.get(&V3_STATUS)),
                })
            }
        };
        let host = reader.set(&REFUND_HOST).unwrap_or_else(|| match &protocol {
            Protocol::Legacy(legacy) => origin(&legacy.status_url).to_owned(),
            Protocol::V3(_) => reader.get(&V3_HOST),
        });
        let refunds = RefundUrls {
            apply_url: join(&host, &reader.get(&REFUND_APPLY)),
            status_url: join(&host, &reader.get(&REFUND_STATUS)),
        };
        Some(PaytmAccount { merchant_id: merchant_id?, key: key?, website: website?, protocol, refunds })
    }

    /// Whether payers get to Paytm by a form alone.
    fn needs_form_page(&self) -> bool {
        match &self.protocol {
            Protocol::Legacy(legacy) => legacy.redirect_through == RedirectThrough::Service,
            // The token is not accepted in a link.
            Protocol::V3(_) => true,
        }
    }
}

/// Scheme and host of a URL.
fn origin(url: &str) -> &str {
    let host = url.find("://").map_or(0, |scheme| scheme + 3);
    url[host..].find('/').map_or(url, |path| &url[..host + path])
}

fn key(reader: &mut Reader<'_>) -> Option<MerchantKey> {
    let secret = reader.required(&SECRET_KEY)?;
    MerchantKey::new(secret.expose_secret())
        .inspect_err(|error| reader.problem(&SECRET_KEY, error.to_string(), ""))
        .ok()
}

impl Account for PaytmAccount {
    fn merchant(&self) -> Merchant {
        Merchant::Id(self.merchant_id.clone())
    }

    fn profile(&self) -> Profile {
        Profile {
            name: GatewayName::new("PAYTM"),
            transaction_parameter: REFERENCE.into(),
            start_mode: match self.protocol {
                Protocol::Legacy(_) => StartMode::Offline,
                Protocol::V3(_) => StartMode::Network,
            },
            verify_mode: VerifyMode::Offline,
            needs_bank_account: false,
            needs_form_page: self.needs_form_page(),
            sends_callbacks: true,
            currencies: Currencies::RUPEES,
            refuses_second_payment: true,
            session: USUAL_SESSION,
        }
    }

    fn adapter(&self, client: Client, _: Arc<dyn Clock>) -> Arc<dyn Gateway> {
        Arc::new(Paytm::new(self.clone(), client))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::read_account;

    fn read(properties: &[(&'static str, &'static str)]) -> Result<PaytmAccount, Vec<String>> {
        let read = |reader: &mut Reader<'_>| PaytmAccount::read(reader, RedirectThrough::Service);
        read_account(SETTINGS, properties.iter().copied(), read)
    }

    const DROP_IN: [(&str, &str); 7] = [
        ("paytm.merchant.id", "FAKEMI00000000000001"),
        ("paytm.merchant.secret.key", "fAkE_k3y&#%12345"),
        ("paytm.merchant.industry.type", "Retail"),
        ("paytm.merchant.channel.id", "WEB"),
        ("paytm.merchant.website", "WEBSTAGING"),
        ("paytm.url.debit", "https://securegw-stage.paytm.in/theia/processTransaction"),
        ("paytm.url.status", "https://securegw-stage.paytm.in/merchant-status/getTxnStatus"),
    ];

    #[test]
    fn a_drop_in_configuration_speaks_the_legacy_protocol() {
        let account = read(&DROP_IN).unwrap();
        let Protocol::Legacy(legacy) = account.protocol else { panic!("not legacy") };
        assert_eq!(legacy.pay_url, "https://securegw-stage.paytm.in/theia/processTransaction");
        assert_eq!(account.refunds.status_url, "https://securegw-stage.paytm.in/v2/refund/status");
    }

    #[test]
    fn one_setting_chooses_the_current_protocol() {
        let account = read(&[&DROP_IN[..], &[("paytm.protocol", "v3")]].concat()).unwrap();
        let Protocol::V3(v3) = account.protocol else { panic!("not v3") };
        assert_eq!(v3.initiate_url, "https://secure.paytmpayments.com/theia/api/v1/initiateTransaction");
        assert_eq!(v3.status_url, "https://secure.paytmpayments.com/v3/order/status");
        assert_eq!(account.refunds.apply_url, "https://secure.paytmpayments.com/refund/apply");
    }

    #[test]
    fn no_setting_holds_what_separates_signed_values() {
        let mut properties = DROP_IN;
        properties[0].1 = "A|B";
        let problems = read(&properties).unwrap_err();
        assert_eq!(problems, ["paytm.merchant.id must not hold a |, which separates values in checksums"]);
    }

    #[test]
    fn every_problem_is_named_by_its_property_without_the_secret() {
        let problems =
            read(&[("paytm.merchant.secret.key", "too short"), ("paytm.protocol", "v4")]).unwrap_err();
        assert_eq!(
            problems,
            [
                "paytm.protocol `v4` is not one of the choices",
                "paytm.merchant.id must be set",
                "paytm.merchant.secret.key must be 16, 24 or 32 characters long",
                "paytm.merchant.website must be set",
            ]
        );
    }

    #[test]
    fn the_configuration_prints_without_its_key() {
        let printed = format!("{:?}", read(&DROP_IN).unwrap());
        assert!(!printed.contains("fAkE"), "{printed}");
    }
}
