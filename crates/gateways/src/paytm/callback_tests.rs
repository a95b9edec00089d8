//! The adapter against genuine and forged callbacks.

use payment_domain::{Money, Outcome, TxnId};
use payment_gateway::{Answer, Evidence, Gateway, GatewayError, Params};
use proptest::prelude::*;

use super::signature::{self, CHECKSUM_FIELD, Salt};
use super::tests::{ID, KEY, MID, OFFLINE};
use crate::form;
use crate::testing::transaction;

const CALLBACK: [(&str, &str); 13] = [
    ("MID", MID),
    ("TXNID", "20240315111212800110168470101509706"),
    ("ORDERID", ID),
    ("BANKTXNID", ""),
    ("TXNAMOUNT", "19.99"),
    ("CURRENCY", "INR"),
    ("STATUS", "TXN_SUCCESS"),
    ("RESPCODE", "01"),
    ("RESPMSG", "Txn Success"),
    ("TXNDATE", "2024-03-15 11:12:12.0"),
    ("GATEWAYNAME", "WALLET"),
    ("BANKNAME", "A & B Bank + Co"),
    ("PAYMENTMODE", "PPI"),
];

/// [`CALLBACK`] with one field changed, as Paytm signs it.
fn callback(name: &str, value: &str) -> Vec<(String, String)> {
    let mut fields: Vec<(String, String)> = CALLBACK
        .iter()
        .map(|&(field, old)| (field.to_owned(), if field == name { value } else { old }.to_owned()))
        .collect();
    let pairs = fields.iter().map(|(name, value)| (name.as_str(), value.as_str()));
    let checksum = signature::checksum(&KEY, &signature::text_of_form(pairs), Salt::random().unwrap());
    fields.push((CHECKSUM_FIELD.to_owned(), checksum));
    fields
}

async fn verify(fields: Vec<(String, String)>) -> Result<Evidence, GatewayError> {
    // Over the wire and back, as a form is posted.
    let fields = form::decode(form::encode(&fields).as_bytes());
    OFFLINE.verify(&transaction(ID, "19.99"), &Answer::of_params(Params::new(fields))).await
}

#[tokio::test]
async fn a_signed_callback_about_this_payment_is_evidence() {
    let Ok(Evidence::Signed(report)) = verify(callback("", "")).await else { panic!("signed") };
    assert_eq!(report.outcome, Outcome::Paid { amount: Some(Money::parse("19.99").unwrap()) });
    assert_eq!(report.raw.get(CHECKSUM_FIELD), None);
    // Beside our own parameter, as it comes back to our return URL.
    let mut with_ours = vec![("eg_pg_txnid".to_owned(), ID.to_owned())];
    with_ours.extend(callback("STATUS", "PENDING"));
    let Ok(Evidence::Signed(report)) = verify(with_ours).await else { panic!("signed") };
    assert_eq!(report.outcome.name(), "unrecognised", "PENDING contradicts code 01");
    let Ok(Evidence::Signed(report)) = verify(callback("TXNAMOUNT", "")).await else { panic!("signed") };
    assert_eq!(report.outcome, Outcome::Paid { amount: None });
}

#[tokio::test]
async fn a_callback_for_one_transaction_never_speaks_for_another() {
    for (name, value) in [
        ("ORDERID", "PB_PG_2024_03_15_000124_45"),
        ("ORDERID", ""),
        ("MID", "SOMEBODYELSE"),
        ("MID", ""),
        ("TXNAMOUNT", "19.98"),
        ("TXNAMOUNT", "19.99x"),
        ("CURRENCY", "USD"),
    ] {
        let refused = verify(callback(name, value)).await;
        assert!(matches!(refused, Err(GatewayError::WrongTransaction)), "{name}={value}: {refused:?}");
    }
    let named = Answer::of_params(Params::new(callback("ORDERID", "ANOTHER-1")));
    assert_eq!(OFFLINE.names(&named), Some(TxnId::new("ANOTHER-1").unwrap()));
    assert_eq!(OFFLINE.names(&Answer::default()), None);
}

#[tokio::test]
async fn what_is_not_signed_is_only_a_hint() {
    let mut unsigned = callback("", "");
    unsigned.pop();
    assert_eq!(verify(unsigned).await.unwrap(), Evidence::Unsigned);
    let other = vec![("orderid".to_owned(), "ANOTHER-1".to_owned())];
    assert!(matches!(verify(other).await, Err(GatewayError::WrongTransaction)));
}

#[tokio::test]
async fn a_name_that_occurs_twice_is_a_forgery() {
    let mut twice = callback("", "");
    twice.push(("STATUS".to_owned(), "TXN_SUCCESS".to_owned()));
    assert!(matches!(verify(twice).await, Err(GatewayError::BadSignature)));
}

fn now<T>(future: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(future)
}

proptest! {
    #[test]
    fn a_tampered_callback_is_never_evidence(at in 0..CALLBACK.len(), value in ".{0,30}", checksum in ".{0,120}") {
        let mut fields = callback("", "");
        let same = fields[at].1 == value || (fields[at].1.is_empty() && value.eq_ignore_ascii_case("null"));
        fields[at].1.clone_from(&value);
        prop_assert_eq!(matches!(now(verify(fields)), Ok(Evidence::Signed(_))), same);
        let mut fields = callback("", "");
        fields.last_mut().unwrap().1 = checksum;
        prop_assert!(!matches!(now(verify(fields)), Ok(Evidence::Signed(_))));
    }

    #[test]
    fn an_extra_field_is_never_evidence(name in "[A-Z_]{1,12}", value in ".{0,12}") {
        let mut fields = callback("", "");
        fields.push((name, value));
        prop_assert!(!matches!(now(verify(fields)), Ok(Evidence::Signed(_))));
    }

    #[test]
    fn no_form_panics(fields: Vec<(String, String)>, checksum in ".{0,120}") {
        let signed = fields.into_iter().chain([(CHECKSUM_FIELD.to_owned(), checksum)]).collect();
        prop_assert!(now(verify(signed)).is_err());
    }
}
