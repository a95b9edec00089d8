//! The providers, played by the simulator.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use payment_domain::{Currency, Money, RefundId, SystemClock, TxnId};
use payment_gateway::conformance::{
    Deed, Forgery, Notification, Proof, Provider, RefundDeed, Seen, with_param,
};
use payment_gateway::{Answer, Currencies, Gateway, Params, Redirect};
use payment_gateways::account::RedirectThrough;
use payment_gateways::client::{Client, Limits};
use payment_gateways::{axis, ccavenue, hyperswitch, paytm, payu, phonepe, razorpay, stripe};
use payment_simulator::providers::signature::ccavenue as cipher;
use payment_simulator::providers::{
    self as simulator, Choice, Fault, PayPage, Providers, ProvidersSettings, RefundState, RefundTwist, Twist,
    Visitor, WayBack,
};
use serde_json::Value;

use crate::form::{self, Fields};
use crate::receiver::Receiver;

/// An account at a provider, and the protocol that is spoken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Account {
    Axis,
    Ccavenue,
    Hyperswitch,
    PaytmLegacy,
    PaytmV3,
    Payu,
    PhonepeLegacy,
    PhonepeV1,
    PhonepeV2,
    Razorpay,
    Stripe,
}

impl Account {
    pub(crate) const ALL: [Account; 11] = [
        Account::Axis,
        Account::Ccavenue,
        Account::Hyperswitch,
        Account::PaytmLegacy,
        Account::PaytmV3,
        Account::Payu,
        Account::PhonepeLegacy,
        Account::PhonepeV1,
        Account::PhonepeV2,
        Account::Razorpay,
        Account::Stripe,
    ];

    fn provider(self) -> simulator::Provider {
        match self {
            Account::Axis => simulator::Provider::Axis,
            Account::Ccavenue => simulator::Provider::Ccavenue,
            Account::Hyperswitch => simulator::Provider::Hyperswitch,
            Account::PaytmLegacy | Account::PaytmV3 => simulator::Provider::Paytm,
            Account::Payu => simulator::Provider::Payu,
            Account::PhonepeLegacy | Account::PhonepeV1 | Account::PhonepeV2 => simulator::Provider::Phonepe,
            Account::Razorpay => simulator::Provider::Razorpay,
            Account::Stripe => simulator::Provider::Stripe,
        }
    }

    fn protocol(self) -> Option<(&'static str, &'static str)> {
        match self {
            Account::Axis
            | Account::Ccavenue
            | Account::Hyperswitch
            | Account::Payu
            | Account::Razorpay
            | Account::Stripe => None,
            Account::PaytmLegacy => Some(("paytm.protocol", "legacy")),
            Account::PaytmV3 => Some(("paytm.protocol", "v3")),
            Account::PhonepeLegacy => Some(("phonepe.protocol", "legacy")),
            Account::PhonepeV1 => Some(("phonepe.protocol", "v1")),
            Account::PhonepeV2 => Some(("phonepe.protocol", "v2")),
        }
    }

    /// The evidential value of the browser's notification, and that of the provider's server.
    fn proofs(self) -> (Proof, Proof) {
        match self {
            // Axis sends none from its server.
            Account::Axis | Account::PaytmLegacy | Account::PaytmV3 | Account::Payu => {
                (Proof::Content, Proof::Content)
            }
            // Encrypted, and not signed.
            Account::Ccavenue => (Proof::Nothing, Proof::Nothing),
            Account::PhonepeLegacy | Account::PhonepeV1 | Account::Stripe => (Proof::Nothing, Proof::Content),
            Account::PhonepeV2 => (Proof::Nothing, Proof::Sender),
            // The signed text of a redirect has several readings.
            Account::Hyperswitch => (Proof::Sender, Proof::Content),
            // The browser's message has no amount.
            Account::Razorpay => (Proof::Sender, Proof::Content),
        }
    }

