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
use tokio_postgres::Row;

use crate::PostgresStore;
use crate::audit::commit_with_audit;
use crate::connections::Transaction;
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
const REVISION: &str = "SELECT revision FROM eg_pg_merchant_account_revision";
/// The tenant $1 and those below it.
const WITHIN: &str = "(account.tenant_id = $1 OR starts_with(account.tenant_id, $1 || '.'))";

const ADD_ACCOUNT: &str = "
    INSERT INTO eg_pg_merchant_account (
        id, tenant_id, business_service, gateway, label, priority, state, bank_account_ref,
        merchant, created_by, created_at, modified_by, modified_at, version)
    VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14) ON CONFLICT (id) DO NOTHING
    RETURNING id";

const CHANGE_ACCOUNT: &str = "
    UPDATE eg_pg_merchant_account SET
        label = $5, priority = $6, state = $7, bank_account_ref = $8, merchant = $9,
        modified_by = $12, modified_at = $13, version = $14
    WHERE id = $1 AND tenant_id = $2 AND business_service IS NOT DISTINCT FROM $3 AND gateway = $4
        AND created_by = $10 AND created_at = $11 AND version = $14::bigint - 1
    RETURNING id";

const PUT_CREDENTIAL: &str = "
    INSERT INTO eg_pg_merchant_credential (
        account_id, version, state, options, hints, sealed, kek_id, fingerprint, created_by,
        created_at, entered_by, entered_at, verified_by, verified_at, approved_by, active_from,
        second_person, retired_by, active_until, wiped_at)
    VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19,
        $20)
    ON CONFLICT (account_id, version) DO UPDATE SET
        state = excluded.state, options = excluded.options, hints = excluded.hints,
        sealed = excluded.sealed, kek_id = excluded.kek_id, fingerprint = excluded.fingerprint,
        entered_by = excluded.entered_by, entered_at = excluded.entered_at,
        verified_by = excluded.verified_by, verified_at = excluded.verified_at,
        approved_by = excluded.approved_by, active_from = excluded.active_from,
        second_person = excluded.second_person, retired_by = excluded.retired_by,
        active_until = excluded.active_until, wiped_at = excluded.wiped_at";

#[async_trait]
impl MerchantAccounts for PostgresStore {
    async fn accounts_revision(&self) -> Result<u64, StoreError> {
        Ok(revision(&self.db.ask(REVISION, &[]).await?)?)
    }

    async fn merchant_accounts(&self) -> Result<StoredAccounts, StoreError> {
        let transaction = self.db.begin().await?;
        // Of one moment: changes wait for the row.
        let revision = revision(&transaction.rows(&format!("{REVISION} FOR SHARE"), &[]).await?)?;
        let accounts = transaction.rows(&format!("{SELECT_ACCOUNTS}{ORDER}"), &[]).await?;
        let credentials = transaction.rows(&format!("{SELECT_CREDENTIALS}{ORDER_CREDENTIALS}"), &[]).await?;
        transaction.roll_back().await;
        let accounts = joined(rows::all(&accounts, read_account)?, rows::all(&credentials, read_credential)?);
        Ok(StoredAccounts { revision, accounts })
    }

    async fn accounts_within(&self, scope: &TenantScope) -> Result<Vec<StoredAccount>, StoreError> {
        Ok(self.found(&format!("WHERE {WITHIN}"), &[&scope.root]).await?)
    }

    async fn account(
        &self,
        id: &AccountId,
        scope: &TenantScope,
    ) -> Result<Option<StoredAccount>, StoreError> {
        let of_one = format!("WHERE {WITHIN} AND account.id = $2");
        Ok(self.found(&of_one, &[&scope.root, &id.as_str()]).await?.pop())
    }

    async fn add_account(&self, new: NewAccount) -> Result<AccountStored, StoreError> {
        let NewAccount { account, credential, audit } = new;
        let change = AccountChange { account, credentials: vec![credential], audit };
        Ok(self.store_account(ADD_ACCOUNT, &change).await?)
    }

    async fn change_account(&self, change: AccountChange) -> Result<AccountStored, StoreError> {
        Ok(self.store_account(CHANGE_ACCOUNT, &change).await?)
    }
}

impl PostgresStore {
    async fn found(
        &self,
        condition: &str,
        values: crate::connections::Values<'_>,
    ) -> Result<Vec<StoredAccount>, Failure> {
        let accounts = self.db.ask(&format!("{SELECT_ACCOUNTS} {condition}{ORDER}"), values).await?;
        let of_these = format!(
            "{SELECT_CREDENTIALS} JOIN eg_pg_merchant_account AS account ON account.id = credential.account_id
            {condition}{ORDER_CREDENTIALS}"
        );
        let credentials = self.db.ask(&of_these, values).await?;
        Ok(joined(rows::all(&accounts, read_account)?, rows::all(&credentials, read_credential)?))
    }

