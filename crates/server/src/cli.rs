//! The command line: its commands and their help.

mod accounts;
mod audit;
mod console;
mod operators;
mod refunds;
#[cfg(feature = "sandbox")]
mod sandbox;
#[cfg(not(feature = "sandbox"))]
#[path = "cli/without_sandbox.rs"]
mod sandbox;
mod tokens;

use std::net::IpAddr;
use std::path::PathBuf;

use clap::{Args, Parser, Subcommand};

use crate::config::{Flag, Sources, environment};

pub(crate) use accounts::{
    AccountArgs, AccountsAddArgs, AccountsCommand, AccountsEnterArgs, AccountsImportArgs, AccountsListArgs,
    AccountsRetireArgs, AccountsVerifyArgs, ActorArgs, KeysCommand,
};
pub(crate) use audit::{
    AuditCheckpointArgs, AuditCommand, AuditExportArgs, AuditListArgs, AuditRedactArgs, AuditShowArgs,
    AuditVerifyArgs,
};
pub(crate) use console::{ConsoleCommand, ConsoleLoginArgs};
pub(crate) use operators::{
    AttentionCommand, AttentionListArgs, AttentionResolveArgs, AttentionShowArgs, JobsCommand,
    JobsHistoryArgs, JobsListArgs, JobsRunArgs, ReconcileArgs,
};
pub(crate) use refunds::{
    RefundCommand, RefundDecisionArgs, RefundListArgs, RefundRequestArgs, RefundShowArgs,
};
pub(crate) use sandbox::{DemoArgs, SimulateArgs};
#[cfg(feature = "sandbox")]
pub(crate) use sandbox::{DemoGateway, DemoProtocol};
pub(crate) use tokens::{TokensCommand, TokensIssueArgs, TokensListArgs, TokensRevokeArgs};

/// Payments for cities: create a transaction, send the payer to a gateway, verify the answer, issue
/// one receipt.
///
/// Without a command it serves: on 127.0.0.1:9000, with an embedded database in ./data, a sandbox
/// gateway to pay with, and embedded implementations for DIGIT's services. Nothing has to be configured.
#[derive(Parser)]
#[command(name = "pg-service", version, max_term_width = 100, after_help = EXAMPLES, after_long_help = EXAMPLES)]
pub(crate) struct Cli {
    /// The command; by default: serve.
    #[command(subcommand)]
    pub(crate) command: Option<Command>,
    /// Where settings come from.
    #[command(flatten)]
    pub(crate) settings: SettingArgs,
}

const EXAMPLES: &str = "\
Examples:
  pg-service                               serve, with everything built in
  pg-service demo                          watch three payments: paid, declined, abandoned
  pg-service --port 0 --data-dir /tmp/pg   serve on a free port, with a database elsewhere
  pg-service simulate                      play the providers of gateways for a service
  pg-service check-config                  what is configured, from where, and what is wrong
  pg-service transaction show PB_PG_2026_11_22_000072_14
  pg-service attention list                what needs an operator
  pg-service reconcile --older-than 30m    ask the gateways about pending payments now
  pg-service jobs list                     what runs by itself, and how it last ended
  pg-service events tail --follow          what other services would be told

Exit codes: 0 done, 1 it did not work (the message says why and what to do), 2 the command line is wrong.
";

