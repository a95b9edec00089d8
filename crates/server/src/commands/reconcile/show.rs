//! The output of `reconcile`.

use std::process::ExitCode;
use std::time::Duration;

use jiff::tz::TimeZone;
use payment_domain::Timestamp;
use payment_service::{Check, GatewaySummary, ReconciliationSummary, ReconciliationView, Selected};

use crate::cli::ReconcileArgs;
use crate::commands::database::{length, second};
use crate::commands::table::{Column, Table, Tone, count, plain};
use crate::failure::Outcome;
use crate::terminal::{Paint, escaped, say, say_json};

/// The number of payments with a failed status request that are named in the text.
const MOST_NAMED: usize = 20;

pub(super) fn nothing(selected: &Selected, args: &ReconcileArgs, older_than: Duration) -> Outcome<ExitCode> {
    if args.json {
        say_json(&ReconciliationView::of(selected, &ReconciliationSummary::begin(), true))?;
        return Ok(ExitCode::SUCCESS);
    }
    let at = args.gateway.as_ref().map_or_else(String::new, |name| format!(" at {}", name.to_uppercase()));
    let for_how_long = match older_than {
        Duration::ZERO => String::new(),
        age => format!(" for {} or longer", length(age)),
    };
    say(&format!("No payment is pending{at}{for_how_long}: there is nothing to reconcile."))?;
    Ok(ExitCode::SUCCESS)
}

pub(super) fn dry_run(
    selected: &Selected,
    args: &ReconcileArgs,
    older_than: Duration,
    now: Timestamp,
    zone: &TimeZone,
) -> Outcome<ExitCode> {
    let view = ReconciliationView::dry_run(selected);
    if args.json {
        say_json(&view)?;
        return Ok(ExitCode::SUCCESS);
    }
    if view.due.is_empty() {
        return nothing(selected, args, older_than);
    }
    let mut table = Table::new([
        Column::Text("transaction"),
        Column::Text("gateway"),
        Column::Text("created"),
        Column::Number("age"),
        Column::Number("checks"),
    ]);
    for due in &view.due {
        table.row([
            plain(&due.txn_id),
            plain(&due.gateway),
            plain(second(due.created_time, zone)),
            plain(length(now.since(due.created_time))),
            count(due.checks, Tone::Plain),
        ]);
    }
    let paint = Paint::detect();
    let told = format!("{} would be checked. Nothing was asked, nothing was changed.", payments(view.taken));
    say(&format!("{}\n\n{}", table.render(paint), paint.quiet(&told)))?;
    Ok(ExitCode::SUCCESS)
}

/// The result, by gateway.
pub(super) fn summary(
    selected: &Selected,
    summary: &ReconciliationSummary,
    finished: bool,
    only: Option<&Check>,
    args: &ReconcileArgs,
) -> Outcome {
    if args.json {
        say_json(&ReconciliationView::of(selected, summary, finished))?;
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
    if !finished {
        let checked = summary.total().checked();
        let told = format!("Stopped: {checked} of {} were checked.", payments(selected.due.len()));
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
