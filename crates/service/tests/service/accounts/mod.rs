//! Merchant accounts: the account of a payment, and its payments after a change of keys.

mod ages;
mod changing;
mod provider;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use futures_util::future::join_all;
use payment_domain::{
    AccountId, AccountRef, CredentialState, GatewayName, Personal, Principal, Role, Status, StatusName,
    TenantId, Transaction, TxnId,
};
use payment_gateway::{Answer, Gateway, GatewayError, Params};
use payment_service::{
    AccountActor, AccountDirectory, AccountSettings, AccountWish, Accounts, Asked, CallbackError, Conclusion,
    CreateError, CreateRequest, Gateways, KeyEncryptionKey, Keyring, OrderLives, Payments, Ports,
};
use secrecy::SecretString;

use crate::support::{HOUR, World, caller, request, world};
use provider::{Adapters, Keyed, Provider, digest};

const DAY: Duration = Duration::from_secs(24 * 3600);
const ORDER_LIFE: Duration = HOUR;
const STATE_KEY: &str = "the state's own key";

struct Town {
    world: World,
    provider: Arc<Provider>,
    payments: Payments,
    accounts: Accounts,
}

fn key(id: &str, byte: &str) -> Option<KeyEncryptionKey> {
    Some(KeyEncryptionKey::parse(&format!("{id}:{}", byte.repeat(32))).unwrap())
}

fn person(uuid: &str) -> AccountActor {
    AccountActor::Principal(Principal {
        uuid: uuid.to_owned(),
        role: Role::Admin,
        tenant: TenantId::new("pb").unwrap(),
        address: None,
    })
}

/// A service whose configuration file has the state's account.
fn town() -> Town {
    let provider = Arc::new(Provider::default());
    provider.accepts("STATE", STATE_KEY);
    replica(world(), &provider, Keyring { current: key("k1", "11"), previous: None }, "STATE")
}

/// A service on the database of a world.
fn replica(world: World, provider: &Arc<Provider>, keys: Keyring, configured: &str) -> Town {
    let adapters = Arc::new(Adapters(provider.clone()));
    let accounts = Accounts {
        directory: AccountDirectory::new(
            world.store.clone(),
            adapters.clone(),
            keys.clone(),
            world.clock.clone(),
            OrderLives { of_all: Some(ORDER_LIFE), ..OrderLives::default() },
        ),
        store: world.store.clone(),
        clock: world.clock.clone(),
        adapters,
        keys,
        settings: AccountSettings {
            second_person: true,
            wipe_after: Some(DAY * 400),
            gateway_wait: Duration::from_secs(5),
        },
    };
    let state = Arc::new(Keyed::new(provider, configured, STATE_KEY)) as Arc<dyn Gateway>;
    let gateways = Gateways::new([state])
        .with_merchants([(GatewayName::new("FAKE"), digest(configured))])
        .with_accounts(accounts.directory.clone());
    let payments = world.with_ports(|ports| Ports { gateways, ..ports });
    Town { world, provider: provider.clone(), payments, accounts }
}

impl Town {
    async fn added(&self, tenant: &str, service: Option<&str>) -> AccountId {
        let wish = AccountWish {
            tenant_id: TenantId::new(tenant).unwrap(),
            business_service: service.map(str::to_owned),
            gateway: GatewayName::new("FAKE"),
            label: tenant.to_owned(),
            priority: 1,
            bank_account_ref: None,
            key: None,
        };
        self.accounts.add(&person("maker"), wish).await.unwrap().account.id
    }

    async fn enter(&self, id: &AccountId, merchant: &str, key: &str) {
        self.provider.accepts(merchant, key);
        let fields = BTreeMap::from([
            ("fake.merchant".to_owned(), SecretString::from(merchant)),
            ("fake.key".to_owned(), SecretString::from(key)),
        ]);
        self.accounts.enter(&person("maker"), id, fields).await.unwrap();
    }

    /// Enters, verifies and activates credentials.
    async fn rotate_to(&self, id: &AccountId, merchant: &str, key: &str) {
        self.enter(id, merchant, key).await;
        self.accounts.verify(&person("maker"), id, None).await.unwrap();
        self.accounts.activate(&person("checker"), id).await.unwrap();
    }

