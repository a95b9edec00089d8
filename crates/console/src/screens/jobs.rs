//! Jobs with their runs, and the gateways.

use askama::Template;
use http::{HeaderValue, header};
use payment_domain::AuditAction;
use payment_service::{GatewayStatus, JobView, RunByHandError, RunState, RunView, access};

use crate::context::Context;
use crate::failure::{Failure, Outcome};
use crate::format::{self, Tag};
use crate::language::fill;
use crate::links::segment;
use crate::page::{self, Frame};

const RUNS: u32 = 20;
/// Seconds after which the page of a running job is loaded again.
const REFRESH: &str = "10";

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
    purpose: &'static str,
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
    purpose: &'static str,
    is_running: bool,
    may_run: bool,
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
    reason: String,
}

/// `GET /jobs`
pub(crate) async fn list(context: &Context) -> Outcome {
    let t = context.language.texts();
    let jobs = context.console().scheduler.overview().await?;
    let gateways = context.payments().ports.gateways.statuses().into_iter();
    page::html(&JobsPage {
        jobs: jobs.into_iter().map(|job| row(context, job)).collect(),
        gateways: gateways.map(|status| gateway(context, &status)).collect(),
        f: Frame::of(context, t.jobs, &[]),
    })
}

fn gateway(context: &Context, status: &GatewayStatus) -> String {
    let t = context.language.texts();
    let name = status.name.as_str();
    match status.unavailable_for {
        None => fill(t.gateway_available, [name]),
        Some(wait) => fill(t.gateway_unavailable, [name, &wait.as_secs().to_string()]),
    }
}

fn row(context: &Context, job: JobView) -> JobRow {
    let at = |at| format::moment(context, at);
    JobRow {
        name: job.name,
        href: context.link(&format!("/jobs/{}", segment(job.name))).href(),
        purpose: job.purpose,
        schedule: job.schedule,
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
    let runs: Vec<RunView> = runs.into_iter().map(RunView::from).collect();
    let is_running = runs.iter().any(|run| run.state == RunState::Running);
    let page = JobPage {
        here: context.link(&format!("/jobs/{}", segment(job.name))).href(),
        purpose: job.purpose,
        is_running,
        may_run: context.has_at_state(access::ACTS),
        rows: runs.into_iter().map(|run| run_row(context, run)).collect(),
        f: Frame::of(context, fill(t.job_title, [job.name]), &[(t.jobs, "/jobs")]),
    };
    let mut response = page::html(&page)?;
    if is_running {
        response.headers_mut().insert(header::REFRESH, HeaderValue::from_static(REFRESH));
    }
    Ok(response)
}

async fn of_path(context: &Context) -> Result<JobView, Failure> {
    let jobs = context.console().scheduler.overview().await?;
    jobs.into_iter().find(|job| job.name == context.path("name")).ok_or(Failure::NotFound)
}

fn run_row(context: &Context, run: RunView) -> RunRow {
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
        reason: run.reason.unwrap_or_default(),
    }
}

/// `POST /jobs/{name}/run`: begins a run here; its page tells how it goes on.
pub(crate) async fn run(context: &Context) -> Outcome {
    let job = of_path(context).await?;
    let t = context.language.texts();
    let actor = context.actor_of_installation(access::ACTS)?;
    let payments = context.payments();
    payments.audit.acts(actor, AuditAction::JobRunByHand, "job", job.name).await?;
    let begun = context.console().scheduler.begin_by_hand(job.name).await.map_err(|error| match error {
        RunByHandError::Unknown => Failure::NotFound,
        RunByHandError::Busy(_) => Failure::refused(t.job_busy),
        RunByHandError::ClockDiffers(_) => Failure::refused(error.to_string()),
        RunByHandError::Store(error) => Failure::Store(error),
    })?;
    tracing::info!(job = job.name, run = begun.begun().fence.run_id, "an operator runs a job");
    let stop = context.console().stop.clone();
    payments.ports.tasks.spawn(async move { begun.carry_out(&stop).await });
    page::see(&context.link(&format!("/jobs/{}", segment(job.name))).href())
}
