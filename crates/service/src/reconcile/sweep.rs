//! The three reconciliation jobs. They differ only in the transactions that are due.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use futures_util::future::{BoxFuture, join_all};
use futures_util::stream::{FuturesUnordered, StreamExt};
use payment_domain::{Actor, GatewayName};
use payment_gateway::Availability;
use payment_store::{DueCheck, DueChecks, StoreError, Turn};
use tokio::task::JoinError;
use tokio::time::Instant;
use tokio_util::task::AbortOnDropHandle;

use super::{Check, CheckError, Checker, Occasion, Reconciliation};
use crate::pace::{JobTurn, Turnstile};
use crate::scheduler::{Job, JobError, Run};

const PAGE: u32 = 256;
/// The longest pause before an unavailable gateway is looked at again, which may be back sooner than it says.
const LONGEST_REST: Duration = Duration::from_secs(1);

/// The first check of transactions that are one interval old or older.
pub struct EarlyJob(pub Reconciliation);

/// Later checks of transactions that stay pending.
pub struct FollowUpJob(pub Reconciliation);

/// A check of every pending transaction that is older than two intervals.
pub struct DailyJob(pub Reconciliation);

#[async_trait]
impl Job for EarlyJob {
    async fn tick(&self, run: &Run) -> Result<(), JobError> {
        let interval = self.0.ports.settings.early_interval;
        self.0.sweep(run, Turn::First { created_by: run.scheduled_at().minus(interval) }).await
    }
}

#[async_trait]
impl Job for FollowUpJob {
    async fn tick(&self, run: &Run) -> Result<(), JobError> {
        self.0.sweep(run, Turn::Next { due_by: run.scheduled_at() }).await
    }
}

#[async_trait]
impl Job for DailyJob {
    async fn tick(&self, run: &Run) -> Result<(), JobError> {
        let two_intervals = self.0.ports.settings.early_interval * 2;
        let turn = Turn::Every {
            created_before: run.scheduled_at().minus(two_intervals),
            not_checked_since: run.scheduled_at(),
            now: self.0.ports.now(),
        };
        self.0.sweep(run, turn).await
    }
}

impl From<CheckError> for JobError {
    fn from(error: CheckError) -> JobError {
        match error {
            CheckError::Fenced => JobError::Fenced,
            CheckError::Store(error) => JobError::Store(error),
            CheckError::Interrupted | CheckError::Unavailable { .. } => JobError::Other(error.into()),
        }
    }
}

impl Reconciliation {
    /// Checks all due transactions, those of each gateway apart, so that a slow gateway delays only its own.
    async fn sweep(&self, run: &Run, turn: Turn) -> Result<(), JobError> {
        let gateways = self.ports.store.pending_gateways().await?;
        let sweeps = gateways.into_iter().map(|gateway| Sweep::new(self, run, turn, gateway).carry_out());
        // An error in one ends no other.
        join_all(sweeps).await.into_iter().collect()
    }
}

/// The due transactions of one gateway, checked within the limits described in [`reconcile`](super).
struct Sweep<'a> {
    reconciliation: &'a Reconciliation,
    run: &'a Run,
    gateway: GatewayName,
    turnstile: Arc<Turnstile>,
    checker: Arc<Checker>,
    due: Due<'a>,
    under_way: FuturesUnordered<BoxFuture<'a, (DueCheck, Result<Check, CheckError>)>>,
    /// The earliest moment for the next check, after one that was not made.
    not_before: Option<Instant>,
    /// Whether the gateway was unavailable, and has not answered since.
    in_doubt: bool,
    /// Whether the gateway has stored accounts: an unavailable one delays no other, its payments are
    /// postponed until those of the others are checked.
    puts_aside: bool,
}

