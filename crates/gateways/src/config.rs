//! Reading an adapter's configuration from properties, with all that is wrong told at once.

use std::borrow::Cow;
use std::fmt;

use secrecy::SecretString;
use url::Url;

/// Looks a property up by its full name, e.g. `axis.merchant.id`.
pub type Lookup<'a> = dyn Fn(&str) -> Option<String> + 'a;

/// One property that cannot be used. Never holds the value of a secret.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConfigProblem {
    /// The full name of the property, e.g. `axis.merchant.secret.key`.
    pub property: String,
    /// What is wrong with it, in words that stand behind the name: `must be set`.
    pub problem: String,
}

impl fmt::Display for ConfigProblem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.property, self.problem)
    }
}

/// The properties below one prefix. Reading goes on after a problem, so that
/// [`Settings::finish`] can report all of them.
pub struct Settings<'a> {
    prefix: Cow<'static, str>,
    lookup: &'a Lookup<'a>,
    problems: Vec<ConfigProblem>,
}

impl<'a> Settings<'a> {
    /// The properties named `<prefix>.<name>`.
    pub fn new(prefix: impl Into<Cow<'static, str>>, lookup: &'a Lookup<'a>) -> Settings<'a> {
        Settings { prefix: prefix.into(), lookup, problems: Vec::new() }
    }

    /// The value, without the spaces around it; `None` when it is not set or blank, as the
    /// original's packaged file leaves what must be filled in.
    pub fn optional(&self, name: &str) -> Option<String> {
        let value = (self.lookup)(&self.full_name(name))?;
        let value = value.trim();
        (!value.is_empty()).then(|| value.to_owned())
    }

    /// The value, or a problem when it is not set.
    pub fn required(&mut self, name: &str) -> String {
        self.optional(name).unwrap_or_else(|| {
            self.problem(name, "must be set");
            String::new()
        })
    }

    /// The value, or the default.
    pub fn or(&self, name: &str, default: &str) -> String {
        self.optional(name).unwrap_or_else(|| default.to_owned())
    }

    /// A secret, or a problem when it is not set.
    pub fn secret(&mut self, name: &str) -> SecretString {
        SecretString::from(self.required(name))
    }

    /// An absolute URL without a slash at its end; `https` when the value or default names no
    /// scheme. A problem when it is not a usable URL.
    pub fn url(&mut self, name: &str, default: &str) -> String {
        let text = self.or(name, default);
        absolute_url(&text).unwrap_or_else(|problem| {
            self.problem(name, problem);
            String::new()
        })
    }

    /// Notes what is wrong with a property.
    pub fn problem(&mut self, name: &str, problem: impl Into<String>) {
        let property = self.full_name(name);
        self.problems.push(ConfigProblem { property, problem: problem.into() });
    }

    /// The configuration that was read.
    ///
    /// # Errors
    /// Every problem that was noted on the way.
    pub fn finish<T>(self, config: T) -> Result<T, Vec<ConfigProblem>> {
        if self.problems.is_empty() { Ok(config) } else { Err(self.problems) }
    }

    fn full_name(&self, name: &str) -> String {
        format!("{}.{name}", self.prefix)
    }
}

/// Through whom payers' browsers are led to a gateway and back: the property `redirect.through`, which
/// counts for all gateways.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RedirectThrough {
    /// The application: the browser follows one URL to the gateway, and comes back to the callback URL.
    Application,
    /// This service: a page of it may post a form to the gateway, and the browser comes back to it.
    Service,
}

impl RedirectThrough {
    /// The name of the property.
    pub const PROPERTY: &str = "redirect.through";

    /// Its value, `service` unless it is set.
    pub fn read(lookup: &Lookup<'_>) -> RedirectThrough {
        match lookup(RedirectThrough::PROPERTY).as_deref() {
            Some("application") => RedirectThrough::Application,
            Some(_) | None => RedirectThrough::Service,
        }
    }

    /// The word in the property.
    pub fn as_str(self) -> &'static str {
        match self {
            RedirectThrough::Application => "application",
            RedirectThrough::Service => "service",
        }
    }
}

/// Completes a host or URL to an absolute one: `test.payu.in` → `https://test.payu.in`.
///
/// # Errors
/// What is wrong with it, in words that stand behind a property's name.
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

/// A base URL and a path with exactly one slash between them.
pub fn join(base: &str, path: &str) -> String {
    format!("{}/{}", base.trim_end_matches('/'), path.trim_start_matches('/'))
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
    fn every_problem_is_told_at_once_by_its_property() {
        let lookup = |name: &str| (name == "x.url").then(|| "ftp://".to_owned());
        let mut settings = Settings::new("x", &lookup);
        settings.required("merchant.id");
        settings.url("url", "");
        let problems = settings.finish(()).unwrap_err();
        let lines: Vec<String> = problems.iter().map(ToString::to_string).collect();
        assert_eq!(lines, ["x.merchant.id must be set", "x.url must be a host name or an http(s) URL"]);
    }

    #[test]
    fn a_base_and_a_path_meet_in_one_slash() {
        for (base, path) in
            [("https://x", "p"), ("https://x/", "p"), ("https://x", "/p"), ("https://x/", "/p")]
        {
            assert_eq!(join(base, path), "https://x/p");
        }
    }
}
