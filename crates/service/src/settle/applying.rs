//! A gateway's report, decided by the state machine and stored.

use payment_domain::machine::{self, OrderLife, Verdict};
use payment_domain::{
    AttentionKind, EventKind, GatewayDetails, HistoryEntry, HistoryReason, Outcome, Report, StatusName,
    Timestamp, Transaction,
};
use payment_store::{Applied, Attention, Change, ClaimChange, Dump, NewCase, ReceiptTaskChange, StoreError};
use serde_json::{Value, json};
use tracing::Instrument;

use super::asking::Question;
use super::{Caller, SettleError, Settlement};
use crate::events::EventWriter;
use crate::ports::sandbox_label;
use crate::receipts::Held;
use crate::refunds::evidence_of_capture;

/// A gateway's report, with the question it answers.
struct Reply<'a> {
    report: &'a Report,
    question: Question<'a>,
}

impl Reply<'_> {
    /// The raw report, and the raw one that was signed before.
    fn evidence(&self) -> Value {
        match self.question.signed {
            Some(signed) => json!({ "answer": self.report.raw, "signed": signed.raw }),
            None => json!({ "answer": self.report.raw }),
        }
    }

    /// The same with what was captured, by which a case proposes a refund.
    fn evidence_of_case(&self) -> Value {
        let mut evidence = self.evidence();
        if let (Value::Object(evidence), Some(capture)) = (&mut evidence, evidence_of_capture(self.report)) {
            evidence.insert("capture".to_owned(), capture);
        }
        evidence
    }
}

impl Settlement {
    /// Decides what the report means for the transaction, and stores that; again on the stored one when it
    /// has changed meanwhile.
    pub(super) async fn apply_report(
        &self,
        mut txn: Transaction,
        report: &Report,
        question: Question<'_>,
        caller: &Caller,
    ) -> Result<Transaction, SettleError> {
        let reply = Reply { report, question };
        let Question { signed, mut life, closes } = question;
        let signed = signed.map(|signed| &signed.outcome);
        loop {
            let mut verdict = machine::decide(txn.status.name(), txn.amount, &report.outcome, signed, life);
            if closes && verdict.message == machine::message::FAILED_AT_GATEWAY {
                verdict.message = machine::message::SUPERSEDED;
            }
            let details = GatewayDetails {
                txn_id: report.gateway_txn_id.clone(),
                payment_mode: report.payment_mode.clone(),
                bank_txn_no: report.bank_txn_no.clone(),
                status_code: report.status_code.clone(),
                status_message: report.status_message.clone(),
            };
            let details_changed = txn.status.name() == StatusName::Pending && details != txn.gateway_details;
            if verdict.change.is_none() && !details_changed {
                self.raise_case(&txn, &verdict, &reply, caller).await?;
                // Another replica, which was faster, may be issuing the receipt.
                return Ok(self.receipts.await_receipt(txn).await?);
            }
            let (change, task) = self.change(&txn, &verdict, details, &reply, caller)?;
            let next = change.txn.clone();
            let commit = tracing::debug_span!(target: payment_trace::INNER, "commit", pg.txn_id = %next.id, pg.status = next.status.name().as_str());
            match self.ports.store.apply(change).instrument(commit).await? {
                Applied::Stored => return Ok(self.after_commit(next, task, report, caller).await),
                Applied::Fenced => return Err(SettleError::Fenced),
                Applied::Stale => {
                    txn = self.stored(&txn.id).await?;
                    // Its order was opened after the question: a payer may be on the way.
                    if life == OrderLife::NeverBegun && txn.redirect_url.is_some() {
                        life = OrderLife::Running;
                    }
                }
            }
        }
    }

    fn change(
        &self,
        txn: &Transaction,
        verdict: &Verdict,
        details: GatewayDetails,
        reply: &Reply<'_>,
        caller: &Caller,
    ) -> Result<(Change, Option<Held>), StoreError> {
        let now = self.ports.now();
        let from = txn.status.name();
        let mut next = txn.clone();
        if let Some(status) = &verdict.change {
            next.status = status.clone();
            verdict.message.clone_into(&mut next.status_message);
        }
        next.gateway_details = details;
        next.audit.modified_by = Some(caller.modifier());
        next.audit.modified_at = Some(now);
        next.version += 1;

        let to = next.status.name();
        let task = (to == StatusName::Success).then(|| self.receipts.begin_task());
        let lease = self.ports.settings.receipt_lease;
        let dump = Dump { request: None, response: Some(reply.report.raw.clone()) };
        let events = EventWriter::new(&caller.identity)?;
        let told_dump = Dump { request: next.redirect_url.clone(), response: dump.response.clone() };
        let change = Change {
            history: history(&next, from, verdict, reply, caller, now),
            redirect_form: None,
            events: vec![events.update(&next)?, events.dump(EventKind::UpdateDump, &next, &told_dump)?],
            dump: Some(dump),
            claims: match to {
                StatusName::Failure => ClaimChange::Release,
                StatusName::Pending | StatusName::Success => ClaimChange::Keep,
            },
            receipt_task: task
                .as_ref()
                .map_or(ReceiptTaskChange::None, |task| ReceiptTaskChange::Created(task.new_task(lease))),
            attention: verdict.attention.map(|kind| Attention {
                txn_id: next.id.clone(),
                kind,
                raised_at: now,
                evidence: reply.evidence_of_case(),
            }),
            forget_key: None,
            fence: caller.fence.clone(),
            txn: next,
        };
        Ok((change, task))
    }

