//! Rupees to paise and back.

use payment_domain::{Currency, Money};
use payment_gateways::text::paise;
use serde_json::Value;

use crate::vector::{Vector, Verdict};

/// Converts the amount that is given and compares both forms of it.
pub(crate) fn run(vector: &Vector) -> Verdict {
    if vector.kind != "convert" || vector.scheme != "amount" {
        return Verdict::Failed(format!("no way to {} {}", vector.kind, vector.scheme));
    }
    let amount = match (vector.inputs["rupees"].as_str(), vector.inputs["paise"].as_str()) {
        (Some(rupees), None) => Money::parse(rupees, Currency::INR).ok(),
        (None, Some(text)) => paise(text),
        (Some(_), Some(_)) | (None, None) => {
            return Verdict::Failed("an amount is given in rupees or in paise".to_owned());
        }
    };
    let made = [
        ("error", Value::from(amount.is_none())),
        ("paise", Value::from(amount.map(|amount| amount.minor().to_string()))),
        ("rupees_2dp", Value::from(amount.map(|amount| amount.to_string()))),
    ];
    vector.compare(&made).into()
}
