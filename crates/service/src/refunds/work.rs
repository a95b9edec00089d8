//! One step of work on a refund: expire it, send it, or ask about it, as its status says.

use std::time::Duration;

use payment_domain::{
    Actor, AuditAction, AuditActor, HistoryReason, Refund, RefundHistoryEntry, RefundId, RefundStatus,
    Timestamp,
};
use payment_store::{
    Applied, CancellationChange, Fence, RefundChange, RefundDue, RefundNote, StoreError, TenantScope,
};
use serde_json::Value;
use tracing::Instrument;

use super::record::{audit, event, line};
use super::{RefundError, Refunds};
use crate::identity::Identity;
use crate::payment_span::in_trace_of;
use crate::ports::{Settings, finished};
use crate::settle::Caller;

/// The name of the job.
pub(super) const JOB: &str = "refunds";

/// On whose behalf a refund is worked on.
#[derive(Debug, Clone)]
pub(super) struct Worker {
    pub(super) actor: Actor,
    pub(super) identity: Identity,
    pub(super) fence: Option<Fence>,
}

impl Worker {
    pub(super) fn system(settings: &Settings) -> Worker {
        Worker { actor: Actor::job(JOB), identity: settings.system_identity(), fence: None }
    }

    pub(super) fn of(caller: &Caller) -> Worker {
        Worker { actor: caller.actor.clone(), identity: caller.identity.clone(), fence: caller.fence.clone() }
    }
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Work {
    Done,
    /// It is due again later.
    Pending,
    /// No usable answer, for this reason; it is due again later.
    Failed(String),
}

/// Why a refund could not be worked on, for a reason that is not its own.
#[derive(Debug, thiserror::Error)]
pub(super) enum WorkError {
    #[error("the run is over")]
    Fenced,
    /// Not asked, and not noted: it stays due.
    #[error("the gateway is unavailable")]
    Unavailable { retry_after: Duration },
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl Refunds {
    /// Does what is next for a refund; `checks` is how often it was worked on in its status.
    pub(super) async fn work_on(
        &self,
        id: &RefundId,
        checks: u32,
        worker: &Worker,
    ) -> Result<Work, WorkError> {
        let Some(known) = self.ports.store.refund(id, None).await? else { return Ok(Work::Done) };
        let permit = self.in_hand.permit(&known.txn_id).await;
        let refund = match permit.has_waited() {
            true => self.ports.store.refund(id, None).await?.unwrap_or(known),
            false => known,
        };
        let payment = refund.txn_id.clone();
        let work = async {
            match refund.status {
                RefundStatus::Requested => self.expire(refund, worker).await,
                RefundStatus::Approved => self.send(refund, checks, worker).await,
                RefundStatus::Sent | RefundStatus::Succeeded | RefundStatus::Failed => {
                    self.ask(refund, checks, worker).await
                }
                RefundStatus::Rejected | RefundStatus::Withdrawn | RefundStatus::Expired => {
                    self.note(&refund, RefundDue::Never, None, worker).await
                }
            }
        };
        in_trace_of(self.ports.store.as_ref(), &payment, "refund", work).await
    }

    /// Asks the gateway about a refund now, in the name of a caller; one that is not sent yet stays as it is.
    /// Runs to its end even if the caller hangs up.
    ///
    /// # Errors
    /// A [`RefundError`]. A gateway that does not answer is none: the refund keeps its status.
    pub async fn update(
        &self,
        id: &RefundId,
        within: Option<&[TenantScope]>,
        caller: &Caller,
    ) -> Result<Refund, RefundError> {
        let stored = self.ports.store.refund(id, within).await?.ok_or(RefundError::NotFound)?;
        if stored.calls.number == 0 {
            return Ok(stored);
        }
        let (refunds, worker, id) = (self.clone(), Worker::of(caller), id.clone());
        let asked = id.clone();
        let work = self
            .ports
            .tasks
            .spawn(async move { refunds.work_on(&asked, 0, &worker).await }.in_current_span());
        match finished(work.await).ok_or(RefundError::Interrupted)? {
            Ok(_) | Err(WorkError::Unavailable { .. }) => {}
            Err(WorkError::Store(error)) => return Err(error.into()),
            Err(WorkError::Fenced) => return Err(RefundError::Interrupted),
        }
        self.ports.store.refund(&id, None).await?.ok_or(RefundError::NotFound)
    }

    /// Ends a request without a decision in time.
    async fn expire(&self, refund: Refund, worker: &Worker) -> Result<Work, WorkError> {
        let (mut next, now) = self.next(&refund, worker);
        next.status = RefundStatus::Expired;
        let why = HistoryReason::NotDecided.with([]);
        let entry = audit(AuditAction::RefundExpired, AuditActor::Job(JOB), Some(&refund), &next, now, None)?;
        let change = RefundChange {
            due: RefundDue::Never,
            history: line(&next, Some(refund.status), now, &worker.actor, why, Value::Null),
            events: vec![event(&next, &worker.identity)?],
            audit: vec![entry],
            case: None,
            closes: None,
            cancellation: CancellationChange::None,
            fence: worker.fence.clone(),
            refund: next,
        };
        self.apply(change).await
    }

    /// The refund at its next version, changed now by this worker.
    pub(super) fn next(&self, refund: &Refund, worker: &Worker) -> (Refund, Timestamp) {
        let now = self.ports.now();
        let mut next = refund.clone();
        next.version += 1;
        let user = worker.identity.info().user("uuid").unwrap_or_default().into_owned();
        next.audit.modified_by = Some(user);
        next.audit.modified_at = Some(now);
        (next, now)
    }

    /// The refund stays as it is, for this reason, and is worked on again after `delay`.
    pub(super) async fn wait(
        &self,
        refund: &Refund,
        reason: &str,
        delay: Duration,
        worker: &Worker,
    ) -> Result<Work, WorkError> {
        self.stay(refund, reason, RefundDue::In(delay), worker).await
    }

    /// The refund stays as it is, for this reason.
    pub(super) async fn stay(
        &self,
        refund: &Refund,
        reason: &str,
        due: RefundDue,
        worker: &Worker,
    ) -> Result<Work, WorkError> {
        let now = self.ports.now();
        let told = line(refund, Some(refund.status), now, &worker.actor, reason, Value::Null);
        self.note(refund, due, Some(told), worker).await?;
        Ok(Work::Failed(reason.to_owned()))
    }

    pub(super) async fn note(
        &self,
        refund: &Refund,
        due: RefundDue,
        history: Option<RefundHistoryEntry>,
        worker: &Worker,
    ) -> Result<Work, WorkError> {
        let note = RefundNote {
            id: refund.id.clone(),
            version: refund.version,
            due,
            history,
            fence: worker.fence.clone(),
        };
        match self.ports.store.note_refund(note).await? {
            // `Stale`: it was changed meanwhile.
            Applied::Stored | Applied::Stale => Ok(Work::Pending),
            Applied::Fenced => Err(WorkError::Fenced),
        }
    }
}
