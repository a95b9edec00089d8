//! Days in the time zone of the service.

use jiff::civil::Date;
use jiff::tz::TimeZone;
use payment_domain::Timestamp;
use payment_store::figures::DaySpan;

#[derive(Debug, Clone)]
pub struct Days(TimeZone);

impl Days {
    pub fn of(zone: TimeZone) -> Days {
        Days(zone)
    }

    /// The name by which a change of the zone is noticed.
    pub fn zone(&self) -> String {
        match self.0.iana_name() {
            Some(name) => name.to_owned(),
            None => format!("{:?}", self.0),
        }
    }

    /// `2026-11-30`; `None` for a moment that is in no calendar.
    pub fn day_of(&self, at: Timestamp) -> Option<String> {
        let date = self.date_of(at)?;
        // Texts of other years are in another order than their days.
        (0..=9999).contains(&date.year()).then(|| date.to_string())
    }

    fn date_of(&self, at: Timestamp) -> Option<Date> {
        let instant = jiff::Timestamp::from_millisecond(at.as_millis()).ok()?;
        Some(instant.to_zoned(self.0.clone()).date())
    }

    /// The bounds of a day; `None` for a text that is no day.
    pub fn span(&self, day: &str) -> Option<DaySpan> {
        let date: Date = day.parse().ok()?;
        let moment = |date: Date| {
            let begins = date.to_zoned(self.0.clone()).ok()?;
            Some(Timestamp::from_millis(begins.timestamp().as_millisecond()))
        };
        Some(DaySpan { day: date.to_string(), from: moment(date)?, to: moment(date.tomorrow().ok()?)? })
    }

    /// The day of a moment with its bounds.
    pub fn span_of(&self, at: Timestamp) -> Option<DaySpan> {
        self.span(&self.day_of(at)?)
    }

    /// So many days before the day of a moment.
    pub fn before(&self, at: Timestamp, days: i32) -> Option<String> {
        let date = self.date_of(at)?.checked_sub(jiff::Span::new().try_days(days).ok()?).ok()?;
        Some(date.to_string())
    }

    /// The first day of a month, `2026-11`, or of the month of a day.
    pub fn month(&self, day: &str) -> Option<(String, String)> {
        let date: Date = format!("{}-01", day.get(..7)?).parse().ok()?;
        Some((date.first_of_month().to_string(), date.last_of_month().to_string()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_day_has_the_midnights_of_its_zone() {
        let days = Days::of(TimeZone::get("Asia/Kolkata").unwrap());
        assert_eq!(days.zone(), "Asia/Kolkata");
        let at = Timestamp::from_millis(1_795_343_400_000);
        let span = days.span_of(at).unwrap();
        assert_eq!((span.day.as_str(), span.to.since(span.from).as_secs()), ("2026-11-22", 86_400));
        assert_eq!(days.day_of(span.from).as_deref(), Some("2026-11-22"));
        assert_eq!(
            days.day_of(Timestamp::from_millis(span.from.as_millis() - 1)).as_deref(),
            Some("2026-11-21")
        );
        assert_eq!(days.day_of(span.to).as_deref(), Some("2026-11-23"));
        assert_eq!(days.before(at, 22).as_deref(), Some("2026-10-31"));
        assert_eq!(days.month("2026-02-10"), Some(("2026-02-01".to_owned(), "2026-02-28".to_owned())));
        assert!(days.span("2026-02-30").is_none() && days.span("22-11-2026").is_none());
        assert_eq!(days.day_of(Timestamp::from_millis(i64::MAX)), None);
        assert_eq!(days.day_of(Timestamp::from_millis(-99_999_999_999_999)), None);
    }
}