    fn adapter(
        self,
        properties: HashMap<&str, String>,
        through: RedirectThrough,
        client: Client,
    ) -> Arc<dyn Gateway> {
        let adapter = match self {
            Account::Axis => axis::ADAPTER,
            Account::Ccavenue => ccavenue::ADAPTER,
            Account::Hyperswitch => hyperswitch::ADAPTER,
            Account::PaytmLegacy | Account::PaytmV3 => paytm::ADAPTER,
            Account::Payu => payu::ADAPTER,
            Account::PhonepeLegacy | Account::PhonepeV1 | Account::PhonepeV2 => phonepe::ADAPTER,
            Account::Razorpay => razorpay::ADAPTER,
            Account::Stripe => stripe::ADAPTER,
        };
        adapter.account(properties, through).unwrap().adapter(client, Arc::new(SystemClock))
    }

    /// The fields in which its signed forms can be forged.
    fn fields(self) -> Fields {
        match self {
            Account::Axis => Fields {
                signature: "vpc_SecureHash",
                order: "vpc_MerchTxnRef",
                amount: "vpc_Amount",
                outcome: "vpc_TxnResponseCode",
                words: ["0", "2"],
            },
            // In the message once it is decrypted.
            Account::Ccavenue => Fields {
                signature: "encResp",
                order: "order_id",
                amount: "amount",
                outcome: "order_status",
                words: ["Success", "Failure"],
            },
            Account::Hyperswitch => Fields {
                signature: "signature",
                order: hyperswitch::REFERENCE,
                amount: "amount",
                outcome: "status",
                words: ["succeeded", "failed"],
            },
            Account::PaytmLegacy | Account::PaytmV3 => Fields {
                signature: "CHECKSUMHASH",
                order: "ORDERID",
                amount: "TXNAMOUNT",
                outcome: "STATUS",
                words: ["TXN_SUCCESS", "TXN_FAILURE"],
            },
            Account::Payu => Fields {
                signature: "hash",
                order: "txnid",
                amount: "amount",
                outcome: "status",
                words: ["success", "failure"],
            },
            Account::PhonepeLegacy | Account::PhonepeV1 | Account::PhonepeV2 => Fields {
                signature: "checksum",
                order: "transactionId",
                amount: "amount",
                outcome: "code",
                words: ["PAYMENT_SUCCESS", "PAYMENT_ERROR"],
            },
            Account::Razorpay => Fields {
                signature: "razorpay_signature",
                order: razorpay::REFERENCE,
                amount: "razorpay_amount",
                outcome: "razorpay_payment_link_status",
                words: ["paid", "expired"],
            },
            // Its webhooks are JSON; the browser's return has none of these.
            Account::Stripe => Fields {
                signature: "signature",
                order: "client_reference_id",
                amount: "amount_total",
                outcome: "payment_status",
                words: ["paid", "unpaid"],
            },
        }
    }
}

pub(crate) struct Simulated {
    account: Account,
    redirect_through: RedirectThrough,
    simulator: Providers,
    base_url: String,
    visitor: Visitor,
    http: reqwest::Client,
    receiver: Receiver,
    pages: Mutex<HashMap<String, PayPage>>,
    ways_back: Mutex<HashMap<String, WayBack>>,
}

pub(crate) async fn provider(account: Account) -> Arc<dyn Provider> {
    simulated(account, RedirectThrough::Service).await
}

/// The same, for tests that set faults.
pub(crate) async fn at_fault(account: Account) -> Arc<Simulated> {
    simulated(account, RedirectThrough::Service).await
}

/// The same where no page of the service can be shown.
pub(crate) async fn provider_through_application(account: Account) -> Arc<dyn Provider> {
    simulated(account, RedirectThrough::Application).await
}

async fn simulated(account: Account, redirect_through: RedirectThrough) -> Arc<Simulated> {
    let receiver = Receiver::start().await;
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let base_url = format!("http://{}", listener.local_addr().unwrap());
    let mut settings = ProvidersSettings::new(&base_url);
    settings.ccavenue.webhook_url = Some(receiver.url.clone());
    settings.hyperswitch.webhook_url = Some(receiver.url.clone());
    settings.paytm.webhook_url = Some(receiver.url.clone());
    settings.phonepe.webhook_url = Some(receiver.url.clone());
    settings.payu.webhook_url = Some(receiver.url.clone());
    settings.razorpay.webhook_url = Some(receiver.url.clone());
    settings.stripe.webhook_url = Some(receiver.url.clone());
    let simulator = Providers::new(settings).unwrap();
    let router = simulator.router();
    tokio::spawn(async move { axum::serve(listener, router).await });
    let visitor = Visitor::new(Duration::from_secs(20)).unwrap();
    let http = reqwest::Client::new();
    let (pages, ways_back) = Default::default();
    Arc::new(Simulated {
        account,
        redirect_through,
        simulator,
        base_url,
        visitor,
        http,
        receiver,
        pages,
        ways_back,
    })
}

