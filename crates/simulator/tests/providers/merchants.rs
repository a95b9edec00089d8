//! Several merchants of one provider: each is known by its own keys, and sees its own orders.

use payment_simulator::providers::signature::payu::{command_hash, request_hash, response_hash};
use payment_simulator::providers::{Choice, PayuAccount, Provider, State, WayBack};
use secrecy::ExposeSecret;
use serde_json::Value;

use crate::world::{World, field, pairs};

fn account(key: &str, salt: &str) -> PayuAccount {
    PayuAccount { merchant_key: key.to_owned(), salt: salt.into(), webhook_url: None }
}

fn form(world: &World, account: &PayuAccount, id: &str) -> WayBack {
    let back = format!("{}/back", world.service);
    let mut fields = pairs(&[
        ("key", &account.merchant_key),
        ("txnid", id),
        ("amount", "100.0"),
        ("productinfo", "Tax"),
        ("firstname", "Asha"),
        ("email", ""),
        ("surl", &back),
        ("furl", &back),
    ]);
    let hash = request_hash(&account.merchant_key, account.salt.expose_secret(), |name| field(&fields, name));
    fields.push(("hash".to_owned(), hash));
    WayBack::Post { action: world.url("/payu/_payment"), fields }
}

/// The status of an order by this merchant's question; `refused` where its keys are not taken.
async fn asked(world: &World, account: &PayuAccount, id: &str) -> String {
    let hash = command_hash(&account.merchant_key, account.salt.expose_secret(), "verify_payment", id);
    let fields = pairs(&[
        ("key", &account.merchant_key),
        ("command", "verify_payment"),
        ("var1", id),
        ("hash", &hash),
    ]);
    let (_, body) = world.post_form("/payu/merchant/postservice.php?form=2", &fields).await;
    let body: Value = serde_json::from_str(&body).unwrap();
    body["transaction_details"][id]["status"].as_str().unwrap_or("refused").to_owned()
}

#[tokio::test]
async fn a_merchant_is_known_by_any_of_its_keys_and_sees_its_own_orders_alone() {
    let (first, second) = (account("CityKey", "first salt"), account("CityKey", "second salt"));
    let other = account("TownKey", "town salt");
    let accounts = [("city", &first), ("city", &second), ("town", &other)];
    let world = World::with(|settings| {
        for (name, payu) in accounts {
            let mut merchant = settings.merchant(name);
            merchant.payu = payu.clone();
            settings.others.push(merchant);
        }
    })
    .await;
    for (id, name, account) in [("T1", "city", &first), ("T2", "city", &second), ("T3", "town", &other)] {
        let back = world.choose_and_return(&form(&world, account, id), Choice::Pay).await.form();
        let hash = response_hash(&account.merchant_key, account.salt.expose_secret(), |field_name| {
            field(&back, field_name)
        });
        assert_eq!(field(&back, "hash"), hash, "{id} is signed with the keys that opened it");
        let entry = world.book(Provider::Payu, id);
        assert_eq!((entry.merchant.as_str(), entry.state), (name, State::Paid));
    }
    for (account, statuses) in [
        (&first, ["success", "success", "Not Found"]),
        (&second, ["success", "success", "Not Found"]),
        (&other, ["Not Found", "Not Found", "success"]),
        (&PayuAccount::default(), ["Not Found"; 3]),
        (&account("CityKey", "town salt"), ["refused"; 3]),
        (&account("StrangeKey", "town salt"), ["refused"; 3]),
    ] {
        for (id, status) in ["T1", "T2", "T3"].into_iter().zip(statuses) {
            assert_eq!(asked(&world, account, id).await, status, "{} {id}", account.merchant_key);
        }
    }
    let forged = world.visitor.open(&form(&world, &account("CityKey", "town salt"), "T4")).await;
    assert!(forged.is_err() && world.providers.book_entry_of(Provider::Payu, "T4").is_none());
}
