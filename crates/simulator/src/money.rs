//! Amounts: whole minor units and a currency inside, decimal text where a provider's protocol has units.

use std::fmt;

use serde::{Serialize, Serializer};

/// The most digits of an amount before the point.
const WHOLE_DIGITS: u32 = 13;

/// A currency with two decimals or none.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Currency {
    iso: iso_currency::Currency,
    decimals: u32,
}

impl Currency {
    pub const INR: Currency = Currency { iso: iso_currency::Currency::INR, decimals: 2 };

    /// The currency with this ISO 4217 code, in any letter case.
    pub fn from_code(code: &str) -> Option<Currency> {
        let iso = iso_currency::Currency::from_code(&code.to_ascii_uppercase())?;
        let decimals = u32::from(iso.exponent()?);
        matches!(decimals, 0 | 2).then_some(Currency { iso, decimals })
    }

    /// The ISO 4217 code, in upper case.
    pub fn code(self) -> &'static str {
        self.iso.code()
    }

    /// The number of minor units in one unit.
    fn unit(self) -> i64 {
        10_i64.pow(self.decimals)
    }

    /// The largest amount, in minor units.
    fn max_minor(self) -> i64 {
        10_i64.pow(WHOLE_DIGITS + self.decimals) - 1
    }
}

impl fmt::Debug for Currency {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.code())
    }
}

impl Serialize for Currency {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.code())
    }
}

/// More than nothing, in whole minor units of a currency.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Amount {
    pub minor: i64,
    pub currency: Currency,
}

impl Amount {
    pub(crate) fn of_minor(minor: i64, currency: Currency) -> Option<Amount> {
        (1..=currency.max_minor()).contains(&minor).then_some(Amount { minor, currency })
    }

    pub(crate) fn of_paise(minor: i64) -> Option<Amount> {
        Amount::of_minor(minor, Currency::INR)
    }

    /// An amount that is written in minor units. `None` for anything but digits, and for nothing.
    pub(crate) fn of_digits(digits: &str, currency: Currency) -> Option<Amount> {
        if digits.is_empty() || digits.len() > 18 || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
            return None;
        }
        Amount::of_minor(digits.parse().ok()?, currency)
    }

    /// An amount that is written in units: digits, then at most as many decimals behind a point as the
    /// currency has. `None` for anything else, and for nothing.
    pub(crate) fn parse(text: &str, currency: Currency) -> Option<Amount> {
        let most = currency.decimals as usize;
        let (whole, decimals) = match text.split_once('.') {
            Some((whole, decimals)) if (1..=most).contains(&decimals.len()) => (whole, decimals),
            Some(_) => return None,
            None => (text, ""),
        };
        let digits = format!("{whole}{decimals:0<most$}");
        if whole.is_empty() { None } else { Amount::of_digits(&digits, currency) }
    }

    /// As people write it: `₹1,23,456.00`, `USD 123,456.00`, `JPY 123,456`.
    pub(crate) fn for_people(self) -> String {
        let plain = self.to_string();
        let (whole, decimals) = plain.split_once('.').unwrap_or((&plain, ""));
        let (head, last) = whole.split_at(whole.len().saturating_sub(3));
        let (sign, group) = if self.currency == Currency::INR {
            ("₹".to_owned(), 2)
        } else {
            (format!("{} ", self.currency.code()), 3)
        };
        let mut text = sign;
        for (at, digit) in head.chars().enumerate() {
            if at > 0 && (head.len() - at).is_multiple_of(group) {
                text.push(',');
            }
            text.push(digit);
        }
        let comma = if head.is_empty() { "" } else { "," };
        let point = if decimals.is_empty() { "" } else { "." };
        format!("{text}{comma}{last}{point}{decimals}")
    }

    /// The amount that is taken instead of this one: a unit less, or more when there is none to spare.
    pub(crate) fn wrong(self) -> Amount {
        let unit = self.currency.unit();
        let minor = if self.minor > unit { self.minor - unit } else { self.minor + unit };
        Amount { minor, ..self }
    }

    /// The same digits in another currency.
    pub(crate) fn in_another_currency(self) -> Amount {
        let other = if self.currency.iso == iso_currency::Currency::EUR {
            iso_currency::Currency::USD
        } else {
            iso_currency::Currency::EUR
        };
        Amount { currency: Currency { iso: other, decimals: 2 }, ..self }
    }
}

/// In units, with the currency's decimals: `19.99`.
impl fmt::Display for Amount {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let unit = self.currency.unit();
        write!(f, "{}", self.minor / unit)?;
        match self.currency.decimals {
            0 => Ok(()),
            _ => write!(f, ".{:02}", self.minor % unit),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn currency(code: &str) -> Currency {
        Currency::from_code(code).unwrap()
    }

    #[test]
    fn units_become_minor_units_exactly_or_not_at_all() {
        for (text, paise) in
            [("100", 10_000), ("100.0", 10_000), ("19.99", 1_999), ("0.10", 10), ("007.5", 750)]
        {
            assert_eq!(Amount::parse(text, Currency::INR), Amount::of_paise(paise), "{text}");
        }
        for bad in
            ["", ".", "1.", ".5", "1.115", "-1", "+1", "1e3", "1,000.00", "0", "0.00", "१.००", " 1", "1.-5"]
        {
            assert_eq!(Amount::parse(bad, Currency::INR), None, "{bad}");
        }
        assert_eq!(Amount::parse("1500", currency("JPY")).unwrap().minor, 1_500);
        assert_eq!(Amount::parse("1500.0", currency("JPY")), None);
    }

    #[test]
    fn people_see_their_grouping() {
        for (minor, code, text) in [
            (5, "INR", "₹0.05"),
            (99_900, "INR", "₹999.00"),
            (12_345_678_901, "INR", "₹12,34,56,789.01"),
            (999_999_999_999_999, "INR", "₹99,99,99,99,99,999.99"),
            (12_345_678, "usd", "USD 123,456.78"),
            (1_500, "JPY", "JPY 1,500"),
            (15, "JPY", "JPY 15"),
        ] {
            assert_eq!(Amount::of_minor(minor, currency(code)).unwrap().for_people(), text);
        }
    }

    #[test]
    fn currencies_have_two_decimals_or_none() {
        for code in ["", "IN", "XXZ", "KWD", "XAU", "₹"] {
            assert_eq!(Currency::from_code(code), None, "{code}");
        }
    }

    #[test]
    fn a_wrong_amount_is_never_the_right_one_and_never_nothing() {
        for code in ["INR", "EUR", "JPY"] {
            for asked in [1, 2, 99, 100, 101, 10_000, currency(code).max_minor()] {
                let asked = Amount::of_minor(asked, currency(code)).unwrap();
                assert!(asked.wrong() != asked && asked.wrong().minor > 0);
                assert_ne!(asked.in_another_currency().currency, asked.currency);
            }
        }
    }

    proptest! {
        #[test]
        fn writing_round_trips(
            minor in 1..=999_999_999_999_i64,
            code in prop_oneof![Just("INR"), Just("USD"), Just("JPY")],
        ) {
            let amount = Amount::of_minor(minor, currency(code)).unwrap();
            prop_assert_eq!(Amount::parse(&amount.to_string(), amount.currency), Some(amount));
            prop_assert_eq!(Amount::of_digits(&minor.to_string(), amount.currency), Some(amount));
        }

        #[test]
        fn no_text_panics(text in "\\PC{0,30}") {
            let _ = (Amount::parse(&text, Currency::INR), Amount::of_digits(&text, Currency::INR));
        }
    }
}
