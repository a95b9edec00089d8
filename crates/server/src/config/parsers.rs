//! The parsers of this program's settings.

use std::net::IpAddr;
use std::time::Duration;

use axum::http::HeaderName;
use jiff::tz::TimeZone;
use payment_digit::embedded::indian_standard_time;
use payment_domain::{Clock, SystemClock, TenantId};
use payment_http::{ContextPath, IpNet};
use payment_service::Schedule;
use payment_settings::parser::{Parser, shorten, text};
use regex::Regex;
use tracing_subscriber::EnvFilter;

/// Names of hosts, separated by commas.
pub(super) const HOSTS: Parser<Vec<String>> = text(
    |text| list(text, is_host, "names no host", "the name of a host"),
    "host names, separated by commas",
);
/// Networks of addresses.
pub(super) const NETWORKS: Parser<Vec<IpNet>> = text(
    |text| {
        let names =
            list(text, |name| network(name).is_some(), "names no network", "a network or an address")?;
        Ok(names.iter().filter_map(|name| network(name)).collect())
    },
    "networks such as `10.0.0.0/8` or single addresses, separated by commas",
);
/// Codes of roles.
pub(super) const CODES: Parser<Vec<String>> = text(
    |text| list(text, is_code, "names no role", "the code of a role"),
    "codes of roles, separated by commas",
);
/// The host of a service of DIGIT; `http` where no scheme is named, as services of one cluster speak with each
/// other.
pub(super) const SERVICE: Parser<String> =
    text(service_host, "a host name or an http(s) URL, `http` where no scheme is named");
/// Addresses of Kafka's brokers.
pub(super) const BROKERS: Parser<String> = text(
    |text| Ok(list(text, is_broker, "names no broker", "the address of a broker")?.join(",")),
    "`HOST:PORT`, separated by commas",
);
pub(super) const TOPIC: Parser<String> = text(
    |text| match is_topic(text) {
        true => Ok(text.to_owned()),
        false => Err(format!("`{}` cannot be the name of a topic", shorten(text))),
    },
    "the name of a topic",
);
pub(super) const PATTERN: Parser<String> =
    text(|text| whole(text).map(|_| text.to_owned()), "a regular expression");
/// Lengths of time, each longer than the one before, separated by commas.
pub(super) const DISTANCES: Parser<Vec<Duration>> =
    text(distances, "growing lengths of time such as `30m,1h,2h`");
pub(super) const CRON: Parser<String> = text(
    cron,
    "a cron expression of five fields, or of six with the seconds first, the days of the week by their names",
);
pub(super) const CONTEXT: Parser<ContextPath> = text(
    |text| {
        ContextPath::new(text).map_err(|error| format!("`{}` is not a context path: {error}", shorten(text)))
    },
    "a path such as `/pg-service`",
);
pub(super) const TENANT: Parser<TenantId> =
    text(|text| TenantId::new(text).map_err(|error| error.to_string()), "a tenant such as `pb`");
pub(super) const ZONE: Parser<TimeZone> = text(time_zone, "a name like Asia/Kolkata or UTC");
/// Levels by module.
pub(super) const LOG_FILTER: Parser<String> = text(
    |text| EnvFilter::try_new(text).map(|_| text.to_owned()).map_err(|error| error.to_string()),
    "a level, or levels by module: info,payment_service=debug",
);
pub(super) const HEADER: Parser<HeaderName> = text(
    |text| text.parse().map_err(|_| "cannot be the name of a header".to_owned()),
    "letters, digits and dashes",
);

fn list(text: &str, fits: fn(&str) -> bool, none: &str, what: &str) -> Result<Vec<String>, String> {
    let items: Vec<&str> = text.split(',').map(str::trim).filter(|item| !item.is_empty()).collect();
    match items.iter().find(|item| !fits(item)) {
        Some(item) => Err(format!("`{}` is not {what}", shorten(item))),
        None if items.is_empty() => Err(none.to_owned()),
        None => Ok(items.into_iter().map(str::to_owned).collect()),
    }
}

fn network(text: &str) -> Option<IpNet> {
    text.parse().ok().or_else(|| Some(text.parse::<IpAddr>().ok()?.into()))
}

fn is_code(text: &str) -> bool {
    text.len() <= 64 && text.chars().all(|char| char.is_ascii_alphanumeric() || "_-.".contains(char))
}

fn time_zone(name: &str) -> Result<TimeZone, String> {
    match name {
        // India's needs no time zone database on the machine.
        "Asia/Kolkata" | "Asia/Calcutta" => Ok(indian_standard_time()),
        name => TimeZone::get(name)
            .map_err(|_| format!("`{}` is not a time zone this machine knows", shorten(name))),
    }
}

/// The address of a service's host with its scheme and without a slash at its end.
fn service_host(text: &str) -> Result<String, String> {
    let with_scheme = if text.contains("://") { text.to_owned() } else { format!("http://{text}") };
    let url = url::Url::parse(&with_scheme).map_err(|_| "is not a host name or URL".to_owned())?;
    if !matches!(url.scheme(), "http" | "https") || !url.has_host() {
        return Err("is not an http(s) URL".to_owned());
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err("must not hold a user or a password".to_owned());
    }
    if url.query().is_some() || url.fragment().is_some() {
        return Err("must not go on behind `?` or `#`".to_owned());
    }
    Ok(with_scheme.trim_end_matches('/').to_owned())
}

