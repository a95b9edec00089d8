//! Merchant accounts and their credentials.

use async_trait::async_trait;
use payment_domain::{
    AccountId, AccountState, CredentialState, MerchantAccount, MerchantCredential, MerchantDigest, Signed,
    TenantId, Timestamp,
};
use payment_store::accounts::{self, joined};
use payment_store::{
    AccountChange, AccountStored, MerchantAccounts, NewAccount, StoreError, StoredAccount, StoredAccounts,
    TenantScope,
};
use rusqlite::{Connection, Params, Row, params};

use crate::SqliteStore;
use crate::audit::append_audit;
use crate::failure::Failure;
use crate::rows::{self, Columns};

const SELECT_ACCOUNTS: &str = "
    SELECT account.id, account.tenant_id, account.business_service, account.gateway,
        account.label, account.priority, account.state, account.bank_account_ref,
        account.merchant, account.created_by, account.created_at, account.modified_by,
        account.modified_at, account.version
    FROM eg_pg_merchant_account AS account";

const SELECT_CREDENTIALS: &str = "
    SELECT credential.account_id, credential.version, credential.state, credential.options,
        credential.hints, credential.sealed, credential.kek_id, credential.fingerprint,
        credential.created_by, credential.created_at, credential.entered_by,
        credential.entered_at, credential.verified_by, credential.verified_at,
        credential.approved_by, credential.active_from, credential.second_person,
        credential.retired_by, credential.active_until, credential.wiped_at
    FROM eg_pg_merchant_credential AS credential";

const ORDER: &str = " ORDER BY account.tenant_id, account.gateway, account.priority, account.id";
const ORDER_CREDENTIALS: &str = " ORDER BY credential.account_id, credential.version";
/// The tenant ?1 and those below it.
const WITHIN: &str = "(account.tenant_id = ?1 OR substr(account.tenant_id, 1, length(?1) + 1) = ?1 || '.')";

const ADD_ACCOUNT: &str = "
    INSERT INTO eg_pg_merchant_account (
        id, tenant_id, business_service, gateway, label, priority, state, bank_account_ref,
        merchant, created_by, created_at, modified_by, modified_at, version)
    VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14) ON CONFLICT (id) DO NOTHING";

const CHANGE_ACCOUNT: &str = "
    UPDATE eg_pg_merchant_account SET
        label = ?5, priority = ?6, state = ?7, bank_account_ref = ?8, merchant = ?9,
        modified_by = ?12, modified_at = ?13, version = ?14
    WHERE id = ?1 AND tenant_id = ?2 AND business_service IS  ?3 AND gateway = ?4
        AND created_by = ?10 AND created_at = ?11 AND version = ?14 - 1";

const PUT_CREDENTIAL: &str = "
    INSERT INTO eg_pg_merchant_credential (
        account_id, version, state, options, hints, sealed, kek_id, fingerprint, created_by,
        created_at, entered_by, entered_at, verified_by, verified_at, approved_by, active_from,
        second_person, retired_by, active_until, wiped_at)
    VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17, ?18, ?19,
        ?20)
    ON CONFLICT (account_id, version) DO UPDATE SET
        state = excluded.state, options = excluded.options, hints = excluded.hints,
        sealed = excluded.sealed, kek_id = excluded.kek_id, fingerprint = excluded.fingerprint,
        entered_by = excluded.entered_by, entered_at = excluded.entered_at,
        verified_by = excluded.verified_by, verified_at = excluded.verified_at,
        approved_by = excluded.approved_by, active_from = excluded.active_from,
        second_person = excluded.second_person, retired_by = excluded.retired_by,
        active_until = excluded.active_until, wiped_at = excluded.wiped_at";

#[async_trait]
impl MerchantAccounts for SqliteStore {
    async fn accounts_revision(&self) -> Result<u64, StoreError> {
        Ok(self.readers.read(revision).await?)
    }

    async fn merchant_accounts(&self) -> Result<StoredAccounts, StoreError> {
        let all = |conn: &Connection| {
            // Of one moment.
            let snapshot = conn.unchecked_transaction()?;
            let revision = revision(&snapshot)?;
            let accounts = found(&snapshot, "", [])?;
            Ok(StoredAccounts { revision, accounts })
        };
        Ok(self.readers.read(all).await?)
    }

    async fn accounts_within(&self, scope: &TenantScope) -> Result<Vec<StoredAccount>, StoreError> {
        let root = scope.root.clone();
        Ok(self.readers.read(move |conn| found(conn, &format!("WHERE {WITHIN}"), [root.as_str()])).await?)
    }

    async fn account(
        &self,
        id: &AccountId,
        scope: &TenantScope,
    ) -> Result<Option<StoredAccount>, StoreError> {
        let (id, root) = (id.clone(), scope.root.clone());
        let of_one = move |conn: &Connection| {
            let condition = format!("WHERE {WITHIN} AND account.id = ?2");
            Ok(found(conn, &condition, [root.as_str(), id.as_str()])?.pop())
        };
        Ok(self.readers.read(of_one).await?)
    }

    async fn add_account(&self, new: NewAccount) -> Result<AccountStored, StoreError> {
        let NewAccount { account, credential, audit } = new;
        let change = AccountChange { account, credentials: vec![credential], audit };
        Ok(self.writer.write(move |conn| store(conn, ADD_ACCOUNT, &change)).await?)
    }

    async fn change_account(&self, change: AccountChange) -> Result<AccountStored, StoreError> {
        Ok(self.writer.write(move |conn| store(conn, CHANGE_ACCOUNT, &change)).await?)
    }
}

fn revision(conn: &Connection) -> Result<u64, Failure> {
    let sql = "SELECT revision FROM eg_pg_merchant_account_revision";
    let revision: i64 = conn.prepare_cached(sql)?.query_row([], |row| row.get(0))?;
    u64::try_from(revision).map_err(|_| Failure::OutOfRange)
}

