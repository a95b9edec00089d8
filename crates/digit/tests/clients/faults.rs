//! Every call of every client, with every fault.

use std::sync::Arc;

use payment_digit::{
    BankAccounts, Bills, Cancellation, Collections, DigitError, Links, Messages, Payers, Tokens,
    TransactionIds,
};
use payment_simulator::digit::{Endpoint, Fault};
use serde_json::json;
use tokio::task::JoinSet;

use crate::world::{
    Clients, ErrorKind, PASSWORD, World, bill, employee, first_registered, hurried, info, kind_of, log_in,
    payer, payment, tenant, txn,
};

/// An error body as the services send it.
const ERROR_BODY: &str = r#"{"ResponseInfo": null, "Errors": [{"code": "X", "message": "no, Asha Rani"}]}"#;

/// A call that ends at that endpoint, as its caller's result: `None` for nothing.
async fn call(clients: &Clients, endpoint: Endpoint) -> Result<Option<String>, DigitError> {
    let (info, tenant) = (info(), tenant());
    match endpoint {
        Endpoint::Ids => Ok(Some(clients.ids.next(&info, &tenant).await?.as_str().to_owned())),
        Endpoint::ValidatePayment => {
            clients.collections.validate(&info, &payment(None, &[("B1", "10")])).await?;
            Ok(Some("valid".to_owned()))
        }
        Endpoint::CreatePayment => {
            let receipts = clients.collections.create(&info, &payment(Some("T1"), &[("B1", "10")])).await?;
            Ok(receipts.0.first().cloned())
        }
        Endpoint::SearchPayments => {
            let found = clients.collections.find(&info, &tenant, &txn("T0")).await?;
            Ok(found.and_then(|found| found.receipts.0.first().cloned()))
        }
        Endpoint::CancelPayment => {
            let (payment, number) = (first_registered(), txn("T0"));
            let cancellation = Cancellation {
                tenant: &tenant,
                transaction_number: &number,
                payment: &payment,
                reason: "refund R-1",
            };
            clients.collections.cancel(&info, &cancellation).await?;
            Ok(Some("cancelled".to_owned()))
        }
        Endpoint::SearchUsers | Endpoint::CreateUser => {
            Ok(Some(clients.users.find_or_create(&info, &payer("Asha Rani")).await?.uuid))
        }
        Endpoint::UserDetails => {
            let user = clients.tokens.user_of("token-0").await?;
            Ok(user.map(|user| info.with_user(&user).user("uuid").unwrap().into_owned()))
        }
        Endpoint::LogIn => log_in(clients, PASSWORD).await,
        Endpoint::BankAccounts => Ok(Some(clients.bank_accounts.account_number(&info, &tenant).await?)),
        Endpoint::Bills => clients.bills.business_service(&info, &tenant, &bill("B1")).await,
        Endpoint::Messages => clients.messages.text(&info, &tenant, "en_IN", "PG_NOTIFICATION_SUCCESS").await,
        Endpoint::Links => Ok(Some(clients.links.shorten("https://long.example/pay?x=1").await?)),
    }
}

/// Whether a call is read-only, so that it may be repeated.
fn asks(endpoint: Endpoint) -> bool {
    match endpoint {
        Endpoint::ValidatePayment
        | Endpoint::SearchPayments
        | Endpoint::SearchUsers
        | Endpoint::UserDetails
        | Endpoint::BankAccounts
        | Endpoint::Bills
        | Endpoint::Messages => true,
        Endpoint::Ids
        | Endpoint::CreatePayment
        | Endpoint::CancelPayment
        | Endpoint::CreateUser
        | Endpoint::LogIn
        | Endpoint::Links => false,
    }
}

/// All but the registration of a payer, which is looked up again when it went wrong.
fn endpoints() -> impl Iterator<Item = Endpoint> {
    Endpoint::ALL.into_iter().filter(|endpoint| *endpoint != Endpoint::CreateUser)
}