/// Settings that stand on the command line; every other one except secrets can be given with `--set`.
#[derive(Default, Args)]
#[command(next_help_heading = "Settings (see docs/configuration.md for all of them)")]
pub(crate) struct SettingArgs {
    /// A TOML file of settings [default: pg-service.toml in the working folder, if it is there]
    #[arg(long, global = true, value_name = "FILE", env = "PG_SERVICE_CONFIG", hide_env_values = true)]
    pub(crate) config: Option<PathBuf>,
    /// A Java properties file, such as that of egov-pg-service
    #[arg(long, global = true, value_name = "FILE", env = "PG_SERVICE_PROPERTIES", hide_env_values = true)]
    pub(crate) properties: Option<PathBuf>,
    /// The folder of the embedded database [env: PG_SERVICE_DATA_DIR] [default: ./data]
    #[arg(long, global = true, value_name = "FOLDER")]
    pub(crate) data_dir: Option<PathBuf>,
    /// The address to listen on [env: SERVER_ADDRESS] [default: 127.0.0.1]
    #[arg(long, global = true, value_name = "IP")]
    pub(crate) address: Option<IpAddr>,
    /// The port to listen on; 0 takes a free one [env: SERVER_PORT] [default: 9000]
    #[arg(long, global = true, value_name = "PORT")]
    pub(crate) port: Option<u16>,
    /// The service's address as payers and gateways reach it, with the context path
    #[arg(long, global = true, value_name = "URL")]
    pub(crate) public_url: Option<String>,
    /// How log lines look: human or json
    #[arg(long, global = true, value_name = "FORMAT")]
    pub(crate) log_format: Option<String>,
    /// The log level, e.g. debug, or info,payment_service=debug
    #[arg(long, global = true, value_name = "LEVEL")]
    pub(crate) log_level: Option<String>,
    /// Any other setting except secrets, e.g. --set receipts.wait-ms=2000; may be given many times
    #[arg(long, global = true, value_name = "NAME=VALUE", value_parser = name_and_value)]
    pub(crate) set: Vec<(String, String)>,
}

fn name_and_value(text: &str) -> Result<(String, String), String> {
    let (name, value) = text.split_once('=').ok_or("write NAME=VALUE")?;
    Ok((name.trim().to_owned(), value.to_owned()))
}

/// The commands.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Run the service (the default command)
    #[command(after_help = "\
It listens on 127.0.0.1:9000 by default, prints where to go next, and logs to standard error.
SIGTERM or Ctrl-C stops it: nothing new is accepted, what runs is finished within
server.shutdown-wait-secs (20). A second signal ends it at once.")]
    Serve,
    /// Make three whole payments over HTTP and show every step
    #[command(after_help = sandbox::DEMO)]
    Demo(DemoArgs),
    /// Play the providers' side of the gateways, for tests and trials
    #[command(after_help = sandbox::SIMULATE)]
    Simulate(SimulateArgs),
    /// Bring the database up to date, or say whether it is
    #[command(after_help = "\
The service does this by itself when it starts. Doing it before is for those who want to see it done.

  pg-service migrate            apply what is pending
  pg-service migrate --check    change nothing; exit code 1 when something is pending
  pg-service migrate --dry-run  change nothing; tell what would be done, and about how long it takes")]
    Migrate(MigrateArgs),
    /// Copy the embedded database into a file, while the service runs
    #[command(after_help = "\
The copy is of one moment, checked, on disk when the command ends, and readable by its owner alone. The books of
the built-in sandbox, where there are some, go into FILE.sandbox. A file that is there is not written over.
PostgreSQL is backed up with its own tools.

  pg-service backup /backups/payments-$(date +%F).db")]
    Backup(BackupArgs),
    /// Put a backup into a data folder that has no database
    #[command(after_help = "\
It runs while no service uses the folder, and writes nothing over. What was paid after the backup was made is
not in it, and gateways know of it: docs/operating.md says what to compare before payments are taken again.

  pg-service --data-dir /var/lib/pg-service-new restore /backups/payments-2026-11-29.db")]
    Restore(BackupArgs),
    /// Move the embedded database into PostgreSQL
    #[command(after_help = "\
The service is stopped, and the database in FILE is empty: CREATE DATABASE … ENCODING 'UTF8' TEMPLATE template0.
All of it is copied in one database transaction, which is committed only when every row was read back and is the
same. Interrupted, nothing is half done: run it again. From its beginning on the embedded database refuses every
write, whatever program makes it, so that payments are never settled or paid back in two places.

  pg-service move --to-properties new.properties          move; then start the service with new.properties
  pg-service move --to-properties new.properties --back   as long as nothing has happened in PostgreSQL

