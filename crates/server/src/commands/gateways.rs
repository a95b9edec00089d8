//! `gateways`: the gateways, whether they are active, and the origins of their settings.

use std::process::ExitCode;

use serde::Serialize;

use super::table::{Column, Table, Tone, plain};
use crate::cli::GatewaysArgs;
use crate::config::{Listed, Loaded};
use crate::failure::Outcome;
use crate::terminal::{Paint, say, say_json};

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Row {
    name: String,
    active: bool,
    protocol: String,
    settings_from: Vec<String>,
}

pub(super) fn run(loaded: &Loaded, args: &GatewaysArgs) -> Outcome<ExitCode> {
    let rows = rows(loaded);
    if args.json {
        say_json(&rows)?;
    } else {
        say(&table(&rows, Paint::detect()))?;
    }
    Ok(ExitCode::SUCCESS)
}

fn rows(loaded: &Loaded) -> Vec<Row> {
    let row = |listed: Listed| Row {
        settings_from: loaded.places(&listed.prefix),
        name: listed.name,
        active: listed.offered,
        protocol: listed.protocol,
    };
    loaded.gateways().into_iter().map(row).collect()
}

fn table(rows: &[Row], paint: Paint) -> String {
    let mut table = Table::new([
        Column::Text("gateway"),
        Column::Text("offered"),
        Column::Text("protocol"),
        Column::Text("settings from"),
    ]);
    for row in rows {
        let offered =
            if row.active { ("yes".to_owned(), Tone::Good) } else { ("no".to_owned(), Tone::Quiet) };
        let places = match row.settings_from.as_slice() {
            [] => "defaults".to_owned(),
            places => places.join(", "),
        };
        table.row([plain(&row.name), offered, plain(&row.protocol), plain(places)]);
    }
    let note = "Switch one on with <gateway>.active=true; `pg-service check-config` shows its settings. \
                docs/remote-gateway.md tells how to add one.";
    format!("{}\n\n{}", table.render(paint), paint.quiet(note))
}
