//! The commands of operators: jobs, the attention list, reconciling by hand.

use std::time::Duration;

use clap::builder::{PossibleValuesParser, TypedValueParser};
use clap::{Args, Subcommand};
use payment_domain::AttentionKind;

pub(super) const JOBS: &str = "\
Examples:
  pg-service jobs list
  pg-service jobs history reconcile-early --limit 20
  pg-service jobs run reconcile-daily";

pub(super) const ATTENTION: &str = "\
Payments end up here when no program may decide about them: the gateway and we disagree, or money was
taken and cannot be receipted. Each case has its evidence and a recommended action.

  pg-service attention list
  pg-service attention show 17
  pg-service attention resolve 17 --reason \"refunded in the portal, reference 4711\"

More: docs/operating.md";

pub(super) const RECONCILE: &str = "\
The jobs do this by themselves when it is time; this command does it now, for whoever has a payer on
the telephone. It decides nothing that the jobs would not: a payment becomes a SUCCESS or a FAILURE
only when its gateway says so. It is safe beside a running service; give it the service's settings.
Ctrl-C finishes what has begun and shows what was done so far.

  pg-service reconcile                             what is pending for an early interval or longer
  pg-service reconcile --gateway PAYTM --older-than 2h
  pg-service reconcile --txn PB_PG_2026_11_22_000072_14
  pg-service reconcile --dry-run                   only show what would be checked

Exit code 1 when a gateway could not be asked about a payment, or not all of them were checked.";

#[derive(Debug, Subcommand)]
pub(crate) enum JobsCommand {
    /// Show the jobs, when they are due, and how their latest runs ended
    #[command(after_help = "\
Examples:
  pg-service jobs list
  pg-service jobs list --json | jq -r '.[] | select(.lastRun.state == \"FAILED\") | .name'")]
    List(JobsListArgs),
    /// Show the runs of a job, or of all, newest first
    #[command(after_help = "\
Each run has a number. Transactions that it changed name it in their history: reconcile-early#4711.

  pg-service jobs history
  pg-service jobs history reconcile-early --limit 20 --json")]
    History(JobsHistoryArgs),
    /// Run a job here and now
    #[command(after_help = "\
Runs it in this process, beside its schedule, and shows what it did. Ctrl-C stops it in order: what
has begun is finished. While the job is at work elsewhere, nothing is run. Exit code 1 when it failed.

  pg-service jobs run reconcile-daily
  pg-service jobs run housekeeping")]
    Run(JobsRunArgs),
}

#[derive(Debug, Args)]
pub(crate) struct JobsListArgs {
    /// JSON for machines
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, Args)]
pub(crate) struct JobsHistoryArgs {
    /// Only runs of this job
    pub(crate) name: Option<String>,
    /// How many runs
    #[arg(long, value_name = "N", default_value_t = 50, value_parser = clap::value_parser!(u32).range(1..=10_000))]
    pub(crate) limit: u32,
    /// JSON for machines
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, Args)]
pub(crate) struct JobsRunArgs {
    /// The job; `pg-service jobs list` names them
    pub(crate) name: String,
}

#[derive(Debug, Subcommand)]
pub(crate) enum AttentionCommand {
    /// List the cases, oldest first: the open ones by default
    #[command(after_help = "\
Examples:
  pg-service attention list
  pg-service attention list --kind late-success
  pg-service attention list --all --txn PB_PG_2026_11_22_000072_14
  pg-service attention list --json | jq -r '.[].txnId'")]
    List(AttentionListArgs),
    /// Show one case: its evidence, its transaction, and the recommendation
    #[command(after_help = "\
What speaks of a person in the evidence is starred unless --show-personal-data is given.

  pg-service attention show 17
  pg-service attention show 17 --json")]
    Show(AttentionShowArgs),
    /// Record the resolution of a case: the person, and the reason
    #[command(after_help = "\
Do what the case recommends first: this moves no money and changes no status. It is kept with the case
and in the history of its transaction. Bills that only this case kept from being paid are free again.

  pg-service attention resolve 17 --reason \"refunded in the portal, reference 4711\"
  pg-service attention resolve 17 --by clerk-7 --reason \"registered by hand, receipt 000123\"")]
    Resolve(AttentionResolveArgs),
}

#[derive(Debug, Args)]
pub(crate) struct AttentionListArgs {
    /// Open and resolved ones
    #[arg(long, conflicts_with = "resolved")]
    pub(crate) all: bool,
    /// Only resolved ones
    #[arg(long)]
    pub(crate) resolved: bool,
    /// Only those of this kind
    #[arg(long, value_parser = attention_kind())]
    pub(crate) kind: Option<AttentionKind>,
    /// Only those of this transaction
    #[arg(long, value_name = "ID")]
    pub(crate) txn: Option<String>,
    /// The largest number
    #[arg(long, value_name = "N", default_value_t = 200, value_parser = clap::value_parser!(u32).range(1..=100_000))]
    pub(crate) limit: u32,
    /// JSON for machines
    #[arg(long)]
    pub(crate) json: bool,
}

fn attention_kind() -> impl TypedValueParser<Value = AttentionKind> {
    PossibleValuesParser::new(AttentionKind::ALL.map(AttentionKind::as_str))
        .try_map(|word| AttentionKind::from_word(&word).ok_or("there is no such kind"))
}

#[derive(Debug, Args)]
pub(crate) struct AttentionShowArgs {
    /// The number of the case
    pub(crate) id: i64,
    /// JSON for machines
    #[arg(long)]
    pub(crate) json: bool,
    /// Show names, numbers and addresses, too
    #[arg(long)]
    pub(crate) show_personal_data: bool,
}

#[derive(Debug, Args)]
pub(crate) struct AttentionResolveArgs {
    /// The number of the case
    pub(crate) id: i64,
    /// The reason, or the act
    #[arg(long, value_name = "TEXT")]
    pub(crate) reason: String,
    /// The person who resolves it [default: $USER]
    #[arg(long, value_name = "NAME")]
    pub(crate) by: Option<String>,
}

#[derive(Debug, Args)]
pub(crate) struct ReconcileArgs {
    /// Only payments of this gateway
    #[arg(long, value_name = "NAME")]
    pub(crate) gateway: Option<String>,
    /// Only payments at least this old: 90s, 30m, 2h, 1h30m, 7d [default: the early interval, 15m]
    #[arg(long, value_name = "AGE", value_parser = payment_service::parse_age)]
    pub(crate) older_than: Option<Duration>,
    /// Only this payment, of any status and age
    #[arg(long, value_name = "ID", conflicts_with_all = ["gateway", "older_than"])]
    pub(crate) txn: Option<String>,
    /// Make no requests and change nothing, only list the payments to check
    #[arg(long)]
    pub(crate) dry_run: bool,
    /// The person who acts, for the history of the payments [default: $USER]
    #[arg(long, value_name = "NAME")]
    pub(crate) by: Option<String>,
    /// JSON for machines
    #[arg(long)]
    pub(crate) json: bool,
}
