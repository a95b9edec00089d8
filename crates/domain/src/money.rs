//! Amounts of money: whole minor units with a currency, decimal text at the edges, never a float.

use std::fmt;

use serde::Serialize;
use serde_json::value::RawValue;

/// The digits of the largest amount before the point.
const WHOLE_DIGITS: u32 = 13;

/// The largest amount in rupees, in paise: the maximum of `NUMERIC(15,2)`.
pub const MAX_MINOR: i64 = Currency::INR.max_minor();

/// An ISO 4217 currency with two decimals or none.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Currency {
    iso: iso_currency::Currency,
    decimals: u8,
}

impl Currency {
    /// Indian rupee; the minor unit is the paisa.
    pub const INR: Currency = Currency { iso: iso_currency::Currency::INR, decimals: 2 };

    /// The code of a refusal of a currency.
    pub const NOT_SUPPORTED: &'static str = "CURRENCY_NOT_SUPPORTED";

    /// [`Currency::parse`] without the reason of a refusal.
    pub fn from_code(code: &str) -> Option<Currency> {
        Currency::parse(code).ok()
    }

    /// The currency with this ISO 4217 code, in any letter case.
    ///
    /// # Errors
    /// An [`InvalidCurrency`] for no such code, and for another number of decimals than two or none.
    pub fn parse(code: &str) -> Result<Currency, InvalidCurrency> {
        let iso = iso_currency::Currency::from_code(&code.to_ascii_uppercase());
        let iso = iso.ok_or(InvalidCurrency::Unknown)?;
        match iso.exponent() {
            Some(0) => Ok(Currency { iso, decimals: 0 }),
            Some(2) => Ok(Currency { iso, decimals: 2 }),
            Some(_) => Err(InvalidCurrency::Decimals(iso.code())),
            None => Err(InvalidCurrency::Unknown),
        }
    }

    /// The three-letter ISO 4217 code.
    pub fn code(self) -> &'static str {
        self.iso.code()
    }

    /// The number of decimals: two or none.
    pub const fn decimals(self) -> u8 {
        self.decimals
    }

    /// The number of minor units in one unit: 100 or 1.
    const fn unit(self) -> i64 {
        10_i64.pow(self.decimals as u32)
    }

    /// The largest amount, in minor units: thirteen digits before the point, which `NUMERIC(15,2)` holds.
    pub const fn max_minor(self) -> i64 {
        10_i64.pow(WHOLE_DIGITS + self.decimals as u32) - 1
    }
}

/// The reason why a text is not the code of a [`Currency`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum InvalidCurrency {
    #[error("must be the ISO 4217 code of a currency, such as INR or USD")]
    Unknown,
    /// Of such a currency no amount can be stored.
    #[error("{0} has more decimals than two: only currencies with two decimals or none are supported")]
    Decimals(&'static str),
}

impl fmt::Debug for Currency {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.code())
    }
}

