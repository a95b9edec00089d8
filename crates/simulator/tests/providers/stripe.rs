//! Stripe: sessions, idempotency keys, the way back, and signed events.

use payment_simulator::providers::signature::stripe::is_signed;
use payment_simulator::providers::{Choice, Provider, State, StripeAccount, WayBack};
use secrecy::ExposeSecret;
use serde_json::{Value, json};

use crate::world::{Received, World, pairs};

const ORDER: &str = "PB_PG_2024_03_15_000123_45";
/// Half an hour and a second behind the start of the world's clock.
const EXPIRES_AT: &str = "1710483133";

/// The parameters of a session, with changes.
fn parameters(world: &World, changes: &[(&str, &str)]) -> Vec<(String, String)> {
    let mut fields = pairs(&[
        ("mode", "payment"),
        ("success_url", &format!("{}&sid={{CHECKOUT_SESSION_ID}}", world.return_url())),
        ("cancel_url", &format!("{}&cancelled=1", world.return_url())),
        ("client_reference_id", ORDER),
        ("expires_at", EXPIRES_AT),
        ("line_items[0][quantity]", "1"),
        ("line_items[0][price_data][currency]", "usd"),
        ("line_items[0][price_data][unit_amount]", "1999"),
        ("line_items[0][price_data][product_data][name]", "Tax & Water + कर"),
        ("metadata[txnId]", ORDER),
        ("payment_intent_data[metadata][txnId]", ORDER),
    ]);
    for (name, value) in changes {
        fields.retain(|(known, _)| known != name);
        fields.push(((*name).to_owned(), (*value).to_owned()));
    }
    fields
}

/// A call with the account's key and an idempotency key.
async fn call(world: &World, path: &str, key: &str, fields: Option<&[(String, String)]>) -> (u16, Value) {
    let url = world.url(&format!("/stripe/v1/checkout/sessions{path}"));
    let request = match fields {
        Some(fields) => {
            let body = form_urlencoded::Serializer::new(String::new()).extend_pairs(fields).finish();
            world.http.post(url).header("content-type", "application/x-www-form-urlencoded").body(body)
        }
        None => world.http.get(url),
    };
    let secret_key = StripeAccount::default().secret_key;
    let request = request.bearer_auth(secret_key.expose_secret()).header("idempotency-key", key);
    let answer = request.send().await.unwrap();
    (answer.status().as_u16(), answer.json().await.unwrap())
}

async fn open(world: &World) -> Value {
    let (status, session) = call(world, "", ORDER, Some(&parameters(world, &[]))).await;
    assert_eq!(status, 200, "{session}");
    session
}

fn id(session: &Value) -> &str {
    session["id"].as_str().unwrap()
}

fn page(session: &Value) -> WayBack {
    WayBack::Follow(session["url"].as_str().unwrap().to_owned())
}

async fn asked(world: &World, session: &Value) -> Value {
    let (status, session) =
        call(world, &format!("/{}?expand[0]=payment_intent", id(session)), "", None).await;
    assert_eq!(status, 200, "{session}");
    session
}

fn states(session: &Value) -> (&str, &str, Option<&str>) {
    (
        session["status"].as_str().unwrap(),
        session["payment_status"].as_str().unwrap(),
        session["payment_intent"]["status"].as_str(),
    )
}

/// The events that have come, each with a good signature.
async fn events(world: &World) -> Vec<Value> {
    world.providers.tick().await;
    let secret = StripeAccount::default().webhook_secret;
    let event = |received: Received| {
        assert_eq!(received.path, "/pg-service/gateway/v1/stripe/_callback");
        let header = received.header("stripe-signature").to_owned();
        let sent_s = header.split([',', '=']).nth(1).unwrap().parse().unwrap();
        assert!(is_signed(secret.expose_secret(), &header, received.body.as_bytes(), sent_s, 0));
        serde_json::from_str(&received.body).unwrap()
    };
    world.merchant.take().into_iter().map(event).collect()
}

