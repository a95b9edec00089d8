//! Stored merchant accounts: their adapters, and their administration.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use payment_domain::{AccountId, Clock, GatewayName};
use payment_gateway::{CallCounts, Gateway, GuardSettings, Guarded};
use payment_gateways::Merchant;
use payment_gateways::client::Client;
use payment_service::{
    AccountAdapter, AccountAdapters, AccountDirectory, AccountField, AccountProblem, AccountSettings,
    Accounts, CALLBACKS_COME_FOR, OrderLives, RefundSettings,
};
use payment_settings::Problem;
use payment_store::Store;
use secrecy::{ExposeSecret, SecretString};

use crate::config::{AccountDefaults, Config, StoredAccounts};

struct Adapters {
    settings: StoredAccounts,
    client: Client,
    clock: Arc<dyn Clock>,
    guard: GuardSettings,
    calls: CallCounts,
}

/// The merchant accounts of a database, which are not read yet.
pub(super) fn accounts(
    config: &Config,
    store: &Arc<dyn Store>,
    clock: &Arc<dyn Clock>,
    client: Client,
    calls: CallCounts,
) -> Accounts {
    let stored = &config.stored_accounts;
    let adapters: Arc<dyn AccountAdapters> = Arc::new(Adapters {
        settings: stored.clone(),
        client,
        clock: clock.clone(),
        guard: config.guard.clone(),
        calls,
    });
    let settings = &config.settings;
    let lives = OrderLives { of_all: settings.order_life, of_gateways: settings.order_life_of.clone() };
    let longest_life = lives.of_gateways.values().copied().chain(lives.of_all).max().unwrap_or_default();
    Accounts {
        directory: AccountDirectory::new(
            store.clone(),
            adapters.clone(),
            stored.keys.clone(),
            clock.clone(),
            lives,
        ),
        store: store.clone(),
        clock: clock.clone(),
        adapters,
        keys: stored.keys.clone(),
        settings: AccountSettings {
            second_person: stored.second_person,
            wipe_after: wipe_after(stored.wipe_after, &settings.refunds, longest_life),
            gateway_wait: settings.gateway_wait,
        },
    }
}

/// How long after their retirement credentials are wiped: as it is set, but not while callbacks come, and not before the
/// last refund that can be requested of their payments has ended. `None` where refunds are requested for ever.
fn wipe_after(set: Duration, refunds: &RefundSettings, longest_life: Duration) -> Option<Duration> {
    let refunds_end = refunds.window? + refunds.decided_within + refunds.life;
    Some(set.max(longest_life + CALLBACKS_COME_FOR).max(refunds_end))
}

fn problem(problem: &Problem) -> AccountProblem {
    AccountProblem::Field {
        name: problem.key.clone(),
        is_set: problem.origin.is_some(),
        text: problem.to_string(),
    }
}

impl AccountAdapters for Adapters {
    fn gateways(&self) -> Vec<GatewayName> {
        self.settings.gateways.keys().cloned().collect()
    }

    fn fields(&self, gateway: &GatewayName) -> Option<Vec<AccountField>> {
        let fields = self.settings.gateways.get(gateway)?.accounts.fields();
        Some(fields.map(|(name, spec)| AccountField { name, secret: spec.secret, doc: spec.doc }).collect())
    }

    fn adapter(
        &self,
        gateway: &GatewayName,
        fields: &BTreeMap<String, SecretString>,
    ) -> Result<AccountAdapter, Vec<AccountProblem>> {
        let Some(AccountDefaults { accounts, texts, problems }) = self.settings.gateways.get(gateway) else {
            return Err(vec![AccountProblem::NoStoredAccounts(gateway.clone())]);
        };
        if !problems.is_empty() {
            return Err(problems.iter().cloned().map(AccountProblem::OfFile).collect());
        }
        let is_field = |name: &str| accounts.fields().any(|(field, _)| field == name);
        if let Some(unknown) = fields.keys().find(|name| !is_field(name)) {
            return Err(vec![AccountProblem::UnknownField {
                name: unknown.clone(),
                gateway: gateway.clone(),
            }]);
        }
        let texts = texts.iter().map(|(name, text)| (name, text));
        let texts: BTreeMap<&String, &SecretString> = texts.chain(fields).collect();
        let texts = texts.into_iter().map(|(name, text)| (name.as_str(), text.expose_secret()));
        let account = accounts.account(texts, self.settings.through);
        let account = account.map_err(|problems| problems.iter().map(problem).collect::<Vec<_>>())?;
        let merchant = match account.merchant() {
            id @ Merchant::Id(_) => Some(id.digest(gateway)),
            Merchant::Key(_) => None,
        };
        let client = account.limits().map_or_else(|| Ok(self.client.clone()), Client::new);
        let uncallable = |error| AccountProblem::OfFile(format!("{gateway} cannot be called: {error}"));
        let client = client.map_err(|error| vec![uncallable(error)])?;
        Ok(AccountAdapter { gateway: account.adapter(client, self.clock.clone()), merchant })
    }

