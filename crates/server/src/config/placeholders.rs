//! `${NAME:default}` in a value, resolved as Spring does: from the environment, then from the other settings,
//! then to the default behind the first `:`. Names and defaults may hold placeholders themselves; `\\${` is a
//! plain `${`.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use payment_settings::{Fallback, sounds_secret, variable};
use secrecy::{ExposeSecret, SecretString};

use super::sources::SourceOutput;
use super::{merge, table};

const OPENING: &str = "${";
/// The deepest nesting of placeholders.
const DEEPEST: usize = 32;
/// The number of placeholders one value may come to.
const MOST: usize = 1_000;
/// The longest resolved value, in bytes.
const LONGEST: usize = 64 * 1024;

/// The names that placeholders can refer to. Has no `Debug`: it holds secrets.
#[derive(Default)]
pub(super) struct Properties {
    variables: BTreeMap<String, SecretString>,
    /// By canonical name, where it is one of ours: the value that counts.
    entries: BTreeMap<String, SecretString>,
}

/// A value without placeholders.
pub(super) struct Resolved {
    /// The value.
    pub(super) text: String,
    /// The properties and variables whose values went into it.
    pub(super) used: BTreeSet<String>,
}

impl Resolved {
    /// Whether the value of a secret went into it.
    pub(super) fn holds_secret(&self) -> bool {
        self.used.iter().any(|name| is_secret(name))
    }
}

/// The reason a value cannot be resolved.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Unresolved {
    /// Nothing has this name, and there is no default.
    NoSuchName(String),
    /// These names lead back to the first of them.
    Cycle(Vec<String>),
    /// No `}` belongs to a `${`.
    Unclosed,
    /// More, deeper or longer than any value is meant to be.
    TooMuch,
}

/// Holds names, never values. A name may itself be part of a secret value.
impl fmt::Display for Unresolved {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Unresolved::NoSuchName(name) => {
                write!(f, "refers to `${{{name}}}`, which is not set and has no default")
            }
            Unresolved::Cycle(names) => write!(f, "refers to itself: {}", names.join(" -> ")),
            Unresolved::Unclosed => f.write_str("holds a `${` without its `}`"),
            Unresolved::TooMuch => write!(
                f,
                "comes to more than {MOST} placeholders, {DEEPEST} levels of them or {LONGEST} bytes"
            ),
        }
    }
}

impl Properties {
    /// The environment, and the sources' values; later ones take precedence.
    pub(super) fn new(variables: &[(String, String)], sources: &[SourceOutput]) -> Properties {
        let mut entries = BTreeMap::new();
        for entry in sources.iter().flat_map(|source| &source.entries) {
            entries.insert(canonical(&entry.name), entry.value.clone());
        }
        let variables = variables
            .iter()
            .map(|(name, value)| (name.clone(), SecretString::from(value.as_str())))
            .collect();
        Properties { variables, entries }
    }

    /// The text with every placeholder resolved.
    ///
    /// # Errors
    /// [`Unresolved`] when one of them cannot be.
    pub(super) fn resolve(&self, text: &str) -> Result<Resolved, Unresolved> {
        let mut work = Work { properties: self, under_way: Vec::new(), begun: 0, used: BTreeSet::new() };
        let text = work.expand(text, 0)?;
        Ok(Resolved { text, used: work.used })
    }

    /// The value of a name, and the name it was found under. A setting of ours has the value that counts
    /// in the end; of other names the environment comes first.
    fn find(&self, name: &str) -> Option<(String, &str)> {
        let setting = table::find(name);
        let entry = || {
            let known = canonical(name);
            self.entries.get(&known).map(|value| (known, value.expose_secret()))
        };
        let from_environment = || {
            let spelled = name.replace(['.', '-'], "_");
            [name.to_owned(), spelled.clone(), spelled.to_uppercase(), variable(name)]
                .into_iter()
                .find_map(|name| self.variables.get_key_value(&name))
                .map(|(name, value)| (name.clone(), value.expose_secret()))
        };
        let default = || match setting?.fallback {
            Fallback::Value(value) => Some((name.to_owned(), value)),
            Fallback::Unset | Fallback::WorkedOut(_) => None,
        };
        if setting.is_some() {
            entry().or_else(from_environment).or_else(default)
        } else {
            from_environment().or_else(entry)
        }
    }
}

fn canonical(name: &str) -> String {
    table::find(name).map_or_else(|| name.to_owned(), |setting| merge::canonical(setting.spec(), name))
}

