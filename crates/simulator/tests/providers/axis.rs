//! Axis: the signed link, the way back, `queryDR`.

use payment_simulator::providers::signature::axis::{HASH, HASH_TYPE, is_valid, sign};
use payment_simulator::providers::{AxisAccount, Choice, Provider, State, WayBack};
use secrecy::ExposeSecret;

use crate::world::{World, borrowed, field, pairs};

fn secret() -> Vec<u8> {
    hex::decode(AxisAccount::default().secret_hex.expose_secret()).unwrap()
}

fn members(world: &World, changes: &[(&str, &str)]) -> Vec<(String, String)> {
    let account = AxisAccount::default();
    let mut members = pairs(&[
        ("vpc_Version", "1"),
        ("vpc_Command", "pay"),
        ("vpc_AccessCode", &account.access_code),
        ("vpc_Merchant", &account.merchant_id),
        ("vpc_Locale", "en_IN"),
        ("vpc_Currency", "INR"),
        ("vpc_ReturnURL", &world.return_url()),
        ("vpc_MerchTxnRef", "PB_PG_2024_03_15_000123_45"),
        ("vpc_OrderInfo", "Tax & Water + 2=2"),
        ("vpc_Amount", "1999"),
    ]);
    for (name, value) in changes {
        members.retain(|(known, _)| known != name);
        members.push(((*name).to_owned(), (*value).to_owned()));
    }
    members
}

fn link(world: &World, mut members: Vec<(String, String)>) -> WayBack {
    let hash = sign(&secret(), borrowed(&members));
    members.extend(pairs(&[(HASH, &hash), (HASH_TYPE, "SHA256")]));
    let query = form_urlencoded::Serializer::new(String::new()).extend_pairs(&members).finish();
    WayBack::Follow(world.url(&format!("/axis/vpcpay?{query}")))
}

async fn status(world: &World, changes: &[(&str, &str)]) -> Vec<(String, String)> {
    let account = AxisAccount::default();
    let mut fields = pairs(&[
        ("vpc_Version", "1"),
        ("vpc_Command", "queryDR"),
        ("vpc_AccessCode", &account.access_code),
        ("vpc_Merchant", &account.merchant_id),
        ("vpc_MerchTxnRef", "PB_PG_2024_03_15_000123_45"),
        ("vpc_User", &account.user),
        ("vpc_Password", account.password.expose_secret()),
    ]);
    for (name, value) in changes {
        fields.retain(|(known, _)| known != name);
        fields.push(((*name).to_owned(), (*value).to_owned()));
    }
    let (status, body) = world.post_form("/axis/vpcdps", &fields).await;
    assert_eq!(status, 200);
    form_urlencoded::parse(body.as_bytes()).into_owned().collect()
}

#[tokio::test]
async fn a_payment_comes_back_signed_and_is_found_by_asking() {
    let world = World::new().await;
    assert_eq!(field(&status(&world, &[]).await, "vpc_DRExists"), "N");
    let back = world.choose_and_return(&link(&world, members(&world, &[])), Choice::Pay).await;
    assert_eq!(back.method, "GET");
    let query = back.path.strip_prefix("/back?eg_pg_txnid=T1&").unwrap();
    let returned: Vec<(String, String)> = form_urlencoded::parse(query.as_bytes()).into_owned().collect();
    assert!(is_valid(&secret(), borrowed(&returned), field(&returned, HASH)));
    insta::assert_snapshot!(format!(
        "{:#}",
        serde_json::json!(returned.iter().filter(|(name, _)| name != HASH).collect::<Vec<_>>())
    ));
    let answer = status(&world, &[]).await;
    assert_eq!(
        (field(&answer, "vpc_DRExists"), field(&answer, "vpc_TxnResponseCode"), field(&answer, "vpc_Amount")),
        ("Y", "0", "1999")
    );
    let entry = world.book(Provider::Axis, "PB_PG_2024_03_15_000123_45");
    assert_eq!(
        (entry.state, entry.taken.map(|taken| taken.minor), entry.status_calls),
        (State::Paid, Some(1_999), 1)
    );
}

