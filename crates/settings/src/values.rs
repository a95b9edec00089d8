//! The texts that were set, by the names of their settings.

use std::collections::BTreeMap;

use secrecy::{ExposeSecret, SecretString};

use crate::origin::{Origin, Problem};
use crate::setting::{Declared, Spec, Support};

/// The remedy for an unresolved placeholder.
pub const UNRESOLVED: &str = "set what it names in the environment or in the file, or give a default: \
    `${NAME:default}`; a plain `${` is written `\\${`";

/// A text that was set.
#[derive(Clone)]
pub struct Value {
    /// Without the spaces around it. Shown only where the setting is no secret.
    pub text: SecretString,
    pub origin: Origin,
    /// Whether a secret went into it, so that it is not shown either.
    pub hidden: bool,
    /// The reason the placeholders in it are not resolved.
    pub unresolved: Option<String>,
}

/// Every text that was set, by canonical name. Has no `Debug`: it holds secrets.
#[derive(Default)]
pub struct Values(BTreeMap<String, Value>);

impl Values {
    /// Texts of no particular origin: an account that is stored, or a test's. A blank one is not set.
    pub fn of<K: Into<String>, V: AsRef<str>>(texts: impl IntoIterator<Item = (K, V)>) -> Values {
        let value = |text: &str| Value {
            text: SecretString::from(text),
            origin: Origin::Default,
            hidden: false,
            unresolved: None,
        };
        let set = texts.into_iter().filter_map(|(key, text)| {
            let text = text.as_ref().trim();
            (!text.is_empty()).then(|| (key.into(), value(text)))
        });
        Values(set.collect())
    }

    pub fn insert(&mut self, key: String, value: Value) {
        self.0.insert(key, value);
    }

    pub fn remove(&mut self, key: &str) {
        self.0.remove(key);
    }

    pub fn get(&self, key: &str) -> Option<&Value> {
        self.0.get(key)
    }

    pub fn iter(&self) -> impl Iterator<Item = (&str, &Value)> {
        self.0.iter().map(|(key, value)| (key.as_str(), value))
    }

    /// The values below a name, with the rest of their names behind the dot.
    pub fn below<'a>(&'a self, prefix: &'a str) -> impl Iterator<Item = (&'a str, &'a Value)> {
        self.iter().filter_map(move |(name, value)| {
            Some((name.strip_prefix(prefix)?.strip_prefix('.').filter(|rest| !rest.is_empty())?, value))
        })
    }

    /// The names under which a setting was set: its own, or one per tenant.
    pub fn names_of<'a>(&'a self, setting: &'a Spec) -> impl Iterator<Item = (&'a str, &'a Value)> {
        self.iter().filter(|(name, _)| setting.covers(name))
    }

    /// Everything that no setting accepts; `find` knows the setting of a name.
    pub fn invalid(&self, find: impl Fn(&str) -> Option<&'static dyn Declared>) -> Vec<Problem> {
        let set = self.iter().filter_map(|(key, value)| Some((key, value, find(key)?)));
        set.filter(|(_, _, setting)| setting.support == Support::Supported)
            .filter_map(|(key, value, setting)| value.problem(key, setting))
            .collect()
    }
}

impl Value {
    /// The caller must keep a secret secret.
    pub fn expose(&self) -> &str {
        self.text.expose_secret()
    }

    fn problem(&self, key: &str, setting: &dyn Declared) -> Option<Problem> {
        let is_secret = setting.is_secret(key);
        let (wrong, fix) = match (&self.unresolved, setting.check(self.expose())) {
            // A secret that was given as it is may hold `${` as any other sign.
            (Some(_), _) if is_secret && !matches!(self.origin, Origin::File { .. }) => {
                ("holds a `${` that names nothing".to_owned(), UNRESOLVED.to_owned())
            }
            (Some(why), _) => (why.clone(), UNRESOLVED.to_owned()),
            (None, Ok(())) => return None,
            (None, Err(_)) if is_secret || self.hidden => {
                ("is not accepted".to_owned(), format!("give {}", setting.accepts()))
            }
            (None, Err(wrong)) => (wrong, format!("give {}", setting.accepts())),
        };
        Some(Problem { key: key.to_owned(), origin: Some(self.origin.clone()), wrong, fix })
    }
}
