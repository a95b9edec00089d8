//! The values of all sources laid over each other, each with its origin.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

use secrecy::{ExposeSecret, SecretString};

use super::origin::{Notice, NoticeKind, Origin, Problem};
use super::placeholders::{Properties, Unresolved};
use super::setting::{Fallback, Kind, Setting, Shape, Standing};
use super::sources::{Entry, Yield, read_secret_file};
use super::{database_url, kinds, suggest, table};

/// A value that somebody set.
#[derive(Clone)]
pub(super) struct Value {
    /// The text, without the spaces around it. Shown only where the setting is no secret.
    text: SecretString,
    pub(super) origin: Origin,
    /// Whether a secret went into it, so that it is not shown either.
    hidden: bool,
    /// Why the placeholders in it are still there.
    unresolved: Option<Unresolved>,
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

/// Lays sources over each other.
struct Merging {
    merged: Merged,
    properties: Properties,
    /// What placeholders have named: whoever sets it means it for them.
    used: BTreeSet<String>,
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

/// The name under which the value is kept that somebody has set under a name of this setting's.
pub(super) fn canonical(setting: &Setting, name: &str) -> String {
    let of_all = match setting.shape {
        Shape::Single => true,
        Shape::PerTenant => name.strip_prefix(setting.key) == Some(".*"),
        Shape::Named | Shape::Below => false,
    };
    if of_all { setting.key.to_owned() } else { name.to_owned() }
}

/// Lays sources over each other; later ones count more. A blank value takes back what an earlier
/// source set: the original's packaged file leaves blank what is to be filled in. `properties` is what
/// placeholders can name.
pub(super) fn merge(sources: Vec<Yield>, properties: Properties) -> Merged {
    let merged = Merged { values: Values::default(), problems: Vec::new(), notices: Vec::new() };
    let mut merging = Merging { merged, properties, used: BTreeSet::new() };
    for source in sources {
        merging.merged.problems.extend(source.problems);
        merging.merged.notices.extend(source.notices);
        let mut by_file = BTreeMap::new();
        let mut directly = BTreeSet::new();
        for entry in source.entries {
            let Some(named) = understand(&entry.name) else {
                merging.merged.notices.push(unknown(&entry));
                continue;
            };
            if named.by_file {
                by_file.insert(named.key, entry);
            } else {
                let key = named.key.clone();
                if merging.take(named, entry) {
                    directly.insert(key);
                }
            }
        }
        for (key, entry) in by_file {
            merging.take_file(key, &entry, &directly);
        }
    }
    let Merging { mut merged, used, .. } = merging;
    merged.notices.retain(|notice| notice.kind != NoticeKind::Unknown || !used.contains(&notice.key));
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

impl Merging {
    /// The value of an entry, and why its placeholders are still in it.
    fn resolve(&mut self, entry: &Entry) -> (String, bool, Option<Unresolved>) {
        let text = entry.value.expose_secret().trim();
        match self.properties.resolve(text) {
            Ok(resolved) => {
                let hidden = resolved.holds_secret();
                self.used.extend(resolved.used);
                (resolved.text.trim().to_owned(), hidden, None)
            }
            Err(why) => (text.to_owned(), false, Some(why)),
        }
    }

    /// Whether there was a value to take.
    fn take(&mut self, named: Named, entry: Entry) -> bool {
        let (text, hidden, unresolved) = self.resolve(&entry);
        if text.is_empty() {
            self.merged.values.0.remove(&named.key);
            return false;
        }
        let secret = named.setting.is_secret(&named.key);
        let with_password = named.setting.kind == Kind::DatabaseUrl && database_url::holds_password(&text);
        if (secret || with_password) && matches!(entry.origin, Origin::Flag(_)) {
            // An address is no secret but for its password, which has a setting of its own.
            let key = if secret { &named.key } else { "spring.datasource.password" };
            self.merged.problems.push(Problem {
                wrong: "a secret on the command line can be read by every user of this machine".to_owned(),
                fix: format!("put it into a file that only you can read and name that: {key}.file=PATH"),
                key: named.key,
                origin: Some(entry.origin),
            });
            return true;
        }
        let value = Value { text: SecretString::from(text), origin: entry.origin, hidden, unresolved };
        self.merged.values.0.insert(named.key, value);
        true
    }

    /// Takes a secret out of the file that `entry` names. What stands in the file is taken as it is.
    fn take_file(&mut self, key: String, entry: &Entry, directly: &BTreeSet<String>) {
        let (path, _, unresolved) = self.resolve(entry);
        if path.is_empty() {
            return;
        }
        let path = PathBuf::from(path);
        let origin = Origin::SecretFile { path: path.clone(), named_in: Box::new(entry.origin.clone()) };
        let mut problem = |wrong: String, fix: String| {
            self.merged.problems.push(Problem { key: key.clone(), origin: Some(origin.clone()), wrong, fix });
        };
        if directly.contains(&key) {
            problem(
                "is set both as it is and by a file".to_owned(),
                format!("set {key} or {key}.file, not both"),
            );
            return;
        }
        if let Some(why) = unresolved {
            problem(format!("the name of its file {why}"), RESOLVING.to_owned());
            return;
        }
        match read_secret_file(&path) {
            Ok(text) => {
                self.merged.values.0.insert(key, Value { text, origin, hidden: true, unresolved: None });
            }
            Err(wrong) => problem(wrong, "name a file that holds the secret and nothing else".to_owned()),
        }
    }
}

/// What to do about a placeholder.
const RESOLVING: &str = "set what it names in the environment or in the file, or give a default: \
    `${NAME:default}`; a plain `${` is written `\\${`";

impl Merged {
    /// Says what is wrong with the values that count in the end, and what has no effect.
    fn judge(&mut self) {
        for (key, value) in &self.values.0 {
            let Some(setting) = table::find(key) else { continue };
            match setting.standing {
                Standing::Used => {
                    if let Some(why) = &value.unresolved {
                        // A secret that was given as it is may hold `${` as any other sign.
                        let given = setting.is_secret(key) && !matches!(value.origin, Origin::File { .. });
                        self.problems.push(Problem {
                            key: key.clone(),
                            origin: Some(value.origin.clone()),
                            wrong: if given {
                                "holds a `${` that names nothing".to_owned()
                            } else {
                                why.to_string()
                            },
                            fix: RESOLVING.to_owned(),
                        });
                    } else if let Err(wrong) = kinds::check(setting.kind, value.text.expose_secret()) {
                        self.problems.push(Problem {
                            key: key.clone(),
                            origin: Some(value.origin.clone()),
                            wrong: if setting.is_secret(key) || value.hidden {
                                "is not accepted".to_owned()
                            } else {
                                wrong
                            },
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
    /// Whether it is not shown, although its setting is no secret.
    pub(super) fn is_hidden(&self) -> bool {
        self.hidden
    }

    /// The text; the caller sees to it that a secret goes nowhere.
    pub(super) fn expose(&self) -> &str {
        self.text.expose_secret()
    }
}
