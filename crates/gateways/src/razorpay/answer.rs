//! Razorpay's payment links, in its answers and webhooks.

use std::collections::BTreeSet;
use std::time::Duration;

use payment_domain::{Currency, Money, Outcome, Report, Timestamp, Transaction};
use serde_json::Value;

use super::wire::Id;
use crate::evidence;
use crate::json::Object;
use crate::text::{bank_txn_no, cut, minor_units};

const LINK_EVIDENCE: [&str; 12] = [
    "id",
    "reference_id",
    "order_id",
    "status",
    "amount",
    "amount_paid",
    "currency",
    "created_at",
    "updated_at",
    "expire_by",
    "expired_at",
    "cancelled_at",
];
const ATTEMPT_EVIDENCE: [&str; 12] = [
    "id",
    "payment_id",
    "status",
    "captured",
    "amount",
    "amount_refunded",
    "currency",
    "method",
    "created_at",
    "error_code",
    "error_reason",
    "error_step",
];
/// More attempts than this are not kept.
const MAX_KEPT: usize = 10;
/// The longest text taken over from an answer, in characters.
const MAX_CHARS: usize = 255;
/// An account that captures by itself has done it by then.
const CAPTURE_TIME: Duration = Duration::from_secs(5 * 60);

/// A payment link, with the attempts to pay it.
#[derive(Debug, Clone)]
pub struct Link {
    pub id: Option<Id>,
    /// The order that a payer's first attempt made of it.
    pub order: Option<Id>,
    /// The address of its pay page.
    pub short_url: Option<String>,
    reference: Option<String>,
    status: String,
    amount: Option<String>,
    amount_paid: Option<String>,
    currency: Option<String>,
    attempts: Vec<Attempt>,
    raw: Value,
}

/// An attempt to pay.
#[derive(Debug, Clone)]
struct Attempt {
    id: Option<String>,
    state: State,
    amount: Option<String>,
    currency: Option<String>,
    method: Option<String>,
    bank_txn_no: Option<String>,
    created_at_s: Option<i64>,
    reason: Option<String>,
    raw: Value,
}

/// Where an attempt stands.
#[derive(Debug, Clone, PartialEq, Eq)]
enum State {
    /// With the payer or the bank.
    UnderWay,
    Authorised,
    Captured,
    Refunded,
    Failed,
    Unknown(String),
}

impl Link {
    /// A link as an answer describes it; `None` when its attempts cannot be read.
    pub fn read(link: &Object) -> Option<Link> {
        let attempts = match link.raw("payments") {
            None | Some("null") => Vec::new(),
            Some(_) => read_attempts(link, "payments")?,
        };
        let id = |name: &str, read: fn(&str) -> Option<Id>| link.text(name).and_then(|text| read(&text));
        Some(Link {
            id: id("id", Id::of_link),
            order: id("order_id", Id::of_order),
            short_url: link.text("short_url"),
            reference: link.text("reference_id"),
            status: link.text("status").unwrap_or_default(),
            amount: link.text("amount"),
            amount_paid: link.text("amount_paid"),
            currency: link.text("currency"),
            attempts,
            raw: evidence::of_object(link, &LINK_EVIDENCE),
        })
    }

    /// Adds attempts of which the link itself need not know. They were read later: where both know one,
    /// theirs counts. `None` when they cannot be read.
    pub fn with_attempts(mut self, listed: &Object) -> Option<Link> {
        let mut attempts = read_attempts(listed, "items")?;
        let known: BTreeSet<_> = attempts.iter().filter_map(|attempt| attempt.id.clone()).collect();
        self.attempts.retain(|attempt| attempt.id.as_ref().is_none_or(|id| !known.contains(id)));
        self.attempts.append(&mut attempts);
        Some(self)
    }

    /// Adds the attempt that an event is about.
    pub fn with_attempt(mut self, payment: &Object) -> Link {
        let attempt = Attempt::read(payment);
        self.attempts.retain(|known| known.id != attempt.id);
        self.attempts.push(attempt);
        self
    }

    /// Whether it has this reference.
    pub fn names(&self, reference: &str) -> bool {
        self.reference.as_deref() == Some(reference)
    }

    /// Whether it requests the transaction's amount and currency.
    pub fn asks_for(&self, txn: &Transaction) -> bool {
        let currency = self.currency();
        currency == Some(txn.amount.currency()) && self.money(self.amount.as_deref()) == Some(txn.amount)
    }

    /// Whether it can be paid.
    pub fn is_open(&self) -> bool {
        matches!(self.status.as_str(), "created" | "issued" | "attempted")
    }

    /// Whether it is complete: paid, with the paying attempt known.
    pub fn is_paid_by_known(&self) -> bool {
        let took_money = |attempt: &Attempt| matches!(attempt.state, State::Captured | State::Refunded);
        self.status == "paid" && self.attempts.iter().any(took_money)
    }

    pub fn currency(&self) -> Option<Currency> {
        self.currency.as_deref().and_then(Currency::from_code)
    }

    fn money(&self, text: Option<&str>) -> Option<Money> {
        minor_units(text?, self.currency().unwrap_or(Currency::INR))
    }

