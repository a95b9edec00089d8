//! Refunds: the requests, and the states. Pure.

use payment_domain::{RefundOutcome, RefundReport};
use payment_gateway::{GatewayError, Params, RefundOrder};
use secrecy::ExposeSecret;

use super::account::AxisAccount;
use super::signature;
use super::wire::{ACCESS_CODE, EVIDENCE, REFERENCE, Record, as_lists, post, sentence};
use crate::client::Call;
use crate::refund::{succeeded, unclear};
use crate::text::{cut, paise};
use crate::{evidence, form};

/// The call that was answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Asked {
    Refund,
    /// `queryDR` with the reference of the refund.
    Status,
}

/// The request to give money back. `payment` is the gateway's number of the payment.
pub fn refund_call(account: &AxisAccount, order: &RefundOrder<'_>, payment: &str) -> Call {
    let amount = order.amount.minor().to_string();
    let fields = [
        ("vpc_Version", account.version.as_str()),
        ("vpc_Command", &account.refund_command),
        (ACCESS_CODE, &account.access_code),
        ("vpc_Merchant", &account.merchant_id),
        (REFERENCE, order.id.as_str()),
        ("vpc_TransNo", payment),
        ("vpc_Amount", &amount),
        ("vpc_User", &account.user),
        ("vpc_Password", account.password.expose_secret()),
    ];
    let mut fields = fields.map(|(name, value)| (name.to_owned(), value.to_owned())).to_vec();
    if account.signs_refunds {
        let hash = signature::sign(account.secret_key.expose_secret(), &fields);
        fields.push((signature::HASH.to_owned(), hash));
        fields.push((signature::HASH_TYPE.to_owned(), signature::SHA256.to_owned()));
    }
    post(account, fields)
}

/// The report in the members of an answer.
///
/// # Errors
/// [`GatewayError::Unreadable`] when a VPC member occurs twice, or there is none.
pub fn report(
    account: &AxisAccount,
    order: &RefundOrder<'_>,
    asked: Asked,
    members: &Params,
) -> Result<RefundReport, GatewayError> {
    let vpc = form::unique(members.iter().filter(|(name, _)| name.starts_with("vpc_")))
        .ok_or_else(|| GatewayError::Unreadable("a vpc_ member occurs twice".to_owned()))?;
    if vpc.is_empty() {
        return Err(GatewayError::Unreadable("no vpc_ members".to_owned()));
    }
    let member = |name: &str| vpc.get(name).copied().filter(|value| !value.is_empty());
    let text = |name: &str| member(name).map(|value| cut(value, 255).to_owned());
    let outcome = match (asked, Record::of(members)) {
        (Asked::Status, Record::None) => RefundOutcome::NotFound,
        // The newest is shown: it need not be ours.
        (_, Record::Several) => unclear("there are several records of this reference"),
        (_, Record::Found | Record::None | Record::Unsaid) => outcome(account, order, asked, &member),
    };
    Ok(RefundReport {
        outcome,
        may_repeat: false,
        gateway_refund_id: text("vpc_TransactionNo").filter(|number| number != "0"),
        status_code: text("vpc_TxnResponseCode"),
        status_message: match member("vpc_TxnResponseCode") {
            Some(code) => Some(sentence(code).to_owned()),
            None => text("vpc_Message"),
        },
        raw: as_lists(evidence::of_pairs(members.iter(), &EVIDENCE)),
    })
}

fn outcome<'a>(
    account: &AxisAccount,
    order: &RefundOrder<'_>,
    asked: Asked,
    member: &impl Fn(&str) -> Option<&'a str>,
) -> RefundOutcome {
    let code = member("vpc_TxnResponseCode").unwrap_or_default();
    let refusal = member("vpc_Message").and_then(|message| message.split([':', ' ']).next());
    if let ("7", Some(number)) = (code, refusal.filter(|number| is_refusal(number))) {
        // A wrong password, a missing privilege: no evidence about the refund. The sentence may quote the
        // request.
        return unclear(format!("the gateway refuses our request: 7 {number}"));
    }
    let differs = |name: &str, ours: &str| member(name).is_some_and(|told| told != ours);
    let another_command = match asked {
        Asked::Refund => differs("vpc_Command", &account.refund_command),
        Asked::Status => member("vpc_Command") == Some(account.pay_command.as_str()),
    };
    if differs(REFERENCE, order.id.as_str())
        || differs("vpc_Merchant", &account.merchant_id)
        || differs("vpc_Currency", order.amount.currency().code())
        || another_command
    {
        return unclear("the answer names another reference, merchant, currency or command");
    }
    let amount = member("vpc_Amount").map(paise);
    if code != "0"
        && amount.is_some_and(|amount| amount.is_some_and(|it| it != order.amount && !it.is_zero()))
    {
        return unclear("the answer names another amount");
    }
    match code {
        "0" if member(REFERENCE).is_none() => unclear("the answer names no reference"),
        "0" => succeeded(order, amount.flatten()),
        // No reply from the bank: no failure of a refund, although one of a payment.
        "D" | "M" | "P" | "?" | "3" | "6" | "7" | "" => RefundOutcome::Pending,
        "1" | "2" | "4" | "5" | "8" | "9" | "B" | "E" => {
            RefundOutcome::Failed { reason: sentence(code).to_owned() }
        }
        other => RefundOutcome::Unrecognised { code: cut(other, 64).to_owned() },
    }
}

