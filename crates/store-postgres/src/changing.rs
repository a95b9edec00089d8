//! Changing transactions, many in one commit.
//!
//! First the rows that a change rests on are locked and read: the job whose run brings it, the
//! transaction, the receipt task that it completes. Then it is decided for each change of the group, in
//! order, whether it is stored; then those are written and committed. Every write that adds to the history
//! or the events of a transaction locks its row, so that both keep the order of the commits. All lock in
//! the same order, so that there is no deadlock.

use std::collections::{HashMap, HashSet};
use std::sync::LazyLock;

use payment_domain::{BillKey, Transaction};
use payment_store::{Applied, Change, ClaimChange, Fence, ReceiptTaskChange};
use tokio_postgres::Row;

use crate::clock::Now;
use crate::connections::{Connections, Session, Step};
use crate::failure::Failure;
use crate::parameters::{ColumnLimits, Parameter, Rows, storable};
use crate::transaction_columns::{self, JsonParts, SELECTED};
use crate::{attention, claims, idempotency, jobs, outbox, receipts, transactions};

/// The most attempts of a group that collides with another, or whose connection is dead.
const ATTEMPTS: usize = 3;

pub(crate) struct Alteration {
    change: Change,
    json: JsonParts,
    now: Now,
}

impl Alteration {
    pub(crate) fn new(change: Change, now: Now) -> Result<Alteration, Failure> {
        Ok(Alteration { json: JsonParts::of_change(&change)?, change, now })
    }

    fn id(&self) -> &str {
        self.change.txn.id.as_str()
    }
}

/// Stores a group; each is answered in its place. After a failure because of one of them, they are done one
/// by one.
pub(crate) async fn store(
    db: &Connections,
    column_limits: &ColumnLimits,
    group: Vec<Alteration>,
) -> Vec<Result<Applied, Failure>> {
    let all: Vec<&Alteration> = group.iter().collect();
    match together(db, column_limits, &all).await {
        Ok(answers) => answers,
        Err(failure) if failure.is_passing() || group.len() == 1 => {
            group.iter().map(|_| Err(failure.clone())).collect()
        }
        Err(_) => {
            let mut answers = Vec::with_capacity(group.len());
            for one in &group {
                let answer = together(db, column_limits, &[one]).await;
                answers.push(answer.and_then(|mut one| one.pop().unwrap_or(Err(Failure::Contended))));
            }
            answers
        }
    }
}

type Answers = Vec<Result<Applied, Failure>>;

async fn together(
    db: &Connections,
    column_limits: &ColumnLimits,
    group: &[&Alteration],
) -> Result<Answers, Failure> {
    let mut last = Failure::Contended;
    for _ in 0..ATTEMPTS {
        let session = db.session().await?;
        match within(&session, column_limits, group).await {
            Ok(answers) => {
                session.give_back();
                return Ok(answers);
            }
            Err(failure @ Failure::CommitUnanswered) => return Err(failure),
            Err(failure) if failure.is_disconnection() => last = failure,
            Err(failure) if failure.spoils_connection() => return Err(failure),
            Err(failure) => {
                session.roll_back().await;
                if !failure.is_collision() {
                    return Err(failure);
                }
                last = failure;
            }
        }
    }
    Err(last)
}

async fn within(
    session: &Session,
    column_limits: &ColumnLimits,
    group: &[&Alteration],
) -> Result<Answers, Failure> {
    let locked = Locked::by(session, group).await?;
    let mut taken = HashSet::new();
    let answers: Answers = group
        .iter()
        .map(|alteration| {
            let answer = locked.verdict(alteration)?;
            // Two changes rest on the same version: the first one moves it on.
            let is_first = answer != Applied::Stored || taken.insert(alteration.id());
            Ok(if is_first { answer } else { Applied::Stale })
        })
        .collect();
    let winners: Vec<&Alteration> = group
        .iter()
        .zip(&answers)
        .filter(|(_, answer)| matches!(answer, Ok(Applied::Stored)))
        .map(|(alteration, _)| *alteration)
        .collect();
    let written = Written::by(&winners, &locked, column_limits);
    let mut steps = written.steps();
    steps.push(Step::commit());
    match session.flight(&steps).await {
        Ok(_) => Ok(answers),
        Err(failure) if failure.is_silence() => Err(Failure::CommitUnanswered),
        Err(failure) => Err(failure),
    }
}

