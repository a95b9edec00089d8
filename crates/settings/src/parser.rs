//! Parsing a text into a value, with problems in words that follow the setting's name.

use std::net::IpAddr;
use std::path::PathBuf;
use std::time::Duration;

use secrecy::SecretString;
use url::Url;

/// Reads the texts of a setting.
pub struct Parser<T: 'static> {
    read: Read<T>,
    accepts: &'static str,
    conceal: Option<fn(&str) -> String>,
    is_address: bool,
}

enum Read<T: 'static> {
    Text(fn(&str) -> Result<T, String>),
    Number { min: u64, max: u64, make: fn(u64) -> T },
    OneOf(&'static [(&'static str, T)]),
}

/// A parser of texts that `accepts` describes: "give …".
pub const fn text<T>(read: fn(&str) -> Result<T, String>, accepts: &'static str) -> Parser<T> {
    Parser { read: Read::Text(read), accepts, conceal: None, is_address: false }
}

/// One of these words.
pub const fn one_of<T>(words: &'static [(&'static str, T)]) -> Parser<T> {
    Parser { read: Read::OneOf(words), accepts: "", conceal: None, is_address: false }
}

const fn whole<T>(min: u64, max: u64, make: fn(u64) -> T) -> Parser<T> {
    Parser { read: Read::Number { min, max, make }, accepts: "", conceal: None, is_address: false }
}

/// A whole number.
pub const fn number(min: u64, max: u64) -> Parser<u64> {
    whole(min, max, |number| number)
}

/// A whole number of things.
pub const fn count(min: u64, max: u64) -> Parser<usize> {
    whole(min, max, |number| usize::try_from(number).unwrap_or(usize::MAX))
}

/// A whole number below 2³².
pub const fn small(min: u32, max: u32) -> Parser<u32> {
    whole(min as u64, max as u64, |number| u32::try_from(number).unwrap_or(u32::MAX))
}

/// A TCP port; 0 for a free one.
pub const PORT: Parser<u16> = whole(0, u16::MAX as u64, |number| u16::try_from(number).unwrap_or(u16::MAX));

pub const fn millis(min: u64, max: u64) -> Parser<Duration> {
    whole(min, max, Duration::from_millis)
}

pub const fn secs(min: u64, max: u64) -> Parser<Duration> {
    whole(min, max, Duration::from_secs)
}

pub const fn mins(min: u64, max: u64) -> Parser<Duration> {
    whole(min, max, |number| Duration::from_secs(number.saturating_mul(60)))
}

pub const fn hours(min: u64, max: u64) -> Parser<Duration> {
    whole(min, max, |number| Duration::from_secs(number.saturating_mul(3_600)))
}

pub const fn days(min: u64, max: u64) -> Parser<Duration> {
    whole(min, max, |number| Duration::from_secs(number.saturating_mul(86_400)))
}

/// Any text.
pub const TEXT: Parser<String> = text(|text| Ok(text.to_owned()), "");
/// Any text that is not shown.
pub const SECRET: Parser<SecretString> = text(|text| Ok(SecretString::from(text)), "");
/// A flag as Spring reads it, without regard to letter case.
pub const FLAG: Parser<bool> = text(flag, "`true` or `false`");
/// A path of the file system.
pub const PATH: Parser<PathBuf> = text(|text| Ok(PathBuf::from(text)), "a path");
/// An IP address.
pub const IP: Parser<IpAddr> = text(
    |text| text.parse().map_err(|_| format!("`{}` is not an IP address", shorten(text))),
    "an IP address",
);
/// A host name or an absolute `http` or `https` URL; `https` where no scheme is named.
pub const URL: Parser<String> = Parser {
    is_address: true,
    ..text(|text| absolute_url(text).map_err(str::to_owned), "a host name or an http(s) URL")
};

impl<T> Parser<T> {
    /// Values are shown as this function writes them: an address without its password.
    pub const fn concealed_by(self, conceal: fn(&str) -> String) -> Parser<T> {
        Parser { conceal: Some(conceal), ..self }
    }

