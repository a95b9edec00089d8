//! The figures that are kept beside the payments, and the readings of gateways.

mod counting;
mod showing;

use std::collections::BTreeMap;

use async_trait::async_trait;
use payment_domain::{AttentionKind, StatusName, Timestamp};
use payment_store::figures::{
    FigureBooks, FigureSum, FiguresAsk, FiguresQuery, FiguresReading, FiguresState, FiguresUpdate,
    GatewayReading, PendingDay,
};
use payment_store::{Applied, StoreError, TenantScope};
use tokio_postgres::Row;

use crate::PostgresStore;
use crate::failure::Failure;
use crate::parameters::at_least;
use crate::rows::{self, Columns};

const FIGURES: &str = "eg_pg_daily_figures";
const PAYMENTS: &str = "eg_pg_transactions";

/// The latest creation, found by one step along an index for each status.
const LATEST: &str = "
    SELECT max(latest.created_time) FROM (
        SELECT (SELECT t.created_time FROM eg_pg_transactions AS t
            WHERE t.txn_status = status.name AND t.created_time < $1
            ORDER BY t.created_time DESC NULLS LAST, t.txn_id COLLATE \"C\" DESC LIMIT 1) AS created_time
        FROM unnest($2::text[]) AS status (name)
        UNION ALL
        (SELECT created_time FROM eg_pg_transaction_refund WHERE created_time < $1
         ORDER BY created_time DESC NULLS LAST, refund_id DESC LIMIT 1)) AS latest";

#[async_trait]
impl FigureBooks for PostgresStore {
    async fn figures_state(&self) -> Result<FiguresState, StoreError> {
        let found = self.db.ask(counting::STATE, &[]).await?;
        Ok(counting::state(found.first().ok_or(Failure::OutOfRange)?)?)
    }

    async fn figures_reading(&self, ask: &FiguresAsk) -> Result<FiguresReading, StoreError> {
        Ok(counting::reading(self, ask).await?)
    }

    async fn latest_creation(&self, before: Timestamp) -> Result<Option<Timestamp>, StoreError> {
        let found = self.db.planned(LATEST, &[&before.as_millis(), &self.all_statuses()]).await?;
        Ok(rows::first::<Option<i64>>(&found)?.flatten().map(Timestamp::from_millis))
    }

    async fn refunds_changed(&self, since: Timestamp) -> Result<Vec<Timestamp>, StoreError> {
        let changed = format!(
            "SELECT created_time FROM eg_pg_transaction_refund WHERE {} AND created_time IS NOT NULL",
            at_least("last_updated_time", "$1")
        );
        let found = self.db.planned(&changed, &[&since.as_millis()]).await?;
        Ok(rows::all(&found, |row| Columns::keyless(row, "eg_pg_transaction_refund").moment("created_time"))?)
    }

    async fn store_figures(&self, update: FiguresUpdate) -> Result<Applied, StoreError> {
        Ok(counting::store(self, &update).await?)
    }

    async fn figure_sums(&self, query: &FiguresQuery) -> Result<Vec<FigureSum>, StoreError> {
        Ok(showing::sums(self, query).await?)
    }

    async fn pending_by_day(&self, within: &[TenantScope]) -> Result<Vec<PendingDay>, StoreError> {
        Ok(showing::pending(self, within).await?)
    }

    async fn open_cases(&self, within: &[TenantScope]) -> Result<BTreeMap<AttentionKind, u64>, StoreError> {
        Ok(showing::open_cases(self, within).await?)
    }

    async fn receipts_due(&self, within: &[TenantScope]) -> Result<u64, StoreError> {
        Ok(showing::receipts_due(self, within).await?)
    }

    async fn store_gateway_readings(
        &self,
        readings: Vec<GatewayReading>,
        forget_before: Timestamp,
    ) -> Result<(), StoreError> {
        Ok(showing::store_readings(self, &readings, forget_before).await?)
    }

    async fn gateway_readings(&self, since: Timestamp) -> Result<Vec<GatewayReading>, StoreError> {
        Ok(showing::readings(self, since).await?)
    }
}

impl PostgresStore {
    /// Of rows of ours and of an earlier service.
    fn all_statuses(&self) -> Vec<String> {
        let ours = [StatusName::Pending, StatusName::Success, StatusName::Failure];
        let ours = ours.map(|status| status.as_str().to_owned());
        ours.into_iter().chain(self.foreign_statuses.iter().cloned()).collect()
    }
}

/// The columns of figures, in their order.
fn figures(columns: &Columns<'_>) -> Result<payment_store::figures::Figures, Failure> {
    Ok(payment_store::figures::Figures {
        created: columns.get("created")?,
        pending: columns.get("pending")?,
        paid: columns.get("paid")?,
        paid_minor: columns.get("paid_minor")?,
        failed: columns.get("failed")?,
        refunded: columns.get("refunded")?,
        refunded_minor: columns.get("refunded_minor")?,
    })
}

fn first_number(found: &[Row]) -> Result<i64, Failure> {
    rows::first(found)?.ok_or(Failure::OutOfRange)
}
