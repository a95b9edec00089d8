//! `attention`: review cases, and resolving them.

use std::process::ExitCode;

use jiff::tz::TimeZone;
use payment_domain::Transaction;
use payment_service::{AttentionDetail, CaseError, CaseView, PersonalData, TransactionView};
use payment_store::{AttentionQuery, CaseState};
use serde_json::json;

use super::database::{self, amount, gateway_words, length, moment, payer_words, second, unreadable};
use super::table::{Column, Table, Tone, plain};
use super::{by_hand, personal_data, small_runtime};
use crate::cli::{AttentionListArgs, AttentionResolveArgs, AttentionShowArgs};
use crate::config::Config;
use crate::failure::{Failure, Outcome};
use crate::service;
use crate::terminal::{Paint, escaped, json_text, say, say_json};

/// The width of sentences, in characters.
const WIDTH: usize = 100;

pub(super) fn list(config: &Config, args: &AttentionListArgs) -> Outcome<ExitCode> {
    let query = AttentionQuery {
        state: match (args.all, args.resolved) {
            (true, _) => CaseState::All,
            (false, true) => CaseState::Resolved,
            (false, false) => CaseState::Open,
        },
        kind: args.kind,
        txn_id: args.txn.as_deref().map(database::transaction_id).transpose()?,
        after: 0,
        limit: args.limit,
        ..AttentionQuery::default()
    };
    let cases = small_runtime()?.block_on(async {
        let attention = service::open_attention(config).await?;
        attention.list_with_advice(&query).await.map_err(|error| unreadable(&error))
    })?;
    let view = |(case, advice)| CaseView::of(case, advice, PersonalData::Masked);
    let cases: Vec<CaseView> = cases.into_iter().map(view).collect();
    let paint = Paint::detect();
    if args.json {
        say_json(&cases)?;
    } else if cases.is_empty() {
        say(match query.state {
            CaseState::Open => "Nothing needs an operator.",
            CaseState::Resolved | CaseState::All => "There is no such case.",
        })?;
    } else {
        let mut out = cases_table(&cases, &config.embedded.time_zone).render(paint);
        if u32::try_from(cases.len()) == Ok(args.limit) {
            out.push_str(&format!("\n{}", paint.quiet("There may be more: --limit shows them.")));
        }
        out.push_str(&format!("\n\n{}", paint.quiet("`pg-service attention show CASE` tells what to do.")));
        say(&out)?;
    }
    Ok(ExitCode::SUCCESS)
}

fn cases_table(cases: &[CaseView], zone: &TimeZone) -> Table {
    let mut table = Table::new([
        Column::Number("case"),
        Column::Text("raised"),
        Column::Text("kind"),
        Column::Text("transaction"),
        Column::Text("state"),
    ]);
    for case in cases {
        let state = match &case.resolution {
            None => ("open".to_owned(), Tone::Waiting),
            Some(resolution) => {
                (format!("resolved {} by {}", second(resolution.time, zone), resolution.by), Tone::Quiet)
            }
        };
        let raised = second(case.raised_time, zone);
        table.row([plain(case.id), plain(raised), plain(case.kind), plain(&case.txn_id), state]);
    }
    table
}

pub(super) fn show(config: &Config, args: &AttentionShowArgs) -> Outcome<ExitCode> {
    let personal = personal_data(args.show_personal_data);
    let AttentionDetail { case, txn, advice } = small_runtime()?
        .block_on(async {
            let attention = service::open_attention(config).await?;
            attention.show(args.id, None).await.map_err(|error| unreadable(&error))
        })?
        .ok_or_else(|| no_such_case(args.id))?;
    let case = CaseView::of(case, advice, personal);
    if args.json {
        let mut document = json!(case);
        document["transaction"] = personal.show(json!(TransactionView::of(&txn)));
        say_json(&document)?;
    } else {
        say(&case_text(&case, &txn, personal, &config.embedded.time_zone, Paint::detect()))?;
    }
    Ok(ExitCode::SUCCESS)
}

fn no_such_case(id: i64) -> Failure {
    Failure::new(format!("there is no case {id}"))
        .try_this("`pg-service attention list --all` shows all there are")
}

