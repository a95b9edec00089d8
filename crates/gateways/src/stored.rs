//! Accounts that are stored: their fields, and the account that a stored one's fields describe.

use std::fmt;
use std::sync::Arc;

use payment_domain::GatewayName;
use payment_settings::{Declared, NAME, Problem, Spec, Support, Values};

use crate::account::{Account, Adapter, Common, RedirectThrough, read_all};
use crate::remote::{self, RemoteAccount};

/// A gateway whose accounts can be stored.
#[derive(Clone)]
pub enum AccountsOf {
    /// With an adapter in this crate.
    Own(&'static Adapter),
    /// A remote one, by its name in the settings.
    Remote(String),
}

impl fmt::Debug for AccountsOf {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("AccountsOf").field(&self.gateway()).finish()
    }
}

impl AccountsOf {
    pub fn gateway(&self) -> GatewayName {
        match self {
            AccountsOf::Own(adapter) => GatewayName::new(adapter.name),
            AccountsOf::Remote(name) => GatewayName::new(name),
        }
    }

    /// The settings of the gateway.
    pub fn settings(&self) -> &'static [&'static dyn Declared] {
        match self {
            AccountsOf::Own(adapter) => adapter.settings,
            AccountsOf::Remote(_) => remote::SETTINGS,
        }
    }

    /// The name in the settings, where operators give one.
    pub fn name(&self) -> Option<&str> {
        match self {
            AccountsOf::Own(_) => None,
            AccountsOf::Remote(name) => Some(name),
        }
    }

    /// The fields of an account: all settings but those of the gateway as a whole and the addresses, which are the
    /// configuration file's alone.
    pub fn fields(&self) -> impl Iterator<Item = (String, &'static Spec)> {
        let Common { active, order_life, calls_at_once, calls_per_second } = match self {
            AccountsOf::Own(adapter) => adapter.common,
            AccountsOf::Remote(_) => remote::account::COMMON,
        };
        let of_gateway = [active.key, order_life.key, calls_at_once.key, calls_per_second.key];
        let is_field = move |setting: &&'static dyn Declared| {
            !of_gateway.contains(&setting.key)
                && !setting.is_address()
                && setting.support == Support::Supported
        };
        let fields = self.settings().iter().copied().filter(is_field);
        fields.map(|setting| (self.key(setting), setting.spec()))
    }

    /// The names of the settings whose values in the configuration file hold for all accounts: none of those that name
    /// and prove one is another account's.
    pub fn shared(&self) -> impl Iterator<Item = String> {
        let credentials = match self {
            AccountsOf::Own(adapter) => adapter.credentials,
            AccountsOf::Remote(_) => remote::account::CREDENTIALS,
        };
        let is_shared = move |setting: &&'static dyn Declared| {
            !setting.secret && !credentials.iter().any(|credential| credential.key == setting.key)
        };
        self.settings().iter().copied().filter(is_shared).map(|setting| self.key(setting))
    }

    fn key(&self, setting: &Spec) -> String {
        self.name().map_or_else(|| setting.key.to_owned(), |name| setting.key.replace(NAME, name))
    }

    /// The account that these texts describe, by the names of the settings.
    ///
    /// # Errors
    /// Everything that is wrong with them.
    pub fn account<K: Into<String>, V: AsRef<str>>(
        &self,
        texts: impl IntoIterator<Item = (K, V)>,
        through: RedirectThrough,
    ) -> Result<Arc<dyn Account>, Vec<Problem>> {
        match self {
            AccountsOf::Own(adapter) => adapter.account(texts, through),
            AccountsOf::Remote(name) => read_all(&Values::of(texts), remote::SETTINGS, |reader| {
                let mut own = reader.fork(Some(name));
                let account = RemoteAccount::read_stored(&mut own, name);
                reader.problems.append(&mut own.problems);
                Some(Arc::new(account?) as Arc<dyn Account>)
            }),
        }
    }
}

#[cfg(test)]
mod tests {
    use payment_gateway::StartMode;

    use super::*;
    use crate::{ADAPTERS, Merchant};

    fn citypay() -> AccountsOf {
        AccountsOf::Remote("citypay".to_owned())
    }

    const TEXTS: [(&str, &str); 3] = [
        ("remote.citypay.base-url", "https://bridge.example"),
        ("remote.citypay.secret", "0123456789abcdef0123456789abcdef"),
        ("remote.citypay.merchant", "AMR"),
    ];

    #[test]
    fn a_remote_account_has_a_merchant_and_a_secret_and_no_address_of_its_own() {
        let fields: Vec<(String, bool)> =
            citypay().fields().map(|(name, spec)| (name, spec.secret)).collect();
        assert!(fields.contains(&("remote.citypay.secret".to_owned(), true)), "{fields:?}");
        let shared: Vec<String> = citypay().shared().collect();
        for (own, is_field) in [("secret", true), ("merchant", true), ("base-url", false), ("active", false)]
        {
            let name = format!("remote.citypay.{own}");
            assert_eq!(fields.iter().any(|(field, _)| *field == name), is_field, "{name}");
            assert_eq!(shared.contains(&name), !is_field, "{name}");
        }
        let account = citypay().account(TEXTS, RedirectThrough::Service).unwrap();
        assert_eq!(account.profile().name, citypay().gateway());
        assert_eq!(account.profile().start_mode, StartMode::Network);
        assert!(matches!(account.merchant(), Merchant::Id(merchant) if merchant == "AMR"));
    }

    #[test]
    fn a_remote_account_without_its_merchant_is_refused() {
        let problems = citypay().account(TEXTS[..2].to_vec(), RedirectThrough::Service).unwrap_err();
        let told: Vec<String> =
            problems.iter().map(|problem| format!("{} {}", problem.key, problem.wrong)).collect();
        assert_eq!(told, ["remote.citypay.merchant must be set"]);
    }

    #[test]
    fn no_secret_and_no_merchant_of_the_file_is_that_of_stored_accounts() {
        for adapter in ADAPTERS {
            let accounts = AccountsOf::Own(adapter);
            let shared: Vec<String> = accounts.shared().collect();
            for credential in adapter.credentials {
                assert!(!shared.iter().any(|name| name == credential.key), "{}", credential.key);
                assert!(accounts.fields().any(|(name, _)| name == credential.key), "{}", credential.key);
            }
            let secrets = accounts.fields().filter(|(_, spec)| spec.secret);
            assert_eq!(secrets.filter(|(name, _)| shared.contains(name)).count(), 0, "{}", adapter.name);
        }
    }
}