/// An amount: zero up to 9999999999999.99, in whole minor units of its currency (paise).
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
    /// A fraction in a currency that has none.
    #[error("an amount in this currency must not have decimals")]
    Fraction,
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
    pub const ZERO: Money = Money { minor: 0, currency: Currency::INR };

    /// An amount of `minor` units (paise).
    ///
    /// # Errors
    /// [`InvalidAmount::Negative`] or [`InvalidAmount::TooLarge`] outside 0..=[`Currency::max_minor`].
    pub fn from_minor(minor: i64, currency: Currency) -> Result<Money, InvalidAmount> {
        match minor {
            i64::MIN..0 => Err(InvalidAmount::Negative),
            _ if minor > currency.max_minor() => Err(InvalidAmount::TooLarge),
            _ => Ok(Money { minor, currency }),
        }
    }

    /// Reads decimal text in units of the currency (rupees): `100`, `100.5`, `0.05`, and the forms in which
    /// Java writes a `BigDecimal` or a double: `100.000`, `1E+2`, `1.0E7`. The value must be whole minor
    /// units. No sign but that of an exponent, no thousands separators, no spaces.
    ///
    /// # Errors
    /// An [`InvalidAmount`].
    pub fn parse(text: &str, currency: Currency) -> Result<Money, InvalidAmount> {
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
        // The value is the digits as a whole number times 10 to the power of `scale`, in minor units.
        let scale =
            exponent - i64::try_from(fraction.len()).unwrap_or(i64::MAX) + i64::from(currency.decimals);
        let significant = digits().skip_while(|&digit| digit == b'0').count();
        let trailing_zeros = digits().rev().take_while(|&digit| digit == b'0').count();
        if significant == 0 {
            return Ok(Money { minor: 0, currency });
        }
        if scale < 0 && scale.unsigned_abs() > trailing_zeros as u64 {
            return Err(match currency.decimals {
                0 => InvalidAmount::Fraction,
                _ => InvalidAmount::TooPrecise,
            });
        }
        let length = i64::try_from(significant).unwrap_or(i64::MAX).saturating_add(scale);
        if length > i64::from(WHOLE_DIGITS) + i64::from(currency.decimals) {
            return Err(InvalidAmount::TooLarge);
        }
        let kept = digits().rev().skip(usize::try_from(-scale).unwrap_or(0)).collect::<Vec<_>>();
        let padding = std::iter::repeat_n(b'0', usize::try_from(scale).unwrap_or(0));
        let minor = kept
            .into_iter()
            .rev()
            .chain(padding)
            .fold(0, |minor: i64, digit| minor * 10 + i64::from(digit - b'0'));
        Ok(Money { minor, currency })
    }

    /// Reads a JSON number, or a string with one, by its exact digits. There is no `Deserialize`: an amount
    /// without its currency is none.
    ///
    /// # Errors
    /// An [`InvalidAmount`].
    pub fn from_json(json: &RawValue, currency: Currency) -> Result<Money, InvalidAmount> {
        let text = json.get();
        if text.starts_with('"') {
            let text: String = serde_json::from_str(text).map_err(|_| InvalidAmount::NotDecimal)?;
            Money::parse(&text, currency)
        } else {
            Money::parse(text, currency)
        }
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

    /// The amount for readers who expect rupees: any other currency follows it.
    pub fn labelled(self) -> String {
        if self.currency == Currency::INR { self.to_string() } else { self.with_code() }
    }

    /// The amount with its currency: `100.00 INR`.
    pub fn with_code(self) -> String {
        format!("{self} {}", self.currency.code())
    }

    /// The sum of both; `None` when their currencies differ, or it is too large.
    pub fn plus(self, other: Money) -> Option<Money> {
        Money::sum([self, other], self.currency)
    }

    /// The sum of amounts in this currency; `None` when one is in another, or the sum is too large.
    pub fn sum(amounts: impl IntoIterator<Item = Money>, currency: Currency) -> Option<Money> {
        amounts.into_iter().try_fold(Money { minor: 0, currency }, |sum, next| {
            if next.currency != currency {
                return None;
            }
            Money::from_minor(sum.minor.checked_add(next.minor)?, currency).ok()
        })
    }
}

