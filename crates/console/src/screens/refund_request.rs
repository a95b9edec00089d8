//! The request of a refund: nothing leaves before another person approves it.

use askama::Template;
use payment_domain::Personal;
use payment_service::{RefundRequest, access};
use payment_store::RefundKey;
use serde_json::value::RawValue;
use serde_json::{Map, json};
use sha2::{Digest, Sha256};

use super::payment::{left_of, of_path};
use super::payment_link;
use crate::context::Context;
use crate::failure::{Failure, Outcome};
use crate::format;
use crate::language::fill;
use crate::links::segment;
use crate::page::{self, Frame};

#[derive(Template)]
#[template(path = "refund_request.html")]
struct RefundRequestPage {
    f: Frame,
    here: String,
    id: String,
    paid: String,
    left: String,
    /// Decimal text.
    left_plain: String,
    receipt: String,
    /// Codes with their words.
    reasons: [(&'static str, &'static str); 5],
    case: Option<i64>,
}

/// `GET /payments/{id}/refund`
pub(crate) async fn form(context: &Context) -> Outcome {
    let txn = of_path(context).await?;
    context.principal(access::MAKES, &txn.tenant_id)?;
    let t = context.language.texts();
    let refunds = context.payments().ports.store.refunds_of(&txn.id).await?;
    let left = left_of(&txn, &refunds).ok_or(Failure::Internal("an amount that is none"))?;
    let path = format!("/payments/{}", segment(txn.id.as_str()));
    let above = [(t.frame.payments, "/payments"), (txn.id.as_str(), path.as_str())];
    page::html(&RefundRequestPage {
        f: Frame::of(context, fill(t.refunds.refund_request_title, [txn.id.as_str()]), &above),
        here: format!("{}/refund", payment_link(context, txn.id.as_str()).href()),
        id: txn.id.to_string(),
        paid: format::amount(&txn),
        left: format::money(left),
        left_plain: left.to_string(),
        receipt: txn.receipt().unwrap_or(t.words.none).to_owned(),
        reasons: format::reason_codes(t),
        case: context.query.number("case"),
    })
}

/// `POST /payments/{id}/refund`
pub(crate) async fn request(context: &Context) -> Outcome {
    let txn = of_path(context).await?;
    let maker = context.principal(access::MAKES, &txn.tenant_id)?;
    let t = context.language.texts();
    let text = |name: &str| context.form.text(name);
    let reason = text("reason").ok_or_else(|| Failure::invalid(t.payment.reason_required))?;
    let (amount, left) = (text("amount").unwrap_or_default(), text("left"));
    let code = text("reason_code").unwrap_or("OTHER");
    let case = context.form.number("case");
    let asked = json!([amount, left, code, reason, case]).to_string();
    let request = RefundRequest {
        txn_id: txn.id.clone(),
        amount: Some(decimal(amount).ok_or_else(|| Failure::invalid(t.lists.write_amount))?),
        // The refundable amount of a failed or second payment is known to its case alone.
        amount_available: left.filter(|_| case.is_none()).and_then(decimal),
        reason_code: code.chars().take(64).collect(),
        reason: Some(Personal::new(reason.chars().take(1000).collect::<String>())),
        case,
        additional_details: Map::new(),
        key: Some((
            RefundKey {
                scope: format!("console/{}/{}", txn.id, maker.uuid),
                key: context.form_number()?.to_owned(),
            },
            Sha256::digest(asked).into(),
        )),
        trusted: false,
    };
    let refund = context.payments().refunds.request(request, &maker, &context.caller()?.identity).await?;
    let shown = context.link(&format!("/refunds/{}", segment(refund.id.as_str())));
    page::see(&shown.with("said", "requested").href())
}

/// An amount as people write it, as a JSON text.
fn decimal(text: &str) -> Option<Box<RawValue>> {
    let plain: String = text.chars().filter(|char| !matches!(char, ',' | '₹' | ' ')).collect();
    let is_decimal = !plain.is_empty() && plain.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.');
    is_decimal.then(|| serde_json::value::to_raw_value(&plain).ok()).flatten()
}