impl Simulated {
    pub(crate) fn base_url(&self) -> &str {
        &self.base_url
    }

    /// The later state of a refund comes, if the provider knows it.
    pub(crate) fn end_refund(&self, refund: &RefundId) {
        let _ = self.simulator.elapse_refund(self.account.provider(), &self.number_of(refund));
    }

    /// The provider's key of a refund.
    fn number_of(&self, refund: &RefundId) -> String {
        let is_hyperswitch = self.account == Account::Hyperswitch;
        if is_hyperswitch { hyperswitch::refund::refund_number(refund) } else { refund.to_string() }
    }

    /// A fault of a refund.
    pub(crate) fn set_refund_fault(&self, refund: &RefundId, fault: Option<Fault>) {
        self.set_fault(&self.number_of(refund), fault);
    }

    /// A fault of an order or of a refund.
    pub(crate) fn set_fault(&self, id: &str, fault: Option<Fault>) {
        assert!(self.simulator.set_fault(self.account.provider(), id, fault));
    }

    fn properties(&self, base_url: &str) -> HashMap<&'static str, String> {
        let mut properties: HashMap<&str, String> = self.simulator.properties(base_url).into_iter().collect();
        properties.insert("phonepe.v2.auth.host", format!("{}/phonepe", self.base_url));
        properties.extend(self.account.protocol().map(|(name, protocol)| (name, protocol.to_owned())));
        properties
    }

    /// The payer chooses on the page they are at.
    async fn choose(&self, order: &TxnId, choice: Choice) {
        let page = self.pages.lock().unwrap().remove(order.as_str()).expect("the payer is at the pay page");
        let way_back = self.visitor.choose(&page, choice).await.unwrap();
        self.ways_back.lock().unwrap().extend(way_back.map(|way| (order.to_string(), way)));
    }

    fn pays_with(twist: Twist) -> Choice {
        Choice::PayWith(Fault::Order(twist))
    }

    /// Delivers later messages, after the browser came back.
    async fn elapse(&self, order: &TxnId) {
        self.end(order).await;
        self.ways_back.lock().unwrap().remove(order.as_str());
    }

    async fn end(&self, order: &TxnId) {
        let provider = self.account.provider().path();
        let url = format!("{}/control/orders/{provider}/{order}/elapse", self.base_url);
        assert!(self.http.post(url).send().await.unwrap().status().is_success());
    }
}

#[async_trait]
impl Provider for Simulated {
    fn gateway(&self) -> Arc<dyn Gateway> {
        self.gateway_at(&self.base_url, Duration::from_secs(20))
    }

    fn gateway_at(&self, base_url: &str, timeout: Duration) -> Arc<dyn Gateway> {
        let client = Client::new(Limits { total_timeout: timeout, ..Limits::default() }).unwrap();
        self.account.adapter(self.properties(base_url), self.redirect_through, client)
    }

    fn notify_url(&self) -> String {
        self.receiver.url.clone()
    }

    async fn arrive(&self, redirect: &Redirect) -> Seen {
        let way = match redirect.clone() {
            Redirect::To(url) => WayBack::Follow(url),
            Redirect::Form { action, fields } => WayBack::Post { action, fields },
        };
        let page = self.visitor.open(&way).await.expect("the provider accepts the payment");
        let named = page.fields.iter().find(|(name, _)| name == "order").expect("the page names its order");
        let order = named.1.clone();
        self.pages.lock().unwrap().insert(order.clone(), page);
        let entry = self.simulator.book_entry_of(self.account.provider(), &order).unwrap();
        let currency = Currency::from_code(entry.amount.currency.code()).unwrap();
        Seen { order: entry.order, amount: Money::from_minor(entry.amount.minor, currency).unwrap() }
    }

