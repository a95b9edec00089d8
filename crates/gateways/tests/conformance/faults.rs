//! Faults of every kind at every gateway, and the decisions of the refunds' state machine: doubt fails
//! nothing, nothing is refunded twice, and in the end the provider's books and the state agree.

use std::time::Duration;

use payment_domain::refund::machine::{self, Calls, QUIET_TIME, RefundVerdict, Repetition};
use payment_domain::{Currency, Money, RefundId, RefundReport, RefundStatus, Transaction, TxnId};
use payment_gateway::conformance::{Deed, Provider, sample};
use payment_gateway::{GatewayError, RefundOrder, Refunding};
use payment_simulator::providers::{Fault, RefundTwist, Strike};

use crate::simulated::{self, Account, Simulated};

/// The time limit of answers that never come.
const TIMEOUT: Duration = Duration::from_secs(2);

/// A refund, as the service drives it.
struct Driven<'a> {
    order: RefundOrder<'a>,
    number: Option<String>,
    status: RefundStatus,
    repetition: Repetition,
    unclear: bool,
    not_taken: bool,
}

impl Driven<'_> {
    fn order(&self) -> RefundOrder<'_> {
        RefundOrder { gateway_refund_id: self.number.as_deref(), ..self.order }
    }

    /// Takes a report in; returns whether the call is to be made again.
    fn hears(&mut self, result: Result<RefundReport, GatewayError>, waited: Duration, by_call: bool) -> bool {
        let Ok(report) = result else { return false };
        self.number = report.gateway_refund_id.clone().or(self.number.take());
        let calls = Calls {
            repetition: self.repetition,
            since_first: waited,
            since_last: waited,
            not_taken: self.not_taken,
            quiet_time: machine::QUIET_TIME,
        };
        self.not_taken = by_call && report.may_repeat;
        match machine::decide(self.status, self.order.amount, &report.outcome, calls) {
            RefundVerdict::Succeed => self.status = RefundStatus::Succeeded,
            RefundVerdict::Fail { .. } => self.status = RefundStatus::Failed,
            RefundVerdict::Unclear { .. } => self.unclear = true,
            RefundVerdict::Repeat => return !by_call,
            RefundVerdict::Keep | RefundVerdict::Returned { .. } => {}
        }
        false
    }

    async fn calls(&mut self, refunding: &dyn Refunding) {
        let result = refunding.refund(&self.order()).await;
        self.hears(result, Duration::ZERO, true);
    }

    async fn asks(&mut self, refunding: &dyn Refunding, waited: Duration) {
        let result = refunding.refund_status(&self.order()).await;
        if self.hears(result, waited, false) {
            self.calls(refunding).await;
        }
    }
}

/// A fault of the refund, whether its bank refuses it, and the states that may follow while it lasts.
struct Play {
    fault: Fault,
    refused: bool,
    meanwhile: &'static [RefundStatus],
}

fn plays() -> Vec<Play> {
    use RefundStatus::{Failed, Sent, Succeeded};
    let mut plays = Vec::new();
    for strike in [Strike::Slow { ms: 10 }, Strike::ServerError, Strike::Cut, Strike::Hang, Strike::Garbage] {
        let is_answered = matches!(strike, Strike::Slow { .. });
        for refused in [false, true] {
            let end: &[RefundStatus] = if refused { &[Failed] } else { &[Succeeded] };
            let meanwhile = if is_answered { end } else { &[Sent] };
            plays.push(Play { fault: Fault::Call(strike), refused, meanwhile });
        }
    }
    for twist in RefundTwist::ALL {
        let (twist, meanwhile): (RefundTwist, &[RefundStatus]) = match twist {
            RefundTwist::Pending { .. } => (RefundTwist::Pending { seconds: 3_600 }, &[Sent]),
            RefundTwist::RefusedLater { .. } => (RefundTwist::RefusedLater { seconds: 3_600 }, &[Sent]),
            RefundTwist::Returned { .. } => (RefundTwist::Returned { seconds: 3_600 }, &[Succeeded]),
            RefundTwist::Refused => (twist, &[Failed]),
            // Some providers refuse, others let it wait.
            RefundTwist::NoBalance => (twist, &[Sent, Failed]),
            RefundTwist::AnswerLost | RefundTwist::Silent => (twist, &[Succeeded]),
            RefundTwist::RequestLost | RefundTwist::WrongAmount | RefundTwist::UnknownCode => {
                (twist, &[Sent])
            }
            // Some providers prove it in the answer to the request; some sign no answers.
            RefundTwist::NotFound | RefundTwist::WrongSignature => (twist, &[Sent, Succeeded]),
        };
        plays.push(Play { fault: Fault::Refund(twist), refused: false, meanwhile });
    }
    plays
}