/// The number alone, with the currency's decimals: `100.00`.
impl fmt::Display for Money {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let unit = self.currency.unit();
        write!(f, "{}", self.minor / unit)?;
        match self.currency.decimals {
            0 => Ok(()),
            _ => write!(f, ".{:02}", self.minor % unit),
        }
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
        let text = self.to_string();
        let shortest = match text.split_once('.') {
            Some(_) => text.trim_end_matches('0').trim_end_matches('.'),
            None => &text,
        };
        RawValue::from_string(shortest.to_owned()).map_err(serde::ser::Error::custom)?.serialize(serializer)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const INR: Currency = Currency::INR;

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
            assert_eq!(Money::parse(text, INR).unwrap().minor(), minor, "{text}");
        }
        assert_eq!(Money::parse("9999999999999.99", INR).unwrap().minor(), MAX_MINOR);
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
            assert_eq!(Money::parse(text, INR), Err(why), "{text}");
        }
    }

    #[test]
    fn sums_stay_within_the_column() {
        let max = Money::from_minor(MAX_MINOR, INR).unwrap();
        let one = Money::from_minor(1, INR).unwrap();
        assert_eq!(Money::sum([], INR), Some(Money::ZERO));
        assert_eq!(Money::sum([max, one], INR), None);
        assert_eq!(Money::sum([one, one], INR).unwrap().minor(), 2);
    }

    #[test]
    fn amounts_of_a_currency_without_decimals_are_whole() {
        let yen = Currency::from_code("jpy").unwrap();
        let amount = Money::parse("1500", yen).unwrap();
        assert_eq!((amount.minor(), amount.to_string()), (1_500, "1500".to_owned()));
        assert_eq!(serde_json::to_string(&amount).unwrap(), "1500");
        assert_eq!(Money::parse("1.5E3", yen), Ok(amount));
        assert_eq!(Money::parse("1500.00", yen), Ok(amount));
        assert_eq!(Money::parse("0.5", yen), Err(InvalidAmount::Fraction));
        assert_eq!(Money::parse("9999999999999", yen).unwrap().minor(), yen.max_minor());
        assert_eq!(Money::parse("10000000000000", yen), Err(InvalidAmount::TooLarge));
        assert_eq!(Money::from_minor(yen.max_minor() + 1, yen), Err(InvalidAmount::TooLarge));
    }

    #[test]
    fn currencies_never_mix() {
        let dollar = Currency::from_code("USD").unwrap();
        let (rupee, cent) = (Money::from_minor(1, INR).unwrap(), Money::from_minor(1, dollar).unwrap());
        assert_ne!(rupee, cent);
        assert_eq!(Money::sum([rupee, cent], INR), None);
        assert_eq!(Money::sum([cent, cent], INR), None);
        assert_eq!(Money::sum([cent, cent], dollar).unwrap().minor(), 2);
    }

    #[test]
    fn an_amount_is_labelled_unless_it_is_in_rupees() {
        let labelled = |code: &str, minor| {
            Money::from_minor(minor, Currency::from_code(code).unwrap()).unwrap().labelled()
        };
        assert_eq!(
            [labelled("INR", 10_050), labelled("USD", 10_050), labelled("JPY", 10_050)],
            ["100.50", "100.50 USD", "10050 JPY"]
        );
    }

    #[test]
    fn currencies_have_two_decimals_or_none() {
        for (code, decimals) in [("INR", 2), ("inr", 2), ("USD", 2), ("JPY", 0), ("KRW", 0)] {
            assert_eq!(Currency::from_code(code).map(Currency::decimals), Some(decimals), "{code}");
        }
        for code in ["", "IN", "INRR", "XXZ", "XAU", "₹", "इनर"] {
            assert_eq!(Currency::parse(code), Err(InvalidCurrency::Unknown), "{code}");
        }
        for code in ["KWD", "BHD", "CLF"] {
            assert_eq!(Currency::parse(code), Err(InvalidCurrency::Decimals(code)), "{code}");
        }
    }

    proptest! {
        #[test]
        fn text_and_minor_units_agree(
            currency in prop::sample::select(vec!["INR", "USD", "JPY", "KRW"]), share in 0..=MAX_MINOR
        ) {
            let currency = Currency::from_code(currency).unwrap();
            let money = Money::from_minor(share % (currency.max_minor() + 1), currency).unwrap();
            prop_assert_eq!(Money::parse(&money.to_string(), currency).unwrap(), money);
            let json = serde_json::to_string(&money).unwrap();
            for json in [json.clone(), format!("\"{json}\"")] {
                let json = RawValue::from_string(json).unwrap();
                prop_assert_eq!(Money::from_json(&json, currency).unwrap(), money);
            }
        }

        #[test]
        fn no_text_panics_and_accepted_text_keeps_its_value(text in "\\PC{0,40}") {
            if let Ok(money) = Money::parse(&text, INR) {
                prop_assert!((0..=MAX_MINOR).contains(&money.minor()));
                prop_assert!(!text.contains(' ') && !text.starts_with(['-', '+']));
            }
        }

        #[test]
        fn a_number_means_the_same_however_it_is_written(
            minor in 0..=MAX_MINOR, zeros in 0..30_usize, shift in -20..20_i32
        ) {
            let money = Money::from_minor(minor, INR).unwrap();
            prop_assert_eq!(Money::parse(&format!("{money}{}", "0".repeat(zeros)), INR).unwrap(), money);
            let exponent = -2 - shift;
            if shift >= 0 {
                let text = format!("{minor}{}E{exponent}", "0".repeat(shift.unsigned_abs() as usize));
                prop_assert_eq!(Money::parse(&text, INR).unwrap(), money);
            } else {
                let digits = format!("{minor:0>width$}", width = shift.unsigned_abs() as usize + 1);
                let (whole, fraction) = digits.split_at(digits.len() - shift.unsigned_abs() as usize);
                let text = format!("{whole}.{fraction}e{exponent:+}");
                prop_assert_eq!(Money::parse(&text, INR).unwrap(), money);
            }
        }
    }
}
