//! Creates at two services in turn, so that both meet the same disturbances.

use std::time::Duration;

use anyhow::Result;

use crate::Options;
use crate::database::Database;
use crate::load::Figures;
use crate::measure;
use crate::report::{Line, ratio};
use crate::service::Service;

/// Rounds of one load at each side: in every second round the other begins.
const ROUNDS: [&str; 7] = ["round-1", "round-2", "round-3", "round-4", "round-5", "round-6", "round-7"];

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

/// The rates of both sides, a load each.
#[derive(Default)]
pub(crate) struct Compared {
    with: Vec<f64>,
    without: Vec<f64>,
    /// The most lines that a load of the side with has left to seal.
    pub(crate) most_unsealed: i64,
}

impl Compared {
    /// The medians of the rates, and of the rounds' ratios: a round that the disk disturbs does not count.
    pub(crate) fn lines(&self, aim: &'static str) -> Vec<Line> {
        let ratios = self.with.iter().zip(&self.without).map(|(with, without)| ratio(*with, *without));
        let with = Line::of_rate("create, with", median(self.with.clone()));
        vec![
            Line::of_rate("create, without", median(self.without.clone())),
            with.with_ratio(median(ratios.collect()), "without, median", aim),
        ]
    }
}

fn median(mut figures: Vec<f64>) -> f64 {
    figures.sort_by(f64::total_cmp);
    figures.get(figures.len() / 2).copied().unwrap_or_default()
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
    for (nth, round) in ROUNDS.into_iter().enumerate() {
        let order = if nth % 2 == 0 { [true, false] } else { [false, true] };
        for is_with in order {
            let side = if is_with { &with } else { &without };
            let (figures, left) = side.creates(options, gateway, round).await?;
            if is_with {
                compared.with.push(figures.per_second());
                compared.most_unsealed = compared.most_unsealed.max(left);
            } else {
                compared.without.push(figures.per_second());
            }
        }
    }
    Ok(compared)
}
