//! The invariants that hold at the end.

use std::collections::{BTreeMap, HashMap, HashSet};

use payment_simulator::sandbox::{BookEntry, State};
use tokio_postgres::{Client, Row};

use crate::figures::Figures;
use crate::journal::JOB;
use crate::payers::Paid;
use crate::replicas::LEASE;

struct Run {
    run_id: i64,
    scheduled_at: i64,
    missed: i64,
    attempt: i64,
    /// When the database stored that.
    began_at: i64,
    lease_until: i64,
    end: Option<String>,
}

/// Every tick was finished once, by one or more runs, or is counted as missed by the next one.
pub(crate) async fn ticks(client: &Client, last_tick: i64, figures: &mut Figures) -> Vec<String> {
    const RUNS: &str = "
        SELECT run.job, run_id, scheduled_at, missed, attempt, lease_until, end_kind,
            (extract(epoch FROM begun.at) * 1000)::bigint AS began_at
        FROM eg_pg_job_runs AS run JOIN journal AS begun USING (run_id)
        WHERE begun.what = 'begin' ORDER BY run_id";
    let mut jobs: BTreeMap<String, Vec<Run>> = BTreeMap::new();
    for row in client.query(RUNS, &[]).await.unwrap() {
        let run = Run {
            run_id: row.get("run_id"),
            scheduled_at: row.get("scheduled_at"),
            missed: row.get("missed"),
            attempt: row.get("attempt"),
            began_at: row.get("began_at"),
            lease_until: row.get("lease_until"),
            end: row.get("end_kind"),
        };
        jobs.entry(row.get("job")).or_default().push(run);
    }
    let mut faults = Vec::new();
    for (job, runs) in &jobs {
        let interval = match job.as_str() {
            JOB => 1_000,
            "housekeeping" | "accounts" => 3_600_000,
            _ => 60_000,
        };
        faults.extend(ticks_of(job, interval, runs, last_tick));
    }
    figures.count_runs(&runs_of_ticks(&jobs[JOB]), last_tick);
    faults
}

fn ticks_of(job: &str, interval: i64, runs: &[Run], last_tick: i64) -> Vec<String> {
    let mut faults = Vec::new();
    let mut fault = |run: &Run, what: &str| {
        faults.push(format!("{job} #{}, the tick of {}: {what}", run.run_id, run.scheduled_at));
    };
    let ticks: Vec<&[Run]> = runs.chunk_by(|one, next| one.scheduled_at == next.scheduled_at).collect();
    for attempts in &ticks {
        let [first, ..] = attempts else { continue };
        for (place, run) in (1..).zip(attempts.iter()) {
            if run.attempt != place {
                fault(run, "is counted as another attempt");
            }
            if run.missed != first.missed && run.missed != 0 {
                fault(run, "makes up for other ticks than the attempt before");
            }
        }
        for pair in attempts.windows(2) {
            if !matches!(pair[0].end.as_deref(), Some("taken-over" | "cancelled" | "failed")) {
                fault(&pair[0], "was begun again although it was carried out");
            }
        }
        if let Some(last) = attempts.last()
            && last.end.as_deref() != Some("finished")
            // At the end of the test all replicas were asked to leave.
            && (job == JOB && last.scheduled_at <= last_tick || last.run_id != runs[runs.len() - 1].run_id)
        {
            fault(last, "was left unfinished");
        }
    }
    for pair in ticks.windows(2) {
        let (before, after) = (&pair[0][0], &pair[1][0]);
        if after.scheduled_at - before.scheduled_at != interval * (after.missed + 1) {
            fault(
                after,
                &format!("follows that of {} and stands for {} others", before.scheduled_at, after.missed),
            );
        }
    }
    faults
}

/// A run, for the figures.
#[derive(Debug, Clone)]
pub(crate) struct Attempt {
    pub(crate) run_id: i64,
    pub(crate) missed: i64,
    pub(crate) began_at: i64,
    /// When it was last known to be alive.
    pub(crate) seen_at: i64,
    pub(crate) end: String,
}

/// The attempts at each tick, by its moment.
fn runs_of_ticks(runs: &[Run]) -> BTreeMap<i64, Vec<Attempt>> {
    let mut ticks: BTreeMap<i64, Vec<Attempt>> = BTreeMap::new();
    for run in runs {
        ticks.entry(run.scheduled_at).or_default().push(Attempt {
            run_id: run.run_id,
            missed: run.missed,
            began_at: run.began_at,
            seen_at: run.began_at.max(run.lease_until - i64::try_from(LEASE.as_millis()).unwrap()),
            end: run.end.clone().unwrap_or_default(),
        });
    }
    ticks
}