    async fn does(&self, order: &TxnId, deed: Deed) {
        let later = 3600;
        match deed {
            Deed::IsPaid => self.choose(order, Choice::Pay).await,
            Deed::IsPaidOtherwise => self.choose(order, Self::pays_with(Twist::WrongAmount)).await,
            Deed::IsPaidInAnotherCurrency => {
                self.choose(order, Self::pays_with(Twist::WrongCurrency)).await;
            }
            Deed::IsDeclined => {
                self.choose(order, Choice::Decline).await;
                if self.account == Account::Hyperswitch {
                    // Until its link has ended, another attempt may succeed.
                    self.end(order).await;
                }
            }
            Deed::IsPending => self.choose(order, Self::pays_with(Twist::Pending { seconds: later })).await,
            Deed::IsDeclinedForNow => {
                self.choose(order, Self::pays_with(Twist::PaidAfterDeclined { seconds: later })).await;
            }
            Deed::IsPaidAtLast => self.elapse(order).await,
            Deed::IsUnheardOf => self.choose(order, Self::pays_with(Twist::UnknownCode)).await,
        }
    }

    fn never(&self) -> Vec<Deed> {
        let takes_rupees_alone = self.gateway().profile().currencies == Currencies::RUPEES;
        // A failed payment may still be paid: it is not declined.
        let is_retried = self.account == Account::Hyperswitch;
        [(takes_rupees_alone, Deed::IsPaidInAnotherCurrency), (is_retried, Deed::IsDeclinedForNow)]
            .into_iter()
            .filter_map(|(never, deed)| never.then_some(deed))
            .collect()
    }

    async fn notifications(&self, order: &TxnId) -> Vec<Notification> {
        let (by_browser, by_server) = self.account.proofs();
        let way = self.ways_back.lock().unwrap().get(order.as_str()).cloned();
        let answer = way.map(|way| match way {
            WayBack::Follow(url) => form::brought_by_browser(&url, Vec::new()),
            WayBack::Post { action, fields } => form::brought_by_browser(&action, fields),
        });
        let mut notifications: Vec<Notification> = answer
            .map(|answer| Notification { answer, by_browser: true, proof: by_browser })
            .into_iter()
            .collect();
        self.simulator.tick().await;
        let reports = self.receiver.take().into_iter();
        notifications.extend(reports.map(|answer| Notification {
            answer,
            by_browser: false,
            proof: by_server,
        }));
        notifications
    }

    fn forged(&self, notification: &Notification, forgery: &Forgery) -> Option<Answer> {
        match self.account {
            Account::Ccavenue if *forgery != Forgery::Signature => {
                let key = &self.properties(&self.base_url)["ccavenue.redirect.working.key"];
                forged_message(key, &self.account.fields(), &notification.answer, forgery)
            }
            Account::PhonepeLegacy | Account::PhonepeV1 if !notification.by_browser => {
                Some(forged_callback(self.account, &notification.answer, forgery))
            }
            Account::PhonepeV2 if !notification.by_browser => {
                Some(forged_webhook(&notification.answer, forgery))
            }
            Account::Hyperswitch if !notification.by_browser => {
                Some(forged_hyperswitch_event(&notification.answer, forgery))
            }
            Account::Razorpay if !notification.by_browser => {
                Some(forged_link_event(&notification.answer, forgery))
            }
            Account::Stripe if !notification.by_browser => {
                Some(forged_stripe_event(&notification.answer, forgery))
            }
            Account::Axis
            | Account::Ccavenue
            | Account::Hyperswitch
            | Account::PaytmLegacy
            | Account::PaytmV3
            | Account::Payu
            | Account::PhonepeLegacy
            | Account::PhonepeV1
            | Account::PhonepeV2
            | Account::Razorpay
            | Account::Stripe => self.account.fields().forged(&notification.answer, forgery),
        }
    }

