//! The job ledger. At most one run of a job is current, by a unique index; a run is taken over in the commit
//! in which the next one begins, so that the number of the current run is a fence: later writes of an earlier
//! run are refused.

use std::time::Duration;

use async_trait::async_trait;
use payment_domain::Timestamp;
use payment_store::{
    BegunRun, Fence, JobLedger, RunEnd, RunRecord, StoreError, Tally, TickAnswer, TickRequest,
};
use rusqlite::types::Value;
use rusqlite::{Connection, Row, params};

use crate::SqliteStore;
use crate::exporting::{ALL, Statement};
use crate::failure::Failure;
use crate::rows::{self, Columns};

const SELECT: &str = "
    SELECT run_id, job, scheduled_at, missed, attempt, node, started_at, lease_until, examined, changed,
        still_pending, failed, ended_at, ended, ended_detail
    FROM eg_pg_job_runs";

const LAST_TICK: &str = "SELECT max(scheduled_at) FROM eg_pg_job_runs WHERE job = ?1 AND scheduled_at <= ?2";
const FORGET: &str = "
    DELETE FROM eg_pg_job_runs WHERE run_id IN (
        SELECT run_id FROM eg_pg_job_runs AS run
        WHERE ended_at < ?1 AND EXISTS (
            SELECT 1 FROM eg_pg_job_runs AS later WHERE later.job = run.job AND later.run_id > run.run_id)
        ORDER BY ended_at, run_id LIMIT ?2)";

#[async_trait]
impl JobLedger for SqliteStore {
    async fn begin_run(&self, request: TickRequest) -> Result<TickAnswer, StoreError> {
        let clock = self.clock();
        Ok(self.writer.write(move |conn| begin(conn, &request, clock.now())).await?)
    }

    async fn renew_run(&self, fence: &Fence, lease: Duration, tally: Tally) -> Result<bool, StoreError> {
        let (fence, clock) = (fence.clone(), self.clock());
        let renew = move |conn: &Connection| {
            let renewed = conn
                .prepare_cached(
                    "UPDATE eg_pg_job_runs SET
                         lease_until = ?3, examined = ?4, changed = ?5, still_pending = ?6, failed = ?7
                     WHERE run_id = ?1 AND job = ?2 AND ended_at IS NULL",
                )?
                .execute(params![
                    fence.run_id,
                    fence.job,
                    clock.now().plus(lease).as_millis(),
                    tally.examined,
                    tally.changed,
                    tally.still_pending,
                    tally.failed,
                ])?;
            Ok(renewed > 0)
        };
        Ok(self.writer.write(renew).await?)
    }

    async fn end_run(
        &self,
        fence: &Fence,
        at: Timestamp,
        tally: Tally,
        how: RunEnd,
    ) -> Result<bool, StoreError> {
        let fence = fence.clone();
        Ok(self.writer.write(move |conn| end(conn, &fence, at, Some(tally), &how)).await?)
    }

    async fn runs(&self, job: Option<&str>, limit: u32) -> Result<Vec<RunRecord>, StoreError> {
        let job = job.map(ToOwned::to_owned);
        let runs = move |conn: &Connection| match &job {
            Some(job) => {
                let of_job = format!("{SELECT} WHERE job = ?1 ORDER BY run_id DESC LIMIT ?2");
                rows::all(conn, &of_job, params![job, limit], read)
            }
            None => {
                let all = format!("{SELECT} ORDER BY run_id DESC LIMIT ?1");
                rows::all(conn, &all, params![limit], read)
            }
        };
        Ok(self.readers.read(runs).await?)
    }

    async fn last_tick(&self, job: &str, now: Timestamp) -> Result<Option<Timestamp>, StoreError> {
        let job = job.to_owned();
        let last = move |conn: &Connection| {
            let mut statement = conn.prepare_cached(LAST_TICK)?;
            let last: Option<i64> = statement.query_row(params![job, now.as_millis()], |row| row.get(0))?;
            Ok(last.map(Timestamp::from_millis))
        };
        Ok(self.readers.read(last).await?)
    }

    async fn forget_runs(&self, ended_before: Timestamp, limit: u32) -> Result<u32, StoreError> {
        let forget = move |conn: &Connection| {
            rows::count(conn.prepare_cached(FORGET)?.execute(params![ended_before.as_millis(), limit])?)
        };
        Ok(self.writer.write(forget).await?)
    }
}

/// Whether a write under this fence is to be refused; one without a fence never is.
pub(crate) fn is_over(conn: &Connection, fence: Option<&Fence>) -> Result<bool, Failure> {
    let Some(fence) = fence else { return Ok(false) };
    let is_at_work = conn
        .prepare_cached("SELECT 1 FROM eg_pg_job_runs WHERE run_id = ?1 AND job = ?2 AND ended_at IS NULL")?
        .exists(params![fence.run_id, fence.job])?;
    Ok(!is_at_work)
}

