//! Jobs with their runs, and the gateways.

use askama::Template;
use http::StatusCode;
use payment_domain::{AuditAction, AuditActor};
use payment_service::{GatewayStatus, JobView, RunByHandError, RunState, RunView, access};
use payment_store::{RunEnd, RunRecord};

use super::export::{self, Offered};
use crate::context::Context;
use crate::failure::{Failure, Outcome, Refusal};
use crate::format::{self, Tag};
use crate::language::fill;
use crate::links::segment;
use crate::page::{self, Frame};
use crate::wording;

const RUNS: u32 = 20;

#[derive(Template)]
#[template(path = "jobs.html")]
struct JobsPage {
    f: Frame,
    jobs: Vec<JobRow>,
    gateways: Vec<String>,
}

struct JobRow {
    name: &'static str,
    href: String,
    purpose: Purpose,
    schedule: String,
    next: String,
    last: String,
    tag: Option<Tag>,
}

#[derive(Template)]
#[template(path = "job.html")]
struct JobPage {
    f: Frame,
    here: String,
    purpose: Purpose,
    is_running: bool,
    progress: Option<String>,
    may_run: bool,
    exports: Offered,
    rows: Vec<RunRow>,
}

struct RunRow {
    run: i64,
    tag: Tag,
    started: String,
    ended: String,
    node: String,
    examined: u32,
    changed: u32,
    still_pending: u32,
    failed: u32,
    /// In the words of the job, in English.
    error: String,
    taken_over: Option<String>,
}

/// The purpose of a job; of one without a text here in the words of its author.
struct Purpose {
    text: &'static str,
    is_english: bool,
}

impl Purpose {
    fn of(context: &Context, job: &JobView) -> Purpose {
        match wording::purpose(context.language.texts(), job.name) {
            Some(text) => Purpose { text, is_english: false },
            None => Purpose { text: job.purpose, is_english: true },
        }
    }
}

/// `GET /jobs`
pub(crate) async fn list(context: &Context) -> Outcome {
    let t = context.language.texts();
    let jobs = context.console().scheduler.overview().await?;
    let gateways = context.payments().ports.gateways.statuses().into_iter();
    page::html(&JobsPage {
        jobs: jobs.into_iter().map(|job| row(context, job)).collect(),
        gateways: gateways.map(|status| gateway(context, &status)).collect(),
        f: Frame::of(context, t.frame.jobs, &[]),
    })
}

fn gateway(context: &Context, status: &GatewayStatus) -> String {
    let t = context.language.texts();
    let name = status.name.as_str();
    match status.unavailable_for {
        None => fill(t.operations.gateway_available, [name]),
        Some(wait) => fill(t.operations.gateway_unavailable, [name, &wait.as_secs().to_string()]),
    }
}

fn row(context: &Context, job: JobView) -> JobRow {
    let at = |at| format::moment(context, at);
    JobRow {
        name: job.name,
        href: context.link(&format!("/jobs/{}", segment(job.name))).href(),
        purpose: Purpose::of(context, &job),
        schedule: wording::timing(context.language.texts(), &job.timing),
        next: job.next_time.map(at).unwrap_or_default(),
        last: job.last_run.as_ref().map(|run| at(run.started_time)).unwrap_or_default(),
        tag: job.last_run.map(|run| format::run_tag(context.language, run.state)),
    }
}

/// `GET /jobs/{name}`: loaded again while a run is at work.
pub(crate) async fn show(context: &Context) -> Outcome {
    let t = context.language.texts();
    let job = of_path(context).await?;
    let runs = context.payments().ports.store.runs(Some(job.name), RUNS).await?;
    let runs: Vec<(RunView, Option<String>)> = runs.into_iter().map(with_heir).collect();
    let running = runs.iter().map(|(run, _)| run).find(|run| run.state == RunState::Running);
    let is_running = running.is_some();
    page::html(&JobPage {
        here: context.link(&format!("/jobs/{}", segment(job.name))).href(),
        purpose: Purpose::of(context, &job),
        is_running,
        progress: running.map(|run| progress(context, run)),
        may_run: context.has_at_state(access::ACTS),
        exports: export::offered(context, &format!("/jobs/{}", segment(job.name)), &context.link("")),
        rows: runs.into_iter().map(|(run, heir)| run_row(context, run, heir)).collect(),
        f: Frame::of(context, fill(t.operations.job_title, [job.name]), &[(t.frame.jobs, "/jobs")])
            .following(is_running),
    })
}

/// How far a run has come, as its node has told last.
pub(super) fn progress(context: &Context, run: &RunView) -> String {
    let seconds = context.payments().ports.clock.now().since(run.started_time).as_secs();
    let t = context.language.texts();
    fill(
        t.operations.job_progress,
        [&run.run.to_string(), &run.examined.to_string(), &run.changed.to_string(), &seconds.to_string()],
    )
}

pub(super) async fn of_path(context: &Context) -> Result<JobView, Failure> {
    let jobs = context.console().scheduler.overview().await?;
    jobs.into_iter().find(|job| job.name == context.path("name")).ok_or(Failure::NotFound)
}

/// A run, and the node that has taken it over.
fn with_heir(run: RunRecord) -> (RunView, Option<String>) {
    let heir = match &run.ended {
        Some((_, RunEnd::TakenOver { by })) => Some(by.clone()),
        Some((_, RunEnd::Finished | RunEnd::Cancelled | RunEnd::Failed(_))) | None => None,
    };
    (RunView::from(run), heir)
}

fn run_row(context: &Context, run: RunView, heir: Option<String>) -> RunRow {
    let t = context.language.texts();
    RunRow {
        run: run.run,
        tag: format::run_tag(context.language, run.state),
        started: format::moment(context, run.started_time),
        ended: run.ended_time.map(|at| format::moment(context, at)).unwrap_or_default(),
        node: run.node,
        examined: run.examined,
        changed: run.changed,
        still_pending: run.still_pending,
        failed: run.failed,
        error: run.reason.filter(|_| heir.is_none()).unwrap_or_default(),
        taken_over: heir.map(|node| fill(t.jobs.taken_over_by, [&node])),
    }
}

/// `POST /jobs/{name}/run`: begins a run here; its page tells how it goes on.
pub(crate) async fn run(context: &Context) -> Outcome {
    let job = of_path(context).await?;
    let actor = context.actor_of_installation(access::ACTS)?;
    begin(context, actor, job.name).await?;
    page::see(&context.link(&format!("/jobs/{}", segment(job.name))).href())
}

/// Begins a run in the name of the actor. It goes on when the browser leaves.
pub(super) async fn begin(context: &Context, actor: AuditActor, job: &'static str) -> Result<(), Failure> {
    let t = context.language.texts();
    let payments = context.payments();
    payments.audit.acts(actor, AuditAction::JobRunByHand, "job", job).await?;
    let begun = context.console().scheduler.begin_by_hand(job).await.map_err(|error| match error {
        RunByHandError::Unknown => Failure::NotFound,
        RunByHandError::Busy(_) => Failure::refused(t.operations.job_busy),
        RunByHandError::ClockDiffers(ms) => {
            Failure::Refused(StatusCode::CONFLICT, Refusal::ClockDiffers(ms / 1_000))
        }
        RunByHandError::Store(error) => Failure::Store(error),
    })?;
    tracing::info!(job, run = begun.begun().fence.run_id, "an operator runs a job");
    let stop = context.console().stop.clone();
    payments.ports.tasks.spawn(async move { begun.carry_out(&stop).await });
    Ok(())
}
