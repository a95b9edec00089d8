//! Chaipay, a made-up provider: a signed link to its pay page, signed parameters on the way back, and
//! an endpoint for the status of an order.

use std::sync::Arc;

use async_trait::async_trait;
use payment_domain::{Clock, Currency, GatewayName, Outcome, Report, Transaction, TxnId};
use payment_gateway::{
    Answer, Closing, Currencies, Evidence, Gateway, GatewayError, Order, Profile, Redirect, Refunding,
    StartMode, USUAL_SESSION, VerifyMode,
};
use payment_gateways::account::{Account, Adapter, Merchant, join};
use payment_gateways::client::{Body, Call, Client, Method};
use payment_gateways::json::Object;
use payment_gateways::text::{cut, paise};
use payment_gateways::{digest, evidence, form, gateway_settings};
use payment_settings::parser::{SECRET, TEXT, URL};
use payment_settings::{Optional, Reader, Setting, own};
use secrecy::{ExposeSecret, SecretString};

/// The CHAIPAY gateway.
pub const ADAPTER: Adapter = Adapter {
    name: "CHAIPAY",
    prefix: "chaipay",
    protocol: "signed link, order status",
    settings: SETTINGS,
    common: COMMON,
    credentials: &[&MERCHANT, &KEY],
    test_hosts: &["test.chaipay.example"],
    transaction_parameter: "order",
    read: |reader, _| Some(Arc::new(ChaipayAccount::read(reader)?)),
};

gateway_settings! {
    "chaipay";
    MERCHANT: Optional<String> = own("chaipay.merchant.id", TEXT, "The merchant id.");
    KEY: Optional<SecretString> = own("chaipay.merchant.secret", SECRET, "The key of signatures.").secret();
    HOST: Setting<String> = own("chaipay.url", URL, "The host.").or("https://api.chaipay.example");
}

/// A merchant's account at Chaipay.
#[derive(Debug, Clone)]
pub struct ChaipayAccount {
    pub merchant: String,
    pub secret: SecretString,
    pub base_url: String,
}

impl ChaipayAccount {
    /// The account; `None` with a problem of each setting that is wrong.
    pub fn read(reader: &mut Reader<'_>) -> Option<ChaipayAccount> {
        let (merchant, secret) = (reader.required(&MERCHANT), reader.required(&KEY));
        Some(ChaipayAccount { merchant: merchant?, secret: secret?, base_url: reader.get(&HOST) })
    }
}

/// The fields Chaipay signs on the way back, in its order.
const SIGNED: [&str; 5] = ["merchant", "order", "paise", "state", "payment"];
/// The evidence kept of an answer: no signature, no personal data.
const EVIDENCE: [&str; 4] = ["order", "paise", "state", "payment"];

/// HMAC-SHA256 over the form-encoded fields. Encoded, no value can pretend to be two fields.
fn signature(account: &ChaipayAccount, fields: &[(&str, &str)]) -> Vec<u8> {
    digest::hmac_sha256(account.secret.expose_secret().as_bytes(), form::encode(fields).as_bytes())
}

/// The address of the pay page for an order.
fn pay_link(account: &ChaipayAccount, order: &Order<'_>) -> String {
    let amount = order.txn.amount.minor().to_string();
    let mut fields = vec![
        ("merchant", account.merchant.as_str()),
        ("order", order.txn.id.as_str()),
        ("paise", &amount),
        ("text", cut(&order.txn.product_info, 100)),
        ("back", order.return_url),
    ];
    let sign = hex::encode(signature(account, &fields));
    fields.push(("sign", &sign));
    format!("{}?{}", join(&account.base_url, "pay"), form::encode_query(&fields))
}

/// The status request of an order.
fn status_call(account: &ChaipayAccount, txn: &Transaction) -> Call {
    let mut fields = vec![("merchant", account.merchant.as_str()), ("order", txn.id.as_str())];
    let sign = hex::encode(signature(account, &fields));
    fields.push(("sign", &sign));
    Call {
        method: Method::GET,
        url: format!("{}?{}", join(&account.base_url, "orders"), form::encode_query(&fields)),
        headers: Vec::new(),
        body: Body::Empty,
    }
}

