//! The values of all sources laid over each other, each with its origin.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use secrecy::{ExposeSecret, SecretString};

use super::origin::{Notice, NoticeKind, Origin, Problem};
use super::setting::{Fallback, Kind, Setting, Shape, Standing};
use super::sources::{Entry, Yield, read_secret_file};
use super::{database_url, kinds, suggest, table};

/// A value that somebody set.
#[derive(Clone)]
pub(super) struct Value {
    /// The text, without the spaces around it. Shown only where the setting is no secret.
    text: SecretString,
    pub(super) origin: Origin,
}

/// Every setting that somebody set, by its canonical name.
#[derive(Default)]
pub(super) struct Values(BTreeMap<String, Value>);

/// What came of laying the sources over each other.
pub(super) struct Merged {
    pub(super) values: Values,
    pub(super) problems: Vec<Problem>,
    pub(super) notices: Vec<Notice>,
}

/// A name as a source gave it, understood.
struct Named {
    setting: &'static Setting,
    /// The canonical name of the value.
    key: String,
    /// Whether the value is the path of a file that holds the secret.
    by_file: bool,
}

fn understand(name: &str) -> Option<Named> {
    if let Some(secret) = name.strip_suffix(".file")
        && let Some(setting) = table::find(secret).filter(|setting| setting.is_secret(secret))
    {
        return Some(Named { setting, key: canonical(setting, secret), by_file: true });
    }
    let setting = table::find(name)?;
    Some(Named { setting, key: canonical(setting, name), by_file: false })
}

fn canonical(setting: &Setting, name: &str) -> String {
    let of_all = match setting.shape {
        Shape::Single => true,
        Shape::PerTenant => name.strip_prefix(setting.key) == Some(".*"),
        Shape::Named | Shape::Below => false,
    };
    if of_all { setting.key.to_owned() } else { name.to_owned() }
}

/// Lays sources over each other; later ones count more. A blank value takes back what an earlier
/// source set: the original's packaged file leaves blank what is to be filled in.
pub(super) fn merge(sources: Vec<Yield>) -> Merged {
    let mut merged = Merged { values: Values::default(), problems: Vec::new(), notices: Vec::new() };
    for source in sources {
        merged.problems.extend(source.problems);
        merged.notices.extend(source.notices);
        let mut by_file = BTreeMap::new();
        let mut directly = BTreeSet::new();
        for entry in source.entries {
            let Some(named) = understand(&entry.name) else {
                merged.notices.push(unknown(&entry));
                continue;
            };
            if named.by_file {
                by_file.insert(named.key, entry);
            } else {
                if !entry.value.expose_secret().trim().is_empty() {
                    directly.insert(named.key.clone());
                }
                merged.take(named, entry);
            }
        }
        for (key, entry) in by_file {
            merged.take_file(key, &entry, &directly);
        }
    }
    merged.judge();
    merged
}

fn unknown(entry: &Entry) -> Notice {
    if entry.name.starts_with("//") {
        return Notice {
            kind: NoticeKind::Idle,
            key: entry.name.clone(),
            origin: entry.origin.clone(),
            text: "is read over: it looks like a comment, and in this file those begin with `#`".to_owned(),
        };
    }
    let known = table::all()
        .flat_map(|setting| [Some(setting.beside(&entry.name)), setting.alias.map(str::to_owned)])
        .flatten();
    Notice {
        kind: NoticeKind::Unknown,
        key: entry.name.clone(),
        origin: entry.origin.clone(),
        text: suggest::unknown(suggest::closest(&entry.name, known)),
    }
}

impl Merged {
    fn take(&mut self, named: Named, entry: Entry) {
        let text = entry.value.expose_secret().trim();
        if text.is_empty() {
            self.values.0.remove(&named.key);
            return;
        }
        let secret = named.setting.is_secret(&named.key);
        let with_password = named.setting.kind == Kind::DatabaseUrl && database_url::holds_password(text);
        if (secret || with_password) && matches!(entry.origin, Origin::Flag(_)) {
            // An address is no secret but for its password, which has a setting of its own.
            let key = if secret { &named.key } else { "spring.datasource.password" };
            self.problems.push(Problem {
                wrong: "a secret on the command line can be read by every user of this machine".to_owned(),
                fix: format!("put it into a file that only you can read and name that: {key}.file=PATH"),
                key: named.key,
                origin: Some(entry.origin),
            });
            return;
        }
        self.values.0.insert(named.key, Value { text: SecretString::from(text), origin: entry.origin });
    }

