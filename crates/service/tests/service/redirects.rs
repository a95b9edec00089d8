//! The payer's way to the gateway and back: through this service or the application.

use std::sync::Arc;

use crate::support::{World, request, world};
use payment_domain::{GatewayName, Status, TxnId};
use payment_gateway::{FakeGateway, Gateway, GatewayError, StartMode};
use payment_service::{
    CreateError, Gateways, PaymentPage, PaymentPageError, Payments, Ports, Redirects, Settings,
};
use serde_json::Value;

const PUBLIC_URL: &str = "https://pay.example.org/pg-service";
const CALLBACK_URL: &str = "https://city.example.org/done?x=1&eg_pg_txnid=T0001";

fn gateway(start_mode: StartMode, wants_form: bool) -> Arc<FakeGateway> {
    let gateway = FakeGateway::new("FAKE", start_mode);
    Arc::new(if wants_form { gateway.that_wants_a_form() } else { gateway })
}

/// The return URL and the notify URL of the one order.
fn given(gateway: &FakeGateway) -> (String, Option<String>) {
    let mut given = gateway.addresses();
    assert_eq!(given.len(), 1);
    given.remove(0)
}

fn with(world: &World, gateway: &Arc<FakeGateway>, redirects: Redirects) -> Payments {
    world.with_ports(|ports| Ports {
        gateways: Gateways::new([gateway.clone() as Arc<dyn Gateway>]),
        settings: Settings { redirects, ..ports.settings },
        ..ports
    })
}

fn service() -> Redirects {
    Redirects::Service { public_url: PUBLIC_URL.to_owned(), upyog_form: false }
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
        let (world, gateway) = (world(), gateway(start_mode, false));
        let redirect = redirect_url(&with(&world, &gateway, application(None))).await.unwrap();
        assert_eq!(redirect, "https://fake.example/pay?order=T0001");
        assert_eq!(given(&gateway), (CALLBACK_URL.to_owned(), None));
    }
}

#[tokio::test]
async fn in_application_mode_a_public_url_serves_callbacks_and_forms() {
    let callback = format!("{PUBLIC_URL}/gateway/v1/fake/_callback");
    for start_mode in [StartMode::Offline, StartMode::Network] {
        let (world, gateway) = (world(), gateway(start_mode, true));
        let redirect = redirect_url(&with(&world, &gateway, application(Some(PUBLIC_URL)))).await.unwrap();
        let token = redirect
            .strip_prefix(&format!("{PUBLIC_URL}/gateway/v1/_pay?eg_pg_txnid=T0001&token="))
            .unwrap_or_else(|| panic!("{redirect}"));
        assert_eq!(token.len(), 32, "a random token");
        assert_eq!(given(&gateway), (CALLBACK_URL.to_owned(), Some(callback.clone())));
    }
}

#[tokio::test]
async fn through_the_service_the_browser_comes_back_to_it() {
    let (world, gateway) = (world(), gateway(StartMode::Offline, false));
    let redirect = redirect_url(&with(&world, &gateway, service())).await.unwrap();
    assert_eq!(redirect, "https://fake.example/pay?order=T0001");
    let back = format!("{PUBLIC_URL}/transaction/v1/_redirect?eg_pg_txnid=T0001");
    assert_eq!(given(&gateway), (back, Some(format!("{PUBLIC_URL}/gateway/v1/fake/_callback"))));
}

#[tokio::test]
async fn a_form_that_cannot_be_shown_opens_no_order_and_leaves_the_bill_free() {
    for start_mode in [StartMode::Offline, StartMode::Network] {
        let (world, gateway) = (world(), gateway(start_mode, true));
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

#[tokio::test]
async fn the_web_client_of_upyog_finds_a_page_to_post_to_by_cutting_the_redirect_url() {
    let upyog = || Redirects::Service { public_url: PUBLIC_URL.to_owned(), upyog_form: true };
    for (start_mode, wants_form) in [
        (StartMode::Offline, false),
        (StartMode::Offline, true),
        (StartMode::Network, false),
        (StartMode::Network, true),
    ] {
        let (world, gateway) = (world(), gateway(start_mode, wants_form));
        let payments = with(&world, &gateway, upyog());
        let redirect = redirect_url(&payments).await.unwrap();
        let (_, query) = redirect.split_once('?').unwrap();
        let pairs: Vec<(&str, &str)> = query.split('&').map(|pair| pair.split_once('=').unwrap()).collect();
        let (name, page) = *pairs.last().unwrap();
        assert_eq!(name, "txURL");
        let segment = page.strip_prefix(&format!("{PUBLIC_URL}/gateway/v1/_pay/")).unwrap();
        let (id, opened) = payments.payment_pages.open_named(segment).await.unwrap();
        assert_eq!(id.as_str(), "T0001");
        match (wants_form, opened) {
            (true, PaymentPage::Pay(form)) => assert_eq!(form.action, "https://fake.example/form"),
            (false, PaymentPage::Follow(url)) => assert_eq!(url, "https://fake.example/pay?order=T0001"),
            (_, other) => panic!("{other:?}"),
        }
        for wrong in ["", "x", &segment[1..], &format!("{}{}", "0".repeat(32), &segment[32..])] {
            let refused = payments.payment_pages.open_named(wrong).await.unwrap_err();
            assert!(matches!(refused, PaymentPageError::NotFound), "{wrong}");
        }
    }
}

#[tokio::test]
async fn the_redirect_url_of_axis_is_followed_as_it_is() {
    let world = world();
    let gateway = Arc::new(FakeGateway::new("FAKE", StartMode::Offline));
    let upyog = Redirects::Service { public_url: PUBLIC_URL.to_owned(), upyog_form: true };
    let payments = world.with_ports(|ports| Ports {
        gateways: Gateways::new([
            Arc::new(FakeGateway::new("AXIS", StartMode::Offline)) as Arc<dyn Gateway>,
            gateway.clone(),
        ]),
        settings: Settings { redirects: upyog, ..ports.settings },
        ..ports
    });
    let mut axis = request(&[("B1", "100")]);
    axis.gateway = GatewayName::new("AXIS");
    let json = payments.creation.create(axis).await.unwrap().json;
    let txn: Value = serde_json::from_str(json.get()).unwrap();
    assert!(!txn["redirectUrl"].as_str().unwrap().contains("txURL"), "{}", txn["redirectUrl"]);
}
