//! Three cities with merchant accounts of one gateway, entered while the service runs.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use futures_util::future::join_all;
use payment_domain::{GatewayName, Personal, TenantId};
use payment_service::{AccountActor, AccountWish};
use payment_simulator::WayBack;
use payment_simulator::providers::{Choice, PaytmAccount};
use pg_service::service::{self, Assembled};
use secrecy::SecretString;
use serde_json::Value;

use crate::PATIENT;
use crate::support::account::Account;
use crate::support::payer::create_request;
use crate::support::{PATIENCE, http_client};
use crate::world::World;

const CITIES: [(&str, &str, &str); 3] = [
    ("pb.amritsar", "AMRITSAR00000001", "amritsar's key 1"),
    ("pb.jalandhar", "JALANDHAR0000001", "jalandhar's key1"),
    ("pb.nabha", "NABHA00000000001", "nabha's own key1"),
];

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn three_cities_pay_at_the_same_time_each_into_its_own_account() {
    let kek = format!("k1:{}", "5a".repeat(32));
    let settings = [("keys.current", kek.as_str()), ("accounts.second-person", "false")];
    let world = World::simulating(Account::PaytmLegacy, PATIENT, &settings, |simulator| {
        let first = simulator.paytm.clone();
        simulator.paytm_others.extend(CITIES.map(|(_, merchant, key)| PaytmAccount {
            merchant_id: merchant.to_owned(),
            key: SecretString::from(key),
            ..first.clone()
        }));
    })
    .await;
    // As the command line does, beside the running service.
    let Assembled { accounts, .. } = service::assemble(world.config(), "by-hand").await.unwrap();
    let actor = AccountActor::CommandLine { user: Personal::new("root") };
    for (city, merchant, key) in CITIES {
        let wish = AccountWish {
            tenant_id: TenantId::new(city).unwrap(),
            business_service: None,
            gateway: GatewayName::new("PAYTM"),
            label: city.to_owned(),
            priority: 1,
            bank_account_ref: None,
            key: None,
        };
        let id = accounts.add(&actor, wish).await.unwrap().account.id;
        let fields = |key: &str| {
            BTreeMap::from([
                ("paytm.merchant.id".to_owned(), SecretString::from(merchant)),
                ("paytm.merchant.secret.key".to_owned(), SecretString::from(key)),
            ])
        };
        accounts.enter(&actor, &id, fields("the wrong key 01")).await.unwrap();
        accounts.verify(&actor, &id, None).await.unwrap_err();
        accounts.enter(&actor, &id, fields(key)).await.unwrap();
        accounts.verify(&actor, &id, None).await.unwrap();
        accounts.activate(&actor, &id).await.unwrap();
    }
    // The service hears of them within seconds.
    let started = Instant::now();
    for (city, merchant, _) in CITIES {
        let mut number = 0;
        while merchant_of(&world, city, &format!("{city}-{number}")).await != merchant {
            assert!(started.elapsed() < PATIENCE, "{city}");
            number += 1;
            tokio::time::sleep(Duration::from_millis(200)).await;
        }
    }
    let payments = (0..12).map(async |number| {
        let (city, merchant, _) = CITIES[number % 3];
        assert_eq!(merchant_of(&world, city, &format!("BILL-{number}")).await, merchant);
    });
    join_all(payments).await;
    assert_eq!(merchant_of(&world, "pb.patiala", "BILL-P").await, first_merchant(&world));
}

fn first_merchant(world: &World) -> String {
    let mut properties = world.simulator.properties(&world.simulator_url).into_iter();
    properties.find(|(name, _)| *name == "paytm.merchant.id").unwrap().1
}

/// Makes a whole payment of a city; returns the merchant that was paid.
async fn merchant_of(world: &World, city: &str, bill: &str) -> String {
    let mut body = create_request(bill, "100.50", "https://city.example/back?from=test");
    body["Transaction"]["tenantId"] = city.into();
    body["Transaction"]["gateway"] = "PAYTM".into();
    let url = format!("{}/transaction/v1/_create", world.url);
    let answer = http_client().post(url).json(&body).send().await.unwrap();
    let mut answer: Value = answer.json().await.unwrap();
    let txn = answer["Transaction"].take();
    let page = world.open(&txn).await;
    let way_back = world.visitor.choose(&page, Choice::Pay).await.unwrap().unwrap();
    let WayBack::Post { fields, .. } = &way_back else { panic!("PAYTM posts a form") };
    let merchant = fields.iter().find(|(name, _)| name == "MID").unwrap().1.clone();
    let (status, _) = world.visitor.follow(&way_back).await.unwrap();
    assert_eq!(status, 303, "the signature is that of the merchant");
    world.settled(txn["txnId"].as_str().unwrap(), "SUCCESS").await;
    merchant
}
