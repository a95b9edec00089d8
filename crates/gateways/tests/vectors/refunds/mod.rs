//! The vectors of refunds: requests, status requests, and the meaning of answers.

mod axis;
mod ccavenue;
mod guard;
pub(crate) mod hyperswitch;
mod paytm;
mod payu;
pub(crate) mod phonepe;
mod razorpay;
mod stripe;

use std::sync::Arc;

use payment_domain::{Currency, Money, RefundId, RefundOutcome, RefundReport, SystemClock, TxnId};
use payment_gateway::conformance::sample;
use payment_gateway::{GatewayError, RefundOrder, Repetition};
use payment_gateways::Account;
use payment_gateways::client::{Body, Call, Client, Limits, Reply};
use payment_gateways::form;
use payment_gateways::refund::Asked;
use serde_json::{Map, Value};
use url::{Position, Url};

use crate::request::header;
use crate::vector::{Checked, Vector, Verdict};

/// Runs one vector.
pub(crate) fn run(vector: &Vector) -> Verdict {
    match vector.gateway.as_str() {
        "AXIS" => axis::run(vector),
        "CCAVENUE" => ccavenue::run(vector),
        "COMMON" => guard::run(vector),
        "HYPERSWITCH" => hyperswitch::run(vector),
        "PAYTM" => paytm::run(vector),
        "PAYU" => payu::run(vector),
        "PHONEPE" => phonepe::run(vector),
        "RAZORPAY" => razorpay::run(vector),
        "STRIPE" => stripe::run(vector),
        other => Verdict::Failed(format!("no gateway is called {other}")),
    }
}

fn no_way(vector: &Vector) -> Verdict {
    Verdict::Failed(format!("no way to {} {}", vector.kind, vector.scheme))
}

fn rupees(text: &str) -> Result<Money, String> {
    Money::parse(text, Currency::INR).map_err(|error| error.to_string())
}

/// The requested refund, whose payment the vector names by `payment`.
fn asked<'a>(vector: &'a Vector, payment: &str) -> Result<Asked<'a>, String> {
    let text = |name: &str| {
        vector.inputs["asked"][name].as_str().ok_or_else(|| format!("no text {name} in what is asked"))
    };
    Ok(Asked { id: text("refund_id")?, payment: text(payment)?, amount: rupees(text("amount_rupees")?)? })
}

