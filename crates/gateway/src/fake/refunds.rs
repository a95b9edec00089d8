//! Refunds of the scripted gateway, and its books of the money that was given back.

use std::collections::HashMap;

use async_trait::async_trait;
use payment_domain::{Money, RefundId, RefundOutcome, RefundReport, Transaction, TxnId};
use serde_json::json;

use super::FakeGateway;
use crate::{Answer, GatewayError, NoRefund, RefundOrder, RefundTerms, Refunding, Repetition};

/// The parameter in which a callback of the [`FakeGateway`] names a refund.
const REFUND: &str = "fakeRefundId";

/// The effect of a refund call at a scripted [`FakeGateway`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RefundFate {
    /// The money is given back, and the answer says so.
    GivenBack,
    /// Taken on; [`FakeGateway::decides_refund`] ends it.
    Taken,
    /// Definitely refused.
    Refused,
    /// The connection is refused.
    NotSent,
    /// The request never arrives: no answer, and the gateway knows nothing of it.
    Lost,
    /// The report, now and at every status request. No money moves.
    Reported(RefundOutcome),
}

/// Money that left the gateway.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GivenBack {
    /// Our id of the refund.
    pub refund: RefundId,
    /// The payment it was taken from.
    pub payment: TxnId,
    /// The sum.
    pub amount: Money,
}

#[derive(Debug)]
struct Booked {
    payment: TxnId,
    amount: Money,
    outcome: RefundOutcome,
}

#[derive(Debug)]
pub(super) struct RefundScript {
    /// `None` with no refunds at all.
    terms: Option<Result<RefundTerms, NoRefund>>,
    repetition: Repetition,
    fate: RefundFate,
    per_refund: HashMap<RefundId, RefundFate>,
    loses_answers: bool,
    is_silent: bool,
    may_repeat: bool,
    booked: HashMap<RefundId, Booked>,
    given_back: Vec<GivenBack>,
    calls: usize,
    questions: usize,
}

impl Default for RefundScript {
    fn default() -> RefundScript {
        RefundScript {
            terms: None,
            repetition: Repetition::Refused,
            fate: RefundFate::GivenBack,
            per_refund: HashMap::new(),
            loses_answers: false,
            is_silent: false,
            may_repeat: false,
            booked: HashMap::new(),
            given_back: Vec::new(),
            calls: 0,
            questions: 0,
        }
    }
}

impl FakeGateway {
    /// One through which nothing can be given back.
    #[must_use]
    pub fn that_gives_nothing_back(mut self) -> FakeGateway {
        self.gives_back = false;
        self
    }

    /// The terms of all refunds. Without this: parts, several, of one minor unit and more, a second use of an
    /// id refused.
    pub fn refund_terms(&self, terms: Result<RefundTerms, NoRefund>) {
        let mut script = self.script();
        if let Ok(terms) = &terms {
            script.refunds.repetition = terms.repetition;
        }
        script.refunds.terms = Some(terms);
    }

    /// The effect of a second call with one id.
    pub fn repeated_refunds_are(&self, repetition: Repetition) {
        self.script().refunds.repetition = repetition;
    }

    /// The fate of every refund without one of its own.
    pub fn refunds_are(&self, fate: RefundFate) {
        self.script().refunds.fate = fate;
    }

    /// The fate of one refund.
    pub fn refund_is(&self, id: &RefundId, fate: RefundFate) {
        self.script().refunds.per_refund.insert(id.clone(), fate);
    }

    /// Refund calls take effect, and their answers are lost.
    pub fn loses_answers_to_refunds(&self, loses: bool) {
        self.script().refunds.loses_answers = loses;
    }

    /// No answer to a status request about a refund.
    pub fn is_silent_about_refunds(&self, silent: bool) {
        self.script().refunds.is_silent = silent;
    }

    /// Whether its reports say that the same id may be sent again.
    pub fn refunds_may_be_repeated(&self, may_repeat: bool) {
        self.script().refunds.may_repeat = may_repeat;
    }

    /// The end of an accepted refund: [`RefundOutcome::Succeeded`] moves the money, any other outcome does
    /// not. A refund that had succeeded is returned by [`RefundOutcome::Failed`].
    pub fn decides_refund(&self, id: &RefundId, outcome: RefundOutcome) {
        let mut script = self.script();
        let refunds = &mut script.refunds;
        let Some(booked) = refunds.booked.get_mut(id) else { return };
        let was_given = matches!(booked.outcome, RefundOutcome::Succeeded { .. });
        let is_given = matches!(outcome, RefundOutcome::Succeeded { .. });
        booked.outcome = outcome;
        if is_given && !was_given {
            let (payment, amount) = (booked.payment.clone(), booked.amount);
            refunds.given_back.push(GivenBack { refund: id.clone(), payment, amount });
        }
        if was_given && !is_given {
            refunds.given_back.retain(|given| given.refund != *id);
        }
    }

