//! Times as Indian providers write them: in India's time, independent of the computer's zone.

use jiff::Timestamp;
use jiff::tz::{Offset, TimeZone};

/// India's distance from UTC, in seconds.
const INDIA_S: i32 = 5 * 3_600 + 30 * 60;

/// A moment, in milliseconds since the epoch, in a `strftime` format. Empty when the moment is
/// beyond the calendar.
fn formatted(moment_ms: i64, format: &str) -> String {
    match (Timestamp::from_millisecond(moment_ms), Offset::from_seconds(INDIA_S)) {
        (Ok(moment), Ok(offset)) => moment.to_zoned(TimeZone::fixed(offset)).strftime(format).to_string(),
        (Err(_), _) | (_, Err(_)) => String::new(),
    }
}

/// `20240315`
pub(crate) fn day(moment_ms: i64) -> String {
    formatted(moment_ms, "%Y%m%d")
}

/// `2024-03-15 11:12:12`
pub(crate) fn second(moment_ms: i64) -> String {
    formatted(moment_ms, "%Y-%m-%d %H:%M:%S")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moments_are_indian() {
        let moment_ms = 1_710_481_332_000;
        assert_eq!(second(moment_ms), "2024-03-15 11:12:12");
        assert_eq!(day(moment_ms - 11 * 3_600_000 - 12 * 60_000 - 13_000), "20240314");
        assert_eq!(day(i64::MAX), "");
    }
}
