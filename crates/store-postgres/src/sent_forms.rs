//! Forms of the console, each carried out once.

use async_trait::async_trait;
use payment_domain::Timestamp;
use payment_store::{FormClaim, LONGEST_SESSION, SentForm, SentForms, StoreError};

use crate::PostgresStore;
use crate::connections::Values;
use crate::parameters::storable;
use crate::rows::Columns;

#[async_trait]
impl SentForms for PostgresStore {
    async fn claim_form(
        &self,
        form: &SentForm,
        abandoned_before: Timestamp,
    ) -> Result<FormClaim, StoreError> {
        const CLAIM: &str = "
            WITH forgotten AS (
                DELETE FROM eg_pg_console_forms WHERE form_key IN (
                    SELECT form_key FROM eg_pg_console_forms WHERE sent_at < $5 ORDER BY sent_at LIMIT 100
                    FOR UPDATE SKIP LOCKED))
            INSERT INTO eg_pg_console_forms AS form (form_key, digest, sent_at) VALUES ($1, $2, $3)
            ON CONFLICT (form_key) DO UPDATE SET sent_at = EXCLUDED.sent_at
            WHERE form.answer IS NULL AND form.sent_at < $4 AND form.digest = EXCLUDED.digest
            RETURNING form_key";
        const KNOWN: &str = "SELECT digest, answer FROM eg_pg_console_forms WHERE form_key = $1";
        let values: Values<'_> = &[
            &form.key.as_slice(),
            &form.digest.as_slice(),
            &form.sent_at.as_millis(),
            &abandoned_before.as_millis(),
            &form.sent_at.minus(LONGEST_SESSION).as_millis(),
        ];
        if !self.db.once(CLAIM, values).await?.is_empty() {
            return Ok(FormClaim::Ours);
        }
        let known = self.db.repeatable(KNOWN, &[&form.key.as_slice()]).await?;
        // Freed in between, it is asked for again.
        let Some(row) = known.first() else { return Ok(FormClaim::UnderWay) };
        let columns = Columns::keyless(row, "eg_pg_console_forms");
        let (digest, answer): (&[u8], Option<String>) = (columns.get("digest")?, columns.get("answer")?);
        Ok(match answer {
            _ if digest != form.digest => FormClaim::Differs,
            Some(location) => FormClaim::Answered(location),
            None => FormClaim::UnderWay,
        })
    }

    async fn answer_form(&self, form: &SentForm, location: Option<&str>) -> Result<(), StoreError> {
        const KEEP: &str = "
            UPDATE eg_pg_console_forms SET answer = $3
            WHERE form_key = $1 AND sent_at = $2 AND answer IS NULL";
        const FREE: &str = "
            DELETE FROM eg_pg_console_forms WHERE form_key = $1 AND sent_at = $2 AND answer IS NULL";
        let (key, sent_at) = (form.key.as_slice(), form.sent_at.as_millis());
        match location.map(storable) {
            Some(location) => self.db.repeatable(KEEP, &[&key, &sent_at, &location]).await?,
            None => self.db.repeatable(FREE, &[&key, &sent_at]).await?,
        };
        Ok(())
    }
}
