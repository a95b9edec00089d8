//! Payments in other currencies than the rupee: never mixed, and never registered with a service that knows
//! rupees alone.

use std::sync::Arc;
use std::time::Duration;

use crate::support::{World, codes, request, request_in, world, world_with};
use payment_domain::{AttentionKind, Currency, EventKind, Money, Outcome, Status, TxnId};
use payment_gateway::{Currencies, FakeGateway, Gateway, StartMode};
use payment_service::{CreateError, Gateways, Ports, ReceiptTally};
use payment_store::AttentionQuery;
use serde_json::{Value, json};

fn currency(code: &str) -> Currency {
    Currency::from_code(code).unwrap()
}

fn paid_in(code: &str, amount: &str) -> Outcome {
    Outcome::Paid { amount: Some(Money::parse(amount, currency(code)).unwrap()) }
}

async fn pending(world: &World, code: &str, bill: &str, amount: &str) -> TxnId {
    let txn = world.create(request_in(code, bill, amount)).await.unwrap();
    assert_eq!((txn["txnStatus"].as_str(), txn["currency"].as_str()), (Some("PENDING"), Some(code)));
    TxnId::new(txn["txnId"].as_str().unwrap()).unwrap()
}

fn messages(refused: Result<Value, CreateError>) -> Vec<String> {
    match refused {
        Err(CreateError::Refused(refusals)) => refusals.into_iter().map(|refusal| refusal.message).collect(),
        other => panic!("expected a refusal, got {other:?}"),
    }
}

#[tokio::test]
async fn a_payment_is_made_in_its_currency_and_gets_its_receipt() {
    for start_mode in [StartMode::Offline, StartMode::Network] {
        let world = world_with(start_mode);
        for (code, amount, minor) in [("USD", "15.50", 1_550), ("JPY", "1500", 1_500)] {
            let id = pending(&world, code, code, amount).await;
            world.gateway.answers(paid_in(code, amount));
            let txn = world.settle(&id).await;
            assert_eq!(txn.status, Status::Success { receipt: Some(format!("R-{id}-{code}")) });
            assert_eq!((txn.amount.currency(), txn.amount.minor()), (currency(code), minor));
            assert_eq!(txn.bills[0].amount_paid, txn.amount);
            for stored in world.store.events_of(&id).await.unwrap() {
                let body: Value = serde_json::from_str(&stored.event.body).unwrap();
                if matches!(stored.event.kind, EventKind::SaveTransaction | EventKind::UpdateTransaction) {
                    assert_eq!(body["Transaction"]["currency"], code, "{body}");
                }
            }
        }
    }
}

#[tokio::test]
async fn as_many_units_of_another_currency_are_another_amount() {
    let world = world();
    for (asked, taken) in [("USD", "INR"), ("INR", "USD"), ("JPY", "KRW")] {
        let id = match asked {
            "INR" => world.pending(asked, "1500").await,
            _ => pending(&world, asked, asked, "1500").await,
        };
        world.gateway.answers(paid_in(taken, "1500"));
        assert_eq!(world.settle(&id).await.status, Status::Failure, "{asked} {taken}");
        let why = world.store.history(&id).await.unwrap().last().unwrap().why.clone();
        assert_eq!(why.contains(taken), taken != "INR", "{why}");
    }
    assert_eq!(world.collections.creates(), 0);
}

#[tokio::test]
async fn nothing_to_pay_is_a_success_in_every_currency() {
    let world = world();
    for code in ["USD", "JPY"] {
        let txn = world.create(request_in(code, code, "0")).await.unwrap();
        assert_eq!((txn["txnStatus"].as_str(), txn["currency"].as_str()), (Some("SUCCESS"), Some(code)));
        assert!(txn["receipt"].is_string());
    }
}

