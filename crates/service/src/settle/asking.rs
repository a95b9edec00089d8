//! Status requests: one request at a time asks about a transaction, within the limits.

use std::time::{Duration, Instant};

use payment_domain::machine::OrderLife;
use payment_domain::{GatewayName, Outcome, Report, StatusName, Transaction, TxnId};
use payment_gateway::{Gateway, GatewayError};

use super::{Asked, Caller, Origin, SettleError, Settled, Settlement};
use crate::questions::Trigger;
use crate::single_flight::Permit;

/// A status request about a transaction, with the data known when it is made.
#[derive(Clone, Copy)]
pub(super) struct Question<'a> {
    /// The signed report in the answer that led to the status request.
    pub(super) signed: Option<&'a Report>,
    pub(super) life: OrderLife,
    /// Whether the gateway is to close the order.
    pub(super) closes: bool,
}

/// The stored state is the answer: a limit on status requests is reached.
pub(super) fn held_back(txn: Transaction, retry_after: Duration) -> Settled {
    metrics::counter!("gateway_questions_held_back_total", "gateway" => txn.gateway.to_string()).increment(1);
    Settled { txn, asked: Asked::Unavailable { retry_after } }
}

impl Settlement {
    pub(super) fn trigger<'a>(&self, txn: &'a Transaction, signed: Option<&'a Report>) -> Trigger<'a> {
        Trigger { txn_id: &txn.id, age: self.ports.now().since(txn.audit.created_at), signed }
    }

    /// Makes a status request unless a concurrent request has made one meanwhile.
    pub(super) async fn ask_once(
        &self,
        txn: Transaction,
        gateway: &dyn Gateway,
        signed: Option<&Report>,
        caller: &Caller,
        arrived: Instant,
    ) -> Result<Settled, SettleError> {
        let mut permit = self.single_flight.permit(&txn.id).await;
        let txn = if permit.has_waited() { self.stored(&txn.id).await? } else { txn };
        if txn.status.name() == StatusName::Success {
            drop(permit);
            return Ok(Settled::unasked(self.receipts.await_receipt(txn).await?));
        }
        // A signed payment is not answered with the result of another request's status request.
        let brings_proof = signed.is_some_and(|signed| matches!(signed.outcome, Outcome::Paid { .. }));
        match permit.asked_since(arrived) {
            Some(true) if !brings_proof => return Ok(Settled::unasked(txn)),
            Some(false) => {
                let reason = "the gateway gave no usable answer a moment ago".to_owned();
                return Ok(Settled { txn, asked: Asked::Unusable(reason) });
            }
            Some(true) | None => {}
        }
        if caller.origin == Origin::Answer
            && let Err(retry_after) = self.admit(&txn, signed).await
        {
            return Ok(held_back(txn, retry_after));
        }
        // The order's life is judged before the status request: a payment made in its last moment is not
        // missed because the answer took long.
        let question = Question { signed, life: self.ports.life_of(&txn), closes: false };
        self.ask(&mut permit, gateway, txn, question, caller).await
    }

    /// The same for a status request about a refund of a payment, begun that long ago.
    pub(crate) async fn admit_hint(
        &self,
        txn_id: &TxnId,
        gateway: &GatewayName,
        age: Duration,
    ) -> Result<(), Duration> {
        self.questions.take(Trigger { txn_id, age, signed: None })?;
        self.turnstile(gateway).payer().await
    }

    /// Takes a status request from the payment's allowance, and waits for the gateway's pace.
    async fn admit(&self, txn: &Transaction, signed: Option<&Report>) -> Result<(), Duration> {
        self.questions.take(self.trigger(txn, signed))?;
        self.turnstile(&txn.gateway).payer().await
    }

    /// Sends the status request, and stores the decision on its report.
    pub(super) async fn ask(
        &self,
        permit: &mut Permit,
        gateway: &dyn Gateway,
        txn: Transaction,
        question: Question<'_>,
        caller: &Caller,
    ) -> Result<Settled, SettleError> {
        let asked_at = Instant::now();
        let answer = self.call(gateway, &txn, question.closes).await;
        permit.asked(asked_at, answer.is_ok());
        let error = match answer {
            Ok(report) => {
                let txn = self.apply_report(txn, &report, question, caller).await?;
                return Ok(Settled { txn, asked: Asked::Answered });
            }
            Err(error) => error,
        };
        metrics::counter!("gateway_questions_failed_total", "gateway" => txn.gateway.to_string())
            .increment(1);
        tracing::warn!(txn_id = %txn.id, gateway = %txn.gateway, %error, "the gateway gave no usable answer");
        let asked = match error {
            GatewayError::Unavailable { retry_after } => Asked::Unavailable { retry_after },
            error @ (GatewayError::NotSent(_)
            | GatewayError::LocalFault(_)
            | GatewayError::Unanswered(_)
            | GatewayError::Unreadable(_)
            | GatewayError::Refused { .. }
            | GatewayError::BadSignature
            | GatewayError::WrongTransaction) => Asked::Unusable(error.to_string()),
        };
        Ok(Settled { txn, asked })
    }

    async fn call(
        &self,
        gateway: &dyn Gateway,
        txn: &Transaction,
        closes: bool,
    ) -> Result<Report, GatewayError> {
        let call = match gateway.closing().filter(|_| closes) {
            Some(closing) => closing.close(txn),
            None => gateway.status(txn),
        };
        match tokio::time::timeout(self.ports.settings.gateway_wait, call).await {
            Ok(answer) => answer,
            Err(elapsed) => Err(GatewayError::Unanswered(elapsed.into())),
        }
    }
}
