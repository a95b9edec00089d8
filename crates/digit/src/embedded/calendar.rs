//! Dates as Indian administration counts them.

use jiff::civil::DateTime;
use jiff::tz::{Offset, TimeZone};
use payment_domain::Timestamp;

/// Indian Standard Time, five and a half hours ahead of UTC all year round. A fixed offset, so that
/// it needs no time zone database on the machine.
pub fn indian_standard_time() -> TimeZone {
    TimeZone::fixed(Offset::from_seconds(19_800).unwrap_or(Offset::UTC))
}

/// The date and time that a clock on the wall in `zone` shows at `at`; the epoch for moments beyond
/// the calendar.
pub(super) fn local_time(at: Timestamp, zone: &TimeZone) -> DateTime {
    let moment = jiff::Timestamp::from_millisecond(at.as_millis()).unwrap_or(jiff::Timestamp::UNIX_EPOCH);
    zone.to_datetime(moment)
}

/// The first year of the financial year a date lies in: it begins on 1 April.
pub(super) fn financial_year_start(date: DateTime) -> i16 {
    if date.month() >= 4 { date.year() } else { date.year().saturating_sub(1) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> DateTime {
        let moment: jiff::Timestamp = text.parse().unwrap();
        local_time(Timestamp::from_millis(moment.as_millisecond()), &indian_standard_time())
    }

    #[test]
    fn the_day_turns_at_midnight_in_india() {
        assert_eq!(at("2026-11-21T18:29:59Z").to_string(), "2026-11-21T23:59:59");
        assert_eq!(at("2026-11-21T18:30:00Z").to_string(), "2026-11-22T00:00:00");
    }

    #[test]
    fn the_financial_year_begins_on_the_first_of_april() {
        assert_eq!(financial_year_start(at("2026-03-31T18:29:59Z")), 2025);
        assert_eq!(financial_year_start(at("2026-03-31T18:30:00Z")), 2026);
        assert_eq!(financial_year_start(at("2027-01-01T00:00:00Z")), 2026);
    }

    #[test]
    fn moments_beyond_the_calendar_do_not_panic() {
        for millis in [i64::MIN, i64::MAX] {
            let _ = local_time(Timestamp::from_millis(millis), &indian_standard_time());
        }
    }
}