    /// Takes a secret out of the file that `entry` names.
    fn take_file(&mut self, key: String, entry: &Entry, directly: &BTreeSet<String>) {
        let path = Path::new(entry.value.expose_secret().trim());
        if path.as_os_str().is_empty() {
            return;
        }
        let origin = Origin::SecretFile { path: path.to_owned(), named_in: Box::new(entry.origin.clone()) };
        let mut problem = |wrong: String, fix: String| {
            self.problems.push(Problem { key: key.clone(), origin: Some(origin.clone()), wrong, fix });
        };
        if directly.contains(&key) {
            problem(
                "is set both as it is and by a file".to_owned(),
                format!("set {key} or {key}.file, not both"),
            );
            return;
        }
        match read_secret_file(path) {
            Ok(text) => {
                self.values.0.insert(key, Value { text, origin });
            }
            Err(wrong) => problem(wrong, "name a file that holds the secret and nothing else".to_owned()),
        }
    }

    /// Says what is wrong with the values that count in the end, and what has no effect.
    fn judge(&mut self) {
        for (key, value) in &self.values.0 {
            let Some(setting) = table::find(key) else { continue };
            match setting.standing {
                Standing::Used => {
                    if let Err(wrong) = kinds::check(setting.kind, value.text.expose_secret()) {
                        self.problems.push(Problem {
                            key: key.clone(),
                            origin: Some(value.origin.clone()),
                            wrong: if setting.is_secret(key) { "is not accepted".to_owned() } else { wrong },
                            fix: format!("give {}", setting.kind.accepts()),
                        });
                    }
                }
                Standing::Idle(why) => self.notices.push(Notice {
                    kind: NoticeKind::Idle,
                    key: key.clone(),
                    origin: value.origin.clone(),
                    text: format!("has no effect: {why}"),
                }),
            }
        }
    }
}

impl Values {
    /// What somebody set.
    pub(super) fn set(&self, key: &str) -> Option<&Value> {
        self.0.get(key)
    }

    /// The effective text of a setting: what was set, or what it stands at by itself.
    pub(super) fn text(&self, key: &str) -> Option<&str> {
        if let Some(value) = self.0.get(key) {
            return Some(value.text.expose_secret());
        }
        match table::find(key).map(|setting| setting.fallback) {
            Some(Fallback::Value(value)) => Some(value),
            Some(Fallback::Unset | Fallback::WorkedOut(_)) | None => None,
        }
    }

    /// What was set for tenants: the tenant (`*` for all others) and the text.
    pub(super) fn per_tenant<'a>(&'a self, key: &'a str) -> impl Iterator<Item = (&'a str, &'a Value)> {
        self.0.iter().filter_map(move |(name, value)| {
            let rest = name.strip_prefix(key)?;
            if rest.is_empty() { Some(("*", value)) } else { Some((rest.strip_prefix('.')?, value)) }
        })
    }

    /// What was set below a name: the rest of the name behind the dot, and the value.
    pub(super) fn names_below<'a>(&'a self, prefix: &'a str) -> impl Iterator<Item = (&'a str, &'a Value)> {
        self.0.iter().filter_map(move |(name, value)| {
            Some((name.strip_prefix(prefix)?.strip_prefix('.').filter(|rest| !rest.is_empty())?, value))
        })
    }

    /// The names of everything that was set.
    pub(super) fn names(&self) -> impl Iterator<Item = &str> {
        self.0.keys().map(String::as_str)
    }

    /// Everything that was set below a name.
    pub(super) fn below<'a>(&'a self, prefix: &'a str) -> impl Iterator<Item = &'a Value> {
        let is_below = move |name: &str| name.strip_prefix(prefix).is_some_and(|rest| rest.starts_with('.'));
        self.0.iter().filter(move |(name, _)| is_below(name)).map(|(_, value)| value)
    }

    /// The names under which a setting was set: itself, or one a tenant.
    pub(super) fn names_of<'a>(&'a self, setting: &'a Setting) -> impl Iterator<Item = (&'a str, &'a Value)> {
        self.0.iter().filter(|(name, _)| setting.covers(name)).map(|(name, value)| (name.as_str(), value))
    }
}

impl Value {
    /// The text; the caller sees to it that a secret goes nowhere.
    pub(super) fn expose(&self) -> &str {
        self.text.expose_secret()
    }
}
