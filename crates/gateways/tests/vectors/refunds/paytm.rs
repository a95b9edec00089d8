//! The refund vectors of PAYTM.

use payment_gateways::account::RedirectThrough;
use payment_gateways::client::{Body, Call};
use payment_gateways::json::Object;
use payment_gateways::paytm::PaytmAccount;
use payment_gateways::paytm::refund::{self, Asked};
use payment_gateways::paytm::wire;
use payment_settings::{Reader, Values};
use serde_json::Value;
use url::{Position, Url};

use super::{accepted, compare_report, no_way, repetition, with_asked, with_order};
use crate::paytm::{key, response, salt};
use crate::vector::{Checked, Vector, Verdict, same};

/// Runs one vector.
pub(crate) fn run(vector: &Vector) -> Verdict {
    match (vector.scheme.as_str(), vector.kind.as_str()) {
        ("paytm-v3-refund", "refund_request") | ("paytm-v2-refund-status", "refund_query") => {
            call(vector).into()
        }
        ("paytm-v2-refund-response" | "paytm-refund-webhook", "refund_verify") => response(vector).into(),
        ("paytm-refund-apply" | "paytm-refund-status", "refund_status") => status(vector).into(),
        ("paytm-legacy-refund", "refund_request") => Verdict::NoOperation,
        _ => no_way(vector),
    }
}

fn account(key: &str, merchant_id: &str) -> Result<PaytmAccount, String> {
    let values = Values::of([
        ("paytm.protocol", "v3"),
        ("paytm.merchant.id", merchant_id),
        ("paytm.merchant.secret.key", key),
        ("paytm.merchant.website", "WEBSTAGING"),
    ]);
    PaytmAccount::read(&mut Reader::new(&values), RedirectThrough::Service)
        .ok_or_else(|| "no account".to_owned())
}

/// The envelope around the vector's body, and our call with the same members: it has no comment.
fn call(vector: &Vector) -> Checked {
    let text = vector.input("body_json")?;
    let body: Value = serde_json::from_str(text).map_err(|error| error.to_string())?;
    let member = |name: &str| body[name].as_str().unwrap_or_default();
    let amount = member("refundAmount");
    let minor = super::rupees(if amount.is_empty() { "1.00" } else { amount })?.minor();
    let account = account(vector.input("key")?, member("mid"))?;
    let salt = || salt(vector);
    let is_query = vector.kind == "refund_query";
    let (one, other) = (salt()?, salt()?);
    let call: Call = with_order(member("refId"), minor, member("orderId"), |order| match is_query {
        true => refund::status_call(&account, order, one),
        false => refund::apply_call(&account, order, member("txnId"), one),
    })?;
    let Body::Json(sent) = &call.body else { return Err("no JSON".to_owned()) };
    let sent: Value = serde_json::from_str(sent).map_err(|error| error.to_string())?;
    for (name, value) in body.as_object().into_iter().flatten().filter(|(name, _)| *name != "comments") {
        same(name, &sent["body"][name], value)?;
    }
    let envelope = wire::envelope(&key(vector)?, text, other);
    let signature =
        Object::parse(envelope.as_bytes()).and_then(|whole| whole.object("head")?.text("signature"));
    let url = Url::parse(&call.url).map_err(|error| error.to_string())?;
    vector.compare(&[
        ("method", call.method.as_str().into()),
        ("path", url[Position::BeforePath..].into()),
        ("body_text_signed", text.into()),
        ("signature", signature.into()),
        ("envelope", envelope.into()),
    ])
}

/// The answers of the vectors count as signed.
fn status(vector: &Vector) -> Checked {
    let account = account("fAkE_k3y&#%12345", "M")?;
    let asked = if vector.scheme == "paytm-refund-apply" { Asked::Apply } else { Asked::Status };
    let report = with_asked(vector, "T1", |order| {
        accepted(vector, |body| {
            let body = Object::parse(body).ok_or(payment_gateway::GatewayError::Unreadable(String::new()))?;
            Ok(refund::report(&account, order, asked, &body, true))
        })
    })??;
    compare_report(vector, &report, repetition(&account)?)
}
