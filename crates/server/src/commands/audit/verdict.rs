//! The result of a verification in words.

use payment_service::audit::{Broken, Place, Verification};

use crate::terminal::Paint;

pub(super) fn text(verification: &Verification, from_file: bool, paint: Paint) -> String {
    let Verification { database_id, entries, broken, history_lines, unsealed_lines, redacted, checkpoints } =
        verification;
    let mut lines = vec![match broken {
        None => paint.good("The audit log is as it was written."),
        Some(broken) => paint.bad(&named(broken)),
    }];
    lines.push(format!("  log          {database_id}, {entries} entries verified"));
    lines.push(match (history_lines, unsealed_lines) {
        (Some(sealed), Some(0)) => format!("  histories    {sealed} lines as they were sealed"),
        (Some(sealed), Some(unsealed)) => {
            format!("  histories    {sealed} lines as they were sealed, {unsealed} not sealed yet")
        }
        (None, _) | (_, None) => "  histories    not verified: an export has none".to_owned(),
    });
    if let Some(redacted) = redacted {
        lines.push(format!("  redacted     the personal values of {redacted} entries"));
    }
    let held = match checkpoints.last {
        Some(last) => format!("the last one that holds covers {} entries, {}", last.size, moment(last.time)),
        None => "none holds".to_owned(),
    };
    let of = if from_file { "" } else { " of the database itself" };
    lines.push(format!("  checkpoints  {} compared{of}; {held}", checkpoints.compared));
    if checkpoints.unreadable_lines > 0 {
        lines.push(format!("               {} lines of the file hold none", checkpoints.unreadable_lines));
    }
    if let Some((first, last)) = checkpoints.unprotected {
        let text = format!("  unprotected  no checkpoint protects entries {first} to {last} yet");
        lines.push(paint.waiting(&text));
    }
    lines.join("\n")
}

fn named(Broken { place, why }: &Broken) -> String {
    match place {
        Place::Entry { number } => format!("Broken at entry {number}: {why}."),
        Place::HistoryLine { position, txn_id, entry_number, sealed_by } => {
            let line = match (txn_id, entry_number, position) {
                (Some(txn_id), Some(number), _) => format!("line {number} of the history of {txn_id}"),
                (_, _, Some(position)) => format!("the line at position {position} of the histories"),
                (_, _, None) => "a line of a history".to_owned(),
            };
            format!("Broken at {line}, about entry {sealed_by}: {why}.")
        }
        Place::Checkpoint { size, time } => {
            format!("Broken at the checkpoint over {size} entries, {}: {why}.", moment(*time))
        }
    }
}

fn moment(at: payment_domain::Timestamp) -> String {
    jiff::Timestamp::from_millisecond(at.as_millis())
        .map_or_else(|_| format!("{} ms", at.as_millis()), |moment| moment.to_string())
}
