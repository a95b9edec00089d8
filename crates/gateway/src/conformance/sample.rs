//! Transactions for tests.

use payment_domain::{
    Audit, BillId, BillPayment, Clock, Currency, GatewayDetails, GatewayName, Money, Payer, Personal, Status,
    SystemClock, TenantId, Transaction, TxnId,
};
use serde_json::Map;

use crate::Order;

/// Where the payer's browser comes back to.
pub const RETURN_URL: &str = "https://pay.example/pg-service/transaction/v1/_redirect?eg_pg_txnid=";
/// Where the gateway reports to.
pub const NOTIFY_URL: &str = "https://pay.example/pg-service/gateway/v1/any/_callback";
/// The service's page that posts the form of an order.
pub const FORM_PAGE: &str = "https://pay.example/pg-service/gateway/v1/_pay?token=0";
/// The tenant's bank account.
pub const BANK_ACCOUNT: &str = "12345678901";

/// A pending transaction of that many rupees, created now.
///
/// # Panics
/// When the id or the amount is none.
pub fn transaction(id: &str, rupees: &str) -> Transaction {
    transaction_of(id, Money::parse(rupees, Currency::INR).unwrap())
}

/// A pending transaction of that amount, created now.
///
/// # Panics
/// When the id is none.
pub fn transaction_of(id: &str, amount: Money) -> Transaction {
    let bill_id = BillId::new("BILL-1").unwrap();
    Transaction {
        id: TxnId::new(id).unwrap(),
        tenant_id: TenantId::new("pb.amritsar").unwrap(),
        amount,
        bill_id: bill_id.clone(),
        module: Some("PT".to_owned()),
        consumer_code: "PT-107-001".to_owned(),
        bills: vec![BillPayment { tax_amount: None, amount_paid: amount, bill_id }],
        product_info: "Property tax".to_owned(),
        gateway: GatewayName::new("ANY"),
        callback_url: Some("https://citizen.example/back".to_owned()),
        redirect_url: None,
        payer: Payer {
            uuid: "0d6b1f4e-0000-4000-8000-000000000001".to_owned(),
            user_name: Personal::new("9876500001"),
            name: Personal::new("Asha Sharma"),
            mobile_number: Personal::new("9876500001"),
            email_id: Some(Personal::new("asha@example.org")),
            tenant_id: "pb".to_owned(),
        },
        status: Status::Pending,
        status_message: "Transaction initiated".to_owned(),
        gateway_details: GatewayDetails::default(),
        audit: Audit {
            created_by: "0d6b1f4e-0000-4000-8000-000000000001".to_owned(),
            created_at: SystemClock.now(),
            modified_by: None,
            modified_at: None,
        },
        additional_details: Map::new(),
        version: 1,
        account: None,
        unknown: None,
    }
}

/// Its order, with unreachable addresses.
pub fn order(txn: &Transaction) -> Order<'_> {
    Order {
        txn,
        return_url: RETURN_URL,
        notify_url: Some(NOTIFY_URL),
        payable_until: txn.audit.created_at.plus(crate::USUAL_SESSION),
        bank_account: Some(BANK_ACCOUNT),
    }
}
