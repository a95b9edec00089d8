//! Changes of credentials, their storage, and the key that encrypts them.

use payment_service::{AccountError, AccountObstacle};
use payment_store::AuditQuery;

use super::*;

const SECRET: &str = "मर्चेंट-secret-0F1E2D3C4B5A";

fn fields(merchant: &str, key: &str) -> BTreeMap<String, SecretString> {
    BTreeMap::from([
        ("fake.merchant".to_owned(), SecretString::from(merchant)),
        ("fake.key".to_owned(), SecretString::from(key)),
    ])
}

#[tokio::test]
async fn credentials_are_activated_by_another_person_after_the_gateway_accepted_them() {
    let town = town();
    let id = town.added("pb.amritsar", None).await;
    let early = town.accounts.activate(&person("checker"), &id).await;
    assert!(matches!(early, Err(AccountError::State(_))), "{early:?}");
    let nameless = town.accounts.enter(&command_line(), &id, fields("AMRITSAR", "key")).await;
    assert!(matches!(nameless, Err(AccountError::Nameless)), "{nameless:?}");
    town.accounts.enter(&person("maker"), &id, fields("AMRITSAR", "key")).await.unwrap();
    let unaccepted = town.accounts.verify(&person("maker"), &id, None).await;
    assert!(matches!(unaccepted, Err(AccountError::NotVerified(_))), "{unaccepted:?}");
    town.provider.accepts("AMRITSAR", "key");
    town.accounts.verify(&person("maker"), &id, None).await.unwrap();
    for (actor, is_same) in [(person("maker"), true), (person("MAKER"), true), (command_line(), false)] {
        let refused = town.accounts.activate(&actor, &id).await;
        match is_same {
            true => assert!(matches!(refused, Err(AccountError::SamePerson)), "{refused:?}"),
            false => assert!(matches!(refused, Err(AccountError::Nameless)), "{refused:?}"),
        }
    }
    let active = town.accounts.activate(&person("checker"), &id).await.unwrap();
    assert_eq!(active.credentials[0].state, CredentialState::Active);
    let again = town.accounts.activate(&person("checker"), &id).await;
    assert!(matches!(again, Err(AccountError::State(_))), "{again:?}");
    let another = town.accounts.enter(&person("maker"), &id, fields("JALANDHAR", "key 2")).await;
    assert!(matches!(another, Err(AccountError::OtherMerchant)), "{another:?}");
    let query = AuditQuery { limit: 100, ..AuditQuery::default() };
    let entries = town.world.store.audit_entries(&query).await;
    let texts: Vec<String> = entries.unwrap().into_iter().map(|entry| entry.entry).collect();
    for action in ["account.added", "credential.entered", "credential.verified", "credential.activated"] {
        assert_eq!(texts.iter().filter(|text| text.contains(action)).count(), 1, "{action}: {texts:#?}");
    }
}

#[tokio::test]
async fn an_admin_of_another_tenant_finds_no_account() {
    let town = town();
    let id = town.added("pb.amritsar", None).await;
    let stranger = AccountActor::Principal(Principal {
        uuid: "stranger".to_owned(),
        role: Role::Admin,
        tenant: TenantId::new("mh").unwrap(),
        address: None,
    });
    for refused in [
        town.accounts.enter(&stranger, &id, fields("AMRITSAR", "key")).await,
        town.accounts.retire(&stranger, &id, None, false).await,
    ] {
        assert!(matches!(refused, Err(AccountError::NotFound)), "{refused:?}");
    }
}

#[tokio::test]
async fn a_retired_account_takes_no_new_payments_and_answers_for_its_existing_ones() {
    let town = town();
    let id = town.active("pb.amritsar", None, "AMRITSAR", "key").await;
    let txn = town.create(of("pb.amritsar", "PT", "B1")).await.unwrap();
    town.accounts.retire(&person("maker"), &id, None, false).await.unwrap();
    town.provider.pay(&txn.id);
    assert_eq!(town.settle(&txn.id).await.0.status.name(), StatusName::Success);
    let next = town.create(of("pb.amritsar", "PT", "B2")).await.unwrap();
    assert_eq!(town.provider.merchant_of(&next.id).as_deref(), Some("STATE"));
    let leaked = town.accounts.retire(&person("maker"), &id, Some(1), true).await.unwrap();
    assert_eq!(leaked.credentials[0].state, CredentialState::Wiped);
    let refused = town.call_back(&txn.id, "key").await;
    assert!(refused.is_err(), "{refused:?}");
}

