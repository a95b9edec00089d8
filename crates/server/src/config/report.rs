//! The effective settings as a table for people, secrets hidden.

use std::fmt::Write;

use payment_settings::{Declared, Fallback, Shape, Support, Values};
use sha2::{Digest, Sha256};

use super::sections::Config;
use super::table::{self, SECTIONS, Section};

struct Row {
    key: String,
    value: String,
    origin: String,
}

/// `config` is there unless something is wrong.
pub(super) fn effective(values: &Values, config: Option<&Config>) -> String {
    let mut out = String::new();
    for section in SECTIONS.iter() {
        let rows: Vec<Row> = worth_showing(section, values)
            .iter()
            .filter(|setting| setting.support == Support::Supported)
            .flat_map(|setting| rows(*setting, values, config))
            .collect();
        if rows.is_empty() {
            continue;
        }
        let widest =
            |of: fn(&Row) -> &str| rows.iter().map(|row| of(row).chars().count()).max().unwrap_or_default();
        let (key_width, value_width) = (widest(|row| &row.key), widest(|row| &row.value));
        let _ = writeln!(out, "{}", section.title);
        for Row { key, value, origin } in &rows {
            let _ = writeln!(out, "  {key:key_width$}  {value:value_width$}  {origin}");
        }
        out.push('\n');
    }
    out
}

/// Settings in which replicas of one service may differ.
const OF_ONE_NODE: [&str; 5] =
    ["scheduler.node-name", "server.address", "server.port", "server.admin-port", "data.dir"];

/// SHA-256 over the settings that are set, without secrets and those of one node.
pub(super) fn digest(values: &Values) -> [u8; 32] {
    let mut texts: Vec<(&str, &str)> = values
        .iter()
        .filter(|(key, value)| {
            let is_secret = table::find(key).is_none_or(|setting| setting.is_secret(key));
            !is_secret && !value.hidden && !OF_ONE_NODE.contains(key)
        })
        .map(|(key, value)| (key, value.expose()))
        .collect();
    texts.sort_unstable();
    let mut hash = Sha256::new();
    for text in texts.into_iter().flat_map(|(key, value)| [key, value]) {
        hash.update(u64::try_from(text.len()).unwrap_or(u64::MAX).to_be_bytes());
        hash.update(text);
    }
    hash.finalize().into()
}

/// Of a section that is not used, only its switch.
fn worth_showing(section: &Section, values: &Values) -> &'static [&'static dyn Declared] {
    let untouched = section.settings.iter().all(|setting| values.names_of(setting.spec()).next().is_none());
    match section.settings {
        [switch, ..] if untouched && section.switched => std::slice::from_ref(switch),
        all => all,
    }
}

fn rows(setting: &'static dyn Declared, values: &Values, config: Option<&Config>) -> Vec<Row> {
    let mut rows: Vec<Row> = values
        .names_of(setting.spec())
        .map(|(key, value)| Row {
            key: key.to_owned(),
            value: if setting.is_secret(key) || value.hidden {
                "(hidden)".to_owned()
            } else {
                setting.shown(value.expose())
            },
            origin: value.origin.to_string(),
        })
        .collect();
    if rows.is_empty() {
        let (value, origin) = match setting.fallback {
            Fallback::Value(value) => (value.to_owned(), "default"),
            Fallback::Unset => ("(not set)".to_owned(), "default"),
            Fallback::WorkedOut(how) => match config.and_then(|config| config.worked_out(setting.key)) {
                Some(value) => (value, "worked out"),
                None => (format!("({})", how.replace('`', "")), "default"),
            },
        };
        let key = match setting.shape {
            Shape::Single | Shape::Named => setting.key.to_owned(),
            Shape::PerTenant => format!("{}.<tenant>", setting.key),
            Shape::Below => format!("{}.…", setting.key),
        };
        rows.push(Row { key, value, origin: origin.to_owned() });
    }
    rows
}
