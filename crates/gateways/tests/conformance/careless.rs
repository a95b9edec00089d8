//! Adapters that break a promise, each in one way, to see that the suite notices.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use payment_domain::{
    Currency, Money, Outcome, RefundId, RefundOutcome, RefundReport, Report, Transaction, TxnId,
};
use payment_gateway::conformance::{Deed, Forgery, Notification, Provider, RefundDeed, Seen};
use payment_gateway::{
    Answer, Closing, Evidence, Gateway, GatewayError, NoRefund, Order, Profile, Redirect, RefundOrder,
    RefundTerms, Refunding,
};
use serde_json::json;

use crate::simulated::Account;

/// A defect of an adapter.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Defect {
    LosesAPaisa,
    SendsThePayerElsewhere,
    BelievesForgedNotifications,
    BelievesNotificationsOfOthers,
    BelievesUnsignedNotifications,
    TakesAnyAmount,
    AsksInRupees,
    TakesAnyCurrency,
    BelievesAnyCurrency,
    DeclinesPendingOrders,
    DeclinesUnknownOrders,
    DeclinesUnpaidOrders,
    DeclinesWithoutAnAnswer,
    SaysNothingWasSent,
    PaysTwice,
    RevealsThePayer,
    RefundsTwiceWithoutAnAnswer,
    RefundsOnDoubtAreFailed,
    TakesAnyRefund,
}

impl Defect {
    /// Each with a promise that it breaks.
    pub(crate) const ALL: &[(Defect, &str)] = &[
        (Defect::LosesAPaisa, "the_pay_page_is_about_the_requested_order_and_amount"),
        (Defect::SendsThePayerElsewhere, "the_payer_is_sent_back_to_our_return_url"),
        (Defect::BelievesForgedNotifications, "a_forged_notification_is_refused"),
        (Defect::BelievesNotificationsOfOthers, "a_notification_about_one_order_is_refused_for_another"),
        (Defect::BelievesUnsignedNotifications, "an_unsigned_answer_proves_nothing"),
        (Defect::TakesAnyAmount, "another_amount_is_never_the_requested_one"),
        (Defect::AsksInRupees, "every_currency_is_requested_and_paid_as_such"),
        (Defect::TakesAnyCurrency, "money_in_another_currency_is_never_the_requested_amount"),
        (Defect::BelievesAnyCurrency, "the_same_digits_in_another_currency_are_never_the_requested_amount"),
        (Defect::DeclinesPendingOrders, "a_pending_payment_stays_pending_until_it_is_paid"),
        (Defect::DeclinesUnknownOrders, "an_unknown_order_is_unrecognised"),
        (Defect::DeclinesUnpaidOrders, "an_unpaid_order_is_neither_paid_nor_declined"),
        (Defect::DeclinesWithoutAnAnswer, "an_unanswered_status_request_reports_whether_it_was_sent"),
        (Defect::SaysNothingWasSent, "an_unanswered_status_request_reports_whether_it_was_sent"),
        (Defect::PaysTwice, "an_order_that_is_started_twice_is_one_order"),
        (Defect::RevealsThePayer, "no_personal_data_and_no_secret_appears_in_reports_and_errors"),
        (Defect::RefundsTwiceWithoutAnAnswer, "a_lost_answer_leads_to_no_second_refund"),
        (Defect::RefundsOnDoubtAreFailed, "an_unknown_state_of_a_refund_is_neither_yes_nor_no"),
        (Defect::TakesAnyRefund, "a_refund_of_another_amount_is_never_the_requested_one"),
    ];
}

impl Defect {
    /// The account with which it shows.
    pub(crate) fn account(self) -> Account {
        match self {
            Defect::AsksInRupees | Defect::TakesAnyCurrency | Defect::BelievesAnyCurrency => Account::Stripe,
            Defect::LosesAPaisa
            | Defect::SendsThePayerElsewhere
            | Defect::BelievesForgedNotifications
            | Defect::BelievesNotificationsOfOthers
            | Defect::BelievesUnsignedNotifications
            | Defect::TakesAnyAmount
            | Defect::DeclinesPendingOrders
            | Defect::DeclinesUnknownOrders
            | Defect::DeclinesUnpaidOrders
            | Defect::DeclinesWithoutAnAnswer
            | Defect::SaysNothingWasSent
            | Defect::PaysTwice
            | Defect::RevealsThePayer
            | Defect::RefundsTwiceWithoutAnAnswer
            | Defect::RefundsOnDoubtAreFailed
            | Defect::TakesAnyRefund => Account::Axis,
        }
    }
}

