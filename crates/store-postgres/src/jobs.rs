//! The job ledger.
//!
//! The row of a job names its current run; beginning or ending a run locks that row. A write under a fence
//! holds a shared lock on it until its commit: a run that has been taken over finds another run named, and
//! one that is writing is not taken over meanwhile.

use std::time::Duration;

use async_trait::async_trait;
use payment_domain::Timestamp;
use payment_store::{
    BegunRun, Fence, JobLedger, RunEnd, RunRecord, StoreError, Tally, TickAnswer, TickRequest,
};
use tokio_postgres::Row;

use crate::PostgresStore;
use crate::clock::{Now, millis, present};
use crate::connections::{Connections, Transaction, Values};
use crate::failure::Failure;
use crate::parameters::storable;
use crate::rows::{self, Columns};

/// Locks jobs against beginning and ending a run; returns the run at work.
pub(crate) const SHARE: &str = "
    SELECT job, current_run FROM eg_pg_jobs WHERE job = ANY($1::text[]) ORDER BY job FOR SHARE";

const SELECT_RUNS: &str = "
    SELECT run_id, job, scheduled_at, missed, attempt, node, started_at, lease_until, examined, changed,
        still_pending, failed, ended_at, end_kind, end_detail
    FROM eg_pg_job_runs";

/// Begins a database transaction under a fence; `None` when its run is over. Without a fence it always
/// begins.
pub(crate) async fn begin_fenced(
    db: &Connections,
    fence: Option<&Fence>,
) -> Result<Option<Transaction>, Failure> {
    let transaction = db.begin().await?;
    let Some(fence) = fence else { return Ok(Some(transaction)) };
    let found = transaction.rows(SHARE, &[&vec![storable(&fence.job)]]).await?;
    let current: Option<i64> = found.first().map(|row| row.try_get(1)).transpose()?.flatten();
    if current == Some(fence.run_id) {
        return Ok(Some(transaction));
    }
    transaction.roll_back().await;
    Ok(None)
}

#[async_trait]
impl JobLedger for PostgresStore {
    async fn begin_run(&self, request: TickRequest) -> Result<TickAnswer, StoreError> {
        let now = self.clock.now();
        // Most of the time there is nothing to begin, and nothing to lock.
        if let Some(answer) = begin_refused(&self.db, &request, now).await? {
            return Ok(answer);
        }
        let transaction = self.db.begin().await?;
        match begin(&transaction, &request, now).await? {
            TickAnswer::Begun(run) => {
                transaction.commit().await?;
                Ok(TickAnswer::Begun(run))
            }
            refused @ (TickAnswer::Busy { .. } | TickAnswer::Done | TickAnswer::Overtaken) => {
                transaction.roll_back().await;
                Ok(refused)
            }
        }
    }

    async fn renew_run(&self, fence: &Fence, lease: Duration, tally: Tally) -> Result<bool, StoreError> {
        let renew = format!(
            "UPDATE eg_pg_job_runs SET lease_until = {} + $4,
                examined = $5, changed = $6, still_pending = $7, failed = $8
            WHERE run_id = $1 AND job = $2 AND ended_at IS NULL RETURNING run_id",
            present("$3")
        );
        let [examined, changed, still_pending, failed] = numbers(tally);
        let (job, now, lease) = (storable(&fence.job), self.clock.now().0, millis(lease));
        let values: Values<'_> =
            &[&fence.run_id, &job, &now, &lease, &examined, &changed, &still_pending, &failed];
        Ok(!self.db.repeatable(&renew, values).await?.is_empty())
    }

    async fn end_run(
        &self,
        fence: &Fence,
        at: Timestamp,
        tally: Tally,
        how: RunEnd,
    ) -> Result<bool, StoreError> {
        const FREE: &str = "
            UPDATE eg_pg_jobs SET current_run = NULL WHERE job = $1 AND current_run = $2 RETURNING job";
        const COUNT: &str = "
            UPDATE eg_pg_job_runs SET examined = $2, changed = $3, still_pending = $4, failed = $5
            WHERE run_id = $1";
        let transaction = self.db.begin().await?;
        // The job first, in the order in which all lock them.
        if transaction.rows(FREE, &[&storable(&fence.job), &fence.run_id]).await?.is_empty() {
            transaction.roll_back().await;
            return Ok(false);
        }
        let [examined, changed, still_pending, failed] = numbers(tally);
        transaction.rows(COUNT, &[&fence.run_id, &examined, &changed, &still_pending, &failed]).await?;
        end(&transaction, fence.run_id, at, &how).await?;
        transaction.commit().await?;
        Ok(true)
    }

