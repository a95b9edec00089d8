//! Refunds: `refund`, and `queryDR` with the reference of one.

use super::wire::REFERENCE;
use crate::money::{Amount, Currency};
use crate::providers::Providers;
use crate::providers::form::Fields;
use crate::providers::moment;
use crate::providers::order::Order;
use crate::providers::provider::Provider;
use crate::providers::refunds::desk::{FoundRefund, RefundAsked};
use crate::providers::refunds::{RefundSaid, RefundStatement, RefundWish, WhyRefused};
use crate::providers::settings::AxisAccount;

type Members = Vec<(&'static str, String)>;

/// Carries out `refund`; `None` when the request is lost. A reference may be used again: that is another refund.
pub(super) fn refund(providers: &Providers, fields: &Fields) -> Option<Members> {
    let account = &providers.accounts().axis;
    let reference = fields.get(REFERENCE);
    let refused = |code: &str, message: &str| {
        Some(vec![
            ("vpc_Command", "refund".to_owned()),
            ("vpc_Merchant", account.merchant_id.clone()),
            (REFERENCE, reference.to_owned()),
            ("vpc_Amount", fields.get("vpc_Amount").to_owned()),
            ("vpc_TxnResponseCode", code.to_owned()),
            ("vpc_Message", message.to_owned()),
            ("vpc_TransactionNo", "0".to_owned()),
        ])
    };
    let amount = Amount::of_digits(fields.get("vpc_Amount"), Currency::INR);
    let Some(amount) = amount.filter(|_| (1..=40).contains(&reference.len())) else {
        return refused("7", "E5416: Field vpc_Amount value [] is invalid.");
    };
    let Some(payment) = payment_with(providers, fields.get("vpc_TransNo")) else {
        return refused("7", "E5412: Field vpc_TransNo does not name a transaction.");
    };
    let asked = providers.refund(RefundWish {
        payment,
        id: reference.to_owned(),
        amount,
        notify_url: None,
        ids_repeat: true,
        waits_for_balance: false,
    });
    match asked {
        RefundAsked::Booked(found) | RefundAsked::Known(found) => Some(members(account, "refund", &found)),
        RefundAsked::Not(_) => refused("1", "Transaction Declined"),
        RefundAsked::Lost => None,
    }
}

/// The payment with this number of the gateway's.
pub(super) fn payment_with(providers: &Providers, number: &str) -> Option<(Provider, String)> {
    let sequence = Order::sequence_of(number.parse().ok()?)?;
    let key = providers.ledger().keys_after(sequence.checked_sub(1)?, 1).pop()?;
    (key.0 == Provider::Axis).then_some(key)
}

/// The answer to `queryDR` about a refund; `None` when there is none with this reference.
pub(super) fn answer(providers: &Providers, reference: &str) -> Option<Members> {
    let mut found = providers.refund_status_asked(Provider::Axis, reference);
    let several = if found.len() > 1 { "Y" } else { "N" };
    let newest = found.pop()?;
    let statement = RefundStatement::answered(&newest.refund, newest.twist);
    if statement.said == RefundSaid::NotFound {
        return None;
    }
    let mut answer = vec![("vpc_DRExists", "Y".to_owned()), ("vpc_FoundMultipleDRs", several.to_owned())];
    answer.extend(members(&providers.accounts().axis, "queryDR", &newest));
    Some(answer)
}

fn members(account: &AxisAccount, command: &str, found: &FoundRefund) -> Members {
    let statement = RefundStatement::told(&found.refund, found.twist);
    let (code, message) = match statement.said {
        RefundSaid::Done => ("0", "Approved"),
        RefundSaid::Pending => ("P", "In Progress"),
        RefundSaid::Refused(WhyRefused::Bank) | RefundSaid::Returned => ("2", "Declined"),
        RefundSaid::Refused(WhyRefused::Balance) => ("5", "Insufficient funds"),
        RefundSaid::Gibberish | RefundSaid::NotFound => ("W", "Under Consideration"),
    };
    let refund = statement.refund;
    vec![
        ("vpc_Version", "1".to_owned()),
        ("vpc_Command", command.to_owned()),
        ("vpc_Merchant", account.merchant_id.clone()),
        (REFERENCE, refund.wish.id.clone()),
        ("vpc_Amount", statement.amount.minor.to_string()),
        ("vpc_Currency", "INR".to_owned()),
        ("vpc_TxnResponseCode", code.to_owned()),
        ("vpc_Message", message.to_owned()),
        ("vpc_TransactionNo", refund.number().to_string()),
        ("vpc_ShopTransactionNo", refund.payment_number.to_string()),
        ("vpc_ReceiptNo", format!("{:012}", refund.number())),
        ("vpc_BatchNo", moment::day(refund.decided_ms)),
    ]
}
