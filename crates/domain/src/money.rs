//! Amounts of money: whole minor units with a currency, decimal text at the edges, never a float.

use std::fmt;

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

/// The largest amount a transaction may carry, in minor units: what `NUMERIC(15,2)` holds.
pub const MAX_MINOR: i64 = 999_999_999_999_999;

/// The digits of [`MAX_MINOR`].
const MAX_DIGITS: i64 = 15;

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

    /// The currency with this ISO 4217 code, in any letter case; `None` when unsupported.
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

/// The reason why a text or number is not an amount.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum InvalidAmount {
    /// Not a decimal number: empty, a plus sign, separators, spaces, letters.
    #[error("an amount must be a plain decimal number such as 100 or 100.50")]
    NotDecimal,
    #[error("an amount must not be negative")]
    Negative,
    #[error("an amount must not have more than two decimals")]
    TooPrecise,
    #[error("an amount must not be over 9999999999999.99")]
    TooLarge,
}

/// The parts of an unsigned decimal number.
struct Decimal<'a> {
    whole: &'a str,
    fraction: &'a str,
    exponent: i64,
}

impl Decimal<'_> {
    /// The parts of `12`, `12.50` or `1.25E+1`; `None` for any other text, and for an exponent of more
    /// than four digits.
    fn read(text: &str) -> Option<Decimal<'_>> {
        let (mantissa, exponent) = match text.split_once(['e', 'E']) {
            Some((mantissa, exponent)) => {
                let digits = exponent.strip_prefix(['+', '-']).unwrap_or(exponent);
                if digits.is_empty() || digits.len() > 4 || !is_digits(digits) {
                    return None;
                }
                (mantissa, exponent.parse().ok()?)
            }
            None => (text, 0),
        };
        let (whole, fraction) = match mantissa.split_once('.') {
            Some((_, "")) => return None,
            Some(parts) => parts,
            None => (mantissa, ""),
        };
        (!whole.is_empty() && is_digits(whole) && is_digits(fraction)).then_some(Decimal {
            whole,
            fraction,
            exponent,
        })
    }
}

fn is_digits(text: &str) -> bool {
    text.bytes().all(|byte| byte.is_ascii_digit())
}

impl Money {
    /// Zero rupees.
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

    /// Reads decimal text in rupees: `100`, `100.5`, `0.05`, and the forms in which Java writes a
    /// `BigDecimal` or a double: `100.000`, `1E+2`, `1.0E7`. The value must be whole paise. No sign
    /// but that of an exponent, no thousands separators, no spaces.
    ///
    /// # Errors
    /// An [`InvalidAmount`].
    pub fn parse(text: &str) -> Result<Money, InvalidAmount> {
        let (negative, unsigned) = match text.strip_prefix('-') {
            Some(rest) => (true, rest),
            None => (false, text),
        };
        let Decimal { whole, fraction, exponent } =
            Decimal::read(unsigned).ok_or(InvalidAmount::NotDecimal)?;
        if negative {
            return Err(InvalidAmount::Negative);
        }
        let digits = || whole.bytes().chain(fraction.bytes());
        // The value is the digits as a whole number times 10 to the power of `scale`, in paise.
        let scale = exponent - i64::try_from(fraction.len()).unwrap_or(i64::MAX) + 2;
        let significant = digits().skip_while(|&digit| digit == b'0').count();
        let trailing_zeros = digits().rev().take_while(|&digit| digit == b'0').count();
        if significant == 0 {
            return Ok(Money::ZERO);
        }
        if scale < 0 && scale.unsigned_abs() > trailing_zeros as u64 {
            return Err(InvalidAmount::TooPrecise);
        }
        let length = i64::try_from(significant).unwrap_or(i64::MAX).saturating_add(scale);
        if length > MAX_DIGITS {
            return Err(InvalidAmount::TooLarge);
        }
        let kept = digits().rev().skip(usize::try_from(-scale).unwrap_or(0)).collect::<Vec<_>>();
        let padding = std::iter::repeat_n(b'0', usize::try_from(scale).unwrap_or(0));
        let minor = kept
            .into_iter()
            .rev()
            .chain(padding)
            .fold(0, |minor: i64, digit| minor * 10 + i64::from(digit - b'0'));
        Ok(Money { minor, currency: Currency::Inr })
    }

    /// The amount in minor units (paise).
    pub fn minor(self) -> i64 {
        self.minor
    }

    pub fn currency(self) -> Currency {
        self.currency
    }

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
/// so that the amount never becomes a float.
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

/// A JSON number, or a string with one, read by its exact digits.
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
        for (text, minor) in [
            ("100", 10_000),
            ("100.5", 10_050),
            ("0.05", 5),
            ("0", 0),
            ("007", 700),
            ("1.10", 110),
            ("100.000", 10_000),
            ("0.000", 0),
            ("1E+2", 10_000),
            ("1e3", 100_000),
            ("1.0E7", 1_000_000_000),
            ("1.0E-2", 1),
            ("12.50E-1", 125),
            ("0E9999", 0),
            ("100E-4", 1),
            ("000000000000000000001", 100),
        ] {
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
            ("1e", NotDecimal),
            ("1e+", NotDecimal),
            ("1e+-2", NotDecimal),
            ("1e2.0", NotDecimal),
            ("1e1e1", NotDecimal),
            (".5e1", NotDecimal),
            ("1e10000", NotDecimal),
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
            ("1.0E-3", TooPrecise),
            ("1E-9999", TooPrecise),
            ("-1E2", Negative),
            ("0.001", TooPrecise),
            ("10000000000000", TooLarge),
            ("1E13", TooLarge),
            ("1E9999", TooLarge),
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
                prop_assert!(!text.contains(' ') && !text.starts_with(['-', '+']));
            }
        }

        #[test]
        fn a_number_means_the_same_however_it_is_written(
            minor in 0..=MAX_MINOR, zeros in 0..30_usize, shift in -20..20_i32
        ) {
            let money = Money::from_minor(minor, Currency::Inr).unwrap();
            prop_assert_eq!(Money::parse(&format!("{money}{}", "0".repeat(zeros))).unwrap(), money);
            let exponent = -2 - shift;
            if shift >= 0 {
                let text = format!("{minor}{}E{exponent}", "0".repeat(shift.unsigned_abs() as usize));
                prop_assert_eq!(Money::parse(&text).unwrap(), money);
            } else {
                let digits = format!("{minor:0>width$}", width = shift.unsigned_abs() as usize + 1);
                let (whole, fraction) = digits.split_at(digits.len() - shift.unsigned_abs() as usize);
                let text = format!("{whole}.{fraction}e{exponent:+}");
                prop_assert_eq!(Money::parse(&text).unwrap(), money);
            }
        }
    }
}
