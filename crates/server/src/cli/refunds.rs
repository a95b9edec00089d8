//! The commands of refunds.

use std::path::PathBuf;

use clap::{Args, Subcommand};

pub(super) const REFUND: &str = "\
Two people: one requests a refund (PG_REFUND_MAKER), another approves it (PG_REFUND_CHECKER). Who acts is proven by
a personal API token in a file (`pg-service tokens issue`), as over HTTP. Safe beside a running service; give it the
service's settings.

  pg-service refund request --txn PB_PG_2026_11_22_000072_14 --reason-code PAID_TWICE --reason \"paid at the counter\" \\
    --token-file maker.token
  pg-service refund list --status INITIATED
  pg-service refund show RF0123456789
  pg-service refund approve RF0123456789 --version 1 --token-file checker.token";

#[derive(Debug, Subcommand)]
pub(crate) enum RefundCommand {
    /// List refunds, newest first
    List(RefundListArgs),
    /// Show one refund with its history
    Show(RefundShowArgs),
    /// Request a refund
    Request(RefundRequestArgs),
    /// Approve the refund of another
    Approve(RefundDecisionArgs),
    /// Reject the refund of another, with a comment
    Reject(RefundDecisionArgs),
    /// Withdraw a refund of one's own, while nothing is decided
    Withdraw(RefundDecisionArgs),
}

#[derive(Debug, Args)]
pub(crate) struct RefundListArgs {
    /// Only those of this payment
    #[arg(long, value_name = "ID")]
    pub(crate) txn: Option<String>,
    /// Only those in this status: INITIATED, PENDING, SUCCESS or FAILURE
    #[arg(long, value_name = "STATUS", value_parser = ["INITIATED", "PENDING", "SUCCESS", "FAILURE"])]
    pub(crate) status: Option<String>,
    /// Only those of this tenant and below
    #[arg(long, value_name = "TENANT")]
    pub(crate) tenant: Option<String>,
    /// The largest number
    #[arg(long, value_name = "N", default_value_t = 200, value_parser = clap::value_parser!(u32).range(1..=10_000))]
    pub(crate) limit: u32,
    /// JSON for machines
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, Args)]
pub(crate) struct RefundShowArgs {
    /// The refund's id
    pub(crate) id: String,
    /// JSON for machines
    #[arg(long)]
    pub(crate) json: bool,
    /// Show the maker's words, too
    #[arg(long)]
    pub(crate) show_personal_data: bool,
}

#[derive(Debug, Args)]
pub(crate) struct RefundRequestArgs {
    /// The payment
    #[arg(long, value_name = "ID")]
    pub(crate) txn: String,
    /// In units of the payment's currency [default: all that is left]
    #[arg(long, value_name = "AMOUNT")]
    pub(crate) amount: Option<String>,
    /// The expected refundable rest; another amount is refused
    #[arg(long, value_name = "AMOUNT")]
    pub(crate) amount_available: Option<String>,
    /// One word
    #[arg(long, value_name = "CODE")]
    pub(crate) reason_code: String,
    /// In words
    #[arg(long, value_name = "TEXT")]
    pub(crate) reason: String,
    /// The review case that proposes the refund, and closes with it
    #[arg(long, value_name = "NUMBER")]
    pub(crate) case: Option<i64>,
    /// The request's own word: the same request under the same key is one refund, however often it is sent [default: made of
    /// the options]. Another equal refund of the payment needs a key of its own
    #[arg(long, value_name = "WORD")]
    pub(crate) key: Option<String>,
    /// A file with the maker's API token
    #[arg(long, value_name = "FILE")]
    pub(crate) token_file: PathBuf,
    /// JSON for machines
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, Args)]
pub(crate) struct RefundDecisionArgs {
    /// The refund's id
    pub(crate) id: String,
    /// The version shown by `show`
    #[arg(long, value_name = "N")]
    pub(crate) version: u32,
    /// The reason; a rejection needs it
    #[arg(long, value_name = "TEXT")]
    pub(crate) comment: Option<String>,
    /// A file with the API token of the person who decides
    #[arg(long, value_name = "FILE")]
    pub(crate) token_file: PathBuf,
    /// JSON for machines
    #[arg(long)]
    pub(crate) json: bool,
}