    async fn store_account(&self, sql: &str, change: &AccountChange) -> Result<AccountStored, Failure> {
        const GROW: &str = "UPDATE eg_pg_merchant_account_revision SET revision = revision + 1";
        let transaction = self.db.begin().await?;
        transaction.rows(GROW, &[]).await?;
        if !put_account(&transaction, sql, &change.account).await? {
            transaction.roll_back().await;
            return Ok(AccountStored::Stale);
        }
        for credential in &change.credentials {
            put_credential(&transaction, credential).await?;
        }
        commit_with_audit(transaction, Vec::new(), &change.audit).await?;
        Ok(AccountStored::Stored)
    }
}

async fn put_account(
    transaction: &Transaction,
    sql: &str,
    account: &MerchantAccount,
) -> Result<bool, Failure> {
    let (priority, version) = (i64::from(account.priority), i64::from(account.version));
    let merchant = account.merchant.as_ref().map(MerchantDigest::as_str);
    let stored = transaction
        .rows(
            sql,
            &[
                &account.id.as_str(),
                &account.tenant_id.as_str(),
                &account.business_service,
                &account.gateway.as_str(),
                &account.label,
                &priority,
                &account.state.as_str(),
                &account.bank_account_ref,
                &merchant,
                &account.created_by,
                &account.created_at.as_millis(),
                &account.modified_by,
                &account.modified_at.as_millis(),
                &version,
            ],
        )
        .await?;
    Ok(!stored.is_empty())
}

async fn put_credential(transaction: &Transaction, credential: &MerchantCredential) -> Result<(), Failure> {
    let MerchantCredential { entered, verified, approved, retired, sealed, .. } = credential;
    let texts = |texts| serde_json::to_string(texts).map_err(|_| Failure::Unwritable);
    transaction
        .rows(
            PUT_CREDENTIAL,
            &[
                &credential.account.as_str(),
                &i64::from(credential.version),
                &credential.state.as_str(),
                &texts(&credential.options)?,
                &texts(&credential.hints)?,
                &sealed.as_ref().map(accounts::sealed_text),
                &sealed.as_ref().map(|sealed| sealed.kek_id.as_str()),
                &credential.fingerprint,
                &credential.created_by,
                &credential.created_at.as_millis(),
                &by(entered.as_ref()),
                &at(entered.as_ref()),
                &by(verified.as_ref()),
                &at(verified.as_ref()),
                &by(approved.as_ref()),
                &at(approved.as_ref()),
                &credential.second_person,
                &by(retired.as_ref()),
                &at(retired.as_ref()),
                &credential.wiped_at.map(Timestamp::as_millis),
            ],
        )
        .await?;
    Ok(())
}

fn revision(found: &[Row]) -> Result<u64, Failure> {
    let revision: Option<i64> = rows::first(found)?;
    Ok(revision.and_then(|revision| u64::try_from(revision).ok()).unwrap_or_default())
}

fn read_account(row: &Row) -> Result<MerchantAccount, Failure> {
    let columns = Columns::keyless(row, "eg_pg_merchant_account");
    Ok(MerchantAccount {
        id: columns.read("id", |id| AccountId::new(id).ok())?,
        tenant_id: columns.read("tenant_id", |tenant| TenantId::new(tenant).ok())?,
        business_service: columns.get("business_service")?,
        gateway: columns.gateway("gateway")?,
        label: columns.get("label")?,
        priority: columns.number("priority")?,
        state: columns.read("state", AccountState::from_word)?,
        bank_account_ref: columns.get("bank_account_ref")?,
        merchant: columns.read_optional("merchant", MerchantDigest::stored)?,
        created_by: columns.get("created_by")?,
        created_at: columns.moment("created_at")?,
        modified_by: columns.get("modified_by")?,
        modified_at: columns.moment("modified_at")?,
        version: columns.number("version")?,
    })
}

fn read_credential(row: &Row) -> Result<MerchantCredential, Failure> {
    let columns = Columns::keyless(row, "eg_pg_merchant_credential");
    let signed = |by: Option<String>, at: Option<Timestamp>| Some(Signed { by: by?, at: at? });
    Ok(MerchantCredential {
        account: columns.read("account_id", |id| AccountId::new(id).ok())?,
        version: columns.number("version")?,
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