impl<'a> Sweep<'a> {
    fn new(reconciliation: &'a Reconciliation, run: &'a Run, turn: Turn, gateway: GatewayName) -> Sweep<'a> {
        let checker = Checker { actor: Actor::job(run.actor_id()), fence: Some(run.fence().clone()) };
        Sweep {
            reconciliation,
            run,
            turnstile: reconciliation.settlement.turnstile(&gateway),
            checker: Arc::new(checker),
            due: Due {
                reconciliation,
                query: DueChecks { turn, gateway: Some(gateway.clone()), after: None, limit: PAGE },
                read: VecDeque::new(),
                is_read: false,
                aside: VecDeque::new(),
                is_second_pass: false,
            },
            puts_aside: reconciliation.ports.gateways.has_accounts_of(&gateway),
            gateway,
            under_way: FuturesUnordered::new(),
            not_before: None,
            in_doubt: false,
        }
    }

    async fn carry_out(mut self) -> Result<(), JobError> {
        loop {
            let at_once = if self.in_doubt { 1 } else { self.turnstile.at_once() };
            if self.under_way.len() < at_once
                && let Some(due) = self.due.next().await?
            {
                if self.may_go_on().await? {
                    self.begin(due);
                    continue;
                }
                // The others stay due.
                break;
            }
            if !self.take_next().await? {
                return Ok(());
            }
        }
        // Begun checks are finished: each takes no longer than one status request.
        while self.take_next().await? {}
        Ok(())
    }

    fn begin(&mut self, due: DueCheck) {
        let (reconciliation, turnstile, checker) =
            (self.reconciliation.clone(), self.turnstile.clone(), self.checker.clone());
        // A task: it goes on while the next page is read, which may wait for a connection that it holds.
        let check = AbortOnDropHandle::new(tokio::spawn(async move {
            // Shared with the other jobs and with operators.
            let _place = turnstile.places.acquire().await;
            let occasion = Occasion::Turn { checks: due.checks };
            let checked = reconciliation.check(&due.txn_id, occasion, &checker).await;
            (due, checked)
        }));
        self.under_way.push(Box::pin(async move {
            match check.await.map_err(JoinError::try_into_panic) {
                Ok(ended) => ended,
                Err(Ok(panic)) => std::panic::resume_unwind(panic),
                // The runtime ends, and this with it.
                Err(Err(_)) => std::future::pending().await,
            }
        }));
    }

    /// Waits for the next check to end; says whether there was one.
    async fn take_next(&mut self) -> Result<bool, JobError> {
        match self.under_way.next().await {
            Some(ended) => self.take(ended).map(|()| true),
            None => Ok(false),
        }
    }

    fn take(&mut self, (due, checked): (DueCheck, Result<Check, CheckError>)) -> Result<(), JobError> {
        let check = match checked {
            Err(CheckError::Unavailable { .. }) if self.puts_aside && !self.due.is_second_pass => {
                self.due.aside.push_back(due);
                return Ok(());
            }
            Err(CheckError::Unavailable { retry_after }) => {
                self.not_before = Some(Instant::now() + retry_after.min(LONGEST_REST));
                self.in_doubt = true;
                // Behind the others, which may be of another account.
                if self.puts_aside {
                    self.due.read.push_back(due)
                } else {
                    self.due.read.push_front(due)
                }
                return Ok(());
            }
            checked => checked?,
        };
        self.in_doubt = false;
        self.run.count(|tally| {
            tally.examined += 1;
            match check {
                Check::Settled(_) => tally.changed += 1,
                Check::StillPending => tally.still_pending += 1,
                Check::Failed(_) => tally.failed += 1,
            }
        });
        Ok(())
    }

    /// Waits until the gateway is available, and for its pace; `false` when the run is to end first.
    async fn may_go_on(&mut self) -> Result<bool, JobError> {
        let mut told = false;
        while !self.run.is_stopped()
            && let Some(until) = self.unavailable_until()
        {
            if !told {
                tracing::warn!(gateway = %self.gateway, job = self.run.fence().job, "the gateway is unavailable, its payments wait for it");
                told = true;
            }
            self.in_doubt = true;
            if Instant::now() >= self.run.yields_at() {
                self.run.count(|tally| tally.failed += 1);
                return Ok(false);
            }
            self.go_on_until(until.min(self.run.yields_at())).await?;
        }
        let since = Instant::now();
        while !self.run.is_stopped() {
            match self.turnstile.job(since) {
                JobTurn::Now => break,
                JobTurn::At(at) => {
                    self.go_on_until(at).await?;
                    break;
                }
                JobTurn::LookAgain(at) => self.go_on_until(at).await?,
            }
        }
        Ok(!self.run.is_stopped())
    }

    /// When to look again at a gateway that is unavailable.
    fn unavailable_until(&mut self) -> Option<Instant> {
        let now = Instant::now();
        self.not_before = self.not_before.filter(|at| *at > now);
        if self.puts_aside {
            return self.not_before;
        }
        let availability = self.reconciliation.ports.gateways.availability_of(&self.gateway);
        let unavailable = match availability {
            Some(Availability::Unavailable { retry_after }) => Some(now + retry_after.min(LONGEST_REST)),
            Some(Availability::Available) | None => None,
        };
        unavailable.max(self.not_before)
    }

    /// Waits for a moment or the end of the run, while checks under way go on.
    async fn go_on_until(&mut self, at: Instant) -> Result<(), JobError> {
        loop {
            let ended = tokio::select! {
                () = self.run.stopped() => return Ok(()),
                () = tokio::time::sleep_until(at) => return Ok(()),
                Some(ended) = self.under_way.next() => ended,
            };
            self.take(ended)?;
        }
    }
}

/// The due transactions, page after page.
struct Due<'a> {
    reconciliation: &'a Reconciliation,
    query: DueChecks,
    read: VecDeque<DueCheck>,
    /// Whether the last page was read.
    is_read: bool,
    /// Of accounts that were unavailable: they come once more when all others have been.
    aside: VecDeque<DueCheck>,
    is_second_pass: bool,
}

impl Due<'_> {
    async fn next(&mut self) -> Result<Option<DueCheck>, StoreError> {
        if self.read.is_empty() && !self.is_read {
            // Checks since the last page are not in the future.
            if let Turn::Every { now, .. } = &mut self.query.turn {
                *now = self.reconciliation.ports.now();
            }
            let page = self.reconciliation.ports.store.due_checks(&self.query).await?;
            match page.last() {
                Some(last) => self.query.after = Some(last.place.clone()),
                None => self.is_read = true,
            }
            self.read.extend(page);
        }
        if self.read.is_empty() && !self.aside.is_empty() {
            self.is_second_pass = true;
            self.read.append(&mut self.aside);
        }
        Ok(self.read.pop_front())
    }
}