fn found(
    conn: &Connection,
    condition: &str,
    values: impl Params + Clone,
) -> Result<Vec<StoredAccount>, Failure> {
    let accounts = format!("{SELECT_ACCOUNTS} {condition}{ORDER}");
    let accounts = rows::all(conn, &accounts, values.clone(), read_account)?;
    let credentials = format!(
        "{SELECT_CREDENTIALS} JOIN eg_pg_merchant_account AS account ON account.id = credential.account_id
        {condition}{ORDER_CREDENTIALS}"
    );
    Ok(joined(accounts, rows::all(conn, &credentials, values, read_credential)?))
}

fn store(conn: &Connection, sql: &str, change: &AccountChange) -> Result<AccountStored, Failure> {
    if !put_account(conn, sql, &change.account)? {
        return Ok(AccountStored::Stale);
    }
    for credential in &change.credentials {
        put_credential(conn, credential)?;
    }
    conn.prepare_cached("UPDATE eg_pg_merchant_account_revision SET revision = revision + 1")?.execute([])?;
    append_audit(conn, &change.audit)?;
    Ok(AccountStored::Stored)
}

fn put_account(conn: &Connection, sql: &str, account: &MerchantAccount) -> Result<bool, Failure> {
    let stored = conn.prepare_cached(sql)?.execute(params![
        account.id.as_str(),
        account.tenant_id.as_str(),
        account.business_service,
        account.gateway.as_str(),
        account.label,
        account.priority,
        account.state.as_str(),
        account.bank_account_ref,
        account.merchant.as_ref().map(MerchantDigest::as_str),
        account.created_by,
        account.created_at.as_millis(),
        account.modified_by,
        account.modified_at.as_millis(),
        account.version,
    ])?;
    Ok(stored > 0)
}

fn put_credential(conn: &Connection, credential: &MerchantCredential) -> Result<(), Failure> {
    let MerchantCredential { entered, verified, approved, retired, sealed, .. } = credential;
    conn.prepare_cached(PUT_CREDENTIAL)?.execute(params![
        credential.account.as_str(),
        credential.version,
        credential.state.as_str(),
        serde_json::to_string(&credential.options)?,
        serde_json::to_string(&credential.hints)?,
        sealed.as_ref().map(accounts::sealed_text),
        sealed.as_ref().map(|sealed| sealed.kek_id.as_str()),
        credential.fingerprint,
        credential.created_by,
        credential.created_at.as_millis(),
        by(entered.as_ref()),
        at(entered.as_ref()),
        by(verified.as_ref()),
        at(verified.as_ref()),
        by(approved.as_ref()),
        at(approved.as_ref()),
        credential.second_person,
        by(retired.as_ref()),
        at(retired.as_ref()),
        credential.wiped_at.map(Timestamp::as_millis),
    ])?;
    Ok(())
}

fn read_account(row: &Row<'_>) -> Result<MerchantAccount, Failure> {
    let columns = Columns::without_owner(row, "eg_pg_merchant_account");
    Ok(MerchantAccount {
        id: columns.read("id", |id| AccountId::new(id).ok())?,
        tenant_id: columns.read("tenant_id", |tenant| TenantId::new(tenant).ok())?,
        business_service: columns.get("business_service")?,
        gateway: columns.gateway("gateway")?,
        label: columns.get("label")?,
        priority: columns.get("priority")?,
        state: columns.read("state", AccountState::from_word)?,
        bank_account_ref: columns.get("bank_account_ref")?,
        merchant: columns.read_optional("merchant", MerchantDigest::stored)?,
        created_by: columns.get("created_by")?,
        created_at: columns.moment("created_at")?,
        modified_by: columns.get("modified_by")?,
        modified_at: columns.moment("modified_at")?,
        version: columns.get("version")?,
    })
}

fn read_credential(row: &Row<'_>) -> Result<MerchantCredential, Failure> {
    let columns = Columns::without_owner(row, "eg_pg_merchant_credential");
    let signed = |by: Option<String>, at: Option<Timestamp>| Some(Signed { by: by?, at: at? });
    Ok(MerchantCredential {
        account: columns.read("account_id", |id| AccountId::new(id).ok())?,
        version: columns.get("version")?,
        state: columns.read("state", CredentialState::from_word)?,
        options: columns.read("options", accounts::read_texts)?,
        hints: columns.read("hints", accounts::read_texts)?,
        sealed: {
            let sealed: Option<String> = columns.get("sealed")?;
            let kek_id: Option<String> = columns.get("kek_id")?;
            let both = sealed.zip(kek_id);
            let read = both.map(|(sealed, kek_id)| accounts::read_sealed(&kek_id, &sealed));
            read.map(|read| read.ok_or_else(|| columns.unreadable("sealed"))).transpose()?
        },
        fingerprint: columns.get("fingerprint")?,
        created_by: columns.get("created_by")?,
        created_at: columns.moment("created_at")?,
        entered: signed(columns.get("entered_by")?, columns.optional_moment("entered_at")?),
        verified: signed(columns.get("verified_by")?, columns.optional_moment("verified_at")?),
        approved: signed(columns.get("approved_by")?, columns.optional_moment("active_from")?),
        second_person: columns.get("second_person")?,
        retired: signed(columns.get("retired_by")?, columns.optional_moment("active_until")?),
        wiped_at: columns.optional_moment("wiped_at")?,
    })
}

fn by(signed: Option<&Signed>) -> Option<&str> {
    signed.map(|signed| signed.by.as_str())
}

fn at(signed: Option<&Signed>) -> Option<i64> {
    signed.map(|signed| signed.at.as_millis())
}
