//! The moments a job is scheduled for.

use std::fmt;
use std::time::Duration;

use croner::Cron;
use croner::parser::{CronParser, Seconds};
use jiff::Zoned;
use jiff::tz::TimeZone;
use payment_domain::Timestamp;

/// When a job is due. Every node works out the same moments from it, whenever it was started.
#[derive(Debug, Clone)]
pub struct Schedule(Kind);

#[derive(Debug, Clone)]
enum Kind {
    /// At every multiple of so many milliseconds since 1970.
    Every { millis: i64 },
    /// As a cron expression says, on the clocks of a time zone.
    Cron { cron: Box<Cron>, text: String, zone: TimeZone },
}

/// A cron expression that cannot be read.
#[derive(Debug, thiserror::Error)]
#[error("`{text}` is not a cron expression: {reason}")]
pub struct InvalidCron {
    text: String,
    reason: String,
}

/// More missed ticks than this are not counted one by one.
const MOST_MISSED: u32 = 10_000;

impl Schedule {
    /// At every multiple of `interval` (at least a millisecond) since 1970-01-01T00:00:00Z.
    pub fn every(interval: Duration) -> Schedule {
        Schedule(Kind::Every { millis: i64::try_from(interval.as_millis()).unwrap_or(i64::MAX).max(1) })
    }

    /// As a cron expression of five fields, or six with seconds in front, says, on the clocks of
    /// `zone`. Where clocks are set forward, a moment that does not exist is made up as soon as
    /// they have been; where they are set back, a moment that comes twice counts once.
    ///
    /// # Errors
    /// [`InvalidCron`].
    pub fn cron(text: &str, zone: TimeZone) -> Result<Schedule, InvalidCron> {
        let parser = CronParser::builder().seconds(Seconds::Optional).build();
        match parser.parse(text) {
            Ok(cron) => Ok(Schedule(Kind::Cron { cron: Box::new(cron), text: text.to_owned(), zone })),
            Err(error) => Err(InvalidCron { text: text.to_owned(), reason: error.to_string() }),
        }
    }

    /// The latest moment that is not after `now`.
    pub fn latest(&self, now: Timestamp) -> Option<Timestamp> {
        match &self.0 {
            Kind::Every { millis } => {
                Some(Timestamp::from_millis(now.as_millis().div_euclid(*millis).checked_mul(*millis)?))
            }
            Kind::Cron { cron, zone, .. } => {
                cron.find_previous_occurrence(&zoned(now, zone)?, true).ok().map(|at| moment(&at))
            }
        }
    }

    /// The first moment after `after`.
    pub fn next(&self, after: Timestamp) -> Option<Timestamp> {
        match &self.0 {
            Kind::Every { millis } => {
                let count = after.as_millis().div_euclid(*millis).checked_add(1)?;
                Some(Timestamp::from_millis(count.checked_mul(*millis)?))
            }
            Kind::Cron { cron, zone, .. } => {
                cron.find_next_occurrence(&zoned(after, zone)?, false).ok().map(|at| moment(&at))
            }
        }
    }

    /// How many moments lie between the two, without them.
    pub(super) fn between(&self, earlier: Timestamp, later: Timestamp) -> u32 {
        let mut count = 0;
        let mut at = earlier;
        while count < MOST_MISSED
            && let Some(next) = self.next(at)
            && next < later
        {
            count += 1;
            at = next;
        }
        count
    }
}

impl fmt::Display for Schedule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Kind::Every { millis } => {
                write!(f, "every {:#}", jiff::SignedDuration::from_millis(*millis))
            }
            Kind::Cron { text, zone, .. } => match zone.iana_name() {
                Some(name) => write!(f, "{text} ({name})"),
                None => f.write_str(text),
            },
        }
    }
}

fn zoned(at: Timestamp, zone: &TimeZone) -> Option<Zoned> {
    Some(jiff::Timestamp::from_millisecond(at.as_millis()).ok()?.to_zoned(zone.clone()))
}

