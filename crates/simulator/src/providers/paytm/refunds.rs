//! Refunds, of payments in both protocols: accepted by one call, reported by another and by a webhook.

use axum::body::Bytes;
use axum::extract::State;
use axum::response::Response;
use serde::Deserialize;
use serde_json::{Value, json};

use super::v3::{Signing, envelope, envelope_text, result_info, signed_body};
use super::words::{BAD_MERCHANT, Words};
use super::{number_at, transaction_number};
use crate::courier::Message;
use crate::money::{Amount, Currency};
use crate::providers::http::strike;
use crate::providers::order::Statement;
use crate::providers::provider::Provider;
use crate::providers::refunds::books::NotBooked;
use crate::providers::refunds::desk::{FoundRefund, RefundAsked};
use crate::providers::refunds::{RefundSaid, RefundState, RefundStatement, RefundWish, WhyRefused};
use crate::providers::{Providers, moment};

const MAX_REFERENCE: usize = 50;
/// The longest amount, as text.
const MAX_AMOUNT: usize = 10;
/// The smallest partial refund, in paise.
const MIN_PARTIAL: i64 = 100;

const PENDING: Words = Words {
    status: "PENDING",
    code: "601",
    message: "Refund request was raised for this transaction. But it is pending state",
};
const NO_RECORD: Words = failure("631", "Record not found");

const fn failure(code: &'static str, message: &'static str) -> Words {
    Words { status: "TXN_FAILURE", code, message }
}

