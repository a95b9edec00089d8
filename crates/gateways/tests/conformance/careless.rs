//! Adapters that break a promise, each in one way, to see that the suite notices.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use payment_domain::{
    Currency, Money, Outcome, RefundId, RefundOutcome, RefundReport, Report, Transaction, TxnId,
};
use payment_gateway::conformance::{Deed, Forgery, News, Provider, RefundDeed, Seen};
use payment_gateway::{
    Answer, Closing, Evidence, Gateway, GatewayError, NoRefund, Order, Profile, Redirect, RefundOrder,
    RefundTerms, Refunding,
};
use serde_json::json;

use crate::simulated::Account;

/// What an adapter does wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Sin {
    LosesAPaisa,
    SendsThePayerElsewhere,
    BelievesForgedNews,
    BelievesNewsOfOthers,
    BelievesUnsignedNews,
    TakesAnyAmount,
    AsksInRupees,
    TakesAnyCurrency,
    BelievesAnyCurrency,
    DeclinesWhatIsPending,
    DeclinesWhatIsUnknown,
    DeclinesWhatNobodyPaid,
    DeclinesWhenNobodyAnswers,
    SaysNothingWasSent,
    PaysTwice,
    TellsWhoPaid,
    RefundsTwiceWithoutAnAnswer,
    RefundsOnDoubtAreFailed,
    TakesAnyRefund,
}

impl Sin {
    /// Each with a promise that it breaks.
    pub(crate) const ALL: &[(Sin, &str)] = &[
        (Sin::LosesAPaisa, "the_pay_page_is_about_the_order_and_amount_that_were_asked"),
        (Sin::SendsThePayerElsewhere, "the_payer_is_sent_back_to_where_we_said"),
        (Sin::BelievesForgedNews, "forged_news_is_refused"),
        (Sin::BelievesNewsOfOthers, "news_of_one_order_is_refused_for_another"),
        (Sin::BelievesUnsignedNews, "what_carries_no_signature_proves_nothing"),
        (Sin::TakesAnyAmount, "another_amount_is_never_the_one_that_was_asked"),
        (Sin::AsksInRupees, "every_currency_is_asked_and_paid_as_such"),
        (Sin::TakesAnyCurrency, "money_in_another_currency_is_never_what_was_asked"),
        (Sin::BelievesAnyCurrency, "the_same_digits_in_another_currency_are_never_what_was_asked"),
        (Sin::DeclinesWhatIsPending, "what_is_pending_stays_pending_until_it_is_paid"),
        (Sin::DeclinesWhatIsUnknown, "what_nobody_has_heard_of_is_unrecognised"),
        (Sin::DeclinesWhatNobodyPaid, "an_order_that_nobody_paid_is_neither_paid_nor_declined"),
        (Sin::DeclinesWhenNobodyAnswers, "a_question_that_is_not_answered_says_how_far_it_got"),
        (Sin::SaysNothingWasSent, "a_question_that_is_not_answered_says_how_far_it_got"),
        (Sin::PaysTwice, "an_order_that_is_started_twice_is_one_order"),
        (Sin::TellsWhoPaid, "nobody_and_no_secret_appears_in_reports_and_errors"),
        (Sin::RefundsTwiceWithoutAnAnswer, "a_lost_answer_leads_to_no_second_refund"),
        (Sin::RefundsOnDoubtAreFailed, "an_unknown_state_of_a_refund_is_neither_yes_nor_no"),
        (Sin::TakesAnyRefund, "a_refund_of_another_amount_is_never_the_one_that_was_asked"),
    ];
}

impl Sin {
    /// The account with which it shows.
    pub(crate) fn account(self) -> Account {
        match self {
            Sin::AsksInRupees | Sin::TakesAnyCurrency | Sin::BelievesAnyCurrency => Account::Stripe,
            Sin::LosesAPaisa
            | Sin::SendsThePayerElsewhere
            | Sin::BelievesForgedNews
            | Sin::BelievesNewsOfOthers
            | Sin::BelievesUnsignedNews
            | Sin::TakesAnyAmount
            | Sin::DeclinesWhatIsPending
            | Sin::DeclinesWhatIsUnknown
            | Sin::DeclinesWhatNobodyPaid
            | Sin::DeclinesWhenNobodyAnswers
            | Sin::SaysNothingWasSent
            | Sin::PaysTwice
            | Sin::TellsWhoPaid
            | Sin::RefundsTwiceWithoutAnAnswer
            | Sin::RefundsOnDoubtAreFailed
            | Sin::TakesAnyRefund => Account::Axis,
        }
    }
}

/// A provider whose adapter sins.
pub(crate) struct Careless {
    pub(crate) provider: Arc<dyn Provider>,
    pub(crate) sin: Sin,
}

struct Sinner {
    adapter: Arc<dyn Gateway>,
    sin: Sin,
    starts: std::sync::atomic::AtomicU32,
}

impl Careless {
    fn spoil(&self, adapter: Arc<dyn Gateway>) -> Arc<dyn Gateway> {
        Arc::new(Sinner { adapter, sin: self.sin, starts: Default::default() })
    }
}

