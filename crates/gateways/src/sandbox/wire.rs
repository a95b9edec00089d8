//! The sandbox's pay link, status request and report, without a network.

use std::collections::BTreeMap;

use payment_domain::{Currency, Money, Outcome, Report, Timestamp, Transaction};
use payment_gateway::{Answer, Order};
use secrecy::ExposeSecret;
use serde_json::Value;

use super::SandboxAccount;
use super::signature::{Purpose, is_signed, sign};
use crate::account::join;
use crate::client::{Body, Call, Method};
use crate::evidence;
use crate::form;
use crate::json::Object;
use crate::text::{cut, minor_units, one_line};

/// The parameter in which the payer's browser brings our transaction id back.
pub const ORDER: &str = "sandboxOrder";
/// The parameter with the signature over the browser's return.
const SIGNATURE: &str = "sandboxSignature";
/// The longest description the sandbox takes, in characters.
const MAX_DESCRIPTION: usize = 512;

/// The fields of a report in the order they are signed, with their names in a return URL.
const REPORT: [(&str, &str); 11] = [
    ("merchant", "sandboxMerchant"),
    ("order", ORDER),
    ("state", "sandboxState"),
    ("amount_paise", "sandboxAmountPaise"),
    ("currency", "sandboxCurrency"),
    ("paid_paise", "sandboxPaidPaise"),
    ("payment_id", "sandboxPaymentId"),
    ("mode", "sandboxMode"),
    ("code", "sandboxCode"),
    ("message", "sandboxMessage"),
    ("timestamp", "sandboxTimestamp"),
];

/// The URL at which this order is paid. The same order gives the same URL.
pub fn pay_link(account: &SandboxAccount, order: &Order<'_>) -> String {
    let txn = order.txn;
    let amount_paise = txn.amount.minor().to_string();
    let expires = order.payable_until.as_millis().to_string();
    let description = one_line(&txn.product_info);
    let bill = bill_text(txn);
    let mut fields = vec![
        ("merchant", account.merchant.as_str()),
        ("order", txn.id.as_str()),
        ("amount_paise", &amount_paise),
        ("currency", txn.amount.currency().code()),
        ("description", cut(&description, MAX_DESCRIPTION)),
        ("bill", &bill),
        ("payee", txn.tenant_id.as_str()),
        ("return_url", order.return_url),
        ("notify_url", order.notify_url.unwrap_or_default()),
        ("expires", &expires),
    ];
    let signature = sign(account.secret.expose_secret(), Purpose::Pay, &fields);
    fields.push(("signature", &signature));
    format!("{}?{}", join(&account.page_url, "pay"), form::encode_query(&fields))
}

fn bill_text(txn: &Transaction) -> String {
    match txn.bill_keys().len() {
        0 | 1 => txn.bill_id.as_str().to_owned(),
        count => format!("{} and {} more", txn.bill_id, count - 1),
    }
}

/// The status call, made at that moment.
pub fn status_call(account: &SandboxAccount, order: &str, asked_at: Timestamp) -> Call {
    let timestamp = asked_at.as_millis().to_string();
    let fields = [("merchant", account.merchant.as_str()), ("timestamp", &timestamp), ("order", order)];
    let signature = sign(account.secret.expose_secret(), Purpose::Status, &fields);
    Call {
        method: Method::GET,
        url: order_address(account, order),
        headers: signed_headers(account, timestamp, signature),
        body: Body::Empty,
    }
}

/// The request to close an order, which the sandbox need not know yet: so it describes the order.
pub fn close_call(account: &SandboxAccount, txn: &Transaction, asked_at: Timestamp) -> Call {
    let (timestamp, amount) = (asked_at.as_millis().to_string(), txn.amount.minor().to_string());
    let terms = [("amount_paise", amount.as_str()), ("currency", txn.amount.currency().code())];
    let order = txn.id.as_str();
    let fields = [
        ("merchant", account.merchant.as_str()),
        ("timestamp", &timestamp),
        ("order", order),
        terms[0],
        terms[1],
    ];
    let signature = sign(account.secret.expose_secret(), Purpose::Close, &fields);
    Call {
        method: Method::POST,
        url: format!("{}/close", order_address(account, order)),
        headers: signed_headers(account, timestamp, signature),
        body: Body::Form(terms.map(|(name, value)| (name.to_owned(), value.to_owned())).to_vec()),
    }
}

pub(super) fn order_address(account: &SandboxAccount, order: &str) -> String {
    join(&account.api_url, &format!("api/v1/orders/{}", path_segment(order)))
}

pub(super) fn path_segment(text: &str) -> String {
    let encoded: String = url::form_urlencoded::byte_serialize(text.as_bytes()).collect();
    // In a path a plus is a plus: a space, which is a plus in a form, is written out.
    encoded.replace('+', "%20")
}

pub(super) fn signed_headers(
    account: &SandboxAccount,
    timestamp: String,
    signature: String,
) -> Vec<(String, String)> {
    vec![
        ("X-Sandbox-Merchant".to_owned(), account.merchant.clone()),
        ("X-Sandbox-Timestamp".to_owned(), timestamp),
        ("X-Sandbox-Signature".to_owned(), signature),
    ]
}

