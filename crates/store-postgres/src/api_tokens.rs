//! Personal API tokens and their holders.

use async_trait::async_trait;
use payment_domain::{AuditEntry, Personal, Timestamp};
use payment_store::{
    ApiToken, ApiTokenQuery, ApiTokens, HolderKind, Issued, NewApiToken, Revocation, Revoked, StoreError,
    TokenHolder, TokenReach, USE_NOTED_EVERY, grants,
};
use tokio_postgres::Row;

use crate::PostgresStore;
use crate::audit::commit_with_audit;
use crate::connections::Values;
use crate::failure::Failure;
use crate::parameters::storable;
use crate::rows::{self, Columns};

const SELECT: &str = "
    SELECT t.token_id, t.label, t.uuid, h.name, h.kind, t.issued_at, t.issued_by, t.expires_at,
        t.last_used_at, t.revoked_at, t.revoked_by,
        (SELECT json_agg(json_build_array(g.tenant_id, g.role) ORDER BY g.tenant_id, g.role COLLATE \"C\")::text
         FROM eg_pg_api_token_grants AS g WHERE g.token_id = t.token_id) AS grants
    FROM eg_pg_api_tokens AS t JOIN eg_pg_api_holders AS h ON h.uuid = t.uuid";

/// The tokens within reach: $1 is NULL for all, else the tenants, and $2 the caller.
const REACHED: &str = "($1::text[] IS NULL OR t.uuid = $2::text OR NOT EXISTS (
    SELECT 1 FROM eg_pg_api_token_grants AS g WHERE g.token_id = t.token_id AND NOT EXISTS (
        SELECT 1 FROM unnest($1::text[]) AS root
        WHERE g.tenant_id = root OR starts_with(g.tenant_id, root || '.'))))";

/// The values of [`REACHED`].
fn reached(reach: &TokenReach) -> (Option<Vec<&str>>, &str) {
    match reach {
        TokenReach::All => (None, ""),
        TokenReach::Of { uuid } => (Some(Vec::new()), uuid),
        TokenReach::Within { scopes, own_uuid } => {
            (Some(scopes.iter().map(|scope| scope.root.as_str()).collect()), own_uuid)
        }
    }
}

