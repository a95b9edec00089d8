//! Merchant accounts: changed whole, one credential active, and the payments that name them.

use std::collections::BTreeMap;
use std::sync::Arc;

use futures_util::future::join_all;
use payment_domain::{
    AccountId, AccountRef, AccountState, AuditAction, AuditActor, AuditEntry, CredentialState, GatewayName,
    MerchantAccount, MerchantCredential, MerchantDigest, Personal, SealedFields, Signed, TenantId,
};
use serde_json::Map;

use super::Promise;
use super::sample::{self, at, txn_id};
use crate::{
    AccountChange, AccountStored, Created, NewAccount, Store, StoreError, StoredAccount, TenantScope,
};

pub(super) fn promises() -> Vec<Promise> {
    vec![
        Promise::of(an_account_is_read_back_as_it_was_stored),
        Promise::of(every_change_of_an_account_grows_the_revision),
        Promise::of(of_changes_at_once_of_an_account_one_is_stored_with_its_audit_entry),
        Promise::of(one_credential_of_an_account_is_active),
        Promise::of(an_account_under_two_person_rule_is_not_activated_by_the_person_who_entered_it),
        Promise::of(a_change_that_fails_leaves_nothing_behind),
        Promise::of(accounts_are_found_within_their_tenants_alone),
        Promise::of(a_payment_keeps_the_account_it_was_created_with),
    ]
}

fn account(id: &str, tenant: &str) -> MerchantAccount {
    MerchantAccount {
        id: AccountId::new(id).unwrap(),
        tenant_id: TenantId::new(tenant).unwrap(),
        business_service: Some("PT".to_owned()),
        gateway: GatewayName::new("PAYTM"),
        label: "Amritsar, property tax".to_owned(),
        priority: 7,
        state: AccountState::Open,
        bank_account_ref: Some("SBI …1234".to_owned()),
        merchant: None,
        created_by: "admin-1".to_owned(),
        created_at: at(1),
        modified_by: "admin-1".to_owned(),
        modified_at: at(1),
        version: 1,
    }
}

fn credential(account: &str, version: u32, state: CredentialState) -> MerchantCredential {
    let signed = |by: &str, ms| Some(Signed { by: by.to_owned(), at: at(ms) });
    let texts = |value: &str| BTreeMap::from([("paytm.merchant.id".to_owned(), value.to_owned())]);
    let is_sealed = !matches!(state, CredentialState::Created | CredentialState::Wiped);
    MerchantCredential {
        account: AccountId::new(account).unwrap(),
        version,
        state,
        options: texts("MERCHANT'1"),
        hints: texts("नमस्"),
        sealed: is_sealed.then(|| SealedFields {
            kek_id: "k1".to_owned(),
            wrapped_key: vec![0, 255, 1],
            fields: BTreeMap::from([("paytm.merchant.secret.key".to_owned(), vec![0, 1, 2, 254])]),
        }),
        fingerprint: is_sealed.then(|| "f00d".to_owned()),
        created_by: "admin-1".to_owned(),
        created_at: at(1),
        entered: signed("admin-1", 2),
        verified: signed("admin-1", 3),
        approved: None,
        second_person: true,
        retired: signed("admin-2", 5),
        wiped_at: Some(at(6)),
    }
}

fn audit(object_id: &str) -> Vec<AuditEntry> {
    vec![AuditEntry {
        at: at(1),
        actor: AuditActor::CommandLine { user: Personal::new("root") },
        action: AuditAction::AccountChanged,
        object_kind: "account",
        object_id: object_id.to_owned(),
        tenant: None,
        before: None,
        after: None,
        reason: None,
        details: Map::new(),
    }]
}

async fn added(store: &Arc<dyn Store>, id: &str, tenant: &str) -> MerchantAccount {
    let account = account(id, tenant);
    let credential = credential(id, 1, CredentialState::Created);
    let new = NewAccount { account: account.clone(), credential, audit: audit(id) };
    assert_eq!(store.add_account(new).await.unwrap(), AccountStored::Stored);
    account
}

