//! Whether a text is what a setting accepts.

use std::net::IpAddr;

use payment_gateways::config::absolute_url;
use regex::Regex;

use super::setting::Kind;
use super::{database_url, moments};

/// Says what is wrong with a text, in words that stand behind the setting's name.
pub(super) fn check(kind: Kind, text: &str) -> Result<(), String> {
    let shown = shorten(text);
    match kind {
        Kind::Text | Kind::Path => Ok(()),
        Kind::Flag => flag(text).map(|_| ()).ok_or_else(|| format!("`{shown}` is neither true nor false")),
        Kind::Number { min, max } => match text.parse::<u64>() {
            Ok(number) if number < min => Err(format!("{number} is too small")),
            Ok(number) if number > max => Err(format!("{number} is too large")),
            Ok(_) => Ok(()),
            Err(_) => Err(format!("`{shown}` is not a whole number")),
        },
        Kind::Choice(words) if words.contains(&text) => Ok(()),
        Kind::Choice(_) => Err(format!("`{shown}` is not one of the choices")),
        Kind::Address => {
            text.parse::<IpAddr>().map(|_| ()).map_err(|_| format!("`{shown}` is not an IP address"))
        }
        Kind::Url => absolute_url(text).map(|_| ()).map_err(str::to_owned),
        Kind::Hosts => match hosts(text).find(|host| !is_host(host)) {
            Some(host) => Err(format!("`{}` is not the name of a host", shorten(host))),
            None if hosts(text).next().is_none() => Err("names no host".to_owned()),
            None => Ok(()),
        },
        Kind::Service => service_host(text).map(|_| ()),
        Kind::DatabaseUrl => database_url::check(text),
        Kind::Brokers => match brokers(text).find(|broker| !is_broker(broker)) {
            Some(broker) => Err(format!("`{}` is not the address of a broker", shorten(broker))),
            None if brokers(text).next().is_none() => Err("names no broker".to_owned()),
            None => Ok(()),
        },
        Kind::Topic if is_topic(text) => Ok(()),
        Kind::Topic => Err(format!("`{shown}` cannot be the name of a topic")),
        Kind::Pattern => whole(text).map(|_| ()),
        Kind::Distances => moments::distances(text).map(|_| ()),
        Kind::Cron => moments::cron(text).map(|_| ()),
    }
}

/// The address of a service's host with its scheme and without a slash at its end.
pub(super) fn service_host(text: &str) -> Result<String, String> {
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

/// The brokers of a list.
pub(super) fn brokers(text: &str) -> impl Iterator<Item = &str> {
    text.split(',').map(str::trim).filter(|broker| !broker.is_empty())
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

/// What Kafka accepts as the name of a topic.
pub(super) fn is_topic(text: &str) -> bool {
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

/// Reads a flag as Spring does, without regard to letter case.
pub(super) fn flag(text: &str) -> Option<bool> {
    match text.to_ascii_lowercase().as_str() {
        "true" | "yes" | "on" | "1" => Some(true),
        "false" | "no" | "off" | "0" => Some(false),
        _ => None,
    }
}

/// The hosts of a list.
pub(super) fn hosts(text: &str) -> impl Iterator<Item = &str> {
    text.split(',').map(str::trim).filter(|host| !host.is_empty())
}

/// `example.org`, `example.org:8443`, `*.example.org`, `127.0.0.1`, `[::1]`.
fn is_host(text: &str) -> bool {
    let name = text.strip_prefix("*.").unwrap_or(text);
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | ':' | '[' | ']' | '_');
    name.chars().all(plain)
        && url::Url::parse(&format!("http://{name}/"))
            .is_ok_and(|url| url.has_host() && url.path() == "/" && url.username().is_empty())
}

fn shorten(text: &str) -> String {
    const SHOWN: usize = 60;
    if text.chars().count() <= SHOWN {
        text.to_owned()
    } else {
        text.chars().take(SHOWN).chain(['…']).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_kind_accepts_what_it_says() {
        let number = Kind::Number { min: 1, max: 9 };
        let choice = Kind::Choice(&["a", "b"]);
        for (kind, good) in [
            (Kind::Flag, "TRUE"),
            (number, "9"),
            (choice, "b"),
            (Kind::Address, "::1"),
            (Kind::Url, "test.payu.in"),
            (Kind::Hosts, "a.in, *.b.in ,c.in:8443, [::1]:80"),
            (Kind::Service, "egov-idgen.egov:8080/"),
            (Kind::Service, "https://dev.digit.org/"),
            (Kind::Brokers, "kafka-1:9092, kafka-2,[::1]:9092,SASL_SSL://k:9093"),
            (Kind::Topic, "egov.core.notification_sms-1"),
            (Kind::Pattern, "(^[a-zA-Z]+-save-pg-txns|^[a-zA-Z]+-update-pg-txns)"),
        ] {
            assert_eq!(check(kind, good), Ok(()), "{good}");
        }
        for (kind, bad) in [
            (Kind::Flag, "maybe"),
            (number, "0"),
            (number, "10"),
            (number, "-1"),
            (number, "1.5"),
            (choice, "c"),
            (Kind::Address, "localhost"),
            (Kind::Url, "ftp://x"),
            (Kind::Hosts, "https://a.in"),
            (Kind::Hosts, "a.in/path"),
            (Kind::Hosts, "a.in,*"),
            (Kind::Hosts, ","),
            (Kind::Hosts, "user@a.in"),
            (Kind::Service, "ftp://x"),
            (Kind::Service, "http://user:hush@x"),
            (Kind::Service, "http://x/?a=b"),
            (Kind::Service, "http://"),
            (Kind::Brokers, "http://kafka:9092"),
            (Kind::Brokers, "kafka:9092/x"),
            (Kind::Brokers, ","),
            (Kind::Topic, "save pg"),
            (Kind::Topic, ".."),
            (Kind::Pattern, "(save"),
        ] {
            let wrong = check(kind, bad).unwrap_err();
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
}
