//! Stored merchant accounts of the gateway `FAKE`, whose fields are `fake.merchant` and the secret `fake.key`.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use payment_domain::{AccountId, Clock, GatewayName, ManualClock, MerchantDigest};
use payment_gateway::{FakeGateway, Gateway};
use payment_service::{
    AccountAdapter, AccountAdapters, AccountDirectory, AccountField, AccountProblem, AccountSettings,
    Accounts, KeyEncryptionKey, Keyring, OrderLives,
};
use payment_store::Store;
use secrecy::{ExposeSecret, SecretString};

const GATEWAY: &str = "FAKE";
const MERCHANT: &str = "fake.merchant";
const KEY: &str = "fake.key";

struct Adapters(Arc<FakeGateway>);

impl AccountAdapters for Adapters {
    fn gateways(&self) -> Vec<GatewayName> {
        vec![GatewayName::new(GATEWAY)]
    }

    fn fields(&self, gateway: &GatewayName) -> Option<Vec<AccountField>> {
        let field = |name: &str, secret, doc| AccountField { name: name.to_owned(), secret, doc };
        let fields = [field(MERCHANT, false, "The merchant's id."), field(KEY, true, "The key that signs.")];
        (gateway.as_str() == GATEWAY).then(|| fields.into())
    }

    fn adapter(
        &self,
        gateway: &GatewayName,
        fields: &BTreeMap<String, SecretString>,
    ) -> Result<AccountAdapter, Vec<AccountProblem>> {
        if gateway.as_str() != GATEWAY {
            return Err(vec![AccountProblem::NoStoredAccounts(gateway.clone())]);
        }
        let missing = |name: &str| AccountProblem::Field {
            name: name.to_owned(),
            is_set: false,
            text: format!("{name} must be set"),
        };
        let field = |name: &str| fields.get(name).ok_or_else(|| vec![missing(name)]);
        let (merchant, _) = (field(MERCHANT)?, field(KEY)?);
        let mut bytes = [0; 32];
        for (byte, of_name) in bytes.iter_mut().zip(merchant.expose_secret().bytes()) {
            *byte = of_name;
        }
        Ok(AccountAdapter { gateway: self.0.clone(), merchant: Some(MerchantDigest::new(bytes)) })
    }

    fn guarded(&self, _: &AccountId, gateway: Arc<dyn Gateway>) -> Arc<dyn Gateway> {
        gateway
    }
}

/// The accounts of a store, all of them at this gateway. Two people activate credentials, and none are wiped by
/// themselves.
pub fn accounts(store: &Arc<dyn Store>, clock: &Arc<ManualClock>, gateway: &Arc<FakeGateway>) -> Accounts {
    let adapters: Arc<dyn AccountAdapters> = Arc::new(Adapters(gateway.clone()));
    let current = KeyEncryptionKey::parse(&format!("k1:{}", "11".repeat(32))).unwrap();
    let keys = Keyring { current: Some(current), previous: None };
    let clock: Arc<dyn Clock> = clock.clone();
    let directory = AccountDirectory::new(
        store.clone(),
        adapters.clone(),
        keys.clone(),
        clock.clone(),
        OrderLives::default(),
    );
    let settings =
        AccountSettings { second_person: true, wipe_after: None, gateway_wait: Duration::from_secs(5) };
    Accounts { store: store.clone(), clock, adapters, keys, settings, directory }
}