    fn outcome(&self, now: Timestamp) -> Outcome {
        let any = |state: State| self.attempts.iter().any(|attempt| attempt.state == state);
        match self.status.as_str() {
            "paid" if any(State::Refunded) && !any(State::Captured) => Outcome::Refunded,
            "paid" => Outcome::Paid { amount: self.money(self.amount_paid.as_deref()) },
            "partially_paid" => Outcome::Pending,
            _ if self.is_open() => self.authorised(now).unwrap_or(Outcome::Pending),
            // Money may be on the way from an attempt that was begun in time.
            "expired" | "cancelled" => {
                if any(State::Captured) {
                    return Outcome::Paid { amount: self.captured() };
                }
                if let Some(outcome) = self.authorised(now) {
                    return outcome;
                }
                if any(State::UnderWay) {
                    return Outcome::Pending;
                }
                if any(State::Refunded) {
                    return Outcome::Refunded;
                }
                let unknown = self.attempts.iter().find_map(|attempt| match &attempt.state {
                    State::Unknown(word) => Some(word),
                    State::UnderWay
                    | State::Authorised
                    | State::Captured
                    | State::Refunded
                    | State::Failed => None,
                });
                match unknown {
                    Some(word) => unrecognised(&format!("{}/{word}", self.status)),
                    None => Outcome::Declined { reason: format!("the payment link is {}", self.status) },
                }
            }
            other => unrecognised(other),
        }
    }

    /// The meaning of an authorised attempt: pending while an account captures by itself.
    fn authorised(&self, now: Timestamp) -> Option<Outcome> {
        let authorised = self.attempts.iter().filter(|attempt| attempt.state == State::Authorised);
        let since_s = authorised.map(|attempt| attempt.created_at_s).min()?;
        let age = since_s.map(|seconds| now.since(Timestamp::from_millis(seconds.saturating_mul(1_000))));
        Some(match age {
            Some(age) if age < CAPTURE_TIME => Outcome::Pending,
            Some(_) | None => Outcome::Authorised,
        })
    }

    /// The amount that was captured; `None` where that cannot be read, or by several attempts: the payer paid more than once.
    fn captured(&self) -> Option<Money> {
        let mut captured = self.attempts.iter().filter(|attempt| attempt.state == State::Captured);
        let (Some(only), None) = (captured.next(), captured.next()) else { return None };
        let same = only.currency.is_none() || only.currency == self.currency;
        self.money(only.amount.as_deref()).filter(|_| same)
    }

    /// The whole report.
    pub fn report(self, now: Timestamp) -> Report {
        let outcome = self.outcome(now);
        let last = |state: State| self.attempts.iter().rev().find(|attempt| attempt.state == state);
        let captured = last(State::Captured);
        let short = |text: Option<&str>| text.map(|text| cut(text, MAX_CHARS).to_owned());
        let link = self.id.as_ref().map(Id::as_str);
        let mut raw = self.raw;
        if !self.attempts.is_empty() {
            raw["payments"] =
                self.attempts.iter().rev().take(MAX_KEPT).map(|attempt| attempt.raw.clone()).collect();
        }
        Report {
            outcome,
            gateway_txn_id: short(captured.and_then(|attempt| attempt.id.as_deref()).or(link)),
            payment_mode: short(captured.and_then(|attempt| attempt.method.as_deref())),
            bank_txn_no: captured.and_then(|attempt| attempt.bank_txn_no.clone()),
            returned: None,
            status_code: short(Some(&self.status).filter(|status| !status.is_empty()).map(String::as_str)),
            status_message: match captured {
                Some(_) => None,
                None => short(last(State::Failed).and_then(|attempt| attempt.reason.as_deref())),
            },
            raw,
        }
    }
}

fn read_attempts(object: &Object, name: &str) -> Option<Vec<Attempt>> {
    Some(object.list(name)?.iter().map(Attempt::read).collect())
}

impl Attempt {
    /// An attempt, as a link lists it or as it is itself.
    fn read(attempt: &Object) -> Attempt {
        let status = attempt.text("status").unwrap_or_default();
        Attempt {
            id: attempt.text("id").or_else(|| attempt.text("payment_id")),
            state: match status.as_str() {
                "created" | "pending" => State::UnderWay,
                "authorized" => State::Authorised,
                "captured" => State::Captured,
                "refunded" => State::Refunded,
                "failed" => State::Failed,
                other => State::Unknown(cut(other, 32).to_owned()),
            },
            amount: attempt.text("amount"),
            currency: attempt.text("currency"),
            method: attempt.text("method"),
            bank_txn_no: attempt.object("acquirer_data").and_then(|acquirer| {
                ["bank_transaction_id", "rrn"].into_iter().find_map(|name| bank_txn_no(acquirer.text(name)?))
            }),
            created_at_s: attempt.text("created_at").and_then(|text| text.parse().ok()),
            reason: attempt.text("error_reason").or_else(|| attempt.text("error_code")),
            raw: evidence::of_object(attempt, &ATTEMPT_EVIDENCE),
        }
    }
}

fn unrecognised(code: &str) -> Outcome {
    Outcome::Unrecognised { code: cut(code, 64).to_owned() }
}
