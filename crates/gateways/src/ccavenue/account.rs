//! The `ccavenue.*` settings, and the account that they describe.
//!
//! Named as in DIGIT's chart (`CCAVENUE_…`); the names of the forks, which spell it `ccavanue`, are understood.

use std::sync::Arc;

use payment_domain::{Clock, Currency, GatewayName};
use payment_gateway::{Currencies, Gateway, Profile, StartMode, USUAL_SESSION, VerifyMode};
use payment_settings::parser::{FLAG, SECRET, TEXT, URL, one_of};
use payment_settings::{Optional, Reader, Setting, digit, own};
use secrecy::{ExposeSecret, SecretString};
use url::Url;

use super::cipher::WorkingKey;
use super::{Ccavenue, wire};
use crate::account::{Account, Adapter, Merchant, RedirectThrough, join};
use crate::client::Client;

pub const ADAPTER: Adapter = Adapter {
    name: "CCAVENUE",
    prefix: "ccavenue",
    protocol: "encrypted form post, orderStatusTracker",
    settings: SETTINGS,
    common: COMMON,
    credentials: &[&MERCHANT_ID, &ACCESS_CODE, &WORKING_KEY],
    transaction_parameter: wire::ORDER_NUMBER,
    test_hosts: &["test.ccavenue.com", "apitest.ccavenue.com"],
    read: |reader, through| Some(Arc::new(CcavenueAccount::read(reader, through)?)),
};

crate::gateway_settings! {
    "ccavenue" also "ccavanue";
    MERCHANT_ID: Optional<String> = digit("ccavenue.merchant.id", TEXT, "The merchant id.")
        .also("ccavanue.merchant.id");
    ACCESS_CODE: Optional<String> = digit("ccavenue.redirect.access.code", TEXT,
        "The access code of the pay page.").also("ccavanue.merchant.accesscode");
    WORKING_KEY: Optional<SecretString> = digit("ccavenue.redirect.working.key", SECRET,
        "The working key of the pay page, which encrypts orders and what browsers and webhooks bring.")
        .also("ccavanue.merchant.workingkey").secret();
    PREVIOUS_KEY: Optional<SecretString> = own("ccavenue.redirect.working.key.previous", SECRET,
        "The working key before this one: what it encrypted is still read while the key is changed.").secret();
    STATUS_ACCESS_CODE: Optional<String> = digit("ccavenue.status.access.code", TEXT,
        "The access code of the API.").or_worked_out("`ccavenue.redirect.access.code`");
    STATUS_WORKING_KEY: Optional<SecretString> = digit("ccavenue.status.working.key", SECRET,
        "The working key of the API.").or_worked_out("`ccavenue.redirect.working.key`").secret();
    PAY_URL: Setting<String> = digit("ccavenue.gateway.url", URL,
        "The address of the pay page, or its host.").also("ccavanue.url").or("secure.ccavenue.com");
    PAY_PATH: Setting<String> = own("ccavenue.path.pay", TEXT,
        "The path of the pay page, where only its host is named.").also("ccavanue.path.pay")
        .or("/transaction/transaction.do");
    STATUS_URL: Setting<String> = digit("ccavenue.gateway.status.url", URL,
        "The address of the API, which tells the status of a payment. A query in it is left out.")
        .also("ccavanue.url.status").or("https://api.ccavenue.com/apis/servlet/DoWebTrans");
    CURRENCY: Setting<Currency> = digit("ccavenue.currency", one_of(&[("INR", Currency::INR)]),
        "The currency of every order.").also("ccavanue.currency").or("INR");
    LANGUAGE: Setting<String> = digit("ccavenue.language", TEXT, "The language of the pay page.").or("EN");
    SUB_ACCOUNT: Setting<SubAccount> = own("ccavenue.sub-account",
        one_of(&[("none", SubAccount::None), ("tenant", SubAccount::Tenant)]),
        "The account at CCAvenue that a payment goes to. `none`: the merchant's own. `tenant`: the sub account that is \
         named as the tenant without dots, as egov-pg-service sends it.").or("none");
    UNIQUE_ORDERS: Setting<bool> = own("ccavenue.unique-order-id", FLAG,
        "Whether the account at CCAvenue takes every order number once only. Then a payer who comes back is sent to \
         the same order again.").or("false");
    REDIRECT_URL: Optional<String> = digit("ccavenue.redirect.url", TEXT,
        "The return URL of egov-pg-service. Not used: browsers come back as `redirect.through` says.");
    CANCEL_URL: Optional<String> = digit("ccavenue.cancel.url", TEXT,
        "The same for payers who cancel.");
    RETURN_KEY: Optional<String> = digit("ccavenue.original.return.url.key", TEXT,
        "The parameter of those URLs that names the callback URL.");
    UNUSED_PATH: Optional<String> = digit("ccavenue.path.status", TEXT, "A path that forks name and do not use.")
        .also("ccavanue.path.status").ignored("the whole address is `ccavenue.gateway.status.url`");
}

