//! Stored merchant accounts: their keys, and the configuration file's values for all of them.

use std::collections::BTreeMap;
use std::time::Duration;

use payment_domain::GatewayName;
use payment_gateways::account::RedirectThrough;
use payment_gateways::{ADAPTERS, AccountsOf};
use payment_service::{KeyEncryptionKey, Keyring};
use payment_settings::parser::{self, FLAG, Parser, days};
use payment_settings::{Optional, Reader, Setting, own, settings};
use secrecy::SecretString;

use super::gateway_hosts::check_hosts;
use super::gateways::remote_names;

settings! {
    pub(in crate::config) const ACCOUNTS;
    CURRENT_KEY: Optional<KeyEncryptionKey> = own("keys.current", KEY,
        "The key-encryption key of stored merchant accounts: what `pg-service accounts enter` takes is encrypted \
         with it. A backup of the database without it is useless. One line.").secret();
    PREVIOUS_KEY: Optional<KeyEncryptionKey> = own("keys.previous", KEY,
        "The key-encryption key before it, until `pg-service keys rotate` has run.").secret();
    SECOND_PERSON: Setting<bool> = own("accounts.second-person", FLAG,
        "Whether credentials of a merchant account are activated by another person than the one who entered \
         them.").or("true");
    WIPE_AFTER: Setting<Duration> = own("accounts.wipe-after-days", days(30, 3_650),
        "How many days after their retirement credentials are wiped. They are kept longer where a refund of their \
         payments can still be under way: for the days of `refund.window-days`, `refund.decided-within-days` and \
         `refund.life-days` together, with `refund.window-days=0` for ever. Callbacks they verify for the life of an \
         order and 7 days.").or("400");
}

const KEY: Parser<KeyEncryptionKey> =
    parser::text(|text| KeyEncryptionKey::parse(text).map_err(str::to_owned), "`ID:64 hexadecimal digits`");

#[derive(Debug, Clone)]
pub struct StoredAccounts {
    pub keys: Keyring,
    pub second_person: bool,
    pub wipe_after: Duration,
    pub through: RedirectThrough,
    /// The gateways that can have them.
    pub gateways: BTreeMap<GatewayName, AccountDefaults>,
}

/// The configuration file's values of a gateway for all its stored accounts.
#[derive(Debug, Clone)]
pub struct AccountDefaults {
    pub accounts: AccountsOf,
    /// Addresses and options, by the names of settings.
    pub texts: Vec<(String, SecretString)>,
    /// The problems of the addresses.
    pub problems: Vec<String>,
}

pub(super) fn stored_accounts(reader: &mut Reader<'_>, through: RedirectThrough) -> StoredAccounts {
    let keys = Keyring { current: reader.set(&CURRENT_KEY), previous: reader.set(&PREVIOUS_KEY) };
    let (current, previous) = (keys.current.as_ref(), keys.previous.as_ref());
    if previous.is_some() && current.is_none() {
        reader.problem(&CURRENT_KEY, "must be set when the previous key is", "");
    }
    if let (Some(current), Some(previous)) = (current, previous)
        && current.id() == previous.id()
    {
        reader.problem(&PREVIOUS_KEY, "has the id of the current key", "give each key an id of its own");
    }
    let own = ADAPTERS.iter().copied().map(AccountsOf::Own);
    let remote = remote_names(reader.values()).map(|name| AccountsOf::Remote(name.to_owned()));
    let remote = remote.filter(|accounts| !accounts.gateway().is_sandbox());
    let defaults = remote.chain(own).map(|accounts| {
        let mut findings = reader.fork(None);
        check_hosts(&mut findings, accounts.name(), accounts.settings());
        let text = |key: String| Some((reader.values().get(&key)?.text.clone(), key));
        let texts = accounts.shared().filter_map(text).map(|(text, key)| (key, text)).collect();
        let problems = findings.problems.iter().map(ToString::to_string).collect();
        (accounts.gateway(), AccountDefaults { accounts, texts, problems })
    });
    StoredAccounts {
        // A gateway of this program counts before a remote one of its name.
        gateways: defaults.collect(),
        keys,
        second_person: reader.get(&SECOND_PERSON),
        wipe_after: reader.get(&WIPE_AFTER),
        through,
    }
}