    async fn refunds_are(&self, payment: &TxnId, deed: RefundDeed) -> bool {
        let later = 3600;
        // CCAVENUE never reports that a part of an order was given back: `tests/refunds.rs` tries whole
        // refunds.
        let is_told = matches!(deed, RefundDeed::IsRefused | RefundDeed::LosesTheRequest);
        if self.account == Account::Ccavenue && !is_told {
            return false;
        }
        let twist = match deed {
            RefundDeed::IsGivenBack => None,
            RefundDeed::IsTakenOn => Some(RefundTwist::Pending { seconds: later }),
            RefundDeed::IsRefused => Some(RefundTwist::Refused),
            RefundDeed::LosesTheAnswer => Some(RefundTwist::AnswerLost),
            RefundDeed::LosesTheRequest => Some(RefundTwist::RequestLost),
            RefundDeed::IsToldOtherwise => Some(RefundTwist::WrongAmount),
            RefundDeed::IsUnheardOf => Some(RefundTwist::UnknownCode),
        };
        self.simulator.set_fault(self.account.provider(), payment.as_str(), twist.map(Fault::Refund))
    }

    async fn ends(&self, refund: &RefundId) {
        let ended = self.simulator.elapse_refund(self.account.provider(), &self.number_of(refund));
        assert!(ended.is_some(), "the provider knows {refund}");
    }

    async fn given_back(&self, payment: &TxnId) -> Vec<(String, i64)> {
        let books = self.simulator.refund_books(0, 1_000).into_iter();
        let given = books.filter(|entry| {
            entry.order == payment.as_str() && matches!(entry.state, RefundState::Done { .. })
        });
        let id = |number: String| match self.account {
            Account::Hyperswitch => {
                hyperswitch::refund::refund_id(&number).expect("ours").as_str().to_owned()
            }
            _ => number,
        };
        given.map(|entry| (id(entry.refund), entry.amount.minor)).collect()
    }

    fn asks_before_it_refunds(&self) -> bool {
        self.account == Account::Ccavenue
    }

    fn secrets(&self) -> Vec<String> {
        let secret = [
            "axis.merchant.secret.key",
            "axis.merchant.pwd",
            "ccavenue.redirect.working.key",
            "ccavenue.status.working.key",
            "hyperswitch.api.key",
            "hyperswitch.payment.response.hash.key",
            "paytm.merchant.secret.key",
            "phonepe.merchant.secret.key",
            "phonepe.v2.client.secret",
            "phonepe.v2.webhook.password",
            "payu.merchant.salt",
            "razorpay.merchant.secret.key",
            "razorpay.webhook.secret",
            "stripe.secret.key",
            "stripe.webhook.secret",
        ];
        let properties = self.properties(&self.base_url);
        secret.iter().map(|name| properties[name].clone()).collect()
    }
}

fn with_header(answer: &Answer, name: &str, change: impl Fn(&str) -> String) -> Answer {
    let headers = answer.headers.iter().map(|(header, value)| {
        let value = if header == name { change(value) } else { value.to_owned() };
        (header.to_owned(), value)
    });
    Answer { headers: Params::new(headers.collect()), ..answer.clone() }
}

/// CCAvenue's encrypted message, forged with the key.
fn forged_message(key: &str, fields: &Fields, answer: &Answer, forgery: &Forgery) -> Option<Answer> {
    let text = cipher::decrypt(key, answer.params.get(fields.signature)?)?;
    let split = |pair: &str| pair.split_once('=').map(|(name, value)| (name.to_owned(), value.to_owned()));
    let members = Answer::of_params(Params::new(text.split('&').filter_map(split).collect()));
    let forged = fields.forged(&members, forgery)?;
    let forged: Vec<String> = forged.params.iter().map(|(name, value)| format!("{name}={value}")).collect();
    Some(with_param(answer, fields.signature, &cipher::encrypt(key, &forged.join("&"))))
}

