//! Personal API tokens and their holders.

use async_trait::async_trait;
use payment_domain::{AuditEntry, Personal, Timestamp};
use payment_store::{
    ApiToken, ApiTokenQuery, ApiTokens, HolderKind, Issued, NewApiToken, Revocation, Revoked, StoreError,
    TokenHolder, TokenReach, USE_NOTED_EVERY, grants,
};
use rusqlite::{Connection, OptionalExtension, Row, params};
use serde_json::json;

use crate::SqliteStore;
use crate::audit::append_audit;
use crate::failure::Failure;
use crate::rows::{self, Columns};

const SELECT: &str = "
    SELECT t.token_id, t.label, t.uuid, h.name, h.kind, t.issued_at, t.issued_by, t.expires_at,
        t.last_used_at, t.revoked_at, t.revoked_by,
        (SELECT json_group_array(json_array(g.tenant_id, g.role) ORDER BY g.tenant_id, g.role)
         FROM eg_pg_api_token_grants AS g WHERE g.token_id = t.token_id) AS grants
    FROM eg_pg_api_tokens AS t JOIN eg_pg_api_holders AS h ON h.uuid = t.uuid";

/// The tokens within reach: ?1 is NULL for all, else the tenants as JSON, and ?2 the caller.
const REACHED: &str = "(?1 IS NULL OR t.uuid = ?2 OR NOT EXISTS (
    SELECT 1 FROM eg_pg_api_token_grants AS g WHERE g.token_id = t.token_id AND NOT EXISTS (
        SELECT 1 FROM json_each(?1) AS root WHERE g.tenant_id = root.value
            OR substr(g.tenant_id, 1, length(root.value) + 1) = root.value || '.')))";

/// The values of [`REACHED`].
fn reached(reach: &TokenReach) -> (Option<String>, String) {
    match reach {
        TokenReach::All => (None, String::new()),
        TokenReach::Of { uuid } => (Some("[]".to_owned()), uuid.clone()),
        TokenReach::Within { scopes, own_uuid } => {
            let roots: Vec<&str> = scopes.iter().map(|scope| scope.root.as_str()).collect();
            (Some(json!(roots).to_string()), own_uuid.clone())
        }
    }
}

#[async_trait]
impl ApiTokens for SqliteStore {
    async fn issue_api_token(&self, new: NewApiToken) -> Result<Issued, StoreError> {
        Ok(self.writer.write(move |conn| issue(conn, &new)).await?)
    }

    async fn api_token(&self, digest: &[u8; 32]) -> Result<Option<ApiToken>, StoreError> {
        let digest = *digest;
        let find = move |conn: &Connection| {
            Ok(rows::all(conn, &format!("{SELECT} WHERE t.digest = ?1"), [digest], read)?.pop())
        };
        Ok(self.readers.read(find).await?)
    }

    async fn api_tokens(&self, query: &ApiTokenQuery) -> Result<Vec<ApiToken>, StoreError> {
        let query = query.clone();
        let list = move |conn: &Connection| {
            let (roots, uuid) = reached(&query.reach);
            let sql = format!(
                "{SELECT} WHERE {REACHED} AND (?3 IS NULL OR (t.revoked_at IS NULL AND t.expires_at > ?3))
                 ORDER BY t.issued_at DESC, t.token_id DESC LIMIT ?4"
            );
            let valid_at = query.valid_at.map(Timestamp::as_millis);
            rows::all(conn, &sql, params![roots, uuid, valid_at, query.limit], read)
        };
        Ok(self.readers.read(list).await?)
    }

    async fn note_api_token_use(&self, id: &str, at: Timestamp) -> Result<(), StoreError> {
        let id = id.to_owned();
        let note = move |conn: &Connection| {
            conn.prepare_cached(
                "UPDATE eg_pg_api_tokens SET last_used_at = ?2
                 WHERE token_id = ?1 AND (last_used_at IS NULL OR last_used_at <= ?3)",
            )?
            .execute(params![id, at.as_millis(), at.minus(USE_NOTED_EVERY).as_millis()])?;
            Ok(())
        };
        Ok(self.writer.write(note).await?)
    }

    async fn revoke_api_token(
        &self,
        id: &str,
        reach: &TokenReach,
        revocation: Revocation,
        audit: Vec<AuditEntry>,
    ) -> Result<Revoked, StoreError> {
        let (id, reach) = (id.to_owned(), reach.clone());
        let revoke = move |conn: &Connection| {
            let (roots, uuid) = reached(&reach);
            let sql = format!("{SELECT} WHERE {REACHED} AND t.token_id = ?3");
            let Some(token) = rows::all(conn, &sql, params![roots, uuid, id], read)?.pop() else {
                return Ok(Revoked::NotFound);
            };
            if let Some(before) = token.revocation {
                return Ok(Revoked::Before(before));
            }
            conn.prepare_cached(
                "UPDATE eg_pg_api_tokens SET revoked_at = ?2, revoked_by = ?3 WHERE token_id = ?1",
            )?
            .execute(params![id, revocation.at.as_millis(), revocation.by])?;
            append_audit(conn, &audit)?;
            Ok(Revoked::Now)
        };
        Ok(self.writer.write(revoke).await?)
    }
}

fn issue(conn: &Connection, new: &NewApiToken) -> Result<Issued, Failure> {
    let TokenHolder { uuid, name, kind } = &new.holder;
    let key = new.holder.name_key();
    conn.prepare_cached(
        "INSERT INTO eg_pg_api_holders (uuid, name, name_key, kind) VALUES (?1, ?2, ?3, ?4)
         ON CONFLICT DO NOTHING",
    )?
    .execute(params![uuid, name.expose(), key, kind.as_str()])?;
    let mut holder = conn.prepare_cached("SELECT name_key, kind FROM eg_pg_api_holders WHERE uuid = ?1")?;
    let holder: Option<(String, String)> =
        holder.query_row([uuid], |row| Ok((row.get(0)?, row.get(1)?))).optional()?;
    match holder {
        None => return Ok(Issued::NameTaken),
        Some((known, word)) if known != key || word != kind.as_str() => return Ok(Issued::UuidTaken),
        Some(_) => {}
    }
    conn.prepare_cached(
        "INSERT INTO eg_pg_api_tokens (token_id, digest, label, uuid, issued_at, issued_by, expires_at)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
    )?
    .execute(params![
        new.id,
        new.digest,
        new.label,
        uuid,
        new.issued_at.as_millis(),
        new.issued_by,
        new.expires_at.as_millis(),
    ])?;
    for grant in &new.grants {
        conn.prepare_cached(
            "INSERT INTO eg_pg_api_token_grants (token_id, tenant_id, role) VALUES (?1, ?2, ?3)
             ON CONFLICT DO NOTHING",
        )?
        .execute(params![new.id, grant.tenant.as_str(), grant.role.code()])?;
    }
    append_audit(conn, &new.audit)?;
    Ok(Issued::Now)
}

fn read(row: &Row<'_>) -> Result<ApiToken, Failure> {
    let (columns, id) = Columns::of_token(row, "eg_pg_api_tokens")?;
    let label = columns.get("label")?;
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
