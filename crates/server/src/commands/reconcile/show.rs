//! What reconciling by hand shows: what would be checked, and what came of it.

use std::process::ExitCode;
use std::time::Duration;

use jiff::tz::TimeZone;
use payment_domain::Timestamp;
use payment_service::{Check, GatewaySummary, ReconciliationSummary};
use payment_store::DueCheck;
use serde_json::{Value, json};

use crate::cli::ReconcileArgs;
use crate::commands::database::{instant, length, second};
use crate::commands::table::{Column, Table, Tone, count, plain};
use crate::failure::Outcome;
use crate::terminal::{Paint, escaped, say, say_json};

/// So many payments that could not be asked about are named to people.
const MOST_NAMED: usize = 20;

/// There is nothing to reconcile.
pub(super) fn nothing(args: &ReconcileArgs, older_than: Duration) -> Outcome<ExitCode> {
    if args.json {
        say_json(&format!(
            "{:#}",
            json!({ "dryRun": args.dry_run, "found": 0, "gateways": [], "notAsked": [] })
        ))?;
    } else {
        let at =
            args.gateway.as_ref().map_or_else(String::new, |name| format!(" at {}", name.to_uppercase()));
        let for_how_long = match older_than {
            Duration::ZERO => String::new(),
            age => format!(" for {} or longer", length(age)),
        };
        say(&format!("No payment is pending{at}{for_how_long}: there is nothing to reconcile."))?;
    }
    Ok(ExitCode::SUCCESS)
}

/// What would be checked.
pub(super) fn due(
    due: &[DueCheck],
    args: &ReconcileArgs,
    now: Timestamp,
    zone: &TimeZone,
) -> Outcome<ExitCode> {
    if args.json {
        let rows: Vec<Value> = due
            .iter()
            .map(|due| {
                json!({ "txnId": due.txn_id, "gateway": due.gateway.as_str(),
                    "createdAt": instant(due.created_at), "checks": due.checks })
            })
            .collect();
        say_json(&format!("{:#}", json!({ "dryRun": true, "found": due.len(), "due": rows })))?;
        return Ok(ExitCode::SUCCESS);
    }
    let mut table = Table::new([
        Column::Text("transaction"),
        Column::Text("gateway"),
        Column::Text("created"),
        Column::Number("age"),
        Column::Number("checks"),
    ]);
    for due in due {
        table.row([
            plain(&due.txn_id),
            plain(&due.gateway),
            plain(second(due.created_at, zone)),
            plain(length(now.since(due.created_at))),
            count(due.checks, Tone::Plain),
        ]);
    }
    let paint = Paint::detect();
    let told = format!("{} would be checked. Nothing was asked, nothing was changed.", payments(due.len()));
    say(&format!("{}\n\n{}", table.render(paint), paint.quiet(&told)))?;
    Ok(ExitCode::SUCCESS)
}

/// What came of it, gateway by gateway.
pub(super) fn summary(
    summary: &ReconciliationSummary,
    found: usize,
    only: Option<&Check>,
    args: &ReconcileArgs,
) -> Outcome {
    let checked = summary.total().checked();
    let stopped = usize::try_from(checked) != Ok(found);
    if args.json {
        say_json(&format!("{:#}", as_json(summary, found, stopped)))?;
        return Ok(());
    }
    let paint = Paint::detect();
    let mut out = match (&args.txn, only) {
        (Some(id), Some(check)) => format!("{}  {}", paint.title(id), word(check, paint)),
        (Some(_), None) | (None, _) => by_gateway(summary).render(paint),
    };
    if args.txn.is_none() && !summary.not_asked().is_empty() {
        out.push_str(&format!(
            "\n\n{}",
            paint.bad("Could not be asked; they stay pending, and keep their turn:")
        ));
        for one in summary.not_asked().iter().take(MOST_NAMED) {
            out.push_str(&format!("\n  {}  {}  {}", one.txn_id, one.gateway, escaped(&one.reason)));
        }
        let more = summary.not_asked().len().saturating_sub(MOST_NAMED);
        if more > 0 {
            out.push_str(&format!("\n  and {more} more; --json names all of them"));
        }
    }
    if stopped {
        let told = format!("Stopped: {checked} of {} were checked.", payments(found));
        out.push_str(&format!("\n\n{}", paint.waiting(&told)));
    }
    say(&out)?;
    Ok(())
}

fn payments(number: usize) -> String {
    if number == 1 { "1 payment".to_owned() } else { format!("{number} payments") }
}

fn word(check: &Check, paint: Paint) -> String {
    use payment_domain::StatusName::{Failure, Pending, Success};
    match check {
        Check::Settled(Success) => paint.good("SUCCESS"),
        Check::Settled(Failure) => paint.bad("FAILURE"),
        Check::Settled(Pending) | Check::StillPending => {
            paint.waiting("PENDING, the gateway knows nothing definite")
        }
        Check::Failed(reason) => paint.bad(&format!("the gateway could not be asked: {}", escaped(reason))),
    }
}

fn by_gateway(summary: &ReconciliationSummary) -> Table {
    let mut table = Table::new([
        Column::Text("gateway"),
        Column::Number("checked"),
        Column::Number("paid"),
        Column::Number("failed"),
        Column::Number("still pending"),
        Column::Number("could not be asked"),
        Column::Number("took"),
    ]);
    let mut row = |name: &str, sum: &GatewaySummary| {
        table.row([
            plain(name),
            count(sum.checked(), Tone::Plain),
            count(sum.paid, Tone::Good),
            count(sum.failed, Tone::Plain),
            count(sum.still_pending, Tone::Waiting),
            count(sum.not_asked, Tone::Bad),
            plain(length(sum.took)),
        ]);
    };
    for (gateway, sum) in summary.gateways() {
        row(gateway.as_str(), sum);
    }
    if summary.gateways().len() != 1 {
        row("all", &summary.total());
    }
    table
}

fn as_json(summary: &ReconciliationSummary, found: usize, stopped: bool) -> Value {
    let gateways: Vec<Value> = summary
        .gateways()
        .iter()
        .map(|(gateway, sum)| {
            json!({ "gateway": gateway.as_str(), "checked": sum.checked(), "paid": sum.paid, "failed": sum.failed,
                "stillPending": sum.still_pending, "notAsked": sum.not_asked,
                "tookMs": u64::try_from(sum.took.as_millis()).unwrap_or(u64::MAX) })
        })
        .collect();
    let not_asked: Vec<Value> = summary
        .not_asked()
        .iter()
        .map(|one| json!({ "txnId": one.txn_id, "gateway": one.gateway.as_str(), "reason": one.reason }))
        .collect();
    json!({
        "dryRun": false,
        "stopped": stopped,
        "found": found,
        "checked": summary.total().checked(),
        "gateways": gateways,
        "notAsked": not_asked,
    })
}
