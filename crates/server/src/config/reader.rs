//! Reading effective values by their names. The texts were checked against the table before, so a
//! text that does not fit was reported already, and the setting's default stands in for it.

use std::time::Duration;

use secrecy::SecretString;

use super::kinds;
use super::origin::{Notice, NoticeKind, Origin, Problem};
use super::setting::{Fallback, Standing};
use super::table;
use super::values::Values;

pub(super) struct Reader<'a> {
    pub(super) values: &'a Values,
    pub(super) problems: Vec<Problem>,
    pub(super) notices: Vec<Notice>,
}

impl<'a> Reader<'a> {
    pub(super) fn new(values: &'a Values) -> Reader<'a> {
        Reader { values, problems: Vec::new(), notices: Vec::new() }
    }

    /// The text, empty when it is not set and has no default.
    pub(super) fn text(&self, key: &str) -> &'a str {
        self.values.text(key).unwrap_or_default()
    }

    /// A text that counts: what was set, or what the setting stands at by itself.
    pub(super) fn owned(&self, key: &str) -> String {
        self.text(key).to_owned()
    }

    /// What a text means; when it means nothing, which was reported already, what the default means.
    pub(super) fn read<T: Default>(&self, key: &str, parse: impl Fn(&str) -> Option<T>) -> T {
        parse(self.text(key)).or_else(|| parse(fallback(key))).unwrap_or_default()
    }

    /// A secret that somebody set.
    pub(super) fn secret(&self, key: &str) -> Option<SecretString> {
        self.set(key).map(SecretString::from)
    }

    /// The host of a service that somebody set, with its scheme and without a slash at its end.
    pub(super) fn service(&self, key: &str) -> Option<String> {
        self.set(key).and_then(|host| kinds::service_host(host).ok())
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

    pub(super) fn millis_if_set(&self, key: &str) -> Option<Duration> {
        self.set(key).map(|_| self.millis(key))
    }

    pub(super) fn secs(&self, key: &str) -> Duration {
        Duration::from_secs(self.number(key))
    }

    pub(super) fn days(&self, key: &str) -> Duration {
        Duration::from_secs(self.number(key).saturating_mul(86_400))
    }

    pub(super) fn mins(&self, key: &str) -> Duration {
        Duration::from_secs(self.number(key).saturating_mul(60))
    }

    /// Notes that settings have no effect, each that somebody set.
    pub(super) fn idle<'k>(&mut self, keys: impl IntoIterator<Item = &'k str>, why: &str) {
        for key in keys {
            let Some(setting) = table::find(key) else { continue };
            // What never has an effect was told with its own reason.
            if setting.standing != Standing::Used {
                continue;
            }
            for (name, value) in self.values.names_of(setting) {
                self.notices.push(Notice {
                    kind: NoticeKind::Idle,
                    key: name.to_owned(),
                    origin: value.origin.clone(),
                    text: format!("has no effect: {why}"),
                });
            }
        }
    }

    /// Notes that one of the settings that are passed on under a client's own names has no effect.
    pub(super) fn not_passed_on(&mut self, key: &str, why: &str) {
        self.notice(NoticeKind::Idle, key, format!("has no effect: {why}"));
    }

    /// Notes that a setting takes effect, but perhaps not the one that was meant.
    pub(super) fn doubt(&mut self, key: &str, text: impl Into<String>) {
        self.notice(NoticeKind::Doubtful, key, text);
    }

    fn notice(&mut self, kind: NoticeKind, key: &str, text: impl Into<String>) {
        self.notices.push(Notice {
            kind,
            key: key.to_owned(),
            origin: self.values.set(key).map_or(Origin::Default, |value| value.origin.clone()),
            text: text.into(),
        });
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
