//! A payment that is given back: requested by one official, approved by another, and its receipt cancelled.

use std::time::Duration;

use serde_json::{Value, json};

use super::actors::{Actors, Answer};
use super::narrator::{Narrator, Step};
use super::story::{Payment, Telling, said, text};
use crate::failure::Outcome;
use crate::sample::official;

const AMOUNT: &str = "120.00";
/// How often, and how long apart, the application looks whether something has happened.
const LOOKS: usize = 100;
const PAUSE: Duration = Duration::from_millis(200);

pub(super) async fn given_back(actors: &Actors, narrator: &mut Narrator) -> Outcome<Payment> {
    let title = "Refunded: one official asks, another approves, the receipt is cancelled, the bill is free";
    let mut telling = Telling::begin(actors, narrator, "refunded", title)?;
    if let Some((txn_id, page)) = telling.come_to_the_page(AMOUNT).await? {
        telling.pay(&txn_id, &page).await?;
        if let Some(refund) = telling.ask_for_it(&txn_id).await? {
            telling.approve_it(&refund).await?;
            telling.watch_it(&refund).await?;
            telling.pay_again(AMOUNT).await?;
        }
    }
    Ok(telling.payment)
}

/// The maker may approve the requests of others, too.
fn maker() -> Value {
    let mut info = official("b2f0a9c4-5d11-4c53-8a44-0c53a7f0a001", "Meera Maker", "PG_REFUND_MAKER");
    let checks = json!({ "code": "PG_REFUND_CHECKER", "tenantId": "pb.amritsar" });
    if let Some(roles) = info["userInfo"]["roles"].as_array_mut() {
        roles.push(checks);
    }
    info
}

fn checker() -> Value {
    official("b2f0a9c4-5d11-4c53-8a44-0c53a7f0a002", "Charan Checker", "PG_REFUND_CHECKER")
}

/// A refund that was requested.
struct Requested {
    id: String,
    version: Value,
}

fn refund_said(answer: &Answer) -> String {
    match text(answer.refund(), "refundTxnStatus") {
        Some(status) => format!("{}, {status}", answer.status),
        None => said(answer),
    }
}

impl Telling<'_> {
    async fn ask_for_it(&mut self, txn_id: &str) -> Outcome<Option<Requested>> {
        let refund = json!({
            "tenantId": "pb.amritsar",
            "originalTxnId": txn_id,
            "refundAmount": AMOUNT,
            "reasonCode": "DUPLICATE",
            "reason": "the tax was paid at the counter before",
        });
        let body = json!({ "RequestInfo": maker(), "Refund": refund });
        let answer = self.actors.refund("_create", &body).await?;
        let refund = answer.refund();
        let id = text(refund, "refundId");
        let as_promised =
            answer.status == 200 && text(refund, "refundTxnStatus").as_deref() == Some("INITIATED");
        self.step(
            Step::new("maker", "POST /refund/v1/_create", &refund_said(&answer))
                .with("refundId", id.as_deref().unwrap_or_default())
                .with("amount", AMOUNT)
                .promised("200, INITIATED: no money moves", as_promised),
        )?;
        self.payment.refund_id.clone_from(&id);
        Ok(id.map(|id| Requested { id, version: refund["version"].clone() }))
    }

    async fn approve_it(&mut self, refund: &Requested) -> Outcome {
        let decision = json!({ "refundId": refund.id, "version": refund.version });
        let own =
            self.actors.refund("_approve", &json!({ "RequestInfo": maker(), "Refund": decision })).await?;
        let as_promised = own.status == 403 && own.error_code() == Some("REFUND_SAME_USER");
        self.step(
            Step::new("maker", "POST /refund/v1/_approve", &refund_said(&own))
                .promised("403, REFUND_SAME_USER: two people, always", as_promised),
        )?;
        let body = json!({ "RequestInfo": checker(), "Refund": decision });
        let answer = self.actors.refund("_approve", &body).await?;
        self.step(
            Step::new("checker", "POST /refund/v1/_approve", &refund_said(&answer))
                .promised("200", answer.status == 200),
        )
    }

    /// The gateway gives the money back, then the service has the receipt cancelled.
    async fn watch_it(&mut self, refund: &Requested) -> Outcome {
        let body = json!({ "RequestInfo": maker() });
        let path = format!("_update?refundId={}", refund.id);
        let answer = self.until(&path, &body, "refundTxnStatus", "SUCCESS").await?;
        let status = text(answer.refund(), "refundTxnStatus");
        let succeeded = status.as_deref() == Some("SUCCESS");
        self.step(
            Step::new("application", "POST /refund/v1/_update", &refund_said(&answer))
                .promised("200, SUCCESS: the money is given back", succeeded),
        )?;
        self.payment.refund_status = status;
        let path = format!("_search?tenantId=pb.amritsar&refundId={}", refund.id);
        let answer = self.until(&path, &body, "receiptStatus", "CANCELLED").await?;
        let receipt = text(answer.refund(), "receiptStatus").unwrap_or_else(|| refund_said(&answer));
        self.step(Step::new("service", "receipt", &receipt).promised("CANCELLED", receipt == "CANCELLED"))
    }

    /// The latest answer, once the refund's member has that value, or after a while.
    async fn until(&self, path: &str, body: &Value, member: &str, value: &str) -> Outcome<Answer> {
        let mut answer = self.actors.refund(path, body).await?;
        for _ in 0..LOOKS {
            if answer.status != 200 || answer.refund()[member] == value {
                break;
            }
            tokio::time::sleep(PAUSE).await;
            answer = self.actors.refund(path, body).await?;
        }
        Ok(answer)
    }

    async fn pay_again(&mut self, amount: &str) -> Outcome {
        let request = self.actors.create_request(&self.bill, amount);
        let answer = self.actors.create(&request).await?;
        let status = text(answer.transaction(), "txnStatus");
        let as_promised = answer.status == 200 && status.as_deref() == Some("PENDING");
        self.step(
            Step::new("application", "POST /transaction/v1/_create, the same bill", &said(&answer))
                .promised("200, PENDING: it can be paid again", as_promised),
        )
    }
}