const OWN_RETURN: &str = "browsers come back as `redirect.through` says";

/// The account at CCAvenue that a payment goes to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SubAccount {
    /// The merchant's own.
    None,
    /// That of the tenant.
    Tenant,
}

/// An access code and the working key that belongs to it.
#[derive(Debug, Clone)]
pub struct Credentials {
    pub access_code: String,
    pub working_key: WorkingKey,
}

/// A merchant's account at CCAvenue.
#[derive(Debug, Clone)]
pub struct CcavenueAccount {
    pub merchant_id: String,
    /// Of the pay page.
    pub pay: Credentials,
    /// The key before that of the pay page, while it is changed.
    pub previous_key: Option<WorkingKey>,
    /// Of the API.
    pub api: Credentials,
    pub language: String,
    pub sub_account: SubAccount,
    /// Whether an order number is taken once only.
    pub unique_orders: bool,
    /// Where the form of a payment is posted.
    pub pay_url: String,
    pub status_url: String,
    /// Whether a form or a link takes the payer to the pay page.
    pub redirect_through: RedirectThrough,
}

impl CcavenueAccount {
    /// The account; `None` with the problems.
    pub fn read(reader: &mut Reader<'_>, redirect_through: RedirectThrough) -> Option<CcavenueAccount> {
        let merchant_id = reader.required(&MERCHANT_ID);
        if merchant_id.as_ref().is_some_and(|id| !id.bytes().all(|byte| byte.is_ascii_alphanumeric())) {
            reader.problem(&MERCHANT_ID, "must hold letters and digits only", "");
        }
        let (access_code, working_key) = (reader.required(&ACCESS_CODE), reader.required(&WORKING_KEY));
        reader.idle(&[&REDIRECT_URL, &CANCEL_URL, &RETURN_KEY], OWN_RETURN);
        if reader.is_set(&REDIRECT_URL) && !reader.is_set(&SUB_ACCOUNT) {
            reader.doubt(
                &SUB_ACCOUNT,
                "egov-pg-service pays into the sub account of the tenant, this service into the merchant's own: set it \
                 to `tenant` or to `none`",
            );
        }
        let key = |text: SecretString| WorkingKey::new(text.expose_secret());
        let pay = Credentials { access_code: access_code?, working_key: key(working_key?) };
        let api = Credentials {
            access_code: reader.set(&STATUS_ACCESS_CODE).unwrap_or_else(|| pay.access_code.clone()),
            working_key: reader.set(&STATUS_WORKING_KEY).map_or_else(|| pay.working_key.clone(), key),
        };
        Some(CcavenueAccount {
            merchant_id: merchant_id?,
            pay,
            previous_key: reader.set(&PREVIOUS_KEY).map(key),
            api,
            language: reader.get(&LANGUAGE),
            sub_account: reader.get(&SUB_ACCOUNT),
            unique_orders: reader.get(&UNIQUE_ORDERS),
            pay_url: pay_url(&reader.get(&PAY_URL), &reader.get(&PAY_PATH)),
            status_url: without_query(&reader.get(&STATUS_URL)).to_owned(),
            redirect_through,
        })
    }
}

impl Account for CcavenueAccount {
    fn merchant(&self) -> Merchant {
        Merchant::Id(self.merchant_id.clone())
    }

    fn profile(&self) -> Profile {
        Profile {
            name: GatewayName::new("CCAVENUE"),
            transaction_parameter: wire::ORDER_NUMBER.into(),
            start_mode: StartMode::Offline,
            verify_mode: VerifyMode::Offline,
            needs_bank_account: false,
            needs_form_page: self.redirect_through == RedirectThrough::Service,
            sends_callbacks: true,
            currencies: Currencies::RUPEES,
            refuses_second_payment: self.unique_orders,
            session: USUAL_SESSION,
        }
    }

    fn adapter(&self, client: Client, _: Arc<dyn Clock>) -> Arc<dyn Gateway> {
        Arc::new(Ccavenue::new(self.clone(), client))
    }
}

/// The pay page, with its command in the query.
fn pay_url(named: &str, path: &str) -> String {
    let is_host = Url::parse(named).is_ok_and(|url| url.path() == "/" && url.query().is_none());
    let page = if is_host { join(named, path) } else { named.to_owned() };
    let page = page.trim_end_matches(['?', '&']);
    match page.split_once('?') {
        Some((_, query)) if query.split('&').any(|pair| pair.starts_with("command=")) => page.to_owned(),
        Some(_) => format!("{page}&{PAY_COMMAND}"),
        None => format!("{page}?{PAY_COMMAND}"),
    }
}

