//! The gateway's forms: requests, and the meaning of answers.

use payment_domain::{Outcome, Report};
use payment_gateway::{GatewayError, Params};
use secrecy::ExposeSecret;
use serde_json::Value;

use super::account::AxisAccount;
use super::signature;
use crate::client::{Body, Call, Method};
use crate::text::{bank_txn_no, cut, paise};
use crate::{evidence, form};

/// The member that carries our transaction id, both ways.
pub const REFERENCE: &str = "vpc_MerchTxnRef";
/// The member that carries the merchant's access code; requests alone have it.
pub const ACCESS_CODE: &str = "vpc_AccessCode";
/// The refunded amount, in paise; in answers to `queryDR`.
const REFUNDED: &str = "vpc_RefundedAmount";
/// The captured amount, in paise; in answers to `queryDR`.
const CAPTURED: &str = "vpc_CapturedAmount";
/// The longest transaction id the gateway takes, in characters.
pub const MAX_REFERENCE_CHARS: usize = 40;
/// The longest order information the gateway takes, in characters.
pub const MAX_ORDER_INFO_CHARS: usize = 34;

/// Evidence kept of an answer. Left out are the hash, card numbers, 3-D Secure tokens and the order
/// information, which is a bank account number.
pub(super) const EVIDENCE: [&str; 21] = [
    "vpc_Version",
    "vpc_Command",
    "vpc_Locale",
    REFERENCE,
    "vpc_Merchant",
    "vpc_Amount",
    "vpc_Currency",
    REFUNDED,
    CAPTURED,
    "vpc_TxnResponseCode",
    "vpc_Message",
    "vpc_TransactionNo",
    "vpc_ReceiptNo",
    "vpc_AuthorizeId",
    "vpc_BatchNo",
    "vpc_AcqResponseCode",
    "vpc_Card",
    "vpc_3DSstatus",
    "vpc_VerStatus",
    "vpc_DRExists",
    "vpc_FoundMultipleDRs",
];

/// One payment as it is written into the pay request.
#[derive(Debug, Clone, Copy)]
pub struct Payment<'a> {
    pub reference: &'a str,
    /// The tenant's bank account number.
    pub order_info: &'a str,
    /// In paise.
    pub amount_minor: i64,
    /// Where the browser comes back to.
    pub return_url: &'a str,
}

/// The members of a pay request, without their hash.
pub fn pay_members(account: &AxisAccount, payment: &Payment<'_>) -> Vec<(String, String)> {
    let members = [
        ("vpc_Version", account.version.as_str()),
        ("vpc_Command", &account.pay_command),
        (ACCESS_CODE, &account.access_code),
        ("vpc_Merchant", &account.merchant_id),
        ("vpc_Locale", &account.locale),
        ("vpc_Currency", account.currency.code()),
        ("vpc_ReturnURL", payment.return_url),
        (REFERENCE, payment.reference),
        ("vpc_OrderInfo", payment.order_info),
        ("vpc_Amount", &payment.amount_minor.to_string()),
    ];
    members.map(|(name, value)| (name.to_owned(), value.to_owned())).into()
}

/// The URL of the pay page with the members and their hash in its query.
pub fn signed_url(pay_url: &str, secret_key: &[u8], mut members: Vec<(String, String)>) -> String {
    let hash = signature::sign(secret_key, &members);
    members.push((signature::HASH.to_owned(), hash));
    members.push((signature::HASH_TYPE.to_owned(), signature::SHA256.to_owned()));
    form::in_query(pay_url, &members)
}

/// The status call. The gateway takes it by the operator's password alone, so
/// it carries no hash.
pub fn status_call(account: &AxisAccount, reference: &str) -> Call {
    let fields = [
        ("vpc_Version", account.version.as_str()),
        ("vpc_Command", &account.status_command),
        (ACCESS_CODE, &account.access_code),
        ("vpc_Merchant", &account.merchant_id),
        (REFERENCE, reference),
        ("vpc_User", &account.user),
        ("vpc_Password", account.password.expose_secret()),
    ];
    post(account, fields.map(|(name, value)| (name.to_owned(), value.to_owned())).into())
}

/// A call of the server API.
pub(super) fn post(account: &AxisAccount, fields: Vec<(String, String)>) -> Call {
    let url = account.status_url.clone();
    Call { method: Method::POST, url, headers: Vec::new(), body: Body::Form(fields) }
}