Needed is a user of PostgreSQL who owns the tables, as for migrations. The books of the built-in sandbox stay in the
data folder.")]
    Move(MoveArgs),
    /// Show every problem of the configuration, and the settings in effect
    #[command(after_help = "\
Every problem is shown together with the file and line, variable or flag it came from. Secrets are hidden.
Exit code 1 when there is a problem: good for a pipeline before a deployment.

  pg-service --properties application.properties check-config")]
    CheckConfig,
    /// Look transactions up in the database
    #[command(subcommand)]
    Transaction(TransactionCommand),
    /// List the scheduled jobs, and run them now
    #[command(subcommand, after_help = operators::JOBS)]
    Jobs(JobsCommand),
    /// See to payments that need an operator
    #[command(subcommand, after_help = operators::ATTENTION)]
    Attention(AttentionCommand),
    /// Read and verify the log of decisions
    #[command(subcommand, after_help = audit::AUDIT)]
    Audit(AuditCommand),
    /// Ask the gateways about pending payments now
    #[command(after_help = operators::RECONCILE)]
    Reconcile(ReconcileArgs),
    /// Request refunds, and decide about those of others
    #[command(subcommand, after_help = refunds::REFUND)]
    Refund(RefundCommand),
    /// Issue personal API tokens, and end them
    #[command(subcommand, after_help = tokens::TOKENS)]
    Tokens(TokensCommand),
    /// Log in to the console
    #[command(subcommand, after_help = console::CONSOLE)]
    Console(ConsoleCommand),
    /// Merchant accounts of tenants and services, kept in the database
    #[command(subcommand, after_help = accounts::ACCOUNTS)]
    Accounts(AccountsCommand),
    /// The keys that credentials of merchant accounts are encrypted with
    #[command(subcommand, after_help = accounts::KEYS)]
    Keys(KeysCommand),
    /// List the gateways, and where their settings come from
    Gateways(GatewaysArgs),
    /// Read the events published to other services
    #[command(subcommand)]
    Events(EventsCommand),
    /// Print the API's OpenAPI document, or a Postman collection
    #[command(after_help = "\
  pg-service openapi > openapi.json
  pg-service openapi --postman > postman.json")]
    Openapi(OpenapiArgs),
    /// Print docs/configuration.md
    #[command(hide = true)]
    ConfigReference,
}

#[derive(Debug, Args)]
pub(crate) struct MigrateArgs {
    /// Change nothing, only list applied and pending migrations
    #[arg(long)]
    pub(crate) check: bool,
    /// Change nothing, only tell what would be done, to how many rows, and about how long it takes
    #[arg(long, conflicts_with = "check")]
    pub(crate) dry_run: bool,
    /// Take the database from DB_URL, FLYWAY_USER and FLYWAY_PASSWORD, as DIGIT's chart sets them
    #[arg(long)]
    pub(crate) flyway: bool,
}

#[derive(Debug, Args)]
pub(crate) struct BackupArgs {
    /// The backup
    pub(crate) file: PathBuf,
}

#[derive(Debug, Args)]
pub(crate) struct MoveArgs {
    /// The Java properties file of the service in its new place: its settings of the database are used
    #[arg(long, value_name = "FILE", required_unless_present = "target_lost")]
    pub(crate) to_properties: Option<PathBuf>,
    /// Go back to the embedded database
    #[arg(long)]
    pub(crate) back: bool,
    /// With --back: the other database does not exist any more, and no payment was made in it
    #[arg(long, requires = "back", conflicts_with = "to_properties")]
    pub(crate) target_lost: bool,
    /// The person who acts, for the audit log [default: $USER]
    #[arg(long, value_name = "NAME")]
    pub(crate) by: Option<String>,
}

#[derive(Debug, Args)]
pub(crate) struct GatewaysArgs {
    /// JSON for machines
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, Subcommand)]
pub(crate) enum TransactionCommand {
    /// Show one transaction with its whole history
    #[command(after_help = "\
Shows its status, amounts and bills, who changed it when and why, its events, whether its receipt is due,
and whether it waits for an operator. It reads the database beside a running service.

