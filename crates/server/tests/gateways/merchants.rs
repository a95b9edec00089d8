//! Three cities with merchant accounts of four gateways, entered and rotated over HTTP while payments are made.

use std::time::Duration;

use futures_util::future::join_all;
use payment_domain::{AccountRef, Grant, Personal, Role, TenantId, TxnId};
use payment_service::{PersonalTokens, TokenIssuer, TokenWish};
use payment_simulator::PayPage;
use payment_simulator::providers::{Choice, Merchant, Provider, ProvidersSettings};
use payment_store::{HolderKind, TokenHolder};
use pg_service::service;
use secrecy::ExposeSecret;
use serde_json::{Value, json};

use crate::PATIENT;
use crate::support::account::Account;
use crate::support::http_client;
use crate::support::payer::create_request;
use crate::world::World;

const CITIES: [(&str, &str); 3] = [("pb.amritsar", "AMR"), ("pb.jalandhar", "JAL"), ("pb.nabha", "NAB")];
const PROVIDERS: [Provider; 4] = [Provider::Paytm, Provider::Payu, Provider::Razorpay, Provider::Phonepe];

/// A city's keys of one generation at all four.
fn merchant(settings: &ProvidersSettings, (city, code): (&str, &str), generation: u32) -> Merchant {
    let mut merchant = settings.merchant(city);
    merchant.paytm.merchant_id = format!("{code}00000000000000001");
    merchant.paytm.key = format!("{code}key{generation}000000000").into();
    merchant.payu.merchant_key = format!("{code}Key");
    merchant.payu.salt = format!("{code}Salt{generation}").into();
    merchant.razorpay.key_id = format!("rzp_{code}_{generation}");
    merchant.razorpay.key_secret = format!("{code}KeySecret{generation}").into();
    merchant.razorpay.webhook_secret = format!("{code}-webhook-secret-{generation}").into();
    merchant.phonepe.merchant_id = format!("{code}UAT");
    merchant.phonepe.salt_key = format!("{code}-salt-{generation}").into();
    merchant.phonepe.salt_index = generation.to_string();
    merchant
}

/// The entries of a city: the ids of one merchant, with the keys of the same or of another.
fn fields(provider: Provider, ids: &Merchant, keys: &Merchant) -> Value {
    match provider {
        Provider::Paytm => json!({
            "paytm.merchant.id": ids.paytm.merchant_id,
            "paytm.merchant.secret.key": keys.paytm.key.expose_secret(),
        }),
        Provider::Payu => json!({
            "payu.merchant.key": ids.payu.merchant_key,
            "payu.merchant.salt": keys.payu.salt.expose_secret(),
        }),
        Provider::Razorpay => json!({
            "razorpay.merchant.id": ids.razorpay.key_id,
            "razorpay.merchant.secret.key": keys.razorpay.key_secret.expose_secret(),
            "razorpay.webhook.secret": keys.razorpay.webhook_secret.expose_secret(),
        }),
        Provider::Phonepe => json!({
            "phonepe.merchant.id": ids.phonepe.merchant_id,
            "phonepe.merchant.secret.key": keys.phonepe.salt_key.expose_secret(),
            "phonepe.merchant.secret.index": keys.phonepe.salt_index,
        }),
        Provider::Axis | Provider::Ccavenue | Provider::Hyperswitch | Provider::Stripe => {
            panic!("{provider:?} is not among them")
        }
    }
}

/// Two admins of the state.
struct Office<'a> {
    world: &'a World,
    maker: String,
    checker: String,
}

impl Office<'_> {
    async fn post(&self, token: &str, act: &str, account: &Value) -> (u16, Value) {
        let url = format!("{}/account/v1/{act}", self.world.url);
        let request = http_client().post(url).bearer_auth(token).json(&json!({ "Account": account }));
        let answer = request.send().await.unwrap();
        (answer.status().as_u16(), answer.json().await.unwrap())
    }

    async fn done(&self, token: &str, act: &str, account: &Value) -> Value {
        let (status, mut answer) = self.post(token, act, account).await;
        assert_eq!(status, 200, "{act} {account}: {answer}");
        answer["Account"].take()
    }

    async fn enter(&self, account: &Value, fields: Value) -> Value {
        let entered = json!({"id": account["id"], "version": account["version"], "fields": fields});
        self.done(&self.maker, "_enter", &entered).await
    }

    /// Enters keys, verifies and activates them.
    async fn rotate(&self, account: &Value, fields: Value) -> Value {
        let at = |account: &Value| json!({"id": account["id"], "version": account["version"]});
        let entered = self.enter(account, fields).await;
        let verified = self.done(&self.maker, "_verify", &at(&entered)).await;
        self.done(&self.checker, "_activate", &at(&verified)).await
    }
}

async fn token(tokens: &PersonalTokens, uuid: &str) -> String {
    let holder = TokenHolder {
        uuid: uuid.to_owned(),
        name: Personal::new(format!("holder {uuid}")),
        kind: HolderKind::Person,
    };
    let grants = vec![Grant { role: Role::Admin, tenant: TenantId::new("pb").unwrap() }];
    let life = Duration::from_secs(86_400);
    let wish = TokenWish { label: "test".to_owned(), holder, grants, life };
    let root = TokenIssuer::CommandLine { user: Personal::new("root") };
    tokens.issue(&root, wish).await.unwrap().secret.expose_secret().to_owned()
}

