//! Moments in ISO 8601 with the offset of their zone, `2026-11-22T16:00:00.000+05:30`.

use jiff::tz::{Offset, TimeZone};
use payment_domain::Timestamp;

pub(super) struct Moments {
    zone: TimeZone,
    /// The offset between two of the zone's changes, in seconds.
    offset: Offset,
    since: i64,
    until: i64,
}

impl Moments {
    pub(super) fn of(zone: TimeZone) -> Moments {
        Moments { zone, offset: Offset::UTC, since: 0, until: 0 }
    }

    /// Appends a moment; nothing for one outside of the calendar.
    pub(super) fn write(&mut self, at: Timestamp, out: &mut Vec<u8>) {
        let Ok(instant) = jiff::Timestamp::from_millisecond(at.as_millis()) else { return };
        let second = at.as_millis().div_euclid(1000);
        if second < self.since || second >= self.until {
            self.find_offset(instant, second);
        }
        let local = self.offset.to_datetime(instant);
        let year = local.year().unsigned_abs();
        let [century, rest] = [year / 100, year % 100].map(|part| pair(part.into()));
        let [month, day, hour, minute, seconds] =
            [local.month(), local.day(), local.hour(), local.minute(), local.second()]
                .map(|part| pair(part.unsigned_abs().into()));
        let millis = at.as_millis().rem_euclid(1000).unsigned_abs();
        let [[_, hundreds], [tens, ones]] = [millis / 100, millis % 100].map(pair);
        let offset = self.offset.seconds();
        let sign = if offset < 0 { b'-' } else { b'+' };
        let minutes = u64::from(offset.unsigned_abs() / 60);
        let [[hours_1, hours_2], [minutes_1, minutes_2]] = [minutes / 60, minutes % 60].map(pair);
        for ([first, second], next) in
            [(century, None), (rest, Some(b'-')), (month, Some(b'-')), (day, Some(b'T')), (hour, Some(b':'))]
        {
            out.extend_from_slice(&[first, second]);
            out.extend(next);
        }
        let ([minute_1, minute_2], [second_1, second_2]) = (minute, seconds);
        out.extend_from_slice(&[
            minute_1, minute_2, b':', second_1, second_2, b'.', hundreds, tens, ones, sign, hours_1, hours_2,
            b':', minutes_1, minutes_2,
        ]);
    }

    /// The offset at a second, and how long it holds: a list is read in either direction.
    fn find_offset(&mut self, instant: jiff::Timestamp, second: i64) {
        self.offset = self.zone.to_offset(instant);
        let seconds = |change: jiff::tz::TimeZoneTransition<'_>| change.timestamp().as_second();
        self.until = self.zone.following(instant).next().map_or(i64::MAX, seconds);
        let next_second = jiff::Timestamp::from_second(second.saturating_add(1)).unwrap_or(instant);
        self.since = self.zone.preceding(next_second).next().map_or(i64::MIN, seconds);
    }
}

/// Two decimal digits.
fn pair(number: u64) -> [u8; 2] {
    let number = u8::try_from(number % 100).unwrap_or_default();
    [b'0' + number / 10, b'0' + number % 10]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(zone: &str, moments: &[i64]) -> Vec<String> {
        let mut writer = Moments::of(TimeZone::get(zone).unwrap());
        let mut show = |at: &i64| {
            let mut out = Vec::new();
            writer.write(Timestamp::from_millis(*at), &mut out);
            String::from_utf8(out).unwrap()
        };
        moments.iter().map(&mut show).collect()
    }

    #[test]
    fn a_moment_has_the_offset_that_its_zone_had_then() {
        assert_eq!(
            shown("Asia/Kolkata", &[1_795_343_400_007, 0]),
            ["2026-11-22T16:00:00.007+05:30", "1970-01-01T05:30:00.000+05:30"]
        );
        // Daylight saving time ends, forwards and backwards.
        assert_eq!(
            shown("America/New_York", &[1_793_512_799_999, 1_793_512_800_000, 1_793_512_799_000]),
            [
                "2026-11-01T01:59:59.999-04:00",
                "2026-11-01T01:00:00.000-05:00",
                "2026-11-01T01:59:59.000-04:00"
            ]
        );
        assert_eq!(shown("UTC", &[i64::MAX]), [""]);
    }
}
