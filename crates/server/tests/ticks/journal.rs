//! The database's own record of runs under way, and of the replicas at work.

use tokio_postgres::Client;

/// The job whose ticks are counted.
pub(crate) const JOB: &str = "reconcile-daily";

/// A run that is at work.
#[derive(Debug, Clone)]
pub(crate) struct AtWork {
    pub(crate) run_id: i64,
    pub(crate) node: String,
}

/// From now on everything is noted.
pub(crate) async fn begin(client: &Client) {
    client.batch_execute(include_str!("journal.sql")).await.unwrap();
}

/// The run of the job that is at work, if one is.
pub(crate) async fn at_work(client: &Client) -> Option<AtWork> {
    const AT_WORK: &str = "
        SELECT run.run_id, run.node FROM eg_pg_jobs AS job
        JOIN eg_pg_job_runs AS run ON run.run_id = job.current_run WHERE job.job = $1";
    let row = client.query_opt(AT_WORK, &[&JOB]).await.unwrap()?;
    Some(AtWork { run_id: row.get(0), node: row.get(1) })
}

/// The number of ticks that are finished.
pub(crate) async fn finished(client: &Client) -> u64 {
    const FINISHED: &str = "
        SELECT count(DISTINCT scheduled_at) FROM eg_pg_job_runs WHERE job = $1 AND end_kind = 'finished'";
    let count: i64 = client.query_one(FINISHED, &[&JOB]).await.unwrap().get(0);
    u64::try_from(count).unwrap()
}

/// The moment of the latest tick that is finished.
pub(crate) async fn latest_finished(client: &Client) -> i64 {
    const LATEST: &str = "
        SELECT max(scheduled_at) FROM eg_pg_job_runs WHERE job = $1 AND end_kind = 'finished'";
    client.query_one(LATEST, &[&JOB]).await.unwrap().get(0)
}
