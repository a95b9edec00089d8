//! Cookies: of the session, of an attempt to log in, and of the language.

use std::net::IpAddr;
use std::time::Duration;

use http::{HeaderMap, HeaderValue, header};
use payment_oidc::{ATTEMPT_LIFE, Attempt};
use payment_store::LONGEST_SESSION;

pub(crate) const LANGUAGE: &str = "pg_language";

/// Over plain HTTP on this machine browsers drop the prefix and what is marked as secure.
const LOCAL_SESSION: &str = "pg_session";
const SESSION: &str = "__Host-pg_session";
const LOCAL_ATTEMPT: &str = "pg_login";
const ATTEMPT: &str = "__Host-pg_login";

/// Whether a request came over plain HTTP from this machine.
pub(crate) fn is_local(headers: &HeaderMap, address: Option<IpAddr>) -> bool {
    let forwarded = ["forwarded", "x-forwarded-for", "x-forwarded-proto"];
    let is_direct = forwarded.iter().all(|name| !headers.contains_key(*name));
    let host = headers.get(header::HOST).and_then(|host| host.to_str().ok()).unwrap_or_default();
    let name = match host.rsplit_once(':') {
        Some((name, port)) if port.bytes().all(|byte| byte.is_ascii_digit()) => name,
        _ => host,
    };
    let is_loopback =
        matches!(name, "localhost" | "[::1]") || name.parse().is_ok_and(|ip: IpAddr| ip.is_loopback());
    is_direct && is_loopback && address.is_none_or(|address| address.is_loopback())
}

/// The secret of the session; none where two cookies claim to be it.
pub(crate) fn session(headers: &HeaderMap, is_local: bool) -> Option<&str> {
    cookie(headers, if is_local { LOCAL_SESSION } else { SESSION })
}

/// The attempt to log in at a provider, as text.
pub(crate) fn attempt(headers: &HeaderMap, is_local: bool) -> Option<&str> {
    cookie(headers, if is_local { LOCAL_ATTEMPT } else { ATTEMPT })
}

pub(crate) fn cookie<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    let all = headers.get_all(header::COOKIE).iter().filter_map(|value| value.to_str().ok());
    let pairs = all.flat_map(|value| value.split(';')).filter_map(|pair| pair.trim().split_once('='));
    let mut found = pairs.filter(|(known, _)| *known == name).map(|(_, value)| value);
    let first = found.next()?;
    found.all(|other| other == first).then_some(first)
}

pub(crate) fn set_session(secret: &str, is_local: bool) -> Option<HeaderValue> {
    set([LOCAL_SESSION, SESSION], secret, LONGEST_SESSION, is_local)
}

pub(crate) fn drop_session(is_local: bool) -> Option<HeaderValue> {
    set([LOCAL_SESSION, SESSION], "", Duration::ZERO, is_local)
}

/// Sent along when the browser comes back from the provider, which is another site.
pub(crate) fn set_attempt(attempt: &Attempt, is_local: bool) -> Option<HeaderValue> {
    set([LOCAL_ATTEMPT, ATTEMPT], &attempt.to_text(), ATTEMPT_LIFE, is_local)
}

pub(crate) fn drop_attempt(is_local: bool) -> Option<HeaderValue> {
    set([LOCAL_ATTEMPT, ATTEMPT], "", Duration::ZERO, is_local)
}

fn set([local, name]: [&str; 2], value: &str, life: Duration, is_local: bool) -> Option<HeaderValue> {
    let seconds = life.as_secs();
    HeaderValue::try_from(match is_local {
        true => format!("{local}={value}; Path=/; HttpOnly; SameSite=Lax; Max-Age={seconds}"),
        false => format!("{name}={value}; Path=/; HttpOnly; Secure; SameSite=Lax; Max-Age={seconds}"),
    })
    .ok()
}

pub(crate) fn set_language(code: &'static str, is_local: bool) -> Option<HeaderValue> {
    let secure = if is_local { "" } else { " Secure;" };
    HeaderValue::try_from(format!(
        "{LANGUAGE}={code}; Path=/; HttpOnly;{secure} SameSite=Lax; Max-Age=31536000"
    ))
    .ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(pairs: &[(&'static str, &'static str)]) -> HeaderMap {
        let pair = |(name, value): &(&'static str, &'static str)| {
            (http::HeaderName::from_static(name), HeaderValue::from_static(value))
        };
        pairs.iter().map(pair).collect()
    }

    #[test]
    fn a_cookie_is_read_by_its_name_alone_and_never_out_of_two() {
        for (sent, read) in [
            ("pg_session=abc", Some("abc")),
            ("a=1; pg_session=abc; b=2", Some("abc")),
            ("pg_session=abc; pg_session=def", None),
            ("pg_session=abc; pg_session=abc", Some("abc")),
            ("xpg_session=abc; __Host-pg_session=def", None),
            ("", None),
        ] {
            assert_eq!(session(&headers(&[("cookie", sent)]), true), read, "{sent}");
        }
        let both = headers(&[("cookie", "pg_session=abc; __Host-pg_session=def")]);
        assert_eq!(session(&both, false), Some("def"));
    }

    #[test]
    fn only_a_direct_request_to_this_machine_is_local() {
        let loopback = Some("127.0.0.1".parse().unwrap());
        for (host, local) in [
            ("127.0.0.1:9000", true),
            ("localhost:9000", true),
            ("[::1]:9000", true),
            ("localhost", true),
            ("pay.example.org", false),
            ("127.0.0.1.example.org", false),
            ("localhost.example.org:9000", false),
        ] {
            assert_eq!(is_local(&headers(&[("host", host)]), loopback), local, "{host}");
        }
        let host = ("host", "127.0.0.1:9000");
        assert!(!is_local(&headers(&[host, ("x-forwarded-proto", "https")]), loopback));
        assert!(!is_local(&headers(&[host]), Some("10.0.0.1".parse().unwrap())));
        assert!(set_session("s", false).unwrap().to_str().unwrap().contains("Secure; SameSite=Lax"));
    }
}
