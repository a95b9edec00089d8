//! Sessions of the console, and the links by which they begin.

use async_trait::async_trait;
use payment_domain::{AuditEntry, Personal, Timestamp};
use payment_store::{
    LoginLink, LoginMethod, NewLoginLink, NewSession, SESSION_KEPT, SESSION_NOTED_EVERY, Session,
    SessionBegun, SessionEnd, SessionHolder, Sessions, StoreError, grants,
};
use rusqlite::{Connection, Row, params};

use crate::SqliteStore;
use crate::audit::append_audit;
use crate::failure::Failure;
use crate::rows::{self, Columns};

const SELECT: &str = "
    SELECT session_id, method, uuid, name, grants, address, started_at, used_at, expires_at, sealed,
        ended_at, ended_by
    FROM eg_pg_console_sessions";

#[async_trait]
impl Sessions for SqliteStore {
    async fn store_login_link(&self, new: NewLoginLink) -> Result<(), StoreError> {
        let store = move |conn: &Connection| {
            conn.prepare_cached(
                "INSERT INTO eg_pg_console_links (digest, uuid, name, grants, issued_at, expires_at)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
            )?
            .execute(params![
                new.digest,
                new.holder.uuid,
                new.holder.name.expose(),
                grants::to_text(&new.holder.grants),
                new.issued_at.as_millis(),
                new.expires_at.as_millis(),
            ])?;
            append_audit(conn, &new.audit)
        };
        Ok(self.writer.write(store).await?)
    }

    async fn login_link(&self, digest: &[u8; 32], now: Timestamp) -> Result<Option<LoginLink>, StoreError> {
        let digest = *digest;
        let find = move |conn: &Connection| {
            let sql = "SELECT uuid, name, grants, expires_at FROM eg_pg_console_links
                WHERE digest = ?1 AND expires_at > ?2";
            Ok(rows::all(conn, sql, params![digest, now.as_millis()], |row| {
                let columns = Columns::without_owner(row, "eg_pg_console_links");
                Ok(LoginLink { holder: holder(&columns)?, expires_at: columns.moment("expires_at")? })
            })?
            .pop())
        };
        Ok(self.readers.read(find).await?)
    }

    async fn begin_session(&self, new: NewSession) -> Result<SessionBegun, StoreError> {
        Ok(self.writer.write(move |conn| begin(conn, &new)).await?)
    }

    async fn session(&self, digest: &[u8; 32]) -> Result<Option<Session>, StoreError> {
        let digest = *digest;
        let find = move |conn: &Connection| {
            Ok(rows::all(conn, &format!("{SELECT} WHERE digest = ?1"), [digest], read)?.pop())
        };
        Ok(self.readers.read(find).await?)
    }

    async fn note_session_use(&self, id: &str, at: Timestamp) -> Result<(), StoreError> {
        let id = id.to_owned();
        let note = move |conn: &Connection| {
            conn.prepare_cached(
                "UPDATE eg_pg_console_sessions SET used_at = ?2
                 WHERE session_id = ?1 AND used_at <= ?3 AND ended_at IS NULL",
            )?
            .execute(params![id, at.as_millis(), at.minus(SESSION_NOTED_EVERY).as_millis()])?;
            Ok(())
        };
        Ok(self.writer.write(note).await?)
    }

    async fn valid_sessions(
        &self,
        uuid: Option<&str>,
        now: Timestamp,
        limit: u32,
    ) -> Result<Vec<Session>, StoreError> {
        let uuid = uuid.map(str::to_owned);
        let list = move |conn: &Connection| {
            let sql = format!(
                "{SELECT} WHERE (?1 IS NULL OR uuid = ?1) AND expires_at > ?2 AND used_at > ?3
                     AND ended_at IS NULL
                 ORDER BY started_at DESC, session_id DESC LIMIT ?4"
            );
            let idle = now.minus(payment_store::SESSION_IDLE).as_millis();
            rows::all(conn, &sql, params![uuid, now.as_millis(), idle, limit], read)
        };
        Ok(self.readers.read(list).await?)
    }