    async fn runs(&self, job: Option<&str>, limit: u32) -> Result<Vec<RunRecord>, StoreError> {
        let limit = i64::from(limit);
        let found = match job {
            Some(job) => self.db.ask(&runs_sql(), &[&limit, &storable(job)]).await?,
            None => self.db.ask(&format!("{SELECT_RUNS} ORDER BY run_id DESC LIMIT $1"), &[&limit]).await?,
        };
        Ok(rows::all(&found, read)?)
    }

    async fn last_tick(&self, job: &str, now: Timestamp) -> Result<Option<Timestamp>, StoreError> {
        const LAST: &str = "
            SELECT scheduled_at FROM eg_pg_job_runs WHERE job = $1 AND scheduled_at <= $2
            ORDER BY scheduled_at DESC LIMIT 1";
        let found = self.db.ask(LAST, &[&storable(job), &now.as_millis()]).await?;
        Ok(rows::first(&found)?.map(Timestamp::from_millis))
    }

    // The newest run of a job is found as the last entry of the index by job up to it, here and in `begin`: for
    // max(run_id) PostgreSQL may read all runs backwards, as if each job had had one lately.
    async fn forget_runs(&self, ended_before: Timestamp, limit: u32) -> Result<u32, StoreError> {
        const FORGET: &str = "
            WITH old AS MATERIALIZED (
                SELECT run.run_id FROM eg_pg_job_runs AS run
                WHERE run.ended_at < $1 AND run.run_id NOT IN (
                    SELECT coalesce((SELECT CASE WHEN last.job = ledger.job THEN last.run_id END FROM (
                        SELECT job, run_id FROM eg_pg_job_runs WHERE job <= ledger.job
                        ORDER BY job DESC, run_id DESC LIMIT 1) AS last), 0) FROM eg_pg_jobs AS ledger)
                ORDER BY run.ended_at LIMIT $2 FOR UPDATE OF run SKIP LOCKED)
            DELETE FROM eg_pg_job_runs AS known USING old WHERE known.run_id = old.run_id RETURNING 1";
        let deleted = self.db.planned(FORGET, &[&ended_before.as_millis(), &i64::from(limit)]).await?;
        Ok(rows::count(&deleted)?)
    }
}

/// The refusals that need no lock: a run under a lease that holds, a tick that is done.
async fn begin_refused(
    db: &Connections,
    request: &TickRequest,
    now: Now,
) -> Result<Option<TickAnswer>, Failure> {
    let select = format!(
        "SELECT run.lease_until, {}, EXISTS (SELECT 1 FROM eg_pg_job_runs AS done
            WHERE done.job = $1 AND done.scheduled_at = $2 AND done.end_kind = 'finished')
        FROM eg_pg_jobs AS job LEFT JOIN eg_pg_job_runs AS run ON run.run_id = job.current_run
        WHERE job.job = $1",
        present("$3")
    );
    let values: Values<'_> = &[&storable(&request.job), &request.scheduled_at.as_millis(), &now.0];
    let found = db.ask(&select, values).await?;
    let Some(row) = found.first() else { return Ok(None) };
    let lease_until: Option<i64> = row.try_get(0)?;
    let now = Timestamp::from_millis(row.try_get(1)?);
    let is_done: bool = row.try_get(2)?;
    Ok(match lease_until.map(Timestamp::from_millis) {
        Some(until) if request.finds_held(until, now) => Some(TickAnswer::Busy { until }),
        Some(_) => None,
        None => is_done.then_some(TickAnswer::Done),
    })
}

