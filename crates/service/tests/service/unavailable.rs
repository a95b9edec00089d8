//! A gateway that is unavailable: no payer is sent to it, and no payment fails because of it.

use std::time::Duration;

use crate::support::{World, caller, codes, paid, request, world_with};
use payment_domain::{Actor, GatewayName, Status};
use payment_gateway::{Answer, Availability, GatewayError, Params, StartMode};
use payment_service::{Asked, CallbackError, CreateError, GatewayStatus};
use serde_json::json;

const RETRY_AFTER: Duration = Duration::from_secs(17);

fn becomes_unavailable(world: &World) {
    world.gateway.is(Availability::Unavailable { retry_after: RETRY_AFTER });
}

#[tokio::test]
async fn a_create_is_refused_at_once_and_claims_nothing() {
    for start_mode in [StartMode::Offline, StartMode::Network] {
        let world = world_with(start_mode);
        becomes_unavailable(&world);
        let refused = world.create(request(&[("B1", "1")])).await;
        assert!(
            matches!(refused, Err(CreateError::Gateway(GatewayError::Unavailable { retry_after })) if retry_after == RETRY_AFTER)
        );
        assert_eq!((world.claims("B1").await.len(), world.gateway.starts()), (0, 0));
        world.gateway.is(Availability::Available);
        world.pending("B1", "1").await;
    }
}

#[tokio::test]
async fn an_invalid_request_is_refused_for_its_own_reason() {
    let world = world_with(StartMode::Offline);
    becomes_unavailable(&world);
    let mut wrong = request(&[("B1", "1")]);
    wrong.amount = "2".to_owned();
    assert_eq!(codes(world.create(wrong).await), ["TXN_CREATE_INVALID_TXN_AMT"]);
}

#[tokio::test]
async fn nothing_to_pay_needs_no_gateway() {
    let world = world_with(StartMode::Network);
    becomes_unavailable(&world);
    let txn = world.create(request(&[("B1", "0")])).await.unwrap();
    assert_eq!(txn["txnStatus"], json!("SUCCESS"));
}

#[tokio::test]
async fn a_postponed_status_request_never_fails_a_transaction() {
    let world = world_with(StartMode::Offline);
    let id = world.pending("B1", "1").await;
    world.gateway.answers(paid("1"));
    becomes_unavailable(&world);
    world.clock.advance(Duration::from_secs(48 * 3600));
    let settled = world.payments.settlement.settle(&id, &Answer::default(), &caller()).await.unwrap();
    assert_eq!(settled.txn.status, Status::Pending);
    assert!(matches!(settled.asked, Asked::Unavailable { .. }));

    let content = format!("fakeOrderId={id}");
    let params = Params::new(vec![("fakeOrderId".to_owned(), id.to_string())]);
    let callback =
        world.payments.callbacks.take(&GatewayName::new("FAKE"), &Answer::of_params(params), &content).await;
    assert!(matches!(callback, Err(CallbackError::TryAgain)), "the gateway is to call again");
    assert_eq!(world.steps(&id).await, [">PENDING"]);

    world.gateway.is(Availability::Available);
    let settled = world.payments.settlement.settle(&id, &Answer::default(), &caller()).await.unwrap();
    assert!(matches!(settled.txn.status, Status::Success { .. }));
    assert_eq!(settled.txn.audit.modified_by, Some(Actor::user("user-1").id));
}

#[tokio::test]
async fn the_list_of_gateways_says_so() {
    let world = world_with(StartMode::Offline);
    let statuses = |unavailable_for| [GatewayStatus { name: GatewayName::new("FAKE"), unavailable_for }];
    assert_eq!(world.payments.ports.gateways.statuses(), statuses(None));
    becomes_unavailable(&world);
    assert_eq!(world.payments.ports.gateways.statuses(), statuses(Some(RETRY_AFTER)));
    assert_eq!(world.payments.ports.gateways.names(), [GatewayName::new("FAKE")], "it is still offered");
}