    /// All money given back, in order.
    pub fn given_back(&self) -> Vec<GivenBack> {
        self.script().refunds.given_back.clone()
    }

    /// The number of refund requests.
    pub fn refund_calls(&self) -> usize {
        self.script().refunds.calls
    }

    /// The number of status requests about refunds.
    pub fn refund_questions(&self) -> usize {
        self.script().refunds.questions
    }
}

impl RefundScript {
    /// Carries out a call.
    fn act(&mut self, order: &RefundOrder<'_>) -> Result<RefundReport, GatewayError> {
        self.calls += 1;
        let fate = self.per_refund.get(order.id).unwrap_or(&self.fate).clone();
        match &fate {
            RefundFate::NotSent => return Err(GatewayError::NotSent("connection refused".into())),
            RefundFate::Lost => return Err(GatewayError::Unanswered("timed out".into())),
            RefundFate::Reported(outcome) => return self.answer(report(order, outcome.clone())),
            RefundFate::GivenBack | RefundFate::Taken | RefundFate::Refused => {}
        }
        let outcome = match (self.booked.get(order.id), self.repetition) {
            (Some(booked), Repetition::Replayed) => booked.outcome.clone(),
            // The first request stands.
            (Some(_), Repetition::Refused) => RefundOutcome::Pending,
            (Some(_), Repetition::Doubles) | (None, _) => self.book(order, &fate),
        };
        self.answer(report(order, outcome))
    }

    fn book(&mut self, order: &RefundOrder<'_>, fate: &RefundFate) -> RefundOutcome {
        let payment = order.payment.id.clone();
        let of_payment = |booked: &&Booked| {
            booked.payment == payment && !matches!(booked.outcome, RefundOutcome::Failed { .. })
        };
        let reserved: i64 = self.booked.values().filter(of_payment).map(|booked| booked.amount.minor()).sum();
        let exceeds = reserved.saturating_add(order.amount.minor()) > order.payment.amount.minor();
        let refused = |reason: &str| RefundOutcome::Failed { reason: reason.to_owned() };
        let outcome = match fate {
            RefundFate::GivenBack if exceeds && self.repetition != Repetition::Doubles => {
                refused("more than was paid")
            }
            RefundFate::GivenBack => {
                let (refund, amount) = (order.id.clone(), order.amount);
                self.given_back.push(GivenBack { refund, payment: payment.clone(), amount });
                RefundOutcome::Succeeded { amount: Some(order.amount) }
            }
            RefundFate::Taken => RefundOutcome::Pending,
            RefundFate::Refused | RefundFate::NotSent | RefundFate::Lost | RefundFate::Reported(_) => {
                refused("refused")
            }
        };
        let booked = Booked { payment, amount: order.amount, outcome: outcome.clone() };
        self.booked.insert(order.id.clone(), booked);
        outcome
    }

    fn state(&mut self, order: &RefundOrder<'_>) -> Result<RefundReport, GatewayError> {
        self.questions += 1;
        if self.is_silent {
            return Err(GatewayError::Unanswered("timed out".into()));
        }
        let outcome = match (self.booked.get(order.id), self.per_refund.get(order.id).unwrap_or(&self.fate)) {
            (_, RefundFate::Reported(outcome)) => outcome.clone(),
            (Some(booked), _) if booked.payment != order.payment.id || booked.amount != order.amount => {
                RefundOutcome::Unclear { reason: "another payment or amount".to_owned() }
            }
            (Some(booked), _) => booked.outcome.clone(),
            (None, _) => RefundOutcome::NotFound,
        };
        Ok(RefundReport { may_repeat: self.may_repeat, ..report(order, outcome) })
    }

    fn answer(&self, report: RefundReport) -> Result<RefundReport, GatewayError> {
        if self.loses_answers {
            return Err(GatewayError::Unanswered("timed out".into()));
        }
        Ok(RefundReport { may_repeat: self.may_repeat, ..report })
    }
}

fn report(order: &RefundOrder<'_>, outcome: RefundOutcome) -> RefundReport {
    RefundReport {
        may_repeat: false,
        gateway_refund_id: Some(format!("FAKE-{}", order.id)),
        status_code: Some(outcome.name().to_owned()),
        status_message: None,
        raw: json!({ "state": outcome.name() }),
        outcome,
    }
}

