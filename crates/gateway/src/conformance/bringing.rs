//! Notifications: genuine, forged, repeated, and about another order.

use payment_domain::{Outcome, Report, Transaction};

use super::{
    AMOUNT, Case, Deed, Forgery, Notification, OUR_PARAMETER, Promise, Proof, id, is_paid, sample, with_param,
};
use crate::{Answer, Evidence, GatewayError, Params};

pub(super) fn promises() -> Vec<Promise> {
    vec![
        Promise::of(a_genuine_notification_names_its_order_and_proves_what_is_signed),
        Promise::of(a_forged_notification_is_refused),
        Promise::of(a_notification_about_one_order_is_refused_for_another),
        Promise::of(a_notification_about_another_amount_is_not_about_this_payment)
            .where_it(&[Deed::IsPaidOtherwise]),
        Promise::of(a_repeated_notification_says_the_same),
        Promise::of(an_outdated_notification_changes_nothing),
        Promise::of(a_refusal_is_not_read_as_a_payment),
        Promise::of(an_unsigned_answer_proves_nothing),
        Promise::of(garbage_proves_nothing),
    ]
}

impl Case {
    async fn verify(&self, txn: &Transaction, answer: &Answer) -> Result<Evidence, GatewayError> {
        self.gateway.verify(txn, answer).await
    }

    /// The provider's notifications; at least one.
    async fn notifications(&self, txn: &Transaction) -> Vec<Notification> {
        let notifications = self.provider.notifications(&txn.id).await;
        assert!(!notifications.is_empty(), "the provider notifies");
        notifications
    }
}

fn is_refused(result: &Result<Evidence, GatewayError>) -> bool {
    matches!(result, Err(GatewayError::BadSignature | GatewayError::WrongTransaction))
}

/// Whether a signed report says "paid".
fn says_paid(result: &Result<Evidence, GatewayError>) -> bool {
    matches!(result, Ok(Evidence::Signed(Report { outcome: Outcome::Paid { .. }, .. })))
}

async fn a_genuine_notification_names_its_order_and_proves_what_is_signed(case: Case) {
    let txn = case.after(1, Deed::IsPaid).await;
    for notification in case.notifications(&txn).await {
        let named = case.gateway.names(&notification.answer);
        assert!(notification.by_browser || named.is_some(), "a callback has to name its order");
        assert!(named.is_none_or(|named| named == txn.id));
        let evidence = case.verify(&txn, &notification.answer).await;
        match (notification.proof, evidence) {
            (Proof::Content, Ok(Evidence::Signed(report))) => {
                let says = &report.outcome;
                assert!(is_paid(says, &txn) || *says == Outcome::Pending, "{says:?}");
            }
            (Proof::Sender | Proof::Nothing, Ok(Evidence::Unsigned)) => {}
            (proof, other) => panic!("{proof:?} is taken as {other:?}"),
        }
    }
}

async fn a_forged_notification_is_refused(case: Case) {
    let other = case.arrived(2).await;
    for (number, deed) in (3..).zip([Deed::IsPaid, Deed::IsDeclined]) {
        let txn = case.after(number, deed).await;
        for notification in case.notifications(&txn).await {
            for forgery in
                [Forgery::Signature, Forgery::Order(other.id.clone()), Forgery::Amount, Forgery::Outcome]
            {
                let Some(forged) = case.provider.forged(&notification, &forgery) else {
                    assert!(
                        notification.proof != Proof::Content,
                        "what is signed can be forged: {forgery:?}"
                    );
                    continue;
                };
                for about in [&txn, &other] {
                    let result = case.verify(about, &forged).await;
                    let proves_nothing = matches!(result, Ok(Evidence::Unsigned));
                    let fine = match (notification.proof, &forgery) {
                        (Proof::Content, _) | (Proof::Sender, Forgery::Signature) => is_refused(&result),
                        (Proof::Sender | Proof::Nothing, _) => proves_nothing || is_refused(&result),
                    };
                    assert!(fine, "{deed:?}, {forgery:?}: {result:?}");
                }
            }
        }
    }
}

async fn a_notification_about_one_order_is_refused_for_another(case: Case) {
    let txn = case.after(1, Deed::IsPaid).await;
    let victim = case.arrived(2).await;
    let cheaper = sample::transaction(&id(3), "1.00");
    for notification in case.notifications(&txn).await {
        let redirected = with_param(&notification.answer, OUR_PARAMETER, victim.id.as_str());
        for (about, answer) in
            [(&victim, &notification.answer), (&victim, &redirected), (&cheaper, &notification.answer)]
        {
            let result = case.verify(about, answer).await;
            let names_its_own = case.gateway.names(answer).is_some_and(|named| named == txn.id);
            let fine = match notification.proof {
                Proof::Content => matches!(result, Err(GatewayError::WrongTransaction)),
                Proof::Sender | Proof::Nothing => {
                    is_refused(&result) || (!names_its_own && matches!(result, Ok(Evidence::Unsigned)))
                }
            };
            assert!(fine, "{:?}: {result:?}", notification.proof);
        }
    }
    let report = case.status(&victim).await;
    assert!(!matches!(report.outcome, Outcome::Paid { .. }));
}

