//! Lengths of time and moments as people write them.

use std::time::Duration;

use jiff::tz::TimeZone;
use payment_domain::{Clock, SystemClock};
use payment_service::Schedule;

/// The longest distance between two looks at a payment, in seconds: 30 days.
const LONGEST_SECS: u64 = 30 * 86_400;
/// The most distances of a list.
const MOST_DISTANCES: usize = 32;

/// Reads `30m,1h,2h`: whole numbers of `s`, `m`, `h` or `d`, each longer than the one before.
pub(super) fn distances(text: &str) -> Result<Vec<Duration>, String> {
    let distances =
        text.split(',').map(|one| distance(one.trim())).collect::<Result<Vec<Duration>, String>>()?;
    if distances.len() > MOST_DISTANCES {
        return Err(format!("has more than {MOST_DISTANCES} lengths of time"));
    }
    if distances.windows(2).any(|pair| pair[0] >= pair[1]) {
        return Err("must grow from each length of time to the next".to_owned());
    }
    Ok(distances)
}

fn distance(text: &str) -> Result<Duration, String> {
    let wrong = || format!("`{}` is not a length of time", text.chars().take(20).collect::<String>());
    let unit = text.chars().last().ok_or_else(wrong)?;
    let seconds = match unit {
        's' => 1,
        'm' => 60,
        'h' => 3_600,
        'd' => 86_400,
        _ => return Err(wrong()),
    };
    let count: u64 = text[..text.len() - 1].parse().map_err(|_| wrong())?;
    match count.checked_mul(seconds) {
        Some(0) => Err("must not be 0".to_owned()),
        Some(seconds) if seconds <= LONGEST_SECS => Ok(Duration::from_secs(seconds)),
        Some(_) | None => Err(format!("`{text}` is longer than 30 days")),
    }
}

/// The cron expression in the form that the scheduler reads: `?`, by which Quartz says "no matter
/// which day", as `*`.
///
/// Days of the week must be named. As numbers they mean different days to Quartz (1 is Sunday) and
/// to cron (1 is Monday), and nobody would notice.
pub(super) fn cron(text: &str) -> Result<String, String> {
    let fields: Vec<&str> =
        text.split_whitespace().map(|field| if field == "?" { "*" } else { field }).collect();
    let day_of_week = match fields.len() {
        5 => fields.get(4),
        6 | 7 => fields.get(5),
        _ => return Err("has neither five fields nor six with seconds".to_owned()),
    };
    if day_of_week.is_some_and(|field| names_days_by_numbers(field)) {
        return Err("has days of the week as numbers, which cron and Quartz count differently".to_owned());
    }
    let expression = fields.join(" ");
    let schedule =
        Schedule::cron(&expression, TimeZone::UTC).map_err(|error| format!("cannot be read: {error}"))?;
    let comes_true = schedule.next(SystemClock.now()).is_some();
    if comes_true { Ok(expression) } else { Err("never comes true".to_owned()) }
}

/// Whether there is a number in the field, other than the step behind a slash and the count behind
/// a `#`.
fn names_days_by_numbers(field: &str) -> bool {
    field.split(',').any(|part| {
        let days = part.split(['/', '#']).next().unwrap_or(part);
        days.bytes().any(|byte| byte.is_ascii_digit())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn distances_grow() {
        let seconds = |text| -> Result<Vec<u64>, String> {
            Ok(distances(text)?.iter().map(Duration::as_secs).collect())
        };
        assert_eq!(seconds("30m, 1h,2h,6h"), Ok(vec![1_800, 3_600, 7_200, 21_600]));
        assert_eq!(seconds("45s,1d"), Ok(vec![45, 86_400]));
        for bad in [
            "",
            "30m,",
            "30",
            "m",
            "1h,30m",
            "1h,1h",
            "0m",
            "31d",
            "-1h",
            "1,5h",
            "1w",
            "99999999999999999999h",
            "½h",
        ] {
            assert!(distances(bad).is_err(), "{bad}");
        }
        let many: Vec<String> = (1..40).map(|count| format!("{count}m")).collect();
        assert!(distances(&many.join(",")).is_err());
    }

    #[test]
    fn cron_expressions_of_quartz_and_of_cron_are_read() {
        for (text, read) in [
            ("0 0 0,12 * * ?", "0 0 0,12 * * *"),
            ("30 2 * * *", "30 2 * * *"),
            ("0 0 6 ? * MON-FRI", "0 0 6 * * MON-FRI"),
            ("0 0 6 ? * MON#2", "0 0 6 * * MON#2"),
            ("0 */5 * * * *", "0 */5 * * * *"),
            ("0 0 0/12 * * ?", "0 0 0/12 * * *"),
            ("0 30 1/2 * * ?", "0 30 1/2 * * *"),
        ] {
            assert_eq!(cron(text).as_deref(), Ok(read));
        }
        for (bad, told) in [
            ("", "fields"),
            ("noon", "fields"),
            ("0 0 25 * * ?", "cannot be read"),
            ("0 0 0 31 2 ?", "never"),
            ("0 0 6 ? * 2", "numbers"),
            ("0 6 * * 1-5", "numbers"),
        ] {
            let wrong = cron(bad).unwrap_err();
            assert!(wrong.contains(told), "{bad}: {wrong}");
        }
    }
}
