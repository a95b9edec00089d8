//! Amounts: whole paise inside, decimal text where a provider's protocol has rupees.

/// The largest amount, in paise.
pub(crate) const MAX_PAISE: i64 = 999_999_999_999_999;

/// The paise of an amount in rupees: digits, then at most two decimals behind a point. `None` for
/// anything else, and for nothing or less.
pub(crate) fn paise_of_rupees(text: &str) -> Option<i64> {
    let (rupees, decimals) = match text.split_once('.') {
        Some((rupees, decimals)) if (1..=2).contains(&decimals.len()) => (rupees, decimals),
        Some(_) => return None,
        None => (text, ""),
    };
    let digits = format!("{rupees}{decimals:0<2}");
    if rupees.is_empty() { None } else { paise_of_digits(&digits) }
}

/// An amount that is written in paise. `None` for anything but digits, and for nothing.
pub(crate) fn paise_of_digits(digits: &str) -> Option<i64> {
    if digits.is_empty() || digits.len() > 18 || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    digits.parse().ok().filter(|paise| (1..=MAX_PAISE).contains(paise))
}

/// Rupees with two decimals: `19.99`.
pub(crate) fn rupees(paise: i64) -> String {
    format!("{}.{:02}", paise / 100, (paise % 100).abs())
}

/// Rupees as Indians write them: `₹1,23,456.00`.
pub(crate) fn rupees_for_people(paise: i64) -> String {
    let plain = rupees(paise);
    let (whole, decimals) = plain.split_once('.').unwrap_or((&plain, "00"));
    let (head, last) = whole.split_at(whole.len().saturating_sub(3));
    let mut text = String::from("₹");
    for (at, digit) in head.chars().enumerate() {
        if at > 0 && (head.len() - at).is_multiple_of(2) {
            text.push(',');
        }
        text.push(digit);
    }
    let comma = if head.is_empty() { "" } else { "," };
    format!("{text}{comma}{last}.{decimals}")
}

/// What is taken instead of the amount asked: a rupee less, or more when there is none to spare.
pub(crate) fn wrong_amount(asked_paise: i64) -> i64 {
    if asked_paise > 100 { asked_paise - 100 } else { asked_paise + 100 }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn rupees_become_paise_exactly_or_not_at_all() {
        for (text, paise) in
            [("100", 10_000), ("100.0", 10_000), ("19.99", 1_999), ("0.10", 10), ("007.5", 750)]
        {
            assert_eq!(paise_of_rupees(text), Some(paise), "{text}");
        }
        for bad in
            ["", ".", "1.", ".5", "1.115", "-1", "+1", "1e3", "1,000.00", "0", "0.00", "१.००", " 1", "1.-5"]
        {
            assert_eq!(paise_of_rupees(bad), None, "{bad}");
        }
    }

    #[test]
    fn people_see_indian_grouping() {
        for (paise, text) in [
            (5, "₹0.05"),
            (99_900, "₹999.00"),
            (12_345_678_901, "₹12,34,56,789.01"),
            (999_999_999_999_999, "₹99,99,99,99,99,999.99"),
        ] {
            assert_eq!(rupees_for_people(paise), text);
        }
    }

    #[test]
    fn a_wrong_amount_is_never_the_right_one_and_never_nothing() {
        for asked in [1, 99, 100, 101, 10_000, MAX_PAISE] {
            assert!(wrong_amount(asked) != asked && wrong_amount(asked) > 0);
        }
    }

    proptest! {
        #[test]
        fn what_is_written_is_read_again(paise in 1..=MAX_PAISE) {
            prop_assert_eq!(paise_of_rupees(&rupees(paise)), Some(paise));
            prop_assert_eq!(paise_of_digits(&paise.to_string()), Some(paise));
        }

        #[test]
        fn no_text_panics(text in "\\PC{0,30}") {
            let _ = (paise_of_rupees(&text), paise_of_digits(&text));
        }
    }
}