    async fn active(&self, tenant: &str, service: Option<&str>, merchant: &str, key: &str) -> AccountId {
        let id = self.added(tenant, service).await;
        self.rotate_to(&id, merchant, key).await;
        id
    }

    async fn create(&self, request: CreateRequest) -> Result<Transaction, CreateError> {
        let created = self.payments.creation.create(request).await?;
        Ok(self.world.stored(&created.id).await)
    }

    async fn settle(&self, id: &TxnId) -> (Transaction, Asked) {
        let settled = self.payments.settlement.settle(id, &Answer::default(), &caller()).await.unwrap();
        (settled.txn, settled.asked)
    }

    async fn call_back(&self, id: &TxnId, sign: &str) -> Result<Conclusion, CallbackError> {
        let params = [("fakeOrderId", id.as_str()), ("sign", sign)];
        let params = params.map(|(name, value)| (name.to_owned(), value.to_owned())).to_vec();
        let answer = Answer::of_params(Params::new(params));
        self.payments.callbacks.take(&GatewayName::new("FAKE"), &answer, "").await
    }
}

fn of(tenant: &str, service: &str, bill: &str) -> CreateRequest {
    CreateRequest {
        tenant_id: TenantId::new(tenant).unwrap(),
        service: Some(service.to_owned()),
        ..request(&[(bill, "100")])
    }
}

#[tokio::test]
async fn the_account_nearest_to_a_payment_takes_it() {
    let town = town();
    town.active("pb", None, "PUNJAB", "key of pb").await;
    town.active("pb.amritsar", None, "AMRITSAR", "key of amritsar").await;
    town.active("pb.amritsar", Some("WS"), "WATER", "key of water").await;
    town.active("pb", Some("TL"), "LICENCES", "key of licences").await;
    for (number, (tenant, service, merchant)) in [
        ("pb.amritsar", "WS", "WATER"),
        ("pb.amritsar", "PT", "AMRITSAR"),
        ("pb.amritsar", "TL", "AMRITSAR"),
        ("pb.jalandhar", "TL", "LICENCES"),
        ("pb.jalandhar", "PT", "PUNJAB"),
        ("mh.pune", "PT", "STATE"),
    ]
    .into_iter()
    .enumerate()
    {
        let txn = town.create(of(tenant, service, &format!("B{number}"))).await.unwrap();
        assert_eq!(town.provider.merchant_of(&txn.id).as_deref(), Some(merchant), "{tenant} {service}");
        assert_eq!(
            matches!(txn.account, Some(AccountRef::Configured(_))),
            merchant == "STATE",
            "{:?}",
            txn.account
        );
    }
}

#[tokio::test]
async fn three_tenants_pay_at_the_same_time_each_into_its_own_account() {
    let town = town();
    let tenants = [("pb.amritsar", "AMRITSAR"), ("pb.jalandhar", "JALANDHAR"), ("pb.nabha", "NABHA")];
    for (tenant, merchant) in tenants {
        town.active(tenant, None, merchant, &format!("key of {merchant}")).await;
    }
    let payments = (0..30).map(async |number| {
        let (tenant, merchant) = tenants[number % 3];
        let txn = town.create(of(tenant, "PT", &format!("B{number}"))).await.unwrap();
        assert_eq!(town.provider.merchant_of(&txn.id).as_deref(), Some(merchant));
        town.provider.pay(&txn.id);
        let others = tenants.iter().filter(|(_, other)| *other != merchant);
        for (_, other) in others {
            let forged = town.call_back(&txn.id, &format!("key of {other}")).await;
            assert!(matches!(forged, Err(CallbackError::Refused)), "{forged:?}");
        }
        let settled = town.call_back(&txn.id, &format!("key of {merchant}")).await.unwrap();
        assert_eq!(settled, Conclusion::Settled);
        assert_eq!(town.world.stored(&txn.id).await.status.name(), StatusName::Success);
    });
    join_all(payments).await;
}

