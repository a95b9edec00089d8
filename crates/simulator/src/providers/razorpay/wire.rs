//! Links, attempts, events and the way back, as Razorpay writes them.

use secrecy::ExposeSecret;
use serde_json::{Value, json};

use crate::WayBack;
use crate::courier::Message;
use crate::providers::Providers;
use crate::providers::form;
use crate::providers::order::{Order, ReturnTo, Said, Statement};
use crate::providers::settings::RazorpayAccount;
use crate::providers::signature::razorpay::{sign, sign_callback};

/// The prefixes of the ids of links and orders. The reference is inside them, so that none has to be kept.
pub(super) const LINK: &str = "plink_";
pub(super) const ORDER: &str = "order_";

fn id_of(prefix: &str, reference: &str) -> String {
    format!("{prefix}{}", hex::encode(reference))
}

/// The reference in an id; `None` when it is none of the simulator's.
pub(super) fn reference_of(id: &str, prefix: &str) -> Option<String> {
    String::from_utf8(hex::decode(id.strip_prefix(prefix)?).ok()?).ok()
}

fn payment_id(order: &Order) -> String {
    payment_id_of(order.payment_number())
}

pub(super) fn payment_id_of(number: u64) -> String {
    format!("pay_{number:014}")
}

/// The number in the id of a payment.
pub(super) fn payment_number(id: &str) -> Option<u64> {
    id.strip_prefix("pay_")?.parse().ok()
}

/// The refunded part of an order, in paise.
pub(super) fn refunded(providers: &Providers, order: &Order) -> i64 {
    providers.ledger().refunds.counted(&(order.provider(), order.terms.id.clone()))
}

