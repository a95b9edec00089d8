//! The effective settings as a table for people, secrets hidden.

use std::fmt::Write;

use super::setting::{Fallback, Setting, Shape, Standing};
use super::table::SECTIONS;
use super::values::Values;

/// One line of the table.
struct Row {
    key: String,
    value: String,
    origin: String,
}

pub(super) fn effective(values: &Values) -> String {
    let mut out = String::new();
    for section in SECTIONS {
        let rows: Vec<Row> = section
            .settings
            .iter()
            .filter(|setting| setting.standing == Standing::Used)
            .flat_map(|setting| rows(setting, values))
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

fn rows(setting: &'static Setting, values: &Values) -> Vec<Row> {
    let mut rows: Vec<Row> = values
        .names_of(setting)
        .map(|(key, value)| Row {
            key: key.to_owned(),
            value: if setting.secret { "(hidden)".to_owned() } else { value.expose().to_owned() },
            origin: value.origin.to_string(),
        })
        .collect();
    if rows.is_empty() {
        rows.push(Row {
            key: match setting.shape {
                Shape::Single => setting.key.to_owned(),
                Shape::PerTenant => format!("{}.<tenant>", setting.key),
                Shape::Below => format!("{}.…", setting.key),
            },
            value: match setting.fallback {
                Fallback::Value(value) => value.to_owned(),
                Fallback::WorkedOut(how) => format!("({})", how.replace('`', "")),
                Fallback::Unset => "(not set)".to_owned(),
            },
            origin: "default".to_owned(),
        });
    }
    rows
}