/// Begins a run with the row of its job locked; a refusal leaves nothing to commit.
async fn begin(transaction: &Transaction, request: &TickRequest, now: Now) -> Result<TickAnswer, Failure> {
    const KNOW: &str = "INSERT INTO eg_pg_jobs (job) VALUES ($1) ON CONFLICT (job) DO NOTHING";
    const LOCK: &str = "SELECT current_run FROM eg_pg_jobs WHERE job = $1 FOR UPDATE";
    const CARRIED_OUT: &str = "
        SELECT 1 FROM eg_pg_job_runs WHERE job = $1 AND scheduled_at = $2 AND end_kind = 'finished' LIMIT 1";
    const NEWEST: &str = "
        SELECT coalesce((SELECT CASE WHEN last.job = $1 THEN last.run_id END FROM (
            SELECT job, run_id FROM eg_pg_job_runs WHERE job <= $1 ORDER BY job DESC, run_id DESC LIMIT 1) AS last), 0)";
    const INSERT: &str = "
        INSERT INTO eg_pg_job_runs (job, scheduled_at, missed, attempt, node, started_at, lease_until,
            examined, changed, still_pending, failed)
        VALUES ($1, $2, $3,
            (SELECT coalesce(max(attempt), 0) + 1 FROM eg_pg_job_runs WHERE job = $1 AND scheduled_at = $2),
            $4, $5, $6, 0, 0, 0, 0)
        RETURNING run_id, attempt";
    const SET: &str = "UPDATE eg_pg_jobs SET current_run = $2 WHERE job = $1";
    let (job, node) = (storable(&request.job), storable(&request.node));
    transaction.rows(KNOW, &[&job]).await?;
    let current: Option<i64> = rows::first(&transaction.rows(LOCK, &[&job]).await?)?.flatten();
    // Read when the job is locked: until then others may have begun.
    let clock = format!("SELECT {}", present("$1"));
    let now = rows::first(&transaction.rows(&clock, &[&now.0]).await?)?.ok_or(Failure::OutOfRange)?;
    let now = Timestamp::from_millis(now);
    let at_work = match current {
        Some(run_id) => {
            let at_work = format!("{SELECT_RUNS} WHERE run_id = $1 FOR UPDATE");
            transaction.rows(&at_work, &[&run_id]).await?.first().map(read).transpose()?
        }
        None => None,
    };
    let (scheduled_at, missed, taken_from) = match at_work {
        Some(run) if request.finds_held(run.lease_until, now) => {
            return Ok(TickAnswer::Busy { until: run.lease_until });
        }
        Some(run) => {
            let by_us = RunEnd::TakenOver { by: request.node.clone() };
            end(transaction, run.fence.run_id, now, &by_us).await?;
            (run.scheduled_at, run.missed, Some(run.node))
        }
        None => {
            let scheduled_at = request.scheduled_at.as_millis();
            if !transaction.rows(CARRIED_OUT, &[&job, &scheduled_at]).await?.is_empty() {
                return Ok(TickAnswer::Done);
            }
            if request.newest_known.is_some()
                && rows::first(&transaction.rows(NEWEST, &[&job]).await?)? != request.newest_known
            {
                return Ok(TickAnswer::Overtaken);
            }
            (request.scheduled_at, request.missed, None)
        }
    };
    let lease_until = now.plus(request.lease).as_millis();
    let values: Values<'_> =
        &[&job, &scheduled_at.as_millis(), &i64::from(missed), &node, &now.as_millis(), &lease_until];
    let begun = transaction.rows(INSERT, values).await?;
    let row = begun.first().ok_or(Failure::Contended)?;
    let (run_id, attempt): (i64, i64) = (row.try_get(0)?, row.try_get(1)?);
    transaction.rows(SET, &[&job, &run_id]).await?;
    Ok(TickAnswer::Begun(BegunRun {
        fence: Fence { job: request.job.clone(), run_id },
        scheduled_at,
        attempt: u32::try_from(attempt).map_err(|_| Failure::OutOfRange)?,
        taken_from,
    }))
}

fn numbers(tally: Tally) -> [i64; 4] {
    [tally.examined, tally.changed, tally.still_pending, tally.failed].map(i64::from)
}

/// Ends a run that is at work; its tally stays.
async fn end(transaction: &Transaction, run_id: i64, at: Timestamp, how: &RunEnd) -> Result<(), Failure> {
    const END: &str = "
        UPDATE eg_pg_job_runs SET ended_at = $2, end_kind = $3, end_detail = $4 WHERE run_id = $1";
    let (word, detail) = how.as_words();
    let detail = detail.map(storable);
    transaction.rows(END, &[&run_id, &at.as_millis(), &word, &detail]).await?;
    Ok(())
}

/// The runs of a job.
pub(crate) fn runs_sql() -> String {
    format!("{SELECT_RUNS} WHERE job = $2 ORDER BY run_id DESC LIMIT $1")
}

pub(crate) fn read(row: &Row) -> Result<RunRecord, Failure> {
    let columns = Columns::keyless(row, "eg_pg_job_runs");
    let run_id = columns.get("run_id")?;
    let mut run = RunRecord {
        fence: Fence { job: columns.get("job")?, run_id },
        scheduled_at: columns.moment("scheduled_at")?,
        missed: columns.number("missed")?,
        attempt: columns.number("attempt")?,
        node: columns.get("node")?,
        started_at: columns.moment("started_at")?,
        lease_until: columns.moment("lease_until")?,
        tally: Tally {
            examined: columns.number("examined")?,
            changed: columns.number("changed")?,
            still_pending: columns.number("still_pending")?,
            failed: columns.number("failed")?,
        },
        ended: None,
    };
    let at = columns.optional_moment("ended_at")?;
    let (word, detail): (Option<&str>, Option<String>) =
        (columns.get("end_kind")?, columns.get("end_detail")?);
    run.ended = match (at, word) {
        (None, None) => None,
        (Some(at), Some(word)) => {
            Some((at, RunEnd::from_words(word, detail).ok_or_else(|| columns.unreadable("end_kind"))?))
        }
        (Some(_), None) | (None, Some(_)) => return Err(columns.unreadable("end_kind")),
    };
    Ok(run)
}