/// No two runs of a job were at work at once, and a run that was over wrote nothing. The order of commits is
/// that of the database itself: no clock is used.
pub(crate) async fn succession(client: &Client) -> Vec<String> {
    let mut faults = Vec::new();
    for (what, sql) in [
        (
            "began before the run before it had ended, and did not take it over",
            "SELECT job, run_id, NULL AS txn_id, detail FROM successions AS next
             WHERE former IS NOT NULL AND NOT EXISTS (SELECT 1 FROM journal AS over
                WHERE over.what = 'end' AND over.run_id = next.former
                AND (pg_visible_in_snapshot(over.xid, next.sees)
                    OR over.xid = next.xid AND over.detail = 'taken-over'))",
        ),
        (
            "ended more than once",
            "SELECT job, run_id, NULL AS txn_id, NULL AS detail FROM journal WHERE what = 'end'
             GROUP BY job, run_id HAVING count(*) > 1",
        ),
        (
            "wrote when it had ended, or its successor had begun",
            "SELECT line.job, line.run_id, line.txn_id, line.detail FROM journal AS line
             JOIN journal AS over ON over.run_id = line.run_id AND over.what = 'end'
             WHERE line.what = 'line' AND line.run_id IS NOT NULL
             -- A receipt is issued under a lease of its own, which may outlive the run.
             AND line.detail <> 'receipt issued' AND NOT pg_visible_in_snapshot(line.xid, over.sees)",
        ),
        (
            "wrote before it had begun, or under the name of another job",
            "SELECT line.job, line.run_id, line.txn_id, line.detail FROM journal AS line
             WHERE line.what = 'line' AND line.run_id IS NOT NULL AND NOT EXISTS (
                SELECT 1 FROM journal AS begun WHERE begun.what = 'begin' AND begun.run_id = line.run_id
                AND begun.job = line.job AND pg_visible_in_snapshot(begun.xid, line.sees))",
        ),
        (
            "noted a check without owning a run, or when that run's successor had begun",
            "SELECT node AS job, NULL::bigint AS run_id, txn_id, owns::text AS detail FROM journal AS note
             WHERE what = 'note' AND NOT EXISTS (
                SELECT 1 FROM unnest(owns) AS own (run_id)
                LEFT JOIN journal AS over ON over.run_id = own.run_id AND over.what = 'end'
                WHERE over.run_id IS NULL OR pg_visible_in_snapshot(note.xid, over.sees))",
        ),
        (
            "was told without a line in the history of the same commit",
            "SELECT NULL AS job, NULL::bigint AS run_id, txn_id, detail FROM journal AS event
             WHERE what = 'event' AND NOT EXISTS (SELECT 1 FROM journal AS line
                WHERE line.what = 'line' AND line.xid = event.xid AND line.txn_id = event.txn_id)",
        ),
    ] {
        const SUCCESSIONS: &str = "
            WITH successions AS (SELECT job, run_id, xid, sees, detail,
                lag(run_id) OVER (PARTITION BY job ORDER BY place) AS former
                FROM journal WHERE what = 'begin') ";
        let found = client.query(&format!("{SUCCESSIONS}{sql}"), &[]).await.unwrap();
        faults.extend(found.iter().map(|row| format!("{} {what}", named(row))));
    }
    faults
}

fn named(row: &Row) -> String {
    let text = |name: &str| row.get::<_, Option<String>>(name).unwrap_or_default();
    let run = row.get::<_, Option<i64>>("run_id").map(|id| format!("#{id}")).unwrap_or_default();
    format!("{}{run} {} ({})", text("job"), text("txn_id"), text("detail"))
}