    /// Counts and logs a stored change, and issues the receipt.
    async fn after_commit(
        &self,
        txn: Transaction,
        task: Option<Held>,
        report: &Report,
        caller: &Caller,
    ) -> Transaction {
        let status = txn.status.name().as_str();
        metrics::counter!("transactions_settled_total", "gateway" => txn.gateway.to_string(), "status" => status, "sandbox" => sandbox_label(&txn.gateway))
            .increment(1);
        if txn.status.name() == StatusName::Success {
            metrics::counter!("transactions_paid_minor_units_total", "gateway" => txn.gateway.to_string(), "currency" => txn.amount.currency().code(), "sandbox" => sandbox_label(&txn.gateway))
                .increment(txn.amount.minor().unsigned_abs());
        }
        tracing::info!(txn_id = %txn.id, gateway = %txn.gateway, status, outcome = report.outcome.name(), "settled");
        match task {
            Some(task) => self.receipts.issue_now(txn, task, caller).await,
            None => txn,
        }
    }

    /// Raises a case for a paid transaction of which the gateway signs a second payment, or a refund.
    pub(super) async fn notice_second_payment(
        &self,
        txn: &Transaction,
        signed: &Report,
        caller: &Caller,
    ) -> Result<(), StoreError> {
        let other = signed.gateway_txn_id.is_some()
            && txn.gateway_details.txn_id.is_some()
            && signed.gateway_txn_id != txn.gateway_details.txn_id;
        let attention = match &signed.outcome {
            Outcome::Paid { .. } if other => Some(AttentionKind::SecondPayment),
            Outcome::Refunded => Some(AttentionKind::Refunded),
            Outcome::Paid { .. }
            | Outcome::Declined { .. }
            | Outcome::Pending
            | Outcome::Authorised
            | Outcome::NotFound
            | Outcome::Unrecognised { .. } => None,
        };
        let verdict = Verdict { change: None, message: "", attention };
        let question = Question { signed: None, life: OrderLife::Running, closes: false };
        self.raise_case(txn, &verdict, &Reply { report: signed, question }, caller).await
    }

    /// Raises the case that the verdict asks for, if any.
    async fn raise_case(
        &self,
        txn: &Transaction,
        verdict: &Verdict,
        reply: &Reply<'_>,
        caller: &Caller,
    ) -> Result<(), StoreError> {
        let Some(mut kind) = verdict.attention else { return Ok(()) };
        let mut evidence = reply.evidence_of_case();
        let mut hold = Vec::new();
        if kind == AttentionKind::LateSuccess {
            let bills = txn.bill_keys();
            let mut others = self.ports.store.claims(&bills).await?;
            others.retain(|claim| claim.txn_id != txn.id);
            if others.iter().any(|claim| claim.status == StatusName::Success) {
                kind = AttentionKind::PaidTwice;
            }
            if let Value::Object(evidence) = &mut evidence {
                let held: Vec<_> = others.iter().map(|claim| json!({ "billId": claim.bill.bill.as_str(), "txnId": claim.txn_id, "txnStatus": claim.status.as_str() })).collect();
                evidence.insert("otherPayments".to_owned(), held.into());
            }
            // The bills cannot be paid again before an operator has resolved the case.
            hold = bills;
        }
        let verdict = Verdict { attention: Some(kind), ..verdict.clone() };
        let now = self.ports.now();
        let history = history(txn, txn.status.name(), &verdict, reply, caller, now);
        let case = Attention { txn_id: txn.id.clone(), kind, raised_at: now, evidence };
        let new = NewCase { case, history, events: Vec::new(), hold, fence: caller.fence.clone() };
        self.ports.raise_attention(new).await
    }
}

fn history(
    txn: &Transaction,
    from: StatusName,
    verdict: &Verdict,
    reply: &Reply<'_>,
    caller: &Caller,
    now: Timestamp,
) -> HistoryEntry {
    let report = reply.report;
    let said = match &report.outcome {
        Outcome::Paid { amount: Some(amount) } => HistoryReason::SaysPaid.with([&amount.labelled()]),
        Outcome::Paid { amount: None } => HistoryReason::SaysPaidWithoutAmount.with([]),
        Outcome::Declined { reason } => HistoryReason::SaysDeclined.with([reason]),
        Outcome::Unrecognised { code } => HistoryReason::SaysUnknown.with([code]),
        Outcome::Pending => HistoryReason::SaysPending.with([]),
        Outcome::Authorised => HistoryReason::SaysAuthorised.with([]),
        Outcome::NotFound => HistoryReason::SaysNotFound.with([]),
        Outcome::Refunded => HistoryReason::SaysRefunded.with([]),
    };
    let said = if reply.question.closes { HistoryReason::ClosedForAnother.with([&said]) } else { said };
    let why = match verdict.attention {
        Some(kind) => HistoryReason::PutUp.with([&said, kind.as_str()]),
        None => said,
    };
    HistoryEntry {
        txn_id: txn.id.clone(),
        at: now,
        actor: caller.actor.clone(),
        from: Some(from),
        to: txn.status.name(),
        why,
        evidence: reply.evidence(),
    }
}