  pg-service transaction show PB_PG_2026_11_22_000072_14
  pg-service transaction show --json --show-personal-data PB_PG_2026_11_22_000072_14")]
    Show(ShowArgs),
}

#[derive(Debug, Args)]
pub(crate) struct ShowArgs {
    /// The transaction's id
    pub(crate) id: String,
    /// JSON for machines
    #[arg(long)]
    pub(crate) json: bool,
    /// Show names, numbers, addresses and the gateway's raw answers, too
    #[arg(long)]
    pub(crate) show_personal_data: bool,
}

#[derive(Debug, Subcommand)]
pub(crate) enum EventsCommand {
    /// Print events in the order in which they were stored
    #[command(after_help = "\
Events are stored in the same commit as the change they tell of. Without a broker they stay in the
database, where this command reads them, beside a running service.

  pg-service events tail                          all there are
  pg-service events tail --after 1200 --follow    go on behind number 1200, and wait for more
  pg-service events tail --txn PB_PG_2026_11_22_000072_14 --json")]
    Tail(TailArgs),
    /// Publish a dead letter after all
    #[command(after_help = "\
An event that the brokers refused for longer than kafka.dead-letter-after-hours is a dead letter:
`pg-service events tail` names it. First see to what the brokers refused, for example by raising
max.message.bytes of its topic. Later events of its transaction may have been published before it.")]
    Revive(ReviveArgs),
}

#[derive(Debug, Args)]
pub(crate) struct ReviveArgs {
    /// The number of the event
    #[arg(value_name = "NUMBER")]
    pub(crate) sequence: i64,
}

#[derive(Debug, Args)]
pub(crate) struct TailArgs {
    /// Go on and wait for new ones, until interrupted
    #[arg(long, short)]
    pub(crate) follow: bool,
    /// Begin behind the event of this number
    #[arg(long, value_name = "NUMBER", default_value_t = 0)]
    pub(crate) after: i64,
    /// Only those of this transaction
    #[arg(long, value_name = "ID")]
    pub(crate) txn: Option<String>,
    /// One JSON object a line, with the event's body
    #[arg(long)]
    pub(crate) json: bool,
    /// Leave names, numbers and addresses in the bodies as they are
    #[arg(long)]
    pub(crate) show_personal_data: bool,
}

#[derive(Debug, Args)]
pub(crate) struct OpenapiArgs {
    /// A Postman collection instead
    #[arg(long)]
    pub(crate) postman: bool,
}

impl SettingArgs {
    /// All places in which this command line has settings looked for.
    pub(crate) fn sources(&self) -> Sources {
        let own = [
            ("data.dir", "--data-dir", self.data_dir.as_ref().map(|path| path.display().to_string())),
            ("server.address", "--address", self.address.map(|address| address.to_string())),
            ("server.port", "--port", self.port.map(|port| port.to_string())),
            ("server.public-url", "--public-url", self.public_url.clone()),
            ("log.format", "--log-format", self.log_format.clone()),
            ("log.level", "--log-level", self.log_level.clone()),
        ];
        let own = own.into_iter().filter_map(|(name, flag, value)| {
            Some(Flag { name: name.to_owned(), value: value?, flag: flag.to_owned() })
        });
        let set = self.set.iter().map(|(name, value)| Flag {
            name: name.clone(),
            value: value.clone(),
            flag: "--set".to_owned(),
        });
        Sources {
            folder: Some(PathBuf::from(".")),
            toml_file: self.config.clone(),
            properties_file: self.properties.clone(),
            environment: environment(),
            flags: own.chain(set).collect(),
        }
    }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn the_command_line_is_well_formed() {
        Cli::command().debug_assert();
    }

    #[test]
    fn settings_may_stand_before_and_behind_the_command() {
        for line in [["pg-service", "--port", "1", "serve"], ["pg-service", "serve", "--port", "1"]] {
            assert_eq!(Cli::parse_from(line).settings.port, Some(1));
        }
    }
}
