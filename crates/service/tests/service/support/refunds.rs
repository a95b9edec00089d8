//! Refunds by a maker and a checker.

use std::time::Duration;

use payment_domain::{Personal, Principal, Refund, RefundId, RefundStatus, Role, TenantId, TxnId};
use payment_service::{Identity, RefundDecisionRequest, RefundRequest};
use serde_json::Map;

use super::{MINUTE, World, paid};

fn person(uuid: &str, role: Role) -> Principal {
    let tenant = TenantId::new("pb").unwrap();
    Principal { uuid: uuid.to_owned(), role, tenant, address: None }
}

pub(crate) async fn requested(world: &World, id: &TxnId, amount: Option<&str>) -> Refund {
    let request = RefundRequest {
        txn_id: id.clone(),
        amount: amount.map(|text| serde_json::value::to_raw_value(text).unwrap()),
        amount_available: None,
        reason_code: "DUPLICATE".to_owned(),
        reason: Some(Personal::new("paid twice")),
        case: None,
        additional_details: Map::new(),
        key: None,
        trusted: false,
    };
    let maker = person("maker-1", Role::RefundMaker);
    world.payments.refunds.request(request, &maker, &Identity::system("maker-1")).await.unwrap()
}

pub(crate) async fn approved(world: &World, refund: &Refund) {
    let decision = RefundDecisionRequest { id: refund.id.clone(), version: refund.version, comment: None };
    let checker = person("checker-1", Role::RefundChecker);
    world.payments.refunds.approve(decision, &checker, &Identity::system("checker-1")).await.unwrap();
}

/// Waits until the work that approvals began has come to an end.
pub(crate) async fn at_rest(world: &World) {
    let tasks = &world.payments.ports.tasks;
    tasks.close();
    tokio::time::timeout(MINUTE, tasks.wait()).await.unwrap();
    tasks.reopen();
}

pub(crate) async fn reaches(world: &World, id: &RefundId, status: RefundStatus) {
    for _ in 0..500 {
        if stored(world, id).await.status == status {
            return;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    panic!("{:?}", stored(world, id).await);
}

/// A refund that has succeeded, of all that was paid or of a part.
pub(crate) async fn given_back(world: &World, id: &TxnId, amount: Option<&str>) -> Refund {
    let refund = requested(world, id, amount).await;
    approved(world, &refund).await;
    reaches(world, &refund.id, RefundStatus::Succeeded).await;
    refund
}

pub(crate) async fn stored(world: &World, id: &RefundId) -> Refund {
    world.store.refund(id, None).await.unwrap().unwrap()
}

/// A payment of 100 rupees with its receipt.
pub(crate) async fn receipted(world: &World, bill: &str) -> TxnId {
    let id = world.pending(bill, "100").await;
    world.gateway.answers(paid("100"));
    assert!(world.settle(&id).await.receipt().is_some());
    id
}
