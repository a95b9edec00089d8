//! The adapter against genuine and forged callbacks.

use payment_domain::{Currency, Money, Outcome, Personal, TxnId};
use payment_gateway::conformance::sample;
use payment_gateway::{Answer, Evidence, Gateway, GatewayError, Order, Params, Redirect};
use proptest::prelude::*;

use super::signature::{self, CALLBACK_FIELDS, CHECKSUM_FIELD, Salt};
use super::tests::{ID, KEY, MID, OFFLINE, form_of};
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
    signed(CALLBACK.into_iter().map(|(field, old)| (field, if field == name { value } else { old })))
}

/// Fields as Paytm signs them.
fn signed<'a>(fields: impl Iterator<Item = (&'a str, &'a str)>) -> Vec<(String, String)> {
    let fields: Vec<_> = fields.collect();
    let text = signature::text_of_form(fields.iter().copied());
    let checksum = signature::checksum(&KEY, &text, Salt::random().unwrap());
    let all = fields.into_iter().chain([(CHECKSUM_FIELD, checksum.as_str())]);
    all.map(|(name, value)| (name.to_owned(), value.to_owned())).collect()
}

async fn verify(fields: Vec<(String, String)>) -> Result<Evidence, GatewayError> {
    // Over the wire and back, as a form is posted.
    let fields = form::decode(form::encode(&fields).as_bytes());
    OFFLINE.verify(&transaction(ID, "19.99"), &Answer::of_params(Params::new(fields))).await
}

#[tokio::test]
async fn a_signed_callback_about_this_payment_is_evidence() {
    let Ok(Evidence::Signed(report)) = verify(callback("", "")).await else { panic!("signed") };
    assert_eq!(report.outcome, Outcome::Paid { amount: Some(Money::parse("19.99", Currency::INR).unwrap()) });
    assert_eq!(report.raw.get(CHECKSUM_FIELD), None);
    // Beside our own parameter, as it comes back to our return URL.
    let mut with_ours = vec![("eg_pg_txnid".to_owned(), ID.to_owned())];
    with_ours.extend(callback("STATUS", "PENDING"));
    let Ok(Evidence::Signed(report)) = verify(with_ours).await else { panic!("signed") };
    assert_eq!(report.outcome.name(), "unrecognised", "PENDING contradicts code 01");
}

#[tokio::test]
async fn parameters_relayed_beside_a_callback_are_ignored() {
    let mut relayed: Vec<(String, String)> =
        [("propertyId", "PT|1"), ("orderid", "77"), ("tenantId", "pb"), ("tenantId", "pb.amritsar")]
            .map(|(name, value)| (name.to_owned(), value.to_owned()))
            .into();
    relayed.extend(callback("", ""));
    relayed.push(("CUST_ID".to_owned(), "9876500001".to_owned()));
    assert!(matches!(verify(relayed).await, Ok(Evidence::Signed(_))));
    let mut blanks = callback("", "");
    while !blanks.last().unwrap().1.contains('+') {
        blanks = callback("", "");
    }
    let checksum = &mut blanks.last_mut().unwrap().1;
    *checksum = checksum.replace('+', " ");
    assert!(matches!(verify(blanks).await, Ok(Evidence::Signed(_))), "base64 holds no blanks");
}

#[tokio::test]
async fn a_callback_names_all_that_it_must_and_holds_no_separator() {
    for name in ["MID", "ORDERID", "TXNID", "TXNAMOUNT", "RESPCODE", "STATUS"] {
        for value in ["", "null", "a|b"] {
            let refused = verify(callback(name, value)).await;
            let fine = matches!(refused, Err(GatewayError::BadSignature | GatewayError::WrongTransaction));
            assert!(fine, "{name}={value}: {refused:?}");
        }
    }
    let separated = verify(callback("RESPMSG", "a|b")).await;
    assert!(matches!(separated, Err(GatewayError::BadSignature)), "{separated:?}");
    let without = CALLBACK.iter().filter(|(name, _)| !["BANKTXNID", "CURRENCY", "TXNDATE"].contains(name));
    assert!(
        matches!(verify(signed(without.copied())).await, Ok(Evidence::Signed(_))),
        "the rest may be missing"
    );
}

/// A victim's transaction, and values a payer can write into a form of their own that we sign.
const OTHERS: &str = "PB_PG_2024_03_15_000777_77";
const CHOSEN: [&str; 5] = [MID, OTHERS, "TXN_SUCCESS", "01", "19.99"];

/// The values of our pay form in the order they are signed in, and their checksum.
async fn our_form(payer_writes: [&str; 3]) -> (Vec<String>, String) {
    let mut txn = transaction(ID, "19.99");
    let [user_name, mobile_number, email] = payer_writes.map(Personal::new);
    (txn.payer.user_name, txn.payer.mobile_number) = (user_name, mobile_number);
    txn.payer.email_id = Some(email).filter(|email| !email.expose().is_empty());
    let form = form_of(&txn).await;
    let checksum = form.get(CHECKSUM_FIELD).unwrap().to_owned();
    let fields = form.iter().filter(|(name, _)| *name != CHECKSUM_FIELD);
    let text = signature::text_of_form(fields);
    (text.split('|').map(str::to_owned).collect(), checksum)
}

/// A form of ours under other names, whose order keeps the order of its values.
fn renamed(names: &[&str], values: &[String], checksum: &str) -> Vec<(String, String)> {
    let fields = names.iter().zip(values).map(|(name, value)| ((*name).to_owned(), value.clone()));
    fields.chain([(CHECKSUM_FIELD.to_owned(), checksum.to_owned())]).collect()
}

