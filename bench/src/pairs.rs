//! Creates at two services in turn, so that both meet the same disturbances.

use std::time::Duration;

use anyhow::Result;

use crate::Options;
use crate::database::Database;
use crate::load::Figures;
use crate::measure;
use crate::report::{Line, ratio};
use crate::service::Service;

/// The loads, in their order, and whether each is one of the side with.
const LOADS: [(&str, bool); 6] = [
    ("load-1", true),
    ("load-2", false),
    ("load-3", false),
    ("load-4", true),
    ("load-5", true),
    ("load-6", false),
];

/// Lines that the job `audit-seal` has not sealed yet.
const UNSEALED: &str = "
    SELECT count(*) FROM eg_pg_transaction_history
    WHERE position > (SELECT sealed_through FROM eg_pg_history_seal)";

/// A service with a database of its own.
pub(crate) struct Side<'a> {
    pub(crate) service: &'a Service,
    pub(crate) database: &'a Database,
}

impl Side<'_> {
    /// Creates, and the lines that are left to seal at their end. Comes back when all are sealed, so that the next
    /// load has the machine to itself.
    async fn creates(
        &self,
        options: &Options,
        gateway: &'static str,
        run: &'static str,
    ) -> Result<(Figures, i64)> {
        self.database.settle().await?;
        let figures = measure::creates_at(self.service, options, gateway, run).await?;
        let left = self.database.number(UNSEALED).await?;
        while self.database.number(UNSEALED).await? > 0 {
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        Ok((figures, left))
    }
}

/// The rates of both sides.
#[derive(Default)]
pub(crate) struct Compared {
    with: Rates,
    without: Rates,
    /// The most lines that a load of the side with has left to seal.
    pub(crate) most_unsealed: i64,
}

impl Compared {
    pub(crate) fn lines(&self, aim: &'static str) -> Vec<Line> {
        let limit = self.without.per_second();
        let with = Line::of_rate("create, with", self.with.per_second()).beside(limit, "without", aim);
        vec![Line::of_rate("create, without", limit), with]
    }
}

pub(crate) async fn compare(
    options: &Options,
    gateway: &'static str,
    with: Side<'_>,
    without: Side<'_>,
) -> Result<Compared> {
    for side in [&with, &without] {
        side.creates(options, gateway, "warm").await?;
    }
    let mut compared = Compared::default();
    for (run, is_with) in LOADS {
        let side = if is_with { &with } else { &without };
        let (figures, left) = side.creates(options, gateway, run).await?;
        if is_with {
            compared.with.add(&figures);
            compared.most_unsealed = compared.most_unsealed.max(left);
        } else {
            compared.without.add(&figures);
        }
    }
    Ok(compared)
}

/// Several loads as one.
#[derive(Default)]
struct Rates {
    requests: usize,
    elapsed: Duration,
}

impl Rates {
    fn add(&mut self, figures: &Figures) {
        self.requests += figures.requests;
        self.elapsed += figures.elapsed;
    }

    fn per_second(&self) -> f64 {
        ratio(self.requests as f64, self.elapsed.as_secs_f64())
    }
}
