//! An order that its provider does not know.

use payment_domain::{Outcome, Report, Transaction};
use payment_gateway::ORDER_OF_ANOTHER_ACCOUNT;
use serde_json::Value;

/// The report on an order that its provider does not know. Where a payer was sent to it, the provider opened
/// it and keeps it: the status request is made with another account than the one that opened it, and the
/// payer may have paid there.
pub(crate) fn report(txn: &Transaction, status_code: Option<String>, raw: Value) -> Report {
    let (outcome, status_message) = match &txn.redirect_url {
        Some(_) => (
            Outcome::Unrecognised { code: ORDER_OF_ANOTHER_ACCOUNT.to_owned() },
            Some("opened at the gateway, and not known to this account of it".to_owned()),
        ),
        None => (Outcome::NotFound, None),
    };
    let gateway_txn_id = txn.gateway_details.txn_id.clone();
    Report {
        outcome,
        gateway_txn_id,
        payment_mode: None,
        bank_txn_no: None,
        returned: None,
        status_code,
        status_message,
        raw,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::transaction;

    #[test]
    fn an_order_is_not_found_only_where_no_payer_was_sent_to_it() {
        let mut txn = transaction("T1", "19.99");
        txn.gateway_details.txn_id = Some("pi_1".to_owned());
        assert_eq!(report(&txn, None, Value::Null).outcome, Outcome::NotFound);
        txn.redirect_url = Some("https://pay.example/x".to_owned());
        let told = report(&txn, None, Value::Null);
        assert_eq!(told.outcome.name(), "unrecognised");
        assert_eq!(told.gateway_txn_id.as_deref(), Some("pi_1"), "the payment keeps its number");
    }
}