/// A provider whose adapter has a defect.
pub(crate) struct Careless {
    pub(crate) provider: Arc<dyn Provider>,
    pub(crate) defect: Defect,
}

struct DefectiveGateway {
    adapter: Arc<dyn Gateway>,
    defect: Defect,
    starts: std::sync::atomic::AtomicU32,
}

impl Careless {
    fn spoil(&self, adapter: Arc<dyn Gateway>) -> Arc<dyn Gateway> {
        Arc::new(DefectiveGateway { adapter, defect: self.defect, starts: Default::default() })
    }
}

#[async_trait]
impl Provider for Careless {
    fn gateway(&self) -> Arc<dyn Gateway> {
        self.spoil(self.provider.gateway())
    }

    fn gateway_at(&self, base_url: &str, timeout: Duration) -> Arc<dyn Gateway> {
        self.spoil(self.provider.gateway_at(base_url, timeout))
    }

    fn notify_url(&self) -> String {
        self.provider.notify_url()
    }

    async fn arrive(&self, redirect: &Redirect) -> Seen {
        self.provider.arrive(redirect).await
    }

    async fn does(&self, order: &TxnId, deed: Deed) {
        self.provider.does(order, deed).await;
    }

    fn never(&self) -> Vec<Deed> {
        self.provider.never()
    }

    async fn notifications(&self, order: &TxnId) -> Vec<Notification> {
        self.provider.notifications(order).await
    }

    fn forged(&self, notification: &Notification, forgery: &Forgery) -> Option<Answer> {
        self.provider.forged(notification, forgery)
    }

    async fn refunds_are(&self, payment: &TxnId, deed: RefundDeed) -> bool {
        self.provider.refunds_are(payment, deed).await
    }

    async fn ends(&self, refund: &RefundId) {
        self.provider.ends(refund).await;
    }

    async fn given_back(&self, payment: &TxnId) -> Vec<(String, i64)> {
        self.provider.given_back(payment).await
    }

    fn asks_before_it_refunds(&self) -> bool {
        self.provider.asks_before_it_refunds()
    }

    fn secrets(&self) -> Vec<String> {
        self.provider.secrets()
    }
}

fn report(outcome: Outcome) -> Report {
    let raw = json!({});
    Report {
        outcome,
        gateway_txn_id: None,
        payment_mode: None,
        bank_txn_no: None,
        returned: None,
        status_code: None,
        status_message: None,
        raw,
    }
}

fn declined() -> Outcome {
    Outcome::Declined { reason: "no".to_owned() }
}

#[async_trait]
impl Gateway for DefectiveGateway {
    fn profile(&self) -> &Profile {
        self.adapter.profile()
    }

    fn closing(&self) -> Option<&dyn Closing> {
        self.adapter.closing()
    }

    fn refunding(&self) -> Option<&dyn Refunding> {
        Some(self)
    }

    async fn start(&self, order: &Order<'_>) -> Result<Redirect, GatewayError> {
        let mut txn = order.txn.clone();
        let before = self.starts.fetch_add(1, std::sync::atomic::Ordering::SeqCst);
        if self.defect == Defect::LosesAPaisa && txn.amount.minor() % 100 == 15 {
            txn.amount = Money::from_minor(txn.amount.minor() - 1, Currency::INR).unwrap();
        }
        if self.defect == Defect::AsksInRupees {
            txn.amount = Money::from_minor(txn.amount.minor(), Currency::INR).unwrap();
        }
        if self.defect == Defect::PaysTwice {
            txn.id = TxnId::new(format!("{}-{before}", txn.id)).unwrap();
        }
        let elsewhere = self.defect == Defect::SendsThePayerElsewhere;
        let return_url = if elsewhere { "https://elsewhere.example/" } else { order.return_url };
        self.adapter.start(&Order { txn: &txn, return_url, ..*order }).await
    }

