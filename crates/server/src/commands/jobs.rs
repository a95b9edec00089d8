//! `jobs`: the jobs, their runs, and running one now.

use std::process::ExitCode;

use jiff::tz::TimeZone;
use payment_domain::AuditAction;
use payment_service::{FinishedRun, JobView, RunByHandError, RunState, RunView};
use tokio_util::sync::CancellationToken;

use super::database::{length, second, unreadable};
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
        say_json(&jobs)?;
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
    let runs: Vec<RunView> = runs.into_iter().map(RunView::from).collect();
    if args.json {
        say_json(&runs)?;
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
    let FinishedRun { begun, tally, end } = small_runtime()?.block_on(async {
        let Assembled { payments, scheduler, .. } = service::assemble(config, &by_hand::node()).await?;
        if scheduler.names().contains(&args.name.as_str()) {
            let actor = by_hand::actor(&by_hand::any_operator(None));
            let recorded =
                payments.audit.acts(actor, AuditAction::JobRunByHand, "job", args.name.as_str()).await;
            recorded.map_err(|error| unreadable(&error))?;
        }
        let stop = CancellationToken::new();
        let work = scheduler.run_by_hand(&args.name, &stop);
        let finished = by_hand::until_signalled(work, &stop, complain).await?;
        by_hand::settle_down(&payments, limit).await;
        finished.map_err(|error| not_run(&args.name, &scheduler.names(), &error, &zone))
    })?;
    let ended = end.map(RunState::ended);
    let (word, tone) = match &ended {
        Some((state, reason)) => outcome(*state, reason.as_deref()),
        None => ("lost: another node has taken it over".to_owned(), Tone::Bad),
    };
    let tally = tally_text(tally.examined, tally.changed, tally.still_pending, tally.failed);
    say(&format!("{}#{}  {}  {tally}", args.name, begun.fence.run_id, painted(&word, tone)))?;
    let finished = ended.is_some_and(|(state, _)| state == RunState::Finished);
    Ok(if finished { ExitCode::SUCCESS } else { ExitCode::FAILURE })
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

fn job_text(job: &JobView, zone: &TimeZone, paint: Paint) -> String {
    let next = job.next_time.map_or_else(|| "never".to_owned(), |at| second(at, zone));
    let last = match &job.last_run {
        None => paint.quiet("never run"),
        Some(run) => {
            let (word, tone) = outcome(run.state, run.reason.as_deref());
            let took = took(run).map_or_else(String::new, |took| format!(" after {took}"));
            format!(
                "#{} {}, {}{took}: {}  ({})",
                run.run,
                second(run.started_time, zone),
                painted(&word, tone),
                tally_text(run.examined, run.changed, run.still_pending, run.failed),
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

fn painted(word: &str, tone: Tone) -> String {
    let paint = Paint::detect();
    match tone {
        Tone::Good => paint.good(word),
        Tone::Bad => paint.bad(word),
        Tone::Plain | Tone::Waiting | Tone::Quiet => paint.waiting(word),
    }
}

fn tally_text(examined: u32, changed: u32, still_pending: u32, failed: u32) -> String {
    format!("examined {examined}, changed {changed}, still pending {still_pending}, failed {failed}")
}

fn runs_table(runs: &[RunView], zone: &TimeZone) -> Table {
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
            plain(run.run),
            plain(&run.job),
            plain(second(run.scheduled_time, zone)),
            plain(second(run.started_time, zone)),
            plain(&run.node),
            count(run.attempt, if run.attempt > 1 { Tone::Waiting } else { Tone::Plain }),
            count(run.missed, Tone::Waiting),
            count(run.examined, Tone::Plain),
            count(run.changed, Tone::Good),
            count(run.still_pending, Tone::Waiting),
            count(run.failed, Tone::Bad),
            plain(took(run).unwrap_or_default()),
            outcome(run.state, run.reason.as_deref()),
        ]);
    }
    table
}

fn took(run: &RunView) -> Option<String> {
    run.ended_time.map(|ended| length(ended.since(run.started_time)))
}

fn outcome(state: RunState, reason: Option<&str>) -> (String, Tone) {
    let reason = escaped(reason.unwrap_or_default());
    match state {
        RunState::Running => ("at work".to_owned(), Tone::Waiting),
        RunState::Finished => ("finished".to_owned(), Tone::Good),
        RunState::Cancelled => ("cancelled".to_owned(), Tone::Waiting),
        RunState::Failed => (format!("failed: {reason}"), Tone::Bad),
        RunState::TakenOver => (reason.into_owned(), Tone::Bad),
    }
}