/// Every payment is as the gateway's books say, and was settled once.
pub(crate) async fn money(
    client: &Client,
    books: &[BookEntry],
    paid: &Paid,
    figures: &mut Figures,
) -> Vec<String> {
    const PAYMENTS: &str = "
        SELECT t.txn_id, t.txn_status, t.receipt,
            (SELECT count(*) FROM eg_pg_transaction_history AS h WHERE h.txn_id = t.txn_id
                AND h.from_status = 'PENDING' AND h.to_status = 'SUCCESS') AS succeeded,
            (SELECT count(*) FROM eg_pg_transaction_history AS h WHERE h.txn_id = t.txn_id
                AND h.from_status = 'PENDING' AND h.to_status = 'FAILURE') AS failed,
            (SELECT count(*) FROM eg_pg_transaction_history AS h WHERE h.txn_id = t.txn_id
                AND h.why = 'receipt issued') AS receipted,
            (SELECT count(*) FROM stand_in_payments AS p WHERE p.transaction_number = t.txn_id) AS registered,
            (SELECT array_agg(r.receipt_number) FROM stand_in_receipts AS r
                WHERE r.transaction_number = t.txn_id) AS receipts,
            (SELECT count(*) FROM eg_pg_outbox AS e WHERE e.txn_id = t.txn_id AND e.kind = 'update-pg-txns'
                AND e.body::json #>> '{Transaction,txnStatus}' = 'SUCCESS'
                AND e.body::json #>> '{Transaction,receipt}' IS NULL) AS told_settled,
            (SELECT count(*) FROM eg_pg_outbox AS e WHERE e.txn_id = t.txn_id AND e.kind = 'update-pg-txns'
                AND e.body::json #>> '{Transaction,txnStatus}' = 'SUCCESS'
                AND e.body::json #>> '{Transaction,receipt}' IS NOT NULL) AS told_receipted,
            (SELECT h.actor_id FROM eg_pg_transaction_history AS h WHERE h.txn_id = t.txn_id
                AND h.from_status = 'PENDING' AND h.to_status <> 'PENDING' LIMIT 1) AS settled_by
        FROM eg_pg_transactions AS t";
    let mut faults = Vec::new();
    let books: HashMap<&str, &BookEntry> = books.iter().map(|entry| (entry.order.as_str(), entry)).collect();
    let mut stored = HashSet::new();
    for row in client.query(PAYMENTS, &[]).await.unwrap() {
        let (txn_id, status): (String, String) = (row.get("txn_id"), row.get("txn_status"));
        let mut fault = |what: String| faults.push(format!("{txn_id} ({status}): {what}"));
        let entry = books.get(txn_id.as_str()).copied();
        let expected: &[&str] = match entry.map(|entry| (entry.state, entry.paid_paise)) {
            Some((State::Paid, Some(7525))) => &["SUCCESS"],
            Some((State::Paid, _)) | Some((State::Declined | State::Expired, _)) => &["FAILURE"],
            Some((State::Pending, _)) => &["PENDING"],
            // Its create had no answer: it fails when its life is over.
            Some((State::Created, _)) | None => &["PENDING", "FAILURE"],
        };
        if !expected.contains(&status.as_str()) {
            fault(format!("should be {expected:?}: the books say {entry:?}"));
        }
        let count = |name: &str| row.get::<_, i64>(name);
        let (success, failure) = (i64::from(status == "SUCCESS"), i64::from(status == "FAILURE"));
        for (name, expected) in [
            ("succeeded", success),
            ("failed", failure),
            ("receipted", success),
            ("registered", success),
            ("told_settled", success),
            ("told_receipted", success),
        ] {
            if count(name) != expected {
                fault(format!("{name} {} times", count(name)));
            }
        }
        let receipts: Vec<String> = row.get::<_, Option<Vec<String>>>("receipts").unwrap_or_default();
        if row.get::<_, Option<String>>("receipt").as_slice() != receipts.as_slice() {
            fault(format!("names another receipt than the register: {receipts:?}"));
        }
        figures.count_payment(&status, row.get::<_, Option<String>>("settled_by").as_deref());
        stored.insert(txn_id);
    }
    for known in books.keys().copied().chain(paid.undecided.iter().map(String::as_str)) {
        if !stored.contains(known) {
            faults.push(format!("the gateway knows {known}, and we do not"));
        }
    }
    const WRITTEN: &str = "
        SELECT (SELECT count(*) FROM journal WHERE what = 'note') AS notes,
            (SELECT count(*) FROM journal WHERE what = 'line' AND run_id IS NOT NULL) AS lines,
            (SELECT count(*) FROM journal AS line JOIN journal AS over USING (run_id)
                WHERE line.what = 'line' AND over.what = 'end' AND line.detail = 'receipt issued'
                AND NOT pg_visible_in_snapshot(line.xid, over.sees)) AS late_receipts";
    let row = client.query_one(WRITTEN, &[]).await.unwrap();
    (figures.notes, figures.lines, figures.late_receipts) = (row.get(0), row.get(1), row.get(2));
    faults
}

/// The absence of findings is meaningful: a write of a run that is over is found.
pub(crate) async fn would_have_noticed(client: &Client) {
    const LATE: &str = "
        INSERT INTO eg_pg_transaction_history
            (txn_id, entry_number, at_time, actor_kind, actor_id, from_status, to_status, why, evidence)
        SELECT (SELECT min(txn_id) FROM eg_pg_transactions), 1000000, ended_at, 'job', job || '#' || run_id,
            'PENDING', 'PENDING', 'too late', 'null'
        FROM eg_pg_job_runs WHERE job = $1 AND end_kind = 'taken-over' ORDER BY run_id LIMIT 1";
    const BESIDE: &str = "
        UPDATE eg_pg_transactions SET checks = coalesce(checks, 0) + 1
        WHERE txn_id = (SELECT min(txn_id) FROM eg_pg_transactions)";
    assert_eq!(client.execute(LATE, &[&JOB]).await.unwrap(), 1);
    assert_eq!(client.execute(BESIDE, &[]).await.unwrap(), 1);
    let faults = succession(client).await;
    assert!(
        matches!(&faults[..], [late, beside] if late.contains("too late") && beside.contains("noted a check")),
        "{faults:?}"
    );
}