#[tokio::test]
async fn a_retired_account_keeps_no_secret_that_was_never_active_and_takes_no_other() {
    let town = town();
    let id = town.active("pb.amritsar", None, "AMRITSAR", "key").await;
    town.enter(&id, "AMRITSAR", "key 2").await;
    town.accounts.verify(&person("maker"), &id, None).await.unwrap();
    let retired = town.accounts.retire(&person("maker"), &id, None, false).await.unwrap();
    let kept: Vec<_> = retired.credentials.iter().map(|it| (it.state, it.sealed.is_some())).collect();
    assert_eq!(kept, [(CredentialState::Retired, true), (CredentialState::Wiped, false)]);
    let entered = town.accounts.enter(&person("maker"), &id, fields("AMRITSAR", "key 3")).await;
    let verified = town.accounts.verify(&person("maker"), &id, None).await;
    let activated = town.accounts.activate(&person("checker"), &id).await;
    for refused in [entered, verified, activated] {
        assert!(matches!(&refused, Err(AccountError::State(AccountObstacle::Retired))), "{refused:?}");
    }
    let query = AuditQuery { limit: 100, ..AuditQuery::default() };
    let entries = town.world.store.audit_entries(&query).await.unwrap();
    assert_eq!(entries.iter().filter(|entry| entry.entry.contains("credential.wiped")).count(), 1);
}

#[tokio::test]
async fn the_database_holds_no_secret_in_the_clear() {
    let town = town();
    let id = town.active("pb.amritsar", None, "AMRITSAR", SECRET).await;
    town.rotate_to(&id, "AMRITSAR", &format!("{SECRET} of the second version")).await;
    let txn = town.create(of("pb.amritsar", "PT", "B1")).await.unwrap();
    town.provider.pay(&txn.id);
    town.settle(&txn.id).await;
    let kek = "11".repeat(32);
    let dump = town.world.database.dump().await;
    assert!(contains(&dump, b"AMRITSAR"), "what is no secret is found");
    let hex: String = SECRET.bytes().map(|byte| format!("{byte:02x}")).collect();
    for secret in [SECRET, &hex, &kek, "\u{11}".repeat(32).as_str()] {
        assert!(!contains(&dump, secret.as_bytes()), "{secret}");
    }
    for account in town.accounts.list(None).await.unwrap() {
        let shown = serde_json::to_string(&payment_service::AccountView::of(&account, &[])).unwrap();
        assert!(!shown.contains(SECRET) && shown.contains("…4B5A"), "{shown}");
    }
}

fn contains(bytes: &[u8], wanted: &[u8]) -> bool {
    bytes.windows(wanted.len()).any(|window| window == wanted)
}

#[tokio::test]
async fn the_key_encryption_key_is_replaced_under_load() {
    let town = town();
    for tenant in ["pb.amritsar", "pb.jalandhar", "pb.nabha"] {
        town.active(tenant, None, tenant, &format!("key of {tenant}")).await;
    }
    let both = Keyring { current: key("k2", "22"), previous: key("k1", "11") };
    let replica = replica(world_beside(&town.world), &town.provider, both, "STATE");
    replica.accounts.directory.refresh().await.unwrap();
    let load = async {
        for number in 0..15 {
            for town in [&town, &replica] {
                let bill = format!("B{number}-{:p}", std::ptr::from_ref(town));
                let txn = town.create(of("pb.nabha", "PT", &bill)).await.unwrap();
                assert!(town.call_back(&txn.id, "key of pb.nabha").await.is_ok());
            }
        }
    };
    let actor = command_line();
    let ((), rotated) = tokio::join!(load, replica.accounts.rotate_keys(&actor));
    assert_eq!(rotated.unwrap(), 3);
    assert_eq!(replica.accounts.rotate_keys(&command_line()).await.unwrap(), 0);
    // The replica with the old key alone has the credentials open, and goes on until it is restarted.
    town.accounts.directory.refresh().await.unwrap();
    assert_eq!(town.accounts.directory.troubles(), []);
    town.create(of("pb.nabha", "PT", "after")).await.unwrap();
    let new = Keyring { current: key("k2", "22"), previous: None };
    let restarted = super::replica(world_beside(&town.world), &town.provider, new, "STATE");
    restarted.accounts.directory.refresh().await.unwrap();
    assert_eq!(restarted.accounts.directory.troubles(), []);
    restarted.create(of("pb.nabha", "PT", "restarted")).await.unwrap();
}
