//! Whether a text is what a setting accepts.

use std::net::IpAddr;

use payment_gateways::config::absolute_url;

use super::setting::Kind;

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
            None => Ok(()),
        },
    }
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
            (Kind::Hosts, "user@a.in"),
        ] {
            assert!(check(kind, bad).is_err(), "{bad}");
        }
    }
}