static LOCK_TRANSACTIONS: LazyLock<String> = LazyLock::new(|| {
    const IDS: &str = "(SELECT * FROM unnest($1::text[])
        AS elements (txn_id) LIMIT cardinality($1::text[])) AS u";
    format!(
        "SELECT {} FROM {IDS} JOIN eg_pg_transactions AS t ON t.txn_id = u.txn_id
        ORDER BY t.txn_id COLLATE \"C\" FOR UPDATE OF t",
        *SELECTED
    )
});

/// The locked rows that the changes rest on.
struct Locked {
    runs: HashMap<String, Option<i64>>,
    rows: HashMap<String, Row>,
    leases: HashMap<String, Option<String>>,
}

impl Locked {
    async fn by(session: &Session, group: &[&Alteration]) -> Result<Locked, Failure> {
        let mut job_names: Vec<_> =
            group.iter().filter_map(|a| a.change.fence.as_ref()).map(|fence| storable(&fence.job)).collect();
        job_names.sort();
        job_names.dedup();
        let ids: Vec<&str> = group.iter().map(|alteration| alteration.id()).collect();
        let is_done = |a: &&&Alteration| matches!(a.change.receipt_task, ReceiptTaskChange::Completed { .. });
        let done: Vec<&str> = group.iter().filter(is_done).map(|alteration| alteration.id()).collect();
        let mut steps = vec![Step::begin()];
        if !job_names.is_empty() {
            steps.push(Step::new(jobs::SHARE, vec![&job_names]));
        }
        steps.push(Step::new(LOCK_TRANSACTIONS.as_str(), vec![&ids]));
        if !done.is_empty() {
            steps.push(Step::new(receipts::LOCK, vec![&done]));
        }
        let mut answers = session.flight(&steps).await?.into_iter().skip(1);
        let mut locked = Locked { runs: HashMap::new(), rows: HashMap::new(), leases: HashMap::new() };
        if !job_names.is_empty() {
            for row in answers.next().unwrap_or_default() {
                locked.runs.insert(row.try_get(0)?, row.try_get(1)?);
            }
        }
        for row in answers.next().unwrap_or_default() {
            locked.rows.insert(row.try_get(0)?, row);
        }
        for row in answers.next().unwrap_or_default() {
            locked.leases.insert(row.try_get(0)?, row.try_get(1)?);
        }
        Ok(locked)
    }

    fn is_over(&self, fence: &Fence) -> bool {
        self.runs.get(storable(&fence.job).as_ref()).copied().flatten() != Some(fence.run_id)
    }

    fn verdict(&self, alteration: &Alteration) -> Result<Applied, Failure> {
        let Change { txn, receipt_task, fence, .. } = &alteration.change;
        if fence.as_ref().is_some_and(|fence| self.is_over(fence)) {
            return Ok(Applied::Fenced);
        }
        let Some(row) = self.rows.get(alteration.id()) else { return Ok(Applied::Stale) };
        match receipt_task {
            ReceiptTaskChange::None | ReceiptTaskChange::Created(_) => {}
            ReceiptTaskChange::Completed { lease_token } => {
                let held = self.leases.get(alteration.id()).and_then(Option::as_deref);
                if held != Some(storable(lease_token).as_ref()) {
                    return Ok(Applied::Stale);
                }
            }
        }
        let stored = transaction_columns::read(row)?;
        if stored.version.checked_add(1) != Some(txn.version) {
            return Ok(Applied::Stale);
        }
        if is_same_payment(&stored, txn) {
            Ok(Applied::Stored)
        } else {
            Err(Failure::AltersPayment(txn.id.clone()))
        }
    }

