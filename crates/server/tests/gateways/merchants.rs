//! Three cities with merchant accounts of every gateway in every protocol, entered and rotated over HTTP while payments
//! are made.

use std::sync::Arc;
use std::time::{Duration, Instant};

use futures_util::future::join_all;
use payment_domain::{AccountRef, Grant, Personal, Role, StatusName, TenantId, Transaction, TxnId};
use payment_service::{PersonalTokens, TokenIssuer, TokenWish};
use payment_simulator::PayPage;
use payment_simulator::providers::{BookEntry, Choice, Fault, Merchant, Provider, ProvidersSettings, Twist};
use payment_store::{HolderKind, Store, TokenHolder};
use pg_service::service;
use secrecy::ExposeSecret;
use serde_json::{Map, Value, json};

use crate::PATIENT;
use crate::support::account::Account;
use crate::support::payer::create_request;
use crate::support::{PATIENCE, http_client};
use crate::world::World;

const CITIES: [(&str, &str); 3] = [("pb.amritsar", "AMR"), ("pb.jalandhar", "JAL"), ("pb.nabha", "NAB")];

/// An account of each city, by the city's place.
fn all() -> impl Iterator<Item = (Account, usize)> {
    Account::ALL.into_iter().flat_map(|account| (0..CITIES.len()).map(move |place| (account, place)))
}

/// A city's keys of one generation at all providers.
fn merchant(settings: &ProvidersSettings, (city, code): (&str, &str), generation: u32) -> Merchant {
    let mut merchant = settings.merchant(city);
    merchant.axis.merchant_id = format!("TEST{code}");
    merchant.axis.access_code = format!("{code}C0DE");
    merchant.axis.secret_hex = hex::encode(format!("{code} axis {generation}")).into();
    merchant.axis.user = format!("{code}-operator");
    merchant.axis.password = format!("{code}-password-{generation}").into();
    merchant.ccavenue.merchant_id = format!("{code}51");
    merchant.ccavenue.access_code = format!("AV{code}PAGE");
    merchant.ccavenue.working_key = format!("{code} working key {generation}").into();
    merchant.ccavenue.api_access_code = format!("AV{code}AP1");
    merchant.ccavenue.api_working_key = format!("{code} working key of the API {generation}").into();
    merchant.hyperswitch.profile_id = format!("pro_{code}");
    merchant.hyperswitch.api_key = format!("snd_{code}_{generation}").into();
    merchant.hyperswitch.hash_key = format!("{code}HashKey{generation}").into();
    merchant.paytm.merchant_id = format!("{code}00000000000000001");
    merchant.paytm.key = format!("{code}key{generation}000000000").into();
    merchant.phonepe.merchant_id = format!("{code}UAT");
    merchant.phonepe.salt_key = format!("{code}-salt-{generation}").into();
    merchant.phonepe.salt_index = generation.to_string();
    merchant.phonepe.client_id = format!("{code}UAT_1");
    merchant.phonepe.client_secret = format!("{code}-client-secret-{generation}").into();
    merchant.phonepe.client_version = generation.to_string();
    merchant.phonepe.webhook_user = format!("{code}_webhook");
    merchant.phonepe.webhook_password = format!("{code}webhookPass{generation}").into();
    merchant.payu.merchant_key = format!("{code}Key");
    merchant.payu.salt = format!("{code}Salt{generation}").into();
    merchant.razorpay.key_id = format!("rzp_{code}_{generation}");
    merchant.razorpay.key_secret = format!("{code}KeySecret{generation}").into();
    merchant.razorpay.webhook_secret = format!("{code}-webhook-secret-{generation}").into();
    merchant.stripe.secret_key = format!("sk_live_{code}_{generation}").into();
    merchant.stripe.webhook_secret = format!("whsec_{code}{generation}").into();
    merchant
}

/// The fields of a city's account, with the protocol that is spoken.
fn fields(account: Account, merchant: &Merchant) -> Value {
    let protocol = account.setting().map(|(name, word)| (name, word.to_owned()));
    let fields = merchant.credentials(account.provider()).into_iter().chain(protocol);
    fields.map(|(name, value)| (name.to_owned(), value.into())).collect::<Map<String, Value>>().into()
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

fn at(account: &Value) -> Value {
    json!({ "id": account["id"], "version": account["version"] })
}

/// The cities' payers, and two admins of the state.
struct State<'a> {
    world: &'a World,
    store: Arc<dyn Store>,
    http: reqwest::Client,
    maker: String,
    checker: String,
}

/// A payment whose payer is at the pay page.
struct AtPage {
    id: String,
    page: PayPage,
    account: Account,
    city: &'static str,
}