/// Whether the value of this name is a secret: a property, or a variable of the environment.
fn is_secret(name: &str) -> bool {
    table::find(name).is_some_and(|setting| setting.is_secret(name))
        || table::all().any(|setting| setting.secret && setting.variables().iter().any(|known| known == name))
        || sounds_secret(&name.replace('_', "."))
}

/// One value being resolved.
struct Work<'a> {
    properties: &'a Properties,
    /// The names whose values are being resolved, each referred to by the one before it.
    under_way: Vec<String>,
    begun: usize,
    used: BTreeSet<String>,
}

impl Work<'_> {
    fn expand(&mut self, text: &str, depth: usize) -> Result<String, Unresolved> {
        if depth > DEEPEST {
            return Err(Unresolved::TooMuch);
        }
        let mut out = String::new();
        let mut rest = text;
        while let Some((before, behind)) = rest.split_once(OPENING) {
            if let Some(before) = before.strip_suffix('\\') {
                out.push_str(before);
                out.push_str(OPENING);
                rest = behind;
                continue;
            }
            out.push_str(before);
            let (inner, behind) = closed(behind).ok_or(Unresolved::Unclosed)?;
            out.push_str(&self.value_of(inner, depth)?);
            rest = behind;
        }
        out.push_str(rest);
        if out.len() > LONGEST { Err(Unresolved::TooMuch) } else { Ok(out) }
    }

    /// The value of a placeholder's inside.
    fn value_of(&mut self, inner: &str, depth: usize) -> Result<String, Unresolved> {
        self.begun += 1;
        if self.begun > MOST {
            return Err(Unresolved::TooMuch);
        }
        let (written, default) = at_separator(inner);
        let name = self.expand(written, depth + 1)?;
        let Some((found, value)) = self.properties.find(&name) else {
            return match default {
                Some(default) => self.expand(default, depth + 1),
                None => Err(Unresolved::NoSuchName(written.to_owned())),
            };
        };
        if let Some(at) = self.under_way.iter().position(|known| *known == found) {
            let mut names = self.under_way.split_off(at);
            names.push(found);
            return Err(Unresolved::Cycle(names));
        }
        self.used.insert(found.clone());
        self.under_way.push(found);
        let value = self.expand(value, depth + 1)?;
        self.under_way.pop();
        Ok(value)
    }
}

/// A placeholder's inside, and the text behind its closing brace. Braces within it come in
/// pairs.
fn closed(text: &str) -> Option<(&str, &str)> {
    let mut open = 0_usize;
    for (at, c) in text.char_indices() {
        match c {
            '{' => open += 1,
            '}' if open == 0 => return text.split_at_checked(at).map(|(inner, rest)| (inner, &rest[1..])),
            '}' => open -= 1,
            _ => {}
        }
    }
    None
}

/// The name and the default of a placeholder. A `:` within braces belongs to another one.
fn at_separator(inner: &str) -> (&str, Option<&str>) {
    let mut open = 0_usize;
    for (at, c) in inner.char_indices() {
        match c {
            '{' => open += 1,
            '}' => open = open.saturating_sub(1),
            ':' if open == 0 => return (&inner[..at], Some(&inner[at + 1..])),
            _ => {}
        }
    }
    (inner, None)
}

#[cfg(test)]
mod tests {
    use payment_settings::Origin;
    use proptest::prelude::*;

    use super::*;
    use crate::config::sources::Entry;

    fn properties(variables: &[(&str, &str)], entries: &[(&str, &str)]) -> Properties {
        let variables: Vec<_> = variables.iter().map(|(a, b)| ((*a).to_owned(), (*b).to_owned())).collect();
        let entries = entries.iter().map(|(name, value)| Entry {
            name: (*name).to_owned(),
            value: SecretString::from(*value),
            origin: Origin::Default,
        });
        let source = SourceOutput { entries: entries.collect(), ..SourceOutput::default() };
        Properties::new(&variables, &[source])
    }

    fn resolved(properties: &Properties, text: &str) -> Result<String, Unresolved> {
        properties.resolve(text).map(|resolved| resolved.text)
    }