#[async_trait]
impl Provider for Careless {
    fn gateway(&self) -> Arc<dyn Gateway> {
        self.spoil(self.provider.gateway())
    }

    fn gateway_at(&self, base_url: &str, patience: Duration) -> Arc<dyn Gateway> {
        self.spoil(self.provider.gateway_at(base_url, patience))
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

    async fn news(&self, order: &TxnId) -> Vec<News> {
        self.provider.news(order).await
    }

    fn forged(&self, news: &News, forgery: &Forgery) -> Option<Answer> {
        self.provider.forged(news, forgery)
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
impl Gateway for Sinner {
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
        if self.sin == Sin::LosesAPaisa && txn.amount.minor() % 100 == 15 {
            txn.amount = Money::from_minor(txn.amount.minor() - 1, Currency::INR).unwrap();
        }
        if self.sin == Sin::AsksInRupees {
            txn.amount = Money::from_minor(txn.amount.minor(), Currency::INR).unwrap();
        }
        if self.sin == Sin::PaysTwice {
            txn.id = TxnId::new(format!("{}-{before}", txn.id)).unwrap();
        }
        let elsewhere = self.sin == Sin::SendsThePayerElsewhere;
        let return_url = if elsewhere { "https://elsewhere.example/" } else { order.return_url };
        self.adapter.start(&Order { txn: &txn, return_url, ..*order }).await
    }

    fn names(&self, answer: &Answer) -> Option<TxnId> {
        self.adapter.names(answer)
    }

    async fn verify(&self, txn: &Transaction, answer: &Answer) -> Result<Evidence, GatewayError> {
        let paid = || Evidence::Signed(report(Outcome::Paid { amount: Some(txn.amount) }));
        match (self.sin, self.adapter.verify(txn, answer).await) {
            (Sin::BelievesForgedNews, Err(GatewayError::BadSignature))
            | (Sin::BelievesNewsOfOthers | Sin::BelievesAnyCurrency, Err(GatewayError::WrongTransaction))
            | (Sin::BelievesUnsignedNews, Ok(Evidence::Unsigned)) => Ok(paid()),
            (_, result) => result,
        }
    }

    async fn status(&self, txn: &Transaction) -> Result<Report, GatewayError> {
        let result = self.adapter.status(txn).await;
        match (self.sin, result) {
            (Sin::DeclinesWhenNobodyAnswers, Err(GatewayError::Unanswered(_))) => Ok(report(declined())),
            (Sin::SaysNothingWasSent, Err(GatewayError::Unanswered(error))) => {
                Err(GatewayError::NotSent(error))
            }
            (sin, Ok(mut report)) => {
                match (sin, &report.outcome) {
                    (Sin::TakesAnyAmount, Outcome::Paid { .. }) => {
                        report.outcome = Outcome::Paid { amount: Some(txn.amount) };
                    }
                    (Sin::TakesAnyCurrency, Outcome::Paid { amount: Some(paid) }) => {
                        let amount = Money::from_minor(paid.minor(), txn.amount.currency()).unwrap();
                        report.outcome = Outcome::Paid { amount: Some(amount) };
                    }
                    (Sin::DeclinesWhatIsPending, Outcome::Pending)
                    | (Sin::DeclinesWhatIsUnknown, Outcome::Unrecognised { .. })
                    | (Sin::DeclinesWhatNobodyPaid, Outcome::NotFound) => report.outcome = declined(),
                    (Sin::TellsWhoPaid, _) => report.raw["name"] = txn.payer.name.expose().into(),
                    _ => {}
                }
                Ok(report)
            }
            (_, result) => result,
        }
    }
}

#[async_trait]
impl Refunding for Sinner {
    fn terms(&self, payment: &Transaction) -> Result<RefundTerms, NoRefund> {
        self.inner().terms(payment)
    }

    async fn refund(&self, order: &RefundOrder<'_>) -> Result<RefundReport, GatewayError> {
        match (self.sin, self.inner().refund(order).await) {
            (Sin::RefundsTwiceWithoutAnAnswer, Err(GatewayError::Unanswered(_))) => {
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

impl Sinner {
    fn inner(&self) -> &dyn Refunding {
        self.adapter.refunding().expect("it makes refunds")
    }

    fn spoiled(
        &self,
        order: &RefundOrder<'_>,
        result: Result<RefundReport, GatewayError>,
    ) -> Result<RefundReport, GatewayError> {
        let mut report = result?;
        match (self.sin, &report.outcome) {
            (Sin::RefundsOnDoubtAreFailed, RefundOutcome::Unrecognised { .. }) => {
                report.outcome = RefundOutcome::Failed { reason: "no".to_owned() };
            }
            (Sin::TakesAnyRefund, RefundOutcome::Unclear { .. }) => {
                report.outcome = RefundOutcome::Succeeded { amount: Some(order.amount) };
            }
            _ => {}
        }
        Ok(report)
    }
}