#[async_trait]
impl ApiTokens for PostgresStore {
    async fn issue_api_token(&self, new: NewApiToken) -> Result<Issued, StoreError> {
        const HOLD: &str = "
            INSERT INTO eg_pg_api_holders (uuid, name, name_key, kind) VALUES ($1, $2, $3, $4)
            ON CONFLICT DO NOTHING";
        const HOLDER: &str = "SELECT name_key, kind FROM eg_pg_api_holders WHERE uuid = $1";
        const ISSUE: &str = "
            INSERT INTO eg_pg_api_tokens (token_id, digest, label, uuid, issued_at, issued_by, expires_at)
            VALUES ($1, $2, $3, $4, $5, $6, $7)";
        const GRANT: &str = "
            INSERT INTO eg_pg_api_token_grants (token_id, tenant_id, role)
            SELECT DISTINCT $1::text, g.tenant_id, g.role
            FROM unnest($2::text[], $3::text[]) AS g (tenant_id, role)";
        let TokenHolder { uuid, name, kind } = &new.holder;
        let key = new.holder.name_key();
        let (uuid, name, key) = (storable(uuid), storable(name.expose()), storable(&key));
        let transaction = self.db.begin().await?;
        transaction.rows(HOLD, &[&uuid, &name, &key, &kind.as_str()]).await?;
        let known = transaction.rows(HOLDER, &[&uuid]).await?;
        let refusal = match known.first() {
            None => Some(Issued::NameTaken),
            Some(row) => {
                let known: (&str, &str) =
                    (row.try_get(0).map_err(Failure::from)?, row.try_get(1).map_err(Failure::from)?);
                (known != (&*key, kind.as_str())).then_some(Issued::UuidTaken)
            }
        };
        if let Some(refusal) = refusal {
            transaction.roll_back().await;
            return Ok(refusal);
        }
        let values: Values<'_> = &[
            &storable(&new.id),
            &new.digest.as_slice(),
            &storable(&new.label),
            &uuid,
            &new.issued_at.as_millis(),
            &storable(&new.issued_by),
            &new.expires_at.as_millis(),
        ];
        transaction.rows(ISSUE, values).await?;
        let tenants: Vec<&str> = new.grants.iter().map(|grant| grant.tenant.as_str()).collect();
        let roles: Vec<&str> = new.grants.iter().map(|grant| grant.role.code()).collect();
        transaction.rows(GRANT, &[&storable(&new.id), &tenants, &roles]).await?;
        commit_with_audit(transaction, Vec::new(), &new.audit).await?;
        Ok(Issued::Now)
    }

    async fn api_token(&self, digest: &[u8; 32]) -> Result<Option<ApiToken>, StoreError> {
        let found = self.db.ask(&format!("{SELECT} WHERE t.digest = $1"), &[&digest.as_slice()]).await?;
        Ok(found.first().map(read).transpose()?)
    }

    async fn api_tokens(&self, query: &ApiTokenQuery) -> Result<Vec<ApiToken>, StoreError> {
        let (roots, uuid) = reached(&query.reach);
        let sql = format!(
            "{SELECT} WHERE {REACHED}
                AND ($3::bigint IS NULL OR (t.revoked_at IS NULL AND t.expires_at > $3))
            ORDER BY t.issued_at DESC, t.token_id DESC LIMIT $4"
        );
        let valid_at = query.valid_at.map(Timestamp::as_millis);
        let found = self.db.planned(&sql, &[&roots, &uuid, &valid_at, &i64::from(query.limit)]).await?;
        Ok(rows::all(&found, read)?)
    }

    async fn note_api_token_use(&self, id: &str, at: Timestamp) -> Result<(), StoreError> {
        const NOTE: &str = "
            UPDATE eg_pg_api_tokens SET last_used_at = $2
            WHERE token_id = $1 AND (last_used_at IS NULL OR last_used_at <= $3)";
        let before = at.minus(USE_NOTED_EVERY).as_millis();
        self.db.repeatable(NOTE, &[&storable(id), &at.as_millis(), &before]).await?;
        Ok(())
    }

    async fn revoke_api_token(
        &self,
        id: &str,
        reach: &TokenReach,
        revocation: Revocation,
        audit: Vec<AuditEntry>,
    ) -> Result<Revoked, StoreError> {
        const REVOKE: &str = "
            UPDATE eg_pg_api_tokens SET revoked_at = $2, revoked_by = $3 WHERE token_id = $1";
        let (roots, uuid) = reached(reach);
        let find = format!("{SELECT} WHERE {REACHED} AND t.token_id = $3 FOR UPDATE OF t");
        let transaction = self.db.begin().await?;
        let found = transaction.rows(&find, &[&roots, &uuid, &storable(id)]).await?;
        let refusal = match found.first().map(read).transpose()? {
            None => Some(Revoked::NotFound),
            Some(token) => token.revocation.map(Revoked::Before),
        };
        if let Some(refusal) = refusal {
            transaction.roll_back().await;
            return Ok(refusal);
        }
        let by = storable(&revocation.by);
        transaction.rows(REVOKE, &[&storable(id), &revocation.at.as_millis(), &by]).await?;
        commit_with_audit(transaction, Vec::new(), &audit).await?;
        Ok(Revoked::Now)
    }
}

fn read(row: &Row) -> Result<ApiToken, Failure> {
    let columns = Columns::keyless(row, "eg_pg_api_tokens");
    let (id, label) = (columns.get("token_id")?, columns.get("label")?);
    let holder = TokenHolder {
        uuid: columns.get("uuid")?,
        name: Personal::new(columns.get::<String>("name")?),
        kind: columns.read("kind", HolderKind::from_word)?,
    };
    let (issued_at, issued_by) = (columns.moment("issued_at")?, columns.get("issued_by")?);
    let (expires_at, last_used_at) =
        (columns.moment("expires_at")?, columns.optional_moment("last_used_at")?);
    let (revoked_at, revoked_by) = (columns.optional_moment("revoked_at")?, columns.get("revoked_by")?);
    Ok(ApiToken {
        id,
        label,
        holder,
        grants: columns.read("grants", grants::from_text)?,
        issued_at,
        issued_by,
        expires_at,
        last_used_at,
        revocation: match (revoked_at, revoked_by) {
            (Some(at), Some(by)) => Some(Revocation { at, by }),
            (None, _) | (Some(_), None) => None,
        },
    })
}
