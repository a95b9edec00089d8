//! The moments a job is scheduled for.

use std::fmt;
use std::time::Duration;

use croner::parser::{CronParser, Seconds};
use croner::{Cron, CronComponent};
use jiff::Zoned;
use jiff::civil::DateTime;
use jiff::tz::{AmbiguousOffset, TimeZone};
use payment_domain::Timestamp;

/// When a job is due: the same moments on every node, whenever it was started.
#[derive(Debug, Clone)]
pub struct Schedule(Kind);

#[derive(Debug, Clone)]
enum Kind {
    ByHand,
    Every { millis: i64 },
    Cron { cron: Box<Cron>, text: String, zone: TimeZone, names_times: bool },
}

/// When a job is due, for people.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Timing {
    ByHand,
    Every(Duration),
    /// The expression, and its time zone where that has a name.
    Cron(String),
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
    /// Never by itself: an operator runs the job.
    pub fn by_hand() -> Schedule {
        Schedule(Kind::ByHand)
    }

    /// At every multiple of `interval` (at least a millisecond) since 1970-01-01T00:00:00Z.
    pub fn every(interval: Duration) -> Schedule {
        Schedule(Kind::Every { millis: i64::try_from(interval.as_millis()).unwrap_or(i64::MAX).max(1) })
    }

    /// A cron expression of five fields, or six with seconds in front, in a time zone. `10/20` is every 20th
    /// from 10 on, as Quartz reads it. See the module for clocks that are set.
    ///
    /// # Errors
    /// [`InvalidCron`].
    pub fn cron(text: &str, zone: TimeZone) -> Result<Schedule, InvalidCron> {
        let parser = CronParser::builder().seconds(Seconds::Optional).sloppy_ranges(true).build();
        match parser.parse(text) {
            Ok(cron) => {
                let pattern = &cron.pattern;
                let names_times = [&pattern.hours, &pattern.minutes, &pattern.seconds].into_iter().all(names);
                Ok(Schedule(Kind::Cron { cron: Box::new(cron), text: text.to_owned(), zone, names_times }))
            }
            Err(error) => Err(InvalidCron { text: text.to_owned(), reason: error.to_string() }),
        }
    }

    /// The latest moment that is not after `now`.
    pub fn latest(&self, now: Timestamp) -> Option<Timestamp> {
        match &self.0 {
            Kind::ByHand => None,
            Kind::Every { millis } => {
                Some(Timestamp::from_millis(now.as_millis().div_euclid(*millis).checked_mul(*millis)?))
            }
            Kind::Cron { cron, zone, names_times: true, .. } => latest_shown(cron, zone, now),
            Kind::Cron { cron, zone, names_times: false, .. } => {
                cron.find_previous_occurrence(&zoned(now, zone)?, true).ok().map(|at| moment(&at))
            }
        }
    }

    pub fn next(&self, after: Timestamp) -> Option<Timestamp> {
        match &self.0 {
            Kind::ByHand => None,
            Kind::Every { millis } => {
                let count = after.as_millis().div_euclid(*millis).checked_add(1)?;
                Some(Timestamp::from_millis(count.checked_mul(*millis)?))
            }
            Kind::Cron { cron, zone, names_times: true, .. } => next_shown(cron, zone, after),
            Kind::Cron { cron, zone, names_times: false, .. } => {
                cron.find_next_occurrence(&zoned(after, zone)?, false).ok().map(|at| moment(&at))
            }
        }
    }

    pub fn timing(&self) -> Timing {
        match &self.0 {
            Kind::ByHand => Timing::ByHand,
            Kind::Every { millis } => Timing::Every(Duration::from_millis(millis.unsigned_abs())),
            Kind::Cron { .. } => Timing::Cron(self.to_string()),
        }
    }

    /// The number of moments that lie between the two, without them.
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
            Kind::ByHand => f.write_str("by hand"),
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