/// Endpoints whose refusals are errors; a refused token has no owner, a refused password no token.
fn refusing() -> impl Iterator<Item = Endpoint> {
    endpoints().filter(|endpoint| !matches!(endpoint, Endpoint::UserDetails | Endpoint::LogIn))
}

/// A world with a result for every look-up.
async fn furnished() -> World {
    let world = World::new().await;
    world.clients.collections.create(&info(), &payment(Some("T0"), &[("B0", "1")])).await.unwrap();
    world.digit.enter_employee(PASSWORD, employee());
    world.digit.log_in("token-0", json!({"uuid": "u-1", "type": "CITIZEN"}));
    world
}

#[tokio::test]
async fn every_call_is_answered_when_nothing_goes_wrong() {
    let world = furnished().await;
    for endpoint in Endpoint::ALL {
        let before = world.digit.count(endpoint);
        assert!(call(&world.clients, endpoint).await.unwrap().is_some(), "{endpoint:?}");
        if endpoint != Endpoint::CreateUser {
            assert_eq!(world.digit.count(endpoint), before + 1, "{endpoint:?}");
        }
    }
}

#[tokio::test]
async fn a_missing_answer_is_unclear_and_only_reads_are_repeated() {
    let mut trials = JoinSet::new();
    for fault in [Fault::Status500, Fault::CutBeforeWork, Fault::CutAfterWork, Fault::Garbage] {
        let world = Arc::new(World::new().await);
        for endpoint in endpoints() {
            let (world, fault) = (world.clone(), fault.clone());
            trials.spawn(async move {
                world.digit.set_fault(endpoint, fault.clone());
                let answer = call(&world.clients, endpoint).await;
                assert_eq!(answer.map_err(kind_of), Err(ErrorKind::Unanswered), "{endpoint:?} {fault:?}");
                let times = if asks(endpoint) { 3 } else { 1 };
                assert_eq!(world.digit.count(endpoint), times, "{endpoint:?} {fault:?}");
            });
        }
    }
    trials.join_all().await;
}

#[tokio::test]
async fn a_question_survives_two_failures() {
    let world = Arc::new(furnished().await);
    let mut trials = JoinSet::new();
    for endpoint in endpoints().filter(|endpoint| asks(*endpoint)) {
        let world = world.clone();
        trials.spawn(async move {
            world.digit.set_fault_for(endpoint, Fault::Status500, 2);
            assert!(call(&world.clients, endpoint).await.unwrap().is_some(), "{endpoint:?}");
            assert_eq!(world.digit.count(endpoint), 3, "{endpoint:?}");
        });
    }
    trials.join_all().await;
}

#[tokio::test]
async fn a_late_answer_is_unclear_and_one_time_limit_covers_all_attempts() {
    let world = Arc::new(World::with(hurried()).await);
    let mut trials = JoinSet::new();
    for endpoint in endpoints() {
        let world = world.clone();
        trials.spawn(async move {
            world.digit.set_fault(endpoint, Fault::Slow { ms: 60_000 });
            let answer = call(&world.clients, endpoint).await;
            assert_eq!(answer.map_err(kind_of), Err(ErrorKind::Unanswered), "{endpoint:?}");
            assert_eq!(world.digit.count(endpoint), 1, "{endpoint:?}");
        });
    }
    trials.join_all().await;
}

#[tokio::test]
async fn an_error_body_is_passed_on_as_it_came_and_nothing_is_repeated() {
    for status in [400, 401, 404, 422] {
        let world = World::new().await;
        for endpoint in refusing() {
            world.digit.set_fault(endpoint, Fault::Refuse4xx { status, body: ERROR_BODY.to_owned() });
            let answer = call(&world.clients, endpoint).await;
            assert_eq!(
                answer.map_err(kind_of),
                Err(ErrorKind::Refused(ERROR_BODY.to_owned())),
                "{endpoint:?}"
            );
            assert_eq!(world.digit.count(endpoint), 1, "{endpoint:?}");
        }
    }
}