/// The meaning of a set of result members: a callback's or a status answer's.
///
/// # Errors
/// [`GatewayError::Unreadable`] when a VPC member occurs twice, there is none, or the amount of a
/// payment is not one.
pub fn report(members: &Params) -> Result<Report, GatewayError> {
    let vpc = form::unique(members.iter().filter(|(name, _)| name.starts_with("vpc_")))
        .ok_or_else(|| GatewayError::Unreadable("a vpc_ member occurs twice".to_owned()))?;
    if vpc.is_empty() {
        return Err(GatewayError::Unreadable("no vpc_ members".to_owned()));
    }
    let member = |name: &str| vpc.get(name).copied().filter(|value| !value.is_empty());
    let text = |name: &str| member(name).map(|value| cut(value, 255).to_owned());
    let outcome = match (member("vpc_TxnResponseCode"), Record::of(members)) {
        (Some("0"), Record::Found | Record::Several | Record::Unsaid) => paid(member)?,
        (Some("0"), Record::None) => unrecognised("0, without a record"),
        (Some(_) | None, Record::None) | (None, Record::Unsaid) => Outcome::NotFound,
        (None, Record::Found | Record::Several) => unrecognised("a record without a response code"),
        (Some(code), Record::Found | Record::Unsaid) => by_code(code),
        // An earlier attempt under the same reference may have been paid.
        (Some(code), Record::Several) => match by_code(code) {
            Outcome::Declined { .. } => unrecognised(&format!("{code}, of several records")),
            undecided @ (Outcome::Pending | Outcome::Authorised | Outcome::Unrecognised { .. }) => undecided,
            definite @ (Outcome::Paid { .. } | Outcome::NotFound | Outcome::Refunded) => definite,
        },
    };
    Ok(Report {
        outcome,
        gateway_txn_id: text("vpc_TransactionNo").filter(|number| number != "0"),
        payment_mode: text("vpc_Card"),
        bank_txn_no: text("vpc_ReceiptNo").and_then(bank_txn_no),
        returned: member(REFUNDED).and_then(paise),
        status_code: text("vpc_TxnResponseCode"),
        status_message: match member("vpc_TxnResponseCode") {
            Some(code) => Some(sentence(code).to_owned()),
            None => text("vpc_Message"),
        },
        raw: as_lists(evidence::of_pairs(members.iter(), &EVIDENCE)),
    })
}

/// The meaning of a status answer. Unlike in a callback, "payment server error" without any record refuses
/// the request (a wrong password, a wrong hash): nothing is known of the payment then.
///
/// # Errors
/// As [`report`], and [`GatewayError::Unreadable`] when the gateway refuses the question.
pub fn status_report(members: &Params) -> Result<Report, GatewayError> {
    let report = report(members)?;
    let refused = report.status_code.as_deref() == Some("7")
        && matches!(Record::of(members), Record::Unsaid)
        && report.gateway_txn_id.is_none();
    if refused {
        // The number alone: the sentence behind it may quote the request.
        let message = members.get("vpc_Message").unwrap_or_default();
        let number = message.split(':').next().filter(|number| number.len() <= 8).unwrap_or_default();
        return Err(GatewayError::Unreadable(format!("the status question was refused: 7 {number}")));
    }
    Ok(report)
}

/// The gateway's records of the payment, as an answer shows them.
pub(super) enum Record {
    Found,
    /// There are several; the answer is about the latest.
    Several,
    None,
    /// It does not say: callbacks and error answers.
    Unsaid,
}

impl Record {
    pub(super) fn of(members: &Params) -> Record {
        let says =
            |name: &str, word: &str| members.get(name).is_some_and(|value| value.eq_ignore_ascii_case(word));
        if says("vpc_DRExists", "N") {
            Record::None
        } else if says("vpc_FoundMultipleDRs", "Y") {
            Record::Several
        } else if says("vpc_DRExists", "Y") {
            Record::Found
        } else {
            Record::Unsaid
        }
    }
}

/// The amount that a payment took. Money that went back is no payment; where the records contradict the amount
/// that was paid, or cannot be read, no amount is certain.
fn paid<'a>(member: impl Fn(&str) -> Option<&'a str>) -> Result<Outcome, GatewayError> {
    let unreadable = || GatewayError::Unreadable("vpc_Amount is no amount".to_owned());
    let amount = member("vpc_Amount").map(|text| paise(text).ok_or_else(unreadable)).transpose()?;
    let (refunded, captured) = (member(REFUNDED).map(paise), member(CAPTURED).map(paise));
    Ok(match (refunded, captured) {
        (Some(Some(refunded)), _) if !refunded.is_zero() => Outcome::Refunded,
        (Some(None), _) | (_, Some(None)) => Outcome::Paid { amount: None },
        (_, Some(captured)) if captured != amount => Outcome::Paid { amount: None },
        (_, _) => Outcome::Paid { amount },
    })
}