    pub(crate) fn accepts(&self) -> String {
        match &self.read {
            Read::Text(_) => self.accepts.to_owned(),
            Read::Number { min, max, .. } => format!("a whole number from {min} to {max}"),
            Read::OneOf(words) => {
                words.iter().map(|(word, _)| format!("`{word}`")).collect::<Vec<_>>().join(" or ")
            }
        }
    }

    pub(crate) fn shown(&self, text: &str) -> String {
        self.conceal.map_or_else(|| text.to_owned(), |conceal| conceal(text))
    }

    pub(crate) fn is_address(&self) -> bool {
        self.is_address
    }
}

impl<T: Clone> Parser<T> {
    /// The value of a text, or its problem.
    ///
    /// # Errors
    /// When it is not accepted.
    pub fn parse(&self, text: &str) -> Result<T, String> {
        match &self.read {
            Read::Text(read) => read(text),
            Read::Number { min, max, make } => match text.parse::<u64>() {
                Ok(number) if number < *min => Err(format!("{number} is too small")),
                Ok(number) if number > *max => Err(format!("{number} is too large")),
                Ok(number) => Ok(make(number)),
                Err(_) => Err(format!("`{}` is not a whole number", shorten(text))),
            },
            Read::OneOf(words) => {
                let found = words.iter().find(|(word, _)| *word == text);
                found
                    .map(|(_, value)| value.clone())
                    .ok_or_else(|| format!("`{}` is not one of the choices", shorten(text)))
            }
        }
    }
}

impl<T> Clone for Parser<T> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<T> Copy for Parser<T> {}

impl<T> Clone for Read<T> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<T> Copy for Read<T> {}

fn flag(text: &str) -> Result<bool, String> {
    match text.to_ascii_lowercase().as_str() {
        "true" | "yes" | "on" | "1" => Ok(true),
        "false" | "no" | "off" | "0" => Ok(false),
        _ => Err(format!("`{}` is neither true nor false", shorten(text))),
    }
}

/// Completes a host or URL to an absolute one without a slash at its end: `test.payu.in` →
/// `https://test.payu.in`.
///
/// # Errors
/// The problem, in words that follow a setting's name.
pub fn absolute_url(text: &str) -> Result<String, &'static str> {
    let text = if text.contains("://") { text.to_owned() } else { format!("https://{text}") };
    let url = Url::parse(&text).map_err(|_| "must be a host name or an http(s) URL")?;
    if !matches!(url.scheme(), "http" | "https") || !url.has_host() {
        return Err("must be a host name or an http(s) URL");
    }
    if !url.username().is_empty() || url.password().is_some() || url.fragment().is_some() {
        return Err("must not hold a user name, a password or a fragment");
    }
    Ok(text.trim_end_matches('/').to_owned())
}

/// The beginning of a text, for messages.
pub fn shorten(text: &str) -> String {
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
    fn a_host_without_a_scheme_is_called_over_https() {
        assert_eq!(absolute_url("test.payu.in").unwrap(), "https://test.payu.in");
        assert_eq!(absolute_url("localhost:8090/").unwrap(), "https://localhost:8090");
        assert_eq!(absolute_url("http://127.0.0.1:8090/x").unwrap(), "http://127.0.0.1:8090/x");
        for bad in ["", "ftp://x", "http://", "https://user:pass@x", "not a host", "https://x#y"] {
            assert!(absolute_url(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn each_parser_accepts_what_it_says() {
        assert_eq!((FLAG.parse("TRUE"), FLAG.parse("off")), (Ok(true), Ok(false)));
        assert_eq!(number(1, 9).parse("9"), Ok(9));
        assert_eq!(mins(1, 9).parse("2"), Ok(Duration::from_secs(120)));
        assert_eq!(one_of(&[("a", 1), ("b", 2)]).parse("b"), Ok(2));
        assert!(IP.parse("::1").is_ok());
        for bad in ["0", "10", "-1", "1.5", ""] {
            assert!(number(1, 9).parse(bad).is_err(), "{bad}");
        }
        assert!(FLAG.parse("maybe").is_err() && IP.parse("localhost").is_err());
        assert!(one_of(&[("a", 1)]).parse("c").is_err());
    }
}