#[tokio::test]
async fn a_declined_payment_took_nothing_and_one_that_was_left_has_no_record() {
    let world = World::new().await;
    let way = link(&world, members(&world, &[]));
    assert_eq!(world.choose(&way, Choice::Leave).await, None);
    assert_eq!(field(&status(&world, &[]).await, "vpc_DRExists"), "N");
    let back = world.choose_and_return(&way, Choice::Decline).await;
    assert!(back.path.contains("vpc_TxnResponseCode=2"), "{}", back.path);
    let answer = status(&world, &[]).await;
    assert_eq!((field(&answer, "vpc_DRExists"), field(&answer, "vpc_TxnResponseCode")), ("Y", "2"));
    assert_eq!(world.book(Provider::Axis, "PB_PG_2024_03_15_000123_45").taken, None);
}

#[tokio::test]
async fn a_link_that_was_changed_opens_nothing() {
    let world = World::new().await;
    let WayBack::Follow(good) = link(&world, members(&world, &[])) else { panic!("a link") };
    let forged = good.replace("vpc_Amount=1999", "vpc_Amount=1");
    let unsigned = good.split("&vpc_SecureHash=").next().unwrap().to_owned();
    for url in [forged, unsigned, good.replace("SHA256", "MD5"), format!("{good}&vpc_Amount=1999")] {
        let answer = world.http.get(&url).send().await.unwrap();
        assert_eq!(answer.status(), 400, "{url}");
        assert!(answer.headers().get("location").is_none(), "no browser is sent on");
    }
    for change in [
        ("vpc_Merchant", "SOMEBODY"),
        ("vpc_AccessCode", "00000000"),
        ("vpc_Command", "refund"),
        ("vpc_Version", "2"),
        ("vpc_Currency", "USD"),
        ("vpc_Amount", "19.99"),
        ("vpc_Amount", "0"),
        ("vpc_MerchTxnRef", "a reference of more than forty characters"),
        ("vpc_OrderInfo", "an information of over 34 characters"),
        ("vpc_ReturnURL", "javascript:alert(1)"),
    ] {
        let WayBack::Follow(url) = link(&world, members(&world, &[change])) else { panic!("a link") };
        assert_eq!(world.http.get(&url).send().await.unwrap().status(), 400, "{change:?}");
    }
    assert_eq!(world.providers.books(0, 10), []);
}

#[tokio::test]
async fn an_order_cannot_be_opened_again_with_another_amount() {
    let world = World::new().await;
    world.visitor.open(&link(&world, members(&world, &[]))).await.unwrap();
    world.visitor.open(&link(&world, members(&world, &[]))).await.unwrap();
    let WayBack::Follow(url) = link(&world, members(&world, &[("vpc_Amount", "1")])) else {
        panic!("a link")
    };
    assert_eq!(world.http.get(&url).send().await.unwrap().status(), 400);
    assert_eq!(world.providers.books(0, 10)[0].amount.minor, 1_999);
}

#[tokio::test]
async fn only_the_operator_receives_a_result() {
    let world = World::new().await;
    world.choose(&link(&world, members(&world, &[])), Choice::Pay).await;
    for change in [
        ("vpc_Password", "guess"),
        ("vpc_User", "x"),
        ("vpc_Merchant", "x"),
        (HASH, "00"),
        ("vpc_Command", "pay"),
    ] {
        let answer = status(&world, &[change]).await;
        assert_eq!(field(&answer, "vpc_TxnResponseCode"), "7", "{change:?}");
        assert_eq!(field(&answer, "vpc_DRExists"), "");
    }
    assert_eq!(world.providers.books(0, 1)[0].status_calls, 0);
}
