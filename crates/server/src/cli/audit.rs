//! The commands of auditors.

use std::path::PathBuf;

use clap::builder::{PossibleValuesParser, TypedValueParser};
use clap::{Args, Subcommand};
use payment_domain::AuditAction;

pub(super) const AUDIT: &str = "\
Every decision is an entry of the audit log, chained to the one before it by its hash.

  pg-service audit list --action case.resolved
  pg-service audit show 17
  pg-service audit verify --checkpoints checkpoints.jsonl --public-key audit.pub
  pg-service audit export --output audit.jsonl

More: docs/operating.md";

#[derive(Debug, Subcommand)]
pub(crate) enum AuditCommand {
    /// List entries, oldest first
    #[command(after_help = "\
  pg-service audit list --after 1200 --limit 50
  pg-service audit list --tenant pb.amritsar --actor b405e4d0-99ec-41b1-92e7-2ebda0321e0d
  pg-service audit list --object-kind case --object-id 17 --json")]
    List(AuditListArgs),
    /// Show one entry as it was hashed
    Show(AuditShowArgs),
    /// Compute everything again, and name the first row that is not as it was written
    #[command(after_help = "\
Without --checkpoints the log is compared with the checkpoints of the database itself, which whoever can write
there can remove. With --export no database is needed; the histories of payments are then not looked at.
Exit code 1 when something is broken.

  pg-service audit verify
  pg-service audit verify --checkpoints checkpoints.jsonl --public-key audit.pub --json
  pg-service audit verify --export audit.jsonl --checkpoints checkpoints.jsonl --public-key audit.pub")]
    Verify(AuditVerifyArgs),
    /// Write all entries, without personal values, as lines of JSON
    Export(AuditExportArgs),
    /// Sign the log as it stands now
    Checkpoint(AuditCheckpointArgs),
    /// Remove the personal values of an entry; the log stays whole
    Redact(AuditRedactArgs),
}

#[derive(Debug, Args)]
pub(crate) struct AuditListArgs {
    /// Begin behind the entry of this number
    #[arg(long, value_name = "NUMBER", default_value_t = 0)]
    pub(crate) after: i64,
    /// The largest number
    #[arg(long, value_name = "N", default_value_t = 200, value_parser = clap::value_parser!(u32).range(1..=10_000))]
    pub(crate) limit: u32,
    /// Only this kind of act
    #[arg(long, value_parser = action())]
    pub(crate) action: Option<AuditAction>,
    /// Only acts of this uuid
    #[arg(long, value_name = "UUID")]
    pub(crate) actor: Option<String>,
    /// Only about objects of this kind: case, refund, account, job, …
    #[arg(long, value_name = "KIND")]
    pub(crate) object_kind: Option<String>,
    /// Only about this object
    #[arg(long, value_name = "ID")]
    pub(crate) object_id: Option<String>,
    /// Only of this tenant and below
    #[arg(long, value_name = "TENANT")]
    pub(crate) tenant: Option<String>,
    /// JSON for machines
    #[arg(long)]
    pub(crate) json: bool,
}

fn action() -> impl TypedValueParser<Value = AuditAction> {
    PossibleValuesParser::new(AuditAction::ALL.map(AuditAction::as_str))
        .try_map(|word| AuditAction::from_word(&word).ok_or("there is no such action"))
}

#[derive(Debug, Args)]
pub(crate) struct AuditShowArgs {
    /// The number of the entry
    pub(crate) number: i64,
    /// Show its personal values, which is recorded
    #[arg(long)]
    pub(crate) show_personal_data: bool,
}

#[derive(Debug, Args)]
pub(crate) struct AuditVerifyArgs {
    /// The file of checkpoints, a line each
    #[arg(long, value_name = "FILE", requires = "public_key")]
    pub(crate) checkpoints: Option<PathBuf>,
    /// The public key of their signatures, in PEM
    #[arg(long, value_name = "FILE")]
    pub(crate) public_key: Option<PathBuf>,
    /// Verify this export in place of the database
    #[arg(long, value_name = "FILE")]
    pub(crate) export: Option<PathBuf>,
    /// JSON for machines
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, Args)]
pub(crate) struct AuditExportArgs {
    /// A file that is not there yet [default: standard output]
    #[arg(long, short, value_name = "FILE")]
    pub(crate) output: Option<PathBuf>,
}

#[derive(Debug, Args)]
pub(crate) struct AuditCheckpointArgs {
    /// JSON for machines
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, Args)]
pub(crate) struct AuditRedactArgs {
    /// The number of the entry
    pub(crate) number: i64,
    /// The reason
    #[arg(long, value_name = "TEXT")]
    pub(crate) reason: String,
    /// The person who acts [default: $USER]
    #[arg(long, value_name = "NAME")]
    pub(crate) by: Option<String>,
}
