//! The application and the citizen: their requests, and the answers.

use std::time::Duration;

use payment_http_client::{Body, Call, Client, Limits, Method};
use serde_json::{Value, json};

use super::citizen::Citizen;
use crate::cli::DemoGateway;
use crate::failure::{Failure, Outcome};
use crate::sample::{create_request, request_info};

/// Time limit of one step.
const STEP: Duration = Duration::from_secs(30);

/// The address of the service, and the bill numbers of this run.
#[derive(Debug, Clone)]
pub(super) struct World {
    url: String,
    run: String,
    pub(super) gateway: DemoGateway,
}

impl World {
    pub(super) fn new(url: &str, gateway: DemoGateway) -> World {
        // A run must not meet the bills of the one before.
        let run = uuid::Uuid::new_v4().simple().to_string();
        World { url: url.to_owned(), run: run.chars().take(8).collect(), gateway }
    }

    /// An unpaid bill.
    pub(super) fn bill(&self, name: &str) -> String {
        format!("DEMO-{}-{name}", self.run)
    }
}

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

    /// The refund in it, wherever the endpoint puts it.
    pub(super) fn refund(&self) -> &Value {
        let refund = &self.body["Refund"];
        refund.as_array().map_or(refund, |found| found.first().unwrap_or(&Value::Null))
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
    http: Client,
}

impl Actors {
    pub(super) fn new(world: World) -> Outcome<Actors> {
        let citizen = Citizen::new(STEP)?;
        let limits = Limits { total_timeout: STEP, ..Limits::default() };
        let http = Client::new(limits)
            .map_err(|error| Failure::new("no HTTP client can be made").because(error.as_ref()))?;
        Ok(Actors { world, http, citizen })
    }

    /// Checks that the service answers and offers the gateway.
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

    /// The application's request for a bill of that amount.
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

    /// A request about refunds, with its parameters.
    pub(super) async fn refund(&self, path: &str, body: &Value) -> Outcome<Answer> {
        self.post(&format!("/refund/v1/{path}"), body).await
    }

    async fn post(&self, path: &str, body: &Value) -> Outcome<Answer> {
        let url = format!("{}{path}", self.world.url);
        let body = Body::Json(body.to_string());
        let call = Call { method: Method::POST, url, headers: Vec::new(), body };
        let reply = self.http.send(&call).await.map_err(|error| {
            Failure::new(format!("{} does not answer", self.world.url))
                .because(&error)
                .try_this("check that the service runs, and the address behind --url")
        })?;
        Ok(Answer { status: reply.status, body: serde_json::from_slice(&reply.body).unwrap_or(Value::Null) })
    }
}
