//! Answers about refunds. Pure.

use payment_domain::{Currency, Money, RefundOutcome, RefundReport};
use payment_gateway::GatewayError;
use serde_json::json;

use crate::evidence;
use crate::json::Object;
use crate::refund::{self, Asked, RefundMembers, short};
use crate::text::cut;

/// Evidence kept of an answer to a refund request.
const TAKEN_EVIDENCE: [&str; 6] = ["status", "msg", "request_id", "bank_ref_num", "mihpayid", "error_code"];
/// Evidence kept of a refund, in the spellings of the three answers.
const EVIDENCE: [&str; 22] = [
    "mihpayid",
    "PayuID",
    "request_id",
    "RequestID",
    "id",
    "token",
    "RefundToken",
    "action",
    "actionType",
    "amt",
    "Amount",
    "amount",
    "status",
    "Status",
    "bank_ref_num",
    "bank_ref_no",
    "bank_arn",
    "error_code",
    "RefundCreationDate",
    "success_at",
    "mode",
    "refund_mode",
];

/// The meaning of an answer to `cancel_refund_transaction`.
///
/// # Errors
/// [`GatewayError::Unreadable`] when it is none.
pub fn taken(body: &[u8], asked: &Asked<'_>) -> Result<RefundReport, GatewayError> {
    let answer = object(body)?;
    let (code, message) = (answer.text("error_code"), answer.text("msg"));
    let is_taken = answer.text("status").as_deref() == Some("1");
    let outcome = match answer.text("mihpayid") {
        Some(payment) if payment != asked.payment => {
            RefundOutcome::Unclear { reason: "the answer names another payment".to_owned() }
        }
        Some(_) | None => match code.as_deref() {
            Some(code) => outcome_of_code(code, is_taken, message.as_deref()),
            None => outcome_of_message(message.as_deref().unwrap_or_default(), is_taken),
        },
    };
    Ok(RefundReport {
        outcome,
        may_repeat: code.as_deref() == Some(NO_LOCK),
        gateway_refund_id: short(answer.text("request_id")),
        status_code: short(code),
        status_message: short(message),
        raw: evidence::of_object(&answer, &TAKEN_EVIDENCE),
    })
}

/// PayU could not lock the payment: the request was not taken.
const NO_LOCK: &str = "120";

fn outcome_of_code(code: &str, is_taken: bool, message: Option<&str>) -> RefundOutcome {
    match code {
        // Done or accepted; to be repeated tomorrow; or an earlier request counts.
        "100" | "101" | "102" | "104" | "106" | "107" | "108" | "109" | "112" | NO_LOCK | "122" | "123"
        | "126" | "127" | "214" | "225" | "226" | "227" => RefundOutcome::Pending,
        "103" | "105" | "110" | "111" | "113" | "115" | "117" | "121" | "124" | "125" | "128" | "129"
        | "230"
            if !is_taken =>
        {
            let reason =
                message.map_or_else(|| format!("error {code}"), |message| cut(message, 255).to_owned());
            RefundOutcome::Failed { reason }
        }
        "116" | "119" => {
            RefundOutcome::Unclear { reason: "the gateway does not know the payment".to_owned() }
        }
        other => refund::unrecognised(other),
    }
}

fn outcome_of_message(message: &str, is_taken: bool) -> RefundOutcome {
    match is_taken {
        true => RefundOutcome::Pending,
        false if refuses_account(message) => refund::misconfigured(message),
        false => refund::unrecognised(message),
    }
}

fn refuses_account(message: &str) -> bool {
    message.to_ascii_lowercase().starts_with("invalid hash")
}

/// The refund in the answer to `getAllRefundsFromTxnIds`.
///
/// # Errors
/// [`GatewayError::Unreadable`] when the answer is no list of refunds, nor says that there are none.
pub fn among_all(body: &[u8], asked: &Asked<'_>) -> Result<RefundReport, GatewayError> {
    let answer = object(body)?;
    let message = answer.text("msg").unwrap_or_default();
    if refuses_account(&message) {
        return Ok(refund::report(refund::misconfigured(&message), json!({ "msg": cut(&message, 100) })));
    }
    let details = match answer.object("Refund Details") {
        Some(details) => details,
        None if message.to_ascii_lowercase().starts_with("no refunds found") => {
            return Ok(refund::report(RefundOutcome::NotFound, json!({ "msg": cut(&message, 100) })));
        }
        None => return Err(unreadable("no list of refunds")),
    };
    let mut ours = Vec::new();
    for payment in details.names() {
        let refunds = details.list(payment).ok_or_else(|| unreadable("no list of refunds"))?;
        ours.extend(refunds.into_iter().filter(|refund| names(refund, "RefundToken", asked.id)));
    }
    Ok(match refund::only(ours, || json!({ "msg": cut(&message, 100) })) {
        Ok(refund) => {
            told(&refund, refund.text("PayuID"), ["RequestID", "RefundToken", "Amount", "Status"], asked)
        }
        Err(none) => *none,
    })
}