#[tokio::test]
async fn a_paid_session_is_found_by_asking_and_reported_once() {
    let world = World::new().await;
    let session = open(&world).await;
    assert_eq!(states(&session), ("open", "unpaid", None));
    assert_eq!(states(&asked(&world, &session).await), ("open", "unpaid", None));
    let back = world.choose_and_return(&page(&session), Choice::Pay).await;
    assert_eq!(back.path, format!("/back?eg_pg_txnid=T1&sid={}", id(&session)));
    insta::assert_snapshot!(format!("{:#}", asked(&world, &session).await));
    let told = events(&world).await;
    assert_eq!(told.len(), 1);
    insta::assert_snapshot!(format!("{:#}", told[0]));
    let entry = world.book(Provider::Stripe, ORDER);
    assert_eq!((entry.state, entry.status_calls), (State::Paid, 2));
    assert_eq!(entry.taken.map(|taken| (taken.minor, taken.currency.code())), Some((1_999, "USD")));
}

#[tokio::test]
async fn a_repeated_request_is_answered_with_the_same_session() {
    let world = World::new().await;
    let first = open(&world).await;
    world.choose_and_return(&page(&first), Choice::Pay).await;
    assert_eq!(open(&world).await, first, "as it was answered first");
    let other = parameters(&world, &[("line_items[0][price_data][unit_amount]", "2000")]);
    let (status, refused) = call(&world, "", ORDER, Some(&other)).await;
    assert_eq!((status, refused["error"]["type"].as_str()), (400, Some("idempotency_error")));
    // Another key opens another session of the same reference.
    let (_, another) = call(&world, "", "another", Some(&parameters(&world, &[]))).await;
    assert_ne!(id(&another), id(&first));
    assert_eq!(another["client_reference_id"], ORDER);
    assert_eq!(world.providers.books(0, 9).len(), 2);
}

#[tokio::test]
async fn a_session_is_closed_only_while_it_is_open() {
    let world = World::new().await;
    let session = open(&world).await;
    let expire = format!("/{}/expire", id(&session));
    let (status, closed) = call(&world, &expire, "", Some(&[])).await;
    assert_eq!((status, states(&closed)), (200, ("expired", "unpaid", None)));
    assert_eq!(events(&world).await[0]["type"], "checkout.session.expired");
    let (status, refused) = call(&world, &expire, "", Some(&[])).await;
    assert_eq!((status, refused["error"]["type"].as_str()), (400, Some("invalid_request_error")));
    assert!(world.visitor.open(page(&session)).await.is_err(), "it cannot be paid any more");
    let (status, _) = call(&world, "/cs_test_00/expire", "", Some(&[])).await;
    assert_eq!(status, 404);
}

#[tokio::test]
async fn a_session_expires_when_its_time_is_over() {
    let world = World::new().await;
    let session = open(&world).await;
    world.pass(1_801);
    assert_eq!(states(&asked(&world, &session).await), ("open", "unpaid", None));
    world.pass(1);
    assert_eq!(states(&asked(&world, &session).await), ("expired", "unpaid", None));
}

#[tokio::test]
async fn a_bank_that_takes_its_time_confirms_or_refuses_later() {
    let world = World::new().await;
    let session = open(&world).await;
    world.fault("stripe", ORDER, "pending").await;
    world.choose_and_return(&page(&session), Choice::Pay).await;
    assert_eq!(states(&asked(&world, &session).await), ("complete", "unpaid", Some("processing")));
    world.pass(20);
    assert_eq!(states(&asked(&world, &session).await), ("complete", "paid", Some("succeeded")));
    assert_eq!(events(&world).await[0]["type"], "checkout.session.async_payment_succeeded");

    let refused = parameters(&world, &[("client_reference_id", "T2"), ("expires_at", "1710484000")]);
    let (_, session) = call(&world, "", "T2", Some(&refused)).await;
    world.choose_and_return(&page(&session), Choice::Decline).await;
    let told = asked(&world, &session).await;
    assert_eq!(states(&told), ("complete", "unpaid", Some("requires_payment_method")));
    assert_eq!(events(&world).await[0]["type"], "checkout.session.async_payment_failed");
}

