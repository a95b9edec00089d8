//! The VPC forms: required members of a pay request, and the report on an order.

use std::collections::BTreeMap;

use secrecy::ExposeSecret;
use subtle::ConstantTimeEq;

use crate::WayBack;
use crate::money::{Amount, Currency};
use crate::providers::form::{Fields, is_address, with_parameters};
use crate::providers::http::pay::Refusal;
use crate::providers::moment;
use crate::providers::order::{ReturnTo, Said, Statement, Terms};
use crate::providers::provider::Protocol;
use crate::providers::settings::AxisAccount;
use crate::providers::signature::axis::{HASH, HASH_TYPE, is_valid, sign};

pub(crate) const REFERENCE: &str = "vpc_MerchTxnRef";
pub(crate) const REFUND: &str = "refund";
const RETURN_URL: &str = "vpc_ReturnURL";
const ORDER_INFO: &str = "vpc_OrderInfo";
const LOCALE: &str = "vpc_Locale";

/// MIGS' answer to a wrong hash.
const BAD_HASH: &str = "E5000: Cannot form a matching secure hash";

/// The terms of a pay request.
///
/// # Errors
/// The reason for the refusal. The hash is checked as soon as its merchant is known.
pub(crate) fn pay_terms(account: &AxisAccount, secret: &[u8], fields: &Fields) -> Result<Terms, Refusal> {
    if !names(account, fields) {
        return Err(Refusal::new("7", "The merchant id or the access code is not known."));
    }
    if !is_hash_right(secret, fields) {
        return Err(Refusal::new("7", BAD_HASH));
    }
    for (name, value) in [("vpc_Version", "1"), ("vpc_Command", "pay"), ("vpc_Currency", "INR")] {
        if fields.get(name) != value {
            return Err(Refusal::new("7", &format!("{name} must be {value}.")));
        }
    }
    for (name, most) in [(REFERENCE, 40), (ORDER_INFO, 34), (LOCALE, 5)] {
        if !(1..=most).contains(&fields.get(name).chars().count()) {
            return Err(Refusal::new("7", &format!("{name} must have 1 to {most} characters.")));
        }
    }
    let amount = Amount::of_digits(fields.get("vpc_Amount"), Currency::INR)
        .ok_or_else(|| Refusal::new("7", "vpc_Amount must be a whole number of paise."))?;
    let return_url = fields.get(RETURN_URL);
    if !is_address(return_url) {
        return Err(Refusal::new("7", "vpc_ReturnURL must be the address of a web page."));
    }
    let echo = [ORDER_INFO, LOCALE].map(|name| (name.to_owned(), fields.get(name).to_owned()));
    Ok(Terms {
        protocol: Protocol::Vpc,
        id: fields.get(REFERENCE).to_owned(),
        amount,
        return_to: ReturnTo::Get(return_url.to_owned()),
        notify_url: None,
        echo: BTreeMap::from(echo),
        life_ms: None,
    })
}

fn names(account: &AxisAccount, fields: &Fields) -> bool {
    fields.get("vpc_Merchant") == account.merchant_id && fields.get("vpc_AccessCode") == account.access_code
}

/// Whether a request to pay is signed with the account's secret.
pub(crate) fn is_pay_request_of(account: &AxisAccount, secret: &[u8], fields: &Fields) -> bool {
    names(account, fields) && is_hash_right(secret, fields)
}

fn is_hash_right(secret: &[u8], fields: &Fields) -> bool {
    fields.get(HASH_TYPE) == "SHA256" && is_valid(secret, fields.pairs(), fields.get(HASH))
}

/// Whether the caller who requests results is the merchant's operator. A hash is optional, but must be right.
///
/// # Errors
/// The members that tell the caller what is wrong.
pub(crate) fn check_operator(
    account: &AxisAccount,
    secret: &[u8],
    fields: &Fields,
) -> Result<(), Vec<(&'static str, String)>> {
    let refused = |message: &str| {
        Err(vec![("vpc_TxnResponseCode", "7".to_owned()), ("vpc_Message", message.to_owned())])
    };
    let password = account.password.expose_secret().as_bytes();
    let right_password = bool::from(password.ct_eq(fields.get("vpc_Password").as_bytes()));
    if !names(account, fields) || fields.get("vpc_User") != account.user || !right_password {
        return refused("The merchant, the access code, the operator or the password is wrong.");
    }
    if !fields.get(HASH).is_empty() && !is_hash_right(secret, fields) {
        return refused(BAD_HASH);
    }
    if fields.get("vpc_Version") != "1" || !["queryDR", REFUND].contains(&fields.get("vpc_Command")) {
        return refused("vpc_Version must be 1 and vpc_Command queryDR or refund.");
    }
    Ok(())
}

