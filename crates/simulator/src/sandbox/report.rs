//! The sandbox's report on an order: one set of fields, signed, in three wrappings.

use serde_json::{Value, json};
use url::Url;

use super::order::{Order, State};
use super::refund::Refund;
use super::signature::{Purpose, sign};

/// The state of one order at one time.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Report {
    merchant: String,
    order: String,
    state: &'static str,
    amount_paise: Option<i64>,
    currency: String,
    paid_paise: Option<i64>,
    payment_id: Option<String>,
    mode: &'static str,
    code: &'static str,
    message: &'static str,
    /// The signed time: of the decision in a callback, so that every attempt is the same byte for byte; of
    /// the request in an answer, so that no old answer passes for a new one.
    timestamp_ms: i64,
}

impl Report {
    pub(super) fn of(order: &Order, merchant: &str, timestamp_ms: i64) -> Report {
        let (code, message) = match order.state {
            State::Created => ("AWAITING_PAYER", "The payer has not chosen yet"),
            State::Pending => ("ANSWER_PENDING", "The answer is still to come"),
            State::Paid => ("PAID", "Payment successful"),
            State::Declined if order.choice.is_none() => {
                ("CLOSED_BY_MERCHANT", "The merchant closed the order")
            }
            State::Declined => ("DECLINED_BY_PAYER", "The payer declined"),
            State::Expired => ("ORDER_EXPIRED", "The order's time ran out"),
        };
        Report {
            merchant: merchant.to_owned(),
            order: order.terms.order.clone(),
            state: order.state.as_str(),
            amount_paise: Some(order.terms.amount_paise),
            currency: order.terms.currency.code().to_owned(),
            paid_paise: order.paid_paise,
            payment_id: order.payment_id(),
            mode: if order.payment_id().is_some() { "SANDBOX" } else { "" },
            code,
            message,
            timestamp_ms,
        }
    }

    pub(super) fn of_unknown(order: &str, merchant: &str, timestamp_ms: i64) -> Report {
        Report {
            merchant: merchant.to_owned(),
            order: order.to_owned(),
            state: "UNKNOWN",
            amount_paise: None,
            currency: String::new(),
            paid_paise: None,
            payment_id: None,
            mode: "",
            code: "NO_SUCH_ORDER",
            message: "No such order has been opened",
            timestamp_ms,
        }
    }

    /// Names in JSON and in a return URL, with the values as text; in the order they are signed.
    fn fields(&self) -> [(&'static str, &'static str, String); 11] {
        let digits = |number: Option<i64>| number.map(|number| number.to_string()).unwrap_or_default();
        [
            ("merchant", "sandboxMerchant", self.merchant.clone()),
            ("order", "sandboxOrder", self.order.clone()),
            ("state", "sandboxState", self.state.to_owned()),
            ("amount_paise", "sandboxAmountPaise", digits(self.amount_paise)),
            ("currency", "sandboxCurrency", self.currency.clone()),
            ("paid_paise", "sandboxPaidPaise", digits(self.paid_paise)),
            ("payment_id", "sandboxPaymentId", self.payment_id.clone().unwrap_or_default()),
            ("mode", "sandboxMode", self.mode.to_owned()),
            ("code", "sandboxCode", self.code.to_owned()),
            ("message", "sandboxMessage", self.message.to_owned()),
            ("timestamp", "sandboxTimestamp", self.timestamp_ms.to_string()),
        ]
    }

    fn signature(&self, purpose: Purpose, secret: &[u8]) -> String {
        let fields = self.fields();
        let fields: Vec<(&str, &str)> =
            fields.iter().map(|(name, _, value)| (*name, value.as_str())).collect();
        sign(secret, purpose, &fields)
    }

    /// As the JSON body of an answer or a callback.
    pub(super) fn to_json(&self, purpose: Purpose, secret: &[u8]) -> Value {
        json!({
            "merchant": self.merchant,
            "order": self.order,
            "state": self.state,
            "amount_paise": self.amount_paise,
            "currency": self.currency,
            "paid_paise": self.paid_paise,
            "payment_id": self.payment_id,
            "mode": self.mode,
            "code": self.code,
            "message": self.message,
            "timestamp": self.timestamp_ms,
            "signature": self.signature(purpose, secret),
        })
    }

