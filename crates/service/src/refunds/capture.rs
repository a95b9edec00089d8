//! The captures of a payment, and whether they may still be refunded: by the gateway's answer at this time.

use std::sync::Arc;

use payment_domain::refund::machine;
use payment_domain::{
    AttentionKind, Capture, Currency, HistoryReason, Money, Outcome, Refund, Report, StatusName, Transaction,
};
use payment_gateway::{Gateway, GatewayError};
use payment_store::{AttentionCase, AttentionQuery, CaseState};
use serde_json::{Value, json};

use super::{NotPaid, RefundError, Refunds};

/// Cases by which a payment that counts as failed is refunded.
const OF_FAILED: [AttentionKind; 3] =
    [AttentionKind::LateSuccess, AttentionKind::PaidTwice, AttentionKind::AmountMismatch];

/// The gateway's word about a payment that is to be given back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Standing {
    /// It was paid, and all its refunds are ours. The amount that it states, if any.
    Paid(Option<Money>),
    /// The money went back by another way: another refund would give it back twice.
    GivenBack(String),
    /// Nothing of that is certain.
    Doubtful(NotPaid),
}

/// Judges a report; `ours` is the sum of our refunds of the payment that may have left.
pub(super) fn standing(report: &Report, ours: Money) -> Standing {
    let within_ours =
        |returned: &Money| returned.currency() == ours.currency() && returned.minor() <= ours.minor();
    match &report.outcome {
        Outcome::Paid { .. } if report.returned.as_ref().is_some_and(|returned| !within_ours(returned)) => {
            Standing::GivenBack(HistoryReason::MoreGivenBack.with([]))
        }
        Outcome::Paid { amount } => Standing::Paid(*amount),
        Outcome::Refunded if ours.is_zero() => {
            Standing::GivenBack(HistoryReason::GivenBackElsewhere.with([]))
        }
        Outcome::Refunded => match report.returned {
            Some(returned) if within_ours(&returned) => Standing::Paid(None),
            Some(returned) => Standing::GivenBack(
                HistoryReason::PartGivenBackElsewhere.with([&returned.with_code(), &ours.with_code()]),
            ),
            None => Standing::Doubtful(NotPaid::ReturnedWithoutAmount),
        },
        Outcome::Declined { .. }
        | Outcome::Pending
        | Outcome::Authorised
        | Outcome::NotFound
        | Outcome::Unrecognised { .. } => Standing::Doubtful(NotPaid::Reported(report.outcome.clone())),
    }
}

/// The evidence by which the second payment of an order is refunded.
pub(crate) fn evidence_of_capture(report: &Report) -> Option<Value> {
    let Outcome::Paid { amount: Some(amount) } = &report.outcome else { return None };
    Some(json!({
        "gatewayTxnId": report.gateway_txn_id,
        "amountMinor": amount.minor(),
        "currency": amount.currency().code(),
    }))
}

pub(crate) fn captured_in(evidence: &Value) -> Option<Capture> {
    let told = evidence.get("capture")?;
    let currency = Currency::from_code(told.get("currency")?.as_str()?)?;
    Some(Capture {
        gateway_txn_id: Some(told.get("gatewayTxnId")?.as_str()?.to_owned()),
        is_second: true,
        amount: Money::from_minor(told.get("amountMinor")?.as_i64()?, currency).ok()?,
    })
}

impl Refunds {
    /// The payment as the gateway receives it: with the number of the refunded one.
    pub(super) fn target(payment: &Transaction, capture: &Capture) -> Transaction {
        let mut target = payment.clone();
        target.gateway_details.txn_id.clone_from(&capture.gateway_txn_id);
        target
    }

    pub(super) async fn ask_about_payment(
        &self,
        gateway: &dyn Gateway,
        payment: &Transaction,
    ) -> Result<Report, GatewayError> {
        match tokio::time::timeout(self.ports.settings.gateway_wait, gateway.status(payment)).await {
            Ok(answer) => answer,
            Err(elapsed) => Err(GatewayError::Unanswered(elapsed.into())),
        }
    }

    /// The sum of the refunds of a capture that may have left.
    pub(super) fn left(refunds: &[Refund], capture: &Capture) -> Result<Money, RefundError> {
        let of_capture = refunds.iter().filter(|other| other.capture.key() == capture.key());
        let left = of_capture.filter(|other| other.status.may_have_left()).map(|other| other.amount);
        let contradiction = || RefundError::NotPaid(NotPaid::Contradiction);
        Money::sum(left, capture.amount.currency()).ok_or_else(contradiction)
    }

