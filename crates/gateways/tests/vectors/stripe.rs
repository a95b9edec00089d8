//! The vectors of STRIPE.

use payment_domain::{Currency, Money, Outcome, Timestamp};
use payment_gateways::client::{Body, Call};
use payment_gateways::form;
use payment_gateways::json::Object;
use payment_gateways::refund::Asked;
use payment_gateways::stripe::StripeAccount;
use payment_gateways::stripe::answer::{Event, Facts};
use payment_gateways::stripe::refund::{self, Reason};
use payment_gateways::stripe::refund_answer;
use payment_gateways::stripe::signature;
use payment_gateways::stripe::wire::{self, Session};
use payment_settings::{Reader, Values};
use secrecy::SecretString;
use serde_json::{Map, Value};

use crate::request::header;
use crate::vector::{Checked, Vector, Verdict, pairs, same};

/// Runs one vector.
pub(crate) fn run(vector: &Vector) -> Verdict {
    match (vector.scheme.as_str(), vector.kind.as_str()) {
        ("stripe-webhook", "verify") => webhook(vector).into(),
        ("stripe-checkout-session", "request") => open(vector).into(),
        ("stripe-session-retrieve", "request") => retrieve(vector).into(),
        ("stripe-refund", "request") => refund(vector).into(),
        ("stripe-status", "status") if vector.inputs["body"]["object"] == "refund" => {
            let word = vector.inputs["body"]["status"].as_str();
            crate::refunds::compare_outcome(vector, &refund_answer::outcome_of_state(word, None, None)).into()
        }
        ("stripe-status", "status") => status(vector).into(),
        (scheme, kind) => Verdict::Failed(format!("no way to {kind} {scheme}")),
    }
}

fn webhook(vector: &Vector) -> Checked {
    let number = |name: &str| vector.inputs[name].as_i64().ok_or_else(|| format!("no number {name}"));
    same("tolerance", &number("tolerance_s")?.into(), &signature::TOLERANCE_S.into())?;
    let secret = SecretString::from(vector.input("secret")?);
    let now = Timestamp::from_millis(number("now")? * 1_000);
    let (body, header) = (vector.input("body")?.as_bytes(), vector.input("header")?);
    vector.compare_verified(signature::is_signed([&secret], body, header, now), &[])
}

fn account(vector: &Vector) -> Result<StripeAccount, String> {
    let values = Values::of([("stripe.secret.key", vector.input("api_key")?)]);
    StripeAccount::read(&mut Reader::new(&values)).ok_or_else(|| "no account".to_owned())
}

fn open(vector: &Vector) -> Checked {
    let params = &vector.inputs["params"];
    let text = |value: &Value| value.as_str().map(str::to_owned).ok_or_else(|| format!("{value} is no text"));
    let item = &params["line_items"][0];
    let price = &item["price_data"];
    let currency = Currency::from_code(&text(&price["currency"])?).ok_or("no currency")?;
    let amount = Money::from_minor(price["unit_amount"].as_i64().ok_or("no amount")?, currency);
    let metadata = pairs(&params["metadata"]).ok_or("no metadata")?;
    let (cancel_url, reference) = (text(&params["cancel_url"])?, text(&params["client_reference_id"])?);
    let email = text(&params["customer_email"])?;
    let session = Session {
        reference: &reference,
        success_url: text(&params["success_url"])?,
        cancel_url: &cancel_url,
        email: Some(&email),
        expires_at: 0,
        amount: amount.map_err(|error| error.to_string())?,
        name: text(&price["product_data"]["name"])?,
        metadata: metadata.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect(),
    };
    same("quantity", &item["quantity"], &1.into())?;
    same("the idempotency key", &vector.inputs["idempotency_key"], &reference.as_str().into())?;
    compare_call(vector, &wire::open_call(&account(vector)?, &session))
}

fn retrieve(vector: &Vector) -> Checked {
    same("expand", &vector.inputs["expand"], &Value::from(vec!["payment_intent"]))?;
    compare_call(vector, &wire::status_call(&account(vector)?, vector.input("session_id")?))
}

fn refund(vector: &Vector) -> Checked {
    let params = &vector.inputs["params"];
    let amount = params["amount"].as_i64().ok_or("no amount")?;
    let asked = Asked {
        id: params["metadata"]["refundId"].as_str().ok_or("no number of the refund")?,
        payment: params["payment_intent"].as_str().ok_or("no payment")?,
        amount: Money::from_minor(amount, Currency::INR).map_err(|error| error.to_string())?,
    };
    same("the idempotency key", &vector.inputs["idempotency_key"], &asked.id.into())?;
    compare_call(vector, &refund::refund_call(&account(vector)?, &asked, Reason::RequestedByCustomer, "T1"))
}

/// Compares method, address, headers, and the expected fields: a call of ours has more.
fn compare_call(vector: &Vector, call: &Call) -> Checked {
    let wanted = vector.expected["headers"].as_object().into_iter().flatten();
    let headers = Map::from_iter(wanted.map(|(name, _)| (name.clone(), header(call, name).into())));
    let fields = match &call.body {
        Body::Form(fields) => fields.as_slice(),
        Body::Empty | Body::Json(_) => &[],
    };
    let has = |wanted: &[(String, String)]| wanted.iter().all(|pair| fields.contains(pair));
    let sent = form::decode(vector.expected["body"].as_str().unwrap_or_default().as_bytes());
    let named = pairs(&vector.expected["body_pairs"]).unwrap_or_default();
    let fits = |name: &str, wanted: &[(String, String)]| match has(wanted) {
        true => vector.expected[name].clone(),
        false => Value::from(form::encode(fields)),
    };
    vector.compare(&[
        ("method", call.method.as_str().into()),
        ("url", call.url.clone().into()),
        ("headers", headers.into()),
        ("body", fits("body", &sent)),
        ("body_pairs", fits("body_pairs", &named)),
    ])
}

fn status(vector: &Vector) -> Checked {
    let body = &vector.inputs["body"];
    let event = Event::parse(body.to_string().as_bytes());
    let mut session = if event.is_some() { body["data"]["object"].clone() } else { body.clone() };
    // The vector leaves out the type of an event's object.
    session["object"] = "checkout.session".into();
    let facts = facts(&session.to_string())?;
    let outcome = match &event {
        Some(event) => facts.outcome_of_event(&event.kind).ok_or("no event about a session")?,
        None => facts.outcome(),
    };
    // Where nothing was to be paid the transaction keeps its state, which the vector calls an error.
    if let Outcome::Unrecognised { code } = &outcome {
        same("the code", &code.as_str().into(), &"complete/no_payment_required".into())?;
        return same("status", &"ERROR".into(), &vector.expected["status"]);
    }
    vector.compare_report(&Ok(facts.into_report(outcome)), |_| None)
}

fn facts(session: &str) -> Result<Facts, String> {
    let object = Object::parse(session.as_bytes()).ok_or("no object")?;
    Facts::of_session(&object).ok_or_else(|| "no session".to_owned())
}
