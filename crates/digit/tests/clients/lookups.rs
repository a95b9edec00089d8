//! Bank accounts, bills, texts, links and ids.

use std::collections::HashSet;
use std::time::Duration;

use payment_digit::clients::{Client, IdGeneration, IdGenerationConfig};
use payment_digit::{BankAccounts, Bills, Links, Messages, TransactionIds};
use payment_simulator::digit::{Endpoint, Fault};

use serde_json::json;

use crate::world::{ErrorKind, World, bill, info, kind_of, patient, tenant};

const SUCCESS: &str = "PG_NOTIFICATION_SUCCESS";

#[tokio::test]
async fn ids_are_the_services() {
    let world = World::new().await;
    let mut ids = HashSet::new();
    for _ in 0..3 {
        let id = world.clients.ids.next(&info(), &tenant()).await.unwrap();
        assert!(id.as_str().starts_with("PB_PG_20"), "{id}");
        assert!(ids.insert(id));
    }
}

#[tokio::test]
async fn an_invalid_id_is_requested_once_more() {
    let no_id =
        |id: &str| Fault::Refuse4xx { status: 200, body: json!({"idResponses": [{"id": id}]}).to_string() };
    for id in ["", " ", "a\nb", &"x".repeat(129)] {
        let world = World::new().await;
        world.digit.set_fault_for(Endpoint::Ids, no_id(id), 1);
        assert!(world.clients.ids.next(&info(), &tenant()).await.is_ok(), "{id:?}");
        world.digit.set_fault(Endpoint::Ids, no_id(id));
        let none = world.clients.ids.next(&info(), &tenant()).await;
        assert_eq!(none.map_err(kind_of), Err(ErrorKind::Ours("IDGEN_ERROR")), "{id:?}");
        assert_eq!(world.digit.count(Endpoint::Ids), 4, "{id:?}");
    }
}

#[tokio::test]
async fn addresses_are_joined_and_checked_when_the_client_is_made() {
    let world = World::new().await;
    let client = Client::new(patient()).unwrap();
    let at =
        |host: &str, path: &str| IdGenerationConfig { path: path.to_owned(), ..IdGenerationConfig::at(host) };
    for (host, path) in [
        (format!("{}/", world.digit.url()), "/egov-idgen/id/_generate"),
        (format!("{}/egov-idgen//", world.digit.url()), "id/_generate"),
    ] {
        let ids = IdGeneration::new(&at(&host, path), &client).unwrap();
        ids.next(&info(), &tenant()).await.unwrap();
    }
    let wrong = IdGeneration::new(&at("egov-idgen:8080", "x"), &client).unwrap_err();
    assert_eq!(wrong.service, "egov-idgen");
}

#[tokio::test]
async fn a_bank_account_is_remembered_for_ten_minutes() {
    let world = World::new().await;
    let accounts = &world.clients.bank_accounts;
    world.digit.set_bank_accounts("pb.amritsar", &["001"]);
    assert_eq!(accounts.account_number(&info(), &tenant()).await.unwrap(), "001");
    world.digit.set_bank_accounts("pb.amritsar", &["002"]);
    assert_eq!(accounts.account_number(&info(), &tenant()).await.unwrap(), "001");
    world.clock.advance(Duration::from_secs(600));
    assert_eq!(accounts.account_number(&info(), &tenant()).await.unwrap(), "002");
    assert_eq!(world.digit.count(Endpoint::BankAccounts), 2);
}

#[tokio::test]
async fn without_exactly_one_bank_account_there_is_none_and_that_is_not_remembered() {
    let world = World::new().await;
    for numbers in [&[][..], &["001", "002"]] {
        world.digit.set_bank_accounts("pb.amritsar", numbers);
        let none = world.clients.bank_accounts.account_number(&info(), &tenant()).await;
        assert_eq!(none.map_err(kind_of), Err(ErrorKind::Ours("BANK_ACCOUNT_FETCH_ERROR")));
    }
    world.digit.set_bank_accounts("pb.amritsar", &["001"]);
    assert_eq!(world.clients.bank_accounts.account_number(&info(), &tenant()).await.unwrap(), "001");
}

#[tokio::test]
async fn a_bill_knows_its_service() {
    let world = World::new().await;
    world.digit.set_bill_service("B2", Some("WS"));
    world.digit.set_bill_service("B3", None);
    for (id, service) in [("B1", Some("PT")), ("B2", Some("WS")), ("B3", None)] {
        let found = world.clients.bills.business_service(&info(), &tenant(), &bill(id)).await.unwrap();
        assert_eq!(found.as_deref(), service, "{id}");
    }
}

async fn text(world: &World, locale: &str, code: &str) -> Option<String> {
    world.clients.messages.text(&info(), &tenant(), locale, code).await.unwrap()
}

#[tokio::test]
async fn texts_are_those_of_the_state_in_the_callers_language() {
    let world = World::new().await;
    world.digit.set_message("pb", "pa_IN", SUCCESS, "ਧੰਨਵਾਦ");
    world.digit.set_message("pb.amritsar", "pa_IN", SUCCESS, "a city has none of its own");
    assert_eq!(text(&world, "pa_IN", SUCCESS).await.as_deref(), Some("ਧੰਨਵਾਦ"));
    let english = text(&world, "en_IN", SUCCESS).await.unwrap();
    assert!(english.contains("{txnId}"));
    for none_named in ["", "no such & locale"] {
        assert_eq!(text(&world, none_named, SUCCESS).await.as_ref(), Some(&english));
    }
    assert_eq!(world.digit.count(Endpoint::Messages), 2, "one question a language");
}

#[tokio::test]
async fn texts_are_remembered_for_an_hour_and_missing_ones_for_five_minutes() {
    let world = World::new().await;
    assert_eq!(text(&world, "hi_IN", SUCCESS).await, None);
    world.digit.set_message("pb", "hi_IN", SUCCESS, "first");
    assert_eq!(text(&world, "hi_IN", SUCCESS).await, None);
    world.clock.advance(Duration::from_secs(300));
    assert_eq!(text(&world, "hi_IN", SUCCESS).await.as_deref(), Some("first"));
    world.digit.set_message("pb", "hi_IN", SUCCESS, "second");
    world.clock.advance(Duration::from_secs(3_599));
    assert_eq!(text(&world, "hi_IN", SUCCESS).await.as_deref(), Some("first"));
    world.clock.advance(Duration::from_secs(1));
    assert_eq!(text(&world, "hi_IN", SUCCESS).await.as_deref(), Some("second"));
    assert_eq!(world.digit.count(Endpoint::Messages), 3);
}

#[tokio::test]
async fn a_failure_to_look_up_texts_is_not_remembered() {
    let world = World::new().await;
    world.digit.set_fault(Endpoint::Messages, Fault::Status500);
    let failed = world.clients.messages.text(&info(), &tenant(), "en_IN", SUCCESS).await;
    assert_eq!(failed.map_err(kind_of), Err(ErrorKind::Unanswered));
    world.digit.clear_faults();
    assert!(text(&world, "en_IN", SUCCESS).await.is_some());
}

#[tokio::test]
async fn a_link_is_shortened() {
    let world = World::new().await;
    let long = "https://digit.example/citizen/pay?consumerCode=PT-1&tenantId=pb.amritsar";
    let short = world.clients.links.shorten(long).await.unwrap();
    assert_eq!(short, format!("{}/s/1", world.digit.url()));
    assert_eq!(world.digit.links(), [long]);
}