    /// The refundable rest of a capture; nothing, where its refunds contradict it.
    pub(super) fn available(refunds: &[Refund], capture: &Capture) -> Money {
        let of_capture = refunds.iter().filter(|other| other.capture.key() == capture.key());
        let live: Vec<&Refund> = of_capture.filter(|other| other.status.is_live()).collect();
        let smallest = live.iter().map(|other| other.capture.amount).min_by_key(|amount| amount.minor());
        let captured = smallest.filter(|smallest| smallest.minor() < capture.amount.minor());
        let nothing = Money::from_minor(0, capture.amount.currency()).unwrap_or(Money::ZERO);
        machine::available(captured.unwrap_or(capture.amount), live.iter().map(|other| other.amount))
            .unwrap_or(nothing)
    }

    /// The review case that proposes a refund of this payment: the named one, or that of a payment that
    /// counts as failed.
    pub(super) async fn case_of(
        &self,
        payment: &Transaction,
        named: Option<i64>,
    ) -> Result<Option<AttentionCase>, RefundError> {
        let store = &self.ports.store;
        let is_failure = payment.status.name() == StatusName::Failure;
        if let Some(id) = named {
            let found = store.attention_case(id).await?;
            let asks = |found: &AttentionCase| {
                found.case.txn_id == payment.id
                    && found.resolution.is_none()
                    && (found.case.kind == AttentionKind::SecondPayment
                        || (is_failure && OF_FAILED.contains(&found.case.kind)))
            };
            let case = found.filter(asks).ok_or(RefundError::NotPaid(NotPaid::OtherCase(id)))?;
            return Ok(Some(case));
        }
        if !is_failure {
            return Ok(None);
        }
        let query = AttentionQuery {
            state: CaseState::Open,
            txn_id: Some(payment.id.clone()),
            limit: 100,
            ..AttentionQuery::default()
        };
        let open = store.attention_cases(&query).await?;
        let case = open.into_iter().find(|found| OF_FAILED.contains(&found.case.kind));
        case.map(Some).ok_or(RefundError::NotPaid(NotPaid::FailedWithoutCase))
    }

    /// The capture, by the gateway's answer at this time.
    pub(super) async fn capture(
        &self,
        payment: &Transaction,
        gateway: &Arc<dyn Gateway>,
        case: Option<&AttentionCase>,
        refunds: &[Refund],
    ) -> Result<Capture, RefundError> {
        let turnstile = self.settlement.turnstile(&payment.gateway);
        turnstile.payer().await.map_err(|retry_after| RefundError::GatewayUnavailable {
            cause: None,
            retry_after: Some(retry_after),
        })?;
        let report = self.ask_about_payment(gateway.as_ref(), payment).await.map_err(|error| {
            let retry_after = match &error {
                GatewayError::Unavailable { retry_after } => Some(*retry_after),
                GatewayError::NotSent(_)
                | GatewayError::LocalFault(_)
                | GatewayError::Unanswered(_)
                | GatewayError::Unreadable(_)
                | GatewayError::Refused { .. }
                | GatewayError::BadSignature
                | GatewayError::WrongTransaction => None,
            };
            RefundError::GatewayUnavailable { cause: Some(error), retry_after }
        })?;
        // The number of a payment that counts as failed may be that of an attempt before it was paid.
        let is_failure = payment.status.name() == StatusName::Failure;
        let (stored, reported) = (payment.gateway_details.txn_id.clone(), report.gateway_txn_id.clone());
        let number = if is_failure { reported.or(stored) } else { stored.or(reported) };
        let first = Capture { gateway_txn_id: number, is_second: false, amount: payment.amount };
        let second = match case {
            Some(case) if case.case.kind == AttentionKind::SecondPayment => {
                let untold = || RefundError::NotPaid(NotPaid::CaseWithoutAmount);
                Some(captured_in(&case.case.evidence).ok_or_else(untold)?)
            }
            Some(_) | None => None,
        };
        let capture = second.unwrap_or(first);
        let told = match standing(&report, Refunds::left(refunds, &capture)?) {
            Standing::Paid(told) => told,
            Standing::GivenBack(_) => return Err(RefundError::AlreadyPaid),
            Standing::Doubtful(reason) => return Err(RefundError::NotPaid(reason)),
        };
        if capture.is_second {
            return Ok(capture);
        }
        match told {
            Some(told) if told.currency() != payment.amount.currency() && !is_failure => {
                Err(RefundError::NotPaid(NotPaid::OtherCurrency))
            }
            // The gateway's own amount; of a success never more than was requested and compared.
            Some(told) if is_failure || told.minor() < capture.amount.minor() => {
                Ok(Capture { amount: told, ..capture })
            }
            Some(_) => Ok(capture),
            None if is_failure => Err(RefundError::NotPaid(NotPaid::WithoutAmount)),
            None => Ok(capture),
        }
    }
}
