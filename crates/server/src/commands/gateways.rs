//! `gateways`: the gateways, whether they are active, and the origins of their settings.

use std::process::ExitCode;

use payment_domain::GatewayName;
use serde::Serialize;

use super::table::{Column, Table, Tone, plain};
use crate::cli::GatewaysArgs;
use crate::config::{Loaded, gateways};
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
    let row = |name: &str, prefix: &str, protocol: String| Row {
        name: name.to_owned(),
        active: loaded.offers(prefix),
        protocol,
        settings_from: loaded.places(prefix),
    };
    let sandbox = "signed link, signed callbacks, signed questions; no money moves";
    let mut rows = vec![row(GatewayName::SANDBOX, "sandbox", sandbox.to_owned())];
    rows.extend(gateways::KNOWN.iter().map(|known| row(known.name, known.prefix, known.protocol.to_owned())));
    rows.extend(
        loaded.remote_gateways().iter().map(|remote| {
            row(&remote.name, &remote.prefix, format!("remote gateway at {}", remote.base_url))
        }),
    );
    rows
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