    fn names(&self, answer: &Answer) -> Option<TxnId> {
        self.adapter.names(answer)
    }

    async fn verify(&self, txn: &Transaction, answer: &Answer) -> Result<Evidence, GatewayError> {
        let paid = || Evidence::Signed(report(Outcome::Paid { amount: Some(txn.amount) }));
        match (self.defect, self.adapter.verify(txn, answer).await) {
            (Defect::BelievesForgedNotifications, Err(GatewayError::BadSignature))
            | (
                Defect::BelievesNotificationsOfOthers | Defect::BelievesAnyCurrency,
                Err(GatewayError::WrongTransaction),
            )
            | (Defect::BelievesUnsignedNotifications, Ok(Evidence::Unsigned)) => Ok(paid()),
            (_, result) => result,
        }
    }

    async fn status(&self, txn: &Transaction) -> Result<Report, GatewayError> {
        let result = self.adapter.status(txn).await;
        match (self.defect, result) {
            (Defect::DeclinesWithoutAnAnswer, Err(GatewayError::Unanswered(_))) => Ok(report(declined())),
            (Defect::SaysNothingWasSent, Err(GatewayError::Unanswered(error))) => {
                Err(GatewayError::NotSent(error))
            }
            (defect, Ok(mut report)) => {
                match (defect, &report.outcome) {
                    (Defect::TakesAnyAmount, Outcome::Paid { .. }) => {
                        report.outcome = Outcome::Paid { amount: Some(txn.amount) };
                    }
                    (Defect::TakesAnyCurrency, Outcome::Paid { amount: Some(paid) }) => {
                        let amount = Money::from_minor(paid.minor(), txn.amount.currency()).unwrap();
                        report.outcome = Outcome::Paid { amount: Some(amount) };
                    }
                    (Defect::DeclinesPendingOrders, Outcome::Pending)
                    | (Defect::DeclinesUnknownOrders, Outcome::Unrecognised { .. })
                    | (Defect::DeclinesUnpaidOrders, Outcome::NotFound) => report.outcome = declined(),
                    (Defect::RevealsThePayer, _) => report.raw["name"] = txn.payer.name.expose().into(),
                    _ => {}
                }
                Ok(report)
            }
            (_, result) => result,
        }
    }
}

#[async_trait]
impl Refunding for DefectiveGateway {
    fn terms(&self, payment: &Transaction) -> Result<RefundTerms, NoRefund> {
        self.inner().terms(payment)
    }

    async fn refund(&self, order: &RefundOrder<'_>) -> Result<RefundReport, GatewayError> {
        match (self.defect, self.inner().refund(order).await) {
            (Defect::RefundsTwiceWithoutAnAnswer, Err(GatewayError::Unanswered(_))) => {
                self.inner().refund(order).await
            }
            (_, result) => self.spoiled(order, result),
        }
    }

    async fn refund_status(&self, order: &RefundOrder<'_>) -> Result<RefundReport, GatewayError> {
        self.spoiled(order, self.inner().refund_status(order).await)
    }

    fn names_refund(&self, answer: &Answer) -> Option<RefundId> {
        self.inner().names_refund(answer)
    }
}

impl DefectiveGateway {
    fn inner(&self) -> &dyn Refunding {
        self.adapter.refunding().expect("it makes refunds")
    }

    fn spoiled(
        &self,
        order: &RefundOrder<'_>,
        result: Result<RefundReport, GatewayError>,
    ) -> Result<RefundReport, GatewayError> {
        let mut report = result?;
        match (self.defect, &report.outcome) {
            (Defect::RefundsOnDoubtAreFailed, RefundOutcome::Unrecognised { .. }) => {
                report.outcome = RefundOutcome::Failed { reason: "no".to_owned() };
            }
            (Defect::TakesAnyRefund, RefundOutcome::Unclear { .. }) => {
                report.outcome = RefundOutcome::Succeeded { amount: Some(order.amount) };
            }
            _ => {}
        }
        Ok(report)
    }
}
