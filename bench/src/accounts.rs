//! Create on PostgreSQL with merchant accounts in the store, and with that of the configuration file alone.

use std::path::Path;

use anyhow::{Context, Result, ensure};
use payment_simulator::providers::{Providers, ProvidersSettings};
use tokio::net::TcpListener;

use crate::Options;
use crate::database::Database;
use crate::pairs::{self, Side};
use crate::report::{Report, progress};
use crate::service::{self, Launch, Service};

/// Its pay page needs no request to the provider: a create costs the service's own work alone.
const GATEWAY: &str = "PAYU";
/// The settings of an account of this gateway, which are the fields of a stored one.
const FIELDS: [&str; 2] = ["payu.merchant.key", SALT];
const SALT: &str = "payu.merchant.salt";
/// The key that encrypts credentials; not a real secret.
const KEY: &str = "k1:5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a";
/// The tenant of the load.
const TENANT: &str = "pb.amritsar";
/// Accounts of other tenants.
const OTHERS: usize = 200;

/// Measures both in turn.
pub(crate) async fn run(options: &Options) -> Result<Report> {
    let binary = service::binary(options).await?;
    let folder = tempfile::tempdir()?;
    let properties = provider().await?;
    progress("PostgreSQL starts, twice");
    let (database, bare_database) = (Database::start().await?, Database::start().await?);
    let launch = |database: &Database, name: &str| {
        let properties = properties.iter().filter(|(name, _)| name.starts_with("payu."));
        // A secret has no place on a command line.
        let set = |launch: Launch, (name, value): &(&str, String)| match *name == SALT {
            true => launch.variable("PG_SERVICE_PAYU_MERCHANT_SALT", value),
            false => launch.set(name, value),
        };
        properties.fold(database.launch(&binary, &folder.path().join(name)), set)
    };
    let launch_with = launch(&database, "with")
        .variable("PG_SERVICE_KEYS_CURRENT", KEY)
        .set("accounts.second-person", false);
    progress("accounts are entered");
    enter(&launch_with, &properties).await?;
    let stored = Service::start(&launch_with).await?;
    let bare = Service::start(&launch(&bare_database, "without")).await?;

    let with = Side { service: &stored, database: &database };
    let without = Side { service: &bare, database: &bare_database };
    let compared = pairs::compare(options, GATEWAY, with, without).await?;

    let made = "SELECT count(*) FROM eg_pg_transactions
        WHERE coalesce(merchant_account, 'configured/') LIKE 'configured/%'";
    ensure!(database.number(made).await? == 0, "payments were made through the configured account");
    let accounts = database.number("SELECT count(*) FROM eg_pg_merchant_account").await?;
    let settings = database.settings().await?;
    stored.stop().await?;
    bare.stop().await?;
    Ok(Report {
        lines: compared.lines("≥ 0.97"),
        facts: vec![
            ("accounts in the store", accounts.to_string()),
            ("connections, seconds a load", format!("{}, {}", options.connections, options.seconds)),
            ("PostgreSQL", settings),
        ],
    })
}

/// Serves the provider, whose answer verifies the account; returns the settings of a service at it.
async fn provider() -> Result<Vec<(&'static str, String)>> {
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let url = format!("http://{}", listener.local_addr()?);
    let simulator = Providers::new(ProvidersSettings::new(&url)).context("the simulated providers")?;
    let router = simulator.router();
    tokio::spawn(async move { axum::serve(listener, router).await });
    Ok(simulator.properties(&url))
}

/// Enters an account of the load's tenant, which is used, and others, which are not.
async fn enter(launch: &Launch, properties: &[(&str, String)]) -> Result<()> {
    let value =
        |field: &str| properties.iter().find(|(name, _)| *name == field).map(|(_, value)| value.as_str());
    let values = FIELDS.map(|field| value(field).unwrap_or_default());
    std::fs::create_dir_all(&launch.folder)?;
    launch.command(&["migrate"], "").await?;
    let file = launch.folder.join("others.csv");
    let header = format!("tenantId,gateway,label,{}\n", FIELDS.join(","));
    let line = |number| format!("pb.other{number},{GATEWAY},{number},{}\n", values.join(","));
    std::fs::write(&file, (0..OTHERS).map(line).fold(header, |text, line| text + &line))?;
    launch.command(&["accounts", "import", path(&file)?], "").await?;
    let added = ["accounts", "add", "--tenant", TENANT, "--gateway", GATEWAY, "--label", "load"];
    let added = launch.command(&added, "").await?;
    let id = added.split_whitespace().next().context("the account has no id")?;
    let fields: String =
        FIELDS.iter().zip(values).map(|(field, value)| format!("{field}={value}\n")).collect();
    launch.command(&["accounts", "enter", id], &fields).await?;
    launch.command(&["accounts", "verify", id], "").await?;
    launch.command(&["accounts", "activate", id], "").await?;
    Ok(())
}

fn path(file: &Path) -> Result<&str> {
    file.to_str().context("a folder with an odd name")
}