    /// As parameters behind those that a return URL has already; the URL as it is when it cannot be
    /// read, which the pay link's check rules out.
    pub(super) fn in_url(&self, return_url: &str, secret: &[u8]) -> String {
        let Ok(mut url) = Url::parse(return_url) else { return return_url.to_owned() };
        let signature = self.signature(Purpose::Return, secret);
        url.query_pairs_mut()
            .extend_pairs(self.fields().iter().map(|(_, name, value)| (*name, value)))
            .append_pair("sandboxSignature", &signature);
        url.into()
    }
}

/// The state of one refund at one time.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct RefundReport {
    merchant: String,
    order: String,
    refund: String,
    state: &'static str,
    amount_paise: Option<i64>,
    currency: String,
    refund_id: Option<String>,
    code: String,
    message: &'static str,
    timestamp_ms: i64,
}

impl RefundReport {
    pub(super) fn of(refund: &Refund, merchant: &str, timestamp_ms: i64) -> RefundReport {
        RefundReport {
            merchant: merchant.to_owned(),
            order: refund.wish.order.clone(),
            refund: refund.wish.id.clone(),
            state: refund.state.as_str(),
            amount_paise: Some(refund.wish.amount_paise),
            currency: refund.wish.currency.code().to_owned(),
            refund_id: Some(refund.number()),
            code: refund.code.clone(),
            message: refund.message(),
            timestamp_ms,
        }
    }

    pub(super) fn of_unknown(order: &str, refund: &str, merchant: &str, timestamp_ms: i64) -> RefundReport {
        let words = ("NO_SUCH_REFUND", "There is no such refund of this order");
        RefundReport::without(order, refund, merchant, timestamp_ms, words)
    }

    pub(super) fn of_used_id(order: &str, refund: &str, merchant: &str, timestamp_ms: i64) -> RefundReport {
        let words = ("REFUND_ID_USED", "The id is that of another refund");
        RefundReport::without(order, refund, merchant, timestamp_ms, words)
    }

    fn without(
        order: &str,
        refund: &str,
        merchant: &str,
        timestamp_ms: i64,
        (code, message): (&str, &'static str),
    ) -> RefundReport {
        RefundReport {
            merchant: merchant.to_owned(),
            order: order.to_owned(),
            refund: refund.to_owned(),
            state: "UNKNOWN",
            amount_paise: None,
            currency: String::new(),
            refund_id: None,
            code: code.to_owned(),
            message,
            timestamp_ms,
        }
    }

    pub(super) fn to_json(&self, secret: &[u8]) -> Value {
        let amount = self.amount_paise.map(|paise| paise.to_string()).unwrap_or_default();
        let timestamp = self.timestamp_ms.to_string();
        let fields = [
            ("merchant", self.merchant.as_str()),
            ("order", &self.order),
            ("refund", &self.refund),
            ("state", self.state),
            ("amount_paise", &amount),
            ("currency", &self.currency),
            ("refund_id", self.refund_id.as_deref().unwrap_or_default()),
            ("code", &self.code),
            ("message", self.message),
            ("timestamp", &timestamp),
        ];
        json!({
            "merchant": self.merchant,
            "order": self.order,
            "refund": self.refund,
            "state": self.state,
            "amount_paise": self.amount_paise,
            "currency": self.currency,
            "refund_id": self.refund_id,
            "code": self.code,
            "message": self.message,
            "timestamp": self.timestamp_ms,
            "signature": sign(secret, Purpose::RefundAnswer, &fields),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_unknown_order_is_answered_in_full() {
        let report = Report::of_unknown("T1", "CITY", 1_000);
        insta::assert_snapshot!(format!("{:#}", report.to_json(Purpose::Answer, b"secret")), @r#"
        {
          "amount_paise": null,
          "code": "NO_SUCH_ORDER",
          "currency": "",
          "merchant": "CITY",
          "message": "No such order has been opened",
          "mode": "",
          "order": "T1",
          "paid_paise": null,
          "payment_id": null,
          "signature": "8f9655a43c061319fd92b569f08688cb9b9935990f229ebf27739f12f031d3f9",
          "state": "UNKNOWN",
          "timestamp": 1000
        }
        "#);
    }

    #[test]
    fn a_return_url_keeps_its_own_parameters() {
        let report = Report::of_unknown("T 1&x", "CITY", 1_000);
        let url = report.in_url("https://a.in/back?eg_pg_txnid=T%201&x=%26#there", b"secret");
        assert!(url.starts_with(
            "https://a.in/back?eg_pg_txnid=T%201&x=%26&sandboxMerchant=CITY&sandboxOrder=T+1%26x&"
        ));
        assert!(url.ends_with("#there"));
    }
}