/// The status of a link. A payer who declines has failed to pay, and the link expires at once; a real one stays open
/// for the next attempt until it expires.
fn status(statement: &Statement<'_>) -> &'static str {
    let order = statement.order;
    match statement.said {
        Said::Open | Said::Pending => "created",
        Said::Paid => "paid",
        Said::Declined => "expired",
        Said::Expired if order.decided_ms.is_some_and(|decided| decided <= order.expires_ms) => "cancelled",
        Said::Expired | Said::NotFound => "expired",
        Said::Gibberish => "under_review",
    }
}

/// A payment link.
pub(super) fn link(providers: &Providers, statement: &Statement<'_>, refunded: i64) -> Value {
    let order = statement.order;
    let status = status(statement);
    let (id, paid) = (id_of(LINK, &order.terms.id), statement.said == Said::Paid);
    let decided_s = order.decided_ms.map_or(0, |decided| decided / 1_000);
    let mut link = json!({
        "accept_partial": false,
        "amount": order.terms.amount.minor,
        "amount_paid": if paid { statement.amount.minor } else { 0 },
        "callback_method": "get",
        "callback_url": callback_url(order),
        "cancelled_at": if status == "cancelled" { decided_s } else { 0 },
        "created_at": order.opened_ms / 1_000,
        "currency": "INR",
        "entity": "payment_link",
        "expire_by": order.expires_ms / 1_000,
        "expired_at": if status == "expired" { decided_s } else { 0 },
        "id": id,
        "notes": {},
        "payments": [],
        "reference_id": order.terms.id,
        "short_url": providers.pay_page_url(&(order.provider(), order.terms.id.clone())),
        "status": status,
        "updated_at": order.decided_ms.unwrap_or(order.opened_ms) / 1_000,
    });
    let attempts = attempts(statement, refunded);
    if !attempts.is_empty() {
        link["order_id"] = id_of(ORDER, &order.terms.id).into();
    }
    if paid {
        link["payments"] = json!([{
            "amount": statement.amount.minor,
            "created_at": decided_s,
            "method": "upi",
            "payment_id": payment_id(order),
            "plink_id": id,
            "status": if is_refunded(order, refunded) { "refunded" } else { "captured" },
            "updated_at": decided_s,
        }]);
    }
    link
}

fn callback_url(order: &Order) -> &str {
    match &order.terms.return_to {
        ReturnTo::Get(url) | ReturnTo::Post { success: url, .. } => url,
    }
}

/// The attempts to pay an order.
pub(super) fn attempts(statement: &Statement<'_>, refunded: i64) -> Vec<Value> {
    let order = statement.order;
    let status = match statement.said {
        Said::Open | Said::Expired | Said::NotFound => return Vec::new(),
        Said::Pending => "created",
        Said::Paid if is_refunded(order, refunded) => "refunded",
        Said::Paid => "captured",
        Said::Declined => "failed",
        Said::Gibberish => "under_review",
    };
    let mut attempt = json!({
        "id": payment_id(order),
        "entity": "payment",
        "amount": statement.amount.minor,
        "currency": "INR",
        "status": status,
        "order_id": id_of(ORDER, &order.terms.id),
        "method": "upi",
        "amount_refunded": refunded,
        "captured": statement.said == Said::Paid,
        "vpa": "payer@simulator",
        "email": "void@razorpay.com",
        "contact": "+919999999999",
        "notes": [],
        "created_at": order.decided_ms.unwrap_or(order.opened_ms) / 1_000,
    });
    if status == "failed" {
        attempt["error_code"] = "BAD_REQUEST_ERROR".into();
        attempt["error_description"] = "Your payment was declined by the bank.".into();
        attempt["error_source"] = "bank".into();
        attempt["error_step"] = "payment_authorization".into();
        attempt["error_reason"] = "payment_failed".into();
    }
    vec![attempt]
}

fn is_refunded(order: &Order, refunded: i64) -> bool {
    order.taken.is_some_and(|taken| taken.minor == refunded)
}

/// The event of a link's new status.
pub(crate) fn webhook(
    providers: &Providers,
    account: &RazorpayAccount,
    url: &str,
    statement: &Statement<'_>,
) -> Message {
    let order = statement.order;
    let event = match statement.said {
        Said::Declined | Said::Expired => "payment_link.expired",
        Said::Paid | Said::Open | Said::Pending | Said::Gibberish | Said::NotFound => "payment_link.paid",
    };
    let mut payload = json!({ "payment_link": { "entity": link(providers, statement, 0) } });
    for payment in attempts(statement, 0) {
        payload["payment"] = json!({ "entity": payment });
    }
    let contains: Vec<&str> =
        payload.as_object().into_iter().flatten().map(|(name, _)| name.as_str()).collect();
    let body = json!({
        "entity": "event",
        "account_id": "acc_Simulator00001",
        "event": event,
        "contains": contains,
        "payload": payload,
        "created_at": order.decided_ms.unwrap_or(order.opened_ms) / 1_000,
    })
    .to_string();
    let id = format!("Sim{:011}{}", order.payment_number(), order.decided_ms.unwrap_or(0));
    event_message(account, url, statement.genuine, body, id)
}

/// A signed event.
pub(super) fn event_message(
    account: &RazorpayAccount,
    url: &str,
    genuine: bool,
    body: String,
    id: String,
) -> Message {
    let secret = if genuine { account.webhook_secret.expose_secret() } else { "another secret" };
    Message {
        url: url.to_owned(),
        headers: vec![
            ("content-type", "application/json".to_owned()),
            ("x-razorpay-signature", sign(secret, body.as_bytes())),
            ("x-razorpay-event-id", id),
        ],
        body,
    }
}

/// The way back: the callback address with signed parameters.
pub(crate) fn way_back(account: &RazorpayAccount, statement: &Statement<'_>) -> WayBack {
    let order = statement.order;
    let (link, reference) = (id_of(LINK, &order.terms.id), order.terms.id.as_str());
    let (status, payment) = (status(statement), payment_id(order));
    let secret = if statement.genuine { account.key_secret.expose_secret() } else { "another secret" };
    let signature = sign_callback(secret, &link, reference, status, &payment);
    let fields = [
        ("razorpay_payment_id", payment.as_str()),
        ("razorpay_payment_link_id", &link),
        ("razorpay_payment_link_reference_id", reference),
        ("razorpay_payment_link_status", status),
        ("razorpay_signature", &signature),
    ];
    WayBack::Follow(form::with_parameters(callback_url(order), fields))
}
