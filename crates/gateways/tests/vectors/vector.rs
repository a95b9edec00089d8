//! One vector, its verdict, and the comparison of an adapter's output with the expected one.

use payment_domain::{Outcome, Report};
use payment_gateway::GatewayError;
use serde::Deserialize;
use serde_json::Value;

/// One case of one protocol.
#[derive(Debug, Deserialize)]
pub(crate) struct Vector {
    /// Unique in its file.
    pub(crate) id: String,
    /// Whose protocol, e.g. `AXIS`; `COMMON` for amounts.
    pub(crate) gateway: String,
    /// Which part of the protocol.
    pub(crate) scheme: String,
    /// The operation: `sign`, `verify`, `encrypt`, `decrypt`, `request`, `status`, `convert`.
    pub(crate) kind: String,
    /// The inputs.
    pub(crate) inputs: Value,
    /// The expected outputs.
    pub(crate) expected: Value,
}

/// Whose hosts a vector expects.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Environment {
    /// The provider's test environment.
    Sandbox,
    /// That in which money moves: the adapters' defaults.
    Production,
}

/// How a vector went.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// As expected.
    Passed,
    /// Otherwise, or the vector cannot be expressed.
    Failed(String),
    /// The gateway has an adapter, which does not do this operation (a refund).
    NoOperation,
}

/// `Err` describes the difference.
pub(crate) type Checked = Result<(), String>;

impl From<Checked> for Verdict {
    fn from(checked: Checked) -> Verdict {
        match checked {
            Ok(()) => Verdict::Passed,
            Err(difference) => Verdict::Failed(difference),
        }
    }
}

impl Vector {
    /// A text among the inputs.
    pub(crate) fn input(&self, name: &str) -> Result<&str, String> {
        self.inputs[name].as_str().ok_or_else(|| format!("no text input {name}"))
    }

    /// The environment that `env` names; production where the vector names none.
    pub(crate) fn environment(&self) -> Result<Environment, String> {
        match self.inputs.get("env").map(Value::as_str) {
            Some(Some(name)) if name.eq_ignore_ascii_case("sandbox") => Ok(Environment::Sandbox),
            Some(Some(name)) if name.eq_ignore_ascii_case("production") => Ok(Environment::Production),
            Some(other) => Err(format!("no environment is called {other:?}")),
            None => Ok(Environment::Production),
        }
    }

    /// An object of texts among the inputs, as pairs.
    pub(crate) fn input_pairs(&self, name: &str) -> Result<Vec<(String, String)>, String> {
        pairs(&self.inputs[name]).ok_or_else(|| format!("no input {name} of texts"))
    }

    /// The inputs whose name is wanted, as pairs of texts.
    pub(crate) fn input_pairs_of(
        &self,
        wanted: impl Fn(&str) -> bool,
    ) -> Result<Vec<(String, String)>, String> {
        let inputs = self.inputs.as_object().ok_or("no inputs")?.iter().filter(|(name, _)| wanted(name));
        let text = |name: &str| Ok((name.to_owned(), self.input(name)?.to_owned()));
        inputs.map(|(name, _)| text(name)).collect()
    }

    /// The expected outputs by name. The original service's output is not among them: it is there to show the
    /// difference.
    pub(crate) fn expectations(&self) -> impl Iterator<Item = (&str, &Value)> {
        let members = self.expected.as_object().into_iter().flatten();
        members.map(|(name, value)| (name.as_str(), value)).filter(|(name, _)| !is_about_the_original(name))
    }

    /// Compares outputs, by name, with every expected one; a missing output differs.
    pub(crate) fn compare(&self, made: &[(&str, Value)]) -> Checked {
        for (name, expected) in self.expectations() {
            let made = made.iter().find(|(made, _)| *made == name).map(|(_, value)| value);
            let made = made.ok_or_else(|| format!("nothing to compare with {name}"))?;
            same(name, made, expected)?;
        }
        Ok(())
    }

    /// Compares a signature check and the fields that were read with the expected ones.
    pub(crate) fn compare_verified(&self, valid: bool, fields: &[(String, String)]) -> Checked {
        let read =
            |name: &str| fields.iter().find(|(field, _)| field == name).map(|(_, value)| value.as_str());
        for (name, expected) in self.expectations() {
            match name {
                "valid" => same(name, &Value::from(valid), expected)?,
                "fields" => {
                    for (field, value) in pairs(expected).ok_or("expected fields that are no texts")? {
                        same(&field, &Value::from(read(&field)), &Value::from(value))?;
                    }
                }
                unknown => return Err(format!("nothing to compare with {unknown}")),
            }
        }
        Ok(())
    }

    /// Compares the meaning of an answer. `amount_in` reads the amount out of the evidence of an answer that
    /// is not a payment.
    pub(crate) fn compare_report(
        &self,
        report: &Result<Report, GatewayError>,
        amount_in: impl Fn(&Report) -> Option<String>,
    ) -> Checked {
        let of_report =
            |read: &dyn Fn(&Report) -> Option<String>| Value::from(report.as_ref().ok().and_then(read));
        self.compare(&[
            ("status", Value::from(normalised(report))),
            ("amount_rupees", of_report(&|report| amount(&report.outcome).or_else(|| amount_in(report)))),
            ("gateway_txn_id", of_report(&|report| report.gateway_txn_id.clone())),
            ("payment_mode", of_report(&|report| report.payment_mode.clone())),
            ("code", of_report(&|report| report.status_code.clone())),
        ])
    }
}

fn is_about_the_original(name: &str) -> bool {
    name == "digit" || name.starts_with("digit_") || name.ends_with("_digit_uppercase")
}

/// An object of texts as pairs; `None` when it is anything else.
pub(crate) fn pairs(object: &Value) -> Option<Vec<(String, String)>> {
    object.as_object()?.iter().map(|(name, value)| Some((name.clone(), value.as_str()?.to_owned()))).collect()
}

/// Compares one value; the difference names it.
pub(crate) fn same(name: &str, made: &Value, expected: &Value) -> Checked {
    if made == expected { Ok(()) } else { Err(format!("{name} is {made}, not {expected}")) }
}

/// Our outcomes in the words of the vectors. An answer that refuses our request or is about another payment
/// is an error: the transaction keeps its state.
fn normalised(report: &Result<Report, GatewayError>) -> &'static str {
    match report {
        Ok(report) => match report.outcome {
            Outcome::Paid { .. } => "SUCCESS",
            Outcome::Declined { .. } => "FAILURE",
            Outcome::Pending | Outcome::Authorised | Outcome::Unrecognised { .. } => "PENDING",
            Outcome::NotFound => "NOT_FOUND",
            Outcome::Refunded => "REFUNDED",
        },
        Err(GatewayError::Unreadable(_) | GatewayError::WrongTransaction) => "ERROR",
        Err(
            GatewayError::NotSent(_)
            | GatewayError::LocalFault(_)
            | GatewayError::Unanswered(_)
            | GatewayError::Refused { .. }
            | GatewayError::Unavailable { .. }
            | GatewayError::BadSignature,
        ) => "NO ANSWER",
    }
}

fn amount(outcome: &Outcome) -> Option<String> {
    match outcome {
        Outcome::Paid { amount } => amount.map(|amount| amount.to_string()),
        Outcome::Declined { .. }
        | Outcome::Pending
        | Outcome::Authorised
        | Outcome::NotFound
        | Outcome::Refunded
        | Outcome::Unrecognised { .. } => None,
    }
}
