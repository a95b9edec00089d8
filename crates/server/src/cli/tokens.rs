//! The commands of personal API tokens.

use clap::{Args, Subcommand};
use payment_domain::{Grant, Role, TenantId};

pub(super) const TOKENS: &str = "\
A token names a person or a program over HTTP (Authorization: Bearer pgs_…) and to commands (--token-file). It
gives roles at tenants, expires, and is kept as a digest alone. Whoever may run this command has the database:
each token is recorded in the audit log.

  pg-service tokens issue --holder \"Asha Rani\" --uuid a3f0… --label laptop --grant PG_REFUND_MAKER@pb.amritsar
  pg-service tokens list
  pg-service tokens revoke pgs_3kQ9xWm1

Refunds need two people, told apart by their uuids: give each person one uuid, that of their DIGIT account where
they have one. A holder of PG_ADMIN makes and checks no refunds.";

#[derive(Debug, Subcommand)]
pub(crate) enum TokensCommand {
    /// Issue a token; it is shown once
    Issue(TokensIssueArgs),
    /// List the tokens that are valid, newest first
    List(TokensListArgs),
    /// End a token, from the next request on
    Revoke(TokensRevokeArgs),
}

#[derive(Debug, Args)]
pub(crate) struct TokensIssueArgs {
    /// The name of the person or program
    #[arg(long, value_name = "NAME")]
    pub(crate) holder: String,
    /// Their uuid, that of their DIGIT account where they have one
    #[arg(long, value_name = "UUID")]
    pub(crate) uuid: String,
    /// The holder is a program, which checks no refunds
    #[arg(long)]
    pub(crate) program: bool,
    /// The purpose of the token
    #[arg(long, value_name = "TEXT")]
    pub(crate) label: String,
    /// A role at a tenant and below, e.g. PG_VIEWER@pb; may be given many times
    #[arg(long = "grant", value_name = "ROLE@TENANT", required = true, value_parser = grant)]
    pub(crate) grants: Vec<Grant>,
    /// The number of days it is valid
    #[arg(long, value_name = "N", default_value_t = 90, value_parser = clap::value_parser!(u32).range(1..=366))]
    pub(crate) days: u32,
    /// JSON for machines
    #[arg(long)]
    pub(crate) json: bool,
}

fn grant(text: &str) -> Result<Grant, String> {
    let (role, tenant) = text.split_once('@').ok_or("write ROLE@TENANT")?;
    let known = || Role::ALL.map(Role::code).join(", ");
    let role = Role::from_code(role).ok_or_else(|| format!("the roles are {}", known()))?;
    let tenant = TenantId::new(tenant).map_err(|error| error.to_string())?;
    Ok(Grant { role, tenant })
}

#[derive(Debug, Args)]
pub(crate) struct TokensListArgs {
    /// Expired and revoked ones, too
    #[arg(long)]
    pub(crate) all: bool,
    /// JSON for machines
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, Args)]
pub(crate) struct TokensRevokeArgs {
    /// The beginning of the token, as `list` shows it
    pub(crate) id: String,
}
