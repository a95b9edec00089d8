//! What the adapter is configured with: the `payu.*` properties.

use secrecy::SecretString;
use url::Url;

use crate::config::{ConfigProblem, Lookup, RedirectThrough, Settings, join};

/// The merchant's account at the gateway and where the gateway is. The salt is not shown by `Debug`.
#[derive(Debug, Clone)]
pub struct PayuConfig {
    /// `payu.merchant.key`: who the merchant is; it is sent with every form and is no secret.
    pub merchant_key: String,
    /// `payu.merchant.salt`: the secret.
    pub salt: SecretString,
    /// Where the form of a payment is posted: `payu.url` and `payu.path.pay`.
    pub pay_url: String,
    /// The server API: `payu.url.status` and `payu.path.status`, asked for JSON.
    pub status_url: String,
    /// `redirect.through`: whether the payer's browser posts the form itself, or follows the URL with
    /// which the gateway answers ours.
    pub redirect_through: RedirectThrough,
}

impl PayuConfig {
    /// Reads the `payu.*` properties. What is not set is what the original packages: the test host.
    ///
    /// # Errors
    /// Everything that is wrong with them, each by the name of its property.
    pub fn read(lookup: &Lookup<'_>) -> Result<PayuConfig, Vec<ConfigProblem>> {
        let mut settings = Settings::new("payu", lookup);
        let merchant_key = settings.required("merchant.key");
        if merchant_key.contains('|') {
            settings.problem("merchant.key", "must not hold a |, which separates fields in signatures");
        }
        let salt = settings.secret("merchant.salt");
        let pay_host = settings.url("url", "test.payu.in");
        let status_host = settings.url("url.status", "test.payu.in");
        let config = PayuConfig {
            merchant_key,
            salt,
            pay_url: join(&pay_host, &settings.or("path.pay", "_payment")),
            status_url: for_json(join(&status_host, &settings.or("path.status", "merchant/postservice.php"))),
            redirect_through: RedirectThrough::read(lookup),
        };
        settings.finish(config)
    }

    /// Whether payers get to the gateway by a form.
    pub fn needs_form_page(&self) -> bool {
        self.redirect_through == RedirectThrough::Service
    }
}

/// The API answers in JSON when it is asked for form 2.
fn for_json(url: String) -> String {
    let asked = Url::parse(&url).is_ok_and(|parsed| parsed.query_pairs().any(|(name, _)| name == "form"));
    match (asked, url.contains('?')) {
        (true, _) => url,
        (false, true) => format!("{url}&form=2"),
        (false, false) => format!("{url}?form=2"),
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use super::*;

    fn read(properties: &[(&str, &str)]) -> Result<PayuConfig, Vec<String>> {
        let properties: HashMap<&str, &str> = properties.iter().copied().collect();
        PayuConfig::read(&|name| properties.get(name).map(|value| (*value).to_owned()))
            .map_err(|problems| problems.iter().map(ToString::to_string).collect())
    }

    const ACCOUNT: [(&str, &str); 2] = [("payu.merchant.key", "fAk3kY"), ("payu.merchant.salt", "fAk3SaLt")];

    #[test]
    fn without_hosts_the_original_defaults_hold() {
        let config = read(&ACCOUNT).unwrap();
        assert_eq!(config.pay_url, "https://test.payu.in/_payment");
        assert_eq!(config.status_url, "https://test.payu.in/merchant/postservice.php?form=2");
        assert!(!format!("{config:?}").contains("fAk3SaLt"));
    }

    #[test]
    fn a_host_may_carry_a_scheme_and_a_path_its_own_slashes_and_query() {
        let mut properties = ACCOUNT.to_vec();
        properties.extend([
            ("payu.url", "http://127.0.0.1:8090/"),
            ("payu.path.pay", "/_payment"),
            ("payu.url.status", "info.payu.in"),
            ("payu.path.status", "/merchant/postservice.php?form=2"),
        ]);
        let config = read(&properties).unwrap();
        assert_eq!(config.pay_url, "http://127.0.0.1:8090/_payment");
        assert_eq!(config.status_url, "https://info.payu.in/merchant/postservice.php?form=2");
    }

    #[test]
    fn all_problems_are_told_at_once() {
        let problems = read(&[("payu.url", "ftp://x")]).unwrap_err();
        assert_eq!(
            problems,
            [
                "payu.merchant.key must be set",
                "payu.merchant.salt must be set",
                "payu.url must be a host name or an http(s) URL"
            ]
        );
    }
}
