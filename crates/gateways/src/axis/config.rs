//! What the adapter is configured with: the `axis.*` properties.

use payment_domain::Currency;
use secrecy::{SecretSlice, SecretString};

use crate::config::{ConfigProblem, Lookup, Settings};

/// The merchant's account at the gateway and where the gateway is. Secrets are not shown by `Debug`.
#[derive(Debug, Clone)]
pub struct AxisConfig {
    /// `axis.merchant.id`
    pub merchant_id: String,
    /// `axis.merchant.access.code`
    pub access_code: String,
    /// `axis.merchant.secret.key`, decoded from its hexadecimal text.
    pub secret_key: SecretSlice<u8>,
    /// `axis.merchant.user`: the operator that may ask for a status.
    pub user: String,
    /// `axis.merchant.pwd`: the operator's password.
    pub password: SecretString,
    /// `axis.merchant.vpc.version`, `1` unless set.
    pub version: String,
    /// `axis.merchant.vpc.command.pay`, `pay` unless set.
    pub pay_command: String,
    /// `axis.merchant.vpc.command.status`, `queryDR` unless set.
    pub status_command: String,
    /// `axis.locale`, `en_IN` unless set.
    pub locale: String,
    /// `axis.currency`, `INR` unless set.
    pub currency: Currency,
    /// `axis.url.debit`: the page where the payer pays.
    pub pay_url: String,
    /// `axis.url.status`: the server API.
    pub status_url: String,
}

impl AxisConfig {
    /// Reads the `axis.*` properties.
    ///
    /// # Errors
    /// Everything that is wrong with them, each by the name of its property.
    pub fn read(lookup: &Lookup<'_>) -> Result<AxisConfig, Vec<ConfigProblem>> {
        let mut settings = Settings::new("axis", lookup);
        let config = AxisConfig {
            merchant_id: settings.required("merchant.id"),
            access_code: settings.required("merchant.access.code"),
            secret_key: secret_key(&mut settings),
            user: settings.required("merchant.user"),
            password: settings.secret("merchant.pwd"),
            version: settings.or("merchant.vpc.version", "1"),
            pay_command: settings.or("merchant.vpc.command.pay", "pay"),
            status_command: settings.or("merchant.vpc.command.status", "queryDR"),
            locale: settings.or("locale", "en_IN"),
            currency: currency(&mut settings),
            pay_url: settings.url("url.debit", "https://migs.mastercard.com.au/vpcpay"),
            status_url: settings.url("url.status", "https://migs.mastercard.com.au/vpcdps"),
        };
        settings.finish(config)
    }
}

/// The key is the decoded bytes. A text with an odd number of digits is refused: implementations
/// disagree about which digit is missing, so it is a slip of the pen.
fn secret_key(settings: &mut Settings<'_>) -> SecretSlice<u8> {
    const NAME: &str = "merchant.secret.key";
    let text = settings.required(NAME);
    if text.len() % 2 == 1 {
        settings.problem(NAME, "must have an even number of hexadecimal digits");
        return SecretSlice::from(Vec::new());
    }
    let bytes = hex::decode(&text).unwrap_or_else(|_| {
        settings.problem(NAME, "must hold hexadecimal digits only");
        Vec::new()
    });
    SecretSlice::from(bytes)
}

fn currency(settings: &mut Settings<'_>) -> Currency {
    Currency::from_code(&settings.or("currency", "INR")).unwrap_or_else(|| {
        settings.problem("currency", "must be INR");
        Currency::Inr
    })
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use secrecy::ExposeSecret;

    use super::*;

    fn read(changes: &[(&str, &str)]) -> Result<AxisConfig, Vec<String>> {
        let mut properties = HashMap::from([
            ("axis.merchant.id", "TESTFAKEULB01"),
            ("axis.merchant.access.code", "FA4EC0DE"),
            ("axis.merchant.secret.key", "0F1E2D3C4B5A6978"),
            ("axis.merchant.user", "fakeama"),
            ("axis.merchant.pwd", "fakepass"),
        ]);
        properties.extend(changes.iter().copied());
        AxisConfig::read(&|name| properties.get(name).map(|value| (*value).to_owned()))
            .map_err(|problems| problems.iter().map(ToString::to_string).collect())
    }

    #[test]
    fn what_the_original_packages_as_defaults_needs_no_property() {
        let config = read(&[]).unwrap();
        assert_eq!(config.pay_url, "https://migs.mastercard.com.au/vpcpay");
        assert_eq!(config.status_url, "https://migs.mastercard.com.au/vpcdps");
        assert_eq!((config.pay_command.as_str(), config.status_command.as_str()), ("pay", "queryDR"));
        assert_eq!(config.secret_key.expose_secret(), [0x0f, 0x1e, 0x2d, 0x3c, 0x4b, 0x5a, 0x69, 0x78]);
    }

    #[test]
    fn a_malformed_secret_is_named_by_its_property_and_not_shown() {
        for (secret, problem) in [
            ("0F1E2", "axis.merchant.secret.key must have an even number of hexadecimal digits"),
            ("0F1EXY", "axis.merchant.secret.key must hold hexadecimal digits only"),
            (" ", "axis.merchant.secret.key must be set"),
        ] {
            assert_eq!(read(&[("axis.merchant.secret.key", secret)]).unwrap_err(), [problem]);
        }
    }

    #[test]
    fn all_problems_are_told_at_once() {
        let problems = read(&[("axis.merchant.id", ""), ("axis.currency", "USD"), ("axis.url.status", "::")]);
        assert_eq!(problems.unwrap_err().len(), 3);
    }

    #[test]
    fn secrets_are_not_printed() {
        let text = format!("{:?}", read(&[]).unwrap());
        assert!(!text.contains("fakepass") && !text.contains("15, 30"), "{text}");
    }
}
