//! Reading settings by their constants.

use secrecy::ExposeSecret;

use crate::origin::{Notice, NoticeKind, Origin, Problem};
use crate::setting::{Declared, Fallback, NAME, Setting, Shape, Spec, Support};
use crate::values::{Value, Values};

/// Reads values, and gathers problems of their meaning. A text that its parser refuses was reported by itself
/// ([`Values::invalid`]) and counts as not set here.
pub struct Reader<'a> {
    values: &'a Values,
    /// The thing whose settings are read, where operators name things.
    name: Option<&'a str>,
    pub problems: Vec<Problem>,
    pub notices: Vec<Notice>,
}

impl<'a> Reader<'a> {
    pub fn new(values: &'a Values) -> Reader<'a> {
        Reader { values, name: None, problems: Vec::new(), notices: Vec::new() }
    }

    /// A reader of the same values with its own findings; `name` replaces [`NAME`] in settings.
    pub fn fork(&self, name: Option<&'a str>) -> Reader<'a> {
        Reader { name, ..Reader::new(self.values) }
    }

    pub fn values(&self) -> &'a Values {
        self.values
    }

    /// The name of a setting, as it was or would be set.
    pub fn key(&self, setting: &Spec) -> String {
        match self.name {
            Some(name) if setting.shape == Shape::Named => setting.key.replace(NAME, name),
            Some(_) | None => setting.key.to_owned(),
        }
    }

    fn value(&self, setting: &Spec) -> Option<&'a Value> {
        self.values.get(&self.key(setting))
    }

    /// The value, or the default if it is not set.
    #[expect(clippy::expect_used, reason = "a test parses every default")]
    pub fn get<T: Clone>(&self, setting: &Setting<T>) -> T {
        let default = match setting.fallback {
            Fallback::Value(text) => text,
            Fallback::Unset | Fallback::WorkedOut(_) => "",
        };
        self.set(setting).unwrap_or_else(|| setting.parser().parse(default).expect("a default"))
    }

    /// The value that was set.
    pub fn set<T: Clone, D>(&self, setting: &Setting<T, D>) -> Option<T> {
        let text = self.value(setting)?.text.expose_secret();
        setting.parser().parse(text).ok()
    }

    /// The value that was set; a problem where none was.
    pub fn required<T: Clone + Sync, D>(&mut self, setting: &Setting<T, D>) -> Option<T> {
        if !self.is_set(setting) {
            self.problem(setting, "must be set", "");
        }
        self.set(setting)
    }

    /// Whether there is a text, accepted or not.
    pub fn is_set(&self, setting: &Spec) -> bool {
        self.value(setting).is_some()
    }

    /// The values that were set for tenants; `*` is the tenant of all others.
    pub fn per_tenant<T: Clone, D>(&self, setting: &Setting<T, D>) -> Vec<(&'a str, T)> {
        let values = self.values.iter().filter_map(|(name, value)| {
            let rest = name.strip_prefix(setting.key)?;
            let tenant = if rest.is_empty() { "*" } else { rest.strip_prefix('.')? };
            Some((tenant, setting.parser().parse(value.expose()).ok()?))
        });
        values.collect()
    }

    /// The values that were set below a setting, with the rest of their names.
    pub fn below(
        &self,
        setting: &'static dyn Declared,
    ) -> impl Iterator<Item = (&'a str, &'a Value)> + use<'a> {
        self.values.below(setting.spec().key)
    }

    /// Settings have no effect: a notice for each that was set.
    pub fn idle(&mut self, settings: &[&'static dyn Declared], why: &str) {
        // A setting that never has an effect was reported with its own reason.
        for setting in settings.iter().filter(|setting| setting.support == Support::Supported) {
            for (name, value) in self.values.names_of(setting.spec()) {
                self.notices.push(Notice {
                    kind: NoticeKind::Idle,
                    key: name.to_owned(),
                    origin: value.origin.clone(),
                    text: format!("has no effect: {why}"),
                });
            }
        }
    }

    /// A name below a setting has no effect.
    pub fn idle_name(&mut self, name: &str, why: &str) {
        self.notice(NoticeKind::Idle, name, format!("has no effect: {why}"));
    }

    /// A setting takes effect, but perhaps not the one that was meant.
    pub fn doubt(&mut self, setting: &Spec, text: impl Into<String>) {
        let key = self.key(setting);
        self.notice(NoticeKind::Doubtful, &key, text);
    }

    fn notice(&mut self, kind: NoticeKind, key: &str, text: impl Into<String>) {
        let origin = self.values.get(key).map_or(Origin::Default, |value| value.origin.clone());
        self.notices.push(Notice { kind, key: key.to_owned(), origin, text: text.into() });
    }

    /// A problem of a value's meaning, and its remedy.
    pub fn problem(&mut self, setting: &Spec, wrong: impl Into<String>, fix: impl Into<String>) {
        self.problem_of(&self.key(setting), wrong, fix);
    }

    /// The same for a name below a setting, or that of a tenant.
    pub fn problem_of(&mut self, key: &str, wrong: impl Into<String>, fix: impl Into<String>) {
        self.problems.push(Problem {
            key: key.to_owned(),
            origin: self.values.get(key).map(|value| value.origin.clone()),
            wrong: wrong.into(),
            fix: fix.into(),
        });
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::parser::{TEXT, millis};
    use crate::{Optional, own};

    crate::settings! {
        const ALL;
        TIMEOUT: Setting<Duration> = own("remote.<name>.timeout-ms", millis(1, 99), "").named().or("20");
        SECRET: Optional<String> = own("remote.<name>.secret", TEXT, "").named().secret();
    }

    #[test]
    fn an_invalid_text_is_reported_once_and_counts_as_not_set() {
        let values = Values::of([("remote.a.timeout-ms", "x"), ("remote.b.timeout-ms", "7")]);
        let find = |name: &str| ALL.iter().copied().find(|setting| setting.covers(name));
        let invalid: Vec<String> = values.invalid(find).iter().map(ToString::to_string).collect();
        assert_eq!(invalid.len(), 1);
        assert!(invalid[0].starts_with("remote.a.timeout-ms: `x` is not a whole number"), "{invalid:?}");
        let of = |name| Reader::new(&values).fork(Some(name)).get(&TIMEOUT).as_millis();
        assert_eq!((of("a"), of("b"), of("c")), (20, 7, 20));
    }

    #[test]
    fn a_missing_required_setting_is_reported_by_its_name() {
        let values = Values::of([("remote.a.secret", " ")]);
        let reader = Reader::new(&values);
        let mut reader = reader.fork(Some("a"));
        assert_eq!(reader.required(&SECRET), None);
        assert!(reader.problems[0].to_string().starts_with("remote.a.secret: must be set"));
    }
}