#[tokio::test]
async fn an_amount_has_the_decimals_of_its_currency() {
    let world = world();
    assert_eq!(codes(world.create(request_in("JPY", "B1", "100.5")).await), ["INVALID_TXN_AMOUNT"; 2]);
    let txn = world.create(request_in("JPY", "B1", "100")).await.unwrap();
    assert_eq!((&txn["txnAmount"], &txn["taxAndPayments"][0]["amountPaid"]), (&json!("100"), &json!(100)));
}

#[tokio::test]
async fn an_unsupported_currency_is_refused_before_any_call() {
    let world = world();
    let taking = |currencies| {
        let gateway = FakeGateway::new("FAKE", StartMode::Network).that_takes(currencies);
        let gateways = Gateways::new([Arc::new(gateway) as Arc<dyn Gateway>]);
        world.with_ports(|ports| Ports { gateways, ..ports }).creation
    };
    let create = async |currencies, code, amount: &str| {
        let created = taking(currencies).create(request_in(code, "B1", amount)).await;
        created.map(|created| serde_json::from_str::<Value>(created.json.get()).unwrap())
    };
    for amount in ["15", "0"] {
        let refused = create(Currencies::RUPEES, "USD", amount).await;
        assert_eq!(messages(refused), ["FAKE takes INR, not USD"]);
        let several = Currencies::Only(vec![currency("USD"), currency("EUR")].into());
        let refused = create(several.clone(), "INR", amount).await;
        assert_eq!(messages(refused), ["FAKE takes USD, EUR, not INR"]);
        assert_eq!(codes(create(several, "JPY", amount).await), ["CURRENCY_NOT_SUPPORTED"]);
    }
    assert_eq!(world.claims("B1").await, []);
}

#[tokio::test]
async fn without_a_register_for_its_currency_no_payment_begins() {
    let world = world();
    world.collections.takes_rupees_only();
    for amount in ["15", "0"] {
        let refused = world.create(request_in("USD", "B1", amount)).await;
        assert_eq!(messages(refused), ["The collection service issues no receipts for payments in USD"]);
    }
    assert_eq!((world.collections.creates(), world.gateway.starts()), (0, 0));
    world.pending("B1", "15").await;
}

/// The payment began while the service had a register of its own.
#[tokio::test]
async fn a_receipt_that_the_collection_service_cannot_issue_is_reviewed_without_a_call() {
    let world = world();
    let id = pending(&world, "USD", "B1", "15").await;
    world.collections.takes_rupees_only();
    world.gateway.answers(paid_in("USD", "15"));
    assert_eq!(world.settle(&id).await.status, Status::Success { receipt: None });
    world.clock.advance(Duration::from_secs(600));
    let tally = world.payments.receipts.tick().await.unwrap();
    assert_eq!(tally, ReceiptTally { issued: 0, cancelled: 0, postponed: 1 });
    assert_eq!((world.collections.creates(), world.collections.finds()), (0, 0));
    let kind = Some(AttentionKind::ReceiptRefused);
    let query = AttentionQuery { kind, limit: 9, ..AttentionQuery::default() };
    let cases = world.store.attention_cases(&query).await.unwrap();
    let evidence: Vec<_> = cases.iter().map(|case| (&case.case.txn_id, &case.case.evidence)).collect();
    let expected = json!({"error":
        "CURRENCY_NOT_SUPPORTED: The collection service issues no receipts for payments in USD"});
    assert_eq!(evidence, [(&id, &expected)]);
}

#[tokio::test]
async fn a_request_in_another_currency_is_no_repetition() {
    let world = world();
    pending(&world, "USD", "B1", "100").await;
    world.clock.advance(Duration::from_secs(10));
    assert_eq!(codes(world.create(request(&[("B1", "100")])).await), ["TXN_ABRUPTLY_DISCARDED"]);
    let again = world.payments.creation.create(request_in("USD", "B1", "100.00")).await.unwrap();
    assert!(again.reused);
    let view: Value = serde_json::from_str(again.json.get()).unwrap();
    assert_eq!(view["currency"], "USD");
}