fn change(account: &MerchantAccount, credentials: Vec<MerchantCredential>) -> AccountChange {
    let account = MerchantAccount { version: account.version + 1, ..account.clone() };
    AccountChange { audit: audit(account.id.as_str()), account, credentials }
}

async fn only(store: &Arc<dyn Store>) -> StoredAccount {
    let mut stored = store.merchant_accounts().await.unwrap().accounts;
    assert_eq!(stored.len(), 1);
    stored.remove(0)
}

async fn an_account_is_read_back_as_it_was_stored(store: Arc<dyn Store>) {
    let account = added(&store, "A1", "pb.amritsar").await;
    let of_one = |account, credentials| StoredAccount { account, credentials };
    let created = credential("A1", 1, CredentialState::Created);
    assert_eq!(only(&store).await, of_one(account.clone(), vec![created.clone()]));
    let again = NewAccount { account: account.clone(), credential: created.clone(), audit: Vec::new() };
    assert_eq!(store.add_account(again).await.unwrap(), AccountStored::Stale);
    let second = MerchantCredential { second_person: false, ..credential("A1", 2, CredentialState::Entered) };
    let bare = MerchantCredential {
        sealed: None,
        fingerprint: None,
        entered: None,
        verified: None,
        retired: None,
        wiped_at: None,
        ..created
    };
    let changed = MerchantAccount {
        label: "Another".to_owned(),
        priority: 9,
        state: AccountState::Retired,
        bank_account_ref: None,
        merchant: Some(MerchantDigest::new([7; 32])),
        modified_by: "admin-2".to_owned(),
        modified_at: at(9),
        ..account
    };
    let change = change(&changed, vec![bare.clone(), second.clone()]);
    let stored = change.account.clone();
    assert_eq!(store.change_account(change).await.unwrap(), AccountStored::Stored);
    assert_eq!(only(&store).await, of_one(stored, vec![bare, second]));
}

async fn every_change_of_an_account_grows_the_revision(store: Arc<dyn Store>) {
    let before = store.accounts_revision().await.unwrap();
    let account = added(&store, "A1", "pb").await;
    let after = store.accounts_revision().await.unwrap();
    assert!(after > before);
    store.change_account(change(&account, Vec::new())).await.unwrap();
    let last = store.accounts_revision().await.unwrap();
    assert!(last > after);
    assert_eq!(store.merchant_accounts().await.unwrap().revision, last);
}

async fn of_changes_at_once_of_an_account_one_is_stored_with_its_audit_entry(store: Arc<dyn Store>) {
    let account = added(&store, "A1", "pb").await;
    let before = store.audit_head().await.unwrap().end.number;
    let changes = (0..8).map(|_| store.change_account(change(&account, Vec::new())));
    let outcomes = join_all(changes).await;
    let stored = outcomes.iter().filter(|it| matches!(it, Ok(AccountStored::Stored))).count();
    assert_eq!(stored, 1, "{outcomes:?}");
    assert!(outcomes.iter().all(Result::is_ok), "{outcomes:?}");
    assert_eq!(store.audit_head().await.unwrap().end.number, before + 1);
    let moved = MerchantAccount { tenant_id: TenantId::new("mh").unwrap(), version: 2, ..account };
    assert_eq!(store.change_account(change(&moved, Vec::new())).await.unwrap(), AccountStored::Stale);
}

async fn one_credential_of_an_account_is_active(store: Arc<dyn Store>) {
    let account = added(&store, "A1", "pb").await;
    let first = change(&account, vec![credential("A1", 1, CredentialState::Active)]);
    store.change_account(first.clone()).await.unwrap();
    let second = credential("A1", 2, CredentialState::Active);
    let both = change(&first.account, vec![second.clone()]);
    assert!(matches!(store.change_account(both).await, Err(StoreError::Failed(_))));
    let retired = credential("A1", 1, CredentialState::Retired);
    let rotated = change(&first.account, vec![retired.clone(), second.clone()]);
    assert_eq!(store.change_account(rotated).await.unwrap(), AccountStored::Stored);
    assert_eq!(only(&store).await.credentials, [retired, second]);
}

