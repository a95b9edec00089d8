//! Payers: found, registered once, cached, never mistaken for another person.

use std::time::Duration;

use payment_digit::clients::{Client, UserConfig, UserService};
use payment_digit::{PayerDetails, Payers};
use payment_domain::{Payer, Personal};
use payment_simulator::digit::{Endpoint, Fault};
use serde_json::{Value, json};

use crate::world::{Clients, ErrorKind, World, info, kind_of, patient, payer};

fn user(uuid: &str, name: &str) -> Value {
    json!({"uuid": uuid, "userName": "asha.login", "name": name, "mobileNumber": "9876543210",
        "emailId": "asha@pb.gov.in", "type": "CITIZEN", "tenantId": "pb", "active": true})
}

async fn find(world: &World, details: &PayerDetails) -> Result<Payer, ErrorKind> {
    world.clients.users.find_or_create(&info(), details).await.map_err(kind_of)
}

#[tokio::test]
async fn a_known_payer_is_the_user_services_record() {
    let world = World::new().await;
    world.digit.enter_user(user("u-7", "Asha Rani"));
    world.digit.enter_user(user("u-8", "Ravi"));
    let found = find(&world, &payer("Asha Rani")).await.unwrap();
    assert_eq!(found.uuid, "u-7", "whatever uuid the client sends");
    assert_eq!(found.user_name, Personal::new("asha.login"));
    assert_eq!(found.email_id, Some(Personal::new("asha@pb.gov.in")));
    assert_eq!(found.tenant_id, "pb");
    assert_eq!(world.digit.count(Endpoint::CreateUser), 0);
}

#[tokio::test]
async fn an_unknown_payer_is_registered_and_found_from_then_on() {
    let world = World::new().await;
    let registered = find(&world, &payer("Asha Rani")).await.unwrap();
    assert_eq!(world.digit.users().len(), 1);
    let restarted = Clients::at(world.digit.url(), patient(), &world.clock);
    let found = restarted.users.find_or_create(&info(), &payer("Asha Rani")).await.unwrap();
    assert_eq!(found, registered);
    assert_eq!(world.digit.count(Endpoint::CreateUser), 1);
}

#[tokio::test]
async fn a_payer_is_remembered_for_a_while() {
    let world = World::new().await;
    for _ in 0..3 {
        find(&world, &payer("Asha Rani")).await.unwrap();
    }
    assert_eq!(world.digit.count(Endpoint::SearchUsers), 1);
    find(&world, &payer("Ravi")).await.unwrap();
    assert_eq!(world.digit.count(Endpoint::SearchUsers), 2, "another name is another payer");
    world.clock.advance(Duration::from_secs(600));
    find(&world, &payer("Asha Rani")).await.unwrap();
    assert_eq!(world.digit.count(Endpoint::SearchUsers), 3);
}

#[tokio::test]
async fn replicas_that_register_the_same_payer_at_once_make_one_entry() {
    let world = World::new().await;
    let replicas: Vec<Clients> =
        (0..4).map(|_| Clients::at(world.digit.url(), patient(), &world.clock)).collect();
    // None of them finds a user at first.
    world.digit.set_fault_for(Endpoint::SearchUsers, Fault::EmptyList, 4);
    let asked: Vec<_> = replicas
        .into_iter()
        .map(|clients| {
            tokio::spawn(async move { clients.users.find_or_create(&info(), &payer("Asha Rani")).await })
        })
        .collect();
    for task in asked {
        assert_eq!(task.await.unwrap().unwrap().uuid, "00000000-0000-4000-8000-000000000001");
    }
    assert_eq!(world.digit.users().len(), 1);
}

#[tokio::test]
async fn a_registration_whose_answer_is_lost_is_looked_up_and_not_repeated() {
    for fault in [Fault::CutAfterWork, Fault::Garbage] {
        let world = World::new().await;
        world.digit.set_fault(Endpoint::CreateUser, fault.clone());
        let found = find(&world, &payer("Asha Rani")).await.unwrap();
        assert_eq!(found.uuid, "00000000-0000-4000-8000-000000000001", "{fault:?}");
        assert_eq!(world.digit.count(Endpoint::CreateUser), 1, "{fault:?}");
    }
}

#[tokio::test]
async fn a_failed_registration_is_reported_as_such() {
    let body = r#"{"Errors":[{"code":"INVALID_MOBILE"}]}"#;
    for (fault, expected) in [
        (Fault::Status500, ErrorKind::Unanswered),
        (Fault::CutBeforeWork, ErrorKind::Unanswered),
        (Fault::refuse(body), ErrorKind::Refused(body.to_owned())),
        (Fault::refuse("<html>"), ErrorKind::Ours("USER_CREATION_FAILED")),
        (Fault::EmptyList, ErrorKind::Ours("USER_CREATION_FAILED")),
    ] {
        let world = World::new().await;
        world.digit.set_fault(Endpoint::CreateUser, fault.clone());
        assert_eq!(find(&world, &payer("Asha Rani")).await, Err(expected), "{fault:?}");
        assert_eq!(world.digit.count(Endpoint::CreateUser), 1, "{fault:?}");
        assert!(world.digit.users().is_empty(), "{fault:?}");
        world.digit.clear_faults();
        find(&world, &payer("Asha Rani")).await.unwrap();
    }
}

#[tokio::test]
async fn where_payers_may_not_be_registered_an_unknown_one_is_refused() {
    let world = World::new().await;
    let config = UserConfig { create_enabled: false, ..UserConfig::at(world.digit.url()) };
    let users = UserService::new(&config, &Client::new(patient()).unwrap(), world.clock.clone()).unwrap();
    let unknown = users.find_or_create(&info(), &payer("Asha Rani")).await;
    assert_eq!(unknown.map_err(kind_of), Err(ErrorKind::Ours("INVALID_USER_DETAILS")));
    world.digit.enter_user(user("u-7", "Asha Rani"));
    assert_eq!(users.find_or_create(&info(), &payer("Asha Rani")).await.unwrap().uuid, "u-7");
    assert_eq!(world.digit.count(Endpoint::CreateUser), 0);
}
