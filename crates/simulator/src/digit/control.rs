//! `/_control`: faults, books and calls over HTTP, for tests in another process.

use std::sync::Arc;

use axum::extract::{Path, Query, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use serde::Deserialize;
use serde_json::{Value, json};

use super::State as Digit;
use super::endpoint::Endpoint;
use super::fault::{BadFault, FaultRequest};

type Shared = State<Arc<Digit>>;

/// Why a control request is not carried out.
enum Refused {
    NoSuchEndpoint,
    NoSuchPayment,
    Fault(BadFault),
}

impl From<BadFault> for Refused {
    fn from(fault: BadFault) -> Refused {
        Refused::Fault(fault)
    }
}

impl IntoResponse for Refused {
    fn into_response(self) -> Response {
        let (status, message) = match self {
            Refused::NoSuchEndpoint => {
                let words: Vec<&str> = Endpoint::ALL.into_iter().map(Endpoint::word).collect();
                (StatusCode::NOT_FOUND, format!("there is no such endpoint; there are {}", words.join(", ")))
            }
            Refused::NoSuchPayment => (StatusCode::NOT_FOUND, "there is no such payment".to_owned()),
            Refused::Fault(fault) => (StatusCode::BAD_REQUEST, fault.to_string()),
        };
        (status, Json(json!({ "error": message }))).into_response()
    }
}

pub(crate) fn router() -> Router<Arc<Digit>> {
    Router::new()
        .route("/", get(overview))
        .route("/faults/{endpoint}", post(set_fault))
        .route("/calls/{endpoint}", get(calls))
        .route("/books", get(books))
        .route("/payments/{number}", get(payment))
        .route("/paid-bills", post(pay_elsewhere))
        .route("/users", post(enter_user))
        .route("/tokens/{token}", post(log_in).delete(log_out))
        .route("/bank-accounts/{tenant}", post(set_bank_accounts))
        .route("/bills/{bill}", post(set_bill))
        .route("/messages", post(set_message))
        .route("/reset", post(reset))
}

fn endpoint_of(word: &str) -> Result<Endpoint, Refused> {
    Endpoint::from_word(word).ok_or(Refused::NoSuchEndpoint)
}

/// `GET /_control`: for each endpoint its path, its calls and its fault.
async fn overview(State(digit): Shared) -> Json<Value> {
    let books = digit.books();
    let endpoints: serde_json::Map<String, Value> = Endpoint::ALL
        .into_iter()
        .map(|endpoint| {
            let state = json!({
                "path": endpoint.path(),
                "calls": books.count(endpoint),
                "fault": books.faults.get(&endpoint),
            });
            (endpoint.word().to_owned(), state)
        })
        .collect();
    Json(Value::Object(endpoints))
}

/// `POST /_control/faults/{endpoint}`; the word `all` stands for every endpoint.
async fn set_fault(
    State(digit): Shared,
    Path(endpoint): Path<String>,
    Json(asked): Json<FaultRequest>,
) -> Result<StatusCode, Refused> {
    let struck = if endpoint == "all" { Endpoint::ALL.to_vec() } else { vec![endpoint_of(&endpoint)?] };
    let plan = asked.plan()?;
    let mut books = digit.books();
    for endpoint in struck {
        match &plan {
            Some(plan) => books.faults.insert(endpoint, plan.clone()),
            None => books.faults.remove(&endpoint),
        };
    }
    Ok(StatusCode::NO_CONTENT)
}

#[derive(Deserialize)]
struct Page {
    limit: Option<usize>,
}

/// `GET /_control/calls/{endpoint}?limit=`: the last calls, the oldest first.
async fn calls(
    State(digit): Shared,
    Path(endpoint): Path<String>,
    Query(page): Query<Page>,
) -> Result<Json<Value>, Refused> {
    let calls = digit.books().calls(Some(endpoint_of(&endpoint)?));
    let first = calls.len().saturating_sub(page.limit.unwrap_or(100));
    Ok(Json(json!(calls.get(first..).unwrap_or_default())))
}

/// `GET /_control/books`: everything there is.
async fn books(State(digit): Shared) -> Json<Value> {
    let books = digit.books();
    Json(json!({
        "payments": books.register.payments(),
        "users": books.users.all(),
        "links": books.masters.links(),
        "ids": books.masters.ids(),
    }))
}

/// `GET /_control/payments/{number}`: the payment under a transaction number.
async fn payment(State(digit): Shared, Path(number): Path<String>) -> Result<Json<Value>, Refused> {
    let books = digit.books();
    books.register.payment(&number).map(|payment| Json(json!(payment))).ok_or(Refused::NoSuchPayment)
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Bill {
    tenant_id: String,
    bill_id: String,
}

/// `POST /_control/paid-bills`: a bill is paid at the counter.
async fn pay_elsewhere(State(digit): Shared, Json(bill): Json<Bill>) -> StatusCode {
    digit.books().register.pay_elsewhere(&bill.tenant_id, &bill.bill_id);
    StatusCode::NO_CONTENT
}

/// `POST /_control/users`: a user is there.
async fn enter_user(State(digit): Shared, Json(user): Json<Value>) -> StatusCode {
    digit.books().users.enter(user);
    StatusCode::NO_CONTENT
}

/// `POST /_control/tokens/{token}` with the user who logs in.
async fn log_in(State(digit): Shared, Path(token): Path<String>, Json(user): Json<Value>) -> StatusCode {
    digit.books().users.log_in(token, user);
    StatusCode::NO_CONTENT
}

/// `DELETE /_control/tokens/{token}`: its user logs out.
async fn log_out(State(digit): Shared, Path(token): Path<String>) -> StatusCode {
    digit.books().users.log_out(&token);
    StatusCode::NO_CONTENT
}

/// `POST /_control/bank-accounts/{tenant}` with the list of the tenant's account numbers.
async fn set_bank_accounts(
    State(digit): Shared,
    Path(tenant): Path<String>,
    Json(numbers): Json<Vec<String>>,
) -> StatusCode {
    digit.books().masters.set_bank_accounts(&tenant, numbers);
    StatusCode::NO_CONTENT
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct BillService {
    business_service: Option<String>,
}

/// `POST /_control/bills/{bill}`: the service a bill belongs to.
async fn set_bill(
    State(digit): Shared,
    Path(bill): Path<String>,
    Json(set): Json<BillService>,
) -> StatusCode {
    digit.books().masters.set_bill_service(&bill, set.business_service);
    StatusCode::NO_CONTENT
}

#[derive(Deserialize)]
struct Message {
    state: String,
    locale: String,
    code: String,
    message: String,
}

/// `POST /_control/messages`: a text of a state in a language.
async fn set_message(State(digit): Shared, Json(set): Json<Message>) -> StatusCode {
    digit.books().masters.set_message(&set.state, &set.locale, &set.code, &set.message);
    StatusCode::NO_CONTENT
}

/// `POST /_control/reset`: empty books, no faults, no calls.
async fn reset(State(digit): Shared) -> StatusCode {
    *digit.books() = super::books::Books::default();
    StatusCode::NO_CONTENT
}
