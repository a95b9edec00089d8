//! Amounts of money: whole minor units with a currency, decimal text at the edges, never a float.

use std::fmt;

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

/// The largest amount a transaction may carry, in minor units: what `NUMERIC(15,2)` holds.
pub const MAX_MINOR: i64 = 999_999_999_999_999;

/// An ISO 4217 currency whose minor unit is a hundredth.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Currency {
    /// Indian rupee; the minor unit is the paisa.
    #[serde(rename = "INR")]
    Inr,
}

impl Currency {
    /// The three-letter ISO 4217 code.
    pub fn code(self) -> &'static str {
        match self {
            Currency::Inr => "INR",
        }
    }

    /// The currency with this ISO 4217 code, in any letter case; `None` for one we do not handle.
    pub fn from_code(code: &str) -> Option<Currency> {
        code.eq_ignore_ascii_case("INR").then_some(Currency::Inr)
    }
}

/// An amount: zero up to 9999999999999.99, in whole minor units (paise).
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Money {
    minor: i64,
    currency: Currency,
}

/// Why a text or number is not an amount.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum InvalidAmount {
    /// Not plain decimal digits with at most one point: empty, signs, exponents, spaces, letters.
    #[error("an amount must be a plain decimal number such as 100 or 100.50")]
    NotDecimal,
    /// Starts with a minus sign.
    #[error("an amount must not be negative")]
    Negative,
    /// More than two digits after the point.
    #[error("an amount must not have more than two decimals")]
    TooPrecise,
    /// Over 9999999999999.99.
    #[error("an amount must not be over 9999999999999.99")]
    TooLarge,
}

impl Money {
    /// Nothing, in rupees.
    pub const ZERO: Money = Money { minor: 0, currency: Currency::Inr };

    /// An amount of `minor` paise.
    ///
    /// # Errors
    /// [`InvalidAmount::Negative`] or [`InvalidAmount::TooLarge`] outside 0..=9999999999999.99.
    pub fn from_minor(minor: i64, currency: Currency) -> Result<Money, InvalidAmount> {
        match minor {
            i64::MIN..0 => Err(InvalidAmount::Negative),
            0..=MAX_MINOR => Ok(Money { minor, currency }),
            _ => Err(InvalidAmount::TooLarge),
        }
    }

    /// Reads decimal text in rupees: `100`, `100.5`, `0.05`. At most two decimals, no sign, no
    /// exponent, no thousands separators, no spaces.
    ///
    /// # Errors
    /// The [`InvalidAmount`] that tells what is wrong with the text.
    pub fn parse(text: &str) -> Result<Money, InvalidAmount> {
        if let Some(rest) = text.strip_prefix('-') {
            let numeric = rest.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.');
            return Err(if numeric && !rest.is_empty() {
                InvalidAmount::Negative
            } else {
                InvalidAmount::NotDecimal
            });
        }
        let (whole, decimals) = match text.split_once('.') {
            Some((_, "")) => return Err(InvalidAmount::NotDecimal),
            Some((whole, decimals)) => (whole, decimals),
            None => (text, ""),
        };
        let digits = |part: &str| part.bytes().all(|byte| byte.is_ascii_digit());
        if whole.is_empty() || !digits(whole) || !digits(decimals) {
            return Err(InvalidAmount::NotDecimal);
        }
        if decimals.len() > 2 {
            return Err(InvalidAmount::TooPrecise);
        }
        let whole = whole.trim_start_matches('0');
        if whole.len() > 13 {
            return Err(InvalidAmount::TooLarge);
        }
        let mut minor: i64 = 0;
        let padding = std::iter::repeat_n(b'0', 2 - decimals.len());
        for digit in whole.bytes().chain(decimals.bytes()).chain(padding) {
            minor = minor * 10 + i64::from(digit - b'0');
        }
        Ok(Money { minor, currency: Currency::Inr })
    }

    /// The amount in minor units (paise).
    pub fn minor(self) -> i64 {
        self.minor
    }

    /// The currency of the amount.
    pub fn currency(self) -> Currency {
        self.currency
    }

    /// Whether there is nothing to pay.
    pub fn is_zero(self) -> bool {
        self.minor == 0
    }