fn moment(at: &Zoned) -> Timestamp {
    Timestamp::from_millis(at.timestamp().as_millisecond())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> Timestamp {
        Timestamp::from_millis(text.parse::<jiff::Timestamp>().unwrap().as_millisecond())
    }

    fn text(at: Option<Timestamp>) -> String {
        jiff::Timestamp::from_millisecond(at.unwrap().as_millis()).unwrap().to_string()
    }

    fn twice_a_day(zone: &str) -> Schedule {
        Schedule::cron("0 0 0,12 * * ?", TimeZone::get(zone).unwrap()).unwrap()
    }

    #[test]
    fn an_interval_is_counted_from_the_epoch_so_that_all_nodes_agree() {
        let schedule = Schedule::every(Duration::from_secs(900));
        assert_eq!(text(schedule.latest(at("2026-11-22T10:14:59.999Z"))), "2026-11-22T10:00:00Z");
        assert_eq!(text(schedule.latest(at("2026-11-22T10:15:00Z"))), "2026-11-22T10:15:00Z");
        assert_eq!(text(schedule.next(at("2026-11-22T10:15:00Z"))), "2026-11-22T10:30:00Z");
        assert_eq!(text(schedule.latest(Timestamp::from_millis(-1))), "1969-12-31T23:45:00Z");
    }

    #[test]
    fn cron_expressions_are_read_as_quartz_and_unix_write_them() {
        let schedule = twice_a_day("Asia/Kolkata");
        assert_eq!(text(schedule.latest(at("2026-11-22T06:29:59Z"))), "2026-11-21T18:30:00Z");
        assert_eq!(text(schedule.latest(at("2026-11-22T06:30:00Z"))), "2026-11-22T06:30:00Z");
        assert_eq!(text(schedule.next(at("2026-11-22T06:30:00Z"))), "2026-11-22T18:30:00Z");
        let five = Schedule::cron("30 2 * * *", TimeZone::UTC).unwrap();
        assert_eq!(text(five.next(at("2026-11-22T02:30:00Z"))), "2026-11-23T02:30:00Z");
        for wrong in ["", "every day", "0 0 25 * * ?", "* * *", "0 0 0 30 2 x"] {
            assert!(Schedule::cron(wrong, TimeZone::UTC).is_err(), "{wrong}");
        }
    }

    #[test]
    fn an_expression_that_never_comes_true_has_no_moments() {
        let never = Schedule::cron("0 0 0 31 2 *", TimeZone::UTC).unwrap();
        assert_eq!(never.next(at("2026-11-22T00:00:00Z")), None);
        assert_eq!(never.latest(at("2026-11-22T00:00:00Z")), None);
    }

    #[test]
    fn where_clocks_change_each_half_day_still_comes_once() {
        // Forward on 2026-03-29, back on 2026-10-25.
        for (from, days) in [("2026-03-27T00:00:00Z", 5), ("2026-10-23T00:00:00Z", 5)] {
            let schedule = twice_a_day("Europe/Berlin");
            let mut seen = Vec::new();
            let mut now = at(from);
            let end = now.plus(Duration::from_secs(86_400 * days));
            while let Some(next) = schedule.next(now)
                && next < end
            {
                seen.push(next);
                now = next;
            }
            assert_eq!(seen.len(), usize::try_from(days).unwrap() * 2, "{from}");
            for one in &seen {
                assert_eq!(schedule.latest(*one), Some(*one));
            }
        }
    }

    #[test]
    fn a_moment_that_does_not_exist_is_made_up_and_one_that_comes_twice_counts_once() {
        let schedule = Schedule::cron("0 30 2 * * *", TimeZone::get("Europe/Berlin").unwrap()).unwrap();
        let forward = schedule.next(at("2026-03-28T12:00:00Z")).unwrap();
        let day_after = schedule.next(forward).unwrap();
        assert_eq!(text(Some(day_after)), "2026-03-30T00:30:00Z");
        assert!(text(Some(forward)).starts_with("2026-03-29T01:"), "{}", text(Some(forward)));
        let back = schedule.next(at("2026-10-24T12:00:00Z")).unwrap();
        assert_eq!(text(schedule.next(back)), "2026-10-26T01:30:00Z", "after {}", text(Some(back)));
    }

    #[test]
    fn missed_moments_are_counted() {
        let schedule = Schedule::every(Duration::from_secs(60));
        assert_eq!(schedule.between(at("2026-11-22T10:00:00Z"), at("2026-11-22T10:05:00Z")), 4);
        assert_eq!(schedule.between(at("2026-11-22T10:00:00Z"), at("2026-11-22T10:01:00Z")), 0);
        assert_eq!(schedule.between(at("2026-11-22T10:05:00Z"), at("2026-11-22T10:00:00Z")), 0);
        assert_eq!(schedule.between(at("1970-01-01T00:00:00Z"), at("2026-11-22T10:00:00Z")), MOST_MISSED);
    }
}
