//! What the Paytm adapter is configured by.

use secrecy::ExposeSecret;

use super::signature::{MerchantKey, SEPARATOR};
use crate::config::{ConfigProblem, Lookup, RedirectThrough, Settings, join};

/// The host of Paytm's current protocol; the staging one is `securestage.paytmpayments.com`.
const V3_HOST: &str = "https://secure.paytmpayments.com";
/// The addresses of the legacy protocol; staging has the host `securegw-stage.paytm.in`.
const LEGACY_PAY: &str = "https://securegw.paytm.in/theia/processTransaction";
const LEGACY_STATUS: &str = "https://securegw.paytm.in/merchant-status/getTxnStatus";

/// A merchant's account at Paytm and the protocol spoken with it.
#[derive(Debug, Clone)]
pub struct PaytmConfig {
    /// `paytm.merchant.id`
    pub merchant_id: String,
    /// `paytm.merchant.secret.key`
    pub key: MerchantKey,
    /// `paytm.merchant.website`, e.g. `WEBSTAGING`.
    pub website: String,
    /// `paytm.protocol`: `legacy` when it is not set.
    pub protocol: Protocol,
}

/// How we speak with Paytm.
#[derive(Debug, Clone)]
pub enum Protocol {
    /// A form or a link to `processTransaction`, and `getTxnStatus`.
    Legacy(Legacy),
    /// `initiateTransaction`, `showPaymentPage` and `/v3/order/status`.
    V3(V3),
}

/// The legacy protocol's own settings.
#[derive(Debug, Clone)]
pub struct Legacy {
    /// `paytm.merchant.industry.type`: `Retail` when it is not set.
    pub industry_type: String,
    /// `paytm.merchant.channel.id`: `WEB` (when it is not set) or `WAP`.
    pub channel_id: String,
    /// `paytm.url.debit`: the pay page.
    pub pay_url: String,
    /// `paytm.url.status`
    pub status_url: String,
    /// `redirect.through`: whether a form or a link takes the payer to the pay page.
    pub redirect_through: RedirectThrough,
}

/// The addresses of the current protocol: `paytm.v3.host` with `paytm.v3.path.*`.
#[derive(Debug, Clone)]
pub struct V3 {
    /// `…path.initiate`: opens an order.
    pub initiate_url: String,
    /// `…path.page`: the pay page.
    pub page_url: String,
    /// `…path.status`
    pub status_url: String,
}

impl PaytmConfig {
    /// Reads the properties below `paytm`.
    ///
    /// # Errors
    /// Everything that is wrong with them.
    pub fn read(lookup: &Lookup<'_>) -> Result<PaytmConfig, Vec<ConfigProblem>> {
        let mut settings = Settings::new("paytm", lookup);
        let merchant_id = settings.required("merchant.id");
        let key = read_key(&mut settings);
        let website = settings.required("merchant.website");
        let protocol = read_protocol(&mut settings, RedirectThrough::read(lookup));
        for name in ["merchant.id", "merchant.website", "merchant.industry.type", "merchant.channel.id"] {
            if settings.optional(name).is_some_and(|value| value.contains(SEPARATOR)) {
                settings.problem(name, "must not hold a |, which separates values in checksums");
            }
        }
        match (key, protocol) {
            (Some(key), Some(protocol)) => {
                settings.finish(PaytmConfig { merchant_id, key, website, protocol })
            }
            (None, _) | (_, None) => Err(settings.finish(()).err().unwrap_or_default()),
        }
    }

    /// Whether payers get to Paytm by a form alone.
    pub fn needs_form_page(&self) -> bool {
        match &self.protocol {
            Protocol::Legacy(legacy) => legacy.redirect_through == RedirectThrough::Service,
            // The token is not accepted in a link.
            Protocol::V3(_) => true,
        }
    }
}

/// `None` when a problem was noted.
fn read_key(settings: &mut Settings<'_>) -> Option<MerchantKey> {
    const NAME: &str = "merchant.secret.key";
    let secret = settings.secret(NAME);
    if secret.expose_secret().is_empty() {
        return None;
    }
    MerchantKey::new(secret.expose_secret())
        .inspect_err(|error| settings.problem(NAME, error.to_string()))
        .ok()
}

/// `None` when a problem was noted.
fn read_protocol(settings: &mut Settings<'_>, redirect_through: RedirectThrough) -> Option<Protocol> {
    match settings.or("protocol", "legacy").as_str() {
        "legacy" => Some(Protocol::Legacy(Legacy {
            industry_type: settings.or("merchant.industry.type", "Retail"),
            channel_id: settings.or("merchant.channel.id", "WEB"),
            pay_url: settings.url("url.debit", LEGACY_PAY),
            status_url: settings.url("url.status", LEGACY_STATUS),
            redirect_through,
        })),
        "v3" => {
            let host = settings.url("v3.host", V3_HOST);
            let address = |name: &str, path: &str| join(&host, &settings.or(name, path));
            Some(Protocol::V3(V3 {
                initiate_url: address("v3.path.initiate", "/theia/api/v1/initiateTransaction"),
                page_url: address("v3.path.page", "/theia/api/v1/showPaymentPage"),
                status_url: address("v3.path.status", "/v3/order/status"),
            }))
        }
        _ => {
            settings.problem("protocol", "must be legacy or v3");
            None
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(properties: &[(&str, &str)]) -> Result<PaytmConfig, Vec<String>> {
        let lookup = |name: &str| {
            properties.iter().find(|(key, _)| *key == name).map(|(_, value)| (*value).to_owned())
        };
        PaytmConfig::read(&lookup).map_err(|problems| problems.iter().map(ToString::to_string).collect())
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
        let config = read(&DROP_IN).unwrap();
        let Protocol::Legacy(legacy) = config.protocol else { panic!("not legacy") };
        assert_eq!(legacy.pay_url, "https://securegw-stage.paytm.in/theia/processTransaction");
    }

    #[test]
    fn one_setting_chooses_the_current_protocol() {
        let config = read(&[&DROP_IN[..], &[("paytm.protocol", "v3")]].concat()).unwrap();
        let Protocol::V3(v3) = config.protocol else { panic!("not v3") };
        assert_eq!(v3.initiate_url, "https://secure.paytmpayments.com/theia/api/v1/initiateTransaction");
        assert_eq!(v3.status_url, "https://secure.paytmpayments.com/v3/order/status");
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
                "paytm.merchant.id must be set",
                "paytm.merchant.secret.key must be 16, 24 or 32 characters long",
                "paytm.merchant.website must be set",
                "paytm.protocol must be legacy or v3",
            ]
        );
    }

    #[test]
    fn the_configuration_prints_without_its_key() {
        let printed = format!("{:?}", read(&DROP_IN).unwrap());
        assert!(!printed.contains("fAkE"), "{printed}");
    }
}