#[tokio::test]
async fn a_refusal_without_an_error_body_has_our_message() {
    let spring = r#"{"timestamp":1,"status":404,"error":"Not Found","path":"/user/_search"}"#;
    for body in ["", "<html>403 Forbidden</html>", spring] {
        let world = World::new().await;
        for endpoint in refusing() {
            world.digit.set_fault(endpoint, Fault::Refuse4xx { status: 404, body: body.to_owned() });
            let code = match endpoint {
                Endpoint::Ids => "IDGEN_ERROR",
                Endpoint::ValidatePayment => "PAYMENT_VALIDATION_FAILED",
                Endpoint::CreatePayment => "PAYMENT_REGISTRATION_FAILED",
                Endpoint::SearchPayments => "PAYMENT_SEARCH_FAILED",
                Endpoint::CancelPayment => "RECEIPT_CANCELLATION_FAILED",
                Endpoint::SearchUsers | Endpoint::CreateUser => "USER_SEARCH_FAILED",
                Endpoint::UserDetails | Endpoint::LogIn => unreachable!("a refusal is an answer"),
                Endpoint::BankAccounts => "BANK_ACCOUNT_FETCH_ERROR",
                Endpoint::Bills => "BILL_SEARCH_FAILED",
                Endpoint::Messages => "MESSAGE_SEARCH_FAILED",
                Endpoint::Links => "URL_SHORTENING_FAILED",
            };
            assert_eq!(
                call(&world.clients, endpoint).await.map_err(kind_of),
                Err(ErrorKind::Ours(code)),
                "{endpoint:?}"
            );
        }
    }
}

#[tokio::test]
async fn too_many_requests_is_trouble_and_no_refusal() {
    let mut trials = JoinSet::new();
    for status in [408, 429] {
        let world = Arc::new(World::new().await);
        for endpoint in endpoints() {
            let world = world.clone();
            trials.spawn(async move {
                world.digit.set_fault(endpoint, Fault::Refuse4xx { status, body: ERROR_BODY.to_owned() });
                let answer = call(&world.clients, endpoint).await;
                assert_eq!(answer.map_err(kind_of), Err(ErrorKind::Unanswered), "{endpoint:?} {status}");
            });
        }
    }
    trials.join_all().await;
}

#[tokio::test]
async fn an_empty_list_means_what_the_contract_says() {
    let world = furnished().await;
    for endpoint in endpoints() {
        world.digit.set_fault(endpoint, Fault::EmptyList);
        let expected = match endpoint {
            Endpoint::Ids => Err(ErrorKind::Ours("IDGEN_ERROR")),
            Endpoint::ValidatePayment => Err(ErrorKind::Ours("PAYMENT_VALIDATION_FAILED")),
            Endpoint::CreatePayment => Err(ErrorKind::Ours("PAYMENT_REGISTRATION_FAILED")),
            Endpoint::BankAccounts => Err(ErrorKind::Ours("BANK_ACCOUNT_FETCH_ERROR")),
            Endpoint::SearchPayments | Endpoint::Bills | Endpoint::Messages => Ok(None),
            // No payer is found, so one is registered.
            Endpoint::SearchUsers | Endpoint::CreateUser => {
                Ok(Some("00000000-0000-4000-8000-000000000001".to_owned()))
            }
            Endpoint::CancelPayment | Endpoint::UserDetails | Endpoint::LogIn | Endpoint::Links => {
                Err(ErrorKind::Unanswered)
            }
        };
        assert_eq!(call(&world.clients, endpoint).await.map_err(kind_of), expected, "{endpoint:?}");
    }
}

#[tokio::test]
async fn an_unavailable_service_was_not_reached() {
    let world = World::new().await;
    let World { digit, clients, .. } = world;
    call(&clients, Endpoint::Bills).await.unwrap();
    digit.stop().await;
    for endpoint in Endpoint::ALL {
        assert_eq!(call(&clients, endpoint).await.map_err(kind_of), Err(ErrorKind::NotSent), "{endpoint:?}");
    }
}