/// A refund of a payment with our id of it.
fn with_order<T>(
    id: &str,
    minor: i64,
    payment_id: &str,
    run: impl FnOnce(&RefundOrder<'_>) -> T,
) -> Result<T, String> {
    let mut payment = sample::transaction("T1", "100.00");
    payment.id = TxnId::new(payment_id).map_err(|error| error.to_string())?;
    let id = RefundId::stored(id);
    let amount = Money::from_minor(minor, Currency::INR).map_err(|error| error.to_string())?;
    Ok(run(&RefundOrder { payment: &payment, id: &id, amount, gateway_refund_id: None, notify_url: None }))
}

/// The same with the members of the vector's request.
fn with_asked<T>(
    vector: &Vector,
    payment_id: &str,
    run: impl FnOnce(&RefundOrder<'_>) -> T,
) -> Result<T, String> {
    let asked = |name: &str| vector.inputs["asked"][name].as_str().unwrap_or_default();
    with_order(asked("refund_id"), rupees(asked("amount_rupees"))?.minor(), payment_id, run)
}

/// The answer of the vector. A body that is no text is JSON.
fn reply(vector: &Vector) -> Result<Reply, String> {
    let status = vector.inputs["http_status"].as_u64().and_then(|status| u16::try_from(status).ok());
    let body = &vector.inputs["body"];
    let body = body.as_str().map_or_else(|| body.to_string(), str::to_owned).into_bytes();
    Ok(Reply { status: status.ok_or("no HTTP status")?, location: None, headers: Vec::new(), body })
}

/// The answer, read by an adapter that first requires a status of 2xx.
fn accepted(
    vector: &Vector,
    read: impl FnOnce(&[u8]) -> Result<RefundReport, GatewayError>,
) -> Result<Result<RefundReport, GatewayError>, String> {
    let accepted = reply(vector)?.accepted().map_err(GatewayError::from);
    Ok(accepted.and_then(|reply| read(&reply.body)))
}

/// The effect of a second call at the gateway of this account.
fn repetition(account: &dyn Account) -> Result<Repetition, String> {
    let client = Client::new(Limits::default()).map_err(|error| error.to_string())?;
    let adapter = account.adapter(client, Arc::new(SystemClock));
    let mut payment = sample::transaction("T1", "100.00");
    payment.gateway_details.txn_id = Some("pay_1".to_owned());
    let refunding = adapter.refunding().ok_or("no refunds")?;
    refunding.terms(&payment).map(|terms| terms.repetition).map_err(|none| none.to_string())
}

/// Compares the meaning of an answer.
fn compare_report(
    vector: &Vector,
    report: &Result<RefundReport, GatewayError>,
    repetition: Repetition,
) -> Checked {
    compare_report_and(vector, report, repetition, &[])
}

/// The same with more members.
fn compare_report_and(
    vector: &Vector,
    report: &Result<RefundReport, GatewayError>,
    repetition: Repetition,
    also: &[(&str, Value)],
) -> Checked {
    let amount = report.as_ref().ok().and_then(|report| match &report.outcome {
        RefundOutcome::Succeeded { amount } => amount.map(|amount| amount.to_string()),
        RefundOutcome::Pending
        | RefundOutcome::Failed { .. }
        | RefundOutcome::NotFound
        | RefundOutcome::Unclear { .. }
        | RefundOutcome::Unrecognised { .. } => None,
    });
    let number = report.as_ref().ok().and_then(|report| report.gateway_refund_id.clone());
    let mut made = vec![
        ("status", normalised(report).into()),
        ("action", action(report, repetition).into()),
        ("amount_rupees", amount.into()),
        ("gateway_refund_id", number.into()),
    ];
    made.extend(also.iter().cloned());
    vector.compare(&made)
}

/// Compares the meaning of a refund's state, for any refund.
pub(crate) fn compare_outcome(vector: &Vector, outcome: &RefundOutcome) -> Checked {
    let report = payment_gateways::refund::report(outcome.clone(), Value::Null);
    compare_report(vector, &Ok(report), Repetition::Doubles)
}

/// Our outcomes in the words of the vectors. After a call without a usable answer the refund is as good as pending.
fn normalised(report: &Result<RefundReport, GatewayError>) -> &'static str {
    match report {
        Ok(report) => match report.outcome {
            RefundOutcome::Succeeded { .. } => "SUCCESS",
            RefundOutcome::Pending | RefundOutcome::Unrecognised { .. } => "PENDING",
            RefundOutcome::Failed { .. } => "FAILURE",
            RefundOutcome::NotFound => "NOT_FOUND",
            RefundOutcome::Unclear { .. } => "ERROR",
        },
        Err(GatewayError::Unanswered(_) | GatewayError::Unreadable(_)) => "PENDING",
        Err(
            GatewayError::NotSent(_)
            | GatewayError::LocalFault(_)
            | GatewayError::Refused { .. }
            | GatewayError::Unavailable { .. }
            | GatewayError::BadSignature
            | GatewayError::WrongTransaction,
        ) => "NOT SENT",
    }
}

/// The next step after an answer, as [`payment_domain`] takes it.
fn action(report: &Result<RefundReport, GatewayError>, repetition: Repetition) -> &'static str {
    let again = |may: bool| if may { "retry_same_id" } else { "query" };
    match report {
        Ok(report) => match report.outcome {
            RefundOutcome::Succeeded { .. } => "check_amount",
            RefundOutcome::Pending | RefundOutcome::Unrecognised { .. } => again(report.may_repeat),
            RefundOutcome::NotFound => again(repetition != Repetition::Doubles),
            RefundOutcome::Failed { .. } | RefundOutcome::Unclear { .. } => "none",
        },
        Err(_) => again(repetition == Repetition::Replayed),
    }
}

/// Compares a request: its address, and the members of its body that the vector names.
fn compare_call(vector: &Vector, call: &Call, also: &[(&str, Value)]) -> Checked {
    let url = Url::parse(&call.url).map_err(|error| error.to_string())?;
    let wanted = vector.expected["headers"].as_object().into_iter().flatten();
    let headers = Map::from_iter(wanted.map(|(name, _)| (name.clone(), header(call, name).into())));
    let fields = match &call.body {
        Body::Form(fields) => fields.as_slice(),
        Body::Empty | Body::Json(_) => &[],
    };
    let json = match &call.body {
        Body::Json(text) => serde_json::from_str(text).map_err(|error| error.to_string())?,
        Body::Empty | Body::Form(_) => Value::Null,
    };
    let query = form::decode(url.query().unwrap_or_default().as_bytes());
    let without_query = vector.expected.get("query_fields").is_some();
    let address = if without_query { url[..Position::AfterPath].to_owned() } else { call.url.clone() };
    let least = |wanted: &Value, has: &dyn Fn(&str, &Value) -> bool, made: Value| {
        let members = wanted.as_object().into_iter().flatten();
        if members.into_iter().all(|(name, value)| has(name, value)) { wanted.clone() } else { made }
    };
    let is_sent = |name: &str, value: &Value| fields.iter().any(|(sent, text)| sent == name && text == value);
    let mut made = also.to_vec();
    made.extend([
        ("method", call.method.as_str().into()),
        ("url", address.into()),
        ("path", url[Position::BeforePath..].into()),
        ("query_fields", object(&query)),
        ("headers", Value::Object(headers)),
        ("form_fields", object(fields)),
        ("body_pairs", least(&vector.expected["body_pairs"], &is_sent, object(fields))),
        (
            "body_json_min",
            least(
                &vector.expected["body_json_min"],
                &|name, value| json.get(name) == Some(value),
                json.clone(),
            ),
        ),
        ("body_json", json.clone()),
    ]);
    vector.compare(&made)
}

fn object(pairs: &[(String, String)]) -> Value {
    pairs
        .iter()
        .map(|(name, value)| (name.clone(), Value::from(value.as_str())))
        .collect::<Map<_, _>>()
        .into()
}
