//! The commands of the console.

use clap::{Args, Subcommand};
use payment_domain::{Role, TenantId};

pub(super) const CONSOLE: &str = "\
The console is served at <context path>/console while nothing real is configured, and with console.enabled=true.
A link logs in once and for ten minutes; whoever may run this command has the database: each link and each login
is recorded in the audit log.

  pg-service console login --role PG_OPERATOR --tenant pb
  pg-service console login --role PG_AUDITOR --role PG_VIEWER --tenant pb --tenant mh --name \"Asha Rani\"

PG_REFUND_MAKER and PG_REFUND_CHECKER are given by a link only while the service stands alone with the sandbox:
two links are two names for one who has the command line.";

#[derive(Debug, Subcommand)]
pub(crate) enum ConsoleCommand {
    /// Print a one-time link into the console
    Login(ConsoleLoginArgs),
}

#[derive(Debug, Args)]
pub(crate) struct ConsoleLoginArgs {
    /// A role, e.g. PG_OPERATOR; may be given many times
    #[arg(long = "role", value_name = "ROLE", required = true, value_parser = role)]
    pub(crate) roles: Vec<Role>,
    /// The tenant at which the roles are held, and below; may be given many times
    #[arg(long = "tenant", value_name = "TENANT", required = true, value_parser = tenant)]
    pub(crate) tenants: Vec<TenantId>,
    /// Who logs in; the name of the account on this machine unless it is given
    #[arg(long, value_name = "NAME")]
    pub(crate) name: Option<String>,
    /// JSON for machines
    #[arg(long)]
    pub(crate) json: bool,
}

fn role(text: &str) -> Result<Role, String> {
    let known = || Role::ALL.map(Role::code).join(", ");
    Role::from_code(text).ok_or_else(|| format!("the roles are {}", known()))
}

fn tenant(text: &str) -> Result<TenantId, String> {
    TenantId::new(text).map_err(|error| error.to_string())
}
