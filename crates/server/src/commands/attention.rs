//! `attention`: payments that need an operator, and noting that they were seen to.

use std::process::ExitCode;

use payment_domain::Transaction;
use payment_service::{Advice, ResolveError, TransactionView, advise, advise_all, mask, mask_evidence};
use payment_store::{AttentionCase, AttentionQuery, CaseState, Store, StoreError};
use serde_json::{Value, json};

use super::database::{self, amount, instant, length, moment, second, unreadable};
use super::table::{Column, Table, Tone, plain};
use super::{by_hand, small_runtime};
use crate::cli::{AttentionListArgs, AttentionResolveArgs, AttentionShowArgs};
use crate::config::Config;
use crate::failure::{Failure, Outcome};
use crate::service::{self, Assembled};
use crate::terminal::{Paint, escaped, json_text, say, say_json};

/// How wide sentences are set.
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
    };
    let runtime = small_runtime()?;
    let (store, cases) = runtime.block_on(async {
        let store = service::open_store(config).await?;
        let cases = store.attention_cases(&query).await.map_err(|error| unreadable(&error))?;
        Ok((store, cases))
    })?;
    if args.json {
        let advised = runtime.block_on(advise_all(store.as_ref(), cases));
        let advised = advised.map_err(|error| unreadable(&error))?;
        let cases: Vec<Value> = advised.iter().map(|(case, advice)| case_json(case, advice, false)).collect();
        say_json(&format!("{:#}", Value::from(cases)))?;
        return Ok(ExitCode::SUCCESS);
    }
    let paint = Paint::detect();
    if cases.is_empty() {
        say(match query.state {
            CaseState::Open => "Nothing needs an operator.",
            CaseState::Resolved | CaseState::All => "There is no such case.",
        })?;
        return Ok(ExitCode::SUCCESS);
    }
    let mut out = cases_table(&cases, config).render(paint);
    if u32::try_from(cases.len()) == Ok(args.limit) {
        out.push_str(&format!("\n{}", paint.quiet("There may be more: --limit shows them.")));
    }
    out.push_str(&format!("\n\n{}", paint.quiet("`pg-service attention show CASE` tells what to do.")));
    say(&out)?;
    Ok(ExitCode::SUCCESS)
}

fn cases_table(cases: &[AttentionCase], config: &Config) -> Table {
    let zone = &config.embedded.time_zone;
    let mut table = Table::new([
        Column::Number("case"),
        Column::Text("raised"),
        Column::Text("kind"),
        Column::Text("transaction"),
        Column::Text("state"),
    ]);
    for stored in cases {
        let state = match &stored.resolution {
            None => ("open".to_owned(), Tone::Waiting),
            Some(resolution) => {
                (format!("resolved {} by {}", second(resolution.at, zone), resolution.by), Tone::Quiet)
            }
        };
        table.row([
            plain(stored.id),
            plain(second(stored.case.raised_at, zone)),
            plain(stored.case.kind.as_str()),
            plain(&stored.case.txn_id),
            state,
        ]);
    }
    table
}

pub(super) fn show(config: &Config, args: &AttentionShowArgs) -> Outcome<ExitCode> {
    let (case, txn, advice) = small_runtime()?
        .block_on(async {
            let store = service::open_store(config).await?;
            read(store.as_ref(), args.id).await.map_err(|error| unreadable(&error))
        })?
        .ok_or_else(|| no_such_case(args.id))?;
    if args.json {
        let mut transaction = json!(TransactionView::of(&txn));
        if !args.show_personal_data {
            mask(&mut transaction);
        }
        let mut document = case_json(&case, &advice, args.show_personal_data);
        document["transaction"] = transaction;
        say_json(&format!("{document:#}"))?;
    } else {
        say(&case_text(&case, &txn, &advice, args.show_personal_data, config, Paint::detect()))?;
    }
    Ok(ExitCode::SUCCESS)
}

async fn read(
    store: &dyn Store,
    id: i64,
) -> Result<Option<(AttentionCase, Transaction, Advice)>, StoreError> {
    let Some(case) = store.attention_case(id).await? else { return Ok(None) };
    let txn = store.transaction(&case.case.txn_id).await?;
    let missing = || StoreError::Failed(format!("transaction {} is missing", case.case.txn_id).into());
    let txn = txn.ok_or_else(missing)?;
    let advice = advise(store, &case, &txn).await?;
    Ok(Some((case, txn, advice)))
}

fn no_such_case(id: i64) -> Failure {
    Failure::new(format!("there is no case {id}"))
        .try_this("`pg-service attention list --all` shows all there are")
}