async fn an_account_under_two_person_rule_is_not_activated_by_the_person_who_entered_it(
    store: Arc<dyn Store>,
) {
    let account = added(&store, "A1", "pb").await;
    let approved_by = |by: &str, second_person| MerchantCredential {
        approved: Some(Signed { by: by.to_owned(), at: at(4) }),
        second_person,
        ..credential("A1", 1, CredentialState::Active)
    };
    let by_one = change(&account, vec![approved_by("admin-1", true)]);
    assert!(matches!(store.change_account(by_one).await, Err(StoreError::Failed(_))));
    for (by, second_person) in [("admin-2", true), ("admin-1", false)] {
        let account = only(&store).await.account;
        let change = change(&account, vec![approved_by(by, second_person)]);
        assert_eq!(store.change_account(change).await.unwrap(), AccountStored::Stored);
    }
}

async fn a_change_that_fails_leaves_nothing_behind(store: Arc<dyn Store>) {
    let account = added(&store, "A1", "pb").await;
    let (before, log) = (store.merchant_accounts().await.unwrap(), store.audit_head().await.unwrap());
    let active = |version| credential("A1", version, CredentialState::Active);
    let failing = change(&account, vec![active(2), active(3)]);
    assert!(store.change_account(failing).await.is_err());
    assert_eq!(store.merchant_accounts().await.unwrap(), before);
    assert_eq!(store.audit_head().await.unwrap().end, log.end);
}

async fn accounts_are_found_within_their_tenants_alone(store: Arc<dyn Store>) {
    for (id, tenant) in [("A1", "pb.amritsar"), ("A2", "pb"), ("A3", "pbx"), ("A4", "pb.amritsar.east")] {
        added(&store, id, tenant).await;
    }
    let within = async |root: &str| -> Vec<String> {
        let found = store.accounts_within(&TenantScope { root: root.to_owned() }).await.unwrap();
        assert!(
            found.iter().all(|it| it.credentials.len() == 1 && it.credentials[0].account == it.account.id)
        );
        found.into_iter().map(|it| it.account.id.to_string()).collect()
    };
    assert_eq!(within("pb").await, ["A2", "A1", "A4"]);
    assert_eq!(within("pb.amritsar").await, ["A1", "A4"]);
    assert_eq!(within("p").await, [""; 0]);
    let one = async |id: &str, root: &str| {
        let (id, scope) = (AccountId::new(id).unwrap(), TenantScope { root: root.to_owned() });
        store.account(&id, &scope).await.unwrap().map(|found| found.account.id)
    };
    assert_eq!(one("A4", "pb").await, AccountId::new("A4").ok());
    assert_eq!(one("A3", "pb").await, None);
    assert_eq!(one("A2", "pb.amritsar").await, None);
}

async fn a_payment_keeps_the_account_it_was_created_with(store: Arc<dyn Store>) {
    let configured = AccountRef::Configured(MerchantDigest::new([3; 32]));
    let stored = AccountRef::Stored { id: AccountId::new("A1").unwrap(), version: 3 };
    for (number, account) in [Some(configured.clone()), Some(stored), None].into_iter().enumerate() {
        let (id, bill) = (format!("T{number}"), format!("B{number}"));
        let txn =
            payment_domain::Transaction { account: account.clone(), ..sample::transaction(&id, &[&bill]) };
        assert_eq!(store.create(sample::new(txn.clone())).await.unwrap(), Created::Stored);
        let found = store.transaction(&txn_id(&id)).await.unwrap().unwrap();
        assert_eq!(found, txn);
        let mut next = sample::change(&found);
        store.apply(next.clone()).await.unwrap();
        assert_eq!(store.transaction(&txn_id(&id)).await.unwrap().unwrap().account, account);
        next.txn.version += 1;
        next.txn.account = match account {
            Some(AccountRef::Stored { .. }) | None => Some(configured.clone()),
            Some(AccountRef::Configured(_)) => None,
        };
        assert!(matches!(store.apply(next).await, Err(StoreError::Failed(_))));
    }
}