async fn a_notification_about_another_amount_is_not_about_this_payment(case: Case) {
    let txn = case.after(1, Deed::IsPaidOtherwise).await;
    for notification in case.notifications(&txn).await {
        match case.verify(&txn, &notification.answer).await {
            Ok(Evidence::Signed(report)) => {
                let other = matches!(report.outcome, Outcome::Paid { .. }) && !is_paid(&report.outcome, &txn);
                assert!(other, "{:?}", report.outcome);
            }
            Ok(Evidence::Unsigned) => assert!(notification.proof != Proof::Content),
            refused => assert!(is_refused(&refused), "{refused:?}"),
        }
    }
}

async fn a_repeated_notification_says_the_same(case: Case) {
    for (number, deed) in (1..).zip([Deed::IsPaid, Deed::IsDeclined]) {
        let txn = case.after(number, deed).await;
        for notification in case.notifications(&txn).await {
            let first = case.verify(&txn, &notification.answer).await.unwrap();
            let again = case.verify(&txn, &notification.answer).await.unwrap();
            assert_eq!(first, again);
        }
    }
}

async fn an_outdated_notification_changes_nothing(case: Case) {
    let txn = case.after(1, Deed::IsPending).await;
    let old = case.provider.notifications(&txn.id).await;
    for notification in &old {
        let result = case.verify(&txn, &notification.answer).await;
        assert!(!says_paid(&result), "it is pending: {result:?}");
    }
    case.provider.does(&txn.id, Deed::IsPaidAtLast).await;
    for notification in &old {
        let result = case.verify(&txn, &notification.answer).await;
        assert!(!says_paid(&result), "the notification is still the old one: {result:?}");
    }
    assert!(is_paid(&case.status(&txn).await.outcome, &txn));
}

async fn a_refusal_is_not_read_as_a_payment(case: Case) {
    let txn = case.after(1, Deed::IsDeclined).await;
    for notification in case.notifications(&txn).await {
        let result = case.verify(&txn, &notification.answer).await;
        assert!(result.is_ok() && !says_paid(&result), "{result:?}");
    }
}

async fn an_unsigned_answer_proves_nothing(case: Case) {
    let txn = case.after(1, Deed::IsPaid).await;
    let of_params = |pairs: &[(&str, &str)]| {
        let pairs = pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        Answer::of_params(Params::new(pairs))
    };
    let own = case.gateway.profile().transaction_parameter.to_string();
    let id = txn.id.as_str();
    for bare in [
        Answer::default(),
        of_params(&[("transactionId", id)]),
        of_params(&[(OUR_PARAMETER, id)]),
        of_params(&[(OUR_PARAMETER, id), (&own, id)]),
    ] {
        let result = case.verify(&txn, &bare).await;
        assert!(matches!(result, Ok(Evidence::Unsigned)), "{bare:?}: {result:?}");
    }
    let other = of_params(&[(OUR_PARAMETER, id), (&own, "SOMEBODY_ELSE")]);
    let result = case.verify(&txn, &other).await;
    assert!(matches!(result, Ok(Evidence::Unsigned)) || is_refused(&result), "{result:?}");
}

async fn garbage_proves_nothing(case: Case) {
    let endless = "9".repeat(20_000);
    let garbage = ["", "\0", "🙂", "%", "-1", "null", "0", "1e999", "{", "a|b", &endless];
    let txn = case.after(1, Deed::IsDeclined).await;
    for notification in case.notifications(&txn).await {
        let names: Vec<String> = notification.answer.params.iter().map(|(name, _)| name.to_owned()).collect();
        for name in &names {
            for value in garbage {
                let result = case.verify(&txn, &with_param(&notification.answer, name, value)).await;
                assert!(!says_paid(&result), "{name}={value:.20}: {result:?}");
            }
        }
        for text in garbage {
            let result = case
                .verify(&txn, &Answer { body: text.to_owned().into(), ..notification.answer.clone() })
                .await;
            assert!(!says_paid(&result), "{text:.20}: {result:?}");
        }
        for cut in 0..notification.answer.body.len().min(200) {
            let body = notification.answer.body.slice(..cut);
            let result = case.verify(&txn, &Answer { body, ..notification.answer.clone() }).await;
            assert!(!says_paid(&result), "cut after {cut}: {result:?}");
        }
    }
    let unknown = sample::transaction(&id(2), AMOUNT);
    let result = case.verify(&unknown, &Answer { body: vec![0xff; 4096].into(), ..Answer::default() }).await;
    assert!(!says_paid(&result), "{result:?}");
}