pub(crate) async fn refunds_under_every_fault(account: Account) {
    let provider = simulated::at_fault(account).await;
    for (number, play) in (1..).zip(plays()) {
        under_fault(account, &provider, number, &play).await;
    }
}

async fn under_fault(account: Account, provider: &Simulated, number: u32, play: &Play) {
    let at = format!("{account:?}, {} refused={}", play.fault.word(), play.refused);
    let payment = paid(provider, number).await;
    let id = RefundId::new(format!("RF-{number:010}")).unwrap();
    let notify_url = provider.notify_url();
    let patient = provider.gateway();
    let refunding = patient.refunding().expect("it makes refunds");
    let hanging = provider.gateway_at(provider.base_url(), TIMEOUT);
    let impatient = hanging.refunding().expect("it makes refunds");
    let order = RefundOrder {
        payment: &payment,
        id: &id,
        amount: Money::parse("19.95", Currency::INR).unwrap(),
        gateway_refund_id: None,
        notify_url: Some(&notify_url),
    };
    let repetition = refunding.terms(&payment).unwrap().repetition;
    let mut driven = Driven {
        order,
        number: None,
        status: RefundStatus::Sent,
        repetition,
        unclear: false,
        not_taken: false,
    };
    if play.refused {
        provider.set_fault(payment.id.as_str(), Some(Fault::Refund(RefundTwist::Refused)));
    }
    provider.set_refund_fault(&id, Some(play.fault));
    driven.calls(impatient).await;
    for _ in 0..2 {
        driven.asks(impatient, Duration::from_secs(1)).await;
    }
    assert!(play.meanwhile.contains(&driven.status), "{at}: {:?} while it lasts", driven.status);
    let given = || provider.given_back(&payment.id);
    let before = given().await;
    // After the quiet time a provider that does not know it gets the request once more, where that is safe.
    if driven.status == RefundStatus::Sent {
        driven.asks(impatient, QUIET_TIME + Duration::from_secs(1)).await;
        let known = before.len() == 1;
        let again = given().await;
        assert!(again.len() <= 1 && (!known || again == before), "{at}: given back {again:?}");
    }
    // The fault ends, and the delayed decision comes.
    if matches!(play.fault, Fault::Call(_)) {
        provider.set_refund_fault(&id, play.refused.then_some(Fault::Refund(RefundTwist::Refused)));
    } else if driven.status == RefundStatus::Sent
        && !matches!(play.fault, Fault::Refund(RefundTwist::RequestLost))
    {
        provider.set_refund_fault(&id, None);
        provider.end_refund(&id);
    }
    driven.asks(refunding, QUIET_TIME + Duration::from_secs(1)).await;
    driven.asks(refunding, Duration::from_secs(1)).await;
    let given = given().await;
    match driven.status {
        RefundStatus::Succeeded => assert_eq!(given, [(id.to_string(), 1_995)], "{at}"),
        RefundStatus::Failed => assert_eq!(given, [], "{at}: given back, and counted as failed"),
        _ => {
            // Only a request that was not received and must not be repeated waits for an operator.
            let lost = matches!(play.fault, Fault::Refund(RefundTwist::RequestLost));
            assert!(lost && repetition == Repetition::Doubles && driven.unclear, "{at}: {:?}", driven.status);
            assert_eq!(given, [], "{at}");
        }
    }
}

/// A payment of a hundred rupees, with the provider's number.
async fn paid(provider: &Simulated, number: u32) -> Transaction {
    let gateway = provider.gateway();
    let mut txn = sample::transaction(&format!("PB_PG_2026_11_29_{number:06}_14"), "100.00");
    let notify_url = provider.notify_url();
    let order = payment_gateway::Order { notify_url: Some(&notify_url), ..sample::order(&txn) };
    let redirect = gateway.start(&order).await.unwrap();
    txn.redirect_url = Some(match &redirect {
        payment_gateway::Redirect::To(url) => url.clone(),
        payment_gateway::Redirect::Form { .. } => sample::FORM_PAGE.to_owned(),
    });
    provider.arrive(&redirect).await;
    provider.does(&TxnId::new(txn.id.as_str()).unwrap(), Deed::IsPaid).await;
    txn.gateway_details.txn_id = gateway.status(&txn).await.unwrap().gateway_txn_id;
    txn
}
