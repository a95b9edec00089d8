//! `jobs`: what runs by itself, what came of it, and running it now.

use std::process::ExitCode;

use jiff::tz::TimeZone;
use payment_domain::Timestamp;
use payment_service::{FinishedRun, JobOverview, RunByHandError};
use payment_store::{RunEnd, RunRecord, Tally};
use serde_json::{Value, json};
use tokio_util::sync::CancellationToken;

use super::database::{instant, length, second, unreadable};
use super::table::{Column, Table, Tone, count, plain};
use super::{by_hand, small_runtime};
use crate::cli::{JobsHistoryArgs, JobsListArgs, JobsRunArgs};
use crate::config::Config;
use crate::failure::{Failure, Outcome};
use crate::service::{self, Assembled};
use crate::terminal::{Paint, complain, escaped, say, say_json};

pub(super) fn list(config: Config, args: &JobsListArgs) -> Outcome<ExitCode> {
    let zone = config.embedded.time_zone.clone();
    let jobs = small_runtime()?.block_on(async {
        let Assembled { scheduler, .. } = service::assemble(config, &by_hand::node()).await?;
        scheduler.overview().await.map_err(|error| unreadable(&error))
    })?;
    if args.json {
        let jobs: Vec<Value> = jobs.iter().map(job_json).collect();
        say_json(&format!("{:#}", Value::from(jobs)))?;
    } else {
        let paint = Paint::detect();
        let jobs: Vec<String> = jobs.iter().map(|job| job_text(job, &zone, paint)).collect();
        say(&jobs.join("\n\n"))?;
    }
    Ok(ExitCode::SUCCESS)
}

pub(super) fn history(config: &Config, args: &JobsHistoryArgs) -> Outcome<ExitCode> {
    let runs = small_runtime()?.block_on(async {
        let store = service::open_store(config).await?;
        store.runs(args.name.as_deref(), args.limit).await.map_err(|error| unreadable(&error))
    })?;
    if args.json {
        let runs: Vec<Value> = runs.iter().map(run_json).collect();
        say_json(&format!("{:#}", Value::from(runs)))?;
    } else if runs.is_empty() {
        let of = args.name.as_ref().map_or_else(String::new, |name| format!(" of `{name}`"));
        say(&format!("No run{of} is recorded. `pg-service jobs list` shows the jobs there are."))?;
    } else {
        say(&runs_table(&runs, &config.embedded.time_zone).render(Paint::detect()))?;
    }
    Ok(ExitCode::SUCCESS)
}

pub(super) fn run(config: Config, args: &JobsRunArgs) -> Outcome<ExitCode> {
    let (zone, limit) = (config.embedded.time_zone.clone(), config.serve_limits.shutdown_time);
    let finished = small_runtime()?.block_on(async {
        let Assembled { payments, scheduler, .. } = service::assemble(config, &by_hand::node()).await?;
        let stop = CancellationToken::new();
        let work = scheduler.run_by_hand(&args.name, &stop);
        let finished = by_hand::until_signalled(work, &stop, complain).await?;
        by_hand::settle_down(&payments, limit).await;
        finished.map_err(|error| not_run(&args.name, &scheduler.names(), &error, &zone))
    })?;
    let paint = Paint::detect();
    let FinishedRun { begun, tally, end } = &finished;
    let (word, tone) = match end {
        Some(end) => ended(end),
        None => ("lost: another node has taken it over".to_owned(), Tone::Bad),
    };
    let word = match tone {
        Tone::Good => paint.good(&word),
        Tone::Bad => paint.bad(&word),
        Tone::Plain | Tone::Waiting | Tone::Quiet => paint.waiting(&word),
    };
    say(&format!("{}#{}  {word}  {}", args.name, begun.fence.run_id, tally_text(tally)))?;
    Ok(match end {
        Some(RunEnd::Finished) => ExitCode::SUCCESS,
        Some(RunEnd::Cancelled | RunEnd::Failed(_) | RunEnd::TakenOver { .. }) | None => ExitCode::FAILURE,
    })
}

fn not_run(name: &str, names: &[&str], error: &RunByHandError, zone: &TimeZone) -> Failure {
    match error {
        RunByHandError::Unknown => {
            Failure::new(format!("there is no job `{name}`")).try_this(format!("the jobs are {}", names.join(", ")))
        }
        RunByHandError::Busy(until) => Failure::new(format!("the job {name} is at work elsewhere")).try_this(format!(
            "see `pg-service jobs history {name}`, and try again when it has ended; if its node has died, another \
             takes over after {}",
            second(*until, zone)
        )),
        RunByHandError::ClockDiffers(_) => Failure::new(error.to_string())
            .try_this("set this computer's clock, or run the job on another"),
        RunByHandError::Store(error) => unreadable(error),
    }
}