/// The meaning of a set of fields from any source.
fn report(text: &impl Fn(&str) -> Option<String>, raw: serde_json::Value) -> Report {
    let state = text("state").unwrap_or_default();
    let outcome = match state.as_str() {
        "PAID" => Outcome::Paid { amount: text("paise").and_then(|amount| paise(&amount)) },
        "REFUSED" => Outcome::Declined { reason: "Chaipay refused the payment".to_owned() },
        "OPEN" | "BREWING" => Outcome::Pending,
        "NO_SUCH_ORDER" => Outcome::NotFound,
        other => Outcome::Unrecognised { code: cut(other, 64).to_owned() },
    };
    Report {
        outcome,
        gateway_txn_id: text("payment"),
        payment_mode: None,
        bank_txn_no: None,
        returned: None,
        status_code: Some(cut(&state, 64).to_owned()),
        status_message: None,
        raw,
    }
}

impl Account for ChaipayAccount {
    fn merchant(&self) -> Merchant {
        Merchant::Id(self.merchant.clone())
    }

    fn profile(&self) -> Profile {
        Profile {
            name: GatewayName::new("CHAIPAY"),
            transaction_parameter: ADAPTER.transaction_parameter.into(),
            start_mode: StartMode::Offline,
            verify_mode: VerifyMode::Offline,
            needs_bank_account: false,
            needs_form_page: false,
            sends_callbacks: false,
            currencies: Currencies::RUPEES,
            refuses_second_payment: true,
            session: USUAL_SESSION,
        }
    }

    fn adapter(&self, client: Client, _: Arc<dyn Clock>) -> Arc<dyn Gateway> {
        Arc::new(Chaipay { profile: self.profile(), account: self.clone(), client })
    }
}

/// The CHAIPAY adapter.
pub struct Chaipay {
    profile: Profile,
    account: ChaipayAccount,
    client: Client,
}

#[async_trait]
impl Gateway for Chaipay {
    fn profile(&self) -> &Profile {
        &self.profile
    }

    fn closing(&self) -> Option<&dyn Closing> {
        None
    }

    fn refunding(&self) -> Option<&dyn Refunding> {
        None
    }

    async fn start(&self, order: &Order<'_>) -> Result<Redirect, GatewayError> {
        Ok(Redirect::To(pay_link(&self.account, order)))
    }

    fn names(&self, answer: &Answer) -> Option<TxnId> {
        answer.transaction_in("order")
    }

    async fn verify(&self, txn: &Transaction, answer: &Answer) -> Result<Evidence, GatewayError> {
        let Some(sign) = answer.params.get("sign") else { return Ok(Evidence::Unsigned) };
        // A repeated name has no value: it is ambiguous which one was signed.
        let ours = answer.params.iter().filter(|(name, _)| SIGNED.contains(name));
        let members = form::unique(ours).ok_or(GatewayError::BadSignature)?;
        let value = |name: &'static str| (name, members.get(name).copied().unwrap_or_default());
        let fields = SIGNED.map(value);
        if !digest::equals_hex(&signature(&self.account, &fields), sign) {
            return Err(GatewayError::BadSignature);
        }
        let member =
            |name: &str| members.get(name).filter(|value| !value.is_empty()).map(|value| (*value).to_owned());
        let is_ours = member("merchant").as_deref() == Some(self.account.merchant.as_str())
            && member("order").as_deref() == Some(txn.id.as_str())
            && member("paise").and_then(|amount| paise(&amount)) == Some(txn.amount);
        if !is_ours {
            return Err(GatewayError::WrongTransaction);
        }
        Ok(Evidence::Signed(report(&member, evidence::of_pairs(fields, &EVIDENCE))))
    }

    async fn status(&self, txn: &Transaction) -> Result<Report, GatewayError> {
        let unreadable = |problem: &str| GatewayError::Unreadable(problem.to_owned());
        let reply = self.client.send(&status_call(&self.account, txn)).await?.accepted()?;
        let answer = Object::parse(&reply.body).ok_or_else(|| unreadable("not a JSON object"))?;
        if answer.text("order").as_deref() != Some(txn.id.as_str()) {
            return Err(unreadable("it is about another order, or none"));
        }
        if answer.text("currency").as_deref().and_then(Currency::from_code) != Some(txn.amount.currency()) {
            return Err(unreadable("it is in another currency, or none"));
        }
        Ok(report(&|name| answer.text(name), evidence::of_object(&answer, &EVIDENCE)))
    }
}