/// A message of the sandbox with its signature, not verified yet.
#[derive(Clone, PartialEq, Eq)]
pub struct SignedMessage {
    purpose: Purpose,
    /// By the names of the signed text; a missing one is empty.
    fields: BTreeMap<&'static str, String>,
    signature: String,
}

impl SignedMessage {
    /// Reads the browser's return, or else the body of a callback. `None` when nothing in it is signed.
    pub fn in_answer(answer: &Answer) -> Option<SignedMessage> {
        if let Some(signature) = answer.params.get(SIGNATURE) {
            let ours = answer.params.iter().filter(|(name, _)| *name == SIGNATURE || names_a_field(name));
            // With a name twice the signed value is ambiguous: no signature fits.
            let members = form::unique(ours).unwrap_or_default();
            let value = |(name, parameter): (&'static str, &str)| {
                (name, members.get(parameter).copied().unwrap_or_default().to_owned())
            };
            return Some(SignedMessage {
                purpose: Purpose::Return,
                fields: REPORT.into_iter().map(value).collect(),
                signature: if members.is_empty() { String::new() } else { signature.to_owned() },
            });
        }
        SignedMessage::in_json(Purpose::Callback, &Object::parse(&answer.body)?)
    }

    /// Reads the answer to a status request; `None` when it is not a signed report.
    pub fn in_reply(body: &[u8]) -> Option<SignedMessage> {
        SignedMessage::in_json(Purpose::Answer, &Object::parse(body)?)
    }

    fn in_json(purpose: Purpose, object: &Object) -> Option<SignedMessage> {
        let fields = REPORT.into_iter().map(|(name, _)| (name, object.text(name).unwrap_or_default()));
        Some(SignedMessage { purpose, fields: fields.collect(), signature: object.text("signature")? })
    }

    /// Whether the sandbox signed it.
    pub fn is_genuine(&self, account: &SandboxAccount) -> bool {
        let fields: Vec<(&str, &str)> = REPORT.iter().map(|(name, _)| (*name, self.field(name))).collect();
        is_signed(account.secret.expose_secret(), self.purpose, &fields, &self.signature)
    }

    /// Whether it is about this transaction, as we ordered it. Missing is not equal.
    pub fn is_about(&self, account: &SandboxAccount, txn: &Transaction) -> bool {
        self.names(account, txn.id.as_str()) && self.money("amount_paise") == Some(txn.amount)
    }

    /// Whether it names this order of ours.
    pub fn names(&self, account: &SandboxAccount, order: &str) -> bool {
        self.field("merchant") == account.merchant && self.field("order") == order
    }

    /// Whether it is the answer to the request made at that moment.
    pub fn answers(&self, asked_at: Timestamp) -> bool {
        self.field("timestamp") == asked_at.as_millis().to_string()
    }

    /// Whether it says that the sandbox knows no such order.
    pub fn knows_no_such_order(&self) -> bool {
        self.field("state") == "UNKNOWN" && self.field("code") == "NO_SUCH_ORDER"
    }

    pub fn order(&self) -> &str {
        self.field("order")
    }

    pub fn report(&self) -> Report {
        let text = |name: &str| Some(self.field(name).to_owned()).filter(|text| !text.is_empty());
        Report {
            outcome: self.outcome(),
            gateway_txn_id: text("payment_id"),
            payment_mode: text("mode"),
            bank_txn_no: None,
            returned: None,
            status_code: text("code"),
            status_message: text("message"),
            raw: self.raw(),
        }
    }

    fn outcome(&self) -> Outcome {
        match self.field("state") {
            "CREATED" | "PENDING" => Outcome::Pending,
            "PAID" => Outcome::Paid { amount: self.money("paid_paise") },
            "DECLINED" | "EXPIRED" => Outcome::Declined { reason: self.field("message").to_owned() },
            "UNKNOWN" if self.knows_no_such_order() => Outcome::NotFound,
            other => Outcome::Unrecognised { code: other.to_owned() },
        }
    }

    /// A field in minor units of the report's currency.
    fn money(&self, name: &str) -> Option<Money> {
        minor_units(self.field(name), Currency::from_code(self.field("currency"))?)
    }

    fn field(&self, name: &str) -> &str {
        self.fields.get(name).map_or("", String::as_str)
    }

    /// The report without its signature.
    fn raw(&self) -> Value {
        let told = self
            .fields
            .iter()
            .map(|(name, value)| (*name, value.as_str()))
            .filter(|(_, value)| !value.is_empty());
        evidence::of_pairs(told, &REPORT.map(|(name, _)| name))
    }
}

impl std::fmt::Debug for SignedMessage {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("SignedMessage")
            .field("purpose", &self.purpose)
            .field("fields", &self.fields)
            .finish_non_exhaustive()
    }
}

fn names_a_field(parameter: &str) -> bool {
    REPORT.iter().any(|(_, name)| *name == parameter)
}