const PAY_COMMAND: &str = "command=initiateTransaction";

/// egov-pg-service has the whole request in the query of this address; here it is posted.
fn without_query(url: &str) -> &str {
    url.split_once('?').map_or(url, |(url, _)| url)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::read_account;

    fn read(properties: &[(&'static str, &'static str)]) -> Result<CcavenueAccount, Vec<String>> {
        let read = |reader: &mut Reader<'_>| CcavenueAccount::read(reader, RedirectThrough::Service);
        read_account(SETTINGS, properties.iter().copied(), read)
    }

    const ACCOUNT: [(&str, &str); 3] = [
        ("ccavenue.merchant.id", "1000001"),
        ("ccavenue.redirect.access.code", "AVFAKE00AA00AA00AA"),
        ("ccavenue.redirect.working.key", "FA4EFA4E"),
    ];

    #[test]
    fn one_pair_of_keys_serves_the_pay_page_and_the_api_unless_two_are_set() {
        let one = read(&ACCOUNT).unwrap();
        assert_eq!(
            one.pay_url,
            "https://secure.ccavenue.com/transaction/transaction.do?command=initiateTransaction"
        );
        assert_eq!(one.status_url, "https://api.ccavenue.com/apis/servlet/DoWebTrans");
        let (text, sent) = ("order_no", one.api.working_key.encrypt("order_no"));
        assert_eq!(one.pay.working_key.encrypt(text), sent);
        assert_eq!(one.api.access_code, "AVFAKE00AA00AA00AA");

        let more = [("ccavenue.status.access.code", "AVAPI"), ("ccavenue.status.working.key", "OTHER")];
        let two = read(&[&ACCOUNT[..], &more].concat()).unwrap();
        assert_eq!(two.pay.working_key.encrypt(text), sent);
        assert_ne!(two.api.working_key.encrypt(text), sent);
        assert_eq!(two.api.access_code, "AVAPI");
        for account in [one, two] {
            let printed = format!("{account:?}");
            assert!(!["FA4EFA4E", "OTHER"].iter().any(|key| printed.contains(key)), "{printed}");
        }
    }

    #[test]
    fn the_addresses_of_egov_pg_service_and_of_its_forks_lead_to_the_same_pages() {
        let original = [
            (
                "ccavenue.gateway.url",
                "https://test.ccavenue.com/transaction/transaction.do?command=initiateTransaction",
            ),
            (
                "ccavenue.gateway.status.url",
                "https://apitest.ccavenue.com/apis/servlet/DoWebTrans?enc_request={enc_request}&access_code={access_code}\
                 &command=orderStatusTracker&request_type=JSON&response_type=JSON&version=1.2",
            ),
        ];
        let fork = [
            ("ccavenue.gateway.url", "test.ccavenue.com"),
            ("ccavenue.path.pay", "/transaction/transaction.do?"),
            ("ccavenue.gateway.status.url", "https://apitest.ccavenue.com/apis/servlet/DoWebTrans"),
        ];
        for addresses in [&original[..], &fork] {
            let account = read(&[&ACCOUNT[..], addresses].concat()).unwrap();
            assert_eq!(
                account.pay_url,
                "https://test.ccavenue.com/transaction/transaction.do?command=initiateTransaction"
            );
            assert_eq!(account.status_url, "https://apitest.ccavenue.com/apis/servlet/DoWebTrans");
        }
        assert_eq!(pay_url("https://x/pay?a=1", "/p"), "https://x/pay?a=1&command=initiateTransaction");
    }

    #[test]
    fn all_problems_are_reported_together() {
        let problems =
            read(&[("ccavenue.merchant.id", "1&amount=1"), ("ccavenue.currency", "USD")]).unwrap_err();
        assert_eq!(
            problems,
            [
                "ccavenue.currency `USD` is not one of the choices",
                "ccavenue.merchant.id must hold letters and digits only",
                "ccavenue.redirect.access.code must be set",
                "ccavenue.redirect.working.key must be set",
            ]
        );
    }

    #[test]
    fn a_second_payment_is_refused_only_where_the_account_is_set_up_so() {
        assert!(!read(&ACCOUNT).unwrap().profile().refuses_second_payment);
        let unique = [&ACCOUNT[..], &[("ccavenue.unique-order-id", "true")]].concat();
        assert!(read(&unique).unwrap().profile().refuses_second_payment);
    }
}
