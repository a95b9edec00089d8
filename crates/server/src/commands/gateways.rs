//! `gateways`: which there are, which are offered, and where their settings come from.

use std::process::ExitCode;

use serde_json::json;

use crate::cli::GatewaysArgs;
use crate::config::{Loaded, gateways};
use crate::failure::Outcome;
use crate::terminal::{Paint, say};

struct Row {
    name: &'static str,
    active: bool,
    protocol: &'static str,
    places: Vec<String>,
}

pub(super) fn run(loaded: &Loaded, args: &GatewaysArgs) -> Outcome<ExitCode> {
    let sandbox = ("SANDBOX", "sandbox", "signed link, signed callbacks, signed questions; no money moves");
    let known = gateways::KNOWN.iter().map(|known| (known.name, known.prefix, known.protocol));
    let rows: Vec<Row> = [sandbox]
        .into_iter()
        .chain(known)
        .map(|(name, prefix, protocol)| Row {
            name,
            active: loaded.offers(prefix),
            protocol,
            places: loaded.places(prefix),
        })
        .collect();
    if args.json {
        let gateways: Vec<_> = rows
            .iter()
            .map(|row| {
                json!({ "name": row.name, "active": row.active, "protocol": row.protocol, "settingsFrom": row.places })
            })
            .collect();
        say(&format!("{:#}", json!(gateways)))?;
    } else {
        say(&table(&rows, Paint::detect()))?;
    }
    Ok(ExitCode::SUCCESS)
}

fn table(rows: &[Row], paint: Paint) -> String {
    let protocol_width = rows.iter().map(|row| row.protocol.len()).max().unwrap_or_default();
    let mut lines =
        vec![paint.title(&format!(
            "{:8}  {:8}  {:protocol_width$}  settings from",
            "gateway", "offered", "protocol"
        ))];
    for row in rows {
        let offered = if row.active {
            paint.good(&format!("{:8}", "yes"))
        } else {
            paint.quiet(&format!("{:8}", "no"))
        };
        let places = if row.places.is_empty() { "defaults".to_owned() } else { row.places.join(", ") };
        lines.push(format!("{:8}  {offered}  {:protocol_width$}  {places}", row.name, row.protocol));
    }
    lines.push(String::new());
    lines
        .push(paint.quiet(
            "Switch one on with <gateway>.active=true; `pg-service check-config` shows its settings.",
        ));
    lines.join("\n")
}
