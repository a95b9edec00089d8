//! The application and the citizen: what they send, and what they are answered.

use std::time::Duration;

use serde_json::{Value, json};

use super::citizen::Citizen;
use super::stage::Gateway;
use crate::failure::{Failure, Outcome};

/// How long one step may take.
const STEP: Duration = Duration::from_secs(30);

/// Where the service is, and what this run calls its bills.
#[derive(Debug, Clone)]
pub(super) struct World {
    url: String,
    run: String,
    /// Where the citizen pays.
    pub(super) gateway: Gateway,
}

impl World {
    pub(super) fn new(url: &str, gateway: Gateway) -> World {
        // A run must not meet the bills of the one before.
        let run = uuid::Uuid::new_v4().simple().to_string();
        World { url: url.to_owned(), run: run.chars().take(8).collect(), gateway }
    }

    /// A bill that nobody has paid yet.
    pub(super) fn bill(&self, name: &str) -> String {
        format!("DEMO-{}-{name}", self.run)
    }
}

/// What the service answered.
pub(super) struct Answer {
    pub(super) status: u16,
    pub(super) body: Value,
}

impl Answer {
    /// The transaction in it, wherever the endpoint puts it.
    pub(super) fn transaction(&self) -> &Value {
        let transaction = &self.body["Transaction"];
        transaction.as_array().map_or(transaction, |found| found.first().unwrap_or(&Value::Null))
    }

    /// The code of the first error in it.
    pub(super) fn error_code(&self) -> Option<&str> {
        self.body["Errors"][0]["code"].as_str()
    }
}

/// The application, and the citizen with a browser.
pub(super) struct Actors {
    pub(super) world: World,
    pub(super) citizen: Citizen,
    http: reqwest::Client,
}

impl Actors {
    pub(super) fn new(world: World) -> Outcome<Actors> {
        let citizen = Citizen::new(world.gateway, STEP)?;
        let http = reqwest::Client::builder()
            .timeout(STEP)
            .redirect(reqwest::redirect::Policy::none())
            .build()
            .map_err(|error| Failure::new("no HTTP client can be made").because(&error))?;
        Ok(Actors { world, http, citizen })
    }

    /// Sees to it that somebody is there, and that the gateway is offered.
    pub(super) async fn check_service(&self) -> Outcome {
        let advice = "name the address with its context path, e.g. --url http://127.0.0.1:9000/pg-service";
        let gateways = self.post("/gateway/v1/_search", &json!({})).await?;
        let Some(names) = gateways.body.as_array() else {
            let url = &self.world.url;
            return Err(Failure::new(format!("{url} is not this service (HTTP status {})", gateways.status))
                .try_this(advice));
        };
        let wanted = self.world.gateway.name();
        if !names.iter().any(|name| name == wanted) {
            return Err(Failure::new(format!("the gateway {wanted} is not active there"))
                .try_this("run `pg-service demo` without --url, or set sandbox.active=true there"));
        }
        Ok(())
    }

    /// What the application sends for a bill of that amount.
    pub(super) fn create_request(&self, bill: &str, amount: &str) -> Value {
        let mut request = create_request(&self.world.url, bill, amount);
        request["Transaction"]["gateway"] = json!(self.world.gateway.name());
        request
    }

    /// The application creates a transaction.
    pub(super) async fn create(&self, request: &Value) -> Outcome<Answer> {
        self.post("/transaction/v1/_create", request).await
    }

    /// The web client brings the transaction's id back, as it does when the payer returns.
    pub(super) async fn update(&self, txn_id: &str) -> Outcome<Answer> {
        let path = format!("/transaction/v1/_update?transactionId={txn_id}");
        self.post(&path, &json!({ "RequestInfo": request_info() })).await
    }

    /// The application looks a transaction up.
    pub(super) async fn search(&self, txn_id: &str) -> Outcome<Answer> {
        let path = format!("/transaction/v1/_search?txnId={txn_id}");
        self.post(&path, &json!({ "RequestInfo": request_info() })).await
    }

    async fn post(&self, path: &str, body: &Value) -> Outcome<Answer> {
        let url = format!("{}{path}", self.world.url);
        let unreachable = |error: reqwest::Error| {
            Failure::new(format!("{} does not answer", self.world.url))
                .because(&error.without_url())
                .try_this("check that the service runs, and the address behind --url")
        };
        let response = self.http.post(&url).json(body).send().await.map_err(unreachable)?;
        let status = response.status().as_u16();
        let text = response.text().await.map_err(unreachable)?;
        Ok(Answer { status, body: serde_json::from_str(&text).unwrap_or(Value::Null) })
    }
}

/// Who asks: a citizen of a tenant, made up.
fn request_info() -> Value {
    json!({
        "apiId": "Rainmaker",
        "ver": ".01",
        "ts": "",
        "action": "_create",
        "did": "1",
        "key": "",
        "msgId": "20170310130900|en_IN",
        "authToken": "demo",
        "userInfo": {
            "id": 1,
            "uuid": "7f4d3a52-0c1e-4a57-9d53-1d6f0c2b9a10",
            "userName": "9876543210",
            "name": "Asha Demo",
            "type": "CITIZEN",
            "mobileNumber": "9876543210",
            "tenantId": "pb",
            "roles": [{ "name": "Citizen", "code": "CITIZEN", "tenantId": "pb" }],
        },
    })
}

/// A request to create a transaction that comes back to the sandbox's own return page.
pub(crate) fn create_request(url: &str, bill: &str, amount: &str) -> Value {
    json!({
        "RequestInfo": request_info(),
        "Transaction": {
            "tenantId": "pb.amritsar",
            "txnAmount": amount,
            "module": "PT",
            "billId": bill,
            "consumerCode": "PT-107-001330",
            "productInfo": "Property tax",
            "gateway": "SANDBOX",
            "callbackUrl": format!("{url}/sandbox/return"),
            "taxAndPayments": [{ "taxAmount": amount, "amountPaid": amount, "billId": bill }],
            "user": {
                "name": "Asha Demo",
                "mobileNumber": "9876543210",
                "tenantId": "pb",
                "emailId": null,
                "userName": "9876543210",
                "uuid": "7f4d3a52-0c1e-4a57-9d53-1d6f0c2b9a10",
            },
            "additionalDetails": { "isWhatsapp": false },
        },
    })
}
