//! Truncation of text to a gateway's limits.

use payment_domain::{Currency, Money};

/// The first `max_chars` characters; never half a character.
pub fn cut(text: &str, max_chars: usize) -> &str {
    text.char_indices().nth(max_chars).map_or(text, |(end, _)| &text[..end])
}

/// The text on one line: control characters, which form posts rewrite or drop, become spaces; none
/// are left at the ends.
pub fn one_line(text: &str) -> String {
    text.replace(char::is_control, " ").trim().to_owned()
}

/// A bank's number of a payment as an answer names it; `None` for the words by which gateways say that there is none.
pub fn bank_txn_no(text: String) -> Option<String> {
    let number = cut(text.trim(), 64);
    let is_none = number.bytes().all(|byte| byte == b'0')
        || ["null", "na", "n/a", "none"].iter().any(|none| number.eq_ignore_ascii_case(none));
    (!is_none).then(|| number.to_owned())
}

/// The text in ASCII letters: `José` → `Jose`, `आशा` → `asha`. Letters without such a form are left out.
pub fn ascii(text: &str) -> String {
    any_ascii::any_ascii(text)
}

/// An amount from whole paise: decimal digits only, no sign, no spaces. `None` for anything else.
pub fn paise(text: &str) -> Option<Money> {
    minor_units(text, Currency::INR)
}

/// An amount from whole minor units of the currency: decimal digits only, no sign, no spaces. `None` for
/// anything else.
pub fn minor_units(text: &str, currency: Currency) -> Option<Money> {
    if text.is_empty() || text.len() > 18 || !text.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    Money::from_minor(text.parse().ok()?, currency).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_of_a_bank_is_a_number_and_no_word_for_none() {
        for none in ["", " ", "0", "000", "null", "NULL", "NA", "n/a", "None"] {
            assert_eq!(bank_txn_no(none.to_owned()), None, "{none}");
        }
        assert_eq!(bank_txn_no(" 777001087423130 ".to_owned()).unwrap(), "777001087423130");
        assert_eq!(bank_txn_no("N0".repeat(50)).unwrap().len(), 64);
    }

    #[test]
    fn text_is_cut_between_characters() {
        assert_eq!(cut("आशा", 2), "आश");
        assert_eq!(cut("ab", 2), "ab");
        assert_eq!(cut("", 2), "");
        assert_eq!(cut("abc", 0), "");
    }

    #[test]
    fn lines_and_tabs_become_spaces() {
        assert_eq!(one_line(" a\r\nb\tc\0 "), "a  b c");
    }

    #[test]
    fn letters_of_every_script_become_ascii() {
        assert_eq!(ascii("José Ñandú"), "Jose Nandu");
        assert!(ascii("आशा शर्मा ₹").is_ascii());
    }

    #[test]
    fn paise_are_digits_and_nothing_else() {
        assert_eq!(paise("1999").unwrap().to_string(), "19.99");
        for bad in ["", "-1", "+1", " 1", "1.0", "1e3", "１", "9999999999999999999999", "1000000000000000"] {
            assert_eq!(paise(bad), None, "{bad}");
        }
    }
}