/// The refund in the answer to `check_action_status`.
///
/// # Errors
/// [`GatewayError::Unreadable`] when the answer is about no action.
pub fn of_action(body: &[u8], asked: &Asked<'_>) -> Result<RefundReport, GatewayError> {
    let answer = object(body)?;
    let message = answer.text("msg").unwrap_or_default();
    if refuses_account(&message) {
        return Ok(refund::report(refund::misconfigured(&message), json!({ "msg": cut(&message, 100) })));
    }
    let details = answer.object("transaction_details").ok_or_else(|| unreadable("no action"))?;
    let mut ours = Vec::new();
    for asked_about in details.names() {
        let actions = details.object(asked_about).ok_or_else(|| unreadable("no action"))?;
        for number in actions.names() {
            let action = actions.object(number).ok_or_else(|| unreadable("no action"))?;
            // The capture of the payment is an action as well.
            if names(&action, "action", "refund") && names(&action, "token", asked.id) {
                ours.push(action);
            }
        }
    }
    Ok(match refund::only(ours, || json!({ "msg": cut(&message, 100) })) {
        Ok(action) => told(&action, action.text("mihpayid"), ["request_id", "token", "amt", "status"], asked),
        Err(none) => *none,
    })
}

/// The refund in the answer of the newer API.
///
/// # Errors
/// [`GatewayError::Unreadable`] when the answer is no result.
pub fn by_token(body: &[u8], asked: &Asked<'_>) -> Result<RefundReport, GatewayError> {
    let answer = object(body)?;
    let results = answer.list("result").ok_or_else(|| unreadable("no result"))?;
    if answer.text("status").as_deref() != Some("1") {
        return Err(unreadable("the question was refused"));
    }
    let mut ours = Vec::new();
    for payment in results {
        let number = payment.text("payuId");
        let actions =
            payment.list("transactionActionDetails").ok_or_else(|| unreadable("no list of actions"))?;
        let refunds = actions
            .into_iter()
            .filter(|action| names(action, "actionType", "refund") && names(action, "token", asked.id));
        ours.extend(refunds.map(|refund| (number.clone(), refund)));
    }
    Ok(match refund::only(ours, || json!({ "result": [] })) {
        Ok((payment, refund)) => told(&refund, payment, ["id", "token", "amount", "status"], asked),
        Err(none) => *none,
    })
}

/// The report on a refund, with the spellings of its number, token, amount and state.
fn told(
    refund: &Object,
    payment: Option<String>,
    [number, token, amount, state]: [&str; 4],
    asked: &Asked<'_>,
) -> RefundReport {
    let amount = refund.text(amount).and_then(|text| Money::parse(&text, Currency::INR).ok());
    let told = RefundMembers { id: refund.text(token), payment, amount };
    let word = refund.text(state).unwrap_or_default();
    RefundReport {
        outcome: asked.compare(&told, outcome_of_state(&word, amount, refund.text("error_code"))),
        may_repeat: false,
        gateway_refund_id: short(refund.text(number)),
        status_code: short(Some(word)),
        status_message: short(refund.text("error_code")),
        raw: evidence::of_object(refund, &EVIDENCE),
    }
}

/// The meaning of an action's state, which PayU writes with blanks or `_`, in either letter case.
fn outcome_of_state(word: &str, amount: Option<Money>, code: Option<String>) -> RefundOutcome {
    match word.trim().to_ascii_lowercase().replace('_', " ").as_str() {
        "success" => RefundOutcome::Succeeded { amount },
        "queued" | "in progress" | "requested" | "od hit" | "pending" => RefundOutcome::Pending,
        "failure" | "failed" => RefundOutcome::Failed {
            reason: code.map_or_else(|| "the refund failed".to_owned(), |code| cut(&code, 64).to_owned()),
        },
        _ => refund::unrecognised(word),
    }
}

fn names(object: &Object, member: &str, text: &str) -> bool {
    object.text(member).is_some_and(|named| named.trim() == text)
}

fn object(body: &[u8]) -> Result<Object, GatewayError> {
    Object::parse(body).ok_or_else(|| unreadable("no JSON object"))
}

fn unreadable(why: &str) -> GatewayError {
    GatewayError::Unreadable(why.to_owned())
}
