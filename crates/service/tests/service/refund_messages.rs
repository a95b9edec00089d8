//! Text messages about refunds: their content and number.

use payment_digit::embedded::DefaultMessages;
use payment_domain::{EventKind, RefundOutcome, RefundStatus, TxnId};
use payment_gateway::RefundFate;
use payment_service::{
    NotificationPorts, NotificationSettings, Notifications, Notified, NotifyError, UnreadableEvent,
};
use serde_json::{Value, json};

use crate::support::refunds::{approved, at_rest, receipted, requested, stored};
use crate::support::{World, caller, world};

fn notifications(world: &World) -> Notifications {
    let ports = NotificationPorts {
        store: world.store.clone(),
        messages: std::sync::Arc::new(DefaultMessages { with_payment_link: false }),
        bills: None,
        links: None,
        clock: world.clock.clone(),
    };
    Notifications::new(ports, NotificationSettings::default())
}

/// The events of the payment's refunds, oldest first.
async fn events(world: &World, id: &TxnId) -> Vec<Value> {
    let stored = world.store.events_of(id).await.unwrap().into_iter();
    let refunds =
        stored.filter(|stored| matches!(stored.event.kind, EventKind::SaveRefund | EventKind::UpdateRefund));
    refunds.map(|stored| serde_json::from_str(&stored.event.body).unwrap()).collect()
}

async fn messages(world: &World, id: &TxnId) -> Vec<String> {
    let stored = world.store.events_of(id).await.unwrap().into_iter();
    let messages = stored.filter(|stored| stored.event.kind == EventKind::Sms);
    messages
        .map(|stored| {
            let body: Value = serde_json::from_str(&stored.event.body).unwrap();
            assert_eq!(body["mobileNumber"], "9876543210");
            body["message"].as_str().unwrap().to_owned()
        })
        .collect()
}

async fn take(notifications: &Notifications, event: &Value) -> Notified {
    notifications.take(event.to_string().as_bytes()).await.unwrap()
}

async fn sent(world: &World, id: &TxnId) -> payment_domain::Refund {
    world.gateway.refunds_are(RefundFate::Taken);
    let refund = requested(world, id, Some("40")).await;
    approved(world, &refund).await;
    // It is SENT before the gateway has taken it on.
    at_rest(world).await;
    assert_eq!(stored(world, &refund.id).await.status, RefundStatus::Sent);
    refund
}

#[tokio::test]
async fn a_payer_hears_once_that_a_refund_is_under_way_and_once_that_it_is_done() {
    let world = world();
    let notifications = notifications(&world);
    let id = receipted(&world, "B1").await;
    let refund = sent(&world, &id).await;
    let under_way = events(&world, &id).await;
    for event in &under_way {
        let said = take(&notifications, event).await;
        let status = event["Refund"]["refundTxnStatus"].as_str().unwrap();
        // Requests and decisions are overtaken by now, and payers are not informed of them.
        assert_eq!(
            said,
            if status == "PENDING" { Notified::Stored } else { Notified::Overtaken },
            "{status}"
        );
    }
    let pending = under_way.last().unwrap();
    assert_eq!(take(&notifications, pending).await, Notified::Repeated);

    world.gateway.decides_refund(&refund.id, RefundOutcome::Succeeded { amount: Some(refund.amount) });
    world.payments.refunds.update(&refund.id, None, &caller()).await.unwrap();
    assert_eq!(take(&notifications, pending).await, Notified::Overtaken);
    let done = events(&world, &id).await.pop().unwrap();
    assert_eq!(done["Refund"]["gatewayStatusMsg"], "SUCCESS");
    assert_eq!(take(&notifications, &done).await, Notified::Stored);
    assert_eq!(take(&notifications, &done).await, Notified::Repeated);
    let told = messages(&world, &id).await;
    let [under_way, given_back] = &told[..] else { panic!("{told:?}") };
    assert!(under_way.contains("40") && under_way.contains("under way"), "{under_way}");
    assert!(given_back.contains("40") && given_back.contains("given back"), "{given_back}");
    assert!(told.iter().all(|text| text.contains(refund.id.as_str()) && text.contains(id.as_str())));
}

#[tokio::test]
async fn a_failed_announced_refund_sends_a_message_and_a_request_does_not() {
    let world = world();
    let notifications = notifications(&world);
    let id = receipted(&world, "B1").await;
    let asked = requested(&world, &id, Some("1")).await;
    assert_eq!(stored(&world, &asked.id).await.status, RefundStatus::Requested);
    let event = events(&world, &id).await.pop().unwrap();
    assert_eq!(take(&notifications, &event).await, Notified::NotForUs);

    let refund = sent(&world, &id).await;
    world.gateway.decides_refund(&refund.id, RefundOutcome::Failed { reason: "closed".to_owned() });
    world.payments.refunds.update(&refund.id, None, &caller()).await.unwrap();
    let event = events(&world, &id).await.pop().unwrap();
    assert_eq!(take(&notifications, &event).await, Notified::Stored);
    let told = messages(&world, &id).await;
    assert_eq!(told.len(), 1);
    assert!(told[0].contains("did not go through"), "{told:?}");
}

#[tokio::test]
async fn an_event_of_another_is_a_hint_at_most() {
    let world = world();
    let notifications = notifications(&world);
    let id = receipted(&world, "B1").await;
    let refund = sent(&world, &id).await;
    let forged = |refund_id: &str, status: &str, mark: bool| {
        json!({"RequestInfo": {}, "notifyPayer": mark,
            "Refund": {"refundId": refund_id, "refundTxnStatus": status, "refundAmount": "99999.00"}})
    };
    let unmarked = forged(refund.id.as_str(), "PENDING", false);
    assert_eq!(take(&notifications, &unmarked).await, Notified::NotForUs);
    assert_eq!(
        take(&notifications, &forged("RF-9999999999", "SUCCESS", true)).await,
        Notified::NoTransaction
    );
    assert_eq!(take(&notifications, &forged(refund.id.as_str(), "SUCCESS", true)).await, Notified::Overtaken);
    assert_eq!(take(&notifications, &forged(refund.id.as_str(), "PENDING", true)).await, Notified::Stored);
    let told = messages(&world, &id).await;
    assert!(told.len() == 1 && told[0].contains("40") && !told[0].contains("99999"), "{told:?}");

    for unreadable in [r#"{"RequestInfo": {}}"#, r#"{"RequestInfo": {}, "Refund": {}, "notifyPayer": true}"#]
    {
        let error = notifications.take(unreadable.as_bytes()).await.unwrap_err();
        let expected = matches!(
            error,
            NotifyError::Unreadable(UnreadableEvent::NotAnEvent | UnreadableEvent::NotATransaction { .. })
        );
        assert!(expected, "{error:?}");
    }
}
