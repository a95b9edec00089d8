//! Refunds: `cancel_refund_transaction`, and the questions for their state.
//!
//! Our number of a refund is PayU's token, which it takes once only. Neither token nor amount is covered by the
//! hash of the request, so that only the state, which names both, is a result.

use async_trait::async_trait;
use jiff::tz::TimeZone;
use payment_domain::{RefundId, RefundOutcome, RefundReport, Timestamp, Transaction};
use payment_gateway::{Answer, GatewayError, NoRefund, RefundOrder, RefundTerms, Refunding, Repetition};
use secrecy::ExposeSecret;
use serde_json::json;

use super::account::PayuAccount;
use super::{Payu, refund_answer, wire};
use crate::client::{Body, Call, Method};
use crate::digest;
use crate::json::Object;
use crate::refund::{self, Asked};

/// Gives an amount of a payment back. On an authorised payment the command cancels the authorisation.
pub fn refund_call(account: &PayuAccount, asked: &Asked<'_>, notify_url: Option<&str>) -> Call {
    let amount = asked.amount.to_string();
    let mut arguments = vec![("var1", asked.payment), ("var2", asked.id), ("var3", amount.as_str())];
    arguments.extend(notify_url.map(|url| ("var5", url)));
    wire::command_call(account, "cancel_refund_transaction", &arguments)
}

/// Asks for all refunds of a transaction: a refund is found by its token, also when the answer with PayU's number
/// of it was lost.
pub fn refunds_call(account: &PayuAccount, reference: &str) -> Call {
    wire::command_call(account, "getAllRefundsFromTxnIds", &[("var1", reference)])
}

/// Asks for a refund by PayU's number of it.
pub fn action_call(account: &PayuAccount, request_id: &str) -> Call {
    wire::command_call(account, "check_action_status", &[("var1", request_id)])
}

/// Asks the newer API for a refund by its token.
pub fn token_call(account: &PayuAccount, url: &str, token: &str, now: Timestamp) -> Call {
    let body = json!({ "tokenId": [token] }).to_string();
    let mut headers = signed_headers(account, &body, &http_date(now));
    headers.push(("Info-Command".to_owned(), "check_action_status".to_owned()));
    Call { method: Method::POST, url: url.to_owned(), headers, body: Body::Json(body) }
}

/// The headers of a request to the newer API, signed over body and date.
pub fn signed_headers(account: &PayuAccount, body: &str, date: &str) -> Vec<(String, String)> {
    let text = format!("{body}|{date}|{}", account.salt.expose_secret());
    let signature = hex::encode(digest::sha512(text.as_bytes()));
    let key = &account.merchant_key;
    let authorization =
        format!(r#"hmac username="{key}", algorithm="sha512", headers="date", signature="{signature}""#);
    vec![("date".to_owned(), date.to_owned()), ("Authorization".to_owned(), authorization)]
}

/// A moment as HTTP writes it; empty, which PayU refuses, for one that no calendar has.
fn http_date(at: Timestamp) -> String {
    let moment = jiff::Timestamp::from_millisecond(at.as_millis());
    moment.map_or_else(
        |_| String::new(),
        |moment| moment.to_zoned(TimeZone::UTC).strftime("%a, %d %b %Y %H:%M:%S GMT").to_string(),
    )
}

impl Payu {
    async fn find(&self, order: &RefundOrder<'_>, asked: &Asked<'_>) -> Result<RefundReport, GatewayError> {
        let call = match &self.account.refund_status_url {
            Some(url) => token_call(&self.account, url, asked.id, self.clock.now()),
            None => refunds_call(&self.account, order.payment.id.as_str()),
        };
        let reply = self.client.send(&call).await?.accepted()?;
        match &self.account.refund_status_url {
            Some(_) => refund_answer::by_token(&reply.body, asked),
            None => refund_answer::among_all(&reply.body, asked),
        }
    }
}

/// The token of the refund that a callback is about.
pub fn token_in(answer: &Answer) -> Option<String> {
    let message = Object::parse(&answer.body)?;
    let is_refund = message.text("action").is_some_and(|action| action.eq_ignore_ascii_case("refund"));
    message.text("token").filter(|_| is_refund)
}

fn asked<'a>(order: &RefundOrder<'a>) -> Result<Asked<'a>, GatewayError> {
    Ok(Asked {
        id: order.id.as_str(),
        payment: refund::number_for_call(order.payment)?,
        amount: order.amount,
    })
}

#[async_trait]
impl Refunding for Payu {
    fn terms(&self, payment: &Transaction) -> Result<RefundTerms, NoRefund> {
        refund::number_of(payment)?;
        // Payments by a Maestro card can be refunded in one part only, which PayU alone can see: it refuses
        // the second.
        Ok(RefundTerms {
            partial: true,
            several: true,
            minimum: refund::minimum(1, payment),
            repetition: Repetition::Refused,
        })
    }

    async fn refund(&self, order: &RefundOrder<'_>) -> Result<RefundReport, GatewayError> {
        let asked = asked(order)?;
        let call = refund_call(&self.account, &asked, order.notify_url);
        let reply = self.client.send(&call).await?.accepted()?;
        let report = refund_answer::taken(&reply.body, &asked)?;
        match report.outcome {
            RefundOutcome::Failed { .. } => Ok(refund::confirmed(report, self.find(order, &asked).await)),
            RefundOutcome::Succeeded { .. }
            | RefundOutcome::Pending
            | RefundOutcome::NotFound
            | RefundOutcome::Unclear { .. }
            | RefundOutcome::Unrecognised { .. } => Ok(report),
        }
    }

    async fn refund_status(&self, order: &RefundOrder<'_>) -> Result<RefundReport, GatewayError> {
        let asked = asked(order)?;
        let found = self.find(order, &asked).await?;
        match order.gateway_refund_id {
            // PayU has numbered it, and does not find it by its token: it is no refund that was never made.
            Some(number) if found.outcome == RefundOutcome::NotFound => {
                let call = action_call(&self.account, number);
                let reply = self.client.send(&call).await?.accepted()?;
                refund_answer::of_action(&reply.body, &asked)
            }
            Some(_) | None => Ok(found),
        }
    }

    /// PayU signs no message about a refund.
    fn names_refund(&self, answer: &Answer) -> Option<RefundId> {
        RefundId::new(token_in(answer)?).ok()
    }
}
