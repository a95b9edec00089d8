//! The `payu.*` settings, and the account that they describe.

use std::sync::Arc;

use payment_domain::{Clock, GatewayName};
use payment_gateway::{Currencies, Gateway, Profile, StartMode, USUAL_SESSION, VerifyMode};
use payment_settings::parser::{SECRET, TEXT, URL};
use payment_settings::{Optional, Reader, Setting, digit, own};
use secrecy::SecretString;
use url::Url;

use super::{Payu, wire};
use crate::account::{Account, Adapter, Merchant, RedirectThrough, join};
use crate::client::Client;

pub const ADAPTER: Adapter = Adapter {
    name: "PAYU",
    prefix: "payu",
    protocol: "form post with SHA-512 hash, verify_payment",
    settings: SETTINGS,
    common: COMMON,
    credentials: &[&MERCHANT_KEY, &SALT],
    transaction_parameter: wire::REFERENCE,
    test_hosts: &["test.payu.in"],
    read: |reader, through| Some(Arc::new(PayuAccount::read(reader, through)?)),
};

crate::gateway_settings! {
    "payu";
    MERCHANT_KEY: Optional<String> = digit("payu.merchant.key", TEXT, "The merchant key.");
    SALT: Optional<SecretString> = digit("payu.merchant.salt", SECRET, "The salt.").secret();
    PAY_HOST: Setting<String> = digit("payu.url", URL, "The host of the pay page.").or("test.payu.in");
    STATUS_HOST: Setting<String> = digit("payu.url.status", URL,
        "The host that tells the status of a payment.").or("test.payu.in");
    PAY_PATH: Setting<String> = digit("payu.path.pay", TEXT, "The path of the pay page.").or("_payment");
    STATUS_PATH: Setting<String> = digit("payu.path.status", TEXT,
        "The path that tells the status of a payment.").or("merchant/postservice.php");
    REFUND_STATUS_URL: Optional<String> = own("payu.url.refunds", URL,
        "The address of PayU's newer API that tells the state of refunds, as in \
         `https://info.payu.in/v2/refunds/status`. Without it the command `getAllRefundsFromTxnIds` tells it.");
}

/// A merchant's account at the gateway.
#[derive(Debug, Clone)]
pub struct PayuAccount {
    /// The merchant's identifier: sent with every form, no secret.
    pub merchant_key: String,
    pub salt: SecretString,
    /// Where the form of a payment is posted.
    pub pay_url: String,
    /// The server API, with answers in JSON.
    pub status_url: String,
    /// The newer API, which reports the state of refunds.
    pub refund_status_url: Option<String>,
    /// Whether the payer's browser posts the form itself, or follows the URL with which the gateway answers
    /// ours.
    pub redirect_through: RedirectThrough,
}

impl PayuAccount {
    /// The account; `None` with the problems.
    pub fn read(reader: &mut Reader<'_>, redirect_through: RedirectThrough) -> Option<PayuAccount> {
        let merchant_key = reader.required(&MERCHANT_KEY);
        if merchant_key.as_ref().is_some_and(|key| key.contains('|')) {
            reader.problem(&MERCHANT_KEY, "must not hold a |, which separates fields in signatures", "");
        }
        let salt = reader.required(&SALT);
        Some(PayuAccount {
            merchant_key: merchant_key?,
            salt: salt?,
            pay_url: join(&reader.get(&PAY_HOST), &reader.get(&PAY_PATH)),
            status_url: for_json(join(&reader.get(&STATUS_HOST), &reader.get(&STATUS_PATH))),
            refund_status_url: reader.set(&REFUND_STATUS_URL),
            redirect_through,
        })
    }
}

impl Account for PayuAccount {
    fn merchant(&self) -> Merchant {
        Merchant::Id(self.merchant_key.clone())
    }

    fn profile(&self) -> Profile {
        Profile {
            name: GatewayName::new("PAYU"),
            transaction_parameter: wire::REFERENCE.into(),
            start_mode: match self.redirect_through {
                RedirectThrough::Application => StartMode::Network,
                RedirectThrough::Service => StartMode::Offline,
            },
            verify_mode: VerifyMode::Offline,
            needs_bank_account: false,
            needs_form_page: self.redirect_through == RedirectThrough::Service,
            sends_callbacks: true,
            currencies: Currencies::RUPEES,
            refuses_second_payment: true,
            session: USUAL_SESSION,
        }
    }

    fn adapter(&self, client: Client, clock: Arc<dyn Clock>) -> Arc<dyn Gateway> {
        Arc::new(Payu::new(self.clone(), client, clock))
    }
}

/// The API answers in JSON for form 2.
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
    use super::*;
    use crate::testing::read_account;

    fn read(properties: &[(&'static str, &'static str)]) -> Result<PayuAccount, Vec<String>> {
        let read = |reader: &mut Reader<'_>| PayuAccount::read(reader, RedirectThrough::Service);
        read_account(SETTINGS, properties.iter().copied(), read)
    }

    const ACCOUNT: [(&str, &str); 2] = [("payu.merchant.key", "fAk3kY"), ("payu.merchant.salt", "fAk3SaLt")];

    #[test]
    fn without_hosts_the_original_defaults_hold() {
        let account = read(&ACCOUNT).unwrap();
        assert_eq!(account.pay_url, "https://test.payu.in/_payment");
        assert_eq!(account.status_url, "https://test.payu.in/merchant/postservice.php?form=2");
        assert!(!format!("{account:?}").contains("fAk3SaLt"));
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
        let account = read(&properties).unwrap();
        assert_eq!(account.pay_url, "http://127.0.0.1:8090/_payment");
        assert_eq!(account.status_url, "https://info.payu.in/merchant/postservice.php?form=2");
    }

    #[test]
    fn all_problems_are_reported_together() {
        let problems = read(&[("payu.url", "ftp://x")]).unwrap_err();
        assert_eq!(
            problems,
            [
                "payu.url must be a host name or an http(s) URL",
                "payu.merchant.key must be set",
                "payu.merchant.salt must be set",
            ]
        );
    }
}
