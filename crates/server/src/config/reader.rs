//! Reading effective values by their names. The texts were checked against the table before, so a
//! text that does not fit was reported already, and the setting's default stands in for it.

use std::time::Duration;

use super::kinds;
use super::origin::Problem;
use super::setting::Fallback;
use super::table;
use super::values::Values;

pub(super) struct Reader<'a> {
    pub(super) values: &'a Values,
    pub(super) problems: Vec<Problem>,
}

impl<'a> Reader<'a> {
    pub(super) fn new(values: &'a Values) -> Reader<'a> {
        Reader { values, problems: Vec::new() }
    }

    /// The text, empty when it is not set and has no default.
    pub(super) fn text(&self, key: &str) -> &'a str {
        self.values.text(key).unwrap_or_default()
    }

    /// A text that somebody set.
    pub(super) fn set(&self, key: &str) -> Option<&'a str> {
        self.values.set(key).map(|value| value.expose())
    }

    pub(super) fn flag(&self, key: &str) -> bool {
        kinds::flag(self.text(key)).or_else(|| kinds::flag(fallback(key))).unwrap_or_default()
    }

    /// A number, 0 when it is not set and has no default.
    pub(super) fn number(&self, key: &str) -> u64 {
        self.text(key).parse().or_else(|_| fallback(key).parse()).unwrap_or_default()
    }

    pub(super) fn small_number(&self, key: &str) -> usize {
        usize::try_from(self.number(key)).unwrap_or(usize::MAX)
    }

    pub(super) fn millis(&self, key: &str) -> Duration {
        Duration::from_millis(self.number(key))
    }

    pub(super) fn secs(&self, key: &str) -> Duration {
        Duration::from_secs(self.number(key))
    }

    pub(super) fn mins(&self, key: &str) -> Duration {
        Duration::from_secs(self.number(key).saturating_mul(60))
    }

    /// Notes what is wrong with the meaning of a value.
    pub(super) fn problem(&mut self, key: &str, wrong: impl Into<String>, fix: impl Into<String>) {
        self.problems.push(Problem {
            key: key.to_owned(),
            origin: self.values.set(key).map(|value| value.origin.clone()),
            wrong: wrong.into(),
            fix: fix.into(),
        });
    }
}

fn fallback(key: &str) -> &'static str {
    match table::find(key).map(|setting| setting.fallback) {
        Some(Fallback::Value(value)) => value,
        Some(Fallback::Unset | Fallback::WorkedOut(_)) | None => "",
    }
}
