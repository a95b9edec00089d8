//! Refunds: `refundOrder`, and `cancelOrder` while an order is not confirmed. Only the state of an order
//! shows them.

use axum::http::header;
use axum::response::{IntoResponse, Response};
use secrecy::ExposeSecret;
use serde::Deserialize;
use serde_json::{Value, json};

use super::{ApiError, BAD_REQUEST, wire};
use crate::money::{Amount, Currency};
use crate::providers::Providers;
use crate::providers::http::strike;
use crate::providers::ledger::Key;
use crate::providers::order::Order;
use crate::providers::provider::Provider;
use crate::providers::refunds::books::NotBooked;
use crate::providers::refunds::desk::RefundAsked;
use crate::providers::refunds::{RefundSaid, RefundState, RefundStatement, RefundWish};
use crate::providers::signature::ccavenue::encrypt;

#[derive(Deserialize)]
struct RefundOrder {
    reference_no: String,
    refund_amount: String,
    refund_ref_no: String,
}

#[derive(Deserialize)]
struct CancelOrder {
    #[serde(rename = "order_List")]
    orders: Vec<CancelledOrder>,
}

#[derive(Deserialize)]
struct CancelledOrder {
    reference_no: String,
    amount: String,
}

/// A request to give money back.
struct Request {
    reference: String,
    amount: String,
    id: String,
    is_cancellation: bool,
}

impl Request {
    fn read(command: &str, text: &str) -> Result<Request, ApiError> {
        if command == "refundOrder" {
            let RefundOrder { reference_no, refund_amount, refund_ref_no } =
                serde_json::from_str(text).map_err(|_| BAD_REQUEST)?;
            let (reference, amount, id) = (reference_no, refund_amount, refund_ref_no);
            return Ok(Request { reference, amount, id, is_cancellation: false });
        }
        let CancelOrder { mut orders } = serde_json::from_str(text).map_err(|_| BAD_REQUEST)?;
        let order = orders.pop().filter(|_| orders.is_empty()).ok_or(BAD_REQUEST)?;
        let id = format!("CANCEL-{}", order.reference_no);
        Ok(Request { reference: order.reference_no, amount: order.amount, id, is_cancellation: true })
    }

    /// The result in the words of its command.
    fn result(&self, outcome: Result<&str, &str>) -> Value {
        match (self.is_cancellation, outcome) {
            (false, Ok(status)) => {
                json!({ "Refund_Order_Result": { "refund_status": status, "reason": "" } })
            }
            (false, Err(reason)) => {
                json!({ "Refund_Order_Result": { "refund_status": "1", "reason": reason } })
            }
            (true, Ok(_)) => json!({ "Order_Result": { "success_count": 1, "failed_List": null } }),
            (true, Err(reason)) => json!({ "Order_Result": {
                "success_count": 0,
                "failed_List": { "reference_no": self.reference, "reason": reason },
            } }),
        }
    }
}

/// The answer to a command that gives money back.
pub(super) async fn answer(providers: &Providers, command: &str, text: &str) -> Response {
    let request = Request::read(command, text);
    let (body, payment, id) = match &request {
        Err((code, sentence)) => {
            (format!("status=1&enc_response={sentence}&enc_error_code={code}"), None, "")
        }
        Ok(request) => {
            let number = request.reference.parse().ok();
            let payment =
                number.and_then(|number| providers.order_with_payment_number(Provider::Ccavenue, number));
            let Some((result, genuine)) = carried_out(providers, payment.clone(), request) else {
                return crate::cut();
            };
            let account = &providers.accounts().ccavenue;
            let key = if genuine { account.api_working_key.expose_secret() } else { wire::ANOTHER_KEY };
            let body =
                format!("status=0&enc_response={}\r\n&enc_error_code=", encrypt(key, &result.to_string()));
            (body, payment, request.id.as_str())
        }
    };
    let payment = payment.unwrap_or((Provider::Ccavenue, String::new()));
    let answer = ([(header::CONTENT_TYPE, "text/html;charset=UTF-8")], body).into_response();
    strike::carry_out(providers, providers.refund_strike(&payment, id, true), answer).await
}

/// The result, and whether it is encrypted as it should be; `None` where the request never arrives.
fn carried_out(providers: &Providers, payment: Option<Key>, request: &Request) -> Option<(Value, bool)> {
    let refused = |reason: &str| Some((request.result(Err(reason)), true));
    let Some(payment) = payment else { return refused("Invalid reference_no") };
    let Some(amount) = Amount::parse(&request.amount, Currency::INR) else {
        return refused("Invalid refund amount");
    };
    if providers.accounts().ccavenue.confirms_orders == request.is_cancellation {
        return refused("The order is not in a status for this request");
    }
    if request.is_cancellation && providers.look(&payment)?.order.taken != Some(amount) {
        return refused("Only the whole order can be cancelled");
    }
    let asked = providers.refund(RefundWish {
        payment,
        id: request.id.clone(),
        amount,
        notify_url: None,
        // A number's earlier use is not checked.
        ids_repeat: true,
        waits_for_balance: false,
    });
    match asked {
        RefundAsked::Booked(found) | RefundAsked::Known(found) => {
            let told = RefundStatement::told(&found.refund, found.twist);
            let result = match told.said {
                RefundSaid::Refused(_) => request.result(Err("Insufficient balance")),
                RefundSaid::Gibberish => request.result(Ok("9")),
                RefundSaid::Pending | RefundSaid::Done | RefundSaid::Returned | RefundSaid::NotFound => {
                    request.result(Ok("0"))
                }
            };
            Some((result, told.genuine))
        }
        RefundAsked::Not(NotBooked::NotPaid) => refused("The order is not in a status for this request"),
        RefundAsked::Not(NotBooked::Exceeds) => refused("Refund amount exceeds the order amount"),
        RefundAsked::Not(NotBooked::Full) => refused("Try later"),
        RefundAsked::Lost => None,
    }
}

/// The status of a paid order: whether it is confirmed, and when all of it was given back.
pub(super) fn shown(providers: &Providers, order: &Order) -> wire::Shown {
    let taken = order.taken?;
    let is_confirmed = providers.accounts().ccavenue.confirms_orders;
    let found = providers.refunds_of(&(Provider::Ccavenue, order.terms.id.clone()));
    let told = found.iter().map(|found| RefundStatement::answered(&found.refund, found.twist));
    let told: Vec<_> = told.filter(|told| told.said != RefundSaid::NotFound).collect();
    let is_done = |told: &&RefundStatement<'_>| matches!(told.refund.state, RefundState::Done { .. });
    let given: i64 = told.iter().filter(is_done).map(|told| told.refund.wish.amount.minor).sum();
    if given < taken.minor {
        return (!is_confirmed).then_some(("Successful", taken));
    }
    let word = match (told.iter().any(|told| told.said == RefundSaid::Gibberish), is_confirmed) {
        (true, _) => "Considered",
        (false, true) => "Refunded",
        (false, false) => "Cancelled",
    };
    let amount = if let [only] = told.as_slice() { only.amount } else { taken };
    Some((word, amount))
}