#[tokio::test]
async fn keys_are_rotated_under_load_and_no_callback_is_refused_but_of_wiped_ones() {
    let town = town();
    let id = town.active("pb.amritsar", None, "AMRITSAR", "first key").await;
    let pay = async |number: usize, sign: &str| {
        let txn = town.create(of("pb.amritsar", "PT", &format!("B{number}"))).await.unwrap();
        tokio::task::yield_now().await;
        let called = town.call_back(&txn.id, sign).await;
        assert!(matches!(called, Ok(Conclusion::StillPending)), "{number} {sign}: {called:?}");
        town.provider.pay(&txn.id);
        assert_eq!(town.settle(&txn.id).await.0.status.name(), StatusName::Success);
    };
    let open = town.create(of("pb.amritsar", "PT", "open")).await.unwrap();
    let load = async {
        for number in 0..20 {
            pay(number, "first key").await;
        }
    };
    tokio::join!(load, town.rotate_to(&id, "AMRITSAR", "second key"));
    for (number, sign) in [(100, "first key"), (101, "second key")] {
        pay(number, sign).await;
    }
    // The provider takes the new key alone, then the old one alone: questions find the right one.
    town.provider.forgets("first key");
    assert_eq!(town.settle(&open.id).await.1, Asked::Answered);
    town.provider.accepts("AMRITSAR", "first key");
    town.provider.forgets("second key");
    assert_eq!(town.settle(&open.id).await.1, Asked::Answered, "with the version of the payment");
    town.provider.accepts("AMRITSAR", "second key");
    town.world.clock.advance(DAY * 401);
    assert_eq!(town.accounts.wipe_due().await.unwrap(), 1);
    let wiped = town.call_back(&open.id, "first key").await;
    assert!(matches!(wiped, Err(CallbackError::Refused)), "{wiped:?}");
    assert!(town.call_back(&open.id, "second key").await.is_ok());
    let states: Vec<CredentialState> =
        town.accounts.list(None).await.unwrap()[0].credentials.iter().map(|it| it.state).collect();
    assert_eq!(states, [CredentialState::Wiped, CredentialState::Active]);
}

#[tokio::test]
async fn a_retired_version_verifies_for_an_orders_life_and_seven_days_and_is_wiped_after_its_own_time() {
    let town = town();
    let id = town.active("pb.amritsar", None, "AMRITSAR", "first key").await;
    let open = town.create(of("pb.amritsar", "PT", "B1")).await.unwrap();
    town.rotate_to(&id, "AMRITSAR", "second key").await;
    town.world.clock.advance(ORDER_LIFE + DAY * 7);
    let last = town.call_back(&open.id, "first key").await;
    assert!(matches!(last, Ok(Conclusion::StillPending)), "{last:?}");
    town.world.clock.advance(Duration::from_millis(1));
    let late = town.call_back(&open.id, "first key").await;
    assert!(matches!(late, Err(CallbackError::Refused)), "{late:?}");
    assert!(town.call_back(&open.id, "second key").await.is_ok());
    // Questions still go out with it, where the provider takes no other.
    town.provider.forgets("second key");
    assert_eq!(town.settle(&open.id).await.1, Asked::Answered);
    town.world.clock.advance(DAY * 393 - ORDER_LIFE - Duration::from_millis(1));
    assert_eq!(town.accounts.wipe_due().await.unwrap(), 0, "after 400 days");
    town.world.clock.advance(Duration::from_millis(1));
    assert_eq!(town.accounts.wipe_due().await.unwrap(), 1);
    let mut kept = town.accounts.clone();
    kept.settings.wipe_after = None;
    town.rotate_to(&id, "AMRITSAR", "third key").await;
    town.world.clock.advance(DAY * 4000);
    assert_eq!(kept.wipe_due().await.unwrap(), 0, "refunds are requested for ever");
}

#[tokio::test]
async fn a_replica_that_has_not_heard_of_a_new_account_or_version_takes_its_callbacks() {
    let town = town();
    let id = town.active("pb.amritsar", None, "AMRITSAR", "first key").await;
    let keys = Keyring { current: key("k1", "11"), previous: None };
    let other = replica(world_beside(&town.world), &town.provider, keys, "STATE");
    other.accounts.directory.refresh().await.unwrap();
    town.rotate_to(&id, "AMRITSAR", "second key").await;
    let txn = town.create(of("pb.amritsar", "PT", "B1")).await.unwrap();
    assert!(matches!(txn.account, Some(AccountRef::Stored { version: 2, .. })), "{:?}", txn.account);
    tokio::time::sleep(Duration::from_millis(600)).await;
    assert!(matches!(other.call_back(&txn.id, "second key").await, Ok(Conclusion::StillPending)));
}

