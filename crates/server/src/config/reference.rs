//! `docs/configuration.md`, written from the table.

use std::fmt::Write;

use super::setting::{Fallback, Setting, Shape, Standing};
use super::table::SECTIONS;

const INTRODUCTION: &str = "\
# Configuration

<!-- Written by `pg-service config-reference`; a test compares. Change the table in the code. -->

Nothing has to be configured: without any setting the service runs on 127.0.0.1:9000 with an embedded
database, the sandbox gateway and stand-ins for DIGIT's services.

Settings come from these places; a later one counts more:

1. the defaults below;
2. a TOML file: `--config FILE`, or `pg-service.toml` in the working folder. Tables are flattened, so
   that `port = 8080` under `[server]` is `server.port`; where one name goes on behind another
   (`payu.url`, `payu.url.status`) it is quoted: `\"url.status\" = \"…\"` under `[payu]`;
3. a Java properties file, such as that of `egov-pg-service`: `--properties FILE`;
4. the environment: `server.port` is `SERVER_PORT` as Spring binds it (upper case, dots to underscores,
   dashes dropped or written as underscores), and every setting has a name of its own with the prefix
   `PG_SERVICE_`, which counts more: `data.dir` is `PG_SERVICE_DATA_DIR`;
5. the command line: `--data-dir`, `--port` and others (see `pg-service --help`), and `--set NAME=VALUE`
   for every setting except secrets.

A blank value is no value. A **secret** is never shown; it can also be kept in a file of its own that is
named by `<name>.file`, or `<VARIABLE>_FILE` in the environment. Settings *per tenant* are named
`<name>.<tenant>`, and `<name>` alone (or `<name>.*`) stands for all other tenants. In the environment
the name of a remote gateway is written in upper case with underscores for dashes: `base-url` of `city-pay`
is `PG_SERVICE_REMOTE_CITY_PAY_BASE_URL`.

`pg-service check-config` shows every problem together with the place it came from, and the effective
settings with their origins.

";

/// The whole document.
pub fn document() -> String {
    let mut out = INTRODUCTION.to_owned();
    for section in SECTIONS {
        let _ = writeln!(out, "## {}\n", section.title);
        let used: Vec<_> =
            section.settings.iter().filter(|setting| setting.standing == Standing::Used).collect();
        if !used.is_empty() {
            out.push_str("| Setting | Default | What it is for |\n|---|---|---|\n");
            used.iter().for_each(|setting| row(&mut out, setting));
            out.push('\n');
        }
        let unsupported: Vec<_> =
            section.settings.iter().filter(|setting| setting.standing != Standing::Used).collect();
        if !unsupported.is_empty() {
            out.push_str("Known names that this build does not act on:\n\n| Setting | What it is for | When it is set |\n|---|---|---|\n");
            unsupported.iter().for_each(|setting| unsupported_row(&mut out, setting));
            out.push('\n');
        }
    }
    out.truncate(out.trim_end().len());
    out.push('\n');
    out
}

fn row(out: &mut String, setting: &Setting) {
    let default = match setting.fallback {
        Fallback::Unset => String::new(),
        Fallback::Value(value) => format!("`{value}`"),
        Fallback::WorkedOut(how) => how.to_owned(),
    };
    let secret = if setting.secret { " **Secret.**" } else { "" };
    let accepts = setting.kind.accepts();
    let accepts = if accepts == "text" { String::new() } else { format!(" Accepts {accepts}.") };
    let _ = writeln!(out, "| {} | {default} | {}{accepts}{secret} |", name(setting), setting.doc);
}

fn unsupported_row(out: &mut String, setting: &Setting) {
    let when_set = match setting.standing {
        Standing::Used => "it takes effect".to_owned(),
        Standing::Idle(why) => format!("no effect: {why}"),
        Standing::Refused(instead) => format!("**the service does not start**: {instead}"),
    };
    let _ = writeln!(out, "| {} | {} | {when_set} |", name(setting), setting.doc);
}

fn name(setting: &Setting) -> String {
    let alias = setting.alias.map(|alias| format!(" (or `{alias}`)")).unwrap_or_default();
    let below = match setting.shape {
        // The key itself says where the name stands.
        Shape::Single | Shape::Named => "",
        Shape::PerTenant => "[.<tenant>]",
        Shape::Below => ".…",
    };
    format!("`{}{below}`{alias}", setting.key)
}