/// PhonePe's signed callback: the report in base64, its signature in a header.
fn forged_callback(account: Account, answer: &Answer, forgery: &Forgery) -> Answer {
    let mut body: Value = serde_json::from_slice(&answer.body).unwrap();
    let decoded = STANDARD.decode(body["response"].as_str().unwrap()).unwrap();
    let mut report: Value = serde_json::from_slice(&decoded).unwrap();
    let order = if account == Account::PhonepeV1 { "merchantTransactionId" } else { "transactionId" };
    match forgery {
        Forgery::Signature => return with_header(answer, "x-verify", form::other_first_letter),
        Forgery::Order(other) => report["data"][order] = other.as_str().into(),
        Forgery::Amount => report["data"]["amount"] = 1.into(),
        Forgery::Outcome => {
            let words = ["PAYMENT_SUCCESS", "PAYMENT_ERROR"];
            report["code"] = form::other_word(report["code"].as_str().unwrap(), words).into();
        }
    }
    body["response"] = STANDARD.encode(report.to_string()).into();
    Answer { body: body.to_string().into(), ..answer.clone() }
}

/// Standard Checkout's webhook: plain JSON, and a header that knows a password.
fn forged_webhook(answer: &Answer, forgery: &Forgery) -> Answer {
    let mut body: Value = serde_json::from_slice(&answer.body).unwrap();
    match forgery {
        Forgery::Signature => return with_header(answer, "authorization", form::other_first_letter),
        Forgery::Order(other) => body["payload"]["merchantOrderId"] = other.as_str().into(),
        Forgery::Amount => body["payload"]["amount"] = 1.into(),
        Forgery::Outcome => {
            let words = ["COMPLETED", "FAILED"];
            let state = form::other_word(body["payload"]["state"].as_str().unwrap(), words);
            body["payload"]["state"] = state.into();
        }
    }
    Answer { body: body.to_string().into(), ..answer.clone() }
}

/// Hyperswitch's webhook: an event, signed over its body.
fn forged_hyperswitch_event(answer: &Answer, forgery: &Forgery) -> Answer {
    let mut body: Value = serde_json::from_slice(&answer.body).unwrap();
    let payment = &mut body["content"]["object"];
    match forgery {
        Forgery::Signature => {
            return with_header(answer, "x-webhook-signature-512", form::other_first_letter);
        }
        Forgery::Order(other) => payment["merchant_order_reference_id"] = other.as_str().into(),
        Forgery::Amount => payment["amount_received"] = 1.into(),
        Forgery::Outcome => {
            let words = ["succeeded", "failed"];
            payment["status"] = form::other_word(payment["status"].as_str().unwrap(), words).into();
        }
    }
    Answer { body: body.to_string().into(), ..answer.clone() }
}

/// Razorpay's event: plain JSON, signed as a whole in a header.
fn forged_link_event(answer: &Answer, forgery: &Forgery) -> Answer {
    let mut body: Value = serde_json::from_slice(&answer.body).unwrap();
    let link = &mut body["payload"]["payment_link"]["entity"];
    match forgery {
        Forgery::Signature => return with_header(answer, "x-razorpay-signature", form::other_first_letter),
        Forgery::Order(other) => link["reference_id"] = other.as_str().into(),
        Forgery::Amount => link["amount_paid"] = 1.into(),
        Forgery::Outcome => {
            let status = form::other_word(link["status"].as_str().unwrap(), ["paid", "expired"]);
            link["status"] = status.into();
        }
    }
    Answer { body: body.to_string().into(), ..answer.clone() }
}

/// Stripe's event, whose signature changes with its last digit.
fn forged_stripe_event(answer: &Answer, forgery: &Forgery) -> Answer {
    let mut body: Value = serde_json::from_slice(&answer.body).unwrap();
    let session = &mut body["data"]["object"];
    match forgery {
        Forgery::Signature => {
            let other = |header: &str| {
                let (rest, _) = header.split_at(header.len() - 1);
                format!("{rest}{}", if header.ends_with('0') { '1' } else { '0' })
            };
            return with_header(answer, "stripe-signature", other);
        }
        Forgery::Order(other) => session["client_reference_id"] = other.as_str().into(),
        Forgery::Amount => session["amount_total"] = 1.into(),
        Forgery::Outcome => {
            let words = ["paid", "unpaid"];
            session["payment_status"] =
                form::other_word(session["payment_status"].as_str().unwrap(), words).into();
        }
    }
    Answer { body: body.to_string().into(), ..answer.clone() }
}