    #[test]
    fn placeholders_are_resolved_as_spring_resolves_them() {
        let known = properties(
            &[("HOST", "env.in"), ("MY_OWN_HOST", "relaxed.in"), ("BLANK", ""), ("STAGE", "uat")],
            &[
                ("HOST", "file.in"),
                ("from.file", "f"),
                ("chained", "${from.file}-${HOST}"),
                ("url.uat", "https://uat.in"),
                ("server.servlet.context-path", "/x"),
            ],
        );
        for (text, value) in [
            ("plain", "plain"),
            ("$HOME and {x} and $ {y}", "$HOME and {x} and $ {y}"),
            ("https://${HOST}/x", "https://env.in/x"),
            ("${my.own-host}", "relaxed.in"),
            ("${from.file}", "f"),
            ("${chained}${chained}", "f-env.inf-env.in"),
            ("${NOTHING:}", ""),
            ("${NOTHING:jdbc:postgresql://db:5432/x}", "jdbc:postgresql://db:5432/x"),
            ("${BLANK:default}", ""),
            ("${NOTHING:${ALSO_NOTHING:${HOST}}}!", "env.in!"),
            ("${HOST:${NOTHING}}", "env.in"),
            ("${url.${STAGE}}", "https://uat.in"),
            ("${url.${NOTHING:uat}:none}", "https://uat.in"),
            ("${NOTHING:{\"a\":{}}}", "{\"a\":{}}"),
            ("\\${HOST} ${HOST}", "${HOST} env.in"),
            ("${NOTHING:\\${x}}", "${x}"),
            ("${server.port}", "9000"),
            ("${server.context-path}", "/x"),
        ] {
            assert_eq!(resolved(&known, text).as_deref(), Ok(value), "{text}");
        }
    }

    #[test]
    fn an_unresolvable_placeholder_is_reported_by_its_name() {
        let known = properties(
            &[],
            &[("a", "${b}"), ("b", "x${c:1}"), ("c", "${a}"), ("self", "${self:1}"), ("open", "${a")],
        );
        for (text, told) in [
            ("${NOTHING}", "refers to `${NOTHING}`, which is not set and has no default"),
            ("x${}", "refers to `${}`, which is not set and has no default"),
            ("${a}", "refers to itself: a -> b -> c -> a"),
            ("${self}", "refers to itself: self -> self"),
            ("${NOTHING", "holds a `${` without its `}`"),
            ("${open}", "holds a `${` without its `}`"),
        ] {
            assert_eq!(resolved(&known, text).unwrap_err().to_string(), told, "{text}");
        }
    }

    #[test]
    fn a_value_does_not_grow_beyond_all_bounds() {
        let laughs: Vec<(String, String)> =
            (0..30).map(|n| (format!("l{n}"), format!("${{l{0}}}${{l{0}}}", n + 1))).collect();
        let mut entries: Vec<(&str, &str)> =
            laughs.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
        entries.push(("l30", "ha"));
        let long = "x".repeat(LONGEST / 2 + 1);
        entries.push(("long", &long));
        let known = properties(&[], &entries);
        let deep = format!("{}{}", "${x:".repeat(10_000), "}".repeat(10_000));
        for text in ["${l0}", "${long}${long}", &deep] {
            assert_eq!(resolved(&known, text), Err(Unresolved::TooMuch));
        }
    }

    #[test]
    fn the_placeholders_of_a_value_are_recorded() {
        let known = properties(
            &[("AXIS_MERCHANT_PWD", "hush"), ("DB_PASSWORD", "hush"), ("CITY", "amritsar")],
            &[("kept", "${AXIS_MERCHANT_PWD}"), ("payu.merchant.salt", "hush")],
        );
        for secret in ["${kept}", "${DB_PASSWORD}", "a${payu.merchant.salt}"] {
            assert!(known.resolve(secret).unwrap().holds_secret(), "{secret}");
        }
        let plain = known.resolve("${city}").unwrap();
        assert!(!plain.holds_secret() && plain.used.contains("CITY"));
    }

    proptest! {
        #[test]
        fn any_text_is_resolved_or_refused(
            text in "([a-c]|\\$\\{|\\}|:|\\\\|[{$]){0,40}",
            a in "([a-c]|\\$\\{|\\}|:|\\\\){0,12}",
            b in "([a-c]|\\$\\{|\\}|:|\\\\){0,12}",
        ) {
            let known = properties(&[("c", &a)], &[("a", &a), ("b", &b)]);
            if let Ok(value) = resolved(&known, &text) {
                prop_assert!(value.len() <= LONGEST);
            }
        }

        #[test]
        fn a_text_that_is_escaped_comes_back_as_it_is(text in "([a-c]|\\$\\{|[{}:$ ]){0,40}") {
            // A backslash before `${` is part of the escape, so the text itself has none.
            let escaped = text.replace("${", "\\${");
            prop_assert_eq!(resolved(&properties(&[], &[]), &escaped), Ok(text));
        }
    }
}