pub(super) fn resolve(config: Config, args: &AttentionResolveArgs) -> Outcome<ExitCode> {
    let by = by_hand::operator(args.by.as_deref()).ok_or_else(by_hand::nobody)?;
    let zone = config.embedded.time_zone.clone();
    let resolved = small_runtime()?.block_on(async {
        let Assembled { payments, .. } = service::assemble(config, &by_hand::node()).await?;
        Ok(payments.attention.resolve(args.id, &by, &args.reason).await)
    })?;
    let resolution = resolved.map_err(|error| match error {
        ResolveError::NotFound => no_such_case(args.id),
        ResolveError::Before(earlier) => Failure::new(format!(
            "case {} was resolved before, {} by {}: {}",
            args.id,
            second(earlier.at, &zone),
            escaped(&earlier.by),
            escaped(&earlier.reason)
        )),
        ResolveError::NoReason => {
            Failure::new("whoever resolves a case says why").try_this("--reason \"what was done\"")
        }
        ResolveError::Store(error) => unreadable(&error),
    })?;
    let paint = Paint::detect();
    say(&format!(
        "{}  by {}: {}",
        paint.good(&format!("Case {} is resolved.", args.id)),
        escaped(&resolution.by),
        escaped(&resolution.reason)
    ))?;
    Ok(ExitCode::SUCCESS)
}

fn case_json(stored: &AttentionCase, advice: &Advice, personal: bool) -> Value {
    let mut evidence = stored.case.evidence.clone();
    if !personal {
        mask_evidence(&mut evidence);
    }
    json!({
        "id": stored.id,
        "txnId": stored.case.txn_id,
        "kind": stored.case.kind.as_str(),
        "raisedAt": instant(stored.case.raised_at),
        "state": if stored.resolution.is_none() { "OPEN" } else { "RESOLVED" },
        "evidence": evidence,
        "recommendedAction": advice.action,
        "otherPayments": advice.other_payments.iter().map(|other| json!({
            "billId": other.bill_id,
            "txnId": other.txn_id,
            "txnStatus": other.status.as_str(),
        })).collect::<Vec<Value>>(),
        "resolution": stored.resolution.as_ref().map(|resolution| json!({
            "at": instant(resolution.at),
            "by": resolution.by,
            "reason": resolution.reason,
        })),
    })
}

fn case_text(
    stored: &AttentionCase,
    txn: &Transaction,
    advice: &Advice,
    personal: bool,
    config: &Config,
    paint: Paint,
) -> String {
    let zone = &config.embedded.time_zone;
    let state = match &stored.resolution {
        None => paint.waiting("open"),
        Some(_) => paint.good("resolved"),
    };
    let mut out = format!(
        "{}  {}  {state}\n\n",
        paint.title(&format!("Case {}", stored.id)),
        stored.case.kind.as_str()
    );
    let mut line = |name: &str, value: &str| {
        if !value.is_empty() {
            out.push_str(&format!("  {name:11} {}\n", escaped(value)));
        }
    };
    line("raised", &moment(stored.case.raised_at, zone));
    let status = txn.status_text().unwrap_or("no status");
    line("transaction", &format!("{}  {status}  {}", txn.id, txn.status_message));
    line("amount", &amount(txn));
    let bills: Vec<&str> = txn.bills.iter().map(|bill| bill.bill_id.as_str()).collect();
    line("bills", &bills.join(", "));
    line("tenant", txn.tenant_id.as_str());
    line("consumer", &txn.consumer_code);
    let details = &txn.gateway_details;
    let said = [&details.txn_id, &details.payment_mode, &details.status_code, &details.status_message];
    let said: Vec<&str> = said.into_iter().filter_map(|text| text.as_deref()).collect();
    line("gateway", &format!("{}  {}", txn.gateway, said.join(", ")));
    line("receipt", txn.receipt().unwrap_or_default());
    let payer = &txn.payer;
    let show = |text: &payment_domain::Personal| {
        if personal { text.expose().to_owned() } else { text.masked() }
    };
    for other in &advice.other_payments {
        line("beside it", &format!("{}  {}  of bill {}", other.txn_id, other.status.as_str(), other.bill_id));
    }
    line("payer", &format!("{}, {}, {}", show(&payer.name), show(&payer.mobile_number), payer.uuid));

    out.push_str(&format!("\n{}\n{}\n", paint.title("Evidence"), indented(&evidence(stored, personal))));
    match &stored.resolution {
        None => {
            out.push_str(&format!("\n{}\n", paint.title("What to do")));
            for line in wrapped(&advice.action, WIDTH) {
                out.push_str(&format!("  {line}\n"));
            }
            let command = format!("pg-service attention resolve {} --reason \"what was done\"", stored.id);
            out.push_str(&format!("\n  When it is done: {command}\n"));
        }
        Some(resolution) => {
            let after = length(resolution.at.since(stored.case.raised_at));
            out.push_str(&format!(
                "\n{}\n  {}, after {after}, by {}\n{}\n",
                paint.title("Resolved"),
                second(resolution.at, zone),
                escaped(&resolution.by),
                indented(&resolution.reason)
            ));
        }
    }
    if !personal {
        out.push_str(&format!(
            "\n{}",
            paint.quiet("Personal data is hidden; --show-personal-data shows it.")
        ));
    }
    out.truncate(out.trim_end().len());
    out
}

fn evidence(stored: &AttentionCase, personal: bool) -> String {
    let mut evidence = stored.case.evidence.clone();
    if !personal {
        mask_evidence(&mut evidence);
    }
    json_text(&format!("{evidence:#}")).into_owned()
}

fn indented(text: &str) -> String {
    text.lines().map(|line| format!("  {}", escaped(line))).collect::<Vec<_>>().join("\n")
}

/// A text in lines of at most so many characters, broken between words.
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
