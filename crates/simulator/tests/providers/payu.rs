//! PayU: the signed form, the way back, `verify_payment`.

use payment_simulator::providers::signature::payu::{command_hash, request_hash, response_hash};
use payment_simulator::providers::{Choice, PayuAccount, Provider, State, WayBack};
use secrecy::ExposeSecret;
use serde_json::Value;

use crate::world::{World, field, pairs};

pub(crate) fn form(world: &World, changes: &[(&str, &str)]) -> WayBack {
    let account = PayuAccount::default();
    let mut fields = pairs(&[
        ("key", &account.merchant_key),
        ("txnid", "PB_PG_2024_03_15_000123_45"),
        ("amount", "100.0"),
        ("productinfo", "Tax & Water + 2=2"),
        ("firstname", "José"),
        ("email", ""),
        ("phone", "9876500001"),
        ("surl", &format!("{}/success", world.service)),
        ("furl", &format!("{}/failure", world.service)),
        ("udf1", "one"),
    ]);
    for (name, value) in changes {
        fields.retain(|(known, _)| known != name);
        fields.push(((*name).to_owned(), (*value).to_owned()));
    }
    let hash = request_hash(&account.merchant_key, account.salt.expose_secret(), |name| field(&fields, name));
    fields.push(("hash".to_owned(), hash));
    WayBack::Post { action: world.url("/payu/_payment"), fields }
}

pub(crate) async fn verify(world: &World, var1: &str) -> Value {
    let account = PayuAccount::default();
    let (key, salt) = (&account.merchant_key, account.salt.expose_secret());
    let hash = command_hash(key, salt, "verify_payment", var1);
    let fields = pairs(&[("key", key), ("command", "verify_payment"), ("var1", var1), ("hash", &hash)]);
    let (status, body) = world.post_form("/payu/merchant/postservice.php?form=2", &fields).await;
    assert_eq!(status, 200);
    serde_json::from_str(&body).unwrap()
}

fn is_signed(fields: &[(String, String)]) -> bool {
    let account = PayuAccount::default();
    let value = |name: &str| field(fields, name);
    response_hash(&account.merchant_key, account.salt.expose_secret(), value) == field(fields, "hash")
}

#[tokio::test]
async fn a_merchants_server_that_posts_the_form_receives_the_pay_page() {
    let world = World::new().await;
    let (status, location) = world.visitor.follow(&form(&world, &[])).await.unwrap();
    assert!((300..=399).contains(&status), "{status}");
    let back = world.choose_and_return(&WayBack::Follow(location.unwrap()), Choice::Pay).await;
    assert_eq!((back.method.as_str(), back.path.as_str()), ("POST", "/success"));
}

#[tokio::test]
async fn a_payment_is_posted_to_the_success_address_and_found_by_asking() {
    let world = World::new().await;
    let back = world.choose_and_return(&form(&world, &[]), Choice::Pay).await;
    assert_eq!((back.method.as_str(), back.path.as_str()), ("POST", "/success"));
    let fields = back.form();
    assert!(is_signed(&fields));
    insta::assert_snapshot!(format!(
        "{:#}",
        serde_json::json!(fields.iter().filter(|(name, _)| name != "hash").collect::<Vec<_>>())
    ));
    insta::assert_snapshot!(format!("{:#}", verify(&world, "PB_PG_2024_03_15_000123_45").await));
    let entry = world.book(Provider::Payu, "PB_PG_2024_03_15_000123_45");
    assert_eq!(
        (entry.state, entry.taken.map(|taken| taken.minor), entry.status_calls),
        (State::Paid, Some(10_000), 1)
    );
}

#[tokio::test]
async fn a_declined_payment_is_posted_to_the_failure_address() {
    let world = World::new().await;
    let back = world.choose_and_return(&form(&world, &[]), Choice::Decline).await;
    assert_eq!(back.path, "/failure");
    assert!(is_signed(&back.form()));
    let answer = verify(&world, "PB_PG_2024_03_15_000123_45").await;
    assert_eq!(answer["transaction_details"]["PB_PG_2024_03_15_000123_45"]["status"], "failure");
}

#[tokio::test]
async fn several_orders_are_looked_up_at_once() {
    let world = World::new().await;
    world.visitor.open(&form(&world, &[("txnid", "T1")])).await.unwrap();
    let answer = verify(&world, "T1|T2").await;
    assert_eq!(answer["msg"], "1 out of 2 Transactions Fetched Successfully");
    assert_eq!(answer["transaction_details"]["T1"]["unmappedstatus"], "initiated");
    assert_eq!(answer["transaction_details"]["T2"]["mihpayid"], "Not Found");
    assert_eq!(verify(&world, "T2").await["status"], 0);
}

#[tokio::test]
async fn a_request_that_the_merchant_did_not_sign_is_refused() {
    let world = World::new().await;
    let WayBack::Post { action, fields } = form(&world, &[]) else { panic!("a form") };
    let forged: Vec<(String, String)> = fields
        .into_iter()
        .map(|(name, value)| if name == "amount" { (name, "1.00".to_owned()) } else { (name, value) })
        .collect();
    let refused = world.visitor.follow(&WayBack::Post { action, fields: forged }).await.unwrap();
    assert_eq!(refused, (400, None));
    for change in
        [("amount", "1.005"), ("amount", "-1"), ("key", "other"), ("surl", "ftp://x"), ("productinfo", "")]
    {
        assert_eq!(world.visitor.follow(&form(&world, &[change])).await.unwrap().0, 400, "{change:?}");
    }
    assert_eq!(world.providers.books(0, 10), []);
    let guess = pairs(&[
        ("key", &PayuAccount::default().merchant_key),
        ("command", "verify_payment"),
        ("var1", "T1"),
        ("hash", "00"),
    ]);
    let (_, body) = world.post_form("/payu/merchant/postservice.php?form=2", &guess).await;
    assert_eq!(body, r#"{"msg":"Invalid Hash.","status":0}"#);
    assert_eq!(world.post_form("/payu/merchant/postservice.php", &guess).await.0, 400);
}