fn unrecognised(code: &str) -> Outcome {
    Outcome::Unrecognised { code: cut(code, 64).to_owned() }
}

/// The meaning of every response code but `0`.
fn by_code(code: &str) -> Outcome {
    match code {
        // Deferred, being processed, submitted without an answer, unknown to the gateway itself.
        "D" | "M" | "P" | "?" => Outcome::Pending,
        "1" | "2" | "3" | "4" | "5" | "6" | "7" | "8" | "9" | "A" | "B" | "C" | "E" | "F" | "I" | "L"
        | "N" | "R" | "S" | "T" | "U" | "V" => Outcome::Declined { reason: sentence(code).to_owned() },
        unknown => unrecognised(unknown),
    }
}

/// The message of a response code, in the sentences of the original service, which reports read.
pub(super) fn sentence(code: &str) -> &'static str {
    match code {
        "0" => "Transaction Successful",
        "1" => "Transaction Declined",
        "2" => "Bank Declined Transaction",
        "3" => "No Reply from Bank",
        "4" => "Expired Card",
        "5" => "Insufficient Funds",
        "6" => "Error Communicating with Bank",
        "7" => "Payment Server detected an error",
        "8" => "Transaction Type Not Supported",
        "9" => "Bank declined transaction (Do not contact Bank)",
        "A" => "Transaction Aborted",
        "B" => "Transaction Declined - Contact the Bank",
        "C" => "Transaction Cancelled",
        "D" => "Deferred transaction has been received and is awaiting processing",
        "E" => "Transaction Declined - Refer to card issuer",
        "F" => "3-D Secure Authentication failed",
        "I" => "Card Security Code verification failed",
        "L" => "Shopping Transaction Locked (Please try the transaction again later)",
        "M" => "Transaction Submitted (No response from acquirer)",
        "N" => "Cardholder is not enrolled in Authentication scheme",
        "P" => "Transaction has been received by the Payment Adaptor and is being processed",
        "R" => "Transaction was not processed - Reached limit of retry attempts allowed",
        "S" => "Duplicate SessionID",
        "T" => "Address Verification Failed",
        "U" => "Card Security Code Failed",
        "V" => "Address Verification and Card Security Code Failed",
        "?" => "Transaction status is unknown",
        _ => "Unable to be determined",
    }
}

