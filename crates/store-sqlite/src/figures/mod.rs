//! The figures that are kept beside the payments, and the readings of gateways.

mod counting;
mod showing;

use std::collections::BTreeMap;

use async_trait::async_trait;
use payment_domain::{AttentionKind, Timestamp};
use payment_store::figures::{
    FigureBooks, FigureSum, Figures, FiguresAsk, FiguresQuery, FiguresReading, FiguresState, FiguresUpdate,
    GatewayReading, PendingDay,
};
use payment_store::{Applied, StoreError, TenantScope};
use rusqlite::Connection;

use crate::SqliteStore;
use crate::failure::Failure;
use crate::rows::Columns;

const FIGURES: &str = "eg_pg_daily_figures";

#[async_trait]
impl FigureBooks for SqliteStore {
    async fn figures_state(&self) -> Result<FiguresState, StoreError> {
        Ok(self.readers.read(counting::state).await?)
    }

    async fn figures_reading(&self, ask: &FiguresAsk) -> Result<FiguresReading, StoreError> {
        let ask = ask.clone();
        Ok(self.searchers.read(move |conn| counting::reading(conn, &ask)).await?)
    }

    async fn latest_creation(&self, before: Timestamp) -> Result<Option<Timestamp>, StoreError> {
        Ok(self.readers.read(move |conn| counting::latest_creation(conn, before)).await?)
    }

    async fn refunds_changed(&self, since: Timestamp) -> Result<Vec<Timestamp>, StoreError> {
        Ok(self.readers.read(move |conn| counting::refunds_changed(conn, since)).await?)
    }

    async fn store_figures(&self, update: FiguresUpdate) -> Result<Applied, StoreError> {
        Ok(self.writer.write(move |conn: &Connection| counting::store(conn, &update)).await?)
    }

    async fn figure_sums(&self, query: &FiguresQuery) -> Result<Vec<FigureSum>, StoreError> {
        let query = query.clone();
        Ok(self.readers.read(move |conn| showing::sums(conn, &query)).await?)
    }

    async fn pending_by_day(&self, within: &[TenantScope]) -> Result<Vec<PendingDay>, StoreError> {
        let within = within.to_vec();
        Ok(self.readers.read(move |conn| showing::pending(conn, &within)).await?)
    }

    async fn open_cases(&self, within: &[TenantScope]) -> Result<BTreeMap<AttentionKind, u64>, StoreError> {
        let within = within.to_vec();
        Ok(self.readers.read(move |conn| showing::open_cases(conn, &within)).await?)
    }

    async fn receipts_due(&self, within: &[TenantScope]) -> Result<u64, StoreError> {
        let within = within.to_vec();
        Ok(self.readers.read(move |conn| showing::receipts_due(conn, &within)).await?)
    }

    async fn store_gateway_readings(
        &self,
        readings: Vec<GatewayReading>,
        forget_before: Timestamp,
    ) -> Result<(), StoreError> {
        let store = move |conn: &Connection| showing::store_readings(conn, &readings, forget_before);
        Ok(self.writer.write(store).await?)
    }

    async fn gateway_readings(&self, since: Timestamp) -> Result<Vec<GatewayReading>, StoreError> {
        Ok(self.readers.read(move |conn| showing::readings(conn, since)).await?)
    }
}

/// The columns of figures, in their order.
fn figures(columns: &Columns<'_, '_>) -> Result<Figures, Failure> {
    Ok(Figures {
        created: columns.get("created")?,
        pending: columns.get("pending")?,
        paid: columns.get("paid")?,
        paid_minor: columns.get("paid_minor")?,
        failed: columns.get("failed")?,
        refunded: columns.get("refunded")?,
        refunded_minor: columns.get("refunded_minor")?,
    })
}