/// The number of a refusal by the gateway itself, e.g. `E5000`.
fn is_refusal(number: &str) -> bool {
    number.strip_prefix('E').is_some_and(|digits| {
        (4..=6).contains(&digits.len()) && digits.bytes().all(|byte| byte.is_ascii_digit())
    })
}

#[cfg(test)]
mod tests {
    use payment_domain::{Currency, Money, RefundId};

    use super::*;
    use crate::axis::tests::account;
    use crate::client::Body;
    use crate::testing::transaction;

    const DONE: &str = "vpc_Command=refund&vpc_MerchTxnRef=RF-0000000001&vpc_Amount=1999&vpc_TxnResponseCode=0\
                        &vpc_TransactionNo=2000025199&vpc_Message=Approved";

    fn with_order<T>(read: impl Fn(&RefundOrder<'_>) -> T) -> T {
        let (payment, id) = (transaction("T1", "100.00"), RefundId::new("RF-0000000001").unwrap());
        let amount = Money::parse("19.99", Currency::INR).unwrap();
        read(&RefundOrder { payment: &payment, id: &id, amount, gateway_refund_id: None, notify_url: None })
    }

    fn read(asked: Asked, body: &str) -> Result<RefundReport, GatewayError> {
        let members = Params::new(form::decode(body.as_bytes()));
        with_order(|order| report(&account(), order, asked, &members))
    }

    fn state(asked: Asked, body: &str) -> &'static str {
        read(asked, body).unwrap().outcome.name()
    }

    #[test]
    fn every_code_of_a_refund_has_its_own_meaning() {
        let with = |code: &str| DONE.replace("ResponseCode=0", &format!("ResponseCode={code}"));
        for asked in [Asked::Refund, Asked::Status] {
            assert_eq!(state(asked, DONE), "succeeded");
            for code in ["D", "M", "P", "%3F", "3", "6", "7", ""] {
                assert_eq!(state(asked, &with(code)), "pending", "{code}");
            }
            for code in ["1", "2", "4", "5", "8", "9", "B", "E"] {
                assert_eq!(state(asked, &with(code)), "failed", "{code}");
            }
            for code in ["A", "C", "F", "W", "00", "-1"] {
                assert_eq!(state(asked, &with(code)), "unrecognised", "{code}");
            }
        }
        let report = read(Asked::Refund, DONE).unwrap();
        assert_eq!(report.gateway_refund_id.as_deref(), Some("2000025199"));
    }

    #[test]
    fn a_missing_privilege_is_no_refusal_of_the_refund_and_quotes_nothing() {
        let body = "vpc_TxnResponseCode=7&vpc_MerchTxnRef=RF-0000000001&vpc_Amount=1200\
                    &vpc_Message=E5000%3A+Merchant+%5B123%5D+does+not+have+the+required+privilege";
        let RefundOutcome::Unclear { reason } = read(Asked::Refund, body).unwrap().outcome else {
            panic!("unclear")
        };
        assert_eq!(reason, "the gateway refuses our request: 7 E5000");
    }

    #[test]
    fn an_answer_about_another_refund_decides_nothing() {
        for (from, to) in [
            ("RF-0000000001", "RF-0000000002"),
            ("vpc_MerchTxnRef=RF-0000000001", "vpc_MerchTxnRef="),
            ("Amount=1999", "Amount=100"),
            ("Amount=1999", "Amount=19.99"),
            ("&vpc_Amount=1999", ""),
            ("Command=refund", "Command=pay"),
            ("vpc_Command=refund", "vpc_Merchant=OTHER&vpc_Command=refund"),
        ] {
            let body = DONE.replace(from, to);
            assert_eq!(state(Asked::Refund, &body), "unclear", "{to}");
        }
        let declined = DONE.replace("ResponseCode=0", "ResponseCode=2").replace("0001", "0002");
        assert_eq!(state(Asked::Refund, &declined), "unclear");
    }

    #[test]
    fn the_query_finds_none_one_or_too_many() {
        assert_eq!(state(Asked::Status, "vpc_DRExists=N&vpc_Amount=0"), "not found");
        let several = format!("{DONE}&vpc_DRExists=Y&vpc_FoundMultipleDRs=Y");
        assert_eq!(state(Asked::Status, &several), "unclear");
        assert_eq!(
            state(Asked::Status, &format!("{DONE}&vpc_DRExists=Y&vpc_FoundMultipleDRs=N")),
            "succeeded"
        );
        for body in ["", "<html>", "a=1"] {
            assert!(read(Asked::Status, body).is_err(), "{body}");
        }
        assert!(read(Asked::Refund, &format!("{DONE}&vpc_TxnResponseCode=2")).is_err());
    }

    #[test]
    fn a_request_is_hashed_only_where_the_bank_wants_it() {
        let fields = |signs_refunds| {
            let account = AxisAccount { signs_refunds, ..account() };
            let call = with_order(|order| refund_call(&account, order, "2000025183"));
            let Body::Form(fields) = call.body else { panic!("a form") };
            fields
        };
        assert!(fields(false).iter().all(|(name, _)| name != signature::HASH));
        let signed = fields(true);
        let params = Params::new(signed.clone());
        assert!(signature::check(account().secret_key.expose_secret(), &params).unwrap());
        let value = |name: &str| params.get(name).unwrap().to_owned();
        assert_eq!((value("vpc_TransNo"), value("vpc_Amount")), ("2000025183".to_owned(), "1999".to_owned()));
    }
}
