//! The values of all sources laid over each other, each with its origin.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

use payment_settings::{
    Declared, Notice, NoticeKind, Origin, Problem, Shape, Spec, Support, UNRESOLVED, Value, Values,
};
use secrecy::{ExposeSecret, SecretString};

use super::placeholders::Properties;
use super::sections::database;
use super::sources::{Entry, SourceOutput, read_secret_file};
use super::{suggest, table};

/// Sources laid over each other.
pub(super) struct Merged {
    pub(super) values: Values,
    pub(super) problems: Vec<Problem>,
    pub(super) notices: Vec<Notice>,
}

/// Lays sources over each other.
struct Merging {
    merged: Merged,
    properties: Properties,
    /// The names in placeholders: values set under them are in use.
    used: BTreeSet<String>,
}

/// A name as a source gave it, understood.
struct Named {
    setting: &'static dyn Declared,
    /// The canonical name of the value.
    key: String,
    /// Whether the value is the path of a file that holds the secret.
    by_file: bool,
}

fn understand(name: &str) -> Option<Named> {
    if let Some(secret) = name.strip_suffix(".file")
        && let Some(setting) = table::find(secret).filter(|setting| setting.is_secret(secret))
    {
        return Some(Named { setting, key: canonical(setting.spec(), secret), by_file: true });
    }
    let setting = table::find(name)?;
    Some(Named { setting, key: canonical(setting.spec(), name), by_file: false })
}

/// The canonical name of a value that was set under a name of this setting.
pub(super) fn canonical(setting: &Spec, name: &str) -> String {
    let of_all = match setting.shape {
        Shape::Single => true,
        Shape::PerTenant => name.strip_prefix(setting.key) == Some(".*"),
        Shape::Named | Shape::Below => false,
    };
    if of_all { setting.key.to_owned() } else { name.to_owned() }
}

/// Lays sources over each other; later ones take precedence. A blank value withdraws that of an earlier
/// source: the original's packaged file leaves values blank that have to be filled in. `properties` is the
/// set of names for placeholders.
pub(super) fn merge(sources: Vec<SourceOutput>, properties: Properties) -> Merged {
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
    merged.problems.extend(merged.values.invalid(table::find));
    merged.notices.extend(ignored(&merged.values));
    merged
}

/// Values of settings that never have an effect.
fn ignored(values: &Values) -> Vec<Notice> {
    let notice = |(key, value): (&str, &Value)| match table::find(key)?.support {
        Support::Supported => None,
        Support::Ignored(why) => Some(Notice {
            kind: NoticeKind::Idle,
            key: key.to_owned(),
            origin: value.origin.clone(),
            text: format!("has no effect: {why}"),
        }),
    };
    values.iter().filter_map(notice).collect()
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
    fn resolve(&mut self, entry: &Entry) -> (String, bool, Option<String>) {
        let text = entry.value.expose_secret().trim();
        match self.properties.resolve(text) {
            Ok(resolved) => {
                let hidden = resolved.holds_secret();
                self.used.extend(resolved.used);
                (resolved.text.trim().to_owned(), hidden, None)
            }
            Err(why) => (text.to_owned(), false, Some(why.to_string())),
        }
    }

    /// Whether there was a value.
    fn take(&mut self, named: Named, entry: Entry) -> bool {
        let (text, hidden, unresolved) = self.resolve(&entry);
        if text.is_empty() {
            self.merged.values.remove(&named.key);
            return false;
        }
        let secret = named.setting.is_secret(&named.key);
        let with_password = named.setting.shown(&text) != text;
        if (secret || with_password) && matches!(entry.origin, Origin::Flag(_)) {
            // An address is no secret but for its password, which has a setting of its own.
            let key = if secret { &named.key } else { database::PASSWORD.key };
            self.merged.problems.push(Problem {
                wrong: "a secret on the command line can be read by every user of this machine".to_owned(),
                fix: format!("put it into a file that only you can read and name that: {key}.file=PATH"),
                key: named.key,
                origin: Some(entry.origin),
            });
            return true;
        }
        let value = Value { text: SecretString::from(text), origin: entry.origin, hidden, unresolved };
        self.merged.values.insert(named.key, value);
        true
    }

    /// Takes a secret out of the file that `entry` names, placeholders unresolved.
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
            problem(format!("the name of its file {why}"), UNRESOLVED.to_owned());
            return;
        }
        match read_secret_file(&path) {
            Ok(text) => {
                self.merged.values.insert(key, Value { text, origin, hidden: true, unresolved: None });
            }
            Err(wrong) => problem(wrong, "name a file that holds the secret and nothing else".to_owned()),
        }
    }
}
