//! Sessions of the console, and the links by which they begin.

use async_trait::async_trait;
use payment_domain::{AuditEntry, Personal, Timestamp};
use payment_store::{
    LoginLink, LoginMethod, NewLoginLink, NewSession, SESSION_IDLE, SESSION_KEPT, SESSION_NOTED_EVERY,
    Session, SessionBegun, SessionEnd, SessionHolder, Sessions, StoreError, grants,
};
use tokio_postgres::Row;

use crate::PostgresStore;
use crate::audit::commit_with_audit;
use crate::connections::Values;
use crate::failure::Failure;
use crate::parameters::{at_least, storable};
use crate::rows::{self, Columns};

const SELECT: &str = "
    SELECT session_id, method, uuid, name, grants, address, started_at, used_at, expires_at, sealed,
        ended_at, ended_by
    FROM eg_pg_console_sessions";

#[async_trait]
impl Sessions for PostgresStore {
    async fn store_login_link(&self, new: NewLoginLink) -> Result<(), StoreError> {
        const STORE: &str = "
            INSERT INTO eg_pg_console_links (digest, uuid, name, grants, issued_at, expires_at)
            VALUES ($1, $2, $3, $4, $5, $6)";
        let values: Values<'_> = &[
            &new.digest.as_slice(),
            &storable(&new.holder.uuid),
            &storable(new.holder.name.expose()),
            &grants::to_text(&new.holder.grants),
            &new.issued_at.as_millis(),
            &new.expires_at.as_millis(),
        ];
        let transaction = self.db.begin().await?;
        transaction.rows(STORE, values).await?;
        Ok(commit_with_audit(transaction, Vec::new(), &new.audit).await?)
    }

    async fn login_link(&self, digest: &[u8; 32], now: Timestamp) -> Result<Option<LoginLink>, StoreError> {
        const FIND: &str = "
            SELECT uuid, name, grants, expires_at FROM eg_pg_console_links WHERE digest = $1 AND expires_at > $2";
        let found = self.db.ask(FIND, &[&digest.as_slice(), &now.as_millis()]).await?;
        let read = |row| -> Result<LoginLink, Failure> {
            let columns = Columns::keyless(row, "eg_pg_console_links");
            Ok(LoginLink { holder: holder(&columns)?, expires_at: columns.moment("expires_at")? })
        };
        Ok(found.first().map(read).transpose()?)
    }

    async fn begin_session(&self, new: NewSession) -> Result<SessionBegun, StoreError> {
        const USE_LINK: &str = "
            DELETE FROM eg_pg_console_links WHERE digest = $1 AND expires_at > $2 RETURNING uuid";
        const FORGET_LINKS: &str = "DELETE FROM eg_pg_console_links WHERE expires_at < $1";
        // In the order of the index: unordered it is looked for in the whole table.
        const FORGET_SESSIONS: &str = "
            DELETE FROM eg_pg_console_sessions WHERE session_id IN (
                SELECT session_id FROM eg_pg_console_sessions WHERE expires_at < $1 ORDER BY expires_at LIMIT 100
                FOR UPDATE SKIP LOCKED)";
        const BEGIN: &str = "
            INSERT INTO eg_pg_console_sessions
                (session_id, digest, method, uuid, name, grants, address, started_at, used_at, expires_at,
                 attempt, sealed)
            VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $8, $9, $10, $11)
            ON CONFLICT (attempt) WHERE attempt IS NOT NULL DO NOTHING RETURNING session_id";
        let now = new.started_at.as_millis();
        let transaction = self.db.begin().await?;
        if let Some(link) = &new.link
            && transaction.rows(USE_LINK, &[&link.as_slice(), &now]).await?.is_empty()
        {
            transaction.roll_back().await;
            return Ok(SessionBegun::Spent);
        }
        let kept = new.started_at.minus(SESSION_KEPT).as_millis();
        for over in [FORGET_LINKS, FORGET_SESSIONS] {
            transaction.planned(over, &[&kept]).await?;
        }
        let values: Values<'_> = &[
            &storable(&new.id),
            &new.digest.as_slice(),
            &new.method.as_str(),
            &storable(&new.holder.uuid),
            &storable(new.holder.name.expose()),
            &grants::to_text(&new.holder.grants),
            &new.address,
            &now,
            &new.expires_at.as_millis(),
            &new.attempt.as_ref().map(|attempt| attempt.as_slice()),
            &new.sealed,
        ];
        if transaction.rows(BEGIN, values).await?.is_empty() {
            transaction.roll_back().await;
            return Ok(SessionBegun::Spent);
        }
        commit_with_audit(transaction, Vec::new(), &new.audit).await?;
        Ok(SessionBegun::Stored)
    }

    async fn session(&self, digest: &[u8; 32]) -> Result<Option<Session>, StoreError> {
        let found = self.db.ask(&format!("{SELECT} WHERE digest = $1"), &[&digest.as_slice()]).await?;
        Ok(found.first().map(read).transpose()?)
    }

    async fn note_session_use(&self, id: &str, at: Timestamp) -> Result<(), StoreError> {
        const NOTE: &str = "
            UPDATE eg_pg_console_sessions SET used_at = $2
            WHERE session_id = $1 AND used_at <= $3 AND ended_at IS NULL";
        let before = at.minus(SESSION_NOTED_EVERY).as_millis();
        self.db.repeatable(NOTE, &[&storable(id), &at.as_millis(), &before]).await?;
        Ok(())
    }

    async fn valid_sessions(
        &self,
        uuid: Option<&str>,
        now: Timestamp,
        limit: u32,
    ) -> Result<Vec<Session>, StoreError> {
        let sql = format!(
            "{SELECT} WHERE ($1::text IS NULL OR uuid = $1) AND {} AND used_at > $3 AND ended_at IS NULL
            ORDER BY started_at DESC, session_id DESC LIMIT $4",
            at_least("expires_at", "$2::bigint + 1")
        );
        let idle = now.minus(SESSION_IDLE).as_millis();
        let values: Values<'_> = &[&uuid.map(storable), &now.as_millis(), &idle, &i64::from(limit)];
        Ok(rows::all(&self.db.planned(&sql, values).await?, read)?)
    }

    async fn end_session(
        &self,
        id: &str,
        uuid: Option<&str>,
        ended: SessionEnd,
        audit: Vec<AuditEntry>,
    ) -> Result<bool, StoreError> {
        const END: &str = "
            UPDATE eg_pg_console_sessions SET ended_at = $3, ended_by = $4, sealed = NULL
            WHERE session_id = $1 AND ($2::text IS NULL OR uuid = $2) AND ended_at IS NULL
                AND expires_at > $3 AND used_at > $5
            RETURNING session_id";
        let transaction = self.db.begin().await?;
        let values: Values<'_> = &[
            &storable(id),
            &uuid.map(storable),
            &ended.at.as_millis(),
            &storable(&ended.by),
            &ended.at.minus(SESSION_IDLE).as_millis(),
        ];
        if transaction.rows(END, values).await?.is_empty() {
            transaction.roll_back().await;
            return Ok(false);
        }
        commit_with_audit(transaction, Vec::new(), &audit).await?;
        Ok(true)
    }
}

fn holder(columns: &Columns<'_>) -> Result<SessionHolder, Failure> {
    Ok(SessionHolder {
        uuid: columns.get("uuid")?,
        name: Personal::new(columns.get::<String>("name")?),
        grants: columns.read("grants", grants::from_text)?,
    })
}

fn read(row: &Row) -> Result<Session, Failure> {
    let columns = Columns::keyless(row, "eg_pg_console_sessions");
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