    fn guarded(&self, account: &AccountId, gateway: Arc<dyn Gateway>) -> Arc<dyn Gateway> {
        let guarded = Guarded::of_account(gateway, self.guard.clone(), account.as_str());
        Arc::new(guarded.counted_in(&self.calls))
    }
}

#[cfg(test)]
mod tests {
    use payment_domain::SystemClock;
    use payment_gateways::client::Limits;

    use super::*;
    use crate::config::{self, Sources};

    fn adapters(settings: &[(&str, &str)]) -> Adapters {
        let file = tempfile::NamedTempFile::with_suffix(".properties").unwrap();
        let lines: Vec<String> = settings.iter().map(|(name, value)| format!("{name}={value}")).collect();
        std::fs::write(file.path(), lines.join("\n")).unwrap();
        let sources = Sources { properties_file: Some(file.path().to_owned()), ..Sources::default() };
        Adapters {
            settings: config::load(&sources).into_config().unwrap().stored_accounts,
            client: Client::new(Limits::default()).unwrap(),
            clock: Arc::new(SystemClock),
            guard: GuardSettings::default(),
            calls: CallCounts::default(),
        }
    }

    #[test]
    fn a_remote_gateway_has_stored_accounts_at_its_configured_address_alone() {
        let adapters = adapters(&[
            ("remote.citypay.base-url", "http://127.0.0.1:8070"),
            ("remote.citypay.secret", "of the configuration file alone!!"),
            ("remote.sandbox.base-url", "http://127.0.0.1:8071"),
            ("remote.payu.base-url", "http://127.0.0.1:8072"),
        ]);
        let names: Vec<String> = adapters.gateways().iter().map(ToString::to_string).collect();
        let expected =
            ["AXIS", "CCAVENUE", "CITYPAY", "HYPERSWITCH", "PAYTM", "PAYU", "PHONEPE", "RAZORPAY", "STRIPE"];
        assert_eq!(names, expected);
        let citypay = GatewayName::new("CITYPAY");
        let entered = |texts: &[(&str, &str)]| {
            let field =
                |(name, text): &(&str, &str)| (format!("remote.citypay.{name}"), SecretString::from(*text));
            adapters.adapter(&citypay, &texts.iter().map(field).collect())
        };
        let (merchant, secret) = (("merchant", "AMR"), ("secret", "0123456789abcdef0123456789abcdef"));
        let account = entered(&[merchant, secret]).unwrap_or_else(|problems| panic!("{problems:?}"));
        assert_eq!(account.gateway.profile().name, citypay);
        assert_eq!(account.merchant, Some(Merchant::Id("AMR".to_owned()).digest(&citypay)));
        for (texts, problem) in [
            (vec![merchant], "remote.citypay.secret: must be set"),
            (vec![secret], "remote.citypay.merchant: must be set"),
            (
                vec![merchant, secret, ("base-url", "https://evil.example")],
                "remote.citypay.base-url is no field",
            ),
        ] {
            let problems = entered(&texts).err().unwrap();
            assert!(problems.len() == 1 && problems[0].to_string().starts_with(problem), "{problems:?}");
        }
    }

    #[test]
    fn a_gateway_without_stored_accounts_is_refused_with_the_reason() {
        let adapters = adapters(&[]);
        for (name, why) in [
            ("SANDBOX", "no money moves there, and it has no credentials"),
            ("CITYPAY", "remote.citypay.base-url is not in the configuration file"),
        ] {
            let gateway = GatewayName::new(name);
            assert_eq!(adapters.fields(&gateway), None);
            let problems = adapters.adapter(&gateway, &BTreeMap::new()).err().unwrap();
            assert_eq!(problems, [AccountProblem::NoStoredAccounts(gateway)]);
            assert!(problems[0].to_string().contains(why), "{problems:?}");
        }
    }

    const DAY: Duration = Duration::from_secs(24 * 60 * 60);

    #[test]
    fn credentials_are_not_wiped_while_callbacks_come_or_payments_are_refunded() {
        let refunds = |window| RefundSettings {
            window,
            decided_within: DAY * 30,
            life: DAY * 10,
            ..RefundSettings::default()
        };
        let half_a_year = refunds(Some(DAY * 180));
        for (set, life, days) in [(400, 1, 400), (219, 1, 220), (220, 1, 220), (30, 1, 220), (221, 300, 307)]
        {
            assert_eq!(wipe_after(DAY * set, &half_a_year, DAY * life), Some(DAY * days), "{set} {life}");
        }
        assert_eq!(wipe_after(DAY * 400, &refunds(None), DAY), None, "refunds are requested for ever");
    }
}
