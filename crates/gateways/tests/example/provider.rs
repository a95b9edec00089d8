//! Chaipay's side, made up like Chaipay itself, and the test's hand at it.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use axum::extract::{RawQuery, State};
use axum::routing::get;
use axum::{Json, Router};
use payment_domain::{Currency, Money, RefundId, SystemClock, TxnId};
use payment_gateway::conformance::{
    Deed, Forgery, Notification, Proof, Provider, RefundDeed, Seen, with_param,
};
use payment_gateway::{Answer, Gateway, Params, Redirect};
use payment_gateways::account::RedirectThrough;
use payment_gateways::client::{Client, Limits};
use payment_gateways::{digest, form};
use serde_json::{Value, json};

use crate::chaipay;

const MERCHANT: &str = "CITY";
const SECRET: &str = "chaipay's secret & more";

#[derive(Clone)]
struct Held {
    paise: i64,
    state: &'static str,
    back: String,
}

type Books = Arc<Mutex<HashMap<String, Held>>>;

pub(crate) struct Made {
    base_url: String,
    books: Books,
}

fn is_signed(fields: &[(String, String)]) -> bool {
    let Some(((name, sign), signed)) = fields.split_last() else { return false };
    let expected = digest::hmac_sha256(SECRET.as_bytes(), form::encode(signed).as_bytes());
    name == "sign" && digest::equals_hex(&expected, sign)
}

fn value<'a>(fields: &'a [(String, String)], name: &str) -> &'a str {
    fields.iter().find(|(field, _)| field == name).map_or("", |(_, value)| value)
}

async fn orders(State(books): State<Books>, RawQuery(query): RawQuery) -> Json<Value> {
    let fields = form::decode(query.unwrap_or_default().as_bytes());
    if !is_signed(&fields) {
        return Json(json!({"error": "not signed"}));
    }
    let order = value(&fields, "order");
    Json(match books.lock().unwrap().get(order) {
        None => json!({"order": order, "currency": "INR", "state": "NO_SUCH_ORDER"}),
        Some(held) => json!({"order": order, "currency": "INR", "state": held.state, "paise": held.paise,
            "payment": "CHAI-1", "cup": "Zzyzx Quux"}),
    })
}

pub(crate) async fn provider() -> Arc<dyn Provider> {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let base_url = format!("http://{}", listener.local_addr().unwrap());
    let books = Books::default();
    let router = Router::new().route("/orders", get(orders)).with_state(books.clone());
    tokio::spawn(async move { axum::serve(listener, router).await });
    Arc::new(Made { base_url, books })
}

#[async_trait]
impl Provider for Made {
    fn gateway(&self) -> Arc<dyn Gateway> {
        self.gateway_at(&self.base_url, Duration::from_secs(20))
    }

    fn gateway_at(&self, base_url: &str, timeout: Duration) -> Arc<dyn Gateway> {
        let settings = [
            ("chaipay.merchant.id", MERCHANT),
            ("chaipay.merchant.secret", SECRET),
            ("chaipay.url", base_url),
        ];
        let account = chaipay::ADAPTER.account(settings, RedirectThrough::Service).unwrap();
        let client = Client::new(Limits { total_timeout: timeout, ..Limits::default() }).unwrap();
        account.adapter(client, Arc::new(SystemClock))
    }

    fn notify_url(&self) -> String {
        "http://127.0.0.1:9/never".to_owned()
    }

    async fn arrive(&self, redirect: &Redirect) -> Seen {
        let Redirect::To(url) = redirect else { panic!("Chaipay is followed to") };
        let fields = form::decode(url.split_once("/pay?").expect("the pay page").1.as_bytes());
        assert!(is_signed(&fields), "the link is signed");
        assert_eq!(value(&fields, "merchant"), MERCHANT);
        let (order, paise) = (value(&fields, "order").to_owned(), value(&fields, "paise").parse().unwrap());
        let opened = Held { paise, state: "OPEN", back: value(&fields, "back").to_owned() };
        let held = self.books.lock().unwrap().entry(order.clone()).or_insert(opened).clone();
        Seen { order, amount: Money::from_minor(held.paise, Currency::INR).unwrap() }
    }

    async fn does(&self, order: &TxnId, deed: Deed) {
        let mut books = self.books.lock().unwrap();
        let held = books.get_mut(order.as_str()).expect("the payer is at the pay page");
        held.state = match deed {
            Deed::IsPaid | Deed::IsPaidAtLast => "PAID",
            Deed::IsPaidOtherwise => {
                held.paise -= 100;
                "PAID"
            }
            Deed::IsDeclined | Deed::IsDeclinedForNow => "REFUSED",
            Deed::IsPending => "BREWING",
            Deed::IsUnheardOf => "SPILLED",
            Deed::IsPaidInAnotherCurrency => panic!("it takes rupees alone"),
        };
    }

    fn never(&self) -> Vec<Deed> {
        vec![Deed::IsPaidInAnotherCurrency]
    }

    async fn notifications(&self, order: &TxnId) -> Vec<Notification> {
        let held = self.books.lock().unwrap()[order.as_str()].clone();
        let paise = held.paise.to_string();
        let signed = [
            ("merchant", MERCHANT),
            ("order", order.as_str()),
            ("paise", &paise),
            ("state", held.state),
            ("payment", "CHAI-1"),
        ];
        let sign = hex::encode(digest::hmac_sha256(SECRET.as_bytes(), form::encode(&signed).as_bytes()));
        let mut pairs = form::decode(held.back.split_once('?').unwrap().1.as_bytes());
        pairs.extend(
            signed
                .iter()
                .chain([&("sign", sign.as_str())])
                .map(|(name, value)| ((*name).to_owned(), (*value).to_owned())),
        );
        vec![Notification {
            answer: Answer::of_params(Params::new(pairs)),
            by_browser: true,
            proof: Proof::Content,
        }]
    }

    fn forged(&self, notification: &Notification, forgery: &Forgery) -> Option<Answer> {
        let (name, value) = match forgery {
            Forgery::Signature => ("sign", "0".repeat(64)),
            Forgery::Order(other) => ("order", other.to_string()),
            Forgery::Amount => ("paise", "1".to_owned()),
            Forgery::Outcome if notification.answer.params.get("state") == Some("PAID") => {
                ("state", "REFUSED".to_owned())
            }
            Forgery::Outcome => ("state", "PAID".to_owned()),
        };
        Some(with_param(&notification.answer, name, &value))
    }

    async fn refunds_are(&self, _payment: &TxnId, _deed: RefundDeed) -> bool {
        false
    }

    async fn ends(&self, refund: &RefundId) {
        panic!("it knows no {refund}");
    }

    async fn given_back(&self, _payment: &TxnId) -> Vec<(String, i64)> {
        Vec::new()
    }

    fn asks_before_it_refunds(&self) -> bool {
        false
    }

    fn secrets(&self) -> Vec<String> {
        vec![SECRET.to_owned()]
    }
}