/// Whether a field lists its times or gives a range.
fn names(field: &CronComponent) -> bool {
    !field.from_wildcard && field.step == 1
}

fn latest_shown(cron: &Cron, zone: &TimeZone, now: Timestamp) -> Option<Timestamp> {
    let shown = unset(zoned(now, zone)?.datetime())?;
    let mut at = cron.find_previous_occurrence(&shown, true).ok();
    let mut latest = at.as_ref().and_then(|at| first_shown(at.datetime(), zone));
    // Clocks that have been set back showed more before than they show now.
    while let Ok(later) = cron.find_next_occurrence(at.as_ref().unwrap_or(&shown), false)
        && let Some(moment) = first_shown(later.datetime(), zone)
        && moment <= now
    {
        (at, latest) = (Some(later), Some(moment));
    }
    latest
}

fn next_shown(cron: &Cron, zone: &TimeZone, after: Timestamp) -> Option<Timestamp> {
    let mut at = unset(zoned(after, zone)?.datetime())?;
    loop {
        at = cron.find_next_occurrence(&at, false).ok()?;
        // A time that clocks show again after they were set back is over.
        let moment = first_shown(at.datetime(), zone)?;
        if moment > after {
            return Some(moment);
        }
    }
}

/// The moment at which the clocks of a zone first show this, or are set forward past it.
fn first_shown(shown: DateTime, zone: &TimeZone) -> Option<Timestamp> {
    let at = zone.to_ambiguous_timestamp(shown);
    let earlier = at.earlier().ok()?;
    let first = match at.offset() {
        AmbiguousOffset::Unambiguous { .. } | AmbiguousOffset::Fold { .. } => earlier,
        // Read by the offset that holds after the gap it lies before it, and the next change is the gap.
        AmbiguousOffset::Gap { .. } => zone.following(earlier).next()?.timestamp(),
    };
    Some(Timestamp::from_millis(first.as_millisecond()))
}

