//! Decisions about requests: approved or rejected by a checker, withdrawn by the maker.

use payment_domain::{
    Actor, Approval, AuditAction, HistoryReason, Principal, Refund, RefundDecision, RefundStatus,
};
use payment_store::{Applied, CancellationChange, RefundChange, RefundDue, TenantScope};
use serde_json::Value;

use super::counting::Step;
use super::record::{audit, by_principal, event, line};
use super::{RefundDecisionRequest, RefundError, Refunds};
use crate::identity::Identity;
use crate::payment_span::in_trace_of;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Verb {
    Approve,
    Reject,
    Withdraw,
}

impl Refunds {
    /// Approves a refund in the name of a checker, who is neither its maker nor another checker of it. The
    /// last required approval sends it. Repeated by the same checker it changes nothing.
    ///
    /// # Errors
    /// A [`RefundError`].
    pub async fn approve(
        &self,
        request: RefundDecisionRequest,
        by: &Principal,
        identity: &Identity,
    ) -> Result<Refund, RefundError> {
        let refund = self.decide(Verb::Approve, request, by, identity).await?;
        if refund.status == RefundStatus::Approved {
            self.begin(&refund.id);
        }
        Ok(refund)
    }

    /// Rejects a refund in the name of a checker, with a comment.
    ///
    /// # Errors
    /// A [`RefundError`].
    pub async fn reject(
        &self,
        request: RefundDecisionRequest,
        by: &Principal,
        identity: &Identity,
    ) -> Result<Refund, RefundError> {
        let comment = request.comment.as_ref();
        if comment.is_none_or(|comment| comment.expose().trim().is_empty()) {
            return Err(RefundError::ReasonRequired);
        }
        self.decide(Verb::Reject, request, by, identity).await
    }

    /// Withdraws a request in the name of its maker.
    ///
    /// # Errors
    /// A [`RefundError`].
    pub async fn withdraw(
        &self,
        request: RefundDecisionRequest,
        by: &Principal,
        identity: &Identity,
    ) -> Result<Refund, RefundError> {
        self.decide(Verb::Withdraw, request, by, identity).await
    }

    async fn decide(
        &self,
        verb: Verb,
        request: RefundDecisionRequest,
        by: &Principal,
        identity: &Identity,
    ) -> Result<Refund, RefundError> {
        let scope = [TenantScope { root: by.tenant.to_string() }];
        let stored = self.ports.store.refund(&request.id, Some(&scope)).await?;
        let stored = stored.ok_or(RefundError::NotFound)?;
        let payment = stored.txn_id.clone();
        let deciding = self.decide_on(stored, verb, request, by, identity);
        in_trace_of(self.ports.store.as_ref(), &payment, "refund decision", deciding).await
    }

    async fn decide_on(
        &self,
        stored: Refund,
        verb: Verb,
        request: RefundDecisionRequest,
        by: &Principal,
        identity: &Identity,
    ) -> Result<Refund, RefundError> {
        let is_maker = stored.requested_by == by.uuid;
        match verb {
            Verb::Approve | Verb::Reject if is_maker => return Err(RefundError::SameUser),
            Verb::Withdraw if !is_maker => return Err(RefundError::NotTheMaker),
            Verb::Approve | Verb::Reject | Verb::Withdraw => {}
        }
        if is_repeated(verb, &stored, &request, by) {
            return Ok(stored);
        }
        if stored.status != RefundStatus::Requested || stored.version != request.version {
            return Err(RefundError::State { status: stored.status, version: stored.version });
        }
        if stored.approvals.iter().any(|given| given.by == by.uuid) {
            return Err(RefundError::SameUser);
        }
        let change = self.decision(verb, &stored, request, by, identity)?;
        let (refund, step) = (change.refund.clone(), Step::of(&change));
        match self.ports.store.apply_refund(change).await? {
            Applied::Stored => {
                if let Some(step) = step {
                    step.count();
                }
                tracing::info!(refund_id = %refund.id, txn_id = %refund.txn_id, status = refund.status.as_str(), "refund decided");
                Ok(refund)
            }
            Applied::Stale | Applied::Fenced => {
                let now = self.ports.store.refund(&refund.id, None).await?.ok_or(RefundError::NotFound)?;
                Err(RefundError::State { status: now.status, version: now.version })
            }
        }
    }

    fn decision(
        &self,
        verb: Verb,
        stored: &Refund,
        request: RefundDecisionRequest,
        by: &Principal,
        identity: &Identity,
    ) -> Result<RefundChange, RefundError> {
        let now = self.ports.now();
        let mut refund = stored.clone();
        refund.version += 1;
        let comment = request.comment;
        refund.decision = Some(RefundDecision { by: by.uuid.clone(), at: now, comment: comment.clone() });
        refund.audit.modified_by = Some(by.uuid.clone());
        refund.audit.modified_at = Some(now);
        let (action, why) = match verb {
            Verb::Approve => {
                refund.approvals.push(Approval { by: by.uuid.clone(), at: now });
                let needed = self.settings().checkers(refund.amount).max(1);
                if refund.approvals.len() >= needed {
                    refund.status = RefundStatus::Approved;
                }
                let given = refund.approvals.len().to_string();
                let why = HistoryReason::Approved.with([&given, &needed.to_string()]);
                (AuditAction::RefundApproved, why)
            }
            Verb::Reject => {
                refund.status = RefundStatus::Rejected;
                (AuditAction::RefundRejected, HistoryReason::Rejected.with([]))
            }
            Verb::Withdraw => {
                refund.status = RefundStatus::Withdrawn;
                (AuditAction::RefundWithdrawn, HistoryReason::Withdrawn.with([]))
            }
        };
        let actor = Actor::user(by.uuid.clone());
        let is_approved = refund.status == RefundStatus::Approved;
        Ok(RefundChange {
            due: match refund.status {
                RefundStatus::Approved => RefundDue::In(self.handover()),
                // Another checker is needed.
                RefundStatus::Requested => RefundDue::In(self.settings().decided_within),
                RefundStatus::Sent
                | RefundStatus::Succeeded
                | RefundStatus::Failed
                | RefundStatus::Rejected
                | RefundStatus::Withdrawn
                | RefundStatus::Expired => RefundDue::Never,
            },
            history: line(&refund, Some(stored.status), now, &actor, why, Value::Null),
            events: vec![event(&refund, identity)?],
            audit: vec![audit(action, by_principal(by), Some(stored), &refund, now, comment)?],
            case: None,
            closes: None,
            // The bills stay claimed until the money has gone.
            cancellation: if is_approved && self.cancels_on_approval(&refund) {
                CancellationChange::Due { frees_bills: false }
            } else {
                CancellationChange::None
            },
            fence: None,
            refund,
        })
    }
}

/// Whether the decider has decided this before, on the version they name now.
fn is_repeated(verb: Verb, stored: &Refund, request: &RefundDecisionRequest, by: &Principal) -> bool {
    let decided = stored.decision.as_ref().is_some_and(|decision| decision.by == by.uuid);
    let same = match verb {
        Verb::Approve => stored.approvals.iter().any(|given| given.by == by.uuid),
        Verb::Reject => stored.status == RefundStatus::Rejected,
        Verb::Withdraw => stored.status == RefundStatus::Withdrawn,
    };
    decided && same && stored.version > request.version
}