    /// The bills on which a transaction may hold claims.
    fn claimable(&self, alteration: &Alteration) -> Vec<BillKey> {
        let txn = &alteration.change.txn;
        self.rows
            .get(alteration.id())
            .map_or_else(|| txn.bill_keys(), |row| transaction_columns::claimable(row, txn))
    }
}

/// Whether the two agree in all that was fixed when the transaction was created.
fn is_same_payment(stored: &Transaction, changed: &Transaction) -> bool {
    stored.tenant_id == changed.tenant_id
        && stored.amount == changed.amount
        && stored.bill_id == changed.bill_id
        && stored.bills == changed.bills
        && stored.consumer_code == storable(&changed.consumer_code)
        && stored.account == changed.account
        && stored.payer.uuid == storable(&changed.payer.uuid)
        && stored.audit.created_by == storable(&changed.audit.created_by)
        && stored.audit.created_at == changed.audit.created_at
}

/// The rows that are written.
#[derive(Default)]
struct Written<'a> {
    transactions: Rows<'a>,
    released: Rows<'a>,
    history: Rows<'a>,
    dumps: Rows<'a>,
    events: Rows<'a>,
    tasks: Rows<'a>,
    tasks_completed: Vec<&'a str>,
    cases: Rows<'a>,
    keys_freed: Rows<'a>,
}

impl<'a> Written<'a> {
    fn by(winners: &[&'a Alteration], locked: &Locked, column_limits: &ColumnLimits) -> Written<'a> {
        let mut written = Written::default();
        for alteration in winners {
            let Alteration { change, json, now } = alteration;
            transaction_columns::update_row(&mut written.transactions, &change.txn, json, column_limits);
            match change.claims {
                ClaimChange::Keep => {}
                ClaimChange::Release => {
                    for key in locked.claimable(alteration) {
                        written.released.push([
                            Parameter::owned(key.tenant.into()),
                            Parameter::owned(key.bill.into()),
                            Parameter::text(alteration.id()),
                        ]);
                    }
                }
            }
            transactions::history_line(&mut written.history, &change.history, json.evidence());
            if let Some(dump) = &change.dump {
                transactions::dump(&mut written.dumps, &change.txn, dump, json, column_limits);
            }
            for event in &change.events {
                outbox::row(&mut written.events, event, change.history.at);
            }
            match &change.receipt_task {
                ReceiptTaskChange::None => {}
                ReceiptTaskChange::Created(task) => {
                    receipts::row(&mut written.tasks, &change.txn.id, task, *now)
                }
                ReceiptTaskChange::Completed { .. } => written.tasks_completed.push(alteration.id()),
            }
            if let Some(case) = &change.attention {
                attention::row(&mut written.cases, case, json.case_evidence());
            }
            if let Some(key) = &change.forget_key {
                idempotency::freed(&mut written.keys_freed, key, alteration.id());
            }
        }
        written
    }

    fn steps(&self) -> Vec<Step<'_>> {
        let mut steps: Vec<Step<'_>> = [
            (&self.transactions, transaction_columns::UPDATE.as_str()),
            (&self.released, claims::LOCK),
            (&self.released, claims::RELEASE),
            (&self.history, transactions::APPEND_HISTORY),
            (&self.dumps, transactions::STORE_DUMPS),
            (&self.events, outbox::STORE),
            (&self.tasks, receipts::PUT.as_str()),
            (&self.cases, attention::PUT),
            (&self.keys_freed, idempotency::FREE),
        ]
        .into_iter()
        .filter(|(rows, _)| !rows.is_empty())
        .map(|(rows, sql)| Step::new(sql, rows.values()))
        .collect();
        if !self.tasks_completed.is_empty() {
            steps.push(Step::new(receipts::COMPLETE, vec![&self.tasks_completed]));
        }
        steps
    }
}