fn job_text(job: &JobOverview, zone: &TimeZone, paint: Paint) -> String {
    let next = job.next.map_or_else(|| "never".to_owned(), |at| second(at, zone));
    let last = match &job.last_run {
        None => paint.quiet("never run"),
        Some(run) => {
            let (word, tone) = state(run);
            let word = match tone {
                Tone::Good => paint.good(&word),
                Tone::Bad => paint.bad(&word),
                Tone::Plain | Tone::Waiting | Tone::Quiet => paint.waiting(&word),
            };
            let took = took(run).map_or_else(String::new, |took| format!(" after {took}"));
            format!(
                "#{} {}, {word}{took}: {}  ({})",
                run.fence.run_id,
                second(run.started_at, zone),
                tally_text(&run.tally),
                escaped(&run.node)
            )
        }
    };
    format!(
        "{}  {}\n  due   {}, next {next}\n  last  {last}",
        paint.title(job.name),
        job.purpose,
        job.schedule
    )
}

fn tally_text(tally: &Tally) -> String {
    let Tally { examined, changed, still_pending, failed } = tally;
    format!("examined {examined}, changed {changed}, still pending {still_pending}, failed {failed}")
}

fn runs_table(runs: &[RunRecord], zone: &TimeZone) -> Table {
    let mut table = Table::new([
        Column::Number("run"),
        Column::Text("job"),
        Column::Text("scheduled"),
        Column::Text("started"),
        Column::Text("node"),
        Column::Number("attempt"),
        Column::Number("missed"),
        Column::Number("examined"),
        Column::Number("changed"),
        Column::Number("pending"),
        Column::Number("failed"),
        Column::Number("took"),
        Column::Text("end"),
    ]);
    for run in runs {
        table.row([
            plain(run.fence.run_id),
            plain(&run.fence.job),
            plain(second(run.scheduled_at, zone)),
            plain(second(run.started_at, zone)),
            plain(&run.node),
            count(run.attempt, if run.attempt > 1 { Tone::Waiting } else { Tone::Plain }),
            count(run.missed, Tone::Waiting),
            count(run.tally.examined, Tone::Plain),
            count(run.tally.changed, Tone::Good),
            count(run.tally.still_pending, Tone::Waiting),
            count(run.tally.failed, Tone::Bad),
            plain(took(run).unwrap_or_default()),
            state(run),
        ]);
    }
    table
}

fn took(run: &RunRecord) -> Option<String> {
    run.ended.as_ref().map(|(at, _)| length(at.since(run.started_at)))
}

fn state(run: &RunRecord) -> (String, Tone) {
    match &run.ended {
        Some((_, end)) => ended(end),
        None => ("at work".to_owned(), Tone::Waiting),
    }
}

fn ended(end: &RunEnd) -> (String, Tone) {
    match end {
        RunEnd::Finished => ("finished".to_owned(), Tone::Good),
        RunEnd::Cancelled => ("cancelled".to_owned(), Tone::Waiting),
        RunEnd::Failed(reason) => (format!("failed: {}", escaped(reason)), Tone::Bad),
        RunEnd::TakenOver { by } => (format!("taken over by {}", escaped(by)), Tone::Bad),
    }
}

fn job_json(job: &JobOverview) -> Value {
    json!({
        "name": job.name,
        "purpose": job.purpose,
        "schedule": job.schedule,
        "next": job.next.map(instant),
        "lastRun": job.last_run.as_ref().map(run_json),
    })
}

fn run_json(run: &RunRecord) -> Value {
    let (state, reason) = match run.ended.as_ref().map(|(_, end)| end) {
        None => ("RUNNING", None),
        Some(RunEnd::Finished) => ("FINISHED", None),
        Some(RunEnd::Cancelled) => ("CANCELLED", None),
        Some(RunEnd::Failed(reason)) => ("FAILED", Some(reason.clone())),
        Some(RunEnd::TakenOver { by }) => ("TAKEN_OVER", Some(format!("taken over by {by}"))),
    };
    let ended: Option<Timestamp> = run.ended.as_ref().map(|(at, _)| *at);
    json!({
        "run": run.fence.run_id,
        "job": run.fence.job,
        "state": state,
        "reason": reason,
        "scheduled": instant(run.scheduled_at),
        "started": instant(run.started_at),
        "ended": ended.map(instant),
        "tookMs": ended.map(|at| at.as_millis() - run.started_at.as_millis()),
        "leaseUntil": instant(run.lease_until),
        "node": run.node,
        "attempt": run.attempt,
        "missed": run.missed,
        "examined": run.tally.examined,
        "changed": run.tally.changed,
        "stillPending": run.tally.still_pending,
        "failed": run.tally.failed,
    })
}
