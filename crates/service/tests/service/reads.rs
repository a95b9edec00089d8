//! The number of times the store is called for one request: each call is a round trip to the database.

use std::collections::BTreeMap;
use std::sync::Arc;

use payment_domain::{GatewayName, TxnId};
use payment_gateway::{Answer, Params};
use payment_service::{Conclusion, Payments, Ports};
use payment_testing::store::ObservedStore;

use crate::support::{World, caller, paid, world};

/// The same service over a store that counts.
fn observed(world: &World) -> (Arc<ObservedStore>, Payments) {
    let store = Arc::new(ObservedStore::new(world.store.clone()));
    let payments = world.with_ports(|ports| Ports { store: store.clone(), ..ports });
    (store, payments)
}

fn signed(id: &TxnId) -> Answer {
    let params = [("fakeOrderId", id.as_str()), ("sign", "good"), ("said", "paid"), ("payment", "FAKE-1")];
    let params = params.map(|(name, value)| (name.to_owned(), value.to_owned()));
    Answer::of_params(Params::new(params.to_vec()))
}

#[tokio::test]
async fn a_transaction_that_is_settled_is_read_once() {
    let world = world();
    let (store, payments) = observed(&world);
    let id = world.pending("B1", "100").await;
    world.gateway.answers(paid("100"));
    payments.settlement.settle(&id, &Answer::default(), &caller()).await.unwrap();
    let calls = [("apply", 2), ("transaction", 1)];
    assert_eq!(store.take_calls(), BTreeMap::from(calls), "the success, and its receipt");
    payments.settlement.settle(&id, &Answer::default(), &caller()).await.unwrap();
    assert_eq!(store.take_calls(), BTreeMap::from([("transaction", 1)]), "it is settled");
}

#[tokio::test]
async fn a_transaction_that_is_called_back_about_is_read_once() {
    let world = world();
    let (store, payments) = observed(&world);
    let id = world.pending("B1", "100").await;
    let gateway = GatewayName::new("FAKE");
    let take = async || payments.callbacks.take(&gateway, &signed(&id), "").await.unwrap();
    assert_eq!(take().await, Conclusion::StillPending);
    assert_eq!(store.take_calls()["transaction"], 1);
    world.gateway.answers(paid("100"));
    assert_eq!(take().await, Conclusion::Settled);
    let calls = [("apply", 2), ("conclude_callback", 1), ("record_callback", 1), ("transaction", 1)];
    assert_eq!(store.take_calls(), BTreeMap::from(calls));
    assert_eq!(take().await, Conclusion::Repeated);
    assert_eq!(store.take_calls(), BTreeMap::from([("record_callback", 1), ("transaction", 1)]));
}
