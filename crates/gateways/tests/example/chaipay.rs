//! Chaipay, a made-up provider: a signed link to its pay page, signed parameters on the way back, and
//! an address that tells where an order stands.

use async_trait::async_trait;
use payment_domain::{Currency, GatewayName, Outcome, Report, Transaction, TxnId};
use payment_gateway::{
    Answer, Closing, Evidence, Gateway, GatewayError, Order, Profile, Redirect, StartMode, USUAL_SESSION,
    VerifyMode,
};
use payment_gateways::client::{Body, Call, Client, Method};
use payment_gateways::config::{ConfigProblem, Lookup, Settings, join};
use payment_gateways::json::Object;
use payment_gateways::text::{cut, paise};
use payment_gateways::{digest, evidence, form};
use secrecy::{ExposeSecret, SecretString};

/// The `chaipay.*` properties.
#[derive(Debug, Clone)]
pub struct ChaipayConfig {
    /// `chaipay.merchant.id`
    pub merchant: String,
    /// `chaipay.merchant.secret`
    pub secret: SecretString,
    /// `chaipay.url`
    pub base_url: String,
}

impl ChaipayConfig {
    /// Reads the properties.
    ///
    /// # Errors
    /// Everything that is wrong with them, each by its name.
    pub fn read(lookup: &Lookup<'_>) -> Result<ChaipayConfig, Vec<ConfigProblem>> {
        let mut settings = Settings::new("chaipay", lookup);
        let config = ChaipayConfig {
            merchant: settings.required("merchant.id"),
            secret: settings.secret("merchant.secret"),
            base_url: settings.url("url", "https://api.chaipay.example"),
        };
        settings.finish(config)
    }
}

/// The fields Chaipay signs on the way back, in its order.
const SIGNED: [&str; 5] = ["merchant", "order", "paise", "state", "payment"];
/// What is kept as evidence of an answer: no signature, nobody's name.
const EVIDENCE: [&str; 4] = ["order", "paise", "state", "payment"];

/// HMAC-SHA256 over the form-encoded fields. Encoded, no value can pretend to be two fields.
fn signature(config: &ChaipayConfig, fields: &[(&str, &str)]) -> Vec<u8> {
    digest::hmac_sha256(config.secret.expose_secret().as_bytes(), form::encode(fields).as_bytes())
}

/// The address of the pay page for an order.
fn pay_link(config: &ChaipayConfig, order: &Order<'_>) -> String {
    let amount = order.txn.amount.minor().to_string();
    let mut fields = vec![
        ("merchant", config.merchant.as_str()),
        ("order", order.txn.id.as_str()),
        ("paise", &amount),
        ("text", cut(&order.txn.product_info, 100)),
        ("back", order.return_url),
    ];
    let sign = hex::encode(signature(config, &fields));
    fields.push(("sign", &sign));
    format!("{}?{}", join(&config.base_url, "pay"), form::encode_query(&fields))
}

/// The question where an order stands.
fn status_call(config: &ChaipayConfig, txn: &Transaction) -> Call {
    let mut fields = vec![("merchant", config.merchant.as_str()), ("order", txn.id.as_str())];
    let sign = hex::encode(signature(config, &fields));
    fields.push(("sign", &sign));
    Call {
        method: Method::GET,
        url: format!("{}?{}", join(&config.base_url, "orders"), form::encode_query(&fields)),
        headers: Vec::new(),
        body: Body::Empty,
    }
}

/// What a set of fields means, wherever they come from.
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
        status_code: Some(cut(&state, 64).to_owned()),
        status_message: None,
        raw,
    }
}

/// The CHAIPAY adapter.
pub struct Chaipay {
    profile: Profile,
    config: ChaipayConfig,
    client: Client,
}

impl Chaipay {
    /// An adapter for this merchant.
    pub fn new(config: ChaipayConfig, client: Client) -> Chaipay {
        Chaipay { profile: Chaipay::profile_of(&config), config, client }
    }

    /// What the service has to know of it with this configuration.
    pub fn profile_of(_: &ChaipayConfig) -> Profile {
        Profile {
            name: GatewayName::new("CHAIPAY"),
            transaction_parameter: "order".into(),
            start_mode: StartMode::Offline,
            verify_mode: VerifyMode::Offline,
            needs_bank_account: false,
            needs_form_page: false,
            sends_callbacks: false,
            refuses_second_payment: true,
            session: USUAL_SESSION,
        }
    }
}

#[async_trait]
impl Gateway for Chaipay {
    fn profile(&self) -> &Profile {
        &self.profile
    }

    fn closing(&self) -> Option<&dyn Closing> {
        None
    }

    async fn start(&self, order: &Order<'_>) -> Result<Redirect, GatewayError> {
        Ok(Redirect::To(pay_link(&self.config, order)))
    }

    fn names(&self, answer: &Answer) -> Option<TxnId> {
        answer.transaction_in("order")
    }

    async fn verify(&self, txn: &Transaction, answer: &Answer) -> Result<Evidence, GatewayError> {
        let Some(sign) = answer.params.get("sign") else { return Ok(Evidence::Unsigned) };
        // A name that occurs twice has no value: nobody can say which one was signed.
        let ours = answer.params.iter().filter(|(name, _)| SIGNED.contains(name));
        let members = form::unique(ours).ok_or(GatewayError::BadSignature)?;
        let value = |name: &'static str| (name, members.get(name).copied().unwrap_or_default());
        let fields = SIGNED.map(value);
        if !digest::equals_hex(&signature(&self.config, &fields), sign) {
            return Err(GatewayError::BadSignature);
        }
        let member =
            |name: &str| members.get(name).filter(|value| !value.is_empty()).map(|value| (*value).to_owned());
        let is_ours = member("merchant").as_deref() == Some(self.config.merchant.as_str())
            && member("order").as_deref() == Some(txn.id.as_str())
            && member("paise").and_then(|amount| paise(&amount)) == Some(txn.amount);
        if !is_ours {
            return Err(GatewayError::WrongTransaction);
        }
        Ok(Evidence::Signed(report(&member, evidence::of_pairs(fields, &EVIDENCE))))
    }

    async fn status(&self, txn: &Transaction) -> Result<Report, GatewayError> {
        let unreadable = |problem: &str| GatewayError::Unreadable(problem.to_owned());
        let reply = self.client.send(&status_call(&self.config, txn)).await?.accepted()?;
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
