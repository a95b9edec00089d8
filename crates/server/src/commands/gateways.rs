//! `gateways`: which there are, which are offered, and where their settings come from.

use std::process::ExitCode;

use payment_domain::GatewayName;
use serde_json::json;

use crate::cli::GatewaysArgs;
use crate::config::{Loaded, gateways};
use crate::failure::Outcome;
use crate::terminal::{Paint, say, say_json};

struct Row {
    name: String,
    active: bool,
    protocol: String,
    places: Vec<String>,
}

pub(super) fn run(loaded: &Loaded, args: &GatewaysArgs) -> Outcome<ExitCode> {
    let rows = rows(loaded);
    if args.json {
        let gateways: Vec<_> = rows
            .iter()
            .map(|row| {
                json!({ "name": row.name, "active": row.active, "protocol": row.protocol, "settingsFrom": row.places })
            })
            .collect();
        say_json(&format!("{:#}", json!(gateways)))?;
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
        places: loaded.places(prefix),
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
    let width =
        |of: fn(&Row) -> &str| rows.iter().map(|row| of(row).chars().count()).max().unwrap_or_default();
    let (name_width, protocol_width) = (width(|row| &row.name), width(|row| &row.protocol));
    let mut lines = vec![paint.title(&format!(
        "{:name_width$}  {:8}  {:protocol_width$}  settings from",
        "gateway", "offered", "protocol"
    ))];
    for row in rows {
        let offered = if row.active {
            paint.good(&format!("{:8}", "yes"))
        } else {
            paint.quiet(&format!("{:8}", "no"))
        };
        let places = if row.places.is_empty() { "defaults".to_owned() } else { row.places.join(", ") };
        lines
            .push(format!("{:name_width$}  {offered}  {:protocol_width$}  {places}", row.name, row.protocol));
    }
    lines.push(String::new());
    lines
        .push(paint.quiet(
            "Switch one on with <gateway>.active=true; `pg-service check-config` shows its settings. docs/remote-gateway.md tells how to add one.",
        ));
    lines.join("\n")
}