#[tokio::test]
async fn the_other_faults_show_in_the_session() {
    let world = World::new().await;
    let session = open(&world).await;
    world.choose_and_return(&page(&session), Choice::Pay).await;
    world.fault("stripe", ORDER, "unknown-code").await;
    assert_eq!(states(&asked(&world, &session).await).1, "under_review");
    world.fault("stripe", ORDER, "not-found").await;
    let (status, missing) = call(&world, &format!("/{}", id(&session)), "", None).await;
    assert_eq!((status, missing["error"]["code"].as_str()), (404, Some("resource_missing")));

    let other = parameters(&world, &[("client_reference_id", "T2")]);
    let (_, session) = call(&world, "", "T2", Some(&other)).await;
    world.fault("stripe", "T2", "wrong-currency").await;
    world.choose_and_return(&page(&session), Choice::Pay).await;
    let told = asked(&world, &session).await;
    assert_eq!((&told["amount_total"], &told["currency"]), (&json!(1_999), &json!("eur")));
}

#[tokio::test]
async fn requests_that_stripe_refuses_are_refused() {
    let world = World::new().await;
    for (change, code) in [
        (("mode", "setup"), "parameter_invalid"),
        (("expires_at", "1710483131"), "parameter_invalid"),
        (("expires_at", "1710567733"), "parameter_invalid"),
        (("expires_at", ""), "parameter_invalid"),
        (("client_reference_id", ""), "parameter_invalid"),
        (("cancel_url", "javascript:alert(1)"), "parameter_invalid"),
        (("customer_email", "nobody"), "parameter_invalid"),
        (("line_items[0][quantity]", "2"), "parameter_invalid"),
        (("line_items[0][price_data][unit_amount]", "19.99"), "parameter_invalid"),
        (("line_items[0][price_data][unit_amount]", "0"), "parameter_invalid"),
        (("line_items[0][price_data][currency]", "USD"), "parameter_invalid"),
        (("line_items[0][price_data][currency]", "kwd"), "parameter_invalid"),
        (("line_items[0][price_data][product_data][name]", " "), "parameter_invalid"),
        (("line_items[0][price_data][tax_behavior]", "x"), "parameter_unknown"),
        (("payment_intent_data[description]", "x"), "parameter_unknown"),
    ] {
        let (status, refused) = call(&world, "", "", Some(&parameters(&world, &[change]))).await;
        assert_eq!((status, refused["error"]["code"].as_str()), (400, Some(code)), "{change:?}: {refused}");
    }
    let url = world.url("/stripe/v1/checkout/sessions");
    let answer = world.http.post(url).bearer_auth("sk_test_other").send().await.unwrap();
    assert_eq!(answer.status().as_u16(), 401);
    assert_eq!(world.providers.books(0, 9), []);
}

#[tokio::test]
async fn amounts_are_in_stripes_unit() {
    let world = World::new().await;
    for (number, (code, unit_amount, minor)) in [
        ("jpy", "1500", 1_500),
        ("isk", "50000", 500),
        ("ugx", "100", 1),
        ("mga", "7", 700),
        ("huf", "150", 150),
    ]
    .into_iter()
    .enumerate()
    {
        let order = format!("T{number}");
        let changes = [
            ("client_reference_id", order.as_str()),
            ("line_items[0][price_data][currency]", code),
            ("line_items[0][price_data][unit_amount]", unit_amount),
        ];
        let (status, session) = call(&world, "", &order, Some(&parameters(&world, &changes))).await;
        assert_eq!((status, session["amount_total"].to_string()), (200, unit_amount.to_owned()), "{session}");
        assert_eq!(world.book(Provider::Stripe, &order).amount.minor, minor, "{code}");
    }
    let fraction =
        [("line_items[0][price_data][currency]", "isk"), ("line_items[0][price_data][unit_amount]", "50050")];
    assert_eq!(call(&world, "", "", Some(&parameters(&world, &fraction))).await.0, 400);
}
