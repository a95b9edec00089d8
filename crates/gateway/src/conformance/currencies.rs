//! Other currencies than the rupee, at gateways that take them.

use payment_domain::{Currency, Money, Outcome, Report, Transaction};

use super::{Case, Deed, Promise, Seen, id, is_paid, is_undecided, sample};
use crate::Evidence;

pub(super) fn promises() -> Vec<Promise> {
    vec![
        Promise::of(every_currency_is_requested_and_paid_as_such),
        Promise::of(the_same_digits_in_another_currency_are_never_the_requested_amount),
        Promise::of(money_in_another_currency_is_never_the_requested_amount)
            .where_it(&[Deed::IsPaidInAnotherCurrency]),
    ]
}

/// The digits of the amount where it does not matter.
const MINOR: i64 = 123_457;

fn transaction(number: u32, minor: i64, currency: Currency) -> Transaction {
    sample::transaction_of(&id(number), Money::from_minor(minor, currency).unwrap())
}

/// The transaction, as if it asked for the same digits in another currency.
fn asking_in(txn: &Transaction, currency: Currency) -> Transaction {
    Transaction { amount: Money::from_minor(txn.amount.minor(), currency).unwrap(), ..txn.clone() }
}

async fn every_currency_is_requested_and_paid_as_such(case: Case) {
    let mut number = 0;
    for currency in case.currencies() {
        for minor in [1_999, 115, MINOR, 9_999_905] {
            number += 1;
            let mut txn = transaction(number, minor, currency);
            let redirect = case.start(&mut txn).await;
            let seen = case.provider.arrive(&redirect).await;
            assert_eq!(seen, Seen { order: id(number), amount: txn.amount });
            case.provider.does(&txn.id, Deed::IsPaid).await;
            for notification in case.provider.notifications(&txn.id).await {
                let verified = case.gateway.verify(&txn, &notification.answer).await;
                assert!(verified.is_ok(), "{:?}: {verified:?}", txn.amount);
            }
            let report = case.status(&txn).await;
            assert!(is_paid(&report.outcome, &txn), "{:?}: {:?}", txn.amount, report.outcome);
        }
    }
}

/// Whether a report or a signed notification says that the transaction's amount was paid.
async fn is_taken_for_paid(case: &Case, txn: &Transaction) -> bool {
    let pays = |report: &Report| is_paid(&report.outcome, txn);
    for notification in case.provider.notifications(&txn.id).await {
        if let Ok(Evidence::Signed(report)) = case.gateway.verify(txn, &notification.answer).await
            && pays(&report)
        {
            return true;
        }
    }
    case.gateway.status(txn).await.is_ok_and(|report| pays(&report))
}

async fn the_same_digits_in_another_currency_are_never_the_requested_amount(case: Case) {
    for (number, currency) in (1..).zip(case.currencies()) {
        let txn = case.arrived_at(transaction(number, MINOR, currency)).await;
        case.provider.does(&txn.id, Deed::IsPaid).await;
        for code in ["INR", "USD", "EUR", "JPY"] {
            let other = Currency::from_code(code).unwrap();
            if other != currency {
                let asking = asking_in(&txn, other);
                assert!(!is_taken_for_paid(&case, &asking).await, "{:?} for {:?}", txn.amount, asking.amount);
            }
        }
    }
}

async fn money_in_another_currency_is_never_the_requested_amount(case: Case) {
    for (number, currency) in (1..).zip(case.currencies()) {
        let txn = case.arrived_at(transaction(number, MINOR, currency)).await;
        case.provider.does(&txn.id, Deed::IsPaidInAnotherCurrency).await;
        assert!(!is_taken_for_paid(&case, &txn).await, "{:?}", txn.amount);
        // Money moved: it is not declined either.
        if let Ok(report) = case.gateway.status(&txn).await {
            let outcome = report.outcome;
            assert!(matches!(outcome, Outcome::Paid { .. }) || is_undecided(&outcome), "{outcome:?}");
        }
    }
}
