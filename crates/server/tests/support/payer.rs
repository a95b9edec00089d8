//! An application and its payer, at the sandbox.

use payment_simulator::sandbox::{Choice, Visitor};
use serde_json::{Value, json};

use super::{PATIENCE, http_client};

/// A request to pay a bill.
pub(crate) fn create_request(bill: &str, amount: &str, callback: &str) -> Value {
    let user = json!({"uuid": "u-1", "userName": "asha", "name": "Asha Demo", "mobileNumber": "9876543210",
        "tenantId": "pb", "type": "CITIZEN"});
    let txn = json!({"tenantId": "pb.amritsar", "txnAmount": amount, "billId": bill, "consumerCode": "PT-1",
        "taxAndPayments": [{"billId": bill, "amountPaid": amount}], "productInfo": "Property tax",
        "gateway": "SANDBOX", "callbackUrl": callback,
        "user": {"name": "Asha Demo", "mobileNumber": "9876543210", "tenantId": "pb"}});
    json!({"RequestInfo": {"userInfo": user}, "Transaction": txn})
}

/// Pays at a service.
#[derive(Clone)]
pub(crate) struct Payer {
    url: String,
    http: reqwest::Client,
}

impl Payer {
    pub(crate) fn of(url: &str) -> Payer {
        Payer { url: url.to_owned(), http: http_client() }
    }

    async fn post(&self, path: &str, body: &Value) -> Value {
        let answer = self.http.post(format!("{}{path}", self.url)).json(body).send().await.unwrap();
        let status = answer.status();
        let body: Value = answer.json().await.unwrap();
        assert_eq!(status, 200, "{body}");
        body
    }

    /// A new payment: its id, and where to pay.
    pub(crate) async fn create(&self, bill: &str) -> (String, String) {
        let body = create_request(bill, "100.00", "http://127.0.0.1:1/done");
        let answer = self.post("/transaction/v1/_create", &body).await;
        let text = |name: &str| answer["Transaction"][name].as_str().unwrap().to_owned();
        (text("txnId"), text("redirectUrl"))
    }

    /// Makes a choice at the sandbox's page.
    pub(crate) async fn choose(&self, page: &str, choice: Choice) {
        let visitor = Visitor::new(PATIENCE).unwrap();
        let page = visitor.open(page).await.unwrap();
        visitor.choose(&page, choice).await.unwrap();
    }

    /// The transaction, after a status request.
    pub(crate) async fn update(&self, id: &str) -> Value {
        let body = json!({"RequestInfo": {}});
        self.post(&format!("/transaction/v1/_update?transactionId={id}"), &body).await["Transaction"][0]
            .take()
    }

    /// The transaction as it is stored; null where there is none.
    pub(crate) async fn search(&self, id: &str) -> Value {
        let body = json!({"RequestInfo": {}});
        let found = self.post(&format!("/transaction/v1/_search?txnId={id}"), &body).await;
        found["Transaction"].get(0).cloned().unwrap_or_default()
    }
}