fn begin(conn: &Connection, request: &TickRequest, now: Timestamp) -> Result<TickAnswer, Failure> {
    let (scheduled_at, missed, taken_from) = match at_work(conn, &request.job)? {
        Some(run) if request.finds_held(run.lease_until, now) => {
            return Ok(TickAnswer::Busy { until: run.lease_until });
        }
        Some(run) => {
            let by_us = RunEnd::TakenOver { by: request.node.clone() };
            end(conn, &run.fence, now, None, &by_us)?;
            (run.scheduled_at, run.missed, Some(run.node))
        }
        None if is_carried_out(conn, request)? => return Ok(TickAnswer::Done),
        None if is_overtaken(conn, request)? => return Ok(TickAnswer::Overtaken),
        None => (request.scheduled_at, request.missed, None),
    };
    let mut statement = conn.prepare_cached(
        "INSERT INTO eg_pg_job_runs (job, scheduled_at, missed, node, started_at, lease_until, attempt)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, (
             SELECT coalesce(max(attempt), 0) + 1 FROM eg_pg_job_runs WHERE job = ?1 AND scheduled_at = ?2))
         RETURNING run_id, attempt",
    )?;
    let begun = params![
        request.job,
        scheduled_at.as_millis(),
        missed,
        request.node,
        now.as_millis(),
        now.plus(request.lease).as_millis(),
    ];
    let (run_id, attempt) = statement.query_row(begun, |row| Ok((row.get(0)?, row.get(1)?)))?;
    let fence = Fence { job: request.job.clone(), run_id };
    Ok(TickAnswer::Begun(BegunRun { fence, scheduled_at, attempt, taken_from }))
}

fn at_work(conn: &Connection, job: &str) -> Result<Option<RunRecord>, Failure> {
    let mut statement = conn.prepare_cached(&format!("{SELECT} WHERE job = ?1 AND ended_at IS NULL"))?;
    let mut found = statement.query([job])?;
    found.next()?.map(read).transpose()
}

fn is_carried_out(conn: &Connection, request: &TickRequest) -> Result<bool, Failure> {
    Ok(conn
        .prepare_cached(
            "SELECT 1 FROM eg_pg_job_runs WHERE job = ?1 AND scheduled_at = ?2 AND ended = 'finished'",
        )?
        .exists(params![request.job, request.scheduled_at.as_millis()])?)
}

/// Whether the job has been run since the tick was found to be due.
fn is_overtaken(conn: &Connection, request: &TickRequest) -> Result<bool, Failure> {
    let Some(known) = request.newest_known else { return Ok(false) };
    let newest: i64 = conn
        .prepare_cached("SELECT coalesce(max(run_id), 0) FROM eg_pg_job_runs WHERE job = ?1")?
        .query_row([&request.job], |row| row.get(0))?;
    Ok(newest != known)
}

/// Ends a run; its tally stays unless a new one is given. `false` when the run is over.
fn end(
    conn: &Connection,
    fence: &Fence,
    at: Timestamp,
    tally: Option<Tally>,
    how: &RunEnd,
) -> Result<bool, Failure> {
    let (word, detail) = how.as_words();
    let ended = conn
        .prepare_cached(
            "UPDATE eg_pg_job_runs SET ended_at = ?3, ended = ?4, ended_detail = ?5,
                 examined = coalesce(?6, examined), changed = coalesce(?7, changed),
                 still_pending = coalesce(?8, still_pending), failed = coalesce(?9, failed)
             WHERE run_id = ?1 AND job = ?2 AND ended_at IS NULL",
        )?
        .execute(params![
            fence.run_id,
            fence.job,
            at.as_millis(),
            word,
            detail,
            tally.map(|tally| tally.examined),
            tally.map(|tally| tally.changed),
            tally.map(|tally| tally.still_pending),
            tally.map(|tally| tally.failed),
        ])?;
    Ok(ended > 0)
}

/// The runs of a job, on all pages.
pub(crate) fn all_runs(job: &str) -> Statement {
    let sql = format!("{SELECT} WHERE job = ?1 ORDER BY run_id DESC LIMIT ?2");
    (sql, vec![Value::Text(job.to_owned()), Value::Integer(ALL)])
}

pub(crate) fn read(row: &Row<'_>) -> Result<RunRecord, Failure> {
    let (columns, run_id) = Columns::of_run(row, "eg_pg_job_runs")?;
    let mut run = RunRecord {
        fence: Fence { job: columns.get("job")?, run_id },
        scheduled_at: columns.moment("scheduled_at")?,
        missed: columns.get("missed")?,
        attempt: columns.get("attempt")?,
        node: columns.get("node")?,
        started_at: columns.moment("started_at")?,
        lease_until: columns.moment("lease_until")?,
        tally: Tally {
            examined: columns.get("examined")?,
            changed: columns.get("changed")?,
            still_pending: columns.get("still_pending")?,
            failed: columns.get("failed")?,
        },
        ended: None,
    };
    let (at, word): (_, Option<String>) = (columns.optional_moment("ended_at")?, columns.get("ended")?);
    let detail: Option<String> = columns.get("ended_detail")?;
    run.ended = match (at, word) {
        (None, None) => None,
        (Some(at), Some(word)) => {
            Some((at, RunEnd::from_words(&word, detail).ok_or_else(|| columns.unreadable("ended"))?))
        }
        (Some(_), None) | (None, Some(_)) => return Err(columns.unreadable("ended")),
    };
    Ok(run)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plans::{migrated, plan};

    #[test]
    fn the_last_tick_and_old_runs_are_found_without_reading_all_runs() {
        let conn = migrated();
        let steps = plan(&conn, LAST_TICK);
        assert!(steps.len() == 1 && steps[0].contains("(job=? AND scheduled_at<?)"), "{steps:#?}");
        let steps = plan(&conn, FORGET);
        assert!(steps.iter().all(|step| !step.contains("SCAN") && !step.contains("B-TREE")), "{steps:#?}");
    }
}