    async fn end_session(
        &self,
        id: &str,
        uuid: Option<&str>,
        ended: SessionEnd,
        audit: Vec<AuditEntry>,
    ) -> Result<bool, StoreError> {
        let (id, uuid) = (id.to_owned(), uuid.map(str::to_owned));
        let end = move |conn: &Connection| {
            let changed = conn
                .prepare_cached(
                    "UPDATE eg_pg_console_sessions SET ended_at = ?3, ended_by = ?4, sealed = NULL
                     WHERE session_id = ?1 AND (?2 IS NULL OR uuid = ?2) AND ended_at IS NULL
                         AND expires_at > ?3 AND used_at > ?5",
                )?
                .execute(params![
                    id,
                    uuid,
                    ended.at.as_millis(),
                    ended.by,
                    ended.at.minus(payment_store::SESSION_IDLE).as_millis(),
                ])?;
            if changed > 0 {
                append_audit(conn, &audit)?;
            }
            Ok(changed > 0)
        };
        Ok(self.writer.write(end).await?)
    }
}

fn begin(conn: &Connection, new: &NewSession) -> Result<SessionBegun, Failure> {
    let now = new.started_at.as_millis();
    if let Some(link) = &new.link {
        let used = conn
            .prepare_cached("DELETE FROM eg_pg_console_links WHERE digest = ?1 AND expires_at > ?2")?
            .execute(params![link, now])?;
        if used == 0 {
            return Ok(SessionBegun::Spent);
        }
    }
    let kept = new.started_at.minus(SESSION_KEPT).as_millis();
    for over in [
        "DELETE FROM eg_pg_console_links WHERE expires_at < ?1",
        "DELETE FROM eg_pg_console_sessions WHERE session_id IN (
             SELECT session_id FROM eg_pg_console_sessions WHERE expires_at < ?1 LIMIT 1000)",
    ] {
        conn.prepare_cached(over)?.execute([kept])?;
    }
    let stored = conn
        .prepare_cached(
            "INSERT INTO eg_pg_console_sessions
                 (session_id, digest, method, uuid, name, grants, address, started_at, used_at, expires_at,
                  attempt, sealed)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?8, ?9, ?10, ?11)
             ON CONFLICT (attempt) WHERE attempt IS NOT NULL DO NOTHING",
        )?
        .execute(params![
            new.id,
            new.digest,
            new.method.as_str(),
            new.holder.uuid,
            new.holder.name.expose(),
            grants::to_text(&new.holder.grants),
            new.address,
            now,
            new.expires_at.as_millis(),
            new.attempt,
            new.sealed,
        ])?;
    if stored == 0 {
        return Ok(SessionBegun::Spent);
    }
    append_audit(conn, &new.audit)?;
    Ok(SessionBegun::Stored)
}

fn holder(columns: &Columns<'_, '_>) -> Result<SessionHolder, Failure> {
    Ok(SessionHolder {
        uuid: columns.get("uuid")?,
        name: Personal::new(columns.get::<String>("name")?),
        grants: columns.read("grants", grants::from_text)?,
    })
}

fn read(row: &Row<'_>) -> Result<Session, Failure> {
    let columns = Columns::without_owner(row, "eg_pg_console_sessions");
    let (id, method) = (columns.get("session_id")?, columns.read("method", LoginMethod::from_word)?);
    let (holder, address) = (holder(&columns)?, columns.get("address")?);
    let (started_at, used_at) = (columns.moment("started_at")?, columns.moment("used_at")?);
    let (expires_at, sealed) = (columns.moment("expires_at")?, columns.get("sealed")?);
    let (ended_at, ended_by) = (columns.optional_moment("ended_at")?, columns.get("ended_by")?);
    Ok(Session {
        id,
        method,
        holder,
        address,
        started_at,
        used_at,
        expires_at,
        sealed,
        ended: match (ended_at, ended_by) {
            (Some(at), Some(by)) => Some(SessionEnd { at, by }),
            (None, _) | (Some(_), None) => None,
        },
    })
}
