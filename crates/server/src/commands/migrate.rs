//! `migrate`: brings the database up to date, or says whether it is.

use std::process::ExitCode;

use payment_store::migration::MigrationState;

use super::{flyway, load_from, refused, small_runtime};
use crate::cli::{MigrateArgs, SettingArgs};
use crate::failure::Outcome;
use crate::service::{self, Migrated, Migrations};
use crate::terminal::{Paint, say};

pub(super) fn run(settings: &SettingArgs, args: &MigrateArgs) -> Outcome<ExitCode> {
    let paint = Paint::detect();
    let mut sources = settings.sources();
    if args.flyway {
        flyway::take(&mut sources.environment)?;
    }
    let config = load_from(&sources)?.into_config().map_err(|problems| refused(&problems))?;
    let runtime = small_runtime()?;
    if args.check {
        check(&runtime.block_on(service::migrations(&config))?, paint)
    } else {
        migrate(&runtime.block_on(service::migrate(&config))?, paint)
    }
}

fn check(found: &Migrations, paint: Paint) -> Outcome<ExitCode> {
    let pending = found.states.iter().filter(|state| state.applied_at_ms.is_none()).count();
    let mut out = format!("{}\n", paint.title(&found.database));
    found.states.iter().for_each(|state| out.push_str(&line(paint, state, "applied")));
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

fn migrate(Migrated { database, report }: &Migrated, paint: Paint) -> Outcome<ExitCode> {
    let mut out = format!("{}\n", paint.title(database));
    report.present.iter().for_each(|state| out.push_str(&line(paint, state, "applied before")));
    report.applied.iter().for_each(|state| out.push_str(&line(paint, state, "applied now")));
    for version in &report.newer {
        out.push_str(&format!("  {version:04}  applied by a newer version of this program\n"));
    }
    if report.adopted_rows > 0 {
        out.push_str(&format!("  {} transactions of an earlier service adopted\n", report.adopted_rows));
    }
    let odd = &report.odd_rows;
    if odd.count > 0 {
        out.push_str(&paint.waiting(&format!(
            "  {} transactions of the earlier service hold what this service does not know; they are shown as they are:\n",
            odd.count
        )));
        for (id, oddity) in &odd.named {
            out.push_str(&format!("    {}  {oddity}\n", id.escape_debug()));
        }
        if odd.count > odd.named.len() as u64 {
            out.push_str("    …\n");
        }
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