impl State<'_> {
    async fn post(&self, token: &str, act: &str, account: &Value) -> (u16, Value) {
        let url = format!("{}/account/v1/{act}", self.world.url);
        let request = self.http.post(url).bearer_auth(token).json(&json!({ "Account": account }));
        let answer = request.send().await.unwrap();
        (answer.status().as_u16(), answer.json().await.unwrap())
    }

    async fn done(&self, token: &str, act: &str, account: &Value) -> Value {
        let (status, mut answer) = self.post(token, act, account).await;
        assert_eq!(status, 200, "{act} {account}: {answer}");
        answer["Account"].take()
    }

    /// Adds an account for the payments of one protocol.
    async fn add(&self, account: Account, (city, _): (&str, &str)) -> Value {
        let wish = json!({
            "tenantId": city,
            "businessService": format!("{account:?}"),
            "gateway": account.provider().name(),
            "label": city,
        });
        self.done(&self.maker, "_create", &wish).await
    }

    async fn enter(&self, account: &Value, fields: Value) -> Value {
        let mut entered = at(account);
        entered["fields"] = fields;
        self.done(&self.maker, "_enter", &entered).await
    }

    /// Enters keys that the provider does not accept.
    async fn enter_refused(&self, account: &Value, fields: Value) -> Value {
        let entered = self.enter(account, fields).await;
        let (status, refused) = self.post(&self.maker, "_verify", &at(&entered)).await;
        let expected = (400, &json!("ACCOUNT_NOT_VERIFIED"));
        assert_eq!((status, &refused["Errors"][0]["code"]), expected, "{entered}: {refused}");
        entered
    }

    /// Enters keys, verifies and activates them.
    async fn rotate(&self, account: &Value, fields: Value) -> Value {
        let entered = self.enter(account, fields).await;
        let verified = self.done(&self.maker, "_verify", &at(&entered)).await;
        self.done(&self.checker, "_activate", &at(&verified)).await
    }

    async fn wipe(&self, account: &Value, credential: u32) {
        let mut wiped = at(account);
        wiped["credential"] = credential.into();
        wiped["wipe"] = true.into();
        self.done(&self.maker, "_retire", &wiped).await;
    }

    async fn begin(&self, account: Account, city: &'static str, bill: &str) -> AtPage {
        let mut body = create_request(bill, "100.50", "https://city.example/back?from=test");
        let txn = &mut body["Transaction"];
        txn["tenantId"] = city.into();
        txn["module"] = format!("{account:?}").into();
        txn["gateway"] = account.provider().name().into();
        let url = format!("{}/transaction/v1/_create", self.world.url);
        let answer = self.http.post(url).json(&body).send().await.unwrap();
        let answer: Value = answer.json().await.unwrap();
        let txn = &answer["Transaction"];
        let redirect = txn["redirectUrl"].as_str().unwrap_or_else(|| panic!("{account:?} {city}: {answer}"));
        let page = self.world.visitor.open(redirect).await.unwrap();
        AtPage { id: txn["txnId"].as_str().unwrap().to_owned(), page, account, city }
    }

    async fn begin_all(&self, when: &str) -> Vec<AtPage> {
        let begun = all().map(async |(account, place)| {
            self.begin(account, CITIES[place].0, &format!("{when}-{account:?}-{place}")).await
        });
        join_all(begun).await
    }

    async fn stored(&self, id: &str) -> Transaction {
        self.store.transaction(&TxnId::new(id).unwrap()).await.unwrap().unwrap()
    }

    /// The payer chooses, and the browser goes back to the application: the status of the payment then.
    async fn choose(&self, payment: &AtPage, choice: Choice) -> String {
        let way_back = self.world.visitor.choose(&payment.page, choice).await.unwrap().unwrap();
        let (status, location) = self.world.visitor.follow(&way_back).await.unwrap();
        assert_eq!(status, 303, "{:?} {}", payment.account, payment.city);
        location.unwrap().split_once("txnStatus=").unwrap().1.to_owned()
    }

    /// The books' entry of a payment once its webhook has been sent.
    async fn reported(&self, payment: &AtPage, delivered: u32) -> BookEntry {
        let started = Instant::now();
        loop {
            let entry = self.world.simulator.book_entry_of(payment.account.provider(), &payment.id).unwrap();
            let is_sent = entry.webhooks.attempts > 0 && entry.webhooks.delivered >= delivered;
            if is_sent || !payment.account.has_webhooks() {
                return entry;
            }
            let AtPage { account, city, .. } = payment;
            assert!(started.elapsed() < PATIENCE, "{account:?} {city}: {:?}", entry.webhooks);
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    /// Pays, and checks that the city was paid, and that what the provider signed was accepted.
    async fn finish(&self, payment: AtPage) -> String {
        let about = format!("{:?} {}", payment.account, payment.city);
        let status = self.choose(&payment, Choice::Pay).await;
        if !payment.account.has_webhooks() {
            assert_eq!(status, "SUCCESS", "{about}: the signature is that of the merchant");
        }
        self.world.settled(&payment.id, "SUCCESS").await;
        let entry = self.reported(&payment, 1).await;
        let paid = (entry.merchant.as_str(), entry.protocol);
        assert_eq!(paid, (payment.city, payment.account.protocol()), "{about}");
        payment.id
    }

    /// Pays, while nothing that is signed is accepted: a status request finds the payment.
    async fn finish_refused(&self, payment: AtPage, choice: Choice) {
        let about = format!("{:?} {}", payment.account, payment.city);
        // To the others the browser brings a signature.
        let is_bare = matches!(payment.account.provider(), Provider::Phonepe | Provider::Stripe);
        let status = self.choose(&payment, choice).await;
        self.reported(&payment, 0).await;
        if !is_bare {
            let stored = self.stored(&payment.id).await.status.name();
            assert_eq!((status.as_str(), stored), ("PENDING", StatusName::Pending), "{about}");
        }
        assert!(self.world.simulator.set_fault(payment.account.provider(), &payment.id, None));
        self.world.settled(&payment.id, "SUCCESS").await;
        let entry = self.reported(&payment, 0).await;
        assert_eq!((entry.merchant.as_str(), entry.webhooks.delivered), (payment.city, 0), "{about}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn cities_pay_at_the_same_time_each_with_its_own_keys_which_are_rotated_meanwhile() {
    let kek = format!("k1:{}", "5a".repeat(32));
    let settings = [("keys.current", kek.as_str())];
    // The provider knows two of three generations.
    let mut keys: Vec<[Merchant; 3]> = Vec::new();
    let world = World::simulating(Account::PhonepeV1, PATIENT, &settings, |simulator| {
        keys = CITIES.map(|city| [1, 2, 3].map(|generation| merchant(simulator, city, generation))).into();
        simulator.others = keys.iter().flat_map(|[first, second, _]| [first, second]).cloned().collect();
    })
    .await;
    let beside = service::assemble(world.config(), "by-hand").await.unwrap().payments;
    let state = State {
        world: &world,
        store: beside.ports.store.clone(),
        http: http_client(),
        maker: token(&beside.tokens, "maker-1").await,
        checker: token(&beside.tokens, "checker-1").await,
    };

    let add = all().map(async |(account, place)| {
        let mut added = state.add(account, CITIES[place]).await;
        let own = &keys[place][0];
        if place == 0 {
            // Where the key alone names the merchant, that of another one would be a good one.
            let is_named_by_key = matches!(account.provider(), Provider::Hyperswitch | Provider::Stripe);
            let strange = if is_named_by_key { &keys[place][2] } else { &keys[1][0] };
            added = state.enter_refused(&added, fields(account, &own.with_keys_of(strange))).await;
        }
        state.rotate(&added, fields(account, own)).await
    });
    let accounts: Vec<Value> = join_all(add).await;

    let before = state.begin_all("before").await;
    let left_open = Account::ALL
        .map(async |account| state.begin(account, CITIES[2].0, &format!("left-open-{account:?}")).await);
    let left_open = join_all(left_open).await;
    let rotate = all()
        .zip(&accounts)
        .map(async |((account, place), stored)| state.rotate(stored, fields(account, &keys[place][1])).await);
    let during = async {
        let begun = state.begin_all("during").await;
        join_all(begun.into_iter().map(|payment| state.finish(payment))).await
    };
    let (rotated, _) = tokio::join!(join_all(rotate), during);
    let after = state.begin_all("after").await;
    for (payments, version) in [(before, 1), (after, 2)] {
        let paid = join_all(payments.into_iter().map(|payment| state.finish(payment))).await;
        for id in paid {
            let txn = state.stored(&id).await;
            assert!(
                matches!(txn.account, Some(AccountRef::Stored { version: of_payment, .. }) if of_payment == version),
                "{id}: {:?}",
                txn.account
            );
        }
    }

    let forged = Account::ALL.map(async |account| {
        let payment = state.begin(account, CITIES[1].0, &format!("forged-{account:?}")).await;
        // The simulator signs with the keys of the next city.
        state.finish_refused(payment, Choice::PayWith(Fault::Order(Twist::WrongSignature))).await;
    });
    join_all(forged).await;

    let wiped = all().zip(&rotated).filter(|((_, place), _)| *place == 2);
    join_all(wiped.map(async |(_, account)| state.wipe(account, 1).await)).await;
    join_all(left_open.into_iter().map(|payment| state.finish_refused(payment, Choice::Pay))).await;

    let of_the_file = state.begin(Account::Payu, "pb.patiala", "of-the-file").await;
    state.finish(AtPage { city: "", ..of_the_file }).await;
}