#[tokio::test]
async fn a_payment_of_a_merchant_removed_from_the_configuration_file_never_fails_as_unknown() {
    let town = town();
    let txn = town.create(of("pb.patiala", "PT", "B1")).await.unwrap();
    town.provider.accepts("OTHER", STATE_KEY);
    let keys = town.accounts.keys.clone();
    let changed = replica(world_beside(&town.world), &town.provider, keys, "OTHER");
    changed.world.clock.advance(DAY * 3);
    let (txn, asked) = changed.settle(&txn.id).await;
    assert_eq!(txn.status, Status::Pending);
    let Asked::Unusable(reason) = asked else { panic!("{asked:?}") };
    assert!(reason.contains("another merchant"), "{reason}");
    // A new unpaid payment of the new merchant fails in time.
    let new = changed.create(of("mh.pune", "PT", "B2")).await.unwrap();
    changed.provider.forgets_order(&new.id);
    changed.world.clock.advance(HOUR * 25);
    assert_eq!(changed.settle(&new.id).await.0.status, Status::Failure);
    // The merchant's account comes back in the database; that of another tenant under its id is none.
    changed.provider.accepts("OTHER", STATE_KEY);
    changed.active("pb.nabha", None, "STATE", "a key of nabha").await;
    let (still, asked) = changed.settle(&txn.id).await;
    assert!(
        matches!(asked, Asked::Unusable(reason) if reason.contains("another merchant")),
        "{:?}",
        still.status
    );
    changed.active("pb", None, "STATE", "the state's new key").await;
    assert_eq!(changed.settle(&txn.id).await.1, Asked::Answered);
}

#[tokio::test]
async fn an_account_whose_key_is_wrong_or_missing_is_refused_and_the_others_go_on() {
    let town = town();
    town.active("pb.amritsar", None, "AMRITSAR", "key of amritsar").await;
    let txn = town.create(of("pb.amritsar", "PT", "B1")).await.unwrap();
    town.provider.pay(&txn.id);
    for (number, keys, said) in [
        (1, Keyring::default(), "\"k1\" is missing"),
        (2, Keyring { current: key("k2", "22"), previous: None }, "\"k1\" is missing"),
        (3, Keyring { current: key("k1", "22"), previous: None }, "\"k1\" is not the one"),
    ] {
        let locked = replica(world_beside(&town.world), &town.provider, keys, "STATE");
        locked.accounts.directory.refresh().await.unwrap();
        let troubles = locked.accounts.directory.troubles();
        assert!(troubles.len() == 1 && troubles[0].why.to_string().contains(said), "{troubles:?}");
        let refused = locked.create(of("pb.amritsar", "PT", "B2")).await;
        assert!(matches!(refused, Err(CreateError::Gateway(GatewayError::LocalFault(_)))), "{refused:?}");
        let (pending, asked) = locked.settle(&txn.id).await;
        assert_eq!(pending.status, Status::Pending);
        assert!(matches!(asked, Asked::Unusable(reason) if reason.contains("k1")));
        let called = locked.call_back(&txn.id, "key of amritsar").await;
        assert!(matches!(called, Err(CallbackError::TryAgain)), "{called:?}");
        let bill = format!("other {number}");
        let other = locked.create(of("mh.pune", "PT", &bill)).await.unwrap();
        assert_eq!(locked.settle(&other.id).await.1, Asked::Answered);
    }
    assert_eq!(town.settle(&txn.id).await.0.status.name(), StatusName::Success);
}

/// The same database, for another replica.
fn world_beside(world: &World) -> World {
    World {
        payments: world.payments.clone(),
        store: world.store.clone(),
        gateway: world.gateway.clone(),
        collections: world.collections.clone(),
        clock: world.clock.clone(),
        database: world.database.again(),
    }
}

fn command_line() -> AccountActor {
    AccountActor::CommandLine { user: Personal::new("root") }
}
