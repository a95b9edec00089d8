//! The commands of merchant accounts and their keys.

use std::path::PathBuf;

use clap::{Args, Subcommand};

pub(super) const ACCOUNTS: &str = "\
A payment is made through the account of its tenant and service, else of its tenant, else of the tenants above,
else through the one in the configuration file. Secrets are read from a file or standard input, and never shown.

  pg-service accounts add --tenant pb.amritsar --gateway PAYTM --label \"Amritsar\"
  pg-service accounts enter ACCOUNT --from credentials.properties --token-file mine
  pg-service accounts verify ACCOUNT
  pg-service accounts activate ACCOUNT --token-file theirs

Credentials are entered and activated by two people with tokens of their own, unless accounts.second-person=false.
More: docs/accounts.md";

pub(super) const KEYS: &str = "\
First give every replica the new key in keys.current and the old one in keys.previous. When this command has run,
keys.previous can be dropped; backups from before need it for ever.

  pg-service keys rotate";

#[derive(Debug, Subcommand)]
pub(crate) enum AccountsCommand {
    /// List the accounts with their credentials
    List(AccountsListArgs),
    /// Add an account
    Add(AccountsAddArgs),
    /// Enter the fields of its credentials, from a file or standard input
    #[command(after_help = "\
Lines `name=value`, with the names of settings: `pg-service accounts fields PAYTM` lists them. Credentials that are
not active yet are replaced; beside active ones they are the next version.")]
    Enter(AccountsEnterArgs),
    /// List the fields of an account of a gateway
    Fields(AccountsFieldsArgs),
    /// Send the gateway a status request with the entered credentials
    Verify(AccountsVerifyArgs),
    /// Make verified credentials those of new payments
    Activate(AccountArgs),
    /// Retire an account, or wipe credentials that are not active
    Retire(AccountsRetireArgs),
    /// Add accounts with their credentials from a file
    #[command(after_help = "\
CSV with a header: tenantId, businessService, gateway, label, priority, bankAccountRef and names of fields, as
paytm.merchant.id. Or JSON as UPYOG's `pg-detail`, with --gateway. Accounts that are there already, by tenant,
service, gateway and label, are left alone: an import that was cut off is repeated.")]
    Import(AccountsImportArgs),
}

#[derive(Debug, Subcommand)]
pub(crate) enum KeysCommand {
    /// Wrap all credentials by the key in keys.current
    Rotate(ActorArgs),
}

/// The person who acts.
#[derive(Debug, Args)]
pub(crate) struct ActorArgs {
    /// A file with the API token of the person who acts
    #[arg(long, value_name = "FILE")]
    pub(crate) token_file: Option<PathBuf>,
}

#[derive(Debug, Args)]
pub(crate) struct AccountsListArgs {
    /// Only accounts of this tenant and those below it
    #[arg(long)]
    pub(crate) tenant: Option<String>,
    /// JSON for machines
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, Args)]
pub(crate) struct AccountsAddArgs {
    /// The tenant whose payments it takes, with those below it
    #[arg(long)]
    pub(crate) tenant: String,
    /// Only payments of this service
    #[arg(long)]
    pub(crate) service: Option<String>,
    #[arg(long)]
    pub(crate) gateway: String,
    /// For people
    #[arg(long)]
    pub(crate) label: String,
    /// Of several accounts for one tenant and service the lowest is used
    #[arg(long, default_value_t = 100)]
    pub(crate) priority: u32,
    /// The bank account that the gateway settles to
    #[arg(long, value_name = "TEXT")]
    pub(crate) bank_account: Option<String>,
    #[command(flatten)]
    pub(crate) actor: ActorArgs,
}

#[derive(Debug, Args)]
pub(crate) struct AccountArgs {
    /// The account's id
    pub(crate) account: String,
    #[command(flatten)]
    pub(crate) actor: ActorArgs,
}

#[derive(Debug, Args)]
pub(crate) struct AccountsEnterArgs {
    #[command(flatten)]
    pub(crate) account: AccountArgs,
    /// The file with the fields [default: standard input]
    #[arg(long, value_name = "FILE")]
    pub(crate) from: Option<PathBuf>,
}

#[derive(Debug, Args)]
pub(crate) struct AccountsFieldsArgs {
    pub(crate) gateway: String,
}

#[derive(Debug, Args)]
pub(crate) struct AccountsVerifyArgs {
    #[command(flatten)]
    pub(crate) account: AccountArgs,
    /// A payment of this account for the status request [default: one that the gateway cannot know]
    #[arg(long, value_name = "ID")]
    pub(crate) payment: Option<String>,
}

#[derive(Debug, Args)]
pub(crate) struct AccountsRetireArgs {
    #[command(flatten)]
    pub(crate) account: AccountArgs,
    /// These credentials, which are not active
    #[arg(long, value_name = "N")]
    pub(crate) version: Option<u32>,
    /// Wipe retired credentials now, which others have come to know: callbacks signed with them are refused
    #[arg(long, requires = "version")]
    pub(crate) wipe: bool,
}

#[derive(Debug, Args)]
pub(crate) struct AccountsImportArgs {
    pub(crate) file: PathBuf,
    /// The gateway of accounts in `pg-detail` JSON
    #[arg(long)]
    pub(crate) gateway: Option<String>,
    #[command(flatten)]
    pub(crate) actor: ActorArgs,
}
