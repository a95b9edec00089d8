//! The figures of the console: counted by a job from the histories, verified by another against the payments.
//!
//! [`payment_store::figures`] defines the figures. The first count goes back day by day from the
//! present one, so that the latest days are there at once.

mod counting;
mod days;
mod readings;
mod verifying;

use std::sync::Arc;
use std::time::Duration;

use payment_domain::{Clock, Timestamp};
use payment_store::figures::{FigureBooks, FiguresAsk, FiguresReading, FiguresUpdate};
use payment_store::{Applied, Fence, Store, StoreError};

pub use counting::{Counted, FiguresJob};
pub use days::Days;
pub use readings::{GatewayReadings, READINGS_KEPT};
pub use verifying::FiguresVerificationJob;

const MENDED: &str = "figure_days_mended_total";

pub(crate) fn describe() {
    metrics::describe_counter!(
        MENDED,
        "Days whose figures in the console differed from their payments and were counted anew"
    );
}

/// The most lines that are counted in one commit.
const LINES: u32 = 2_000;
/// Refunds that changed so long ago are found by the verification: longer than a database transaction can last.
const REFUNDS_WATCHED: Duration = Duration::from_secs(15 * 60);

/// Counts over one store and zone.
#[derive(Clone)]
pub struct FigureCounts {
    store: Arc<dyn Store>,
    clock: Arc<dyn Clock>,
    days: Days,
    lines: u32,
}

impl FigureCounts {
    pub fn new(store: Arc<dyn Store>, clock: Arc<dyn Clock>, days: Days) -> FigureCounts {
        FigureCounts { store, clock, days, lines: LINES }
    }

    /// With other commits than of the usual size.
    #[must_use]
    pub fn with_lines(self, lines: u32) -> FigureCounts {
        FigureCounts { lines, ..self }
    }

    fn books(&self) -> &dyn FigureBooks {
        self.store.as_ref()
    }

    async fn read(&self, ask: &FiguresAsk) -> Result<FiguresReading, StoreError> {
        self.books().figures_reading(ask).await
    }

    fn update(
        &self,
        reading: &FiguresReading,
        ask: &FiguresAsk,
        completes: bool,
        at: Timestamp,
        fence: &Fence,
    ) -> FiguresUpdate {
        reading.update(ask, completes, &|at: Timestamp| self.days.day_of(at), at, fence)
    }

    async fn store(&self, update: FiguresUpdate) -> Result<Applied, StoreError> {
        self.books().store_figures(update).await
    }
}
