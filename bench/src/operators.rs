//! Runs a job over HTTP, like an operator.

use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};
use serde_json::Value;

use crate::load::{Connection, post_with};
use crate::report::progress;
use crate::service::{Launch, Service};

/// The operators' token; not a real secret.
const TOKEN: &str = "the-token-of-the-load-test";

const POLL_INTERVAL: Duration = Duration::from_secs(2);

/// A service with the operators' endpoints.
pub(crate) fn admitted(launch: Launch) -> Launch {
    launch.variable("PG_SERVICE_OPERATORS_TOKEN", TOKEN)
}

/// The result of a job's run.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Ran {
    /// According to the service's record.
    pub(crate) took: Duration,
    pub(crate) changed: u64,
    pub(crate) failed: u64,
}

/// Runs a job and waits for its end.
pub(crate) async fn run_job(service: &Service, job: &str) -> Result<Ran> {
    let mut run = ask(service, &format!("/jobs/v1/{job}/_run"), "{}").await?["Run"].take();
    let number = run["run"].as_u64().with_context(|| format!("the run has no number: {run}"))?;
    while run["state"] == "RUNNING" {
        tokio::time::sleep(POLL_INTERVAL).await;
        let mut history =
            ask(service, "/jobs/v1/_history", &format!(r#"{{"job":"{job}","limit":5}}"#)).await?;
        let runs = history["Runs"].as_array_mut().context("the history of jobs has no runs")?;
        run = runs
            .iter_mut()
            .find(|run| run["run"] == number)
            .map(Value::take)
            .context("the run was not recorded")?;
        progress(&format!("{job}: {} examined so far", run["examined"]));
    }
    if run["state"] != "FINISHED" {
        bail!("the job {job} did not come to its end: {run}");
    }
    let field = |name: &str| run[name].as_u64().with_context(|| format!("the run has no {name}: {run}"));
    Ok(Ran {
        took: Duration::from_millis(field("endedTime")?.saturating_sub(field("startedTime")?)),
        changed: field("changed")?,
        failed: field("failed")?,
    })
}

async fn ask(service: &Service, path: &str, body: &str) -> Result<Value> {
    let authority = format!("Authorization: Bearer {TOKEN}\r\n");
    let request = post_with(&authority, &format!("/pg-service{path}"), body);
    let answer = Connection::open(&service.address).await?.exchange(&request).await?;
    let text = String::from_utf8_lossy(&answer.body).into_owned();
    ensure!(matches!(answer.status, 200 | 202), "{path} is answered with {}: {text}", answer.status);
    Ok(serde_json::from_str(&text)?)
}
