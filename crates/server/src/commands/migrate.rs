//! `migrate`: brings the database up to date, or says whether it is.

use std::process::ExitCode;

use payment_store_sqlite::{MigrationState, Options, SqliteStore};

use crate::cli::MigrateArgs;
use crate::config::Config;
use crate::failure::{Failure, Outcome};
use crate::service::data_folder::DataFolder;
use crate::terminal::{Paint, say};

pub(super) fn run(config: &Config, args: &MigrateArgs) -> Outcome<ExitCode> {
    let paint = Paint::detect();
    if args.check { check(config, paint) } else { migrate(config, paint) }
}

fn check(config: &Config, paint: Paint) -> Outcome<ExitCode> {
    let database = DataFolder::existing_database(&config.data_dir)?;
    let states = SqliteStore::migrations(&database)
        .map_err(|error| Failure::new(format!("{} cannot be read", database.display())).because(&error))?;
    let pending = states.iter().filter(|state| state.applied_at_ms.is_none()).count();
    let mut out = format!("{}\n", paint.title(&database.display().to_string()));
    states.iter().for_each(|state| out.push_str(&line(paint, state, "applied")));
    if pending == 0 {
        out.push_str(&paint.good("The database is up to date."));
    } else {
        out.push_str(
            &paint.waiting(&format!("{pending} pending: `pg-service migrate` applies what is pending.")),
        );
    }
    say(&out)?;
    Ok(if pending == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn migrate(config: &Config, paint: Paint) -> Outcome<ExitCode> {
    let database = DataFolder::prepare(&config.data_dir)?.database();
    let store = SqliteStore::open(&database, &Options::default()).map_err(|error| {
        Failure::new(format!("{} cannot be brought up to date", database.display())).because(&error)
    })?;
    let report = store.migrated();
    let mut out = format!("{}\n", paint.title(&database.display().to_string()));
    report.present.iter().for_each(|state| out.push_str(&line(paint, state, "applied before")));
    report.applied.iter().for_each(|state| out.push_str(&line(paint, state, "applied now")));
    for version in &report.newer {
        out.push_str(&format!("  {version:04}  applied by a newer version of this program\n"));
    }
    out.push_str(&paint.good(match report.applied.len() {
        0 => "Nothing to do: the database is up to date.",
        _ => "The database is up to date.",
    }));
    say(&out)?;
    Ok(ExitCode::SUCCESS)
}

fn line(paint: Paint, state: &MigrationState, applied: &str) -> String {
    let standing = match state.applied_at_ms {
        Some(_) => paint.quiet(applied),
        None => paint.waiting("pending"),
    };
    format!("  {:04}  {}  {standing}\n", state.version, state.name)
}