/// `kafka-1:9092`, `kafka-1`, `[::1]:9092`, `SASL_SSL://kafka-1:9093`.
fn is_broker(text: &str) -> bool {
    let address = match text.split_once("://") {
        Some(("PLAINTEXT" | "SSL" | "SASL_PLAINTEXT" | "SASL_SSL", address)) => address,
        Some(_) => return false,
        None => text,
    };
    !address.starts_with('*') && is_host(address)
}

/// Kafka's rule.
fn is_topic(text: &str) -> bool {
    const LONGEST: usize = 249;
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-');
    !text.is_empty() && text.len() <= LONGEST && text.chars().all(plain) && !matches!(text, "." | "..")
}

/// The expression so that it must match the whole of a text, as Java's consumer applies it.
pub(super) fn whole(pattern: &str) -> Result<Regex, String> {
    // The error's own text draws a picture over several lines.
    Regex::new(&format!("^({pattern})$"))
        .map_err(|_| format!("`{}` is not a regular expression", shorten(pattern)))
}

/// `example.org`, `example.org:8443`, `*.example.org`, `127.0.0.1`, `[::1]`.
fn is_host(text: &str) -> bool {
    let name = text.strip_prefix("*.").unwrap_or(text);
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | ':' | '[' | ']' | '_');
    name.chars().all(plain)
        && url::Url::parse(&format!("http://{name}/"))
            .is_ok_and(|url| url.has_host() && url.path() == "/" && url.username().is_empty())
}

/// The longest distance between two looks at a payment, in seconds: 30 days.
const LONGEST_SECS: u64 = 30 * 86_400;
/// The most distances of a list.
const MOST_DISTANCES: usize = 32;

/// Reads `30m,1h,2h`: whole numbers of `s`, `m`, `h` or `d`, each longer than the one before.
fn distances(text: &str) -> Result<Vec<Duration>, String> {
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
/// to cron (1 is Monday), and no one would notice.
fn cron(text: &str) -> Result<String, String> {
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

    type Check = fn(&str) -> Result<(), String>;
    const HOSTS_CHECK: Check = |text| HOSTS.parse(text).map(|_| ());
    const CODES_CHECK: Check = |text| CODES.parse(text).map(|_| ());
    const SERVICE_CHECK: Check = |text| SERVICE.parse(text).map(|_| ());
    const BROKERS_CHECK: Check = |text| BROKERS.parse(text).map(|_| ());
    const TOPIC_CHECK: Check = |text| TOPIC.parse(text).map(|_| ());
    const PATTERN_CHECK: Check = |text| PATTERN.parse(text).map(|_| ());

    #[test]
    fn each_kind_accepts_what_it_says() {
        for (parsed, good) in [
            (HOSTS_CHECK, "a.in, *.b.in ,c.in:8443, [::1]:80"),
            (CODES_CHECK, "FINANCE, PT_CEMP"),
            (SERVICE_CHECK, "egov-idgen.egov:8080/"),
            (SERVICE_CHECK, "https://dev.digit.org/"),
            (BROKERS_CHECK, "kafka-1:9092, kafka-2,[::1]:9092,SASL_SSL://k:9093"),
            (TOPIC_CHECK, "egov.core.notification_sms-1"),
            (PATTERN_CHECK, "(^[a-zA-Z]+-save-pg-txns|^[a-zA-Z]+-update-pg-txns)"),
        ] {
            assert_eq!(parsed(good), Ok(()), "{good}");
        }
        for (parsed, bad) in [
            (HOSTS_CHECK, "https://a.in"),
            (HOSTS_CHECK, "a.in/path"),
            (HOSTS_CHECK, "a.in,*"),
            (HOSTS_CHECK, ","),
            (HOSTS_CHECK, "user@a.in"),
            (CODES_CHECK, "A B"),
            (CODES_CHECK, ","),
            (SERVICE_CHECK, "ftp://x"),
            (SERVICE_CHECK, "http://user:hush@x"),
            (SERVICE_CHECK, "http://x/?a=b"),
            (SERVICE_CHECK, "http://"),
            (BROKERS_CHECK, "http://kafka:9092"),
            (BROKERS_CHECK, "kafka:9092/x"),
            (BROKERS_CHECK, ","),
            (TOPIC_CHECK, "save pg"),
            (TOPIC_CHECK, ".."),
            (PATTERN_CHECK, "(save"),
        ] {
            let wrong = parsed(bad).unwrap_err();
            assert!(!wrong.contains("hush"), "{bad}: {wrong}");
        }
    }

    #[test]
    fn hosts_of_services_are_completed_and_trimmed() {
        for (given, host) in [
            ("egov-idgen.egov:8080", "http://egov-idgen.egov:8080"),
            ("http://egov-user.egov:8080/", "http://egov-user.egov:8080"),
            ("https://dev.digit.org/base/", "https://dev.digit.org/base"),
        ] {
            assert_eq!(service_host(given).as_deref(), Ok(host));
        }
    }

    #[test]
    fn an_expression_matches_whole_names() {
        let regex = whole("a|b-[a-z]+").unwrap();
        assert!(regex.is_match("a") && regex.is_match("b-c") && !regex.is_match("a-dump"));
    }

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