/// Each member as a list of its one value: the form in which the original service stored an answer.
pub(super) fn as_lists(kept: Value) -> Value {
    let Value::Object(members) = kept else { return kept };
    Value::Object(members.into_iter().map(|(name, value)| (name, Value::Array(vec![value]))).collect())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn read(body: &str) -> Report {
        report(&Params::new(form::decode(body.as_bytes()))).unwrap()
    }

    #[test]
    fn every_code_is_what_the_gateway_means_by_it() {
        let with_code =
            |code: &str| read(&format!("vpc_TxnResponseCode={code}&vpc_Amount=100")).outcome.name();
        assert_eq!(with_code("0"), "paid");
        for code in "123456789ABCEFILNRSTUV".chars() {
            assert_eq!(with_code(&code.to_string()), "declined", "{code}");
        }
        for code in "DMP?".chars() {
            assert_eq!(with_code(&code.to_string()), "pending", "{code}");
        }
        for code in ["G", "X", "00", "10", "a", "-1"] {
            assert_eq!(with_code(code), "unrecognised", "{code}");
        }
        assert_eq!(with_code(""), "not found");
    }

    #[test]
    fn a_decline_is_not_definite_while_there_are_several_records() {
        let read = |code: &str| {
            read(&format!("vpc_TxnResponseCode={code}&vpc_Amount=1&vpc_DRExists=Y&vpc_FoundMultipleDRs=Y"))
                .outcome
        };
        assert_eq!(read("2"), Outcome::Unrecognised { code: "2, of several records".to_owned() });
        assert_eq!(read("P"), Outcome::Pending);
        assert_eq!(read("0").name(), "paid");
    }

    #[test]
    fn an_answer_at_odds_with_itself_decides_nothing() {
        assert_eq!(read("vpc_TxnResponseCode=0&vpc_Amount=1&vpc_DRExists=N").outcome.name(), "unrecognised");
        assert_eq!(read("vpc_DRExists=Y").outcome.name(), "unrecognised");
        let twice = Params::new(form::decode(b"vpc_TxnResponseCode=2&vpc_TxnResponseCode=0&vpc_Amount=1"));
        assert!(matches!(report(&twice), Err(GatewayError::Unreadable(_))));
    }

    #[test]
    fn a_refused_status_request_says_nothing_about_the_payment() {
        let answer = |body: &str| status_report(&Params::new(form::decode(body.as_bytes())));
        let refused = answer("vpc_TxnResponseCode=7&vpc_Message=E5000%3A+Cannot+form+a+matching+secure+hash");
        let error = refused.unwrap_err().to_string();
        assert!(error.ends_with("the status question was refused: 7 E5000"), "{error}");
        let failed = answer("vpc_TxnResponseCode=7&vpc_DRExists=Y&vpc_TransactionNo=5");
        assert_eq!(failed.unwrap().outcome.name(), "declined");
    }

    #[test]
    fn evidence_holds_no_card_and_no_hash() {
        let report = read(
            "vpc_TxnResponseCode=0&vpc_Amount=100&vpc_CardNum=4005xxxxxxxxx005&vpc_SecureHash=ABC&vpc_OrderInfo=0001\
             &vpc_3DSXID=x&vpc_VerToken=y&vpc_TransactionNo=5&email=a%40b",
        );
        assert_eq!(
            report.raw,
            serde_json::json!({"vpc_TxnResponseCode": ["0"], "vpc_Amount": ["100"], "vpc_TransactionNo": ["5"]})
        );
    }

    #[test]
    fn the_message_is_the_original_services_by_response_code() {
        let message = |body: &str| read(body).status_message;
        for (code, expected) in [
            ("0", "Transaction Successful"),
            ("2", "Bank Declined Transaction"),
            ("%3F", "Transaction status is unknown"),
            ("M", "Transaction Submitted (No response from acquirer)"),
            ("W", "Unable to be determined"),
        ] {
            let body = format!("vpc_TxnResponseCode={code}&vpc_Amount=100&vpc_Message=own+words");
            assert_eq!(message(&body).as_deref(), Some(expected), "{code}");
            assert_eq!(read(&body).raw["vpc_Message"], serde_json::json!(["own words"]));
        }
        assert_eq!(message("vpc_DRExists=N&vpc_Message=own+words").as_deref(), Some("own words"));
        assert_eq!(message("vpc_DRExists=N"), None);
        let Outcome::Declined { reason } = read("vpc_TxnResponseCode=5&vpc_Amount=100").outcome else {
            panic!("declined")
        };
        assert_eq!(reason, "Insufficient Funds");
    }

    #[test]
    fn money_that_went_back_or_was_not_taken_is_no_equal_payment() {
        let outcome =
            |more: &str| read(&format!("vpc_TxnResponseCode=0&vpc_Amount=100&vpc_DRExists=Y{more}")).outcome;
        let amount = paise("100");
        for fine in
            ["", "&vpc_RefundedAmount=0&vpc_CapturedAmount=100", "&vpc_CapturedAmount=&vpc_RefundedAmount="]
        {
            assert_eq!(outcome(fine), Outcome::Paid { amount }, "{fine}");
        }
        for refunded in ["&vpc_RefundedAmount=100&vpc_CapturedAmount=100", "&vpc_RefundedAmount=1"] {
            assert_eq!(outcome(refunded), Outcome::Refunded, "{refunded}");
        }
        for unclear in [
            "&vpc_CapturedAmount=0",
            "&vpc_CapturedAmount=99",
            "&vpc_RefundedAmount=1.00",
            "&vpc_CapturedAmount=x",
        ] {
            assert_eq!(outcome(unclear), Outcome::Paid { amount: None }, "{unclear}");
        }
        assert_eq!(
            read("vpc_TxnResponseCode=2&vpc_Amount=100&vpc_CapturedAmount=0").outcome.name(),
            "declined"
        );
    }

    proptest! {
        #[test]
        fn no_answer_panics(body: Vec<u8>) {
            let _ = report(&Params::new(form::decode(&body)));
        }

        #[test]
        fn no_members_panic_and_only_code_0_is_a_payment(code in "\\PC{0,3}", exists in "[YN ]?", amount in "\\PC{0,8}") {
            let members = [("vpc_TxnResponseCode", code.as_str()), ("vpc_DRExists", &exists), ("vpc_Amount", &amount)];
            let members = members.map(|(name, value)| (name.to_owned(), value.to_owned()));
            if let Ok(report) = status_report(&Params::new(members.into())) {
                let paid = matches!(report.outcome, Outcome::Paid { .. });
                prop_assert!(!paid || code == "0");
            }
        }
    }
}