/// The answer to `queryDR`. MIGS keeps a record of payers' attempts only.
pub(crate) fn answer(
    account: &AxisAccount,
    statement: Option<&Statement<'_>>,
    now_ms: i64,
) -> Vec<(&'static str, String)> {
    let members = statement.and_then(|statement| result(account, statement, now_ms));
    let (exists, members) = match members {
        Some(members) => ("Y", members),
        None => ("N", vec![("vpc_Amount", "0".to_owned()), ("vpc_TransactionNo", "0".to_owned())]),
    };
    let mut answer = vec![("vpc_DRExists", exists.to_owned()), ("vpc_FoundMultipleDRs", "N".to_owned())];
    answer.extend(members);
    answer
}

/// The members of a result; `None` when there is none.
fn result(
    account: &AxisAccount,
    statement: &Statement<'_>,
    now_ms: i64,
) -> Option<Vec<(&'static str, String)>> {
    let (code, acquirer_code, message) = match statement.said {
        Said::Paid => ("0", "00", "Approved"),
        Said::Pending => ("P", "", "In Progress"),
        Said::Declined => ("2", "05", "Declined"),
        Said::Gibberish => ("W", "", "Under Consideration"),
        Said::Open | Said::Expired | Said::NotFound => return None,
    };
    let order = statement.order;
    let number = order.payment_number();
    let members = [
        ("vpc_Version", "1".to_owned()),
        ("vpc_Command", "pay".to_owned()),
        (LOCALE, order.terms.echoed(LOCALE).to_owned()),
        (ORDER_INFO, order.terms.echoed(ORDER_INFO).to_owned()),
        ("vpc_Merchant", account.merchant_id.clone()),
        (REFERENCE, order.terms.id.clone()),
        ("vpc_Amount", statement.amount.minor.to_string()),
        ("vpc_Currency", "INR".to_owned()),
        ("vpc_TxnResponseCode", code.to_owned()),
        ("vpc_AcqResponseCode", acquirer_code.to_owned()),
        ("vpc_Message", message.to_owned()),
        ("vpc_TransactionNo", number.to_string()),
        ("vpc_ReceiptNo", format!("{number:012}")),
        ("vpc_AuthorizeId", if statement.said == Said::Paid { "239491".to_owned() } else { String::new() }),
        ("vpc_BatchNo", moment::day(order.decided_ms.unwrap_or(now_ms))),
        ("vpc_Card", "VC".to_owned()),
    ];
    Some(members.into_iter().filter(|(_, value)| !value.is_empty()).collect())
}

/// The signed way back: a result, or that there is none because the payer cancelled.
pub(crate) fn way_back(
    account: &AxisAccount,
    secret: &[u8],
    statement: &Statement<'_>,
    now_ms: i64,
) -> WayBack {
    let order = statement.order;
    let mut members = result(account, statement, now_ms).unwrap_or_else(|| {
        vec![
            ("vpc_Version", "1".to_owned()),
            ("vpc_Command", "pay".to_owned()),
            ("vpc_Merchant", account.merchant_id.clone()),
            (REFERENCE, order.terms.id.clone()),
            ("vpc_Amount", statement.amount.minor.to_string()),
            ("vpc_TxnResponseCode", "C".to_owned()),
            ("vpc_Message", "Cancelled".to_owned()),
            ("vpc_TransactionNo", "0".to_owned()),
        ]
    });
    let mut hash = sign(secret, members.iter().map(|(name, value)| (*name, value.as_str())));
    if !statement.genuine {
        hash = sign(b"another secret", members.iter().map(|(name, value)| (*name, value.as_str())));
    }
    members.extend([(HASH, hash), (HASH_TYPE, "SHA256".to_owned())]);
    let url = match &order.terms.return_to {
        ReturnTo::Get(url) | ReturnTo::Post { success: url, .. } => url,
    };
    WayBack::Follow(with_parameters(url, members.iter().map(|(name, value)| (*name, value.as_str()))))
}