    /// The sum of the amounts; `None` when they mix currencies or exceed the largest amount.
    pub fn sum(amounts: impl IntoIterator<Item = Money>) -> Option<Money> {
        let mut amounts = amounts.into_iter();
        let Some(first) = amounts.next() else {
            return Some(Money::ZERO);
        };
        amounts.try_fold(first, |sum, next| {
            if sum.currency != next.currency {
                return None;
            }
            Money::from_minor(sum.minor.checked_add(next.minor)?, sum.currency).ok()
        })
    }
}

/// Rupees with two decimals: `100.00`.
impl fmt::Display for Money {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{:02}", self.minor / 100, self.minor % 100)
    }
}

impl fmt::Debug for Money {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {self}", self.currency.code())
    }
}

/// A JSON number with no more digits than needed: `100`, `100.5`. The digits are written as text,
/// so that no float stands between the amount and the wire.
impl Serialize for Money {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let (whole, rest) = (self.minor / 100, self.minor % 100);
        let text = match (rest, rest % 10) {
            (0, _) => format!("{whole}"),
            (_, 0) => format!("{whole}.{}", rest / 10),
            _ => format!("{whole}.{rest:02}"),
        };
        RawValue::from_string(text).map_err(serde::ser::Error::custom)?.serialize(serializer)
    }
}

/// A JSON number or a string holding one, taken by its exact digits.
impl<'de> Deserialize<'de> for Money {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Money, D::Error> {
        let raw = Box::<RawValue>::deserialize(deserializer)?;
        let text = raw.get();
        let parsed = if text.starts_with('"') {
            serde_json::from_str::<String>(text)
                .map_err(|_| InvalidAmount::NotDecimal)
                .and_then(|text| Money::parse(&text))
        } else {
            Money::parse(text)
        };
        parsed.map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn reads_what_clients_send() {
        for (text, minor) in
            [("100", 10_000), ("100.5", 10_050), ("0.05", 5), ("0", 0), ("007", 700), ("1.10", 110)]
        {
            assert_eq!(Money::parse(text).unwrap().minor(), minor, "{text}");
        }
        assert_eq!(Money::parse("9999999999999.99").unwrap().minor(), MAX_MINOR);
    }

    #[test]
    fn refuses_what_is_not_an_amount() {
        use InvalidAmount::*;
        let cases = [
            ("", NotDecimal),
            (".", NotDecimal),
            (".5", NotDecimal),
            ("1.", NotDecimal),
            ("1e3", NotDecimal),
            ("1E3", NotDecimal),
            ("+1", NotDecimal),
            (" 1", NotDecimal),
            ("1,000", NotDecimal),
            ("1.1.1", NotDecimal),
            ("NaN", NotDecimal),
            ("-", NotDecimal),
            ("-x", NotDecimal),
            ("१००", NotDecimal),
            ("-1", Negative),
            ("-0.01", Negative),
            ("1.115", TooPrecise),
            ("100.000", TooPrecise),
            ("0.001", TooPrecise),
            ("10000000000000", TooLarge),
            ("99999999999999999999999999", TooLarge),
        ];
        for (text, why) in cases {
            assert_eq!(Money::parse(text), Err(why), "{text}");
        }
    }

    #[test]
    fn sums_stay_within_the_column() {
        let max = Money::from_minor(MAX_MINOR, Currency::Inr).unwrap();
        let one = Money::from_minor(1, Currency::Inr).unwrap();
        assert_eq!(Money::sum([]), Some(Money::ZERO));
        assert_eq!(Money::sum([max, one]), None);
        assert_eq!(Money::sum([one, one]).unwrap().minor(), 2);
    }

    proptest! {
        #[test]
        fn text_and_minor_units_agree(minor in 0..=MAX_MINOR) {
            let money = Money::from_minor(minor, Currency::Inr).unwrap();
            prop_assert_eq!(Money::parse(&money.to_string()).unwrap(), money);
            let json = serde_json::to_string(&money).unwrap();
            prop_assert_eq!(serde_json::from_str::<Money>(&json).unwrap(), money);
            prop_assert_eq!(serde_json::from_str::<Money>(&format!("\"{json}\"")).unwrap(), money);
        }

        #[test]
        fn no_text_panics_and_accepted_text_keeps_its_value(text in "\\PC{0,40}") {
            if let Ok(money) = Money::parse(&text) {
                prop_assert!((0..=MAX_MINOR).contains(&money.minor()));
                prop_assert!(!text.contains(['e', 'E', '-', '+', ' ']));
            }
        }
    }
}
