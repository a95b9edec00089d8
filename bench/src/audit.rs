//! Create on PostgreSQL with the audit log, and without the part of it that a create has to carry: positions of
//! history lines, their index, and the job that seals them.

use anyhow::Result;

use crate::Options;
use crate::database::Database;
use crate::load::Figures;
use crate::measure;
use crate::report::{Line, Report, progress};
use crate::service::{self, Service};

/// The loads of each, in turn, so that both meet the same disturbances.
const ROUNDS: [(&str, &str); 3] = [("with-1", "without-1"), ("with-2", "without-2"), ("with-3", "without-3")];

const WITHOUT: &str = "
    ALTER TABLE eg_pg_transaction_history ALTER COLUMN position DROP DEFAULT;
    DROP INDEX eg_pg_transaction_history_by_position";

/// Measures both in turn.
pub(crate) async fn run(options: &Options) -> Result<Report> {
    let binary = service::binary(options).await?;
    let folder = tempfile::tempdir()?;
    progress("PostgreSQL starts, twice");
    let (database, bare_database) = (Database::start().await?, Database::start().await?);
    let sealed = Service::start(&database.launch(&binary, &folder.path().join("with"))).await?;
    let launch = bare_database.launch(&binary, &folder.path().join("without"));
    let bare = Service::start(&launch.set("audit.seal-interval-ms", 3_600_000)).await?;
    bare_database.client.batch_execute(WITHOUT).await?;
    measure::warm_up(&sealed, options, "warm").await?;
    measure::warm_up(&bare, options, "warm").await?;

    let (mut with, mut without) = (Rates::default(), Rates::default());
    for (run, bare_run) in ROUNDS {
        database.settle().await?;
        with.add(measure::creates(&sealed, options, run).await?);
        bare_database.settle().await?;
        without.add(measure::creates(&bare, options, bare_run).await?);
    }
    let sealed_lines = "SELECT sealed_through FROM eg_pg_history_seal";
    let lines = database.number(sealed_lines).await?;
    let settings = database.settings().await?;
    sealed.stop().await?;
    bare.stop().await?;
    Ok(Report {
        lines: vec![
            Line::of_rate("create, without", without.per_second()),
            Line::of_rate("create", with.per_second()).beside(without.per_second(), "without", "≥ 0.97"),
        ],
        facts: vec![
            ("lines sealed while the loads ran", lines.to_string()),
            ("connections, seconds a load", format!("{}, {}", options.connections, options.seconds)),
            ("PostgreSQL", settings),
        ],
    })
}

/// Several loads as one.
#[derive(Default)]
struct Rates {
    requests: usize,
    seconds: f64,
}

#[allow(clippy::float_arithmetic, reason = "figures, not money")]
impl Rates {
    fn add(&mut self, figures: Figures) {
        self.requests += figures.requests;
        self.seconds += figures.elapsed.as_secs_f64();
    }

    fn per_second(&self) -> f64 {
        let requests = u32::try_from(self.requests).unwrap_or(u32::MAX);
        if self.seconds > 0.0 { f64::from(requests) / self.seconds } else { 0.0 }
    }
}