fn words(said: RefundSaid) -> Words {
    match said {
        RefundSaid::Pending => PENDING,
        RefundSaid::Done => Words { status: "TXN_SUCCESS", code: "10", message: "Refund Successfull" },
        RefundSaid::Refused(WhyRefused::Bank) | RefundSaid::Returned => {
            failure("600", "Invalid refund request or restricted by bank")
        }
        RefundSaid::Refused(WhyRefused::Balance) => failure("620", "BALANCE_NOT_ENOUGH"),
        RefundSaid::Gibberish => Words { status: "UNDER_REVIEW", code: "9999", message: "Under review" },
        RefundSaid::NotFound => NO_RECORD,
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Wish {
    mid: String,
    txn_type: String,
    order_id: String,
    txn_id: String,
    ref_id: String,
    refund_amount: String,
}

/// `POST /refund/apply`: takes a refund on.
pub(crate) async fn apply(State(providers): State<Providers>, body: Bytes) -> Response {
    let wish = signed_body::<Wish>(&providers.accounts().paytm, &body);
    let answer = match &wish {
        Err(words) => refused(&providers, words),
        Ok(wish) => match applied(&providers, wish) {
            Applied::Said(words) => refused(&providers, &words),
            Applied::Taken(found) => taken(&providers, &found),
            Applied::Lost => return crate::cut(),
        },
    };
    let (order, id) = wish.map(|wish| (wish.order_id, wish.ref_id)).unwrap_or_default();
    let strike = providers.refund_strike(&(Provider::Paytm, order), &id, true);
    strike::carry_out(&providers, strike, answer).await
}

enum Applied {
    Said(Words),
    Taken(FoundRefund),
    Lost,
}

fn applied(providers: &Providers, wish: &Wish) -> Applied {
    let account = &providers.accounts().paytm;
    if wish.mid != account.merchant_id {
        return Applied::Said(BAD_MERCHANT);
    }
    let payment = (Provider::Paytm, wish.order_id.clone());
    let found = providers.look(&payment);
    let number = found.as_ref().map(|found| transaction_number(&Statement::told(&found.order, None)));
    if number.as_deref() != Some(wish.txn_id.as_str()) {
        return Applied::Said(failure("627", "Order Details Mismatch"));
    }
    let amount = Amount::parse(&wish.refund_amount, Currency::INR)
        .filter(|_| wish.refund_amount.len() <= MAX_AMOUNT && wish.txn_type == "REFUND")
        .filter(|_| super::legacy::is_order_id(&wish.ref_id) && wish.ref_id.len() <= MAX_REFERENCE);
    let Some(amount) = amount else { return Applied::Said(failure("619", "Invalid refund amount")) };
    let whole = found.and_then(|found| found.order.taken) == Some(amount);
    if amount.minor < MIN_PARTIAL && !whole {
        return Applied::Said(failure("635", "Partial Refund under Rupee 1 is not allowed"));
    }
    let known = providers.refunds_of(&payment);
    let under_way = |found: &FoundRefund| {
        found.refund.wish.id != wish.ref_id && matches!(found.refund.state, RefundState::Pending { .. })
    };
    if known.iter().any(under_way) {
        return Applied::Said(failure("626", "Another Refund on same order is already in Progress"));
    }
    let asked = providers.refund(RefundWish {
        payment,
        id: wish.ref_id.clone(),
        amount,
        notify_url: account.webhook_url.clone(),
        ids_repeat: false,
        waits_for_balance: false,
    });
    match asked {
        RefundAsked::Booked(found) => match found.refund.state {
            RefundState::Refused(why) => Applied::Said(words(RefundSaid::Refused(why))),
            RefundState::Pending { .. } | RefundState::Done { .. } | RefundState::Returned => {
                Applied::Taken(found)
            }
        },
        RefundAsked::Known(found) => Applied::Said(match found.refund.state {
            RefundState::Done { .. } => failure("629", "Refund is already Successful"),
            RefundState::Pending { .. } | RefundState::Refused(_) | RefundState::Returned => failure(
                "617",
                "Refund Already Raised (If merchant repeated their request within the 10 minutes)",
            ),
        }),
        RefundAsked::Not(NotBooked::NotPaid) => {
            Applied::Said(failure("607", "Refund can not be initiated for a cancelled transaction."))
        }
        RefundAsked::Not(NotBooked::Exceeds) => Applied::Said(failure("619", "Invalid refund amount")),
        RefundAsked::Not(NotBooked::Full) => {
            Applied::Said(Words { status: "PENDING", code: "501", message: "System Error" })
        }
        RefundAsked::Lost => Applied::Lost,
    }
}

fn refused(providers: &Providers, words: &Words) -> Response {
    envelope(providers, &json!({ "resultInfo": result_info(words) }), Signing::Not)
}

/// The answer to an accepted request, independent of its later state.
fn taken(providers: &Providers, found: &FoundRefund) -> Response {
    let told = RefundStatement::told(&found.refund, found.twist);
    let said = if told.said == RefundSaid::Gibberish { told.said } else { RefundSaid::Pending };
    let statement = RefundStatement { said, ..told };
    let mut body = json!({ "resultInfo": result_info(&words(said)) });
    if let Some(members) = body.as_object_mut() {
        members.extend(identity(providers, &statement));
    }
    envelope(providers, &body, signing(&statement))
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Question {
    mid: String,
    order_id: String,
    ref_id: String,
}

/// `POST /v2/refund/status`: the state of a refund.
pub(crate) async fn status(State(providers): State<Providers>, body: Bytes) -> Response {
    let account = &providers.accounts().paytm;
    let question = signed_body::<Question>(account, &body);
    let answer = match &question {
        Err(words) => refused(&providers, words),
        Ok(question) if question.mid != account.merchant_id => refused(&providers, &BAD_MERCHANT),
        Ok(question) => {
            let found = providers.refund_status_asked(Provider::Paytm, &question.ref_id).pop();
            let found = found.filter(|found| found.refund.wish.payment.1 == question.order_id);
            let statement = found.as_ref().map(|found| RefundStatement::answered(&found.refund, found.twist));
            match statement.filter(|statement| statement.said != RefundSaid::NotFound) {
                None => refused(&providers, &NO_RECORD),
                Some(statement) => envelope(&providers, &report(&providers, &statement), signing(&statement)),
            }
        }
    };
    let (order, id) = question.map(|question| (question.order_id, question.ref_id)).unwrap_or_default();
    let strike = providers.refund_strike(&(Provider::Paytm, order), &id, false);
    strike::carry_out(&providers, strike, answer).await
}

fn signing(statement: &RefundStatement<'_>) -> Signing {
    match (statement.said, statement.genuine) {
        (RefundSaid::Refused(_) | RefundSaid::Returned | RefundSaid::NotFound, _) => Signing::Not,
        (RefundSaid::Pending | RefundSaid::Done | RefundSaid::Gibberish, true) => Signing::Right,
        (RefundSaid::Pending | RefundSaid::Done | RefundSaid::Gibberish, false) => Signing::Wrong,
    }
}

/// The members that name a refund and its payment.
fn identity(providers: &Providers, statement: &RefundStatement<'_>) -> Vec<(String, Value)> {
    let refund = statement.refund;
    [
        ("mid", json!(providers.accounts().paytm.merchant_id)),
        ("orderId", json!(refund.wish.payment.1)),
        ("txnId", json!(number_at(refund.payment_opened_ms, refund.payment_number))),
        ("refId", json!(refund.wish.id)),
        ("refundId", json!(number_at(refund.asked_ms, refund.number()))),
        ("refundAmount", json!(statement.amount.to_string())),
        ("txnTimestamp", json!(format!("{}.0", moment::second(refund.asked_ms)))),
    ]
    .map(|(name, value)| (name.to_owned(), value))
    .to_vec()
}

/// The body of a status answer.
fn report(providers: &Providers, statement: &RefundStatement<'_>) -> Value {
    let refund = statement.refund;
    let moment = format!("{}.0", moment::second(refund.decided_ms));
    let mut body = json!({
        "resultInfo": result_info(&words(statement.said)),
        "merchantRefundRequestTimestamp": format!("{}.0", moment::second(refund.asked_ms)),
    });
    if let Some(members) = body.as_object_mut() {
        members.extend(identity(providers, statement));
    }
    if statement.said == RefundSaid::Done {
        body["totalRefundAmount"] = statement.amount.to_string().into();
        body["acceptRefundStatus"] = "SUCCESS".into();
        body["acceptRefundTimestamp"] = moment.clone().into();
        body["userCreditInitiateStatus"] = "SUCCESS".into();
        body["userCreditInitiateTimestamp"] = moment.clone().into();
        body["refundDetailInfoList"] = json!([{
            "refundType": "TO_SOURCE",
            "payMethod": "UPI",
            "userMobileNo": "98*****670",
            "refundAmount": statement.amount.to_string(),
            "rrn": format!("{:012}", refund.number()),
        }]);
    }
    body
}

/// The webhook of a refund that was done: no other is sent.
pub(crate) fn webhook(providers: &Providers, url: &str, statement: &RefundStatement<'_>) -> Option<Message> {
    if statement.said != RefundSaid::Done {
        return None;
    }
    let refund = statement.refund;
    let moment = format!("{}.0", moment::second(refund.decided_ms));
    let mut body = json!({
        "totalRefundAmount": statement.amount.to_string(),
        "acceptRefundTimestamp": moment,
        "userCreditInitiateTimestamp": moment,
        "merchantRefundRequestTimestamp": format!("{}.0", moment::second(refund.asked_ms)),
    });
    if let Some(members) = body.as_object_mut() {
        members.extend(identity(providers, statement));
    }
    let signing = if statement.genuine { Signing::Right } else { Signing::Wrong };
    Some(Message {
        url: url.to_owned(),
        headers: vec![("content-type", "application/json".to_owned())],
        body: envelope_text(providers, &body, signing),
    })
}