/// A payment whose payer is at the pay page.
struct AtPage {
    id: String,
    page: PayPage,
    provider: Provider,
    city: &'static str,
}

async fn begin(world: &World, provider: Provider, city: &'static str, bill: &str) -> AtPage {
    let mut body = create_request(bill, "100.50", "https://city.example/back?from=test");
    body["Transaction"]["tenantId"] = city.into();
    body["Transaction"]["gateway"] = provider.name().into();
    let url = format!("{}/transaction/v1/_create", world.url);
    let answer = http_client().post(url).json(&body).send().await.unwrap();
    let answer: Value = answer.json().await.unwrap();
    let txn = &answer["Transaction"];
    let redirect = txn["redirectUrl"].as_str().unwrap_or_else(|| panic!("{provider:?} {city}: {answer}"));
    let page = world.visitor.open(redirect).await.unwrap();
    AtPage { id: txn["txnId"].as_str().unwrap().to_owned(), page, provider, city }
}

/// Pays, and checks that the city was paid, and that what the provider signed was accepted.
async fn finish(world: &World, AtPage { id, page, provider, city }: AtPage) -> TxnId {
    let way_back = world.visitor.choose(&page, Choice::Pay).await.unwrap().unwrap();
    let (status, _) = world.visitor.follow(&way_back).await.unwrap();
    assert_eq!(status, 303, "{provider:?} {city}: the signature is that of the merchant");
    world.settled(&id, "SUCCESS").await;
    let started = std::time::Instant::now();
    loop {
        let entry = world.simulator.book_entry_of(provider, &id).unwrap();
        assert_eq!(entry.merchant, city, "{provider:?}");
        if entry.webhooks.delivered > 0 {
            return TxnId::new(id).unwrap();
        }
        assert!(started.elapsed() < crate::support::PATIENCE, "{provider:?} {city}: {:?}", entry.webhooks);
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn cities_pay_at_the_same_time_each_with_its_own_keys_which_are_rotated_meanwhile() {
    let kek = format!("k1:{}", "5a".repeat(32));
    let settings = [("keys.current", kek.as_str()), ("paytm.protocol", "legacy")];
    let mut keys: Vec<[Merchant; 2]> = Vec::new();
    let world = World::simulating(Account::PhonepeV1, PATIENT, &settings, |simulator| {
        keys = CITIES.map(|city| [1, 2].map(|generation| merchant(simulator, city, generation))).into();
        simulator.others = keys.iter().flatten().cloned().collect();
    })
    .await;
    let beside = service::assemble(world.config(), "by-hand").await.unwrap().payments;
    let office = Office {
        world: &world,
        maker: token(&beside.tokens, "maker-1").await,
        checker: token(&beside.tokens, "checker-1").await,
    };
    let all = || PROVIDERS.into_iter().flat_map(|provider| (0..3).map(move |city| (provider, city)));

    let add = all().map(async |(provider, place)| {
        let (city, _) = CITIES[place];
        let wish = json!({"tenantId": city, "gateway": provider.name(), "label": city});
        let added = office.done(&office.maker, "_create", &wish).await;
        // The keys of another merchant are not accepted.
        let (own, other) = (&keys[place][0], &keys[(place + 1) % 3][0]);
        let wrong = office.enter(&added, fields(provider, own, other)).await;
        let at = json!({"id": wrong["id"], "version": wrong["version"]});
        let (status, refused) = office.post(&office.maker, "_verify", &at).await;
        assert_eq!(
            (status, &refused["Errors"][0]["code"]),
            (400, &json!("ACCOUNT_NOT_VERIFIED")),
            "{refused}"
        );
        office.rotate(&wrong, fields(provider, own, own)).await
    });
    let accounts: Vec<Value> = join_all(add).await;

    let begin_all = async |when: &str| {
        let begun = all().map(async |(provider, place)| {
            begin(&world, provider, CITIES[place].0, &format!("{when}-{provider:?}-{place}")).await
        });
        join_all(begun).await
    };
    let before = begin_all("before").await;
    let rotate = all().zip(&accounts).map(async |((provider, place), account)| {
        office.rotate(account, fields(provider, &keys[place][1], &keys[place][1])).await
    });
    let during = async {
        let begun = begin_all("during").await;
        join_all(begun.into_iter().map(|payment| finish(&world, payment))).await
    };
    tokio::join!(join_all(rotate), during);
    let after = begin_all("after").await;
    for (payments, version) in [(before, 1), (after, 2)] {
        let paid = join_all(payments.into_iter().map(|payment| finish(&world, payment))).await;
        for id in paid {
            let txn = beside.ports.store.transaction(&id).await.unwrap().unwrap();
            assert!(
                matches!(txn.account, Some(AccountRef::Stored { version: of_payment, .. }) if of_payment == version),
                "{id}: {:?}",
                txn.account
            );
        }
    }
    let other = begin(&world, Provider::Payu, "pb.patiala", "BILL-P").await;
    finish(&world, AtPage { city: "", ..other }).await;
}