#[tokio::test]
async fn our_own_pay_form_under_other_names_is_no_callback() {
    // CALLBACK_URL, CHANNEL_ID, CUST_ID, EMAIL, INDUSTRY_TYPE_ID, MID, MOBILE_NO, ORDER_ID, TXN_AMOUNT, WEBSITE
    let names = ["A", "B", "MID", "ORDERID", "P", "Q", "STATUS", "T", "TXNAMOUNT", "TXNID"];
    let (values, checksum) = our_form([MID, "TXN_SUCCESS", OTHERS]).await;
    assert_eq!(values.len(), names.len());
    let forged = renamed(&names, &values, &checksum);
    let answer = Answer::of_params(Params::new(forged));
    for about in [ID, OTHERS] {
        let refused = OFFLINE.verify(&transaction(about, "19.99"), &answer).await;
        let fine = matches!(refused, Err(GatewayError::BadSignature | GatewayError::WrongTransaction));
        assert!(fine, "{about}: {refused:?}");
    }
}

#[tokio::test]
async fn no_choice_of_names_and_texts_makes_a_callback_of_a_form_of_ours() {
    let mut tried = 0;
    for email in CHOSEN.into_iter().chain([""]) {
        for (user_name, mobile) in CHOSEN.iter().flat_map(|one| CHOSEN.map(|other| (*one, other))) {
            let (values, checksum) = our_form([user_name, mobile, email]).await;
            for chosen in 0_u32..1 << CALLBACK_FIELDS.len() {
                if chosen.count_ones() as usize != values.len() {
                    continue;
                }
                let names = CALLBACK_FIELDS.iter().enumerate().filter(|(nth, _)| chosen >> nth & 1 == 1);
                let names: Vec<&str> = names.map(|(_, name)| *name).collect();
                let forged = renamed(&names, &values, &checksum);
                let pairs = forged.iter().map(|(name, value)| (name.as_str(), value.as_str()));
                tried += 1;
                if signature::verified_callback(&KEY, pairs).is_none() {
                    continue;
                }
                let answer = Answer::of_params(Params::new(forged));
                for about in [ID, OTHERS] {
                    let refused = OFFLINE.verify(&transaction(about, "19.99"), &answer).await;
                    assert!(matches!(refused, Err(GatewayError::WrongTransaction)), "{refused:?}");
                }
            }
        }
    }
    assert!(tried > 50_000, "{tried}");
}

#[tokio::test]
async fn a_separator_in_a_payers_text_or_in_the_return_address_is_not_signed() {
    let (values, _) = our_form([&format!("{MID}|{OTHERS}"), "1|01|TXN_SUCCESS", "a|b@c"]).await;
    assert_eq!(values.len(), 10, "{values:?}");
    let txn = transaction(ID, "19.99");
    let order = Order { return_url: "https://city.example/done?x=a|MID|b", ..sample::order(&txn) };
    let Redirect::Form { fields, .. } = OFFLINE.start(&order).await.unwrap() else { panic!("a form") };
    assert_eq!(Params::new(fields).get("CALLBACK_URL"), Some("https://city.example/done?x=a%7CMID%7Cb"));
}

#[tokio::test]
async fn an_answer_signed_for_another_purpose_is_no_callback() {
    // Our status request, and Paytm's signature over the body of a refund's webhook.
    let question = signed([("MID", MID), ("ORDERID", ID)].into_iter());
    assert!(matches!(verify(question).await, Err(GatewayError::BadSignature)));
    let body = format!(r#"{{"orderId":"{ID}","mid":"{MID}","status":"TXN_SUCCESS","refundAmount":"19.99"}}"#);
    let checksum = signature::checksum(&KEY, &body, Salt::random().unwrap());
    for name in CALLBACK_FIELDS {
        let refund = renamed(&[name], std::slice::from_ref(&body), &checksum);
        let pairs = refund.iter().map(|(name, value)| (name.as_str(), value.as_str()));
        assert_eq!(signature::verified_callback(&KEY, pairs), None, "{name}");
    }
    // A refund is reported with more fields and a code of its own.
    let refund = CALLBACK.map(|(name, value)| (name, if name == "RESPCODE" { "10" } else { value }));
    let Ok(Evidence::Signed(report)) = verify(signed(refund.into_iter())).await else { panic!("signed") };
    assert_eq!(report.outcome.name(), "unrecognised");
    let more = signed(CALLBACK.into_iter().chain([("REFUNDID", "R1"), ("TXNTYPE", "REFUND")]));
    assert!(matches!(verify(more).await, Err(GatewayError::BadSignature)));
}

#[tokio::test]
async fn a_callback_for_one_transaction_never_speaks_for_another() {
    for (name, value) in [
        ("ORDERID", "PB_PG_2024_03_15_000124_45"),
        ("MID", "SOMEBODYELSE"),
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
async fn an_unsigned_callback_is_only_a_hint() {
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
    fn an_extra_field_is_left_out_of_the_evidence(name in "[A-Z_]{1,12}", value in ".{0,12}") {
        prop_assume!(!CALLBACK_FIELDS.contains(&name.as_str()));
        let Ok(Evidence::Signed(genuine)) = now(verify(callback("", ""))) else { panic!("signed") };
        let mut fields = callback("", "");
        fields.push((name, value));
        prop_assert_eq!(now(verify(fields)).unwrap(), Evidence::Signed(genuine));
    }

    #[test]
    fn no_form_panics(fields: Vec<(String, String)>, checksum in ".{0,120}") {
        let signed = fields.into_iter().chain([(CHECKSUM_FIELD.to_owned(), checksum)]).collect();
        prop_assert!(now(verify(signed)).is_err());
    }
}