pub(super) fn resolve(config: &Config, args: &AttentionResolveArgs) -> Outcome<ExitCode> {
    let by = by_hand::operator(args.by.as_deref()).ok_or_else(by_hand::unnamed_operator)?;
    let resolved = small_runtime()?.block_on(async {
        let attention = service::open_attention(config).await?;
        Ok(attention.resolve(args.id, None, by_hand::actor(&by), &by, &args.reason).await)
    })?;
    let resolution = resolved.map_err(|error| match error {
        CaseError::NotFound => no_such_case(args.id),
        CaseError::Before(earlier) => Failure::new(format!(
            "case {} was resolved before, {} by {}: {}",
            args.id,
            second(earlier.at, &config.embedded.time_zone),
            escaped(&earlier.by),
            escaped(&earlier.reason)
        )),
        CaseError::Stale => Failure::new(error.to_string()),
        CaseError::NoText => {
            Failure::new("resolving a case needs a reason").try_this("--reason \"what was done\"")
        }
        CaseError::Store(error) => unreadable(&error),
    })?;
    say(&format!(
        "{}  by {}: {}",
        Paint::detect().good(&format!("Case {} is resolved.", args.id)),
        escaped(&resolution.by),
        escaped(&resolution.reason)
    ))?;
    Ok(ExitCode::SUCCESS)
}

fn case_text(
    case: &CaseView,
    txn: &Transaction,
    personal: PersonalData,
    zone: &TimeZone,
    paint: Paint,
) -> String {
    let state = if case.resolution.is_none() { paint.waiting("open") } else { paint.good("resolved") };
    let mut out = format!("{}  {}  {state}\n\n", paint.title(&format!("Case {}", case.id)), case.kind);
    let mut line = |name: &str, value: &str| {
        if !value.is_empty() {
            out.push_str(&format!("  {name:11} {}\n", escaped(value)));
        }
    };
    line("raised", &moment(case.raised_time, zone));
    let status = txn.status_text().unwrap_or("no status");
    line("transaction", &format!("{}  {status}  {}", txn.id, txn.status_message));
    line("amount", &amount(txn));
    let bills: Vec<&str> = txn.bills.iter().map(|bill| bill.bill_id.as_str()).collect();
    line("bills", &bills.join(", "));
    line("tenant", txn.tenant_id.as_str());
    line("consumer", &txn.consumer_code);
    line("gateway", &gateway_words(txn));
    line("receipt", txn.receipt().unwrap_or_default());
    for other in &case.other_payments {
        line("beside it", &format!("{}  {}  of bill {}", other.txn_id, other.txn_status, other.bill_id));
    }
    line("payer", &payer_words(txn, personal));

    let evidence = json_text(&format!("{:#}", case.evidence)).into_owned();
    out.push_str(&format!("\n{}\n{}\n", paint.title("Evidence"), indented(&evidence)));
    match &case.resolution {
        None => {
            out.push_str(&format!("\n{}\n", paint.title("What to do")));
            for line in wrapped(&case.recommended_action, WIDTH) {
                out.push_str(&format!("  {line}\n"));
            }
            let command = format!("pg-service attention resolve {} --reason \"what was done\"", case.id);
            out.push_str(&format!("\n  When it is done: {command}\n"));
        }
        Some(resolution) => out.push_str(&format!(
            "\n{}\n  {}, after {}, by {}\n{}\n",
            paint.title("Resolved"),
            second(resolution.time, zone),
            length(resolution.time.since(case.raised_time)),
            escaped(&resolution.by),
            indented(&resolution.reason)
        )),
    }
    if personal == PersonalData::Masked {
        out.push_str(&format!("\n{}", paint.quiet(database::MASKED)));
    }
    out.truncate(out.trim_end().len());
    out
}

fn indented(text: &str) -> String {
    text.lines().map(|line| format!("  {}", escaped(line))).collect::<Vec<_>>().join("\n")
}

/// Breaks a text between words into lines of at most `width` characters.
fn wrapped(text: &str, width: usize) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    for word in text.split_whitespace() {
        match lines.last_mut() {
            Some(line) if line.chars().count() + 1 + word.chars().count() <= width => {
                line.push(' ');
                line.push_str(word);
            }
            Some(_) | None => lines.push(word.to_owned()),
        }
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sentences_are_broken_between_words() {
        assert_eq!(wrapped("one two  three four", 9), ["one two", "three", "four"]);
        assert_eq!(wrapped("immeasurable", 4), ["immeasurable"]);
        assert!(wrapped("", 4).is_empty());
    }
}
