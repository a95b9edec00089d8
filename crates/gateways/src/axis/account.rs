//! The `axis.*` settings, and the account that they describe.

use std::sync::Arc;

use payment_domain::{Clock, Currency, GatewayName};
use payment_gateway::{Currencies, Gateway, Profile, StartMode, USUAL_SESSION, VerifyMode};
use payment_settings::parser::{self, FLAG, Parser, SECRET, TEXT, URL};
use payment_settings::{Optional, Reader, Setting, digit, own};
use secrecy::{ExposeSecret, SecretSlice, SecretString};

use super::{Axis, wire};
use crate::account::{Account, Adapter, Merchant};
use crate::client::Client;

pub const ADAPTER: Adapter = Adapter {
    name: "AXIS",
    prefix: "axis",
    protocol: "MIGS VPC: signed redirect, queryDR",
    settings: SETTINGS,
    common: COMMON,
    credentials: &[&MERCHANT_ID, &SECRET_KEY, &ACCESS_CODE, &USER, &PASSWORD],
    transaction_parameter: wire::REFERENCE,
    test_hosts: &["www.migs-mtf.mastercard.com.au"],
    read: |reader, _| Some(Arc::new(AxisAccount::read(reader)?)),
};

crate::gateway_settings! {
    "axis";
    CURRENCY: Setting<Currency> = digit("axis.currency", INDIAN, "The currency of every order.").or("INR");
    LOCALE: Setting<String> = digit("axis.locale", TEXT, "The language of the pay page.").or("en_IN");
    MERCHANT_ID: Optional<String> = digit("axis.merchant.id", TEXT, "The merchant id.");
    SECRET_KEY: Optional<SecretString> = digit("axis.merchant.secret.key", SECRET,
        "The secure hash secret, in hexadecimal.").secret();
    USER: Optional<String> = digit("axis.merchant.user", TEXT,
        "The operator who asks for the status of payments, and gives money back.");
    PASSWORD: Optional<SecretString> = digit("axis.merchant.pwd", SECRET, "The operator's password.").secret();
    ACCESS_CODE: Optional<String> = digit("axis.merchant.access.code", TEXT,
        "The access code.").secret();
    VERSION: Setting<String> = digit("axis.merchant.vpc.version", TEXT, "The version of the protocol.").or("1");
    PAY_COMMAND: Setting<String> = digit("axis.merchant.vpc.command.pay", TEXT,
        "The command that pays.").or("pay");
    STATUS_COMMAND: Setting<String> = digit("axis.merchant.vpc.command.status", TEXT,
        "The command that asks for the status.").or("queryDR");
    REFUND_COMMAND: Setting<String> = own("axis.refund.command", TEXT,
        "The command that gives money back.").or("refund");
    REFUND_SIGNED: Setting<bool> = own("axis.refund.signed", FLAG,
        "Whether requests for refunds carry a secure hash over all members. Only some banks want one.")
        .or("false");
    PAY_URL: Setting<String> = digit("axis.url.debit", URL,
        "The address of the pay page.").or("https://migs.mastercard.com.au/vpcpay");
    STATUS_URL: Setting<String> = digit("axis.url.status", URL,
        "The address that tells the status of a payment.").or("https://migs.mastercard.com.au/vpcdps");
}

const INDIAN: Parser<Currency> = parser::text(
    |text| {
        Currency::from_code(text).filter(|it| *it == Currency::INR).ok_or_else(|| "must be INR".to_owned())
    },
    "`INR`",
);

/// A merchant's account at the gateway.
#[derive(Debug, Clone)]
pub struct AxisAccount {
    pub merchant_id: String,
    pub access_code: String,
    /// The bytes that the setting has in hexadecimal.
    pub secret_key: SecretSlice<u8>,
    /// The operator of status requests.
    pub user: String,
    pub password: SecretString,
    pub version: String,
    pub pay_command: String,
    pub status_command: String,
    pub refund_command: String,
    /// Whether requests for refunds carry a secure hash.
    pub signs_refunds: bool,
    pub locale: String,
    pub currency: Currency,
    /// The page where the payer pays.
    pub pay_url: String,
    pub status_url: String,
}

