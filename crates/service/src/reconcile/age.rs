//! Ages as operators write them.

use std::time::Duration;

use jiff::{Span, SpanRelativeTo};

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("an age is a number with a unit: 90s, 30m, 2h, 1h30m, 7d")]
pub struct InvalidAge;

/// A hundred years.
const LONGEST: Duration = Duration::from_secs(36_525 * 86_400);

/// Parses `90s`, `30m`, `1h30m` or `7d`, up to a hundred years of 24-hour days.
///
/// # Errors
/// [`InvalidAge`] for anything else, also without a unit, negative, or in months and years.
pub fn parse_age(text: &str) -> Result<Duration, InvalidAge> {
    let span: Span = text.trim().parse().map_err(|_| InvalidAge)?;
    let age = span.to_duration(SpanRelativeTo::days_are_24_hours()).map_err(|_| InvalidAge)?;
    Duration::try_from(age).ok().filter(|age| *age <= LONGEST).ok_or(InvalidAge)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ages_are_written_with_their_units() {
        for (text, seconds) in [
            ("90s", 90),
            ("30m", 1800),
            (" 2h ", 7200),
            ("1h30m", 5400),
            ("1h 30m", 5400),
            ("7d", 604_800),
            ("2w", 1_209_600),
            ("45 minutes", 2700),
            ("PT30M", 1800),
            ("0s", 0),
        ] {
            assert_eq!(parse_age(text), Ok(Duration::from_secs(seconds)), "{text}");
        }
        for wrong in ["", "30", "-30m", "30m ago", "1mo", "1y", "soon", "99999999d", "1e9h", "٣m"] {
            assert_eq!(parse_age(wrong), Err(InvalidAge), "{wrong}");
        }
    }
}
