//! Stored merchant accounts: their adapters, and their administration.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use payment_domain::{AccountId, Clock, GatewayName};
use payment_gateway::{CallCounts, Gateway, GuardSettings, Guarded};
use payment_gateways::client::Client;
use payment_gateways::{ADAPTERS, Adapter, Merchant};
use payment_service::{
    AccountAdapter, AccountAdapters, AccountDirectory, AccountField, AccountProblem, AccountSettings,
    Accounts, CALLBACKS_COME_FOR, OrderLives, RefundSettings,
};
use payment_settings::Problem;
use payment_store::Store;
use secrecy::{ExposeSecret, SecretString};

use crate::config::{Config, StoredAccounts};

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

fn find(gateway: &GatewayName) -> Option<&'static Adapter> {
    ADAPTERS.iter().copied().find(|adapter| adapter.name == gateway.as_str())
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
        let mut names: Vec<GatewayName> =
            ADAPTERS.iter().map(|adapter| GatewayName::new(adapter.name)).collect();
        names.sort();
        names
    }

    fn fields(&self, gateway: &GatewayName) -> Option<Vec<AccountField>> {
        let field = |setting: &'static dyn payment_settings::Declared| AccountField {
            name: setting.spec().key,
            secret: setting.spec().secret,
            doc: setting.spec().doc,
        };
        Some(find(gateway)?.fields().map(field).collect())
    }

    fn adapter(
        &self,
        gateway: &GatewayName,
        fields: &BTreeMap<String, SecretString>,
    ) -> Result<AccountAdapter, Vec<AccountProblem>> {
        let Some(adapter) = find(gateway) else {
            return Err(vec![AccountProblem::NoStoredAccounts(gateway.clone())]);
        };
        let defaults = self.settings.defaults.get(adapter.name);
        if let Some(defaults) = defaults.filter(|defaults| !defaults.problems.is_empty()) {
            return Err(defaults.problems.iter().cloned().map(AccountProblem::OfFile).collect());
        }
        let is_field = |name: &str| adapter.fields().any(|field| field.spec().key == name);
        if let Some(unknown) = fields.keys().find(|name| !is_field(name)) {
            return Err(vec![AccountProblem::UnknownField {
                name: unknown.clone(),
                gateway: gateway.clone(),
            }]);
        }
        let texts = defaults.into_iter().flat_map(|defaults| &defaults.texts);
        let texts = texts.map(|(name, text)| (name, text));
        let texts: BTreeMap<&String, &SecretString> = texts.chain(fields).collect();
        let texts = texts.into_iter().map(|(name, text)| (name.as_str(), text.expose_secret()));
        let account = adapter.account(texts, self.settings.through);
        let account = account.map_err(|problems| problems.iter().map(problem).collect::<Vec<_>>())?;
        let merchant = match account.merchant() {
            id @ Merchant::Id(_) => Some(id.digest(gateway)),
            Merchant::Key(_) => None,
        };
        Ok(AccountAdapter { gateway: account.adapter(self.client.clone(), self.clock.clone()), merchant })
    }

    fn guarded(&self, account: &AccountId, gateway: Arc<dyn Gateway>) -> Arc<dyn Gateway> {
        let guarded = Guarded::of_account(gateway, self.guard.clone(), account.as_str());
        Arc::new(guarded.counted_in(&self.calls))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

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
