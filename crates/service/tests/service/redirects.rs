//! Through whom a payer gets to the gateway and back.

use std::sync::{Arc, Mutex};

use crate::support::{World, request, world};
use async_trait::async_trait;
use payment_domain::{Report, Status, Transaction, TxnId};
use payment_gateway::{
    Answer, Availability, Closing, Evidence, FakeGateway, Gateway, GatewayError, Order, Profile, Redirect,
    StartMode,
};
use payment_service::{CreateError, Gateways, Payments, Ports, Redirects, Settings};
use serde_json::Value;

const PUBLIC_URL: &str = "https://pay.example.org/pg-service";
const CALLBACK_URL: &str = "https://city.example.org/done?x=1&eg_pg_txnid=T0001";

/// A gateway that writes down which addresses it is given, and wants a form posted if it is told to.
struct Listening {
    profile: Profile,
    inner: FakeGateway,
    wants_form: bool,
    given: Mutex<Vec<(String, Option<String>)>>,
}

impl Listening {
    fn new(start_mode: StartMode, wants_form: bool) -> Arc<Listening> {
        let inner = FakeGateway::new("FAKE", start_mode);
        let profile = Profile { needs_form_page: wants_form, ..inner.profile().clone() };
        Arc::new(Listening { profile, inner, wants_form, given: Mutex::default() })
    }

    /// The return URL and the notify URL of the one order.
    fn given(&self) -> (String, Option<String>) {
        let mut given = std::mem::take(&mut *self.given.lock().unwrap());
        assert_eq!(given.len(), 1);
        given.remove(0)
    }
}

#[async_trait]
impl Gateway for Listening {
    fn profile(&self) -> &Profile {
        &self.profile
    }

    fn availability(&self) -> Availability {
        Availability::Available
    }

    fn closing(&self) -> Option<&dyn Closing> {
        None
    }

    async fn start(&self, order: &Order<'_>) -> Result<Redirect, GatewayError> {
        let given = (order.return_url.to_owned(), order.notify_url.map(str::to_owned));
        self.given.lock().unwrap().push(given);
        match self.wants_form {
            true => Ok(Redirect::Form { action: "https://fake.example/form".to_owned(), fields: Vec::new() }),
            false => self.inner.start(order).await,
        }
    }

    fn names(&self, answer: &Answer) -> Option<TxnId> {
        self.inner.names(answer)
    }

    async fn verify(&self, txn: &Transaction, answer: &Answer) -> Result<Evidence, GatewayError> {
        self.inner.verify(txn, answer).await
    }

    async fn status(&self, txn: &Transaction) -> Result<Report, GatewayError> {
        self.inner.status(txn).await
    }
}

fn with(world: &World, gateway: &Arc<Listening>, redirects: Redirects) -> Payments {
    world.with_ports(|ports| Ports {
        gateways: Gateways::new([gateway.clone() as Arc<dyn Gateway>]),
        settings: Settings { redirects, ..ports.settings },
        ..ports
    })
}

fn service() -> Redirects {
    Redirects::Service { public_url: PUBLIC_URL.to_owned() }
}

fn application(public_url: Option<&str>) -> Redirects {
    Redirects::Application { public_url: public_url.map(str::to_owned) }
}

async fn redirect_url(payments: &Payments) -> Result<String, CreateError> {
    let json = payments.creation.create(request(&[("B1", "100")])).await?.json;
    let txn: Value = serde_json::from_str(json.get()).unwrap();
    assert_eq!(txn["callbackUrl"], CALLBACK_URL);
    Ok(txn["redirectUrl"].as_str().unwrap().to_owned())
}

#[tokio::test]
async fn through_the_application_the_gateway_gets_the_callback_url_and_nothing_of_ours() {
    for start_mode in [StartMode::Offline, StartMode::Network] {
        let (world, gateway) = (world(), Listening::new(start_mode, false));
        let redirect = redirect_url(&with(&world, &gateway, application(None))).await.unwrap();
        assert_eq!(redirect, "https://fake.example/pay?order=T0001");
        assert_eq!(gateway.given(), (CALLBACK_URL.to_owned(), None));
    }
}

#[tokio::test]
async fn through_the_application_what_has_a_public_url_is_used_for_callbacks_and_forms() {
    let callback = format!("{PUBLIC_URL}/gateway/v1/fake/_callback");
    for start_mode in [StartMode::Offline, StartMode::Network] {
        let (world, gateway) = (world(), Listening::new(start_mode, true));
        let redirect = redirect_url(&with(&world, &gateway, application(Some(PUBLIC_URL)))).await.unwrap();
        let token = redirect
            .strip_prefix(&format!("{PUBLIC_URL}/gateway/v1/_pay?eg_pg_txnid=T0001&token="))
            .unwrap_or_else(|| panic!("{redirect}"));
        assert_eq!(token.len(), 32, "a random token");
        assert_eq!(gateway.given(), (CALLBACK_URL.to_owned(), Some(callback.clone())));
    }
}

#[tokio::test]
async fn through_the_service_the_browser_comes_back_to_it() {
    let (world, gateway) = (world(), Listening::new(StartMode::Offline, false));
    let redirect = redirect_url(&with(&world, &gateway, service())).await.unwrap();
    assert_eq!(redirect, "https://fake.example/pay?order=T0001");
    let back = format!("{PUBLIC_URL}/transaction/v1/_redirect?eg_pg_txnid=T0001");
    assert_eq!(gateway.given(), (back, Some(format!("{PUBLIC_URL}/gateway/v1/fake/_callback"))));
}

#[tokio::test]
async fn a_form_that_nobody_can_be_shown_opens_nothing_and_leaves_the_bill_free() {
    for start_mode in [StartMode::Offline, StartMode::Network] {
        let (world, gateway) = (world(), Listening::new(start_mode, true));
        let refused = redirect_url(&with(&world, &gateway, application(None))).await.unwrap_err();
        let CreateError::Gateway(GatewayError::Refused { code }) = refused else { panic!("{refused:?}") };
        assert_eq!(code, "FORM_PAGE_UNREACHABLE");
        assert_eq!(world.claims("B1").await, [], "{start_mode:?}");
        let stored = world.store.transaction(&TxnId::new("T0001").unwrap()).await.unwrap();
        match start_mode {
            StartMode::Offline => assert!(stored.is_none()),
            StartMode::Network => assert_eq!(stored.unwrap().status, Status::Failure),
        }
    }
}
