//! Forms of the console, each carried out once.

use async_trait::async_trait;
use payment_domain::Timestamp;
use payment_store::{FormClaim, LONGEST_SESSION, SentForm, SentForms, StoreError};
use rusqlite::{Connection, OptionalExtension, params};

use crate::SqliteStore;
use crate::failure::Failure;

#[async_trait]
impl SentForms for SqliteStore {
    async fn claim_form(
        &self,
        form: &SentForm,
        abandoned_before: Timestamp,
    ) -> Result<FormClaim, StoreError> {
        let form = form.clone();
        Ok(self.writer.write(move |conn| claim(conn, &form, abandoned_before)).await?)
    }

    async fn answer_form(&self, form: &SentForm, location: Option<&str>) -> Result<(), StoreError> {
        let (form, location) = (form.clone(), location.map(str::to_owned));
        let answer = move |conn: &Connection| {
            let sent_at = form.sent_at.as_millis();
            match &location {
                Some(location) => conn
                    .prepare_cached(
                        "UPDATE eg_pg_console_forms SET answer = ?3
                         WHERE form_key = ?1 AND sent_at = ?2 AND answer IS NULL",
                    )?
                    .execute(params![form.key, sent_at, location])?,
                None => conn
                    .prepare_cached(
                        "DELETE FROM eg_pg_console_forms
                         WHERE form_key = ?1 AND sent_at = ?2 AND answer IS NULL",
                    )?
                    .execute(params![form.key, sent_at])?,
            };
            Ok(())
        };
        Ok(self.writer.write(answer).await?)
    }
}

fn claim(conn: &Connection, form: &SentForm, abandoned_before: Timestamp) -> Result<FormClaim, Failure> {
    conn.prepare_cached(
        "DELETE FROM eg_pg_console_forms WHERE form_key IN (
             SELECT form_key FROM eg_pg_console_forms WHERE sent_at < ?1 ORDER BY sent_at LIMIT 100)",
    )?
    .execute([form.sent_at.minus(LONGEST_SESSION).as_millis()])?;
    let claimed = conn
        .prepare_cached(
            "INSERT INTO eg_pg_console_forms (form_key, digest, sent_at) VALUES (?1, ?2, ?3)
             ON CONFLICT (form_key) DO UPDATE SET sent_at = excluded.sent_at
             WHERE answer IS NULL AND sent_at < ?4 AND digest = excluded.digest",
        )?
        .execute(params![form.key, form.digest, form.sent_at.as_millis(), abandoned_before.as_millis()])?;
    if claimed > 0 {
        return Ok(FormClaim::Ours);
    }
    let known: Option<(Vec<u8>, Option<String>)> = conn
        .prepare_cached("SELECT digest, answer FROM eg_pg_console_forms WHERE form_key = ?1")?
        .query_row([form.key], |row| Ok((row.get(0)?, row.get(1)?)))
        .optional()?;
    Ok(match known {
        Some((digest, _)) if digest != form.digest => FormClaim::Differs,
        Some((_, Some(location))) => FormClaim::Answered(location),
        Some((_, None)) | None => FormClaim::UnderWay,
    })
}
