//! Create on PostgreSQL with the audit log, and without the part of it that a create has to carry: positions of
//! history lines, their index, and the job that seals them.

use anyhow::{Result, ensure};

use crate::Options;
use crate::database::Database;
use crate::pairs::{self, Side};
use crate::report::{Report, progress};
use crate::requests::SANDBOX;
use crate::service::{self, Service};

const WITHOUT: &str = "
    ALTER TABLE eg_pg_transaction_history ALTER COLUMN position DROP DEFAULT;
    DROP INDEX eg_pg_transaction_history_by_position";

const SEALED: &str = "SELECT sealed_through FROM eg_pg_history_seal";
const LINES: &str = "SELECT count(*) FROM eg_pg_transaction_history";

/// Measures both in turn.
pub(crate) async fn run(options: &Options) -> Result<Report> {
    let binary = service::binary(options).await?;
    let folder = tempfile::tempdir()?;
    progress("PostgreSQL starts, twice");
    let (database, bare_database) = (Database::start().await?, Database::start().await?);
    let sealing = Service::start(&database.launch(&binary, &folder.path().join("with"))).await?;
    let launch = bare_database.launch(&binary, &folder.path().join("without"));
    let bare = Service::start(&launch.set("audit.seal-interval-ms", 3_600_000)).await?;
    bare_database.client.batch_execute(WITHOUT).await?;

    let with = Side { service: &sealing, database: &database };
    let without = Side { service: &bare, database: &bare_database };
    let compared = pairs::compare(options, SANDBOX, with, without).await?;

    let (sealed, lines) = (database.number(SEALED).await?, database.number(LINES).await?);
    ensure!(sealed >= lines, "{sealed} of {lines} lines were sealed");
    ensure!(bare_database.number(SEALED).await? == 0, "lines were sealed on the side without");
    let settings = database.settings().await?;
    sealing.stop().await?;
    bare.stop().await?;
    Ok(Report {
        lines: compared.lines("≥ 0.97"),
        facts: vec![
            ("lines sealed", lines.to_string()),
            ("of them after the end of a load, at most", compared.most_unsealed.to_string()),
            ("connections, seconds a load", format!("{}, {}", options.connections, options.seconds)),
            ("PostgreSQL", settings),
        ],
    })
}