impl AxisAccount {
    /// The account; `None` with the problems.
    pub fn read(reader: &mut Reader<'_>) -> Option<AxisAccount> {
        let merchant_id = reader.required(&MERCHANT_ID);
        let access_code = reader.required(&ACCESS_CODE);
        let secret_key = secret_key(reader);
        let user = reader.required(&USER);
        let password = reader.required(&PASSWORD);
        Some(AxisAccount {
            merchant_id: merchant_id?,
            access_code: access_code?,
            secret_key: secret_key?,
            user: user?,
            password: password?,
            version: reader.get(&VERSION),
            pay_command: reader.get(&PAY_COMMAND),
            status_command: reader.get(&STATUS_COMMAND),
            refund_command: reader.get(&REFUND_COMMAND),
            signs_refunds: reader.get(&REFUND_SIGNED),
            locale: reader.get(&LOCALE),
            currency: reader.get(&CURRENCY),
            pay_url: reader.get(&PAY_URL),
            status_url: reader.get(&STATUS_URL),
        })
    }
}

/// A text with an odd number of digits is refused: implementations disagree about which digit is missing.
fn secret_key(reader: &mut Reader<'_>) -> Option<SecretSlice<u8>> {
    let text = reader.required(&SECRET_KEY)?;
    let wrong = match hex::decode(text.expose_secret()) {
        Ok(bytes) => return Some(SecretSlice::from(bytes)),
        Err(hex::FromHexError::OddLength) => "must have an even number of hexadecimal digits",
        Err(_) => "must hold hexadecimal digits only",
    };
    reader.problem(&SECRET_KEY, wrong, "");
    None
}

impl Account for AxisAccount {
    fn merchant(&self) -> Merchant {
        Merchant::Id(self.merchant_id.clone())
    }

    fn profile(&self) -> Profile {
        Profile {
            name: GatewayName::new("AXIS"),
            transaction_parameter: wire::REFERENCE.into(),
            start_mode: StartMode::Offline,
            verify_mode: VerifyMode::Offline,
            needs_bank_account: true,
            needs_form_page: false,
            sends_callbacks: false,
            currencies: Currencies::RUPEES,
            // The same reference can be paid again.
            refuses_second_payment: false,
            session: USUAL_SESSION,
        }
    }

    fn adapter(&self, client: Client, _: Arc<dyn Clock>) -> Arc<dyn Gateway> {
        Arc::new(Axis::new(self.clone(), client))
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use super::*;
    use crate::testing::read_account;

    fn read(changes: &[(&'static str, &'static str)]) -> Result<AxisAccount, Vec<String>> {
        let mut properties = HashMap::from([
            ("axis.merchant.id", "TESTFAKEULB01"),
            ("axis.merchant.access.code", "FA4EC0DE"),
            ("axis.merchant.secret.key", "0F1E2D3C4B5A6978"),
            ("axis.merchant.user", "fakeama"),
            ("axis.merchant.pwd", "fakepass"),
        ]);
        properties.extend(changes.iter().copied());
        read_account(SETTINGS, properties, AxisAccount::read)
    }

    #[test]
    fn defaults_of_the_original_need_no_property() {
        let account = read(&[]).unwrap();
        assert_eq!(account.pay_url, "https://migs.mastercard.com.au/vpcpay");
        assert_eq!(account.status_url, "https://migs.mastercard.com.au/vpcdps");
        assert_eq!((account.pay_command.as_str(), account.status_command.as_str()), ("pay", "queryDR"));
        assert_eq!(account.secret_key.expose_secret(), [0x0f, 0x1e, 0x2d, 0x3c, 0x4b, 0x5a, 0x69, 0x78]);
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
    fn all_problems_are_reported_together() {
        let problems = read(&[("axis.merchant.id", ""), ("axis.currency", "USD"), ("axis.url.status", "::")]);
        assert_eq!(problems.unwrap_err().len(), 3);
    }

    #[test]
    fn secrets_are_not_printed() {
        let text = format!("{:?}", read(&[]).unwrap());
        assert!(!text.contains("fakepass") && !text.contains("15, 30"), "{text}");
    }
}
