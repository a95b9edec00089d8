//! Stored merchant accounts of the gateway `FAKE`.

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

struct Adapters(Arc<FakeGateway>);

impl AccountAdapters for Adapters {
    fn gateways(&self) -> Vec<GatewayName> {
        vec![GatewayName::new("FAKE")]
    }

    fn fields(&self, gateway: &GatewayName) -> Option<Vec<AccountField>> {
        let field = |name, secret| AccountField { name, secret, doc: "Of a test." };
        (gateway.as_str() == "FAKE").then(|| vec![field("fake.merchant", false), field("fake.key", true)])
    }

    fn adapter(
        &self,
        _: &GatewayName,
        fields: &BTreeMap<String, SecretString>,
    ) -> Result<AccountAdapter, Vec<AccountProblem>> {
        let field = |name: &str| {
            fields.get(name).ok_or_else(|| {
                vec![AccountProblem::Field {
                    name: name.to_owned(),
                    is_set: false,
                    text: format!("{name} must be set"),
                }]
            })
        };
        let (merchant, _) = (field("fake.merchant")?, field("fake.key")?);
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

pub(super) fn accounts(
    store: &Arc<dyn Store>,
    clock: &Arc<ManualClock>,
    gateway: &Arc<FakeGateway>,
) -> Accounts {
    let adapters: Arc<dyn AccountAdapters> = Arc::new(Adapters(gateway.clone()));
    let current = KeyEncryptionKey::parse(&format!("k1:{}", "11".repeat(32))).unwrap();
    let keys = Keyring { current: Some(current), previous: None };
    let clock: Arc<dyn Clock> = clock.clone();
    Accounts {
        directory: AccountDirectory::new(
            store.clone(),
            adapters.clone(),
            keys.clone(),
            clock.clone(),
            OrderLives::default(),
        ),
        store: store.clone(),
        clock,
        adapters,
        keys,
        settings: AccountSettings {
            second_person: true,
            wipe_after: None,
            gateway_wait: Duration::from_secs(5),
        },
    }
}
