//! Refunds: requested, lost, repeated, refused, late and returned.

use payment_domain::{RefundOutcome, RefundReport};
use payment_simulator::sandbox::RefundState;

use super::*;

const LATE: Duration = Duration::from_secs(20);

fn id(number: u32) -> RefundId {
    RefundId::new(format!("RF-{number:010}")).unwrap()
}

fn paise(minor: i64) -> Money {
    Money::from_minor(minor, Currency::INR).unwrap()
}

fn order<'a>(payment: &'a Transaction, id: &'a RefundId, minor: i64) -> RefundOrder<'a> {
    RefundOrder { payment, id, amount: paise(minor), gateway_refund_id: None, notify_url: None }
}

impl World {
    async fn paid(&self, id: &str) -> Transaction {
        let txn = self.transaction(id);
        let page = self.visitor.open(&self.pay_link(&txn).await).await.unwrap();
        self.visitor.choose(&page, Choice::Pay).await.unwrap();
        txn
    }

    async fn refund(&self, order: &RefundOrder<'_>) -> RefundReport {
        self.adapter.refund(order).await.unwrap()
    }

    async fn refund_status(&self, order: &RefundOrder<'_>) -> RefundOutcome {
        self.adapter.refund_status(order).await.unwrap().outcome
    }

    /// The sum really given back, in paise.
    async fn given_back(&self) -> i64 {
        let refunds = self.simulator.refunds(0, 100).await.unwrap();
        let given = refunds.iter().filter(|refund| refund.state == RefundState::Refunded);
        given.map(|refund| refund.amount_paise).sum()
    }
}

#[tokio::test]
async fn a_repeated_refund_request_moves_money_once() {
    let world = World::new().await;
    let (txn, refund) = (world.paid("T1").await, id(1));
    let order = order(&txn, &refund, 50_000);
    assert_eq!(world.refund_status(&order).await, RefundOutcome::NotFound);
    let done = RefundOutcome::Succeeded { amount: Some(paise(50_000)) };
    for _ in 0..3 {
        let report = world.refund(&order).await;
        assert_eq!(report.outcome, done);
        assert_eq!(report.gateway_refund_id.as_deref(), Some("SBR0000000001"));
    }
    assert_eq!((world.refund_status(&order).await, world.given_back().await), (done, 50_000));
}

#[tokio::test]
async fn a_lost_answer_is_found_by_asking() {
    let world = World::new().await;
    let (txn, refund) = (world.paid("T1").await, id(1));
    let order = order(&txn, &refund, 10_093);
    for _ in 0..2 {
        let error = world.adapter.refund(&order).await.unwrap_err();
        assert!(matches!(error, GatewayError::Unanswered(_)), "{error:?}");
    }
    let done = RefundOutcome::Succeeded { amount: Some(paise(10_093)) };
    assert_eq!((world.refund_status(&order).await, world.given_back().await), (done, 10_093));
}

#[tokio::test]
async fn a_refund_beyond_the_payment_or_of_an_unpaid_order_is_refused() {
    let world = World::new().await;
    let (txn, refunds) = (world.paid("T1").await, [id(1), id(2), id(3)]);
    let outcome = async |payment: &Transaction, id: &RefundId, minor| {
        world.refund(&order(payment, id, minor)).await.outcome.name()
    };
    assert_eq!(outcome(&txn, &refunds[0], 123_400).await, "succeeded");
    assert_eq!(outcome(&txn, &refunds[1], 57).await, "failed");
    assert_eq!(outcome(&txn, &refunds[2], 56).await, "succeeded");
    let unpaid = world.transaction("T2");
    assert_eq!(outcome(&unpaid, &id(4), 1).await, "failed");
    assert_eq!(outcome(&txn, &id(5), 1).await, "failed");
    assert_eq!(world.given_back().await, 123_456);
}

#[tokio::test]
async fn an_id_of_another_refund_or_payment_decides_nothing() {
    let world = World::new().await;
    let (txn, other, refund) = (world.paid("T1").await, world.paid("T2").await, id(1));
    world.refund(&order(&txn, &refund, 100)).await;
    for order in [order(&txn, &refund, 200), order(&other, &refund, 100)] {
        assert_eq!(world.refund(&order).await.outcome.name(), "unclear");
    }
    assert_eq!(world.refund_status(&order(&txn, &refund, 200)).await.name(), "unclear");
    assert_eq!(world.refund_status(&order(&other, &refund, 100)).await, RefundOutcome::NotFound);
    assert_eq!(world.given_back().await, 100);
}

#[tokio::test]
async fn a_refund_is_late_refused_or_returned_as_its_amount_says() {
    let world = World::new().await;
    let txn = world.paid("T1").await;
    for (number, minor, first, last) in
        [(1, 191, "failed", "failed"), (2, 192, "pending", "succeeded"), (3, 194, "succeeded", "failed")]
    {
        let refund = id(number);
        let order = order(&txn, &refund, minor);
        assert_eq!(world.refund(&order).await.outcome.name(), first, "{minor}");
        world.clock.advance(LATE);
        assert_eq!(world.refund_status(&order).await.name(), last, "{minor}");
    }
}

#[tokio::test]
async fn no_wrong_signature_and_no_old_answer_is_read() {
    let world = World::new().await;
    let (txn, refund) = (world.paid("T1").await, id(1));
    let order = order(&txn, &refund, 100);
    let call = refund::status_call(&world.adapter.account, &order, START);
    world.refund(&order).await;
    let body = testing::client().send(&call).await.unwrap().body;
    let read = |account: &SandboxAccount, at, body: &[u8]| refund::report(account, &order, at, body);
    assert!(read(&world.adapter.account, START, &body).is_ok());
    assert!(read(&world.adapter.account, START.plus(LATE), &body).is_err(), "an old answer");
    let mut told: serde_json::Value = serde_json::from_slice(&body).unwrap();
    told["state"] = "REFUSED".into();
    assert!(read(&world.adapter.account, START, told.to_string().as_bytes()).is_err(), "forged");
    for garbage in [&b""[..], b"null", b"{}", b"\xff"] {
        assert!(read(&world.adapter.account, START, garbage).is_err());
    }
}