#[async_trait]
impl Refunding for FakeGateway {
    fn terms(&self, payment: &Transaction) -> Result<RefundTerms, NoRefund> {
        let script = self.script();
        match &script.refunds.terms {
            Some(terms) => terms.clone(),
            None => {
                let minimum = Money::from_minor(1, payment.amount.currency()).unwrap_or(payment.amount);
                let repetition = script.refunds.repetition;
                Ok(RefundTerms { partial: true, several: true, minimum, repetition })
            }
        }
    }

    async fn refund(&self, order: &RefundOrder<'_>) -> Result<RefundReport, GatewayError> {
        self.refuse_while_unavailable()?;
        let (result, delay) = {
            let mut script = self.script();
            (script.refunds.act(order), script.delay)
        };
        self.takes(delay).await;
        result
    }

    async fn refund_status(&self, order: &RefundOrder<'_>) -> Result<RefundReport, GatewayError> {
        self.refuse_while_unavailable()?;
        let (result, delay) = {
            let mut script = self.script();
            (script.refunds.state(order), script.delay)
        };
        self.takes(delay).await;
        result
    }

    fn names_refund(&self, answer: &Answer) -> Option<RefundId> {
        RefundId::new(answer.params.get(REFUND)?).ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::StartMode;
    use crate::conformance::sample;

    struct Case {
        gateway: FakeGateway,
        payment: Transaction,
        id: RefundId,
    }

    impl Case {
        fn new() -> Case {
            Case {
                gateway: FakeGateway::new("FAKE", StartMode::Offline),
                payment: sample::transaction("PB_PG_1", "100.00"),
                id: RefundId::new("RF-0000000001").unwrap(),
            }
        }

        fn order<'a>(&'a self, id: &'a RefundId) -> RefundOrder<'a> {
            RefundOrder {
                payment: &self.payment,
                id,
                amount: self.payment.amount,
                gateway_refund_id: None,
                notify_url: None,
            }
        }

        async fn refund(&self) -> Result<RefundOutcome, GatewayError> {
            self.gateway.refund(&self.order(&self.id)).await.map(|report| report.outcome)
        }

        async fn status(&self) -> RefundOutcome {
            self.gateway.refund_status(&self.order(&self.id)).await.unwrap().outcome
        }
    }

    #[tokio::test]
    async fn a_lost_answer_left_the_money_in_the_books_and_a_lost_request_did_not() {
        let case = Case::new();
        let all = RefundOutcome::Succeeded { amount: Some(case.payment.amount) };
        case.gateway.refund_is(&case.id, RefundFate::Lost);
        assert!(matches!(case.refund().await, Err(GatewayError::Unanswered(_))));
        assert_eq!((case.status().await, case.gateway.given_back().len()), (RefundOutcome::NotFound, 0));

        case.gateway.refund_is(&case.id, RefundFate::GivenBack);
        case.gateway.loses_answers_to_refunds(true);
        assert!(matches!(case.refund().await, Err(GatewayError::Unanswered(_))));
        assert_eq!((case.status().await, case.gateway.given_back().len()), (all.clone(), 1));
        case.gateway.loses_answers_to_refunds(false);
        for (repetition, outcome, given) in [
            (Repetition::Replayed, all.clone(), 1),
            (Repetition::Refused, RefundOutcome::Pending, 1),
            (Repetition::Doubles, all.clone(), 2),
        ] {
            case.gateway.repeated_refunds_are(repetition);
            assert_eq!(case.refund().await.unwrap(), outcome, "{repetition:?}");
            assert_eq!(case.gateway.given_back().len(), given, "{repetition:?}");
        }
    }

    #[tokio::test]
    async fn an_accepted_refund_is_decided_once_and_may_be_returned() {
        let case = Case::new();
        case.gateway.refunds_are(RefundFate::Taken);
        assert_eq!(case.refund().await.unwrap(), RefundOutcome::Pending);
        let other = RefundId::new("RF-0000000002").unwrap();
        case.gateway.refunds_are(RefundFate::GivenBack);
        let exceeding = case.gateway.refund(&case.order(&other)).await.unwrap();
        assert_eq!(exceeding.outcome.name(), "failed", "pending refunds reserve their amount");
        let all = RefundOutcome::Succeeded { amount: Some(case.payment.amount) };
        for _ in 0..2 {
            case.gateway.decides_refund(&case.id, all.clone());
        }
        assert_eq!((case.status().await, case.gateway.given_back().len()), (all, 1));
        case.gateway.decides_refund(&case.id, RefundOutcome::Failed { reason: "returned".to_owned() });
        assert_eq!((case.status().await.name(), case.gateway.given_back().len()), ("failed", 0));
    }
}