/// The same on a clock that is never set: there the expression comes true without exceptions.
fn unset(shown: DateTime) -> Option<Zoned> {
    shown.to_zoned(TimeZone::UTC).ok()
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
        text_of(at.unwrap())
    }

    fn text_of(at: Timestamp) -> String {
        jiff::Timestamp::from_millisecond(at.as_millis()).unwrap().to_string()
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
    fn a_step_behind_a_number_continues_from_it_as_in_quartz() {
        let on_the_day = |text: &str| {
            let schedule = Schedule::cron(text, TimeZone::UTC).unwrap();
            let (mut now, mut seen) = (at("2026-11-22T23:59:59Z"), Vec::new());
            while let Some(next) = schedule.next(now)
                && next < at("2026-11-24T00:00:00Z")
            {
                seen.push(text_of(next)["2026-11-23T".len()..16].to_owned());
                now = next;
            }
            seen
        };
        assert_eq!(on_the_day("0 0 0/12 * * ?"), ["00:00", "12:00"]);
        assert_eq!(on_the_day("0 30 1/8 * * ?"), ["01:30", "09:30", "17:30"]);
        assert_eq!(on_the_day("0 0/20 23 * * ?"), ["23:00", "23:20", "23:40"]);
        assert_eq!(on_the_day("5/15 6 * * *"), ["06:05", "06:20", "06:35", "06:50"]);
        assert_eq!(on_the_day("0 0 9 1/2 * ?"), ["09:00"], "the 23rd is an odd day");
        assert_eq!(on_the_day("0 0 9 2/2 * ?"), [""; 0]);
        assert_eq!(on_the_day("0 0 9 ? 11/2 ?"), ["09:00"]);
        for wrong in ["0 0 24/2 * * ?", "0 60/5 * * * ?", "0 0 0/0 * * ?", "0 0 x/2 * * ?"] {
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

    /// The times of an expression in 2026 on the clocks of a zone, at any time of evaluation.
    fn in_2026(text: &str, zone: &TimeZone) -> Vec<Timestamp> {
        let schedule = Schedule::cron(text, zone.clone()).unwrap();
        let (mut seen, mut now) = (Vec::new(), at("2025-12-30T00:00:00Z"));
        while let Some(next) = schedule.next(now)
            && next < at("2027-01-03T00:00:00Z")
        {
            assert_eq!(schedule.latest(next), Some(next));
            seen.push(next);
            now = next;
        }
        let mut now = at("2026-01-01T00:00:00.500Z");
        while now < at("2027-01-01T00:00:00Z") {
            let over = seen.partition_point(|seen| *seen <= now);
            assert_eq!(schedule.latest(now), Some(seen[over - 1]), "{text} at {}", text_of(now));
            assert_eq!(schedule.next(now), Some(seen[over]), "{text} at {}", text_of(now));
            now = now.plus(Duration::from_secs(25 * 60));
        }
        seen.into_iter().filter(|at| zoned(*at, zone).unwrap().year() == 2026).collect()
    }

    fn assert_same(seen: &[Timestamp], expected: &[Timestamp], what: &str) {
        for (seen, expected) in seen.iter().zip(expected) {
            assert_eq!(text_of(*seen), text_of(*expected), "{what}");
        }
        assert_eq!(seen.len(), expected.len(), "{what}");
    }

    fn days_of_2026() -> impl Iterator<Item = jiff::civil::Date> {
        jiff::civil::date(2026, 1, 1).series(jiff::Span::new().days(1)).take_while(|day| day.year() == 2026)
    }

    #[test]
    fn the_default_comes_at_the_beginning_and_in_the_middle_of_every_day_everywhere() {
        // Midnight does not exist once in Cairo, Beirut and Havana, and comes twice in Havana.
        for name in ["Africa/Cairo", "Asia/Beirut", "America/Havana", "Europe/Berlin", "Asia/Kolkata"] {
            let zone = TimeZone::get(name).unwrap();
            let expected: Vec<Timestamp> = days_of_2026()
                .flat_map(|day| {
                    let midnight = day.to_zoned(zone.clone()).unwrap().start_of_day().unwrap();
                    [midnight, day.at(12, 0, 0, 0).to_zoned(zone.clone()).unwrap()]
                })
                .map(|at| moment(&at))
                .collect();
            let seen = in_2026("0 0 0,12 * * ?", &zone);
            assert_eq!(expected.len(), 2 * 365);
            assert_same(&seen, &expected, name);
        }
    }

    #[test]
    fn half_past_two_comes_once_on_the_days_on_which_clocks_are_set() {
        let zone = TimeZone::get("Europe/Berlin").unwrap();
        let expected: Vec<Timestamp> = days_of_2026()
            .flat_map(|day| {
                let (hour, minute) = if day == jiff::civil::date(2026, 3, 29) { (3, 0) } else { (2, 30) };
                [day.at(hour, minute, 0, 0), day.at(14, 30, 0, 0)]
            })
            .map(|shown| moment(&shown.to_zoned(zone.clone()).unwrap()))
            .collect();
        for text in ["0 30 2,14 * * *", "30 14,2 * * *"] {
            assert_same(&in_2026(text, &zone), &expected, text);
        }
    }

    #[test]
    fn an_expression_with_steps_goes_by_the_time_that_passes() {
        for name in ["Africa/Cairo", "America/Havana", "Europe/Berlin"] {
            let zone = TimeZone::get(name).unwrap();
            let quarters = in_2026("0 */15 * * * *", &zone);
            assert_eq!(quarters.len(), 365 * 96, "{name}");
            let apart = Duration::from_secs(15 * 60);
            assert!(
                quarters.iter().zip(&quarters[1..]).all(|(one, next)| one.plus(apart) == *next),
                "{name}"
            );
            assert_eq!(in_2026("0 0 * * * *", &zone).len(), 365 * 24, "{name}");
        }
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
