//! What the adapters' tests share: a transaction, and a client that does not wait long.

use std::time::Duration;

use payment_domain::{
    Audit, BillId, BillPayment, GatewayDetails, GatewayName, Money, Payer, Personal, Status, TenantId,
    Timestamp, Transaction, TxnId,
};
use serde_json::Map;

use crate::client::{Client, Limits};

/// A pending transaction of that many rupees.
pub(crate) fn transaction(id: &str, rupees: &str) -> Transaction {
    let amount = Money::parse(rupees).unwrap();
    let bill_id = BillId::new("BILL-1").unwrap();
    Transaction {
        id: TxnId::new(id).unwrap(),
        tenant_id: TenantId::new("pb.amritsar").unwrap(),
        amount,
        bill_id: bill_id.clone(),
        module: Some("PT".to_owned()),
        consumer_code: "PT-107-001".to_owned(),
        bills: vec![BillPayment { tax_amount: None, amount_paid: amount, bill_id }],
        product_info: "Property Tax & Water + Sewer = 2".to_owned(),
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
            created_by: "test".to_owned(),
            created_at: Timestamp::from_millis(0),
            modified_by: None,
            modified_at: None,
        },
        additional_details: Map::new(),
        version: 1,
    }
}

/// A client that gives up after a quarter of a second and reads no more than 4 KiB.
pub(crate) fn impatient_client() -> Client {
    Client::new(Limits {
        connect_timeout: Duration::from_millis(200),
        total_timeout: Duration::from_millis(250),
        max_body_bytes: 4096,
    })
    .unwrap()
}
